#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ring-plot.sh RING.CSV DIR    what ring-bench has measured, as ring-peers and ring-sizes (SVG, PNG) in DIR
set -euo pipefail
csv=$1 dir=$2
command -v gnuplot >/dev/null || { echo "ring-plot: no gnuplot, no plots" >&2; exit 0; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# bars ROW DIVISOR: each mechanism at its best, asleep or not: name, value, colour; the best last, ours marked
bars() {
	awk -F, -v row="$1" -v by="$2" '
		$1 == row {
			name = $4
			sub(/ asleep$/, "", name)
			if (!(name in best) || ($5 == "ns" ? $6 < best[name] : $6 > best[name])) best[name] = $6
			less = $5 == "ns"
		}
		END {
			for (name in best)
				printf "%s\t%.6g\t%d\t%.6g\n", name, best[name] / by,
					name ~ /^libmailbox/ ? 14034728 : name ~ /^bare/ ? 12303291 : 5011624,
					less ? -best[name] : best[name]
		}' "$csv" | sort -t$'\t' -g -k4
}

rows=('one to one 8 B' 'contended 8 B' 'two to two 8 B' 'direct 8 B'
	'one to one 16 x 40 B' 'round trip 8 B' 'one to one 64 KiB' 'in place 64 KiB')
titles=('one to one, 8 bytes: M messages/s' 'both send and receive, 8 bytes: M messages/s'
	'two to two, 8 bytes: M messages/s' 'direct port, 8 bytes: M messages/s'
	'one to one, 16 x 40 bytes: M messages/s' 'round trip, 8 bytes, spinning: ns (short is good)'
	'one to one, 64 KiB: thousand messages/s' '64 KiB in place: thousand messages/s')
by=(1e6 1e6 1e6 1e6 1e6 1 1e3 1e3)

panels=()
for i in "${!rows[@]}"; do
	bars "${rows[i]}" "${by[i]}" >"$tmp/$i"
	[ -s "$tmp/$i" ] && panels+=("$i")
done

peers() {	# peers TERMINAL FILE
	echo "set terminal $1; set output '$2'"
	echo "set multiplot layout 2,4 title 'How fast against the others? (one message at a time but for batches; logarithmic)' font ',16'"
	echo "set logscale x; unset key; set border 3; set tics nomirror; set style fill solid noborder; set grid x lc rgb '#dddddd'"
	echo "set datafile separator tab; set lmargin 19; set rmargin 4"
	for i in "${panels[@]}"; do
		echo "set title '${titles[i]}'"
		echo "set autoscale; stats '$tmp/$i' using 2 nooutput; low = STATS_min / 3; high = STATS_max * 5"
		echo "set xrange [low:high]; set yrange [-0.7:STATS_records - 0.3]"
		echo "plot '$tmp/$i' using (low):0:(low):2:(\$0 - 0.38):(\$0 + 0.38):3:ytic(1) with boxxyerror lc rgb variable title 'bars'," \
			"'' using (\$2 * 1.08):0:(sprintf(\$2 < 100 ? '%.3g' : '%.0f', \$2)) with labels left font ',11' title 'values'"
	done
	echo "unset multiplot"
}

# One to one at each size: bytes, messages/s; the better of polling and sleeping.
mapfile -t names < <(awk -F, '$1 ~ /^one to one [0-9]+ (B|KiB)$/ { sub(/ asleep$/, "", $4); print $4 }' "$csv" |
	grep -v '^bare' | sort -u | sed '/^libmailbox$/d' | sed '1i libmailbox')
for i in "${!names[@]}"; do
	awk -F, -v name="${names[i]}" '
		$1 ~ /^one to one [0-9]+ (B|KiB)$/ && ($4 == name || $4 == name " asleep") && $6 > best[$2] { best[$2] = $6 }
		END { for (size in best) printf "%d\t%.6g\n", size, best[size] / 1e6 }' "$csv" | sort -g >"$tmp/size$i"
done

sizes() {	# sizes TERMINAL FILE
	local i line
	echo "set terminal $1; set output '$2'"
	echo "set title 'How does it scale with size? One to one, one message at a time' font ',16'"
	echo "set logscale xy; set xlabel 'message, bytes'; set ylabel 'million messages/s'; set grid lc rgb '#dddddd'; set border 3"
	echo "set tics nomirror; set key outside right center reverse Left; set datafile separator tab; set xrange [7:80000]"
	echo "set xtics (8, 16, 32, '' 40, '' 48, 64, 256, 1024, 4096, '64 Ki' 65536); set format y '%g'"
	line="plot"
	for i in "${!names[@]}"; do
		[ "$i" = 0 ] || line+=","
		line+=" '$tmp/size$i' using 1:2 with linespoints title '${names[i]}' pt $((i + 4)) ps 1.3"
		if [ "${names[i]}" = libmailbox ]; then line+=" lw 5 lc rgb '#d62728'"; else line+=" lw 2 lc $i"; fi
	done
	echo "$line"
}

for what in peers sizes; do
	"$what" "pngcairo size 1900,900 font 'sans,12' noenhanced background 'white'" "$dir/ring-$what.png" | gnuplot
	"$what" "svg size 1900,900 font 'sans,12' noenhanced background 'white'" "$dir/ring-$what.svg" | gnuplot
	echo "$dir/ring-$what.png, .svg"
done
