/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_differential.c - a million frames through rx and 200 000 through tx, each a good one with something
 * changed at random, and each through model.h as well: same action, verdict, bytes, events, and the same
 * peers and sessions afterwards. For half of them keystream lies ready, the right one or nearly. Seeded, so that a failure can be repeated; a failure prints its frame.
 */
#include <bpf/handshakes.h>
#include <bpf/model.h>
#include <bpf/transport.h>
#include <stdio.h>

enum { RX_FRAMES = 250000, TX_FRAMES = 100000, STATE_LASTS = 300, FAILURES_MAX = 5 };

static struct world world;
static struct state state, expected, actual;
static struct outcome wanted, got;
static uint64_t seed;
static uint32_t failures, seen[VERDICT_COUNT + 1], used;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(packet_random(&seed) >> 33) % limit;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* ---- changes ------------------------------------------------------------------------------------- */

/* A byte of the headers becomes something that parsers like to be asked about. */
static void spoil_header(uint8_t *frame, uint32_t length)
{
	static const uint8_t likely[] = {0,    1,    4,    6,    8,    14,   17,   19,   20,  28,
					 0x20, 0x2c, 0x40, 0x45, 0x46, 0x60, 0x86, 0xdd, 0xff};
	uint32_t headers = length < 78 ? length : 78;

	frame[below(headers)] = likely[below(COUNT(likely))];
}

/* A 16-bit word of the headers moves a little: lengths are among them. */
static void shift_word(uint8_t *frame, uint32_t length)
{
	uint32_t at = ETHERNET_LENGTH + 2 * below(25);

	if (at + 2 <= length)
		write_be16(frame + at, read_be16(frame + at) + below(41) - 20);
}

static void flip_bit(uint8_t *frame, uint32_t length)
{
	frame[below(length)] ^= (uint8_t)(1 << below(8));
}

static uint32_t spoil(uint8_t *frame, uint32_t length, uint32_t shortest)
{
	switch (below(8)) {
	case 0:
	case 1:
		spoil_header(frame, length);
		break;
	case 2:
		shift_word(frame, length);
		break;
	case 3:
		flip_bit(frame, length < 78 ? length : 78);
		break;
	case 4:
		flip_bit(frame, length);
		break;
	case 5:
		length = one_in(2) ? length - below(length < 20 ? 1 : 20) : below(length) + 1;
		break;
	case 6:
		for (uint32_t more = 1 + below(30); more; more--)
			frame[length++] = (uint8_t)below(256);
		break;
	default:
		/* as it is */
		break;
	}
	return length < shortest ? shortest : length;
}

static void spoil_inner(uint8_t *inner)
{
	if (one_in(3))
		shift_word(inner - ETHERNET_LENGTH, FRAME_MAX);
	if (one_in(4))
		spoil_header(inner, 40);
	if (one_in(4))
		flip_bit(inner, 40);
}

/* ---- keystream ----------------------------------------------------------------------------------- */

enum { STREAMS = 2 };

static void choose_streams(void)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		state.sessions[i].sending_stream = (uint16_t)below(STREAMS + 1);
		state.sessions[i].receiving_stream = (uint16_t)below(STREAMS + 1);
		state.sessions[i].sending_paced = one_in(2) ? world_time() : 0;
		state.sessions[i].receiving_paced = one_in(2) ? world_time() : 0;
	}
}

static void spoil_slot(struct keystream_slot *slot)
{
	switch (below(6)) {
	case 0:
		slot->state = below(4);
		break;
	case 1:
		slot->length -= slot->length ? 64 : 0;
		break;
	case 2:
		slot->birth = state.sessions[below(SESSIONS)].birth;
		break;
	case 3:
		slot->local_index = session_indices[below(SESSIONS)];
		break;
	case 4:
		slot->direction ^= 1;
		break;
	default:
		slot->counter += KEYSTREAM_SLOTS * (below(3) - 1);
		break;
	}
}

