#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cross.sh ARM64-KERNEL-DIR    build for machines that are not here: warning-free, and of the right kind. Prints TAP.
set -euo pipefail

kernel=$1
export PATH=$kernel/usr/bin:$PATH LD_LIBRARY_PATH=$kernel/usr/lib/x86_64-linux-gnu
build=$PWD/build
declare -i n=0

result() {	# result NAME FILE PATTERN, after a build that left its log in build/cross.log
	n+=1
	if [ ! -s "$build/cross.log" ] && readelf -h "$2" | grep -q "$3"; then
		echo "ok $n $1"
	else
		sed 's/^/# /' "$build/cross.log"
		echo "not ok $n $1"
	fi
}

library() {	# library OUT CC AR CFLAGS
	mkdir -p "$1"
	make -s -C userlib OUT="$1" CC="$2" AR="$3" CFLAGS="$4" "$1/libmailbox.so.0" "$1/libmailbox.a" >"$build/cross.log" 2>&1 || true
}

echo 1..3
mkdir -p "$build/arm64/userlib"
cp -rsf "$PWD"/{Kbuild,module,uapi} "$build/arm64"
find "$build/arm64" -xtype l -delete
selftests/qemu/kbuild.sh "$kernel/build" build/arm64 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- KCFLAGS=-Werror \
	>"$build/cross.log" 2>&1 || echo "make failed" >>"$build/cross.log"
result 'the module for arm64' "$build/arm64/mailbox_dev.ko" 'Machine: *AArch64'
library "$build/arm64/userlib" aarch64-linux-gnu-gcc aarch64-linux-gnu-ar '-O2 -g'
result 'the library for arm64' "$build/arm64/userlib/libmailbox.so.0" 'Machine: *AArch64'
library "$build/i386/userlib" 'gcc -m32' ar '-O2 -g'
result 'the library for 32-bit x86' "$build/i386/userlib/libmailbox.so.0" 'Machine: *Intel 80386'
