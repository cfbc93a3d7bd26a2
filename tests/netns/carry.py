#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Carries bytes over one TCP connection; both sides print the MD5 of them.

    carry.py listen ADDRESS PORT            says "listening" first
    carry.py send ADDRESS PORT MEGABYTES
"""
import hashlib
import random
import socket
import sys

PIECE = 1 << 16


def listen(address, port):
    with socket.create_server((address, port), family=family(address)) as server:
        print("listening", flush=True)
        server.settimeout(60)
        with server.accept()[0] as connection:
            digest = hashlib.md5()
            while piece := connection.recv(PIECE):
                digest.update(piece)
            print(digest.hexdigest())


def send(address, port, megabytes):
    digest = hashlib.md5()
    source = random.Random(f"{address} {megabytes}")
    with socket.create_connection((address, port), timeout=60) as connection:
        for _ in range(megabytes * (1 << 20) // PIECE):
            piece = source.randbytes(PIECE)
            digest.update(piece)
            connection.sendall(piece)
    print(digest.hexdigest())


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


if sys.argv[1] == "listen":
    listen(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
