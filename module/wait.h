/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: the only place that sleeps or wakes.
 *
 * A port has two queues: receivers that wait for a message, senders that wait
 * for a slot. In each stand sleepers (tasks inside a system call, first come
 * first served, woken one for one event), pollers (poll, epoll, io_uring, told
 * to look, all together), and endpoints that asked for SIGIO. An event concerns
 * lanes; it wakes only the sleepers, and signals only the endpoints, that wait
 * for one of them.
 *
 * No wake-up is lost:
 *
 * - Whoever makes an event does so by a full barrier and then looks at
 *   mailbox_queue_waiting() (E). Whoever waits makes itself visible there,
 *   full barrier (F), and looks at the slots once more. One sees the other.
 * - Where events are made by plain stores, that is, by programs that map a direct port,
 *   there is no barrier between the event and their look. Whoever waits makes it
 *   happen for them (H), after (F) and before it looks: see struct mailbox_runners.
 * - One event wakes one sleeper, who may find another event than its own: after
 *   each take or claim the caller looks whether more is there for others
 *   (mailbox_queue_pressed()) and wakes the next: the chain.
 * - A sleeper that leaves for a signal or a deadline hands on the wake-up it was
 *   given.
 * - A poller arms the queue, then looks. The wake-up disarms first, then tells
 *   every poller; one that goes on waiting polls, and so arms, again. It is told
 *   without a key: given one, io_uring would take that for the answer, and
 *   neither look nor arm.
 *
 * Locks: q->lock and runners->lock are innermost. Context: process context; only
 * mailbox_wait() sleeps.
 */
#ifndef MAILBOX_WAIT_H
#define MAILBOX_WAIT_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/* mailbox_queue.waiting: one word tells whether an event interests anybody. */
#define MAILBOX_WAIT_SLEEPER	1LL
#define MAILBOX_WAIT_SLEEPERS	0x3fffffffLL
#define MAILBOX_WAIT_GONE	(1LL << 30)	/* whom they wait for has gone */
#define MAILBOX_WAIT_CLOSED	(1LL << 31)	/* the port's end: every event counts */
#define MAILBOX_WAIT_SIGIO	(1LL << 32)
#define MAILBOX_WAIT_SIGIOS	(0xffffLL << 32)
#define MAILBOX_WAIT_ARMED	(1LL << 62)

#define MAILBOX_ALL_LANES	(~0U)

/**
 * struct mailbox_runners - whose events are plain stores, with no barrier behind them
 * @lock: protects the list
 * @list: of struct mailbox_runner
 *
 * A fence (H) puts the barrier on every processor that runs one of them at that moment.
 * What such a program did there before is seen by whoever made the fence, and what
 * it looks at later it sees as it was made before the fence. Others need none:
 *
 * - A processor that has left the address space, as mm_cpumask() tells, took itself out
 *   of the mask by an atomic behind the program's stores: they are seen by who sees
 *   it gone.
 * - One that enters it later puts itself into the mask, and passes a full barrier before
 *   the program runs: it is seen there, or it sees what was made before the mask was
 *   looked at. A task that moves passes both ways.
 * - An address space that joins the list later does so under the lock, before the mmap
 *   returns whose memory the stores go to; one that has left it was unmapped before, on
 *   all processors, and everybody is woken after that.
 *
 * Only where mm_cpumask() is exact, on x86; elsewhere the fence is on all processors.
 */
struct mailbox_runners {
	spinlock_t lock;		/* protects the list */
	struct list_head list;
};

struct mailbox_runner {
	struct list_head node;
	struct mm_struct *mm;
};

struct mailbox_queue {
	atomic64_t waiting;		/* MAILBOX_WAIT_* */
	atomic64_t *shown;		/* the same, for those who map the port */
	struct mailbox_runners *runners; /* whom a fence is for, or NULL */

	spinlock_t lock;		/* protects the next two */
	struct list_head sleepers;	/* by ticket */
	u64 tickets;			/* handed out so far */

	wait_queue_head_t *pollers;
	wait_queue_head_t own_pollers;
	wait_queue_head_t signals;	/* of struct mailbox_sigio */
};

/**
 * struct mailbox_waiter - a task that may sleep, for the length of one call
 * @node: in mailbox_queue.sleepers; under its lock
 * @task: who
 * @ticket: its turn, kept when it must sleep again; 0 before the first sleep
 * @lanes: what it waits for
 * @woken: the lanes of the event that woke it, or 0; under the lock
 */
struct mailbox_waiter {
	struct list_head node;
	struct task_struct *task;
	u64 ticket;
	u32 lanes;
	u32 woken;
};

/**
 * struct mailbox_sigio - an endpoint's standing order for SIGIO
 * @entry: in mailbox_queue.signals
 * @fasync: whom to signal
 * @lanes: for which lanes
 * @band: POLL_IN or POLL_OUT
 */
struct mailbox_sigio {
	wait_queue_entry_t entry;
	struct fasync_struct **fasync;
	const u32 *lanes;
	int band;
};

/**
 * struct mailbox_deadline - until when to sleep
 * @at: absolute time; KTIME_MAX for ever
 * @clock: CLOCK_MONOTONIC or CLOCK_REALTIME
 */
