// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping and waking, with threads that really sleep. Who has gone to sleep is
 * seen in the queue; nothing here relies on how long something takes.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include <linux/mm_types.h>
#include <linux/smp.h>

/* The fence as it is made, and what can be seen in the queue at that moment. */
static struct {
	struct mailbox_queue *q;
	int made;
	bool atomic;
	s64 waiting;
	const int *asked;
	int asked_before;
} fences;

static void fence_is_made(const struct cpumask *mask, smp_call_func_t function, void *arg,
			  bool wait);

/* Where there is but one processor it is a macro. */
static void call_processors(const struct cpumask *mask, smp_call_func_t function, void *arg,
			    bool wait)
{
	smp_call_function_many(mask, function, arg, wait);
}

#undef smp_call_function_many
#define smp_call_function_many fence_is_made
#include "../wait.c"
#undef smp_call_function_many
#include "test.h"

#define THREADS	4

/* One thread, and one call of mailbox_wait() in it. */
struct sleeper {
	struct task_struct *task;
	struct mailbox_queue *q;
	u32 lanes;
	struct mailbox_deadline deadline;
	bool again;			/* until there is an error */
	bool mortal;			/* SIGKILL concerns it */
	struct mailbox_waiter waiter;
	bool done;
	int result;
};

struct hall {
	struct mailbox_queue q;
	atomic64_t shown;
	struct sleeper sleepers[THREADS];
	/* For ready(): */
	bool ready;
	u32 wake;
	int asked;
};

static const struct mailbox_deadline forever = { KTIME_MAX, CLOCK_MONOTONIC };
static const struct mailbox_deadline past = { 1, CLOCK_MONOTONIC };

/* A case itself does not sleep; should it have to, it fails after so long. */
static struct mailbox_deadline soon(void)
{
	return (struct mailbox_deadline){ ktime_add_ms(ktime_get(), 5000), CLOCK_MONOTONIC };
}

static bool not_ready(void *arg)
{
	return false;
}

/* What somebody finds who looks: and as he does, an event may come. */
static bool look(void *arg)
{
	struct hall *hall = arg;

	hall->asked++;
	if (hall->wake)
		mailbox_queue_wake(&hall->q, hall->wake, false);
	return hall->ready;
}

static int sleeper_thread(void *arg)
{
	struct sleeper *s = arg;
	int result;

	if (s->mortal)
		allow_signal(SIGKILL);
	mailbox_waiter_init(&s->waiter);
	do {
		result = mailbox_wait(s->q, &s->waiter, s->lanes, not_ready, NULL, &s->deadline);
	} while (s->again && !result && !kthread_should_stop());
	s->result = result;
	smp_store_release(&s->done, true);	/* after the result: see done() */
	return 0;
}

static bool done(struct sleeper *s)
{
	return smp_load_acquire(&s->done);	/* before the result */
}

/* Start a thread, and see it asleep. */
static struct sleeper *start_until(struct kunit *test, int n, u32 lanes,
				   const struct mailbox_deadline *deadline)
{
	struct hall *hall = test->priv;
	u32 before = mailbox_queue_sleeping(&hall->q);
	struct sleeper *s = &hall->sleepers[n];
	struct task_struct *task;

	s->q = &hall->q;
	s->lanes = lanes;
	s->deadline = *deadline;
	task = kthread_create(sleeper_thread, s, "mailbox_test/%d", n);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	s->task = get_task_struct(task);
	wake_up_process(task);
	if (deadline == &forever)
		KUNIT_ASSERT_TRUE(test, mailbox_test_until(mailbox_queue_sleeping(&hall->q) ==
							   before + 1));
	return s;
}

static struct sleeper *start(struct kunit *test, int n, u32 lanes)
{
	return start_until(test, n, lanes, &forever);
}

static void expect_woken(struct kunit *test, struct sleeper *s)
{
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(done(s)));
	KUNIT_EXPECT_EQ(test, s->result, 0);
}

