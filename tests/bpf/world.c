/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* world.c - see world.h. */
#include <bpf/bpf.h>
#include <bpf/world.h>
#include <errno.h>
#include <proto/cookie.h>
#include <proto/noise.h>
#include <sched.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define IPV4(a, b, c, d)                                                                           \
	{                                                                                          \
		FAMILY_IPV4,                                                                       \
		{                                                                                  \
			a, b, c, d                                                                 \
		}                                                                                  \
	}

const struct address our_ipv4 = IPV4(192, 0, 2, 1), peer_ipv4 = IPV4(198, 51, 100, 7);
const struct address our_ipv6 = {FAMILY_IPV6, {0x20, 1, 0xd, 0xb8, [15] = 1}};
const struct address peer_ipv6 = {FAMILY_IPV6, {0x20, 1, 0xd, 0xb8, [7] = 9, [15] = 7}};
const struct address inner_ipv4 = IPV4(10, 0, 0, 2), our_inner_ipv4 = IPV4(10, 9, 0, 1);
const struct address inner_ipv6 = {FAMILY_IPV6, {0xfd, [15] = 2}};
const struct address our_inner_ipv6 = {FAMILY_IPV6, {0xfd, 9, [15] = 1}};
const struct address other_inner_ipv4 = IPV4(10, 0, 0, 129);
const struct address other_inner_ipv6 = {FAMILY_IPV6, {0xfd, [13] = 1, [15] = 5}};
const struct address nobodys_ipv4 = IPV4(172, 16, 0, 1);
const struct address nobodys_ipv6 = {FAMILY_IPV6, {0xfe, 0xc0, [15] = 1}};

const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, their_mac[6] = {2, 0, 0, 0, 0, 2};
const uint8_t our_private_key[32] = {0x10, [31] = 0x41},
	      other_private_key[32] = {0x20, [31] = 0x42};
const uint8_t cookie_secret[32] = {0x30, [31] = 0x43};
const uint32_t peer_ids[PEERS] = {7, 8, 1000};
const uint32_t session_indices[SESSIONS] = {0x11223344, 0x55667788, 0x99aabbcc, 0x01020304,
					    0xddeeff00};

/* The stranger owns the peer's own addresses, in its own tunnel. */
const struct allowed allowed_list[ALLOWED] = {
	{TUNNEL, 24, IPV4(10, 0, 0, 0), 7},
	{TUNNEL, 25, IPV4(10, 0, 0, 128), 8},
	{TUNNEL, 64, {FAMILY_IPV6, {0xfd}}, 7},
	{TUNNEL, 112, {FAMILY_IPV6, {0xfd, [13] = 1}}, 8},
	{OTHER_TUNNEL, 32, IPV4(10, 0, 0, 2), 1000},
	{OTHER_TUNNEL, 128, {FAMILY_IPV6, {0xfd, [15] = 2}}, 1000},
};

#define MAP(world, name) bpf_map__fd((world)->skeleton->maps.name)

/* 0 or -ENOENT, as when there was nothing to delete. */
static void must(int error, const char *what)
{
	cr_assert(error == 0 || error == -ENOENT, "%s: %s", what, strerror(-error));
}

static void put(int map, const void *key, const void *value, bool present)
{
	must(present ? bpf_map_update_elem(map, key, value, BPF_ANY)
		     : bpf_map_delete_elem(map, key),
	     present ? "update" : "delete");
}

uint64_t world_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec;
}

/* ---- the state ----------------------------------------------------------------------------------- */

struct endpoint endpoint_of(const struct address *address, uint16_t port,
			    const struct address *local_address, uint32_t ifindex)
{
	struct endpoint endpoint = {.family = address->family, .ifindex = ifindex};

	write_be16(endpoint.port, port);
	memcpy(endpoint.address, address->bytes, sizeof(endpoint.address));
	if (local_address)
		memcpy(endpoint.local_address, local_address->bytes,
		       sizeof(endpoint.local_address));
	return endpoint;
}

