/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * naive_aead.h - ChaCha20-Poly1305 as a textbook writes it: the yardstick of the benchmark ("a
 * straightforward native build") and a third opinion in the tests. Shares no line with include/wgxdp.
 */
#ifndef WGXDP_TESTS_NAIVE_AEAD_H
#define WGXDP_TESTS_NAIVE_AEAD_H

#include <stddef.h>
#include <stdint.h>

/* In place; `tag` has 16 bytes. */
void naive_seal(const uint8_t key[static 32], uint64_t counter, uint8_t *text, size_t length,
		uint8_t *tag);
/* 1 and decrypted, or 0 and unchanged. */
int naive_open(const uint8_t key[static 32], uint64_t counter, uint8_t *text, size_t length,
	       const uint8_t *tag);

#endif
