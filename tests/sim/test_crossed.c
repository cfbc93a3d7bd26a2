// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_crossed.c - initiations that cross, in every order in which their messages may arrive: between two
 * of ours, and with a peer that has one handshake at a time, as the kernel's WireGuard (noise.c there: to
 * consume an initiation is to forget one's own).
 *
 * Nothing travels by itself here: each message lies in the wire's log until it is taken out by choice.
 */
#include "world.h"

enum { CHOICES_MAX = 64, MESSAGES_MAX = 32 };

/* All sequences of choices, one after the other: a world is a function of its seed and of these. */
struct schedule {
	unsigned int chosen[CHOICES_MAX];
	unsigned int options[CHOICES_MAX];
	unsigned int length;
	unsigned int at;
};

static unsigned int choose(struct schedule *schedule, unsigned int options)
{
	if (options == 1)
		return 0;
	cr_assert_lt(schedule->at, CHOICES_MAX);
	if (schedule->at == schedule->length)
		schedule->chosen[schedule->length++] = 0;
	schedule->options[schedule->at] = options;
	return schedule->chosen[schedule->at++];
}

static bool next_schedule(struct schedule *schedule)
{
	schedule->at = 0;
	while (schedule->length) {
		unsigned int last = schedule->length - 1;

		if (++schedule->chosen[last] < schedule->options[last])
			return true;
		schedule->length--;
	}
	return false;
}

/* Of what is in the log from `first` on. */
struct flight {
	struct world *world;
	size_t first;
	bool arrived[MESSAGES_MAX];
	/* each way's messages arrive as they were sent */
	bool in_order;
	/* so many of the handshake's messages may get lost */
	unsigned int losses;
	/* so many times somebody may have something more to say in between */
	unsigned int words;
};

static unsigned int candidates(const struct flight *flight, size_t found[static MESSAGES_MAX])
{
	const struct wire *wire = &flight->world->wire;
	bool seen[ENDPOINTS_MAX] = {false};
	unsigned int count = 0;

	for (size_t i = 0; flight->first + i < wire->logged; i++) {
		enum who from = wire->log[flight->first + i].from;

		if (flight->arrived[i] || (flight->in_order && seen[from]))
			continue;
		seen[from] = true;
		found[count++] = i;
	}
	return count;
}

static bool is_of_the_handshake(const struct sent *sent)
{
	return sent->kind == KIND_INITIATION || sent->kind == KIND_RESPONSE;
}

static void deliver(struct flight *flight, size_t message, struct schedule *schedule)
{
	struct world *w = flight->world;
	const struct sent *sent = &w->wire.log[flight->first + message];
	struct datagram datagram = sent->datagram;

	flight->arrived[message] = true;
	if (flight->losses && is_of_the_handshake(sent) && choose(schedule, 2)) {
		flight->losses--;
		return;
	}
	world_inject(w, &datagram);
	world_run_for(w, 0);
}

/* One thing happens, a millisecond after the one before, until nothing is under way. */
static void fly(struct flight *flight, struct schedule *schedule)
{
	struct world *w = flight->world;
	size_t found[MESSAGES_MAX];
	unsigned int count, chosen;

	while ((count = candidates(flight, found))) {
		expect(w, w->wire.logged - flight->first < MESSAGES_MAX - 4);
		chosen = choose(schedule, count + (flight->words ? 2 : 0));
		world_run_for(w, MILLISECONDS(1));
		if (chosen < count) {
			deliver(flight, found[chosen], schedule);
		} else {
			flight->words--;
			world_send(w, chosen == count ? ALICE : BOB, chosen == count ? BOB : ALICE);
		}
	}
}

static bool alice_is_less(const struct world *w)
{
	return memcmp(w->endpoints[ALICE].tunnel.identity.static_public,
		      w->endpoints[BOB].tunnel.identity.static_public, NOISE_PUBLIC_KEY_LENGTH) < 0;
}

static void expect_one_session(struct world *w)
{
	const struct index_slot *alice = world_peer(w, ALICE, BOB)->sending;
	const struct index_slot *bob = world_peer(w, BOB, ALICE)->sending;

	expect(w, alice && bob);
	expect_equal(w, alice->remote_index, bob->index);
	expect_equal(w, bob->remote_index, alice->index);
}

