// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * network.c - follows the host: whether the tunnel is up, which addresses are ours, and by which interface and
 * from which address each peer is reached (kernel: socket.c, send4 and send6, which ask with every packet; we
 * ask when something changed).
 */
#include <agent/device.h>
#include <agent/log.h>
#include <datapath/hardware.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOPBACK_IFINDEX = 1,
	/* peers whose route is asked for between two looks at everything else */
	REROUTE_BATCH = 32,
};

/* ---- links --------------------------------------------------------------------------------------- */

int network_read_links(struct device *device)
{
	int error =
		netlink_get_link_by_index(device->netlink, device->hidden.ifindex, &device->hidden);

	if (error)
		return error;
	memcpy(device->value.inner_source, device->hidden.mac, sizeof(device->hidden.mac));
	visible_read(device);
	return datapath_set_tunnel(device->datapath, device->hidden.ifindex, &device->value);
}

static void look_at_links(struct device *device)
{
	bool up;

	if (network_read_links(device))
		return;
	/* the hidden end has carrier when the other one is up, wherever that is */
	up = device->hidden.is_up && device->hidden.has_carrier;
	if (up != device->value.is_up)
		device_set_up(device, up);
}

/* Attaching asks the driver; an MTU that is raised later not every driver refuses. Said once. */
static void look_at_mtu(struct device *device, const struct link_info *link, bool gone)
{
	bool is_told = device->too_large_ifindex == link->ifindex;

	if (gone || link->mtu <= ONE_PAGE_MTU ||
	    !datapath_receives_natively(device->datapath, link->ifindex)) {
		if (is_told)
			device->too_large_ifindex = 0;
		return;
	}
	device->too_large_ifindex = link->ifindex;
	if (!is_told)
		log_error("%s: MTU %u, and native mode: what is longer than a page may be lost by "
			  "the driver; 'wgxdp detach %s' and attach again",
			  link->name, link->mtu, link->name);
}

/* With GRO off the kernel drops what XDP redirects there, and what was not segmented cannot be sealed. */
static void keep_offloads(const struct link_info *visible)
{
	if (!netlink_keep_offloads(visible->name))
		log_error("the offloads of %s were changed, and are set back: it needs GRO, and "
			  "neither segmentation nor checksums",
			  visible->name);
}

static void link_changed(void *context, const struct link_info *link, bool gone)
{
	struct device *device = context;

	if (gone)
		device->follow.is_due = true;
	device->plain_ifindex = 0;
	datapath_interface_changed(device->datapath, link->ifindex, link->mac, gone);
	look_at_mtu(device, link, gone);
	if (link->ifindex == device->hidden.ifindex && gone) {
		device->is_gone = true;
		device->is_ending = true;
		return;
	}
	if (visible_is(device, link) && !gone)
		keep_offloads(link);
	if (link->ifindex == device->hidden.ifindex || visible_is(device, link))
		look_at_links(device);
}

/* 0 is any. */
static void far_link_changed(void *context, int ifindex, bool was_up)
{
	struct device *device = context;

	if (ifindex && ifindex != device->hidden.far_ifindex)
		return;
	if (!was_up)
		visible_far_went_down(device);
	look_at_links(device);
}

/* ---- addresses ----------------------------------------------------------------------------------- */

static struct local_address_key address_key(enum address_family family, const uint8_t *address)
{
	struct local_address_key key = {.family = family};

	memcpy(key.address, address, family == FAMILY_IPV4 ? 4 : 16);
	return key;
}

static void add_address(void *context, int ifindex, enum address_family family,
			const uint8_t *address)
{
	struct device *device = context;
	struct local_address_key key = address_key(family, address);

	if (datapath_add_local_address(device->datapath, &key, (uint32_t)ifindex))
		log_error("no room for another local address");
}

/* What there is; `keys` is NULL when there was no memory for one. */
struct address_list {
	struct device *device;
	struct local_address_key *keys;
	size_t count, room;
	bool is_complete;
};

static void list_address(void *context, int ifindex, enum address_family family,
			 const uint8_t *address)
{
	struct address_list *list = context;
	struct local_address_key *grown = list->keys;

	add_address(list->device, ifindex, family, address);
	if (list->count == list->room) {
		list->room = 2 * list->room + 16;
		grown = realloc(list->keys, list->room * sizeof(list->keys[0]));
	}
	list->is_complete &= grown != NULL;
	if (!list->is_complete)
		return;
	list->keys = grown;
	list->keys[list->count++] = address_key(family, address);
}

static int compare_listed(const void *a, const void *b)
{
	const struct local_address_key *one = a, *other = b;

	return memcmp(one, other, sizeof(*one));
}

static bool is_listed(void *context, const struct local_address_key *key)
{
	const struct address_list *list = context;

	return bsearch(key, list->keys, list->count, sizeof(*key), compare_listed);
}

