// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_encoding.c - text to values and back (util/encoding.h). What must be refused stands beside what must
 * be taken, and a refused text leaves the result as it was.
 */
#include <net/if.h>
#include <stdio.h>

#include <criterion/criterion.h>
#include <util/encoding.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The bytes 0, 1, ... 31. */
#define COUNTING_BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define COUNTING_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const uint8_t counting[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
				     11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
				     22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

Test(encoding, keys_as_base64)
{
	char text[KEY_BASE64_LENGTH + 1];
	uint8_t key[32] = {0};

	key_to_base64(text, counting);
	cr_expect_str_eq(text, COUNTING_BASE64);
	cr_expect(key_from_base64(key, COUNTING_BASE64));
	cr_expect_arr_eq(key, counting, 32);
}

Test(encoding, keys_as_hex)
{
	char text[KEY_HEX_LENGTH + 1];
	uint8_t key[32] = {0};

	key_to_hex(text, counting);
	cr_expect_str_eq(text, COUNTING_HEX);
	cr_expect(key_from_hex(key, COUNTING_HEX));
	cr_expect_arr_eq(key, counting, 32);
}

Test(encoding, keys_that_are_none)
{
	static const char *const base64[] = {
		"",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", /* no padding */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", /* 33 bytes */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", /* 45 characters */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* stray bits in the last */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", /* not padding */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=", /* the alphabet of URLs */
		" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", /* space before */
		"AAECAwQFBgcICQoLDA0O DxAREhMUFRYXGBkaGxwdHh=", /* space within */
	};
	static const char *const hex[] = {
		"",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g",
		"0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		" 00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	};
	uint8_t key[32];

	memcpy(key, counting, sizeof(key));
	for (size_t i = 0; i < COUNT(base64); i++)
		cr_expect_not(key_from_base64(key, base64[i]), "'%s'", base64[i]);
	for (size_t i = 0; i < COUNT(hex); i++)
		cr_expect_not(key_from_hex(key, hex[i]), "'%s'", hex[i]);
	cr_expect_arr_eq(key, counting, 32, "a refused key leaves the result");
}

Test(encoding, numbers)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t number;
	} rows[] = {
		{"0", 0, true, 0},
		{"65535", 65535, true, 65535},
		{"65536", 65535, false, 0},
		{"00025", 65535, true, 25},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"184467440737095516150", UINT64_MAX, false, 0},
		{"4294967295", UINT32_MAX, true, UINT32_MAX},
		{"4294967296", UINT32_MAX, false, 0},
		{"9", 5, false, 0},
		{"", 9, false, 0},
		{"-1", 65535, false, 0},
		{"+1", 65535, false, 0},
		{" 1", 65535, false, 0},
		{"1 ", 65535, false, 0},
		{"1\n", 65535, false, 0},
		{"0x10", 65535, false, 0},
		{"1e3", 65535, false, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t number = 77;

		cr_expect_eq(number_from_text(&number, rows[i].text, rows[i].max), rows[i].good,
			     "'%s'", rows[i].text);
		cr_expect_eq(number, rows[i].good ? rows[i].number : 77, "'%s'", rows[i].text);
	}
}

Test(encoding, prefixes)
{
	static const struct {
		const char *text;
		/* NULL: refused */
		const char *masked;
		const char *unmasked;
		unsigned int length;
	} rows[] = {
		{"10.0.0.0/8", "10.0.0.0", "10.0.0.0", 8},
		{"10.1.2.3/8", "10.0.0.0", "10.1.2.3", 8},
		{"10.1.2.3/0", "0.0.0.0", "10.1.2.3", 0},
		{"10.255.2.3/9", "10.128.0.0", "10.255.2.3", 9},
		{"192.0.2.255/31", "192.0.2.254", "192.0.2.255", 31},
		{"192.0.2.255/32", "192.0.2.255", "192.0.2.255", 32},
		{"192.0.2.255", "192.0.2.255", "192.0.2.255", 32},
		{"2001:db8:ffff::1/35", "2001:db8:e000::", "2001:db8:ffff::1", 35},
		{"2001:db8::1/127", "2001:db8::", "2001:db8::1", 127},
		{"2001:db8::1/128", "2001:db8::1", "2001:db8::1", 128},
		{"fd00::1", "fd00::1", "fd00::1", 128},
		{"::/0", "::", "::", 0},
		{"10.0.0.0/33", NULL, NULL, 0},
		{"fd00::/129", NULL, NULL, 0},
		{"10.0.0.0/", NULL, NULL, 0},
		{"10.0.0.0/-1", NULL, NULL, 0},
		{"10.0.0.0/8/8", NULL, NULL, 0},
		{"10.0.0.0/8 ", NULL, NULL, 0},
		{" 10.0.0.0/8", NULL, NULL, 0},
		{"10.0.0/8", NULL, NULL, 0},
		{"10.0.0.256/8", NULL, NULL, 0},
		{"fd00::1::2/8", NULL, NULL, 0},
		{"[fd00::]/8", NULL, NULL, 0},
		{"/8", NULL, NULL, 0},
		{"", NULL, NULL, 0},
		{"example.org/8", NULL, NULL, 0},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee/8", NULL,
		 NULL, 0},
	};

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const char *text = rows[i / 2].text;
		bool mask = i % 2;
		const char *expected = mask ? rows[i / 2].masked : rows[i / 2].unmasked;
		enum address_family family = FAMILY_NONE;
		char address_text[ADDRESS_TEXT_LENGTH];
		uint8_t address[16], length = 77;

		memset(address, 0xee, sizeof(address));
		cr_expect_eq(prefix_from_text(&family, address, &length, text, mask),
			     expected != NULL, "'%s'", text);
		if (!expected) {
			cr_expect_eq(family, FAMILY_NONE, "'%s'", text);
			cr_expect_eq(length, 77, "'%s'", text);
			cr_expect_eq(address[0], 0xee, "'%s'", text);
			continue;
		}
		cr_expect_eq(family, strchr(text, ':') ? FAMILY_IPV6 : FAMILY_IPV4, "'%s'", text);
		cr_expect_eq(length, rows[i / 2].length, "'%s'", text);
		address_to_text(address_text, family, address);
		cr_expect_str_eq(address_text, expected, "'%s'", text);
		cr_expect(family == FAMILY_IPV6 || (address[4] == 0 && address[15] == 0),
			  "'%s': zeros behind an IPv4 address", text);
	}
}

