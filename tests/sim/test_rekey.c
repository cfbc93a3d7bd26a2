// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_rekey.c - a session's age and number of messages: who asks for a new one when, and when an
 * old one is refused (WireGuard paper 6.1, 6.2). Times are written out here and not taken from
 * limits.h, which is under test too.
 */
#include "world.h"

Test(rekey, initiator_rekeys_on_send_at_120_s)
{
	struct world *w = world_new(1, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);

	world_run_until(w, birth + SECONDS(120) - 1);
	world_send(w, ALICE, BOB);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 0);
	world_run_until(w, birth + SECONDS(120));
	world_send(w, ALICE, BOB);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 1);

	world_run_for(w, SECONDS(1));
	expect(w, world_peer(w, ALICE, BOB)->sending->birth > birth);
	expect(w, world_peer(w, BOB, ALICE)->sending->birth > birth);
	expect_equal(w, w->delivered_count, 3);
	world_free(w);
}

Test(rekey, responder_does_not_rekey_on_send)
{
	struct world *w = world_new(2, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);

	world_run_until(w, birth + SECONDS(120));
	world_send(w, BOB, ALICE);
	world_run_until(w, birth + SECONDS(125));
	world_send(w, BOB, ALICE);
	/* At 130 s comes Alice's keepalive, see below. */
	world_run_until(w, birth + SECONDS(130));
	expect_equal(w, w->delivered_count, 3);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 0);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

Test(rekey, initiators_keepalive_rekeys_like_data)
{
	struct world *w = world_new(3, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);
	const struct sent *keepalive;

	world_run_until(w, birth + SECONDS(121));
	world_send(w, BOB, ALICE);
	world_run_until(w, birth + SECONDS(135));
	keepalive = world_sent(w, mark, ALICE, ONLY(KIND_KEEPALIVE), 0);
	expect_equal(w, keepalive->when, birth + SECONDS(131) + MILLISECONDS(10));
	expect_equal(w, world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when,
		     keepalive->when);
	world_free(w);
}

Test(rekey, responder_initiates_when_its_session_is_refused_at_180_s)
{
	struct world *w = world_new(4, 2);
	uint64_t birth;
	size_t mark;

	world_establish(w);
	birth = world_peer(w, BOB, ALICE)->sending->birth;
	w->wire.drop[ALICE] = EVERYTHING;
	world_run_until(w, birth + SECONDS(180) - 1);
	mark = world_mark(w);
	world_send(w, BOB, ALICE);
	expect_equal(w, world_sent_count(w, mark, BOB, EVERYTHING), 1);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_DATA)), 1);
	world_run_until(w, birth + SECONDS(180));
	world_send(w, BOB, ALICE);
	expect_equal(w, world_sent_count(w, mark, BOB, EVERYTHING), 2);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 1);
	world_free(w);
}

Test(rekey, initiator_sends_nothing_with_a_session_of_180_s)
{
	struct world *w = world_new(5, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);

	w->wire.drop[BOB] = ONLY(KIND_RESPONSE);
	world_run_until(w, birth + SECONDS(180) - 1);
	world_send(w, ALICE, BOB);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_DATA)), 1);
	world_run_until(w, birth + SECONDS(180));
	world_send(w, ALICE, BOB);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_DATA)), 1);

	w->wire.drop[BOB] = 0;
	world_run_for(w, MILLISECONDS(5400));
	expect(w, world_delivered(w, w->payload_count - 1));
	world_free(w);
}

Test(rekey, a_session_of_180_s_receives_nothing)
{
	struct world *w = world_new(6, 2);
	size_t mark, young, old;
	uint64_t birth;

	world_establish(w);
	birth = world_peer(w, BOB, ALICE)->sending->birth;
	world_run_until(w, birth + SECONDS(100));
	mark = world_mark(w);
	w->wire.drop[ALICE] = EVERYTHING;
	young = world_send(w, ALICE, BOB);
	old = world_send(w, ALICE, BOB);
	world_run_until(w, birth + SECONDS(180) - 1);
	world_inject(w, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 0)->datagram);
	expect(w, world_delivered(w, young));
	world_run_until(w, birth + SECONDS(180));
	world_inject(w, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 1)->datagram);
	expect(w, !world_delivered(w, old));
	expect_equal(w, w->endpoints[BOB].verdicts[VERDICT_EXPIRED], 1);
	world_free(w);
}

/* The way takes 10 ms. */
Test(rekey, initiator_rekeys_on_receive_at_165_s)
{
	struct world *w = world_new(7, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);

	world_run_until(w, birth + SECONDS(165) - MILLISECONDS(10) - 1);
	world_send(w, BOB, ALICE);
	world_run_until(w, birth + SECONDS(165) - 1);
	expect_equal(w, w->delivered_count, 2);
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	world_send(w, BOB, ALICE);
	world_run_until(w, birth + SECONDS(170));
	expect_equal(w, world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when,
		     birth + SECONDS(165) + MILLISECONDS(10) - 1);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 1);
	world_free(w);
}

