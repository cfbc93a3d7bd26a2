/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* stats.h - counting: one verdict a packet, for all and for the peer when it is known. */
#ifndef WGXDP_BPF_STATS_H
#define WGXDP_BPF_STATS_H

#include "maps.h"

WGXDP_INLINE void count_verdict(enum verdict verdict, struct peer_value *peer)
{
	uint32_t index = verdict;
	uint64_t *count;

	if (index >= VERDICT_COUNT)
		return;
	count = bpf_map_lookup_elem(&verdict_counters, &index);
	if (count)
		(*count)++;
	if (peer)
		__sync_fetch_and_add(&peer->verdicts[index], 1);
}

#endif
