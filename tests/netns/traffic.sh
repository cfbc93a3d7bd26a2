# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# traffic.sh - what flows through the tunnel: pings that must not be lost, iperf3, and how much has been on
# the wire. Part of topology.sh.

# flood FROM TO FAMILY COUNT OPTION...: as fast as answers come; every one must come.
flood() {
	local from=$1 to=$2 family=$3 count=$((($4 + SLOW - 1) / SLOW)) report
	shift 4
	# Not -w: with it ping sends more than it was told to when an answer is late.
	report=$(in_ns "$from" timeout $((SLOW > 1 ? 400 : 90)) ping -q -f -c "$count" -W 5 -p "$MARKER" "$@" "$(inner "$to" "$family")") || true
	grep -q " $count received, 0% packet loss" <<<"$report" ||
		die "$count pings from $from to $to by IPv$family: $report"
	step "$count pings from $from to $to, IPv$family: $(tail -n 1 <<<"$report")"
}

# start_pings FROM TO FAMILY COUNT: a thousand a second, in the background; finish_pings waits for them.
PINGS=
start_pings() {
	spawn "$1" "$WORK/pings" timeout $((SLOW > 1 ? 400 : 90)) ping -q -i 0.001 -c "$4" -W 5 -p "$MARKER" "$(inner "$2" "$3")"
	PINGS=$SPAWNED
}

# keep_pinging FROM TO FAMILY: the same, two hundred and two hundred again, until finish_pings: for as long as the commands
# of a test take, on a slow machine too. Each round waits for its answers.
keep_pinging() {
	rm -f "$WORK/enough"
	# shellcheck disable=SC2016 # that shell expands it
	spawn "$1" "$WORK/pings" bash -c 'trap "kill \$!" TERM
		until [ -e "$1" ]; do
			timeout 90 ping -q -i 0.001 -c 200 -W 5 -p "$2" "$3" &
			wait
		done' pinging "$WORK/enough" "$MARKER" "$(inner "$2" "$3")"
	PINGS=$SPAWNED
}

# finish_pings LOST: all but that many must have been answered. Without answers ping sends one in 10 ms only, so
# 0.2 s without a wire are 20 lost pings. A cable pulled at the sender's end loses none: its packets wait a
# second for their neighbour and are late.
finish_pings() {
	local sent received
	touch "$WORK/enough"
	wait "$PINGS" 2>/dev/null || true
	read -r sent received < <(awk '/received/ { sent += $1; received += $4 } END { print sent, received }' "$WORK/pings")
	[ "${sent:-0}" -gt 0 ] || die "no pings: $(cat "$WORK/pings")"
	step "pings meanwhile: $sent sent, $received answered"
	at_most "lost pings" "$1" $((sent - received))
}

# flow_of COUNT: until that many more data messages have been on the wire.
flow_of() {
	local limit=$(($(seen data) + $1))
	wait_for 20 "$1 more data messages" has_seen data "$limit"
}

has_seen() {
	[ "$(seen "$1")" -ge "$2" ]
}

# iperf FROM TO FAMILY OPTION...: options say how long, or how much (-t, -k); leaves its JSON in $WORK/iperf.
iperf() {
	local from=$1 to=$2 family=$3 server
	shift 3
	spawn "$to" "$WORK/iperf.server" iperf3 -s -1 --forceflush -B "$(inner "$to" "$family")"
	server=$SPAWNED
	wait_for 5 "iperf3's server" grep -qs listening "$WORK/iperf.server"
	in_ns "$from" timeout 30 iperf3 -c "$(inner "$to" "$family")" --repeating-payload -J "$@" >"$WORK/iperf" || {
		stop "$server"
		die "iperf3 $*: $(cat "$WORK/iperf" "$WORK/iperf.server")"
	}
	wait "$server" || die "iperf3's server: $(cat "$WORK/iperf.server")"
}

# socket_drops END: datagrams that its sockets had no room for, because their readers had no processor.
socket_drops() {
	in_ns "$1" nstat -asz UdpRcvbufErrors Udp6RcvbufErrors | awk 'NR > 1 { sum += $2 } END { print sum + 0 }'
}

# udp FROM TO FAMILY OPTION...: datagrams for one second at 20 Mbit/s; a machine that is slower may take longer. What
# the reader was too slow for is not lost: a socket holds some 90 datagrams, 50 ms of them, and machines of tests
# are busy. Sets LOST and SENT.
udp() {
	local to=$2 late
	late=$(socket_drops "$to")
	iperf "$1" "$to" "$3" -k $((1700 / SLOW)) -u -b 20M "${@:4}"
	late=$(($(socket_drops "$to") - late))
	read -r LOST SENT < <(jq -r '.end.sum | "\(.lost_packets) \(.packets)"' "$WORK/iperf")
	step "UDP from $1 to $to, IPv$3: $LOST of $SENT lost, $late by a reader that was late"
	LOST=$((LOST > late ? LOST - late : 0))
	at_least "datagrams" $((1000 / SLOW)) "$SENT"
}

# tcp FROM TO FAMILY OPTION...: one second. Sets RATE, in Mbit/s. Where every instruction is emulated and others want the
# CPU too, a rate says nothing; that it flows does.
tcp() {
	iperf "$1" "$2" "$3" -t 1 "${@:4}"
	RATE=$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$WORK/iperf")
	step "TCP from $1 to $2, IPv$3${4:+, ${*:4}}: $RATE Mbit/s"
	at_least "kbit/s" $((SLOW > 1 ? 100 : 10000)) "$(jq '.end.sum_received.bits_per_second / 1e3 | floor' "$WORK/iperf")"
}

# start_carrying FROM TO FAMILY MEGABYTES [SEED]: random bytes by TCP, in the background; finish_carrying waits
# for them and wants the same hash at both ends. Sets RATE, in Mbit/s.
CARRIERS=()
start_carrying() {
	local to
	to=$(inner "$2" "$3")
	spawn "$2" "$WORK/received" "$SUITE/carry.py" receive "$to"
	CARRIERS=("$SPAWNED")
	wait_for 5 "the receiver" grep -qs listening "$WORK/received"
	spawn "$1" "$WORK/sent" "$SUITE/carry.py" send "$to" "$4" "${5:-}"
	CARRIERS+=("$SPAWNED")
	CARRYING_SINCE=${EPOCHREALTIME/./}
}

finish_carrying() {
	local pid took
	for pid in "${CARRIERS[@]}"; do
		wait "$pid" || die "not carried: $(tail -n 1 "$WORK/sent") / $(tail -n 1 "$WORK/received")"
	done
	took=$((${EPOCHREALTIME/./} - CARRYING_SINCE))
	equal "bytes and their hash" "$(cat "$WORK/sent")" "$(tail -n 1 "$WORK/received")"
	RATE=$((8 * $(cut -d ' ' -f 1 "$WORK/sent") / took))
	step "$(cut -c 1-40 "$WORK/sent")... at both ends, $RATE Mbit/s"
}

carry() {
	start_carrying "$@"
	finish_carrying
}
