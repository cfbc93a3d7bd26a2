# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# topology.sh - what every namespace test starts from: two ends, the wire between them, a sniffer on the
# wire, words for the steps, and an exit that removes everything and then looks whether that is true.
#
#      namespace $(ns a)             namespace $(ns wire)           namespace $(ns b)
#    +----------------------+      +-----------------------+      +----------------------+
#    | ${TUNNEL[a]}         |      |                       |      |         ${TUNNEL[b]} |
#    |   10.77.0.1, fd77::1 |      |     bridge "br0"      |      | 10.77.0.2, fd77::2   |
#    |                      |      |      /         \      |      |                      |
#    | eth0 ................|======| to-a <-sniffer-> to-b |======|................ eth0 |
#    |   192.0.2.1          |      |                       |      |          192.0.2.2   |
#    |   2001:db8::1        |      |                       |      |        2001:db8::2   |
#    +----------------------+      +-----------------------+      +----------------------+
#
# Namespaces and tunnels carry the test's process id: runs can go side by side, and the sockets of both
# ends (/run/wireguard/TUNNEL.sock), which know no namespace, do not meet. ENGINE_A and ENGINE_B say what
# is at the ends: wgxdp, wireguard-go (WIREGUARD_GO names its program), wireguard-go-newest or boringtun
# (fetched when there is a network); those also prove the tests themselves. ends.sh and traffic.sh are
# parts of this. Not `ip netns exec`: it mounts a /sys of its own, and the bpffs is gone.
set -Eeuo pipefail

SUITE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TREE=$(readlink -f "$SUITE/../..")
OUT=$(readlink -m "${O:-$TREE/build}")
WGXDP=$OUT/wgxdp
SNIFFER=$OUT/tests/sniffer
WIREGUARD_GO=${WIREGUARD_GO:-wireguard-go}
UAPI=/var/run/wireguard
STATE=/run/wgxdp

PORT=51820
MTU=1420
# Where every instruction is emulated, floods are shorter and throughput counts less by this factor, and whoever
# waits has more patience.
SLOW=${SLOW:-1}
declare -A ENGINE=([a]=${ENGINE_A:-wgxdp} [b]=${ENGINE_B:-wgxdp})
declare -A TUNNEL=([a]=w$$a [b]=w$$b)
declare -A OTHER=([a]=b [b]=a)
# the namespace of each tunnel's visible end
declare -A NOW=([a]=a [b]=b)
declare -A INNER4=([a]=10.77.0.1 [b]=10.77.0.2) INNER6=([a]=fd77::1 [b]=fd77::2)
declare -A OUTER4=([a]=192.0.2.1 [b]=192.0.2.2) OUTER6=([a]=2001:db8::1 [b]=2001:db8::2)
declare -A ENGINE_PID=()

# What must never be read on the wire: ping's payload, iperf3's, and both addresses of an inner header one
# after the other. A lone inner IPv4 address counts only among headers (sniffer.c says why).
MARKER=776778647020636c6561722074657874
PATTERNS=(
	"$MARKER" 30313233343536373839
	0a4d00010a4d0002 0a4d00020a4d0001 0a4d0001 0a4d0002
	fd770000000000000000000000000001 fd770000000000000000000000000002
)

# ---- words -----------------------------------------------------------------------------------------

step() {
	echo "# $((SECONDS)) s: $*"
}

die() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "SKIP $*"
	exit 77
}

# succeeds_within SECONDS COMMAND...: as soon as the command does.
succeeds_within() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * (SLOW > 1 ? 4 : 1) * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < deadline)) || return 1
		read -r -t 0.02 <>"$WORK/never" || true
	done
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
	local seconds=$1 what=$2
	shift 2
	succeeds_within "$seconds" "$@" || die "waited in vain for $what"
}

# equal WHAT EXPECTED GOT
equal() {
	[ "$2" = "$3" ] || die "$1: expected $2, got $3"
}

