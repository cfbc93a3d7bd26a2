// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uapi.c - requests and answers of wg(8)'s userspace socket, read from text (uapi.h, written: uapi_print.c; it is
 * described at wireguard.com/xplatform under "Cross-platform userspace implementation"). No sockets here,
 * and no meaning: which peer exists, which port is free, the agent knows.
 *
 * A text is lines of "key=value". Keys of the device stand before the first public_key, which begins a
 * peer; what follows belongs to that peer. One table says which key may stand where. A request is
 * refused for any line that is not in it; an answer may say more than we know.
 *
 * What we tell beyond wg(8) has keys of its own, which its clients pass over:
 *   wgxdp_interface=eth0:native   the receive program is there, in this mode (or generic)
 *   wgxdp_is_up=true              the end that people see is up
 *   wgxdp_rx_packets, wgxdp_tx_packets   of a peer, authenticated, handshakes not included
 *   wgxdp_bind=192.0.2.1          a local address it receives on and sends from, and none else; also set: all of
 *                                 them, or "any"
 *   wgxdp_clamp_mss=on            (or off, or a number) the segment size that TCP may announce; also set
 *   wgxdp_name=Anna's phone       people's name of the peer; also set, "" removes it
 *   wgxdp_roaming=off             the endpoint does not follow the peer (or on); also set
 *   wgxdp_limit=BITS              a second, each way, from 8000 on, 0 is none; also set
 *   wgxdp_endpoint=HOST:PORT      where the peer's endpoint was or is to be resolved; also set
 *   wgxdp_verdict=bad-tag:12      packets with this end; of the tunnel, or of the peer it stands below
 */
#include <agent/uapi.h>
#include <crypto/crypto.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <ctype.h>
#include <errno.h>
#include <net/if.h>

/* No line that anyone means is longer: a host name and its port fit. */
#define LINE_LENGTH_MAX 319

/* ---- values --------------------------------------------------------------------------------------- */

struct reader {
	struct device_config *config;
	/* the one whose lines are being read, NULL before the first */
	struct peer_config *peer;
	/* errno=, of an answer; -1: there was none */
	int64_t error;
};

static int read_unsigned(const char *value, uint64_t max, uint64_t *number)
{
	return number_from_text(number, value, max) ? 0 : -EINVAL;
}

static int read_true(const char *value, bool *flag)
{
	*flag = strcmp(value, "true") == 0;
	return *flag ? 0 : -EINVAL;
}

static int read_key(const char *value, uint8_t key[static 32], bool *has)
{
	*has = key_from_hex(key, value);
	return *has ? 0 : -EINVAL;
}

static int read_private_key(struct reader *reader, const char *value)
{
	return read_key(value, reader->config->private_key, &reader->config->has_private_key);
}

static int read_listen_port(struct reader *reader, const char *value)
{
	uint64_t port = 0;
	int error = read_unsigned(value, UINT16_MAX, &port);

	reader->config->listen_port = (uint16_t)port;
	reader->config->has_listen_port = true;
	return error;
}

static int read_fwmark(struct reader *reader, const char *value)
{
	uint64_t mark = 0;
	int error = read_unsigned(value, UINT32_MAX, &mark);

	reader->config->fwmark = (uint32_t)mark;
	reader->config->has_fwmark = true;
	return error;
}

static int read_clamp_mss(struct reader *reader, const char *value)
{
	reader->config->has_mss_limit = true;
	return mss_limit_from_text(&reader->config->mss_limit, value) ? 0 : -EINVAL;
}

static int read_bind(struct reader *reader, const char *value)
{
	return config_bind(reader->config, value) ? 0 : -EINVAL;
}

static int read_replace_peers(struct reader *reader, const char *value)
{
	return read_true(value, &reader->config->replace_peers);
}

static int read_is_up(struct reader *reader, const char *value)
{
	return read_true(value, &reader->config->is_up);
}

static int read_errno(struct reader *reader, const char *value)
{
	uint64_t error = 0;

	/* wireguard-go says -22 here, too. */
	if (!number_from_text(&error, value[0] == '-' ? value + 1 : value, INT32_MAX))
		return -EINVAL;
	reader->error = (int64_t)error;
	return 0;
}

