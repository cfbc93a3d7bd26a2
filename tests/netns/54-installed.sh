#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What `make install` copies: the manual page and the completions have every command and option of the program's table,
# and are taken by groff, bash, zsh and fish; the service is taken by systemd. No namespace is needed.
set -Eeuo pipefail
TREE=$(readlink -f "$(dirname "$0")/../..")
OUT=$(readlink -m "${O:-$TREE/build}")
WORK=$(mktemp -d /tmp/wgx-XXXXXX)
trap 'rm -rf "$WORK"' EXIT
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR
die() {
	echo "FAILED: $*"
	exit 1
}

make -s -C "$TREE" O="$OUT" NODEPS=1 PREFIX="$WORK/root/usr" install
WGXDP=$WORK/root/usr/sbin/wgxdp
MAN=$WORK/root/usr/share/man
COMPLETION=$WORK/root/usr/share/bash-completion/completions/wgxdp
ZSH=$WORK/root/usr/share/zsh/site-functions/_wgxdp
FISH=$WORK/root/usr/share/fish/vendor_completions.d/wgxdp.fish
[ "$(readlink "$WORK/root/usr/sbin/wgxdp-agent")" = wgxdp ] || die "no wgxdp-agent"

echo "# manual pages: nothing that groff warns of"
for page in "$MAN/man8/wgxdp.8" "$MAN/man5/wgxdp.conf.5"; do
	said=$(groff -man -ww -z -K utf8 "$page" 2>&1)
	[ -z "$said" ] || die "$page: $said"
done
groff -man -Tutf8 "$MAN/man8/wgxdp.8" | sed 's/\x1b\[[0-9;]*m//g; s/.\x08//g; s/\xe2\x88\x92/-/g; s/\xe2\x80\x90/-/g' >"$WORK/page"
grep -q "COMMANDS$" "$WORK/page" || die "the page has no commands"

