/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tunnel.h - what attach, detach, down, peer and show share: a tunnel's name, its agent's socket, and the
 * host's side of it while there is no agent to ask.
 */
#ifndef WGXDP_CLI_TUNNEL_H
#define WGXDP_CLI_TUNNEL_H

#include <agent/agent.h>
#include <agent/uapi.h>
#include <cli/options.h>
#include <datapath/datapath.h>
#include <datapath/netlink.h>

#define TUNNEL_DEFAULT "wg0"
/* NAME.key, mode 0600, for tunnels without --private-key */
#define KEY_DIRECTORY "/etc/wgxdp"

/* Whether a tunnel can have this name; said on stderr when not. */
bool tunnel_name_is_good(const struct arguments *arguments, const char *name);
/* --tunnel or the default, or NULL. */
const char *tunnel_option(const struct arguments *arguments);
/* By its hidden end, in this network namespace. */
bool tunnel_exists(const char *name);
/* Those that exist. 0 or -errno. */
int tunnel_for_each(void (*each)(void *context, const char *name), void *context);
void tunnel_complain_missing(const struct arguments *arguments, const char *name);

/* A connection to the agent, or -errno; -EXDEV: who answers is of another network namespace. */
int tunnel_connect(const char *name);
/* As above, and says what is wrong. */
int tunnel_connect_or_complain(const struct arguments *arguments, const char *name);
void tunnel_complain(const struct arguments *arguments, const char *name, int error);
/* Whether `error`, of a connection or of what was asked on it, says that there is none, or no longer. */
bool tunnel_has_no_agent(int error);

/* The addresses that the configuration binds a tunnel to are there; says which is not. */
bool tunnel_can_be_bound(const struct arguments *arguments, const struct device_config *config);

/* ---- without the agent ---- */

struct host {
	/* one attach, detach or down at a time */
	int lock;
	struct netlink *netlink;
	/* NULL: nothing is pinned, or what another version of this program pinned */
	struct datapath *datapath;
	bool is_of_another_version;
};

enum host_purpose {
	/* opens what is there */
	HOST_USES,
	/* and makes it when it is not */
	HOST_MAKES,
	/* takes what is there for what it is, whichever version made it */
	HOST_REMOVES,
};

/* Takes the lock and opens both. */
bool host_open(const struct arguments *arguments, struct host *host, enum host_purpose purpose);
/* As HOST_MAKES, with room for so many as the limits say. */
bool host_make(const struct arguments *arguments, struct host *host,
	       const struct datapath_limits *limits);
void host_close(struct host *host);

/* In the background, without the lock; waits until it is ready. */
bool tunnel_start_agent(const struct arguments *arguments, struct host *host, const char *name,
			const struct agent_options *options);

/* Sets the interface that people see up, and waits until the agent has heard of it and packets are let through; not
 * for long, as an agent may be stopped. 0 or -errno. */
int host_set_up(const struct host *host, const char *name, int ifindex);

bool host_is_attached(const struct host *host, int ifindex, enum attach_mode *mode);
/* Ends the agent and removes all there is of the tunnel, whatever that is; false when there was nothing. */
bool host_remove_tunnel(const struct host *host, const char *name);
/* Without a tunnel left: removes the receive program from every interface, and every pin. */
void host_remove_unused(const struct host *host);

#endif
