/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_cookie.c - mac1, mac2 and the cookie reply (paper 5.3, 5.4.4, 5.4.7) against the reference; what a
 * cookie is bound to, and how long it lasts.
 */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <crypto/crypto.h>
#include <harness/vectors.h>
#include <proto/cookie.h>
#include <wgxdp/blake2s.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NOW SECONDS(1000)

static const struct known_handshake *const known = &known_handshakes[0];
static const uint8_t zeros[COOKIE_LENGTH];
static const uint8_t sender_index[4] = {
	KNOWN_INITIATOR_INDEX & 0xff,
	KNOWN_INITIATOR_INDEX >> 8 & 0xff,
	KNOWN_INITIATOR_INDEX >> 16 & 0xff,
	KNOWN_INITIATOR_INDEX >> 24,
};
/* The responder's checker and the initiator's maker. */
static struct cookie_checker checker;
static struct cookie_maker maker;

static void start(void)
{
	cr_assert_eq(crypto_start(), 0);
	cookie_checker_init(&checker, known->responder_public);
	cookie_maker_init(&maker, known->responder_public);
}

TestSuite(cookie, .init = start);

static struct cookie_source source_of(const struct known_cookie *cookie)
{
	struct cookie_source source = {.address_length = cookie->address_length};

	memcpy(source.address, cookie->address, sizeof(source.address));
	memcpy(source.port, cookie->port, sizeof(source.port));
	return source;
}

/* The checker's answer to the known initiation from the source of a known cookie. */
static struct message_handshake_cookie reply_to(const struct known_cookie *cookie,
						const uint8_t *secret, uint64_t now)
{
	const struct message_handshake_initiation *message = (const void *)known->initiation;
	struct cookie_source source = source_of(cookie);
	struct message_handshake_cookie reply;

	memset(&reply, 0xa5, sizeof(reply));
	cookie_create_reply(&reply, &checker, message->macs.mac1, sender_index, &source, secret,
			    cookie->nonce, now);
	return reply;
}

/* The known initiation as its sender puts it on the wire. */
static struct message_handshake_initiation send_initiation(uint64_t now)
{
	struct message_handshake_initiation message;

	memcpy(&message, known->initiation, sizeof(message));
	memset(&message.macs, 0xa5, sizeof(message.macs));
	cookie_add_macs(&maker, &message, sizeof(message), now);
	return message;
}

static enum cookie_mac_state check(const struct message_handshake_initiation *message,
				   const struct cookie_source *source, uint64_t now)
{
	return cookie_validate(&checker, message, sizeof(*message), source, true, now);
}

Test(cookie, known_macs_without_a_cookie)
{
	struct message_handshake_response response;
	struct message_handshake_initiation message = send_initiation(NOW);
	struct cookie_maker of_responder;

	cr_assert_arr_eq(&message, known->initiation, sizeof(message));
	/* no cookie is not a cookie of zeros that was born with the clock */
	message = send_initiation(0);
	cr_assert_arr_eq(&message, known->initiation, sizeof(message));

	memcpy(&response, known->response, sizeof(response));
	memset(&response.macs, 0xa5, sizeof(response.macs));
	cookie_maker_init(&of_responder, known->initiator_public);
	cookie_add_macs(&of_responder, &response, sizeof(response), NOW);
	cr_assert_arr_eq(&response, known->response, sizeof(response));
}

Test(cookie, known_reply_and_mac2)
{
	for (size_t i = 0; i < COUNT(known_cookies); i++) {
		const struct known_cookie *cookie = &known_cookies[i];
		struct cookie_source source = source_of(cookie);
		struct message_handshake_initiation message;
		struct message_handshake_cookie reply;

		start();
		reply = reply_to(cookie, cookie->secret, NOW);
		cr_assert_arr_eq(&reply, cookie->reply, sizeof(reply), "%s", cookie->name);

		send_initiation(NOW);
		cr_assert(cookie_consume_reply(&maker, &reply, NOW));
		message = send_initiation(NOW);
		cr_assert_arr_eq(message.macs.mac2, cookie->mac2, COOKIE_LENGTH, "%s",
				 cookie->name);
		cr_assert_eq(check(&message, &source, NOW), VALID_MAC_WITH_COOKIE);
	}
}

