/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_ratelimit.c - five handshakes at once and twenty a second, for each IPv4 address and each IPv6 /64
 * (kernel: ratelimiter.c); and what a flood of sources cannot do to one of them.
 */
#include <criterion/criterion.h>
#include <proto/ratelimit.h>

#define NOW SECONDS(1000)
#define BUCKETS 256

static const uint64_t hash_key[2] = {0x0123456789abcdef, 0xfedcba9876543210};
static struct ratelimit_bucket buckets[BUCKETS];
static struct ratelimit limit;

static void start(void)
{
	/* the memory is the caller's and may be anything */
	memset(buckets, 0xa5, sizeof(buckets));
	ratelimit_init(&limit, buckets, BUCKETS, hash_key);
}

TestSuite(ratelimit, .init = start);

static struct cookie_source ipv4(uint32_t address)
{
	struct cookie_source source = {.address_length = 4, .port = {0x12, 0x34}};

	store_be32(source.address, address);
	return source;
}

/* `prefix` is the first half of the address, `host` the second. */
static struct cookie_source ipv6(uint64_t prefix, uint64_t host)
{
	struct cookie_source source = {.address_length = 16, .port = {0x12, 0x34}};

	store_be64(source.address, prefix);
	store_be64(source.address + 8, host);
	return source;
}

static unsigned int allowed_of(unsigned int tries, struct cookie_source source, uint64_t now)
{
	unsigned int allowed = 0;

	while (tries--)
		allowed += ratelimit_allow(&limit, &source, now);
	return allowed;
}

/* Milliseconds from the first packet, and what becomes of one sent then. */
/* clang-format off */
static const struct {
	unsigned int milliseconds;
	bool allowed;
} timeline[] = {
	/* a burst of five */
	{0, true}, {0, true}, {0, true}, {0, true}, {0, true}, {0, false},
	/* a token is there after 50 ms and not before; asking too early costs nothing */
	{49, false}, {50, true}, {50, false}, {75, false}, {99, false}, {100, true}, {149, false},
	/* 125 ms are two tokens, and what is left over is kept */
	{225, true}, {225, true}, {225, false}, {249, false}, {250, true}, {250, false},
	/* never more than five */
	{10000, true}, {10000, true}, {10000, true}, {10000, true}, {10000, true}, {10000, false},
	{10050, true}, {10050, false},
};
/* clang-format on */

Test(ratelimit, five_at_once_then_twenty_a_second)
{
	struct cookie_source source = ipv4(0xc0000207);

	for (size_t i = 0; i < sizeof(timeline) / sizeof(*timeline); i++)
		cr_assert_eq(ratelimit_allow(&limit, &source,
					     NOW + MILLISECONDS(timeline[i].milliseconds)),
			     timeline[i].allowed, "line %zu, at %u ms", i,
			     timeline[i].milliseconds);
}

Test(ratelimit, a_token_takes_50_ms_to_the_nanosecond)
{
	struct cookie_source source = ipv4(0xc0000207);

	cr_assert_eq(allowed_of(6, source, NOW), 5);
	cr_assert_eq(allowed_of(1, source, NOW + MILLISECONDS(50) - 1), 0);
	cr_assert_eq(allowed_of(2, source, NOW + MILLISECONDS(50)), 1);
}

Test(ratelimit, twenty_a_second_over_a_minute)
{
	struct cookie_source source = ipv4(0xc0000207);
	unsigned int allowed = 0;

	for (unsigned int milliseconds = 0; milliseconds < 60000; milliseconds += 3)
		allowed += ratelimit_allow(&limit, &source, NOW + MILLISECONDS(milliseconds));
	cr_assert_eq(allowed, 5 + 60 * 20 - 1);
}

/* The clock of a machine that was just started. */
Test(ratelimit, works_at_time_zero)
{
	cr_assert_eq(allowed_of(6, ipv4(0xc0000207), 0), 5);
	cr_assert_eq(allowed_of(2, ipv4(0xc0000207), MILLISECONDS(50)), 1);
}

Test(ratelimit, each_ipv4_address_is_a_source)
{
	for (int bit = 0; bit < 32; bit++)
		cr_assert_eq(allowed_of(6, ipv4(0xc0000207 ^ UINT32_C(1) << bit), NOW), 5, "%d",
			     bit);
	cr_assert_eq(allowed_of(6, ipv4(0xc0000207), NOW), 5);
}

Test(ratelimit, each_ipv6_64_is_a_source)
{
	const uint64_t prefix = 0x20010db800000001;

	cr_assert_eq(allowed_of(5, ipv6(prefix, 1), NOW), 5);
	for (int bit = 0; bit < 64; bit++) {
		cr_assert_eq(allowed_of(1, ipv6(prefix, UINT64_C(1) << bit), NOW), 0, "%d", bit);
		cr_assert_eq(allowed_of(6, ipv6(prefix ^ UINT64_C(1) << bit, 1), NOW), 5, "%d",
			     bit);
	}
}

Test(ratelimit, ports_do_not_make_a_source)
{
	struct cookie_source source = ipv4(0xc0000207);

	cr_assert_eq(allowed_of(5, source, NOW), 5);
	source.port[0] ^= 0xff;
	source.port[1] ^= 0xff;
	cr_assert_eq(allowed_of(1, source, NOW), 0);
}

