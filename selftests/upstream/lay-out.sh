#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lay-out.sh TREE    put the project into a kernel source tree, as the kernel would carry it
#
# Files whose contents have not changed keep their time, so that a second build is quick.
# What the tree has of its own is added to once. Differences between kernels (compat.h)
# are resolved for this one.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
here=selftests/upstream tree=$1

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
driver=$new/drivers/misc/mailbox tests=$new/tools/testing/selftests/mailbox
mkdir -p "$driver/tests" "$tests" "$new/include/uapi/linux" "$new/Documentation/userspace-api"

cp module/*.[ch] "$driver"
cp module/tests/*.[ch] "$driver/tests"
cp $here/Kconfig "$driver"
cp $here/kunitconfig "$driver/tests/.kunitconfig"
cp uapi/linux/*.h "$new/include/uapi/linux"
cp selftests/mailbox/*.{c,h,sh} $here/settings "$tests"
cp $here/Makefile.selftests "$tests/Makefile"
cp $here/mailbox.rst "$new/Documentation/userspace-api"

# The lists of objects are those of Kbuild.
perl -0pe 's/^# Plain obj-m.*\n//m; s/^# KUnit suites, .*\n//m; s/^(ifneq|endif).*\n//mg;
	s/obj-m\s+:= /obj-\$(CONFIG_MAILBOX_DEV) += /; s/obj-m \+= /obj-\$(CONFIG_MAILBOX_DEV_KUNIT_TEST) += /;
	s{\$\(addprefix module/(\S*),((?:[^)])*)\)}{join " \\\n\t\t   ", map { "$1$_" } grep { !/\\/ } split " ", $2}ge;
	s/^ccflags-y := .*/ccflags-y := -I\$(srctree)\/\$(src) -include \$(srctree)\/\$(src)\/compat.h/m' Kbuild >"$driver/Makefile"

version=$(make -s -C "$tree" kernelversion)
number() { echo $((($1 << 16) + ($2 << 8))); }
IFS=.- read -r major minor _ <<<"$version"
perl -pe 's/KERNEL_VERSION\((\d+), (\d+), \d+\)/($1 << 16) + ($2 << 8)/e' module/compat.h |
	unifdef -k -DLINUX_VERSION_CODE="$(number "$major" "$minor")" |
	sed -e '/linux\/version.h/d' -e 's/every difference between the kernels.*/what stands in front of each file, and small things that/' \
		-e 's/ \* newest packaged one. Included in front of each file.$/ * differ from kernel to kernel./' \
		>"$driver/compat.h" || [ $? = 1 ]	# unifdef: it made a difference
rsync -rc "$new/" "$tree/"

# once FILE WHAT: do so unless it is there
once() { grep -qF -- "$2" "$tree/$1" || perl -0pi -e "$3" "$tree/$1"; }
once drivers/misc/Kconfig drivers/misc/mailbox/Kconfig 's{^endmenu}{source "drivers/misc/mailbox/Kconfig"\nendmenu}m'
once drivers/misc/Makefile 'mailbox/' 's{\z}{obj-y\t\t\t\t+= mailbox/\n}'
# shellcheck disable=SC2016	# perl's own
once tools/testing/selftests/Makefile 'TARGETS += mailbox' 's{^(TARGETS \+= membarrier)}{TARGETS += mailbox\n$1}m'
once Documentation/userspace-api/index.rst '   mailbox' 's{^   media/index}{   mailbox\n   media/index}m'
# shellcheck disable=SC2016	# perl's own
once Documentation/userspace-api/ioctl/ioctl-number.rst 'uapi/linux/mailbox.h' \
	's{^(0xC0 )}{0xBB  00-1F  uapi/linux/mailbox.h\n$1}m'
entry=$here/MAINTAINERS
grep -q '^MAILBOX PORTS' "$tree/MAINTAINERS" ||
	sed -i -e "/^MANAGEMENT COMPONENT TRANSPORT/{
		r $entry
		N
	}" "$tree/MAINTAINERS"
