// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * world.c - the virtual clock, the ledger of payloads and the set of nonces. See world.h.
 */
#include "world.h"

#include <crypto/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64 */
static uint64_t mix(uint64_t word)
{
	word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
	return word ^ (word >> 31);
}

uint64_t world_random(struct world *world)
{
	world->random_state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(world->random_state);
}

void world_random_bytes(struct world *world, void *out, size_t length)
{
	for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
		uint64_t word = world_random(world);

		memcpy((uint8_t *)out + at, &word,
		       length - at < sizeof(word) ? length - at : sizeof(word));
	}
}

void *world_resize(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count, size);
	cr_assert_not_null(memory);
	return memory;
}

const char *world_name(enum who who)
{
	static const char *const names[] = {"alice", "bob", "carol", "stranger"};

	return names[who];
}

static void print_time(const struct world *world)
{
	fprintf(stderr, "[%6llu.%09llu] ",
		(unsigned long long)(world->now / NANOSECONDS_PER_SECOND),
		(unsigned long long)(world->now % NANOSECONDS_PER_SECOND));
}

void world_trace(const struct world *world, enum who who, const char *format, ...)
{
	va_list arguments;

	if (!world->tracing)
		return;
	print_time(world);
	fprintf(stderr, "%-5s ", world_name(who));
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void world_fail(const struct world *world, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	cr_assert_fail("seed %llu, at %llu.%09llu s: %s", (unsigned long long)world->seed,
		       (unsigned long long)(world->now / NANOSECONDS_PER_SECOND),
		       (unsigned long long)(world->now % NANOSECONDS_PER_SECOND), text);
	abort();
}

/* ---- events: a binary heap by time, then by order of scheduling ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->when < b->when || (a->when == b->when && a->order < b->order);
}

void world_schedule(struct world *world, struct event event)
{
	size_t at = world->event_count++;

	if (world->event_count > world->event_capacity) {
		world->event_capacity = world->event_capacity ? 2 * world->event_capacity : 64;
		world->events =
			world_resize(world->events, world->event_capacity, sizeof(*world->events));
	}
	event.order = world->event_order++;
	for (; at && earlier(&event, &world->events[(at - 1) / 2]); at = (at - 1) / 2)
		world->events[at] = world->events[(at - 1) / 2];
	world->events[at] = event;
}

static struct event take_earliest(struct world *world)
{
	struct event earliest = world->events[0];
	struct event last = world->events[--world->event_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < world->event_count &&
		    earlier(&world->events[child + 1], &world->events[child]))
			child++;
		if (child >= world->event_count || !earlier(&world->events[child], &last))
			break;
		world->events[at] = world->events[child];
		at = child;
	}
	world->events[at] = last;
	return earliest;
}

static void settle(struct world *world)
{
	for (unsigned int i = 0; i < world->endpoint_count; i++)
		endpoint_settle(&world->endpoints[i]);
}

void world_inject(struct world *world, const struct datagram *datagram)
{
	for (unsigned int i = 0; i < world->endpoint_count; i++)
		if (wire_same_address(&world->endpoints[i].address, &datagram->to))
			endpoint_receive(&world->endpoints[i], datagram);
	settle(world);
}

static void tick(struct world *world, struct sim_peer *peer, uint64_t deadline)
{
	if (!peer->exists || peer->deadline != deadline)
		return;
	endpoint_flush_notes(peer->owner);
	/* The notes may have moved it. */
	if (peer->deadline != deadline)
		return;
	if (world->now - peer->ticks_since >= SECONDS(1)) {
		peer->ticks_since = world->now;
		peer->ticks = 0;
	}
	if (++peer->ticks > TICKS_PER_SECOND_MAX)
		world_fail(world, "%s ticks and ticks", world_name(peer->owner->who));
	peer_tick(&peer->peer, world->now);
	if (peer_next_deadline(&peer->peer) <= world->now)
		world_fail(world, "%s: a tick left its deadline in the past",
			   world_name(peer->owner->who));
}

static void happen(struct world *world, struct event *event)
{
	switch (event->kind) {
	case EVENT_TICK:
		tick(world, event->peer, event->deadline);
		break;
	case EVENT_ARRIVAL:
		world_inject(world, event->datagram);
		free(event->datagram);
		break;
	case EVENT_NOTES:
		endpoint_flush_notes(event->endpoint);
		break;
	}
	settle(world);
}

void world_run_until(struct world *world, uint64_t when)
{
	settle(world);
	while (world->event_count && world->events[0].when <= when) {
		struct event event = take_earliest(world);

		world->now = event.when;
		happen(world, &event);
	}
	world->now = when;
}

void world_run_for(struct world *world, uint64_t duration)
{
	world_run_until(world, world->now + duration);
}

/* ---- the ledger ---- */

void world_fill_payload(size_t payload, uint8_t bytes[static PAYLOAD_LENGTH])
{
	for (size_t i = 0; i < PAYLOAD_LENGTH / 8; i++)
		store_le64(bytes + 8 * i, i ? mix(payload * PAYLOAD_LENGTH + i) : payload);
}

static size_t new_payload(struct world *world, enum who from, enum who to)
{
	size_t payload = world->payload_count++;

	if (world->payload_count > world->payload_capacity) {
		world->payload_capacity = 2 * world->payload_count;
		world->payloads = world_resize(world->payloads, world->payload_capacity,
					       sizeof(*world->payloads));
	}
	world->payloads[payload] = (struct payload){.from = from, .to = to, .sent_at = world->now};
	return payload;
}