/* Who is woken has left the queue when the call that woke him returns. */
static void expect_asleep(struct kunit *test, u32 expected)
{
	struct hall *hall = test->priv;
	u32 sleeping = 0, i;

	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&hall->q), expected);
	for (i = 0; i < THREADS; i++)
		sleeping += hall->sleepers[i].task && !list_empty(&hall->sleepers[i].waiter.node);
	KUNIT_EXPECT_EQ(test, sleeping, expected);
}

/* Sleepers */

static void an_event_without_sleepers_wakes_nobody(struct kunit *test)
{
	struct hall *hall = test->priv;

	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	mailbox_queue_wake(&hall->q, MAILBOX_ALL_LANES, false);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
}

static void a_sleeper_is_seen_until_it_is_woken(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct sleeper *s = start(test, 0, 1);

	KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
	KUNIT_EXPECT_TRUE(test, mailbox_queue_pressed(&hall->q));
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	expect_woken(test, s);
}

static void one_event_wakes_exactly_one_the_first_that_came(struct kunit *test)
{
	struct hall *hall = test->priv;
	int i;

	for (i = 0; i < THREADS; i++)
		start(test, i, 1);
	for (i = 0; i < THREADS; i++) {
		mailbox_queue_wake(&hall->q, 1, false);
		expect_asleep(test, THREADS - 1 - i);
		expect_woken(test, &hall->sleepers[i]);
	}
}

static void an_event_wakes_the_first_that_waits_for_its_lane(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct sleeper *low = start(test, 0, BIT(0));
	struct sleeper *high = start(test, 1, BIT(31) | BIT(4));
	struct sleeper *late = start(test, 2, BIT(31));

	mailbox_queue_wake(&hall->q, BIT(5), false);
	expect_asleep(test, 3);
	mailbox_queue_wake(&hall->q, BIT(31), false);
	expect_woken(test, high);
	expect_asleep(test, 2);
	mailbox_queue_wake(&hall->q, BIT(31), false);
	expect_woken(test, late);
	mailbox_queue_wake(&hall->q, BIT(0) | BIT(31), false);
	expect_woken(test, low);
}

static void the_end_wakes_all_sleepers(struct kunit *test)
{
	struct hall *hall = test->priv;
	int i;

	for (i = 0; i < THREADS; i++)
		start(test, i, BIT(i));
	mailbox_queue_wake(&hall->q, MAILBOX_ALL_LANES, true);
	expect_asleep(test, 0);
	for (i = 0; i < THREADS; i++)
		expect_woken(test, &hall->sleepers[i]);
}

static void the_end_of_some_lanes_wakes_all_who_wait_for_them(struct kunit *test)
{
	struct hall *hall = test->priv;

	start(test, 0, BIT(0));
	start(test, 1, BIT(1));
	start(test, 2, BIT(0) | BIT(1));
	mailbox_queue_wake(&hall->q, BIT(0), true);
	expect_woken(test, &hall->sleepers[0]);
	expect_woken(test, &hall->sleepers[2]);
	expect_asleep(test, 1);
}

static void who_must_sleep_again_keeps_his_place(struct kunit *test)
{
	struct mailbox_deadline limit = soon();
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	/* The case itself comes first, is woken, and meanwhile others came. */
	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &forever), 0);
	start(test, 0, 1);
	start(test, 1, 1);
	hall->ready = false;
	hall->wake = 1;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &limit), 0);
	KUNIT_EXPECT_EQ(test, w.woken, 1);
	expect_asleep(test, 2);
}

static void who_must_sleep_again_stays_behind_those_before_him(struct kunit *test)
{
	struct mailbox_deadline limit = soon();
	struct hall *hall = test->priv;
	struct mailbox_waiter w;
	struct sleeper *first = start(test, 0, 1);

	mailbox_waiter_init(&w);
	hall->ready = true;
	mailbox_wait(&hall->q, &w, 1, look, hall, &limit);
	start(test, 1, 1);
	hall->wake = 1;
	mailbox_wait(&hall->q, &w, 1, look, hall, &limit);
	KUNIT_EXPECT_EQ(test, w.woken, 0);
	expect_woken(test, first);
	expect_asleep(test, 1);
	mailbox_wait(&hall->q, &w, 1, look, hall, &limit);
	KUNIT_EXPECT_EQ(test, w.woken, 1);
	expect_asleep(test, 1);
}

