#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The README's commands for a newcomer, as they stand there but for the tunnel's name: the server's file, `up`, a phone by
# its QR code, which reaches the server and what is behind it; then a tunnel without a file. And its comparison names
# tests that there are.
#
#     b, the phone, 192.0.2.2 ---- a, the server, 192.0.2.1 ---- 198.51.100.1, behind, 198.51.100.9
. "$(dirname "$0")/topology.sh"
both_wgxdp
command -v zbarimg >/dev/null || skip "there is no zbarimg"
command -v nft >/dev/null || skip "there is no nft"
make_topology
T=${TUNNEL[a]}
mkdir "$WORK/bin" "$WORK/etc"
ln -s "$WGXDP" "$WORK/bin/wgxdp"

# block BEGIN: the commands, from the line that begins so to the empty one. Without --tunnel they mean wg0.
block() {
	awk -v begin="    $1" 'index($0, begin) == 1 { inside = 1 } inside && !/^    / { exit } inside { print substr($0, 5) }' \
		"$TREE/README.md" |
		sed -E "s/\bwg0\b/$T/g; s/^wgxdp (peer [a-z]+|attach|detach)/& --tunnel $T/"
}

# typed FILE: a root's shell on the server, which has an /etc/wireguard of its own.
# shellcheck disable=SC2016 # that shell expands it
typed() {
	in_ns a env PATH="$WORK/bin:$PATH" unshare --mount bash -ec 'mkdir -p /etc/wireguard
		mount --bind "$1" /etc/wireguard; cd "$1"; . "$2"' bash "$WORK/etc" "$1"
}

add_namespace behind
ip -n "$(ns a)" link add name eth1 type veth peer name eth0 netns "$(ns behind)"
ip -n "$(ns a)" link set eth1 up
ip -n "$(ns behind)" link set eth0 up
ip -n "$(ns a)" address add 198.51.100.1/24 dev eth1
ip -n "$(ns behind)" address add 198.51.100.9/24 dev eth0
ip -n "$(ns a)" route add default via "${OUTER4[b]}"

step "a server and a phone"
block "umask 077" >"$WORK/server"
at_least "lines in the README" 10 "$(wc -l <"$WORK/server")"
typed "$WORK/server" >"$WORK/printed" 2>"$WORK/said" || die "$(cat "$WORK/said" "$WORK/printed")"
remember_bpf a
grep -q "interface: $T" "$WORK/printed" || die "show did not show: $(cat "$WORK/printed")"
grep -q "# name = anna" "$WORK/etc/$T.conf" || die "anna is not in the file"
equal "mode of the file" 600 "$(stat -c %a "$WORK/etc/$T.conf")"

step "the phone reads the code"
grep '█' "$WORK/printed" | "$SUITE/../harness/qr_image.py" >"$WORK/code.pbm" || die "no code: $(cat "$WORK/printed")"
zbarimg --nodbus -q --raw -Sdisable -Sqrcode.enable "$WORK/code.pbm" | sed '/^DNS/d' >"$WORK/${TUNNEL[b]}.conf"
chmod 600 "$WORK/${TUNNEL[b]}.conf"
wgxdp b up "$WORK/${TUNNEL[b]}.conf" >"$WORK/up" 2>&1 || die "the phone: $(cat "$WORK/up")"
remember_bpf b
for address in 10.8.0.1 fd08::1 198.51.100.9; do
	in_ns b ping -q -c 3 -i 0.2 -W 2 "$address" >/dev/null || die "the phone does not reach $address"
done
wgxdp a syncconf "$WORK/etc/$T.conf"
in_ns b ping -q -c 1 -W 2 10.8.0.1 >/dev/null || die "not after syncconf"
wgxdp b down "${TUNNEL[b]}"
wgxdp a down "$T"
equal "what is left in nft" "" "$(in_ns a nft list ruleset)"

step "without a file"
block "wgxdp genkey" | sed "s|PUBKEY|$(wg genkey | wg pubkey)|" >"$WORK/steps"
at_least "lines in the README" 6 "$(wc -l <"$WORK/steps")"
typed "$WORK/steps" >"$WORK/printed" 2>&1 || die "$(cat "$WORK/printed")"
equal "persistent keepalive" 1 "$(grep -c "every 25 seconds" "$WORK/printed")"
refuses ip -n "$(ns a)" link show "$T" 2>/dev/null

step "the comparison's tests are there"
# in the column of wgxdp, behind the colon: "14, 50 to 52"
cells=$(awk -F '|' '/^## Beside/ { on = 1; next } /^##/ { on = 0 } on && $3 ~ /: [0-9]/ { sub(/.*: /, "", $3); print $3 }' "$TREE/README.md")
at_least "rows with tests" 6 "$(wc -l <<<"$cells")"
for number in $(tr -c '0-9\n' ' ' <<<"$cells"); do
	[ "$number" -gt 13 ] || [ "$number" = 09 ] || continue
	compgen -G "$SUITE/$number-*.sh" >/dev/null || die "there is no test $number"
done