# at_most WHAT LIMIT GOT, at_least WHAT LIMIT GOT
at_most() {
	[ "$3" -le "$2" ] || die "$1: $3, more than $2"
}
at_least() {
	[ "$3" -ge "$2" ] || die "$1: $3, less than $2"
}

# refuses COMMAND...: it must fail.
refuses() {
	if "$@"; then
		die "succeeded: $*"
	fi
}

ns() {
	echo "wgx-$$-$1"
}

in_ns() {
	local where=$1
	shift
	nsenter --net="/run/netns/$(ns "$where")" -- "$@"
}

# spawn NAMESPACE LOG COMMAND...: in the background; its process is $SPAWNED.
spawn() {
	local where=$1 log=$2
	shift 2
	# What an earlier process wrote there must not be taken for this one's.
	: >"$log"
	nsenter --net="/run/netns/$(ns "$where")" -- "$@" >"$log" 2>&1 &
	SPAWNED=$!
}

inode() {
	stat -Lc %i "/run/netns/$(ns "$1")"
}

gone() {
	[ ! -e "/proc/$1" ] || [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null)" = Z ]
}

# stop PID...: ends processes of ours and waits for that.
stop() {
	local pid
	for pid; do
		kill "$pid" 2>/dev/null || continue
		(wait_for 3 "process $pid to end" gone "$pid") || kill -9 "$pid"
		wait "$pid" 2>/dev/null || true
	done
}

# ---- the wire ----------------------------------------------------------------------------------------

SPACES=()
NODES=()
add_namespace() {
	ip netns add "$(ns "$1")"
	SPACES+=("$1")
	NODES+=("$(inode "$1")")
	ip -n "$(ns "$1")" link set lo up
	# The link is ours alone: nothing but what a test sends.
	# shellcheck disable=SC2016 # that shell expands it
	in_ns "$1" sh -c 'for name in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$name/router_solicitations
		echo 0 >/proc/sys/net/ipv6/conf/$name/accept_dad
		# An address that is removed does not take the others of its network along.
		echo 1 >/proc/sys/net/ipv4/conf/$name/promote_secondaries
	done'
}

# add_place SPACE END: a namespace that END's tunnel may be moved to, with its addresses.
add_place() {
	add_namespace "$1"
	OTHER[$1]=${OTHER[$2]}
	INNER4[$1]=${INNER4[$2]}
	INNER6[$1]=${INNER6[$2]}
}

# move END FROM TO: the tunnel's interface, with its addresses.
move() {
	step "${TUNNEL[$1]} moves from $2 to $3"
	ip -n "$(ns "$2")" link set "${TUNNEL[$1]}" netns "$(ns "$3")"
	NOW[$1]=$3
	ip -n "$(ns "$3")" link set "${TUNNEL[$1]}" up
	ip -n "$(ns "$3")" address add "${INNER4[$1]}/24" dev "${TUNNEL[$1]}"
	ip -n "$(ns "$3")" address add "${INNER6[$1]}/64" dev "${TUNNEL[$1]}" nodad
}

# join END PORT: eth0 of END, and PORT in the wire's namespace.
join() {
	ip -n "$(ns wire)" link add name "$2" type veth peer name eth0 netns "$(ns "$1")"
	ip -n "$(ns wire)" link set "$2" up
	ip -n "$(ns "$1")" link set eth0 up
}

add_outer_addresses() {
	ip -n "$(ns "$1")" address add "${OUTER4[$1]}/24" dev eth0
	ip -n "$(ns "$1")" address add "${OUTER6[$1]}/64" dev eth0 nodad
}

make_topology() {
	local end
	for end in a wire b; do
		add_namespace "$end"
	done
	in_ns wire sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	ip -n "$(ns wire)" link add name br0 type bridge mcast_snooping 0
	ip -n "$(ns wire)" link set br0 up
	for end in a b; do
		join "$end" "to-$end"
		ip -n "$(ns wire)" link set "to-$end" master br0
		add_outer_addresses "$end"
	done
	start_sniffer wire to-a to-b
	wait_for 5 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER4[b]}" >/dev/null
	wait_for 5 "the wire" in_ns a ping -q -c 1 -W 1 "${OUTER6[b]}" >/dev/null
}

