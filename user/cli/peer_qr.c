// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * peer_qr.c - `wgxdp peer qr PHONE`: keys for a phone, the phone as a new peer, and the phone's own configuration as a QR
 * code (qr.h), or as its file. The private key is in what is printed and nowhere else, so all is prepared before the
 * peer is added, and a peer whose code could not be printed is removed again.
 */
#include <cli/addresses.h>
#include <cli/cli.h>
#include <cli/conf.h>
#include <cli/input.h>
#include <cli/qr.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where everything goes: by the tunnel. */
#define ROUTES_DEFAULT "0.0.0.0/0,::/0"

struct phone {
	const struct arguments *arguments;
	const char *tunnel;
	/* the tunnel as it is */
	struct device_config present;
	/* what the phone is to us, and what its file says */
	struct device_config set;
	struct conf conf;
	/* the file, or the code */
	char *text;
	size_t length;
};

static struct peer_config *as_peer(struct phone *phone)
{
	return &phone->set.peers[0];
}

/* What the phone's file says of us. */
static struct peer_config *as_gateway(struct phone *phone)
{
	return &phone->conf.device.peers[0];
}

/* ---- what is asked for ----------------------------------------------------------------------------- */

static bool read_name(struct phone *phone)
{
	const char *name = phone->arguments->operands[0];
	bool good = *name && strlen(name) <= PEER_NAME_MAX;

	for (const char *byte = name; good && *byte; byte++)
		good = !iscntrl((unsigned char)*byte);
	if (!good) {
		complain(phone->arguments,
			 "that cannot be a peer's name: expected 1 to %d characters that can be "
			 "shown",
			 PEER_NAME_MAX);
		return false;
	}
	as_peer(phone)->has_name = true;
	strcpy(as_peer(phone)->name, name);
	return true;
}

/* By the words of a file: `conf` is empty before and has these lines behind it. */
static bool read_dns(struct phone *phone)
{
	const char *dns = option_value(phone->arguments, "dns", 0);
	struct conf_error error = {.text = "expected addresses and domains, with commas"};
	char text[1024];
	int length = snprintf(text, sizeof(text), "[Interface]\nDNS = %s\n", dns ?: "");

	if (!dns)
		return true;
	if (length < (int)sizeof(text) && *dns && !strpbrk(dns, "\r\n#") &&
	    conf_parse(text, (size_t)length, &phone->conf, &error))
		return true;
	complain(phone->arguments, "--dns '%s': %s", dns, error.text);
	return false;
}

static bool read_gateway(struct phone *phone)
{
	const char *routes = option_value(phone->arguments, "routes", 0);
	const char *endpoint = option_value(phone->arguments, "endpoint", 0);
	const char *keepalive = option_value(phone->arguments, "keepalive", 0);
	struct peer_config *gateway = config_add_peer(&phone->conf.device);

	if (!gateway) {
		complain(phone->arguments, "out of memory");
		return false;
	}
	if (keepalive && !input_keepalive(phone->arguments, keepalive, &gateway->keepalive))
		return false;
	if (endpoint) {
		if (!input_is_endpoint(phone->arguments, endpoint))
			return false;
		strcpy(gateway->endpoint_name, endpoint);
	}
	return input_prefixes(phone->arguments, "routes", routes ?: ROUTES_DEFAULT, gateway);
}

static bool read_options(struct phone *phone)
{
	const char *allowed_ips = option_value(phone->arguments, "allowed-ips", 0);

	phone->tunnel = tunnel_option(phone->arguments);
	if (!phone->tunnel || !config_add_peer(&phone->set))
		return false;
	as_peer(phone)->replace_allowed_ips = true;
	return read_name(phone) && read_dns(phone) && read_gateway(phone) &&
	       (!allowed_ips ||
		input_prefixes(phone->arguments, "allowed-ips", allowed_ips, as_peer(phone)));
}

/* ---- what the tunnel says --------------------------------------------------------------------------- */

static bool check_tunnel(struct phone *phone)
{
	struct peer_config *gateway = as_gateway(phone);

	if (crypto_is_zero(phone->present.private_key, 32) ||
	    !curve25519_public(gateway->public_key, phone->present.private_key)) {
		complain(phone->arguments, "%s has no private key: expected one", phone->tunnel);
		return false;
	}
	for (size_t i = 0; i < phone->present.peer_count; i++) {
		if (strcmp(phone->present.peers[i].name, as_peer(phone)->name) != 0)
			continue;
		complain(phone->arguments,
			 "'%s' is a peer of %s already, and its private key is not here: expected "
			 "another name, or that 'wgxdp peer remove' goes first",
			 as_peer(phone)->name, phone->tunnel);
		return false;
	}
	return true;
}

