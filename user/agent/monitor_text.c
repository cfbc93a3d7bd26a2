// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* monitor_text.c - events as text and back, and the bounded queue of a reader. Contract: monitor.h. */
#include <agent/monitor.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[MONITOR_COUNT] = {
#define X(id, name) [MONITOR_##id] = name,
	MONITOR_EVENTS(X)
#undef X
};

const char *monitor_event_name(enum monitor_kind kind)
{
	return names[kind];
}

struct monitor_event monitor_event(enum monitor_kind kind)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct monitor_event){
		.kind = kind,
		.seconds = (uint64_t)now.tv_sec,
		.nanoseconds = (uint32_t)now.tv_nsec,
		.verdict = VERDICT_COUNT,
	};
}

/* ---- printing ------------------------------------------------------------------------------------ */

struct text {
	char *bytes;
	size_t length;
};

/* Every value is short, so that all of them together fit. */
__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	size_t room = MONITOR_TEXT_MAX - text->length;
	va_list values;
	int length;

	va_start(values, format);
	length = vsnprintf(text->bytes + text->length, room, format, values);
	va_end(values);
	if (length < 0 || (size_t)length >= room)
		abort();
	text->length += (size_t)length;
}

static void add_endpoint(struct text *text, const char *key, const struct endpoint *endpoint)
{
	char address[ADDRESS_TEXT_LENGTH];

	if (endpoint->family == FAMILY_NONE)
		return;
	endpoint_to_text(address, endpoint);
	add(text, "%s=%s\n", key, address);
}

size_t monitor_to_text(char bytes[static MONITOR_TEXT_MAX], const struct monitor_event *event)
{
	struct text text = {.bytes = bytes};
	char hex[KEY_HEX_LENGTH + 1];

	add(&text, "event=%s\ntime_sec=%" PRIu64 "\ntime_nsec=%" PRIu32 "\n", names[event->kind],
	    event->seconds, event->nanoseconds);
	if (event->has_public_key) {
		key_to_hex(hex, event->public_key);
		add(&text, "public_key=%s\n", hex);
	}
	if (event->name[0])
		add(&text, "name=%s\n", event->name);
	add_endpoint(&text, "from", &event->from);
	add_endpoint(&text, "endpoint", &event->endpoint);
	if (event->verdict != VERDICT_COUNT)
		add(&text, "reason=%s\n", verdict_name(event->verdict));
	if (event->packets)
		add(&text, "packets=%" PRIu64 "\n", event->packets);
	if (event->kind == MONITOR_HANDSHAKE)
		add(&text, "initiator=%s\n", event->i_am_the_initiator ? "true" : "false");
	if (event->interface[0])
		add(&text, "interface=%s\nmode=%s\n", event->interface,
		    event->is_generic ? "generic" : "native");
	add(&text, "\n");
	return text.length;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static enum monitor_kind kind_from_name(const char *name)
{
	enum monitor_kind kind = 0;

	while (kind < MONITOR_COUNT && strcmp(names[kind], name) != 0)
		kind++;
	return kind;
}

static bool read_value(struct monitor_event *event, const char *key, const char *value)
{
	uint64_t number;

	if (strcmp(key, "event") == 0) {
		event->kind = kind_from_name(value);
		return event->kind < MONITOR_COUNT;
	}
	if (strcmp(key, "time_sec") == 0)
		return number_from_text(&event->seconds, value, INT64_MAX);
	if (strcmp(key, "time_nsec") == 0) {
		if (!number_from_text(&number, value, NANOSECONDS_PER_SECOND - 1))
			return false;
		event->nanoseconds = (uint32_t)number;
	} else if (strcmp(key, "public_key") == 0) {
		event->has_public_key = key_from_hex(event->public_key, value);
		return event->has_public_key;
	} else if (strcmp(key, "from") == 0) {
		return endpoint_from_text(&event->from, value);
	} else if (strcmp(key, "endpoint") == 0) {
		return endpoint_from_text(&event->endpoint, value);
	} else if (strcmp(key, "name") == 0) {
		snprintf(event->name, sizeof(event->name), "%s", value);
	} else if (strcmp(key, "reason") == 0) {
		event->verdict = verdict_from_name(value, strlen(value));
	} else if (strcmp(key, "packets") == 0) {
		return number_from_text(&event->packets, value, UINT64_MAX);
	} else if (strcmp(key, "initiator") == 0) {
		event->i_am_the_initiator = strcmp(value, "true") == 0;
	} else if (strcmp(key, "interface") == 0) {
		snprintf(event->interface, sizeof(event->interface), "%s", value);
	} else if (strcmp(key, "mode") == 0) {
		event->is_generic = strcmp(value, "generic") == 0;
	}
	return true;
}

bool monitor_from_text(struct monitor_event *event, const char *text, size_t length)
{
	struct monitor_event read = {.kind = MONITOR_COUNT, .verdict = VERDICT_COUNT};
	char copy[MONITOR_TEXT_MAX + 1], *rest = copy, *line;

	if (length < 2 || length > MONITOR_TEXT_MAX || text[length - 1] != '\n' ||
	    text[length - 2] != '\n' || memchr(text, '\0', length))
		return false;
	memcpy(copy, text, length - 2);
	copy[length - 2] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (!value)
			return false;
		*value++ = '\0';
		if (!read_value(&read, line, value))
			return false;
	}
	if (read.kind == MONITOR_COUNT)
		return false;
	*event = read;
	return true;
}

/* ---- the queue ----------------------------------------------------------------------------------- */

bool monitor_queue_put_text(struct monitor_queue *queue, const char *text, size_t length)
{
	if (queue->length + length > sizeof(queue->bytes))
		return false;
	if (queue->first + queue->length + length > sizeof(queue->bytes)) {
		memmove(queue->bytes, queue->bytes + queue->first, queue->length);
		queue->first = 0;
	}
	memcpy(queue->bytes + queue->first + queue->length, text, length);
	queue->length += length;
	return true;
}

static void say_missed(struct monitor_queue *queue)
{
	struct monitor_event event = monitor_event(MONITOR_MISSED);
	char text[MONITOR_TEXT_MAX];

	event.packets = queue->missed;
	if (monitor_queue_put_text(queue, text, monitor_to_text(text, &event)))
		queue->missed = 0;
}

/* Once something was missed, nothing is put before it is said; and that waits until half is read, so that a
 * reader who is always late does not get one "missed" for each event. */
void monitor_queue_put(struct monitor_queue *queue, const struct monitor_event *event)
{
	char text[MONITOR_TEXT_MAX];

	if (queue->missed && queue->length <= sizeof(queue->bytes) / 2)
		say_missed(queue);
	if (queue->missed || !monitor_queue_put_text(queue, text, monitor_to_text(text, event)))
		queue->missed++;
}

const char *monitor_queue_next(struct monitor_queue *queue, size_t *length)
{
	if (!queue->length && queue->missed)
		say_missed(queue);
	*length = queue->length;
	return queue->length ? queue->bytes + queue->first : NULL;
}

void monitor_queue_written(struct monitor_queue *queue, size_t length)
{
	queue->first += length;
	queue->length -= length;
	if (!queue->length)
		queue->first = 0;
}
