// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * kdf.c - the key derivation of the handshake: HMAC over BLAKE2s (RFC 2104) in the arrangement of HKDF
 * (RFC 5869), which the WireGuard paper calls Kdf_n (5.4). What is derived from what is noise.c's.
 */
#include <proto/noise.h>

#include <crypto/crypto.h>
#include <wgxdp/blake2s.h>

/* Not the keyed mode of BLAKE2s: Noise wants HMAC. `out` may overlap `key` or `input`. */
static void hmac(uint8_t out[static NOISE_HASH_LENGTH], const uint8_t key[static NOISE_HASH_LENGTH],
		 const void *input, size_t input_length)
{
	uint8_t inner_hash[NOISE_HASH_LENGTH];
	uint8_t pad[BLAKE2S_BLOCK_LENGTH];
	struct blake2s_state state;

	memset(pad, 0x36, sizeof(pad));
	for (unsigned int i = 0; i < NOISE_HASH_LENGTH; i++)
		pad[i] ^= key[i];
	blake2s_init(&state, sizeof(inner_hash), NULL, 0);
	blake2s_update(&state, pad, sizeof(pad));
	blake2s_update(&state, input, input_length);
	blake2s_final(&state, inner_hash);

	for (unsigned int i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_init(&state, NOISE_HASH_LENGTH, NULL, 0);
	blake2s_update(&state, pad, sizeof(pad));
	blake2s_update(&state, inner_hash, sizeof(inner_hash));
	blake2s_final(&state, out);

	crypto_wipe(pad, sizeof(pad));
	crypto_wipe(inner_hash, sizeof(inner_hash));
}

void noise_kdf(uint8_t *first, uint8_t *second, uint8_t *third, unsigned int count,
	       const uint8_t chaining_key[static NOISE_HASH_LENGTH], const void *input,
	       size_t input_length)
{
	uint8_t *const outputs[] = {first, second, third};
	uint8_t extracted[NOISE_HASH_LENGTH];
	/* the output before, of which the first has none, and the number of the next */
	uint8_t chain[NOISE_HASH_LENGTH + 1];
	size_t chained = 0;

	hmac(extracted, chaining_key, input, input_length);
	for (unsigned int i = 0; i < count; i++) {
		chain[chained] = (uint8_t)(i + 1);
		hmac(chain, extracted, chain, chained + 1);
		memcpy(outputs[i], chain, NOISE_HASH_LENGTH);
		chained = NOISE_HASH_LENGTH;
	}
	crypto_wipe(extracted, sizeof(extracted));
	crypto_wipe(chain, sizeof(chain));
}
