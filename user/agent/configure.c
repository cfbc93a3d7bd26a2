// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * configure.c - one set request applied, and the answer to a get (kernel: netlink.c, wg_set_device and
 * wg_get_device_dump, whose order this is). What can be refused is tried first.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Peers that are removed between two looks at everything else. */
enum { REMOVED_AT_ONCE = 256 };

/* ---- the device itself --------------------------------------------------------------------------- */

/* Each socket of ours keeps its place in memory, for the loop's sake. */
static int move_sockets(struct device *device, const struct udp *fresh)
{
	struct udp *udp = &device->udp;
	int error = 0;

	for (unsigned int i = 0; i < udp->count; i++)
		loop_remove(&device->loop, &udp->sockets[i].waiter);
	udp_close(udp);
	for (unsigned int i = 0; i < fresh->count && !error; i++) {
		udp->sockets[i].waiter.fd = fresh->sockets[i].waiter.fd;
		udp->sockets[i].address = fresh->sockets[i].address;
		udp->count++;
		error = loop_add(&device->loop, &udp->sockets[i].waiter, EPOLLIN);
	}
	udp->port = fresh->port;
	return error;
}

/* On the addresses that the tunnel's value says. */
static int open_sockets(struct device *device, uint16_t port)
{
	const struct udp_place place = {
		.port = port,
		.fwmark = device->fwmark,
		.addresses = device->value.bound_addresses,
		.count = device->value.bound_count,
	};
	struct udp fresh = {.count = 0};
	int error = udp_open(&fresh, &place);

	if (error)
		return error;
	error = datapath_move_port(device->datapath, device->hidden.ifindex, device->udp.port,
				   fresh.port);
	if (error) {
		udp_close(&fresh);
		return error;
	}
	device->value.port[0] = fresh.port >> 8;
	device->value.port[1] = fresh.port & 0xff;
	log_verbose("listening on port %u", fresh.port);
	return move_sockets(device, &fresh);
}

int device_listen(struct device *device, uint16_t port)
{
	return port && port == device->udp.port ? 0 : open_sockets(device, port);
}

static void take_addresses(struct tunnel_value *value, const struct local_address_key *addresses,
			   uint16_t count)
{
	memset(value->bound_addresses, 0, sizeof(value->bound_addresses));
	memcpy(value->bound_addresses, addresses, count * sizeof(addresses[0]));
	value->bound_count = count;
}

/* With a port of its own the old sockets go when the new ones are there; on the same port they stand side by side for a
 * moment, so that nothing that arrives meanwhile finds nobody. */
static int bind_to(struct device *device, const struct device_config *config)
{
	struct tunnel_value before = device->value;
	uint16_t port = config->has_listen_port ? config->listen_port : device->udp.port;
	int error = 0;

	if (before.bound_count == config->bound_count &&
	    !memcmp(before.bound_addresses, config->bound_addresses,
		    config->bound_count * sizeof(config->bound_addresses[0])))
		return config->has_listen_port ? device_listen(device, port) : 0;
	for (unsigned int i = 0; i < config->bound_count && !error; i++)
		error = network_has_address(device, &config->bound_addresses[i]) ? 0
										 : -EADDRNOTAVAIL;
	if (error)
		return error;
	take_addresses(&device->value, config->bound_addresses, config->bound_count);
	udp_share_port(&device->udp, true);
	error = open_sockets(device, port);
	if (error) {
		udp_share_port(&device->udp, false);
		take_addresses(&device->value, before.bound_addresses, before.bound_count);
		return error;
	}
	network_reroute_all(device);
	return 0;
}

static int set_fwmark(struct device *device, uint32_t fwmark)
{
	int error = udp_set_mark(&device->udp, fwmark);

	if (error)
		return error;
	device->fwmark = fwmark;
	device->value.fwmark = fwmark;
	network_reroute_all(device);
	return 0;
}

/* BPF has the new key before anything is sent with it: the answers must come through. */
static int change_identity(struct device *device, const uint8_t *private_key)
{
	struct noise_identity before = device->tunnel.identity;
	int error;

	device_set_identity(device, private_key);
	error = datapath_set_tunnel(device->datapath, device->hidden.ifindex, &device->value);
	if (error)
		device_set_identity(device, before.has_identity ? before.static_private : NULL);
	crypto_wipe(&before, sizeof(before));
	return error;
}

