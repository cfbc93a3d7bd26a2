/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * udp.h - the listening port: one socket for IPv4, one for IPv6, or one for each address that it is bound to. It knows where a datagram came from and which
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

struct udp_socket {
	struct loop_waiter waiter;
	/* for `ready`, which gets the socket */
	void *owner;
	/* what it is bound to; the address all zero: any of the family */
	struct local_address_key address;
};

struct udp {
	/* one for each family, or for each address the tunnel is bound to */
	struct udp_socket sockets[BOUND_ADDRESSES_MAX];
	unsigned int count;
	/* host order; 0: not open */
	uint16_t port;
};

_Static_assert(BOUND_ADDRESSES_MAX >= 2, "both families");

/* Where sockets are to be: on these addresses alone, or with none on any. */
struct udp_place {
	uint16_t port;
	uint32_t fwmark;
	const struct local_address_key *addresses;
	unsigned int count;
};

/* Opens the sockets on the port, or on one that is free for all of them when that is 0. Without IPv6 on this
 * host those of any address are one. An address need not be there yet. -EADDRINUSE and the like; nothing is left open
 * on failure. */
int udp_open(struct udp *udp, const struct udp_place *place);
/* While it is set, others of ours may be opened on the same port. */
void udp_share_port(const struct udp *udp, bool share);
void udp_close(struct udp *udp);
int udp_set_mark(struct udp *udp, uint32_t fwmark);

/* To `to`, from its local address if that is set; data has the ECN bits of the packet in it as its DS byte. 0 or
 * -errno; -EADDRNOTAVAIL whenever it is that address that does not do, -EAFNOSUPPORT when there is no socket. */
int udp_send(const struct udp *udp, const struct endpoint *to, uint8_t ds, const void *bytes,
	     size_t length);

/* Whether half of what the socket that would be taken may hold is on its way: answers to strangers, to addresses that
 * nobody has perhaps, must leave the rest to others. */
bool udp_is_busy(const struct udp *udp, const struct endpoint *to);

/* Datagrams that one system call reads at most. */
enum { UDP_BATCH = 32 };

/* Reads what one system call yields and calls back for each. How many those were; -errno. */
int udp_receive(int fd, void (*each)(void *context, const struct udp_datagram *datagram),
		void *context);

#endif
