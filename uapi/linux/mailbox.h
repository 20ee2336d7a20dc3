/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * mailbox: named message ports between processes.
 *
 * A port is a queue of messages that any number of processes send to and
 * receive from without knowing each other. Named ports are character devices,
 * /dev/mailbox/NAME; nameless ones live as long as a file descriptor on them.
 *
 *	create	  MAILBOX_IOC_CREATE on /dev/mailbox/control
 *	send	  write(2): one write, one message; or MAILBOX_IOC_SEND
 *	receive	  read(2): one read, one message; or MAILBOX_IOC_RECEIVE
 *	delete	  MAILBOX_IOC_DELETE on /dev/mailbox/control
 *	evict	  MAILBOX_IOC_EVICT on /dev/mailbox/control: take a mapping away from
 *		  a process that is stuck; MAILBOX_IOC_HOLDER tells which one is
 *	map	  mmap(2) of a port opened O_RDWR: its slots, to send and receive by
 *		  <linux/mailbox_ring.h>; of any port PROT_READ alone: to watch
 *
 * Rules that hold for every structure here, but for the elements of arrays:
 *
 * - The first member, @size, is sizeof() the structure as the caller knows it.
 *   A larger one is accepted if everything the kernel does not know is zero
 *   (E2BIG otherwise); a smaller one than the first published is EINVAL.
 * - Unknown flags and non-zero padding are EINVAL.
 * - Pointers and times are __u64; times are nanoseconds.
 * - The layout is the same for 32-bit and 64-bit programs.
 *
 * What errors mean, one meaning each:
 *
 *	EAGAIN	   would block; to send with a receipt: read those that are there
 *	EINTR	   a signal came first; nothing happened
 *	EINPROGRESS  a synchronous send: accepted, and its receipt will follow
 *	ESTALE	   no such ticket, or not this endpoint's: its receipt was read already,
 *		   or its lease is over
 *	EPIPE	   to reply: who would read it is gone
 *	EOPNOTSUPP  to reply: nobody asked for a receipt
 *	EREMOTE	   in place: the next message is not in the mapping: receive it plainly
 *	ETIMEDOUT  the deadline passed; nothing happened
 *	EIDRM	   the port was deleted (and holds nothing more to receive)
 *	EMSGSIZE   message too long, or buffer too short (the message is kept); to create:
 *		   longer than the dead-letter port takes
 *	EFAULT	   bad pointer; nothing was lost
 *	ECANCELED  the notice was taken back, or there is none of that id
 *	EDQUOT	   the user's memory for ports is used up
 *	ENOSPC	   too many ports, or too many endpoints on one port
 *	ENOMEM	   the kernel, or the memory cgroup, has no memory left
 *	EEXIST	   the name is taken
 *	ENOENT	   no port of that name
 *	ENXIO	   a device node whose port is gone
 *	EACCES	   the port's mode bits say no
 *	EPERM	   not the owner, and no CAP_IPC_OWNER; to map: the port is sealed; to
 *		   open: a direct port is for its creator and another process
 *	EBUSY	   the place is taken: this endpoint is mapped already; the end of a
 *		   direct port is somebody else's, or both ends are; somebody has
 *		   registered for a notice
 *	EPIPE	   the other end of a direct port was closed
 *	ECONNRESET likewise, and there were messages left unread: told once
 *	ENOTCONN   this endpoint is not mapped
 *	ESHUTDOWN  this endpoint was evicted: it is not mapped again
 *	ESRCH	   the port has no mapping of that endpoint, or no further one; there
 *		   is no process of that number
 *	EBADF	   the descriptor is not open for this direction, or is none
 *	EPROTO	   the ring was found inconsistent at one slot
 *	EOPNOTSUPP not on this kind of port
 *	E2BIG	   a newer structure with a tail that is not zero
 *	EINVAL	   bad name, size, lane, flag or padding
 *	ENOTTY	   unknown ioctl
 */
#ifndef _UAPI_LINUX_MAILBOX_H
#define _UAPI_LINUX_MAILBOX_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Limits that are part of the interface. */
#define MAILBOX_NAME_MAX	63		/* characters of a name, without the NUL */
#define MAILBOX_NAME_SIZE	64
#define MAILBOX_MESSAGE_MAX	(16U << 20)	/* bytes of one message */
#define MAILBOX_CAPACITY_MIN	2U		/* messages per lane, a power of two */
#define MAILBOX_CAPACITY_MAX	65536U
#define MAILBOX_LANES_MAX	32U
#define MAILBOX_ENDPOINTS_MAX	65534U		/* endpoint ids are 1..65534 */
#define MAILBOX_RECEIPTS_MAX	4096U		/* receipts of one endpoint that were not read */
#define MAILBOX_DELIVERIES_MAX	255U		/* of one message, as far as they are counted */

/* What a zero in struct mailbox_create stands for. */
#define MAILBOX_MESSAGE_SIZE_DEFAULT	8192U
#define MAILBOX_CAPACITY_DEFAULT	16U
#define MAILBOX_LANES_DEFAULT		1U
#define MAILBOX_MODE_DEFAULT		0600U

/* Deadlines, in ns of CLOCK_MONOTONIC (or _REALTIME with the flag). */
#define MAILBOX_NO_WAIT		0ULL		/* EAGAIN at once */
#define MAILBOX_FOREVER		(~0ULL)

