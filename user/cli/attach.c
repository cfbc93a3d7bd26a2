// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * attach.c - `wgxdp attach`: a tunnel where there was none, its agent, its settings, and the receive program
 * on an interface. What is there already is kept, so it may be said again and for further interfaces.
 *
 * All that was asked for is read before anything is touched; then come the steps, most likely to fail first.
 * When one fails, what the ones before it made is taken back.
 */
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/input.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ADDED_ADDRESSES_MAX = 64 };

struct attach {
	const struct arguments *arguments;
	const char *tunnel;
	const char *interface;
	enum attach_mode mode;
	/* what the options ask for, and later what is to be changed */
	struct device_config settings;
	struct datapath_limits limits;
	struct host host;
	struct link_info link, visible;
	bool visible_is_elsewhere;

	/* what was found and made, for the way back and for the report */
	bool made_attachment, made_pair, started_agent, made_key, configured;
	enum attach_mode used;
	const char *why;
	char key_path[PATH_MAX];
	struct device_config before, after;
	/* those that were not there; more than these stay when a later step fails */
	struct allowed_ip added_addresses[ADDED_ADDRESSES_MAX];
	size_t added_address_count;
};

/* ---- what is asked for ---------------------------------------------------------------------------- */

static bool read_mode(struct attach *attach, const char *text)
{
	static const char *const names[] = {
		[ATTACH_AUTO] = "auto", [ATTACH_NATIVE] = "native", [ATTACH_GENERIC] = "generic"};

	for (int mode = ATTACH_AUTO; mode <= ATTACH_GENERIC; mode++) {
		if (strcmp(text, names[mode]) == 0) {
			attach->mode = (enum attach_mode)mode;
			return true;
		}
	}
	complain(attach->arguments, "--mode '%s': expected auto, native or generic", text);
	return false;
}

static bool read_settings(struct attach *attach)
{
	const struct arguments *arguments = attach->arguments;
	const char *key_file = option_value(arguments, "private-key", 0);
	const char *port = option_value(arguments, "listen-port", 0);
	const char *fwmark = option_value(arguments, "fwmark", 0);
	struct device_config *settings = &attach->settings;
	uint64_t number;

	if (port) {
		if (!input_number(arguments, "listen-port", port, UINT16_MAX, &number))
			return false;
		settings->listen_port = (uint16_t)number;
		settings->has_listen_port = true;
	}
	if (fwmark) {
		if (!input_number(arguments, "fwmark", fwmark, UINT32_MAX, &number))
			return false;
		settings->fwmark = (uint32_t)number;
		settings->has_fwmark = true;
	}
	settings->has_private_key = key_file;
	if (!input_rules(arguments, settings) || !input_limits(arguments, &attach->limits))
		return false;
	return !key_file || input_key_file(arguments, key_file, false, settings->private_key);
}

static bool read_command_line(struct attach *attach)
{
	const struct arguments *arguments = attach->arguments;
	const char *mode = option_value(arguments, "mode", 0), *text;
	struct allowed_ip address;

	attach->interface = arguments->operands[0];
	attach->tunnel = tunnel_option(arguments);
	if (!attach->tunnel || (mode && !read_mode(attach, mode)))
		return false;
	for (unsigned int i = 0; (text = option_value(arguments, "address", i)); i++) {
		if (!input_address(arguments, text, &address))
			return false;
	}
	return read_settings(attach);
}

/* ---- the steps ------------------------------------------------------------------------------------ */

static bool find_interface(struct attach *attach)
{
	struct netlink *netlink = attach->host.netlink;
	char hidden[IFNAMSIZ];
	int error = netlink_get_link(netlink, attach->interface, &attach->link);

	if (error) {
		complain(attach->arguments, "'%s': expected an interface: %s", attach->interface,
			 strerror(-error));
		return false;
	}
	netlink_hidden_name(hidden, attach->tunnel);
	if (strcmp(attach->interface, attach->tunnel) == 0 ||
	    strcmp(attach->interface, hidden) == 0) {
		complain(attach->arguments,
			 "'%s' is the tunnel itself: expected an interface its packets arrive on",
			 attach->interface);
		return false;
	}
	if (strcmp(attach->interface, "lo") == 0) {
		complain(attach->arguments, "'lo': what arrives there reaches the tunnel as it is: "
					    "expected another interface");
		return false;
	}
	return true;
}

/* The name is free, or the tunnel is ours. */
static bool find_tunnel(struct attach *attach)
{
	struct netlink *netlink = attach->host.netlink;
	char hidden_name[IFNAMSIZ];
	struct link_info hidden;
	bool has_hidden, has_visible;
	int fd = tunnel_connect(attach->tunnel);

	if (fd >= 0)
		close(fd);
	if (fd == -EXDEV) {
		tunnel_complain(attach->arguments, attach->tunnel, fd);
		return false;
	}
	netlink_hidden_name(hidden_name, attach->tunnel);
	has_hidden = netlink_get_link(netlink, hidden_name, &hidden) == 0;
	has_visible = netlink_get_link(netlink, attach->tunnel, &attach->visible) == 0;
	if (has_visible && (!has_hidden || hidden.peer_ifindex != attach->visible.ifindex)) {
		complain(attach->arguments,
			 "there is an interface %s that is not ours: expected another --tunnel",
			 attach->tunnel);
		return false;
	}
	attach->made_pair = !has_hidden;
	attach->visible_is_elsewhere = has_hidden && !has_visible;
	if (attach->visible_is_elsewhere && option_value(attach->arguments, "address", 0)) {
		complain(attach->arguments,
			 "%s is in another network namespace: its addresses are set there",
			 attach->tunnel);
		return false;
	}
	return true;
}

