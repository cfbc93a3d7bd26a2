/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_noise.c - the handshake's bytes: key derivation, labels, every byte of every message against the
 * reference, and what is refused because a byte, a key or a point is not what it should be.
 *
 * States, indices, timestamps and wiping are test_noise_states.c's; the macs are test_cookie.c's.
 */
#include <criterion/criterion.h>
#include <crypto/crypto.h>
#include <harness/noise_endpoint.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NOW SECONDS(1000)

static const uint8_t zeros[148];
static const struct known_handshake *const known = &known_handshakes[0];
static struct noise_endpoint initiator, responder;

static void start(void)
{
	cr_assert_eq(crypto_start(), 0);
	endpoints_init(&initiator, &responder, known);
}

TestSuite(noise, .init = start);

Test(noise, kdf_known_answers)
{
	uint8_t input[128], out[3][NOISE_HASH_LENGTH];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = i;
	for (size_t i = 0; i < COUNT(known_kdfs); i++) {
		for (unsigned int count = 1; count <= 3; count++) {
			memset(out, 0, sizeof(out));
			noise_kdf(out[0], count > 1 ? out[1] : NULL, count > 2 ? out[2] : NULL,
				  count, known_kdf_chaining_key, input, known_kdfs[i].input_length);
			cr_assert_arr_eq(out, known_kdfs[i].outputs, count * NOISE_HASH_LENGTH,
					 "Kdf_%u of %zu bytes", count, known_kdfs[i].input_length);
		}
	}
}

Test(noise, tai64n_labels)
{
	uint8_t label[NOISE_TIMESTAMP_LENGTH];

	for (size_t i = 0; i < COUNT(known_tai64ns); i++) {
		noise_tai64n(label, known_tai64ns[i].seconds, known_tai64ns[i].nanoseconds);
		cr_assert_arr_eq(label, known_tai64ns[i].label, sizeof(label), "case %zu", i);
	}
	noise_tai64n(label, KNOWN_SECONDS, KNOWN_NANOSECONDS);
	cr_assert_arr_eq(label, known->timestamp, sizeof(label));
}

Test(noise, identity_is_clamped_and_has_its_public_key)
{
	struct noise_identity identity;
	uint8_t clamped[NOISE_PUBLIC_KEY_LENGTH];

	memcpy(clamped, known->initiator_private, sizeof(clamped));
	curve25519_clamp(clamped);
	cr_assert_neq(memcmp(clamped, known->initiator_private, sizeof(clamped)), 0);

	noise_set_identity(&identity, known->initiator_private);
	cr_assert(identity.has_identity);
	cr_assert_arr_eq(identity.static_private, clamped, sizeof(clamped));
	cr_assert_arr_eq(identity.static_public, known->initiator_public, sizeof(clamped));
}

Test(noise, no_key_or_a_zero_key_takes_the_identity_away)
{
	const uint8_t *const none[] = {NULL, zeros};

	for (size_t i = 0; i < COUNT(none); i++) {
		struct noise_identity identity;

		noise_set_identity(&identity, known->initiator_private);
		noise_set_identity(&identity, none[i]);
		cr_assert_not(identity.has_identity);
		cr_assert_arr_eq(identity.static_private, zeros, sizeof(identity.static_private));
		cr_assert_arr_eq(identity.static_public, zeros, sizeof(identity.static_public));
	}
}

static void assert_chain(const struct noise_endpoint *endpoint, const uint8_t *chaining_key,
			 const uint8_t *hash)
{
	cr_assert_arr_eq(endpoint->handshake.chaining_key, chaining_key, NOISE_HASH_LENGTH);
	cr_assert_arr_eq(endpoint->handshake.hash, hash, NOISE_HASH_LENGTH);
}

/* The known messages up to their macs, which noise_*() leaves zero. */
#define ASSERT_MESSAGE(message, known_bytes)                                                       \
	do {                                                                                       \
		size_t signed_ = sizeof(message) - sizeof(struct message_macs);                    \
                                                                                                   \
		cr_assert_arr_eq(&(message), known_bytes, signed_);                                \
		cr_assert_arr_eq(&(message).macs, zeros, sizeof(struct message_macs));             \
	} while (0)

