/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * blake2s.h - BLAKE2s, keyed and unkeyed (RFC 7693): the handshake's hash on the host, and mac1 in BPF.
 *
 * In BPF only blake2s() can be used, with lengths known at compile time; the host may also feed it
 * piecemeal. It is not fast: nothing on the transport path hashes.
 */
#ifndef WGXDP_BLAKE2S_H
#define WGXDP_BLAKE2S_H

#include <wgxdp/types.h>

enum blake2s_length {
	BLAKE2S_BLOCK_LENGTH = 64,
	BLAKE2S_HASH_LENGTH = 32,
	BLAKE2S_KEY_LENGTH_MAX = 32,
};

struct blake2s_state {
	uint32_t h[8];
	/* "t" of RFC 7693: bytes compressed so far, a key's block included */
	uint64_t counter;
	uint8_t buffer[BLAKE2S_BLOCK_LENGTH];
	uint32_t buffered;
	uint32_t hash_length;
};

static const uint32_t blake2s_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* RFC 7693, 2.7: the order of the sixteen message words in each round, a hexadecimal digit a word. */
static const uint64_t blake2s_sigma[10] = {
	0x0123456789abcdef, 0xea489fd61c02b753, 0xb8c052fdae367194, 0x7931dcbe265a40f8,
	0x905724afe1bc683d, 0x2c6a0b834d75fe19, 0xc51fed4a0763928b, 0xdb7ec13950f4862a,
	0x6fe9b308c2d714a5, 0xa2847615fb9e3cd0,
};

/* Overwrites a secret for good: the empty assembly might read it, so no store may be left out. */
WGXDP_INLINE void blake2s_wipe(void *secret, size_t length)
{
	__builtin_memset(secret, 0, length);
	__asm__ volatile("" : : "r"(secret) : "memory");
}

WGXDP_INLINE uint32_t blake2s_rotate_right(uint32_t word, unsigned int bits)
{
	return word >> bits | word << (32 - bits);
}

/* A word of the block: which one says this round's order, a constant. */
WGXDP_INLINE uint32_t blake2s_word(const uint8_t *block, uint64_t order, unsigned int i)
{
	return load_le32(block + 4 * (order >> (60 - 4 * i) & 15));
}

/*
 * RFC 7693, 3.1. `i` is the place of the first of the two message words in this round's order.
 *
 * The empty assembly keeps the compiler from working on several mixes at once. In ten registers of
 * BPF that would only fill the stack, of which there are 512 bytes for the whole chain of calls.
 */
