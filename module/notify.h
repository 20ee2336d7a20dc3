/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: word for a process, once, that a message has come to an empty port.
 *
 * A notice is registered for a process; a port has one such at most. Told, it is no longer
 * registered, and stays until that process has fetched it; one that holds its process, until
 * that is done with it. The notices of a process that are not being waited for go when it
 * closes a descriptor of the port, as every process does in the end.
 *
 * Whether a message came to the empty port nobody can say: when it can be received, others may
 * be on their way, or have been received. So it is remembered whether the port has been empty
 * since the registration; whoever finds nothing there, or leaves nothing, says so too. From then
 * on a message that nobody waited for is told of, by its sender; and by whoever has received, or
 * leaves without, if there is one still that nobody sleeps for. (notice.pml)
 *
 * What a process does about its notice, it does by another thread, and so later than the
 * message came. One that sends itself a signal wants to be held: then it cannot have the
 * message, and sleep for the next one, before the signal has come.
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
 * @lock: protects what follows; held when a message is looked for
 * @list: all of them
 * @registered: the one that is to be told, or NULL; may be looked at without the lock
 * @emptied: the port has been empty since
 * @seq: moved on by who registers, and by who has received or not: then nobody may be waiting
 *	who was before; may be looked at without the lock
 * @count: how many
 * @owed: how many of them hold their processes; may be looked at without the lock
 * @last_id: of the one that was made last
 * @queue: who waits for word
 * @shown: what that shows to nobody
 */
struct mailbox_notices {
	spinlock_t lock;		/* protects what follows */
	struct list_head list;
	struct mailbox_notice *registered;
	bool emptied;
	u32 seq;
	u32 count;
	u32 owed;
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
 * @hold: from then on it is held, until mailbox_notice_done()
 * @id: out: for mailbox_notice_wait()
 *
 * Return: 0, -EBUSY (somebody does already, or too many have one to fetch), or -ENOMEM.
 */
int mailbox_notice_register(struct mailbox_notices *notices, bool hold, u64 *id);

/**
 * mailbox_notice_wait() - sleep until it is told
 * @notices: of the port
 * @n: in: its id; out: who sent the message, in the caller's namespaces
 *
 * Return: 0, -ECANCELED (this process has none of that id, or no longer), or -ERESTARTSYS.
 */
int mailbox_notice_wait(struct mailbox_notices *notices, struct mailbox_notify *n);

/* 0, or -ECANCELED: the calling process has fetched none of that id that holds it. */
int mailbox_notice_done(struct mailbox_notices *notices, u64 id);

/**
 * mailbox_notices_settle() - sleep as long as notices hold the calling process
 * @notices: of the port
 *
 * Return: 0, or -ERESTARTSYS.
 */
int mailbox_notices_settle(struct mailbox_notices *notices);

/* There may be one that does, the calling process or another. */
static inline bool mailbox_notices_hold(const struct mailbox_notices *notices)
{
	return READ_ONCE(notices->owed);
}

/*
 * Take back what the calling process has registered, if it has, and the notice of that id, told
 * or not, if it is not 0; who waits for it is told.
 */
void mailbox_notice_cancel(struct mailbox_notices *notices, u64 id);

/* The calling process has closed a descriptor: it is not interested any more. */
void mailbox_notices_flush(struct mailbox_notices *notices);

/*
 * Is there a message to be told of, and does nobody sleep for it? Asked with the lock, when whoever
 * receives one from here on, and makes that known with a full barrier, sees @owed.
 */
typedef bool mailbox_due_fn(const void *arg);

/**
 * mailbox_notices_sent() - the calling process has sent a message, or failed to
 * @notices: of the port, with one registered at a look after a full barrier
 * @first: it came to the empty port, if to any
 * @awaited: before that somebody slept for one
 * @seq: before that look
 * @due: is one to be told of?
 * @arg: what @due gets
 */
void mailbox_notices_sent(struct mailbox_notices *notices, bool first, bool awaited, u32 seq,
			  mailbox_due_fn *due, const void *arg);

/**
 * mailbox_notices_received() - the calling process has received a message, or not
 * @notices: of the port, with one registered at a look after a full barrier
 * @empty: there was none, or is none now
 * @due: is one to be told of?
 * @arg: what @due gets
 */
void mailbox_notices_received(struct mailbox_notices *notices, bool empty, mailbox_due_fn *due,
			      const void *arg);

#endif /* MAILBOX_NOTIFY_H */
