#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A packet whose source is not among its peer's allowed IPs goes no further, nor one whose source is within
# them but belongs to another peer by a longer prefix. The peer's endpoint follows it all the same.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
flood b a 4 10

# heard_from ADDRESS: does a's stack get an echo request from there?
heard_from() {
	local before
	ip -n "$(ns b)" address replace "$1/24" dev "${TUNNEL[b]}"
	before=$(seen data)
	in_ns b ping -q -c 1 -W 1 -p "$MARKER" -I "$1" "${INNER4[a]}" >"$WORK/ping" || true
	wait_for 5 "the request on the wire" has_seen data $((before + 1))
	grep -q ' 1 received' "$WORK/ping"
}

step "b uses an address that is not its own"
refuses heard_from 10.77.0.9
received=$(show a transfer)

step "and once more, from another endpoint"
ip -n "$(ns b)" address add 192.0.2.12/24 dev eth0
ip -n "$(ns b)" route replace "${OUTER4[a]}/32" dev eth0 src 192.0.2.12
[ "${ENGINE[b]}" = wgxdp ] || wg set "${TUNNEL[b]}" peer "$(public_key a)" endpoint "$(outer a 4)"
refuses heard_from 10.77.0.9
equal "endpoint of b at a" "192.0.2.12:$PORT" "$(show a endpoints)"
# The kernel counts what it accepts only.
[ "${ENGINE[a]}" = kernel ] || [ "$(show a transfer)" != "$received" ] || die "a did not count what it refused"

step "10.77.0.0/24 is b's, but 10.77.0.9 somebody else's"
wg set "${TUNNEL[a]}" peer "$(public_key b)" allowed-ips 10.77.0.0/24
wg set "${TUNNEL[a]}" peer "$(wg genkey | wg pubkey)" allowed-ips 10.77.0.9/32
refuses heard_from 10.77.0.9
heard_from 10.77.0.8 || die "10.77.0.8 was refused"

step "and b's again, when it is moved to b"
wg set "${TUNNEL[a]}" peer "$(public_key b)" allowed-ips 10.77.0.0/24,10.77.0.9/32
heard_from 10.77.0.9 || die "10.77.0.9 was refused"
