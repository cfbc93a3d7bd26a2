#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Padding ends at the MTU, the interface's and the route's; the MTU is followed wherever the interface is, and one
# that the data path does not take is set back. Only the padding is asked of the kernel's WireGuard.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
make_tunnel 4
T=${TUNNEL[a]}
flood a b 4 10

# sent_for FROM LENGTH: what one ping of that many bytes, IP header included, adds to a's count of sent bytes.
sent_for() {
	local before after
	before=$(show a transfer | cut -f 2)
	in_ns "$1" ping -q -c 1 -W 2 -p "$MARKER" -s $(($2 - 28)) "${INNER4[b]}" >/dev/null || die "no answer to $2 bytes"
	after=$(show a transfer | cut -f 2)
	echo $((after - before))
}

sends() {
	[ "$(sent_for "$1" "$2")" = "$3" ]
}

# pads FROM LENGTH TO: until the agent has heard of the route.
pads() {
	wait_for 5 "$2 bytes to be padded to $3" sends "$1" "$2" $(($3 + 32))
	step "$2 bytes are padded to $3"
}

step "the route's MTU bounds the padding"
pads a 1297 1312
ip -n "$(ns a)" route add "${INNER4[b]}/32" dev "$T" mtu 1299
pads a 1297 1299
pads a 1299 1299
pads a 1283 1296
[ "${ENGINE[a]} ${ENGINE[b]}" = "wgxdp wgxdp" ] || exit 0
step "and the routes' of IPv6 and of other tables"
ip -n "$(ns a)" -6 route add fd99::/64 dev "$T" mtu 1287
ip -n "$(ns a)" route add 10.99.0.0/16 dev "$T" mtu 1290 table 99
pads a 1282 1287
pads a 1289 1290
ip -n "$(ns a)" route delete 10.99.0.0/16 dev "$T" table 99
pads a 1289 1296
ip -n "$(ns a)" -6 route delete fd99::/64 dev "$T"
pads a 1282 1296
ip -n "$(ns a)" route replace "${INNER4[b]}/32" dev "$T"
pads a 1297 1312
step "a new agent reads them"
ip -n "$(ns a)" route replace "${INNER4[b]}/32" dev "$T" mtu 1299
kill_agent a
attach a
pads a 1297 1299
step "they go with the interface"
ip -n "$(ns a)" link set "$T" down
ip -n "$(ns a)" link set "$T" up
pads a 1297 1312

step "the interface's MTU is followed"
ip -n "$(ns a)" link set "$T" mtu 1307
pads a 1300 1307
ip -n "$(ns a)" link set "$T" mtu "$MTU"
pads a 1300 1312

mtu_is() {
	[ "$(ip -n "$(ns a)" -j link show "$T" | jq '.[].mtu')" = "$1" ]
}
step "one of 65 000 is set back to what there can be"
ip -n "$(ns a)" link set "$T" mtu 65000
wait_for 5 "the MTU to be set back" mtu_is 9000
grep -q "$T.*MTU of 65000" "$STATE/$(inode a)/$T.log" || die "nothing about it in the log"
ip -n "$(ns a)" link set "$T" mtu "$MTU"

step "the interface moves to another namespace"
add_namespace inner
ip -n "$(ns a)" link set "$T" netns "$(ns inner)"
ip -n "$(ns inner)" link set "$T" up
ip -n "$(ns inner)" address add "${INNER4[a]}/24" dev "$T"
pads inner 1297 1312
ip -n "$(ns inner)" route add "${INNER4[b]}/32" dev "$T" mtu 1299
pads inner 1297 1299
step "a new agent knows them still"
kill_agent a
attach a
equal "bytes sent for 1297" 1331 "$(sent_for inner 1297)"
step "and that they have gone, though the interface is up again when it looks"
agent=$(agent_pid a)
kill -STOP "$agent"
ip -n "$(ns inner)" link set "$T" down
ip -n "$(ns inner)" link set "$T" mtu 1307
ip -n "$(ns inner)" link set "$T" up
kill -CONT "$agent"
pads inner 1297 1307
ip -n "$(ns inner)" link set "$T" mtu 65000
step "there the MTU stays, but larger packets are told of"
# too_big: what a sender there is told.
too_big() {
	in_ns inner ping -c 1 -W 1 -M "do" -p "$MARKER" -s 20000 "${INNER4[b]}" >"$WORK/ping" && die "20 000 bytes answered"
	grep -q "Frag needed and DF set (mtu = 9000)" "$WORK/ping"
}
wait_for 5 "to be told of 9000" too_big

# too_big_at_b: what b refused.
too_big_at_b() {
	wgxdp b show --json "${TUNNEL[b]}" | jq '.tunnels[].peers[].verdicts["packet-too-big"] // 0'
}
step "what is larger than the other end's MTU is counted there, as veth would drop it"
equal "too big at b" 0 "$(too_big_at_b)"
ip -n "$(ns inner)" route flush cache
ip -n "$(ns inner)" link set "$T" mtu 2000
wait_for 5 "the MTU of 2000" sends inner 1297 1344
in_ns inner ping -q -c 3 -i 0.1 -W 1 -p "$MARKER" -s $((MTU + 4 - 28)) "${INNER4[b]}" >/dev/null ||
	die "four bytes more than the MTU are lost"
in_ns inner ping -q -c 3 -i 0.1 -W 1 -p "$MARKER" -s $((MTU + 5 - 28)) "${INNER4[b]}" >/dev/null && die "answered"
equal "too big at b" 3 "$(too_big_at_b)"
