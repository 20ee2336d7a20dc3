#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# litmus.sh	run every *.litmus here under the kernel's memory model, as TAP
#
# HERD7 is the program (herd7), LKMM the tools/memory-model folder of a kernel
# tree. Each file says in "Result:" what must come out.
set -u
cd "$(dirname "$0")" || exit 1
herd7=${HERD7:-herd7}
lkmm=${LKMM:-}
count=0
failed=0

for file in *.litmus; do
	name="litmus: ${file%.litmus}"
	count=$((count + 1))
	want=$(sed -n 's/^ *Result: \(Never\|Sometimes\)\b.*/\1/p' "$file")
	if [ "${want:-none}" = none ]; then
		echo "not ok $count - $name says its result"
		failed=1
	elif ! command -v "$herd7" >/dev/null; then
		echo "ok $count - $name: $want # SKIP no herd7 (HERD7=)"
	elif [ ! -f "$lkmm/linux-kernel.cfg" ]; then
		echo "ok $count - $name: $want # SKIP no memory model (LKMM=tools/memory-model of a kernel tree)"
	else
		# Which side of it depends on the model: see the file.
		grep -q 'Sometimes with the model of 6.1' "$file" &&
			! grep -q 'rmw-sequence' "$lkmm/linux-kernel.bell" "$lkmm/linux-kernel.cat" && want=Sometimes
		got=$(cd "$lkmm" && "$herd7" -conf linux-kernel.cfg "$OLDPWD/$file" 2>&1)
		if grep -q "^Observation [^ ]* $want\b" <<<"$got"; then
			echo "ok $count - $name: $want"
		else
			printf '%s\n' "$got" | sed 's/^/# /'
			echo "not ok $count - $name: $want"
			failed=1
		fi
	fi
done
echo "1..$count"
exit $failed
