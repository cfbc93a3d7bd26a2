/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * resolve.h - host names of endpoints. resolve_endpoint() waits for the resolver, which may take as long as that likes
 * to; a resolver asks in threads of their own, for an agent that never waits.
 */
#ifndef WGXDP_AGENT_RESOLVE_H
#define WGXDP_AGENT_RESOLVE_H

#include <agent/loop.h>
#include <wgxdp/abi.h>

/* "name:51820". False: `*why` says why in words, a static text. */
bool resolve_endpoint(const char *text, struct endpoint *endpoint, const char **why);

/* ---- without waiting ---- */

struct resolver;

/* Called from the loop. `endpoint` is NULL when there is no answer, and `why` says why. */
typedef void resolver_answer(void *context, uint32_t id, const char *text,
			     const struct endpoint *endpoint, const char *why);

/* 0 or -errno. */
int resolver_open(struct resolver **resolver, struct loop *loop, resolver_answer *answer,
		  void *context);
/* False when there are so many questions already that this one must be asked later. */
bool resolver_ask(struct resolver *resolver, uint32_t id, const char *text);
/* Its threads may still wait for an answer, and end when they have it. */
void resolver_close(struct resolver *resolver);

#endif