static void assert_initiation(const struct known_handshake *expected)
{
	struct message_handshake_initiation message;

	memset(&message, 0xa5, sizeof(message));
	cr_assert(create_initiation(&initiator, expected, expected->timestamp, &message));
	ASSERT_MESSAGE(message, expected->initiation);
	cr_assert_eq(initiator.handshake.state, HANDSHAKE_CREATED_INITIATION);
	cr_assert_eq(initiator.handshake.local_index, KNOWN_INITIATOR_INDEX);
	assert_chain(&initiator, expected->initiation_chaining_key, expected->initiation_hash);

	cr_assert_eq(consume_initiation(&responder, expected->initiation, NOW), VERDICT_DELIVERED);
	cr_assert_eq(responder.handshake.state, HANDSHAKE_CONSUMED_INITIATION);
	cr_assert_eq(responder.handshake.remote_index, KNOWN_INITIATOR_INDEX);
	cr_assert_arr_eq(responder.handshake.latest_timestamp, expected->timestamp,
			 NOISE_TIMESTAMP_LENGTH);
	assert_chain(&responder, expected->initiation_chaining_key, expected->initiation_hash);
}

static void assert_response(const struct known_handshake *expected)
{
	struct message_handshake_response message;

	memset(&message, 0xa5, sizeof(message));
	cr_assert(create_response(&responder, expected, &message));
	ASSERT_MESSAGE(message, expected->response);
	cr_assert_eq(responder.handshake.state, HANDSHAKE_CREATED_RESPONSE);
	cr_assert_eq(responder.handshake.local_index, KNOWN_RESPONDER_INDEX);
	assert_chain(&responder, expected->response_chaining_key, expected->response_hash);

	cr_assert_eq(consume_response(&initiator, expected->response), VERDICT_DELIVERED);
	cr_assert_eq(initiator.handshake.state, HANDSHAKE_CONSUMED_RESPONSE);
	cr_assert_eq(initiator.handshake.remote_index, KNOWN_RESPONDER_INDEX);
	assert_chain(&initiator, expected->response_chaining_key, expected->response_hash);
}

static void assert_sessions(const struct known_handshake *expected)
{
	struct noise_session_keys keys;

	cr_assert(noise_begin_session(&initiator.handshake, &keys));
	cr_assert_arr_eq(keys.sending_key, expected->initiator_sending_key, 32);
	cr_assert_arr_eq(keys.receiving_key, expected->initiator_receiving_key, 32);
	cr_assert_eq(keys.local_index, KNOWN_INITIATOR_INDEX);
	cr_assert_eq(keys.remote_index, KNOWN_RESPONDER_INDEX);
	cr_assert(keys.i_am_the_initiator);

	cr_assert(noise_begin_session(&responder.handshake, &keys));
	cr_assert_arr_eq(keys.sending_key, expected->initiator_receiving_key, 32);
	cr_assert_arr_eq(keys.receiving_key, expected->initiator_sending_key, 32);
	cr_assert_eq(keys.local_index, KNOWN_RESPONDER_INDEX);
	cr_assert_eq(keys.remote_index, KNOWN_INITIATOR_INDEX);
	cr_assert_not(keys.i_am_the_initiator);
}

Test(noise, known_handshake_byte_by_byte)
{
	assert_initiation(known);
	assert_response(known);
	assert_sessions(known);
}

Test(noise, known_handshake_with_a_preshared_key)
{
	endpoints_init(&initiator, &responder, &known_handshakes[1]);
	assert_initiation(&known_handshakes[1]);
	assert_response(&known_handshakes[1]);
	assert_sessions(&known_handshakes[1]);
}

static const uint8_t flips[] = {0x01, 0x10, 0x80, 0xff};

/* The sender's index says only where to answer, and the macs are not noise's: those are mac1's to
 * protect. Everything else is noise's own. */
static bool is_authenticated(size_t at, size_t length)
{
	const size_t sender = offsetof(struct message_handshake_initiation, sender_index);

	_Static_assert(offsetof(struct message_handshake_initiation, sender_index) ==
			       offsetof(struct message_handshake_response, sender_index),
		       "at the same place in both");
	return (at < sender || at >= sender + 4) && at < length - sizeof(struct message_macs);
}

Test(noise, no_authenticated_byte_of_an_initiation_can_change)
{
	uint8_t message[sizeof(known->initiation)];

	memcpy(message, known->initiation, sizeof(message));
	for (size_t at = 0; at < sizeof(message); at++) {
		if (!is_authenticated(at, sizeof(message)))
			continue;
		for (size_t i = 0; i < COUNT(flips); i++) {
			message[at] ^= flips[i];
			ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
				       consume_initiation(&responder, message, NOW), &responder,
				       "byte %zu ^ %#x", at, flips[i]);
			message[at] ^= flips[i];
		}
	}
	cr_assert_eq(consume_initiation(&responder, message, NOW), VERDICT_DELIVERED);
}

