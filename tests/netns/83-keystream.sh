#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Keystream computed ahead: bulk both ways uses it, and arrives as it was sent while sessions end and agents are
# killed under it; small packets too. What is idle is closed, and with the tunnel all of it goes.
. "$(dirname "$0")/topology.sh"
both_wgxdp
export LOG_LEVEL=verbose
make_topology
make_tunnel 4
flood a b 4 10

log_of() {
	echo "$STATE/$(inode "$1")/${TUNNEL[$1]}.log"
}

# lines END PATTERN: how many of them the agents of this end have logged.
lines() {
	grep -c -- "$2" "$(log_of "$1")" || true
}

has_lines() {
	[ "$(lines "$1" "$2")" -ge "$3" ]
}

# used END DIRECTION: packets with keystream that lay ready, in all streams that were closed.
used() {
	awk -v direction="$2:" '/no keystream ahead/ {
		for (i = 2; i <= NF; i++)
			if ($(i - 1) == direction)
				sum += $i
	} END { print sum + 0 }' "$(log_of "$1")"
}

has_used() {
	[ "$(used "$1" "$2")" -ge "$3" ]
}

# start_both_ways MEGABYTES: both ways at the same time.
BOTH_WAYS=()
start_both_ways() {
	local from to
	BOTH_WAYS=()
	for to in a b; do
		from=${OTHER[$to]}
		spawn "$to" "$WORK/carried.$to" "$SUITE/carry.py" receive "${INNER4[$to]}"
		BOTH_WAYS+=("$SPAWNED")
		wait_for 10 "carry.py to listen" grep -qs listening "$WORK/carried.$to"
		spawn "$from" "$WORK/sent.$to" "$SUITE/carry.py" send "${INNER4[$to]}" "$1"
		BOTH_WAYS+=("$SPAWNED")
	done
}

# Each byte is at the other end, and the last change was made while they were on their way.
finish_both_ways() {
	local to pid
	for pid in "${BOTH_WAYS[@]}"; do
		wait "$pid" || die "$(tail -n 1 "$WORK"/carried.? "$WORK"/sent.?)"
	done
	for to in a b; do
		equal "hash of what came to $to" "$(tail -n 1 "$WORK/sent.$to")" "$(tail -n 1 "$WORK/carried.$to")"
	done
	step "all of it arrived both ways"
}

wait_until_busy() {
	wait_for 20 "$1 to be busy sending" has_lines "$1" "is busy: keystream ahead for sending" "$2"
	wait_for 20 "$1 to be busy receiving" has_lines "$1" "is busy: keystream ahead for receiving" "$2"
}

# Streams of agents that were killed are closed by nobody.
declare -A LOST=([a]=0 [b]=0)
open_streams() {
	echo $(($(lines "$1" "is busy: keystream") - $(lines "$1" "no keystream ahead") - LOST[$1]))
}

is_quiet() {
	[ "$(open_streams "$1")" -eq 0 ]
}

wait_until_quiet() {
	wait_for 10 "streams of a to be closed" is_quiet a
	wait_for 10 "streams of b to be closed" is_quiet b
}

step "100 MB both ways"
began=${EPOCHREALTIME/./}
start_both_ways 100
wait_until_busy a 1
wait_until_busy b 1
finish_both_ways
# What takes some ten seconds on this machine: an agent is started under it, and seen busy, while others use it too.
SOME=$((100 * 10000000 / (${EPOCHREALTIME/./} - began) + 100))
for end in a b; do
	for direction in sending receiving; do
		wait_for 10 "packets of $end, $direction" has_used "$end" "$direction" 5000
		step "$end, $direction: $(used "$end" "$direction") packets with keystream"
	done
done

step "an agent is killed and started again under it, here and there"
for end in a b; do
	wait_until_quiet
	busy=$(lines "$end" "is busy: keystream ahead for sending")
	start_both_ways "$SOME"
	wait_until_busy "$end" $((busy + 1))
	kill_agent "$end"
	LOST[$end]=$((LOST[$end] + $(open_streams "$end")))
	flow_of 2000
	attach "$end"
	wait_until_busy "$end" $((busy + 2))
	finish_both_ways
done
equal "initiations" 1 "$(seen initiation)"

step "sessions end under it: a peer is taken away and comes back"
for end in a b a b; do
	wait_until_quiet
	initiations=$(seen initiation)
	start_both_ways $((SOME / 2))
	wait_for 20 "$end to be busy" has_lines "$end" "is busy" $(($(lines "$end" "is busy") + 1))
	remove_peer "$end"
	add_peer "$end" --endpoint "$(outer "${OTHER[$end]}" 4)"
	wait_for 20 "a new session" has_seen initiation $((initiations + 1))
	finish_both_ways
done

step "small packets"
flood a b 4 20000
flood b a 6 20000 -s 200

step "idle: all streams are closed"
wait_until_quiet

step "the tunnel goes under traffic: nothing of it is left"
busy=$(lines a "is busy: keystream ahead for receiving")
spawn a "$WORK/last" "$SUITE/carry.py" receive "${INNER4[a]}"
last=$SPAWNED
wait_for 10 "carry.py to listen" grep -qs listening "$WORK/last"
spawn b "$WORK/last.sent" "$SUITE/carry.py" send "${INNER4[a]}" 1000
wait_for 20 "a to be busy" has_lines a "is busy: keystream ahead for receiving" $((busy + 1))
for end in a b; do
	for id in $(bpftool -j map dump pinned "$(pins "$end")/keystreams" | jq '.[].inner_map_id' | tr -dc '0-9\n'); do
		BPF_IDS+=("map $id")
	done
done
wgxdp a down "${TUNNEL[a]}"
stop "$last" "$SPAWNED"
