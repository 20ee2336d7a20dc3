#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# preloaded.sh of a 32-bit program.
MQ_ON=ports LD_PRELOAD=./libmailbox-mq32.so exec ./mq32