static void who_finds_something_at_the_last_look_does_not_sleep(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &forever), 0);
	KUNIT_EXPECT_EQ(test, hall->asked, 1);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	KUNIT_EXPECT_TRUE(test, list_empty(&hall->q.sleepers));
}

static void an_event_during_the_last_look_ends_the_sleep(struct kunit *test)
{
	struct mailbox_deadline limit = soon();
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->wake = 1;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &limit), 0);
	KUNIT_EXPECT_EQ(test, w.woken, 1);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(an_event_without_sleepers_wakes_nobody),
	KUNIT_CASE(a_sleeper_is_seen_until_it_is_woken),
	KUNIT_CASE(one_event_wakes_exactly_one_the_first_that_came),
	KUNIT_CASE(an_event_wakes_the_first_that_waits_for_its_lane),
	KUNIT_CASE(the_end_wakes_all_sleepers),
	KUNIT_CASE(the_end_of_some_lanes_wakes_all_who_wait_for_them),
	KUNIT_CASE(who_must_sleep_again_keeps_his_place),
	KUNIT_CASE(who_must_sleep_again_stays_behind_those_before_him),
	KUNIT_CASE(who_finds_something_at_the_last_look_does_not_sleep),
	KUNIT_CASE(an_event_during_the_last_look_ends_the_sleep),
	{}
};

/* Deadlines, signals, and leaving because of them */

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };

static void clock_name(const clockid_t *clock, char *name)
{
	strscpy(name, *clock == CLOCK_REALTIME ? "realtime" : "monotonic", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(clock, clocks, clock_name);

static ktime_t clock_now(clockid_t clock)
{
	return clock == CLOCK_REALTIME ? ktime_get_real() : ktime_get();
}

static void a_deadline_is_passed_from_its_very_moment(struct kunit *test)
{
	clockid_t clock = *(const clockid_t *)test->param_value;
	struct mailbox_deadline d = { clock_now(clock), clock };

	KUNIT_EXPECT_TRUE(test, mailbox_deadline_passed(&d));
	d.at = 0;
	KUNIT_EXPECT_TRUE(test, mailbox_deadline_passed(&d));
	d.at = clock_now(clock) + 3600 * NSEC_PER_SEC;
	KUNIT_EXPECT_FALSE(test, mailbox_deadline_passed(&d));
	d.at = KTIME_MAX;
	KUNIT_EXPECT_FALSE(test, mailbox_deadline_passed(&d));
}

static void a_deadline_in_the_past_ends_without_sleep(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;
	clockid_t clock = *(const clockid_t *)test->param_value;
	struct mailbox_deadline d = { clock_now(clock) - 1, clock };

	mailbox_waiter_init(&w);
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &d), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, hall->asked, 1);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
}

static void a_deadline_is_slept_for_by_its_own_clock(struct kunit *test)
{
	struct hall *hall = test->priv;
	clockid_t clock = *(const clockid_t *)test->param_value;
	struct mailbox_deadline d = { clock_now(clock) + 5 * NSEC_PER_MSEC, clock };
	struct sleeper *s = &hall->sleepers[0];

	s->again = true;
	start_until(test, 0, 1, &d);
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(done(s)));
	KUNIT_EXPECT_EQ(test, s->result, -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, clock_now(clock), d.at);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
}

static void what_is_there_counts_more_than_a_past_deadline(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &past), 0);
}

static int wait_with_signal(struct hall *hall, struct mailbox_waiter *w)
{
	int err;

	set_tsk_thread_flag(current, TIF_SIGPENDING);
	err = mailbox_wait(&hall->q, w, 1, look, hall, &forever);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	return err;
}

static void a_signal_ends_the_wait(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	KUNIT_EXPECT_EQ(test, wait_with_signal(hall, &w), -ERESTARTSYS);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	KUNIT_EXPECT_TRUE(test, list_empty(&hall->q.sleepers));
}

static void what_is_there_counts_more_than_a_signal(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, wait_with_signal(hall, &w), 0);
}

