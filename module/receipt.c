// SPDX-License-Identifier: GPL-2.0-only
/* Tickets and receipts. */

#include <linux/cred.h>
#include <linux/eventfd.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>

#include "abi.h"
#include "receipt.h"

/**
 * struct mailbox_ticket - a message whose sender wants to know
 * @hash: in ledger->open while it is open
 * @node: in one of its sender's lists, or in none
 * @sender: NULL: it has been closed
 * @sync: the sender waits for it itself: on no list
 * @lane: of the message
 * @position: there
 * @tag: of the message
 * @outcome: MAILBOX_QUEUED as long as it is open
 * @reason: MAILBOX_REASON_* or 0
 * @time: when it was finished
 * @order: how many of the port were finished before it
 * @receiver: who finished it
 * @reply: what he said, if it is long; or NULL
 * @length: bytes of that
 * @kept: its message has left its slot
 * @held: for a receiver
 * @brief: what he said, if it is short
 *
 * All under ledger->lock, unless it is the caller's alone.
 */
struct mailbox_ticket {
	struct hlist_node hash;
	struct list_head node;
	struct mailbox_receipts *sender;
	bool sync;
	u32 lane;
	u64 position;
	u64 tag;
	u32 outcome;
	u32 reason;
	u64 time;
	u64 order;
	struct mailbox_party receiver;
	void *reply;
	u32 length;
	bool kept;
	bool held;
	u8 brief[MAILBOX_REPLY_SHORT];
};

static u64 mailbox_ticket_key(u32 lane, u64 position)
{
	return position * MAILBOX_LANES_MAX + lane;
}

void mailbox_ledger_init(struct mailbox_ledger *ledger, struct mailbox_ring *ring)
{
	ledger->ring = ring;
	spin_lock_init(&ledger->lock);
	hash_init(ledger->open);
	INIT_LIST_HEAD(&ledger->senders);
	ledger->closed = false;
	ledger->ended = false;
	ledger->gone = false;
	ledger->finished = 0;
}

/* All that it holds. */
static void mailbox_ticket_clear(struct mailbox_ticket *t)
{
	put_pid(t->receiver.pid);
	kvfree(t->reply);
}

static void mailbox_ticket_destroy(struct mailbox_ticket *t)
{
	mailbox_ticket_clear(t);
	kfree(t);
}

void mailbox_ledger_destroy(struct mailbox_ledger *ledger)
{
	struct mailbox_ticket *t;
	struct hlist_node *next;
	unsigned int i;

	hash_for_each_safe(ledger->open, i, next, t, hash)
		mailbox_ticket_destroy(t);
}

static void mailbox_receipts_wake(struct mailbox_receipts *r)
{
	mailbox_queue_wake(&r->queue, MAILBOX_ALL_LANES, true);
}

/* The same, and who has an eventfd for it is told: of a receipt on its list, or of the end. */
static void mailbox_receipts_tell(struct mailbox_receipts *r)
{
	mailbox_receipts_wake(r);
	if (r->eventfd)
		mailbox_eventfd_signal(r->eventfd);
}

static void mailbox_ledger_wake(struct mailbox_ledger *ledger)
{
	struct mailbox_receipts *r;

	lockdep_assert_held(&ledger->lock);
	smp_mb();	/* before we look for sleepers; against (F) */
	list_for_each_entry(r, &ledger->senders, node)
		mailbox_receipts_tell(r);
}

void mailbox_ledger_forsake(struct mailbox_ledger *ledger, bool gone)
{
	spin_lock(&ledger->lock);
	ledger->gone = gone;
	mailbox_ledger_wake(ledger);
	spin_unlock(&ledger->lock);
}

/* Why nothing more will be received, for now or for ever; or 0. */
static int mailbox_ledger_error(const struct mailbox_ledger *ledger)
{
	if (ledger->closed)
		return -EIDRM;
	return ledger->gone ? -EPIPE : 0;
}

