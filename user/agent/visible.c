// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * visible.c - follows the end of the tunnel that people see, in this namespace or in the one it was moved to: its
 * address for the frames, its MTU, and the MTUs of routes into it, beyond which nothing is padded (kernel: device.c,
 * wg_xmit, and send.c, calculate_skb_padding).
 *
 * Here the routes are read again when one changes. In another namespace they cannot be read, only heard of: an MTU
 * is kept there until the interface goes down, which costs a packet of that length a little padding.
 */
#include <agent/device.h>
#include <agent/log.h>

#include <string.h>

static void forget_route_mtus(struct device *device)
{
	memset(device->value.route_mtus, 0, sizeof(device->value.route_mtus));
}

/* Ascending, each once; of too many the largest goes. */
static void add_route_mtu(void *context, uint32_t mtu)
{
	struct device *device = context;
	uint32_t *mtus = device->value.route_mtus, last = ROUTE_MTUS_MAX - 1, i;

	for (i = 0; i < ROUTE_MTUS_MAX && mtus[i] && mtus[i] < mtu; i++)
		;
	if (i < ROUTE_MTUS_MAX && mtus[i] == mtu)
		return;
	if (mtus[last])
		log_line(LOG_ERROR, "routes have more than %u MTUs: padding heeds the smallest",
			 ROUTE_MTUS_MAX);
	for (; i < ROUTE_MTUS_MAX; i++) {
		uint32_t displaced = mtus[i];

		mtus[i] = mtu;
		mtu = displaced;
	}
}

static void read_routes(struct device *device)
{
	forget_route_mtus(device);
	netlink_for_each_route_mtu(device->netlink, device->hidden.peer_ifindex, add_route_mtu,
				   device);
}

/* It went to another namespace, or came back. */
static void follow(struct device *device)
{
	const struct link_info *hidden = &device->hidden;
	bool moved = device->visible_ifindex != hidden->peer_ifindex + hidden->far_ifindex ||
		     device->visible_namespace != hidden->far_namespace;

	if (moved && device->visible_ifindex)
		forget_route_mtus(device);
	device->visible_ifindex = hidden->peer_ifindex + hidden->far_ifindex;
	device->visible_namespace = hidden->far_namespace;
	if (moved)
		icmp_follow(device);
	if (hidden->far_ifindex)
		netlink_watch_far(device->netlink, hidden->far_namespace);
	else
		netlink_unwatch_far(device->netlink);
}

/* Nobody can forbid `ip link set mtu`, so what is more than the data path takes is set back, or, in another
 * namespace, answered by ICMP errors with the MTU there is. */
static uint32_t limited_mtu(struct device *device, const struct link_info *visible)
{
	if (visible->mtu <= TRANSPORT_TEXT_MAX)
		return visible->mtu;
	if (device->hidden.peer_ifindex)
		netlink_set_mtu(device->netlink, visible->ifindex, TRANSPORT_TEXT_MAX);
	else if (device->value.mtu == TRANSPORT_TEXT_MAX)
		return TRANSPORT_TEXT_MAX;
	log_line(LOG_ERROR, "an MTU of %u is more than the data path takes: it is %u now",
		 visible->mtu, TRANSPORT_TEXT_MAX);
	return TRANSPORT_TEXT_MAX;
}

void visible_read(struct device *device)
{
	struct link_info visible;
	int error;

	follow(device);
	if (device->hidden.peer_ifindex)
		error = netlink_get_link_by_index(device->netlink, device->hidden.peer_ifindex,
						  &visible);
	else
		error = netlink_get_far_link(device->netlink, &device->hidden, &visible);
	if (error)
		return;
	device->value.mtu = limited_mtu(device, &visible);
	memcpy(device->value.inner_destination, visible.mac, sizeof(visible.mac));
	if (device->hidden.peer_ifindex)
		read_routes(device);
	else if (!visible.is_up)
		forget_route_mtus(device);
}

bool visible_is(const struct device *device, const struct link_info *link)
{
	return link->ifindex == device->hidden.peer_ifindex ||
	       link->peer_ifindex == device->hidden.ifindex;
}

static void tell_datapath(struct device *device)
{
	datapath_set_tunnel(device->datapath, device->hidden.ifindex, &device->value);
}

void visible_route_changed(struct device *device, int ifindex, uint32_t mtu)
{
	/* a route without may take the place of one with an MTU */
	if (ifindex == device->hidden.peer_ifindex && (mtu || device->value.route_mtus[0]))
		device->route_mtus_are_stale = true;
}

void visible_routes_changed(struct device *device)
{
	if (!device->route_mtus_are_stale)
		return;
	device->route_mtus_are_stale = false;
	read_routes(device);
	tell_datapath(device);
}

void visible_far_route_changed(struct device *device, int ifindex, uint32_t mtu)
{
	if (ifindex != device->hidden.far_ifindex || !mtu)
		return;
	add_route_mtu(device, mtu);
	tell_datapath(device);
}

/* Its routes went with it. Whoever looks at it now may find it up, and routes that are heard of next are new ones. */
void visible_far_went_down(struct device *device)
{
	forget_route_mtus(device);
}