/* For a packet of the session, or nearly; whether it has this stream is another matter. */
static void prepare(int session, enum keystream_direction direction, uint64_t counter,
		    uint32_t length)
{
	struct prepared *prepared = &state.prepared;

	memset(prepared, 0, sizeof(*prepared));
	if (session < 0 || one_in(2))
		return;
	prepared->stream = 1 + below(STREAMS);
	prepared->wanted = one_in(2) ? counter : packet_random(&seed);
	prepared->length_wanted = below(1500);
	prepared->slot.state = KEYSTREAM_READY;
	prepared->slot.length =
		length > AEAD_KEYSTREAM_MAX ? AEAD_KEYSTREAM_MAX : (length + 63) / 64 * 64;
	prepared->slot.birth = state.sessions[session].birth;
	prepared->slot.local_index = session_indices[session];
	prepared->slot.direction = direction;
	prepared->slot.counter = counter;
	if (one_in(3))
		spoil_slot(&prepared->slot);
}

/* Is the next packet of this session just about to be 50 ms after the last one that mattered? The model's clock is not
 * the program's. */
static bool is_at_the_edge(uint64_t paced)
{
	uint64_t age = world_time() - paced;

	return age >= MILLISECONDS(35) && age < MILLISECONDS(50);
}

static void avoid_edges(void)
{
	for (uint32_t i = 0; i < SESSIONS; i++)
		while (is_at_the_edge(state.sessions[i].sending_paced) ||
		       is_at_the_edge(state.sessions[i].receiving_paced))
			;
}

/* ---- the outcome --------------------------------------------------------------------------------- */

static void print_frame(const uint8_t *frame, uint32_t length)
{
	for (uint32_t i = 0; i < length && i < 160; i++)
		fprintf(stderr, "%02x%s", frame[i], i % 32 == 31 ? "\n" : "");
	fprintf(stderr, "%s\n", length > 160 ? "..." : "");
}

static void compare(const char *program, uint32_t number, const uint8_t *frame, uint32_t length)
{
	const char *what = difference(&wanted, &got);

	/* `expected` keeps the model's lists; what else is in the maps goes on from there */
	world_read(&world, &expected, &actual);
	if (!what)
		what = state_difference(&state, &expected, &actual, &got);
	state = actual;
	seen[got.verdict]++;
	used += actual.prepared.slot.state == KEYSTREAM_EMPTY && actual.prepared.taken > 0;
	if (!what)
		return;
	fprintf(stderr, "%s frame %u, %u bytes: %s; is %d, %s, %u bytes; not %d, %s, %u bytes\n",
		program, number, length, what, got.action, verdict_or_none(got.verdict), got.length,
		wanted.action, verdict_or_none(wanted.verdict), wanted.length);
	for (uint32_t i = 0; i < wanted.told_count; i++)
		fprintf(stderr, "wanted event %u of peer %u\n", wanted.told[i].kind,
			wanted.told[i].peer);
	for (uint32_t i = 0; i < got.told_count; i++)
		fprintf(stderr, "event %u of peer %u\n", got.told[i].kind, got.told[i].peer);
	print_frame(frame, length);
	cr_expect(false, "%s frame %u: %s; is %s, not %s", program, number, what,
		  verdict_or_none(got.verdict), verdict_or_none(wanted.verdict));
	cr_assert_lt(++failures, FAILURES_MAX, "enough");
}

/* Frames that are all refused at the door would show nothing. */
static void expect_seen(enum verdict verdict, uint32_t times)
{
	cr_expect_geq(seen[verdict], times, "%s: %u times", verdict_or_none(verdict),
		      seen[verdict]);
}

/* ---- one packet in ------------------------------------------------------------------------------- */

static void make_rx_state(void)
{
	struct peer_value *peer = &state.peers[PEER];

	state_init(&state, one_in(2) ? FAMILY_IPV4 : FAMILY_IPV6);
	peer->told = one_in(2) ? TOLD_DATA_RECEIVED : 0;
	peer->notes.last_sent = one_in(2) ? world_time() : 0;
	state.sessions[LIVE].birth = world_time() - SECONDS(one_in(8) ? 170 : 20);
	state.sessions[NEXT].birth = world_time() - SECONDS(one_in(2) ? 200 : 2);
	state.sessions[LIVE].i_am_the_initiator = one_in(2);
	state.interface.is_injection = one_in(8);
	state.interface.is_generic = one_in(4);
	state.tunnel.is_up = !one_in(16);
	if (one_in(16))
		state_set_identity(&state.tunnel, NULL);
	if (!one_in(4))
		state_set_cookies(&state, world_time() - SECONDS(one_in(4) ? 125 : 5));
	choose_streams();
	world_load(&world, &state);
}

