/* SPDX-License-Identifier: MIT */
/*
 * libmailbox: named message ports between processes.
 *
 *	struct mailbox *jobs = mailbox_create("jobs", NULL, O_WRONLY);
 *	mailbox_send(jobs, "hello", 5);
 *	mailbox_close(jobs);
 *
 *	struct mailbox *jobs = mailbox_open("jobs", O_RDONLY);
 *	int length = mailbox_receive(jobs, buffer, sizeof(buffer));
 *
 * A struct mailbox is one endpoint: one open file on a port. Whoever opens the
 * same name shares the port; nobody needs to know who else does.
 *
 * Rules that hold for every function here:
 *
 * - A function that returns a handle returns NULL and sets errno on failure.
 *   Every other one returns 0 or a count, or a negative errno value.
 *   <linux/mailbox.h> says what each errno means; mailbox_strerror() puts it
 *   in words.
 * - Descriptors are close-on-exec.
 * - The library starts no thread, installs no signal handler, prints nothing
 *   and keeps no state outside the handle. Threads may use one handle at the
 *   same time, except to close it, and except that a mapped end of a direct port
 *   is for one thread.
 * - Without the module the answer is ENODEV; without a free descriptor, of a call that
 *   opens something, EMFILE or ENFILE; from a module that is older than the library,
 *   and does not know what it is asked, E2BIG.
 */
#ifndef _MAILBOX_H
#define _MAILBOX_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/mailbox.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAILBOX_VERSION "0.1.0"

/* An endpoint. Free it with mailbox_close(). */
struct mailbox;

/**
 * struct mailbox_attr - what a new port is like; all zero means the defaults
 * @message_size: largest message in bytes; 0 means 8192
 * @capacity: messages per lane, a power of two; 0 means 16
 * @lanes: number of lanes, the higher the more urgent; 0 means 1
 * @mode: permission bits, less the umask; 0 means 0600
 * @flags: MAILBOX_SEALED, MAILBOX_AUTODELETE, MAILBOX_DIRECT, MAILBOX_DROP_NEWEST or
 *	MAILBOX_DROP_OLDEST, MAILBOX_EXCLUSIVE
 * @peer_pid: with MAILBOX_DIRECT: the one process that may open it beside its creator;
 *	0 means whoever the mode lets
 * @max_deliveries: how often a message is delivered in vain, to receivers who die with it
 *	or give it back, before it is given up; 0 means there is no limit
 * @limit: messages at most, in all lanes together: not more than @capacity, with MAILBOX_SEALED,
 *	and without MAILBOX_DIRECT, MAILBOX_DROP_* and @max_deliveries; 0: as many as the lanes hold
 * @dead_letter: with @max_deliveries: the port, which exists, where it goes then; NULL
 *	means that nobody will have it. See struct mailbox_create
 */
struct mailbox_attr {
	uint32_t message_size;
	uint32_t capacity;
	uint32_t lanes;
	uint32_t mode;
	uint32_t flags;
	uint32_t peer_pid;
	uint32_t max_deliveries;
	uint32_t limit;
	const char *dead_letter;
};

/**
 * struct mailbox_msg - a message with all there is to say about it
 * @data: send: the bytes; receive: the buffer. The caller's, always
 * @size: receive: bytes in the buffer. Not changed, not used by a send
 * @length: bytes in the message: set by the caller of a send, and by a receive
 *	(also when it fails with EMSGSIZE, to say how large a buffer it takes)
 * @flags: MAILBOX_SEND_* or MAILBOX_RECV_*. Not changed
 * @lane: send: the lane, or MAILBOX_LANE_DEFAULT; with MAILBOX_SEND_RECEIPT or _SYNC
 *	answered too, for with @ticket it is the message's name; receive: answered
 * @tag: send: any number, to travel with the message; receive: answered
 * @ticket: answered by both: the number of the message in its lane, from 0
 * @status: answered by a receive: MAILBOX_MSG_*
 * @sender: answered by a receive, as are the next three: the sender's endpoint
 *	on this port
 * @pid: the process that opened that endpoint; 0 if it has no number here
 * @uid: its effective user
 * @gid: its effective group
 * @lost: answered by a receive: how many messages of the lane were dropped, of which
 *	nobody has been told yet
 * @lease: receive with MAILBOX_RECV_LEASE: when the lease ends, as
 *	mailbox_deadline_ms(); 0: never. Not changed
 *
 * What a call does not answer it leaves alone, and no answer is read back:
 * one struct serves for a whole loop of receives.
 */
