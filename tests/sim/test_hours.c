// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_hours.c - ten thousand hours of two endpoints on a bad wire: 5 % of the datagrams are lost, 1 %
 * come twice, 1 % are corrupted and many overtake each other, while people talk, fall silent, move,
 * are cut off, step their clocks and go down and up again.
 *
 * In every one of them each payload arrives at most once and as it was sent, no counter is sealed
 * twice with a key, no index is held that nobody needs, no deadline is missed (world.h and endpoint.c
 * check all that after each event), and the tunnel recovers: see recover().
 *
 * A failure names its seed, and "SIM_SEED=1234 build/tests/run-sim 2>trace" writes down what happens
 * in that hour. (Criterion lets nothing through with --tap.)
 */
#include <stdlib.h>

#include "world.h"

#define HOURS_PER_BATCH 500

/* What a batch saw, so that an hour in which nothing went wrong is not taken for a test. */
struct experience {
	uint64_t payloads, delivered, lost, duplicated, corrupted, reordered;
	uint64_t replays, initiations, cookies, recoveries;
};

static uint64_t below(struct world *w, uint64_t bound)
{
	return world_random(w) % bound;
}

static void pause_up_to(struct world *w, uint64_t duration)
{
	world_run_for(w, below(w, duration));
}

static void bad_wire(struct world *w)
{
	struct wire *wire = &w->wire;

	wire->loss = 50;
	wire->duplicates = 10;
	wire->corruption = 10;
	wire->drop[ALICE] = 0;
	wire->drop[BOB] = 0;
}

static void good_wire(struct world *w)
{
	bad_wire(w);
	w->wire.loss = 0;
	w->wire.duplicates = 0;
	w->wire.corruption = 0;
}

/* ---- what happens in an hour ---- */

static void idle(struct world *w)
{
	world_run_for(w, SECONDS(10) + below(w, SECONDS(300)));
}

static void burst(struct world *w)
{
	enum who from = below(w, 2);

	for (uint64_t packets = 1 + below(w, 15); packets; packets--) {
		world_send(w, from, !from);
		pause_up_to(w, MILLISECONDS(10));
	}
}

static void trickle(struct world *w)
{
	enum who from = below(w, 2);

	for (uint64_t packets = 1 + below(w, 10); packets; packets--) {
		world_send(w, from, !from);
		pause_up_to(w, SECONDS(40));
	}
}

static void conversation(struct world *w)
{
	for (uint64_t packets = 1 + below(w, 15); packets; packets--) {
		world_send(w, ALICE, BOB);
		pause_up_to(w, SECONDS(3));
		world_send(w, BOB, ALICE);
		pause_up_to(w, SECONDS(3));
	}
}

/* One direction is dead, or both, and those who talk do not know. */
static void outage(struct world *w)
{
	uint64_t dead = 1 + below(w, 3);

	w->wire.drop[ALICE] = dead & 1 ? EVERYTHING : 0;
	w->wire.drop[BOB] = dead & 2 ? EVERYTHING : 0;
	for (uint64_t packets = 1 + below(w, 6); packets; packets--) {
		enum who from = below(w, 2);

		world_send(w, from, !from);
		pause_up_to(w, SECONDS(30));
	}
	bad_wire(w);
}

/* Alice is the one who moves: were both to, neither could find the other, here as elsewhere. */
static void move(struct world *w)
{
	w->endpoints[ALICE].address = wire_address(100, (uint16_t)(1 + below(w, 65535)));
	world_send(w, ALICE, BOB);
}

static void step_clock(struct world *w)
{
	w->endpoints[below(w, 2)].wall_step =
		(int64_t)below(w, SECONDS(7200)) - (int64_t)SECONDS(3600);
}

static void down_and_up(struct world *w)
{
	enum who who = below(w, 2);
	struct sim_peer *peer = world_peer(w, who, !who);

	endpoint_stop_peer(peer);
	pause_up_to(w, SECONDS(30));
	peer_start(&peer->peer, w->now);
}

static void change_load(struct world *w)
{
	struct endpoint *endpoint = &w->endpoints[below(w, 2)];

	endpoint->under_load = !endpoint->under_load;
}

static void change_persistent_keepalive(struct world *w)
{
	enum who who = below(w, 2);
	uint16_t seconds = (uint16_t)below(w, 60);

	peer_set_persistent_keepalive(&world_peer(w, who, !who)->peer, seconds < 30 ? 0 : seconds,
				      w->now);
}

/* ---- the tunnel comes back ---- */

/*
 * Both want to talk and the wire is good again: how long until a payload gets through each way? At
 * worst both hold sessions that the other one has forgotten and learn it from silence, after 15.333 s.
 * Then each of these costs a retry, 5.333 s, and no more than one of each can happen: the initiation
 * wants a cookie under load; it wants another, as the secret has just ended; the same two for the
 * response; and the answer to an initiation that crosses ours voids the cookie for ours, which is bound to
 * the last message sent. In 105 000 recoveries the slowest took 32 s.
 */
#define RECOVERY_MAX MILLISECONDS(15333 + 5 * 5333)