/* The case itself is first in line, another behind it; then an event for lane 0. */
static void leave_with_a_wakeup(struct kunit *test, bool by_signal, int expected)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &forever), 0);
	start(test, 0, 1);
	start(test, 1, 1);
	hall->ready = false;
	hall->wake = 1;
	if (by_signal)
		KUNIT_EXPECT_EQ(test, wait_with_signal(hall, &w), expected);
	else
		KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &past), expected);
	KUNIT_EXPECT_EQ(test, w.woken, 1);
	expect_asleep(test, 1);
	expect_woken(test, &hall->sleepers[0]);
}

static void who_leaves_at_the_deadline_hands_a_wakeup_on(struct kunit *test)
{
	leave_with_a_wakeup(test, false, -ETIMEDOUT);
}

static void who_leaves_for_a_signal_hands_a_wakeup_on(struct kunit *test)
{
	leave_with_a_wakeup(test, true, -ERESTARTSYS);
}

static void who_leaves_without_a_wakeup_wakes_nobody(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	start(test, 0, 1);
	mailbox_waiter_init(&w);
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &past), -ETIMEDOUT);
	expect_asleep(test, 1);
}

static void who_is_killed_asleep_takes_nothing_and_hands_a_wakeup_on(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct sleeper *killed = &hall->sleepers[0], *next;

	killed->mortal = true;
	start(test, 0, 1);
	next = start(test, 1, 1);
	/* The event comes when it runs already, for the signal, and has not left yet. */
	spin_lock(&hall->q.lock);
	send_sig(SIGKILL, killed->task, 1);
	mailbox_sleeper_remove(&hall->q, &killed->waiter);
	killed->waiter.woken = 1;
	spin_unlock(&hall->q.lock);
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(done(killed)));
	KUNIT_EXPECT_EQ(test, killed->result, -ERESTARTSYS);
	expect_woken(test, next);
}

static void a_wakeup_is_handed_on_for_the_lanes_of_its_event(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	mailbox_waiter_init(&w);
	hall->ready = true;
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 3, look, hall, &forever), 0);
	start(test, 0, BIT(0));
	start(test, 1, BIT(1));
	hall->ready = false;
	hall->wake = BIT(1);
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 3, look, hall, &past), -ETIMEDOUT);
	expect_woken(test, &hall->sleepers[1]);
	expect_asleep(test, 1);
}

static struct kunit_case deadline_cases[] = {
	KUNIT_CASE_PARAM(a_deadline_is_passed_from_its_very_moment, clock_gen_params),
	KUNIT_CASE_PARAM(a_deadline_in_the_past_ends_without_sleep, clock_gen_params),
	KUNIT_CASE_PARAM(a_deadline_is_slept_for_by_its_own_clock, clock_gen_params),
	KUNIT_CASE(what_is_there_counts_more_than_a_past_deadline),
	KUNIT_CASE(a_signal_ends_the_wait),
	KUNIT_CASE(what_is_there_counts_more_than_a_signal),
	KUNIT_CASE(who_leaves_at_the_deadline_hands_a_wakeup_on),
	KUNIT_CASE(who_leaves_for_a_signal_hands_a_wakeup_on),
	KUNIT_CASE(who_leaves_without_a_wakeup_wakes_nobody),
	KUNIT_CASE(who_is_killed_asleep_takes_nothing_and_hands_a_wakeup_on),
	KUNIT_CASE(a_wakeup_is_handed_on_for_the_lanes_of_its_event),
	{}
};

/* Pollers, and orders for SIGIO */

/* Stands in the queue as poll does. */
struct poller {
	wait_queue_entry_t entry;
	struct mailbox_queue *q;
	int told;
	u64 key;
	bool arm_again;
};

static int poller_told(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct poller *p = container_of(entry, struct poller, entry);

	p->told++;
	p->key = (u64)key;
	if (p->arm_again)
		mailbox_queue_arm(p->q);
	return 1;
}

static void poller_add(struct kunit *test, struct poller *p, bool exclusive)
{
	struct hall *hall = test->priv;

	p->q = &hall->q;
	p->key = U64_MAX;
	init_waitqueue_func_entry(&p->entry, poller_told);
	if (exclusive)
		add_wait_queue_exclusive(hall->q.pollers, &p->entry);
	else
		add_wait_queue(hall->q.pollers, &p->entry);
}

