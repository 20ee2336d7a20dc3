#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel-table.sh KERNEL.CSV    what kernel-path has measured, as the tables of the README
set -euo pipefail
awk -F, '
	NR > 1 { cost[$1, $2, $3] = $6; if ($1 == "max" && $2 == "pipe") size[++n] = $3 }
	function against(cpu, what, of, bytes) {
		return sprintf("%.2fx", cost[cpu, what, bytes] / cost[cpu, of, bytes])
	}
	function row(name, what, of) {
		printf "| %s | %d | %d | %s |\n", name, cost["max", of, 8], cost["max", what, 8],
			against("max", what, of, 8)
	}
	function look(name, what) {
		printf "| %s | %d | %s |\n", name, cost["max", what, 8], against("max", what, "pipe", 8)
	}
	END {
		ours = "port write + read"
		split("pipe,POSIX mq,SysV msg,SEQPACKET", peer, ",")
		print "| bytes | pipe | POSIX mq | SysV msg | SEQPACKET | port, write + read | against pipe, mq | copies by 8 bytes: pipe, port, ratio | SEND + RECEIVE |"
		print "|---|---|---|---|---|---|---|---|---|"
		for (i = 1; i <= n; i++) {
			b = size[i]
			printf "| %d |", b
			for (p = 1; p <= 4; p++) printf " %d |", cost["max", peer[p], b]
			printf " **%d** | %s, %s | %d, %d, %s | %d |\n", cost["max", ours, b],
				against("max", ours, "pipe", b), against("max", ours, "POSIX mq", b),
				cost["qemu64", "pipe", b], cost["qemu64", ours, b],
				against("qemu64", ours, "pipe", b), cost["max", "port SEND + RECEIVE", b]
		}
		print ""
		print "| waiting, 8 bytes | pipe | port | ratio |"
		print "|---|---|---|---|"
		row("poll of an empty one", "port: poll of an empty one", "pipe: poll of an empty one")
		row("write with an epoll watcher", "port: write with epoll watching", "pipe: write with epoll watching")
		row("`epoll_wait` with one ready", "port: epoll_wait with one ready", "pipe: epoll_wait with one ready")
		row("ping-pong of two that sleep, write + read", "ping-pong: port write + read", "ping-pong: pipe")
		row("the same, SEND + RECEIVE", "ping-pong: port SEND + RECEIVE", "ping-pong: pipe")
		row("the same, EXCHANGE: send and wait by one call", "ping-pong: port EXCHANGE", "ping-pong: pipe")
		row("the same, mapped: a kick, and a read that sleeps", "ping-pong: port mapped", "ping-pong: pipe")
		row("the same, on direct ports", "ping-pong: port mapped direct", "ping-pong: pipe")
		row("ping-pong by a call with lease and reply", "ping-pong: port call", "ping-pong: pipe")
		row("the same, whose server replies and receives by one call", "ping-pong: port call + RECV_FINISH", "ping-pong: pipe")
		print ""
		print "| more than a first look, 8 bytes | instructions | against pipe |"
		print "|---|---|---|"
		look("write, and read of the lower of two lanes", "port: lower of two lanes")
		look("write, and read of the lowest of 32 lanes", "port: lowest of 32 lanes")
		look("write, and read by ten receivers in turn", "port: ten receivers in turn")
		look("SEND with receipt, RECEIVE, RECEIPT", "port: SEND with receipt")
		look("SEND, RECEIVE with lease, FINISH", "port: lease and ack")
	}' "$1"
