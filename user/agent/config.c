// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * config.c - the lists of a tunnel's configuration (config.h): they double when they are full, so that a
 * peer with 130 560 allowed IPs costs no more an entry than one with two. Nothing is checked here.
 */
#include <agent/config.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <stdlib.h>

/*
 * Room for one element more in a list that only this function grows: it is full exactly when its
 * length is 0 or a power of two. Not realloc(), which would leave a copy of preshared keys behind.
 */
static void *append(void **list, size_t *count, size_t size)
{
	void *grown;

	if ((*count & (*count - 1)) == 0) {
		grown = calloc(*count ? *count * 2 : 1, size);
		if (!grown)
			return NULL;
		if (*count) {
			memcpy(grown, *list, *count * size);
			crypto_wipe(*list, *count * size);
		}
		free(*list);
		*list = grown;
	}
	return (char *)*list + (*count)++ * size;
}

struct peer_config *config_add_peer(struct device_config *config)
{
	return append((void **)&config->peers, &config->peer_count, sizeof(*config->peers));
}

struct allowed_ip *config_add_allowed_ip(struct peer_config *peer)
{
	return append((void **)&peer->allowed_ips, &peer->allowed_ip_count,
		      sizeof(*peer->allowed_ips));
}

struct interface_config *config_add_interface(struct device_config *config)
{
	return append((void **)&config->interfaces, &config->interface_count,
		      sizeof(*config->interfaces));
}

bool config_bind(struct device_config *config, const char *text)
{
	bool is_any = strcmp(text, "any") == 0;

	if (is_any)
		config->bound_count = 0;
	else if (config->bound_count == BOUND_ADDRESSES_MAX ||
		 !local_address_from_text(&config->bound_addresses[config->bound_count], text))
		return false;
	config->has_bound_addresses = true;
	config->bound_count += !is_any;
	return true;
}

void config_free(struct device_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++)
		free(config->peers[i].allowed_ips);
	if (config->peer_count)
		crypto_wipe(config->peers, config->peer_count * sizeof(*config->peers));
	free(config->peers);
	free(config->interfaces);
	crypto_wipe(config, sizeof(*config));
}
