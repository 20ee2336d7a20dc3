/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: what the suites of mailbox_test.ko share.
 *
 * A case runs in a kernel thread, which is root and has no memory of a user.
 * From here it gets other credentials, some user memory, and a way to wait for
 * what another thread does. None of the three may be left on by a case that
 * gives up, so: no assertion in between.
 */
#ifndef MAILBOX_TEST_H
#define MAILBOX_TEST_H

#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/jiffies.h>

/* Wait for a state that somebody else brings about. False: it did not come. */
#define mailbox_test_until(condition)						\
({										\
	unsigned long mailbox_test_limit = jiffies + 20 * HZ;			\
										\
	while (!(condition) && time_before(jiffies, mailbox_test_limit))	\
		usleep_range(50, 100);						\
	(condition);								\
})

/**
 * mailbox_test_become() - go on as somebody without any capability
 * @id: effective and file system uid and gid
 *
 * Return: for mailbox_test_return().
 */
const struct cred *mailbox_test_become(unsigned int id);
void mailbox_test_return(const struct cred *before);

/* Bytes of user memory; what follows them is not mapped. */
#define MAILBOX_TEST_USER_SIZE	(2 * PAGE_SIZE)

/**
 * mailbox_test_user_init() - a piece of the loading process's memory for a suite
 * @suite: whose suite_init this is
 *
 * Return: 0, even if there is none: mailbox_test_user_memory() tells.
 */
int mailbox_test_user_init(struct kunit_suite *suite);
void mailbox_test_user_exit(struct kunit_suite *suite);

/* Its address, for pointers into it, or NULL if there is none. */
void __user *mailbox_test_user_memory(void);

/* Let the calling thread reach it, and no longer. */
void mailbox_test_user_enter(void);
void mailbox_test_user_leave(void);

#endif /* MAILBOX_TEST_H */
