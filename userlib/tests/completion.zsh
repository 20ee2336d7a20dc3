# SPDX-License-Identifier: MIT
# completion.zsh FOLDER TEXT    what a tab makes of TEXT, with the completions in FOLDER
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PS2= RPS1=; unsetopt zle_bracketed_paste 2>/dev/null; stty -echo; fpath=($1 \$fpath); autoload -U compinit && compinit -u -D"
# What the line is when it has been completed, between two marks.
zpty -w shell 'report() { print -r -- "<<<$BUFFER>>>"; BUFFER=; zle accept-line }; zle -N report; bindkey "^X" report; bindkey "^I" complete-word; print READ"Y"'
zpty -r shell text '*READY*'
zpty -w -n shell "$2"$'\t\x18'
zpty -r shell text '*<<<*>>>*'
text=${text##*<<<}
print -r -- "${text%%>>>*}"
zpty -d shell
