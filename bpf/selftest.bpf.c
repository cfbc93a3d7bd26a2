/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * selftest.bpf.c - the shared code of include/wgxdp as programs of their own, so that tests, the
 * benchmark and `wgxdp selftest` can run it under BPF_PROG_TEST_RUN on the kernel at hand. Nothing
 * here is ever attached. Sealing runs where the tunnel seals (TC), opening where it opens (XDP); `open_skb`
 * is `open` for packets longer than an XDP test run takes.
 */
#include <wgxdp/abi.h>
#include <wgxdp/blake2s.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct selftest_task);
} task_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct selftest_frame);
} frame_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct transport_session);
} session_map SEC(".maps");

/* The AEAD's state does not fit the stack beside its callees. Programs on one CPU do not interrupt each
 * other here: XDP and TC run with bottom halves off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct aead);
} aead_map SEC(".maps");

#define FIRST(map)                                                                                 \
	({                                                                                         \
		uint32_t first_ = 0;                                                               \
		bpf_map_lookup_elem(&(map), &first_);                                              \
	})

enum operation { SEAL, OPEN };

WGXDP_INLINE enum verdict run_aead(enum operation operation, uint8_t *data, const uint8_t *end)
{
	struct transport_session *session = FIRST(session_map);
	struct selftest_task *task = FIRST(task_map);
	struct aead *aead = FIRST(aead_map);
	uint8_t *text = data + SELFTEST_TEXT_OFFSET;

	if (!session || !task || !aead)
		return VERDICT_NO_INDEX;
	if (operation == SEAL)
		return aead_seal(aead, &session->sending_key, task->counter, text, end,
				 task->length)
			       ? VERDICT_DELIVERED
			       : VERDICT_TOO_SHORT;
	return aead_open(aead, &session->receiving_key, task->counter, text, end, task->length)
		       ? VERDICT_DELIVERED
		       : VERDICT_BAD_TAG;
}

/* Makes the packet as long as the task says, if it is not, and linear. */
WGXDP_INLINE bool prepare_skb(struct __sk_buff *skb)
{
	struct selftest_frame *frame = FIRST(frame_map);
	struct selftest_task *task = FIRST(task_map);
	uint32_t length, last;

	if (!frame || !task)
		return false;
	length = task->length + SELFTEST_TEXT_OFFSET + AEAD_TAG_LENGTH;
	if (skb->len < length) {
		/* the verifier of 6.1 learns nothing from a comparison with 0: it sees the last byte's number, and one more */
		last = length - 1;
		WGXDP_FORGET(last);
		if (last >= sizeof(*frame))
			return false;
		WGXDP_FORGET(last);
		if (bpf_skb_change_tail(skb, last + 1, 0) ||
		    bpf_skb_store_bytes(skb, 0, frame->bytes, last + 1, 0))
			return false;
	}
	return bpf_skb_pull_data(skb, length) == 0;
}

SEC("tc")
int seal(struct __sk_buff *skb)
{
	if (!prepare_skb(skb))
		return VERDICT_TOO_LONG;
	return run_aead(SEAL, (uint8_t *)(long)skb->data, (uint8_t *)(long)skb->data_end);
}

SEC("tc")
int open_skb(struct __sk_buff *skb)
{
	if (!prepare_skb(skb))
		return VERDICT_TOO_LONG;
	return run_aead(OPEN, (uint8_t *)(long)skb->data, (uint8_t *)(long)skb->data_end);
}

SEC("xdp")
int open(struct xdp_md *xdp)
{
	return run_aead(OPEN, (uint8_t *)(long)xdp->data, (uint8_t *)(long)xdp->data_end);
}

/* Seals and opens in turn, so that a run of many repetitions finds an authentic packet each time. */
SEC("tc")
int seal_and_open(struct __sk_buff *skb)
{
	struct selftest_task *task = FIRST(task_map);
	enum verdict verdict;

	if (!task || !prepare_skb(skb))
		return VERDICT_TOO_LONG;
	task->seal_first = !task->seal_first;
	if (task->seal_first)
		verdict =
			run_aead(SEAL, (uint8_t *)(long)skb->data, (uint8_t *)(long)skb->data_end);
	else
		verdict =
			run_aead(OPEN, (uint8_t *)(long)skb->data, (uint8_t *)(long)skb->data_end);
	return verdict;
}

/* The primitives one by one, for the vectors of their RFCs. */
SEC("tc")
int primitives(struct __sk_buff *skb)
{
	struct selftest_task *task = FIRST(task_map);
	struct aead *aead = FIRST(aead_map);
	struct aead_key key;

	(void)skb;
	if (!task || !aead)
		return VERDICT_NO_INDEX;
	for (uint32_t i = 0; i < 8; i++)
		key.words[i] = load_le32(task->key + 4 * i);
	aead_begin(aead, &key, task->counter);
	chacha20_block(&aead->chacha, task->block_number, task->block_of_keystream);

	poly1305_set_key(&aead->mac_key, key.words);
	for (uint32_t i = 0; i < SELFTEST_HASHED / 16 && i < task->poly1305_blocks; i++)
		poly1305_block(&aead->mac, &aead->mac_key, load_le32(task->message + 16 * i),
			       load_le32(task->message + 16 * i + 4),
			       load_le32(task->message + 16 * i + 8),
			       load_le32(task->message + 16 * i + 12));
	poly1305_finish(&aead->mac, &aead->mac_key, task->poly1305_tag);

	blake2s(task->hash_of_3, 32, NULL, 0, task->message, 3);
	blake2s(task->mac_of_60, 16, task->key, 32, task->message, 60);
	blake2s(task->mac_of_116, 16, task->key, 32, task->message, 116);
	return VERDICT_DELIVERED;
}

/* One counter of the batch: as the receive path does it, window and lock in the session. */
static long replay_one(uint32_t i, void *unused)
{
	struct transport_session *session = FIRST(session_map);
	struct selftest_task *task = FIRST(task_map);
	bool accepted;

	(void)unused;
	if (!session || !task || i >= SELFTEST_COUNTERS)
		return 1;
	bpf_spin_lock(&session->lock);
	accepted = replay_accept(&session->received, task->counters[i]);
	bpf_spin_unlock(&session->lock);
	task->accepted[i] = accepted;
	return 0;
}

SEC("tc")
int replay(struct __sk_buff *skb)
{
	(void)skb;
	return bpf_loop(SELFTEST_COUNTERS, replay_one, NULL, 0) == SELFTEST_COUNTERS
		       ? VERDICT_DELIVERED
		       : VERDICT_REPLAYED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
