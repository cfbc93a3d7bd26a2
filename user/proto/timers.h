/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * timers.h - the five timers of a peer (paper 6; kernel: timers.c). Events go in with the time they
 * happened, the next deadline comes out, and timers_pop() says which timer is due. Nothing here acts:
 * peer.c does. Pure; jitter comes in as random words.
 *
 * Events may be reported late (the data path notes them and the agent reads the notes when a timer
 * is due), but in the order they happened.
 */
#ifndef WGXDP_PROTO_TIMERS_H
#define WGXDP_PROTO_TIMERS_H

#include <wgxdp/limits.h>
#include <wgxdp/types.h>

enum timer {
	/* no answer to an initiation: try again or give up */
	TIMER_RETRANSMIT_HANDSHAKE,
	/* data came in and nothing went out for KEEPALIVE_TIMEOUT */
	TIMER_SEND_KEEPALIVE,
	/* data went out and nothing authenticated came back for NEW_HANDSHAKE_TIMEOUT + jitter */
	TIMER_NEW_HANDSHAKE,
	/* no new session for WIPE_AFTER_TIME */
	TIMER_WIPE_KEYS,
	/* nothing went either way for the interval the user asked for */
	TIMER_PERSISTENT_KEEPALIVE,
	TIMER_COUNT
};

#define TIMERS_NEVER UINT64_MAX

struct timers {
	/* TIMERS_NEVER when not armed */
	uint64_t deadline[TIMER_COUNT];
	/* 0: off */
	uint64_t persistent_keepalive_interval;
	/* retries of the handshake under way, without its first initiation */
	unsigned int handshake_attempts;
	bool need_another_keepalive;
	/* the one rekey a session does on receive was done */
	bool sent_lastminute_handshake;
};

void timers_init(struct timers *timers);
/* Disarms everything and forgets attempts; the persistent interval stays. */
void timers_stop(struct timers *timers);

/* A data packet with payload went out / came in. */
void timers_data_sent(struct timers *timers, uint64_t when, uint32_t jitter_random);
void timers_data_received(struct timers *timers, uint64_t when);
/* Anything authenticated went out (data, keepalive, handshake) / came in. */
void timers_any_authenticated_packet_sent(struct timers *timers);
void timers_any_authenticated_packet_received(struct timers *timers);
/* Either of the two. */
void timers_any_authenticated_packet_traversal(struct timers *timers, uint64_t when);

void timers_handshake_initiated(struct timers *timers, uint64_t when, uint32_t jitter_random);
/* We answered the peer's initiation: the retry of an unanswered one of ours, if one is due, comes
 * REKEY_TIMEOUT after the answer. Without this it would fall within REKEY_TIMEOUT of a message sent
 * and be lost. */
void timers_handshake_crossed(struct timers *timers, uint64_t when, uint32_t jitter_random);
/* The initiator's handshake is done (response consumed), or the responder's was confirmed. */
void timers_handshake_complete(struct timers *timers);
/* New transport keys, in either role. */
void timers_session_derived(struct timers *timers, uint64_t when);

/* Changes the persistent keepalive; 0 switches it off. Armed from `when` when on. */
void timers_set_persistent_keepalive(struct timers *timers, uint64_t interval, uint64_t when);

/* The earliest deadline, or TIMERS_NEVER. */
uint64_t timers_next_deadline(const struct timers *timers);

/* Takes the earliest timer that is due at `now`, disarms it and returns true; false when none is. */
bool timers_pop(struct timers *timers, uint64_t now, enum timer *timer);

/*
 * What peer.c does when TIMER_RETRANSMIT_HANDSHAKE is due. True: try again, counted. False: give up;
 * the keepalive is disarmed and the wipe armed when it was not.
 */
bool timers_retry_handshake(struct timers *timers, uint64_t now);

/* After a keepalive was sent because TIMER_SEND_KEEPALIVE was due: arms it once more when data came in
 * meanwhile. */
void timers_keepalive_sent(struct timers *timers, uint64_t now);

#endif
