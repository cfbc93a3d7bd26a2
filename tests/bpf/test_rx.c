/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_rx.c - the receive program, one row per case: what is changed of a good packet or of the maps, and the
 * action and verdict that follow. Each row runs for both outer and both inner families. Beside its row, all
 * bytes, counters, peers, sessions and events are held against model.h.
 */
#include <bpf/model.h>
#include <bpf/transport.h>
#include <wgxdp/wire.h>

struct row {
	const char *name;
	int action;
	enum verdict verdict;
	void (*state)(struct state *state);
	void (*packet)(struct transport *packet);
	/* the inner packet in the clear, and the finished frame */
	void (*inner)(uint8_t *inner);
	void (*frame)(uint8_t *frame, uint32_t *length);
};

static uint8_t *ip(uint8_t *frame)
{
	return frame + ETHERNET_LENGTH;
}

static bool is_ipv4(const uint8_t *frame)
{
	return frame[13] == 0;
}

static uint8_t *udp(uint8_t *frame)
{
	return ip(frame) + (is_ipv4(frame) ? IPV4_LENGTH : IPV6_LENGTH);
}

static uint8_t *message(uint8_t *frame)
{
	return udp(frame) + UDP_LENGTH;
}

/* One line each: the change that a row is about. */
#define STATE(name, change)                                                                        \
	static void name(struct state *state)                                                      \
	{                                                                                          \
		change;                                                                            \
	}
#define PACKET(name, change)                                                                       \
	static void name(struct transport *packet)                                                 \
	{                                                                                          \
		change;                                                                            \
	}
#define INNER(name, change)                                                                        \
	static void name(uint8_t *inner)                                                           \
	{                                                                                          \
		change;                                                                            \
	}
#define FRAME(name, change)                                                                        \
	static void name(uint8_t *frame, uint32_t *length)                                         \
	{                                                                                          \
		(void)frame, (void)length;                                                         \
		change;                                                                            \
	}

/* ---- not ours ------------------------------------------------------------------------------------ */

STATE(no_interface, state->has_interface = false)
STATE(no_tunnel, state->has_tunnel = false)
PACKET(other_mac, packet->outer.destination_mac[5] ^= 1)
PACKET(broadcast, memset(packet->outer.destination_mac, 0xff, 6))
PACKET(other_port, packet->outer.destination_port = PORT + 7)
PACKET(swapped_port, packet->outer.destination_port = (uint16_t)(PORT >> 8 | PORT << 8))
PACKET(other_address, packet->outer.destination.bytes[3] ^= 1)
PACKET(other_end_of_address,
       packet->outer.destination.bytes[packet->outer.source.family == FAMILY_IPV4 ? 3 : 15] ^= 2)
/* Bound to `count` addresses, of which the last is the one that packets of the row's family come to. */
static void bind_to(struct state *state, uint16_t count, int family, uint8_t flip)
{
	const struct address *ours = family == FAMILY_IPV4 ? &our_ipv4 : &our_ipv6;

	for (uint16_t i = 0; i < count; i++) {
		struct local_address_key *bound = &state->tunnel.bound_addresses[i];

		bound->family = (uint32_t)family;
		memcpy(bound->address, ours->bytes, sizeof(bound->address));
		bound->address[1] ^= i + 1 < count;
		bound->address[3] ^= flip;
	}
	state->tunnel.bound_count = count;
}

STATE(bound_here, bind_to(state, 1, state->peers[PEER].endpoint.family, 0))
STATE(bound_here_and_elsewhere,
      bind_to(state, BOUND_ADDRESSES_MAX, state->peers[PEER].endpoint.family, 0))
STATE(bound_elsewhere, bind_to(state, BOUND_ADDRESSES_MAX, state->peers[PEER].endpoint.family, 1))
STATE(bound_in_the_other_family,
      bind_to(state, 1, FAMILY_IPV4 + FAMILY_IPV6 - state->peers[PEER].endpoint.family, 0))
STATE(bound_to_the_same_bytes, bound_here(state);
      state->tunnel.bound_addresses[0].family = FAMILY_IPV4 + FAMILY_IPV6 -
						state->tunnel.bound_addresses[0].family)
STATE(other_tunnel_is_bound, bound_elsewhere(state);
      memcpy(state->other_tunnel.bound_addresses, state->tunnel.bound_addresses,
	     sizeof(state->tunnel.bound_addresses));
      state->other_tunnel.bound_count = 1; state->tunnel.bound_count = 0)
