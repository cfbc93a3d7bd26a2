/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * chacha20.h - the block function of RFC 8439, 2.3, with WireGuard's nonce: four zero bytes and a 64-bit
 * little-endian counter (paper 5.4.6).
 *
 * Three quarters of the first round do not depend on the block number. They are computed once a packet
 * (chacha20_begin) and reused by every block (chacha20_xor).
 *
 * BPF has ten registers for sixteen words and no rotation. Rows b and d, which are rotated, live in
 * registers; rows a and c, which are only added to, live on the stack. The four quarter rounds of a round
 * advance step by step side by side. Left to itself clang needs an eighth more instructions.
 */
#ifndef WGXDP_CHACHA20_H
#define WGXDP_CHACHA20_H

#include <wgxdp/types.h>

enum chacha20_length {
	CHACHA20_KEY_LENGTH = 32,
	CHACHA20_BLOCK_LENGTH = 64,
	CHACHA20_WORDS = 16,
};

struct chacha20 {
	/* The state of block 0; word 12 is the block number. */
	uint32_t initial[CHACHA20_WORDS];
	/* After the first column round, as far as that is the same for every block: columns 1 to 3
	 * whole, of column 0 only words 0 (a + b) and the untouched 4, 8. */
	uint32_t started[CHACHA20_WORDS];
};

#define CHACHA20_ROTATE(word, bits) ((word) << (bits) | (word) >> (32 - (bits)))

/*
 * A quarter of a quarter round (RFC 8439, 2.1): sum += addend, word = (word ^ sum) <<< bits. In BPF the
 * sum is in memory, the others are in registers; storing the sum behind the xor and not before it is
 * worth 4 %.
 */
#if WGXDP_ON_BPF
#define CHACHA20_STEP(sum, addend, word, bits)                                                     \
	do {                                                                                       \
		uint32_t chacha20_scratch_;                                                        \
		__asm__ volatile(                                                                  \
			"%[scratch] = *(u32 *)%[in_memory]\n"                                      \
			"%[scratch] += %[added]\n"                                                 \
			"%[rotated] ^= %[scratch]\n"                                               \
			"*(u32 *)%[in_memory] = %[scratch]\n"                                      \
			"%[scratch] = %[rotated]\n"                                                \
			"%[scratch] >>= %[right]\n"                                                \
			"%[rotated] <<= %[left]\n"                                                 \
			"%[rotated] |= %[scratch]\n"                                               \
			: [scratch] "=&w"(chacha20_scratch_), [in_memory] "+m"(sum),               \
			  [rotated] "+w"(word)                                                     \
			: [added] "w"(addend), [left] "i"(bits), [right] "i"(32 - (bits)));        \
	} while (0)
#else
#define CHACHA20_STEP(sum, addend, word, bits)                                                     \
	do {                                                                                       \
		(sum) += (addend);                                                                 \
		(word) = CHACHA20_ROTATE((word) ^ (sum), bits);                                    \
	} while (0)
#endif

/*
 * One round over the rows of the state: columns (diagonal = 0) or diagonals (diagonal = 1). Quarter round
 * i is the one with b[i]; the last step wrote the b's in this order, so each has had the longest time.
 */
WGXDP_INLINE void chacha20_round(uint32_t a[static 4], uint32_t b[static 4], uint32_t c[static 4],
				 uint32_t d[static 4], unsigned int diagonal)
{
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		CHACHA20_STEP(a[(i + 3 * diagonal) % 4], b[i], d[(i + 2 * diagonal) % 4], 16);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		CHACHA20_STEP(c[(i + diagonal) % 4], d[(i + 2 * diagonal) % 4], b[i], 12);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		CHACHA20_STEP(a[(i + 3 * diagonal) % 4], b[i], d[(i + 2 * diagonal) % 4], 8);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		CHACHA20_STEP(c[(i + diagonal) % 4], d[(i + 2 * diagonal) % 4], b[i], 7);
}

