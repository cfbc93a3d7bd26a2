/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * monitor.h - what an agent tells those who follow it, as values and as text, both ways. A client sends
 * "wgxdp_monitor=1" and an empty line as the only request of its connection; the answer is "errno=0" and an empty
 * line, then for each event, for ever, lines of "key=value" and an empty line. Pure: no sockets here.
 */
#ifndef WGXDP_AGENT_MONITOR_H
#define WGXDP_AGENT_MONITOR_H

#include <agent/config.h>
#include <stdio.h>

/* X(id, name): the name is what the socket, the lines and the JSON call it. */
#define MONITOR_EVENTS(X)                                                                          \
	/* a session began: both have said something that the other could authenticate */          \
	X(HANDSHAKE, "handshake")                                                                  \
	/* a peer's packets come from another address now: `from`, `endpoint` */                   \
	X(ROAMED, "roamed")                                                                        \
	/* a peer's session is too old to be used, and there is no newer one */                    \
	X(EXPIRED, "expired")                                                                      \
	/* a peer did not answer the last of 20 initiations; packets for it are dropped */         \
	X(GAVE_UP, "gave-up")                                                                      \
	/* a handshake message from `endpoint`, for the reason `verdict` */                        \
	X(REFUSED, "refused")                                                                      \
	/* within the last second `packets` were lost for that reason; of a peer, when known */    \
	X(DROPPED, "dropped")                                                                      \
	X(PEER_ADDED, "peer-added")                                                                \
	X(PEER_REMOVED, "peer-removed")                                                            \
	/* the receive program, to and from an interface */                                        \
	X(ATTACHED, "attached")                                                                    \
	X(DETACHED, "detached")                                                                    \
	/* the tunnel's interface */                                                               \
	X(UP, "up")                                                                                \
	X(DOWN, "down")                                                                            \
	/* the reader was too slow for so many events (`packets`) */                               \
	X(MISSED, "missed")

enum monitor_kind {
#define X(id, name) MONITOR_##id,
	MONITOR_EVENTS(X)
#undef X
		MONITOR_COUNT
};

struct monitor_event {
	enum monitor_kind kind;
	/* wall clock */
	uint64_t seconds;
	uint32_t nanoseconds;
	bool has_public_key;
	uint8_t public_key[32];
	/* of the peer; "" is none */
	char name[PEER_NAME_MAX + 1];
	/* FAMILY_NONE where there is none */
	struct endpoint endpoint;
	struct endpoint from;
	/* VERDICT_COUNT where there is none */
	enum verdict verdict;
	uint64_t packets;
	bool i_am_the_initiator;
	char interface[16];
	bool is_generic;
};

const char *monitor_event_name(enum monitor_kind kind);

/* Of that kind and otherwise empty. */
struct monitor_event monitor_event(enum monitor_kind kind);

/* Its lines with the empty one; how long that is. */
#define MONITOR_TEXT_MAX 512
size_t monitor_to_text(char text[static MONITOR_TEXT_MAX], const struct monitor_event *event);
/* Of one block; keys that are not known are passed over. False when it is none, or of no event we know. */
bool monitor_from_text(struct monitor_event *event, const char *text, size_t length);

/* ---- what is told and not read yet ---- */

enum { MONITOR_QUEUE_ROOM = 64 << 10 };

/* All zero is empty. */
struct monitor_queue {
	size_t first;
	size_t length;
	uint64_t missed;
	char bytes[MONITOR_QUEUE_ROOM];
};

/* Whole, or not at all and counted. When there is room again it is said first how many were missed. */
void monitor_queue_put(struct monitor_queue *queue, const struct monitor_event *event);
/* Text that is not an event; false when there is no room. */
bool monitor_queue_put_text(struct monitor_queue *queue, const char *text, size_t length);
/* What to write next; NULL: nothing. */
const char *monitor_queue_next(struct monitor_queue *queue, size_t *length);
void monitor_queue_written(struct monitor_queue *queue, size_t length);

#endif
