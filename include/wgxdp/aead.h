/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * aead.h - ChaCha20-Poly1305 of RFC 8439, 2.8, in WireGuard's form (paper 5.4.6): no additional data, a
 * nonce of four zero bytes and a 64-bit little-endian counter, in place, any length from 0 to
 * TRANSPORT_TEXT_MAX.
 *
 * One source for the host and for BPF. The text lies between `text` and `end`; every access goes
 * through span(), which is the bounds check the verifier wants to see before a packet is touched. The
 * work of a 64-byte block is in functions of their own, so that the verifier looks at it once and not
 * 140 times.
 *
 *     seal:  begin -> 64 bytes: encrypt and authenticate -> ... -> last bytes -> tag
 *     open:  begin -> authenticate all -> compare -> decrypt all
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
	/* the offset of a block is masked with this, so that the verifier knows its bounds */
	AEAD_OFFSET_MASK = 0x3fff,
};

_Static_assert(TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH <= AEAD_OFFSET_MASK, "offsets fit the mask");

struct aead_block {
	uint8_t bytes[CHACHA20_BLOCK_LENGTH];
};

/* What one packet needs while it is sealed or opened; holds key material. */
struct aead {
	struct chacha20 chacha;
	struct poly1305_key mac_key;
	struct poly1305_accumulator mac;
	struct aead_block spare;
	uint32_t length;
};

struct aead_key {
	uint32_t words[AEAD_KEY_LENGTH / 4];
};

/* Schedules the key for one packet: block 0 of the keystream is the authenticator's key. */
WGXDP_CALLED int aead_begin(struct aead *aead, const struct aead_key *key, uint64_t counter)
{
	uint32_t keystream[CHACHA20_WORDS];

	if (!aead || !key)
		return -1;
	chacha20_begin(&aead->chacha, key->words, counter);
	chacha20_block(&aead->chacha, 0, keystream);
	poly1305_set_key(&aead->mac_key, keystream);
	aead->mac.h0 = 0;
	aead->mac.h1 = 0;
	aead->mac.h2 = 0;
	aead->mac.h3 = 0;
	return 0;
}

WGXDP_INLINE void aead_xor(const struct aead *aead, uint32_t number, struct aead_block *block)
{
	uint32_t keystream[CHACHA20_WORDS];

	chacha20_block(&aead->chacha, number, keystream);
	WGXDP_UNROLL
	for (unsigned int i = 0; i < CHACHA20_WORDS; i++)
		store_le32(block->bytes + 4 * i, load_le32(block->bytes + 4 * i) ^ keystream[i]);
}

WGXDP_INLINE void aead_mac(struct aead *aead, const struct aead_block *block, uint32_t length)
{
	struct poly1305_accumulator h = aead->mac;
	struct poly1305_key key = aead->mac_key;

	WGXDP_UNROLL
	for (unsigned int at = 0; at < CHACHA20_BLOCK_LENGTH; at += 16) {
		if (at >= length)
			break;
		poly1305_block(&h, &key, load_le32(block->bytes + at),
			       load_le32(block->bytes + at + 4), load_le32(block->bytes + at + 8),
			       load_le32(block->bytes + at + 12));
	}
	aead->mac = h;
}

/* Block `number` of the keystream is for the 64 bytes at 64 * (number - 1). */
WGXDP_CALLED int aead_seal_block(struct aead *aead, uint32_t number, struct aead_block *block)
{
	if (!aead || !block)
		return -1;
	aead_xor(aead, number, block);
	aead_mac(aead, block, sizeof(*block));
	return 0;
}

WGXDP_CALLED int aead_xor_block(struct aead *aead, uint32_t number, struct aead_block *block)
{
	if (!aead || !block)
		return -1;
	aead_xor(aead, number, block);
	return 0;
}

WGXDP_CALLED int aead_mac_block(struct aead *aead, struct aead_block *block)
{
	if (!aead || !block)
		return -1;
	aead_mac(aead, block, sizeof(*block));
	return 0;
}

/* The `length` bytes at `offset` of the text, or NULL when they are not all there. */
WGXDP_INLINE void *aead_span(uint8_t *text, const uint8_t *end, uint32_t offset, uint32_t length)
{
	uint8_t *at = text + (offset & AEAD_OFFSET_MASK);

	return at + length <= end ? at : NULL;
}

/*
 * The last bytes, fewer than 64, as groups of 16. The last group may reach up to 15 bytes into the tag's
 * place: there it is read as zeros for the authenticator, and what is written there is overwritten by
 * the tag (sealing) or no longer needed (opening).
 */
struct aead_tail {
	uint8_t *text;
	const uint8_t *end;
	uint32_t offset;
	uint32_t length;
};

/* The first `keep` bytes of a little-endian word that holds bytes at..at + 3 of a group. */
WGXDP_INLINE uint32_t aead_mask(uint32_t word, uint32_t at, uint32_t keep)
{
	if (keep >= at + 4)
		return word;
	if (keep <= at)
		return 0;
	return word & (0xffffffff >> (8 * (at + 4 - keep)));
}

