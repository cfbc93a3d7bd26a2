#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# wgxdp-agent in the place of wireguard-go: the stock wg-quick brings a tunnel up and down, the agent receives
# where the routes are and follows them, ends as it must, and nothing is left of it.
. "$(dirname "$0")/topology.sh"
command -v wg-quick >/dev/null || skip "there is no wg-quick"
ip link add "wgx$$" type wireguard 2>/dev/null && { ip link del "wgx$$"; skip "this kernel has WireGuard"; }
# shellcheck source=quick.sh
. "$SUITE/quick.sh"
ln -s "$WGXDP" "$WORK/bin/wgxdp-agent"
export WG_QUICK_USERSPACE_IMPLEMENTATION=wgxdp-agent

quick() {
	in_ns a wg-quick "$1" "$WORK/$T.conf" >"$WORK/quick" 2>&1 || die "wg-quick $1: $(cat "$WORK/quick")"
}

has_no_xdp() {
	[ -z "$(xdp "$1")" ]
}

is_clean() {
	[ "$(network)" = "$clean" ]
}
wait_clean() {
	(wait_for 5 "nothing to be left" is_clean) || die "$1 left: $(diff <(echo "$clean") <(network))"
}

step "wg-quick up: routes to the peer's addresses only"
write_conf "10.77.0.0/24, fd77::/64, 10.99.0.0/16"
quick up
grep -q "wgxdp-agent $T" "$WORK/quick" || die "wg-quick did not start it: $(cat "$WORK/quick")"
remember_bpf a
wait_for 5 "the receive program on eth0" has_xdp eth0
flood a b 4 200
flood b a 6 200
equal "MTU" 1420 "$(ip -n "$(ns a)" -j link show "$T" | jq '.[].mtu')"
grep -q "dev $T" <<<"$(ip -n "$(ns a)" route show 10.99.0.0/16)" || die "no route to 10.99.0.0/16"

step "the default route moves, and it follows"
ip -n "$(ns a)" link add eth1 type veth peer name eth1p
ip -n "$(ns a)" link set eth1 up
ip -n "$(ns a)" link set eth1p up
ip -n "$(ns a)" address add 198.51.100.1/24 dev eth1
ip -n "$(ns a)" route replace default via 198.51.100.2 dev eth1
wait_for 5 "the receive program on eth1" has_xdp eth1
has_xdp eth0 || die "eth0, where the endpoint is, was let go"
ip -n "$(ns a)" route replace default via "${OUTER4[b]}" dev eth0
wait_for 5 "eth1 to be let go" has_no_xdp eth1
wg set "$T" peer "$(wg genkey | wg pubkey)" endpoint 198.51.100.7:7
wait_for 5 "the receive program on eth1, for a peer there" has_xdp eth1
ip -n "$(ns a)" link del eth1
flood a b 4 200

step "wg-quick down: nothing is left"
quick down
wait_clean "wg-quick down"

step "wg-quick up: everything goes through the tunnel"
ip -n "$(ns b)" address add 203.0.113.9/32 dev lo
in_ns b sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
write_conf "0.0.0.0/0, ::/0"
quick up
remember_bpf a
flood a b 4 200
flood a b 6 200
in_ns a ping -q -f -c 50 -w 20 -p "$MARKER" 203.0.113.9 >"$WORK/ping" || die "$(cat "$WORK/ping")"
in_ns a ping -q -c 1 -W 1 -m 51820 203.0.113.9 >/dev/null || die "marked packets do not go around the tunnel"
equal "fwmark" 0xca6c "$(wg show "$T" fwmark)"
has_xdp eth0 || die "no receive program on eth0"
quick down
wait_clean "wg-quick down"

step "it ends with a signal, with its interface and with its socket's file, and takes all along"
# up WORD...: in the background; what it must make is there when it returns.
up() {
	in_ns a env "$@" wgxdp-agent "$T" || die "wgxdp-agent $T: status $?"
	[ -S "$UAPI/$T.sock" ] || die "no socket"
	ip -n "$(ns a)" link show "$T" >/dev/null
	wg show "$T" >/dev/null
}
for signal in TERM INT; do
	up
	kill "-$signal" "$(agent_pid a)"
	wait_clean "SIG$signal"
done
up
rm "$UAPI/$T.sock"
wait_clean "the socket's end"
up
ip -n "$(ns a)" link delete "$T"
wait_clean "the interface's end"

step "in the foreground, by both ways to say it; what it says goes where it was told to"
foreground() {
	spawn a "$WORK/agent" "$@"
	wait_for 20 "the socket" test -S "$UAPI/$T.sock"
	wait_for 5 "it to be ready" grep -q "is ready" "$WORK/said"
	equal "process" "$SPAWNED" "$(agent_pid a)"
	stop "$SPAWNED"
	wait_clean "$*"
	rm -f "$WORK/said"
}
ln -s agent "$WORK/said"
foreground env LOG_LEVEL=verbose wgxdp-agent -f "$T"
ln -s agent "$WORK/said"
foreground env WG_LOG_LEVEL=debug wgxdp-agent --foreground "$T"
foreground env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=verbose WG_LOG_FILE="$WORK/said" wgxdp-agent "$T"
refuses grep "is ready" "$WORK/agent"
up LOG_LEVEL=verbose WG_LOG_FILE="$WORK/said"
grep -q "is ready" "$WORK/said" || die "nothing in WG_LOG_FILE"
in_ns a ip link delete "$T"
wait_clean "the interface's end"

step "on a socket that somebody else has bound"
spawn a "$WORK/agent" python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os.dup2(s.fileno(), 7)
os.environ["WG_UAPI_FD"] = "7"; os.execvp("wgxdp-agent", ["wgxdp-agent", "-f", sys.argv[2]])' "$UAPI/$T.sock" "$T"
wait_for 20 "the interface" ip -n "$(ns a)" link show "$T" >/dev/null 2>&1
wait_for 20 "an answer" wg show "$T" >/dev/null
wg set "$T" listen-port 4242
stop "$SPAWNED"
wait_clean "another's socket"

step "whoever waits for the end of a pipe does not wait for the agent"
(in_ns a timeout 10 wgxdp-agent "$T" 3>&1 4>&1) | timeout 20 cat
ip -n "$(ns a)" link delete "$T"
wait_clean "a pipe"

step "what is refused, in one line, and nothing changed"
bad() {
	local said status=0
	said=$(in_ns a timeout 10 "$@" 2>&1 </dev/null) || status=$?
	[ "$status" -ne 0 ] || die "status 0 of: $*"
	equal "lines said by: $*: $said" 1 "$(wc -l <<<"$said")"
	echo "#     $said"
	is_clean || die "$* left: $(diff <(echo "$clean") <(network))"
}
bad wgxdp-agent
bad wgxdp-agent -x "$T"
bad wgxdp-agent "$T" more
bad wgxdp-agent a-name-that-is-too-long
bad wgxdp-agent a/b
bad wgxdp-agent eth0
bad env WG_UAPI_FD=77 wgxdp-agent "$T"
bad env WG_UAPI_FD=x wgxdp-agent "$T"
bad setpriv --inh-caps=-all --bounding-set=-net_admin wgxdp-agent "$T"
up
clean=$(network)
bad wgxdp-agent "$T"
wg show "$T" >/dev/null
ip -n "$(ns a)" link delete "$T"