/* Both have something to say and no session; nothing of it waits for a timer. */
static void cross(struct flight *flight, struct schedule *schedule)
{
	struct world *w = flight->world;
	uint64_t start = w->now;

	w->wire.drop[ALICE] = EVERYTHING;
	w->wire.drop[BOB] = EVERYTHING;
	flight->first = world_mark(w);
	world_send(w, ALICE, BOB);
	world_send(w, BOB, ALICE);
	fly(flight, schedule);
	world_send(w, ALICE, BOB);
	world_send(w, BOB, ALICE);
	fly(flight, schedule);
	expect_equal(w, w->delivered_count, w->payload_count);
	expect(w, w->now - start < SECONDS(1));
	expect_equal(w, world_sent_count(w, flight->first, ALICE, ONLY(KIND_INITIATION)), 1);
	expect_equal(w, world_sent_count(w, flight->first, BOB, ONLY(KIND_INITIATION)), 1);
}

/* Of a seed whose Alice has the lesser key, or the greater. */
static struct world *new_world(bool alice_less)
{
	static uint64_t seeds[2] = {1, 1};

	for (;; seeds[alice_less]++) {
		struct world *w = world_new(seeds[alice_less], 2);

		if (alice_is_less(w) == alice_less)
			return w;
		world_free(w);
	}
}

static void expect_secrets_gone(struct world *w, enum who who)
{
	const struct noise_handshake *handshake = &world_peer(w, who, !who)->peer.handshake;
	static const uint8_t zero[NOISE_HASH_LENGTH];

	expect_equal(w, handshake->state, HANDSHAKE_ZEROED);
	expect(w, !handshake->has_local_index);
	expect(w, !memcmp(handshake->ephemeral_private, zero, NOISE_PUBLIC_KEY_LENGTH));
	expect(w, !memcmp(handshake->chaining_key, zero, sizeof(zero)));
}

/* The session that stays is the one of who has the lesser key, and is who renews it. */
Test(crossed, in_order_two_of_ours_agree_at_once)
{
	for (int less = 0; less < 2; less++) {
		struct schedule schedule = {.length = 0};
		unsigned int count = 0;

		do {
			struct world *w = new_world(less);
			struct flight flight = {.world = w, .in_order = true, .words = 1};

			cross(&flight, &schedule);
			expect_one_session(w);
			expect_equal(w, world_peer(w, ALICE, BOB)->sending->i_am_the_initiator,
				     less);
			expect_secrets_gone(w, ALICE);
			expect_secrets_gone(w, BOB);
			world_free(w);
			count++;
		} while (next_schedule(&schedule));
		cr_expect_geq(count, 400, "only %u orders", count);
	}
}

Test(crossed, in_any_order_two_of_ours_talk_at_once)
{
	struct schedule schedule = {.length = 0};
	unsigned int count = 0;

	do {
		struct world *w = new_world(true);
		struct flight flight = {.world = w, .words = 1};

		cross(&flight, &schedule);
		expect_secrets_gone(w, ALICE);
		expect_secrets_gone(w, BOB);
		world_free(w);
		count++;
	} while (next_schedule(&schedule));
	cr_expect_geq(count, 3000, "only %u orders", count);
}

/* One handshake of the two is enough, whichever it is. */
Test(crossed, with_a_message_lost_two_of_ours_talk_at_once)
{
	for (int less = 0; less < 2; less++) {
		struct schedule schedule = {.length = 0};

		do {
			struct world *w = new_world(less);
			struct flight flight = {.world = w, .in_order = true, .losses = 1};

			cross(&flight, &schedule);
			expect_one_session(w);
			expect_secrets_gone(w, ALICE);
			expect_secrets_gone(w, BOB);
			world_free(w);
		} while (next_schedule(&schedule));
	}
}

