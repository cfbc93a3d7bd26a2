#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Jumbo frames: a wire of 9 000 bytes and a tunnel of 8 920. A frame above a page is not in one piece for native XDP, so
# `attach` says so and takes generic mode, or refuses when native is asked for; then packets of every size arrive as
# they were sent, by the receive program and not by the agent's socket. An MTU that is raised later is noticed.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
JUMBO=9000
MTU=$((JUMBO - 80))

set_outer_mtu() {
	local end port
	for end in wire a b; do
		for port in to-a to-b br0 eth0; do
			ip -n "$(ns $end)" link set $port mtu "$1" 2>/dev/null || true
		done
	done
	equal "MTU of the wire" "$1" "$(ip -n "$(ns a)" -j link show eth0 | jq '.[].mtu')"
}

mode_of() {
	wgxdp "$1" show --json "${TUNNEL[$1]}" | jq -r '.tunnels[].interfaces[].mode'
}
verdict() {
	wgxdp "$1" show --json "${TUNNEL[$1]}" | jq ".tunnels[].verdicts[\"$2\"] // 0"
}

step "native mode is refused in one line, and nothing is half done"
set_outer_mtu $JUMBO
make_key a
attach a --mode native --private-key "$WORK/a.key" >"$WORK/said" 2>&1 && die "attached"
equal "lines said" 1 "$(wc -l <"$WORK/said")"
grep -q "cannot be attached to eth0: .*MTU" "$WORK/said" || die "$(cat "$WORK/said")"
equal "interfaces left" "" "$(ip -n "$(ns a)" -br link | grep -o "^${TUNNEL[a]}" || true)"

step "without a wish it is generic mode, and says why"
make_tunnel 4 >"$WORK/said"
equal "reasons given" 2 "$(grep -c "eth0, generic mode (native: .*MTU" "$WORK/said")"
for end in a b; do
	equal "mode" generic "$(mode_of $end)"
	ip -n "$(ns $end)" link set "${TUNNEL[$end]}" mtu $MTU
done
flood a b 4 10

# every_size FROM TO FAMILY STEP: each length of a packet, back and forth.
every_size() {
	local headers=28 answerer
	[ "$3" = 4 ] || headers=48
	spawn "$2" "$WORK/answerer" "$SUITE/every_size.py" answer "$(inner "$2" "$3")"
	answerer=$SPAWNED
	wait_for 5 "who answers" grep -qs listening "$WORK/answerer"
	in_ns "$1" timeout 300 "$SUITE/every_size.py" ask "$(inner "$2" "$3")" $((MTU - headers)) "$4" >"$WORK/asked" 2>&1 ||
		die "$(tail -n 1 "$WORK/asked")"
	stop "$answerer"
	step "from $1 to $2 and back, IPv$3: $(cat "$WORK/asked")"
	grep -q " 0 lost" "$WORK/asked" || die "lost"
}

# by_program WHAT COMMAND...: what it sends reaches the receive program, and no agent's socket.
datagrams_to_sockets() {
	in_ns "$1" nstat -asz UdpInDatagrams Udp6InDatagrams | awk 'NR > 1 { sum += $2 } END { print sum + 0 }'
}
by_program() {
	local end socket delivered
	declare -A socket delivered
	for end in a b; do
		socket[$end]=$(datagrams_to_sockets $end)
		delivered[$end]=$(verdict $end delivered)
	done
	"$@"
	for end in a b; do
		at_most "datagrams that went the slow way to $end" 8 $(($(datagrams_to_sockets $end) - socket[$end]))
		at_least "packets by the receive program of $end" 20 $(($(verdict $end delivered) - delivered[$end]))
	done
}

for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	set_endpoint b "$(outer a $outer)"
	flood b a 6 10
	for inner in 4 6; do
		every_size a b $inner $((outer == 4 ? SLOW : 37 * SLOW))
	done
	for size in $((MTU - 48)) 4000 3500 1500; do
		flood a b 6 50 -M "do" -s $size
		flood b a 4 50 -M "do" -s $size
	done
	by_program carry a b 4 $((24 / SLOW))
	by_program carry b a 6 $((24 / SLOW))
done
for end in a b; do
	for bad in bad-tag inner-malformed no-room packet-too-big too-long; do
		equal "$bad at $end" 0 "$(verdict $end $bad)"
	done
done

step "one byte more than the tunnel's MTU: an ICMP error, as ever"
in_ns a ping -q -c 1 -W 1 -M "do" -s $((MTU - 27)) "${INNER4[b]}" >"$WORK/ping" 2>&1 && die "answered"

step "an MTU raised under native mode is noticed, by the agent and by doctor"
set_outer_mtu 1500
wgxdp a detach eth0 >/dev/null
attach a --mode native >/dev/null
ip -n "$(ns a)" link set eth0 mtu $JUMBO
noticed() {
	grep -q "eth0: MTU $JUMBO, and native mode" "$STATE/$(inode a)/${TUNNEL[a]}.log"
}
wait_for 5 "the agent to notice" noticed
for _ in 1 2 3; do
	ip -n "$(ns a)" link set eth0 alias "$RANDOM"
done
equal "how often it says so" 1 "$(grep -c "eth0: MTU $JUMBO, and native mode" "$STATE/$(inode a)/${TUNNEL[a]}.log")"
wgxdp a doctor eth0 --json >"$WORK/found" || true
jq -e '.findings[] | select(.check == "mtu") | select(.state == "advice" and (.advice | startswith("wgxdp detach eth0")))' \
	"$WORK/found" >/dev/null || die "$(cat "$WORK/found")"
flood a b 4 50
