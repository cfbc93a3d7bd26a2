#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# ECN (RFC 6040) the fast way and the slow one: the outer packet says what the inner one is capable of, congestion
# met on the wire is shown to an inner packet that knows what it means, and DSCP stays inside.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10

# ds_is FAMILY BYTE: as a tcpdump filter.
ds_is() {
	case $1 in
	4) echo "ip[1] = $2" ;;
	6) echo "ip6[0:2] & 0x0ff0 = $(($2 << 4))" ;;
	esac
}

# five NAMESPACE INTERFACE FILTER: waits for five such packets, in the background.
declare -A FIVE=()
five() {
	spawn "$1" "$WORK/tcpdump-$2" tcpdump -lnqi "$2" -c 5 "$3"
	FIVE[$2]=$SPAWNED
	wait_for 5 "tcpdump on $2" grep -q "listening on" "$WORK/tcpdump-$2"
}

# marks INNER OUTER SEEN [SIZE]: pings from a to b whose DS byte is INNER; on the wire it is OUTER, and b's stack
# sees SEEN. In both outer families, and both inner ones.
marks() {
	local outer inner size=${4:-100} what
	for outer in 4 6; do
		set_endpoint a "$(outer b $outer)"
		for inner in 4 6; do
			what="IPv$inner in IPv$outer, DS byte $1"
			five wire to-a "src host $(address a $outer) and $(ds_is $outer "$2")"
			five b "${TUNNEL[b]}" "src host $(inner a $inner) and $(ds_is $inner "$3")"
			in_ns a ping -q -c 5 -i 0.01 -W 2 -Q "$1" -s "$size" -p "$MARKER" "$(inner b $inner)" >/dev/null ||
				die "$what: no answer"
			wait_for 5 "$what: $2 outside" gone "${FIVE[to-a]}"
			wait_for 5 "$what: $3 at b" gone "${FIVE[${TUNNEL[b]}]}"
		done
	done
	step "$1 inside: $2 outside, $3 arrives"
}
address() {
	outer "$1" "$2" | sed 's/:[0-9]*$//; s/[][]//g'
}

all_marks() {
	marks 0xb8 0 0xb8 "$@"
	marks 0xba 2 0xba "$@"
	marks 0xb9 1 0xb9 "$@"
	marks 0xbb 3 0xbb "$@"
}

# What leaves a meets congestion.
congest() {
	in_ns wire nft -f - <<-'END'
		table netdev congestion {
			chain way {
				type filter hook ingress device to-a priority 0
				ip protocol udp ip ecn set ce
				ip6 nexthdr { 17, 44 } ip6 ecn set ce
			}
		}
	END
}
relieve() {
	in_ns wire nft delete table netdev congestion
}
under_congestion() {
	congest
	marks 0xb8 0 0xb8 "$@"
	marks 0xba 2 0xbb "$@"
	marks 0xb9 1 0xbb "$@"
	relieve
}

step "the fast way"
all_marks
under_congestion

step "received the slow way"
wgxdp b detach eth0
all_marks
under_congestion
attach b

step "sent the slow way, and received in fragments"
for end in a b; do
	ip -n "$(ns $end)" link set eth0 mtu 1280
done
all_marks 1330
under_congestion 1330
