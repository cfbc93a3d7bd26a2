/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_tx.c - the send programs and `control`, one row per case, as in test_rx.c: each row for both families of
 * the endpoint and of the inner packet, and everything beside the row held against model.h. And the check
 * that every verdict has a row somewhere.
 */
#include <bpf/model.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <wgxdp/wire.h>

/* A packet of the stack, or of the agent, on its way into the tunnel. */
struct inner {
	struct address source, destination;
	uint32_t length;
	/* bytes of the frame behind the packet */
	uint32_t trailing;
	uint32_t mark;
	uint8_t ds;
	uint64_t seed;
	/* not a packet, but the agent's wish for a keepalive to this peer */
	uint32_t keepalive_to;
};

struct row {
	const char *name;
	int action;
	enum verdict verdict;
	void (*state)(struct state *state);
	void (*packet)(struct inner *packet);
	void (*frame)(uint8_t *frame, uint32_t *length);
	bool by_agent;
};

#define STATE(name, change)                                                                        \
	static void name(struct state *state)                                                      \
	{                                                                                          \
		change;                                                                            \
	}
#define PACKET(name, change)                                                                       \
	static void name(struct inner *packet)                                                     \
	{                                                                                          \
		change;                                                                            \
	}
#define FRAME(name, change)                                                                        \
	static void name(uint8_t *frame, uint32_t *length)                                         \
	{                                                                                          \
		(void)frame, (void)length;                                                         \
		change;                                                                            \
	}

STATE(no_tunnel, state->has_tunnel = false)
STATE(down, state->tunnel.is_up = 0)
STATE(no_peer, state->has_peer[PEER] = false)
STATE(peer_of_other_tunnel, state->peers[PEER].tunnel = OTHER_TUNNEL)
STATE(no_endpoint, memset(&state->peers[PEER].endpoint, 0, sizeof(struct endpoint)))
STATE(route_of_33_hops, state->peers[PEER].endpoint.hop_limit = 33)
STATE(route_of_255_hops, state->peers[PEER].endpoint.hop_limit = 255)
STATE(no_session, state->peers[PEER].has_current_session = 0)
STATE(session_gone, state->peers[PEER].current_session ^= 1)
STATE(next_is_current, state->peers[PEER].current_session = session_indices[NEXT])
STATE(reserved_is_current, state->peers[PEER].current_session = session_indices[RESERVED])
STATE(stopped_is_current, state->peers[PEER].current_session = session_indices[RECEIVES_ONLY])
STATE(anothers_is_current, state->sessions[LIVE].peer = peer_ids[OTHER_PEER])
STATE(born_180_s_ago, state->sessions[LIVE].birth = world_time() - SECONDS(180))
STATE(born_179_s_ago, state->sessions[LIVE].birth = world_time() - SECONDS(179))
STATE(out_of_messages, state->sessions[LIVE].sending_counter = UINT64_MAX - 8192)
STATE(last_message, state->sessions[LIVE].sending_counter = UINT64_MAX - 8193)
STATE(counter_above_32_bits, state->sessions[LIVE].sending_counter = 0x123456789a)
STATE(rekey_messages, state->sessions[LIVE].sending_counter = UINT64_C(1) << 60)
STATE(rekey_messages_over, state->sessions[LIVE].sending_counter = (UINT64_C(1) << 60) + 1)
STATE(initiator_120_s, state->sessions[LIVE].i_am_the_initiator = 1;
      state->sessions[LIVE].birth = world_time() - SECONDS(120))
STATE(initiator_119_s, state->sessions[LIVE].i_am_the_initiator = 1;
      state->sessions[LIVE].birth = world_time() - SECONDS(119))
