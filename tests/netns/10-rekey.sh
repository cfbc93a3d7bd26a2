#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# New sessions under traffic, and nothing lost: a peer that rekeys at will (rekeying_peer.py) in the place of b.
# 33 is the real thing, by the clock.
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
