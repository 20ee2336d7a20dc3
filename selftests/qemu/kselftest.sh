#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kselftest.sh KERNEL-DIR BUILD-DIR PROGRAM...    run tests in one boot of the kernel
#
# PROGRAMs and what they call are in build/selftests (system calls) and
# build/userlib/live (library and tool); BUILD-DIR has mailbox_dev.ko.
# MAILBOX_EFFORT=n does more than the least where a test could go on for ever,
# n times as much; other variables of the tests (seeds) are handed on as well.
# SECONDS_EACH and SECONDS_ALL set the time limits; with checkers everything
# takes several times as long.
set -euo pipefail

here=$(dirname "$0")
kernel=$1 build=$2
shift 2
out=$build/kselftest
mkdir -p "$out"
files=(build/selftests/* build/userlib/live/*)
each=300 all=1500
if grep -qE '^CONFIG_(KASAN|KCSAN)=y' "$kernel/build/.config"; then
	each=900 all=5400
fi
effort=${MAILBOX_EFFORT:-1}
((each *= effort / 5 + 1, all *= effort / 5 + 1))
languages=()
case " $* " in
*' languages.sh '*) languages=(-p -P) ;;
esac
variables=''
for name in "${!MAILBOX_@}" "${!DEATH_@}" "${!LEASEDEATH_@}" "${!STORM_@}" "${!FAULTS_@}" "${!MAP@}" "${!SCRIBBLE_@}" "${!DIRECT_@}" "${!PEEK_@}"; do
	variables+="$name='${!name}' "
done
exec "$here/tally.pl" -l "$out/console.log" kselftest \
	"$here/vm.sh" "${languages[@]}" -k "$kernel" -o "$out" -t "${SECONDS_ALL:-$all}" -a kasan_multi_shot \
	-c "${variables}exec sh ./run-tests ${SECONDS_EACH:-$each} $*" "$build/mailbox_dev.ko" "$here/run-tests" "${files[@]}"
