// SPDX-License-Identifier: GPL-2.0-only
/* Notices: that a message has come to an empty port. */

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "notify.h"

/**
 * struct mailbox_notice - one process's wish to be told
 * @node: in mailbox_notices.list
 * @id: never used again
 * @process: whose
 * @sender: who sent the message; NULL: nobody has yet
 * @uid: likewise
 * @hold: told, it holds that process
 * @fetched: one that holds it still
 * @waited: a task is in mailbox_notice_wait() for it, and frees it
 * @cancelled: it will not be told
 */
struct mailbox_notice {
	struct list_head node;
	u64 id;
	struct pid *process;
	struct pid *sender;
	kuid_t uid;
	bool hold;
	bool fetched;
	bool waited;
	bool cancelled;
};

static const struct mailbox_deadline mailbox_notice_forever = { KTIME_MAX, CLOCK_MONOTONIC };

void mailbox_notices_init(struct mailbox_notices *notices)
{
	spin_lock_init(&notices->lock);
	INIT_LIST_HEAD(&notices->list);
	mailbox_queue_init(&notices->queue, &notices->shown, NULL);
}

/* Unlinked. */
static void mailbox_notice_free(struct mailbox_notice *notice)
{
	put_pid(notice->sender);
	put_pid(notice->process);
	kfree(notice);
}

void mailbox_notices_destroy(struct mailbox_notices *notices)
{
	struct mailbox_notice *notice, *next;

	list_for_each_entry_safe(notice, next, &notices->list, node)
		mailbox_notice_free(notice);
}

/* Whoever slept until now may have left. */
static void mailbox_notices_move(struct mailbox_notices *notices)
{
	/* Who sees that sees @registered too. */
	smp_store_release(&notices->seq, notices->seq + 1);
}

int mailbox_notice_register(struct mailbox_notices *notices, bool hold, u64 *id)
{
	struct mailbox_notice *notice = kzalloc(sizeof(*notice), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!notice)
		return -ENOMEM;
	notice->process = get_pid(task_tgid(current));
	notice->hold = hold;
	spin_lock(&notices->lock);
	if (notices->registered || notices->count == MAILBOX_NOTICES_MAX) {
		err = -EBUSY;
	} else {
		notices->count++;
		notice->id = ++notices->last_id;
		*id = notice->id;
		list_add_tail(&notice->node, &notices->list);
		notices->emptied = false;
		WRITE_ONCE(notices->registered, notice);
		mailbox_notices_move(notices);
	}
	spin_unlock(&notices->lock);
	if (err)
		mailbox_notice_free(notice);
	return err;
}

static bool mailbox_notice_ready(void *arg)
{
	const struct mailbox_notice *notice = arg;

	return READ_ONCE(notice->sender) || READ_ONCE(notice->cancelled);
}

/* Of one that this task waits for. */
static int mailbox_notice_sleep(struct mailbox_notices *notices, struct mailbox_notice *notice)
{
	struct mailbox_waiter w;
	int err = 0;

	mailbox_waiter_init(&w);
	while (!err && !mailbox_notice_ready(notice))
		err = mailbox_wait(&notices->queue, &w, MAILBOX_ALL_LANES, mailbox_notice_ready,
				   notice, &mailbox_notice_forever);
	return err;
}

static void mailbox_notice_unlink(struct mailbox_notices *notices, struct mailbox_notice *notice)
{
	lockdep_assert_held(&notices->lock);
	list_del(&notice->node);
	notices->count--;
	if (notice->hold && notice->sender)
		WRITE_ONCE(notices->owed, notices->owed - 1);
}

/* The calling process's of that id that no task waits for, fetched or not; or NULL. */
static struct mailbox_notice *mailbox_notice_find(struct mailbox_notices *notices, u64 id,
						  bool fetched)
{
	struct mailbox_notice *notice;

	lockdep_assert_held(&notices->lock);
	list_for_each_entry(notice, &notices->list, node)
		if (notice->id == id && notice->process == task_tgid(current) &&
		    !notice->waited && notice->fetched == fetched)
			return notice;
	return NULL;
}

/* For this task to wait for; or NULL. */
static struct mailbox_notice *mailbox_notice_claim(struct mailbox_notices *notices, u64 id)
{
	struct mailbox_notice *notice;

	spin_lock(&notices->lock);
	notice = mailbox_notice_find(notices, id, false);
	if (notice)
		notice->waited = true;
	spin_unlock(&notices->lock);
	return notice;
}

int mailbox_notice_wait(struct mailbox_notices *notices, struct mailbox_notify *n)
{
	struct mailbox_notice *notice = mailbox_notice_claim(notices, n->id);
	bool ended;
	int err;

	if (!notice)
		return -ECANCELED;

	err = mailbox_notice_sleep(notices, notice);

	spin_lock(&notices->lock);
	if (notice->sender)
		err = 0;
	else if (notice->cancelled)
		err = -ECANCELED;
	notice->waited = false;
	notice->fetched = !err;
	ended = err == -ECANCELED || (!err && !notice->hold);
	if (ended)
		mailbox_notice_unlink(notices, notice);
	if (!err) {
		n->pid = pid_vnr(notice->sender);
		n->uid = from_kuid_munged(current_user_ns(), notice->uid);
	}
	spin_unlock(&notices->lock);
	if (ended)
		mailbox_notice_free(notice);
	return err;
}

