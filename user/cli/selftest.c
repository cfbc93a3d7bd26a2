/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * selftest.c - `wgxdp selftest`: does the data path's crypto load and compute rightly on this kernel?
 * A quick look for operators; the thorough one is tests/bpf.
 */
#include <cli/cli.h>
#include <datapath/selftest.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t lengths[] = {0, 1, 15, 16, 63, 64, 65, 1280, 1420, 3000, 8900, 9000};

/* The packet as it should be: header zero, text sealed by libsodium. */
static void seal_by_libsodium(const struct selftest_task *task, const uint8_t *key, uint8_t *frame)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
	uint8_t *text = frame + SELFTEST_TEXT_OFFSET;

	store_le64(nonce + 4, task->counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(text, NULL, text, task->length, NULL, 0, NULL,
						  nonce, key);
}

static bool seal_and_open_agree(struct selftest *selftest, uint32_t length)
{
	static uint8_t clear[SELFTEST_FRAME_MAX], frame[SELFTEST_FRAME_MAX],
		sealed[SELFTEST_FRAME_MAX];
	struct transport_session *session = selftest_session(selftest);
	struct selftest_task *task = selftest_task(selftest);
	enum selftest_program open =
		length > SELFTEST_XDP_MAX - 32 ? SELFTEST_OPEN_SKB : SELFTEST_OPEN;
	size_t size = SELFTEST_TEXT_OFFSET + length + AEAD_TAG_LENGTH;
	enum verdict verdict;

	randombytes_buf(clear, sizeof(clear));
	randombytes_buf(&session->sending_key, sizeof(session->sending_key));
	session->receiving_key = session->sending_key;
	randombytes_buf(&task->counter, sizeof(task->counter));
	task->length = length;
	memcpy(sealed, clear, size);
	seal_by_libsodium(task, (const uint8_t *)&session->sending_key, sealed);

	memcpy(frame, clear, size);
	if (selftest_run(selftest, SELFTEST_SEAL, frame, 1, &verdict, NULL) ||
	    verdict != VERDICT_DELIVERED || memcmp(frame, sealed, size) != 0)
		return false;
	if (selftest_run(selftest, open, frame, 1, &verdict, NULL) ||
	    verdict != VERDICT_DELIVERED || memcmp(frame, clear, size - AEAD_TAG_LENGTH) != 0)
		return false;

	memcpy(frame, sealed, size);
	frame[size - 1] ^= 1;
	sealed[size - 1] ^= 1;
	return selftest_run(selftest, open, frame, 1, &verdict, NULL) == 0 &&
	       verdict == VERDICT_BAD_TAG && memcmp(frame, sealed, size) == 0;
}

static int check_all_lengths(struct selftest *selftest)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (!seal_and_open_agree(selftest, lengths[i])) {
			fprintf(stderr, "wgxdp: selftest: BPF and libsodium differ at %u bytes\n",
				lengths[i]);
			return EXIT_FAILURE;
		}
	}
	printf("seal and open agree with libsodium at %zu lengths, forgeries are refused\n",
	       sizeof(lengths) / sizeof(lengths[0]));
	return EXIT_SUCCESS;
}

int cli_selftest(const struct arguments *arguments)
{
	struct selftest *selftest;
	int error, status;

	error = selftest_open(&selftest);
	if (error) {
		complain(arguments, "the kernel refused the BPF programs: %s%s", strerror(-error),
			 error == -EPERM ? " (expected root or CAP_BPF, CAP_NET_ADMIN)" : "");
		return EXIT_FAILURE;
	}
	for (int program = 0; program < SELFTEST_PROGRAM_COUNT; program++)
		printf("%-14s loaded, %6u instructions verified\n", selftest_program_name(program),
		       selftest_verified_instructions(selftest, program));
	status = check_all_lengths(selftest);
	selftest_close(selftest);
	return status;
}