static void a_poller_is_told_of_one_event_after_it_armed(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p = {};

	poller_add(test, &p, false);
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, p.told, 0);
	mailbox_queue_arm(&hall->q);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, p.told, 1);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, p.told, 1);
}

static void a_poller_that_arms_as_it_is_told_is_told_again(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p = { .arm_again = true };

	poller_add(test, &p, false);
	mailbox_queue_arm(&hall->q);
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, p.told, 2);
}

static void all_pollers_are_told_the_exclusive_ones_too(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p[3] = {};
	int i;

	for (i = 0; i < 3; i++)
		poller_add(test, &p[i], i);
	mailbox_queue_arm(&hall->q);
	mailbox_queue_wake(&hall->q, 1, false);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, p[i].told, 1);
}

/* With one, io_uring would not look. */
static void a_poller_is_told_without_a_key(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p = {};

	poller_add(test, &p, false);
	mailbox_queue_arm(&hall->q);
	mailbox_queue_wake(&hall->q, BIT(31) | BIT(2), false);
	KUNIT_EXPECT_EQ(test, p.told, 1);
	KUNIT_EXPECT_EQ(test, p.key, 0);
}

static void sleepers_and_pollers_are_both_told(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p = {};

	poller_add(test, &p, false);
	start(test, 0, 1);
	mailbox_queue_arm(&hall->q);
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, p.told, 1);
	expect_woken(test, &hall->sleepers[0]);
}

static void an_armed_poller_is_nobody_who_sleeps(struct kunit *test)
{
	struct hall *hall = test->priv;

	mailbox_queue_arm(&hall->q);
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&hall->q), 0);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_pressed(&hall->q));
	KUNIT_EXPECT_FALSE(test, mailbox_queue_closed(&hall->q));
}

static void once_closed_every_event_is_told(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct poller p = {};
	int i;

	poller_add(test, &p, false);
	mailbox_queue_close(&hall->q);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_closed(&hall->q));
	KUNIT_EXPECT_TRUE(test, mailbox_queue_pressed(&hall->q));
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&hall->q), 0);
	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
		mailbox_queue_wake(&hall->q, 1, false);
		KUNIT_EXPECT_EQ(test, p.told, i);
	}
}

static void a_closed_queue_still_wakes_sleepers_one_by_one(struct kunit *test)
{
	struct hall *hall = test->priv;

	mailbox_queue_close(&hall->q);
	start(test, 0, 1);
	start(test, 1, 1);
	mailbox_queue_wake(&hall->q, 1, false);
	expect_asleep(test, 1);
	expect_woken(test, &hall->sleepers[0]);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_closed(&hall->q));
}

static void an_order_for_sigio_makes_every_event_count(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct fasync_struct *nobody = NULL;
	const u32 lanes = 1;
	struct mailbox_sigio one = { .fasync = &nobody, .lanes = &lanes }, two = one;

	mailbox_sigio_add(&hall->q, &one);
	mailbox_sigio_add(&hall->q, &two);
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
	KUNIT_EXPECT_FALSE(test, mailbox_queue_pressed(&hall->q));
	mailbox_sigio_remove(&hall->q, &one);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_waiting(&hall->q));
	mailbox_sigio_remove(&hall->q, &two);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
}

static void signals_are_told_the_lanes_of_every_event(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct fasync_struct *nobody = NULL;
	const u32 lanes = 1;
	struct mailbox_sigio s = { .fasync = &nobody, .lanes = &lanes };
	struct poller poller = {}, beside = {};

	poller_add(test, &poller, false);
	init_waitqueue_func_entry(&beside.entry, poller_told);
	add_wait_queue(&hall->q.signals, &beside.entry);
	mailbox_sigio_add(&hall->q, &s);
	mailbox_queue_wake(&hall->q, BIT(31) | BIT(2), false);
	KUNIT_EXPECT_EQ(test, beside.key, BIT(31) | BIT(2));
	mailbox_queue_wake(&hall->q, BIT(3), true);
	KUNIT_EXPECT_EQ(test, beside.key, BIT(3));
	KUNIT_EXPECT_EQ(test, beside.told, 2);
	/* Nobody armed, and the poller need not look. */
	KUNIT_EXPECT_EQ(test, poller.told, 0);
	mailbox_sigio_remove(&hall->q, &s);
	mailbox_queue_wake(&hall->q, 1, false);
	KUNIT_EXPECT_EQ(test, beside.told, 2);
}

