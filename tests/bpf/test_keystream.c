/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_keystream.c - packets whose keystream was computed ahead (wgxdp/keystream.h): the same frames as without, by
 * the model, which knows libsodium and no keystream; which slot they take, and which they must leave as it was. A slot
 * that is not the packet's holds bytes that would spoil the frame.
 */
#include <bpf/model.h>
#include <bpf/transport.h>

enum { STREAM = 3, COUNTER = 70000 };

static struct world world;
static struct state before, expected, actual;
static struct outcome wanted, got;

/* Ready for the packet of this counter of session LIVE. */
static void prepare(enum keystream_direction direction, uint64_t counter, uint32_t length)
{
	struct transport_session *session = &before.sessions[LIVE];

	if (direction == KEYSTREAM_SENDING)
		session->sending_stream = STREAM;
	else
		session->receiving_stream = STREAM;
	session->sending_counter = counter;
	before.prepared = (struct prepared){
		.stream = STREAM,
		.slot = {.state = KEYSTREAM_READY,
			 .length = (length + 63) / 64 * 64,
			 .birth = session->birth,
			 .local_index = session_indices[LIVE],
			 .direction = direction,
			 .counter = counter},
		.wanted = counter - 5,
	};
	if (before.prepared.slot.length > AEAD_KEYSTREAM_MAX)
		before.prepared.slot.length = AEAD_KEYSTREAM_MAX;
}

static void expect_models(const char *name)
{
	const char *what;

	world_read(&world, &before, &actual);
	what = difference(&wanted, &got);
	if (!what)
		what = state_difference(&before, &expected, &actual, &got);
	cr_expect_null(what, "%s: %s is not the model's", name, what);
}

/* A packet of `text_length` bytes in; `edit` may spoil the finished frame. */
static void receive(const char *name, uint32_t text_length, uint8_t family,
		    void (*edit)(uint8_t *frame, uint32_t length))
{
	static uint8_t frame[FRAME_MAX];
	struct transport packet;
	uint32_t length;

	transport_init(&packet, &before, family, FAMILY_IPV4);
	packet.counter = COUNTER;
	packet.seed = text_length;
	packet.text_length = packet.inner_length = text_length;
	length = transport_build(frame, &packet, NULL);
	if (edit)
		edit(frame, length);
	expected = before;
	model_rx(&expected, frame, length, &wanted);
	world_load(&world, &before);
	world_rx(&world, frame, length, &got);
	expect_models(name);
}

static void send(const char *name, uint32_t length)
{
	static uint8_t frame[FRAME_MAX];

	memcpy(frame, "\2\2\2\2\2\2\2\1\1\1\1\1\x08", 14);
	build_inner(frame + ETHERNET_LENGTH, &our_inner_ipv4, &inner_ipv4, length, 0, length);
	expected = before;
	model_tx(&expected, false, 0, frame, ETHERNET_LENGTH + length, &wanted);
	world_load(&world, &before);
	world_tx(&world, world.skeleton->progs.tx, 0, frame, ETHERNET_LENGTH + length, &got);
	expect_models(name);
}

static void open_world(void)
{
	world_open(&world);
	world_make_keystreams(&world);
}

/* WORLD_OPEN ends the test when it cannot. */
#define OPEN()                                                                                     \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			cr_skip_test("not root: BPF programs cannot be loaded");                   \
		open_world();                                                                      \
	} while (0)

/* ---- used ---------------------------------------------------------------------------------------- */

static void expect_used(uint32_t length, enum keystream_state state)
{
	cr_assert_eq(actual.prepared.slot.state, state, "%u bytes", length);
	cr_assert_eq(actual.prepared.taken, state == KEYSTREAM_EMPTY, "%u bytes", length);
	cr_assert_eq(actual.prepared.missed, state != KEYSTREAM_EMPTY, "%u bytes", length);
	cr_assert_eq(actual.prepared.wanted, COUNTER + 1, "%u bytes", length);
}

Test(keystream, received_at_every_length)
{
	OPEN();
	for (uint32_t length = 0; length <= 1500; length++) {
		uint8_t family = length % 2 ? FAMILY_IPV4 : FAMILY_IPV6;

		state_init(&before, family);
		before.tunnel.mtu = 1500;
		prepare(KEYSTREAM_RECEIVING, COUNTER, length);
		receive("received", length, family, NULL);
		expect_used(length, length <= 1472 ? KEYSTREAM_EMPTY : KEYSTREAM_READY);
		cr_assert_eq(actual.prepared.length_wanted, length);
	}
	world_close(&world);
}

