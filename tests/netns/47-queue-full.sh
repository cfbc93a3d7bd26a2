#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tunnel's interface has a queue of 256 packets, and what finds no place in it is counted: of what was delivered,
# all was received by the interface or is said to be lost. The queue overflows because what empties it, made a thread,
# hardly ever gets the CPU that somebody else uses up.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "no pings"

# counted VERDICT
counted() {
	wgxdp a stats "$T" --json | jq --arg of "$1" --arg tunnel "$T" \
		'[.. | objects | select(.name? == $tunnel).counts[] | select(.verdict == $of).packets] | add // 0'
}

received() {
	ip -n "$(ns a)" -s -j link show "$T" | jq '.[0].stats64.rx.packets'
}

poller() {
	ps -eo pid,comm | awk -v name="napi/$T" 'index($2, name) == 1 || index(name, $2) == 1 { print $1; exit }'
}

has_poller() {
	[ -n "$(poller)" ]
}

# nothing is under way any more
all_accounted_for() {
	[ $(($(counted delivered) - delivered)) = $(($(received) - received + $(counted queue-full))) ]
}

equal "lost at first" 0 "$(counted queue-full)"
delivered=$(counted delivered) received=$(received)
# the only place where this is set is a sysfs of that namespace
ip netns exec "$(ns a)" sh -c "echo 1 >/sys/class/net/$T/threaded" || skip "no NAPI in threads here"
wait_for 5 "the thread that empties the queue" has_poller
cpu=$(taskset -cp "$$" | sed 's/.*[:,-] *//')
taskset -cp "$cpu" "$(poller)" >/dev/null
chrt -i -p 0 "$(poller)"
taskset -c "$cpu" sh -c 'while :; do :; done' &
hog=$!

lost() {
	in_ns b ping -q -f -l 500 -c 2000 -w 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || true
	[ "$(counted queue-full)" -gt 0 ]
}

wait_for 30 "the queue to overflow" lost
kill "$hog"
wait "$hog" 2>/dev/null || true
chrt -o -p 0 "$(poller)"
wait_for 10 "delivered to be received or lost" all_accounted_for
step "delivered $(($(counted delivered) - delivered)), received $(($(received) - received)), lost $(counted queue-full)"
wgxdp a show "$T" | grep -q queue-full || die "show does not tell: $(wgxdp a show "$T")"
in_ns b ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[a]}" >/dev/null || die "no pings"
