// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * show_json.c - tunnels for programs to read, as user/cli/json.md describes them, and the pieces that other
 * commands' JSON is made of.
 */
#include <cli/show.h>
#include <crypto/crypto.h>
#include <datapath/netlink.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <string.h>

void json_append(json_t **list, json_t *value)
{
	if (json_array_append_new(*list, value)) {
		json_decref(*list);
		*list = NULL;
	}
}

json_t *json_of_key(const uint8_t key[static 32])
{
	char text[KEY_BASE64_LENGTH + 1];

	key_to_base64(text, key);
	return json_string(text);
}

static json_t *public_key_as_json(const struct device_config *config)
{
	uint8_t public_key[32];

	if (crypto_is_zero(config->private_key, 32) ||
	    !curve25519_public(public_key, config->private_key))
		return json_null();
	return json_of_key(public_key);
}

static json_t *endpoint_as_json(const struct peer_config *peer)
{
	char text[ADDRESS_TEXT_LENGTH];

	if (!peer->has_endpoint)
		return json_null();
	endpoint_to_text(text, &peer->endpoint);
	return json_string(text);
}

static json_t *allowed_ips_as_json(const struct peer_config *peer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct allowed_ip *allowed_ip = &peer->allowed_ips[i];
		char text[ADDRESS_TEXT_LENGTH];

		address_to_text(text, allowed_ip->family, allowed_ip->address);
		json_append(&list, json_sprintf("%s/%d", text, allowed_ip->prefix_length));
	}
	return list;
}

static json_t *interfaces_as_json(const struct device_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->interface_count; i++) {
		const struct interface_config *interface = &config->interfaces[i];

		json_append(&list, json_pack("{s:s, s:s}", "name", interface->name, "mode",
					     interface->is_generic ? "generic" : "native"));
	}
	return list;
}

static void add_verdict(json_t *verdicts, enum verdict verdict, uint64_t count)
{
	if (count > 0)
		json_object_set_new(verdicts, verdict_name(verdict),
				    json_integer((json_int_t)count));
}

json_t *json_of_name(const char *name)
{
	return name[0] ? json_string(name) : json_null();
}

json_t *json_of_peer(const struct peer_config *peer)
{
	json_t *verdicts = json_object();

	for (int i = 0; i < VERDICT_COUNT; i++)
		add_verdict(verdicts, i, peer->verdicts[i]);
	return json_pack(
		"{s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:i, s:b, s:I, s:o}",
		"public_key", json_of_key(peer->public_key), "name", json_of_name(peer->name),
		"has_preshared_key", !crypto_is_zero(peer->preshared_key, 32), "endpoint",
		endpoint_as_json(peer), "allowed_ips", allowed_ips_as_json(peer),
		"latest_handshake", (json_int_t)peer->last_handshake_seconds, "received_bytes",
		(json_int_t)peer->received_bytes, "sent_bytes", (json_int_t)peer->sent_bytes,
		"received_packets", (json_int_t)peer->received_packets, "sent_packets",
		(json_int_t)peer->sent_packets, "persistent_keepalive", peer->keepalive, "roams",
		!peer->stays, "limit", (json_int_t)peer->limit, "verdicts", verdicts);
}

static json_t *bound_addresses_as_json(const struct device_config *config)
{
	json_t *list = json_array();
	char text[ADDRESS_TEXT_LENGTH];

	for (unsigned int i = 0; i < config->bound_count; i++) {
		address_to_text(text, config->bound_addresses[i].family,
				config->bound_addresses[i].address);
		json_append(&list, json_string(text));
	}
	return list;
}

static json_t *mss_limit_as_json(uint16_t limit)
{
	if (limit == 0 || limit == MSS_LIMIT_BY_MTU)
		return json_string(limit ? "on" : "off");
	return json_integer(limit);
}

static json_t *tunnel_as_json(const struct shown_tunnel *tunnel)
{
	const struct device_config *config = &tunnel->config;
	json_t *peers = json_array(), *verdicts = json_object();
	char hidden[IFNAMSIZ] = "";

	netlink_hidden_name(hidden, tunnel->name);
	for (size_t i = 0; i < config->peer_count; i++)
		json_append(&peers, json_of_peer(&config->peers[i]));
	for (int i = 0; i < VERDICT_COUNT; i++)
		add_verdict(verdicts, i, config->verdicts[i]);
	return json_pack("{s:s, s:s, s:o, s:b, s:i, s:I, s:o, s:o, s:o, s:o, s:o}", "name",
			 tunnel->name, "hidden_end", hidden, "public_key",
			 public_key_as_json(config), "is_up", config->is_up, "listen_port",
			 config->listen_port, "fwmark", (json_int_t)config->fwmark, "bound_to",
			 bound_addresses_as_json(config), "clamp_mss",
			 mss_limit_as_json(config->mss_limit), "interfaces",
			 interfaces_as_json(config), "verdicts", verdicts, "peers", peers);
}

json_t *json_of_tunnels(const struct shown_list *list,
			json_t *(*each)(const struct shown_tunnel *tunnel))
{
	json_t *tunnels = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct shown_tunnel *tunnel = &list->tunnels[i];

		json_append(&tunnels, tunnel->error ? json_pack("{s:s, s:s}", "name", tunnel->name,
								"error", strerror(-tunnel->error))
						    : each(tunnel));
	}
	return json_pack("{s:o}", "tunnels", tunnels);
}

bool json_print(FILE *to, json_t *document)
{
	bool good = document && json_dumpf(document, to, JSON_INDENT(2)) == 0;

	json_decref(document);
	if (good)
		fputc('\n', to);
	return good;
}

bool show_json(FILE *to, const struct shown_list *list)
{
	return json_print(to, json_of_tunnels(list, tunnel_as_json));
}
