#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What cannot be sent comes back as an ICMP error, to a local sender and to one behind a, from the address of a that
# its routes choose for the answer; also where the tunnel's interface moved to another namespace with the way to c.
#
#    namespace c: eth0 10.88.0.2 ====== 10.88.0.1 to-c, namespace a (later: inner), tunnel ...
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
make_tunnel 4

add_namespace c
ip -n "$(ns a)" link add name to-c type veth peer name eth0 netns "$(ns c)"
ip -n "$(ns a)" address add 10.88.0.1/24 dev to-c
ip -n "$(ns a)" address add fd88::1/64 dev to-c nodad
ip -n "$(ns c)" address add 10.88.0.2/24 dev eth0
ip -n "$(ns c)" address add fd88::2/64 dev eth0 nodad
ip -n "$(ns a)" link set to-c up
ip -n "$(ns c)" link set eth0 up
ip -n "$(ns c)" route add default via 10.88.0.1
ip -n "$(ns c)" route add default via fd88::1
in_ns a sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ip -n "$(ns a)" route add 10.99.0.0/16 dev "${TUNNEL[a]}"
ip -n "$(ns a)" route add fd99::/16 dev "${TUNNEL[a]}"
wg set "${TUNNEL[b]}" peer "$(public_key a)" allowed-ips 10.77.0.1/32,fd77::1/128,10.88.0.0/24,fd88::/64
ip -n "$(ns b)" route add 10.88.0.0/24 dev "${TUNNEL[b]}"
ip -n "$(ns b)" route add fd88::/64 dev "${TUNNEL[b]}"

# Who answers a sender: of a, the address that leads to it.
declare -A ANSWERS4=([a]=${INNER4[a]} [inner]=${INNER4[a]} [c]=10.88.0.1)
declare -A ANSWERS6=([a]=${INNER6[a]} [inner]=${INNER6[a]} [c]=fd88::1)

# error FROM DESTINATION WORDS OPTION...: what ping is told, and by whom.
error() {
	local from=$1 to=$2 words=$3 said answers
	shift 3
	case $to in
	*:*) answers=${ANSWERS6[$from]} ;;
	*) answers=${ANSWERS4[$from]} ;;
	esac
	said=$(in_ns "$from" ping -n -c 1 -W 2 -p "$MARKER" "$@" "$to") && die "$to answered: $said"
	grep -q "^From $answers icmp_seq=1 $words" <<<"$said" ||
		die "$from to $to: expected '$words' from $answers, got: $said"
	step "$from to $to: $(grep "$words" <<<"$said")"
}

step "no peer has the address"
for from in a c; do
	error $from 10.99.0.1 "Destination Host Unreachable"
	error $from fd99::1 "Destination unreachable: Address unreachable"
done

step "the peer that has it has no endpoint"
wg set "${TUNNEL[a]}" peer "$(wg genkey | wg pubkey)" allowed-ips 10.99.1.0/24,fd99:1::/32
for from in a c; do
	error $from 10.99.1.1 "Destination Host Unreachable"
	error $from fd99:1::1 "Destination unreachable: Address unreachable"
done
equal "packets to the wire so far" 0 "$(seen data)"
equal "initiations so far" 0 "$(seen initiation)"

step "larger than the tunnel's MTU, which c cannot know"
error c "${INNER4[b]}" "Frag needed and DF set (mtu = $MTU)" -M "do" -s 1450
error c "${INNER6[b]}" "Packet too big: mtu=$MTU" -M "do" -s 1450
in_ns c ping -q -c 3 -p "$MARKER" -M "do" -s $((MTU - 28)) "${INNER4[b]}" >/dev/null || die "the largest is lost"
in_ns c ping -q -c 3 -p "$MARKER" -M "do" -s $((MTU - 48)) "${INNER6[b]}" >/dev/null || die "the largest is lost"

if [ "${ENGINE[a]}" != wgxdp ]; then
	exit 0
fi
step "c hides behind the tunnel's address, and is told all the same"
in_ns a nft -f - <<-END
	table inet hide {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname "${TUNNEL[a]}" masquerade
		}
	}
END
ANSWERS4[c]=${INNER4[a]} ANSWERS6[c]=${INNER6[a]}
error c 10.99.0.1 "Destination Host Unreachable"
error c fd99::1 "Destination unreachable: Address unreachable"
in_ns a nft flush ruleset

step "tunnel and c move to another namespace; the agent stays"
add_namespace inner
in_ns inner sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
move a a inner
ip -n "$(ns a)" link set to-c netns "$(ns inner)"
ip -n "$(ns inner)" link set to-c up
ip -n "$(ns inner)" address add 10.88.0.1/24 dev to-c
ip -n "$(ns inner)" address add fd88::1/64 dev to-c nodad
ip -n "$(ns inner)" route add 10.99.0.0/16 dev "${TUNNEL[a]}"
ip -n "$(ns inner)" route add fd99::/16 dev "${TUNNEL[a]}"
ANSWERS4[c]=10.88.0.1 ANSWERS6[c]=fd88::1
for from in inner c; do
	error $from 10.99.0.1 "Destination Host Unreachable"
	error $from fd99::1 "Destination unreachable: Address unreachable"
	error $from 10.99.1.1 "Destination Host Unreachable"
	error $from fd99:1::1 "Destination unreachable: Address unreachable"
done
ip -n "$(ns inner)" link set "${TUNNEL[a]}" netns "$(ns a)"
NOW[a]=a