FRAME(vlan, memmove(frame + 16, frame + 12, *length - 12); write_be16(frame + 12, 0x8100);
      write_be16(frame + 14, 5); *length += 4)
FRAME(other_ethertype, write_be16(frame + 12, 0x88b5))
FRAME(family_of_the_other, write_be16(frame + 12, is_ipv4(frame) ? 0x86dd : 0x0800))
FRAME(version_5, ip(frame)[0] = 0x55)
FRAME(first_fragment, if (is_ipv4(frame)) ip(frame)[6] |= 0x20; else ip(frame)[6] = 44)
FRAME(later_fragment, if (is_ipv4(frame)) ip(frame)[7] = 1; else ip(frame)[6] = 44)
FRAME(options, if (is_ipv4(frame)) ip(frame)[0] = 0x46; else ip(frame)[6] = 0)
FRAME(short_header_length, if (is_ipv4(frame)) ip(frame)[0] = 0x44; else ip(frame)[6] = 60)
FRAME(tcp, ip(frame)[is_ipv4(frame) ? 9 : 6] = 6)
FRAME(type_1, message(frame)[0] = 1)
FRAME(type_2, message(frame)[0] = 2)
FRAME(type_3, message(frame)[0] = 3)
FRAME(type_0, message(frame)[0] = 0)
FRAME(type_5, message(frame)[0] = 5)
FRAME(reserved_not_zero, message(frame)[3] = 1)
FRAME(cut_in_ethernet, *length = ETHERNET_LENGTH)
FRAME(cut_in_ip, *length = (uint32_t)(udp(frame) - frame) - 1)
FRAME(cut_in_udp, *length = (uint32_t)(message(frame) - frame) - 1)
FRAME(cut_in_message, *length = (uint32_t)(message(frame) - frame) + 15)
FRAME(cut_in_text, *length -= 17)
FRAME(cut_by_one, *length -= 1)
FRAME(udp_length_7, write_be16(udp(frame) + 4, 7))
FRAME(udp_length_0, write_be16(udp(frame) + 4, 0))
FRAME(udp_beyond_ip, write_be16(udp(frame) + 4, read_be16(udp(frame) + 4) + 1))
FRAME(udp_with_15_bytes, write_be16(udp(frame) + 4, UDP_LENGTH + 15))
FRAME(ip_length_short, if (is_ipv4(frame)) write_be16(ip(frame) + 2, 19);
      else write_be16(ip(frame) + 4, 0))
FRAME(ip_beyond_frame, uint8_t *field = ip(frame) + (is_ipv4(frame) ? 2 : 4);
      write_be16(field, read_be16(field) + 1))
FRAME(both_beyond_frame, ip_beyond_frame(frame, length); udp_beyond_ip(frame, length))
FRAME(both_say_9100, write_be16(ip(frame) + (is_ipv4(frame) ? 2 : 4), 9200);
      write_be16(udp(frame) + 4, 9100))

/* ---- dropped ------------------------------------------------------------------------------------- */

STATE(down, state->tunnel.is_up = 0)
STATE(born_180_s_ago, state->sessions[LIVE].birth = world_time() - SECONDS(180))
STATE(born_179_s_ago, state->sessions[LIVE].birth = world_time() - SECONDS(179))
STATE(seen_it, state_accept(state, LIVE, 1000))
STATE(seen_9128, state_accept(state, LIVE, 9128))
STATE(seen_9129, state_accept(state, LIVE, 9129))
STATE(no_peer, state->has_peer[PEER] = false)
PACKET(last_counter, packet->counter = UINT64_MAX - 8193)
PACKET(one_counter_too_many, packet->counter = UINT64_MAX - 8192)
PACKET(greatest_counter, packet->counter = UINT64_MAX)
PACKET(counter_above_32_bits, packet->counter = UINT64_C(1) << 32 | 1000)
PACKET(unknown_index, packet->receiver_index ^= 1)
PACKET(reserved_index, transport_use_session(packet, RESERVED))
PACKET(strangers_index, transport_use_session(packet, STRANGERS))
PACKET(keepalive, packet->text_length = packet->inner_length = 0)
PACKET(wrong_key, packet->key.words[7] ^= 1)
FRAME(flip_tag, frame[*length - 1] ^= 0x80)
FRAME(flip_text, message(frame)[16 + 40] ^= 1)
FRAME(flip_counter, message(frame)[15] ^= 1)
FRAME(udp_31_bytes, write_be16(udp(frame) + 4, UDP_LENGTH + 31))
FRAME(udp_16_bytes, write_be16(udp(frame) + 4, UDP_LENGTH + 16))
FRAME(udp_one_byte_less, write_be16(udp(frame) + 4, read_be16(udp(frame) + 4) - 1))

