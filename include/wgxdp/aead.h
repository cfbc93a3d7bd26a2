/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * aead.h - ChaCha20-Poly1305 of RFC 8439, 2.8, in WireGuard's form (paper 5.4.6): no additional data, a
 * nonce of four zero bytes and a 64-bit little-endian counter, in place, any length from 0 to
 * TRANSPORT_TEXT_MAX.
 *
 * One source for the host and for BPF. The text lies between `text` and `end`; every access goes
 * through span(), which is the bounds check the verifier wants to see before a packet is touched. The
 * work on a chunk of four blocks, and on a block, is in functions of their own, so that the verifier looks
 * at it once and not at every turn of the loop over the text. A call costs as much as 5 % of a block,
 * hence the chunks.
 *
 *     seal:  begin -> a chunk: encrypt, authenticate -> ... -> up to 3 blocks -> last bytes -> tag
 *     open:  begin -> authenticate all -> compare -> decrypt all
 *
 * Both can take keystream that was computed before (keystream.h) instead of computing it: `aead_seal_with`,
 * `aead_open_with`.
 *
 * Opening authenticates first: a forged packet costs one ChaCha20 block and one pass of Poly1305, and
 * its bytes are never changed.
 */
#ifndef WGXDP_AEAD_H
#define WGXDP_AEAD_H

#include <wgxdp/chacha20.h>
#include <wgxdp/limits.h>
#include <wgxdp/poly1305.h>

enum aead_length {
	AEAD_KEY_LENGTH = 32,
	AEAD_TAG_LENGTH = 16,
	AEAD_CHUNK_BLOCKS = 4,
	/* the offset of a block is masked with this, so that the verifier knows its bounds */
	AEAD_OFFSET_MASK = 0x3fff,
	/* the longest text for which keystream is computed before: an inner packet of the usual size, in whole
	 * blocks */
	AEAD_KEYSTREAM_MAX = 1472,
};

_Static_assert(TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH <= AEAD_OFFSET_MASK, "offsets fit the mask");
_Static_assert(AEAD_KEYSTREAM_MAX % CHACHA20_BLOCK_LENGTH == 0, "whole blocks");

struct aead_block {
	uint8_t bytes[CHACHA20_BLOCK_LENGTH];
};

struct aead_chunk {
	struct aead_block blocks[AEAD_CHUNK_BLOCKS];
};

/* What one packet needs while it is sealed or opened; holds key material. */
struct aead {
	struct chacha20 chacha;
	struct poly1305_key mac_key;
	struct poly1305_accumulator mac;
	/* keystream for the authenticator's key and for the last bytes */
	struct aead_block spare;
	/* of the text, and how much of it the pass has done */
	uint32_t length;
	uint32_t offset;
	/* the last bytes on their way into the authenticator, as little-endian words */
	uint32_t group[4];
	/* what the authenticator says in the end */
	uint64_t tag[2];
};

/* What is done to the text in one go over it. */
enum aead_pass {
	AEAD_CRYPT = 1,
	AEAD_AUTHENTICATE = 2,
	AEAD_SEAL = AEAD_CRYPT | AEAD_AUTHENTICATE,
	/* as AEAD_CRYPT, with keystream that was computed before */
	AEAD_MIX = 4,
};

struct aead_key {
	uint32_t words[AEAD_KEY_LENGTH / 4];
};

/* ---- blocks ------------------------------------------------------------------------------------- */

/* Block `number` of the keystream is for the 64 bytes at 64 * (number - 1) of the text. */
WGXDP_INLINE void aead_crypt(const struct aead *aead, uint32_t number, struct aead_block *blocks,
			     unsigned int count)
{
	WGXDP_NO_UNROLL
	for (unsigned int i = 0; i < count; i++)
		chacha20_xor(&aead->chacha, number + i, blocks[i].bytes);
}

WGXDP_INLINE void aead_authenticate(struct aead *aead, const struct aead_block *blocks,
				    unsigned int count)
{
	struct poly1305_accumulator mac = aead->mac;
	struct poly1305_key key = aead->mac_key;
	const uint8_t *bytes = blocks->bytes;

	WGXDP_NO_UNROLL
	for (unsigned int at = 0; at < count * CHACHA20_BLOCK_LENGTH; at += 16)
		poly1305_block(&mac, &key, load_le32(bytes + at), load_le32(bytes + at + 4),
			       load_le32(bytes + at + 8), load_le32(bytes + at + 12));
	aead->mac = mac;
}

