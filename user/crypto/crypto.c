// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * crypto.c - the curve (RFC 7748), the AEADs (RFC 8439, draft-irtf-cfrg-xchacha) and constant-time
 * memory, in libsodium's words. It invents no cryptography and knows nothing of the handshake; the
 * hash, which libsodium does not have, is blake2s.h.
 */
#include <crypto/crypto.h>

#include <errno.h>
#include <sodium.h>

_Static_assert(crypto_scalarmult_curve25519_BYTES == 32, "a point");
_Static_assert(crypto_scalarmult_curve25519_SCALARBYTES == 32, "a secret");
_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == 32, "a key");
_Static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == 12, "four zero bytes and a counter");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == 16, "a tag");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32, "a key");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24, "the cookie's nonce");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == 16, "a tag");

int crypto_start(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

void crypto_wipe(void *secret, size_t length)
{
	sodium_memzero(secret, length);
}

bool crypto_equal(const void *a, const void *b, size_t length)
{
	return sodium_memcmp(a, b, length) == 0;
}

bool crypto_is_zero(const void *bytes, size_t length)
{
	return sodium_is_zero(bytes, length);
}

void curve25519_clamp(uint8_t secret[static 32])
{
	secret[0] &= 248;
	secret[31] &= 127;
	secret[31] |= 64;
}

bool curve25519(uint8_t out[static 32], const uint8_t secret[static 32],
		const uint8_t point[static 32])
{
	if (crypto_scalarmult_curve25519(out, secret, point) == 0)
		return true;
	/* libsodium knows the points of low order and may refuse them before it writes. */
	memset(out, 0, 32);
	return false;
}

bool curve25519_public(uint8_t out[static 32], const uint8_t secret[static 32])
{
	return crypto_scalarmult_curve25519_base(out, secret) == 0;
}

static void counter_nonce(uint8_t nonce[static 12], uint64_t counter)
{
	store_le32(nonce, 0);
	store_le64(nonce + 4, counter);
}

void handshake_encrypt(uint8_t *out, const void *text, size_t length, const void *additional,
		       size_t additional_length, uint64_t counter, const uint8_t key[static 32])
{
	uint8_t nonce[12];

	counter_nonce(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, length, additional,
						  additional_length, NULL, nonce, key);
}

/*
 * libsodium overwrites the output of a message that is not authentic. Without an output it only
 * verifies, so that is asked first; the second look at a few bytes costs nothing that matters here.
 */
bool handshake_decrypt(uint8_t *out, const void *sealed, size_t length, const void *additional,
		       size_t additional_length, uint64_t counter, const uint8_t key[static 32])
{
	uint8_t nonce[12];

	counter_nonce(nonce, counter);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(NULL, NULL, NULL, sealed, length, additional,
						      additional_length, nonce, key))
		return false;
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length,
							 additional, additional_length, nonce,
							 key) == 0;
}

void cookie_encrypt(uint8_t *out, const void *text, size_t length, const void *additional,
		    size_t additional_length, const uint8_t nonce[static 24],
		    const uint8_t key[static 32])
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text, length, additional,
						   additional_length, NULL, nonce, key);
}

/* As handshake_decrypt(). */
bool cookie_decrypt(uint8_t *out, const void *sealed, size_t length, const void *additional,
		    size_t additional_length, const uint8_t nonce[static 24],
		    const uint8_t key[static 32])
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(NULL, NULL, NULL, sealed, length, additional,
						       additional_length, nonce, key))
		return false;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length,
							  additional, additional_length, nonce,
							  key) == 0;
}
