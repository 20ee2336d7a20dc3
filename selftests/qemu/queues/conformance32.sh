#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# conformance.sh of a 32-bit program.
MQ_ON=kernel exec ./mq32
