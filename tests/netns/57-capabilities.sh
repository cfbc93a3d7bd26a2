#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a running agent may do: five capabilities and no more, in each of its threads, and nothing it executes more
# than that; and the files of its tunnel's, where the kernel has Landlock. All that is asked of it afterwards works: marks, low ports, peers, another interface, a tunnel that is
# moved away, a restart, an end that leaves nothing.
. "$(dirname "$0")/topology.sh"
both_wgxdp
export LOG_LEVEL=verbose
make_topology
T=${TUNNEL[a]}
# NET_BIND_SERVICE, NET_BROADCAST, NET_ADMIN, NET_RAW, BPF
OF_AGENT=0000008000003c00
# NET_RAW, SYS_PTRACE, SYS_ADMIN
OF_HELPER=0000000000282000
NONE=0000000000000000

agent() {
	cat "$STATE/$(inode a)/$T.pid"
}
# sets PID: each thread's capabilities and the switch, what differs one a line.
sets() {
	cat /proc/"$1"/task/*/status | grep -E '^(Cap|NoNewPrivs)' | sort -u | tr -s '\t\n' ' '
}
expected() {
	echo "CapAmb: $NONE CapBnd: $1 CapEff: $1 CapInh: $NONE CapPrm: $1 NoNewPrivs: 1 "
}
# restricted: the agent and its helper are what they are to be.
restricted() {
	equal "sets of the agent" "$(expected $OF_AGENT)" "$(sets "$(agent)")"
	HELPER=$(pgrep -P "$(agent)")
	equal "the agent's child" wgxdp-helper "$(cat "/proc/$HELPER/comm")"
	equal "sets of the helper" "$(expected $OF_HELPER)" "$(sets "$HELPER")"
	equal "what the helper has open" 4 "$(find "/proc/$HELPER/fd" -mindepth 1 | wc -l)"
}

step "as attach starts it, and with a thread that computes keystream"
make_tunnel 4
restricted
flood a b 4 10
iperf a b 4 -t 2
iperf b a 4 -t 1
at_least "threads" 2 "$(find "/proc/$(agent)/task" -mindepth 1 -maxdepth 1 | wc -l)"
restricted

# marked COMMAND...: how many of a's outer packets carry the mark 77 meanwhile.
marked() {
	in_ns a nft -f - <<-END
		table inet marks {
			chain output {
				type filter hook output priority 0
				udp sport $PORT meta mark 77 counter
			}
		}
	END
	"$@"
	in_ns a nft -j list ruleset | jq '[.. | .counter? | select(.) | .packets] | add'
	in_ns a nft flush ruleset
}
# handshake: one that a begins, by its socket.
handshake() {
	wgxdp a peer remove "$(public_key b)" --tunnel "$T"
	add_peer a --endpoint "$(outer b 4)"
	flood a b 4 10 >&2
}

step "a mark that is set later, and taken away"
wg set "$T" fwmark 77
at_least "packets with the mark" 1 "$(marked handshake)"
wg set "$T" fwmark 0
equal "packets with the mark" 0 "$(marked handshake)"

step "a port below 1024, and back; bound to an address"
wg set "$T" listen-port 443
equal "port" 443 "$(wg show "$T" listen-port)"
flood a b 4 10
wg set "$T" listen-port "$PORT"
attach a --bind "${OUTER4[a]}" >/dev/null
attach a --bind any >/dev/null
flood a b 4 10

step "another interface, and a route that leads there"
ip -n "$(ns a)" link add other0 type veth peer name other1
ip -n "$(ns a)" link set other0 up
ip -n "$(ns a)" link set other1 up
wgxdp a attach other0 --tunnel "$T" >/dev/null
equal "interfaces" 2 "$(wgxdp a show "$T" --json | jq '.tunnels[0].interfaces | length')"
wgxdp a detach other0 --tunnel "$T"
ip -n "$(ns a)" link delete other0

step "peers come and go"
wg genkey | wg pubkey >"$WORK/c.pub"
wgxdp a peer add "$(cat "$WORK/c.pub")" --tunnel "$T" --allowed-ips 10.99.1.0/24 --limit 1mbit --roaming off
wgxdp a peer remove "$(cat "$WORK/c.pub")" --tunnel "$T"

step "files: a directory that was made since is none of its, though root's; its own is"
if grep -q "no Landlock" "$STATE/$(inode a)/$T.log"; then
	step "  not tested: this kernel has no Landlock"
else
	mv "$STATE/$(inode a)" "$STATE/kept.$$"
	mkdir "$STATE/$(inode a)"
	wg set "$T" peer "$(public_key b)" persistent-keepalive 7
	wait_for 10 "it to be refused" grep -q "Permission denied" "$STATE/kept.$$/$T.log"
	equal "files that it made" "" "$(ls "$STATE/$(inode a)")"
	rmdir "$STATE/$(inode a)"
	mv "$STATE/kept.$$" "$STATE/$(inode a)"
	wg set "$T" peer "$(public_key b)" persistent-keepalive off
fi
flood a b 4 10

step "killed, and started again"
first=$(agent)
first_helper=$HELPER
kill_agent a
wait_for 5 "its helper to end" gone "$first_helper"
attach a >/dev/null
[ "$(agent)" != "$first" ] || die "no new agent"
restricted
flood b a 4 10

step "moved away: its errors come from there, by a socket that the helper opened"
add_place inner a
move a a inner
flood inner b 4 20
ip -n "$(ns inner)" route add 10.99.0.0/16 dev "$T"
in_ns inner ping -c 1 -W 2 10.99.0.1 >"$WORK/ping" && die "10.99.0.1 answered"
# the source is the one that the routing table over there chooses
grep -q "From ${INNER4[a]} icmp_seq=1 Destination Host Unreachable" "$WORK/ping" || die "$(cat "$WORK/ping")"
restricted

step "without its helper it goes on, and only the source of errors is another"
kill -9 "$HELPER"
move a inner a
flood a b 4 20
agent=$(agent)
wgxdp a down "$T"
wait_for 5 "the agent to end" gone "$agent"

step "an agent by hand, in the foreground, that was given fewer"
spawn a "$WORK/by-hand" capsh --drop=cap_sys_ptrace,cap_setpcap,cap_dac_override -- -c "exec '$WGXDP' agent '$T' -f"
wait_for 5 "its socket" test -S "$UAPI/$T.sock"
wait_for 5 "its pid" test -s "$STATE/$(inode a)/$T.pid"
wait_for 5 "what it keeps" grep -q "^CapEff:.$OF_AGENT" "/proc/$(agent)/status"
equal "NoNewPrivs" 1 "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$(agent)/status")"
wgxdp a down "$T"