static int read_interface(struct reader *reader, const char *value)
{
	const char *colon = strchr(value, ':');
	struct interface_config *interface;

	if (!colon || colon == value || colon - value >= IFNAMSIZ)
		return -EINVAL;
	interface = config_add_interface(reader->config);
	if (!interface)
		return -ENOMEM;
	memcpy(interface->name, value, (size_t)(colon - value));
	interface->is_generic = strcmp(colon + 1, "generic") == 0;
	return 0;
}

static int read_verdict(struct reader *reader, const char *value)
{
	const char *colon = strchr(value, ':');
	enum verdict verdict;
	uint64_t count;

	if (!colon || !number_from_text(&count, colon + 1, UINT64_MAX))
		return -EINVAL;
	verdict = verdict_from_name(value, (size_t)(colon - value));
	if (verdict == VERDICT_COUNT)
		return 0;
	if (reader->peer)
		reader->peer->verdicts[verdict] = (uint32_t)count;
	else
		reader->config->verdicts[verdict] = count;
	return 0;
}

static int read_public_key(struct reader *reader, const char *value)
{
	reader->peer = config_add_peer(reader->config);
	if (!reader->peer)
		return -ENOMEM;
	return key_from_hex(reader->peer->public_key, value) ? 0 : -EINVAL;
}

static int read_remove(struct reader *reader, const char *value)
{
	return read_true(value, &reader->peer->remove);
}

static int read_update_only(struct reader *reader, const char *value)
{
	return read_true(value, &reader->peer->update_only);
}

static int read_preshared_key(struct reader *reader, const char *value)
{
	return read_key(value, reader->peer->preshared_key, &reader->peer->has_preshared_key);
}

static int read_protocol_version(struct reader *reader, const char *value)
{
	(void)reader;
	return strcmp(value, "1") == 0 ? 0 : -EINVAL;
}

static int read_endpoint(struct reader *reader, const char *value)
{
	reader->peer->has_endpoint = endpoint_from_text(&reader->peer->endpoint, value);
	return reader->peer->has_endpoint ? 0 : -EINVAL;
}

static int read_keepalive(struct reader *reader, const char *value)
{
	uint64_t seconds = 0;
	int error = read_unsigned(value, UINT16_MAX, &seconds);

	reader->peer->keepalive = (uint16_t)seconds;
	reader->peer->has_keepalive = true;
	return error;
}

static int read_replace_allowed_ips(struct reader *reader, const char *value)
{
	return read_true(value, &reader->peer->replace_allowed_ips);
}

static int read_allowed_ip(struct reader *reader, const char *value)
{
	struct allowed_ip parsed = {.remove = value[0] == '-'}, *allowed_ip;

	if (!prefix_from_text(&parsed.family, parsed.address, &parsed.prefix_length,
			      value + parsed.remove, true))
		return -EINVAL;
	allowed_ip = config_add_allowed_ip(reader->peer);
	if (!allowed_ip)
		return -ENOMEM;
	*allowed_ip = parsed;
	return 0;
}

/* One that people can read wherever it is shown. */
static int read_name(struct reader *reader, const char *value)
{
	for (const char *byte = value; *byte; byte++) {
		if (iscntrl((unsigned char)*byte))
			return -EINVAL;
	}
	if (strlen(value) > PEER_NAME_MAX)
		return -EINVAL;
	reader->peer->has_name = true;
	strcpy(reader->peer->name, value);
	return 0;
}

/* "HOST:PORT"; what the name is worth the resolver will say. */
static int read_endpoint_name(struct reader *reader, const char *value)
{
	const char *colon = strchr(value, ':');
	uint64_t port;

	if (!colon || colon == value || strlen(value) > ENDPOINT_NAME_MAX ||
	    !number_from_text(&port, colon + 1, UINT16_MAX) || port == 0 ||
	    strcspn(value, " /[]%\"'\\") != strlen(value))
		return -EINVAL;
	strcpy(reader->peer->endpoint_name, value);
	return 0;
}

static int read_roaming(struct reader *reader, const char *value)
{
	reader->peer->has_roaming = true;
	reader->peer->stays = strcmp(value, "off") == 0;
	return reader->peer->stays || strcmp(value, "on") == 0 ? 0 : -EINVAL;
}

static int read_limit(struct reader *reader, const char *value)
{
	int error = read_unsigned(value, UINT64_MAX, &reader->peer->limit);

	reader->peer->has_limit = true;
	return error || rate_is_good(reader->peer->limit) ? error : -EINVAL;
}

