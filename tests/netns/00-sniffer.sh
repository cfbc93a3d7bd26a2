#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The sniffer of all the other tests sees what it must see. There is no tunnel here.
. "$(dirname "$0")/topology.sh"
make_topology

# udp TEXT: a datagram from a to b on WireGuard's port; TEXT is Python's.
udp() {
	in_ns a python3 -c "import socket
socket.socket(type=socket.SOCK_DGRAM).sendto(b'$1', ('${OUTER4[b]}', $PORT))"
}

# Somebody listens, so that no error quotes what was sent.
spawn b "$WORK/sink" python3 -c "import socket
sink = socket.socket(type=socket.SOCK_DGRAM)
sink.bind(('', $PORT))
while True:
    sink.recv(65536)"
wait_for 5 "the sink" grep -q "$(printf :%04X "$PORT")" "/proc/$SPAWNED/net/udp"

# notices KIND COMMAND...: exactly one frame of the kind, and nothing that is not of it.
notices() {
	local kind=$1 before
	shift
	before=$(seen "$kind")
	"$@" >/dev/null
	wait_for 5 "one more of $kind after: $*" has_seen "$kind" $((before + 1))
	equal "$kind after: $*" $((before + 1)) "$(seen "$kind")"
}

step "the four messages"
notices initiation udp '\1\0\0\0'
notices response udp '\2\0\0\0'
notices cookie udp '\3\0\0\0'
notices data udp '\4\0\0\0'
equal "foreign so far" 0 "$(seen foreign)"
equal "clear text so far" 0 "$(seen clear)"

step "what is none of them"
notices foreign udp '\5\0\0\0'
notices foreign udp '\4\0\1\0'
equal "clear text so far" 0 "$(seen clear)"

step "the payload, inner addresses in pairs and alone, in a message that looks right"
notices clear udp '\4\0\0\0 and then wgxdp clear text, behind the headers'
notices clear udp '\4\0\0\0 and then 0123456789, as iperf3 sends it'
notices clear udp '\4\0\0\0 0123456 0123456 \12M\0\1\12M\0\2'
notices clear udp '\4\0\0\0 0123456 0123456 \xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\1'
notices clear udp '\4\0\0\0\12M\0\1'

step "a ping with the payload of the others, to an inner address"
ip -n "$(ns a)" address add "${INNER4[a]}/24" dev eth0
in_ns a ping -q -c 1 -W 1 "${INNER4[b]}" >/dev/null || true
at_least "clear text after asking who has an inner address" 6 "$(seen clear)"
before=$(seen clear)
in_ns a ping -q -c 1 -p "$MARKER" "${OUTER4[b]}" >/dev/null
wait_for 5 "ping and answer" has_seen clear $((before + 2))

# What was found here is what was to be found.
stop "$SNIFFER_PID"
SNIFFER_PID=
