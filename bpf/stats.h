/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* stats.h - counting: one verdict a packet, for its tunnel, and for its peer when that is known. */
#ifndef WGXDP_BPF_STATS_H
#define WGXDP_BPF_STATS_H

#include "maps.h"

WGXDP_INLINE uint64_t *verdict_counter(uint32_t counters, uint32_t verdict)
{
	struct verdict_counts *counts = bpf_map_lookup_elem(&verdict_counters, &counters);

	/* the verifier of 6.1 forgets a number that is on the stack during the call: let it see the bound anew */
	WGXDP_FORGET(verdict);
	return counts && verdict < VERDICT_COUNT ? &counts->of[verdict] : NULL;
}

/* `tunnel` and `peer` may be NULL. */
WGXDP_INLINE void count_verdict(enum verdict verdict, const struct tunnel_value *tunnel,
				struct peer_value *peer)
{
	uint32_t counters = tunnel ? tunnel->counters : COUNTERS_OF_NO_TUNNEL, index = verdict;
	uint64_t *count = verdict_counter(counters, index);

	if (!count)
		return;
	(*count)++;
	WGXDP_FORGET(index);
	if (peer && index < VERDICT_COUNT)
		__sync_fetch_and_add(&peer->verdicts[index], 1);
}

#endif
