// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * forge.c - handshake messages by nobody in particular. See forge.h.
 */
#include "forge.h"

static bool reserve_index(void *context, struct noise_handshake *handshake, uint32_t *index)
{
	struct forger *forger = context;

	(void)handshake;
	*index = forger->next_index++;
	return true;
}

static void release_index(void *context, uint32_t index)
{
	(void)context;
	(void)index;
}

void forger_init(struct forger *forger, struct world *world, const uint8_t *private_key,
		 enum who target)
{
	const uint8_t *public_key = world->endpoints[target].tunnel.identity.static_public;

	*forger = (struct forger){
		.world = world,
		.target = target,
		.address = wire_address(77, 7777),
		.next_index = 0x77000000,
	};
	forger->indices = (struct noise_index_allocator){
		.reserve = reserve_index,
		.release = release_index,
		.context = forger,
	};
	noise_set_identity(&forger->identity, private_key);
	noise_handshake_init(&forger->handshake, public_key, NULL);
	cookie_maker_init(&forger->cookie_maker, forger->handshake.remote_static);
}

static struct datagram finish(struct forger *forger, void *message, size_t length)
{
	struct datagram datagram = {
		.from = forger->address,
		.to = forger->world->endpoints[forger->target].address,
		.length = length,
	};

	cookie_add_macs(&forger->cookie_maker, message, length, forger->world->now);
	memcpy(datagram.bytes, message, length);
	return datagram;
}

struct datagram forge_initiation(struct forger *forger)
{
	struct message_handshake_initiation message = {0};
	uint8_t ephemeral_random[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t timestamp[NOISE_TIMESTAMP_LENGTH];

	/* A second ahead: greater than what the one whose key this is has sent up to now. */
	noise_tai64n(timestamp, 1700000001 + forger->world->now / NANOSECONDS_PER_SECOND,
		     forger->world->now % NANOSECONDS_PER_SECOND);
	world_random_bytes(forger->world, ephemeral_random, sizeof(ephemeral_random));
	expect(forger->world,
	       noise_create_initiation(&message, &forger->handshake, &forger->identity,
				       &forger->indices, ephemeral_random, timestamp));
	return finish(forger, &message, sizeof(message));
}

struct datagram forge_response(struct forger *forger, uint32_t receiver_index)
{
	struct message_handshake_response message;

	world_random_bytes(forger->world, &message, sizeof(message));
	store_le32(message.type, MESSAGE_HANDSHAKE_RESPONSE);
	store_le32(message.receiver_index, receiver_index);
	return finish(forger, &message, sizeof(message));
}

enum verdict inject(struct world *world, enum who at, const struct datagram *datagram)
{
	uint64_t before[VERDICT_COUNT];
	uint64_t *after = world->endpoints[at].verdicts;

	memcpy(before, after, sizeof(before));
	world_inject(world, datagram);
	for (unsigned int i = 0; i < VERDICT_COUNT; i++)
		if (after[i] != before[i])
			return i;
	world_fail(world, "%s did not receive it", world_name(at));
}
