#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm.sh [options] -c COMMAND FILE...    boot a kernel in QEMU and run COMMAND in it
#
# The guest is an uncompressed initramfs: a static busybox, the FILEs (in /t, or
# elsewhere if given as SOURCE:/PLACE) and init, which see. COMMAND is a line
# of shell, run in /t by root. Its output comes out here, live; the kernel's log
# goes to console.log and nothing of it is seen.
#
#   -k DIR    folder with vmlinuz and busybox, from cache.sh
#   -o DIR    keep console.log and out.log there
#   -t SECS   give up after so long (120)
#   -a ARGS   more for the kernel's command line
#   -m MODEL  of the processors (max)
#   -n        one CPU whose clock counts instructions, one for a nanosecond:
#             figures that are the same on every machine (without: two CPUs)
#   -i        interactive: COMMAND gets the terminal
#   -p        perl in the guest, as it is on this machine
#   -P        python3 likewise, with the modules that ctypes, select, signal and threading take
#
# Exit status: COMMAND's, or 124 after a time-out, or 125 when the guest ended
# without saying how COMMAND did (a panic).
set -euo pipefail

here=$(dirname "$(realpath "$0")")
kernel='' out='' seconds=120 cpus=(-accel 'tcg,thread=multi' -smp 2) kernel_args='' command='' interactive='' perl='' python='' model=max
while getopts k:o:t:a:c:m:nipP option; do
	case $option in
	k) kernel=$OPTARG ;;
	o) out=$OPTARG ;;
	t) seconds=$OPTARG ;;
	m) model=$OPTARG ;;
	n) cpus=(-accel 'tcg,thread=single' -icount 'shift=0,sleep=off' -smp 1) ;;
	a) kernel_args=$OPTARG ;;
	c) command=$OPTARG ;;
	i) interactive=1 ;;
	p) perl=1 ;;
	P) python=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

tmp=$(mktemp -d)
vm=
trap '[ -z "$vm" ] || kill "$vm" 2>/dev/null; rm -rf "$tmp"' EXIT
out=${out:-$tmp}
mkdir -p "$out"
rm -f "$out"/{console,out}.log
: >"$out/out.log"
: >"$tmp/status"

# --- what the guest finds
root=$tmp/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,t,etc}
cp "$kernel/busybox" "$root/bin/busybox"
install -m 755 "$here/init" "$root/init"
printf '%s\n' 'root:x:0:0::/tmp:/bin/sh' 'alice:x:1000:1000::/tmp:/bin/sh' 'bob:x:1001:1001::/tmp:/bin/sh' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'alice:x:1000:' 'bob:x:1001:' >"$root/etc/group"

add() {	# add SOURCE PLACE
	mkdir -p "$root$(dirname "$2")"
	cp -aL "$1" "$root$2"
}
for file; do
	case $file in
	*:/*) add "${file%%:/*}" "/${file#*:/}" ;;
	*)
		place=/t/$(basename "$file")
		if [ -e "$root$place" ] && ! cmp -s "$file" "$root$place"; then
			echo "vm.sh: two files that are called $place; if one of them is old: make clean" >&2
			exit 2
		fi
		add "$file" "$place"
		;;
	esac
done
if [ "$perl" ]; then
	# perl, its own modules, the libraries it links and the loader
	for file in /usr/bin/perl $(ldd /usr/bin/perl | grep -o '/[^ ]*') /usr/lib/*-linux-gnu/perl-base; do
		add "$file" "$file"
	done
fi
if [ "$python" ]; then
	# the interpreter, what it has loaded when it has imported these, and the libraries of all that
	add /usr/bin/python3 /usr/bin/python3
	/usr/bin/python3 -I -c 'import contextlib, ctypes, errno, os, select, signal, sys, threading, time
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print(module.__file__)' | while read -r file; do
		for part in "$file" $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
			add "$part" "$part"
		done
	done
	for file in $(ldd /usr/bin/python3 | grep -o '/[^ ]*'); do
		add "$file" "$file"
	done
fi
add /lib/terminfo /lib/terminfo	# for `mailbox top`: Debian's ncurses-base, which is essential
printf '%s\n' "$command" >"$root/t/.cmd"
if [ "$interactive" ]; then
	read -r rows cols < <(stty size)
	echo "${TERM:-linux} $rows $cols" >"$root/t/.terminal"
fi
(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$tmp/initramfs"

# --- run it
qemu=(qemu-system-x86_64 "${cpus[@]}" -cpu "$model" -m 1G
	-nodefaults -no-user-config -display none -no-reboot
	-kernel "$kernel/vmlinuz" -initrd "$tmp/initramfs"
	-append "console=ttyS0 panic=-1 oops=panic loglevel=7 log_buf_len=4M $kernel_args"
	-serial "file:$out/console.log"
	-serial "$([ "$interactive" ] && echo mon:stdio || echo "file:$out/out.log")"
	-serial "file:$tmp/status")
rc=0
if [ "$interactive" ]; then
	"${qemu[@]}" || rc=$?
else
	timeout --foreground -k 5 "$seconds" "${qemu[@]}" </dev/null 2>"$tmp/qemu.err" &
	vm=$!
	tail -n +1 -f -s 0.2 --pid="$vm" "$out/out.log"
	wait "$vm" || rc=$?
	vm=
	case $rc in
	0) ;;
	124 | 137) exit 124 ;;
	*) cat "$tmp/qemu.err" >&2 ;;
	esac
fi
status=$(tr -d '\r\n' <"$tmp/status")
exit "${status:-125}"
