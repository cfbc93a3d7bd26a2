/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_session.c - the three slots of a peer, and what one session may still do (proto/session.h;
 * paper 6.1 to 6.3).
 *
 * Slots are written as three letters, "previous current next", with "-" for an empty one: "-cn" has
 * no previous. A letter is the session's local index, and its birth: "b" is older than "c". The tables
 * are what the kernel does in noise.c with each of the eight fillings, less what crossed handshakes
 * have, which cannot both succeed there.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <proto/session.h>

/* Every field depends on the letter, so that half a copy is noticed. */
static struct session session_of(char letter)
{
	struct session session = {
		.exists = letter != '-',
		.i_am_the_initiator = letter & 1,
		.may_send = true,
		.local_index = letter,
		.remote_index = 1000 + letter,
		.birth = SECONDS(letter),
	};

	return session;
}

static struct sessions slots_of(const char *letters)
{
	struct sessions sessions = {
		.previous = session_of(letters[0]),
		.current = session_of(letters[1]),
		.next = session_of(letters[2]),
	};

	return sessions;
}

static void expect_slot(const struct session *slot, char letter, bool new_role, const char *row)
{
	struct session expected = session_of(letter);

	if (letter == 'N')
		expected.i_am_the_initiator = new_role;
	cr_expect_eq(slot->exists, expected.exists, "%s: '%c'", row, letter);
	if (!slot->exists || !expected.exists)
		return;
	cr_expect_eq(slot->local_index, expected.local_index, "%s: '%c' instead of '%c'", row,
		     (char)slot->local_index, letter);
	cr_expect_eq(slot->remote_index, expected.remote_index, "%s: '%c'", row, letter);
	cr_expect_eq(slot->i_am_the_initiator, expected.i_am_the_initiator, "%s: '%c'", row,
		     letter);
	cr_expect_eq(slot->may_send, expected.may_send, "%s: '%c'", row, letter);
	cr_expect_eq(slot->birth, expected.birth, "%s: '%c'", row, letter);
}

/* The same letters, in whatever order. */
static void expect_ended(const struct sessions_ended *ended, const char *letters, const char *row)
{
	cr_assert_eq(ended->count, strlen(letters), "%s: %u ended instead of \"%s\"", row,
		     ended->count, letters);
	for (const char *letter = letters; *letter; letter++) {
		unsigned int found = 0;

		for (unsigned int i = 0; i < ended->count; i++)
			found += ended->local_index[i] == (uint32_t)*letter;
		cr_expect_eq(found, 1, "%s: '%c' ended %u times", row, *letter, found);
	}
}

enum operation { INITIATOR_BEGINS, RESPONDER_BEGINS, CROSSED_BEGINS, RECEIVED, CLEARED };

struct transition {
	enum operation operation;
	/* the session a packet was received with */
	char received;
	const char *before;
	const char *after;
	const char *ended;
	bool confirmed;
};

static bool operate(const struct transition *row, struct sessions *sessions,
		    struct sessions_ended *ended)
{
	struct session new = session_of('N');

	new.i_am_the_initiator = row->operation != RESPONDER_BEGINS;
	/* to begin is to exist, and to be allowed to send */
	new.exists = new.may_send = false;
	switch (row->operation) {
	case INITIATOR_BEGINS:
	case RESPONDER_BEGINS:
		sessions_begin(sessions, &new, ended);
		return false;
	case CROSSED_BEGINS:
		sessions_begin_crossed(sessions, &new, ended);
		return false;
	case RECEIVED:
		return sessions_received_with(sessions, row->received, ended);
	case CLEARED:
		sessions_clear(sessions, ended);
		return false;
	}
	return false;
}

static void expect_transition(const struct transition *row)
{
	static const char *const names[] = {"initiator begins", "responder begins",
					    "crossed begins", "received with", "cleared"};
	bool new_role = row->operation != RESPONDER_BEGINS;
	struct sessions sessions = slots_of(row->before);
	struct sessions_ended ended;
	char title[64];

	snprintf(title, sizeof(title), "\"%s\" %s %c", row->before, names[row->operation],
		 row->received ? row->received : ' ');
	memset(&ended, 0xa5, sizeof(ended));
	cr_expect_eq(operate(row, &sessions, &ended), row->confirmed, "%s", title);
	expect_slot(&sessions.previous, row->after[0], new_role, title);
	expect_slot(&sessions.current, row->after[1], new_role, title);
	expect_slot(&sessions.next, row->after[2], new_role, title);
	expect_ended(&ended, row->ended, title);
}

static void expect_transitions(const struct transition *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect_transition(&rows[i]);
}

#define EXPECT_TRANSITIONS(rows) expect_transitions(rows, sizeof(rows) / sizeof((rows)[0]))

