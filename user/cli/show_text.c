// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * show_text.c - a tunnel for people to read: what `wg show` prints, in its words, then the interfaces it
 * receives on and what became of packets that were not delivered.
 */
#include <cli/show.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <inttypes.h>
#include <stdlib.h>

static void print_bytes(FILE *to, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		fprintf(to, "%" PRIu64 " B", bytes);
		return;
	}
	for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	fprintf(to, "%.2f %s", amount, units[unit]);
}

/* "1 hour, 2 minutes, 3 seconds": what is zero is left out. */
static void print_duration(FILE *to, uint64_t seconds)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {
		{"year", 365 * 86400}, {"day", 86400}, {"hour", 3600},
		{"minute", 60},        {"second", 1},
	};
	const char *separator = "";

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t count = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (count == 0)
			continue;
		fprintf(to, "%s%" PRIu64 " %s%s", separator, count, units[i].name,
			count == 1 ? "" : "s");
		separator = ", ";
	}
}

static void print_handshake(FILE *to, uint64_t when, time_t now)
{
	if (when > (uint64_t)now) {
		fprintf(to, "  latest handshake: in the future: the system's clock was set back\n");
		return;
	}
	fprintf(to, "  latest handshake: ");
	if (when == (uint64_t)now) {
		fprintf(to, "Now\n");
		return;
	}
	print_duration(to, (uint64_t)now - when);
	fprintf(to, " ago\n");
}

static void print_drop(FILE *to, enum verdict verdict, uint64_t count, bool *first)
{
	if (count == 0 || !show_is_drop(verdict))
		return;
	fprintf(to, "%s%" PRIu64 " %s", *first ? "  dropped: " : ", ", count,
		show_verdict_name(verdict));
	*first = false;
}

static void print_allowed_ips(FILE *to, const struct peer_config *peer)
{
	char text[ADDRESS_TEXT_LENGTH];

	fprintf(to, "  allowed ips: %s", peer->allowed_ip_count ? "" : "(none)");
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		address_to_text(text, peer->allowed_ips[i].family, peer->allowed_ips[i].address);
		fprintf(to, "%s%s/%u", i ? ", " : "", text, peer->allowed_ips[i].prefix_length);
	}
	fprintf(to, "\n");
}

static void print_peer(FILE *to, const struct peer_config *peer, time_t now)
{
	char text[ADDRESS_TEXT_LENGTH];
	bool first = true;

	key_to_base64(text, peer->public_key);
	fprintf(to, "\npeer: %s\n", text);
	if (!crypto_is_zero(peer->preshared_key, 32))
		fprintf(to, "  preshared key: (hidden)\n");
	if (peer->has_endpoint) {
		endpoint_to_text(text, &peer->endpoint);
		fprintf(to, "  endpoint: %s\n", text);
	}
	print_allowed_ips(to, peer);
	if (peer->last_handshake_seconds)
		print_handshake(to, peer->last_handshake_seconds, now);
	if (peer->received_bytes || peer->sent_bytes) {
		fprintf(to, "  transfer: ");
		print_bytes(to, peer->received_bytes);
		fprintf(to, " received, ");
		print_bytes(to, peer->sent_bytes);
		fprintf(to, " sent\n");
	}
	if (peer->keepalive) {
		fprintf(to, "  persistent keepalive: every ");
		print_duration(to, peer->keepalive);
		fprintf(to, "\n");
	}
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_drop(to, i, peer->verdicts[i], &first);
	if (!first)
		fprintf(to, "\n");
}

/* Greatest first; a peer that never shook hands is last. */
static int by_latest_handshake(const void *left, const void *right)
{
	const struct peer_config *a = *(const struct peer_config *const *)left;
	const struct peer_config *b = *(const struct peer_config *const *)right;

	if (a->last_handshake_seconds != b->last_handshake_seconds)
		return a->last_handshake_seconds < b->last_handshake_seconds ? 1 : -1;
	return (a->last_handshake_nanoseconds < b->last_handshake_nanoseconds) -
	       (a->last_handshake_nanoseconds > b->last_handshake_nanoseconds);
}

static void print_peers(FILE *to, const struct device_config *config, time_t now)
{
	const struct peer_config **sorted = calloc(config->peer_count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < config->peer_count; i++)
		sorted[i] = &config->peers[i];
	if (sorted)
		qsort(sorted, config->peer_count, sizeof(*sorted), by_latest_handshake);
	/* unsorted is better than not at all */
	for (size_t i = 0; i < config->peer_count; i++)
		print_peer(to, sorted ? sorted[i] : &config->peers[i], now);
	free(sorted);
}

static void print_keys(FILE *to, const struct device_config *config)
{
	char text[KEY_BASE64_LENGTH + 1];
	uint8_t public_key[32];

	if (crypto_is_zero(config->private_key, 32) ||
	    !curve25519_public(public_key, config->private_key))
		return;
	key_to_base64(text, public_key);
	fprintf(to, "  public key: %s\n  private key: (hidden)\n", text);
}

void show_text(FILE *to, const struct shown_tunnel *tunnel, time_t now)
{
	const struct device_config *config = &tunnel->config;
	bool first = true;

	fprintf(to, "interface: %s\n", tunnel->name);
	print_keys(to, config);
	if (config->listen_port)
		fprintf(to, "  listening port: %u\n", config->listen_port);
	if (config->fwmark)
		fprintf(to, "  fwmark: 0x%" PRIx32 "\n", config->fwmark);
	for (size_t i = 0; i < config->interface_count; i++)
		fprintf(to, "%s%s (%s)", i ? ", " : "  receives on: ", config->interfaces[i].name,
			config->interfaces[i].is_generic ? "generic" : "native");
	if (config->interface_count)
		fprintf(to, "\n");
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_drop(to, i, config->verdicts[i], &first);
	if (!first)
		fprintf(to, " (by all tunnels together)\n");
	print_peers(to, config, now);
}
