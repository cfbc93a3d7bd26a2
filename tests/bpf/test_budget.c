/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_budget.c - what the verifier looks at stays within tests/bpf/budget.txt: a program that grows
 * beyond it may still load here and not on another kernel.
 */
#include <bpf/run.h>
#include <stdio.h>

/* The budget of a program, or 0 when the file has none. */
static unsigned int budget_of(const char *program)
{
	FILE *file = fopen("tests/bpf/budget.txt", "r");
	unsigned int budget = 0, found = 0;
	char name[64], line[256];

	cr_assert_not_null(file, "tests/bpf/budget.txt: run from the top of the tree");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[a-z_] %u", name, &budget) == 2 && strcmp(name, program) == 0)
			found = budget;
	}
	fclose(file);
	return found;
}

Test(bpf_budget, every_program_is_within_its_budget)
{
	struct selftest *selftest = OPEN_SELFTEST();

	for (int program = 0; program < SELFTEST_PROGRAM_COUNT; program++) {
		const char *name = selftest_program_name(program);
		unsigned int budget = budget_of(name);
		uint32_t verified = selftest_verified_instructions(selftest, program);

		fprintf(stderr, "note: %-14s %6u of %6u instructions verified\n", name, verified,
			budget);
		cr_expect_gt(budget, 0, "%s has no budget", name);
		cr_expect_leq(budget, 500000, "%s: the budget itself is above the limit", name);
		cr_expect_gt(verified, 0, "%s", name);
		cr_expect_leq(verified, budget, "%s", name);
	}

	selftest_close(selftest);
}
