// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * server.c - wg(8)'s socket: any number of clients, one request after the other on each. What a request says is
 * uapi.h's, what it does is configure.c's. No client is waited for.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <agent/uapi.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_ROOM = 64 << 10 };

/* Holds keys; grown without realloc(), which would leave them behind. */
struct buffer {
	char *bytes;
	size_t length;
	size_t room;
};

struct client {
	struct loop_waiter waiter;
	struct server *server;
	LIST_ENTRY(client) of_server;
	struct buffer request;
	/* what of the answers is not written yet; while there is something nothing is read */
	char *answer;
	size_t answer_length;
	size_t answer_written;
	/* once its answers are written, its connection is the monitor's */
	bool wants_to_follow;
};

struct server {
	struct loop_waiter waiter;
	/* hears when the socket's file is removed */
	struct loop_waiter removal;
	struct device *device;
	struct sockaddr_un address;
	LIST_HEAD(, client) clients;
};

/* ---- buffers ------------------------------------------------------------------------------------- */

static void buffer_free(struct buffer *buffer)
{
	if (buffer->bytes)
		crypto_wipe(buffer->bytes, buffer->room);
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

static bool buffer_reserve(struct buffer *buffer, size_t more)
{
	struct buffer larger = {.length = buffer->length, .room = buffer->room ?: READ_ROOM};

	while (larger.room - larger.length < more)
		larger.room *= 2;
	if (larger.room == buffer->room)
		return true;
	larger.bytes = malloc(larger.room);
	if (!larger.bytes)
		return false;
	if (buffer->length)
		memcpy(larger.bytes, buffer->bytes, buffer->length);
	buffer_free(buffer);
	*buffer = larger;
	return true;
}

static void buffer_take(struct buffer *buffer, size_t length)
{
	memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
	crypto_wipe(buffer->bytes + buffer->length - length, length);
	buffer->length -= length;
}

/* ---- clients ------------------------------------------------------------------------------------- */

static void forget_answer(struct client *client)
{
	if (client->answer)
		crypto_wipe(client->answer, client->answer_length);
	free(client->answer);
	client->answer = NULL;
	client->answer_length = 0;
	client->answer_written = 0;
}

/* All but its connection. */
static void forget_client(struct client *client)
{
	loop_remove(&client->server->device->loop, &client->waiter);
	LIST_REMOVE(client, of_server);
	buffer_free(&client->request);
	forget_answer(client);
	free(client);
}

static void close_client(struct client *client)
{
	int fd = client->waiter.fd;

	forget_client(client);
	close(fd);
}

static void hand_over(struct client *client)
{
	struct device *device = client->server->device;
	int fd = client->waiter.fd;

	forget_client(client);
	if (monitor_follow(device, fd))
		close(fd);
}

static void answer_request(struct client *client, const char *text, size_t length, FILE *to)
{
	struct device *device = client->server->device;
	struct device_config config = {0};
	enum uapi_operation operation = UAPI_SET;
	int error = uapi_parse_request(text, length, &operation, &config);

	if (operation == UAPI_GET) {
		if (!error)
			error = device_describe(device, &config);
		uapi_print_device(to, &config, error);
	} else if (operation == UAPI_MONITOR && !error) {
		client->wants_to_follow = true;
	} else {
		if (!error)
			error = device_configure(device, &config);
		state_flush(device);
		uapi_print_set_result(to, error);
	}
	config_free(&config);
}

/* Answers the requests that are whole. False when there is no memory to. */
static bool answer_requests(struct client *client)
{
	FILE *to = open_memstream(&client->answer, &client->answer_length);
	size_t length;

	if (!to)
		return false;
	while ((length = uapi_request_length(client->request.bytes, client->request.length))) {
		answer_request(client, client->request.bytes, length, to);
		buffer_take(&client->request, length);
	}
	return fclose(to) == 0;
}

/* False when the client is gone. */
static bool write_answer(struct client *client)
{
	while (client->answer_written < client->answer_length) {
		ssize_t count = send(client->waiter.fd, client->answer + client->answer_written,
				     client->answer_length - client->answer_written, MSG_NOSIGNAL);

		if (count < 0)
			return errno == EAGAIN || errno == EINTR;
		client->answer_written += (size_t)count;
	}
	forget_answer(client);
	return true;
}

/* Whether what was read last may have ended a request: asked before all is looked through again. */
static bool ends_a_request(const struct buffer *request, size_t fresh)
{
	size_t from = request->length > fresh ? request->length - fresh - 1 : 0;

	/* an empty line alone is a request too: a bad one */
	return request->bytes[0] == '\n' ||
	       memmem(request->bytes + from, request->length - from, "\n\n", 2) != NULL;
}

/* False at the end of the connection. */
static bool read_request(struct client *client)
{
	struct buffer *request = &client->request;
	ssize_t count;

	if (!buffer_reserve(request, READ_ROOM))
		return false;
	count = recv(client->waiter.fd, request->bytes + request->length, READ_ROOM, 0);
	if (count <= 0)
		return count < 0 && (errno == EAGAIN || errno == EINTR);
	request->length += (size_t)count;
	return !ends_a_request(request, (size_t)count) || answer_requests(client);
}

static void client_ready(void *context, uint32_t events)
{
	struct client *client = context;
	bool is_there = true;

	if (events & EPOLLIN && !client->answer)
		is_there = read_request(client);
	else if (events & (EPOLLHUP | EPOLLERR))
		is_there = false;
	if (is_there && client->answer)
		is_there = write_answer(client);
	if (is_there && client->wants_to_follow && !client->answer) {
		hand_over(client);
		return;
	}
	if (is_there)
		is_there = !loop_change(&client->server->device->loop, &client->waiter,
					client->answer ? EPOLLOUT : EPOLLIN);
	if (!is_there)
		close_client(client);
}

static void accept_client(void *context, uint32_t events)
{
	struct server *server = context;
	struct client *client;
	int fd = accept4(server->waiter.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (client) {
		client->server = server;
		client->waiter = (struct loop_waiter){fd, client_ready, client};
	}
	if (!client || loop_add(&server->device->loop, &client->waiter, EPOLLIN)) {
		free(client);
		close(fd);
		return;
	}
	LIST_INSERT_HEAD(&server->clients, client, of_server);
}

/* ---- the socket ---------------------------------------------------------------------------------- */

/* Somebody else's agent answers there, or it is a leftover. */
static bool is_in_use(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = fd >= 0 && !connect(fd, (const void *)address, sizeof(*address));

	if (fd >= 0)
		close(fd);
	return answers;
}

static int open_socket(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	mode_t mask;

	if (fd < 0)
		return -errno;
	if (is_in_use(address)) {
		close(fd);
		return -EADDRINUSE;
	}
	unlink(address->sun_path);
	mask = umask(0177);
	if (bind(fd, (const void *)address, sizeof(*address)) || listen(fd, SOMAXCONN))
		error = -errno;
	umask(mask);
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* Of anything that happens to the file only its end matters: then nobody can ask us any more. */
static void file_changed(void *context, uint32_t events)
{
	struct server *server = context;
	char ignored[4096];

	(void)events;
	while (read(server->removal.fd, ignored, sizeof(ignored)) > 0)
		;
	if (access(server->address.sun_path, F_OK) && errno == ENOENT) {
		log_verbose("%s was removed", server->address.sun_path);
		server->device->is_ending = true;
	}
}

static int watch_file(struct server *server)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	server->removal = (struct loop_waiter){fd, file_changed, server};
	/* an open socket keeps its inode: what changes is its count of links */
	if (inotify_add_watch(fd, server->address.sun_path, IN_ATTRIB | IN_DELETE_SELF) < 0)
		return -errno;
	return loop_add(&server->device->loop, &server->removal, EPOLLIN);
}

int server_open(struct server **server, struct device *device, int listening)
{
	struct server *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->device = device;
	made->removal.fd = -1;
	made->address.sun_family = AF_UNIX;
	snprintf(made->address.sun_path, sizeof(made->address.sun_path), "%s/%s.sock",
		 UAPI_DIRECTORY, device->name);
	if (mkdir(UAPI_DIRECTORY, 0755) && errno != EEXIST) {
		error = -errno;
		free(made);
		return error;
	}
	made->waiter = (struct loop_waiter){
		listening >= 0 ? listening : open_socket(&made->address), accept_client, made};
	error = made->waiter.fd < 0 ? made->waiter.fd
				    : loop_add(&device->loop, &made->waiter, EPOLLIN);
	if (!error)
		error = watch_file(made);
	if (error) {
		if (made->waiter.fd >= 0)
			close(made->waiter.fd);
		if (made->removal.fd >= 0)
			close(made->removal.fd);
		free(made);
		return error;
	}
	*server = made;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	while (!LIST_EMPTY(&server->clients))
		close_client(LIST_FIRST(&server->clients));
	loop_remove(&server->device->loop, &server->waiter);
	loop_remove(&server->device->loop, &server->removal);
	close(server->removal.fd);
	close(server->waiter.fd);
	unlink(server->address.sun_path);
	free(server);
}
