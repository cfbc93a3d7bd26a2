// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * notes.c - from what BPF saw to what the protocol is told. BPF writes down when things last happened (struct
 * peer_notes) and sends an event at the first of a kind; the agent reads the notes then, whenever a deadline of
 * the peer is due, and every KEEPALIVE_TIMEOUT while packets pass. That is often enough for every timer: none is
 * shorter, and each is armed for the time that was noted. A peer without traffic is never looked at.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <util/encoding.h>

#include <errno.h>

#include <string.h>
#include <sys/random.h>

enum note_kind { NOTE_SENT, NOTE_RECEIVED, NOTE_DATA_SENT, NOTE_DATA_RECEIVED };

struct note {
	uint64_t when;
	enum note_kind kind;
};

struct news {
	unsigned int count;
	struct note notes[5];
};

/* ---- reading ------------------------------------------------------------------------------------- */

/* In the order they happened. */
static void add_news(struct news *news, enum note_kind kind, uint64_t when, uint64_t *told)
{
	unsigned int at = news->count;

	if (when <= *told)
		return;
	*told = when;
	for (; at > 0 && news->notes[at - 1].when > when; at--)
		news->notes[at] = news->notes[at - 1];
	news->notes[at] = (struct note){when, kind};
	news->count++;
}

static void collect_news(struct news *news, const struct peer_notes *notes, struct peer_notes *told)
{
	news->count = 0;
	add_news(news, NOTE_RECEIVED, notes->last_received, &told->last_received);
	add_news(news, NOTE_SENT, notes->last_sent, &told->last_sent);
	add_news(news, NOTE_DATA_SENT, notes->first_data_sent, &told->first_data_sent);
	add_news(news, NOTE_DATA_RECEIVED, notes->first_data_received, &told->first_data_received);
	/* one packet is not two */
	if (told->last_data_received < told->first_data_received)
		told->last_data_received = told->first_data_received;
	add_news(news, NOTE_DATA_RECEIVED, notes->last_data_received, &told->last_data_received);
}

/* What passed, passed with the session that BPF takes for the current one; without it with any but a new one. */
static uint32_t session_of(const struct device_peer *peer, const struct peer_value *value)
{
	return value->has_current_session ? value->current_session
					  : peer->peer.sessions.current.local_index;
}

static uint64_t sending_counter(const struct device_peer *peer, const struct peer_value *value)
{
	struct transport_session session;

	if (datapath_get_session(peer->device->datapath, session_of(peer, value), &session))
		return 0;
	return session.sending_counter;
}

static void tell_protocol(struct device_peer *peer, const struct peer_value *value,
			  const struct news *news, uint64_t now)
{
	uint32_t session = session_of(peer, value);

	for (unsigned int i = 0; i < news->count; i++) {
		const struct note *note = &news->notes[i];
		bool data = note->kind == NOTE_DATA_SENT || note->kind == NOTE_DATA_RECEIVED;

		if (note->kind == NOTE_SENT || note->kind == NOTE_DATA_SENT)
			peer_packet_sent(&peer->peer, data, sending_counter(peer, value),
					 note->when, now);
		else
			peer_packet_received(&peer->peer, data, session, note->when, now);
	}
}

/* A session that BPF took for confirmed in the moment we began a newer one of our own. */
static void agree_on_current(const struct device_peer *peer, const struct peer_value *value)
{
	const struct session *current = &peer->peer.sessions.current;

	if (current->exists == (bool)value->has_current_session &&
	    (!current->exists || current->local_index == value->current_session))
		return;
	datapath_set_current(peer->device->datapath, peer->id, current->exists,
			     current->local_index);
}

static bool read_notes(struct device_peer *peer, struct peer_value *value, uint64_t now)
{
	struct news news;

	if (datapath_get_peer(peer->device->datapath, peer->id, value))
		return false;
	collect_news(&news, &value->notes, &peer->told);
	tell_protocol(peer, value, &news, now);
	agree_on_current(peer, value);
	return news.count > 0;
}

/* While packets pass BPF is left to keep quiet, so that a busy peer costs a look now and then and not an event a
 * packet. When none did since the last look, it is to tell of the next one: and what passed between the look and
 * that is read once more. */
void notes_sync(struct device_peer *peer, uint64_t now)
{
	struct peer_value value = {0};
	bool passing = read_notes(peer, &value, now);

	if (!passing && value.told) {
		datapath_clear_told(peer->device->datapath, peer->id, value.told);
		passing = read_notes(peer, &value, now);
	}
	peer->notes_next = passing && value.told ? now + KEEPALIVE_TIMEOUT : DEADLINE_NEVER;
	device_schedule(peer);
}

