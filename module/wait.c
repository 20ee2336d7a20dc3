// SPDX-License-Identifier: GPL-2.0-only
/* Sleeping and waking. */

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/smp.h>

#include "wait.h"

static void mailbox_waiting_add(struct mailbox_queue *q, s64 n)
{
	atomic64_add(n, &q->waiting);
	atomic64_add(n, q->shown);
}

static void mailbox_waiting_set(struct mailbox_queue *q, s64 bit)
{
	atomic64_or(bit, &q->waiting);
	atomic64_or(bit, q->shown);
}

static void mailbox_waiting_clear(struct mailbox_queue *q, s64 bit)
{
	atomic64_andnot(bit, q->shown);
	atomic64_andnot(bit, &q->waiting);
}

void mailbox_runners_init(struct mailbox_runners *runners)
{
	spin_lock_init(&runners->lock);
	INIT_LIST_HEAD(&runners->list);
}

void mailbox_runners_add(struct mailbox_runners *runners, struct mailbox_runner *runner,
			 struct mm_struct *mm)
{
	runner->mm = mm;
	spin_lock(&runners->lock);
	list_add_tail(&runner->node, &runners->list);
	spin_unlock(&runners->lock);
}

void mailbox_runners_remove(struct mailbox_runners *runners, struct mailbox_runner *runner)
{
	spin_lock(&runners->lock);
	list_del_init(&runner->node);
	spin_unlock(&runners->lock);
}

static void mailbox_fence_here(void *unused)
{
	smp_mb();	/* (H), between whatever ran here and what will */
}

/* Who sleeps in the end may be in any state here: this does not. */
void mailbox_runners_fence(struct mailbox_runners *runners)
{
	const struct cpumask *mask = cpu_online_mask;
	struct mailbox_runner *runner;

	smp_mb();	/* what made us be seen before the mask; and what ran here before us */
	/* With the lock: so that the address space is there. Interrupts are on. */
	spin_lock(&runners->lock);
	preempt_disable();
	list_for_each_entry(runner, &runners->list, node) {
		if (IS_ENABLED(CONFIG_X86))
			mask = mm_cpumask(runner->mm);
		smp_call_function_many(mask, mailbox_fence_here, NULL, true);	/* (H) */
		if (!IS_ENABLED(CONFIG_X86))
			break;
	}
	preempt_enable();
	spin_unlock(&runners->lock);
	smp_mb();	/* before the look */
}

void mailbox_queue_init(struct mailbox_queue *q, atomic64_t *shown,
			struct mailbox_runners *runners)
{
	atomic64_set(&q->waiting, 0);
	q->shown = shown;
	q->runners = runners;
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->sleepers);
	q->tickets = 0;
	init_waitqueue_head(&q->own_pollers);
	q->pollers = &q->own_pollers;
	init_waitqueue_head(&q->signals);
}

void mailbox_queue_poll_with(struct mailbox_queue *q, struct mailbox_queue *with)
{
	q->pollers = with->pollers;
}

static void mailbox_wake_pollers(struct mailbox_queue *q)
{
	/* Disarm first: who polls from here on arms again, and looks after that. */
	mailbox_waiting_clear(q, MAILBOX_WAIT_ARMED);
	smp_mb__after_atomic();		/* against (F) of mailbox_queue_arm() */
	/* 0: all of them, the exclusive ones too, for the arm stood for all. */
	__wake_up(q->pollers, TASK_NORMAL, 0, NULL);
}

static void mailbox_sleeper_remove(struct mailbox_queue *q, struct mailbox_waiter *w)
{
	lockdep_assert_held(&q->lock);
	list_del_init(&w->node);
	mailbox_waiting_add(q, -MAILBOX_WAIT_SLEEPER);
}

/* So many are woken at a time. */
#define MAILBOX_WAKE_BATCH	8

/* The first @max with a ticket above @after, which is moved on. Returns how many. */
static u32 mailbox_pick_sleepers(struct mailbox_queue *q, u32 lanes, u64 *after,
				 struct task_struct **task, u32 max)
{
	struct mailbox_waiter *w, *next;
	u32 n = 0;

	spin_lock(&q->lock);
	list_for_each_entry_safe(w, next, &q->sleepers, node) {
		if (w->ticket <= *after || !(w->lanes & lanes))
			continue;
		mailbox_sleeper_remove(q, w);
		w->woken = lanes;
		*after = w->ticket;
		task[n++] = get_task_struct(w->task);
		if (n == max)
			break;
	}
	spin_unlock(&q->lock);
	return n;
}

/*
 * Without the lock, which the task takes at once: whoever runs us, a processor or a virtual
 * one, may be taken away in favour of the one that we wake, which would spin until we are back.
 * Who was woken and is back already has an older ticket, and is not woken again.
 */
static void mailbox_wake_sleepers(struct mailbox_queue *q, u32 lanes, bool all)
{
	struct task_struct *task[MAILBOX_WAKE_BATCH] mailbox_uninitialized;
	u32 max = all ? MAILBOX_WAKE_BATCH : 1, n, i;
	u64 after = 0;

	do {
		n = mailbox_pick_sleepers(q, lanes, &after, task, max);
		for (i = 0; i < n; i++) {
			wake_up_process(task[i]);
			put_task_struct(task[i]);
		}
	} while (n == MAILBOX_WAKE_BATCH);
}

