/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * naive_aead.c - RFC 8439 word by word: one ChaCha20 block at a time (2.3), Poly1305 with five limbs of
 * 26 bits (2.5), the AEAD without additional data (2.8). Nothing is precomputed, fused or unrolled by
 * hand; the compiler is told not to use vectors (tests.mk).
 */
#include <harness/naive_aead.h>
#include <string.h>

static uint32_t load32(const uint8_t *from)
{
	uint32_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static uint32_t rotate(uint32_t word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static void chacha20(const uint8_t *key, uint64_t counter, uint32_t block, uint8_t *keystream)
{
	uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];

	for (int i = 0; i < 8; i++)
		state[4 + i] = load32(key + 4 * i);
	state[12] = block;
	state[14] = (uint32_t)counter;
	state[15] = (uint32_t)(counter >> 32);
	memcpy(x, state, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++) {
		x[i] += state[i];
		memcpy(keystream + 4 * i, &x[i], 4);
	}
}

static void chacha20_xor(const uint8_t *key, uint64_t counter, uint8_t *text, size_t length)
{
	uint8_t keystream[64];
	uint32_t block = 1;

	while (length) {
		size_t take = length < 64 ? length : 64;

		chacha20(key, counter, block++, keystream);
		for (size_t i = 0; i < take; i++)
			text[i] ^= keystream[i];
		text += take;
		length -= take;
	}
}

struct poly1305 {
	uint32_t r[5];
	uint32_t h[5];
};

static void poly1305_add_and_multiply(struct poly1305 *poly, const uint8_t *block)
{
	uint32_t *h = poly->h, *r = poly->r;
	uint64_t d[5];
	uint64_t carry = 0;

	h[0] += load32(block) & 0x3ffffff;
	h[1] += (load32(block + 3) >> 2) & 0x3ffffff;
	h[2] += (load32(block + 6) >> 4) & 0x3ffffff;
	h[3] += (load32(block + 9) >> 6) & 0x3ffffff;
	h[4] += (load32(block + 12) >> 8) | 1 << 24;
	for (int i = 0; i < 5; i++) {
		d[i] = 0;
		for (int j = 0; j < 5; j++)
			d[i] += (uint64_t)h[j] * (j <= i ? r[i - j] : 5 * r[5 + i - j]);
	}
	for (int i = 0; i < 5; i++) {
		d[i] += carry;
		h[i] = d[i] & 0x3ffffff;
		carry = d[i] >> 26;
	}
	h[0] += carry * 5;
	h[1] += h[0] >> 26;
	h[0] &= 0x3ffffff;
}

static void poly1305_tag(struct poly1305 *poly, const uint8_t *pad, uint8_t *tag)
{
	uint32_t *h = poly->h, g[5], carry = 0;
	uint64_t sum = 0;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++) {
			h[i] += carry;
			carry = h[i] >> 26;
			h[i] &= 0x3ffffff;
		}
		carry *= 5;
	}
	h[0] += carry;
	carry = 5;
	for (int i = 0; i < 5; i++) {
		g[i] = h[i] + carry;
		carry = g[i] >> 26;
		g[i] &= 0x3ffffff;
	}
	if (carry)
		memcpy(h, g, sizeof(g));
	for (int i = 0; i < 4; i++) {
		uint32_t word = h[i] >> (6 * i) | h[i + 1] << (26 - 6 * i);

		sum = (sum >> 32) + word + load32(pad + 4 * i);
		memcpy(tag + 4 * i, &(uint32_t){(uint32_t)sum}, 4);
	}
}

static void poly1305(const uint8_t *key, const uint8_t *text, size_t length, uint8_t *tag)
{
	struct poly1305 poly = {.r = {
					load32(key) & 0x3ffffff,
					(load32(key + 3) >> 2) & 0x3ffff03,
					(load32(key + 6) >> 4) & 0x3ffc0ff,
					(load32(key + 9) >> 6) & 0x3f03fff,
					(load32(key + 12) >> 8) & 0x00fffff,
				}};
	uint64_t lengths[2] = {0, length};

	while (length) {
		size_t take = length < 16 ? length : 16;
		uint8_t block[16] = {0};

		memcpy(block, text, take);
		poly1305_add_and_multiply(&poly, block);
		text += take;
		length -= take;
	}
	poly1305_add_and_multiply(&poly, (const uint8_t *)lengths);
	poly1305_tag(&poly, key + 16, tag);
}

void naive_seal(const uint8_t key[static 32], uint64_t counter, uint8_t *text, size_t length,
		uint8_t *tag)
{
	uint8_t mac_key[64];

	chacha20(key, counter, 0, mac_key);
	chacha20_xor(key, counter, text, length);
	poly1305(mac_key, text, length, tag);
}

int naive_open(const uint8_t key[static 32], uint64_t counter, uint8_t *text, size_t length,
	       const uint8_t *tag)
{
	uint8_t mac_key[64], expected[16];
	unsigned int difference = 0;

	chacha20(key, counter, 0, mac_key);
	poly1305(mac_key, text, length, expected);
	for (int i = 0; i < 16; i++)
		difference |= expected[i] ^ tag[i];
	if (difference)
		return 0;
	chacha20_xor(key, counter, text, length);
	return 1;
}
