#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is said of a tunnel beyond WireGuard: the local addresses it is bound to, which its sockets are opened on, which
# it receives on and sends from, and nothing else; and TCP's segment size, which connections through it announce. Both
# outlive the agent, and are in a saved file.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
T=${TUNNEL[a]}
flood a b 4 10
SECOND4=192.0.2.11 SECOND6=2001:db8::11
ip -n "$(ns a)" address add "$SECOND4/24" dev eth0
ip -n "$(ns a)" address add "$SECOND6/64" dev eth0 nodad

# value END KEY: of what the socket tells beyond wg(8).
value() {
	"$SUITE/wg_socket.py" get "$UAPI/${TUNNEL[$1]}.sock" | sed -n "s/^$2=//p" | paste -s -d ,
}
bind() {
	local words=()
	for address; do
		words+=(--bind "$address")
	done
	attach a "${words[@]}" >/dev/null
}
sockets() {
	in_ns a ss -Hnul "sport = :$PORT" | awk '{ print $4 }' | sed "s/:$PORT\$//" | sort | paste -s -d ,
}
# reaches END ADDRESS: END has a's endpoint there, and pings come through.
reaches() {
	set_endpoint b "$1"
	in_ns b ping -q -c 3 -i 0.2 -W 1 -p "$MARKER" "${INNER4[a]}" >/dev/null
}
# watch_sources, only_from ADDRESS: where a's packets on the wire come from in between.
watch_sources() {
	spawn wire "$WORK/sources" tcpdump -l -n --immediate-mode -i to-a -Q in udp and src port "$PORT"
	TCPDUMP=$SPAWNED
	wait_for 5 "tcpdump" grep -q listening "$WORK/sources"
}
only_from() {
	wait_for 5 "tcpdump to see something" grep -q " > " "$WORK/sources"
	stop "$TCPDUMP"
	equal "sources of a's packets" "$1.$PORT" "$(sed -n 's/^.* IP6* \(.*\) > .*/\1/p' "$WORK/sources" | sort -u | paste -s -d ,)"
}

step "bound to its second address"
bind "$SECOND4"
equal "sockets" "$SECOND4" "$(sockets)"
equal "bound to" "$SECOND4" "$(value a wgxdp_bind)"
grep -q "bound to: $SECOND4\$" <<<"$(wgxdp a show "$T")" || die "show: $(wgxdp a show "$T")"
equal "JSON" "[\"$SECOND4\"]" "$(wgxdp a show "$T" --json | jq -c '.tunnels[0].bound_to')"

step "it sends from there, of its own accord too"
watch_sources
flood a b 4 20
wgxdp a peer remove "$(public_key b)" --tunnel "$T"
add_peer a --endpoint "$(outer b 4)"
flood a b 4 20
only_from "$SECOND4"
equal "where b has it" "$SECOND4:$PORT" "$(show b endpoints)"

step "it receives there and nowhere else"
reaches "$(outer a 4)" && die "it answers at its first address"
reaches "[${OUTER6[a]}]:$PORT" && die "it answers at an IPv6 address"
reaches "$SECOND4:$PORT" || die "it does not answer at its second address"

step "others have the port on other addresses; the data path leaves them their packets"
spawn a "$WORK/other" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2])))
print(s.recv(2000), flush=True)' "${OUTER4[a]}" "$PORT"
has_sockets() {
	[ "$(sockets)" = "$1" ]
}
wait_for 5 "a socket" has_sockets "${OUTER4[a]},$SECOND4"
# what looks most like ours: data for a session there is
in_ns b python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"\4\0\0\0" + b"mine" * 8, (sys.argv[1], int(sys.argv[2])))' \
	"${OUTER4[a]}" "$PORT"
wait_for 5 "a datagram of another's" grep -q minemine "$WORK/other"

step "an agent that is killed and started again is bound as before"
kill_agent a
attach a
equal "sockets" "$SECOND4" "$(sockets)"
reaches "$(outer a 4)" && die "it answers at its first address"
reaches "$SECOND4:$PORT" || die "it does not answer at its second address"

