#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What mq.c expects is so on ports: the same binary.
MQ_ON=ports LD_PRELOAD=./libmailbox-mq.so.0 exec ./mq
