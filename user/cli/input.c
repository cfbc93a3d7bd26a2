// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * input.c - values of the command line and of key files (input.h). Keys never come from the command line
 * but for public ones: others could read it.
 */
#include <agent/resolve.h>
#include <cli/input.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_EXPECTED "expected a key of 44 characters of base64"

bool input_public_key(const struct arguments *arguments, const char *text, uint8_t key[static 32])
{
	if (!key_from_base64(key, text)) {
		complain(arguments, "'%s' is not a public key: " KEY_EXPECTED, text);
		return false;
	}
	return true;
}

/* Not by stdio, whose buffer nobody wipes. All of the file, or -EFBIG. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, size - length)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		length += (size_t)got;
		if (length == size)
			return -EFBIG;
	}
	return (ssize_t)length;
}

bool input_key(const struct arguments *arguments, int fd, const char *name, bool may_be_empty,
	       uint8_t key[static 32])
{
	/* a key, an end of line, and some mercy */
	char text[64];
	ssize_t length = read_all(fd, text, sizeof(text));
	bool good;

	if (length < 0 && length != -EFBIG) {
		complain(arguments, "cannot read %s: %s", name, strerror((int)-length));
		return false;
	}
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	if (length >= 0)
		text[length] = '\0';
	if (length == 0 && may_be_empty) {
		memset(key, 0, 32);
		good = true;
	} else {
		good = length == KEY_BASE64_LENGTH && key_from_base64(key, text);
	}
	crypto_wipe(text, sizeof(text));
	if (!good)
		complain(arguments, "there is no key in %s: " KEY_EXPECTED ", and nothing else",
			 name);
	return good;
}

bool input_key_file(const struct arguments *arguments, const char *path, bool may_be_empty,
		    uint8_t key[static 32])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	if (fd < 0) {
		complain(arguments, "cannot read key file %s: %s", path, strerror(errno));
		return false;
	}
	good = input_key(arguments, fd, path, may_be_empty, key);
	close(fd);
	return good;
}

static bool hexadecimal_from_text(uint64_t *number, const char *text, uint64_t max)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]))
		return false;
	/* what does not fit becomes UINT64_MAX, more than any `max` here */
	*number = strtoull(text, &end, 16);
	return *end == '\0' && *number <= max && !strpbrk(text, "xX");
}

bool input_number(const struct arguments *arguments, const char *what, const char *text,
		  uint64_t max, uint64_t *number)
{
	bool is_hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	if (is_hexadecimal ? !hexadecimal_from_text(number, text + 2, max)
			   : !number_from_text(number, text, max)) {
		complain(arguments, "--%s '%s': expected a number from 0 to %llu", what, text,
			 (unsigned long long)max);
		return false;
	}
	return true;
}

bool input_keepalive(const struct arguments *arguments, const char *text, uint16_t *seconds)
{
	uint64_t number = 0;

	if (strcmp(text, "off") != 0 && !number_from_text(&number, text, UINT16_MAX)) {
		complain(arguments, "--keepalive '%s': expected seconds from 1 to 65535, or off",
			 text);
		return false;
	}
	*seconds = (uint16_t)number;
	return true;
}

static bool read_prefix(const struct arguments *arguments, const char *what, const char *text,
			bool mask_host_bits, struct allowed_ip *prefix)
{
	if (!prefix_from_text(&prefix->family, prefix->address, &prefix->prefix_length, text,
			      mask_host_bits)) {
		complain(arguments,
			 "--%s '%s': expected an IPv4 or IPv6 address with a prefix length of at "
			 "most 32 or 128",
			 what, text);
		return false;
	}
	return true;
}

bool input_address(const struct arguments *arguments, const char *text, struct allowed_ip *address)
{
	return read_prefix(arguments, "address", text, false, address);
}

bool input_prefixes(const struct arguments *arguments, const char *what, const char *text,
		    struct peer_config *peer)
{
	char *list = strdup(text), *next = list, *one;
	bool good = list != NULL;

	if (!list)
		complain(arguments, "out of memory");
	while (good && *text && (one = strsep(&next, ","))) {
		struct allowed_ip parsed = {0}, *allowed_ip;

		good = read_prefix(arguments, what, one, true, &parsed);
		if (!good)
			break;
		allowed_ip = config_add_allowed_ip(peer);
		if (allowed_ip) {
			*allowed_ip = parsed;
		} else {
			complain(arguments, "out of memory");
			good = false;
		}
	}
	free(list);
	return good;
}

bool input_is_endpoint(const struct arguments *arguments, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct endpoint ignored;
	uint64_t port;

	if (endpoint_from_text(&ignored, text))
		return true;
	/* a ':' in the name itself: an IPv6 address that wants brackets */
	if (!colon || colon == text || memchr(text, ':', (size_t)(colon - text)) ||
	    strlen(text) > ENDPOINT_NAME_MAX || strpbrk(text, " /[]%\"'\\\n") ||
	    !number_from_text(&port, colon + 1, UINT16_MAX) || port == 0) {
		complain(arguments,
			 "--endpoint '%s': expected HOST:PORT or [IPV6]:PORT, with a port from 1 "
			 "to 65535",
			 text);
		return false;
	}
	return true;
}

bool input_endpoint(const struct arguments *arguments, const char *text, struct peer_config *peer)
{
	const char *why;

	if (endpoint_from_text(&peer->endpoint, text)) {
		peer->has_endpoint = true;
		return true;
	}
	if (!input_is_endpoint(arguments, text))
		return false;
	if (!resolve_endpoint(text, &peer->endpoint, &why)) {
		complain(arguments, "--endpoint '%s': cannot resolve it: %s", text, why);
		return false;
	}
	peer->has_endpoint = true;
	strcpy(peer->endpoint_name, text);
	return true;
}

static bool read_limit(const struct arguments *arguments, const char *what, uint32_t most,
		       uint32_t *limit)
{
	const char *text = option_value(arguments, what, 0);
	uint64_t number = 0;

	*limit = 0;
	if (text && (!number_from_text(&number, text, most) || number == 0)) {
		complain(arguments, "--%s '%s': expected a number from 1 to %u", what, text, most);
		return false;
	}
	*limit = (uint32_t)number;
	return true;
}

bool input_limits(const struct arguments *arguments, struct datapath_limits *limits)
{
	return read_limit(arguments, "max-peers", PEERS_MAX_MOST, &limits->peers) &&
	       read_limit(arguments, "max-sessions", SESSIONS_MAX_MOST, &limits->sessions) &&
	       read_limit(arguments, "max-allowed-ips", ALLOWED_IPS_MAX_MOST, &limits->allowed_ips);
}

bool input_rules(const struct arguments *arguments, struct device_config *config)
{
	const char *segment = option_value(arguments, "clamp-mss", 0), *text;

	for (unsigned int i = 0; (text = option_value(arguments, "bind", i)); i++) {
		if (i == BOUND_ADDRESSES_MAX) {
			complain(arguments, "--bind '%s': expected at most %u of them", text,
				 BOUND_ADDRESSES_MAX);
			return false;
		}
		if (!config_bind(config, text)) {
			complain(arguments,
				 "--bind '%s': expected an IPv4 or IPv6 address of this host that "
				 "is not link-local, or any",
				 text);
			return false;
		}
	}
	config->has_mss_limit = segment;
	if (segment && !mss_limit_from_text(&config->mss_limit, segment)) {
		complain(arguments,
			 "--clamp-mss '%s': expected on, off, or a number from 88 to 65495",
			 segment);
		return false;
	}
	return true;
}
