/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netlink_route.c - addresses and routes. Contract: netlink.h. */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

static size_t address_length(enum address_family family)
{
	return family == FAMILY_IPV4 ? 4 : 16;
}

static int kernel_family(enum address_family family)
{
	return family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

/* ---- addresses ----------------------------------------------------------------------------------- */

static int change_address(struct netlink *netlink, int type, int ifindex,
			  enum address_family family, const uint8_t *address, uint8_t prefix_length)
{
	struct ifaddrmsg header = {
		.ifa_family = kernel_family(family),
		.ifa_prefixlen = prefix_length,
		.ifa_index = ifindex,
	};
	int flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct nl_msg *message = netlink_message(type, flags, &header, sizeof(header));
	int length = (int)address_length(family);

	if (message && (nla_put(message, IFA_LOCAL, length, address) ||
			nla_put(message, IFA_ADDRESS, length, address))) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return netlink_request(netlink, message, NULL, NULL);
}

int netlink_add_address(struct netlink *netlink, int ifindex, enum address_family family,
			const uint8_t *address, uint8_t prefix_length)
{
	return change_address(netlink, RTM_NEWADDR, ifindex, family, address, prefix_length);
}

int netlink_remove_address(struct netlink *netlink, int ifindex, enum address_family family,
			   const uint8_t *address, uint8_t prefix_length)
{
	return change_address(netlink, RTM_DELADDR, ifindex, family, address, prefix_length);
}

bool netlink_parse_address(struct nlmsghdr *message, int *ifindex, enum address_family *family,
			   uint8_t address[static 16])
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	struct nlattr *attributes[IFA_MAX + 1], *local;

	if ((message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) ||
	    nlmsg_parse(message, sizeof(*header), attributes, IFA_MAX, NULL) ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return false;
	/* IFA_ADDRESS is the other end's on a point-to-point link */
	local = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	*family = header->ifa_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	if (!local || nla_len(local) != (int)address_length(*family))
		return false;
	memset(address, 0, 16);
	memcpy(address, nla_data(local), address_length(*family));
	*ifindex = (int)header->ifa_index;
	return true;
}

struct address_visit {
	void (*each)(void *context, int ifindex, enum address_family family,
		     const uint8_t *address);
	void *context;
};

static void visit_address(void *context, struct nlmsghdr *answer)
{
	const struct address_visit *visit = context;
	enum address_family family;
	uint8_t address[16];
	int ifindex;

	if (netlink_parse_address(answer, &ifindex, &family, address))
		visit->each(visit->context, ifindex, family, address);
}

int netlink_for_each_address(struct netlink *netlink,
			     void (*each)(void *context, int ifindex, enum address_family family,
					  const uint8_t *address),
			     void *context)
{
	struct address_visit visit = {.each = each, .context = context};
	struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};

	return netlink_request(netlink,
			       netlink_message(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header)),
			       visit_address, &visit);
}

/* ---- routes -------------------------------------------------------------------------------------- */

int netlink_parse_route(struct nlmsghdr *message, uint32_t *mtu)
{
	struct nlattr *attributes[RTA_MAX + 1], *metrics[RTAX_MAX + 1] = {NULL};
	const struct rtmsg *header = nlmsg_data(message);

	*mtu = 0;
	/* a clone is what was learned of a path, not a route */
	if ((message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE) ||
	    nlmsg_parse(message, sizeof(*header), attributes, RTA_MAX, NULL) ||
	    (header->rtm_flags & RTM_F_CLONED) || !attributes[RTA_OIF])
		return 0;
	if (attributes[RTA_METRICS])
		nla_parse_nested(metrics, RTAX_MAX, attributes[RTA_METRICS], NULL);
	if (metrics[RTAX_MTU])
		*mtu = nla_get_u32(metrics[RTAX_MTU]);
	return (int)nla_get_u32(attributes[RTA_OIF]);
}

struct mtu_visit {
	int ifindex;
	void (*each)(void *context, uint32_t mtu);
	void *context;
};

static void visit_mtu(void *context, struct nlmsghdr *answer)
{
	const struct mtu_visit *visit = context;
	uint32_t mtu;

	if (netlink_parse_route(answer, &mtu) == visit->ifindex && mtu)
		visit->each(visit->context, mtu);
}

/* Others' routes are left out by the kernel: there may be a million of them. */
static int dump_routes(struct netlink *netlink, int family, struct mtu_visit *visit)
{
	struct rtmsg header = {.rtm_family = family};
	struct nl_msg *message = netlink_message(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));

	if (message && nla_put_u32(message, RTA_OIF, (uint32_t)visit->ifindex)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return netlink_request(netlink, message, visit_mtu, visit);
}

int netlink_for_each_route_mtu(struct netlink *netlink, int ifindex,
			       void (*each)(void *context, uint32_t mtu), void *context)
{
	struct mtu_visit visit = {ifindex, each, context};
	int fd = nl_socket_get_fd(netlink->requests), strict = 1, error;

	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict));
	error = dump_routes(netlink, AF_INET, &visit);
	/* where there is no IPv6 there is no route of it */
	if (!error)
		dump_routes(netlink, AF_INET6, &visit);
	strict = 0;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict));
	return error;
}

