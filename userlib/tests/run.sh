#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh OUT	the host tests, of what `make` has built in OUT, as TAP
#
# C programs speak for themselves; the rest is here: the header under several
# compilers and standards, the symbols, the command line, the installation.
#
# shellcheck disable=SC2317 # functions are called through ok()
set -u
cd "$(dirname "$0")/.." || exit 1
out=$(realpath "$1")
# shellcheck source=userlib/tests/ok.sh
. tests/ok.sh
trap 'rm -rf "$tmp"' EXIT

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# --- the header

warnings='-Wall -Wextra -pedantic -Werror -Iinclude -I../uapi'
printf '#include <mailbox.h>\nint main(void) { return MAILBOX_NAME_MAX == 63 ? 0 : 1; }\n' >"$tmp/header.c"
cp "$tmp/header.c" "$tmp/header.cc"
for cc in "${CC:-cc}" gcc clang; do
	command -v "$cc" >/dev/null || continue
	for std in c99 c11 gnu17; do
		# shellcheck disable=SC2086 # warnings are several
		ok "the header with $cc -std=$std" "$cc" $warnings -std=$std -o "$tmp/a" "$tmp/header.c"
	done
done
if command -v "${CXX:-c++}" >/dev/null; then
	for std in c++11 c++17; do
		# shellcheck disable=SC2086
		ok "the header with ${CXX:-c++} -std=$std" "${CXX:-c++}" $warnings -std=$std -o "$tmp/a" "$tmp/header.cc"
	done
	# shellcheck disable=SC2086
	ok 'a C++ program builds with the shared library' \
		"${CXX:-c++}" $warnings -std=c++11 -o "$tmp/cxx" tests/cxx.cc -L"$out" -lmailbox
	ok 'and runs' env LD_LIBRARY_PATH="$out" "$tmp/cxx"
else
	skip 'the header in C++' 'no C++ compiler'
fi

# --- the symbols

sed -n 's/^\t\t\(mailbox_[a-z0-9_]*\);$/\1/p' src/libmailbox.map | sort >"$tmp/map"
sed 's|/\*.*\*/||' include/mailbox.h | grep -v '^ \*' |
	grep -o 'mailbox_[a-z0-9_]*(' | tr -d '(' | sort -u >"$tmp/header"
nm -D --defined-only "$out/libmailbox.so" |
	sed -n 's/.* T \(.*\)@@MAILBOX_0.1$/\1/p' | sort >"$tmp/exported"
nm -g --defined-only "$out/libmailbox.a" | awk 'NF == 3 { print $3 }' | sort >"$tmp/archive"
ok 'every function of the header is in the map, and no other' diff "$tmp/header" "$tmp/map"
ok 'every function of the map is exported, and no other' diff "$tmp/map" "$tmp/exported"
ok 'the archive defines no name but ours' sh -c "! grep -v '^mailbox_' $tmp/archive"
ok 'the shared library has a soname' sh -c "objdump -p $out/libmailbox.so | grep -q 'SONAME *libmailbox.so.0\$'"
ok 'the shared library needs libc alone' \
	sh -c "test \"\$(objdump -p $out/libmailbox.so | awk '/NEEDED/ { print \$2 }')\" = libc.so.6"
while read -r name; do
	ok "the header describes $name()" grep -q "^ \* $name() - " include/mailbox.h
done <"$tmp/map"

# --- what the processor does: how many locked instructions there are on a message's way

locked() {
	objdump -d --no-show-raw-insn --disassemble="$1" "$out/libmailbox.a" |
		grep -cE '[[:space:]]lock[[:space:]]|xchg .*\('
}
if [ "$(uname -m)" = x86_64 ]; then
	ok 'a mapped send has locked instructions, which would be seen' test "$(locked mailbox_ring_send)" -ge 2
	ok 'to a direct port it has none' test "$(locked mailbox_direct_send)" = 0
	ok 'nor has a receive from one' test "$(locked mailbox_direct_receive)" = 0
fi

# --- the shim

