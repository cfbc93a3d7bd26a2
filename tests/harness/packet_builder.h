/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * packet_builder.h - frames for tests, byte by byte as they stand on the wire: Ethernet, IPv4 (RFC 791), IPv6
 * (RFC 8200), UDP (RFC 768) with their checksums, and transport messages (WireGuard paper, 5.4.6) sealed by
 * libsodium. Shares no code with the data path, and judges nothing.
 */
#ifndef WGXDP_TESTS_PACKET_BUILDER_H
#define WGXDP_TESTS_PACKET_BUILDER_H

#include <wgxdp/abi.h>

enum built_size {
	ETHERNET_LENGTH = 14,
	IPV4_LENGTH = 20,
	IPV6_LENGTH = 40,
	UDP_LENGTH = 8,
	/* as much as a test run of an XDP program takes, and some more */
	FRAME_MAX = 4096,
};

struct address {
	/* enum address_family */
	uint8_t family;
	uint8_t bytes[16];
};

/* Everything around the payload of an outer UDP packet. */
struct datagram {
	uint8_t destination_mac[6];
	uint8_t source_mac[6];
	struct address source;
	struct address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t ds;
	uint16_t id;
	/* 0: 64 */
	uint8_t hop_limit;
	/* RFC 768 lets IPv4 go without */
	bool without_checksum;
};

static inline uint32_t ip_header_length(uint8_t family)
{
	return family == FAMILY_IPV4 ? IPV4_LENGTH : IPV6_LENGTH;
}

static inline uint32_t read_be16(const uint8_t *from)
{
	return (uint32_t)from[0] << 8 | from[1];
}

static inline void write_be16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* RFC 1071: the sum of big-endian 16-bit words on top of `sum`, not folded. */
uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, uint32_t length);
uint16_t checksum_fold(uint32_t sum);

/* An IP header of the family for `length` bytes in all, its payload from the seed. */
void build_inner(uint8_t *packet, const struct address *source, const struct address *destination,
		 uint32_t length, uint8_t ds, uint64_t seed);

/* Message of type 4 over the text, which may lie in its place; its length. */
uint32_t build_message(uint8_t *message, uint32_t receiver_index, uint64_t counter,
		       const struct aead_key *key, const uint8_t *text, uint32_t length);

/* The whole frame; its length. */
uint32_t build_datagram(uint8_t *frame, const struct datagram *outer, const uint8_t *payload,
			uint32_t length);

/* The text of a message, when its tag is good. */
bool open_message(uint8_t *text, const uint8_t *message, uint32_t length,
		  const struct aead_key *key);

#endif
