#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Keys that are no keys: one's own as a peer's, and points of low order, with which nobody is ever spoken to.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
start_end a
start_end b

step "a peer with a's own key is ignored; a key that is a peer's removes the peer"
wg set "${TUNNEL[a]}" peer "$(public_key a)" allowed-ips 10.99.0.0/16 endpoint "$(outer b 4)"
equal "peers of a" "" "$(wg show "${TUNNEL[a]}" peers)"
add_peer a --endpoint "$(outer b 4)"
equal "peers of a" "$(public_key b)" "$(wg show "${TUNNEL[a]}" peers)"
wg set "${TUNNEL[a]}" private-key "$WORK/b.key"
equal "peers of a" "" "$(wg show "${TUNNEL[a]}" peers)"
wg set "${TUNNEL[a]}" private-key "$WORK/a.key"

step "points of low order are peers that never get a byte"
# 0, 1, two of order 8, p - 1, p, p + 1
number=0
for point in 0000000000000000000000000000000000000000000000000000000000000000 \
	0100000000000000000000000000000000000000000000000000000000000000 \
	e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800 \
	5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157 \
	ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f \
	edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f \
	eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f; do
	number=$((number + 1))
	key=$(python3 -c 'import base64, sys; print(base64.b64encode(bytes.fromhex(sys.argv[1])).decode())' "$point")
	wg set "${TUNNEL[a]}" peer "$key" endpoint "$(outer b 4)" allowed-ips "10.99.$number.1/32" persistent-keepalive 1
done
ip -n "$(ns a)" route add 10.99.0.0/16 dev "${TUNNEL[a]}"
before=$(($(seen initiation) + $(seen data)))
for number in 1 2 3 4 5 6 7; do
	in_ns a ping -q -c 1 -W 2 "10.99.$number.1" >/dev/null &
	pings[number]=$!
done
wait "${pings[@]}" || true
equal "messages on the wire" "$before" $(($(seen initiation) + $(seen data)))

step "and a works as before"
add_peer a --endpoint "$(outer b 4)"
add_peer b
flood a b 4 10
