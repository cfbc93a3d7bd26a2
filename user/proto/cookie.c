// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * cookie.c - mac1, mac2 and the cookie reply (WireGuard paper 5.3, 5.4.4, 5.4.7; kernel: cookie.c).
 * It neither counts load (peer.c) nor rates (ratelimit.c), and sends nothing.
 */
#include <proto/cookie.h>

#include <crypto/crypto.h>

enum { LABEL_LENGTH = 8 };

static const uint8_t label_mac1[LABEL_LENGTH] = {'m', 'a', 'c', '1', '-', '-', '-', '-'};
static const uint8_t label_cookie[LABEL_LENGTH] = {'c', 'o', 'o', 'k', 'i', 'e', '-', '-'};

/* Hash(label || public key): known to whoever knows the public key, and to nobody else. */
static void derive_key(uint8_t key[static NOISE_SYMMETRIC_KEY_LENGTH],
		       const uint8_t label[static LABEL_LENGTH],
		       const uint8_t public_key[static NOISE_PUBLIC_KEY_LENGTH])
{
	struct blake2s_state state;

	blake2s_init(&state, NOISE_SYMMETRIC_KEY_LENGTH, NULL, 0);
	blake2s_update(&state, label, LABEL_LENGTH);
	blake2s_update(&state, public_key, NOISE_PUBLIC_KEY_LENGTH);
	blake2s_final(&state, key);
}

static void mac(uint8_t out[static COOKIE_LENGTH], const void *key, size_t key_length,
		const void *message, size_t length)
{
	blake2s(out, COOKIE_LENGTH, key, key_length, message, length);
}

static size_t length_before_mac1(size_t length)
{
	return length - sizeof(struct message_macs);
}

static size_t length_before_mac2(size_t length)
{
	return length_before_mac1(length) + offsetof(struct message_macs, mac2);
}

/* The cookie of a source is never stored: it is made again from the secret when it comes back. */
static void make_cookie(uint8_t cookie[static COOKIE_LENGTH], const struct cookie_checker *checker,
			const struct cookie_source *source)
{
	struct blake2s_state state;

	blake2s_init(&state, COOKIE_LENGTH, checker->secret, sizeof(checker->secret));
	blake2s_update(&state, source->address, source->address_length);
	blake2s_update(&state, source->port, sizeof(source->port));
	blake2s_final(&state, cookie);
}

void cookie_checker_init(struct cookie_checker *checker,
			 const uint8_t our_static_public[static NOISE_PUBLIC_KEY_LENGTH])
{
	crypto_wipe(checker, sizeof(*checker));
	derive_key(checker->message_mac1_key, label_mac1, our_static_public);
	derive_key(checker->cookie_encryption_key, label_cookie, our_static_public);
}

void cookie_prepare_mac1_key(struct blake2s_key *prepared, const struct cookie_checker *checker)
{
	blake2s_prepare_key(prepared, COOKIE_LENGTH, checker->message_mac1_key,
			    sizeof(checker->message_mac1_key));
}

void cookie_prepare_cookie_key(struct blake2s_key *prepared, const struct cookie_checker *checker)
{
	blake2s_prepare_key(prepared, COOKIE_LENGTH, checker->secret, sizeof(checker->secret));
}

void cookie_maker_init(struct cookie_maker *maker,
		       const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH])
{
	crypto_wipe(maker, sizeof(*maker));
	maker->remote_static = remote_static;
}

enum cookie_mac_state cookie_validate(const struct cookie_checker *checker, const void *message,
				      size_t length, const struct cookie_source *source,
				      bool check_cookie, uint64_t now)
{
	const struct message_macs *macs;
	uint8_t expected[COOKIE_LENGTH];
	uint8_t cookie[COOKIE_LENGTH];

	if (length < sizeof(*macs))
		return INVALID_MAC;
	macs = (const void *)((const uint8_t *)message + length_before_mac1(length));
	mac(expected, checker->message_mac1_key, sizeof(checker->message_mac1_key), message,
	    length_before_mac1(length));
	if (!crypto_equal(expected, macs->mac1, COOKIE_LENGTH))
		return INVALID_MAC;

	if (!check_cookie || cookie_secret_is_due(checker, now))
		return VALID_MAC_BUT_NO_COOKIE;
	make_cookie(cookie, checker, source);
	mac(expected, cookie, sizeof(cookie), message, length_before_mac2(length));
	crypto_wipe(cookie, sizeof(cookie));
	return crypto_equal(expected, macs->mac2, COOKIE_LENGTH) ? VALID_MAC_WITH_COOKIE
								 : VALID_MAC_BUT_NO_COOKIE;
}

