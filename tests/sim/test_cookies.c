// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_cookies.c - the second mac under load: demanded, given, bound to address, port and time, and
 * the rate of those who have one (WireGuard paper 5.3, 5.4.7, 6.6).
 */
#include "forge.h"

static bool has_mac2(const struct sent *sent)
{
	static const uint8_t zero[COOKIE_LENGTH];

	return memcmp(sent->datagram.bytes + sent->datagram.length - COOKIE_LENGTH, zero,
		      COOKIE_LENGTH);
}

static void ask(struct world *w)
{
	world_send(w, ALICE, BOB);
	world_run_for(w, MILLISECONDS(100));
}

/* A forger who holds a cookie of Bob's. */
static void get_cookie(struct world *w, struct forger *forger)
{
	struct datagram initiation = forge_initiation(forger);
	size_t mark = world_mark(w);
	const struct sent *reply;

	expect_equal(w, inject(w, BOB, &initiation), VERDICT_COOKIE_DEMANDED);
	reply = world_sent(w, mark, BOB, ONLY(KIND_COOKIE), 0);
	expect(w, wire_same_address(&reply->datagram.to, &forger->address));
	expect(w, cookie_consume_reply(&forger->cookie_maker, (const void *)reply->datagram.bytes,
				       w->now));
}

Test(cookies, a_loaded_responder_answers_with_a_cookie_and_then_the_retry)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct world *w = world_new(seed, 2);
		uint64_t start = w->now;
		const struct sent *retry;

		w->endpoints[BOB].under_load = true;
		world_send(w, ALICE, BOB);
		/* The cookie makes nobody send again. */
		world_run_for(w, MILLISECONDS(4999));
		expect_equal(w, w->wire.logged, 2);
		expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_COOKIE)), 1);
		expect(w, !has_mac2(world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 0)));

		world_run_for(w, SECONDS(1));
		retry = world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 1);
		expect_between(w, retry->when - start, MILLISECONDS(5000), MILLISECONDS(5333));
		expect(w, has_mac2(retry));
		expect_equal(w, w->delivered_count, 1);
		expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_COOKIE)), 1);
		world_free(w);
	}
}

Test(cookies, a_loaded_initiator_demands_one_for_the_response)
{
	struct world *w = world_new(1, 2);

	w->endpoints[ALICE].under_load = true;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_COOKIE)), 1);
	expect_equal(w, w->endpoints[BOB].verdicts[VERDICT_DELIVERED], 2);
	expect(w, !world_peer(w, ALICE, BOB)->sending);
	world_run_for(w, SECONDS(5));
	expect(w, has_mac2(world_sent(w, 0, BOB, ONLY(KIND_RESPONSE), 1)));
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

Test(cookies, both_loaded_need_a_retry_each)
{
	struct world *w = world_new(2, 2);

	w->endpoints[ALICE].under_load = true;
	w->endpoints[BOB].under_load = true;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(11));
	expect_equal(w, world_sent_count(w, 0, ALICE, ONLY(KIND_INITIATION)), 3);
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

Test(cookies, without_load_mac2_is_ignored)
{
	struct world *w = world_new(3, 2);
	struct datagram initiation;

	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	initiation = world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 0)->datagram;
	world_random_bytes(w, initiation.bytes + initiation.length - COOKIE_LENGTH, COOKIE_LENGTH);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_free(w);
}

Test(cookies, a_bad_mac1_gets_silence_even_under_load)
{
	struct world *w = world_new(4, 2);
	struct datagram initiation;

	w->endpoints[BOB].under_load = true;
	w->wire.drop[ALICE] = EVERYTHING;
	world_send(w, ALICE, BOB);
	initiation = world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 0)->datagram;
	initiation.bytes[initiation.length - COOKIE_LENGTH - 1] ^= 1;
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_BAD_MAC1);
	expect_equal(w, world_sent_count(w, 0, BOB, EVERYTHING), 0);
	world_free(w);
}

static void moved_between_cookie_and_retry(struct cookie_source to)
{
	struct world *w = world_new(5, 2);

	w->endpoints[BOB].under_load = true;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	w->endpoints[ALICE].address = to;
	/* The cookie is no good from here, but is answered with one that is. */
	world_run_for(w, SECONDS(5));
	expect(w, has_mac2(world_sent(w, 0, ALICE, ONLY(KIND_INITIATION), 1)));
	expect_equal(w, world_sent_count(w, 0, BOB, ONLY(KIND_COOKIE)), 2);
	expect_equal(w, w->delivered_count, 0);
	world_run_for(w, SECONDS(5));
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

Test(cookies, are_bound_to_the_port)
{
	moved_between_cookie_and_retry(wire_address(ALICE + 1, 51821));
}

Test(cookies, are_bound_to_the_address)
{
	moved_between_cookie_and_retry(wire_address(99, 51820));
}

/* Alice got hers 10 ms after Bob made it. Each attempt ends with Bob having answered. */
Test(cookies, are_used_for_115_s)
{
	struct world *w = world_new(6, 2);
	uint64_t got;
	size_t mark;

	w->endpoints[BOB].under_load = true;
	w->wire.drop[BOB] = ~ONLY(KIND_COOKIE);
	ask(w);
	got = world_sent(w, 0, BOB, ONLY(KIND_COOKIE), 0)->when + MILLISECONDS(10);
	w->wire.drop[BOB] = EVERYTHING;
	/* Beyond the handshake given up: nothing is sent but what is asked for. */
	world_run_until(w, got + SECONDS(115));
	mark = world_mark(w);
	ask(w);
	expect(w, has_mac2(world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)));
	world_free(w);

	w = world_new(6, 2);
	w->endpoints[BOB].under_load = true;
	w->wire.drop[BOB] = ~ONLY(KIND_COOKIE);
	ask(w);
	w->wire.drop[BOB] = EVERYTHING;
	world_run_until(w, got + SECONDS(115) + 1);
	mark = world_mark(w);
	ask(w);
	expect(w, !has_mac2(world_sent(w, mark, ALICE, ONLY(KIND_INITIATION), 0)));
	world_free(w);
}