static int read_handshake_seconds(struct reader *reader, const char *value)
{
	return read_unsigned(value, INT64_MAX, &reader->peer->last_handshake_seconds);
}

static int read_handshake_nanoseconds(struct reader *reader, const char *value)
{
	uint64_t nanoseconds = 0;
	int error = read_unsigned(value, NANOSECONDS_PER_SECOND - 1, &nanoseconds);

	reader->peer->last_handshake_nanoseconds = (uint32_t)nanoseconds;
	return error;
}

static int read_received_bytes(struct reader *reader, const char *value)
{
	return read_unsigned(value, UINT64_MAX, &reader->peer->received_bytes);
}

static int read_sent_bytes(struct reader *reader, const char *value)
{
	return read_unsigned(value, UINT64_MAX, &reader->peer->sent_bytes);
}

static int read_received_packets(struct reader *reader, const char *value)
{
	return read_unsigned(value, UINT64_MAX, &reader->peer->received_packets);
}

static int read_sent_packets(struct reader *reader, const char *value)
{
	return read_unsigned(value, UINT64_MAX, &reader->peer->sent_packets);
}

/* ---- lines ---------------------------------------------------------------------------------------- */

enum place {
	OF_REQUEST = 1 << 0,
	OF_ANSWER = 1 << 1,
	OF_DEVICE = 1 << 2,
	OF_PEER = 1 << 3,
};

static const struct key {
	const char *name;
	unsigned int places;
	int (*read)(struct reader *reader, const char *value);
} keys[] = {
	{"allowed_ip", OF_REQUEST | OF_ANSWER | OF_PEER, read_allowed_ip},
	{"public_key", OF_REQUEST | OF_ANSWER | OF_DEVICE | OF_PEER, read_public_key},
	{"private_key", OF_REQUEST | OF_ANSWER | OF_DEVICE, read_private_key},
	{"listen_port", OF_REQUEST | OF_ANSWER | OF_DEVICE, read_listen_port},
	{"fwmark", OF_REQUEST | OF_ANSWER | OF_DEVICE, read_fwmark},
	{"wgxdp_clamp_mss", OF_REQUEST | OF_ANSWER | OF_DEVICE, read_clamp_mss},
	{"wgxdp_bind", OF_REQUEST | OF_ANSWER | OF_DEVICE, read_bind},
	{"replace_peers", OF_REQUEST | OF_DEVICE, read_replace_peers},
	{"wgxdp_interface", OF_ANSWER | OF_DEVICE, read_interface},
	{"wgxdp_is_up", OF_ANSWER | OF_DEVICE, read_is_up},
	{"wgxdp_verdict", OF_ANSWER | OF_DEVICE | OF_PEER, read_verdict},
	{"wgxdp_name", OF_REQUEST | OF_ANSWER | OF_PEER, read_name},
	{"wgxdp_endpoint", OF_REQUEST | OF_ANSWER | OF_PEER, read_endpoint_name},
	{"wgxdp_roaming", OF_REQUEST | OF_ANSWER | OF_PEER, read_roaming},
	{"wgxdp_limit", OF_REQUEST | OF_ANSWER | OF_PEER, read_limit},
	{"remove", OF_REQUEST | OF_PEER, read_remove},
	{"update_only", OF_REQUEST | OF_PEER, read_update_only},
	{"preshared_key", OF_REQUEST | OF_ANSWER | OF_PEER, read_preshared_key},
	{"protocol_version", OF_REQUEST | OF_ANSWER | OF_PEER, read_protocol_version},
	{"endpoint", OF_REQUEST | OF_ANSWER | OF_PEER, read_endpoint},
	{"persistent_keepalive_interval", OF_REQUEST | OF_ANSWER | OF_PEER, read_keepalive},
	{"replace_allowed_ips", OF_REQUEST | OF_PEER, read_replace_allowed_ips},
	{"last_handshake_time_sec", OF_ANSWER | OF_PEER, read_handshake_seconds},
	{"last_handshake_time_nsec", OF_ANSWER | OF_PEER, read_handshake_nanoseconds},
	{"rx_bytes", OF_ANSWER | OF_PEER, read_received_bytes},
	{"tx_bytes", OF_ANSWER | OF_PEER, read_sent_bytes},
	{"wgxdp_rx_packets", OF_ANSWER | OF_PEER, read_received_packets},
	{"wgxdp_tx_packets", OF_ANSWER | OF_PEER, read_sent_packets},
	{"errno", OF_ANSWER | OF_DEVICE | OF_PEER, read_errno},
};

