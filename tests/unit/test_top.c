// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* test_top.c - from two looks to rates, and the rows' order (cli/top.h). The screen is tests/netns/73-top.sh's. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <agent/uapi.h>
#include <cli/top.h>
#include <criterion/criterion.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define HEX_C "c85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"

static const char first[] =
	"wgxdp_verdict=bad-tag:10\nwgxdp_verdict=delivered:100\npublic_key=" HEX_A
	"\nrx_bytes=1000\ntx_bytes=500\nwgxdp_rx_packets=10\n"
	"wgxdp_verdict=replayed:4\nwgxdp_verdict=bad-tag:3\n"
	"public_key=" HEX_B "\nrx_bytes=9000\nerrno=0\n\n";

/* One is gone, one has restarted at zero, one is new. */
static const char second[] =
	"wgxdp_verdict=bad-tag:30\nwgxdp_verdict=delivered:500\npublic_key=" HEX_B
	"\nwgxdp_name=Bert\nrx_bytes=100\npublic_key=" HEX_C
	"\nwgxdp_name=Anna\nrx_bytes=7777\npublic_key=" HEX_A
	"\nrx_bytes=3000\ntx_bytes=600\nwgxdp_rx_packets=30\n"
	"wgxdp_verdict=replayed:4\nwgxdp_verdict=bad-tag:7\nerrno=0\n\n";

static struct shown_list list_of(const char *answer, uint64_t last_handshake)
{
	struct shown_list list = {calloc(1, sizeof(struct shown_tunnel)), 1};

	strcpy(list.tunnels[0].name, "wg0");
	cr_assert_eq(uapi_parse_answer(answer, strlen(answer), &list.tunnels[0].config), 0);
	list.tunnels[0].config.peers[0].last_handshake_seconds = last_handshake;
	return list;
}

static const struct top_row *row_of(const struct top *top, uint8_t first_byte)
{
	for (size_t i = 0; i < top->row_count; i++) {
		if (top->rows[i].peer->public_key[0] == first_byte)
			return &top->rows[i];
	}
	cr_assert_fail("no such peer");
	return NULL;
}

Test(top, rates)
{
	struct shown_list look = list_of(first, 0);
	struct top top = {0};
	const struct top_row *row;

	cr_assert(top_look(&top, &look, 0));
	cr_expect_eq(top.row_count, 2);
	cr_expect(top.sum.received_bits == 0 && top.drop_rate == 0, "one look has no rates");
	cr_expect(top.drops == 10 && top.most == VERDICT_BAD_TAG);
	cr_expect_eq(row_of(&top, 0)->most, VERDICT_REPLAYED);

	look = list_of(second, (uint64_t)time(NULL) - 5);
	cr_assert(top_look(&top, &look, 2));
	cr_assert_eq(top.row_count, 3);
	row = row_of(&top, 0);
	cr_expect_float_eq(row->received_bits, 8000, 0.01);
	cr_expect_float_eq(row->sent_bits, 400, 0.01);
	cr_expect_float_eq(row->received_packets, 10, 0.01);
	cr_expect(row->drops == 11 && row->most == VERDICT_BAD_TAG);
	cr_expect_float_eq(row->drop_rate, 2, 0.01);
	cr_expect_eq(row_of(&top, 0xb8)->received_bits, 0, "a counter that went back");
	cr_expect_eq(row_of(&top, 0xc8)->received_bits, 0, "a new peer");
	cr_expect_float_eq(top.sum.received_bits, 8000, 0.01);
	cr_expect_float_eq(top.drop_rate, 10, 0.01);
	cr_expect_eq(top.drops, 30);
	cr_expect_eq(top.with_session, 1);
	top_free(&top);
}

static void expect_order(struct top *top, enum top_order order, bool reverse, const char *bytes)
{
	char text[16] = "";

	top_sort(top, order, reverse);
	for (size_t i = 0; i < top->row_count; i++)
		text[i] = "abc"[(top->rows[i].peer->public_key[0] & 0xf8) == 0xb8   ? 1
				: (top->rows[i].peer->public_key[0] & 0xf8) == 0xc8 ? 2
										    : 0];
	cr_expect_str_eq(text, bytes, "by %s%s: %s, not %s", top_order_name(order),
			 reverse ? " reversed" : "", text, bytes);
}

Test(top, order)
{
	struct shown_list look = list_of(first, 0);
	struct top top = {0};

	cr_assert(top_look(&top, &look, 0));
	look = list_of(second, 1700000000);
	cr_assert(top_look(&top, &look, 1));
	/* of equals those with a name come first, by their names: Anna is c, Bert is b */
	expect_order(&top, TOP_BY_RECEIVED, false, "acb");
	expect_order(&top, TOP_BY_RECEIVED, true, "bca");
	expect_order(&top, TOP_BY_SENT, false, "acb");
	expect_order(&top, TOP_BY_HANDSHAKE, false, "bca");
	expect_order(&top, TOP_BY_DROPS, false, "acb");
	expect_order(&top, TOP_BY_NAME, false, "cba");
	expect_order(&top, TOP_BY_NAME, true, "abc");
	top_free(&top);
}

Test(top, amounts_and_ages)
{
	static const struct {
		double amount;
		const char *text;
	} amounts[] = {
		{0, "0"},         {0.4, "0"},      {9.6, "10"},      {999.4, "999"},
		{999.6, "1.0k"},  {1234, "1.2k"},  {99940, "99.9k"}, {99960, "100k"},
		{999600, "1.0M"}, {2.5e9, "2.5G"}, {1e12, "1.0T"},   {5e15, "5000T"},
	};
	static const struct {
		uint64_t when;
		const char *text;
	} ages[] = {
		{0, "never"},     {100000, "0 s"},    {100001, "0 s"}, {99801, "199 s"},
		{99800, "3 min"}, {92801, "119 min"}, {92800, "2 h"},
	};
	char text[TOP_AMOUNT_LENGTH];

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		top_amount(text, amounts[i].amount);
		cr_expect_str_eq(text, amounts[i].text);
	}
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		top_age(text, ages[i].when, 100000);
		cr_expect_str_eq(text, ages[i].text);
	}
	top_age(text, 1, 86400 * 3);
	cr_expect_str_eq(text, "2 d");
}