STATE(initiator_told, initiator_120_s(state); state->sessions[LIVE].told = TOLD_REKEY_ON_SEND)
STATE(responder_120_s, state->sessions[LIVE].birth = world_time() - SECONDS(120))
STATE(told_of_data, state->peers[PEER].told = TOLD_DATA_SENT)
STATE(sent_before, state->peers[PEER].notes.first_data_sent = world_time())
STATE(received_since, state->peers[PEER].notes.first_data_sent = 5;
      state->peers[PEER].notes.last_received = 6)
STATE(no_interface_known, state->peers[PEER].endpoint.ifindex = 0)
STATE(no_local_address, memset(state->peers[PEER].endpoint.local_address, 0, 16))
STATE(route_mtu, state->tunnel.route_mtus[0] = 1299)
STATE(route_mtus,
      for (uint32_t i = 0; i < ROUTE_MTUS_MAX; i++) state->tunnel.route_mtus[i] = 1293 + 2 * i)
STATE(no_ring, state->has_ring = false)
STATE(no_ring_no_session, no_ring(state); no_session(state))
STATE(no_ring_no_interface, no_ring(state); no_interface_known(state))
STATE(no_ring_no_endpoint, no_ring(state); no_endpoint(state))

STATE(is_not_segmented, state->segment_size = 536)
STATE(is_not_segmented_no_peer, is_not_segmented(state); no_peer(state))

STATE(limit_used_up, state->peers[PEER].limit.cost = 1 << RATE_COST_SHIFT;
      state->peers[PEER].limit.sent_until = world_time() + SECONDS(60);
      state->peers[PEER].limit.burst = SECONDS(1))
STATE(limit_left, state->peers[PEER].limit.cost = 3 << RATE_COST_SHIFT >> 1;
      state->peers[PEER].limit.sent_until = world_time() + SECONDS(60);
      state->peers[PEER].limit.burst = SECONDS(120))

PACKET(of_1297, packet->length = 1297)
PACKET(of_1299, packet->length = 1299)
PACKET(of_1300, packet->length = 1300)
PACKET(of_1283, packet->length = 1283)
PACKET(to_nobody, packet->destination.bytes[0] = 0xc0)
PACKET(to_others_longer_prefix, packet->destination = packet->source.family == FAMILY_IPV4
							      ? other_inner_ipv4
							      : other_inner_ipv6)
PACKET(as_large_as_the_mtu, packet->length = MTU)
PACKET(padded_to_the_mtu, packet->length = MTU - 5)
PACKET(larger_than_the_mtu, packet->length = MTU + 1)
PACKET(much_larger, packet->length = 3000)
PACKET(header_only, packet->length = ip_header_length(packet->source.family))
PACKET(of_64, packet->length = 64)
PACKET(of_65, packet->length = 65)
PACKET(with_ethernet_padding, packet->length = 41; packet->trailing = 5)
PACKET(with_long_tail, packet->trailing = 100)
PACKET(ds_all, packet->ds = 0xff)
PACKET(ds_ect0, packet->ds = 0xba)
PACKET(ds_ect1, packet->ds = 0x01)
PACKET(ds_no_ecn, packet->ds = 0xb8)
PACKET(has_a_mark, packet->mark = 77)
PACKET(mark_of_keepalive, packet->mark = KEEPALIVE_MARK)
PACKET(mark_of_pass, packet->mark = PASS_MARK)
PACKET(keepalive, packet->keepalive_to = peer_ids[PEER])
PACKET(keepalive_to_nobody, packet->keepalive_to = 12345)
PACKET(keepalive_to_stranger, packet->keepalive_to = peer_ids[STRANGER])

FRAME(arp, write_be16(frame + 12, 0x0806); write_be16(frame + 14, 1))
FRAME(vlan, memmove(frame + 16, frame + 12, *length - 12); write_be16(frame + 12, 0x8100);
      write_be16(frame + 14, 5); *length += 4)
