#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel-plot.sh KERNEL.CSV DIR    what kernel-path has measured, as kernel-peers and kernel-sizes (SVG, PNG) in DIR
set -euo pipefail
csv=$1 dir=$2
command -v gnuplot >/dev/null || { echo "kernel-plot: no gnuplot, no plots" >&2; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# bars PREFIX BYTES NAME...: name, instructions, colour; the cheapest last, ours marked
bars() {
	local prefix=$1 bytes=$2
	awk -F, -v prefix="$prefix" -v bytes="$bytes" '
		$1 == "max" && $3 == bytes && index($2, prefix) == 1 {
			name = substr($2, length(prefix) + 1)
			if (prefix == "" && name ~ /:|writev/) next
			printf "%s\t%d\t%d\n", name, $6,
				name ~ /^port/ ? 14034728 : name ~ /^null/ ? 12303291 : 5011624
		}' "$csv" | sort -t$'\t' -k2 -rn
}
bars '' 8 >"$tmp/1"
bars '' 1024 >"$tmp/2"
bars 'ping-pong: ' 8 >"$tmp/3"

peers() {	# peers TERMINAL FILE
	local i titles=('' '8 bytes, sent and received' '1024 bytes, sent and received' 'there and back, both asleep in between')
	echo "set terminal $1; set output '$2'"
	echo "set multiplot layout 1,3 title 'What does a message cost in the kernel? Instructions, short is good' font ',16'"
	echo "unset key; set border 3; set tics nomirror; set style fill solid noborder; set grid x lc rgb '#dddddd'"
	echo "set datafile separator tab; set lmargin 27; set rmargin 6"
	for i in 1 2 3; do
		echo "set title '${titles[i]}'; set autoscale; stats '$tmp/$i' using 2 nooutput"
		echo "set xrange [0:STATS_max * 1.1]; set yrange [-0.7:STATS_records - 0.3]; set xtics STATS_max < 6000 ? 2000 : 4000"
		echo "plot '$tmp/$i' using (0):0:(0):2:(\$0 - 0.38):(\$0 + 0.38):3:ytic(1) with boxxyerror lc rgb variable title 'bars'," \
			"'' using (\$2 + STATS_max * 0.01):0:(sprintf('%d', \$2)) with labels left font ',11' title 'values'"
	done
	echo "unset multiplot"
}

names=('port write + read' 'port SEND + RECEIVE' 'pipe' 'POSIX mq' 'SysV msg' 'SEQPACKET' 'null + zero')
for i in "${!names[@]}"; do
	awk -F, -v name="${names[i]}" '$1 == "qemu64" && $2 == name { print $3 "\t" $6 }' "$csv" >"$tmp/size$i"
done

sizes() {	# sizes TERMINAL FILE
	local i line=plot
	echo "set terminal $1; set output '$2'"
	echo "set title 'How does it scale with size? Instructions of a send and a receive; a copy counts one for 8 bytes' font ',16'"
	echo "set logscale x; set xlabel 'message, bytes'; set ylabel 'instructions'; set yrange [0:*]; set xrange [7:4700]"
	echo "set grid lc rgb '#dddddd'; set border 3; set tics nomirror; set key outside right center reverse Left; set datafile separator tab"
	echo "set xtics (8, 64, 256, 1024, 4096)"
	for i in "${!names[@]}"; do
		[ "$i" = 0 ] || line+=","
		line+=" '$tmp/size$i' using 1:2 with linespoints title '${names[i]}' pt $((i + 4)) ps 1.3"
		if [ "$i" = 0 ]; then line+=" lw 5 lc rgb '#d62728'"; else line+=" lw 2 lc $i"; fi
	done
	echo "$line"
}

for what in peers sizes; do
	"$what" "pngcairo size 1600,700 font 'sans,12' noenhanced background 'white'" "$dir/kernel-$what.png" | gnuplot
	"$what" "svg size 1600,700 font 'sans,12' noenhanced background 'white'" "$dir/kernel-$what.svg" | gnuplot
	echo "$dir/kernel-$what.png, .svg"
done
