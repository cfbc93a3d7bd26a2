#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the tunnel's file, the agent's socket, the metrics' server and the agent's state file hold that cannot be taken:
# for each row the message, the status, and that nothing changed. Command lines are 13's and 79's, and the socket's
# requests by the dozen are 50's.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}
CONF=$WORK/$T.conf
STATE_FILE=$STATE/$(inode a)/$T.state

state() {
	wg showconf "$T"
	"$SUITE/wg_socket.py" get "$UAPI/$T.sock" | grep -v -e _time_ -e bytes= -e packets= -e verdict=
	ip -n "$(ns a)" -br link
	ip -n "$(ns a)" -br address
	ip -n "$(ns a)" -4 route show table all
	cat "$STATE/$(inode a)/$T.pid"
	find "$STATE/$(inode a)" "$(pins a)" | sort
}
before=$(state)
unchanged() {
	[ "$(state)" = "$before" ] || die "$1 changed something: $(diff <(echo "$before") <(state))"
}

step "a tunnel's file"
# row LINE SAID TEXT: TEXT in the place of the file's line is refused by those who read the file.
row() {
	local said verb status
	(
		umask 077
		printf '%s\n' "[Interface]" "PrivateKey = $(cat "$WORK/a.key")" "ListenPort = $PORT" "Address = 10.77.0.1/24" \
			"[Peer]" "PublicKey = $(public_key b)" "Endpoint = $(outer b 4)" "AllowedIPs = 10.77.0.2/32" >"$CONF"
	)
	awk -v at="$1" -v text="$3" '{ print NR == at ? text : $0 }' "$CONF" >"$WORK/edited"
	cat "$WORK/edited" >"$CONF"
	for verb in syncconf strip up; do
		status=0
		said=$(in_ns a timeout 10 "$WGXDP" $verb "$CONF" 2>&1 >"$WORK/out" </dev/null) || status=$?
		equal "status of $verb with '$3'" 1 "$status"
		equal "what $verb said of '$3'" "wgxdp: $verb: $CONF: line $1: $2" "$said"
		[ ! -s "$WORK/out" ] || die "$verb printed: $(cat "$WORK/out")"
	done
	unchanged "'$3'"
	echo "#     ${said#* up: }"
}
KEY="that is not a key: expected 44 characters of base64"
NUMBER="expected a number from 0 to 65535"
ADDRESS="expected an IPv4 or IPv6 address, with a prefix length or without"
PREFIX="expected an IPv4 or IPv6 prefix, its length at most 32 or 128"
ENDPOINT="expected HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535"
OF_INTERFACE="PrivateKey, ListenPort, FwMark, Address, DNS, MTU, Table, PreUp, PostUp, PreDown, PostDown, SaveConfig"
row 1 "a value before the first section: expected [Interface]" "ListenPort = 1"
row 1 "'[Interfaces]': expected [Interface] or [Peer]" "[Interfaces]"
row 2 "$KEY" "PrivateKey = short"
row 2 "'PrivateKey': expected KEY = VALUE, [Interface] or [Peer]" "PrivateKey"
row 3 "'65536': $NUMBER" "ListenPort = 65536"
row 3 "'0x100000000': expected a mark from 0 to 0xffffffff, or off" "FwMark = 0x100000000"
row 4 "'10.0.0.300': $ADDRESS" "Address = 10.0.0.300"
row 4 "'10.0.0.1/33': $ADDRESS" "Address = 10.0.0.2/32, 10.0.0.1/33"
row 4 "'1.1.1.1;reboot': expected an address or a domain" "DNS = 1.1.1.1;reboot"
row 4 "'67': expected a number from 68 to 65535" "MTU = 67"
row 4 "'a b': expected auto, off, or a routing table's number or name" "Table = a b"
row 4 "'maybe': expected true or false" "SaveConfig = maybe"
row 4 "'Nonsense': expected $OF_INTERFACE" "Nonsense = 1"
row 4 "'Nonsense': expected Bind, ClampMSS, MaxPeers, MaxSessions, MaxAllowedIPs" "#wgxdp Nonsense = 1"
row 4 "'eth0': expected at most 8 IPv4 or IPv6 addresses of this host that are not link-local, or any" "#wgxdp Bind = eth0"
row 4 "'yes': expected on, off, or a number from 88 to 65495" "#wgxdp ClampMSS = yes"
row 6 "'short' is not a public key: expected 44 characters of base64" "PublicKey = short"
row 7 "'192.0.2.1': $ENDPOINT" "Endpoint = 192.0.2.1"
row 7 "'192.0.2.1:0': $ENDPOINT" "Endpoint = 192.0.2.1:0"
row 7 "'2001:db8::1:1': $ENDPOINT" "Endpoint = 2001:db8::1:1"
row 8 "$KEY" "PresharedKey = short"
row 8 "'10.0.0.0/33': $PREFIX" "AllowedIPs = 10.0.0.0/33"
row 8 "'fd00::/129': $PREFIX" "AllowedIPs = 10.0.0.0/8, fd00::/129"
row 8 "'65536': $NUMBER" "PersistentKeepalive = 65536"
row 8 "'no': expected on or off" "#wgxdp Roaming = no"
row 8 "'fast': expected a rate like 100mbit, from 8kbit on, or off" "#wgxdp Limit = fast"
row 8 "'ListenPort': expected PublicKey, PresharedKey, AllowedIPs, Endpoint, PersistentKeepalive" "ListenPort = 1"

