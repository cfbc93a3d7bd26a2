/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * run.h - the self-test's programs, loaded once for each test process. A machine without the rights to
 * load them has its tests skipped, with the reason.
 */
#ifndef WGXDP_TESTS_BPF_RUN_H
#define WGXDP_TESTS_BPF_RUN_H

#include <criterion/criterion.h>
#include <datapath/selftest.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A macro, as cr_skip_test() ends the test that calls it. */
#define OPEN_SELFTEST()                                                                            \
	({                                                                                         \
		struct selftest *opened_ = NULL;                                                   \
		int error_;                                                                        \
                                                                                                   \
		if (geteuid() != 0)                                                                \
			cr_skip_test("not root: BPF programs cannot be loaded");                   \
		error_ = selftest_open(&opened_);                                                  \
		cr_assert_eq(error_, 0, "load: %s", strerror(-error_));                            \
		opened_;                                                                           \
	})

/* Runs a program once on the frame; the run itself must succeed. */
static inline enum verdict run_once(struct selftest *selftest, enum selftest_program program,
				    uint8_t *frame)
{
	enum verdict verdict = VERDICT_COUNT;
	int error = selftest_run(selftest, program, frame, 1, &verdict, NULL);

	cr_assert_eq(error, 0, "%s, %u bytes: %s", selftest_program_name(program),
		     selftest_task(selftest)->length, strerror(-error));
	return verdict;
}

#endif
