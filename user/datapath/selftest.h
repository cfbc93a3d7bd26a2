/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * selftest.h - runs the shared code on the kernel at hand, by the programs of bpf/selftest.bpf.c.
 *
 * One packet at a time under BPF_PROG_TEST_RUN; nothing is attached or pinned, and no packet leaves.
 */
#ifndef WGXDP_DATAPATH_SELFTEST_H
#define WGXDP_DATAPATH_SELFTEST_H

#include <wgxdp/abi.h>

struct selftest;

enum selftest_program {
	SELFTEST_SEAL,
	SELFTEST_OPEN,
	SELFTEST_OPEN_SKB,
	SELFTEST_SEAL_AND_OPEN,
	SELFTEST_PRIMITIVES,
	SELFTEST_REPLAY,
	SELFTEST_PROGRAM_COUNT,
};

/* Loads all programs; -errno with nothing left behind. */
int selftest_open(struct selftest **selftest);
void selftest_close(struct selftest *selftest);

/* What the next run is given and what the last one left: the values of the maps. */
struct selftest_task *selftest_task(struct selftest *selftest);
struct transport_session *selftest_session(struct selftest *selftest);

/*
 * Runs a program `repeat` times on one frame of 16 bytes, `task->length` bytes of text and a tag, in
 * place. 0, the last run's verdict and the mean time of a run; or -errno. Frames of any length up to
 * SELFTEST_FRAME_MAX for SEAL, OPEN_SKB and SEAL_AND_OPEN, up to SELFTEST_XDP_MAX for OPEN.
 */
int selftest_run(struct selftest *selftest, enum selftest_program program, uint8_t *frame,
		 unsigned int repeat, enum verdict *verdict, uint32_t *nanoseconds);

#define SELFTEST_XDP_MAX 3400

const char *selftest_program_name(enum selftest_program program);
/* Instructions the verifier looked at when it loaded the program. */
uint32_t selftest_verified_instructions(const struct selftest *selftest,
					enum selftest_program program);

#endif
