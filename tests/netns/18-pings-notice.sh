#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The pings of all the other tests notice one lost packet: what the bridge drops, they count, and go red.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
flood a b 4 10

# The bridge drops one data message in as many, from a to b.
drop_one_in() {
	in_ns wire nft -f - <<-END
		table bridge drops {
			chain forward {
				type filter hook forward priority 0
				iifname to-a udp dport $PORT @th,64,8 4 numgen inc mod $1 1 counter drop
			}
		}
	END
}
dropped() {
	in_ns wire nft -j list table bridge drops | jq '[.. | .counter? | objects.packets] | add'
}

# red COMMAND...: it must fail as a test does, with its words.
red() {
	("$@") >"$WORK/red" && die "is content: $* $(cat "$WORK/red")"
	step "red, as it must be: $(grep FAILED "$WORK/red" | head -n 1)"
}

step "one of 600 pings is lost"
drop_one_in 600
start_pings a b 4 1000
wait "$PINGS" || true
equal "dropped by the bridge" 2 "$(dropped)"
red finish_pings 0
red finish_pings 1
finish_pings 2
keep_pinging a b 4
flow_of 1500
touch "$WORK/enough"
wait "$PINGS" || true
red finish_pings 0

step "and of a flood"
before=$(dropped)
red flood a b 4 1000
at_least "dropped by the bridge" 1 $(($(dropped) - before))
in_ns wire nft delete table bridge drops
flood a b 4 1000

step "the wire is cut for as long as 20 messages from b have nowhere to go"
start_pings b a 4 1000
flow_of 200
ip -n "$(ns wire)" link set to-a nomaster
flow_of 20
ip -n "$(ns wire)" link set to-a master br0
wait "$PINGS" || true
red finish_pings 0