sed -n 's/^\t\t\([a-z0-9_]*\);$/\1/p' mq/libmailbox-mq.map | grep -v '^read$' | sort >"$tmp/mq-map"
nm -D --defined-only "$out/libmailbox-mq.so" | awk '$3 != "read" { print $3 }' | sort >"$tmp/mq-exported"
nm -D --defined-only "$(${CC:-cc} -print-file-name=libc.so.6)" |
	sed -n 's/.* [TWi] \(\(__\)\?mq_[a-z0-9_]*\)@@.*/\1/p' | sort -u >"$tmp/mq-libc"
ok 'the shim has what the C library has of queues, and read()' diff "$tmp/mq-libc" "$tmp/mq-exported"
ok 'its map names that, and no more but what 32 bits take' \
	sh -c "grep -v time64 $tmp/mq-map | diff - $tmp/mq-exported"
ok 'its names have no version, for any is asked for' sh -c "! nm -D $out/libmailbox-mq.so | grep 'T .*@'"
ok 'it has a soname' sh -c "objdump -p $out/libmailbox-mq.so | grep -q 'SONAME *libmailbox-mq.so.0\$'"
ok 'it needs libc alone' \
	sh -c "test \"\$(objdump -p $out/libmailbox-mq.so | awk '/NEEDED/ { print \$2 }')\" = libc.so.6"
if "${CC:-cc}" -m32 -x c -shared -fPIC -Wall -Werror -std=gnu11 -D_GNU_SOURCE -I../uapi \
	-Wl,--version-script,mq/libmailbox-mq.map -o "$tmp/mq32.so" mq/mq.c 2>"$tmp/mq32.log"; then
	nm -D --defined-only "$tmp/mq32.so" | awk '$3 != "read" { print $3 }' | sort >"$tmp/mq32"
	ok 'with 32 bits it has those with 64-bit times too' diff "$tmp/mq-map" "$tmp/mq32"
else
	skip 'with 32 bits it has those with 64-bit times too' "$(tail -n 1 "$tmp/mq32.log")"
fi

# --- the command

# tool STATUS OUTPUT ARGUMENT...: ends with STATUS, says something like OUTPUT
tool() {
	wanted=$1 like=$2
	shift 2
	"$out/mailbox" "$@" </dev/null >"$tmp/stdout" 2>"$tmp/stderr"
	got=$?
	cat "$tmp/stdout" "$tmp/stderr"
	[ "$got" = "$wanted" ] || { echo "status $got, not $wanted"; return 1; }
	if [ "$wanted" = 0 ]; then
		[ ! -s "$tmp/stderr" ] && grep -q -e "$like" "$tmp/stdout"
	else
		[ ! -s "$tmp/stdout" ] && grep -q -e "$like" "$tmp/stderr"
	fi
}

# misuse OUTPUT ARGUMENT...: a usage error, in one line
misuse() {
	tool 2 "$@" && [ "$(wc -l <"$tmp/stderr")" = 1 ]
}

ok 'no command is a usage error' tool 2 '^Usage: mailbox'
ok 'an unknown command is a usage error' misuse '^mailbox: no command frobnicate' frobnicate
ok '--help helps' tool 0 '^Usage: mailbox' --help
ok '--version says the version' tool 0 '^mailbox [0-9.]*$' --version
for command in create delete send recv peek drain list info top watch evict bench query version; do
	ok "--help names $command" tool 0 "^  $command " --help
	ok "$command --help helps" tool 0 "^Usage: mailbox $command" $command --help
	ok "$command --help tells the exit status" tool 0 'Exit status: 0 done, 1 error, 2 usage' $command -h
	ok "$command refuses unknown options" misuse "^mailbox: $command: no option --frob " $command --frob
	ok "$command refuses unknown letters" misuse "^mailbox: $command: no option -Z " $command -Z
done
for command in create delete send recv peek drain info evict; do
	ok "$command wants a port" misuse "^mailbox: $command: which port" $command
done
for command in list bench query version; do
	ok "$command wants no argument" misuse "^mailbox: $command: one argument too many: x" $command x
done
for command in create recv peek drain info; do
	ok "$command wants one port" misuse "^mailbox: $command: one argument too many: y" $command x y
