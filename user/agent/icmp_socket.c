// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * icmp_socket.c - raw sockets in the namespace of the end people see, which only send. What goes out by them has the
 * source that the routing table there chooses, as the kernel's own ICMP errors have (net/ipv4/icmp.c, icmp_send).
 */
#include <agent/device.h>
#include <agent/log.h>

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/icmp.h has it, and a second struct icmphdr */
#define ICMP_FILTER 1

static int open_one(int family, int protocol)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), least = 0;
	const int precedence = IPTOS_PREC_INTERNETCONTROL;
	const uint32_t nothing = UINT32_MAX;
	struct icmp6_filter nothing6;

	if (fd < 0)
		return fd;
	/* it would hear of every ICMP message of the host */
	if (family == AF_INET) {
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &nothing, sizeof(nothing));
		setsockopt(fd, IPPROTO_IP, IP_TOS, &precedence, sizeof(precedence));
	} else {
		ICMP6_FILTER_SETBLOCKALL(&nothing6);
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &nothing6, sizeof(nothing6));
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	return fd;
}

/* A socket belongs to the namespace of the thread that makes it. */
struct icmp_sockets icmp_open_here(void)
{
	return (struct icmp_sockets){
		.ipv4 = open_one(AF_INET, IPPROTO_ICMP),
		.ipv6 = open_one(AF_INET6, IPPROTO_ICMPV6),
	};
}

void icmp_close(struct device *device)
{
	if (device->icmp_ipv4 >= 0)
		close(device->icmp_ipv4);
	if (device->icmp_ipv6 >= 0)
		close(device->icmp_ipv6);
	device->icmp_ipv4 = -1;
	device->icmp_ipv6 = -1;
}

void icmp_follow(struct device *device)
{
	struct icmp_sockets sockets = {-1, -1};

	icmp_close(device);
	if (device->hidden.far_ifindex)
		sockets = helper_open_icmp(&device->helper, device->hidden.far_namespace);
	else if (device->hidden.peer_ifindex)
		sockets = icmp_open_here();
	device->icmp_ipv4 = sockets.ipv4;
	device->icmp_ipv6 = sockets.ipv6;
	if (sockets.ipv4 < 0)
		log_verbose("no raw socket where %s is: ICMP errors seem to come from destinations",
			    device->name);
}

bool icmp_send(struct device *device, enum address_family family, const void *destination,
	       const void *message, size_t length)
{
	struct sockaddr_in6 to6 = {
		.sin6_family = AF_INET6,
		.sin6_scope_id = (uint32_t)device->visible_ifindex,
	};
	struct sockaddr_in to = {.sin_family = AF_INET};
	ssize_t sent;

	if ((family == FAMILY_IPV4 ? device->icmp_ipv4 : device->icmp_ipv6) < 0)
		return false;
	memcpy(&to.sin_addr, destination, sizeof(to.sin_addr));
	if (family == FAMILY_IPV6)
		memcpy(&to6.sin6_addr, destination, sizeof(to6.sin6_addr));
	/* who cannot be told is not told */
	sent = family == FAMILY_IPV4 ? sendto(device->icmp_ipv4, message, length, MSG_DONTWAIT,
					      (const struct sockaddr *)&to, sizeof(to))
				     : sendto(device->icmp_ipv6, message, length, MSG_DONTWAIT,
					      (const struct sockaddr *)&to6, sizeof(to6));
	(void)sent;
	return true;
}