/* Port flags, fixed at creation. */
#define MAILBOX_SEALED		(1U << 0)	/* never mappable: senders can be trusted */
#define MAILBOX_AUTODELETE	(1U << 1)	/* deleted with its last close */
#define MAILBOX_DIRECT		(1U << 2)	/* one sender, one receiver: see MAILBOX_IOC_END */
#define MAILBOX_DROP_NEWEST	(1U << 3)	/* a message to a full lane is dropped */
#define MAILBOX_DROP_OLDEST	(1U << 4)	/* it takes the place of the oldest one there */

/* struct mailbox_create.flags beside the port flags. */
#define MAILBOX_EXCLUSIVE	(1U << 31)	/* EEXIST if it exists; without this it is opened */

/**
 * struct mailbox_create - MAILBOX_IOC_CREATE: make a port and open it
 * @size: sizeof(struct mailbox_create)
 * @flags: MAILBOX_SEALED and so on, one of MAILBOX_DROP_* at most, and
 *	MAILBOX_EXCLUSIVE. Not MAILBOX_DROP_OLDEST with MAILBOX_DIRECT
 * @message_size: largest message in bytes; 0 means the default
 * @capacity: messages per lane, a power of two; 0 means the default
 * @lanes: number of lanes; 0 means the default
 * @mode: permission bits, less the caller's umask; 0 means 0600
 * @open_flags: O_RDONLY, O_WRONLY or O_RDWR, with O_NONBLOCK and O_CLOEXEC
 * @fd: out: the new descriptor
 * @peer_pid: MAILBOX_DIRECT: who may open it beside the creator, in the caller's pid
 *	namespace; 0: whoever the mode bits let
 * @max_deliveries: how often a message is delivered in vain before it is given up, up to
 *	MAILBOX_DELIVERIES_MAX; 0: as often as it takes
 * @name: NUL-terminated, the rest zero; empty for a nameless port
 * @limit: messages at most, in all lanes together; not more than @capacity, and with
 *	MAILBOX_SEALED; 0: as many as the lanes hold
 * @pad2: zero
 * @dead_letter: the port where messages go that are given up, which exists; NUL-terminated,
 *	the rest zero; empty: none. Only with @max_deliveries
 *
 * If the name exists and %MAILBOX_EXCLUSIVE is not given, the existing port is
 * opened, as open(2) would, and the attributes here are not looked at beyond
 * their validity.
 *
 * A port with a limit is full when it holds so many messages, whatever their lanes, and
 * its writers poll for that. It drops none and has no receipts, no leases and no
 * @max_deliveries (EOPNOTSUPP, or EINVAL here), and can tell a process that a message has
 * come to the empty port: see MAILBOX_IOC_NOTIFY.
 *
 * Delivered in vain: to a receiver who held it, by a lease or in a mapping, and was
 * closed, killed or evicted, let the lease's deadline pass, or gave it back. A receive that
 * failed (EFAULT, EMSGSIZE) is no delivery; but one in place that failed is, for the message
 * was in the mapping. After @max_deliveries of these a message does not come again. With
 * @dead_letter it moves there, with its tag and the count of deliveries, to the same lane or
 * the highest there is; without, nobody will have it, and it is counted as dropped. Its
 * sender's receipt is MAILBOX_RECEIVER_DIED either way.
 *
 * The dead-letter port is looked for once, when this one is made: ENOENT, EACCES if the
 * caller may not send to it, EMSGSIZE if its messages are shorter than this port's, and
 * EOPNOTSUPP if it is a direct port, or has @limit or @max_deliveries itself. What comes
 * there was sent by the creator of this port, by an endpoint that MAILBOX_IOC_INFO of this
 * one names. As long as there is no slot for it (of a port that drops the oldest is
 * dropped), and when that port has been deleted, a message that cannot move comes again as
 * if it might for ever.
 */
struct mailbox_create {
	__u32 size;
	__u32 flags;
	__u32 message_size;
	__u32 capacity;
	__u32 lanes;
	__u32 mode;
	__u32 open_flags;
	__s32 fd;
	__u32 peer_pid;
	__u32 max_deliveries;
	char name[MAILBOX_NAME_SIZE];
	__u32 limit;
	__u32 pad2;
	char dead_letter[MAILBOX_NAME_SIZE];
};

/**
 * struct mailbox_open - MAILBOX_IOC_OPEN: open a port by name
 * @size: sizeof(struct mailbox_open)
 * @open_flags: as in struct mailbox_create
 * @fd: out: the new descriptor
 * @pad: zero
 * @name: NUL-terminated, the rest zero
 *
 * For programs that see only the control node, as in a container. The mode
 * bits given at creation are checked against the caller.
 *
 * On a descriptor of a port it opens that port once more, which may be nameless, as
 * another endpoint; @name is empty then. EIDRM: it was deleted.
 */
struct mailbox_open {
	__u32 size;
	__u32 open_flags;
	__s32 fd;
	__u32 pad;
	char name[MAILBOX_NAME_SIZE];
};

/* struct mailbox_delete.flags */
#define MAILBOX_DELETE_PURGE	(1U << 0)	/* discard what is queued */
#define MAILBOX_DELETE_UNLINK	(1U << 1)	/* end the name alone */