done
ok 'evict wants an endpoint' misuse '^mailbox: evict: which endpoint? mailbox info x shows them' evict x
ok 'evict wants one endpoint' misuse '^mailbox: evict: one argument too many: 2' evict x 1 2
for bad in 0 65535 x '' -1; do
	ok "evict '$bad'" misuse 'the endpoint must be a number from 1 to 65534' evict -- x "$bad"
done
ok 'a message is one argument' misuse 'the message is one argument, world is too many' send x hello world
ok 'a message and --lines exclude each other' misuse 'either a message or --lines' send --lines x hello
ok '--sync and --receipt exclude each other' misuse 'either --sync or --receipt' send --sync --receipt x hello
ok '--sync and --nonblock exclude each other' misuse '--sync and --receipt wait, --nonblock does not' send --sync --nonblock x hello
ok '--count and --follow exclude each other' misuse 'either --count or --follow' recv --follow -n 2 x
ok '--count and --all exclude each other' misuse 'either --count or --all' peek --all -n 2 x
ok 'drain has one output' misuse 'one of --discard, --directory' drain --discard --directory y x
ok 'drain writes files as they are' misuse 'one of --discard, --directory' drain --json --directory y x
ok 'an option without its value' misuse '^mailbox: recv: --count needs a value' recv x --count
ok 'a letter without its value' misuse '^mailbox: recv: -n needs a value' recv x -n
ok 'a value for an option that has none' misuse 'no option --json=5' list --json=5
for bad in 0 -1 x 1x '' 99999999999999999999; do
	ok "--count '$bad'" misuse 'the count must be a number from 1' recv x --count "$bad"
done
for bad in 32 -1 1,x ',' '' 4294967296; do
	ok "recv --lane '$bad'" misuse 'a lane must be a number from 0 to 31' recv x --lane "$bad"
	ok "send --lane '$bad'" misuse 'the lane must be a number from 0 to 31' send x --lane "$bad"
done
for bad in x 1s -1 '' nan inf 1e9; do
	ok "--timeout '$bad'" misuse 'a time must be in seconds' recv x --timeout "$bad"
done
for bad in 0 0.009 x -1; do
	ok "--interval '$bad'" misuse 'an interval must be\|a time must be' watch --interval "$bad"
	ok "top --interval '$bad'" misuse 'an interval must be\|a time must be' top --interval "$bad"
done
ok "peek --index x" misuse 'the index must be a number from 0' peek --index x p
ok "top --sort size" misuse 'to sort by must be name, depth, rate or oldest, not size' top --sort size
for bad in 0 65K x; do
	ok "bench --size '$bad'" misuse 'the size must be from 1 to 65536' bench --size "$bad"
done
ok "bench --rounds 0" misuse 'rounds must be a number from 1' bench --rounds 0
for bad in 0 17M 16385K 1G x K '' -1; do
	ok "--message-size '$bad'" misuse 'the message size must be from 1 to 16777216' create x -s "$bad"
done
for bad in 0 1 3 65537 x; do
	ok "--capacity '$bad'" misuse 'the capacity must be' create x --capacity "$bad"
done
for bad in 0 33 x; do
	ok "--lanes '$bad'" misuse 'lanes must be a number from 1 to 32' create x --lanes "$bad"
done
for bad in 8 1000 x '' u+w; do
	ok "--mode '$bad'" misuse 'mode must be octal' create x --mode "$bad"
done

if [ -e /dev/mailbox ] || [ -e /sys/class/mailbox ]; then
	skip 'the command without the module' 'the module is loaded'
