#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A handshake message that is refused counts with the peer it names: b's own initiation, once more.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology

# The wire keeps b's first initiation, as a frame.
cat >"$WORK/keep.py" <<'END'
import socket, sys
# ETH_P_ALL: the bridge takes the rest before
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("to-b", 0))
print("listening", flush=True)
while True:
    frame, where = wire.recvfrom(2048)
    if where[2] != socket.PACKET_OUTGOING and frame[12:14] == b"\x08\0" and frame[23] == 17 and frame[42:46] == b"\1\0\0\0" and len(frame) == 190:
        open(sys.argv[1], "wb").write(frame)
        break
END
cat >"$WORK/again.py" <<'END'
import socket, sys
frame = bytearray(open(sys.argv[1], "rb").read())
# the kernel had left the checksum to be computed by a device that there is not
frame[40:42] = b"\0\0"
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("to-a", 0))
wire.send(frame)
END
spawn wire "$WORK/keep.log" python3 "$WORK/keep.py" "$WORK/initiation"
keeper=$SPAWNED
wait_for 5 "the wire to listen" grep -q listening "$WORK/keep.log"
start_end a
start_end b
add_peer a
add_peer b --endpoint "$(outer a 4)"
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "no pings"
wait_for 5 "the initiation" gone "$keeper"

# counted VERDICT: of the tunnel a, and of its peer.
counted() {
	wgxdp a stats "${TUNNEL[a]}" --json | jq -c --arg of "$1" \
		'.. | objects | select(.name? == $ARGS.named.tunnel) |
		[([.counts[] | select(.verdict == $of).packets] | add // 0),
		([.peers[].counts[] | select(.verdict == $of).packets] | add // 0)]' --arg tunnel "${TUNNEL[a]}"
}

now_counted() {
	[ "$(counted "$1")" = "$2" ]
}

equal "replayed-initiation at first" "[0,0]" "$(counted replayed-initiation)"
step "it comes again"
in_ns wire python3 "$WORK/again.py" "$WORK/initiation"
wait_for 5 "the refusal to be counted" now_counted replayed-initiation "[1,1]"
wgxdp a stats "${TUNNEL[a]}" | sed 's/^/# /'
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "no pings"
