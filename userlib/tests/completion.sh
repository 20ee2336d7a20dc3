#!/bin/bash
# SPDX-License-Identifier: MIT
# completion.sh OUT    what bash and zsh complete, with the mailbox command in OUT, as TAP
set -u
cd "$(dirname "$0")/.." || exit 1
out=$(realpath "$1")
# shellcheck source=userlib/tests/ok.sh
. tests/ok.sh
trap 'rm -rf "$tmp"' EXIT

# The command, but for the list: there is no module here, or nobody knows its ports.
mkdir "$tmp/bin" "$tmp/folder"
cat >"$tmp/bin/mailbox" <<X
#!/bin/sh
[ "\$*" = list ] || exec "$out/mailbox" "\$@"
printf 'PORT  DEPTH\njobs  0/16\njam.1  0/16\nnews  1/16\n'
X
chmod +x "$tmp/bin/mailbox"
PATH=$tmp/bin:$PATH

same() { ok "$1" is "$3" "$2"; }	# same NAME WANTED GOT

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# --- bash, with the words that readline would make of the line

# shellcheck source=/dev/null
. tools/completion/mailbox.bash

# completes WORD...: the candidates for the last WORD, sorted, on one line
completes() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_mailbox mailbox "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}

same 'bash completes with our function' 'complete -F _mailbox mailbox' "$(complete -p mailbox)"
same 'a command' 'recv' "$(completes mailbox r)"
same 'all commands' "$("$out/mailbox" --help | sed -n '/tour/q; s/^  \([a-z]*\) .*/\1/p' | sort | paste -sd' ')" "$(completes mailbox '')"
same 'a port' 'jam.1 jobs' "$(completes mailbox send j)"
same 'one port where there is one' '' "$(completes mailbox recv jobs n)"
same 'several where there may be several' 'news' "$(completes mailbox delete jobs n)"
same 'a new port has no name yet' '' "$(completes mailbox create j)"
same 'an option' '--follow' "$(completes mailbox recv --fo)"
same 'behind a port too' '--follow' "$(completes mailbox recv jobs --fo)"
same 'an option with a value is no port' 'jam.1 jobs' "$(completes mailbox recv --count 3 j)"
same 'nor is a letter with one' 'jam.1 jobs' "$(completes mailbox recv -n 3 j)"
same 'an option without a value takes none' '' "$(completes mailbox recv --follow jobs n)"
same 'a value' 'newest' "$(completes mailbox create --drop n)"
same 'a value behind =' 'newest' "$(completes mailbox create --drop = n)"
same 'any value behind =' 'newest oldest' "$(completes mailbox create --drop =)"
same 'how to sort' 'depth' "$(completes mailbox top --sort d)"
same 'a value that is a number is not completed' '' "$(completes mailbox recv --count '')"
same 'a directory' "$tmp/folder" "$(completes mailbox drain --directory "$tmp/fo")"
for command in $("$out/mailbox" --help | sed -n '/tour/q; s/^  \([a-z]*\) .*/\1/p'); do
	same "--help of $command" '--help' "$(completes mailbox "$command" --hel)"
done

# --- bash, as a distribution loads it: by the name of the command

loader=/usr/share/bash-completion/bash_completion
if [ -f $loader ]; then
	mkdir -p "$tmp/data/bash-completion/completions"
	cp tools/completion/mailbox.bash "$tmp/data/bash-completion/completions/mailbox"
	# shellcheck disable=SC2016	# for the inner shell
	same 'bash-completion loads it' 'complete -F _mailbox mailbox' \
		"$(XDG_DATA_HOME=$tmp/data bash --norc -c '. "$0"; _completion_loader mailbox; complete -p mailbox' $loader)"
else
	skip 'bash-completion loads it' 'no bash-completion'
fi

# --- zsh, in a terminal of its own, for it completes nowhere else

if command -v zsh >/dev/null; then
	mkdir "$tmp/zsh"
	cp tools/completion/_mailbox "$tmp/zsh"
	zsh_completes() {	# zsh_completes TEXT: the line after a tab
		zsh -f tests/completion.zsh "$tmp/zsh" "$1"
	}
	same 'zsh: a command' 'mailbox recv ' "$(zsh_completes 'mailbox rec')"
	same 'zsh: a port' 'mailbox send news ' "$(zsh_completes 'mailbox send n')"
	same 'zsh: several ports' 'mailbox delete jobs news ' "$(zsh_completes 'mailbox delete jobs n')"
	same 'zsh: an option' 'mailbox recv --follow ' "$(zsh_completes 'mailbox recv --fo')"
	same 'zsh: a port behind an option' 'mailbox recv --count 3 news ' "$(zsh_completes 'mailbox recv --count 3 n')"
	same 'zsh: a value' 'mailbox create --drop newest ' "$(zsh_completes 'mailbox create --drop n')"
else
	skip 'zsh' 'no zsh'
fi

echo "1..$count"
exit $failed
