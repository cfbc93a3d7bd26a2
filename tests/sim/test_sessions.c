// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_sessions.c - from one session to the next: which is sent with, which still receive, what
 * waits meanwhile (WireGuard paper 6.3, 6.4; kernel: noise.c, send.c).
 */
#include "forge.h"

/* Alice makes a new session. Not within 5 s of the last. */
static void make_session(struct world *w)
{
	struct sim_peer *bob = world_peer(w, ALICE, BOB);
	uint32_t before = bob->sending->index;
	unsigned int drop = w->wire.drop[ALICE];

	/* What makes her do it must not get to Bob: his replay window would leave all else behind. */
	bob->sending->sending_counter = UINT64_C(1) << 60;
	w->wire.drop[ALICE] |= ONLY(KIND_DATA);
	world_send(w, ALICE, BOB);
	w->wire.drop[ALICE] = drop;
	world_run_for(w, MILLISECONDS(100));
	expect(w, bob->sending->index != before);
}

/* What Alice sends now is kept off the wire and handed over by a later inject(). */
static size_t hold_back(struct world *w, size_t *payload)
{
	size_t mark = world_mark(w);

	w->wire.drop[ALICE] = ONLY(KIND_DATA);
	*payload = world_send(w, ALICE, BOB);
	w->wire.drop[ALICE] = 0;
	return mark;
}

static void expect_same_session(struct world *w)
{
	const struct index_slot *alice = world_peer(w, ALICE, BOB)->sending;
	const struct index_slot *bob = world_peer(w, BOB, ALICE)->sending;

	expect(w, alice && bob);
	expect_equal(w, alice->remote_index, bob->index);
	expect_equal(w, bob->remote_index, alice->index);
	expect(w, alice->i_am_the_initiator != bob->i_am_the_initiator);
	expect(w, !memcmp(&alice->sending_key, &bob->receiving_key, sizeof(alice->sending_key)));
	expect(w, !memcmp(&bob->sending_key, &alice->receiving_key, sizeof(bob->sending_key)));
	expect(w, memcmp(&alice->sending_key, &bob->sending_key, sizeof(alice->sending_key)));
}

Test(session, both_ends_have_the_same_keys)
{
	struct world *w = world_new(1, 2);

	world_establish(w);
	expect_same_session(w);
	world_free(w);
}

/* The initiator has it with the response, the responder with the first packet. */
Test(session, the_time_of_the_last_handshake_is_when_it_was_completed)
{
	struct world *w = world_new(1, 2);
	uint64_t start = w->now;

	world_send(w, ALICE, BOB);
	world_run_for(w, MILLISECONDS(19));
	expect_equal(w, world_peer(w, ALICE, BOB)->peer.last_handshake_completed, 0);
	world_run_for(w, SECONDS(10));
	expect_equal(w, world_peer(w, ALICE, BOB)->peer.last_handshake_completed,
		     start + MILLISECONDS(20));
	expect_equal(w, world_peer(w, BOB, ALICE)->peer.last_handshake_completed,
		     start + MILLISECONDS(30));
	world_free(w);
}

Test(session, initiator_confirms_with_what_is_staged)
{
	struct world *w = world_new(2, 2);
	uint64_t start = w->now;

	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	/* The answer is there after 20 ms; no keepalive, since there is data. */
	expect_equal(w, world_sent(w, 0, ALICE, TRANSPORT, 0)->when, start + MILLISECONDS(20));
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_DATA)), 1);
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_KEEPALIVE)), 0);
	world_free(w);
}

Test(session, initiator_confirms_with_a_keepalive_when_nothing_is_staged)
{
	struct world *w = world_new(3, 2);
	uint64_t answered;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	make_session(w);
	answered = world_sent(w, mark, BOB, ONLY(KIND_RESPONSE), 0)->when + MILLISECONDS(10);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	expect_equal(w, world_sent(w, mark, ALICE, ONLY(KIND_KEEPALIVE), 0)->when, answered);
	expect_same_session(w);
	world_free(w);
}

Test(session, responder_sends_no_data_before_the_first_packet)
{
	struct world *w = world_new(4, 2);
	size_t payload;

	w->wire.drop[ALICE] = TRANSPORT;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 1);
	payload = world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(3));
	expect_equal(w, world_sent_count(w, 0, BOB, TRANSPORT), 0);
	expect_equal(w, world_peer(w, BOB, ALICE)->stage.count, 1);

	/* Alice's next packet confirms, and what waited leaves with it. */
	w->wire.drop[ALICE] = 0;
	world_send(w, ALICE, BOB);
	world_run_for(w, MILLISECONDS(20));
	expect(w, world_delivered(w, payload));
	expect_same_session(w);
	world_free(w);
}

Test(session, responder_keeps_to_the_old_session_until_the_new_is_confirmed)
{
	struct world *w = world_new(5, 2);
	struct index_slot *old;
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	old = world_peer(w, BOB, ALICE)->sending;
	w->wire.drop[ALICE] = TRANSPORT;
	make_session(w);
	mark = world_mark(w);
	expect(w, world_peer(w, BOB, ALICE)->peer.sessions.next.exists);
	expect(w, world_peer(w, BOB, ALICE)->sending == old);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, w->payload_count - 1));
	expect_equal(w, load_le32(world_sent(w, mark, BOB, ONLY(KIND_DATA), 0)->datagram.bytes + 4),
		     old->remote_index);

	w->wire.drop[ALICE] = 0;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_peer(w, BOB, ALICE)->sending != old);
	expect_same_session(w);
	world_free(w);
}

