/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * filter.h - handshake messages (WireGuard paper, 5.4.2 to 5.4.4 and 5.4.7): what the agent would refuse
 * without a look at who sent it goes no further than here. What passes goes on to the agent's socket as it
 * came, and the agent (proto/tunnel.c) checks all of it again: not everything comes by here.
 *
 * The cheapest question first: a receiver index costs a twentieth of a mac1. So a response with neither is an
 * unknown index here and a bad mac1 there; that is the only difference.
 */
#ifndef WGXDP_BPF_FILTER_H
#define WGXDP_BPF_FILTER_H

#include "load.h"

/* 0 for what is none of the three. */
WGXDP_INLINE uint32_t handshake_length(uint32_t type)
{
	switch (type) {
	case MESSAGE_HANDSHAKE_INITIATION:
		return sizeof(struct message_handshake_initiation);
	case MESSAGE_HANDSHAKE_RESPONSE:
		return sizeof(struct message_handshake_response);
	case MESSAGE_HANDSHAKE_COOKIE:
		return sizeof(struct message_handshake_cookie);
	default:
		return 0;
	}
}

/* Data comes here only when it is shorter than its header. */
WGXDP_INLINE enum verdict check_shape(const uint8_t *message, const uint8_t *end, uint32_t length)
{
	uint32_t expected;

	if (length < sizeof(uint32_t) || message + sizeof(uint32_t) > end ||
	    load_le32(message) == MESSAGE_DATA)
		return VERDICT_TOO_SHORT;
	expected = handshake_length(load_le32(message));
	if (!expected)
		return VERDICT_UNKNOWN_TYPE;
	if (length < expected)
		return VERDICT_TOO_SHORT;
	return length > expected ? VERDICT_TOO_LONG : VERDICT_DELIVERED;
}

/*
 * An index we gave away is one of 2^32 and a live handshake's is known for moments. A cookie reply may also
 * be the answer to a response of ours, whose index is a session's from the moment it was sent.
 */
WGXDP_INLINE enum verdict check_receiver(uint32_t tunnel, uint32_t index, bool must_wait)
{
	const struct transport_session *session = bpf_map_lookup_elem(&sessions, &index);

	if (!session || session->tunnel != tunnel)
		return VERDICT_UNKNOWN_INDEX;
	return must_wait && session->state != SESSION_RESERVED ? VERDICT_BAD_HANDSHAKE
							       : VERDICT_DELIVERED;
}

/* `length`: of the message in front of its macs; a constant, so that the verifier sees the end of the loop. */
WGXDP_INLINE enum verdict check_mac1(const struct tunnel_value *tunnel, const uint8_t *message,
				     uint32_t length)
{
	uint8_t expected[COOKIE_LENGTH] __attribute__((aligned(8)));

	if (!tunnel->has_identity)
		return VERDICT_BAD_MAC1;
	blake2s_with_key(expected, sizeof(expected), &tunnel->mac1_key, message, length);
	/* the sender may learn from the time what it knows already: the key is public */
	return load_le64(expected) == load_le64(message + length) &&
			       load_le64(expected + 8) == load_le64(message + length + 8)
		       ? VERDICT_DELIVERED
		       : VERDICT_BAD_MAC1;
}

/* A function of its own, for the stack and the verifier's sake. */
WGXDP_CALLED int check_handshake(struct xdp_md *xdp, const struct outer *outer,
				 const struct tunnel_value *tunnel, uint32_t tunnel_id)
{
	const uint8_t *data = (const uint8_t *)(long)xdp->data;
	const uint8_t *end = (const uint8_t *)(long)xdp->data_end;
	const struct message_handshake_initiation *initiation;
	const struct message_handshake_response *response;
	const struct message_handshake_cookie *cookie;
	enum verdict verdict;

	if (!outer || !tunnel)
		return VERDICT_UNKNOWN_TYPE;
	if (!tunnel->is_up)
		return VERDICT_TUNNEL_DOWN;
	initiation = (const void *)(data + (outer->offset & 63));
	response = (const void *)initiation;
	cookie = (const void *)initiation;
	verdict = check_shape(initiation->type, end, outer->length);
	if (verdict != VERDICT_DELIVERED)
		return verdict;
	if ((const uint8_t *)(cookie + 1) > end)
		return VERDICT_TOO_SHORT;
	if (load_le32(cookie->type) == MESSAGE_HANDSHAKE_COOKIE)
		return check_receiver(tunnel_id, load_le32(cookie->receiver_index), false);
	if ((const uint8_t *)(response + 1) > end)
		return VERDICT_TOO_SHORT;
	if (load_le32(response->type) == MESSAGE_HANDSHAKE_RESPONSE) {
		verdict = check_receiver(tunnel_id, load_le32(response->receiver_index), true);
		if (verdict != VERDICT_DELIVERED)
			return verdict;
		return check_mac1(tunnel, response->type,
				  offsetof(struct message_handshake_response, macs));
	}
	if ((const uint8_t *)(initiation + 1) > end)
		return VERDICT_TOO_SHORT;
	return check_mac1(tunnel, initiation->type,
			  offsetof(struct message_handshake_initiation, macs));
}

/* DELIVERED: the agent's socket may have it. Of the three messages only the initiation can be made by somebody who
 * never heard from us, so it alone is asked for a cookie here. */
WGXDP_INLINE enum verdict filter_handshake(struct xdp_md *xdp, const struct outer *outer,
					   const struct tunnel_value *tunnel, uint32_t tunnel_id,
					   uint64_t now)
{
	enum verdict verdict = check_handshake(xdp, outer, tunnel, tunnel_id);

	if (verdict != VERDICT_DELIVERED ||
	    outer->length != sizeof(struct message_handshake_initiation))
		return verdict;
	return check_load(xdp, outer, tunnel, tunnel_id, now);
}

#endif
