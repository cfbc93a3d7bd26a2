/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_filter.c - handshake messages at the receive program, one row per case, for both outer families: what is
 * changed of a good message or of the maps, and the action and verdict that follow; and all of it against
 * model.h, which asks the agent's code. Random ones are in test_differential.c.
 */
#include <bpf/handshakes.h>
#include <bpf/model.h>

struct row {
	const char *name;
	enum message_type type;
	int action;
	enum verdict verdict;
	void (*state)(struct state *state);
	void (*choose)(struct handshake *handshake);
	void (*frame)(uint8_t *message);
};

#define STATE(name, change)                                                                        \
	static void name(struct state *state)                                                      \
	{                                                                                          \
		change;                                                                            \
	}
#define CHOOSE(name, change)                                                                       \
	static void name(struct handshake *handshake)                                              \
	{                                                                                          \
		change;                                                                            \
	}
#define FRAME(name, change)                                                                        \
	static void name(uint8_t *message)                                                         \
	{                                                                                          \
		change;                                                                            \
	}

STATE(down, state->tunnel.is_up = 0)
STATE(no_key, state_set_identity(&state->tunnel, NULL))
STATE(other_key, state_set_identity(&state->tunnel, other_private_key))
STATE(no_interface, state->has_interface = false)
STATE(injection, state->interface.is_injection = 1)
STATE(generic_mode, state->interface.is_generic = 1)
STATE(wiped, state->sessions[LIVE].state = SESSION_RESERVED)
STATE(strangers_handshake, state->sessions[STRANGERS].state = SESSION_RESERVED)

/* Under load, with cookies that are ten seconds old; what is spent is spent for long. */
#define LOAD(state)                                                                                \
	(state_set_cookies(state, world_time() - SECONDS(10)),                                     \
	 (state)->load.until = world_time() + SECONDS(100))
#define SPENT (world_time() + SECONDS(100))
STATE(load, LOAD(state))
STATE(load_without_secret, LOAD(state); state->tunnel.cookie_birth = 0)
STATE(rare_spent, LOAD(state); state->load.spent_on_rare = SPENT)
STATE(frequent_spent, LOAD(state); state->load.spent_on_frequent = SPENT)
STATE(source_spent, LOAD(state); state->spent_without = SPENT)
STATE(source_and_rare_spent, source_spent(state); state->load.spent_on_rare = SPENT)
STATE(source_and_frequent_spent, source_spent(state); state->load.spent_on_frequent = SPENT)
STATE(old_secret_all_spent, source_and_frequent_spent(state);
      state->tunnel.cookie_birth = world_time() - SECONDS(121))
STATE(young_secret_all_spent, source_and_frequent_spent(state);
      state->tunnel.cookie_birth = world_time() - SECONDS(119))
STATE(proved_source_spent, LOAD(state); state->spent_with_cookie = SPENT)
STATE(all_but_proved_spent, source_and_frequent_spent(state); state->load.spent_on_rare = SPENT)

STATE(load_is_over, all_but_proved_spent(state); state->load.until = world_time())

CHOOSE(cookie, handshake->has_cookie = true)
CHOOSE(others_cookie, handshake->has_others_cookie = true)
CHOOSE(cookie_and_other_key, handshake->has_cookie = true;
       handshake->private_key = other_private_key)
CHOOSE(for_the_other, handshake->private_key = other_private_key)
CHOOSE(for_nobody, handshake->private_key = no_private_key)
CHOOSE(to_the_others_port, handshake->outer.destination_port = OTHER_PORT)
CHOOSE(for_the_other_at_its_port, for_the_other(handshake); to_the_others_port(handshake))
CHOOSE(to_no_port_of_ours, handshake->outer.destination_port = PORT + 7)
CHOOSE(other_mac, handshake->outer.destination_mac[5] ^= 1)
CHOOSE(other_address, handshake->outer.destination.bytes[3] ^= 1)
CHOOSE(empty, handshake->length = 0)
CHOOSE(three_bytes, handshake->length = 3)
CHOOSE(four_bytes, handshake->length = 4)
CHOOSE(one_less, handshake->length--)
CHOOSE(one_more, handshake->length++)
CHOOSE(as_long_as_a_response, handshake->length = 92)
CHOOSE(trailing, handshake->trailing = 11)
CHOOSE(no_such_index, handshake->receiver_index ^= 1)
CHOOSE(index_0, handshake->receiver_index = 0)
CHOOSE(live_index, handshake->receiver_index = session_indices[LIVE])
CHOOSE(next_index, handshake->receiver_index = session_indices[NEXT])
CHOOSE(strangers_index, handshake->receiver_index = session_indices[STRANGERS])
CHOOSE(without_checksum,
       handshake->outer.without_checksum = handshake->outer.source.family == FAMILY_IPV4)
