#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Keys and peers change while packets flow.
. "$(dirname "$0")/topology.sh"
make_topology
make_psk first
make_psk second
start_end a
start_end b
add_peer a --endpoint "$(outer b 4)" --preshared-key "$WORK/first.psk"
add_peer b --endpoint "$(outer a 4)" --preshared-key "$WORK/second.psk"

step "two preshared keys: no session"
in_ns a ping -q -c 2 -i 0.2 -W 1 "${INNER4[b]}" >/dev/null && die "a session with different preshared keys"
equal "data on the wire" 0 "$(seen data)"

step "b gets a's, under load: no more than the retry is waited for"
start_pings a b 4 500
wg set "${TUNNEL[b]}" peer "$(public_key a)" preshared-key "$WORK/first.psk"
wait_for 15 "a session" has_seen data 10
finish_pings 500
flood b a 4 200

step "a new preshared key at both ends does not disturb the session"
keep_pinging a b 4
flow_of 200
initiations=$(seen initiation)
wg set "${TUNNEL[a]}" peer "$(public_key b)" preshared-key "$WORK/second.psk"
wg set "${TUNNEL[b]}" peer "$(public_key a)" preshared-key "$WORK/second.psk"
flow_of 200
finish_pings 0
equal "initiations" "$initiations" "$(seen initiation)"

step "a new private key at a: a and b make a new session under load, with the new preshared key"
cp "$WORK/a.pub" "$WORK/old.pub"
keep_pinging b a 4
flow_of 200
make_key a
wg set "${TUNNEL[b]}" peer "$(public_key a)" preshared-key "$WORK/second.psk" \
	endpoint "$(outer a 4)" allowed-ips "${INNER6[a]}/128"
wg set "${TUNNEL[a]}" private-key "$WORK/a.key"
wg set "${TUNNEL[b]}" peer "$(cat "$WORK/old.pub")" remove \
	peer "$(public_key a)" allowed-ips "${INNER4[a]}/32,${INNER6[a]}/128"
wait_for 15 "a handshake" has_seen initiation $((initiations + 1))
flow_of 500
finish_pings 100000
flood a b 4 200
flood b a 6 200

step "a loses its peer under load: nothing more leaves a"
start_pings b a 4 60000
flow_of 500
remove_peer a
equal "peers of a" "" "$(wg show "${TUNNEL[a]}" peers)"
# What a had sent is past the sniffer when b's next requests are.
flow_of 100
# Frames of a's on its cable, but for ARP and neighbour discovery, each with its words.
spawn wire "$WORK/from-a" tcpdump -l -n -e -i to-a -Q in --immediate-mode \
	'not arp and not (ip6[6] = 58 and ip6[40] >= 130 and ip6[40] <= 143) and not ip6[6] = 0'
listener=$SPAWNED
wait_for 10 "tcpdump" grep -q "listening on" "$WORK/from-a"
flow_of 500
stop "$listener"
grep -q "packets received by filter" "$WORK/from-a" || die "tcpdump: $(cat "$WORK/from-a")"
equal "frames sent by a" "" "$(grep ' > ' "$WORK/from-a" || true)"
stop "$PINGS"
