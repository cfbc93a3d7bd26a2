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
static int replace_stale(struct datapath **datapath, const char **why)
{
	int error;

	sessions_wipe(*datapath);
	datapath_close(*datapath);
	*datapath = allocate();
	error = *datapath ? pins_remove() : -ENOMEM;
	if (!error)
		error = pins_create(why);
	return error ? error : pins_open(*datapath, why);
}

static int open_locked(struct datapath **datapath, bool create, const char **why)
{
	int error = pins_open(*datapath, why);

	if (error == -ESTALE)
		return create ? replace_stale(datapath, why) : -ENOENT;
	if (error != -ENOENT || !create)
		return error;
	error = pins_create(why);
	return error ? error : pins_open(*datapath, why);
}

static int accept_injected_frames(struct datapath *datapath)
{
	struct interface_value loopback = {.is_injection = 1};
	uint32_t ifindex = LOOPBACK_IFINDEX;

	return bpf_map_update_elem(datapath->maps[MAP_interfaces], &ifindex, &loopback, BPF_ANY);
}

static int open_datapath(struct datapath **datapath, bool create, const char **why)
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
		error = open_locked(&opened, create, why);
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

int datapath_open(struct datapath **datapath, const char **why)
{
	return open_datapath(datapath, true, why);
}

int datapath_open_existing(struct datapath **datapath, const char **why)
{
	return open_datapath(datapath, false, why);
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
