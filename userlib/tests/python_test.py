# SPDX-License-Identifier: MIT
"""The Python module: its structures and constants against the headers, its calls against a stub.

python3 python_test.py STUB.so    in userlib; TAP
"""
import ctypes
import errno
import os
import re
import subprocess
import sys
import tempfile

os.environ["LIBMAILBOX"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, "python")
import libmailbox as m

stub = ctypes.CDLL(os.environ["LIBMAILBOX"])
stub.stub_deadline.restype = ctypes.c_uint64
count = failed = 0


def ok(name, test):
    global count, failed
    count += 1
    try:
        problem = test()
    except Exception as e:
        problem = repr(e)
    if problem:
        failed = 1
        print(f"# {problem}")
    print(f"{'not ' if problem else ''}ok {count} - python: {name}")


def differ(got, wanted):
    return None if got == wanted else f"{got!r}, not {wanted!r}"


def fails(err, call, *args, kind=OSError, **named):
    try:
        call(*args, **named)
    except kind as e:
        return differ(e.errno, err)
    return "did not fail"


# --- against the headers

def printed_by_c(expressions):
    """What C says of integer expressions."""
    lines = "".join(f'printf("%llu\\n", (unsigned long long)({e}));' for e in expressions)
    code = f"#include <stdio.h>\n#include <mailbox.h>\nint main(void) {{ {lines} return 0; }}\n"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*os.environ.get("CC", "cc").split(), "-Iinclude", "-I../uapi", "-xc", "-o", f"{folder}/a", "-"],
                       input=code.encode(), check=True)
        return [int(x) for x in subprocess.check_output(f"{folder}/a").split()]


def layout(structure, name):
    # A member that Python shows otherwise has an underscore.
    members = [field.lstrip("_") for field, _ in structure._fields_]
    here = [ctypes.sizeof(structure)]
    there = [f"sizeof(struct {name})"]
    for (field, kind), member in zip(structure._fields_, members):
        here += [getattr(structure, field).offset, ctypes.sizeof(kind)]
        there += [f"offsetof(struct {name}, {member})", f"sizeof(((struct {name} *)0)->{member})"]
    return differ(here, printed_by_c(there))


for structure, name in ((m._Attr, "mailbox_attr"), (m._Msg, "mailbox_msg"), (m._Result, "mailbox_result"),
                        (m.Info, "mailbox_info"), (m.Query, "mailbox_query")):
    ok(f"struct {name} is laid out as in C", lambda: layout(structure, name))

constants = sorted(n for n, v in vars(m).items() if n.isupper() and isinstance(v, int))
ok("there are constants", lambda: None if len(constants) > 30 else len(constants))
ok("constants are those of C", lambda: differ([getattr(m, n) for n in constants],
                                              printed_by_c(["MAILBOX_" + n for n in constants])))

header = re.sub(r"/\*.*?\*/", "", open("include/mailbox.h").read(), flags=re.S)
prototypes = dict(re.findall(r"(mailbox_\w+)\(([^()]*)\);", header))
declared = {f.__name__: f for f in vars(m).values() if getattr(f, "__name__", "").startswith("mailbox_")}
ok("functions are declared", lambda: None if len(declared) > 25 else len(declared))
for name, function in sorted(declared.items()):
    ok(f"{name}() has as many arguments as in C",
       lambda: differ(len(function.argtypes), prototypes[name].count(",") + 1))

# --- against the stub

port = m.create("jobs", os.O_RDWR | os.O_NONBLOCK, message_size=100000, capacity=4, lanes=2, mode=0o660,
                flags=m.DIRECT | m.EXCLUSIVE, peer_pid=77, max_deliveries=9, dead_letter="dead", limit=4)
info = port.info()
ok("create hands on all attributes", lambda: differ(
    (info.name, info.message_size, info.capacity, info.lanes, info.mode, info.flags, info.receiver, info.endpoint,
     info.max_deliveries, info.dead_letter, info.limit),
    ("jobs", 100000, 4, 2, 0o660, m.DIRECT | m.EXCLUSIVE, 77, os.O_RDWR | os.O_NONBLOCK, 9, "dead", 4)))
ok("64 bits are 64 bits", lambda: differ(info.map_bytes, 1 << 40))
ok("create of a nameless port", lambda: differ(m.create().info().name, ""))
ok("an error has its errno", lambda: fails(errno.EEXIST, m.create, "taken", kind=FileExistsError))
ok("open of no port", lambda: fails(errno.ENOENT, m.open, "nowhere", kind=FileNotFoundError))
port = m.create("jobs", message_size=100000)
ok("open", lambda: differ(m.open("jobs", os.O_RDONLY).info().endpoint, os.O_RDONLY))
ok("reopen", lambda: differ(port.reopen(os.O_WRONLY).info().endpoint, os.O_WRONLY))
ok("from_fd", lambda: differ(m.from_fd(7).fileno(), 7))
ok("from_fd of none", lambda: fails(errno.EBADF, m.from_fd, -1))
ok("fileno", lambda: differ(port.fileno(), 42))
ok("set_lanes", lambda: port.set_lanes(0x80000001, 31))
ok("set_lanes of none", lambda: fails(errno.EINVAL, port.set_lanes, 0))
ok("take_end", lambda: port.take_end(m.END_SEND))
ok("take_end of another's", lambda: fails(errno.EBUSY, port.take_end, m.END_RECEIVE))
ok("delete", lambda: m.delete("jobs", purge=True))
ok("delete without purge", lambda: fails(errno.EPERM, m.delete, "jobs", kind=PermissionError))
ok("errors are told in the library's words", lambda: differ(str(m._error(errno.EIDRM, "x")),
                                                            f"[Errno {errno.EIDRM}] port deleted: 'x'"))
