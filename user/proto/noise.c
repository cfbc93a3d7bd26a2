// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * noise.c - the handshake Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (WireGuard paper 5.4.1 to 5.4.5; Noise
 * protocol framework, revision 34; kernel: noise.c).
 *
 *     initiation  ->  e, es, s, ss, {timestamp}
 *     response    <-  e, ee, se, psk, {}
 *
 * It is not the macs (cookie.c), not the life of a session (session.c) and sends nothing (peer.c).
 *
 * A message is written or read on a draft. The peer's handshake gets the draft's results only when
 * all of the message was good; the draft is wiped in any case.
 */
#include <proto/noise.h>

#include <crypto/crypto.h>
#include <wgxdp/blake2s.h>

/* Hash("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s") */
static const uint8_t initial_chaining_key[NOISE_HASH_LENGTH] = {
	0x60, 0xe2, 0x6d, 0xae, 0xf3, 0x27, 0xef, 0xc0, 0x2e, 0xc3, 0x35,
	0xe2, 0xa0, 0x25, 0xd2, 0xd0, 0x16, 0xeb, 0x42, 0x06, 0xf8, 0x72,
	0x77, 0xf5, 0x2d, 0x38, 0xd1, 0x98, 0x8b, 0x78, 0xcd, 0x36,
};

/* Hash(initial_chaining_key || "WireGuard v1 zx2c4 Jason@zx2c4.com") */
static const uint8_t initial_hash[NOISE_HASH_LENGTH] = {
	0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43,
	0xdb, 0x45, 0x8a, 0xd5, 0x32, 0x2d, 0x9c, 0x6c, 0x66, 0x22, 0x93,
	0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3,
};

/* The smallest step of a whitened timestamp, see noise_tai64n(). */
#define TIMESTAMP_STEP (UINT32_C(1) << 24)

struct draft {
	uint8_t chaining_key[NOISE_HASH_LENGTH];
	uint8_t hash[NOISE_HASH_LENGTH];
	uint8_t key[NOISE_SYMMETRIC_KEY_LENGTH];
	/* ours, of this message */
	uint8_t ephemeral_private[NOISE_PUBLIC_KEY_LENGTH];
};

static void draft_wipe(struct draft *draft)
{
	crypto_wipe(draft, sizeof(*draft));
}

#define WIPED_DRAFT __attribute__((cleanup(draft_wipe))) struct draft

/* ---- mixing ------------------------------------------------------------------------------------ */

static void mix_hash(struct draft *draft, const void *input, size_t length)
{
	struct blake2s_state state;

	blake2s_init(&state, sizeof(draft->hash), NULL, 0);
	blake2s_update(&state, draft->hash, sizeof(draft->hash));
	blake2s_update(&state, input, length);
	blake2s_final(&state, draft->hash);
}

/* A Diffie-Hellman result makes the chaining key go on and gives the next key. */
static void mix_key(struct draft *draft, const uint8_t secret[static NOISE_PUBLIC_KEY_LENGTH])
{
	noise_kdf(draft->chaining_key, draft->key, NULL, 2, draft->chaining_key, secret,
		  NOISE_PUBLIC_KEY_LENGTH);
}

/* es, ee, se. The last two have no use for a key (the paper has Kdf_1 there): psk replaces it. */
static bool mix_dh(struct draft *draft, const uint8_t secret[static NOISE_PUBLIC_KEY_LENGTH],
		   const uint8_t point[static NOISE_PUBLIC_KEY_LENGTH])
{
	uint8_t result[NOISE_PUBLIC_KEY_LENGTH];

	if (!curve25519(result, secret, point))
		return false;
	mix_key(draft, result);
	crypto_wipe(result, sizeof(result));
	return true;
}

/* e. In the clear; as there is a psk, Noise wants it in the chaining key too. */
static void mix_ephemeral(struct draft *draft,
			  const uint8_t ephemeral[static NOISE_PUBLIC_KEY_LENGTH])
{
	mix_hash(draft, ephemeral, NOISE_PUBLIC_KEY_LENGTH);
	noise_kdf(draft->chaining_key, NULL, NULL, 1, draft->chaining_key, ephemeral,
		  NOISE_PUBLIC_KEY_LENGTH);
}

