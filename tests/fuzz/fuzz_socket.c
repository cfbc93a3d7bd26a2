/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_socket.c - wg(8)'s socket as the agent has it (agent/server.c, agent/uapi.c), told anything in pieces of any
 * size by a client that also reads slowly. Below it stands a seam instead of sockets and of the tunnel.
 *
 * Whatever the pieces, the tunnel is told and the client answered what a slow model makes of the whole text; a request
 * with a bad line changes nothing; what was read, printed and read again is the same. The same text is also read as an
 * answer and as an event, for the commands' end.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <agent/uapi.h>
#include <crypto/crypto.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum {
	LISTENING = 1000,
	CONNECTION,
	/* bytes before the text: sizes of pieces, and the tunnel's humour */
	HEAD = 8,
	TEXT_MAX = 64 << 10,
};

/* What the tunnel answers to a set, by how often it was asked. */
static const int humours[] = {0, 0, 0, -EADDRINUSE, 0, -ENOMEM, -EADDRNOTAVAIL, 0};

/* ---- what the socket leads to, and what came of it ------------------------------------------------ */

struct log {
	FILE *to;
	char *text;
	size_t length;
};

static struct server *server;
static struct loop_waiter *listener, *connection;
static uint32_t connection_waits_for;
static const uint8_t *head;
static const char *unread;
static size_t unread_length;
static unsigned int reads, writes, sets;
static bool is_followed;
static struct log told, answered;

static void log_begin(struct log *log)
{
	log->to = open_memstream(&log->text, &log->length);
	REQUIRE(log->to);
}

static void log_end(struct log *log)
{
	REQUIRE(fclose(log->to) == 0);
	free(log->text);
}

int loop_add(struct loop *loop, struct loop_waiter *waiter, uint32_t events)
{
	(void)loop;
	if (waiter->fd == LISTENING) {
		listener = waiter;
	} else if (waiter->fd == CONNECTION) {
		connection = waiter;
		connection_waits_for = events;
	}
	return 0;
}

int loop_change(struct loop *loop, struct loop_waiter *waiter, uint32_t events)
{
	(void)loop;
	REQUIRE(waiter == connection);
	connection_waits_for = events;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_waiter *waiter)
{
	(void)loop;
	REQUIRE(waiter == connection);
	connection = NULL;
}

static int tell(FILE *to, unsigned int nth, const struct device_config *config)
{
	uapi_print_set(to, config);
	return humours[(head[0] + nth) % (sizeof(humours) / sizeof(humours[0]))];
}

/* A set as it is looked through, and as it is carried out: the same, each put together from its pieces. */
static struct device_config looked_through, carried_out;

static void put_together(struct device_config *whole, const struct device_config *piece)
{
	for (size_t i = 0; i < piece->peer_count; i++) {
		struct peer_config *peer = config_add_peer(whole);
		const struct peer_config *from = &piece->peers[i];

		REQUIRE(peer);
		*peer = *from;
		peer->allowed_ips = NULL;
		peer->allowed_ip_count = 0;
		for (size_t j = 0; j < from->allowed_ip_count; j++) {
			struct allowed_ip *allowed = config_add_allowed_ip(peer);

			REQUIRE(allowed);
			*allowed = from->allowed_ips[j];
		}
	}
}

static void begin_with(struct device_config *whole, const struct device_config *own)
{
	config_free(whole);
	*whole = *own;
	whole->peers = NULL;
	whole->peer_count = 0;
}

void device_count_demand(const struct device *device, const struct device_config *piece,
			 struct device_demand *demand)
{
	(void)device;
	if (!demand->peers++)
		begin_with(&looked_through, piece);
	put_together(&looked_through, piece);
}

int device_has_room(const struct device *device, bool replace_peers,
		    const struct device_demand *demand)
{
	(void)device;
	REQUIRE(demand->peers && replace_peers == looked_through.replace_peers);
	return tell(told.to, sets++, &looked_through);
}

int device_begin_change(struct device *device, const struct device_config *config)
{
	(void)device;
	REQUIRE(!config->peer_count);
	begin_with(&carried_out, config);
	return 0;
}

