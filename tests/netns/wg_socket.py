#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""wg_socket.py - a client of wg(8)'s userspace socket that does not trust it, for 50-wg-socket.sh.

    wg_socket.py peers COUNT          a configuration of that many peers, on stdout
    wg_socket.py allowed-ips          one peer with 130 560 allowed IPs
    wg_socket.py get SOCKET           what it answers to get=1
    wg_socket.py requests SOCKET      sends requests and checks the answers
    wg_socket.py add SOCKET COUNT     adds that many idle peers by one request, each with two allowed IPs
    wg_socket.py remove SOCKET COUNT  removes them again, by one request
    wg_socket.py empty SOCKET         removes all peers
    wg_socket.py alive SOCKET         waits until it is answered
"""
import base64
import hashlib
import os
import socket
import sys

KEY = "%064x"


def public_key():
    return base64.b64encode(os.urandom(32)).decode()


def print_peers(count):
    for i in range(count):
        print(f"[Peer]\nPublicKey = {public_key()}\nPresharedKey = {public_key()}")
        print(f"Endpoint = 192.0.{i // 250}.{i % 250 + 1}:{1024 + i}\nPersistentKeepalive = {i + 1}")
        print(f"AllowedIPs = 10.{i // 250}.{i % 250}.0/24, fd00:{i:x}::/64")


def print_allowed_ips():
    """As many as the kernel's own netns.sh gives to one peer."""
    print(f"[Peer]\nPublicKey = {public_key()}")
    for high in range(255):
        print("AllowedIPs = " + ", ".join(f"10.{high}.{low}.0/24" for low in range(256)))
        print("AllowedIPs = " + ", ".join(f"fd00:{high:x}:{low:x}::/48" for low in range(256)))


def many_peers(count, remove):
    """A request in pieces; which peers they are is the same every time."""
    yield b"set=1\n"
    for i in range(count):
        key = hashlib.blake2s(b"%d" % i).hexdigest()
        high, low = i >> 16, i & 0xFFFF
        if remove:
            yield f"public_key={key}\nremove=true\n".encode()
            continue
        yield (f"public_key={key}\nendpoint=192.0.2.{i % 200 + 20}:{1024 + low % 60000}\n"
               f"allowed_ip=10.{high}.{low >> 8}.{low & 255}/32\nallowed_ip=fd77::1:{high:x}:{low:x}/128\n").encode()
    yield b"\n"


