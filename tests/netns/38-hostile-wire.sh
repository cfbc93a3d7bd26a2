#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A wire that means ill, by SEED: it flips bits, cuts, lengthens, repeats, reorders, replays and invents messages
# (hostile_relay.py) for twenty seconds or more, while TCP goes both ways through the tunnel, over IPv4 and then IPv6. Every
# byte arrives as it was sent; no end dies or begins a handshake; each message the wire delivered has a verdict.
. "$(dirname "$0")/topology.sh"
both_wgxdp
SEED=${SEED:-$RANDOM}
make_topology
make_tunnel 4
flood a b 4 10
step "SEED=$SEED"

# verdicts END: of all packets that came to it.
verdicts() {
	wgxdp "$1" stats "${TUNNEL[$1]}" --json | jq -r '.tunnels[0].counts[] |
		select(.verdict | IN("sealed", "not-ip", "no-peer", "no-endpoint", "staged", "stage-full", "packet-too-big",
			"slow-way", "no-room") | not) | "\(.verdict) \(.packets)"' | sort
}
total() {
	awk '{ sum += $2 } END { print sum + 0 }' "$1"
}

# all_counted END MESSAGES: sets `counted`, the packets that have had a verdict since "before".
all_counted() {
	verdicts "$1" >"$WORK/after-$1"
	counted=$(($(total "$WORK/after-$1") - $(total "$WORK/before-$1")))
	[ "$counted" -ge "$2" ]
}

# has_seen_it_all: a slow machine has fewer packets for the wire to spoil.
has_seen_it_all() {
	local end
	for end in a b; do
		verdicts "$end" >"$WORK/after-$end"
		MISSING=$(printf "%s\n" bad-tag replayed unknown-index bad-mac1 too-short |
			grep -vxf <(cut -d " " -f 1 "$WORK/after-$end")) && return 1
	done
	return 0
}

# dropped PORT: what the wire delivered and the other end of the cable had no room for.
dropped() {
	ip -n "$(ns wire)" -j -s link show "$1" | jq '.[0].stats64.tx.dropped'
}

# relay's checksums are those of the frames, which the kernel leaves unfinished between namespaces.
for end in a b; do
	ip -n "$(ns wire)" link set "to-$end" nomaster
	in_ns "$end" ethtool -K eth0 tx off >/dev/null
done

for outer in 4 6; do
	spawn wire "$WORK/relay" "$TREE/tests/harness/hostile_relay.py" "$SEED" to-a to-b
	relay=$SPAWNED
	wait_for 5 "the relay" grep -qs relaying "$WORK/relay"
	set_endpoint a "$(outer b $outer)"
	in_ns a ping -q -c 20 -i 0.05 "${INNER4[b]}" >/dev/null || die "nothing passes"
	for end in a b; do
		verdicts "$end" >"$WORK/before-$end"
		dropped "to-$end" >"$WORK/dropped-$end"
	done
	stop "$relay"
	spawn wire "$WORK/relay" "$TREE/tests/harness/hostile_relay.py" "$((SEED + outer))" to-a to-b
	relay=$SPAWNED
	wait_for 5 "the relay" grep -qs relaying "$WORK/relay"

	began=$SECONDS
	until [ $((SECONDS - began)) -ge 10 ] && has_seen_it_all; do
		[ $((SECONDS - began)) -lt 60 ] || die "a packet of this kind was never seen: $MISSING"
		carry a b 4 10 "$SECONDS"
		carry b a 6 10 "$SECONDS"
	done
	stop "$relay"
	step "$(tr '\n' ';' <"$WORK/relay")"
	for end in a b; do
		drops=$(($(dropped "to-$end") - $(cat "$WORK/dropped-$end")))
		read -r whole broken < <(awk -v name="to-$end" '$2 == name { print $4, $6 }' "$WORK/relay")
		wait_for 5 "a verdict for each of $whole messages to $end" all_counted "$end" $((whole - drops))
		step "$end: $whole whole and $broken broken messages, $drops had no room, $counted have a verdict:" \
			"$(awk 'FNR == NR { old[$1] = $2; next } { printf "%s %d; ", $1, $2 - old[$1] }' "$WORK/before-$end" "$WORK/after-$end")"
		at_most "verdicts of $end" $((whole + broken)) "$counted"
	done
done

for end in a b; do
	ip -n "$(ns wire)" link set "to-$end" master br0
done
flood a b 4 200
flood b a 6 200
equal "handshakes" "$(seen response)" "$(seen initiation)"
