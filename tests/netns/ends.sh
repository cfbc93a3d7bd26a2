# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# ends.sh - an end of the tunnel: its keys, its engine (wgxdp or another WireGuard), its peer. Part of
# topology.sh, which says what is where.
# shellcheck disable=SC2153,SC2034,SC2004 # topology.sh declares the arrays

wgxdp() {
	local end=$1
	shift
	in_ns "$end" "$WGXDP" "$@"
}

make_key() {
	(
		umask 077
		wg genkey >"$WORK/$1.key"
	)
	wg pubkey <"$WORK/$1.key" >"$WORK/$1.pub"
}

public_key() {
	cat "$WORK/$1.pub"
}

make_psk() {
	(
		umask 077
		wg genpsk >"$WORK/$1.psk"
	)
}

# wg: stock wg(8) of whichever end the tunnel belongs to. A socket of wgxdp or of wireguard-go is found from every
# namespace, the kernel's WireGuard only in the one its interface is in: NOW says where that is.
wg() {
	local end
	for end in a b; do
		if [ "${2:-}" = "${TUNNEL[$end]}" ] && [ -e "/run/netns/$(ns "${NOW[$end]:-$end}")" ]; then
			in_ns "${NOW[$end]:-$end}" wg "$@"
			return
		fi
	done
	command wg "$@"
}

# fetched NAME: prints the program that scripts/fetch-NAME gets, or why it cannot.
fetched() {
	O=$OUT "$TREE/scripts/fetch-$1" 2>&1 | tail -n 1
	return "${PIPESTATUS[0]}"
}

# find_program ENGINE: sets PROGRAM, with its options.
PROGRAM=()
find_program() {
	local path
	case $1 in
	wireguard-go)
		path=$(command -v "$WIREGUARD_GO") || skip "there is no wireguard-go"
		;;
	wireguard-go-newest) path=$(fetched wireguard-go) || skip "$path" ;;
	boringtun) path=$(fetched boringtun) || skip "$path" ;;
	*) die "no such engine: $1" ;;
	esac
	PROGRAM=("$path")
	[ "$1" != boringtun ] || PROGRAM+=(--disable-drop-privileges)
}

# start_userspace END: one of those that make a tun device and answer wg(8).
start_userspace() {
	local end=$1 tunnel=${TUNNEL[$1]}
	find_program "${ENGINE[$end]}"
	LOG_LEVEL=${GO_LOG:-error} spawn "$end" "$WORK/$end.log" "${PROGRAM[@]}" -f "$tunnel"
	ENGINE_PID[$end]=$SPAWNED
	wait_for 5 "the socket of ${ENGINE[$end]}" test -S "$UAPI/$tunnel.sock"
	wg set "$tunnel" private-key "$WORK/$end.key" listen-port "$PORT"
	ip -n "$(ns "$end")" link set "$tunnel" mtu "$MTU"
	ip -n "$(ns "$end")" address add "${INNER4[$end]}/24" dev "$tunnel"
	ip -n "$(ns "$end")" address add "${INNER6[$end]}/64" dev "$tunnel" nodad
	ip -n "$(ns "$end")" link set "$tunnel" up
}

# start_kernel END: the kernel's own WireGuard, where there is one (vmtest).
start_kernel() {
	local end=$1 tunnel=${TUNNEL[$1]}
	ip -n "$(ns "$end")" link add name "$tunnel" mtu "$MTU" type wireguard 2>/dev/null ||
		skip "this kernel has no WireGuard"
	wg set "$tunnel" private-key "$WORK/$end.key" listen-port "$PORT"
	ip -n "$(ns "$end")" address add "${INNER4[$end]}/24" dev "$tunnel"
	ip -n "$(ns "$end")" address add "${INNER6[$end]}/64" dev "$tunnel" nodad
	ip -n "$(ns "$end")" link set "$tunnel" up
}

# engine_version END
engine_version() {
	case ${ENGINE[$1]} in
	kernel) echo "the kernel's WireGuard, $(uname -r)" ;;
	*) "${PROGRAM[0]}" --version 2>/dev/null | head -n 1 ;;
	esac
}

# stop_engine END: another WireGuard ends, and leaves no socket.
stop_engine() {
	if [ "${ENGINE[$1]}" = kernel ]; then
		ip -n "$(ns "$1")" link delete "${TUNNEL[$1]}"
		return
	fi
	stop "${ENGINE_PID[$1]}"
	unset "ENGINE_PID[$1]"
	wait_for 5 "${ENGINE[$1]} to end" test ! -e "$UAPI/${TUNNEL[$1]}.sock"
}

attach() {
	wgxdp "$1" attach eth0 --tunnel "${TUNNEL[$1]}" "${@:2}"
}

