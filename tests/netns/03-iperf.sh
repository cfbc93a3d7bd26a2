#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# TCP with one stream and with five, and UDP, both ways, inner IPv4 and IPv6.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
for family in 4 6; do
	for from in a b; do
		to=${OTHER[$from]}
		for streams in 1 5; do
			before=$(seen data)
			tcp "$from" "$to" "$family" -P "$streams"
			at_least "data messages" $((1000 / SLOW / SLOW)) $(($(seen data) - before))
		done
		udp "$from" "$to" "$family"
		equal "datagrams lost" 0 "$LOST"
	done
done
