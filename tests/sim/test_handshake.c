// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_handshake.c - handshakes that cross, come late, come twice, come too often or come from
 * somebody else, and clocks that step (WireGuard paper 5.1, 5.4; kernel: noise.c).
 */
#include "forge.h"

/* Each is answered, and both sides send with the same one in the end. More of that is in test_crossed.c. */
Test(handshake, initiations_that_cross_end_in_one_session_at_once)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct world *w = world_new(seed, 2);
		const struct index_slot *alice, *bob;

		w->wire.delay = MILLISECONDS(1) + world_random(w) % MILLISECONDS(100);
		world_send(w, ALICE, BOB);
		world_run_for(w, world_random(w) % w->wire.delay);
		world_send(w, BOB, ALICE);
		world_run_for(w, 5 * w->wire.delay);
		expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_RESPONSE)), 1);
		expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_RESPONSE)), 1);
		alice = world_peer(w, ALICE, BOB)->sending;
		bob = world_peer(w, BOB, ALICE)->sending;
		expect(w, alice && bob);
		expect_equal(w, alice->remote_index, bob->index);
		expect_equal(w, bob->remote_index, alice->index);
		expect_equal(w, w->delivered_count, 2);
		world_free(w);
	}
}

/* Holds back Bob's response to Alice's first initiation; the way there takes 10 ms. */
static struct datagram late_response(struct world *w)
{
	w->wire.drop[BOB] = ONLY(KIND_RESPONSE);
	world_send(w, ALICE, BOB);
	world_run_for(w, MILLISECONDS(100));
	return world_sent(w, 0, BOB, ONLY(KIND_RESPONSE), 0)->datagram;
}

Test(handshake, a_response_is_good_after_4_9_s)
{
	struct world *w = world_new(1, 2);
	struct datagram response = late_response(w);

	world_run_for(w, MILLISECONDS(4800));
	expect_equal(w, inject(w, ALICE, &response), VERDICT_DELIVERED);
	world_run_for(w, MILLISECONDS(10));
	expect_equal(w, w->delivered_count, 1);
	/* And not a second time. */
	expect(w, inject(w, ALICE, &response) != VERDICT_DELIVERED);
	world_free(w);
}

Test(handshake, a_response_to_an_initiation_before_the_last_is_refused)
{
	struct world *w = world_new(2, 2);
	struct datagram response = late_response(w);

	world_run_for(w, MILLISECONDS(5300));
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 2);
	expect_equal(w, inject(w, ALICE, &response), VERDICT_UNKNOWN_INDEX);
	expect(w, !world_peer(w, ALICE, BOB)->sending);
	world_free(w);
}

Test(handshake, a_thousand_garbage_responses_do_not_disturb)
{
	struct world *w = world_new(3, 2);
	struct datagram response = late_response(w);
	uint32_t index = load_le32(response.bytes + 8);
	struct datagram garbage;
	struct forger forger;
	uint8_t nobody[NOISE_PUBLIC_KEY_LENGTH] = {1};
	size_t mark = world_mark(w);

	forger_init(&forger, w, nobody, ALICE);
	for (unsigned int i = 0; i < 1000; i++) {
		garbage = forge_response(&forger, index);
		if (i % 4 == 1) {
			/* The real one with one bit changed, and a mac1 that is right again. */
			memcpy(garbage.bytes, response.bytes, 60);
			garbage.bytes[12 + i / 4 % 48] ^= 1u << (i % 8);
			cookie_add_macs(&forger.cookie_maker, garbage.bytes, 92, w->now);
		} else if (i % 4 == 2) {
			garbage.bytes[70] ^= 1;
		}
		expect_equal(w, inject(w, ALICE, &garbage),
			     i % 4 == 2 ? VERDICT_BAD_MAC1 : VERDICT_BAD_HANDSHAKE);
	}
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	expect_equal(w, world_peer(w, ALICE, BOB)->rx_bytes, 0);
	expect_equal(w, inject(w, ALICE, &response), VERDICT_DELIVERED);
	expect_equal(w, world_peer(w, ALICE, BOB)->rx_bytes, 92);
	world_run_for(w, MILLISECONDS(10));
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

/* Both want to talk, and none of these kinds of message arrives. */
static void initiate_for(struct world *w, uint64_t duration, unsigned int drop)
{
	uint64_t end = w->now + duration;

	w->wire.drop[ALICE] = drop;
	w->wire.drop[BOB] = drop;
	while (w->now < end) {
		world_send(w, ALICE, BOB);
		world_run_for(w, MILLISECONDS(900));
		world_send(w, BOB, ALICE);
		world_run_for(w, MILLISECONDS(800));
	}
	w->wire.drop[ALICE] = 0;
	w->wire.drop[BOB] = 0;
}

/* endpoint.c checks after each event that no index is held that no slot or handshake accounts for. */
Test(handshake, a_thousand_initiations_each_way_leak_no_index)
{
	struct world *w = world_new(4, 2);
	size_t mark, payload;

	/* None arrives; then they arrive and are answered, and no answer arrives. */
	initiate_for(w, SECONDS(5200), EVERYTHING);
	expect_between(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 1000, 1040);
	expect_between(w, world_sent_count(w, 0, BOB, ONLY(KIND_INITIATION)), 1000, 1040);
	mark = world_mark(w);
	initiate_for(w, SECONDS(5200), ONLY(KIND_RESPONSE));
	expect(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)) +
				  world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)) >=
			  1000);
	payload = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(12));
	expect(w, world_delivered(w, payload));
	expect(w, endpoint_indices(&w->endpoints[ALICE], NULL) <= 4);
	endpoint_remove_peer(world_peer(w, ALICE, BOB));
	endpoint_remove_peer(world_peer(w, BOB, ALICE));
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);
	expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 0);
	world_free(w);
}

