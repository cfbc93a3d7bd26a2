// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_retry.c - handshakes that are not answered: retried, given up, begun again, and everything
 * wiped in the end (WireGuard paper 6.3, 6.4; the counts are the kernel's).
 */
#include "forge.h"

static uint64_t initiation_gap(struct world *w, size_t mark, unsigned int n)
{
	return world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), n + 1)->when -
	       world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), n)->when;
}

Test(retry, every_5_s_plus_jitter_for_20_initiations_and_then_silence)
{
	uint64_t shortest = UINT64_MAX, longest = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t start = w->now;

		w->wire.drop[ALICE] = EVERYTHING;
		world_send(w, ALICE, BOB);
		world_run_for(w, SECONDS(7200));
		expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 20);
		expect_equal(w, world_sent_count(w, 0, ALICE, EVERYTHING), 20);
		expect_equal(w, world_sent(w, 0, ALICE, EVERYTHING, 0)->when, start);
		for (unsigned int i = 0; i < 19; i++) {
			uint64_t gap = initiation_gap(w, 0, i);

			expect_between(w, gap, MILLISECONDS(5000), MILLISECONDS(5333));
			shortest = gap < shortest ? gap : shortest;
			longest = gap > longest ? gap : longest;
		}
		expect_equal(w, world_peer(w, ALICE, BOB)->source_forgotten, 19);
		world_free(w);
	}
	/* The jitter is spread over all of its range. */
	cr_assert_lt(shortest, MILLISECONDS(5020));
	cr_assert_gt(longest, MILLISECONDS(5313));
}

Test(retry, each_initiation_has_its_own_ephemeral_and_index)
{
	struct world *w = world_new(1, 2);

	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(100));
	for (size_t i = 0; i < w->wire.logged; i++)
		for (size_t j = 0; j < i; j++) {
			const uint8_t *a = w->wire.log[i].datagram.bytes;
			const uint8_t *b = w->wire.log[j].datagram.bytes;

			expect(w, load_le32(a + 4) != load_le32(b + 4));
			expect(w, memcmp(a + 8, b + 8, NOISE_PUBLIC_KEY_LENGTH));
		}
	world_free(w);
}

Test(retry, a_handshake_given_up_takes_the_staged_packets_with_it)
{
	struct world *w = world_new(2, 2);
	size_t lost, later;

	w->wire.drop[ALICE] = EVERYTHING;
	lost = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(120));
	expect_equal(w, world_peer(w, ALICE, BOB)->stage.count, 0);
	w->wire.drop[ALICE] = 0;
	later = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, later));
	expect(w, !world_delivered(w, lost));
	world_free(w);
}

/* The session is young, but out of messages; Bob's responses get lost, his data does not. */
Test(retry, giving_up_cancels_the_passive_keepalive)
{
	struct world *w = world_new(2, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(10));
	mark = world_mark(w);
	w->wire.drop[BOB] = ONLY(KIND_RESPONSE);
	world_peer(w, ALICE, BOB)->sending->sending_counter = UINT64_C(1) << 60;
	world_send(w, ALICE, BOB);
	world_send(w, BOB, ALICE);
	for (unsigned int second = 0; second < 102; second++)
		if (world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)) < 20)
			world_run_for(w, SECONDS(1));
	world_run_for(w, SECONDS(3));
	world_send(w, BOB, ALICE);
	mark = world_mark(w);
	world_run_for(w, SECONDS(12));
	expect(w, world_delivered(w, w->payload_count - 1));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	world_free(w);
}

Test(retry, new_traffic_starts_again_after_giving_up)
{
	struct world *w = world_new(3, 2);
	uint64_t start;
	size_t mark;

	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(200));
	mark = world_mark(w);
	start = w->now;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(3600));
	expect_equal(w, world_sent(w, mark, ALICE, EVERYTHING, 0)->when, start);
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 20);
	world_free(w);
}

/* A packet sent during the retries allows as many again. */
Test(retry, traffic_keeps_a_handshake_going)
{
	struct world *w = world_new(4, 2);
	unsigned int before;

	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(60));
	before = world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION));
	expect_equal(w, before, 12);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(3600));
	expect_between(w, world_sent_count(w, 0, ALICE, EVERYTHING), before + 19, before + 20);
	world_free(w);
}

Test(retry, constant_traffic_initiates_every_5_s_and_not_more_often)
{
	struct world *w = world_new(5, 2);
	unsigned int count;

	w->wire.drop[ALICE] = EVERYTHING;
	for (unsigned int i = 0; i < 6000; i++) {
		world_send(w, ALICE, BOB);
		world_run_for(w, MILLISECONDS(100));
	}
	count = world_sent_count(w, 0, ALICE, EVERYTHING);
	expect_between(w, count, 117, 120);
	for (unsigned int i = 0; i + 1 < count; i++)
		expect_between(w, initiation_gap(w, 0, i), MILLISECONDS(5000), MILLISECONDS(5100));
	world_free(w);
}

