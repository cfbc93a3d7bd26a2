// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* top_rows.c - rates and order of the peers. Contract: top.h. */
#include <cli/top.h>
#include <crypto/crypto.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wgxdp/limits.h>

static const char *const order_names[TOP_ORDERS] = {
	[TOP_BY_RECEIVED] = "in",   [TOP_BY_SENT] = "out",  [TOP_BY_HANDSHAKE] = "handshake",
	[TOP_BY_DROPS] = "dropped", [TOP_BY_NAME] = "name",
};

const char *top_order_name(enum top_order order)
{
	return order_names[order];
}

/* ---- rates --------------------------------------------------------------------------------------- */

static const struct shown_tunnel *find_tunnel(const struct shown_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!list->tunnels[i].error && strcmp(list->tunnels[i].name, name) == 0)
			return &list->tunnels[i];
	}
	return NULL;
}

/* Peers keep their order from look to look, so the first guess is nearly always right. */
static const struct peer_config *find_peer(const struct shown_tunnel *tunnel, size_t guess,
					   const uint8_t *public_key)
{
	const struct device_config *config = &tunnel->config;

	for (size_t i = 0; i < config->peer_count; i++) {
		const struct peer_config *peer = &config->peers[(guess + i) % config->peer_count];

		if (crypto_equal(peer->public_key, public_key, sizeof(peer->public_key)))
			return peer;
	}
	return NULL;
}

/* A counter that is less than before is of a new tunnel. */
static double rate(uint64_t before, uint64_t now, double seconds)
{
	return now < before || seconds <= 0 ? 0 : (double)(now - before) / seconds;
}

static void count_drops(struct top_row *row, const struct peer_config *before, double seconds)
{
	const uint32_t *verdicts = row->peer->verdicts;
	uint64_t most = 0, drops_before = 0;

	row->most = VERDICT_COUNT;
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (!verdict_is_drop(i))
			continue;
		row->drops += verdicts[i];
		drops_before += before ? before->verdicts[i] : verdicts[i];
		if (verdicts[i] > most) {
			most = verdicts[i];
			row->most = i;
		}
	}
	row->drop_rate = rate(drops_before, row->drops, seconds);
}

static struct top_row row_of(const struct shown_tunnel *tunnel, const struct peer_config *peer,
			     const struct peer_config *before, double seconds)
{
	struct top_row row = {.tunnel = tunnel->name, .peer = peer};

	if (before) {
		row.received_bits = 8 * rate(before->received_bytes, peer->received_bytes, seconds);
		row.sent_bits = 8 * rate(before->sent_bytes, peer->sent_bytes, seconds);
		row.received_packets =
			rate(before->received_packets, peer->received_packets, seconds);
		row.sent_packets = rate(before->sent_packets, peer->sent_packets, seconds);
	}
	count_drops(&row, before, seconds);
	return row;
}

static void add_to_sum(struct top *top, const struct top_row *row)
{
	top->sum.received_bits += row->received_bits;
	top->sum.sent_bits += row->sent_bits;
	top->sum.received_packets += row->received_packets;
	top->sum.sent_packets += row->sent_packets;
}

static void add_tunnel(struct top *top, const struct shown_tunnel *tunnel, uint64_t sums[])
{
	const struct shown_tunnel *before = find_tunnel(&top->before, tunnel->name);
	uint64_t now = (uint64_t)time(NULL);

	for (size_t i = 0; i < tunnel->config.peer_count; i++) {
		const struct peer_config *peer = &tunnel->config.peers[i];
		struct top_row *row = &top->rows[top->row_count++];

		*row = row_of(tunnel, peer, before ? find_peer(before, i, peer->public_key) : NULL,
			      top->seconds);
		add_to_sum(top, row);
		top->with_session += now - peer->last_handshake_seconds <
				     REJECT_AFTER_TIME / NANOSECONDS_PER_SECOND;
	}
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (!verdict_is_drop(i))
			continue;
		sums[i] += tunnel->config.verdicts[i];
		top->drops += tunnel->config.verdicts[i];
		top->drop_rate += before ? rate(before->config.verdicts[i],
						tunnel->config.verdicts[i], top->seconds)
					 : 0;
	}
}

static void forget_sums(struct top *top)
{
	top->row_count = 0;
	top->with_session = 0;
	top->sum = (struct top_row){0};
	top->drops = 0;
	top->drop_rate = 0;
	top->most = VERDICT_COUNT;
}