/* This also says that garbage does not end a handshake: the true response comes last. */
Test(noise, no_authenticated_byte_of_a_response_can_change)
{
	struct message_handshake_initiation initiation;
	uint8_t message[sizeof(known->response)];

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	memcpy(message, known->response, sizeof(message));
	for (size_t at = 0; at < sizeof(message); at++) {
		if (!is_authenticated(at, sizeof(message)))
			continue;
		for (size_t i = 0; i < COUNT(flips); i++) {
			message[at] ^= flips[i];
			ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, message),
				       &initiator, "byte %zu ^ %#x", at, flips[i]);
			message[at] ^= flips[i];
		}
	}
	cr_assert_eq(consume_response(&initiator, message), VERDICT_DELIVERED);
}

/* Neither takes the other's message, a cookie reply or data for its own. */
Test(noise, other_types_are_refused)
{
	struct message_handshake_initiation initiation;
	uint8_t message[sizeof(known->initiation)];

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	for (uint32_t type = 0; type < 256; type++) {
		memcpy(message, known->initiation, sizeof(known->initiation));
		message[0] = type;
		if (type != MESSAGE_HANDSHAKE_INITIATION)
			ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
				       consume_initiation(&responder, message, NOW), &responder,
				       "type %u", type);
		memcpy(message, known->response, sizeof(known->response));
		message[0] = type;
		if (type != MESSAGE_HANDSHAKE_RESPONSE)
			ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, message),
				       &initiator, "type %u", type);
	}
}

/* The preshared key is mixed in by the response: without it only the response is worthless. */
Test(noise, different_preshared_keys_part_at_the_response)
{
	struct message_handshake_initiation initiation;

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
		       consume_response(&initiator, known_handshakes[1].response), &initiator,
		       "a response made with another preshared key");
}

Test(noise, preshared_key_set_while_pending_is_the_one_that_counts)
{
	const struct known_handshake *with_key = &known_handshakes[1];
	struct message_handshake_initiation initiation;
	struct message_handshake_response response;

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	noise_set_preshared_key(&initiator.handshake, with_key->preshared_key);
	cr_assert_eq(consume_response(&initiator, with_key->response), VERDICT_DELIVERED);

	cr_assert_eq(consume_initiation(&responder, &initiation, NOW), VERDICT_DELIVERED);
	noise_set_preshared_key(&responder.handshake, with_key->preshared_key);
	cr_assert(create_response(&responder, known, &response));
	ASSERT_MESSAGE(response, with_key->response);
}

Test(noise, preshared_key_can_be_taken_away)
{
	endpoints_init(&initiator, &responder, &known_handshakes[1]);
	noise_set_preshared_key(&initiator.handshake, NULL);
	noise_set_preshared_key(&responder.handshake, zeros);
	assert_initiation(known);
	assert_response(known);
}

/* Each is told by its static key; a key that belongs to no peer is told as such. */
Test(noise, initiation_of_a_stranger)
{
	struct noise_endpoint other;

	endpoint_init(&other, known->responder_private, known_curve25519s[2].result, NULL, 1);
	ASSERT_REFUSED(VERDICT_UNKNOWN_PEER, consume_initiation(&other, known->initiation, NOW),
		       &other, "an initiation by a stranger");
}

Test(noise, messages_for_somebody_else)
{
	struct message_handshake_initiation initiation;
	struct noise_endpoint other;

	endpoint_init(&other, known->initiator_ephemeral, known->initiator_public, NULL, 1);
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_initiation(&other, known->initiation, NOW),
		       &other, "an initiation to another key");

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	noise_set_identity(&initiator.identity, known->responder_private);
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, known->response),
		       &initiator, "a response to another key");
}

Test(noise, nothing_happens_without_an_identity)
{
	struct message_handshake_initiation message;
	uint8_t untouched[sizeof(message)];

	memset(&message, 0xa5, sizeof(message));
	memset(untouched, 0xa5, sizeof(untouched));
	/* the flag alone decides: the keys are still there */
	responder.identity.has_identity = false;
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
		       consume_initiation(&responder, known->initiation, NOW), &responder,
		       "an initiation");

	cr_assert(create_initiation(&initiator, known, known->timestamp, &message));
	initiator.identity.has_identity = false;
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE, consume_response(&initiator, known->response),
		       &initiator, "a response");

	memcpy(&message, untouched, sizeof(message));
	/* and the handshake under way goes on */
	ASSERT_REFUSED(false, create_initiation(&initiator, known, known->timestamp, &message),
		       &initiator, "a wish to begin");
	cr_assert_arr_eq(&message, untouched, sizeof(message));
}

/* ---- DH steps that yield zero ---- */

