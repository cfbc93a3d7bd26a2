// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * agent.c - `wgxdp agent`: the command around user/agent.
 */
#include <agent/agent.h>
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/tunnel.h>

#include <stdlib.h>

int cli_agent(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];

	if (!tunnel_name_is_good(arguments, name) || !environment_can_load(arguments))
		return EXIT_FAILURE;
	return agent_run(name, option_value(arguments, "foreground", 0)) ? EXIT_FAILURE
									 : EXIT_SUCCESS;
}