else
	absent='the mailbox module is not loaded$'
	ok 'create without the module' tool 1 "^mailbox: create x: $absent" create -s 16M -c 65536 -l 32 -m 0777 --sealed --exist-ok x
	ok 'delete without the module' tool 1 "^mailbox: delete y: $absent" delete --purge x y
	ok 'send without the module' tool 1 "^mailbox: send x: $absent" send -l 31 -t 0.5 --nonblock --tag 0xff x hello
	ok 'send --receipt without the module' tool 1 "^mailbox: send x: $absent" send --receipt --lines x
	ok 'recv without the module' tool 1 "^mailbox: recv x: $absent" recv -n 3 -l 0,2 -l 31 -t 1.5 -L -j --lease x
	ok 'list without the module' tool 1 "^mailbox: list: $absent" list --json
	ok 'info without the module' tool 1 "^mailbox: info x: $absent" info x
	ok 'evict without the module' tool 1 "^mailbox: evict x: $absent" evict x 1
	ok 'peek without the module' tool 1 "^mailbox: peek x: $absent" peek -a -i 3 -l 1 -L x
	ok 'drain without the module' tool 1 "^mailbox: drain x: $absent" drain -l 1 --discard x
	ok 'watch without the module' tool 1 "^mailbox: watch: $absent" watch -n 1 -t 1 -i 0.1 --json x y
	ok 'bench without the module' tool 1 "^mailbox: bench: $absent" bench -r 1
	ok 'query without the module' tool 1 "^mailbox: query: $absent" query
	ok 'a message behind --' tool 1 "^mailbox: send x: $absent" send x -- -5
fi

# --- the installation

ok 'make install' make -s OUT="$out" DESTDIR="$tmp/root" PREFIX=/opt/it install
ok 'installs the headers, the libraries, the command' \
	ls "$tmp/root/opt/it/include/mailbox.h" "$tmp/root/opt/it/include/linux/mailbox.h" \
	"$tmp/root/opt/it/lib/libmailbox.so" "$tmp/root/opt/it/lib/libmailbox.so.0" \
	"$tmp/root/opt/it/lib/libmailbox.a" "$tmp/root/opt/it/bin/mailbox" \
	"$tmp/root/opt/it/share/man/man1/mailbox.1" "$tmp/root/opt/it/share/man/man4/mailbox.4" \
	"$tmp/root/opt/it/share/man/man7/mailbox.7" "$tmp/root/opt/it/lib/python3/dist-packages/libmailbox.py"
while read -r name; do
	ok "installs a page of $name()" \
		sh -c "sed -n '2,/^\.Nd/p' $tmp/root/opt/it/share/man/man3/$name.3 | grep -q '^\.Nm $name\\>'"
done <"$tmp/map"
if command -v pkg-config >/dev/null; then
	PKG_CONFIG_PATH=$tmp/root/opt/it/lib/pkgconfig
	PKG_CONFIG_SYSROOT_DIR=$tmp/root
	export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
	# shellcheck disable=SC2046,SC2086
	ok 'a program builds with what pkg-config says' \
		"${CC:-cc}" -Wall -Werror -o "$tmp/a" examples/priority.c $(pkg-config --cflags --libs libmailbox)
	mkdir "$tmp/tutorial"
	awk -v out="$tmp/tutorial" -f tests/tutorial.awk doc/tutorial.md >"$tmp/programs"
	sed -n 's/^\$ \(cc .*\)/\1/p' doc/tutorial.md >"$tmp/commands"
	ok 'the tutorial builds each of its programs' \
		is "$(wc -l <"$tmp/commands")" "$(wc -l <"$tmp/programs")"
	while read -r line; do
		ok "the tutorial: $line" sh -c "cd $tmp/tutorial && $line"
	done <"$tmp/commands"
else
	skip 'a program builds with what pkg-config says' 'no pkg-config'
fi
ok 'make uninstall' make -s OUT="$out" DESTDIR="$tmp/root" PREFIX=/opt/it uninstall
ok 'uninstall leaves no file' sh -c "test -z \"\$(find $tmp/root ! -type d)\""

echo "1..$count"

# --- the Python module

if command -v python3 >/dev/null; then
	CC="${CC:-cc}" PYTHONDONTWRITEBYTECODE=1 python3 tests/python_test.py "$out/tests/python_stub.so" || failed=1
else
	echo "ok - the Python module # SKIP no python3"
fi

# --- the programs

tests/completion.sh "$out" || failed=1
for test in "$out"/tests/*_test; do
	"$test" || failed=1
done
exit $failed