static int read_line(struct reader *reader, enum place kind, char *line)
{
	unsigned int places = kind | (reader->peer ? OF_PEER : OF_DEVICE);
	char *value = strchr(line, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(line, keys[i].name) == 0 && (keys[i].places & places) == places)
			return keys[i].read(reader, value);
	}
	return kind == OF_ANSWER ? 0 : -EINVAL;
}

static bool starts_with(const char *text, size_t length, const char *start)
{
	return length >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

/* Lines up to the empty one, which must be the last, or up to the peer that would be one too many: 1, and the cursor
 * stands before it. */
static int read_lines(struct reader *reader, enum place kind, struct uapi_cursor *cursor,
		      size_t most)
{
	char line[LINE_LENGTH_MAX + 1];
	int error = 0;

	while (!error) {
		const char *newline = memchr(cursor->text, '\n', cursor->length);
		size_t line_length;

		error = -EINVAL;
		if (!newline)
			break;
		line_length = (size_t)(newline - cursor->text);
		if (line_length == 0) {
			error = cursor->length == 1 ? 0 : -EINVAL;
			break;
		}
		if (line_length > LINE_LENGTH_MAX || memchr(cursor->text, '\0', line_length))
			break;
		if (reader->config->peer_count == most &&
		    starts_with(cursor->text, line_length, "public_key=")) {
			error = 1;
			break;
		}
		memcpy(line, cursor->text, line_length);
		line[line_length] = '\0';
		cursor->text += line_length + 1;
		cursor->length -= line_length + 1;
		error = read_line(reader, kind, line);
	}
	crypto_wipe(line, sizeof(line));
	return error;
}

size_t uapi_request_length(const char *text, size_t length)
{
	const char *end;

	/* Nothing before the empty line is a request too: a bad one. */
	if (length > 0 && text[0] == '\n')
		return 1;
	end = memmem(text, length, "\n\n", 2);
	return end ? (size_t)(end - text) + 2 : 0;
}

int uapi_begin_request(const char *text, size_t length, enum uapi_operation *operation,
		       struct uapi_cursor *cursor)
{
	*operation = starts_with(text, length, "get=")             ? UAPI_GET
		     : starts_with(text, length, "wgxdp_monitor=") ? UAPI_MONITOR
								   : UAPI_SET;
	if (*operation == UAPI_MONITOR)
		return length == 17 && memcmp(text, "wgxdp_monitor=1\n\n", 17) == 0 ? 0 : -EINVAL;
	if (*operation == UAPI_GET)
		return length == 7 && memcmp(text, "get=1\n\n", 7) == 0 ? 0 : -EINVAL;
	if (!starts_with(text, length, "set=1\n"))
		return -EINVAL;
	*cursor = (struct uapi_cursor){text + 6, length - 6, false};
	return 0;
}

int uapi_read_piece(struct uapi_cursor *cursor, size_t most, struct device_config *piece)
{
	struct reader reader = {.config = piece};
	/* what is not the device's own must not be where that is expected */
	struct peer_config none;
	int more;

	memset(piece, 0, sizeof(*piece));
	if (cursor->has_begun)
		reader.peer = &none;
	cursor->has_begun = true;
	more = read_lines(&reader, OF_REQUEST, cursor, most);
	if (more < 0)
		config_free(piece);
	return more;
}

int uapi_parse_request(const char *text, size_t length, enum uapi_operation *operation,
		       struct device_config *config)
{
	struct uapi_cursor cursor;
	int error = uapi_begin_request(text, length, operation, &cursor);

	memset(config, 0, sizeof(*config));
	return error || *operation != UAPI_SET ? error : uapi_read_piece(&cursor, SIZE_MAX, config);
}

int uapi_parse_answer(const char *text, size_t length, struct device_config *config)
{
	struct reader reader = {.config = config, .error = -1};
	struct uapi_cursor cursor = {.text = text, .length = length};
	int error;

	memset(config, 0, sizeof(*config));
	error = read_lines(&reader, OF_ANSWER, &cursor, SIZE_MAX);
	if (error == -EINVAL || (!error && reader.error < 0))
		error = -EPROTO;
	else if (!error)
		error = (int)-reader.error;
	if (error)
		config_free(config);
	return error;
}