CHOOSE(from_elsewhere, handshake->outer.source_port = 9; handshake->outer.source.bytes[2] ^= 7)

FRAME(type_0, message[0] = 0)
FRAME(type_5, message[0] = 5)
FRAME(type_255, message[0] = 255)
FRAME(type_4, message[0] = 4)
FRAME(reserved_1, message[1] = 1)
FRAME(reserved_3, message[3] = 0x80)
FRAME(flip_sender, message[4] ^= 1)
FRAME(flip_before_mac1_of_1, message[115] ^= 0x80)
FRAME(first_of_mac1_of_1, message[116] ^= 1)
FRAME(last_of_mac1_of_1, message[131] ^= 0x80)
FRAME(mac1_of_1_zero, memset(message + 116, 0, 16))
FRAME(flip_mac2_of_1, message[147] ^= 1)
FRAME(flip_first_of_mac2, message[132] ^= 1)
FRAME(flip_before_mac1_of_2, message[59] ^= 0x80)
FRAME(first_of_mac1_of_2, message[60] ^= 1)
FRAME(eighth_of_mac1_of_2, message[67] ^= 0x10)
FRAME(ninth_of_mac1_of_2, message[68] ^= 1)
FRAME(last_of_mac1_of_2, message[75] ^= 0x80)
FRAME(flip_mac2_of_2, message[76] ^= 1)
FRAME(flip_cookie, message[63] ^= 1)

#define PASS XDP_PASS, VERDICT_COUNT
#define DROP(verdict) XDP_DROP, VERDICT_##verdict
#define INITIATION MESSAGE_HANDSHAKE_INITIATION
#define RESPONSE MESSAGE_HANDSHAKE_RESPONSE
#define COOKIE MESSAGE_HANDSHAKE_COOKIE

