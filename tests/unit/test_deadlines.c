/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_deadlines.c - the agent's heap of deadlines against a plain array that is searched from end to end, by
 * seeded random sets, moves and removals.
 */
#include <agent/deadlines.h>
#include <criterion/criterion.h>
#include <stdlib.h>

enum { OWNERS = 300, STEPS = 20000 };

static struct deadline owners[OWNERS];

static uint64_t naive_first(void)
{
	uint64_t first = DEADLINE_NEVER;

	for (int i = 0; i < OWNERS; i++) {
		if (owners[i].when < first)
			first = owners[i].when;
	}
	return first;
}

static uint64_t first_of(const struct deadlines *deadlines)
{
	const struct deadline *first = deadlines_first(deadlines);

	return first ? first->when : DEADLINE_NEVER;
}

static void begin(struct deadlines *deadlines)
{
	*deadlines = (struct deadlines){0};
	cr_assert_eq(deadlines_reserve(deadlines, OWNERS), 0);
	for (int i = 0; i < OWNERS; i++)
		owners[i] = (struct deadline){.when = DEADLINE_NEVER};
}

Test(deadlines, an_empty_heap_has_no_first)
{
	struct deadlines deadlines;

	begin(&deadlines);
	cr_assert_null(deadlines_first(&deadlines));
	deadlines_set(&deadlines, &owners[0], DEADLINE_NEVER);
	cr_assert_null(deadlines_first(&deadlines));
	deadlines_free(&deadlines);
}

Test(deadlines, the_first_is_always_the_earliest)
{
	struct deadlines deadlines;

	begin(&deadlines);
	srand(1);
	for (int step = 0; step < STEPS; step++) {
		struct deadline *moved = &owners[rand() % OWNERS];

		/* few different times, so that many are equal */
		deadlines_set(&deadlines, moved, rand() % 4 ? rand() % 500 : DEADLINE_NEVER);
		cr_assert_eq(first_of(&deadlines), naive_first(), "step %d", step);
	}
	deadlines_free(&deadlines);
}

Test(deadlines, they_come_out_in_order)
{
	struct deadlines deadlines;
	struct deadline *first;
	uint64_t before = 0;
	int count = 0;

	begin(&deadlines);
	srand(2);
	for (int i = 0; i < OWNERS; i++)
		deadlines_set(&deadlines, &owners[i], rand());
	for (; (first = deadlines_first(&deadlines)); count++) {
		cr_assert_geq(first->when, before);
		before = first->when;
		deadlines_set(&deadlines, first, DEADLINE_NEVER);
	}
	cr_assert_eq(count, OWNERS);
	deadlines_free(&deadlines);
}
