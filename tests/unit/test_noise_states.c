/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_noise_states.c - what a handshake remembers and forgets: which message is taken in which state,
 * timestamps and floods (paper 5.1, 5.4.2), one release for every reserved index, wiping.
 *
 * The bytes of the messages are test_noise.c's.
 */
#include <criterion/criterion.h>
#include <crypto/crypto.h>
#include <harness/noise_endpoint.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NOW SECONDS(1000)

static const struct known_handshake *const known = &known_handshakes[0];
static struct noise_endpoint initiator, responder;
static struct message_handshake_initiation initiation;
static struct message_handshake_response response;

static void start(void)
{
	cr_assert_eq(crypto_start(), 0);
	endpoints_init(&initiator, &responder, known);
}

static void assert_ledgers(void)
{
	cr_assert_not(initiator.ledger.misused);
	cr_assert_not(responder.ledger.misused);
}

TestSuite(noise_states, .init = start, .fini = assert_ledgers);

/* ---- From one state to the next ---- */

/* Brings the endpoint that can be in it into `state`, by whole messages, and returns it. */
static struct noise_endpoint *reach(enum noise_handshake_state state)
{
	if (state == HANDSHAKE_ZEROED)
		return &initiator;
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	if (state == HANDSHAKE_CREATED_INITIATION)
		return &initiator;
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW), VERDICT_DELIVERED);
	if (state == HANDSHAKE_CONSUMED_INITIATION)
		return &responder;
	cr_assert(create_response(&responder, known, &response));
	if (state == HANDSHAKE_CREATED_RESPONSE)
		return &responder;
	cr_assert_eq(consume_response(&initiator, &response), VERDICT_DELIVERED);
	return &initiator;
}

static struct noise_endpoint *reach_afresh(enum noise_handshake_state state)
{
	endpoints_init(&initiator, &responder, known);
	return reach(state);
}

/* Each step is refused out of turn for the sake of the state alone: all else is as it should be. */
Test(noise_states, response_is_consumed_only_after_an_initiation)
{
	reach(HANDSHAKE_CREATED_INITIATION);
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
		if (state == HANDSHAKE_CREATED_INITIATION)
			continue;
		initiator.handshake.state = state;
		ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, known->response),
			       &initiator, "in state %d", state);
	}
	initiator.handshake.state = HANDSHAKE_CREATED_INITIATION;
	cr_assert_eq(consume_response(&initiator, known->response), VERDICT_DELIVERED);
}

Test(noise_states, response_is_created_only_for_an_initiation)
{
	uint8_t untouched[sizeof(response)];

	memset(untouched, 0xa5, sizeof(untouched));
	memcpy(&response, untouched, sizeof(response));
	reach(HANDSHAKE_CONSUMED_INITIATION);
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
		if (state == HANDSHAKE_CONSUMED_INITIATION)
			continue;
		responder.handshake.state = state;
		ASSERT_REFUSED(false, create_response(&responder, known, &response), &responder,
			       "in state %d", state);
		cr_assert_arr_eq(&response, untouched, sizeof(response), "state %d", state);
	}
	responder.handshake.state = HANDSHAKE_CONSUMED_INITIATION;
	cr_assert(create_response(&responder, known, &response));
}

Test(noise_states, session_begins_only_at_the_end)
{
	struct noise_session_keys keys, untouched;

	memset(&keys, 0xa5, sizeof(keys));
	memset(&untouched, 0xa5, sizeof(untouched));
	reach(HANDSHAKE_CREATED_RESPONSE);
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_INITIATION; state++) {
		responder.handshake.state = state;
		ASSERT_REFUSED(false, noise_begin_session(&responder.handshake, &keys), &responder,
			       "in state %d", state);
		cr_assert_arr_eq(&keys, &untouched, sizeof(keys), "state %d", state);
	}
	responder.handshake.state = HANDSHAKE_CREATED_RESPONSE;
	cr_assert(noise_begin_session(&responder.handshake, &keys));
}

Test(noise_states, a_handshake_begins_one_session)
{
	const int ends[] = {HANDSHAKE_CREATED_RESPONSE, HANDSHAKE_CONSUMED_RESPONSE};

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct noise_endpoint *endpoint = reach_afresh(ends[i]);
		struct noise_session_keys keys;

		cr_assert(noise_begin_session(&endpoint->handshake, &keys));
		cr_assert_eq(endpoint->handshake.state, HANDSHAKE_ZEROED);
		cr_assert_not(noise_begin_session(&endpoint->handshake, &keys));
	}
}

