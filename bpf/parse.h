/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * parse.h - the headers of Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768) as far as the data
 * path reads and writes them. What a parser does not understand it does not claim.
 */
#ifndef WGXDP_BPF_PARSE_H
#define WGXDP_BPF_PARSE_H

#include <wgxdp/abi.h>

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTOCOL_UDP = 17,
	VLAN_TAG_LENGTH = 4,
	ECN_MASK = 3,
	ECN_CE = 3,
};

struct ethernet_header {
	uint8_t destination[6];
	uint8_t source[6];
	uint16_t type;
} __attribute__((packed));

struct ipv4_header {
	/* version and header length in words */
	uint8_t version_length;
	uint8_t ds;
	uint16_t total_length;
	uint16_t id;
	uint16_t fragment;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t checksum;
	uint8_t source[4];
	uint8_t destination[4];
} __attribute__((packed, aligned(2)));

struct ipv6_header {
	/* version, traffic class, flow label */
	uint8_t version_class_label[4];
	uint16_t payload_length;
	uint8_t next_header;
	uint8_t hop_limit;
	uint8_t source[16];
	uint8_t destination[16];
} __attribute__((packed, aligned(2)));

struct udp_header {
	uint16_t source_port;
	uint16_t destination_port;
	uint16_t length;
	uint16_t checksum;
} __attribute__((packed, aligned(2)));

_Static_assert(sizeof(struct ethernet_header) == 14, "RFC 894");
_Static_assert(sizeof(struct ipv4_header) == 20, "RFC 791");
_Static_assert(sizeof(struct ipv6_header) == 40, "RFC 8200");
_Static_assert(sizeof(struct udp_header) == 8, "RFC 768");

/* An outer UDP packet: the sender as an endpoint, and the datagram. */
struct outer {
	/* address and port of the sender; our address */
	struct endpoint from;
	/* as on the wire */
	uint16_t our_port;
	/* of the UDP payload in the frame */
	uint32_t offset;
	uint32_t length;
	uint8_t ecn;
};

/* The UDP payload, at an offset of 42 or 62: the mask tells the verifier so. */
WGXDP_INLINE uint8_t *outer_payload(const struct outer *outer, uint8_t *data)
{
	return data + (outer->offset & 63);
}

WGXDP_INLINE void copy_words(void *to, const void *from, uint32_t words)
{
	WGXDP_UNROLL
	for (uint32_t i = 0; i < words; i++)
		store_le32((uint8_t *)to + 4 * i, load_le32((const uint8_t *)from + 4 * i));
}

WGXDP_INLINE bool parse_udp(struct outer *outer, const struct udp_header *udp, const uint8_t *end,
			    uint32_t ip_payload)
{
	uint32_t length;

	if ((const uint8_t *)(udp + 1) > end)
		return false;
	length = WGXDP_BE16(udp->length);
	if (length < sizeof(*udp) || length > ip_payload)
		return false;
	outer->from.port[0] = udp->source_port & 0xff;
	outer->from.port[1] = udp->source_port >> 8;
	outer->our_port = udp->destination_port;
	outer->length = length - sizeof(*udp);
	return true;
}

/* True when the frame is a whole UDP datagram over plain IPv4 or IPv6: no VLAN tag, options, extension
 * headers or fragments. The stack understands those, and the agent's socket gets what they carry. */
