#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# real-nic.sh NUMBER MODE MTU EXPECTED [on|below]: the tunnel over network cards with drivers of their own in the
# place of veth. Three cards of one kind are the ports of a QEMU hub: a's, b's, and one that listens.
#
#    namespace a           namespace wire            namespace b
#    | eth0 |=====hub NUMBER==| tap |==========hub NUMBER=====| eth0 |
#
# vmtest/run gives the cards addresses: 52:54:00:00:NUMBER:01 is a's, 02 b's, 03 the listener's. MODE is what `attach` is
# asked for, EXPECTED what it takes: native, generic or refused. With the last word the outer addresses are on the VLAN
# eth0.5, and the receive program is there too, or on eth0 below it.
. "$(dirname "$0")/../../tests/netns/topology.sh"
NUMBER=$1
MODE=$2
OUTER_MTU=$3
EXPECTED=$4
WITH_VLAN=${5:-}
RECEIVES_ON=eth0
[ "$WITH_VLAN" != on ] || RECEIVES_ON=eth0.5
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
		if [ -n "$WITH_VLAN" ]; then
			ip -n "$(ns $end)" link add link eth0 name eth0.5 type vlan id 5
			ip -n "$(ns $end)" link set eth0.5 up
			card=eth0.5
		fi
		ip -n "$(ns $end)" address add "${OUTER4[$end]}/24" dev $card
		ip -n "$(ns $end)" address add "${OUTER6[$end]}/64" dev $card nodad
	done
	[ -n "$WITH_VLAN" ] || start_sniffer wire tap
	wait_for 10 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER4[b]}" >/dev/null
	wait_for 10 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER6[b]}" >/dev/null
	# Not ping's own payload, which the sniffer takes for clear text.
	in_ns a ping -q -c 1 -W 2 -p 00 -M "do" -s $((OUTER_MTU - 28)) "${OUTER4[b]}" >/dev/null ||
		skip "$DRIVER as it is here carries no packet of $OUTER_MTU bytes"
}

# attach_as END: in the mode that is expected, and another than was wished for with a reason. A refusal is one line,
# and leaves nothing half done.
attach_as() {
	local end=$1 said status=0
	[ -e "$WORK/$end.key" ] || make_key "$end"
	wgxdp "$end" attach "$RECEIVES_ON" --tunnel "${TUNNEL[$end]}" --mode "$MODE" --private-key "$WORK/$end.key" \
		--listen-port "$PORT" --address "${INNER4[$end]}/24" --address "${INNER6[$end]}/64" >"$WORK/said" 2>&1 || status=$?
	said=$(sed -n 's/^  interface: //p; /^wgxdp:/p' "$WORK/said")
	step "$DRIVER, MTU $OUTER_MTU: $said"
	if [ "$EXPECTED" = refused ]; then
		[ "$status" -ne 0 ] || die "attached"
		equal "lines said by a refusal" 1 "$(wc -l <"$WORK/said")"
		equal "interfaces left by a refusal" "" "$(ip -n "$(ns "$end")" -br link | grep -o "^${TUNNEL[$end]}" || true)"
		exit 0
	fi
	equal "status" 0 "$status"
	[[ $said == "$RECEIVES_ON, $EXPECTED mode"* ]] || die "expected $EXPECTED mode: $said"
	[ "$MODE$EXPECTED" != autogeneric ] || [[ $said == *"(native: "* ]] || die "no reason given: $said"
	remember_bpf "$end"
	ip -n "$(ns "$end")" link set "${TUNNEL[$end]}" mtu "$MTU"
}

# most FROM TO FAMILY SIZE: of ten pings nine. QEMU's hub drops what a card has no room for; account() says whether it
# was the hub.
MISSED=0
most() {
	local received
	in_ns "$1" ping -q -c 10 -i 0.1 -W 5 -p "$MARKER" -s "$4" "$(inner "$2" "$3")" >"$WORK/ping" || true
	received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$WORK/ping")
	at_least "of ten pings of $4 bytes from $1 to $2, IPv$3" 9 "$received"
	MISSED=$((MISSED + 10 - received))
}

# sums END VERDICT...: how many packets of END came to those ends.
sums() {
	local end=$1
	shift
	wgxdp "$end" show --json "${TUNNEL[$end]}" |
		jq --args '.tunnels[0].verdicts as $counts | [$ARGS.positional[] | $counts[.] // 0] | add' "$@"
}

# account: what one end sealed and the other never saw was lost on the wire. No more pings than that may be missing.
account() {
	local end wire=0 lost
	# what is on its way arrives
	sleep 1
	for end in a b; do
		lost=$(($(sums $end sealed slow-way) - $(sums "${OTHER[$end]}" delivered keepalive)))
		step "of what $end sealed, the other end saw all but $lost; dropped there: $(sums "${OTHER[$end]}" bad-tag replayed \
			inner-malformed source-refused no-room queue-full)"
		wire=$((wire + lost))
	done
	at_most "pings that no wire lost" "$wire" "$MISSED"
	for end in a b; do
		equal "dropped at $end" 0 "$(sums $end bad-tag bad-checksum replayed inner-malformed source-refused no-room packet-too-big)"
	done
}

make_real_topology
attach_as a
attach_as b
add_peer a --endpoint "$(outer b 4)"
add_peer b --endpoint "$(outer a 4)"
# across OUTER SIZE END: over that family, packets of that size and the largest; then bulk from END.
across() {
	local size
	set_endpoint a "$(outer b "$1")"
	for size in "$2" $((MTU - 48)); do
		most a b 4 "$size"
		most b a 6 "$size"
	done
	carry "$3" "${OTHER[$3]}" "$1" 1
}
across 4 56 a
across 6 1000 b
account
