# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# TAP for the shell: to be sourced. Results are counted in $count, the verdict is in
# $failed, and $tmp is a folder.
tmp=$(mktemp -d)
count=0
failed=0

# ok NAME COMMAND...: a result; what the command said when it fails
ok() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$tmp/said" 2>&1; then
		echo "ok $count - $name"
	else
		sed 's/^/# /' "$tmp/said"
		echo "not ok $count - $name"
		# shellcheck disable=SC2034 # for whoever sources this
		failed=1
	fi
}

is() { [ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }; }