/* Every bucket is either fresh or spent for long. */
static void make_defence(void)
{
	uint64_t spent = world_time() + SECONDS(100);

	state.load.until = one_in(2) ? spent : 0;
	state.load.spent_on_rare = one_in(2) ? spent : 0;
	state.load.spent_on_frequent = one_in(2) ? spent : 0;
	state.spent_with_cookie = one_in(2) ? spent : 0;
	state.spent_without = one_in(2) ? spent : 0;
}

static uint32_t make_handshake(uint8_t *frame)
{
	struct handshake handshake;

	handshake_init(&handshake, (enum message_type)(1 + below(3)),
		       one_in(2) ? FAMILY_IPV4 : FAMILY_IPV6);
	handshake.seed = seed;
	if (one_in(3))
		handshake.receiver_index = session_indices[below(SESSIONS)];
	if (one_in(4))
		handshake.private_key = one_in(2) ? other_private_key : NULL;
	if (one_in(4))
		handshake.outer.destination_port = OTHER_PORT;
	handshake.has_cookie = handshake.private_key && one_in(3);
	handshake.has_others_cookie = handshake.private_key && one_in(8);
	if (one_in(8))
		handshake.length = one_in(2) ? handshake.length - 4 + below(8) : below(160);
	return handshake_build(frame, &handshake);
}

static uint32_t make_transport(uint8_t *frame, uint32_t number)
{
	uint8_t outer = one_in(2) ? FAMILY_IPV4 : FAMILY_IPV6;
	uint8_t inner = one_in(2) ? FAMILY_IPV4 : FAMILY_IPV6;
	struct transport packet;

	transport_init(&packet, &state, outer, inner);
	if (one_in(4))
		transport_use_session(&packet, (int)below(SESSIONS));
	packet.seed = seed;
	packet.inner_length = ip_header_length(inner) + below(one_in(8) ? 1380 : 100);
	packet.text_length = packet.inner_length + below(20);
	packet.counter = one_in(4) ? below(9000) : 8000 + 7 * (number % STATE_LASTS);
	packet.outer.ds = (uint8_t)below(256);
	packet.inner_ds = (uint8_t)below(256);
	packet.outer.source_port ^= one_in(16);
	if (one_in(8))
		packet.inner_source = inner == FAMILY_IPV4 ? other_inner_ipv4 : other_inner_ipv6;
	if (one_in(16))
		packet.text_length = packet.inner_length = 0;
	if (one_in(32))
		packet.outer.destination_port = OTHER_PORT;
	prepare(model_session(packet.receiver_index), KEYSTREAM_RECEIVING, packet.counter,
		packet.text_length);
	return transport_build(frame, &packet,
			       one_in(3) && packet.text_length ? spoil_inner : NULL);
}

/* The source stays what it is: the model knows of one. */
static uint32_t spoil_handshake(uint8_t *frame, uint32_t length)
{
	uint32_t at = frame[12] == 0x08 ? 26 : 22, bytes = frame[12] == 0x08 ? 4 : 16;
	uint8_t source[16];

	memcpy(source, frame + at, bytes);
	length = spoil(frame, length, at + bytes);
	memcpy(frame + at, source, bytes);
	return length;
}

/* So that damage does not always stop at the sums: they are of what is there, are left to a device, or are not there. */
static void choose_sums(uint8_t *frame, uint32_t length)
{
	bool is_ipv4 = frame[12] == 0x08;
	uint8_t *ip = frame + ETHERNET_LENGTH, *udp = ip + (is_ipv4 ? IPV4_LENGTH : IPV6_LENGTH);
	uint32_t addresses = is_ipv4 ? 8 : 32, covered, sum;

	if (udp + UDP_LENGTH > frame + length)
		return;
	covered = read_be16(udp + 4);
	if (udp + covered > frame + length)
		return;
	sum = checksum_add(17 + covered, udp - addresses, addresses);
	write_be16(udp + 6, 0);
	if (one_in(4))
		write_be16(udp + 6, (uint16_t)~checksum_fold(sum));
	else if (!one_in(4))
		write_be16(udp + 6, checksum_fold(checksum_add(sum, udp, covered)));
	if (is_ipv4 && !one_in(8)) {
		write_be16(ip + 10, 0);
		write_be16(ip + 10, checksum_fold(checksum_add(0, ip, IPV4_LENGTH)));
	}
}

