#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Names of tunnels that do not exist, or cannot: every command fails with a line, and makes nothing.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
start_end a

before=$(ip -n "$(ns a)" -br link)
for name in nosuch w wireguard-has-no-such-name ../../etc . ""; do
	step "'$name'"
	refuses in_ns a wg show "$name" public-key 2>"$WORK/said"
	refuses in_ns a wg set "$name" listen-port 1 2>"$WORK/said"
	[ -s "$WORK/said" ] || die "'$name': wg says nothing"
	if [ "${ENGINE[a]}" = wgxdp ]; then
		refuses wgxdp a show "$name" 2>"$WORK/said"
		equal "lines said of '$name'" 1 "$(wc -l <"$WORK/said")"
	fi
done
equal "interfaces of a" "$before" "$(ip -n "$(ns a)" -br link)"
equal "port of a" "$PORT" "$(show a listen-port)"
