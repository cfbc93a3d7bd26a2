#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Ten gigabytes of TCP have the same hash at both ends; and some megabytes each by the other ways a packet can
# take: IPv6 inside and outside, generic mode, no program on the interface, fragments. Where ten gigabytes
# would take more than two minutes it is one, unless LONG=1.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
SOME=100
FEW=20

step "the fast way"
carry a b 4 500 first
MEGABYTES=10000
if [ -z "${LONG:-}" ] && [ "$RATE" -lt 660 ]; then
	step "this machine is slow: one gigabyte instead of ten"
	MEGABYTES=1000
fi
carry a b 4 $MEGABYTES fast

for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	for inner in 4 6; do
		step "IPv$inner in IPv$outer"
		carry b a $inner $SOME "$outer$inner"
	done
done

step "generic mode at both ends"
for end in a b; do
	wgxdp $end detach eth0 --tunnel "${TUNNEL[$end]}"
	attach $end --mode generic
done
carry a b 4 $SOME generic4
carry b a 6 $SOME generic6

step "no program on a's interface: everything goes through its socket"
wgxdp a detach eth0 --tunnel "${TUNNEL[a]}"
carry b a 4 $FEW socket
carry a b 6 $FEW half
attach a

step "the wire takes 1 300 bytes: outer fragments"
set_endpoint a "$(outer b 4)"
for end in a b; do
	ip -n "$(ns wire)" link set to-$end mtu 1300
	ip -n "$(ns $end)" link set eth0 mtu 1300
done
carry a b 4 $FEW fragments4
carry b a 6 $FEW fragments6
