#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The largest MTU there is over a wire of 1 500: the sender's stack cuts outer packets to pieces, the receiver's
# puts them together, and each reaches the data path once, by the agents. Over IPv4 and IPv6.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
GIANT=9000
for end in a b; do
	ip -n "$(ns $end)" link set "${TUNNEL[$end]}" mtu $GIANT
done

# once FROM TO FAMILY LENGTH: every answer comes, and comes once.
once() {
	local header=28 said
	[ "$3" = 4 ] || header=48
	said=$(in_ns "$1" ping -c 100 -i 0.01 -W 5 -M "do" -p "$MARKER" -s $(($4 - header)) "$(inner "$2" "$3")") || true
	grep -q " 100 received, 0% packet loss" <<<"$said" || die "$4 bytes, IPv$3: $(tail -n 3 <<<"$said")"
	grep -q -e DUP -e duplicates <<<"$said" && die "$4 bytes, IPv$3, came twice: $(grep -c DUP <<<"$said")"
	step "100 pings of $4 bytes from $1 to $2, IPv$3: each answered once"
}

# hash FROM TO FAMILY MEGABYTES: TCP, the same bytes at the other end.
hash() {
	local sent got
	spawn "$2" "$WORK/got" sh -c "socat -u TCP$3-LISTEN:4444,reuseaddr - | md5sum"
	wait_for 5 "socat to listen" sh -c "nsenter --net=/run/netns/$(ns "$2") ss -lnt | grep -q :4444"
	sent=$(in_ns "$1" sh -c "openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2>/dev/null |
		head -c ${4}M | tee $WORK/bytes | md5sum")
	in_ns "$1" socat -u "OPEN:$WORK/bytes" "TCP$3:$(bracket "$(inner "$2" "$3")")":4444
	wait "$SPAWNED"
	got=$(cat "$WORK/got")
	equal "hash of $4 MB from $1 to $2, IPv$3" "$sent" "$got"
	step "$4 MB from $1 to $2, IPv$3: $got"
}

bracket() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

fragments() {
	in_ns "$1" awk '/^Ip: [0-9]/ { print $(NF - 2) }' /proc/net/snmp
}

for outer in 4 6; do
	set_endpoint a "$(outer b $outer)"
	set_endpoint b "$(outer a $outer)"
	flood a b 4 10
	for family in 4 6; do
		once a b $family $GIANT
		once b a $family $GIANT
		once a b $family 1440
		once a b $family 3377
	done
	hash a b 4 8
	hash b a 6 8
done
