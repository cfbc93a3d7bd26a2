/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_primitives.c - ChaCha20, Poly1305, BLAKE2s and the replay window as BPF: the RFCs' vectors, and
 * the host's results on random input.
 */
#include <bpf/run.h>
#include <harness/packets.h>
#include <harness/rfc_vectors.h>
#include <wgxdp/blake2s.h>

static uint8_t frame[SELFTEST_FRAME_MAX];

Test(bpf_primitives, chacha20_blocks_of_rfc_8439)
{
	struct selftest *selftest = OPEN_SELFTEST();
	struct selftest_task *task = selftest_task(selftest);

	for (size_t i = 0; i < COUNT(chacha20_vectors); i++) {
		const struct chacha20_vector *v = &chacha20_vectors[i];

		memcpy(task->key, v->key, sizeof(task->key));
		task->counter = v->counter;
		task->block_number = v->block;
		cr_assert_eq(run_once(selftest, SELFTEST_PRIMITIVES, frame), VERDICT_DELIVERED);
		cr_expect_arr_eq(task->block_of_keystream, v->keystream, CHACHA20_BLOCK_LENGTH,
				 "%s", v->name);
	}
	selftest_close(selftest);
}

Test(bpf_primitives, poly1305_of_rfc_8439)
{
	struct selftest *selftest = OPEN_SELFTEST();
	struct selftest_task *task = selftest_task(selftest);

	for (size_t i = 0; i < COUNT(poly1305_vectors); i++) {
		const struct poly1305_vector *v = &poly1305_vectors[i];

		memcpy(task->key, v->key, sizeof(task->key));
		memcpy(task->message, v->text, 16 * v->blocks);
		task->poly1305_blocks = v->blocks;
		cr_assert_eq(run_once(selftest, SELFTEST_PRIMITIVES, frame), VERDICT_DELIVERED);
		cr_expect_arr_eq(task->poly1305_tag, v->tag, AEAD_TAG_LENGTH, "%s", v->name);
	}
	selftest_close(selftest);
}

/* RFC 7693, appendix B */
Test(bpf_primitives, blake2s_of_abc)
{
	static const uint8_t abc[32] = {
		0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2, 0xe1, 0xa7, 0x2b,
		0xa3, 0x4e, 0xeb, 0x45, 0x2f, 0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6,
		0x3a, 0x29, 0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82,
	};
	struct selftest *selftest = OPEN_SELFTEST();
	struct selftest_task *task = selftest_task(selftest);

	memcpy(task->message, "abc", 3);
	cr_assert_eq(run_once(selftest, SELFTEST_PRIMITIVES, frame), VERDICT_DELIVERED);
	cr_expect_arr_eq(task->hash_of_3, abc, sizeof(abc));
	selftest_close(selftest);
}

Test(bpf_primitives, keyed_blake2s_is_the_hosts)
{
	struct selftest *selftest = OPEN_SELFTEST();
	struct selftest_task *task = selftest_task(selftest);

	for (int i = 0; i < 1000; i++) {
		uint8_t mac[16];

		randombytes_buf(task->key, sizeof(task->key));
		randombytes_buf(task->message, sizeof(task->message));
		cr_assert_eq(run_once(selftest, SELFTEST_PRIMITIVES, frame), VERDICT_DELIVERED);
		blake2s(mac, 16, task->key, 32, task->message, 60);
		cr_assert_arr_eq(task->mac_of_60, mac, 16);
		blake2s(mac, 16, task->key, 32, task->message, 116);
		cr_assert_arr_eq(task->mac_of_116, mac, 16);
	}
	selftest_close(selftest);
}

/* Mostly a little ahead of or behind the greatest so far, sometimes far, sometimes at the very end. */
static uint64_t next_counter(uint64_t *seed, uint64_t greatest)
{
	uint64_t random = packet_random(seed);

	switch (random % 16) {
	case 0:
		return greatest + (random >> 8) % 20000;
	case 1:
		return greatest - REPLAY_WINDOW - 1 + (random >> 8) % 3;
	case 2:
		return REJECT_AFTER_MESSAGES - 2 + (random >> 8) % 4 -
		       (greatest >> 63 ? 0 : 1 << 20);
	default:
		return greatest + (random >> 8) % 200 - 100;
	}
}

Test(bpf_primitives, replay_window_is_the_hosts)
{
	struct selftest *selftest = OPEN_SELFTEST();
	struct selftest_task *task = selftest_task(selftest);
	static struct replay_window window;
	uint64_t seed = 6479, greatest = 0;
	unsigned int accepted = 0, refused = 0;

	replay_init(&window);
	for (int run = 0; run < 5000; run++) {
		/* begin anew now and then: the end of the counters is reached soon */
		if (run % 50 == 0) {
			replay_init(&window);
			memset(selftest_session(selftest), 0, sizeof(struct transport_session));
			greatest = 0;
		}
		for (size_t i = 0; i < SELFTEST_COUNTERS; i++) {
			task->counters[i] = next_counter(&seed, greatest);
			if (task->counters[i] > greatest &&
			    task->counters[i] < REJECT_AFTER_MESSAGES)
				greatest = task->counters[i];
		}
		cr_assert_eq(run_once(selftest, SELFTEST_REPLAY, frame), VERDICT_DELIVERED);
		for (size_t i = 0; i < SELFTEST_COUNTERS; i++) {
			bool ours = replay_accept(&window, task->counters[i]);

			cr_assert_eq(task->accepted[i], ours, "run %d, counter %lu", run,
				     task->counters[i]);
			accepted += ours;
			refused += !ours;
		}
	}
	cr_expect_gt(accepted, 10000);
	cr_expect_gt(refused, 10000);
	selftest_close(selftest);
}
