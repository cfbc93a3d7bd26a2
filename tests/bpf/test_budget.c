/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_budget.c - what the verifier looks at stays within tests/bpf/budget.txt: a program that grows
 * beyond it may still load here and not on another kernel.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <bpf/run.h>
#include <selftest.skel.h>
#include <stdio.h>
#include <stdlib.h>
#include <wgxdp.skel.h>

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

static uint32_t verified_instructions(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	cr_assert_eq(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	return info.verified_insns;
}

static void expect_within_budget(const struct bpf_object *object)
{
	/* scripts/suite shows what is in this file */
	FILE *notes = getenv("NOTES") ? fopen(getenv("NOTES"), "a") : NULL;
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);
		unsigned int budget = budget_of(name);
		uint32_t verified = verified_instructions(program);

		if (notes)
			fprintf(notes, "%-14s %6u of %6u instructions verified\n", name, verified,
				budget);
		cr_expect_gt(budget, 0, "%s has no budget", name);
		cr_expect_leq(budget, 500000, "%s: the budget itself is above the limit", name);
		cr_expect_gt(verified, 0, "%s", name);
		cr_expect_leq(verified, budget, "%s", name);
	}
	if (notes)
		fclose(notes);
}

Test(bpf_budget, the_data_path_is_within_its_budget)
{
	struct wgxdp_bpf *skeleton;

	if (geteuid() != 0)
		cr_skip_test("not root: BPF programs cannot be loaded");
	skeleton = wgxdp_bpf__open_and_load();
	cr_assert_not_null(skeleton, "load: %s", strerror(errno));
	expect_within_budget(skeleton->obj);
	wgxdp_bpf__destroy(skeleton);
}

Test(bpf_budget, the_self_test_is_within_its_budget)
{
	struct selftest_bpf *skeleton;

	if (geteuid() != 0)
		cr_skip_test("not root: BPF programs cannot be loaded");
	skeleton = selftest_bpf__open_and_load();
	cr_assert_not_null(skeleton, "load: %s", strerror(errno));
	expect_within_budget(skeleton->obj);
	selftest_bpf__destroy(skeleton);
}
