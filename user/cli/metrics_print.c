// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * metrics_print.c - one table of metrics, each with its help and with how a tunnel or a peer prints it. Counters
 * are the kernel's and never go back while a tunnel lives. A tunnel has a sample for every reason, so that a rate
 * sees the first drop; a peer only for what happened to it, or a thousand peers would be thirty thousand series.
 */
#include <cli/metrics.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct family {
	const char *name;
	const char *type;
	const char *help;
	/* one of them: samples of a tunnel, of a tunnel whose agent answered, of a peer */
	void (*of_any)(FILE *to, const char *name, const struct shown_tunnel *tunnel);
	void (*of_tunnel)(FILE *to, const char *name, const struct shown_tunnel *tunnel);
	void (*of_peer)(FILE *to, const char *name, const struct shown_tunnel *tunnel,
			const struct peer_config *peer);
};

/* ---- labels -------------------------------------------------------------------------------------- */

static void print_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void print_label(FILE *to, const char *label, const char *value)
{
	fprintf(to, ",%s=\"", label);
	print_escaped(to, value);
	fputc('"', to);
}

static void begin_sample(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	fprintf(to, "%s{tunnel=\"", name);
	print_escaped(to, tunnel->name);
	fputc('"', to);
}

static void begin_peer_sample(FILE *to, const char *name, const struct shown_tunnel *tunnel,
			      const struct peer_config *peer)
{
	char key[KEY_BASE64_LENGTH + 1];

	begin_sample(to, name, tunnel);
	key_to_base64(key, peer->public_key);
	print_label(to, "peer", peer->name[0] ? peer->name : key);
}

static void end_sample(FILE *to, uint64_t value)
{
	fprintf(to, "} %" PRIu64 "\n", value);
}

/* ---- tunnels ------------------------------------------------------------------------------------- */

static void print_answers(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	begin_sample(to, name, tunnel);
	end_sample(to, !tunnel->error);
}

static void print_up(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	begin_sample(to, name, tunnel);
	end_sample(to, tunnel->config.is_up);
}

static void print_peer_count(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	begin_sample(to, name, tunnel);
	end_sample(to, tunnel->config.peer_count);
}

static void print_interfaces(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	for (size_t i = 0; i < tunnel->config.interface_count; i++) {
		const struct interface_config *interface = &tunnel->config.interfaces[i];

		begin_sample(to, name, tunnel);
		print_label(to, "interface", interface->name);
		print_label(to, "mode", interface->is_generic ? "generic" : "native");
		end_sample(to, 1);
	}
}

static void print_handled(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (verdict_is_drop(i))
			continue;
		begin_sample(to, name, tunnel);
		print_label(to, "outcome", verdict_name(i));
		end_sample(to, tunnel->config.verdicts[i]);
	}
}

static void print_dropped(FILE *to, const char *name, const struct shown_tunnel *tunnel)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (!verdict_is_drop(i))
			continue;
		begin_sample(to, name, tunnel);
		print_label(to, "reason", verdict_name(i));
		end_sample(to, tunnel->config.verdicts[i]);
	}
}

/* ---- peers --------------------------------------------------------------------------------------- */

static void print_peer_info(FILE *to, const char *name, const struct shown_tunnel *tunnel,
			    const struct peer_config *peer)
{
	char key[KEY_BASE64_LENGTH + 1], endpoint[ADDRESS_TEXT_LENGTH] = "";

	key_to_base64(key, peer->public_key);
	if (peer->has_endpoint)
		endpoint_to_text(endpoint, &peer->endpoint);
	begin_peer_sample(to, name, tunnel, peer);
	print_label(to, "public_key", key);
	print_label(to, "endpoint", endpoint);
	end_sample(to, 1);
}

static void print_peer_dropped(FILE *to, const char *name, const struct shown_tunnel *tunnel,
			       const struct peer_config *peer)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (!verdict_is_drop(i) || !peer->verdicts[i])
			continue;
		begin_peer_sample(to, name, tunnel, peer);
		print_label(to, "reason", verdict_name(i));
		end_sample(to, peer->verdicts[i]);
	}
}

#define PEER_NUMBER(field)                                                                         \
	static void print_peer_##field(FILE *to, const char *name,                                 \
				       const struct shown_tunnel *tunnel,                          \
				       const struct peer_config *peer)                             \
	{                                                                                          \
		begin_peer_sample(to, name, tunnel, peer);                                         \
		end_sample(to, peer->field);                                                       \
	}

