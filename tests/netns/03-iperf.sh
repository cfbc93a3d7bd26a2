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
			iperf "$from" "$to" "$family" -t 1 -P "$streams"
			rate=$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$WORK/iperf")
			step "IPv$family TCP, $from to $to, $streams streams: $rate Mbit/s"
			at_least "Mbit/s" 10 "$rate"
			at_least "data messages" 1000 $(($(seen data) - before))
		done
		iperf "$from" "$to" "$family" -t 1 -u -b 20M
		read -r lost packets < <(jq -r '.end.sum | "\(.lost_packets) \(.packets)"' "$WORK/iperf")
		step "IPv$family UDP, $from to $to: $lost of $packets lost"
		at_least "datagrams" 1000 "$packets"
		at_most "lost datagrams, in a thousand" 10 $((lost * 1000 / packets))
	done
done