# ---- the sniffer ---------------------------------------------------------------------------------------

SNIFFER_PID=
build_sniffer() {
	[ "$SNIFFER" -nt "$SUITE/sniffer.c" ] && return
	mkdir -p "$(dirname "$SNIFFER")"
	"${CC:-cc}" -D_GNU_SOURCE -std=gnu11 -O2 -Wall -Wextra -Werror -o "$SNIFFER.$$" "$SUITE/sniffer.c"
	mv "$SNIFFER.$$" "$SNIFFER"
}

# start_sniffer NAMESPACE INTERFACE...
start_sniffer() {
	local where=$1
	shift
	build_sniffer
	spawn "$where" "$WORK/sniffer.log" "$SNIFFER" "$WORK/seen" "$@" -- "${PATTERNS[@]}"
	SNIFFER_PID=$SPAWNED
	wait_for 5 "the sniffer" grep -qs lost "$WORK/seen"
}

# seen KIND: how many frames of that kind the sniffer has counted.
seen() {
	awk -v kind="$1" '{ for (i = 1; i < NF; i += 2) if ($i == kind) print $(i + 1) }' "$WORK/seen"
}

no_clear_text() {
	[ -n "$SNIFFER_PID" ] || return 0
	if gone "$SNIFFER_PID"; then
		echo "FAILED: the sniffer died"
	elif [ "$(seen clear)" -gt 0 ] || [ "$(seen foreign)" -gt 0 ]; then
		echo "FAILED: on the wire: $(tr -s ' ' <"$WORK/seen")"
	else
		step "on the wire: $(tr -s ' ' <"$WORK/seen")"
		return 0
	fi
	cat "$WORK/sniffer.log"
	return 1
}

# ---- the rest ------------------------------------------------------------------------------------------
# shellcheck source=ends.sh
. "$SUITE/ends.sh"
# shellcheck source=traffic.sh
. "$SUITE/traffic.sh"

# ---- and nothing stays behind --------------------------------------------------------------------------------