struct mailbox_deadline {
	ktime_t at;
	clockid_t clock;
};

/**
 * mailbox_queue_init() - an empty queue
 * @q: the queue
 * @shown: follows q->waiting, for others to read. They may be able to write there
 *	too: what becomes of it means nothing here
 * @runners: whose events are plain stores; NULL: there is nobody
 */
void mailbox_queue_init(struct mailbox_queue *q, atomic64_t *shown,
			struct mailbox_runners *runners);

/**
 * mailbox_queue_poll_with() - its pollers stand in another one's line
 * @q: the queue, fresh
 * @with: the other one
 *
 * For io_uring stands in two at most.
 */
void mailbox_queue_poll_with(struct mailbox_queue *q, struct mailbox_queue *with);

void mailbox_runners_init(struct mailbox_runners *runners);

/**
 * mailbox_runners_add() - a program's stores are events from now on
 * @runners: of these
 * @runner: for mailbox_runners_remove()
 * @mm: its address space, there until then
 */
void mailbox_runners_add(struct mailbox_runners *runners, struct mailbox_runner *runner,
			 struct mm_struct *mm);

/* No longer: nothing in it can store there. Nothing to do for one that was not added. */
void mailbox_runners_remove(struct mailbox_runners *runners, struct mailbox_runner *runner);

void mailbox_runners_fence(struct mailbox_runners *runners);

/**
 * mailbox_queue_fence() - after this caller was seen, and before it looks (H)
 * @q: where
 */
static inline void mailbox_queue_fence(struct mailbox_queue *q)
{
	if (unlikely(q->runners))
		mailbox_runners_fence(q->runners);
}

/* (E) after an event: does anybody wait? */
static inline bool mailbox_queue_waiting(const struct mailbox_queue *q)
{
	return unlikely(atomic64_read(&q->waiting));
}

/* For the chain: does anybody sleep, or is the queue closed or forsaken? */
static inline bool mailbox_queue_pressed(const struct mailbox_queue *q)
{
	return unlikely((u32)atomic64_read(&q->waiting));
}

/* Is this the port's end? */
static inline bool mailbox_queue_closed(const struct mailbox_queue *q)
{
	return atomic64_read(&q->waiting) & MAILBOX_WAIT_CLOSED;
}

/* Has the one gone whom everybody here waits for? */
static inline bool mailbox_queue_gone(const struct mailbox_queue *q)
{
	return atomic64_read(&q->waiting) & MAILBOX_WAIT_GONE;
}

/* Either: who finds nothing shall find out why. */
static inline bool mailbox_queue_ended(const struct mailbox_queue *q)
{
	return atomic64_read(&q->waiting) & (MAILBOX_WAIT_CLOSED | MAILBOX_WAIT_GONE);
}

/* How many sleep. */
static inline u32 mailbox_queue_sleeping(const struct mailbox_queue *q)
{
	return atomic64_read(&q->waiting) & MAILBOX_WAIT_SLEEPERS;
}

/**
 * mailbox_queue_sleeps() - does anybody sleep for these lanes?
 * @q: where
 * @lanes: which
 *
 * Looks at every sleeper: to be told, not for the data path.
 */
bool mailbox_queue_sleeps(struct mailbox_queue *q, u32 lanes);

/**
 * mailbox_queue_wake() - an event has happened
 * @q: for whom
 * @lanes: which lanes it concerns
 * @all: wake every sleeper that waits for one of them, not just the first
 */
void mailbox_queue_wake(struct mailbox_queue *q, u32 lanes, bool all);

/**
 * mailbox_queue_close() - the port's end: from now on every event is told
 * @q: for whom
 */
void mailbox_queue_close(struct mailbox_queue *q);

/**
 * mailbox_queue_forsake() - the one whom everybody here waits for has gone, or is back
 * @q: for whom
 * @gone: which; then wake them
 */
void mailbox_queue_forsake(struct mailbox_queue *q, bool gone);

/**
 * mailbox_queue_arm() - a poller is about to look (F)
 * @q: for what it waits
 */
void mailbox_queue_arm(struct mailbox_queue *q);

void mailbox_waiter_init(struct mailbox_waiter *w);

/**
 * mailbox_wait() - sleep until there may be something to do
 * @q: where
 * @w: of this call; keeps its place in the line from one sleep to the next
 * @lanes: what for
 * @ready: looks for it, without sleep; it may arm another queue
 * @arg: for @ready
 * @deadline: until when
 *
 * Return: 0 to try again, -ETIMEDOUT, or -ERESTARTSYS. With an error, a wake-up
 * that came meanwhile has been handed on.
 */
int mailbox_wait(struct mailbox_queue *q, struct mailbox_waiter *w, u32 lanes,
		 bool (*ready)(void *arg), void *arg, const struct mailbox_deadline *deadline);

/* Start and stop the signals of one endpoint; serialised by the caller. */
void mailbox_sigio_add(struct mailbox_queue *q, struct mailbox_sigio *s);
void mailbox_sigio_remove(struct mailbox_queue *q, struct mailbox_sigio *s);

#endif /* MAILBOX_WAIT_H */
