#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# 100 000 idle peers beside one that is spoken to: they are added by one request, during which the agent answers a
# handshake and a `get`; shown; kept by an agent that was killed, with the session; removed. An agent that is killed
# while some come and go leaves none in the maps that the next one does not know. No packet of the one peer is lost, and
# a peer costs the agent and its state file what it may.
. "$(dirname "$0")/topology.sh"
both_wgxdp
COUNT=100000
# where memory is short, or every instruction emulated, fewer of them show the same
[ "$SLOW" -eq 1 ] && [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt 1000000 ] || COUNT=10000
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}
ask=$SUITE/wg_socket.py

# bytes_of_agent: of its memory and of its state file.
bytes_of_agent() {
	echo $(($(awk '/^RssAnon/ { print $2 }' "/proc/$(agent_pid a)/status") * 1024 +
		$(stat -c %s "$STATE/$(inode a)/$T.state")))
}

peers_of_a() {
	wg show "$T" peers | wc -l
}

allowed_in_kernel() {
	bpftool -j map dump pinned "$(pins a)/$1" | jq length
}

has_peers() {
	[ "$(peers_of_a)" -gt "$1" ]
}

# took START SECONDS WHAT
took() {
	local ms=$(((${EPOCHREALTIME/./} - $1) / 1000))
	at_most "milliseconds for $3" $(($2 * SLOW * 1000)) "$ms"
	step "$3: $ms ms"
}

before=$(bytes_of_agent)
initiations=$(seen initiation)

step "$COUNT peers are added"
start=${EPOCHREALTIME/./}
spawn a "$WORK/add" "$ask" add "$UAPI/$T.sock" "$COUNT"
adding=$SPAWNED
wait_for 20 "some of them" has_peers 100
step "meanwhile b begins anew, and is answered"
remove_peer b
add_peer b --endpoint "$(outer a 4)" --keepalive 1
now=${EPOCHREALTIME/./}
wait_for 5 "b's initiation" has_seen initiation $((initiations + 1))
wait_for 5 "a's response" has_seen response 2
took "$now" 3 "a handshake"
wait_for 5 "the tunnel" in_ns a ping -q -c 1 -W 1 "${INNER4[b]}" >/dev/null
keep_pinging a b 4
gone "$adding" && die "they were there before it ended: $(cat "$WORK/add")"
wait "$adding" || die "$(cat "$WORK/add")"
took "$start" 45 "adding"
equal "peers" $((COUNT + 1)) "$(peers_of_a)"
equal "allowed IPs in the kernel" $((COUNT + 1)) "$(allowed_in_kernel allowed_ipv4)"
if ! grep -q libasan "/proc/$(agent_pid a)/maps"; then
	at_most "bytes a peer of the agent and its file" 1500 $((($(bytes_of_agent) - before) / COUNT))
	step "a peer costs the agent and its file $((($(bytes_of_agent) - before) / COUNT)) bytes"
fi

step "they are shown"
start=${EPOCHREALTIME/./}
equal "peers that show prints" $((COUNT + 1)) "$(wgxdp a show "$T" | grep -c '^ *peer: ')"
took "$start" 10 "showing them"

step "the agent is killed and started again"
initiations=$(seen initiation)
latest=$(wg show "$T" latest-handshakes | awk -v key="$(public_key b)" '$1 == key { print $2 }')
kill_agent a
start=${EPOCHREALTIME/./}
attach a >/dev/null
took "$start" 20 "starting again"
wg show "$T" dump | tail -n +2 >"$WORK/dump"
equal "peers" $((COUNT + 1)) "$(wc -l <"$WORK/dump")"
equal "allowed IPs" $((2 * COUNT + 2)) "$(cut -f 4 "$WORK/dump" | tr , '\n' | wc -l)"
equal "peers without an endpoint" 0 "$(cut -f 3 "$WORK/dump" | awk '$1 == "(none)"' | wc -l)"
equal "latest handshake of b" "$latest" "$(awk -v key="$(public_key b)" '$1 == key { print $5 }' "$WORK/dump")"
flow_of 200
equal "initiations" "$initiations" "$(seen initiation)"

step "they are removed"
start=${EPOCHREALTIME/./}
"$ask" remove "$UAPI/$T.sock" "$COUNT"
took "$start" 30 "removing"
equal "the peer that is left" "$(public_key b)" "$(wg show "$T" peers)"
equal "peers in the kernel" 1 "$(bpftool -j map dump pinned "$(pins a)/peers" | jq length)"
equal "allowed IPs in the kernel" "1 1" "$(allowed_in_kernel allowed_ipv4) $(allowed_in_kernel allowed_ipv6)"

# same_in_kernel: as many peers and allowed IPs as the agent has.
same_in_kernel() {
	local peers
	peers=$(peers_of_a)
	step "$peers peers are left"
	equal "peers in the kernel" "$peers" "$(bpftool -j map dump pinned "$(pins a)/peers" | jq length)"
	equal "allowed IPs in the kernel" "$peers $peers" \
		"$(allowed_in_kernel allowed_ipv4) $(allowed_in_kernel allowed_ipv6)"
}

COUNT=$((COUNT / 10))
"$ask" add "$UAPI/$T.sock" "$COUNT"
step "an agent is killed while they are removed, the next one while they come back"
spawn a "$WORK/remove" "$ask" remove "$UAPI/$T.sock" "$COUNT"
has_fewer_peers() {
	[ "$(peers_of_a)" -lt $((COUNT - COUNT / 10)) ]
}
wait_for 20 "some of them to go" has_fewer_peers
kill_agent a
attach a >/dev/null
same_in_kernel
before=$(peers_of_a)
spawn a "$WORK/add" "$ask" add "$UAPI/$T.sock" "$COUNT"
wait_for 20 "some of them" has_peers $((before + 1))
kill_agent a
attach a >/dev/null
same_in_kernel
flow_of 200
finish_pings 0
