/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: a message is finished, or a lease on it ends otherwise; its sender is told.
 */
#ifndef MAILBOX_FINISH_H
#define MAILBOX_FINISH_H

#include <linux/mailbox.h>

struct mailbox_endpoint;

/* Tell a message's sender that this endpoint has finished it. Before its slot is released. */
void mailbox_finish(const struct mailbox_endpoint *ep, u32 lane, u64 position, u32 outcome);

/**
 * mailbox_finish_first() - MAILBOX_RECV_FINISH
 * @ep: the receiver
 * @user: what becomes of the message that it has; answered @how
 *
 * Return: 0, or an error as of MAILBOX_IOC_FINISH: nothing has happened.
 */
int mailbox_finish_first(struct mailbox_endpoint *ep, struct mailbox_finish __user *user);

/* MAILBOX_IOC_FINISH, on a file open for receiving. */
long mailbox_finish_ioctl(struct mailbox_endpoint *ep, struct mailbox_finish __user *user);

#endif /* MAILBOX_FINISH_H */
