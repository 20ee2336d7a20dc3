#!/bin/bash
# SPDX-License-Identifier: MIT
# deb.sh OUT [VERSION]    the Debian packages, from what is needed of this tree, into the folder OUT
#
# What was said meanwhile is in OUT/log; lintian has the last word. With VERSION they only
# say that they are of that one, to have something to upgrade to.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(realpath "$1")
version=$(sed -n 's/^.define MAILBOX_VERSION "\(.*\)"/\1/p' userlib/include/mailbox.h)
tree=$out/mailbox-$version

rm -rf "$tree" "$out"/*.{deb,buildinfo,changes}
mkdir "$tree"
cp -r Kbuild COPYING module uapi userlib "$tree"
mv "$tree/userlib/packaging/debian" "$tree"
if [ $# != 1 ]; then
	version=$2
	sed -i "s/^\(.define MAILBOX_VERSION \).*/\1\"$version\"/" "$tree/userlib/include/mailbox.h"
	sed -i "1s/(.*)/($version)/" "$tree/debian/changelog"
fi
said=$(cd "$tree" && dpkg-parsechangelog -S Version)
if [ "$said" != "$version" ]; then
	echo "debian/changelog is of version $said, <mailbox.h> of $version" >&2
	exit 1
fi
if ! (cd "$tree" && dpkg-buildpackage -us -uc -b) >"$out/log" 2>&1; then
	tail -n 30 "$out/log" >&2
	exit 1
fi
[ $# = 1 ] || exit 0
lintian --allow-root --display-info --tag-display-limit 0 --fail-on error,warning,info "$out"/*.changes
(cd "$out" && ls -s -h ./*.deb)
