// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* colors.c - ANSI's codes, or none. Contract: colors.h. */
#include <cli/colors.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct colors none = {"", "", "", "", "", "", ""};

static const struct colors ansi = {
	.bold = "\033[1m",
	.green = "\033[32m",
	.yellow = "\033[33m",
	.cyan = "\033[36m",
	.red = "\033[31m",
	.white_on_black = "\033[40;97m",
	.reset = "\033[0m",
};

const struct colors *colors_for(FILE *to)
{
	const char *mode = getenv("WG_COLOR_MODE");
	bool wanted;

	if (mode && strcmp(mode, "always") == 0)
		wanted = true;
	else if (mode && strcmp(mode, "never") == 0)
		wanted = false;
	else
		wanted = isatty(fileno(to));
	return wanted ? &ansi : &none;
}
