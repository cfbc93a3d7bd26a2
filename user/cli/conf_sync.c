// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conf_sync.c - compares two configurations, both sorted by public key and by prefix. Contract: conf_sync.h.
 */
#include <cli/conf_sync.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- order --------------------------------------------------------------------------------------- */

static int compare_peers(const struct peer_config *left, const struct peer_config *right)
{
	for (size_t i = 0; i < sizeof(left->public_key); i++) {
		if (left->public_key[i] != right->public_key[i])
			return left->public_key[i] < right->public_key[i] ? -1 : 1;
	}
	return 0;
}

/* A peer that is there twice: in the order of its sections. */
static int order_peers(const void *a, const void *b)
{
	const struct peer_config *const *left = a, *const *right = b;
	int order = compare_peers(*left, *right);

	return order ? order : *left < *right ? -1 : 1;
}

/* Pointers to the peers in the order of their keys; NULL without memory, or without peers. */
static const struct peer_config **sort_peers(const struct device_config *config)
{
	const struct peer_config **sorted = calloc(config->peer_count, sizeof(sorted[0]));

	for (size_t i = 0; sorted && i < config->peer_count; i++)
		sorted[i] = &config->peers[i];
	if (sorted)
		qsort(sorted, config->peer_count, sizeof(sorted[0]), order_peers);
	return sorted;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct allowed_ip *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	if (left->prefix_length != right->prefix_length)
		return left->prefix_length < right->prefix_length ? -1 : 1;
	return memcmp(left->address, right->address, sizeof(left->address));
}

static struct allowed_ip *sort_prefixes(const struct peer_config *peer)
{
	struct allowed_ip *sorted = calloc(peer->allowed_ip_count + 1, sizeof(sorted[0]));

	if (sorted && peer->allowed_ip_count) {
		memcpy(sorted, peer->allowed_ips, peer->allowed_ip_count * sizeof(sorted[0]));
		qsort(sorted, peer->allowed_ip_count, sizeof(sorted[0]), compare_prefixes);
	}
	return sorted;
}

/* ---- a peer -------------------------------------------------------------------------------------- */

static int add_prefix(struct peer_config *change, const struct allowed_ip *prefix, bool remove)
{
	struct allowed_ip *added = config_add_allowed_ip(change);

	if (!added)
		return -ENOMEM;
	*added = *prefix;
	added->remove = remove;
	return 0;
}

/* The changes so far: what is removed comes after all that is added, so that a prefix which goes from one peer to
 * another goes at once. */
struct difference {
	struct device_config *change;
	struct device_config removals;
};

static struct peer_config *removal_of(struct difference *difference, const struct peer_config *peer)
{
	struct peer_config *removal = config_add_peer(&difference->removals);

	if (removal)
		memcpy(removal->public_key, peer->public_key, sizeof(removal->public_key));
	return removal;
}

static int remove_prefix(struct difference *difference, struct peer_config **removal,
			 const struct peer_config *peer, const struct allowed_ip *prefix)
{
	if (!*removal) {
		*removal = removal_of(difference, peer);
		if (!*removal)
			return -ENOMEM;
		(*removal)->update_only = true;
	}
	return add_prefix(*removal, prefix, true);
}

/* One by one, not all replaced: what stays is never away. */
static int compare_allowed_ips(const struct peer_config *present, const struct peer_config *wanted,
			       struct peer_config *change, struct difference *difference)
{
	struct peer_config *removal = NULL;
	struct allowed_ip *before = sort_prefixes(present), *after = sort_prefixes(wanted);
	size_t i = 0, j = 0;
	int error = before && after ? 0 : -ENOMEM;

	while (!error && (i < present->allowed_ip_count || j < wanted->allowed_ip_count)) {
		int order = i == present->allowed_ip_count ? 1
			    : j == wanted->allowed_ip_count
				    ? -1
				    : compare_prefixes(&before[i], &after[j]);

		if (order < 0)
			error = remove_prefix(difference, &removal, present, &before[i]);
		else if (order > 0)
			error = add_prefix(change, &after[j], false);
		i += order <= 0;
		j += order >= 0;
	}
	free(before);
	free(after);
	return error;
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !memcmp(a->port, b->port, sizeof(a->port)) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

/* One that goes by a name is where the name, or the peer itself, said last. */
static void compare_endpoints(const struct peer_config *present, const struct peer_config *wanted,
			      struct peer_config *change)
{
	if (*wanted->endpoint_name) {
		if (strcmp(present->endpoint_name, wanted->endpoint_name) != 0)
			memcpy(change->endpoint_name, wanted->endpoint_name,
			       sizeof(change->endpoint_name));
	} else if (wanted->has_endpoint && (*present->endpoint_name || !present->has_endpoint ||
					    !same_place(&present->endpoint, &wanted->endpoint))) {
		change->has_endpoint = true;
		change->endpoint = wanted->endpoint;
	}
}

static bool is_change(const struct peer_config *change)
{
	return change->has_preshared_key || change->has_endpoint || *change->endpoint_name ||
	       change->has_keepalive || change->has_name || change->has_roaming ||
	       change->has_limit || change->allowed_ip_count;
}

/* What the file does not say is as it is by default. */
static int compare_peer(const struct peer_config *present, const struct peer_config *wanted,
			struct difference *difference)
{
	struct peer_config *peer = config_add_peer(difference->change);
	int error;