FRAME(other_ethertype, write_be16(frame + 12, 0x88b5))
FRAME(ethertype_of_the_other, write_be16(frame + 12, frame[13] ? 0x0800 : 0x86dd))
FRAME(version_5, frame[14] = 0x55)
FRAME(says_more_than_there_is, *length -= 1)
FRAME(header_cut, other_ethertype(frame, length); *length = ETHERNET_LENGTH + 19)
FRAME(ip_of_19, if (frame[13] == 0) write_be16(frame + 16, 19); else frame[18] = 0xff)

#define SEALED ACTION_REDIRECT, VERDICT_SEALED
#define SHOT(verdict) ACTION_SHOT, VERDICT_##verdict

static const struct row rows[] = {
	{"as it should be", SEALED, .state = NULL},
	{"tunnel not in the map", SHOT(TUNNEL_DOWN), .state = no_tunnel},
	{"tunnel down", SHOT(TUNNEL_DOWN), .state = down},
	{"ARP", SHOT(NOT_IP), .frame = arp},
	{"VLAN tag", SHOT(NOT_IP), .frame = vlan},
	{"other ethertype", SHOT(NOT_IP), .frame = other_ethertype},
	{"ethertype of the other family", SHOT(NOT_IP), .frame = ethertype_of_the_other},
	{"IP version 5", SHOT(NOT_IP), .frame = version_5},
	{"IP longer than the frame", SHOT(NOT_IP), .frame = says_more_than_there_is},
	{"header cut", SHOT(NOT_IP), .frame = header_cut},
	{"IP length impossible", SHOT(NOT_IP), .frame = ip_of_19},
	{"destination of nobody", SHOT(NO_PEER), .packet = to_nobody},
	{"peer gone", SHOT(NO_PEER), .state = no_peer},
	{"peer of the other tunnel", SHOT(NO_PEER), .state = peer_of_other_tunnel},
	{"no endpoint", SHOT(NO_ENDPOINT), .state = no_endpoint},
	{"no endpoint, no ring", SHOT(NO_ENDPOINT), .state = no_ring_no_endpoint},
	{"over its limit", SHOT(OVER_LIMIT), .state = limit_used_up},
	{"one byte too big", SHOT(PACKET_TOO_BIG), .packet = larger_than_the_mtu},
	{"much too big", SHOT(PACKET_TOO_BIG), .packet = much_larger},
	{"no session", SHOT(STAGED), .state = no_session},
	{"no session, 1 420 bytes", SHOT(STAGED), .state = no_session,
	 .packet = as_large_as_the_mtu},
	{"longer prefix, whose peer has no session", SHOT(STAGED),
	 .packet = to_others_longer_prefix},
	{"session gone", SHOT(STAGED), .state = session_gone},
	{"session not confirmed", SHOT(STAGED), .state = next_is_current},
	{"session reserved", SHOT(STAGED), .state = reserved_is_current},
	{"session only receives", SHOT(STAGED), .state = stopped_is_current},
	{"session of another peer", SHOT(STAGED), .state = anothers_is_current},
	{"180 s old", SHOT(STAGED), .state = born_180_s_ago},
	{"out of messages", SHOT(STAGED), .state = out_of_messages},
	{"no session, no ring", SHOT(STAGE_FULL), .state = no_ring_no_session},
	{"interface not known", SHOT(SLOW_WAY), .state = no_interface_known},
	{"local address not known", SHOT(SLOW_WAY), .state = no_local_address},
	{"slow way, 1 420 bytes", SHOT(SLOW_WAY), .state = no_local_address,
	 .packet = as_large_as_the_mtu},
	{"slow way, CE and DSCP", SHOT(SLOW_WAY), .state = no_interface_known, .packet = ds_all},
	{"slow way, ECT(1)", SHOT(SLOW_WAY), .state = no_interface_known, .packet = ds_ect1},
	{"slow way, no ring", SHOT(NO_ROOM), .state = no_ring_no_interface},
	{"not segmented", SHOT(NO_ROOM), .state = is_not_segmented},
	{"not segmented, 1 420 bytes", SHOT(NO_ROOM), .state = is_not_segmented,
	 .packet = as_large_as_the_mtu},
	{"not segmented, larger than the MTU", SHOT(NO_ROOM), .state = is_not_segmented,
	 .packet = much_larger},
	{"not segmented, peer gone", SHOT(NO_ROOM), .state = is_not_segmented_no_peer},
	{"agent: not segmented", SHOT(NO_ROOM), .state = is_not_segmented, .by_agent = true},
	{"keepalive, not segmented", SHOT(NO_ROOM), .state = is_not_segmented, .packet = keepalive,
	 .by_agent = true},

	{"within its limit", SEALED, .state = limit_left},
	{"179 s old", SEALED, .state = born_179_s_ago},
	{"last message", SEALED, .state = last_message},
	{"counter above 2^32", SEALED, .state = counter_above_32_bits},
	{"2^60 messages", SEALED, .state = rekey_messages},
	{"more than 2^60 messages", SEALED, .state = rekey_messages_over},
	{"initiator, 120 s", SEALED, .state = initiator_120_s},
	{"initiator, 119 s", SEALED, .state = initiator_119_s},
	{"initiator, 120 s, told", SEALED, .state = initiator_told},
	{"responder, 120 s", SEALED, .state = responder_120_s},
	{"agent knows of data", SEALED, .state = told_of_data},
	{"sent before", SEALED, .state = sent_before},
	{"received since", SEALED, .state = received_since},
	{"no ring", SEALED, .state = no_ring},
	{"MTU", SEALED, .packet = as_large_as_the_mtu},
	{"padded to the MTU", SEALED, .packet = padded_to_the_mtu},
	{"1 297 bytes, route MTU 1 299", SEALED, .state = route_mtu, .packet = of_1297},
	{"1 299 bytes, route MTU 1 299", SEALED, .state = route_mtu, .packet = of_1299},
	{"1 300 bytes, route MTU 1 299", SEALED, .state = route_mtu, .packet = of_1300},
	{"1 283 bytes, route MTU 1 299", SEALED, .state = route_mtu, .packet = of_1283},
	{"1 297 bytes, four route MTUs", SEALED, .state = route_mtus, .packet = of_1297},
	{"1 299 bytes, four route MTUs", SEALED, .state = route_mtus, .packet = of_1299},
	{"1 300 bytes, four route MTUs", SEALED, .state = route_mtus, .packet = of_1300},
	{"1 283 bytes, four route MTUs", SEALED, .state = route_mtus, .packet = of_1283},
	{"hop limit of the route", SEALED, .state = route_of_33_hops},
	{"hop limit of the route, the greatest", SEALED, .state = route_of_255_hops},
	{"header only", SEALED, .packet = header_only},
	{"64 bytes", SEALED, .packet = of_64},
	{"65 bytes", SEALED, .packet = of_65},
	{"Ethernet padding", SEALED, .packet = with_ethernet_padding},
	{"long tail", SEALED, .packet = with_long_tail},
	{"CE and DSCP", SEALED, .packet = ds_all},
	{"ECT(0) and DSCP", SEALED, .packet = ds_ect0},
	{"ECT(1)", SEALED, .packet = ds_ect1},
	{"DSCP alone", SEALED, .packet = ds_no_ecn},
	{"mark of the stack", SEALED, .packet = has_a_mark},
	{"keepalive mark of the stack", SEALED, .packet = mark_of_keepalive},
	{"pass mark of the stack", SEALED, .packet = mark_of_pass},

	{"agent: staged packet", SEALED, .by_agent = true},
	{"agent: staged packet, mark", SEALED, .packet = has_a_mark, .by_agent = true},
	{"agent: passes on", ACTION_OK, VERDICT_COUNT, .packet = mark_of_pass, .by_agent = true},
	{"agent: passes on without tunnel", ACTION_OK, VERDICT_COUNT, .state = no_tunnel,
	 .packet = mark_of_pass, .by_agent = true},
	{"agent: no tunnel", SHOT(TUNNEL_DOWN), .state = no_tunnel, .by_agent = true},
	{"agent: down", SHOT(TUNNEL_DOWN), .state = down, .by_agent = true},
	{"agent: no session", SHOT(STAGED), .state = no_session, .by_agent = true},
	{"keepalive", SEALED, .packet = keepalive, .by_agent = true},
	{"keepalive, initiator, 120 s", SEALED, .state = initiator_120_s, .packet = keepalive,
	 .by_agent = true},
	{"keepalive, down", SHOT(TUNNEL_DOWN), .state = down, .packet = keepalive,
	 .by_agent = true},
	{"keepalive, no session", SHOT(EXPIRED), .state = no_session, .packet = keepalive,
	 .by_agent = true},
	{"keepalive, 180 s old", SHOT(EXPIRED), .state = born_180_s_ago, .packet = keepalive,
	 .by_agent = true},
	{"keepalive, no endpoint", SHOT(NO_ENDPOINT), .state = no_endpoint, .packet = keepalive,
	 .by_agent = true},
	{"keepalive, slow way", SHOT(SLOW_WAY), .state = no_interface_known, .packet = keepalive,
	 .by_agent = true},
	{"keepalive to nobody", SHOT(NO_PEER), .packet = keepalive_to_nobody, .by_agent = true},
	{"keepalive to another tunnel's", SHOT(NO_PEER), .packet = keepalive_to_stranger,
	 .by_agent = true},
};