bool device_remove_some(struct device *device)
{
	static unsigned int times;

	(void)device;
	REQUIRE(carried_out.replace_peers && !carried_out.peer_count);
	return ++times % 3;
}

int device_change_peers(struct device *device, const struct device_config *piece)
{
	(void)device;
	put_together(&carried_out, piece);
	return 0;
}

void device_end_change(struct device *device)
{
	struct log one, other;

	(void)device;
	log_begin(&one);
	log_begin(&other);
	uapi_print_set(one.to, &looked_through);
	uapi_print_set(other.to, &carried_out);
	REQUIRE(fflush(one.to) == 0 && fflush(other.to) == 0);
	REQUIRE(one.length == other.length && !memcmp(one.text, other.text, one.length));
	log_end(&one);
	log_end(&other);
}

struct device_peer *device_find_peer_by_id(const struct device *device, uint32_t id)
{
	(void)device, (void)id;
	return NULL;
}

int device_describe_peer(const struct device_peer *peer, struct device_config *config)
{
	(void)peer, (void)config;
	return -ENOMEM;
}

int device_describe(struct device *device, struct device_config *config)
{
	(void)device;
	*config = (struct device_config){.listen_port = 51820, .fwmark = 7, .is_up = true};
	return 0;
}

uint64_t state_flush(struct device *device)
{
	(void)device;
	return DEADLINE_NEVER;
}

int monitor_follow(struct device *device, int fd)
{
	(void)device;
	REQUIRE(fd == CONNECTION);
	is_followed = true;
	return 0;
}

void log_line(enum log_level level, const char *format, ...)
{
	(void)level, (void)format;
}

/* ---- the system, by the linker's --wrap ------------------------------------------------------------ */

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t room, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
int __wrap_close(int fd);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_inotify_init1(int flags);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);

int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
{
	(void)from, (void)length, (void)flags;
	return fd == LISTENING ? CONNECTION : -1;
}

/* A byte says how much of a piece comes or goes: 0 is nothing this time, 255 is all. */
static size_t piece(unsigned int *nth, size_t most)
{
	uint8_t size = head[1 + (*nth)++ % (HEAD - 1)];

	return size == 255 || size > most ? most : size;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t room, int flags)
{
	size_t most = unread_length < room ? unread_length : room, length = piece(&reads, most);

	(void)flags;
	REQUIRE(fd == CONNECTION && room > 0);
	if (unread_length == 0)
		return 0;
	if (length == 0) {
		errno = reads % 2 ? EAGAIN : EINTR;
		/* all pieces may be empty: time goes on nevertheless */
		if (reads % HEAD)
			return -1;
		length = 1;
	}
	memcpy(bytes, unread, length);
	unread += length;
	unread_length -= length;
	return (ssize_t)length;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	size_t count = piece(&writes, length);

	(void)flags;
	REQUIRE(fd == CONNECTION && length > 0);
	if (count == 0) {
		errno = EAGAIN;
		if (writes % HEAD)
			return -1;
		count = 1;
	}
	fwrite(bytes, 1, count, answered.to);
	return (ssize_t)count;
}

int __wrap_close(int fd)
{
	REQUIRE(fd == CONNECTION && !connection);
	return 0;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	(void)path, (void)mode;
	return 0;
}

int __wrap_inotify_init1(int flags)
{
	(void)flags;
	return CONNECTION + 1;
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	(void)fd, (void)path, (void)mask;
	return 0;
}

/* ---- the slow model -------------------------------------------------------------------------------- */

struct model {
	struct log told, answered;
	unsigned int sets;
	/* what a follower says further is not read as requests any more */
	bool is_followed;
};

static size_t request_length(const char *text, size_t length)
{
	if (length > 0 && text[0] == '\n')
		return 1;
	for (size_t i = 2; i <= length; i++) {
		if (text[i - 2] == '\n' && text[i - 1] == '\n')
			return i;
	}
	return 0;
}

static void model_request(struct model *model, const char *text, size_t length)
{
	struct device_config config;
	enum uapi_operation operation;
	int error = uapi_parse_request(text, length, &operation, &config);

	if (operation == UAPI_GET) {
		if (!error)
			error = device_describe(NULL, &config);
		uapi_print_device(model->answered.to, &config, error);
	} else if (operation == UAPI_MONITOR && !error) {
		model->is_followed = true;
	} else {
		if (!error)
			error = tell(model->told.to, model->sets++, &config);
		uapi_print_set_result(model->answered.to, error);
	}
	config_free(&config);
}

