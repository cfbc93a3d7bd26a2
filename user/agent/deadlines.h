/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * deadlines.h - a binary heap of deadlines that live in the caller's structs: the earliest is at hand, any can
 * be moved, and one that waits costs nothing. Boot time, nanoseconds.
 */
#ifndef WGXDP_AGENT_DEADLINES_H
#define WGXDP_AGENT_DEADLINES_H

#include <wgxdp/types.h>

#define DEADLINE_NEVER UINT64_MAX

struct deadline {
	uint64_t when;
	/* in the heap, from 1 on; 0: not in it */
	size_t position;
};

/* All zero is an empty heap. */
struct deadlines {
	struct deadline **heap;
	size_t count;
	size_t room;
};

/* Room for one more deadline, so that moving it never fails: called when its owner is made. 0 or -ENOMEM. */
int deadlines_reserve(struct deadlines *deadlines, size_t owners);
/* Sets or moves; DEADLINE_NEVER takes it out. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t when);
/* The earliest, or NULL. */
struct deadline *deadlines_first(const struct deadlines *deadlines);
void deadlines_free(struct deadlines *deadlines);

#endif
