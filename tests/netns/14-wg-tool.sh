#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The stock wg(8) against our socket: show, showconf, set, setconf, syncconf, addconf.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
T=${TUNNEL[a]}
flood a b 4 10

step "wg show, in all its forms"
wg show "$T" >"$WORK/show"
for words in "interface: $T" "public key: $(public_key a)" "listening port: $PORT" "peer: $(public_key b)" \
	"endpoint: $(outer b 4)" "latest handshake: " "transfer: "; do
	grep -qF "$words" "$WORK/show" || die "wg show does not say '$words': $(cat "$WORK/show")"
done
equal "private key" "$(cat "$WORK/a.key")" "$(wg show "$T" private-key)"
equal "lines of dump" 2 "$(wg show "$T" dump | wc -l)"
age=$((EPOCHSECONDS - $(show a latest-handshakes)))
at_least "age of the handshake" 0 $age
at_most "age of the handshake" 60 $age
wg show interfaces | tr ' ' '\n' | grep -qx "$T" || die "wg does not list $T"

step "wg set, everything at once"
make_psk one
wg set "$T" fwmark 0x1234 listen-port 51999 peer "$(public_key b)" preshared-key "$WORK/one.psk" \
	persistent-keepalive 25 endpoint "$(outer b 6)" allowed-ips 10.77.0.2/24,fd77::2/128,10.78.0.0/16
equal "fwmark" 0x1234 "$(wg show "$T" fwmark)"
equal "port" 51999 "$(wg show "$T" listen-port)"
equal "preshared key" "$(cat "$WORK/one.psk")" "$(show a preshared-keys)"
equal "keepalive" 25 "$(show a persistent-keepalive)"
equal "endpoint" "$(outer b 6)" "$(show a endpoints)"
equal "allowed IPs, host bits masked" "10.77.0.0/24 10.78.0.0/16 fd77::2/128 " \
	"$(show a allowed-ips | tr ' ' '\n' | sort | tr '\n' ' ')"
wait_for 5 "b to follow to the new port" grep -q ":51999" <(wg show "${TUNNEL[b]}" endpoints)

# configuration: in an order of its own, which is nobody's promise.
configuration() {
	sed 's/^[A-Za-z]* = //' | tr -d ' ' | tr ',' '\n' | sort
}
step "showconf, setconf: the same again"
wg set "$T" listen-port "$PORT" fwmark 0 peer "$(public_key b)" preshared-key /dev/null persistent-keepalive off \
	endpoint "$(outer b 4)" allowed-ips "${INNER4[b]}/32,${INNER6[b]}/128"
wg showconf "$T" >"$WORK/conf"
wg set "$T" peer "$(public_key b)" remove peer "$(wg genkey | wg pubkey)" allowed-ips 0.0.0.0/0
wg setconf "$T" "$WORK/conf"
equal "configuration" "$(configuration <"$WORK/conf")" "$(wg showconf "$T" | configuration)"
flood a b 4 100

step "syncconf with the same does not disturb the session; addconf adds"
initiations=$(seen initiation)
wg syncconf "$T" "$WORK/conf"
flood a b 4 100
equal "initiations" "$initiations" "$(seen initiation)"
new=$(wg genkey | wg pubkey)
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.99.0.0/16\n' "$new" >"$WORK/more"
wg addconf "$T" "$WORK/more"
equal "peers" 2 "$(wg show "$T" peers | wc -l)"
flood b a 4 100

step "a prefix moves to who asked last, and does not come back"
wg set "$T" peer "$new" allowed-ips "${INNER4[b]}/32"
equal "allowed IPs of b" "${INNER6[b]}/128" "$(wg show "$T" allowed-ips | awk -v peer="$(public_key b)" '$1 == peer { print $2 }')"
wg set "$T" peer "$new" remove
equal "allowed IPs of b" "${INNER6[b]}/128" "$(wg show "$T" allowed-ips | awk -v peer="$(public_key b)" '$1 == peer { print $2 }')"

step "our own key is no peer; a private key whose public key is a peer's removes it"
wg set "$T" peer "$(public_key a)" allowed-ips 10.98.0.0/16
equal "peers" 1 "$(wg show "$T" peers | wc -l)"
wg genkey >"$WORK/self.key"
wg set "$T" peer "$(wg pubkey <"$WORK/self.key")" allowed-ips 10.98.0.0/16
equal "peers" 2 "$(wg show "$T" peers | wc -l)"
wg set "$T" private-key "$WORK/self.key"
equal "peers" "$(public_key b)" "$(wg show "$T" peers)"

step "a low-order public key is taken and never gets a byte"
wg set "$T" peer AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= endpoint "$(outer b 4)" \
	allowed-ips 10.97.0.0/16 persistent-keepalive 1
ip -n "$(ns a)" route add 10.97.0.0/16 dev "$T"
initiations=$(seen initiation)
in_ns a ping -q -c 4 -i 0.5 -W 1 -p "$MARKER" 10.97.0.1 >/dev/null && die "a low-order peer answered"
equal "initiations" "$initiations" "$(seen initiation)"
