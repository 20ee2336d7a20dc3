#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scale-table.sh SCALE.CSV flat|messages|ring|memory    what scale and ring-bench have measured, as tables of the README
set -euo pipefail
awk -F, -v table="$2" '
	NR > 1 {
		key = $1 FS $3
		if (!(key in unit)) { row[++n] = key; unit[key] = $4 }
		value[key, $2] = $5
		if (!(key in first)) first[key] = $2
		last[key] = $5
	}
	function cell(key, there) {
		if (!((key, there) in value)) return ""
		if (unit[key] == "messages/s") return sprintf("%.1f M/s", value[key, there] / 1e6)
		if (unit[key] == "ns") return sprintf("%.0f ns", value[key, there])
		return sprintf("%d", value[key, there])
	}
	function line(name, key, steps,    i, at, count) {
		count = split(steps, at, " ")
		printf "| %s |", name
		for (i = 1; i <= count; i++) printf " %s |", cell(key, at[i])
		print ""
	}
	function head(name, steps,    i, at, count) {
		count = split(steps, at, " ")
		printf "| %s |", name
		for (i = 1; i <= count; i++) printf " %s |", at[i]
		printf "\n|---|"
		for (i = 1; i <= count; i++) printf "---|"
		print ""
	}
	END {
		tens = "1 10 100 1000"
		if (table == "flat") {
			head("beside so many, instructions", tens)
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] ~ /^(ring|messages sent|memory)/) continue
				if (unit[row[i]] == "instructions") line(of[1] ": " of[2], row[i], tens)
			}
		} else if (table == "messages") {
			steps = "0 1000 1000000 1000000000"
			head("messages sent before, instructions", steps)
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] == "messages sent before" && unit[row[i]] == "instructions")
					line(of[2], row[i], steps)
			}
		} else if (table == "ring") {
			head("ring, mapped endpoints", tens)
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] ~ /^ring: (endpoints|mapped)/) line(substr(of[1], 7), row[i], tens)
			}
			print ""
			head("ring, processes on two processors that send and receive", "2 4 8 16")
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] ~ /^ring: processes/) line(of[2], row[i], "2 4 8 16")
			}
			print ""
			head("ring, one to one 8 B, messages sent before", "0 1000000 1000000000")
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] ~ /^ring: messages/) line(of[2], row[i], "0 1000000 1000000000")
			}
		} else {
			print "| each of a thousand, bytes | of the module (kmalloc) | all slabs, with files, nodes, inodes | slots (vmalloc) |"
			print "|---|---|---|---|"
			for (i = 1; i <= n; i++) {
				split(row[i], of, FS)
				if (of[1] != "memory" || of[2] !~ /: kmalloc$/) continue
				name = of[2]
				sub(/: kmalloc$/, "", name)
				slab = last["memory" FS name ": slab"]	# what was freed meanwhile is in it
				printf "| %s | %d | %d | %d |\n", name, last[row[i]], (slab > 0 ? slab : 0),
					last["memory" FS name ": vmalloc"]
			}
		}
	}' "$1"
