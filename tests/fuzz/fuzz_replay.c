/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_replay.c - the replay window (replay.h) against a list of every counter that was accepted. Three
 * bytes of the input are one packet: how its counter is made, and a distance.
 */
#include <crypto/crypto.h>
#include <wgxdp/replay.h>

#include "fuzz.h"

#define PACKETS_MAX 2048

struct naive_window {
	uint64_t accepted[PACKETS_MAX];
	size_t count;
	uint64_t greatest;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	return 0;
}

/* protocol.md: accepted iff greatest - counter <= 8128 and never seen. */
static bool naive_accept(struct naive_window *window, uint64_t counter)
{
	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	if (window->greatest > counter && window->greatest - counter > 8128)
		return false;
	for (size_t i = 0; i < window->count; i++)
		if (window->accepted[i] == counter)
			return false;
	window->accepted[window->count++] = counter;
	if (counter > window->greatest)
		window->greatest = counter;
	return true;
}

static uint64_t counter_from(const uint8_t *packet, uint64_t greatest)
{
	uint64_t distance = packet[1] | (uint64_t)packet[2] << 8;

	switch (packet[0] & 3) {
	case 0:
		return greatest - distance;
	case 1:
		return greatest + distance;
	case 2:
		return distance << (packet[0] >> 2 & 63);
	default:
		return REJECT_AFTER_MESSAGES - distance;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct naive_window naive;
	struct replay_window window;

	naive.count = 0;
	naive.greatest = 0;
	replay_init(&window);
	for (; size >= 3 && naive.count < PACKETS_MAX; data += 3, size -= 3) {
		uint64_t counter = counter_from(data, naive.greatest);

		REQUIRE(replay_accept(&window, counter) == naive_accept(&naive, counter));
	}
	return 0;
}