# start_end END: its key, its engine, its addresses; no peer yet.
start_end() {
	local end=$1
	[ -e "$WORK/$end.key" ] || make_key "$end"
	step "$end: ${ENGINE[$end]} on eth0, tunnel ${TUNNEL[$end]}"
	case ${ENGINE[$end]} in
	wgxdp)
		attach "$end" --private-key "$WORK/$end.key" --listen-port "$PORT" \
			--address "${INNER4[$end]}/24" --address "${INNER6[$end]}/64"
		remember_bpf "$end"
		;;
	kernel) start_kernel "$end" ;;
	*) start_userspace "$end" ;;
	esac
}

# outer END FAMILY: the address that others reach it by, as an endpoint.
outer() {
	case $2 in
	4) echo "${OUTER4[$1]}:$PORT" ;;
	6) echo "[${OUTER6[$1]}]:$PORT" ;;
	esac
}

inner() {
	case $2 in
	4) echo "${INNER4[$1]}" ;;
	6) echo "${INNER6[$1]}" ;;
	esac
}

# add_peer END OPTION...: the other end as a peer of END; options as `wgxdp peer add` takes them.
add_peer() {
	local end=$1 other=${OTHER[$1]} allowed
	allowed=${INNER4[$other]}/32,${INNER6[$other]}/128
	shift
	if [ "${ENGINE[$end]}" = wgxdp ]; then
		wgxdp "$end" peer add "$(public_key "$other")" --tunnel "${TUNNEL[$end]}" \
			--allowed-ips "$allowed" "$@"
	else
		# shellcheck disable=SC2046 # options are words
		wg set "${TUNNEL[$end]}" peer "$(public_key "$other")" allowed-ips "$allowed" \
			$(wg_options "$@")
	fi
}

# add_named_peer NAME KEY: beside b, by a file at a, where names stand.
add_named_peer() {
	cat >"$WORK/${TUNNEL[a]}.conf" <<-END
		[Interface]
		PrivateKey = $(cat "$WORK/a.key")
		ListenPort = $PORT
		# $1
		[Peer]
		PublicKey = $2
		[Peer]
		PublicKey = $(public_key b)
		AllowedIPs = ${INNER4[b]}/32,${INNER6[b]}/128
		Endpoint = $(outer b 4)
	END
	wgxdp a syncconf "$WORK/${TUNNEL[a]}.conf"
}

# set_endpoint END ENDPOINT: of its peer.
set_endpoint() {
	local peer
	peer=$(public_key "${OTHER[$1]}")
	if [ "${ENGINE[$1]}" = wgxdp ]; then
		wgxdp "$1" peer set "$peer" --tunnel "${TUNNEL[$1]}" --endpoint "$2"
	else
		wg set "${TUNNEL[$1]}" peer "$peer" endpoint "$2"
	fi
}

remove_peer() {
	if [ "${ENGINE[$1]}" = wgxdp ]; then
		wgxdp "$1" peer remove "$(public_key "${OTHER[$1]}")" --tunnel "${TUNNEL[$1]}"
	else
		wg set "${TUNNEL[$1]}" peer "$(public_key "${OTHER[$1]}")" remove
	fi
}

# The same options as wg(8) spells them.
wg_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--keepalive) echo "persistent-keepalive $2" ;;
		*) echo "${1#--} $2" ;;
		esac
		shift 2
	done
}

# make_tunnel FAMILY: both ends, each knowing the other's outer address.
make_tunnel() {
	start_end a
	start_end b
	add_peer a --endpoint "$(outer b "$1")"
	add_peer b --endpoint "$(outer a "$1")"
}

# The engine's own numbers, as `wg show` reads them.
show() {
	wg show "${TUNNEL[$1]}" "$2" | cut -f 2-
}

both_wgxdp() {
	[ "${ENGINE[a]} ${ENGINE[b]}" = "wgxdp wgxdp" ] || skip "needs wgxdp at both ends"
}

# wireguard-go and boringtun have limits of their own; the kernel's is the measure.
no_userspace() {
	local end
	for end in a b; do
		case ${ENGINE[$end]} in
		wgxdp | kernel) ;;
		*) skip "not with ${ENGINE[$end]}" ;;
		esac
	done
}

agent_pid() {
	cat "$STATE/$(inode "$1")/${TUNNEL[$1]}.pid"
}

# kill_agent END: without a chance to say goodbye.
kill_agent() {
	local pid
	pid=$(agent_pid "$1")
	step "$1: agent $pid is killed"
	kill -9 "$pid"
	wait_for 5 "the agent of $1 to die" gone "$pid"
}
