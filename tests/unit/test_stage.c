/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_stage.c - packets that wait for a session: 128 of them, in order, the oldest makes room.
 *
 * A packet is stood for by the address of its number.
 */
#include <criterion/criterion.h>
#include <proto/stage.h>

static int packets[1000];

static void push_without_loss(struct stage *stage, int first, int count)
{
	for (int i = first; i < first + count; i++)
		cr_assert_null(stage_push(stage, &packets[i]), "packet %d", i);
}

static void expect_pops(struct stage *stage, int first, int count)
{
	for (int i = first; i < first + count; i++)
		cr_assert_eq(stage_pop(stage), &packets[i], "packet %d", i);
}

Test(stage, nothing_comes_out_of_an_empty_one)
{
	struct stage stage = {0};

	cr_assert_null(stage_pop(&stage));
	push_without_loss(&stage, 0, 1);
	expect_pops(&stage, 0, 1);
	cr_assert_null(stage_pop(&stage));
	cr_assert_eq(stage.count, 0);
}

Test(stage, first_in_first_out)
{
	struct stage stage = {0};

	push_without_loss(&stage, 0, 5);
	expect_pops(&stage, 0, 2);
	push_without_loss(&stage, 5, 2);
	cr_assert_eq(stage.count, 5);
	expect_pops(&stage, 2, 5);
	cr_assert_null(stage_pop(&stage));
}

Test(stage, holds_128_and_drops_the_oldest_for_the_129th)
{
	struct stage stage = {0};

	push_without_loss(&stage, 0, 128);
	cr_assert_eq(stage.count, 128);
	cr_assert_eq(stage_push(&stage, &packets[128]), &packets[0]);
	cr_assert_eq(stage_push(&stage, &packets[129]), &packets[1]);
	cr_assert_eq(stage.count, 128);
	expect_pops(&stage, 2, 128);
	cr_assert_null(stage_pop(&stage));
}

/* Full and empty at every place of the ring, and many times around while full. */
Test(stage, wraps_at_every_place)
{
	struct stage stage = {0};

	for (int start = 0; start < 128; start++) {
		push_without_loss(&stage, 0, 128);
		cr_assert_eq(stage_push(&stage, &packets[128]), &packets[0], "start %d", start);
		expect_pops(&stage, 1, 128);
		cr_assert_null(stage_pop(&stage));
	}

	push_without_loss(&stage, 0, 128);
	for (int i = 128; i < 1000; i++)
		cr_assert_eq(stage_push(&stage, &packets[i]), &packets[i - 128], "packet %d", i);
	expect_pops(&stage, 1000 - 128, 128);
}
