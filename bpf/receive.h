/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * receive.h - the steps of one packet in; rx() in wgxdp.bpf.c puts them in order. Each returns a verdict,
 * VERDICT_DELIVERED to go on, and counts nothing.
 */
#ifndef WGXDP_BPF_RECEIVE_H
#define WGXDP_BPF_RECEIVE_H

#include "allowedips.h"
#include "checksum.h"
#include "open.h"
#include "session.h"

/* A transport packet on its way in. */
struct received {
	struct outer outer;
	uint32_t tunnel;
	uint32_t local_index;
	uint32_t peer_id;
	uint64_t counter;
	struct transport_session *session;
	struct peer_value *peer;
	/* of the inner packet */
	uint32_t inner_length;
	/* the frame's end stays where it is: see struct interface_value */
	bool keeps_tail;
};

/* Rule 5: only what is addressed to this interface, to an address of this host and to a port of ours. */
WGXDP_INLINE bool is_ours(struct received *in, const uint8_t *data, uint32_t ifindex)
{
	struct outer *outer = &in->outer;
	const struct interface_value *interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	const struct ethernet_header *ethernet = (const void *)data;
	struct local_address_key local = {.family = outer->from.family};
	uint16_t port = outer->our_port;
	const uint32_t *found, *has_address;

	if (!interface)
		return false;
	if (!interface->is_injection) {
		for (int i = 0; i < 6; i++) {
			if (ethernet->destination[i] != interface->mac[i])
				return false;
		}
	}
	found = bpf_map_lookup_elem(&listening_ports, &port);
	if (!found)
		return false;
	__builtin_memcpy(local.address, outer->from.local_address, sizeof(local.address));
	has_address = bpf_map_lookup_elem(&local_addresses, &local);
	if (!has_address)
		return false;
	/* generic mode hides a VLAN tag that the device took off, and the tag would stay on what is redirected: such
	 * a packet is for the address of another interface, and the stack knows which */
	if (interface->is_generic && !interface->is_injection && *has_address != ifindex)
		return false;
	in->tunnel = *found;
	in->keeps_tail = interface->is_generic;
	/* what the agent puts in tells nothing of the way back */
	outer->from.ifindex = interface->is_injection ? 0 : ifindex;
	return true;
}

/* Whether the tunnel listens on that address of ours: on all of them, or on those it is bound to. */
WGXDP_CALLED int is_bound_to(const struct tunnel_value *tunnel, const struct endpoint *from)
{
	bool found = false;

	if (!tunnel || !from)
		return 0;
	WGXDP_NO_UNROLL
	for (uint32_t i = 0; i < BOUND_ADDRESSES_MAX; i++) {
		const struct local_address_key *bound = &tunnel->bound_addresses[i];
		uint32_t differs = bound->family ^ from->family;

		WGXDP_UNROLL
		for (uint32_t j = 0; j < sizeof(bound->address); j += 4)
			differs |=
				load_le32(bound->address + j) ^ load_le32(from->local_address + j);
		found |= !differs;
	}
	return found;
}

WGXDP_INLINE bool receives_on(const struct tunnel_value *tunnel, const struct outer *outer)
{
	return !tunnel->bound_count || is_bound_to(tunnel, &outer->from);
}

/* What the agent ran through the program came from the stack; it must not go round. */
WGXDP_INLINE int leave_to_stack(uint32_t ifindex)
{
	const struct interface_value *interface = bpf_map_lookup_elem(&interfaces, &ifindex);

	return interface && interface->is_injection ? XDP_DROP : XDP_PASS;
}

WGXDP_INLINE enum verdict find_session(struct received *in, uint64_t now)
{
	struct transport_session *session = bpf_map_lookup_elem(&sessions, &in->local_index);

	if (!session || session->state == SESSION_RESERVED)
		return VERDICT_UNKNOWN_INDEX;
	if (session->tunnel != in->tunnel)
		return VERDICT_WRONG_TUNNEL;
	in->session = session;
	in->peer_id = session->peer;
	in->peer = bpf_map_lookup_elem(&peers, &in->peer_id);
	if (!in->peer)
		return VERDICT_UNKNOWN_INDEX;
	if (is_expired(session, in->counter, now))
		return VERDICT_EXPIRED;
	return VERDICT_DELIVERED;
}

/*
 * Only a whole packet moves its peer's endpoint: looked at before the text is changed, as the sum is over that too. What
 * the agent puts in has passed the stack, and has no sums. That it moves the endpoint is not kept until roam(): the
 * verifier would look at everything between here and there twice.
 */
WGXDP_INLINE enum verdict check_source(struct xdp_md *xdp, const struct received *in)
{
	const struct endpoint *from = &in->outer.from;

	return would_roam(in->peer, from) && from->ifindex && !is_intact(xdp, &in->outer)
		       ? VERDICT_BAD_CHECKSUM
		       : VERDICT_DELIVERED;
}

/* With keystream that lies ready, or with the key. */
WGXDP_INLINE int open_text(struct xdp_md *xdp, const struct received *in)
{
	uint32_t offset = in->outer.offset + sizeof(struct message_data);
	uint32_t length = in->outer.length - MESSAGE_DATA_MINIMUM_LENGTH;
	struct transport_session *session = in->session;
	struct keystream_slot *slot;
	struct keystream *keystream;
	int error;

	keystream = session->receiving_stream ? keystream_of(in->tunnel, session->receiving_stream)
					      : NULL;
	if (!keystream)
		return open_at(xdp, &session->receiving_key, in->counter, offset, length);
	slot = take_keystream(keystream, session, in->local_index, KEYSTREAM_RECEIVING, in->counter,
			      length);
	if (slot) {
		error = open_with_at(xdp, slot, offset, length);
		/* a forged packet leaves it to the true one */
		release_keystream(slot, error ? KEYSTREAM_READY : KEYSTREAM_EMPTY);
	} else {
		error = open_at(xdp, &session->receiving_key, in->counter, offset, length);
	}
	if (!error)
		want_keystream(keystream, in->counter, length);
	return error;
}

