// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * peer.c - what one peer does about events and deadlines: initiate, answer, retry, confirm, rekey,
 * keep alive, wipe (WireGuard paper 6; kernel: timers.c, send.c and the latter half of receive.c).
 * Which peer a message is for and whether it is looked at is decided in tunnel.c. Contract: peer.h.
 */
#include <crypto/crypto.h>
#include <proto/peer.h>

/* The last thing every function of peer.h does that may have moved a deadline. */
static void report_deadline(struct peer *peer, uint64_t before)
{
	const struct tunnel *tunnel = peer->tunnel;

	if (peer_next_deadline(peer) != before)
		tunnel->ops->deadline_changed(tunnel->context, peer);
}

static uint32_t random_word(const struct peer *peer)
{
	uint32_t word;

	peer->tunnel->ops->random_bytes(peer->tunnel->context, &word, sizeof(word));
	return word;
}

static void end_sessions(struct peer *peer, const struct sessions_ended *ended)
{
	const struct tunnel *tunnel = peer->tunnel;

	for (unsigned int i = 0; i < ended->count; i++)
		tunnel->ops->end_session(tunnel->context, peer, ended->local_index[i]);
}

/* Neither a session nor a handshake is left, and so no index. */
static void wipe_keys(struct peer *peer)
{
	struct sessions_ended ended;

	sessions_clear(&peer->sessions, &ended);
	end_sessions(peer, &ended);
	noise_handshake_clear(&peer->handshake, &peer->tunnel->indices);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static void note_packet_sent(struct peer *peer, uint64_t when)
{
	timers_any_authenticated_packet_traversal(&peer->timers, when);
	timers_any_authenticated_packet_sent(&peer->timers);
}

static void send_handshake(struct peer *peer, void *message, size_t length, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;

	cookie_add_macs(&peer->cookie_maker, message, length, now);
	note_packet_sent(peer, now);
	peer->last_sent_handshake = now;
	peer->has_sent_handshake = true;
	tunnel->ops->send_handshake(tunnel->context, peer, message, length);
}

static bool create_initiation(struct peer *peer, struct message_handshake_initiation *message)
{
	const struct tunnel *tunnel = peer->tunnel;
	uint8_t ephemeral_random[NOISE_PUBLIC_KEY_LENGTH];
	uint8_t timestamp[NOISE_TIMESTAMP_LENGTH];
	uint64_t seconds;
	uint32_t nanoseconds;
	bool created;

	tunnel->ops->wall_clock(tunnel->context, &seconds, &nanoseconds);
	noise_tai64n(timestamp, seconds, nanoseconds);
	tunnel->ops->random_bytes(tunnel->context, ephemeral_random, sizeof(ephemeral_random));
	created = noise_create_initiation(message, &peer->handshake, &tunnel->identity,
					  &tunnel->indices, ephemeral_random, timestamp);
	crypto_wipe(ephemeral_random, sizeof(ephemeral_random));
	return created;
}

static bool may_initiate(const struct peer *peer, uint64_t now)
{
	return !peer->has_sent_handshake || now >= peer->last_sent_handshake + REKEY_TIMEOUT;
}

static void initiate_handshake(struct peer *peer, uint64_t now)
{
	struct message_handshake_initiation message;

	if (!may_initiate(peer, now))
		return;
	/* One that fails for want of a key or an index is not tried with every packet either. */
	peer->last_sent_handshake = now;
	peer->has_sent_handshake = true;
	if (!create_initiation(peer, &message))
		return;
	send_handshake(peer, &message, sizeof(message), now);
	timers_handshake_initiated(&peer->timers, now, random_word(peer));
}

/* Somebody wants a session, which is reason to try as often again as for the first time. */
static void ask_for_handshake(struct peer *peer, uint64_t now)
{
	peer->timers.handshake_attempts = 0;
	initiate_handshake(peer, now);
}

/* The packet passed at `when`; what follows from it is sent, and timed, `now`. */
static void keep_key_fresh_on_send(struct peer *peer, uint64_t counter, uint64_t when, uint64_t now)
{
	if (session_rekey_due_on_send(&peer->sessions.current, counter, when))
		ask_for_handshake(peer, now);
}

static void keep_key_fresh_on_receive(struct peer *peer, uint64_t when, uint64_t now)
{
	if (peer->timers.sent_lastminute_handshake ||
	    !session_rekey_due_on_receive(&peer->sessions.current, when))
		return;
	peer->timers.sent_lastminute_handshake = true;
	ask_for_handshake(peer, now);
}

/* False: nothing was staged, or it cannot go out. A session's age is known here; whether it has run
 * out of counters only the data path knows. */
static bool send_staged(struct peer *peer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;

	return session_can_send(&peer->sessions.current, 0, now) &&
	       tunnel->ops->send_staged(tunnel->context, peer) > 0;
}

/* Any packet is as good as an empty one, so what is staged goes in its place. */
static void send_keepalive(struct peer *peer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;

	if (send_staged(peer, now))
		return;
	if (!tunnel->ops->send_keepalive(tunnel->context, peer)) {
		ask_for_handshake(peer, now);
		return;
	}
	note_packet_sent(peer, now);
	keep_key_fresh_on_send(peer, 0, now, now);
}

/* Armed first: the next one comes also when this one and its handshake cannot be sent. */
static void send_persistent_keepalive(struct peer *peer, uint64_t now)
{
	if (!peer->timers.persistent_keepalive_interval)
		return;
	timers_any_authenticated_packet_traversal(&peer->timers, now);
	send_keepalive(peer, now);
}

/* ---- the handshake's second half ---------------------------------------------------------------- */

static void note_handshake_complete(struct peer *peer, uint64_t when)
{
	timers_handshake_complete(&peer->timers);
	peer->last_handshake_completed = when;
}

static void note_packet_received(struct peer *peer, uint64_t when)
{
	timers_any_authenticated_packet_received(&peer->timers);
	timers_any_authenticated_packet_traversal(&peer->timers, when);
}

/*
 * When initiations cross, each side answers the other's while its own waits, and both handshakes may
 * come to their end: two sessions, each of which the other side may send with, at least for a while.
 * A peer that forgets its own for ours, as the kernel's WireGuard does, has ours alone. So each side
 * sends with its own at once, and opens both.
 *
 * For the two to agree on one again, the session of the side with the lesser public key stays: that
 * side does not change to the other one when it is used, as it would otherwise, and the other side
 * does. With neither the rule nor a change both would renew their own from then on, and cross again;
 * were both to change, neither would be the initiator, who renews.
 */
static bool our_session_stays(const struct peer *peer)
{
	const uint8_t *ours = peer->tunnel->identity.static_public;
	const uint8_t *theirs = peer->handshake.remote_static;

	return memcmp(ours, theirs, NOISE_PUBLIC_KEY_LENGTH) < 0;
}

/* Before ours begins, so that the data path does not change to the other one in between. */
static void hold_back_next(struct peer *peer)
{
	const struct tunnel *tunnel = peer->tunnel;
	struct session *next = &peer->sessions.next;

	if (!next->exists || !next->may_send || !our_session_stays(peer))
		return;
	next->may_send = false;
	tunnel->ops->stop_sending(tunnel->context, peer, next->local_index);
}

/* The index goes from the handshake to the session: from here on only ending that releases it. */
static bool begin_session(struct peer *peer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;
	struct noise_session_keys keys;
	struct session session;
	struct sessions_ended ended;

	if (!noise_begin_session(&peer->handshake, &keys))
		return false;
	session = (struct session){
		.i_am_the_initiator = keys.i_am_the_initiator,
		.local_index = keys.local_index,
		.remote_index = keys.remote_index,
		.birth = now,
	};
	if (keys.is_crossed)
		hold_back_next(peer);
	tunnel->ops->begin_session(tunnel->context, peer, &keys, now);
	if (keys.is_crossed)
		sessions_begin_crossed(&peer->sessions, &session, &ended);
	else
		sessions_begin(&peer->sessions, &session, &ended);
	crypto_wipe(&keys, sizeof(keys));
	end_sessions(peer, &ended);
	timers_session_derived(&peer->timers, now);
	return true;
}

static bool answer_initiation(struct peer *peer, struct noise_pending *pending, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;
	struct message_handshake_response message;
	uint8_t ephemeral_random[NOISE_PUBLIC_KEY_LENGTH];
	bool begun;

	tunnel->ops->random_bytes(tunnel->context, ephemeral_random, sizeof(ephemeral_random));
	begun = noise_create_response(&message, &peer->handshake, &tunnel->indices,
				      ephemeral_random) &&
		begin_session(peer, now);
	crypto_wipe(ephemeral_random, sizeof(ephemeral_random));
	if (!begun)
		noise_handshake_clear(&peer->handshake, &tunnel->indices);
	noise_resume_initiation(&peer->handshake, pending, begun);
	if (!begun)
		return false;
	send_handshake(peer, &message, sizeof(message), now);
	timers_handshake_crossed(&peer->timers, now, random_word(peer));
	return true;
}

bool peer_consumed_initiation(struct peer *peer, struct noise_pending *pending, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);
	bool answered = answer_initiation(peer, pending, now);

	note_packet_received(peer, now);
	report_deadline(peer, before);
	return answered;
}

