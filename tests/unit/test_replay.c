/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_replay.c - the window over receiving counters (wgxdp/replay.h; RFC 6479, paper 5.4.6).
 *
 * First the steps the kernel's selftest/counter.c takes, then both edges by hand, then a model that
 * remembers every counter it ever saw, on ten million random steps.
 */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <wgxdp/replay.h>

/* The kernel's word for the nearest distance that is too far behind. */
#define LIMIT ((uint64_t)REPLAY_WINDOW + 1)

struct step {
	uint64_t counter;
	bool accepted;
};

static void expect_steps(const struct step *steps, size_t count)
{
	struct replay_window window;

	replay_init(&window);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(replay_accept(&window, steps[i].counter), steps[i].accepted,
			     "step %zu: counter %llu should be %s", i + 1,
			     (unsigned long long)steps[i].counter,
			     steps[i].accepted ? "accepted" : "refused");
}

#define EXPECT_STEPS(steps) expect_steps(steps, sizeof(steps) / sizeof((steps)[0]))

Test(replay, takes_the_kernels_34_steps)
{
	/* clang-format off */
	static const struct step steps[] = {
		/*  1 the first one */                     {0, true},
		/*  2 the next one */                      {1, true},
		/*  3 again */                             {1, false},
		/*  4 a small gap */                       {9, true},
		/*  5 fills the gap from above */          {8, true},
		/*  6 further */                           {7, true},
		/*  7 filled already */                    {7, false},
		/*  8 a leap of almost the window */       {LIMIT, true},
		/*  9 just behind it */                    {LIMIT - 1, true},
		/* 10 again */                             {LIMIT - 1, false},
		/* 11 one further behind */                {LIMIT - 2, true},
		/* 12 the far end, unseen till now */      {2, true},
		/* 13 the far end, seen */                 {2, false},
		/* 14 the window moves by 15 */            {LIMIT + 16, true},
		/* 15 unseen, but fell out */              {3, false},
		/* 16 the greatest again */                {LIMIT + 16, false},
		/* 17 a leap beyond the window */          {LIMIT * 4, true},
		/* 18 its last place */                    {LIMIT * 4 - (LIMIT - 1), true},
		/* 19 long gone */                         {10, false},
		/* 20 one too far behind */                {LIMIT * 4 - LIMIT, false},
		/* 21 two too far behind */                {LIMIT * 4 - (LIMIT + 1), false},
		/* 22 its last place but one */            {LIMIT * 4 - (LIMIT - 2), true},
		/* 23 the last place, seen in 18 */        {LIMIT * 4 + 1 - LIMIT, false},
		/* 24 the very first */                    {0, false},
		/* 25 no message may have this counter */  {REJECT_AFTER_MESSAGES, false},
		/* 26 the last a session may use */        {REJECT_AFTER_MESSAGES - 1, true},
		/* 27 still not this one */                {REJECT_AFTER_MESSAGES, false},
		/* 28 the last one again */                {REJECT_AFTER_MESSAGES - 1, false},
		/* 29 the last but one */                  {REJECT_AFTER_MESSAGES - 2, true},
		/* 30 beyond the limit */                  {REJECT_AFTER_MESSAGES + 1, false},
		/* 31 further beyond */                    {REJECT_AFTER_MESSAGES + 2, false},
		/* 32 the last but one again */            {REJECT_AFTER_MESSAGES - 2, false},
		/* 33 the last but two */                  {REJECT_AFTER_MESSAGES - 3, true},
		/* 34 the very first */                    {0, false},
	};
	/* clang-format on */

	EXPECT_STEPS(steps);
}

/* Every counter from `first` to `last`, in either direction, is new. */
static void expect_run(struct replay_window *window, uint64_t first, uint64_t last)
{
	uint64_t counter = first;

	while (replay_accept(window, counter)) {
		if (counter == last)
			return;
		counter += first < last ? 1 : -1;
	}
	cr_expect_fail("run %llu to %llu: %llu was refused", (unsigned long long)first,
		       (unsigned long long)last, (unsigned long long)counter);
}

