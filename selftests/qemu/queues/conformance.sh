#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What mq.c expects is so with the kernel's own queues.
MQ_ON=kernel exec ./mq
