/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * chacha20.h - the block function of RFC 8439, 2.3, with WireGuard's nonce: four zero bytes and a 64-bit
 * little-endian counter (paper 5.4.6).
 *
 * Three quarters of the first round do not depend on the block number. They are computed once a packet
 * (chacha20_begin) and reused by every block (chacha20_block).
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

/* RFC 8439, 2.1 */
#define CHACHA20_QUARTER_ROUND(a, b, c, d)                                                         \
	do {                                                                                       \
		(a) += (b);                                                                        \
		(d) = CHACHA20_ROTATE((d) ^ (a), 16);                                              \
		(c) += (d);                                                                        \
		(b) = CHACHA20_ROTATE((b) ^ (c), 12);                                              \
		(a) += (b);                                                                        \
		(d) = CHACHA20_ROTATE((d) ^ (a), 8);                                               \
		(c) += (d);                                                                        \
		(b) = CHACHA20_ROTATE((b) ^ (c), 7);                                               \
	} while (0)

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
	CHACHA20_QUARTER_ROUND(x[1], x[5], x[9], x[13]);
	CHACHA20_QUARTER_ROUND(x[2], x[6], x[10], x[14]);
	CHACHA20_QUARTER_ROUND(x[3], x[7], x[11], x[15]);
}

/* The twenty rounds of one block and the addition of its initial state: the keystream as words, which
 * an inlined caller finds in registers or on its stack. */
WGXDP_INLINE void chacha20_block(const struct chacha20 *chacha, uint32_t block,
				 uint32_t x[static CHACHA20_WORDS])
{
	const uint32_t *initial = chacha->initial;

	for (unsigned int i = 0; i < CHACHA20_WORDS; i++)
		x[i] = chacha->started[i];

	/* what is left of the first column round */
	x[12] = CHACHA20_ROTATE(block ^ x[0], 16);
	x[8] += x[12];
	x[4] = CHACHA20_ROTATE(x[4] ^ x[8], 12);
	x[0] += x[4];
	x[12] = CHACHA20_ROTATE(x[12] ^ x[0], 8);
	x[8] += x[12];
	x[4] = CHACHA20_ROTATE(x[4] ^ x[8], 7);

	WGXDP_NO_UNROLL
	for (unsigned int double_round = 0; true; double_round++) {
		CHACHA20_QUARTER_ROUND(x[0], x[5], x[10], x[15]);
		CHACHA20_QUARTER_ROUND(x[1], x[6], x[11], x[12]);
		CHACHA20_QUARTER_ROUND(x[2], x[7], x[8], x[13]);
		CHACHA20_QUARTER_ROUND(x[3], x[4], x[9], x[14]);
		if (double_round == 9)
			break;
		CHACHA20_QUARTER_ROUND(x[0], x[4], x[8], x[12]);
		CHACHA20_QUARTER_ROUND(x[1], x[5], x[9], x[13]);
		CHACHA20_QUARTER_ROUND(x[2], x[6], x[10], x[14]);
		CHACHA20_QUARTER_ROUND(x[3], x[7], x[11], x[15]);
	}

	x[12] += block;
	for (unsigned int i = 0; i < CHACHA20_WORDS; i++) {
		if (i != 12)
			x[i] += initial[i];
	}
}

#endif
