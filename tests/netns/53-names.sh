#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A peer whose endpoint is a host name: when it does not answer any more the name is resolved anew, and the tunnel
# goes on at the new address; one that could not be resolved at first is found later; and a resolver that does not
# answer stops nothing.
. "$(dirname "$0")/topology.sh"
make_topology
start_end b
make_key a
T=${TUNNEL[a]}
wgxdp b peer add "$(public_key a)" --tunnel "${TUNNEL[b]}" --allowed-ips 10.77.0.1/32,fd77::1/128

# The agent's own view of /etc: names that change, and a name server that never answers.
spawn a "$WORK/server" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.77", 53)); print("bound", flush=True); time.sleep(300)'
wait_for 5 "a name server" grep -q bound "$WORK/server"
echo "${OUTER4[b]} b.example" >"$WORK/hosts"
# patience TIMEOUT ATTEMPTS: of those who ask it. In place: the files are mounted.
patience() {
	printf 'nameserver 127.0.0.77\noptions timeout:%s attempts:%s\n' "$1" "$2" >"$WORK/resolv.conf"
}
patience 1 1
echo "hosts: files dns" >"$WORK/nsswitch.conf"
# with_names COMMAND...: by wgxdp in a's namespace.
with_names() {
	# shellcheck disable=SC2016 # that shell expands it
	in_ns a unshare -m sh -c 'for file in hosts resolv.conf nsswitch.conf; do
		mount --bind "$0/$file" "/etc/$file"
	done
	exec "$@"' "$WORK" "$WGXDP" "$@"
}
(
	umask 077
	printf '%s\n' "[Interface]" "PrivateKey = $(cat "$WORK/a.key")" "Address = 10.77.0.1/24, fd77::1/64" \
		"[Peer]" "PublicKey = $(public_key b)" "AllowedIPs = 10.77.0.2/32, fd77::2/128" \
		"Endpoint = b.example:$PORT" >"$WORK/$T.conf"
)

step "the name is known"
with_names up "$WORK/$T.conf"
remember_bpf a
flood a b 4 10
equal "endpoint" "$(outer b 4)" "$(show a endpoints)"

step "b is another address's: the name is resolved when it no longer answers"
ip -n "$(ns b)" address add 192.0.2.99/24 dev eth0
ip -n "$(ns b)" address del "${OUTER4[b]}/24" dev eth0
wgxdp b down "${TUNNEL[b]}"
start_end b
wgxdp b peer add "$(public_key a)" --tunnel "${TUNNEL[b]}" --allowed-ips 10.77.0.1/32,fd77::1/128
echo "192.0.2.99 b.example" >"$WORK/hosts"
spawn a "$WORK/pings" ping -q -i 0.2 -w 60 -p "$MARKER" "${INNER4[b]}"
PINGING=$SPAWNED
is_among() {
	grep -qF "$1" <<<"$(wg show "$T" endpoints)"
}
wait_for 40 "the new address" is_among "192.0.2.99:$PORT"
wait_for 15 "an answer" in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
stop "$PINGING"
flood a b 4 100
wgxdp a down "$T"

step "not known at first: it is found later, though another name's server does not answer"
: >"$WORK/hosts"
printf '%s\n' "[Peer]" "PublicKey = $(wg genkey | wg pubkey)" "Endpoint = slow.example:1" "AllowedIPs = 10.9.0.0/16" \
	"PersistentKeepalive = 1" >>"$WORK/$T.conf"
with_names up "$WORK/$T.conf" 2>"$WORK/said"
grep -q "b.example:$PORT' cannot be resolved now" "$WORK/said" || die "said: $(cat "$WORK/said")"
patience 25 5
echo "192.0.2.99 b.example" >"$WORK/hosts"
wait_for 60 "b's address" is_among "192.0.2.99:$PORT"
flood a b 4 100
threads() {
	grep -q "Threads:.*[2-9]" "/proc/$(agent_pid a)/status"
}
wait_for 30 "a question that is not answered" threads
start_pings a b 4 2000
for _ in 1 2 3 4 5; do
	timeout 1 wg show "$T" >/dev/null || die "the agent does not answer"
done
finish_pings 0
threads || die "the question was answered after all"
started=$EPOCHREALTIME
wgxdp a down "$T"
at_most "milliseconds that down took" 2500 $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
