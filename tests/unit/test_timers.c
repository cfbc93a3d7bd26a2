/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_timers.c - the five timers of a peer (user/proto/timers.h; paper 6; kernel: timers.c): which
 * deadlines each event moves and where to, what is due when, and how often a handshake is tried.
 */
#include <string.h>

#include <criterion/criterion.h>
#include <proto/timers.h>

#define OFF TIMERS_NEVER
#define WHEN SECONDS(1000)
#define INTERVAL SECONDS(25)

static const char *const timer_names[TIMER_COUNT] = {
	[TIMER_RETRANSMIT_HANDSHAKE] = "retransmit handshake",
	[TIMER_SEND_KEEPALIVE] = "send keepalive",
	[TIMER_NEW_HANDSHAKE] = "new handshake",
	[TIMER_WIPE_KEYS] = "wipe keys",
	[TIMER_PERSISTENT_KEEPALIVE] = "persistent keepalive",
};

static struct timers idle_timers(void)
{
	struct timers timers;

	timers_init(&timers);
	return timers;
}

/* Each at a time of its own, all later than WHEN and none where an event would put it. */
static struct timers armed_timers(void)
{
	struct timers timers = idle_timers();

	for (unsigned int timer = 0; timer < TIMER_COUNT; timer++)
		timers.deadline[timer] = WHEN + SECONDS(1) + timer;
	return timers;
}

/* ---- every event, every timer ---------------------------------------------------------------- */

static void data_sent(struct timers *timers)
{
	timers_data_sent(timers, WHEN, 0);
}

static void data_received(struct timers *timers)
{
	timers_data_received(timers, WHEN);
}

static void traversal(struct timers *timers)
{
	timers->persistent_keepalive_interval = INTERVAL;
	timers_any_authenticated_packet_traversal(timers, WHEN);
}

static void traversal_without_interval(struct timers *timers)
{
	timers_any_authenticated_packet_traversal(timers, WHEN);
}

static void handshake_initiated(struct timers *timers)
{
	timers_handshake_initiated(timers, WHEN, 0);
}

static void handshake_crossed(struct timers *timers)
{
	timers_handshake_crossed(timers, WHEN, 0);
}

static void session_derived(struct timers *timers)
{
	timers_session_derived(timers, WHEN);
}

static void persistent_keepalive_on(struct timers *timers)
{
	timers_set_persistent_keepalive(timers, INTERVAL, WHEN);
}

static void persistent_keepalive_off(struct timers *timers)
{
	timers->persistent_keepalive_interval = INTERVAL;
	timers_set_persistent_keepalive(timers, 0, WHEN);
}

static void try_again(struct timers *timers)
{
	timers->handshake_attempts = MAX_INITIATIONS - 2;
	cr_expect(timers_retry_handshake(timers, WHEN));
}

static void give_up(struct timers *timers)
{
	timers->handshake_attempts = MAX_INITIATIONS - 1;
	cr_expect_not(timers_retry_handshake(timers, WHEN));
}

static void keepalive_sent(struct timers *timers)
{
	timers_keepalive_sent(timers, WHEN);
}

struct event {
	const char *name;
	void (*happens)(struct timers *timers);
	/* only what changes: 0 is "stays as it was" */
	uint64_t from_idle[TIMER_COUNT];
	uint64_t from_armed[TIMER_COUNT];
};

