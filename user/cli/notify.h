/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * notify.h - tells systemd, when it started us, how far we are (sd_notify(3)).
 */
#ifndef WGXDP_CLI_NOTIFY_H
#define WGXDP_CLI_NOTIFY_H

#include <sys/types.h>

/* The service is ready, and `process` is what to watch from now on. Does nothing without $NOTIFY_SOCKET. */
void notify_ready(pid_t process);

#endif
