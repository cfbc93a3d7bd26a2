// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transport.c - the simulated data path, after bpf/: it alone owns keys, counters and replay windows,
 * looks at age and counter of every packet, roams the endpoint and notes what it saw for the timers.
 * It uses the same AEAD and replay window as the real one.
 */
#include "world.h"

/* The agent reads it when the operation that led to it is over, or later: world->notes_delay. */
static void note(struct note note)
{
	struct endpoint *endpoint = note.peer->owner;
	struct world *world = endpoint->world;

	note.when = world->now;
	if (endpoint->note_count == NOTES_MAX)
		world_fail(world, "too many notes at once");
	endpoint->notes[endpoint->note_count++] = note;
	if (world->notes_delay && endpoint->note_count == 1)
		world_schedule(world, (struct event){
					      .when = world->now +
						      world_random(world) % world->notes_delay,
					      .kind = EVENT_NOTES,
					      .endpoint = endpoint,
				      });
}

bool transport_can_send(const struct index_slot *slot, uint64_t now)
{
	return slot->may_send && now - slot->birth < REJECT_AFTER_TIME &&
	       slot->sending_counter < REJECT_AFTER_MESSAGES;
}

/* The protocol's own opinion, session.h, has to be the same. */
static bool can_send(const struct sim_peer *peer)
{
	const struct index_slot *slot = peer->sending;
	struct world *world = peer->owner->world;
	const struct session *session;
	bool can;

	if (!slot)
		return false;
	can = transport_can_send(slot, world->now);
	session = sessions_find(&peer->peer.sessions, slot->index);
	if (!session || session_can_send(session, slot->sending_counter, world->now) != can)
		world_fail(world, "session_can_send() differs from the data path");
	return can;
}

static bool can_receive(const struct index_slot *slot, uint64_t counter)
{
	struct world *world = slot->peer->owner->world;
	bool can = world->now - slot->birth < REJECT_AFTER_TIME && counter < REJECT_AFTER_MESSAGES;
	const struct session *session = sessions_find(&slot->peer->peer.sessions, slot->index);

	if (!session || session_can_receive(session, counter, world->now) != can)
		world_fail(world, "session_can_receive() differs from the data path");
	return can;
}

static void seal_and_send(struct sim_peer *peer, const uint8_t *text, uint32_t length)
{
	struct index_slot *slot = peer->sending;
	uint64_t counter = slot->sending_counter++;
	uint8_t bytes[DATAGRAM_MAX];
	struct message_data *message = (struct message_data *)bytes;
	struct aead aead;

	store_le32(message->type, MESSAGE_DATA);
	store_le32(message->receiver_index, slot->remote_index);
	store_le64(message->counter, counter);
	memcpy(message->encrypted_data, text, length);
	if (!aead_seal(&aead, &slot->sending_key, counter, message->encrypted_data,
		       bytes + sizeof(bytes), length))
		world_fail(peer->owner->world, "aead_seal() failed");
	world_sealed(peer->owner->world, &slot->sending_key, counter);
	endpoint_send(peer, bytes, sizeof(*message) + length + AUTHENTICATION_TAG_LENGTH);
}

/* Packets are staged by their number in the ledger, plus one. */
static bool send_oldest_staged(struct sim_peer *peer)
{
	uint8_t text[PAYLOAD_LENGTH];
	void *packet;

	if (!peer->stage.count || !peer->sending ||
	    !transport_can_send(peer->sending, peer->owner->world->now))
		return false;
	packet = stage_pop(&peer->stage);
	world_fill_payload((uintptr_t)packet - 1, text);
	seal_and_send(peer, text, sizeof(text));
	note((struct note){.peer = peer, .data = true, .counter = peer->sending->sending_counter});
	return true;
}

void transport_stage(struct sim_peer *peer, uint64_t payload)
{
	stage_push(&peer->stage, (void *)(uintptr_t)(payload + 1));
}

void transport_send(struct sim_peer *peer, uint64_t payload)
{
	transport_stage(peer, payload);
	while (can_send(peer) && send_oldest_staged(peer))
		;
	if (!peer->stage.count)
		return;
	endpoint_flush_notes(peer->owner);
	peer_needs_session(&peer->peer, peer->owner->world->now);
}

