/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_crypto.c - the curve (RFC 7748), the two AEADs (RFC 8439, draft-irtf-cfrg-xchacha-03),
 * keystream for many packets, comparing and wiping. BLAKE2s is test_blake2s.c's.
 */
#include <criterion/criterion.h>
#include <crypto/crypto.h>
#include <harness/vectors.h>
#include <sodium.h>

static void start(void)
{
	cr_assert_eq(crypto_start(), 0);
}

TestSuite(crypto, .init = start);

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const uint8_t zeros[64];

Test(crypto, curve25519_known_answers)
{
	uint8_t out[32];

	for (size_t i = 0; i < COUNT(known_curve25519s); i++) {
		const struct known_curve25519 *known = &known_curve25519s[i];

		cr_assert(curve25519(out, known->secret, known->point));
		cr_assert_arr_eq(out, known->result, sizeof(out), "case %zu", i);
	}
}

Test(crypto, curve25519_public_is_the_base_point_times_the_secret)
{
	static const uint8_t base[32] = {9};
	uint8_t by_public[32], by_base[32];

	for (size_t i = 0; i < COUNT(known_curve25519s); i++) {
		cr_assert(curve25519_public(by_public, known_curve25519s[i].secret));
		cr_assert(curve25519(by_base, known_curve25519s[i].secret, base));
		cr_assert_arr_eq(by_public, by_base, sizeof(by_base));
	}
}

Test(crypto, curve25519_iterated)
{
	uint8_t k[32] = {9}, u[32] = {9}, next[32];

	for (int round = 1; round <= 1000; round++) {
		cr_assert(curve25519(next, k, u));
		memcpy(u, k, sizeof(u));
		memcpy(k, next, sizeof(k));
		if (round == 1)
			cr_assert_arr_eq(k, curve25519_after_1_round, sizeof(k));
	}
	cr_assert_arr_eq(k, curve25519_after_1000_rounds, sizeof(k));
}

Test(crypto, low_order_points_are_refused)
{
	for (size_t i = 0; i < COUNT(low_order_points); i++) {
		for (int top = 0; top <= 0x80; top += 0x80) {
			uint8_t out[32], point[32];

			memcpy(point, low_order_points[i].bytes, sizeof(point));
			point[31] |= top;
			memset(out, 0xa5, sizeof(out));
			cr_assert_not(curve25519(out, known_curve25519s[0].secret, point),
				      "point %zu, top bit %#x", i, top);
			cr_assert_arr_eq(out, zeros, sizeof(out));
		}
	}
}

Test(crypto, clamping_sets_and_clears_five_bits)
{
	uint8_t secret[32];

	memset(secret, 0xff, sizeof(secret));
	curve25519_clamp(secret);
	cr_assert_eq(secret[0], 0xf8);
	cr_assert_eq(secret[31], 0x7f);
	for (int i = 1; i < 31; i++)
		cr_assert_eq(secret[i], 0xff);

	memset(secret, 0, sizeof(secret));
	curve25519_clamp(secret);
	cr_assert_eq(secret[31], 0x40);
	cr_assert_arr_eq(secret, zeros, 31);
}

/* RFC 8439 A.5 has a nonce of our form: four zero bytes, then what we call the counter. */
Test(crypto, handshake_aead_known_answer)
{
	uint8_t sealed[sizeof(rfc8439_a_5_sealed)], text[sizeof(rfc8439_a_5_text)];
	uint64_t counter = load_le64(rfc8439_a_5_nonce + 4);

	handshake_encrypt(sealed, rfc8439_a_5_text, sizeof(text), rfc8439_a_5_additional,
			  sizeof(rfc8439_a_5_additional), counter, rfc8439_a_5_key);
	cr_assert_arr_eq(sealed, rfc8439_a_5_sealed, sizeof(sealed));
	cr_assert(handshake_decrypt(text, sealed, sizeof(sealed), rfc8439_a_5_additional,
				    sizeof(rfc8439_a_5_additional), counter, rfc8439_a_5_key));
	cr_assert_arr_eq(text, rfc8439_a_5_text, sizeof(text));
}

Test(crypto, cookie_aead_known_answer)
{
	uint8_t sealed[sizeof(xchacha_a_3_1_sealed)], text[sizeof(xchacha_a_3_1_text)];

	cookie_encrypt(sealed, xchacha_a_3_1_text, sizeof(text), xchacha_a_3_1_additional,
		       sizeof(xchacha_a_3_1_additional), xchacha_a_3_1_nonce, xchacha_a_3_1_key);
	cr_assert_arr_eq(sealed, xchacha_a_3_1_sealed, sizeof(sealed));
	cr_assert(cookie_decrypt(text, sealed, sizeof(sealed), xchacha_a_3_1_additional,
				 sizeof(xchacha_a_3_1_additional), xchacha_a_3_1_nonce,
				 xchacha_a_3_1_key));
	cr_assert_arr_eq(text, xchacha_a_3_1_text, sizeof(text));
}

#define AAD_LENGTH 12
#define TAG_LENGTH 16

static const uint8_t key[32] = {1, 2, 3}, nonce[24] = {4, 5, 6};
static const uint8_t additional[AAD_LENGTH] = {7, 8, 9};

Test(crypto, handshake_aead_roundtrip)
{
	uint8_t text[64], sealed[sizeof(text) + TAG_LENGTH], opened[sizeof(text)];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i;
	for (size_t length = 0; length <= sizeof(text); length++) {
		for (size_t additional_length = 0; additional_length <= AAD_LENGTH;
		     additional_length += AAD_LENGTH) {
			handshake_encrypt(sealed, text, length, additional, additional_length,
					  UINT64_MAX, key);
			cr_assert(handshake_decrypt(opened, sealed, length + TAG_LENGTH, additional,
						    additional_length, UINT64_MAX, key));
			cr_assert_arr_eq(opened, text, length);
		}
	}
}

