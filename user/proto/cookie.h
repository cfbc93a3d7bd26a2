/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cookie.h - the two macs at the end of a handshake message and the cookie reply (paper 5.3, 5.4.4,
 * 5.4.7). The checker is the responder's side, one per tunnel; the maker is the initiator's, one per
 * peer. Pure: time and randomness are arguments. It decides nothing about load: peer.h asks.
 */
#ifndef WGXDP_PROTO_COOKIE_H
#define WGXDP_PROTO_COOKIE_H

#include <wgxdp/blake2s.h>
#include <wgxdp/limits.h>
#include <wgxdp/wire.h>

/* Where a message came from, as far as a cookie is bound to it: address AND port. */
struct cookie_source {
	uint8_t address[16];
	/* 4 or 16 */
	uint8_t address_length;
	/* as on the wire */
	uint8_t port[2];
};

struct cookie_checker {
	uint8_t secret[NOISE_HASH_LENGTH];
	uint64_t secret_birth;
	bool has_secret;
	uint8_t message_mac1_key[NOISE_SYMMETRIC_KEY_LENGTH];
	uint8_t cookie_encryption_key[NOISE_SYMMETRIC_KEY_LENGTH];
};

/* Two keys follow from the peer's public key. They are derived for each message: a peer is idle most of the time. */
struct cookie_maker {
	/* the owner's, who keeps it where it is */
	const uint8_t *remote_static;
	uint8_t cookie[COOKIE_LENGTH];
	uint64_t cookie_birth;
	bool has_cookie;
	uint8_t last_mac1_sent[COOKIE_LENGTH];
	bool has_last_mac1_sent;
};

enum cookie_mac_state {
	INVALID_MAC,
	VALID_MAC_BUT_NO_COOKIE,
	VALID_MAC_WITH_COOKIE,
};

/* Keys that follow from our own public key; the secret is made when it is first needed. */
void cookie_checker_init(struct cookie_checker *checker,
			 const uint8_t our_static_public[static NOISE_PUBLIC_KEY_LENGTH]);

/* For whoever checks mac1 in our place: the hash of everything in front of it, 16 bytes, by this key. */
void cookie_prepare_mac1_key(struct blake2s_key *prepared, const struct cookie_checker *checker);

/* And whoever makes cookies in our place: the hash of the source, address then port, 16 bytes, by this key. It is
 * good as long as the checker's secret. */
void cookie_prepare_cookie_key(struct blake2s_key *prepared, const struct cookie_checker *checker);

/* For the peer of that public key, which stays where it is; no cookie yet. */
void cookie_maker_init(struct cookie_maker *maker,
		       const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH]);

/* Constant time. With `check_cookie` false only mac1 is looked at. A mac2 is good only while the
 * secret it was made with is not older than COOKIE_SECRET_MAX_AGE. `length` includes the macs. */
enum cookie_mac_state cookie_validate(const struct cookie_checker *checker, const void *message,
				      size_t length, const struct cookie_source *source,
				      bool check_cookie, uint64_t now);

/* True when cookie_create_reply() needs 32 fresh random bytes for a new secret: there is none yet,
 * or it is older than COOKIE_SECRET_MAX_AGE. */
bool cookie_secret_is_due(const struct cookie_checker *checker, uint64_t now);

/* Makes the reply to a handshake message whose mac1 is good. `secret_random` is used only when the
 * secret is due, `nonce_random` always. `sender_index` is the four bytes of the message. */
void cookie_create_reply(struct message_handshake_cookie *reply, struct cookie_checker *checker,
			 const uint8_t mac1[static COOKIE_LENGTH],
			 const uint8_t sender_index[static 4], const struct cookie_source *source,
			 const uint8_t secret_random[static NOISE_HASH_LENGTH],
			 const uint8_t nonce_random[static COOKIE_NONCE_LENGTH], uint64_t now);

/* Fills in both macs of an outgoing handshake message and remembers mac1. mac2 is zero without a
 * cookie or with one older than COOKIE_SECRET_MAX_AGE - COOKIE_SECRET_LATENCY. */
void cookie_add_macs(struct cookie_maker *maker, void *message, size_t length, uint64_t now);

/* Accepts a reply to the last mac1 sent, once. False, and nothing changed, otherwise. */
bool cookie_consume_reply(struct cookie_maker *maker, const struct message_handshake_cookie *reply,
			  uint64_t now);

#endif
