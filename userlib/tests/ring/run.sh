#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh OUT [SEED]	build ring_test in every variant, run it, as one TAP stream
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

build() { # VARIANT COMPILER...
	local variant=$1
	shift
	"$@" "${warn[@]}" ring_test.c -o "$out/ring_test-$variant" -lpthread >"$out/ring_test-$variant.log" 2>&1
}

# The cases of a variant, numbered on; a program that ends before its plan is a failure.
run() { # VARIANT COMPILER...
	local variant=$1 line planned=''
	if ! build "$@"; then
		sed 's/^/# /' "$out/ring_test-$variant.log"
		result 1 "$variant: builds"
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
	done < <("$out/ring_test-$variant" ${seed:+"$seed"} 2>&1)
	[ -n "$planned" ] || result 1 "$variant: ends"
}

# A variant whose many-thread cases must fail: else the checker sees nothing.
run_to_fail() { # VARIANT COMPILER...
	local variant=$1
	shift
	set -- "$variant-relaxed" "$@"
	if build "$@" && ! "$out/ring_test-$1" ${seed:+"$seed"} >"$out/ring_test-$1.log" 2>&1 &&
	   grep -q 'data race' "$out/ring_test-$1.log" &&
	   grep -q '^not ok .*threads_many_to_many' "$out/ring_test-$1.log"; then
		result 0 "$variant: a publish without ordering is seen"
	else
		result 1 "$variant: a publish without ordering is seen"
	fi
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
	skip 'm32: all' 'this gcc makes no 32-bit programs (Debian: gcc-multilib)'
fi

if has g++; then
	run c++ g++ -x c++ -std=gnu++17 -O2 -g
else
	skip 'c++: all' 'no g++'
fi

if works gcc -fsanitize=address,undefined; then
	run asan+ubsan gcc -std=gnu11 -O1 -g -DMESSAGES=20000 \
		-fsanitize=address,undefined -fno-sanitize-recover=all
else
	skip 'asan+ubsan: all' 'this gcc has no address sanitizer'
fi

tsan=(clang -std=gnu11 -O1 -g -DMESSAGES=8000 -fsanitize=thread)
export TSAN_OPTIONS='exitcode=66 halt_on_error=1'
if has clang && works clang -fsanitize=thread; then
	run tsan "${tsan[@]}"
	run_to_fail tsan "${tsan[@]}" -DRELAXED_PUBLISH
else
	skip 'tsan: all' 'no clang whose thread sanitizer runs here'
fi

echo "1..$count"
exit $failed