/* It is current at once. An unconfirmed next is kept: it becomes previous, in current's stead. */
Test(session, initiators_session_is_current_at_once)
{
	static const struct transition rows[] = {
		{INITIATOR_BEGINS, 0, "---", "-N-", "", false},
		{INITIATOR_BEGINS, 0, "-c-", "cN-", "", false},
		{INITIATOR_BEGINS, 0, "p--", "-N-", "p", false},
		{INITIATOR_BEGINS, 0, "pc-", "cN-", "p", false},
		{INITIATOR_BEGINS, 0, "--n", "nN-", "", false},
		{INITIATOR_BEGINS, 0, "-cn", "nN-", "c", false},
		{INITIATOR_BEGINS, 0, "p-n", "nN-", "p", false},
		{INITIATOR_BEGINS, 0, "pcn", "nN-", "pc", false},
	};

	EXPECT_TRANSITIONS(rows);
}

/* It waits as next, for which an older next and the previous go; current goes on. */
Test(session, responders_session_waits_as_next)
{
	static const struct transition rows[] = {
		{RESPONDER_BEGINS, 0, "---", "--N", "", false},
		{RESPONDER_BEGINS, 0, "-c-", "-cN", "", false},
		{RESPONDER_BEGINS, 0, "p--", "--N", "p", false},
		{RESPONDER_BEGINS, 0, "pc-", "-cN", "p", false},
		{RESPONDER_BEGINS, 0, "--n", "--N", "n", false},
		{RESPONDER_BEGINS, 0, "-cn", "-cN", "n", false},
		{RESPONDER_BEGINS, 0, "p-n", "--N", "pn", false},
		{RESPONDER_BEGINS, 0, "pcn", "-cN", "pn", false},
	};

	EXPECT_TRANSITIONS(rows);
}

/* It is current at once, and next is kept beside the one that was current. */
Test(session, crossed_session_leaves_next_in_its_place)
{
	static const struct transition rows[] = {
		{CROSSED_BEGINS, 0, "---", "-N-", "", false},
		{CROSSED_BEGINS, 0, "-c-", "cN-", "", false},
		{CROSSED_BEGINS, 0, "p--", "-N-", "p", false},
		{CROSSED_BEGINS, 0, "pc-", "cN-", "p", false},
		{CROSSED_BEGINS, 0, "--n", "-Nn", "", false},
		{CROSSED_BEGINS, 0, "-cn", "cNn", "", false},
		{CROSSED_BEGINS, 0, "p-n", "-Nn", "p", false},
		{CROSSED_BEGINS, 0, "pcn", "cNn", "p", false},
	};

	EXPECT_TRANSITIONS(rows);
}

/* The one that a crossed one left there, and that nobody used: it is no reason to end current. */
Test(session, next_that_is_no_younger_than_current_goes_first)
{
	static const struct transition rows[] = {
		{INITIATOR_BEGINS, 0, "-nb", "nN-", "b", false},
		{INITIATOR_BEGINS, 0, "pnb", "nN-", "pb", false},
		{INITIATOR_BEGINS, 0, "pnn", "nN-", "pn", false},
		{RESPONDER_BEGINS, 0, "pnb", "-nN", "pb", false},
		{CROSSED_BEGINS, 0, "pnb", "nNb", "p", false},
	};

	EXPECT_TRANSITIONS(rows);
}

Test(session, one_that_may_not_send_is_not_confirmed)
{
	struct sessions sessions = slots_of("pcn");
	struct sessions_ended ended;

	sessions.next.may_send = false;
	cr_assert_not(sessions_received_with(&sessions, 'n', &ended));
	cr_assert_eq(ended.count, 0);
	expect_slot(&sessions.previous, 'p', false, "held");
	expect_slot(&sessions.current, 'c', false, "held");
	cr_assert(session_can_receive(&sessions.next, 0, sessions.next.birth));
}

Test(session, first_packet_by_next_confirms_it)
{
	static const struct transition rows[] = {
		{RECEIVED, 'n', "--n", "-n-", "", true},
		{RECEIVED, 'n', "-cn", "cn-", "", true},
		{RECEIVED, 'n', "p-n", "-n-", "p", true},
		{RECEIVED, 'n', "pcn", "cn-", "p", true},
	};

	EXPECT_TRANSITIONS(rows);
}

