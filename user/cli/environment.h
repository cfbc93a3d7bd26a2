/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * environment.h - whether this kernel and this user can run a tunnel at all, asked before anything is
 * touched.
 */
#ifndef WGXDP_CLI_ENVIRONMENT_H
#define WGXDP_CLI_ENVIRONMENT_H

#include <cli/options.h>

/* Capabilities: what may be removed without a kernel that could load anything. */
bool environment_has_rights(const struct arguments *arguments);
/* These, the kernel's version and its BTF. */
bool environment_can_load(const struct arguments *arguments);

/* "6.1.0-18-amd64" is new enough. */
bool environment_kernel_suffices(const char *release);

#endif
