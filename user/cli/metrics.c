// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* metrics.c - `wgxdp metrics`: once on the standard output, or by HTTP until it is ended. */
#include <cli/cli.h>
#include <cli/metrics.h>
#include <cli/tunnel.h>
#include <util/encoding.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int print_once(const struct arguments *arguments)
{
	struct shown_list list;
	bool good;

	if (!shown_ask_operand(arguments, &list))
		return EXIT_FAILURE;
	metrics_print(stdout, &list);
	good = shown_complain(arguments, &list);
	shown_free(&list);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t address_of(const struct endpoint *endpoint, union address *address)
{
	*address = (union address){0};
	if (endpoint->family == FAMILY_IPV4) {
		address->ipv4.sin_family = AF_INET;
		memcpy(&address->ipv4.sin_addr, endpoint->address, 4);
		memcpy(&address->ipv4.sin_port, endpoint->port, 2);
		return sizeof(address->ipv4);
	}
	address->ipv6.sin6_family = AF_INET6;
	address->ipv6.sin6_scope_id = endpoint->ifindex;
	memcpy(&address->ipv6.sin6_addr, endpoint->address, 16);
	memcpy(&address->ipv6.sin6_port, endpoint->port, 2);
	return sizeof(address->ipv6);
}

static int listen_on(const struct endpoint *endpoint)
{
	union address address;
	socklen_t length = address_of(endpoint, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, error;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, &address.any, length) && !listen(fd, SOMAXCONN))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int serve(const struct arguments *arguments, const char *where)
{
	const char *tunnel = arguments->operands[0];
	struct endpoint endpoint;
	int fd, error;

	if (tunnel && !tunnel_name_is_good(arguments, tunnel))
		return EXIT_FAILURE;
	if (!endpoint_from_text(&endpoint, where)) {
		complain(arguments,
			 "--listen '%s': expected ADDRESS:PORT or [IPV6]:PORT, with a port from 1 "
			 "to 65535",
			 where);
		return EXIT_FAILURE;
	}
	fd = listen_on(&endpoint);
	error = fd < 0 ? fd : metrics_serve(fd, tunnel);
	if (error)
		complain(arguments, "--listen '%s': %s", where, strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cli_metrics(const struct arguments *arguments)
{
	const char *where = option_value(arguments, "listen", 0);

	return where ? serve(arguments, where) : print_once(arguments);
}
