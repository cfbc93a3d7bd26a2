#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Room for a few peers, sessions and allowed IPs, and what happens at the edge: one line that names the limit, and
# nothing half done. Other limits than those of the data path that is there are refused.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_key a
make_key b
T=${TUNNEL[a]}

# says MESSAGE WORD...: wgxdp in a fails and says that.
says() {
	local said message="wgxdp: $1"
	shift
	said=$(refuses in_ns a "$WGXDP" "$@" 2>&1 >/dev/null)
	equal "what wgxdp $* said" "$message" "$said"
	echo "#     $said"
}

links() {
	ip -n "$(ns a)" -br link | awk '{ print $1 }'
}

# A configuration that is replaced as a whole: what a's peers are by now, and may do.
peers_of_a() {
	wg show "$T" allowed-ips | sort
}

key() {
	wg genkey | wg pubkey
}

agent_said() {
	grep -qF "$1" "$STATE/$(inode a)/$T.log" || die "the agent did not say: $1"
}

step "numbers that are none"
before=$(links)
for number in 0 -1 x 16777217 ""; do
	says "attach: --max-peers '$number': expected a number from 1 to 16777216" \
		attach eth0 --tunnel "$T" --max-peers "$number"
done
says "attach: --max-sessions '67108865': expected a number from 1 to 67108864" \
	attach eth0 --tunnel "$T" --max-sessions 67108865
says "agent: --max-allowed-ips '1k': expected a number from 1 to 67108864" agent "$T" --max-allowed-ips 1k
equal "links" "$before" "$(links)"
[ -z "$(pins a)" ] || die "something is pinned"

step "room for three peers, two sessions, six allowed IPs of either family"
attach a --private-key "$WORK/a.key" --listen-port "$PORT" --address "${INNER4[a]}/24" --max-peers 3 \
	--max-sessions 2 --max-allowed-ips 6
remember_bpf a
attach a --max-peers 3
says "attach: --max-peers 4: the data path in the kernel was made for 3: expected that, or 'wgxdp down' of its tunnels \
first" attach eth0 --tunnel "$T" --max-peers 4
says "attach: --max-sessions 3: the data path in the kernel was made for 2: expected that, or 'wgxdp down' of its \
tunnels first" attach eth0 --tunnel "${T}2" --max-sessions 3
equal "tunnels" 1 "$(links | grep -c "^[^@]*\.dp")"

step "three peers, and a fourth"
FULL="tunnel $T is full: expected no more peers and allowed IPs than there is room for (--max-peers, --max-allowed-ips)"
one=$(key) other=$(key)
add_peer a --endpoint "$(outer b 4)"
wgxdp a peer add "$one" --tunnel "$T" --allowed-ips 10.9.0.0/24
wgxdp a peer add "$other" --tunnel "$T" --allowed-ips 10.9.1.0/24
before=$(peers_of_a)
says "peer add: $FULL" peer add "$(key)" --tunnel "$T" --allowed-ips 10.9.2.0/24
refuses wg set "$T" peer "$(key)" 2>"$WORK/said"
grep -q "No space left on device" "$WORK/said" || die "wg said: $(cat "$WORK/said")"
equal "peers" "$before" "$(peers_of_a)"
agent_said "no room for 4 peers: 3 is the most (--max-peers)"

step "of a request for a change and one peer more nothing is done; what goes makes room"
refuses wg set "$T" peer "$one" allowed-ips 10.8.0.0/24 peer "$(key)" 2>/dev/null
equal "peers" "$before" "$(peers_of_a)"
third=$(key)
wg set "$T" peer "$one" remove peer "$third" allowed-ips 10.9.0.0/24
before=$(peers_of_a)
equal "peers" 3 "$(wc -l <<<"$before")"

# conf COUNT PREFIXES: of that many other peers; PREFIXES of the last one.
conf() {
	local i
	printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$(cat "$WORK/a.key")" "$PORT"
	for ((i = 0; i < $1; i++)); do
		printf '[Peer]\nPublicKey = %s\n' "$(key)"
	done
	printf 'AllowedIPs = %s\n' "$2"
}

step "a whole configuration with four peers, or seven prefixes: what is there stays"
many=10.1.0.0/24,10.2.0.0/24,10.3.0.0/24,10.4.0.0/24,10.5.0.0/24,10.6.0.0/24
conf 4 10.1.0.0/24 >"$WORK/conf"
refuses wg setconf "$T" "$WORK/conf" 2>/dev/null
equal "peers" "$before" "$(peers_of_a)"
conf 1 "$many,10.7.0.0/24" >"$WORK/conf"
refuses wg setconf "$T" "$WORK/conf" 2>/dev/null
equal "peers" "$before" "$(peers_of_a)"
agent_said "no room for 7 allowed IPs of IPv4: 6 is the most (--max-allowed-ips)"

step "a new peer whose prefixes there is no room for is not there"
wg set "$T" peer "$other" remove
before=$(peers_of_a)
says "peer add: $FULL" peer add "$(key)" --tunnel "$T" --allowed-ips "$many"
equal "peers" "$before" "$(peers_of_a)"
wg set "$T" peer "$third" remove
before=$(peers_of_a)
refuses wg set "$T" peer "$(key)" allowed-ips 10.9.0.0/24 peer "$(key)" allowed-ips "$many" 2>/dev/null
equal "peers, nor the one before it" "$before" "$(peers_of_a)"
wg set "$T" peer "$third"
wgxdp a peer add "$(key)" --tunnel "$T" --allowed-ips 10.1.0.0/24,10.2.0.0/24
equal "peers" 3 "$(peers_of_a | wc -l)"

step "two sessions: of a third the agent says that there is no room, and the tunnel goes on"
start_end b
add_peer b
flood a b 4 10
wg set "$T" peer "$third" endpoint "$(outer b 4)" persistent-keepalive 1
wg set "$T" peer "$third" remove peer "$one" endpoint "$(outer b 4)" persistent-keepalive 1
wg set "$T" peer "$(peers_of_a | awk '/10.1.0.0/ { print $1 }')" endpoint "$(outer b 4)" persistent-keepalive 1
wait_for 10 "the agent to say so" grep -qF "no room for a handshake: there are 2 sessions (--max-sessions)" \
	"$STATE/$(inode a)/$T.log"
flood a b 4 10

step "a file with limits: too many peers in it, and nothing stays; with room, and save keeps them"
wgxdp a down "$T"
before=$(links)
conf 3 10.1.0.0/24 | sed '1a #wgxdp MaxPeers = 2' >"$WORK/$T.conf"
chmod 600 "$WORK/$T.conf"
says "up: $FULL" up "$WORK/$T.conf"
equal "links" "$before" "$(links)"
sed -i 's/MaxPeers = 2/MaxPeers = 0/' "$WORK/$T.conf"
says "up: $WORK/$T.conf: line 2: '0': expected a number from 1 to 16777216" up "$WORK/$T.conf"
sed -i 's/MaxPeers = 0/MaxPeers = 3/' "$WORK/$T.conf"
wgxdp a up "$WORK/$T.conf"
refuses wg set "$T" peer "$(key)" 2>/dev/null
wgxdp a save "$WORK/$T.conf"
grep -q "^#wgxdp MaxPeers = 3$" "$WORK/$T.conf" || die "the file: $(cat "$WORK/$T.conf")"
