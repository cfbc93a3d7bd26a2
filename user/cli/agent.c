// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * agent.c - `wgxdp agent`, the command around user/agent, and `wgxdp-agent`, the same as those start it who know
 * wireguard-go: by its words, its variables and its file descriptor.
 */
#include <agent/agent.h>
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/input.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <util/encoding.h>

/* As an option, or as wireguard-go is told by those who start it. */
static bool stays_in_foreground(const struct arguments *arguments)
{
	const char *variable = getenv("WG_PROCESS_FOREGROUND");

	return option_value(arguments, "foreground", 0) || (variable && strcmp(variable, "1") == 0);
}

int cli_agent(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];
	struct device_config rules = {0};
	struct datapath_limits limits;
	struct agent_options options = {
		.foreground = stays_in_foreground(arguments),
		.follows_routes = option_value(arguments, "follow-routes", 0),
		.rules = &rules,
		.limits = &limits,
	};

	if (!tunnel_name_is_good(arguments, name) || !input_rules(arguments, &rules) ||
	    !input_limits(arguments, &limits) || !tunnel_can_be_bound(arguments, &rules) ||
	    !environment_can_load(arguments))
		return EXIT_FAILURE;
	return agent_run(name, &options) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool is_listening_socket(int fd)
{
	int family = 0, listens = 0;
	socklen_t size = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size))
		return false;
	size = sizeof(listens);
	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) && family == AF_UNIX &&
	       listens;
}

/* WG_UAPI_FD: whoever starts us has bound wg(8)'s socket already. */
static bool read_socket(const struct arguments *arguments, struct agent_options *options)
{
	const char *text = getenv("WG_UAPI_FD");
	uint64_t fd = 0;

	if (!text)
		return true;
	if (!number_from_text(&fd, text, INT32_MAX) || !is_listening_socket((int)fd)) {
		complain(arguments,
			 "WG_UAPI_FD '%s': expected the number of a listening UNIX socket", text);
		return false;
	}
	options->has_socket = true;
	options->socket = (int)fd;
	return true;
}

/* Whoever waits for the end of a pipe shall not wait for us. */
static void close_what_was_inherited(const struct agent_options *options)
{
	unsigned int next = STDERR_FILENO + 1;

	if (options->has_socket && options->socket > STDERR_FILENO) {
		if ((unsigned int)options->socket > next)
			close_range(next, (unsigned int)options->socket - 1, 0);
		next = (unsigned int)options->socket + 1;
	}
	close_range(next, ~0U, 0);
}

/* -EEXIST with words: wg-quick says which interface it wanted, but not what is wrong with it. */
static bool name_is_free(const struct arguments *arguments, const char *name)
{
	if (!if_nametoindex(name) || tunnel_exists(name))
		return true;
	complain(arguments, "there is an interface %s that is not ours: expected another name",
		 name);
	return false;
}

int cli_drop_in(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];
	struct agent_options options = {
		.foreground = stays_in_foreground(arguments),
		.follows_routes = true,
		.is_drop_in = true,
	};

	if (!tunnel_name_is_good(arguments, name) || !environment_can_load(arguments) ||
	    !name_is_free(arguments, name) || !read_socket(arguments, &options))
		return EXIT_FAILURE;
	close_what_was_inherited(&options);
	return agent_run(name, &options) ? EXIT_FAILURE : EXIT_SUCCESS;
}
