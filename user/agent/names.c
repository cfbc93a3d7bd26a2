// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * names.c - endpoints that are host names: asked for again when the peer does not answer where it was, for as long as
 * it does not, since the name may mean another address by now. The resolver waits elsewhere (resolve.h).
 */
#include <agent/device.h>
#include <agent/log.h>
#include <agent/resolve.h>
#include <util/encoding.h>

#include <string.h>

/* Between two questions for one peer. */
#define ASK_AGAIN_AFTER SECONDS(15)

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !memcmp(a->port, b->port, sizeof(a->port)) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

/* The peer is the one it was, and still goes by that name. */
static void answered(void *context, uint32_t id, const char *text, const struct endpoint *endpoint,
		     const char *why)
{
	struct device *device = context;
	struct device_peer *peer = device_find_peer_by_id(device, id);
	char address[ADDRESS_TEXT_LENGTH];
	struct peer_value value;

	if (!peer || !peer->endpoint_name || strcmp(peer->endpoint_name, text) != 0)
		return;
	peer->name_is_asked_for = false;
	if (!endpoint) {
		log_error("peer %u: '%s' cannot be resolved: %s", id, text, why);
		return;
	}
	if (datapath_get_peer(device->datapath, id, &value) ||
	    same_place(&value.endpoint, endpoint))
		return;
	endpoint_to_text(address, endpoint);
	log_verbose("peer %u: '%s' is %s now", id, text, address);
	network_set_endpoint(peer, endpoint, false);
	if (peer->stage)
		peer_needs_session(&peer->peer, boot_time());
}

/* Until the peer has an endpoint no handshake tells that it is time. */
void names_schedule(struct device_peer *peer)
{
	struct peer_value value;

	peer->name_next = DEADLINE_NEVER;
	if (peer->endpoint_name && !datapath_get_peer(peer->device->datapath, peer->id, &value) &&
	    value.endpoint.family == FAMILY_NONE)
		peer->name_next = peer->name_asked ? peer->name_asked + ASK_AGAIN_AFTER : 0;
	device_schedule(peer);
}

void names_ask(struct device_peer *peer)
{
	struct device *device = peer->device;
	uint64_t now = boot_time();

	if (!peer->endpoint_name || peer->name_is_asked_for ||
	    (peer->name_asked && now < peer->name_asked + ASK_AGAIN_AFTER))
		return;
	if (!device->resolver &&
	    resolver_open(&device->resolver, &device->loop, answered, device)) {
		log_error("names cannot be resolved");
		return;
	}
	peer->name_is_asked_for = resolver_ask(device->resolver, peer->id, peer->endpoint_name);
	peer->name_asked = now;
}

void names_run(struct device_peer *peer, uint64_t now)
{
	if (peer->name_next > now)
		return;
	names_ask(peer);
	/* a question that waits for its answer is not asked again, but looked after */
	peer->name_asked = now;
	names_schedule(peer);
}
