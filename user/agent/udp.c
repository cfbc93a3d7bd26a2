// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * udp.c - the sockets, and the control messages that carry local address and DS byte (RFC 3542 for IPv6,
 * ip(7) for IPv4). Contract: udp.h.
 */
#include <agent/udp.h>

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* data of the largest size has 32 bytes more */
	DATAGRAM_MAX = TRANSPORT_TEXT_MAX + 64,
	CONTROL_LENGTH = 128,
	/* room for a flood of handshakes while one is answered */
	RECEIVE_BUFFER = 4 << 20,
	/* what waits for neighbours to answer, when many are asked for */
	SEND_BUFFER = 1 << 20,
	PORT_ATTEMPTS = 100,
};

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

/* ---- opening ------------------------------------------------------------------------------------- */

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int set_options(int fd, int family, uint32_t fwmark)
{
	static const struct {
		int family, level, name, value;
	} options[] = {
		{AF_INET, IPPROTO_IP, IP_PKTINFO, 1},
		{AF_INET, IPPROTO_IP, IP_RECVTOS, 1},
		/* no DF, as BPF sends: the outer packet may be cut on its way */
		{AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
		{AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1},
		{AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
		{AF_INET6, IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
		{AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
	};
	int error = fwmark ? set_option(fd, SOL_SOCKET, SO_MARK, (int)fwmark) : 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !error; i++) {
		if (options[i].family == family)
			error = set_option(fd, options[i].level, options[i].name, options[i].value);
	}
	/* without it a flood is lost a little earlier */
	set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER);
	return error;
}

static socklen_t socket_address(union address *address, const struct local_address_key *local,
				uint16_t port)
{
	*address = (union address){0};
	if (local->family == FAMILY_IPV4) {
		address->ipv4.sin_family = AF_INET;
		address->ipv4.sin_port = htons(port);
		memcpy(&address->ipv4.sin_addr, local->address, sizeof(address->ipv4.sin_addr));
		return sizeof(address->ipv4);
	}
	address->ipv6.sin6_family = AF_INET6;
	address->ipv6.sin6_port = htons(port);
	memcpy(&address->ipv6.sin6_addr, local->address, sizeof(address->ipv6.sin6_addr));
	return sizeof(address->ipv6);
}

/* To an address that may come later. Only now: to send from one that is not there is to fail. */
static int bind_freely(int fd, union address *address, socklen_t length)
{
	int level = address->any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int name = address->any.sa_family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND;
	int error = set_option(fd, level, name, 1);

	if (!error && (bind(fd, &address->any, length) || getsockname(fd, &address->any, &length)))
		error = -errno;
	return error ? error : set_option(fd, level, name, 0);
}

/* A bound socket, or -errno; `*port` 0 becomes what the kernel chose. */
static int open_socket(const struct local_address_key *local, uint16_t *port, uint32_t fwmark,
		       bool shares)
{
	int family = local->family == FAMILY_IPV4 ? AF_INET : AF_INET6, error;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	union address address;
	socklen_t length = socket_address(&address, local, *port);

	if (fd < 0)
		return -errno;
	error = set_options(fd, family, fwmark);
	if (!error && shares)
		error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error)
		error = bind_freely(fd, &address, length);
	if (error) {
		close(fd);
		return error;
	}
	/* the port stands at the same place in both */
	*port = ntohs(address.ipv4.sin_port);
	return fd;
}

static int open_all(struct udp *udp, const struct udp_place *place)
{
	static const struct local_address_key any[] = {{.family = FAMILY_IPV4},
						       {.family = FAMILY_IPV6}};
	const struct local_address_key *addresses = place->count ? place->addresses : any;
	unsigned int count = place->count ? place->count : 2;
	/* a port that was asked for is perhaps ours already, and shared; one that is chosen must be free */
	uint16_t port = place->port;

	udp->count = 0;
	for (unsigned int i = 0; i < count; i++) {
		int fd = open_socket(&addresses[i], &port, place->fwmark, place->port != 0);

		if (fd == -EAFNOSUPPORT && !place->count && i > 0)
			continue;
		if (fd < 0) {
			udp_close(udp);
			return fd;
		}
		udp->sockets[udp->count].waiter.fd = fd;
		udp->sockets[udp->count++].address = addresses[i];
	}
	udp->port = port;
	udp_share_port(udp, false);
	return 0;
}

int udp_open(struct udp *udp, const struct udp_place *place)
{
	int error = -EADDRINUSE;

	/* what is free for IPv4 may be in use for IPv6 */
	for (int i = 0; i < (place->port ? 1 : PORT_ATTEMPTS) && error == -EADDRINUSE; i++)
		error = open_all(udp, place);
	return error;
}

void udp_share_port(const struct udp *udp, bool share)
{
	for (unsigned int i = 0; i < udp->count; i++)
		set_option(udp->sockets[i].waiter.fd, SOL_SOCKET, SO_REUSEADDR, share);
}

void udp_close(struct udp *udp)
{
	for (unsigned int i = 0; i < udp->count; i++) {
		close(udp->sockets[i].waiter.fd);
		udp->sockets[i].waiter.fd = -1;
	}
	udp->count = 0;
	udp->port = 0;
}

int udp_set_mark(struct udp *udp, uint32_t fwmark)
{
	int error = 0;

	for (unsigned int i = 0; i < udp->count && !error; i++)
		error = set_option(udp->sockets[i].waiter.fd, SOL_SOCKET, SO_MARK, (int)fwmark);
	return error;
}

/* ---- sending ------------------------------------------------------------------------------------- */

static bool is_link_local(const struct endpoint *endpoint)
{
	return endpoint->family == FAMILY_IPV6 && endpoint->address[0] == 0xfe &&
	       (endpoint->address[1] & 0xc0) == 0x80;
}

static socklen_t address_of(union address *address, const struct endpoint *to)
{
	*address = (union address){0};
	if (to->family == FAMILY_IPV4) {
		address->ipv4.sin_family = AF_INET;
		memcpy(&address->ipv4.sin_port, to->port, sizeof(to->port));
		memcpy(&address->ipv4.sin_addr, to->address, sizeof(address->ipv4.sin_addr));
		return sizeof(address->ipv4);
	}
	address->ipv6.sin6_family = AF_INET6;
	memcpy(&address->ipv6.sin6_port, to->port, sizeof(to->port));
	memcpy(&address->ipv6.sin6_addr, to->address, sizeof(address->ipv6.sin6_addr));
	address->ipv6.sin6_scope_id = is_link_local(to) ? to->ifindex : 0;
	return sizeof(address->ipv6);
}

static void add_control(struct msghdr *message, int level, int type, const void *data,
			size_t length)
{
	struct cmsghdr *header = (void *)((char *)message->msg_control + message->msg_controllen);

	header->cmsg_level = level;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(header), data, length);
	message->msg_controllen += CMSG_SPACE(length);
}

