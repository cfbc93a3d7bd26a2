#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""rekeying_peer.py - a WireGuard peer that makes a new session whenever it likes, which no real one does.

    rekeying_peer.py PRIVATE_KEY_FILE THEIR_PUBLIC_KEY_FILE SESSIONS

It initiates that many sessions with 192.0.2.1:51820 and sends echo requests from 10.77.0.2 to 10.77.0.1
through the old and the new one, before, during and after each handshake. Every one must be answered,
through the session that the paper says (section 6.3): the old one until the new one has been used, then
the new one. Its cryptography is the reference's (tests/harness), slow and for these keys only.
"""
import base64
import os
import pathlib
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parents[1] / "harness"))
from noise_reference import AEAD, KDF, TAI64N, chacha20, initiation, public, x25519  # noqa: E402

INNER_SOURCE, INNER_DESTINATION = bytes([10, 77, 0, 2]), bytes([10, 77, 0, 1])


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(sequence):
    text = b"wgxdp clear text, and 64 bytes of it, so that it needs no padding...."[:60]
    icmp = struct.pack(">BBHHH", 8, 0, 0, 0x7767, sequence) + text
    icmp = icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0)
    header += INNER_SOURCE + INNER_DESTINATION
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + icmp


class Session:
    def __init__(self, local, remote, sending_key, receiving_key):
        self.local, self.remote = local, remote
        self.sending_key, self.receiving_key = sending_key, receiving_key
        self.counter = 0

    def seal(self, packet):
        packet += bytes(-len(packet) % 16)
        head = struct.pack("<IIQ", 4, self.remote, self.counter)
        self.counter += 1
        return head + AEAD(self.sending_key, self.counter - 1, packet, b"")

    def open(self, message):
        (counter,) = struct.unpack("<Q", message[8:16])
        packet = chacha20(self.receiving_key, 1, bytes(4) + message[8:16], message[16:-16])
        if AEAD(self.receiving_key, counter, packet, b"") != message[16:]:
            sys.exit(f"message {counter} of session {self.local:08x} fails authentication")
        return packet


class Peer:
    def __init__(self, private, theirs):
        self.private, self.theirs = private, theirs
        self.public = public(private)
        self.started = int(time.time())
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("192.0.2.2", 51820))
        self.socket.connect(("192.0.2.1", 51820))
        self.socket.settimeout(3)
        self.sessions = {}
        self.sequence = 0
        self.waiting = {}
        self.initiations = 0

    def ask(self, session, answer_by):
        """Sends an echo request; the answer has to come through one of `answer_by`."""
        self.sequence += 1
        self.waiting[self.sequence] = [answer.local for answer in answer_by]
        self.socket.send(session.seal(echo_request(self.sequence)))

    def receive(self):
        """Takes one message; returns it when it is a response, and settles it when it is an answer."""
        try:
            message = self.socket.recv(2048)
        except TimeoutError:
            sys.exit(f"nothing comes; {len(self.waiting)} requests of {self.sequence} not answered")
        kind, index = struct.unpack("<II", message[:8])
        if kind == 2:
            return message
        if kind != 4 or index not in self.sessions:
            sys.exit(f"a message of type {kind} for index {index:08x}")
        packet = self.sessions[index].open(message)
        if packet:
            (sequence,) = struct.unpack(">H", packet[26:28])
            if packet[20] != 0 or index not in self.waiting.pop(sequence, []):
                sys.exit(f"answer {sequence} came twice or through the wrong session")
        return None

    def settle(self):
        while self.waiting:
            self.receive()

    def initiate(self):
        local = struct.unpack("<I", os.urandom(4))[0]
        ephemeral = os.urandom(32)
        self.initiations += 1
        message, C, H = initiation(
            local,
            self.public,
            public(ephemeral),
            self.theirs,
            x25519(ephemeral, self.theirs),
            x25519(self.private, self.theirs),
            TAI64N(self.started + self.initiations, 0),
        )
        self.socket.send(message)
        return local, ephemeral, C

    def finish(self, pending, message):
        local, ephemeral, C = pending
        remote, receiver = struct.unpack("<II", message[4:12])
        if receiver != local:
            sys.exit(f"response for {receiver:08x}, not {local:08x}")
        theirs = message[12:44]
        (C,) = KDF(1, C, theirs)
        (C,) = KDF(1, C, x25519(ephemeral, theirs))
        (C,) = KDF(1, C, x25519(self.private, theirs))
        C, _, _ = KDF(3, C, bytes(32))
        session = Session(local, remote, *KDF(2, C, b""))
        self.sessions[local] = session
        return session

    def shake_hands(self, old):
        pending = self.initiate()
        for _ in range(5 if old else 0):
            self.ask(old, [old])
        message = None
        while not message:
            message = self.receive()
        return self.finish(pending, message)


def main():
    keys = [base64.b64decode(pathlib.Path(name).read_text()) for name in sys.argv[1:3]]
    peer = Peer(*keys)
    old = None
    for _ in range(int(sys.argv[3])):
        new = peer.shake_hands(old)
        if old:
            # Not confirmed yet: what they send still goes through the old one.
            peer.ask(old, [old])
            peer.settle()
        peer.ask(new, [new])
        peer.settle()
        # A late one through the old session is taken, and answered through the new.
        for i in range(20):
            peer.ask(old if old and i % 2 else new, [new])
        peer.settle()
        if old:
            del peer.sessions[old.local]
        old = new
    print(f"{peer.initiations} sessions, {peer.sequence} requests, all answered as they should be")


main()
