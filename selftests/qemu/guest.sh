#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# guest.sh demo|shell|bench|scale KERNEL-DIR BUILD-DIR    boot the kernel and do that in it
set -euo pipefail

here=$(dirname "$0")
what=$1 kernel=$2 build=$3
shopt -s nullglob

# In the guest everything is in /t, which is on the PATH.
files=("$build/mailbox_dev.ko")
for program in build/userlib/mailbox build/userlib/examples/*; do
	[ ! -x "$program" ] || files+=("$program")
done
options=(-k "$kernel" -o "$build/$what")

case $what in
demo)
	color=0
	[ ! -t 1 ] || color=1
	version=$(basename "$(realpath "$kernel/build")")
	echo "Booting the stock kernel ${version#linux-headers-} in QEMU ..."
	exec "$here/vm.sh" "${options[@]}" -p -c "DEMO_COLOR=$color exec sh ./demo.sh" \
		"${files[@]}" "$here"/demo/* build/demo/*
	;;
shell)
	if ! [ -t 0 ] || ! [ -t 1 ]; then
		echo "a shell wants a terminal" >&2
		exit 1
	fi
	echo "booting ... (Ctrl-A X ends the virtual machine, whatever state it is in)"
	exec "$here/vm.sh" "${options[@]}" -p -i -c "insmod mailbox_dev.ko; ENV=/t/shell-hello sh -i; exit 0" \
		"${files[@]}" "$here/shell-hello" "$here"/demo/* build/selftests/*
	;;
bench)
	# One instruction of the guest is one nanosecond of its clock: what is
	# printed as ns are instructions, the same on every machine and every run.
	# A copy by `rep movs` counts one for each byte on the first processor, for each
	# eight on the second.
	csv=build/bench/kernel.csv
	echo "cpu,what,bytes,send,receive,both" >$csv
	for model in max qemu64; do
		echo "--- processor: $model"
		"$here/vm.sh" "${options[@]}" -t 600 -n -m $model -a 'mitigations=off audit=0' \
			-c "insmod mailbox_dev.ko && exec ./kernel-path --csv" "${files[@]}" build/bench/kernel-path |
			tee >(sed -n "s/^csv,\([^,]*,[0-9]\)/$model,\1/p" >>$csv) | grep -v '^csv,'
	done
	echo "$csv"
	;;
scale)
	csv=build/bench/scale.csv
	echo "question,there,what,unit,value" >$csv
	"$here/vm.sh" "${options[@]}" -t 1200 -n -a 'mitigations=off audit=0' \
		-c "insmod mailbox_dev.ko && exec ./scale --csv" "$build/mailbox_dev.ko" build/bench/scale |
		tee >(sed -n 's/^csv,//p' >>$csv) | grep -v '^csv,'
	echo "$csv"
	;;
esac
