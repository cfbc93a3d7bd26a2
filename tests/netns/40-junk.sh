#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Junk at full speed: every frame of it ends at XDP under its name, the agent does not notice, and the pings of
# an established tunnel go on.
. "$(dirname "$0")/topology.sh"
. "$SUITE/flood.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
add_flooder
wgxdp a attach eth1 --tunnel "${TUNNEL[a]}"

# junk FAMILY KIND VERDICT SECONDS: all that was sent has that verdict, but for what the cable lost.
junk() {
	local before lost ticks counted
	before=$(verdict a "$3")
	lost=$(lost_on_the_cable)
	ticks=$(agent_ticks a)
	flood_with "$1" "$2" --seconds "$4"
	ticks=$(($(agent_ticks a) - ticks))
	lost=$(($(lost_on_the_cable) - lost))
	counted=$(($(verdict a "$3") - before))
	step "IPv$1 $2: $SENT sent, $counted $3, $lost lost on the cable; agent: ${ticks}0 ms"
	at_least "sent" 10000 "$SENT"
	at_most "$3" "$SENT" "$counted"
	at_least "$3, with what the cable lost" "$SENT" $((counted + lost))
	# show asks it three times
	at_most "hundredths of a second of the agent" 5 "$ticks"
}

start_pings a b 4 12000
junk 4 type unknown-type 2
junk 4 initiation bad-mac1 2
junk 6 initiation bad-mac1 1
junk 4 response unknown-index 1
junk 6 response unknown-index 1
junk 4 cookie unknown-index 1
junk 4 data unknown-index 1
finish_pings 120
