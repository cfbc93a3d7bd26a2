#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tunnels' interfaces move to namespaces that have nothing else; sockets, keys and encryption stay. A
# move takes the interface down, which ends its sessions, so the one that moved speaks first.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4

# The same addresses, seen from the new namespaces.
for end in a b; do
	add_place "inner-$end" "$end"
	OTHER[inner-$end]=inner-${OTHER[$end]}
done

move a a inner-a
flood inner-a b 4 500
move b b inner-b
flood inner-b inner-a 6 500
flood inner-a inner-b 4 500
iperf inner-a inner-b 4 -t 1
iperf inner-a inner-b 6 -t 1 -R
iperf inner-b inner-a 4 -t 1 -u -b 20M

if [ "${ENGINE[a]}" = wgxdp ]; then
	step "an error comes back to where the packet was sent"
	ip -n "$(ns inner-a)" route add 10.99.0.0/16 dev "${TUNNEL[a]}"
	in_ns inner-a ping -c 1 -W 2 10.99.0.1 >"$WORK/ping" && die "10.99.0.1 answered"
	grep -q "Destination Host Unreachable" "$WORK/ping" || die "$(cat "$WORK/ping")"
fi

move a inner-a a
flood a inner-b 4 500
flood inner-b a 6 500
