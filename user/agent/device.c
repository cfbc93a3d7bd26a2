// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * device.c - the peers of a tunnel, by each of their names, and their deadlines. What is here is also in the
 * data path's maps, and an addition that fails there leaves nothing here. Contract: device.h.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ------------------------------------------------------------------------------------- */

/* Public keys are random bits already. */
static uint64_t key_of_public_key(const uint8_t *public_key)
{
	return load_le64(public_key);
}

struct device_peer *device_find_peer(const struct device *device, const uint8_t *public_key)
{
	struct table_entry *entry =
		table_find(&device->by_public_key, key_of_public_key(public_key));

	for (; entry; entry = table_find_next(entry)) {
		struct device_peer *peer = TABLE_OWNER(entry, struct device_peer, by_public_key);

		if (crypto_equal(peer->peer.handshake.remote_static, public_key,
				 NOISE_PUBLIC_KEY_LENGTH))
			return peer;
	}
	return NULL;
}

struct device_peer *device_find_peer_by_id(const struct device *device, uint32_t id)
{
	struct table_entry *entry = table_find(&device->by_id, id);

	return entry ? TABLE_OWNER(entry, struct device_peer, by_id) : NULL;
}

/* ---- making and removing ------------------------------------------------------------------------- */

static int enter_peer(struct device *device, struct device_peer *peer)
{
	const uint8_t *public_key = peer->peer.handshake.remote_static;
	int error = deadlines_reserve(&device->deadlines, device->peer_count + 1);

	if (!error)
		error = table_insert(&device->by_id, &peer->by_id, peer->id);
	if (error)
		return error;
	error = table_insert(&device->by_public_key, &peer->by_public_key,
			     key_of_public_key(public_key));
	if (error) {
		table_remove(&device->by_id, &peer->by_id);
		return error;
	}
	TAILQ_INSERT_TAIL(&device->peers, peer, of_device);
	device->peer_count++;
	return 0;
}

static void free_peer(struct device_peer *peer)
{
	crypto_wipe(&peer->peer, sizeof(peer->peer));
	free(peer->told_verdicts);
	free(peer->name);
	free(peer->endpoint_name);
	free(peer);
}

int device_add_peer(struct device *device, const uint8_t public_key[static 32],
		    const uint8_t *preshared_key, uint32_t id, struct device_peer **peer)
{
	struct device_peer *made = calloc(1, sizeof(*made));
	int error = 0;

	if (!made)
		return -ENOMEM;
	made->device = device;
	made->id = id;
	made->deadline.when = DEADLINE_NEVER;
	made->notes_next = DEADLINE_NEVER;
	made->name_next = DEADLINE_NEVER;
	peer_init(&made->peer, &device->tunnel, public_key, preshared_key);
	if (!id)
		error = datapath_add_peer(device->datapath, device->hidden.ifindex, &made->id);
	if (!error) {
		error = enter_peer(device, made);
		if (error && !id)
			datapath_remove_peer(device->datapath, made->id);
	}
	if (error) {
		free_peer(made);
		return error;
	}
	*peer = made;
	return 0;
}

/* All that is here and nowhere else. */
static void forget_peer(struct device_peer *peer)
{
	struct device *device = peer->device;

	while (!LIST_EMPTY(&peer->allowed_prefixes)) {
		struct allowed_prefix *prefix = LIST_FIRST(&peer->allowed_prefixes);

		LIST_REMOVE(prefix, of_peer);
		table_remove(&device->by_prefix, &prefix->by_prefix);
		free(prefix);
	}
	while (!LIST_EMPTY(&peer->indices))
		device_forget_index(device, LIST_FIRST(&peer->indices));
	staged_drop(peer);
	if (peer->state_is_dirty)
		TAILQ_REMOVE(&device->dirty_peers, peer, dirty);
	if (peer->way)
		device->follow.is_due = true;
	if (device->reroute == peer)
		device->reroute = TAILQ_NEXT(peer, of_device);
	deadlines_set(&device->deadlines, &peer->deadline, DEADLINE_NEVER);
	table_remove(&device->by_id, &peer->by_id);
	table_remove(&device->by_public_key, &peer->by_public_key);
	TAILQ_REMOVE(&device->peers, peer, of_device);
	device->peer_count--;
	free_peer(peer);
}

/* The way in is closed first: nothing of the peer passes any more when this returns. */
void device_remove_peer(struct device_peer *peer)
{
	struct device *device = peer->device;
	uint32_t id = peer->id;

	monitor_peer(MONITOR_PEER_REMOVED, peer);
	device_disallow_all(peer);
	peer_remove(&peer->peer);
	datapath_remove_peer(device->datapath, id);
	forget_peer(peer);
	state_changed(device);
}

void device_free(struct device *device)
{
	while (!TAILQ_EMPTY(&device->peers))
		forget_peer(TAILQ_FIRST(&device->peers));
	table_free(&device->by_id);
	table_free(&device->by_public_key);
	table_free(&device->by_index);
	table_free(&device->by_prefix);
	deadlines_free(&device->deadlines);
	free(device->buckets);
	crypto_wipe(&device->tunnel, sizeof(device->tunnel));
}

