#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is killed, deleted, lost or taken away leaves a state that can be worked with, or that `down` removes.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
flood a b 4 10
T=${TUNNEL[a]}
STATE_DIRECTORY=$STATE/$(inode a)
PINS=$(pins a)

attached() {
	ip -n "$(ns a)" -j -d link show "$1" | jq -c '[.[].xdp.prog.id // empty]'
}
local_addresses() {
	bpftool -j map dump pinned "$PINS/local_addresses" | jq -r '.[].key | map(ltrimstr("0x")) | join("")'
}

step "the interface is deleted under the agent: nothing stays"
wgxdp a attach eth0 --tunnel "${T}2" >/dev/null
ip -n "$(ns a)" link delete "${T}2"
wait_for 5 "the files to go" sh -c "! ls $STATE_DIRECTORY/${T}2.* 2>/dev/null"
agent=$(agent_pid a)
ip -n "$(ns a)" link delete "$T"
wait_for 5 "the agent to end" gone "$agent"
wait_for 5 "the directory to go" test ! -e "$STATE_DIRECTORY"
wait_for 5 "the pins to go" test ! -e "$PINS"
equal "receive programs" "[]" "$(attached eth0)"

step "a state file of another namespace is not used"
start_end a
add_peer a --endpoint "$(outer b 4)"
flood a b 4 10
kill_agent a
printf '\1' | dd of="$STATE_DIRECTORY/$T.state" bs=1 seek=64 conv=notrunc status=none
attach a >/dev/null
equal "peers" "" "$(show a peers)"
wgxdp a down "$T"
start_end a
add_peer a --endpoint "$(outer b 4)"
flood a b 4 10

step "attach that fails late takes back what it added"
in_ns a sh -c "echo 1 >/proc/sys/net/ipv6/conf/$T/disable_ipv6"
before=$(ip -n "$(ns a)" -br address show "$T"; wg showconf "$T")
refuses attach a --address 10.5.0.1/24 --address "${INNER4[a]}/24" --listen-port 4321 --address fd05::1/64
equal "state" "$before" "$(ip -n "$(ns a)" -br address show "$T"; wg showconf "$T")"
in_ns a sh -c "echo 0 >/proc/sys/net/ipv6/conf/$T/disable_ipv6"
ip -n "$(ns a)" address add "${INNER6[a]}/64" dev "$T" nodad

step "changes that netlink lost: an address that went is not ours any more"
ip -n "$(ns a)" address add 192.0.2.77/24 dev eth0
knows() {
	local_addresses | grep -q "^04000000c000024d"
}
knows_not() {
	! knows
}
wait_for 5 "the address to be known" knows
kill -STOP "$(agent_pid a)"
for change in add delete; do
	for ((i = 0; i < 8000; i++)); do
		echo "route $change 198.18.$((i / 250)).$((i % 250))/32 dev eth0"
	done | ip -n "$(ns a)" -batch -
done
ip -n "$(ns a)" address delete 192.0.2.77/24 dev eth0
kill -CONT "$(agent_pid a)"
wait_for 5 "the address to be forgotten" knows_not
flood a b 4 10
step "and one that went while there was no agent"
ip -n "$(ns a)" address add 192.0.2.77/24 dev eth0
wait_for 5 "the address to be known" knows
kill_agent a
ip -n "$(ns a)" address delete 192.0.2.77/24 dev eth0
attach a >/dev/null
wait_for 5 "the address to be forgotten" knows_not

step "a second interface"
ip -n "$(ns a)" link add name eth1 type veth peer name eth1 netns "$(ns b)"
for end in a b; do
	ip -n "$(ns $end)" address add "${OUTER4[$end]/192.0.2/198.51.100}/24" dev eth1
	ip -n "$(ns $end)" link set eth1 up
	wgxdp $end attach eth1 --tunnel "${TUNNEL[$end]}" >/dev/null
done
fast() {
	wgxdp "$1" show --json "${TUNNEL[$1]}" | jq '.tunnels[].verdicts["slow-way"] // 0'
}
set_endpoint a "198.51.100.2:$PORT"
flood a b 4 200
slow=$(fast a)
flood a b 4 200
equal "packets sent the slow way" "$slow" "$(fast a)"
step "renamed, with another address, down and up"
ip -n "$(ns a)" link set eth1 down
ip -n "$(ns a)" link set eth1 name other1
ip -n "$(ns a)" link set other1 address 02:00:00:00:00:77
ip -n "$(ns a)" link set other1 up
answers() {
	in_ns a ping -q -c 1 -W 1 -p "$MARKER" "${INNER4[b]}" >/dev/null
}
wait_for 10 "an answer" answers
flood a b 4 200
slow=$(fast a)
flood b a 4 200
equal "packets sent the slow way" "$slow" "$(fast a)"
wgxdp a show --json "$T" | jq -e '.tunnels[].interfaces | map(.name) | sort == ["eth0", "other1"]' >/dev/null ||
	die "interfaces: $(wgxdp a show --json "$T" | jq -c '.tunnels[].interfaces')"
step "detached in the order of attaching, and the other way round"
wgxdp a detach eth0
flood a b 4 50
wgxdp a detach other1
flood a b 4 50
wgxdp a attach other1 --tunnel "$T" >/dev/null
attach a >/dev/null
flood a b 4 50
wgxdp a detach other1
wgxdp a detach eth0
attach a >/dev/null
wgxdp a attach other1 --tunnel "$T" >/dev/null
step "moved away: the other one takes over"
add_namespace c
ip -n "$(ns a)" link set other1 netns "$(ns c)"
only_eth0() {
	wgxdp a show --json "$T" | jq -e '.tunnels[].interfaces | map(.name) == ["eth0"]' >/dev/null
}
wait_for 5 "it to be forgotten" only_eth0
set_endpoint a "$(outer b 4)"
flood a b 4 50
# it took its program along, which `down` cannot reach there
ip -n "$(ns c)" link delete other1
wgxdp a down "$T"

# clean WHEN: `down` leaves nothing, whatever it says.
clean() {
	local left
	wgxdp a down "$T" >/dev/null 2>&1 || true
	left=$(ip -n "$(ns a)" -o link show | grep -F ".dp" || true
		find "$STATE_DIRECTORY" "$UAPI/$T.sock" "$PINS" "${PINS}_new" "${PINS}_gone" 2>/dev/null || true
		pgrep -f "attach eth0 --tunnel $T" || true)
	equal "$1: what is left" "" "$left"
	equal "$1: receive programs" "[]" "$(attached eth0)"
}
# killed_after MILLISECONDS COMMAND...
killed_after() {
	local milliseconds=$1 pid
	shift
	spawn a "$WORK/killed" "$WGXDP" "$@"
	pid=$SPAWNED
	read -r -t "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))" <>"$WORK/never" || true
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}
step "killed at any moment of attach and of down"
start=${EPOCHREALTIME/./}
attach a --private-key "$WORK/a.key" --listen-port "$PORT" >/dev/null
takes=$(((${EPOCHREALTIME/./} - start) / 1000))
wgxdp a down "$T"
step "attach takes $takes ms"
for twelfth in {1..12}; do
	moment=$((takes * twelfth / 12))
	killed_after $moment attach eth0 --tunnel "$T" --private-key "$WORK/a.key" --listen-port "$PORT"
	clean "attach killed after $moment ms"
done
for moment in 1 3 6 10 15 20 30 50 100; do
	attach a --private-key "$WORK/a.key" --listen-port "$PORT" >/dev/null
	killed_after $moment down "$T"
	clean "down killed after $moment ms"
done
