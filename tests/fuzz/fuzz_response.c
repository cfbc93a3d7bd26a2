/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_response.c - consumes a masked response while an initiation is under way. Accepted is the unmodified
 * message and no other, and only it makes a session; what is refused moves nothing.
 */
#include <crypto/crypto.h>
#include <harness/noise_endpoint.h>

#include "fuzz.h"

static const struct known_handshake *const known = &known_handshakes[1];
static struct noise_endpoint initiator, waiting;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct message_handshake_initiation initiation;
	struct noise_endpoint responder;

	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	endpoints_init(&initiator, &responder, known);
	REQUIRE(create_initiation(&initiator, known, known->timestamp, &initiation));
	memcpy(&waiting, &initiator, sizeof(waiting));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_handshake_response message, valid;
	struct noise_session_keys keys;
	bool accepted;

	memcpy(&initiator, &waiting, sizeof(initiator));
	memcpy(&message, known->response, sizeof(message));
	apply_mask(&message, sizeof(message), data, size);
	accepted = consume_response(&initiator, &message) == VERDICT_DELIVERED;

	/* The sender's index is protected by mac1 alone. */
	memcpy(&valid, known->response, sizeof(valid));
	memcpy(valid.sender_index, message.sender_index, sizeof(valid.sender_index));
	REQUIRE(accepted == (memcmp(&message, &valid, offsetof(typeof(valid), macs)) == 0));
	REQUIRE(accepted || !endpoint_moved(&initiator, &waiting));

	REQUIRE(noise_begin_session(&initiator.handshake, &keys) == accepted);
	REQUIRE(!accepted || memcmp(keys.sending_key, known->initiator_sending_key, 32) == 0);
	REQUIRE(!initiator.ledger.misused && initiator.ledger.live_count == 1);
	return 0;
}