/**
 * struct mailbox_delete - MAILBOX_IOC_DELETE: end a named port
 * @size: sizeof(struct mailbox_delete)
 * @flags: MAILBOX_DELETE_PURGE or MAILBOX_DELETE_UNLINK
 * @name: NUL-terminated, the rest zero
 *
 * The name is free when the call returns. Senders, sleeping or new, get EIDRM.
 * Receivers take what is left, nothing after a purge, and get EIDRM then. With
 * MAILBOX_DELETE_UNLINK the port lives on as a nameless one, for those who have it open.
 */
struct mailbox_delete {
	__u32 size;
	__u32 flags;
	char name[MAILBOX_NAME_SIZE];
};

/**
 * struct mailbox_evict - MAILBOX_IOC_EVICT: take a mapping away
 * @size: sizeof(struct mailbox_evict)
 * @endpoint: whose, see MAILBOX_IOC_HOLDER
 * @name: of the port; NUL-terminated, the rest zero
 *
 * For the port's owner, or with CAP_IPC_OWNER: against a mapped process that is alive
 * but stuck. When the call returns nobody writes through that mapping any more, what
 * it had claimed is void, and what it had taken comes to another receiver. Its next
 * touch is a SIGBUS, in the buffer of a system call EFAULT. The endpoint goes on by
 * system call, but is not mapped again (ESHUTDOWN); others of that process may be.
 */
struct mailbox_evict {
	__u32 size;
	__u32 endpoint;
	char name[MAILBOX_NAME_SIZE];
};

/**
 * struct mailbox_holder - MAILBOX_IOC_HOLDER: a mapped endpoint, and what it holds
 * @size: sizeof(struct mailbox_holder)
 * @endpoint: in: the lowest id to look at; out: the one found
 * @pid: out: the process that mapped it, in the caller's pid namespace (0 if it has no
 *	number there)
 * @uid: out: its effective uid, in the caller's user namespace
 * @writing: out: slots that it has claimed and not yet published
 * @reading: out: messages that it has taken and not yet released
 * @lane: out: where the one of these lies that others have been waiting for longest;
 *	if nobody waits, the oldest of the highest lane
 * @pad: zero
 * @ticket: out: its number in the lane
 * @blocks_ns: out: how long others, asleep in system calls, have had it in their way:
 *	receivers of what is behind it, senders who need its slot. 0: nobody. Counted
 *	from when the first of them met it, or from when this was asked first
 * @name: of the port; NUL-terminated, the rest zero
 *
 * For whom the mode bits let receive (EACCES). ESRCH: no endpoint from @endpoint on is
 * mapped; to see all, ask for one more than was answered until then.
 */
struct mailbox_holder {
	__u32 size;
	__u32 endpoint;
	__u32 pid;
	__u32 uid;
	__u32 writing;
	__u32 reading;
	__u32 lane;
	__u32 pad;
	__u64 ticket;
	__u64 blocks_ns;
	char name[MAILBOX_NAME_SIZE];
};

/* struct mailbox_message.flags, given with a send */
#define MAILBOX_SEND_REALTIME	(1U << 0)	/* the deadline is CLOCK_REALTIME */
#define MAILBOX_SEND_IN_PLACE	(1U << 2)	/* claim a slot for the mapping, no more */
#define MAILBOX_SEND_RECEIPT	(1U << 3)	/* tell me what becomes of it */
#define MAILBOX_SEND_SYNC	(1U << 4)	/* the same, and wait for that */
/* ... with a receive */
#define MAILBOX_RECV_REALTIME	(1U << 0)	/* the deadline is CLOCK_REALTIME */
#define MAILBOX_RECV_TRUNCATE	(1U << 1)	/* a short buffer gets the first part, no more */
#define MAILBOX_RECV_IN_PLACE	(1U << 2)	/* take the message for the mapping, copy nothing */
#define MAILBOX_RECV_LEASE	(1U << 3)	/* not finished before MAILBOX_IOC_FINISH says so */
#define MAILBOX_RECV_FINISH	(1U << 4)	/* finish another one first: see @receipt */
#define MAILBOX_RECV_LARGEST	(1U << 8)	/* EMSGSIZE if not every message would fit */
/* ... answered by a receive */
#define MAILBOX_MSG_TRUSTED	(1U << 16)	/* nobody could have forged sender, pid, uid, gid */
#define MAILBOX_MSG_TRUNCATED	(1U << 17)	/* longer than the buffer: see @length */
#define MAILBOX_MSG_REDELIVERED	(1U << 18)	/* it was delivered before, in vain */
#define MAILBOX_MSG_RECEIPT	(1U << 19)	/* its sender will be told what becomes of it */
/* ... and how often, up to MAILBOX_DELIVERIES_MAX: flags >> MAILBOX_MSG_DEPARTED_SHIFT */
#define MAILBOX_MSG_DEPARTED_SHIFT 24

#define MAILBOX_LANE_DEFAULT	(~0U)		/* send on the endpoint's default lane */

