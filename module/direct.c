// SPDX-License-Identifier: GPL-2.0-only
/* What a direct port does before, and after, the same as any port. */

#include <linux/uaccess.h>

#include "abi.h"
#include "batch.h"
#include "direct.h"
#include "peek.h"
#include "port.h"
#include "receive.h"
#include "send.h"

/* The endpoint is about to send. */
static int mailbox_direct_sender(const struct file *file)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_port *port = ep->port;
	int err = 0;

	if (unlikely(READ_ONCE(port->ends.sender) != ep->id))
		err = mailbox_port_take(ep, MAILBOX_END_SEND);
	if (!err && unlikely(mailbox_queue_gone(&port->senders)))
		err = mailbox_port_broken(ep);
	return err;
}

/* The endpoint is about to receive. */
static int mailbox_direct_receiver(const struct file *file)
{
	struct mailbox_endpoint *ep = file->private_data;

	if (likely(READ_ONCE(ep->port->ends.receiver) == ep->id))
		return 0;
	return mailbox_port_take(ep, MAILBOX_END_RECEIVE);
}

ssize_t mailbox_direct_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	int err = mailbox_direct_sender(file);

	return err ?: mailbox_send_write(file, buf, size, pos);
}

ssize_t mailbox_direct_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	int err = mailbox_direct_sender(iocb->ki_filp);

	return err ?: mailbox_send_write_iter(iocb, from);
}

/* The end of the stream. */
static ssize_t mailbox_direct_ended(ssize_t ret)
{
	return ret == -EPIPE ? 0 : ret;
}

ssize_t mailbox_direct_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	int err = mailbox_direct_receiver(file);

	return err ?: mailbox_direct_ended(mailbox_receive_read(file, buf, size, pos));
}

ssize_t mailbox_direct_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	int err = mailbox_direct_receiver(iocb->ki_filp);

	return err ?: mailbox_direct_ended(mailbox_receive_read_iter(iocb, to));
}

long mailbox_direct_send(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	long ret = mailbox_direct_sender(file);

	if (!ret)
		ret = mailbox_send_ioctl(file, user);
	if (ret == -ECONNRESET && put_user(READ_ONCE(ep->unread), &user->length))
		return -EFAULT;
	return ret;
}

long mailbox_direct_receive(struct file *file, struct mailbox_message __user *user)
{
	int err = mailbox_direct_receiver(file);

	return err ?: mailbox_receive_ioctl(file, user);
}

long mailbox_direct_send_batch(struct file *file, struct mailbox_batch __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	long ret = mailbox_direct_sender(file);

	if (!ret)
		ret = mailbox_batch_send(file, user);
	if (ret == -ECONNRESET && put_user(READ_ONCE(ep->unread), &user->count))
		return -EFAULT;
	return ret;
}

long mailbox_direct_receive_batch(struct file *file, struct mailbox_batch __user *user)
{
	int err = mailbox_direct_receiver(file);

	return err ?: mailbox_batch_receive(file, user);
}

long mailbox_direct_peek(struct file *file, struct mailbox_message __user *user)
{
	int err = mailbox_direct_receiver(file);

	return err ?: mailbox_peek_ioctl(file->private_data, user);
}

long mailbox_direct_end(struct file *file, struct mailbox_end __user *user)
{
	struct mailbox_end end;
	fmode_t mode;
	u32 size;
	int err;

	err = mailbox_abi_get(&end, sizeof(end), user, &size);
	if (err)
		return err;
	switch (end.end) {
	case MAILBOX_END_SEND:
		mode = FMODE_WRITE;
		break;
	case MAILBOX_END_RECEIVE:
		mode = FMODE_READ;
		break;
	default:
		return -EINVAL;
	}
	if (!(file->f_mode & mode))
		return -EBADF;
	return mailbox_port_take(file->private_data, end.end);
}
