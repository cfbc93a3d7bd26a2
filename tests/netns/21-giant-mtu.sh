#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The largest MTU there is over a wire of 1 500: the sender's stack cuts outer packets to pieces, the receiver's
# puts them together, and each reaches the data path once, by the agents. Over IPv4 and IPv6.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
make_tunnel 4
GIANT=9000
for end in a b; do
	ip -n "$(ns $end)" link set "${TUNNEL[$end]}" mtu $GIANT
done

# once FROM TO FAMILY LENGTH: every answer comes, and comes once.
once() {
	local header=28 said
	[ "$3" = 4 ] || header=48
	said=$(in_ns "$1" ping -c 100 -i 0.01 -W 5 -M "do" -p "$MARKER" -s $(($4 - header)) "$(inner "$2" "$3")") || true
	grep -q " 100 received, 0% packet loss" <<<"$said" || die "$4 bytes, IPv$3: $(tail -n 3 <<<"$said")"
	grep -q -e DUP -e duplicates <<<"$said" && die "$4 bytes, IPv$3, came twice: $(grep -c DUP <<<"$said")"
	step "100 pings of $4 bytes from $1 to $2, IPv$3: each answered once"
}

for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	set_endpoint b "$(outer a $outer)"
	flood a b 4 10
	for family in 4 6; do
		once a b $family $GIANT
		once b a $family $GIANT
		once a b $family 1440
		once a b $family 3377
	done
	carry a b 4 8
	carry b a 6 8
done
