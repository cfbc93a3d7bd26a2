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
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/icmp.h has it, and a second struct icmphdr */
#define ICMP_FILTER 1

/* A socket belongs to the namespace of the thread that makes it. */
struct opening {
	/* -1: where we are */
	int namespace;
	int ipv4, ipv6;
};

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

static void *open_there(void *context)
{
	struct opening *opening = context;

	if (opening->namespace >= 0 && setns(opening->namespace, CLONE_NEWNET))
		return NULL;
	opening->ipv4 = open_one(AF_INET, IPPROTO_ICMP);
	opening->ipv6 = open_one(AF_INET6, IPPROTO_ICMPV6);
	return NULL;
}

/* In a thread that ends there, so that no error on the way back leaves us in a namespace that is not ours. */
static void open_far(struct device *device, struct opening *opening)
{
	pthread_t thread;

	opening->namespace = netlink_open_namespace(device->netlink, device->hidden.far_namespace);
	if (opening->namespace < 0)
		return;
	if (!pthread_create(&thread, NULL, open_there, opening))
		pthread_join(thread, NULL);
	close(opening->namespace);
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
	struct opening opening = {.namespace = -1, .ipv4 = -1, .ipv6 = -1};

	icmp_close(device);
	if (device->hidden.far_ifindex)
		open_far(device, &opening);
	else if (device->hidden.peer_ifindex)
		open_there(&opening);
	device->icmp_ipv4 = opening.ipv4;
	device->icmp_ipv6 = opening.ipv6;
	if (opening.ipv4 < 0)
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
