#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the programs say, on the kernel's queues and on ports. Meant for a guest whose clock counts
# instructions (vm.sh -n): a second is 10^9 of them, whatever the machine is about.
insmod mailbox_dev.ko

on_both() {	# on_both TITLE COMMAND...
	title=$1
	shift
	for on in "the kernel's queues" ports; do
		preload=
		[ "$on" != ports ] || preload=./libmailbox-mq.so.0
		echo "=== $title, on $on"
		LD_PRELOAD=$preload "$@" 2>&1
		echo "=== status $?"
		echo
	done
}

on_both 'mq-cost: instructions of a call, or of two; 42 are the reading of the clock' ./mq-cost
on_both 'stress-ng --mq 1 --mq-ops 20000 --verify --metrics' ./stress-ng --mq 1 --mq-ops 20000 --verify --metrics
on_both 'pmqtest -q -p 80 -i 1000 -l 1000 (us)' ./pmqtest -q -p 80 -i 1000 -l 1000
