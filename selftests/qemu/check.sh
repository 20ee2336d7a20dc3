#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check.sh TARGET...    make each, whatever became of the others, and add up their last lines
#
# A TARGET may bring variables: 'kselftest KERNEL=kasan'. What each said stays in
# build/check/TARGET.log, the sum in build/check/verdict. A target that cannot
# be had on this machine (cache.sh said SKIP) is one that was skipped.
set -euo pipefail

passed=0 failed=0 skipped=0
dir=build/check
rm -rf $dir
mkdir -p $dir
for target; do
	echo "== $target"
	log=$dir/${target//[ =^]/-}.log
	read -ra words <<<"$target"
	make "${words[@]}" 2>&1 </dev/null | tee "$log" || true
	verdict=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1 || true)
	if [[ $verdict =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped ]]; then
		((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2], skipped += BASH_REMATCH[3], 1))
	elif grep '^cache: SKIP' "$log"; then
		((skipped += 1))
	else
		echo "$target did not come to an end"
		((failed += 1))
	fi
done
echo "== all"
echo "$passed passed, $failed failed, $skipped skipped" | tee $dir/verdict
[ "$failed" = 0 ]