/* Neither what comes from elsewhere nor what comes twice ends a handshake under way. */
Test(noise_states, response_to_an_older_initiation_is_refused)
{
	struct message_handshake_response to_the_second;

	reach(HANDSHAKE_CREATED_RESPONSE);
	cr_assert(noise_create_initiation(&initiation, &initiator.handshake, &initiator.identity,
					  &initiator.indices, known->responder_ephemeral,
					  known->timestamp));
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, &response), &initiator);

	cr_assert_eq(consume_initiation(&responder, &initiation, NOW + SECONDS(1)),
		     VERDICT_DELIVERED);
	cr_assert(create_response(&responder, known, &to_the_second));
	cr_assert_eq(consume_response(&initiator, &to_the_second), VERDICT_DELIVERED);
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, &to_the_second),
		       &initiator);
}

/* An initiation overwrites whatever was under way but one of ours, and its secrets are gone. */
Test(noise_states, newer_initiation_overwrites)
{
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
		struct noise_endpoint *endpoint = reach_afresh(state), other;
		bool waits = state == HANDSHAKE_CREATED_INITIATION;
		uint8_t later[NOISE_TIMESTAMP_LENGTH];

		/* the far end, with a clock that is ahead of what it said before */
		endpoint_init(&other,
			      endpoint == &initiator ? known->responder_private
						     : known->initiator_private,
			      endpoint->identity.static_public, known->preshared_key, 77);
		noise_tai64n(later, KNOWN_SECONDS + 1, 0);
		cr_assert(create_initiation(&other, known, later, &initiation));

		cr_assert_eq(consume_initiation(endpoint, &initiation, NOW + SECONDS(1)),
			     VERDICT_DELIVERED, "state %d", state);
		cr_assert_eq(endpoint->handshake.state, HANDSHAKE_CONSUMED_INITIATION);
		cr_assert_eq(endpoint->handshake.remote_index, 77);
		cr_assert_not(endpoint->handshake.has_local_index);
		cr_assert_eq(endpoint->pending.exists, waits, "state %d", state);
		cr_assert_eq(endpoint->ledger.live_count, waits);
		cr_assert(crypto_is_zero(endpoint->handshake.ephemeral_private, 32));

		cr_assert(create_response(endpoint, known, &response));
		cr_assert_eq(consume_response(&other, &response), VERDICT_DELIVERED);
		assert_ledgers();
	}
}

/* ---- Timestamps and floods ---- */

/* An initiation with this very label, whatever was sent before. */
static void send_labelled(const uint8_t *label)
{
	memset(initiator.handshake.last_sent_timestamp, 0, NOISE_TIMESTAMP_LENGTH);
	cr_assert(create_initiation(&initiator, known, label, &initiation));
}

static const struct {
	uint8_t earlier[NOISE_TIMESTAMP_LENGTH], later[NOISE_TIMESTAMP_LENGTH];
} in_order[] = {
	{{0x40, [7] = 10, 0, 0, 0, 0}, {0x40, [7] = 10, 1, 0, 0, 0}},
	{{0x40, [7] = 10, 0, 0, 0, 1}, {0x40, [7] = 10, 0, 0, 1, 0}},
	{{0x40, [7] = 10, 0x3b, 0x9a, 0xc9, 0xff}, {0x40, [7] = 11, 0, 0, 0, 0}},
	{{0x40, [6] = 1, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x40, [6] = 2, 0, 0, 0, 0, 0}},
	{{0x40, [7] = 0x7f, 0, 0, 0, 0}, {0x40, [7] = 0x80, 0, 0, 0, 0}},
	{{0x40, [3] = 1, [7] = 0xff}, {0x40, [3] = 2, [7] = 0}},
	{{0x7f, 0xff}, {0x80, 0x00}},
};

Test(noise_states, only_a_greater_timestamp_is_accepted)
{
	for (size_t i = 0; i < COUNT(in_order); i++) {
		uint64_t now = NOW;

		endpoints_init(&initiator, &responder, known);
		send_labelled(in_order[i].earlier);
		cr_assert_eq(consume_initiation(&responder, &initiation, now), VERDICT_DELIVERED);
		now += SECONDS(1);
		ASSERT_REFUSED(VERDICT_REPLAYED_INITIATION,
			       consume_initiation(&responder, &initiation, now), &responder);
		send_labelled(in_order[i].later);
		cr_assert_eq(consume_initiation(&responder, &initiation, now), VERDICT_DELIVERED,
			     "case %zu", i);
		cr_assert_arr_eq(responder.handshake.latest_timestamp, in_order[i].later, 12);
		now += SECONDS(1);
		send_labelled(in_order[i].earlier);
		ASSERT_REFUSED(VERDICT_REPLAYED_INITIATION,
			       consume_initiation(&responder, &initiation, now), &responder);
	}
}

