/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: every difference between the kernels this module builds on, 6.1 to the
 * newest packaged one. Included in front of each file.
 */
#ifndef MAILBOX_COMPAT_H
#define MAILBOX_COMPAT_H

#undef pr_fmt
#define pr_fmt(fmt) "mailbox: " fmt

#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>	/* where 7.x has current_umask() */
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/version.h>

#ifndef CONFIG_64BIT
#error "mailbox needs a 64-bit kernel (32-bit programs on one are fine)"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define mailbox_class_create(name)	class_create(THIS_MODULE, name)
#else
#define mailbox_class_create(name)	class_create(name)
#endif

static inline void mailbox_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

/* Spares a large local of a fast path the zeroing of CONFIG_INIT_STACK_ALL_ZERO. */
#if __has_attribute(__uninitialized__)
#define mailbox_uninitialized	__attribute__((__uninitialized__))
#else
#define mailbox_uninitialized
#endif

/* The argument of the devnode callbacks. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define MAILBOX_CONST_DEVICE	struct device
#else
#define MAILBOX_CONST_DEVICE	const struct device
#endif

/* The llseek of a device that has no position. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define MAILBOX_LLSEEK		.llseek = no_llseek,
#else
#define MAILBOX_LLSEEK
#endif

/* Set and clear flags of an area that is being made. */
static inline void mailbox_vm_flags(struct vm_area_struct *vma, unsigned long set,
				    unsigned long clear)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
#else
	vm_flags_set(vma, set);
	vm_flags_clear(vma, clear);
#endif
}

/* Take pages out of an area that is VM_PFNMAP; when it returns no processor remembers them. */
static inline void mailbox_zap(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
	zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
#else
	zap_special_vma_range(vma, vma->vm_start, vma->vm_end - vma->vm_start);
#endif
}

/* The user address that an iterator stands at if it is all one piece, else NULL. */
static inline void __user *mailbox_iter_address(const struct iov_iter *iter)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	if (iter_is_ubuf(iter))
		return iter->ubuf + iter->iov_offset;
	if (iter_is_iovec(iter) && iter->nr_segs == 1)
		return iter->iov->iov_base + iter->iov_offset;
#else
	if (iter_is_ubuf(iter) || (iter_is_iovec(iter) && iter->nr_segs == 1))
		return iter_iov_addr(iter);
#endif
	return NULL;
}

#endif /* MAILBOX_COMPAT_H */
