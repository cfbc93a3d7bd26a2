// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * show_text.c - a tunnel for people to read: what `wg show` prints, in its words and colours, then the interfaces
 * it receives on and what became of packets that were not delivered.
 */
#include <cli/show.h>
#include <crypto/crypto.h>
#include <datapath/netlink.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <stdlib.h>

struct printer {
	FILE *to;
	const struct colors *colors;
	time_t now;
};

static void begin_line(const struct printer *print, const char *label)
{
	fprintf(print->to, "  %s%s%s: ", print->colors->bold, label, print->colors->reset);
}

static void print_unit(const struct printer *print, const char *unit, bool many)
{
	fprintf(print->to, "%s%s%s%s", print->colors->cyan, unit, many ? "s" : "",
		print->colors->reset);
}

static void print_bytes(const struct printer *print, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		fprintf(print->to, "%" PRIu64 " ", bytes);
		print_unit(print, "B", false);
		return;
	}
	for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	fprintf(print->to, "%.2f ", amount);
	print_unit(print, units[unit], false);
}

/* "1 hour, 2 minutes, 3 seconds": what is zero is left out. */
static void print_duration(const struct printer *print, uint64_t seconds)
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
		fprintf(print->to, "%s%" PRIu64 " ", separator, count);
		print_unit(print, units[i].name, count != 1);
		separator = ", ";
	}
}

static void print_handshake(const struct printer *print, uint64_t when)
{
	begin_line(print, "latest handshake");
	if (when > (uint64_t)print->now) {
		fprintf(print->to, "in the future: the system's clock was set back\n");
		return;
	}
	if (when == (uint64_t)print->now) {
		fprintf(print->to, "Now\n");
		return;
	}
	print_duration(print, (uint64_t)print->now - when);
	fprintf(print->to, " ago\n");
}

static void print_drop(const struct printer *print, enum verdict verdict, uint64_t count,
		       bool *first)
{
	if (count == 0 || !verdict_is_drop(verdict))
		return;
	if (*first)
		begin_line(print, "dropped");
	else
		fprintf(print->to, ", ");
	fprintf(print->to, "%" PRIu64 " %s", count, verdict_name(verdict));
	*first = false;
}

static void print_allowed_ips(const struct printer *print, const struct peer_config *peer)
{
	char text[ADDRESS_TEXT_LENGTH];

	begin_line(print, "allowed ips");
	if (!peer->allowed_ip_count)
		fprintf(print->to, "(none)");
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		address_to_text(text, peer->allowed_ips[i].family, peer->allowed_ips[i].address);
		fprintf(print->to, "%s%s%s/%s%u", i ? ", " : "", text, print->colors->cyan,
			print->colors->reset, peer->allowed_ips[i].prefix_length);
	}
	fprintf(print->to, "\n");
}

static void print_traffic(const struct printer *print, const struct peer_config *peer)
{
	if (peer->last_handshake_seconds)
		print_handshake(print, peer->last_handshake_seconds);
	if (peer->received_bytes || peer->sent_bytes) {
		begin_line(print, "transfer");
		print_bytes(print, peer->received_bytes);
		fprintf(print->to, " received, ");
		print_bytes(print, peer->sent_bytes);
		fprintf(print->to, " sent\n");
	}
	if (peer->keepalive) {
		begin_line(print, "persistent keepalive");
		fprintf(print->to, "every ");
		print_duration(print, peer->keepalive);
		fprintf(print->to, "\n");
	}
}

static void print_peer_rules(const struct printer *print, const struct peer_config *peer)
{
	char rate[RATE_TEXT_LENGTH];

	if (peer->stays) {
		begin_line(print, "roaming");
		fprintf(print->to, "off\n");
	}
	if (peer->limit) {
		rate_to_text(rate, peer->limit);
		begin_line(print, "limit");
		fprintf(print->to, "%s each way\n", rate);
	}
}

