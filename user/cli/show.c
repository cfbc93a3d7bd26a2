// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * show.c - `wgxdp show`: finds the namespace's tunnels by their hidden ends and asks their agents. How it is
 * printed stands in show_text.c and show_json.c.
 */
#include <cli/cli.h>
#include <cli/show.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HIDDEN_SUFFIX ".dp"

static const char *const verdict_names[VERDICT_COUNT] = {
#define X(id, name, meaning) [VERDICT_##id] = name,
	WGXDP_VERDICTS(X)
#undef X
};

const char *show_verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

bool show_is_drop(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DELIVERED:
	case VERDICT_KEEPALIVE:
	case VERDICT_SEALED:
	case VERDICT_STAGED:
	case VERDICT_SLOW_WAY:
		return false;
	default:
		return true;
	}
}

struct shown_list {
	struct shown_tunnel *tunnels;
	size_t count;
};

/* Into the next place of the list. */
static void ask(struct shown_list *list, const char *name, size_t length)
{
	struct shown_tunnel *tunnel = &list->tunnels[list->count++];
	int fd;

	snprintf(tunnel->name, sizeof(tunnel->name), "%.*s", (int)length, name);
	fd = tunnel_connect(tunnel->name);
	tunnel->error = fd < 0 ? fd : uapi_get(fd, &tunnel->config);
	if (fd >= 0)
		close(fd);
}

static bool ask_one(struct shown_list *list, const char *name)
{
	list->tunnels = calloc(1, sizeof(*list->tunnels));
	if (list->tunnels)
		ask(list, name, strlen(name));
	return list->tunnels;
}

static bool ask_all(struct shown_list *list)
{
	struct if_nameindex *names = if_nameindex();
	size_t count = 0;

	while (names && names[count].if_index)
		count++;
	list->tunnels = names ? calloc(count + 1, sizeof(*list->tunnels)) : NULL;
	for (size_t i = 0; list->tunnels && i < count; i++) {
		const char *name = names[i].if_name;
		size_t length = strlen(name), suffix = strlen(HIDDEN_SUFFIX);

		if (length > suffix && strcmp(name + length - suffix, HIDDEN_SUFFIX) == 0)
			ask(list, name, length - suffix);
	}
	if (names)
		if_freenameindex(names);
	return list->tunnels;
}

static bool print_text(const struct arguments *arguments, const struct shown_list *list)
{
	bool good = true, first = true;

	for (size_t i = 0; i < list->count; i++) {
		if (list->tunnels[i].error) {
			tunnel_complain(arguments, list->tunnels[i].name, list->tunnels[i].error);
			good = false;
			continue;
		}
		if (!first)
			printf("\n");
		show_text(stdout, &list->tunnels[i], time(NULL));
		first = false;
	}
	return good;
}

int cli_show(const struct arguments *arguments)
{
	const char *name = arguments->operands[0];
	struct shown_list list = {0};
	bool good;

	if (name && !tunnel_name_is_good(arguments, name))
		return EXIT_FAILURE;
	if (name && !tunnel_exists(name)) {
		tunnel_complain_missing(arguments, name);
		return EXIT_FAILURE;
	}
	good = name ? ask_one(&list, name) : ask_all(&list);
	if (!good)
		complain(arguments, "%s", strerror(errno));
	else if (option_value(arguments, "json", 0))
		good = show_json(stdout, list.tunnels, list.count);
	else
		good = print_text(arguments, &list);
	for (size_t i = 0; i < list.count; i++)
		config_free(&list.tunnels[i].config);
	free(list.tunnels);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
