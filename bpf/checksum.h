/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * checksum.h - the sums of the outer headers (RFC 1071): of what leaves, for seal.h, and of what may move its peer's
 * endpoint.
 *
 * XDP comes before the stack, which would drop a packet that was damaged on its way. The tag vouches for the message
 * and not for the headers: with one bit of the source turned over it is still authentic, and would send all answers
 * astray, until the other end says something unasked. What comes from where the peer is known to be has its source
 * confirmed by that, and is not summed up.
 */
#ifndef WGXDP_BPF_CHECKSUM_H
#define WGXDP_BPF_CHECKSUM_H

#include "maps.h"
#include "parse.h"

/* The sum of 32-bit words, which folded to 16 bits is that of 16-bit words. Four of them, none waits for another. */
WGXDP_INLINE uint64_t sum_words(const uint8_t *bytes, uint32_t length)
{
	uint64_t sum[4] = {0};

	WGXDP_UNROLL
	for (uint32_t i = 0; i < length; i += 4)
		sum[i / 4 % 4] += load_le32(bytes + i);
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

WGXDP_CALLED long sum_block(const struct aead_block *block)
{
	return block ? (long)sum_words(block->bytes, sizeof(*block)) : 0;
}

/* The sum of what UDP's checksum covers beside the datagram (RFC 768; RFC 8200, 8.1). */
WGXDP_INLINE uint64_t sum_pseudo_header(const struct outer *outer)
{
	uint64_t sum = WGXDP_BE16(PROTOCOL_UDP) +
		       WGXDP_BE16((uint16_t)(sizeof(struct udp_header) + outer->length));

	WGXDP_UNROLL
	for (int i = 0; i < 16; i += 4) {
		sum += load_le32(outer->from.address + i);
		sum += load_le32(outer->from.local_address + i);
	}
	return sum;
}

/*
 * Whether a datagram's checksum is no more than the sum of the pseudo header. So the kernel leaves it to a device, or
 * to the one that takes a bundle apart: between namespaces and virtual machines such frames arrive as they are. A
 * damaged address is noticed in them too; a damaged port is not, but what has crossed a wire was summed up before. Of
 * 65 536 checksums that damage may leave, two are taken for right and not one.
 */
WGXDP_INLINE bool has_partial_checksum(const struct outer *outer, const struct udp_header *udp)
{
	return (uint16_t)~fold_checksum(sum_pseudo_header(outer)) == udp->checksum;
}

/* The sum of the UDP header and payload, or -1 when they are not there. Copied, as it is seldom asked for: so the
 * verifier has no bounds to keep. */
WGXDP_INLINE long sum_datagram(struct xdp_md *xdp, const struct outer *outer)
{
	uint32_t offset = outer->offset - sizeof(struct udp_header);
	uint32_t length = outer->length + sizeof(struct udp_header), i, last;
	const uint32_t most =
		sizeof(struct udp_header) + MESSAGE_DATA_MINIMUM_LENGTH + TRANSPORT_TEXT_MAX;
	struct aead *aead = aead_of_this_cpu();
	uint64_t sum = 0;

	if (!aead || length > most)
		return -1;
	aead->length = length;
	/* the compiler would take `length` for bound enough; the verifier of 6.1 has lost that, and finds no end */
	WGXDP_FORGET(length);
	WGXDP_NO_UNROLL
	for (i = 0; i + sizeof(aead->spare) <= length && i < most; i += sizeof(aead->spare)) {
		if (bpf_xdp_load_bytes(xdp, offset + i, &aead->spare, sizeof(aead->spare)))
			return -1;
		sum += sum_block(&aead->spare);
	}
	/* read back as a number the verifier knows nothing of: see aead_again() */
	length = aead_again(&aead->length);
	if (!(length & 63))
		return (long)sum;
	/* 1 to 64 to the verifier: that of 6.1 learns nothing from a comparison with 0 */
	last = length - 1;
	WGXDP_FORGET(last);
	__builtin_memset(&aead->spare, 0, sizeof(aead->spare));
	if (bpf_xdp_load_bytes(xdp, offset + (length & ~63u), &aead->spare, (last & 63) + 1))
		return -1;
	return (long)(sum + sum_block(&aead->spare));
}

/* What the stack would let through: the IPv4 header's sum, and the datagram's, which only IPv4 may be without
 * (RFC 768; RFC 8200, 8.1). */
WGXDP_CALLED int is_intact(struct xdp_md *xdp, const struct outer *outer)
{
	const uint8_t *data = (const uint8_t *)(long)xdp->data;
	const uint8_t *end = (const uint8_t *)(long)xdp->data_end;
	const struct ipv4_header *ipv4 = (const void *)(data + sizeof(struct ethernet_header));
	const struct udp_header *udp;
	long sum;

	if (!outer)
		return 0;
	udp = (const void *)(data + ((outer->offset - sizeof(*udp)) & 63));
	if ((const uint8_t *)(ipv4 + 1) > end || (const uint8_t *)(udp + 1) > end)
		return 0;
	if (outer->from.family == FAMILY_IPV4 && header_checksum(ipv4, sizeof(*ipv4) / 2))
		return 0;
	if (!udp->checksum)
		return outer->from.family == FAMILY_IPV4;
	if (has_partial_checksum(outer, udp))
		return 1;
	sum = sum_datagram(xdp, outer);
	return sum >= 0 && !fold_checksum(sum_pseudo_header(outer) + (uint64_t)sum);
}

#endif