WGXDP_INLINE bool parse_outer(struct outer *outer, const uint8_t *data, const uint8_t *end)
{
	const struct ethernet_header *ethernet = (const void *)data;
	const struct ipv4_header *ipv4 = (const void *)(ethernet + 1);
	const struct ipv6_header *ipv6 = (const void *)(ethernet + 1);
	uint64_t available;

	__builtin_memset(outer, 0, sizeof(*outer));
	if ((const uint8_t *)(ipv4 + 1) > end)
		return false;
	/* a frame that does not hold what its IP header says is the stack's to judge */
	available = end - (const uint8_t *)(ethernet + 1);
	if (ethernet->type == WGXDP_BE16(ETHERTYPE_IPV4)) {
		uint32_t total = WGXDP_BE16(ipv4->total_length);

		if (ipv4->version_length != 0x45 || ipv4->protocol != PROTOCOL_UDP ||
		    (ipv4->fragment & WGXDP_BE16(0x3fff)) || total < sizeof(*ipv4) ||
		    total > available)
			return false;
		outer->from.family = FAMILY_IPV4;
		copy_words(outer->from.address, ipv4->source, 1);
		copy_words(outer->from.local_address, ipv4->destination, 1);
		outer->ecn = ipv4->ds & ECN_MASK;
		outer->offset = sizeof(*ethernet) + sizeof(*ipv4) + sizeof(struct udp_header);
		return parse_udp(outer, (const void *)(ipv4 + 1), end, total - sizeof(*ipv4));
	}
	if (ethernet->type == WGXDP_BE16(ETHERTYPE_IPV6)) {
		if ((const uint8_t *)(ipv6 + 1) > end || ipv6->next_header != PROTOCOL_UDP ||
		    ipv6->version_class_label[0] >> 4 != 6 ||
		    sizeof(*ipv6) + WGXDP_BE16(ipv6->payload_length) > available)
			return false;
		outer->from.family = FAMILY_IPV6;
		copy_words(outer->from.address, ipv6->source, 4);
		copy_words(outer->from.local_address, ipv6->destination, 4);
		outer->ecn = ipv6->version_class_label[1] >> 4 & ECN_MASK;
		outer->offset = sizeof(*ethernet) + sizeof(*ipv6) + sizeof(struct udp_header);
		return parse_udp(outer, (const void *)(ipv6 + 1), end,
				 WGXDP_BE16(ipv6->payload_length));
	}
	return false;
}

/* The length an inner packet claims, or 0 when its header is not whole or claims more than `available`
 * bytes (kernel: receive.c, wg_packet_consume_data_done). */
WGXDP_INLINE uint32_t inner_length(const uint8_t *packet, const uint8_t *end, uint32_t available)
{
	const struct ipv4_header *ipv4 = (const void *)packet;
	const struct ipv6_header *ipv6 = (const void *)packet;
	uint32_t length;

	if (available < sizeof(*ipv4) || (const uint8_t *)(ipv4 + 1) > end)
		return 0;
	if (ipv4->version_length >> 4 == 4) {
		length = WGXDP_BE16(ipv4->total_length);
		if (length < sizeof(*ipv4))
			return 0;
	} else if (ipv4->version_length >> 4 == 6) {
		if (available < sizeof(*ipv6) || (const uint8_t *)(ipv6 + 1) > end)
			return 0;
		length = WGXDP_BE16(ipv6->payload_length) + sizeof(*ipv6);
	} else {
		return 0;
	}
	return length <= available ? length : 0;
}

/* The Internet checksum of a header of `words` 16-bit words (RFC 1071), its checksum field zero; with what is in that
 * field, 0 when it is right. */
WGXDP_INLINE uint16_t fold_checksum(uint64_t sum)
{
	WGXDP_UNROLL
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

WGXDP_INLINE uint16_t header_checksum(const void *header, uint32_t words)
{
	uint64_t sum = 0;

	WGXDP_UNROLL
	for (uint32_t i = 0; i < words; i++)
		sum += ((const uint16_t *)header)[i];
	return fold_checksum(sum);
}

/* RFC 6040: congestion that the outer header met is shown to an inner packet that knows ECN. */
WGXDP_INLINE void mark_congestion(uint8_t *packet, const uint8_t *end)
{
	struct ipv4_header *ipv4 = (void *)packet;

	if ((const uint8_t *)(ipv4 + 1) > end)
		return;
	if (packet[0] >> 4 == 4 && (ipv4->ds & ECN_MASK)) {
		/* RFC 1624: the checksum takes the difference of the word that changes */
		uint16_t before = *(uint16_t *)packet;

		ipv4->ds |= ECN_CE;
		ipv4->checksum = fold_checksum((uint64_t)(uint16_t)~ipv4->checksum +
					       (uint16_t)~before + *(uint16_t *)packet);
	} else if (packet[0] >> 4 == 6 && (packet[1] >> 4 & ECN_MASK)) {
		packet[1] |= ECN_CE << 4;
	}
}

WGXDP_INLINE uint8_t inner_ecn(const uint8_t *packet)
{
	return (packet[0] >> 4 == 4 ? packet[1] : packet[1] >> 4) & ECN_MASK;
}

#endif
