/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * peer.h - one peer's protocol brain, and the tunnel that finds the peer of a handshake message.
 *
 *     data path's notes ---> peer_*()  ---+--> noise, cookie, session, timers
 *     UDP socket -------> tunnel_receive --+--> tunnel_ops: send, begin / end session, keepalive, ...
 *     clock ----------------> peer_tick ---+
 *
 * The agent and the simulation drive the same code. Pure: whatever touches the world is behind
 * struct tunnel_ops, time is an argument (nanoseconds, boottime), and a call that is made late with
 * an older `when` than `now` is fine as long as events come in order. An op never calls a function
 * of this file: what it leads to (send_staged, say, to packets sent) is noted after it returned.
 */
#ifndef WGXDP_PROTO_PEER_H
#define WGXDP_PROTO_PEER_H

#include <proto/cookie.h>
#include <proto/noise.h>
#include <proto/ratelimit.h>
#include <proto/session.h>
#include <proto/timers.h>

struct peer {
	struct noise_handshake handshake;
	struct cookie_maker cookie_maker;
	struct sessions sessions;
	struct timers timers;
	struct tunnel *tunnel;
	uint64_t last_sent_handshake;
	bool has_sent_handshake;
	/* when the last handshake was completed (boottime); 0: never. Shown to the user. */
	uint64_t last_handshake_completed;
	/* A removed or stopped peer does nothing until peer_start(). */
	bool running;
};

struct tunnel_ops {
	void (*random_bytes)(void *context, void *out, size_t length);
	/* wall clock for TAI64N */
	void (*wall_clock)(void *context, uint64_t *seconds, uint32_t *nanoseconds);

	/* Receiver indices; `find_by_index` knows handshakes and sessions alike. */
	bool (*reserve_index)(void *context, struct peer *peer, uint32_t *index);
	void (*release_index)(void *context, uint32_t index);
	struct peer *(*find_by_index)(void *context, uint32_t index);
	struct peer *(*find_by_public_key)(void *context, const uint8_t *public_key);

	/* To the peer's present endpoint; silently nothing when it has none. Counts the bytes. */
	void (*send_handshake)(void *context, struct peer *peer, const void *message,
			       size_t length);
	/* A cookie reply, to where the message came from. */
	void (*send_reply)(void *context, const struct cookie_source *to, const void *message,
			   size_t length);
	/* An authentic handshake message of the peer came from here: its endpoint moves. */
	void (*roamed)(void *context, struct peer *peer, const struct cookie_source *from);
	/* Handshake gets no answer: the local source address may be what is wrong; choose anew. */
	void (*forget_local_source)(void *context, struct peer *peer);

	/* The data path takes the keys (and must not fail: the index was reserved there). The
	 * initiator's session is used for sending from now on, the responder's once confirmed. */
	void (*begin_session)(void *context, struct peer *peer,
			      const struct noise_session_keys *keys, uint64_t birth);
	/* A session was confirmed by the peer's first packet: it is the one to send with. */
	void (*session_confirmed)(void *context, struct peer *peer, uint32_t local_index);
	/* Keys wiped, index free again. */
	void (*end_session)(void *context, struct peer *peer, uint32_t local_index);
	/* Nothing is sent with this session any more; it may still receive. */
	void (*stop_sending)(void *context, struct peer *peer, uint32_t local_index);

	/* Send what is staged; returns how many packets that were. */
	unsigned int (*send_staged)(void *context, struct peer *peer);
	void (*drop_staged)(void *context, struct peer *peer);
	/* An empty data packet with the current session, if it can send; reports nothing back: the
	 * peer accounts for it itself. False when there was no session to send it with. */
	bool (*send_keepalive)(void *context, struct peer *peer);
	/* peer_next_deadline() may have changed. */
	void (*deadline_changed)(void *context, struct peer *peer);
};

struct tunnel {
	struct noise_identity identity;
	/* the ops' indices, as noise.h wants them */
	struct noise_index_allocator indices;
	struct cookie_checker cookie_checker;
	struct ratelimit ratelimit;
	const struct tunnel_ops *ops;
	void *context;
};

/* The caller has set `ratelimit` up. No identity yet. */
void tunnel_init(struct tunnel *tunnel, const struct tunnel_ops *ops, void *context);

/* Sets, changes or (NULL, all zero) removes our private key. The caller then calls
 * peer_identity_changed() for every peer, and removes the peer that is ourselves. */
void tunnel_set_private_key(struct tunnel *tunnel, const uint8_t *static_private);

/*
 * A handshake message (types 1 to 3) from the network: macs, load, rate, then the peer. Sends the
 * answer itself. The verdict is for the counters; `*peer` is set when the message was authentic,
 * so that the caller may count its bytes there, and NULL otherwise. Nobody's bytes are counted for a
 * cookie reply, as in the kernel. `*named` (may be NULL) is the peer whose key or index the message
 * has, whoever made it, or NULL.
 */
enum verdict tunnel_receive_handshake(struct tunnel *tunnel, const void *message, size_t length,
				      const struct cookie_source *source, bool under_load,
				      uint64_t now, struct peer **peer, struct peer **named);

/* `preshared_key` may be NULL. The peer is stopped. */
void peer_init(struct peer *peer, struct tunnel *tunnel,
	       const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH],
	       const uint8_t *preshared_key);
/* The interface is up: persistent keepalive is sent at once when it is on. */
void peer_start(struct peer *peer, uint64_t now);
/* The interface is down: sessions ended, handshake and timers gone, staged packets dropped. */
void peer_stop(struct peer *peer);
/* As peer_stop(), and every secret of the peer is wiped. */
void peer_remove(struct peer *peer);

void peer_set_preshared_key(struct peer *peer, const uint8_t *preshared_key);
/* Seconds, 0 is off. Sent at once when it goes from 0 to n while running. */
void peer_set_persistent_keepalive(struct peer *peer, uint16_t seconds, uint64_t now);
/* Sessions stop sending, a handshake under way is void. Persistent keepalive is sent at once when it
 * is on; a peer with staged packets is asked for a session by peer_needs_session(). */
void peer_identity_changed(struct peer *peer, uint64_t now);

/* Notes of the data path. `data`: with payload, else a keepalive. `counter` is the session's sending
 * counter after this packet. It passed at `when`, the note is read `now`: a handshake it asks for
 * goes out now, and the next one not before REKEY_TIMEOUT from now. */
void peer_packet_sent(struct peer *peer, bool data, uint64_t counter, uint64_t when, uint64_t now);
/* After authentication and replay check, with the local index of the session it came by. */
void peer_packet_received(struct peer *peer, bool data, uint32_t local_index, uint64_t when,
			  uint64_t now);
/* Packets are staged, for want of a session as the data path saw it: asks for a handshake, or sends
 * them when a session has begun meanwhile. */
void peer_needs_session(struct peer *peer, uint64_t now);

uint64_t peer_next_deadline(const struct peer *peer);
/* Does whatever is due at `now`. */
void peer_tick(struct peer *peer, uint64_t now);

/* For tunnel.c: an initiation of the peer was consumed and waits for its response, and `pending` for
 * its own after that; a response of the peer was consumed. False when the handshake could not be
 * finished. */
bool peer_consumed_initiation(struct peer *peer, struct noise_pending *pending, uint64_t now);
bool peer_consumed_response(struct peer *peer, uint64_t now);

#endif