Test(cookie, mac2_is_looked_at_only_when_asked)
{
	struct cookie_source source = source_of(&known_cookies[0]);
	struct message_handshake_initiation message = send_initiation(NOW);

	reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	cr_assert_eq(check(&message, &source, NOW), VALID_MAC_BUT_NO_COOKIE);
	memcpy(message.macs.mac2, known_cookies[0].mac2, COOKIE_LENGTH);
	cr_assert_eq(check(&message, &source, NOW), VALID_MAC_WITH_COOKIE);
	cr_assert_eq(cookie_validate(&checker, &message, sizeof(message), &source, false, NOW),
		     VALID_MAC_BUT_NO_COOKIE);
}

/* ---- No byte can change ---- */

static const uint8_t flips[] = {0x01, 0x10, 0x80, 0xff};

static void assert_every_byte_is_covered(const uint8_t *known_message, size_t length,
					 const uint8_t *mac2)
{
	struct cookie_source source = source_of(&known_cookies[0]);
	uint8_t message[148];

	memcpy(message, known_message, length - COOKIE_LENGTH);
	memcpy(message + length - COOKIE_LENGTH, mac2, COOKIE_LENGTH);
	for (size_t at = 0; at < length; at++) {
		enum cookie_mac_state expected =
			at < length - COOKIE_LENGTH ? INVALID_MAC : VALID_MAC_BUT_NO_COOKIE;

		for (size_t i = 0; i < COUNT(flips); i++) {
			message[at] ^= flips[i];
			cr_assert_eq(cookie_validate(&checker, message, length, &source, true, NOW),
				     expected, "byte %zu ^ %#x", at, flips[i]);
			message[at] ^= flips[i];
		}
	}
	cr_assert_eq(cookie_validate(&checker, message, length, &source, true, NOW),
		     VALID_MAC_WITH_COOKIE);
}

Test(cookie, no_byte_of_an_initiation_can_change)
{
	reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	assert_every_byte_is_covered(known->initiation, sizeof(known->initiation),
				     known_cookies[0].mac2);
}

/* The same cookie is good for any message; this mac2 is made from it by hand. */
Test(cookie, no_byte_of_a_response_can_change)
{
	uint8_t mac2[COOKIE_LENGTH];

	cookie_checker_init(&checker, known->initiator_public);
	reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	blake2s(mac2, sizeof(mac2), known_cookies[0].cookie, COOKIE_LENGTH, known->response,
		sizeof(known->response) - COOKIE_LENGTH);
	assert_every_byte_is_covered(known->response, sizeof(known->response), mac2);
}

/* No shorter message has a mac where it would have to be, not even one too short for any. */
Test(cookie, truncated_messages_are_refused)
{
	struct cookie_source source = source_of(&known_cookies[0]);

	for (size_t length = 0; length < sizeof(known->initiation); length++) {
		/* of exactly this size, so that the sanitizer sees a byte too many */
		uint8_t *message = malloc(length);

		memcpy(message, known->initiation, length);
		cr_assert_eq(cookie_validate(&checker, message, length, &source, true, NOW),
			     INVALID_MAC, "%zu bytes", length);
		free(message);
	}
}

/* The index of a reply says whose it is, and nothing authenticates it. */
Test(cookie, no_authenticated_byte_of_a_reply_can_change)
{
	uint8_t reply[sizeof(known_cookies[0].reply)];
	struct cookie_maker before;

	memcpy(reply, known_cookies[0].reply, sizeof(reply));
	send_initiation(NOW);
	memcpy(&before, &maker, sizeof(before));
	for (size_t at = 0; at < sizeof(reply); at++) {
		if (at / 4 == offsetof(struct message_handshake_cookie, receiver_index) / 4)
			continue;
		for (size_t i = 0; i < COUNT(flips); i++) {
			reply[at] ^= flips[i];
			cr_assert_not(cookie_consume_reply(&maker, (const void *)reply, NOW),
				      "byte %zu ^ %#x", at, flips[i]);
			cr_assert_eq(memcmp(&maker, &before, sizeof(maker)), 0, "byte %zu", at);
			reply[at] ^= flips[i];
		}
	}
	cr_assert(cookie_consume_reply(&maker, (const void *)reply, NOW));
}

/* ---- What a cookie is bound to ---- */

