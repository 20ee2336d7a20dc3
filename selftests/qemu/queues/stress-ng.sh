#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The --mq worker of stress-ng: a child receives, in order and with priorities, what is sent.
# shellcheck source=selftests/qemu/queues/on-both.sh
. ./on-both.sh

# Messages for each second of real time.
rate() { awk '$4 == "mq" && $5 ~ /^[0-9]/ { print $9 }' "$1"; }

# It ends well even if its receiver saw messages that it did not expect, or has left it
# alone, until the time was over.
right() {	# right FILE WHERE
	awk -v messages=$messages '$4 == "mq" && $5 == messages { all = 1 } END { exit !all }' "$1"
	case_is $? "all $messages messages have gone through $2"
	! grep fail: "$1" | head -n 5 | sed 's/^/# /' | grep .
	case_is $? "no message is other than expected on $2"
}

cases=8
messages=20000
on_both ./stress-ng --mq 1 --mq-ops $messages --verify --metrics --timeout 60
right /tmp/kernel /dev/mqueue
right /tmp/ports /dev/mailbox
echo "## stress-ng --mq: $(rate /tmp/kernel) messages a second with the kernel's queues, $(rate /tmp/ports) on ports"
