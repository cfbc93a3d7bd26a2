/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink.c - sockets, requests and links, the tunnel's pair among them. Addresses and routes are in
 * netlink_route.c, notifications in netlink_watch.c. Contract: netlink.h.
 */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VISIBLE_MTU 1420
/* the largest of a veth: what the visible end may send, the hidden end must take */
#define HIDDEN_MTU 65535

/* ---- requests ------------------------------------------------------------------------------------ */

static int open_socket(struct nl_sock **sock)
{
	*sock = nl_socket_alloc();
	if (!*sock)
		return -ENOMEM;
	if (nl_connect(*sock, NETLINK_ROUTE)) {
		int error = errno ? -errno : -EIO;

		nl_socket_free(*sock);
		*sock = NULL;
		return error;
	}
	fcntl(nl_socket_get_fd(*sock), F_SETFD, FD_CLOEXEC);
	return 0;
}

int netlink_open(struct netlink **netlink)
{
	struct netlink *opened = calloc(1, sizeof(*opened));
	int error;

	if (!opened)
		return -ENOMEM;
	opened->far = -1;
	opened->poll = -1;
	error = open_socket(&opened->requests);
	if (error)
		free(opened);
	else
		*netlink = opened;
	return error;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	netlink_unwatch_far(netlink);
	if (netlink->poll >= 0)
		close(netlink->poll);
	nl_socket_free(netlink->requests);
	nl_socket_free(netlink->changes);
	free(netlink);
}

int netlink_hear(struct netlink *netlink, const int *groups)
{
	int error = open_socket(&netlink->changes);

	if (error)
		return error;
	nl_socket_disable_seq_check(netlink->changes);
	for (; !error && *groups; groups++)
		error = nl_socket_add_membership(netlink->changes, *groups) ? -errno : 0;
	if (!error && nl_socket_set_nonblocking(netlink->changes))
		error = -errno;
	if (error) {
		nl_socket_free(netlink->changes);
		netlink->changes = NULL;
	}
	return error;
}

struct nl_msg *netlink_message(int type, int flags, const void *header, size_t length)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (message && nlmsg_append(message, (void *)header, length, NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

struct exchange {
	void (*each)(void *context, struct nlmsghdr *answer);
	void *context;
	bool is_over;
	int error;
};

static int on_answer(struct nl_msg *answer, void *context)
{
	struct exchange *exchange = context;

	if (exchange->each)
		exchange->each(exchange->context, nlmsg_hdr(answer));
	return NL_OK;
}

static int on_end(struct nl_msg *answer, void *context)
{
	struct exchange *exchange = context;

	(void)answer;
	exchange->is_over = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *refusal, void *context)
{
	struct exchange *exchange = context;

	(void)from;
	exchange->is_over = true;
	exchange->error = refusal->error;
	return NL_STOP;
}

/* What changed during a dump is told to those who watch. */
static int on_interruption(struct nl_msg *answer, void *context)
{
	(void)answer, (void)context;
	return NL_OK;
}

int netlink_request(struct netlink *netlink, struct nl_msg *message,
		    void (*each)(void *context, struct nlmsghdr *answer), void *context)
{
	struct exchange exchange = {.each = each, .context = context};
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int error = message && callbacks ? 0 : -ENOMEM;

	if (!error) {
		nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_answer, &exchange);
		nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
		nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
		nl_cb_set(callbacks, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interruption, NULL);
		nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, &exchange);
		errno = 0;
		if (nl_send_auto(netlink->requests, message) < 0)
			error = errno ? -errno : -EIO;
	}
	while (!error && !exchange.is_over)
		if (nl_recvmsgs(netlink->requests, callbacks) < 0 && !exchange.is_over)
			error = errno ? -errno : -EIO;
	nl_cb_put(callbacks);
	nlmsg_free(message);
	return error ? error : exchange.error;
}

/* Frees the message and makes the next request fail with -ENOMEM. */
static struct nl_msg *unless(bool failed, struct nl_msg *message)
{
	if (!failed)
		return message;
	nlmsg_free(message);
	return NULL;
}

/* ---- links --------------------------------------------------------------------------------------- */

