/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath.c - the life of a data path: found or loaded, used, removed. Where the pins stand is in
 * datapath_pin.c, attaching in datapath_attach.c, state in datapath_map.c, running programs and reading
 * events in datapath_run.c. Contract: datapath.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The loopback interface of every namespace; BPF_PROG_RUN says that frames came from it. */
#define LOOPBACK_IFINDEX 1

static struct datapath *allocate(void)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));

	if (!datapath)
		return NULL;
	for (int i = 0; i < MAP_COUNT; i++)
		datapath->maps[i] = -1;
	for (int i = 0; i < PROGRAM_COUNT; i++)
		datapath->programs[i] = -1;
	datapath->ring_map = -1;
	datapath->injector = -1;
	return datapath;
}

static void close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	ring_buffer__free(datapath->ring);
	close_open(datapath->ring_map);
	close_open(datapath->injector);
	for (int i = 0; i < MAP_COUNT; i++)
		close_open(datapath->maps[i]);
	for (int i = 0; i < PROGRAM_COUNT; i++)
		close_open(datapath->programs[i]);
	free(datapath);
}

/* The namespace whose pins these were is gone and with it all that used them; only keys are left. */
static int replace_stale(struct datapath **datapath, const struct datapath_limits *limits,
			 const char **why)
{
	int error;

	sessions_wipe(*datapath);
	datapath_close(*datapath);
	*datapath = allocate();
	error = *datapath ? pins_remove() : -ENOMEM;
	if (!error)
		error = pins_create(limits, why);
	return error ? error : pins_open(*datapath, why);
}

static bool is_another(const char *option, uint32_t asked, uint32_t there, const char **why)
{
	static char text[160];

	if (!asked || asked == there)
		return false;
	snprintf(
		text, sizeof(text),
		"%s %u: the data path in the kernel was made for %u: expected that, or 'wgxdp down' "
		"of its tunnels first",
		option, asked, there);
	*why = text;
	return true;
}

static int compare_limits(struct datapath *datapath, const struct datapath_limits *asked,
			  const char **why)
{
	struct datapath_limits there;
	int error = asked ? datapath_get_limits(datapath, &there) : 0;

	if (!asked || error)
		return error;
	return is_another("--max-peers", asked->peers, there.peers, why) ||
			       is_another("--max-sessions", asked->sessions, there.sessions, why) ||
			       is_another("--max-allowed-ips", asked->allowed_ips,
					  there.allowed_ips, why)
		       ? -ERANGE
		       : 0;
}

static int open_locked(struct datapath **datapath, bool create,
		       const struct datapath_limits *limits, const char **why)
{
	int error = pins_open(*datapath, why);

	if (!error)
		return compare_limits(*datapath, limits, why);
	if (error == -ESTALE)
		return create ? replace_stale(datapath, limits, why) : -ENOENT;
	if (error != -ENOENT || !create)
		return error;
	error = pins_create(limits, why);
	return error ? error : pins_open(*datapath, why);
}

static int accept_injected_frames(struct datapath *datapath)
{
	struct interface_value loopback = {.is_injection = 1};
	uint32_t ifindex = LOOPBACK_IFINDEX;

	return bpf_map_update_elem(datapath->maps[MAP_interfaces], &ifindex, &loopback, BPF_ANY);
}

static int open_datapath(struct datapath **datapath, bool create,
			 const struct datapath_limits *limits, const char **why)
{
	struct datapath *opened = allocate();
	int lock, error;

	*why = NULL;
	if (!opened)
		return -ENOMEM;
	attach_listen_to_kernel();
	lock = pins_lock();
	if (lock < 0) {
		*why = lock == -EACCES || lock == -EPERM ? "needs root"
							 : "cannot use " RUN_DIRECTORY;
		error = lock;
	} else {
		error = open_locked(&opened, create, limits, why);
		close(lock);
	}
	if (!error)
		error = accept_injected_frames(opened);
	if (error) {
		if (!*why)
			*why = strerror(-error);
		datapath_close(opened);
		return error;
	}
	orphans_remove(opened);
	*datapath = opened;
	return 0;
}

int datapath_open(struct datapath **datapath, const struct datapath_limits *limits,
		  const char **why)
{
	return open_datapath(datapath, true, limits, why);
}

int datapath_open_existing(struct datapath **datapath, const char **why)
{
	return open_datapath(datapath, false, NULL, why);
}

static int entries_of(struct datapath *datapath, enum datapath_map map, uint32_t *entries)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(datapath->maps[map], &info, &length);

	*entries = info.max_entries;
	return error;
}

int datapath_get_limits(struct datapath *datapath, struct datapath_limits *limits)
{
	int error = entries_of(datapath, MAP_peers, &limits->peers);

	if (!error)
		error = entries_of(datapath, MAP_sessions, &limits->sessions);
	return error ? error : entries_of(datapath, MAP_allowed_ipv4, &limits->allowed_ips);
}

static void detach(void *datapath, int ifindex, enum attach_mode mode)
{
	(void)mode;
	datapath_detach(datapath, ifindex);
}

int datapath_remove_remains(void)
{
	int lock = pins_lock(), error;

	if (lock < 0)
		return lock;
	error = pins_remove();
	close(lock);
	return error;
}

int datapath_remove(struct datapath *datapath)
{
	int lock = pins_lock(), error;

	if (lock < 0)
		return lock;
	if (datapath_count_tunnels(datapath)) {
		error = -EBUSY;
	} else {
		datapath_for_each_interface(datapath, detach, datapath);
		error = pins_remove();
	}
	close(lock);
	return error;
}