step "the agent's socket"
B=$(public_key b | base64 -d | xxd -p -c 0)
# asked TEXT ANSWER: the request as printf takes it, the answer with commas for line ends.
asked() {
	local said
	said=$(python3 - "$UAPI/$T.sock" "$(printf '%b' "$1" | xxd -p -c 0)" <<-'END'
		import socket, sys
		agent = socket.socket(socket.AF_UNIX)
		agent.settimeout(5)
		agent.connect(sys.argv[1])
		agent.sendall(bytes.fromhex(sys.argv[2]))
		agent.shutdown(socket.SHUT_WR)
		text = b""
		while more := agent.recv(65536):
		    text += more
		print(text.decode().replace("\n", ","))
	END
	)
	equal "answer to '$1'" "$2" "$said"
	unchanged "'$1'"
	echo "#     ${1/$B/KEY}: $said"
}
EINVAL="errno=-22,,"
asked "" ""
asked "get=1" ""
asked "set=1\nfwmark=9\n" ""
asked "\n" "$EINVAL"
asked "hello\n\n" "$EINVAL"
asked "get=2\n\n" "errno=22,,"
asked "get=1\nget=1\n\n" "errno=22,,"
asked "wgxdp_monitor=2\n\n" "$EINVAL"
asked "wgxdp_monitor=1\nset=1\n\n" "$EINVAL"
asked "set=2\n\n" "$EINVAL"
asked "set=1\nfwmark=9\nfwmark=x\n\nget=2\n\n" "${EINVAL}errno=22,,"
asked "set=1\nfwmark=9\0\n\n" "$EINVAL"
asked "set=1\nfwmark=9\nwgxdp_bind=eth0\n\n" "$EINVAL"
asked "set=1\nfwmark=9\nwgxdp_clamp_mss=yes\n\n" "$EINVAL"
asked "set=1\nfwmark=9\nwgxdp_is_up=true\n\n" "$EINVAL"
asked "set=1\nfwmark=9\nwgxdp_limit=1\n\n" "$EINVAL"
for line in remove=maybe wgxdp_limit=fast wgxdp_limit=-1 wgxdp_roaming=maybe wgxdp_name="$(printf 'x%.0s' {1..64})" \
	'wgxdp_name=\a' wgxdp_endpoint=nowhere wgxdp_endpoint=nowhere:0 wgxdp_endpoint=:1 "wgxdp_endpoint=a b:1" \
	wgxdp_verdict=bad-tag:1 fwmark=1 wgxdp_bind=any; do
	asked "set=1\nreplace_peers=true\npublic_key=$B\n$line\n\n" "$EINVAL"
done
spawn a "$WORK/holder" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4999)); print("bound", flush=True); time.sleep(60)'
wait_for 5 "a port in use" grep -q bound "$WORK/holder"
asked "set=1\nlisten_port=4999\nfwmark=9\nreplace_peers=true\n\n" "errno=-98,,"
asked "set=1\nwgxdp_bind=192.0.2.99\nfwmark=9\nreplace_peers=true\n\n" "errno=-99,,"
stop "$SPAWNED"