struct mailbox_msg {
	void *data;
	size_t size;
	size_t length;
	uint32_t flags;
	uint32_t lane;
	uint64_t tag;
	uint64_t ticket;
	uint32_t status;
	uint32_t sender;
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint32_t lost;
	uint64_t lease;
};

/**
 * struct mailbox_result - what became of a message
 * @data: a buffer for the reply, the caller's; NULL if @size is 0
 * @size: bytes in the buffer. Neither is changed
 * @length: answered, as is all that follows: bytes in the reply (also with -EMSGSIZE,
 *	to say how large a buffer it takes)
 * @lane: of the message, which has its name in this and the next
 * @ticket: its number in the lane
 * @tag: as it was sent
 * @time: when it was finished, in ns of CLOCK_MONOTONIC
 * @outcome: MAILBOX_RECEIVED, MAILBOX_ACKED, MAILBOX_REPLIED, MAILBOX_DISCARDED (nobody will
 *	have it) or MAILBOX_RECEIVER_DIED (once too often); of mailbox_ticket_status() also MAILBOX_QUEUED and MAILBOX_TAKEN
 * @reason: of MAILBOX_DISCARDED: MAILBOX_REASON_*; of MAILBOX_RECEIVER_DIED
 *	MAILBOX_REASON_MOVED if it is in the dead-letter port; else 0
 * @receiver: who finished it: the endpoint, 0 if there is none to tell of
 * @pid: the process that opened that endpoint; 0 if it has no number here
 * @uid: its effective user
 * @gid: its effective group
 */
struct mailbox_result {
	void *data;
	size_t size;
	size_t length;
	uint32_t lane;
	uint64_t ticket;
	uint64_t tag;
	uint64_t time;
	uint32_t outcome;
	uint32_t reason;
	uint32_t receiver;
	uint32_t pid;
	uint32_t uid;
	uint32_t gid;
};

/* Ports: create, open, delete */

/**
 * mailbox_create() - make a port and open it
 * @name: 1 to 63 of A-Z a-z 0-9 . _ - not beginning with a dot and not
 *	"control"; NULL makes a nameless port, which lives as long as a
 *	descriptor on it
 * @attr: what it is like; NULL means the defaults
 * @oflags: O_RDONLY to receive, O_WRONLY to send, O_RDWR for both, each with
 *	or without O_NONBLOCK
 *
 * If the name exists already that port is opened, attributes unseen, unless
 * @attr has MAILBOX_EXCLUSIVE.
 *
 * Return: a handle. NULL with errno: EEXIST, EINVAL, EACCES, EDQUOT, ENOSPC,
 * ENOMEM, ENODEV; of a direct port also EBUSY, EPERM, ESRCH; with a dead-letter port, of
 * that, also ENOENT, EACCES (the caller may not send to it), EMSGSIZE (its messages are
 * shorter), EOPNOTSUPP (it is direct, or has max_deliveries itself).
 */
struct mailbox *mailbox_create(const char *name,
			       const struct mailbox_attr *attr, int oflags);

/**
 * mailbox_open() - open a port that exists
 * @name: as for mailbox_create(), but not NULL
 * @oflags: as for mailbox_create()
 *
 * Works as well where only /dev/mailbox/control can be seen, as in a container.
 *
 * Return: a handle. NULL with errno: ENOENT, EINVAL, EACCES, ENXIO, ENOSPC,
 * ENOMEM, ENODEV; of a direct port also EBUSY (the end is taken, or both are) and EPERM
 * (it is for another process).
 */
struct mailbox *mailbox_open(const char *name, int oflags);

/**
 * mailbox_reopen() - another endpoint of the same port
 * @mb: handle
 * @oflags: as for mailbox_create()
 *
 * The way to a second endpoint of a nameless port. The port's mode is asked.
 *
 * Return: a handle. NULL with errno: EINVAL, EACCES, EIDRM, ENOSPC, ENOMEM; of a direct
 * port also EBUSY, EPERM.
 */
struct mailbox *mailbox_reopen(struct mailbox *mb, int oflags);

