/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: one message across the user boundary, and the only room that sees user
 * bytes.
 *
 * Send: short messages are fetched before a slot is claimed, long ones are
 * faulted in; then claim, copy with page faults off, publish. If that copy
 * fails all the same, the slot is discarded and the send starts again.
 *
 * Receive: take, copy with page faults off, release. If the copy fails (after a
 * fork the first store to any private page does), the message is parked in its
 * place for whoever comes first, the page is faulted in, and the receive starts
 * again. So nothing is held while a page fault sleeps, and nothing is lost
 * whatever the caller's memory does.
 *
 * Page faults off also spares hardened usercopy its walk over the kernel's
 * mappings, under a global lock, for each copy.
 *
 * Lengths are bounded by the port's message_size before a copy; words of the
 * slots are read once. Nothing here holds a lock. Context: process context,
 * may sleep.
 */
#ifndef MAILBOX_MESSAGE_H
#define MAILBOX_MESSAGE_H

#include <linux/fs.h>

#include "port.h"

/* file_operations of a port: one call, one message. */
ssize_t mailbox_message_write(struct file *file, const char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_message_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_message_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t mailbox_message_read_iter(struct kiocb *iocb, struct iov_iter *to);

/* MAILBOX_IOC_SEND and MAILBOX_IOC_RECEIVE, on a file open for that. */
long mailbox_message_send(struct file *file, struct mailbox_message __user *user);
long mailbox_message_receive(struct file *file, struct mailbox_message __user *user);

/* MAILBOX_IOC_FINISH, on a file open for receiving. */
long mailbox_message_finish(struct mailbox_endpoint *ep, struct mailbox_finish __user *user);

/**
 * mailbox_message_receivable() - is there something to receive?
 * @ep: for this endpoint, by its lanes
 *
 * Return: 0 if a receive has something to do, -EAGAIN if not, -EIDRM if there
 * never will be, -EPIPE if the sender of a direct port has gone. Reads only.
 */
int mailbox_message_receivable(const struct mailbox_endpoint *ep);

/**
 * mailbox_message_sendable() - is there room on the default lane?
 * @ep: for this endpoint
 *
 * Return: 0, -EAGAIN, -EIDRM, or -EPIPE. Reads only.
 */
int mailbox_message_sendable(const struct mailbox_endpoint *ep);

#endif /* MAILBOX_MESSAGE_H */
