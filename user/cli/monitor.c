// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * monitor.c - `wgxdp monitor`: follows the agent of one tunnel or of all, those that come later too. An agent
 * that ends is waited for as long as its tunnel is there; a tunnel that is gone ends the command when it was
 * named. How an event is printed stands in monitor_print.c.
 */
#include <cli/cli.h>
#include <cli/monitor.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often tunnels are looked for that nobody follows yet, in milliseconds. */
#define SEARCH_INTERVAL 500

enum { TUNNELS_FOLLOWED = 256, READ_ROOM = 16 << 10 };

struct followed {
	char name[IFNAMSIZ];
	bool is_welcome;
	size_t length;
	char text[READ_ROOM];
};

struct monitoring {
	const struct arguments *arguments;
	/* NULL: all tunnels */
	const char *wanted;
	bool json;
	bool good;
	bool is_over;
	size_t count;
	struct followed *followed[TUNNELS_FOLLOWED];
	/* and our reader, who may go away */
	struct pollfd fds[TUNNELS_FOLLOWED + 1];
};

/* ---- beginning and ending ------------------------------------------------------------------------ */

static bool is_followed(const struct monitoring *monitoring, const char *name)
{
	for (size_t i = 0; i < monitoring->count; i++) {
		if (strcmp(monitoring->followed[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* 0, -errno, or -ENOMEM. */
static int follow(struct monitoring *monitoring, const char *name)
{
	static const char request[] = "wgxdp_monitor=1\n\n";
	size_t length = strlen(request);
	struct followed *followed;
	int fd;

	if (monitoring->count == TUNNELS_FOLLOWED)
		return -ENOSPC;
	fd = tunnel_connect(name);
	if (fd < 0)
		return fd;
	followed = calloc(1, sizeof(*followed));
	if (!followed || send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
		free(followed);
		close(fd);
		return followed ? -EPIPE : -ENOMEM;
	}
	snprintf(followed->name, sizeof(followed->name), "%s", name);
	monitoring->fds[monitoring->count] = (struct pollfd){.fd = fd, .events = POLLIN};
	monitoring->followed[monitoring->count++] = followed;
	return 0;
}

static void say(struct monitoring *monitoring, const char *tunnel, const char *event)
{
	monitoring->good &= monitor_print_own(stdout, tunnel, event, monitoring->json);
}

static void lose(struct monitoring *monitoring, size_t at)
{
	struct followed *followed = monitoring->followed[at];
	bool is_there = tunnel_exists(followed->name);

	say(monitoring, followed->name, is_there ? "lost" : "gone");
	monitoring->is_over |= monitoring->wanted && !is_there;
	close(monitoring->fds[at].fd);
	free(followed);
	monitoring->count--;
	monitoring->followed[at] = monitoring->followed[monitoring->count];
	monitoring->fds[at] = monitoring->fds[monitoring->count];
}

static void search_one(void *context, const char *name)
{
	if (!is_followed(context, name))
		follow(context, name);
}

static void search(struct monitoring *monitoring)
{
	/* what cannot be told now is asked for again soon */
	if (!monitoring->wanted)
		tunnel_for_each(search_one, monitoring);
	if (!monitoring->wanted || monitoring->count)
		return;
	if (tunnel_exists(monitoring->wanted)) {
		follow(monitoring, monitoring->wanted);
	} else {
		say(monitoring, monitoring->wanted, "gone");
		monitoring->is_over = true;
	}
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* False when the agent says something that we do not understand at all. */
static bool read_block(struct monitoring *monitoring, struct followed *followed, const char *text,
		       size_t length)
{
	struct monitor_event event;

	if (!followed->is_welcome) {
		followed->is_welcome = length == 9 && memcmp(text, "errno=0\n\n", 9) == 0;
		if (followed->is_welcome)
			say(monitoring, followed->name, "following");
		return followed->is_welcome;
	}
	/* what a newer agent tells is passed over */
	if (!monitor_from_text(&event, text, length))
		return true;
	if (monitoring->json)
		monitoring->good &= monitor_print_json(stdout, followed->name, &event);
	else
		monitor_print_text(stdout, followed->name, &event);
	return true;
}

static bool read_blocks(struct monitoring *monitoring, struct followed *followed)
{
	const char *text = followed->text, *end = text + followed->length, *next;

	while ((next = memmem(text, (size_t)(end - text), "\n\n", 2))) {
		if (!read_block(monitoring, followed, text, (size_t)(next + 2 - text)))
			return false;
		text = next + 2;
	}
	followed->length = (size_t)(end - text);
	memmove(followed->text, text, followed->length);
	return followed->length < sizeof(followed->text);
}

/* False when there is nothing more to come. */
static bool read_some(struct monitoring *monitoring, size_t at)
{
	struct followed *followed = monitoring->followed[at];
	ssize_t count = recv(monitoring->fds[at].fd, followed->text + followed->length,
			     sizeof(followed->text) - followed->length, MSG_DONTWAIT);

	if (count <= 0)
		return count < 0 && (errno == EAGAIN || errno == EINTR);
	followed->length += (size_t)count;
	if (read_blocks(monitoring, followed))
		return true;
	complain(monitoring->arguments,
		 "the agent of %s cannot be followed: expected one of this version",
		 followed->name);
	monitoring->good = false;
	monitoring->is_over = true;
	return true;
}

static void read_ready(struct monitoring *monitoring)
{
	for (size_t i = 0; i < monitoring->count; i++) {
		/* the one that takes a lost one's place has its turn the next time */
		if (monitoring->fds[i].revents && !read_some(monitoring, i))
			lose(monitoring, i);
	}
}

int cli_monitor(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];
	static struct monitoring monitoring;
	int error = 0;

	monitoring = (struct monitoring){
		.arguments = arguments,
		.wanted = name,
		.json = option_value(arguments, "json", 0),
		.good = true,
	};
	if (name && !tunnel_name_is_good(arguments, name))
		return EXIT_FAILURE;
	if (name && !tunnel_exists(name)) {
		tunnel_complain_missing(arguments, name);
		return EXIT_FAILURE;
	}
	if (name)
		error = follow(&monitoring, name);
	if (error) {
		tunnel_complain(arguments, name, error);
		return EXIT_FAILURE;
	}
	while (monitoring.good && !monitoring.is_over) {
		search(&monitoring);
		if (fflush(stdout) || monitoring.is_over)
			break;
		monitoring.fds[monitoring.count] = (struct pollfd){.fd = STDOUT_FILENO};
		poll(monitoring.fds, monitoring.count + 1, SEARCH_INTERVAL);
		if (monitoring.fds[monitoring.count].revents & POLLERR)
			break;
		read_ready(&monitoring);
	}
	while (monitoring.count) {
		close(monitoring.fds[--monitoring.count].fd);
		free(monitoring.followed[monitoring.count]);
	}
	return monitoring.good && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
