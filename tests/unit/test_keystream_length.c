// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_keystream_length.c - how much keystream a packet gets: as much as the longest one of late needs. All else of
 * agent/keystream.h is in test_keystream.c.
 */
#include <agent/keystream.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wgxdp/limits.h>

/* The longest of the half second that is under way and of the one before. */
Test(keystream_length, gets_shorter_when_packets_do)
{
	const struct keystream_source source = {.local_index = 7, .birth = 9};
	struct keystream *streams = calloc(KEYSTREAMS_MAX, sizeof(*streams));
	int idle = eventfd(0, EFD_NONBLOCK);
	struct keystream_producer *producer = keystream_make(streams, idle);

	cr_assert(streams && producer);
	cr_assert_eq(keystream_open(producer, &source), 1);
	streams[0].length_wanted = 1408;
	for (uint32_t half = 0; half < 4; half++) {
		uint32_t fresh = half * 64;

		for (uint32_t i = fresh; i < fresh + 64; i++)
			streams[0].slots[i % KEYSTREAM_SLOTS].state = KEYSTREAM_EMPTY;
		streams[0].wanted = fresh + 64;
		/* a short packet, as BPF tells of it */
		if (streams[0].length_wanted < 64)
			streams[0].length_wanted = 64;
		keystream_fill(producer, SECONDS(1) + MILLISECONDS(500 * half));
		cr_expect_eq(streams[0].slots[fresh % KEYSTREAM_SLOTS].length, half < 2 ? 1408 : 64,
			     "half %u: %u", half, streams[0].slots[fresh % KEYSTREAM_SLOTS].length);
	}
	keystream_finish(producer);
	close(idle);
	free(streams);
}
