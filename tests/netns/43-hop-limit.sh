#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The outer TTL or hop limit of data is the route's, and where that has none the host's default: a changed route is
# noticed at once, a changed default with the next handshake. The wire writes down which it sees.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
in_ns wire nft -f - <<END
	table netdev look {
		set ttls { typeof ip ttl; flags dynamic; size 256; }
		set hop_limits { typeof ip6 hoplimit; flags dynamic; size 256; }
		chain from_a {
			type filter hook ingress device to-a priority 0
			ip version 4 udp dport $PORT @th,64,32 0x04000000 update @ttls { ip ttl }
			ip6 version 6 udp dport $PORT @th,64,32 0x04000000 update @hop_limits { ip6 hoplimit }
		}
	}
END

# hop_limits FAMILY: those of a packet that goes now.
hop_limits() {
	local set=ttls
	[ "$1" = 4 ] || set=hop_limits
	in_ns wire nft flush set netdev look $set
	in_ns a ping -q -c 1 -W 2 -p "$MARKER" "${INNER4[b]}" >/dev/null || return
	in_ns wire nft -j list set netdev look $set | jq -c '.nftables[] | select(.set).set.elem'
}

goes_with() {
	[ "$(hop_limits "$1")" = "[$2]" ]
}

# from_now_on FAMILY LIMIT
from_now_on() {
	wait_for 5 "a hop limit of $2 over IPv$1" goes_with "$1" "$2"
	step "IPv$1: $2"
}

for family in 4 6; do
	[ "$family" = 4 ] && default=net/ipv4/ip_default_ttl || default=net/ipv6/conf/eth0/hop_limit
	[ "$family" = 4 ] && address=${OUTER4[b]} || address=${OUTER6[b]}
	if [ "$family" = 4 ]; then
		make_tunnel 4
	else
		set_endpoint a "$(outer b 6)"
	fi
	from_now_on "$family" 64

	step "a route that says 33, and no more"
	ip -n "$(ns a)" route add "$address" dev eth0 hoplimit 33
	from_now_on "$family" 33
	ip -n "$(ns a)" route delete "$address" dev eth0
	from_now_on "$family" 64

	step "the host's default is 99, from the next handshake on"
	in_ns a sh -c "echo 99 >/proc/sys/$default"
	wg set "${TUNNEL[b]}" private-key <(wg genkey)
	wg set "${TUNNEL[b]}" private-key "$WORK/b.key" peer "$(public_key a)" \
		endpoint "$(outer a "$family")" allowed-ips "${INNER4[a]}/32,${INNER6[a]}/128"
	from_now_on "$family" 99
done