/* A replay is one after a session, after a forgotten handshake, and while another is under way. */
Test(noise_states, timestamp_outlives_the_handshake)
{
	struct noise_session_keys keys;

	reach(HANDSHAKE_CREATED_RESPONSE);
	cr_assert(noise_begin_session(&responder.handshake, &keys));
	ASSERT_REFUSED(VERDICT_REPLAYED_INITIATION,
		       consume_initiation(&responder, &initiation, NOW + SECONDS(1)), &responder);
	noise_handshake_clear(&responder.handshake, &responder.indices);
	ASSERT_REFUSED(VERDICT_REPLAYED_INITIATION,
		       consume_initiation(&responder, &initiation, NOW + SECONDS(2)), &responder);
}

Test(noise_states, sender_goes_on_when_its_clock_does_not)
{
	uint8_t before[NOISE_TIMESTAMP_LENGTH], label[NOISE_TIMESTAMP_LENGTH];
	uint64_t now = NOW;

	/* the clock stands still, then is a day behind, then an hour ahead */
	for (int i = 0; i < 50; i++) {
		memcpy(before, responder.handshake.latest_timestamp, sizeof(before));
		noise_tai64n(label, i < 25 ? KNOWN_SECONDS : KNOWN_SECONDS - 86400, 0);
		cr_assert(create_initiation(&initiator, known, label, &initiation));
		cr_assert_eq(consume_initiation(&responder, &initiation, now += SECONDS(1)),
			     VERDICT_DELIVERED, "initiation %d", i);
		cr_assert_gt(memcmp(responder.handshake.latest_timestamp, before, 12), 0);
	}
	noise_tai64n(label, KNOWN_SECONDS + 3600, 0);
	cr_assert(create_initiation(&initiator, known, label, &initiation));
	cr_assert_eq(consume_initiation(&responder, &initiation, now += SECONDS(1)),
		     VERDICT_DELIVERED);
	cr_assert_arr_eq(responder.handshake.latest_timestamp, label, sizeof(label));
}

/* The step that a standing clock gets carries into the seconds. */
Test(noise_states, senders_step_carries)
{
	static const uint8_t last[] = {0x40, [6] = 1, 0xff, 0xff, 0xff, 0xff, 0xff};

	send_labelled(last);
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW), VERDICT_DELIVERED);
	cr_assert(create_initiation(&initiator, known, last, &initiation));
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW + SECONDS(1)),
		     VERDICT_DELIVERED);
	cr_assert_gt(memcmp(responder.handshake.latest_timestamp, last, sizeof(last)), 0);
}

Test(noise_states, one_initiation_in_20_ms)
{
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW), VERDICT_DELIVERED);

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	ASSERT_REFUSED(VERDICT_INITIATION_FLOOD, consume_initiation(&responder, &initiation, NOW),
		       &responder);
	ASSERT_REFUSED(VERDICT_INITIATION_FLOOD,
		       consume_initiation(&responder, &initiation, NOW + MILLISECONDS(19)),
		       &responder);
	ASSERT_REFUSED(VERDICT_INITIATION_FLOOD,
		       consume_initiation(&responder, &initiation, NOW + MILLISECONDS(20) - 1),
		       &responder);
	cr_assert_eq(consume_initiation(&responder, &initiation, NOW + MILLISECONDS(20)),
		     VERDICT_DELIVERED);

	/* counted from the last one that was accepted */
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	ASSERT_REFUSED(VERDICT_INITIATION_FLOOD,
		       consume_initiation(&responder, &initiation, NOW + MILLISECONDS(39)),
		       &responder);
}

Test(noise_states, first_initiation_is_no_flood_even_at_boot)
{
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	cr_assert_eq(consume_initiation(&responder, &initiation, 0), VERDICT_DELIVERED);
	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	ASSERT_REFUSED(VERDICT_INITIATION_FLOOD,
		       consume_initiation(&responder, &initiation, MILLISECONDS(19)), &responder);
}

/* ---- Indices ---- */

