#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the commands that look are told and cannot do: one line that names it, status not 0, nothing printed, and
# nothing changed.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}

CONFIGURED=true
state() {
	# an agent that is gone has no configuration to ask for, and wg would remove its socket
	! $CONFIGURED || wg showconf "$T"
	ip -n "$(ns a)" -br link
	ip -n "$(ns a)" -br address
	cat "$STATE/$(inode a)/$T.pid"
	find "$STATE/$(inode a)" "$(pins a)" | sort
}
before=$(state)

# bad STATUS MESSAGE WORD...: MESSAGE is what the line says behind "wgxdp: ".
bad() {
	local said status=0 expected=$1 message="wgxdp: $2"
	shift 2
	said=$(in_ns a timeout 10 "$WGXDP" "$@" 2>&1 >"$WORK/out" </dev/null) || status=$?
	equal "status of wgxdp $*" "$expected" "$status"
	equal "what wgxdp $* said" "$message" "$said"
	[ ! -s "$WORK/out" ] || die "wgxdp $* printed: $(cat "$WORK/out")"
	[ "$(state)" = "$before" ] || die "wgxdp $* changed something: $(diff <(echo "$before") <(state))"
	echo "#     $said"
}

for verb in show stats monitor; do
	step "$verb"
	bad 1 "$verb: there is no tunnel ${T}x in this network namespace" $verb "${T}x"
	bad 1 "$verb: 'a/b' cannot be a tunnel's name: expected an interface name of at most 15 characters" \
		$verb a/b
	bad 2 "$verb: 'more' is too much: expected [TUNNEL]" $verb "$T" more
	bad 2 "$verb: --json takes no value" $verb --json=1
	bad 2 "$verb: '--jso' is not an option: expected --json, --help" $verb --jso
done
bad 2 "peer list: '--jso' is not an option: expected --tunnel, --json, --help" peer list --jso
bad 1 "peer list: tunnel ${T}x has no agent: expected one that 'wgxdp attach' started" \
	peer list --json --tunnel "${T}x"

step "metrics"
bad 1 "metrics: there is no tunnel ${T}x in this network namespace" metrics "${T}x"
bad 2 "metrics: nothing follows --listen: expected ADDR:PORT" metrics --listen
for where in "" 9586 :9586 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 localhost:9586 ::1:9586 "[::1]" "*:9586"; do
	bad 1 "metrics: --listen '$where': expected ADDRESS:PORT or [IPV6]:PORT, with a port from 1 to 65535" \
		metrics --listen "$where"
done
bad 1 "metrics: 'a/b' cannot be a tunnel's name: expected an interface name of at most 15 characters" \
	metrics a/b --listen 127.0.0.1:9586

step "top"
bad 1 "top: there is no tunnel ${T}x in this network namespace" top "${T}x"
bad 2 "top: 'more' is too much: expected [TUNNEL]" top "$T" more
for interval in "" 0 -1 x 3601 1.5; do
	bad 1 "top: --interval '$interval': expected a number from 1 to 3600" top --interval "$interval"
done
bad 1 "top: this is no terminal that could be drawn on: expected one, and its name in TERM" top "$T"

step "doctor"
bad 1 "doctor: eth9: there is no such interface in this network namespace" doctor eth9
bad 1 "doctor: : there is no such interface in this network namespace" doctor ""
bad 2 "doctor: 'more' is too much: expected [IFACE]" doctor eth0 more

step "without an agent"
kill_agent a
CONFIGURED=false
before=$(state)
bad 1 "show: tunnel $T has no agent: expected one that 'wgxdp attach' started" show
bad 1 "stats: tunnel $T has no agent: expected one that 'wgxdp attach' started" stats "$T"
bad 1 "monitor: tunnel $T has no agent: expected one that 'wgxdp attach' started" monitor "$T"
equal "JSON names it" "$T Connection refused" \
	"$(wgxdp a show --json | jq -r '.tunnels[] | "\(.name) \(.error)"')"
