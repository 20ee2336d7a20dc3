#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# pmqtest of rt-tests: two real-time threads, one message and its answer; latencies in us.
# shellcheck source=selftests/qemu/queues/on-both.sh
. ./on-both.sh

latency() { sed -n 's/.*\(Min.*Max *[0-9]*\).*/\1/p' "$1" | tail -n 1 | tr -s ' '; }

on_both ./pmqtest -q -p 80 -i 1000 -l 1000
echo "## pmqtest: $(latency /tmp/kernel) us with the kernel's queues, $(latency /tmp/ports) us on ports"
