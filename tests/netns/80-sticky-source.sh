#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Answers leave from the address that was contacted, for as long as it is a's: one of two addresses of an
# interface, one of another interface, the one of a better route that appears.
#
#      namespace a                                    namespace b
#    | eth0 192.0.2.1, .11, 2001:db8::1, ::11  |==wire==| eth0 192.0.2.2, 2001:db8::2 |
#    | eth1 203.0.113.1                        |========| eth1 203.0.113.2            |
#    | lo 198.51.100.1                       |        | lo 198.51.100.2             |
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology

# a_is ENDPOINT: where b believes a to be.
a_is() {
	[ "$(show b endpoints)" = "$1" ]
}

# contacted ENDPOINT: b speaks to a there, and a answers from there, also when a speaks first.
contacted() {
	set_endpoint b "$1"
	flood b a 4 5
	flood a b 6 5
	equal "a, as b sees it" "$1" "$(show b endpoints)"
}

start_end a
start_end b
add_peer a
add_peer b --endpoint "$(outer a 4)"
flood b a 4 5

step "two addresses on one interface"
ip -n "$(ns a)" address add 192.0.2.11/24 dev eth0
ip -n "$(ns a)" address add 2001:db8::11/64 dev eth0 nodad
for address in 192.0.2.11 192.0.2.1 "[2001:db8::11]" "[2001:db8::1]" 192.0.2.11; do
	contacted "$address:$PORT"
done

step "the address goes: another is taken, and b learns it"
ip -n "$(ns a)" address delete 192.0.2.11/24 dev eth0
flood a b 4 5
equal "a, as b sees it" "192.0.2.1:$PORT" "$(show b endpoints)"
flood b a 6 5

step "an address of another interface"
for end in a b; do
	ip -n "$(ns $end)" link set lo up
done
ip -n "$(ns a)" address add 198.51.100.1/32 dev lo
ip -n "$(ns b)" route add 198.51.100.1 via "${OUTER4[a]}"
contacted "198.51.100.1:$PORT"

step "a better route appears, with an address of its own"
ip -n "$(ns a)" link add name eth1 type veth peer name eth1 netns "$(ns b)"
for end in a b; do
	ip -n "$(ns $end)" link set eth1 up
done
ip -n "$(ns a)" address add 203.0.113.1/24 dev eth1
ip -n "$(ns b)" address add 203.0.113.2/24 dev eth1
ip -n "$(ns b)" address add 198.51.100.2/32 dev lo
ip -n "$(ns a)" route add 198.51.100.2 via "${OUTER4[b]}" metric 100
set_endpoint a "198.51.100.2:$PORT"
flood a b 4 5
wait_for 5 "a to come from eth0" a_is "192.0.2.1:$PORT"
ip -n "$(ns a)" route add 198.51.100.2 via 203.0.113.2 src 203.0.113.1 metric 1
flood a b 4 5
from_eth1() {
	in_ns a ping -q -c 1 -W 1 "${INNER4[b]}" >/dev/null
	[ "$(ip -n "$(ns b)" -j -s link show eth1 | jq '.[0].stats64.rx.packets')" -gt "$1" ]
}
wait_for 5 "a to use the better route" from_eth1 "$(ip -n "$(ns b)" -j -s link show eth1 | jq '.[0].stats64.rx.packets + 5')"
flood b a 4 5