/**
 * struct mailbox_message - MAILBOX_IOC_SEND, MAILBOX_IOC_RECEIVE and MAILBOX_IOC_PEEK
 * @size: sizeof(struct mailbox_message)
 * @flags: in: MAILBOX_SEND_* or MAILBOX_RECV_*; out of a receive: MAILBOX_MSG_*
 * @data: address of the message, or of the buffer for it; may be 0 if @length is
 * @length: send: bytes; receive: size of the buffer in, length of the message
 *	out (also when the call fails with EMSGSIZE, which keeps the message). Out of a
 *	send that fails with ECONNRESET: how many messages were left unread
 * @lane: send: lane or MAILBOX_LANE_DEFAULT, with a receipt or in place also out;
 *	receive: 0 in, the lane out
 * @tag: send: any number that travels with the message; receive: 0 in, the tag out
 * @deadline: absolute time in ns until which to wait, MAILBOX_NO_WAIT or
 *	MAILBOX_FOREVER. O_NONBLOCK on the descriptor means MAILBOX_NO_WAIT.
 * @ticket: out: number of the message in its lane, from 0; of a send that fails: 0 or
 *	what it would have been
 * @sender: out of a receive: endpoint id of the sender, unique within the port
 * @pid: out of a receive: the process that opened the sending endpoint, in the
 *	receiver's pid namespace (0 if it has no number there)
 * @uid: out of a receive: its effective uid, in the receiver's user namespace
 * @gid: out of a receive: its effective gid, likewise
 * @receipt: with MAILBOX_SEND_SYNC: address of a struct mailbox_receipt to be filled
 *	in, or 0; with MAILBOX_SEND_RECEIPT alone 0; with MAILBOX_RECV_FINISH: address of a
 *	struct mailbox_finish; else not looked at
 * @lost: out of a receive: how many messages of the lane were dropped, and not told
 *	of yet
 * @index: to peek: how many messages come before it; else not looked at
 * @lease: with MAILBOX_RECV_LEASE: when it ends, in ns of CLOCK_MONOTONIC, or 0 for
 *	never; else not looked at
 *
 * Output members are ignored on the way in; those that a call does not answer
 * are not touched.
 *
 * A synchronous send returns 0 when the message is finished, and @receipt says how.
 * ETIMEDOUT, EINTR, EIDRM, and at a direct port EPIPE, mean that it was taken back and that
 * nobody ever had it. If the time comes while a receiver has it in his hands, and with
 * MAILBOX_NO_WAIT or O_NONBLOCK at once, it is EINPROGRESS, with the ticket:
 * MAILBOX_IOC_RECEIPT goes on from there. So it does when the reply is too long for
 * its buffer (EMSGSIZE) or @receipt is a bad address (EFAULT): the receipt is kept.
 *
 * On a port that drops, a send to a full lane succeeds at once; but one that wants a
 * receipt waits for its slot under MAILBOX_DROP_NEWEST.
 *
 * With a lease the message is the receiver's for the time being, @lane and @ticket are its
 * name, and MAILBOX_IOC_FINISH says what becomes of it. When the endpoint is closed, its
 * process killed, or the time over, it goes to the next receiver at once, with
 * MAILBOX_MSG_REDELIVERED and one more in the count; or it is given up, see
 * struct mailbox_create.max_deliveries.
 *
 * With MAILBOX_RECV_FINISH, which goes with MAILBOX_RECV_LEASE, @receipt says first what
 * becomes of another message that this endpoint has, as MAILBOX_IOC_FINISH would: so a server
 * needs one call for an answer and the next question. If that cannot be, the error is as of
 * that call and nothing else has happened; if it can, struct mailbox_finish.how becomes
 * MAILBOX_FINISHED, whatever the receive says then: any error is the receive's, and the same
 * call made again, for a signal as well, finishes nothing twice.
 *
 * MAILBOX_IOC_PEEK tells what a receive would, but for @lost, of the message that @index
 * others come before in the order in which this endpoint would receive them, the highest
 * lane first; and it takes nothing. @flags may have MAILBOX_RECV_TRUNCATE; @lane, @tag
 * and @deadline are zero, for it does not wait. Messages in another receiver's hands do
 * not count. EAGAIN: there are not so many; EIDRM and EPIPE, as of a receive, if there
 * are none and none will come. It tells of one moment: others may take the message before
 * the call returns, and it is told whole all the same; but who maps the port can change
 * its bytes meanwhile. When the call fails, anything may be in the buffer.
 *
 * In place, for a mapped endpoint: @data, @length and @tag are zero. A send gives
 * the slot of message @ticket of @lane, claimed; it is the caller's to fill, and
 * to publish or discard. A receive gives the slot of a message, taken; it is the
 * caller's to read and to release. See <linux/mailbox_ring.h>.
 */
struct mailbox_message {
	__u32 size;
	__u32 flags;
	__u64 data;
	__u32 length;
	__u32 lane;
	__u64 tag;
	__u64 deadline;
	__u64 ticket;
	__u32 sender;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 lost;
	__u32 index;
	__u64 receipt;
	__u64 lease;
};

/**
 * struct mailbox_exchange - MAILBOX_IOC_EXCHANGE: send, then receive, by one call
 * @size: sizeof(struct mailbox_exchange)
 * @fd: a descriptor of the endpoint that sends, of this port or another; -1: this one
 * @sent: in: 0, or 1: it was sent already; out: whether it was
 * @pad: zero
 * @send: address of a struct mailbox_message, as for MAILBOX_IOC_SEND, but without
 *	MAILBOX_SEND_SYNC
 * @receive: address of another one, as for MAILBOX_IOC_RECEIVE
 *
 * On the endpoint that receives. If the message cannot be sent the error is as of
 * MAILBOX_IOC_SEND, @sent is 0, and nothing else has happened. If it can, @sent becomes 1,
 * whatever the receive says then: any error is the receive's, and the same call made again,
 * for a signal as well, sends nothing twice. Each has its own flags and deadline.
 */