bool peer_consumed_response(struct peer *peer, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);
	bool begun = begin_session(peer, now);

	if (begun) {
		note_handshake_complete(peer, now);
		/* The peer waits for a first packet before it sends with the new session. */
		send_keepalive(peer, now);
	}
	note_packet_received(peer, now);
	report_deadline(peer, before);
	return begun;
}

/* ---- notes of the data path --------------------------------------------------------------------- */

void peer_packet_sent(struct peer *peer, bool data, uint64_t counter, uint64_t when, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);

	if (!peer->running)
		return;
	note_packet_sent(peer, when);
	if (data)
		timers_data_sent(&peer->timers, when, random_word(peer));
	keep_key_fresh_on_send(peer, counter, when, now);
	report_deadline(peer, before);
}

static void confirm_session(struct peer *peer, uint32_t local_index, uint64_t when, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;
	struct sessions_ended ended;

	if (!sessions_received_with(&peer->sessions, local_index, &ended))
		return;
	tunnel->ops->session_confirmed(tunnel->context, peer, local_index);
	end_sessions(peer, &ended);
	/* An initiation that this one crossed is needed no more, and its response refused. */
	if (peer->handshake.is_crossed)
		noise_handshake_clear(&peer->handshake, &tunnel->indices);
	note_handshake_complete(peer, when);
	send_staged(peer, now);
}

