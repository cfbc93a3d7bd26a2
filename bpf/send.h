/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * send.h - the steps of one packet out; send() in wgxdp.bpf.c puts them in order. Each returns a verdict,
 * VERDICT_SEALED to go on, and counts nothing.
 */
#ifndef WGXDP_BPF_SEND_H
#define WGXDP_BPF_SEND_H

#include "allowedips.h"
#include "seal.h"
#include "session.h"

enum {
	/* what an ICMP error quotes of the packet it is about: all that fits an IPv6 minimum MTU */
	QUOTED_LENGTH = 1280,
	/* of an endpoint whose route nobody looked at yet: the kernel's default */
	HOP_LIMIT_DEFAULT = 64,
	/* an IPv6 header is longer than one of IPv4 */
	HEADERS_DIFFER = sizeof(struct ipv6_header) - sizeof(struct ipv4_header),
};

/* An inner packet on its way out. */
struct sending {
	uint32_t tunnel;
	uint32_t peer_id;
	uint32_t local_index;
	/* of the inner packet; 0 is a keepalive */
	uint32_t length;
	/* with padding: what is encrypted */
	uint32_t text_length;
	uint64_t counter;
	struct transport_session *session;
	struct peer_value *peer;
	struct endpoint endpoint;
	uint8_t ecn;
};

/*
 * With zeros to a multiple of 16, never beyond the MTU: the interface's or the route's. Which route a packet took
 * nobody can tell at this end of the pair, so the next larger of their MTUs is the limit of every packet. That says
 * no more about its length than a multiple of 16 does.
 */
WGXDP_INLINE uint32_t padded_length(uint32_t length, const struct tunnel_value *tunnel)
{
	uint32_t padded = (length + MESSAGE_PADDING_MULTIPLE - 1) & -MESSAGE_PADDING_MULTIPLE;
	uint32_t mtu = tunnel->mtu < TRANSPORT_TEXT_MAX ? tunnel->mtu : TRANSPORT_TEXT_MAX;

	if (length <= mtu && mtu < padded)
		padded = mtu;
	WGXDP_UNROLL
	for (uint32_t i = 0; i < ROUTE_MTUS_MAX; i++)
		if (length <= tunnel->route_mtus[i] && tunnel->route_mtus[i] < padded)
			padded = tunnel->route_mtus[i];
	return padded;
}

WGXDP_INLINE enum verdict hand_to_agent(struct __sk_buff *skb, const struct sending *out,
					enum event_kind kind, enum verdict verdict)
{
	uint32_t length = out->length;

	if (kind != EVENT_NEEDS_SESSION && length > QUOTED_LENGTH)
		length = QUOTED_LENGTH;
	if (!tell_packet(skb, out->tunnel, (uint64_t)kind << 32 | out->peer_id,
			 (uint64_t)sizeof(struct ethernet_header) << 32 | length, NULL) &&
	    verdict == VERDICT_STAGED)
		return VERDICT_STAGE_FULL;
	return verdict;
}

/* Whose packet it is. */
WGXDP_INLINE enum verdict find_peer(struct __sk_buff *skb, struct sending *out, uint32_t mtu)
{
	const uint8_t *end = (uint8_t *)(long)skb->data_end;
	const uint8_t *inner = (uint8_t *)(long)skb->data + sizeof(struct ethernet_header);
	const uint32_t *owner;

	if (inner + sizeof(struct ipv4_header) > end)
		return VERDICT_NOT_IP;
	out->length = inner_length(inner, end, skb->len - sizeof(struct ethernet_header));
	/* kernel: wg_check_packet_protocol() */
	if (!out->length || skb->protocol != (inner[0] >> 4 == 4 ? WGXDP_BE16(ETHERTYPE_IPV4)
								 : WGXDP_BE16(ETHERTYPE_IPV6)))
		return VERDICT_NOT_IP;
	out->ecn = inner_ecn(inner);
	if (out->length > mtu || out->length > TRANSPORT_TEXT_MAX)
		return hand_to_agent(skb, out, EVENT_TOO_BIG, VERDICT_PACKET_TOO_BIG);
	owner = peer_of_inner(out->tunnel, inner, end, INNER_DESTINATION);
	if (!owner)
		return hand_to_agent(skb, out, EVENT_NO_PEER, VERDICT_NO_PEER);
	out->peer_id = *owner;
	return VERDICT_SEALED;
}

/* A session that may send, and the next nonce of it: rule 2, the only place that takes one. */
WGXDP_INLINE bool take_session(struct sending *out, uint64_t now)
{
	struct transport_session *session;

	if (!out->peer->has_current_session)
		return false;
	out->local_index = out->peer->current_session;
	session = bpf_map_lookup_elem(&sessions, &out->local_index);
	if (!session || session->state != SESSION_LIVE || session->peer != out->peer_id ||
	    is_expired(session, session->sending_counter, now))
		return false;
	out->counter = __sync_fetch_and_add(&session->sending_counter, 1);
	if (out->counter >= REJECT_AFTER_MESSAGES)
		return false;
	out->session = session;
	return true;
}

WGXDP_INLINE enum verdict find_way(struct __sk_buff *skb, struct sending *out, uint64_t now)
{
	out->peer = bpf_map_lookup_elem(&peers, &out->peer_id);
	if (!out->peer || out->peer->tunnel != out->tunnel)
		return VERDICT_NO_PEER;
	bpf_spin_lock(&out->peer->lock);
	out->endpoint = out->peer->endpoint;
	bpf_spin_unlock(&out->peer->lock);
	if (out->endpoint.family == FAMILY_NONE)
		return out->length ? hand_to_agent(skb, out, EVENT_NO_ENDPOINT, VERDICT_NO_ENDPOINT)
				   : VERDICT_NO_ENDPOINT;
	if (out->length &&
	    !is_within_limit(&out->peer->limit, &out->peer->limit.sent_until, out->length, now))
		return VERDICT_OVER_LIMIT;
	if (take_session(out, now))
		return VERDICT_SEALED;
	return out->length ? hand_to_agent(skb, out, EVENT_NEEDS_SESSION, VERDICT_STAGED)
			   : VERDICT_EXPIRED;
}