Test(session, packet_by_any_other_session_moves_nothing)
{
	static const struct transition rows[] = {
		{RECEIVED, 'p', "pcn", "pcn", "", false},
		{RECEIVED, 'c', "pcn", "pcn", "", false},
		{RECEIVED, 'x', "pcn", "pcn", "", false},
		{RECEIVED, 'p', "p--", "p--", "", false},
		{RECEIVED, 'c', "-c-", "-c-", "", false},
		{RECEIVED, 'x', "---", "---", "", false},
		/* what an empty slot holds means nothing */
		{RECEIVED, '-', "pc-", "pc-", "", false},
	};

	EXPECT_TRANSITIONS(rows);
}

Test(session, confirms_once)
{
	struct sessions sessions = slots_of("-cn");
	struct sessions_ended ended;

	cr_assert(sessions_received_with(&sessions, 'n', &ended));
	cr_assert_not(sessions_received_with(&sessions, 'n', &ended));
	cr_assert_eq(ended.count, 0);
	cr_assert_not(sessions_received_with(&sessions, 'c', &ended));
}

Test(session, clearing_ends_every_session)
{
	static const struct transition rows[] = {
		{CLEARED, 0, "---", "---", "", false},   {CLEARED, 0, "p--", "---", "p", false},
		{CLEARED, 0, "-c-", "---", "c", false},  {CLEARED, 0, "--n", "---", "n", false},
		{CLEARED, 0, "pc-", "---", "pc", false}, {CLEARED, 0, "p-n", "---", "pn", false},
		{CLEARED, 0, "-cn", "---", "cn", false}, {CLEARED, 0, "pcn", "---", "pcn", false},
	};

	EXPECT_TRANSITIONS(rows);
}

/* All zero is three empty slots, and 0 is an index like any other. */
Test(session, index_zero_is_an_ordinary_index)
{
	struct sessions sessions = {0};
	struct session session = session_of('n');
	struct sessions_ended ended;

	cr_assert_null(sessions_find(&sessions, 0));
	cr_assert_not(sessions_received_with(&sessions, 0, &ended));
	session.local_index = 0;
	session.i_am_the_initiator = false;
	sessions_begin(&sessions, &session, &ended);
	cr_assert_eq(ended.count, 0);
	cr_assert_eq(sessions_find(&sessions, 0), &sessions.next);
	cr_assert(sessions_received_with(&sessions, 0, &ended));
	cr_assert_eq(sessions_find(&sessions, 0), &sessions.current);
	sessions_clear(&sessions, &ended);
	cr_assert_eq(ended.count, 1);
	cr_assert_eq(ended.local_index[0], 0);
}

Test(session, is_found_by_its_local_index_only)
{
	struct sessions sessions = slots_of("pcn");

	cr_assert_eq(sessions_find(&sessions, 'p'), &sessions.previous);
	cr_assert_eq(sessions_find(&sessions, 'c'), &sessions.current);
	cr_assert_eq(sessions_find(&sessions, 'n'), &sessions.next);
	cr_assert_null(sessions_find(&sessions, 'x'));
	cr_assert_null(sessions_find(&sessions, 1000 + 'c'));
	sessions.current.exists = false;
	cr_assert_null(sessions_find(&sessions, 'c'));
}

Test(session, after_a_key_change_all_receive_and_none_sends)
{
	struct sessions sessions = slots_of("pcn");
	const struct session *all[] = {&sessions.previous, &sessions.current, &sessions.next};

	sessions_stop_sending(&sessions);
	for (size_t i = 0; i < 3; i++) {
		cr_expect(all[i]->exists);
		cr_expect_not(session_can_send(all[i], 0, all[i]->birth), "slot %zu", i);
		cr_expect(session_can_receive(all[i], 0, all[i]->birth), "slot %zu", i);
		cr_expect_eq(sessions_find(&sessions, all[i]->local_index), all[i]);
	}
}

Test(session, stop_sending_makes_nothing_of_empty_slots)
{
	struct sessions sessions = {0};

	sessions_stop_sending(&sessions);
	cr_assert_not(sessions.previous.exists || sessions.current.exists || sessions.next.exists);
}

/* ---- one session's age and number of messages ------------------------------------------------ */

#define BIRTH SECONDS(1000)

struct age_row {
	const char *what;
	bool initiator;
	/* UINT64_MAX is one nanosecond before birth: clocks of two cores, a note read late */
	uint64_t age;
	uint64_t counter;
	bool result;
};

static struct session session_aged(bool initiator)
{
	return (struct session){
		.exists = true, .i_am_the_initiator = initiator, .may_send = true, .birth = BIRTH};
}