void mailbox_ledger_close(struct mailbox_ledger *ledger, bool ended)
{
	spin_lock(&ledger->lock);
	ledger->closed = true;
	ledger->ended |= ended;
	mailbox_ledger_wake(ledger);
	spin_unlock(&ledger->lock);
}

void mailbox_receipts_init(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			   struct mailbox_queue *senders)
{
	mailbox_queue_init(&r->queue, &r->shown, NULL);
	mailbox_queue_poll_with(&r->queue, senders);
	INIT_LIST_HEAD(&r->open);
	INIT_LIST_HEAD(&r->finished);
	r->count = 0;
	r->spare = NULL;
	r->eventfd = NULL;
	spin_lock(&ledger->lock);
	list_add_tail(&r->node, &ledger->senders);
	spin_unlock(&ledger->lock);
}

void mailbox_receipts_close(struct mailbox_ledger *ledger, struct mailbox_receipts *r)
{
	struct mailbox_ticket *t, *next;
	LIST_HEAD(unread);

	spin_lock(&ledger->lock);
	list_del_init(&r->node);
	list_for_each_entry_safe(t, next, &r->open, node) {
		t->sender = NULL;
		list_del_init(&t->node);
	}
	list_splice_init(&r->finished, &unread);
	spin_unlock(&ledger->lock);
	if (r->eventfd)		/* nobody signals it any more */
		eventfd_ctx_put(r->eventfd);
	list_for_each_entry_safe(t, next, &unread, node)
		mailbox_ticket_destroy(t);
	kfree(r->spare);
}

