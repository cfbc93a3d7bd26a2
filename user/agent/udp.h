/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * udp.h - the listening port: one socket for IPv4, one for IPv6. It knows where a datagram came from and which
 * of our addresses it was for, and sends from there; what is in it, it does not know.
 */
#ifndef WGXDP_AGENT_UDP_H
#define WGXDP_AGENT_UDP_H

#include <agent/loop.h>
#include <wgxdp/abi.h>

/* The DS byte (kernel: messages.h, HANDSHAKE_DSCP): AF41 for handshakes, so that they get through where data
 * does not; cookie replies and data are not marked. */
enum udp_ds { UDP_DS_NONE = 0, UDP_DS_HANDSHAKE = 0x88 };

struct udp_datagram {
	/* the sender; `local_address` and `ifindex` say where it arrived */
	struct endpoint from;
	uint8_t ds;
	size_t length;
	const uint8_t *bytes;
};

struct udp {
	struct loop_waiter ipv4, ipv6;
	/* host order; 0: not open */
	uint16_t port;
};

/* Opens both sockets on `port`, or on one that is free in both families when that is 0. Without IPv6 on this
 * host it is one socket. -EADDRINUSE and the like; nothing is left open on failure. */
int udp_open(struct udp *udp, uint16_t port, uint32_t fwmark);
void udp_close(struct udp *udp);
int udp_set_mark(struct udp *udp, uint32_t fwmark);

/* To `to`, from its local address if that is set; data has the ECN bits of the packet in it as its DS byte. 0 or
 * -errno; -EADDRNOTAVAIL whenever it is that address that does not do. */
int udp_send(const struct udp *udp, const struct endpoint *to, uint8_t ds, const void *bytes,
	     size_t length);

/* Whether half of what the socket of that family may hold is on its way: answers to strangers, to addresses that
 * nobody has perhaps, must leave the rest to others. */
bool udp_is_busy(const struct udp *udp, enum address_family family);

/* Datagrams that one system call reads at most. */
enum { UDP_BATCH = 32 };

/* Reads what one system call yields and calls back for each. How many those were; -errno. */
int udp_receive(int fd, void (*each)(void *context, const struct udp_datagram *datagram),
		void *context);

#endif
