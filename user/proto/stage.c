// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * stage.c - the ring of packets that wait for a session (WireGuard paper 6.4: queued while a
 * handshake is under way). It neither frees nor looks at a packet. Contract: stage.h.
 */
#include <proto/stage.h>

void *stage_push(struct stage *stage, void *packet)
{
	void *oldest = NULL;

	if (stage->count == STAGED_PACKETS_MAX)
		oldest = stage_pop(stage);
	stage->packets[(stage->first + stage->count) % STAGED_PACKETS_MAX] = packet;
	stage->count++;
	return oldest;
}

void *stage_pop(struct stage *stage)
{
	void *packet;

	if (!stage->count)
		return NULL;
	packet = stage->packets[stage->first];
	stage->first = (stage->first + 1) % STAGED_PACKETS_MAX;
	stage->count--;
	return packet;
}
