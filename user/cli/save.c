// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * save.c - `wgxdp save`, which writes the tunnel as it is into its file, `strip`, which prints the file as wg(8) takes
 * it, and `syncconf`, which makes the tunnel what its file says by now and leaves alone what need not change.
 */
#include <agent/resolve.h>
#include <cli/addresses.h>
#include <cli/cli.h>
#include <cli/conf_sync.h>
#include <cli/quick.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- strip --------------------------------------------------------------------------------------- */

int cli_strip(const struct arguments *arguments)
{
	struct quick_file file;
	char buffer[4096];

	if (!quick_read(arguments, arguments->operands[0], &file))
		return EXIT_FAILURE;
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	conf_print_strip(stdout, &file.conf);
	fflush(stdout);
	setvbuf(stdout, NULL, _IONBF, 0);
	crypto_wipe(buffer, sizeof(buffer));
	conf_free(&file.conf);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- save ---------------------------------------------------------------------------------------- */

/* Addresses and MTU as the interface has them now. One that is in another namespace keeps the file's. */
static int read_interface(const char *name, struct conf *conf)
{
	struct address_list addresses;
	struct netlink *netlink;
	struct link_info link;
	int error = netlink_open(&netlink);

	if (error)
		return error;
	if (!netlink_get_link(netlink, name, &link)) {
		error = addresses_read(netlink, link.ifindex, &addresses);
		if (conf->mtu)
			conf->mtu = link.mtu;
		if (!error) {
			free(conf->addresses);
			conf->addresses = addresses.items;
			conf->address_count = addresses.count;
		}
	}
	netlink_close(netlink);
	return error;
}

/* Keys, peers and where they are, from the agent. A mark that `up` chose is not the file's. */
static int read_tunnel(int fd, const char *name, struct conf *conf)
{
	struct device_config now;
	struct quick_record record;
	uint32_t chosen = 0;
	int error = uapi_get(fd, &now);

	if (error)
		return error;
	if (!quick_record_read(name, &record)) {
		chosen = record.mark;
		quick_record_free(&record);
	}
	if (now.fwmark == chosen && !conf->device.fwmark)
		now.fwmark = 0;
	config_free(&conf->device);
	conf->device = now;
	return 0;
}

bool quick_save(const struct arguments *arguments, const char *path, const char *name)
{
	struct quick_file file;
	int fd = tunnel_connect_or_complain(arguments, name), error;
	bool good;

	if (fd < 0)
		return false;
	/* its hooks are kept */
	good = quick_read(arguments, path, &file);
	if (good) {
		error = read_tunnel(fd, name, &file.conf);
		if (error)
			tunnel_complain(arguments, name, error);
		else if ((error = read_interface(name, &file.conf)))
			complain(arguments, "%s: cannot read its addresses: %s", name,
				 strerror(-error));
		good = !error && quick_write(arguments, file.path, &file.conf);
		conf_free(&file.conf);
	}
	close(fd);
	return good;
}

int cli_save(const struct arguments *arguments)
{
	struct quick_file file;

	return quick_find(arguments, arguments->operands[0], &file) &&
			       quick_save(arguments, file.path, file.name)
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

/* ---- syncconf ------------------------------------------------------------------------------------ */

/* Names of peers that are new, or go by another name than before; the others' sessions know where they are. */
static void resolve_new(const struct arguments *arguments, struct device_config *change)
{
	for (size_t i = 0; i < change->peer_count; i++) {
		struct peer_config *peer = &change->peers[i];
		const char *why;

		if (!*peer->endpoint_name || peer->has_endpoint)
			continue;
		peer->has_endpoint = resolve_endpoint(peer->endpoint_name, &peer->endpoint, &why);
		if (!peer->has_endpoint)
			complain(
				arguments,
				"warning: '%s' cannot be resolved now: %s: the agent will try again",
				peer->endpoint_name, why);
	}
}

static int synchronize(const struct arguments *arguments, int fd, const struct quick_file *file)
{
	struct device_config now, change;
	struct quick_record record;
	uint32_t mark = 0;
	int error = uapi_get(fd, &now);

	if (error)
		return error;
	if (!quick_record_read(file->name, &record)) {
		mark = record.mark;
		quick_record_free(&record);
	}
	error = conf_difference(&now, &file->conf.device, mark, &change);
	config_free(&now);
	if (error)
		return error;
	resolve_new(arguments, &change);
	error = uapi_set(fd, &change);
	config_free(&change);
	return error;
}

bool quick_synchronize(const struct arguments *arguments, const struct quick_file *file)
{
	int fd = tunnel_connect_or_complain(arguments, file->name);
	int error = fd < 0 ? fd : synchronize(arguments, fd, file);

	if (fd >= 0) {
		close(fd);
		if (error == -EADDRINUSE)
			complain(arguments, "UDP port %u is in use: expected another ListenPort",
				 file->conf.device.listen_port);
		else if (error && (error != -EADDRNOTAVAIL ||
				   tunnel_can_be_bound(arguments, &file->conf.device)))
			tunnel_complain(arguments, file->name, error);
	}
	return !error;
}

/* MaxPeers and the like are the data path's, which goes on with those it was made for. */
static void warn_of_limits(const struct arguments *arguments, const struct datapath_limits *limits)
{
	struct datapath *datapath;
	const char *why = NULL;
	int error = datapath_open(&datapath, limits, &why);

	if (!error)
		datapath_close(datapath);
	else if (error == -ERANGE)
		complain(arguments, "warning: %s", why);
}

int cli_syncconf(const struct arguments *arguments)
{
	struct quick_file file;
	bool good = quick_read(arguments, arguments->operands[0], &file);

	if (!good)
		return EXIT_FAILURE;
	good = quick_synchronize(arguments, &file);
	if (good)
		warn_of_limits(arguments, &file.conf.limits);
	conf_free(&file.conf);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
