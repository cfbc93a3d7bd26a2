#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# attach, detach and down may be said twice, two tunnels share an interface, and `down` finds everything,
# also after everything was killed. What cannot be done is refused in one line, and nothing changes.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}

# xdp: ids of the receive programs on a's eth0.
xdp() {
	ip -n "$(ns a)" -j -d link show eth0 | jq -c '[.[].xdp.prog.id // empty]'
}

# state: all that can be seen of a's end from outside, but for what flows.
state() {
	wg showconf "$T"
	xdp
	ip -n "$(ns a)" -br link
	ip -n "$(ns a)" -br address
	ip -n "$(ns wire)" -br link
	cat "$STATE/$(inode a)/$T.pid"
	find "$STATE/$(inode a)" | sort
	find "$(pins a)" | sort
}

step "attach again: nothing changes, no packet is lost"
before=$(state)
start_pings a b 4 1000
flow_of 200
attach a
attach a --private-key "$WORK/a.key" --listen-port "$PORT" --address "${INNER4[a]}/24"
finish_pings 0
equal "state" "$before" "$(state)"

step "what is refused"
# bad WORD...: one line that begins with the program's name, status not 0, all as before.
bad() {
	local said status=0
	said=$(in_ns a timeout 10 "$WGXDP" "$@" 2>&1 >"$WORK/out" </dev/null) || status=$?
	[ "$status" -ne 0 ] || die "status 0 of: wgxdp $*"
	[ "$status" -lt 124 ] || die "status $status of: wgxdp $*"
	equal "lines said by: wgxdp $*: $said" 1 "$(wc -l <<<"$said")"
	case $said in
	"wgxdp: "* | "$T: "*) ;;
	*) die "wgxdp $*: '$said' does not say who speaks" ;;
	esac
	[ ! -s "$WORK/out" ] || die "wgxdp $* printed: $(cat "$WORK/out")"
	[ "$(state)" = "$before" ] || die "wgxdp $* changed something: $(diff <(echo "$before") <(state))"
	echo "#     $said"
}
PUB=$(wg genkey | wg pubkey)
echo "not a key" >"$WORK/bad.key"
: >"$WORK/empty.key"
bad
bad nonsense
bad peer
bad peer nonsense
bad attach
bad attach eth9 --tunnel "$T"
bad attach lo --tunnel "$T"
bad attach "$T" --tunnel "$T"
bad attach eth0 --tunnel a-name-that-is-too-long
bad attach eth0 --tunnel a/b
bad attach eth0 --tunnel eth0
bad attach eth0 --tunnel "$T" --nonsense
bad attach eth0 --tunnel "$T" --mode quick
bad attach eth0 --tunnel "$T" --listen-port 65536
bad attach eth0 --tunnel "$T" --listen-port -1
bad attach eth0 --tunnel "$T" --listen-port
bad attach eth0 --tunnel "$T" --fwmark 4294967296
bad attach eth0 --tunnel "$T" --address 10.0.0.1/33
bad attach eth0 --tunnel "$T" --address 10.0.0/24
bad attach eth0 --tunnel "$T" --private-key "$WORK/none.key"
bad attach eth0 --tunnel "$T" --private-key "$WORK/bad.key"
bad attach eth0 --tunnel "$T" --private-key "$WORK/empty.key"
bad attach eth0 --tunnel "${T}x" --private-key "$WORK/bad.key"
bad attach eth0 --tunnel "${T}x" --private-key "$WORK/b.key" --listen-port "$PORT"
bad detach eth9 --tunnel "$T"
bad down "${T}x"
bad peer add
bad peer add "$PUB" --tunnel "${T}x"
bad peer add "$PUB" --tunnel "$T" --allowed-ips 10.0.0.0/33
bad peer add "$PUB" --tunnel "$T" --allowed-ips fd00::/129
bad peer add "$PUB" --tunnel "$T" --allowed-ips 10.0.0.0/8,
bad peer add "$PUB" --tunnel "$T" --endpoint 192.0.2.9
bad peer add "$PUB" --tunnel "$T" --endpoint 192.0.2.9:0
bad peer add "$PUB" --tunnel "$T" --endpoint 192.0.2.9:65536
bad peer add "$PUB" --tunnel "$T" --endpoint nowhere.invalid:51820
bad peer add "$PUB" --tunnel "$T" --keepalive 65536
bad peer add "$PUB" --tunnel "$T" --preshared-key "$WORK/bad.key"
bad peer add "${PUB%=}" --tunnel "$T"
bad peer add "${PUB%?=}B=" --tunnel "$T"
bad peer add "x$PUB" --tunnel "$T"
bad peer add "$(public_key a)" --tunnel "$T"
bad peer add "$(public_key b)" --tunnel "$T"
bad peer set "$PUB" --tunnel "$T" --keepalive 5
bad peer remove "$PUB" --tunnel "$T"
bad show "${T}x"
bad agent a/b -f
bad agent "$T" -f
bad genkey more
bad pubkey

step "a foreign program on an interface is named and left alone"
ip -n "$(ns a)" link add name other type veth peer name other2
"${CLANG:-clang-19}" -target bpf -O2 -x c -c -o "$WORK/foreign.o" - <<-'END'
	__attribute__((section("xdp"), used)) int foreign(void *context) { return context ? 2 : 1; }
END
ip -n "$(ns a)" link set other xdpgeneric object "$WORK/foreign.o" section xdp
before=$(state)
bad attach other --tunnel "$T"
ip -n "$(ns a)" link delete other
before=$(state)

step "a second tunnel on the same interface, and away again"
wgxdp a attach eth0 --tunnel "${T}2" --private-key "$WORK/b.key" --listen-port $((PORT + 1))
flood a b 4 100
wgxdp a down "${T}2"
flood a b 4 100
equal "state" "$before" "$(state)"

step "detach: what arrives takes the slow way; attach: the fast one again"
wgxdp a detach eth0 --tunnel "$T"
equal "receive programs" "[]" "$(xdp)"
flood a b 4 200
flood b a 6 200
attach a
flood a b 4 200
equal "initiations" 1 "$(seen initiation)"

step "down, twice"
wgxdp a down "$T"
refuses wgxdp a down "$T"
equal "receive programs" "[]" "$(xdp)"

step "attached again, everything killed, and down"
start_end a
add_peer a --endpoint "$(outer b 4)"
flood a b 4 10
kill_agent a
wgxdp a down "$T"

step "attached again, everything killed, the interface deleted, and down"
start_end a
kill_agent a
ip -n "$(ns a)" link delete "$T"
wgxdp a down "$T"
