// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * timers.c - when a peer must act next (WireGuard paper 6.1 to 6.5). Five deadlines and the events
 * that move them; no clock, no heap and no action. Contract: timers.h.
 */
#include <proto/timers.h>

static bool is_armed(const struct timers *timers, enum timer timer)
{
	return timers->deadline[timer] != TIMERS_NEVER;
}

static void arm(struct timers *timers, enum timer timer, uint64_t deadline)
{
	timers->deadline[timer] = deadline;
}

static void disarm(struct timers *timers, enum timer timer)
{
	timers->deadline[timer] = TIMERS_NEVER;
}

/* Uniform in [0, REKEY_TIMEOUT_JITTER_MAX]. The product stays below 2^32 * 2^29. */
static uint64_t jitter(uint32_t random)
{
	return random * (REKEY_TIMEOUT_JITTER_MAX + 1) >> 32;
}

void timers_init(struct timers *timers)
{
	timers->persistent_keepalive_interval = 0;
	timers_stop(timers);
}

void timers_stop(struct timers *timers)
{
	for (unsigned int timer = 0; timer < TIMER_COUNT; timer++)
		disarm(timers, timer);
	timers->handshake_attempts = 0;
	timers->need_another_keepalive = false;
	timers->sent_lastminute_handshake = false;
}

void timers_data_sent(struct timers *timers, uint64_t when, uint32_t jitter_random)
{
	if (!is_armed(timers, TIMER_NEW_HANDSHAKE))
		arm(timers, TIMER_NEW_HANDSHAKE,
		    when + NEW_HANDSHAKE_TIMEOUT + jitter(jitter_random));
}

void timers_data_received(struct timers *timers, uint64_t when)
{
	if (!is_armed(timers, TIMER_SEND_KEEPALIVE))
		arm(timers, TIMER_SEND_KEEPALIVE, when + KEEPALIVE_TIMEOUT);
	else
		timers->need_another_keepalive = true;
}

void timers_any_authenticated_packet_sent(struct timers *timers)
{
	disarm(timers, TIMER_SEND_KEEPALIVE);
}

void timers_any_authenticated_packet_received(struct timers *timers)
{
	disarm(timers, TIMER_NEW_HANDSHAKE);
}

void timers_any_authenticated_packet_traversal(struct timers *timers, uint64_t when)
{
	if (timers->persistent_keepalive_interval)
		arm(timers, TIMER_PERSISTENT_KEEPALIVE,
		    when + timers->persistent_keepalive_interval);
}

void timers_handshake_initiated(struct timers *timers, uint64_t when, uint32_t jitter_random)
{
	arm(timers, TIMER_RETRANSMIT_HANDSHAKE, when + REKEY_TIMEOUT + jitter(jitter_random));
}

void timers_handshake_crossed(struct timers *timers, uint64_t when, uint32_t jitter_random)
{
	if (is_armed(timers, TIMER_RETRANSMIT_HANDSHAKE))
		timers_handshake_initiated(timers, when, jitter_random);
}

void timers_handshake_complete(struct timers *timers)
{
	disarm(timers, TIMER_RETRANSMIT_HANDSHAKE);
	timers->handshake_attempts = 0;
	timers->sent_lastminute_handshake = false;
}

void timers_session_derived(struct timers *timers, uint64_t when)
{
	arm(timers, TIMER_WIPE_KEYS, when + WIPE_AFTER_TIME);
}

void timers_set_persistent_keepalive(struct timers *timers, uint64_t interval, uint64_t when)
{
	timers->persistent_keepalive_interval = interval;
	disarm(timers, TIMER_PERSISTENT_KEEPALIVE);
	timers_any_authenticated_packet_traversal(timers, when);
}

static enum timer earliest(const struct timers *timers)
{
	enum timer found = 0;

	for (unsigned int timer = 1; timer < TIMER_COUNT; timer++)
		if (timers->deadline[timer] < timers->deadline[found])
			found = timer;
	return found;
}

uint64_t timers_next_deadline(const struct timers *timers)
{
	return timers->deadline[earliest(timers)];
}

bool timers_pop(struct timers *timers, uint64_t now, enum timer *timer)
{
	enum timer due = earliest(timers);

	if (!is_armed(timers, due) || timers->deadline[due] > now)
		return false;
	disarm(timers, due);
	*timer = due;
	return true;
}

bool timers_retry_handshake(struct timers *timers, uint64_t now)
{
	if (timers->handshake_attempts < MAX_INITIATIONS - 1) {
		timers->handshake_attempts++;
		return true;
	}
	disarm(timers, TIMER_SEND_KEEPALIVE);
	/* Residue of the exchange that led nowhere. */
	if (!is_armed(timers, TIMER_WIPE_KEYS))
		arm(timers, TIMER_WIPE_KEYS, now + WIPE_AFTER_TIME);
	return false;
}

void timers_keepalive_sent(struct timers *timers, uint64_t now)
{
	if (!timers->need_another_keepalive)
		return;
	timers->need_another_keepalive = false;
	arm(timers, TIMER_SEND_KEEPALIVE, now + KEEPALIVE_TIMEOUT);
}