/* Authenticates, decrypts in place, and only then looks at the replay window. */
WGXDP_INLINE enum verdict open_transport(struct xdp_md *xdp, struct received *in)
{
	struct transport_session *session = in->session;
	bool is_new;

	if (open_text(xdp, in))
		return VERDICT_BAD_TAG;
	/* ended meanwhile: the key was perhaps the zeros it is overwritten with */
	if (*(const volatile uint32_t *)&session->state == SESSION_RESERVED)
		return VERDICT_UNKNOWN_INDEX;
	bpf_spin_lock(&session->lock);
	is_new = replay_accept(&session->received, in->counter);
	bpf_spin_unlock(&session->lock);
	return is_new ? VERDICT_DELIVERED : VERDICT_REPLAYED;
}

/*
 * Generic mode comes behind the stack's own bundling: a datagram may be many messages of one length, by a sender on
 * this machine (UDP_SEGMENT) or by GRO. Its checksum is then no more than the sum of the pseudo header (RFC 768), to
 * be completed when the stack takes it apart; from a wire no packet like that gets as far as a socket.
 */
WGXDP_INLINE bool is_bundle(const struct received *in, const uint8_t *data, const uint8_t *end)
{
	const struct udp_header *udp =
		(const void *)(data + ((in->outer.offset - sizeof(*udp)) & 63));

	return in->keeps_tail && in->outer.from.ifindex && (const uint8_t *)(udp + 1) <= end &&
	       has_partial_checksum(&in->outer, udp);
}

/* A whole inner packet whose source belongs to this peer and to no other. */
WGXDP_INLINE enum verdict check_inner(struct received *in, uint8_t *inner, const uint8_t *end,
				      uint32_t mtu)
{
	const uint32_t *owner;

	in->inner_length = inner_length(inner, end, in->outer.length - MESSAGE_DATA_MINIMUM_LENGTH);
	if (!in->inner_length)
		return VERDICT_INNER_MALFORMED;
	owner = peer_of_inner(in->tunnel, inner, end, INNER_SOURCE);
	if (!owner || *owner != in->peer_id)
		return VERDICT_SOURCE_REFUSED;
	/* the visible end takes no more (and room for a VLAN tag), and would drop it without a word */
	if (in->inner_length > mtu + VLAN_TAG_LENGTH)
		return VERDICT_PACKET_TOO_BIG;
	if (in->outer.ecn == ECN_CE)
		mark_congestion(inner, end);
	return VERDICT_DELIVERED;
}

/*
 * Moves `length` bytes at `from` to `to`, which is at least 16 further on, the last ones first. The up to 15 bytes
 * before `from` that move as well are the message's header, and nobody's any more.
 */
WGXDP_CALLED int move_up(struct xdp_md *xdp, uint32_t from, uint32_t to, uint32_t length)
{
	uint8_t *data = (uint8_t *)(long)xdp->data;
	const uint8_t *end = (uint8_t *)(long)xdp->data_end;

	for (uint32_t moved = 0; moved < length && moved < TRANSPORT_TEXT_MAX; moved += 16) {
		uint64_t *source = aead_span(data, end, from + length - 16 - moved, 16);
		uint64_t *target = aead_span(data, end, to + length - 16 - moved, 16);
		uint64_t first, second;

		if (!source || !target)
			return -1;
		first = source[0];
		second = source[1];
		target[0] = first;
		target[1] = second;
	}
	return 0;
}

/* Behind the inner packet nothing may be left: the visible end measures the frame against its MTU. */
WGXDP_INLINE bool cut_tail(struct xdp_md *xdp, const struct received *in, uint32_t *inner_offset)
{
	int surplus = (int)bpf_xdp_get_buff_len(xdp) - (int)(*inner_offset + in->inner_length);
	uint32_t from = *inner_offset;

	if (!in->keeps_tail)
		return bpf_xdp_adjust_tail(xdp, -surplus) == 0;
	*inner_offset += surplus;
	return move_up(xdp, from, *inner_offset, in->inner_length) == 0;
}

/* Cuts the frame down to the inner packet, behind an Ethernet header for the visible end. */
WGXDP_INLINE enum verdict unwrap(struct xdp_md *xdp, const struct received *in,
				 const struct tunnel_value *tunnel)
{
	uint32_t inner_offset = in->outer.offset + sizeof(struct message_data);
	struct ethernet_header *ethernet;
	uint8_t *data, *end;

	if (!cut_tail(xdp, in, &inner_offset) ||
	    bpf_xdp_adjust_head(xdp, (int)inner_offset - (int)sizeof(*ethernet)))
		return VERDICT_NO_ROOM;
	data = (uint8_t *)(long)xdp->data;
	end = (uint8_t *)(long)xdp->data_end;
	ethernet = (void *)data;
	if ((uint8_t *)(ethernet + 1) + 1 > end)
		return VERDICT_NO_ROOM;
	__builtin_memcpy(ethernet->destination, tunnel->inner_destination, 6);
	__builtin_memcpy(ethernet->source, tunnel->inner_source, 6);
	ethernet->type = data[sizeof(*ethernet)] >> 4 == 4 ? WGXDP_BE16(ETHERTYPE_IPV4)
							   : WGXDP_BE16(ETHERTYPE_IPV6);
	return VERDICT_DELIVERED;
}

#endif
