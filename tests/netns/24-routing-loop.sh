#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A peer may be behind another peer of its tunnel, but routing loops end: a peer behind itself, two behind each other,
# and two tunnels behind each other. Ten pings may add 70 000 bytes, and a moment later nothing moves any more.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}
U=${T}2

# sent: bytes by all tunnels of a.
sent() {
	wgxdp a show --json | jq '[.tunnels[].peers[].sent_bytes] | add'
}

rests() {
	local before
	before=$(sent)
	# half a second between the two looks
	in_ns a ping -q -c 2 -i 0.5 127.0.0.1 >/dev/null
	[ "$(sent)" = "$before" ]
}

# loops DESTINATION: for small packets and for those that become too large on their first lap.
loops() {
	local before size
	for size in 56 900 1300; do
		before=$(sent)
		in_ns a ping -q -f -c 10 -W 1 -s $size -p "$MARKER" "$1" >/dev/null && die "$1 answers"
		wait_for 20 "the loop to end" rests
		step "ten pings of $size to $1: $(($(sent) - before)) bytes"
		at_most "bytes sent for ten pings of $size" 70000 $(($(sent) - before))
	done
}

# answers DESTINATION: until the agents have found the way.
answers() {
	wait_for 10 "$1 to answer" in_ns a ping -q -c 1 -W 1 -p "$MARKER" "$1" >/dev/null
}

step "a peer behind its own tunnel"
wg set "$T" peer "$(public_key b)" endpoint "${INNER4[b]}:$PORT"
loops "${INNER4[b]}"
set_endpoint a "$(outer b 4)"
flood a b 4 10

step "a peer behind another peer of the same tunnel"
make_key inner-b
wgxdp b attach eth0 --tunnel "${TUNNEL[b]}3" --private-key "$WORK/inner-b.key" --listen-port $((PORT + 2)) \
	--address 10.79.0.2/24
wgxdp b peer add "$(public_key a)" --tunnel "${TUNNEL[b]}3" --allowed-ips 10.77.0.1/32
ip -n "$(ns b)" route add 10.77.0.1/32 dev "${TUNNEL[b]}3" table 7
ip -n "$(ns b)" rule add from 10.79.0.2 lookup 7
wgxdp a peer add "$(public_key inner-b)" --tunnel "$T" --endpoint "${INNER4[b]}:$((PORT + 2))" --allowed-ips 10.79.0.2/32
ip -n "$(ns a)" route add 10.79.0.2/32 dev "$T" mtu 1340
answers 10.79.0.2
in_ns a ping -q -f -c 100 -s 1312 -p "$MARKER" 10.79.0.2 >/dev/null || die "lost on the way through both"
step "and the other behind it"
wg set "$T" peer "$(public_key b)" endpoint "10.79.0.2:$PORT"
loops 10.79.0.2
loops "${INNER4[b]}"
set_endpoint a "$(outer b 4)"
answers 10.79.0.2
wgxdp a peer remove "$(public_key inner-b)" --tunnel "$T"
wgxdp b down "${TUNNEL[b]}3"

step "two tunnels, the second in the first"
make_key second-a
make_key second-b
for end in a b; do
	wgxdp $end attach eth0 --tunnel "${TUNNEL[$end]}2" --private-key "$WORK/second-$end.key" --listen-port $((PORT + 1)) \
		--address "10.78.0.$((1 + $(printf %d "'$end") - 97))/24"
	ip -n "$(ns $end)" link set "${TUNNEL[$end]}2" mtu 1340
done
wgxdp a peer add "$(public_key second-b)" --tunnel "$U" --endpoint "${INNER4[b]}:$((PORT + 1))" --allowed-ips 10.78.0.2/32,192.0.2.2/32
wgxdp b peer add "$(public_key second-a)" --tunnel "${TUNNEL[b]}2" --allowed-ips 10.78.0.1/32
answers 10.78.0.2
step "and the first in the second"
ip -n "$(ns a)" route add 192.0.2.2/32 dev "$U"
loops 10.78.0.2
loops "${INNER4[b]}"
ip -n "$(ns a)" route delete 192.0.2.2/32 dev "$U"
answers 10.78.0.2
answers "${INNER4[b]}"
