/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * poly1305.h - the one-time authenticator of RFC 8439, 2.5, for machines whose widest product is
 * 64 bits (BPF has no upper half of a multiplication).
 *
 * The accumulator has four limbs of weight 2^0, 2^32, 2^64 and 2^96; the fourth carries what is
 * above 2^128 as well, so a 16-byte block costs 16 multiplications and one serial carry pass. The
 * functions are inlined into the AEAD's loops, where the accumulator stays in registers for as long as
 * the caller keeps it in a local variable.
 */
#ifndef WGXDP_POLY1305_H
#define WGXDP_POLY1305_H

#include <wgxdp/types.h>

struct poly1305_accumulator {
	uint64_t h0, h1, h2, h3;
};

struct poly1305_key {
	/* The multiplier, clamped: r0 < 2^28, the others < 2^28 and multiples of 4. */
	uint64_t r0, r1, r2, r3;
	/* What a limb of r counts for once its product has passed 2^130: r * 2^128 = r / 4 * 5. */
	uint64_t s1, s2, s3;
	/* Added to the result. */
	uint32_t pad[4];
};

/*
 * sum = limb * factor and sum += limb * factor. In BPF the seven factors are multiplied from where they
 * lie in memory: four limbs, four sums, the text's address and one product are all the registers there
 * are, and clang would rather keep the factors.
 */
#if WGXDP_ON_BPF
#define POLY1305_MULTIPLY(sum, limb, factor)                                                       \
	__asm__ volatile("%0 = *(u64 *)%2\n"                                                       \
			 "%0 *= %1\n"                                                              \
			 : "=&r"(sum)                                                              \
			 : "r"(limb), "m"(factor))
#define POLY1305_MULTIPLY_ADD(sum, limb, factor)                                                   \
	do {                                                                                       \
		uint64_t poly1305_product_;                                                        \
		POLY1305_MULTIPLY(poly1305_product_, limb, factor);                                \
		(sum) += poly1305_product_;                                                        \
	} while (0)
#else
#define POLY1305_MULTIPLY(sum, limb, factor) ((sum) = (limb) * (factor))
#define POLY1305_MULTIPLY_ADD(sum, limb, factor) ((sum) += (limb) * (factor))
#endif

WGXDP_INLINE void poly1305_set_key(struct poly1305_key *key, const uint32_t words[static 8])
{
	key->r0 = words[0] & 0x0fffffff;
	key->r1 = words[1] & 0x0ffffffc;
	key->r2 = words[2] & 0x0ffffffc;
	key->r3 = words[3] & 0x0ffffffc;
	key->s1 = key->r1 + (key->r1 >> 2);
	key->s2 = key->r2 + (key->r2 >> 2);
	key->s3 = key->r3 + (key->r3 >> 2);
	for (unsigned int i = 0; i < 4; i++)
		key->pad[i] = words[4 + i];
}

/*
 * h = (h + block) * r mod 2^130 - 5, partly reduced. The block is four little-endian words; RFC 8439's
 * extra bit above it is the 2^32 added to the top limb (all blocks of the AEAD are full).
 *
 * Bounds, in units of 2^32 for limbs, given on entry h0 <= 2.04, h1 and h2 <= 1, h3 <= 4:
 *   after the block is added       h0 <= 3.04, h1, h2 <= 2, h3 <= 6
 *   with r < 2^28, s < 1.25 * 2^28, in units of 2^60:
 *     x0 <= 3.04 + 2 * 1.25 + 2 * 1.25 + 6 * 1.25 = 15.54  < 16, no overflow
 *     x1 <= 3.04 + 2 + 2 * 1.25 + 6 * 1.25        = 15.04
 *     x2 <= 3.04 + 2 + 2 + 6 * 1.25               = 14.54
 *     x3 <= 3.04 + 2 + 2 + 6                      = 13.04
 *   a carry adds less than 2^32 to the next limb, far below what is left of its 2^64.
 *   x3 >> 34 <= 13.05 * 2^26, times 5 = 65.25 * 2^26 = 1.02 * 2^32, so again h0 <= 2.02 * 2^32.
 */