/* Those that went while nobody looked go too. */
int network_read_addresses(struct device *device)
{
	struct address_list list = {.device = device, .is_complete = true};
	int error = netlink_for_each_address(device->netlink, list_address, &list);

	if (!error && list.is_complete && list.count) {
		qsort(list.keys, list.count, sizeof(list.keys[0]), compare_listed);
		datapath_prune_local_addresses(device->datapath, is_listed, &list);
	}
	free(list.keys);
	return error;
}

struct search {
	struct local_address_key wanted;
	int found_on;
};

static void compare_address(void *context, int ifindex, enum address_family family,
			    const uint8_t *address)
{
	struct search *search = context;
	struct local_address_key found = address_key(family, address);

	if (!memcmp(&found, &search->wanted, sizeof(found)))
		search->found_on = ifindex;
}

bool network_has_address(struct device *device, const struct local_address_key *address)
{
	struct search search = {.wanted = *address};

	return !netlink_for_each_address(device->netlink, compare_address, &search) &&
	       search.found_on;
}

static void address_changed(void *context, int ifindex, enum address_family family,
			    const uint8_t *address, bool gone)
{
	struct device *device = context;
	struct search search = {.wanted = address_key(family, address)};

	if (!gone) {
		add_address(device, ifindex, family, address);
	} else {
		/* another interface may have it too */
		netlink_for_each_address(device->netlink, compare_address, &search);
		if (search.found_on)
			add_address(device, search.found_on, family, address);
		else
			datapath_remove_local_address(device->datapath, &search.wanted);
	}
	network_reroute_all(device);
}

/* ---- routes -------------------------------------------------------------------------------------- */

enum source_rule {
	/* where the peer wrote to, whatever interface that was */
	SOURCE_AS_HEARD,
	/* if it is still ours and packets from it leave where they did */
	SOURCE_IF_UNCHANGED,
	SOURCE_CHOSEN_ANEW,
};

static bool has_source(const struct endpoint *endpoint)
{
	static const uint8_t none[sizeof(endpoint->local_address)];

	return memcmp(endpoint->local_address, none, sizeof(none)) != 0;
}

/* Routes of IPv4 are refused from an address that is not ours any more; those of IPv6 are not. */
static bool source_is_gone(const struct device *device, const struct endpoint *endpoint)
{
	struct local_address_key key = address_key(endpoint->family, endpoint->local_address);

	return endpoint->family == FAMILY_IPV6 && has_source(endpoint) &&
	       !datapath_has_local_address(device->datapath, &key);
}

/* For a tunnel that is bound to addresses. */
static bool may_send_from(const struct device *device, const struct local_address_key *address)
{
	for (unsigned int i = 0; i < device->value.bound_count; i++) {
		if (!memcmp(&device->value.bound_addresses[i], address, sizeof(*address)))
			return true;
	}
	return !device->value.bound_count;
}

/* For a tunnel that is bound: from the address the route prefers, if it may, else from the first of ours that has a
 * route. */
static int choose_bound_source(const struct device *device, struct endpoint *endpoint,
			       struct route_info *route, int error)
{
	struct local_address_key source = address_key(endpoint->family, route->source);