WGXDP_INLINE void blake2s_mix(uint32_t v[16], const uint8_t *block, uint64_t order, unsigned int i,
			      unsigned int a, unsigned int b, unsigned int c, unsigned int d)
{
	v[a] += v[b] + blake2s_word(block, order, i);
	v[d] = blake2s_rotate_right(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = blake2s_rotate_right(v[b] ^ v[c], 12);
	v[a] += v[b] + blake2s_word(block, order, i + 1);
	v[d] = blake2s_rotate_right(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = blake2s_rotate_right(v[b] ^ v[c], 7);
	__asm__ volatile("" : : "r"(v) : "memory");
}

/*
 * RFC 7693, 3.2: one block, of which `added` bytes are message. A function of its own, so that there
 * is one copy of it in a BPF program; its rounds are written out, so that the words' places are constants and
 * no copy of the block is needed. The wipe: v leads to the next h.
 */
static __attribute__((noinline, unused)) void blake2s_compress(struct blake2s_state *state,
							       const uint8_t *block, uint32_t added,
							       bool is_last)
{
	uint32_t v[16];

	state->counter += added;
	for (unsigned int i = 0; i < 8; i++) {
		v[i] = state->h[i];
		v[i + 8] = blake2s_iv[i];
	}
	v[12] ^= (uint32_t)state->counter;
	v[13] ^= (uint32_t)(state->counter >> 32);
	if (is_last)
		v[14] = ~v[14];
	WGXDP_UNROLL
	for (unsigned int round = 0; round < 10; round++) {
		const uint64_t order = blake2s_sigma[round];

		blake2s_mix(v, block, order, 0, 0, 4, 8, 12);
		blake2s_mix(v, block, order, 2, 1, 5, 9, 13);
		blake2s_mix(v, block, order, 4, 2, 6, 10, 14);
		blake2s_mix(v, block, order, 6, 3, 7, 11, 15);
		blake2s_mix(v, block, order, 8, 0, 5, 10, 15);
		blake2s_mix(v, block, order, 10, 1, 6, 11, 12);
		blake2s_mix(v, block, order, 12, 2, 7, 8, 13);
		blake2s_mix(v, block, order, 14, 3, 4, 9, 14);
	}
	for (unsigned int i = 0; i < 8; i++)
		state->h[i] ^= v[i] ^ v[i + 8];
	blake2s_wipe(v, sizeof(v));
}

/* The first, or only, bytes of a block, and zeros. Word by word, as BPF does not like memcpy(). */
WGXDP_INLINE void blake2s_fill(struct blake2s_state *state, const void *from, size_t length)
{
	const uint8_t *bytes = from;

	__builtin_memset(state->buffer, 0, sizeof(state->buffer));
	for (size_t i = 0; i < length / 4 * 4; i += 4)
		store_le32(state->buffer + i, load_le32(bytes + i));
	for (size_t i = length / 4 * 4; i < length; i++)
		state->buffer[i] = bytes[i];
}

/* `hash_length` is 1 to 32, `key_length` 0 (no key) to 32. */
WGXDP_INLINE void blake2s_init(struct blake2s_state *state, size_t hash_length, const void *key,
			       size_t key_length)
{
	for (unsigned int i = 0; i < 8; i++)
		state->h[i] = blake2s_iv[i];
	state->h[0] ^= 0x01010000 ^ (uint32_t)(key_length << 8) ^ (uint32_t)hash_length;
	state->counter = 0;
	state->buffered = 0;
	state->hash_length = hash_length;
	if (key_length) {
		blake2s_fill(state, key, key_length);
		state->buffered = BLAKE2S_BLOCK_LENGTH;
	}
}

/* The last block is compressed only by blake2s_final(), so a full buffer waits for more. */
WGXDP_INLINE void blake2s_update(struct blake2s_state *state, const void *input, size_t length)
{
	const uint8_t *from = input;

	while (length) {
		size_t take = BLAKE2S_BLOCK_LENGTH - state->buffered;

		if (take == 0) {
			blake2s_compress(state, state->buffer, BLAKE2S_BLOCK_LENGTH, false);
			state->buffered = 0;
			continue;
		}
		if (take > length)
			take = length;
		__builtin_memcpy(state->buffer + state->buffered, from, take);
		state->buffered += take;
		from += take;
		length -= take;
	}
}

WGXDP_INLINE void blake2s_store(uint8_t *hash, size_t hash_length,
				const struct blake2s_state *state)
{
	for (size_t i = 0; i < hash_length; i++)
		hash[i] = (uint8_t)(state->h[i / 4] >> 8 * (i % 4));
}

/* Nothing is left in the state afterwards. */
WGXDP_INLINE void blake2s_final(struct blake2s_state *state, uint8_t *hash)
{
	__builtin_memset(state->buffer + state->buffered, 0,
			 BLAKE2S_BLOCK_LENGTH - state->buffered);
	blake2s_compress(state, state->buffer, state->buffered, true);
	blake2s_store(hash, state->hash_length, state);
	blake2s_wipe(state, sizeof(*state));
}

/* A key that is used often: what its hash starts from when the key's block is done. */
struct blake2s_key {
	uint32_t h[8];
};

/* The whole input, into a state that holds nothing but perhaps a key's block. Every length and count follows
 * from the arguments and not from the state: when those are constants, BPF has nothing variable to prove. */
WGXDP_INLINE void blake2s_compress_all(struct blake2s_state *state, const void *input,
				       size_t length)
{
	const size_t blocks_before_last = length ? (length - 1) / BLAKE2S_BLOCK_LENGTH : 0;
	const size_t last = length - blocks_before_last * BLAKE2S_BLOCK_LENGTH;
	const uint8_t *from = input;

	for (size_t i = 0; i < blocks_before_last; i++, from += BLAKE2S_BLOCK_LENGTH)
		blake2s_compress(state, from, BLAKE2S_BLOCK_LENGTH, false);
	blake2s_fill(state, from, last);
	blake2s_compress(state, state->buffer, last, true);
}

/* All at once: init, update and final. */
WGXDP_INLINE void blake2s(uint8_t *hash, size_t hash_length, const void *key, size_t key_length,
			  const void *input, size_t length)
{
	struct blake2s_state state;

	blake2s_init(&state, hash_length, key, key_length);
	if (key_length)
		blake2s_compress(&state, state.buffer, BLAKE2S_BLOCK_LENGTH, length == 0);
	if (length || !key_length)
		blake2s_compress_all(&state, input, length);
	blake2s_store(hash, hash_length, &state);
	blake2s_wipe(&state, sizeof(state));
}

WGXDP_INLINE void blake2s_prepare_key(struct blake2s_key *prepared, size_t hash_length,
				      const void *key, size_t key_length)
{
	struct blake2s_state state;

	blake2s_init(&state, hash_length, key, key_length);
	blake2s_compress(&state, state.buffer, BLAKE2S_BLOCK_LENGTH, false);
	for (unsigned int i = 0; i < 8; i++)
		prepared->h[i] = state.h[i];
	blake2s_wipe(&state, sizeof(state));
}

/* As blake2s() with that key; there must be some input, and `hash_length` is the one it was prepared for. */
WGXDP_INLINE void blake2s_with_key(uint8_t *hash, size_t hash_length,
				   const struct blake2s_key *prepared, const void *input,
				   size_t length)
{
	struct blake2s_state state;

	for (unsigned int i = 0; i < 8; i++)
		state.h[i] = prepared->h[i];
	state.counter = BLAKE2S_BLOCK_LENGTH;
	blake2s_compress_all(&state, input, length);
	blake2s_store(hash, hash_length, &state);
	blake2s_wipe(&state, sizeof(state));
}

#endif
