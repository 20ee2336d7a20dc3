# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of the mailbox command for bash. What there is to complete is asked
# of the command itself: its help names commands and options, its list the ports.

_mailbox_commands() { "$1" --help 2>/dev/null | sed -n '/tour/q; s/^  \([a-z]*\) .*/\1/p'; }

_mailbox_options() { "$1" "$2" --help 2>/dev/null | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'; }

_mailbox_ports() { "$1" list 2>/dev/null | awk 'NR > 1 { print $1 }'; }

# _mailbox_takes_value TOOL COMMAND OPTION: does a value follow it as a word?
_mailbox_takes_value() {
	"$1" "$2" --help 2>/dev/null | grep -qE -- "^  (-., |    )$3=|^  $3, --[a-z-]*="
}

# Ports are the arguments so far fewer than the command takes.
_mailbox_arguments() {	# TOOL COMMAND ARGUMENTS-SO-FAR
	case $2 in
	delete | top | watch) _mailbox_ports "$1" ;;
	send | recv | peek | drain | info | evict) [ "$3" != 0 ] || _mailbox_ports "$1" ;;
	esac
}

_mailbox() {
	local tool=$1 cur=$2 prev=$3 command='' arguments=0 option='' word i
	COMPREPLY=()
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	if [ "$cur" = = ]; then
		cur=''
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ -z "$command" ]; then
			command=$word
		elif [ "$word" = = ]; then
			continue
		elif [[ $word == -* ]]; then
			option=$word
			continue
		elif [ -z "$option" ] || ! _mailbox_takes_value "$tool" "$command" "$option"; then
			((++arguments))
		fi
		option=''
	done
	if [ -z "$command" ]; then
		word=$(_mailbox_commands "$tool")
	elif [[ $cur == -* ]]; then
		word=$(_mailbox_options "$tool" "$command")
	elif [[ $prev == -* ]] && _mailbox_takes_value "$tool" "$command" "$prev"; then
		case $prev in
		--drop) word='newest oldest' ;;
		-s | --sort) [ "$command" != top ] || word='name depth rate oldest' ;;&
		-s | --sort) [ "$command" = top ] || word='' ;;
		--dead-letter) word=$(_mailbox_ports "$tool") ;;
		-d | --directory)
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			return
			;;
		*) word='' ;;
		esac
	else
		word=$(_mailbox_arguments "$tool" "$command" "$arguments")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}

complete -F _mailbox mailbox
