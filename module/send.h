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

struct mailbox_buffer;
struct mailbox_deadline;
struct mailbox_endpoint;
struct mailbox_ticket;

/* file_operations of a port: one call, one message. */
ssize_t mailbox_send_write(struct file *file, const char __user *buf, size_t size, loff_t *pos);
ssize_t mailbox_send_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* MAILBOX_IOC_SEND, on a file open for that. */
long mailbox_send_ioctl(struct file *file, struct mailbox_message __user *user);

/**
 * mailbox_send_slow() - send one message, whatever it takes
 * @ep: the sender
 * @from: the message, not longer than the port's message_size
 * @n: a lane of the port
 * @deadline: until when to wait for a slot; NULL: not at all
 *
 * May sleep. Return: 0, or an error as in mailbox.h.
 */
int mailbox_send_slow(struct mailbox_endpoint *ep, const struct mailbox_buffer *from, u32 n,
		      const struct mailbox_deadline *deadline);

/* The chain: a sender that got its slot wakes the next if there is another. */
void mailbox_chain_senders(const struct mailbox_endpoint *ep, u32 n);

/* Give up a claimed slot: a receiver may see what is behind it, a sender may claim over it. */
void mailbox_undo_claim(const struct mailbox_endpoint *ep, u32 n, u64 position,
			struct mailbox_ticket *ticket);

/**
 * mailbox_sendable() - is there room on the default lane?
 * @ep: for this endpoint
 *
 * Return: 0, -EAGAIN, -EIDRM, or -EPIPE. Reads only.
 */
int mailbox_sendable(const struct mailbox_endpoint *ep);

#endif /* MAILBOX_SEND_H */