PACKET(text_of_1, packet->text_length = 1)
PACKET(text_of_19, packet->text_length = 19)
PACKET(cut_inner_header, packet->text_length = ip_header_length(packet->inner_source.family) - 1)
PACKET(cut_inner, packet->text_length = packet->inner_length - 1)
INNER(inner_version_0, inner[0] &= 0x0f)
INNER(inner_version_5, inner[0] = 0x55)
INNER(inner_of_zeros, memset(inner, 0, 96))
INNER(inner_length_beyond_text, write_be16(inner + (inner[0] >> 4 == 4 ? 2 : 4), 97))
INNER(inner_length_of_19, if (inner[0] >> 4 == 4) write_be16(inner + 2, 19);
      else write_be16(inner + 4, 0xffff))
PACKET(nobodys_source, packet->inner_source = packet->inner_source.family == FAMILY_IPV4
						      ? nobodys_ipv4
						      : nobodys_ipv6)
PACKET(others_source, packet->inner_source = packet->inner_source.family == FAMILY_IPV4
						     ? other_inner_ipv4
						     : other_inner_ipv6)
PACKET(refused_and_roams, others_source(packet); packet->outer.source_port = 1)

/* ---- checksums: of what would move the endpoint ---------------------------------------------------------- */

static uint32_t pseudo_header(uint8_t *frame)
{
	uint32_t addresses = is_ipv4(frame) ? 8 : 32;

	return checksum_add(17 + read_be16(udp(frame) + 4), udp(frame) - addresses, addresses);
}

static void sum_pseudo_header_only(uint8_t *frame, uint32_t *length)
{
	(void)length;
	write_be16(udp(frame) + 6, (uint16_t)~checksum_fold(pseudo_header(frame)));
}

static void sum_ip_header(uint8_t *frame, uint32_t *length)
{
	(void)length;
	if (!is_ipv4(frame))
		return;
	write_be16(ip(frame) + 10, 0);
	write_be16(ip(frame) + 10, checksum_fold(checksum_add(0, ip(frame), IPV4_LENGTH)));
}

static void sum_all(uint8_t *frame, uint32_t *length)
{
	uint32_t covered = read_be16(udp(frame) + 4);
	uint16_t checksum;

	sum_ip_header(frame, length);
	write_be16(udp(frame) + 6, 0);
	checksum = checksum_fold(checksum_add(pseudo_header(frame), udp(frame), covered));
	write_be16(udp(frame) + 6, checksum ? checksum : 0xffff);
}

FRAME(damaged_port, udp(frame)[1] ^= 0x10)
FRAME(damaged_address, ip(frame)[is_ipv4(frame) ? 15 : 23] ^= 4)
FRAME(damaged_address_of_a_device, sum_pseudo_header_only(frame, length);
      damaged_address(frame, length); sum_ip_header(frame, length))
FRAME(damaged_address_under_a_new_header, damaged_address(frame, length);
      sum_ip_header(frame, length))
/* over IPv6 the sum is needed, over IPv4 the header's own still tells */
FRAME(damaged_address_and_no_sum, if (is_ipv4(frame)) damaged_address(frame, length);
      write_be16(udp(frame) + 6, 0))
FRAME(damaged_header_and_no_sum, if (is_ipv4(frame)) ip(frame)[1] ^= 1;
      write_be16(udp(frame) + 6, 0))
FRAME(damaged_sum, udp(frame)[6] ^= 0x80)
FRAME(other_port_in_the_clear, damaged_port(frame, length); sum_all(frame, length))
FRAME(no_sums_as_the_agent_has_them, write_be16(udp(frame) + 6, 0);
      if (is_ipv4(frame)) write_be16(ip(frame) + 10, 0))
