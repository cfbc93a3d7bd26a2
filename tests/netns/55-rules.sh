#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is said of a peer beyond WireGuard: a limit of its rate, each way, whose drops are counted; an endpoint that does
# not follow it. Both outlive the agent, and are in a saved file.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}
flood a b 4 10
rule() {
	wgxdp a peer set "$(public_key b)" --tunnel "$T" "$@"
}
over_limit() {
	"$SUITE/wg_socket.py" get "$UAPI/$T.sock" | sed -n 's/^wgxdp_verdict=over-limit://p' | head -n 1
}
# rate FROM TO: what UDP gets through of 50 Mbit/s, in kbit/s.
rate() {
	iperf "$1" "$2" 4 -u -b 50M -t 3 -l 1200
	jq '.end.sum | .bits_per_second * (100 - .lost_percent) / 100000 | round' "$WORK/iperf"
}

step "a limit of 10 Mbit/s, sending and receiving"
rule --limit 10mbit
got=$(rate a b)
step "a to b: $got kbit/s of payload"
at_least "rate" 7500 "$got"
at_most "rate" 10500 "$got"
dropped=$(over_limit)
at_least "packets over the limit" 1000 "$dropped"
got=$(rate b a)
step "b to a: $got kbit/s of payload"
at_least "rate" 7500 "$got"
at_most "rate" 10500 "$got"
at_least "packets over the limit" $((dropped + 1000)) "$(over_limit)"

step "an agent that is killed and started again changes nothing"
kill_agent a
attach a
equal "limit" "wgxdp_limit=10000000" "$("$SUITE/wg_socket.py" get "$UAPI/$T.sock" | grep limit=)"
at_most "rate" 10500 "$(rate a b)"
rule --limit off
at_least "rate without a limit" 20000 "$(rate a b)"

step "an endpoint that stays where it was set"
rule --roaming off
ip -n "$(ns b)" address add 192.0.2.99/24 dev eth0
ip -n "$(ns b)" address del "${OUTER4[b]}/24" dev eth0
in_ns b ping -q -c 3 -i 0.2 -W 1 -p "$MARKER" "${INNER4[a]}" >/dev/null && die "answers found the way"
equal "endpoint" "$(outer b 4)" "$(show a endpoints)"
kill_agent a
attach a
in_ns b ping -q -c 2 -i 0.2 -W 1 -p "$MARKER" "${INNER4[a]}" >/dev/null && die "answers found the way"
equal "endpoint" "$(outer b 4)" "$(show a endpoints)"
rule --roaming on
flood b a 4 10
equal "endpoint" "192.0.2.99:$PORT" "$(show a endpoints)"

step "in what is shown, and in a file"
rule --roaming off --limit 3mbit
shown=$(wgxdp a show "$T")
grep -qx "  roaming: off" <<<"$shown" || die "show: $shown"
grep -qx "  limit: 3mbit each way" <<<"$shown" || die "show: $shown"
equal "JSON" "[false,3000000]" "$(wgxdp a show "$T" --json | jq -c '.tunnels[0].peers[0] | [.roams, .limit]')"
printf '[Interface]\n' >"$WORK/$T.conf"
wgxdp a save "$WORK/$T.conf"
grep -qx "#wgxdp Limit = 3mbit" "$WORK/$T.conf" || die "no limit: $(cat "$WORK/$T.conf")"
grep -qx "#wgxdp Roaming = off" "$WORK/$T.conf" || die "no roaming: $(cat "$WORK/$T.conf")"
sed -i '/#wgxdp/d' "$WORK/$T.conf"
wgxdp a syncconf "$WORK/$T.conf"
refuses grep -e limit= -e roaming= <<<"$("$SUITE/wg_socket.py" get "$UAPI/$T.sock")"

step "what is refused"
for words in "--limit fast" "--limit 10" "--limit -1mbit" "--limit 10mbits" "--roaming no"; do
	# shellcheck disable=SC2086 # words
	refuses rule $words 2>"$WORK/said"
	equal "lines said" 1 "$(wc -l <"$WORK/said")"
done
