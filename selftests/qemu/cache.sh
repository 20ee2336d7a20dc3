#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cache.sh WHAT    print the folder of one thing the build needs, making it first if need be
#
# Everything is a Debian package, downloaded and checked by apt, unpacked below
# the cache folder and never installed. A folder's name carries the package
# version, and it is renamed into place when complete: an interrupted run
# leaves nothing that looks finished. When a new version is there, older ones go
# that nobody asked for in a week: another checkout may build for one of them.
#
#   stock    the kernel that Debian 12 boots in the cloud:
#              vmlinuz    for QEMU
#              build      its headers, for KDIR=
#              busybox    statically linked, the guest's user space
#   6.12     likewise, the newer kernel that Debian 12 has
#   newest   likewise, the newest kernel packaged for Debian 13, and
#              chroot     of that system what builds a module
#   arm64    build     the headers of stock for that machine
#              usr        with its compiler: see cross.sh
#   queues   of Debian 12     programs that use POSIX message queues: see queues.sh
#              usr/bin    stress-ng, pmqtest
#              usr/lib    what they link that is not on this machine
#   source   from the stock kernel's source package:
#              scripts/   checkpatch.pl, kernel-doc
#              tools/testing/selftests/   kselftest.h, kselftest_harness.h
#   linux    linux.tar.xz of the same package, all of that source
#   debian   a small Debian 12 with its kernel for the cloud, and with what dkms takes to build for it:
#              vmlinuz initrd.img image    the last one is its file system, to be copied
#   kasan    a kernel with the checkers of kernels/kasan.config, built from that
#            source (ten minutes); the folder looks like that of stock
#   kcsan    the same with those of kernels/kcsan.config
set -euo pipefail

series=6.1
layout=1	# count up when the contents of a folder change
cache=${XDG_CACHE_HOME:-${HOME:-$PWD/build}/.cache}/mailbox
what=${1:?usage: cache.sh stock|6.12|newest|arm64|queues|source|linux|debian|kasan|kcsan}
here=$(dirname "$(realpath "$0")")

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

# What the meta package stands for: 6.1.0-56-cloud-amd64
abi_of() { apt-cache show "$package=$1" | sed -n 's/^Depends: linux-image-\([^ ,]*\).*/\1/p'; }

# unpack_headers VERSION DEST ABI [PACKAGE...]    with what they take, for use in DEST
unpack_headers() {
	local version=$1 dest=$2 abi=$3 common kbuild
	common=${abi%-cloud-*}-common
	kbuild=$(apt-cache show "linux-headers-${abi/arm64/amd64}=$version" |
		sed -n 's/^Depends:.*\(linux-kbuild-[^ ,]*\).*/\1/p')
	# Of linux-kbuild the archive keeps the newest alone, which may be ahead of the rest.
	download_and_unpack "linux-headers-$abi=$version" "linux-headers-$common=$version" "$kbuild" "${@:4}"
	ln -s "usr/src/linux-headers-$abi" build
	# the one absolute path in the headers: where the common part is
	sed -i "s#/usr/src/#$dest/usr/src/#" build/Makefile
}

make_packaged() {
	local version=$1 dest=$2 abi
	abi=$(abi_of "$version")
	unpack_headers "$version" "$dest" "$abi" "linux-image-$abi=$version" busybox-static
	mv "boot/vmlinuz-$abi" vmlinuz
	mv bin/busybox busybox
	rm -rf boot bin etc lib/modules usr/share
}