WGXDP_CALLED int aead_crypt_block(struct aead *aead, uint32_t number, struct aead_block *block)
{
	if (!aead || !block)
		return -1;
	aead_crypt(aead, number, block, 1);
	return 0;
}

WGXDP_CALLED int aead_crypt_chunk(struct aead *aead, uint32_t number, struct aead_chunk *chunk)
{
	if (!aead || !chunk)
		return -1;
	aead_crypt(aead, number, chunk->blocks, AEAD_CHUNK_BLOCKS);
	return 0;
}

WGXDP_INLINE void aead_mix(const struct aead_block *keystream, struct aead_block *blocks,
			   unsigned int count)
{
	WGXDP_NO_UNROLL
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *from = keystream[i].bytes;
		uint8_t *to = blocks[i].bytes;

		WGXDP_UNROLL
		for (unsigned int at = 0; at < CHACHA20_BLOCK_LENGTH; at += 8)
			store_le64(to + at, load_le64(to + at) ^ load_le64(from + at));
	}
}

WGXDP_CALLED int aead_mix_block(const struct aead_block *keystream, struct aead_block *block)
{
	if (!keystream || !block)
		return -1;
	aead_mix(keystream, block, 1);
	return 0;
}

WGXDP_CALLED int aead_mix_chunk(const struct aead_chunk *keystream, struct aead_chunk *chunk)
{
	if (!keystream || !chunk)
		return -1;
	aead_mix(keystream->blocks, chunk->blocks, AEAD_CHUNK_BLOCKS);
	return 0;
}

WGXDP_CALLED int aead_authenticate_block(struct aead *aead, struct aead_block *block)
{
	if (!aead || !block)
		return -1;
	aead_authenticate(aead, block, 1);
	return 0;
}

WGXDP_CALLED int aead_authenticate_chunk(struct aead *aead, struct aead_chunk *chunk)
{
	if (!aead || !chunk)
		return -1;
	aead_authenticate(aead, chunk->blocks, AEAD_CHUNK_BLOCKS);
	return 0;
}

/* Block 0 of the keystream is the authenticator's key. */
WGXDP_INLINE void aead_set_mac_key(struct aead *aead, const struct aead_block *first_block)
{
	uint32_t words[8];

	for (unsigned int i = 0; i < 8; i++)
		words[i] = load_le32(first_block->bytes + 4 * i);
	poly1305_set_key(&aead->mac_key, words);
	aead->mac.h0 = 0;
	aead->mac.h1 = 0;
	aead->mac.h2 = 0;
	aead->mac.h3 = 0;
}

/* Schedules the key for one packet. */
WGXDP_CALLED int aead_begin(struct aead *aead, const struct aead_key *key, uint64_t counter)
{
	if (!aead || !key)
		return -1;
	chacha20_begin(&aead->chacha, key->words, counter);
	__builtin_memset(&aead->spare, 0, sizeof(aead->spare));
	aead_crypt_block(aead, 0, &aead->spare);
	aead_set_mac_key(aead, &aead->spare);
	return 0;
}

/* Authenticates the 16 bytes in `group`. */
WGXDP_CALLED int aead_authenticate_group(struct aead *aead)
{
	if (!aead)
		return -1;
	poly1305_block(&aead->mac, &aead->mac_key, aead->group[0], aead->group[1], aead->group[2],
		       aead->group[3]);
	return 0;
}

/* Authenticates the lengths of the additional data and of the text; `tag` is the tag then. */
WGXDP_CALLED int aead_finish(struct aead *aead)
{
	if (!aead)
		return -1;
	poly1305_block(&aead->mac, &aead->mac_key, 0, 0, aead->length, 0);
	poly1305_finish(&aead->mac, &aead->mac_key, aead->tag);
	return 0;
}

/* ---- the text ----------------------------------------------------------------------------------- */

/* The `length` bytes at `offset` of the text, or NULL when they are not all there. */
WGXDP_INLINE void *aead_span(uint8_t *text, const uint8_t *end, uint32_t offset, uint32_t length)
{
	uint8_t *at;

	WGXDP_FORGET(offset);
	at = text + (offset & AEAD_OFFSET_MASK);
	return at + length <= end ? at : NULL;
}

/* The keystream of the `length` bytes at `offset` of the text, or NULL when it does not reach so far. */
WGXDP_INLINE const void *aead_keystream_span(const uint8_t *keystream, uint32_t offset,
					     uint32_t length)
{
	WGXDP_FORGET(offset);
	return offset <= AEAD_KEYSTREAM_MAX - length ? keystream + offset : NULL;
}