static const struct row rows[] = {
	{"initiation", INITIATION, PASS, .state = NULL},
	{"response", RESPONSE, PASS, .state = NULL},
	{"cookie reply", COOKIE, PASS, .state = NULL},
	{"initiation, from elsewhere", INITIATION, PASS, .choose = from_elsewhere},
	{"initiation, Ethernet padding", INITIATION, PASS, .choose = trailing},
	{"initiation, no UDP checksum", INITIATION, PASS, .choose = without_checksum},
	{"initiation in generic mode", INITIATION, PASS, .state = generic_mode},
	{"initiation, mac2 of nothing", INITIATION, PASS, .frame = flip_mac2_of_1},
	{"response, mac2 of nothing", RESPONSE, PASS, .frame = flip_mac2_of_2},
	{"cookie reply, not authentic", COOKIE, PASS, .frame = flip_cookie},
	{"cookie reply to a response of ours", COOKIE, PASS, .choose = next_index},
	{"cookie reply, index of a session", COOKIE, PASS, .choose = live_index},
	{"response to a session being wiped", RESPONSE, PASS, .state = wiped, .choose = live_index},
	{"to the other tunnel", INITIATION, PASS, .choose = for_the_other_at_its_port},

	{"load, no cookie", INITIATION, PASS, .state = load},
	{"load, cookie", INITIATION, PASS, .state = load, .choose = cookie},
	{"load is over", INITIATION, PASS, .state = load_is_over},
	{"load, response", RESPONSE, PASS, .state = all_but_proved_spent},
	{"load, cookie reply", COOKIE, PASS, .state = all_but_proved_spent},
	{"load, no cookie, who asks too often", INITIATION, PASS, .state = source_and_rare_spent},
	{"load, the rare have spent theirs, with cookie", INITIATION, PASS, .state = rare_spent,
	 .choose = cookie},
	{"load, only the frequent have spent theirs", INITIATION, PASS, .state = frequent_spent},
	{"load, cookie, all else is spent", INITIATION, PASS, .state = all_but_proved_spent,
	 .choose = cookie},
	{"load, cookie of 119 s, all else is spent", INITIATION, PASS,
	 .state = young_secret_all_spent, .choose = cookie},
	{"load, another source's cookie", INITIATION, PASS, .state = load, .choose = others_cookie},

	{"load, the rare have spent theirs", INITIATION, DROP(FLOODED), .state = rare_spent},
	{"load, who asks too often", INITIATION, DROP(FLOODED), .state = source_and_frequent_spent},
	{"load, cookie of 121 s", INITIATION, DROP(FLOODED), .state = old_secret_all_spent,
	 .choose = cookie},
	{"load, another port's cookie", INITIATION, DROP(FLOODED), .state = all_but_proved_spent,
	 .choose = others_cookie},
	{"load, cookie, mac2 changed", INITIATION, DROP(FLOODED), .state = all_but_proved_spent,
	 .choose = cookie, .frame = flip_mac2_of_1},
	{"load, cookie, first of mac2 changed", INITIATION, DROP(FLOODED),
	 .state = all_but_proved_spent, .choose = cookie, .frame = flip_first_of_mac2},
	{"load, no secret yet", INITIATION, PASS, .state = load_without_secret, .choose = cookie},
	{"load, cookie, above its rate", INITIATION, DROP(RATE_LIMITED),
	 .state = proved_source_spent, .choose = cookie},
	{"load, cookie, mac1 for another key", INITIATION, DROP(BAD_MAC1), .state = load,
	 .choose = cookie_and_other_key},

	{"interface not in the map", INITIATION, PASS, .state = no_interface, .frame = type_0},
	{"other MAC", INITIATION, PASS, .choose = other_mac, .frame = type_0},
	{"other port", INITIATION, PASS, .choose = to_no_port_of_ours, .frame = type_0},
	{"other address", INITIATION, PASS, .choose = other_address, .frame = type_0},
	{"from the agent: does not go round", INITIATION, XDP_DROP, VERDICT_COUNT,
	 .state = injection},

	{"initiation, down", INITIATION, DROP(TUNNEL_DOWN), .state = down},
	{"cookie reply, down", COOKIE, DROP(TUNNEL_DOWN), .state = down},
	{"empty, down", INITIATION, DROP(TUNNEL_DOWN), .state = down, .choose = empty},
	{"type 0, down", INITIATION, DROP(TUNNEL_DOWN), .state = down, .frame = type_0},
	{"no payload", INITIATION, DROP(TOO_SHORT), .choose = empty},
	{"three bytes", INITIATION, DROP(TOO_SHORT), .choose = three_bytes},
	{"four bytes", INITIATION, DROP(TOO_SHORT), .choose = four_bytes},
	{"four bytes of data", INITIATION, DROP(TOO_SHORT), .choose = four_bytes, .frame = type_4},
	{"initiation of 147", INITIATION, DROP(TOO_SHORT), .choose = one_less},
	{"initiation of 92", INITIATION, DROP(TOO_SHORT), .choose = as_long_as_a_response},
	{"response of 91", RESPONSE, DROP(TOO_SHORT), .choose = one_less},
	{"cookie reply of 63", COOKIE, DROP(TOO_SHORT), .choose = one_less},
	{"initiation of 149", INITIATION, DROP(TOO_LONG), .choose = one_more},
	{"response of 93", RESPONSE, DROP(TOO_LONG), .choose = one_more},
	{"cookie reply of 65", COOKIE, DROP(TOO_LONG), .choose = one_more},
	{"type 0", INITIATION, DROP(UNKNOWN_TYPE), .frame = type_0},
	{"type 5", RESPONSE, DROP(UNKNOWN_TYPE), .frame = type_5},
	{"type 255", COOKIE, DROP(UNKNOWN_TYPE), .frame = type_255},
	{"type 5 of four bytes", COOKIE, DROP(UNKNOWN_TYPE), .choose = four_bytes, .frame = type_5},
	{"first reserved byte", INITIATION, DROP(UNKNOWN_TYPE), .frame = reserved_1},
	{"last reserved byte", RESPONSE, DROP(UNKNOWN_TYPE), .frame = reserved_3},
	{"response, unknown index", RESPONSE, DROP(UNKNOWN_INDEX), .choose = no_such_index},
	{"response, index 0", RESPONSE, DROP(UNKNOWN_INDEX), .choose = index_0},
	{"response, unknown index and mac1", RESPONSE, DROP(UNKNOWN_INDEX), .choose = no_such_index,
	 .frame = first_of_mac1_of_2},
	{"response to the other tunnel's", RESPONSE, DROP(UNKNOWN_INDEX),
	 .state = strangers_handshake, .choose = strangers_index},
	{"cookie reply, unknown index", COOKIE, DROP(UNKNOWN_INDEX), .choose = no_such_index},
	{"cookie reply to the other tunnel's", COOKIE, DROP(UNKNOWN_INDEX),
	 .choose = strangers_index},
	{"response, index of a session", RESPONSE, DROP(BAD_HANDSHAKE), .choose = live_index},
	{"response, index of a NEXT", RESPONSE, DROP(BAD_HANDSHAKE), .choose = next_index},
	{"initiation without our key", INITIATION, DROP(BAD_MAC1), .state = no_key},
	{"initiation for no key", INITIATION, DROP(BAD_MAC1), .state = no_key,
	 .choose = for_nobody},
	{"response without our key", RESPONSE, DROP(BAD_MAC1), .state = no_key},
	{"initiation for another key", INITIATION, DROP(BAD_MAC1), .choose = for_the_other},
	{"initiation at the other port", INITIATION, DROP(BAD_MAC1), .choose = to_the_others_port},
	{"sender's index changed", INITIATION, DROP(BAD_MAC1), .frame = flip_sender},
	{"last byte before mac1", INITIATION, DROP(BAD_MAC1), .frame = flip_before_mac1_of_1},
	{"first byte of mac1", INITIATION, DROP(BAD_MAC1), .frame = first_of_mac1_of_1},
	{"last byte of mac1", INITIATION, DROP(BAD_MAC1), .frame = last_of_mac1_of_1},
	{"mac1 zero", INITIATION, DROP(BAD_MAC1), .frame = mac1_of_1_zero},
	{"response for another key", RESPONSE, DROP(BAD_MAC1), .choose = for_the_other},
	{"response, last byte before mac1", RESPONSE, DROP(BAD_MAC1),
	 .frame = flip_before_mac1_of_2},
	{"response, first byte of mac1", RESPONSE, DROP(BAD_MAC1), .frame = first_of_mac1_of_2},
	{"response, eighth byte of mac1", RESPONSE, DROP(BAD_MAC1), .frame = eighth_of_mac1_of_2},
	{"response, ninth byte of mac1", RESPONSE, DROP(BAD_MAC1), .frame = ninth_of_mac1_of_2},
	{"response, last byte of mac1", RESPONSE, DROP(BAD_MAC1), .frame = last_of_mac1_of_2},
};

