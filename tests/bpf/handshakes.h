/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * handshakes.h - handshake messages as anybody could make them who knows our public key: random bytes with the
 * type, the indices and the macs in their places. As in transport.h, a list of choices.
 */
#ifndef WGXDP_TESTS_HANDSHAKES_H
#define WGXDP_TESTS_HANDSHAKES_H

#include <bpf/world.h>
#include <harness/packets.h>
#include <proto/cookie.h>
#include <proto/noise.h>
#include <string.h>

enum { HANDSHAKE_MAX = 256 };

struct handshake {
	struct datagram outer;
	enum message_type type;
	/* of the message; its macs stand at the end of the length its type asks for */
	uint32_t length;
	uint32_t receiver_index;
	/* whose public key mac1 is made for, ours or the other tunnel's; NULL: mac1 is random */
	const uint8_t *private_key;
	/* mac2 by the cookie that TUNNEL gives this source, or that it gives another port */
	bool has_cookie, has_others_cookie;
	/* bytes behind the IP packet */
	uint32_t trailing;
	uint64_t seed;
};

static inline uint32_t handshake_proper_length(enum message_type type)
{
	switch (type) {
	case MESSAGE_HANDSHAKE_INITIATION:
		return sizeof(struct message_handshake_initiation);
	case MESSAGE_HANDSHAKE_RESPONSE:
		return sizeof(struct message_handshake_response);
	default:
		return sizeof(struct message_handshake_cookie);
	}
}

static inline void handshake_init(struct handshake *handshake, enum message_type type,
				  uint8_t outer_family)
{
	bool is_ipv4 = outer_family == FAMILY_IPV4;

	memset(handshake, 0, sizeof(*handshake));
	memcpy(handshake->outer.destination_mac, our_mac, 6);
	memcpy(handshake->outer.source_mac, their_mac, 6);
	handshake->outer.source = is_ipv4 ? peer_ipv4 : peer_ipv6;
	handshake->outer.destination = is_ipv4 ? our_ipv4 : our_ipv6;
	handshake->outer.source_port = PORT;
	handshake->outer.destination_port = PORT;
	handshake->outer.ds = 0x88;
	handshake->type = type;
	handshake->length = handshake_proper_length(type);
	handshake->receiver_index = session_indices[RESERVED];
	handshake->private_key = our_private_key;
	handshake->seed = type;
}

static const uint8_t no_private_key[32];

/* A public key costs more than all the rest, and there are two; and the zeros that nobody's key is. */
static inline const uint8_t *handshake_public_key(const uint8_t *private_key)
{
	static struct noise_identity ours, others;
	struct noise_identity *identity = private_key == our_private_key ? &ours : &others;

	if (private_key == no_private_key)
		return no_private_key;
	if (!identity->has_identity)
		noise_set_identity(identity, private_key);
	return identity->static_public;
}

/* As the one who sends comes by it: from the answer to a message without. */
static inline void handshake_get_cookie(struct cookie_maker *maker, const uint8_t *mac1,
					const struct handshake *handshake)
{
	const struct address *address = &handshake->outer.source;
	uint16_t port = handshake->outer.source_port ^ handshake->has_others_cookie;
	struct cookie_source source = {.address_length = address->family == FAMILY_IPV4 ? 4 : 16};
	static const uint8_t random[NOISE_HASH_LENGTH], sender_index[4];
	struct message_handshake_cookie reply;
	struct cookie_checker checker;

	memcpy(source.address, address->bytes, source.address_length);
	write_be16(source.port, port);
	cookie_checker_init(&checker, handshake_public_key(handshake->private_key));
	cookie_create_reply(&reply, &checker, mac1, sender_index, &source, cookie_secret, random,
			    0);
	cr_assert(cookie_consume_reply(maker, &reply, 0));
}

static inline void handshake_add_macs(uint8_t *message, const struct handshake *handshake)
{
	uint32_t length = handshake_proper_length(handshake->type);
	struct cookie_maker maker;

	cookie_maker_init(&maker, handshake_public_key(handshake->private_key));
	cookie_add_macs(&maker, message, length, 0);
	if (!handshake->has_cookie && !handshake->has_others_cookie)
		return;
	handshake_get_cookie(&maker, message + length - 2 * COOKIE_LENGTH, handshake);
	cookie_add_macs(&maker, message, length, 0);
}

static inline uint32_t handshake_build(uint8_t *frame, const struct handshake *handshake)
{
	uint8_t message[HANDSHAKE_MAX];
	uint64_t seed = handshake->seed;
	uint32_t length;

	for (uint32_t i = 0; i < sizeof(message); i += 8)
		store_le64(message + i, packet_random(&seed));
	store_le32(message, handshake->type);
	if (handshake->type == MESSAGE_HANDSHAKE_RESPONSE)
		store_le32(message + offsetof(struct message_handshake_response, receiver_index),
			   handshake->receiver_index);
	if (handshake->type == MESSAGE_HANDSHAKE_COOKIE)
		store_le32(message + offsetof(struct message_handshake_cookie, receiver_index),
			   handshake->receiver_index);
	else if (handshake->private_key)
		handshake_add_macs(message, handshake);
	length = build_datagram(frame, &handshake->outer, message, handshake->length);
	memset(frame + length, 0xee, handshake->trailing);
	return length + handshake->trailing;
}

#endif
