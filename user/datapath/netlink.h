/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink.h - links, addresses and routes, over libnl-3. All functions return 0 or -errno.
 */
#ifndef WGXDP_DATAPATH_NETLINK_H
#define WGXDP_DATAPATH_NETLINK_H

#include <net/if.h>
#include <wgxdp/abi.h>

struct netlink;

int netlink_open(struct netlink **netlink);
void netlink_close(struct netlink *netlink);

struct link_info {
	int ifindex;
	char name[IFNAMSIZ];
	/* of a veth: the other end's ifindex, when that is in this namespace, else 0 */
	int peer_ifindex;
	/* and when it is in another: its ifindex there, and what that namespace is called here */
	int far_ifindex;
	int far_namespace;
	uint32_t mtu;
	/* IFF_UP of the link itself; whether the other end is up too (carrier) */
	bool is_up;
	bool has_carrier;
	uint8_t mac[6];
	char kind[16];
	/* frames that were to leave by it, and found no place at the other end */
	uint64_t dropped_on_the_way;
};

/* What a tunnel's hidden end is called: NAME.dp or, of a name with more than 12 characters, something shorter.
 * -EINVAL: no interface can have that name. */
int netlink_hidden_name(char hidden[static IFNAMSIZ], const char *name);
/* Whether it is called something shorter. */
bool netlink_has_long_name(const char *name);
/* Calls back for each tunnel that has its hidden end in this namespace. */
int netlink_for_each_tunnel(struct netlink *netlink,
			    void (*each)(void *context, const char *tunnel), void *context);

int netlink_get_link(struct netlink *netlink, const char *name, struct link_info *link);
int netlink_get_link_by_index(struct netlink *netlink, int ifindex, struct link_info *link);

/* The other end of a veth, which is in another namespace: `near` says in which. */
int netlink_get_far_link(struct netlink *netlink, const struct link_info *near,
			 struct link_info *far);

/*
 * Makes the pair: NAME, which people see (no ARP, no IPv6 link-local address, MTU 1420, no checksum or
 * segmentation offload, GRO on), and its hidden end (up, no IPv6, large MTU, no ARP). NAME is left down.
 * -EEXIST when either is there. Nothing is left on failure.
 */
int netlink_add_tunnel(struct netlink *netlink, const char *name);
/* Sets the visible end's offloads again; 0 when somebody had changed them, -EALREADY, or another -errno. */
int netlink_keep_offloads(const char *visible);
/* Removes the pair by its hidden end, wherever the visible end is. */
int netlink_remove_tunnel(struct netlink *netlink, const char *name);
int netlink_set_up(struct netlink *netlink, int ifindex, bool up);
int netlink_set_mtu(struct netlink *netlink, int ifindex, uint32_t mtu);
/* -EEXIST: it was there. */
int netlink_add_address(struct netlink *netlink, int ifindex, enum address_family family,
			const uint8_t *address, uint8_t prefix_length);

int netlink_remove_address(struct netlink *netlink, int ifindex, enum address_family family,
			   const uint8_t *address, uint8_t prefix_length);

/* The route to an address (with a mark, and from a source when that is not all zero): interface, source the
 * kernel would use, path MTU, and TTL or hop limit. -ENETUNREACH and the like when there is none. */
struct route_info {
	int ifindex;
	uint8_t source[16];
	uint32_t mtu;
	uint8_t hop_limit;
};

int netlink_get_route(struct netlink *netlink, enum address_family family, const uint8_t *address,
		      const uint8_t *source, uint32_t mark, struct route_info *route);

/* Calls back for each route by this interface that has an MTU of its own. */
int netlink_for_each_route_mtu(struct netlink *netlink, int ifindex,
			       void (*each)(void *context, uint32_t mtu), void *context);

/* Calls back for each interface that a default route of the main table leaves by, of either family. */
int netlink_for_each_default_route(struct netlink *netlink,
				   void (*each)(void *context, int ifindex), void *context);

/* Calls back for each address of this host, of all interfaces, IPv4 and IPv6. */
int netlink_for_each_address(struct netlink *netlink,
			     void (*each)(void *context, int ifindex, enum address_family family,
					  const uint8_t *address),
			     void *context);

/* ---- what changes ---- */

struct netlink_watch {
	void (*link_changed)(void *context, const struct link_info *link, bool gone);
	void (*address_changed)(void *context, int ifindex, enum address_family family,
				const uint8_t *address, bool gone);
	/* any route or rule of the main tables: cached routes are to be asked again */
	void (*routes_changed)(void *context);
	/* and before that, of each by one interface: its own MTU, or 0 */
	void (*route_changed)(void *context, int ifindex, uint32_t mtu);
	/* links and routes in the other namespace that is listened to; ifindex 0: any. `was_up` when it was told */
	void (*far_link_changed)(void *context, int ifindex, bool was_up);
	void (*far_route_changed)(void *context, int ifindex, uint32_t mtu);
	/* one that netlink_for_each_default_route() tells of */
	void (*default_route_changed)(void *context);
	/* the kernel had no room for more: all is to be read again */
	void (*changes_lost)(void *context);
};

/* Another namespace by its number here, to enter it. -ENOENT: neither a name nor a process was found that has it. */
int netlink_open_namespace(struct netlink *netlink, int number);

int netlink_watch_open(struct netlink *netlink, const struct netlink_watch *watch, void *context);
/* What changes in another namespace too, by its number here; it takes the place of the one before. */
int netlink_watch_far(struct netlink *netlink, int far_namespace);
void netlink_unwatch_far(struct netlink *netlink);
/* To poll for reading, then consume. */
int netlink_watch_fd(const struct netlink *netlink);
int netlink_watch_consume(struct netlink *netlink);

#endif
