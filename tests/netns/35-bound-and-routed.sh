#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Packets reach the tunnel by more than a route: a socket bound to the device, a mark that changes the route, and
# wg-quick's way of making the tunnel the default route, where only the mark of what the tunnel itself sends
# keeps that out of it.
#
#    namespace a: default route by $(outer b) in "main"; tunnel in table 51820     b: 198.51.100.2, 2001:db8:1::2
. "$(dirname "$0")/topology.sh"
make_topology
start_end a
start_end b
add_peer b
add_peer a --endpoint "$(outer b 4)"
T=${TUNNEL[a]}

# pings OPTION... ADDRESS: twenty from a; all must be answered.
pings() {
	local report
	report=$(in_ns a ping -q -f -c 20 -W 5 -p "$MARKER" "$@") || die "ping $*: $report"
	grep -q " 20 received, 0% packet loss" <<<"$report" || die "ping $*: $report"
	step "ping $*: $(tail -n 1 <<<"$report")"
}

step "bound to the device, and marked by a rule on the way out, which routes again"
pings "${INNER4[b]}"
pings -I "$T" "${INNER4[b]}"
pings -I "$T" "${INNER6[b]}"
in_ns a nft -f - <<-'END'
	table inet marks {
		chain output {
			type route hook output priority mangle
			meta mark set 1
		}
	}
END
pings "${INNER4[b]}"
pings -I "$T" "${INNER4[b]}"
pings -I "$T" "${INNER6[b]}"
in_ns a nft flush ruleset

step "a route of no prefix leads into the tunnel, for what does not carry its mark"
ip -n "$(ns b)" address add 198.51.100.2/32 dev eth0
ip -n "$(ns b)" address add 2001:db8:1::2/128 dev eth0 nodad
ip -n "$(ns b)" address add 198.18.0.7/32 dev "${TUNNEL[b]}"
ip -n "$(ns b)" address add fd18::7/128 dev "${TUNNEL[b]}" nodad
ip -n "$(ns a)" route add default via "${OUTER4[b]}"
ip -n "$(ns a)" route add default via "${OUTER6[b]}"
wg set "$T" fwmark 51820 peer "$(public_key b)" allowed-ips 0.0.0.0/0,::/0
for family in -4 -6; do
	ip -n "$(ns a)" $family route add default dev "$T" table 51820
	ip -n "$(ns a)" $family rule add not fwmark 51820 table 51820
	ip -n "$(ns a)" $family rule add table main suppress_prefixlength 0
done

for endpoint in "198.51.100.2:$PORT" "[2001:db8:1::2]:$PORT"; do
	step "and the peer is at $endpoint, where only the other route leads"
	set_endpoint a "$endpoint"
	pings 198.18.0.7
	pings fd18::7
	equal "endpoint of b at a" "$endpoint" "$(show a endpoints)"
	# The same by the slow way: a handshake, and what the agent sends itself.
	wg set "$T" private-key <(wg genkey)
	wg set "$T" private-key "$WORK/a.key"
	before=$(seen initiation)
	pings 198.18.0.7
	at_least "initiations" $((before + 1)) "$(seen initiation)"
done

step "a main route that is better than none goes first: the wire itself is not in the tunnel"
in_ns a ping -q -c 1 -W 1 "${OUTER4[b]}" >/dev/null || die "the wire is in the tunnel"