/* Keeps the first `keep` bytes of a group in a little-endian word that holds its bytes at to at + 3. */
WGXDP_INLINE uint32_t aead_mask(uint32_t word, uint32_t at, uint32_t keep)
{
	if (keep >= at + 4)
		return word;
	if (keep <= at)
		return 0;
	return word & (0xffffffff >> (8 * (at + 4 - keep)));
}

/*
 * The last bytes of the text, fewer than 64, in groups of 16. The last group may reach up to 15 bytes into
 * the tag's place: what is read there counts as zero for the authenticator, and what is written there
 * is overwritten by the tag (sealing) or no longer needed (opening).
 */
WGXDP_INLINE bool aead_pass_over_rest(struct aead *aead, enum aead_pass pass, uint8_t *text,
				      const uint8_t *end, uint32_t length, const uint8_t *keystream)
{
	uint32_t offset = length & ~63u, rest = length & 63;

	if (!rest)
		return true;
	/* the compiler would drop the loop's constant bound; the verifier of 6.1 sees no other */
	WGXDP_FORGET(rest);
	if (pass & AEAD_CRYPT) {
		__builtin_memset(&aead->spare, 0, sizeof(aead->spare));
		aead_crypt_block(aead, (length >> 6) + 1, &aead->spare);
	}
	if (pass & AEAD_MIX) {
		const struct aead_block *block =
			aead_keystream_span(keystream, offset, sizeof(*block));

		if (!block)
			return false;
		aead->spare = *block;
	}
	WGXDP_NO_UNROLL
	for (uint32_t at = 0; at < CHACHA20_BLOCK_LENGTH && at < rest; at += 16) {
		uint8_t *group = aead_span(text, end, offset + at, 16);

		if (!group)
			return false;
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t word = load_le32(group + 4 * i);

			if (pass & (AEAD_CRYPT | AEAD_MIX)) {
				word ^= load_le32(aead->spare.bytes + at + 4 * i);
				store_le32(group + 4 * i, word);
			}
			aead->group[i] = aead_mask(word, 4 * i, rest - at);
		}
		if (pass & AEAD_AUTHENTICATE)
			aead_authenticate_group(aead);
	}
	return true;
}

/*
 * A number read from memory again. Behind a loop the verifier knows a different length, offset and range
 * of the packet for each number of turns, and would look at what follows once for each; this is one
 * number that is not known.
 */
WGXDP_INLINE uint32_t aead_again(const uint32_t *number)
{
	return *(const volatile uint32_t *)number;
}

WGXDP_INLINE bool aead_pass_over_chunks(struct aead *aead, enum aead_pass pass, uint8_t *text,
					const uint8_t *end, const uint8_t *keystream)
{
	WGXDP_NO_UNROLL
	for (uint32_t i = 0; i < TRANSPORT_TEXT_MAX / sizeof(struct aead_chunk); i++) {
		uint32_t offset = aead_again(&aead->offset);
		struct aead_chunk *chunk = aead_span(text, end, offset, sizeof(*chunk));

		if (offset + sizeof(*chunk) > aead->length)
			break;
		if (!chunk)
			return false;
		if (pass & AEAD_CRYPT)
			aead_crypt_chunk(aead, offset / CHACHA20_BLOCK_LENGTH + 1, chunk);
		if ((pass & AEAD_MIX) &&
		    aead_mix_chunk(aead_keystream_span(keystream, offset, sizeof(*chunk)), chunk))
			return false;
		if (pass & AEAD_AUTHENTICATE)
			aead_authenticate_chunk(aead, chunk);
		aead->offset = offset + sizeof(*chunk);
	}
	return true;
}

/* The whole blocks behind the last whole chunk. */
WGXDP_INLINE bool aead_pass_over_blocks(struct aead *aead, enum aead_pass pass, uint8_t *text,
					const uint8_t *end, const uint8_t *keystream)
{
	WGXDP_NO_UNROLL
	for (uint32_t i = 1; i < AEAD_CHUNK_BLOCKS; i++) {
		uint32_t offset = aead_again(&aead->offset);
		struct aead_block *block = aead_span(text, end, offset, sizeof(*block));

		if (offset + sizeof(*block) > aead->length)
			break;
		if (!block)
			return false;
		if (pass & AEAD_CRYPT)
			aead_crypt_block(aead, offset / CHACHA20_BLOCK_LENGTH + 1, block);
		if ((pass & AEAD_MIX) &&
		    aead_mix_block(aead_keystream_span(keystream, offset, sizeof(*block)), block))
			return false;
		if (pass & AEAD_AUTHENTICATE)
			aead_authenticate_block(aead, block);
		aead->offset = offset + sizeof(*block);
	}
	return true;
}

