// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_qr.c - free addresses of a network against a look at each of them, and the shape of a QR code. That it can be
 * read says a reader (tests/netns/60-peer-qr.sh). cli/addresses.c, cli/qr.c.
 */
#include <cli/addresses.h>
#include <cli/qr.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <util/encoding.h>

static struct allowed_ip prefix(const char *text, bool mask)
{
	struct allowed_ip prefix = {0};

	cr_assert(prefix_from_text(&prefix.family, prefix.address, &prefix.prefix_length, text,
				   mask));
	return prefix;
}

/* "10.0.0.1/24" with peers that have "a,b,c": the free address, or the error. */
static const char *find(const char *own_text, const char *taken)
{
	static char text[ADDRESS_TEXT_LENGTH];
	struct allowed_ip own = prefix(own_text, false);
	const struct address_list all = {&own, 1};
	struct device_config config = {0};
	char words[200], *rest = words, *word;
	uint8_t address[16];
	int error;

	strcpy(words, taken);
	while (*taken && (word = strsep(&rest, ",")))
		*config_add_allowed_ip(config_add_peer(&config)) = prefix(word, true);
	error = addresses_find_free(&own, &all, &config, address);
	config_free(&config);
	if (error)
		return error == -ENOSPC ? "full" : "error";
	address_to_text(text, own.family, address);
	return text;
}

Test(qr, free_addresses)
{
	static const struct {
		const char *own, *taken, *free;
	} rows[] = {
		{"10.0.0.1/24", "", "10.0.0.2"},
		{"10.0.0.2/24", "", "10.0.0.1"},
		{"10.0.0.254/24", "10.0.0.1", "10.0.0.2"},
		{"10.0.0.1/24", "10.0.0.2,10.0.0.4", "10.0.0.3"},
		{"10.0.0.1/24", "10.0.0.3,10.0.0.2", "10.0.0.4"},
		{"10.0.0.1/24", "10.0.0.0/25", "10.0.0.128"},
		{"10.0.0.1/24", "10.0.0.64/26,10.0.0.0/26,10.0.0.7", "10.0.0.128"},
		{"10.0.0.1/24", "10.0.0.0/25,10.0.0.2", "10.0.0.128"},
		{"10.0.0.1/24", "10.0.0.0/25,10.0.0.128/25", "full"},
		{"10.0.0.1/24", "10.0.0.0/24", "full"},
		{"10.0.0.1/24", "10.0.0.0/23", "10.0.0.2"},
		{"10.0.0.1/24", "0.0.0.0/0,10.0.0.2,fd00::3", "10.0.0.3"},
		{"10.0.0.1/30", "", "10.0.0.2"},
		{"10.0.0.1/30", "10.0.0.2", "full"},
		{"255.255.255.1/24", "255.255.255.0/24", "full"},
		{"10.255.255.254/8", "10.0.0.0/16", "10.1.0.0"},
		{"fd00::1/64", "", "fd00::2"},
		{"fd00::1/64", "fd00::/65,fd00::3", "fd00::8000:0:0:0"},
		{"fd00::1/64", "fd00::/64", "full"},
		{"fd00::1/64", "::/0,10.0.0.0/8,fd00::2", "fd00::3"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff01/120",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120", "full"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(find(rows[i].own, rows[i].taken), rows[i].free, "%s of %s: %s",
				 rows[i].own, rows[i].taken, find(rows[i].own, rows[i].taken));
}

/* Address by address, as a person would. */
static uint32_t look(const struct allowed_ip *own, const struct device_config *config)
{
	for (uint32_t last = 1; last < 255; last++) {
		bool is_taken = last == own->address[3];

		for (size_t i = 0; i < config->peer_count; i++) {
			const struct allowed_ip *taken = &config->peers[i].allowed_ips[0];
			uint32_t wide = 1U << (32 - taken->prefix_length);

			is_taken |= last >= taken->address[3] && last < taken->address[3] + wide;
		}
		if (!is_taken)
			return last;
	}
	return 0;
}

Test(qr, free_addresses_of_any_network)
{
	srandom(77);
	for (int round = 0; round < 2000; round++) {
		struct allowed_ip own = prefix("10.0.0.1/24", false);
		const struct address_list all = {&own, 1};
		struct device_config config = {0};
		uint8_t address[16] = {0};
		uint32_t expected;
		int error;

		own.address[3] = (uint8_t)(random() % 254 + 1);
		for (long count = random() % 40; count > 0; count--) {
			char text[40];

			snprintf(text, sizeof(text), "10.0.0.%ld/%ld", random() % 256,
				 24 + random() % 9);
			*config_add_allowed_ip(config_add_peer(&config)) = prefix(text, true);
		}
		expected = look(&own, &config);
		error = addresses_find_free(&own, &all, &config, address);
		cr_assert_eq(error, expected ? 0 : -ENOSPC);
		cr_assert_eq(address[3], expected);
		config_free(&config);
	}
}

Test(qr, kinds_of_addresses)
{
	static const struct {
		const char *address;
		bool is_private, is_link_local;
	} rows[] = {
		{"10.0.0.1", true, false},     {"11.0.0.1", false, false},
		{"172.15.0.1", false, false},  {"172.16.0.1", true, false},
		{"172.31.0.1", true, false},   {"172.32.0.1", false, false},
		{"192.168.0.1", true, false},  {"192.169.0.1", false, false},
		{"100.64.0.1", true, false},   {"100.127.0.1", true, false},
		{"100.128.0.1", false, false}, {"fd00::1", true, false},
		{"fc00::1", true, false},      {"fe00::1", false, false},
		{"fe80::1", false, true},      {"febf::1", false, true},
		{"fec0::1", false, false},     {"2001:db8::1", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct allowed_ip address = prefix(rows[i].address, false);

		cr_expect_eq(address_is_private(&address), rows[i].is_private, "%s",
			     rows[i].address);
		cr_expect_eq(address_is_link_local(&address), rows[i].is_link_local, "%s",
			     rows[i].address);
	}
}

Test(qr, a_code)
{
	static const struct colors plain = {"", "", "", "", "", "", ""};
	static char long_text[4001];
	char *text = NULL;
	size_t length = 0, lines = 0;
	FILE *to = open_memstream(&text, &length);

	cr_assert_eq(qr_print(to, &plain, "[Interface]"), 0);
	fclose(to);
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	/* version 1: 21 squares and a margin of 4 on each side, two in a line; each is 3 bytes of UTF-8 or a blank */
	cr_expect_eq(lines, (21 + 2 * 4 + 1) / 2);
	cr_expect_eq(strspn(text, "█"), 29 * 3, "the margin");
	free(text);

	memset(long_text, 'x', sizeof(long_text) - 1);
	to = open_memstream(&text, &length);
	cr_expect_eq(qr_print(to, &plain, long_text), -E2BIG);
	fclose(to);
	cr_expect_eq(length, 0);
	free(text);
}
