// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_monitor.c - events of `wgxdp monitor`: as the socket's text and back, as lines and as JSON, and the queue
 * of a reader that is too slow (agent/monitor.h, cli/monitor.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/monitor.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <util/encoding.h>

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TEXT_MAX 1000

/* With everything that any event has. */
static struct monitor_event filled(enum monitor_kind kind)
{
	struct monitor_event event = monitor_event(kind);

	event.seconds = 1700000000;
	event.nanoseconds = 123456789;
	event.has_public_key = true;
	key_from_base64(event.public_key, KEY_A);
	snprintf(event.name, sizeof(event.name), "%s",
		 "Anna's phone = 63 bytes of a name, which is the longest there is");
	event.name[PEER_NAME_MAX] = '\0';
	endpoint_from_text(&event.endpoint, "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
	endpoint_from_text(&event.from, "192.0.2.1:51820");
	event.verdict = VERDICT_REPLAYED_INITIATION;
	event.packets = UINT64_MAX;
	event.i_am_the_initiator = kind == MONITOR_HANDSHAKE;
	memcpy(event.interface, "interface-of-15", sizeof("interface-of-15"));
	event.is_generic = true;
	return event;
}

Test(monitor, text_and_back)
{
	for (enum monitor_kind kind = 0; kind < MONITOR_COUNT; kind++) {
		struct monitor_event event = filled(kind), read;
		char text[MONITOR_TEXT_MAX];
		size_t length = monitor_to_text(text, &event);

		cr_assert_lt(length, MONITOR_TEXT_MAX);
		memset(&read, 0, sizeof(read));
		cr_assert(monitor_from_text(&read, text, length), "%.*s", (int)length, text);
		cr_expect_eq(memcmp(&read, &event, sizeof(read)), 0, "%.*s", (int)length, text);
	}
}

Test(monitor, an_empty_event_and_back)
{
	struct monitor_event event = monitor_event(MONITOR_DOWN), read;
	char text[MONITOR_TEXT_MAX];

	cr_assert(monitor_from_text(&read, text, monitor_to_text(text, &event)));
	cr_expect(read.kind == MONITOR_DOWN && read.verdict == VERDICT_COUNT);
	cr_expect(!read.has_public_key && read.endpoint.family == FAMILY_NONE);
}

Test(monitor, what_is_no_event)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"event=up\n",
		"event=upwards\n\n",
		"time_sec=5\n\n",
		"event\n\n",
		"event=up\ntime_sec=x\n\n",
		"event=up\ntime_nsec=1000000000\n\n",
		"event=up\npublic_key=00\n\n",
		"event=up\nendpoint=192.0.2.1\n\n",
		"event=up\npackets=-1\n\n",
	};
	static const char newer[] = "event=up\nnew_key=of a later version\n\n";
	struct monitor_event event;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(monitor_from_text(&event, texts[i], strlen(texts[i])), "%s",
			      texts[i]);
	cr_expect(monitor_from_text(&event, newer, strlen(newer)));
}

/* ---- printing ------------------------------------------------------------------------------------ */

static void expect_line(const struct monitor_event *event, const char *expected)
{
	char text[TEXT_MAX] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	monitor_print_text(to, "wg0", event);
	fclose(to);
	cr_expect_str_eq(text, expected);
}

Test(monitor, lines)
{
	struct monitor_event event = filled(MONITOR_ROAMED);

	endpoint_from_text(&event.endpoint, "192.0.2.7:7");
	strcpy(event.name, "Anna");
	expect_line(&event, "2023-11-14T22:13:20.123456Z wg0: peer " KEY_A
			    " Anna (192.0.2.7:7): roamed, was at 192.0.2.1:51820\n");
	event.kind = MONITOR_DROPPED;
	event.packets = 2;
	expect_line(
		&event,
		"2023-11-14T22:13:20.123456Z wg0: peer " KEY_A
		" Anna (192.0.2.7:7): dropped 2 packets: initiation whose timestamp is not newer than the last\n");
	event.kind = MONITOR_REFUSED;
	event.has_public_key = false;
	event.verdict = VERDICT_BAD_MAC1;
	expect_line(&event, "2023-11-14T22:13:20.123456Z wg0: handshake message of 192.0.2.7:7: "
			    "refused: handshake message whose first MAC is wrong\n");
	event.kind = MONITOR_ATTACHED;
	event.endpoint.family = FAMILY_NONE;
	expect_line(&event,
		    "2023-11-14T22:13:20.123456Z wg0: attached to interface-of-15, generic mode\n");
}

