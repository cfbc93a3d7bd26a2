#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Initiations that cross, on a wire that takes half a second: both are answered, both ends have a session at once and
# agree on one; an agent that is killed then and started again knows which sessions there are.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10

# relay: carries frames between the ends, each half a second late. Their checksums are those of the frames, which the
# kernel leaves unfinished between namespaces.
relay() {
	python3 - to-a to-b <<-'END'
		import collections, select, socket, sys, time
		links = {}
		for name in sys.argv[1:]:
		    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		    link.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
		    link.bind((name, 3))
		    links[link] = len(links)
		ends = list(links)
		late = collections.deque()
		print("relaying", flush=True)
		while True:
		    wait = max(0, late[0][0] - time.monotonic()) if late else None
		    for link in select.select(ends, [], [], wait)[0]:
		        late.append((time.monotonic() + 0.5, ends[1 - links[link]], link.recv(1 << 16)))
		    while late and late[0][0] <= time.monotonic():
		        _, link, frame = late.popleft()
		        link.send(frame)
	END
}
export -f relay

# sessions END: how many the data path has there.
sessions() {
	bpftool -j map dump pinned "$(pins "$1")/sessions" | jq length
}

has_sessions() {
	[ "$(sessions a) $(sessions b)" = "$1" ] || [ "$(sessions b) $(sessions a)" = "$1" ]
}

has_seen() {
	[ "$(seen "$1")" -ge "$2" ]
}

step "nothing passes, and both say something: each asks for a handshake 15 s later, and for it to be heard"
for end in a b; do
	in_ns "$end" ethtool -K eth0 tx off >/dev/null
	ip -n "$(ns wire)" link set "to-$end" nomaster
done
spawn a "$WORK/ping-a" ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}"
spawn b "$WORK/ping-b" ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[a]}"
wait "$SPAWNED" || true
spawn wire "$WORK/relay" bash -c relay
relay=$SPAWNED
wait_for 5 "the relay" grep -qs relaying "$WORK/relay"
wait_for 20 "two initiations" has_seen initiation 3
wait_for 3 "two responses" has_seen response 3
# The one that both use, the one that only one of them began with, and at one end the one of the beginning.
wait_for 3 "two sessions at one end and three at the other, not $(sessions a) and $(sessions b)" has_sessions "2 3"
in_ns a ping -q -c 2 -i 0.2 -W 2 -p "$MARKER" "${INNER4[b]}" >"$WORK/ping" || die "no answer: $(cat "$WORK/ping")"
equal "initiations" 3 "$(seen initiation)"

step "a wire that is quick again"
stop "$relay"
for end in a b; do
	ip -n "$(ns wire)" link set "to-$end" master br0
done
wait_for 5 "the wire" in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
flood a b 4 100
flood b a 4 100

for end in a b; do
	kill_agent "$end"
	flood a b 4 20
	attach "$end"
	wait_for 5 "the agent of $end" wg show "${TUNNEL[$end]}" peers >/dev/null
	flood b a 4 20
done
has_sessions "2 3" || die "sessions of a: $(sessions a), of b: $(sessions b)"
equal "initiations" 3 "$(seen initiation)"
for end in a b; do
	ip -n "$(ns "$end")" link set "${TUNNEL[$end]}" down
	wait_for 5 "no session of $end, which is down, to be left" test "$(sessions "$end")" = 0
	equal "sessions of $end, which is down" 0 "$(sessions "$end")"
done
