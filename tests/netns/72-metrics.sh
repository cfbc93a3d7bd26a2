#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp metrics` is what a strict parser of Prometheus' format takes (and promtool, where there is one), says
# what `wg show` says, and is served by HTTP to who asks for it, and nothing else.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}
B=$(public_key b)
WHERE=127.0.0.1:9586
PARSER=$TREE/tests/harness/prometheus.py
flood a b 4 50

# sample FILE NAME LABELS: its value. LABELS sorted, without the tunnel.
sample() {
	"$PARSER" <"$1" | awk -F '\t' -v name="$2" -v labels="$3,tunnel=$T" '$1 == name && $2 == labels { print $3 }'
}

step "once"
wgxdp a peer add "$(wg genkey | wg pubkey)" --tunnel "$T"
wgxdp a metrics >"$WORK/metrics"
"$PARSER" --check <"$WORK/metrics" || die "$(cat "$WORK/metrics")"
if command -v promtool >/dev/null; then
	step "promtool: $(promtool check metrics <"$WORK/metrics" 2>&1 && echo good)"
	promtool check metrics <"$WORK/metrics"
fi
read -r rx tx < <(wg show "$T" transfer | grep -F "$B" | cut -f 2-)
equal "received bytes" "$rx" "$(sample "$WORK/metrics" wgxdp_peer_received_bytes_total "peer=$B")"
equal "sent bytes" "$tx" "$(sample "$WORK/metrics" wgxdp_peer_sent_bytes_total "peer=$B")"
equal "last handshake" "$(wg show "$T" latest-handshakes | grep -F "$B" | cut -f 2)" \
	"$(sample "$WORK/metrics" wgxdp_peer_last_handshake_timestamp_seconds "peer=$B")"
equal "interface" 1 "$(sample "$WORK/metrics" wgxdp_tunnel_interface_info interface=eth0,mode=native)"
refuses grep -q -e "$(cat "$WORK/a.key")" "$WORK/metrics"

step "the parser refuses what is wrong"
refuses_text() {
	refuses_quietly "$PARSER" --check < <(printf '%b' "$1") || die "taken: $1"
}
GOOD='# HELP a b\n# TYPE a gauge\n'
printf '%b' "${GOOD}a{b=\"c\"} 1\n" | "$PARSER" --check
for text in "a 1\n" "${GOOD}a 1" "${GOOD}a x\n" "${GOOD}a{b=c} 1\n" "${GOOD}a{b=\"c\"} 1\na{b=\"c\"} 2\n" \
	"# HELP a b\n# TYPE a counter\na 1\n" "${GOOD}a{b=\"\"\"} 1\n" "${GOOD}a 1\n$GOOD" "# HELP a b\na 1\n" \
	"${GOOD}a 1\n# HELP c d\n# TYPE c gauge\nc 1\na{b=\"c\"} 1\n"; do
	refuses_text "$text"
done

step "a peer is called by its name"
PHONE=$(wg genkey | wg pubkey)
add_named_peer "Anna's \"phone\"" "$PHONE"
wgxdp a metrics >"$WORK/metrics"
equal "sent to the phone" 0 "$(sample "$WORK/metrics" wgxdp_peer_sent_bytes_total "peer=Anna's \"phone\"")"
equal "its key" 1 "$(sample "$WORK/metrics" wgxdp_peer_info "endpoint=,peer=Anna's \"phone\",public_key=$PHONE")"
equal "by JSON" "Anna's \"phone\"" "$(wgxdp a show "$T" --json |
	jq -r --arg k "$PHONE" '.tunnels[0].peers[] | select(.public_key == $k) | .name')"

step "served"
# get URL METHOD: what comes, its status in $WORK/status.
get() {
	in_ns a python3 - "http://$WHERE$1" "${2:-GET}" "$WORK/status" <<-'END'
		import sys, urllib.request, urllib.error
		request = urllib.request.Request(sys.argv[1], method=sys.argv[2])
		try:
		    answer = urllib.request.urlopen(request, timeout=5)
		except urllib.error.HTTPError as error:
		    answer = error
		open(sys.argv[3], "w").write(f"{answer.status} {answer.headers['Content-Type']}\n")
		sys.stdout.buffer.write(answer.read())
	END
}
spawn a "$WORK/served.log" "$WGXDP" metrics --listen "$WHERE"
SERVER=$SPAWNED
listens() {
	in_ns a bash -c "exec 3<>/dev/tcp/${WHERE/:/\/}" 2>/dev/null
}
wait_for 5 "the server" listens
get /metrics >"$WORK/metrics"
equal "status and type" "200 text/plain; version=0.0.4; charset=utf-8" "$(cat "$WORK/status")"
"$PARSER" --check <"$WORK/metrics"
before=$(sample "$WORK/metrics" wgxdp_peer_sent_packets_total "peer=$B")
flood a b 4 100
get /metrics >"$WORK/metrics"
at_least "packets sent" $((before + 100)) "$(sample "$WORK/metrics" wgxdp_peer_sent_packets_total "peer=$B")"
equal "HEAD has no body" "" "$(get /metrics HEAD)"
get /else >/dev/null
grep -q ^404 "$WORK/status" || die "/else: $(cat "$WORK/status")"
get /metrics POST >/dev/null
grep -q ^405 "$WORK/status" || die "POST: $(cat "$WORK/status")"
in_ns a bash -c "printf 'nonsense\r\n\r\n' >/dev/tcp/${WHERE/:/\/}"
get /metrics | "$PARSER" --check

step "an agent that is gone is told as such, and the rest is there"
kill_agent a
get /metrics >"$WORK/metrics"
grep -qx "wgxdp_agent_up{tunnel=\"$T\"} 0" "$WORK/metrics" || die "$(cat "$WORK/metrics")"
"$PARSER" --check <"$WORK/metrics"
attach a

step "a place that is taken, and one that is not ours"
said=$(in_ns a "$WGXDP" metrics --listen "$WHERE" 2>&1) && die "served twice"
equal "said" "wgxdp: metrics: --listen '$WHERE': Address already in use" "$said"
said=$(in_ns a "$WGXDP" metrics --listen 192.0.2.99:9586 2>&1) && die "served elsewhere"
equal "said" "wgxdp: metrics: --listen '192.0.2.99:9586': Cannot assign requested address" "$said"
kill "$SERVER"
wait "$SERVER" || die "status $? of the server"
spawn a "$WORK/served.log" "$WGXDP" metrics "$T" --listen "[::1]:9586"
SERVER=$SPAWNED
WHERE="[::1]:9586"
answers() {
	get /metrics >"$WORK/metrics" 2>/dev/null
}
wait_for 5 "the server over IPv6" answers
"$PARSER" --check <"$WORK/metrics"
kill "$SERVER"
