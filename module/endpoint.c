// SPDX-License-Identifier: GPL-2.0-only
/* A port's file operations. */

#include <linux/anon_inodes.h>
#include <linux/bits.h>
#include <linux/cdev.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "abi.h"
#include "batch.h"
#include "direct.h"
#include "endpoint.h"
#include "finish.h"
#include "lease.h"
#include "limit.h"
#include "map.h"
#include "peek.h"
#include "receipt.h"
#include "receive.h"
#include "send.h"
#include "sysfs.h"

static __poll_t mailbox_endpoint_poll_in(struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;

	switch (mailbox_receivable(ep)) {
	case 0:
		return EPOLLIN | EPOLLRDNORM | (READ_ONCE(port->deleted) ? EPOLLHUP : 0) |
		       (mailbox_queue_gone(&port->receivers) ? EPOLLRDHUP : 0);
	case -EIDRM:
		return EPOLLERR | EPOLLHUP;
	case -EPIPE:
		return EPOLLRDHUP | EPOLLHUP;
	}
	return 0;
}

static __poll_t mailbox_endpoint_poll_out(struct mailbox_endpoint *ep)
{
	switch (mailbox_sendable(ep)) {
	case 0:
		return EPOLLOUT | EPOLLWRNORM;
	case -EIDRM:
	case -EPIPE:
		return EPOLLERR | EPOLLHUP;
	}
	return 0;
}

static __poll_t mailbox_endpoint_poll_receipts(struct mailbox_endpoint *ep)
{
	return mailbox_receipts_ready(&ep->receipts) ? EPOLLPRI : 0;
}

/*
 * First into the queues, then arm, then look: whatever comes after is told. Only
 * what is asked for is armed, so that a watcher of messages is not told of slots;
 * but it stands in both queues, for EPOLL_CTL_MOD asks anew without queueing.
 */
static __poll_t mailbox_endpoint_poll(struct file *file, poll_table *wait)
{
	__poll_t asked = poll_requested_events(wait), events = 0;
	bool in = file->f_mode & FMODE_READ, out = file->f_mode & FMODE_WRITE;
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_port *port = ep->port;

	if (in)
		poll_wait(file, port->receivers.pollers, wait);
	if (out) {
		poll_wait(file, port->senders.pollers, wait);	/* and for receipts */
		if (asked & EPOLLPRI) {
			mailbox_queue_arm(&ep->receipts.queue);
			events = mailbox_endpoint_poll_receipts(ep);
		}
	}
	/* At a direct port only what its end is for. */
	in &= READ_ONCE(port->ends.sender) != ep->id;
	out &= READ_ONCE(port->ends.receiver) != ep->id;
	if (in && out) {	/* asked for nothing but the end: either tells that */
		out = asked & (EPOLLOUT | EPOLLWRNORM);
		in = !out || asked & (EPOLLIN | EPOLLRDNORM);
	}
	if (in) {
		mailbox_queue_arm(&port->receivers);
		events |= mailbox_endpoint_poll_in(ep);
	}
	if (out) {
		mailbox_queue_arm(mailbox_port_pollout(port));
		events |= mailbox_endpoint_poll_out(ep);
	}
	return events;
}

static const u32 mailbox_all_lanes = MAILBOX_ALL_LANES;

static void mailbox_endpoint_sigio(struct file *file, struct mailbox_endpoint *ep, bool on)
{
	struct mailbox_queue *out = mailbox_port_pollout(ep->port);
	struct mailbox_port *port = ep->port;

	if (file->f_mode & FMODE_READ) {
		ep->sigio_in.fasync = &ep->fasync;
		ep->sigio_in.lanes = &ep->receive_mask;
		ep->sigio_in.band = POLL_IN;
		if (on)
			mailbox_sigio_add(&port->receivers, &ep->sigio_in);
		else
			mailbox_sigio_remove(&port->receivers, &ep->sigio_in);
	}
	if (file->f_mode & FMODE_WRITE) {
		ep->sigio_out.fasync = &ep->fasync;
		ep->sigio_out.lanes = &ep->default_lane_mask;
		ep->sigio_out.band = POLL_OUT;
		ep->sigio_receipt.fasync = &ep->fasync;
		ep->sigio_receipt.lanes = &mailbox_all_lanes;
		ep->sigio_receipt.band = POLL_PRI;
		if (on) {
			mailbox_sigio_add(out, &ep->sigio_out);
			mailbox_sigio_add(&ep->receipts.queue, &ep->sigio_receipt);
		} else {
			mailbox_sigio_remove(out, &ep->sigio_out);
			mailbox_sigio_remove(&ep->receipts.queue, &ep->sigio_receipt);
		}
	}
}

