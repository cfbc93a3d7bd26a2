#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# An agent in a time namespace, whose boot time is not the one that BPF goes by: ahead of it or behind, sessions have
# the age that they have, timers are due when they are, and an agent started elsewhere goes on with all of it.
. "$(dirname "$0")/topology.sh"
both_wgxdp
unshare -T --boottime 0 true 2>/dev/null || skip "this kernel has no time namespaces"

handshake_age() {
	echo $(($(date +%s) - $(show a latest-handshakes)))
}
verdict() {
	wgxdp a show --json "${TUNNEL[a]}" | jq ".tunnels[].verdicts[\"$1\"] // 0"
}
later_than() {
	[ "$(date +%s)" -gt "$1" ]
}
rekeyed() {
	[ "$(show a latest-handshakes)" -gt "$1" ]
}

# in_time SECONDS COMMAND...: at end a, in a time namespace whose boot time is that much ahead.
in_time() {
	local seconds=$1
	shift
	in_ns a unshare -T --boottime "$seconds" --monotonic "$seconds" "$@"
}
# Behind, but not before the machine's start.
uptime=$(cut -d . -f 1 /proc/uptime)
make_topology
make_tunnel 4
for ahead in 100000 $((-uptime / 2)) 0; do
	step "a's agent in a time namespace $ahead s ahead"
	kill_agent a
	[ "$ahead" = 0 ] || at_least "seconds" $((uptime + ahead)) "$(in_time "$ahead" cut -d . -f 1 /proc/uptime)"
	in_time "$ahead" "$WGXDP" attach eth0 --tunnel "${TUNNEL[a]}" >/dev/null
	before=$(verdict expired)
	flood a b 4 20
	flood b a 6 20
	step "a session of its making is used at both ends"
	old=$(show a latest-handshakes)
	wait_for 3 "a second in which there was no handshake yet" later_than "$old"
	wgxdp b down "${TUNNEL[b]}" >/dev/null
	start_end b >/dev/null
	add_peer b --endpoint "$(outer a 4)"
	in_ns b ping -q -c 1 -W 5 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "no answer"
	wait_for 5 "a new handshake" rekeyed "$old"
	flood a b 4 20
	at_most "age of the handshake, in seconds" 10 "$(handshake_age)"
	equal "packets of sessions that were too old" "$before" "$(verdict expired)"
	step "its timers: a keepalive a second"
	wgxdp a peer set "$(public_key b)" --tunnel "${TUNNEL[a]}" --keepalive 1
	flow_of 3
	wgxdp a peer set "$(public_key b)" --tunnel "${TUNNEL[a]}" --keepalive off
done
