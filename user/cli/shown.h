/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * shown.h - tunnels as the commands show them: found by their hidden ends in this network namespace, each
 * asked of its agent. Nothing here prints; secret keys are in the answers and stay there.
 */
#ifndef WGXDP_CLI_SHOWN_H
#define WGXDP_CLI_SHOWN_H

#include <agent/config.h>
#include <cli/options.h>

struct shown_tunnel {
	char name[16];
	/* 0, or why the agent did not answer (-errno); then `config` says nothing */
	int error;
	struct device_config config;
};

struct shown_list {
	struct shown_tunnel *tunnels;
	size_t count;
};

/* The tunnel of that name or, when it is NULL, all there are. 0 or -errno. */
int shown_ask(struct shown_list *list, const char *name);
void shown_free(struct shown_list *list);

/* As above, for the tunnel that the command's operand names, if it has one; says what is wrong with that. */
bool shown_ask_operand(const struct arguments *arguments, struct shown_list *list);
/* False when an agent did not answer, after saying so for each. */
bool shown_complain(const struct arguments *arguments, const struct shown_list *list);

#endif