bool tx_has_row(enum verdict verdict)
{
	for (uint32_t i = 0; i < COUNT(rows); i++)
		if (rows[i].verdict == verdict)
			return true;
	return false;
}

/* ---- running a row ------------------------------------------------------------------------------- */

static struct world world;
static struct state before, expected, actual;
static struct outcome wanted, got;

static void inner_init(struct inner *packet, uint8_t family)
{
	bool is_ipv4 = family == FAMILY_IPV4;

	*packet = (struct inner){
		.source = is_ipv4 ? our_inner_ipv4 : our_inner_ipv6,
		.destination = is_ipv4 ? inner_ipv4 : inner_ipv6,
		.length = 84,
	};
}

static uint32_t inner_frame(uint8_t *frame, const struct inner *packet)
{
	memcpy(frame, "\2\2\2\2\2\2\2\1\1\1\1\1", 12);
	write_be16(frame + 12, packet->source.family == FAMILY_IPV4 ? 0x0800 : 0x86dd);
	if (packet->keepalive_to) {
		memset(frame + ETHERNET_LENGTH, 0, 60 - ETHERNET_LENGTH);
		memcpy(frame + ETHERNET_LENGTH, &packet->keepalive_to, 4);
		return 60;
	}
	build_inner(frame + ETHERNET_LENGTH, &packet->source, &packet->destination, packet->length,
		    packet->ds, packet->seed);
	memset(frame + ETHERNET_LENGTH + packet->length, 0xee, packet->trailing);
	return ETHERNET_LENGTH + packet->length + packet->trailing;
}

