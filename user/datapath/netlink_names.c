// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * netlink_names.c - what a tunnel's hidden end is called, and which tunnels there are. Contract: netlink.h.
 *
 *     wg0               wg0.dp
 *     wireguard-home    wireg~x4k2fa.dp     the name of an interface has no room for more: five of its characters and
 *                                           30 bits of a hash of it; the kernel also knows it as wireguard-home.dp
 */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#define SUFFIX ".dp"
#define SUFFIX_LENGTH (sizeof(SUFFIX) - 1)

enum {
	NAME_MAX_LENGTH = IFNAMSIZ - 1,
	/* of a name with which the suffix finds room */
	SHORT_MAX_LENGTH = NAME_MAX_LENGTH - SUFFIX_LENGTH,
	KEPT_LENGTH = 5,
	HASH_LENGTH = 6,
};

_Static_assert(KEPT_LENGTH + 1 + HASH_LENGTH == SHORT_MAX_LENGTH, "all the room there is");

/* As the kernel takes one (dev_valid_name()), and without what it would take for a pattern. */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	return length && length <= NAME_MAX_LENGTH && !strpbrk(name, "/:% \t\n\v\f\r") &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* FNV-1a, five bits a letter. */
static void hash_name(char text[static HASH_LENGTH + 1], const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t hash = 2166136261;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619;
	for (int i = 0; i < HASH_LENGTH; i++, hash >>= 5)
		text[i] = letters[hash & 31];
	text[HASH_LENGTH] = '\0';
}

int netlink_hidden_name(char hidden[static IFNAMSIZ], const char *name)
{
	char hash[HASH_LENGTH + 1];

	if (!is_interface_name(name))
		return -EINVAL;
	if (netlink_has_long_name(name)) {
		hash_name(hash, name);
		snprintf(hidden, IFNAMSIZ, "%.*s~%s" SUFFIX, KEPT_LENGTH, name, hash);
	} else {
		snprintf(hidden, IFNAMSIZ, "%s" SUFFIX, name);
	}
	return 0;
}

bool netlink_has_long_name(const char *name)
{
	return strlen(name) > SHORT_MAX_LENGTH;
}

int netlink_add_whole_name(struct netlink *netlink, const char *name, int hidden)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = hidden};
	char whole[IFNAMSIZ + SUFFIX_LENGTH];
	struct nlattr *names = NULL;
	struct nl_msg *message;

	if (!netlink_has_long_name(name))
		return 0;
	message = netlink_message(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND,
				  &header, sizeof(header));
	snprintf(whole, sizeof(whole), "%s" SUFFIX, name);
	if (message)
		names = nla_nest_start(message, IFLA_PROP_LIST);
	if (!names || nla_put_string(message, IFLA_ALT_IFNAME, whole)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	nla_nest_end(message, names);
	return netlink_request(netlink, message, NULL, NULL);
}

/* ---- which there are ------------------------------------------------------------------------------ */

struct visit {
	void (*each)(void *context, const char *tunnel);
	void *context;
};

/* The name without the suffix, in `tunnel`; false when it has none, or is too long for a tunnel's. */
static bool without_suffix(char tunnel[static IFNAMSIZ], const char *name)
{
	size_t length = strlen(name);

	if (length <= SUFFIX_LENGTH || length - SUFFIX_LENGTH > NAME_MAX_LENGTH ||
	    strcmp(name + length - SUFFIX_LENGTH, SUFFIX) != 0)
		return false;
	snprintf(tunnel, IFNAMSIZ, "%.*s", (int)(length - SUFFIX_LENGTH), name);
	return true;
}

/* Whose hidden end is called so, when its whole name is among the others it has. */
static bool is_whole_name(char tunnel[static IFNAMSIZ], struct nlattr *attribute,
			  const char *hidden)
{
	char whole[IFNAMSIZ + SUFFIX_LENGTH + 1], expected[IFNAMSIZ];

	nla_strlcpy(whole, attribute, sizeof(whole));
	return without_suffix(tunnel, whole) && netlink_has_long_name(tunnel) &&
	       !netlink_hidden_name(expected, tunnel) && !strcmp(expected, hidden);
}

static void visit_link(void *context, struct nlmsghdr *answer)
{
	struct nlattr *attributes[IFLA_MAX + 1], *other;
	char name[IFNAMSIZ], tunnel[IFNAMSIZ];
	const struct visit *visit = context;
	int rest;

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(answer, sizeof(struct ifinfomsg), attributes, IFLA_MAX, NULL) ||
	    !attributes[IFLA_IFNAME])
		return;
	nla_strlcpy(name, attributes[IFLA_IFNAME], sizeof(name));
	if (!without_suffix(tunnel, name))
		return;
	if (attributes[IFLA_PROP_LIST]) {
		char whole[IFNAMSIZ];

		nla_for_each_nested(other, attributes[IFLA_PROP_LIST],
				    rest) if (nla_type(other) == IFLA_ALT_IFNAME &&
					      is_whole_name(whole, other, name))
			memcpy(tunnel, whole, sizeof(tunnel));
	}
	visit->each(visit->context, tunnel);
}

int netlink_for_each_tunnel(struct netlink *netlink,
			    void (*each)(void *context, const char *tunnel), void *context)
{
	struct visit visit = {each, context};
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};

	return netlink_request(netlink,
			       netlink_message(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			       visit_link, &visit);
}