static const struct event events[] = {
	{
		.name = "data sent",
		.happens = data_sent,
		.from_idle[TIMER_NEW_HANDSHAKE] = WHEN + SECONDS(15),
	},
	{
		.name = "data received",
		.happens = data_received,
		.from_idle[TIMER_SEND_KEEPALIVE] = WHEN + SECONDS(10),
	},
	{
		.name = "anything sent",
		.happens = timers_any_authenticated_packet_sent,
		.from_armed[TIMER_SEND_KEEPALIVE] = OFF,
	},
	{
		.name = "anything received",
		.happens = timers_any_authenticated_packet_received,
		.from_armed[TIMER_NEW_HANDSHAKE] = OFF,
	},
	{
		.name = "traversal",
		.happens = traversal,
		.from_idle[TIMER_PERSISTENT_KEEPALIVE] = WHEN + INTERVAL,
		.from_armed[TIMER_PERSISTENT_KEEPALIVE] = WHEN + INTERVAL,
	},
	{.name = "traversal without interval", .happens = traversal_without_interval},
	{
		.name = "handshake initiated",
		.happens = handshake_initiated,
		.from_idle[TIMER_RETRANSMIT_HANDSHAKE] = WHEN + SECONDS(5),
		.from_armed[TIMER_RETRANSMIT_HANDSHAKE] = WHEN + SECONDS(5),
	},
	{
		.name = "handshake crossed",
		.happens = handshake_crossed,
		.from_armed[TIMER_RETRANSMIT_HANDSHAKE] = WHEN + SECONDS(5),
	},
	{
		.name = "handshake complete",
		.happens = timers_handshake_complete,
		.from_armed[TIMER_RETRANSMIT_HANDSHAKE] = OFF,
	},
	{
		.name = "session derived",
		.happens = session_derived,
		.from_idle[TIMER_WIPE_KEYS] = WHEN + SECONDS(540),
		.from_armed[TIMER_WIPE_KEYS] = WHEN + SECONDS(540),
	},
	{
		.name = "persistent keepalive on",
		.happens = persistent_keepalive_on,
		.from_idle[TIMER_PERSISTENT_KEEPALIVE] = WHEN + INTERVAL,
		.from_armed[TIMER_PERSISTENT_KEEPALIVE] = WHEN + INTERVAL,
	},
	{
		.name = "persistent keepalive off",
		.happens = persistent_keepalive_off,
		.from_armed[TIMER_PERSISTENT_KEEPALIVE] = OFF,
	},
	{.name = "handshake tried again", .happens = try_again},
	{
		.name = "handshake given up",
		.happens = give_up,
		.from_idle[TIMER_WIPE_KEYS] = WHEN + SECONDS(540),
		.from_armed[TIMER_SEND_KEEPALIVE] = OFF,
	},
	{.name = "keepalive sent", .happens = keepalive_sent},
	{
		.name = "stop",
		.happens = timers_stop,
		.from_armed = {OFF, OFF, OFF, OFF, OFF},
	},
};

static void expect_moved(const struct event *event, struct timers timers, const uint64_t *moved)
{
	const struct timers before = timers;

	event->happens(&timers);
	for (unsigned int timer = 0; timer < TIMER_COUNT; timer++) {
		uint64_t expected = moved[timer] ? moved[timer] : before.deadline[timer];

		cr_expect_eq(timers.deadline[timer], expected, "%s: %s is at %lld ns", event->name,
			     timer_names[timer], (long long)(timers.deadline[timer] - WHEN));
	}
}

Test(timers, each_event_moves_its_deadlines_and_no_other)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		expect_moved(&events[i], idle_timers(), events[i].from_idle);
		expect_moved(&events[i], armed_timers(), events[i].from_armed);
	}
}

Test(timers, starts_with_nothing)
{
	struct timers timers;

	memset(&timers, true, sizeof(timers));
	timers_init(&timers);
	for (unsigned int timer = 0; timer < TIMER_COUNT; timer++)
		cr_expect_eq(timers.deadline[timer], TIMERS_NEVER, "%s", timer_names[timer]);
	cr_expect_eq(timers.persistent_keepalive_interval, 0);
	cr_expect_eq(timers.handshake_attempts, 0);
	cr_expect_not(timers.need_another_keepalive);
	cr_expect_not(timers.sent_lastminute_handshake);
}

