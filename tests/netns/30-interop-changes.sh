#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Another WireGuard at b, wireguard-go if nothing else is said, and everything changes under traffic: a's address
# and b's port, the preshared key, and either end is killed and started again.
ENGINE_B=${ENGINE_B:-wireguard-go}
. "$(dirname "$0")/topology.sh"
make_topology
make_psk first
make_psk second
start_end a
start_end b
step "b is: $(engine_version b)"
add_peer a --preshared-key "$WORK/first.psk"
add_peer b --preshared-key "$WORK/first.psk" --endpoint "$(outer a 4)"
flood b a 4 1000
flood a b 6 1000

# endpoint_is END ENDPOINT: where END believes the other end to be.
endpoint_is() {
	[ "$(show "$1" endpoints)" = "$2" ]
}

step "a moves: its packets say so, and what was on its way to the old address is lost"
keep_pinging a b 4
flow_of 500
ip -n "$(ns a)" address add 192.0.2.11/24 dev eth0
ip -n "$(ns a)" address delete 192.0.2.1/24 dev eth0
wait_for 5 "b to notice" endpoint_is b "192.0.2.11:$PORT"
flow_of 500
finish_pings 10

step "b moves to another port"
keep_pinging b a 4
flow_of 500
wg set "${TUNNEL[b]}" listen-port 51999
wait_for 5 "a to notice" endpoint_is a "${OUTER4[b]}:51999"
flow_of 500
finish_pings 10

# answered FROM: a ping comes back.
answered() {
	in_ns "$1" ping -q -c 1 -W 0.3 -p "$MARKER" "${INNER4[${OTHER[$1]}]}" >/dev/null
}

step "a is told of b's IPv6 address, and b notices where the messages come from"
set_endpoint a "[${OUTER6[b]}]:51999"
# The newest wireguard-go loses a few of its first IPv6 messages when it has spoken IPv4 before; also to itself.
calm() {
	(flood a b 4 500) >/dev/null
}
[ "$ENGINE_B" != wireguard-go-newest ] || wait_for 20 "500 answers over IPv6" calm
flood a b 4 500
equal "endpoint of a at b" "$(outer a 6)" "$(show b endpoints)"
flood b a 6 500
equal "initiations so far" 1 "$(seen initiation)"

step "a's agent is killed and started again under traffic"
keep_pinging b a 4
flow_of 500
kill_agent a
flow_of 500
attach a
wait_for 5 "the agent of a" wg show "${TUNNEL[a]}" peers >/dev/null
flow_of 500
finish_pings 0
equal "initiations so far" 1 "$(seen initiation)"

# boringtun cannot change a peer: its thread dies.
if [ "$ENGINE_B" != boringtun ]; then
	step "a new preshared key at both ends does not disturb the session"
	keep_pinging a b 4
	flow_of 200
	wg set "${TUNNEL[a]}" peer "$(public_key b)" preshared-key "$WORK/second.psk"
	wg set "${TUNNEL[b]}" peer "$(public_key a)" preshared-key "$WORK/second.psk"
	flow_of 200
	finish_pings 0
else
	wg set "${TUNNEL[a]}" peer "$(public_key b)" preshared-key "$WORK/second.psk"
fi

# The next handshake takes it, and so does whoever is started again.
step "b is killed and started again, and begins: at once all is well"
stop_engine b
start_end b
add_peer b --preshared-key "$WORK/second.psk" --endpoint "192.0.2.11:$PORT"
flood b a 4 500
flood a b 6 500

step "b again, and does not know where a is: a notices within 15 s and a little that nothing comes back"
stop_engine b
start_end b
add_peer b --preshared-key "$WORK/second.psk"
began=$SECONDS
refuses answered a
wait_for 25 "a new session" answered a
step "after $((SECONDS - began)) s"
at_least "seconds without answer before a began anew" 13 $((SECONDS - began))
flood a b 4 500

step "a is taken down and made again, and begins"
wgxdp a down "${TUNNEL[a]}"
start_end a
add_peer a --preshared-key "$WORK/second.psk" --endpoint "$(outer b 4)"
flood a b 4 500

step "a again, and does not know where b is: b notices"
wgxdp a down "${TUNNEL[a]}"
start_end a
add_peer a --preshared-key "$WORK/second.psk"
wait_for 25 "a new session" answered b
flood b a 6 500

step "a preshared key that only one end has: no session"
remove_peer b
add_peer b --preshared-key "$WORK/first.psk"
wgxdp a down "${TUNNEL[a]}"
start_end a
add_peer a --preshared-key "$WORK/second.psk" --endpoint "$(outer b 4)"
before=$(seen data)
refuses answered a
equal "data messages" "$before" "$(seen data)"
