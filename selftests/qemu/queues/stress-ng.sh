#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The --mq worker of stress-ng: a child receives, in order and with priorities, what is sent.
# shellcheck source=selftests/qemu/queues/on-both.sh
. ./on-both.sh

# Messages for each second of real time.
rate() { awk '$4 == "mq" && $5 ~ /^[0-9]/ { print $9 }' "$1"; }

on_both ./stress-ng --mq 1 --mq-ops 20000 --verify --metrics --timeout 60
echo "## stress-ng --mq: $(rate /tmp/kernel) messages a second with the kernel's queues, $(rate /tmp/ports) on ports"
