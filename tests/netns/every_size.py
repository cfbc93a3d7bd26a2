#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""every_size.py - UDP datagrams of every length, sent back as they came.

    every_size.py answer ADDRESS
    every_size.py ask ADDRESS LONGEST [STEP]      from 0 bytes to LONGEST; prints how many lengths were asked

Port 5301. The bytes are random and begin with the text that the sniffer of the namespace tests looks for. Whoever asks
waits for each answer, and for as long as it takes asks again: what is lost is counted, a wrong byte is the end.
"""
import random
import socket
import sys

PORT = 5301
MARKER = b"wgxdp clear text"
PATIENCE = 1
TRIES = 5


def open_socket(address):
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)


def answer(address):
    server = open_socket(address)
    server.bind((address, PORT))
    print("listening", flush=True)
    while True:
        datagram, sender = server.recvfrom(65536)
        server.sendto(datagram, sender)


def exchange(client, datagram):
    """How many were lost until this one came back."""
    for lost in range(TRIES):
        client.send(datagram)
        try:
            while True:
                back = client.recv(65536)
                if back == datagram:
                    return lost
                # an answer that was late
                if len(back) >= len(datagram):
                    sys.exit(f"{len(datagram)} bytes came back as {len(back)} others")
        except TimeoutError:
            pass
    sys.exit(f"{len(datagram)} bytes: no answer")


def ask(address, longest, step):
    client = open_socket(address)
    client.connect((address, PORT))
    client.settimeout(PATIENCE)
    source = random.Random(1)
    # The longest too, whatever the step.
    lengths = [*range(0, longest, step), longest]
    lost = 0
    for length in lengths:
        lost += exchange(client, (MARKER + source.randbytes(length))[:length])
    print(f"{len(lengths)} lengths, {lost} lost")


if sys.argv[1] == "answer":
    answer(sys.argv[2])
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
