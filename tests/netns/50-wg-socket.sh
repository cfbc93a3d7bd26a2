#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# wg(8)'s socket at its edges: a thousand peers and 130 560 allowed IPs there and back by the stock tool, the
# sign of errno, requests one after the other on a connection, what is refused and then changes nothing, and
# that a client which knows nothing of our own keys passes over them.
. "$(dirname "$0")/topology.sh"
make_topology
start_end a
T=${TUNNEL[a]}
ask=$SUITE/wg_socket.py

# configuration: in an order of its own, which is nobody's promise; the allowed IPs of a peer on lines of their own.
configuration() {
	wg showconf "$T" | awk '/^PublicKey/ { peer = $3 }
		{ split($0, part, " = "); count = split(part[2], value, ", ")
		  for (i = 1; i <= count; i++) print peer, part[1], value[i] }' | sort
}

# round_trip WHAT PEERS ALLOWED: what showconf prints, setconf and syncconf take, and it is the same again.
round_trip() {
	local before
	wg showconf "$T" >"$WORK/conf"
	configuration >"$WORK/before"
	equal "$1: peers" "$2" "$(grep -c PublicKey "$WORK/before")"
	equal "$1: allowed IPs" "$3" "$(grep -c AllowedIPs "$WORK/before")"
	wg set "$T" peer "$(wg genkey | wg pubkey)" allowed-ips 0.0.0.0/0
	for before in setconf syncconf; do
		wg "$before" "$T" "$WORK/conf"
		configuration >"$WORK/after"
		cmp "$WORK/before" "$WORK/after" || die "$1: another after $before"
		step "$1: $before"
	done
}

step "1 000 peers"
"$ask" peers 1000 >"$WORK/peers"
wg addconf "$T" "$WORK/peers"
round_trip "1 000 peers" 1000 2000
equal "lines of show all dump" 1001 "$(wg show all dump | grep -c "^$T")"
equal "fields of a peer's line" 9 "$(wg show all dump | grep "^$T" | tail -n 1 | wc -w)"
equal "peers of wg show" 1000 "$(wg show "$T" | grep -c '^peer: ')"
printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$(cat "$WORK/a.key")" "$PORT" >"$WORK/none"
wg syncconf "$T" "$WORK/none"
equal "peers" "" "$(wg show "$T" peers)"

step "130 560 allowed IPs"
"$ask" allowed-ips >"$WORK/many"
wg addconf "$T" "$WORK/many"
round_trip "130 560 allowed IPs" 1 130560
wg setconf "$T" "$WORK/none"
equal "peers" "" "$(wg show "$T" peers)"

step "requests as text"
"$ask" requests "$UAPI/$T.sock"
equal "mode of the directory" 755 "$(stat -c %a "$(readlink -f "$UAPI")")"
equal "mode of the socket" 600 "$(stat -c %a "$UAPI/$T.sock")"

step "what wg says when it is refused"
spawn a "$WORK/holder" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4999)); print("bound", flush=True); time.sleep(60)'
wait_for 5 "a port in use" grep -q bound "$WORK/holder"
refuses wg set "$T" listen-port 4999 fwmark 7 2>"$WORK/said"
grep -qi "address already in use" "$WORK/said" || die "wg said: $(cat "$WORK/said")"
equal "port, as before" "$PORT" "$(wg show "$T" listen-port)"
equal "fwmark, as before" off "$(wg show "$T" fwmark)"
