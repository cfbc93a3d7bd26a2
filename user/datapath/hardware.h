/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hardware.h - what an interface and its driver can do, asked of the kernel: ethtool's ioctl, the netdev family of
 * generic netlink (since Linux 6.3), and XDP's own. What a driver does not tell is unknown, which is no error.
 */
#ifndef WGXDP_DATAPATH_HARDWARE_H
#define WGXDP_DATAPATH_HARDWARE_H

#include <net/if.h>
#include <wgxdp/types.h>

/* Of a larger MTU most drivers' frames do not fit a page beside what XDP needs of it. */
enum { ONE_PAGE_MTU = 3498 };

enum hardware_answer { HARDWARE_UNKNOWN, HARDWARE_NO, HARDWARE_YES };

struct hardware {
	char name[IFNAMSIZ];
	bool is_loopback;
	/* "" is unknown */
	char driver[32];
	uint32_t mtu;
	/* of virtio_net: a digit a bit, else "" */
	char virtio_features[65];
	/* receive queues; 0 is unknown */
	uint32_t queues;
	/* whether the ports decide which queue a UDP packet comes to, as well as the addresses */
	enum hardware_answer hashes_udp4, hashes_udp6;
	/* large receive offload, GRO in hardware */
	enum hardware_answer lro, gro_hw;
	/* what the driver says of XDP: that it can run programs, that they can redirect */
	enum hardware_answer xdp, xdp_redirect;
	/* the program that is there, 0: none; in generic mode */
	uint32_t program;
	bool program_is_generic;
	/* it has the name of ours */
	bool program_is_ours;
};

/* Whether this kernel makes machine code of BPF programs, by a look at a tiny one. */
enum hardware_answer hardware_has_jit(void);

/* Why a driver that takes the program would never run it, or lose or spoil what it redirects; NULL: nothing is known of that. */
const char *hardware_why_not_native(const struct hardware *hardware);

/* Of the device at that place of its bus. */
void virtio_read_features(const char *place, char features[static 65]);
bool virtio_can_redirect(const char *features);

/* 0, -ENODEV or another -errno. */
int hardware_read(struct hardware *hardware, const char *name);

#endif