Test(keystream, sent_at_every_length)
{
	OPEN();
	for (uint32_t length = IPV4_LENGTH; length <= 1500; length++) {
		uint8_t family = length % 2 ? FAMILY_IPV4 : FAMILY_IPV6;

		state_init(&before, family);
		before.tunnel.mtu = 1500;
		prepare(KEYSTREAM_SENDING, COUNTER, (length + 15) / 16 * 16);
		send("sent", length);
		cr_assert_eq(got.verdict, VERDICT_SEALED);
		expect_used(length, length <= 1472 ? KEYSTREAM_EMPTY : KEYSTREAM_READY);
	}
	world_close(&world);
}

/* ---- not the packet's ---------------------------------------------------------------------------- */

struct row {
	const char *name;
	void (*state)(struct state *state);
};

#define STATE(name, change)                                                                        \
	static void name(struct state *state)                                                      \
	{                                                                                          \
		change;                                                                            \
	}

#define SLOT state->prepared.slot
STATE(birth_of_another, SLOT.birth++)
STATE(index_of_another, SLOT.local_index ^= 1)
STATE(index_of_a_session, SLOT.local_index = session_indices[NEXT];
      SLOT.birth = state->sessions[LIVE].birth = state->sessions[NEXT].birth)
STATE(direction_of_the_other, SLOT.direction ^= 1)
STATE(a_ring_later, SLOT.counter += KEYSTREAM_SLOTS)
STATE(a_ring_earlier, SLOT.counter -= KEYSTREAM_SLOTS)
STATE(counter_of_64_bits, SLOT.counter |= UINT64_C(1) << 32)
STATE(next_counter, SLOT.counter++)
STATE(a_block_too_short, SLOT.length -= 64)
STATE(no_text, SLOT.length = 0)
STATE(empty, SLOT.state = KEYSTREAM_EMPTY)
STATE(filling, SLOT.state = KEYSTREAM_FILLING)
STATE(in_use, SLOT.state = KEYSTREAM_IN_USE)
STATE(another_stream,
      state->sessions[LIVE].sending_stream = state->sessions[LIVE].receiving_stream = STREAM + 1)
STATE(no_such_stream, state->sessions[LIVE].sending_stream =
			      state->sessions[LIVE].receiving_stream = KEYSTREAMS_MAX + 1)
STATE(greatest_stream,
      state->sessions[LIVE].sending_stream = state->sessions[LIVE].receiving_stream = UINT16_MAX)
STATE(no_stream, state->sessions[LIVE].sending_stream = state->sessions[LIVE].receiving_stream = 0)

static const struct row rows[] = {
	{"birth of another session", birth_of_another},
	{"index of no session", index_of_another},
	{"index of another session", index_of_a_session},
	{"the other direction", direction_of_the_other},
	{"a ring later", a_ring_later},
	{"a ring earlier", a_ring_earlier},
	{"the same low 32 bits", counter_of_64_bits},
	{"the next counter", next_counter},
	{"a block too short", a_block_too_short},
	{"no text", no_text},
	{"empty", empty},
	{"being filled", filling},
	{"in use", in_use},
	{"another stream", another_stream},
	{"no such stream", no_such_stream},
	{"the greatest stream", greatest_stream},
	{"no stream", no_stream},
};

/* The packet goes its way all the same, and the slot stays as it was. */
static void run_row(const struct row *row, enum keystream_direction direction, uint8_t family)
{
	state_init(&before, family);
	prepare(direction, COUNTER, 96);
	row->state(&before);
	if (direction == KEYSTREAM_SENDING)
		send(row->name, 96);
	else
		receive(row->name, 96, family, NULL);
	cr_expect_eq(got.verdict,
		     direction == KEYSTREAM_SENDING ? VERDICT_SEALED : VERDICT_DELIVERED, "%s: %s",
		     row->name, verdict_or_none(got.verdict));
	cr_expect_eq(actual.prepared.taken, 0, "%s", row->name);
	cr_expect_arr_eq(&actual.prepared.slot, &before.prepared.slot,
			 offsetof(struct keystream_slot, first_block), "%s", row->name);
}

