#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The agent is killed and started again under traffic: no packet is lost, the session goes on, no second
# handshake is needed. What is needed after that works: a handshake. An old one is still refused.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
# The first initiation that comes to b, for later.
spawn wire "$WORK/tcpdump.log" tcpdump -i to-a -Q in -U -c 1 -w "$WORK/initiation" "udp[8] == 1"
wait_for 5 "tcpdump" grep -q listening "$WORK/tcpdump.log"
make_tunnel 4
flood a b 4 10

keep_pinging a b 4
for end in a b; do
	flow_of 500
	kill_agent "$end"
	flow_of 500
	step "and started again"
	attach "$end"
	wait_for 5 "the agent of $end" wg show "${TUNNEL[$end]}" peers >/dev/null
	flow_of 500
done
finish_pings 0
equal "initiations" 1 "$(seen initiation)"
equal "peer of a" "$(public_key b)" "$(wg show "${TUNNEL[a]}" peers)"
equal "endpoint of b at a" "$(outer b 4)" "$(show a endpoints)"
[ "$(show a latest-handshakes)" != 0 ] || die "a forgot when the handshake was"

step "both killed at once, under TCP"
spawn b "$WORK/server" iperf3 -s -1 --forceflush -B "${INNER4[b]}"
server=$SPAWNED
wait_for 5 "iperf3's server" grep -qs listening "$WORK/server"
spawn a "$WORK/client" iperf3 -c "${INNER4[b]}" -t 4 --repeating-payload
client=$SPAWNED
flow_of 1000
kill_agent a
kill_agent b
flow_of 1000
attach a
attach b
flow_of 1000
wait "$client" || die "TCP ended: $(cat "$WORK/client")"
wait "$server" || die "TCP ended: $(cat "$WORK/server")"
equal "initiations" 1 "$(seen initiation)"

step "the initiation of the beginning comes again: b must not answer"
responses=$(seen response)
in_ns wire python3 - "$WORK/initiation" <<-'END'
	import socket, sys
	frame = open(sys.argv[1], "rb").read()[24 + 16:]
	link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	link.bind(("to-b", 0))
	link.send(frame)
END
flood a b 4 10
equal "responses" "$responses" "$(seen response)"

step "b is made anew: a, which was restarted, answers its initiation"
wgxdp b down "${TUNNEL[b]}"
start_end b
add_peer b --endpoint "$(outer a 4)"
flood b a 4 500
equal "initiations" 2 "$(seen initiation)"