static void init_sessions(struct state *state)
{
	static const uint32_t states[SESSIONS] = {SESSION_LIVE, SESSION_NEXT, SESSION_RESERVED,
						  SESSION_RECEIVES_ONLY, SESSION_LIVE};

	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct transport_session *session = &state->sessions[i];
		unsigned char seed[randombytes_SEEDBYTES] = {(unsigned char)(i + 1)};

		session->state = states[i];
		session->peer = peer_ids[i == STRANGERS ? STRANGER : PEER];
		session->tunnel = i == STRANGERS ? OTHER_TUNNEL : TUNNEL;
		session->remote_index = 0xa0b0c0d0 + i;
		session->birth = world_time() - SECONDS(10);
		if (i == RESERVED)
			continue;
		randombytes_buf_deterministic(&session->sending_key, 64, seed);
	}
}

_Static_assert(offsetof(struct transport_session, receiving_key) ==
		       offsetof(struct transport_session, sending_key) + 32,
	       "both keys are filled in one go");

void state_set_identity(struct tunnel_value *tunnel, const uint8_t *private_key)
{
	struct noise_identity identity;
	struct cookie_checker checker;

	noise_set_identity(&identity, private_key);
	cookie_checker_init(&checker, identity.static_public);
	tunnel->has_identity = identity.has_identity;
	cookie_prepare_mac1_key(&tunnel->mac1_key, &checker);
}

void state_set_cookies(struct state *state, uint64_t birth)
{
	struct cookie_checker checker = {.has_secret = true, .secret_birth = birth};

	memcpy(checker.secret, cookie_secret, sizeof(checker.secret));
	state->tunnel.cookie_birth = birth;
	cookie_prepare_cookie_key(&state->tunnel.cookie_key, &checker);
}

void state_init(struct state *state, uint8_t endpoint_family)
{
	const struct address *address = endpoint_family == FAMILY_IPV4 ? &peer_ipv4 : &peer_ipv6;
	const struct address *local = endpoint_family == FAMILY_IPV4 ? &our_ipv4 : &our_ipv6;

	memset(state, 0, sizeof(*state));
	state->has_interface = state->has_tunnel = state->has_ring = true;
	state->egress_mtu = 65536;
	state->tunnel = (struct tunnel_value){.mtu = MTU,
					      .fwmark = FWMARK,
					      .inner_destination = {2, 1, 1, 1, 1, 1},
					      .inner_source = {2, 2, 2, 2, 2, 2},
					      .is_up = 1,
					      .counters = COUNTERS};
	state->other_tunnel = state->tunnel;
	state->other_tunnel.counters = OTHER_COUNTERS;
	write_be16(state->tunnel.port, PORT);
	write_be16(state->other_tunnel.port, OTHER_PORT);
	state_set_identity(&state->tunnel, our_private_key);
	state_set_identity(&state->other_tunnel, other_private_key);
	memcpy(state->interface.mac, our_mac, 6);
	state->addresses_on = 1;
	for (uint32_t i = 0; i < PEERS; i++) {
		state->has_peer[i] = true;
		state->peers[i].tunnel = i == STRANGER ? OTHER_TUNNEL : TUNNEL;
		state->peers[i].endpoint = endpoint_of(address, PORT, local, 1);
	}
	state->peers[PEER].current_session = session_indices[LIVE];
	state->peers[PEER].has_current_session = 1;
	init_sessions(state);
}

void state_accept(struct state *state, int session, uint64_t counter)
{
	cr_assert_lt(state->accepted_count[session], ACCEPTED_MAX);
	cr_assert(replay_accept(&state->sessions[session].received, counter));
	state->accepted[session][state->accepted_count[session]++] = counter;
}

static void put_source(struct world *world, const struct address *address, bool has_cookie,
		       uint64_t spent_until)
{
	struct source_key key = {
		.tunnel = TUNNEL, .family = address->family, .has_cookie = has_cookie};

	memcpy(&key.prefix, address->bytes, sizeof(key.prefix));
	put(MAP(world, sources), &key, &spent_until, spent_until != 0);
}