Test(noise_states, back_to_back_initiations_hold_one_index)
{
	for (int i = 0; i < 100; i++) {
		cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
		cr_assert_eq(initiator.ledger.live_count, 1);
		cr_assert_eq(initiator.ledger.live[0], initiator.handshake.local_index);
		cr_assert_eq(load_le32(initiation.sender_index), initiator.handshake.local_index);
	}
}

static void clear(struct noise_endpoint *endpoint)
{
	noise_handshake_clear(&endpoint->handshake, &endpoint->indices);
}

static void wipe(struct noise_endpoint *endpoint)
{
	noise_handshake_wipe(&endpoint->handshake, &endpoint->indices);
}

Test(noise_states, ending_gives_the_index_back_once_in_every_state)
{
	void (*const ends[])(struct noise_endpoint *endpoint) = {clear, wipe};

	for (size_t i = 0; i < COUNT(ends); i++) {
		for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
			struct noise_endpoint *endpoint = reach_afresh(state);

			cr_assert_eq(endpoint->ledger.live_count,
				     state != HANDSHAKE_ZEROED &&
					     state != HANDSHAKE_CONSUMED_INITIATION);
			for (int twice = 0; twice < 2; twice++) {
				ends[i](endpoint);
				cr_assert_eq(endpoint->ledger.live_count, 0, "state %d", state);
				cr_assert_eq(endpoint->handshake.state, HANDSHAKE_ZEROED);
				assert_ledgers();
			}
		}
	}
}

Test(noise_states, index_goes_to_the_session)
{
	const int ends[] = {HANDSHAKE_CREATED_RESPONSE, HANDSHAKE_CONSUMED_RESPONSE};

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct noise_endpoint *endpoint = reach_afresh(ends[i]);
		struct noise_session_keys keys;

		cr_assert(noise_begin_session(&endpoint->handshake, &keys));
		cr_assert_not(endpoint->handshake.has_local_index);
		clear(endpoint);
		cr_assert_eq(endpoint->ledger.live_count, 1);
		cr_assert_eq(endpoint->ledger.live[0], keys.local_index);
	}
}

Test(noise_states, no_initiation_without_an_index)
{
	uint8_t untouched[sizeof(initiation)];

	memset(untouched, 0xa5, sizeof(untouched));
	for (int pending = 0; pending < 2; pending++) {
		memcpy(&initiation, untouched, sizeof(initiation));
		initiator.ledger.refuses = true;
		cr_assert_not(create_initiation(&initiator, known, known->timestamp, &initiation));
		cr_assert_arr_eq(&initiation, untouched, sizeof(initiation));
		/* the one under way was given up for it */
		cr_assert_eq(initiator.handshake.state, HANDSHAKE_ZEROED);
		cr_assert_not(initiator.handshake.has_local_index);
		cr_assert_eq(initiator.ledger.live_count, 0);

		initiator.ledger.refuses = false;
		cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
		cr_assert_eq(initiator.ledger.live_count, 1);
	}
}

Test(noise_states, no_response_without_an_index)
{
	uint8_t untouched[sizeof(response)];

	memset(untouched, 0xa5, sizeof(untouched));
	memcpy(&response, untouched, sizeof(response));
	reach(HANDSHAKE_CONSUMED_INITIATION);
	responder.ledger.refuses = true;
	cr_assert_not(create_response(&responder, known, &response));
	cr_assert_arr_eq(&response, untouched, sizeof(response));
	cr_assert_not(responder.handshake.has_local_index);
	cr_assert_neq(responder.handshake.state, HANDSHAKE_CREATED_RESPONSE);
	clear(&responder);
	cr_assert_eq(responder.ledger.live_count, 0);
}

/* One step of an endless quarrel of two ends, each of which may start, answer, finish or forget. True
 * when a session began. */
static bool random_step(struct noise_endpoint *endpoint, struct noise_endpoint *other,
			uint32_t choice, uint64_t now)
{
	static struct message_handshake_initiation last_initiation;
	static struct message_handshake_response last_response;
	struct noise_session_keys keys;

	endpoint->ledger.refuses = choice % 7 == 0;
	switch (choice / 7 % 6) {
	case 0:
		if (!endpoint->pending.exists)
			create_initiation(endpoint, known, known->timestamp, &last_initiation);
		break;
	case 1:
		/* before the next one each is answered, or given up */
		if (other->pending.exists)
			noise_handshake_clear(&other->handshake, &other->indices);
		resume_initiation(other, false);
		consume_initiation(other, &last_initiation, now);
		break;
	case 2:
		create_response(endpoint, known, &last_response);
		break;
	case 3:
		consume_response(other, &last_response);
		break;
	case 4:
		if (!noise_begin_session(&endpoint->handshake, &keys))
			break;
		/* and ends at once */
		ledger_release(&endpoint->ledger, keys.local_index);
		resume_initiation(endpoint, true);
		return true;
	default:
		if (choice % 5)
			break;
		clear(endpoint);
		resume_initiation(endpoint, false);
	}
	return false;
}

