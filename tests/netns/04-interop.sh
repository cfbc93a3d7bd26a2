#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Another WireGuard at b, wireguard-go if nothing else is said: either end begins, with and without preshared
# key, over IPv4 and IPv6. With BRIEF set, TCP and UDP are sent in the last of the eight rounds only.
ENGINE_B=${ENGINE_B:-wireguard-go}
. "$(dirname "$0")/topology.sh"
make_topology
start_end a
make_psk shared
for outer in 4 6; do
	# wireguard-go sends its first IPv6 messages to nowhere when it has spoken IPv4 before; also to itself.
	start_end b
	step "b is: $(engine_version b)"
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
			if [ -z "${BRIEF:-}" ] || [ "$outer $initiator ${psk:+with}" = "6 b with" ]; then
				for family in 4 6; do
					tcp "$initiator" "$responder" "$family"
				done
				udp "$initiator" "$responder" 4
				equal "datagrams lost" 0 "$LOST"
			fi
			remove_peer a
			remove_peer b
		done
	done
	stop_engine b
done
