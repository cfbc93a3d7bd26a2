/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * show.h - the two ways `wgxdp show` prints a tunnel. Neither prints a secret key.
 */
#ifndef WGXDP_CLI_SHOW_H
#define WGXDP_CLI_SHOW_H

#include <agent/config.h>
#include <stdio.h>
#include <time.h>

struct shown_tunnel {
	char name[16];
	/* 0, or why the agent did not answer (-errno); then `config` says nothing */
	int error;
	struct device_config config;
};

/* As wg(8) writes it, for people; `now` is the wall clock. */
void show_text(FILE *to, const struct shown_tunnel *tunnel, time_t now);
/* One document for all; false without memory. */
bool show_json(FILE *to, const struct shown_tunnel *tunnels, size_t count);

/* Whether packets with this verdict were lost. */
bool show_is_drop(enum verdict verdict);
const char *show_verdict_name(enum verdict verdict);

#endif
