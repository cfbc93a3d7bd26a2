// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * encoding.c - keys, numbers, prefixes and endpoints as text (encoding.h). It resolves no names: that
 * is the commands' business.
 *
 * libsodium's base64 and hex take the same time whatever the bytes are, and refuse stray bits in the
 * last character, so that a key has one spelling.
 */
#include <util/encoding.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void key_to_base64(char text[static KEY_BASE64_LENGTH + 1], const uint8_t key[static 32])
{
	sodium_bin2base64(text, KEY_BASE64_LENGTH + 1, key, 32, sodium_base64_VARIANT_ORIGINAL);
}

bool key_from_base64(uint8_t key[static 32], const char *text)
{
	uint8_t bytes[32];
	size_t length;
	bool good = strlen(text) == KEY_BASE64_LENGTH &&
		    sodium_base642bin(bytes, sizeof(bytes), text, KEY_BASE64_LENGTH, NULL, &length,
				      NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		    length == sizeof(bytes);

	if (good)
		memcpy(key, bytes, sizeof(bytes));
	sodium_memzero(bytes, sizeof(bytes));
	return good;
}

void key_to_hex(char text[static KEY_HEX_LENGTH + 1], const uint8_t key[static 32])
{
	sodium_bin2hex(text, KEY_HEX_LENGTH + 1, key, 32);
}

bool key_from_hex(uint8_t key[static 32], const char *text)
{
	uint8_t bytes[32];
	bool good =
		strlen(text) == KEY_HEX_LENGTH &&
		sodium_hex2bin(bytes, sizeof(bytes), text, KEY_HEX_LENGTH, NULL, NULL, NULL) == 0;

	if (good)
		memcpy(key, bytes, sizeof(bytes));
	sodium_memzero(bytes, sizeof(bytes));
	return good;
}

bool number_from_text(uint64_t *number, const char *text, uint64_t max)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned char)*text - '0';

		if (digit > 9 || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

/* An address without anything after it. */
static bool address_from_text(enum address_family *family, uint8_t address[static 16],
			      const char *text)
{
	uint8_t bytes[16] = {0};

	if (inet_pton(AF_INET, text, bytes) == 1)
		*family = FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*family = FAMILY_IPV6;
	else
		return false;
	memcpy(address, bytes, sizeof(bytes));
	return true;
}

/* Copies what stands before `end`; false when it does not fit. */
static bool copy_until(char *to, size_t size, const char *from, const char *end)
{
	size_t length = (size_t)(end - from);

	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

static void clear_host_bits(uint8_t *address, unsigned int prefix_length)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int kept = prefix_length > i * 8 ? prefix_length - i * 8 : 0;

		if (kept < 8)
			address[i] &= (uint8_t)(0xff00 >> kept);
	}
}

bool prefix_from_text(enum address_family *family, uint8_t address[static 16],
		      uint8_t *prefix_length, const char *text, bool mask_host_bits)
{
	const char *slash = strchrnul(text, '/');
	char address_text[ADDRESS_TEXT_LENGTH];
	enum address_family its_family;
	uint8_t bytes[16];
	uint64_t length;
	unsigned int whole;

	if (!copy_until(address_text, sizeof(address_text), text, slash) ||
	    !address_from_text(&its_family, bytes, address_text))
		return false;
	whole = its_family == FAMILY_IPV4 ? 32 : 128;
	length = whole;
	if (*slash && !number_from_text(&length, slash + 1, whole))
		return false;
	if (mask_host_bits)
		clear_host_bits(bytes, (unsigned int)length);
	*family = its_family;
	*prefix_length = (uint8_t)length;
	memcpy(address, bytes, sizeof(bytes));
	return true;
}

static bool is_link_local(const struct endpoint *endpoint)
{
	return endpoint->family == FAMILY_IPV6 && endpoint->address[0] == 0xfe &&
	       (endpoint->address[1] & 0xc0) == 0x80;
}

/* "eth0" or "2", after the '%' of a link-local address. */
static bool scope_from_text(uint32_t *ifindex, const char *text)
{
	uint64_t number;

	*ifindex = if_nametoindex(text);
	if (*ifindex == 0 && number_from_text(&number, text, INT32_MAX))
		*ifindex = (uint32_t)number;
	return *ifindex != 0;
}

bool endpoint_from_text(struct endpoint *endpoint, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct endpoint result = {0};
	char host[ADDRESS_TEXT_LENGTH], *start = host, *scope;
	enum address_family family, expected = FAMILY_IPV4;
	size_t length;
	uint64_t port;

	if (!colon || !copy_until(host, sizeof(host), text, colon) ||
	    !number_from_text(&port, colon + 1, UINT16_MAX) || port == 0)
		return false;
	length = strlen(host);
	if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		start++;
		expected = FAMILY_IPV6;
	}
	scope = strchr(start, '%');
	if (scope)
		*scope++ = '\0';
	if (!address_from_text(&family, result.address, start) || family != expected)
		return false;
	result.family = (uint8_t)family;
	if (scope && (!is_link_local(&result) || !scope_from_text(&result.ifindex, scope)))
		return false;
	result.port[0] = (uint8_t)(port >> 8);
	result.port[1] = (uint8_t)port;
	*endpoint = result;
	return true;
}