Test(keystream, of_others_is_left)
{
	OPEN();
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		run_row(&rows[i], KEYSTREAM_SENDING, FAMILY_IPV4);
		run_row(&rows[i], KEYSTREAM_SENDING, FAMILY_IPV6);
		run_row(&rows[i], KEYSTREAM_RECEIVING, FAMILY_IPV4);
		run_row(&rows[i], KEYSTREAM_RECEIVING, FAMILY_IPV6);
	}
	world_close(&world);
}

/* Without any memory, as when an agent was killed and the next one took it away. */
Test(keystream, is_gone)
{
	OPEN();
	for (int i = 0; i < 2; i++) {
		uint32_t tunnel = TUNNEL;

		state_init(&before, FAMILY_IPV4);
		prepare(i ? KEYSTREAM_SENDING : KEYSTREAM_RECEIVING, COUNTER, 96);
		bpf_map__delete_elem(world.skeleton->maps.keystreams, &tunnel, sizeof(tunnel), 0);
		before.prepared.stream = 0;
		if (i)
			send("gone", 96);
		else
			receive("gone", 96, FAMILY_IPV4, NULL);
		cr_expect_eq(got.verdict, i ? VERDICT_SEALED : VERDICT_DELIVERED);
	}
	world_close(&world);
}

/* ---- forged -------------------------------------------------------------------------------------- */

static void flip_tag(uint8_t *frame, uint32_t length)
{
	frame[length - 1] ^= 0x80;
}

static void flip_text(uint8_t *frame, uint32_t length)
{
	frame[length - 40] ^= 1;
}

/* The counter 2^63 ahead. */
static void raise_counter(uint8_t *frame, uint32_t length)
{
	frame[length - 96 - 16 - 1] ^= 0x80;
}

/* The true packet finds what a forged one with its counter left. */
Test(keystream, is_not_for_forged_packets)
{
	static void (*const edits[])(uint8_t *frame, uint32_t length) = {flip_tag, flip_text,
									 raise_counter};

	OPEN();
	for (uint32_t i = 0; i < COUNT(edits); i++) {
		state_init(&before, FAMILY_IPV4);
		prepare(KEYSTREAM_RECEIVING, COUNTER, 96);
		receive("forged", 96, FAMILY_IPV4, edits[i]);
		cr_expect_eq(got.verdict, VERDICT_BAD_TAG, "%u", i);
		cr_expect_eq(actual.prepared.slot.state, KEYSTREAM_READY, "%u", i);
		cr_expect_eq(actual.prepared.wanted, COUNTER - 5, "%u", i);
		cr_expect_eq(actual.prepared.length_wanted, 0, "%u", i);
		before.prepared = actual.prepared;
		receive("true", 96, FAMILY_IPV4, NULL);
		cr_expect_eq(got.verdict, VERDICT_DELIVERED, "%u", i);
		cr_expect_eq(actual.prepared.slot.state, KEYSTREAM_EMPTY, "%u", i);
	}
	world_close(&world);
}

/* An old packet that comes again says nothing of what is needed next. */
Test(keystream, is_not_wanted_by_replayed_packets)
{
	OPEN();
	state_init(&before, FAMILY_IPV4);
	prepare(KEYSTREAM_RECEIVING, COUNTER + 100, 96);
	before.prepared.wanted = COUNTER + 99;
	state_accept(&before, LIVE, COUNTER);
	receive("replayed", 96, FAMILY_IPV4, NULL);
	cr_expect_eq(got.verdict, VERDICT_REPLAYED);
	cr_expect_eq(actual.prepared.wanted, COUNTER + 99);
	world_close(&world);
}

/* ---- asking for it ------------------------------------------------------------------------------- */

static uint32_t told_kind(enum event_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < got.told_count; i++)
		count += got.told[i].kind == kind && got.told[i].peer == peer_ids[PEER] &&
			 got.told[i].session == session_indices[LIVE];
	return count;
}