FRAME(forged_with_a_sum, flip_tag(frame, length); sum_all(frame, length))

/* ---- many in one datagram, as generic mode may see them ------------------------------------------------ */

/* The text is another's than the tag says, and nobody has computed the checksum. */
static void bundle(uint8_t *frame, uint32_t *length)
{
	flip_text(frame, length);
	sum_pseudo_header_only(frame, length);
}

/* ---- delivered ----------------------------------------------------------------------------------- */

STATE(injection, state->interface.is_injection = 1)
STATE(generic_mode, state->interface.is_generic = 1)
STATE(address_elsewhere, state->addresses_on = 2)
STATE(generic_address_elsewhere, generic_mode(state); address_elsewhere(state))
STATE(generic_injection, generic_address_elsewhere(state); injection(state))
STATE(limit_used_up, state->peers[PEER].limit.cost = 1 << RATE_COST_SHIFT;
      state->peers[PEER].limit.received_until = world_time() + SECONDS(60);
      state->peers[PEER].limit.burst = SECONDS(1))
STATE(limit_left, state->peers[PEER].limit.cost = 3 << RATE_COST_SHIFT >> 1;
      state->peers[PEER].limit.received_until = world_time() + SECONDS(60);
      state->peers[PEER].limit.burst = SECONDS(120))
STATE(stays, state->peers[PEER].rules = PEER_STAYS)
STATE(told_everything, state->peers[PEER].told = TOLD_DATA_RECEIVED)
STATE(sent_before, state->peers[PEER].notes.last_sent = world_time())
STATE(received_before, state->peers[PEER].notes.first_data_received =
			       state->peers[PEER].notes.last_data_received = world_time())
STATE(initiator_165_s, state->sessions[LIVE].i_am_the_initiator = 1;
      state->sessions[LIVE].birth = world_time() - SECONDS(165))
STATE(initiator_164_s, state->sessions[LIVE].i_am_the_initiator = 1;
      state->sessions[LIVE].birth = world_time() - SECONDS(164))
STATE(initiator_told, initiator_165_s(state); state->sessions[LIVE].told = TOLD_REKEY_ON_RECEIVE)
STATE(hop_limit_known, state->peers[PEER].endpoint.hop_limit = 33)
STATE(no_endpoint, memset(&state->peers[PEER].endpoint, 0, sizeof(struct endpoint)))
STATE(stays_when_known, no_endpoint(state); stays(state))
STATE(no_ring, state->has_ring = false)
STATE(leaves_elsewhere, state->peers[PEER].endpoint.ifindex = 5)
STATE(heard_elsewhere, state->peers[PEER].endpoint.local_address[3] ^= 1)
PACKET(next, transport_use_session(packet, NEXT))
PACKET(receives_only, transport_use_session(packet, RECEIVES_ONLY))
STATE(stopped_165_s, state->sessions[RECEIVES_ONLY].i_am_the_initiator = 1;
      state->sessions[RECEIVES_ONLY].birth = world_time() - SECONDS(165))
PACKET(keepalive_of_next, next(packet); keepalive(packet))
PACKET(next_refused, next(packet); others_source(packet))
PACKET(other_source_port, packet->outer.source_port ^= 1)
PACKET(other_source, packet->outer.source.bytes[3] ^= 1)
PACKET(keepalive_roams, keepalive(packet); other_source(packet))
PACKET(not_padded, packet->text_length = packet->inner_length = 85)
PACKET(padded_a_lot, packet->text_length = 1420)
PACKET(four_above_the_mtu, packet->text_length = packet->inner_length = MTU + 4)
PACKET(five_above_the_mtu, packet->text_length = packet->inner_length = MTU + 5)
PACKET(header_only, packet->inner_length = ip_header_length(packet->inner_source.family);
       packet->text_length = packet->inner_length)
PACKET(trailing, packet->trailing = 9)
PACKET(ce_on_not_ect, packet->outer.ds = 3; packet->inner_ds = 0xb8)
PACKET(ce_on_ect1, packet->outer.ds = 3; packet->inner_ds = 0xb9)
PACKET(ce_on_ect0, packet->outer.ds = 3; packet->inner_ds = 2)
PACKET(ce_on_ce, packet->outer.ds = 3; packet->inner_ds = 3)
PACKET(ect1_on_ect0, packet->outer.ds = 1; packet->inner_ds = 2)
PACKET(dscp_stays_outside, packet->outer.ds = 0xb8; packet->inner_ds = 0)
PACKET(no_udp_checksum, packet->outer.without_checksum = packet->outer.source.family == FAMILY_IPV4)
FRAME(shorter_udp_than_ip, uint8_t *field = ip(frame) + (is_ipv4(frame) ? 2 : 4);
      write_be16(field, read_be16(field) + 3); *length += 3)
