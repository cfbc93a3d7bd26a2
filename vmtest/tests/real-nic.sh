#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# real-nic.sh NUMBER MODE MTU [vlan]: the tunnel over network cards with drivers of their own in the place of veth.
# Three cards of one kind are the ports of a QEMU hub: a's, b's, and one that listens.
#
#    namespace a           namespace wire            namespace b
#    | eth0 |=====hub NUMBER==| tap |==========hub NUMBER=====| eth0 |
#
# vmtest/all gives the cards addresses: 52:54:00:00:NUMBER:01 is a's, 02 b's, 03 the listener's. MODE is what
# `attach` is asked for. With `vlan` the outer addresses are on eth0.5.
. "$(dirname "$0")/../../tests/netns/topology.sh"
NUMBER=$1
MODE=$2
OUTER_MTU=$3
WITH_VLAN=${4:-}
MTU=$((OUTER_MTU - 80))

# card_of PORT: the name of a card that nobody has.
card_of() {
	ip -j link | jq -r --arg mac "52:54:00:00:0$NUMBER:0$1" '.[] | select(.address == $mac) | .ifname'
}

# take PORT NAMESPACE NAME
take() {
	local card
	card=$(card_of "$1")
	[ -n "$card" ] || skip "there is no card number $1 on hub $NUMBER"
	[ "$1" != 1 ] || DRIVER=$(basename "$(readlink "/sys/class/net/$card/device/driver")")
	ip link set "$card" netns "$(ns "$2")" name "$3"
	ip -n "$(ns "$2")" link set "$3" mtu "$OUTER_MTU" up
}

# The cards go back by themselves when the namespaces end; a new test must find them there.
back_again() {
	[ -n "$(card_of 1)" ] && [ -n "$(card_of 2)" ] && [ -n "$(card_of 3)" ]
}

make_real_topology() {
	local end card=eth0
	for end in a wire b; do
		add_namespace "$end"
	done
	in_ns wire sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	wait_for 10 "the cards of the last test" back_again
	take 3 wire tap
	take 1 a eth0
	take 2 b eth0
	ip -n "$(ns wire)" link set tap promisc on
	for end in a b; do
		if [ "$WITH_VLAN" = vlan ]; then
			ip -n "$(ns $end)" link add link eth0 name eth0.5 type vlan id 5
			ip -n "$(ns $end)" link set eth0.5 up
			card=eth0.5
		fi
		ip -n "$(ns $end)" address add "${OUTER4[$end]}/24" dev $card
		ip -n "$(ns $end)" address add "${OUTER6[$end]}/64" dev $card nodad
	done
	[ "$WITH_VLAN" = vlan ] || start_sniffer wire tap
	wait_for 10 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER4[b]}" >/dev/null
	wait_for 10 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER6[b]}" >/dev/null
	# Not ping's own payload, which the sniffer takes for clear text.
	in_ns a ping -q -c 1 -W 2 -p 00 -M "do" -s $((OUTER_MTU - 28)) "${OUTER4[b]}" >/dev/null ||
		skip "$DRIVER as it is here carries no packet of $OUTER_MTU bytes"
}

# attach_as END: says what it did; a mode that cannot be is refused in words, and nothing is half done.
attach_as() {
	local end=$1
	[ -e "$WORK/$end.key" ] || make_key "$end"
	if ! wgxdp "$end" attach eth0 --tunnel "${TUNNEL[$end]}" --mode "$MODE" --private-key "$WORK/$end.key" \
		--listen-port "$PORT" --address "${INNER4[$end]}/24" --address "${INNER6[$end]}/64" >"$WORK/said" 2>&1; then
		equal "lines said by a refusal" 1 "$(wc -l <"$WORK/said")"
		step "$DRIVER, MTU $OUTER_MTU: $(cat "$WORK/said")"
		equal "interfaces left by a refusal" "" "$(ip -n "$(ns "$end")" -br link | grep -o "^${TUNNEL[$end]}" || true)"
		exit 0
	fi
	step "$DRIVER, MTU $OUTER_MTU: $(head -n 3 "$WORK/said" | xargs)"
	remember_bpf "$end"
	ip -n "$(ns "$end")" link set "${TUNNEL[$end]}" mtu "$MTU"
}

# most FROM TO FAMILY SIZE: of ten pings nine. QEMU's hub drops what the listener has no room for.
most() {
	in_ns "$1" ping -q -c 10 -i 0.1 -W 5 -p "$MARKER" -s "$4" "$(inner "$2" "$3")" >"$WORK/ping" || true
	at_least "of ten pings of $4 bytes from $1 to $2, IPv$3" 9 "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$WORK/ping")"
}

make_real_topology
attach_as a
attach_as b
add_peer a --endpoint "$(outer b 4)"
add_peer b --endpoint "$(outer a 4)"
for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	for size in 0 56 1000 $((MTU - 48)); do
		most a b 4 $size
		most b a 6 $size
	done
	carry a b 4 2
	carry b a 6 2
done
