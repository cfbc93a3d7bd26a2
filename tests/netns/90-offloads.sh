#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who changes the offloads of the tunnel's interface (scripts that "tune" all interfaces do) does not break it: without
# GRO the kernel would drop what arrives, and with segmentation or checksums offloaded nobody would do either. The agent
# sets them back and says so; meanwhile nothing leaves in clear text.
. "$(dirname "$0")/topology.sh"
both_wgxdp
command -v ethtool >/dev/null || skip "there is no ethtool"
make_topology
make_tunnel 4
T=${TUNNEL[a]}
flood a b 4 10

offloads() {
	in_ns a ethtool -k "$T" | sed -n 's/^\(tx-checksumming\|tcp-segmentation-offload\|generic-receive-offload\): //p' | xargs
}
as_they_must_be() {
	[ "$(offloads)" = "off off on" ]
}
how_often_said() {
	grep -c "offloads of $T were changed" "$STATE/$(inode a)/$T.log" || true
}
as_they_must_be || die "at the beginning: $(offloads)"
equal "how often the agent set them back" 0 "$(how_often_said)"

for change in "gro off" "tx on" "tx on tso on gso on" "gro off tx on tso on"; do
	step "ethtool -K $change"
	said=$(how_often_said)
	# shellcheck disable=SC2086 # words
	in_ns a ethtool -K "$T" $change >/dev/null
	wait_for 5 "the agent to set them back" as_they_must_be
	at_least "lines of the agent" $((said + 1)) "$(how_often_said)"
	flood b a 4 20
	carry a b 4 4
	carry b a 6 4
done

step "with an agent that is stopped: nothing in clear"
kill -STOP "$(agent_pid a)"
in_ns a ethtool -K "$T" tx on tso on gso on >/dev/null
spawn b "$WORK/received" "$SUITE/carry.py" receive "${INNER4[b]}"
wait_for 5 "the receiver" grep -qs listening "$WORK/received"
in_ns a timeout 2 "$SUITE/carry.py" send "${INNER4[b]}" 1 >/dev/null 2>&1 || true
stop "$SPAWNED"
kill -CONT "$(agent_pid a)"
wait_for 5 "the agent to set them back" as_they_must_be
flood a b 4 20