static void run_row(const struct row *row, uint8_t outer, uint8_t family)
{
	static uint8_t frame[FRAME_MAX];
	struct inner packet;
	const char *what;
	uint32_t length;

	state_init(&before, outer);
	inner_init(&packet, family);
	if (row->state)
		row->state(&before);
	if (row->packet)
		row->packet(&packet);
	if (packet.keepalive_to)
		packet.mark = KEEPALIVE_MARK;
	length = inner_frame(frame, &packet);
	if (row->frame)
		row->frame(frame, &length);
	what = tx_as_modelled(&world, &before, row->by_agent, packet.mark, frame, length, &got);
	cr_expect(got.action == row->action && got.verdict == row->verdict,
		  "%s (IPv%u in IPv%u): action %d, %s, not %d, %s", row->name, family, outer,
		  got.action, verdict_or_none(got.verdict), row->action,
		  verdict_or_none(row->verdict));
	cr_expect_null(what, "%s (IPv%u in IPv%u): %s is not the model's", row->name, family, outer,
		       what);
}

Test(tx, table)
{
	WORLD_OPEN(&world);
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		run_row(&rows[i], FAMILY_IPV4, FAMILY_IPV4);
		run_row(&rows[i], FAMILY_IPV4, FAMILY_IPV6);
		run_row(&rows[i], FAMILY_IPV6, FAMILY_IPV4);
		run_row(&rows[i], FAMILY_IPV6, FAMILY_IPV6);
	}
	world_close(&world);
}

