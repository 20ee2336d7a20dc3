#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# readme.sh RUN [README]    tables of the CSV files in RUN: on standard output, or in their places in README
#
# A place is what is between <!-- bench: NAME --> and <!-- /bench -->. A table whose CSV is
# not there stays as it is. The plots of RUN go into plots/, to which README links.
set -euo pipefail
here=$(dirname "$0") run=$1 readme=${2:-}

table() {
	case $1 in
	kernel) "$here/kernel-table.sh" "$run/kernel.csv" | sed '/^$/,$d' ;;
	waiting) "$here/kernel-table.sh" "$run/kernel.csv" | sed '1,/^$/d' | sed '/^$/,$d' ;;
	looks) "$here/kernel-table.sh" "$run/kernel.csv" | sed '1,/^$/d' | sed '1,/^$/d' ;;
	scale) "$here/scale-table.sh" "$run/scale.csv" flat ;;
	messages) "$here/scale-table.sh" "$run/scale.csv" messages ;;
	memory) "$here/scale-table.sh" "$run/scale.csv" memory ;;
	ring-scale) "$here/scale-table.sh" "$run/scale.csv" ring ;;
	ring) "$here/ring-table.sh" "$run/ring.csv" ;;
	asleep) "$here/ring-table.sh" "$run/ring.csv" asleep ;;
	*) echo "readme.sh: no table $1" >&2; exit 1 ;;
	esac
}

csv_of() {
	case $1 in
	kernel | waiting | looks) echo kernel.csv ;;
	ring | asleep) echo ring.csv ;;
	*) echo scale.csv ;;
	esac
}

if [ ! "$readme" ]; then
	for name in kernel waiting looks ring asleep scale messages memory ring-scale; do
		[ ! -s "$run/$(csv_of "$name")" ] || { table "$name"; echo; }
	done
	exit 0
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
inside=
while IFS= read -r line; do
	case $line in
	'<!-- bench: '*' -->')
		name=${line#<!-- bench: } name=${name% -->}
		printf '%s\n' "$line"
		if [ -s "$run/$(csv_of "$name")" ]; then
			table "$name"
			inside=1
		fi
		;;
	'<!-- /bench -->')
		printf '%s\n' "$line"
		inside=
		;;
	*) [ "$inside" ] || printf '%s\n' "$line" ;;
	esac
done <"$readme" >"$new"
cat "$new" >"$readme"
for plot in {kernel,ring}-{peers,sizes} scale-participants; do
	[ ! -s "$run/$plot.svg" ] || cp "$run/$plot.svg" "$here/plots/"
done