bool mailbox_queue_sleeps(struct mailbox_queue *q, u32 lanes)
{
	struct mailbox_waiter *w;
	bool found = false;

	spin_lock(&q->lock);
	list_for_each_entry(w, &q->sleepers, node) {
		found = w->lanes & lanes;
		if (found)
			break;
	}
	spin_unlock(&q->lock);
	return found;
}

void mailbox_queue_wake(struct mailbox_queue *q, u32 lanes, bool all)
{
	s64 waiting = atomic64_read(&q->waiting);

	if (waiting & MAILBOX_WAIT_SLEEPERS)
		mailbox_wake_sleepers(q, lanes, all);
	if (waiting & (MAILBOX_WAIT_ARMED | MAILBOX_WAIT_CLOSED))
		mailbox_wake_pollers(q);
	if (waiting & MAILBOX_WAIT_SIGIOS)
		__wake_up(&q->signals, TASK_NORMAL, 0, (void *)(unsigned long)lanes);
}

void mailbox_queue_close(struct mailbox_queue *q)
{
	mailbox_waiting_set(q, MAILBOX_WAIT_CLOSED);
}

void mailbox_queue_forsake(struct mailbox_queue *q, bool gone)
{
	if (gone)
		mailbox_waiting_set(q, MAILBOX_WAIT_GONE);
	else
		mailbox_waiting_clear(q, MAILBOX_WAIT_GONE);
}

void mailbox_queue_arm(struct mailbox_queue *q)
{
	mailbox_waiting_set(q, MAILBOX_WAIT_ARMED);
	smp_mb__after_atomic();		/* (F) */
	mailbox_queue_fence(q);		/* (H) */
}

void mailbox_waiter_init(struct mailbox_waiter *w)
{
	INIT_LIST_HEAD(&w->node);
	w->task = current;
	w->ticket = 0;
}

static void mailbox_sleeper_add(struct mailbox_queue *q, struct mailbox_waiter *w, u32 lanes)
{
	struct list_head *before = &q->sleepers;
	struct mailbox_waiter *other;

	spin_lock(&q->lock);
	w->lanes = lanes;
	w->woken = 0;
	if (!w->ticket) {
		w->ticket = ++q->tickets;
	} else {
		/* Woken and outrun: back to its old place, near the front. */
		list_for_each_entry(other, &q->sleepers, node) {
			if (other->ticket > w->ticket) {
				before = &other->node;
				break;
			}
		}
	}
	list_add_tail(&w->node, before);
	mailbox_waiting_add(q, MAILBOX_WAIT_SLEEPER);
	set_current_state(TASK_INTERRUPTIBLE);	/* (F) */
	spin_unlock(&q->lock);
}

/* Leave the queue. Returns the lanes of the event that woke us, or 0. */
static u32 mailbox_sleeper_leave(struct mailbox_queue *q, struct mailbox_waiter *w)
{
	u32 woken;

	__set_current_state(TASK_RUNNING);
	spin_lock(&q->lock);
	if (!list_empty(&w->node))
		mailbox_sleeper_remove(q, w);
	woken = w->woken;
	spin_unlock(&q->lock);
	return woken;
}

static bool mailbox_deadline_passed(const struct mailbox_deadline *d)
{
	if (d->at == KTIME_MAX)
		return false;
	return ktime_compare(d->clock == CLOCK_REALTIME ? ktime_get_real() : ktime_get(),
			     d->at) >= 0;
}

int mailbox_wait(struct mailbox_queue *q, struct mailbox_waiter *w, u32 lanes,
		 bool (*ready)(void *arg), void *arg, const struct mailbox_deadline *deadline)
{
	ktime_t at = deadline->at;
	u32 woken;
	int err;

	mailbox_sleeper_add(q, w, lanes);
	mailbox_queue_fence(q);		/* (H): every sleeper, each time */
	if (ready(arg)) {
		err = 0;
	} else if (signal_pending(current)) {
		err = -ERESTARTSYS;
	} else if (mailbox_deadline_passed(deadline)) {
		err = -ETIMEDOUT;
	} else {
		schedule_hrtimeout_range_clock(at == KTIME_MAX ? NULL : &at,
					       current->timer_slack_ns, HRTIMER_MODE_ABS,
					       deadline->clock);
		/* Who is being killed shall take nothing: others may make use of it. */
		err = fatal_signal_pending(current) ? -ERESTARTSYS : 0;
	}
	woken = mailbox_sleeper_leave(q, w);
	if (err && woken)
		mailbox_queue_wake(q, woken, false);
	return err;
}

static int mailbox_sigio_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
			      void *key)
{
	struct mailbox_sigio *s = container_of(entry, struct mailbox_sigio, entry);

	if ((unsigned long)key & READ_ONCE(*s->lanes))
		kill_fasync(s->fasync, SIGIO, s->band);
	return 0;
}

void mailbox_sigio_add(struct mailbox_queue *q, struct mailbox_sigio *s)
{
	init_waitqueue_func_entry(&s->entry, mailbox_sigio_wake);
	add_wait_queue(&q->signals, &s->entry);
	mailbox_waiting_add(q, MAILBOX_WAIT_SIGIO);
	mailbox_queue_fence(q);		/* (H): what it looks at from now on is the caller's */
}

void mailbox_sigio_remove(struct mailbox_queue *q, struct mailbox_sigio *s)
{
	mailbox_waiting_add(q, -MAILBOX_WAIT_SIGIO);
	remove_wait_queue(&q->signals, &s->entry);
}