static void recover(struct world *w, struct experience *seen)
{
	size_t first = w->payload_count;
	uint64_t start = w->now;
	bool got[2] = {false, false};

	good_wire(w);
	while (!got[ALICE] || !got[BOB]) {
		if (w->now - start > RECOVERY_MAX)
			world_fail(w, "no payload got through both ways");
		world_send(w, ALICE, BOB);
		pause_up_to(w, MILLISECONDS(500));
		world_send(w, BOB, ALICE);
		pause_up_to(w, MILLISECONDS(500));
		for (size_t i = first; i < w->payload_count; i++)
			got[w->payloads[i].to] |= world_delivered(w, i);
	}
	bad_wire(w);
	seen->recoveries++;
	world_trace(w, STRANGER, "recovery took %llu ms",
		    (unsigned long long)((w->now - start) / MILLISECONDS(1)));
}

static struct world *new_hour(uint64_t seed)
{
	struct world *w = world_new(seed, 2);
	uint8_t preshared_key[NOISE_SYMMETRIC_KEY_LENGTH];

	w->tracing = getenv("SIM_SEED");
	bad_wire(w);
	w->wire.delay = MILLISECONDS(1) + below(w, MILLISECONDS(40));
	w->wire.jitter = below(w, MILLISECONDS(100));
	w->wire.duplicate_lag = below(w, 2) ? MILLISECONDS(100) : SECONDS(300);
	w->notes_delay = below(w, 2) ? MILLISECONDS(200) : 0;
	w->tick_delay = below(w, 2) ? MILLISECONDS(20) : 0;
	if (below(w, 2)) {
		world_random_bytes(w, preshared_key, sizeof(preshared_key));
		peer_set_preshared_key(&world_peer(w, ALICE, BOB)->peer, preshared_key);
		peer_set_preshared_key(&world_peer(w, BOB, ALICE)->peer, preshared_key);
	}
	return w;
}

static void account(const struct world *w, struct experience *seen)
{
	seen->payloads += w->payload_count;
	seen->delivered += w->delivered_count;
	seen->lost += w->wire.lost;
	seen->duplicated += w->wire.duplicated;
	seen->corrupted += w->wire.corrupted;
	seen->reordered += w->wire.reordered;
	for (enum who who = ALICE; who <= BOB; who++) {
		seen->replays += w->endpoints[who].verdicts[VERDICT_REPLAYED];
		seen->initiations += world_sent_count(w, 0, who, ONLY(KIND_INITIATION));
		seen->cookies += world_sent_count(w, 0, who, ONLY(KIND_COOKIE));
	}
}

static void live_an_hour(uint64_t seed, struct experience *seen)
{
	/* Some more often than others. */
	static void (*const happenings[])(struct world *) = {
		idle,         burst,
		burst,        trickle,
		trickle,      conversation,
		conversation, outage,
		outage,       move,
		step_clock,   down_and_up,
		change_load,  change_persistent_keepalive,
	};
	struct world *w = new_hour(seed);
	uint64_t end = w->now + SECONDS(3600);

	while (w->now < end) {
		happenings[below(w, sizeof(happenings) / sizeof(happenings[0]))](w);
		if (!below(w, 6))
			recover(w, seen);
		else
			pause_up_to(w, SECONDS(60));
	}
	recover(w, seen);
	account(w, seen);
	for (enum who who = ALICE; who <= BOB; who++) {
		endpoint_remove_peer(world_peer(w, who, !who));
		expect_equal(w, endpoint_indices(&w->endpoints[who], NULL), 0);
	}
	world_free(w);
}

static void live_hours(uint64_t first)
{
	const char *only = getenv("SIM_SEED");
	struct experience seen = {0};

	if (only) {
		uint64_t seed = strtoull(only, NULL, 10);

		if (seed < first || seed >= first + HOURS_PER_BATCH)
			cr_skip_test("SIM_SEED is not among these");
		live_an_hour(seed, &seen);
		return;
	}
	for (uint64_t seed = first; seed < first + HOURS_PER_BATCH; seed++)
		live_an_hour(seed, &seen);
#define SEEN(what)                                                                                 \
	cr_expect_gt(seen.what, HOURS_PER_BATCH, "only %llu " #what, (unsigned long long)seen.what)
	SEEN(delivered);
	SEEN(lost);
	SEEN(duplicated);
	SEEN(corrupted);
	SEEN(reordered);
	SEEN(replays);
	SEEN(initiations);
	SEEN(cookies);
	SEEN(recoveries);
	cr_expect_gt(seen.payloads, 100 * HOURS_PER_BATCH);
	cr_expect_gt(2 * seen.delivered, seen.payloads);
#undef SEEN
}

/* Criterion runs tests side by side: twenty of them keep all cores busy. */
#define HOURS(batch)                                                                               \
	Test(hours, batch_##batch##_of_20_is_500_hours)                                            \
	{                                                                                          \
		live_hours((batch - 1) * HOURS_PER_BATCH + 1);                                     \
	}

HOURS(1)
HOURS(2)
HOURS(3)
HOURS(4)
HOURS(5)
HOURS(6)
HOURS(7)
HOURS(8)
HOURS(9)
HOURS(10)
HOURS(11)
HOURS(12)
HOURS(13)
HOURS(14)
HOURS(15)
HOURS(16)
HOURS(17)
HOURS(18)
HOURS(19)
HOURS(20)