static void mix_preshared_key(struct draft *draft,
			      const uint8_t preshared_key[static NOISE_SYMMETRIC_KEY_LENGTH])
{
	uint8_t temporary[NOISE_HASH_LENGTH];

	noise_kdf(draft->chaining_key, temporary, draft->key, 3, draft->chaining_key, preshared_key,
		  NOISE_SYMMETRIC_KEY_LENGTH);
	mix_hash(draft, temporary, sizeof(temporary));
	crypto_wipe(temporary, sizeof(temporary));
}

/* ---- parts of a message ------------------------------------------------------------------------ */

/* An initiation starts from the responder's public key, which both sides know beforehand. */
static void begin(struct draft *draft,
		  const uint8_t responder_static[static NOISE_PUBLIC_KEY_LENGTH])
{
	memcpy(draft->chaining_key, initial_chaining_key, sizeof(draft->chaining_key));
	memcpy(draft->hash, initial_hash, sizeof(draft->hash));
	mix_hash(draft, responder_static, NOISE_PUBLIC_KEY_LENGTH);
}

/* A response starts from where the initiation ended. */
static void resume(struct draft *draft, const struct noise_handshake *handshake)
{
	memcpy(draft->chaining_key, handshake->chaining_key, sizeof(draft->chaining_key));
	memcpy(draft->hash, handshake->hash, sizeof(draft->hash));
}

static bool write_ephemeral(struct draft *draft,
			    uint8_t unencrypted_ephemeral[static NOISE_PUBLIC_KEY_LENGTH],
			    const uint8_t ephemeral_random[static NOISE_PUBLIC_KEY_LENGTH])
{
	memcpy(draft->ephemeral_private, ephemeral_random, sizeof(draft->ephemeral_private));
	curve25519_clamp(draft->ephemeral_private);
	if (!curve25519_public(unencrypted_ephemeral, draft->ephemeral_private))
		return false;
	mix_ephemeral(draft, unencrypted_ephemeral);
	return true;
}

/* Each key seals one text, so the counter is always 0. */
static void message_encrypt(struct draft *draft, uint8_t *sealed, const void *text, size_t length)
{
	handshake_encrypt(sealed, text, length, draft->hash, sizeof(draft->hash), 0, draft->key);
	mix_hash(draft, sealed, length + AUTHENTICATION_TAG_LENGTH);
}

static bool message_decrypt(struct draft *draft, uint8_t *text, const uint8_t *sealed,
			    size_t sealed_length)
{
	if (!handshake_decrypt(text, sealed, sealed_length, draft->hash, sizeof(draft->hash), 0,
			       draft->key))
		return false;
	mix_hash(draft, sealed, sealed_length);
	return true;
}

static void commit(struct noise_handshake *handshake, const struct draft *draft,
		   enum noise_handshake_state state)
{
	memcpy(handshake->chaining_key, draft->chaining_key, sizeof(handshake->chaining_key));
	memcpy(handshake->hash, draft->hash, sizeof(handshake->hash));
	handshake->state = state;
}

/* ---- identity and peer ------------------------------------------------------------------------- */

void noise_set_identity(struct noise_identity *identity, const uint8_t *static_private)
{
	if (static_private && !crypto_is_zero(static_private, NOISE_PUBLIC_KEY_LENGTH)) {
		memcpy(identity->static_private, static_private, NOISE_PUBLIC_KEY_LENGTH);
		curve25519_clamp(identity->static_private);
		identity->has_identity =
			curve25519_public(identity->static_public, identity->static_private);
	} else {
		crypto_wipe(identity, sizeof(*identity));
	}
}

void noise_handshake_init(struct noise_handshake *handshake,
			  const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH],
			  const uint8_t *preshared_key)
{
	memset(handshake, 0, sizeof(*handshake));
	memcpy(handshake->remote_static, remote_static, sizeof(handshake->remote_static));
	noise_set_preshared_key(handshake, preshared_key);
}

void noise_forget_static_static(struct noise_handshake *handshake)
{
	crypto_wipe(handshake->static_static, sizeof(handshake->static_static));
	handshake->is_usable = STATIC_STATIC_UNKNOWN;
}

/* False when it is zero, or nobody's: without a private key it stays unknown. */
static bool compute_static_static(struct noise_handshake *handshake,
				  const struct noise_identity *identity)
{
	if (!identity->has_identity)
		return false;
	if (handshake->is_usable == STATIC_STATIC_UNKNOWN)
		handshake->is_usable =
			curve25519(handshake->static_static, identity->static_private,
				   handshake->remote_static)
				? STATIC_STATIC_USABLE
				: STATIC_STATIC_ZERO;
	return handshake->is_usable == STATIC_STATIC_USABLE;
}

