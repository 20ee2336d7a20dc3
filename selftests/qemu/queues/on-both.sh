# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# on-both.sh, to be read: run a program on the kernel's queues and on ports, and see that it was
#
# What it said is in /tmp/kernel and /tmp/ports then. Names of the kernel's queues are in /dev/mqueue,
# those of ports in /dev/mailbox: looked at while it runs. Whoever reads this has so many cases in
# $cases, these four among them.
n=0
rm -f /dev/mqueue/*	# of a test that failed

case_is() {	# case_is STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

# Where have queues been seen? Looks until the program, process $1, has ended.
seen() {
	where=
	while kill -0 "$1" 2>/dev/null; do
		for file in /dev/mqueue/* /dev/mailbox/mq.*; do
			[ ! -e "$file" ] || case "$where " in
			*"${file%/*} "*) ;;
			*) where="$where ${file%/*}" ;;
			esac
		done
		usleep 10000
	done
}

run_on() {	# run_on WHERE PRELOAD COMMAND...: its words in /tmp/said
	on=$1
	preload=$2
	shift 2
	LD_PRELOAD=$preload "$@" >/tmp/said 2>&1 &
	seen $!
	wait $!
	status=$?
	[ $status = 0 ] || sed 's/^/# /' /tmp/said
	case_is $status "$1 passes on $on"
	[ "$where" = " $on" ]
	case_is $? "and its queues were seen in$where"
}

on_both() {	# on_both COMMAND...
	echo "1..${cases:-4}"
	run_on /dev/mqueue '' "$@"
	mv /tmp/said /tmp/kernel
	run_on /dev/mailbox ./libmailbox-mq.so.0 "$@"
	mv /tmp/said /tmp/ports
}