static void print_peer(const struct printer *print, const struct peer_config *peer)
{
	const struct colors *colors = print->colors;
	char text[ADDRESS_TEXT_LENGTH];
	bool first = true;

	key_to_base64(text, peer->public_key);
	fprintf(print->to, "\n%s%speer%s: %s%s%s\n", colors->yellow, colors->bold, colors->reset,
		colors->yellow, text, colors->reset);
	if (peer->name[0]) {
		begin_line(print, "name");
		fprintf(print->to, "%s\n", peer->name);
	}
	if (!crypto_is_zero(peer->preshared_key, 32)) {
		begin_line(print, "preshared key");
		fprintf(print->to, "(hidden)\n");
	}
	if (peer->has_endpoint) {
		endpoint_to_text(text, &peer->endpoint);
		begin_line(print, "endpoint");
		fprintf(print->to, "%s\n", text);
	}
	print_allowed_ips(print, peer);
	print_traffic(print, peer);
	print_peer_rules(print, peer);
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_drop(print, i, peer->verdicts[i], &first);
	if (!first)
		fprintf(print->to, "\n");
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

static void print_peers(const struct printer *print, const struct device_config *config)
{
	const struct peer_config **sorted = calloc(config->peer_count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < config->peer_count; i++)
		sorted[i] = &config->peers[i];
	if (sorted)
		qsort(sorted, config->peer_count, sizeof(*sorted), by_latest_handshake);
	/* unsorted is better than not at all */
	for (size_t i = 0; i < config->peer_count; i++)
		print_peer(print, sorted ? sorted[i] : &config->peers[i]);
	free(sorted);
}

/* Of a name that does not say it. */
static void print_hidden_end(const struct printer *print, const char *tunnel)
{
	char hidden[IFNAMSIZ];

	if (!netlink_has_long_name(tunnel) || netlink_hidden_name(hidden, tunnel))
		return;
	begin_line(print, "hidden end");
	fprintf(print->to, "%s\n", hidden);
}

static void print_keys(const struct printer *print, const struct device_config *config)
{
	char text[KEY_BASE64_LENGTH + 1];
	uint8_t public_key[32];

	if (crypto_is_zero(config->private_key, 32) ||
	    !curve25519_public(public_key, config->private_key))
		return;
	key_to_base64(text, public_key);
	begin_line(print, "public key");
	fprintf(print->to, "%s\n", text);
	begin_line(print, "private key");
	fprintf(print->to, "(hidden)\n");
}

static void print_rules(const struct printer *print, const struct device_config *config)
{
	char text[ADDRESS_TEXT_LENGTH];

	if (config->bound_count)
		begin_line(print, "bound to");
	for (unsigned int i = 0; i < config->bound_count; i++) {
		address_to_text(text, config->bound_addresses[i].family,
				config->bound_addresses[i].address);
		fprintf(print->to, "%s%s", i ? ", " : "", text);
	}
	if (config->bound_count)
		fprintf(print->to, "\n");
	if (!config->mss_limit)
		return;
	mss_limit_to_text(text, config->mss_limit);
	begin_line(print, "clamps TCP's segment size");
	fprintf(print->to, "%s\n", config->mss_limit == MSS_LIMIT_BY_MTU ? "to the MTU" : text);
}

static void print_interfaces(const struct printer *print, const struct device_config *config)
{
	if (!config->interface_count)
		return;
	begin_line(print, "receives on");
	for (size_t i = 0; i < config->interface_count; i++)
		fprintf(print->to, "%s%s (%s)", i ? ", " : "", config->interfaces[i].name,
			config->interfaces[i].is_generic ? "generic" : "native");
	fprintf(print->to, "\n");
}

void show_text(FILE *to, const struct colors *colors, const struct shown_tunnel *tunnel, time_t now)
{
	const struct printer print = {to, colors, now};
	const struct device_config *config = &tunnel->config;
	bool first = true;

	fprintf(to, "%s%s%sinterface%s: %s%s%s\n", colors->reset, colors->green, colors->bold,
		colors->reset, colors->green, tunnel->name, colors->reset);
	print_hidden_end(&print, tunnel->name);
	print_keys(&print, config);
	if (config->listen_port) {
		begin_line(&print, "listening port");
		fprintf(to, "%u\n", config->listen_port);
	}
	if (config->fwmark) {
		begin_line(&print, "fwmark");
		fprintf(to, "0x%" PRIx32 "\n", config->fwmark);
	}
	print_rules(&print, config);
	print_interfaces(&print, config);
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_drop(&print, i, config->verdicts[i], &first);
	if (!first)
		fprintf(to, "\n");
	print_peers(&print, config);
}