static int set_private_key(struct device *device, const uint8_t *private_key)
{
	struct noise_identity wanted;
	struct device_peer *peer, *ourselves;
	bool is_same;
	int error;

	noise_set_identity(&wanted, private_key);
	is_same = wanted.has_identity == device->tunnel.identity.has_identity &&
		  crypto_equal(wanted.static_private, device->tunnel.identity.static_private,
			       NOISE_PUBLIC_KEY_LENGTH);
	crypto_wipe(&wanted, sizeof(wanted));
	if (is_same)
		return 0;
	error = change_identity(device, private_key);
	if (error)
		return error;
	ourselves = device_find_peer(device, device->tunnel.identity.static_public);
	if (ourselves && device->tunnel.identity.has_identity)
		device_remove_peer(ourselves);
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		peer_identity_changed(&peer->peer, boot_time());
		if (peer->stage)
			peer_needs_session(&peer->peer, boot_time());
	}
	return 0;
}

/* ---- peers --------------------------------------------------------------------------------------- */

static bool is_ourselves(const struct device *device, const uint8_t *public_key)
{
	return device->tunnel.identity.has_identity &&
	       crypto_equal(device->tunnel.identity.static_public, public_key,
			    NOISE_PUBLIC_KEY_LENGTH);
}

static int change_allowed_ips(struct device_peer *peer, const struct peer_config *config)
{
	int error = 0;

	if (config->replace_allowed_ips)
		device_disallow_all(peer);
	for (size_t i = 0; i < config->allowed_ip_count && !error; i++) {
		if (config->allowed_ips[i].remove)
			device_disallow(peer, &config->allowed_ips[i]);
		else
			error = device_allow(peer, &config->allowed_ips[i]);
	}
	return error;
}

/* The keepalive comes last: it sends at once, and by then all else must be there. */
static int change_peer(struct device_peer *peer, const struct peer_config *config)
{
	int error = 0;

	if (config->has_name)
		error = device_set_name(peer, config->name);
	if (!error && (config->has_endpoint || config->endpoint_name[0]))
		error = device_set_endpoint_name(peer, config->endpoint_name);
	if (error)
		return error;
	if (config->has_preshared_key)
		peer_set_preshared_key(&peer->peer, config->preshared_key);
	/* first: whether it can be reached there depends on what it may be sent */
	error = change_allowed_ips(peer, config);
	if (!error && config->has_endpoint)
		error = network_set_endpoint(peer, &config->endpoint, false);
	if (config->has_roaming)
		peer->stays = config->stays;
	if (config->has_limit)
		peer->limit = config->limit;
	if (!error && (config->has_roaming || config->has_limit))
		error = datapath_set_rules(peer->device->datapath, peer->id,
					   peer->stays ? PEER_STAYS : 0, peer->limit / 8);
	if (config->has_endpoint || config->endpoint_name[0]) {
		peer->name_asked = 0;
		names_schedule(peer);
	}
	if (error)
		return error;
	if (!config->has_endpoint && (config->replace_allowed_ips || config->allowed_ip_count))
		network_route(peer, false);
	if (config->has_keepalive) {
		peer->keepalive = config->keepalive;
		peer_set_persistent_keepalive(&peer->peer, config->keepalive, boot_time());
	}
	/* staged packets may have waited for what was changed */
	if (peer->stage)
		peer_needs_session(&peer->peer, boot_time());
	return 0;
}

static int set_peer(struct device *device, const struct peer_config *config)
{
	struct device_peer *peer = device_find_peer(device, config->public_key);
	bool is_new = !peer;
	int error;

	if (peer && config->remove) {
		device_remove_peer(peer);
		return 0;
	}
	if (is_new) {
		if (config->remove || config->update_only ||
		    is_ourselves(device, config->public_key))
			return 0;
		error = device_add_peer(device, config->public_key, NULL, 0, &peer);
		if (error)
			return error;
		peer->added_by = device->change;
		monitor_peer(MONITOR_PEER_ADDED, peer);
		if (device->value.is_up)
			peer_start(&peer->peer, boot_time());
	}
	error = change_peer(peer, config);
	if (error && is_new)
		device_remove_peer(peer);
	return error;
}