Test(timers, stop_forgets_attempts_but_not_the_interval)
{
	struct timers timers = armed_timers();

	timers.persistent_keepalive_interval = INTERVAL;
	timers.handshake_attempts = 7;
	timers.need_another_keepalive = true;
	timers_stop(&timers);
	cr_expect_eq(timers.persistent_keepalive_interval, INTERVAL);
	cr_expect_eq(timers.handshake_attempts, 0);
	cr_expect_not(timers.need_another_keepalive);
}

/* ---- jitter ---------------------------------------------------------------------------------- */

static uint64_t retransmit_jitter(uint32_t random)
{
	struct timers timers = idle_timers();

	timers_handshake_initiated(&timers, WHEN, random);
	return timers.deadline[TIMER_RETRANSMIT_HANDSHAKE] - WHEN - SECONDS(5);
}

static uint64_t crossed_jitter(uint32_t random)
{
	struct timers timers = armed_timers();

	timers_handshake_crossed(&timers, WHEN, random);
	return timers.deadline[TIMER_RETRANSMIT_HANDSHAKE] - WHEN - SECONDS(5);
}

static uint64_t new_handshake_jitter(uint32_t random)
{
	struct timers timers = idle_timers();

	timers_data_sent(&timers, WHEN, random);
	return timers.deadline[TIMER_NEW_HANDSHAKE] - WHEN - SECONDS(15);
}

/* All random words, in steps: within bounds, and spread evenly over ten parts of the range. */
static void expect_uniform(uint64_t (*jitter)(uint32_t random))
{
	enum { STEP = 65537, PARTS = 10 };
	const unsigned int samples = UINT32_MAX / STEP + 1;
	unsigned int parts[PARTS] = {0};

	cr_expect_leq(jitter(0), MILLISECONDS(333));
	cr_expect_leq(jitter(UINT32_MAX), MILLISECONDS(333));
	for (uint64_t random = 0; random <= UINT32_MAX; random += STEP) {
		uint64_t delay = jitter((uint32_t)random);

		cr_assert_leq(delay, MILLISECONDS(333), "random word %llu",
			      (unsigned long long)random);
		parts[delay * PARTS / (MILLISECONDS(333) + 1)]++;
	}
	for (unsigned int part = 0; part < PARTS; part++)
		cr_expect(parts[part] > samples / PARTS * 9 / 10 &&
				  parts[part] < samples / PARTS * 11 / 10,
			  "part %u has %u of %u", part, parts[part], samples);
}

Test(timers, retransmit_jitter_is_uniform_up_to_333_ms)
{
	expect_uniform(retransmit_jitter);
}

Test(timers, new_handshake_jitter_is_uniform_up_to_333_ms)
{
	expect_uniform(new_handshake_jitter);
}

Test(timers, jitter_reaches_both_ends)
{
	cr_expect_eq(retransmit_jitter(0), 0);
	cr_expect_eq(retransmit_jitter(UINT32_MAX), MILLISECONDS(333));
	cr_expect_eq(crossed_jitter(0), 0);
	cr_expect_eq(crossed_jitter(UINT32_MAX), MILLISECONDS(333));
	cr_expect_eq(new_handshake_jitter(0), 0);
	cr_expect_eq(new_handshake_jitter(UINT32_MAX), MILLISECONDS(333));
}

/* ---- popping --------------------------------------------------------------------------------- */

static void expect_pop(struct timers *timers, uint64_t now, enum timer expected)
{
	enum timer timer = TIMER_COUNT;

	cr_assert(timers_pop(timers, now, &timer), "%s is not due", timer_names[expected]);
	cr_expect_eq(timer, expected, "%s instead of %s", timer_names[timer],
		     timer_names[expected]);
	cr_expect_eq(timers->deadline[timer], TIMERS_NEVER, "%s is still armed",
		     timer_names[timer]);
}

static void expect_nothing_due(struct timers *timers, uint64_t now)
{
	const struct timers before = *timers;
	enum timer timer = TIMER_COUNT;

	cr_assert_not(timers_pop(timers, now, &timer), "timer %d is due", (int)timer);
	cr_expect_eq(timer, TIMER_COUNT, "written although nothing is due");
	cr_expect_arr_eq(timers->deadline, before.deadline, sizeof(before.deadline));
}

