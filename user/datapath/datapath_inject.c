/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_inject.c - frames that did not come by an interface with the receive program, through that same
 * program. BPF_PROG_RUN takes what fits a page. Larger ones (reassembled from fragments, with an MTU that asks
 * for it) are written to a tap interface of this process, made for the first of them and gone with it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A page without what the kernel keeps there itself. */
#define PROG_RUN_FRAME_MAX 3400

/* Nothing but what we write comes from it: no IPv6 noise, no ARP. */
static int bring_up(struct ifreq *interface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	interface->ifr_flags = IFF_UP | IFF_NOARP;
	if (ioctl(fd, SIOCSIFFLAGS, interface) || ioctl(fd, SIOCGIFINDEX, interface))
		error = -errno;
	close(fd);
	return error;
}

static int attach_injector(struct datapath *datapath, uint32_t ifindex)
{
	/* a frame of more than a page meets generic XDP there */
	struct interface_value value = {.is_injection = 1, .is_generic = 1};
	int interfaces = datapath->maps[MAP_interfaces], error;

	error = bpf_map_update_elem(interfaces, &ifindex, &value, BPF_ANY);
	if (error)
		return error;
	error = bpf_xdp_attach((int)ifindex, datapath->programs[PROGRAM_rx], XDP_FLAGS_DRV_MODE,
			       NULL);
	if (error)
		bpf_map_delete_elem(interfaces, &ifindex);
	return error;
}

static int open_injector(struct datapath *datapath)
{
	struct ifreq interface = {.ifr_name = "wgxdp%d", .ifr_flags = IFF_TAP | IFF_NO_PI};
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), error;

	if (tap < 0)
		return -errno;
	error = ioctl(tap, TUNSETIFF, &interface) ? -errno : 0;
	if (!error)
		error = bring_up(&interface);
	if (!error)
		error = attach_injector(datapath, (uint32_t)interface.ifr_ifindex);
	if (error)
		close(tap);
	else
		datapath->injector = tap;
	return error;
}

static int write_frame(struct datapath *datapath, const void *frame, size_t length)
{
	int error = datapath->injector < 0 ? open_injector(datapath) : 0;

	/* without tap interfaces in the kernel there is no way */
	if (error)
		return error == -ENOENT || error == -ENODEV ? -EMSGSIZE : error;
	return write(datapath->injector, frame, length) < 0 ? -errno : 0;
}

/* Without a context BPF_PROG_RUN's frames come from the namespace's loopback interface. */
int datapath_inject(struct datapath *datapath, const void *frame, size_t length)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length,
		    .repeat = 1, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 1);

	if (length > PROG_RUN_FRAME_MAX)
		return write_frame(datapath, frame, length);
	return bpf_prog_test_run_opts(datapath->programs[PROGRAM_rx], &options);
}
