// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_uapi_wg.c - whether wg(8) itself reads what agent/uapi.h prints, and sends what it parses. The texts are in
 * test_uapi.c. A little server stands where wg looks for the agent; it needs root for that directory.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <agent/uapi.h>
#include <criterion/criterion.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM="
#define PUBLIC_KEY_OF_B "RGRnFlBDUHEmGUlzJgg5MTgOKLkwJiIArSARd775wQI="

static const char answer[] =
	"private_key=" HEX_B "\nlisten_port=51820\nfwmark=7\nwgxdp_interface=eth0:native\n"
	"wgxdp_verdict=bad-tag:5000000000\npublic_key=" HEX_A "\npreshared_key=" HEX_B
	"\nendpoint=192.0.2.1:51820\nlast_handshake_time_sec=1700000000\n"
	"last_handshake_time_nsec=999999999\ntx_bytes=1428\nrx_bytes=18446744073709551615\n"
	"persistent_keepalive_interval=25\nwgxdp_verdict=replayed:3\nallowed_ip=10.0.0.0/24\n"
	"allowed_ip=fd00::/64\npublic_key=" HEX_B "\nerrno=0\n\n";

/* In a mount namespace of the test's own, so that nobody else finds it there and nothing is left. */
static int listen_as(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mkdir(UAPI_DIRECTORY, 0755);
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", UAPI_DIRECTORY, "tmpfs", 0, NULL), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), UAPI_DIRECTORY "/%s.sock", name);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	return listener;
}

/* The first whole request of a connection that has one: wg looks whether somebody listens before it asks. */
static int accept_request(int listener, char *request, size_t size)
{
	size_t length = 0;
	int fd = -1;

	while (!uapi_request_length(request, length)) {
		ssize_t got;

		if (fd < 0)
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		got = read(fd, request + length, size - 1 - length);
		cr_assert_geq(got, 0);
		if (got == 0) {
			close(fd);
			fd = -1;
		}
		length += (size_t)got;
	}
	request[length] = '\0';
	return fd;
}

/* Runs one command of wg on the device "test" against one answer of ours. Returns what it asked; what it printed
 * goes to `output`. */
static const char *ask_with_wg(const char *command, const char *reply, char *output, size_t size)
{
	static char request[4000];
	int listener, fd;
	FILE *wg;

	if (geteuid() != 0 || system("command -v wg >/dev/null") != 0)
		cr_skip("needs root and wg(8)");
	listener = listen_as("test");
	wg = popen(command, "r");
	fd = accept_request(listener, request, sizeof(request));
	cr_assert_eq(write(fd, reply, strlen(reply)), (ssize_t)strlen(reply));
	close(fd);
	close(listener);
	output[fread(output, 1, size - 1, wg)] = '\0';
	pclose(wg);
	return request;
}

Test(uapi_wg, reads_what_we_print, .timeout = 20)
{
	struct device_config config;
	char printed[4000], output[4000];
	FILE *to = fmemopen(printed, sizeof(printed), "w");

	cr_assert_eq(uapi_parse_answer(answer, strlen(answer), &config), 0);
	uapi_print_device(to, &config, 0);
	fclose(to);
	config_free(&config);
	cr_expect_str_eq(ask_with_wg("wg show test dump 2>&1", printed, output, sizeof(output)),
			 "get=1\n\n");
	cr_expect_str_eq(output, KEY_B "\t" PUBLIC_KEY_OF_B "\t51820\t0x7\n" KEY_A "\t" KEY_B
				       "\t192.0.2.1:51820\t10.0.0.0/24,fd00::/64\t1700000000\t"
				       "18446744073709551615\t1428\t25\n" KEY_B
				       "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");
}

Test(uapi_wg, reads_our_errors, .timeout = 20)
{
	char printed[100] = "", output[500];
	FILE *to = fmemopen(printed, sizeof(printed), "w");

	uapi_print_device(to, NULL, -EACCES);
	fclose(to);
	ask_with_wg("wg show test dump 2>&1", printed, output, sizeof(output));
	cr_expect(strstr(output, "Permission denied"), "%s", output);

	to = fmemopen(printed, sizeof(printed), "w");
	uapi_print_set_result(to, -EADDRINUSE);
	fclose(to);
	ask_with_wg("wg set test listen-port 7 2>&1", printed, output, sizeof(output));
	cr_expect(strstr(output, "Address already in use"), "%s", output);
}

Test(uapi_wg, sends_what_we_read, .timeout = 20)
{
	enum uapi_operation operation;
	struct device_config config;
	const char *request;
	char output[500];

	request = ask_with_wg("wg set test listen-port 51820 fwmark 0x7 peer " KEY_A
			      " endpoint '[2001:db8::1]:51820' persistent-keepalive 25 "
			      "allowed-ips 10.0.0.0/8,fd00::/8 peer " KEY_B " remove 2>&1",
			      "errno=0\n\n", output, sizeof(output));
	cr_expect_str_eq(output, "");
	cr_assert_eq(uapi_parse_request(request, strlen(request), &operation, &config), 0, "%s",
		     request);
	cr_expect(config.listen_port == 51820 && config.fwmark == 7);
	cr_assert_eq(config.peer_count, 2);
	cr_expect_eq(config.peers[0].keepalive, 25);
	cr_expect(config.peers[0].replace_allowed_ips);
	cr_expect_eq(config.peers[0].allowed_ip_count, 2);
	cr_expect(config.peers[0].has_endpoint);
	cr_expect(config.peers[1].remove);
	config_free(&config);
}
