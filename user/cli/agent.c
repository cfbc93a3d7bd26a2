// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * agent.c - `wgxdp agent`: the command around user/agent.
 */
#include <agent/agent.h>
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/tunnel.h>

#include <stdlib.h>
#include <string.h>

/* As an option, or as wireguard-go is told by those who start it. */
static bool stays_in_foreground(const struct arguments *arguments)
{
	const char *variable = getenv("WG_PROCESS_FOREGROUND");

	return option_value(arguments, "foreground", 0) || (variable && strcmp(variable, "1") == 0);
}

int cli_agent(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];

	if (!tunnel_name_is_good(arguments, name) || !environment_can_load(arguments))
		return EXIT_FAILURE;
	return agent_run(name, stays_in_foreground(arguments)) ? EXIT_FAILURE : EXIT_SUCCESS;
}
