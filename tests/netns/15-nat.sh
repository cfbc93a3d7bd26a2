#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# a behind a NAT that forgets after two seconds, six on a slow machine: without keepalive b cannot reach a, with one it can.
#
#      namespace a            namespace wire, router                       namespace b
#    | eth0 192.168.1.2 |====| to-a 192.168.1.1   masquerade   br0 192.0.2.254 |====| eth0 192.0.2.2 |
. "$(dirname "$0")/topology.sh"
make_topology
# Longer than the pings of both ends together take on a slow machine, and less than the 10 s after which an end that
# was sent something and had no answer says something by itself.
FORGETS=$((SLOW > 1 ? 6 : 2))
ip -n "$(ns wire)" link set to-a nomaster
ip -n "$(ns wire)" address add 192.168.1.1/24 dev to-a
ip -n "$(ns wire)" address add 192.0.2.254/24 dev br0
ip -n "$(ns a)" address flush dev eth0
ip -n "$(ns a)" address add 192.168.1.2/24 dev eth0
ip -n "$(ns a)" route add default via 192.168.1.1
in_ns wire nft -f - <<-END
	table ip nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname br0 udp sport $PORT masquerade random
		}
	}
END
in_ns wire sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward
	echo $FORGETS >/proc/sys/net/netfilter/nf_conntrack_udp_timeout
	echo $FORGETS >/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream"

start_end a
start_end b
add_peer b
add_peer a --endpoint "$(outer b 4)"
flood a b 4 10
flood b a 4 10
[[ $(show b endpoints) = 192.0.2.254:* ]] || die "b sees a at $(show b endpoints)"

forgotten() {
	! grep -q "dport=$PORT" "/proc/$SNIFFER_PID/net/nf_conntrack"
}
step "the NAT forgets a, and b reaches it no more"
wait_for 10 "the NAT to forget" forgotten
in_ns b ping -q -c 1 -W 1 "${INNER4[a]}" >/dev/null && die "b reached a through a NAT that has forgotten it"

step "a keeps the NAT open: one keepalive a second"
wait_for 10 "the NAT to forget" forgotten
before=$(seen data)
wg set "${TUNNEL[a]}" peer "$(public_key b)" persistent-keepalive 1
wait_for 10 "keepalives" has_seen data $((before + 10))
flood b a 4 10

step "the NAT gives a another port: a's next keepalive tells b"
old=$(show b endpoints)
in_ns wire nft flush ruleset
in_ns wire nft -f - <<-END
	table ip nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname br0 udp sport $PORT masquerade to :40000-40100
		}
	}
END
wg set "${TUNNEL[a]}" peer "$(public_key b)" persistent-keepalive off
wait_for 10 "the NAT to forget" forgotten
wg set "${TUNNEL[a]}" peer "$(public_key b)" persistent-keepalive 1
moved() {
	[ "$(show b endpoints)" != "$old" ]
}
wait_for 10 "b to notice" moved
flood b a 4 10