# commands: "peer add<TAB>--tunnel --endpoint ..." for each, from the help people read.
"$WGXDP" help | sed -n 's/^  \([a-z][a-z ]*[a-z]\) .*/\1/p' | sed 's/  .*//' >"$WORK/commands"
[ "$(wc -l <"$WORK/commands")" -ge 20 ] || die "too few commands: $(cat "$WORK/commands")"
# complete WORD...: what bash offers for the last of them.
complete_words() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wgxdp; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$COMPLETION" "$@"
}
# Line by line what is asked of zsh and fish, what must be among their answers, and how many there are (-: any):
# "LINE<TAB>WORD<TAB>COUNT".
: >"$WORK/asked"
ask() {
	printf '%s\t%s\t%s\n' "$1" "$2" "${3:--}" >>"$WORK/asked"
}
# same WHAT EXPECTED FOUND: lists of words, in any order.
same() {
	local differ
	differ=$(diff <(tr ' ' '\n' <<<"$2" | sort) <(tr ' ' '\n' <<<"$3" | sort)) || die "$1: $differ"
}
echo "# every command and option is in all of them, and nothing else"
same "commands of the page" "$(cat "$WORK/commands")" "$(sed -n '/COMMANDS$/,/^A PHONE$/s/^ *wgxdp \([a-z ]*[a-z]\).*/\1/p' "$WORK/page")"
same "what bash completes 'wgxdp' with" "$(cut -d ' ' -f 1 "$WORK/commands" | uniq)" "$(complete_words wgxdp "")"
while read -r command; do
	grep -qF "wgxdp $command" "$WORK/page" || die "the page lacks 'wgxdp $command'"
	# shellcheck disable=SC2086 # words
	set -- $command
	if [ $# -eq 2 ]; then
		grep -qx "$2" <<<"$(complete_words wgxdp "$1" "")" || die "'$2' does not complete 'wgxdp $1'"
		ask "wgxdp $1 " "$2"
	else
		ask "wgxdp " "$1"
		grep -qx "$1" <<<"$(complete_words wgxdp "")" || die "'$1' does not complete 'wgxdp'"
	fi
	options=$("$WGXDP" "$@" --help | sed -n 's/^ *\(-., \)\?\(--[a-z-]*\).*/\2/p')
	printf '%s\n--help\n' "$options" >>"$WORK/options"
	# up to the next command or chapter
	same "options of 'wgxdp $command' in the page" "$options" "$(awk -v begin="^ *wgxdp $command( [^a-z]|\$)" '
		$0 ~ begin { inside = 1; next }
		/^ *wgxdp / || /^[A-Z]/ { inside = 0 }
		inside && match($0, /^ *(-., )?--[a-z-]+/) { sub(/.*--/, "--", $0); sub(/ .*/, "", $0); print }' "$WORK/page")"
	same "options that complete 'wgxdp $command'" "$options${options:+ }--help" "$(complete_words wgxdp "$@" --)"
	for option in $options --help; do
		ask "wgxdp $command --" "$option" "$(($(wc -w <<<"$options") + 1))"
	done
done <"$WORK/commands"
echo "# the options that the pages and the README tell of are there"
grep -hoE "wgxdp [a-z].* --[a-z-]+" "$WORK/page" "$TREE/README.md" | grep -oE -e "--[a-z][a-z-]+" | sort -u >"$WORK/told"
unknown=$(grep -vxFf "$WORK/options" "$WORK/told") || true
[ -z "$unknown" ] || die "no command has $unknown"

echo "# the keys of a tunnel's file are those that the program expects"
for section in Interface Peer; do
	for ours in "" "#wgxdp "; do
		printf '[Interface]\n[%s]\n%sNonsense = 1\n' $section "$ours" >"$WORK/wg-test.conf"
		chmod 600 "$WORK/wg-test.conf"
		said=$("$WGXDP" strip "$WORK/wg-test.conf" 2>&1) || true
		tr ',' '\n' <<<"${said#*expected}" | sed "s/^ */$ours/"
	done
done >"$WORK/keys"
page_keys=$(awk 'tag { sub(/^\.BR? /, ""); gsub(/[",]/, ""); gsub(/#wgxdp /, "#"); print } { tag = $1 == ".TP" }' \
	"$MAN/man5/wgxdp.conf.5")
same "keys of wgxdp.conf(5)" "$(sed 's/#wgxdp /#/' "$WORK/keys")" "$(tr -s ' ' '\n' <<<"$page_keys")"

echo "# what follows an option, and operands"
touch "$WORK/wg-test.conf"
grep -qx lo <<<"$(complete_words wgxdp attach "")" || die "no interfaces"
grep -qx generic <<<"$(complete_words wgxdp attach eth0 --mode "")" || die "no modes"
grep -qx "$WORK/wg-test.conf" <<<"$(complete_words wgxdp up "$WORK/wg-")" || die "no files"
[ -z "$(complete_words wgxdp genkey "")" ] || die "genkey takes nothing"
ask "wgxdp " peer
ask "wgxdp attach " lo
ask "wgxdp attach eth0 --mode " generic
ask "wgxdp help " attach
ask "wgxdp help --completion " fish
ask "wgxdp peer add x --roaming " off
ask "wgxdp up $WORK/wg-" wg-test.conf
ask "wgxdp attach --private-key $WORK/wg-" wg-test.conf
ask "wgxdp attach -" -h

# answered SHELL: what was asked is among $WORK/answers, in which each question has its answers and an empty line.
answered() {
	awk -F '\t' -v shell="$1" -v answers="$WORK/answers" '{
		found = 0
		count = 0
		while ((getline line <answers) > 0 && line != "") {
			count++
			sub(/.*\//, "", line)
			if (line == $2)
				found++
		}
		if (found != 1 || ($3 != "-" && count != $3)) {
			printf "FAILED: %s offers %s %d times among %d for: %s\n", shell, $2, found, count, $1
			exit 1
		}
	}' "$WORK/asked"
}
echo "# zsh and fish: $(wc -l <"$WORK/asked") questions"
cut -f 1 "$WORK/asked" | timeout 60 "$TREE/tests/harness/zsh_complete" "$ZSH" >"$WORK/answers"
answered zsh
# shellcheck disable=SC2016 # that shell expands it
cut -f 1 "$WORK/asked" | HOME=$WORK timeout 60 fish -c 'source $argv[1]; while read -l line
	complete -C"$line" | string split -f 1 \t
	echo
end' "$FISH" >"$WORK/answers"
answered fish
for shell in ksh "" BASH; do
	status=0
	said=$("$WGXDP" help --completion "$shell" 2>&1) || status=$?
	[ "$status $said" = "2 wgxdp: help: --completion '$shell': expected bash, zsh or fish" ] || die "$status $said"
done

echo "# the service"
if command -v systemd-analyze >/dev/null; then
	cp "$WORK/root/usr/lib/systemd/system/wgxdp@.service" "$WORK/wgxdp@wg0.service"
	said=$(systemd-analyze verify --man=no "$WORK/wgxdp@wg0.service" 2>&1) || true
	! grep wgxdp <<<"$said" || die "systemd: $said"
	exposure=$(systemd-analyze security --offline=true "$WORK/wgxdp@wg0.service" | tail -n 1)
	echo "# $exposure"
	grep -qE "exposure level.*: [0-5]\." <<<"$exposure" || die "the service is not hardened: $exposure"
else
	echo "# there is no systemd-analyze"
fi

echo "# and away again"
make -s -C "$TREE" O="$OUT" NODEPS=1 PREFIX="$WORK/root/usr" uninstall
left=$(find "$WORK/root/usr" -type f -o -type l)
[ -z "$left" ] || die "left: $left"
