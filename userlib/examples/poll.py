#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Messages of several ports as they come, until all of them are deleted.

    poll.py PORT...

Nothing but files: a port is opened, polled and read as any other, and a read is a message.
"""
import errno
import os
import select
import sys

names = {}
poll = select.poll()
for name in sys.argv[1:]:
    fd = os.open("/dev/mailbox/" + name, os.O_RDONLY | os.O_NONBLOCK)
    names[fd] = name
    poll.register(fd, select.POLLIN)

while names:
    for fd, events in poll.poll():
        try:
            message = os.read(fd, 8192)
        except BlockingIOError:         # somebody else was faster
            continue
        except OSError as e:
            if e.errno != errno.EIDRM:
                raise
            poll.unregister(fd)         # deleted, and nothing is left
            os.close(fd)
            del names[fd]
        else:
            print(f"{names[fd]}: {message.decode()}", flush=True)
