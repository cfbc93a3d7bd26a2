/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * agent.h - the agent of one tunnel, as the commands see it: a process in the network namespace of the
 * tunnel's hidden end, which shakes hands and runs the timers. It may end and start again at any time: the data
 * path goes on without it, and it goes on where it stopped.
 */
#ifndef WGXDP_AGENT_AGENT_H
#define WGXDP_AGENT_AGENT_H

#include <agent/config.h>
#include <datapath/datapath.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct agent_options {
	bool foreground;
	/* receives on the interfaces that carry the peers' routes and the default route */
	bool follows_routes;
	/* as wireguard-go: the tunnel lives as long as its agent */
	bool is_drop_in;
	/* wg(8)'s socket, listening already, when `has_socket` */
	bool has_socket;
	int socket;
	/* NULL: what there is, or the usual */
	const struct datapath_limits *limits;
	/* where the tunnel is bound, what TCP may announce; NULL: as it was */
	const struct device_config *rules;
};

/*
 * Runs the tunnel's agent until a signal, or the end of its interface or of its socket's file; makes the interface
 * pair when it is not there. In the background the caller returns as soon as the agent is ready: interface pair,
 * maps and socket are there. 0 or -errno; what is wrong was said in one line on stderr.
 */
int agent_run(const char *tunnel, const struct agent_options *options);

/* The running agent's process, or 0. */
pid_t agent_pid(const char *tunnel);

/* Ends the tunnel's agent and waits until it is gone; 0 too when there was none. */
int agent_stop(const char *tunnel);

/* "/run/wgxdp/<inode of the network namespace>/TUNNEL.SUFFIX", suffix one of pid, state, log. Makes the
 * directories. */
int agent_path(char path[static PATH_MAX], const char *tunnel, const char *suffix);

/* Removes the files above and the socket: nothing is left of the tunnel outside the maps. */
void agent_remove_files(const char *tunnel);

/* Takes the lock that attaching and removing take, on the directory of the files above, which is made; `path` is
 * the directory. `wait` false: -EWOULDBLOCK when somebody has it. A file descriptor or -errno. */
int agent_lock(char path[static PATH_MAX], bool wait);

#endif