struct mailbox_exchange {
	__u32 size;
	__s32 fd;
	__u32 sent;
	__u32 pad;
	__u64 send;
	__u64 receive;
};

/**
 * struct mailbox_vector - one message of a batch
 * @data: address of the message, or of the buffer for it; may be 0 if @length is
 * @length: send: bytes; receive: size of the buffer in, length of the message out
 * @lane: send: lane or MAILBOX_LANE_DEFAULT; out of a receive: the lane
 */
struct mailbox_vector {
	__u64 data;
	__u32 length;
	__u32 lane;
};

/**
 * struct mailbox_detail - what else there is to say of one message of a batch
 * @tag: send: any number that travels with the message; out of a receive: the tag
 * @ticket: out: number of the message in its lane, from 0; of one that was dropped 0
 * @flags: out of a receive, as is all that follows: MAILBOX_MSG_*
 * @sender: as in struct mailbox_message
 * @pid: likewise
 * @uid: likewise
 * @gid: likewise
 * @lost: likewise
 */
struct mailbox_detail {
	__u64 tag;
	__u64 ticket;
	__u32 flags;
	__u32 sender;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__u32 lost;
};

/**
 * struct mailbox_batch - MAILBOX_IOC_SEND_BATCH and MAILBOX_IOC_RECEIVE_BATCH
 * @size: sizeof(struct mailbox_batch)
 * @flags: MAILBOX_SEND_REALTIME; or MAILBOX_RECV_REALTIME and MAILBOX_RECV_TRUNCATE
 * @vectors: address of @count struct mailbox_vector
 * @details: address of @count struct mailbox_detail, or 0: nobody wants to know. Then a
 *	message that was truncated is longer than its buffer was
 * @deadline: as in struct mailbox_message; of a receive: for the first message
 * @count: how many messages, at most 2^31 - 1; 0 is nothing to do. Out of a send that
 *	fails with ECONNRESET: how many were left unread
 * @pad: zero
 *
 * As so many calls of MAILBOX_IOC_SEND or MAILBOX_IOC_RECEIVE, one after the other. A send
 * waits for room until all are sent; a receive waits for the first message, and takes
 * what there is then. Each ends at the first message that cannot be sent or stored,
 * which is not sent, or stays where it is. Others' messages may come in between.
 * EOPNOTSUPP: the port has a limit, see struct mailbox_create.
 *
 * Return: how many were sent or received, the first ones; an error, as of a single
 * message, only if none was (EMSGSIZE of a receive: @length of the first vector tells the
 * message's). What was in the vectors and details of the others may have changed.
 */
struct mailbox_batch {
	__u32 size;
	__u32 flags;
	__u64 vectors;
	__u64 details;
	__u64 deadline;
	__u32 count;
	__u32 pad;
};

/* What became of a message: struct mailbox_receipt.outcome */
#define MAILBOX_QUEUED		0U		/* nobody has taken it yet */
#define MAILBOX_TAKEN		1U		/* a receiver has it, or had it and gave it back */
#define MAILBOX_RECEIVED	2U
#define MAILBOX_ACKED		3U		/* by the holder of a lease */
#define MAILBOX_REPLIED		4U		/* the same, with a reply */
#define MAILBOX_DISCARDED	5U		/* nobody will have it: see reason */
#define MAILBOX_RECEIVER_DIED	6U		/* given up after max_deliveries: see reason */

/* struct mailbox_receipt.reason */
#define MAILBOX_REASON_PURGED	1U		/* the port was deleted with MAILBOX_DELETE_PURGE */
#define MAILBOX_REASON_LOST	2U		/* by a mapping that broke the rules */
#define MAILBOX_REASON_DROPPED	3U		/* its lane was full: MAILBOX_DROP_OLDEST */
#define MAILBOX_REASON_MOVED	4U		/* it is in the dead-letter port */

/* struct mailbox_receipt.flags */
#define MAILBOX_RECEIPT_REALTIME (1U << 0)	/* the deadline is CLOCK_REALTIME */
#define MAILBOX_RECEIPT_TICKET	(1U << 1)	/* that of @lane and @ticket, no other */
#define MAILBOX_RECEIPT_STATUS	(1U << 2)	/* how is it now? Do not wait, and keep it */

/**
 * struct mailbox_receipt - MAILBOX_IOC_RECEIPT: what became of a message
 * @size: sizeof(struct mailbox_receipt)
 * @flags: MAILBOX_RECEIPT_*. Without _TICKET the one that is finished first
 * @data: address of a buffer for the reply; may be 0 if @length is
 * @length: in: size of the buffer; out: of the reply (also when the call fails with
 *	EMSGSIZE, which keeps the receipt)
 * @lane: of the message; in with MAILBOX_RECEIPT_TICKET, out without
 * @ticket: likewise
 * @deadline: as in struct mailbox_message; 0 with MAILBOX_RECEIPT_STATUS
 * @tag: out: as it was sent
 * @time: out: when it was finished, in ns of CLOCK_MONOTONIC
 * @outcome: out: MAILBOX_RECEIVED and so on; with MAILBOX_RECEIPT_STATUS also
 *	MAILBOX_QUEUED and MAILBOX_TAKEN
 * @reason: out: MAILBOX_REASON_* of MAILBOX_DISCARDED; MAILBOX_REASON_MOVED, or 0 if nobody will
 *	have it, of MAILBOX_RECEIVER_DIED; else 0
 * @receiver: out: endpoint id of the receiver, of the last one if several had it; 0 if
 *	there is none to tell of
 * @pid: out: the process that opened that endpoint, in the caller's pid namespace
 * @uid: out: its effective uid, in the caller's user namespace
 * @gid: out: its effective gid, likewise
 *
 * For the endpoint that sent the message with MAILBOX_SEND_RECEIPT or _SYNC. A receipt
 * is reserved with the send, so it cannot fail for want of memory later; who has
 * MAILBOX_RECEIPTS_MAX messages out, finished or not, and reads none of their receipts,
 * can send no more of the kind (EAGAIN). POLLPRI and SIGIO tell when there is one.
 * ESTALE: no such message, or its receipt was read. EPIPE: of a direct port, the receiver
 * has gone, and no receipt is there. EIDRM: the port was deleted, no
 * receipt is there, and no receiver has a message in his hands.
 */
