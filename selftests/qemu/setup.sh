#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh WHAT    see to it that the Debian packages are there that WHAT takes; quick when they are
#
#   run      building and booting
#   check    all tests, but for
#   kernel   building a test kernel
#   upstream the project in a kernel tree
#   newest   getting the newest kernel
#   build    the library and the tool, for `make install`
#   deb      packages, and a system to try them in
#   model    the model of the slot protocol
#   picture  drawing the architecture
#   bench    the peers of `make bench-ring`, and its plots
#
# Kernels and headers are not among them: cache.sh unpacks those, nothing installs them.
set -euo pipefail

packages=(make gcc libc6-dev libelf1 libjansson-dev libncurses-dev cpio xz-utils qemu-system-x86)
case ${1:-check} in
run) ;;
check) packages+=(gcc-multilib g++ clang libclang-rt-14-dev pkgconf sparse shellcheck perl liburing-dev mandoc bsdextrautils python3 bash-completion zsh) ;;
kernel) packages=(make gcc libc6-dev xz-utils perl flex bison bc libelf-dev) ;;
upstream) packages+=(make gcc libc6-dev gcc-multilib xz-utils perl flex bison bc libelf-dev rsync unifdef python3) ;;
newest) packages=(mmdebstrap) ;;
build) packages=(make gcc libc6-dev libelf1 libjansson-dev libncurses-dev) ;;
deb) packages+=(dpkg-dev debhelper dh-dkms dh-python fakeroot lintian mmdebstrap e2fsprogs) ;;
model) packages=(make gcc libc6-dev spin) ;;
picture) packages=(make graphviz) ;;
bench) packages=(make gcc g++ libc6-dev pkgconf libboost-dev libck-dev libdpdk-dev gnuplot-nox) ;;
*) echo "usage: setup.sh run|check|kernel|upstream|newest|build|deb|model|picture|bench" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
	[[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# --no-remove: rather fail than take something away from whoever uses this machine.
# The time-out: another checkout may be installing.
install="apt-get install -y -o DPkg::Lock::Timeout=600 --no-remove --no-install-recommends ${missing[*]}"
if [ "$(id -u)" != 0 ]; then
	echo "Some packages are missing. As root, run this and try again:" >&2
	echo "  apt-get update && $install" >&2
	exit 1
fi
echo "setup: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get -q update && $install; } >"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	exit 1
fi
