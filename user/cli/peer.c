// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * peer.c - `wgxdp peer add`, `set`, `remove` and `list`: one set request for the agent, after a look at what is
 * there, because the protocol itself passes over a peer that is missing or there already.
 */
#include <cli/cli.h>
#include <cli/input.h>
#include <cli/show.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_rules(const struct arguments *arguments, struct peer_config *peer)
{
	const char *roaming = option_value(arguments, "roaming", 0);
	const char *limit = option_value(arguments, "limit", 0);

	peer->has_roaming = roaming;
	peer->stays = roaming && !strcmp(roaming, "off");
	if (roaming && !peer->stays && strcmp(roaming, "on") != 0) {
		complain(arguments, "--roaming '%s': expected on or off", roaming);
		return false;
	}
	peer->has_limit = limit;
	if (limit && !rate_from_text(&peer->limit, limit)) {
		complain(arguments,
			 "--limit '%s': expected a rate like 100mbit, from 8kbit on, or off",
			 limit);
		return false;
	}
	return true;
}

static bool read_options(const struct arguments *arguments, struct peer_config *peer)
{
	const char *allowed_ips = option_value(arguments, "allowed-ips", 0);
	const char *keepalive = option_value(arguments, "keepalive", 0);
	const char *preshared_key = option_value(arguments, "preshared-key", 0);
	const char *endpoint = option_value(arguments, "endpoint", 0);

	if (!read_rules(arguments, peer))
		return false;

	if (allowed_ips) {
		if (!input_prefixes(arguments, "allowed-ips", allowed_ips, peer))
			return false;
		peer->replace_allowed_ips = true;
	}
	if (keepalive) {
		if (!input_keepalive(arguments, keepalive, &peer->keepalive))
			return false;
		peer->has_keepalive = true;
	}
	if (preshared_key) {
		if (!input_key_file(arguments, preshared_key, true, peer->preshared_key))
			return false;
		peer->has_preshared_key = true;
	}
	/* last, it may take its time */
	return !endpoint || input_endpoint(arguments, endpoint, peer);
}

static const struct peer_config *find_peer(const struct device_config *config,
					   const uint8_t key[static 32])
{
	for (size_t i = 0; i < config->peer_count; i++) {
		if (crypto_equal(config->peers[i].public_key, key, 32))
			return &config->peers[i];
	}
	return NULL;
}

static bool is_own_key(const struct device_config *config, const uint8_t key[static 32])
{
	uint8_t own[32];

	return !crypto_is_zero(config->private_key, 32) &&
	       curve25519_public(own, config->private_key) && crypto_equal(own, key, 32);
}

/* Whether the tunnel as it is allows what is asked for. */
static bool may_change(const struct arguments *arguments, const char *tunnel,
		       const struct device_config *present, const struct peer_config *peer)
{
	const char *text = arguments->operands[0];
	bool expected = peer->remove || peer->update_only;
	bool there = find_peer(present, peer->public_key);

	if (!expected && is_own_key(present, peer->public_key))
		complain(arguments, "'%s' is the public key of %s itself: expected another's", text,
			 tunnel);
	else if (expected && !there)
		complain(arguments,
			 "'%s' is not a peer of %s: expected one that 'wgxdp peer list' "
			 "prints",
			 text, tunnel);
	else if (!expected && there)
		complain(arguments, "'%s' is a peer of %s already: 'wgxdp peer set' changes it",
			 text, tunnel);
	else
		return true;
	return false;
}

static bool change(const struct arguments *arguments, const char *tunnel,
		   const struct device_config *set)
{
	struct device_config present;
	int fd = tunnel_connect_or_complain(arguments, tunnel), error;
	bool good = false;

	if (fd < 0)
		return false;
	error = uapi_get(fd, &present);
	if (!error) {
		good = may_change(arguments, tunnel, &present, set->peers);
		config_free(&present);
		if (good)
			error = uapi_set(fd, set);
	}
	close(fd);
	if (error)
		tunnel_complain(arguments, tunnel, error);
	return good && !error;
}

static int run(const struct arguments *arguments, bool update_only, bool remove)
{
	const char *tunnel = tunnel_option(arguments);
	struct device_config set = {0};
	struct peer_config *peer = config_add_peer(&set);
	bool good = tunnel && peer &&
		    input_public_key(arguments, arguments->operands[0], peer->public_key);

	if (good) {
		peer->update_only = update_only;
		peer->remove = remove;
		good = (remove || read_options(arguments, peer)) && change(arguments, tunnel, &set);
	}
	config_free(&set);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cli_peer_add(const struct arguments *arguments)
{
	return run(arguments, false, false);
}

int cli_peer_set(const struct arguments *arguments)
{
	return run(arguments, true, false);
}

int cli_peer_remove(const struct arguments *arguments)
{
	return run(arguments, false, true);
}

static void print_peer(const struct peer_config *peer)
{
	char key[KEY_BASE64_LENGTH + 1], text[ADDRESS_TEXT_LENGTH] = "(none)";

	key_to_base64(key, peer->public_key);
	if (peer->has_endpoint)
		endpoint_to_text(text, &peer->endpoint);
	printf("%s\t%s\t", key, text);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct allowed_ip *allowed_ip = &peer->allowed_ips[i];

		address_to_text(text, allowed_ip->family, allowed_ip->address);
		printf("%s%s/%u", i ? "," : "", text, allowed_ip->prefix_length);
	}
	printf("%s\n", peer->allowed_ip_count ? "" : "(none)");
}

static bool print_json(const struct device_config *config)
{
	json_t *peers = json_array();

	for (size_t i = 0; i < config->peer_count; i++)
		json_append(&peers, json_of_peer(&config->peers[i]));
	return json_print(stdout, json_pack("{s:o}", "peers", peers));
}

int cli_peer_list(const struct arguments *arguments)
{
	const char *tunnel = tunnel_option(arguments);
	struct device_config config;
	int fd = tunnel ? tunnel_connect_or_complain(arguments, tunnel) : -1, error;
	bool good = true;

	if (fd < 0)
		return EXIT_FAILURE;
	error = uapi_get(fd, &config);
	close(fd);
	if (error) {
		tunnel_complain(arguments, tunnel, error);
		return EXIT_FAILURE;
	}
	if (option_value(arguments, "json", 0))
		good = print_json(&config);
	for (size_t i = 0; i < config.peer_count && !option_value(arguments, "json", 0); i++)
		print_peer(&config.peers[i]);
	config_free(&config);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
