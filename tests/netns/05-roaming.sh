#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Either end changes its address while TCP flows both ways through the tunnel, also from IPv4 to IPv6 and back.
. "$(dirname "$0")/topology.sh"
# wireguard-go stays silent when its source address goes: recent kernels say ENETUNREACH, it knows EINVAL.
no_userspace
make_topology
make_tunnel 4
flood a b 4 10
since=$SECONDS

# endpoint_is END ENDPOINT: where END believes the other end to be.
endpoint_is() {
	[ "$(show "$1" endpoints)" = "$2" ]
}

# roams END NEW OLD: END gives up one address for another; the other end notices, and data flows on.
roams() {
	local other=${OTHER[$1]}
	step "$1 moves from $3 to $2"
	ip -n "$(ns "$1")" address add "$2/24" dev eth0
	ip -n "$(ns "$1")" address delete "$3/24" dev eth0
	wait_for 5 "$other to notice" endpoint_is "$other" "$2:$PORT"
	flow_of 500
}

spawn b "$WORK/server" iperf3 -s -1 --forceflush -B "${INNER4[b]}"
server=$SPAWNED
wait_for 5 "iperf3's server" grep -qs listening "$WORK/server"
spawn a "$WORK/client" iperf3 -c "${INNER4[b]}" --bidir -t $((SLOW > 1 ? 200 : 30)) -b 20M --repeating-payload --connect-timeout 3000
client=$SPAWNED
flow_of 500

roams b 192.0.2.12 192.0.2.2
roams a 192.0.2.11 192.0.2.1
roams b 192.0.2.22 192.0.2.12

# The address that the other end still sends to goes: else its packets that are on their way would move END back at
# once, as they may, and both ends to and fro. (An address without a route stays: with none ARP asks as 10.77.0.2.)
step "b has IPv6 only, and is told of a's address there; so a learns b's"
ip -n "$(ns b)" address add 203.0.113.2/32 dev eth0
ip -n "$(ns b)" address delete 192.0.2.22/24 dev eth0
set_endpoint b "$(outer a 6)"
wait_for 5 "a to notice" endpoint_is a "$(outer b 6)"
flow_of 500
equal "endpoint of a at b" "$(outer a 6)" "$(show b endpoints)"

step "and back: IPv4 only at a"
ip -n "$(ns b)" address add 192.0.2.22/24 dev eth0
ip -n "$(ns a)" address delete "${OUTER6[a]}/64" dev eth0
set_endpoint a "192.0.2.22:$PORT"
wait_for 5 "b to notice" endpoint_is b "192.0.2.11:$PORT"
flow_of 500

gone "$client" && die "TCP ended: $(cat "$WORK/client")"
stop "$client" "$server"
flood a b 4 200
flood b a 6 200
# To roam takes none. A session that is older than 120 s is renewed, which only a slow machine gets to see.
at_most "initiations" $((1 + (SECONDS - since + 1) / 120)) "$(seen initiation)"
