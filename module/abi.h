/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: argument structures that may grow, by the rules at the head of
 * mailbox.h: copied once, judged by their size member.
 */
#ifndef MAILBOX_ABI_H
#define MAILBOX_ABI_H

#include <linux/ioctl.h>
#include <linux/string.h>
#include <linux/uaccess.h>

/* The command without the size of its argument, which the argument itself tells. */
#define mailbox_abi_command(cmd)	((cmd) & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT))

/* Not of our size, then by the rules. */
static inline int mailbox_abi_get_other(void *to, size_t known, const void __user *user, u32 size)
{
	if (size < known)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, known, user, size);
}

/**
 * mailbox_abi_get() - copy an argument structure in
 * @to: ours, starting with __u32 size
 * @known: its size, whole words; also the first published one, so far
 * @user: the caller's
 * @size: out: its size
 *
 * Word by word if it has our size, as almost always.
 *
 * Return: 0, -EFAULT, -EINVAL (too small), or -E2BIG (unknown tail, not zero).
 */
static __always_inline int mailbox_abi_get(void *to, size_t known, const void __user *user,
					   u32 *size)
{
	size_t i;
	u64 word;

	if (!user_read_access_begin(user, known))
		return -EFAULT;
	unsafe_get_user(*size, (const u32 __user *)user, efault);
	if (unlikely(*size != known)) {
		user_read_access_end();
		return mailbox_abi_get_other(to, known, user, *size);
	}
#pragma GCC unroll 16
	for (i = 0; i < known; i += sizeof(word)) {
		unsafe_get_user(word, (const u64 __user *)(user + i), efault);
		*(u64 *)(to + i) = word;
	}
	user_read_access_end();
	return 0;
efault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * mailbox_abi_put() - copy an argument structure out
 * @user: the caller's
 * @size: its size, from mailbox_abi_get()
 * @from: ours
 * @known: its size
 *
 * What the caller has beyond ours is left as it was: zero.
 *
 * Return: 0 or -EFAULT.
 */
static inline int mailbox_abi_put(void __user *user, u32 size, const void *from, size_t known)
{
	return copy_to_user(user, from, min_t(size_t, size, known)) ? -EFAULT : 0;
}

#endif /* MAILBOX_ABI_H */
