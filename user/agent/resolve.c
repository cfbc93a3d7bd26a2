// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * resolve.c - asks the system's resolver. Contract: resolve.h.
 */
#include <agent/config.h>
#include <agent/resolve.h>
#include <util/encoding.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* From what the resolver found; getnameinfo() writes it as endpoint_from_text() reads it. */
static bool endpoint_from_address(const struct addrinfo *found, struct endpoint *endpoint)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], text[NI_MAXHOST + NI_MAXSERV + 4];
	bool is_ipv6 = found->ai_family == AF_INET6;

	if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return false;
	snprintf(text, sizeof(text), is_ipv6 ? "[%s]:%s" : "%s:%s", host, port);
	return endpoint_from_text(endpoint, text);
}

bool resolve_endpoint(const char *text, struct endpoint *endpoint, const char **why)
{
	const struct addrinfo wanted = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = AI_NUMERICSERV,
	};
	const char *colon = strrchr(text, ':');
	char host[ENDPOINT_NAME_MAX + 1];
	struct addrinfo *found;
	bool good;
	int error;

	*why = "not a host's name and port";
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	error = getaddrinfo(host, colon + 1, &wanted, &found);
	if (error) {
		*why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
		return false;
	}
	good = endpoint_from_address(found, endpoint);
	freeaddrinfo(found);
	*why = "its address cannot be used";
	return good;
}