PEER_NUMBER(received_bytes)
PEER_NUMBER(sent_bytes)
PEER_NUMBER(received_packets)
PEER_NUMBER(sent_packets)
PEER_NUMBER(last_handshake_seconds)

/* ---- the table ----------------------------------------------------------------------------------- */

/* clang-format off */
static const struct family families[] = {
	{"wgxdp_agent_up", "gauge", "Whether the tunnel's agent answered.",
	 .of_any = print_answers},
	{"wgxdp_tunnel_up", "gauge", "Whether the tunnel's interface is up.",
	 .of_tunnel = print_up},
	{"wgxdp_tunnel_peers", "gauge", "Peers that are configured.",
	 .of_tunnel = print_peer_count},
	{"wgxdp_tunnel_interface_info", "gauge", "An interface the tunnel receives on, and its XDP mode.",
	 .of_tunnel = print_interfaces},
	{"wgxdp_handled_packets_total", "counter", "Packets of the tunnel that were not lost, by outcome.",
	 .of_tunnel = print_handled},
	{"wgxdp_dropped_packets_total", "counter", "Packets of the tunnel that were lost or refused, by reason.",
	 .of_tunnel = print_dropped},
	{"wgxdp_peer_info", "gauge", "A peer, its public key and its present endpoint.",
	 .of_peer = print_peer_info},
	{"wgxdp_peer_received_bytes_total", "counter", "UDP payload received from the peer and authenticated.",
	 .of_peer = print_peer_received_bytes},
	{"wgxdp_peer_sent_bytes_total", "counter", "UDP payload sent to the peer.",
	 .of_peer = print_peer_sent_bytes},
	{"wgxdp_peer_received_packets_total", "counter", "Transport packets received from the peer and authenticated.",
	 .of_peer = print_peer_received_packets},
	{"wgxdp_peer_sent_packets_total", "counter", "Transport packets sent to the peer.",
	 .of_peer = print_peer_sent_packets},
	{"wgxdp_peer_last_handshake_timestamp_seconds", "gauge", "Time of the last handshake since 1970; 0 is never.",
	 .of_peer = print_peer_last_handshake_seconds},
	{"wgxdp_peer_dropped_packets_total", "counter", "Packets known to be the peer's that were lost or refused, by reason.",
	 .of_peer = print_peer_dropped},
};
/* clang-format on */

static void print_tunnel(FILE *to, const struct family *family, const struct shown_tunnel *tunnel)
{
	if (family->of_any)
		family->of_any(to, family->name, tunnel);
	if (tunnel->error)
		return;
	if (family->of_tunnel)
		family->of_tunnel(to, family->name, tunnel);
	for (size_t i = 0; i < tunnel->config.peer_count && family->of_peer; i++)
		family->of_peer(to, family->name, tunnel, &tunnel->config.peers[i]);
}

static int by_name(const void *left, const void *right)
{
	const struct peer_config *a = *(struct peer_config *const *)left;
	const struct peer_config *b = *(struct peer_config *const *)right;

	return strcmp(a->name, b->name);
}

/* Two peers of one name would be one series: such have only their keys. */
static void forget_ambiguous_names(struct device_config *config)
{
	struct peer_config **sorted = calloc(config->peer_count + 1, sizeof(*sorted));
	size_t first, next;

	for (size_t i = 0; i < config->peer_count; i++) {
		if (sorted)
			sorted[i] = &config->peers[i];
		else
			config->peers[i].name[0] = '\0';
	}
	if (sorted)
		qsort(sorted, config->peer_count, sizeof(*sorted), by_name);
	for (first = 0; sorted && first < config->peer_count; first = next) {
		for (next = first + 1; next < config->peer_count; next++) {
			if (strcmp(sorted[next]->name, sorted[first]->name) != 0)
				break;
		}
		for (size_t i = first; i < next && next - first > 1; i++)
			sorted[i]->has_name = false;
	}
	for (size_t i = 0; i < config->peer_count; i++) {
		if (!config->peers[i].has_name)
			config->peers[i].name[0] = '\0';
	}
	free(sorted);
}

void metrics_print(FILE *to, struct shown_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		forget_ambiguous_names(&list->tunnels[i].config);
	fprintf(to,
		"# HELP wgxdp_build_info The version of wgxdp.\n# TYPE wgxdp_build_info gauge\n"
		"wgxdp_build_info{version=\"%s\"} 1\n",
		WGXDP_VERSION);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", families[i].name, families[i].help,
			families[i].name, families[i].type);
		for (size_t tunnel = 0; tunnel < list->count; tunnel++)
			print_tunnel(to, &families[i], &list->tunnels[tunnel]);
	}
}