/* Fences */

static void fence_is_made(const struct cpumask *mask, smp_call_func_t function, void *arg,
			  bool wait)
{
	fences.made++;
	fences.atomic = !preemptible() && !irqs_disabled() && wait;
	fences.waiting = atomic64_read(&fences.q->waiting);
	fences.asked_before = fences.asked ? *fences.asked : 0;
	call_processors(mask, function, arg, wait);
}

/* A queue whose events are plain stores, by the memory that this thread borrows. */
struct fenced {
	struct mailbox_runners runners;
	struct mailbox_runner one, two;
};

static struct fenced *fenced(struct kunit *test, int count)
{
	struct fenced *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct hall *hall = test->priv;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f);
	mailbox_runners_init(&f->runners);
	INIT_LIST_HEAD(&f->one.node);
	INIT_LIST_HEAD(&f->two.node);
	if (count > 0)
		mailbox_runners_add(&f->runners, &f->one, current->active_mm);
	if (count > 1)
		mailbox_runners_add(&f->runners, &f->two, current->active_mm);
	hall->q.runners = &f->runners;
	memset(&fences, 0, sizeof(fences));
	fences.q = &hall->q;
	fences.asked = &hall->asked;
	return f;
}

static void who_waits_is_seen_before_the_fence_and_looks_after_it(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;

	fenced(test, 1);
	hall->ready = true;
	mailbox_waiter_init(&w);
	KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &forever), 0);
	KUNIT_EXPECT_EQ(test, fences.made, 1);
	KUNIT_EXPECT_TRUE(test, fences.atomic);
	KUNIT_EXPECT_EQ(test, fences.waiting & MAILBOX_WAIT_SLEEPERS, 1);
	KUNIT_EXPECT_EQ(test, fences.asked_before, 0);
	KUNIT_EXPECT_EQ(test, hall->asked, 1);
}

/* One who finds the queue not empty may not rely on the others' fences. */
static void every_sleeper_makes_one_each_time(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct mailbox_waiter w;
	int i;

	start(test, 0, 2);
	fenced(test, 1);
	hall->ready = true;
	mailbox_waiter_init(&w);
	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, mailbox_wait(&hall->q, &w, 1, look, hall, &forever), 0);
		KUNIT_EXPECT_EQ(test, fences.made, i);
	}
	mailbox_queue_wake(&hall->q, 2, false);
	expect_woken(test, &hall->sleepers[0]);
}

static void a_poller_is_armed_before_the_fence(struct kunit *test)
{
	struct hall *hall = test->priv;

	fenced(test, 1);
	mailbox_queue_arm(&hall->q);
	mailbox_queue_arm(&hall->q);
	KUNIT_EXPECT_EQ(test, fences.made, 2);
	KUNIT_EXPECT_TRUE(test, fences.waiting & MAILBOX_WAIT_ARMED);
}

static void an_order_for_sigio_is_there_before_the_fence(struct kunit *test)
{
	struct fasync_struct *nobody = NULL;
	const u32 lanes = 1;
	struct mailbox_sigio s = { .fasync = &nobody, .lanes = &lanes };
	struct hall *hall = test->priv;

	fenced(test, 1);
	mailbox_sigio_add(&hall->q, &s);
	KUNIT_EXPECT_EQ(test, fences.made, 1);
	KUNIT_EXPECT_TRUE(test, fences.waiting & MAILBOX_WAIT_SIGIOS);
	mailbox_sigio_remove(&hall->q, &s);
	KUNIT_EXPECT_EQ(test, fences.made, 1);
}