Test(retry, new_handshake_15_s_plus_jitter_after_data_that_nothing_followed)
{
	uint64_t shortest = UINT64_MAX, longest = 0;

	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t start, after;
		size_t mark;

		world_establish(w);
		world_run_for(w, SECONDS(20));
		mark = world_mark(w);
		w->wire.drop[BOB] = EVERYTHING;
		start = w->now;
		/* Data that follows does not put it off. */
		for (unsigned int i = 0; i < 15; i++) {
			world_send(w, ALICE, BOB);
			world_run_for(w, SECONDS(1));
		}
		expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 0);
		world_run_for(w, SECONDS(1));
		after = world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)->when - start;
		expect_between(w, after, MILLISECONDS(15000), MILLISECONDS(15333));
		shortest = after < shortest ? after : shortest;
		longest = after > longest ? after : longest;
		world_free(w);
	}
	cr_assert_lt(shortest, MILLISECONDS(15050));
	cr_assert_gt(longest, MILLISECONDS(15283));
}

Test(retry, no_new_handshake_when_anything_came_back)
{
	struct world *w = world_new(6, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	for (unsigned int i = 0; i < 5; i++) {
		/* Bob's only answer is his keepalive after 10 s. */
		world_send(w, ALICE, BOB);
		world_run_for(w, SECONDS(20));
	}
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_KEEPALIVE)), 5);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

/* Bob's data goes unanswered, but Alice initiates: she is there. */
Test(retry, no_new_handshake_when_an_initiation_came)
{
	struct world *w = world_new(6, 2);
	struct datagram initiation;
	struct forger alice;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	w->wire.drop[ALICE] = EVERYTHING;
	mark = world_mark(w);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(5));
	forger_init(&alice, w, w->endpoints[ALICE].private_key, BOB);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_run_for(w, SECONDS(60));
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

/* All that comes back for Alice's data is the response to the initiation that left with it. */
Test(retry, no_new_handshake_when_a_response_came)
{
	struct world *w = world_new(6, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	w->wire.drop[BOB] = TRANSPORT;
	world_peer(w, ALICE, BOB)->sending->sending_counter = UINT64_C(1) << 60;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(60));
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 1);
	world_free(w);
}

Test(retry, an_unanswered_keepalive_starts_no_handshake)
{
	struct world *w = world_new(7, 2);
	size_t mark;

	world_establish(w);
	mark = world_mark(w);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(5));
	w->wire.drop[BOB] = EVERYTHING;
	world_run_for(w, SECONDS(60));
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 0);
	world_free(w);
}

static bool handshake_is_wiped(const struct noise_handshake *handshake)
{
	static const uint8_t zero[NOISE_HASH_LENGTH];

	return handshake->state == HANDSHAKE_ZEROED && !handshake->has_local_index &&
	       !memcmp(handshake->ephemeral_private, zero, sizeof(zero)) &&
	       !memcmp(handshake->remote_ephemeral, zero, sizeof(zero)) &&
	       !memcmp(handshake->hash, zero, sizeof(zero)) &&
	       !memcmp(handshake->chaining_key, zero, sizeof(zero));
}

Test(wipe, a_finished_handshake_leaves_nothing)
{
	struct world *w = world_new(8, 2);

	world_establish(w);
	expect(w, handshake_is_wiped(&world_peer(w, ALICE, BOB)->peer.handshake));
	expect(w, handshake_is_wiped(&world_peer(w, BOB, ALICE)->peer.handshake));
	world_free(w);
}

Test(wipe, sessions_end_540_s_after_the_last_was_made)
{
	struct world *w = world_new(9, 2);
	uint64_t birth;
	size_t payload;

	/* Bob's is 10 ms older, and the second one counts. */
	world_run_until(w, world_establish(w) + SECONDS(130));
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	birth = world_peer(w, ALICE, BOB)->sending->birth;
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
	world_run_until(w, birth + SECONDS(540) - MILLISECONDS(10) - 1);
	expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 2);
	world_run_until(w, birth + SECONDS(540) - MILLISECONDS(10));
	expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 0);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
	world_run_until(w, birth + SECONDS(540) - 1);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
	world_run_until(w, birth + SECONDS(540));
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);

	payload = world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
	world_free(w);
}

Test(wipe, handshake_goes_540_s_after_giving_up)
{
	struct world *w = world_new(10, 2);
	struct sim_peer *peer = world_peer(w, ALICE, BOB);
	uint64_t last;

	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(300));
	last = world_sent(w, 0, ALICE, EVERYTHING, 19)->when;
	/* Given up when the 20th was not answered either. */
	world_run_until(w, last + SECONDS(545) - 1);
	expect_equal(w, peer->peer.handshake.state, HANDSHAKE_CREATED_INITIATION);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 1);
	world_run_until(w, last + SECONDS(545) + MILLISECONDS(333));
	expect(w, handshake_is_wiped(&peer->peer.handshake));
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);
	expect_equal(w, peer->deadline, TIMERS_NEVER);
	world_free(w);
}
