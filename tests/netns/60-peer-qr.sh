#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp peer qr`: the code is read by zbarimg and is a file that `wgxdp up` takes: the phone then speaks. Addresses are
# the next free ones; the private key is nowhere on the gateway; what is refused changes nothing.
. "$(dirname "$0")/topology.sh"
both_wgxdp
command -v zbarimg >/dev/null || skip "there is no zbarimg"
make_topology
start_end a
T=${TUNNEL[a]}

# decode FILE: what the code says.
decode() {
	"$SUITE/../harness/qr_image.py" <"$1" >"$WORK/code.pbm" || die "no code: $(cat "$1")"
	zbarimg --nodbus -q --raw -Sdisable -Sqrcode.enable "$WORK/code.pbm"
}

# line KEY FILE: its value.
line() {
	sed -n "s/^$1 = //p" "$2"
}

# allowed_ips NAME: of the peer of that name.
allowed_ips() {
	wgxdp a show "$T" --json | jq -r --arg name "$1" '.tunnels[].peers[] | select(.name == $name).allowed_ips | join(",")'
}

# qr NAME OPTION...: into $WORK/NAME.
qr() {
	wgxdp a peer qr "$1" --tunnel "$T" "${@:2}" >"$WORK/$1"
}

step "a code; its reader is a phone, and speaks"
qr "phone" --routes 10.77.0.0/24,fd77::/64 --psk --keepalive 25
decode "$WORK/phone" >"$WORK/${TUNNEL[b]}.conf"
phone=$WORK/${TUNNEL[b]}.conf
equal "addresses" "10.77.0.2/32 fd77::2/128" "$(line Address "$phone" | xargs)"
equal "routes" "10.77.0.0/24, fd77::/64" "$(line AllowedIPs "$phone")"
equal "endpoint" "$(outer a 4)" "$(line Endpoint "$phone")"
equal "keepalive" 25 "$(line PersistentKeepalive "$phone")"
equal "our public key" "$(public_key a)" "$(line PublicKey "$phone")"
equal "allowed IPs of the peer" "10.77.0.2/32,fd77::2/128" "$(allowed_ips phone)"
line PrivateKey "$phone" >"$WORK/b.key"
wg pubkey <"$WORK/b.key" >"$WORK/b.pub"
equal "peers" "$(public_key b)" "$(wg show "$T" peers)"
equal "preshared key" "$(line PresharedKey "$phone")" "$(show a preshared-keys)"
chmod 600 "$phone"
wgxdp b up "$phone" >"$WORK/up" 2>&1 || die "the phone's file: $(cat "$WORK/up")"
flood b a 4 20
flood b a 6 20
remember_bpf b
wgxdp b down "${TUNNEL[b]}"

