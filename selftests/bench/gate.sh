#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# gate.sh check|baseline KERNEL-DIR BUILD-DIR    does the kernel path cost what it did?
#
# check: one test case for each row, in TAP: the instructions that it takes in the guest
# are those of baseline.csv, within 2 % both ways. What makes them other than that moves
# the baseline, and its commit says why.
# baseline: write the rows anew for this kernel.
#
# Counts are those of one kernel build. On another one, the ratio to a device that does
# nothing is compared with the baseline's first kernel's, within 5 %.
set -euo pipefail
here=$(dirname "$0") what=$1 kernel=$2 build=$3
baseline=$here/baseline.csv
floor='null + zero'
rows="$floor|8
port write + read|8
port write + read|64
port write + read|1024
port SEND + RECEIVE|8
port batch of 16|8
port batch of 16|256
port batch of 16 with details|8
port: lower of two lanes|8
port: lowest of 32 lanes|8
port: ten receivers in turn|8
port: SEND with receipt|8
port: lease and ack|8
port: poll of an empty one|8
port: write with epoll watching|8
port: epoll_wait with one ready|8
ping-pong: port write + read|8
ping-pong: port SEND + RECEIVE|8
ping-pong: port EXCHANGE|8
ping-pong: port mapped|8
ping-pong: port call|8
ping-pong: port call + RECV_FINISH|8"

run=$(mktemp)
trap 'rm -f "$run"' EXIT
"$here/../qemu/vm.sh" -k "$kernel" -o "$build/gate" -t 300 -n -a 'mitigations=off audit=0' \
	-c "uname -v; insmod mailbox_dev.ko && exec ./kernel-path --csv --calls 101" \
	"$build/mailbox_dev.ko" build/bench/kernel-path >"$run"
version=$(sed -n '1s/.*Debian \([^ ]*\).*/\1/p' "$run")

# Both lists as KERNEL,WHAT,BYTES,INSTRUCTIONS.
measured() {
	awk -F, -v kernel="$version" '$1 == "csv" { print kernel "," $2 "," $3 "," $6 }' "$run" |
		grep -F "$(sed "s/.*/,&,/; s/|/,/" <<<"$rows")"
}

case $what in
baseline)
	{ grep -v "^$version," "$baseline" && measured; } >"$run.new"
	mv "$run.new" "$baseline"
	;;
check)
	measured | awk -F, -v floor="$floor" -v kernel="$version" '
		FNR == NR {
			if (first == "" && $1 != "kernel") first = $1
			base[$1, $2, $3] = $4
			next
		}
		{ now[$2, $3] = $4; row[++n] = $2 FS $3 }
		END {
			known = (kernel, floor, 8) in base
			if (!known) print "# no baseline of kernel " kernel ": by ratios to " floor
			for (i = 1; i <= n; i++) {
				split(row[i], at, FS)
				is = now[at[1], at[2]]
				was = base[known ? kernel : first, at[1], at[2]]
				if (!known) was *= now[floor, 8] / base[first, floor, 8]
				off = was ? (is / was - 1) * 100 : 100
				good = off * off <= (known ? 4 : 25)
				printf "%s %d %s, %d B\n", good ? "ok" : "not ok", i, at[1], at[2]
				if (!good)
					printf "# %d instructions, not %.0f: %+.1f %%. Why? Then: make bench-baseline\n",
						is, was, off
			}
			print "1.." n
		}' "$baseline" -
	;;
esac
