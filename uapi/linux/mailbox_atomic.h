/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The atomics that mailbox_ring.h is written in, for the kernel and for user
 * space. All act on __u64; LOAD and STORE order nothing; XCHG, CMPXCHG and ADD
 * are full barriers, LOAD_AFTER comes after those before it; KEEP_ORDER holds the compiler
 * alone. What pairs with what is said in mailbox_ring.h.
 */
#ifndef _UAPI_LINUX_MAILBOX_ATOMIC_H
#define _UAPI_LINUX_MAILBOX_ATOMIC_H

#include <linux/types.h>

#ifdef __KERNEL__

#include <linux/atomic.h>

#define MAILBOX_LOAD(p)			READ_ONCE(*(p))
#define MAILBOX_LOAD_AFTER(p)		READ_ONCE(*(p))		/* E */
#define MAILBOX_KEEP_ORDER()		barrier()
#define MAILBOX_STORE(p, v)		WRITE_ONCE(*(p), v)
#define MAILBOX_LOAD_ACQUIRE(p)		smp_load_acquire(p)	/* C */
#define MAILBOX_STORE_RELEASE(p, v)	smp_store_release(p, v)	/* D */
#define MAILBOX_XCHG(p, v)		xchg(p, v)
#define MAILBOX_ADD(p, v)		((void)atomic64_add_return(v, (atomic64_t *)(p)))
#define MAILBOX_CMPXCHG(p, old, new)	(cmpxchg(p, old, new) == (old))

#else

#define MAILBOX_LOAD(p)			__atomic_load_n(p, __ATOMIC_RELAXED)
#define MAILBOX_LOAD_AFTER(p)		__atomic_load_n(p, __ATOMIC_SEQ_CST)
#define MAILBOX_KEEP_ORDER()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define MAILBOX_STORE(p, v)		__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define MAILBOX_LOAD_ACQUIRE(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define MAILBOX_STORE_RELEASE(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define MAILBOX_ADD(p, v)		((void)__atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
#define MAILBOX_XCHG(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define MAILBOX_CMPXCHG(p, old, new)					\
	__extension__({							\
		__u64 __old = (old);					\
		__atomic_compare_exchange_n(p, &__old, new, 0,		\
					    __ATOMIC_SEQ_CST,		\
					    __ATOMIC_RELAXED);		\
	})

#endif /* __KERNEL__ */

/* Where it is no matter who does it. */
#define MAILBOX_CMPXCHG_QUIET(p, old, new)	((void)MAILBOX_CMPXCHG(p, old, new))

#endif /* _UAPI_LINUX_MAILBOX_ATOMIC_H */
