#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What mq.c expects is so when it is linked with the shim.
MQ_ON=ports exec ./mq-linked