static bool attach_interface(struct attach *attach)
{
	struct datapath *datapath = attach->host.datapath;
	uint32_t foreign = 0;
	int error;

	attach->made_attachment =
		!host_is_attached(&attach->host, attach->link.ifindex, &attach->used);
	error = datapath_attach(datapath, &attach->link, attach->mode, &attach->used, &attach->why,
				&foreign);
	if (!error)
		return true;
	attach->made_attachment = false;
	if (error == -EEXIST)
		complain(attach->arguments,
			 "%s has an XDP program that is not ours, id %u: expected an interface "
			 "without one",
			 attach->interface, foreign);
	else
		complain(attach->arguments, "the receive program cannot be attached to %s: %s",
			 attach->interface, attach->why ? attach->why : strerror(-error));
	return false;
}

static bool make_pair(struct attach *attach)
{
	int error;

	if (!attach->made_pair)
		return true;
	error = netlink_add_tunnel(attach->host.netlink, attach->tunnel);
	if (!error)
		error = netlink_get_link(attach->host.netlink, attach->tunnel, &attach->visible);
	if (error)
		complain(attach->arguments, "the interface %s cannot be made: %s", attach->tunnel,
			 strerror(-error));
	return !error;
}

static int ask_agent(struct attach *attach)
{
	int fd = tunnel_connect(attach->tunnel), error;

	if (fd < 0)
		return fd;
	error = uapi_get(fd, &attach->before);
	close(fd);
	return error;
}

/* There is one when it has answered: one that was killed takes connections until the kernel is done with it. */
static bool start_agent(struct attach *attach)
{
	int error = ask_agent(attach);

	if (tunnel_has_no_agent(error)) {
		attach->started_agent =
			tunnel_start_agent(attach->arguments, &attach->host, attach->tunnel,
					   &(struct agent_options){0});
		if (!attach->started_agent)
			return false;
		error = ask_agent(attach);
	}
	if (error)
		tunnel_complain(attach->arguments, attach->tunnel, error);
	return !error;
}

static bool write_key_file(const char *path, const uint8_t key[static 32])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char line[KEY_BASE64_LENGTH + 1];
	bool good;

	if (fd < 0)
		return false;
	key_to_base64(line, key);
	line[KEY_BASE64_LENGTH] = '\n';
	good = write(fd, line, sizeof(line)) == (ssize_t)sizeof(line) && fsync(fd) == 0;
	crypto_wipe(line, sizeof(line));
	close(fd);
	if (!good)
		unlink(path);
	return good;
}

/* The key kept for a tunnel of this name, or a new one that is kept from now on. */
static bool find_key(struct attach *attach)
{
	uint8_t *key = attach->settings.private_key;
	char *path = attach->key_path;

	snprintf(path, PATH_MAX, KEY_DIRECTORY "/%s.key", attach->tunnel);
	if (access(path, F_OK) == 0)
		return input_key_file(attach->arguments, path, false, key);
	randombytes_buf(key, 32);
	curve25519_clamp(key);
	attach->made_key =
		(mkdir(KEY_DIRECTORY, 0700) == 0 || errno == EEXIST) && write_key_file(path, key);
	if (!attach->made_key)
		complain(attach->arguments, "cannot write key file %s: %s", path, strerror(errno));
	return attach->made_key;
}

/* What is as it should be is not set again; what was never set gets a value. */
static bool complete_settings(struct attach *attach)
{
	struct device_config *settings = &attach->settings;
	const struct device_config *before = &attach->before;

	if (!settings->has_private_key && crypto_is_zero(before->private_key, 32))
		settings->has_private_key = true;
	else if (crypto_equal(settings->private_key, before->private_key, 32))
		settings->has_private_key = false;
	if (settings->has_private_key && crypto_is_zero(settings->private_key, 32) &&
	    !find_key(attach))
		return false;
	if (!settings->has_listen_port && before->listen_port == 0)
		settings->has_listen_port = true;
	else if (settings->listen_port == before->listen_port)
		settings->has_listen_port = false;
	if (settings->fwmark == before->fwmark)
		settings->has_fwmark = false;
	if (settings->mss_limit == before->mss_limit)
		settings->has_mss_limit = false;
	return true;
}

static void complain_configure(const struct attach *attach, int error)
{
	if (error == -EADDRINUSE)
		complain(attach->arguments, "UDP port %u is in use: expected another --listen-port",
			 attach->settings.listen_port);
	else
		tunnel_complain(attach->arguments, attach->tunnel, error);
}

