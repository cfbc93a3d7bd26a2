/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink_far.c - hearing of links and routes in another network namespace, where the end of a tunnel that people
 * see may be. A socket of this namespace hears of all that have a number here (NETLINK_LISTEN_ALL_NSID) and is told
 * of each message where it comes from, which libnl does not pass on. Its own is open only while there is need.
 */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's dumps come in larger ones, a notification never does. */
#define MESSAGE_MAX 8192

static int open_far(void)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int on = 1, error = 0;

	if (fd < 0)
		return -errno;
	/* without an address of its own it would pass for the kernel, who is not told what it says */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)))
		error = -errno;
	for (size_t i = 0; !error && i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

int netlink_watch_far(struct netlink *netlink, int far_namespace)
{
	struct epoll_event readable = {.events = EPOLLIN};
	int fd = netlink->far;

	netlink->far_namespace = far_namespace;
	if (fd >= 0)
		return 0;
	fd = open_far();
	if (fd < 0)
		return fd;
	if (epoll_ctl(netlink->poll, EPOLL_CTL_ADD, fd, &readable)) {
		int error = -errno;

		close(fd);
		return error;
	}
	netlink->far = fd;
	return 0;
}

void netlink_unwatch_far(struct netlink *netlink)
{
	if (netlink->far >= 0)
		close(netlink->far);
	netlink->far = -1;
}

/* False: of this namespace, which the other socket hears of, or of one that nobody asked for. */
static bool is_wanted(const struct netlink *netlink, struct msghdr *received)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(received);

	for (; header; header = CMSG_NXTHDR(received, header)) {
		int number;

		if (header->cmsg_level != SOL_NETLINK ||
		    header->cmsg_type != NETLINK_LISTEN_ALL_NSID)
			continue;
		memcpy(&number, CMSG_DATA(header), sizeof(number));
		return number == netlink->far_namespace;
	}
	return false;
}

static void on_far_change(struct netlink *netlink, struct nlmsghdr *message)
{
	const struct ifinfomsg *link = nlmsg_data(message);
	uint32_t mtu;
	int ifindex;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (nlmsg_valid_hdr(message, sizeof(*link)))
			netlink->watch.far_link_changed(netlink->context, link->ifi_index,
							link->ifi_flags & IFF_UP);
		break;
	case RTM_NEWROUTE:
		ifindex = netlink_parse_route(message, &mtu);
		if (ifindex)
			netlink->watch.far_route_changed(netlink->context, ifindex, mtu);
		break;
	}
}

/* Who is called may stop listening. */
int far_consume(struct netlink *netlink)
{
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_MAX];
	_Alignas(struct cmsghdr) char control[64];

	while (netlink->far >= 0) {
		struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
		struct msghdr received = {.msg_iov = &vector,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control)};
		int length = (int)recvmsg(netlink->far, &received, MSG_DONTWAIT);
		struct nlmsghdr *message = (void *)bytes;

		/* what is lost in a flood: the link is asked for again, a route's MTU is not missed for long */
		if (length < 0 && errno == ENOBUFS) {
			netlink->watch.far_link_changed(netlink->context, 0, true);
			continue;
		}
		if (length < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (!is_wanted(netlink, &received))
			continue;
		for (; nlmsg_ok(message, length); message = nlmsg_next(message, &length))
			on_far_change(netlink, message);
	}
	return 0;
}