/* The secret is 60 s older than this cookie. */
Test(cookies, end_with_the_secret_after_120_s)
{
	struct world *w = world_new(7, 3);
	struct forger carol, alice;
	struct datagram initiation;
	uint64_t birth = w->now;

	w->endpoints[BOB].under_load = true;
	forger_init(&carol, w, w->endpoints[CAROL].private_key, BOB);
	forger_init(&alice, w, w->endpoints[ALICE].private_key, BOB);
	get_cookie(w, &carol);
	world_run_for(w, SECONDS(60));
	get_cookie(w, &alice);
	world_run_until(w, birth + SECONDS(120) - 1);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_run_until(w, birth + SECONDS(120) + 1);
	world_run_for(w, MILLISECONDS(20));
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_COOKIE_DEMANDED);
	/* The new one is good. */
	get_cookie(w, &alice);
	initiation = forge_initiation(&alice);
	expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
	world_free(w);
}

Test(cookies, a_reply_is_taken_once_and_only_for_the_last_message)
{
	struct world *w = world_new(8, 2);
	struct datagram first, second;

	w->endpoints[BOB].under_load = true;
	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(6));
	first = world_sent(w, 0, BOB, ONLY(KIND_COOKIE), 0)->datagram;
	second = world_sent(w, 0, BOB, ONLY(KIND_COOKIE), 1)->datagram;
	/* For the first initiation: its index is free, and its mac1 is not the last. */
	expect_equal(w, inject(w, ALICE, &first), VERDICT_UNKNOWN_INDEX);
	memcpy(first.bytes + 4, second.bytes + 4, 4);
	expect_equal(w, inject(w, ALICE, &first), VERDICT_BAD_COOKIE);
	expect_equal(w, inject(w, ALICE, &second), VERDICT_DELIVERED);
	expect_equal(w, inject(w, ALICE, &second), VERDICT_BAD_COOKIE);
	/* The one that was taken still serves. */
	w->wire.drop[BOB] = 0;
	world_run_for(w, SECONDS(6));
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}

Test(cookies, a_forged_reply_is_refused)
{
	struct world *w = world_new(9, 2);
	struct datagram reply;

	w->endpoints[BOB].under_load = true;
	w->wire.drop[BOB] = EVERYTHING;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	reply = world_sent(w, 0, BOB, ONLY(KIND_COOKIE), 0)->datagram;
	for (size_t bit = 64; bit < 8 * reply.length; bit++) {
		reply.bytes[bit / 8] ^= 1u << (bit % 8);
		expect_equal(w, inject(w, ALICE, &reply), VERDICT_BAD_COOKIE);
		reply.bytes[bit / 8] ^= 1u << (bit % 8);
	}
	expect_equal(w, inject(w, ALICE, &reply), VERDICT_DELIVERED);
	world_free(w);
}

/* Twenty in 475 ms: five of the burst, and one for each 50 ms that pass. */
Test(cookies, a_source_with_a_cookie_has_20_a_second_and_5_at_once)
{
	struct world *w = world_new(10, 2);
	unsigned int accepted = 0;
	struct forger forger;

	w->endpoints[BOB].under_load = true;
	forger_init(&forger, w, w->endpoints[ALICE].private_key, BOB);
	get_cookie(w, &forger);
	for (unsigned int i = 0; i < 20; i++) {
		struct datagram initiation = forge_initiation(&forger);
		enum verdict verdict = inject(w, BOB, &initiation);

		expect(w, verdict == VERDICT_DELIVERED || verdict == VERDICT_RATE_LIMITED);
		accepted += verdict == VERDICT_DELIVERED;
		if (i < 9)
			expect_equal(w, verdict, VERDICT_DELIVERED);
		world_run_for(w, MILLISECONDS(25));
	}
	expect_equal(w, accepted, 5 + 9);
	world_free(w);
}

Test(cookies, without_load_there_is_no_rate)
{
	struct world *w = world_new(10, 2);
	struct forger forger;

	w->endpoints[BOB].under_load = true;
	forger_init(&forger, w, w->endpoints[ALICE].private_key, BOB);
	get_cookie(w, &forger);
	w->endpoints[BOB].under_load = false;
	for (unsigned int i = 0; i < 50; i++) {
		struct datagram initiation = forge_initiation(&forger);

		expect_equal(w, inject(w, BOB, &initiation), VERDICT_DELIVERED);
		world_run_for(w, MILLISECONDS(20));
	}
	world_free(w);
}

/* Those who only claim to be at an address do not use up what it has. */
Test(cookies, a_flood_without_cookies_costs_the_victim_nothing)
{
	struct world *w = world_new(11, 2);
	struct datagram initiation;
	struct forger forger;
	uint8_t nobody[NOISE_PUBLIC_KEY_LENGTH] = {1};

	w->endpoints[BOB].under_load = true;
	world_send(w, ALICE, BOB);
	world_run_for(w, SECONDS(1));
	forger_init(&forger, w, nobody, BOB);
	forger.address = w->endpoints[ALICE].address;
	initiation = forge_initiation(&forger);
	for (unsigned int i = 0; i < 5000; i++) {
		expect_equal(w, inject(w, BOB, &initiation), VERDICT_COOKIE_DEMANDED);
		world_run_for(w, MILLISECONDS(1));
	}
	expect_equal(w, w->delivered_count, 1);
	world_free(w);
}
