/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * transport.h - a transport packet from the peer, as a list of choices, each with a good default. Tables
 * of frames change one of them at a time.
 */
#ifndef WGXDP_TESTS_TRANSPORT_H
#define WGXDP_TESTS_TRANSPORT_H

#include <bpf/world.h>
#include <string.h>

struct transport {
	const struct state *state;
	struct datagram outer;
	struct address inner_source, inner_destination;
	struct aead_key key;
	uint32_t receiver_index;
	uint64_t counter;
	uint8_t inner_ds;
	/* of the inner packet, and of what is encrypted: zeros follow the packet, or it is cut */
	uint32_t inner_length, text_length;
	/* bytes behind the IP packet */
	uint32_t trailing;
	uint64_t seed;
};

static inline void transport_use_session(struct transport *packet, int session)
{
	packet->receiver_index = session_indices[session];
	packet->key = packet->state->sessions[session].receiving_key;
}

static inline void transport_init(struct transport *packet, const struct state *state,
				  uint8_t outer_family, uint8_t inner_family)
{
	bool is_ipv4 = inner_family == FAMILY_IPV4;

	memset(packet, 0, sizeof(*packet));
	memcpy(packet->outer.destination_mac, our_mac, 6);
	memcpy(packet->outer.source_mac, their_mac, 6);
	packet->outer.source = outer_family == FAMILY_IPV4 ? peer_ipv4 : peer_ipv6;
	packet->outer.destination = outer_family == FAMILY_IPV4 ? our_ipv4 : our_ipv6;
	packet->outer.source_port = PORT;
	packet->outer.destination_port = PORT;
	packet->inner_source = is_ipv4 ? inner_ipv4 : inner_ipv6;
	packet->inner_destination = is_ipv4 ? our_inner_ipv4 : our_inner_ipv6;
	packet->state = state;
	transport_use_session(packet, LIVE);
	packet->counter = 1000;
	packet->inner_length = 84;
	packet->text_length = 96;
}

/* `edit` may spoil the inner packet before it is sealed. */
static inline uint32_t transport_build(uint8_t *frame, const struct transport *packet,
				       void (*edit)(uint8_t *inner))
{
	uint8_t text[FRAME_MAX] = {0}, message[FRAME_MAX];
	uint32_t length;

	if (packet->text_length)
		build_inner(text, &packet->inner_source, &packet->inner_destination,
			    packet->inner_length, packet->inner_ds, packet->seed);
	if (edit)
		edit(text);
	length = build_message(message, packet->receiver_index, packet->counter, &packet->key, text,
			       packet->text_length);
	length = build_datagram(frame, &packet->outer, message, length);
	memset(frame + length, 0xee, packet->trailing);
	return length + packet->trailing;
}

#endif