/* RFC 8439, 2.1 */
WGXDP_INLINE void chacha20_quarter_round(uint32_t x[static CHACHA20_WORDS], unsigned int a,
					 unsigned int b, unsigned int c, unsigned int d)
{
	x[a] += x[b];
	x[d] = CHACHA20_ROTATE(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = CHACHA20_ROTATE(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = CHACHA20_ROTATE(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = CHACHA20_ROTATE(x[b] ^ x[c], 7);
}

WGXDP_INLINE void chacha20_begin(struct chacha20 *chacha, const uint32_t key[static 8],
				 uint64_t counter)
{
	uint32_t *initial = chacha->initial, *x = chacha->started;

	/* "expand 32-byte k" */
	initial[0] = 0x61707865;
	initial[1] = 0x3320646e;
	initial[2] = 0x79622d32;
	initial[3] = 0x6b206574;
	for (unsigned int i = 0; i < 8; i++)
		initial[4 + i] = WGXDP_LE32(key[i]);
	initial[12] = 0;
	initial[13] = 0;
	initial[14] = (uint32_t)counter;
	initial[15] = (uint32_t)(counter >> 32);

	for (unsigned int i = 0; i < CHACHA20_WORDS; i++)
		x[i] = initial[i];
	x[0] += x[4];
	chacha20_quarter_round(x, 1, 5, 9, 13);
	chacha20_quarter_round(x, 2, 6, 10, 14);
	chacha20_quarter_round(x, 3, 7, 11, 15);
}

/* Adds the initial word to a word of the state, and the result to four bytes of the text. */
WGXDP_INLINE void chacha20_xor_word(uint8_t *bytes, uint32_t word, uint32_t initial)
{
	store_le32(bytes, load_le32(bytes) ^ (word + initial));
}

/* Encrypts or decrypts 64 bytes with block `number` of the keystream. */
WGXDP_INLINE void chacha20_xor(const struct chacha20 *chacha, uint32_t number,
			       uint8_t bytes[static CHACHA20_BLOCK_LENGTH])
{
	const uint32_t *x = chacha->started, *initial = chacha->initial;
	uint32_t a[4] = {x[0], x[1], x[2], x[3]}, b[4] = {x[4], x[5], x[6], x[7]};
	uint32_t c[4] = {x[8], x[9], x[10], x[11]}, d[4] = {0, x[13], x[14], x[15]};
	uint64_t double_rounds = 9;

	/* what is left of the first column round */
	d[0] = CHACHA20_ROTATE(number ^ a[0], 16);
	CHACHA20_STEP(c[0], d[0], b[0], 12);
	CHACHA20_STEP(a[0], b[0], d[0], 8);
	CHACHA20_STEP(c[0], d[0], b[0], 7);
	chacha20_round(a, b, c, d, 1);

	WGXDP_NO_UNROLL
	do {
		chacha20_round(a, b, c, d, 0);
		chacha20_round(a, b, c, d, 1);
		double_rounds--;
		WGXDP_FORGET(double_rounds);
	} while (double_rounds);

	/* what occupies registers first */
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		chacha20_xor_word(bytes + 16 + 4 * i, b[i], initial[4 + i]);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		chacha20_xor_word(bytes + 48 + 4 * i, d[i], i ? initial[12 + i] : number);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		chacha20_xor_word(bytes + 4 * i, a[i], initial[i]);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < 4; i++)
		chacha20_xor_word(bytes + 32 + 4 * i, c[i], initial[8 + i]);
}

/* The keystream's block `number` itself, as words. */
WGXDP_INLINE void chacha20_block(const struct chacha20 *chacha, uint32_t number,
				 uint32_t words[static CHACHA20_WORDS])
{
	for (unsigned int i = 0; i < CHACHA20_WORDS; i++)
		words[i] = 0;
	chacha20_xor(chacha, number, (uint8_t *)words);
	for (unsigned int i = 0; i < CHACHA20_WORDS; i++)
		words[i] = WGXDP_LE32(words[i]);
}

#endif