Test(timers, nothing_armed_is_never_due)
{
	struct timers timers = idle_timers();

	cr_assert_eq(timers_next_deadline(&timers), TIMERS_NEVER);
	expect_nothing_due(&timers, 0);
	expect_nothing_due(&timers, WHEN);
	expect_nothing_due(&timers, UINT64_MAX);
}

Test(timers, each_is_due_at_its_deadline_and_not_before)
{
	for (unsigned int timer = 0; timer < TIMER_COUNT; timer++) {
		struct timers timers = idle_timers();

		timers.deadline[timer] = WHEN;
		cr_expect_eq(timers_next_deadline(&timers), WHEN);
		expect_nothing_due(&timers, 0);
		expect_nothing_due(&timers, WHEN - 1);
		expect_pop(&timers, WHEN, timer);
		expect_nothing_due(&timers, SECONDS(1000000));
		cr_expect_eq(timers_next_deadline(&timers), TIMERS_NEVER);
	}
}

/* Every timer is the earliest once: the order is the deadlines', not the enum's. */
Test(timers, come_out_by_deadline)
{
	for (unsigned int first = 0; first < TIMER_COUNT; first++) {
		struct timers timers = idle_timers();

		for (unsigned int i = 0; i < TIMER_COUNT; i++)
			timers.deadline[(first + 3 * i) % TIMER_COUNT] = WHEN + i;
		for (unsigned int i = 0; i < TIMER_COUNT; i++) {
			cr_expect_eq(timers_next_deadline(&timers), WHEN + i);
			expect_pop(&timers, WHEN + SECONDS(1), (first + 3 * i) % TIMER_COUNT);
		}
		expect_nothing_due(&timers, WHEN + SECONDS(1));
	}
}

Test(timers, those_not_yet_due_stay)
{
	struct timers timers = idle_timers();

	timers.deadline[TIMER_WIPE_KEYS] = WHEN;
	timers.deadline[TIMER_RETRANSMIT_HANDSHAKE] = WHEN + 1;
	timers.deadline[TIMER_SEND_KEEPALIVE] = WHEN - 1;
	expect_pop(&timers, WHEN, TIMER_SEND_KEEPALIVE);
	expect_pop(&timers, WHEN, TIMER_WIPE_KEYS);
	expect_nothing_due(&timers, WHEN);
	cr_expect_eq(timers_next_deadline(&timers), WHEN + 1);
	expect_pop(&timers, WHEN + 1, TIMER_RETRANSMIT_HANDSHAKE);
}

Test(timers, those_due_at_once_all_come_out)
{
	struct timers timers = idle_timers();
	unsigned int popped = 0;

	for (unsigned int i = 0; i < TIMER_COUNT; i++)
		timers.deadline[i] = WHEN;
	for (unsigned int i = 0; i < TIMER_COUNT; i++) {
		enum timer timer;

		cr_assert(timers_pop(&timers, WHEN, &timer));
		popped |= 1u << timer;
	}
	cr_assert_eq(popped, (1u << TIMER_COUNT) - 1);
	expect_nothing_due(&timers, WHEN);
}

/* ---- the handshake's retries ----------------------------------------------------------------- */

/* Initiations until it gives up at `*now`, never answered. */
static unsigned int initiations_until_given_up(struct timers *timers, uint64_t *now)
{
	unsigned int initiations = 0;

	do {
		timers_handshake_initiated(timers, *now, UINT32_MAX);
		initiations++;
		cr_assert_leq(initiations, 100, "never gives up");
		*now = timers->deadline[TIMER_RETRANSMIT_HANDSHAKE];
		expect_pop(timers, *now, TIMER_RETRANSMIT_HANDSHAKE);
	} while (timers_retry_handshake(timers, *now));
	return initiations;
}

