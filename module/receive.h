/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: receiving a message.
 *
 * Take, copy with page faults off, release. If the copy fails (after a fork the first
 * store to any private page does), the message is parked in its place for whoever
 * comes first, the page is faulted in, and the receive starts again. So nothing is lost
 * whatever the caller's memory does. With a lease the message moves into memory of its
 * own before that: see lease.h.
 */
#ifndef MAILBOX_RECEIVE_H
#define MAILBOX_RECEIVE_H

#include <linux/fs.h>
#include <linux/mailbox.h>

struct mailbox_buffer;
struct mailbox_deadline;
struct mailbox_endpoint;

/* file_operations of a port: one call, one message. */
ssize_t mailbox_receive_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_receive_read_iter(struct kiocb *iocb, struct iov_iter *to);

/* MAILBOX_IOC_RECEIVE, on a file open for that. */
long mailbox_receive_ioctl(struct file *file, struct mailbox_message __user *user);

/**
 * mailbox_receive_slow() - receive one message, whatever it takes
 * @ep: the receiver
 * @to: where
 * @too_long: out, with -EMSGSIZE: its length
 * @deadline: until when to wait for one; NULL: not at all
 *
 * May sleep. Return: its length, or an error as in mailbox.h.
 */
int mailbox_receive_slow(struct mailbox_endpoint *ep, const struct mailbox_buffer *to,
			 u32 *too_long, const struct mailbox_deadline *deadline);

/* Those that have something now, whichever this endpoint receives from. */
u32 mailbox_receivable_lanes(const struct mailbox_endpoint *ep);

/* The chain: whoever took a message wakes the next if there is another, on any lane. */
void mailbox_chain_receivers(const struct mailbox_endpoint *ep);

/**
 * mailbox_receivable() - is there something to receive?
 * @ep: for this endpoint, by its lanes
 *
 * Return: 0 if a receive has something to do, -EAGAIN if not, -EIDRM if there
 * never will be, -EPIPE if the sender of a direct port has gone. Reads only.
 */
int mailbox_receivable(const struct mailbox_endpoint *ep);

#endif /* MAILBOX_RECEIVE_H */
