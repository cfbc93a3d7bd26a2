// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conf_print.c - writes a tunnel's file (conf.h). What others do not know stands in comments.
 */
#include <cli/conf.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

static const char *const hook_names[HOOK_COUNT] = {
	[HOOK_PRE_UP] = "PreUp",
	[HOOK_POST_UP] = "PostUp",
	[HOOK_PRE_DOWN] = "PreDown",
	[HOOK_POST_DOWN] = "PostDown",
};

const char *conf_hook_name(enum conf_hook hook)
{
	return hook_names[hook];
}

static void print_key(FILE *to, const char *name, const uint8_t key[static 32])
{
	char text[KEY_BASE64_LENGTH + 1];

	key_to_base64(text, key);
	fprintf(to, "%s = %s\n", name, text);
	crypto_wipe(text, sizeof(text));
}

static void print_list(FILE *to, const char *name, const struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		fprintf(to, "%s = %s\n", name, list->items[i]);
}

static void print_prefix(FILE *to, const struct allowed_ip *prefix)
{
	char text[ADDRESS_TEXT_LENGTH];

	address_to_text(text, prefix->family, prefix->address);
	fprintf(to, "%s/%u", text, prefix->prefix_length);
}

/* What wg-quick(8) takes from the section for itself. */
static void print_quick(FILE *to, const struct conf *conf)
{
	for (size_t i = 0; i < conf->address_count; i++) {
		fprintf(to, "Address = ");
		print_prefix(to, &conf->addresses[i]);
		fprintf(to, "\n");
	}
	print_list(to, "DNS", &conf->dns_servers);
	print_list(to, "DNS", &conf->dns_domains);
	if (conf->mtu)
		fprintf(to, "MTU = %u\n", conf->mtu);
	if (conf->table != TABLE_AUTO)
		fprintf(to, "Table = %s\n", conf->table_name);
	if (conf->saves_itself)
		fprintf(to, "SaveConfig = true\n");
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		print_list(to, hook_names[hook], &conf->hooks[hook]);
}

static void print_device(FILE *to, const struct device_config *device)
{
	if (device->listen_port)
		fprintf(to, "ListenPort = %u\n", device->listen_port);
	if (device->fwmark)
		fprintf(to, "FwMark = 0x%x\n", device->fwmark);
	if (!crypto_is_zero(device->private_key, sizeof(device->private_key)))
		print_key(to, "PrivateKey", device->private_key);
}

static void print_limits(FILE *to, const struct datapath_limits *limits)
{
	if (limits->peers)
		fprintf(to, "#wgxdp MaxPeers = %u\n", limits->peers);
	if (limits->sessions)
		fprintf(to, "#wgxdp MaxSessions = %u\n", limits->sessions);
	if (limits->allowed_ips)
		fprintf(to, "#wgxdp MaxAllowedIPs = %u\n", limits->allowed_ips);
}

static void print_rules(FILE *to, const struct device_config *device)
{
	char text[ADDRESS_TEXT_LENGTH];

	for (unsigned int i = 0; i < device->bound_count; i++) {
		address_to_text(text, device->bound_addresses[i].family,
				device->bound_addresses[i].address);
		fprintf(to, "#wgxdp Bind = %s\n", text);
	}
	if (device->mss_limit) {
		mss_limit_to_text(text, device->mss_limit);
		fprintf(to, "#wgxdp ClampMSS = %s\n", text);
	}
}

static void print_ours(FILE *to, const struct peer_config *peer)
{
	char rate[RATE_TEXT_LENGTH];

	if (*peer->name)
		fprintf(to, "# name = %s\n", peer->name);
	if (peer->stays)
		fprintf(to, "#wgxdp Roaming = off\n");
	if (peer->limit) {
		rate_to_text(rate, peer->limit);
		fprintf(to, "#wgxdp Limit = %s\n", rate);
	}
}

static void print_peer(FILE *to, const struct peer_config *peer, bool with_ours)
{
	char endpoint[ADDRESS_TEXT_LENGTH];

	fprintf(to, "\n[Peer]\n");
	if (with_ours)
		print_ours(to, peer);
	print_key(to, "PublicKey", peer->public_key);
	if (!crypto_is_zero(peer->preshared_key, sizeof(peer->preshared_key)))
		print_key(to, "PresharedKey", peer->preshared_key);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		fprintf(to, i ? ", " : "AllowedIPs = ");
		print_prefix(to, &peer->allowed_ips[i]);
	}
	if (peer->allowed_ip_count)
		fprintf(to, "\n");
	if (*peer->endpoint_name) {
		fprintf(to, "Endpoint = %s\n", peer->endpoint_name);
	} else if (peer->has_endpoint) {
		endpoint_to_text(endpoint, &peer->endpoint);
		fprintf(to, "Endpoint = %s\n", endpoint);
	}
	if (peer->keepalive)
		fprintf(to, "PersistentKeepalive = %u\n", peer->keepalive);
}

void conf_print_strip(FILE *to, const struct conf *conf)
{
	fprintf(to, "[Interface]\n");
	print_device(to, &conf->device);
	for (size_t i = 0; i < conf->device.peer_count; i++)
		print_peer(to, &conf->device.peers[i], false);
}

void conf_print(FILE *to, const struct conf *conf)
{
	fprintf(to, "[Interface]\n");
	print_quick(to, conf);
	print_rules(to, &conf->device);
	print_limits(to, &conf->limits);
	print_device(to, &conf->device);
	for (size_t i = 0; i < conf->device.peer_count; i++)
		print_peer(to, &conf->device.peers[i], true);
}