static void keep_route(void *context, struct nlmsghdr *answer)
{
	struct nlattr *attributes[RTA_MAX + 1], *metrics[RTAX_MAX + 1] = {NULL}, *source;
	struct route_info *route = context;

	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(answer, sizeof(struct rtmsg), attributes, RTA_MAX, NULL) ||
	    !attributes[RTA_OIF])
		return;
	route->ifindex = (int)nla_get_u32(attributes[RTA_OIF]);
	source = attributes[RTA_PREFSRC];
	if (source && nla_len(source) <= (int)sizeof(route->source))
		memcpy(route->source, nla_data(source), nla_len(source));
	if (attributes[RTA_METRICS])
		nla_parse_nested(metrics, RTAX_MAX, attributes[RTA_METRICS], NULL);
	if (metrics[RTAX_MTU])
		route->mtu = nla_get_u32(metrics[RTAX_MTU]);
	if (metrics[RTAX_HOPLIMIT])
		route->hop_limit = (uint8_t)nla_get_u32(metrics[RTAX_HOPLIMIT]);
}

/* As ip4_dst_hoplimit() and ip6_dst_hoplimit() of the kernel, which tells nobody when they change. */
static uint8_t hop_limit_of_link(enum address_family family, const char *name)
{
	char path[128];
	unsigned int limit = 0;
	FILE *file;

	if (family == FAMILY_IPV4)
		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/ip_default_ttl");
	else
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/hop_limit", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &limit) != 1 || limit > UINT8_MAX)
		limit = 0;
	fclose(file);
	return (uint8_t)limit;
}

static bool put_flow(struct nl_msg *message, enum address_family family, const uint8_t *address,
		     const uint8_t *source, uint32_t mark)
{
	int length = (int)address_length(family);

	return !nla_put(message, RTA_DST, length, address) &&
	       (!source || !nla_put(message, RTA_SRC, length, source)) &&
	       (!mark || !nla_put_u32(message, RTA_MARK, mark));
}

int netlink_get_route(struct netlink *netlink, enum address_family family, const uint8_t *address,
		      const uint8_t *source, uint32_t mark, struct route_info *route)
{
	static const uint8_t any[16];
	uint8_t bits = 8 * address_length(family);
	struct rtmsg header = {.rtm_family = kernel_family(family), .rtm_dst_len = bits};
	struct route_info found = {0};
	struct nl_msg *message;
	struct link_info link;
	int error;

	if (source && !memcmp(source, any, address_length(family)))
		source = NULL;
	if (source) {
		header.rtm_src_len = bits;
		memcpy(found.source, source, address_length(family));
	}
	message = netlink_message(RTM_GETROUTE, 0, &header, sizeof(header));
	if (message && !put_flow(message, family, address, source, mark)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	error = netlink_request(netlink, message, keep_route, &found);
	if (!error && !found.ifindex)
		error = -ENETUNREACH;
	/* without metrics of its own the route has its link's */
	if (!error && (!found.mtu || !found.hop_limit)) {
		error = netlink_get_link_by_index(netlink, found.ifindex, &link);
		if (!error && !found.mtu)
			found.mtu = link.mtu;
		if (!error && !found.hop_limit)
			found.hop_limit = hop_limit_of_link(family, link.name);
	}
	if (!error)
		*route = found;
	return error;
}

/* ---- default routes ------------------------------------------------------------------------------ */

static uint32_t table_of(const struct rtmsg *header, struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : header->rtm_table;
}

bool netlink_is_default_route(struct nlmsghdr *message)
{
	const struct rtmsg *header = nlmsg_data(message);
	struct nlattr *attributes[RTA_MAX + 1];

	return (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) &&
	       !nlmsg_parse(message, sizeof(*header), attributes, RTA_MAX, NULL) &&
	       (header->rtm_family == AF_INET || header->rtm_family == AF_INET6) &&
	       header->rtm_dst_len == 0 && header->rtm_type == RTN_UNICAST &&
	       table_of(header, attributes[RTA_TABLE]) == RT_TABLE_MAIN;
}

struct default_route_visit {
	void (*each)(void *context, int ifindex);
	void *context;
};

static void visit_default_route(void *context, struct nlmsghdr *answer)
{
	const struct default_route_visit *visit = context;
	struct nlattr *attributes[RTA_MAX + 1];
	struct rtnexthop *hop;
	int left;

	if (!netlink_is_default_route(answer) ||
	    nlmsg_parse(answer, sizeof(struct rtmsg), attributes, RTA_MAX, NULL))
		return;
	if (attributes[RTA_OIF])
		visit->each(visit->context, (int)nla_get_u32(attributes[RTA_OIF]));
	if (!attributes[RTA_MULTIPATH])
		return;
	hop = nla_data(attributes[RTA_MULTIPATH]);
	left = nla_len(attributes[RTA_MULTIPATH]);
	while (left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	       hop->rtnh_len <= left) {
		visit->each(visit->context, hop->rtnh_ifindex);
		left -= (int)NLMSG_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

int netlink_for_each_default_route(struct netlink *netlink,
				   void (*each)(void *context, int ifindex), void *context)
{
	struct default_route_visit visit = {.each = each, .context = context};
	struct rtmsg header = {.rtm_table = RT_TABLE_MAIN};
	int error = 0;

	for (int i = 0; i < 2 && !error; i++) {
		header.rtm_family = i ? AF_INET6 : AF_INET;
		error = netlink_request(
			netlink, netlink_message(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			visit_default_route, &visit);
	}
	return error;
}
