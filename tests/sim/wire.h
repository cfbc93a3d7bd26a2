/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wire.h - the network between the simulated endpoints: it delays, loses, duplicates, reorders (by
 * unequal delay) and corrupts, all by the world's seed, and remembers every datagram it was given.
 *
 * It is not an attacker: what a test forges, holds back or replays it takes from the log and hands
 * to world_inject().
 */
#ifndef WGXDP_TESTS_SIM_WIRE_H
#define WGXDP_TESTS_SIM_WIRE_H

#include <proto/cookie.h>
#include <wgxdp/limits.h>
#include <wgxdp/wire.h>

struct world;

enum who { ALICE, BOB, CAROL, ENDPOINTS_MAX, STRANGER = ENDPOINTS_MAX };

/* The four messages, with the keepalive apart. */
enum kind {
	KIND_INITIATION = MESSAGE_HANDSHAKE_INITIATION,
	KIND_RESPONSE = MESSAGE_HANDSHAKE_RESPONSE,
	KIND_COOKIE = MESSAGE_HANDSHAKE_COOKIE,
	KIND_DATA = MESSAGE_DATA,
	KIND_KEEPALIVE,
};

#define ONLY(kind) (1u << (kind))
#define TRANSPORT (ONLY(KIND_DATA) | ONLY(KIND_KEEPALIVE))
#define EVERYTHING (~0u)

enum wire_size {
	/* every payload has this length: an IP packet of 84 bytes, padded */
	PAYLOAD_LENGTH = 96,
	DATAGRAM_MAX = 160,
};

struct datagram {
	struct cookie_source from;
	struct cookie_source to;
	size_t length;
	uint8_t bytes[DATAGRAM_MAX];
};

struct sent {
	uint64_t when;
	enum who from;
	enum kind kind;
	struct datagram datagram;
};

struct wire {
	/* per mille of the datagrams */
	unsigned int loss;
	unsigned int duplicates;
	unsigned int corruption;
	/* a datagram takes delay + [0, jitter] */
	uint64_t delay;
	uint64_t jitter;
	/* a duplicate comes up to this much after the original might */
	uint64_t duplicate_lag;
	/* kinds of message, by sender, of which none arrives */
	unsigned int drop[ENDPOINTS_MAX];

	struct sent *log;
	size_t logged;
	size_t log_capacity;

	uint64_t newest_arrival;
	unsigned int lost, duplicated, corrupted, reordered;
};

/* IPv4 192.0.2.`host`. */
struct cookie_source wire_address(uint8_t host, uint16_t port);
bool wire_same_address(const struct cookie_source *a, const struct cookie_source *b);

enum kind wire_kind(const void *bytes, size_t length);
const char *wire_kind_name(enum kind kind);

void wire_send(struct world *world, enum who from, const struct cookie_source *source,
	       const struct cookie_source *destination, const void *bytes, size_t length);

#endif