Test(ratelimit, bytes_behind_an_ipv4_address_do_not_matter)
{
	struct cookie_source source = ipv4(0xc0000207);

	cr_assert_eq(allowed_of(5, source, NOW), 5);
	memset(source.address + 4, 0xa5, 12);
	cr_assert_eq(allowed_of(1, source, NOW), 0);
}

/* However 32 bits are laid into the 64 of a prefix, an IPv6 network may look the same. */
Test(ratelimit, families_are_kept_apart)
{
	const uint32_t address = 0x01020304;
	const uint64_t twins[] = {
		address,
		(uint64_t)address << 32,
		__builtin_bswap64(address),
		(uint64_t)__builtin_bswap32(address) << 32,
		__builtin_bswap32(address),
	};

	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
		/* so small a table that both are looked for in the same places */
		ratelimit_init(&limit, buckets, 2, hash_key);
		cr_assert_eq(allowed_of(6, ipv4(address), NOW), 5);
		cr_assert_eq(allowed_of(6, ipv6(twins[i], 0), NOW), 5, "twin %zu", i);
	}
}

/* ---- A full table ---- */

Test(ratelimit, flood_of_sources_does_not_touch_one_that_is_known)
{
	struct cookie_source known = ipv4(0xc0000207);
	unsigned int newcomers = 0;

	cr_assert_eq(allowed_of(3, known, NOW), 3);
	for (uint32_t i = 0; i < 100 * BUCKETS; i++)
		newcomers += allowed_of(1, ipv4(0x0a000000 + i), NOW);
	/* no more than there are places, yet most of these are used */
	cr_assert_leq(newcomers, BUCKETS - 1);
	cr_assert_geq(newcomers, BUCKETS / 2);

	/* three tokens of five are gone, as before the flood */
	cr_assert_eq(allowed_of(6, known, NOW), 2);
	cr_assert_eq(allowed_of(2, known, NOW + MILLISECONDS(50)), 1);
}

Test(ratelimit, places_of_a_flood_are_free_when_its_buckets_are_full_again)
{
	for (uint32_t i = 0; i < 100 * BUCKETS; i++)
		allowed_of(1, ipv4(0x0a000000 + i), NOW);
	/* one token of each was taken: 50 ms later nothing is known of any of them */
	for (uint32_t i = 0; i < BUCKETS / 8; i++)
		cr_assert_eq(allowed_of(6, ipv6(i, 0), NOW + MILLISECONDS(50)), 5, "%u", i);
}

Test(ratelimit, flood_empties_nobodys_bucket_by_being_refused)
{
	unsigned int allowed[2] = {0};

	/* the same sources once more: those that have a place have four tokens left */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 100 * BUCKETS; i++)
			allowed[round] += allowed_of(1 + 4 * round, ipv4(0x0a000000 + i), NOW);
	cr_assert_eq(allowed[1], 4 * allowed[0]);
}

/* ---- Against a naive model ---- */

#define SOURCES 64

/* What the limiter is to be, with a bucket for everybody. */
struct naive_bucket {
	uint64_t tokens;
	uint64_t last_time;
	bool is_known;
};

#define TOKEN MILLISECONDS(50)

static void refill(struct naive_bucket *bucket, uint64_t now)
{
	uint64_t gained = now - bucket->last_time;

	if (!bucket->is_known || gained >= 5 * TOKEN - bucket->tokens)
		bucket->tokens = 5 * TOKEN;
	else
		bucket->tokens += gained;
	bucket->last_time = now;
	/* a full bucket says no more than none */
	bucket->is_known = bucket->tokens < 5 * TOKEN;
}

static struct cookie_source random_source(uint32_t number)
{
	return number % 2 ? ipv4(0x0a000000 + number) : ipv6(number, number * 77);
}

/* Returns how many newcomers were refused, which only a full table may do. */
static unsigned int compare_with_naive(unsigned int bucket_count, unsigned int longest_pause_ms)
{
	struct naive_bucket model[SOURCES] = {0};
	uint64_t now = NOW, seed = 1;
	unsigned int refused_newcomers = 0;

	ratelimit_init(&limit, buckets, bucket_count, hash_key);
	for (int i = 0; i < 200000; i++) {
		struct naive_bucket *bucket;
		struct cookie_source source;
		uint32_t number;
		bool allowed;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		number = (seed >> 33) % SOURCES;
		now += (seed >> 40) % MILLISECONDS(longest_pause_ms);
		bucket = &model[number];
		source = random_source(number);
		refill(bucket, now);

		allowed = ratelimit_allow(&limit, &source, now);
		if (bucket->is_known || allowed) {
			cr_assert_eq(allowed, bucket->tokens >= TOKEN, "packet %d", i);
		} else {
			refused_newcomers++;
		}
		if (allowed) {
			bucket->tokens -= TOKEN;
			bucket->is_known = true;
		}
	}
	return refused_newcomers;
}

Test(ratelimit, equals_the_naive_model_when_there_is_room)
{
	cr_assert_eq(compare_with_naive(BUCKETS, 1), 0);
	cr_assert_eq(compare_with_naive(BUCKETS, 20), 0);
}

Test(ratelimit, a_full_table_refuses_only_newcomers)
{
	cr_assert_gt(compare_with_naive(8, 1), 0);
	cr_assert_gt(compare_with_naive(1, 1), 0);
}
