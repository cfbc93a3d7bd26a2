#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# clocks.sh wall       the wall clock goes back an hour and forward ten years: sessions do not notice, and handshakes
#                      are accepted at every step, because a sender's timestamps never go back
# clocks.sh suspend    the machine sleeps for 200 s within a session: nothing leaves with the old key afterwards,
#                      and the next packet makes a handshake at once
. "$(dirname "$0")/../../tests/netns/topology.sh"
SLEEP=200
make_topology
make_tunnel 4
flood a b 4 10

# anew FROM TO: FROM loses its session and makes another.
anew() {
	local from=$1 to=$2 before
	before=$(seen initiation)
	remove_peer "$from"
	add_peer "$from" --endpoint "$(outer "$to" 4)"
	flood "$from" "$to" 4 10
	at_least "initiations" $((before + 1)) "$(seen initiation)"
}

wall() {
	local real uptime step initiations
	real=$(date +%s)
	uptime=$SECONDS
	for step in "1 hour ago" "10 years" "1 hour ago" "now"; do
		date -s "@$(($(date -d "$step" +%s) - $(date +%s) + real))" >/dev/null
		step "the wall clock says $(date -u +%F' '%T)"
		initiations=$(seen initiation)
		flood a b 4 20
		flood b a 6 20
		equal "initiations" "$initiations" "$(seen initiation)"
		# A timestamp from the future is the one that later ones must be greater than.
		anew a b
		# The kernel's own timestamps follow the clock back, and are refused as they must be.
		[ "${ENGINE[b]}" != kernel ] || continue
		sleep_until_the_next_timestamp
		anew b a
	done
	date -s "@$((real + SECONDS - uptime))" >/dev/null
}

# Two initiations of a sender within 20 ms are one too many for the responder.
sleep_until_the_next_timestamp() {
	flood a b 4 20 -i 0.002
}

# types FILE: of the messages in it, one after the other.
types() {
	tcpdump -r "$1" -x -n "udp port $PORT and ip" 2>/dev/null |
		awk '/0x0010:/ { print substr($8, 1, 2) }'
}

suspend() {
	local before after slept
	spawn wire "$WORK/tcpdump.log" tcpdump -i to-a -U -w "$WORK/after" "udp port $PORT"
	wait_for 10 "tcpdump" grep -q listening "$WORK/tcpdump.log"
	before=$(cut -d . -f 1 /proc/uptime)
	step "good night"
	rtcwake -m mem -s $SLEEP >"$WORK/rtcwake" 2>&1 || skip "this machine cannot sleep: $(tail -n 1 "$WORK/rtcwake")"
	after=$(cut -d . -f 1 /proc/uptime)
	slept=$((after - before))
	step "slept $slept s"
	at_least "seconds on the boot clock" $((SLEEP - 5)) $slept
	in_ns a ping -q -c 1 -W 3 -p "$MARKER" "${INNER4[b]}" >"$WORK/ping" || die "no answer within 3 s: $(cat "$WORK/ping")"
	flood b a 6 10
	equal "messages after the night" "01 02" "$(types "$WORK/after" | head -n 2 | xargs)"
	step "first of all: $(types "$WORK/after" | head -n 6 | xargs)"
}

case $1 in
wall | suspend) "$1" ;;
*) die "expected wall or suspend, not $1" ;;
esac
