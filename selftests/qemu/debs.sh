#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# debs.sh DEBIAN-DIR DEB-DIR PROGRAM...    the packages' life in a machine with Debian, as TAP
#
# Installed, booted, tested, purged: see debs-inside, which runs in the machine. The
# folders are those of `cache.sh debian` and `make deb`. What was said there, apt and
# dkms included, stays in build/deb-test/out.log.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
debian=$1 debs=$2
shift 2
out=build/deb-test
rm -rf $out
mkdir -p $out/disk/{debs,t}
: >$out/out.log

# The second disk: packages and tests. The first: a copy of the file system.
# There is no Python in that system, nor need for symbols.
cp "$debs"/{mailbox,libmailbox}*.deb $out/disk/debs
rm -f $out/disk/debs/*-dbgsym_*
cp -L build/selftests/* build/userlib/live/* $out/disk/t
cp "$here/debs-inside" $out/disk
cp userlib/examples/priority.c $out/disk
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
		-append "root=/dev/vda rw console=ttyS0 panic=-1 oops=panic systemd.run=/mnt/debs-inside systemd.run_success_action=none systemd.run_failure_action=none" \
		-drive file=$out/root.img,format=raw,if=virtio -drive file=$out/disk.img,format=raw,if=virtio \
		-serial file:$out/console.new -serial file:$out/out.new </dev/null &
	vm=$!
	tail -n +1 -f -s 0.5 --pid="$vm" $out/out.new | stdbuf -oL tr -d '\r' | tee -a $out/out.log
	wait "$vm" || rc=$?
	vm=
	cat $out/console.new >>$out/console.log
	rm $out/{console,out}.new
	return $rc
}

boot 1200
boot 3600
grep -q '^@@ done' $out/out.log