/* The interface is left to the routing table, as the kernel's WireGuard does it: a local address alone says
 * what the peer must see. */
static void add_source(struct msghdr *message, const struct endpoint *to)
{
	if (to->family == FAMILY_IPV4) {
		struct in_pktinfo info = {0};

		memcpy(&info.ipi_spec_dst, to->local_address, sizeof(info.ipi_spec_dst));
		add_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = is_link_local(to) ? to->ifindex : 0};

		memcpy(&info.ipi6_addr, to->local_address, sizeof(info.ipi6_addr));
		add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}

/* The socket of that family, or of that address of ours. */
static int find_socket(const struct udp *udp, const struct endpoint *to, bool has_source)
{
	static const uint8_t any[sizeof(to->local_address)];
	int error = -EAFNOSUPPORT;

	for (unsigned int i = 0; i < udp->count; i++) {
		const struct udp_socket *socket = &udp->sockets[i];

		if (socket->address.family != to->family)
			continue;
		if (!has_source || !memcmp(socket->address.address, any, sizeof(any)) ||
		    !memcmp(socket->address.address, to->local_address, sizeof(any)))
			return socket->waiter.fd;
		error = -EADDRNOTAVAIL;
	}
	return error;
}

int udp_send(const struct udp *udp, const struct endpoint *to, uint8_t ds, const void *bytes,
	     size_t length)
{
	static const uint8_t none[sizeof(to->local_address)];
	bool has_source = memcmp(to->local_address, none, sizeof(none)) != 0;
	bool is_ipv4 = to->family == FAMILY_IPV4;
	_Alignas(struct cmsghdr) char control[CONTROL_LENGTH] = {0};
	struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
	union address address;
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = address_of(&address, to),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
	};
	int fd = find_socket(udp, to, has_source), traffic_class = ds;

	if (fd < 0)
		return fd;
	add_control(&message, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, is_ipv4 ? IP_TOS : IPV6_TCLASS,
		    &traffic_class, sizeof(traffic_class));
	if (has_source)
		add_source(&message, to);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	/* an address that was taken away: one or the other, by the kernel's age */
	if (has_source && (errno == EINVAL || errno == ENETUNREACH || errno == EADDRNOTAVAIL))
		return -EADDRNOTAVAIL;
	return -errno;
}

