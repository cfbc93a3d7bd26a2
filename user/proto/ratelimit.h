/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ratelimit.h - at most RATELIMIT_PACKETS_PER_SECOND handshakes of one source under load, with a
 * burst of RATELIMIT_PACKETS_BURST. A source is an IPv4 address or an IPv6 /64.
 *
 * The table is memory of the caller's and of fixed size; nothing is allocated by a packet. When every
 * slot a source may take holds a bucket that is not yet full again, the source is refused: a flood
 * of sources cannot wash out the bucket of one. Asked only after a valid mac2, so the sources are real.
 */
#ifndef WGXDP_PROTO_RATELIMIT_H
#define WGXDP_PROTO_RATELIMIT_H

#include <proto/cookie.h>
#include <wgxdp/limits.h>

struct ratelimit_bucket {
	/* 32 or 64 bits of address; the family keeps 1.2.3.4 and its IPv6 twin apart */
	uint64_t prefix;
	uint64_t last_time;
	/* nanoseconds of credit, at most burst / rate */
	uint64_t tokens;
	/* 0 is a free slot, else 4 or 16 */
	uint8_t address_length;
};

struct ratelimit {
	struct ratelimit_bucket *buckets;
	/* a power of two */
	size_t bucket_count;
	/* places of the table cannot be foreseen from outside */
	uint64_t hash_key[2];
};

void ratelimit_init(struct ratelimit *limit, struct ratelimit_bucket *buckets, size_t bucket_count,
		    const uint64_t hash_key[static 2]);

/* Takes one token of the source at boot time `now`; false when it has none. */
bool ratelimit_allow(struct ratelimit *limit, const struct cookie_source *source, uint64_t now);

#endif
