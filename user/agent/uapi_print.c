// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uapi_print.c - the agent's answers and the commands' requests as text. What the keys mean stands in uapi.c, which
 * reads them. Contract: uapi.h.
 */
#include <agent/uapi.h>
#include <crypto/crypto.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>

static void print_key(FILE *to, const char *name, const uint8_t key[static 32])
{
	char hex[KEY_HEX_LENGTH + 1];

	key_to_hex(hex, key);
	fprintf(to, "%s=%s\n", name, hex);
	crypto_wipe(hex, sizeof(hex));
}

static void print_endpoint(FILE *to, const struct endpoint *endpoint)
{
	char text[ADDRESS_TEXT_LENGTH];

	endpoint_to_text(text, endpoint);
	fprintf(to, "endpoint=%s\n", text);
}

static void print_allowed_ips(FILE *to, const struct peer_config *peer)
{
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct allowed_ip *allowed_ip = &peer->allowed_ips[i];
		char text[ADDRESS_TEXT_LENGTH];

		address_to_text(text, allowed_ip->family, allowed_ip->address);
		fprintf(to, "allowed_ip=%s%s/%u\n", allowed_ip->remove ? "-" : "", text,
			allowed_ip->prefix_length);
	}
}

static void print_verdict(FILE *to, unsigned int verdict, uint64_t count)
{
	if (count > 0)
		fprintf(to, "wgxdp_verdict=%s:%" PRIu64 "\n", verdict_name(verdict), count);
}

/* Ours, behind a key that all know: others pass over what they do not. */
static void print_names(FILE *to, const struct peer_config *peer)
{
	if (*peer->name || peer->has_name)
		fprintf(to, "wgxdp_name=%s\n", peer->name);
	if (*peer->endpoint_name)
		fprintf(to, "wgxdp_endpoint=%s\n", peer->endpoint_name);
	if (peer->has_roaming || peer->stays)
		fprintf(to, "wgxdp_roaming=%s\n", peer->stays ? "off" : "on");
	if (peer->has_limit || peer->limit)
		fprintf(to, "wgxdp_limit=%" PRIu64 "\n", peer->limit);
}

static void print_peer(FILE *to, const struct peer_config *peer)
{
	print_key(to, "public_key", peer->public_key);
	print_key(to, "preshared_key", peer->preshared_key);
	fprintf(to, "protocol_version=1\n");
	if (peer->endpoint.family != FAMILY_NONE)
		print_endpoint(to, &peer->endpoint);
	fprintf(to, "last_handshake_time_sec=%" PRIu64 "\n", peer->last_handshake_seconds);
	fprintf(to, "last_handshake_time_nsec=%" PRIu32 "\n", peer->last_handshake_nanoseconds);
	fprintf(to, "tx_bytes=%" PRIu64 "\n", peer->sent_bytes);
	fprintf(to, "rx_bytes=%" PRIu64 "\n", peer->received_bytes);
	fprintf(to, "persistent_keepalive_interval=%u\n", peer->keepalive);
	if (peer->received_packets)
		fprintf(to, "wgxdp_rx_packets=%" PRIu64 "\n", peer->received_packets);
	if (peer->sent_packets)
		fprintf(to, "wgxdp_tx_packets=%" PRIu64 "\n", peer->sent_packets);
	print_names(to, peer);
	for (unsigned int i = 0; i < VERDICT_COUNT; i++)
		print_verdict(to, i, peer->verdicts[i]);
	print_allowed_ips(to, peer);
}

/* Of the tunnel itself what others do not know; `all`: also that there is none. */
static void print_rules(FILE *to, const struct device_config *config, bool all)
{
	char text[ADDRESS_TEXT_LENGTH];

	if (config->mss_limit || (all && config->has_mss_limit)) {
		mss_limit_to_text(text, config->mss_limit);
		fprintf(to, "wgxdp_clamp_mss=%s\n", text);
	}
	for (unsigned int i = 0; i < config->bound_count; i++) {
		address_to_text(text, config->bound_addresses[i].family,
				config->bound_addresses[i].address);
		fprintf(to, "wgxdp_bind=%s\n", text);
	}
	if (all && config->has_bound_addresses && !config->bound_count)
		fprintf(to, "wgxdp_bind=any\n");
}

/* wg(8) reads the number as it is after a set, and with its sign turned after a get. */
void uapi_print_set_result(FILE *to, int error)
{
	fprintf(to, "errno=%d\n\n", error);
}

void uapi_print_get_result(FILE *to, int error)
{
	fprintf(to, "errno=%d\n\n", -error);
}

void uapi_print_peers(FILE *to, const struct device_config *config)
{
	for (size_t i = 0; i < config->peer_count; i++)
		print_peer(to, &config->peers[i]);
}

void uapi_print_device_begin(FILE *to, const struct device_config *config)
{
	if (!crypto_is_zero(config->private_key, sizeof(config->private_key)))
		print_key(to, "private_key", config->private_key);
	fprintf(to, "listen_port=%u\n", config->listen_port);
	if (config->fwmark)
		fprintf(to, "fwmark=%" PRIu32 "\n", config->fwmark);
	if (config->is_up)
		fprintf(to, "wgxdp_is_up=true\n");
	print_rules(to, config, false);
	for (size_t i = 0; i < config->interface_count; i++)
		fprintf(to, "wgxdp_interface=%s:%s\n", config->interfaces[i].name,
			config->interfaces[i].is_generic ? "generic" : "native");
	for (unsigned int i = 0; i < VERDICT_COUNT; i++)
		print_verdict(to, i, config->verdicts[i]);
	uapi_print_peers(to, config);
}

void uapi_print_device(FILE *to, const struct device_config *config, int error)
{
	if (!error)
		uapi_print_device_begin(to, config);
	uapi_print_get_result(to, error);
}

static void print_peer_changes(FILE *to, const struct peer_config *peer)
{
	print_key(to, "public_key", peer->public_key);
	if (peer->remove) {
		fprintf(to, "remove=true\n");
		return;
	}
	if (peer->update_only)
		fprintf(to, "update_only=true\n");
	if (peer->has_preshared_key)
		print_key(to, "preshared_key", peer->preshared_key);
	if (peer->has_endpoint)
		print_endpoint(to, &peer->endpoint);
	print_names(to, peer);
	if (peer->has_keepalive)
		fprintf(to, "persistent_keepalive_interval=%u\n", peer->keepalive);
	if (peer->replace_allowed_ips)
		fprintf(to, "replace_allowed_ips=true\n");
	print_allowed_ips(to, peer);
}

void uapi_print_set(FILE *to, const struct device_config *config)
{
	fprintf(to, "set=1\n");
	if (config->has_private_key)
		print_key(to, "private_key", config->private_key);
	if (config->has_listen_port)
		fprintf(to, "listen_port=%u\n", config->listen_port);
	if (config->has_fwmark)
		fprintf(to, "fwmark=%" PRIu32 "\n", config->fwmark);
	print_rules(to, config, true);
	if (config->replace_peers)
		fprintf(to, "replace_peers=true\n");
	for (size_t i = 0; i < config->peer_count; i++)
		print_peer_changes(to, &config->peers[i]);
	fprintf(to, "\n");
}
