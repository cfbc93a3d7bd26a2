// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * session.c - the life of a peer's sessions: the three slots and the limits of age and number
 * (WireGuard paper 6.1 to 6.3). No keys and no counters: the data path has those. Contract:
 * session.h.
 */
#include <proto/session.h>

static void end_session(struct session *slot, struct sessions_ended *ended)
{
	if (slot->exists)
		ended->local_index[ended->count++] = slot->local_index;
	*slot = (struct session){.exists = false};
}

/* Leaves `from` empty; `to` must be. */
static void move_session(struct session *to, struct session *from)
{
	*to = *from;
	*from = (struct session){.exists = false};
}

static bool has_expired(const struct session *session, uint64_t lifetime, uint64_t now)
{
	return now >= session->birth + lifetime;
}

static void put_session(struct session *slot, const struct session *session)
{
	*slot = *session;
	slot->exists = true;
	slot->may_send = true;
}

/* Only after a crossing: the peer has had the younger one all the time, and this one perhaps never. */
static bool next_is_overtaken(const struct sessions *sessions)
{
	return sessions->next.exists && sessions->current.exists &&
	       sessions->next.birth <= sessions->current.birth;
}

void sessions_begin(struct sessions *sessions, const struct session *session,
		    struct sessions_ended *ended)
{
	ended->count = 0;
	end_session(&sessions->previous, ended);
	if (!session->i_am_the_initiator) {
		end_session(&sessions->next, ended);
		put_session(&sessions->next, session);
		return;
	}
	if (next_is_overtaken(sessions))
		end_session(&sessions->next, ended);
	/* An unconfirmed session of the peer's making may be in use over there: it is worth more
	 * than the current one, which both sides have left behind. */
	if (sessions->next.exists) {
		end_session(&sessions->current, ended);
		move_session(&sessions->previous, &sessions->next);
	} else {
		move_session(&sessions->previous, &sessions->current);
	}
	put_session(&sessions->current, session);
}

void sessions_begin_crossed(struct sessions *sessions, const struct session *session,
			    struct sessions_ended *ended)
{
	ended->count = 0;
	end_session(&sessions->previous, ended);
	move_session(&sessions->previous, &sessions->current);
	put_session(&sessions->current, session);
}

bool sessions_received_with(struct sessions *sessions, uint32_t local_index,
			    struct sessions_ended *ended)
{
	ended->count = 0;
	if (!sessions->next.exists || !sessions->next.may_send ||
	    sessions->next.local_index != local_index)
		return false;
	end_session(&sessions->previous, ended);
	move_session(&sessions->previous, &sessions->current);
	move_session(&sessions->current, &sessions->next);
	return true;
}

void sessions_clear(struct sessions *sessions, struct sessions_ended *ended)
{
	ended->count = 0;
	end_session(&sessions->previous, ended);
	end_session(&sessions->current, ended);
	end_session(&sessions->next, ended);
}

void sessions_stop_sending(struct sessions *sessions)
{
	sessions->previous.may_send = false;
	sessions->current.may_send = false;
	sessions->next.may_send = false;
}

const struct session *sessions_find(const struct sessions *sessions, uint32_t local_index)
{
	const struct session *const slots[] = {&sessions->current, &sessions->next,
					       &sessions->previous};

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i]->exists && slots[i]->local_index == local_index)
			return slots[i];
	return NULL;
}

bool session_can_send(const struct session *session, uint64_t counter, uint64_t now)
{
	return session->may_send && session_can_receive(session, counter, now);
}

bool session_can_receive(const struct session *session, uint64_t counter, uint64_t now)
{
	return session->exists && counter < REJECT_AFTER_MESSAGES &&
	       !has_expired(session, REJECT_AFTER_TIME, now);
}

bool session_rekey_due_on_send(const struct session *session, uint64_t counter, uint64_t now)
{
	if (!session->exists || !session->may_send)
		return false;
	return counter > REKEY_AFTER_MESSAGES ||
	       (session->i_am_the_initiator && has_expired(session, REKEY_AFTER_TIME, now));
}

bool session_rekey_due_on_receive(const struct session *session, uint64_t now)
{
	return session->exists && session->may_send && session->i_am_the_initiator &&
	       has_expired(session, REKEY_ON_RECEIVE_TIME, now);
}