/* A peer that keeps to no timer: each initiation is answered and voids the session before it. */
Test(handshake, a_thousand_answered_initiations_in_a_row_hold_two_indices)
{
	struct world *w = world_new(5, 2);
	struct forger forger;

	world_establish(w);
	forger_init(&forger, w, w->endpoints[ALICE].private_key, BOB);
	for (unsigned int i = 0; i < 1000; i++) {
		struct datagram initiation = forge_initiation(&forger);

		expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
		/* The session in use, and the one nobody confirmed. */
		expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 2);
		world_run_for(w, MILLISECONDS(20));
	}
	expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_RESPONSE)), 1001);
	world_free(w);
}

Test(handshake, initiations_of_a_peer_are_20_ms_apart)
{
	struct world *w = world_new(6, 3);
	struct forger alice, carol;
	struct datagram initiation;

	forger_init(&alice, w, w->endpoints[ALICE].private_key, BOB);
	forger_init(&carol, w, w->endpoints[CAROL].private_key, BOB);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_run_for(w, MILLISECONDS(20) - 1);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_INITIATION_FLOOD);
	/* Somebody else is somebody else. */
	initiation = forge_initiation(&carol);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_run_for(w, 1);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_RESPONSE)), 3);
	world_free(w);
}

Test(handshake, a_replayed_initiation_is_refused_for_ever)
{
	struct world *w = world_new(7, 2);
	struct datagram first;
	size_t mark;

	world_establish(w);
	first = world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 0)->datagram;
	mark = world_mark(w);
	for (unsigned int i = 0; i < 10; i++) {
		world_run_for(w, SECONDS(100));
		expect_equal(w, inject(w, BOB, &first), VERDICT_REPLAYED_INITIATION);
	}
	expect_equal(w, world_sent_count(w, mark, BOB, ~TRANSPORT), 0);
	world_free(w);
}

Test(handshake, an_initiation_by_nobody_gets_silence)
{
	struct world *w = world_new(8, 2);
	uint8_t nobody[NOISE_PUBLIC_KEY_LENGTH] = {1};
	struct datagram initiation;
	struct forger forger;

	forger_init(&forger, w, nobody, BOB);
	initiation = forge_initiation(&forger);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_UNKNOWN_PEER);
	world_run_for(w, SECONDS(60));
	expect_equal(w, w->wire.logged, 0);
	world_free(w);
}

Test(handshake, without_a_free_index_nothing_is_sent_and_nothing_breaks)
{
	struct world *w = world_new(9, 2);

	w->endpoints[BOB].no_indices = true;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, w->endpoints[BOB].verdicts[VERDICT_NO_INDEX], 1);
	expect_equal(w, world_sent_count(w, 0, BOB, EVERYTHING), 0);
	expect_equal(w, world_peer(w, BOB, ALICE)->peer.handshake.state, HANDSHAKE_ZEROED);
	w->endpoints[BOB].no_indices = false;
	w->endpoints[ALICE].no_indices = true;
	world_run_for(w, SECONDS(11));
	w->endpoints[ALICE].no_indices = false;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, w->delivered_count, 2);
	world_free(w);
}

static void establish_again(struct world *w)
{
	size_t payload;

	/* The session is not refused for its age but forgotten: 540 s. */
	world_run_for(w, SECONDS(600));
	payload = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
}

Test(clock, a_sender_whose_clock_steps_back_an_hour_gets_through)
{
	struct world *w = world_new(10, 2);

	world_establish(w);
	w->endpoints[ALICE].wall_step = -(int64_t)SECONDS(3600);
	establish_again(w);
	/* Again and again, each greater than the last. */
	establish_again(w);
	establish_again(w);
	world_free(w);
}

Test(clock, forward_ten_years_and_back_again)
{
	struct world *w = world_new(11, 2);

	world_establish(w);
	w->endpoints[ALICE].wall_step = SECONDS(10ull * 365 * 24 * 3600);
	establish_again(w);
	w->endpoints[ALICE].wall_step = 0;
	establish_again(w);
	world_free(w);
}

Test(clock, a_receivers_clock_does_not_matter)
{
	struct world *w = world_new(12, 2);

	world_establish(w);
	w->endpoints[BOB].wall_step = SECONDS(10ull * 365 * 24 * 3600);
	establish_again(w);
	w->endpoints[BOB].wall_step = -(int64_t)SECONDS(3600);
	establish_again(w);
	world_free(w);
}