PACKET(roams_without_sum, no_udp_checksum(packet); other_source(packet))
PACKET(roams_with_odd_bytes, not_padded(packet); other_source_port(packet))
FRAME(longer_ip_summed, shorter_udp_than_ip(frame, length); sum_ip_header(frame, length))
FRAME(dont_fragment, if (is_ipv4(frame)) ip(frame)[6] = 0x40; else ip(frame)[3] = 0x77)

#define PASS XDP_PASS, VERDICT_COUNT
#define DROP(verdict) XDP_DROP, VERDICT_##verdict
#define DELIVER XDP_REDIRECT, VERDICT_DELIVERED

static const struct row rows[] = {
	{"interface not in the map", PASS, .state = no_interface},
	{"tunnel not in the map", PASS, .state = no_tunnel},
	{"other MAC", PASS, .packet = other_mac},
	{"broadcast MAC", PASS, .packet = broadcast},
	{"other port", PASS, .packet = other_port},
	{"port in the other byte order", PASS, .packet = swapped_port},
	{"address of somebody else", PASS, .packet = other_address},
	{"address of a neighbour", PASS, .packet = other_end_of_address},
	{"bound to other addresses", PASS, .state = bound_elsewhere},
	{"bound in the other family", PASS, .state = bound_in_the_other_family},
	{"bound to the same bytes of the other family", PASS, .state = bound_to_the_same_bytes},
	{"VLAN tag", PASS, .frame = vlan},
	{"other ethertype", PASS, .frame = other_ethertype},
	{"ethertype of the other family", PASS, .frame = family_of_the_other},
	{"IP version 5", PASS, .frame = version_5},
	{"first fragment", PASS, .frame = first_fragment},
	{"later fragment", PASS, .frame = later_fragment},
	{"options, extension headers", PASS, .frame = options},
	{"IPv4 header of 16 bytes, destination options", PASS, .frame = short_header_length},
	{"TCP", PASS, .frame = tcp},
	{"Ethernet header only", PASS, .frame = cut_in_ethernet},
	{"IP header cut", PASS, .frame = cut_in_ip},
	{"UDP header cut", PASS, .frame = cut_in_udp},
	{"message header cut", PASS, .frame = cut_in_message},
	{"frame ends within the text", PASS, .frame = cut_in_text},
	{"last byte missing", PASS, .frame = cut_by_one},
	{"UDP length 7", PASS, .frame = udp_length_7},
	{"UDP length 0", PASS, .frame = udp_length_0},
	{"UDP longer than IP says", PASS, .frame = udp_beyond_ip},
	{"IP shorter than its header", PASS, .frame = ip_length_short},
	{"IP longer than the frame", PASS, .frame = ip_beyond_frame},
	{"UDP and IP longer than the frame", PASS, .frame = both_beyond_frame},
	{"UDP and IP say 9 100 bytes", PASS, .frame = both_say_9100},

	{"type 1", DROP(TOO_SHORT), .frame = type_1},
	{"type 2", DROP(TOO_LONG), .frame = type_2},
	{"type 3", DROP(TOO_LONG), .frame = type_3},
	{"type 0", DROP(UNKNOWN_TYPE), .frame = type_0},
	{"type 5", DROP(UNKNOWN_TYPE), .frame = type_5},
	{"reserved bytes not zero", DROP(UNKNOWN_TYPE), .frame = reserved_not_zero},
	{"UDP payload of 15", DROP(TOO_SHORT), .frame = udp_with_15_bytes},
	{"UDP payload of 16", DROP(TOO_SHORT), .frame = udp_16_bytes},
	{"UDP payload of 31", DROP(TOO_SHORT), .frame = udp_31_bytes},
	{"tunnel down", DROP(TUNNEL_DOWN), .state = down},
	{"unknown index", DROP(UNKNOWN_INDEX), .packet = unknown_index},
	{"index of a handshake, key zero", DROP(UNKNOWN_INDEX), .packet = reserved_index},
	{"peer gone", DROP(UNKNOWN_INDEX), .state = no_peer},
	{"session of the other tunnel", DROP(WRONG_TUNNEL), .packet = strangers_index},
	{"180 s old", DROP(EXPIRED), .state = born_180_s_ago},
	{"out of messages", DROP(EXPIRED), .packet = one_counter_too_many},
	{"greatest counter", DROP(EXPIRED), .packet = greatest_counter},
	{"tag wrong", DROP(BAD_TAG), .frame = flip_tag},
	{"text wrong", DROP(BAD_TAG), .frame = flip_text},
	{"counter wrong", DROP(BAD_TAG), .frame = flip_counter},
	{"key wrong", DROP(BAD_TAG), .packet = wrong_key},
	{"UDP length one less", DROP(BAD_TAG), .frame = udp_one_byte_less},
	{"forged on NEXT", DROP(BAD_TAG), .packet = next, .frame = flip_tag},
	{"forged, from elsewhere", DROP(BAD_TAG), .packet = other_source,
	 .frame = forged_with_a_sum},
	{"tag wrong, from elsewhere", DROP(BAD_CHECKSUM), .packet = other_source,
	 .frame = flip_tag},
	{"text wrong, from elsewhere", DROP(BAD_CHECKSUM), .packet = other_source,
	 .frame = flip_text},
	{"port damaged", DROP(BAD_CHECKSUM), .frame = damaged_port},
	{"address damaged", DROP(BAD_CHECKSUM), .frame = damaged_address},
	{"address damaged, IPv4 header summed anew", DROP(BAD_CHECKSUM),
	 .frame = damaged_address_under_a_new_header},
	{"address damaged, sum left to a device", DROP(BAD_CHECKSUM),
	 .frame = damaged_address_of_a_device},
	{"address damaged, no sum", DROP(BAD_CHECKSUM), .packet = other_source,
	 .frame = damaged_address_and_no_sum},
	{"IPv4 header damaged, no sum", DROP(BAD_CHECKSUM), .packet = other_source,
	 .frame = damaged_header_and_no_sum},
	{"sum damaged, from elsewhere", DROP(BAD_CHECKSUM), .packet = other_source,
	 .frame = damaged_sum},
	{"port damaged, keepalive", DROP(BAD_CHECKSUM), .packet = keepalive, .frame = damaged_port},
	{"port damaged, on NEXT", DROP(BAD_CHECKSUM), .packet = next, .frame = damaged_port},
	{"port damaged, replayed", DROP(BAD_CHECKSUM), .state = seen_it, .frame = damaged_port},
	{"port damaged, no endpoint yet", DROP(BAD_CHECKSUM), .state = no_endpoint,
	 .frame = damaged_port},
	{"port damaged, no endpoint yet, but would stay", DROP(BAD_CHECKSUM),
	 .state = stays_when_known, .frame = damaged_port},
	{"sum damaged, heard on another address", DROP(BAD_CHECKSUM), .state = heard_elsewhere,
	 .frame = damaged_sum},
	{"port damaged, generic mode", DROP(BAD_CHECKSUM), .state = generic_mode,
	 .frame = damaged_port},
	{"replayed", DROP(REPLAYED), .state = seen_it},
	{"replayed, from elsewhere", DROP(REPLAYED), .state = seen_it, .packet = other_source},
	{"8 129 behind", DROP(REPLAYED), .state = seen_9129},
	{"keepalive", DROP(KEEPALIVE), .packet = keepalive},
	{"keepalive on NEXT", DROP(KEEPALIVE), .packet = keepalive_of_next},
	{"keepalive roams", DROP(KEEPALIVE), .packet = keepalive_roams},
	{"text of 1", DROP(INNER_MALFORMED), .packet = text_of_1},
	{"text of 19", DROP(INNER_MALFORMED), .packet = text_of_19},
	{"inner header cut", DROP(INNER_MALFORMED), .packet = cut_inner_header},
	{"inner longer than the text", DROP(INNER_MALFORMED), .packet = cut_inner},
	{"inner version 0", DROP(INNER_MALFORMED), .inner = inner_version_0},
	{"inner version 5", DROP(INNER_MALFORMED), .inner = inner_version_5},
	{"inner zeros", DROP(INNER_MALFORMED), .inner = inner_of_zeros},
	{"inner length a lie", DROP(INNER_MALFORMED), .inner = inner_length_beyond_text},
	{"inner length impossible", DROP(INNER_MALFORMED), .inner = inner_length_of_19},
	{"over its limit", DROP(OVER_LIMIT), .state = limit_used_up},
	{"nobody's source", DROP(SOURCE_REFUSED), .packet = nobodys_source},
	{"source of another's longer prefix", DROP(SOURCE_REFUSED), .packet = others_source},
	{"source refused on NEXT", DROP(SOURCE_REFUSED), .packet = next_refused},
	{"source refused, roams all the same", DROP(SOURCE_REFUSED), .packet = refused_and_roams},

	{"as it should be", DELIVER, .state = NULL},
	{"bound to this address", DELIVER, .state = bound_here},
	{"bound to this address and others", DELIVER, .state = bound_here_and_elsewhere},
	{"the other tunnel is bound", DELIVER, .state = other_tunnel_is_bound},
	{"179 s old", DELIVER, .state = born_179_s_ago},
	{"last counter", DELIVER, .packet = last_counter},
	{"counter above 2^32", DELIVER, .packet = counter_above_32_bits, .state = seen_it},
	{"8 128 behind", DELIVER, .state = seen_9128},
	{"from the agent, MAC not ours", DELIVER, .state = injection, .packet = other_mac},
	{"within its limit", DELIVER, .state = limit_left},
	{"from elsewhere, and stays where it was", DELIVER, .state = stays, .packet = other_source},
	{"in generic mode", DELIVER, .state = generic_mode},
	{"address of another interface", DELIVER, .state = address_elsewhere},
	{"in generic mode, address of another interface", PASS, .state = generic_address_elsewhere},
	{"injected in generic mode", DELIVER, .state = generic_injection},
	{"many in one, generic mode", PASS, .state = generic_mode, .frame = bundle},
	{"many in one, native mode", DROP(BAD_TAG), .frame = bundle},
	{"many in one, generic mode, from elsewhere", PASS, .state = generic_mode,
	 .packet = other_source, .frame = bundle},
	{"many in one, injected", DROP(BAD_TAG), .state = generic_injection, .frame = bundle},
	{"forged in generic mode", DROP(BAD_TAG), .state = generic_mode, .frame = flip_text},
	{"from the agent, roams", DELIVER, .state = injection, .packet = other_source},
	{"agent knows of data", DELIVER, .state = told_everything},
	{"after something sent", DELIVER, .state = sent_before},
	{"after something received", DELIVER, .state = received_before},
	{"initiator, 165 s", DELIVER, .state = initiator_165_s},
	{"initiator, 164 s", DELIVER, .state = initiator_164_s},
	{"initiator, 165 s, told", DELIVER, .state = initiator_told},
	{"first endpoint", DELIVER, .state = no_endpoint},
	{"nobody listens to events", DELIVER, .state = no_ring},
	{"way back is another interface", DELIVER, .state = leaves_elsewhere},
	{"another address of ours", DELIVER, .state = heard_elsewhere},
	{"session that only receives", DELIVER, .packet = receives_only},
	{"session that only receives, 165 s", DELIVER, .state = stopped_165_s,
	 .packet = receives_only},
	{"NEXT becomes current", DELIVER, .packet = next},
	{"roams to a port", DELIVER, .packet = other_source_port},
	{"roams to an address", DELIVER, .packet = other_source},
	{"roams, sum of odd bytes", DELIVER, .packet = roams_with_odd_bytes},
	{"roams, IP longer than UDP", DELIVER, .packet = other_source, .frame = longer_ip_summed},
	{"roams, no sum over IPv4", DELIVER, .packet = roams_without_sum},
	{"roams, sum left to a device", DELIVER, .packet = other_source,
	 .frame = sum_pseudo_header_only},
	{"roams, port not in the sum left to a device", DELIVER, .packet = other_source_port,
	 .frame = sum_pseudo_header_only},
	{"roams, summed anew", DELIVER, .frame = other_port_in_the_clear},
	{"roams, no sums, from the agent", DELIVER, .state = injection, .packet = other_source,
	 .frame = no_sums_as_the_agent_has_them},
	{"port damaged, but stays", DELIVER, .state = stays, .frame = damaged_port},
	{"sum damaged, from where it was", DELIVER, .frame = damaged_sum},
	{"sum damaged, way back is another interface", DELIVER, .state = leaves_elsewhere,
	 .frame = damaged_sum},
	{"a hop limit is no part of the place", DELIVER, .state = hop_limit_known},
	{"roams, and keeps its hop limit", DELIVER, .state = hop_limit_known,
	 .packet = other_source},
	{"4 bytes above the MTU", DELIVER, .packet = four_above_the_mtu},
	{"5 bytes above the MTU", DROP(PACKET_TOO_BIG), .packet = five_above_the_mtu},
	{"no padding", DELIVER, .packet = not_padded},
	{"padded to 1 420", DELIVER, .packet = padded_a_lot},
	{"inner header only", DELIVER, .packet = header_only},
	{"Ethernet padding", DELIVER, .packet = trailing},
	{"CE on not-ECT", DELIVER, .packet = ce_on_not_ect},
	{"CE on ECT(1)", DELIVER, .packet = ce_on_ect1},
	{"CE on ECT(0)", DELIVER, .packet = ce_on_ect0},
	{"CE on CE", DELIVER, .packet = ce_on_ce},
	{"ECT(1) on ECT(0)", DELIVER, .packet = ect1_on_ect0},
	{"outer DSCP", DELIVER, .packet = dscp_stays_outside},
	{"no UDP checksum", DELIVER, .packet = no_udp_checksum},
	{"IP longer than UDP", DELIVER, .frame = shorter_udp_than_ip},
	{"DF, flow label", DELIVER, .frame = dont_fragment},
};

