#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# wgxdp up, down, save, strip and syncconf read wg-quick's files and do with them what wg-quick does: addresses,
# routes, rules, firewall, DNS, MTU, hooks. What is wrong in a file is named by its line, and nothing changes.
. "$(dirname "$0")/topology.sh"
# shellcheck source=quick.sh
. "$SUITE/quick.sh"

# A resolvconf that writes down what it is told.
cat >"$WORK/bin/resolvconf" <<-END
	#!/bin/sh
	case \$1 in
	-a) { echo "\$@"; cat; } >"$WORK/dns" ;;
	-d) rm "$WORK/dns" ;;
	esac
END
chmod +x "$WORK/bin/resolvconf"

no_change() {
	[ "$(network)" = "$1" ] || die "$2 changed: $(diff <(echo "$1") <(network))"
}

run() {
	wgxdp a "$@" >"$WORK/out" 2>&1 || die "wgxdp $*: $(cat "$WORK/out")"
}
route_to() {
	grep -q "dev $T" <<<"$(ip -n "$(ns a)" route show "$1")"
}

step "up: all that a file can say"
write_conf "10.77.0.0/24, fd77::/64, 10.99.0.0/16, fd99::/64" "MTU = 1380" "DNS = 10.77.0.2, example.org" \
	"DNS = fd77::2" "PreUp = ip link show %i 2>&1 | tee $WORK/pre-up" \
	"PostUp = echo %i up >>$WORK/hooks; wgxdp() { $WGXDP \"\$@\"; }; wgxdp show %i >$WORK/shown" \
	"PreDown = echo %i before >>$WORK/hooks; ip link show %i >/dev/null" \
	"PostDown = echo %i after >>$WORK/hooks; ! ip link show %i 2>/dev/null"
run up "$CONF"
remember_bpf a
wait_for 5 "the receive program on eth0" has_xdp eth0
flood a b 4 200
flood b a 6 200
grep -q "does not exist" "$WORK/pre-up" || die "PreUp did not run before"
grep -q "receives on\|interface: $T" "$WORK/shown" || die "PostUp did not run after"
equal "MTU" 1380 "$(ip -n "$(ns a)" -j link show "$T" | jq '.[].mtu')"
equal "DNS" "-a $T -m 0 -x nameserver 10.77.0.2 nameserver fd77::2 search example.org" "$(xargs <"$WORK/dns")"
route_to 10.99.0.0/16 || die "no route to 10.99.0.0/16"
equal "routes to the address's own network" 1 "$(ip -n "$(ns a)" route show dev "$T" | grep -c 10.77.0.0)"
equal "rules" "$(grep -c lookup <<<"$clean")" "$(network | grep -c "lookup")"
"$SUITE/wg_socket.py" get "$UAPI/$T.sock" >"$WORK/out"
grep -qx "wgxdp_name=the other end" "$WORK/out" || die "the peer has no name"

step "the same as wg-quick makes of it"
wg showconf "$T" >"$WORK/shown.conf"
run strip "$CONF"
equal "strip" "$(tr -d ' ' <"$WORK/out" | sort)" "$(tr -d ' ' <"$WORK/shown.conf" | sort)"
wg syncconf "$T" "$WORK/out"

step "down: hooks, and nothing is left"
run down "$CONF"
equal "hooks" "$T up $T before $T after" "$(xargs <"$WORK/hooks")"
no_change "$clean" down
refuses wgxdp a down "$CONF" 2>/dev/null

step "everything through the tunnel"
ip -n "$(ns b)" address add 203.0.113.9/32 dev lo
write_conf "0.0.0.0/0, ::/0" "Address = 10.80.0.1/32"
run up "$CONF"
remember_bpf a
flood a b 4 200
flood a b 6 200
in_ns a ping -q -f -c 50 -w 20 -p "$MARKER" 203.0.113.9 >"$WORK/ping" || die "$(cat "$WORK/ping")"
in_ns a ping -q -c 1 -W 1 -m 51820 203.0.113.9 >/dev/null || die "marked packets do not go around the tunnel"
equal "fwmark" 0xca6c "$(wg show "$T" fwmark)"
equal "MTU" 1420 "$(ip -n "$(ns a)" -j link show "$T" | jq '.[].mtu')"
equal "src_valid_mark" 1 "$(in_ns a cat /proc/sys/net/ipv4/conf/all/src_valid_mark)"
for family in 4 6; do
	grep -q "not from all fwmark 0xca6c lookup 51820" <<<"$(ip -n "$(ns a)" -$family rule)" || die "no rule: $(ip -n "$(ns a)" -$family rule)"
	grep -q "lookup main suppress_prefixlength 0" <<<"$(ip -n "$(ns a)" -$family rule)" || die "no rule for main"
	grep -q "default dev $T" <<<"$(ip -n "$(ns a)" -$family route show table 51820)" || die "no default route"
