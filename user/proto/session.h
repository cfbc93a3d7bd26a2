/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * session.h - the three slots of a peer (paper 6.3; kernel: noise.c add_new_keypair,
 * wg_noise_received_with_keypair) and what each may still do.
 *
 * A slot knows index, birth and role; the keys themselves go to the data path, which owns the
 * counters, and are not kept here. Pure.
 */
#ifndef WGXDP_PROTO_SESSION_H
#define WGXDP_PROTO_SESSION_H

#include <wgxdp/limits.h>
#include <wgxdp/types.h>

struct session {
	/* false: the slot is empty and the rest means nothing */
	bool exists;
	bool i_am_the_initiator;
	/* cleared by noise key change: may still receive, never sends again */
	bool may_send;
	uint32_t local_index;
	uint32_t remote_index;
	uint64_t birth;
};

struct sessions {
	struct session previous;
	struct session current;
	struct session next;
};

/* Sessions that left the slots by one operation: the caller ends them (key wiped, index released). */
struct sessions_ended {
	unsigned int count;
	uint32_t local_index[3];
};

/* Puts a new session into its slot, where it exists and may send: the initiator's becomes current at
 * once, the responder's waits as next until sessions_received_with() confirms it. */
void sessions_begin(struct sessions *sessions, const struct session *session,
		    struct sessions_ended *ended);

/* As above, with the initiator's session, when the handshake crossed the one that made `next`: the
 * peer may send with any of the three for a while, so next stays where it is. */
void sessions_begin_crossed(struct sessions *sessions, const struct session *session,
			    struct sessions_ended *ended);

/* An authenticated packet arrived with this local index. True when that confirmed `next`, which is
 * now current. One that may not send is never confirmed. */
bool sessions_received_with(struct sessions *sessions, uint32_t local_index,
			    struct sessions_ended *ended);

/* Empties all slots. */
void sessions_clear(struct sessions *sessions, struct sessions_ended *ended);

/* Our private key changed: nothing is sent with what is there, receiving goes on until expiry. */
void sessions_stop_sending(struct sessions *sessions);

/* The session that belongs to a local index, or NULL. */
const struct session *sessions_find(const struct sessions *sessions, uint32_t local_index);

/* `counter` is the number of messages sent (or received) so far, the next one's counter. */
bool session_can_send(const struct session *session, uint64_t counter, uint64_t now);
bool session_can_receive(const struct session *session, uint64_t counter, uint64_t now);

/* Time or number of messages asks for a new handshake: on sending by the initiator from
 * REKEY_AFTER_TIME on and by either after more than REKEY_AFTER_MESSAGES; on receiving by the
 * initiator from REKEY_ON_RECEIVE_TIME on. Never for a session that may not send. */
bool session_rekey_due_on_send(const struct session *session, uint64_t counter, uint64_t now);
bool session_rekey_due_on_receive(const struct session *session, uint64_t now);

#endif
