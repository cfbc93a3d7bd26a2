/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * events.h - telling the agent: on an edge only, or with a packet it must handle. A full ring loses the
 * event; what can be lost is written down in the peer's notes too.
 */
#ifndef WGXDP_BPF_EVENTS_H
#define WGXDP_BPF_EVENTS_H

#include "maps.h"

WGXDP_INLINE void fill_event(struct event *event, enum event_kind kind, uint32_t peer,
			     uint32_t session, uint64_t counter, const struct endpoint *endpoint)
{
	event->kind = kind;
	event->peer = peer;
	event->session = session;
	event->length = 0;
	event->when = bpf_ktime_get_boot_ns();
	event->counter = counter;
	event->ds = 0;
	event->unused = 0;
	if (endpoint)
		event->endpoint = *endpoint;
	else
		__builtin_memset(&event->endpoint, 0, sizeof(event->endpoint));
}

WGXDP_INLINE void tell(uint32_t tunnel, enum event_kind kind, uint32_t peer, uint32_t session,
		       uint64_t counter, const struct endpoint *endpoint)
{
	void *ring = bpf_map_lookup_elem(&events, &tunnel);
	struct event *event;

	if (!ring)
		return;
	event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
	if (!event)
		return;
	fill_event(event, kind, peer, session, counter, endpoint);
	bpf_ringbuf_submit(event, 0);
}

/* Tells once until the agent clears the bit. */
WGXDP_INLINE bool first_to_tell(uint32_t *told, uint32_t bit)
{
	return !(*told & bit) && !(__sync_fetch_and_or(told, bit) & bit);
}

/* With `length` bytes of the packet from `offset` on: the halves of `span`, whose third byte is the outer DS byte.
 * False when the ring is full. The two sizes are constants, as the verifier wants them. That of 6.1 learns nothing
 * from a comparison with 0: it sees the last byte's number, and one more. */
#define TELL_PACKET(size)                                                                          \
	do {                                                                                       \
		struct event *event_ = bpf_ringbuf_reserve(ring, sizeof(*event_) + (size), 0);     \
		uint32_t last_ = length - 1;                                                       \
                                                                                                   \
		if (!event_)                                                                       \
			return false;                                                              \
		fill_event(event_, kind, peer, 0, 0, endpoint);                                    \
		event_->length = length;                                                           \
		event_->ds = (uint8_t)(span >> 16);                                                \
		WGXDP_FORGET(last_);                                                               \
		if (last_ >= (size)) {                                                             \
			bpf_ringbuf_discard(event_, 0);                                            \
			return false;                                                              \
		}                                                                                  \
		WGXDP_FORGET(last_);                                                               \
		if (bpf_skb_load_bytes(skb, offset, event_->packet, last_ + 1)) {                  \
			bpf_ringbuf_discard(event_, 0);                                            \
			return false;                                                              \
		}                                                                                  \
		bpf_ringbuf_submit(event_, 0);                                                     \
	} while (0)

static __attribute__((noinline)) bool tell_packet(struct __sk_buff *skb, uint32_t tunnel,
						  uint64_t kind_and_peer, uint64_t span,
						  const struct endpoint *endpoint)
{
	enum event_kind kind = kind_and_peer >> 32;
	uint32_t peer = (uint32_t)kind_and_peer;
	uint32_t offset = span >> 32, length = (uint32_t)span & 0xffff;
	void *ring = bpf_map_lookup_elem(&events, &tunnel);

	if (!ring)
		return false;
	if (length <= EVENT_PACKET_USUAL)
		TELL_PACKET(EVENT_PACKET_USUAL);
	else
		TELL_PACKET(EVENT_PACKET_MAX);
	return true;
}

#endif
