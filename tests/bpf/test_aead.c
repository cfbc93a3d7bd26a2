/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_aead.c - the AEAD as BPF: the same packets as tests/unit/test_aead.c, sealed by the TC program and
 * opened by the XDP program (and, where XDP's test run takes no packet so long, by the TC one).
 */
#include <bpf/run.h>
#include <harness/packets.h>

static struct packet packet;
static uint8_t frame[SELFTEST_FRAME_MAX], wanted[SELFTEST_FRAME_MAX];
static uint8_t *const text = frame + SELFTEST_TEXT_OFFSET;

static void give(struct selftest *selftest, uint32_t length, uint64_t seed)
{
	struct transport_session *session = selftest_session(selftest);

	packet_make(&packet, length, seed);
	session->sending_key = packet.key;
	session->receiving_key = packet.key;
	selftest_task(selftest)->counter = packet.counter;
	selftest_task(selftest)->length = length;
}

static void expect_seal(struct selftest *selftest)
{
	memset(frame, 0x5a, SELFTEST_TEXT_OFFSET);
	memcpy(text, packet.clear, packet.length);
	cr_assert_eq(run_once(selftest, SELFTEST_SEAL, frame), VERDICT_DELIVERED);
	cr_assert_arr_eq(text, packet.sealed, packet.length + AEAD_TAG_LENGTH, "sealed %u bytes",
			 packet.length);
	cr_assert_eq(frame[SELFTEST_TEXT_OFFSET - 1], 0x5a);
}

static void expect_open(struct selftest *selftest, enum selftest_program program)
{
	memcpy(text, packet.sealed, packet.length + AEAD_TAG_LENGTH);
	cr_assert_eq(run_once(selftest, program, frame), VERDICT_DELIVERED);
	cr_assert_arr_eq(text, packet.clear, packet.length, "opened %u bytes", packet.length);
}

static void expect_agreement(struct selftest *selftest, uint32_t length, uint64_t seed)
{
	give(selftest, length, seed);
	expect_seal(selftest);
	expect_open(selftest, SELFTEST_OPEN_SKB);
	if (SELFTEST_TEXT_OFFSET + length + AEAD_TAG_LENGTH <= SELFTEST_XDP_MAX)
		expect_open(selftest, SELFTEST_OPEN);
}

Test(bpf_aead, agrees_with_libsodium_at_every_length_to_1500)
{
	struct selftest *selftest = OPEN_SELFTEST();

	for (uint32_t length = 0; length <= 1500; length++)
		expect_agreement(selftest, length, length);
	selftest_close(selftest);
}

Test(bpf_aead, agrees_with_libsodium_at_1000_random_lengths_to_9000)
{
	struct selftest *selftest = OPEN_SELFTEST();
	uint64_t seed = 8439;

	for (int i = 0; i < 1000; i++)
		expect_agreement(selftest, packet_random(&seed) % (TRANSPORT_TEXT_MAX + 1),
				 packet_random(&seed));
	expect_agreement(selftest, TRANSPORT_TEXT_MAX, 1);
	selftest_close(selftest);
}

/* One bit of one byte wrong: refused, and not a byte of it changed. */
static void expect_refusal(struct selftest *selftest, enum selftest_program program, uint32_t at)
{
	uint32_t size = SELFTEST_TEXT_OFFSET + packet.length + AEAD_TAG_LENGTH;

	for (int bit = 0; bit < 8; bit++) {
		memcpy(text, packet.sealed, packet.length + AEAD_TAG_LENGTH);
		text[at] ^= 1 << bit;
		memcpy(wanted, frame, size);
		cr_assert_eq(run_once(selftest, program, frame), VERDICT_BAD_TAG,
			     "%u bytes, byte %u, bit %d", packet.length, at, bit);
		cr_assert_arr_eq(frame, wanted, size);
	}
}

static void expect_all_refusals(struct selftest *selftest, enum selftest_program program,
				uint32_t length)
{
	give(selftest, length, length);
	for (uint32_t at = length; at < length + AEAD_TAG_LENGTH; at++)
		expect_refusal(selftest, program, at);
	if (length) {
		expect_refusal(selftest, program, 0);
		expect_refusal(selftest, program, length / 2);
		expect_refusal(selftest, program, length - 1);
	}
}

Test(bpf_aead, refuses_every_changed_bit_and_changes_nothing)
{
	struct selftest *selftest = OPEN_SELFTEST();

	for (uint32_t length = 0; length <= 1500; length++)
		expect_all_refusals(selftest, SELFTEST_OPEN, length);
	selftest_close(selftest);
}

Test(bpf_aead, refuses_every_changed_bit_of_long_packets)
{
	static const uint32_t lengths[] = {4000, 8900, 8959, 8960, 9000};
	struct selftest *selftest = OPEN_SELFTEST();

	for (size_t i = 0; i < COUNT(lengths); i++)
		expect_all_refusals(selftest, SELFTEST_OPEN_SKB, lengths[i]);
	selftest_close(selftest);
}

Test(bpf_aead, refuses_another_counter)
{
	struct selftest *selftest = OPEN_SELFTEST();

	for (int bit = 0; bit < 64; bit++) {
		give(selftest, 64, 7);
		selftest_task(selftest)->counter ^= UINT64_C(1) << bit;
		memcpy(text, packet.sealed, packet.length + AEAD_TAG_LENGTH);
		cr_expect_eq(run_once(selftest, SELFTEST_OPEN, frame), VERDICT_BAD_TAG, "bit %d",
			     bit);
	}
	selftest_close(selftest);
}