void world_load_defence(struct world *world, const struct state *state)
{
	const struct address *const addresses[] = {&peer_ipv4, &peer_ipv6};
	uint32_t place = COUNTERS;

	put(MAP(world, loads), &place, &state->load, true);
	for (uint32_t i = 0; i < COUNT(addresses); i++) {
		put_source(world, addresses[i], true, state->spent_with_cookie);
		put_source(world, addresses[i], false, state->spent_without);
	}
}

static void load_addresses(struct world *world, const struct state *state)
{
	const struct address *const ours[] = {&our_ipv4, &our_ipv6};

	for (uint32_t i = 0; i < COUNT(ours); i++) {
		struct local_address_key key = {.family = ours[i]->family};

		memcpy(key.address, ours[i]->bytes, sizeof(key.address));
		put(MAP(world, local_addresses), &key, &state->addresses_on, true);
	}
}

/* The key of the session that a slot says it is of, or NULL. */
static const struct aead_key *key_of_slot(const struct state *state,
					  const struct keystream_slot *slot)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		const struct transport_session *session = &state->sessions[i];

		if (session_indices[i] == slot->local_index && session->birth == slot->birth)
			return slot->direction == KEYSTREAM_SENDING ? &session->sending_key
								    : &session->receiving_key;
	}
	return NULL;
}

void world_prepare(struct world *world, const struct state *state)
{
	const struct prepared *prepared = &state->prepared;
	uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {0};
	struct keystream *keystream;
	const struct aead_key *key;

	if (world->prepared)
		world->prepared->state = KEYSTREAM_EMPTY;
	world->prepared = NULL;
	if (!prepared->stream)
		return;
	keystream = &world->keystreams[prepared->stream - 1];
	keystream->wanted = prepared->wanted;
	keystream->length_wanted = prepared->length_wanted;
	keystream->taken = prepared->taken;
	keystream->missed = prepared->missed;
	world->prepared = &keystream->slots[prepared->slot.counter % KEYSTREAM_SLOTS];
	/* what nobody may use is not even zeros */
	memset(world->prepared, 0x5a, sizeof(*world->prepared));
	memcpy(world->prepared, &prepared->slot, offsetof(struct keystream_slot, first_block));
	key = key_of_slot(state, &prepared->slot);
	store_le64(nonce + 4, prepared->slot.counter);
	if (key)
		crypto_stream_chacha20_ietf(world->prepared->first_block.bytes,
					    CHACHA20_BLOCK_LENGTH + prepared->slot.length, nonce,
					    (const uint8_t *)key);
}

static void read_prepared(const struct world *world, struct prepared *prepared)
{
	const struct keystream *keystream = &world->keystreams[prepared->stream - 1];

	memcpy(&prepared->slot, world->prepared, offsetof(struct keystream_slot, first_block));
	prepared->wanted = keystream->wanted;
	prepared->length_wanted = keystream->length_wanted;
	prepared->taken = keystream->taken;
	prepared->missed = keystream->missed;
}

void world_load(struct world *world, const struct state *state)
{
	uint32_t one = 1, tunnel = TUNNEL, other = OTHER_TUNNEL;

	world->segment_size = state->segment_size;
	load_addresses(world, state);
	put(MAP(world, interfaces), &one, &state->interface, state->has_interface);
	put(MAP(world, tunnels), &tunnel, &state->tunnel, state->has_tunnel);
	put(MAP(world, tunnels), &other, &state->other_tunnel, true);
	world_load_defence(world, state);
	/* such an update waits for all programs to end: milliseconds, so only where it matters */
	if (state->has_ring != world->has_ring)
		put(MAP(world, events), &tunnel, &world->ring_fd, state->has_ring);
	world->has_ring = state->has_ring;
	for (uint32_t i = 0; i < PEERS; i++)
		put(MAP(world, peers), &peer_ids[i], &state->peers[i], state->has_peer[i]);
	for (uint32_t i = 0; i < SESSIONS; i++)
		put(MAP(world, sessions), &session_indices[i], &state->sessions[i], true);
	world_prepare(world, state);
}