/**
 * mailbox_from_fd() - make a handle of a descriptor that came from elsewhere
 * @fd: an open port, inherited or received by SCM_RIGHTS
 *
 * The descriptor becomes the handle's, and close-on-exec. If the call fails it
 * stays the caller's, unchanged. Descriptors that were duplicated, by fork too,
 * are one endpoint.
 *
 * Return: a handle. NULL with errno: ENOTTY if @fd is not a port, EBADF, ENOMEM.
 */
struct mailbox *mailbox_from_fd(int fd);

/**
 * mailbox_close() - close an endpoint and free its handle
 * @mb: handle, or NULL for nothing to do
 *
 * Messages sent stay in the port. errno is left as it was.
 */
void mailbox_close(struct mailbox *mb);

/**
 * mailbox_delete() - end a named port
 * @name: its name
 * @flags: 0: receivers may take what is left; MAILBOX_DELETE_PURGE: discard it
 *
 * The name is free at once. Senders, and receivers when nothing is left, are
 * woken and get EIDRM.
 *
 * Return: 0, -ENOENT, -EPERM, -EINVAL or -ENODEV.
 */
int mailbox_delete(const char *name, uint32_t flags);

/* Messages */

/**
 * mailbox_send() - send one message
 * @mb: handle
 * @buf: the bytes
 * @len: how many; 0 is a message too
 *
 * Waits for a free place unless the endpoint is O_NONBLOCK.
 *
 * Return: 0, -EAGAIN, -EINTR, -EMSGSIZE, -EIDRM, -EBADF or -EFAULT; of a direct port
 * also -EBUSY, -EPIPE, -ECONNRESET. Nothing was sent unless it is 0.
 */
int mailbox_send(struct mailbox *mb, const void *buf, size_t len);

/**
 * mailbox_receive() - receive one message
 * @mb: handle
 * @buf: where to
 * @size: bytes there are in @buf
 *
 * Waits for a message unless the endpoint is O_NONBLOCK. A message that does
 * not fit stays where it is; a buffer of the port's message_size fits all.
 *
 * Return: length of the message, which may be 0; or -EAGAIN, -EINTR, -EMSGSIZE,
 * -EIDRM, -EBADF or -EFAULT, of a direct port also -EBUSY, and no message is lost.
 */
int mailbox_receive(struct mailbox *mb, void *buf, size_t size);

/**
 * mailbox_send_msg() - send one message with lane, tag and deadline
 * @mb: handle
 * @msg: data, length, flags, lane and tag are read, ticket is written, and lane where
 *	a receipt is wanted
 * @deadline: how long to wait for a place, see mailbox_deadline_ms()
 *
 * With MAILBOX_SEND_RECEIPT it returns as soon as the message is sent, and its
 * receipt comes to this handle: see mailbox_wait_receipt(). With MAILBOX_SEND_SYNC it is
 * mailbox_call() without a result. Both go by system call, mapped or not.
 *
 * Return: as mailbox_send(), or -ETIMEDOUT, or -EINVAL for a lane that the port
 * does not have and flags that mean nothing. With a receipt also -ENOMEM, and -EAGAIN, at
 * whatever deadline, from who has MAILBOX_RECEIPTS_MAX receipts to come or to read; with
 * MAILBOX_SEND_SYNC also -EINPROGRESS.
 */
int mailbox_send_msg(struct mailbox *mb, struct mailbox_msg *msg,
		     uint64_t deadline);

/**
 * mailbox_receive_msg() - receive one message with all that is known of it
 * @mb: handle
 * @msg: data, size, flags and lease are read, everything else is written
 * @deadline: how long to wait for a message, see mailbox_deadline_ms()
 *
 * With MAILBOX_RECV_LEASE the message is the caller's for the time being, and is
 * finished by mailbox_ack(), mailbox_reply() or mailbox_nack(), for which @msg is to
 * keep lane and ticket. It goes by system call, mapped or not.
 *
 * Return: bytes stored in @msg->data, which is @msg->length except with
 * MAILBOX_RECV_TRUNCATE; or as mailbox_receive(), -ETIMEDOUT or -EINVAL; of a lease also
 * -ENOMEM, and the message stays; at the end of a direct port -EPIPE.
 */
int mailbox_receive_msg(struct mailbox *mb, struct mailbox_msg *msg,
			uint64_t deadline);