void noise_set_preshared_key(struct noise_handshake *handshake, const uint8_t *preshared_key)
{
	if (preshared_key)
		memcpy(handshake->preshared_key, preshared_key, sizeof(handshake->preshared_key));
	else
		crypto_wipe(handshake->preshared_key, sizeof(handshake->preshared_key));
}

/* All that belongs to one handshake: the fields from `state` on. Whose the index is now is the
 * caller's business. */
static void forget_handshake(struct noise_handshake *handshake)
{
	const size_t from = offsetof(struct noise_handshake, state);

	_Static_assert(HANDSHAKE_ZEROED == 0, "zeroed means zero");
	crypto_wipe((uint8_t *)handshake + from, sizeof(*handshake) - from);
}

void noise_handshake_clear(struct noise_handshake *handshake,
			   const struct noise_index_allocator *indices)
{
	if (handshake->has_local_index)
		indices->release(indices->context, handshake->local_index);
	forget_handshake(handshake);
}

void noise_handshake_wipe(struct noise_handshake *handshake,
			  const struct noise_index_allocator *indices)
{
	noise_handshake_clear(handshake, indices);
	crypto_wipe(handshake, sizeof(*handshake));
}

/* ---- initiation -------------------------------------------------------------------------------- */

void noise_tai64n(uint8_t label[static NOISE_TIMESTAMP_LENGTH], uint64_t seconds,
		  uint32_t nanoseconds)
{
	store_be64(label, UINT64_C(0x400000000000000a) + seconds);
	store_be32(label + 8, nanoseconds & ~(TIMESTAMP_STEP - 1));
}

static bool is_later(const uint8_t a[static NOISE_TIMESTAMP_LENGTH],
		     const uint8_t b[static NOISE_TIMESTAMP_LENGTH])
{
	return memcmp(a, b, NOISE_TIMESTAMP_LENGTH) > 0;
}

/* The clock's time, or when that is no later than the `last` one, a step after the last one. */
static void next_timestamp(uint8_t next[static NOISE_TIMESTAMP_LENGTH],
			   const uint8_t last[static NOISE_TIMESTAMP_LENGTH],
			   const uint8_t clock[static NOISE_TIMESTAMP_LENGTH])
{
	uint64_t seconds = (uint64_t)load_be32(last) << 32 | load_be32(last + 4);
	uint64_t nanoseconds = (uint64_t)load_be32(last + 8) + TIMESTAMP_STEP;

	if (is_later(clock, last)) {
		memcpy(next, clock, NOISE_TIMESTAMP_LENGTH);
		return;
	}
	if (nanoseconds >= NANOSECONDS_PER_SECOND) {
		seconds++;
		nanoseconds = 0;
	}
	store_be64(next, seconds);
	store_be32(next + 8, (uint32_t)nanoseconds);
}

bool noise_create_initiation(struct message_handshake_initiation *message,
			     struct noise_handshake *handshake,
			     const struct noise_identity *identity,
			     const struct noise_index_allocator *indices,
			     const uint8_t ephemeral_random[static NOISE_PUBLIC_KEY_LENGTH],
			     const uint8_t timestamp[static NOISE_TIMESTAMP_LENGTH])
{
	struct message_handshake_initiation written = {0};
	uint8_t sent_timestamp[NOISE_TIMESTAMP_LENGTH];
	WIPED_DRAFT draft;

	if (!compute_static_static(handshake, identity))
		return false;

	begin(&draft, handshake->remote_static);
	if (!write_ephemeral(&draft, written.unencrypted_ephemeral, ephemeral_random))
		return false;
	if (!mix_dh(&draft, draft.ephemeral_private, handshake->remote_static))
		return false;
	message_encrypt(&draft, written.encrypted_static, identity->static_public,
			sizeof(identity->static_public));
	mix_key(&draft, handshake->static_static);
	next_timestamp(sent_timestamp, handshake->last_sent_timestamp, timestamp);
	message_encrypt(&draft, written.encrypted_timestamp, sent_timestamp,
			sizeof(sent_timestamp));

	/* One handshake has one index: an earlier one is given back, even if no other can be had. */
	noise_handshake_clear(handshake, indices);
	if (!indices->reserve(indices->context, handshake, &handshake->local_index))
		return false;
	handshake->has_local_index = true;
	memcpy(handshake->ephemeral_private, draft.ephemeral_private,
	       sizeof(handshake->ephemeral_private));
	memcpy(handshake->last_sent_timestamp, sent_timestamp, sizeof(sent_timestamp));
	commit(handshake, &draft, HANDSHAKE_CREATED_INITIATION);

	store_le32(written.type, MESSAGE_HANDSHAKE_INITIATION);
	store_le32(written.sender_index, handshake->local_index);
	*message = written;
	return true;
}

