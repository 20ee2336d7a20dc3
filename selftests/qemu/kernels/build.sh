#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# build.sh FRAGMENT...    build a test kernel from the kernel source in the current folder
#
# What is in no FRAGMENT is off. Afterwards the folder is good for KDIR=, and
# arch/x86/boot/bzImage boots; all else is removed: 40 MB remain of 2 GB.
set -euo pipefail

fragments=("$@")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export KBUILD_BUILD_USER=mailbox KBUILD_BUILD_HOST=cache

# make, quiet unless it fails
quietly() {
	nice make -s -j"$(nproc)" KCFLAGS=-w "$@" >"$log" 2>&1 </dev/null || { tail -n 40 "$log" >&2; exit 1; }
}

cat "${fragments[@]}" >.fragments
quietly KCONFIG_ALLCONFIG=.fragments allnoconfig
# Kconfig drops without a word what it does not know or what lacks something
# else. A checker that is not there finds nothing, so that must not pass.
if missing=$(grep '^CONFIG_' .fragments | grep -vxFf .config); then
	echo "these did not take: ${missing//$'\n'/ }" >&2
	exit 1
fi
quietly bzImage modules

find . -mindepth 1 -maxdepth 1 ! -name arch ! -name include ! -name scripts ! -name tools \
	! -name Makefile ! -name Module.symvers ! -name .config -exec rm -rf {} +
find arch -mindepth 1 -maxdepth 1 ! -name x86 -exec rm -rf {} +
find tools -type f ! -path tools/objtool/objtool -delete
find arch scripts tools \( -name '*.[oa]' -o -name '*.c' -o -name '*.cmd' -o -name vmlinux -o -name 'vmlinux.bin*' \) \
	! -path 'scripts/mod/*' -delete
find tools -type d -empty -delete
