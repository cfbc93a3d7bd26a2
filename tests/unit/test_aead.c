/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_aead.c - include/wgxdp/{chacha20,poly1305,aead}.h as the host compiles them, against the RFC's
 * vectors, libsodium and the textbook version. tests/bpf/test_aead.c asks the same of BPF.
 */
#include <criterion/criterion.h>
#include <harness/naive_aead.h>
#include <harness/packets.h>
#include <harness/rfc_vectors.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct packet packet;
static uint8_t text[TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH];

static bool seal(void)
{
	struct aead aead;

	return aead_seal(&aead, &packet.key, packet.counter, text,
			 text + packet.length + AEAD_TAG_LENGTH, packet.length);
}

static bool open(void)
{
	struct aead aead;

	return aead_open(&aead, &packet.key, packet.counter, text,
			 text + packet.length + AEAD_TAG_LENGTH, packet.length);
}

Test(aead, chacha20_blocks_of_rfc_8439)
{
	for (size_t i = 0; i < COUNT(chacha20_vectors); i++) {
		const struct chacha20_vector *v = &chacha20_vectors[i];
		uint32_t key[8], keystream[CHACHA20_WORDS];
		struct chacha20 chacha;

		memcpy(key, v->key, sizeof(key));
		chacha20_begin(&chacha, key, v->counter);
		chacha20_block(&chacha, v->block, keystream);
		cr_expect_arr_eq(keystream, v->keystream, sizeof(keystream), "%s", v->name);
	}
}

Test(aead, poly1305_of_rfc_8439)
{
	for (size_t i = 0; i < COUNT(poly1305_vectors); i++) {
		const struct poly1305_vector *v = &poly1305_vectors[i];
		struct poly1305_accumulator mac = {0};
		struct poly1305_key key;
		uint32_t words[8];
		uint64_t tag[2];

		memcpy(words, v->key, sizeof(words));
		poly1305_set_key(&key, words);
		for (const char *at = v->text; at < v->text + 16 * v->blocks; at += 16)
			poly1305_block(&mac, &key, load_le32(at), load_le32(at + 4),
				       load_le32(at + 8), load_le32(at + 12));
		poly1305_finish(&mac, &key, tag);
		cr_expect_arr_eq(tag, v->tag, sizeof(tag), "%s", v->name);
	}
}

static void expect_agreement(uint32_t length, uint64_t seed)
{
	packet_make(&packet, length, seed);
	memcpy(text, packet.clear, length);
	cr_assert(seal(), "%u bytes", length);
	cr_assert_arr_eq(text, packet.sealed, length + AEAD_TAG_LENGTH, "sealed %u bytes", length);
	cr_assert(open(), "%u bytes", length);
	cr_assert_arr_eq(text, packet.clear, length, "opened %u bytes", length);

	memcpy(text, packet.clear, length);
	naive_seal((const uint8_t *)&packet.key, packet.counter, text, length, text + length);
	cr_assert_arr_eq(text, packet.sealed, length + AEAD_TAG_LENGTH, "naive, %u bytes", length);
	cr_assert(naive_open((const uint8_t *)&packet.key, packet.counter, text, length,
			     text + length));
	cr_assert_arr_eq(text, packet.clear, length, "naive, %u bytes", length);
}

Test(aead, agrees_with_libsodium_at_every_length_to_1500)
{
	for (uint32_t length = 0; length <= 1500; length++)
		expect_agreement(length, length);
}

Test(aead, agrees_with_libsodium_at_1000_random_lengths_to_9000)
{
	uint64_t seed = 8439;

	for (int i = 0; i < 1000; i++)
		expect_agreement(packet_random(&seed) % (TRANSPORT_TEXT_MAX + 1),
				 packet_random(&seed));
	expect_agreement(TRANSPORT_TEXT_MAX, 1);
}

/* One bit of one byte wrong: refused, and not a byte of it changed. */
static void expect_refusal(uint32_t at)
{
	for (int bit = 0; bit < 8; bit++) {
		memcpy(text, packet.sealed, packet.length + AEAD_TAG_LENGTH);
		text[at] ^= 1 << bit;
		cr_assert_not(open(), "%u bytes, byte %u, bit %d", packet.length, at, bit);
		text[at] ^= 1 << bit;
		cr_assert_arr_eq(text, packet.sealed, packet.length + AEAD_TAG_LENGTH);
	}
}

Test(aead, refuses_every_changed_bit_and_changes_nothing)
{
	for (uint32_t length = 0; length <= 1500; length++) {
		packet_make(&packet, length, length);
		for (uint32_t at = length; at < length + AEAD_TAG_LENGTH; at++)
			expect_refusal(at);
		if (length) {
			expect_refusal(0);
			expect_refusal(length / 2);
			expect_refusal(length - 1);
		}
	}
}

Test(aead, refuses_other_counter_key_and_length)
{
	packet_make(&packet, 100, 1);
	memcpy(text, packet.sealed, 116);
	packet.counter ^= UINT64_C(1) << 63;
	cr_expect_not(open());
	packet.counter ^= UINT64_C(1) << 63;
	packet.key.words[7] ^= 0x80000000;
	cr_expect_not(open());
	packet.key.words[7] ^= 0x80000000;
	packet.length = 99;
	cr_expect_not(open());
	packet.length = 100;
	cr_expect(open());
}

