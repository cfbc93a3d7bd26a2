// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_keepalive.c - empty packets: passive ones after data that went unanswered, persistent ones
 * that the user asks for (WireGuard paper 6.5; kernel: timers.c).
 */
#include "world.h"

Test(keepalive, passive_10_s_after_data_came_in)
{
	struct world *w = world_new(1, 2);
	uint64_t start;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	start = w->now;
	world_send(w, ALICE, BOB);
	world_run_until(w, start + SECONDS(10) + MILLISECONDS(10) - 1);
	expect_equal(w, world_sent_count(w, mark, BOB, EVERYTHING), 0);
	world_run_until(w, start + SECONDS(10) + MILLISECONDS(10));
	expect_equal(w, world_sent_count(w, mark, BOB, EVERYTHING), 1);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_KEEPALIVE)), 1);
	world_free(w);
}

Test(keepalive, none_when_data_went_back)
{
	struct world *w = world_new(2, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(9));
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(9));
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_KEEPALIVE)), 0);
	/* Alice owes one for Bob's. */
	world_run_for(w, SECONDS(30));
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_KEEPALIVE)), 0);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	world_free(w);
}

Test(keepalive, another_one_when_data_came_in_meanwhile)
{
	struct world *w = world_new(3, 2);
	uint64_t start;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	start = w->now + MILLISECONDS(10);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(5));
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(60));
	expect_equal(w, world_sent_count(w, mark, BOB, EVERYTHING), 2);
	expect_equal(w, world_sent(w, mark, BOB, ONLY(KIND_KEEPALIVE), 0)->when,
		     start + SECONDS(10));
	expect_equal(w, world_sent(w, mark, BOB, ONLY(KIND_KEEPALIVE), 1)->when,
		     start + SECONDS(20));
	world_free(w);
}

/* One payload: initiation, response, data, and ten seconds later Bob's keepalive. */
Test(keepalive, keepalives_are_not_answered)
{
	struct world *w = world_new(4, 2);

	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(24 * 3600));
	expect_equal(w, world_sent_count(w, 0, ALICE, EVERYTHING), 2);
	expect_equal(w, world_sent_count(w, 0, BOB, EVERYTHING), 2);
	expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_KEEPALIVE)), 1);
	world_free(w);
}

Test(keepalive, no_traffic_no_packet)
{
	struct world *w = world_new(5, 3);

	world_run_for(w, SECONDS(24 * 3600));
	expect_equal(w, w->wire.logged, 0);
	world_free(w);
}

static void set_persistent(struct world *w, enum who of, enum who to, uint16_t seconds)
{
	peer_set_persistent_keepalive(&world_peer(w, of, to)->peer, seconds, w->now);
}

Test(persistent, starts_a_handshake_at_once_when_switched_on)
{
	struct world *w = world_new(6, 2);
	uint64_t start = w->now;

	set_persistent(w, ALICE, BOB, 25);
	expect_equal(w, world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 0)->when, start);
	world_run_for(w, SECONDS(1));
	/* The keepalive confirms the session. */
	expect_equal(w, world_sent(w, 0, ALICE, ONLY(KIND_KEEPALIVE), 0)->when,
		     start + MILLISECONDS(20));
	expect(w, world_peer(w, BOB, ALICE)->sending);
	world_free(w);
}

Test(persistent, is_sent_at_once_when_it_goes_from_0_to_n)
{
	struct world *w = world_new(7, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	set_persistent(w, ALICE, BOB, 25);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	/* Not when it changes from one interval to another. */
	set_persistent(w, ALICE, BOB, 30);
	world_run_for(w, SECONDS(2));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 1);
	set_persistent(w, ALICE, BOB, 0);
	world_run_for(w, SECONDS(3600));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 1);
	world_free(w);
}

