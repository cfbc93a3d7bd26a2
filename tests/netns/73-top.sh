#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `wgxdp top` in a terminal that tmux drives: what its screen says while packets pass, its keys, other sizes, and
# that the terminal is given back.
. "$(dirname "$0")/topology.sh"
both_wgxdp
export LANG=C.UTF-8
make_topology
make_tunnel 4
T=${TUNNEL[a]}
B=$(public_key b)
# as an expression finds it
BEGINNING=${B:0:10}
BEGINNING=${BEGINNING//+/[+]}

# A server of our own, in a's namespace, which is ended as every process of this test.
TERMINAL=(tmux -S "$WORK/tmux" -f /dev/null)
screen() {
	"${TERMINAL[@]}" capture-pane -p -t top 2>/dev/null
}
# shows PATTERN: somewhere on the screen.
shows() {
	screen | grep -qE -- "$1"
}
expect() {
	(wait_for "${2:-5}" "a screen with '$1'" shows "$1") || die "the screen: $(screen)"
}
# widest: characters of the longest line.
widest() {
	local line most=0
	while read -r line; do
		[ ${#line} -le "$most" ] || most=${#line}
	done < <(screen)
	echo "$most"
}
keys() {
	"${TERMINAL[@]}" send-keys -t top "$@"
}
# first_peer: the first line below the head.
first_peer() {
	screen | sed -n 5p
}
first_is() {
	[[ $(first_peer) == $1* ]]
}

step "names, one of them of another script"
PHONE=$(wg genkey | wg pubkey)
add_named_peer "Jürgen 日本" "$PHONE"
flood a b 4 20

step "80 by 24"
spawn a "$WORK/tmux.log" "${TERMINAL[@]}" -D
SERVER=$SPAWNED
wait_for 5 "the terminal's server" test -S "$WORK/tmux"
"${TERMINAL[@]}" new-session -d -s top -x 80 -y 24 "bash --norc --noprofile"
keys "stty -a >'$WORK/before'; '$WGXDP' top $T; stty -a >'$WORK/after'; echo status \$?" Enter
expect "^$T: 2 peers, 1 with a session .*sorted by in"
expect '^PEER .*ENDPOINT .*SHAKEN .*LOST'
expect '^q quit'
at_most "columns" 80 "$(widest)"
expect "^$BEGINNING 192.0.2.2:51820 .* s +0"
expect '^Jürgen 日 +- .* never '

step "rates while packets pass"
start_pings a b 4 4000
expect "^$BEGINNING 192.0.2.2:51820 +[0-9.]+[kM] +[0-9.]+[kM] +[0-9]{2,}k? +[0-9]{2,}k?"
expect '^in [0-9.]+[kM] bit/s, [0-9]+ packets/s'
finish_pings 0

step "drops and their reason"
ip -n "$(ns b)" address add 10.77.0.99/32 dev "${TUNNEL[b]}"
refuses in_ns b ping -q -c 4 -i 0.002 -W 1 -I 10.77.0.99 "${INNER4[a]}" >/dev/null
expect "^$BEGINNING .* 4 source-refused"
expect '^dropped [0-9]+, most: source-refused, inner source is not among'

step "keys"
keys n
expect 'sorted by name'
wait_for 3 "names first" first_is "Jürgen"
keys r
expect 'sorted by name, least first'
wait_for 3 "and last" first_is "${B:0:10}"
keys r h
expect 'sorted by handshake'
wait_for 3 "who shook hands" first_is "${B:0:10}"
keys d
expect 'sorted by dropped'
keys o
expect 'sorted by out'
keys x
expect 'sorted by out'

step "a wider terminal shows whole keys, a narrow one what fits"
"${TERMINAL[@]}" resize-window -t top -x 150 -y 10
expect "^${B//+/[+]} 192.0.2.2:51820 "
expect '^q quit'
"${TERMINAL[@]}" resize-window -t top -x 40 -y 8
expect "^$BEGINNING "
expect '^q quit'
at_most "columns" 40 "$(widest)"
equal "lines" 6 "$(screen | sed -n '/^q quit/!p' | grep -c .)"
"${TERMINAL[@]}" resize-window -t top -x 5 -y 2
wait_for 5 "two lines" bash -c "[ \$(tmux -S '$WORK/tmux' display-message -p -t top '#{window_height}') = 2 ]"
"${TERMINAL[@]}" resize-window -t top -x 80 -y 24
expect "^$BEGINNING 192.0.2.2:51820"

step "more peers than lines: scrolling"
python3 -c 'import base64, os
for _ in range(100): print("[Peer]\nPublicKey =", base64.b64encode(os.urandom(32)).decode())' >"$WORK/more.conf"
wg addconf "$T" "$WORK/more.conf"
expect "^$T: 102 peers"
keys n
wait_for 3 "names first" first_is "Jürgen"
keys NPage
wait_for 3 "the next page" bash -c "! tmux -S '$WORK/tmux' capture-pane -p -t top | grep -q Jürgen"
keys PPage
wait_for 3 "the first page" first_is "Jürgen"

step "an agent that is gone"
kill_agent a
expect 'an agent does not answer'
attach a
expect "^$T: 102 peers"

# given_back STATUS: the shell goes on, on its own screen, with the settings there were.
given_back() {
	expect "^status $1"
	refuses shows '^q quit'
	cmp "$WORK/before" "$WORK/after" || die "settings changed: $(diff "$WORK/before" "$WORK/after")"
	equal "cursor" 1 "$("${TERMINAL[@]}" display-message -p -t top '#{cursor_flag}')"
}
step "quit, and the terminal is given back"
keys q
given_back 0
for signal in TERM INT; do
	step "ended by SIG$signal"
	keys "clear; '$WGXDP' top --interval 60; stty -a >'$WORK/after'; echo status \$?" Enter
	expect '^all tunnels: 102 peers'
	pkill -"$signal" -f "^$WGXDP top --interval 60" || die "no top to end"
	given_back 0
done

step "no terminal"
said=$(wgxdp a top "$T" 2>&1 </dev/null) && die "it drew on nothing"
equal "said" "wgxdp: top: this is no terminal that could be drawn on: expected one, and its name in TERM" "$said"
keys "clear; TERM=no-such-terminal '$WGXDP' top; echo status \$?" Enter
expect '^status 1'
expect 'this is no terminal that could be drawn on'
stop "$SERVER"