/* It refuses the answer it gets, and there is one session: ours. */
Test(crossed, a_peer_that_forgets_its_own_has_ours_at_once)
{
	for (int less = 0; less < 2; less++) {
		struct schedule schedule = {.length = 0};
		unsigned int count = 0;

		do {
			struct world *w = new_world(less);
			struct flight flight = {.world = w, .in_order = true, .words = 1};

			w->endpoints[BOB].forgets_its_own = true;
			cross(&flight, &schedule);
			expect_one_session(w);
			expect(w, world_peer(w, ALICE, BOB)->sending->i_am_the_initiator);
			expect_secrets_gone(w, ALICE);
			world_free(w);
			count++;
		} while (next_schedule(&schedule));
		cr_expect_geq(count, 200, "only %u orders", count);
	}
}

Test(crossed, in_any_order_a_peer_that_forgets_its_own_talks_at_once)
{
	for (int less = 0; less < 2; less++) {
		struct schedule schedule = {.length = 0};

		do {
			struct world *w = new_world(less);
			struct flight flight = {.world = w, .words = 1};

			w->endpoints[BOB].forgets_its_own = true;
			cross(&flight, &schedule);
			expect_secrets_gone(w, ALICE);
			world_free(w);
		} while (next_schedule(&schedule));
	}
}

/* ---- with sessions in use ---- */

/* A payload each way every millisecond; all of them arrive. */
static void talk(struct world *w, uint64_t duration)
{
	uint64_t end = w->now + duration;

	while (w->now < end) {
		world_send(w, ALICE, BOB);
		world_send(w, BOB, ALICE);
		world_run_for(w, MILLISECONDS(1));
	}
	world_run_for(w, MILLISECONDS(50));
	expect_equal(w, w->delivered_count, w->payload_count);
}

/* Both believe that the session has sent enough, and find out while the other's initiation is on its way. */
static void renew_crossed(struct world *w)
{
	size_t mark = world_mark(w);

	world_run_for(w, SECONDS(6));
	world_peer(w, ALICE, BOB)->sending->sending_counter = REKEY_AFTER_MESSAGES + 1;
	world_peer(w, BOB, ALICE)->sending->sending_counter = REKEY_AFTER_MESSAGES + 1;
	talk(w, MILLISECONDS(200));
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_INITIATION)), 1);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_INITIATION)), 1);
	expect_equal(w, world_sent_count(w, mark, ALICE, ONLY(KIND_RESPONSE)), 1);
	expect_equal(w, world_sent_count(w, mark, BOB, ONLY(KIND_RESPONSE)), 1);
	expect_one_session(w);
}

/* One of them renews it after that, with the others' packets under way, and no crossing leads to another. */
static void renew_once(struct world *w, enum who initiator)
{
	uint64_t birth = world_peer(w, initiator, !initiator)->sending->birth;
	size_t mark = world_mark(w);

	world_run_until(w, birth + REKEY_AFTER_TIME - MILLISECONDS(100));
	talk(w, MILLISECONDS(300));
	expect_equal(w, world_sent_count(w, mark, initiator, ONLY(KIND_INITIATION)), 1);
	expect_equal(w, world_sent_count(w, mark, !initiator, ONLY(KIND_INITIATION)), 0);
	expect(w, world_peer(w, initiator, !initiator)->sending->birth > birth);
	expect_one_session(w);
}

Test(crossed, two_of_ours_lose_no_packet_and_one_of_them_renews)
{
	for (int less = 0; less < 2; less++) {
		struct world *w = new_world(less);

		world_establish(w);
		renew_crossed(w);
		renew_once(w, less ? ALICE : BOB);
		/* Of what was there once nothing is left but the last two. */
		expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
		expect_equal(w, endpoint_indices(&w->endpoints[BOB], NULL), 2);
		world_free(w);
	}
}

Test(crossed, a_peer_that_forgets_its_own_loses_no_packet_and_we_renew)
{
	for (int less = 0; less < 2; less++) {
		struct world *w = new_world(less);

		w->endpoints[BOB].forgets_its_own = true;
		world_establish(w);
		renew_crossed(w);
		renew_once(w, ALICE);
		expect_equal(w, endpoint_indices(&w->endpoints[ALICE], NULL), 2);
		world_free(w);
	}
}