unsigned int transport_send_staged(void *context, struct peer *peer)
{
	struct sim_peer *to = sim_peer(peer);
	unsigned int count = 0;

	(void)context;
	while (send_oldest_staged(to))
		count++;
	return count;
}

void transport_drop_staged(void *context, struct peer *peer)
{
	(void)context;
	while (stage_pop(&sim_peer(peer)->stage))
		;
}

bool transport_send_keepalive(void *context, struct peer *peer)
{
	struct endpoint *endpoint = context;
	struct sim_peer *to = sim_peer(peer);

	if (!to->sending || !transport_can_send(to->sending, endpoint->world->now))
		return false;
	seal_and_send(to, (const uint8_t *)"", 0);
	return true;
}

void transport_begin_session(void *context, struct peer *peer,
			     const struct noise_session_keys *keys, uint64_t birth)
{
	struct endpoint *endpoint = context;
	struct index_slot *slot = endpoint_slot(endpoint, keys->local_index);

	if (!slot || slot->has_session || slot->peer != sim_peer(peer))
		world_fail(endpoint->world, "session with an index that is not reserved for it");
	if (birth > endpoint->world->now)
		world_fail(endpoint->world, "session born in the future");
	memcpy(&slot->sending_key, keys->sending_key, sizeof(slot->sending_key));
	memcpy(&slot->receiving_key, keys->receiving_key, sizeof(slot->receiving_key));
	slot->has_session = true;
	slot->remote_index = keys->remote_index;
	slot->birth = birth;
	slot->i_am_the_initiator = keys->i_am_the_initiator;
	slot->may_send = true;
	slot->sending_counter = 0;
	replay_init(&slot->received);
	if (slot->i_am_the_initiator)
		sim_peer(peer)->sending = slot;
	world_trace(endpoint->world, endpoint->who, "begins session %08x", slot->index);
}

static struct index_slot *session_slot(struct endpoint *endpoint, struct peer *peer,
				       uint32_t local_index)
{
	struct index_slot *slot = endpoint_slot(endpoint, local_index);

	if (!slot || !slot->has_session || slot->peer != sim_peer(peer))
		world_fail(endpoint->world, "no such session: %08x", local_index);
	return slot;
}

void transport_session_confirmed(void *context, struct peer *peer, uint32_t local_index)
{
	sim_peer(peer)->sending = session_slot(context, peer, local_index);
}

void transport_end_session(void *context, struct peer *peer, uint32_t local_index)
{
	struct index_slot *slot = session_slot(context, peer, local_index);

	if (sim_peer(peer)->sending == slot)
		sim_peer(peer)->sending = NULL;
	memset(slot, 0, sizeof(*slot));
}

void transport_stop_sending(void *context, struct peer *peer, uint32_t local_index)
{
	session_slot(context, peer, local_index)->may_send = false;
}

enum verdict transport_receive(struct endpoint *endpoint, const struct datagram *datagram)
{
	uint8_t bytes[DATAGRAM_MAX];
	struct message_data *message = (struct message_data *)bytes;
	size_t length = datagram->length;
	struct index_slot *slot;
	struct aead aead;
	uint64_t counter;

	if (length < MESSAGE_DATA_MINIMUM_LENGTH)
		return VERDICT_TOO_SHORT;
	memcpy(bytes, datagram->bytes, length);
	slot = endpoint_slot(endpoint, load_le32(message->receiver_index));
	if (!slot || !slot->has_session)
		return VERDICT_UNKNOWN_INDEX;
	counter = load_le64(message->counter);
	if (!can_receive(slot, counter))
		return VERDICT_EXPIRED;
	length -= MESSAGE_DATA_MINIMUM_LENGTH;
	if (!aead_open(&aead, &slot->receiving_key, counter, message->encrypted_data,
		       bytes + datagram->length, (uint32_t)length))
		return VERDICT_BAD_TAG;
	if (!replay_accept(&slot->received, counter))
		return VERDICT_REPLAYED;

	slot->peer->rx_bytes += datagram->length;
	slot->peer->address = datagram->from;
	slot->peer->has_address = true;
	if (length)
		world_arrived(endpoint->world, endpoint->who, message->encrypted_data, length);
	note((struct note){.peer = slot->peer,
			   .received = true,
			   .data = length > 0,
			   .local_index = slot->index});
	return VERDICT_DELIVERED;
}
