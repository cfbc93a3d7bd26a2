#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Outer packets with a VLAN tag (802.1Q) reach the tunnel, and once: with the tag in the frame or beside it, where
# devices put it that take it off, in each mode and without the receive program. The tag is of VLAN 0, which is a
# priority only and needs no VLAN interface. What is of another VLAN is left to the stack.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10

"${CLANG:-clang-19}" -target bpf -O2 -x c -c -o "$WORK/tag.o" - <<-'END'
	#define CALLED static __attribute__((unused))
	CALLED long (*load)(const void *, unsigned, void *, unsigned) = (void *)26;
	CALLED long (*store)(void *, unsigned, const void *, unsigned, unsigned long) = (void *)9;
	CALLED long (*push)(void *, unsigned short, unsigned short) = (void *)18;
	CALLED long (*lengthen)(void *, unsigned, unsigned long) = (void *)43;
	static int is_ip(const unsigned char *head)
	{
		return (head[12] == 8 && head[13] == 0) || (head[12] == 0x86 && head[13] == 0xdd);
	}
	static inline __attribute__((always_inline)) int into_the_frame(void *packet, unsigned char vlan)
	{
		unsigned char head[18];
		if (load(packet, 0, head, 14) || !is_ip(head))
			return 0;
		head[16] = head[12], head[17] = head[13];
		head[12] = 0x81, head[13] = 0, head[14] = 0x60, head[15] = vlan;
		return lengthen(packet, 4, 0) || store(packet, 0, head, sizeof(head), 0) ? 2 : 0;
	}
	__attribute__((section("tc/inside"), used)) int inside(void *packet) { return into_the_frame(packet, 0); }
	__attribute__((section("tc/other"), used)) int other(void *packet) { return into_the_frame(packet, 5); }
	__attribute__((section("tc/beside"), used)) int beside(void *packet)
	{
		unsigned char head[14];
		return load(packet, 0, head, 14) || !is_ip(head) ? 0 : push(packet, 0x81, 0x6000) ? 2 : 0;
	}
	__attribute__((section("license"), used)) char words_of_license[] = "GPL";
END

# tag HOW: what b gets from now on.
tag() {
	in_ns wire tc filter replace dev to-b egress prio 1 handle 1 bpf da object-file "$WORK/tag.o" section "tc/$1"
}
in_ns wire tc qdisc add dev to-b clsact

# verdict NAME: of b's packets.
verdict() {
	wgxdp b show --json "${TUNNEL[b]}" | jq ".tunnels[].verdicts[\"$1\"] // 0"
}

# once HOW: 20 pings in each inner family and as many packets delivered.
once() {
	local inner before
	before=$(verdict delivered)
	for inner in 4 6; do
		in_ns a ping -q -c 20 -i 0.005 -W 2 -p "$MARKER" "$(inner b $inner)" >"$WORK/ping" || die "$1: $(cat "$WORK/ping")"
		grep -q " 20 received, 0% packet loss" "$WORK/ping" || die "$1: $(cat "$WORK/ping")"
		grep -q duplicates "$WORK/ping" && die "$1: $(cat "$WORK/ping")"
	done
	equal "$1: delivered" 40 $(($(verdict delivered) - before))
	equal "$1: replayed" 0 "$(verdict replayed)"
	step "$1: each ping delivered once"
}

everywhere() {
	local outer where
	for outer in 4 6; do
		set_endpoint a "$(outer b $outer)"
		set_endpoint b "$(outer a $outer)"
		for where in inside beside; do
			tag $where
			once "$1, IPv$outer outside, tag $where the frame"
		done
	done
}

everywhere "native mode"
wgxdp b detach eth0
everywhere "no receive program"
attach b --mode generic
everywhere "generic mode"

step "a VLAN that is not ours"
tag other
before=$(verdict delivered)
in_ns a ping -q -c 3 -i 0.1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null && die "answered"
equal "delivered" "$before" "$(verdict delivered)"
in_ns wire tc filter delete dev to-b egress
flood a b 4 50
