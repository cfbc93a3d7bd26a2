// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_uapi.c - wg(8)'s userspace socket (agent/uapi.h): every line of the protocol, taken and refused, its
 * order and its errno; a configuration through text and back. Whether wg(8) agrees is in test_uapi_wg.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <agent/uapi.h>
#include <criterion/criterion.h>
#include <util/encoding.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER_A "public_key=" KEY_A "\n"
#define PEER_B "public_key=" KEY_B "\n"

static int parse(const char *text, enum uapi_operation *operation, struct device_config *config)
{
	return uapi_parse_request(text, strlen(text), operation, config);
}

static bool is_empty(const struct device_config *config)
{
	static const struct device_config empty;

	return memcmp(config, &empty, sizeof(empty)) == 0;
}

/* ---- requests ------------------------------------------------------------------------------------- */

Test(uapi, where_a_request_ends)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
		{"", 0},
		{"get=1", 0},
		{"get=1\n", 0},
		{"get=1\n\n", 7},
		{"get=1\n\nget=1\n\n", 7},
		{"set=1\nlisten_port=1\n\nget", 21},
		{"\n", 1},
		{"\nget=1\n\n", 1},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect_eq(uapi_request_length(rows[i].text, strlen(rows[i].text)),
			     rows[i].length, "'%s'", rows[i].text);
	/* it does not look beyond what was received */
	cr_expect_eq(uapi_request_length("get=1\n\n", 6), 0);
}

Test(uapi, get)
{
	static const char *const bad[] = {
		"\n",      "get=1\n",        "get=2\n\n", "get=\n\n",  "get=11\n\n",
		"get\n\n", "get=1\na=1\n\n", "GET=1\n\n", "put=1\n\n", "get=1\n\nget=1\n\n",
	};
	enum uapi_operation operation = UAPI_SET;
	struct device_config config;

	cr_expect_eq(parse("get=1\n\n", &operation, &config), 0);
	cr_expect_eq(operation, UAPI_GET);
	cr_expect(is_empty(&config));
	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect_eq(parse(bad[i], &operation, &config), -EINVAL, "'%s'", bad[i]);
		cr_expect(is_empty(&config));
		/* the sign of errno depends on it */
		cr_expect_eq(operation, strncmp(bad[i], "get=", 4) == 0 ? UAPI_GET : UAPI_SET,
			     "'%s'", bad[i]);
	}
}

Test(uapi, set_everything)
{
	static const char text[] =
		"set=1\nprivate_key=" KEY_B
		"\nlisten_port=12912\nfwmark=4294967295\nreplace_peers=true\n"
		/* a peer with all there is */
		PEER_A "update_only=true\npreshared_key=" KEY_B
		"\nendpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=65535\n"
		"replace_allowed_ips=true\nallowed_ip=10.1.2.3/8\nallowed_ip=-fd00::1/64\n"
		"protocol_version=1\n"
		/* and one that goes */
		PEER_B "remove=true\n\n";
	enum uapi_operation operation = UAPI_GET;
	struct device_config config;
	struct peer_config *peer;

	cr_assert_eq(parse(text, &operation, &config), 0);
	cr_expect_eq(operation, UAPI_SET);
	cr_expect(config.has_private_key && config.private_key[0] == 0xb8);
	cr_expect(config.has_listen_port && config.listen_port == 12912);
	cr_expect(config.has_fwmark && config.fwmark == UINT32_MAX);
	cr_expect(config.replace_peers);
	cr_assert_eq(config.peer_count, 2);

	peer = &config.peers[0];
	cr_expect_eq(peer->public_key[31], 0x1f);
	cr_expect(peer->update_only && peer->replace_allowed_ips && !peer->remove);
	cr_expect(peer->has_preshared_key && peer->preshared_key[31] == 0x33);
	cr_expect(peer->has_endpoint && peer->endpoint.family == FAMILY_IPV6);
	cr_expect(peer->has_keepalive && peer->keepalive == UINT16_MAX);
	cr_assert_eq(peer->allowed_ip_count, 2);
	cr_expect(!peer->allowed_ips[0].remove && peer->allowed_ips[0].prefix_length == 8);
	cr_expect_eq(peer->allowed_ips[0].address[1], 0, "host bits are cleared");
	cr_expect(peer->allowed_ips[1].remove && peer->allowed_ips[1].family == FAMILY_IPV6);
	cr_expect_eq(peer->allowed_ips[1].address[15], 0);

	peer = &config.peers[1];
	cr_expect(peer->remove && peer->public_key[0] == 0xb8);
	cr_expect(!peer->has_preshared_key && !peer->has_endpoint && !peer->has_keepalive);
	config_free(&config);
	cr_expect(is_empty(&config));
}

