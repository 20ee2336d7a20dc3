#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lint.sh KERNEL-DIR SOURCE-DIR    what can be said of the code without running it
#
# Each step is one test case; prints TAP. The folders are those of cache.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=selftests/lint kernel=$1 source=$2

# All files of the project, and those of some kind.
files() { git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './.git/*' -not -path './build/*' -printf '%P\n'; }
c_files() { files | grep -E "^($1)/.*\.[ch]$"; }

# A step fails if it says anything.
declare -i n=0
step() {	# step NAME FUNCTION
	local said
	n+=1
	if said=$("$2" 2>&1) && [ -z "$said" ]; then
		echo "ok $n $1"
	else
		echo "# ${said//$'\n'/$'\n# '}"
		echo "not ok $n $1"
	fi
}

module_build() {
	make -s -C "$kernel/build" M="$PWD/build/lint" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
}

warnings() {
	rm -rf build/lint
	mkdir -p build/lint
	cp -rs "$PWD"/{Kbuild,module,uapi} build/lint
	module_build W=1 KCFLAGS=-Werror
}

sparse() { module_build C=2; }

checkpatch() {
	# BIT_MACRO: there is no BIT() in headers that user space reads.
	# MACRO_ARG_REUSE: ours are used with names and plain variables.
	local types=BIT_MACRO,MACRO_ARG_REUSE
	c_files 'module|uapi' | grep -vE '/(compat|trace)\.h$' | check $types
	# What these two are for: kernel versions, and macros that are laid out like programs.
	echo module/compat.h | check $types,LINUX_VERSION_CODE,CONSTANT_COMPARISON
	echo module/trace.h | check $types,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
	# In tests: the harness's macros take whole statements, a race is made with
	# volatile, the kernel's attribute macros are not there, ENOSYS is an answer.
	types+=,OPEN_ENDED_LINE,COMPLEX_MACRO,VOLATILE,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_FALLTHROUGH,ENOSYS
	# An ASSERT may be several statements, and stands in braces; there is no
	# ARRAY_SIZE; FIXTURE(x) is a type to checkpatch neither in its * nor its (.
	types+=,BRACES,ARRAY_SIZE,SPACING,PARENTHESIS_ALIGNMENT,LONG_LINE_STRING
	c_files 'selftests/(mailbox|fuzz)' | check $types
}

check() {	# checkpatch on the files named in standard input
	xargs -r perl "$source/scripts/checkpatch.pl" --strict --no-tree --no-summary --terse --show-types --quiet --ignore "$1" -f
}

kernel_doc() { c_files 'module|uapi' | grep 'h$' | xargs -r perl "$source/scripts/kernel-doc" -none -Werror; }

shell_scripts() {
	files | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.[ch] | *.md) ;;
		*) head -n 2 "$file" | grep -qE '^#!.*sh$|^# shellcheck shell' && echo "$file" ;;
		esac
	done | xargs -r shellcheck -x
}

arrows() { files | grep -E '\.(c|cc|h)$' | xargs awk -f $here/arrows.awk $here/arrows.txt; }

