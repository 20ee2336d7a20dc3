// SPDX-License-Identifier: GPL-2.0-only
/*
 * mailbox_test.ko: KUnit suites for the rooms of the module, one suite for one
 * matter, one case for one behaviour.
 *
 * It stands apart from mailbox_dev.ko, which need not be loaded: each suite
 * includes the .c file of the room that it tests, and so reaches what is static
 * there; a room that calls another finds the copy of it here.
 *
 * To run it, take a kernel with CONFIG_KUNIT=y (distributions have none), better
 * with KASAN and PROVE_LOCKING too:
 *
 *	make -C KERNEL M=$PWD MAILBOX_KUNIT=1 modules
 *
 * and in a guest booted from it with kunit.enable=1 kunit.autorun=1:
 *
 *	insmod mailbox_test.ko
 *	find /sys/kernel/debug/kunit -path '*mailbox_*' -name results -exec cat {} +
 *
 * Loading runs the suites, and succeeds even if a case fails. What counts is the
 * results: each suite must show as many case lines, indented by four blanks, as
 * its plan "1..N" says, all of them "ok". More about a failure is in the
 * kernel's log, where no checker may have left a report.
 */

#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "test.h"

const struct cred *mailbox_test_become(unsigned int id)
{
	struct cred *cred = prepare_creds();

	if (WARN_ON(!cred))
		return override_creds(get_current_cred());
	cred->euid = KUIDT_INIT(id);
	cred->egid = KGIDT_INIT(id);
	cred->fsuid = cred->euid;
	cred->fsgid = cred->egid;
	cap_clear(cred->cap_effective);
	return override_creds(cred);
}

void mailbox_test_return(const struct cred *before)
{
	const struct cred *cred = current_cred();

	revert_creds(before);
	put_cred(cred);
}

static struct mm_struct *mailbox_test_mm;
static unsigned long mailbox_test_address;

int mailbox_test_user_init(struct kunit_suite *suite)
{
	unsigned long address, size = MAILBOX_TEST_USER_SIZE;

	mailbox_test_mm = get_task_mm(current);
	if (!mailbox_test_mm)
		return 0;
	address = vm_mmap(NULL, 0, size + PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (IS_ERR_VALUE(address)) {
		mmput(mailbox_test_mm);
		mailbox_test_mm = NULL;
		return 0;
	}
	vm_munmap(address + size, PAGE_SIZE);
	mailbox_test_address = address;
	return 0;
}

void mailbox_test_user_exit(struct kunit_suite *suite)
{
	if (!mailbox_test_mm)
		return;
	vm_munmap(mailbox_test_address, MAILBOX_TEST_USER_SIZE);
	mmput(mailbox_test_mm);
	mailbox_test_mm = NULL;
}

void __user *mailbox_test_user_memory(void)
{
	return mailbox_test_mm ? (void __user *)mailbox_test_address : NULL;
}

void mailbox_test_user_enter(void)
{
	kthread_use_mm(mailbox_test_mm);
}

void mailbox_test_user_leave(void)
{
	kthread_unuse_mm(mailbox_test_mm);
}

MODULE_DESCRIPTION("KUnit suites of mailbox");
MODULE_AUTHOR("mailbox project");
MODULE_LICENSE("GPL");
