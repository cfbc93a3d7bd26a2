/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * noise.h - the handshake: Noise_IKpsk2 with WireGuard's construction (paper 5.4.1 to 5.4.5).
 *
 * Pure: no system call, clock, allocation or log. Randomness, time and the allocation of indices
 * come in as arguments. The macs of the messages are cookie.h's, sending is peer.h's.
 *
 * Functions that consume a message leave all state as it was unless they accept it.
 */
#ifndef WGXDP_PROTO_NOISE_H
#define WGXDP_PROTO_NOISE_H

#include <wgxdp/limits.h>
#include <wgxdp/verdict.h>
#include <wgxdp/wire.h>

/* Who we are. Without a private key nothing is created and nothing is consumed. */
struct noise_identity {
	bool has_identity;
	uint8_t static_private[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t static_public[NOISE_PUBLIC_KEY_LENGTH];
};

enum noise_handshake_state {
	HANDSHAKE_ZEROED,
	HANDSHAKE_CREATED_INITIATION,
	HANDSHAKE_CONSUMED_INITIATION,
	HANDSHAKE_CREATED_RESPONSE,
	HANDSHAKE_CONSUMED_RESPONSE,
};

/* Whether there is a static-static key. A peer with whom it would be zero never gets a byte. */
enum noise_static_static {
	STATIC_STATIC_UNKNOWN,
	STATIC_STATIC_USABLE,
	STATIC_STATIC_ZERO,
};

/* Handshake with one peer. Fields above the line outlive a handshake, those below belong to one. */
struct noise_handshake {
	uint8_t remote_static[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t preshared_key[NOISE_SYMMETRIC_KEY_LENGTH];
	/* Computed when a handshake first needs it: 100 000 peers are added without 100 000 multiplications. */
	uint8_t static_static[NOISE_PUBLIC_KEY_LENGTH];
	enum noise_static_static is_usable;
	/* Greatest TAI64N accepted from the peer; compared as a 96-bit big-endian number. */
	uint8_t latest_timestamp[NOISE_TIMESTAMP_LENGTH];
	/* Greatest TAI64N we sent; the next one is greater even when the clock stepped back. */
	uint8_t last_sent_timestamp[NOISE_TIMESTAMP_LENGTH];
	uint64_t last_initiation_consumption;
	bool has_consumed_initiation;
	/* ---- */
	enum noise_handshake_state state;
	uint8_t ephemeral_private[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t remote_ephemeral[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t hash[NOISE_HASH_LENGTH];
	uint8_t chaining_key[NOISE_HASH_LENGTH];
	/* The index we gave the peer for this handshake. Reserved while has_local_index; passes to
	 * the session when one is begun. */
	uint32_t local_index;
	bool has_local_index;
	uint32_t remote_index;
	/* Our initiation waits for its response, and one of the peer's was answered meanwhile. */
	bool is_crossed;
};

/* An initiation of ours that waits for its response, put aside while one of the peer's is answered. */
struct noise_pending {
	bool exists;
	bool is_crossed;
	uint8_t ephemeral_private[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t hash[NOISE_HASH_LENGTH];
	uint8_t chaining_key[NOISE_HASH_LENGTH];
	uint32_t local_index;
};

/*
 * Receiver indices: 32 random bits, unique among all handshakes and sessions of all peers. `reserve`
 * finds and holds one for this handshake and returns false when it cannot; `release` gives it back.
 */
struct noise_index_allocator {
	bool (*reserve)(void *context, struct noise_handshake *handshake, uint32_t *index);
	void (*release)(void *context, uint32_t index);
	void *context;
};

/* What a finished handshake yields; session.h gives it a life. */
struct noise_session_keys {
	uint8_t sending_key[NOISE_SYMMETRIC_KEY_LENGTH];
	uint8_t receiving_key[NOISE_SYMMETRIC_KEY_LENGTH];
	uint32_t local_index;
	uint32_t remote_index;
	bool i_am_the_initiator;
	/* the initiator's: an initiation of the peer was answered between its own and the response */
	bool is_crossed;
};

/* Sets (clamps) our private key, or with an all-zero or NULL key takes the identity away. The caller
 * then calls noise_forget_static_static() and noise_handshake_clear() for every peer. */
void noise_set_identity(struct noise_identity *identity, const uint8_t *static_private);

/* A peer's handshake, zeroed, with nothing running. `preshared_key` may be NULL: all zero. */
void noise_handshake_init(struct noise_handshake *handshake,
			  const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH],
			  const uint8_t *preshared_key);

/* Our private key is another one. */
void noise_forget_static_static(struct noise_handshake *handshake);

/* The preshared key of the next handshake; one that is under way goes on with the new key too, as
 * it is mixed in only with the response. */
void noise_set_preshared_key(struct noise_handshake *handshake, const uint8_t *preshared_key);

/* Forgets the running handshake: index released, secrets wiped. Timestamps stay. */
void noise_handshake_clear(struct noise_handshake *handshake,
			   const struct noise_index_allocator *indices);

/* Forgets the peer: as above, and all the rest too, keys and timestamps. */
void noise_handshake_wipe(struct noise_handshake *handshake,
			  const struct noise_index_allocator *indices);

/*
 * Writes an initiation (macs left zero) and moves to CREATED_INITIATION. `timestamp` is the wall
 * clock as TAI64N (noise_tai64n); when it is not greater than the last one sent, the last one plus
 * the smallest step is sent. False, and no byte written, without identity, index or usable peer, or
 * when a DH step yields zero. A handshake under way is given up and its index released before the new
 * index is reserved, so when only that fails, it is ZEROED; otherwise it goes on.
 */
bool noise_create_initiation(struct message_handshake_initiation *message,
			     struct noise_handshake *handshake,
			     const struct noise_identity *identity,
			     const struct noise_index_allocator *indices,
			     const uint8_t ephemeral_random[static NOISE_PUBLIC_KEY_LENGTH],
			     const uint8_t timestamp[static NOISE_TIMESTAMP_LENGTH]);

/*
 * Reads an initiation whose mac1 was checked. `find_peer` maps a public key to its handshake, or to
 * NULL. On VERDICT_DELIVERED the handshake moved to CONSUMED_INITIATION and `*from` is set. What was
 * under way went to `*pending` when it was an initiation of ours without its response, for
 * noise_resume_initiation(); anything else is given up, index released and secrets gone. Any other
 * verdict (BAD_HANDSHAKE, UNKNOWN_PEER, REPLAYED_INITIATION, INITIATION_FLOOD): nothing changed, but
 * that the static-static key of the peer it names may be there now.
 * A flood is two initiations of one peer within INITIATION_INTERVAL_MIN of `now`.
 */
enum verdict noise_consume_initiation(
	const struct message_handshake_initiation *message, const struct noise_identity *identity,
	const struct noise_index_allocator *indices,
	struct noise_handshake *(*find_peer)(
		void *context, const uint8_t public_key[static NOISE_PUBLIC_KEY_LENGTH]),
	void *find_context, uint64_t now, struct noise_handshake **from,
	struct noise_pending *pending);

/* Writes the response (macs left zero): CONSUMED_INITIATION -> CREATED_RESPONSE. */
bool noise_create_response(struct message_handshake_response *message,
			   struct noise_handshake *handshake,
			   const struct noise_index_allocator *indices,
			   const uint8_t ephemeral_random[static NOISE_PUBLIC_KEY_LENGTH]);

/* Reads a response whose mac1 was checked, for the handshake its receiver index names:
 * CREATED_INITIATION -> CONSUMED_RESPONSE, or VERDICT_BAD_HANDSHAKE and nothing changed. */
enum verdict noise_consume_response(const struct message_handshake_response *message,
				    struct noise_handshake *handshake,
				    const struct noise_identity *identity);

/*
 * CREATED_RESPONSE or CONSUMED_RESPONSE -> ZEROED: derives the transport keys, hands the local
 * index over to them and wipes the handshake. False in any other state. The caller wipes `keys`.
 */
bool noise_begin_session(struct noise_handshake *handshake, struct noise_session_keys *keys);

/*
 * ZEROED -> CREATED_INITIATION when there was one before noise_consume_initiation(): the peer's is
 * `answered`, or was given up, and the response to ours may still come. Wipes `pending`.
 */
void noise_resume_initiation(struct noise_handshake *handshake, struct noise_pending *pending,
			     bool answered);

/* TAI64N label of a wall-clock time: 2^62 + 10 + seconds, nanoseconds rounded down to a multiple of
 * 2^24 so that it tells nobody how fast our clock runs (kernel: tai64n_now). */
void noise_tai64n(uint8_t label[static NOISE_TIMESTAMP_LENGTH], uint64_t seconds,
		  uint32_t nanoseconds);

/*
 * The key derivation of the handshake, for its known answers: HMAC-BLAKE2s in HKDF's arrangement
 * (paper 5.4, "Kdf_n"). `count` is 1 to 3; outputs beyond it may be NULL.
 */
void noise_kdf(uint8_t *first, uint8_t *second, uint8_t *third, unsigned int count,
	       const uint8_t chaining_key[static NOISE_HASH_LENGTH], const void *input,
	       size_t input_length);

#endif
