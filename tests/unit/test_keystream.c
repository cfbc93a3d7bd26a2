/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_keystream.c - agent/keystream.c, who fills: which slots become ready, for which counters and with which bytes,
 * and which ones must be left alone. The memory is the test's own, the time too; only the last tests have threads: the
 * producer's, and some that take slots as BPF does (bpf/keystream.h).
 */
#include <agent/keystream.h>
#include <agent/loop.h>
#include <criterion/criterion.h>
#include <datapath/datapath.h>
#include <harness/packets.h>

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEADER_LENGTH offsetof(struct keystream_slot, first_block)

static struct keystream *streams;
static struct keystream_producer *producer;
static int idle_fd;

static struct keystream_source source_of(uint64_t birth, uint64_t counter)
{
	struct keystream_source source = {.birth = birth,
					  .local_index = 0x11223344,
					  .direction = birth % 2 ? KEYSTREAM_RECEIVING
								 : KEYSTREAM_SENDING,
					  .counter = counter};

	for (size_t i = 0; i < sizeof(source.key); i++)
		source.key[i] = (uint8_t)(birth + 7 * i);
	return source;
}

static void make(void)
{
	streams = calloc(KEYSTREAMS_MAX, sizeof(*streams));
	idle_fd = eventfd(0, EFD_NONBLOCK);
	producer = keystream_make(streams, idle_fd);
	cr_assert(streams && producer && idle_fd >= 0);
}

static void finish(void)
{
	keystream_finish(producer);
	close(idle_fd);
	free(streams);
}

static struct keystream_slot *slot_of(uint32_t stream, uint64_t counter)
{
	return &streams[stream - 1].slots[counter % KEYSTREAM_SLOTS];
}

/* Are the bytes those of the key, by libsodium? */
static bool has_right_bytes(const struct keystream_slot *slot, const uint8_t *key)
{
	uint8_t bytes[sizeof(slot->first_block) + AEAD_KEYSTREAM_MAX], nonce[12] = {0};
	size_t length = sizeof(slot->first_block) + slot->length;

	store_le64(nonce + 4, slot->counter);
	crypto_stream_chacha20_ietf(bytes, length, nonce, key);
	return slot->length <= AEAD_KEYSTREAM_MAX &&
	       memcmp(bytes, slot->first_block.bytes, length) == 0;
}

static bool is_ready(uint32_t stream, const struct keystream_source *source, uint64_t counter)
{
	const struct keystream_slot *slot = slot_of(stream, counter);

	return slot->state == KEYSTREAM_READY &&
	       keystream_is_of(slot, source->birth, source->local_index, source->direction,
			       counter) &&
	       has_right_bytes(slot, source->key);
}

static void expect_ready(uint32_t stream, const struct keystream_source *source, uint64_t from,
			 uint64_t end)
{
	for (uint64_t counter = from; counter < end; counter++)
		cr_assert(is_ready(stream, source, counter), "%lu of %lu to %lu", counter, from,
			  end);
}

static uint32_t count_of(uint32_t stream, enum keystream_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < KEYSTREAM_SLOTS; i++)
		count += streams[stream - 1].slots[i].state == (uint32_t)state;
	return count;
}

/* What BPF does with the packets up to a counter: each takes its slot, which is empty then. */
static void use_up_to(uint32_t stream, uint64_t from, uint64_t end)
{
	for (uint64_t counter = from; counter < end; counter++)
		slot_of(stream, counter)->state = KEYSTREAM_EMPTY;
	streams[stream - 1].wanted = end;
}

/* ---- one stream ---------------------------------------------------------------------------------- */

