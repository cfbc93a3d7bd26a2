/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * conf_sync.h - what has to change for a tunnel to be what its file says, and nothing more. Pure.
 */
#ifndef WGXDP_CLI_CONF_SYNC_H
#define WGXDP_CLI_CONF_SYNC_H

#include <agent/config.h>

/*
 * The set request that makes `wanted` of `present`. No peer with a session that stays loses it, and no prefix that
 * stays is without its peer for a moment. `kept_mark`: the mark of a tunnel whose file has none, chosen for its default
 * route. 0 or -ENOMEM; the caller frees `change`.
 */
int conf_difference(const struct device_config *present, const struct device_config *wanted,
		    uint32_t kept_mark, struct device_config *change);

#endif