void world_read(struct world *world, const struct state *like, struct state *state)
{
	*state = *like;
	for (uint32_t i = 0; i < PEERS; i++)
		if (state->has_peer[i])
			must(bpf_map_lookup_elem(MAP(world, peers), &peer_ids[i], &state->peers[i]),
			     "peer");
	for (uint32_t i = 0; i < SESSIONS; i++)
		must(bpf_map_lookup_elem(MAP(world, sessions), &session_indices[i],
					 &state->sessions[i]),
		     "session");
	if (state->prepared.stream)
		read_prepared(world, &state->prepared);
}

/* ---- opening ------------------------------------------------------------------------------------- */

static void load_ports(struct world *world)
{
	uint32_t tunnel = TUNNEL, other = OTHER_TUNNEL;
	uint8_t port[2];

	write_be16(port, PORT);
	put(MAP(world, listening_ports), port, &tunnel, true);
	write_be16(port, OTHER_PORT);
	put(MAP(world, listening_ports), port, &other, true);
}

static void load_allowed(struct world *world)
{
	for (uint32_t i = 0; i < ALLOWED; i++) {
		const struct allowed *allowed = &allowed_list[i];
		bool is_ipv4 = allowed->address.family == FAMILY_IPV4;
		struct allowed_ipv6_key key = {.prefix_length = ALLOWED_TUNNEL_BITS + allowed->bits,
					       .tunnel = allowed->tunnel};

		/* the shorter key is the beginning of the longer one */
		memcpy(key.address, allowed->address.bytes, sizeof(key.address));
		put(is_ipv4 ? MAP(world, allowed_ipv4) : MAP(world, allowed_ipv6), &key,
		    &allowed->peer, true);
	}
}

static int take_event(void *context, void *data, size_t size)
{
	struct outcome *outcome = ((struct world *)context)->running;
	const struct event *event = data;
	struct told *told;

	if (!outcome || outcome->told_count == EVENTS_MAX)
		return 0;
	told = &outcome->told[outcome->told_count++];
	cr_assert_geq(size, sizeof(*event) + event->length);
	cr_assert_leq(event->length, FRAME_MAX);
	told->kind = event->kind;
	told->peer = event->peer;
	told->session = event->session;
	told->length = event->length;
	told->counter = event->counter;
	told->ds = event->ds;
	told->endpoint = event->endpoint;
	memcpy(told->packet, event->packet, event->length);
	return 0;
}

void world_make_ring(struct world *world, uint32_t size)
{
	ring_buffer__free(world->ring);
	if (world->ring_fd >= 0)
		close(world->ring_fd);
	world->has_ring = false;
	world->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "event_ring", 0, 0, size, NULL);
	cr_assert_geq(world->ring_fd, 0, "ring: %s", strerror(-world->ring_fd));
	world->ring = ring_buffer__new(world->ring_fd, take_event, world, NULL);
	cr_assert_not_null(world->ring);
}

void world_make_keystreams(struct world *world)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "keystream_array", sizeof(uint32_t),
				 sizeof(struct keystream), KEYSTREAMS_MAX, &options);
	uint32_t tunnel = TUNNEL;
	void *memory;

	cr_assert_geq(map, 0, "keystreams: %s", strerror(-map));
	memory = mmap(NULL, KEYSTREAMS_MAX * sizeof(struct keystream), PROT_READ | PROT_WRITE,
		      MAP_SHARED, map, 0);
	cr_assert_neq(memory, MAP_FAILED, "keystreams: %s", strerror(errno));
	put(MAP(world, keystreams), &tunnel, &map, true);
	close(map);
	world->keystreams = memory;
}

uint64_t world_count(struct world *world, uint32_t counters, enum verdict verdict)
{
	static struct verdict_counts of_cpus[256];
	uint64_t sum = 0;
	int cpus = libbpf_num_possible_cpus();

	cr_assert_leq(cpus, 256);
	must(bpf_map_lookup_elem(MAP(world, verdict_counters), &counters, of_cpus), "counters");
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += of_cpus[cpu].of[verdict];
	return sum;
}

