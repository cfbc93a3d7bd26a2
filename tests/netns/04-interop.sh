#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# wireguard-go at b: either end begins, with and without preshared key, over IPv4 and IPv6.
ENGINE_B=wireguard-go
. "$(dirname "$0")/topology.sh"
make_topology
start_end a
make_psk shared
for outer in 4 6; do
	# Of 2025, it sends its first IPv6 messages to nowhere when it has spoken IPv4 before; also to itself.
	start_end b
	step "b is: $("$WIREGUARD_GO" --version 2>/dev/null | head -n 1)"
	for psk in "" "--preshared-key $WORK/shared.psk"; do
		for initiator in a b; do
			responder=${OTHER[$initiator]}
			step "$initiator begins, IPv$outer, $([ -z "$psk" ] && echo no || echo with a) preshared key"
			# Only the initiator knows where the other is, and it comes second: something of the
			# last round may still want to be sent.
			# shellcheck disable=SC2086 # an option is two words
			add_peer "$responder" $psk
			# shellcheck disable=SC2086
			add_peer "$initiator" --endpoint "$(outer "$responder" $outer)" $psk
			before=$(seen initiation)
			flood "$initiator" "$responder" 4 1000
			flood "$responder" "$initiator" 6 1000
			equal "initiations" $((before + 1)) "$(seen initiation)"
			iperf "$initiator" "$responder" 4 -t 1
			iperf "$initiator" "$responder" 6 -t 1 -R
			iperf "$initiator" "$responder" 4 -t 1 -u -b 20M
			# It hands the kernel bursts that overflow a veth's ring: 5 %.
			at_most "lost datagrams" 90 "$(jq .end.sum.lost_packets "$WORK/iperf")"
			remove_peer a
			remove_peer b
		done
	done
	stop "${ENGINE_PID[b]}"
	wait_for 5 "wireguard-go to end" test ! -e "$UAPI/${TUNNEL[b]}.sock"
done
