#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runner-test.sh KASAN-DIR KASAN-BUILD KCSAN-DIR KCSAN-BUILD    does the runner see what it is there to see?
#
# Each bug gets a boot of its own: lockdep for one gives up after the first. The
# BUILD folders have mailbox_dev.ko and bugs/mailbox_bugs.ko. Prints TAP.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
kasan=("$1" "$2") kcsan=("$3" "$4")
declare -i n=0
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

boot() {	# boot KERNEL-DIR BUILD-DIR PROGRAM...    as kselftest.sh does it
	local kernel=$1 build=$2 programs=() name
	shift 2
	for name; do programs+=("$here/misbehave:/t/$name"); done
	"$here/../tally.pl" -l "$out/console.log" runner \
		"$here/../vm.sh" -k "$kernel" -o "$out" -t 300 -a kasan_multi_shot -c "exec sh ./run-tests 20 $*" \
		"$build/mailbox_dev.ko" "$build/bugs/mailbox_bugs.ko" "$here/../run-tests" "${programs[@]}" || true
}

# The report must hold each PATTERN.
expect() {	# expect NAME REPORT PATTERN...
	local name=$1 report=$2 pattern missing=''
	shift 2
	n+=1
	for pattern; do
		grep -qE "$pattern" <<<"$report" || missing+=" '$pattern'"
	done
	[ -z "$missing" ] || printf '# %s\n' "no$missing in this:" "${report//$'\n'/$'\n# '}"
	echo "${missing:+not }ok $n $name"
}

echo 1..15
expect 'no bug, no failure' "$(boot "${kasan[@]}" none)" '^[0-9]+ passed, 0 failed, 0 skipped$'
expect 'a use after free' "$(boot "${kasan[@]}" uaf)" 'KASAN: (slab-)?use-after-free in use_after_free' 'FAIL uaf'
expect 'an access out of bounds' "$(boot "${kasan[@]}" oob)" 'KASAN: slab-out-of-bounds in out_of_bounds' 'FAIL oob'
expect 'a lock inversion, and that lockdep is off' "$(boot "${kasan[@]}" inversion)" \
	'possible circular locking' 'FAIL inversion' 'FAILED: lockdep is still on'
expect 'a sleep in atomic context' "$(boot "${kasan[@]}" atomic)" 'sleeping function called from invalid' 'FAIL atomic'
expect 'a leak' "$(boot "${kasan[@]}" leak)" 'FAILED: nothing is leaked' '\[mailbox_bugs\]'
expect 'an undefined shift' "$(boot "${kasan[@]}" shift)" 'UBSAN: shift-out-of-bounds' 'FAIL shift'
expect 'a data race' "$(boot "${kcsan[@]}" race)" 'KCSAN: data-race in racer' 'FAIL race'
report=$(boot "${kasan[@]}" trace announced unannounced)
expect 'not what a function in a stack trace is called' "$report" '^  ok   trace'
expect 'not a complaint that the test provokes' "$report" '^  ok   announced'
expect 'but any other' "$report" '^  FAIL unannounced'
report=$(boot "${kasan[@]}" lost status hang crash)
expect 'a case that is not reported' "$report" 'FAILED: planned 3 but reported 1 cases'
expect 'a bad exit status' "$report" 'FAILED: exit status 9'
expect 'a program that does not end' "$report" 'FAILED: killed by its time limit'
expect 'a kernel that does not survive' "$report" 'FAILED: the guest ended early'
