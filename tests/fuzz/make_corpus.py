#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""make_corpus.py DIR - writes the seed inputs of the handshake's and the replay window's fuzzers
below DIR; tests/fuzz/corpus is its output. Offsets are those of the messages (paper 5.4)."""
import os
import struct
import sys


def corpus():
    """Seed inputs: (target, name, bytes). But for the last they are masks over a valid message."""

    def flip(offset):
        return bytes(offset) + b"\x01"

    for state in (0, 1, 2, 3):
        yield "fuzz_initiation", f"valid-{state}", bytes([state])
    for name, offset in (("type", 0), ("sender", 4), ("ephemeral", 8), ("static", 40),
                         ("timestamp", 88), ("mac1", 116), ("mac2", 132)):  # fmt: skip
        yield "fuzz_initiation", name, b"\x00" + flip(offset)
    yield "fuzz_response", "valid", b""
    for name, offset in (("type", 0), ("sender", 4), ("receiver", 8), ("ephemeral", 12),
                         ("nothing", 44), ("mac1", 60)):  # fmt: skip
        yield "fuzz_response", name, flip(offset)
    yield "fuzz_cookie", "valid-reply", b"\x00"
    for name, offset in (("type", 0), ("receiver", 4), ("nonce", 8), ("cookie", 32)):
        yield "fuzz_cookie", f"{name}-of-reply", b"\x00" + flip(offset)
    yield "fuzz_cookie", "valid-message", b"\x01" + bytes(148)
    for name, offset in (("mac1", 116), ("mac2", 132)):
        yield "fuzz_cookie", name, b"\x01" + flip(offset).ljust(148, b"\0")
    yield "fuzz_cookie", "truncated", b"\x01" + bytes(31)
    behind, ahead, last = 0, 1, 3
    for name, packets in (
        ("in-order", 8 * [(ahead, 1)]),
        ("backwards", [step for n in range(1, 64) for step in ((ahead, 64), (behind, n))]),
        ("edge-of-the-window", [(ahead, 9000)] + [(behind, n) for n in (8127, 8128, 8129)]),
        ("last-counters", [(last, n) for n in (2, 1, 0)]),
    ):
        yield "fuzz_replay", name, b"".join(struct.pack("<BH", *packet) for packet in packets)


def main(directory):
    for target, name, data in corpus():
        folder = os.path.join(directory, target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