/* Bytes in front of the inner packet, without the Ethernet header. */
WGXDP_INLINE uint32_t outer_length(const struct sending *out)
{
	return (out->endpoint.family == FAMILY_IPV4 ? sizeof(struct ipv4_header)
						    : sizeof(struct ipv6_header)) +
	       sizeof(struct udp_header) + sizeof(struct message_data);
}

/*
 * Makes the packet one of the other family, which is what redirection goes by: longer by the difference of the two
 * headers, or shorter, and then what was cut off is in `cut`. Not by bpf_skb_adjust_room(), which does it only to a
 * packet that was in no tunnel yet, and on kernels since 6.3.
 */
WGXDP_INLINE bool change_family(struct __sk_buff *skb, bool to_ipv4, uint8_t cut[HEADERS_DIFFER])
{
	if (to_ipv4 && bpf_skb_load_bytes(skb, sizeof(struct ethernet_header), cut, HEADERS_DIFFER))
		return false;
	return !bpf_skb_change_proto(
		skb, to_ipv4 ? WGXDP_BE16(ETHERTYPE_IPV4) : WGXDP_BE16(ETHERTYPE_IPV6), 0);
}

/* Room for the outer headers in front, padding and tag behind; all of it linear and writable. */
WGXDP_INLINE enum verdict make_room(struct __sk_buff *skb, const struct sending *out)
{
	uint32_t inner = sizeof(struct ethernet_header) + out->text_length + AEAD_TAG_LENGTH;
	uint32_t inner_offset = sizeof(struct ethernet_header) + outer_length(out);
	static const uint8_t zeros[MESSAGE_PADDING_MULTIPLE];
	bool to_ipv4 = out->endpoint.family == FAMILY_IPV4, changes;
	int missing = outer_length(out);
	uint8_t cut[HEADERS_DIFFER];

	changes = skb->protocol !=
		  (to_ipv4 ? WGXDP_BE16(ETHERTYPE_IPV4) : WGXDP_BE16(ETHERTYPE_IPV6));
	/* a keepalive only grows: the kernel takes its frame for an IP packet and refuses to cut its "header" */
	if (out->length && bpf_skb_change_tail(skb, inner, 0))
		return VERDICT_NO_ROOM;
	if (changes && !change_family(skb, to_ipv4, cut))
		return VERDICT_NO_ROOM;
	if (!out->length)
		return bpf_skb_change_tail(skb, inner + outer_length(out), 0) ||
				       bpf_skb_pull_data(skb, inner + outer_length(out))
			       ? VERDICT_NO_ROOM
			       : VERDICT_SEALED;
	if (changes)
		missing += to_ipv4 ? HEADERS_DIFFER : -HEADERS_DIFFER;
	if (bpf_skb_adjust_room(skb, missing, BPF_ADJ_ROOM_MAC, 0) ||
	    (changes && to_ipv4 &&
	     bpf_skb_store_bytes(skb, inner_offset, cut, HEADERS_DIFFER, 0)) ||
	    /* padding is shorter than this, and the tag's place behind it is not */
	    bpf_skb_store_bytes(skb, inner_offset + out->length, zeros, sizeof(zeros), 0) ||
	    bpf_skb_pull_data(skb, inner + outer_length(out)))
		return VERDICT_NO_ROOM;
	return VERDICT_SEALED;
}

WGXDP_INLINE void write_message(uint8_t *message, const struct sending *out)
{
	store_le32(message, MESSAGE_DATA);
	store_le32(message + 4, out->session->remote_index);
	store_le64(message + 8, out->counter);
}

/* With keystream that lies ready, or with the key. */
WGXDP_INLINE int seal_text(struct __sk_buff *skb, const struct sending *out, uint32_t offset)
{
	struct transport_session *session = out->session;
	struct keystream_slot *slot = NULL;
	struct keystream *keystream;
	int error;

	keystream =
		session->sending_stream ? keystream_of(out->tunnel, session->sending_stream) : NULL;
	if (keystream) {
		want_keystream(keystream, out->counter, out->text_length);
		slot = take_keystream(keystream, session, out->local_index, KEYSTREAM_SENDING,
				      out->counter, out->text_length);
	}
	if (!slot)
		return seal_at(skb, &session->sending_key, out->counter, offset, out->text_length);
	error = seal_with_at(skb, slot, offset, out->text_length);
	release_keystream(slot, KEYSTREAM_EMPTY);
	return error;
}

WGXDP_INLINE enum verdict seal_transport(struct __sk_buff *skb, struct sending *out)
{
	uint32_t offset =
		sizeof(struct ethernet_header) + outer_length(out) - sizeof(struct message_data);
	uint8_t *end = (uint8_t *)(long)skb->data_end;
	uint8_t *message = (uint8_t *)(long)skb->data + (offset & 127);
	uint8_t *text = message + sizeof(struct message_data);

	if (text > end)
		return VERDICT_NO_ROOM;
	write_message(message, out);
	if (seal_text(skb, out, offset + sizeof(struct message_data)))
		return VERDICT_NO_ROOM;
	/* ended meanwhile: the key was perhaps the zeros it is overwritten with */
	if (*(const volatile uint32_t *)&out->session->state != SESSION_LIVE)
		return VERDICT_EXPIRED;
	return VERDICT_SEALED;
}

#endif
