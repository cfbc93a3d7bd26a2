# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# flood.sh - a third party beside topology.sh's two: namespace c, which has a cable of its own to a's eth1 and
# floods a from there (flood.c). What it does is counted by a's verdicts.
# shellcheck disable=SC2034,SC2154 # topology.sh declares and reads them

FLOOD=$OUT/tests/flood
OUTER4[c]=198.51.100.3
OUTER6[c]=2001:db8:c::3
FLOODED4=198.51.100.1
FLOODED6=2001:db8:c::1

# add_flooder: c and its cable; a receives there too.
add_flooder() {
	[ -x "$FLOOD" ] || make -s -C "$TREE" O="$OUT" "${FLOOD#"$TREE/"}"
	add_namespace c
	ip -n "$(ns c)" link add name eth0 type veth peer name eth1 netns "$(ns a)"
	ip -n "$(ns c)" link set eth0 up
	ip -n "$(ns a)" link set eth1 up
	ip -n "$(ns c)" address add "${OUTER4[c]}/24" dev eth0
	ip -n "$(ns c)" address add "${OUTER6[c]}/64" dev eth0 nodad
	ip -n "$(ns a)" address add "$FLOODED4/24" dev eth1
	ip -n "$(ns a)" address add "$FLOODED6/64" dev eth1 nodad
	wait_for 5 "c's cable" in_ns c ping -q -c 1 -W 1 "$FLOODED4" >/dev/null
	wait_for 5 "c's cable" in_ns c ping -q -c 1 -W 1 "$FLOODED6" >/dev/null
}

# start_flood FAMILY KIND OPTION...: in the background; FLOOD_PORT is where to, FLOOD_CPU where it runs.
FLOOD_PID=
start_flood() {
	local family=$1 kind=$2 from=OUTER$1 to=FLOODED$1 mac
	shift 2
	mac=$(ip -n "$(ns a)" -j link show eth1 | jq -r '.[0].address')
	from="${from}[c]"
	spawn c "$WORK/flood.log" taskset -c "${FLOOD_CPU:-0-$(($(nproc --all) - 1))}" \
		"$FLOOD" eth0 "$mac" "${!from}" "${!to}" "${FLOOD_PORT:-$PORT}" "$kind" "$@"
	FLOOD_PID=$SPAWNED
}

# has_more END VERDICT THAN
has_more() {
	[ "$(verdict "$1" "$2")" -gt "$3" ]
}

# start_load FAMILY KIND OPTION...: a flood that brings a under load, and hardly more: what its agent cannot answer is lost
# by chance at its socket, b's too. How much that takes depends on the machine.
RATE=$((20000 / SLOW))
start_load() {
	local demanded
	demanded=$(verdict a cookie-demanded)
	until start_flood "$@" --rate "$RATE" && succeeds_within 3 has_more a cookie-demanded "$demanded"; do
		[ "$RATE" -lt 1000000 ] || die "no load by $RATE messages a second"
		stop "$FLOOD_PID"
		RATE=$((RATE * 2))
	done
	step "load by $RATE messages a second"
}

# finish_flood: waits for it; $SENT is how many messages went out.
SENT=0
finish_flood() {
	wait "$FLOOD_PID" || die "flood: $(cat "$WORK/flood.log")"
	SENT=$(awk '/^sent/ { print $2 }' "$WORK/flood.log")
	step "flood: $(tr '\n' ' ' <"$WORK/flood.log")"
}

flood_with() {
	start_flood "$@"
	finish_flood
}

# verdict END NAME: how many packets came to that end.
verdict() {
	wgxdp "$1" show "${TUNNEL[$1]}" --json | jq --arg name "$2" '.tunnels[0].verdicts[$name] // 0'
}

# agent_ticks END: hundredths of a second of CPU that its agent's loop has used; the thread beside it computes keystream
# for the tunnel's own traffic.
agent_ticks() {
	local pid
	pid=$(agent_pid "$1")
	awk '{ print $14 + $15 }' "/proc/$pid/task/$pid/stat"
}

# lost_at_c: frames that the ring of a's eth1 had no room for.
lost_on_the_cable() {
	ip -n "$(ns c)" -j -s link show eth0 | jq '.[0].stats64.tx.dropped'
}