Test(keystream, fills_a_ring_from_the_first_counter_on)
{
	static const uint64_t firsts[] = {0, 1, 511, 512, 1000, UINT64_C(1) << 32, 1ull << 60};

	make();
	keystream_fill(producer, 1);
	for (uint32_t i = 1; i <= KEYSTREAMS_MAX; i++)
		cr_assert_eq(count_of(i, KEYSTREAM_EMPTY), KEYSTREAM_SLOTS);
	for (uint32_t i = 0; i < COUNT(firsts); i++) {
		struct keystream_source source = source_of(100 + i, firsts[i]);
		uint32_t stream = keystream_open(producer, &source);

		cr_assert_eq(stream, i + 1);
		cr_expect(keystream_fill(producer, 1));
		cr_expect_eq(streams[i].slots[0].length, AEAD_KEYSTREAM_MAX);
		expect_ready(stream, &source, firsts[i], firsts[i] + KEYSTREAM_SLOTS);
		cr_expect_not(keystream_fill(producer, 1), "all is ready");
		expect_ready(stream, &source, firsts[i], firsts[i] + KEYSTREAM_SLOTS);
	}
	for (uint32_t i = COUNT(firsts) + 1; i <= KEYSTREAMS_MAX; i++)
		cr_assert_eq(count_of(i, KEYSTREAM_EMPTY), KEYSTREAM_SLOTS, "nobody's stream %u",
			     i);
	finish();
}

Test(keystream, is_as_long_as_wanted_in_whole_blocks)
{
	static const uint32_t lengths[][2] = {{1, 64},           {63, 64},     {64, 64},
					      {65, 128},         {1420, 1472}, {1408, 1408},
					      {1472, 1472},      {1473, 1472}, {9000, 1472},
					      {0xffffffff, 1472}};

	for (uint32_t i = 0; i < COUNT(lengths); i++) {
		struct keystream_source source = source_of(5, 70);
		const struct keystream_slot *slot;
		uint32_t stream;

		make();
		memset(streams[0].slots[70].text, 0x77, AEAD_KEYSTREAM_MAX);
		slot = &streams[0].slots[70];
		stream = keystream_open(producer, &source);
		streams[0].length_wanted = lengths[i][0];
		keystream_fill(producer, 1);
		cr_expect_eq(slot->length, lengths[i][1], "%u wanted: %u", lengths[i][0],
			     slot->length);
		expect_ready(stream, &source, 70, 70 + KEYSTREAM_SLOTS);
		for (uint32_t at = slot->length; at < AEAD_KEYSTREAM_MAX; at++)
			cr_assert_eq(slot->text[at], 0x77, "%u wanted, byte %u", lengths[i][0], at);
		finish();
	}
}

Test(keystream, goes_on_where_packets_are)
{
	struct keystream_source source = source_of(6, 1000);
	uint32_t stream;

	make();
	stream = keystream_open(producer, &source);
	keystream_fill(producer, 1);
	use_up_to(stream, 1000, 1100);
	cr_expect_not(keystream_fill(producer, 1), "100 of 512");
	expect_ready(stream, &source, 1100, 1100 + KEYSTREAM_SLOTS);
	use_up_to(stream, 1100, 1100 + 257);
	cr_expect(keystream_fill(producer, 1), "257 of 512");
	expect_ready(stream, &source, 1357, 1357 + KEYSTREAM_SLOTS);
	use_up_to(stream, 1357, 1357 + KEYSTREAM_SLOTS);
	keystream_fill(producer, 1);
	expect_ready(stream, &source, 1869, 1869 + KEYSTREAM_SLOTS);
	finish();
}

/* Lost or forged ones: what nobody took is filled anew. */
Test(keystream, reclaims_what_was_not_used)
{
	struct keystream_source source = source_of(8, 0);
	uint32_t stream;

	make();
	stream = keystream_open(producer, &source);
	keystream_fill(producer, 1);
	for (uint64_t counter = 0; counter < 300; counter += 3)
		slot_of(stream, counter)->state = KEYSTREAM_EMPTY;
	streams[stream - 1].wanted = 300;
	keystream_fill(producer, 1);
	expect_ready(stream, &source, 300, 300 + KEYSTREAM_SLOTS);
	finish();
}

