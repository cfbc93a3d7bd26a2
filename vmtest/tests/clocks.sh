#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# clocks.sh wall       the wall clock goes back an hour and forward ten years: sessions do not notice, and handshakes
#                      are accepted at every step, because a sender's timestamps never go back
# clocks.sh pause      the machine is stopped for 200 s within a session, and its clocks jump: nothing leaves with the
#                      old key afterwards, and the next packet makes a handshake at once. (A real sleep would take the
#                      9p device along, and with it the guest's files.)
. "$(dirname "$0")/../../tests/netns/topology.sh"
PAUSE=200
make_topology
make_tunnel 4
flood a b 4 10

# anew FROM TO: FROM loses its sessions and makes another, as its interface was down; it knows which timestamp it sent
# last. What is sent before the agent has heard that the interface is up again is lost.
anew() {
	local from=$1 to=$2 before
	before=$(seen initiation)
	ip -n "$(ns "$from")" link set "${TUNNEL[$from]}" down
	ip -n "$(ns "$from")" link set "${TUNNEL[$from]}" up
	ip -n "$(ns "$from")" address replace "${INNER6[$from]}/64" dev "${TUNNEL[$from]}" nodad
	sleep 1
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

# messages: what has been on the wire, one a line: its type, and the index of its receiver.
messages() {
	tcpdump -r "$WORK/wire" -x -n 2>/dev/null | awk '
		/0x0010:/ { type = substr($8, 1, 2) }
		/0x0020:/ { print type, type == "04" || type == "02" ? $2 $3 : "-" }'
}

uptime() {
	cut -d . -f 1 /proc/uptime
}

has_jumped() {
	[ "$(uptime)" -ge $(($1 + PAUSE - 5)) ]
}

pause() {
	local before old watchdog=/proc/sys/kernel/soft_watchdog stalls=/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress
	[ -e /proc/self/fd/3 ] || skip "only where vmtest/run can hear it"
	spawn wire "$WORK/tcpdump.log" tcpdump -i to-a -U --immediate-mode -w "$WORK/wire" "udp port $PORT and ip"
	wait_for 10 "tcpdump" grep -q listening "$WORK/tcpdump.log"
	flood a b 4 20
	flood b a 4 20
	before=$(messages | wc -l)
	at_least "messages before" 8 "$before"
	# A kernel that does not know that it was paused would believe that its CPU was stuck.
	echo 0 >$watchdog
	echo 1 >$stalls
	began=$(uptime)
	step "paused"
	echo "vmtest: pause $PAUSE" >&3
	wait_for 400 "the pause" has_jumped "$began"
	step "and on again after $(($(uptime) - began)) s"
	in_ns a ping -q -c 1 -W $((SLOW > 1 ? 4 : 1)) -p "$MARKER" "${INNER4[b]}" >"$WORK/ping" ||
		die "no answer at once: $(cat "$WORK/ping")"
	flood b a 4 20
	echo 0 >$stalls
	echo 1 >$watchdog
	step "first of all: $(messages | tail -n "+$((before + 1))" | head -n 6 | xargs)"
	old=$(messages | awk -v before="$before" '
		NR <= before && $1 == "04" { old[$2] }
		NR > before && $1 == "02"  { answered = 1 }
		NR > before && $1 == "04" && ($2 in old || !answered) { print NR ": to " $2 }')
	equal "data messages of the old session, or before a new one" "" "$old"
	at_least "messages after the pause" $((before + 8)) "$(messages | wc -l)"
}

case $1 in
wall | pause) "$1" ;;
*) die "expected wall or pause, not $1" ;;
esac