static uint32_t send_at(uint64_t counter, uint64_t paced_ago, uint32_t told)
{
	state_init(&before, FAMILY_IPV4);
	before.sessions[LIVE].sending_counter = counter;
	before.sessions[LIVE].sending_paced = world_time() - paced_ago;
	before.sessions[LIVE].told = told;
	send("pace", 96);
	cr_assert_eq(got.verdict, VERDICT_SEALED);
	return told_kind(EVENT_BUSY_SENDING);
}

Test(keystream, is_asked_for_by_256_packets_in_50_ms)
{
	OPEN();
	cr_expect_eq(send_at(1024, 0, 0), 1);
	cr_expect_eq(send_at(1024, MILLISECONDS(51), 0), 0);
	cr_expect_eq(send_at(1023, 0, 0), 0);
	cr_expect_eq(send_at(1025, 0, 0), 0);
	cr_expect_eq(send_at(1024 + 128, 0, 0), 0);
	cr_expect_eq(send_at(1024, 0, TOLD_BUSY_SENDING), 0);
	cr_expect_eq(send_at(1024, 0, TOLD_BUSY_RECEIVING | TOLD_REKEY_ON_SEND), 1);
	world_close(&world);
}

/* 3 000 packets of the program's own time, and the agent clears the bit once by taking the stream away. */
Test(keystream, is_asked_for_once)
{
	static uint8_t frame[FRAME_MAX];
	const struct control_request request = {.operation = CONTROL_SET_STREAM,
						.session = session_indices[LIVE],
						.bits = KEYSTREAM_RECEIVING};
	uint32_t told[2] = {0};
	struct transport packet;

	OPEN();
	state_init(&before, FAMILY_IPV4);
	world_load(&world, &before);
	transport_init(&packet, &before, FAMILY_IPV4, FAMILY_IPV4);
	for (uint32_t i = 0; i < 6000; i++) {
		uint32_t length;

		if (i == 3000)
			cr_assert_eq(world_control(&world, &request), CONTROL_DONE);
		packet.counter = i;
		length = transport_build(frame, &packet, NULL);
		world_rx(&world, frame, length, &got);
		cr_assert_eq(got.verdict, VERDICT_DELIVERED);
		told[i / 3000] += told_kind(EVENT_BUSY_RECEIVING);
	}
	cr_expect_eq(told[0], 1, "%u", told[0]);
	cr_expect_eq(told[1], 1, "%u", told[1]);
	world_close(&world);
}

static void set_stream(const char *name, enum keystream_direction direction, uint32_t stream)
{
	const struct control_request request = {.operation = CONTROL_SET_STREAM,
						.session = session_indices[LIVE],
						.bits = direction,
						.stream = stream};
	const char *what;

	got.before = got.after = 0;
	world_load(&world, &before);
	cr_expect_eq(world_control(&world, &request), CONTROL_DONE, "%s", name);
	world_read(&world, &before, &actual);
	what = state_difference(&before, &expected, &actual, &got);
	cr_expect_null(what, "%s: %s", name, what);
}

Test(keystream, is_given_and_taken_away)
{
	struct control_request nobodys = {.operation = CONTROL_SET_STREAM, .session = 5};
	struct transport_session *session = &expected.sessions[LIVE];
	const uint32_t all = TOLD_REKEY_ON_SEND | TOLD_REKEY_ON_RECEIVE | TOLD_BUSY_SENDING |
			     TOLD_BUSY_RECEIVING;

	OPEN();
	state_init(&before, FAMILY_IPV4);
	before.sessions[LIVE].told = all;
	before.sessions[LIVE].sending_stream = 5;
	before.sessions[LIVE].receiving_stream = 6;
	expected = before;
	session->sending_stream = 16;
	set_stream("sending", KEYSTREAM_SENDING, 16);
	expected = before;
	session->receiving_stream = 1;
	set_stream("receiving", KEYSTREAM_RECEIVING, 1);
	expected = before;
	session->sending_stream = 0;
	session->told = all & ~(uint32_t)TOLD_BUSY_SENDING;
	set_stream("no sending", KEYSTREAM_SENDING, 0);
	expected = before;
	session->receiving_stream = 0;
	session->told = all & ~(uint32_t)TOLD_BUSY_RECEIVING;
	set_stream("no receiving", KEYSTREAM_RECEIVING, 0);
	cr_expect_eq(world_control(&world, &nobodys), CONTROL_NOT_FOUND);
	world_close(&world);
}