static void expect_sealed(uint32_t length, uint8_t outer, uint8_t family)
{
	static uint8_t frame[FRAME_MAX], text[FRAME_MAX];
	struct inner packet;
	const char *what;
	uint32_t offset;

	state_init(&before, outer);
	inner_init(&packet, family);
	packet.length = length;
	packet.seed = length;
	what = tx_as_modelled(&world, &before, false, 0, frame, inner_frame(frame, &packet), &got);
	cr_expect_null(what, "%u bytes of IPv%u in IPv%u: %s", length, family, outer, what);
	cr_assert_eq(got.verdict, VERDICT_SEALED, "%u bytes: %s", length,
		     verdict_or_none(got.verdict));
	/* without the model: what the peer would open */
	offset = ETHERNET_LENGTH + ip_header_length(outer) + UDP_LENGTH;
	cr_expect(open_message(text, got.frame + offset, got.length - offset,
			       &before.sessions[LIVE].sending_key),
		  "%u bytes", length);
	cr_expect_arr_eq(text, frame + ETHERNET_LENGTH, length);
	for (uint32_t i = length; i < got.length - offset - 32; i++)
		cr_expect_eq(text[i], 0);
}

Test(tx, every_inner_length)
{
	WORLD_OPEN(&world);
	for (uint32_t length = IPV4_LENGTH; length <= MTU; length++) {
		uint8_t family = length % 2 && length >= IPV6_LENGTH ? FAMILY_IPV6 : FAMILY_IPV4;

		expect_sealed(length, FAMILY_IPV4, family);
		expect_sealed(length, FAMILY_IPV6, family);
	}
	world_close(&world);
}

/* RFC 768: a sum of zero is sent as all ones. About one packet of 65 535 has it: the nonce is turned until the
 * model's does. */
static void expect_all_ones(uint8_t family)
{
	uint32_t length, counter, at = ETHERNET_LENGTH + ip_header_length(family) + 6;
	static uint8_t frame[FRAME_MAX];
	struct inner packet;
	const char *what;

	state_init(&before, family);
	inner_init(&packet, FAMILY_IPV4);
	packet.length = IPV4_LENGTH;
	length = inner_frame(frame, &packet);
	for (counter = 0; counter < 2000000; counter++) {
		expected = before;
		expected.sessions[LIVE].sending_counter = counter;
		model_tx(&expected, false, 0, frame, length, &wanted);
		if (read_be16(wanted.frame + at) == 0xffff)
			break;
	}
	before.sessions[LIVE].sending_counter = counter;
	what = tx_as_modelled(&world, &before, false, 0, frame, length, &got);
	cr_expect_null(what, "IPv%u: %s", family, what);
	cr_assert_eq(read_be16(got.frame + at), 0xffff, "IPv%u", family);
}

Test(tx, checksum_of_zero_is_sent_as_all_ones)
{
	WORLD_OPEN(&world);
	expect_all_ones(FAMILY_IPV4);
	expect_all_ones(FAMILY_IPV6);
	world_close(&world);
}

static void set_mtu_of_lo(int mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_mtu = mtu};

	cr_assert_eq(ioctl(fd, SIOCSIFMTU, &request), 0);
	close(fd);
}

