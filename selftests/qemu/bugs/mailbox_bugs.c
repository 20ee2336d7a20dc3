// SPDX-License-Identifier: GPL-2.0-only
/*
 * mailbox_bugs.ko: insmod mailbox_bugs.ko bug=KIND does one thing that no module
 * may do. The runner of the tests must notice each: see runner-test.sh.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "uaf, oob, inversion, atomic, leak, shift, race or none");

/*
 * OPTIMIZER_HIDE_VAR() below keeps the compiler from seeing what is wrong, and
 * from doing something about it.
 */

static noinline void use_after_free(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(memory[8], 1);
}

static noinline void out_of_bounds(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(memory[64], 1);
	kfree(memory);
}

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(two);

/* Never a deadlock here, yet one is possible. */
static noinline void lock_inversion(void)
{
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);
	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static DEFINE_SPINLOCK(spinning);

static noinline void sleep_in_atomic(void)
{
	spin_lock(&spinning);
	mutex_lock(&one);
	mutex_unlock(&one);
	spin_unlock(&spinning);
}

/* Several: a copy of one pointer may stay in a register or on a stack. */
static noinline void leak(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		void *memory = kmalloc(123, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(memory);
	}
}

static noinline void undefined_shift(void)
{
	int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("%d\n", 1 << by);
}

static unsigned int shared;

static int racer(void *data)
{
	while (!kthread_should_stop()) {
		shared++;
		cond_resched();
	}
	return 0;
}

static noinline void unlocked_race(void)
{
	struct task_struct *racers[2];
	int i;

	for (i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = kthread_run(racer, NULL, "racer");
	msleep(5000);
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		if (!IS_ERR(racers[i]))
			kthread_stop(racers[i]);
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "uaf", use_after_free },
	{ "oob", out_of_bounds },
	{ "inversion", lock_inversion },
	{ "atomic", sleep_in_atomic },
	{ "leak", leak },
	{ "shift", undefined_shift },
	{ "race", unlocked_race },
};

static int __init mailbox_bugs_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (!strcmp(bug, bugs[i].name))
			bugs[i].commit();
	return 0;
}

static void __exit mailbox_bugs_exit(void)
{
}

module_init(mailbox_bugs_init);
module_exit(mailbox_bugs_exit);
MODULE_DESCRIPTION("Deliberate bugs, one of each kind");
MODULE_AUTHOR("mailbox project");
MODULE_LICENSE("GPL");