Test(encoding, endpoints)
{
	static const char *const good[] = {
		"192.0.2.1:51820", "[2001:db8::1]:51820", "0.0.0.0:1",
		"[::]:65535",      "[fe80::1]:51820",     "[fe80::1%lo]:51820",
	};
	static const char *const bad[] = {
		"",
		":",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:-1",
		"192.0.2.1: 80",
		"[192.0.2.1]:80",
		"2001:db8::1:80",
		"[2001:db8::1]",
		"[2001:db8::1]80",
		"[2001:db8::1:80",
		"2001:db8::1]:80",
		"[]:80",
		":80",
		"[2001:db8::1%lo]:80", /* a scope where there is none */
		"[fe80::1%]:80",
		"[fe80::1%no-such]:80",
		"192.0.2.1%lo:80",
		"localhost:80",
	};

	for (size_t i = 0; i < COUNT(good); i++) {
		struct endpoint endpoint;
		char text[ADDRESS_TEXT_LENGTH];

		cr_expect(endpoint_from_text(&endpoint, good[i]), "'%s'", good[i]);
		endpoint_to_text(text, &endpoint);
		cr_expect_str_eq(text, good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct endpoint endpoint = {.family = 77};

		cr_expect_not(endpoint_from_text(&endpoint, bad[i]), "'%s'", bad[i]);
		cr_expect_eq(endpoint.family, 77, "'%s'", bad[i]);
	}
}

Test(encoding, an_endpoint_in_bytes)
{
	static const uint8_t address[16] = {192, 0, 2, 1};
	struct endpoint endpoint;

	memset(&endpoint, 0xee, sizeof(endpoint));
	cr_assert(endpoint_from_text(&endpoint, "192.0.2.1:51820"));
	cr_expect_eq(endpoint.family, FAMILY_IPV4);
	cr_expect_eq(endpoint.port[0], 51820 >> 8);
	cr_expect_eq(endpoint.port[1], 51820 & 0xff);
	cr_expect_eq(endpoint.ifindex, 0);
	cr_expect_arr_eq(endpoint.address, address, 16);
	cr_expect_eq(endpoint.local_address[0], 0);
	cr_assert(endpoint_from_text(&endpoint, "[fe80::1%lo]:1"));
	cr_expect_eq(endpoint.ifindex, if_nametoindex("lo"));
}

Test(encoding, local_addresses)
{
	static const char *const refused[] = {
		"",          "192.0.2.1/32",    "192.0.2", "0.0.0.0",    "::",
		"224.0.0.1", "255.255.255.255", "fe80::1", "fe80::1%lo", "febf::1",
		"ff02::1",   "[::1]",           "eth0",    " 192.0.2.1",
	};
	struct local_address_key address = {.family = 77};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		cr_expect_not(local_address_from_text(&address, refused[i]), "'%s'", refused[i]);
	cr_expect_eq(address.family, 77, "left as it was");
	cr_assert(local_address_from_text(&address, "192.0.2.1"));
	cr_expect_eq(address.family, FAMILY_IPV4);
	cr_expect_arr_eq(address.address, ((uint8_t[16]){192, 0, 2, 1}), 16);
	cr_assert(local_address_from_text(&address, "fec0::1"));
	cr_expect_eq(address.family, FAMILY_IPV6);
	cr_assert(local_address_from_text(&address, "127.0.0.2"));
}

Test(encoding, segment_sizes)
{
	static const char *const refused[] = {"",   "87",  "65496", "0",
					      "-1", "yes", "1300 ", "on off"};
	static const struct {
		const char *text;
		uint16_t limit;
	} taken[] = {{"off", 0}, {"on", MSS_LIMIT_BY_MTU}, {"88", 88}, {"65495", 65495}};
	char text[MSS_LIMIT_TEXT_LENGTH];
	uint16_t limit = 5;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		cr_expect_not(mss_limit_from_text(&limit, refused[i]), "'%s'", refused[i]);
	cr_expect_eq(limit, 5, "left as it was");
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		cr_assert(mss_limit_from_text(&limit, taken[i].text), "%s", taken[i].text);
		cr_expect_eq(limit, taken[i].limit);
		mss_limit_to_text(text, limit);
		cr_expect_str_eq(text, taken[i].text);
	}
}
