/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wire.h - the four messages as they stand on the wire (WireGuard paper, 5.4.2 to 5.4.7).
 *
 * Byte arrays throughout: a message may lie at any alignment, and a field is read with load_le32()
 * and its kin from types.h. Lengths are derived from the structs and asserted against the paper.
 */
#ifndef WGXDP_WIRE_H
#define WGXDP_WIRE_H

#include <wgxdp/types.h>

enum wire_length {
	NOISE_PUBLIC_KEY_LENGTH = 32,
	NOISE_SYMMETRIC_KEY_LENGTH = 32,
	NOISE_HASH_LENGTH = 32,
	NOISE_TIMESTAMP_LENGTH = 12,
	AUTHENTICATION_TAG_LENGTH = 16,
	COOKIE_LENGTH = 16,
	COOKIE_NONCE_LENGTH = 24,
};

/* The type is one byte, the three after it are zero; together a little-endian 32-bit word. */
enum message_type {
	MESSAGE_INVALID = 0,
	MESSAGE_HANDSHAKE_INITIATION = 1,
	MESSAGE_HANDSHAKE_RESPONSE = 2,
	MESSAGE_HANDSHAKE_COOKIE = 3,
	MESSAGE_DATA = 4,
};

struct message_macs {
	uint8_t mac1[COOKIE_LENGTH];
	uint8_t mac2[COOKIE_LENGTH];
};

struct message_handshake_initiation {
	uint8_t type[4];
	uint8_t sender_index[4];
	uint8_t unencrypted_ephemeral[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t encrypted_static[NOISE_PUBLIC_KEY_LENGTH + AUTHENTICATION_TAG_LENGTH];
	uint8_t encrypted_timestamp[NOISE_TIMESTAMP_LENGTH + AUTHENTICATION_TAG_LENGTH];
	struct message_macs macs;
};

struct message_handshake_response {
	uint8_t type[4];
	uint8_t sender_index[4];
	uint8_t receiver_index[4];
	uint8_t unencrypted_ephemeral[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t encrypted_nothing[AUTHENTICATION_TAG_LENGTH];
	struct message_macs macs;
};

struct message_handshake_cookie {
	uint8_t type[4];
	uint8_t receiver_index[4];
	uint8_t nonce[COOKIE_NONCE_LENGTH];
	uint8_t encrypted_cookie[COOKIE_LENGTH + AUTHENTICATION_TAG_LENGTH];
};

struct message_data {
	uint8_t type[4];
	uint8_t receiver_index[4];
	uint8_t counter[8];
	uint8_t encrypted_data[];
};

/* A data message without payload: a keepalive, and the shortest data message there is. */
#define MESSAGE_DATA_MINIMUM_LENGTH (sizeof(struct message_data) + AUTHENTICATION_TAG_LENGTH)

_Static_assert(sizeof(struct message_handshake_initiation) == 148, "paper 5.4.2");
_Static_assert(sizeof(struct message_handshake_response) == 92, "paper 5.4.3");
_Static_assert(sizeof(struct message_handshake_cookie) == 64, "paper 5.4.7");
_Static_assert(sizeof(struct message_data) == 16, "paper 5.4.6");
_Static_assert(MESSAGE_DATA_MINIMUM_LENGTH == 32, "a keepalive");

#endif