bool rx_has_row(enum verdict verdict)
{
	for (uint32_t i = 0; i < COUNT(rows); i++)
		if (rows[i].verdict == verdict)
			return true;
	return false;
}

/* ---- running a row ------------------------------------------------------------------------------- */

static struct world world;
static struct state before;
static struct outcome got;

static void run_row(const struct row *row, uint8_t outer, uint8_t inner)
{
	static uint8_t frame[FRAME_MAX];
	struct transport packet;
	const char *what;
	uint32_t length;

	state_init(&before, outer);
	transport_init(&packet, &before, outer, inner);
	if (row->state)
		row->state(&before);
	if (row->packet)
		row->packet(&packet);
	length = transport_build(frame, &packet, row->inner);
	if (row->frame)
		row->frame(frame, &length);

	what = rx_as_modelled(&world, &before, frame, length, &got);
	cr_expect(got.action == row->action && got.verdict == row->verdict,
		  "%s (IPv%u in IPv%u): action %d, %s, not %d, %s", row->name, inner, outer,
		  got.action, verdict_or_none(got.verdict), row->action,
		  verdict_or_none(row->verdict));
	cr_expect_null(what, "%s (IPv%u in IPv%u): %s is not the model's", row->name, inner, outer,
		       what);
}

Test(rx, table)
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

