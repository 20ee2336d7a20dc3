#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kunit.sh KERNEL-DIR BUILD-DIR    run the suites of BUILD-DIR/mailbox_test.ko
set -euo pipefail

here=$(dirname "$0")
out=$2/vm
mkdir -p "$out"
exec "$here/tally.pl" -l "$out/console.log" kunit \
	"$here/vm.sh" -k "$1" -o "$out" -t 600 -a kasan_multi_shot \
	-c "exec sh ./run-kunit" "$2/mailbox_test.ko" "$here/run-kunit"
