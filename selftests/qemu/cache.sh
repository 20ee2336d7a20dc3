#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cache.sh stock|source    print the folder of one thing the build needs, fetching it first if need be
#
# Everything is a Debian package, downloaded and checked by apt, unpacked below
# the cache folder and never installed. A folder's name carries the package
# version, and it is renamed into place when complete: an interrupted run
# leaves nothing that looks finished.
#
#   stock    the kernel that Debian 12 boots in the cloud:
#              vmlinuz    for QEMU
#              build      its headers, for KDIR=
#              busybox    statically linked, the guest's user space
#   source   from that kernel's source package:
#              scripts/   checkpatch.pl, kernel-doc
#              tools/testing/selftests/   kselftest.h, kselftest_harness.h
set -euo pipefail

series=6.1
layout=1	# count up when the contents of a folder change
cache=${XDG_CACHE_HOME:-${HOME:-$PWD/build}/.cache}/mailbox
what=${1:?usage: cache.sh stock|source}

say() { echo "cache: $*" >&2; }

apt_quietly() { apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 "$@" >&2; }

refresh_lists() {
	[ "$(id -u)" = 0 ] || return 0
	say "apt-get update"
	apt_quietly update || say "it failed; going on with the lists there are"
}

# The newest version of a package within the series; nothing if apt knows none.
newest() {
	apt-cache madison "$1" 2>/dev/null |
		awk -F'|' -v s="$series." '{ gsub(/ /, "", $2) } !v && index($2, s) == 1 { v = $2 } END { print v }'
}

# download_and_unpack PACKAGE[=VERSION]...    into the current folder
download_and_unpack() {
	say "fetching $*"
	apt_quietly download "$@"
	local deb
	for deb in ./*.deb; do
		dpkg-deb -x "$deb" .
		rm "$deb"
	done
}

make_stock() {
	local version=$1 dest=$2 abi common
	abi=$(apt-cache show "linux-image-cloud-amd64=$version" | sed -n 's/^Depends: linux-image-\([^ ,]*\).*/\1/p')
	common=${abi%-cloud-amd64}-common
	download_and_unpack "linux-image-$abi=$version" "linux-headers-$abi=$version" \
		"linux-headers-$common=$version" "linux-kbuild-$series=$version" busybox-static
	mv "boot/vmlinuz-$abi" vmlinuz
	mv bin/busybox busybox
	ln -s "usr/src/linux-headers-$abi" build
	# the one absolute path in the headers: where the common part is
	sed -i "s#/usr/src/#$dest/usr/src/#" build/Makefile
	rm -rf boot bin etc lib/modules usr/share
}

make_source() {
	local version=$1
	say "fetching linux-source-$series=$version"
	apt_quietly download "linux-source-$series=$version"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
		tar -xJ --strip-components=1 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch' \
			'*/scripts/kernel-doc' '*/tools/testing/selftests/kselftest*.h'
	rm ./*.deb
}

case $what in
stock) package=linux-image-cloud-amd64 ;;
source) package=linux-source-$series ;;
*) say "unknown: $what"; exit 2 ;;
esac

mkdir -p "$cache"
cache=$(realpath "$cache")
exec 9>"$cache/.lock"
flock 9		# two makes at once: the second waits and finds it done
rm -rf "$cache"/.new.*	# of a run that was killed

version=$(newest "$package")
dir=$cache/$what-$version.$layout
if [ ! -d "$dir" ]; then
	# Lists that are missing or out of date name packages the mirror no longer has.
	refresh_lists
	version=$(newest "$package")
	dir=$cache/$what-$version.$layout
fi
if [ -z "$version" ]; then
	# apt cannot say (no network, not root): what was fetched before will do
	dir=$(find "$cache" -maxdepth 1 -name "$what-?*.$layout" | sort -V | tail -n 1)
	[ -n "$dir" ] || { say "apt knows no $package $series: is this Debian 12, and 'apt-get update' done?"; exit 1; }
fi
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$cache/.new.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	cd "$tmp"
	"make_$what" "$version" "$dir"
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
fi
echo "$dir"