size_t world_send(struct world *world, enum who from, enum who to)
{
	size_t payload = new_payload(world, from, to);

	transport_send(world_peer(world, from, to), payload);
	settle(world);
	return payload;
}

size_t world_stage(struct world *world, enum who from, enum who to)
{
	size_t payload = new_payload(world, from, to);

	transport_stage(world_peer(world, from, to), payload);
	return payload;
}

bool world_delivered(const struct world *world, size_t payload)
{
	return world->payloads[payload].delivered;
}

void world_arrived(struct world *world, enum who at, const uint8_t *bytes, size_t length)
{
	uint8_t expected[PAYLOAD_LENGTH];
	uint64_t number = load_le64(bytes);
	struct payload *payload;

	if (length != PAYLOAD_LENGTH || number >= world->payload_count)
		world_fail(world, "%s received what nobody sent", world_name(at));
	world_fill_payload(number, expected);
	payload = &world->payloads[number];
	if (memcmp(bytes, expected, length))
		world_fail(world, "payload %llu was corrupted", (unsigned long long)number);
	if (payload->to != at)
		world_fail(world, "%s received a payload for %s", world_name(at),
			   world_name(payload->to));
	if (payload->delivered)
		world_fail(world, "payload %llu arrived twice", (unsigned long long)number);
	payload->delivered = true;
	payload->delivered_at = world->now;
	world->delivered_count++;
}

/* ---- nonces ---- */

static bool insert_nonce(struct world *world, struct nonce nonce)
{
	size_t at = mix(nonce.key ^ mix(nonce.counter));

	for (;; at++) {
		struct nonce *there = &world->nonces[at & (world->nonce_capacity - 1)];

		if (there->used && there->key == nonce.key && there->counter == nonce.counter)
			return false;
		if (there->used)
			continue;
		*there = nonce;
		return true;
	}
}

static void grow_nonces(struct world *world)
{
	struct nonce *old = world->nonces;
	size_t old_capacity = world->nonce_capacity;

	world->nonce_capacity = old_capacity ? 2 * old_capacity : 256;
	world->nonces = world_resize(NULL, world->nonce_capacity, sizeof(*old));
	memset(world->nonces, 0, world->nonce_capacity * sizeof(*old));
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i].used)
			insert_nonce(world, old[i]);
	free(old);
}

/* Sixty-four bits stand for the key: two of a run's few hundred random keys do not share them. */
void world_sealed(struct world *world, const struct aead_key *key, uint64_t counter)
{
	struct nonce nonce = {.key = load_le64(key), .counter = counter, .used = true};

	if (2 * ++world->nonce_count > world->nonce_capacity)
		grow_nonces(world);
	if (!insert_nonce(world, nonce))
		world_fail(world, "counter %llu sealed twice with one key",
			   (unsigned long long)counter);
}

/* ---- setting up ---- */

struct sim_peer *world_peer(struct world *world, enum who owner, enum who remote)
{
	for (unsigned int i = 0; i < PEERS_MAX; i++) {
		struct sim_peer *peer = &world->endpoints[owner].peers[i];

		if (peer->exists && peer->remote == remote)
			return peer;
	}
	world_fail(world, "%s has no peer %s", world_name(owner), world_name(remote));
}

struct world *world_new(uint64_t seed, unsigned int endpoint_count)
{
	struct world *world = world_resize(NULL, 1, sizeof(*world));

	cr_assert_eq(crypto_start(), 0);
	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->random_state = mix(seed);
	/* Some machines were started just now, some years ago. */
	world->now = seed % 3 == 0 ? 0 : world_random(world) % SECONDS(100000000);
	world->wire.delay = MILLISECONDS(10);
	world->endpoint_count = endpoint_count;
	for (unsigned int i = 0; i < endpoint_count; i++)
		endpoint_init(&world->endpoints[i], world, i);
	for (unsigned int i = 0; i < endpoint_count; i++)
		for (unsigned int j = 0; j < endpoint_count; j++)
			if (i != j)
				endpoint_add_peer(&world->endpoints[i], &world->endpoints[j]);
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->event_count; i++)
		if (world->events[i].kind == EVENT_ARRIVAL)
			free(world->events[i].datagram);
	free(world->events);
	free(world->wire.log);
	free(world->payloads);
	free(world->nonces);
	free(world);
}

uint64_t world_establish(struct world *world)
{
	size_t payload = world_send(world, ALICE, BOB);

	world_run_for(world, MILLISECONDS(100));
	expect(world, world_delivered(world, payload));
	expect(world, world_peer(world, ALICE, BOB)->sending->i_am_the_initiator);
	expect(world, world_peer(world, BOB, ALICE)->sending);
	return world_peer(world, ALICE, BOB)->sending->birth;
}

/* ---- the log ---- */

size_t world_mark(const struct world *world)
{
	return world->wire.logged;
}

unsigned int world_sent_count(const struct world *world, size_t mark, enum who from,
			      unsigned int kinds)
{
	unsigned int count = 0;

	for (size_t i = mark; i < world->wire.logged; i++)
		count += world->wire.log[i].from == from && (kinds & ONLY(world->wire.log[i].kind));
	return count;
}

const struct sent *world_sent(struct world *world, size_t mark, enum who from, unsigned int kinds,
			      unsigned int n)
{
	for (size_t i = mark; i < world->wire.logged; i++) {
		const struct sent *sent = &world->wire.log[i];

		if (sent->from == from && (kinds & ONLY(sent->kind)) && !n--)
			return sent;
	}
	world_fail(world, "%s sent fewer messages than that", world_name(from));
}
