# SPDX-License-Identifier: MIT
"""Message ports between processes: libmailbox for Python, by ctypes.

    import libmailbox

    with libmailbox.create("jobs") as jobs:
        jobs.send(b"hello")
        print(jobs.receive(timeout=5).data)
    libmailbox.delete("jobs")

A Mailbox is one endpoint: one open file on a port. Errors are OSError with the errno of
the library and its words: BlockingIOError for EAGAIN, TimeoutError for ETIMEDOUT,
FileNotFoundError for ENOENT; of a port that was deleted, errno is EIDRM. A call that
fails has done nothing.

Times are in seconds: None waits for ever, 0 does not wait. A call that a signal
interrupts goes on when the handler has returned, unless that raises. Threads may use one
Mailbox at the same time, except to close, map or unmap it.

What the calls do is in libmailbox(3); to send and receive bytes alone takes no module at
all, but os.open(), os.write(), os.read() and select.poll() on /dev/mailbox/NAME.
"""
import ctypes
import errno
import math
import os
from ctypes import POINTER, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint32, c_uint64, c_void_p

NO_WAIT = 0
FOREVER = 2**64 - 1
LANE_DEFAULT = 2**32 - 1

# Of a port, for create().
SEALED = 1 << 0
AUTODELETE = 1 << 1
DIRECT = 1 << 2
DROP_NEWEST = 1 << 3
DROP_OLDEST = 1 << 4
EXCLUSIVE = 1 << 31

DELETE_PURGE = 1 << 0
SEND_RECEIPT = 1 << 3
SEND_SYNC = 1 << 4
RECV_TRUNCATE = 1 << 1
RECV_LEASE = 1 << 3

# Message.status
MSG_TRUSTED = 1 << 16
MSG_TRUNCATED = 1 << 17
MSG_REDELIVERED = 1 << 18
MSG_RECEIPT = 1 << 19
MSG_DEPARTED_SHIFT = 24

# Result.outcome and Result.reason
QUEUED, TAKEN, RECEIVED, ACKED, REPLIED, DISCARDED, RECEIVER_DIED = range(7)
REASON_PURGED = 1
REASON_LOST = 2
REASON_DROPPED = 3
REASON_MOVED = 4

NACK = 3
NACK_BACK = 4
END_SEND = 1
END_RECEIVE = 2


class _Attr(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in
                ("message_size", "capacity", "lanes", "mode", "flags", "peer_pid",
                 "max_deliveries", "limit")] + [("dead_letter", c_char_p)]


class _Msg(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t), ("length", c_size_t),
                ("flags", c_uint32), ("lane", c_uint32), ("tag", c_uint64),
                ("ticket", c_uint64), ("status", c_uint32), ("sender", c_uint32),
                ("pid", c_uint32), ("uid", c_uint32), ("gid", c_uint32),
                ("lost", c_uint32), ("lease", c_uint64)]


class _Result(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t), ("length", c_size_t),
                ("lane", c_uint32), ("ticket", c_uint64), ("tag", c_uint64),
                ("time", c_uint64), ("outcome", c_uint32), ("reason", c_uint32),
                ("receiver", c_uint32), ("pid", c_uint32), ("uid", c_uint32),
                ("gid", c_uint32)]


class _Record(ctypes.Structure):
    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n, _ in self._fields_)})"


class Info(_Record):
    """Attributes and statistics of a port: struct mailbox_info of mailbox(4)."""
    _fields_ = [(name, c_uint32) for name in
                ("size", "flags", "message_size", "capacity", "lanes", "mode", "uid", "gid",
                 "state", "endpoint", "receive_mask", "default_lane", "endpoints",
                 "waiting_senders", "waiting_receivers", "depth")] + \
               [(name, c_uint64) for name in
                ("bytes", "messages_sent", "messages_received", "messages_dropped",
                 "redelivered", "quarantined", "map_bytes")] + \
               [(name, c_uint32) for name in
                ("mappings", "owner", "sender", "receiver", "leased", "limit")] + \
               [("messages_moved", c_uint64), ("max_deliveries", c_uint32), ("dead_endpoint", c_uint32),
                ("_name", c_char * 64), ("_dead_letter", c_char * 64)]

    @property
    def name(self):
        return self._name.decode()

    @property
    def dead_letter(self):
        return self._dead_letter.decode()


