/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_noise_crossed.c - an initiation of ours that waits for its response while one of the peer's is
 * answered: what is kept of it meanwhile, whose the indices are, and what is wiped.
 *
 * What the two sessions come to is tests/sim/test_crossed.c's.
 */
#include <criterion/criterion.h>
#include <crypto/crypto.h>
#include <harness/noise_endpoint.h>

#define NOW SECONDS(1000)

static const struct known_handshake *const known = &known_handshakes[0];
static struct noise_endpoint initiator, responder, other;
static struct message_handshake_initiation initiation;
/* to the initiation with which each of these tests begins */
static struct message_handshake_response to_ours;
static unsigned int other_initiations;

static void start(void)
{
	cr_assert_eq(crypto_start(), 0);
	endpoints_init(&initiator, &responder, known);
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW), VERDICT_DELIVERED);
	cr_assert(create_response(&responder, known, &to_ours));
}

static void assert_ledgers(void)
{
	cr_assert_not(initiator.ledger.misused);
	cr_assert_not(responder.ledger.misused);
}

TestSuite(noise_crossed, .init = start, .fini = assert_ledgers);

/* The far end, which knows nothing of the handshake under way, initiates. */
static void other_end_initiates(void)
{
	uint8_t later[NOISE_TIMESTAMP_LENGTH];

	endpoint_init(&other, known->responder_private, initiator.identity.static_public,
		      known->preshared_key, 77);
	noise_tai64n(later, KNOWN_SECONDS + other_initiations++, 0);
	cr_assert(create_initiation(&other, known, later, &initiation));
}

/* Ours crosses one of the peer's: both come to their end, with an index each, and no secret of ours
 * is left where it was put aside. */
Test(noise_crossed, initiation_waits_while_another_is_answered)
{
	struct message_handshake_response to_theirs;
	struct noise_session_keys theirs, ours;

	for (int crossings = 0; crossings < 2; crossings++) {
		other_end_initiates();
		cr_assert_eq(consume_initiation(&initiator, &initiation, NOW + SECONDS(crossings)),
			     VERDICT_DELIVERED);
		cr_assert(create_response(&initiator, known, &to_theirs));
		cr_assert(noise_begin_session(&initiator.handshake, &theirs));
		cr_assert_not(theirs.is_crossed);
		resume_initiation(&initiator, true);
		cr_assert(crypto_is_zero(&initiator.pending, sizeof(initiator.pending)));
		cr_assert_eq(consume_response(&other, &to_theirs), VERDICT_DELIVERED);
		ledger_release(&initiator.ledger, theirs.local_index);
	}
	cr_assert_eq(initiator.ledger.live_count, 1);

	cr_assert_eq(consume_response(&initiator, &to_ours), VERDICT_DELIVERED);
	cr_assert(noise_begin_session(&initiator.handshake, &ours));
	cr_assert(ours.is_crossed && ours.i_am_the_initiator);
	cr_assert_arr_eq(ours.sending_key, known->initiator_sending_key, sizeof(ours.sending_key));
	cr_assert_neq(ours.local_index, theirs.local_index);
	cr_assert_eq(initiator.ledger.live[0], ours.local_index);
}

/* It was no crossing when there was no answer, for want of an index. */
Test(noise_crossed, initiation_waits_while_another_cannot_be_answered)
{
	struct message_handshake_response to_theirs;
	struct noise_session_keys ours;

	other_end_initiates();
	cr_assert_eq(consume_initiation(&initiator, &initiation, NOW), VERDICT_DELIVERED);
	initiator.ledger.refuses = true;
	cr_assert_not(create_response(&initiator, known, &to_theirs));
	noise_handshake_clear(&initiator.handshake, &initiator.indices);
	resume_initiation(&initiator, false);
	cr_assert_eq(initiator.ledger.live_count, 1);
	cr_assert_eq(consume_response(&initiator, &to_ours), VERDICT_DELIVERED);
	cr_assert(noise_begin_session(&initiator.handshake, &ours));
	cr_assert_not(ours.is_crossed);
}

/* A new one of ours begins anew, and was crossed by nobody. */
Test(noise_crossed, newer_initiation_of_ours_was_not_crossed)
{
	struct message_handshake_response to_theirs;
	struct noise_session_keys keys;

	other_end_initiates();
	cr_assert_eq(consume_initiation(&initiator, &initiation, NOW), VERDICT_DELIVERED);
	cr_assert(create_response(&initiator, known, &to_theirs));
	cr_assert(noise_begin_session(&initiator.handshake, &keys));
	resume_initiation(&initiator, true);
	cr_assert(initiator.handshake.is_crossed);
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	cr_assert_not(initiator.handshake.is_crossed);
}
