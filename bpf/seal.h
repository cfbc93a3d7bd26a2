/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * seal.h - the AEAD and the checksum over a linear packet at TC. Functions of their own: the verifier looks at
 * their loops once, and not again for every way a packet comes to them.
 */
#ifndef WGXDP_BPF_SEAL_H
#define WGXDP_BPF_SEAL_H

#include "checksum.h"

/* Seals `length` bytes at `offset` of the frame; the tag's 16 bytes follow. 0, or -1 when they are not there. */
WGXDP_CALLED int seal_at(struct __sk_buff *skb, const struct aead_key *key, uint64_t counter,
			 uint32_t offset, uint32_t length)
{
	struct aead *aead = aead_of_this_cpu();
	uint8_t *data = (uint8_t *)(long)skb->data;

	if (!aead || !key)
		return -1;
	return aead_seal(aead, key, counter, data + (offset & 127), (uint8_t *)(long)skb->data_end,
			 length)
		       ? 0
		       : -1;
}

/* As seal_at(), with keystream that was computed before. */
WGXDP_CALLED int seal_with_at(struct __sk_buff *skb, const struct keystream_slot *slot,
			      uint32_t offset, uint32_t length)
{
	struct aead *aead = aead_of_this_cpu();
	uint8_t *data = (uint8_t *)(long)skb->data;

	if (!aead || !slot)
		return -1;
	return aead_seal_with(aead, &slot->first_block, slot->text, data + (offset & 127),
			      (uint8_t *)(long)skb->data_end, length)
		       ? 0
		       : -1;
}

/* A call costs as much as the sum of 64 bytes: as many of them as pays at once. */
struct summed_blocks {
	uint8_t bytes[4 * sizeof(struct aead_block)];
};

WGXDP_CALLED long sum_blocks(const struct summed_blocks *blocks)
{
	return blocks ? (long)sum_words(blocks->bytes, sizeof(*blocks)) : 0;
}

/* The sum of `length` bytes at `offset` of the frame, for a checksum, or -1 when they are not there. */
WGXDP_CALLED long sum_at(struct __sk_buff *skb, uint32_t offset, uint32_t length)
{
	uint8_t *at = (uint8_t *)(long)skb->data + (offset & 127);
	const uint8_t *end = (uint8_t *)(long)skb->data_end;
	struct aead *aead = aead_of_this_cpu();
	uint32_t i = 0;
	uint64_t sum = 0;

	if (!aead)
		return -1;
	aead->length = length;
	for (; i + sizeof(struct summed_blocks) <= length && i < TRANSPORT_TEXT_MAX;
	     i += sizeof(struct summed_blocks)) {
		struct summed_blocks *blocks = aead_span(at, end, i, sizeof(*blocks));

		if (!blocks)
			return -1;
		sum += sum_blocks(blocks);
	}
	for (int more = 0; more < 3 && i + sizeof(struct aead_block) <= length; more++) {
		struct aead_block *block = aead_span(at, end, i, sizeof(*block));

		if (!block)
			return -1;
		sum += sum_block(block);
		i += sizeof(*block);
	}
	/* read back as a number the verifier knows nothing of: see aead_pass_over() */
	length = *(volatile uint32_t *)&aead->length;
	if (length & 63) {
		/* 1 to 64 to the verifier: that of 6.1 learns nothing from a comparison with 0 */
		i = length - 1;
		WGXDP_FORGET(i);
		__builtin_memset(&aead->spare, 0, sizeof(aead->spare));
		if (bpf_skb_load_bytes(skb, (offset & 127) + (length & ~63u), &aead->spare,
				       (i & 63) + 1))
			return -1;
		sum += sum_block(&aead->spare);
	}
	return sum;
}

#endif
