/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_attach.c - the receive program on interfaces (XDP), the send programs on hidden ends (TC). Both
 * by netlink, not by a BPF link: the attachment outlives the process that made it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <crypto/crypto.h>
#include <datapath/hardware.h>
#include <datapath/netlink.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The send programs' place among TC filters; fixed, so that attaching again replaces. */
enum { TC_HANDLE = 1, TC_PRIORITY = 1 };

/* What the kernel said last about a netlink request of libbpf's. */
static char kernel_words[128];

/* libbpf tells the kernel's message only by its log; all else in there is for developers. */
static int hear_kernel(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static const char prefix[] = "Kernel error message: ";
	char line[256];
	const char *found;

	(void)level;
	vsnprintf(line, sizeof(line), format, arguments);
	found = strstr(line, prefix);
	if (found) {
		snprintf(kernel_words, sizeof(kernel_words), "%s", found + sizeof(prefix) - 1);
		kernel_words[strcspn(kernel_words, "\n")] = '\0';
	}
	return 0;
}

void attach_listen_to_kernel(void)
{
	libbpf_set_print(hear_kernel);
}

static const char *why_refused(int error)
{
	if (kernel_words[0])
		return kernel_words;
	switch (-error) {
	case EOPNOTSUPP:
		return "the driver has no native XDP";
	case EBUSY:
		return "the driver is busy or has an XDP program already";
	case ENOMEM:
	case ENOSPC:
		return "the driver has no queues or memory left for XDP";
	case EINVAL:
	case ERANGE:
	case E2BIG:
		return "the driver refuses XDP as the interface is set up (MTU, queues, offloads)";
	default:
		return strerror(-error);
	}
}

/* ---- the receive program ------------------------------------------------------------------------- */

static uint32_t mode_flag(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

/* Id 0: no program there. A program in hardware counts as native: it is never ours. */
static int query(int ifindex, uint32_t *id, enum attach_mode *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);
	int error = bpf_xdp_query(ifindex, 0, &found);

	if (error)
		return error;
	*mode = ATTACH_NATIVE;
	if (found.hw_prog_id)
		*id = found.hw_prog_id;
	else if (found.drv_prog_id)
		*id = found.drv_prog_id;
	else {
		*id = found.skb_prog_id;
		*mode = ATTACH_GENERIC;
	}
	return 0;
}

static int program_info(int fd, struct bpf_prog_info *info)
{
	uint32_t length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &length);
}

enum whose { NOBODYS, OURS, OURS_BUT_OLD, FOREIGN };

/* The pinned program; or the same code loaded another time, whose pins are lost or in the namespace that
 * the interface came from. That one is looked at by its id, which takes CAP_SYS_ADMIN; a running agent has it not, and
 * the program is a stranger's to it. */
static enum whose whose_program(const struct datapath *datapath, uint32_t id)
{
	struct bpf_prog_info ours, there;
	enum whose whose = FOREIGN;
	int fd;

	if (!id)
		return NOBODYS;
	if (program_info(datapath->programs[PROGRAM_rx], &ours))
		return FOREIGN;
	if (ours.id == id)
		return OURS;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return FOREIGN;
	if (!program_info(fd, &there) && load_le64(there.tag) == load_le64(ours.tag) &&
	    !strcmp(there.name, ours.name))
		whose = OURS_BUT_OLD;
	close(fd);
	return whose;
}