static int mailbox_endpoint_fasync(int fd, struct file *file, int on)
{
	struct mailbox_endpoint *ep = file->private_data;
	bool was, is;
	int ret;

	mutex_lock(&ep->port->lock);
	was = ep->fasync;
	ret = fasync_helper(fd, file, on, &ep->fasync);
	is = ep->fasync;
	if (was != is)
		mailbox_endpoint_sigio(file, ep, is);
	mutex_unlock(&ep->port->lock);
	return ret;
}

static long mailbox_endpoint_info(struct mailbox_endpoint *ep, void __user *user)
{
	struct mailbox_info info;
	u32 size;
	int err;

	err = mailbox_abi_get(&info, sizeof(info), user, &size);
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	mailbox_port_info(ep->port, ep, &info);
	info.size = size;
	info.endpoint = ep->id;
	info.receive_mask = READ_ONCE(ep->receive_mask);
	info.default_lane = READ_ONCE(ep->default_lane);
	info.owner = READ_ONCE(ep->owner);
	return mailbox_abi_put(user, size, &info, sizeof(info));
}

static long mailbox_endpoint_set_lanes(struct mailbox_endpoint *ep, void __user *user)
{
	u32 lanes = ep->port->ring.lanes, all = MAILBOX_ALL_LANES >> (MAILBOX_LANES_MAX - lanes);
	struct mailbox_set_lanes set;
	u32 size;
	int err;

	err = mailbox_abi_get(&set, sizeof(set), user, &size);
	if (err)
		return err;
	if (set.receive_mask == MAILBOX_ALL_LANES)
		set.receive_mask = all;
	if (!set.receive_mask || set.receive_mask & ~all || set.default_lane >= lanes || set.pad)
		return -EINVAL;
	WRITE_ONCE(ep->receive_mask, set.receive_mask);
	WRITE_ONCE(ep->default_lane, set.default_lane);
	WRITE_ONCE(ep->default_lane_mask, BIT(set.default_lane));
	/* Who sleeps or polls by the old lanes shall look again; against (F). */
	smp_mb();
	mailbox_queue_wake(&ep->port->receivers, MAILBOX_ALL_LANES, true);
	mailbox_queue_wake(&ep->port->senders, MAILBOX_ALL_LANES, true);
	return 0;
}

