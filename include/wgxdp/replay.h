/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * replay.h - the sliding window over a session's receiving counters (RFC 6479 as the kernel's
 * receive.c applies it; paper 5.4.6). A ring of 8 192 bits: one word is always being filled, so 8 128
 * counters behind the greatest are remembered for sure.
 *
 * Called only for packets whose tag is good. In BPF the caller holds the session's lock: no helper is
 * called here, and the one loop is bounded by the ring.
 */
#ifndef WGXDP_REPLAY_H
#define WGXDP_REPLAY_H

#include <wgxdp/limits.h>

enum replay_size {
	REPLAY_RING_BITS = 8192,
	REPLAY_RING_WORDS = REPLAY_RING_BITS / 64,
	REPLAY_WINDOW = REPLAY_RING_BITS - 64,
};

/* All zero is a window that has seen nothing. */
struct replay_window {
	/* one more than the greatest counter accepted, so that 0 is "none yet" */
	uint64_t seen_below;
	uint64_t ring[REPLAY_RING_WORDS];
};

WGXDP_INLINE void replay_init(struct replay_window *window)
{
	__builtin_memset(window, 0, sizeof(*window));
}

/* True, and remembered, when the counter is new and not too far behind the greatest. */
WGXDP_INLINE bool replay_accept(struct replay_window *window, uint64_t counter)
{
	uint64_t greatest = window->seen_below, ours, bit;
	uint32_t word;

	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	/* cannot wrap: counter < 2^64 - 2^13 - 1 */
	ours = counter + 1;
	if (ours + REPLAY_WINDOW < greatest)
		return false;

	if (ours > greatest) {
		uint64_t advance = (ours >> 6) - (greatest >> 6);

		if (advance > REPLAY_RING_WORDS)
			advance = REPLAY_RING_WORDS;
		for (uint32_t i = 1; i <= REPLAY_RING_WORDS && i <= advance; i++)
			window->ring[((uint32_t)(greatest >> 6) + i) % REPLAY_RING_WORDS] = 0;
		window->seen_below = ours;
	}

	word = (uint32_t)(ours >> 6) % REPLAY_RING_WORDS;
	bit = UINT64_C(1) << (ours & 63);
	if (window->ring[word] & bit)
		return false;
	window->ring[word] |= bit;
	return true;
}

#endif
