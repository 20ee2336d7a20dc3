#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A worker: each job is a number to be squared; kill it, and its job goes to another one.

    worker.py PORT [SECONDS]        how long a job takes
"""
import errno
import os
import sys
import time

import libmailbox

with libmailbox.open(sys.argv[1], os.O_RDONLY) as jobs:
    try:
        while True:
            job = jobs.receive(lease=0)
            time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)
            if job.status & libmailbox.MSG_RECEIPT:
                job.reply(b"%d" % int(job.data) ** 2)
            else:
                job.ack()
    except OSError as e:
        if e.errno != errno.EIDRM:      # the end, and no job is left
            raise
