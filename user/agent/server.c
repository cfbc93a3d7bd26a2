// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * server.c - wg(8)'s socket: any number of clients, one request after the other on each. What a request says is
 * uapi.h's, what it does is configure.c's. No client is waited for, and none is served for long: a set is looked through
 * as a whole and then carried out a few peers at a time while the loop goes round (server_go_on()); a get is answered
 * as fast as its reader reads. While a set is carried out, those of others wait.
 */
#include <agent/buffer.h>
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

enum {
	READ_ROOM = 64 << 10,
	/* what waits to be written before more of an answer is made */
	ANSWER_ROOM = 256 << 10,
	/* peers between two looks at everything else */
	PEERS_AT_ONCE = 64,
	PEERS_CHECKED_AT_ONCE = 1024,
};

struct client {
	struct loop_waiter waiter;
	struct server *server;
	LIST_ENTRY(client) of_server;
	struct buffer request;
	/* what is not written yet; while there is something nothing is read */
	struct buffer answer;
	size_t answer_written;
	/* the request at the beginning of `request`, while it is carried out */
	size_t length;
	/* a set: what is still to be read of it; it may have to wait for somebody else's */
	struct uapi_cursor cursor;
	bool waits, removes, has_more;
	/* a get: the peers that are still to be told of */
	uint32_t *listed;
	size_t listed_count, listed_at;
	/* nobody is there any more, but what was asked for is done */
	bool is_gone;
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
	/* whose set is carried out, one at a time; or NULL */
	struct client *changing;
};

/* ---- clients ------------------------------------------------------------------------------------- */

/* All but its connection. */
static void forget_client(struct client *client)
{
	if (!client->is_gone)
		loop_remove(&client->server->device->loop, &client->waiter);
	LIST_REMOVE(client, of_server);
	buffer_free(&client->request);
	buffer_free(&client->answer);
	free(client->listed);
	free(client);
}

/* What it asked for is carried out whether or not it waits for the answer. */
static void close_client(struct client *client)
{
	int fd = client->waiter.fd;

	if (client->server->changing == client) {
		if (!client->is_gone)
			loop_remove(&client->server->device->loop, &client->waiter);
		client->is_gone = true;
		return;
	}
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

static void end_request(struct client *client)
{
	buffer_take(&client->request, client->length);
	client->length = 0;
	/* one that was large shall not be remembered for ever */
	if (!client->request.length && client->request.room > READ_ROOM)
		buffer_free(&client->request);
}

/* ---- get ----------------------------------------------------------------------------------------- */

static int list_peers(struct client *client)
{
	struct device *device = client->server->device;
	const struct device_peer *peer;

	client->listed_at = 0;
	client->listed_count = 0;
	client->listed = calloc(device->peer_count + 1, sizeof(client->listed[0]));
	if (!client->listed)
		return -ENOMEM;
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		client->listed[client->listed_count++] = peer->id;
	}
	return 0;
}

static void begin_get(struct client *client, FILE *to)
{
	struct device_config config = {0};
	int error = device_describe(client->server->device, &config);

	if (!error)
		error = list_peers(client);
	if (!error)
		uapi_print_device_begin(to, &config);
	else
		uapi_print_get_result(to, error);
	config_free(&config);
}

/* One that was removed meanwhile is not told of. An answer that has begun can still end in an error. */
static void go_on_with_get(struct client *client, FILE *to)
{
	struct device_config config = {0};
	int error = 0;

	for (int i = 0; i < PEERS_AT_ONCE && client->listed_at < client->listed_count && !error;
	     i++) {
		const struct device_peer *peer = device_find_peer_by_id(
			client->server->device, client->listed[client->listed_at++]);

		if (peer)
			error = device_describe_peer(peer, &config);
	}
	uapi_print_peers(to, &config);
	config_free(&config);
	if (!error && client->listed_at < client->listed_count)
		return;
	uapi_print_get_result(to, error);
	free(client->listed);
	client->listed = NULL;
}

/* ---- set ----------------------------------------------------------------------------------------- */

/* Every line of it is good, and there is room for what it asks. */
static int check_set(const struct device *device, struct uapi_cursor cursor)
{
	struct device_demand demand = {0};
	struct device_config piece;
	bool replace_peers = false;
	int more;

	do {
		more = uapi_read_piece(&cursor, PEERS_CHECKED_AT_ONCE, &piece);
		if (more < 0)
			return more;
		replace_peers |= piece.replace_peers;
		device_count_demand(device, &piece, &demand);
		config_free(&piece);
	} while (more);
	return device_has_room(device, replace_peers, &demand);
}

/* False: it is over already, with `*error`. */
static bool begin_set(struct client *client, int *error)
{
	struct device *device = client->server->device;
	struct device_config own;

	*error = check_set(device, client->cursor);
	if (*error)
		return false;
	/* nothing but what stands before the first peer */
	*error = uapi_read_piece(&client->cursor, 0, &own);
	if (*error < 0)
		return false;
	client->has_more = *error > 0;
	client->removes = own.replace_peers;
	*error = device_begin_change(device, &own);
	config_free(&own);
	if (*error)
		return false;
	client->server->changing = client;
	return true;
}

static int change_some(struct client *client)
{
	struct device_config piece;
	int more = uapi_read_piece(&client->cursor, PEERS_AT_ONCE, &piece), error;

	if (more < 0)
		return more;
	client->has_more = more > 0;
	error = device_change_peers(client->server->device, &piece);
	config_free(&piece);
	return error;
}