long mailbox_receipts_eventfd(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			      struct mailbox_eventfd __user *user)
{
	struct eventfd_ctx *ctx = NULL, *old;
	struct mailbox_eventfd eventfd;
	u32 size;
	int err;

	err = mailbox_abi_get(&eventfd, sizeof(eventfd), user, &size);
	if (err)
		return err;
	if (eventfd.fd != -1)
		ctx = eventfd_ctx_fdget(eventfd.fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	spin_lock(&ledger->lock);
	old = r->eventfd;
	r->eventfd = ctx;
	/* What came before nobody would tell it. */
	if (ctx && (!list_empty(&r->finished) || mailbox_ledger_error(ledger)))
		mailbox_eventfd_signal(ctx);
	spin_unlock(&ledger->lock);
	if (old)
		eventfd_ctx_put(old);
	return 0;
}

/* All but where its message is, and what @outcome and @length say is there. */
static void mailbox_ticket_init(struct mailbox_ticket *t, struct mailbox_receipts *r, bool sync)
{
	INIT_HLIST_NODE(&t->hash);
	INIT_LIST_HEAD(&t->node);
	t->sender = r;
	t->sync = sync;
	t->outcome = MAILBOX_QUEUED;
	t->reason = 0;
	t->time = 0;
	t->receiver = (struct mailbox_party){ };
	t->reply = NULL;
	t->length = 0;
	t->kept = false;
	t->held = false;
}

struct mailbox_ticket *mailbox_ticket_alloc(struct mailbox_ledger *ledger,
					    struct mailbox_receipts *r, bool sync)
{
	struct mailbox_ticket *t = NULL;
	bool room;

	spin_lock(&ledger->lock);
	room = r->count < MAILBOX_RECEIPTS_MAX;
	r->count += room;
	if (room)
		swap(t, r->spare);
	spin_unlock(&ledger->lock);
	if (!room)
		return ERR_PTR(-EAGAIN);
	if (!t)
		t = kmalloc(sizeof(*t), MAILBOX_GFP);
	if (!t) {
		spin_lock(&ledger->lock);
		r->count--;
		spin_unlock(&ledger->lock);
		return ERR_PTR(-ENOMEM);
	}
	mailbox_ticket_init(t, r, sync);
	return t;
}

void mailbox_ticket_free(struct mailbox_ledger *ledger, struct mailbox_ticket *t)
{
	struct mailbox_receipts *r = t->sender;

	mailbox_ticket_clear(t);
	spin_lock(&ledger->lock);
	r->count--;
	swap(t, r->spare);
	spin_unlock(&ledger->lock);
	kfree(t);
}

void mailbox_ticket_open(struct mailbox_ledger *ledger, struct mailbox_ticket *t, u32 lane,
			 u64 position, u64 tag)
{
	spin_lock(&ledger->lock);
	t->lane = lane;
	t->position = position;
	t->tag = tag;
	hash_add(ledger->open, &t->hash, mailbox_ticket_key(lane, position));
	if (!t->sync)
		list_add_tail(&t->node, &t->sender->open);
	spin_unlock(&ledger->lock);
	mailbox_slot_want_receipt(&ledger->ring->lane[lane].view, position);
}

static void mailbox_ticket_close(struct mailbox_ledger *ledger, struct mailbox_ticket *t)
{
	lockdep_assert_held(&ledger->lock);
	hash_del(&t->hash);
	list_del_init(&t->node);
}

void mailbox_ticket_shut(struct mailbox_ledger *ledger, struct mailbox_ticket *t)
{
	spin_lock(&ledger->lock);
	mailbox_ticket_close(ledger, t);
	spin_unlock(&ledger->lock);
}

/*
 * Takes over the reference to @receiver's pid. With -EPIPE, if its
 * sender is gone, the ticket is the caller's to destroy, without the lock.
 */
static int mailbox_ticket_done(struct mailbox_ledger *ledger, struct mailbox_ticket *t,
			       u32 outcome, u32 reason, const struct mailbox_party *receiver)
{
	mailbox_ticket_close(ledger, t);
	t->outcome = outcome;
	t->reason = reason;
	t->time = ktime_get_ns();
	t->order = ledger->finished++;
	if (receiver)
		t->receiver = *receiver;
	if (!t->sender)
		return -EPIPE;
	if (!t->sync)
		list_add_tail(&t->node, &t->sender->finished);
	smp_mb();	/* before we look for sleepers; against (F) */
	if (t->sync)
		mailbox_receipts_wake(t->sender);
	else
		mailbox_receipts_tell(t->sender);
	return 0;
}

static struct mailbox_ticket *mailbox_ticket_find(struct mailbox_ledger *ledger, u32 lane,
						  u64 position)
{
	u64 key = mailbox_ticket_key(lane, position);
	struct mailbox_ticket *t;

	lockdep_assert_held(&ledger->lock);
	hash_for_each_possible(ledger->open, t, hash, key)
		if (t->lane == lane && t->position == position)
			return t;
	return NULL;
}

int mailbox_ticket_finish(struct mailbox_ledger *ledger, u32 lane, u64 position, u32 outcome,
			  u32 reason, const struct mailbox_party *receiver)
{
	struct mailbox_ticket *t;
	int ret = -ENOENT;

	spin_lock(&ledger->lock);
	t = mailbox_ticket_find(ledger, lane, position);
	if (t)
		ret = mailbox_ticket_done(ledger, t, outcome, reason, receiver);
	spin_unlock(&ledger->lock);
	if (ret == -EPIPE)
		mailbox_ticket_destroy(t);
	if (ret == -ENOENT && receiver)
		put_pid(receiver->pid);
	return ret;
}

int mailbox_ticket_reply(struct mailbox_ledger *ledger, u32 lane, u64 position,
			 const struct mailbox_party *receiver, void *reply, u32 length)
{
	struct mailbox_ticket *t;
	int ret = -ENOENT;

	spin_lock(&ledger->lock);
	t = mailbox_ticket_find(ledger, lane, position);
	if (t && !t->sender) {
		ret = -EPIPE;
	} else if (t) {
		if (length > MAILBOX_REPLY_SHORT)
			t->reply = reply;
		else
			memcpy(t->brief, reply, length);
		t->length = length;
		ret = mailbox_ticket_done(ledger, t, MAILBOX_REPLIED, 0, receiver);
	}
	spin_unlock(&ledger->lock);
	return ret;
}

void mailbox_ticket_keep(struct mailbox_ledger *ledger, u32 lane, u64 position, bool held)
{
	struct mailbox_ticket *t;

	spin_lock(&ledger->lock);
	t = mailbox_ticket_find(ledger, lane, position);
	if (t) {
		t->kept = true;
		t->held = held;
	}
	spin_unlock(&ledger->lock);
}

/*
 * How it stands with a ticket: MAILBOX_QUEUED, _TAKEN, or an outcome. If the slot
 * has gone on without us, that is the end of it.
 */
static u32 mailbox_ticket_look(struct mailbox_ledger *ledger, struct mailbox_ticket *t)
{
	const struct mailbox_lane *view = &ledger->ring->lane[t->lane].view;
	u64 word = mailbox_lane_word(view, t->position);
	s64 d = mailbox_word_distance(word, t->position);

	lockdep_assert_held(&ledger->lock);
	if (t->outcome != MAILBOX_QUEUED)
		return t->outcome;
	if (t->kept)
		return MAILBOX_TAKEN;
	if (d > 0 && !mailbox_distance_broken(view, d)) {
		mailbox_ticket_done(ledger, t, MAILBOX_RECEIVED, 0, NULL);
		return MAILBOX_RECEIVED;
	}
	if (d || mailbox_word_phase(word) == MAILBOX_PHASE_VOID) {
		mailbox_ticket_done(ledger, t, MAILBOX_DISCARDED, MAILBOX_REASON_LOST, NULL);
		return MAILBOX_DISCARDED;
	}
	return mailbox_ring_untaken(view, t->position, word) ? MAILBOX_QUEUED : MAILBOX_TAKEN;
}

/* The port's end, and nobody is left who could finish it. */
static bool mailbox_ticket_hopeless(const struct mailbox_ledger *ledger,
				    const struct mailbox_ticket *t, u32 look)
{
	return (ledger->ended || ledger->gone) && (look == MAILBOX_QUEUED || (t->kept && !t->held));
}

/* Synchronous: wait, and take back */

struct mailbox_ticket_sleep {
	struct mailbox_ledger *ledger;
	struct mailbox_ticket *t;
};

/* The end of the port counts only as long as nobody has taken the message. */
static bool mailbox_ticket_ready(void *arg)
{
	struct mailbox_ticket_sleep *at = arg;
	bool ready;
	u32 look;

	spin_lock(&at->ledger->lock);
	look = mailbox_ticket_look(at->ledger, at->t);
	ready = look > MAILBOX_TAKEN ||
		(look == MAILBOX_QUEUED && mailbox_ledger_error(at->ledger)) ||
		mailbox_ticket_hopeless(at->ledger, at->t, look);
	spin_unlock(&at->ledger->lock);
	return ready;
}

/* @err: why it is not waited for any longer; 0: it is, unless the port was deleted. */
static int mailbox_ticket_settle(struct mailbox_ledger *ledger, struct mailbox_ticket *t, int err)
{
	int ret = -EAGAIN;
	u32 look;

	spin_lock(&ledger->lock);
	look = mailbox_ticket_look(ledger, t);
	if (look > MAILBOX_TAKEN) {
		ret = 0;
	} else if ((err || mailbox_ledger_error(ledger)) &&
		   mailbox_ring_withdraw(ledger->ring, &ledger->ring->lane[t->lane],
					 t->position)) {
		mailbox_ticket_close(ledger, t);
		ret = err ?: mailbox_ledger_error(ledger);
	} else if (err || mailbox_ticket_hopeless(ledger, t, look)) {
		t->sync = false;
		list_add_tail(&t->node, &t->sender->open);
		ret = -EINPROGRESS;
	}
	spin_unlock(&ledger->lock);
	return ret;
}

int mailbox_ticket_wait(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			struct mailbox_ticket *t, const struct mailbox_deadline *deadline)
{
	struct mailbox_ticket_sleep at = { ledger, t };
	struct mailbox_waiter w;
	int err = 0, ret;

	mailbox_waiter_init(&w);
	do {
		ret = mailbox_ticket_settle(ledger, t, err);
		if (ret == -EAGAIN)
			err = mailbox_wait(&r->queue, &w, MAILBOX_ALL_LANES, mailbox_ticket_ready,
					   &at, deadline);
		/* Whatever the slot says, and however often it changes. */
		if (!err && signal_pending(current))
			err = -ERESTARTSYS;
	} while (ret == -EAGAIN);
	return ret;
}

/* To the user */

/* What is told, but for what belongs to the call. */
static void mailbox_receipt_of(const struct mailbox_ticket *t, u32 outcome,
			       struct mailbox_receipt *receipt)
{
	struct user_namespace *ns = current_user_ns();

	receipt->lane = t->lane;
	receipt->ticket = t->position;
	receipt->length = t->length;
	receipt->tag = t->tag;
	receipt->time = t->time;
	receipt->outcome = outcome;
	receipt->reason = t->reason;
	receipt->receiver = t->receiver.id;
	receipt->pid = 0;
	receipt->uid = ~0U;
	receipt->gid = ~0U;
	if (t->receiver.pid) {
		receipt->pid = pid_vnr(t->receiver.pid);
		receipt->uid = from_kuid_munged(ns, t->receiver.uid);
		receipt->gid = from_kgid_munged(ns, t->receiver.gid);
	}
}

/* What comes out, and, before that, @reply if it is short; 0 bytes of it else. */
static int mailbox_receipt_out(const struct mailbox_receipt *receipt,
			       struct mailbox_receipt __user *user,
			       const u8 *reply, u32 length)
{
	u8 __user *to = u64_to_user_ptr(receipt->data);
	u32 i;

	if ((length && !access_ok(to, length)) || !user_write_access_begin(user, sizeof(*user)))
		return -EFAULT;
	for (i = 8; i <= length; i += 8)
		unsafe_put_user(*(u64 *)(reply + i - 8), (u64 __user *)(to + i - 8), efault);
	for (i = length & ~7U; i < length; i++)
		unsafe_put_user(reply[i], to + i, efault);
	unsafe_put_user(receipt->length, &user->length, efault);
	unsafe_put_user(receipt->lane, &user->lane, efault);
	unsafe_put_user(receipt->ticket, &user->ticket, efault);
	unsafe_put_user(receipt->tag, &user->tag, efault);
	unsafe_put_user(receipt->time, &user->time, efault);
	unsafe_put_user(receipt->outcome, &user->outcome, efault);
	unsafe_put_user(receipt->reason, &user->reason, efault);
	unsafe_put_user(receipt->receiver, &user->receiver, efault);
	unsafe_put_user(receipt->pid, &user->pid, efault);
	unsafe_put_user(receipt->uid, &user->uid, efault);
	unsafe_put_user(receipt->gid, &user->gid, efault);
	user_write_access_end();
	return 0;
efault:
	user_write_access_end();
	return -EFAULT;
}

/* A receipt in our hands, that of one who is still there. */
static int mailbox_ticket_put(struct mailbox_ticket *t, struct mailbox_receipt *receipt,
			      struct mailbox_receipt __user *user)
{
	u32 room = receipt->length, brief = t->length;

	mailbox_receipt_of(t, t->outcome, receipt);
	if (t->length > room)
		return put_user(t->length, &user->length) ? -EFAULT : -EMSGSIZE;
	if (t->reply) {
		if (copy_to_user(u64_to_user_ptr(receipt->data), t->reply, t->length))
			return -EFAULT;
		brief = 0;
	}
	return mailbox_receipt_out(receipt, user, t->brief, brief);
}

/* Back among its sender's receipts, in the order of finishing. */
static void mailbox_ticket_put_back(struct mailbox_ledger *ledger, struct mailbox_ticket *t)
{
	struct list_head *before = &t->sender->finished;
	struct mailbox_ticket *other;

	lockdep_assert_held(&ledger->lock);
	list_for_each_entry(other, &t->sender->finished, node) {
		if (other->order > t->order) {
			before = &other->node;
			break;
		}
	}
	list_add_tail(&t->node, before);
}

/* Told, or back where it came from. */
static int mailbox_ticket_told(struct mailbox_ledger *ledger, struct mailbox_ticket *t, int err)
{
	if (!err) {
		mailbox_ticket_free(ledger, t);
		return 0;
	}
	spin_lock(&ledger->lock);
	t->sync = false;
	mailbox_ticket_put_back(ledger, t);
	smp_mb();	/* before we look for sleepers; against (F) */
	mailbox_receipts_tell(t->sender);
	spin_unlock(&ledger->lock);
	return err;
}

int mailbox_ticket_tell(struct mailbox_ledger *ledger, struct mailbox_ticket *t,
			struct mailbox_receipt __user *user)
{
	struct mailbox_receipt receipt mailbox_uninitialized;
	int err = 0;
	u32 size;

	if (user) {
		err = mailbox_abi_get(&receipt, sizeof(receipt), user, &size);
		if (!err)
			err = mailbox_ticket_put(t, &receipt, user);
	}
	return mailbox_ticket_told(ledger, t, err);
}

bool mailbox_receipts_ready(const struct mailbox_receipts *r)
{
	return !list_empty(&r->finished);	/* it asks for one pointer, once */
}

/**
 * struct mailbox_receipt_wish - which receipt is wanted
 * @ledger: of the port
 * @r: of the sender
 * @wish: the caller's structure
 */
struct mailbox_receipt_wish {
	struct mailbox_ledger *ledger;
	struct mailbox_receipts *r;
	const struct mailbox_receipt *wish;
};

static struct mailbox_ticket *mailbox_ticket_among(const struct list_head *list, u32 lane,
						   u64 position)
{
	struct mailbox_ticket *t;

	list_for_each_entry(t, list, node)
		if (t->position == position && t->lane == lane)
			return t;
	return NULL;
}

/* Returns a ticket, finished or, if that one is wanted, open; or ERR_PTR(). */
static struct mailbox_ticket *mailbox_receipt_find(const struct mailbox_receipt_wish *at)
{
	const struct mailbox_receipt *wish = at->wish;
	struct mailbox_receipts *r = at->r;
	struct mailbox_ticket *t, *next;
	bool hope = !mailbox_ledger_error(at->ledger);

	lockdep_assert_held(&at->ledger->lock);
	if (wish->flags & MAILBOX_RECEIPT_TICKET) {
		t = mailbox_ticket_among(&r->finished, wish->lane, wish->ticket) ?:
		    mailbox_ticket_among(&r->open, wish->lane, wish->ticket);
		return t ?: ERR_PTR(-ESTALE);
	}
	if (list_empty(&r->finished))
		list_for_each_entry_safe(t, next, &r->open, node)
			if (!mailbox_ticket_hopeless(at->ledger, t,
						     mailbox_ticket_look(at->ledger, t)))
				hope = true;
	t = list_first_entry_or_null(&r->finished, struct mailbox_ticket, node);
	return t ?: ERR_PTR(hope ? -EAGAIN : mailbox_ledger_error(at->ledger));
}

/* The same, but only a finished one will do. */
static struct mailbox_ticket *mailbox_receipt_get(const struct mailbox_receipt_wish *at)
{
	struct mailbox_ticket *t = mailbox_receipt_find(at);
	u32 look;

	if (IS_ERR(t))
		return t;
	look = mailbox_ticket_look(at->ledger, t);
	if (look > MAILBOX_TAKEN)
		return t;
	return ERR_PTR(mailbox_ticket_hopeless(at->ledger, t, look) ?
		       mailbox_ledger_error(at->ledger) : -EAGAIN);
}

/* Returns one that is the caller's now. */
static struct mailbox_ticket *mailbox_receipt_take(const struct mailbox_receipt_wish *at)
{
	struct mailbox_ticket *t;

	spin_lock(&at->ledger->lock);
	t = mailbox_receipt_get(at);
	if (!IS_ERR(t))
		list_del_init(&t->node);
	spin_unlock(&at->ledger->lock);
	return t;
}

static bool mailbox_receipt_ready(void *arg)
{
	const struct mailbox_receipt_wish *at = arg;
	struct mailbox_ticket *t;

	spin_lock(&at->ledger->lock);
	t = mailbox_receipt_get(at);
	spin_unlock(&at->ledger->lock);
	return t != ERR_PTR(-EAGAIN);
}

static int mailbox_receipt_status(const struct mailbox_receipt_wish *at,
				  struct mailbox_receipt *receipt)
{
	struct mailbox_ticket *t;
	int err = 0;
	u32 look;

	spin_lock(&at->ledger->lock);
	t = mailbox_receipt_find(at);
	if (IS_ERR(t)) {
		err = PTR_ERR(t);
	} else {
		look = mailbox_ticket_look(at->ledger, t);
		mailbox_receipt_of(t, look, receipt);
	}
	spin_unlock(&at->ledger->lock);
	return err;
}

/* Wait for it; NULL not to. */
static struct mailbox_ticket *mailbox_receipt_await(struct mailbox_receipt_wish *at,
						    const struct mailbox_deadline *deadline)
{
	struct mailbox_ticket *t = mailbox_receipt_take(at);
	struct mailbox_waiter w;
	int err = 0;

	mailbox_waiter_init(&w);
	while (t == ERR_PTR(-EAGAIN) && deadline && !err) {
		err = mailbox_wait(&at->r->queue, &w, MAILBOX_ALL_LANES, mailbox_receipt_ready, at,
				   deadline);
		t = err ? ERR_PTR(err) : mailbox_receipt_take(at);
	}
	return t;
}

long mailbox_receipt_read(struct mailbox_ledger *ledger, struct mailbox_receipts *r,
			  struct mailbox_receipt __user *user, bool nonblock)
{
	const u32 known = MAILBOX_RECEIPT_REALTIME | MAILBOX_RECEIPT_TICKET |
			  MAILBOX_RECEIPT_STATUS;
	struct mailbox_receipt receipt mailbox_uninitialized;
	struct mailbox_receipt_wish at = { ledger, r, &receipt };
	struct mailbox_deadline deadline;
	struct mailbox_ticket *t;
	u32 flags, size;
	int err;

	err = mailbox_abi_get(&receipt, sizeof(receipt), user, &size);
	if (err)
		return err;
	flags = receipt.flags;
	if (flags & ~known)
		return -EINVAL;
	if (flags & MAILBOX_RECEIPT_STATUS) {
		if (!(flags & MAILBOX_RECEIPT_TICKET) || receipt.deadline)
			return -EINVAL;
		err = mailbox_receipt_status(&at, &receipt);
		return err ?: mailbox_receipt_out(&receipt, user, NULL, 0);
	}
	deadline.at = min_t(u64, receipt.deadline, KTIME_MAX);
	deadline.clock = flags & MAILBOX_RECEIPT_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	t = mailbox_receipt_await(&at, nonblock || receipt.deadline == MAILBOX_NO_WAIT ? NULL :
					&deadline);
	if (IS_ERR(t))
		return PTR_ERR(t);
	return mailbox_ticket_told(ledger, t, mailbox_ticket_put(t, &receipt, user));
}
