#!/bin/sh
# SPDX-License-Identifier: MIT
# Sends 200 messages: 100 by plain redirection, 100 by the tool.
for i in $(seq 1 100); do
	printf 'shell %d' "$i"
done >"/dev/mailbox/$1"
seq 101 200 | sed 's/^/shell /' | mailbox send --lines "$1"
