// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_config.c - what the user changes while the tunnel is in use: keys, peers, up and down.
 */
#include "forge.h"

static void new_private_key(struct world *w, enum who who)
{
	uint8_t private_key[NOISE_PUBLIC_KEY_LENGTH];

	world_random_bytes(w, private_key, sizeof(private_key));
	endpoint_set_private_key(&w->endpoints[who], private_key);
}

Test(config, a_new_private_key_stops_the_sessions_at_once)
{
	struct world *w = world_new(1, 2);
	size_t mark, underway, payload;

	world_establish(w);
	mark = world_mark(w);
	underway = world_send(w, BOB, ALICE);
	new_private_key(w, ALICE);
	payload = world_send(w, ALICE, BOB);
	/* Not one packet more, and an introduction without waiting for the last handshake's 5 s. */
	expect_equal(w, world_sent_count(w, mark, ALICE, TRANSPORT), 0);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 1);
	world_run_for(w, SECONDS(1));
	/* What was on its way is received. */
	expect(w, world_delivered(w, underway));
	expect_equal(w, w->endpoints[BOB].verdicts[VERDICT_UNKNOWN_PEER], 1);

	endpoint_remove_peer(world_peer(w, BOB, ALICE));
	endpoint_add_peer(&w->endpoints[BOB], &w->endpoints[ALICE]);
	world_run_for(w, SECONDS(5));
	expect(w, world_delivered(w, payload));
	world_free(w);
}

Test(config, a_new_private_key_voids_the_handshake_under_way)
{
	struct world *w = world_new(2, 2);
	struct datagram response;

	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	response = world_sent(w, 0, BOB, ONLY(KIND_RESPONSE), 0)->datagram;
	new_private_key(w, ALICE);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);
	expect(w, inject(w, ALICE, &response) != VERDICT_DELIVERED);
	world_free(w);
}

Test(config, without_a_private_key_there_is_silence)
{
	static const uint8_t none[NOISE_PUBLIC_KEY_LENGTH];
	struct world *w = world_new(3, 2);
	size_t mark;

	world_establish(w);
	mark = world_mark(w);
	endpoint_set_private_key(&w->endpoints[ALICE], none);
	world_send(w, ALICE, BOB);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(600));
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	expect(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)) > 0);
	world_free(w);
}

Test(config, persistent_keepalive_begins_when_the_private_key_comes_later)
{
	static const uint8_t none[NOISE_PUBLIC_KEY_LENGTH];
	struct world *w = world_new(4, 2);
	uint8_t private_key[NOISE_PUBLIC_KEY_LENGTH];

	memcpy(private_key, w->endpoints[ALICE].private_key, sizeof(private_key));
	endpoint_set_private_key(&w->endpoints[ALICE], none);
	peer_set_persistent_keepalive(&world_peer(w, ALICE, BOB)->peer, 25, w->now);
	world_run_for(w, SECONDS(2));
	expect_equal(w, w->wire.logged, 0);
	endpoint_set_private_key(&w->endpoints[ALICE], private_key);
	world_run_for(w, SECONDS(1));
	expect(w, world_peer(w, BOB, ALICE)->sending);
	world_free(w);
}

static void set_preshared_key(struct world *w, enum who of, enum who to, uint8_t first)
{
	const uint8_t preshared_key[NOISE_SYMMETRIC_KEY_LENGTH] = {first};

	peer_set_preshared_key(&world_peer(w, of, to)->peer, preshared_key);
}

Test(config, a_new_preshared_key_is_the_next_handshakes)
{
	struct world *w = world_new(5, 2);
	uint64_t birth = world_establish(w);
	const struct index_slot *session = world_peer(w, ALICE, BOB)->sending;
	size_t payload;

	set_preshared_key(w, ALICE, BOB, 1);
	world_send(w, ALICE, BOB);
	world_run_until(w, birth + SECONDS(119));
	expect_equal(w, w->delivered_count, 2);

	/* Bob still has the old one: the handshake fails and the old session goes on. */
	world_run_until(w, birth + SECONDS(120));
	payload = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, w->endpoints[ALICE].verdicts[VERDICT_BAD_HANDSHAKE], 1);
	expect(w, world_peer(w, ALICE, BOB)->sending == session);
	expect(w, world_delivered(w, payload));

	set_preshared_key(w, BOB, ALICE, 1);
	world_run_for(w, SECONDS(5));
	expect(w, world_peer(w, ALICE, BOB)->sending != session);
	expect_equal(w, world_peer(w, ALICE, BOB)->sending->remote_index,
		     world_peer(w, BOB, ALICE)->sending->index);
	world_free(w);
}

