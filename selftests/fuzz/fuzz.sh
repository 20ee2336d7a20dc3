#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fuzz.sh KERNEL-DIR BUILD-DIR SECONDS [SEED]    boot the kernel and fuzz the module that long
#
# build/fuzz has mailbox-fuzz, BUILD-DIR has mailbox_dev.ko. Without SEED another
# one each time; it is the first line here, and in front of the verdict once more.
# FUZZ_THREADS=1 in the environment makes a run that the seed repeats exactly,
# FUZZ_OPERATIONS ends one after so many for each thread.
# After it the kernel's log and, on a test kernel, lockdep and kmemleak have their
# say, as after any test. Logs and the table of calls: BUILD-DIR/fuzz.
set -euo pipefail

here=$(dirname "$0")
qemu=$here/../qemu
kernel=$1 build=$2 seconds=$3
seed=${4:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
out=$build/fuzz
mkdir -p "$out"

# To end and to clean up; with checkers, and a machine that others use, everything is slow.
margin=120
if grep -qE '^CONFIG_(KASAN|KCSAN)=y' "$kernel/build/.config"; then
	margin=600
fi
limit=$((seconds + margin))

echo "fuzzing for $seconds s with seed $seed"
guest="FUZZ_SEED=$seed FUZZ_SECONDS=$seconds FUZZ_VERBOSE=1"
guest+=" FUZZ_THREADS=${FUZZ_THREADS:-} FUZZ_OPERATIONS=${FUZZ_OPERATIONS:-}"
"$qemu/tally.pl" -l "$out/console.log" fuzz \
	"$qemu/vm.sh" -k "$kernel" -o "$out" -t $((limit + margin)) -a kasan_multi_shot \
	-c "$guest exec sh ./run-tests $limit mailbox-fuzz" \
	"$build/mailbox_dev.ko" "$qemu/run-tests" build/fuzz/mailbox-fuzz |
	awk -v seed="$seed" -v log_file="$out/out.log" '
		NR > 1 { print last; fflush() }
		{ last = $0 }
		END {
			said = "the fuzzer did not say how much"
			while ((getline line <log_file) > 0)
				if (split(line, word, /[: ]+/) && word[2] == "operations")
					said = word[3] " operations"
			print "  seed " seed ": " said
			print last
		}'