static bool configure(struct attach *attach)
{
	int fd, error;

	if (!complete_settings(attach))
		return false;
	fd = tunnel_connect_or_complain(attach->arguments, attach->tunnel);
	if (fd < 0)
		return false;
	error = uapi_set(fd, &attach->settings);
	if (!error) {
		attach->configured = true;
		error = uapi_get(fd, &attach->after);
	}
	close(fd);
	if (error)
		complain_configure(attach, error);
	return !error;
}

static bool set_addresses(struct attach *attach)
{
	const struct arguments *arguments = attach->arguments;
	struct allowed_ip address = {0};
	const char *text;

	for (unsigned int i = 0; (text = option_value(arguments, "address", i)); i++) {
		int error = -EINVAL;

		if (input_address(arguments, text, &address))
			error = netlink_add_address(attach->host.netlink, attach->visible.ifindex,
						    address.family, address.address,
						    address.prefix_length);
		if (!error && attach->added_address_count < ADDED_ADDRESSES_MAX)
			attach->added_addresses[attach->added_address_count++] = address;
		if (error && error != -EEXIST) {
			complain(arguments, "--address '%s' cannot be set on %s: %s", text,
				 attach->tunnel, strerror(-error));
			return false;
		}
	}
	return true;
}

static void remove_added_addresses(const struct attach *attach)
{
	for (size_t i = 0; i < attach->added_address_count; i++) {
		const struct allowed_ip *address = &attach->added_addresses[i];

		netlink_remove_address(attach->host.netlink, attach->visible.ifindex,
				       address->family, address->address, address->prefix_length);
	}
}

static bool bring_up(struct attach *attach)
{
	int error = attach->visible_is_elsewhere
			    ? 0
			    : host_set_up(&attach->host, attach->tunnel, attach->visible.ifindex);

	if (error)
		complain(attach->arguments, "%s cannot be set up: %s", attach->tunnel,
			 strerror(-error));
	return !error;
}

/* ---- the way back and the report ------------------------------------------------------------------ */

static void restore_settings(const struct attach *attach)
{
	struct device_config back = attach->before;
	int fd = tunnel_connect(attach->tunnel);

	if (fd < 0)
		return;
	back.has_private_key = attach->settings.has_private_key;
	back.has_listen_port = attach->settings.has_listen_port;
	back.has_fwmark = attach->settings.has_fwmark;
	back.has_mss_limit = attach->settings.has_mss_limit;
	back.has_bound_addresses = attach->settings.has_bound_addresses;
	back.peer_count = 0;
	uapi_set(fd, &back);
	close(fd);
	crypto_wipe(&back, sizeof(back));
}

static void undo(const struct attach *attach)
{
	if (attach->made_attachment)
		datapath_detach(attach->host.datapath, attach->link.ifindex);
	if (attach->made_pair) {
		host_remove_tunnel(&attach->host, attach->tunnel);
	} else {
		remove_added_addresses(attach);
		if (attach->configured)
			restore_settings(attach);
	}
	if (attach->made_key)
		unlink(attach->key_path);
	host_remove_unused(&attach->host);
}

static bool carry_out(struct attach *attach)
{
	static bool (*const steps[])(struct attach *attach) = {
		attach_interface, make_pair, start_agent, configure, set_addresses, bring_up,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!steps[i](attach)) {
			undo(attach);
			return false;
		}
	}
	return true;
}

static void report(const struct attach *attach)
{
	uint8_t public_key[32] = {0};
	char text[KEY_BASE64_LENGTH + 1];
	const char *mode = attach->used == ATTACH_GENERIC ? "generic" : "native";

	curve25519_public(public_key, attach->after.private_key);
	key_to_base64(text, public_key);
	printf("tunnel: %s (%s)\n", attach->tunnel,
	       attach->made_pair       ? "new"
	       : attach->started_agent ? "was there; its agent was started"
				       : "was there");
	printf("  interface: %s, %s mode%s", attach->interface, mode,
	       attach->made_attachment ? "" : ", as before");
	if (attach->made_attachment && attach->why)
		printf(" (native: %s)", attach->why);
	else if (attach->mode != ATTACH_AUTO && attach->mode != attach->used)
		printf(" ('wgxdp detach %s' first, to change it)", attach->interface);
	printf("\n  public key: %s\n  listening port: %u\n", text, attach->after.listen_port);
	if (attach->made_key)
		printf("  new private key: in %s\n", attach->key_path);
}

int cli_attach(const struct arguments *arguments)
{
	struct attach attach = {.arguments = arguments, .host.lock = -1};
	bool good = read_command_line(&attach) &&
		    tunnel_can_be_bound(arguments, &attach.settings) &&
		    environment_can_load(arguments) &&
		    host_make(arguments, &attach.host, &attach.limits);

	if (good) {
		good = find_interface(&attach) && find_tunnel(&attach);
		if (good)
			good = carry_out(&attach);
		else
			host_remove_unused(&attach.host);
	}
	if (good)
		report(&attach);
	host_close(&attach.host);
	config_free(&attach.settings);
	config_free(&attach.before);
	config_free(&attach.after);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
