# SPDX-License-Identifier: MIT
"""The Python module on the real module: says nothing if all is well."""
import errno
import os
import select
import signal
import threading
import time

import libmailbox as m


def check(got, wanted):
    if got != wanted:
        print(f"{got!r}, not {wanted!r}", flush=True)


def fails(err, call, *args, **named):
    try:
        call(*args, **named)
        print(f"did not fail with {errno.errorcode[err]}")
    except OSError as e:
        check(errno.errorcode[e.errno], errno.errorcode[err])


port = m.create("p", message_size=200000, capacity=4, lanes=2, flags=m.EXCLUSIVE)
fails(errno.EEXIST, m.create, "p", flags=m.EXCLUSIVE)
fails(errno.ENOENT, m.open, "q")
fails(errno.EINVAL, m.create, "no/name")
check([p.name for p in m.ports() if p.name == "p"], ["p"])
check(m.query().lanes_max, 32)
check((port.info().lanes, port.info().name), (2, "p"))

# messages
port.send(b"low")
port.send(b"h\0gh", lane=1, tag=1 << 60)
check(port.look(1).data, b"low")
message = port.receive()
check((message.data, message.lane, message.tag, message.pid, message.uid), (b"h\0gh", 1, 1 << 60, os.getpid(), os.getuid()))
check(bool(message.status & m.MSG_TRUSTED), True)
check(port.receive().data, b"low")
port.send(b"x" * 200000)
check(port.receive().data, b"x" * 200000)
port.send(b"")
check(port.receive(timeout=1).data, b"")
port.send(b"hello")
check((lambda s: (s.data, s.length))(port.receive(size=3)), (b"hel", 5))
fails(errno.EAGAIN, port.receive, timeout=0)
fails(errno.ETIMEDOUT, port.receive, timeout=0.05)
fails(errno.EMSGSIZE, port.send, b"x" * 200001)
fails(errno.EINVAL, port.send, b"x", lane=2)
for _ in range(4):
    port.send(b"x", timeout=0)
fails(errno.EAGAIN, port.send, b"x", timeout=0)
port.set_lanes(1 << 1, 1)
fails(errno.EAGAIN, port.receive, timeout=0)
port.set_lanes()
for _ in range(4):
    port.receive(timeout=0)

# a signal whose handler returns is no error, and no message is lost
caught = []
signal.signal(signal.SIGALRM, lambda *_: (caught.append(1), port.send(b"by the handler")))
signal.setitimer(signal.ITIMER_REAL, 0.2)
check(port.receive(timeout=60).data, b"by the handler")
check(caught, [1])

# calls, leases and receipts
server = m.open("p")


def serve():
    job = server.receive(lease=0)
    job.nack()
    job = server.receive(lease=0)
    check(job.attempts, 1)
    job.extend(60)
    job.reply(job.data[::-1])


thread = threading.Thread(target=serve)
thread.start()
result = port.call(b"stressed", tag=5, timeout=60)
thread.join()
check((result.outcome, result.data, result.tag, result.pid), (m.REPLIED, b"desserts", 5, os.getpid()))
fails(errno.ETIMEDOUT, port.call, b"anybody?", timeout=0.05)
check(port.info().depth, 0)
ticket = port.send(b"work", receipt=True)
check(port.ticket_status(ticket).outcome, m.QUEUED)
poll = select.poll()
poll.register(port, select.POLLPRI)
check(poll.poll(0), [])
job = server.receive(lease=60)
check(port.ticket_status(ticket).outcome, m.TAKEN)
fails(errno.EAGAIN, port.wait_receipt, timeout=0)
job.ack()
fails(errno.ESTALE, job.ack)
check(poll.poll(60000), [(port.fileno(), select.POLLPRI)])
check(port.wait_ticket(ticket).outcome, m.ACKED)
fails(errno.ESTALE, port.wait_ticket, ticket, timeout=0)
ticket = port.send(b"lost", receipt=True)

# mapped
server.map()
fails(errno.EBUSY, server.map)
check(server.receive(timeout=0).data, b"lost")
check(port.wait_receipt(timeout=60).outcome, m.RECEIVED)
server.send(b"through the ring")
check(port.receive(timeout=60).data, b"through the ring")
server.unmap()

# the end
waiting = threading.Thread(target=lambda: fails(errno.EIDRM, server.receive))
waiting.start()
while not port.info().waiting_receivers:
    time.sleep(0.01)
m.delete("p")
waiting.join()
fails(errno.EIDRM, port.send, b"x")
fails(errno.ENOENT, m.delete, "p")

# nameless, and handed on
nameless = m.create()
other = nameless.reopen(os.O_WRONLY)
fails(errno.EBADF, other.receive)
third = m.from_fd(os.dup(other.fileno()))
third.send(b"by another descriptor")
check(nameless.receive(timeout=60).data, b"by another descriptor")
fails(errno.ENOTTY, m.from_fd, 1)
for mb in (port, server, nameless, other, third):
    mb.close()
