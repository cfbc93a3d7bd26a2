// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conf_parse.c - reads a tunnel's file (conf.h). A file is lines "Key = value" in sections [Interface] and [Peer], of
 * which there may be several; keys and sections in any case; what follows a '#' is a comment.
 *
 * Two kinds of comment mean something to us and nothing to others:
 *   # name = Anna's phone     of the peer whose section begins on the next line, or else in whose section it is;
 *   # Anna's phone            without "name =" in the first case only
 *   #wgxdp Key = value        a key that wg-quick(8) would refuse
 */
#include <cli/conf.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	/* a peer with all its allowed IPs may be on one line */
	LINE_MAX_LENGTH = 1 << 22,
	MTU_MIN = 68,
	MTU_MAX = 65535,
};

#define OUR_COMMENT "wgxdp"
#define NAME_COMMENT "name"
#define NOT_OF_A_NAME "# \t\r\v\f" /* decoration around it */

enum section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

struct parser {
	struct conf *conf;
	struct conf_error *error;
	unsigned int line;
	enum section section;
	/* the one whose section is being read */
	struct peer_config *peer;
	unsigned int peer_line;
	bool peer_has_key;
	/* of the comments just before: the last one, and the last that says "name =" */
	char comment[PEER_NAME_MAX + 1];
	char name[PEER_NAME_MAX + 1];
};

/* ---- words --------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool refuse(struct parser *parser, const char *format,
							 ...)
{
	va_list values;

	parser->error->line = parser->line;
	va_start(values, format);
	vsnprintf(parser->error->text, sizeof(parser->error->text), format, values);
	va_end(values);
	return false;
}

static bool no_memory(struct parser *parser)
{
	return refuse(parser, "out of memory");
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* The next of "a, b c" or NULL; commas and spaces separate. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, ", \t\v\f\r");
	size_t length = strcspn(word, ", \t\v\f\r");

	if (!length)
		return NULL;
	*rest = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

static bool add_item(struct parser *parser, struct conf_list *list, const char *text)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(items[0]));

	if (items)
		list->items = items;
	if (!items || !(items[list->count] = strdup(text)))
		return no_memory(parser);
	list->count++;
	return true;
}

/* As people may read it: no control characters, nothing around it, and a character that does not fit is left out
 * whole. */
static void copy_name(char name[static PEER_NAME_MAX + 1], const char *text)
{
	size_t length;

	text += strspn(text, NOT_OF_A_NAME);
	length = strlen(text);

	if (length > PEER_NAME_MAX) {
		length = PEER_NAME_MAX;
		while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	while (length && strchr(NOT_OF_A_NAME, text[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++)
		name[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	name[length] = '\0';
}

/* ---- values -------------------------------------------------------------------------------------- */

static bool read_key(struct parser *parser, const char *value, uint8_t key[static 32])
{
	/* a secret is not repeated */
	return key_from_base64(key, value) ||
	       refuse(parser, "that is not a key: expected 44 characters of base64");
}

static bool read_number(struct parser *parser, const char *value, uint64_t min, uint64_t max,
			uint64_t *number)
{
	return (number_from_text(number, value, max) && *number >= min) ||
	       refuse(parser, "'%.60s': expected a number from %llu to %llu", value,
		      (unsigned long long)min, (unsigned long long)max);
}

static bool read_private_key(struct parser *parser, char *value)
{
	parser->conf->device.has_private_key = true;
	return read_key(parser, value, parser->conf->device.private_key);
}

static bool read_listen_port(struct parser *parser, char *value)
{
	uint64_t port = 0;
	bool good = read_number(parser, value, 0, UINT16_MAX, &port);

	parser->conf->device.has_listen_port = true;
	parser->conf->device.listen_port = (uint16_t)port;
	return good;
}

static bool hexadecimal_from_text(uint64_t *number, const char *text)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]) || strlen(text) > 8)
		return false;
	*number = strtoull(text, &end, 16);
	return *end == '\0';
}

static bool read_fwmark(struct parser *parser, char *value)
{
	uint64_t mark = 0;
	bool good = !strcasecmp(value, "off") ||
		    (strncasecmp(value, "0x", 2) == 0 ? hexadecimal_from_text(&mark, value + 2)
						      : number_from_text(&mark, value, UINT32_MAX));

	parser->conf->device.has_fwmark = true;
	parser->conf->device.fwmark = (uint32_t)mark;
	return good ||
	       refuse(parser, "'%.60s': expected a mark from 0 to 0xffffffff, or off", value);
}