Test(uapi, what_is_not_said_is_not_set)
{
	enum uapi_operation operation;
	struct device_config config;

	cr_assert_eq(parse("set=1\n\n", &operation, &config), 0);
	cr_expect_eq(operation, UAPI_SET);
	cr_expect(is_empty(&config));
	cr_assert_eq(parse("set=1\nprivate_key=" KEY_ZERO "\nlisten_port=0\nfwmark=0\n\n",
			   &operation, &config),
		     0);
	cr_expect(config.has_private_key && config.has_listen_port && config.has_fwmark,
		  "zero is a value");
	config_free(&config);
}

/* Each row stands in a request that is good without it, and has a peer before it when `in_peer`. */
static const struct refused_line {
	bool in_peer;
	const char *line;
} refused_lines[] = {
	/* not known, not a line */
	{false, "frob=1"},
	{true, "frob=1"},
	{false, "listen_port"},
	{false, "=1"},
	{false, " listen_port=1"},
	{false, "listen_port =1"},
	{false, "LISTEN_PORT=1"},
	{false, "listen_port=1\r"},
	{false, "set=1"},
	{true, "get=1"},
	/* what only an answer may say */
	{false, "errno=0"},
	{true, "rx_bytes=1"},
	{true, "last_handshake_time_sec=1"},
	{false, "wgxdp_interface=eth0:native"},
	{true, "wgxdp_verdict=bad-tag:1"},
	{false, "wgxdp_bind=192.0.2.1/32"},
	{false, "wgxdp_bind=::"},
	{false, "wgxdp_bind="},
	{false, "wgxdp_clamp_mss=87"},
	{false, "wgxdp_clamp_mss="},
	{true, "wgxdp_roaming="},
	{true, "wgxdp_roaming=no"},
	{true, "wgxdp_roaming=Off"},
	{true, "wgxdp_limit="},
	{true, "wgxdp_limit=-1"},
	{true, "wgxdp_limit=10mbit"},
	/* of what passes in a second not even a packet would */
	{true, "wgxdp_limit=1"},
	{true, "wgxdp_limit=7999"},
	{true, "wgxdp_limit=1000000000000001"},
	{true, "wgxdp_limit=18446744073709551617"},
	/* the wrong place */
	{true, "wgxdp_bind=192.0.2.1"},
	{true, "wgxdp_clamp_mss=on"},
	{false, "wgxdp_roaming=off"},
	{false, "wgxdp_limit=8000"},
	{true, "private_key=" KEY_B},
	{true, "listen_port=1"},
	{true, "fwmark=1"},
	{true, "replace_peers=true"},
	{false, "remove=true"},
	{false, "update_only=true"},
	{false, "preshared_key=" KEY_B},
	{false, "endpoint=192.0.2.1:1"},
	{false, "persistent_keepalive_interval=1"},
	{false, "replace_allowed_ips=true"},
	{false, "allowed_ip=10.0.0.0/8"},
	{false, "protocol_version=1"},
	/* keys */
	{false, "private_key="},
	{false, "private_key=" KEY_B "0"},
	{false, "private_key=x" KEY_B},
	{false, "public_key=00"},
	{true, "preshared_key=none"},
	/* numbers */
	{false, "listen_port=65536"},
	{false, "listen_port=-1"},
	{false, "listen_port=+1"},
	{false, "listen_port= 1"},
	{false, "listen_port=1 "},
	{false, "listen_port="},
	{false, "listen_port=18446744073709551617"},
	{false, "fwmark=4294967296"},
	{false, "fwmark=0x1"},
	{true, "persistent_keepalive_interval=65536"},
	{true, "persistent_keepalive_interval=off"},
	/* flags */
	{false, "replace_peers=false"},
	{false, "replace_peers=1"},
	{true, "remove=false"},
	{true, "update_only=True"},
	{true, "replace_allowed_ips="},
	/* the rest */
	{true, "endpoint=example.org:1"},
	{true, "endpoint=192.0.2.1"},
	{true, "endpoint=192.0.2.1:65536"},
	{true, "allowed_ip=10.0.0.0/33"},
	{true, "allowed_ip=10.0.0.0/-8"},
	{true, "allowed_ip=--10.0.0.0/8"},
	{true, "allowed_ip=+10.0.0.0/8"},
	{true, "allowed_ip=-"},
	{true, "protocol_version=2"},
	{true, "protocol_version=01"},
};

