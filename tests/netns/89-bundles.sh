#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Generic mode, and a sender on the same machine that hands the kernel many messages at once (UDP_SEGMENT, as
# wireguard-go does since 2023): the program is shown all of them as one datagram. None is lost or called forged.
ENGINE_B=${ENGINE_B:-wireguard-go-newest}
. "$(dirname "$0")/topology.sh"

attach() {
	wgxdp "$1" attach eth0 --tunnel "${TUNNEL[$1]}" --mode generic "${@:2}"
}

make_topology
make_tunnel 4
for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	# wireguard-go loses the first messages of a family it has not used yet
	wait_for 20 "an answer" in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
	carry b a 4 8
	carry b a 6 8
done
carry a b 4 8
step "small ones in one datagram that is no longer than a packet may be"
# 1 250 a second, 50 at once: the agent opens them one by one, on a machine that may be busy
udp b a 4 -l 200 -b 2M/50
at_most "datagrams lost" $((SENT / 50)) "$LOST"
count() {
	wgxdp a stats "${TUNNEL[a]}" --json |
		jq --arg v "$1" '[.tunnels[0].counts[] | select(.verdict == $v) | .packets] | add // 0'
}
at_least "delivered" 1000 "$(count delivered)"
equal "bad tags" 0 "$(count bad-tag)"
