#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A peer with persistent keepalive is spoken to as soon as that is possible: when the interface comes up, when the
# key arrives, when the interval is set. Low-order keys get nothing. A peer may have 130 560 allowed IPs, and
# lose one of them.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
start_end a
start_end b
add_peer b
T=${TUNNEL[a]}

messages() {
	echo $(($(seen initiation) + $(seen response) + $(seen cookie) + $(seen data)))
}

# nothing_for SECONDS: on the wire is nothing of WireGuard's; pings beside it are the clock.
nothing_for() {
	local before
	before=$(messages)
	in_ns a ping -q -i 0.5 -c $((2 * $1 + 1)) "${OUTER4[b]}" >/dev/null
	equal "messages in $1 s" "$before" "$(messages)"
}

step "the interface is down: nothing is sent, whatever the interval"
ip -n "$(ns a)" link set "$T" down
add_peer a --endpoint "$(outer b 4)" --keepalive 1
nothing_for 2

step "the interface comes up: a handshake and keepalives"
ip -n "$(ns a)" link set "$T" up
ip -n "$(ns a)" address replace "${INNER6[a]}/64" dev "$T" nodad
wait_for 5 "keepalives" has_seen data 3
equal "initiations" 1 "$(seen initiation)"

step "no key: nothing is sent"
wg set "$T" private-key /dev/null
nothing_for 2

step "the key arrives: a handshake and keepalives"
wg set "$T" private-key "$WORK/a.key"
wait_for 5 "an initiation" has_seen initiation 2
before=$(seen data)
wait_for 5 "keepalives" has_seen data $((before + 3))

step "no interval: nothing is sent"
wg set "$T" peer "$(public_key b)" persistent-keepalive off
nothing_for 2

step "an interval: at once"
before=$(seen data)
wg set "$T" peer "$(public_key b)" persistent-keepalive 60
wait_for 2 "a keepalive" has_seen data $((before + 1))
wg set "$T" peer "$(public_key b)" persistent-keepalive off

step "low-order keys, and what is asked of them: nothing is sent for two seconds"
number=0
ip -n "$(ns a)" route add 10.97.0.0/16 dev "$T"
while read -r key; do
	number=$((number + 1))
	wg set "$T" peer "$key" endpoint "$(outer b 4)" allowed-ips 10.97.$number.0/24 persistent-keepalive 1
	spawn a "$WORK/ping" ping -q -i 0.5 -c 4 -W 1 -p "$MARKER" 10.97.$number.1
	LOW+=("$SPAWNED")
done < <(python3 - <<-'END'
	import base64
	p = 2**255 - 19
	order8 = [
	    39382357235489614581723060781553021112529911719440698176882885853963445705823,
	    325606250916557431795983626356110631294008115727848805560023387167927233504,
	]
	for point in [0, 1, *order8, p - 1, p, p + 1]:
	    for top in (0, 1 << 255):
	        print(base64.b64encode((point | top).to_bytes(32, "little")).decode())
END
)
equal "low-order keys" 14 $number
nothing_for 2
for pid in "${LOW[@]}"; do
	wait "$pid" && die "a low-order peer answered"
done
flood a b 4 10
equal "initiations" 2 "$(seen initiation)"

step "130 560 allowed IPs"
printf '[Interface]\nPrivateKey = %s\nListenPort = %s\n' "$(cat "$WORK/a.key")" "$PORT" >"$WORK/many"
"$SUITE/wg_socket.py" allowed-ips | sed "s|^PublicKey.*|PublicKey = $(public_key b)\nEndpoint = $(outer b 4)|" >>"$WORK/many"
wg setconf "$T" "$WORK/many"
equal "allowed IPs" 130560 "$(wg show "$T" allowed-ips | cut -f 2 | wc -w)"
INNER4[b]=10.201.77.5
INNER6[b]=fd00:c9:4d::5
ip -n "$(ns b)" address add "${INNER4[b]}/32" dev "${TUNNEL[b]}"
ip -n "$(ns b)" address add "${INNER6[b]}/128" dev "${TUNNEL[b]}" nodad
ip -n "$(ns a)" route add 10.201.0.0/16 dev "$T"
ip -n "$(ns a)" route add fd00:c9::/32 dev "$T"
flood a b 4 100
flood b a 6 100 -I "${INNER6[b]}"

# change LINE...: of the peer b, by wg(8)'s socket.
change() {
	python3 - "$UAPI/$T.sock" "public_key=$(base64 -d "$WORK/b.pub" | od -An -vtx1 | tr -d ' \n')" "$@" <<-'END'
		import socket, sys
		wg = socket.socket(socket.AF_UNIX)
		wg.connect(sys.argv[1])
		wg.sendall("\n".join(["set=1", *sys.argv[2:], "", ""]).encode())
		answer = wg.recv(100)
		assert answer == b"errno=0\n\n", answer
	END
}

step "one of each family is taken away; one that is not there as well, which is nothing"
change allowed_ip=-10.201.77.0/24 allowed_ip=-fd00:c9:4d::/48 allowed_ip=-192.168.0.0/16
equal "allowed IPs" 130558 "$(wg show "$T" allowed-ips | cut -f 2 | wc -w)"
for address in "${INNER4[b]}" "${INNER6[b]}"; do
	in_ns a ping -c 1 -W 1 -p "$MARKER" "$address" >"$WORK/ping" && die "$address answered"
	grep -qi "unreachable" "$WORK/ping" || die "$address: $(cat "$WORK/ping")"
	in_ns b ping -q -c 1 -W 1 -p "$MARKER" -I "$address" "$([[ $address = *:* ]] && inner a 6 || inner a 4)" >/dev/null &&
		die "$address may still send"
done
change allowed_ip=10.201.77.0/24 allowed_ip=fd00:c9:4d::/48
equal "allowed IPs" 130560 "$(wg show "$T" allowed-ips | cut -f 2 | wc -w)"
flood a b 4 100
flood a b 6 100

step "names that do not exist"
for command in "wg show none$$" "wg set none$$ listen-port 1" "wgxdp a show none$$" "wgxdp a down none$$"; do
	# shellcheck disable=SC2086 # words
	refuses $command >"$WORK/said" 2>&1
	[ -s "$WORK/said" ] || die "$command says nothing"
done