/* One pass over the whole text; false when it does not lie below `end`. `keystream`: for AEAD_MIX. */
WGXDP_INLINE bool aead_pass_over(struct aead *aead, enum aead_pass pass, uint8_t *text,
				 const uint8_t *end, const uint8_t *keystream)
{
	aead->offset = 0;
	return aead_pass_over_chunks(aead, pass, text, end, keystream) &&
	       aead_pass_over_blocks(aead, pass, text, end, keystream) &&
	       aead_pass_over_rest(aead, pass, text, end, aead_again(&aead->length), keystream);
}

WGXDP_INLINE bool aead_write_tag(struct aead *aead, uint8_t *text, const uint8_t *end,
				 uint32_t length)
{
	uint8_t *at;

	aead_finish(aead);
	at = aead_span(text, end, length, AEAD_TAG_LENGTH);
	if (!at)
		return false;
	store_le64(at, aead->tag[0]);
	store_le64(at + 8, aead->tag[1]);
	return true;
}

WGXDP_INLINE bool aead_tag_is_right(struct aead *aead, uint8_t *text, const uint8_t *end,
				    uint32_t length)
{
	uint8_t *at;

	aead_finish(aead);
	at = aead_span(text, end, length, AEAD_TAG_LENGTH);
	/* one comparison of all bits: its time says nothing about where they differ */
	return at && !((load_le64(at) ^ aead->tag[0]) | (load_le64(at + 8) ^ aead->tag[1]));
}

/*
 * Encrypts `length` bytes at `text` and writes the tag behind them. False when text and tag do not fit
 * below `end` or the text is too long: the bytes are then undefined and must not leave.
 */
WGXDP_INLINE bool aead_seal(struct aead *aead, const struct aead_key *key, uint64_t counter,
			    uint8_t *text, const uint8_t *end, uint32_t length)
{
	if (length > TRANSPORT_TEXT_MAX)
		return false;
	aead->length = length;
	aead_begin(aead, key, counter);
	return aead_pass_over(aead, AEAD_SEAL, text, end, NULL) &&
	       aead_write_tag(aead, text, end, length);
}

/*
 * Decrypts `length` bytes at `text` when the tag behind them is theirs; the tag's bytes are then
 * undefined. False, and nothing changed, when it is not or text and tag do not fit below `end`.
 */
WGXDP_INLINE bool aead_open(struct aead *aead, const struct aead_key *key, uint64_t counter,
			    uint8_t *text, const uint8_t *end, uint32_t length)
{
	if (length > TRANSPORT_TEXT_MAX)
		return false;
	aead->length = length;
	aead_begin(aead, key, counter);
	return aead_pass_over(aead, AEAD_AUTHENTICATE, text, end, NULL) &&
	       aead_tag_is_right(aead, text, end, length) &&
	       aead_pass_over(aead, AEAD_CRYPT, text, end, NULL);
}

/* The same with the keystream of key and counter: its first block, and `AEAD_KEYSTREAM_MAX` bytes for the text, of
 * which those for whole blocks of `length` mean something. */
WGXDP_INLINE bool aead_seal_with(struct aead *aead, const struct aead_block *first_block,
				 const uint8_t *keystream, uint8_t *text, const uint8_t *end,
				 uint32_t length)
{
	if (length > AEAD_KEYSTREAM_MAX)
		return false;
	aead->length = length;
	aead_set_mac_key(aead, first_block);
	return aead_pass_over(aead, AEAD_MIX | AEAD_AUTHENTICATE, text, end, keystream) &&
	       aead_write_tag(aead, text, end, length);
}

WGXDP_INLINE bool aead_open_with(struct aead *aead, const struct aead_block *first_block,
				 const uint8_t *keystream, uint8_t *text, const uint8_t *end,
				 uint32_t length)
{
	if (length > AEAD_KEYSTREAM_MAX)
		return false;
	aead->length = length;
	aead_set_mac_key(aead, first_block);
	return aead_pass_over(aead, AEAD_AUTHENTICATE, text, end, NULL) &&
	       aead_tag_is_right(aead, text, end, length) &&
	       aead_pass_over(aead, AEAD_MIX, text, end, keystream);
}

#endif