Test(timers, handshake_is_given_up_after_20_initiations)
{
	struct timers timers = idle_timers();
	uint64_t now = WHEN;

	cr_assert_eq(initiations_until_given_up(&timers, &now), 20);
	cr_expect_eq(timers.deadline[TIMER_RETRANSMIT_HANDSHAKE], TIMERS_NEVER);
	cr_expect_eq(timers.deadline[TIMER_WIPE_KEYS], now + SECONDS(540));
	cr_expect_eq(timers_next_deadline(&timers), now + SECONDS(540));
}

Test(timers, retries_are_counted)
{
	struct timers timers = idle_timers();

	for (unsigned int attempts = 1; attempts < MAX_INITIATIONS; attempts++) {
		cr_assert(timers_retry_handshake(&timers, WHEN));
		cr_assert_eq(timers.handshake_attempts, attempts);
	}
	cr_assert_not(timers_retry_handshake(&timers, WHEN));
}

Test(timers, giving_up_does_not_put_off_the_wipe)
{
	struct timers timers = idle_timers();
	uint64_t now = WHEN;

	timers_session_derived(&timers, WHEN);
	initiations_until_given_up(&timers, &now);
	cr_assert_eq(timers.deadline[TIMER_WIPE_KEYS], WHEN + SECONDS(540));
}

Test(timers, complete_handshake_starts_the_count_anew)
{
	struct timers timers = idle_timers();
	uint64_t now = WHEN;

	timers.handshake_attempts = MAX_INITIATIONS - 1;
	timers.sent_lastminute_handshake = true;
	timers_handshake_complete(&timers);
	cr_expect_eq(timers.handshake_attempts, 0);
	cr_expect_not(timers.sent_lastminute_handshake);
	cr_expect_eq(initiations_until_given_up(&timers, &now), 20);
}

/* The answer to the peer's initiation is no try of ours. */
Test(timers, crossed_handshakes_are_no_retry)
{
	struct timers timers = idle_timers();

	timers_handshake_initiated(&timers, WHEN, 0);
	timers.handshake_attempts = 3;
	timers_handshake_crossed(&timers, WHEN + SECONDS(4), 0);
	cr_expect_eq(timers.handshake_attempts, 3);
	expect_nothing_due(&timers, WHEN + SECONDS(9) - 1);
	expect_pop(&timers, WHEN + SECONDS(9), TIMER_RETRANSMIT_HANDSHAKE);
}

/* A responder has derived keys that nobody confirmed yet: its own handshake goes on. */
Test(timers, session_derived_is_no_complete_handshake)
{
	struct timers timers = idle_timers();

	timers_handshake_initiated(&timers, WHEN, 0);
	timers.handshake_attempts = 3;
	timers.sent_lastminute_handshake = true;
	timers_session_derived(&timers, WHEN + 1);
	cr_expect_eq(timers.handshake_attempts, 3);
	cr_expect(timers.sent_lastminute_handshake);
	cr_expect_eq(timers.deadline[TIMER_RETRANSMIT_HANDSHAKE], WHEN + SECONDS(5));
}

/* ---- keepalives ------------------------------------------------------------------------------ */

Test(timers, more_data_asks_for_one_more_keepalive)
{
	struct timers timers = idle_timers();

	timers_data_received(&timers, WHEN);
	cr_expect_not(timers.need_another_keepalive);
	timers_data_received(&timers, WHEN + SECONDS(3));
	timers_data_received(&timers, WHEN + SECONDS(6));
	cr_expect(timers.need_another_keepalive);
	expect_nothing_due(&timers, WHEN + SECONDS(10) - 1);
	expect_pop(&timers, WHEN + SECONDS(10), TIMER_SEND_KEEPALIVE);

	timers_keepalive_sent(&timers, WHEN + SECONDS(10));
	cr_expect_not(timers.need_another_keepalive);
	expect_nothing_due(&timers, WHEN + SECONDS(20) - 1);
	expect_pop(&timers, WHEN + SECONDS(20), TIMER_SEND_KEEPALIVE);

	timers_keepalive_sent(&timers, WHEN + SECONDS(20));
	cr_expect_eq(timers_next_deadline(&timers), TIMERS_NEVER);
}