Test(uapi, lines_that_are_refused)
{
	for (size_t i = 0; i < COUNT(refused_lines); i++) {
		const struct refused_line *row = &refused_lines[i];
		enum uapi_operation operation;
		struct device_config config;
		char text[400];

		/* a peer with an allowed IP, so that there is something to leak */
		snprintf(text, sizeof(text), "set=1\n%s%s\n\n",
			 row->in_peer ? PEER_A "allowed_ip=10.0.0.0/8\n" : "", row->line);
		cr_expect_eq(parse(text, &operation, &config), -EINVAL, "%s", row->line);
		cr_expect_eq(operation, UAPI_SET, "%s", row->line);
		cr_expect(is_empty(&config), "%s: nothing half read", row->line);
	}
}

Test(uapi, texts_that_are_no_request)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
		{"set=1\nlisten_port=1\n", 20}, /* not ended */
		{"set=1\nlisten_port=1", 19}, /* not even the line */
		{"set=1\n\nlisten_port=1\n\n", 22}, /* ended before its end */
		{"set=1\nlisten_port=1\0\n\n", 22}, /* a NUL in a line */
		{"set=1\nlisten_port=1\n\0\n", 22}, /* and as one */
		{"set=1", 5},
		{"set=2\n\n", 7},
		{"", 0},
	};
	static char long_line[5000];
	enum uapi_operation operation;
	struct device_config config;

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect_eq(uapi_parse_request(rows[i].text, rows[i].length, &operation, &config),
			     -EINVAL, "row %zu", i);
	memset(long_line, '0', sizeof(long_line) - 1);
	memcpy(long_line, "set=1\nlisten_port=", 18);
	memcpy(long_line + sizeof(long_line) - 4, "1\n\n", 4);
	cr_expect_eq(parse(long_line, &operation, &config), -EINVAL);
}

/* As many as the kernel's test script puts on one peer: 2^17 - 2^9. With a list that grows by one each time
 * this would take minutes. */
Test(uapi, many_allowed_ips, .timeout = 20)
{
	enum { MANY = 130560 };
	enum uapi_operation operation;
	struct device_config config;
	size_t size;
	char *text;
	FILE *to = open_memstream(&text, &size);

	fprintf(to, "set=1\n" PEER_A);
	for (unsigned int i = 0; i < MANY; i++)
		fprintf(to, "allowed_ip=%u.%u.%u.0/24\n", 10 + (i >> 16), i >> 8 & 255, i & 255);
	fprintf(to, "\n");
	fclose(to);
	cr_assert_eq(uapi_parse_request(text, size, &operation, &config), 0);
	cr_assert_eq(config.peers[0].allowed_ip_count, MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		const struct allowed_ip *allowed_ip = &config.peers[0].allowed_ips[i];

		cr_assert(allowed_ip->address[0] == 10 + (i >> 16) &&
				  allowed_ip->address[1] == (i >> 8 & 255) &&
				  allowed_ip->address[2] == (i & 255),
			  "number %u", i);
	}
	config_free(&config);
	free(text);
}

/* ---- answers -------------------------------------------------------------------------------------- */

static const char *printed_set_result(int error)
{
	static char text[100];
	FILE *to = fmemopen(text, sizeof(text), "w");

	uapi_print_set_result(to, error);
	fclose(to);
	return text;
}

static const char *printed_device(const struct device_config *config, int error)
{
	static char text[8000];
	FILE *to = fmemopen(text, sizeof(text), "w");

	uapi_print_device(to, config, error);
	fclose(to);
	return text;
}

Test(uapi, the_sign_of_errno)
{
	static const struct device_config empty;

	cr_expect_str_eq(printed_set_result(0), "errno=0\n\n");
	cr_expect_str_eq(printed_set_result(-EINVAL), "errno=-22\n\n");
	cr_expect_str_eq(printed_device(&empty, -EINVAL), "errno=22\n\n");
	cr_expect_str_eq(printed_device(&empty, 0), "listen_port=0\nerrno=0\n\n");
}

