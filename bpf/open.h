/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* open.h - the AEAD over a linear packet at XDP, as a function of its own for the verifier's sake. */
#ifndef WGXDP_BPF_OPEN_H
#define WGXDP_BPF_OPEN_H

#include "maps.h"

/* Opens `length` bytes at `offset` of the frame, whose tag follows. 0, or -1 and nothing changed. */
WGXDP_CALLED int open_at(struct xdp_md *xdp, const struct aead_key *key, uint64_t counter,
			 uint32_t offset, uint32_t length)
{
	struct aead *aead = aead_of_this_cpu();
	uint8_t *data = (uint8_t *)(long)xdp->data;

	if (!aead || !key)
		return -1;
	return aead_open(aead, key, counter, data + (offset & 127), (uint8_t *)(long)xdp->data_end,
			 length)
		       ? 0
		       : -1;
}

/* As open_at(), with keystream that was computed before. */
WGXDP_CALLED int open_with_at(struct xdp_md *xdp, const struct keystream_slot *slot,
			      uint32_t offset, uint32_t length)
{
	struct aead *aead = aead_of_this_cpu();
	uint8_t *data = (uint8_t *)(long)xdp->data;

	if (!aead || !slot)
		return -1;
	return aead_open_with(aead, &slot->first_block, slot->text, data + (offset & 127),
			      (uint8_t *)(long)xdp->data_end, length)
		       ? 0
		       : -1;
}

#endif