/* BPF has a slot in its hands, or somebody was killed while he filled it: not a byte of it changes. */
Test(keystream, leaves_what_is_in_other_hands)
{
	static const enum keystream_state states[] = {KEYSTREAM_IN_USE, KEYSTREAM_FILLING};

	for (uint32_t i = 0; i < COUNT(states); i++) {
		struct keystream_source source = source_of(9, 0);
		struct keystream_slot before;
		uint32_t stream;

		make();
		slot_of(1, 100)->state = states[i];
		memset(&slot_of(1, 100)->first_block, 0x33, 64);
		before = *slot_of(1, 100);
		stream = keystream_open(producer, &source);
		for (uint64_t wanted = 0; wanted < 5 * KEYSTREAM_SLOTS; wanted += 90) {
			streams[0].wanted = wanted;
			keystream_fill(producer, 1);
			cr_assert_arr_eq(slot_of(1, 100), &before, sizeof(before), "%lu", wanted);
		}
		/* its turn comes again when it is let go */
		slot_of(1, 100)->state = KEYSTREAM_EMPTY;
		streams[0].wanted = 6 * KEYSTREAM_SLOTS;
		keystream_fill(producer, 1);
		expect_ready(stream, &source, 6 * KEYSTREAM_SLOTS + 16, 7 * KEYSTREAM_SLOTS);
		finish();
	}
}

/* A slot that is ready for a packet that may still come stays, whatever is wanted. */
Test(keystream, leaves_what_is_still_to_come)
{
	struct keystream_source source = source_of(10, 500);
	struct keystream_slot before;

	make();
	memset(slot_of(1, 600), 0x44, sizeof(before));
	slot_of(1, 600)->state = KEYSTREAM_READY;
	slot_of(1, 600)->counter = 600 + KEYSTREAM_SLOTS;
	before = *slot_of(1, 600);
	keystream_open(producer, &source);
	keystream_fill(producer, 1);
	cr_expect_arr_eq(slot_of(1, 600), &before, sizeof(before));
	cr_expect_eq(count_of(1, KEYSTREAM_READY), KEYSTREAM_SLOTS);
	finish();
}

/* Packets that are on their way already are left to BPF. */
Test(keystream, goes_on_with_a_lead_when_it_fell_behind)
{
	struct keystream_source source = source_of(11, 0);
	const uint64_t wanted = 100000;
	uint32_t stream;

	make();
	stream = keystream_open(producer, &source);
	keystream_fill(producer, 1);
	streams[stream - 1].wanted = wanted;
	cr_expect(keystream_fill(producer, 1));
	for (uint64_t counter = wanted; counter < wanted + 16; counter++)
		cr_expect_lt(slot_of(stream, counter)->counter, (uint64_t)KEYSTREAM_SLOTS, "%lu",
			     counter);
	expect_ready(stream, &source, wanted + 16, wanted + KEYSTREAM_SLOTS);
	/* what is wanted never goes back; and if it did, nothing is done twice */
	streams[stream - 1].wanted = 5;
	cr_expect_not(keystream_fill(producer, 1));
	expect_ready(stream, &source, wanted + 16, wanted + KEYSTREAM_SLOTS);
	finish();
}

Test(keystream, ends_with_the_messages_of_a_session)
{
	struct keystream_source source = source_of(12, REJECT_AFTER_MESSAGES - 10);
	uint32_t stream;

	make();
	stream = keystream_open(producer, &source);
	keystream_fill(producer, 1);
	expect_ready(stream, &source, REJECT_AFTER_MESSAGES - 10, REJECT_AFTER_MESSAGES);
	cr_expect_eq(count_of(stream, KEYSTREAM_READY), 10);
	use_up_to(stream, REJECT_AFTER_MESSAGES - 10, REJECT_AFTER_MESSAGES);
	keystream_fill(producer, 1);
	cr_expect_eq(count_of(stream, KEYSTREAM_READY), 0);
	finish();
}

/* ---- idle ---------------------------------------------------------------------------------------- */