/* Opens with either AEAD; the output must be what it was when that is refused. */
static bool opens(bool is_cookie, const uint8_t *sealed, size_t length, const uint8_t *aad,
		  const uint8_t *number, const uint8_t *with_key)
{
	uint8_t out[32], before[sizeof(out)];
	bool good;

	memset(out, 0xa5, sizeof(out));
	memcpy(before, out, sizeof(out));
	if (is_cookie)
		good = cookie_decrypt(out, sealed, length, aad, AAD_LENGTH, number, with_key);
	else
		good = handshake_decrypt(out, sealed, length, aad, AAD_LENGTH, load_le64(number),
					 with_key);
	cr_assert(good || memcmp(out, before, sizeof(out)) == 0, "output written on failure");
	return good;
}

/* Flips each bit of one input in turn: none may go unnoticed. */
#define ASSERT_EVERY_BIT_COUNTS(is_cookie, input, length)                                          \
	for (size_t bit = 0; bit < 8 * (length); bit++) {                                          \
		(input)[bit / 8] ^= 1 << bit % 8;                                                  \
		cr_assert_not(opens(is_cookie, sealed, sizeof(sealed), aad, number, with_key),     \
			      #input " bit %zu", bit);                                             \
		(input)[bit / 8] ^= 1 << bit % 8;                                                  \
	}

static void assert_every_input_is_authenticated(bool is_cookie)
{
	uint8_t text[16] = "a cookie", sealed[sizeof(text) + TAG_LENGTH];
	uint8_t aad[AAD_LENGTH], number[24], with_key[32];

	memcpy(aad, additional, sizeof(aad));
	memcpy(number, nonce, sizeof(number));
	memcpy(with_key, key, sizeof(with_key));
	if (is_cookie)
		cookie_encrypt(sealed, text, sizeof(text), aad, sizeof(aad), number, with_key);
	else
		handshake_encrypt(sealed, text, sizeof(text), aad, sizeof(aad), load_le64(number),
				  with_key);
	cr_assert(opens(is_cookie, sealed, sizeof(sealed), aad, number, with_key));

	ASSERT_EVERY_BIT_COUNTS(is_cookie, sealed, sizeof(sealed));
	ASSERT_EVERY_BIT_COUNTS(is_cookie, aad, sizeof(aad));
	ASSERT_EVERY_BIT_COUNTS(is_cookie, number, is_cookie ? sizeof(number) : 8);
	ASSERT_EVERY_BIT_COUNTS(is_cookie, with_key, sizeof(with_key));
	cr_assert_not(opens(is_cookie, sealed, sizeof(sealed) - 1, aad, number, with_key));
}

Test(crypto, handshake_aead_authenticates_everything)
{
	assert_every_input_is_authenticated(false);
}

Test(crypto, cookie_aead_authenticates_everything)
{
	assert_every_input_is_authenticated(true);
}

Test(crypto, equal_sees_every_bit)
{
	uint8_t a[33] = {0}, b[33] = {0};

	cr_assert(crypto_equal(a, b, sizeof(a)));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= 1 << bit % 8;
		cr_assert_not(crypto_equal(a, b, sizeof(a)), "bit %zu", bit);
		b[bit / 8] ^= 1 << bit % 8;
	}
	b[32] = 1;
	cr_assert(crypto_equal(a, b, 32));
}

Test(crypto, zero_sees_every_bit)
{
	uint8_t bytes[33] = {0};

	cr_assert(crypto_is_zero(bytes, sizeof(bytes)));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		cr_assert_not(crypto_is_zero(bytes, sizeof(bytes)), "bit %zu", bit);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	bytes[32] = 1;
	cr_assert(crypto_is_zero(bytes, 32));
}

Test(crypto, wipe_clears_exactly_what_it_is_given)
{
	uint8_t bytes[34];

	memset(bytes, 0xff, sizeof(bytes));
	crypto_wipe(bytes + 1, 32);
	cr_assert_eq(bytes[0], 0xff);
	cr_assert_arr_eq(bytes + 1, zeros, 32);
	cr_assert_eq(bytes[33], 0xff);
}

/* Against libsodium, packet by packet, at every number of blocks and of packets that a batch may have. */
Test(crypto, keystreams_of_many_packets)
{
	static uint8_t out[8][25 * 64], wanted[24 * 64];
	uint8_t secret[32], counter_nonce[12] = {0}, *rows[8];
	uint64_t counters[8];

	randombytes_buf(secret, sizeof(secret));
	for (uint32_t i = 0; i < 8; i++) {
		rows[i] = out[i];
		counters[i] = UINT64_C(0x1ffffffff) * i + 5;
	}
	for (uint32_t blocks = 1; blocks <= 24; blocks++) {
		for (uint32_t count = 0; count <= 8; count++) {
			memset(out, 0xa5, sizeof(out));
			crypto_keystreams(rows, counters, count, blocks, secret);
			for (uint32_t i = 0; i < 8; i++) {
				store_le64(counter_nonce + 4, counters[i]);
				crypto_stream_chacha20_ietf(wanted, sizeof(wanted), counter_nonce,
							    secret);
				if (i < count)
					cr_assert_arr_eq(out[i], wanted, 64 * blocks, "%u x %u",
							 count, blocks);
				cr_assert_eq(out[i][i < count ? 64 * blocks : 0], 0xa5, "beyond");
			}
		}
	}
}
