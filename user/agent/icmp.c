// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * icmp.c - tells the sender of an inner packet why it did not go (RFC 792, RFC 1191, RFC 4443; kernel: device.c,
 * wg_xmit): no peer, a peer without endpoint, larger than the MTU.
 *
 * The answer goes out where the packet came from, by icmp_socket.c, as the kernel's own would. Where that cannot be (the
 * interface is in a namespace that we may not enter) it comes in by the tunnel, from the address the packet was for:
 * the stack there refuses its own addresses as a source, and the reverse path of any other may not lead here.
 */
#include <agent/device.h>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>

enum {
	/* RFC 1812, 4.3.2.3 and RFC 4443, 2.4: of the whole answer */
	IPV4_ANSWER_MAX = 576,
	IPV6_ANSWER_MAX = 1280,
	ICMP_HEADER_LENGTH = 8,
	TTL = 64,
	/* as the kernel's icmp_msgs_per_sec and icmp_msgs_burst */
	ANSWERS_PER_SECOND = 1000,
	ANSWERS_BURST = 50,
};

static bool may_answer(struct device *device)
{
	uint64_t now = boot_time(), fresh;

	fresh = (now - device->icmp_refilled) / (NANOSECONDS_PER_SECOND / ANSWERS_PER_SECOND);
	if (fresh) {
		device->icmp_tokens += fresh;
		device->icmp_refilled = now;
	}
	if (device->icmp_tokens > ANSWERS_BURST)
		device->icmp_tokens = ANSWERS_BURST;
	if (!device->icmp_tokens)
		return false;
	device->icmp_tokens--;
	return true;
}

static uint32_t add_sum(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? byte[i] : (uint32_t)byte[i] << 8;
	return sum;
}

static uint16_t finish_sum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return WGXDP_BE16(~sum);
}

/* ---- IPv4 ---------------------------------------------------------------------------------------- */

static bool is_ipv4_error(const struct iphdr *inner, size_t length)
{
	const uint8_t *type = (const uint8_t *)inner + 4 * inner->ihl;

	if (inner->protocol != IPPROTO_ICMP)
		return false;
	/* what cannot be looked at may be one */
	if (type >= (const uint8_t *)inner + length)
		return true;
	return *type == ICMP_DEST_UNREACH || *type == ICMP_SOURCE_QUENCH ||
	       *type == ICMP_REDIRECT || *type == ICMP_TIME_EXCEEDED || *type == ICMP_PARAMETERPROB;
}

/* RFC 1122, 3.2.2: never about an error, a later fragment, or anything that is not from one host to one. */
static bool ipv4_wants_answer(const struct iphdr *inner, size_t length)
{
	uint32_t source, destination;

	if (length < sizeof(*inner))
		return false;
	source = WGXDP_BE32(inner->saddr);
	destination = WGXDP_BE32(inner->daddr);
	return !is_ipv4_error(inner, length) && !(inner->frag_off & WGXDP_BE16(IP_OFFMASK)) &&
	       !IN_MULTICAST(source) && !IN_BADCLASS(source) && source != INADDR_ANY &&
	       !IN_MULTICAST(destination) && !IN_BADCLASS(destination);
}

static void answer_ipv4(struct device *device, const struct event *event)
{
	const struct iphdr *inner = (const void *)event->packet;
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
		uint8_t quote[IPV4_ANSWER_MAX - sizeof(struct iphdr) - ICMP_HEADER_LENGTH];
	} answer = {0};
	size_t quoted = event->length, length;

	/* with DF only: without, the packet would have been cut to pieces before it came here */
	if (!ipv4_wants_answer(inner, event->length) || !may_answer(device))
		return;
	if (quoted > sizeof(answer.quote))
		quoted = sizeof(answer.quote);
	length = sizeof(answer.ip) + ICMP_HEADER_LENGTH + quoted;
	answer.ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = IPTOS_PREC_INTERNETCONTROL,
		.tot_len = WGXDP_BE16(length),
		.ttl = TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = inner->daddr,
		.daddr = inner->saddr,
	};
	answer.ip.check = finish_sum(add_sum(0, &answer.ip, sizeof(answer.ip)));
	answer.icmp.type = ICMP_DEST_UNREACH;
	answer.icmp.code = ICMP_HOST_UNREACH;
	if (event->kind == EVENT_TOO_BIG) {
		answer.icmp.code = ICMP_FRAG_NEEDED;
		answer.icmp.un.frag.mtu = WGXDP_BE16(device->value.mtu);
	}
	memcpy(answer.quote, event->packet, quoted);
	answer.icmp.checksum = finish_sum(add_sum(0, &answer.icmp, ICMP_HEADER_LENGTH + quoted));
	if (!icmp_send(device, FAMILY_IPV4, &inner->saddr, &answer.icmp,
		       ICMP_HEADER_LENGTH + quoted))
		staged_pass(device, (const uint8_t *)&answer, length);
}