# The headers are of another architecture: apt is asked with a state of its own,
# what they take of this machine's has the same version.
make_arm64() {
	local version=$1 dest=$2 state=$PWD/.apt
	mkdir -p "$state"/{lists,archives}/partial
	# shellcheck disable=SC2016	# apt's own
	apt-get indextargets --format 'deb [arch=amd64,arm64] $(REPO_URI) $(CODENAME) main' 'Created-By: Packages' |
		sort -u >"$state/sources.list"
	cat >"$state/apt.conf" <<-X
		APT::Architectures { "amd64"; "arm64"; };
		Acquire::Languages "none";
		Dir::State::Lists "$state/lists";
		Dir::Cache "$state";
		Dir::Etc::SourceList "$state/sources.list";
		Dir::Etc::SourceParts "/dev/null";
	X
	export APT_CONFIG=$state/apt.conf
	say "apt-get update"
	apt_quietly update
	# Installing the compiler would remove gcc-multilib, which other tests take.
	unpack_headers "$version" "$dest" "$(abi_of "$version" | sed 's/amd64/arm64/')" \
		{gcc,cpp}-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libgcc-12-dev-arm64-cross \
		libgcc-s1-arm64-cross {libc6,libc6-dev,linux-libc-dev}-arm64-cross
	ln -s aarch64-linux-gnu-gcc-12 usr/bin/aarch64-linux-gnu-gcc
	# a script of the linker: where its libraries are
	sed -i "s#/usr/aarch64#$dest&#g" usr/aarch64-linux-gnu/lib/libc.so
	rm -rf "$state" lib usr/share
}

debian_mirror() {
	# shellcheck disable=SC2016	# apt's own
	apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | sed -n 1p
}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# All that the packages depend on is in there: the machine has no network.
make_debian() {
	"$here/setup.sh" deb >&2
	say "unpacking Debian 12 with dkms: this takes some minutes, once"
	# shellcheck disable=SC2016	# for the inner shell
	nice mmdebstrap --quiet --mode=root --variant=minbase \
		--include=systemd-sysv,udev,kmod,initramfs-tools,linux-image-cloud-amd64,linux-headers-cloud-amd64 \
		--include=dkms,busybox-static,libc6-dev,libjansson4,libncurses6,pkgconf,bash-completion,adduser,python3,man-db,rt-tests \
		--customize-hook='printf "/dev/vda / ext4 defaults 0 1\n/dev/vdb /mnt ext4 defaults 0 2\n" >"$1/etc/fstab"' \
		--customize-hook='echo mailbox >"$1/etc/hostname"; rm -rf "$1"/var/lib/apt/lists/*' \
		--customize-hook='chroot "$1" useradd -m alice && chroot "$1" useradd -m bob' \
		bookworm root "deb [signed-by=$keyring] $(debian_mirror) bookworm main" >&2 </dev/null
	cp root/boot/vmlinuz-* vmlinuz
	cp root/boot/initrd.img-* initrd.img
	PATH=$PATH:/sbin mke2fs -q -t ext4 -d root image 4G >&2
	rm -rf root
}

