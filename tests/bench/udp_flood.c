// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * udp_flood.c - small datagrams as fast as one process sends them, and a count of those that arrive. For
 * scripts/bench-tunnel; not a test.
 *
 *     udp-flood send ADDRESS PORT BYTES SECONDS     prints how many the kernel took
 *     udp-flood receive PORT SECONDS                prints how many arrived, from the first one on
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, LARGEST = 1500, RECEIVE_BUFFER = 8 << 20 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "udp-flood: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static void prepare(struct mmsghdr messages[BATCH], struct iovec vectors[BATCH], char *bytes,
		    size_t stride, size_t length)
{
	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = bytes + stride * i, .iov_len = length};
		messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &vectors[i], .msg_iovlen = 1},
		};
	}
}

static int send_all(const char *address, int port, size_t length, double seconds)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static char bytes[LARGEST];
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	double end = now() + seconds;
	uint64_t count = 0;

	if (length > LARGEST || inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		return fail("address or length");
	}
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return fail(address);
	prepare(messages, vectors, bytes, 0, length);
	while (now() < end) {
		int sent = sendmmsg(fd, messages, BATCH, 0);

		if (sent > 0)
			count += (uint64_t)sent;
		else if (errno != ENOBUFS && errno != ECONNREFUSED)
			return fail("sendmmsg");
	}
	printf("%lu\n", count);
	return EXIT_SUCCESS;
}

static int receive_all(int port, double seconds)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = RECEIVE_BUFFER;
	static char bytes[BATCH][LARGEST];
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	double end = now() + seconds;
	uint64_t count = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		return fail("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		return fail("receive buffer");
	prepare(messages, vectors, bytes[0], LARGEST, LARGEST);
	puts("ready");
	fflush(stdout);
	while (now() < end) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int received;

		if (poll(&ready, 1, 50) <= 0)
			continue;
		received = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		if (received > 0)
			count += (uint64_t)received;
	}
	printf("%lu\n", count);
	return EXIT_SUCCESS;
}

int main(int count, char **words)
{
	if (count == 6 && !strcmp(words[1], "send"))
		return send_all(words[2], atoi(words[3]), strtoul(words[4], NULL, 10),
				strtod(words[5], NULL));
	if (count == 4 && !strcmp(words[1], "receive"))
		return receive_all(atoi(words[2]), strtod(words[3], NULL));
	fprintf(stderr,
		"usage: udp-flood send ADDRESS PORT BYTES SECONDS | receive PORT SECONDS\n");
	return 2;
}
