#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# a is flooded with initiations that have a right mac1, and answers b with a cookie; b's next initiation carries it
# and gets its response under the flood. 41 asks more of wgxdp; this one is for any two ends.
. "$(dirname "$0")/topology.sh"
. "$SUITE/flood.sh"
no_userspace
make_topology
make_tunnel 4
flood a b 4 10
add_flooder
[ "${ENGINE[a]}" != wgxdp ] || wgxdp a attach eth1 --tunnel "${TUNNEL[a]}"

# flood_anew: for another minute, the longest there is; twice as fast, should it have been too slow to be load.
RATE=$((20000 / SLOW))
flood_anew() {
	[ -z "$FLOOD_PID" ] || stop "$FLOOD_PID"
	RATE=$((RATE * 2))
	start_flood 4 mac1 --key "$(public_key a)" --sources 100000 --seconds 60 --rate "$RATE"
}

# cookie_came: b starts anew until it is asked for a cookie. What comes after is counted: its next initiation may be on the
# wire before this has been noticed.
cookie_came() {
	((tries++ % 10)) || flood_anew
	responses=$(seen response)
	remove_peer b
	add_peer b --endpoint "$(outer a 4)"
	in_ns b ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[a]}" >/dev/null || true
	[ "$(seen cookie)" -gt 0 ]
}
tries=0
wait_for 50 "a cookie" cookie_came
step "b got a cookie"
in_ns b ping -q -c 1 -W 50 -p "$MARKER" "${INNER4[a]}" >"$WORK/ping" || die "no handshake under load: $(cat "$WORK/ping")"
step "and with it its handshake: $(($(seen response) - responses)) response, $(seen cookie) cookies"
at_least "responses to an initiation with a cookie" 1 $(($(seen response) - responses))
stop "$FLOOD_PID"
flood a b 4 100
