#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""qr_image.py: a QR code in half blocks on stdin, with a terminal's colours or without, as a picture (PBM) on stdout
that any reader of QR codes takes. What is no half block ends it."""
import re
import sys

SCALE = 6
# upper and lower square; 1 is black
SQUARES = {" ": "11", "▄": "10", "▀": "01", "█": "00"}


def rows(text):
    for line in text.splitlines():
        line = re.sub("\033\\[[0-9;]*m", "", line)
        for half in (0, 1):
            yield [SQUARES[character][half] for character in line]


def main():
    squares = list(rows(sys.stdin.read()))
    width = {len(row) for row in squares}
    if len(width) != 1:
        raise SystemExit(f"lines of {sorted(width)} characters")
    print(f"P1\n{width.pop() * SCALE} {len(squares) * SCALE}")
    for row in squares:
        for _ in range(SCALE):
            print(" ".join(bit for bit in row for _ in range(SCALE)))


main()