static bool read_address(struct parser *parser, char *value)
{
	struct conf *conf = parser->conf;
	char *word;

	while ((word = next_word(&value))) {
		struct allowed_ip address = {0}, *addresses;

		if (!prefix_from_text(&address.family, address.address, &address.prefix_length,
				      word, false))
			return refuse(
				parser,
				"'%.60s': expected an IPv4 or IPv6 address, with a prefix length or "
				"without",
				word);
		addresses = reallocarray(conf->addresses, conf->address_count + 1,
					 sizeof(addresses[0]));
		if (!addresses)
			return no_memory(parser);
		conf->addresses = addresses;
		conf->addresses[conf->address_count++] = address;
	}
	return true;
}

/* A server's address, or a domain that is searched. Both reach resolvconf as lines of their own. */
static bool read_dns(struct parser *parser, char *value)
{
	char *word;

	while ((word = next_word(&value))) {
		enum address_family family;
		uint8_t address[16], length;
		bool is_address = !strchr(word, '/') &&
				  prefix_from_text(&family, address, &length, word, false);

		if (!is_address &&
		    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_~") != strlen(word))
			return refuse(parser, "'%.60s': expected an address or a domain", word);
		if (!add_item(parser,
			      is_address ? &parser->conf->dns_servers : &parser->conf->dns_domains,
			      word))
			return false;
	}
	return true;
}

static bool read_mtu(struct parser *parser, char *value)
{
	uint64_t mtu = 0;

	if (!read_number(parser, value, MTU_MIN, MTU_MAX, &mtu))
		return false;
	parser->conf->mtu = (uint32_t)mtu;
	return true;
}

static bool read_table(struct parser *parser, char *value)
{
	struct conf *conf = parser->conf;

	if (!*value || strlen(value) > TABLE_NAME_MAX || strpbrk(value, " \t"))
		return refuse(parser,
			      "'%.60s': expected auto, off, or a routing table's number or name",
			      value);
	conf->table = !strcasecmp(value, "off")    ? TABLE_OFF
		      : !strcasecmp(value, "auto") ? TABLE_AUTO
						   : TABLE_NAMED;
	snprintf(conf->table_name, sizeof(conf->table_name), "%s", value);
	return true;
}

static bool read_save_config(struct parser *parser, char *value)
{
	parser->conf->saves_itself = !strcmp(value, "true");
	return parser->conf->saves_itself || !strcmp(value, "false") ||
	       refuse(parser, "'%.60s': expected true or false", value);
}

#define HOOK_READER(name, hook)                                                                    \
	static bool name(struct parser *parser, char *value)                                       \
	{                                                                                          \
		return add_item(parser, &parser->conf->hooks[hook], value);                        \
	}
HOOK_READER(read_pre_up, HOOK_PRE_UP)
HOOK_READER(read_post_up, HOOK_POST_UP)
HOOK_READER(read_pre_down, HOOK_PRE_DOWN)
HOOK_READER(read_post_down, HOOK_POST_DOWN)

static bool read_bind(struct parser *parser, char *value)
{
	char *word;

	while ((word = next_word(&value))) {
		if (!config_bind(&parser->conf->device, word))
			return refuse(parser,
				      "'%.60s': expected at most %u IPv4 or IPv6 addresses of this "
				      "host that are not link-local, or any",
				      word, BOUND_ADDRESSES_MAX);
	}
	return true;
}

static bool read_clamp_mss(struct parser *parser, char *value)
{
	parser->conf->device.has_mss_limit = true;
	return mss_limit_from_text(&parser->conf->device.mss_limit, value) ||
	       refuse(parser, "'%.60s': expected on, off, or a number from 88 to 65495", value);
}

static bool read_limit_of(struct parser *parser, const char *value, uint32_t most, uint32_t *limit)
{
	uint64_t number = 0;
	bool good = read_number(parser, value, 1, most, &number);

	*limit = (uint32_t)number;
	return good;
}

#define LIMIT_READER(function, field, most)                                                        \
	static bool function(struct parser *parser, char *value)                                   \
	{                                                                                          \
		return read_limit_of(parser, value, most, &parser->conf->limits.field);            \
	}
LIMIT_READER(read_max_peers, peers, PEERS_MAX_MOST)
LIMIT_READER(read_max_sessions, sessions, SESSIONS_MAX_MOST)
LIMIT_READER(read_max_allowed_ips, allowed_ips, ALLOWED_IPS_MAX_MOST)

static bool read_public_key(struct parser *parser, char *value)
{
	parser->peer_has_key = true;
	return key_from_base64(parser->peer->public_key, value) ||
	       refuse(parser, "'%.60s' is not a public key: expected 44 characters of base64",
		      value);
}

static bool read_preshared_key(struct parser *parser, char *value)
{
	parser->peer->has_preshared_key = true;
	return read_key(parser, value, parser->peer->preshared_key);
}

static bool read_allowed_ips(struct parser *parser, char *value)
{
	char *word;

	while ((word = next_word(&value))) {
		struct allowed_ip parsed = {0}, *allowed;

		if (!prefix_from_text(&parsed.family, parsed.address, &parsed.prefix_length, word,
				      true))
			return refuse(
				parser,
				"'%.60s': expected an IPv4 or IPv6 prefix, its length at most 32 or "
				"128",
				word);
		allowed = config_add_allowed_ip(parser->peer);
		if (!allowed)
			return no_memory(parser);
		*allowed = parsed;
	}
	return true;
}

/* "name:port" with a port in digits; an IPv6 address wants brackets. */
static bool is_name_and_port(const char *value)
{
	const char *colon = strchr(value, ':');
	uint64_t port;

	return colon && colon > value && strlen(value) <= ENDPOINT_NAME_MAX &&
	       number_from_text(&port, colon + 1, UINT16_MAX) && port > 0 &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		       (size_t)(colon - value);
}

static bool read_endpoint(struct parser *parser, char *value)
{
	struct peer_config *peer = parser->peer;

	peer->has_endpoint = endpoint_from_text(&peer->endpoint, value);
	peer->endpoint_name[0] = '\0';
	if (peer->has_endpoint)
		return true;
	if (!is_name_and_port(value))
		return refuse(
			parser,
			"'%.60s': expected HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535",
			value);
	snprintf(peer->endpoint_name, sizeof(peer->endpoint_name), "%s", value);
	return true;
}

static bool read_keepalive(struct parser *parser, char *value)
{
	uint64_t seconds = 0;

	parser->peer->has_keepalive = true;
	if (strcasecmp(value, "off") != 0 && !read_number(parser, value, 0, UINT16_MAX, &seconds))
		return false;
	parser->peer->keepalive = (uint16_t)seconds;
	return true;
}

static bool read_name(struct parser *parser, char *value)
{
	parser->peer->has_name = true;
	copy_name(parser->peer->name, value);
	return true;
}

static bool read_roaming(struct parser *parser, char *value)
{
	parser->peer->has_roaming = true;
	parser->peer->stays = !strcasecmp(value, "off");
	return parser->peer->stays || !strcasecmp(value, "on") ||
	       refuse(parser, "'%.60s': expected on or off", value);
}

static bool read_limit(struct parser *parser, char *value)
{
	parser->peer->has_limit = true;
	return rate_from_text(&parser->peer->limit, value) ||
	       refuse(parser, "'%.60s': expected a rate like 100mbit, from 8kbit on, or off",
		      value);
}

/* ---- lines --------------------------------------------------------------------------------------- */

static const struct conf_key {
	const char *name;
	enum section section;
	/* behind "#wgxdp" only */
	bool is_ours;
	bool (*read)(struct parser *parser, char *value);
} keys[] = {
	{"PrivateKey", SECTION_INTERFACE, false, read_private_key},
	{"ListenPort", SECTION_INTERFACE, false, read_listen_port},
	{"FwMark", SECTION_INTERFACE, false, read_fwmark},
	{"Address", SECTION_INTERFACE, false, read_address},
	{"DNS", SECTION_INTERFACE, false, read_dns},
	{"MTU", SECTION_INTERFACE, false, read_mtu},
	{"Table", SECTION_INTERFACE, false, read_table},
	{"PreUp", SECTION_INTERFACE, false, read_pre_up},
	{"PostUp", SECTION_INTERFACE, false, read_post_up},
	{"PreDown", SECTION_INTERFACE, false, read_pre_down},
	{"PostDown", SECTION_INTERFACE, false, read_post_down},
	{"SaveConfig", SECTION_INTERFACE, false, read_save_config},
	{"Bind", SECTION_INTERFACE, true, read_bind},
	{"ClampMSS", SECTION_INTERFACE, true, read_clamp_mss},
	{"MaxPeers", SECTION_INTERFACE, true, read_max_peers},
	{"MaxSessions", SECTION_INTERFACE, true, read_max_sessions},
	{"MaxAllowedIPs", SECTION_INTERFACE, true, read_max_allowed_ips},
	{"PublicKey", SECTION_PEER, false, read_public_key},
	{"PresharedKey", SECTION_PEER, false, read_preshared_key},
	{"AllowedIPs", SECTION_PEER, false, read_allowed_ips},
	{"Endpoint", SECTION_PEER, false, read_endpoint},
	{"PersistentKeepalive", SECTION_PEER, false, read_keepalive},
	{"Name", SECTION_PEER, true, read_name},
	{"Roaming", SECTION_PEER, true, read_roaming},
	{"Limit", SECTION_PEER, true, read_limit},
};

static bool refuse_key(struct parser *parser, const char *name, bool is_ours)
{
	char expected[160] = "";

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].section != parser->section || keys[i].is_ours != is_ours)
			continue;
		if (*expected)
			strcat(expected, ", ");
		strcat(expected, keys[i].name);
	}
	return refuse(parser, "'%.30s': expected %s", name, *expected ? expected : "no such line");
}

