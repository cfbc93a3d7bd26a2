/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * packets.h - sealed packets to test against: made by libsodium, which shares no code with us, from a
 * seeded generator, so that a failure can be repeated.
 */
#ifndef WGXDP_TESTS_PACKETS_H
#define WGXDP_TESTS_PACKETS_H

#include <sodium.h>
#include <wgxdp/aead.h>

struct packet {
	struct aead_key key;
	uint64_t counter;
	uint32_t length;
	uint8_t clear[TRANSPORT_TEXT_MAX];
	/* the text, then the tag */
	uint8_t sealed[TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH];
};

/* splitmix64 */
static inline uint64_t packet_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A packet of `length` bytes; key, text and counter follow from the seed. Every other counter is above
 * 2^32, as a 32-bit nonce would not be noticed below it. */
static inline void packet_make(struct packet *packet, uint32_t length, uint64_t seed)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
	unsigned char bytes[randombytes_SEEDBYTES] = {0};

	memcpy(bytes, &seed, sizeof(seed));
	randombytes_buf_deterministic(&packet->key, sizeof(packet->key), bytes);
	bytes[8] = 1;
	randombytes_buf_deterministic(packet->clear, length, bytes);
	packet->counter = packet_random(&seed);
	if (packet->counter & 1)
		packet->counter >>= 33;
	packet->length = length;
	store_le64(nonce + 4, packet->counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(packet->sealed, NULL, packet->clear, length, NULL,
						  0, NULL, nonce, (const uint8_t *)&packet->key);
}

#endif
