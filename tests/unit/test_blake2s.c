/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_blake2s.c - BLAKE2s against RFC 7693: the example of appendix B and the self-test of appendix E,
 * which covers keyed and unkeyed hashes of four sizes; and feeding it piecemeal against one call.
 */
#include <criterion/criterion.h>
#include <harness/vectors.h>
#include <wgxdp/blake2s.h>

Test(blake2s, rfc7693_appendix_b)
{
	uint8_t hash[BLAKE2S_HASH_LENGTH];

	blake2s(hash, sizeof(hash), NULL, 0, "abc", 3);
	cr_assert_arr_eq(hash, blake2s_of_abc, sizeof(hash));
}

/* RFC 7693, appendix E: a Fibonacci sequence in the top bytes of 32-bit words. */
static void seeded_sequence(uint8_t *out, size_t length, uint32_t seed)
{
	uint32_t a = 0xdead4bad * seed, b = 1;

	for (size_t i = 0; i < length; i++) {
		uint32_t sum = a + b;

		a = b;
		b = sum;
		out[i] = sum >> 24;
	}
}

Test(blake2s, rfc7693_appendix_e)
{
	static const size_t hash_lengths[] = {16, 20, 28, 32};
	static const size_t input_lengths[] = {0, 3, 64, 65, 255, 1024};
	uint8_t input[1024], key[BLAKE2S_KEY_LENGTH_MAX], hash[BLAKE2S_HASH_LENGTH];
	struct blake2s_state all;

	blake2s_init(&all, BLAKE2S_HASH_LENGTH, NULL, 0);
	for (size_t i = 0; i < sizeof(hash_lengths) / sizeof(*hash_lengths); i++) {
		for (size_t j = 0; j < sizeof(input_lengths) / sizeof(*input_lengths); j++) {
			size_t hash_length = hash_lengths[i], length = input_lengths[j];

			seeded_sequence(input, length, length);
			blake2s(hash, hash_length, NULL, 0, input, length);
			blake2s_update(&all, hash, hash_length);

			seeded_sequence(key, hash_length, hash_length);
			blake2s(hash, hash_length, key, hash_length, input, length);
			blake2s_update(&all, hash, hash_length);
		}
	}
	blake2s_final(&all, hash);
	cr_assert_arr_eq(hash, blake2s_self_test_hash, sizeof(hash));
}

/* Three blocks and a byte: every position of a split relative to a block's end occurs. */
#define INPUT_LENGTH (3 * BLAKE2S_BLOCK_LENGTH + 1)

static void hash_in_two(uint8_t *hash, const uint8_t *key, size_t key_length, const uint8_t *input,
			size_t split, size_t length)
{
	struct blake2s_state state;

	blake2s_init(&state, BLAKE2S_HASH_LENGTH, key, key_length);
	blake2s_update(&state, input, split);
	blake2s_update(&state, input + split, length - split);
	blake2s_final(&state, hash);
}

Test(blake2s, every_split_equals_one_call)
{
	uint8_t input[INPUT_LENGTH], one[BLAKE2S_HASH_LENGTH], two[BLAKE2S_HASH_LENGTH];

	seeded_sequence(input, sizeof(input), 1);
	for (size_t key_length = 0; key_length <= BLAKE2S_KEY_LENGTH_MAX; key_length += 16) {
		for (size_t length = 0; length <= INPUT_LENGTH; length++) {
			blake2s(one, sizeof(one), input, key_length, input, length);
			for (size_t split = 0; split <= length; split++) {
				hash_in_two(two, input, key_length, input, split, length);
				cr_assert_arr_eq(one, two, sizeof(one), "key %zu, %zu of %zu",
						 key_length, split, length);
			}
		}
	}
}

Test(blake2s, prepared_key_equals_the_key)
{
	uint8_t input[INPUT_LENGTH], one[BLAKE2S_HASH_LENGTH], two[BLAKE2S_HASH_LENGTH];
	struct blake2s_key key;

	seeded_sequence(input, sizeof(input), 3);
	for (size_t hash_length = 16; hash_length <= BLAKE2S_HASH_LENGTH; hash_length += 16) {
		blake2s_prepare_key(&key, hash_length, input + 7, BLAKE2S_KEY_LENGTH_MAX);
		for (size_t length = 1; length <= INPUT_LENGTH; length++) {
			blake2s(one, hash_length, input + 7, BLAKE2S_KEY_LENGTH_MAX, input, length);
			blake2s_with_key(two, hash_length, &key, input, length);
			cr_assert_arr_eq(one, two, hash_length, "%zu of %zu", hash_length, length);
		}
	}
}

Test(blake2s, byte_by_byte_equals_one_call)
{
	uint8_t input[INPUT_LENGTH], one[BLAKE2S_HASH_LENGTH], bytewise[BLAKE2S_HASH_LENGTH];
	struct blake2s_state state;

	seeded_sequence(input, sizeof(input), 2);
	blake2s(one, sizeof(one), NULL, 0, input, sizeof(input));
	blake2s_init(&state, sizeof(bytewise), NULL, 0);
	for (size_t i = 0; i < sizeof(input); i++)
		blake2s_update(&state, input + i, 1);
	blake2s_final(&state, bytewise);
	cr_assert_arr_eq(bytewise, one, sizeof(one));
}
