// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * follow.c - receives where packets of peers arrive: on the interfaces that the routes to their endpoints leave by,
 * and on those of the default routes, where strangers and peers on the move come from. For a tunnel that nobody
 * attached by hand. What does not arrive there takes the slow way, by the agent's socket.
 *
 * An interface that routes no longer lead to is let go when this is the only tunnel; else others may want it.
 */
#include <agent/device.h>
#include <agent/log.h>

#include <string.h>

struct wanted {
	int ifindices[FOLLOWED_MAX];
	size_t count;
};

static bool is_wanted(const struct wanted *wanted, int ifindex)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->ifindices[i] == ifindex)
			return true;
	}
	return false;
}

static void want(void *context, int ifindex)
{
	struct wanted *wanted = context;

	if (ifindex > 0 && wanted->count < FOLLOWED_MAX && !is_wanted(wanted, ifindex))
		wanted->ifindices[wanted->count++] = ifindex;
}

static bool is_followed(const struct follow *follow, int ifindex)
{
	for (size_t i = 0; i < follow->count; i++) {
		if (follow->interfaces[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* Frames with addresses, from outside: not loopback, not a tunnel's end, ours or another's. */
static bool is_suitable(const struct device *device, const struct link_info *link)
{
	struct link_info peer;
	char hidden[IFNAMSIZ];
	uint8_t has_address = 0;

	for (size_t i = 0; i < sizeof(link->mac); i++)
		has_address |= link->mac[i];
	if (!has_address)
		return false;
	return !link->peer_ifindex || netlink_hidden_name(hidden, link->name) ||
	       netlink_get_link_by_index(device->netlink, link->peer_ifindex, &peer) ||
	       strcmp(peer.name, hidden) != 0;
}

struct search {
	int wanted;
	bool found;
};

static void compare(void *context, int ifindex, enum attach_mode mode)
{
	struct search *search = context;

	(void)mode;
	search->found |= ifindex == search->wanted;
}

/* False when it was not, or was there already. */
static bool attach(struct device *device, int ifindex)
{
	struct search search = {.wanted = ifindex};
	const char *why = NULL;
	enum attach_mode used;
	struct link_info link;
	uint32_t foreign = 0;
	int error = netlink_get_link_by_index(device->netlink, ifindex, &link);

	if (error || !is_suitable(device, &link))
		return false;
	datapath_for_each_interface(device->datapath, compare, &search);
	if (search.found)
		return false;
	error = datapath_attach(device->datapath, &link, ATTACH_AUTO, &used, &why, &foreign);
	if (foreign)
		log_error(
			"%s: has another XDP program, id %u: what arrives there goes the slow way",
			link.name, foreign);
	else if (error)
		log_error("%s: cannot receive there, what arrives goes the slow way: %s", link.name,
			  why ? why : strerror(-error));
	else
		log_verbose("%s: receives there, %s mode", link.name,
			    used == ATTACH_GENERIC ? "generic" : "native");
	return !error;
}

static void let_go(struct device *device, const struct followed_interface *interface)
{
	if (!interface->was_attached || datapath_count_tunnels(device->datapath) != 1)
		return;
	log_verbose("interface %d: no route leads there any more", interface->ifindex);
	datapath_detach(device->datapath, interface->ifindex);
}

void follow_routes(struct device *device)
{
	struct follow *follow = &device->follow;
	struct wanted wanted = {.count = 0};
	const struct device_peer *peer;
	size_t kept = 0;

	if (!follow->is_wanted || !follow->is_due)
		return;
	follow->is_due = false;
	netlink_for_each_default_route(device->netlink, want, &wanted);
	TAILQ_FOREACH(peer, &device->peers, of_device)
	want(&wanted, peer->way);

	for (size_t i = 0; i < wanted.count; i++) {
		int ifindex = wanted.ifindices[i];

		if (is_followed(follow, ifindex) || follow->count == FOLLOWED_MAX)
			continue;
		follow->interfaces[follow->count++] = (struct followed_interface){
			.ifindex = ifindex, .was_attached = attach(device, ifindex)};
	}
	for (size_t i = 0; i < follow->count; i++) {
		if (is_wanted(&wanted, follow->interfaces[i].ifindex))
			follow->interfaces[kept++] = follow->interfaces[i];
		else
			let_go(device, &follow->interfaces[i]);
	}
	follow->count = kept;
}
