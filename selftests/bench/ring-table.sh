#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ring-table.sh RING.CSV [asleep]    what ring-bench has measured, as a table of the README; or the
# rows in which who waits may sleep
set -euo pipefail
if [ "${2:-}" = asleep ]; then
	awk -F, '
		function us(ns) { return sprintf(ns < 9950 ? "%.2g" : "%.0f", ns / 1000) }
		$1 !~ / asleep / || $1 ~ /^direct/ && $4 == "libmailbox asleep" { next }
		!($1 in seen) { row[++n] = $1; seen[$1] = 1 }
		{
			sub(/ direct/, "", $4)
			of[$1, $4] = us($6) " / " us($9) " / " us($14)
		}
		END {
			print "| µs: median / the slowest of a hundred / both processors | libmailbox | pipe | POSIX mq | SEQPACKET |"
			print "|---|---|---|---|---|"
			for (i = 1; i <= n; i++) {
				name = row[i]
				sub(/ asleep/, "", name)
				printf "| %s | %s | %s | %s | %s |\n", name, of[row[i], "libmailbox asleep"],
					of[row[i], "pipe asleep"], of[row[i], "POSIX mq asleep"],
					of[row[i], "SEQPACKET asleep"]
			}
		}' "$1"
	exit
fi
awk -F, '
	function amount(value, unit) {
		if (unit == "ns") return sprintf("%.0f ns", value)
		return value >= 1e6 ? sprintf("%.1f M", value / 1e6) : sprintf("%.0f k", value / 1e3)
	}
	NR == 1 { next }
	!($1 in seen) { row[++n] = $1; seen[$1] = 1 }
	# Of a row with direct in its name the direct port is ours, of others the ordinary one.
	$4 == ($1 ~ /^direct/ ? "libmailbox direct" : $1 ~ /^in place/ ? "libmailbox in place" : "libmailbox") {
		ours[$1] = amount($6, $5) " (" amount($7, $5) ".." amount($8, $5) ")"
		if ($9 != "") ours[$1] = ours[$1] ", p99 " amount($9, $5)
		next
	}
	$13 != "" {
		met = $5 == "ns" ? $10 <= $13 : $10 >= $13
		against[$1] = against[$1] sprintf("%s%s %s: **%.2fx**", against[$1] ? "; " : "", $4, amount($6, $5), $10)
		goal[$1] = goal[$1] sprintf("%s%s%gx%s", goal[$1] ? "; " : "", $5 == "ns" ? "at most " : "", $13,
			met ? "" : " missed")
	}
	END {
		print "| messages a second, or ns | port, median (lowest..highest) | the best of those that the goal is about | goal |"
		print "|---|---|---|---|"
		for (i = 1; i <= n; i++)
			if (row[i] in ours)
				printf "| %s | %s | %s | %s |\n", row[i], ours[row[i]], against[row[i]], goal[row[i]]
	}' "$1"