	if (!error && may_send_from(device, &source))
		return 0;
	for (unsigned int i = 0; i < device->value.bound_count; i++) {
		const struct local_address_key *bound = &device->value.bound_addresses[i];

		if (bound->family != endpoint->family ||
		    netlink_get_route(device->netlink, endpoint->family, endpoint->address,
				      bound->address, device->fwmark, route))
			continue;
		memcpy(endpoint->local_address, bound->address, sizeof(bound->address));
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* Whether the address it was last heard on cannot be kept. */
static bool must_leave_source(const struct device *device, const struct endpoint *endpoint,
			      enum source_rule rule)
{
	struct local_address_key source = address_key(endpoint->family, endpoint->local_address);

	return rule == SOURCE_CHOSEN_ANEW ||
	       (rule == SOURCE_IF_UNCHANGED && source_is_gone(device, endpoint)) ||
	       !may_send_from(device, &source);
}

/* Completes the endpoint. Without a route it has no interface, and the socket finds out why. */
static void find_way(struct device_peer *peer, struct endpoint *endpoint, enum source_rule rule)
{
	struct device *device = peer->device;
	uint32_t ifindex_before = endpoint->ifindex;
	struct route_info route = {0};
	int error;

	if (must_leave_source(device, endpoint, rule))
		memset(endpoint->local_address, 0, sizeof(endpoint->local_address));
	error = netlink_get_route(device->netlink, endpoint->family, endpoint->address,
				  endpoint->local_address, device->fwmark, &route);
	if (has_source(endpoint) &&
	    (error || (rule == SOURCE_IF_UNCHANGED && (uint32_t)route.ifindex != ifindex_before))) {
		memset(endpoint->local_address, 0, sizeof(endpoint->local_address));
		error = netlink_get_route(device->netlink, endpoint->family, endpoint->address,
					  endpoint->local_address, device->fwmark, &route);
	}
	peer->source_is_learned = has_source(endpoint);
	if (device->value.bound_count && !has_source(endpoint))
		error = choose_bound_source(device, endpoint, &route, error);
	peer->routed_at = boot_time();
	if (peer->way != (error ? 0 : route.ifindex)) {
		peer->way = error ? 0 : route.ifindex;
		device->follow.is_due = true;
	}
	peer->loops = !error && nesting_has_no_end(peer, endpoint, route.ifindex);
	/* what BPF cannot redirect, or must not, comes to us */
	endpoint->ifindex = error || peer->loops || route.ifindex == LOOPBACK_IFINDEX
				    ? 0
				    : (uint32_t)route.ifindex;
	endpoint->hop_limit = error ? 0 : route.hop_limit;
	if (!error && !has_source(endpoint))
		memcpy(endpoint->local_address, route.source, sizeof(route.source));
	if (peer->loops)
		log_error("peer %u: its endpoint is behind itself: routing loop", peer->id);
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !memcmp(a->port, b->port, sizeof(a->port)) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

static bool same_way(const struct endpoint *a, const struct endpoint *b)
{
	return a->ifindex == b->ifindex && a->hop_limit == b->hop_limit &&
	       !memcmp(a->local_address, b->local_address, sizeof(a->local_address));
}

int network_set_endpoint(struct device_peer *peer, const struct endpoint *endpoint, bool learned)
{
	struct endpoint wanted = *endpoint;
	struct peer_value value;
	int error = datapath_get_peer(peer->device->datapath, peer->id, &value);

	if (error)
		return error;
	monitor_endpoint(peer, endpoint, learned);
	if (learned && same_place(&value.endpoint, endpoint) &&
	    !memcmp(value.endpoint.local_address, endpoint->local_address,
		    sizeof(endpoint->local_address))) {
		/* a handshake is the time to see what nobody tells of: the default TTL */
		network_route(peer, false);
		return 0;
	}
	find_way(peer, &wanted, learned ? SOURCE_AS_HEARD : SOURCE_CHOSEN_ANEW);
	return datapath_set_endpoint(peer->device->datapath, peer->id, &wanted);
}

/* BPF may move the peer meanwhile; it tells, and this is done again. */
static void route_peer(struct device_peer *peer, enum source_rule rule)
{
	struct peer_value value;
	struct endpoint wanted;

	if (datapath_get_peer(peer->device->datapath, peer->id, &value) ||
	    value.endpoint.family == FAMILY_NONE)
		return;
	wanted = value.endpoint;
	find_way(peer, &wanted, rule);
	if (!same_way(&wanted, &value.endpoint))
		datapath_set_endpoint(peer->device->datapath, peer->id, &wanted);
}

void network_route(struct device_peer *peer, bool forget_source)
{
	route_peer(peer, forget_source || !peer->source_is_learned ? SOURCE_CHOSEN_ANEW
								   : SOURCE_AS_HEARD);
}

bool network_reroute_some(struct device *device)
{
	for (int i = 0; i < REROUTE_BATCH && device->reroute; i++) {
		struct device_peer *peer = device->reroute;

		device->reroute = TAILQ_NEXT(peer, of_device);
		route_peer(peer,
			   peer->source_is_learned ? SOURCE_IF_UNCHANGED : SOURCE_CHOSEN_ANEW);
	}
	return device->reroute != NULL;
}

void network_reroute_all(struct device *device)
{
	device->reroute = TAILQ_FIRST(&device->peers);
}

static void route_changed(void *context, int ifindex, uint32_t mtu)
{
	visible_route_changed(context, ifindex, mtu);
}

static void far_route_changed(void *context, int ifindex, uint32_t mtu)
{
	visible_far_route_changed(context, ifindex, mtu);
}

static void routes_changed(void *context)
{
	visible_routes_changed(context);
	network_reroute_all(context);
}

static void default_route_changed(void *context)
{
	struct device *device = context;

	device->follow.is_due = true;
}

/* Nobody knows what changed, or went. */
static void changes_lost(void *context)
{
	struct device *device = context;
	struct link_info link;

	log_verbose("changes of the network were lost: reading all of it");
	device->plain_ifindex = 0;
	if (netlink_get_link_by_index(device->netlink, device->hidden.ifindex, &link) == -ENODEV) {
		device->is_gone = true;
		device->is_ending = true;
		return;
	}
	device->follow.is_due = true;
	look_at_links(device);
	network_read_addresses(device);
}

const struct netlink_watch network_watch = {
	.changes_lost = changes_lost,
	.link_changed = link_changed,
	.address_changed = address_changed,
	.routes_changed = routes_changed,
	.route_changed = route_changed,
	.far_link_changed = far_link_changed,
	.far_route_changed = far_route_changed,
	.default_route_changed = default_route_changed,
};
