#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""carry.py - sends bytes by TCP and says what they hash to, at either end.

    carry.py receive ADDRESS              listens on port 5300, for one connection
    carry.py send ADDRESS MEGABYTES [SEED]

Each prints "BYTES SHA256" when all is there. The bytes are random, in chunks cut from 8 MiB at places that
never repeat in order; each begins with the text that the sniffer of the namespace tests looks for.
"""
import hashlib
import random
import socket
import sys

PORT = 5300
CHUNK = 1 << 20
POOL = 8 << 20
MARKER = b"wgxdp clear text"
PATIENCE = 30


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def receive(address):
    listener = socket.socket(family(address))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, PORT))
    listener.listen(1)
    print("listening", flush=True)
    listener.settimeout(PATIENCE)
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    total = 0
    while length := connection.recv_into(buffer):
        digest.update(buffer[:length])
        total += length
    return total, digest


def send(address, total, seed):
    connection = socket.socket(family(address))
    connection.settimeout(PATIENCE)
    connection.connect((address, PORT))
    source = random.Random(seed)
    pool = bytearray(source.randbytes(POOL))
    digest = hashlib.sha256()
    left = total
    while left:
        start = source.randrange(POOL - CHUNK)
        pool[start : start + len(MARKER)] = MARKER
        chunk = memoryview(pool)[start : start + min(CHUNK, left)]
        connection.sendall(chunk)
        digest.update(chunk)
        left -= len(chunk)
    connection.shutdown(socket.SHUT_WR)
    # Closed by the other end when it has everything.
    connection.recv(1)
    return total, digest


def main():
    match sys.argv[1:]:
        case ["receive", address]:
            total, digest = receive(address)
        case ["send", address, megabytes, *seed] if megabytes.isdecimal() and len(seed) < 2:
            total, digest = send(address, int(megabytes) * 1000000, *(seed or [""]))
        case _:
            sys.exit("usage: carry.py receive ADDRESS | send ADDRESS MEGABYTES [SEED]")
    print(total, digest.hexdigest())


main()