	if (!peer)
		return -ENOMEM;
	memcpy(peer->public_key, wanted->public_key, sizeof(peer->public_key));
	peer->update_only = true;
	if (!crypto_equal(present->preshared_key, wanted->preshared_key, 32)) {
		peer->has_preshared_key = true;
		memcpy(peer->preshared_key, wanted->preshared_key, sizeof(peer->preshared_key));
	}
	peer->has_keepalive = present->keepalive != wanted->keepalive;
	peer->keepalive = wanted->keepalive;
	peer->has_roaming = present->stays != wanted->stays;
	peer->stays = wanted->stays;
	peer->has_limit = present->limit != wanted->limit;
	peer->limit = wanted->limit;
	peer->has_name = strcmp(present->name, wanted->name) != 0;
	memcpy(peer->name, wanted->name, sizeof(peer->name));
	compare_endpoints(present, wanted, peer);
	error = compare_allowed_ips(present, wanted, peer, difference);
	if (!error && !is_change(peer)) {
		*peer = (struct peer_config){0};
		difference->change->peer_count--;
	}
	return error;
}

static int add_peer(const struct peer_config *wanted, struct device_config *change)
{
	struct peer_config *peer = config_add_peer(change);
	int error = 0;

	if (!peer)
		return -ENOMEM;
	*peer = *wanted;
	peer->allowed_ips = NULL;
	peer->allowed_ip_count = 0;
	for (size_t i = 0; i < wanted->allowed_ip_count && !error; i++)
		error = add_prefix(peer, &wanted->allowed_ips[i], false);
	return error;
}

static int remove_peer(const struct peer_config *present, struct difference *difference)
{
	struct peer_config *peer = removal_of(difference, present);

	if (!peer)
		return -ENOMEM;
	peer->remove = true;
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static bool same_bindings(const struct device_config *a, const struct device_config *b)
{
	return a->bound_count == b->bound_count &&
	       !memcmp(a->bound_addresses, b->bound_addresses,
		       a->bound_count * sizeof(a->bound_addresses[0]));
}

static void compare_device(const struct device_config *present, const struct device_config *wanted,
			   uint32_t kept_mark, struct device_config *change)
{
	uint32_t mark = wanted->has_fwmark && wanted->fwmark ? wanted->fwmark : kept_mark;

	*change = (struct device_config){
		.has_private_key = wanted->has_private_key &&
				   !crypto_equal(present->private_key, wanted->private_key, 32),
		.has_listen_port =
			wanted->has_listen_port && present->listen_port != wanted->listen_port,
		.listen_port = wanted->listen_port,
		.has_fwmark = present->fwmark != mark,
		.fwmark = mark,
	};
	memcpy(change->private_key, wanted->private_key, sizeof(change->private_key));
	change->has_mss_limit = present->mss_limit != wanted->mss_limit;
	change->mss_limit = wanted->mss_limit;
	change->has_bound_addresses = !same_bindings(present, wanted);
	change->bound_count = change->has_bound_addresses ? wanted->bound_count : 0;
	memcpy(change->bound_addresses, wanted->bound_addresses, sizeof(change->bound_addresses));
}

static int compare_all(const struct peer_config **before, size_t before_count,
		       const struct peer_config **after, size_t after_count,
		       struct difference *difference)
{
	size_t i = 0, j = 0;
	int error = 0;

	while (!error && (i < before_count || j < after_count)) {
		int order;

		/* the last section counts */
		while (j + 1 < after_count && !compare_peers(after[j], after[j + 1]))
			j++;
		order = i == before_count  ? 1
			: j == after_count ? -1
					   : compare_peers(before[i], after[j]);
		if (order < 0)
			error = remove_peer(before[i], difference);
		else if (order > 0)
			error = add_peer(after[j], difference->change);
		else
			error = compare_peer(before[i], after[j], difference);
		i += order <= 0;
		j += order >= 0;
	}
	return error;
}

static int append_removals(struct difference *difference)
{
	struct device_config *removals = &difference->removals;

	for (size_t i = 0; i < removals->peer_count; i++) {
		struct peer_config *peer = config_add_peer(difference->change);

		if (!peer)
			return -ENOMEM;
		*peer = removals->peers[i];
		removals->peers[i].allowed_ips = NULL;
	}
	return 0;
}

int conf_difference(const struct device_config *present, const struct device_config *wanted,
		    uint32_t kept_mark, struct device_config *change)
{
	const struct peer_config **before = sort_peers(present), **after = sort_peers(wanted);
	struct difference difference = {.change = change};
	int error =
		(before || !present->peer_count) && (after || !wanted->peer_count) ? 0 : -ENOMEM;

	compare_device(present, wanted, kept_mark, change);
	if (!error)
		error = compare_all(before, present->peer_count, after, wanted->peer_count,
				    &difference);
	if (!error)
		error = append_removals(&difference);
	free(before);
	free(after);
	config_free(&difference.removals);
	if (error)
		config_free(change);
	return error;
}
