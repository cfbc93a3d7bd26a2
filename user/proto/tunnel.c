// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tunnel.c - from the bytes of a handshake message to the peer it is for (WireGuard paper 5.3 and
 * 5.4; kernel: the former half of receive.c). Nothing here allocates or answers before mac1, and
 * what a peer then does is peer.c's. Contract: peer.h.
 */
#include <crypto/crypto.h>
#include <proto/peer.h>

static struct peer *peer_of(struct noise_handshake *handshake)
{
	return (struct peer *)((char *)handshake - offsetof(struct peer, handshake));
}

static bool reserve_index(void *context, struct noise_handshake *handshake, uint32_t *index)
{
	const struct tunnel *tunnel = context;

	return tunnel->ops->reserve_index(tunnel->context, peer_of(handshake), index);
}

static void release_index(void *context, uint32_t index)
{
	const struct tunnel *tunnel = context;

	tunnel->ops->release_index(tunnel->context, index);
}

void tunnel_init(struct tunnel *tunnel, const struct tunnel_ops *ops, void *context)
{
	tunnel->ops = ops;
	tunnel->context = context;
	tunnel->indices = (struct noise_index_allocator){
		.reserve = reserve_index,
		.release = release_index,
		.context = tunnel,
	};
	tunnel_set_private_key(tunnel, NULL);
}

void tunnel_set_private_key(struct tunnel *tunnel, const uint8_t *static_private)
{
	noise_set_identity(&tunnel->identity, static_private);
	cookie_checker_init(&tunnel->cookie_checker, tunnel->identity.static_public);
}

/* ---- whom it is for ----------------------------------------------------------------------------- */

/* A handshake message on its way, and the peer that it names. */
struct arrival {
	struct tunnel *tunnel;
	struct peer *named;
};

static struct noise_handshake *find_handshake(
	void *context, const uint8_t public_key[static NOISE_PUBLIC_KEY_LENGTH])
{
	struct arrival *arrival = context;
	const struct tunnel *tunnel = arrival->tunnel;
	struct peer *peer = tunnel->ops->find_by_public_key(tunnel->context, public_key);

	arrival->named = peer && peer->running ? peer : NULL;
	return arrival->named ? &peer->handshake : NULL;
}

static struct peer *find_peer(struct arrival *arrival, const uint8_t receiver_index[static 4])
{
	const struct tunnel *tunnel = arrival->tunnel;
	struct peer *peer = tunnel->ops->find_by_index(tunnel->context, load_le32(receiver_index));

	arrival->named = peer && peer->running ? peer : NULL;
	return arrival->named;
}

/* ---- whether it is looked at -------------------------------------------------------------------- */

static enum verdict check_shape(const void *message, size_t length)
{
	size_t expected;

	if (length < sizeof(uint32_t))
		return VERDICT_TOO_SHORT;
	switch (load_le32(message)) {
	case MESSAGE_HANDSHAKE_INITIATION:
		expected = sizeof(struct message_handshake_initiation);
		break;
	case MESSAGE_HANDSHAKE_RESPONSE:
		expected = sizeof(struct message_handshake_response);
		break;
	case MESSAGE_HANDSHAKE_COOKIE:
		expected = sizeof(struct message_handshake_cookie);
		break;
	default:
		return VERDICT_UNKNOWN_TYPE;
	}
	if (length < expected)
		return VERDICT_TOO_SHORT;
	return length > expected ? VERDICT_TOO_LONG : VERDICT_DELIVERED;
}

/* The sender's index and the macs are where they are in either message: after the type, at the end. */
static void demand_cookie(struct tunnel *tunnel, const uint8_t *message, size_t length,
			  const struct cookie_source *source, uint64_t now)
{
	const struct message_macs *macs = (const void *)(message + length - sizeof(*macs));
	const uint8_t *sender_index =
		message + offsetof(struct message_handshake_initiation, sender_index);
	struct message_handshake_cookie reply;
	uint8_t secret_random[NOISE_HASH_LENGTH] = {0};
	uint8_t nonce_random[COOKIE_NONCE_LENGTH];

	_Static_assert(offsetof(struct message_handshake_initiation, sender_index) ==
			       offsetof(struct message_handshake_response, sender_index),
		       "one place for both");
	if (cookie_secret_is_due(&tunnel->cookie_checker, now))
		tunnel->ops->random_bytes(tunnel->context, secret_random, sizeof(secret_random));
	tunnel->ops->random_bytes(tunnel->context, nonce_random, sizeof(nonce_random));
	cookie_create_reply(&reply, &tunnel->cookie_checker, macs->mac1, sender_index, source,
			    secret_random, nonce_random, now);
	crypto_wipe(secret_random, sizeof(secret_random));
	tunnel->ops->send_reply(tunnel->context, source, &reply, sizeof(reply));
}

