#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netem.sh IMPAIRMENT...: a wire that is late, loses, reorders, repeats and corrupts, both ways, as netem of this
# kernel does it. What arrives is what was sent, and no older packet is taken for a new one.
. "$(dirname "$0")/../../tests/netns/topology.sh"
make_topology
make_tunnel 4
flood a b 4 10
for port in to-a to-b; do
	# shellcheck disable=SC2086 # words of tc
	in_ns wire tc qdisc add dev $port root netem $1 || skip "this kernel has no netem"
done

step "$1"
in_ns a ping -c 200 -i 0.02 -W 2 -p "$MARKER" "${INNER4[b]}" >"$WORK/ping" || true
step "$(grep received "$WORK/ping")"
received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$WORK/ping")
at_least "answered pings" 140 "$received"
grep -qE 'wrong|DUP|corrupt' "$WORK/ping" && die "not what was sent, or twice: $(grep -E 'wrong|DUP' "$WORK/ping" | head -n 3)"
carry a b 4 1
carry b a 6 1
if [[ $1 = *corrupt* ]]; then
	# A message with a wrong type or port is foreign to the sniffer, and the wire made it so.
	equal "clear text on the wire" 0 "$(seen clear)"
	stop "$SNIFFER_PID"
	SNIFFER_PID=
fi
for end in a b; do
	# a wrong bit in an authentic message's source has sent nobody astray
	equal "where $end knows the other end to be" "$(outer "${OTHER[$end]}" 4)" "$(show "$end" endpoints)"
	[ "${ENGINE[$end]}" != wgxdp ] || step "$end: $(wgxdp "$end" show "${TUNNEL[$end]}" --json | jq -c '.tunnels[0].verdicts')"
done