static uint32_t make_rx_frame(uint8_t *frame, uint32_t number)
{
	bool is_handshake = one_in(8);
	uint32_t length = is_handshake ? make_handshake(frame) : make_transport(frame, number);

	if (is_handshake) {
		make_defence();
		world_load_defence(&world, &state);
	}
	for (uint32_t changes = below(3); changes; changes--)
		length = is_handshake ? spoil_handshake(frame, length)
				      : spoil(frame, length, ETHERNET_LENGTH);
	if (one_in(2))
		choose_sums(frame, length);
	return length;
}

static void run_rx(uint64_t from_seed)
{
	static uint8_t frame[FRAME_MAX];

	seed = from_seed;
	for (uint32_t number = 0; number < RX_FRAMES; number++) {
		uint32_t length;

		if (number % STATE_LASTS == 0)
			make_rx_state();
		memset(&state.prepared, 0, sizeof(state.prepared));
		length = make_rx_frame(frame, number);
		world_prepare(&world, &state);
		avoid_edges();
		expected = state;
		model_rx(&expected, frame, length, &wanted);
		world_rx(&world, frame, length, &got);
		compare("rx", number, frame, length);
	}
	cr_expect_geq(used, RX_FRAMES / 50, "keystream: %u times", used);
	expect_seen(VERDICT_COUNT, RX_FRAMES / 50);
	expect_seen(VERDICT_DELIVERED, RX_FRAMES / 50);
	expect_seen(VERDICT_BAD_TAG, RX_FRAMES / 50);
	expect_seen(VERDICT_BAD_CHECKSUM, RX_FRAMES / 50);
	expect_seen(VERDICT_REPLAYED, RX_FRAMES / 500);
	expect_seen(VERDICT_KEEPALIVE, RX_FRAMES / 500);
	expect_seen(VERDICT_INNER_MALFORMED, RX_FRAMES / 500);
	expect_seen(VERDICT_SOURCE_REFUSED, RX_FRAMES / 500);
	expect_seen(VERDICT_EXPIRED, RX_FRAMES / 500);
	expect_seen(VERDICT_UNKNOWN_INDEX, RX_FRAMES / 500);
	expect_seen(VERDICT_WRONG_TUNNEL, RX_FRAMES / 500);
	expect_seen(VERDICT_TUNNEL_DOWN, RX_FRAMES / 500);
	expect_seen(VERDICT_TOO_SHORT, RX_FRAMES / 500);
	expect_seen(VERDICT_TOO_LONG, RX_FRAMES / 1000);
	expect_seen(VERDICT_UNKNOWN_TYPE, RX_FRAMES / 500);
	expect_seen(VERDICT_BAD_MAC1, RX_FRAMES / 500);
	expect_seen(VERDICT_BAD_HANDSHAKE, RX_FRAMES / 1000);
	expect_seen(VERDICT_FLOODED, RX_FRAMES / 1000);
	expect_seen(VERDICT_RATE_LIMITED, RX_FRAMES / 5000);
}