# The headers take a compiler and a C library that this system does not have.
make_newest() {
	local mirror
	mirror=$(debian_mirror)
	"$here/setup.sh" newest >&2
	download_and_unpack busybox-static
	mv bin/busybox busybox
	rm -rf bin usr
	say "unpacking Debian 13 and its newest kernel"
	# shellcheck disable=SC2016	# for the inner shell
	nice mmdebstrap --quiet --mode=root --variant=apt --include=make,gcc-14,linux-headers-cloud-amd64/trixie-backports \
		--customize-hook='cd "$1" && chroot . apt-get -qq -o APT::Sandbox::User=root download "linux-binary-$(ls usr/lib/modules)"' \
		trixie chroot "deb [signed-by=$keyring] $mirror trixie main" \
		"deb [signed-by=$keyring] $mirror trixie-backports main" >&2 </dev/null
	mkdir image
	dpkg-deb -x chroot/*.deb image
	find image -name 'vmlinuz*' -exec mv {} vmlinuz \;
	rm -rf image chroot/*.deb chroot/var/lib/apt/lists/* chroot/usr/share/{doc,locale,man}
	# shellcheck disable=SC2016	# dpkg's own
	version=$(chroot chroot dpkg-query -W -f '${Version}' linux-headers-cloud-amd64)
	ln -s chroot/usr/src/linux-headers-*-cloud-amd64 build
}

# apt says what would have to be installed for them.
make_queues() {
	local version=$1 libraries
	libraries=$(apt-get -qq -s --no-install-recommends install "stress-ng=$version" rt-tests | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p')
	# shellcheck disable=SC2086	# one word for each
	download_and_unpack "stress-ng=$version" rt-tests $libraries
	find usr -mindepth 1 -maxdepth 1 ! -name bin ! -name lib -exec rm -rf {} +
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

make_linux() {
	local version=$1
	say "fetching linux-source-$series=$version"
	apt_quietly download "linux-source-$series=$version"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" >linux.tar.xz
	rm ./*.deb
}

make_test_kernel() {
	local version=$1
	"$here/setup.sh" kernel >&2
	download_and_unpack busybox-static
	mv bin/busybox busybox
	rm -rf bin usr
	say "fetching linux-source-$series=$version"
	apt_quietly download "linux-source-$series=$version"
	mkdir build
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
		tar -xJ -C build --strip-components=1
	rm ./*.deb
	say "building the $what kernel: this takes about ten minutes, once"
	(cd build && "$here/kernels/build.sh" "${fragments[@]}")
	mv build/arch/x86/boot/bzImage vmlinuz
}

recipe=make_$what key=$layout
case $what in
stock) package=linux-image-cloud-amd64 recipe=make_packaged ;;
6.12) package=linux-image-6.12-cloud-amd64 recipe=make_packaged series=6.12 ;;
arm64) package=linux-image-cloud-amd64 ;;
queues) package=stress-ng series=0.15 ;;
debian)
	package=linux-image-cloud-amd64 key=$layout.1
	[ "$(id -u)" = 0 ] || { say "SKIP: a file system that belongs to root takes root"; exit 4; }
	;;
newest)
	package=''
	[ "$(id -u)" = 0 ] || { say "SKIP: what builds for the newest kernel is a chroot, which takes root"; exit 4; }
	;;
source | linux) package=linux-source-$series ;;
kasan | kcsan)
	package=linux-source-$series recipe=make_test_kernel
	fragments=("$here"/kernels/{base,debug,"$what"}.config)
	# a module must be built by the compiler that built the kernel
	key=$layout.$({ gcc --version; cat "${fragments[@]}"; } | sha256sum | head -c 8)
	;;
*) say "unknown: $what"; exit 2 ;;
esac

mkdir -p "$cache"
cache=$(realpath "$cache")
exec 9>"$cache/.lock.$what"
flock 9		# two makes at once: the second waits and finds it done
rm -rf "$cache/.new.$what".*	# of a run that was killed

if [ "$what" = newest ]; then
	# Its version is known once it is there; looked for anew after a month.
	version=unknown
	dir=$(find "$cache" -maxdepth 1 -name "$what-?*.$key" -mtime -30 | sort -V | tail -n 1)
	: "${dir:=$cache/$what-$version.$key}"
else
	version=$(newest "$package")
	dir=$cache/$what-$version.$key
fi
if [ ! -d "$dir" ] && [ "$version" != unknown ]; then
	# Lists that are missing or out of date name packages the mirror no longer has.
	refresh_lists
	version=$(newest "$package")
	dir=$cache/$what-$version.$key
fi
if [ -z "$version" ]; then
	# apt cannot say (no network, not root): what was fetched before will do
	dir=$(find "$cache" -maxdepth 1 -name "$what-?*.$key" | sort -V | tail -n 1)
	[ -n "$dir" ] || { say "apt knows no $package $series: is this Debian 12, and 'apt-get update' done?"; exit 1; }
fi
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$cache/.new.$what.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	cd "$tmp"
	"$recipe" "$version" "$dir"
	dir=$cache/$what-$version.$key
	chmod 755 "$tmp"
	rm -rf "$dir"
	mv "$tmp" "$dir"
	for old in "$cache/$what"-*; do
		if [ "$old" != "$dir" ] && [ -z "$(find "$old" -maxdepth 1 -mtime -7 -print -quit)" ]; then
			say "removing ${old##*/}, which is out of use"
			rm -rf "$old"
		fi
	done
fi
touch "$dir/.used"
echo "$dir"