/**
 * mailbox_send_receive() - send a message, and receive the next by the same call
 * @to: handle to send by
 * @out: as for mailbox_send_msg(), but without MAILBOX_SEND_SYNC
 * @from: handle to receive by: the same, with other lanes, or of another port
 * @in: as for mailbox_receive_msg()
 * @pending: in: 1: @out is to be sent; 0: not, or no longer: only receive. Out: 1: it is
 *	still to be, for that has failed; 0: it was sent
 * @deadline: how long to wait, for room and then for the message
 *
 * A turn of two that talk by half the calls. Failing, it tells by @pending what has failed:
 * 1: the send, with an error of mailbox_send_msg(), and nothing was received; 0: the receive,
 * with an error of mailbox_receive_msg(), and the message is sent. Either way it may be called
 * again as it is.
 *
 * Mapped handles send and receive without the kernel, which is asked, once, if the other
 * one sleeps: to send, wake him, and wait; or only to wake him, as long as answers come
 * before we are asleep.
 *
 * Return: as mailbox_receive_msg(); or as mailbox_send(), or -ETIMEDOUT, -EINVAL or -ENOMEM as
 * of a send with lane, tag and receipt.
 */
int mailbox_send_receive(struct mailbox *to, struct mailbox_msg *out, struct mailbox *from,
			 struct mailbox_msg *in, int *pending, uint64_t deadline);

/**
 * mailbox_send_batch() - send several messages
 * @mb: handle
 * @msgs: as for mailbox_send_msg()
 * @count: how many; 0 is nothing to do
 * @deadline: how long to wait, all together
 *
 * Waits for places until all are sent. Mapped, messages in a row for one lane are
 * claimed and published by one step, and at most one receiver is woken for them,
 * who wakes the next. Other senders' messages may come in between all the same.
 *
 * Return: how many were sent, the first ones; an error as of mailbox_send_msg()
 * only if none was.
 */
int mailbox_send_batch(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
		       uint64_t deadline);

/**
 * mailbox_receive_batch() - receive several messages
 * @mb: handle
 * @msgs: as for mailbox_receive_msg()
 * @count: room in @msgs; 0 is nothing to do
 * @deadline: how long to wait for the first one
 *
 * Takes what there is.
 *
 * Return: how many were received; an error as of mailbox_receive_msg() only if
 * none was.
 */
int mailbox_receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
			  uint64_t deadline);

/**
 * mailbox_look() - see a message without receiving it
 * @mb: handle, opened to receive
 * @index: how many messages come before it: 0 is the one that a receive would give
 * @msg: data, size and flags (MAILBOX_RECV_TRUNCATE or 0) are read, everything else but
 *	lost and lease is written
 *
 * Takes nothing and does not wait. What it tells was true at one moment during the
 * call: another receiver may have the message by now. By system call, mapped or not.
 *
 * Return: bytes stored in @msg->data; -EAGAIN if there are not so many messages, -EMSGSIZE
 * with @msg->length, -EIDRM (deleted, and nothing left) or -EPIPE (likewise, of a direct
 * port) if there are none, -EINTR, -EINVAL, -EBADF or -EFAULT.
 */
int mailbox_look(struct mailbox *mb, unsigned int index, struct mailbox_msg *msg);

/**
 * mailbox_deadline_ms() - a deadline some time from now
 * @ms: milliseconds; 0 means do not wait, less than 0 wait for ever
 *
 * Return: ns of CLOCK_MONOTONIC, MAILBOX_NO_WAIT or MAILBOX_FOREVER. It is a
 * point in time: it holds for any number of calls, all together.
 */
uint64_t mailbox_deadline_ms(int ms);

/* Direct links */

/*
 * A port with MAILBOX_DIRECT has one sender and one receiver. Mapped by both, it is the
 * fastest way there is; and each is told when the other has gone:
 *
 * - A receiver gets what is left and then the end: mailbox_receive() returns 0, as for
 *   an empty message, mailbox_receive_msg() -EPIPE.
 * - A sender gets -EPIPE; the first time -ECONNRESET, if messages were left unread. No
 *   signal.
 *
 * Until another one opens that end. While an end is mapped, one thread at a time uses
 * it, and nobody uses it by its descriptor: for nothing else keeps two from the same slot.
 */

