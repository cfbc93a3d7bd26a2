#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Either end changes its address while TCP flows both ways through the tunnel, also from IPv4 to IPv6 and back.
. "$(dirname "$0")/topology.sh"
# wireguard-go stays silent when its source address goes: recent kernels say ENETUNREACH, it knows EINVAL.
no_userspace
make_topology
make_tunnel 4
flood a b 4 10

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

# noticed END ENDPOINT OTHER WHERE: END is told of an endpoint, and OTHER has noticed. A packet that was on its
# way by the old address moves END back, as it may: whoever asks again tells again.
noticed() {
	endpoint_is "$3" "$4" && return
	set_endpoint "$1" "$2"
	return 1
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

step "b is told of a's IPv6 address, so a learns b's"
wait_for 5 "a to notice" noticed b "$(outer a 6)" a "$(outer b 6)"
flow_of 500
equal "endpoint of a at b" "$(outer a 6)" "$(show b endpoints)"

step "and back"
wait_for 5 "b to notice" noticed a "192.0.2.22:$PORT" b "192.0.2.11:$PORT"
flow_of 500

gone "$client" && die "TCP ended: $(cat "$WORK/client")"
stop "$client" "$server"
flood a b 4 200
flood b a 6 200
equal "initiations" 1 "$(seen initiation)"
