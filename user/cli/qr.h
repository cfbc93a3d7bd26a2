/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * qr.h - a text as a QR code for a terminal, two rows of its squares in a line, over libqrencode.
 */
#ifndef WGXDP_CLI_QR_H
#define WGXDP_CLI_QR_H

#include <cli/colors.h>

/* For a screen that is dark, or made so by colours. 0, -E2BIG (no QR code holds so much) or another -errno. */
int qr_print(FILE *to, const struct colors *colors, const char *text);

#endif