void peer_packet_received(struct peer *peer, bool data, uint32_t local_index, uint64_t when,
			  uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);

	if (!peer->running)
		return;
	confirm_session(peer, local_index, when, now);
	keep_key_fresh_on_receive(peer, when, now);
	note_packet_received(peer, when);
	if (data)
		timers_data_received(&peer->timers, when);
	report_deadline(peer, before);
}

void peer_needs_session(struct peer *peer, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);

	if (!peer->running)
		return;
	if (!send_staged(peer, now))
		ask_for_handshake(peer, now);
	report_deadline(peer, before);
}

/* ---- deadlines ---------------------------------------------------------------------------------- */

uint64_t peer_next_deadline(const struct peer *peer)
{
	return timers_next_deadline(&peer->timers);
}

static void retry_handshake(struct peer *peer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;

	if (!timers_retry_handshake(&peer->timers, now)) {
		tunnel->ops->drop_staged(tunnel->context, peer);
		return;
	}
	tunnel->ops->forget_local_source(tunnel->context, peer);
	initiate_handshake(peer, now);
}

static void act_on_timer(struct peer *peer, enum timer timer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;

	switch (timer) {
	case TIMER_RETRANSMIT_HANDSHAKE:
		retry_handshake(peer, now);
		break;
	case TIMER_SEND_KEEPALIVE:
		send_keepalive(peer, now);
		timers_keepalive_sent(&peer->timers, now);
		break;
	case TIMER_NEW_HANDSHAKE:
		tunnel->ops->forget_local_source(tunnel->context, peer);
		ask_for_handshake(peer, now);
		break;
	case TIMER_WIPE_KEYS:
		wipe_keys(peer);
		break;
	case TIMER_PERSISTENT_KEEPALIVE:
		send_persistent_keepalive(peer, now);
		break;
	case TIMER_COUNT:
		break;
	}
}