struct mailbox_receipt {
	__u32 size;
	__u32 flags;
	__u64 data;
	__u32 length;
	__u32 lane;
	__u64 ticket;
	__u64 deadline;
	__u64 tag;
	__u64 time;
	__u32 outcome;
	__u32 reason;
	__u32 receiver;
	__u32 pid;
	__u32 uid;
	__u32 gid;
};

/**
 * struct mailbox_eventfd - MAILBOX_IOC_EVENTFD: be told of receipts by an eventfd
 * @size: sizeof(struct mailbox_eventfd)
 * @fd: from eventfd(2); -1: no longer
 *
 * It is signalled, by 1, when a receipt comes that MAILBOX_IOC_RECEIPT can read, and when
 * none can come any more; at once if that is so already. Not for what a synchronous send
 * tells itself. So who reads the eventfd, then all receipts that there are, misses
 * none; how many there are its value does not tell, for a receipt that could not be
 * stored is there again. An endpoint has one at most, kept after @fd is closed, and shared
 * by all who have the endpoint open. EBADF: no descriptor; EINVAL: not an eventfd.
 */
struct mailbox_eventfd {
	__u32 size;
	__s32 fd;
};

/* struct mailbox_finish.how */
#define MAILBOX_FINISHED	0U		/* it was, by MAILBOX_RECV_FINISH: nothing to do */
#define MAILBOX_ACK		1U		/* done */
#define MAILBOX_REPLY		2U		/* done, and this is the answer */
#define MAILBOX_NACK		3U		/* not done: to the next receiver, before others */
#define MAILBOX_NACK_BACK	4U		/* not done: behind what is queued now */
#define MAILBOX_EXTEND		5U		/* more time */

/**
 * struct mailbox_finish - MAILBOX_IOC_FINISH: what becomes of a leased message
 * @size: sizeof(struct mailbox_finish)
 * @how: MAILBOX_ACK and so on; with MAILBOX_RECV_FINISH also MAILBOX_FINISHED: there is
 *	nothing to do, and nothing else here is looked at; out of that MAILBOX_FINISHED
 * @data: MAILBOX_REPLY: address of the reply; may be 0 if @length is; else 0
 * @length: MAILBOX_REPLY: bytes, at most the port's message_size; else 0
 * @lane: of the message
 * @ticket: likewise
 * @deadline: MAILBOX_EXTEND: when the lease ends now, as struct mailbox_message.lease;
 *	else 0
 *
 * ESTALE: this endpoint has no such lease, or no longer. A reply to one who wanted no
 * receipt is EOPNOTSUPP, and to one who is gone EPIPE: the lease goes on, to be finished
 * otherwise. A reply of up to 64 bytes takes no memory.
 */
struct mailbox_finish {
	__u32 size;
	__u32 how;
	__u64 data;
	__u32 length;
	__u32 lane;
	__u64 ticket;
	__u64 deadline;
};

/**
 * struct mailbox_set_lanes - MAILBOX_IOC_SET_LANES: what this endpoint uses
 * @size: sizeof(struct mailbox_set_lanes)
 * @receive_mask: bit n: receive from, poll for and be woken for lane n; not zero
 * @default_lane: where write(2) and MAILBOX_LANE_DEFAULT send, and POLLOUT looks
 * @pad: zero
 *
 * A new endpoint receives from all lanes and sends on lane 0. The mask may
 * name only lanes that the port has; ~0 stands for all of them.
 */
struct mailbox_set_lanes {
	__u32 size;
	__u32 receive_mask;
	__u32 default_lane;
	__u32 pad;
};

/**
 * struct mailbox_kick - MAILBOX_IOC_KICK: an event happened in the mapping
 * @size: sizeof(struct mailbox_kick)
 * @receivers: bit n: lane n has something for a receiver
 * @senders: bit n: lane n has a slot for a sender
 * @pad: zero
 *
 * Whoever waits and is concerned is woken, as after a send or a receive by system
 * call. For endpoints opened O_RDWR (EBADF for others).
 */
struct mailbox_kick {
	__u32 size;
	__u32 receivers;
	__u32 senders;
	__u32 pad;
};

/* struct mailbox_end.end */
#define MAILBOX_END_SEND	1U
#define MAILBOX_END_RECEIVE	2U

