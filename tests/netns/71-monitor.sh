#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp monitor` tells what happens, once and in order, to several readers at a time; one that does not read
# costs the agent nothing and is told how much it missed.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
start_end a
start_end b
T=${TUNNEL[a]}
B=$(public_key b)
NOBODY=$(wg genkey | wg pubkey)

# has FILE FILTER: an event for which the filter is true.
has() {
	jq -e -s "any(.[]; $2)" "$1" >/dev/null 2>&1
}
# expect FILTER, expect_count NUMBER FILTER: of the events of a's tunnel.
expect() {
	(wait_for 5 "an event with $1" has "$WORK/json" "$1") || die "got: $(cat "$WORK/json")"
	echo "#     $(jq -c -s "first(.[] | select($1))" "$WORK/json")"
}
expect_count() {
	equal "events with $2" "$1" "$(jq -s "[.[] | select($2)] | length" "$WORK/json")"
}

step "following"
spawn a "$WORK/json" "$WGXDP" monitor "$T" --json
JSON=$SPAWNED
expect '.event == "following"'
spawn a "$WORK/lines" "$WGXDP" monitor
LINES_PID=$SPAWNED
wait_for 5 "the second reader" grep -q "$T: following" "$WORK/lines"

step "peers, and a handshake"
add_peer a --endpoint "$(outer b 4)"
add_peer b --endpoint "$(outer a 4)"
flood a b 4 20
expect ".event == \"peer-added\" and .public_key == \"$B\""
expect ".event == \"handshake\" and .public_key == \"$B\" and .initiator == true and .endpoint == \"$(outer b 4)\""
wgxdp a peer add "$NOBODY" --tunnel "$T"
wgxdp a peer remove "$NOBODY" --tunnel "$T"
expect ".event == \"peer-removed\" and .public_key == \"$NOBODY\""

step "roaming, by data and by a handshake"
wg set "${TUNNEL[b]}" listen-port $((PORT + 5))
flood b a 4 20
expect ".event == \"roamed\" and .from == \"$(outer b 4)\" and .endpoint == \"${OUTER4[b]}:$((PORT + 5))\""
wg set "${TUNNEL[b]}" listen-port "$PORT"
wgxdp b peer remove "$(public_key a)" --tunnel "${TUNNEL[b]}"
add_peer b --endpoint "$(outer a 4)"
flood b a 4 20
expect ".event == \"roamed\" and .endpoint == \"$(outer b 4)\""
expect '.event == "handshake" and .initiator == false'
expect_count 2 '.event == "roamed"'

step "drops, with their reason and peer"
ip -n "$(ns b)" address add 10.77.0.99/32 dev "${TUNNEL[b]}"
refuses in_ns b ping -q -c 4 -i 0.002 -W 1 -I 10.77.0.99 "${INNER4[a]}" >/dev/null
expect ".event == \"dropped\" and .reason == \"source-refused\" and .public_key == \"$B\""
equal "packets of it" 4 "$(jq -s '[.[] | select(.reason == "source-refused") | .packets] | add' "$WORK/json")"
refuses in_ns a ping -q -c 3 -i 0.002 -W 1 10.77.0.77 >/dev/null
expect '.event == "dropped" and .reason == "no-peer" and (has("public_key") | not)'

step "handshake messages that are refused, each once"
in_ns b bash -c "printf '\1\0\0\0%0144x' 0 | head -c 148 >/dev/udp/${OUTER4[a]}/$PORT"
bad_macs() {
	[ "$(jq -s '[.[] | select(.reason == "bad-mac1") | .packets // 1] | add // 0' "$WORK/json")" = 1 ]
}
wait_for 5 "one bad-mac1" bad_macs
wait_for 5 "another look at the counters" has "$WORK/json" '.event == "dropped" and .reason == "no-peer"'

step "interfaces"
ip -n "$(ns a)" link set "$T" down
expect '.event == "down"'
ip -n "$(ns a)" link set "$T" up
expect '.event == "up"'
wgxdp a detach eth0 --tunnel "$T"
expect '.event == "detached" and .interface == "eth0"'
attach a
expect '.event == "attached" and .interface == "eth0" and .mode == "native"'
wait_for 5 "still one bad-mac1" bad_macs

step "a reader that does not read: nothing waits for it, and it is told how much it missed"
kill -STOP "$JSON"
python3 -c 'import base64, os
for _ in range(4000): print("[Peer]\nPublicKey =", base64.b64encode(os.urandom(32)).decode())' >"$WORK/peers.conf"
before=$EPOCHREALTIME
wg addconf "$T" "$WORK/peers.conf"
step "4000 peers took $(((${EPOCHREALTIME/./} - ${before/./}) / 1000)) ms"
flood a b 4 50
kill -CONT "$JSON"
expect '.event == "missed"'
told() {
	local added missed
	added=$(jq -s '[.[] | select(.event == "peer-added")] | length' "$WORK/json")
	missed=$(jq -s '[.[] | select(.event == "missed") | .events] | add // 0' "$WORK/json")
	echo "#     $((added - 2)) told, $missed missed"
	# a handshake or a roam may be among them
	[ $((added - 2 + missed)) -ge 4000 ] && [ $((added - 2 + missed)) -le 4005 ]
}
told || die "4000 peers: $(told)"
# A machine under load may make it late, too: then it is told.
other_told() {
	[ $(($(grep -c ': added' "$WORK/lines") + $(awk '$3 == "missed" { n += $4 } END { print n + 0 }' "$WORK/lines"))) -ge 4002 ]
}
wait_for 10 "the other reader" other_told

step "an agent that is killed is lost, the next one is followed"
kill_agent a
expect '.event == "lost"'
attach a
wait_for 5 "the new agent" has "$WORK/json" '.event == "following"'
follows_again() {
	[ "$(jq -s '[.[] | select(.event == "following")] | length' "$WORK/json")" = 2 ]
}
wait_for 5 "the new agent" follows_again
grep -q "$T: peer $B (192.0.2.2:51820): handshake done, begun by us" "$WORK/lines" ||
	die "lines: $(grep -v ' added' "$WORK/lines")"

if [ -n "${LONG:-}" ]; then
	step "LONG: b is gone for three minutes"
	ip -n "$(ns b)" link set eth0 down
	spawn a "$WORK/pings" ping -q -i 1 "${INNER4[b]}"
	PINGS=$SPAWNED
	(wait_for 150 "giving up" has "$WORK/json" '.event == "gave-up"') || die "got: $(tail -n 3 "$WORK/json")"
	(wait_for 100 "expiry" has "$WORK/json" '.event == "expired"') || die "got: $(tail -n 3 "$WORK/json")"
	stop "$PINGS"
	expect_count 1 ".event == \"expired\" and .public_key == \"$B\""
	expect_count 1 ".event == \"gave-up\" and .public_key == \"$B\""
fi

step "what is described is what is printed"
for field in $(jq -r 'keys[]' "$WORK/json" | sort -u) $(jq -r .event "$WORK/json" | sort -u); do
	sed -n '/^## .wgxdp monitor/,$p' "$TREE/user/cli/json.md" | grep -q "\`$field\`" || die "$field is not described"
done

step "a reader whose own reader is gone ends"
in_ns a timeout 10 bash -o pipefail -c "'$WGXDP' monitor | head -n 1" >"$WORK/head" || [ $? -ne 124 ]
grep -q following "$WORK/head" || die "got: $(cat "$WORK/head")"

step "a tunnel that is gone ends the one who asked for it"
wgxdp a down "$T"
wait "$JSON" || die "status $? of the monitor"
expect '.event == "gone"'
kill "$LINES_PID"