done
step "a packet for the tunnel's address that comes by another way is dropped"
ip -n "$(ns b)" route add 10.80.0.1/32 via "${OUTER4[a]}"
in_ns b ping -q -c 2 -i 0.2 -W 1 10.80.0.1 >/dev/null && die "it was answered"
in_ns a nft delete table ip "wgxdp-$T"
in_ns b ping -q -c 2 -i 0.2 -W 1 10.80.0.1 >/dev/null || die "it is not answered without the firewall"
run down "$T"
no_change "$clean" down

step "by iptables, where there is no nft"
if command -v iptables-restore >/dev/null; then
	mkdir "$WORK/few"
	for program in iptables-restore ip6tables-restore bash sh; do
		ln -s "$(command -v "$program")" "$WORK/few/$program"
	done
	in_ns a env PATH="$WORK/few" "$WGXDP" up "$CONF" || die "up without nft"
	flood a b 4 100
	grep -q "src-type LOCAL -j DROP" <<<"$(in_ns a iptables-save)" || die "no rule: $(in_ns a iptables-save)"
	in_ns a env PATH="$WORK/few" "$WGXDP" down "$CONF" || die "down without nft"
	refuses grep wgxdp <<<"$(in_ns a iptables-save)"
	in_ns a nft flush ruleset
	no_change "$clean" down
fi

step "a table of its own, a mark of its own"
write_conf "0.0.0.0/0, 10.99.0.0/16" "Table = 1234" "FwMark = 0x77"
run up "$CONF"
equal "routes in table 1234" 2 "$(ip -n "$(ns a)" route show table 1234 | grep -c "dev $T")"
equal "rules" "$(grep -c lookup <<<"$clean")" "$(network | grep -c lookup)"
equal "fwmark" 0x77 "$(wg show "$T" fwmark)"
run down "$CONF"
write_conf "10.99.0.0/16" "Table = off"
run up "$CONF"
route_to 10.99.0.0/16 && die "a route in spite of Table = off"
run down "$CONF"
no_change "$clean" down

step "syncconf: what is new is there, and the session goes on"
write_conf "10.77.0.2/32, fd77::2/128"
run up "$CONF"
flood a b 4 10
start_pings a b 4 1000
# the sniffer is past the handshake
flow_of 100
initiations=$(seen initiation)
other=$(wg genkey | wg pubkey)
printf '%s\n' "# a guest" "[Peer]" "PublicKey = $other" "AllowedIPs = 10.98.0.0/16" >>"$CONF"
run syncconf "$CONF"
equal "peers" 2 "$(wg show "$T" peers | wc -l)"
sed -i 's|^AllowedIPs = 10.77.0.2/32|&, 10.97.0.0/16|; /guest/,$d' "$CONF"
run syncconf "$CONF"
equal "peers" "$(public_key b)" "$(wg show "$T" peers)"
grep -q 10.97.0.0/16 <<<"$(wg show "$T" allowed-ips)" || die "no new allowed IP"
sed -i 's|^ListenPort|#wgxdp MaxPeers = 5000\n&|' "$CONF"
run syncconf "$CONF"
grep -q "warning: --max-peers 5000: .* made for 131072" "$WORK/out" || die "no word of a limit that stays: $(cat "$WORK/out")"
sed -i '/MaxPeers/d' "$CONF"
run syncconf "$CONF"
equal "words of limits" "" "$(cat "$WORK/out")"
finish_pings 0
equal "initiations" "$initiations" "$(seen initiation)"

step "save: the tunnel as it is, and the file's own lines"
wg set "$T" peer "$other" allowed-ips 10.98.0.0/16 persistent-keepalive 7
ip -n "$(ns a)" address add 10.77.9.9/32 dev "$T"
sed -i "s|^ListenPort|PostUp = true\n&|" "$CONF"
run save "$CONF"
for line in "PostUp = true" "Address = 10.77.9.9/32" "Address = fd77::1/64" "PersistentKeepalive = 7" \
	"# name = the other end" "PrivateKey = $(cat "$WORK/a.key")"; do
	grep -qxF "$line" "$CONF" || die "the file has no '$line': $(cat "$CONF")"
