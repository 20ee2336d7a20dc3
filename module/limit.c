// SPDX-License-Identifier: GPL-2.0-only
/* What a port with a limit does before, and after, the same as any port. */

#include <linux/uaccess.h>

#include "abi.h"
#include "limit.h"
#include "message.h"
#include "port.h"
#include "receive.h"
#include "send.h"

/* Room for one message is there again. */
static void mailbox_limit_give(struct mailbox_port *port)
{
	s64 old = atomic64_read(&port->room), new;

	do {
		new = old + 1;
		/* All messages have gone, and nobody is about to send one. */
		if ((u32)new == port->limit)
			new = port->limit;
	} while (!atomic64_try_cmpxchg(&port->room, &old, new));	/* (E) */
	if (mailbox_queue_waiting(&port->writers))
		mailbox_queue_wake(&port->writers, MAILBOX_ALL_LANES, READ_ONCE(port->deleted));
}

/* Returns how many messages there are with this one, 0: no room for it. */
static u32 mailbox_limit_try(struct mailbox_port *port)
{
	s64 old = atomic64_read(&port->room);

	do {
		if (!(u32)old)
			return 0;
	} while (!atomic64_try_cmpxchg(&port->room, &old, old - 1));
	return port->limit - (u32)old + 1;
}

static bool mailbox_limit_ready(void *arg)
{
	const struct mailbox_port *port = arg;

	return mailbox_port_room(port) || READ_ONCE(port->deleted);
}

/* Returns 0 with room for one message; @deadline is NULL not to sleep. */
static int mailbox_limit_take(struct mailbox_port *port, u32 *nth,
			      const struct mailbox_deadline *deadline)
{
	struct mailbox_waiter w;
	int err;

	*nth = mailbox_limit_try(port);
	if (*nth)
		return 0;
	if (READ_ONCE(port->deleted))
		return -EIDRM;
	if (!deadline)
		return -EAGAIN;
	mailbox_waiter_init(&w);
	do {
		err = mailbox_wait(&port->writers, &w, MAILBOX_ALL_LANES, mailbox_limit_ready,
				   port, deadline);
		if (err)
			return err;
		*nth = mailbox_limit_try(port);
	} while (!*nth && !READ_ONCE(port->deleted));
	return *nth ? 0 : -EIDRM;
}

/**
 * struct mailbox_limit_send - one that is under way
 * @nth: how many messages there were when it found room, itself among them
 * @awaited: somebody slept for a message then
 * @seq: of the notices, before that
 */
struct mailbox_limit_send {
	u32 nth;
	bool awaited;
	u32 seq;
};

static int mailbox_limit_begin(struct mailbox_port *port, struct mailbox_limit_send *send,
			       const struct mailbox_deadline *deadline)
{
	int err = mailbox_limit_take(port, &send->nth, deadline);

	send->seq = smp_load_acquire(&port->notices.seq);	/* before who sleeps */
	send->awaited = mailbox_queue_sleeping(&port->receivers);
	return err;
}

/* To a sender: one is there, or will be and its sender comes here too. */
static bool mailbox_limit_sent_due(const void *arg)
{
	const struct mailbox_port *port = arg;

	return mailbox_port_room(port) < port->limit && !mailbox_queue_sleeping(&port->receivers);
}

/* @sent is 0 or positive, or why it was not. Others may have been sent meanwhile. */
static ssize_t mailbox_limit_end(struct mailbox_port *port, const struct mailbox_limit_send *send,
				 ssize_t sent)
{
	if (sent < 0)
		mailbox_limit_give(port);
	if (unlikely(READ_ONCE(port->notices.registered)))	/* (E) before it */
		mailbox_notices_sent(&port->notices, send->nth == 1, send->awaited, send->seq,
				     mailbox_limit_sent_due, port);
	return sent;
}

static bool mailbox_limit_received_due(const void *arg)
{
	const struct mailbox_endpoint *ep = arg;

	return mailbox_receivable_lanes(ep) && !mailbox_queue_sleeping(&ep->port->receivers);
}

/* Has a receive that ended so found, or left, nothing in any lane? */
static bool mailbox_limit_emptied(const struct mailbox_endpoint *ep, ssize_t received)
{
	u32 all = GENMASK(ep->port->ring.lanes - 1, 0);

	if (received == -EAGAIN || received == -ETIMEDOUT || received == -ERESTARTSYS)
		if ((READ_ONCE(ep->receive_mask) & all) == all)
			return true;
	return !mailbox_receivable_lanes(ep);
}

/* @received is 0 or positive, or why nothing was. */
static ssize_t mailbox_limit_received(struct file *file, ssize_t received)
{
	const struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_port *port = ep->port;

	if (received >= 0)
		mailbox_limit_give(port);
	else
		smp_mb();	/* as there: whoever saw us asleep, before this */
	if (unlikely(READ_ONCE(port->notices.registered)))
		mailbox_notices_received(&port->notices, mailbox_limit_emptied(ep, received),
					 mailbox_limit_received_due, ep);
	return received;
}

