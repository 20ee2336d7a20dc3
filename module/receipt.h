/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: receipts: the system's word to a sender of what became of one message.
 *
 * A message that is sent with MAILBOX_SEND_RECEIPT has a ticket here, from
 * before it is published until its sender has read the receipt:
 *
 *	queued, taken	 open: in the port's ledger under lane and position, and on
 *			 its sender's list; kept: it has left its slot for a lease
 *	finished	 on its sender's list of receipts, in the order of finishing
 *
 * The slot's header says that there is a ticket. It is finished before the slot is
 * released: so a slot that has gone on while its ticket is open was released by
 * somebody who maps the port and broke the rules, and that finishes it too.
 *
 * A synchronous sender keeps its ticket to itself while it waits: its receipt is
 * on no list.
 *
 * A ticket outlives its sender (who is then nobody) until its message is finished:
 * it does no harm, and tells the receiver that nobody waits for a reply.
 *
 * Locks: ledger->lock, inside which only those of wait, and of an eventfd, are taken.
 * Context: process context; mailbox_ticket_wait() and mailbox_receipt_read() sleep.
 */
#ifndef MAILBOX_RECEIPT_H
#define MAILBOX_RECEIPT_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mailbox.h>
#include <linux/pid.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>

#include "ring.h"
#include "wait.h"

/**
 * struct mailbox_ledger - the open tickets of a port
 * @ring: the port's
 * @lock: protects what follows, every ticket, and the lists of every sender
 * @open: by lane and position
 * @senders: all there are
 * @closed: nothing may be sent any more
 * @ended: and there is but one endpoint left
 * @gone: of a direct port: the receiver
 * @finished: tickets that are not open any more; numbers them
 */
struct mailbox_ledger {
	struct mailbox_ring *ring;
	spinlock_t lock;		/* protects what follows */
	DECLARE_HASHTABLE(open, 6);
	struct list_head senders;
	bool closed;
	bool ended;
	bool gone;
	u64 finished;
};

/**
 * struct mailbox_receipts - the tickets of one sender
 * @queue: who waits for a receipt
 * @shown: where the queue shows it, for nobody
 * @node: in ledger->senders; under ledger->lock, as is what follows
 * @open: tickets
 * @finished: oldest receipt first
 * @count: all of them
 * @spare: memory for the next one, or NULL
 * @eventfd: signalled for each that is finished, or NULL
 */
struct mailbox_receipts {
	struct mailbox_queue queue;
	atomic64_t shown;
	struct list_head node;
	struct list_head open;
	struct list_head finished;
	u32 count;
	struct mailbox_ticket *spare;
	struct eventfd_ctx *eventfd;
};

/**
 * struct mailbox_party - who it was
 * @id: endpoint, or 0
 * @pid: the process that opened it, holding a reference; or NULL
 * @uid: its effective uid
 * @gid: its effective gid
 */
