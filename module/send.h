/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: sending a message.
 *
 * The ends of a message are fetched before a slot is claimed, all of it if it has 8 to
 * 16 bytes, and what is longer than a page is faulted in; then claim, copy with page
 * faults off, publish. If that copy fails all the same, the slot is discarded and the
 * send starts again.
 */
#ifndef MAILBOX_SEND_H
#define MAILBOX_SEND_H

#include <linux/fs.h>
#include <linux/mailbox.h>

struct mailbox_endpoint;

/* file_operations of a port: one call, one message. */
ssize_t mailbox_send_write(struct file *file, const char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_send_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* MAILBOX_IOC_SEND, on a file open for that. */
long mailbox_send_ioctl(struct file *file, struct mailbox_message __user *user);

/**
 * mailbox_sendable() - is there room on the default lane?
 * @ep: for this endpoint
 *
 * Return: 0, -EAGAIN, -EIDRM, or -EPIPE. Reads only.
 */
int mailbox_sendable(const struct mailbox_endpoint *ep);

#endif /* MAILBOX_SEND_H */
