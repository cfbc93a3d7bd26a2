#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The data path in the kernel is of another version of the program: what is there goes on, nothing is added to it, and
# every message says what to do, which is `down`. The last tunnel takes all of it along.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
SECOND=${TUNNEL[a]}2
make_key second
wgxdp a attach eth0 --tunnel "$SECOND" --private-key "$WORK/second.key" --listen-port $((PORT + 1))

pings() {
	in_ns a ping -q -c 3 -i 0.2 -W 2 -p "$MARKER" "${INNER4[b]}" >/dev/null || die "no pings"
}

pings
PINS=$(pins a)
remember_bpf a

# to_version NUMBER: what the pins say of themselves, behind the namespace's cookie.
to_version() {
	local value
	value=$(bpftool -j map dump pinned "$PINS/identity" | jq -r '.[0].value[:8] | map(ltrimstr("0x")) | join(" ")')
	# shellcheck disable=SC2086 # a word a byte
	bpftool map update pinned "$PINS/identity" key hex 0 0 0 0 value hex $value "$1" 0 0 0 0 0 0 0
}

# refused WORDS COMMAND...: at a, with one line that has the words.
refused() {
	local words=$1 said
	shift
	said=$(wgxdp a "$@" 2>&1) && die "succeeded: $*: $said"
	equal "lines" 1 "$(wc -l <<<"$said")"
	grep -q "of another version.*$words" <<<"$said" || die "$*: expected '$words', got: $said"
	step "$*: $said"
}

both_listed="'wgxdp down' of \(${TUNNEL[a]} and $SECOND\|$SECOND and ${TUNNEL[a]}\) first"
to_version 1
refused "$both_listed" attach eth0 --tunnel "${TUNNEL[a]}"
refused "$both_listed" attach eth0 --tunnel wgx-new
refused "$both_listed" detach eth0
pings

step "the second tunnel goes, with its agent killed; the first works on"
kill -9 "$(cat "$STATE/$(inode a)/$SECOND.pid")"
wgxdp a down "$SECOND"
refuses ip -n "$(ns a)" link show "$SECOND" 2>/dev/null
refused "'wgxdp down' of ${TUNNEL[a]} first" attach eth0
pings

step "the last one takes program, pins and keys along"
sessions=$(bpftool -f -j map list | jq --arg pin "$PINS/sessions" '.[] | select(any(.pinned[]?; . == $pin)).id')
bpftool map pin id "$sessions" "$PINS-kept"
at_least "sessions" 1 "$(bpftool -j map dump pinned "$PINS-kept" | jq length)"
wgxdp a down "${TUNNEL[a]}"
left=$(bpftool -j map dump pinned "$PINS-kept" | jq length)
rm "$PINS-kept"
equal "sessions" 0 "$left"
[ ! -e "$PINS" ] || die "left: $(ls "$PINS")"
equal "programs on eth0" 0 "$(ip -n "$(ns a)" -j -d link show eth0 | jq '.[0] | if .xdp then 1 else 0 end')"

step "and makes room for ours"
start_end a
add_peer a --endpoint "$(outer b 4)"
pings

step "what nobody uses any more goes without a word"
to_version 1
stop "$(agent_pid a)"
ip -n "$(ns a)" link delete "${TUNNEL[a]}"
start_end a
add_peer a --endpoint "$(outer b 4)"
pings
