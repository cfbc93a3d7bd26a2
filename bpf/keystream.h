/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * keystream.h - taking keystream that the agent computed ahead, and asking for it: a direction of a session becomes
 * busy when PACE packets pass in less than BUSY_TIME. Protocol of the slots: include/wgxdp/keystream.h.
 */
#ifndef WGXDP_BPF_KEYSTREAM_H
#define WGXDP_BPF_KEYSTREAM_H

#include "events.h"
#include "maps.h"

enum { PACE = 256 };
#define BUSY_TIME MILLISECONDS(50)

WGXDP_INLINE struct keystream *keystream_of(uint32_t tunnel, uint32_t stream)
{
	void *streams = bpf_map_lookup_elem(&keystreams, &tunnel);
	uint32_t index = stream - 1;

	return streams ? bpf_map_lookup_elem(streams, &index) : NULL;
}

/* A number of no consequence when two CPUs write it at once. */
WGXDP_INLINE void want_keystream(struct keystream *keystream, uint64_t counter, uint32_t length)
{
	if (keystream->wanted <= counter)
		keystream->wanted = counter + 1;
	if (keystream->length_wanted < length)
		keystream->length_wanted = length;
}

WGXDP_INLINE void release_keystream(struct keystream_slot *slot, enum keystream_state state)
{
	__sync_lock_test_and_set(&slot->state, state);
}

WGXDP_INLINE struct keystream_slot *take_slot(struct keystream *keystream,
					      const struct transport_session *session,
					      uint32_t local_index,
					      enum keystream_direction direction, uint64_t counter,
					      uint32_t length)
{
	struct keystream_slot *slot = &keystream->slots[counter % KEYSTREAM_SLOTS];

	if (*(volatile uint32_t *)&slot->state != KEYSTREAM_READY ||
	    __sync_val_compare_and_swap(&slot->state, KEYSTREAM_READY, KEYSTREAM_IN_USE) !=
		    KEYSTREAM_READY)
		return NULL;
	/* what it holds is certain only now */
	if (keystream_is_of(slot, session->birth, local_index, direction, counter) &&
	    slot->length >= length)
		return slot;
	release_keystream(slot, KEYSTREAM_READY);
	return NULL;
}

/* The slot with what this packet needs, in use by the caller until it is released; or NULL. */
WGXDP_INLINE struct keystream_slot *take_keystream(struct keystream *keystream,
						   const struct transport_session *session,
						   uint32_t local_index,
						   enum keystream_direction direction,
						   uint64_t counter, uint32_t length)
{
	struct keystream_slot *slot =
		take_slot(keystream, session, local_index, direction, counter, length);

	if (slot)
		keystream->taken++;
	else
		keystream->missed++;
	return slot;
}

/* Asks the agent for keystream when this direction is busy: looked at every PACE packets, told once. */
WGXDP_INLINE void note_pace(struct transport_session *session, uint32_t local_index,
			    uint64_t *paced, uint32_t bit, enum event_kind kind, uint64_t counter,
			    uint64_t now)
{
	uint64_t before = *paced;

	if (counter % PACE)
		return;
	*paced = now;
	if (now - before < BUSY_TIME && first_to_tell(&session->told, bit))
		tell(session->tunnel, kind, session->peer, local_index, counter, NULL);
}

#endif
