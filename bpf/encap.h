/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * encap.h - the outer headers of a sealed packet, and the way it leaves: redirected to the interface of the
 * peer's route, or, when that cannot be, through the agent's socket.
 *
 * IPv4 goes without DF, as the kernel's WireGuard sends it, with the low bits of the message counter as its ID
 * (RFC 6864: unique for as long as fragments of 2^16 packets live). Both have a UDP checksum: IPv6 must (RFC 8200,
 * 8.1), and over IPv4 there are boxes on the way that take none for a wrong one, or translate to IPv6.
 */
#ifndef WGXDP_BPF_ENCAP_H
#define WGXDP_BPF_ENCAP_H

#include "send.h"

WGXDP_INLINE void write_ethernet(uint8_t *data, uint16_t type)
{
	struct ethernet_header *ethernet = (void *)data;

	/* both addresses are the neighbour's business */
	ethernet->type = WGXDP_BE16(type);
}

/* The payload's sum, then what is the same for both families; the addresses' is still to come. */
WGXDP_INLINE uint64_t write_udp(struct udp_header *udp, const struct sending *out,
				const struct tunnel_value *tunnel, uint32_t payload,
				uint64_t payload_sum)
{
	udp->source_port = tunnel->port[0] | tunnel->port[1] << 8;
	udp->destination_port = out->endpoint.port[0] | out->endpoint.port[1] << 8;
	udp->length = WGXDP_BE16(sizeof(*udp) + payload);
	/* the length counts twice: in the pseudo-header too */
	return payload_sum + udp->source_port + udp->destination_port + 2 * udp->length +
	       WGXDP_BE16(PROTOCOL_UDP);
}

/* RFC 768: 0 would say that there is none. */
WGXDP_INLINE uint16_t udp_checksum(uint64_t sum)
{
	uint16_t checksum = fold_checksum(sum);

	return checksum ? checksum : 0xffff;
}

WGXDP_INLINE uint8_t hop_limit_of(const struct sending *out)
{
	return out->endpoint.hop_limit ? out->endpoint.hop_limit : HOP_LIMIT_DEFAULT;
}

WGXDP_INLINE bool write_ipv4(struct __sk_buff *skb, const struct sending *out,
			     const struct tunnel_value *tunnel, uint32_t payload,
			     uint64_t payload_sum)
{
	uint8_t *data = (uint8_t *)(long)skb->data;
	const uint8_t *end = (uint8_t *)(long)skb->data_end;
	struct ipv4_header *ipv4 = (void *)(data + sizeof(struct ethernet_header));
	struct udp_header *udp = (void *)(ipv4 + 1);
	uint64_t sum;

	if ((uint8_t *)(udp + 1) > end)
		return false;
	write_ethernet(data, ETHERTYPE_IPV4);
	ipv4->version_length = 0x45;
	ipv4->ds = out->ecn;
	ipv4->total_length = WGXDP_BE16(sizeof(*ipv4) + sizeof(*udp) + payload);
	ipv4->id = WGXDP_BE16((uint16_t)out->counter);
	ipv4->fragment = 0;
	ipv4->ttl = hop_limit_of(out);
	ipv4->protocol = PROTOCOL_UDP;
	ipv4->checksum = 0;
	copy_words(ipv4->source, out->endpoint.local_address, 1);
	copy_words(ipv4->destination, out->endpoint.address, 1);
	ipv4->checksum = header_checksum(ipv4, sizeof(*ipv4) / 2);
	sum = write_udp(udp, out, tunnel, payload, payload_sum);
	udp->checksum = udp_checksum(sum + load_le32(out->endpoint.local_address) +
				     load_le32(out->endpoint.address));
	return true;
}

WGXDP_INLINE bool write_ipv6(struct __sk_buff *skb, const struct sending *out,
			     const struct tunnel_value *tunnel, uint32_t payload,
			     uint64_t payload_sum)
{
	uint8_t *data = (uint8_t *)(long)skb->data;
	const uint8_t *end = (uint8_t *)(long)skb->data_end;
	struct ipv6_header *ipv6 = (void *)(data + sizeof(struct ethernet_header));
	struct udp_header *udp = (void *)(ipv6 + 1);
	uint64_t sum;

	if ((uint8_t *)(udp + 1) > end)
		return false;
	write_ethernet(data, ETHERTYPE_IPV6);
	ipv6->version_class_label[0] = 0x60;
	ipv6->version_class_label[1] = out->ecn << 4;
	ipv6->version_class_label[2] = 0;
	ipv6->version_class_label[3] = 0;
	ipv6->payload_length = WGXDP_BE16(sizeof(*udp) + payload);
	ipv6->next_header = PROTOCOL_UDP;
	ipv6->hop_limit = hop_limit_of(out);
	copy_words(ipv6->source, out->endpoint.local_address, 4);
	copy_words(ipv6->destination, out->endpoint.address, 4);
	sum = write_udp(udp, out, tunnel, payload, payload_sum);
	for (uint32_t i = 0; i < 16; i += 4)
		sum += (uint64_t)load_le32(out->endpoint.local_address + i) +
		       load_le32(out->endpoint.address + i);
	udp->checksum = udp_checksum(sum);
	return true;
}

/* A message that is sealed leaves or is lost; it never goes back to the stack. */
WGXDP_INLINE enum verdict give_to_socket(struct __sk_buff *skb, const struct sending *out,
					 uint32_t payload)
{
	uint32_t offset =
		sizeof(struct ethernet_header) + outer_length(out) - sizeof(struct message_data);

	return tell_packet(skb, out->tunnel, (uint64_t)EVENT_SEND_SEALED << 32 | out->peer_id,
			   (uint64_t)offset << 32 | (uint32_t)out->ecn << 16 | payload,
			   &out->endpoint)
		       ? VERDICT_SLOW_WAY
		       : VERDICT_NO_ROOM;
}

WGXDP_INLINE bool has_local_address(const struct endpoint *endpoint)
{
	const uint64_t *address = (const uint64_t *)endpoint->local_address;

	return address[0] | address[1];
}

WGXDP_INLINE enum verdict encapsulate(struct __sk_buff *skb, const struct sending *out,
				      const struct tunnel_value *tunnel)
{
	uint32_t payload = MESSAGE_DATA_MINIMUM_LENGTH + out->text_length, mtu = 0;
	uint32_t offset =
		sizeof(struct ethernet_header) + outer_length(out) - sizeof(struct message_data);
	long sum;

	if (!out->endpoint.ifindex || !has_local_address(&out->endpoint) ||
	    bpf_check_mtu(skb, out->endpoint.ifindex, &mtu, 0, 0))
		return give_to_socket(skb, out, payload);
	sum = sum_at(skb, offset, payload);
	if (sum < 0 ||
	    (out->endpoint.family == FAMILY_IPV4 ? !write_ipv4(skb, out, tunnel, payload, sum)
						 : !write_ipv6(skb, out, tunnel, payload, sum)))
		return VERDICT_NO_ROOM;
	skb->mark = tunnel->fwmark;
	return VERDICT_SEALED;
}

#endif