static void model_all(struct model *model, const char *text, size_t length)
{
	size_t request;

	while (!model->is_followed && (request = request_length(text, length))) {
		model_request(model, text, request);
		text += request;
		length -= request;
	}
}

static void require_same(struct log *real, struct log *model, bool more_may_follow)
{
	REQUIRE(fflush(real->to) == 0 && fflush(model->to) == 0);
	REQUIRE(real->length == model->length || (more_may_follow && real->length > model->length));
	REQUIRE(memcmp(real->text, model->text, model->length) == 0);
}

/* ---- what holds for one text ----------------------------------------------------------------------- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct device device;

	(void)argc, (void)argv;
	strcpy(device.name, "wg0");
	REQUIRE(crypto_start() == 0);
	REQUIRE(server_open(&server, &device, LISTENING) == 0 && listener);
	return 0;
}

static char *print(void (*how)(FILE *to, const struct device_config *config),
		   const struct device_config *config, size_t *length)
{
	struct log log;

	log_begin(&log);
	how(log.to, config);
	REQUIRE(fclose(log.to) == 0);
	*length = log.length;
	return log.text;
}

static void print_answer(FILE *to, const struct device_config *config)
{
	uapi_print_device(to, config, 0);
}

static void require_empty(const struct device_config *config)
{
	static const struct device_config empty;

	REQUIRE(memcmp(config, &empty, sizeof(empty)) == 0);
}

static int parse_request(const char *text, size_t length, struct device_config *config)
{
	enum uapi_operation operation;

	return uapi_parse_request(text, length, &operation, config);
}

/* Read, printed and read again it is the same; and what cannot be read leaves nothing. */
static void check_text(int (*parse)(const char *text, size_t length, struct device_config *config),
		       void (*how)(FILE *to, const struct device_config *config), const char *text,
		       size_t length)
{
	struct device_config first, second;
	size_t once_length, twice_length;
	char *once, *twice;

	if (parse(text, length, &first)) {
		require_empty(&first);
		return;
	}
	once = print(how, &first, &once_length);
	REQUIRE(parse(once, once_length, &second) == 0);
	twice = print(how, &second, &twice_length);
	REQUIRE(once_length == twice_length && !memcmp(once, twice, once_length));
	config_free(&first);
	config_free(&second);
	free(once);
	free(twice);
}

static void check_event(const char *text, size_t length)
{
	char once[MONITOR_TEXT_MAX], twice[MONITOR_TEXT_MAX];
	struct monitor_event event;
	size_t once_length;

	if (!monitor_from_text(&event, text, length))
		return;
	once_length = monitor_to_text(once, &event);
	REQUIRE(monitor_from_text(&event, once, once_length));
	REQUIRE(monitor_to_text(twice, &event) == once_length);
	REQUIRE(!memcmp(once, twice, once_length));
}

static void converse(void)
{
	reads = writes = sets = 0;
	is_followed = false;
	listener->ready(listener->context, EPOLLIN);
	REQUIRE(connection);
	while (connection) {
		while (server_go_on(server))
			;
		if (connection && connection_waits_for)
			connection->ready(connection->context, connection_waits_for);
	}
	while (server_go_on(server))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model model = {0};
	const char *text = (const char *)data + HEAD;
	size_t length = size - HEAD;

	if (size < HEAD || length > TEXT_MAX)
		return 0;
	head = data;
	check_text(parse_request, uapi_print_set, text, length);
	check_text(uapi_parse_answer, print_answer, text, length);
	check_event(text, length);

	log_begin(&model.told);
	log_begin(&model.answered);
	model_all(&model, text, length);
	log_begin(&told);
	log_begin(&answered);
	unread = text;
	unread_length = length;
	converse();
	REQUIRE(is_followed == model.is_followed);
	require_same(&told, &model.told, is_followed);
	require_same(&answered, &model.answered, is_followed);
	log_end(&told);
	log_end(&answered);
	log_end(&model.told);
	log_end(&model.answered);
	return 0;
}