step "the address goes and comes back"
ip -n "$(ns a)" address del "$SECOND4/24" dev eth0
has_no_way() {
	! in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
}
# what is on its way before the agent has heard of it may arrive
wait_for 10 "it to be heard of" has_no_way
in_ns a ping -q -c 2 -i 0.2 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null && die "it sends from another address"
kill_agent a
attach a
equal "sockets" "$SECOND4" "$(sockets)"
ip -n "$(ns a)" address add "$SECOND4/24" dev eth0
comes_through() {
	in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
}
wait_for 15 "the way from the address that is back" comes_through

step "two addresses, one in each family"
bind "$SECOND4" "$SECOND6"
equal "bound to" "$SECOND4,$SECOND6" "$(value a wgxdp_bind)"
reaches "[$SECOND6]:$PORT" || die "it does not answer at its second IPv6 address"
reaches "[${OUTER6[a]}]:$PORT" && die "it answers at its first IPv6 address"
watch_sources
set_endpoint a "$(outer b 6)"
flood a b 4 20
only_from "$SECOND6"
reaches "$SECOND4:$PORT" || die "it does not answer at its second address"

step "bound while packets pass: none is lost"
set_endpoint a "$(outer b 4)"
bind any
equal "bound to" "" "$(value a wgxdp_bind)"
reaches "$SECOND4:$PORT" || die "it does not answer at its second address"
start_pings b a 4 300
bind "$SECOND4" "$SECOND6"
finish_pings 0

step "an agent by hand"
kill_agent a
in_ns a "$WGXDP" agent "$T" --bind "$SECOND6" --clamp-mss 1000
equal "bound to" "$SECOND6" "$(value a wgxdp_bind)"
equal "segments" "1000" "$(value a wgxdp_clamp_mss)"
attach a --bind any --clamp-mss off
equal "segments" "" "$(value a wgxdp_clamp_mss)"
reaches "$(outer a 4)" || die "it is bound still"

step "what is refused, and changes nothing"
bind "$SECOND4"
for words in "--bind 192.0.2.77" "--bind $SECOND6 --bind 2001:db8::77" "--bind eth0" "--bind 0.0.0.0" "--bind fe80::1" \
	"--bind 224.0.0.1" "--clamp-mss yes" "--clamp-mss 87" "--clamp-mss 65496" "--clamp-mss -1" \
	"--bind $SECOND6 --listen-port 99999"; do
	# shellcheck disable=SC2086 # words
	refuses attach a $words 2>"$WORK/said"
	equal "lines said" 1 "$(wc -l <"$WORK/said")"
	equal "bound to" "$SECOND4" "$(value a wgxdp_bind)"
done
refuses attach a --bind 192.0.2.77 2>"$WORK/said"
grep -q "192.0.2.77: expected an address of this host" "$WORK/said" || die "said: $(cat "$WORK/said")"
equal "sockets" "$SECOND4" "$(sockets)"

