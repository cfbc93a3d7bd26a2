/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench_aead.c - what the AEAD costs a packet: in BPF, as the same C built natively without vectors, as
 * a textbook's C built the same way, and in libsodium.
 *
 * All four take turns in every round, and the medians over the rounds are shown: the clock of a machine
 * drifts, the ratio of neighbours less. Opening needs an authentic packet each time, so it is timed as
 * seal-and-open less seal. The AEAD is what it measures: no packet is looked up, sent or received.
 */
#include <datapath/selftest.h>
#include <harness/naive_aead.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, ROUND_BYTES = 4000000 };

enum engine { LIBSODIUM, NAIVE, SAME, BPF, ENGINE_COUNT };

static const uint32_t lengths[] = {64, 256, 512, 1024, 1420, 8900};

struct bench {
	struct selftest *selftest;
	uint8_t frame[SELFTEST_FRAME_MAX];
	uint32_t length;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void native(struct bench *bench, enum engine engine, bool open)
{
	uint8_t *key = (uint8_t *)&selftest_session(bench->selftest)->sending_key;
	uint8_t *text = bench->frame + SELFTEST_TEXT_OFFSET, *tag = text + bench->length;
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
	uint32_t length = bench->length;
	struct aead aead;
	bool good = true;

	switch (engine) {
	case LIBSODIUM:
		crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, length, NULL, 0, NULL,
							  nonce, key);
		if (open)
			good = !crypto_aead_chacha20poly1305_ietf_decrypt(text, NULL, NULL, text,
									  length + AEAD_TAG_LENGTH,
									  NULL, 0, nonce, key);
		break;
	case NAIVE:
		naive_seal(key, 0, text, length, tag);
		if (open)
			good = naive_open(key, 0, text, length, tag);
		break;
	default:
		good = aead_seal(&aead, (struct aead_key *)key, 0, text, tag + AEAD_TAG_LENGTH,
				 length);
		if (open)
			good = aead_open(&aead, (struct aead_key *)key, 0, text,
					 tag + AEAD_TAG_LENGTH, length);
	}
	if (!good) {
		fprintf(stderr, "bench: an authentic packet was refused\n");
		exit(EXIT_FAILURE);
	}
}

static double time_native(struct bench *bench, enum engine engine, bool open)
{
	unsigned int repeat = ROUND_BYTES / (bench->length + 100);
	uint64_t start = now();

	for (unsigned int i = 0; i < repeat; i++)
		native(bench, engine, open);
	return (double)(now() - start) / repeat;
}

static double time_bpf(struct bench *bench, bool open)
{
	unsigned int repeat = ROUND_BYTES / (bench->length + 100) / 2 * 2;
	enum verdict verdict;
	uint32_t nanoseconds;
	int error;

	/* seal_and_open seals in one repetition and opens in the next */
	selftest_task(bench->selftest)->seal_first = 0;
	error = selftest_run(bench->selftest, open ? SELFTEST_SEAL_AND_OPEN : SELFTEST_SEAL,
			     bench->frame, repeat, &verdict, &nanoseconds);
	if (error || verdict != VERDICT_DELIVERED) {
		fprintf(stderr, "bench: BPF run: %s, verdict %d\n", strerror(-error), verdict);
		exit(EXIT_FAILURE);
	}
	return open ? 2.0 * nanoseconds : nanoseconds;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	return times[ROUNDS / 2];
}

static void print_row(uint32_t length, const char *operation, const double *times)
{
	printf("%6u  %-4s %10.0f %9.0f %9.0f %9.0f %9.2f %11.2f %11.2f\n", length, operation,
	       times[LIBSODIUM], times[NAIVE], times[SAME], times[BPF], times[BPF] / length,
	       times[BPF] / times[NAIVE], times[BPF] / times[SAME]);
}

static void measure(struct bench *bench)
{
	static double seal[ENGINE_COUNT][ROUNDS], open[ENGINE_COUNT][ROUNDS];
	double seal_median[ENGINE_COUNT], open_median[ENGINE_COUNT];

	selftest_task(bench->selftest)->length = bench->length;
	for (int round = 0; round < ROUNDS; round++) {
		for (enum engine engine = 0; engine < ENGINE_COUNT; engine++) {
			if (engine == BPF) {
				seal[engine][round] = time_bpf(bench, false);
				open[engine][round] = time_bpf(bench, true) - seal[engine][round];
			} else {
				seal[engine][round] = time_native(bench, engine, false);
				open[engine][round] =
					time_native(bench, engine, true) - seal[engine][round];
			}
		}
	}
	for (enum engine engine = 0; engine < ENGINE_COUNT; engine++) {
		seal_median[engine] = median(seal[engine]);
		open_median[engine] = median(open[engine]);
	}
	print_row(bench->length, "seal", seal_median);
	print_row(bench->length, "open", open_median);
	fflush(stdout);
}

int main(void)
{
	static struct bench bench;
	int error;

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	error = selftest_open(&bench.selftest);
	if (error) {
		fprintf(stderr, "bench: the kernel refused the BPF programs: %s%s\n",
			strerror(-error), error == -EPERM ? " (expected root)" : "");
		return EXIT_FAILURE;
	}
	printf("ChaCha20-Poly1305, ns a packet, medians of %d alternating rounds\n\n", ROUNDS);
	printf(" bytes          libsodium   naive C    same C       BPF  BPF ns/B   BPF/naive    BPF/same\n");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		bench.length = lengths[i];
		measure(&bench);
	}
	printf("\nlibsodium uses the machine's vectors; naive C and same C (include/wgxdp) are built "
	       "by\n%s without them.\n\n",
	       BENCH_COMPILER);
	for (int program = 0; program < SELFTEST_PROGRAM_COUNT; program++)
		printf("%-14s %6u instructions verified\n", selftest_program_name(program),
		       selftest_verified_instructions(bench.selftest, program));
	selftest_close(bench.selftest);
	return EXIT_SUCCESS;
}
