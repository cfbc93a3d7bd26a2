// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * endpoint.c - the simulated agent: struct tunnel_ops less the data path's part, which is
 * transport.c's. It does what it is asked to and checks that it may be asked.
 */
#include "endpoint.h"

#include <stdlib.h>

#include "world.h"

struct index_slot *endpoint_slot(struct endpoint *endpoint, uint32_t index)
{
	for (unsigned int i = 0; i < INDEX_SLOTS; i++)
		if (endpoint->slots[i].reserved && endpoint->slots[i].index == index)
			return &endpoint->slots[i];
	return NULL;
}

/* How many indices are held for the peer, or with NULL for all. */
unsigned int endpoint_indices(const struct endpoint *endpoint, const struct sim_peer *peer)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < INDEX_SLOTS; i++)
		count += endpoint->slots[i].reserved && (!peer || endpoint->slots[i].peer == peer);
	return count;
}

static void random_bytes(void *context, void *out, size_t length)
{
	struct endpoint *endpoint = context;

	world_random_bytes(endpoint->world, out, length);
}

static void wall_clock(void *context, uint64_t *seconds, uint32_t *nanoseconds)
{
	struct endpoint *endpoint = context;
	uint64_t now = SECONDS(1700000000) + endpoint->world->now + (uint64_t)endpoint->wall_step;

	*seconds = now / NANOSECONDS_PER_SECOND;
	*nanoseconds = now % NANOSECONDS_PER_SECOND;
}

static bool reserve_index(void *context, struct peer *peer, uint32_t *index)
{
	struct endpoint *endpoint = context;

	if (endpoint->no_indices)
		return false;
	do
		*index = (uint32_t)world_random(endpoint->world);
	while (endpoint_slot(endpoint, *index));
	for (unsigned int i = 0; i < INDEX_SLOTS; i++) {
		struct index_slot *slot = &endpoint->slots[i];

		if (slot->reserved)
			continue;
		*slot = (struct index_slot){
			.reserved = true, .index = *index, .peer = sim_peer(peer)};
		return true;
	}
	world_fail(endpoint->world, "%s leaks indices", world_name(endpoint->who));
}

static void release_index(void *context, uint32_t index)
{
	struct endpoint *endpoint = context;
	struct index_slot *slot = endpoint_slot(endpoint, index);

	if (!slot)
		world_fail(endpoint->world, "release of index %08x, which is free", index);
	if (slot->has_session)
		world_fail(endpoint->world, "release of index %08x, which is a session's", index);
	slot->reserved = false;
}

static struct peer *find_by_index(void *context, uint32_t index)
{
	struct index_slot *slot = endpoint_slot(context, index);

	return slot ? &slot->peer->peer : NULL;
}

static struct peer *find_by_public_key(void *context, const uint8_t *public_key)
{
	struct endpoint *endpoint = context;

	for (unsigned int i = 0; i < PEERS_MAX; i++) {
		struct sim_peer *peer = &endpoint->peers[i];

		if (peer->exists && !memcmp(peer->peer.handshake.remote_static, public_key,
					    NOISE_PUBLIC_KEY_LENGTH))
			return &peer->peer;
	}
	return NULL;
}

void endpoint_send(struct sim_peer *peer, const void *bytes, size_t length)
{
	struct endpoint *endpoint = peer->owner;

	if (!peer->exists)
		world_fail(endpoint->world, "%s sends to a peer that was removed",
			   world_name(endpoint->who));
	if (!peer->has_address)
		return;
	peer->tx_bytes += length;
	wire_send(endpoint->world, endpoint->who, &endpoint->address, &peer->address, bytes,
		  length);
}

/* Initiations keep REKEY_TIMEOUT of distance from the handshake message before them. */
static void send_handshake(void *context, struct peer *peer, const void *message, size_t length)
{
	struct endpoint *endpoint = context;
	struct sim_peer *to = sim_peer(peer);
	uint64_t now = endpoint->world->now;

	if (wire_kind(message, length) == KIND_INITIATION && to->has_last_handshake &&
	    now - to->last_handshake < SECONDS(5))
		world_fail(endpoint->world, "%s initiates %llu ns after a handshake message",
			   world_name(endpoint->who),
			   (unsigned long long)(now - to->last_handshake));
	to->has_last_handshake = true;
	to->last_handshake = now;
	endpoint_send(to, message, length);
}

static void send_reply(void *context, const struct cookie_source *to, const void *message,
		       size_t length)
{
	struct endpoint *endpoint = context;

	wire_send(endpoint->world, endpoint->who, &endpoint->address, to, message, length);
}

