/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top.h - what `wgxdp top` shows, as a value: two looks at the tunnels become rates, and rows in an order.
 * Nothing here knows a terminal.
 */
#ifndef WGXDP_CLI_TOP_H
#define WGXDP_CLI_TOP_H

#include <cli/shown.h>

enum top_order {
	TOP_BY_RECEIVED,
	TOP_BY_SENT,
	TOP_BY_HANDSHAKE,
	TOP_BY_DROPS,
	TOP_BY_NAME,
	TOP_ORDERS,
};

const char *top_order_name(enum top_order order);

struct top_row {
	const char *tunnel;
	const struct peer_config *peer;
	/* a second; bits, packets */
	double received_bits, sent_bits, received_packets, sent_packets;
	/* since the tunnel began, and since the last look a second; which reason is the most */
	uint64_t drops;
	double drop_rate;
	enum verdict most;
};

struct top {
	/* the last two looks; the rows point into the newer one */
	struct shown_list before, now;
	double seconds;
	struct top_row *rows;
	size_t row_count;
	size_t with_session;
	struct top_row sum;
	/* drops of whole tunnels, also those of no peer */
	uint64_t drops;
	double drop_rate;
	enum verdict most;
};

/* Takes a new look, which is its own from now on, `seconds` after the last. False without memory: then nothing
 * is changed. */
bool top_look(struct top *top, struct shown_list *look, double seconds);
void top_sort(struct top *top, enum top_order order, bool reverse);
void top_free(struct top *top);

/* Five characters at most behind the number's place: "1.23 M", "999", "12.3 k". */
#define TOP_AMOUNT_LENGTH 16
void top_amount(char text[static TOP_AMOUNT_LENGTH], double amount);
/* "5 s", "3 min", "2 h", "9 d", "never"; `now` is the wall clock. */
void top_age(char text[static TOP_AMOUNT_LENGTH], uint64_t when, uint64_t now);

#endif