/* The kernel's six runs over a whole window, upwards and downwards. */
Test(replay, keeps_a_whole_window_in_either_direction)
{
	struct replay_window window;

	replay_init(&window);
	expect_run(&window, 1, REPLAY_WINDOW);
	cr_expect(replay_accept(&window, 0));
	cr_expect_not(replay_accept(&window, 0));

	replay_init(&window);
	expect_run(&window, 2, REPLAY_WINDOW + 1);
	cr_expect(replay_accept(&window, 1));
	cr_expect_not(replay_accept(&window, 0));

	replay_init(&window);
	expect_run(&window, REPLAY_WINDOW, 0);

	replay_init(&window);
	expect_run(&window, REPLAY_WINDOW + 1, 1);
	cr_expect_not(replay_accept(&window, 0));

	replay_init(&window);
	expect_run(&window, REPLAY_WINDOW, 1);
	cr_expect(replay_accept(&window, REPLAY_WINDOW + 1));
	cr_expect_not(replay_accept(&window, 0));

	replay_init(&window);
	expect_run(&window, REPLAY_WINDOW, 1);
	cr_expect(replay_accept(&window, 0));
	cr_expect(replay_accept(&window, REPLAY_WINDOW + 1));
}

/* Where in its 64-bit word a counter lies must not move the edge. */
Test(replay, far_edge_is_8128_behind_at_every_bit_of_a_word)
{
	cr_assert_eq(REPLAY_WINDOW, 8128);
	for (uint64_t greatest = 100000; greatest < 100128; greatest++) {
		struct replay_window window;

		replay_init(&window);
		cr_expect(replay_accept(&window, greatest));
		cr_expect_not(replay_accept(&window, greatest));
		cr_expect_not(replay_accept(&window, greatest - 8129), "greatest %d",
			      (int)greatest);
		cr_expect(replay_accept(&window, greatest - 8128), "greatest %d", (int)greatest);
		cr_expect_not(replay_accept(&window, greatest - 8128));
		cr_expect(replay_accept(&window, greatest + 1));
		cr_expect(replay_accept(&window, greatest - 8127));
	}
}

/* A leap clears all it passes, however far: what a ring's word held before must not refuse. */
Test(replay, a_leap_forgets_what_it_passes)
{
	/* clang-format off */
	static const uint64_t leaps[] = {
		1, 63, 64, 65, 8127, 8128, 8129, 8191, 8192, 8193, 16384, UINT64_C(1) << 32,
		UINT64_C(1) << 38, (UINT64_C(1) << 38) + 64, UINT64_C(1) << 60,
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
		struct replay_window window;
		const uint64_t before = 20000, after = before + leaps[i];

		replay_init(&window);
		expect_run(&window, before - REPLAY_WINDOW, before);
		cr_expect(replay_accept(&window, after));
		for (uint64_t counter = after - REPLAY_WINDOW; counter < after; counter++)
			cr_assert_eq(replay_accept(&window, counter), counter > before,
				     "leap %llu, counter %llu", (unsigned long long)leaps[i],
				     (unsigned long long)counter);
	}
}

Test(replay, the_end_of_the_counters_does_not_wrap)
{
	static const struct step steps[] = {
		{UINT64_MAX, false},
		{REJECT_AFTER_MESSAGES, false},
		/* nothing of that was remembered */
		{0, true},
		{REJECT_AFTER_MESSAGES - 1, true},
		{0, false},
		{1, false},
		{REPLAY_WINDOW, false},
		{UINT64_MAX, false},
		{UINT64_MAX - 1, false},
		{UINT64_MAX - REPLAY_WINDOW, false},
		{REJECT_AFTER_MESSAGES, false},
		{REJECT_AFTER_MESSAGES - 1 - REPLAY_WINDOW, true},
		{REJECT_AFTER_MESSAGES - 1 - REPLAY_WINDOW, false},
		{REJECT_AFTER_MESSAGES - 2 - REPLAY_WINDOW, false},
	};

	EXPECT_STEPS(steps);
}