/* A device with one of everything. */
static void fill_device(struct device_config *config)
{
	struct peer_config *peer;

	*config = (struct device_config){
		.listen_port = 51820, .fwmark = 7, .is_up = true, .mss_limit = 1300};
	config_bind(config, "192.0.2.1");
	config_bind(config, "2001:db8::1");
	key_from_hex(config->private_key, KEY_B);
	config->verdicts[VERDICT_BAD_TAG] = UINT64_C(5000000000);
	*config_add_interface(config) = (struct interface_config){.name = "eth0"};
	*config_add_interface(config) = (struct interface_config){"eth1", true};
	peer = config_add_peer(config);
	key_from_hex(peer->public_key, KEY_A);
	key_from_hex(peer->preshared_key, KEY_B);
	endpoint_from_text(&peer->endpoint, "192.0.2.1:51820");
	peer->keepalive = 25;
	peer->last_handshake_seconds = 1700000000;
	peer->last_handshake_nanoseconds = 999999999;
	peer->received_bytes = UINT64_MAX;
	peer->sent_bytes = 1428;
	peer->received_packets = UINT64_C(5000000001);
	peer->sent_packets = 2;
	peer->verdicts[VERDICT_REPLAYED] = 3;
	prefix_from_text(&config_add_allowed_ip(peer)->family, peer->allowed_ips[0].address,
			 &peer->allowed_ips[0].prefix_length, "10.0.0.0/24", true);
	prefix_from_text(&config_add_allowed_ip(peer)->family, peer->allowed_ips[1].address,
			 &peer->allowed_ips[1].prefix_length, "fd00::/64", true);
	peer = config_add_peer(config);
	key_from_hex(peer->public_key, KEY_B);
}

#define DEVICE_TEXT                                                                                \
	"private_key=" KEY_B "\nlisten_port=51820\nfwmark=7\nwgxdp_is_up=true\n"                   \
	"wgxdp_clamp_mss=1300\nwgxdp_bind=192.0.2.1\nwgxdp_bind=2001:db8::1\n"                     \
	"wgxdp_interface=eth0:native\n"                                                            \
	"wgxdp_interface=eth1:generic\nwgxdp_verdict=bad-tag:5000000000\n" PEER_A                  \
	"preshared_key=" KEY_B "\nprotocol_version=1\nendpoint=192.0.2.1:51820\n"                  \
	"last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=999999999\n"                 \
	"tx_bytes=1428\nrx_bytes=18446744073709551615\npersistent_keepalive_interval=25\n"         \
	"wgxdp_rx_packets=5000000001\nwgxdp_tx_packets=2\n"                                        \
	"wgxdp_verdict=replayed:3\nallowed_ip=10.0.0.0/24\nallowed_ip=fd00::/64\n" PEER_B          \
	"preshared_key=" KEY_ZERO "\nprotocol_version=1\nlast_handshake_time_sec=0\n"              \
	"last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"    \
	"errno=0\n\n"

static void expect_filled(const struct device_config *config)
{
	const struct peer_config *peer = config->peers;

	cr_assert_eq(config->peer_count, 2);
	cr_expect(config->has_private_key && config->private_key[0] == 0xb8);
	cr_expect(config->listen_port == 51820 && config->fwmark == 7);
	cr_expect_eq(config->mss_limit, 1300);
	cr_assert_eq(config->bound_count, 2);
	cr_expect_eq(config->bound_addresses[0].family, FAMILY_IPV4);
	cr_expect_eq(config->bound_addresses[1].address[15], 1);
	cr_expect_eq(config->verdicts[VERDICT_BAD_TAG], 5000000000);
	cr_expect_eq(config->verdicts[VERDICT_REPLAYED], 0, "it was the peer's");
	cr_assert_eq(config->interface_count, 2);
	cr_expect_str_eq(config->interfaces[0].name, "eth0");
	cr_expect(!config->interfaces[0].is_generic && config->interfaces[1].is_generic);
	cr_expect_eq(peer->public_key[31], 0x1f);
	cr_expect_eq(peer->preshared_key[0], 0xb8);
	cr_expect(peer->has_endpoint && peer->endpoint.address[3] == 1);
	cr_expect_eq(peer->keepalive, 25);
	cr_expect_eq(peer->last_handshake_seconds, 1700000000);
	cr_expect_eq(peer->last_handshake_nanoseconds, 999999999);
	cr_expect(peer->received_bytes == UINT64_MAX && peer->sent_bytes == 1428);
	cr_expect(peer->received_packets == 5000000001 && peer->sent_packets == 2);
	cr_expect(config->is_up);
	cr_expect_eq(peer->verdicts[VERDICT_REPLAYED], 3);
	cr_assert_eq(peer->allowed_ip_count, 2);
	cr_expect_eq(peer->allowed_ips[1].prefix_length, 64);
	cr_expect(!peer[1].has_endpoint && peer[1].allowed_ip_count == 0);
}

Test(uapi, a_device_as_text_and_back)
{
	struct device_config config, again;

	fill_device(&config);
	cr_expect_str_eq(printed_device(&config, 0), DEVICE_TEXT);
	config_free(&config);
	cr_assert_eq(uapi_parse_answer(DEVICE_TEXT, strlen(DEVICE_TEXT), &again), 0);
	expect_filled(&again);
	config_free(&again);
}