static void a_fence_is_for_all_who_run_there_and_for_no_others(struct kunit *test)
{
	struct hall *hall = test->priv;
	struct fenced *f = fenced(test, 2);
	int each = IS_ENABLED(CONFIG_X86) ? 2 : 1;

	mailbox_queue_fence(&hall->q);
	KUNIT_EXPECT_EQ(test, fences.made, each);
	mailbox_runners_remove(&f->runners, &f->one);
	mailbox_runners_remove(&f->runners, &f->one);
	mailbox_queue_fence(&hall->q);
	KUNIT_EXPECT_EQ(test, fences.made, each + 1);
	mailbox_runners_remove(&f->runners, &f->two);
	mailbox_queue_fence(&hall->q);
	hall->q.runners = NULL;
	mailbox_queue_fence(&hall->q);
	KUNIT_EXPECT_EQ(test, fences.made, each + 1);
}

static void a_forsaken_queue_is_pressed_until_somebody_is_back(struct kunit *test)
{
	struct hall *hall = test->priv;

	mailbox_queue_forsake(&hall->q, true);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_gone(&hall->q));
	KUNIT_EXPECT_TRUE(test, mailbox_queue_ended(&hall->q));
	KUNIT_EXPECT_TRUE(test, mailbox_queue_pressed(&hall->q));
	KUNIT_EXPECT_FALSE(test, mailbox_queue_closed(&hall->q));
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&hall->q), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&hall->shown), MAILBOX_WAIT_GONE);
	mailbox_queue_forsake(&hall->q, false);
	KUNIT_EXPECT_FALSE(test, mailbox_queue_waiting(&hall->q));
	mailbox_queue_close(&hall->q);
	KUNIT_EXPECT_TRUE(test, mailbox_queue_ended(&hall->q));
	KUNIT_EXPECT_FALSE(test, mailbox_queue_gone(&hall->q));
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(who_waits_is_seen_before_the_fence_and_looks_after_it),
	KUNIT_CASE(every_sleeper_makes_one_each_time),
	KUNIT_CASE(a_poller_is_armed_before_the_fence),
	KUNIT_CASE(an_order_for_sigio_is_there_before_the_fence),
	KUNIT_CASE(a_fence_is_for_all_who_run_there_and_for_no_others),
	KUNIT_CASE(a_forsaken_queue_is_pressed_until_somebody_is_back),
	{}
};

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(a_poller_is_told_of_one_event_after_it_armed),
	KUNIT_CASE(a_poller_that_arms_as_it_is_told_is_told_again),
	KUNIT_CASE(all_pollers_are_told_the_exclusive_ones_too),
	KUNIT_CASE(a_poller_is_told_without_a_key),
	KUNIT_CASE(sleepers_and_pollers_are_both_told),
	KUNIT_CASE(an_armed_poller_is_nobody_who_sleeps),
	KUNIT_CASE(once_closed_every_event_is_told),
	KUNIT_CASE(a_closed_queue_still_wakes_sleepers_one_by_one),
	KUNIT_CASE(an_order_for_sigio_makes_every_event_count),
	KUNIT_CASE(signals_are_told_the_lanes_of_every_event),
	{}
};

static int wait_init(struct kunit *test)
{
	struct hall *hall = kunit_kzalloc(test, sizeof(*hall), GFP_KERNEL);

	if (!hall)
		return -ENOMEM;
	mailbox_queue_init(&hall->q, &hall->shown, NULL);
	test->priv = hall;
	return 0;
}

/* Stopping a thread wakes it, should a failed case have left it asleep. */
static void wait_exit(struct kunit *test)
{
	struct hall *hall = test->priv;
	int i;

	for (i = 0; hall && i < THREADS; i++) {
		if (!hall->sleepers[i].task)
			continue;
		kthread_stop(hall->sleepers[i].task);
		put_task_struct(hall->sleepers[i].task);
	}
}

static struct kunit_suite wait_suite = {
	.name = "mailbox_wait",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = wait_cases,
};

static struct kunit_suite deadline_suite = {
	.name = "mailbox_deadline",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = deadline_cases,
};

static struct kunit_suite poll_suite = {
	.name = "mailbox_poll",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = poll_cases,
};

static struct kunit_suite fence_suite = {
	.name = "mailbox_fence",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = fence_cases,
};

kunit_test_suites(&wait_suite, &deadline_suite, &poll_suite, &fence_suite);
