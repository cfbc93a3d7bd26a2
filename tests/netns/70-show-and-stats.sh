#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp show` is `wg show` and our own lines more, also in colours; `wgxdp stats` counts each packet once, for
# its own tunnel and peer, and goes on counting when the agent is killed.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}
B=$(public_key b)

step "as wg prints it"
make_psk both
wgxdp b peer set "$(public_key a)" --tunnel "${TUNNEL[b]}" --preshared-key "$WORK/both.psk"
wgxdp a peer set "$B" --tunnel "$T" --preshared-key "$WORK/both.psk" --keepalive 3725
wgxdp a peer add "$(wg genkey | wg pubkey)" --tunnel "$T"
wg set "$T" fwmark 0x77
wg set "$T" fwmark 0
flood a b 4 50
# as_wg MODE: the same but for our lines; two looks may fall on both sides of a second.
as_wg() {
	WG_COLOR_MODE=$1 wg show "$T" >"$WORK/theirs"
	WG_COLOR_MODE=$1 wgxdp a show "$T" >"$WORK/ours"
	grep -v -e 'receives on' -e 'dropped' "$WORK/ours" | cmp -s - "$WORK/theirs"
}
for mode in never always auto nonsense; do
	(wait_for 3 "the same words with colours $mode" as_wg "$mode") || die "$(diff "$WORK/ours" "$WORK/theirs" | cat -v)"
done
WG_COLOR_MODE=never wgxdp a show >"$WORK/ours"
refuses grep -q -e "$(cat "$WORK/a.key")" -e "$(cat "$WORK/both.psk")" "$WORK/ours"
grep -q 'receives on: eth0 (native)' "$WORK/ours" || die "no interfaces: $(cat "$WORK/ours")"

step "JSON says the same as wg show dump"
wgxdp a show "$T" --json >"$WORK/json"
equal "peers by JSON" "$(wg show "$T" dump | tail -n +2 | cut -f 1,4,5,6,7 | sort)" "$(
	jq -r '.tunnels[0].peers[] | [.public_key, (.allowed_ips | if . == [] then "(none)" else join(",") end),
		.latest_handshake, .received_bytes, .sent_bytes] | @tsv' "$WORK/json" | sort)"
equal "the device" "$(wg show "$T" public-key) $PORT true" \
	"$(jq -r '.tunnels[0] | "\(.public_key) \(.listen_port) \(.is_up)"' "$WORK/json")"
refuses grep -q -e "$(cat "$WORK/a.key")" -e "$(cat "$WORK/both.psk")" "$WORK/json"
equal "the peer's packets, both ways, at least" true \
	"$(jq --arg b "$B" '.tunnels[0].peers[] | select(.public_key == $b)
		| .received_packets >= 50 and .sent_packets >= 50' "$WORK/json")"
equal "peer list" "$(jq '[.tunnels[0].peers[].public_key]' "$WORK/json")" \
	"$(wgxdp a peer list --tunnel "$T" --json | jq '[.peers[].public_key]')"

step "what is described is what is printed"
# described SECTION: the fields in the first column of the tables, and in the lines with braces.
# shellcheck disable=SC2016 # the marks of Markdown
described() {
	sed -n "/^## .wgxdp $1/,/^## /p" "$TREE/user/cli/json.md" | grep -o '^|.*|' | cut -d '|' -f 2 |
		grep -o '`[a-z_]*`' | tr -d '`' | sort -u
}
equal "fields of show" "$(described show)" \
	"$(jq -r '.tunnels[0] | keys[], (.peers[0] | keys[])' "$WORK/json" | sort -u)"
equal "fields of a count" "$(described stats)" \
	"$(wgxdp a stats "$T" --json | jq -r '.tunnels[0].counts[0] | keys[]' | sort -u)"

equal "packets of a peer by stats and by show" "$(wgxdp a show "$T" --json | jq '[.tunnels[0].peers[] | .sent_packets]')" \
	"$(wgxdp a stats "$T" --json | jq '[.tunnels[0].peers[] | .sent_packets]')"

# count TUNNEL VERDICT
count() {
	wgxdp a stats "$1" --json |
		jq --arg v "$2" '[.tunnels[0].counts[] | select(.verdict == $v) | .packets] | add // 0'
}
peer_count() {
	wgxdp a stats "$T" --json | jq --arg v "$1" --arg b "$B" '[.tunnels[0].peers[]
		| select(.public_key == $b) | .counts[] | select(.verdict == $v) | .packets] | add // 0'
}

step "a second tunnel has numbers of its own"
wgxdp a attach eth0 --tunnel "${T}2" --private-key "$WORK/b.key" --listen-port $((PORT + 1)) --address 10.88.0.1/24
before=$(count "$T" no-peer)
refuses in_ns a ping -q -c 3 -i 0.002 -W 1 10.88.0.9 >/dev/null
equal "no-peer of the second" 3 "$(count "${T}2" no-peer)"
equal "no-peer of the first" "$before" "$(count "$T" no-peer)"
equal "the sum" $((before + 3)) "$(wgxdp a stats | sed '1,/^all tunnels/d' | awk '$1 == "no-peer" { print $2 }')"

step "what a peer may not send is counted for that peer"
ip -n "$(ns b)" address add 10.77.0.99/32 dev "${TUNNEL[b]}"
refuses in_ns b ping -q -c 4 -i 0.002 -W 1 -I 10.77.0.99 "${INNER4[a]}" >/dev/null
equal "source-refused of the tunnel" 4 "$(count "$T" source-refused)"
equal "source-refused of the peer" 4 "$(peer_count source-refused)"
equal "source-refused of the other tunnel" 0 "$(count "${T}2" source-refused)"
wgxdp a stats "$T" | grep -q 'source-refused  *4  inner source is not among' || die "$(wgxdp a stats "$T")"

step "a handshake that is refused is counted once, and survives the agent"
# an initiation of zeros: its first MAC is wrong
zeros() {
	in_ns b bash -c "printf '\1\0\0\0%0288x' 0 | head -c 148 >/dev/udp/${OUTER4[a]}/$PORT"
}
for _ in 1 2 3; do zeros; done
has_count() {
	[ "$(count "$1" "$2")" = "$3" ]
}
wait_for 3 "three of bad-mac1" has_count "$T" bad-mac1 3
kill_agent a
attach a
equal "bad-mac1 after the agent was killed" 3 "$(count "$T" bad-mac1)"
equal "source-refused after that" 4 "$(count "$T" source-refused)"
zeros
wait_for 3 "four of bad-mac1" has_count "$T" bad-mac1 4

step "a new tunnel in the place of one that is gone begins at zero"
wgxdp a down "${T}2"
wgxdp a attach eth0 --tunnel "${T}2" --private-key "$WORK/b.key" --listen-port $((PORT + 1))
equal "no-peer of the new one" 0 "$(count "${T}2" no-peer)"
wgxdp a down "${T}2"
