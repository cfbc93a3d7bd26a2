// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_show.c - how `wgxdp show` prints a tunnel, for people and for programs (cli/show.h). The text is compared
 * as a whole with what wg(8) prints, and our lines; no secret key is in either.
 */
#include <errno.h>
#include <stdio.h>
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

/* Its private and its preshared key are B. */
static const char answer[] =
	"private_key=" HEX_B "\nlisten_port=51820\nfwmark=255\nwgxdp_interface=eth0:native\n"
	"wgxdp_interface=eth1:generic\nwgxdp_verdict=delivered:7\nwgxdp_verdict=bad-tag:12\n"
	"wgxdp_verdict=too-short:1\n"
	"public_key=" HEX_C "\nlast_handshake_time_sec=1699999937\n"
	"public_key=" HEX_A "\npreshared_key=" HEX_B "\nendpoint=[2001:db8::1]:51820\n"
	"last_handshake_time_sec=1699999999\nlast_handshake_time_nsec=5\nrx_bytes=1023\n"
	"tx_bytes=1610612736\npersistent_keepalive_interval=3661\nwgxdp_verdict=replayed:3\n"
	"wgxdp_verdict=sealed:9\nallowed_ip=10.0.0.0/24\nallowed_ip=fd00::/64\nerrno=0\n\n";

static const char expected[] = "interface: wg0\n"
			       "  public key: " PUBLIC_KEY_OF_B "\n"
			       "  private key: (hidden)\n"
			       "  listening port: 51820\n"
			       "  fwmark: 0xff\n"
			       "  receives on: eth0 (native), eth1 (generic)\n"
			       "  dropped: 1 too-short, 12 bad-tag (by all tunnels together)\n"
			       "\n"
			       "peer: " KEY_A "\n"
			       "  preshared key: (hidden)\n"
			       "  endpoint: [2001:db8::1]:51820\n"
			       "  allowed ips: 10.0.0.0/24, fd00::/64\n"
			       "  latest handshake: 1 second ago\n"
			       "  transfer: 1023 B received, 1.50 GiB sent\n"
			       "  persistent keepalive: every 1 hour, 1 minute, 1 second\n"
			       "  dropped: 3 replayed\n"
			       "\n"
			       "peer: " KEY_C "\n"
			       "  allowed ips: (none)\n"
			       "  latest handshake: 1 minute, 3 seconds ago\n";

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
	show_text(to, &tunnel, NOW);
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
	show_text(to, &tunnel, now);
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
static json_t *printed_tunnels(void)
{
	struct shown_tunnel tunnels[2] = {0};
	char text[8000] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");
	json_t *document, *list;

	fill(&tunnels[0]);
	tunnels[1] = (struct shown_tunnel){.name = "wg1", .error = -ECONNREFUSED};
	cr_assert(show_json(to, tunnels, 2));
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
	json_t *list = printed_tunnels();
	const char *name, *key, *endpoint, *allowed, *mode, *error;
	int port, drops, has_preshared_key, no_preshared_key;
	json_int_t sent, handshake;

	cr_assert_eq(json_unpack(list,
				 "[{s:s, s:i, s:[{}, {s:s}], s:{s:i}, s:[{s:b, s:n}, {s:s, s:b, "
				 "s:s, s:[s], s:I, s:I}]}, {s:s, s:s}]",
				 "name", &name, "listen_port", &port, "interfaces", "mode", &mode,
				 "verdicts", "bad-tag", &drops, "peers", "has_preshared_key",
				 &no_preshared_key, "endpoint", "public_key", &key,
				 "has_preshared_key", &has_preshared_key, "endpoint", &endpoint,
				 "allowed_ips", &allowed, "sent_bytes", &sent, "latest_handshake",
				 &handshake, "name", &error, "error", &error),
		     0);
	cr_expect_str_eq(name, "wg0");
	cr_expect(port == 51820 && drops == 12);
	cr_expect_str_eq(mode, "generic");
	cr_expect_str_eq(key, KEY_A);
	cr_expect(has_preshared_key && !no_preshared_key);
	cr_expect_str_eq(endpoint, "[2001:db8::1]:51820");
	cr_expect_str_eq(allowed, "10.0.0.0/24");
	cr_expect(sent == 1610612736 && handshake == 1699999999);
	cr_expect_str_eq(error, strerror(ECONNREFUSED));
	json_decref(list);
}