static bool read_pair(struct parser *parser, char *pair, bool is_ours)
{
	char *equals = strchr(pair, '='), *name;

	if (!equals)
		return refuse(parser, "'%.60s': expected KEY = VALUE, [Interface] or [Peer]", pair);
	if (parser->section == SECTION_NONE)
		return refuse(parser, "a value before the first section: expected [Interface]");
	*equals = '\0';
	name = trim(pair);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcasecmp(name, keys[i].name) && keys[i].section == parser->section &&
		    keys[i].is_ours == is_ours)
			return keys[i].read(parser, trim(equals + 1));
	}
	return refuse_key(parser, name, is_ours);
}

/* The peer that ends here must be one. */
static bool end_section(struct parser *parser)
{
	if (parser->section != SECTION_PEER || parser->peer_has_key)
		return true;
	parser->line = parser->peer_line;
	return refuse(parser, "this [Peer] has no PublicKey");
}

static bool begin_section(struct parser *parser, const char *name)
{
	if (!end_section(parser))
		return false;
	if (!strcasecmp(name, "[Interface]")) {
		parser->section = SECTION_INTERFACE;
		return true;
	}
	if (strcasecmp(name, "[Peer]") != 0)
		return refuse(parser, "'%.60s': expected [Interface] or [Peer]", name);
	parser->section = SECTION_PEER;
	parser->peer = config_add_peer(&parser->conf->device);
	if (!parser->peer)
		return no_memory(parser);
	parser->peer->replace_allowed_ips = true;
	parser->peer_has_key = false;
	parser->peer_line = parser->line;
	return true;
}

