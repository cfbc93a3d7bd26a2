#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# New sessions under traffic, and nothing lost: a peer that rekeys at will (rekeying_peer.py) in the place of
# b; with LONG=1 also the real thing, 130 s of pings both ways across the 120 s at which the initiator
# rekeys. ENGINE_B=wireguard-go is that one's other end, or wgxdp.
. "$(dirname "$0")/topology.sh"
make_topology
start_end a
make_key b
add_peer a

step "forty sessions in a row"
in_ns b "$SUITE/rekeying_peer.py" "$WORK/b.key" "$WORK/a.pub" 40 >"$WORK/peer" 2>&1 || die "$(cat "$WORK/peer")"
step "$(cat "$WORK/peer")"
equal "initiations" 40 "$(seen initiation)"
equal "responses" 40 "$(seen response)"

if [ -z "${LONG:-}" ]; then
	step "the real thing takes 130 s: LONG=1"
	exit 0
fi

remove_peer a
start_end b
for initiator in a b; do
	responder=${OTHER[$initiator]}
	add_peer "$responder"
	add_peer "$initiator" --endpoint "$(outer "$responder" 4)"
	before=$(seen initiation)
	step "$initiator begins; 130 s"
	spawn "$responder" "$WORK/back" ping -q -i 0.005 -w 130 -p "$MARKER" "${INNER6[$initiator]}"
	back=$SPAWNED
	spawn "$initiator" "$WORK/pings" ping -q -i 0.005 -w 130 -p "$MARKER" "${INNER4[$responder]}"
	PINGS=$SPAWNED
	finish_pings 1
	wait "$back" || true
	grep -q ' 0.*% packet loss' "$WORK/back" || die "back: $(cat "$WORK/back")"
	equal "initiations" 2 $(($(seen initiation) - before))
	remove_peer a
	remove_peer b
done
