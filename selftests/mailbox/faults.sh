#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loads the module with one failing allocation after the other: see faults.c.
# With little effort not at every fault point before the module's own.
stride=$((24 / ${MAILBOX_EFFORT:-1}))
if grep -q '^mailbox_dev ' /proc/modules; then
	rmmod mailbox_dev || exit 1
fi
export FAULTS_MODULE="${MAILBOX_MODULE:-mailbox_dev.ko}" FAULTS_STRIDE="${FAULTS_STRIDE:-$((stride ? stride : 1))}"
exec ./faults