Test(session, a_packet_delayed_across_a_rekey_arrives)
{
	struct world *w = world_new(6, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = hold_back(w, &payload);
	make_session(w);
	world_run_for(w, SECONDS(10));
	expect_equal(w, inject(w, BOB, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 0)->datagram),
		     VERDICT_DELIVERED);
	expect(w, world_delivered(w, payload));
	/* It was no step back. */
	expect_same_session(w);
	world_free(w);
}

Test(session, the_old_session_receives_while_the_next_is_unconfirmed)
{
	struct world *w = world_new(7, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = hold_back(w, &payload);
	w->wire.drop[ALICE] = TRANSPORT;
	make_session(w);
	expect(w, world_peer(w, BOB, ALICE)->peer.sessions.next.exists);
	inject(w, BOB, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 0)->datagram);
	expect(w, world_delivered(w, payload));
	/* A packet of the old session confirms nothing. */
	expect(w, world_peer(w, BOB, ALICE)->peer.sessions.next.exists);
	world_free(w);
}

Test(session, initiators_old_session_receives_after_a_rekey)
{
	struct world *w = world_new(8, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	w->wire.drop[BOB] = ONLY(KIND_DATA);
	payload = world_send(w, BOB, ALICE);
	w->wire.drop[BOB] = 0;
	make_session(w);
	inject(w, ALICE, &world_sent(w, mark, BOB, ONLY(KIND_DATA), 0)->datagram);
	expect(w, world_delivered(w, payload));
	world_free(w);
}

Test(session, the_session_before_the_last_is_gone)
{
	struct world *w = world_new(9, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = hold_back(w, &payload);
	make_session(w);
	world_run_for(w, SECONDS(20));
	make_session(w);
	expect_equal(w, inject(w, BOB, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 0)->datagram),
		     VERDICT_UNKNOWN_INDEX);
	expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 2);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
	world_free(w);
}

Test(session, packets_arrive_in_any_order)
{
	struct world *w = world_new(10, 2);
	const unsigned int count = 1000;
	size_t mark;

	world_establish(w);
	mark = world_mark(w);
	w->wire.drop[ALICE] = EVERYTHING;
	for (unsigned int i = 0; i < count; i++)
		world_send(w, ALICE, BOB);
	for (unsigned int i = count; i; i--) {
		const struct sent *sent = &w->wire.log[mark + i - 1];

		expect_equal(w, inject(w, BOB, &sent->datagram), VERDICT_DELIVERED);
	}
	expect_equal(w, w->delivered_count, count + 1);
	world_free(w);
}

Test(session, a_repeated_packet_is_refused)
{
	struct world *w = world_new(10, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, inject(w, BOB, &world_sent(w, mark, ALICE, ONLY(KIND_DATA), 0)->datagram),
		     VERDICT_REPLAYED);
	world_free(w);
}

Test(stage, the_128_youngest_wait_and_leave_in_order)
{
	struct world *w = world_new(11, 2);

	w->wire.drop[ALICE] = EVERYTHING;
	for (unsigned int i = 0; i < 200; i++)
		world_send(w, ALICE, BOB);
	expect_equal(w, world_peer(w, ALICE, BOB)->stage.count, 128);
	w->wire.drop[ALICE] = 0;
	world_run_for(w, SECONDS(6));
	for (size_t i = 0; i < 200; i++)
		expect_equal(w, world_delivered(w, i), i >= 72);
	/* In order, and before what came later. */
	world_send(w, ALICE, BOB);
	for (uint64_t n = 0; n < 129; n++) {
		const struct sent *sent = world_sent(w, 0, ALICE, ONLY(KIND_DATA), n);

		expect_equal(w, load_le64(sent->datagram.bytes + 8), n);
	}
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 2);
	world_free(w);
}

/* The data path had no session, and has one by the time the agent reads of it. */
Test(stage, a_request_that_comes_late_sends_and_asks_for_nothing)
{
	struct world *w = world_new(13, 2);
	size_t mark, payload;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	payload = world_stage(w, ALICE, BOB);
	peer_needs_session(&world_peer(w, ALICE, BOB)->peer, w->now);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 1);
	world_free(w);
}

/* Counted by hand: 10 echoes of 84 bytes, padded to 96, in data messages of 128. */
Test(session, ten_pings_are_1372_bytes_in_and_1428_out)
{
	struct world *w = world_new(12, 2);
	const struct sim_peer *bob = world_peer(w, ALICE, BOB);

	for (unsigned int i = 0; i < 10; i++) {
		world_send(w, ALICE, BOB);
		world_run_for(w, MILLISECONDS(50));
		world_send(w, BOB, ALICE);
		world_run_for(w, MILLISECONDS(950));
	}
	expect_equal(w, w->delivered_count, 20);
	expect_equal(w, bob->rx_bytes, 92 + 10 * 128);
	expect_equal(w, bob->tx_bytes, 148 + 10 * 128);
	world_free(w);
}
