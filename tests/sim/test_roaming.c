// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_roaming.c - which messages move a peer's endpoint: authentic ones, and of those not the
 * cookie reply, which proves nothing about where it comes from (WireGuard paper 2.1, 6.6).
 */
#include "forge.h"

static void expect_alice_at(struct world *w, const struct cookie_source *address)
{
	expect(w, wire_same_address(&world_peer(w, BOB, ALICE)->address, address));
}

static struct cookie_source move(struct world *w, enum who who)
{
	struct cookie_source before = w->endpoints[who].address;

	w->endpoints[who].address = wire_address(99, 4242);
	return before;
}

Test(roaming, by_initiation)
{
	struct world *w = world_new(1, 2);

	world_peer(w, BOB, ALICE)->has_address = false;
	w->wire.drop[ALICE] = TRANSPORT;
	move(w, ALICE);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_peer(w, BOB, ALICE)->has_address);
	expect_alice_at(w, &w->endpoints[ALICE].address);
	/* The answer found her. */
	expect(w, world_peer(w, ALICE, BOB)->sending);
	world_free(w);
}

Test(roaming, by_response)
{
	struct world *w = world_new(2, 2);

	world_send(w, ALICE, BOB);
	world_run_for(w, MILLISECONDS(5));
	/* The initiation is on its way to where Bob was; a relay takes it on. */
	move(w, BOB);
	world_run_for(w, MILLISECONDS(5));
	w->wire.log[0].datagram.to = w->endpoints[BOB].address;
	world_inject(w, &w->wire.log[0].datagram);
	world_run_for(w, SECONDS(1));
	expect(w,
	       wire_same_address(&world_peer(w, ALICE, BOB)->address, &w->endpoints[BOB].address));
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

Test(roaming, by_data_and_to_ipv6)
{
	struct world *w = world_new(3, 2);
	struct cookie_source sixth = {
		.address = {0x20, 0x01, 0x0d, 0xb8, 1},
		.address_length = 16,
		.port = {1, 2},
	};

	world_establish(w);
	w->endpoints[ALICE].address = sixth;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_alice_at(w, &sixth);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	expect_equal(w, w->delivered_count, 3);
	world_free(w);
}

Test(roaming, by_keepalive)
{
	struct world *w = world_new(4, 2);
	size_t mark;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	mark = world_mark(w);
	world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(1));
	move(w, ALICE);
	world_run_for(w, SECONDS(10));
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_KEEPALIVE)), 1);
	expect_alice_at(w, &w->endpoints[ALICE].address);
	world_free(w);
}

Test(roaming, not_by_a_replayed_message_of_any_kind)
{
	struct world *w = world_new(5, 2);
	struct cookie_source home = w->endpoints[ALICE].address;
	struct cookie_source bobs = w->endpoints[BOB].address;

	world_establish(w);
	world_run_for(w, SECONDS(20));
	for (size_t i = 0; i < w->wire.logged; i++) {
		struct datagram replayed = w->wire.log[i].datagram;

		replayed.from = wire_address(66, 666);
		world_inject(w, &replayed);
	}
	expect_alice_at(w, &home);
	expect(w, wire_same_address(&world_peer(w, ALICE, BOB)->address, &bobs));
	world_free(w);
}

Test(roaming, not_by_a_forged_message_of_any_kind)
{
	struct world *w = world_new(6, 2);
	struct cookie_source home = w->endpoints[ALICE].address;
	struct cookie_source bobs = w->endpoints[BOB].address;

	w->wire.drop[ALICE] = EVERYTHING;
	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, ALICE, BOB);
	for (size_t n = 0; n < 4; n++) {
		struct datagram real = w->wire.log[n].datagram;

		/* Every bit in turn, from elsewhere; then the message itself. */
		for (size_t bit = 0; bit < 8 * real.length; bit++) {
			struct datagram forged = real;
			uint64_t delivered = w->delivered_count;

			forged.from = wire_address(66, 666);
			forged.bytes[bit / 8] ^= 1u << (bit % 8);
			/* mac2 is not looked at without load: see cookies::without_load_mac2_is_ignored */
			if (n < 2 && bit / 8 >= real.length - COOKIE_LENGTH)
				break;
			world_inject(w, &forged);
			expect_equal(w, w->delivered_count, delivered);
			expect_alice_at(w, &home);
			expect(w, wire_same_address(&world_peer(w, ALICE, BOB)->address, &bobs));
		}
		world_inject(w, &real);
		if (n == 2)
			world_send(w, BOB, ALICE);
	}
	expect_equal(w, w->delivered_count, 2);
	world_free(w);
}

/* The cookie is taken all the same. */
Test(roaming, not_by_a_cookie_reply)
{
	struct world *w = world_new(7, 2);
	struct cookie_source bobs = w->endpoints[BOB].address;
	struct datagram reply;

	w->endpoints[BOB].under_load = true;
	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	reply = world_sent(w, 0, BOB, ONLY(KIND_COOKIE), 0)->datagram;
	reply.from = wire_address(66, 666);
	expect_equal(w, inject(w, ALICE, &reply), VERDICT_DELIVERED);
	expect(w, wire_same_address(&world_peer(w, ALICE, BOB)->address, &bobs));
	world_free(w);
}

Test(roaming, a_peer_without_endpoint_waits_to_be_found)
{
	struct world *w = world_new(8, 2);
	size_t payload;

	world_peer(w, BOB, ALICE)->has_address = false;
	payload = world_send(w, BOB, ALICE);
	world_run_for(w, SECONDS(8));
	expect_equal(w, w->wire.logged, 0);
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect(w, world_delivered(w, payload));
	world_free(w);
}
