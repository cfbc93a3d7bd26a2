# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# quick.sh - a file for wg-quick at a, with b as its peer, and what a tunnel that was brought up by it may leave behind.
# shellcheck disable=SC2034,SC2154 # topology.sh declares and reads them

make_topology
make_key a
start_end b
T=${TUNNEL[a]}
CONF=$WORK/$T.conf
mkdir "$WORK/bin"
export PATH=$WORK/bin:$PATH
wgxdp b peer add "$(public_key a)" --tunnel "${TUNNEL[b]}" --allowed-ips 10.77.0.1/32,fd77::1/128

# write_conf ALLOWED LINE...: the lines are the interface's.
write_conf() {
	local allowed=$1
	shift
	(
		umask 077
		printf '%s\n' "[Interface]" "PrivateKey = $(cat "$WORK/a.key")" "ListenPort = $PORT" \
			"Address = 10.77.0.1/24, fd77::1/64" "$@" "# the other end" "[Peer]" \
			"PublicKey = $(public_key b)" "Endpoint = $(outer b 4)" "AllowedIPs = $allowed" >"$CONF"
	)
}

# xdp INTERFACE: the id of its program at a.
xdp() {
	ip -n "$(ns a)" -j -d link show "$1" | jq -r '.[].xdp.prog.id // empty'
}
has_xdp() {
	[ -n "$(xdp "$1")" ]
}

# network: all that a tunnel may leave in a's namespace.
network() {
	ip -n "$(ns a)" -br link | awk '{ print $1 }'
	ip -n "$(ns a)" -4 rule
	ip -n "$(ns a)" -6 rule
	ip -n "$(ns a)" -4 route show table all
	ip -n "$(ns a)" -6 route show table all | sed 's/ expires [0-9a-z]*//'
	in_ns a nft list ruleset
	ip -n "$(ns a)" -j -d link | jq -c '.[].xdp.prog.id // empty'
	find "$STATE/$(inode a)" "$(pins a)" "$UAPI/$T.sock" "$WORK/dns" 2>/dev/null || true
	pgrep -f "wgxdp-agent.*$T" || true
}

ip -n "$(ns a)" route add default via "${OUTER4[b]}"
ip -n "$(ns a)" -6 route add default via "${OUTER6[b]}"
clean=$(network)