static int set_text(char **field, const char *text)
{
	char *copy = NULL;

	if (text && *text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

int device_set_name(struct device_peer *peer, const char *text)
{
	return set_text(&peer->name, text);
}

int device_set_endpoint_name(struct device_peer *peer, const char *text)
{
	return set_text(&peer->endpoint_name, text);
}

/* ---- allowed IPs --------------------------------------------------------------------------------- */

static uint64_t key_of_prefix(const struct allowed_ip *allowed)
{
	uint8_t bytes[18];

	memcpy(bytes, allowed->address, sizeof(allowed->address));
	bytes[16] = (uint8_t)allowed->family;
	bytes[17] = allowed->prefix_length;
	return table_key(bytes, sizeof(bytes));
}

static struct allowed_prefix *find_prefix(const struct device *device,
					  const struct allowed_ip *allowed)
{
	struct table_entry *entry = table_find(&device->by_prefix, key_of_prefix(allowed));

	for (; entry; entry = table_find_next(entry)) {
		struct allowed_prefix *prefix =
			TABLE_OWNER(entry, struct allowed_prefix, by_prefix);

		if (prefix->family == allowed->family &&
		    prefix->prefix_length == allowed->prefix_length &&
		    !memcmp(prefix->address, allowed->address, sizeof(prefix->address)))
			return prefix;
	}
	return NULL;
}

int device_restore_allowed(struct device_peer *peer, const struct allowed_ip *allowed)
{
	struct device *device = peer->device;
	struct allowed_prefix *prefix = find_prefix(device, allowed);

	if (prefix) {
		LIST_REMOVE(prefix, of_peer);
	} else {
		prefix = calloc(1, sizeof(*prefix));
		if (!prefix)
			return -ENOMEM;
		prefix->family = allowed->family;
		prefix->prefix_length = allowed->prefix_length;
		memcpy(prefix->address, allowed->address, sizeof(prefix->address));
		if (table_insert(&device->by_prefix, &prefix->by_prefix, key_of_prefix(allowed))) {
			free(prefix);
			return -ENOMEM;
		}
	}
	prefix->peer = peer;
	LIST_INSERT_HEAD(&peer->allowed_prefixes, prefix, of_peer);
	return 0;
}

static void forget_prefix(struct device *device, struct allowed_prefix *prefix)
{
	datapath_remove_allowed_ip(device->datapath, device->hidden.ifindex, prefix->family,
				   prefix->address, prefix->prefix_length);
	LIST_REMOVE(prefix, of_peer);
	table_remove(&device->by_prefix, &prefix->by_prefix);
	free(prefix);
}

int device_allow(struct device_peer *peer, const struct allowed_ip *allowed)
{
	struct device *device = peer->device;
	struct allowed_prefix *before = find_prefix(device, allowed);
	int error;

	if (before && before->peer == peer)
		return 0;
	error = datapath_set_allowed_ip(device->datapath, device->hidden.ifindex, peer->id,
					allowed->family, allowed->address, allowed->prefix_length);
	if (!error)
		error = device_restore_allowed(peer, allowed);
	if (error == -ENOMEM && !before)
		datapath_remove_allowed_ip(device->datapath, device->hidden.ifindex,
					   allowed->family, allowed->address,
					   allowed->prefix_length);
	return error;
}

void device_disallow(struct device_peer *peer, const struct allowed_ip *allowed)
{
	struct allowed_prefix *prefix = find_prefix(peer->device, allowed);

	if (prefix && prefix->peer == peer)
		forget_prefix(peer->device, prefix);
}

void device_disallow_all(struct device_peer *peer)
{
	while (!LIST_EMPTY(&peer->allowed_prefixes))
		forget_prefix(peer->device, LIST_FIRST(&peer->allowed_prefixes));
}

/* ---- running ------------------------------------------------------------------------------------- */

void device_set_identity(struct device *device, const uint8_t *private_key)
{
	tunnel_set_private_key(&device->tunnel, private_key);
	device->value.has_identity = device->tunnel.identity.has_identity;
	cookie_prepare_mac1_key(&device->value.mac1_key, &device->tunnel.cookie_checker);
	device->value.cookie_birth = 0;
}

void device_set_up(struct device *device, bool up)
{
	struct device_peer *peer;

	device->value.is_up = up;
	datapath_set_tunnel(device->datapath, device->hidden.ifindex, &device->value);
	log_verbose("the interface is %s", up ? "up" : "down");
	monitor_device(up ? MONITOR_UP : MONITOR_DOWN, device);
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		if (up)
			peer_start(&peer->peer, boot_time());
		else
			peer_stop(&peer->peer);
		state_peer_changed(peer);
	}
}

void device_schedule(struct device_peer *peer)
{
	uint64_t when = peer_next_deadline(&peer->peer);

	if (when > peer->notes_next)
		when = peer->notes_next;
	if (when > peer->name_next)
		when = peer->name_next;
	deadlines_set(&peer->device->deadlines, &peer->deadline, peer->notes_are_due ? 0 : when);
}

uint64_t device_run_deadlines(struct device *device)
{
	struct deadline *first;
	uint64_t now = boot_time();

	while ((first = deadlines_first(&device->deadlines)) && first->when <= now) {
		struct device_peer *peer = TABLE_OWNER(first, struct device_peer, deadline);

		peer->notes_are_due = false;
		notes_sync(peer, now);
		peer_tick(&peer->peer, now);
		names_run(peer, now);
		device_schedule(peer);
	}
	return first ? first->when : DEADLINE_NEVER;
}
