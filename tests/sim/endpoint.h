/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * endpoint.h - one simulated machine: the tunnel under test, an agent that carries its operations
 * out (endpoint.c), and a data path that plays the part of the BPF programs (transport.c).
 */
#ifndef WGXDP_TESTS_SIM_ENDPOINT_H
#define WGXDP_TESTS_SIM_ENDPOINT_H

#include <proto/peer.h>
#include <proto/stage.h>
#include <wgxdp/aead.h>
#include <wgxdp/replay.h>

#include "wire.h"

enum endpoint_size {
	PEERS_MAX = ENDPOINTS_MAX - 1,
	/* three sessions and a handshake at rest; more only while one takes another's place */
	INDICES_PER_PEER = 4,
	INDEX_SLOTS = 6 * PEERS_MAX,
	RATELIMIT_BUCKETS = 64,
	NOTES_MAX = 1024,
	/* a peer has five timers, and none of them is ever armed for less than a second */
	TICKS_PER_SECOND_MAX = 10,
};

/* A receiver index: reserved by a handshake, then perhaps a session of the data path. */
struct index_slot {
	bool reserved;
	bool has_session;
	uint32_t index;
	struct sim_peer *peer;
	/* ---- with a session: */
	struct aead_key sending_key;
	struct aead_key receiving_key;
	uint32_t remote_index;
	uint64_t birth;
	uint64_t sending_counter;
	bool i_am_the_initiator;
	bool may_send;
	struct replay_window received;
};

struct sim_peer {
	struct peer peer;
	struct endpoint *owner;
	enum who remote;
	/* between peer_init() and the return of peer_remove() */
	bool exists;
	bool has_address;
	struct cookie_source address;
	struct stage stage;
	/* the session packets are sent with, or NULL */
	struct index_slot *sending;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	/* what deadline_changed() announced last */
	uint64_t deadline;
	/* ticks in the second that began then */
	unsigned int ticks;
	uint64_t ticks_since;
	/* when a handshake message was last sent, for the rule of one initiation in five seconds */
	uint64_t last_handshake;
	bool has_last_handshake;
	unsigned int source_forgotten;
};

static inline struct sim_peer *sim_peer(struct peer *peer)
{
	return (struct sim_peer *)((char *)peer - offsetof(struct sim_peer, peer));
}

/* What the data path saw and the agent was not told yet. */
struct note {
	struct sim_peer *peer;
	bool received;
	bool data;
	uint32_t local_index;
	uint64_t counter;
	uint64_t when;
};

struct endpoint {
	struct world *world;
	enum who who;
	struct tunnel tunnel;
	struct ratelimit_bucket buckets[RATELIMIT_BUCKETS];
	uint8_t private_key[NOISE_PUBLIC_KEY_LENGTH];
	struct cookie_source address;
	/* nanoseconds this wall clock is ahead of the world's */
	int64_t wall_step;
	bool under_load;
	bool no_indices;
	/* one handshake a peer, as in the kernel's WireGuard: to answer an initiation is to forget ours */
	bool forgets_its_own;
	struct sim_peer peers[PEERS_MAX];
	struct index_slot slots[INDEX_SLOTS];
	struct note notes[NOTES_MAX];
	size_t note_count;
	uint64_t verdicts[VERDICT_COUNT];
};

/* A machine without peers at 192.0.2.(who + 1):51820. */
void endpoint_init(struct endpoint *endpoint, struct world *world, enum who who);
void endpoint_set_private_key(struct endpoint *endpoint, const uint8_t *private_key);
/* A peer with the other's present public key, started, at the other's present address. */
struct sim_peer *endpoint_add_peer(struct endpoint *endpoint, const struct endpoint *other);
void endpoint_remove_peer(struct sim_peer *peer);
void endpoint_stop_peer(struct sim_peer *peer);
void endpoint_receive(struct endpoint *endpoint, const struct datagram *datagram);
/* Tells the protocol what the data path has noted. */
void endpoint_flush_notes(struct endpoint *endpoint);
/* After everything that happened: notes that are not delayed are told, and what must hold between
 * any two events is looked at. */
void endpoint_settle(struct endpoint *endpoint);

struct index_slot *endpoint_slot(struct endpoint *endpoint, uint32_t index);
unsigned int endpoint_indices(const struct endpoint *endpoint, const struct sim_peer *peer);
/* From this endpoint's address to where it believes the peer to be. */
void endpoint_send(struct sim_peer *peer, const void *bytes, size_t length);

/* The data path's part of struct tunnel_ops. */
void transport_begin_session(void *context, struct peer *peer,
			     const struct noise_session_keys *keys, uint64_t birth);
void transport_session_confirmed(void *context, struct peer *peer, uint32_t local_index);
void transport_end_session(void *context, struct peer *peer, uint32_t local_index);
void transport_stop_sending(void *context, struct peer *peer, uint32_t local_index);
unsigned int transport_send_staged(void *context, struct peer *peer);
void transport_drop_staged(void *context, struct peer *peer);
bool transport_send_keepalive(void *context, struct peer *peer);

/* A packet of the stack for the peer: sent, or staged until there is a session. */
void transport_send(struct sim_peer *peer, uint64_t payload);
void transport_stage(struct sim_peer *peer, uint64_t payload);
enum verdict transport_receive(struct endpoint *endpoint, const struct datagram *datagram);
bool transport_can_send(const struct index_slot *slot, uint64_t now);

#endif
