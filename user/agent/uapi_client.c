// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * uapi_client.c - the commands' end of wg(8)'s userspace socket: connect, send a request, read the answer
 * (uapi.h). The texts are made and read in uapi.c; the agent's end of the socket is not here.
 */
#include <agent/uapi.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* An agent that is stopped shall not stop the command, too; one that adds many peers is waited for. */
#define ANSWER_TIMEOUT_SECONDS 10
#define PEERS_A_SECOND 1000
#define ANSWER_SIZE_FIRST 4096

static int set_patience(int fd, size_t peers)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_SECONDS +
						  (time_t)(peers / PEERS_A_SECOND)};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
			       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout))
		       ? -errno
		       : 0;
}

int uapi_connect(const char *tunnel)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path, sizeof(address.sun_path), UAPI_DIRECTORY "/%s.sock",
			      tunnel);
	int fd, error;

	if (length >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (set_patience(fd, 0) || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
		close(fd);
		return error == -EAGAIN ? -ETIMEDOUT : error;
	}
	return fd;
}

/* Twice the room; the old one is wiped, it may hold keys. */
static bool grow(char **text, size_t *size)
{
	size_t wanted = *size ? *size * 2 : ANSWER_SIZE_FIRST;
	char *grown = malloc(wanted);

	if (!grown)
		return false;
	if (*size) {
		memcpy(grown, *text, *size);
		crypto_wipe(*text, *size);
	}
	free(*text);
	*text = grown;
	*size = wanted;
	return true;
}

/* One whole answer, to its empty line. Nothing follows it: we have asked only once. */
static int receive_answer(int fd, char **text, size_t *size, size_t *length)
{
	while (*length < 2 || memcmp(*text + *length - 2, "\n\n", 2) != 0) {
		ssize_t got;

		if (*length == *size && !grow(text, size))
			return -ENOMEM;
		got = read(fd, *text + *length, *size - *length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return -ECONNRESET;
		*length += (size_t)got;
	}
	return 0;
}

static int read_answer(int fd, struct device_config *config)
{
	size_t size = 0, length = 0;
	char *text = NULL;
	int error = receive_answer(fd, &text, &size, &length);

	if (!error)
		error = uapi_parse_answer(text, length, config);
	if (text)
		crypto_wipe(text, size);
	free(text);
	return error;
}

/* Where the agent is gone this is an error, and no signal that ends the command. */
static ssize_t send_all(void *fd, const char *text, size_t length)
{
	size_t sent = 0;

	while (sent < length) {
		ssize_t count = send(*(const int *)fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			break;
		sent += (size_t)count;
	}
	return (ssize_t)sent;
}

/* Through a buffer of ours, because stdio wipes none of its own. */
static int send_request(int fd, const struct device_config *set)
{
	char buffer[4096];
	FILE *to = fopencookie(&fd, "w", (cookie_io_functions_t){.write = send_all});
	int error = 0;

	if (!to)
		return -ENOMEM;
	setvbuf(to, buffer, _IOFBF, sizeof(buffer));
	if (set)
		uapi_print_set(to, set);
	else
		fprintf(to, "get=1\n\n");
	if (fflush(to) || ferror(to))
		error = errno == EAGAIN ? -ETIMEDOUT : -errno;
	fclose(to);
	crypto_wipe(buffer, sizeof(buffer));
	return error;
}

int uapi_get(int fd, struct device_config *config)
{
	int error = send_request(fd, NULL);

	return error ? error : read_answer(fd, config);
}

int uapi_set(int fd, const struct device_config *config)
{
	struct device_config nothing;
	int error = set_patience(fd, config->peer_count);

	if (!error)
		error = send_request(fd, config);

	if (error)
		return error;
	error = read_answer(fd, &nothing);
	if (!error)
		config_free(&nothing);
	return error;
}
