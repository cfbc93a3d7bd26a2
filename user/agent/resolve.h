/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * resolve.h - host names of endpoints. resolve_endpoint() waits for the resolver, which may take as long as that likes
 * to; a resolver asks in a thread of its own, for an agent that never waits.
 */
#ifndef WGXDP_AGENT_RESOLVE_H
#define WGXDP_AGENT_RESOLVE_H

#include <wgxdp/abi.h>

/* "name:51820". False: `*why` says why in words, a static text. */
bool resolve_endpoint(const char *text, struct endpoint *endpoint, const char **why);

#endif
