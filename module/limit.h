/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: read, write, send and receive of a port with a limit: how many messages it
 * holds at most, whatever their lanes. And who is told that one has come to an empty port.
 *
 * port->room is how many more there may be. A sender takes one of these before it sends, and
 * gives it back if it does not; a receiver gives one back when it has received. So
 * a message counts from before its claim to after its release, and no lane can be
 * fuller than the port. Who finds no room sleeps in port->writers, which is where pollers
 * of such a port stand too: a slot is not what they wait for.
 *
 * In the same word is a bit for each lane where something was sent since the port was last
 * empty, so that receivers need not look at all lanes. A sender sets it, if it must, before it
 * publishes. Who gives back what was the last message's room clears them all: by one
 * compare-and-swap with the count, so while there is no sender under way either. Who is to
 * sleep for a message makes itself known (F) and then looks at the bits; a sender's full
 * barrier (E) is between its look at its bit and the one at who sleeps. So one sees the other,
 * as they do with the slot's word.
 *
 * Every message comes and goes through this room: the port is sealed, drops nothing, knows
 * no leases and no receipts.
 *
 * Apart from send.h and receive.h, so that ordinary ports do not pay for it.
 */
#ifndef MAILBOX_LIMIT_H
#define MAILBOX_LIMIT_H

#include <linux/fs.h>
#include <linux/mailbox.h>

/* file_operations of a port with a limit. */
ssize_t mailbox_limit_write(struct file *file, const char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_limit_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_limit_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t mailbox_limit_read_iter(struct kiocb *iocb, struct iov_iter *to);
int mailbox_limit_flush(struct file *file, fl_owner_t id);

/* MAILBOX_IOC_SEND and MAILBOX_IOC_RECEIVE, on a file open for that. */
long mailbox_limit_send(struct file *file, struct mailbox_message __user *user);
long mailbox_limit_receive(struct file *file, struct mailbox_message __user *user);

/* MAILBOX_IOC_NOTIFY. */
long mailbox_limit_notify(struct file *file, struct mailbox_notify __user *user);

#endif /* MAILBOX_LIMIT_H */