#define RX_TEST(number)                                                                            \
	Test(differential, rx_quarter_million_##number)                                            \
	{                                                                                          \
		WORLD_OPEN(&world);                                                                \
		world_make_keystreams(&world);                                                     \
		run_rx(number);                                                                    \
		world_close(&world);                                                               \
	}

RX_TEST(1)
RX_TEST(2)
RX_TEST(3)
RX_TEST(4)

/* ---- one packet out ------------------------------------------------------------------------------ */

static void make_tx_state(void)
{
	static const uint32_t mtus[] = {1420, 1420, 1280, 1299, 100};
	struct peer_value *peer = &state.peers[PEER];

	state_init(&state, one_in(2) ? FAMILY_IPV4 : FAMILY_IPV6);
	peer->told = one_in(2) ? TOLD_DATA_SENT : 0;
	peer->notes.last_received = one_in(2) ? world_time() : 0;
	state.sessions[LIVE].birth = world_time() - SECONDS(one_in(8) ? 185 : one_in(4) ? 130 : 20);
	state.sessions[LIVE].i_am_the_initiator = one_in(2);
	state.sessions[LIVE].sending_counter = one_in(4) ? packet_random(&seed) : below(100000);
	if (one_in(16))
		state.sessions[LIVE].sending_counter = UINT64_MAX - 8192 - below(STATE_LASTS);
	state.sessions[NEXT].state = one_in(2) ? SESSION_LIVE : SESSION_NEXT;
	state.sessions[NEXT].peer = peer_ids[OTHER_PEER];
	state.peers[OTHER_PEER].current_session = session_indices[NEXT];
	state.peers[OTHER_PEER].has_current_session = one_in(2);
	if (one_in(8))
		peer->endpoint.ifindex = 0;
	if (one_in(16))
		memset(&peer->endpoint, 0, sizeof(peer->endpoint));
	state.tunnel.mtu = mtus[below(COUNT(mtus))];
	for (uint32_t i = 0; i < ROUTE_MTUS_MAX && one_in(2); i++)
		state.tunnel.route_mtus[i] = 40 + below(300);
	state.tunnel.is_up = !one_in(16);
	choose_streams();
	world_load(&world, &state);
}

static uint32_t make_tx_frame(uint8_t *frame, uint32_t *mark)
{
	bool is_ipv4 = one_in(2);
	const struct address *destination = is_ipv4 ? &inner_ipv4 : &inner_ipv6;
	uint32_t length = IPV6_LENGTH + 6 + below(one_in(4) ? 1400 : 120);

	if (one_in(4))
		destination = is_ipv4 ? &other_inner_ipv4 : &other_inner_ipv6;
	if (one_in(16))
		destination = is_ipv4 ? &nobodys_ipv4 : &nobodys_ipv6;
	memset(frame, 2, 12);
	write_be16(frame + 12, is_ipv4 ? 0x0800 : 0x86dd);
	build_inner(frame + ETHERNET_LENGTH, is_ipv4 ? &our_inner_ipv4 : &our_inner_ipv6,
		    destination, length, (uint8_t)below(256), seed);
	length += ETHERNET_LENGTH;
	*mark = one_in(8) ? KEEPALIVE_MARK : one_in(16) ? PASS_MARK : 0;
	if (*mark == KEEPALIVE_MARK)
		memcpy(frame + ETHERNET_LENGTH, &peer_ids[below(PEERS)], 4);
	for (uint32_t changes = below(3); changes; changes--)
		length = spoil(frame, length, 60);
	/* the agent's own frames have the ethertype of one of the families, whatever else is in them */
	if (*mark == KEEPALIVE_MARK)
		write_be16(frame + 12, is_ipv4 ? 0x0800 : 0x86dd);
	return length;
}

static void run_tx(uint64_t from_seed)
{
	static uint8_t frame[FRAME_MAX];

	seed = from_seed;
	for (uint32_t number = 0; number < TX_FRAMES; number++) {
		bool by_agent = one_in(3);
		uint32_t length, mark;

		if (number % 30 == 0)
			make_tx_state();
		length = make_tx_frame(frame, &mark);
		prepare(LIVE, KEYSTREAM_SENDING, state.sessions[LIVE].sending_counter, length);
		world_prepare(&world, &state);
		avoid_edges();
		expected = state;
		model_tx(&expected, by_agent, mark, frame, length, &wanted);
		world_tx(&world,
			 by_agent ? world.skeleton->progs.tx_agent : world.skeleton->progs.tx, mark,
			 frame, length, &got);
		compare(by_agent ? "tx_agent" : "tx", number, frame, length);
	}
	cr_expect_geq(used, TX_FRAMES / 50, "keystream: %u times", used);
	expect_seen(VERDICT_COUNT, TX_FRAMES / 500);
	expect_seen(VERDICT_SEALED, TX_FRAMES / 50);
	expect_seen(VERDICT_STAGED, TX_FRAMES / 50);
	expect_seen(VERDICT_SLOW_WAY, TX_FRAMES / 500);
	expect_seen(VERDICT_NOT_IP, TX_FRAMES / 500);
	expect_seen(VERDICT_NO_PEER, TX_FRAMES / 500);
	expect_seen(VERDICT_NO_ENDPOINT, TX_FRAMES / 500);
	expect_seen(VERDICT_PACKET_TOO_BIG, TX_FRAMES / 500);
	expect_seen(VERDICT_TUNNEL_DOWN, TX_FRAMES / 500);
	expect_seen(VERDICT_EXPIRED, TX_FRAMES / 500);
}

Test(differential, tx_hundred_thousand_1)
{
	WORLD_OPEN(&world);
	world_make_keystreams(&world);
	run_tx(11);
	world_close(&world);
}

Test(differential, tx_hundred_thousand_2)
{
	WORLD_OPEN(&world);
	world_make_keystreams(&world);
	run_tx(12);
	world_close(&world);
}