Test(noise_states, every_reserved_index_has_one_owner_whatever_happens)
{
	uint32_t seed = 1, sessions = 0, crossings = 0;

	for (int i = 0; i < 5000; i++) {
		bool swap;

		seed = seed * 1664525 + 1013904223;
		swap = seed >> 31;
		sessions +=
			random_step(swap ? &responder : &initiator, swap ? &initiator : &responder,
				    seed >> 8 & 0xffff, NOW + SECONDS(i));
		assert_ledgers();
		cr_assert_eq(initiator.ledger.live_count,
			     initiator.handshake.has_local_index + initiator.pending.exists);
		cr_assert_eq(responder.ledger.live_count,
			     responder.handshake.has_local_index + responder.pending.exists);
		crossings += initiator.handshake.is_crossed || responder.handshake.is_crossed;
	}
	/* the walk does reach the end of handshakes, and crossings */
	cr_assert_gt(sessions, 10);
	cr_assert_gt(crossings, 10);
}

/* ---- Forgetting ---- */

static bool contains(const void *memory, size_t length, const uint8_t *secret)
{
	for (size_t at = 0; at + 32 <= length; at++)
		if (memcmp((const uint8_t *)memory + at, secret, 32) == 0)
			return true;
	return false;
}

/* Every 32 bytes that belong to this handshake only. */
static void assert_forgotten(const struct noise_handshake *handshake)
{
	uint8_t ephemerals[2][32];
	const uint8_t *const secrets[] = {
		known->initiation_chaining_key,
		known->initiation_hash,
		known->response_chaining_key,
		known->response_hash,
		ephemerals[0],
		ephemerals[1],
		known->initiator_ephemeral,
		known->responder_ephemeral,
		known->initiator_sending_key,
		known->initiator_receiving_key,
	};

	memcpy(ephemerals[0], known->initiator_ephemeral, 32);
	memcpy(ephemerals[1], known->responder_ephemeral, 32);
	curve25519_clamp(ephemerals[0]);
	curve25519_clamp(ephemerals[1]);
	for (size_t i = 0; i < COUNT(secrets); i++)
		cr_assert_not(contains(handshake, sizeof(*handshake), secrets[i]), "secret %zu", i);
}

Test(noise_states, session_leaves_no_secret_of_the_handshake)
{
	const int ends[] = {HANDSHAKE_CREATED_RESPONSE, HANDSHAKE_CONSUMED_RESPONSE};

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct noise_endpoint *endpoint = reach_afresh(ends[i]);
		struct noise_session_keys keys;

		/* the scan finds what is there */
		cr_assert(contains(&endpoint->handshake, sizeof(endpoint->handshake),
				   known->response_chaining_key));
		cr_assert(noise_begin_session(&endpoint->handshake, &keys));
		assert_forgotten(&endpoint->handshake);
	}
}

Test(noise_states, clearing_forgets_the_handshake_and_keeps_the_peer)
{
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
		struct noise_endpoint *endpoint = reach_afresh(state);
		struct noise_handshake before;

		memcpy(&before, &endpoint->handshake, sizeof(before));
		clear(endpoint);
		assert_forgotten(&endpoint->handshake);
		/* all fields above the line */
		cr_assert_arr_eq(&endpoint->handshake, &before,
				 offsetof(struct noise_handshake, has_consumed_initiation) + 1);
	}
}

Test(noise_states, wiping_forgets_everything)
{
	for (int state = HANDSHAKE_ZEROED; state <= HANDSHAKE_CONSUMED_RESPONSE; state++) {
		struct noise_endpoint *endpoint = reach_afresh(state);

		noise_set_preshared_key(&endpoint->handshake, known_handshakes[1].preshared_key);
		wipe(endpoint);
		cr_assert(crypto_is_zero(&endpoint->handshake, sizeof(endpoint->handshake)),
			  "state %d", state);
	}
}
