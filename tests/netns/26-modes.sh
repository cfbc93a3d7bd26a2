#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bulk data arrives as it was sent, in native and in generic mode, the slow way, in fragments, and from sockets whose
# packets are gathered on their way up (GRO).
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
BULK=24

# mode_of END: as `show` says it.
mode_of() {
	wgxdp "$1" show --json "${TUNNEL[$1]}" | jq -r '.tunnels[].interfaces[].mode'
}

for mode in native generic; do
	for end in a b; do
		wgxdp $end detach eth0 >/dev/null
		attach $end --mode $mode
		equal "mode" $mode "$(mode_of $end)"
	done
	for outer in 4 6; do
		step "$mode mode, IPv$outer outside"
		set_endpoint a "$(outer b $outer)"
		set_endpoint b "$(outer a $outer)"
		carry a b 4 $BULK
		carry b a 6 $BULK
	done
done

step "one end in generic mode, the other without the receive program"
wgxdp a detach eth0 >/dev/null
carry a b 4 8
carry b a 6 8
attach a --mode generic

step "generic mode at both ends, outer packets in fragments"
for end in a b; do
	ip -n "$(ns $end)" link set eth0 mtu 1280
done
carry a b 6 8
carry b a 4 8
step "and frames of 9 000 bytes"
for end in a b wire; do
	for port in eth0 to-a to-b br0; do
		ip -n "$(ns $end)" link set $port mtu 9100 2>/dev/null || true
	done
	[ $end = wire ] || ip -n "$(ns $end)" link set "${TUNNEL[$end]}" mtu 9000
done
carry a b 4 $BULK
carry b a 6 $BULK
