#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A wire turns over one bit of an authentic message's source: its address, its port. XDP comes before the stack, which
# would see that by the checksums, so the program must: a, which only it asks and b answers, would send all it has
# elsewhere, and hear nothing that puts it right. One answer is lost, and no more. On the slow way the stack looks.
. "$(dirname "$0")/topology.sh"
# wireguard-go stays silent when its source address goes
no_userspace
make_topology
make_tunnel 4
flood a b 4 10

# The wire passes frames on. What "next" says, the number of a byte, it does to the next message of data from b.
cat >"$WORK/wire.py" <<'END'
import os, select, socket, sys
links = []
for name in "to-a", "to-b":
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(263, 23, 1)  # not what we send ourselves
    link.bind((name, 3))
    links.append(link)
print("relaying", flush=True)
while True:
    for link in select.select(links, [], [])[0]:
        frame = bytearray(link.recv(2048))
        start = 42 if frame[12:14] == b"\x08\0" else 62
        if link is links[1] and frame[start : start + 4] == b"\4\0\0\0" and os.path.exists(sys.argv[1]):
            byte = int(open(sys.argv[1]).read())
            os.remove(sys.argv[1])
            frame[byte] ^= 0x10
            print("damaged", byte, flush=True)
        links[link is links[0]].send(frame)
END
# The wire can only pass on what is there, and the kernel leaves checksums unfinished between namespaces.
for end in a b; do
	ip -n "$(ns wire)" link set "to-$end" nomaster
	in_ns "$end" ethtool -K eth0 tx off >/dev/null
done
spawn wire "$WORK/relay" python3 "$WORK/wire.py" "$WORK/next"
wait_for 5 "the wire" grep -q relaying "$WORK/relay"

# counted: what a's program refused for its checksum.
counted() {
	[ "${ENGINE[a]}" = wgxdp ] || return 0
	wgxdp a stats "${TUNNEL[a]}" --json |
		jq '[.tunnels[0].counts[] | select(.verdict == "bad-checksum").packets] | add // 0'
}

# damage FAMILY BYTE WHAT ANSWERED: of five pings, whose first answer is damaged there.
damage() {
	echo "$2" >"$WORK/new"
	mv "$WORK/new" "$WORK/next"
	in_ns a ping -c 5 -i 0.1 -W 2 -p "$MARKER" "${INNER4[b]}" >"$WORK/ping" || true
	[ ! -e "$WORK/next" ] || die "nothing was damaged"
	step "outer IPv$1, $3 damaged: $(grep received "$WORK/ping"); $(counted) refused so far"
	equal "answers" "$4" "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$WORK/ping")"
	equal "where b is" "$(outer b "$1")" "$(show a endpoints)"
}

use_family() {
	set_endpoint a "$(outer b "$1")"
	in_ns a ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[b]}" >/dev/null || die "nothing passes"
}

damage_all() {
	damage 4 29 "the address" 4
	damage 4 35 "the port" 4
	use_family 6
	damage 6 37 "the address" 4
	damage 6 55 "the port" 4
	use_family 4
}

damage_all
[ "${ENGINE[a]}" = wgxdp ] || exit 0
equal "refused" 4 "$(counted)"
equal "bad tags" 0 "$(wgxdp a stats "${TUNNEL[a]}" --json |
	jq '[.tunnels[0].counts[] | select(.verdict == "bad-tag").packets] | add // 0')"

step "an endpoint that stays needs no checksum"
wgxdp a peer set "$(public_key b)" --tunnel "${TUNNEL[a]}" --roaming off
damage 4 29 "the address" 5
damage 4 35 "the port" 5
equal "refused" 4 "$(counted)"
wgxdp a peer set "$(public_key b)" --tunnel "${TUNNEL[a]}" --roaming on

step "b moves, and a follows: what the wire leaves alone is right"
ip -n "$(ns b)" address add 192.0.2.12/24 dev eth0
ip -n "$(ns b)" address delete 192.0.2.2/24 dev eth0
OUTER4[b]=192.0.2.12
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "nothing passes"
equal "where b is" "$(outer b 4)" "$(show a endpoints)"

step "the slow way: the stack has looked, and there are no checksums any more"
wgxdp a detach eth0
damage_all
equal "refused" 4 "$(counted)"
ip -n "$(ns b)" address add 192.0.2.22/24 dev eth0
ip -n "$(ns b)" address delete 192.0.2.12/24 dev eth0
OUTER4[b]=192.0.2.22
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "nothing passes"
equal "where b is" "$(outer b 4)" "$(show a endpoints)"
