#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp doctor` finds nothing that must be done on a host where a tunnel works, and finds what is put there to
# be found: a closed port (by the handshake that does not come too), a foreign program, an MTU, an agent that is
# gone. It changes nothing.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}

# state CHECK [SUBJECT]: of $WORK/found.
finding() {
	jq -r --arg check "$1" --arg subject "${2-eth0}" ".findings[]
		| select(.check == \$check and (.subject // \"\") == \$subject) | $3" "$WORK/found"
}
doctor() {
	wgxdp a doctor "$@" --json >"$WORK/found"
}
expect() {
	equal "$1 of $2" "$3" "$(finding "$1" "$2" .state)"
}
look() {
	ip -n "$(ns a)" -d link
	wg showconf "$T"
	in_ns a nft list ruleset
}

step "a host on which it works"
before=$(look)
doctor || die "something is wrong: $(cat "$WORK/found")"
for check in kernel btf rights jit; do
	expect "$check" "" good
done
expect driver eth0 good
expect xdp eth0 good
expect mtu eth0 good
expect agent "$T" good
expect firewall "$T" good
equal "native" "wgxdp is attached, native mode" "$(finding xdp eth0 .found)"
[ "$(look)" = "$before" ] || die "changed: $(diff <(echo "$before") <(look))"
wgxdp a doctor eth0 >"$WORK/text"
grep -Eq '^good +driver +eth0 +veth$' "$WORK/text" || die "$(cat "$WORK/text")"
equal "as many lines as findings" "$(jq '.findings | length' "$WORK/found")" "$(grep -c '^[a-z]' "$WORK/text")"

step "what is described is what is printed"
for field in $(jq -r '.findings[0] | keys[]' "$WORK/found") $(jq -r '.findings[].check' "$WORK/found"); do
	sed -n '/^## .wgxdp doctor/,$p' "$TREE/user/cli/json.md" | grep -q "\`$field\`" || die "$field is not described"
done

step "a packet filter that is closed: found, and true"
in_ns a nft -f - <<-'END'
	table inet guard {
		chain input {
			type filter hook input priority 0; policy drop;
			iif lo accept
			ct state established,related accept
			tcp dport 22 accept
			meta l4proto { icmp, ipv6-icmp } accept
		}
	}
END
doctor && die "a closed port is well"
expect firewall "$T" bad
advice=$(finding firewall "$T" .advice)
equal "advice" "nft insert rule inet guard input udp dport $PORT accept" "$advice"
refuses in_ns b ping -q -c 2 -i 0.2 -W 1 "${INNER4[a]}" >/dev/null

step "what it advises is what helps"
# shellcheck disable=SC2086 # words
in_ns a $advice
doctor || die "still closed: $(cat "$WORK/found")"
expect firewall "$T" good
flood a b 4 10
in_ns a nft delete table inet guard

step "a small MTU, a large one"
ip -n "$(ns a)" link set eth0 mtu 1400
doctor
expect mtu eth0 advice
[[ $(finding mtu eth0 .advice) == "give the tunnel an MTU of 1320"* ]] || die "$(finding mtu eth0 .advice)"
ip -n "$(ns a)" link set eth0 mtu 1500

step "a foreign program, the loopback interface"
ip -n "$(ns a)" link add name other type veth peer name other2
"${CLANG:-clang-19}" -target bpf -O2 -x c -c -o "$WORK/foreign.o" - <<-'END'
	__attribute__((section("xdp"), used)) int foreign(void *context) { return context ? 2 : 1; }
END
ip -n "$(ns a)" link set other xdpgeneric object "$WORK/foreign.o" section xdp
doctor other && die "a foreign program is well"
expect xdp other bad
ip -n "$(ns a)" link delete other
doctor lo && die "loopback is well"
expect driver lo bad

step "detached, and without an agent"
wgxdp a detach eth0 --tunnel "$T"
doctor eth0
expect agent "$T" advice
expect xdp eth0 good
attach a
kill_agent a
doctor && die "no agent is well"
expect agent "$T" bad

step "without rights"
setpriv --reuid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
	"$WGXDP" doctor --json >"$WORK/found" && die "nobody is root"
expect rights "" bad