void notes_forget_sent(struct device_peer *peer)
{
	struct peer_value value;

	if (!datapath_get_peer(peer->device->datapath, peer->id, &value))
		peer->told.last_sent = value.notes.last_sent;
}

/* ---- after a restart ----------------------------------------------------------------------------- */

/* The timers alone: the protocol itself would shake hands for what it had shaken hands for already. */
void notes_restore(struct device_peer *peer, const struct peer_value *value)
{
	struct timers *timers = &peer->peer.timers;
	uint32_t jitter = 0;
	struct news news;

	peer->told_endpoint = value->endpoint;
	if (getrandom(&jitter, sizeof(jitter), 0) < 0)
		jitter = 0;
	collect_news(&news, &value->notes, &peer->told);
	for (unsigned int i = 0; i < news.count; i++) {
		uint64_t when = news.notes[i].when;

		timers_any_authenticated_packet_traversal(timers, when);
		switch (news.notes[i].kind) {
		case NOTE_SENT:
			timers_any_authenticated_packet_sent(timers);
			break;
		case NOTE_DATA_SENT:
			timers_any_authenticated_packet_sent(timers);
			timers_data_sent(timers, when, jitter);
			break;
		case NOTE_RECEIVED:
			timers_any_authenticated_packet_received(timers);
			break;
		case NOTE_DATA_RECEIVED:
			timers_any_authenticated_packet_received(timers);
			timers_data_received(timers, when);
			break;
		}
	}
	/* BPF may have told somebody who is gone */
	peer->notes_are_due = true;
	device_schedule(peer);
}

/* ---- events -------------------------------------------------------------------------------------- */

static void send_sealed(struct device_peer *peer, const struct event *event)
{
	struct device *device = peer->device;
	int error;

	if (peer->loops)
		return;
	error = udp_send(&device->udp, &event->endpoint, event->ds, event->packet, event->length);
	if (error == -EADDRNOTAVAIL) {
		struct endpoint to = event->endpoint;

		memset(to.local_address, 0, sizeof(to.local_address));
		udp_send(&device->udp, &to, event->ds, event->packet, event->length);
	}
	/* the fast way may be there again, but asking is not free */
	if (boot_time() - peer->routed_at > SECONDS(1))
		network_route(peer, error != 0);
}

static void confirmed(struct device_peer *peer, const struct event *event, uint64_t now)
{
	const struct session *next = &peer->peer.sessions.next;

	notes_sync(peer, now);
	if (next->exists && next->local_index == event->session)
		peer_packet_received(&peer->peer, false, event->session, event->when, now);
	log_verbose("peer %u: session %08x is confirmed", peer->id, event->session);
}

static void needs_session(struct device_peer *peer, const struct event *event, uint64_t now)
{
	staged_push(peer, event->packet, event->length);
	if (peer->peer.sessions.current.exists)
		notes_sync(peer, now);
	peer_needs_session(&peer->peer, now);
}

static void roamed(struct device_peer *peer, const struct event *event)
{
	char address[ADDRESS_TEXT_LENGTH];

	endpoint_to_text(address, &event->endpoint);
	log_verbose("peer %u: is at %s now", peer->id, address);
	monitor_endpoint(peer, &event->endpoint, true);
	peer->source_is_learned = true;
	network_route(peer, false);
}

static void handle_peer_event(struct device_peer *peer, const struct event *event)
{
	uint64_t now = boot_time();

	switch (event->kind) {
	case EVENT_NEEDS_SESSION:
		needs_session(peer, event, now);
		break;
	case EVENT_SEND_SEALED:
		send_sealed(peer, event);
		break;
	case EVENT_CONFIRMED:
		confirmed(peer, event, now);
		break;
	case EVENT_ROAMED:
		roamed(peer, event);
		break;
	case EVENT_BUSY_SENDING:
	case EVENT_BUSY_RECEIVING:
		busy_session(peer, event);
		break;
	case EVENT_DATA_SENT:
	case EVENT_DATA_RECEIVED:
	case EVENT_REKEY_ON_SEND:
	case EVENT_REKEY_ON_RECEIVE:
		notes_sync(peer, now);
		break;
	}
}

void events_handle(void *context, const struct event *event)
{
	struct device *device = context;
	struct device_peer *peer;

	switch (event->kind) {
	case EVENT_NO_PEER:
	case EVENT_NO_ENDPOINT:
	case EVENT_TOO_BIG:
		icmp_answer(device, event);
		return;
	}
	/* the peer may have been removed while its event waited */
	peer = device_find_peer_by_id(device, event->peer);
	if (peer)
		handle_peer_event(peer, event);
}