/* Not while a task waits for it. */
static void mailbox_notice_drop(struct mailbox_notices *notices, struct mailbox_notice *notice)
{
	mailbox_notice_unlink(notices, notice);
	mailbox_notice_free(notice);
}

static void mailbox_notice_take_back(struct mailbox_notices *notices)
{
	struct mailbox_notice *notice = notices->registered;

	lockdep_assert_held(&notices->lock);
	if (!notice || notice->process != task_tgid(current))
		return;
	WRITE_ONCE(notices->registered, NULL);
	if (notice->waited)
		WRITE_ONCE(notice->cancelled, true);
	else
		mailbox_notice_drop(notices, notice);
}

/* (E) and for whoever waits. */
static void mailbox_notices_wake(struct mailbox_notices *notices)
{
	smp_mb();	/* what they wait for before the look whether anybody does */
	mailbox_queue_wake(&notices->queue, MAILBOX_ALL_LANES, true);
}

int mailbox_notice_done(struct mailbox_notices *notices, u64 id)
{
	struct mailbox_notice *notice;

	spin_lock(&notices->lock);
	notice = mailbox_notice_find(notices, id, true);
	if (notice)
		mailbox_notice_drop(notices, notice);
	spin_unlock(&notices->lock);
	mailbox_notices_wake(notices);
	return notice ? 0 : -ECANCELED;
}

static bool mailbox_notices_settled(void *arg)
{
	struct mailbox_notices *notices = arg;
	struct mailbox_notice *notice;
	bool held = false;

	spin_lock(&notices->lock);
	list_for_each_entry(notice, &notices->list, node)
		held |= notice->hold && notice->sender && notice->process == task_tgid(current);
	spin_unlock(&notices->lock);
	return !held;
}

int mailbox_notices_settle(struct mailbox_notices *notices)
{
	struct mailbox_waiter w;
	int err = 0;

	mailbox_waiter_init(&w);
	while (!err && !mailbox_notices_settled(notices))
		err = mailbox_wait(&notices->queue, &w, MAILBOX_ALL_LANES,
				   mailbox_notices_settled, notices, &mailbox_notice_forever);
	return err;
}

void mailbox_notice_cancel(struct mailbox_notices *notices, u64 id)
{
	struct mailbox_notice *notice;

	spin_lock(&notices->lock);
	mailbox_notice_take_back(notices);
	notice = mailbox_notice_find(notices, id, false);
	if (notice)
		mailbox_notice_drop(notices, notice);
	spin_unlock(&notices->lock);
	mailbox_notices_wake(notices);
}

void mailbox_notices_flush(struct mailbox_notices *notices)
{
	struct mailbox_notice *notice, *next;

	if (list_empty_careful(&notices->list))
		return;
	spin_lock(&notices->lock);
	mailbox_notice_take_back(notices);
	list_for_each_entry_safe(notice, next, &notices->list, node)
		if (notice->process == task_tgid(current) && !notice->waited)
			mailbox_notice_drop(notices, notice);
	spin_unlock(&notices->lock);
	mailbox_notices_wake(notices);
}

static void mailbox_notice_tell(struct mailbox_notices *notices, mailbox_due_fn *due,
				const void *arg)
{
	struct mailbox_notice *notice = notices->registered;

	lockdep_assert_held(&notices->lock);
	WRITE_ONCE(notices->owed, notices->owed + notice->hold);
	smp_mb();	/* who receives sees that, or @due what he did */
	if (!due(arg)) {
		WRITE_ONCE(notices->owed, notices->owed - notice->hold);
		return;
	}
	WRITE_ONCE(notices->registered, NULL);
	notice->uid = current_uid();
	/* Last: it tells that the rest is there, to who looks under the lock. */
	WRITE_ONCE(notice->sender, get_pid(task_tgid(current)));
}

void mailbox_notices_sent(struct mailbox_notices *notices, bool first, bool awaited, u32 seq,
			  mailbox_due_fn *due, const void *arg)
{
	bool told = false;

	spin_lock(&notices->lock);
	if (notices->registered) {
		notices->emptied |= first;
		if (notices->emptied && !(awaited && seq == notices->seq))
			mailbox_notice_tell(notices, due, arg);
		told = !notices->registered;
	}
	spin_unlock(&notices->lock);
	if (told)
		mailbox_notices_wake(notices);
}

void mailbox_notices_received(struct mailbox_notices *notices, bool empty, mailbox_due_fn *due,
			      const void *arg)
{
	bool told = false;

	spin_lock(&notices->lock);
	if (notices->registered) {
		notices->emptied |= empty;
		mailbox_notices_move(notices);
		if (notices->emptied)
			mailbox_notice_tell(notices, due, arg);
		told = !notices->registered;
	}
	spin_unlock(&notices->lock);
	if (told)
		mailbox_notices_wake(notices);
}
