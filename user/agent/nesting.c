// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * nesting.c - tunnels in tunnels. A peer may be behind another peer of the same tunnel, or behind another tunnel of
 * this namespace; but a way that comes back to the peer itself has no end: each lap makes a packet longer, the
 * sockets cut what has become too long, and the pieces go round again. The maps of all tunnels are one set, so the
 * way can be followed before anything is sent on it.
 */
#include <agent/device.h>

enum { NESTED_MAX = 8 };

/* The tunnel whose visible end that interface is, or 0. Links are not asked for again until one changes. */
static uint32_t tunnel_of(struct device *device, int ifindex)
{
	struct tunnel_value value;
	struct link_info link;

	if (ifindex == device->hidden.peer_ifindex)
		return (uint32_t)device->hidden.ifindex;
	if (ifindex == device->plain_ifindex)
		return 0;
	if (!netlink_get_link_by_index(device->netlink, ifindex, &link) && link.peer_ifindex &&
	    !datapath_get_tunnel(device->datapath, (uint32_t)link.peer_ifindex, &value))
		return (uint32_t)link.peer_ifindex;
	device->plain_ifindex = ifindex;
	return 0;
}

/* Where that tunnel sends what is for `to`: the peer there, and its endpoint. */
static bool next_hop(struct device *device, uint32_t tunnel, struct endpoint *to, uint32_t *id)
{
	struct peer_value peer;

	if (datapath_find_owner(device->datapath, tunnel, to->family, to->address, id) ||
	    datapath_get_peer(device->datapath, *id, &peer) || peer.endpoint.family == FAMILY_NONE)
		return false;
	*to = peer.endpoint;
	return true;
}

bool nesting_has_no_end(struct device_peer *peer, const struct endpoint *endpoint, int ifindex)
{
	struct device *device = peer->device;
	struct endpoint to = *endpoint;
	struct tunnel_value value;
	struct route_info route;

	for (int depth = 0; depth < NESTED_MAX; depth++) {
		uint32_t tunnel = tunnel_of(device, ifindex), id;

		if (!tunnel || !next_hop(device, tunnel, &to, &id))
			return false;
		if (id == peer->id)
			return true;
		if (datapath_get_tunnel(device->datapath, tunnel, &value) ||
		    netlink_get_route(device->netlink, to.family, to.address, to.local_address,
				      value.fwmark, &route))
			return false;
		ifindex = route.ifindex;
	}
	/* a circle of others, who see it themselves */
	return false;
}