bool top_look(struct top *top, struct shown_list *look, double seconds)
{
	uint64_t sums[VERDICT_COUNT] = {0};
	struct top_row *rows;
	size_t count = 0;

	for (size_t i = 0; i < look->count; i++)
		count += look->tunnels[i].error ? 0 : look->tunnels[i].config.peer_count;
	rows = realloc(top->rows, (count + 1) * sizeof(*rows));
	if (!rows)
		return false;
	shown_free(&top->before);
	top->rows = rows;
	top->before = top->now;
	top->now = *look;
	top->seconds = seconds;
	*look = (struct shown_list){0};
	forget_sums(top);
	for (size_t i = 0; i < top->now.count; i++) {
		if (!top->now.tunnels[i].error)
			add_tunnel(top, &top->now.tunnels[i], sums);
	}
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (sums[i] && (top->most == VERDICT_COUNT || sums[i] > sums[top->most]))
			top->most = i;
	}
	return true;
}

void top_free(struct top *top)
{
	shown_free(&top->before);
	shown_free(&top->now);
	free(top->rows);
	*top = (struct top){0};
}

/* ---- order --------------------------------------------------------------------------------------- */

/* Greatest first, and of equals as they are called: rows do not jump about. */
static int by_name(const struct top_row *a, const struct top_row *b)
{
	int order = strcmp(a->tunnel, b->tunnel);

	/* those without a name come behind */
	if (!order)
		order = !a->peer->name[0] - !b->peer->name[0];
	if (!order)
		order = strcmp(a->peer->name, b->peer->name);
	for (size_t i = 0; !order && i < sizeof(a->peer->public_key); i++)
		order = a->peer->public_key[i] - b->peer->public_key[i];
	return order;
}

static int greater_first(double a, double b)
{
	return (a < b) - (a > b);
}

struct order {
	enum top_order by;
	bool reverse;
};

static int compare(const void *left, const void *right, void *context)
{
	const struct top_row *a = left, *b = right;
	const struct order *order = context;
	int result = 0;

	switch (order->by) {
	case TOP_BY_RECEIVED:
		result = greater_first(a->received_bits, b->received_bits);
		break;
	case TOP_BY_SENT:
		result = greater_first(a->sent_bits, b->sent_bits);
		break;
	case TOP_BY_HANDSHAKE:
		result = greater_first((double)a->peer->last_handshake_seconds,
				       (double)b->peer->last_handshake_seconds);
		break;
	case TOP_BY_DROPS:
		result = greater_first((double)a->drops, (double)b->drops);
		break;
	case TOP_BY_NAME:
	case TOP_ORDERS:
		break;
	}
	if (!result)
		result = by_name(a, b);
	return order->reverse ? -result : result;
}

void top_sort(struct top *top, enum top_order by, bool reverse)
{
	struct order order = {by, reverse};

	qsort_r(top->rows, top->row_count, sizeof(*top->rows), compare, &order);
}

/* ---- text ---------------------------------------------------------------------------------------- */

void top_amount(char text[static TOP_AMOUNT_LENGTH], double amount)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	size_t unit = 0;

	/* what would be rounded to 1000 is one of the next */
	while (amount >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		amount /= 1000;
		unit++;
	}
	if (unit == 0 || amount >= 99.95)
		snprintf(text, TOP_AMOUNT_LENGTH, "%.0f%s", amount, units[unit]);
	else
		snprintf(text, TOP_AMOUNT_LENGTH, "%.1f%s", amount, units[unit]);
}

void top_age(char text[static TOP_AMOUNT_LENGTH], uint64_t when, uint64_t now)
{
	uint64_t age = now > when ? now - when : 0;

	if (!when)
		snprintf(text, TOP_AMOUNT_LENGTH, "never");
	else if (age < 200)
		snprintf(text, TOP_AMOUNT_LENGTH, "%" PRIu64 " s", age);
	else if (age < 2 * 3600)
		snprintf(text, TOP_AMOUNT_LENGTH, "%" PRIu64 " min", age / 60);
	else if (age < 2 * 86400)
		snprintf(text, TOP_AMOUNT_LENGTH, "%" PRIu64 " h", age / 3600);
	else
		snprintf(text, TOP_AMOUNT_LENGTH, "%" PRIu64 " d",
			 age / 86400 < 99999 ? age / 86400 : 99999);
}