/* ---- ten million steps beside a model that forgets nothing ----------------------------------- */

enum {
	ROUND_STEPS = 1000000,
	/* more than one round advances: about 2.4 million */
	MODEL_SPAN = 1 << 22,
};

struct model {
	/* counter `base` + i was accepted */
	uint8_t *accepted;
	uint64_t base;
	uint64_t greatest;
};

static bool model_accept(struct model *model, uint64_t counter)
{
	uint64_t place = counter - model->base;

	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	if (counter < model->greatest && model->greatest - counter > 8128)
		return false;
	cr_assert_lt(place, MODEL_SPAN, "the model is too small for this walk");
	if (model->accepted[place])
		return false;
	model->accepted[place] = true;
	if (counter > model->greatest)
		model->greatest = counter;
	return true;
}

/* xorshift64*, so that a failure is the same on every machine */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t behind(uint64_t greatest, uint64_t distance)
{
	return distance < greatest ? greatest - distance : 0;
}

/* Mostly near the greatest, before and behind; now and then about as far as the window reaches, or
 * a leap of up to four windows. */
static uint64_t next_counter(uint64_t greatest, uint64_t *random)
{
	uint64_t word = next_random(random), choice = word & 1023, distance = word >> 32;

	if ((word & 8191) == 0)
		return greatest + distance % (4 * REPLAY_RING_BITS);
	if (choice < 256)
		return greatest + distance % 4;
	if (choice < 512)
		return behind(greatest, distance % 64);
	if (choice < 768)
		return behind(greatest, REPLAY_WINDOW - 32 + distance % 64);
	return behind(greatest, distance % (REPLAY_RING_BITS + 256));
}

static void walk_beside_model(uint64_t start, uint64_t seed)
{
	struct replay_window window;
	/* room for what lies behind the start, where there is any */
	struct model model = {.base = behind(start, 2 * REPLAY_RING_BITS)};
	unsigned int refused = 0;

	model.accepted = calloc(MODEL_SPAN, 1);
	cr_assert_not_null(model.accepted);
	replay_init(&window);
	cr_assert(replay_accept(&window, start) && model_accept(&model, start));
	for (unsigned int i = 0; i < ROUND_STEPS; i++) {
		uint64_t counter = next_counter(model.greatest, &seed);
		bool expected = model_accept(&model, counter);

		refused += !expected;
		cr_assert_eq(replay_accept(&window, counter), expected,
			     "start %llu, step %u: counter %llu, greatest %llu",
			     (unsigned long long)start, i, (unsigned long long)counter,
			     (unsigned long long)model.greatest);
	}
	cr_assert(refused > ROUND_STEPS / 10 && refused < ROUND_STEPS - ROUND_STEPS / 10,
		  "a walk that is refused %u times shows little", refused);
	free(model.accepted);
}

Test(replay, agrees_with_a_model_that_forgets_nothing)
{
	walk_beside_model(0, 1);
	walk_beside_model(1, 2);
	walk_beside_model(8128, 3);
	walk_beside_model(UINT32_MAX - 1000000, 4);
	walk_beside_model(UINT64_C(1) << 32, 5);
	/* where the number of a word no longer fits 32 bits */
	walk_beside_model((UINT64_C(1) << 38) - 1000000, 6);
	walk_beside_model((UINT64_C(1) << 60) - 1, 7);
	walk_beside_model(INT64_MAX - 1000000, 8);
	walk_beside_model(REJECT_AFTER_MESSAGES - 10000000, 9);
	/* runs into the limit and stays there */
	walk_beside_model(REJECT_AFTER_MESSAGES - 2000000, 10);
}
