#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kbuild.sh KERNEL-TREE DIR ARG...    make the modules in DIR, a folder below this one, for a kernel
#
# For a kernel newer than this Debian, cache.sh keeps the system that builds for
# it in a folder called chroot; then make runs in there, and sees of this system
# the current folder alone. Its mounts end with it.
#
# A warning about our sources, by the compiler or by objtool, is an error.
set -euo pipefail

tree=$(realpath "$1") dir=$(realpath "$2")
shift 2
# Packaged headers bring no vmlinux to take type information from.
args=(-s "M=$dir" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules)
root=${tree%/usr/src/*}

build() {
	if [[ $root != */chroot ]]; then
		make -C "$tree" "${args[@]}"
		return
	fi
	# shellcheck disable=SC2016	# for the inner shell
	unshare --mount bash -euc '
		root=$1 here=$2
		shift 2
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mkdir -p "$root$here"
		mount --bind "$here" "$root$here"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 chroot "$root" make -C "$@"
	' bash "$root" "$PWD" "${tree#"$root"}" "${args[@]}"
}

said=$(mktemp)
trap 'rm -f "$said"' EXIT
# What it says on either stream goes on there.
{ build 2>&1 >&3 | tee "$said" >&2; } 3>&1
if grep -qE '(module|uapi)/[^ ]+ warning:' "$said"; then
	echo "kbuild: a module without warnings, please" >&2
	exit 1
fi
