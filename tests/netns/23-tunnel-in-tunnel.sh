#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A second tunnel whose packets travel in the first one, with both families at each of the three levels: a packet
# changes its family up to twice on its way out.
#
#    10.78.0.1, fd78::1  ${T[a]} == in == ${TUNNEL[a]} == in == eth0
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
declare -A T=([a]=${TUNNEL[a]}2 [b]=${TUNNEL[b]}2)
SECOND=$((PORT + 1))
declare -A FIRST4=([a]=${INNER4[a]} [b]=${INNER4[b]}) FIRST6=([a]=${INNER6[a]} [b]=${INNER6[b]})

first() {
	case $2 in
	4) echo "${FIRST4[$1]}:$SECOND" ;;
	6) echo "[${FIRST6[$1]}]:$SECOND" ;;
	esac
}

for end in a b; do
	make_key "second-$end"
	wgxdp $end attach eth0 --tunnel "${T[$end]}" --private-key "$WORK/second-$end.key" --listen-port $SECOND \
		--address "10.78.0.$((1 + $(printf %d "'$end") - 97))/24" --address "fd78::$((1 + $(printf %d "'$end") - 97))/64"
	# 32 bytes of message, 8 of UDP, 40 of IPv6
	ip -n "$(ns $end)" link set "${T[$end]}" mtu $((MTU - 80))
done
INNER4=([a]=10.78.0.1 [b]=10.78.0.2)
INNER6=([a]=fd78::1 [b]=fd78::2)
for end in a b; do
	other=${OTHER[$end]}
	wgxdp $end peer add "$(public_key "second-$other")" --tunnel "${T[$end]}" --endpoint "$(first "$other" 4)" \
		--allowed-ips "${INNER4[$other]}/32,${INNER6[$other]}/128"
done
flood a b 4 10

no_room() {
	wgxdp "$1" show --json | jq '[.tunnels[].verdicts["no-room"] // 0] | add'
}

for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	set_endpoint b "$(outer a $outer)"
	for middle in 4 6; do
		for end in a b; do
			other=${OTHER[$end]}
			wgxdp $end peer set "$(public_key "second-$other")" --tunnel "${T[$end]}" \
				--endpoint "$(first "$other" $middle)"
		done
		for inner in 4 6; do
			step "IPv$inner in IPv$middle in IPv$outer"
			flood a b $inner 200
			flood b a $inner 50 -s $((MTU - 80 - 48))
		done
	done
done
carry a b 4 4
carry b a 6 4
for end in a b; do
	equal "packets without room at $end" 0 "$(no_room $end)"
done
