// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_metrics.c - tunnels as Prometheus reads them (cli/metrics.h). That the whole is what its parser takes is
 * asked by tests/netns/72-metrics.sh.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <agent/uapi.h>
#include <cli/metrics.h>
#include <criterion/criterion.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define HEX_C "c85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_B "uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define KEY_C "yFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define TEXT_MAX 20000

static const char answer[] =
	"listen_port=51820\nwgxdp_is_up=true\nwgxdp_interface=eth0:native\n"
	"wgxdp_interface=et\\h\"1:generic\nwgxdp_verdict=delivered:7\nwgxdp_verdict=bad-tag:12\n"
	"public_key=" HEX_A "\nendpoint=[2001:db8::1]:51820\nlast_handshake_time_sec=1699999999\n"
	"rx_bytes=1023\ntx_bytes=1610612736\nwgxdp_rx_packets=5\nwgxdp_tx_packets=6\n"
	"wgxdp_verdict=replayed:3\nwgxdp_verdict=keepalive:9\nerrno=0\n\n";

static void expect(const char *text, const char *line, bool is_there)
{
	cr_expect_eq(strstr(text, line) != NULL, is_there, "%s in: %s", line, text);
}

static const char named[] = "public_key=" HEX_A "\nwgxdp_name=Anna \"\\A\"\npublic_key=" HEX_B
			    "\nwgxdp_name=twin\npublic_key=" HEX_C "\nwgxdp_name=twin\nerrno=0\n\n";

Test(metrics, names)
{
	struct shown_tunnel tunnel = {.name = "wg0"};
	struct shown_list list = {&tunnel, 1};
	static char text[TEXT_MAX];
	FILE *to = fmemopen(text, sizeof(text), "w");

	cr_assert_eq(uapi_parse_answer(named, strlen(named), &tunnel.config), 0);
	metrics_print(to, &list);
	fclose(to);
	config_free(&tunnel.config);
	expect(text, "{tunnel=\"wg0\",peer=\"Anna \\\"\\\\A\\\"\"} 0", true);
	expect(text, "peer=\"twin\"", false);
	expect(text, "peer=\"" KEY_B "\"", true);
	expect(text, "peer=\"" KEY_C "\"", true);
}

Test(metrics, samples)
{
	struct shown_tunnel tunnels[2] = {{.name = "wg0"}, {.name = "wg1", .error = -ECONNREFUSED}};
	struct shown_list list = {tunnels, 2};
	static char text[TEXT_MAX];
	FILE *to = fmemopen(text, sizeof(text), "w");

	cr_assert_eq(uapi_parse_answer(answer, strlen(answer), &tunnels[0].config), 0);
	metrics_print(to, &list);
	fclose(to);
	config_free(&tunnels[0].config);

	expect(text, "\nwgxdp_agent_up{tunnel=\"wg0\"} 1\nwgxdp_agent_up{tunnel=\"wg1\"} 0\n",
	       true);
	expect(text, "\nwgxdp_tunnel_up{tunnel=\"wg0\"} 1\n", true);
	expect(text, "wgxdp_tunnel_up{tunnel=\"wg1\"}", false);
	expect(text,
	       "\nwgxdp_tunnel_interface_info{tunnel=\"wg0\",interface=\"et\\\\h\\\"1\",mode=\"generic\"} 1\n",
	       true);
	expect(text, "\nwgxdp_handled_packets_total{tunnel=\"wg0\",outcome=\"delivered\"} 7\n",
	       true);
	expect(text, "\nwgxdp_dropped_packets_total{tunnel=\"wg0\",reason=\"bad-tag\"} 12\n", true);
	/* what has not happened yet is there for the tunnel, and not for the peer */
	expect(text, "\nwgxdp_dropped_packets_total{tunnel=\"wg0\",reason=\"replayed\"} 0\n", true);
	expect(text,
	       "\nwgxdp_peer_dropped_packets_total{tunnel=\"wg0\",peer=\"" KEY_A
	       "\",reason=\"replayed\"} 3\n",
	       true);
	expect(text,
	       "wgxdp_peer_dropped_packets_total{tunnel=\"wg0\",peer=\"" KEY_A
	       "\",reason=\"bad-tag\"",
	       false);
	expect(text, "\",reason=\"keepalive\"", false);
	expect(text,
	       "\nwgxdp_peer_sent_bytes_total{tunnel=\"wg0\",peer=\"" KEY_A "\"} 1610612736\n",
	       true);
	expect(text, "\nwgxdp_peer_received_packets_total{tunnel=\"wg0\",peer=\"" KEY_A "\"} 5\n",
	       true);
	expect(text,
	       "\nwgxdp_peer_last_handshake_timestamp_seconds{tunnel=\"wg0\",peer=\"" KEY_A
	       "\"} 1699999999\n",
	       true);
	expect(text, "public_key=\"" KEY_A "\",endpoint=\"[2001:db8::1]:51820\"} 1\n", true);
}