Test(noise, peer_of_low_order_is_never_spoken_to)
{
	for (size_t i = 0; i < COUNT(low_order_points); i++) {
		struct message_handshake_initiation message;
		struct noise_endpoint endpoint;

		memset(&message, 0xa5, sizeof(message));
		endpoint_init(&endpoint, known->initiator_private, low_order_points[i].bytes, NULL,
			      1);
		cr_assert_not(create_initiation(&endpoint, known, known->timestamp, &message));
		cr_assert_eq(endpoint.handshake.is_usable, STATIC_STATIC_ZERO);
		cr_assert_eq(message.type[0], 0xa5);
		cr_assert_eq(endpoint.ledger.live_count, 0);
		cr_assert_eq(endpoint.handshake.state, HANDSHAKE_ZEROED);
	}
}

Test(noise, es_of_zero_is_refused_by_the_responder)
{
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
		       consume_initiation(&responder, initiation_with_low_order_ephemeral, NOW),
		       &responder, "an ephemeral of low order");
}

/* Past the static-static check, which such a peer fails first. */
Test(noise, es_of_zero_is_refused_by_the_initiator)
{
	struct message_handshake_initiation message;

	/* one that is under way goes on */
	cr_assert(create_initiation(&initiator, known, known->timestamp, &message));
	memset(&message, 0xa5, sizeof(message));
	memcpy(initiator.handshake.remote_static, low_order_points[2].bytes, 32);
	ASSERT_REFUSED(false, create_initiation(&initiator, known, known->timestamp, &message),
		       &initiator, "a static key of low order");
	cr_assert_eq(message.type[0], 0xa5);
}

Test(noise, ss_of_zero_is_refused)
{
	endpoint_init(&responder, known->responder_private, low_order_points[2].bytes, NULL, 1);
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
		       consume_initiation(&responder, initiation_with_low_order_static, NOW),
		       &responder, "a static key of low order");
}

Test(noise, ee_of_zero_is_refused_by_the_initiator)
{
	struct message_handshake_initiation initiation;

	cr_assert(create_initiation(&initiator, known, known->timestamp, &initiation));
	ASSERT_REFUSED(VERDICT_BAD_HANDSHAKE,
		       consume_response(&initiator, response_with_low_order_ephemeral), &initiator,
		       "an ephemeral of low order");
}

static void assert_no_response(const char *step)
{
	struct message_handshake_response message;

	memset(&message, 0xa5, sizeof(message));
	cr_assert_not(create_response(&responder, known, &message), "%s", step);
	cr_assert_eq(message.type[0], 0xa5);
	cr_assert_eq(responder.ledger.live_count, responder.handshake.has_local_index);
	cr_assert_neq(responder.handshake.state, HANDSHAKE_CREATED_RESPONSE);
}

Test(noise, ee_of_zero_is_refused_by_the_responder)
{
	cr_assert_eq(consume_initiation(&responder, known->initiation, NOW), VERDICT_DELIVERED);
	memcpy(responder.handshake.remote_ephemeral, low_order_points[2].bytes, 32);
	assert_no_response("ee");
}

Test(noise, se_of_zero_is_refused_by_the_responder)
{
	cr_assert_eq(consume_initiation(&responder, known->initiation, NOW), VERDICT_DELIVERED);
	memcpy(responder.handshake.remote_static, low_order_points[2].bytes, 32);
	assert_no_response("se");
}

/* A change of our key may make a peer unusable, and usable again. */
Test(noise, static_static_follows_the_identity)
{
	struct message_handshake_initiation message;
	static const uint8_t other_private[NOISE_PUBLIC_KEY_LENGTH] = {7};
	uint8_t before[NOISE_PUBLIC_KEY_LENGTH];

	cr_assert_eq(initiator.handshake.is_usable, STATIC_STATIC_UNKNOWN);
	cr_assert(create_initiation(&initiator, known, known->timestamp, &message));
	cr_assert_eq(initiator.handshake.is_usable, STATIC_STATIC_USABLE);
	memcpy(before, initiator.handshake.static_static, sizeof(before));
	noise_set_identity(&initiator.identity, NULL);
	noise_forget_static_static(&initiator.handshake);
	cr_assert_arr_eq(initiator.handshake.static_static, zeros, sizeof(before));
	cr_assert_not(create_initiation(&initiator, known, known->timestamp, &message));
	cr_assert_eq(initiator.handshake.is_usable, STATIC_STATIC_UNKNOWN);

	noise_set_identity(&initiator.identity, other_private);
	cr_assert(create_initiation(&initiator, known, known->timestamp, &message));
	cr_assert_neq(memcmp(initiator.handshake.static_static, before, sizeof(before)), 0);

	noise_set_identity(&initiator.identity, known->initiator_private);
	noise_forget_static_static(&initiator.handshake);
	memset(initiator.handshake.last_sent_timestamp, 0, NOISE_TIMESTAMP_LENGTH);
	initiator.ledger.next = KNOWN_INITIATOR_INDEX;
	assert_initiation(known);
	cr_assert_arr_eq(initiator.handshake.static_static, before, sizeof(before));
}
