/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink_offload.c - the features of the tunnel's pair, by the kernel's ethtool ioctl.
 *
 * A sealed packet cannot be segmented or have its checksum filled in any more. An interface that offers
 * neither makes the stack do both, in software and once per large packet, right before the interface.
 * Receiving is the other way round: GRO makes wg0 poll (without it the kernel drops what XDP redirects
 * to it, silently) and hands the stack whole bundles.
 */
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum wish { INDIFFERENT, ON, OFF };

/* All kinds that a device does itself; the generic one is the stack's own, in one go. */
static enum wish wish_for(const char *feature, bool gro)
{
	if (!strcmp(feature, "rx-gro"))
		return gro ? ON : OFF;
	if (!strcmp(feature, "tx-generic-segmentation"))
		return INDIFFERENT;
	if (!strncmp(feature, "tx-", 3) &&
	    (strstr(feature, "segmentation") || strstr(feature, "checksum") ||
	     strstr(feature, "-gso-")))
		return OFF;
	return INDIFFERENT;
}

static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = {.ifr_data = command};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

int offload_get_names(int fd, const char *name, struct ethtool_gstrings **names)
{
	union {
		struct ethtool_sset_info info;
		uint8_t with_one_count[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} sets = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};
	struct ethtool_gstrings *found;
	int error = ethtool(fd, name, &sets);

	if (error)
		return error;
	found = calloc(1, sizeof(*found) + (size_t)sets.info.data[0] * ETH_GSTRING_LEN);
	if (!found)
		return -ENOMEM;
	found->cmd = ETHTOOL_GSTRINGS;
	found->string_set = ETH_SS_FEATURES;
	found->len = sets.info.data[0];
	error = ethtool(fd, name, found);
	if (error)
		free(found);
	else
		*names = found;
	return error;
}

/* Whether the device is as `wanted` says; not known is no. */
static bool is_so(int fd, const char *name, const struct ethtool_sfeatures *wanted)
{
	struct ethtool_gfeatures *there =
		calloc(1, sizeof(*there) + wanted->size * sizeof(there->features[0]));
	bool so = there;

	if (there) {
		there->cmd = ETHTOOL_GFEATURES;
		there->size = wanted->size;
		so = !ethtool(fd, name, there);
	}
	for (uint32_t i = 0; so && i < wanted->size; i++) {
		const struct ethtool_set_features_block *wish = &wanted->features[i];

		so = !((there->features[i].active ^ wish->requested) & wish->valid);
	}
	free(there);
	return so;
}

static int apply(int fd, const char *name, const struct ethtool_gstrings *names, bool gro)
{
	uint32_t blocks = (names->len + 31) / 32;
	struct ethtool_sfeatures *features;
	int error;

	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (!features)
		return -ENOMEM;
	features->cmd = ETHTOOL_SFEATURES;
	features->size = blocks;
	for (uint32_t bit = 0; bit < names->len; bit++) {
		const char *feature = (const char *)names->data + bit * ETH_GSTRING_LEN;
		enum wish wish = wish_for(feature, gro);

		if (wish != INDIFFERENT)
			features->features[bit / 32].valid |= 1u << bit % 32;
		if (wish == ON)
			features->features[bit / 32].requested |= 1u << bit % 32;
	}
	if (is_so(fd, name, features))
		error = -EALREADY;
	else
		error = ethtool(fd, name, features);
	free(features);
	return error;
}

static int set_up(const char *name, bool gro)
{
	struct ethtool_gstrings *names;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	error = offload_get_names(fd, name, &names);
	if (!error) {
		error = apply(fd, name, names, gro);
		free(names);
	}
	close(fd);
	return error;
}

int offload_set_up(const char *name, bool gro)
{
	int error = set_up(name, gro);

	return error == -EALREADY ? 0 : error;
}

int netlink_keep_offloads(const char *visible)
{
	return set_up(visible, true);
}
