/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: looking at a message without taking it.
 *
 * Nothing is held meanwhile: the message is copied where it lies, and then its word is
 * looked at once more. If that is the same, nobody has taken the message before all
 * of it was copied, and so the answer was true at that moment; if not, all starts again.
 * One that waits outside the slots is kept by a reference.
 */
#ifndef MAILBOX_PEEK_H
#define MAILBOX_PEEK_H

#include <linux/mailbox.h>

struct mailbox_endpoint;

/* MAILBOX_IOC_PEEK, on a file open for receiving. */
long mailbox_peek_ioctl(const struct mailbox_endpoint *ep, struct mailbox_message __user *user);

#endif /* MAILBOX_PEEK_H */
