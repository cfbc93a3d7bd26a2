/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load.h - initiations while the agent is under load (WireGuard paper, 5.3, 5.4.4, 5.4.7). The agent says that
 * it is, and what its cookies are made with. From then on
 *
 *     a valid cookie      goes on, at the rate of its source (/32 or /64), as in proto/ratelimit.c
 *     none, or a bad one  goes on to be answered by a cookie, at a rate the agent does not feel, and is
 *                         dropped above that
 *
 * so that a flood reaches neither the agent nor its socket. Who asks for a first cookie competes only with others
 * who ask now and then: the sources that ask all the time have a rate of their own among them. As long as one of
 * the two rates is exceeded, it stays load.
 */
#ifndef WGXDP_BPF_LOAD_H
#define WGXDP_BPF_LOAD_H

#include "maps.h"
#include "parse.h"

/*
 * Takes one from a bucket: the time until which it is spent in advance (the "generic cell rate algorithm" of
 * ITU-T I.371), which is the token bucket of proto/ratelimit.c in one word that changes in one instruction.
 */
WGXDP_INLINE bool take(uint64_t *spent_until, uint64_t per_second, uint64_t burst, uint64_t now)
{
	const uint64_t cost = NANOSECONDS_PER_SECOND / per_second;

	/* another CPU may be faster, but not for ever */
	for (int i = 0; i < 4; i++) {
		uint64_t before = *(volatile uint64_t *)spent_until;
		uint64_t after = (before > now ? before : now) + cost;

		if (after > now + burst * cost)
			return false;
		if (__sync_val_compare_and_swap(spent_until, before, after) == before)
			return true;
	}
	return false;
}

/* A source that nobody has heard of has a bucket that is full; so one that is forgotten is no worse off. */
WGXDP_INLINE bool take_of_source(const struct outer *outer, uint32_t tunnel, bool has_cookie,
				 uint64_t now)
{
	struct source_key key = {
		.prefix = load_le64(outer->from.address),
		.tunnel = tunnel,
		.family = outer->from.family,
		.has_cookie = has_cookie,
	};
	uint64_t fresh = now + NANOSECONDS_PER_SECOND / RATELIMIT_PACKETS_PER_SECOND;
	uint64_t *spent_until = bpf_map_lookup_elem(&sources, &key);

	if (spent_until)
		return take(spent_until, RATELIMIT_PACKETS_PER_SECOND, RATELIMIT_PACKETS_BURST,
			    now);
	bpf_map_update_elem(&sources, &key, &fresh, BPF_ANY);
	return true;
}

/* The cookie of a source is made again from the secret: 16 bytes over its address and port. */
WGXDP_INLINE void make_cookie(uint8_t cookie[COOKIE_LENGTH], const struct tunnel_value *tunnel,
			      const struct outer *outer)
{
	const uint8_t *address = outer->from.address;
	uint32_t port = outer->from.port[0] | (uint32_t)outer->from.port[1] << 8;
	uint32_t source[5] = {load_le32(address), port, 0, 0, 0};

	if (outer->from.family == FAMILY_IPV4) {
		blake2s_with_key(cookie, COOKIE_LENGTH, &tunnel->cookie_key, source, 4 + 2);
		return;
	}
	for (int i = 1; i < 4; i++)
		source[i] = load_le32(address + 4 * i);
	source[4] = port;
	blake2s_with_key(cookie, COOKIE_LENGTH, &tunnel->cookie_key, source, 16 + 2);
}

/* mac2: everything in front of it by the cookie. Most of a flood has zeros there, which cost nothing. */
WGXDP_INLINE bool has_valid_cookie(struct xdp_md *xdp, const struct outer *outer,
				   const struct tunnel_value *tunnel, uint64_t now)
{
	const uint8_t *data = (const uint8_t *)(long)xdp->data;
	const uint8_t *end = (const uint8_t *)(long)xdp->data_end;
	const struct message_handshake_initiation *message;
	uint8_t cookie[COOKIE_LENGTH], expected[COOKIE_LENGTH];
	const uint8_t *mac2;

	if (!tunnel->cookie_birth || now > tunnel->cookie_birth + COOKIE_SECRET_MAX_AGE)
		return false;
	message = (const void *)(data + (outer->offset & 63));
	mac2 = message->macs.mac2;
	if ((const uint8_t *)(message + 1) > end || !(load_le64(mac2) | load_le64(mac2 + 8)))
		return false;
	make_cookie(cookie, tunnel, outer);
	blake2s(expected, sizeof(expected), cookie, sizeof(cookie), message,
		offsetof(struct message_handshake_initiation, macs.mac2));
	/* the whole difference before the question, so that the time does not tell how much was right */
	return !((load_le64(expected) ^ load_le64(mac2)) |
		 (load_le64(expected + 8) ^ load_le64(mac2 + 8)));
}

/* An initiation with a good mac1. DELIVERED: the agent may have it. A function of its own, for the stack's sake. */
WGXDP_CALLED int check_load(struct xdp_md *xdp, const struct outer *outer,
			    const struct tunnel_value *tunnel, uint32_t tunnel_id, uint64_t now)
{
	struct load_value *load;
	bool is_allowed;
	uint32_t place;

	if (!outer || !tunnel)
		return VERDICT_FLOODED;
	place = tunnel->counters;
	load = bpf_map_lookup_elem(&loads, &place);
	if (!load || load->until <= now)
		return VERDICT_DELIVERED;
	if (has_valid_cookie(xdp, outer, tunnel, now))
		return take_of_source(outer, tunnel_id, true, now) ? VERDICT_DELIVERED
								   : VERDICT_RATE_LIMITED;
	is_allowed = take_of_source(outer, tunnel_id, false, now)
			     ? take(&load->spent_on_rare, UNDER_LOAD_RARE_PER_SECOND,
				    UNDER_LOAD_BURST, now)
			     : take(&load->spent_on_frequent, UNDER_LOAD_FREQUENT_PER_SECOND,
				    UNDER_LOAD_BURST, now);
	if (is_allowed)
		return VERDICT_DELIVERED;
	load->until = now + UNDER_LOAD_AFTER_TIME;
	return VERDICT_FLOODED;
}

#endif