static void read_verdicts(struct world *world, uint64_t verdicts[VERDICT_COUNT])
{
	static const uint32_t places[] = {COUNTERS_OF_NO_TUNNEL, COUNTERS, OTHER_COUNTERS};
	static struct verdict_counts of_cpus[256];
	int cpus = libbpf_num_possible_cpus();

	cr_assert_leq(cpus, 256);
	memset(verdicts, 0, VERDICT_COUNT * sizeof(verdicts[0]));
	for (uint32_t i = 0; i < COUNT(places); i++) {
		must(bpf_map_lookup_elem(MAP(world, verdict_counters), &places[i], of_cpus),
		     "counters");
		for (int cpu = 0; cpu < cpus; cpu++)
			for (uint32_t verdict = 0; verdict < VERDICT_COUNT; verdict++)
				verdicts[verdict] += of_cpus[cpu].of[verdict];
	}
}

void world_open(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->ring_fd = -1;
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "namespace: %s", strerror(errno));
	world->skeleton = wgxdp_bpf__open_and_load();
	cr_assert_not_null(world->skeleton, "load: %s", strerror(errno));
	world_make_ring(world, 1 << 20);
	load_ports(world);
	load_allowed(world);
	read_verdicts(world, world->verdicts);
}

void world_close(struct world *world)
{
	ring_buffer__free(world->ring);
	close(world->ring_fd);
	if (world->keystreams)
		munmap(world->keystreams, KEYSTREAMS_MAX * sizeof(struct keystream));
	wgxdp_bpf__destroy(world->skeleton);
}

/* ---- running ------------------------------------------------------------------------------------- */

static void count_verdicts(struct world *world, struct outcome *outcome)
{
	uint64_t now[VERDICT_COUNT];

	read_verdicts(world, now);
	outcome->verdict = VERDICT_COUNT;
	outcome->counted = 0;
	for (uint32_t i = 0; i < VERDICT_COUNT; i++) {
		if (now[i] == world->verdicts[i])
			continue;
		outcome->verdict = (enum verdict)i;
		outcome->counted += (uint32_t)(now[i] - world->verdicts[i]);
	}
	memcpy(world->verdicts, now, sizeof(now));
}

static void run(struct world *world, struct bpf_program *program, struct bpf_test_run_opts *options,
		struct outcome *outcome)
{
	int error;

	outcome->told_count = 0;
	world->running = outcome;
	options->data_out = outcome->frame;
	options->data_size_out = sizeof(outcome->frame);
	outcome->before = world_time();
	error = bpf_prog_test_run_opts(bpf_program__fd(program), options);
	outcome->after = world_time();
	cr_assert_eq(error, 0, "%s, %u bytes: %s", bpf_program__name(program),
		     options->data_size_in, strerror(-error));
	outcome->action = (int)options->retval;
	outcome->length = options->data_size_out;
	outcome->mark = 0;
	if (world->ring)
		ring_buffer__consume(world->ring);
	world->running = NULL;
	count_verdicts(world, outcome);
}

void world_rx(struct world *world, const uint8_t *frame, uint32_t length, struct outcome *outcome)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length);

	run(world, world->skeleton->progs.rx, &options, outcome);
}

void world_tx(struct world *world, struct bpf_program *program, uint32_t mark, const uint8_t *frame,
	      uint32_t length, struct outcome *outcome)
{
	struct __sk_buff in = {.mark = mark, .ifindex = TUNNEL, .gso_size = world->segment_size};
	struct __sk_buff out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length,
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out,
		    .ctx_size_out = sizeof(out));

	run(world, program, &options, outcome);
	outcome->mark = out.mark;
}

int world_control(struct world *world, const struct control_request *request)
{
	static struct outcome outcome;
	uint8_t frame[ETHERNET_LENGTH + sizeof(*request)] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	memcpy(frame + ETHERNET_LENGTH, request, sizeof(*request));
	run(world, world->skeleton->progs.control, &options, &outcome);
	return outcome.action;
}

const char *verdict_or_none(enum verdict verdict)
{
	static const char *const names[VERDICT_COUNT + 1] = {
#define X(id, name, meaning) name,
		WGXDP_VERDICTS(X)
#undef X
			"none"};

	return names[verdict];
}