class Query(_Record):
    """What the loaded module can do: struct mailbox_query of mailbox(4)."""
    _fields_ = [("size", c_uint32), ("max_ports", c_uint32), ("features", c_uint64),
                ("max_port_bytes", c_uint64), ("max_user_bytes", c_uint64),
                ("user_bytes", c_uint64), ("ports", c_uint32), ("message_max", c_uint32),
                ("capacity_max", c_uint32), ("lanes_max", c_uint32)]


_lib = ctypes.CDLL(os.environ.get("LIBMAILBOX", "libmailbox.so.0"), use_errno=True)
_libc = ctypes.CDLL(None)
_libc.free.argtypes = [c_void_p]
_libc.free.restype = None


def _declare(result, name, *arguments):
    function = getattr(_lib, name)
    function.restype = result
    function.argtypes = arguments
    return function


_handle = c_void_p
_create = _declare(_handle, "mailbox_create", c_char_p, POINTER(_Attr), c_int)
_open = _declare(_handle, "mailbox_open", c_char_p, c_int)
_reopen = _declare(_handle, "mailbox_reopen", _handle, c_int)
_from_fd = _declare(_handle, "mailbox_from_fd", c_int)
_close = _declare(None, "mailbox_close", _handle)
_delete = _declare(c_int, "mailbox_delete", c_char_p, c_uint32)
_send_msg = _declare(c_int, "mailbox_send_msg", _handle, POINTER(_Msg), c_uint64)
_receive_msg = _declare(c_int, "mailbox_receive_msg", _handle, POINTER(_Msg), c_uint64)
_look = _declare(c_int, "mailbox_look", _handle, c_uint, POINTER(_Msg))
_deadline_ms = _declare(c_uint64, "mailbox_deadline_ms", c_int)
_call = _declare(c_int, "mailbox_call", _handle, POINTER(_Msg), POINTER(_Result), c_uint64)
_wait_receipt = _declare(c_int, "mailbox_wait_receipt", _handle, POINTER(_Result), c_uint64)
_wait_ticket = _declare(c_int, "mailbox_wait_ticket", _handle, POINTER(_Msg), POINTER(_Result), c_uint64)
_ticket_status = _declare(c_int, "mailbox_ticket_status", _handle, POINTER(_Msg), POINTER(_Result))
_receipt_eventfd = _declare(c_int, "mailbox_receipt_eventfd", _handle, c_int)
_ack = _declare(c_int, "mailbox_ack", _handle, POINTER(_Msg))
_nack = _declare(c_int, "mailbox_nack", _handle, POINTER(_Msg), c_uint32)
_reply = _declare(c_int, "mailbox_reply", _handle, POINTER(_Msg), c_char_p, c_size_t)
_extend = _declare(c_int, "mailbox_extend", _handle, POINTER(_Msg), c_uint64)
_map = _declare(c_int, "mailbox_map", _handle)
_unmap = _declare(None, "mailbox_unmap", _handle)
_take_end = _declare(c_int, "mailbox_take_end", _handle, c_uint32)
_fd = _declare(c_int, "mailbox_fd", _handle)
_set_lanes = _declare(c_int, "mailbox_set_lanes", _handle, c_uint32, c_uint32)
_info = _declare(c_int, "mailbox_info", _handle, POINTER(Info))
_list = _declare(c_int, "mailbox_list", POINTER(POINTER(Info)))
_query = _declare(c_int, "mailbox_query", POINTER(Query))
_strerror = _declare(c_char_p, "mailbox_strerror", c_int)


def _error(err, name=None):
    return OSError(err, _strerror(err).decode(), name)


def _check(result, name=None):
    """A negative errno value raises; anything else is the result."""
    if result < 0:
        raise _error(-result, name)
    return result


def _again(function, *arguments):
    """As Python's own calls: a signal whose handler did not raise is no error."""
    while True:
        result = function(*arguments)
        if result != -errno.EINTR:
            return _check(result)


def _deadline(timeout):
    if timeout is None:
        return FOREVER
    return _deadline_ms(max(1, math.ceil(timeout * 1000)) if timeout > 0 else 0)


class InProgress(OSError):
    """A call was sent, and is not finished: a receiver has it. wait_ticket(ticket) goes on."""

    def __init__(self, ticket):
        super().__init__(errno.EINPROGRESS, _strerror(errno.EINPROGRESS).decode())
        self.ticket = ticket