done
equal "mode" 600 "$(stat -c %a "$CONF")"
run syncconf "$CONF"
sed -i "s|^PostUp|SaveConfig = true\n&|" "$CONF"
run down "$T"
run up "$CONF"
wg set "$T" peer "$other" remove
run down "$CONF"
grep -q "$other" "$CONF" && die "SaveConfig did not save"
grep -q "SaveConfig = true" "$CONF" || die "SaveConfig is lost"
no_change "$clean" down

step "what fails is undone: a hook, an address, a port, a route, an agent that was killed"
undone() {
	local said
	said=$(in_ns a "$WGXDP" up "$CONF" 2>&1 >/dev/null) && die "succeeded: $(cat "$CONF")"
	step "  $(tail -n 1 <<<"$said")"
	no_change "$clean" "$said"
}
write_conf "0.0.0.0/0" "DNS = 10.77.0.2" "PostUp = exit 3"
undone
write_conf "0.0.0.0/0" "PreUp = false"
undone
ip -n "$(ns a)" route add 10.96.0.0/16 via "${OUTER4[b]}"
clean=$(network)
write_conf "10.96.0.0/16"
undone
write_conf "10.77.0.2/32"
sed -i "s/^ListenPort.*/ListenPort = 4999/" "$CONF"
spawn a "$WORK/holder" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 4999)); print("bound", flush=True); time.sleep(60)'
wait_for 5 "a port in use" grep -q bound "$WORK/holder"
undone
stop "$SPAWNED"
run up "$CONF"
remember_bpf a
flood a b 4 10
start_pings a b 4 1500
flow_of 100
initiations=$(seen initiation)
kill_agent a
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("bound", flush=True)
print(s.recv(4096).decode(), flush=True)' "$WORK/notify" >"$WORK/notified" &
wait_for 5 "a service manager" grep -q bound "$WORK/notified"
in_ns a env NOTIFY_SOCKET="$WORK/notify" "$WGXDP" up "$CONF"
wait_for 5 "the service to be ready" grep -q READY=1 "$WORK/notified"
grep -qx "MAINPID=$(agent_pid a)" "$WORK/notified" || die "said: $(cat "$WORK/notified")"
finish_pings 0
equal "initiations" "$initiations" "$(seen initiation)"
kill_agent a
run down "$CONF"
no_change "$clean" down

step "a broken file: its line, and nothing changed"
# broken SED SAID: the file after that edit is refused with these words.
broken() {
	local said status=0
	write_conf "10.77.0.2/32"
	sed -i "$1" "$CONF"
	for verb in up syncconf strip; do
		said=$(in_ns a "$WGXDP" "$verb" "$CONF" 2>&1 >"$WORK/out") && die "taken: $(cat "$CONF")"
		equal "lines: $said" 1 "$(wc -l <<<"$said")"
		grep -qF "$CONF: line $2" <<<"$said" || die "said: $said"
		[ ! -s "$WORK/out" ] || die "printed: $(cat "$WORK/out")"
	done
	echo "#     $said"
	no_change "$clean" "$said"
}
broken '2s/=.*/= short/' "2: that is not a key"
broken '3s/.*/Port = 1/' "3: 'Port': expected PrivateKey"
broken '4s/.*/Address = 10.0.0.300/' "4: '10.0.0.300'"
# shellcheck disable=SC2016 # sed's
broken '$s/.*/AllowedIPs = 10.0.0.0\/64/' "9: '10.0.0.0/64'"
broken '/^Public/d' "6: this [Peer] has no PublicKey"
broken '1d' "1: a value before the first section"
bad() {
	local said
	said=$(in_ns a "$@" 2>&1 >/dev/null </dev/null) && die "taken: $*"
	equal "lines: $said" 1 "$(wc -l <<<"$said")"
	echo "#     $said"
	no_change "$clean" "$said"
}
write_conf "10.77.0.2/32" "Table = nowhere"
bad "$WGXDP" up "$CONF"
write_conf "10.77.0.2/32" "DNS = 10.77.0.2"
bad env PATH=/nowhere "$WGXDP" up "$CONF"
write_conf "0.0.0.0/0"
bad env PATH=/nowhere "$WGXDP" up "$CONF"
bad "$WGXDP" up "$WORK/nothing.conf"
bad "$WGXDP" up "$WORK"
bad "$WGXDP" up nothing-like-that
bad "$WGXDP" up a-name-that-is-too-long
bad "$WGXDP" up "$WORK/eth0.conf"
cp "$CONF" "$WORK/eth0.conf"
bad "$WGXDP" up "$WORK/eth0.conf"
bad "$WGXDP" save "$CONF"
bad "$WGXDP" syncconf "$CONF"