# remember_bpf END: the ids of everything pinned for this namespace, to ask for them after `down`.
BPF_IDS=()
remember_bpf() {
	local kind id directory
	directory=$(pins "$1")
	for kind in map prog link; do
		while read -r id; do
			BPF_IDS+=("$kind $id")
		done < <(bpftool -f -j "$kind" list |
			jq --arg in "$directory/" '.[] | select(any(.pinned[]?; startswith($in))).id')
	done
	[ ${#BPF_IDS[@]} -gt 0 ] || die "$1: nothing is pinned"
}

# pins END: the directory of its namespace.
pins() {
	local bpffs
	for bpffs in /sys/fs/bpf /run/wgxdp/bpf; do
		[ ! -d "$bpffs/wgxdp/$(inode "$1")" ] || echo "$bpffs/wgxdp/$(inode "$1")"
	done
}

refuses_quietly() {
	! "$@" >/dev/null 2>&1
}

# programs_of TUNNEL: the processes that have its name. A kernel thread, which has no command line, keeps the name of
# the last WireGuard it worked for.
programs_of() {
	local pid
	for pid in $(pgrep -f "$1"); do
		grep -qs . "/proc/$pid/cmdline" && echo "$pid"
	done
}

leftovers() {
	local end node
	for node in "${NODES[@]}"; do
		# Numbers of namespaces come again: what is older than this test is not its own.
		find /sys/fs/bpf/wgxdp/"$node" /run/wgxdp/bpf/wgxdp/"$node" "$STATE/$node" \
			-mindepth 1 -newer "$WORK/never" 2>/dev/null
	done
	for end in a b; do
		find "$UAPI/${TUNNEL[$end]}.sock" 2>/dev/null
		programs_of "${TUNNEL[$end]}" | sed 's/^/process /'
	done
	for end in "${SPACES[@]}"; do
		[ ! -e "/run/netns/$(ns "$end")" ] ||
			ip -n "$(ns "$end")" -o link show 2>/dev/null | grep -o " ${TUNNEL[a]%a}[^@:]*"
	done
	[ ${#BPF_IDS[@]} -eq 0 ] || present_bpf | grep -Fx -f <(printf '%s\n' "${BPF_IDS[@]}") | sed 's/^/bpf /'
}

# present_bpf: "map 5", one a line, for all of the machine. Three commands, whatever their number.
present_bpf() {
	local kind
	for kind in map prog link; do
		bpftool "$kind" list | awk -v kind="$kind" -F : '/^[0-9]+:/ { print kind, $1 }'
	done
}

nothing_left() {
	[ -z "$(leftovers)" ]
}

# tunnels_of END: by their hidden ends in its namespace; that of a long name has the whole one for another name.
tunnels_of() {
	ip -n "$(ns "$1")" -j link show | jq -r '.[] | select(.ifname? // "" | endswith(".dp")) |
		([.altnames[]? | select(endswith(".dp"))][0] // .ifname) | rtrimstr(".dp")'
}

take_down() {
	local end tunnel status=0
	for end in "${!ENGINE_PID[@]}"; do
		stop "${ENGINE_PID[$end]}"
	done
	for end in a b; do
		[ -e "/run/netns/$(ns "$end")" ] || continue
		[ "${ENGINE[$end]}" != kernel ] || ip -n "$(ns "${NOW[$end]}")" link delete "${TUNNEL[$end]}"
		[ "${ENGINE[$end]}" = wgxdp ] || continue
		for tunnel in $(tunnels_of "$end" | grep "^${TUNNEL[$end]}"); do
			wgxdp "$end" down "$tunnel" || status=1
		done
	done
	return $status
}

# What should not be necessary, for the sake of the next run.
sweep() {
	local end node pid
	for end in a b; do
		for pid in $(programs_of "${TUNNEL[$end]}"); do
			kill -9 "$pid"
		done
		rm -f "$UAPI/${TUNNEL[$end]}.sock"
	done
	for node in "${NODES[@]}"; do
		rm -rf "/sys/fs/bpf/wgxdp/$node" "/run/wgxdp/bpf/wgxdp/$node" "${STATE:?}/$node"
	done
}

diagnose() {
	local end
	for end in a b; do
		echo "--- $end"
		timeout 5 wg show "${TUNNEL[$end]}" 2>&1 | cut -c 1-200
		[ "${ENGINE[$end]}" != wgxdp ] || {
			wgxdp "$end" show "${TUNNEL[$end]}" 2>&1 | cut -c 1-200
			wgxdp "$end" show "${TUNNEL[$end]}" --json 2>&1 | jq -c '.tunnels[0].verdicts'
		}
		in_ns "$end" nstat -as 2>&1 | awk '/Err|Discard|Drop|Fail|Echo/ { print $1, $2 }' | xargs
		in_ns "$end" ip -br address 2>&1
		tail -n 20 "$WORK/$end.log" "$STATE/$(inode "$end")/${TUNNEL[$end]}.log" 2>/dev/null
	done
	[ -z "$SNIFFER_PID" ] || tr -s ' ' <"$WORK/seen"
}

finish() {
	local status=$? space
	trap - EXIT INT TERM ERR
	set +e
	[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || diagnose
	take_down || status=1
	no_clear_text || status=1
	# shellcheck disable=SC2046 # one word a process
	stop $(jobs -p)
	# The kernel frees maps when it has time.
	(wait_for 30 "everything to be removed" nothing_left) || {
		leftovers | sed 's/^/left: /'
		[ "$status" -ne 0 ] || status=1
		sweep
	}
	for space in "${SPACES[@]}"; do
		ip netns del "$(ns "$space")"
	done
	rm -rf "$WORK"
	exit "$status"
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
WORK=$(mktemp -d /tmp/wgx-XXXXXX)
mkfifo "$WORK/never"
trap finish EXIT
trap 'die "interrupted"' INT TERM
trap 'echo "FAILED: line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