# dump END FILTER: what comes out of its tunnel.
dump() {
	spawn "$1" "$WORK/dump-$1" tcpdump -l -n -v --immediate-mode -Q in -i "${TUNNEL[$1]}" "$2"
	DUMPS+=("$SPAWNED")
	wait_for 5 "tcpdump" grep -q listening "$WORK/dump-$1"
}
# announced FROM TO FAMILY: the segment sizes of SYN and answer, each as it comes out at the other end.
announced() {
	local from=$1 to=$2 family=$3 end
	DUMPS=()
	for end in "$from" "$to"; do
		dump "$end" "$([ "$family" = 4 ] && echo 'ip proto 6' || echo 'ip6 proto 6')"
	done
	spawn "$to" "$WORK/server" python3 -c 'import socket, sys
s = socket.create_server((sys.argv[1], 7), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listens", flush=True)
c = s.accept()[0]
c.sendall(c.recv(100))' "$(inner "$to" "$family")"
	wait_for 5 "a server" grep -q listens "$WORK/server"
	equal "echo" hello "$(in_ns "$from" python3 -c 'import socket, sys
c = socket.create_connection((sys.argv[1], 7), 5)
c.sendall(b"hello")
print(c.recv(100).decode())' "$(inner "$to" "$family")")"
	for end in "$from" "$to"; do
		wait_for 5 "a SYN" grep -q "Flags \[S" "$WORK/dump-$end"
	done
	stop "${DUMPS[@]}"
	refuses grep incorrect "$WORK/dump-$from" "$WORK/dump-$to" >&2
	SIZES=$(sed -n 's/.*Flags \[S.*mss \([0-9]*\).*/\1/p' "$WORK/dump-$to" "$WORK/dump-$from" | paste -s -d ,)
}
# are WHAT: expects what was announced.
are() {
	equal "segment sizes" "$1" "$SIZES"
}

step "TCP's segment size: as hosts behind the tunnel announce it, who know nothing of its MTU"
set_endpoint b "$SECOND4:$PORT"
for end in a b; do
	peer=${OTHER[$end]}
	ip -n "$(ns $end)" route replace "${INNER4[$peer]}/32" dev "${TUNNEL[$end]}" advmss 1460
	ip -n "$(ns $end)" -6 route replace "${INNER6[$peer]}/128" dev "${TUNNEL[$end]}" advmss 1440
done
ip -n "$(ns a)" link set "$T" mtu 1380
announced a b 4
are 1460,1460
step "made to fit the MTU of a's end, in both directions"
attach a --clamp-mss on
grep -q "segment size: to the MTU\$" <<<"$(wgxdp a show "$T")" || die "show: $(wgxdp a show "$T")"
equal "JSON" '"on"' "$(wgxdp a show "$T" --json | jq -c '.tunnels[0].clamp_mss')"
announced a b 4
are 1340,1340
announced b a 4
are 1340,1340
announced a b 6
are 1320,1320
announced b a 6
are 1320,1320

step "an agent that is killed and started again; an MTU that changes"
kill_agent a
attach a
ip -n "$(ns a)" link set "$T" mtu 1400
announced b a 4
are 1360,1360
attach a --clamp-mss 900
announced a b 6
are 900,900

step "in a file"
(umask 077 && printf "[Interface]\n" >"$WORK/$T.conf")
wgxdp a save "$WORK/$T.conf"
grep -qx "#wgxdp Bind = $SECOND4" "$WORK/$T.conf" || die "no address: $(cat "$WORK/$T.conf")"
grep -qx "#wgxdp ClampMSS = 900" "$WORK/$T.conf" || die "no segment size: $(cat "$WORK/$T.conf")"
sed -i "s/#wgxdp Bind = .*/#wgxdp Bind = $SECOND6, ${OUTER4[a]}/; s/#wgxdp ClampMSS = .*/#wgxdp ClampMSS = on/" "$WORK/$T.conf"
wait_for 5 "the other's socket to be closed" has_sockets "$SECOND4"
wgxdp a syncconf "$WORK/$T.conf"
equal "bound to" "$SECOND6,${OUTER4[a]}" "$(value a wgxdp_bind)"
equal "segments" "on" "$(value a wgxdp_clamp_mss)"
sed -i "s/#wgxdp Bind = .*/#wgxdp Bind = 192.0.2.77/" "$WORK/$T.conf"
refuses wgxdp a syncconf "$WORK/$T.conf" 2>"$WORK/said"
grep -q "192.0.2.77: expected an address of this host" "$WORK/said" || die "said: $(cat "$WORK/said")"
equal "bound to" "$SECOND6,${OUTER4[a]}" "$(value a wgxdp_bind)"
sed -i '/#wgxdp/d' "$WORK/$T.conf"
wgxdp a syncconf "$WORK/$T.conf"
equal "bound to" "" "$(value a wgxdp_bind)"
equal "segments" "" "$(value a wgxdp_clamp_mss)"
wgxdp a down "$T"
ip -n "$(ns a)" address del "${OUTER4[a]}/24" dev eth0
{
	printf '[Interface]\nPrivateKey = %s\nAddress = %s/24\n' "$(cat "$WORK/a.key")" "${INNER4[a]}"
	printf '#wgxdp Bind = %s, %s\n#wgxdp ClampMSS = on\n' "$SECOND4" "$SECOND6"
} >"$WORK/$T.conf"
wgxdp a up "$WORK/$T.conf"
equal "bound to" "$SECOND4,$SECOND6" "$(value a wgxdp_bind)"
wgxdp a down "$T"
sed -i "s/#wgxdp Bind = .*/#wgxdp Bind = ${OUTER4[a]}/" "$WORK/$T.conf"
refuses wgxdp a up "$WORK/$T.conf" 2>"$WORK/said"
equal "lines said" 1 "$(wc -l <"$WORK/said")"
grep -q "${OUTER4[a]}: expected an address of this host" "$WORK/said" || die "said: $(cat "$WORK/said")"
refuses in_ns a ip link show "$T" 2>/dev/null
