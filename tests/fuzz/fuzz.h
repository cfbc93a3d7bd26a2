/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz.h - what the fuzzers of messages have in common: the input is a mask that is XORed over a valid
 * message, so that each finds its way past the checks it leaves alone.
 */
#ifndef WGXDP_TESTS_FUZZ_H
#define WGXDP_TESTS_FUZZ_H

#include <stdlib.h>

#include <wgxdp/types.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input; libFuzzer keeps the one for which it does not. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static inline void apply_mask(void *message, size_t length, const uint8_t *mask, size_t mask_length)
{
	for (size_t i = 0; i < length && i < mask_length; i++)
		((uint8_t *)message)[i] ^= mask[i];
}

#endif