bool netlink_parse_link(struct link_info *link, struct nlmsghdr *message)
{
	const struct ifinfomsg *header = nlmsg_data(message);
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = {NULL};
	struct rtnl_link_stats64 counted = {0};

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    nlmsg_parse(message, sizeof(*header), attributes, IFLA_MAX, NULL) ||
	    header->ifi_family != AF_UNSPEC || !attributes[IFLA_IFNAME])
		return false;
	memset(link, 0, sizeof(*link));
	link->ifindex = header->ifi_index;
	link->is_up = header->ifi_flags & IFF_UP;
	link->has_carrier =
		link->is_up && attributes[IFLA_CARRIER] && nla_get_u8(attributes[IFLA_CARRIER]);
	nla_strlcpy(link->name, attributes[IFLA_IFNAME], sizeof(link->name));
	if (attributes[IFLA_MTU])
		link->mtu = nla_get_u32(attributes[IFLA_MTU]);
	if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == sizeof(link->mac))
		memcpy(link->mac, nla_data(attributes[IFLA_ADDRESS]), sizeof(link->mac));
	if (attributes[IFLA_STATS64] && nla_len(attributes[IFLA_STATS64]) >= (int)sizeof(counted)) {
		memcpy(&counted, nla_data(attributes[IFLA_STATS64]), sizeof(counted));
		link->dropped_on_the_way = counted.tx_dropped;
	}
	if (attributes[IFLA_LINKINFO])
		nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL);
	if (info[IFLA_INFO_KIND])
		nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof(link->kind));
	if (strcmp(link->kind, "veth") || !attributes[IFLA_LINK])
		return true;
	if (attributes[IFLA_LINK_NETNSID]) {
		link->far_ifindex = (int)nla_get_u32(attributes[IFLA_LINK]);
		link->far_namespace = nla_get_s32(attributes[IFLA_LINK_NETNSID]);
	} else {
		link->peer_ifindex = (int)nla_get_u32(attributes[IFLA_LINK]);
	}
	return true;
}

static void keep_link(void *link, struct nlmsghdr *answer)
{
	netlink_parse_link(link, answer);
}

static int get_link(struct netlink *netlink, struct nl_msg *message, struct link_info *link)
{
	struct link_info found = {0};
	int error = netlink_request(netlink, message, keep_link, &found);

	if (!error && !found.ifindex)
		error = -ENODEV;
	if (!error)
		*link = found;
	return error;
}

int netlink_get_link(struct netlink *netlink, const char *name, struct link_info *link)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct nl_msg *message;

	if (!*name || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	message = netlink_message(RTM_GETLINK, 0, &header, sizeof(header));
	message = unless(message && nla_put_string(message, IFLA_IFNAME, name), message);
	return get_link(netlink, message, link);
}

int netlink_get_link_by_index(struct netlink *netlink, int ifindex, struct link_info *link)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};

	if (ifindex <= 0)
		return -ENODEV;
	return get_link(netlink, netlink_message(RTM_GETLINK, 0, &header, sizeof(header)), link);
}

int netlink_get_far_link(struct netlink *netlink, const struct link_info *near,
			 struct link_info *far)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = near->far_ifindex};
	struct nl_msg *message;

	if (!near->far_ifindex)
		return -ENODEV;
	message = netlink_message(RTM_GETLINK, 0, &header, sizeof(header));
	message = unless(message && nla_put_s32(message, IFLA_TARGET_NETNSID, near->far_namespace),
			 message);
	return get_link(netlink, message, far);
}

int netlink_set_up(struct netlink *netlink, int ifindex, bool up)
{
	struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};

	return netlink_request(netlink, netlink_message(RTM_NEWLINK, 0, &header, sizeof(header)),
			       NULL, NULL);
}

int netlink_set_mtu(struct netlink *netlink, int ifindex, uint32_t mtu)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *message = netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));

	message = unless(message && nla_put_u32(message, IFLA_MTU, mtu), message);
	return netlink_request(netlink, message, NULL, NULL);
}

/* ---- the tunnel's pair --------------------------------------------------------------------------- */