void address_to_text(char text[static ADDRESS_TEXT_LENGTH], enum address_family family,
		     const uint8_t *address)
{
	if (!inet_ntop(family == FAMILY_IPV4 ? AF_INET : AF_INET6, address, text,
		       ADDRESS_TEXT_LENGTH))
		text[0] = '\0';
}

void endpoint_to_text(char text[static ADDRESS_TEXT_LENGTH], const struct endpoint *endpoint)
{
	char address[ADDRESS_TEXT_LENGTH], scope[IF_NAMESIZE + 1] = "%";
	unsigned int port = endpoint->port[0] * 256U + endpoint->port[1];

	address_to_text(address, endpoint->family, endpoint->address);
	if (endpoint->family == FAMILY_IPV4) {
		snprintf(text, ADDRESS_TEXT_LENGTH, "%s:%u", address, port);
		return;
	}
	/* The interface means something to others only where the address does not say it all. */
	if (!is_link_local(endpoint) || !if_indextoname(endpoint->ifindex, scope + 1))
		scope[0] = '\0';
	snprintf(text, ADDRESS_TEXT_LENGTH, "[%s%s]:%u", address, scope, port);
}

/* ---- rates --------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t bits;
} rate_units[] = {
	{"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}, {"bit", 1}, {"", 1},
};

/* Less passes not even a packet now and then; a thousand terabits are no limit to anything. */
#define RATE_MIN 8000
#define RATE_MAX UINT64_C(1000000000000000)

bool rate_is_good(uint64_t bits)
{
	return !bits || (bits >= RATE_MIN && bits <= RATE_MAX);
}

bool rate_from_text(uint64_t *bits, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	char number_text[20];
	uint64_t number;

	if (!strcmp(text, "off")) {
		*bits = 0;
		return true;
	}
	if (!copy_until(number_text, sizeof(number_text), text, text + digits))
		return false;
	for (size_t i = 0; i < sizeof(rate_units) / sizeof(rate_units[0]); i++) {
		if (strcasecmp(text + digits, rate_units[i].name) != 0)
			continue;
		if (!number_from_text(&number, number_text, RATE_MAX / rate_units[i].bits) ||
		    number * rate_units[i].bits < RATE_MIN)
			return false;
		*bits = number * rate_units[i].bits;
		return true;
	}
	return false;
}

void rate_to_text(char text[static RATE_TEXT_LENGTH], uint64_t bits)
{
	size_t unit = 0;

	while (bits % rate_units[unit].bits)
		unit++;
	if (bits)
		snprintf(text, RATE_TEXT_LENGTH, "%llu%s",
			 (unsigned long long)(bits / rate_units[unit].bits), rate_units[unit].name);
	else
		strcpy(text, "off");
}

/* ---- of the tunnel itself ------------------------------------------------------------------------ */

enum {
	/* Linux takes less for a mistake; an IPv4 packet holds no more */
	MSS_LEAST = 88,
	MSS_MOST = 65495,
};

bool local_address_from_text(struct local_address_key *address, const char *text)
{
	enum address_family family;
	uint8_t bytes[16];
	bool is_link_local, is_multicast;

	if (!address_from_text(&family, bytes, text))
		return false;
	is_link_local = family == FAMILY_IPV6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
	is_multicast = family == FAMILY_IPV6 ? bytes[0] == 0xff : bytes[0] >= 224;
	if (is_link_local || is_multicast || sodium_is_zero(bytes, sizeof(bytes)))
		return false;
	*address = (struct local_address_key){.family = family};
	memcpy(address->address, bytes, sizeof(address->address));
	return true;
}

bool mss_limit_from_text(uint16_t *limit, const char *text)
{
	uint64_t number;

	if (!strcasecmp(text, "off"))
		*limit = 0;
	else if (!strcasecmp(text, "on"))
		*limit = MSS_LIMIT_BY_MTU;
	else if (number_from_text(&number, text, MSS_MOST) && number >= MSS_LEAST)
		*limit = (uint16_t)number;
	else
		return false;
	return true;
}

void mss_limit_to_text(char text[static MSS_LIMIT_TEXT_LENGTH], uint16_t limit)
{
	if (limit == 0 || limit == MSS_LIMIT_BY_MTU)
		strcpy(text, limit ? "on" : "off");
	else
		snprintf(text, MSS_LIMIT_TEXT_LENGTH, "%u", limit);
}
