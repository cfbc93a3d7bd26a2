#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tunnels whose names take all the room that an interface's name has: their hidden ends are called something shorter.
# Made, seen, moved, killed, followed and removed by their whole names, by our own commands and by the stock wg-quick.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
# two that differ in the last letter, and one of the shortest that is long
printf -v BASE 'w%05d-letter-' "$(($$ % 100000))"
TUNNEL[a]=${BASE}a
TUNNEL[b]=${BASE}b
T=${TUNNEL[a]}
THIRD=${T:0:13}
equal "length" "15 13" "${#T} ${#THIRD}"

# hidden NAME: what its hidden end is called.
hidden() {
	wgxdp a show "$1" --json | jq -r '.tunnels[0].hidden_end'
}
# other_names LINK
other_names() {
	ip -n "$(ns a)" -j link show "$1" | jq -r '.[0].altnames // [] | join(" ")'
}

step "made by attach, and what is told of it"
make_tunnel 4
flood a b 4 20
flood b a 6 20
H=$(hidden "$T")
[[ $H =~ ^w[0-9]{4}~[a-z2-7]{6}\.dp$ ]] || die "hidden end: $H"
equal "its other name" "$T.dp" "$(other_names "$H")"
ip -n "$(ns a)" link show "$T.dp" >/dev/null
grep -qx "  hidden end: $H" <<<"$(wgxdp a show "$T")" || die "show: $(wgxdp a show "$T")"
grep -qx "interface: $T" <<<"$(wgxdp a show)" || die "show: $(wgxdp a show)"
equal "peers, by wg" "$(public_key b)" "$(wg show "$T" peers)"

step "others of almost that name are others"
wgxdp a attach eth0 --tunnel "$THIRD" --listen-port 0 >/dev/null
wgxdp a attach eth0 --tunnel "${BASE}c" --listen-port 0 >/dev/null
equal "tunnels" "$(printf '%s\n' "$T" "$THIRD" "${BASE}c" | sort | paste -s -d ,)" \
	"$(wgxdp a show --json | jq -r '.tunnels[].name' | sort | paste -s -d ,)"
equal "hidden ends" 3 "$(for name in "$T" "$THIRD" "${BASE}c"; do hidden "$name"; done | sort -u | wc -l)"
spawn a "$WORK/monitor" "$WGXDP" monitor --json
for name in "$T" "$THIRD" "${BASE}c"; do
	wait_for 5 "monitor to follow $name" grep -q "\"tunnel\": *\"$name\"" "$WORK/monitor"
done
stop "$SPAWNED"
wgxdp a down "$THIRD"
wgxdp a down "${BASE}c"
equal "tunnels" "$T" "$(wgxdp a show --json | jq -r '.tunnels[].name')"
flood a b 4 20

step "killed, and started again"
kill_agent a
attach a >/dev/null
flood b a 4 20

step "moved to another namespace"
add_place inner a
move a a inner
flood inner b 4 20
equal "tunnels" "$T" "$(wgxdp a show --json | jq -r '.tunnels[].name')"

step "down leaves nothing"
remember_bpf a
wgxdp a down "$T"
NOW[a]=a
refuses ip -n "$(ns a)" link show "$H" 2>/dev/null
refuses ip -n "$(ns inner)" link show "$T" 2>/dev/null

step "up, save, syncconf, down, from a file of that name"
{
	printf '%s\n' "[Interface]" "PrivateKey = $(cat "$WORK/a.key")" "ListenPort = $PORT" "Address = ${INNER4[a]}/24" \
		"[Peer]" "PublicKey = $(public_key b)" "Endpoint = $(outer b 4)" "AllowedIPs = ${INNER4[b]}/32"
} >"$WORK/$T.conf"
chmod 600 "$WORK/$T.conf"
wgxdp a up "$WORK/$T.conf"
flood a b 4 20
wgxdp a save "$WORK/$T.conf"
wgxdp a syncconf "$WORK/$T.conf"
wgxdp a down "$WORK/$T.conf"
refuses ip -n "$(ns a)" link show "$H" 2>/dev/null

step "the interface is removed by its other name: the rest goes too"
attach a --private-key "$WORK/a.key" --listen-port "$PORT" >/dev/null
ip -n "$(ns a)" link delete "$T.dp"
no_agent() {
	[ -z "$(programs_of "$T")" ] && [ ! -e "$UAPI/$T.sock" ]
}
wait_for 5 "the agent to end" no_agent

step "the stock wg-quick"
mkdir "$WORK/bin"
ln -s "$WGXDP" "$WORK/bin/wgxdp-agent"
if ! command -v wg-quick >/dev/null; then
	echo "# there is no wg-quick"
elif ip link add "wgx$$" type wireguard 2>/dev/null; then
	ip link del "wgx$$"
	echo "# this kernel has WireGuard, which wg-quick takes"
else
	sed -i '/^#/d' "$WORK/$T.conf"
	quick() {
		PATH=$WORK/bin:$PATH WG_QUICK_USERSPACE_IMPLEMENTATION=wgxdp-agent \
			in_ns a wg-quick "$1" "$WORK/$T.conf" >"$WORK/quick" 2>&1 || die "wg-quick $1: $(cat "$WORK/quick")"
	}
	quick up
	flood a b 4 20
	quick down
	wait_for 5 "the agent to end" no_agent
	refuses ip -n "$(ns a)" link show "$H" 2>/dev/null
fi

step "names that no interface can have"
for name in sixteen-letters- "a b" a/b . a% ""; do
	refuses wgxdp a attach eth0 --tunnel "$name" 2>"$WORK/said"
	equal "lines said" 1 "$(wc -l <"$WORK/said")"
	grep -q "expected an interface name of at most 15 characters" "$WORK/said" || die "said: $(cat "$WORK/said")"
done