Test(uapi, answers)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"errno=0\n\n", 0},
		{"errno=13\n\n", -13},
		{"errno=-13\n\n", -13},
		{PEER_A "frob=1\nallowed_ip=10.0.0.0/8\nerrno=0\n\n", 0}, /* said by a newer one */
		{"wgxdp_verdict=not-yet-known:1\nerrno=0\n\n", 0},
		{"wgxdp_verdict=bad-tag\nerrno=0\n\n", -EPROTO},
		{"wgxdp_interface=eth0\nerrno=0\n\n", -EPROTO},
		{"wgxdp_interface=a-name-of-16-bytes:native\nerrno=0\n\n", -EPROTO},
		{"last_handshake_time_nsec=1000000000\nerrno=0\n\n", 0}, /* of no peer */
		{PEER_A "last_handshake_time_nsec=1000000000\nerrno=0\n\n", -EPROTO},
		{PEER_A "allowed_ip=10.0.0.0/8\n\n", -EPROTO}, /* no errno */
		{PEER_A "allowed_ip=10.0.0.0/8\nerrno=1\n\n", -1},
		{"errno=x\n\n", -EPROTO},
		{"errno=--1\n\n", -EPROTO},
		{"errno=0\n", -EPROTO},
		{"", -EPROTO},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device_config config;

		cr_expect_eq(uapi_parse_answer(rows[i].text, strlen(rows[i].text), &config),
			     rows[i].error, "'%s'", rows[i].text);
		cr_expect(rows[i].error == 0 || is_empty(&config), "'%s'", rows[i].text);
		config_free(&config);
	}
}

Test(uapi, a_set_as_text)
{
	static const char *const requests[] = {
		"set=1\n\n",
		"set=1\nprivate_key=" KEY_ZERO "\nlisten_port=0\nfwmark=0\nreplace_peers=true\n\n",
		"set=1\n" PEER_A "update_only=true\npreshared_key=" KEY_ZERO
		"\nendpoint=[2001:db8::1]:1\npersistent_keepalive_interval=0\n"
		"replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=-::/0\n" PEER_B
		"remove=true\n\n",
	};

	for (size_t i = 0; i < COUNT(requests); i++) {
		enum uapi_operation operation;
		struct device_config config;
		char text[1000];
		FILE *to = fmemopen(text, sizeof(text), "w");

		cr_assert_eq(parse(requests[i], &operation, &config), 0, "'%s'", requests[i]);
		uapi_print_set(to, &config);
		fclose(to);
		cr_expect_str_eq(text, requests[i]);
		config_free(&config);
	}
}

/* ---- over sockets --------------------------------------------------------------------------------- */

/* Both ends of a connection; the answer waits in it already. */
static void connect_to_answer(int ends[2], const char *answer)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	cr_assert_eq(write(ends[1], answer, strlen(answer)), (ssize_t)strlen(answer));
}

static void expect_asked(int ends[2], const char *expected)
{
	char text[500] = "";

	cr_expect_gt(read(ends[1], text, sizeof(text) - 1), 0);
	cr_expect_str_eq(text, expected);
	close(ends[0]);
	close(ends[1]);
}

Test(uapi, the_clients_end)
{
	struct device_config config, set = {.has_listen_port = true, .listen_port = 9};
	int ends[2];

	connect_to_answer(ends, DEVICE_TEXT);
	cr_assert_eq(uapi_get(ends[0], &config), 0);
	expect_filled(&config);
	config_free(&config);
	expect_asked(ends, "get=1\n\n");

	connect_to_answer(ends, "errno=-98\n\n");
	cr_expect_eq(uapi_set(ends[0], &set), -EADDRINUSE);
	expect_asked(ends, "set=1\nlisten_port=9\n\n");

	connect_to_answer(ends, "errno=0\n");
	shutdown(ends[1], SHUT_WR);
	cr_expect_eq(uapi_set(ends[0], &set), -ECONNRESET, "an agent that dies while it answers");
	expect_asked(ends, "set=1\nlisten_port=9\n\n");
}

Test(uapi, nobody_answers)
{
	cr_expect_eq(uapi_connect("no-tunnel-01"), -ENOENT);
	cr_expect_eq(uapi_connect(
			     "a-name-so-long-that-with-its-directory-and-its-suffix-it-is-more-"
			     "than-a-socket-can-be-called-and-then-a-bit"),
		     -ENAMETOOLONG);
}