static void roamed(void *context, struct peer *peer, const struct cookie_source *from)
{
	(void)context;
	sim_peer(peer)->address = *from;
	sim_peer(peer)->has_address = true;
}

static void forget_local_source(void *context, struct peer *peer)
{
	(void)context;
	sim_peer(peer)->source_forgotten++;
}

static void deadline_changed(void *context, struct peer *peer)
{
	struct endpoint *endpoint = context;
	struct world *world = endpoint->world;
	struct sim_peer *of = sim_peer(peer);
	uint64_t deadline = peer_next_deadline(peer);

	if (deadline == of->deadline)
		return;
	of->deadline = deadline;
	if (deadline == TIMERS_NEVER)
		return;
	if (deadline < world->now)
		world_fail(world, "%s: deadline in the past", world_name(endpoint->who));
	world_schedule(
		world,
		(struct event){
			.when = deadline +
				(world->tick_delay ? world_random(world) % world->tick_delay : 0),
			.kind = EVENT_TICK,
			.peer = of,
			.deadline = deadline,
		});
}

static const struct tunnel_ops operations = {
	.random_bytes = random_bytes,
	.wall_clock = wall_clock,
	.reserve_index = reserve_index,
	.release_index = release_index,
	.find_by_index = find_by_index,
	.find_by_public_key = find_by_public_key,
	.send_handshake = send_handshake,
	.send_reply = send_reply,
	.roamed = roamed,
	.forget_local_source = forget_local_source,
	.begin_session = transport_begin_session,
	.session_confirmed = transport_session_confirmed,
	.end_session = transport_end_session,
	.stop_sending = transport_stop_sending,
	.send_staged = transport_send_staged,
	.drop_staged = transport_drop_staged,
	.send_keepalive = transport_send_keepalive,
	.deadline_changed = deadline_changed,
};

void endpoint_init(struct endpoint *endpoint, struct world *world, enum who who)
{
	uint64_t hash_key[2] = {world_random(world), world_random(world)};

	endpoint->world = world;
	endpoint->who = who;
	endpoint->address = wire_address((uint8_t)who + 1, 51820);
	ratelimit_init(&endpoint->tunnel.ratelimit, endpoint->buckets, RATELIMIT_BUCKETS, hash_key);
	tunnel_init(&endpoint->tunnel, &operations, endpoint);
	world_random_bytes(world, endpoint->private_key, sizeof(endpoint->private_key));
	tunnel_set_private_key(&endpoint->tunnel, endpoint->private_key);
}

void endpoint_set_private_key(struct endpoint *endpoint, const uint8_t *private_key)
{
	endpoint_flush_notes(endpoint);
	memcpy(endpoint->private_key, private_key, sizeof(endpoint->private_key));
	tunnel_set_private_key(&endpoint->tunnel, private_key);
	for (unsigned int i = 0; i < PEERS_MAX; i++) {
		if (!endpoint->peers[i].exists)
			continue;
		/* A new identity may introduce itself at once. */
		endpoint->peers[i].has_last_handshake = false;
		peer_identity_changed(&endpoint->peers[i].peer, endpoint->world->now);
	}
}

struct sim_peer *endpoint_add_peer(struct endpoint *endpoint, const struct endpoint *other)
{
	for (unsigned int i = 0; i < PEERS_MAX; i++) {
		struct sim_peer *peer = &endpoint->peers[i];

		if (peer->exists)
			continue;
		memset(peer, 0, sizeof(*peer));
		peer->owner = endpoint;
		peer->remote = other->who;
		peer->exists = true;
		peer->has_address = true;
		peer->address = other->address;
		peer->deadline = TIMERS_NEVER;
		peer_init(&peer->peer, &endpoint->tunnel, other->tunnel.identity.static_public,
			  NULL);
		peer_start(&peer->peer, endpoint->world->now);
		return peer;
	}
	world_fail(endpoint->world, "no room for a peer");
}

void endpoint_remove_peer(struct sim_peer *peer)
{
	endpoint_flush_notes(peer->owner);
	peer_remove(&peer->peer);
	peer->exists = false;
	if (endpoint_indices(peer->owner, peer))
		world_fail(peer->owner->world, "indices left of a removed peer");
}

void endpoint_stop_peer(struct sim_peer *peer)
{
	endpoint_flush_notes(peer->owner);
	peer->has_last_handshake = false;
	peer_stop(&peer->peer);
	if (endpoint_indices(peer->owner, peer))
		world_fail(peer->owner->world, "indices left of a stopped peer");
}