class Ticket:
    """The name of a message that was sent: lane and number."""

    def __init__(self, lane, ticket):
        self.lane, self.ticket = lane, ticket

    def _msg(self):
        return _Msg(lane=self.lane, ticket=self.ticket)

    def __repr__(self):
        return f"Ticket(lane={self.lane}, ticket={self.ticket})"


class Message(Ticket):
    """A message that was received: data, lane, tag, ticket, status, sender, pid, uid, gid, lost.

    One that was received with a lease is finished by ack() or reply(), or given back by nack().
    """

    def __init__(self, mailbox, msg, data):
        super().__init__(msg.lane, msg.ticket)
        self._mailbox = mailbox
        self.data = data
        for name in ("length", "tag", "status", "sender", "pid", "uid", "gid", "lost"):
            setattr(self, name, getattr(msg, name))

    @property
    def attempts(self):
        """How many receivers had it before, and died or gave it back."""
        return self.status >> MSG_DEPARTED_SHIFT

    def ack(self):
        _check(_ack(self._mailbox._mb, self._msg()))

    def reply(self, data):
        data = bytes(data)
        _check(_reply(self._mailbox._mb, self._msg(), data, len(data)))

    def nack(self, back=False):
        _check(_nack(self._mailbox._mb, self._msg(), NACK_BACK if back else NACK))

    def extend(self, seconds=None):
        _check(_extend(self._mailbox._mb, self._msg(), 0 if seconds is None else _deadline(seconds)))

    def __repr__(self):
        return f"Message({self.data!r}, lane={self.lane}, tag={self.tag}, ticket={self.ticket})"


class Result(Ticket):
    """What became of a message: outcome, reason, data (the reply), tag, time, receiver, pid, uid, gid."""

    def __init__(self, result, data):
        super().__init__(result.lane, result.ticket)
        self.data = data
        for name in ("length", "tag", "time", "outcome", "reason", "receiver", "pid", "uid", "gid"):
            setattr(self, name, getattr(result, name))

    def __repr__(self):
        return f"Result(outcome={self.outcome}, data={self.data!r}, lane={self.lane}, ticket={self.ticket})"


