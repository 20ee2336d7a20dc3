#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The tutorial, step by step on the real module: as root in a guest, with its programs in
# this folder. Every command must print what the tutorial says. TAP.
#
# A command is a line that begins with "$ " in a block of console. Those for the compiler
# are run elsewhere: see tests/run.sh.
PATH=$PWD:$PATH
text=$PWD/tutorial.md
tmp=$(mktemp -d)
count=0
failed=0
[ -d /sys/class/mailbox ] || insmod ./mailbox_dev.ko

# What the last command printed, against what it was to print.
judge() {
	[ "$command" ] || return 0
	count=$((count + 1))
	# on a terminal the tool ends what it writes with a newline
	[ -z "$(tail -c 1 "$tmp/said")" ] || echo >>"$tmp/said"
	if cmp -s "$tmp/wanted" "$tmp/said"; then
		echo "ok $count - line $line: $command"
	else
		sed 's/^/# wanted: /' "$tmp/wanted"
		sed 's/^/# said: /' "$tmp/said"
		echo "not ok $count - line $line: $command"
		failed=1
	fi
	command=''
}

# In this shell: variables, functions and jobs stay.
run() {
	command=$1 line=$number
	: >"$tmp/wanted"
	case $command in
	cc\ *) : >"$tmp/said" ;;
	*) eval "$command" >"$tmp/said" 2>&1 3<&- ;;
	esac
}

block='' command='' number=0
while IFS= read -r words <&3; do
	number=$((number + 1))
	case $block$words in
	'```console') block=console ;;
	'console```') judge; block='' ;;
	'console$ '*) judge; run "${words#\$ }" ;;
	console*) echo "$words" >>"$tmp/wanted" ;;
	esac
done 3<"$text"
echo "1..$count"
rm -rf "$tmp"
[ $count -gt 0 ] || failed=1
exit $failed