bool udp_is_busy(const struct udp *udp, const struct endpoint *to)
{
	int waiting;

	return ioctl(find_socket(udp, to, true), SIOCOUTQ, &waiting) || waiting > SEND_BUFFER / 2;
}

/* ---- receiving ----------------------------------------------------------------------------------- */

static void read_control(struct udp_datagram *datagram, struct msghdr *message)
{
	struct endpoint *from = &datagram->from;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		const void *data = CMSG_DATA(header);

		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
			const struct in_pktinfo *info = data;

			memcpy(from->local_address, &info->ipi_addr, sizeof(info->ipi_addr));
			from->ifindex = (uint32_t)info->ipi_ifindex;
		} else if (header->cmsg_level == IPPROTO_IPV6 &&
			   header->cmsg_type == IPV6_PKTINFO) {
			const struct in6_pktinfo *info = data;

			memcpy(from->local_address, &info->ipi6_addr, sizeof(info->ipi6_addr));
			from->ifindex = (uint32_t)info->ipi6_ifindex;
		} else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS) {
			datagram->ds = *(const uint8_t *)data;
		} else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS) {
			datagram->ds = (uint8_t)*(const int *)data;
		}
	}
}

static void read_sender(struct endpoint *from, const union address *address)
{
	if (address->any.sa_family == AF_INET) {
		from->family = FAMILY_IPV4;
		memcpy(from->port, &address->ipv4.sin_port, sizeof(from->port));
		memcpy(from->address, &address->ipv4.sin_addr, sizeof(address->ipv4.sin_addr));
	} else {
		from->family = FAMILY_IPV6;
		memcpy(from->port, &address->ipv6.sin6_port, sizeof(from->port));
		memcpy(from->address, &address->ipv6.sin6_addr, sizeof(address->ipv6.sin6_addr));
	}
}

int udp_receive(int fd, void (*each)(void *context, const struct udp_datagram *datagram),
		void *context)
{
	static uint8_t bytes[UDP_BATCH][DATAGRAM_MAX];
	static _Alignas(struct cmsghdr) char control[UDP_BATCH][CONTROL_LENGTH];
	struct mmsghdr messages[UDP_BATCH];
	struct iovec vectors[UDP_BATCH];
	union address senders[UDP_BATCH];
	int count;

	for (int i = 0; i < UDP_BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = bytes[i], .iov_len = DATAGRAM_MAX};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &senders[i],
			.msg_namelen = sizeof(senders[i]),
			.msg_iov = &vectors[i],
			.msg_iovlen = 1,
			.msg_control = control[i],
			.msg_controllen = CONTROL_LENGTH,
		};
	}
	count = recvmmsg(fd, messages, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		struct udp_datagram datagram = {.bytes = bytes[i], .length = messages[i].msg_len};

		if (messages[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		read_sender(&datagram.from, &senders[i]);
		read_control(&datagram, &messages[i].msg_hdr);
		each(context, &datagram);
	}
	return count;
}
