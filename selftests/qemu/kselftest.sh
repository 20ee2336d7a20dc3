#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest.sh KERNEL-DIR BUILD-DIR PROGRAM...    run tests in one boot of the kernel
#
# PROGRAMs and what they call are in build/selftests (system calls) and
# build/userlib/live (library and tool); BUILD-DIR has mailbox_dev.ko.
# SECONDS_EACH and SECONDS_ALL set the time limits.
set -euo pipefail

here=$(dirname "$0")
kernel=$1 build=$2
shift 2
out=$build/kselftest
mkdir -p "$out"
files=(build/selftests/* build/userlib/live/*)
exec "$here/tally.pl" -l "$out/console.log" kselftest \
	"$here/vm.sh" -k "$kernel" -o "$out" -t "${SECONDS_ALL:-900}" \
	-c "exec sh ./run-tests ${SECONDS_EACH:-120} $*" "$build/mailbox_dev.ko" "$here/run-tests" "${files[@]}"
