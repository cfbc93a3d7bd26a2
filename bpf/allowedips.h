/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* allowedips.h - cryptokey routing: the peer that owns the longest prefix of an inner address. */
#ifndef WGXDP_BPF_ALLOWEDIPS_H
#define WGXDP_BPF_ALLOWEDIPS_H

#include "maps.h"
#include "parse.h"

enum which_address { INNER_SOURCE, INNER_DESTINATION };

/* The peer's id, or NULL. The header was checked by inner_length(). */
WGXDP_INLINE const uint32_t *peer_of_inner(uint32_t tunnel, const uint8_t *packet,
					   const uint8_t *end, enum which_address which)
{
	const struct ipv4_header *ipv4 = (const void *)packet;
	const struct ipv6_header *ipv6 = (const void *)packet;

	if ((const uint8_t *)(ipv4 + 1) > end)
		return NULL;
	if (packet[0] >> 4 == 4) {
		struct allowed_ipv4_key key = {
			.prefix_length = ALLOWED_TUNNEL_BITS + 32,
			.tunnel = tunnel,
		};

		copy_words(key.address, which == INNER_SOURCE ? ipv4->source : ipv4->destination,
			   1);
		return bpf_map_lookup_elem(&allowed_ipv4, &key);
	} else {
		struct allowed_ipv6_key key = {
			.prefix_length = ALLOWED_TUNNEL_BITS + 128,
			.tunnel = tunnel,
		};

		if ((const uint8_t *)(ipv6 + 1) > end)
			return NULL;
		copy_words(key.address, which == INNER_SOURCE ? ipv6->source : ipv6->destination,
			   4);
		return bpf_map_lookup_elem(&allowed_ipv6, &key);
	}
}

#endif
