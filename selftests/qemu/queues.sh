#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# queues.sh test|report KERNEL-DIR BUILD-DIR QUEUES-DIR    POSIX message queues, the kernel's own and on ports
#
# Dynamic programs, as they come: they go into the guest with the loader and the libraries
# that they link, from QUEUES-DIR (see cache.sh) or from this machine. In one boot:
#   conformance     our own test by the manual pages, on the kernel's queues
#   preloaded       the same binary on ports, by LD_PRELOAD
#   linked          the same source, linked with the shim
#   conformance32, preloaded32    the same with 32 bits, and 64-bit times
#   stress-ng       its --mq worker, on both
#   pmqtest         of rt-tests, on both
# `report` runs these two, and mq-cost, where the clock counts instructions, and shows all that they say.
set -euo pipefail

here=$(dirname "$0")
what=$1 kernel=$2 build=$3 queues=$4
out=$build/queues
mkdir -p "$out"
declare -A files
programs=(build/userlib/mq/{mq,mq-linked} "$queues/usr/bin/stress-ng" "$queues/usr/bin/pmqtest")
[ "$what" = test ] || programs+=(build/bench/mq-cost)
for program in "${programs[@]}"; do
	while read -r library; do
		case $library in
		*libmailbox*) ;;
		*/libc.so.6)	# which loads the other one for pthread_cancel()
			files[$library]=$library
			library=${library%/*}/libgcc_s.so.1
			files[$library]=$library
			;;
		"$queues"/*) files[$library]=/lib/x86_64-linux-gnu/${library##*/} ;;
		*) files[$library]=$library ;;
		esac
	done < <(LD_LIBRARY_PATH=$(echo "$queues"/usr/lib/*-linux-gnu) ldd "$program" | grep -o '/[^ ]*')
done
# With 32 bits: ldd would run the loader, and this machine may not run such programs.
for library in libc.so.6 libgcc_s.so.1; do
	files[$(gcc -m32 -print-file-name=$library)]=/lib32/$library
done
files[$(gcc -m32 -print-file-name=ld-linux.so.2)]=/lib/ld-linux.so.2
arguments=()
for file in "${!files[@]}"; do
	arguments+=("$file:${files[$file]}")
done
if [ "$what" = report ]; then
	exec "$here/vm.sh" -n -k "$kernel" -o "$out" -t 600 -a 'mitigations=off audit=0' \
		-c 'exec sh ./report.sh' "$build/mailbox_dev.ko" "$here/queues/report.sh" \
		build/userlib/mq/libmailbox-mq.so.0 "${programs[@]:2}" "${arguments[@]}"
fi
each=120
! grep -qE '^CONFIG_(KASAN|KCSAN)=y' "$kernel/build/.config" || each=600
exec "$here/tally.pl" -l "$out/console.log" queues \
	"$here/vm.sh" -k "$kernel" -o "$out" -t $((each * 7)) \
	-c "exec sh ./run-tests $each conformance.sh preloaded.sh linked.sh conformance32.sh preloaded32.sh stress-ng.sh pmqtest.sh" \
	"$build/mailbox_dev.ko" "$here/run-tests" "$here"/queues/*.sh build/userlib/mq/* \
	"${programs[@]:2}" "${arguments[@]}"