/**
 * mailbox_take_end() - hold one end of a direct port
 * @mb: handle, opened for that direction
 * @end: MAILBOX_END_SEND or MAILBOX_END_RECEIVE
 *
 * For an O_RDWR endpoint, before its first use decides: so that poll() knows.
 *
 * Return: 0, -EBUSY (it holds the other one, or somebody else this one), -EBADF, -EINVAL
 * or -EOPNOTSUPP (not a direct port).
 */
int mailbox_take_end(struct mailbox *mb, uint32_t end);

/**
 * struct mailbox_link - one of the two ends of a link in both directions
 * @send: what is sent here the other end receives
 * @receive: what the other end sends
 */
struct mailbox_link {
	struct mailbox *send;
	struct mailbox *receive;
};

/**
 * mailbox_pair() - a link between two, as socketpair() makes one
 * @link: both ends
 * @attr: of each of the two nameless direct ports; NULL means the defaults
 * @oflags: 0 or O_NONBLOCK
 *
 * Hand one end on by fork(), or its descriptors by SCM_RIGHTS, and close it here: as
 * long as anybody has it open the other one is not told that it has gone. Then each may
 * mailbox_map() what it has. Close each end by mailbox_close() of both its handles.
 *
 * Return: 0, -EINVAL, -EACCES (the mode keeps its owner out), -EDQUOT, -ENOSPC, -ENOMEM,
 * -ESRCH or -ENODEV.
 */
int mailbox_pair(struct mailbox_link link[2], const struct mailbox_attr *attr, int oflags);

/* What becomes of a message: its sender's side */

/**
 * mailbox_call() - send a message and wait until it is finished
 * @mb: handle
 * @msg: as for mailbox_send_msg()
 * @result: what became of it, with the reply if there is one; NULL: it does not matter,
 *	and a reply is dropped
 * @deadline: until when, for a place and for the end together
 *
 * The message is finished when a receiver has received it, or, if he took it with a
 * lease, when he acknowledges it or replies. A remote procedure call is this and
 * mailbox_reply(). It goes by system call, mapped or not.
 *
 * Return: 0: finished, and @result->outcome says how; MAILBOX_DISCARDED is possible too.
 * -ETIMEDOUT, -EINTR, -EIDRM: nobody ever had it, and nobody will. -EINPROGRESS: it is
 * sent, but a receiver had it in his hands when the time was over or a signal came, or it
 * was not to wait at all (MAILBOX_NO_WAIT, O_NONBLOCK); @msg has lane and ticket, and
 * mailbox_wait_ticket() goes on from there. -EMSGSIZE: with @result->length 0, or
 * without @result, the message was too long and not sent; otherwise the reply is, that long, and
 * kept for mailbox_wait_ticket() with a larger buffer. -EFAULT: @msg->data is bad and nothing
 * was sent, or @result->data is and the receipt is kept. -EAGAIN: no place, and not to
 * wait for one, or too many receipts. Of a direct port -EPIPE: taken back as well; -EBUSY,
 * -ECONNRESET. -EINVAL, -EBADF, -ENOMEM as mailbox_send_msg().
 */
int mailbox_call(struct mailbox *mb, struct mailbox_msg *msg, struct mailbox_result *result,
		 uint64_t deadline);

/**
 * mailbox_wait_receipt() - the next receipt, of whatever message
 * @mb: handle that sent it, with MAILBOX_SEND_RECEIPT or _SYNC
 * @result: data and size are read, all else is answered
 * @deadline: how long to wait, see mailbox_deadline_ms()
 *
 * Receipts come in the order in which messages are finished; each is told once, to
 * one thread. POLLPRI on mailbox_fd() says that there is one. Nobody asks whether a
 * message is under way: without one it waits as well.
 *
 * Return: 0. -EAGAIN: none yet. -ETIMEDOUT, -EINTR. -EIDRM: the port was deleted, and
 * none will come. -EMSGSIZE: @result->length is the reply's, and the receipt is kept, as it
 * is with -EFAULT. -EBADF: @mb cannot send. -EPIPE: the receiver of a direct port has gone,
 * and none will come.
 */
int mailbox_wait_receipt(struct mailbox *mb, struct mailbox_result *result, uint64_t deadline);

/**
 * mailbox_wait_ticket() - the receipt of one message, before others
 * @mb: handle that sent it
 * @msg: lane and ticket are read, as the send answered them; MAILBOX_SEND_REALTIME in
 *	its flags is for @deadline too
 * @result: as for mailbox_wait_receipt()
 * @deadline: likewise
 *
 * Return: as mailbox_wait_receipt(), or -ESTALE: this handle sent no such message with a
 * receipt, or its receipt has been told.
 */
