#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh OUT [SEED]	build the tests in every variant, run them, as one TAP stream
set -u
out=$1 seed=${2:-}
cd "$(dirname "$0")" || exit 1
uapi=../../../uapi
warn=(-Wall -Wextra -Wshadow -Werror -D_GNU_SOURCE "-I$uapi")
count=0
failed=0

result() {	# GOOD NAME [DIRECTIVE]
	count=$((count + 1))
	[ "$1" = 0 ] || failed=1
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

has() { command -v "$1" >/dev/null; }

# The compiler can make and run such a program.
works() {
	echo 'int main(void) { return 0; }' >"$out/probe.c"
	"$@" "$out/probe.c" -o "$out/probe" >/dev/null 2>&1 && "$out/probe" 2>/dev/null
}

build() { # TEST VARIANT COMPILER...
	local test=$1 variant=$2
	shift 2
	"$@" "${warn[@]}" "$test.c" -o "$out/$test-$variant" -lpthread >"$out/$test-$variant.log" 2>&1
}

# The cases of a test, numbered on; a program that ends before its plan is a failure.
run_test() { # TEST VARIANT COMPILER...
	local test=$1 variant=$2 line planned=''
	if ! build "$@"; then
		sed 's/^/# /' "$out/$test-$variant.log"
		result 1 "$variant: $test builds"
		return
	fi
	while IFS= read -r line; do
		case $line in
		'ok '*) result 0 "$variant: ${line#* - }" ;;
		'not ok '*) result 1 "$variant: ${line#* - }" ;;
		1..*) planned=1 ;;
		'#'*) echo "# $variant: ${line#\# }" ;;
		*) echo "# $variant: $line" ;;
		esac
	done < <("$out/$test-$variant" ${seed:+"$seed"} 2>&1)
	[ -n "$planned" ] || result 1 "$variant: $test ends"
}

run() { # VARIANT COMPILER...
	run_test ring_test "$@"
	run_test range_test "$@"
	run_test direct_test "$@"
}

# A variant in which a case with many threads must fail: else the checker sees nothing.
# It sees only what happens, which on a busy machine may take some tries.
run_to_fail() { # NAME TEST CASE VARIANT COMPILER...
	local name=$1 test=$2 case=$3 variant=$4-broken tries=30
	shift 4
	if ! build "$test" "$variant" "$@"; then
		result 1 "$name"
		return
	fi
	while [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		"$out/$test-$variant" ${seed:+"$seed"} >"$out/$test-$variant.log" 2>&1 && continue
		if grep -q 'data race' "$out/$test-$variant.log" &&
		   grep -q "^not ok .*$case" "$out/$test-$variant.log"; then
			result 0 "$name"
			return
		fi
	done
	result 1 "$name"
}

header() { # LANGUAGE COMPILER STANDARD
	has "$2" || return 0
	printf '#include <linux/mailbox_ring.h>\n#include <linux/mailbox_ring.h>\nint main(void) { return 0; }\n' |
		"$2" -x "$1" "-std=$3" -pedantic -Wall -Wextra -Wshadow -Wconversion -Wcast-qual -Werror \
			-Wno-unused-function "-I$uapi" -o "$out/header-$2" - >"$out/header-$2.log" 2>&1
	local good=$?
	[ "$good" = 0 ] || sed 's/^/# /' "$out/header-$2.log"
	result "$good" "header: $2 -std=$3 -pedantic -Wconversion has nothing to say"
}

for standard in c99 c11 gnu17; do
	header c gcc $standard
	header c clang $standard
done
for standard in c++11 c++17; do
	header c++ g++ $standard
	header c++ clang++ $standard
done

run gcc gcc -std=gnu11 -O2 -g

if has clang; then
	run clang clang -std=gnu11 -O2 -g
else
	skip 'clang: all' 'no clang'
fi

if works gcc -m32; then
	run m32 gcc -m32 -std=gnu11 -O2 -g
else
	skip 'm32: all' 'no 32-bit programs: gcc makes none (Debian: gcc-multilib), or this kernel runs none'
fi

if has g++; then
	run c++ g++ -x c++ -std=gnu++17 -O2 -g
else
	skip 'c++: all' 'no g++'
fi

if works gcc -fsanitize=address,undefined; then
	run asan+ubsan gcc -std=gnu11 -O1 -g -DMESSAGES=20000 -DDEATHS=200 \
		-fsanitize=address,undefined -fno-sanitize-recover=all
else
	skip 'asan+ubsan: all' 'this gcc has no address sanitizer'
fi

tsan=(clang -std=gnu11 -O1 -g -DMESSAGES=8000 -DDEATHS=100 -fsanitize=thread)
export TSAN_OPTIONS='exitcode=66 halt_on_error=1'
if has clang && works clang -fsanitize=thread; then
	run tsan "${tsan[@]}"
	run_to_fail 'tsan: a publish without ordering is seen' ring_test threads_many_to_many \
		tsan "${tsan[@]}" -DRELAXED_PUBLISH
	run_to_fail 'tsan: a direct publish without ordering is seen' direct_test threads_both_mapped \
		tsan "${tsan[@]}" -DRELAXED_DIRECT
else
	skip 'tsan: all' 'no clang whose thread sanitizer runs here'
fi

echo "1..$count"
exit $failed
