#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The service as systemd itself runs it: ready when the tunnel is up, read anew with its sessions, its agent started
# again when that is killed, and nothing left when it is stopped. systemd is the first process of namespaces of its own:
#
#     namespace a: eth0       + mounts, processes, cgroups: systemd, with wgxdp@.service and stubs of what that waits for
. "$(dirname "$0")/topology.sh"
SYSTEMD=/lib/systemd/systemd
[ -x $SYSTEMD ] || skip "there is no systemd"
CGROUPS=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$CGROUPS" ] || skip "no cgroup2 is mounted"
unshare --mount --pid --cgroup --net --fork sh -c 'mount --make-rprivate / && mount -t sysfs sysfs /sys &&
	mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null || skip "no cgroup2 can be mounted here"
both_wgxdp
make_topology
make_key a
make_key c
start_end b
T=${TUNNEL[a]}
# what is installed, where PrivateTmp= does not hide it
ROOT=/run/wgxdp-test

make -s -C "$TREE" O="$OUT" NODEPS=1 PREFIX=$ROOT DESTDIR="$WORK/installed" ZSHDIR=$ROOT/zsh install
cat >"$WORK/inside" <<-END
	#!/bin/sh
	set -e
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mount -t sysfs sysfs /sys
	mount -t bpf bpf /sys/fs/bpf -o mode=700
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t tmpfs tmpfs /etc/wireguard -o mode=700
	mkdir -p /run/units/wgxdp@.service.d /run/generators $ROOT
	cp -a "$WORK/installed$ROOT/." $ROOT
	mv $ROOT/lib/systemd/system/wgxdp@.service /run/units
	printf '[Service]\nStandardOutput=file:/run/said\nStandardError=file:/run/said\n' >/run/units/wgxdp@.service.d/test.conf
	for name in start sysinit basic shutdown network-online nss-lookup multi-user; do
		printf '[Unit]\nDefaultDependencies=no\n' >/run/units/\$name.target
	done
	echo 0123456789abcdef0123456789abcdef >/run/machine-id
	mount --bind /run/machine-id /etc/machine-id
	exec env -i PATH="\$PATH" container=other SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/generators \\
		$SYSTEMD --system --unit=start.target --log-target=console --show-status=0
END
chmod +x "$WORK/inside"

# finish() of topology.sh, once the cgroup is empty.
end_systemd() {
	local status=$?
	trap - ERR
	set +e
	if [ -n "$INIT" ]; then
		[ "$status" -eq 0 ] || inside cat /run/said
		kill -9 "$INIT"
	fi
	[ "$status" -eq 0 ] || cat "$WORK/systemd.log"
	find "$CGROUPS/wgx-$$" -depth -type d -exec sh -c 'for i in 1 2 3 4 5 6 7 8 9; do
		rmdir "$1" 2>/dev/null && exit; sleep 0.3; done' sh {} \;
	(exit "$status")
	finish
}
# inside COMMAND...: where systemd sees the same.
inside() {
	nsenter -t "$INIT" -a -- "$@"
}
service() {
	inside systemctl "$1" "wgxdp@$T" "${@:2}"
}
property() {
	service show -P "$1"
}
is_running() {
	inside systemctl is-system-running >/dev/null 2>&1
}
in_state() {
	[ "$(property ActiveState)" = "$1" ]
}

mkdir "$CGROUPS/wgx-$$" || skip "no cgroup can be made here"
(
	echo "$BASHPID" >"$CGROUPS/wgx-$$/cgroup.procs"
	exec nsenter --net="/run/netns/$(ns a)" -- unshare --mount --pid --cgroup --ipc --uts --fork --kill-child \
		--mount-proc "$WORK/inside" >"$WORK/systemd.log" 2>&1
) &
OUTSIDE=$!
INIT=
trap end_systemd EXIT
wait_for 5 "the first process" pgrep -P "$OUTSIDE" >/dev/null
INIT=$(pgrep -P "$OUTSIDE")
wait_for 20 "systemd" is_running
step "$(inside systemctl --version | head -n 1) runs"