WGXDP_INLINE void poly1305_block(struct poly1305_accumulator *h, const struct poly1305_key *key,
				 uint64_t m0, uint64_t m1, uint64_t m2, uint64_t m3)
{
	uint64_t h0 = h->h0 + m0, h1 = h->h1 + m1, h2 = h->h2 + m2;
	uint64_t h3 = h->h3 + (m3 | UINT64_C(1) << 32);
	uint64_t x0, x1, x2, x3;

	/* the limb that is ready last comes last */
	POLY1305_MULTIPLY(x0, h1, key->s3);
	POLY1305_MULTIPLY(x1, h1, key->r0);
	POLY1305_MULTIPLY(x2, h1, key->r1);
	POLY1305_MULTIPLY(x3, h1, key->r2);
	POLY1305_MULTIPLY_ADD(x0, h2, key->s2);
	POLY1305_MULTIPLY_ADD(x1, h2, key->s3);
	POLY1305_MULTIPLY_ADD(x2, h2, key->r0);
	POLY1305_MULTIPLY_ADD(x3, h2, key->r1);
	POLY1305_MULTIPLY_ADD(x0, h3, key->s1);
	POLY1305_MULTIPLY_ADD(x1, h3, key->s2);
	POLY1305_MULTIPLY_ADD(x2, h3, key->s3);
	POLY1305_MULTIPLY_ADD(x3, h3, key->r0);
	POLY1305_MULTIPLY_ADD(x0, h0, key->r0);
	POLY1305_MULTIPLY_ADD(x1, h0, key->r1);
	POLY1305_MULTIPLY_ADD(x2, h0, key->r2);
	POLY1305_MULTIPLY_ADD(x3, h0, key->r3);

	x1 += x0 >> 32;
	x2 += x1 >> 32;
	x3 += x2 >> 32;
	h->h0 = (uint32_t)x0 + (x3 >> 34) * 5;
	h->h1 = (uint32_t)x1;
	h->h2 = (uint32_t)x2;
	h->h3 = x3 & 0x3ffffffff;
}

/* (h mod 2^130 - 5) + pad, modulo 2^128: the tag as two little-endian 64-bit words. */
WGXDP_INLINE void poly1305_finish(const struct poly1305_accumulator *h,
				  const struct poly1305_key *key, uint64_t tag[static 2])
{
	uint64_t h0, h1, h2, h3, carry;

	/* Two passes bring every limb into its range: after the first, h0 < 2^32 and what the top
	 * limb gives back is at most 1; after the second the value is below 2^130. */
	h0 = h->h0;
	h1 = h->h1 + (h0 >> 32);
	h2 = h->h2 + (h1 >> 32);
	h3 = h->h3 + (h2 >> 32);
	h0 = (uint32_t)h0 + (h3 >> 34) * 5;
	h1 = (uint32_t)h1 + (h0 >> 32);
	h2 = (uint32_t)h2 + (h1 >> 32);
	h3 = (h3 & 0x3ffffffff) + (h2 >> 32);

	/* h + 5 reaches 2^130 exactly when h >= 2^130 - 5; then h + 5 - 2^130 is the residue. */
	carry = (uint32_t)h0 + UINT64_C(5);
	carry = (uint32_t)h1 + (carry >> 32);
	carry = (uint32_t)h2 + (carry >> 32);
	carry = h3 + (carry >> 32);
	carry = (carry >> 34) * 5;

	h0 = (uint32_t)h0 + carry + key->pad[0];
	h1 = (uint32_t)h1 + (h0 >> 32) + key->pad[1];
	h2 = (uint32_t)h2 + (h1 >> 32) + key->pad[2];
	h3 = h3 + (h2 >> 32) + key->pad[3];
	tag[0] = (h1 << 32) | (uint32_t)h0;
	tag[1] = (h3 << 32) | (uint32_t)h2;
}

#endif
