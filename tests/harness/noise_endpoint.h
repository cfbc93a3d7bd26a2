/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * noise_endpoint.h - one end of a handshake for tests and fuzzers: who it is, its handshake with the other
 * end, and a ledger of receiver indices that notices one given back twice or never.
 *
 * It sends nothing and knows no time; it exists so that a test names two ends and a message.
 */
#ifndef WGXDP_TESTS_NOISE_ENDPOINT_H
#define WGXDP_TESTS_NOISE_ENDPOINT_H

#include <harness/vectors.h>
#include <proto/noise.h>

#define LEDGER_SIZE 16

struct index_ledger {
	uint32_t next;
	uint32_t live[LEDGER_SIZE];
	unsigned int live_count;
	/* the next reservation fails */
	bool refuses;
	/* an index was given back that nobody held */
	bool misused;
};

struct noise_endpoint {
	struct noise_identity identity;
	struct noise_handshake handshake;
	/* what consume_initiation() put aside */
	struct noise_pending pending;
	struct index_ledger ledger;
	struct noise_index_allocator indices;
};

static inline bool ledger_reserve(void *context, struct noise_handshake *handshake, uint32_t *index)
{
	struct index_ledger *ledger = context;

	(void)handshake;
	if (ledger->refuses || ledger->live_count == LEDGER_SIZE)
		return false;
	*index = ledger->next++;
	ledger->live[ledger->live_count++] = *index;
	return true;
}

static inline void ledger_release(void *context, uint32_t index)
{
	struct index_ledger *ledger = context;

	for (unsigned int i = 0; i < ledger->live_count; i++) {
		if (ledger->live[i] == index) {
			ledger->live[i] = ledger->live[--ledger->live_count];
			return;
		}
	}
	ledger->misused = true;
}

static inline void endpoint_init(struct noise_endpoint *endpoint, const uint8_t *static_private,
				 const uint8_t *remote_static, const uint8_t *preshared_key,
				 uint32_t first_index)
{
	memset(endpoint, 0, sizeof(*endpoint));
	noise_set_identity(&endpoint->identity, static_private);
	noise_handshake_init(&endpoint->handshake, remote_static, preshared_key);
	endpoint->ledger.next = first_index;
	endpoint->indices = (struct noise_index_allocator){
		.reserve = ledger_reserve,
		.release = ledger_release,
		.context = &endpoint->ledger,
	};
}

/* Both ends of a known handshake, before its first message. */
static inline void endpoints_init(struct noise_endpoint *initiator,
				  struct noise_endpoint *responder,
				  const struct known_handshake *known)
{
	endpoint_init(initiator, known->initiator_private, known->responder_public,
		      known->preshared_key, KNOWN_INITIATOR_INDEX);
	endpoint_init(responder, known->responder_private, known->initiator_public,
		      known->preshared_key, KNOWN_RESPONDER_INDEX);
}

/* The peer of an endpoint is the one its handshake is with. */
static inline struct noise_handshake *endpoint_find_peer(
	void *context, const uint8_t public_key[static NOISE_PUBLIC_KEY_LENGTH])
{
	struct noise_endpoint *endpoint = context;

	if (memcmp(endpoint->handshake.remote_static, public_key, NOISE_PUBLIC_KEY_LENGTH))
		return NULL;
	return &endpoint->handshake;
}

static inline bool create_initiation(struct noise_endpoint *endpoint,
				     const struct known_handshake *known, const uint8_t *timestamp,
				     struct message_handshake_initiation *message)
{
	return noise_create_initiation(message, &endpoint->handshake, &endpoint->identity,
				       &endpoint->indices, known->initiator_ephemeral, timestamp);
}

static inline enum verdict consume_initiation(struct noise_endpoint *endpoint, const void *message,
					      uint64_t now)
{
	struct noise_handshake *from = NULL;
	enum verdict verdict = noise_consume_initiation(message, &endpoint->identity,
							&endpoint->indices, endpoint_find_peer,
							endpoint, now, &from, &endpoint->pending);

	/* The out-parameter says the same as the verdict. */
	if ((from == &endpoint->handshake) != (verdict == VERDICT_DELIVERED))
		return VERDICT_COUNT;
	return verdict;
}

/* The peer's initiation was answered, or given up. */
static inline void resume_initiation(struct noise_endpoint *endpoint, bool answered)
{
	noise_resume_initiation(&endpoint->handshake, &endpoint->pending, answered);
}

static inline bool create_response(struct noise_endpoint *endpoint,
				   const struct known_handshake *known,
				   struct message_handshake_response *message)
{
	return noise_create_response(message, &endpoint->handshake, &endpoint->indices,
				     known->responder_ephemeral);
}

static inline enum verdict consume_response(struct noise_endpoint *endpoint, const void *message)
{
	return noise_consume_response(message, &endpoint->handshake, &endpoint->identity);
}

/* All but the static-static key, which is there from when it is first needed. */
static inline bool endpoint_moved(const struct noise_endpoint *endpoint,
				  const struct noise_endpoint *before)
{
	struct noise_endpoint now;

	memcpy(&now, endpoint, sizeof(now));
	memcpy(now.handshake.static_static, before->handshake.static_static,
	       sizeof(now.handshake.static_static));
	now.handshake.is_usable = before->handshake.is_usable;
	return memcmp(&now, before, sizeof(now)) != 0;
}

/* For Criterion: the call is refused with that result, and nothing of the endpoint moved. */
#define ASSERT_REFUSED(expected, call, unmoved, ...)                                               \
	do {                                                                                       \
		struct noise_endpoint before_;                                                     \
                                                                                                   \
		memcpy(&before_, (unmoved), sizeof(before_));                                      \
		cr_assert_eq((call), (expected), "accepted " __VA_ARGS__);                         \
		cr_assert_not(endpoint_moved((unmoved), &before_), "state moved " __VA_ARGS__);    \
	} while (0)

#endif