Test(tx, larger_than_the_way_out_goes_by_the_socket)
{
	static uint8_t frame[FRAME_MAX];
	struct inner packet;

	WORLD_OPEN(&world);
	set_mtu_of_lo(1300);
	for (uint32_t length = 1180; length <= MTU; length++) {
		uint8_t family = length % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
		const char *what;

		state_init(&before, family);
		before.egress_mtu = 1300;
		inner_init(&packet, FAMILY_IPV4);
		packet.length = length;
		what = tx_as_modelled(&world, &before, false, 0, frame, inner_frame(frame, &packet),
				      &got);
		cr_expect_null(what, "%u bytes: %s", length, what);
		if (length == 1180 || length == MTU)
			cr_expect_eq(got.verdict,
				     length == MTU ? VERDICT_SLOW_WAY : VERDICT_SEALED);
	}
	world_close(&world);
}

/* The ring is the only memory there is; what finds it full is lost, counted, and tells nothing else. */
Test(tx, full_ring)
{
	static uint8_t frame[FRAME_MAX];
	struct inner packet;
	uint32_t length;

	WORLD_OPEN(&world);
	world_make_ring(&world, 4096);
	state_init(&before, FAMILY_IPV4);
	no_session(&before);
	world_load(&world, &before);
	inner_init(&packet, FAMILY_IPV4);
	length = inner_frame(frame, &packet);
	/* two records of 1 536 bytes and their heads fit 4 096; none of them is consumed */
	for (uint32_t i = 0; i < 4; i++) {
		ring_buffer__free(world.ring);
		world.ring = NULL;
		world_tx(&world, world.skeleton->progs.tx, 0, frame, length, &got);
		cr_expect_eq(got.verdict, i < 2 ? VERDICT_STAGED : VERDICT_STAGE_FULL, "%u: %s", i,
			     verdict_or_none(got.verdict));
	}
	world_close(&world);
}

/* ---- control ------------------------------------------------------------------------------------- */

/* The request changes the maps as `change` changes the state, and nothing else. */
static void expect_control(const char *name, const struct control_request *request, int result)
{
	const char *what;

	got.before = got.after = 0;
	world_load(&world, &before);
	cr_expect_eq(world_control(&world, request), result, "%s", name);
	world_read(&world, &before, &actual);
	what = state_difference(&before, &expected, &actual, &got);
	cr_expect_null(what, "%s: %s", name, what);
}

#define CONTROL(name, result, change, ...)                                                         \
	do {                                                                                       \
		const struct control_request request_ = {__VA_ARGS__};                             \
                                                                                                   \
		state_init(&before, FAMILY_IPV4);                                                  \
		before.peers[PEER].told = TOLD_DATA_SENT | TOLD_DATA_RECEIVED;                     \
		before.peers[PEER].received_bytes = 100;                                           \
		expected = before;                                                                 \
		change;                                                                            \
		expect_control(name, &request_, result);                                           \
	} while (0)

