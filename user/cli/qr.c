// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * qr.c - QR codes in half blocks (qr.h): ISO/IEC 18004 by libqrencode, with the margin of four squares that it asks for.
 * The light squares are what is drawn.
 */
#include <cli/qr.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <qrencode.h>
#include <string.h>

enum { MARGIN = 4 };

static bool is_light(const QRcode *code, int row, int column)
{
	if (row < 0 || row >= code->width || column < 0 || column >= code->width)
		return true;
	/* the other bits of a square say what it is there for */
	return !(code->data[row * code->width + column] & 1);
}

static void print_line(FILE *to, const QRcode *code, int row)
{
	/* by the upper square's light, then the lower one's */
	static const char *const blocks[2][2] = {{" ", "▄"}, {"▀", "█"}};

	for (int column = -MARGIN; column < code->width + MARGIN; column++)
		fputs(blocks[is_light(code, row, column)][is_light(code, row + 1, column)], to);
}

int qr_print(FILE *to, const struct colors *colors, const char *text)
{
	/* the lowest redundancy: a screen has no scratches, and smaller squares are harder to read */
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (!code)
		return errno == ERANGE ? -E2BIG : -errno;
	for (int row = -MARGIN; row < code->width + MARGIN; row += 2) {
		fputs(colors->white_on_black, to);
		print_line(to, code, row);
		fprintf(to, "%s\n", colors->reset);
	}
	crypto_wipe(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	return 0;
}
