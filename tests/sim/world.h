/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * world.h - two or three endpoints, a wire between them and one virtual clock.
 *
 *     world_send() -> transport stub -> wire (delay, loss, ...) -> transport stub -> ledger
 *                         |  notes                                     |  notes
 *                     struct peer  <------ handshake messages ----> struct peer
 *
 * Nothing here sleeps or depends on the machine: a world is a function of its seed. Every payload has
 * a number and is checked on arrival: the right place, the right bytes, once. Every (key, counter)
 * is remembered, and a repeat fails the test. A failure names the seed and the virtual time.
 */
#ifndef WGXDP_TESTS_SIM_WORLD_H
#define WGXDP_TESTS_SIM_WORLD_H

#include <criterion/criterion.h>

#include "endpoint.h"
#include "wire.h"

enum event_kind { EVENT_TICK, EVENT_ARRIVAL, EVENT_NOTES };

struct event {
	uint64_t when;
	/* of two events at the same time the one scheduled first comes first */
	uint64_t order;
	enum event_kind kind;
	/* EVENT_TICK: of this peer, unless its deadline is no longer this one */
	struct sim_peer *peer;
	uint64_t deadline;
	/* EVENT_ARRIVAL; owned by the event */
	struct datagram *datagram;
	/* EVENT_NOTES */
	struct endpoint *endpoint;
};

struct payload {
	enum who from;
	enum who to;
	uint64_t sent_at;
	uint64_t delivered_at;
	bool delivered;
};

struct nonce {
	uint64_t key;
	uint64_t counter;
	bool used;
};

struct world {
	uint64_t seed;
	uint64_t random_state;
	uint64_t now;
	bool tracing;
	/* notes of the data path reach the agent up to this much later; 0: at once */
	uint64_t notes_delay;
	/* ticks come up to this much after their deadline */
	uint64_t tick_delay;

	unsigned int endpoint_count;
	struct endpoint endpoints[ENDPOINTS_MAX];
	struct wire wire;

	struct event *events;
	size_t event_count;
	size_t event_capacity;
	uint64_t event_order;

	struct payload *payloads;
	size_t payload_count;
	size_t payload_capacity;
	size_t delivered_count;

	/* open addressing; capacity is a power of two */
	struct nonce *nonces;
	size_t nonce_count;
	size_t nonce_capacity;
};

/* Endpoints that are all peers of each other, and a wire that delays by 10 ms and does nothing else. */
struct world *world_new(uint64_t seed, unsigned int endpoint_count);
void world_free(struct world *world);

void world_run_until(struct world *world, uint64_t when);
void world_run_for(struct world *world, uint64_t duration);

/* One payload from an endpoint's stack to another; returns its number. */
size_t world_send(struct world *world, enum who from, enum who to);
/* As above, but the agent is not told that a session is wanted. */
size_t world_stage(struct world *world, enum who from, enum who to);
bool world_delivered(const struct world *world, size_t payload);
/* A datagram arrives now, whoever made it. */
void world_inject(struct world *world, const struct datagram *datagram);
/* ALICE makes a session with BOB and both have confirmed it. Returns its birth at ALICE. */
uint64_t world_establish(struct world *world);

struct sim_peer *world_peer(struct world *world, enum who owner, enum who remote);

/* The log of the wire: a mark is a place in it. */
size_t world_mark(const struct world *world);
unsigned int world_sent_count(const struct world *world, size_t mark, enum who from,
			      unsigned int kinds);
/* The n-th (from 0) of these kinds since the mark; fails the test when there is none. */
const struct sent *world_sent(struct world *world, size_t mark, enum who from, unsigned int kinds,
			      unsigned int n);

/* ---- for the parts of the world ---- */
uint64_t world_random(struct world *world);
void world_random_bytes(struct world *world, void *out, size_t length);
void world_schedule(struct world *world, struct event event);
void world_arrived(struct world *world, enum who at, const uint8_t *bytes, size_t length);
void world_fill_payload(size_t payload, uint8_t bytes[static PAYLOAD_LENGTH]);
void world_sealed(struct world *world, const struct aead_key *key, uint64_t counter);
void *world_resize(void *memory, size_t count, size_t size);
const char *world_name(enum who who);
__attribute__((format(printf, 3, 4))) void world_trace(const struct world *world, enum who who,
						       const char *format, ...);
__attribute__((format(printf, 2, 3), noreturn)) void world_fail(const struct world *world,
								const char *format, ...);

/* ---- for the tests: these fail with seed and time ---- */
#define expect(world, condition)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			world_fail((world), "%s:%d: %s", __FILE_NAME__, __LINE__, #condition);     \
	} while (0)

#define expect_equal(world, value, expected)                                                       \
	do {                                                                                       \
		uint64_t value_ = (value), expected_ = (expected);                                 \
		if (value_ != expected_)                                                           \
			world_fail((world), "%s:%d: %s is %llu, not %llu", __FILE_NAME__,          \
				   __LINE__, #value, (unsigned long long)value_,                   \
				   (unsigned long long)expected_);                                 \
	} while (0)

#define expect_between(world, value, low, high)                                                    \
	do {                                                                                       \
		uint64_t value_ = (value), low_ = (low), high_ = (high);                           \
		if (value_ < low_ || value_ > high_)                                               \
			world_fail((world), "%s:%d: %s is %llu, not in [%llu, %llu]",              \
				   __FILE_NAME__, __LINE__, #value, (unsigned long long)value_,    \
				   (unsigned long long)low_, (unsigned long long)high_);           \
	} while (0)

#endif