void peer_tick(struct peer *peer, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);
	enum timer timer;

	while (timers_pop(&peer->timers, now, &timer))
		act_on_timer(peer, timer, now);
	report_deadline(peer, before);
}

/* ---- from configured to removed ----------------------------------------------------------------- */

void peer_init(struct peer *peer, struct tunnel *tunnel,
	       const uint8_t remote_static[static NOISE_PUBLIC_KEY_LENGTH],
	       const uint8_t *preshared_key)
{
	*peer = (struct peer){.tunnel = tunnel};
	noise_handshake_init(&peer->handshake, remote_static, preshared_key);
	cookie_maker_init(&peer->cookie_maker, peer->handshake.remote_static);
	timers_init(&peer->timers);
}

void peer_start(struct peer *peer, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);

	if (peer->running)
		return;
	peer->running = true;
	send_persistent_keepalive(peer, now);
	report_deadline(peer, before);
}

void peer_stop(struct peer *peer)
{
	const struct tunnel *tunnel = peer->tunnel;
	uint64_t before = peer_next_deadline(peer);

	peer->running = false;
	peer->has_sent_handshake = false;
	wipe_keys(peer);
	timers_stop(&peer->timers);
	tunnel->ops->drop_staged(tunnel->context, peer);
	report_deadline(peer, before);
}

void peer_remove(struct peer *peer)
{
	peer_stop(peer);
	noise_handshake_wipe(&peer->handshake, &peer->tunnel->indices);
	crypto_wipe(&peer->cookie_maker, sizeof(peer->cookie_maker));
}

void peer_set_preshared_key(struct peer *peer, const uint8_t *preshared_key)
{
	noise_set_preshared_key(&peer->handshake, preshared_key);
}

void peer_set_persistent_keepalive(struct peer *peer, uint16_t seconds, uint64_t now)
{
	uint64_t before = peer_next_deadline(peer);
	uint64_t interval_before = peer->timers.persistent_keepalive_interval;

	/* Setting the same again and again must not put the next one off for ever. */
	if (SECONDS(seconds) == interval_before)
		return;
	timers_set_persistent_keepalive(&peer->timers, SECONDS(seconds), now);
	if (!peer->running)
		timers_stop(&peer->timers);
	else if (!interval_before)
		send_keepalive(peer, now);
	report_deadline(peer, before);
}

void peer_identity_changed(struct peer *peer, uint64_t now)
{
	const struct tunnel *tunnel = peer->tunnel;
	const struct session *const slots[] = {&peer->sessions.previous, &peer->sessions.current,
					       &peer->sessions.next};
	uint64_t before = peer_next_deadline(peer);

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i]->exists && slots[i]->may_send)
			tunnel->ops->stop_sending(tunnel->context, peer, slots[i]->local_index);
	sessions_stop_sending(&peer->sessions);
	noise_handshake_clear(&peer->handshake, &tunnel->indices);
	noise_forget_static_static(&peer->handshake);
	peer->has_sent_handshake = false;
	if (peer->running)
		send_persistent_keepalive(peer, now);
	report_deadline(peer, before);
}
