// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * stats.c - `wgxdp stats`: what became of packets, in words. A tunnel's numbers are of all its packets; a peer's
 * are of those that were known to be the peer's: all that it sent and was sent, and what was not simply that.
 */
#include <cli/cli.h>
#include <cli/show.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <stdlib.h>

/* ---- text ---------------------------------------------------------------------------------------- */

static void print_count(FILE *to, const struct colors *colors, const char *indent,
			enum verdict verdict, uint64_t packets)
{
	if (packets > 0)
		fprintf(to, "%s%s%-20s%s %12" PRIu64 "  %s\n", indent,
			verdict_is_drop(verdict) ? colors->red : "", verdict_name(verdict),
			colors->reset, packets, verdict_meaning(verdict));
}

/* Of a peer's session: BPF does not count what is delivered or sealed for each peer. */
static void print_packets(FILE *to, const char *what, uint64_t packets, const char *meaning)
{
	if (packets > 0)
		fprintf(to, "    %-20s %12" PRIu64 "  %s\n", what, packets, meaning);
}

static void print_peer(FILE *to, const struct colors *colors, const struct peer_config *peer)
{
	bool any = peer->received_packets || peer->sent_packets;
	char key[KEY_BASE64_LENGTH + 1];

	for (int i = 0; i < VERDICT_COUNT; i++)
		any |= peer->verdicts[i] > 0;
	if (!any)
		return;
	key_to_base64(key, peer->public_key);
	fprintf(to, "  %s%speer%s: %s%s%s%s%s\n", colors->yellow, colors->bold, colors->reset,
		colors->yellow, key, colors->reset, peer->name[0] ? "  " : "", peer->name);
	print_packets(to, "received", peer->received_packets, "authenticated as from this peer");
	print_packets(to, "sent", peer->sent_packets, "encrypted for this peer");
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_count(to, colors, "    ", i, peer->verdicts[i]);
}

static void print_sums(FILE *to, const struct colors *colors, const struct shown_list *list)
{
	uint64_t sums[VERDICT_COUNT] = {0};

	for (size_t i = 0; i < list->count; i++)
		for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
			sums[verdict] += list->tunnels[i].config.verdicts[verdict];
	fprintf(to, "\n%s%sall tunnels%s\n", colors->green, colors->bold, colors->reset);
	for (int i = 0; i < VERDICT_COUNT; i++)
		print_count(to, colors, "  ", i, sums[i]);
}

void stats_text(FILE *to, const struct colors *colors, const struct shown_list *list)
{
	const char *separator = "";

	for (size_t i = 0; i < list->count; i++) {
		const struct shown_tunnel *tunnel = &list->tunnels[i];

		if (tunnel->error)
			continue;
		fprintf(to, "%s%s%sinterface%s: %s%s%s\n", separator, colors->green, colors->bold,
			colors->reset, colors->green, tunnel->name, colors->reset);
		for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
			print_count(to, colors, "  ", verdict, tunnel->config.verdicts[verdict]);
		for (size_t peer = 0; peer < tunnel->config.peer_count; peer++)
			print_peer(to, colors, &tunnel->config.peers[peer]);
		separator = "\n";
	}
	if (list->count > 1)
		print_sums(to, colors, list);
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void append_count(json_t **counts, enum verdict verdict, uint64_t packets)
{
	if (packets > 0)
		json_append(counts, json_pack("{s:s, s:I, s:b, s:s}", "verdict",
					      verdict_name(verdict), "packets", (json_int_t)packets,
					      "is_drop", verdict_is_drop(verdict), "meaning",
					      verdict_meaning(verdict)));
}

static json_t *peer_as_json(const struct peer_config *peer)
{
	json_t *counts = json_array();

	for (int i = 0; i < VERDICT_COUNT; i++)
		append_count(&counts, i, peer->verdicts[i]);
	return json_pack("{s:o, s:o, s:I, s:I, s:o}", "public_key", json_of_key(peer->public_key),
			 "name", json_of_name(peer->name), "received_packets",
			 (json_int_t)peer->received_packets, "sent_packets",
			 (json_int_t)peer->sent_packets, "counts", counts);
}

static json_t *tunnel_as_json(const struct shown_tunnel *tunnel)
{
	json_t *counts = json_array(), *peers = json_array();

	for (int i = 0; i < VERDICT_COUNT; i++)
		append_count(&counts, i, tunnel->config.verdicts[i]);
	for (size_t i = 0; i < tunnel->config.peer_count; i++)
		json_append(&peers, peer_as_json(&tunnel->config.peers[i]));
	return json_pack("{s:s, s:o, s:o}", "name", tunnel->name, "counts", counts, "peers", peers);
}

bool stats_json(FILE *to, const struct shown_list *list)
{
	return json_print(to, json_of_tunnels(list, tunnel_as_json));
}

int cli_stats(const struct arguments *arguments)
{
	struct shown_list list;
	bool good;

	if (!shown_ask_operand(arguments, &list))
		return EXIT_FAILURE;
	if (option_value(arguments, "json", 0)) {
		good = stats_json(stdout, &list);
	} else {
		stats_text(stdout, colors_for(stdout), &list);
		good = shown_complain(arguments, &list);
	}
	shown_free(&list);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
