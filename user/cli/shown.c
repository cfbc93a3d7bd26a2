// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* shown.c - finding tunnels and asking their agents. Contract: shown.h. */
#include <cli/shown.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Into the next place of the list. */
static void ask(struct shown_list *list, const char *name)
{
	struct shown_tunnel *tunnel = &list->tunnels[list->count++];
	int fd;

	snprintf(tunnel->name, sizeof(tunnel->name), "%s", name);
	fd = tunnel_connect(tunnel->name);
	tunnel->error = fd < 0 ? fd : uapi_get(fd, &tunnel->config);
	if (fd >= 0)
		close(fd);
}

static int ask_one(struct shown_list *list, const char *name)
{
	list->tunnels = calloc(1, sizeof(*list->tunnels));
	if (!list->tunnels)
		return -ENOMEM;
	ask(list, name);
	return 0;
}

static void ask_another(void *context, const char *name)
{
	struct shown_list *list = context;
	struct shown_tunnel *more =
		reallocarray(list->tunnels, list->count + 1, sizeof(*list->tunnels));

	if (!more)
		return;
	list->tunnels = more;
	memset(&more[list->count], 0, sizeof(*more));
	ask(list, name);
}

int shown_ask(struct shown_list *list, const char *name)
{
	*list = (struct shown_list){0};
	return name ? ask_one(list, name) : tunnel_for_each(ask_another, list);
}

void shown_free(struct shown_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		config_free(&list->tunnels[i].config);
	free(list->tunnels);
	*list = (struct shown_list){0};
}

bool shown_ask_operand(const struct arguments *arguments, struct shown_list *list)
{
	const char *name = arguments->operands[0];
	int error;

	*list = (struct shown_list){0};
	if (name && !tunnel_name_is_good(arguments, name))
		return false;
	if (name && !tunnel_exists(name)) {
		tunnel_complain_missing(arguments, name);
		return false;
	}
	error = shown_ask(list, name);
	if (error)
		complain(arguments, "%s", strerror(-error));
	return !error;
}

bool shown_complain(const struct arguments *arguments, const struct shown_list *list)
{
	bool good = true;

	for (size_t i = 0; i < list->count; i++) {
		if (!list->tunnels[i].error)
			continue;
		tunnel_complain(arguments, list->tunnels[i].name, list->tunnels[i].error);
		good = false;
	}
	return good;
}
