/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: word for a process, once, that a message has come to an empty port.
 *
 * A notice is registered for a process; a port has one such at most. Told, it is no longer
 * registered, and stays until that process has fetched it. The notices of a process
 * that are not being waited for go when it closes a descriptor of the port, as every
 * process does in the end.
 *
 * Knows processes, no endpoints and no port.
 */
#ifndef MAILBOX_NOTIFY_H
#define MAILBOX_NOTIFY_H

#include <linux/list.h>
#include <linux/mailbox.h>
#include <linux/spinlock.h>

#include "wait.h"

/* Those of one port that were not fetched yet, and the one to be told. */
#define MAILBOX_NOTICES_MAX	64

struct mailbox_notice;

/**
 * struct mailbox_notices - of a port
 * @lock: protects what follows; innermost but for the queue's own
 * @list: all of them
 * @registered: the one that is to be told, or NULL; may be looked at without the lock
 * @count: how many
 * @last_id: of the one that was made last
 * @queue: who waits for word
 * @shown: what that shows to nobody
 */
struct mailbox_notices {
	spinlock_t lock;		/* protects what follows */
	struct list_head list;
	struct mailbox_notice *registered;
	u32 count;
	u64 last_id;
	struct mailbox_queue queue;
	atomic64_t shown;
};

void mailbox_notices_init(struct mailbox_notices *notices);

/* Nobody waits any more. */
void mailbox_notices_destroy(struct mailbox_notices *notices);

/**
 * mailbox_notice_register() - the calling process wants to be told
 * @notices: of the port
 * @id: out: for mailbox_notice_wait()
 *
 * Return: 0, -EBUSY (somebody does already, or too many have one to fetch), or -ENOMEM.
 */
int mailbox_notice_register(struct mailbox_notices *notices, u64 *id);

/**
 * mailbox_notice_wait() - sleep until it is told
 * @notices: of the port
 * @n: in: its id; out: who sent the message, in the caller's namespaces
 *
 * Return: 0, -ECANCELED (this process has none of that id, or no longer), or -ERESTARTSYS.
 */
int mailbox_notice_wait(struct mailbox_notices *notices, struct mailbox_notify *n);

/* Take back what the calling process has registered, if it has; who waits for it is told. */
void mailbox_notice_cancel(struct mailbox_notices *notices);

/* The calling process has closed a descriptor: it is not interested any more. */
void mailbox_notices_flush(struct mailbox_notices *notices);

/* A message of the calling process has come to the empty port. */
void mailbox_notice_tell(struct mailbox_notices *notices);

#endif /* MAILBOX_NOTIFY_H */
