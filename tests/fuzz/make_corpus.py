#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""make_corpus.py DIR - writes the seed inputs of all fuzzers but the file's below DIR; tests/fuzz/corpus is
its output. Offsets are those of the messages (paper 5.4)."""
import os
import struct
import sys


def corpus():
    """Seed inputs: (target, name, bytes). Those of messages are masks over a valid one."""

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


# Of wg(8)'s socket: all keys that a request, an answer and an event know.
KEY, OTHER = "01" * 31 + "41", "ab" * 32
DEVICE = f"""private_key={KEY}
listen_port=51820
fwmark=51
wgxdp_clamp_mss=1380
wgxdp_bind=192.0.2.1
wgxdp_bind=2001:db8::1
"""
PEER = f"""public_key={OTHER}
preshared_key={KEY}
protocol_version=1
endpoint=[2001:db8::7]:51820
persistent_keepalive_interval=25
wgxdp_name=Anna's phone
wgxdp_endpoint=vpn.example.org:51820
wgxdp_roaming=off
wgxdp_limit=100000000
allowed_ip=10.0.0.2/32
allowed_ip=fd00::2/128
"""
ANSWER = f"""{DEVICE}wgxdp_is_up=true
wgxdp_interface=eth0:native
wgxdp_interface=eth1:generic
wgxdp_verdict=bad-tag:12
{PEER}last_handshake_time_sec=1700000000
last_handshake_time_nsec=5
rx_bytes=1372
tx_bytes=1460
wgxdp_rx_packets=10
wgxdp_tx_packets=11
wgxdp_verdict=replayed:3
errno=0

"""
EVENT = f"""event=handshake
time_sec=1700000000
time_nsec=5
public_key={OTHER}
name=Anna's phone
from=192.0.2.7:4000
endpoint=[2001:db8::7]:51820
reason=bad-mac1
packets=7
initiator=true
interface=eth0
mode=generic

"""
MONITOR = "wgxdp_monitor=1\n\n"
REQUESTS = {
    "get": "get=1\n\n",
    "all-keys": f"set=1\n{DEVICE}replace_peers=true\n{PEER}\n",
    "removals": f"set=1\nwgxdp_bind=any\npublic_key={OTHER}\nremove=true\npublic_key={KEY}\n"
    "update_only=true\nreplace_allowed_ips=true\nallowed_ip=-10.0.0.0/8\n\n",
    "several": f"get=1\n\nset=1\n{PEER}\n\nset=1\nlisten_port=0\n\nget=1\n\n",
    "bad-among-good": f"set=1\nfwmark=1\n\nset=1\nfwmark=1\nfwmark=x\n\nset=1\n{PEER}remove=no\n\nget=2\n\n",
    "monitor": f"get=1\n\n{MONITOR}get=1\n\n",
    "answer": ANSWER,
    "event": EVENT,
}
# Of the command line: a word a line, the program's name first.
PUBLIC = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
LINES = {
    "help": "help",
    "attach": "attach eth0 --tunnel wg1 --mode generic --private-key AQ= --listen-port 51820 --address 10.0.0.1/24"
    " --fwmark 0x33 --bind 192.0.2.1 --clamp-mss on",
    "add": f"peer add {PUBLIC} --allowed-ips 10.0.0.2/32,fd00::2/128 --endpoint 192.0.2.7:51820 --keepalive 25"
    " --roaming off --limit 100mbit --preshared-key x",
    "set": f"peer set --tunnel=wg1 {PUBLIC} --endpoint vpn.example.org:51820 --keepalive=off --limit off",
    "remove": f"peer remove -- {PUBLIC}",
    "list": "peer list --json",
    "qr": "peer qr phone --allowed-ips 10.0.0.9/32 --endpoint [2001:db8::1]:51820 --routes 0.0.0.0/0,::/0"
    " --dns 10.0.0.1,example.org --psk --text",
    "up": "up ./wg0.conf",
    "down": "down wg0",
    "save": "save wg0",
    "strip": "strip wg0",
    "syncconf": "syncconf wg0",
    "show": "show wg0 --json",
    "stats": "stats",
    "metrics": "metrics wg0 --listen 127.0.0.1:9586",
    "top": "top --interval 2",
    "doctor": "doctor eth0 --json",
    "monitor": "monitor wg0",
    "detach": "detach eth0 --tunnel wg1",
    "agent": "agent wg0 -f --follow-routes --bind any",
    "completion": "help --completion fish",
    "man": "help --man",
    "pubkey": "pubkey",
    "genkey": "genkey",
    "genpsk": "genpsk",
    "selftest": "selftest",
    "version": "--version",
}
DROP_IN = "wgxdp-agent -f wg0"
PIECES = {"at-once": b"\0" + b"\xff" * 7, "bytes": b"\3" + b"\1" * 7, "mixed": bytes([5, 100, 0, 3, 255, 64, 0, 1])}


def texts():
    for name, text in REQUESTS.items():
        for pieces, head in PIECES.items():
            yield "fuzz_socket", f"{name}-{pieces}", head + text.encode()
    for name, line in LINES.items():
        yield "fuzz_command_line", name, "\n".join(["wgxdp", *line.split()]).encode()
    yield "fuzz_command_line", "drop-in", "\n".join(DROP_IN.split()).encode()


def main(directory):
    for target, name, data in (*corpus(), *texts()):
        folder = os.path.join(directory, target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