/**
 * struct mailbox_end - MAILBOX_IOC_END: take an end of a direct port
 * @size: sizeof(struct mailbox_end)
 * @end: MAILBOX_END_SEND or MAILBOX_END_RECEIVE
 *
 * A port made with MAILBOX_DIRECT has one sending and one receiving end, and at most
 * two endpoints (a third is EBUSY). Who opens it O_WRONLY or O_RDONLY takes that end;
 * who opens it O_RDWR, by the first send or receive, or by this call, or when the
 * other endpoint takes the other one. It is kept until the endpoint is closed; using
 * the other one is EBUSY. To send or receive through a mapping, take the end first.
 *
 * When the sender is closed, the receiver takes what is left; then read(2) gives 0
 * and MAILBOX_IOC_RECEIVE EPIPE, until there is another sender. When the receiver is
 * closed, sends give EPIPE, but the first one ECONNRESET if messages were left unread,
 * until there is another receiver, who takes what was left. EOPNOTSUPP: not a direct
 * port.
 */
struct mailbox_end {
	__u32 size;
	__u32 end;
};

/* struct mailbox_notify.how */
#define MAILBOX_NOTIFY_REGISTER	1U		/* this process is to be told */
#define MAILBOX_NOTIFY_WAIT	2U		/* sleep until it is */
#define MAILBOX_NOTIFY_CANCEL	3U		/* it is not to be told any more */
#define MAILBOX_NOTIFY_HOLD	4U		/* it is to be told, and held from then on */
#define MAILBOX_NOTIFY_DONE	5U		/* it is held no longer */

/**
 * struct mailbox_notify - MAILBOX_IOC_NOTIFY: be told that a message has come
 * @size: sizeof(struct mailbox_notify)
 * @how: MAILBOX_NOTIFY_*
 * @id: out of MAILBOX_NOTIFY_REGISTER and _HOLD; in with MAILBOX_NOTIFY_WAIT and _DONE, else 0
 * @pid: out of MAILBOX_NOTIFY_WAIT: the process that sent the message, or that had waited for
 *	it and has left it, in the caller's pid namespace
 * @uid: out of MAILBOX_NOTIFY_WAIT: its real uid, in the caller's user namespace
 *
 * On a port with a limit (EOPNOTSUPP on others) one process is told, once, when a message
 * comes while the port is empty and nobody sleeps for it; after that another may
 * register (until then EBUSY). What a process has registered, and what it was told and has not
 * fetched by MAILBOX_NOTIFY_WAIT, ends when it closes a descriptor of the port, or by
 * MAILBOX_NOTIFY_CANCEL, which is no error if there is none: ECANCELED for whoever waits.
 *
 * A process that is told by a thread of its own, which sends it a signal then, registers by
 * MAILBOX_NOTIFY_HOLD, and calls MAILBOX_NOTIFY_DONE when that is sent. Between the message and
 * that, or the close of a descriptor, MAILBOX_IOC_SEND and MAILBOX_IOC_RECEIVE of this process
 * on the port do not begin, and do not return with success, O_NONBLOCK or not. So the signal
 * is there before the process has the message and could sleep for another. A signal that comes
 * while they wait to begin is handled before the call, which is not interrupted by it.
 */
struct mailbox_notify {
	__u32 size;
	__u32 how;
	__u64 id;
	__u32 pid;
	__u32 uid;
};

/* struct mailbox_info.state */
#define MAILBOX_STATE_LIVE	0U
#define MAILBOX_STATE_DELETED	1U		/* receivers take what is left */

/**
 * struct mailbox_info - MAILBOX_IOC_INFO: attributes and statistics of a port
 * @size: sizeof(struct mailbox_info)
 * @flags: port flags
 * @message_size: bytes
 * @capacity: messages per lane
 * @lanes: number of lanes
 * @mode: permission bits
 * @uid: owner, in the caller's user namespace
 * @gid: group, likewise
 * @state: MAILBOX_STATE_*
 * @endpoint: this endpoint's id
 * @receive_mask: this endpoint's lanes
 * @default_lane: this endpoint's default lane
 * @endpoints: open endpoints on the port
 * @waiting_senders: asleep in a send
 * @waiting_receivers: asleep in a receive
 * @depth: messages queued
 * @bytes: memory of the port, as charged to its owner
 * @messages_sent: accepted since creation
 * @messages_received: taken by receivers since creation
 * @messages_dropped: discarded by a purge, because their lane was full, or given up
 *	after @max_deliveries
 * @redelivered: left for the next receiver by one that could not store them, or
 *	departed
 * @quarantined: slots that held what no rule could have put there
 * @map_bytes: length of a mapping; 0: the port is sealed
 * @mappings: through which others send and receive
 * @owner: who this endpoint's mapping is, in the words of the slots; 0: not mapped
 * @sender: the endpoint that holds the sending end of a direct port; 0: none
 * @receiver: the receiving end, likewise
 * @leased: held by receivers who have yet to finish them: neither queued nor received
 * @limit: messages at most, whatever their lanes; 0: as many as the lanes hold
 * @messages_moved: given up, and moved to the dead-letter port
 * @max_deliveries: as in struct mailbox_create
 * @dead_endpoint: what this port is at its dead-letter port, where that tells its
 *	receivers who sent a message; 0: there is none, or it was deleted
 * @name: empty for a nameless port
 * @dead_letter: name of the dead-letter port, as it was given
 *
 * The counts are exact when nobody sends or receives meanwhile.
 */