Test(cookie, cookie_is_bound_to_address_and_port)
{
	struct message_handshake_initiation message;

	memcpy(&message, known->initiation, sizeof(message));
	for (size_t i = 0; i < COUNT(known_cookies); i++) {
		const struct known_cookie *cookie = &known_cookies[i];
		struct cookie_source source = source_of(cookie);

		reply_to(cookie, cookie->secret, NOW);
		memcpy(message.macs.mac2, cookie->mac2, COOKIE_LENGTH);
		for (int bit = 0; bit < 8 * cookie->address_length; bit++) {
			source.address[bit / 8] ^= 1 << bit % 8;
			cr_assert_eq(check(&message, &source, NOW), VALID_MAC_BUT_NO_COOKIE,
				     "%s, address bit %d", cookie->name, bit);
			source.address[bit / 8] ^= 1 << bit % 8;
		}
		for (int bit = 0; bit < 16; bit++) {
			source.port[bit / 8] ^= 1 << bit % 8;
			cr_assert_eq(check(&message, &source, NOW), VALID_MAC_BUT_NO_COOKIE,
				     "%s, port bit %d", cookie->name, bit);
			source.port[bit / 8] ^= 1 << bit % 8;
		}
		cr_assert_eq(check(&message, &source, NOW), VALID_MAC_WITH_COOKIE);
	}
}

Test(cookie, bytes_behind_an_ipv4_address_do_not_matter)
{
	struct cookie_source source = source_of(&known_cookies[0]);
	struct message_handshake_initiation message;

	reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	memcpy(&message, known->initiation, sizeof(message));
	memcpy(message.macs.mac2, known_cookies[0].mac2, COOKIE_LENGTH);
	memset(source.address + 4, 0xa5, 12);
	cr_assert_eq(check(&message, &source, NOW), VALID_MAC_WITH_COOKIE);
	/* nor are they an IPv4 address that has become longer */
	source.address_length = 16;
	cr_assert_eq(check(&message, &source, NOW), VALID_MAC_BUT_NO_COOKIE);
}

/* Before the first reply there is no secret, and a mac2 made with zeros in its place is not good. */
Test(cookie, no_secret_is_not_a_secret_of_zeros)
{
	static const uint8_t no_secret[NOISE_HASH_LENGTH];
	struct cookie_source source = source_of(&known_cookies[0]);
	uint8_t input[6], cookie[COOKIE_LENGTH];
	struct message_handshake_initiation message;

	memcpy(input, source.address, 4);
	memcpy(input + 4, source.port, 2);
	blake2s(cookie, sizeof(cookie), no_secret, sizeof(no_secret), input, sizeof(input));
	memcpy(&message, known->initiation, sizeof(message));
	blake2s(message.macs.mac2, COOKIE_LENGTH, cookie, sizeof(cookie), &message,
		offsetof(struct message_handshake_initiation, macs.mac2));
	/* as if the secret were born now, and as if it were born with the clock */
	cr_assert_eq(check(&message, &source, 0), VALID_MAC_BUT_NO_COOKIE);
	cr_assert_eq(check(&message, &source, NOW), VALID_MAC_BUT_NO_COOKIE);
}

/* ---- How long it lasts ---- */

Test(cookie, secret_is_changed_after_120_s)
{
	const struct known_cookie *cookie = &known_cookies[0];
	struct cookie_source source = source_of(cookie);
	struct message_handshake_initiation message;
	struct message_handshake_cookie reply;

	memcpy(&message, known->initiation, sizeof(message));
	memcpy(message.macs.mac2, cookie->mac2, COOKIE_LENGTH);
	cr_assert(cookie_secret_is_due(&checker, NOW));
	reply_to(cookie, cookie->secret, NOW);
	cr_assert_not(cookie_secret_is_due(&checker, NOW));

	/* up to there another reply is made with the same secret, which does not grow younger */
	cr_assert_not(cookie_secret_is_due(&checker, NOW + SECONDS(120) - 1));
	reply = reply_to(cookie, known->preshared_key, NOW + SECONDS(120) - 1);
	cr_assert_arr_eq(&reply, cookie->reply, sizeof(reply));
	cr_assert_eq(check(&message, &source, NOW + SECONDS(120) - 1), VALID_MAC_WITH_COOKIE);

	/* after it the old cookie is not good even before a new secret is made */
	cr_assert(cookie_secret_is_due(&checker, NOW + SECONDS(120) + 1));
	cr_assert_eq(check(&message, &source, NOW + SECONDS(120) + 1), VALID_MAC_BUT_NO_COOKIE);
	reply = reply_to(cookie, known->initiator_private, NOW + SECONDS(120) + 1);
	cr_assert_neq(memcmp(&reply, cookie->reply, sizeof(reply)), 0);
	cr_assert_eq(check(&message, &source, NOW + SECONDS(120) + 1), VALID_MAC_BUT_NO_COOKIE);
	cr_assert_not(cookie_secret_is_due(&checker, NOW + SECONDS(240)));
	cr_assert(cookie_secret_is_due(&checker, NOW + SECONDS(240) + 2));
}

