#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# a answers from the address that was asked: one of two on its interface, or one that is on another interface.
# When that address is removed, or a better route appears, it takes another. What a sends is seen in b's endpoint.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10

# at_b WHAT ENDPOINT: where b believes a to be, after a has answered it and spoken to it.
at_b() {
	equal "$1: endpoint of a at b" "$2" "$(show b endpoints)"
	step "$1: b sees a at $2"
}

# follows FAMILY ENDPOINT: a hears of a change a moment later than the kernel; what it has sent meanwhile is lost.
speaks_from() {
	in_ns a ping -q -c 1 -W 0.2 "$(inner b "$1")" >/dev/null && [ "$(show b endpoints)" = "$2" ]
}
follows() {
	wait_for 5 "a to speak from $2" speaks_from "$@"
	flood a b "$1" 100
	flood b a "$1" 100
}

for family in 4 6; do
	case $family in
	4) one=192.0.2.1 two=192.0.2.11 far=203.0.113.1 length=24 open='' close='' ;;
	6) one=2001:db8::1 two=2001:db8::11 far=2001:db8:2::1 length=64 open='[' close=']' ;;
	esac

	ip -n "$(ns a)" address add "$two/$length" dev eth0
	for address in $two $one $two; do
		set_endpoint b "$open$address$close:$PORT"
		flood b a $family 100
		flood a b $family 100
		at_b "two addresses, asked at $address" "$open$address$close:$PORT"
	done

	ip -n "$(ns a)" address delete "$two/$length" dev eth0
	follows $family "$open$one$close:$PORT"
	at_b "the second is removed" "$open$one$close:$PORT"

	ip -n "$(ns a)" link add name other$family type veth peer name more$family
	ip -n "$(ns a)" link set more$family up
	ip -n "$(ns a)" link set other$family up
	ip -n "$(ns a)" address add "$far/$length" dev other$family
	ip -n "$(ns b)" route add "${far%1}0/$length" via "$one"
	set_endpoint b "$open$far$close:$PORT"
	flood b a $family 100
	flood a b $family 100
	at_b "an address of another interface" "$open$far$close:$PORT"

	ip -n "$(ns a)" link delete other$family
	follows $family "$open$one$close:$PORT"
	at_b "that interface is deleted" "$open$one$close:$PORT"
done

step "a second interface to the same wire, and then the better route leads there"
ip -n "$(ns wire)" link add name to-a2 type veth peer name eth1 netns "$(ns a)"
ip -n "$(ns wire)" link set to-a2 master br0 up
ip -n "$(ns a)" link set eth1 up
# shellcheck disable=SC2016 # that shell expands it
in_ns a sh -c 'for name in all eth0 eth1; do
	echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter
	echo 1 >/proc/sys/net/ipv4/conf/$name/arp_ignore
done'
set_endpoint b "$(outer a 4)"
flood b a 4 10
ip -n "$(ns a)" address add 192.0.2.3/24 dev eth1 noprefixroute
ip -n "$(ns a)" route flush dev eth0
ip -n "$(ns a)" route add 192.0.2.0/24 dev eth0 src 192.0.2.1 metric 2
set_endpoint a "$(outer b 4)"
flood a b 4 100
at_b "one route" "192.0.2.1:$PORT"
ip -n "$(ns a)" route add 192.0.2.0/24 dev eth1 src 192.0.2.3 metric 1
follows 4 "192.0.2.3:$PORT"
at_b "a better one" "192.0.2.3:$PORT"
wgxdp a attach eth1 --tunnel "${TUNNEL[a]}"
flood b a 4 100
ip -n "$(ns a)" route delete 192.0.2.0/24 dev eth1
follows 4 "192.0.2.1:$PORT"
at_b "and it is gone" "192.0.2.1:$PORT"
equal "initiations" 1 "$(seen initiation)"
