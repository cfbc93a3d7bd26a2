#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Inner and outer IPv4 and IPv6 in all four combinations.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	for inner in 4 6; do
		step "IPv$inner in IPv$outer"
		flood a b $inner 300 -s 1000
		flood b a $inner 300 -s 1000
		equal "endpoint of b at a" "$(outer b $outer)" "$(show a endpoints)"
		equal "endpoint of a at b" "$(outer a $outer)" "$(show b endpoints)"
	done
done