/* Its index goes along: it stays reserved. */
static void put_aside(struct noise_handshake *handshake, struct noise_pending *pending)
{
	pending->exists = handshake->state == HANDSHAKE_CREATED_INITIATION;
	if (!pending->exists)
		return;
	pending->is_crossed = handshake->is_crossed;
	memcpy(pending->ephemeral_private, handshake->ephemeral_private,
	       sizeof(pending->ephemeral_private));
	memcpy(pending->hash, handshake->hash, sizeof(pending->hash));
	memcpy(pending->chaining_key, handshake->chaining_key, sizeof(pending->chaining_key));
	pending->local_index = handshake->local_index;
	forget_handshake(handshake);
}

void noise_resume_initiation(struct noise_handshake *handshake, struct noise_pending *pending,
			     bool answered)
{
	if (pending->exists && handshake->state == HANDSHAKE_ZEROED) {
		handshake->state = HANDSHAKE_CREATED_INITIATION;
		handshake->is_crossed = pending->is_crossed || answered;
		memcpy(handshake->ephemeral_private, pending->ephemeral_private,
		       sizeof(handshake->ephemeral_private));
		memcpy(handshake->hash, pending->hash, sizeof(handshake->hash));
		memcpy(handshake->chaining_key, pending->chaining_key,
		       sizeof(handshake->chaining_key));
		handshake->local_index = pending->local_index;
		handshake->has_local_index = true;
	}
	crypto_wipe(pending, sizeof(*pending));
}

static bool is_flood(const struct noise_handshake *handshake, uint64_t now)
{
	return handshake->has_consumed_initiation &&
	       now < handshake->last_initiation_consumption + INITIATION_INTERVAL_MIN;
}