WGXDP_INLINE bool aead_mac_tail(struct aead *aead, const struct aead_tail *tail)
{
	for (uint32_t at = 0; at < CHACHA20_BLOCK_LENGTH && at < tail->length; at += 16) {
		uint8_t *group = aead_span(tail->text, tail->end, tail->offset + at, 16);
		uint32_t keep = tail->length - at;

		if (!group)
			return false;
		poly1305_block(&aead->mac, &aead->mac_key, aead_mask(load_le32(group), 0, keep),
			       aead_mask(load_le32(group + 4), 4, keep),
			       aead_mask(load_le32(group + 8), 8, keep),
			       aead_mask(load_le32(group + 12), 12, keep));
	}
	return true;
}

WGXDP_INLINE bool aead_xor_tail(struct aead *aead, uint32_t number, const struct aead_tail *tail)
{
	__builtin_memset(&aead->spare, 0, sizeof(aead->spare));
	aead_xor_block(aead, number, &aead->spare);
	for (uint32_t at = 0; at < CHACHA20_BLOCK_LENGTH && at < tail->length; at += 16) {
		uint8_t *group = aead_span(tail->text, tail->end, tail->offset + at, 16);
		const uint8_t *keystream = aead->spare.bytes + at;

		if (!group)
			return false;
		for (uint32_t i = 0; i < 16; i += 4)
			store_le32(group + i, load_le32(group + i) ^ load_le32(keystream + i));
	}
	return true;
}

WGXDP_INLINE void aead_tag(const struct aead *aead, uint32_t length, uint64_t tag[static 2])
{
	struct poly1305_accumulator h = aead->mac;

	/* length of the additional data, length of the text */
	poly1305_block(&h, &aead->mac_key, 0, 0, length, 0);
	poly1305_finish(&h, &aead->mac_key, tag);
}

/*
 * Encrypts `length` bytes at `text` and writes the tag behind them. False when text and tag do not fit
 * below `end`; the bytes are then undefined and must not leave.
 */
WGXDP_INLINE bool aead_seal(struct aead *aead, const struct aead_key *key, uint64_t counter,
			    uint8_t *text, const uint8_t *end, uint32_t length)
{
	struct aead_tail tail = { text, end, length & ~63u, length & 63 };
	uint32_t offset = 0, number = 1;
	struct aead_block *block;
	uint64_t tag[2];
	uint8_t *at;

	if (length > TRANSPORT_TEXT_MAX)
		return false;
	aead_begin(aead, key, counter);
	aead->length = length;
	for (; offset + CHACHA20_BLOCK_LENGTH <= length; offset += CHACHA20_BLOCK_LENGTH) {
		block = aead_span(text, end, offset, sizeof(*block));
		if (!block)
			return false;
		aead_seal_block(aead, number++, block);
	}
	length = *(volatile uint32_t *)&aead->length;
	tail.offset = length & ~63u;
	tail.length = length & 63;
	if (tail.length && (!aead_xor_tail(aead, (length >> 6) + 1, &tail) || !aead_mac_tail(aead, &tail)))
		return false;
	aead_tag(aead, length, tag);
	at = aead_span(text, end, length, AEAD_TAG_LENGTH);
	if (!at)
		return false;
	store_le64(at, tag[0]);
	store_le64(at + 8, tag[1]);
	return true;
}

/*
 * Decrypts `length` bytes at `text` when the tag behind them is theirs; the tag's bytes are then
 * undefined. False, and nothing changed, when it is not or text and tag do not fit below `end`.
 */
WGXDP_INLINE bool aead_open(struct aead *aead, const struct aead_key *key, uint64_t counter,
			    uint8_t *text, const uint8_t *end, uint32_t length)
{
	struct aead_tail tail = { text, end, length & ~63u, length & 63 };
	uint32_t offset = 0, number = 1;
	struct aead_block *block;
	uint64_t tag[2];
	uint8_t *at;

	if (length > TRANSPORT_TEXT_MAX)
		return false;
	aead_begin(aead, key, counter);
	aead->length = length;
	for (; offset + CHACHA20_BLOCK_LENGTH <= length; offset += CHACHA20_BLOCK_LENGTH) {
		block = aead_span(text, end, offset, sizeof(*block));
		if (!block)
			return false;
		aead_mac_block(aead, block);
	}
	length = *(volatile uint32_t *)&aead->length;
	tail.offset = length & ~63u;
	tail.length = length & 63;
	if (!aead_mac_tail(aead, &tail))
		return false;
	aead_tag(aead, length, tag);
	at = aead_span(text, end, length, AEAD_TAG_LENGTH);
	if (!at)
		return false;
	/* one comparison of all bits: its time says nothing about where they differ */
	if ((load_le64(at) ^ tag[0]) | (load_le64(at + 8) ^ tag[1]))
		return false;

	for (offset = 0; offset + CHACHA20_BLOCK_LENGTH <= length; offset += CHACHA20_BLOCK_LENGTH) {
		if (offset > TRANSPORT_TEXT_MAX)
			return false;
		block = aead_span(text, end, offset, sizeof(*block));
		if (!block)
			return false;
		aead_xor_block(aead, number++, block);
	}
	length = *(volatile uint32_t *)&aead->length;
	tail.offset = length & ~63u;
	tail.length = length & 63;
	return !tail.length || aead_xor_tail(aead, (length >> 6) + 1, &tail);
}

#endif
