// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ratelimit.c - a token bucket for each source of handshakes (WireGuard paper 5.3; kernel:
 * ratelimiter.c, from which rate and burst are). It does not know whether there is load and does not
 * look at messages.
 *
 * A bucket that is full again says nothing that a new one would not say, so its slot is free for
 * another source. No sweep is needed.
 */
#include <proto/ratelimit.h>

#include <wgxdp/blake2s.h>

/* What one packet takes of a bucket's nanoseconds, and how much a bucket holds. */
#define PACKET_COST (NANOSECONDS_PER_SECOND / RATELIMIT_PACKETS_PER_SECOND)
#define TOKENS_MAX (PACKET_COST * RATELIMIT_PACKETS_BURST)

/* Slots side by side in which a source may be. */
#define WAYS 8

static uint64_t source_prefix(const struct cookie_source *source)
{
	return source->address_length == 4 ? load_le32(source->address)
					   : load_le64(source->address);
}

static size_t first_slot(const struct ratelimit *limit, uint64_t prefix, uint8_t address_length)
{
	uint8_t input[sizeof(prefix) + sizeof(address_length)];
	uint8_t hash[sizeof(uint64_t)];

	store_le64(input, prefix);
	input[sizeof(prefix)] = address_length;
	blake2s(hash, sizeof(hash), limit->hash_key, sizeof(limit->hash_key), input, sizeof(input));
	return load_le64(hash) & (limit->bucket_count - 1);
}

/* What the bucket holds at `now`; a clock that went back adds nothing. */
static uint64_t tokens_at(const struct ratelimit_bucket *bucket, uint64_t now)
{
	uint64_t elapsed = now > bucket->last_time ? now - bucket->last_time : 0;

	return elapsed < TOKENS_MAX - bucket->tokens ? bucket->tokens + elapsed : TOKENS_MAX;
}

/* The bucket of a source, if need be a new and full one, or NULL when there is no room for it. */
static struct ratelimit_bucket *find_bucket(struct ratelimit *limit, uint64_t prefix,
					    uint8_t address_length, uint64_t now)
{
	size_t first = first_slot(limit, prefix, address_length);
	struct ratelimit_bucket *room = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct ratelimit_bucket *bucket =
			&limit->buckets[(first + i) & (limit->bucket_count - 1)];

		if (bucket->address_length == address_length && bucket->prefix == prefix)
			return bucket;
		if (!room && (!bucket->address_length || tokens_at(bucket, now) == TOKENS_MAX))
			room = bucket;
	}
	if (room)
		*room = (struct ratelimit_bucket){
			.prefix = prefix,
			.last_time = now,
			.tokens = TOKENS_MAX,
			.address_length = address_length,
		};
	return room;
}

void ratelimit_init(struct ratelimit *limit, struct ratelimit_bucket *buckets, size_t bucket_count,
		    const uint64_t hash_key[static 2])
{
	limit->buckets = buckets;
	limit->bucket_count = bucket_count;
	memcpy(limit->hash_key, hash_key, sizeof(limit->hash_key));
	memset(buckets, 0, bucket_count * sizeof(*buckets));
}

bool ratelimit_allow(struct ratelimit *limit, const struct cookie_source *source, uint64_t now)
{
	struct ratelimit_bucket *bucket =
		find_bucket(limit, source_prefix(source), source->address_length, now);

	if (!bucket)
		return false;
	bucket->tokens = tokens_at(bucket, now);
	if (now > bucket->last_time)
		bucket->last_time = now;
	if (bucket->tokens < PACKET_COST)
		return false;
	bucket->tokens -= PACKET_COST;
	return true;
}