int mailbox_endpoint_check(unsigned int flags)
{
	if (flags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC) || (flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	return 0;
}

/* Another endpoint of the same port. */
static long mailbox_endpoint_again(struct mailbox_port *port, struct mailbox_open __user *user)
{
	struct mailbox_endpoint *ep;
	struct mailbox_open open;
	u32 size;
	int err;

	err = mailbox_abi_get(&open, sizeof(open), user, &size);
	if (!err && (open.pad || memchr_inv(open.name, 0, sizeof(open.name))))
		err = -EINVAL;
	if (!err)
		err = mailbox_endpoint_check(open.open_flags);
	if (!err)
		err = mailbox_port_permission(port, open.open_flags);
	if (err)
		return err;
	ep = mailbox_port_join(port, open.open_flags);
	if (ep == ERR_PTR(-ENXIO))
		return -EIDRM;
	return mailbox_endpoint_install(ep, open.open_flags, &user->fd);
}

static long mailbox_endpoint_kick(struct mailbox_endpoint *ep, void __user *user)
{
	struct mailbox_kick kick;
	u32 size;
	int err;

	err = mailbox_abi_get(&kick, sizeof(kick), user, &size);
	if (err)
		return err;
	if (kick.pad)
		return -EINVAL;
	if (kick.receivers)
		mailbox_port_wake_receivers(ep->port, kick.receivers);
	if (kick.senders)
		mailbox_port_wake_senders(ep->port, kick.senders);
	return 0;
}

static int mailbox_endpoint_release(struct inode *inode, struct file *file);

/* What this call would do by itself, whatever the kind of port. */
static long mailbox_exchange_by(struct file *file, unsigned int cmd, u64 user)
{
	return file->f_op->unlocked_ioctl(file, cmd, (unsigned long)u64_to_user_ptr(user));
}

/* A synchronous one may fail though it was sent. */
static int mailbox_exchange_check(const struct mailbox_exchange *x)
{
	const struct mailbox_message __user *send = u64_to_user_ptr(x->send);
	u32 flags;

	if (get_user(flags, &send->flags))
		return -EFAULT;
	return flags & MAILBOX_SEND_SYNC ? -EINVAL : 0;
}

static long mailbox_exchange_send(struct file *file, const struct mailbox_exchange *x)
{
	struct file *other;
	long err;

	err = mailbox_exchange_check(x);
	if (err)
		return err;
	if (x->fd == -1)
		return mailbox_exchange_by(file, MAILBOX_IOC_SEND, x->send);
	other = fget(x->fd);
	if (!other)
		return -EBADF;
	err = -EBADF;
	if (other->f_op->release == mailbox_endpoint_release)
		err = mailbox_exchange_by(other, MAILBOX_IOC_SEND, x->send);
	fput(other);
	return err;
}

static long mailbox_endpoint_exchange(struct file *file, struct mailbox_exchange __user *user)
{
	struct mailbox_exchange x mailbox_uninitialized;
	u32 size;
	long err;

	err = mailbox_abi_get(&x, sizeof(x), user, &size);
	if (err)
		return err;
	if (x.sent > 1 || x.pad)
		return -EINVAL;
	if (!x.sent) {
		/* First say that it is done: so it is never done without that being said. */
		if (put_user(1, &user->sent))
			return -EFAULT;
		err = mailbox_exchange_send(file, &x);
		if (err)
			return put_user(0, &user->sent) ? -EFAULT : err;
		/* Who was told is about to answer: there may be no need to sleep. */
		cond_resched();
	}
	return mailbox_exchange_by(file, MAILBOX_IOC_RECEIVE, x.receive);
}

/* Apart, so that a send or a receive has fewer to be told from. */
static noinline long mailbox_endpoint_seldom(struct file *file, unsigned int cmd,
					     void __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;

	switch (mailbox_abi_command(cmd)) {
	case mailbox_abi_command(MAILBOX_IOC_EXCHANGE):
		return file->f_mode & FMODE_READ ? mailbox_endpoint_exchange(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_INFO):
		return mailbox_endpoint_info(ep, user);
	case mailbox_abi_command(MAILBOX_IOC_SET_LANES):
		return mailbox_endpoint_set_lanes(ep, user);
	case mailbox_abi_command(MAILBOX_IOC_KICK):
		return file->f_mode & FMODE_READ && file->f_mode & FMODE_WRITE ?
		       mailbox_endpoint_kick(ep, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_SEND_BATCH):
		return file->f_mode & FMODE_WRITE ? mailbox_batch_send(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIVE_BATCH):
		return file->f_mode & FMODE_READ ? mailbox_batch_receive(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_PEEK):
		return file->f_mode & FMODE_READ ? mailbox_peek_ioctl(ep, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_FINISH):
		return file->f_mode & FMODE_READ ? mailbox_finish_ioctl(ep, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIPT):
		return file->f_mode & FMODE_WRITE ?
		       mailbox_receipt_read(&ep->port->ledger, &ep->receipts, user,
					    file->f_flags & O_NONBLOCK) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_EVENTFD):
		return file->f_mode & FMODE_WRITE ?
		       mailbox_receipts_eventfd(&ep->port->ledger, &ep->receipts, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_OPEN):
		return mailbox_endpoint_again(ep->port, user);
	case mailbox_abi_command(MAILBOX_IOC_END):
	case mailbox_abi_command(MAILBOX_IOC_NOTIFY):
		return -EOPNOTSUPP;
	case mailbox_abi_command(MAILBOX_IOC_QUERY):
		return mailbox_port_query(user);
	}
	return -ENOTTY;
}