/* Every inner length there is, from an IP header to the MTU, padded and not. */
static void run_length(uint32_t length, uint8_t family)
{
	static uint8_t frame[FRAME_MAX];
	struct transport packet;
	const char *what;
	uint32_t frame_length;

	state_init(&before, family);
	transport_init(&packet, &before, family, length % 2 ? FAMILY_IPV4 : FAMILY_IPV6);
	if (length < IPV6_LENGTH)
		transport_init(&packet, &before, family, FAMILY_IPV4);
	packet.inner_length = length;
	packet.text_length = length % 3 ? (length + 15) / 16 * 16 : length;
	if (packet.text_length > MTU)
		packet.text_length = MTU;
	packet.seed = length;
	/* and so is the sum of every length right */
	other_source(&packet);
	frame_length = transport_build(frame, &packet, NULL);
	what = rx_as_modelled(&world, &before, frame, frame_length, &got);
	cr_expect_null(what, "%u bytes over IPv%u: %s", length, family, what);
	cr_expect_eq(got.verdict, VERDICT_DELIVERED, "%u bytes over IPv%u", length, family);
}

Test(rx, every_inner_length)
{
	WORLD_OPEN(&world);
	for (uint32_t length = IPV4_LENGTH; length <= MTU; length++) {
		run_length(length, FAMILY_IPV4);
		run_length(length, FAMILY_IPV6);
	}
	world_close(&world);
}
