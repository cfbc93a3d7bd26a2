/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_initiation.c - consumes a masked initiation. The first byte of the input says in which state the
 * responder is. Accepted is the unmodified message and no other; what is refused moves nothing.
 */
#include <crypto/crypto.h>
#include <harness/noise_endpoint.h>
#include <proto/cookie.h>

#include "fuzz.h"

#define NOW SECONDS(1000)

static const struct known_handshake *const known = &known_handshakes[0];
static struct cookie_checker checker;
static struct noise_endpoint responder;
/* The responder at rest, with an initiation of its own under way, with an answer given to an earlier
 * one, and after this very one, which is then a replay. */
static struct noise_endpoint states[4];
#define UNDER_WAY 1
#define REPLAY 3

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct message_handshake_initiation initiation;
	struct message_handshake_response response;
	struct noise_endpoint initiator;
	uint8_t earlier[NOISE_TIMESTAMP_LENGTH];

	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	cookie_checker_init(&checker, known->responder_public);
	endpoints_init(&initiator, &responder, known);
	memcpy(&states[0], &responder, sizeof(responder));
	REQUIRE(create_initiation(&responder, known, known->timestamp, &initiation));
	memcpy(&states[UNDER_WAY], &responder, sizeof(responder));
	memcpy(&responder, &states[0], sizeof(responder));
	noise_tai64n(earlier, KNOWN_SECONDS - 1, 0);
	REQUIRE(create_initiation(&initiator, known, earlier, &initiation));
	REQUIRE(consume_initiation(&responder, &initiation, 0) == VERDICT_DELIVERED);
	REQUIRE(create_response(&responder, known, &response));
	memcpy(&states[2], &responder, sizeof(responder));
	REQUIRE(consume_initiation(&responder, known->initiation, SECONDS(1)) == VERDICT_DELIVERED);
	memcpy(&states[REPLAY], &responder, sizeof(responder));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_handshake_initiation message, valid;
	const size_t macs = offsetof(struct message_handshake_initiation, macs);
	const size_t mac2 = macs + offsetof(struct message_macs, mac2);
	const struct cookie_source source = {.address_length = 4};
	const struct noise_endpoint *before;
	enum verdict verdict;
	bool mac1_is_good;

	if (size == 0)
		return 0;
	before = &states[data[0] % 4];
	memcpy(&responder, before, sizeof(responder));
	memcpy(&message, known->initiation, sizeof(message));
	apply_mask(&message, sizeof(message), data + 1, size - 1);

	mac1_is_good = cookie_validate(&checker, &message, sizeof(message), &source, false, NOW) !=
		       INVALID_MAC;
	REQUIRE(mac1_is_good == (memcmp(&message, known->initiation, mac2) == 0));

	verdict = consume_initiation(&responder, &message, NOW);
	/* The sender's index is protected by mac1 alone. */
	memcpy(&valid, known->initiation, sizeof(valid));
	memcpy(valid.sender_index, message.sender_index, sizeof(valid.sender_index));
	REQUIRE((verdict == VERDICT_DELIVERED) ==
		(memcmp(&message, &valid, macs) == 0 && before != &states[REPLAY]));
	REQUIRE(verdict == VERDICT_DELIVERED || !endpoint_moved(&responder, before));
	/* its own is put aside, index and all, for the time of an answer */
	REQUIRE(responder.pending.exists ==
		(verdict == VERDICT_DELIVERED && before == &states[UNDER_WAY]));
	REQUIRE(!responder.ledger.misused);
	REQUIRE(responder.ledger.live_count ==
		(uint32_t)responder.handshake.has_local_index + responder.pending.exists);
	return 0;
}