static long mailbox_endpoint_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (mailbox_abi_command(cmd)) {
	case mailbox_abi_command(MAILBOX_IOC_SEND):
		return file->f_mode & FMODE_WRITE ? mailbox_send_ioctl(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIVE):
		return file->f_mode & FMODE_READ ? mailbox_receive_ioctl(file, user) : -EBADF;
	}
	return mailbox_endpoint_seldom(file, cmd, user);
}

static long mailbox_endpoint_direct_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (mailbox_abi_command(cmd)) {
	case mailbox_abi_command(MAILBOX_IOC_SEND):
		return file->f_mode & FMODE_WRITE ? mailbox_direct_send(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIVE):
		return file->f_mode & FMODE_READ ? mailbox_direct_receive(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_SEND_BATCH):
		return file->f_mode & FMODE_WRITE ? mailbox_direct_send_batch(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIVE_BATCH):
		return file->f_mode & FMODE_READ ? mailbox_direct_receive_batch(file, user) :
						   -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_PEEK):
		return file->f_mode & FMODE_READ ? mailbox_direct_peek(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_END):
		return mailbox_direct_end(file, user);
	}
	return mailbox_endpoint_ioctl(file, cmd, arg);
}

static long mailbox_endpoint_limit_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (mailbox_abi_command(cmd)) {
	case mailbox_abi_command(MAILBOX_IOC_SEND):
		return file->f_mode & FMODE_WRITE ? mailbox_limit_send(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_RECEIVE):
		return file->f_mode & FMODE_READ ? mailbox_limit_receive(file, user) : -EBADF;
	case mailbox_abi_command(MAILBOX_IOC_NOTIFY):
		return mailbox_limit_notify(file, user);
	}
	return mailbox_endpoint_seldom(file, cmd, user);
}

static void mailbox_endpoint_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct mailbox_endpoint *ep = file->private_data;

	seq_printf(m, "mailbox-port:\t%s\n", ep->port->name);
	seq_printf(m, "mailbox-endpoint:\t%u\n", ep->id);
	seq_printf(m, "mailbox-lanes:\t%#x %u\n", READ_ONCE(ep->receive_mask),
		   READ_ONCE(ep->default_lane));
	seq_printf(m, "mailbox-leases:\t%u\n",
		   mailbox_leases_count(&ep->port->leases, &ep->leases));
	seq_printf(m, "mailbox-receipts:\t%u\n", READ_ONCE(ep->receipts.count));
	if (READ_ONCE(ep->port->ends.sender) == ep->id)
		seq_puts(m, "mailbox-end:\tsend\n");
	if (READ_ONCE(ep->port->ends.receiver) == ep->id)
		seq_puts(m, "mailbox-end:\treceive\n");
}

/* No position, and never a worker thread of io_uring. */
static void mailbox_endpoint_mode(struct file *file)
{
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
}

/* What its file does. */
static const struct file_operations *mailbox_endpoint_kind(const struct mailbox_endpoint *ep);

static int mailbox_endpoint_open(struct inode *inode, struct file *file)
{
	struct mailbox_endpoint *ep = ERR_PTR(-ENXIO);
	struct mailbox_port *port;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find_minor(iminor(inode));
	/*
	 * A node without a name is that of a deleted port, reached by an old
	 * descriptor. The number may be another port's now, with another mode.
	 */
	if (port && inode->i_nlink)
		ep = mailbox_port_join(port, file->f_flags);
	mutex_unlock(&mailbox_ports_lock);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	file->private_data = ep;
	file->f_op = mailbox_endpoint_kind(ep);		/* of the same module */
	mailbox_endpoint_mode(file);
	return 0;
}

static int mailbox_endpoint_release(struct inode *inode, struct file *file)
{
	mailbox_port_leave(file->private_data);
	return 0;
}

