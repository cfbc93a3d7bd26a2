#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Floods by somebody who knows the public key. a is under load and asks for cookies; b still gets its handshake,
# by one; who floods with a cookie is held to its rate. With the receive program on the flooded cable, and
# without, where the agent has to do it alone.
. "$(dirname "$0")/topology.sh"
. "$SUITE/flood.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
add_flooder
KEY=$(public_key a)

# cost WHAT: of the agent of a since the last time, in thousandths of the time that has passed.
cost() {
	local ticks now=${EPOCHREALTIME/./}
	ticks=$(agent_ticks a)
	COST=$(((ticks - COST_TICKS) * 10000000 / (now - COST_SINCE)))
	COST_TICKS=$ticks COST_SINCE=$now
	[ -z "${1:-}" ] || step "$1: the agent took $COST thousandths of a CPU"
}
COST_TICKS=0 COST_SINCE=0

# a_new_handshake: b forgets all and starts again; it must get through.
a_new_handshake() {
	local cookies
	cookies=$(seen cookie)
	remove_peer b
	add_peer b --endpoint "$(outer a "$1")"
	in_ns b ping -q -c 1 -W 30 "${INNER4[a]}" >/dev/null || die "no handshake under load"
	at_least "cookie replies to b" $((cookies + 1)) "$(seen cookie)"
	step "b got through, with a cookie"
}

# load_by FAMILY KIND OPTION...: the program is flooded at full speed. The agent alone only as far as that is load: what is
# more than it can answer is lost by chance at its socket, b's too.
load_by() {
	local demanded
	if [ "$program" = without ]; then
		start_load "$@"
		return
	fi
	demanded=$(verdict a cookie-demanded)
	start_flood "$@"
	wait_for 10 "load" has_more a cookie-demanded "$demanded"
}

for program in without with; do
	[ "$program" = without ] || wgxdp a attach eth1 --tunnel "${TUNNEL[a]}"
	step "$program the receive program on the flooded cable"

	cost
	load_by 4 mac1 --key "$KEY" --sources 100000 --seconds 30
	a_new_handshake 4
	stop "$FLOOD_PID"
	cost "$program: flood from many sources"
	[ "$program" = without ] || at_most "thousandths of a CPU" 200 "$COST"

	load_by 6 forged --key "$KEY" --seconds 60
	a_new_handshake 6
	cost "$program: flood from one source, with forged cookies"
	[ "$program" = without ] || at_most "thousandths of a CPU" 200 "$COST"
	stop "$FLOOD_PID"

	step "one who has a cookie floods too: its rate is 20 a second"
	start_load 6 forged --key "$KEY" --seconds 60
	other=$FLOOD_PID
	limited=$(verdict a rate-limited)
	flood_with 4 holder --key "$KEY" --count 20000 --seconds 25 --rate "$RATE"
	# the agent alone: some are lost at its socket, and between two loads nobody is limited
	expected=$((limited + SENT * $([ "$program" = with ] && echo 95 || echo 60) / 100))
	# what the agent looks at itself waits for its turn
	wait_for 10 "them to be rate-limited" has_more a rate-limited "$expected"
	stop "$other"
	step "$SENT with a cookie, $(($(verdict a rate-limited) - limited)) rate-limited"
	[ "$program" = without ] || at_least "flooded" 1000 "$(verdict a flooded)"
done

step "a second after the flood nobody is asked for a cookie any more"
over() {
	local cookies
	cookies=$(seen cookie)
	remove_peer b
	add_peer b --endpoint "$(outer a 4)"
	in_ns b ping -q -c 1 -W 2 "${INNER4[a]}" >/dev/null && [ "$(seen cookie)" -eq "$cookies" ]
}
wait_for 15 "the end of load" over
