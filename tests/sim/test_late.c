// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_late.c - an agent that is slow: it reads the data path's notes, or acts on a deadline, some
 * time after it should have. What the protocol times, it times from when things happened.
 */
#include "world.h"

Test(late, timers_run_from_the_packet_and_not_from_the_note)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t start;
		size_t mark;

		world_establish(w);
		world_run_for(w, SECONDS(20));
		w->notes_delay = SECONDS(9);
		mark = world_mark(w);
		start = w->now;
		world_send(w, ALICE, BOB);
		w->wire.drop[BOB] = EVERYTHING;
		world_run_for(w, SECONDS(20));
		expect_equal(w, world_sent(w, mark, BOB, ONLY(KIND_KEEPALIVE), 0)->when,
			     start + SECONDS(10) + MILLISECONDS(10));
		expect_between(w, world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when,
			       start + MILLISECONDS(15000), start + MILLISECONDS(15333));
		world_free(w);
	}
}

/* The packet was sent when the session was due, the note of it is read later: the retry comes five
 * seconds after the initiation all the same, which endpoint.c sees to. */
Test(late, retries_run_from_the_initiation_and_not_from_the_packet)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t birth = world_establish(w);
		size_t mark = world_mark(w);

		world_run_until(w, birth + SECONDS(120));
		w->notes_delay = SECONDS(3);
		w->wire.drop[BOB] = ONLY(KIND_RESPONSE);
		world_send(w, ALICE, BOB);
		world_run_for(w, SECONDS(30));
		expect_between(w, world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when,
			       birth + SECONDS(120), birth + SECONDS(123));
		expect(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)) >= 5);
		world_free(w);
	}
}

/* world.c looks at the deadline after each tick: nothing that is due may be left. Here that is a
 * persistent keepalive after 15 s and a new handshake after 15 s and up to 333 ms. */
Test(late, a_late_tick_does_all_that_is_due)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = world_new(seed, 2);
		size_t mark;

		world_establish(w);
		world_run_for(w, SECONDS(20));
		w->tick_delay = SECONDS(4);
		peer_set_persistent_keepalive(&world_peer(w, ALICE, BOB)->peer, 15, w->now);
		w->wire.drop[BOB] = EVERYTHING;
		mark = world_mark(w);
		world_send(w, ALICE, BOB);
		world_run_for(w, SECONDS(20));
		expect(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)) >= 1);
		expect(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)) >= 1);
		world_free(w);
	}
}