int mailbox_wait_ticket(struct mailbox *mb, const struct mailbox_msg *msg,
			struct mailbox_result *result, uint64_t deadline);

/**
 * mailbox_ticket_status() - how it stands with a message now
 * @mb: handle that sent it
 * @msg: lane and ticket are read
 * @result: as for mailbox_wait_receipt(), but data and size are not used: the reply
 *	is only told by its length
 *
 * Never waits, and takes no receipt away.
 *
 * Return: 0, with @result->outcome; -ESTALE: as there; -EBADF.
 */
int mailbox_ticket_status(struct mailbox *mb, const struct mailbox_msg *msg,
			  struct mailbox_result *result);

/**
 * mailbox_receipt_eventfd() - be told of receipts by an eventfd
 * @mb: handle that sends
 * @fd: from eventfd(2); -1: no longer
 *
 * It is signalled when a receipt comes to this handle, and when none can come any more;
 * at once if that is so already. Read the eventfd, then all receipts that there are, by
 * mailbox_wait_receipt() with MAILBOX_NO_WAIT: its value does not tell how many. @fd stays
 * the caller's, and may be closed. A handle has one at most.
 *
 * Return: 0. -EBADF: @fd is no descriptor, or @mb cannot send; -EINVAL: it is not an
 * eventfd.
 */
int mailbox_receipt_eventfd(struct mailbox *mb, int fd);

/* ... and that of a receiver who has it with MAILBOX_RECV_LEASE */

/**
 * mailbox_ack() - this message is done
 * @mb: handle that received it
 * @msg: lane and ticket are read, as the receive answered them
 *
 * A sender who wanted a receipt is told MAILBOX_ACKED.
 *
 * Return: 0. -ESTALE: @mb has no lease of such a message, or no longer: its time was
 * over, and another receiver may have it. -EBADF: @mb cannot receive.
 */
int mailbox_ack(struct mailbox *mb, const struct mailbox_msg *msg);

/**
 * mailbox_nack() - it is not done: give it to another receiver
 * @mb: handle that received it
 * @msg: lane and ticket are read
 * @how: MAILBOX_NACK: before all others of its lane; MAILBOX_NACK_BACK: behind those that
 *	are queued now
 *
 * It comes with MAILBOX_MSG_REDELIVERED and one more in the count, as after a death:
 * who never succeeds should look at @msg->status >> MAILBOX_MSG_DEPARTED_SHIFT.
 *
 * Return: 0, -EINVAL (@how), or as mailbox_ack().
 */
int mailbox_nack(struct mailbox *mb, const struct mailbox_msg *msg, uint32_t how);

/**
 * mailbox_reply() - this message is done, and here is the answer
 * @mb: handle that received it
 * @msg: lane and ticket are read
 * @buf: the bytes
 * @len: how many, at most the port's message_size; 0 is a reply too
 *
 * The sender finds it in its struct mailbox_result, with MAILBOX_REPLIED. In a
 * message's status MAILBOX_MSG_RECEIPT says that its sender can be replied to.
 *
 * Return: 0: the message is finished. With any error the lease goes on: -EOPNOTSUPP: the
 * sender wants no receipt; -EPIPE: it has closed its endpoint, or died: mailbox_ack()
 * finishes the message in both cases. -EMSGSIZE, -EFAULT, -ENOMEM. -ESTALE, -EBADF as
 * mailbox_ack().
 */
int mailbox_reply(struct mailbox *mb, const struct mailbox_msg *msg, const void *buf, size_t len);

/**
 * mailbox_reply_receive() - reply to one message, and receive the next by the same call
 * @mb: handle
 * @msg: in: the one that was received, if there is one; and as for mailbox_receive_msg(), with
 *	MAILBOX_RECV_LEASE, for the next
 * @buf: the reply; it may lie in the buffer of @msg
 * @len: how many bytes
 * @pending: in: 1: @msg is to be replied to; 0: not, or no longer: only receive. Out: 1: the
 *	message in @msg is, the new one or, if the reply was not possible, the old one
 *	still; 0: there is none
 * @deadline: how long to wait for the next one
 *
 * What a server does all the time, by half the calls. Failing, it tells by @pending what has
 * failed: 1: the reply, with an error of mailbox_reply(), and nothing was received; 0: the
 * receive, with an error of mailbox_receive_msg(), and the reply is made. Either way it may
 * be called again as it is, though after some errors of a reply @msg must first be finished
 * otherwise: by mailbox_ack(), and @pending 0.
 *
 * Return: as mailbox_receive_msg() or as mailbox_reply().
 */