step "the metrics' server"
spawn a "$WORK/served.log" "$WGXDP" metrics --listen 127.0.0.1:9586
SERVER=$SPAWNED
# http BYTES LINE: the first line of the answer to what printf makes of BYTES; empty: the connection is closed. What is
# far too long may be cut off before its answer is read.
http() {
	local said
	said=$(in_ns a python3 - "$(printf '%b' "$1" | xxd -p -c 0)" <<-'END'
		import socket, sys
		server = socket.create_connection(("127.0.0.1", 9586), 5)
		text = b""
		try:
		    server.sendall(bytes.fromhex(sys.argv[1]))
		    server.shutdown(socket.SHUT_WR)
		    while more := server.recv(65536):
		        text += more
		except OSError as error:
		    # all but having waited in vain is an end of the connection
		    if isinstance(error, TimeoutError):
		        raise
		print(text.decode().split("\r\n")[0])
	END
	)
	if [ -n "$said" ] || [ ${#1} -lt 32768 ]; then
		equal "answer to '${1:0:60}'" "$2" "$said"
	fi
	echo "#     ${1:0:60}: $said"
}
listens() {
	in_ns a bash -c "exec 3<>/dev/tcp/127.0.0.1/9586" 2>/dev/null
}
wait_for 5 "the server" listens
TO="HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
http "GET /metrics $TO" "HTTP/1.1 200 OK"
http "" ""
http "nonsense\r\n\r\n" ""
http "GET / $TO" "HTTP/1.1 404 Not Found"
http "GET /metrics/../../etc/passwd $TO" "HTTP/1.1 404 Not Found"
http "GET http://[ $TO" "HTTP/1.1 404 Not Found"
for method in POST PUT DELETE OPTIONS NONSENSE; do
	http "$method /metrics $TO" "HTTP/1.1 405 Method Not Allowed"
done
http "GET /metrics HTTP/1.1\r\nHost: a\r\nLong: $(printf 'x%.0s' {1..40000})\r\n\r\n" "HTTP/1.1 431 Request Header Fields Too Large"
http "GET /$(printf 'x%.0s' {1..40000}) HTTP/1.1\r\nHost: a\r\n\r\n" "HTTP/1.1 414 URI Too Long"
http "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" "HTTP/1.1 400 Bad Request"
http "GET /metrics $TO" "HTTP/1.1 200 OK"
equal "what the server said" "" "$(grep -v metrics "$WORK/served.log" || true)"
kill "$SERVER"
wait "$SERVER" || die "status $? of the server"
unchanged "what came by HTTP"

step "the agent's state file"
SIZE=$(stat -c %s "$STATE_FILE")
on_file() {
	[ "$(stat -c %s "$STATE_FILE")" -eq "$SIZE" ]
}
# kept: b is known as before.
kept() {
	[ "$(wg showconf "$T")" = "$(cat "$WORK/kept.conf")" ]
}
# with_state SAID EDIT: an agent that finds its file after the python statements EDIT on bytearray s says SAID, once.
with_state() {
	local said
	wg syncconf "$T" "$WORK/kept.conf"
	kept || die "the agent is not told any more: $(wg showconf "$T")"
	wait_for 5 "that to be on file" on_file
	kill -9 "$(agent_pid a)"
	wait_for 5 "the agent to die" gone "$(agent_pid a)"
	[ -z "$2" ] || python3 -c 'import random, sys
s = bytearray(open(sys.argv[1], "rb").read())
exec(sys.argv[2])
open(sys.argv[1], "wb").write(s)' "$STATE_FILE" "$2"
	said=$(attach a --private-key "$WORK/a.key" --listen-port "$PORT" 2>&1 >/dev/null)
	[ "$1" = any ] || equal "what the agent said of '$2'" "$1" "$said"
	echo "#     $(head -n 1 <<<"${2:-as it was}"): $said"
}
wg showconf "$T" >"$WORK/kept.conf"
knows() {
	with_state "" ""
	kept || die "the agent does not know what its file says: $(wg showconf "$T")"
}
knows
flood a b 4 10
LOST="$T: $STATE_FILE: not of this tunnel, not used"
for edit in "s.clear()" "del s[100:]" "del s[300:]" "del s[-1:]" "s[0] ^= 1" "s[4] ^= 1" "s[8] ^= 1" "s[64] ^= 1" \
	"s[23] = 0x7f" "s[24] += 1" "s[31] = 0x7f" "s[72] += 1" "s[256 + 96] ^= 1" "s[512] ^= 1" "s[512 + 4] = 9" \
	"s[512 + 4] = 4; s[512 + 5] = 33" "s[512 + 5] = 129" "s[512 + 4] = 0"; do
	with_state "$LOST" "$edit"
	equal "peers after '$edit'" "" "$(wg show "$T" peers)"
done
step "whatever is in it, the agent begins, and takes what it is told"
for seed in {1..20}; do
	with_state any "random.seed($seed)
for i in range($seed): s[random.randrange(len(s))] ^= random.randrange(256)"
done
knows
flood a b 4 10
flood b a 6 10
