/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink_request.h - asking the kernel one thing and hearing all of its answer, for the files netlink*.c
 * alone. libnl carries the messages; errors are the kernel's own, which libnl's codes would blur.
 */
#ifndef WGXDP_DATAPATH_NETLINK_REQUEST_H
#define WGXDP_DATAPATH_NETLINK_REQUEST_H

#include <datapath/netlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

struct netlink {
	struct nl_sock *requests;
	/* NULL until something is watched */
	struct nl_sock *changes;
	struct netlink_watch watch;
	void *context;
	bool routes_changed, default_route_changed;
	/* netlink_far.c: -1 until another namespace is listened to, too */
	int far;
	int far_namespace;
	/* polls `changes` and `far` as one */
	int poll;
};

/* A message with its fixed header, to be filled with nla_put*(). NULL: no memory. */
struct nl_msg *netlink_message(int type, int flags, const void *header, size_t length);
/* Sends the message and frees it, calls `each` (may be NULL) for every part of the answer. 0 or the
 * kernel's -errno. A NULL message is -ENOMEM. */
int netlink_request(struct netlink *netlink, struct nl_msg *message,
		    void (*each)(void *context, struct nlmsghdr *answer), void *context);
/* For watching: a socket that hears `groups`, ended by 0. */
int netlink_hear(struct netlink *netlink, const int *groups);

/* False when the message is not about a link, or about one as a bridge's port. */
bool netlink_parse_link(struct link_info *link, struct nlmsghdr *message);
/* False when the message is not about an IPv4 or IPv6 address that is this host's own. */
bool netlink_parse_address(struct nlmsghdr *message, int *ifindex, enum address_family *family,
			   uint8_t address[static 16]);

/* The interface of a route that is there or was, 0 when the message is about none; its own MTU, or 0. */
int netlink_parse_route(struct nlmsghdr *message, uint32_t *mtu);

/* ---- netlink_far.c ---- */

/* Reads what there is to read. 0 or -errno. */
int far_consume(struct netlink *netlink);

/* Whether the message is about a default route of the main table. */
bool netlink_is_default_route(struct nlmsghdr *message);

/* ---- netlink_names.c ---- */

/* Of a tunnel with a long name: NAME.dp as another name of its hidden end. */
int netlink_add_whole_name(struct netlink *netlink, const char *name, int hidden);

/* ---- netlink_offload.c ---- */

/* Lets the stack finish segments and checksums before they reach the interface; with `gro`, the interface
 * aggregates what it receives. */
int offload_set_up(const char *name, bool gro);
struct ethtool_gstrings;
/* The names of all features this kernel knows, in the order of their bits; the caller frees them. */
int offload_get_names(int fd, const char *name, struct ethtool_gstrings **names);

#endif