/* ---- a change ------------------------------------------------------------------------------------ */

void device_count_demand(const struct device *device, const struct device_config *piece,
			 struct device_demand *demand)
{
	for (size_t i = 0; i < piece->peer_count; i++) {
		const struct peer_config *config = &piece->peers[i];
		const struct device_peer *peer = device_find_peer(device, config->public_key);

		if (config->remove) {
			demand->removed_peers += peer != NULL;
		} else if (!config->update_only) {
			demand->peers++;
			demand->new_peers += !peer;
		}
		for (size_t j = 0; j < config->allowed_ip_count; j++)
			demand->allowed_ips[config->allowed_ips[j].family == FAMILY_IPV6] +=
				!config->allowed_ips[j].remove;
	}
}

/* Prefixes may be there already, and so they count only where all is replaced. */
int device_has_room(const struct device *device, bool replace_peers,
		    const struct device_demand *demand)
{
	const struct datapath_limits *limits = &device->limits;
	size_t peers = replace_peers
			       ? demand->peers
			       : device->peer_count - demand->removed_peers + demand->new_peers;

	if (demand->new_peers && peers > limits->peers) {
		log_error("no room for %zu peers: %u is the most (--max-peers)", peers,
			  limits->peers);
		return -ENOSPC;
	}
	if (!replace_peers)
		return 0;
	for (int i = 0; i < 2; i++) {
		if (demand->allowed_ips[i] <= limits->allowed_ips)
			continue;
		log_error(
			"no room for %zu allowed IPs of IPv%c: %u is the most (--max-allowed-ips)",
			demand->allowed_ips[i], i ? '6' : '4', limits->allowed_ips);
		return -ENOSPC;
	}
	return 0;
}

bool device_remove_some(struct device *device)
{
	for (int i = 0; i < REMOVED_AT_ONCE && !TAILQ_EMPTY(&device->peers); i++)
		device_remove_peer(TAILQ_FIRST(&device->peers));
	return !TAILQ_EMPTY(&device->peers);
}

/* They are the last in the list. */
static void remove_added(struct device *device)
{
	struct device_peer *last;

	while ((last = TAILQ_LAST(&device->peers, device_peers)) &&
	       last->added_by == device->change)
		device_remove_peer(last);
}

int device_change_peers(struct device *device, const struct device_config *piece)
{
	int error = 0;

	for (size_t i = 0; i < piece->peer_count && !error; i++)
		error = set_peer(device, &piece->peers[i]);
	if (error) {
		remove_added(device);
		log_error("configuration is not complete: %s", strerror(-error));
	}
	return error;
}

void device_end_change(struct device *device)
{
	device->is_changing = false;
	state_changed(device);
}

/* The socket and the data path can refuse a port or a mark, a key only for want of memory. */
int device_begin_change(struct device *device, const struct device_config *config)
{
	int error = 0;

	device->change++;
	if (config->has_bound_addresses)
		error = bind_to(device, config);
	else if (config->has_listen_port)
		error = device_listen(device, config->listen_port);
	if (!error && config->has_fwmark)
		error = set_fwmark(device, config->fwmark);
	if (!error && config->has_mss_limit)
		device->value.mss_limit = config->mss_limit;
	if (!error)
		error = datapath_set_tunnel(device->datapath, device->hidden.ifindex,
					    &device->value);
	if (!error && config->has_private_key)
		error = set_private_key(device, config->private_key);
	if (!error)
		state_begin_change(device);
	return error;
}

int device_configure(struct device *device, const struct device_config *config)
{
	int error = device_begin_change(device, config);

	if (error)
		return error;
	while (config->replace_peers && device_remove_some(device))
		;
	error = device_change_peers(device, config);
	device_end_change(device);
	return error;
}

/* ---- get ----------------------------------------------------------------------------------------- */

/* A handshake is remembered by boot time, but told by the wall clock. */
static void describe_handshake(struct peer_config *config, uint64_t completed)
{
	struct timespec wall;
	uint64_t nanoseconds;

	if (!completed)
		return;
	clock_gettime(CLOCK_REALTIME, &wall);
	nanoseconds = SECONDS(wall.tv_sec) + (uint64_t)wall.tv_nsec - (boot_time() - completed);
	config->last_handshake_seconds = nanoseconds / NANOSECONDS_PER_SECOND;
	config->last_handshake_nanoseconds = nanoseconds % NANOSECONDS_PER_SECOND;
}

