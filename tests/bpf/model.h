/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * model.h - what the data path should do, slowly and plainly: written from abi.h, architecture.md and the
 * WireGuard paper (5.4.6, 6), over a `struct state` and libsodium, sharing no code with bpf/. The replay
 * window is a list of all counters seen, the allowed IPs are a list too.
 */
#ifndef WGXDP_TESTS_MODEL_H
#define WGXDP_TESTS_MODEL_H

#include <bpf/world.h>

enum { ACTION_OK = 0, ACTION_SHOT = 2, ACTION_REDIRECT = 7 };

/* `state` becomes what it should be after the frame; notes written at the time of the run say NOW. */
void model_rx(struct state *state, const uint8_t *frame, uint32_t length, struct outcome *outcome);
void model_tx(struct state *state, bool by_agent, uint32_t mark, const uint8_t *frame,
	      uint32_t length, struct outcome *outcome);

/* What is the first difference, or NULL. `actual` was read back from the maps. */
const char *difference(const struct outcome *expected, const struct outcome *actual);
const char *state_difference(const struct state *before, const struct state *expected,
			     const struct state *actual, const struct outcome *outcome);

/* The frame goes through the model and through the program, from the state `before`; what differs, or NULL. What the
 * program did is in `got`. */
const char *rx_as_modelled(struct world *world, const struct state *before, const uint8_t *frame,
			   uint32_t length, struct outcome *got);
const char *tx_as_modelled(struct world *world, const struct state *before, bool by_agent,
			   uint32_t mark, const uint8_t *frame, uint32_t length,
			   struct outcome *got);

/* Shared by the two sides of the model. */
struct model {
	struct state *state;
	struct outcome *outcome;
	uint64_t now;
	int peer;
	int session;
};

struct told *model_tell(struct model *model, enum event_kind kind, uint32_t peer, uint32_t session,
			uint64_t counter);
/* The id of the peer that owns the longest prefix of an address, 0 for nobody. */
uint32_t model_owner(uint32_t tunnel, uint8_t family, const uint8_t *address);
/* Moves the clock of a limit, or says that it may not be. */
bool model_is_over_limit(struct model *model, uint64_t *until, uint32_t bytes);
int model_peer(const struct state *state, uint32_t id);
int model_session(uint32_t index);
/* The length that an IP packet of `available` bytes claims, 0 when it is not whole. */
uint32_t model_inner_length(const uint8_t *packet, uint32_t available);
/* What user/proto/tunnel.c says of a message that is not data, as far as that is the filter's to say too;
 * DELIVERED: the agent is to have it. */
enum verdict model_handshake(struct model *model, uint32_t tunnel, const struct endpoint *from,
			     const uint8_t *message, uint32_t length);
/* Every 256th packet tells when the one 256 before it was less than 50 ms ago. */
void model_pace(struct model *model, uint64_t *paced, enum session_told bit, enum event_kind kind,
		uint64_t counter);
/* What BPF says to whoever computes keystream ahead, and whether the packet takes what was prepared. */
void model_want(struct model *model, uint32_t stream, uint64_t counter, uint32_t length);
bool model_take(struct model *model, uint32_t stream, enum keystream_direction direction,
		uint64_t counter, uint32_t length);
/* The segment size that a SYN announces, as large as the tunnel lets it be. */
void model_clamp(const struct tunnel_value *tunnel, uint8_t *packet, uint32_t length);
void model_count(struct model *model, enum verdict verdict);

#endif
