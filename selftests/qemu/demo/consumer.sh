#!/bin/sh
# SPDX-License-Identifier: MIT
# Receives until the port is deleted, a message per line. No tool: a read is a message.
while message=$(dd bs=8K count=1 2>/dev/null); do
	echo "$message"
done <"/dev/mailbox/$1"
