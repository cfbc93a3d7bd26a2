#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A tunnel whose endpoints are inside another tunnel. ENGINE_INNER_A and ENGINE_INNER_B say what the inner one is,
# wgxdp or kernel; the outer one is ENGINE_A and ENGINE_B.
# shellcheck disable=SC2153 # topology.sh declares them
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
make_tunnel 4
flood a b 4 10

declare -A INSIDE=([a]="${ENGINE_INNER_A:-wgxdp}" [b]="${ENGINE_INNER_B:-wgxdp}")
INNER_PORT=51999

# start_inside END: a second tunnel beside the first, t<pid>END, 10.78.0.x and fd78::x within it.
start_inside() {
	local end=$1 tunnel=t$$$1 number=$2
	step "$end: ${INSIDE[$end]} inside ${ENGINE[$end]}"
	make_key "inside-$end"
	if [ "${INSIDE[$end]}" = wgxdp ]; then
		wgxdp "$end" attach "${TUNNEL[$end]}" --tunnel "$tunnel" --private-key "$WORK/inside-$end.key" \
			--listen-port "$INNER_PORT" --address "10.78.0.$number/24" --address "fd78::$number/64"
	else
		ip -n "$(ns "$end")" link add name "$tunnel" type wireguard 2>/dev/null || skip "this kernel has no WireGuard"
		in_ns "$end" wg set "$tunnel" private-key "$WORK/inside-$end.key" listen-port "$INNER_PORT"
		ip -n "$(ns "$end")" address add "10.78.0.$number/24" dev "$tunnel"
		ip -n "$(ns "$end")" address add "fd78::$number/64" dev "$tunnel" nodad
		ip -n "$(ns "$end")" link set "$tunnel" up
	fi
	ip -n "$(ns "$end")" link set "$tunnel" mtu $((MTU - 80))
}

end_inside() {
	local tunnel=t$$$1
	if [ "${INSIDE[$1]}" = wgxdp ]; then
		wgxdp "$1" down "$tunnel"
	else
		ip -n "$(ns "$1")" link delete "$tunnel"
	fi
}

# through FAMILY: the inner tunnel's endpoints are the outer one's inner addresses of that family.
through() {
	local at_a=${INNER4[a]} at_b=${INNER4[b]}
	[ "$1" = 4 ] || at_a="[${INNER6[a]}]" at_b="[${INNER6[b]}]"
	in_ns a wg set "t$$""a" peer "$(public_key inside-b)" allowed-ips 10.78.0.2/32,fd78::2/128 endpoint "$at_b:$INNER_PORT"
	in_ns b wg set "t$$""b" peer "$(public_key inside-a)" allowed-ips 10.78.0.1/32,fd78::1/128 endpoint "$at_a:$INNER_PORT"
}

start_inside a 1
start_inside b 2
for family in 4 6; do
	through $family
	for to in 10.78.0.2 fd78::2; do
		step "$to, in a tunnel over IPv$family, in a tunnel"
		# Not -w: with it ping ends when the hundredth answer is there, and calls lost what is on its way.
		in_ns a ping -q -f -c 100 -W 5 -s 1000 -p "$MARKER" "$to" >"$WORK/ping" || die "$(cat "$WORK/ping")"
		grep -q ' 0% packet loss' "$WORK/ping" || die "$(cat "$WORK/ping")"
	done
done
INNER4[b]=10.78.0.2
step "TCP through both"
tcp a b 4
INNER4[b]=10.77.0.2
end_inside a
end_inside b
