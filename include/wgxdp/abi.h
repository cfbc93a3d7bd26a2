/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * abi.h - what the BPF programs and userspace share in maps: one struct per value, writer and reader
 * per field. Pinned maps outlive both sides, so a change of layout changes WGXDP_ABI_VERSION.
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <wgxdp/aead.h>
#include <wgxdp/replay.h>
#include <wgxdp/verdict.h>

#define WGXDP_ABI_VERSION 1

/* One direction-pair of transport keys; found by the receiver index we gave the peer. */
struct transport_session {
	/* guards `received` */
	struct bpf_spin_lock lock;
	/* written once by the agent, read by BPF */
	uint32_t remote_index;
	struct aead_key sending_key;
	struct aead_key receiving_key;
	/* boot time in nanoseconds; agent -> BPF */
	uint64_t birth;
	/* the next nonce: only BPF counts it, by an atomic addition */
	uint64_t sending_counter;
	/* BPF */
	struct replay_window received;
};

_Static_assert(offsetof(struct transport_session, sending_counter) % 8 == 0, "atomic addition");

/* ---- the self-test's programs -------------------------------------------------------------------- */

enum selftest_size {
	SELFTEST_TEXT_OFFSET = 16,
	SELFTEST_FRAME_MAX = SELFTEST_TEXT_OFFSET + TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH,
	SELFTEST_COUNTERS = 64,
	SELFTEST_HASHED = 116,
};

/* What the next run of a program does (userspace -> BPF) and what came of it (BPF -> userspace). */
struct selftest_task {
	/* of the text between the 16 bytes of header and the tag */
	uint32_t length;
	/* open, but seal first: the way to run `open` many times on one packet */
	uint32_t seal_first;
	uint64_t counter;
	uint64_t counters[SELFTEST_COUNTERS];
	uint8_t accepted[SELFTEST_COUNTERS];
	uint8_t key[32];
	uint8_t message[SELFTEST_HASHED];
	/* which block of the keystream `block_of_keystream` is to be */
	uint32_t block_number;
	/* full 16-byte blocks of `message` that `poly1305_tag` is to be of */
	uint32_t poly1305_blocks;
	uint32_t block_of_keystream[CHACHA20_WORDS];
	uint64_t poly1305_tag[2];
	uint8_t hash_of_3[32];
	uint8_t mac_of_60[16];
	uint8_t mac_of_116[16];
};

/* A frame longer than BPF_PROG_TEST_RUN takes in one piece: the program grows its packet and copies
 * this into it. */
struct selftest_frame {
	uint8_t bytes[SELFTEST_FRAME_MAX];
};

#endif
