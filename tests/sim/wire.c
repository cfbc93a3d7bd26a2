// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * wire.c - the simulated network. See wire.h.
 */
#include "wire.h"

#include <stdlib.h>

#include "world.h"

struct cookie_source wire_address(uint8_t host, uint16_t port)
{
	return (struct cookie_source){
		.address = {192, 0, 2, host},
		.address_length = 4,
		.port = {port >> 8, port & 0xff},
	};
}

bool wire_same_address(const struct cookie_source *a, const struct cookie_source *b)
{
	return a->address_length == b->address_length &&
	       !memcmp(a->address, b->address, a->address_length) &&
	       !memcmp(a->port, b->port, sizeof(a->port));
}

enum kind wire_kind(const void *bytes, size_t length)
{
	uint32_t type = load_le32(bytes);

	return type == MESSAGE_DATA && length == MESSAGE_DATA_MINIMUM_LENGTH ? KIND_KEEPALIVE
									     : (enum kind)type;
}

const char *wire_kind_name(enum kind kind)
{
	static const char *const names[] = {
		[KIND_INITIATION] = "initiation", [KIND_RESPONSE] = "response",
		[KIND_COOKIE] = "cookie reply",   [KIND_DATA] = "data",
		[KIND_KEEPALIVE] = "keepalive",
	};

	return kind >= KIND_INITIATION && kind <= KIND_KEEPALIVE ? names[kind] : "unknown";
}

static const struct sent *log_datagram(struct world *world, enum who from,
				       const struct datagram *datagram)
{
	struct wire *wire = &world->wire;
	struct sent *sent;

	if (wire->logged == wire->log_capacity) {
		wire->log_capacity = wire->log_capacity ? 2 * wire->log_capacity : 64;
		wire->log = world_resize(wire->log, wire->log_capacity, sizeof(*wire->log));
	}
	sent = &wire->log[wire->logged++];
	sent->when = world->now;
	sent->from = from;
	sent->kind = wire_kind(datagram->bytes, datagram->length);
	sent->datagram = *datagram;
	return sent;
}

static bool happens(struct world *world, unsigned int per_mille)
{
	return per_mille && world_random(world) % 1000 < per_mille;
}

static void carry(struct world *world, const struct datagram *datagram, uint64_t lag)
{
	struct wire *wire = &world->wire;
	struct datagram *copy = world_resize(NULL, 1, sizeof(*copy));
	uint64_t arrival = world->now + wire->delay;

	*copy = *datagram;
	if (wire->jitter)
		arrival += world_random(world) % (wire->jitter + 1);
	if (lag)
		arrival += world_random(world) % (lag + 1);
	if (happens(world, wire->corruption)) {
		uint64_t bit = world_random(world) % (8 * copy->length);

		copy->bytes[bit / 8] ^= 1u << (bit % 8);
		wire->corrupted++;
	}
	if (arrival < wire->newest_arrival)
		wire->reordered++;
	else
		wire->newest_arrival = arrival;
	world_schedule(world,
		       (struct event){.when = arrival, .kind = EVENT_ARRIVAL, .datagram = copy});
}

void wire_send(struct world *world, enum who from, const struct cookie_source *source,
	       const struct cookie_source *destination, const void *bytes, size_t length)
{
	struct datagram datagram = {.from = *source, .to = *destination, .length = length};
	struct wire *wire = &world->wire;
	const struct sent *sent;

	if (length > sizeof(datagram.bytes))
		world_fail(world, "datagram of %zu bytes", length);
	memcpy(datagram.bytes, bytes, length);
	sent = log_datagram(world, from, &datagram);
	world_trace(world, from, "sends %s (%zu)", wire_kind_name(sent->kind), length);

	if ((wire->drop[from] & ONLY(sent->kind)) || happens(world, wire->loss)) {
		wire->lost++;
		return;
	}
	carry(world, &datagram, 0);
	if (happens(world, wire->duplicates)) {
		carry(world, &datagram, wire->duplicate_lag);
		wire->duplicated++;
	}
}