/*
 * Both kinds of read and write: write(2) takes the plain one, which is cheaper;
 * writev(2) and io_uring take the other, and so one message for all segments.
 */
static const struct file_operations mailbox_endpoint_fops = {
	.owner = THIS_MODULE,
	.open = mailbox_endpoint_open,
	.release = mailbox_endpoint_release,
	.read = mailbox_receive_read,
	.write = mailbox_send_write,
	.read_iter = mailbox_receive_read_iter,
	.write_iter = mailbox_send_write_iter,
	.mmap = mailbox_map_mmap,
	.poll = mailbox_endpoint_poll,
	.fasync = mailbox_endpoint_fasync,
	.unlocked_ioctl = mailbox_endpoint_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = mailbox_endpoint_show_fdinfo,
	MAILBOX_LLSEEK
};

static const struct file_operations mailbox_endpoint_direct_fops = {
	.owner = THIS_MODULE,
	.release = mailbox_endpoint_release,
	.read = mailbox_direct_read,
	.write = mailbox_direct_write,
	.read_iter = mailbox_direct_read_iter,
	.write_iter = mailbox_direct_write_iter,
	.mmap = mailbox_map_mmap,
	.poll = mailbox_endpoint_poll,
	.fasync = mailbox_endpoint_fasync,
	.unlocked_ioctl = mailbox_endpoint_direct_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = mailbox_endpoint_show_fdinfo,
	MAILBOX_LLSEEK
};

static const struct file_operations mailbox_endpoint_limit_fops = {
	.owner = THIS_MODULE,
	.release = mailbox_endpoint_release,
	.flush = mailbox_limit_flush,
	.read = mailbox_limit_read,
	.write = mailbox_limit_write,
	.read_iter = mailbox_limit_read_iter,
	.write_iter = mailbox_limit_write_iter,
	.mmap = mailbox_map_mmap,
	.poll = mailbox_endpoint_poll,
	.fasync = mailbox_endpoint_fasync,
	.unlocked_ioctl = mailbox_endpoint_limit_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = mailbox_endpoint_show_fdinfo,
	MAILBOX_LLSEEK
};

static const struct file_operations *mailbox_endpoint_kind(const struct mailbox_endpoint *ep)
{
	if (ep->port->limit)
		return &mailbox_endpoint_limit_fops;
	return ep->port->flags & MAILBOX_DIRECT ? &mailbox_endpoint_direct_fops :
						  &mailbox_endpoint_fops;
}

/* A file without a node; the endpoint leaves its port if this fails. */
static struct file *mailbox_endpoint_file(struct mailbox_endpoint *ep, unsigned int open_flags)
{
	struct file *file = anon_inode_getfile("[mailbox]", mailbox_endpoint_kind(ep), ep,
					       open_flags);

	if (IS_ERR(file))
		mailbox_port_leave(ep);
	else
		mailbox_endpoint_mode(file);
	return file;
}

/* It is told to the user before it is installed: after fd_install() nothing may fail. */
int mailbox_endpoint_install(struct mailbox_endpoint *ep, unsigned int flags, s32 __user *user)
{
	struct file *file;
	int fd, err;

	if (IS_ERR(ep))
		return PTR_ERR(ep);
	file = mailbox_endpoint_file(ep, flags & ~O_CLOEXEC);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(flags & O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto err_file;
	}
	err = put_user(fd, user);
	if (err)
		goto err_fd;
	fd_install(fd, file);
	return 0;

err_fd:
	put_unused_fd(fd);
err_file:
	fput(file);
	return err;
}

static struct cdev mailbox_endpoint_cdev;

int mailbox_endpoint_init(void)
{
	cdev_init(&mailbox_endpoint_cdev, &mailbox_endpoint_fops);
	mailbox_endpoint_cdev.owner = THIS_MODULE;
	return cdev_add(&mailbox_endpoint_cdev, mailbox_devt + 1, MAILBOX_MINORS - 1);
}

void mailbox_endpoint_exit(void)
{
	cdev_del(&mailbox_endpoint_cdev);
}
