/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pinned.h - what stays in the kernel between two processes, for the files datapath*.c alone: the list of
 * maps and programs, and an open data path as the file descriptors of them.
 */
#ifndef WGXDP_DATAPATH_PINNED_H
#define WGXDP_DATAPATH_PINNED_H

#include <datapath/datapath.h>

/* By their names in bpf/, which are the names of the pins too. */
#define DATAPATH_MAPS(X)                                                                           \
	X(tunnels)                                                                                 \
	X(interfaces)                                                                              \
	X(local_addresses)                                                                         \
	X(listening_ports)                                                                         \
	X(allowed_ipv4)                                                                            \
	X(allowed_ipv6)                                                                            \
	X(peers)                                                                                   \
	X(sessions)                                                                                \
	X(events)                                                                                  \
	X(keystreams)                                                                              \
	X(verdict_counters)                                                                        \
	X(loads)                                                                                   \
	X(sources)

#define DATAPATH_PROGRAMS(X)                                                                       \
	X(rx)                                                                                      \
	X(tx)                                                                                      \
	X(tx_agent)                                                                                \
	X(control)

enum datapath_map {
#define X(name) MAP_##name,
	DATAPATH_MAPS(X)
#undef X
		MAP_COUNT
};

enum datapath_program {
#define X(name) PROGRAM_##name,
	DATAPATH_PROGRAMS(X)
#undef X
		PROGRAM_COUNT
};

struct ring_buffer;

struct datapath {
	int maps[MAP_COUNT];
	int programs[PROGRAM_COUNT];
	/* the ring of the one tunnel whose events this process reads */
	int ring_map;
	struct ring_buffer *ring;
	unsigned int consumed;
	/* the interface for frames too large for BPF_PROG_RUN; -1 until there was one */
	int injector;
	void (*each_event)(void *context, const struct event *event);
	void *context;
};

/* ---- datapath_mount.c ---- */

#define OWN_BPFFS RUN_DIRECTORY "/bpf"
#define BPFFS_PLACES 2

extern const char *const bpffs_places[BPFFS_PLACES];

bool is_bpffs(const char *path);
/* Makes the system's bpffs visible at one of the places; `create` mounts one where there is none. 0, -ENOENT
 * or another -errno. */
int bpffs_show(bool create);

/* ---- datapath_pin.c ---- */

/* One process at a time looks for pins, makes or removes them. A file descriptor to close, or -errno. */
int pins_lock(void);
/* Opens what is pinned for this network namespace. -ENOENT: nothing; -ESTALE: the pins of a namespace
 * that is gone and had the same inode (they are open all the same); -EPROTO: of another version. */
int pins_open(struct datapath *datapath, const char **why);
/* Loads everything and pins it, all or nothing. */
int pins_create(const struct datapath_limits *limits, const char **why);
int pins_remove(void);
/* One of them, of whichever version; a file descriptor or -errno. */
int pins_open_one(const char *name);

/* ---- datapath_map.c ---- */

/* Overwrites the keys of all sessions and removes them. */
void sessions_wipe(struct datapath *datapath);
/* Removes tunnels and receiving interfaces whose interface was deleted behind our back. */
void orphans_remove(struct datapath *datapath);

/* ---- datapath_count.c ---- */

/* Enters the tunnel's value; a new tunnel gets counters of its own, at zero. */
int counters_set_tunnel(struct datapath *datapath, uint32_t tunnel,
			const struct tunnel_value *value);

/* ---- datapath_attach.c ---- */

/* Makes the kernel's own words available as the reason of a refused attachment. */
void attach_listen_to_kernel(void);
int attach_send_programs(struct datapath *datapath, uint32_t tunnel);

/* ---- datapath_run.c ---- */

/* Runs the program `control`: 0, -ENOENT when there is no such peer or session, or -errno. */
int control_run(struct datapath *datapath, const struct control_request *request);

#endif
