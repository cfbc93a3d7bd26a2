// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * detach.c - `wgxdp detach`: the way back from attach for one interface. It works without an agent.
 *
 * The receive program of an interface serves every tunnel of the namespace, so detach takes it from all of
 * them: their packets then reach the agents' sockets, which hand them to the same program.
 */
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool detach(const struct arguments *arguments, struct host *host, const char *interface)
{
	enum attach_mode mode;
	struct link_info link;
	int error = netlink_get_link(host->netlink, interface, &link);
	unsigned int tunnels;

	if (error) {
		complain(arguments, "'%s': expected an interface: %s", interface, strerror(-error));
		return false;
	}
	if (!host_is_attached(host, link.ifindex, &mode)) {
		complain(arguments, "%s has no receive program of ours: nothing to detach",
			 interface);
		return false;
	}
	error = datapath_detach(host->datapath, link.ifindex);
	if (error) {
		complain(arguments, "cannot detach %s: %s", interface, strerror(-error));
		return false;
	}
	printf("%s: receive program removed (%s mode)\n", interface,
	       mode == ATTACH_GENERIC ? "generic" : "native");
	tunnels = datapath_count_tunnels(host->datapath);
	if (tunnels > 0)
		printf("%u tunnel%s remain%s: what arrives on %s for %s goes the slow way\n",
		       tunnels, tunnels == 1 ? "" : "s", tunnels == 1 ? "s" : "", interface,
		       tunnels == 1 ? "it" : "them");
	return true;
}

/* Who names a tunnel means one that is there; without --tunnel none has to be. */
static bool named_tunnel_exists(const struct arguments *arguments)
{
	const char *name = tunnel_option(arguments);

	if (!name || !option_value(arguments, "tunnel", 0) || tunnel_exists(name))
		return name;
	tunnel_complain_missing(arguments, name);
	return false;
}

int cli_detach(const struct arguments *arguments)
{
	bool good = named_tunnel_exists(arguments) && environment_has_rights(arguments);
	struct host host;

	if (!good || !host_open(arguments, &host, HOST_USES))
		return EXIT_FAILURE;
	good = detach(arguments, &host, arguments->operands[0]);
	host_remove_unused(&host);
	host_close(&host);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