static int describe_allowed_ips(const struct device_peer *peer, struct peer_config *config)
{
	const struct allowed_prefix *prefix;
	size_t count;

	LIST_FOREACH(prefix, &peer->allowed_prefixes, of_peer)
	{
		struct allowed_ip *allowed = config_add_allowed_ip(config);

		if (!allowed)
			return -ENOMEM;
		allowed->family = prefix->family;
		allowed->prefix_length = prefix->prefix_length;
		memcpy(allowed->address, prefix->address, sizeof(allowed->address));
	}
	/* the list begins with the last one: told in the order they were given, a saved file stays as it is */
	count = config->allowed_ip_count;
	for (size_t i = 0; i < count / 2; i++) {
		struct allowed_ip swapped = config->allowed_ips[i];

		config->allowed_ips[i] = config->allowed_ips[count - 1 - i];
		config->allowed_ips[count - 1 - i] = swapped;
	}
	return 0;
}

int device_describe_peer(const struct device_peer *peer, struct device_config *device)
{
	const struct noise_handshake *handshake = &peer->peer.handshake;
	struct peer_config *config = config_add_peer(device);
	struct peer_value value;

	if (!config)
		return -ENOMEM;
	memcpy(config->public_key, handshake->remote_static, sizeof(config->public_key));
	if (peer->name)
		snprintf(config->name, sizeof(config->name), "%s", peer->name);
	if (peer->endpoint_name)
		snprintf(config->endpoint_name, sizeof(config->endpoint_name), "%s",
			 peer->endpoint_name);
	config->stays = peer->stays;
	config->limit = peer->limit;
	config->has_preshared_key = true;
	memcpy(config->preshared_key, handshake->preshared_key, sizeof(config->preshared_key));
	config->has_keepalive = true;
	config->keepalive = peer->keepalive;
	describe_handshake(config, peer->peer.last_handshake_completed);
	if (!datapath_get_peer(peer->device->datapath, peer->id, &value)) {
		config->has_endpoint = value.endpoint.family != FAMILY_NONE;
		config->endpoint = value.endpoint;
		config->received_bytes = value.received_bytes;
		config->sent_bytes = value.sent_bytes;
		config->received_packets = value.received_packets;
		config->sent_packets = value.sent_packets;
		memcpy(config->verdicts, value.verdicts, sizeof(config->verdicts));
	}
	return describe_allowed_ips(peer, config);
}

struct interface_list {
	struct device *device;
	struct device_config *config;
	int error;
};

static void describe_interface(void *context, int ifindex, enum attach_mode mode)
{
	struct interface_list *list = context;
	struct interface_config *interface;
	struct link_info link;

	if (netlink_get_link_by_index(list->device->netlink, ifindex, &link))
		return;
	interface = config_add_interface(list->config);
	if (!interface) {
		list->error = -ENOMEM;
		return;
	}
	memcpy(interface->name, link.name, sizeof(interface->name));
	interface->is_generic = mode == ATTACH_GENERIC;
}

int device_describe(struct device *device, struct device_config *config)
{
	struct interface_list interfaces = {.device = device, .config = config};
	const struct noise_identity *identity = &device->tunnel.identity;

	*config = (struct device_config){
		.has_private_key = identity->has_identity,
		.has_listen_port = true,
		.listen_port = device->udp.port,
		.has_fwmark = device->fwmark != 0,
		.fwmark = device->fwmark,
		.is_up = device->value.is_up,
		.mss_limit = device->value.mss_limit,
		.bound_count = device->value.bound_count,
	};
	memcpy(config->bound_addresses, device->value.bound_addresses,
	       sizeof(config->bound_addresses));
	if (identity->has_identity)
		memcpy(config->private_key, identity->static_private, sizeof(config->private_key));
	receive_get_counters(device, config->verdicts);
	datapath_for_each_interface(device->datapath, describe_interface, &interfaces);
	return interfaces.error;
}