bool filter_has_row(enum verdict verdict)
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

static void run_row(const struct row *row, uint8_t family)
{
	static uint8_t frame[FRAME_MAX];
	struct handshake handshake;
	const char *what;
	uint32_t length;

	state_init(&before, family);
	handshake_init(&handshake, row->type, family);
	if (row->state)
		row->state(&before);
	if (row->choose)
		row->choose(&handshake);
	length = handshake_build(frame, &handshake);
	if (row->frame)
		row->frame(frame + ETHERNET_LENGTH + ip_header_length(family) + UDP_LENGTH);

	what = rx_as_modelled(&world, &before, frame, length, &got);
	cr_expect(got.action == row->action && got.verdict == row->verdict,
		  "%s (IPv%u): action %d, %s, not %d, %s", row->name, family, got.action,
		  verdict_or_none(got.verdict), row->action, verdict_or_none(row->verdict));
	cr_expect_null(what, "%s (IPv%u): %s is not the model's", row->name, family, what);
}

Test(filter, table)
{
	WORLD_OPEN(&world);
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		run_row(&rows[i], FAMILY_IPV4);
		run_row(&rows[i], FAMILY_IPV6);
	}
	world_close(&world);
}

/* A key of our own replaced by another: what was made for it is good from then on, and the rest is not. */
Test(filter, follows_the_private_key)
{
	static uint8_t frame[FRAME_MAX];
	struct handshake handshake;
	uint32_t length;

	WORLD_OPEN(&world);
	state_init(&before, FAMILY_IPV4);
	handshake_init(&handshake, INITIATION, FAMILY_IPV4);
	length = handshake_build(frame, &handshake);
	world_load(&world, &before);
	world_rx(&world, frame, length, &got);
	cr_expect_eq(got.action, XDP_PASS);
	other_key(&before);
	world_load(&world, &before);
	world_rx(&world, frame, length, &got);
	cr_expect_eq(got.verdict, VERDICT_BAD_MAC1);
	for_the_other(&handshake);
	length = handshake_build(frame, &handshake);
	world_rx(&world, frame, length, &got);
	cr_expect_eq(got.action, XDP_PASS);
	world_close(&world);
}