class Mailbox:
    """An endpoint of a port: see create(), open(), from_fd()."""

    _FIRST = 65536      # a longer message takes a second try

    def __init__(self, mb, name=None):
        if not mb:
            raise _error(ctypes.get_errno(), name)
        self._mb = mb
        self.message_size = self.info().message_size

    def close(self):
        mb, self._mb = self._mb, None
        _close(mb)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_mb", None):
            self.close()

    def fileno(self):
        """The descriptor: a Mailbox may be given to select.poll() and the like."""
        return _fd(self._mb)

    def reopen(self, oflags=os.O_RDWR):
        """Another endpoint of the same port."""
        return Mailbox(_reopen(self._mb, oflags))

    def info(self):
        info = Info()
        _check(_info(self._mb, info))
        return info

    def set_lanes(self, receive_mask=2**32 - 1, default_lane=0):
        _check(_set_lanes(self._mb, receive_mask, default_lane))

    def take_end(self, end):
        """Of a direct port: END_SEND or END_RECEIVE."""
        _check(_take_end(self._mb, end))

    def map(self):
        """From here on plain sends and receives go through shared memory."""
        _check(_map(self._mb))

    def unmap(self):
        _unmap(self._mb)

    # The bytes of a message are kept by the caller as long as the _Msg is in use.
    def _outgoing(self, data, lane, tag, flags):
        data = bytes(data)
        return data, _Msg(data=ctypes.cast(c_char_p(data), c_void_p), length=len(data), lane=lane, tag=tag,
                          flags=flags)

    def send(self, data, lane=LANE_DEFAULT, tag=0, timeout=None, receipt=False):
        """Send bytes as one message. With receipt: returns its Ticket, and wait_receipt() tells."""
        keep, msg = self._outgoing(data, lane, tag, SEND_RECEIPT if receipt else 0)
        _again(_send_msg, self._mb, msg, _deadline(timeout))
        return Ticket(msg.lane, msg.ticket) if receipt else None

    def _with_buffer(self, structure, take):
        """take(structure) with a buffer that is large enough; the bytes that it stored."""
        size = min(self.message_size, self._FIRST)
        while True:
            buffer = (c_char * max(size, 1))()
            structure.data, structure.size = ctypes.addressof(buffer), size
            result = take(structure)
            if result == -errno.EINTR:
                continue
            if result != -errno.EMSGSIZE or structure.length <= size:
                return result, buffer
            size = structure.length

    def receive(self, timeout=None, lease=None, size=None):
        """Receive a Message. lease: seconds, or 0 for one that has no end. size: bytes to keep of it."""
        msg = _Msg(flags=0 if lease is None else RECV_LEASE)
        if lease:
            msg.lease = _deadline(lease)
        return self._take(msg, size, lambda m, deadline=_deadline(timeout): _receive_msg(self._mb, m, deadline))

    def look(self, index=0, size=None):
        """The Message that index others come before, which stays in the port."""
        return self._take(_Msg(), size, lambda m: _look(self._mb, index, m))

    def _take(self, msg, size, take):
        if size is None:
            length, buffer = self._with_buffer(msg, take)
        else:
            buffer = (c_char * max(size, 1))()
            msg.data, msg.size, msg.flags = ctypes.addressof(buffer), size, msg.flags | RECV_TRUNCATE
            length = _again(take, msg)
        _check(length)
        return Message(self, msg, bytes(memoryview(buffer)[:length]))

    def call(self, data, lane=LANE_DEFAULT, tag=0, timeout=None):
        """Send, and wait until the message is finished: a Result, with the reply if there is one.

        TimeoutError: nobody had it. InProgress: somebody has it still.
        """
        deadline = _deadline(timeout)
        keep, msg = self._outgoing(data, lane, tag, 0)
        if len(keep) > self.message_size:
            raise _error(errno.EMSGSIZE)
        # A reply may be as long as a message: no second try, for that would be a second call.
        buffer = (c_char * max(self.message_size, 1))()
        result = _Result(data=ctypes.addressof(buffer), size=self.message_size)
        while True:
            err = _call(self._mb, msg, result, deadline)
            if err == -errno.EINPROGRESS:
                raise InProgress(Ticket(msg.lane, msg.ticket))
            if err != -errno.EINTR:
                break
        _check(err)
        return self._result(result, buffer)

    @staticmethod
    def _result(result, buffer):
        replied = result.outcome == REPLIED
        return Result(result, bytes(memoryview(buffer)[:result.length]) if replied else None)

    def wait_receipt(self, timeout=None):
        """The Result of the message that is finished next, of those sent with receipt."""
        deadline, result = _deadline(timeout), _Result()
        err, buffer = self._with_buffer(result, lambda r: _wait_receipt(self._mb, r, deadline))
        _check(err)
        return self._result(result, buffer)

    def wait_ticket(self, ticket, timeout=None):
        """The Result of one message."""
        deadline, result = _deadline(timeout), _Result()
        err, buffer = self._with_buffer(result, lambda r: _wait_ticket(self._mb, ticket._msg(), r, deadline))
        _check(err)
        return self._result(result, buffer)

    def receipt_eventfd(self, fd):
        """Signal this eventfd when there is a receipt to read; -1: no longer."""
        _check(_receipt_eventfd(self._mb, fd))

    def ticket_status(self, ticket):
        """How it stands with a message now; takes no receipt away. data is None."""
        result = _Result()
        _check(_ticket_status(self._mb, ticket._msg(), result))
        return Result(result, None)


def create(name=None, oflags=os.O_RDWR, *, message_size=0, capacity=0, lanes=0, mode=0, flags=0, peer_pid=0,
           max_deliveries=0, dead_letter=None, limit=0):
    """Make a port and open it; an existing one is opened unless flags has EXCLUSIVE. None: nameless."""
    attr = _Attr(message_size, capacity, lanes, mode, flags, peer_pid, max_deliveries, limit,
                 None if dead_letter is None else os.fsencode(dead_letter))
    return Mailbox(_create(None if name is None else os.fsencode(name), attr, oflags), name)


def open(name, oflags=os.O_RDWR):
    """Open a port that exists."""
    return Mailbox(_open(os.fsencode(name), oflags), name)


def from_fd(fd):
    """A Mailbox of a descriptor that came from elsewhere, and is the Mailbox's now."""
    return Mailbox(_from_fd(fd))


def delete(name, purge=False):
    """End a named port; purge discards what is left."""
    _check(_delete(os.fsencode(name), DELETE_PURGE if purge else 0), name)


def ports():
    """The Info of all named ports."""
    array = POINTER(Info)()
    count = _check(_list(array))
    try:
        return [Info.from_buffer_copy(array[i]) for i in range(count)]
    finally:
        _libc.free(array)


def query():
    """The Query of the loaded module."""
    result = Query()
    _check(_query(result))
    return result