int mailbox_reply_receive(struct mailbox *mb, struct mailbox_msg *msg, const void *buf, size_t len,
			  int *pending, uint64_t deadline);

/**
 * mailbox_extend() - this message takes longer
 * @mb: handle that received it
 * @msg: lane and ticket are read
 * @lease: when the lease ends now, as mailbox_deadline_ms(); 0: never
 *
 * Return: as mailbox_ack().
 */
int mailbox_extend(struct mailbox *mb, const struct mailbox_msg *msg, uint64_t lease);

/* Without system calls */

/**
 * mailbox_map() - share the port's slots: send and receive without system calls
 * @mb: handle, opened O_RDWR
 *
 * From here on mailbox_send(), mailbox_receive() and their like do the same as
 * before, on the same messages, through memory that is shared with the kernel and
 * with everybody else who maps the port; the kernel is asked only to wake somebody
 * or to sleep. What differs:
 *
 * - A message received so tells the sender's endpoint, but pid 0, and ~0u for uid
 *   and gid. Once a port has been mapped no message on it is
 *   MAILBOX_MSG_TRUSTED: who maps it can write what he likes.
 * - A bad @buf is no -EFAULT but a SIGSEGV.
 * - Receipts and leases are the kernel's: a send or receive with those flags goes
 *   by system call as before.
 * - O_NONBLOCK is what it is at this moment.
 *
 * A call that has to wait looks again for up to 16 us before it asks the kernel to sleep,
 * unless that was in vain the last times, or there is a single processor.
 *
 * When the process ends, however it ends, or unmaps, the kernel gives back what
 * was half done: a message that was being sent is not sent, one that was being
 * received is received by another, and marked MAILBOX_MSG_REDELIVERED. A forked
 * child has no mapping, and goes on by system calls.
 *
 * An endpoint is mapped once, by one process. Not while other threads use @mb. A mapped
 * end of a direct port is for one thread: see above.
 *
 * Should it stop for long with something in its hands, the owner of the port may
 * evict it: see mailbox_evict(). Then the next call on @mb ends in a SIGBUS; who
 * catches that may mailbox_unmap() and go on by system calls.
 *
 * Return: 0, -EBUSY (mapped already), -ESHUTDOWN (it was evicted), -EPERM (a MAILBOX_SEALED port),
 * -EACCES (not O_RDWR), -ENOMEM, -ENOSPC (too many endpoints), or -EPROTO (a layout that
 * this library does not know).
 */
int mailbox_map(struct mailbox *mb);

/**
 * mailbox_unmap() - back to system calls
 * @mb: handle; mapped or not
 *
 * What is reserved is discarded, what is peeked at and not released goes to
 * another receiver. Not while other threads use @mb. mailbox_close() does it too.
 */
void mailbox_unmap(struct mailbox *mb);

/**
 * mailbox_reserve() - a place for a message, to be filled where it is
 * @mb: mapped handle
 * @msg: flags, lane and tag are read; data, size, lane and ticket are answered
 * @deadline: how long to wait for a place
 *
 * @msg->data points to @msg->size bytes in the slot itself. Fill them, set
 * @msg->length, and submit; or discard. Receivers of later messages of the lane
 * wait for that, so do not keep it long, and do not wait while you keep it.
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -EINTR, -EIDRM, -EINVAL, of a direct port also -EBUSY,
 * -EPIPE, -ECONNRESET; or -ENOTCONN if it is not mapped.
 */
int mailbox_reserve(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline);

/**
 * mailbox_submit() - send what was filled in place
 * @mb: mapped handle
 * @msg: from mailbox_reserve(), with the length
 *
 * Return: 0, -EMSGSIZE (it is still reserved), or -ENOTCONN.
 */
int mailbox_submit(struct mailbox *mb, const struct mailbox_msg *msg);

/**
 * mailbox_discard() - give a reserved place back
 * @mb: mapped handle
 * @msg: from mailbox_reserve()
 *
 * Return: 0 or -ENOTCONN.
 */
