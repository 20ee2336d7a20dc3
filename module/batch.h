/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: several messages by one call.
 *
 * As long as each message has its slot and its pages at the first look, they go from
 * user memory into slots, or out of them, in one go: without page faults, sleep or
 * wake-ups. Then those are woken who are concerned, once for all: one receiver for what was
 * sent, one sender for what was freed, and each of them wakes the next if there is
 * more. A message for which that does not do is sent or received by itself, as any
 * other: send.h, receive.h.
 */
#ifndef MAILBOX_BATCH_H
#define MAILBOX_BATCH_H

#include <linux/fs.h>
#include <linux/mailbox.h>

/* MAILBOX_IOC_SEND_BATCH and MAILBOX_IOC_RECEIVE_BATCH, on a file open for that. */
long mailbox_batch_send(struct file *file, struct mailbox_batch __user *user);
long mailbox_batch_receive(struct file *file, struct mailbox_batch __user *user);

#endif /* MAILBOX_BATCH_H */