/*
 * Were it not once, every packet that arrives would ask again, and the second initiation would leave
 * with the first packet after five seconds instead of with the jitter of a retry.
 */
Test(rekey, rekey_on_receive_happens_once_a_session)
{
	uint64_t latest = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t birth = world_establish(w);
		size_t mark = world_mark(w);
		const struct sent *retry;

		w->wire.drop[BOB] = ONLY(KIND_RESPONSE);
		world_run_until(w, birth + SECONDS(165));
		for (unsigned int i = 0; i < 120; i++) {
			world_send(w, BOB, ALICE);
			world_run_for(w, MILLISECONDS(50));
		}
		retry = world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 1);
		if (retry->when - world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when >
		    latest)
			latest = retry->when -
				 world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when;
		world_free(w);
	}
	cr_assert_gt(latest, MILLISECONDS(5200));
}

Test(rekey, every_session_rekeys_on_receive)
{
	struct world *w = world_new(7, 2);
	uint64_t birth = world_establish(w);

	for (unsigned int session = 0; session < 3; session++) {
		world_run_until(w, birth + SECONDS(166));
		world_send(w, BOB, ALICE);
		world_run_for(w, SECONDS(1));
		expect_between(w, world_peer(w, ALICE, BOB)->sending->birth, birth + SECONDS(166),
			       w->now);
		birth = world_peer(w, ALICE, BOB)->sending->birth;
	}
	world_free(w);
}

Test(rekey, responder_does_not_rekey_on_receive)
{
	struct world *w = world_new(8, 2);
	uint64_t birth = world_establish(w);
	size_t mark = world_mark(w);

	w->wire.drop[ALICE] = ONLY(KIND_INITIATION);
	world_run_until(w, birth + SECONDS(166));
	world_send(w, ALICE, BOB);
	world_run_until(w, birth + SECONDS(178));
	expect_equal(w, w->delivered_count, 2);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

Test(rekey, a_busy_hour_has_one_handshake_every_two_minutes)
{
	struct world *w = world_new(9, 2);
	size_t mark = world_mark(w);

	for (unsigned int second = 0; second < 3600; second++) {
		world_send(w, ALICE, BOB);
		world_run_for(w, MILLISECONDS(300));
		world_send(w, BOB, ALICE);
		world_run_for(w, MILLISECONDS(700));
	}
	expect_equal(w, w->delivered_count, w->payload_count);
	/* A session is asked for in the second in which the last is 120 s old. */
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 30);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

static void set_counter(struct world *w, enum who of, enum who to, uint64_t counter)
{
	world_peer(w, of, to)->sending->sending_counter = counter;
}

static void rekeys_after_2_to_60_messages(enum who of, enum who to)
{
	struct world *w = world_new(10, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(10));
	mark = world_mark(w);
	set_counter(w, of, to, (UINT64_C(1) << 60) - 1);
	world_send(w, of, to);
	expect_equal(w, world_sent_count(w, mark, of, ONLY(KIND_INITIATION)), 0);
	world_send(w, of, to);
	expect_equal(w, world_sent_count(w, mark, of, ONLY(KIND_INITIATION)), 1);
	world_run_for(w, SECONDS(1));
	expect(w, world_peer(w, of, to)->sending->sending_counter < 3);
	expect_equal(w, w->delivered_count, 3);
	world_free(w);
}

Test(rekey, initiator_rekeys_after_2_to_60_messages)
{
	rekeys_after_2_to_60_messages(ALICE, BOB);
}

Test(rekey, responder_rekeys_after_2_to_60_messages)
{
	rekeys_after_2_to_60_messages(BOB, ALICE);
}

/* The last counter is 2^64 - 2^13 - 2; the packet after it waits for a new session. */
Test(rekey, counter_ends_at_reject_after_messages)
{
	struct world *w = world_new(11, 2);
	const uint64_t last = UINT64_C(0xffffffffffffdffe);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(10));
	mark = world_mark(w);
	set_counter(w, BOB, ALICE, last);
	w->wire.drop[BOB] = ONLY(KIND_INITIATION);
	world_send(w, BOB, ALICE);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_DATA)), 1);
	expect_equal(w, load_le64(world_sent(w, mark, BOB, ONLY(KIND_DATA), 0)->datagram.bytes + 8),
		     last);
	expect_equal(w, w->delivered_count, 2);

	w->wire.drop[BOB] = 0;
	world_run_for(w, SECONDS(6));
	expect_equal(w, w->delivered_count, 3);
	world_free(w);
}

/* As above, but nobody rekeyed in time: the packet that finds no counter has to ask. */
Test(rekey, a_packet_without_a_counter_asks_for_a_session)
{
	struct world *w = world_new(12, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(10));
	mark = world_mark(w);
	set_counter(w, BOB, ALICE, UINT64_C(0xffffffffffffdfff));
	payload = world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 1);
	expect(w, world_delivered(w, payload));
	world_free(w);
}
