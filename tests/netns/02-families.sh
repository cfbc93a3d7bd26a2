#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Inner and outer IPv4 and IPv6 in all four combinations.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4

# moved FAMILY: a keepalive of b that was on its way moves a back, as it may: then a is told again.
moved() {
	[ "$(show a endpoints)" = "$(outer b "$1")" ] || set_endpoint a "$(outer b "$1")"
	in_ns a ping -q -c 2 -i 0.2 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null || true
	[ "$(show a endpoints) $(show b endpoints)" = "$(outer b "$1") $(outer a "$1")" ]
}

for outer in 4 6; do
	wait_for 5 "both to speak IPv$outer" moved $outer
	for inner in 4 6; do
		step "IPv$inner in IPv$outer"
		flood a b $inner 300 -s 1000
		flood b a $inner 300 -s 1000
		equal "endpoint of b at a" "$(outer b $outer)" "$(show a endpoints)"
		equal "endpoint of a at b" "$(outer a $outer)" "$(show b endpoints)"
	done
done
