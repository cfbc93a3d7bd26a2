// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_show.c - how `wgxdp show` prints a tunnel, for people and for programs (cli/show.h). The text is compared
 * as a whole with what wg(8) prints, and our lines; no secret key is in either.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <agent/uapi.h>
#include <cli/show.h>
#include <criterion/criterion.h>
#include <jansson.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define HEX_C "c85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define KEY_C "yFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define PUBLIC_KEY_OF_B "RGRnFlBDUHEmGUlzJgg5MTgOKLkwJiIArSARd775wQI="

#define NOW 1700000000
#define TEXT_MAX 8000

/* Its private and its preshared key are B. */
static const char answer[] =
	"private_key=" HEX_B "\nlisten_port=51820\nfwmark=255\nwgxdp_interface=eth0:native\n"
	"wgxdp_clamp_mss=on\nwgxdp_bind=192.0.2.1\nwgxdp_bind=2001:db8::1\n"
	"wgxdp_interface=eth1:generic\nwgxdp_verdict=delivered:7\nwgxdp_verdict=bad-tag:12\n"
	"wgxdp_verdict=too-short:1\n"
	"public_key=" HEX_C "\nlast_handshake_time_sec=1699999937\n"
	"public_key=" HEX_A "\nwgxdp_name=Anna \"A\"\npreshared_key=" HEX_B
	"\nendpoint=[2001:db8::1]:51820\n"
	"last_handshake_time_sec=1699999999\nlast_handshake_time_nsec=5\nrx_bytes=1023\n"
	"tx_bytes=1610612736\nwgxdp_rx_packets=5\nwgxdp_tx_packets=6\npersistent_keepalive_interval=3661\nwgxdp_roaming=off\n"
	"wgxdp_limit=3000000\nwgxdp_verdict=replayed:3\n"
	"wgxdp_verdict=sealed:9\nallowed_ip=10.0.0.0/24\nallowed_ip=fd00::/64\nerrno=0\n\n";

static const char expected[] = "interface: wg0\n"
			       "  public key: " PUBLIC_KEY_OF_B "\n"
			       "  private key: (hidden)\n"
			       "  listening port: 51820\n"
			       "  fwmark: 0xff\n"
			       "  bound to: 192.0.2.1, 2001:db8::1\n"
			       "  clamps TCP's segment size: to the MTU\n"
			       "  receives on: eth0 (native), eth1 (generic)\n"
			       "  dropped: 1 too-short, 12 bad-tag\n"
			       "\n"
			       "peer: " KEY_A "\n"
			       "  name: Anna \"A\"\n"
			       "  preshared key: (hidden)\n"
			       "  endpoint: [2001:db8::1]:51820\n"
			       "  allowed ips: 10.0.0.0/24, fd00::/64\n"
			       "  latest handshake: 1 second ago\n"
			       "  transfer: 1023 B received, 1.50 GiB sent\n"
			       "  persistent keepalive: every 1 hour, 1 minute, 1 second\n"
			       "  roaming: off\n"
			       "  limit: 3mbit each way\n"
			       "  dropped: 3 replayed\n"
			       "\n"
			       "peer: " KEY_C "\n"
			       "  allowed ips: (none)\n"
			       "  latest handshake: 1 minute, 3 seconds ago\n";

static const struct colors plain = {"", "", "", "", "", "", ""};
static const struct colors marked = {"<b>", "<g>", "<y>", "<c>", "<r>", "<w>", "</>"};

static void fill(struct shown_tunnel *tunnel)
{
	*tunnel = (struct shown_tunnel){.name = "wg0"};
	cr_assert_eq(uapi_parse_answer(answer, strlen(answer), &tunnel->config), 0);
}

Test(show, text)
{
	struct shown_tunnel tunnel;
	char text[4000] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	fill(&tunnel);
	show_text(to, &plain, &tunnel, NOW);
	fclose(to);
	cr_expect_str_eq(text, expected);
	config_free(&tunnel.config);
}

static void expect_handshake(time_t now, const char *said)
{
	struct shown_tunnel tunnel;
	char text[4000] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	fill(&tunnel);
	show_text(to, &plain, &tunnel, now);
	fclose(to);
	cr_expect(strstr(text, said), "%s: %s", said, text);
	config_free(&tunnel.config);
}

Test(show, when_the_handshake_was)
{
	expect_handshake(1699999999, "latest handshake: Now\n");
	expect_handshake(1699999998, "latest handshake: in the future");
	expect_handshake(1699999999 + 86400 * 366 + 7200,
			 "latest handshake: 1 year, 1 day, 2 hours ago\n");
}

/* "tunnels" of the document that is printed for two, the second without an agent. */
static json_t *printed_tunnels(bool (*print)(FILE *to, const struct shown_list *list))
{
	struct shown_tunnel tunnels[2] = {0};
	const struct shown_list both = {tunnels, 2};
	char text[8000] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");
	json_t *document, *list;

	fill(&tunnels[0]);
	tunnels[1] = (struct shown_tunnel){.name = "wg1", .error = -ECONNREFUSED};
	cr_assert(print(to, &both));
	fclose(to);
	config_free(&tunnels[0].config);
	cr_expect_null(strstr(text, KEY_B), "no secret key is shown: %s", text);
	document = json_loads(text, 0, NULL);
	list = json_incref(json_object_get(document, "tunnels"));
	json_decref(document);
	return list;
}