static enum verdict receive_handshake(struct endpoint *endpoint, const struct datagram *datagram)
{
	/* A copy of exactly its length, so that a sanitizer sees who reads beyond it. */
	void *message = world_resize(NULL, 1, datagram->length);
	struct peer *peer = NULL;
	enum verdict verdict;

	memcpy(message, datagram->bytes, datagram->length);
	endpoint_flush_notes(endpoint);
	verdict = tunnel_receive_handshake(&endpoint->tunnel, message, datagram->length,
					   &datagram->from, endpoint->under_load,
					   endpoint->world->now, &peer, NULL);
	if (peer && endpoint->forgets_its_own && load_le32(message) == MESSAGE_HANDSHAKE_INITIATION)
		noise_handshake_clear(&peer->handshake, &endpoint->tunnel.indices);
	free(message);
	if (peer)
		sim_peer(peer)->rx_bytes += datagram->length;
	return verdict;
}

void endpoint_receive(struct endpoint *endpoint, const struct datagram *datagram)
{
	uint32_t type = datagram->length < 4 ? 0 : load_le32(datagram->bytes);
	enum verdict verdict = VERDICT_UNKNOWN_TYPE;
	const char *names[] = {
#define X(id, name, meaning) [VERDICT_##id] = name,
		WGXDP_VERDICTS(X)
#undef X
	};

	if (type == MESSAGE_DATA)
		verdict = transport_receive(endpoint, datagram);
	else if (type >= MESSAGE_HANDSHAKE_INITIATION && type <= MESSAGE_HANDSHAKE_COOKIE)
		verdict = receive_handshake(endpoint, datagram);
	endpoint->verdicts[verdict]++;
	world_trace(endpoint->world, endpoint->who, "received %s: %s",
		    wire_kind_name(wire_kind(datagram->bytes, datagram->length)), names[verdict]);
}

void endpoint_flush_notes(struct endpoint *endpoint)
{
	uint64_t now = endpoint->world->now;

	/* One may lead to others: a confirmed session to packets sent. */
	for (size_t i = 0; i < endpoint->note_count; i++) {
		struct note note = endpoint->notes[i];

		if (note.received)
			peer_packet_received(&note.peer->peer, note.data, note.local_index,
					     note.when, now);
		else
			peer_packet_sent(&note.peer->peer, note.data, note.counter, note.when, now);
	}
	endpoint->note_count = 0;
}

static bool slot_agrees(struct endpoint *endpoint, const struct session *session)
{
	struct index_slot *slot;

	if (!session->exists)
		return true;
	slot = endpoint_slot(endpoint, session->local_index);
	return slot && slot->has_session && slot->remote_index == session->remote_index &&
	       slot->birth == session->birth &&
	       slot->i_am_the_initiator == session->i_am_the_initiator &&
	       slot->may_send == session->may_send;
}

static void check_peer(struct endpoint *endpoint, struct sim_peer *peer)
{
	const struct sessions *sessions = &peer->peer.sessions;
	const struct index_slot *current = NULL;
	struct world *world = endpoint->world;
	unsigned int held;

	if (!slot_agrees(endpoint, &sessions->previous) ||
	    !slot_agrees(endpoint, &sessions->current) || !slot_agrees(endpoint, &sessions->next))
		world_fail(world, "%s: a session the data path does not have",
			   world_name(endpoint->who));
	held = sessions->previous.exists + sessions->current.exists + sessions->next.exists +
	       peer->peer.handshake.has_local_index;
	if (held != endpoint_indices(endpoint, peer))
		world_fail(world, "%s: %u indices for %u handshakes and sessions",
			   world_name(endpoint->who), endpoint_indices(endpoint, peer), held);
	if (sessions->current.exists)
		current = endpoint_slot(endpoint, sessions->current.local_index);
	if (peer->sending != current)
		world_fail(world, "%s: data path and protocol differ about the current session",
			   world_name(endpoint->who));
	if (peer_next_deadline(&peer->peer) != peer->deadline)
		world_fail(world, "%s: deadline changed without a word", world_name(endpoint->who));
}

void endpoint_settle(struct endpoint *endpoint)
{
	if (!endpoint->world->notes_delay)
		endpoint_flush_notes(endpoint);
	for (unsigned int i = 0; i < PEERS_MAX; i++)
		if (endpoint->peers[i].exists)
			check_peer(endpoint, &endpoint->peers[i]);
}