/* Whichever side the limit itself is on: a secret is good exactly as long as it is not due. */
Test(cookie, secret_is_good_until_it_is_due)
{
	struct cookie_source source = source_of(&known_cookies[0]);
	struct message_handshake_initiation message;

	memcpy(&message, known->initiation, sizeof(message));
	memcpy(message.macs.mac2, known_cookies[0].mac2, COOKIE_LENGTH);
	reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	for (uint64_t at = NOW + SECONDS(120) - 2; at <= NOW + SECONDS(120) + 2; at++)
		cr_assert_eq(check(&message, &source, at) == VALID_MAC_WITH_COOKIE,
			     !cookie_secret_is_due(&checker, at));
}

Test(cookie, maker_uses_a_cookie_for_115_s)
{
	struct message_handshake_initiation message = send_initiation(NOW);

	cr_assert(cookie_consume_reply(&maker, (const void *)known_cookies[0].reply, NOW));
	message = send_initiation(NOW + SECONDS(115) - 1);
	cr_assert_arr_eq(message.macs.mac2, known_cookies[0].mac2, COOKIE_LENGTH);
	message = send_initiation(NOW + SECONDS(115) + 1);
	cr_assert_arr_eq(message.macs.mac2, zeros, COOKIE_LENGTH);
	cr_assert_arr_eq(message.macs.mac1, known->initiation + 116, COOKIE_LENGTH);
}

/* ---- Which replies are taken ---- */

static void assert_reply_refused(const void *reply, uint64_t now)
{
	struct cookie_maker before;

	memcpy(&before, &maker, sizeof(before));
	cr_assert_not(cookie_consume_reply(&maker, reply, now));
	cr_assert_eq(memcmp(&maker, &before, sizeof(maker)), 0, "state moved");
}

Test(cookie, unasked_reply_is_refused)
{
	assert_reply_refused(known_cookies[0].reply, NOW);
}

Test(cookie, reply_is_taken_once)
{
	send_initiation(NOW);
	cr_assert(cookie_consume_reply(&maker, (const void *)known_cookies[0].reply, NOW));
	assert_reply_refused(known_cookies[0].reply, NOW + SECONDS(1));
	assert_reply_refused(known_cookies[1].reply, NOW + SECONDS(1));
}

Test(cookie, reply_to_an_older_mac1_is_refused)
{
	struct message_handshake_initiation newer;
	struct message_handshake_cookie reply;
	struct cookie_source source = source_of(&known_cookies[0]);

	send_initiation(NOW);
	memcpy(&newer, known->initiation, sizeof(newer));
	newer.unencrypted_ephemeral[0] ^= 1;
	cookie_add_macs(&maker, &newer, sizeof(newer), NOW);
	assert_reply_refused(known_cookies[0].reply, NOW);

	cookie_create_reply(&reply, &checker, newer.macs.mac1, newer.sender_index, &source,
			    known_cookies[0].secret, known_cookies[0].nonce, NOW);
	cr_assert(cookie_consume_reply(&maker, &reply, NOW));
}

/* The next message may be answered again, and that cookie takes the place of the one before. */
Test(cookie, newer_cookie_replaces_the_older)
{
	struct message_handshake_initiation message;

	send_initiation(NOW);
	cr_assert(cookie_consume_reply(&maker, (const void *)known_cookies[0].reply, NOW));
	send_initiation(NOW + SECONDS(60));
	cr_assert(cookie_consume_reply(&maker, (const void *)known_cookies[1].reply,
				       NOW + SECONDS(60)));
	message = send_initiation(NOW + SECONDS(60 + 115) - 1);
	cr_assert_arr_eq(message.macs.mac2, known_cookies[1].mac2, COOKIE_LENGTH);
}

Test(cookie, reply_of_another_peer_is_refused)
{
	struct message_handshake_cookie reply;

	send_initiation(NOW);
	cookie_checker_init(&checker, known->initiator_public);
	reply = reply_to(&known_cookies[0], known_cookies[0].secret, NOW);
	assert_reply_refused(&reply, NOW);
}
