/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * colors.h - the terminal's colours where wg(8) has them: by WG_COLOR_MODE (always, never, auto), and with
 * auto, or anything else, on a terminal.
 */
#ifndef WGXDP_CLI_COLORS_H
#define WGXDP_CLI_COLORS_H

#include <stdio.h>

/* What to print before a word; `reset` behind it. All empty where there are no colours. */
struct colors {
	const char *bold;
	const char *green;
	const char *yellow;
	const char *cyan;
	const char *red;
	/* white on black, whatever the terminal's own are */
	const char *white_on_black;
	const char *reset;
};

const struct colors *colors_for(FILE *to);

#endif