/* A notice from before the call has its signal before the call, which is run again then. */
static int mailbox_limit_enter(struct mailbox_port *port)
{
	if (likely(!mailbox_notices_hold(&port->notices)))
		return 0;
	return mailbox_notices_settle(&port->notices) ? -ERESTARTNOINTR : 0;
}

/* And one of what the call has done, before it returns. A signal ends that, and comes then. */
static long mailbox_limit_leave(struct mailbox_port *port, long ret)
{
	if (unlikely(mailbox_notices_hold(&port->notices)))
		mailbox_notices_settle(&port->notices);
	return ret;
}

static struct mailbox_port *mailbox_limit_port(const struct file *file)
{
	const struct mailbox_endpoint *ep = file->private_data;

	return ep->port;
}

/* A message of no size, or of one that is too large, is refused, room or not. */
static bool mailbox_limit_writable(const struct mailbox_port *port, size_t size)
{
	return size - 1 < port->ring.message_size;
}

ssize_t mailbox_limit_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_port *port = mailbox_limit_port(file);
	struct mailbox_limit_send send;
	int err;

	if (!mailbox_limit_writable(port, size))
		return mailbox_send_write(file, buf, size, pos);
	err = mailbox_limit_begin(port, &send, mailbox_file_deadline(file));
	return err ?: mailbox_limit_end(port, &send, mailbox_send_write(file, buf, size, pos));
}

ssize_t mailbox_limit_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct mailbox_port *port = mailbox_limit_port(iocb->ki_filp);
	struct mailbox_limit_send send;
	int err;

	if (!mailbox_limit_writable(port, iov_iter_count(from)))
		return mailbox_send_write_iter(iocb, from);
	err = mailbox_limit_begin(port, &send, mailbox_iocb_deadline(iocb));
	return err ?: mailbox_limit_end(port, &send, mailbox_send_write_iter(iocb, from));
}

ssize_t mailbox_limit_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	return mailbox_limit_received(file, mailbox_receive_read(file, buf, size, pos));
}

ssize_t mailbox_limit_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return mailbox_limit_received(iocb->ki_filp, mailbox_receive_read_iter(iocb, to));
}

/*
 * What is read here says how long to wait for room, and what no room can help. The send
 * itself reads it again, and judges that: it sends plainly or not at all.
 */
long mailbox_limit_send(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_port *port = mailbox_limit_port(file);
	struct mailbox_deadline deadline;
	struct mailbox_limit_send send;
	struct mailbox_message m;
	int err;

	if (get_user(m.flags, &user->flags) || get_user(m.length, &user->length) ||
	    get_user(m.deadline, &user->deadline))
		return -EFAULT;
	if (m.length > port->ring.message_size)
		return -EMSGSIZE;
	err = mailbox_limit_enter(port) ?:
	      mailbox_limit_begin(port, &send, mailbox_message_deadline(file, &m, &deadline));
	if (err)
		return err;
	return mailbox_limit_leave(port,
				   mailbox_limit_end(port, &send, mailbox_send_ioctl(file, user)));
}

long mailbox_limit_receive(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_port *port = mailbox_limit_port(file);

	return mailbox_limit_enter(port) ?:
	       mailbox_limit_leave(port,
				   mailbox_limit_received(file, mailbox_receive_ioctl(file, user)));
}

int mailbox_limit_flush(struct file *file, fl_owner_t id)
{
	mailbox_notices_flush(&mailbox_limit_port(file)->notices);
	return 0;
}

long mailbox_limit_notify(struct file *file, struct mailbox_notify __user *user)
{
	struct mailbox_notices *notices = &mailbox_limit_port(file)->notices;
	struct mailbox_notify n;
	u32 size;
	int err;

	err = mailbox_abi_get(&n, sizeof(n), user, &size);
	if (err)
		return err;
	if (n.how < MAILBOX_NOTIFY_REGISTER || n.how > MAILBOX_NOTIFY_DONE ||
	    (n.how != MAILBOX_NOTIFY_WAIT && n.how != MAILBOX_NOTIFY_DONE && n.id))
		return -EINVAL;
	switch (n.how) {
	case MAILBOX_NOTIFY_REGISTER:
	case MAILBOX_NOTIFY_HOLD:
		err = mailbox_notice_register(notices, n.how == MAILBOX_NOTIFY_HOLD, &n.id);
		break;
	case MAILBOX_NOTIFY_WAIT:
		err = mailbox_notice_wait(notices, &n);
		break;
	case MAILBOX_NOTIFY_CANCEL:
		mailbox_notice_cancel(notices, 0);
		return 0;
	case MAILBOX_NOTIFY_DONE:
		return mailbox_notice_done(notices, n.id);
	}
	if (err)
		return err;
	err = mailbox_abi_put(user, size, &n, sizeof(n));
	if (err && n.how != MAILBOX_NOTIFY_WAIT)
		mailbox_notice_cancel(notices, n.id);
	return err;
}
