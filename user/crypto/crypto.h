/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * crypto.h - what the handshake needs beyond BLAKE2s, thin over libsodium: the curve, the AEAD with a
 * counter of its own and additional data, the extended-nonce AEAD of the cookie, comparing and
 * wiping. Transport packets are not sealed here: that is aead.h, in BPF.
 *
 * libsodium needs no initialisation for what is used here beyond crypto_start(), called once by main
 * and by each test program.
 */
#ifndef WGXDP_CRYPTO_CRYPTO_H
#define WGXDP_CRYPTO_CRYPTO_H

#include <wgxdp/types.h>

/* 0, or -EIO when libsodium cannot be used. */
int crypto_start(void);

void crypto_wipe(void *secret, size_t length);
bool crypto_equal(const void *a, const void *b, size_t length);
bool crypto_is_zero(const void *bytes, size_t length);

void curve25519_clamp(uint8_t secret[static 32]);
/* False when the result is all zero (a point of low order); `out` is then zero. */
bool curve25519(uint8_t out[static 32], const uint8_t secret[static 32],
		const uint8_t point[static 32]);
bool curve25519_public(uint8_t out[static 32], const uint8_t secret[static 32]);

/* `out` has `length` + 16 bytes. Nonce: four zero bytes and the counter, little-endian. */
void handshake_encrypt(uint8_t *out, const void *text, size_t length, const void *additional,
		       size_t additional_length, uint64_t counter, const uint8_t key[static 32]);
/* `length` includes the tag. False, and `out` untouched, when it is not authentic. */
bool handshake_decrypt(uint8_t *out, const void *sealed, size_t length, const void *additional,
		       size_t additional_length, uint64_t counter, const uint8_t key[static 32]);

/* For each of `count` counters (nonces as above) the keystream's first `blocks` blocks of 64 bytes. */
void crypto_keystreams(uint8_t *const out[], const uint64_t *counters, uint32_t count,
		       uint32_t blocks, const uint8_t key[static 32]);

/* XChaCha20-Poly1305. */
void cookie_encrypt(uint8_t *out, const void *text, size_t length, const void *additional,
		    size_t additional_length, const uint8_t nonce[static 24],
		    const uint8_t key[static 32]);
bool cookie_decrypt(uint8_t *out, const void *sealed, size_t length, const void *additional,
		    size_t additional_length, const uint8_t nonce[static 24],
		    const uint8_t key[static 32]);

#endif
