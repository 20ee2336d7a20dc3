#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# upstream.sh TARBALL BUSYBOX    the project as part of a kernel tree: built and tested by that tree's own means
#
# In build/upstream: tree, the unpacked source with the project in it; x86, what is built
# from it; y and m, kernels with the project built in and as a module; kunit, what
# kunit.py builds. Prints TAP as run-tests does.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
here=$PWD/selftests/upstream qemu=$PWD/selftests/qemu out=$PWD/build/upstream
tarball=$1 busybox=$2 tree=$out/tree x86=$out/x86 driver=drivers/misc/mailbox

mkdir -p "$out"
if [ "$(cat "$out/.unpacked" 2>/dev/null)" != "$tarball" ]; then
	rm -rf "$out"
	mkdir -p "$tree"
	tar -xJf "$tarball" -C "$tree" --strip-components=1
	echo "$tarball" >"$out/.unpacked"
fi
"$here/lay-out.sh" "$tree"
# The kernel's own build leaves no file in its source, and wants none from another one.
kmake() { nice make -s -C "$tree" -j"$(nproc)" "$@" </dev/null; }

checkpatch() {
	# The types are those of `make lint`, which checks the tests as well.
	cd "$tree"
	# shellcheck disable=SC2046	# no name has a blank
	perl scripts/checkpatch.pl --strict --no-summary --terse --show-types --quiet \
		--ignore BIT_MACRO,MACRO_ARG_REUSE,CONSTANT_COMPARISON -f include/uapi/linux/mailbox*.h \
		$driver/Kconfig $driver/Makefile Documentation/userspace-api/mailbox.rst \
		$(find $driver -name '*.[ch]' ! -name trace.h)
	cd - >/dev/null
}

kernel_doc() {
	perl "$tree/scripts/kernel-doc" -none -Werror "$tree"/include/uapi/linux/mailbox*.h "$tree/$driver"/*.h
}

# build y|m    a kernel for the guest of the tests; the second time little is built anew
build() {
	mkdir -p "$x86" "$out/$1"
	{ cat "$qemu/kernels/base.config"; echo "CONFIG_MAILBOX_DEV=$1"; } >"$x86/fragments"
	kmake O="$x86" KCONFIG_ALLCONFIG="$x86/fragments" allnoconfig >/dev/null
	grep -qx "CONFIG_MAILBOX_DEV=$1" "$x86/.config" || { echo "CONFIG_MAILBOX_DEV=$1 did not take"; return 1; }
	kmake O="$x86" prepare
	kmake O="$x86" W=1 KCFLAGS=-Werror $driver/	# before the rest, whose warnings are its own
	kmake O="$x86" KCFLAGS=-w bzImage modules
	cp "$x86/arch/x86/boot/bzImage" "$out/$1/vmlinuz"
	cp "$busybox" "$out/$1/busybox"
}

build_y() { build y; }
build_m() { build m; }

selftests() {
	rm -rf "$out/kselftest"
	kmake O="$x86" headers
	kmake O="$x86" TARGETS=mailbox SKIP_TARGETS= INSTALL_PATH="$out/kselftest" kselftest-install >/dev/null
	cp "$x86/$driver/mailbox_dev.ko" "$out/kselftest/mailbox"
	tar -C "$out" -cf "$out/kselftest.tar" kselftest
}

suites() {
	# in QEMU: in User Mode Linux a bad address is the end, and there is one processor
	(cd "$tree" && nice ./tools/testing/kunit/kunit.py run --kunitconfig="$driver/tests/.kunitconfig" \
		--arch=x86_64 --build_dir="$out/kunit" --jobs="$(nproc)") >"$out/kunit.log" 2>&1 </dev/null ||
		{ tail -n 40 "$out/kunit.log"; return 1; }
	sed -n 's/.*\(Testing complete.*\)/## kunit.py: \1/p' "$out/kunit.log" >"$out/told"
}

declare -i n=0
step() {	# step NAME FUNCTION: fails if it says anything
	local said status=0 began=$SECONDS
	n+=1
	said=$("$2" 2>&1) || status=$?
	if [ $status = 0 ] && [ -z "$said" ]; then
		cat "$out/told" 2>/dev/null || true
		echo "## $((SECONDS - began)) s: $1"
		echo "ok $n $1"
	else
		echo "# ${said//$'\n'/$'\n# '}"
		echo "not ok $n $1"
	fi
	rm -f "$out/told"
}

boot() {	# boot y|m TEST...    what the guest says, but for its last word
	"$qemu/vm.sh" -k "$out/$1" -o "$out/$1" -t 1200 -c "exec sh ./run-upstream $*" \
		"$here/run-upstream" "$out/kselftest.tar" | grep -v '^@@ done'
}

echo "@@ run tree"
echo 1..6
step 'checkpatch has nothing to say' checkpatch
step 'the kernel-doc comments are complete' kernel_doc
step 'it builds into the kernel without a warning (W=1)' build_y
step 'it builds as a module without a warning (W=1)' build_m
step 'kselftest-install takes the tests' selftests
step 'the suites pass by kunit.py' suites
echo "@@ log tree 0"
boot y message abi control
boot m
echo "@@ done"