int mailbox_discard(struct mailbox *mb, const struct mailbox_msg *msg);

/**
 * mailbox_peek() - receive a message and read it where it is
 * @mb: mapped handle
 * @msg: flags are read, all else is answered
 * @deadline: how long to wait for a message
 *
 * @msg->data points to @msg->length bytes in the slot itself, the caller's until
 * mailbox_release(). Another process that maps the port could change them: where
 * that matters, copy and then look.
 *
 * A message that was given back by one who had leased it is not in the mapping: of it
 * this is a copy, leased.
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -EINTR, -EIDRM, -EINVAL, -ENOMEM (for a copy), of a direct
 * port also -EBUSY, -EPIPE; or -ENOTCONN if it is not mapped.
 */
int mailbox_peek(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline);

/**
 * mailbox_release() - done with a message that was read in place
 * @mb: mapped handle
 * @msg: from mailbox_peek()
 *
 * Return: 0 or -ENOTCONN.
 */
int mailbox_release(struct mailbox *mb, const struct mailbox_msg *msg);

/* About endpoints and ports */

/**
 * mailbox_fd() - the descriptor, for poll, select, epoll and F_SETFL
 * @mb: handle, which keeps the descriptor
 *
 * Return: the descriptor.
 */
int mailbox_fd(const struct mailbox *mb);

/**
 * mailbox_set_lanes() - choose the lanes of this endpoint
 * @mb: handle
 * @receive_mask: bit n: receive and poll on lane n; ~0u means all lanes
 * @default_lane: where mailbox_send() and MAILBOX_LANE_DEFAULT send
 *
 * Return: 0, or -EINVAL for a lane that the port does not have and for none.
 */
int mailbox_set_lanes(struct mailbox *mb, uint32_t receive_mask,
		      uint32_t default_lane);

/**
 * mailbox_info() - attributes and statistics of an endpoint's port
 * @mb: handle
 * @info: filled in
 *
 * Return: 0, or what any call may return, see above.
 */
int mailbox_info(struct mailbox *mb, struct mailbox_info *info);

/**
 * mailbox_list() - all named ports, in the order of their names
 * @ports: set to an array, to be freed with free(); NULL if there are none
 *
 * Opens no port, so it needs no permission on them and changes no count. There
 * is no endpoint in it: @endpoint, @receive_mask and @default_lane are 0. Where
 * a port's node in /dev/mailbox cannot be seen, @uid and @gid are ~0u and @mode
 * is 0.
 *
 * Return: how many, -ENOMEM or -ENODEV.
 */
int mailbox_list(struct mailbox_info **ports);

/**
 * mailbox_holders() - who has a port mapped, and what he holds
 * @name: its name
 * @holders: set to an array in the order of their endpoints, to be freed with
 *	free(); NULL if there is none
 *
 * A process that stops with a slot in its hands holds up its lane: @blocks_ns says
 * how long others have been waiting for it, see struct mailbox_holder.
 *
 * Return: how many, -ENOENT, -EACCES, -EINVAL, -ENOMEM or -ENODEV.
 */
int mailbox_holders(const char *name, struct mailbox_holder **holders);

/**
 * mailbox_evict() - take a mapping away from a process that is stuck
 * @name: of the port
 * @endpoint: whose mapping, see mailbox_holders()
 *
 * For the owner of the port. As if that process had been killed: when the call
 * returns it writes nothing more, what it was sending is not sent, and what it was
 * receiving comes to another receiver, marked MAILBOX_MSG_REDELIVERED. If it goes
 * on, its next touch of the mapping is a SIGBUS.
 *
 * Return: 0, -ENOENT (no such port), -ESRCH (no mapping of that endpoint), -EPERM,
 * -EINVAL, -EINTR or -ENODEV.
 */
int mailbox_evict(const char *name, uint32_t endpoint);

/**
 * mailbox_query() - what the loaded module can do, and its limits
 * @query: filled in
 *
 * Return: 0, -ENODEV, -EACCES.
 */
int mailbox_query(struct mailbox_query *query);

/**
 * mailbox_strerror() - an error of this library in words
 * @error: errno value, positive or negative
 *
 * "port deleted" for EIDRM, and so on.
 *
 * Return: constant text.
 */
const char *mailbox_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif /* _MAILBOX_H */
