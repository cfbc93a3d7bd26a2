// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * keystream.c - the thread that computes keystream ahead. It sleeps SLEEP between rounds while a stream is open, and
 * for good when none is. Contract: keystream.h.
 */
#include <agent/keystream.h>
#include <agent/loop.h>
#include <crypto/crypto.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* A tenth of what lies ready is used up in this time, at the most. */
#define SLEEP (100 * 1000)
/* A stream of which fewer packets than these took something in so long a time is idle: also one whose packets never
 * find what lies ready, because their sender jumps over counters. */
#define IDLE_TIME MILLISECONDS(500)
#define IDLE_PACKETS 256
#define LENGTH_TIME MILLISECONDS(500)
/* A stream that fell behind goes on with packets that are not on their way yet. */
#define LEAD 16
#define BATCH 8

struct stream {
	bool is_open;
	bool is_told_idle;
	struct keystream_source source;
	/* what the next slot is for */
	uint64_t next;
	/* packets that took something until the last look at it, and when that was; 0: never */
	uint64_t taken;
	uint64_t looked_at;
	/* when the present stretch began, and the longest packet of the one before */
	uint64_t length_since;
	uint32_t length_before;
};

struct keystream_producer {
	struct keystream *keystreams;
	int idle_fd;
	bool has_thread;
	pthread_t thread;
	/* whoever waits for the lock holds the turn: without it the thread, which lets the lock go for an instant only,
	 * would take it again and again while the agent's loop waits */
	pthread_mutex_t turn;
	pthread_mutex_t lock;
	/* a stream was opened, or the end has come */
	pthread_cond_t changed;
	bool is_ending;
	struct stream streams[KEYSTREAMS_MAX];
	unsigned int open_count;
};

static void enter(struct keystream_producer *producer)
{
	pthread_mutex_lock(&producer->turn);
	pthread_mutex_lock(&producer->lock);
	pthread_mutex_unlock(&producer->turn);
}

static void leave(struct keystream_producer *producer)
{
	pthread_mutex_unlock(&producer->lock);
}

/* ---- filling ------------------------------------------------------------------------------------- */

/* What was longest in this stretch of time and the one before: a stream of large packets that becomes one of small ones
 * is not computed at full length for ever. */
static uint32_t longest_of_late(struct keystream *keystream, struct stream *stream, uint64_t now)
{
	uint32_t longest = __atomic_load_n(&keystream->length_wanted, __ATOMIC_RELAXED);

	if (!stream->length_since)
		stream->length_since = now;
	if (now - stream->length_since >= LENGTH_TIME) {
		stream->length_since = now;
		stream->length_before =
			__atomic_exchange_n(&keystream->length_wanted, 0, __ATOMIC_RELAXED);
	}
	return longest > stream->length_before ? longest : stream->length_before;
}

/* In whole blocks, and 0 as long as nothing was sent: then the usual length. */
static uint32_t length_of(uint32_t wanted)
{
	if (!wanted || wanted > AEAD_KEYSTREAM_MAX)
		return AEAD_KEYSTREAM_MAX;
	return (wanted + CHACHA20_BLOCK_LENGTH - 1) / CHACHA20_BLOCK_LENGTH * CHACHA20_BLOCK_LENGTH;
}

/* True when the slot is ours to fill: empty, or ready for a packet that will not come any more. */
static bool take_slot(struct keystream_slot *slot, uint64_t counter)
{
	uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);

	if (state != KEYSTREAM_EMPTY && (state != KEYSTREAM_READY || slot->counter >= counter))
		return false;
	return __atomic_compare_exchange_n(&slot->state, &state, KEYSTREAM_FILLING, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Slots that are filled together: a few, so that the first is not ready later than it need be. */
struct batch {
	uint32_t count;
	struct keystream_slot *slots[BATCH];
	uint8_t *bytes[BATCH];
	uint64_t counters[BATCH];
};

static void add_to_batch(struct batch *batch, struct keystream_slot *slot, uint64_t counter)
{
	batch->slots[batch->count] = slot;
	batch->bytes[batch->count] = slot->first_block.bytes;
	batch->counters[batch->count] = counter;
	batch->count++;
}

static void fill_batch(struct batch *batch, const struct keystream_source *source, uint32_t length)
{
	crypto_keystreams(batch->bytes, batch->counters, batch->count,
			  1 + length / CHACHA20_BLOCK_LENGTH, source->key);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct keystream_slot *slot = batch->slots[i];

		slot->birth = source->birth;
		slot->local_index = source->local_index;
		slot->direction = source->direction;
		slot->counter = batch->counters[i];
		slot->length = length;
		__atomic_store_n(&slot->state, KEYSTREAM_READY, __ATOMIC_RELEASE);
	}
	batch->count = 0;
}

_Static_assert(offsetof(struct keystream_slot, text) ==
		       offsetof(struct keystream_slot, first_block) + CHACHA20_BLOCK_LENGTH,
	       "filled in one go");

