#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The initiator makes a new session after 120 s, by the clock: pings both ways for 130 s, and not one is lost, not
# even one that was on its way. wgxdp at a; at b wgxdp, wireguard-go, the newest one and boringtun, or what ENGINE_B
# says; with either end as initiator. All of them at once, each in namespaces of its own: this script calls itself for each.
. "$(dirname "$0")/topology.sh"

INTERVAL=$((SLOW > 1 ? 100 : 20))e-3

# one_pair INITIATOR: ENGINE_B is the other end's.
one_pair() {
	local initiator=$1 responder=${OTHER[$1]} back
	make_topology
	start_end a
	start_end b
	add_peer "$responder"
	add_peer "$initiator" --endpoint "$(outer "$responder" 4)"
	flood "$initiator" "$responder" 4 10
	# Below 10 ms ping does not sleep, and sixteen of them leave the engines no CPU.
	spawn "$responder" "$WORK/back" ping -q -i "$INTERVAL" -w 130 -p "$MARKER" "${INNER6[$initiator]}"
	back=$SPAWNED
	spawn "$initiator" "$WORK/pings" ping -q -i "$INTERVAL" -w 130 -p "$MARKER" "${INNER4[$responder]}"
	PINGS=$SPAWNED
	# The last one has no time to be answered.
	finish_pings 1
	PINGS=$back
	mv "$WORK/back" "$WORK/pings"
	finish_pings 1
	equal "initiations" 2 "$(seen initiation)"
	equal "responses" 2 "$(seen response)"
}

if [ $# -gt 0 ]; then
	one_pair "$1"
	exit 0
fi

# Has its first pings behind it, or will not have any.
has_begun() {
	grep -qsa " pings from " "$WORK/$1" || gone "${PAIRS[$1]}"
}

declare -A PAIRS=()
for engine in ${ENGINE_B:-wgxdp wireguard-go wireguard-go-newest boringtun}; do
	for initiator in a b; do
		ENGINE_B=$engine "$0" "$initiator" >"$WORK/$engine-$initiator" 2>&1 &
		PAIRS[$engine-$initiator]=$!
		# One after the other: eight pairs that start at once wait for each other's locks in the kernel.
		wait_for 60 "$engine-$initiator to begin" has_begun "$engine-$initiator"
	done
done
failed=0
for pair in "${!PAIRS[@]}"; do
	status=0
	wait "${PAIRS[$pair]}" || status=$?
	case $status in
	0) step "$pair: $(sed -n 's/.*pings meanwhile: //p' "$WORK/$pair" | xargs -d '\n' printf '%s; ')" ;;
	77) step "$pair: $(grep -a SKIP "$WORK/$pair")" ;;
	*)
		failed=1
		sed "s/^/$pair: /" "$WORK/$pair"
		;;
	esac
done
[ "$failed" = 0 ] || die "a pair failed"
