/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* netlink_policy.c - routes and rules of a tunnel that is to carry everything. Contract: netlink_policy.h. */
#include <datapath/netlink_policy.h>
#include <datapath/netlink_request.h>

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static int kernel_family(enum address_family family)
{
	return family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

static int address_length(enum address_family family)
{
	return family == FAMILY_IPV4 ? 4 : 16;
}

static int request(struct netlink *netlink, struct nl_msg *message, bool is_filled)
{
	if (message && !is_filled) {
		nlmsg_free(message);
		message = NULL;
	}
	return netlink_request(netlink, message, NULL, NULL);
}

/* ---- routes -------------------------------------------------------------------------------------- */

int netlink_add_route(struct netlink *netlink, const struct route *route)
{
	struct rtmsg header = {
		.rtm_family = (unsigned char)kernel_family(route->family),
		.rtm_dst_len = route->prefix_length,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = route->family == FAMILY_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *message =
		netlink_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	bool is_filled =
		message && !nla_put_u32(message, RTA_TABLE, route->table) &&
		!nla_put_u32(message, RTA_OIF, (uint32_t)route->ifindex) &&
		(!route->prefix_length ||
		 !nla_put(message, RTA_DST, address_length(route->family), route->address));

	return request(netlink, message, is_filled);
}

struct table_search {
	uint32_t table;
	bool found;
};

static void look_for_table(void *context, struct nlmsghdr *answer)
{
	const struct rtmsg *header = nlmsg_data(answer);
	struct nlattr *attributes[RTA_MAX + 1];
	struct table_search *search = context;

	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(answer, sizeof(*header), attributes, RTA_MAX, NULL))
		return;
	search->found |=
		search->table ==
		(attributes[RTA_TABLE] ? nla_get_u32(attributes[RTA_TABLE]) : header->rtm_table);
}

int netlink_is_table_empty(struct netlink *netlink, uint32_t table, bool *is_empty)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct table_search search = {.table = table};
	int error = 0;

	for (int i = 0; i < 2 && !error; i++) {
		struct rtmsg header = {.rtm_family = (unsigned char)families[i]};

		error = netlink_request(
			netlink, netlink_message(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			look_for_table, &search);
	}
	if (!error)
		*is_empty = !search.found;
	return error;
}

/* ---- rules --------------------------------------------------------------------------------------- */

static struct nl_msg *rule_message(int type, enum address_family family, uint32_t table,
				   uint32_t flags)
{
	struct fib_rule_hdr header = {
		.family = (uint8_t)kernel_family(family),
		.table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
		.flags = flags,
	};
	struct nl_msg *message = netlink_message(
		type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &header, sizeof(header));

	if (message && nla_put_u32(message, FRA_TABLE, table)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int change_mark_rule(struct netlink *netlink, int type, enum address_family family,
			    uint32_t mark)
{
	struct nl_msg *message = rule_message(type, family, mark, FIB_RULE_INVERT);

	return request(netlink, message, message && !nla_put_u32(message, FRA_FWMARK, mark));
}

static int change_main_rule(struct netlink *netlink, int type, enum address_family family)
{
	struct nl_msg *message = rule_message(type, family, RT_TABLE_MAIN, 0);

	return request(netlink, message,
		       message && !nla_put_u32(message, FRA_SUPPRESS_PREFIXLEN, 0));
}

int netlink_add_mark_rule(struct netlink *netlink, enum address_family family, uint32_t mark)
{
	return change_mark_rule(netlink, RTM_NEWRULE, family, mark);
}

int netlink_remove_mark_rule(struct netlink *netlink, enum address_family family, uint32_t mark)
{
	return change_mark_rule(netlink, RTM_DELRULE, family, mark);
}

int netlink_add_main_rule(struct netlink *netlink, enum address_family family)
{
	return change_main_rule(netlink, RTM_NEWRULE, family);
}

int netlink_remove_main_rule(struct netlink *netlink, enum address_family family)
{
	return change_main_rule(netlink, RTM_DELRULE, family);
}

/* ---- addresses of one interface ------------------------------------------------------------------ */

struct address_visit {
	int ifindex;
	void (*each)(void *context, enum address_family family, const uint8_t *address,
		     uint8_t prefix_length);
	void *context;
};

static void visit_address(void *context, struct nlmsghdr *answer)
{
	const struct ifaddrmsg *header = nlmsg_data(answer);
	const struct address_visit *visit = context;
	enum address_family family;
	uint8_t address[16];
	int ifindex;

	if (netlink_parse_address(answer, &ifindex, &family, address) && ifindex == visit->ifindex)
		visit->each(visit->context, family, address, header->ifa_prefixlen);
}

int netlink_for_each_address_of(struct netlink *netlink, int ifindex,
				void (*each)(void *context, enum address_family family,
					     const uint8_t *address, uint8_t prefix_length),
				void *context)
{
	struct address_visit visit = {.ifindex = ifindex, .each = each, .context = context};
	struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};

	return netlink_request(netlink,
			       netlink_message(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header)),
			       visit_address, &visit);
}