struct mailbox_info {
	__u32 size;
	__u32 flags;
	__u32 message_size;
	__u32 capacity;
	__u32 lanes;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 state;
	__u32 endpoint;
	__u32 receive_mask;
	__u32 default_lane;
	__u32 endpoints;
	__u32 waiting_senders;
	__u32 waiting_receivers;
	__u32 depth;
	__u64 bytes;
	__u64 messages_sent;
	__u64 messages_received;
	__u64 messages_dropped;
	__u64 redelivered;
	__u64 quarantined;
	__u64 map_bytes;
	__u32 mappings;
	__u32 owner;
	__u32 sender;
	__u32 receiver;
	__u32 leased;
	__u32 limit;
	__u64 messages_moved;
	__u32 max_deliveries;
	__u32 dead_endpoint;
	char name[MAILBOX_NAME_SIZE];
	char dead_letter[MAILBOX_NAME_SIZE];
};

/* struct mailbox_query.features: one bit for each thing that was added later. */
#define MAILBOX_FEATURE_BASE	(1ULL << 0)	/* everything that has no bit of its own */
#define MAILBOX_FEATURE_DIRECT	(1ULL << 1)	/* MAILBOX_DIRECT */
#define MAILBOX_FEATURE_LIMIT	(1ULL << 2)	/* limits, and MAILBOX_IOC_NOTIFY */

/**
 * struct mailbox_query - MAILBOX_IOC_QUERY: what this module can do
 * @size: sizeof(struct mailbox_query)
 * @max_ports: module parameter
 * @features: MAILBOX_FEATURE_*
 * @max_port_bytes: module parameter: memory of one port
 * @max_user_bytes: module parameter: memory of all ports of one user
 * @user_bytes: charged to the calling user at this moment
 * @ports: existing at this moment
 * @message_max: MAILBOX_MESSAGE_MAX of the module
 * @capacity_max: MAILBOX_CAPACITY_MAX of the module
 * @lanes_max: MAILBOX_LANES_MAX of the module
 */
struct mailbox_query {
	__u32 size;
	__u32 max_ports;
	__u64 features;
	__u64 max_port_bytes;
	__u64 max_user_bytes;
	__u64 user_bytes;
	__u32 ports;
	__u32 message_max;
	__u32 capacity_max;
	__u32 lanes_max;
};

#define MAILBOX_IOC_TYPE	0xBB

/* on /dev/mailbox/control */
#define MAILBOX_IOC_QUERY	_IOWR(MAILBOX_IOC_TYPE, 0x00, struct mailbox_query)
#define MAILBOX_IOC_CREATE	_IOWR(MAILBOX_IOC_TYPE, 0x01, struct mailbox_create)
#define MAILBOX_IOC_OPEN	_IOWR(MAILBOX_IOC_TYPE, 0x02, struct mailbox_open)
#define MAILBOX_IOC_DELETE	_IOW(MAILBOX_IOC_TYPE, 0x03, struct mailbox_delete)
#define MAILBOX_IOC_EVICT	_IOW(MAILBOX_IOC_TYPE, 0x04, struct mailbox_evict)
#define MAILBOX_IOC_HOLDER	_IOWR(MAILBOX_IOC_TYPE, 0x05, struct mailbox_holder)
/* on a port */
#define MAILBOX_IOC_SEND	_IOWR(MAILBOX_IOC_TYPE, 0x10, struct mailbox_message)
#define MAILBOX_IOC_RECEIVE	_IOWR(MAILBOX_IOC_TYPE, 0x11, struct mailbox_message)
#define MAILBOX_IOC_INFO	_IOWR(MAILBOX_IOC_TYPE, 0x12, struct mailbox_info)
#define MAILBOX_IOC_SET_LANES	_IOW(MAILBOX_IOC_TYPE, 0x13, struct mailbox_set_lanes)
#define MAILBOX_IOC_KICK	_IOW(MAILBOX_IOC_TYPE, 0x14, struct mailbox_kick)
#define MAILBOX_IOC_END		_IOW(MAILBOX_IOC_TYPE, 0x15, struct mailbox_end)
#define MAILBOX_IOC_SEND_BATCH	_IOWR(MAILBOX_IOC_TYPE, 0x16, struct mailbox_batch)
#define MAILBOX_IOC_RECEIVE_BATCH _IOWR(MAILBOX_IOC_TYPE, 0x17, struct mailbox_batch)
#define MAILBOX_IOC_RECEIPT	_IOWR(MAILBOX_IOC_TYPE, 0x18, struct mailbox_receipt)
#define MAILBOX_IOC_FINISH	_IOW(MAILBOX_IOC_TYPE, 0x19, struct mailbox_finish)
#define MAILBOX_IOC_EVENTFD	_IOW(MAILBOX_IOC_TYPE, 0x1c, struct mailbox_eventfd)
#define MAILBOX_IOC_NOTIFY	_IOWR(MAILBOX_IOC_TYPE, 0x1b, struct mailbox_notify)
#define MAILBOX_IOC_PEEK	_IOWR(MAILBOX_IOC_TYPE, 0x1a, struct mailbox_message)
#define MAILBOX_IOC_EXCHANGE	_IOWR(MAILBOX_IOC_TYPE, 0x1d, struct mailbox_exchange)

#endif /* _UAPI_LINUX_MAILBOX_H */
