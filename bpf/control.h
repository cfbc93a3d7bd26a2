/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * control.h - one change of one value, asked for by the agent (abi.h, struct control_request), made here
 * because BPF writes the same value at the same time.
 */
#ifndef WGXDP_BPF_CONTROL_H
#define WGXDP_BPF_CONTROL_H

#include "stats.h"

WGXDP_INLINE enum control_result control_peer(const struct control_request *request)
{
	uint32_t id = request->peer;
	struct peer_value *peer = bpf_map_lookup_elem(&peers, &id);

	if (!peer)
		return CONTROL_NOT_FOUND;
	switch (request->operation) {
	case CONTROL_SET_ENDPOINT:
		bpf_spin_lock(&peer->lock);
		peer->endpoint = request->endpoint;
		bpf_spin_unlock(&peer->lock);
		break;
	case CONTROL_SET_CURRENT:
		bpf_spin_lock(&peer->lock);
		peer->current_session = request->session;
		peer->has_current_session = request->has_session;
		bpf_spin_unlock(&peer->lock);
		break;
	case CONTROL_CLEAR_TOLD:
		__sync_fetch_and_and(&peer->told, ~request->bits);
		break;
	case CONTROL_COUNT_BYTES:
		__sync_fetch_and_add(&peer->received_bytes, request->received);
		__sync_fetch_and_add(&peer->sent_bytes, request->sent);
		break;
	case CONTROL_SET_RULES:
		/* a limit that lets nothing come at once would let nothing come at all */
		if (request->bits & ~(uint32_t)PEER_STAYS || (request->cost && !request->burst))
			return CONTROL_BAD_REQUEST;
		peer->rules = request->bits;
		peer->limit.burst = request->burst;
		peer->limit.cost = request->cost;
		break;
	default:
		return CONTROL_BAD_REQUEST;
	}
	return CONTROL_DONE;
}

WGXDP_INLINE void set_stream(struct transport_session *session,
			     const struct control_request *request)
{
	bool sends = request->bits == KEYSTREAM_SENDING;

	if (sends)
		session->sending_stream = (uint16_t)request->stream;
	else
		session->receiving_stream = (uint16_t)request->stream;
	if (!request->stream)
		__sync_fetch_and_and(&session->told,
				     ~(uint32_t)(sends ? TOLD_BUSY_SENDING : TOLD_BUSY_RECEIVING));
}

WGXDP_INLINE enum control_result control_session(const struct control_request *request)
{
	uint32_t index = request->session;
	struct transport_session *session = bpf_map_lookup_elem(&sessions, &index);

	if (!session)
		return CONTROL_NOT_FOUND;
	if (request->operation == CONTROL_SET_STREAM) {
		set_stream(session, request);
		return CONTROL_DONE;
	}
	/* a session without keys must not come to open anything */
	if (request->operation == CONTROL_STOP_SENDING && session->state == SESSION_RESERVED)
		return CONTROL_BAD_REQUEST;
	session->state = request->operation == CONTROL_WIPE_SESSION ? SESSION_RESERVED
								    : SESSION_RECEIVES_ONLY;
	if (request->operation == CONTROL_WIPE_SESSION) {
		for (int i = 0; i < 8; i++) {
			*(volatile uint32_t *)&session->sending_key.words[i] = 0;
			*(volatile uint32_t *)&session->receiving_key.words[i] = 0;
		}
	}
	return CONTROL_DONE;
}

/* Atomically: this CPU may be interrupted here by one of its own packets. */
WGXDP_INLINE enum control_result control_verdict(const struct control_request *request)
{
	uint64_t *count = verdict_counter(request->counters, request->verdict);
	uint32_t id = request->peer, verdict = request->verdict;
	struct peer_value *peer;

	if (!count)
		return CONTROL_BAD_REQUEST;
	__sync_fetch_and_add(count, request->packets);
	/* no peer has the id 0; one that was removed meanwhile misses nothing */
	peer = bpf_map_lookup_elem(&peers, &id);
	WGXDP_FORGET(verdict);
	if (peer && verdict < VERDICT_COUNT)
		__sync_fetch_and_add(&peer->verdicts[verdict], request->packets);
	return CONTROL_DONE;
}

WGXDP_INLINE enum control_result control_load(const struct control_request *request)
{
	uint32_t place = request->counters;
	struct load_value *load = bpf_map_lookup_elem(&loads, &place);

	if (!load)
		return CONTROL_BAD_REQUEST;
	/* one that BPF writes here at the same moment is as good */
	if (load->until < request->until)
		load->until = request->until;
	return CONTROL_DONE;
}

WGXDP_INLINE enum control_result do_control(const struct control_request *request)
{
	switch (request->operation) {
	case CONTROL_STOP_SENDING:
	case CONTROL_WIPE_SESSION:
	case CONTROL_SET_STREAM:
		return control_session(request);
	case CONTROL_COUNT_VERDICT:
		return control_verdict(request);
	case CONTROL_UNDER_LOAD:
		return control_load(request);
	default:
		return control_peer(request);
	}
}

#endif
