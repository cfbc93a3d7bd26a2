// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* monitor_print.c - an event as a line or as JSON. Contract: monitor.h. */
#include <cli/monitor.h>
#include <cli/show.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <string.h>

#define TIME_TEXT_LENGTH 40

/* "2026-11-26T00:41:09.123456Z" */
static void time_to_text(char text[static TIME_TEXT_LENGTH], const struct monitor_event *event)
{
	time_t seconds = (time_t)event->seconds;
	struct tm when;
	size_t length;

	gmtime_r(&seconds, &when);
	length = strftime(text, TIME_TEXT_LENGTH, "%Y-%m-%dT%H:%M:%S", &when);
	snprintf(text + length, TIME_TEXT_LENGTH - length, ".%06uZ", event->nanoseconds / 1000);
}

/* ---- lines --------------------------------------------------------------------------------------- */

static void print_what(FILE *to, const struct monitor_event *event)
{
	char from[ADDRESS_TEXT_LENGTH];

	switch (event->kind) {
	case MONITOR_HANDSHAKE:
		fprintf(to, "handshake done, begun by %s",
			event->i_am_the_initiator ? "us" : "the peer");
		break;
	case MONITOR_ROAMED:
		endpoint_to_text(from, &event->from);
		fprintf(to, "roamed, was at %s", from);
		break;
	case MONITOR_EXPIRED:
		fprintf(to, "session expired, and there is no newer one");
		break;
	case MONITOR_GAVE_UP:
		fprintf(to, "does not answer, handshake given up");
		break;
	case MONITOR_REFUSED:
		fprintf(to, "refused: %s", verdict_meaning(event->verdict));
		break;
	case MONITOR_DROPPED:
		fprintf(to, "dropped %" PRIu64 " packet%s: %s", event->packets,
			event->packets == 1 ? "" : "s", verdict_meaning(event->verdict));
		break;
	case MONITOR_PEER_ADDED:
		fprintf(to, "added");
		break;
	case MONITOR_PEER_REMOVED:
		fprintf(to, "removed");
		break;
	case MONITOR_ATTACHED:
		fprintf(to, "attached to %s, %s mode", event->interface,
			event->is_generic ? "generic" : "native");
		break;
	case MONITOR_DETACHED:
		fprintf(to, "detached from %s", event->interface);
		break;
	case MONITOR_UP:
		fprintf(to, "the interface is up");
		break;
	case MONITOR_DOWN:
		fprintf(to, "the interface is down");
		break;
	case MONITOR_MISSED:
		fprintf(to, "missed %" PRIu64 " events: this reader is too slow", event->packets);
		break;
	case MONITOR_COUNT:
		break;
	}
}

void monitor_print_text(FILE *to, const char *tunnel, const struct monitor_event *event)
{
	char text[ADDRESS_TEXT_LENGTH], when[TIME_TEXT_LENGTH];
	bool has_endpoint = event->endpoint.family != FAMILY_NONE;

	time_to_text(when, event);
	fprintf(to, "%s %s: ", when, tunnel);
	if (event->has_public_key) {
		key_to_base64(text, event->public_key);
		fprintf(to, "peer %s%s%s", text, event->name[0] ? " " : "", event->name);
	}
	if (has_endpoint) {
		endpoint_to_text(text, &event->endpoint);
		fprintf(to, event->has_public_key ? " (%s)" : "handshake message of %s", text);
	}
	if (event->has_public_key || has_endpoint)
		fprintf(to, ": ");
	print_what(to, event);
	fputc('\n', to);
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

/* A field that cannot be set is missing in the end, and the object is not printed. */
static void set(json_t **object, const char *key, json_t *value)
{
	if (json_object_set_new(*object, key, value)) {
		json_decref(*object);
		*object = NULL;
	}
}

static void set_endpoint(json_t **object, const char *key, const struct endpoint *endpoint)
{
	char text[ADDRESS_TEXT_LENGTH];

	if (endpoint->family == FAMILY_NONE)
		return;
	endpoint_to_text(text, endpoint);
	set(object, key, json_string(text));
}

static bool print_object(FILE *to, json_t *object)
{
	bool good = object && json_dumpf(object, to, JSON_COMPACT) == 0;

	json_decref(object);
	if (good)
		fputc('\n', to);
	return good;
}

static json_t *begin_object(const char *tunnel, const char *event, const char *when)
{
	return json_pack("{s:s, s:s, s:s}", "time", when, "tunnel", tunnel, "event", event);
}

bool monitor_print_json(FILE *to, const char *tunnel, const struct monitor_event *event)
{
	char when[TIME_TEXT_LENGTH];
	json_t *object;

	time_to_text(when, event);
	object = begin_object(tunnel, monitor_event_name(event->kind), when);
	if (event->has_public_key)
		set(&object, "public_key", json_of_key(event->public_key));
	if (event->name[0])
		set(&object, "name", json_string(event->name));
	set_endpoint(&object, "from", &event->from);
	set_endpoint(&object, "endpoint", &event->endpoint);
	if (event->verdict != VERDICT_COUNT) {
		set(&object, "reason", json_string(verdict_name(event->verdict)));
		set(&object, "meaning", json_string(verdict_meaning(event->verdict)));
	}
	if (event->kind == MONITOR_DROPPED)
		set(&object, "packets", json_integer((json_int_t)event->packets));
	if (event->kind == MONITOR_MISSED)
		set(&object, "events", json_integer((json_int_t)event->packets));
	if (event->kind == MONITOR_HANDSHAKE)
		set(&object, "initiator", json_boolean(event->i_am_the_initiator));
	if (event->interface[0]) {
		set(&object, "interface", json_string(event->interface));
		set(&object, "mode", json_string(event->is_generic ? "generic" : "native"));
	}
	return print_object(to, object);
}

bool monitor_print_own(FILE *to, const char *tunnel, const char *event, bool json)
{
	const struct monitor_event now = monitor_event(MONITOR_COUNT);
	char when[TIME_TEXT_LENGTH];

	time_to_text(when, &now);
	if (json)
		return print_object(to, begin_object(tunnel, event, when));
	fprintf(to, "%s %s: %s\n", when, tunnel, event);
	return true;
}
