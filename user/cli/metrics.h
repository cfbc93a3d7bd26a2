/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* metrics.h - tunnels in Prometheus' text format, version 0.0.4, and serving them by HTTP. */
#ifndef WGXDP_CLI_METRICS_H
#define WGXDP_CLI_METRICS_H

#include <cli/shown.h>
#include <stdio.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A peer is called by its name where it has one of its own, else by its public key; what else it was called is
 * gone from the list then. */
void metrics_print(FILE *to, struct shown_list *list);

/* Serves /metrics on a listening socket until SIGINT or SIGTERM; `tunnel` NULL: of all. 0 or -errno. The socket
 * is closed. */
int metrics_serve(int fd, const char *tunnel);

#endif