# write_conf LINE...: the tunnel's file, over there.
write_conf() {
	printf '%s\n' "[Interface]" "PrivateKey = $(cat "$WORK/a.key")" "ListenPort = $PORT" \
		"Address = ${INNER4[a]}/24, ${INNER6[a]}/64" "" "[Peer]" "PublicKey = $(public_key b)" \
		"Endpoint = $(outer b 4)" "AllowedIPs = ${INNER4[b]}/32, ${INNER6[b]}/128" "$@" |
		inside install -m 600 /dev/stdin "/etc/wireguard/$T.conf"
}
agent() {
	inside sh -c 'cat /run/wgxdp/*/'"$T.pid"
}
peers() {
	inside $ROOT/sbin/wgxdp show "$T" --json | jq '.tunnels[0].peers | length'
}
initiations() {
	seen initiation
}
add_peer b

step "started: systemctl waits until it is up, and knows its agent"
write_conf
service start
equal "state" active "$(property ActiveState)"
equal "main process" "$(agent)" "$(property MainPID)"
equal "type" notify "$(property Type)"
flood a b 4 20
flood b a 6 20
equal "sets of the agent" "CapPrm: 0000008000003c00 CapEff: 0000008000003c00 CapBnd: 0000008000003c00 NoNewPrivs: 1" \
	"$(inside grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs)' "/proc/$(agent)/status" | tr '\t\n' '  ' | tr -s ' ' | sed 's/ $//')"

step "read anew: another peer, and nobody's session is disturbed"
before=$(initiations)
start_pings b a 4 300
write_conf "" "[Peer]" "PublicKey = $(public_key c)" "AllowedIPs = 10.99.0.0/24"
service reload
equal "peers" 2 "$(peers)"
finish_pings 0
equal "initiations" "$before" "$(initiations)"
equal "main process" "$(agent)" "$(property MainPID)"

step "a file that is broken is not read, and said so; the service goes on"
write_conf "" "[Peer]" "PublicKey = none"
refuses service reload 2>/dev/null
wait_for 5 "what is wrong" inside grep -q "$T.conf: line 12: 'none' is not a public key" /run/said
equal "peers" 2 "$(peers)"
equal "state" active "$(property ActiveState)"
write_conf

step "its agent is killed: systemd starts another, and no packet is lost"
first=$(agent)
start_pings b a 4 400
inside kill -9 "$first"
restarted() {
	[ "$(property NRestarts)" = 1 ] && in_state active
}
wait_for 10 "a new agent" restarted
finish_pings 0
equal "initiations" "$before" "$(initiations)"
[ "$(agent)" != "$first" ] || die "no new agent"
equal "main process" "$(agent)" "$(property MainPID)"
flood a b 4 20

# nothing_of_it: as it was before the service started.
nothing_of_it() {
	[ -z "$(inside find /run/wgxdp /run/wireguard /sys/fs/bpf/wgxdp -mindepth 1 -name "*$T*" 2>/dev/null)" ] &&
		refuses_quietly ip -n "$(ns a)" link show "$T" &&
		[ -z "$(inside pgrep -f "$ROOT/sbin/wgxdp")" ] &&
		[ "$(ip -n "$(ns a)" -j -d link show eth0 | jq '.[0].xdp')" = null ]
}
step "stopped: nothing is left"
service stop
equal "state" inactive "$(property ActiveState)"
wait_for 5 "nothing to be left" nothing_of_it

step "started, and removed by hand: it stays away"
service start
flood a b 4 10
inside $ROOT/sbin/wgxdp down "$T" >/dev/null
wait_for 5 "the service to end" in_state inactive
wait_for 5 "nothing to be left" nothing_of_it

step "a file that is broken: it does not start, and says why"
write_conf "" "[Peer]" "PublicKey = none"
refuses service start 2>/dev/null
wait_for 5 "what is wrong" inside grep -q "wgxdp: up: .*$T.conf: line 12: 'none' is not a public key" /run/said
wait_for 10 "systemd to give up" in_state failed
nothing_of_it || die "something is left"