static void note_idleness(struct keystream_producer *producer, struct stream *stream,
			  uint64_t taken, uint64_t now)
{
	const uint64_t one = 1;
	bool is_idle = taken - stream->taken < IDLE_PACKETS;

	/* the time begins with the first look */
	if (!stream->looked_at)
		stream->looked_at = now;
	if (now - stream->looked_at < IDLE_TIME || stream->is_told_idle)
		return;
	stream->taken = taken;
	stream->looked_at = now;
	if (is_idle)
		stream->is_told_idle =
			write(producer->idle_fd, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

/* Up to a whole ring ahead of what is wanted; true when it was half empty. */
static bool fill_stream(struct keystream_producer *producer, unsigned int number, uint64_t now)
{
	struct keystream *keystream = &producer->keystreams[number];
	struct stream *stream = &producer->streams[number];
	uint64_t wanted = __atomic_load_n(&keystream->wanted, __ATOMIC_ACQUIRE), first;
	uint32_t length = length_of(longest_of_late(keystream, stream, now));
	struct batch batch = {0};

	if (wanted < stream->source.counter)
		wanted = stream->source.counter;
	note_idleness(producer, stream, __atomic_load_n(&keystream->taken, __ATOMIC_RELAXED), now);
	if (stream->next < wanted)
		stream->next = wanted + LEAD;
	first = stream->next;
	while (stream->next < wanted + KEYSTREAM_SLOTS && stream->next < REJECT_AFTER_MESSAGES) {
		struct keystream_slot *slot = &keystream->slots[stream->next % KEYSTREAM_SLOTS];

		/* one in use is passed over: its next turn is a ring later */
		if (take_slot(slot, stream->next))
			add_to_batch(&batch, slot, stream->next);
		stream->next++;
		if (batch.count == BATCH)
			fill_batch(&batch, &stream->source, length);
	}
	fill_batch(&batch, &stream->source, length);
	return stream->next - first > KEYSTREAM_SLOTS / 2;
}

bool keystream_fill(struct keystream_producer *producer, uint64_t now)
{
	bool was_behind = false;

	for (unsigned int i = 0; i < KEYSTREAMS_MAX; i++) {
		/* not for longer than a stream takes: the agent waits for this lock */
		enter(producer);
		if (producer->streams[i].is_open)
			was_behind |= fill_stream(producer, i, now);
		leave(producer);
	}
	return was_behind;
}

/* ---- the thread ---------------------------------------------------------------------------------- */

static bool wait_for_work(struct keystream_producer *producer)
{
	bool goes_on;

	enter(producer);
	while (!producer->is_ending && !producer->open_count)
		pthread_cond_wait(&producer->changed, &producer->lock);
	goes_on = !producer->is_ending;
	leave(producer);
	return goes_on;
}

static void *produce(void *context)
{
	static const struct timespec sleep = {.tv_nsec = SLEEP};
	struct keystream_producer *producer = context;

	prctl(PR_SET_NAME, "wgxdp-keystream");
	prctl(PR_SET_TIMERSLACK, 1);
	while (wait_for_work(producer)) {
		if (!keystream_fill(producer, boot_time()))
			nanosleep(&sleep, NULL);
	}
	return NULL;
}

struct keystream_producer *keystream_make(struct keystream *streams, int idle_fd)
{
	struct keystream_producer *producer = calloc(1, sizeof(*producer));

	if (!producer)
		return NULL;
	producer->keystreams = streams;
	producer->idle_fd = idle_fd;
	pthread_mutex_init(&producer->turn, NULL);
	pthread_mutex_init(&producer->lock, NULL);
	pthread_cond_init(&producer->changed, NULL);
	return producer;
}

struct keystream_producer *keystream_start(struct keystream *streams, int idle_fd)
{
	struct keystream_producer *producer = keystream_make(streams, idle_fd);

	if (!producer)
		return NULL;
	producer->has_thread = !pthread_create(&producer->thread, NULL, produce, producer);
	if (producer->has_thread)
		return producer;
	keystream_finish(producer);
	return NULL;
}

void keystream_finish(struct keystream_producer *producer)
{
	enter(producer);
	producer->is_ending = true;
	pthread_cond_signal(&producer->changed);
	leave(producer);
	if (producer->has_thread)
		pthread_join(producer->thread, NULL);
	crypto_wipe(producer->streams, sizeof(producer->streams));
	free(producer);
}

/* ---- streams ------------------------------------------------------------------------------------- */

static void begin_stream(struct keystream_producer *producer, unsigned int number,
			 const struct keystream_source *source)
{
	struct stream *stream = &producer->streams[number];

	stream->source = *source;
	stream->next = source->counter;
	stream->is_open = true;
	producer->keystreams[number].wanted = source->counter;
	producer->keystreams[number].length_wanted = 0;
	producer->open_count++;
	pthread_cond_signal(&producer->changed);
}

uint32_t keystream_open(struct keystream_producer *producer, const struct keystream_source *source)
{
	uint32_t number = 0;

	enter(producer);
	for (unsigned int i = 0; i < KEYSTREAMS_MAX && !number; i++) {
		if (producer->streams[i].is_open)
			continue;
		begin_stream(producer, i, source);
		number = i + 1;
	}
	leave(producer);
	return number;
}

bool keystream_close(struct keystream_producer *producer, uint32_t stream)
{
	struct stream *closed = &producer->streams[stream - 1];
	bool was_open;

	enter(producer);
	was_open = closed->is_open;
	producer->open_count -= was_open;
	/* is_open, too */
	crypto_wipe(closed, sizeof(*closed));
	leave(producer);
	return was_open;
}

uint32_t keystream_find_idle(struct keystream_producer *producer, struct keystream_source *source)
{
	uint32_t number = 0;

	enter(producer);
	for (unsigned int i = 0; i < KEYSTREAMS_MAX && !number; i++) {
		if (!producer->streams[i].is_open || !producer->streams[i].is_told_idle)
			continue;
		*source = producer->streams[i].source;
		crypto_wipe(source->key, sizeof(source->key));
		number = i + 1;
	}
	leave(producer);
	return number;
}

void keystream_find(struct keystream_producer *producer, uint32_t local_index,
		    uint32_t streams[static 2])
{
	streams[0] = streams[1] = 0;
	enter(producer);
	for (unsigned int i = 0; i < KEYSTREAMS_MAX; i++) {
		const struct stream *stream = &producer->streams[i];

		if (stream->is_open && stream->source.local_index == local_index)
			streams[stream->source.direction] = i + 1;
	}
	leave(producer);
}