Test(monitor, json)
{
	const char *when, *tunnel, *name, *key, *reason, *endpoint;
	struct monitor_event event = filled(MONITOR_DROPPED);
	char text[TEXT_MAX] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");
	json_t *object;
	int packets;

	event.packets = 12;
	cr_assert(monitor_print_json(to, "wg0", &event));
	fclose(to);
	cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
	object = json_loads(text, 0, NULL);
	cr_assert_eq(json_unpack(object, "{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "time", &when,
				 "tunnel", &tunnel, "event", &name, "public_key", &key, "reason",
				 &reason, "endpoint", &endpoint, "packets", &packets),
		     0, "%s", text);
	cr_expect_str_eq(when, "2023-11-14T22:13:20.123456Z");
	cr_expect_str_eq(name, "dropped");
	cr_expect_str_eq(key, KEY_A);
	cr_expect_str_eq(reason, "replayed-initiation");
	cr_expect_eq(packets, 12);
	json_decref(object);
}

/* ---- the queue ----------------------------------------------------------------------------------- */

/* Reads all that waits; how many events that were, and how many were said to be missed. */
static uint64_t read_all(struct monitor_queue *queue, uint64_t *missed)
{
	uint64_t events = 0;
	const char *text;
	size_t length;

	*missed = 0;
	while ((text = monitor_queue_next(queue, &length))) {
		const char *end = memmem(text, length, "\n\n", 2);
		struct monitor_event event;

		cr_assert_not_null(end);
		length = (size_t)(end + 2 - text);
		cr_assert(monitor_from_text(&event, text, length));
		/* nothing missed is nothing said */
		cr_expect(event.kind != MONITOR_MISSED || event.packets > 0);
		if (event.kind == MONITOR_MISSED)
			*missed += event.packets;
		else
			events++;
		monitor_queue_written(queue, length);
	}
	return events;
}

Test(monitor, a_slow_reader_is_told_what_it_missed)
{
	static struct monitor_queue queue;
	struct monitor_event event = filled(MONITOR_ROAMED);
	uint64_t missed, before;

	for (int i = 0; i < 1000; i++)
		monitor_queue_put(&queue, &event);
	cr_expect_leq(queue.length, MONITOR_QUEUE_ROOM);
	before = queue.missed;
	cr_expect_gt(before, 500);
	cr_expect_eq(read_all(&queue, &missed), 1000 - before);
	cr_expect_eq(missed, before);

	/* and again, with a beginning that is not the buffer's */
	for (int i = 0; i < 3; i++) {
		monitor_queue_put(&queue, &event);
		cr_expect_eq(read_all(&queue, &missed), 1);
		cr_expect_eq(missed, 0);
	}
}

Test(monitor, what_was_missed_is_said_where_it_is_missing)
{
	static struct monitor_queue queue;
	struct monitor_event event = filled(MONITOR_UP), read;
	uint64_t left = 0, missed, before;
	size_t length;

	while (!queue.missed)
		monitor_queue_put(&queue, &event);
	for (int i = 0; i < 9; i++)
		monitor_queue_put(&queue, &event);
	before = queue.missed;
	/* the reader takes a little more than half */
	while (queue.length > MONITOR_QUEUE_ROOM / 2) {
		const char *text = monitor_queue_next(&queue, &length);
		const char *end = memmem(text, length, "\n\n", 2);

		monitor_queue_written(&queue, (size_t)(end + 2 - text));
	}
	event.kind = MONITOR_DOWN;
	monitor_queue_put(&queue, &event);
	cr_expect_eq(queue.missed, 0, "said before the next event");
	for (const char *text; (text = monitor_queue_next(&queue, &length)); left++) {
		const char *end = memmem(text, length, "\n\n", 2);

		cr_assert(monitor_from_text(&read, text, (size_t)(end + 2 - text)));
		if (read.kind == MONITOR_MISSED) {
			cr_expect_eq(read.packets, before);
			missed = left;
		}
		monitor_queue_written(&queue, (size_t)(end + 2 - text));
	}
	cr_expect_eq(missed, left - 2, "next to last");
	cr_expect_eq(read.kind, MONITOR_DOWN);
}
