#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""hostile_relay.py - a wire between two interfaces that means ill, by a seed.

    hostile_relay.py SEED ONE OTHER

Frames that come in by one interface go out by the other. Of those with UDP in them some are damaged: bits flipped
in the message or in any header, cut with and without the lengths saying so, made longer, sent twice, kept back,
sent again much later, or followed by an invention of our own. SIGTERM ends it; then it prints, for each interface,
"to NAME whole N broken N": how many datagrams it sent there whose headers are as they should be, and how many
others. What is whole but for another address or port than most is among these: the end that sent it has followed an
address that we damaged in two places, so that the checksums are right again, and no reader waits there. Both ends must
send finished checksums (ethtool -K eth0 tx off).
"""
import collections
import random
import select
import signal
import socket
import struct
import sys

SOL_PACKET, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE = 263, 23, 33
ETHERNET, UDP = 14, 8
LONGEST = 1514
BATCH = 64
REMEMBERED = 2000
KEPT_BACK = 40
# One datagram in as many is treated so.
ODDS = {"flip": 150, "flip_header": 600, "cut": 400, "cut_frame": 800, "lengthen": 400, "twice": 150, "keep": 100,
        "replay": 100, "invent": 150}  # fmt: skip


def ip_header(frame):
    """Its length when the frame is whole IP with UDP behind it, else 0."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[ETHERNET] == 0x45 and frame[ETHERNET + 9] == socket.IPPROTO_UDP:
        return 20
    if kind == b"\x86\xdd" and frame[ETHERNET + 6] == socket.IPPROTO_UDP:
        return 40
    return 0


def destination(frame):
    """Address and port."""
    header = ip_header(frame)
    address = 16 if header == 20 else 24
    return frame[ETHERNET + address : ETHERNET + header], frame[ETHERNET + header + 2 :][:2]


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_message(frame, message):
    """The frame with another message in it, and headers that are right for it."""
    header = ip_header(frame)
    ip, udp = bytearray(frame[ETHERNET : ETHERNET + header]), bytearray(frame[ETHERNET + header :][:UDP])
    length = UDP + len(message)
    udp[4:6] = struct.pack(">H", length)
    udp[6:8] = b"\0\0"
    if header == 20:
        ip[2:4] = struct.pack(">H", header + length)
        ip[10:12] = b"\0\0"
        ip[10:12] = struct.pack(">H", checksum(bytes(ip)))
    else:
        ip[4:6] = struct.pack(">H", length)
        pseudo = bytes(ip[8:40]) + struct.pack(">IHBB", length, 0, 0, socket.IPPROTO_UDP)
        sum_of_all = checksum(pseudo + bytes(udp) + message + bytes(len(message) % 2))
        udp[6:8] = struct.pack(">H", sum_of_all or 0xFFFF)
    return bytes(frame[:ETHERNET]) + bytes(ip) + bytes(udp) + message


class Direction:
    """Frames for one interface; `send` takes what is left of them."""

    def __init__(self, chance, send):
        self.chance, self.send = chance, send
        self.whole, self.broken = collections.Counter(), 0
        self.past, self.kept = [], []

    def is_time_for(self, what):
        return self.chance.randrange(ODDS[what]) == 0

    def give(self, frame, whole=True):
        self.send(frame)
        if whole:
            self.whole[destination(frame)] += 1
        else:
            self.broken += 1

    def flip(self, data):
        data = bytearray(data)
        for _ in range(self.chance.choice((1, 1, 2, 8))):
            bit = self.chance.randrange(8 * len(data))
            data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    def invention(self, message):
        """Random bytes, with a beginning that a reader may fall for."""
        kind = self.chance.choice((1, 2, 3, 4, 4, 4))
        length = self.chance.choice((148, 92, 64, 32, len(message), self.chance.randrange(1200)))
        return (struct.pack("<I", kind) + message[4:8] + self.chance.randbytes(1400))[:length]

    def treat(self, frame):
        """One datagram in, any number out."""
        start = ETHERNET + ip_header(frame) + UDP
        message = frame[start:]
        if self.is_time_for("flip") and message:
            self.give(with_message(frame, self.flip(message)))
        elif self.is_time_for("flip_header"):
            self.give(frame[:ETHERNET] + self.flip(frame[ETHERNET:start]) + message, whole=False)
        elif self.is_time_for("cut"):
            self.give(with_message(frame, message[: self.chance.randrange(len(message) + 1)]))
        elif self.is_time_for("cut_frame"):
            self.give(frame[: self.chance.randrange(ETHERNET, len(frame))], whole=False)
        elif self.is_time_for("lengthen") and len(frame) < LONGEST:
            more = self.chance.randbytes(self.chance.randrange(1, LONGEST - len(frame) + 1))
            self.give(with_message(frame, message + more))
        elif self.is_time_for("keep"):
            self.kept.append(frame)
        else:
            self.give(frame)
        if self.is_time_for("twice"):
            self.give(frame)
        if self.is_time_for("invent"):
            self.give(with_message(frame, self.invention(message)))
        if self.past and self.is_time_for("replay"):
            self.give(self.chance.choice(self.past))
        if self.kept and (len(self.kept) > KEPT_BACK or self.is_time_for("keep")):
            self.give(self.kept.pop(self.chance.randrange(len(self.kept))))
        self.past.append(frame)
        if len(self.past) > REMEMBERED:
            self.past[self.chance.randrange(REMEMBERED)] = self.past.pop()

    def flush(self):
        while self.kept:
            self.give(self.kept.pop())


def open_link(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    link.bind((name, 3))
    link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    return link


def sender(link):
    def send(frame):
        link.setblocking(True)
        link.send(frame)

    return send


def main():
    if len(sys.argv) != 4 or not sys.argv[1].isdecimal():
        sys.exit("usage: hostile_relay.py SEED ONE OTHER")
    seed, names = int(sys.argv[1]), sys.argv[2:4]
    links = [open_link(name) for name in names]
    directions = [Direction(random.Random(2 * seed + i), sender(links[i])) for i in (0, 1)]
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    print("relaying", flush=True)
    while not ended:
        readable, _, _ = select.select(links, [], [], 0.1)
        for link in readable:
            there = 1 - links.index(link)
            for _ in range(BATCH):
                try:
                    frame = link.recv(1 << 16, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                if ip_header(frame):
                    directions[there].treat(frame)
                else:
                    links[there].send(frame)
    for name, direction in zip(names, directions):
        direction.flush()
        whole = max(direction.whole.values(), default=0)
        print(f"to {name} whole {whole} broken {direction.broken + direction.whole.total() - whole}")


main()
