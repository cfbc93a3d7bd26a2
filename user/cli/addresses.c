// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* addresses.c - addresses of an interface, and free ones of its network. Contract: addresses.h. */
#include <cli/addresses.h>
#include <datapath/netlink_policy.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what an interface has ------------------------------------------------------------------------ */

struct reading {
	struct address_list *list;
	bool failed;
};

static void add_address(void *context, enum address_family family, const uint8_t *address,
			uint8_t prefix_length)
{
	struct reading *reading = context;
	struct address_list *list = reading->list;
	struct allowed_ip *items =
		reallocarray(list->items, list->count + 1, sizeof(list->items[0]));

	if (!items) {
		reading->failed = true;
		return;
	}
	list->items = items;
	items[list->count] = (struct allowed_ip){.family = family, .prefix_length = prefix_length};
	memcpy(items[list->count++].address, address, 16);
}

int addresses_read(struct netlink *netlink, int ifindex, struct address_list *list)
{
	struct reading reading = {.list = list};
	int error;

	*list = (struct address_list){0};
	error = netlink_for_each_address_of(netlink, ifindex, add_address, &reading);
	if (!error && reading.failed)
		error = -ENOMEM;
	if (error)
		addresses_free(list);
	return error;
}

void addresses_free(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){0};
}

bool address_is_link_local(const struct allowed_ip *address)
{
	return address->family == FAMILY_IPV6 && address->address[0] == 0xfe &&
	       (address->address[1] & 0xc0) == 0x80;
}

bool address_is_private(const struct allowed_ip *address)
{
	const uint8_t *byte = address->address;

	if (address->family == FAMILY_IPV6)
		return (byte[0] & 0xfe) == 0xfc;
	return byte[0] == 10 || (byte[0] == 172 && (byte[1] & 0xf0) == 16) ||
	       (byte[0] == 192 && byte[1] == 168) || (byte[0] == 100 && (byte[1] & 0xc0) == 64);
}

/* ---- what is free --------------------------------------------------------------------------------- */

/* From one address to another, both included. */
struct range {
	uint8_t first[16], last[16];
};

static size_t address_length(enum address_family family)
{
	return family == FAMILY_IPV4 ? 4 : 16;
}

static struct range range_of(const struct allowed_ip *prefix, unsigned int prefix_length)
{
	unsigned int bits = 8 * (unsigned int)address_length(prefix->family);
	struct range range = {0};

	memcpy(range.first, prefix->address, bits / 8);
	memcpy(range.last, prefix->address, bits / 8);
	for (unsigned int bit = prefix_length; bit < bits; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		range.first[bit / 8] &= (uint8_t)~mask;
		range.last[bit / 8] |= mask;
	}
	return range;
}

/* To the next address; from the very last one to none, which is false. */
static bool increment(uint8_t address[static 16], size_t length)
{
	while (length-- > 0) {
		if (++address[length])
			return true;
	}
	return false;
}

static int compare_ranges(const void *a, const void *b)
{
	return memcmp(((const struct range *)a)->first, ((const struct range *)b)->first, 16);
}

/* Into `taken`, which has room for all of them. Returns how many. */
static size_t list_taken(const struct allowed_ip *own, const struct address_list *all,
			 const struct device_config *config, struct range *taken)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].family == own->family)
			taken[count++] = range_of(&all->items[i], 128);
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct peer_config *peer = &config->peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			const struct allowed_ip *prefix = &peer->allowed_ips[j];

			if (prefix->family == own->family &&
			    prefix->prefix_length >= own->prefix_length)
				taken[count++] = range_of(prefix, prefix->prefix_length);
		}
	}
	return count;
}

int addresses_find_free(const struct allowed_ip *own, const struct address_list *all,
			const struct device_config *config, uint8_t address[static 16])
{
	struct range network = range_of(own, own->prefix_length), *taken;
	size_t room = all->count, length = address_length(own->family), count;
	uint8_t candidate[16];
	bool good;

	for (size_t i = 0; i < config->peer_count; i++)
		room += config->peers[i].allowed_ip_count;
	taken = calloc(room + 1, sizeof(taken[0]));
	if (!taken)
		return -ENOMEM;
	count = list_taken(own, all, config, taken);
	qsort(taken, count, sizeof(taken[0]), compare_ranges);

	memcpy(candidate, network.first, sizeof(candidate));
	good = increment(candidate, length);
	for (size_t i = 0; good && i < count && memcmp(taken[i].first, candidate, 16) <= 0; i++) {
		if (memcmp(taken[i].last, candidate, 16) < 0)
			continue;
		memcpy(candidate, taken[i].last, sizeof(candidate));
		good = increment(candidate, length);
	}
	free(taken);
	if (!good || memcmp(candidate, network.last, 16) >= 0)
		return -ENOSPC;
	memcpy(address, candidate, sizeof(candidate));
	return 0;
}