/* ---- IPv6 ---------------------------------------------------------------------------------------- */

static bool is_ipv6_error(const struct ip6_hdr *inner, size_t length)
{
	const uint8_t *type = (const uint8_t *)(inner + 1);

	if (inner->ip6_nxt != IPPROTO_ICMPV6)
		return false;
	return length <= sizeof(*inner) || !(*type & ICMP6_INFOMSG_MASK) || *type == ND_REDIRECT;
}

/* RFC 4443, 2.4 (e): too big is told of multicast packets too. */
static bool ipv6_wants_answer(const struct ip6_hdr *inner, size_t length, bool too_big)
{
	return length >= sizeof(*inner) && !is_ipv6_error(inner, length) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&inner->ip6_src) &&
	       !IN6_IS_ADDR_MULTICAST(&inner->ip6_src) &&
	       (too_big || !IN6_IS_ADDR_MULTICAST(&inner->ip6_dst));
}

static void answer_ipv6(struct device *device, const struct event *event)
{
	const struct ip6_hdr *inner = (const void *)event->packet;
	bool too_big = event->kind == EVENT_TOO_BIG;
	struct {
		struct ip6_hdr ip;
		struct icmp6_hdr icmp;
		uint8_t quote[IPV6_ANSWER_MAX - sizeof(struct ip6_hdr) - ICMP_HEADER_LENGTH];
	} answer = {0};
	size_t quoted = event->length, payload;
	uint32_t sum;

	if (!ipv6_wants_answer(inner, event->length, too_big) || !may_answer(device))
		return;
	if (quoted > sizeof(answer.quote))
		quoted = sizeof(answer.quote);
	payload = ICMP_HEADER_LENGTH + quoted;
	answer.ip.ip6_flow = WGXDP_BE32(6u << 28);
	answer.ip.ip6_plen = WGXDP_BE16(payload);
	answer.ip.ip6_nxt = IPPROTO_ICMPV6;
	answer.ip.ip6_hlim = TTL;
	answer.ip.ip6_src =
		IN6_IS_ADDR_MULTICAST(&inner->ip6_dst) ? inner->ip6_src : inner->ip6_dst;
	answer.ip.ip6_dst = inner->ip6_src;
	answer.icmp.icmp6_type = too_big ? ICMP6_PACKET_TOO_BIG : ICMP6_DST_UNREACH;
	answer.icmp.icmp6_code = too_big ? 0 : ICMP6_DST_UNREACH_ADDR;
	if (too_big)
		answer.icmp.icmp6_mtu = WGXDP_BE32(device->value.mtu);
	memcpy(answer.quote, event->packet, quoted);

	/* RFC 8200, 8.1: addresses, length and protocol count too */
	sum = add_sum((uint32_t)payload + IPPROTO_ICMPV6, &answer.ip.ip6_src,
		      2 * sizeof(struct in6_addr));
	answer.icmp.icmp6_cksum = finish_sum(add_sum(sum, &answer.icmp, payload));
	if (!icmp_send(device, FAMILY_IPV6, &inner->ip6_src, &answer.icmp, payload))
		staged_pass(device, (const uint8_t *)&answer, sizeof(answer.ip) + payload);
}

void icmp_answer(struct device *device, const struct event *event)
{
	if (!event->length)
		return;
	if (event->packet[0] >> 4 == 4)
		answer_ipv4(device, event);
	else if (event->packet[0] >> 4 == 6)
		answer_ipv6(device, event);
}
