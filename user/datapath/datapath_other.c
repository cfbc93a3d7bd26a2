// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * datapath_other.c - removing the data path of another version of this program. All that is known of it is what every
 * version keeps: the names of its pins, that `tunnels` is found by the hidden interface's index, that `sessions` and
 * the arrays in `keystreams` hold secrets, and that `rx` is what interfaces receive with. Contract: datapath.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &length);
}

/* ---- whether it is in use ------------------------------------------------------------------------ */

static bool has_tunnel(int tunnels)
{
	char name[IF_NAMESIZE];
	struct bpf_map_info info;
	uint32_t key, next;
	int error;

	if (map_info(tunnels, &info) || info.key_size != sizeof(key))
		return false;
	error = bpf_map_get_next_key(tunnels, NULL, &next);
	while (!error) {
		key = next;
		if (if_indextoname(key, name))
			return true;
		error = bpf_map_get_next_key(tunnels, &key, &next);
	}
	return false;
}

/* ---- secrets ------------------------------------------------------------------------------------- */

/* In place, which of a hash only an update under the value's lock is. */
static void wipe_sessions(int sessions)
{
	struct bpf_map_info info;
	uint32_t key;
	void *zeros;

	if (map_info(sessions, &info) || info.key_size != sizeof(key))
		return;
	zeros = calloc(1, info.value_size);
	while (zeros && !bpf_map_get_next_key(sessions, NULL, &key)) {
		bpf_map_update_elem(sessions, &key, zeros, BPF_EXIST | BPF_F_LOCK);
		if (bpf_map_delete_elem(sessions, &key))
			break;
	}
	free(zeros);
}

static void wipe_array(uint32_t id)
{
	int array = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info;
	void *zeros = NULL;

	if (array < 0)
		return;
	if (!map_info(array, &info) && info.key_size == sizeof(uint32_t))
		zeros = calloc(1, info.value_size);
	for (uint32_t i = 0; zeros && i < info.max_entries; i++)
		bpf_map_update_elem(array, &i, zeros, BPF_ANY);
	free(zeros);
	close(array);
}

static void wipe_keystreams(int keystreams)
{
	struct bpf_map_info info;
	uint32_t key, id;

	if (map_info(keystreams, &info) || info.key_size != sizeof(key))
		return;
	while (!bpf_map_get_next_key(keystreams, NULL, &key)) {
		if (!bpf_map_lookup_elem(keystreams, &key, &id))
			wipe_array(id);
		if (bpf_map_delete_elem(keystreams, &key))
			break;
	}
}

/* ---- interfaces ---------------------------------------------------------------------------------- */

static void detach(int ifindex, int program, uint32_t id)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = program);
	LIBBPF_OPTS(bpf_xdp_query_opts, found);

	if (bpf_xdp_query(ifindex, 0, &found))
		return;
	if (found.drv_prog_id == id)
		bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE, &options);
	else if (found.skb_prog_id == id)
		bpf_xdp_detach(ifindex, XDP_FLAGS_SKB_MODE | XDP_FLAGS_REPLACE, &options);
}

static void detach_everywhere(int program)
{
	struct if_nameindex *names = if_nameindex();
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);

	if (names && !bpf_obj_get_info_by_fd(program, &info, &length))
		for (size_t i = 0; names[i].if_index; i++)
			detach((int)names[i].if_index, program, info.id);
	if_freenameindex(names);
}

/* ---- all of it ----------------------------------------------------------------------------------- */

/* Does something with one pin, when it is there. */
static void with_pin(const char *name, void (*act)(int fd))
{
	int fd = pins_open_one(name);

	if (fd < 0)
		return;
	act(fd);
	close(fd);
}

int datapath_remove_other(void)
{
	int lock = pins_lock(), tunnels, error = -EBUSY;
	bool is_used = false;

	if (lock < 0)
		return lock;
	tunnels = pins_open_one("tunnels");
	if (tunnels >= 0) {
		is_used = has_tunnel(tunnels);
		close(tunnels);
	}
	if (!is_used) {
		with_pin("rx", detach_everywhere);
		with_pin("sessions", wipe_sessions);
		with_pin("keystreams", wipe_keystreams);
		error = pins_remove();
	}
	close(lock);
	return error;
}
