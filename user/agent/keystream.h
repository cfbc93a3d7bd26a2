/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * keystream.h - computing keystream ahead of the packets of busy sessions, in a thread of its own, with the
 * machine's vectors. BPF does without when there is none: nothing here can lose or delay a packet. Slots and their
 * protocol: wgxdp/keystream.h.
 */
#ifndef WGXDP_AGENT_KEYSTREAM_H
#define WGXDP_AGENT_KEYSTREAM_H

#include <wgxdp/keystream.h>

struct keystream_producer;

/* What a stream is of, and the first counter that is of use. */
struct keystream_source {
	uint8_t key[CHACHA20_KEY_LENGTH];
	uint64_t birth;
	uint32_t local_index;
	enum keystream_direction direction;
	uint64_t counter;
};

/* Fills `streams`, KEYSTREAMS_MAX of them, which stay the caller's, whenever keystream_fill() is called. `idle_fd` is
 * an eventfd that it writes to when a stream is not wanted any more. NULL when there is no memory. */
struct keystream_producer *keystream_make(struct keystream *streams, int idle_fd);
/* The same, with a thread that does nothing else. NULL when there can be none. */
struct keystream_producer *keystream_start(struct keystream *streams, int idle_fd);
/* Ends the thread and wipes what it knew; slots stay as they are. */
void keystream_finish(struct keystream_producer *producer);

/* The number of the stream, from 1 on, or 0 when all are in use. */
uint32_t keystream_open(struct keystream_producer *producer, const struct keystream_source *source);
/* Nothing is written to the stream when this returns. False when there is none of this number. */
bool keystream_close(struct keystream_producer *producer, uint32_t stream);
/* One that nobody wanted for a while, or 0; and what it is of (without key). */
uint32_t keystream_find_idle(struct keystream_producer *producer, struct keystream_source *source);
/* The streams of a session, by direction; 0: none. */
void keystream_find(struct keystream_producer *producer, uint32_t local_index,
		    uint32_t streams[static 2]);

/* One round over all streams at the time `now`; true when one of them was behind. The thread's work, and the
 * tests'. */
bool keystream_fill(struct keystream_producer *producer, uint64_t now);

#endif
