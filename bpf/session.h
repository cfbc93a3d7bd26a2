/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * session.h - what every transport packet owes its session and peer: limits, roaming, confirmation, and
 * the notes from which the agent runs its timers (WireGuard paper, 6).
 */
#ifndef WGXDP_BPF_SESSION_H
#define WGXDP_BPF_SESSION_H

#include "keystream.h"

/* Rule 1: age and message limits hold on every packet, whatever the agent does. */
WGXDP_INLINE bool is_expired(const struct transport_session *session, uint64_t counter,
			     uint64_t now)
{
	return now - session->birth >= REJECT_AFTER_TIME || counter >= REJECT_AFTER_MESSAGES;
}

/* Family and port, in the endpoint's first word. */
#define FIRST_WORD_OF_PLACE UINT32_C(0xffff00ff)

/* Same address, port and address of ours. Interface and hop limit are left out: the agent chooses them for the way
 * back, and that is not roaming. */
WGXDP_INLINE bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	const uint64_t *x = (const uint64_t *)a->address, *y = (const uint64_t *)b->address;

	return !(((load_le32(a) ^ load_le32(b)) & FIRST_WORD_OF_PLACE) | (x[0] ^ y[0]) |
		 (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

_Static_assert(offsetof(struct endpoint, hop_limit) == 1, "left out of the first word");
_Static_assert(offsetof(struct endpoint, ifindex) == 4, "family and port are the first word");
_Static_assert(offsetof(struct endpoint, address) == 8, "compared as words");
_Static_assert(offsetof(struct endpoint, local_address) == 24, "compared as words");
_Static_assert(offsetof(struct peer_value, endpoint) % 8 == 0, "compared as words");

/* A token bucket, told as a clock that each byte moves on and that may not be too far ahead. When another CPU moves it at
 * the same moment, this packet costs nothing. */
WGXDP_INLINE bool is_within_limit(const struct rate_limit *limit, uint64_t *until, uint32_t bytes,
				  uint64_t now)
{
	uint64_t before = *until, after = before > now ? before : now;

	if (!limit->cost)
		return true;
	after += limit->cost * bytes >> RATE_COST_SHIFT;
	if (after - now > limit->burst)
		return false;
	__sync_val_compare_and_swap(until, before, after);
	return true;
}

/* Whether an authentic packet from there moves the peer's endpoint. */
WGXDP_INLINE bool would_roam(const struct peer_value *peer, const struct endpoint *from)
{
	return !same_endpoint(&peer->endpoint, from) &&
	       (!(peer->rules & PEER_STAYS) || peer->endpoint.family == FAMILY_NONE);
}

/* The peer is where its authentic packet came from; answers leave from the address it wrote to. */
WGXDP_INLINE void roam(struct peer_value *peer, uint32_t peer_id, const struct endpoint *from)
{
	uint8_t hop_limit = peer->endpoint.hop_limit;
	bool moved;

	if (!would_roam(peer, from))
		return;
	bpf_spin_lock(&peer->lock);
	moved = !same_endpoint(&peer->endpoint, from);
	if (moved) {
		peer->endpoint = *from;
		/* until the agent has looked it up */
		peer->endpoint.hop_limit = hop_limit;
	}
	bpf_spin_unlock(&peer->lock);
	if (moved)
		tell(peer->tunnel, EVENT_ROAMED, peer_id, 0, 0, from);
}

/* The initiator's first packet confirms the responder's session: from now on we send with it. */
WGXDP_INLINE void confirm(struct peer_value *peer, uint32_t peer_id,
			  struct transport_session *session, uint32_t local_index)
{
	if (session->state != SESSION_NEXT ||
	    __sync_val_compare_and_swap(&session->state, SESSION_NEXT, SESSION_LIVE) !=
		    SESSION_NEXT)
		return;
	bpf_spin_lock(&peer->lock);
	peer->current_session = local_index;
	peer->has_current_session = 1;
	bpf_spin_unlock(&peer->lock);
	tell(peer->tunnel, EVENT_CONFIRMED, peer_id, local_index, 0, NULL);
}

WGXDP_INLINE void note_received(struct peer_value *peer, uint32_t peer_id,
				struct transport_session *session, uint32_t local_index,
				uint32_t payload, bool data, uint64_t counter, uint64_t now)
{
	__sync_fetch_and_add(&peer->received_bytes, payload);
	__sync_fetch_and_add(&peer->received_packets, 1);
	peer->notes.last_received = now;
	if (session->i_am_the_initiator && session->state == SESSION_LIVE &&
	    now - session->birth >= REKEY_ON_RECEIVE_TIME &&
	    first_to_tell(&session->told, TOLD_REKEY_ON_RECEIVE))
		tell(peer->tunnel, EVENT_REKEY_ON_RECEIVE, peer_id, local_index, 0, NULL);
	note_pace(session, local_index, &session->receiving_paced, TOLD_BUSY_RECEIVING,
		  EVENT_BUSY_RECEIVING, counter, now);
	if (!data)
		return;
	if (peer->notes.first_data_received <= peer->notes.last_sent)
		peer->notes.first_data_received = now;
	peer->notes.last_data_received = now;
	if (first_to_tell(&peer->told, TOLD_DATA_RECEIVED))
		tell(peer->tunnel, EVENT_DATA_RECEIVED, peer_id, local_index, 0, NULL);
}

WGXDP_INLINE void note_sent(struct peer_value *peer, uint32_t peer_id,
			    struct transport_session *session, uint32_t local_index,
			    uint32_t payload, bool data, uint64_t counter, uint64_t now)
{
	__sync_fetch_and_add(&peer->sent_bytes, payload);
	__sync_fetch_and_add(&peer->sent_packets, 1);
	peer->notes.last_sent = now;
	if (((session->i_am_the_initiator && now - session->birth >= REKEY_AFTER_TIME) ||
	     counter > REKEY_AFTER_MESSAGES) &&
	    first_to_tell(&session->told, TOLD_REKEY_ON_SEND))
		tell(peer->tunnel, EVENT_REKEY_ON_SEND, peer_id, local_index, counter + 1, NULL);
	note_pace(session, local_index, &session->sending_paced, TOLD_BUSY_SENDING,
		  EVENT_BUSY_SENDING, counter, now);
	if (!data)
		return;
	if (peer->notes.first_data_sent <= peer->notes.last_received)
		peer->notes.first_data_sent = now;
	if (first_to_tell(&peer->told, TOLD_DATA_SENT))
		tell(peer->tunnel, EVENT_DATA_SENT, peer_id, local_index, counter + 1, NULL);
}

#endif
