#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# debs.sh DEBIAN-DIR DEB-DIR NEXT-DIR PROGRAM...    the packages' life in a machine with Debian, as TAP
#
# Installed, booted, tested, upgraded, removed, purged: see debs-inside, which runs in the machine.
# The folders are those of `cache.sh debian` and `make deb`, and one with packages of a later
# version. What was said there, apt and dkms included, is in build/deb-test/out.log, and
# in session.txt without the cases of the tests and what differs from run to run.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
debian=$1 debs=$2 next=$3
shift 3
out=build/deb-test
rm -rf $out
mkdir -p $out/disk/{debs,next,t}
: >$out/out.log

# The second disk: packages and tests. The first: a copy of the file system.
cp "$debs"/*.deb $out/disk/debs
cp "$next"/*.deb $out/disk/next
rm -f $out/disk/*/*-dbgsym_*
dpkg-deb -f "$(echo "$next"/mailbox-dkms_*.deb)" Version >$out/disk/next/version
cp -L build/selftests/* build/userlib/live/* $out/disk/t
cp "$here/debs-inside" userlib/examples/priority.c userlib/tests/{mq.c,tap.h} $out/disk
echo "$*" >$out/disk/programs
PATH=$PATH:/sbin mke2fs -q -t ext4 -d $out/disk $out/disk.img 512M
cp --sparse=always "$debian/image" $out/root.img

# boot SECONDS: until the machine is switched off, or starts again
vm=
trap '[ -z "$vm" ] || kill "$vm" 2>/dev/null || true; rm -f $out/*.img' EXIT
boot() {
	local rc=0
	: >$out/out.new
	timeout --foreground -k 5 "$1" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2G \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$debian/vmlinuz" -initrd "$debian/initrd.img" \
		-append "root=/dev/vda rw console=ttyS0 panic=-1 oops=panic systemd.run=/mnt/debs-inside systemd.run_success_action=none systemd.run_failure_action=none systemd.default_timeout_start_sec=1200" \
		-drive file=$out/root.img,format=raw,if=virtio,cache=unsafe -drive file=$out/disk.img,format=raw,if=virtio,cache=unsafe \
		-serial file:$out/console.new -serial file:$out/out.new </dev/null &
	vm=$!
	tail -n +1 -f -s 0.5 --pid="$vm" $out/out.new | stdbuf -oL tr -d '\r' | tee -a $out/out.log
	wait "$vm" || rc=$?
	vm=
	cat $out/console.new >>$out/console.log
	rm $out/{console,out}.new
	return $rc
}

# Of a test of the module how many cases passed, of the rest every word. Noise: how
# long it took, and how far apt is.
session() {
	awk '
		function tell() {
			if (tests)
				printf "%-20s %d passed, %d failed, %d skipped\n", name, passed, failed, skipped
		}
		/^@@ log/ { tell(); name = ""; next }
		/^@@ run/ {
			name = $3
			phase = name ~ /^(install|use|upgrade|remove|purge)$/
			tests = !phase
			passed = failed = skipped = 0
			if (phase || !told)
				printf "\n== %s\n", phase ? name : "test"
			told = tests
			next
		}
		name == "" { next }
		tests && /^(not )?ok.*# SKIP/ { skipped++; next }
		tests && /^ok/ { passed++ }
		tests && /^not ok/ { failed++ }
		tests || !/^(# |ok |not ok )/ || /^# (Get:|Reading|Building dep|\(Reading|debconf:|Need to|Fetched|Preparing|Selecting)/ { next }
		{ sub(/^ok [0-9]+ /, "ok "); sub(/^# /, "  "); gsub(/\.\.\.+/, "..."); sub(/ +$/, ""); print }' $out/out.log
}

status=0
boot 3600
boot 7200 || status=$?
session >$out/session.txt
[ $status = 0 ] && grep -q '^@@ done' $out/out.log
