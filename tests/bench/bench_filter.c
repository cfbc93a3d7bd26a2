/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench_filter.c - what one message of a flood costs the receive program, by BPF_PROG_TEST_RUN: nanoseconds and
 * verdict for each kind of junk, and beside them what is not ours at all. Medians of many short runs. What the
 * kernel spends on the frame before and after is not in it.
 */
#include <bpf/bpf.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <harness/packet_builder.h>
#include <proto/cookie.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wgxdp.skel.h>

enum { ROUNDS = 31, REPEAT = 20000, TUNNEL = 1, COUNTERS = 3, PORT = 51820, INDEX = 0x11223344 };

static const struct address ours = {FAMILY_IPV4, {192, 0, 2, 1}};
static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};

struct bench {
	struct wgxdp_bpf *skeleton;
	struct cookie_checker checker;
	struct cookie_maker maker;
	struct cookie_source source;
};

#define MAP(bench, name) bpf_map__fd((bench)->skeleton->maps.name)

static void put(int map, const void *key, const void *value)
{
	if (bpf_map_update_elem(map, key, value, BPF_ANY)) {
		fprintf(stderr, "bench-filter: %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec;
}

/* `load_until`: 0 is no load. */
static void fill_maps(struct bench *bench, uint64_t load_until)
{
	struct tunnel_value tunnel = {.mtu = 1420,
				      .is_up = 1,
				      .has_identity = 1,
				      .counters = COUNTERS,
				      .cookie_birth = bench->checker.secret_birth};
	struct interface_value interface = {0};
	struct local_address_key local = {.family = FAMILY_IPV4};
	struct load_value load = {.until = load_until};
	struct transport_session session = {.state = SESSION_LIVE, .tunnel = TUNNEL};
	uint32_t one = 1, id = TUNNEL, place = COUNTERS, index = INDEX;
	uint16_t port = WGXDP_BE16(PORT);

	cookie_prepare_mac1_key(&tunnel.mac1_key, &bench->checker);
	cookie_prepare_cookie_key(&tunnel.cookie_key, &bench->checker);
	memcpy(interface.mac, our_mac, sizeof(our_mac));
	memcpy(local.address, ours.bytes, sizeof(local.address));
	put(MAP(bench, interfaces), &one, &interface);
	put(MAP(bench, tunnels), &id, &tunnel);
	put(MAP(bench, local_addresses), &local, &one);
	put(MAP(bench, listening_ports), &port, &id);
	put(MAP(bench, loads), &place, &load);
	put(MAP(bench, sessions), &index, &session);
}

/* A cookie that is good for whom the frames come from. */
static void shake_hands_with_cookies(struct bench *bench)
{
	static const uint8_t public_key[32] = {9}, random[32] = {1, 2, 3}, sender_index[4];
	struct message_handshake_initiation message = {.type = {MESSAGE_HANDSHAKE_INITIATION}};
	struct message_handshake_cookie reply;

	cookie_checker_init(&bench->checker, public_key);
	cookie_maker_init(&bench->maker, public_key);
	bench->source = (struct cookie_source){.address = {198, 51, 100, 7},
					       .address_length = 4,
					       .port = {PORT >> 8, PORT & 0xff}};
	cookie_add_macs(&bench->maker, &message, sizeof(message), boot_time());
	cookie_create_reply(&reply, &bench->checker, message.macs.mac1, sender_index,
			    &bench->source, random, random, boot_time());
	if (!cookie_consume_reply(&bench->maker, &reply, boot_time()))
		exit(EXIT_FAILURE);
}

enum kind {
	NOT_OURS,
	NO_TYPE,
	LONG,
	DATA,
	RESPONSE,
	COOKIE,
	INITIATION,
	GOOD_MAC1,
	NO_COOKIE,
	FORGED_COOKIE,
	GOOD_COOKIE,
	KINDS
};

static const char *const names[KINDS] = {
	"another port: to the stack",
	"no such type",
	"initiation, a byte too long",
	"data, unknown index",
	"response, unknown index",
	"cookie reply, unknown index",
	"initiation, mac1 wrong",
	"initiation, mac1 good: to the agent",
	"under load, no cookie",
	"under load, forged cookie",
	"under load, good cookie, above its rate",
};

static uint32_t make_frame(struct bench *bench, enum kind kind, uint8_t *frame)
{
	static const uint8_t lengths[KINDS] = {148, 148, 149, 128, 92, 64, 148, 148, 148, 148, 148};
	static const uint8_t types[KINDS] = {1, 9, 1, 4, 2, 3, 1, 1, 1, 1, 1};
	struct datagram outer = {.source = {FAMILY_IPV4, {198, 51, 100, 7}},
				 .destination = ours,
				 .source_port = PORT,
				 .destination_port = kind == NOT_OURS ? PORT + 1 : PORT};
	struct cookie_maker without = bench->maker;
	uint8_t message[256];

	memcpy(outer.destination_mac, our_mac, sizeof(our_mac));
	memset(message, 0x5a, sizeof(message));
	store_le32(message, types[kind]);
	without.has_cookie = false;
	if (kind >= GOOD_MAC1)
		cookie_add_macs(kind == GOOD_COOKIE ? &bench->maker : &without, message, 148,
				boot_time());
	if (kind == FORGED_COOKIE)
		message[140] = 1;
	return build_datagram(frame, &outer, message, lengths[kind]);
}

/* Every counter of this tunnel's place, to see which one moved. */
static const char *verdict_of(struct bench *bench, const struct verdict_counts *before)
{
	static const char *const verdicts[] = {
#define X(id, name, meaning) name,
		WGXDP_VERDICTS(X)
#undef X
	};
	static struct verdict_counts now[256];
	uint32_t place = COUNTERS;
	const char *found = "";

	bpf_map_lookup_elem(MAP(bench, verdict_counters), &place, now);
	for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
			if (now[cpu].of[verdict] > before[cpu].of[verdict] + ROUNDS * REPEAT / 2)
				found = verdicts[verdict];
	return found;
}

static int compare(const void *a, const void *b)
{
	return (int)*(const uint32_t *)a - (int)*(const uint32_t *)b;
}

static void measure(struct bench *bench, enum kind kind)
{
	static struct verdict_counts before[256];
	static uint8_t frame[FRAME_MAX];
	uint32_t times[ROUNDS], place = COUNTERS;

	bpf_map_lookup_elem(MAP(bench, verdict_counters), &place, before);
	fill_maps(bench, kind >= NO_COOKIE ? boot_time() + SECONDS(100) : 0);
	for (int round = 0; round < ROUNDS; round++) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = REPEAT);

		options.data_size_in = make_frame(bench, kind, frame);
		if (bpf_prog_test_run_opts(bpf_program__fd(bench->skeleton->progs.rx), &options))
			exit(EXIT_FAILURE);
		times[round] = options.duration;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("%-42s %6u  %s\n", names[kind], times[ROUNDS / 2], verdict_of(bench, before));
}

int main(void)
{
	struct bench bench = {0};

	if (crypto_start() || unshare(CLONE_NEWNET))
		return EXIT_FAILURE;
	bench.skeleton = wgxdp_bpf__open_and_load();
	if (!bench.skeleton) {
		fprintf(stderr, "bench-filter: cannot load: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	shake_hands_with_cookies(&bench);
	printf("%-42s %6s  %s\n", "message", "ns", "verdict");
	for (enum kind kind = 0; kind < KINDS; kind++)
		measure(&bench, kind);
	wgxdp_bpf__destroy(bench.skeleton);
	return 0;
}
