#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A boss who never waits: sends jobs while there is room, and adds up answers as they come.

    boss.py PORT COUNT
"""
import os
import select
import sys

import libmailbox

count = int(sys.argv[2])
sent = done = total = 0
with libmailbox.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK) as jobs:
    poll = select.poll()
    poll.register(jobs, select.POLLOUT | select.POLLPRI)
    while done < count:
        poll.poll()
        try:
            while sent < count:
                jobs.send(b"%d" % (sent + 1), receipt=True)
                sent += 1
            poll.modify(jobs, select.POLLPRI)   # of room we need not be told any longer
        except BlockingIOError:
            pass
        try:
            while done < count:
                total += int(jobs.wait_receipt().data)
                done += 1
        except BlockingIOError:
            pass
print(f"{count} jobs done, the sum is {total}")