Test(persistent, is_sent_at_once_when_the_peer_is_started)
{
	struct world *w = world_new(8, 2);

	endpoint_stop_peer(world_peer(w, ALICE, BOB));
	set_persistent(w, ALICE, BOB, 25);
	world_run_for(w, SECONDS(100));
	expect_equal(w, w->wire.logged, 0);
	peer_start(&world_peer(w, ALICE, BOB)->peer, w->now);
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 1);
	world_free(w);
}

Test(persistent, comes_n_seconds_after_the_last_authenticated_packet_either_way)
{
	struct world *w = world_new(9, 2);
	uint64_t last;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	set_persistent(w, ALICE, BOB, 7);
	last = w->now;
	mark = world_mark(w);
	/* Silence. */
	world_run_until(w, last + SECONDS(14));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 2);
	expect_equal(w, world_sent(w, mark, ALICE, ONLY(KIND_KEEPALIVE), 1)->when,
		     last + SECONDS(14));
	/* A packet received puts it off; so does one sent. */
	world_run_for(w, SECONDS(5));
	mark = world_mark(w);
	world_send(w, BOB, ALICE);
	last = w->now + MILLISECONDS(10);
	world_run_until(w, last + SECONDS(7) - 1);
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	world_send(w, ALICE, BOB);
	last = w->now;
	mark = world_mark(w);
	world_run_until(w, last + SECONDS(7) - 1);
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	world_run_until(w, last + SECONDS(7));
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	world_free(w);
}

/* A packet that fails authentication is no sign of life. */
Test(persistent, is_not_put_off_by_a_forged_packet)
{
	struct world *w = world_new(10, 2);
	struct datagram forged;
	uint64_t last;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(30));
	set_persistent(w, ALICE, BOB, 20);
	last = w->now;
	mark = world_mark(w);
	world_run_for(w, SECONDS(5));
	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, BOB, ALICE);
	forged = world_sent(w, mark, BOB, ONLY(KIND_DATA), 0)->datagram;
	forged.bytes[20] ^= 1;
	world_inject(w, &forged);
	expect_equal(w, w->endpoints[ALICE].verdicts[VERDICT_BAD_TAG], 1);
	world_run_until(w, last + SECONDS(20));
	expect_equal(w, world_sent(w, mark, ALICE, ONLY(KIND_KEEPALIVE), 0)->when,
		     last + SECONDS(20));
	world_free(w);
}

/* A day of silence with one side keeping alive: handshakes every two minutes, and no gap. */
Test(persistent, keeps_a_tunnel_up_for_a_day)
{
	struct world *w = world_new(11, 2);
	const unsigned int day = 24 * 3600;
	uint64_t last = w->now;

	set_persistent(w, ALICE, BOB, 25);
	world_run_for(w, SECONDS(day));
	for (size_t i = 0; i < w->wire.logged; i++) {
		expect(w, w->wire.log[i].when - last <= SECONDS(25));
		last = w->wire.log[i].when;
	}
	expect_equal(w, world_sent_count(w, 0, BOB, ~ONLY(KIND_RESPONSE)), 0);
	/* A session's sixth keepalive, 125 s after it began, asks for the next. */
	expect_between(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), day / 126,
		       day / 125 + 1);
	expect_between(w, world_sent_count(w, 0, ALICE, ONLY(KIND_KEEPALIVE)), day / 26,
		       day / 25 + day / 125);
	world_free(w);
}

/* Giving up is not for ever when the user asked for a tunnel that stays up. */
Test(persistent, finds_a_peer_that_comes_back_after_an_hour)
{
	struct world *w = world_new(12, 2);

	w->wire.drop[ALICE] = EVERYTHING;
	set_persistent(w, ALICE, BOB, 25);
	world_run_for(w, SECONDS(3600));
	w->wire.drop[ALICE] = 0;
	/* A retry comes within 5.333 s, a first one after giving up within 25 s. */
	world_run_for(w, SECONDS(26));
	expect(w, world_peer(w, ALICE, BOB)->sending);
	expect(w, world_peer(w, BOB, ALICE)->sending);
	world_free(w);
}
