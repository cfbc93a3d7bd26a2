/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * keystream.h - ChaCha20 keystream that the agent computed ahead of a busy session's packets, with the machine's
 * vectors, which BPF has not. BPF takes the nonce as ever; when the keystream of that nonce lies ready it mixes it
 * with the text and authenticates, and when it does not it computes both. So a slow, stopped or killed agent costs
 * speed and nothing else.
 *
 *     agent:  EMPTY --> filling: writes bytes, owner, counter --> READY
 *     BPF:    READY --> IN_USE: is it of this session, direction and counter? --> EMPTY, or READY as it was
 *
 * Who moves a slot from EMPTY is the agent alone; out of READY it goes by compare-and-exchange, so that one takes
 * it. What lies in a slot is therefore that of its header for as long as BPF reads it, and a nonce is taken once: no
 * keystream meets two texts.
 */
#ifndef WGXDP_KEYSTREAM_H
#define WGXDP_KEYSTREAM_H

#include <wgxdp/aead.h>

enum keystream_size {
	/* sessions times directions at the same time, of one tunnel */
	KEYSTREAMS_MAX = 16,
	/* how far ahead: two milliseconds of 250 000 packets a second. Half of that is used up before the agent
	 * comes round; twice that does not stay in the cache */
	KEYSTREAM_SLOTS = 512,
};

enum keystream_direction {
	KEYSTREAM_SENDING,
	KEYSTREAM_RECEIVING,
};

enum keystream_state {
	KEYSTREAM_EMPTY,
	KEYSTREAM_FILLING,
	KEYSTREAM_READY,
	KEYSTREAM_IN_USE,
};

/* Of one packet. */
struct keystream_slot {
	/* enum keystream_state */
	uint32_t state;
	/* of the text that it is enough for */
	uint32_t length;
	/* the session, of which no two begin at the same nanosecond under one index, and the direction */
	uint64_t birth;
	uint32_t local_index;
	uint32_t direction;
	uint64_t counter;
	/* block 0, whose first half is the authenticator's key, then the text's */
	struct aead_block first_block;
	uint8_t text[AEAD_KEYSTREAM_MAX];
};

struct keystream {
	/* BPF -> agent: the counter that is needed next, and the longest text since the agent set it to 0 */
	uint64_t wanted;
	uint32_t length_wanted;
	uint32_t unused;
	/* BPF: packets with keystream that lay ready, and without */
	uint64_t taken;
	uint64_t missed;
	struct keystream_slot slots[KEYSTREAM_SLOTS];
};

_Static_assert(KEYSTREAM_SLOTS > 0 && !(KEYSTREAM_SLOTS & (KEYSTREAM_SLOTS - 1)), "a mask");
_Static_assert(sizeof(struct keystream_slot) % 32 == 0, "texts stay aligned");

WGXDP_INLINE bool keystream_is_of(const struct keystream_slot *slot, uint64_t birth,
				  uint32_t local_index, enum keystream_direction direction,
				  uint64_t counter)
{
	return slot->birth == birth && slot->local_index == local_index &&
	       slot->direction == (uint32_t)direction && slot->counter == counter;
}

#endif