step "the private key stays nowhere here"
key=$(base64 -d "$WORK/b.key" | od -An -vtx1 | tr -d ' \n')
for file in "$STATE/$(inode a)"/* ; do
	[ -f "$file" ] || continue
	refuses grep -qF "$(cat "$WORK/b.key")" "$file"
	refuses grep -q "$key" <(od -An -vtx1 "$file" | tr -d ' \n')
done
refuses grep -qF "$(cat "$WORK/b.key")" <(wg show "$T" dump)

step "the next addresses, around those that are taken; everything by the tunnel"
wg set "$T" peer "$(wg genkey | wg pubkey)" allowed-ips 10.77.0.4/30,fd77::4/127,0.0.0.0/0
qr tablet --text --dns 9.9.9.9,fd77::53,example.org --endpoint gw.example.org:4500
equal "addresses" "10.77.0.3/32 fd77::3/128" "$(line Address "$WORK/tablet" | xargs)"
equal "DNS" "9.9.9.9 fd77::53 example.org" "$(line DNS "$WORK/tablet" | xargs)"
equal "endpoint" "gw.example.org:4500" "$(line Endpoint "$WORK/tablet")"
equal "routes" "0.0.0.0/0, ::/0" "$(line AllowedIPs "$WORK/tablet")"
equal "mode of what was printed" "" "$(line PresharedKey "$WORK/tablet")"
qr "third" --text
equal "addresses" "10.77.0.8/32 fd77::6/128" "$(line Address "$WORK/third" | xargs)"
equal "allowed IPs" "10.77.0.8/32,fd77::6/128" "$(allowed_ips third)"

step "addresses of one's own, a long list, and a terminal's colours"
WG_COLOR_MODE=always qr "router" --allowed-ips 10.77.0.99/32,192.168.7.0/24 \
	--routes "$(seq -f '10.%g.0.0/16' -s , 1 40)" --endpoint "$(outer a 6)"
grep -q $'\033\\[40;97m' "$WORK/router" || die "no colours"
decode "$WORK/router" >"$WORK/decoded"
equal "addresses" "10.77.0.99/32" "$(line Address "$WORK/decoded")"
equal "routes" 40 "$(line AllowedIPs "$WORK/decoded" | wc -w)"
equal "endpoint" "$(outer a 6)" "$(line Endpoint "$WORK/decoded")"
equal "allowed IPs" "10.77.0.99/32,192.168.7.0/24" "$(allowed_ips router)"

step "the line with a private address of ours says so, and the code is there"
ip -n "$(ns a)" address flush dev eth0
ip -n "$(ns a)" address add 192.168.1.1/24 dev eth0
qr "warned" --text 2>"$WORK/said"
equal "endpoint" "192.168.1.1:$PORT" "$(line Endpoint "$WORK/warned")"
equal "said" "wgxdp: peer qr: warning: the address of eth0 is not one of the Internet: consider --endpoint" "$(cat "$WORK/said")"
ip -n "$(ns a)" address flush dev eth0

# bad MESSAGE WORD...: MESSAGE is what the line says behind "wgxdp: peer qr: ".
state() {
	wg showconf "$T"
	wgxdp a show "$T" --json
}
bad() {
	local before said status=0 message="wgxdp: peer qr: $1"
	shift
	before=$(state)
	said=$(wgxdp a peer qr --tunnel "$T" "$@" 2>&1 >"$WORK/out" </dev/null) || status=$?
	[ "$status" -ne 0 ] || die "status 0 of: $*"
	equal "what peer qr $* said" "$message" "$said"
	[ ! -s "$WORK/out" ] || die "peer qr $* printed: $(cat "$WORK/out")"
	[ "$(state)" = "$before" ] || die "peer qr $* changed something"
	echo "#     $said"
}
step "what is refused"
name="that cannot be a peer's name: expected 1 to 63 characters that can be shown"
bad "something is missing: expected PHONE"
bad "$name" ""
bad "$name" $'a\nb'
bad "$name" "$(printf 'x%.0s' {1..64})"
bad "'phone' is a peer of $T already, and its private key is not here: expected another name, or that 'wgxdp peer remove' goes first" phone
bad "--endpoint 'gw': expected HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535" x --endpoint gw
bad "--endpoint '2001:db8::1:51820': expected HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535" x \
	--endpoint 2001:db8::1:51820
bad "--dns '1.2.3.4,a b/c': 'b/c': expected an address or a domain" x --dns "1.2.3.4,a b/c"
bad "--dns '': expected addresses and domains, with commas" x --dns ""
bad "--dns '1.1.1.1?PostUp = rm': expected addresses and domains, with commas" x --dns $'1.1.1.1\nPostUp = rm'
bad "--keepalive 'often': expected seconds from 1 to 65535, or off" x --keepalive often
bad "--routes '10.0.0.0/33': expected an IPv4 or IPv6 address with a prefix length of at most 32 or 128" x --routes 10.0.0.0/33
bad "--allowed-ips '10.0.0.0/33': expected an IPv4 or IPv6 address with a prefix length of at most 32 or 128" x \
	--allowed-ips 10.0.0.0/33
bad "--allowed-ips '10.9.0.0/16': expected one address, of /32 or /128, that is the phone's own" x --allowed-ips 10.9.0.0/16
bad "no interface that $T receives on has an address: expected --endpoint" x
many=$(seq -f '10.%g.0.0/16' -s , 1 250)
bad "3851 bytes do not fit into a QR code: expected fewer --routes, or --text" x --endpoint gw:1 --routes "$many"
wg set "$T" peer "$(public_key b)" allowed-ips 10.77.0.0/24
bad "no address is free in the network of 10.77.0.1/24: expected --allowed-ips" x --endpoint gw:1
ip -n "$(ns a)" address flush dev "$T"
bad "$T has no address here that says which network is its own: expected --allowed-ips" x --endpoint gw:1

step "what cannot be printed is not added"
before=$(state)
wgxdp a peer qr lost --tunnel "$T" --allowed-ips 10.1.1.1 --endpoint gw:1 >/dev/full 2>"$WORK/said" && die "status 0"
grep -q "cannot print it, so the peer is removed again: No space left" "$WORK/said" || die "$(cat "$WORK/said")"
[ "$(state)" = "$before" ] || die "it left something"

step "without a key; without an agent"
wg set "$T" private-key /dev/null
bad "$T has no private key: expected one" x --allowed-ips 10.1.1.1 --endpoint gw:1
kill_agent a
state() {
	ip -n "$(ns a)" -br address
}
bad "tunnel $T has no agent: expected one that 'wgxdp attach' started" x --allowed-ips 10.1.1.1 --endpoint gw:1