static int attach_as(const struct datapath *datapath, int ifindex, enum attach_mode mode)
{
	return bpf_xdp_attach(ifindex, datapath->programs[PROGRAM_rx],
			      mode_flag(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
}

static int attach_natively(struct datapath *datapath, const struct link_info *link,
			   const char **why)
{
	struct hardware hardware;
	int error = -EOPNOTSUPP;

	*why = hardware_read(&hardware, link->name) ? NULL : hardware_why_not_native(&hardware);
	if (!*why) {
		error = attach_as(datapath, link->ifindex, ATTACH_NATIVE);
		if (error)
			*why = why_refused(error);
	}
	return error;
}

static int attach_first(struct datapath *datapath, const struct link_info *link,
			enum attach_mode mode, enum attach_mode *used, const char **why)
{
	int error;

	kernel_words[0] = '\0';
	if (mode != ATTACH_GENERIC) {
		error = attach_natively(datapath, link, why);
		if (!error || mode == ATTACH_NATIVE || error == -ENODEV || error == -EPERM) {
			*used = ATTACH_NATIVE;
			return error;
		}
	}
	error = attach_as(datapath, link->ifindex, ATTACH_GENERIC);
	if (error)
		*why = why_refused(error);
	*used = ATTACH_GENERIC;
	return error;
}

/* The program there changes into ours with no packet between the two. */
static int replace(struct datapath *datapath, int ifindex, uint32_t id, enum attach_mode mode)
{
	int error, old = bpf_prog_get_fd_by_id(id);
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = old);

	if (old < 0)
		return old;
	error = bpf_xdp_attach(ifindex, datapath->programs[PROGRAM_rx],
			       mode_flag(mode) | XDP_FLAGS_REPLACE, &options);
	close(old);
	return error;
}

static int attach_over(struct datapath *datapath, const struct link_info *link,
		       enum attach_mode mode, enum attach_mode *used, const char **why,
		       uint32_t *foreign_id)
{
	enum attach_mode present;
	uint32_t id;
	int error = query(link->ifindex, &id, &present);

	if (error)
		return error;
	switch (whose_program(datapath, id)) {
	case NOBODYS:
		return attach_first(datapath, link, mode, used, why);
	case FOREIGN:
		*foreign_id = id;
		return -EEXIST;
	case OURS_BUT_OLD:
		error = replace(datapath, link->ifindex, id, present);
		break;
	case OURS:
		break;
	}
	*used = present;
	return error;
}

int datapath_attach(struct datapath *datapath, const struct link_info *link, enum attach_mode mode,
		    enum attach_mode *used, const char **why, uint32_t *foreign_id)
{
	struct interface_value value = {0}, before;
	uint32_t key = link->ifindex;
	int interfaces = datapath->maps[MAP_interfaces], error;
	bool is_known = !bpf_map_lookup_elem(interfaces, &key, &before);

	*why = NULL;
	*foreign_id = 0;
	/* frames of loopback come by datapath_inject(), and would come twice */
	if (is_known && before.is_injection)
		return -EINVAL;
	/* first, so that no packet of ours passes a program that does not know its interface; as generic until
	 * it is known, which is right for both */
	memcpy(value.mac, link->mac, sizeof(value.mac));
	value.is_generic = 1;
	error = bpf_map_update_elem(interfaces, &key, &value, BPF_ANY);
	if (error)
		return error == -E2BIG ? -ENOSPC : error;
	error = attach_over(datapath, link, mode, used, why, foreign_id);
	if (error) {
		if (!is_known)
			bpf_map_delete_elem(interfaces, &key);
		return error;
	}
	value.is_generic = *used == ATTACH_GENERIC;
	return bpf_map_update_elem(interfaces, &key, &value, BPF_ANY);
}

int datapath_detach(struct datapath *datapath, int ifindex)
{
	enum attach_mode mode;
	uint32_t id, key = ifindex;
	int error = query(ifindex, &id, &mode), there;
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	enum whose whose = error ? NOBODYS : whose_program(datapath, id);

	/* an interface that is gone took its program with it */
	if (whose == NOBODYS || whose == FOREIGN)
		return bpf_map_delete_elem(datapath->maps[MAP_interfaces], &key);
	there = whose == OURS ? dup(datapath->programs[PROGRAM_rx]) : bpf_prog_get_fd_by_id(id);
	if (there < 0)
		return whose == OURS ? -errno : there;
	options.old_prog_fd = there;
	error = bpf_xdp_detach(ifindex, mode_flag(mode) | XDP_FLAGS_REPLACE, &options);
	close(there);
	if (!error)
		bpf_map_delete_elem(datapath->maps[MAP_interfaces], &key);
	return error;
}

void datapath_interface_changed(struct datapath *datapath, int ifindex, const uint8_t mac[static 6],
				bool gone)
{
	int interfaces = datapath->maps[MAP_interfaces];
	struct interface_value value;
	uint32_t key = ifindex;

	if (bpf_map_lookup_elem(interfaces, &key, &value) || value.is_injection)
		return;
	if (gone) {
		bpf_map_delete_elem(interfaces, &key);
	} else if (!crypto_equal(value.mac, mac, sizeof(value.mac))) {
		memcpy(value.mac, mac, sizeof(value.mac));
		bpf_map_update_elem(interfaces, &key, &value, BPF_EXIST);
	}
}

bool datapath_receives_natively(struct datapath *datapath, int ifindex)
{
	struct interface_value value;
	uint32_t key = ifindex;

	return !bpf_map_lookup_elem(datapath->maps[MAP_interfaces], &key, &value) &&
	       !value.is_injection && !value.is_generic;
}

int datapath_for_each_interface(struct datapath *datapath,
				void (*each)(void *context, int ifindex, enum attach_mode mode),
				void *context)
{
	int interfaces = datapath->maps[MAP_interfaces], error;
	uint32_t key, next;

	/* one ahead, so that `each` may detach what it is called for */
	error = bpf_map_get_next_key(interfaces, NULL, &next);
	while (!error) {
		struct interface_value value;
		enum attach_mode mode;
		uint32_t id;

		key = next;
		error = bpf_map_get_next_key(interfaces, &key, &next);
		if (bpf_map_lookup_elem(interfaces, &key, &value) || value.is_injection ||
		    query(key, &id, &mode) || whose_program(datapath, id) != OURS)
			continue;
		each(context, key, mode);
	}
	return error == -ENOENT ? 0 : error;
}

/* ---- the send programs --------------------------------------------------------------------------- */

static int attach_filter(int ifindex, enum bpf_tc_attach_point point, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
		    .handle = TC_HANDLE, .priority = TC_PRIORITY);

	return bpf_tc_attach(&hook, &options);
}

int attach_send_programs(struct datapath *datapath, uint32_t tunnel)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)tunnel,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return error;
	error = attach_filter((int)tunnel, BPF_TC_INGRESS, datapath->programs[PROGRAM_tx]);
	if (!error)
		error = attach_filter((int)tunnel, BPF_TC_EGRESS,
				      datapath->programs[PROGRAM_tx_agent]);
	return error;
}