/* How many of `tries` get through, of a frame that is good in itself. */
static uint32_t passed(const uint8_t *frame, uint32_t length, uint32_t tries)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < tries; i++) {
		world_rx(&world, frame, length, &got);
		count += got.action == XDP_PASS;
	}
	return count;
}

/* A hundred at once, in far less than the 50 ms after which there is one more. */
Test(filter, rates_under_load)
{
	static uint8_t frame[FRAME_MAX];
	struct handshake handshake;
	uint32_t length, count;
	uint64_t start;

	WORLD_OPEN(&world);
	state_init(&before, FAMILY_IPV6);
	load(&before);
	world_load(&world, &before);
	handshake_init(&handshake, INITIATION, FAMILY_IPV6);
	cookie(&handshake);
	length = handshake_build(frame, &handshake);
	start = world_time();
	count = passed(frame, length, 100);
	cr_expect_geq(count, RATELIMIT_PACKETS_BURST);
	cr_expect_leq(count,
		      RATELIMIT_PACKETS_BURST + 1 + (world_time() - start) / MILLISECONDS(50));
	cr_expect_eq(got.verdict, VERDICT_RATE_LIMITED);
	/* another address of the same network is the same source; one of another network is not */
	handshake.outer.source.bytes[15] ^= 1;
	length = handshake_build(frame, &handshake);
	cr_expect_leq(passed(frame, length, 5), 1 + (world_time() - start) / MILLISECONDS(50));
	handshake.outer.source.bytes[7] ^= 1;
	length = handshake_build(frame, &handshake);
	cr_expect_geq(passed(frame, length, 10), RATELIMIT_PACKETS_BURST);
	world_close(&world);
}

/* Who asks all the time uses up what is for such, and nobody else's. */
Test(filter, cookies_under_load)
{
	static uint8_t frame[FRAME_MAX];
	struct handshake handshake;
	uint32_t length, count, place = COUNTERS;
	struct load_value value;
	uint64_t start;

	WORLD_OPEN(&world);
	state_init(&before, FAMILY_IPV4);
	load(&before);
	before.load.until = world_time() + MILLISECONDS(900);
	world_load(&world, &before);
	handshake_init(&handshake, INITIATION, FAMILY_IPV4);
	length = handshake_build(frame, &handshake);
	start = world_time();
	count = passed(frame, length, 2000);
	cr_expect_geq(count, UNDER_LOAD_BURST);
	cr_expect_leq(count, UNDER_LOAD_BURST + RATELIMIT_PACKETS_BURST + 3 +
				     (world_time() - start) / MILLISECONDS(1));
	cr_expect_eq(got.verdict, VERDICT_FLOODED);
	/* and so it stays load for a second from then on */
	cr_assert_eq(bpf_map__lookup_elem(world.skeleton->maps.loads, &place, sizeof(place), &value,
					  sizeof(value), 0),
		     0);
	cr_expect_geq(value.until, start + UNDER_LOAD_AFTER_TIME);
	handshake.outer.source.bytes[3] ^= 1;
	length = handshake_build(frame, &handshake);
	cr_expect_geq(passed(frame, length, 5), RATELIMIT_PACKETS_BURST);
	world_close(&world);
}