# Calls, flags and errors of the interface header are explained: in a comment
# of its own or in the README.
interface() {
	local header=uapi/linux/mailbox.h text name
	text=$(grep -v '^#define' $header | cat - README.md)
	grep -oP '^#define\s+\KMAILBOX_(IOC_[A-Z_]+(?=\s+_IO)|[A-Z_]+(?=\s+\(1U))' $header | while read -r name; do
		grep -qw "$name" <<<"$text" || grep -qE "^#define\s+${name}\s.*/\*" $header ||
			echo "$header: $name is explained nowhere"
	done
	# ERESTARTSYS is EINTR to a program, ERESTARTNOINTR nothing; EBUSY and EINPROGRESS do not leave the module.
	grep -hoP -- '-\KE[A-Z0-9]{3,}\b' module/*.[ch] | sort -u | grep -vxE 'ERESTART(SYS|NOINTR)|EBUSY|EINPROGRESS' | while read -r name; do
		grep -qE "^ \*\s+${name}\s+\w" $header || echo "$header: the module returns $name, which is not explained"
	done
}

# The README has every function of the library. (Header against symbol map: userlib/tests.)
library() {
	local name
	grep -oP '\bmailbox_[a-z0-9_]+(?=;)' userlib/src/libmailbox.map | while read -r name; do
		grep -qw "$name" README.md || echo "README.md: $name is missing"
	done
}

# mandoc on the man pages. What they refer to is looked up by man.pl, not in this machine's
# database of pages, of which mandoc complains on standard error.
manual() {
	command -v mandoc >/dev/null || echo "no mandoc"
	mandoc -T lint -W style userlib/man/*.[1-9] 2>/dev/null | grep -v 'referenced manual not found' || true
}

manual_library() { perl $here/man.pl library; }
manual_device() { perl $here/man.pl device module/{main,sysfs}.c module/trace.h; }
manual_command() { perl $here/man.pl command build/userlib/mailbox; }

manual_examples() {
	rm -rf build/lint/man
	mkdir -p build/lint/man
	perl $here/man.pl examples build/lint/man | while read -r file; do
		cc -std=gnu11 -Wall -Wextra -Werror -Iuserlib/include -Iuapi -fsyntax-only "$file"
	done
}

# In the picture, edges between rooms are arrows, no room is missing, and it has been drawn since.
picture() {
	local dot=userlib/doc/architecture.dot
	awk '$2 == "->" && FILENAME ~ /arrows/ { room[$1]; for (i = 3; i <= NF; i++) arrow[$1, $i] }
		$2 == "->" && FILENAME ~ /dot$/ && $1 in room { drawn[$1]; drawn[$3] }
		$2 == "->" && FILENAME ~ /dot$/ && $1 in room && $3 in room && !(($1, $3) in arrow) {
			print FILENAME ": " $1 " -> " $3 " is no arrow"
		}
		END {
			for (r in room)
				if (r !~ /\// && r != "sysfs" && r != "trace" && !(r in drawn))
					print FILENAME ": " r " is missing"
		}' $here/arrows.txt $dot
	grep -q "$(sha256sum <$dot | cut -c 1-16)" ${dot%.dot}.svg || echo "$dot has changed: make picture"
}

# What `make demo` and `make deb-test` showed when that was recorded is what they show: make
# demo >session.txt, and the file of that name which deb-test leaves.
session() {
	local demo=selftests/qemu/demo
	diff <(grep -oP "^scene '\K[^']*" $demo/demo.sh) <(grep -oP '^── \K.*?(?= ─)' $demo/session.txt)
	diff <(grep -oP "^\s*ok '\K[^']*" selftests/qemu/debs-inside | sort) <(grep -oP '^ok \K.*' userlib/packaging/session.txt | sort)
}

# Nothing of one machine, or of one mirror, in a file.
places() {
	files | xargs grep -nIE '(^|[^[:alnum:]_.}])(/wor[k]/|/tmp/[w]/|/[r]oot/)|deb\.debian\.[o]rg|snapshot\.debian\.[o]rg' || true
}

# What processes share is touched by the steps of one header alone, each access with its letter.
letters() {
	local access='MAILBOX_(LOAD|STORE|ADD|XCHG|CMPXCHG)[A-Z_]*\('
	grep -nE "$access" uapi/linux/mailbox_ring.h | grep -vE '/\* \([A-Z]\)' || true
	c_files 'module|userlib/src' | grep -v tests/ | xargs grep -nE \
		"($access|(READ|WRITE)_ONCE\()&?[a-z>.-]*(slot|shared)(->|\[)" || true
}

steps=(
	warnings 'the module builds without a warning (W=1)'
	sparse 'sparse has nothing to say'
	checkpatch 'checkpatch --strict has nothing to say'
	kernel_doc 'the kernel-doc comments are complete'
	shell_scripts 'shellcheck has nothing to say'
	arrows 'nothing includes what it should not'
	interface 'every call, flag and error of the interface is explained'
	library 'the README names every function of the library'
	manual 'mandoc has nothing to say of the man pages'
	manual_library 'each function has a man page, with its prototype and its errors'
	manual_device 'each ioctl, structure and constant, and all of the module, is in mailbox(4)'
	manual_command 'each command and option is in mailbox(1)'
	manual_examples 'the programs in the man pages compile'
	picture 'the picture of the architecture shows the rooms and their arrows'
	session 'the recorded sessions are of the demo and of the packages as they are'
	letters 'each access to shared memory is in mailbox_ring.h and has its letter'
	places 'no file names a machine or a mirror'
)
echo "1..$((${#steps[@]} / 2))"
for ((i = 0; i < ${#steps[@]}; i += 2)); do
	step "${steps[i + 1]}" "${steps[i]}"
done