/* After a line that is no comment: whose name was in those before it. */
static void end_comments(struct parser *parser, bool begins_peer)
{
	const char *name = *parser->name || !begins_peer ? parser->name : parser->comment;

	if (*name && parser->section == SECTION_PEER) {
		parser->peer->has_name = true;
		copy_name(parser->peer->name, name);
	}
	parser->comment[0] = '\0';
	parser->name[0] = '\0';
}

/* "name = X" becomes X; else NULL. */
static char *value_of_name(char *comment)
{
	char *value = comment + strlen(NAME_COMMENT);

	if (strncasecmp(comment, NAME_COMMENT, strlen(NAME_COMMENT)) != 0)
		return NULL;
	value += strspn(value, " \t");
	return *value == '=' ? trim(value + 1) : NULL;
}

/* A line that is nothing else. */
static bool read_comment(struct parser *parser, char *comment)
{
	char *name;

	if (strncmp(comment, OUR_COMMENT, strlen(OUR_COMMENT)) == 0 &&
	    strchr(" \t", comment[strlen(OUR_COMMENT)]) && comment[strlen(OUR_COMMENT)])
		return read_pair(parser, trim(comment + strlen(OUR_COMMENT)), true);
	comment += strspn(comment, NOT_OF_A_NAME);
	name = value_of_name(comment);
	copy_name(name ? parser->name : parser->comment, name ? name : comment);
	return true;
}

static bool read_line(struct parser *parser, char *line)
{
	char *hash = strchr(line, '#'), *text;
	bool good = true;

	if (hash)
		*hash = '\0';
	text = trim(line);
	if (!*text && hash)
		return read_comment(parser, hash + 1);
	/* before the line when the peer is the one so far, after it when it begins there */
	if (*text == '[')
		good = begin_section(parser, text);
	end_comments(parser, *text == '[');
	return *text && *text != '[' ? read_pair(parser, text, false) : good;
}

static bool read_lines(struct parser *parser, const char *text, size_t length)
{
	const char *end = text + length;
	bool good = true;

	while (good && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_length = (size_t)((newline ? newline : end) - text);
		char *line;

		parser->line++;
		if (line_length > LINE_MAX_LENGTH)
			return refuse(parser, "the line is too long");
		if (memchr(text, '\0', line_length))
			return refuse(parser, "a byte that is zero: expected text");
		line = strndup(text, line_length);
		if (!line)
			return no_memory(parser);
		good = read_line(parser, line);
		/* it may be a secret */
		crypto_wipe(line, line_length);
		free(line);
		text += line_length + 1;
	}
	if (good)
		end_comments(parser, false);
	return good && end_section(parser);
}

bool conf_parse(const char *text, size_t length, struct conf *conf, struct conf_error *error)
{
	struct parser parser = {.conf = conf, .error = error};

	*conf = (struct conf){.device.replace_peers = true};
	if (read_lines(&parser, text, length))
		return true;
	conf_free(conf);
	return false;
}
