/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: a direct port's read, write, send and receive: is this endpoint's end the
 * right one, and is anybody at the other? Then the same as on any port.
 *
 * Apart from send.h and receive.h, so that ordinary ports do not pay for it. The sender looks
 * before it sends whether the receiver has gone, and again before and after each
 * sleep; a message that is sent just then waits for the next receiver. The receiver
 * finds out when there is nothing left.
 */
#ifndef MAILBOX_DIRECT_H
#define MAILBOX_DIRECT_H

#include <linux/fs.h>
#include <linux/mailbox.h>

struct mailbox_endpoint;

/* file_operations of a direct port. */
ssize_t mailbox_direct_write(struct file *file, const char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_direct_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_direct_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t mailbox_direct_read_iter(struct kiocb *iocb, struct iov_iter *to);

/* MAILBOX_IOC_SEND, MAILBOX_IOC_RECEIVE and MAILBOX_IOC_PEEK, on a file open for that. */
long mailbox_direct_send(struct file *file, struct mailbox_message __user *user);
long mailbox_direct_receive(struct file *file, struct mailbox_message __user *user);
long mailbox_direct_peek(struct file *file, struct mailbox_message __user *user);

/* MAILBOX_IOC_SEND_BATCH and MAILBOX_IOC_RECEIVE_BATCH, likewise. */
long mailbox_direct_send_batch(struct file *file, struct mailbox_batch __user *user);
long mailbox_direct_receive_batch(struct file *file, struct mailbox_batch __user *user);

/* MAILBOX_IOC_END. */
long mailbox_direct_end(struct file *file, struct mailbox_end __user *user);

#endif /* MAILBOX_DIRECT_H */
