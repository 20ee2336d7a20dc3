#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [FILTER]	run the models of `configs` with spin, as TAP
#
# FILTER is a regular expression on the lines of `configs`. JOBS: how many at
# once (2). A model that holds must have been searched to the end.
set -u
cd "$(dirname "$0")" || exit 1
filter=${1:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# one MODEL RESULT FLAGS...: its TAP line, without number
one() {
	local model=$1 want=$2 optimize=-O0 dir log states name
	shift 2
	[ "$want" = fails ] || optimize=-O1 # compiling takes longer than a short search
	name="$model $*"
	name="${name% }: $want"
	dir=$(mktemp -d "$tmp/XXXXXX")
	if ! (cd "$dir" && spin -a "$@" "$here/$model.pml" && "${CC:-cc}" $optimize -w -DSAFETY -DCOLLAPSE \
			-DMEMLIM="${MEMLIM:-2000}" -o pan pan.c) >"$dir/log" 2>&1; then
		sed 's/^/# /' "$dir/log"
		echo "not ok - $name"
		return
	fi
	timeout 300 "$dir/pan" -m2000000 >"$dir/log" 2>&1 # in $dir, for its trail
	log=$dir/log
	states=$(awk '/states, stored/ { print $1 }' "$log")
	if { [ "$want" = holds ] && grep -q 'errors: 0' "$log" &&
	     ! grep -qE 'max search depth|Search not completed|memory limit' "$log"; } ||
	   { [ "$want" = fails ] && grep -q 'errors: 1' "$log"; }; then
		echo "ok - $name ($states states)"
	else
		tail -n 20 "$log" | sed 's/^/# /'
		echo "not ok - $name (${states:-no} states)"
	fi
}

if ! command -v spin >/dev/null; then
	echo '1..0 # SKIP no spin'
	exit 0
fi
export -f one
export tmp here="$PWD"
grep -v '^#' configs | grep . | grep -E "$filter" >"$tmp/list"
# shellcheck disable=SC2016 # for the shell that xargs starts
(cd "$tmp" && xargs -P "${JOBS:-2}" -I{} bash -c 'cd "$(mktemp -d "$tmp/XXXXXX")" && one $1' - {} <list) |
	awk '/^ok/ { sub(/^ok/, "ok " ++n) }
	     /^not ok/ { sub(/^not ok/, "not ok " ++n); bad = 1 }
	     { print; fflush() }
	     END { print "1.." n + 0; exit bad }'
