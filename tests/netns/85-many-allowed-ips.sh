#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One peer with 130 560 allowed IPs: set, listed, the first and the last of them used, given to another peer and
# taken away with it.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
start_end a
start_end b
add_peer b --endpoint "$(outer a 4)"
COUNT=130560
last=10.99.$((COUNT / 2 / 256)).$((COUNT / 2 % 256))

{
	printf '[Peer]\nPublicKey = %s\nEndpoint = %s\nAllowedIPs = %s/32, %s/128\n' \
		"$(public_key b)" "$(outer b 4)" "${INNER4[b]}" "${INNER6[b]}"
	seq 1 $((COUNT / 2)) | awk '{ printf "AllowedIPs = 10.99.%d.%d/32, fd99::%x/128\n", $1 / 256, $1 % 256, $1 }'
} >"$WORK/many.conf"
step "$COUNT of them"
wg addconf "${TUNNEL[a]}" "$WORK/many.conf"
equal "allowed IPs of b at a" $((COUNT + 2)) "$(show a allowed-ips | wc -w)"

ip -n "$(ns a)" route add 10.99.0.0/16 dev "${TUNNEL[a]}"
ip -n "$(ns b)" address add "$last/32" dev lo
ip -n "$(ns b)" address add 10.99.0.1/32 dev lo
for to in 10.99.0.1 "$last"; do
	in_ns a ping -q -c 2 -i 0.1 -W 5 -p "$MARKER" "$to" >/dev/null || die "$to does not answer"
done

step "another peer takes the last one"
wg set "${TUNNEL[a]}" peer "$(wg genkey | wg pubkey)" allowed-ips "$last/32"
in_ns a ping -q -c 1 -W 1 "$last" >/dev/null && die "$last still leads to b"
in_ns a ping -q -c 1 -W 5 -p "$MARKER" 10.99.0.1 >/dev/null || die "10.99.0.1 does not answer"

step "b is removed"
remove_peer a
equal "allowed IPs at a" "$last/32" "$(show a allowed-ips)"
