/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stage.h - packets of one peer that wait for a session: first in first out, at most
 * STAGED_PACKETS_MAX, the oldest makes room. It keeps pointers; the packets are the caller's. Pure.
 */
#ifndef WGXDP_PROTO_STAGE_H
#define WGXDP_PROTO_STAGE_H

#include <wgxdp/limits.h>
#include <wgxdp/types.h>

struct stage {
	void *packets[STAGED_PACKETS_MAX];
	unsigned int first;
	unsigned int count;
};

/* Appends; returns the oldest packet when it had to go, else NULL. */
void *stage_push(struct stage *stage, void *packet);
/* Takes the oldest, or NULL when there is none. */
void *stage_pop(struct stage *stage);

#endif