ok("ports", lambda: differ([(p.name, p.depth) for p in m.ports()], [("a", 0), ("b", 7)]))
ok("query", lambda: differ((m.query().features, m.query().lanes_max), (1 << 40, 32)))

ok("send", lambda: differ(port.send(b"hello\0world", lane=1, tag=1 << 50, timeout=1.5), None))
ok("a timeout is seconds", lambda: differ(stub.stub_deadline(), 1500))
ok("look", lambda: differ(port.look().data, b"hello\0world"))
ok("look farther", lambda: fails(errno.EAGAIN, port.look, 1, kind=BlockingIOError))
message = port.receive(timeout=0.0001, lease=2)
ok("the smallest timeout is one", lambda: differ(stub.stub_deadline(), 1))
ok("receive tells all", lambda: differ(
    (message.data, message.lane, message.tag, message.ticket, message.sender, message.pid, message.uid, message.gid),
    (b"hello\0world", 1, 1 << 50, 1 << 40, 11, 12, 13, 14)))
ok("a lease has its time", lambda: differ(message.lost, 2000))
ok("status", lambda: differ((bool(message.status & m.MSG_REDELIVERED), message.attempts), (True, 2)))
ok("nothing there", lambda: fails(errno.EAGAIN, port.receive, timeout=0, kind=BlockingIOError))
ok("0 does not wait", lambda: differ(stub.stub_deadline(), m.NO_WAIT))
port.send(b"")
ok("None waits for ever", lambda: differ(stub.stub_deadline(), m.FOREVER))
ok("an empty message", lambda: differ(port.receive().data, b""))
port.send(b"x" * 100000)
ok("a message longer than the first buffer", lambda: differ(port.receive().data, b"x" * 100000))
port.send(b"hello")
short = port.receive(size=3)
ok("a part of a message", lambda: differ((short.data, short.length), (b"hel", 5)))
stub.stub_interrupt(3)
port.send(b"a")
ok("an interrupted send goes on", lambda: differ(port.look().data, b"a"))
stub.stub_interrupt(3)
ok("an interrupted receive goes on", lambda: differ(port.receive().data, b"a"))
for _ in range(8):
    port.send(b"x")
ok("full", lambda: fails(errno.EAGAIN, port.send, b"x", timeout=0, kind=BlockingIOError))
ok("time is over", lambda: fails(errno.ETIMEDOUT, port.send, b"x", timeout=1, kind=TimeoutError))
for _ in range(8):
    port.receive()

ticket = port.send(b"work", tag=9, receipt=True)
message = port.receive(lease=0)
ok("a receipt is asked for", lambda: differ(message.status & m.SEND_RECEIPT, m.SEND_RECEIPT))
ok("a ticket names the message", lambda: differ((ticket.lane, ticket.ticket), (3, 1 << 40)))
ok("ticket_status", lambda: differ(port.ticket_status(ticket).outcome, m.TAKEN))
ok("extend", lambda: message.extend(3))
ok("... by so much", lambda: differ(stub.stub_deadline(), 3000))
ok("extend without an end", lambda: message.extend() or differ(stub.stub_deadline(), 0))
ok("nack", lambda: message.nack() or differ(stub.stub_deadline(), m.NACK))
ok("nack to the back", lambda: message.nack(back=True) or differ(stub.stub_deadline(), m.NACK_BACK))
message.ack()
result = port.wait_receipt(timeout=0)
ok("a receipt without a reply", lambda: differ((result.outcome, result.data, result.tag), (m.ACKED, None, 9)))
message.reply(b"done")
result = port.wait_ticket(ticket, timeout=1)
ok("a receipt with a reply", lambda: differ(
    (result.outcome, result.data, result.receiver, result.pid, result.uid, result.gid, result.time),
    (m.REPLIED, b"done", 21, 22, 23, 24, 1 << 41)))
ok("no such ticket", lambda: fails(errno.ESTALE, port.wait_ticket, m.Ticket(0, 0)))
ok("no such lease", lambda: fails(errno.ESTALE, m.Message.ack, m.Message(port, m._Msg(), b"")))
ok("receipt_eventfd", lambda: port.receipt_eventfd(43))
ok("receipt_eventfd of none", lambda: fails(errno.EINVAL, port.receipt_eventfd, 44))
stub.stub_interrupt(2)
ok("call", lambda: differ(port.call(b"question", tag=4, timeout=2).data, b"an answer"))
ok("call that nobody took", lambda: fails(errno.ETIMEDOUT, port.call, b"nobody", timeout=1, kind=TimeoutError))
ok("call that somebody has", lambda: fails(errno.EINPROGRESS, port.call, b"slow", timeout=1, kind=m.InProgress))
try:
    port.call(b"slow", timeout=1)
except m.InProgress as e:
    ok("... and its ticket", lambda ticket=e.ticket: differ((ticket.lane, ticket.ticket), (5, 99)))
ok("call with too much", lambda: fails(errno.EMSGSIZE, port.call, b"x" * 100001))
with port:
    pass
ok("closed behind with", lambda: differ(port._mb, None))
print(f"1..{count}")
sys.exit(failed)
