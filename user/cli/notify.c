// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * notify.c - one datagram to the socket of sd_notify(3). Contract: notify.h.
 */
#include <cli/notify.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Whoever does not listen does not need to know. */
static void notify(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (!length || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (void *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		fprintf(stderr, "wgxdp: nobody hears that the service is ready\n");
	close(fd);
}

void notify_ready(pid_t process)
{
	char text[64];

	snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1\n", (int)process);
	notify(text);
}
