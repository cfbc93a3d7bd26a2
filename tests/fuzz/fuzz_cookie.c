/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_cookie.c - a masked cookie reply, or a masked message of any length whose macs are looked at; the
 * first byte of the input says which. Only the unmodified one is good, a reply only once.
 */
#include <crypto/crypto.h>
#include <harness/vectors.h>
#include <proto/cookie.h>

#include "fuzz.h"

#define NOW SECONDS(1000)

static const struct known_handshake *const known = &known_handshakes[0];
static const struct known_cookie *const cookie = &known_cookies[0];
static struct cookie_checker checker;
static struct cookie_maker waiting;
static struct cookie_source source;
/* with mac2 */
static struct message_handshake_initiation initiation;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct message_handshake_cookie reply;

	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	source.address_length = cookie->address_length;
	memcpy(source.address, cookie->address, sizeof(source.address));
	memcpy(source.port, cookie->port, sizeof(source.port));
	memcpy(&initiation, known->initiation, sizeof(initiation));
	cookie_checker_init(&checker, known->responder_public);
	cookie_maker_init(&waiting, known->responder_public);
	cookie_add_macs(&waiting, &initiation, sizeof(initiation), NOW);
	cookie_create_reply(&reply, &checker, initiation.macs.mac1, initiation.sender_index,
			    &source, cookie->secret, cookie->nonce, NOW);
	memcpy(initiation.macs.mac2, cookie->mac2, sizeof(initiation.macs.mac2));
	return 0;
}

static void consume_reply(const uint8_t *mask, size_t mask_length)
{
	struct cookie_maker maker;
	struct message_handshake_cookie reply, valid;
	bool accepted;

	memcpy(&maker, &waiting, sizeof(maker));
	memcpy(&reply, cookie->reply, sizeof(reply));
	apply_mask(&reply, sizeof(reply), mask, mask_length);
	accepted = cookie_consume_reply(&maker, &reply, NOW);

	/* The index says whose reply it is, and nothing authenticates it. */
	memcpy(&valid, cookie->reply, sizeof(valid));
	memcpy(valid.receiver_index, reply.receiver_index, sizeof(valid.receiver_index));
	REQUIRE(accepted == (memcmp(&reply, &valid, sizeof(reply)) == 0));
	REQUIRE(accepted || memcmp(&maker, &waiting, sizeof(maker)) == 0);
	REQUIRE(!accepted || !cookie_consume_reply(&maker, &reply, NOW));
}

/* The message is as long as the mask, so that the sanitizer sees a byte too many. */
static void validate(const uint8_t *mask, size_t length)
{
	const size_t mac2 = sizeof(initiation) - COOKIE_LENGTH;
	uint8_t *message = calloc(1, length + 1);
	enum cookie_mac_state expected = INVALID_MAC;

	memcpy(message, &initiation, length < sizeof(initiation) ? length : sizeof(initiation));
	apply_mask(message, length, mask, length);
	message = realloc(message, length ? length : 1);
	if (length == sizeof(initiation) && memcmp(message, &initiation, mac2) == 0)
		expected = memcmp(message, &initiation, length) ? VALID_MAC_BUT_NO_COOKIE
								: VALID_MAC_WITH_COOKIE;
	REQUIRE(cookie_validate(&checker, message, length, &source, true, NOW) == expected);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		validate(data + 1, size - 1);
	else
		consume_reply(data + 1, size - 1);
	return 0;
}