class Client:
    def __init__(self, path, patience=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(patience)
        self.socket.connect(path)
        self.rest = b""

    def send(self, text):
        self.socket.sendall(text.encode())

    def answer(self):
        while b"\n\n" not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit("FAILED: the connection ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\n\n", 1)
        return text.decode().split("\n")

    def ask(self, text):
        self.send(text)
        return self.answer()


def expect(what, wanted, got):
    if wanted != got:
        raise SystemExit(f"FAILED: {what}: expected {wanted}, got {got}")


def values(answer, key):
    return [line.split("=", 1)[1] for line in answer if line.startswith(key + "=")]


def without_counters(answer):
    return [line for line in answer if not line.startswith("wgxdp_")]


PEER = KEY % 0xABCDEF
OTHER = KEY % 0x123456

# What a set request may not say; each is sent with a change in front that must not be made.
REFUSED = [
    "nonsense=1",
    "nonsense",
    "=",
    "fwmark=",
    "fwmark=-1",
    "fwmark=4294967296",
    "fwmark=0x10",
    "listen_port=65536",
    "listen_port=1x",
    "private_key=00",
    "private_key=" + "g" * 64,
    "replace_peers=false",
    "replace_peers=",
    "allowed_ip=10.0.0.0/8",
    "endpoint=192.0.2.1:1",
    "remove=true",
    "public_key=00",
    "public_key=" + PEER + "00",
    f"public_key={PEER}\nremove=false",
    f"public_key={PEER}\nupdate_only=1",
    f"public_key={PEER}\npreshared_key=1",
    f"public_key={PEER}\nendpoint=192.0.2.1",
    f"public_key={PEER}\nendpoint=192.0.2.1:0",
    f"public_key={PEER}\nendpoint=192.0.2.1:65536",
    f"public_key={PEER}\nendpoint=somewhere:1",
    f"public_key={PEER}\nendpoint=2001:db8::1:1",
    f"public_key={PEER}\npersistent_keepalive_interval=65536",
    f"public_key={PEER}\npersistent_keepalive_interval=off",
    f"public_key={PEER}\nreplace_allowed_ips=yes",
    f"public_key={PEER}\nallowed_ip=10.0.0.0/33",
    f"public_key={PEER}\nallowed_ip=--10.0.0.0/8",
    f"public_key={PEER}\nallowed_ip=fd00::/129",
    f"public_key={PEER}\nallowed_ip=",
    f"public_key={PEER}\nprotocol_version=2",
    f"public_key={PEER}\nlisten_port=1",
    f"public_key={PEER}\nprivate_key={PEER}",
    f"public_key={PEER}\nrx_bytes=1",
    "x" * 300,
]


def check_refusals(client):
    before = without_counters(client.ask("get=1\n\n"))
    for line in REFUSED:
        answer = client.ask(f"set=1\nfwmark=99\n{line}\n\n")
        expect(f"answer to {line!r}", ["errno=-22"], answer)
        expect(f"after {line!r}", before, without_counters(client.ask("get=1\n\n")))
    for request in ["get=2\n\n", "get=1\nset=1\n\n", "\n", "hello\n\n"]:
        answer = client.ask(request)
        if answer[-1] not in ("errno=22", "errno=-22"):
            raise SystemExit(f"FAILED: {request!r} was answered {answer}")
    expect("after bad requests", before, without_counters(client.ask("get=1\n\n")))


def check_order(client):
    """What wg(8) reads line by line: a peer's lines follow its key."""
    client.ask(f"set=1\nreplace_peers=true\npublic_key={PEER}\nallowed_ip=10.1.2.3/16\n"
               "endpoint=[2001:db8::7]:7\npersistent_keepalive_interval=7\n\n")
    answer = client.ask("get=1\n\n")
    names = [line.split("=")[0] for line in without_counters(answer)]
    expect("keys of the answer", ["private_key", "listen_port", "public_key", "preshared_key", "protocol_version",
                                  "endpoint", "last_handshake_time_sec", "last_handshake_time_nsec", "tx_bytes",
                                  "rx_bytes", "persistent_keepalive_interval", "allowed_ip", "errno"], names)
    expect("errno of get", ["0"], values(answer, "errno"))
    expect("never shaken hands", ["0"], values(answer, "last_handshake_time_sec"))
    expect("masked", ["10.1.0.0/16"], values(answer, "allowed_ip"))


def check_several(path):
    """Requests may come in one piece, or byte by byte; each has its answer, in order."""
    client = Client(path)
    client.send("set=1\nfwmark=5\n\nget=1\n\nset=1\nfwmark=0\n\nget=1\n\n")
    expect("first", ["errno=0"], client.answer())
    expect("second", ["5"], values(client.answer(), "fwmark"))
    expect("third", ["errno=0"], client.answer())
    expect("fourth", [], values(client.answer(), "fwmark"))
    for byte in "get=1\n\n":
        client.send(byte)
    expect("byte by byte", ["0"], values(client.answer(), "errno"))


def check_allowed_ips(client):
    def allowed(key):
        answer, mine = client.ask("get=1\n\n"), False
        found = []
        for line in answer:
            if line.startswith("public_key="):
                mine = line == "public_key=" + key
            elif mine and line.startswith("allowed_ip="):
                found.append(line.split("=")[1])
        return sorted(found)

    def change(text):
        expect(f"answer to {text!r}", ["errno=0"], client.ask(f"set=1\n{text}\n\n"))

    change(f"replace_peers=true\npublic_key={PEER}\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\n"
           f"public_key={OTHER}\nallowed_ip=10.1.0.0/16\nallowed_ip=fd00::/8")
    expect("moved within one request", ["10.0.0.0/8"], allowed(PEER))
    expect("to the later", ["10.1.0.0/16", "fd00::/8"], allowed(OTHER))
    change(f"public_key={PEER}\nallowed_ip=-10.1.0.0/16")
    expect("not the owner: not removed", ["10.1.0.0/16", "fd00::/8"], allowed(OTHER))
    change(f"public_key={OTHER}\nallowed_ip=-10.1.0.0/16\nallowed_ip=-10.9.0.0/16")
    expect("removed one by one", ["fd00::/8"], allowed(OTHER))
    change(f"public_key={OTHER}\nupdate_only=true\nreplace_allowed_ips=true\nallowed_ip=10.2.0.0/16")
    expect("replaced", ["10.2.0.0/16"], allowed(OTHER))
    change(f"public_key={KEY % 7}\nupdate_only=true\nallowed_ip=10.0.0.0/8")
    expect("a peer that is not there is not made", ["10.0.0.0/8"], allowed(PEER))
    change(f"public_key={KEY % 7}\nremove=true")
    change(f"public_key={OTHER}\nremove=true")
    expect("one is left", [PEER], values(client.ask("get=1\n\n"), "public_key"))
    change("replace_peers=true")


def check_requests(path):
    client = Client(path)
    check_order(client)
    check_refusals(client)
    check_several(path)
    check_allowed_ips(client)
    stranger = Client(path)
    stranger.send("set=1\nfwmark=77\n")
    stranger.socket.close()
    expect("half a request is none", [], values(client.ask("get=1\n\n"), "fwmark"))


def change_peers(path, count, remove):
    client = Client(path, 600)
    for piece in many_peers(count, remove):
        client.socket.sendall(piece)
    expect(f"answer to {count} peers", ["errno=0"], client.answer())


def main(words):
    if words[:1] == ["peers"] and len(words) == 2:
        print_peers(int(words[1]))
    elif words == ["allowed-ips"]:
        print_allowed_ips()
    elif words[:1] == ["get"] and len(words) == 2:
        print("\n".join(Client(words[1]).ask("get=1\n\n")))
    elif words[:1] == ["requests"] and len(words) == 2:
        check_requests(words[1])
    elif words[:1] in (["add"], ["remove"]) and len(words) == 3:
        change_peers(words[1], int(words[2]), words[0] == "remove")
    elif words[:1] == ["empty"] and len(words) == 2:
        expect("answer", ["errno=0"], Client(words[1], 600).ask("set=1\nreplace_peers=true\n\n"))
    elif words[:1] == ["alive"] and len(words) == 2:
        expect("answer", ["errno=0"], Client(words[1], 600).ask("set=1\n\n"))
    else:
        raise SystemExit(__doc__)


main(sys.argv[1:])