/* All that can be on its way or due at that moment: data, handshake, staged packets, keepalive. */
Test(config, after_a_peer_was_removed_nothing_happens_for_it)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct world *w = world_new(seed, 2);
		struct sim_peer *bob = world_peer(w, ALICE, BOB);
		uint8_t shared[NOISE_PUBLIC_KEY_LENGTH];
		size_t mark;

		set_preshared_key(w, ALICE, BOB, 7);
		set_preshared_key(w, BOB, ALICE, 7);
		peer_set_persistent_keepalive(&bob->peer, 3, w->now);
		peer_needs_session(&bob->peer, w->now);
		memcpy(shared, bob->peer.handshake.static_static, sizeof(shared));
		expect(w, shared[0] || shared[1]);
		expect(w, memmem(&bob->peer, sizeof(bob->peer), shared, sizeof(shared)));
		for (uint64_t end = w->now + SECONDS(seed * 5); w->now < end;) {
			world_send(w, ALICE, BOB);
			world_run_for(w, world_random(w) % MILLISECONDS(3000));
			world_send(w, BOB, ALICE);
		}
		endpoint_remove_peer(bob);
		mark = world_mark(w);
		expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);
		expect_equal(w, bob->stage.count, 0);
		expect_equal(w, peer_next_deadline(&bob->peer), TIMERS_NEVER);
		expect(w, !memmem(&bob->peer, sizeof(bob->peer), shared, sizeof(shared)));
		expect_equal(w, bob->peer.handshake.preshared_key[0], 0);
		world_send(w, BOB, ALICE);
		world_run_for(w, SECONDS(1000));
		expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
		world_free(w);
	}
}

Test(config, removing_one_peer_leaves_the_other_alone)
{
	struct world *w = world_new(6, 3);
	size_t payload;

	world_establish(w);
	world_send(w, CAROL, ALICE);
	world_run_for(w, SECONDS(1));
	endpoint_remove_peer(world_peer(w, ALICE, BOB));
	payload = world_send(w, ALICE, CAROL);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 1);
	world_free(w);
}

Test(config, a_stopped_peer_is_silent_and_starts_afresh)
{
	struct world *w = world_new(7, 2);
	struct sim_peer *bob = world_peer(w, ALICE, BOB);
	size_t mark, payload;

	world_establish(w);
	world_send(w, BOB, ALICE);
	world_send(w, ALICE, BOB);
	endpoint_stop_peer(bob);
	mark = world_mark(w);
	world_run_for(w, SECONDS(1));
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(60));
	expect(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)) > 0);
	expect_equal(w, world_sent_count(w, mark, ALICE, EVERYTHING), 0);
	expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 0);
	expect_equal(w, bob->deadline, TIMERS_NEVER);

	peer_start(&bob->peer, w->now);
	payload = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
	world_free(w);
}

Test(config, a_stopped_peer_forgets_what_is_staged)
{
	struct world *w = world_new(8, 2);
	size_t staged, later;

	w->wire.drop[ALICE] = EVERYTHING;
	staged = world_send(w, ALICE, BOB);
	endpoint_stop_peer(world_peer(w, ALICE, BOB));
	expect_equal(w, world_peer(w, ALICE, BOB)->stage.count, 0);
	w->wire.drop[ALICE] = 0;
	peer_start(&world_peer(w, ALICE, BOB)->peer, w->now);
	later = world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(10));
	expect(w, world_delivered(w, later));
	expect(w, !world_delivered(w, staged));
	world_free(w);
}