Test(aead, refuses_what_does_not_fit)
{
	struct aead aead;

	packet_make(&packet, 100, 1);
	memcpy(text, packet.sealed, 116);
	for (uint32_t missing = 1; missing <= 116; missing++) {
		cr_expect_not(aead_open(&aead, &packet.key, packet.counter, text,
					text + 116 - missing, 100));
		cr_expect_arr_eq(text, packet.sealed, 116, "%u bytes missing", missing);
		memcpy(text, packet.clear, 100);
		cr_expect_not(aead_seal(&aead, &packet.key, packet.counter, text,
					text + 116 - missing, 100));
		memcpy(text, packet.sealed, 116);
	}
	cr_expect_not(aead_open(&aead, &packet.key, packet.counter, text, text + sizeof(text),
				TRANSPORT_TEXT_MAX + 1));
	cr_expect_not(aead_seal(&aead, &packet.key, packet.counter, text, text + sizeof(text),
				TRANSPORT_TEXT_MAX + 1));
}

/* ---- with keystream that was computed before ----------------------------------------------------- */

static struct aead_block first_block;
static uint8_t keystream[AEAD_KEYSTREAM_MAX];

/* As much of it as whole blocks of the text need; what follows means nothing. */
static void prepare(uint64_t counter, uint32_t length)
{
	uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {0}, bytes[64 + sizeof(keystream)];
	uint32_t blocks = (length + 63) / 64 * 64;

	memset(bytes, 0x5a, sizeof(bytes));
	store_le64(nonce + 4, counter);
	crypto_stream_chacha20_ietf(bytes, 64 + blocks, nonce, (const uint8_t *)&packet.key);
	memcpy(&first_block, bytes, 64);
	memcpy(keystream, bytes + 64, sizeof(keystream));
}

static bool seal_with(uint32_t length)
{
	struct aead aead;

	return aead_seal_with(&aead, &first_block, keystream, text, text + length + AEAD_TAG_LENGTH,
			      length);
}

static bool open_with(uint32_t length)
{
	struct aead aead;

	return aead_open_with(&aead, &first_block, keystream, text, text + length + AEAD_TAG_LENGTH,
			      length);
}

Test(aead, with_keystream_agrees_with_libsodium_at_every_length_to_1472)
{
	for (uint32_t length = 0; length <= AEAD_KEYSTREAM_MAX; length++) {
		packet_make(&packet, length, length);
		prepare(packet.counter, length);
		memset(text, 0xee, sizeof(text));
		memcpy(text, packet.clear, length);
		cr_assert(seal_with(length), "%u bytes", length);
		cr_assert_arr_eq(text, packet.sealed, length + AEAD_TAG_LENGTH, "sealed %u bytes",
				 length);
		cr_assert_eq(text[length + AEAD_TAG_LENGTH], 0xee, "%u bytes", length);
		cr_assert(open_with(length), "%u bytes", length);
		cr_assert_arr_eq(text, packet.clear, length, "opened %u bytes", length);
	}
}

Test(aead, with_keystream_refuses_what_it_does_not_reach_or_does_not_fit)
{
	packet_make(&packet, 1600, 3);
	prepare(packet.counter, AEAD_KEYSTREAM_MAX);
	for (uint32_t length = AEAD_KEYSTREAM_MAX + 1; length <= 1600; length++) {
		memcpy(text, packet.clear, 1600);
		cr_assert_not(seal_with(length), "%u bytes", length);
		cr_assert_not(open_with(length), "%u bytes", length);
		cr_assert_arr_eq(text, packet.clear, 1600, "%u bytes", length);
	}
	packet_make(&packet, 100, 1);
	prepare(packet.counter, 100);
	for (uint32_t missing = 1; missing <= 116; missing++) {
		struct aead aead;

		memcpy(text, packet.sealed, 116);
		cr_expect_not(aead_open_with(&aead, &first_block, keystream, text,
					     text + 116 - missing, 100));
		cr_expect_arr_eq(text, packet.sealed, 116, "%u bytes missing", missing);
		cr_expect_not(aead_seal_with(&aead, &first_block, keystream, text,
					     text + 116 - missing, 100));
	}
}

Test(aead, with_keystream_refuses_every_changed_bit_and_changes_nothing)
{
	for (uint32_t length = 0; length <= AEAD_KEYSTREAM_MAX; length += 1 + length / 40) {
		uint32_t size = length + AEAD_TAG_LENGTH;

		packet_make(&packet, length, length);
		prepare(packet.counter, length);
		for (uint32_t bit = 0; bit < 8 * size; bit++) {
			memcpy(text, packet.sealed, size);
			text[bit / 8] ^= 1 << bit % 8;
			cr_assert_not(open_with(length), "%u bytes, bit %u", length, bit);
			text[bit / 8] ^= 1 << bit % 8;
			cr_assert_arr_eq(text, packet.sealed, size, "%u bytes, bit %u", length,
					 bit);
		}
	}
}

/* Of another packet: neither opened with it nor, when sealed with it, opened by the peer. */
Test(aead, with_keystream_of_another_counter)
{
	packet_make(&packet, 200, 9);
	for (int bit = 0; bit < 64; bit++) {
		prepare(packet.counter ^ UINT64_C(1) << bit, 200);
		memcpy(text, packet.sealed, 216);
		cr_assert_not(open_with(200), "bit %d", bit);
		cr_assert_arr_eq(text, packet.sealed, 216, "bit %d", bit);
		memcpy(text, packet.clear, 200);
		cr_assert(seal_with(200));
		cr_assert_not(open(), "bit %d", bit);
	}
}
