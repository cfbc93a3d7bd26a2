/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink_policy.h - routes and rules that `wgxdp up` makes and `wgxdp down` removes, over libnl-3. All functions return
 * 0 or -errno.
 */
#ifndef WGXDP_DATAPATH_NETLINK_POLICY_H
#define WGXDP_DATAPATH_NETLINK_POLICY_H

#include <datapath/netlink.h>

/* RT_TABLE_MAIN */
#define ROUTE_TABLE_MAIN 254

struct route {
	enum address_family family;
	uint8_t address[16];
	uint8_t prefix_length;
	int ifindex;
	uint32_t table;
};

/* -EEXIST when there is one to the same prefix. */
int netlink_add_route(struct netlink *netlink, const struct route *route);

/* Whether no route of either family is in the table. */
int netlink_is_table_empty(struct netlink *netlink, uint32_t table, bool *is_empty);

/* What has not this mark looks into the table of the same number. */
int netlink_add_mark_rule(struct netlink *netlink, enum address_family family, uint32_t mark);
int netlink_remove_mark_rule(struct netlink *netlink, enum address_family family, uint32_t mark);
/* The main table first, but not its default routes. */
int netlink_add_main_rule(struct netlink *netlink, enum address_family family);
int netlink_remove_main_rule(struct netlink *netlink, enum address_family family);

/* Calls back for each address of one interface, with its prefix length. */
int netlink_for_each_address_of(struct netlink *netlink, int ifindex,
				void (*each)(void *context, enum address_family family,
					     const uint8_t *address, uint8_t prefix_length),
				void *context);

#endif
