/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink_watch.c - hearing of changes to links, addresses, routes and rules. Routes come in floods where a
 * routing daemon runs, so that they are told of once for everything read in one go.
 */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Room for a few thousand messages; the kernel says when it was not enough. */
#define HEARD_BUFFER_SIZE (1 << 20)

static void on_change(void *context, struct nlmsghdr *message)
{
	struct netlink *netlink = context;
	enum address_family family;
	struct link_info link;
	uint8_t address[16];
	uint32_t mtu;
	int ifindex;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (netlink_parse_link(&link, message))
			netlink->watch.link_changed(netlink->context, &link,
						    message->nlmsg_type == RTM_DELLINK);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (netlink_parse_address(message, &ifindex, &family, address))
			netlink->watch.address_changed(netlink->context, ifindex, family, address,
						       message->nlmsg_type == RTM_DELADDR);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		netlink->routes_changed = true;
		netlink->default_route_changed |= netlink_is_default_route(message);
		ifindex = netlink_parse_route(message, &mtu);
		if (ifindex)
			netlink->watch.route_changed(netlink->context, ifindex, mtu);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		netlink->routes_changed = true;
		break;
	}
}

static int on_message(struct nl_msg *message, void *context)
{
	on_change(context, nlmsg_hdr(message));
	return NL_OK;
}

int netlink_watch_open(struct netlink *netlink, const struct netlink_watch *watch, void *context)
{
	static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
				     RTNLGRP_IPV6_RULE,  RTNLGRP_NONE};
	static const int size = HEARD_BUFFER_SIZE;
	struct epoll_event readable = {.events = EPOLLIN};
	int error;

	if (netlink->changes)
		return -EBUSY;
	error = netlink_hear(netlink, groups);
	if (error)
		return error;
	/* beyond the system's usual limit, which root may; without it changes are lost sooner */
	setsockopt(nl_socket_get_fd(netlink->changes), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		   sizeof(size));
	nl_socket_modify_cb(netlink->changes, NL_CB_VALID, NL_CB_CUSTOM, on_message, netlink);
	netlink->watch = *watch;
	netlink->context = context;
	netlink->poll = epoll_create1(EPOLL_CLOEXEC);
	if (netlink->poll < 0 ||
	    epoll_ctl(netlink->poll, EPOLL_CTL_ADD, nl_socket_get_fd(netlink->changes), &readable))
		return -errno;
	return 0;
}

int netlink_watch_fd(const struct netlink *netlink)
{
	return netlink->poll;
}

int netlink_watch_consume(struct netlink *netlink)
{
	int result, error = 0;

	do {
		errno = 0;
		result = nl_recvmsgs_default(netlink->changes);
	} while (result >= 0);
	if (result == -NLE_NOMEM && errno == ENOBUFS) {
		netlink->routes_changed = true;
		netlink->default_route_changed = true;
		netlink->watch.changes_lost(netlink->context);
	} else if (result != -NLE_AGAIN) {
		error = errno ? -errno : -EIO;
	}
	if (!error)
		error = far_consume(netlink);
	if (netlink->routes_changed) {
		netlink->routes_changed = false;
		netlink->watch.routes_changed(netlink->context);
	}
	if (netlink->default_route_changed) {
		netlink->default_route_changed = false;
		netlink->watch.default_route_changed(netlink->context);
	}
	return error;
}