static bool put_end(struct nl_msg *message, const char *name, uint32_t mtu)
{
	return !nla_put_string(message, IFLA_IFNAME, name) && !nla_put_u32(message, IFLA_MTU, mtu);
}

/* The visible end receives on as many queues as there are CPUs: a redirected packet stays on its own. */
static bool put_pair(struct nl_msg *message, const char *name, const char *hidden)
{
	struct ifinfomsg header = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct nlattr *info, *data, *peer;

	if (!put_end(message, name, VISIBLE_MTU) ||
	    nla_put_u32(message, IFLA_NUM_RX_QUEUES, cpus > 0 ? (uint32_t)cpus : 1))
		return false;
	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info || nla_put_string(message, IFLA_INFO_KIND, "veth"))
		return false;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	peer = data ? nla_nest_start(message, VETH_INFO_PEER) : NULL;
	if (!peer || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    !put_end(message, hidden, HIDDEN_MTU))
		return false;
	nla_nest_end(message, peer);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return true;
}

static int make_pair(struct netlink *netlink, const char *name, const char *hidden)
{
	struct ifinfomsg header = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
	struct nl_msg *message =
		netlink_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));

	message = unless(message && !put_pair(message, name, hidden), message);
	return netlink_request(netlink, message, NULL, NULL);
}

/* Link-local addresses would only make noise: nobody in a tunnel has a neighbour to find. */
static int no_link_local_address(struct netlink *netlink, int ifindex)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *message = netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));
	struct nlattr *families, *inet6;
	bool is_put;
	int error;

	if (!message)
		return -ENOMEM;
	families = nla_nest_start(message, IFLA_AF_SPEC);
	inet6 = families ? nla_nest_start(message, AF_INET6) : NULL;
	is_put = inet6 && !nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	if (is_put) {
		nla_nest_end(message, inet6);
		nla_nest_end(message, families);
	}
	error = netlink_request(netlink, unless(!is_put, message), NULL, NULL);
	/* a kernel without IPv6 has none either */
	return error == -EAFNOSUPPORT ? 0 : error;
}

/* The hidden end passes packets on, and has no part in them. Where /proc/sys cannot be written it keeps an
 * IPv6 without addresses, so that this may fail. */
static bool switch_ipv6_off(const char *name)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, "1", 1) == 1;
	close(fd);
	return done;
}

static int set_up_pair(struct netlink *netlink, const char *name, const char *hidden)
{
	struct link_info visible_link, hidden_link;
	int error = netlink_get_link(netlink, name, &visible_link);

	if (!error)
		error = netlink_get_link(netlink, hidden, &hidden_link);
	if (!error)
		error = netlink_add_whole_name(netlink, name, hidden_link.ifindex);
	if (!error)
		error = no_link_local_address(netlink, visible_link.ifindex);
	if (!error)
		error = no_link_local_address(netlink, hidden_link.ifindex);
	if (!error)
		error = offload_set_up(name, true);
	if (!error)
		error = offload_set_up(hidden, false);
	if (error)
		return error;
	switch_ipv6_off(hidden);
	return netlink_set_up(netlink, hidden_link.ifindex, true);
}

int netlink_add_tunnel(struct netlink *netlink, const char *name)
{
	char hidden[IFNAMSIZ];
	int error = netlink_hidden_name(hidden, name);

	if (!error)
		error = make_pair(netlink, name, hidden);
	if (error)
		return error;
	error = set_up_pair(netlink, name, hidden);
	if (error)
		netlink_remove_tunnel(netlink, name);
	return error;
}

int netlink_remove_tunnel(struct netlink *netlink, const char *name)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct link_info link;
	char hidden[IFNAMSIZ];
	int error = netlink_hidden_name(hidden, name);

	if (!error)
		error = netlink_get_link(netlink, hidden, &link);
	if (error)
		return error;
	if (strcmp(link.kind, "veth"))
		return -EINVAL;
	header.ifi_index = link.ifindex;
	return netlink_request(netlink, netlink_message(RTM_DELLINK, 0, &header, sizeof(header)),
			       NULL, NULL);
}
