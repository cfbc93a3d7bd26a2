// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * deadlines.c - the heap: children of position n are 2n and 2n + 1, none before its parent. Contract:
 * deadlines.h.
 */
#include <agent/deadlines.h>

#include <errno.h>
#include <stdlib.h>

int deadlines_reserve(struct deadlines *deadlines, size_t owners)
{
	size_t room = deadlines->room ? deadlines->room : 16;
	struct deadline **heap;

	/* position 0 is not used */
	while (room < owners + 1)
		room *= 2;
	if (room == deadlines->room)
		return 0;
	heap = realloc(deadlines->heap, room * sizeof(heap[0]));
	if (!heap)
		return -ENOMEM;
	deadlines->heap = heap;
	deadlines->room = room;
	return 0;
}

static void place(struct deadlines *deadlines, struct deadline *deadline, size_t position)
{
	deadlines->heap[position] = deadline;
	deadline->position = position;
}

static void move_up(struct deadlines *deadlines, struct deadline *deadline)
{
	size_t at = deadline->position;

	for (; at > 1 && deadlines->heap[at / 2]->when > deadline->when; at /= 2)
		place(deadlines, deadlines->heap[at / 2], at);
	place(deadlines, deadline, at);
}

static void move_down(struct deadlines *deadlines, struct deadline *deadline)
{
	size_t at = deadline->position, child;

	while ((child = 2 * at) <= deadlines->count) {
		if (child < deadlines->count &&
		    deadlines->heap[child + 1]->when < deadlines->heap[child]->when)
			child++;
		if (deadlines->heap[child]->when >= deadline->when)
			break;
		place(deadlines, deadlines->heap[child], at);
		at = child;
	}
	place(deadlines, deadline, at);
}

static void take_out(struct deadlines *deadlines, struct deadline *deadline)
{
	struct deadline *last = deadlines->heap[deadlines->count--];

	if (last != deadline) {
		place(deadlines, last, deadline->position);
		move_up(deadlines, last);
		move_down(deadlines, last);
	}
	deadline->position = 0;
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t when)
{
	deadline->when = when;
	if (when == DEADLINE_NEVER) {
		if (deadline->position)
			take_out(deadlines, deadline);
		return;
	}
	if (!deadline->position)
		place(deadlines, deadline, ++deadlines->count);
	move_up(deadlines, deadline);
	move_down(deadlines, deadline);
}

struct deadline *deadlines_first(const struct deadlines *deadlines)
{
	return deadlines->count ? deadlines->heap[1] : NULL;
}

void deadlines_free(struct deadlines *deadlines)
{
	free(deadlines->heap);
	*deadlines = (struct deadlines){0};
}
