#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scale-plot.sh SCALE.CSV DIR    what scale and ring-bench have measured, as scale-participants (SVG, PNG) in DIR
set -euo pipefail
csv=$1 dir=$2
command -v gnuplot >/dev/null || { echo "scale-plot: no gnuplot, no plots" >&2; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Each panel: title, what to divide by, log or not, then QUESTION|WHAT|NAME for each line.
panels=()
panel() {
	local file=$tmp/${#panels[@]} title=$1 by=$2 scale=$3 i=0 line question what name
	shift 3
	: >"$file"
	for line; do
		IFS='|' read -r question what name <<<"$line"
		awk -F, -v question="$question" -v what="$what" -v by="$by" '
			$1 == question && $3 == what { printf "%.9g\t%.6g\n", $2 ? $2 : 0.1, $5 / by }' "$csv" >"$file.$i"
		[ ! -s "$file.$i" ] || printf '%s\t%s\n' "$file.$i" "$name" >>"$file"
		i=$((i + 1))
	done
	[ ! -s "$file" ] || panels+=("$title|$scale|$file")
}
panel 'other ports there: instructions' 1 flat \
	'ports|write + read|write + read' 'ports|SEND + RECEIVE|SEND + RECEIVE' \
	'ports|write + read of each port in turn|each port in turn'
panel 'endpoints of the port: instructions' 1 flat \
	'endpoints of a port|write + read|write + read' 'mapped endpoints|write + read|mapped ones' \
	'endpoints of a port|SEND + RECEIVE|SEND + RECEIVE' 'mapped peers that were killed|write + read|killed ones' \
	'endpoints of a port|write + read of each endpoint in turn|each in turn'
panel 'messages sent before: instructions' 1 flat \
	'messages sent before|write + read|write + read' 'messages sent before|SEND + RECEIVE|SEND + RECEIVE'
panel 'asleep on the port: instructions' 1 flat \
	'asleep on a port|message and wake-up|message and wake-up' \
	'asleep on a port but for another lane|message and wake-up|others for another lane'
panel 'ports there: thousand instructions' 1000 flat \
	'ports|create|create' 'ports|delete|delete' 'ports|create without a name|create without a name' \
	'ports|open the node|open the node' 'ports|open by name|open by name' 'ports|close|close'
panel 'epoll instances that watch: instructions of a write' 1 log \
	'epoll instances that watch|write|port' 'epoll instances that watch|write to a pipe|pipe'
panel 'leases held, receipts to come: instructions' 1 flat \
	'leases held|RECEIVE with lease + FINISH|lease' 'leases held|the same with a deadline|lease with a deadline' \
	'receipts to come|SEND with receipt + RECEIVE + RECEIPT|receipt' 'messages queued|write + read|queued: write + read'
panel 'ring: endpoints that take turns, ns a message' 1 log 'ring: endpoints in turn|8 B|one process, no contention'
panel 'ring: processes that send and receive, M messages/s' 1e6 flat \
	'ring: processes that send and receive|libmailbox|libmailbox' \
	'ring: processes that send and receive|DPDK MPMC|DPDK MPMC' 'ring: processes that send and receive|CK MPMC|CK MPMC'

colours=('#d62728' '#1f77b4' '#2ca02c' '#9467bd' '#8c564b' '#7f7f7f')
plot() {	# plot TERMINAL FILE
	local entry title scale file line name i out
	echo "set terminal $1; set output '$2'"
	echo "set multiplot layout 3,3 title 'How does it scale with participants? (flat is good)' font ',16'"
	echo "set logscale x; set border 3; set tics nomirror; set grid lc rgb '#dddddd'; set datafile separator tab"
	echo "set format x '%g'"
	for entry in "${panels[@]}"; do
		IFS='|' read -r title scale file <<<"$entry"
		echo "set title '$title'; set autoscale; unset logscale y; set yrange [0:*]; set xrange [0.8:1300]; set xtics (1, 10, 100, 1000)"
		echo "set key bottom right reverse Left samplen 2 font ',10'"
		case $title in
		'ports there'*) echo "set key center right" ;;
		leases*) echo "set key top left" ;;
		esac
		case $title in
		messages*) echo "set xrange [0.05:3e9]; set xtics ('0' 0.1, '1000' 1e3, '1 M' 1e6, '1 G' 1e9)" ;;
		*processes*) echo "set xrange [1.7:19]; set xtics (2, 4, 8, 16)" ;;
		esac
		[ "$scale" = flat ] || echo "set logscale y; set yrange [*:*]"
		out=plot i=0
		while IFS=$'\t' read -r line name; do
			[ "$i" = 0 ] || out+=","
			out+=" '$line' using 1:2 with linespoints title '$name' pt $((i + 4)) ps 1.1 lw $((i ? 2 : 4)) lc rgb '${colours[i]}'"
			i=$((i + 1))
		done <"$file"
		echo "$out"
	done
	echo "unset multiplot"
}
plot "pngcairo size 1600,1100 font 'sans,12' noenhanced background 'white'" "$dir/scale-participants.png" | gnuplot
plot "svg size 1600,1100 font 'sans,12' noenhanced background 'white'" "$dir/scale-participants.svg" | gnuplot
echo "$dir/scale-participants.png, .svg"