static uint64_t told_idle(void)
{
	uint64_t count = 0;

	return read(idle_fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

Test(keystream, tells_once_that_a_stream_is_idle)
{
	static const uint64_t firsts[] = {0, 77};

	for (uint32_t i = 0; i < COUNT(firsts); i++) {
		struct keystream_source source = source_of(20, firsts[i]), idle;
		const uint64_t start = SECONDS(1000);
		static const uint8_t zeros[32];
		uint32_t stream;

		make();
		stream = keystream_open(producer, &source);
		keystream_fill(producer, start);
		keystream_fill(producer, start + MILLISECONDS(499));
		cr_expect_eq(told_idle(), 0);
		streams[stream - 1].taken = 256;
		keystream_fill(producer, start + MILLISECONDS(500));
		/* packets that find nothing do not keep it */
		streams[stream - 1].wanted = firsts[i] + 100000;
		streams[stream - 1].taken = 256 + 255;
		keystream_fill(producer, start + MILLISECONDS(999));
		cr_expect_eq(told_idle(), 0);
		cr_expect_eq(keystream_find_idle(producer, &idle), 0);
		keystream_fill(producer, start + MILLISECONDS(1000));
		cr_expect_eq(told_idle(), 1);
		keystream_fill(producer, start + SECONDS(9));
		cr_expect_eq(told_idle(), 0, "told again");
		cr_expect_eq(keystream_find_idle(producer, &idle), stream);
		cr_expect_eq(idle.local_index, source.local_index);
		cr_expect_eq(idle.direction, source.direction);
		cr_expect_arr_eq(idle.key, zeros, 32, "the key is nobody's business");
		cr_expect(keystream_close(producer, stream));
		cr_expect_eq(keystream_find_idle(producer, &idle), 0);
		finish();
	}
}

/* ---- many ---------------------------------------------------------------------------------------- */

static bool knows(const struct keystream_source *source)
{
	return memmem(producer, malloc_usable_size(producer), source->key, sizeof(source->key));
}

Test(keystream, close_wipes_what_it_knew_and_writes_no_more)
{
	struct keystream_source source = source_of(30, 0);
	static struct keystream before;
	uint32_t stream, found[2] = {99, 99};

	make();
	cr_expect_not(keystream_close(producer, 1), "not open");
	stream = keystream_open(producer, &source);
	keystream_fill(producer, 1);
	cr_expect(knows(&source));
	keystream_find(producer, source.local_index, found);
	cr_expect_eq(found[source.direction], stream);
	cr_expect_eq(found[!source.direction], 0);
	cr_expect(keystream_close(producer, stream));
	cr_expect_not(knows(&source));
	cr_expect_not(keystream_close(producer, stream), "closed already");
	keystream_find(producer, source.local_index, found);
	cr_expect_eq(found[0] + found[1], 0);

	use_up_to(stream, 0, 700);
	before = streams[stream - 1];
	cr_expect_not(keystream_fill(producer, SECONDS(5)));
	cr_expect_arr_eq(&before, &streams[stream - 1], sizeof(before));
	cr_expect_eq(told_idle(), 0);
	finish();
}

Test(keystream, there_are_sixteen)
{
	struct keystream_source sources[KEYSTREAMS_MAX], more = source_of(99, 5);
	uint32_t found[2];

	make();
	for (uint32_t i = 0; i < KEYSTREAMS_MAX; i++) {
		sources[i] = source_of(40 + i, 1000 * i);
		sources[i].local_index = 7000 + i / 2;
		cr_assert_eq(keystream_open(producer, &sources[i]), i + 1);
	}
	cr_expect_eq(keystream_open(producer, &more), 0);
	cr_expect_not(knows(&more));
	keystream_fill(producer, 1);
	for (uint32_t i = 0; i < KEYSTREAMS_MAX; i++)
		expect_ready(i + 1, &sources[i], sources[i].counter,
			     sources[i].counter + KEYSTREAM_SLOTS);
	keystream_find(producer, 7003, found);
	cr_expect_eq(found[KEYSTREAM_SENDING], 7);
	cr_expect_eq(found[KEYSTREAM_RECEIVING], 8);

	/* the place of one that was closed is the next one's, and what is left in it is replaced */
	cr_expect(keystream_close(producer, 4));
	datapath_wipe_keystream(&streams[3]);
	cr_expect_eq(count_of(4, KEYSTREAM_EMPTY), KEYSTREAM_SLOTS);
	cr_expect_eq(keystream_open(producer, &more), 4);
	keystream_fill(producer, 1);
	expect_ready(4, &more, 5, 5 + KEYSTREAM_SLOTS);
	finish();
}

/* Of all that was keystream nothing is left, but BPF keeps what it has in its hands. */
Test(keystream, wipe_waits_for_who_uses_it)
{
	struct keystream_source source = source_of(50, 0);
	static struct keystream_slot used;
	uint8_t *bytes;

	make();
	keystream_open(producer, &source);
	keystream_fill(producer, 1);
	slot_of(1, 9)->state = KEYSTREAM_IN_USE;
	slot_of(1, 10)->state = KEYSTREAM_EMPTY;
	slot_of(1, 11)->state = KEYSTREAM_FILLING;
	used = *slot_of(1, 9);
	keystream_close(producer, 1);
	datapath_wipe_keystream(&streams[0]);
	cr_expect_arr_eq(slot_of(1, 9), &used, sizeof(used));
	cr_expect_eq(count_of(1, KEYSTREAM_EMPTY), KEYSTREAM_SLOTS - 1);
	for (uint32_t i = 0; i < KEYSTREAM_SLOTS; i++) {
		bytes = streams[0].slots[i].first_block.bytes;
		for (uint32_t at = 0; i != 9 && at < 64 + AEAD_KEYSTREAM_MAX; at++)
			cr_assert_eq(bytes[at], 0, "slot %u, byte %u", i, at);
	}
	finish();
}

/* ---- threads ------------------------------------------------------------------------------------- */

static void wait_until_ready(uint32_t stream, uint64_t counter)
{
	uint64_t end = boot_time() + SECONDS(20);

	while (__atomic_load_n(&slot_of(stream, counter)->state, __ATOMIC_ACQUIRE) !=
	       KEYSTREAM_READY) {
		cr_assert_lt(boot_time(), end, "stream %u, counter %lu: never ready", stream,
			     counter);
		sched_yield();
	}
}

static void start(void)
{
	streams = calloc(KEYSTREAMS_MAX, sizeof(*streams));
	idle_fd = eventfd(0, EFD_NONBLOCK);
	producer = keystream_start(streams, idle_fd);
	cr_assert_not_null(producer);
}

/* The thread sleeps, wakes when there is something to do, and lets go of what was closed. */
Test(keystream, thread_follows)
{
	struct keystream_source first = source_of(60, 0), second = source_of(61, 0);
	static struct keystream before;

	start();
	cr_assert_eq(keystream_open(producer, &first), 1);
	wait_until_ready(1, KEYSTREAM_SLOTS - 1);
	keystream_close(producer, 1);
	use_up_to(1, 0, 200);
	/* the first free place is the first one's: it is taken, to be left at once */
	cr_assert_eq(keystream_open(producer, &second), 1);
	cr_assert_eq(keystream_open(producer, &second), 2);
	keystream_close(producer, 1);
	datapath_wipe_keystream(&streams[0]);
	before = streams[0];
	for (uint64_t counter = 0; counter < 20 * KEYSTREAM_SLOTS; counter += KEYSTREAM_SLOTS) {
		wait_until_ready(2, counter + KEYSTREAM_SLOTS - 1);
		use_up_to(2, counter, counter + KEYSTREAM_SLOTS);
	}
	cr_expect_arr_eq(&streams[0], &before, sizeof(before));
	finish();
}

/* ---- the stress: two that take slots as BPF does, sessions that come and go under them ------------- */

enum { PACKETS = 4000000, EPOCH_PACKETS = 200000, EPOCHS = PACKETS / EPOCH_PACKETS };

static struct stress {
	/* of the session, as in the sessions map; the epoch is its birth */
	uint64_t epoch;
	uint64_t counter;
	uint32_t has_stream;
	uint64_t taken, spoiled, twice, foreign;
	/* a bit for each counter of the epoch whose keystream was used */
	uint8_t used[EPOCHS][EPOCH_PACKETS + 1];
} stress;

/* bpf/keystream.h, take_slot(), in the host's words. */
static bool take(struct keystream_slot *slot, const struct keystream_source *source,
		 uint64_t counter)
{
	if (*(volatile uint32_t *)&slot->state != KEYSTREAM_READY ||
	    __sync_val_compare_and_swap(&slot->state, KEYSTREAM_READY, KEYSTREAM_IN_USE) !=
		    KEYSTREAM_READY)
		return false;
	/* whatever packet it is of: no byte of it may be another's */
	if (slot->birth >= EPOCHS || !has_right_bytes(slot, source_of(slot->birth, 0).key))
		__sync_fetch_and_add(&stress.spoiled, 1);
	if (keystream_is_of(slot, source->birth, source->local_index, source->direction, counter))
		return true;
	__sync_fetch_and_add(&stress.foreign, 1);
	__sync_lock_test_and_set(&slot->state, KEYSTREAM_READY);
	return false;
}

static void use(struct keystream_slot *slot, uint64_t epoch, uint64_t counter, bool is_forged)
{
	if (!is_forged) {
		__sync_fetch_and_add(&stress.taken, 1);
		if (__sync_lock_test_and_set(&stress.used[epoch][counter], 1))
			__sync_fetch_and_add(&stress.twice, 1);
	}
	__sync_lock_test_and_set(&slot->state, is_forged ? KEYSTREAM_READY : KEYSTREAM_EMPTY);
}

/* Packets of whatever the session is now; some come again, counters jump at times, and every fourth is forged and has
 * any counter there is keystream for, those that are just being filled among them. */
static void *consume(void *context)
{
	uint64_t seed = (uint64_t)(uintptr_t)context;

	for (;;) {
		uint64_t epoch = __atomic_load_n(&stress.epoch, __ATOMIC_ACQUIRE);
		struct keystream_source source = source_of(epoch, 0);
		uint64_t draw = packet_random(&seed), counter;
		bool is_forged = draw >> 40 & 1 && draw >> 41 & 1;
		struct keystream *keystream = &streams[0];

		if (epoch >= EPOCHS)
			return NULL;
		if (is_forged)
			counter = __atomic_load_n(&stress.counter, __ATOMIC_RELAXED) +
				  (draw >> 48) % KEYSTREAM_SLOTS;
		else
			counter = __sync_fetch_and_add(&stress.counter, draw % 5000 ? 1 : 700);
		if (counter && !is_forged)
			counter -= draw >> 33 & 1;
		if (counter > EPOCH_PACKETS ||
		    !__atomic_load_n(&stress.has_stream, __ATOMIC_ACQUIRE)) {
			sched_yield();
			continue;
		}
		if (!is_forged && keystream->wanted <= counter)
			keystream->wanted = counter + 1;
		keystream->length_wanted = 64;
		if (take(slot_of(1, counter), &source, counter))
			use(slot_of(1, counter), epoch, counter, is_forged);
		else if (!is_forged)
			sched_yield();
	}
}

/* What busy.c does with one session after the other, in the same stream. */
static void run_epoch(uint64_t epoch)
{
	struct keystream_source source = source_of(epoch, 0);
	uint64_t end = boot_time() + SECONDS(60);

	stress.counter = 0;
	__atomic_store_n(&stress.epoch, epoch, __ATOMIC_RELEASE);
	cr_assert_eq(keystream_open(producer, &source), 1);
	__atomic_store_n(&stress.has_stream, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&stress.counter, __ATOMIC_RELAXED) <= EPOCH_PACKETS) {
		cr_assert_lt(boot_time(), end, "consumers stand still");
		sched_yield();
	}
	__atomic_store_n(&stress.has_stream, 0, __ATOMIC_RELEASE);
	/* the next session's is opened while some still look at this one's */
	cr_assert(keystream_close(producer, 1));
	datapath_wipe_keystream(&streams[0]);
}

Test(keystream, no_slot_is_anothers_and_none_is_used_twice)
{
	pthread_t consumers[2];

	start();
	for (uintptr_t i = 0; i < COUNT(consumers); i++)
		cr_assert_eq(pthread_create(&consumers[i], NULL, consume, (void *)(i + 1)), 0);
	for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
		run_epoch(epoch);
	__atomic_store_n(&stress.epoch, EPOCHS, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < COUNT(consumers); i++)
		pthread_join(consumers[i], NULL);
	cr_log_info("taken %lu, of others %lu", stress.taken, stress.foreign);
	cr_expect_eq(stress.spoiled, 0, "%lu slots whose bytes are not of their header",
		     stress.spoiled);
	cr_expect_eq(stress.twice, 0, "%lu used twice", stress.twice);
	cr_expect_geq(stress.taken, (uint64_t)PACKETS / 20, "%lu", stress.taken);
	cr_expect_geq(stress.foreign, 100u, "%lu", stress.foreign);
	finish();
}
