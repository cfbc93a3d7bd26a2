/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clamp.h - the maximum segment size that a TCP SYN announces (RFC 9293, 3.7.1), made as small as the tunnel's MTU
 * asks for, on the way in and out: for hosts behind either end whose path MTU discovery does not work. Never made
 * larger; IPv6 with extension headers, fragments and what has no such option are left alone. All functions of their own,
 * for the verifier's sake.
 */
#ifndef WGXDP_BPF_CLAMP_H
#define WGXDP_BPF_CLAMP_H

#include "parse.h"

enum {
	PROTOCOL_TCP = 6,
	TCP_FLAG_SYN = 2,
	TCP_FLAG_RST = 4,
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_MSS_LENGTH = 4,
	TCP_OPTIONS_LENGTH_MAX = 40,
	/* who has more in front of it is left alone; usually it is the first */
	TCP_OPTIONS_LOOKED_AT = 16,
	/* how far a SYN's headers may reach: all that has to be linear */
	CLAMPED_HEADERS = 60 + 60,
};

struct tcp_header {
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t sequence[8];
	/* upper half: the header's length in words */
	uint8_t offset;
	uint8_t flags;
	uint16_t window;
	uint16_t checksum;
	uint16_t urgent;
} __attribute__((packed, aligned(2)));

_Static_assert(sizeof(struct tcp_header) == 20, "RFC 9293");

/* Length of the IP header that TCP follows, or 0. */
WGXDP_INLINE uint32_t headers_before_tcp(const uint8_t *packet, const uint8_t *end)
{
	const struct ipv4_header *ipv4 = (const void *)packet;
	const struct ipv6_header *ipv6 = (const void *)packet;

	if ((const uint8_t *)(ipv4 + 1) > end)
		return 0;
	if (ipv4->version_length >> 4 == 4)
		return ipv4->protocol == PROTOCOL_TCP && !(ipv4->fragment & WGXDP_BE16(0x3fff)) &&
				       (ipv4->version_length & 15) >= 5
			       ? (ipv4->version_length & 15) * 4
			       : 0;
	return (const uint8_t *)(ipv6 + 1) <= end && ipv6->next_header == PROTOCOL_TCP
		       ? sizeof(*ipv6)
		       : 0;
}

/* RFC 1624. A value that does not begin at a word's beginning counts with its bytes exchanged. */
WGXDP_INLINE void change_segment_size(struct tcp_header *tcp, uint8_t *value, uint16_t before,
				      uint16_t now, bool is_odd)
{
	value[0] = now >> 8;
	value[1] = now & 0xff;
	before = is_odd ? __builtin_bswap16(WGXDP_BE16(before)) : WGXDP_BE16(before);
	now = is_odd ? __builtin_bswap16(WGXDP_BE16(now)) : WGXDP_BE16(now);
	tcp->checksum = fold_checksum((uint64_t)(uint16_t)~tcp->checksum + (uint16_t)~before + now);
}

/* How far the next option is; from the last one, and from one that says nonsense, beyond all of them. Without a branch:
 * the verifier would follow each of them anew, sixteen times. */
WGXDP_INLINE uint32_t option_length(uint32_t kind, uint32_t length)
{
	uint32_t is_end = (kind - 1) >> 31, is_nop = ((kind ^ TCP_OPTION_NOP) - 1) >> 31;
	uint32_t is_short = (length - 2) >> 31;

	WGXDP_FORGET(is_end);
	WGXDP_FORGET(is_nop);
	WGXDP_FORGET(is_short);
	return is_end * TCP_OPTIONS_LENGTH_MAX + is_nop +
	       (1 - is_nop) * (length + is_short * TCP_OPTIONS_LENGTH_MAX);
}

/* `packet`: an IP packet whose length its header does not lie about; `limit`, `mtu`: of the tunnel. */
WGXDP_INLINE int clamp_packet(uint8_t *packet, const uint8_t *end, uint32_t limit, uint32_t mtu)
{
	uint32_t headers = headers_before_tcp(packet, end), options, at = 0;
	struct tcp_header *tcp = (void *)(packet + (headers & 63));
	uint32_t most;

	if (!limit || !headers || (const uint8_t *)(tcp + 1) > end ||
	    (tcp->flags & (TCP_FLAG_SYN | TCP_FLAG_RST)) != TCP_FLAG_SYN)
		return 0;
	most = packet[0] >> 4 == 4 ? sizeof(struct ipv4_header) : sizeof(struct ipv6_header);
	most += sizeof(*tcp);
	most = mtu > most ? mtu - most : 1;
	if (most > limit)
		most = limit;
	options = (tcp->offset >> 4) * 4;
	options = options > sizeof(*tcp) ? options - sizeof(*tcp) : 0;
	WGXDP_NO_UNROLL
	for (uint32_t i = 0; i < TCP_OPTIONS_LOOKED_AT; i++) {
		uint8_t *option = (uint8_t *)(tcp + 1) + (at & 63);

		if (at + TCP_OPTION_MSS_LENGTH > options || option + TCP_OPTION_MSS_LENGTH > end)
			return 0;
		if (option[0] == TCP_OPTION_MSS && option[1] == TCP_OPTION_MSS_LENGTH) {
			uint32_t announced = (uint32_t)option[2] << 8 | option[3];

			if (announced > most)
				change_segment_size(tcp, option + 2, (uint16_t)announced,
						    (uint16_t)most, at & 1);
			return 0;
		}
		at += option_length(option[0], option[1]);
		if (at >= TCP_OPTIONS_LENGTH_MAX)
			return 0;
	}
	return 0;
}

/* The packet of an skb, linear as far as CLAMPED_HEADERS. */
WGXDP_CALLED int clamp_sent(struct __sk_buff *skb, uint32_t limit, uint32_t mtu)
{
	return clamp_packet((uint8_t *)(long)skb->data + sizeof(struct ethernet_header),
			    (uint8_t *)(long)skb->data_end, limit, mtu);
}

/* The packet at `offset` of a frame that was opened. */
WGXDP_CALLED int clamp_received(struct xdp_md *xdp, uint32_t offset, uint32_t limit, uint32_t mtu)
{
	return clamp_packet((uint8_t *)(long)xdp->data + (offset & 127),
			    (uint8_t *)(long)xdp->data_end, limit, mtu);
}

#endif