Test(show, json)
{
	json_t *list = printed_tunnels(show_json);
	const char *name, *key, *endpoint, *allowed, *mode, *error;
	int port, drops, has_preshared_key, no_preshared_key;
	json_int_t sent, handshake, limit;
	int roams, other_roams;

	cr_assert_eq(json_unpack(list,
				 "[{s:s, s:i, s:[{}, {s:s}], s:{s:i}, s:[{s:b, s:n, s:b}, {s:s, "
				 "s:b, s:s, s:[s], s:I, s:I, s:b, s:I}]}, {s:s, s:s}]",
				 "name", &name, "listen_port", &port, "interfaces", "mode", &mode,
				 "verdicts", "bad-tag", &drops, "peers", "has_preshared_key",
				 &no_preshared_key, "endpoint", "roams", &other_roams, "public_key",
				 &key, "has_preshared_key", &has_preshared_key, "endpoint",
				 &endpoint, "allowed_ips", &allowed, "sent_bytes", &sent,
				 "latest_handshake", &handshake, "roams", &roams, "limit", &limit,
				 "name", &error, "error", &error),
		     0);
	cr_expect_str_eq(name, "wg0");
	cr_expect(port == 51820 && drops == 12);
	cr_expect_str_eq(mode, "generic");
	cr_expect_str_eq(key, KEY_A);
	cr_expect(has_preshared_key && !no_preshared_key);
	cr_expect_str_eq(endpoint, "[2001:db8::1]:51820");
	cr_expect_str_eq(allowed, "10.0.0.0/24");
	cr_expect(sent == 1610612736 && handshake == 1699999999);
	cr_expect(other_roams && !roams && limit == 3000000);
	cr_expect_str_eq(error, strerror(ECONNREFUSED));
	json_decref(list);
}

/* ---- colours, and what became of packets ---------------------------------------------------------- */

static void expect_line(const char *text, const char *line)
{
	cr_expect(strstr(text, line), "%s in: %s", line, text);
}

Test(show, colours_are_where_wg_has_them)
{
	struct shown_tunnel tunnel;
	char text[TEXT_MAX] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	fill(&tunnel);
	show_text(to, &marked, &tunnel, NOW);
	fclose(to);
	expect_line(text, "</><g><b>interface</>: <g>wg0</>\n");
	expect_line(text, "\n<y><b>peer</>: <y>" KEY_A "</>\n");
	expect_line(text, "  <b>allowed ips</>: 10.0.0.0<c>/</>24, fd00::<c>/</>64\n");
	expect_line(text, "  <b>latest handshake</>: 1 <c>second</> ago\n");
	expect_line(text, "  <b>transfer</>: 1023 <c>B</> received, 1.50 <c>GiB</> sent\n");
	config_free(&tunnel.config);
}

Test(show, when_there_are_colours)
{
	FILE *to = tmpfile();

	unsetenv("WG_COLOR_MODE");
	cr_expect_str_eq(colors_for(to)->bold, "", "a file is no terminal");
	setenv("WG_COLOR_MODE", "always", 1);
	cr_expect_str_eq(colors_for(to)->bold, "\033[1m");
	setenv("WG_COLOR_MODE", "never", 1);
	cr_expect_str_eq(colors_for(to)->bold, "");
	fclose(to);
}

static const char expected_stats[] =
	"interface: wg0\n"
	"  delivered                       7  accepted and handed on\n"
	"  too-short                       1  shorter than the message it claims to be\n"
	"  bad-tag                        12  transport packet that fails authentication\n"
	"  peer: " KEY_A "  Anna \"A\"\n"
	"    received                        5  authenticated as from this peer\n"
	"    sent                            6  encrypted for this peer\n"
	"    replayed                        3  transport counter seen before or too old\n"
	"    sealed                          9  encrypted and sent on\n";

Test(stats, text)
{
	struct shown_tunnel tunnels[2] = {0};
	char text[TEXT_MAX] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	fill(&tunnels[0]);
	stats_text(to, &plain, &(struct shown_list){tunnels, 1});
	fclose(to);
	cr_expect_str_eq(text, expected_stats);

	/* two tunnels have a sum */
	tunnels[1] = tunnels[0];
	to = fmemopen(text, sizeof(text), "w");
	stats_text(to, &marked, &(struct shown_list){tunnels, 2});
	fclose(to);
	expect_line(text, "\n<g><b>all tunnels</>\n");
	expect_line(text, "  delivered           </>           14  accepted");
	expect_line(text, "  <r>bad-tag             </>           24  transport");
	config_free(&tunnels[0].config);
}

Test(stats, json)
{
	json_t *list = printed_tunnels(stats_json);
	const char *verdict, *meaning, *peer_verdict;
	int packets, is_drop, is_peer_drop, peer_packets, peers;

	cr_assert_eq(
		json_unpack(
			list,
			"[{s:[{}, {}, {s:s, s:i, s:b, s:s}], s:[{}, {s:[{}, {s:s, s:i, s:b}]}]}]",
			"counts", "verdict", &verdict, "packets", &packets, "is_drop", &is_drop,
			"meaning", &meaning, "peers", "counts", "verdict", &peer_verdict, "packets",
			&peer_packets, "is_drop", &is_peer_drop),
		0);
	cr_expect_str_eq(verdict, "bad-tag");
	cr_expect(packets == 12 && is_drop);
	cr_expect_str_eq(meaning, "transport packet that fails authentication");
	cr_expect_str_eq(peer_verdict, "sealed");
	cr_expect(peer_packets == 9 && !is_peer_drop);
	peers = (int)json_array_size(json_object_get(json_array_get(list, 0), "peers"));
	cr_expect_eq(peers, 2, "also those without any");
	json_decref(list);
}