struct mailbox_party {
	u32 id;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

struct mailbox_ticket;

/* A reply up to here has its place in the ticket, and takes no memory of its own. */
#define MAILBOX_REPLY_SHORT	64

void mailbox_ledger_init(struct mailbox_ledger *ledger, struct mailbox_ring *ring);
void mailbox_ledger_destroy(struct mailbox_ledger *ledger);

/**
 * mailbox_ledger_close() - the port is deleted, or nobody but one is left on it then
 * @ledger: of the port
 * @ended: the latter
 *
 * Synchronous senders take back what nobody has taken; who waits for a receipt looks
 * again whether there can be one.
 */
void mailbox_ledger_close(struct mailbox_ledger *ledger, bool ended);

/* The receiver of a direct port has gone, or there is one: likewise, with EPIPE. */
void mailbox_ledger_forsake(struct mailbox_ledger *ledger, bool gone);

/**
 * mailbox_receipts_init() - a new sender
 * @ledger: of the port
 * @r: embedded in its endpoint
 * @senders: who polls for receipts stands there
 */
void mailbox_receipts_init(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			   struct mailbox_queue *senders);

/**
 * mailbox_receipts_close() - the sender is closed
 * @ledger: of the port
 * @r: its tickets: receipts are dropped, what is open goes on without it
 */
void mailbox_receipts_close(struct mailbox_ledger *ledger, struct mailbox_receipts *r);

/**
 * mailbox_receipts_eventfd() - MAILBOX_IOC_EVENTFD
 * @ledger: of the port
 * @r: of the sender
 * @user: struct mailbox_eventfd
 *
 * Return: 0, -EBADF, -EINVAL, or an error of mailbox_abi_get().
 */
long mailbox_receipts_eventfd(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			      struct mailbox_eventfd __user *user);

/* Is there a receipt to read? */
bool mailbox_receipts_ready(const struct mailbox_receipts *r);

/**
 * mailbox_ticket_alloc() - reserve a receipt
 * @ledger: of the port
 * @r: of the sender
 * @sync: it waits for this one itself
 *
 * Return: the ticket, or ERR_PTR(-EAGAIN (too many), -ENOMEM).
 */
struct mailbox_ticket *mailbox_ticket_alloc(struct mailbox_ledger *ledger,
					    struct mailbox_receipts *r, bool sync);

/* Give back one that is not open. */
void mailbox_ticket_free(struct mailbox_ledger *ledger, struct mailbox_ticket *t);

/**
 * mailbox_ticket_open() - it belongs to this message, which is about to be published
 * @ledger: of the port
 * @t: the ticket
 * @lane: of the message
 * @position: there; the slot is the caller's
 * @tag: of the message
 */
void mailbox_ticket_open(struct mailbox_ledger *ledger, struct mailbox_ticket *t, u32 lane,
			 u64 position, u64 tag);

/* It does not: the slot is about to be given up. */
void mailbox_ticket_shut(struct mailbox_ledger *ledger, struct mailbox_ticket *t);

/**
 * mailbox_ticket_finish() - a message is finished
 * @ledger: of the port
 * @lane: of the message
 * @position: there
 * @outcome: MAILBOX_RECEIVED and so on
 * @reason: MAILBOX_REASON_* or 0
 * @receiver: whose reference to a pid is taken over; or NULL
 *
 * Before the slot is released.
 *
 * Return: 0, -EPIPE (its sender is gone), or -ENOENT (it has no open ticket).
 */
int mailbox_ticket_finish(struct mailbox_ledger *ledger, u32 lane, u64 position, u32 outcome,
			  u32 reason, const struct mailbox_party *receiver);

/**
 * mailbox_ticket_reply() - the same, with a reply, unless nobody would read it
 * @ledger: of the port
 * @lane: of the message
 * @position: there
 * @receiver: who replies; as above
 * @reply: up to MAILBOX_REPLY_SHORT bytes are copied; more are from kvmalloc(), and taken over
 * @length: bytes there
 *
 * Return: 0; or as above, and then nothing has happened and nothing was taken over.
 */
int mailbox_ticket_reply(struct mailbox_ledger *ledger, u32 lane, u64 position,
			 const struct mailbox_party *receiver, void *reply, u32 length);

/**
 * mailbox_ticket_keep() - a message is about to leave its slot unfinished, or is back
 * @ledger: of the port
 * @lane: of the message
 * @position: there
 * @held: by a receiver; false: it waits for the next one
 */
void mailbox_ticket_keep(struct mailbox_ledger *ledger, u32 lane, u64 position, bool held);

/**
 * mailbox_ticket_wait() - wait until a message is finished, or take it back
 * @ledger: of the port
 * @r: of the sender
 * @t: open, allocated with @sync
 * @deadline: until when
 *
 * Return: 0: finished, the ticket is the caller's to tell and free. -ETIMEDOUT,
 * -ERESTARTSYS, -EIDRM, -EPIPE: taken back, the slot is void and the ticket no longer open:
 * free it, and wake those who may walk on. -EINPROGRESS: it was too late for that,
 * the receipt comes to the sender's list.
 */
int mailbox_ticket_wait(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			struct mailbox_ticket *t, const struct mailbox_deadline *deadline);

/**
 * mailbox_ticket_tell() - hand out a finished ticket's receipt
 * @ledger: of the port
 * @t: the caller's; freed, or kept on its sender's list with an error
 * @user: struct mailbox_receipt with its buffer; may be NULL
 *
 * Return: 0, -EMSGSIZE, -EFAULT, -EINVAL or -E2BIG.
 */
int mailbox_ticket_tell(struct mailbox_ledger *ledger, struct mailbox_ticket *t,
			struct mailbox_receipt __user *user);

/**
 * mailbox_receipt_read() - MAILBOX_IOC_RECEIPT
 * @ledger: of the port
 * @r: of the sender
 * @user: struct mailbox_receipt
 * @nonblock: O_NONBLOCK
 *
 * Return: 0, or an error as in mailbox.h.
 */
long mailbox_receipt_read(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			  struct mailbox_receipt __user *user, bool nonblock);

#endif /* MAILBOX_RECEIPT_H */