/* The rate comes last: only who owns an address can use up what it has. */
static enum verdict check_macs(struct tunnel *tunnel, const void *message, size_t length,
			       const struct cookie_source *source, bool under_load, uint64_t now)
{
	/* Without a public key of ours nobody can have made a mac1 for us. */
	if (!tunnel->identity.has_identity)
		return VERDICT_BAD_MAC1;
	switch (cookie_validate(&tunnel->cookie_checker, message, length, source, under_load,
				now)) {
	case VALID_MAC_WITH_COOKIE:
		return ratelimit_allow(&tunnel->ratelimit, source, now) ? VERDICT_DELIVERED
									: VERDICT_RATE_LIMITED;
	case VALID_MAC_BUT_NO_COOKIE:
		if (!under_load)
			return VERDICT_DELIVERED;
		demand_cookie(tunnel, message, length, source, now);
		return VERDICT_COOKIE_DEMANDED;
	case INVALID_MAC:
		break;
	}
	return VERDICT_BAD_MAC1;
}

/* ---- the three messages ------------------------------------------------------------------------- */

static enum verdict receive_initiation(struct arrival *arrival,
				       const struct message_handshake_initiation *message,
				       const struct cookie_source *source, uint64_t now,
				       struct peer **peer)
{
	struct tunnel *tunnel = arrival->tunnel;
	struct noise_handshake *handshake;
	struct noise_pending pending;
	enum verdict verdict;

	verdict = noise_consume_initiation(message, &tunnel->identity, &tunnel->indices,
					   find_handshake, arrival, now, &handshake, &pending);
	if (verdict != VERDICT_DELIVERED)
		return verdict;
	*peer = peer_of(handshake);
	tunnel->ops->roamed(tunnel->context, *peer, source);
	return peer_consumed_initiation(*peer, &pending, now) ? VERDICT_DELIVERED
							      : VERDICT_NO_INDEX;
}

static enum verdict receive_response(struct arrival *arrival,
				     const struct message_handshake_response *message,
				     const struct cookie_source *source, uint64_t now,
				     struct peer **peer)
{
	struct peer *receiver = find_peer(arrival, message->receiver_index);
	struct tunnel *tunnel = arrival->tunnel;
	enum verdict verdict;

	if (!receiver)
		return VERDICT_UNKNOWN_INDEX;
	/* The index of a session: its handshake is over. */
	if (!receiver->handshake.has_local_index ||
	    receiver->handshake.local_index != load_le32(message->receiver_index))
		return VERDICT_BAD_HANDSHAKE;
	verdict = noise_consume_response(message, &receiver->handshake, &tunnel->identity);
	if (verdict != VERDICT_DELIVERED)
		return verdict;
	*peer = receiver;
	tunnel->ops->roamed(tunnel->context, receiver, source);
	return peer_consumed_response(receiver, now) ? VERDICT_DELIVERED : VERDICT_BAD_HANDSHAKE;
}

/* Kept for the next handshake message. Nothing is sent again because of it and nobody roams. */
static enum verdict receive_cookie_reply(struct arrival *arrival,
					 const struct message_handshake_cookie *reply, uint64_t now)
{
	struct peer *receiver = find_peer(arrival, reply->receiver_index);

	if (!receiver)
		return VERDICT_UNKNOWN_INDEX;
	return cookie_consume_reply(&receiver->cookie_maker, reply, now) ? VERDICT_DELIVERED
									 : VERDICT_BAD_COOKIE;
}

static enum verdict receive(struct arrival *arrival, const void *message, size_t length,
			    const struct cookie_source *source, bool under_load, uint64_t now,
			    struct peer **peer)
{
	enum verdict verdict = check_shape(message, length);

	if (verdict != VERDICT_DELIVERED)
		return verdict;
	if (load_le32(message) == MESSAGE_HANDSHAKE_COOKIE)
		return receive_cookie_reply(arrival, message, now);
	verdict = check_macs(arrival->tunnel, message, length, source, under_load, now);
	if (verdict != VERDICT_DELIVERED)
		return verdict;
	if (load_le32(message) == MESSAGE_HANDSHAKE_INITIATION)
		return receive_initiation(arrival, message, source, now, peer);
	return receive_response(arrival, message, source, now, peer);
}

enum verdict tunnel_receive_handshake(struct tunnel *tunnel, const void *message, size_t length,
				      const struct cookie_source *source, bool under_load,
				      uint64_t now, struct peer **peer, struct peer **named)
{
	struct arrival arrival = {.tunnel = tunnel};
	enum verdict verdict;

	*peer = NULL;
	verdict = receive(&arrival, message, length, source, under_load, now, peer);
	if (named)
		*named = arrival.named;
	return verdict;
}