enum verdict noise_consume_initiation(
	const struct message_handshake_initiation *message, const struct noise_identity *identity,
	const struct noise_index_allocator *indices,
	struct noise_handshake *(*find_peer)(
		void *context, const uint8_t public_key[static NOISE_PUBLIC_KEY_LENGTH]),
	void *find_context, uint64_t now, struct noise_handshake **from,
	struct noise_pending *pending)
{
	uint8_t remote_static[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t timestamp[NOISE_TIMESTAMP_LENGTH];
	struct noise_handshake *handshake;
	WIPED_DRAFT draft;

	if (load_le32(message->type) != MESSAGE_HANDSHAKE_INITIATION || !identity->has_identity)
		return VERDICT_BAD_HANDSHAKE;

	begin(&draft, identity->static_public);
	mix_ephemeral(&draft, message->unencrypted_ephemeral);
	if (!mix_dh(&draft, identity->static_private, message->unencrypted_ephemeral))
		return VERDICT_BAD_HANDSHAKE;
	if (!message_decrypt(&draft, remote_static, message->encrypted_static,
			     sizeof(message->encrypted_static)))
		return VERDICT_BAD_HANDSHAKE;
	handshake = find_peer(find_context, remote_static);
	if (!handshake)
		return VERDICT_UNKNOWN_PEER;
	if (!compute_static_static(handshake, identity))
		return VERDICT_BAD_HANDSHAKE;
	mix_key(&draft, handshake->static_static);
	if (!message_decrypt(&draft, timestamp, message->encrypted_timestamp,
			     sizeof(message->encrypted_timestamp)))
		return VERDICT_BAD_HANDSHAKE;
	if (!is_later(timestamp, handshake->latest_timestamp))
		return VERDICT_REPLAYED_INITIATION;
	if (is_flood(handshake, now))
		return VERDICT_INITIATION_FLOOD;

	put_aside(handshake, pending);
	noise_handshake_clear(handshake, indices);
	memcpy(handshake->latest_timestamp, timestamp, sizeof(timestamp));
	handshake->last_initiation_consumption = now;
	handshake->has_consumed_initiation = true;
	memcpy(handshake->remote_ephemeral, message->unencrypted_ephemeral,
	       sizeof(handshake->remote_ephemeral));
	handshake->remote_index = load_le32(message->sender_index);
	commit(handshake, &draft, HANDSHAKE_CONSUMED_INITIATION);
	*from = handshake;
	return VERDICT_DELIVERED;
}

/* ---- response ---------------------------------------------------------------------------------- */

bool noise_create_response(struct message_handshake_response *message,
			   struct noise_handshake *handshake,
			   const struct noise_index_allocator *indices,
			   const uint8_t ephemeral_random[static NOISE_PUBLIC_KEY_LENGTH])
{
	struct message_handshake_response written = {0};
	WIPED_DRAFT draft;

	if (handshake->state != HANDSHAKE_CONSUMED_INITIATION ||
	    handshake->is_usable != STATIC_STATIC_USABLE)
		return false;

	resume(&draft, handshake);
	if (!write_ephemeral(&draft, written.unencrypted_ephemeral, ephemeral_random))
		return false;
	if (!mix_dh(&draft, draft.ephemeral_private, handshake->remote_ephemeral))
		return false;
	if (!mix_dh(&draft, draft.ephemeral_private, handshake->remote_static))
		return false;
	mix_preshared_key(&draft, handshake->preshared_key);
	message_encrypt(&draft, written.encrypted_nothing, NULL, 0);

	if (!indices->reserve(indices->context, handshake, &handshake->local_index))
		return false;
	handshake->has_local_index = true;
	commit(handshake, &draft, HANDSHAKE_CREATED_RESPONSE);

	store_le32(written.type, MESSAGE_HANDSHAKE_RESPONSE);
	store_le32(written.sender_index, handshake->local_index);
	store_le32(written.receiver_index, handshake->remote_index);
	*message = written;
	return true;
}

enum verdict noise_consume_response(const struct message_handshake_response *message,
				    struct noise_handshake *handshake,
				    const struct noise_identity *identity)
{
	WIPED_DRAFT draft;

	if (load_le32(message->type) != MESSAGE_HANDSHAKE_RESPONSE || !identity->has_identity ||
	    handshake->is_usable != STATIC_STATIC_USABLE ||
	    handshake->state != HANDSHAKE_CREATED_INITIATION ||
	    load_le32(message->receiver_index) != handshake->local_index)
		return VERDICT_BAD_HANDSHAKE;

	resume(&draft, handshake);
	mix_ephemeral(&draft, message->unencrypted_ephemeral);
	if (!mix_dh(&draft, handshake->ephemeral_private, message->unencrypted_ephemeral))
		return VERDICT_BAD_HANDSHAKE;
	if (!mix_dh(&draft, identity->static_private, message->unencrypted_ephemeral))
		return VERDICT_BAD_HANDSHAKE;
	mix_preshared_key(&draft, handshake->preshared_key);
	if (!message_decrypt(&draft, NULL, message->encrypted_nothing,
			     sizeof(message->encrypted_nothing)))
		return VERDICT_BAD_HANDSHAKE;

	crypto_wipe(handshake->ephemeral_private, sizeof(handshake->ephemeral_private));
	memcpy(handshake->remote_ephemeral, message->unencrypted_ephemeral,
	       sizeof(handshake->remote_ephemeral));
	handshake->remote_index = load_le32(message->sender_index);
	commit(handshake, &draft, HANDSHAKE_CONSUMED_RESPONSE);
	return VERDICT_DELIVERED;
}

bool noise_begin_session(struct noise_handshake *handshake, struct noise_session_keys *keys)
{
	const bool i_am_the_initiator = handshake->state == HANDSHAKE_CONSUMED_RESPONSE;

	if (!i_am_the_initiator && handshake->state != HANDSHAKE_CREATED_RESPONSE)
		return false;

	/* The first key is for what the initiator sends. */
	noise_kdf(i_am_the_initiator ? keys->sending_key : keys->receiving_key,
		  i_am_the_initiator ? keys->receiving_key : keys->sending_key, NULL, 2,
		  handshake->chaining_key, NULL, 0);
	keys->local_index = handshake->local_index;
	keys->remote_index = handshake->remote_index;
	keys->i_am_the_initiator = i_am_the_initiator;
	keys->is_crossed = handshake->is_crossed;
	forget_handshake(handshake);
	return true;
}