Test(control, peers)
{
	struct endpoint elsewhere = endpoint_of(&peer_ipv6, 99, &our_ipv6, 3);
	struct peer_value *peer = &expected.peers[PEER];

	WORLD_OPEN(&world);
	CONTROL("endpoint", CONTROL_DONE, peer->endpoint = elsewhere,
		.operation = CONTROL_SET_ENDPOINT, .peer = 7, .endpoint = elsewhere);
	CONTROL("current", CONTROL_DONE, peer->current_session = 5,
		.operation = CONTROL_SET_CURRENT, .peer = 7, .session = 5, .has_session = 1);
	CONTROL("no current", CONTROL_DONE, peer->current_session = peer->has_current_session = 0,
		.operation = CONTROL_SET_CURRENT, .peer = 7);
	CONTROL("told", CONTROL_DONE, peer->told = TOLD_DATA_SENT, .operation = CONTROL_CLEAR_TOLD,
		.peer = 7, .bits = TOLD_DATA_RECEIVED);
	CONTROL("bytes", CONTROL_DONE, peer->received_bytes = 248;
		peer->sent_bytes = 92, .operation = CONTROL_COUNT_BYTES, .peer = 7, .received = 148,
		.sent = 92);
	CONTROL("rules", CONTROL_DONE, peer->rules = PEER_STAYS; peer->limit.cost = 12;
		peer->limit.burst = 34, .operation = CONTROL_SET_RULES, .peer = 7,
		.bits = PEER_STAYS, .cost = 12, .burst = 34);
	CONTROL("no rules any more", CONTROL_DONE, peer->rules = 0; peer->limit.cost = 0;
		peer->limit.burst = 0, .operation = CONTROL_SET_RULES, .peer = 7);
	CONTROL("a rule that is none", CONTROL_BAD_REQUEST, , .operation = CONTROL_SET_RULES,
		.peer = 7, .bits = PEER_STAYS << 1, .cost = 12, .burst = 34);
	CONTROL("a limit below every packet", CONTROL_BAD_REQUEST, , .operation = CONTROL_SET_RULES,
		.peer = 7, .bits = PEER_STAYS, .cost = 12);
	CONTROL("rules for nobody", CONTROL_NOT_FOUND, , .operation = CONTROL_SET_RULES, .peer = 5,
		.bits = PEER_STAYS, .cost = 12, .burst = 34);
	CONTROL("no such peer", CONTROL_NOT_FOUND, , .operation = CONTROL_SET_ENDPOINT, .peer = 5);
	CONTROL("no such operation", CONTROL_BAD_REQUEST, , .operation = 99, .peer = 7);
	world_close(&world);
}

Test(control, sessions)
{
	struct transport_session *session = expected.sessions;

	WORLD_OPEN(&world);
	CONTROL("stop", CONTROL_DONE, session[LIVE].state = SESSION_RECEIVES_ONLY,
		.operation = CONTROL_STOP_SENDING, .session = session_indices[LIVE]);
	CONTROL("stop NEXT", CONTROL_DONE, session[NEXT].state = SESSION_RECEIVES_ONLY,
		.operation = CONTROL_STOP_SENDING, .session = session_indices[NEXT]);
	/* it has no keys, or zeros in their place: it must not open anything */
	CONTROL("stop RESERVED", CONTROL_BAD_REQUEST, , .operation = CONTROL_STOP_SENDING,
		.session = session_indices[RESERVED]);
	CONTROL("wipe", CONTROL_DONE, session[LIVE].state = SESSION_RESERVED;
		memset(&session[LIVE].sending_key, 0, 64), .operation = CONTROL_WIPE_SESSION,
		.session = session_indices[LIVE]);
	CONTROL("no such session", CONTROL_NOT_FOUND, , .operation = CONTROL_WIPE_SESSION,
		.session = 5);
	CONTROL("nor to stop", CONTROL_NOT_FOUND, , .operation = CONTROL_STOP_SENDING,
		.session = 5);
	world_close(&world);
}

/* ---- every verdict has a row --------------------------------------------------------------------- */

/* What is said of a handshake message by those who know its peer. */
static bool is_only_the_agents(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_COOKIE_DEMANDED:
	case VERDICT_UNKNOWN_PEER:
	case VERDICT_REPLAYED_INITIATION:
	case VERDICT_INITIATION_FLOOD:
	case VERDICT_BAD_COOKIE:
	case VERDICT_NO_INDEX:
	/* the kernel counts them */
	case VERDICT_QUEUE_FULL:
		return true;
	default:
		return false;
	}
}

Test(verdicts, each_has_a_row)
{
	for (enum verdict verdict = 0; verdict < VERDICT_COUNT; verdict++)
		cr_expect_neq(rx_has_row(verdict) || tx_has_row(verdict) || filter_has_row(verdict),
			      is_only_the_agents(verdict), "%s", verdict_or_none(verdict));
}
