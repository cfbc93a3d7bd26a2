// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* show.c - `wgxdp show`. How it is printed stands in show_text.c and show_json.c. */
#include <cli/cli.h>
#include <cli/show.h>

#include <stdlib.h>

static bool print_text(const struct arguments *arguments, const struct shown_list *list)
{
	const struct colors *colors = colors_for(stdout);
	bool first = true;

	for (size_t i = 0; i < list->count; i++) {
		if (list->tunnels[i].error)
			continue;
		if (!first)
			printf("\n");
		show_text(stdout, colors, &list->tunnels[i], time(NULL));
		first = false;
	}
	return shown_complain(arguments, list);
}

int cli_show(const struct arguments *arguments)
{
	struct shown_list list;
	bool good;

	if (!shown_ask_operand(arguments, &list))
		return EXIT_FAILURE;
	good = option_value(arguments, "json", 0) ? show_json(stdout, &list)
						  : print_text(arguments, &list);
	shown_free(&list);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
