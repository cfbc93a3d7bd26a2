#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A peer whose endpoint is routed into the tunnel itself: what goes round ends soon. The kernel's own script wants
# fewer than 70 000 bytes for one ping; and the tunnel works again when the endpoint is a sane one.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
make_tunnel 4
flood a b 4 10

sent_by_a() {
	show a transfer | cut -f 2
}

for family in 4 6; do
	step "the endpoint is b's inner address, IPv$family"
	before=$(sent_by_a)
	case $family in
	4) set_endpoint a "${INNER4[b]}:$PORT" ;;
	6) set_endpoint a "[${INNER6[b]}]:$PORT" ;;
	esac
	for to in 4 6; do
		in_ns a ping -q -c 1 -W 1 -p "$MARKER" "$(inner b $to)" >/dev/null || true
	done
	at_most "bytes sent by a" 140000 $(($(sent_by_a) - before))
	set_endpoint a "$(outer b 4)"
	flood a b 4 10
	flood b a 6 10
done
