/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * monitor.h - how `wgxdp monitor` prints what agents tell: a line for people or an object for programs, each
 * with its time in UTC.
 */
#ifndef WGXDP_CLI_MONITOR_H
#define WGXDP_CLI_MONITOR_H

#include <agent/monitor.h>
#include <stdio.h>

void monitor_print_text(FILE *to, const char *tunnel, const struct monitor_event *event);
/* False without memory. */
bool monitor_print_json(FILE *to, const char *tunnel, const struct monitor_event *event);

/* What the command itself says of a tunnel: "following", "lost" (its agent), "gone" (the tunnel). */
bool monitor_print_own(FILE *to, const char *tunnel, const char *event, bool json);

#endif