static bool out_of_memory(const struct phone *phone)
{
	complain(phone->arguments, "out of memory");
	return false;
}

/* One address of the first network of this family that the tunnel's interface is in; without one: none. */
static bool take_free_address(struct phone *phone, const struct address_list *own,
			      enum address_family family)
{
	uint8_t bits = family == FAMILY_IPV4 ? 32 : 128;
	char network[ADDRESS_TEXT_LENGTH];
	struct allowed_ip *taken;
	size_t i = 0;
	int error;

	while (i < own->count &&
	       (own->items[i].family != family || own->items[i].prefix_length > bits - 2 ||
		address_is_link_local(&own->items[i])))
		i++;
	if (i == own->count)
		return true;
	taken = config_add_allowed_ip(as_peer(phone));
	if (!taken)
		return out_of_memory(phone);
	*taken = (struct allowed_ip){.family = family, .prefix_length = bits};
	error = addresses_find_free(&own->items[i], own, &phone->present, taken->address);
	if (error == -ENOSPC) {
		address_to_text(network, family, own->items[i].address);
		complain(phone->arguments,
			 "no address is free in the network of %s/%u: expected --allowed-ips",
			 network, own->items[i].prefix_length);
		return false;
	}
	return !error || out_of_memory(phone);
}

/* The next ones of the networks that the tunnel's interface is in, when none are given. */
static bool choose_allowed_ips(struct phone *phone, struct netlink *netlink)
{
	struct address_list own = {0};
	struct link_info link;
	bool good = true;

	if (option_value(phone->arguments, "allowed-ips", 0))
		return true;
	/* an end that is in another namespace keeps its addresses to itself */
	if (!netlink_get_link(netlink, phone->tunnel, &link) &&
	    !addresses_read(netlink, link.ifindex, &own))
		good = take_free_address(phone, &own, FAMILY_IPV4) &&
		       take_free_address(phone, &own, FAMILY_IPV6);
	addresses_free(&own);
	if (good && !as_peer(phone)->allowed_ip_count) {
		complain(phone->arguments,
			 "%s has no address here that says which network is its own: expected "
			 "--allowed-ips",
			 phone->tunnel);
		good = false;
	}
	return good;
}

/* Those allowed IPs that are one address are the phone's; what is wider lies behind it. */
static bool choose_addresses(struct phone *phone)
{
	const struct peer_config *peer = as_peer(phone);

	phone->conf.addresses = calloc(peer->allowed_ip_count + 1, sizeof(struct allowed_ip));
	if (!phone->conf.addresses)
		return out_of_memory(phone);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct allowed_ip *prefix = &peer->allowed_ips[i];

		if (prefix->prefix_length == (prefix->family == FAMILY_IPV4 ? 32 : 128))
			phone->conf.addresses[phone->conf.address_count++] = *prefix;
	}
	if (phone->conf.address_count)
		return true;
	complain(
		phone->arguments,
		"--allowed-ips '%s': expected one address, of /32 or /128, that is the phone's own",
		option_value(phone->arguments, "allowed-ips", 0));
	return false;
}

/* An address of the interface, IPv4 before IPv6. */
static bool find_endpoint(struct phone *phone, struct netlink *netlink, const char *interface)
{
	const struct allowed_ip *found = NULL;
	struct address_list list = {0};
	struct link_info link;

	if (netlink_get_link(netlink, interface, &link) ||
	    addresses_read(netlink, link.ifindex, &list))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct allowed_ip *address = &list.items[i];

		if (!address_is_link_local(address) &&
		    (!found || (found->family == FAMILY_IPV6 && address->family == FAMILY_IPV4)))
			found = address;
	}
	if (found) {
		struct endpoint *endpoint = &as_gateway(phone)->endpoint;

		endpoint->family = (uint8_t)found->family;
		memcpy(endpoint->address, found->address, sizeof(endpoint->address));
		endpoint->port[0] = (uint8_t)(phone->present.listen_port >> 8);
		endpoint->port[1] = (uint8_t)phone->present.listen_port;
		as_gateway(phone)->has_endpoint = true;
		if (address_is_private(found))
			complain(phone->arguments,
				 "warning: the address of %s is not one of the Internet: consider "
				 "--endpoint",
				 interface);
	}
	addresses_free(&list);
	return as_gateway(phone)->has_endpoint;
}