/* ---- requests ------------------------------------------------------------------------------------ */

/* False: it waits, for its turn or for server_go_on(). */
static bool begin_request(struct client *client, FILE *to)
{
	enum uapi_operation operation = UAPI_SET;
	int error = uapi_begin_request(client->request.bytes, client->length, &operation,
				       &client->cursor);

	if (operation == UAPI_GET && !error) {
		begin_get(client, to);
	} else if (operation == UAPI_GET) {
		uapi_print_get_result(to, error);
	} else if (operation == UAPI_MONITOR && !error) {
		client->wants_to_follow = true;
	} else {
		client->waits = !error && client->server->changing;
		if (client->waits || (!error && begin_set(client, &error)))
			return false;
		state_flush(client->server->device);
		uapi_print_set_result(to, error);
	}
	end_request(client);
	return true;
}

/* Whether it has something to do now. */
static bool can_go_on(struct client *client)
{
	if (client->answer.length - client->answer_written >= ANSWER_ROOM)
		return false;
	if (client->listed)
		return true;
	if (client->wants_to_follow || client->server->changing == client ||
	    !client->request.length)
		return false;
	client->length = uapi_request_length(client->request.bytes, client->request.length);
	return client->length > 0;
}

/* Carries out what is whole, as far as it goes. False when there is no memory to. */
static bool go_on(struct client *client)
{
	bool goes_on = true;
	struct text text;

	client->waits = false;
	while (goes_on && can_go_on(client)) {
		if (!text_begin(&text))
			return false;
		if (client->listed)
			go_on_with_get(client, text.to);
		else
			goes_on = begin_request(client, text.to);
		if (!text_end(&text, &client->answer))
			return false;
	}
	return true;
}

/* False when the client is gone. */
static bool write_answer(struct client *client)
{
	struct buffer *answer = &client->answer;

	while (client->answer_written < answer->length) {
		ssize_t count = send(client->waiter.fd, answer->bytes + client->answer_written,
				     answer->length - client->answer_written, MSG_NOSIGNAL);

		if (count < 0)
			return errno == EAGAIN || errno == EINTR;
		client->answer_written += (size_t)count;
	}
	buffer_free(answer);
	client->answer_written = 0;
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
static bool read_request(struct client *client, bool *is_whole)
{
	struct buffer *request = &client->request;
	ssize_t count;

	if (!buffer_reserve(request, READ_ROOM))
		return false;
	count = recv(client->waiter.fd, request->bytes + request->length, READ_ROOM, 0);
	if (count <= 0)
		return count < 0 && (errno == EAGAIN || errno == EINTR);
	request->length += (size_t)count;
	*is_whole = ends_a_request(request, (size_t)count);
	return true;
}

static bool is_busy(const struct client *client)
{
	return client->waits || client->server->changing == client;
}

static uint32_t what_it_waits_for(const struct client *client)
{
	if (client->answer.length)
		return EPOLLOUT;
	return is_busy(client) ? 0 : EPOLLIN;
}

/* Goes on with it and then waits for whatever is next. */
static void attend(struct client *client)
{
	bool is_there;

	do
		is_there = go_on(client) && write_answer(client);
	while (is_there && client->listed && !client->answer.length);
	if (is_there && client->wants_to_follow && !client->answer.length) {
		hand_over(client);
		return;
	}
	if (is_there)
		is_there = !loop_change(&client->server->device->loop, &client->waiter,
					what_it_waits_for(client));
	if (!is_there)
		close_client(client);
}

static void client_ready(void *context, uint32_t events)
{
	struct client *client = context;
	bool is_there = true, is_whole = client->answer.length > 0;

	if (events & EPOLLIN && !client->answer.length && !is_busy(client))
		is_there = read_request(client, &is_whole);
	else if (events & (EPOLLHUP | EPOLLERR))
		is_there = false;
	if (!is_there)
		close_client(client);
	else if (is_whole)
		attend(client);
}

static void end_set(struct server *server, int error)
{
	struct client *client = server->changing, *next;
	struct text text;

	device_end_change(server->device);
	state_flush(server->device);
	server->changing = NULL;
	end_request(client);
	if (!client->is_gone && text_begin(&text)) {
		uapi_print_set_result(text.to, error);
		if (text_end(&text, &client->answer))
			attend(client);
		else
			close_client(client);
	} else {
		close_client(client);
	}
	for (client = LIST_FIRST(&server->clients); client; client = next) {
		next = LIST_NEXT(client, of_server);
		if (client->waits)
			attend(client);
	}
}

bool server_go_on(struct server *server)
{
	struct client *client = server->changing;
	int error = 0;

	if (!client)
		return false;
	if (client->removes)
		client->removes = device_remove_some(server->device);
	else if (client->has_more)
		error = change_some(client);
	if (error || (!client->removes && !client->has_more))
		end_set(server, error);
	return server->changing;
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
	if (server->changing)
		log_error("the agent ends while the configuration is changed: it is not complete");
	server->changing = NULL;
	while (!LIST_EMPTY(&server->clients))
		close_client(LIST_FIRST(&server->clients));
	loop_remove(&server->device->loop, &server->waiter);
	loop_remove(&server->device->loop, &server->removal);
	close(server->removal.fd);
	close(server->waiter.fd);
	unlink(server->address.sun_path);
	free(server);
}