bool cookie_secret_is_due(const struct cookie_checker *checker, uint64_t now)
{
	return !checker->has_secret || now > checker->secret_birth + COOKIE_SECRET_MAX_AGE;
}

void cookie_create_reply(struct message_handshake_cookie *reply, struct cookie_checker *checker,
			 const uint8_t mac1[static COOKIE_LENGTH],
			 const uint8_t sender_index[static 4], const struct cookie_source *source,
			 const uint8_t secret_random[static NOISE_HASH_LENGTH],
			 const uint8_t nonce_random[static COOKIE_NONCE_LENGTH], uint64_t now)
{
	uint8_t cookie[COOKIE_LENGTH];

	if (cookie_secret_is_due(checker, now)) {
		memcpy(checker->secret, secret_random, sizeof(checker->secret));
		checker->secret_birth = now;
		checker->has_secret = true;
	}
	store_le32(reply->type, MESSAGE_HANDSHAKE_COOKIE);
	memcpy(reply->receiver_index, sender_index, sizeof(reply->receiver_index));
	memcpy(reply->nonce, nonce_random, sizeof(reply->nonce));
	make_cookie(cookie, checker, source);
	cookie_encrypt(reply->encrypted_cookie, cookie, sizeof(cookie), mac1, COOKIE_LENGTH,
		       reply->nonce, checker->cookie_encryption_key);
	crypto_wipe(cookie, sizeof(cookie));
}

static bool cookie_is_fresh(const struct cookie_maker *maker, uint64_t now)
{
	const uint64_t lifetime = COOKIE_SECRET_MAX_AGE - COOKIE_SECRET_LATENCY;

	return maker->has_cookie && now <= maker->cookie_birth + lifetime;
}

void cookie_add_macs(struct cookie_maker *maker, void *message, size_t length, uint64_t now)
{
	struct message_macs *macs = (void *)((uint8_t *)message + length_before_mac1(length));
	uint8_t mac1_key[NOISE_SYMMETRIC_KEY_LENGTH];

	derive_key(mac1_key, label_mac1, maker->remote_static);
	mac(macs->mac1, mac1_key, sizeof(mac1_key), message, length_before_mac1(length));
	memcpy(maker->last_mac1_sent, macs->mac1, COOKIE_LENGTH);
	maker->has_last_mac1_sent = true;

	if (cookie_is_fresh(maker, now))
		mac(macs->mac2, maker->cookie, sizeof(maker->cookie), message,
		    length_before_mac2(length));
	else
		memset(macs->mac2, 0, sizeof(macs->mac2));
}

bool cookie_consume_reply(struct cookie_maker *maker, const struct message_handshake_cookie *reply,
			  uint64_t now)
{
	uint8_t decryption_key[NOISE_SYMMETRIC_KEY_LENGTH];

	if (load_le32(reply->type) != MESSAGE_HANDSHAKE_COOKIE || !maker->has_last_mac1_sent)
		return false;
	derive_key(decryption_key, label_cookie, maker->remote_static);
	/* maker->cookie stays as it was when the reply is not authentic: cookie_decrypt()'s promise. */
	if (!cookie_decrypt(maker->cookie, reply->encrypted_cookie, sizeof(reply->encrypted_cookie),
			    maker->last_mac1_sent, sizeof(maker->last_mac1_sent), reply->nonce,
			    decryption_key))
		return false;
	maker->cookie_birth = now;
	maker->has_cookie = true;
	maker->has_last_mac1_sent = false;
	return true;
}