static bool choose_endpoint(struct phone *phone, struct netlink *netlink)
{
	if (*as_gateway(phone)->endpoint_name)
		return true;
	for (size_t i = 0; i < phone->present.interface_count; i++) {
		if (find_endpoint(phone, netlink, phone->present.interfaces[i].name))
			return true;
	}
	complain(phone->arguments,
		 "no interface that %s receives on has an address: expected --endpoint",
		 phone->tunnel);
	return false;
}

/* ---- what comes of it ------------------------------------------------------------------------------- */

static bool make_keys(struct phone *phone)
{
	uint8_t *private_key = phone->conf.device.private_key;

	randombytes_buf(private_key, 32);
	curve25519_clamp(private_key);
	phone->conf.device.has_private_key = true;
	if (option_value(phone->arguments, "psk", 0)) {
		randombytes_buf(as_gateway(phone)->preshared_key, 32);
		memcpy(as_peer(phone)->preshared_key, as_gateway(phone)->preshared_key, 32);
		as_peer(phone)->has_preshared_key = true;
	}
	return curve25519_public(as_peer(phone)->public_key, private_key);
}

static void forget(char **text, size_t length)
{
	if (*text)
		crypto_wipe(*text, length);
	free(*text);
	*text = NULL;
}

static bool make_file(struct phone *phone)
{
	FILE *to = open_memstream(&phone->text, &phone->length);

	if (to)
		conf_print(to, &phone->conf);
	return (to && !fclose(to)) || out_of_memory(phone);
}

/* In the place of the file. */
static bool make_code(struct phone *phone)
{
	char *file = phone->text;
	size_t file_length = phone->length;
	FILE *to = open_memstream(&phone->text, &phone->length);
	int error = to ? qr_print(to, colors_for(stdout), file) : -ENOMEM;

	if (to && fclose(to) && !error)
		error = -ENOMEM;
	forget(&file, file_length);
	if (error == -E2BIG)
		complain(phone->arguments,
			 "%zu bytes do not fit into a QR code: expected fewer --routes, or --text",
			 file_length);
	else if (error)
		complain(phone->arguments, "cannot make a QR code: %s", strerror(-error));
	return !error;
}

static bool print(const struct phone *phone)
{
	size_t written = 0;

	while (written < phone->length) {
		/* not stdio, which would keep it in a buffer */
		ssize_t count =
			write(STDOUT_FILENO, phone->text + written, phone->length - written);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return false;
		written += (size_t)count;
	}
	return true;
}

static bool prepare(struct phone *phone, struct netlink *netlink)
{
	return check_tunnel(phone) && choose_allowed_ips(phone, netlink) &&
	       choose_addresses(phone) && choose_endpoint(phone, netlink) && make_keys(phone) &&
	       make_file(phone) && (option_value(phone->arguments, "text", 0) || make_code(phone));
}

static bool add_and_print(struct phone *phone, int fd)
{
	int error = uapi_set(fd, &phone->set);

	if (error) {
		tunnel_complain(phone->arguments, phone->tunnel, error);
		return false;
	}
	if (print(phone))
		return true;
	complain(phone->arguments, "cannot print it, so the peer is removed again: %s",
		 strerror(errno));
	as_peer(phone)->remove = true;
	error = uapi_set(fd, &phone->set);
	if (error)
		tunnel_complain(phone->arguments, phone->tunnel, error);
	return false;
}

/* Under the host's lock: two phones do not get the same address. */
static bool run(struct phone *phone)
{
	struct host host;
	bool good = false;
	int fd, error;

	if (!host_open(phone->arguments, &host, false))
		return false;
	fd = tunnel_connect_or_complain(phone->arguments, phone->tunnel);
	if (fd >= 0) {
		error = uapi_get(fd, &phone->present);
		if (error)
			tunnel_complain(phone->arguments, phone->tunnel, error);
		else
			good = prepare(phone, host.netlink) && add_and_print(phone, fd);
		close(fd);
	}
	host_close(&host);
	return good;
}

int cli_peer_qr(const struct arguments *arguments)
{
	struct phone phone = {.arguments = arguments};
	bool good = read_options(&phone) && run(&phone);

	forget(&phone.text, phone.length);
	config_free(&phone.present);
	config_free(&phone.set);
	conf_free(&phone.conf);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
