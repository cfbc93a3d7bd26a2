/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * addresses.h - the addresses of an interface, and one of its network that nobody has yet.
 */
#ifndef WGXDP_CLI_ADDRESSES_H
#define WGXDP_CLI_ADDRESSES_H

#include <agent/config.h>
#include <datapath/netlink.h>
#include <stddef.h>

struct address_list {
	/* host bits as they are, with the prefix length of their network */
	struct allowed_ip *items;
	size_t count;
};

/* All of one interface. 0 or -errno; then there is nothing to free. */
int addresses_read(struct netlink *netlink, int ifindex, struct address_list *list);
void addresses_free(struct address_list *list);

/* fe80::/10, which leads nowhere else */
bool address_is_link_local(const struct allowed_ip *address);
/* Not reached from the Internet: RFC 1918, RFC 6598, unique local. */
bool address_is_private(const struct allowed_ip *address);

/*
 * The lowest address of the network of `own` that is not one of `all`, nor an allowed IP of a peer; not the first and not
 * the last. A peer's prefix that is wider than the network takes nothing: it is where the rest goes. 0, -ENOSPC or
 * -ENOMEM.
 */
int addresses_find_free(const struct allowed_ip *own, const struct address_list *all,
			const struct device_config *config, uint8_t address[static 16]);

#endif