Test(timers, data_once_asks_for_one_keepalive)
{
	struct timers timers = idle_timers();

	timers_data_received(&timers, WHEN);
	expect_pop(&timers, WHEN + SECONDS(10), TIMER_SEND_KEEPALIVE);
	timers_keepalive_sent(&timers, WHEN + SECONDS(10));
	expect_nothing_due(&timers, WHEN + SECONDS(1000));
}

Test(timers, answer_makes_the_keepalive_needless)
{
	struct timers timers = idle_timers();

	timers_data_received(&timers, WHEN);
	timers_any_authenticated_packet_sent(&timers);
	expect_nothing_due(&timers, WHEN + SECONDS(1000));
}

/* The first unanswered packet sets the time, later ones do not put it off. */
Test(timers, new_handshake_15_s_after_the_first_unanswered_packet)
{
	struct timers timers = idle_timers();

	for (unsigned int second = 0; second < 15; second++)
		timers_data_sent(&timers, WHEN + SECONDS(second), UINT32_MAX * (second > 0));
	expect_nothing_due(&timers, WHEN + SECONDS(15) - 1);
	expect_pop(&timers, WHEN + SECONDS(15), TIMER_NEW_HANDSHAKE);
	timers_data_sent(&timers, WHEN + SECONDS(16), 0);
	cr_expect_eq(timers_next_deadline(&timers), WHEN + SECONDS(31));
}

Test(timers, persistent_keepalive_is_put_off_by_every_packet)
{
	struct timers timers = idle_timers();

	timers_set_persistent_keepalive(&timers, INTERVAL, WHEN);
	cr_expect_eq(timers.persistent_keepalive_interval, INTERVAL);
	timers_any_authenticated_packet_traversal(&timers, WHEN + SECONDS(24));
	expect_nothing_due(&timers, WHEN + SECONDS(24) + INTERVAL - 1);
	expect_pop(&timers, WHEN + SECONDS(24) + INTERVAL, TIMER_PERSISTENT_KEEPALIVE);
}

Test(timers, persistent_keepalive_switched_off_stays_off)
{
	struct timers timers = idle_timers();

	timers_set_persistent_keepalive(&timers, INTERVAL, WHEN);
	timers_set_persistent_keepalive(&timers, 0, WHEN + 1);
	cr_expect_eq(timers.persistent_keepalive_interval, 0);
	timers_any_authenticated_packet_traversal(&timers, WHEN + 2);
	cr_expect_eq(timers_next_deadline(&timers), TIMERS_NEVER);
}

/* ---- events reported late -------------------------------------------------------------------- */

Test(timers, late_event_counts_from_when_it_happened)
{
	const uint64_t now = WHEN + SECONDS(60);
	struct timers timers = idle_timers();

	timers_data_sent(&timers, WHEN, 0);
	timers_data_received(&timers, WHEN + SECONDS(1));
	expect_pop(&timers, now, TIMER_SEND_KEEPALIVE);
	expect_pop(&timers, now, TIMER_NEW_HANDSHAKE);
	expect_nothing_due(&timers, now);
}

Test(timers, late_answer_still_cancels)
{
	const uint64_t now = WHEN + SECONDS(60);
	struct timers timers = idle_timers();

	timers_data_sent(&timers, WHEN, 0);
	timers_any_authenticated_packet_received(&timers);
	timers_data_received(&timers, WHEN + SECONDS(1));
	timers_any_authenticated_packet_sent(&timers);
	timers_data_sent(&timers, WHEN + SECONDS(50), 0);
	expect_nothing_due(&timers, now);
	cr_expect_eq(timers_next_deadline(&timers), WHEN + SECONDS(65));
}