Test(session, is_valid_for_180_seconds_and_its_messages)
{
	static const struct age_row rows[] = {
		{"new", true, 0, 0, true},
		{"new, responder", false, 0, 0, true},
		{"before its birth", true, UINT64_MAX, 0, true},
		{"1 ns left", true, REJECT_AFTER_TIME - 1, 1, true},
		{"1 ns left, responder", false, REJECT_AFTER_TIME - 1, 1, true},
		{"180 s", true, REJECT_AFTER_TIME, 1, false},
		{"180 s, responder", false, REJECT_AFTER_TIME, 1, false},
		{"180 s and 1 ns", true, REJECT_AFTER_TIME + 1, 1, false},
		{"an hour", true, SECONDS(3600), 1, false},
		{"old enough to rekey", true, REKEY_AFTER_TIME, REKEY_AFTER_MESSAGES, true},
		{"one message left", true, 0, REJECT_AFTER_MESSAGES - 1, true},
		{"no message left", true, 0, REJECT_AFTER_MESSAGES, false},
		{"no message left, responder", false, 0, REJECT_AFTER_MESSAGES, false},
		{"beyond the last message", true, 0, REJECT_AFTER_MESSAGES + 1, false},
		{"the counter's end", true, 0, UINT64_MAX, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session session = session_aged(rows[i].initiator);
		uint64_t now = BIRTH + rows[i].age;

		cr_expect_eq(session_can_send(&session, rows[i].counter, now), rows[i].result,
			     "send: %s", rows[i].what);
		cr_expect_eq(session_can_receive(&session, rows[i].counter, now), rows[i].result,
			     "receive: %s", rows[i].what);

		session.may_send = false;
		cr_expect_not(session_can_send(&session, rows[i].counter, now), "%s", rows[i].what);
		cr_expect_eq(session_can_receive(&session, rows[i].counter, now), rows[i].result,
			     "receive only: %s", rows[i].what);

		session = session_aged(rows[i].initiator);
		session.exists = false;
		cr_expect_not(session_can_send(&session, rows[i].counter, now), "%s", rows[i].what);
		cr_expect_not(session_can_receive(&session, rows[i].counter, now), "%s",
			      rows[i].what);
	}
}

/* By age the initiator alone, by number of messages either. */
Test(session, rekey_on_send)
{
	static const struct age_row rows[] = {
		{"new", true, 0, 0, false},
		{"before its birth", true, UINT64_MAX, 0, false},
		{"1 ns short of 120 s", true, REKEY_AFTER_TIME - 1, 1, false},
		{"120 s", true, REKEY_AFTER_TIME, 1, true},
		{"120 s and 1 ns", true, REKEY_AFTER_TIME + 1, 1, true},
		{"120 s, responder", false, REKEY_AFTER_TIME, 1, false},
		{"1 ns left, responder", false, REJECT_AFTER_TIME - 1, 1, false},
		{"2^60 messages", true, 0, REKEY_AFTER_MESSAGES, false},
		{"2^60 messages, responder", false, 0, REKEY_AFTER_MESSAGES, false},
		{"one more", true, 0, REKEY_AFTER_MESSAGES + 1, true},
		{"one more, responder", false, 0, REKEY_AFTER_MESSAGES + 1, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session session = session_aged(rows[i].initiator);
		uint64_t now = BIRTH + rows[i].age;

		cr_expect_eq(session_rekey_due_on_send(&session, rows[i].counter, now),
			     rows[i].result, "%s", rows[i].what);
		session.may_send = false;
		cr_expect_not(session_rekey_due_on_send(&session, rows[i].counter, now),
			      "receive only: %s", rows[i].what);
		session = session_aged(rows[i].initiator);
		session.exists = false;
		cr_expect_not(session_rekey_due_on_send(&session, rows[i].counter, now),
			      "empty: %s", rows[i].what);
	}
}

Test(session, rekey_on_receive)
{
	static const struct age_row rows[] = {
		{"new", true, 0, 0, false},
		{"before its birth", true, UINT64_MAX, 0, false},
		{"120 s", true, REKEY_AFTER_TIME, 0, false},
		{"1 ns short of 165 s", true, SECONDS(165) - 1, 0, false},
		{"165 s", true, SECONDS(165), 0, true},
		{"1 ns left", true, REJECT_AFTER_TIME - 1, 0, true},
		{"165 s, responder", false, SECONDS(165), 0, false},
		{"1 ns left, responder", false, REJECT_AFTER_TIME - 1, 0, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session session = session_aged(rows[i].initiator);
		uint64_t now = BIRTH + rows[i].age;

		cr_expect_eq(session_rekey_due_on_receive(&session, now), rows[i].result, "%s",
			     rows[i].what);
		session.may_send = false;
		cr_expect_not(session_rekey_due_on_receive(&session, now), "receive only: %s",
			      rows[i].what);
		session = session_aged(rows[i].initiator);
		session.exists = false;
		cr_expect_not(session_rekey_due_on_receive(&session, now), "empty: %s",
			      rows[i].what);
	}
}
