/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forge.h - handshake messages made outside of any endpoint: what a peer that keeps to no timer, a
 * stranger or a thief of a private key could send. The forger has no sessions and reads no clock but
 * the world's.
 */
#ifndef WGXDP_TESTS_SIM_FORGE_H
#define WGXDP_TESTS_SIM_FORGE_H

#include "world.h"

struct forger {
	struct world *world;
	enum who target;
	struct noise_identity identity;
	struct noise_handshake handshake;
	struct noise_index_allocator indices;
	struct cookie_maker cookie_maker;
	struct cookie_source address;
	uint32_t next_index;
};

/* Knows this private key, and sends from 192.0.2.77:7777 unless told otherwise. */
void forger_init(struct forger *forger, struct world *world, const uint8_t *private_key,
		 enum who target);
/* Good in every respect, mac2 included when the forger was given a cookie. */
struct datagram forge_initiation(struct forger *forger);
/* Noise with a good mac1, addressed to a handshake or session of the target. */
struct datagram forge_response(struct forger *forger, uint32_t receiver_index);
/* A datagram arrives now; returns the one verdict it got. */
enum verdict inject(struct world *world, enum who at, const struct datagram *datagram);

#endif
