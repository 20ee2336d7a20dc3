/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages that tell where they belong, and calls that are stuck in the middle
 * of their copy, on a page that does not come before we let it.
 */
#ifndef MAILBOX_STUCK_H
#define MAILBOX_STUCK_H

#include <linux/userfaultfd.h>
#include <pthread.h>

#include "mailbox_test.h"

/* Content that tells where it belongs. */

static inline void write_pattern(void *to, size_t n, unsigned int seed)
{
	unsigned char *p = to;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = seed * 31 + i * 7 + (i >> 5) + 1;
}

static inline bool has_pattern(const void *from, size_t n, unsigned int seed)
{
	const unsigned char *p = from;
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != (unsigned char)(seed * 31 + i * 7 + (i >> 5) + 1))
			return false;
	return true;
}

/* Page faults that wait for us. */

/**
 * struct stuck - a child inside a call whose buffer is not there yet
 * @pid: the child
 * @faulting: the fault has begun
 * @go_on: let it have its pages
 * @ret: of the call, or -errno
 * @data: received
 */
struct stuck {
	pid_t pid;
	volatile int faulting;
	volatile int go_on;
	volatile long ret;
	char data[64];
};

struct stuck_child {
	struct stuck *stuck;
	int uffd;
};

static inline void *stuck_helper(void *arg)
{
	struct stuck_child *child = arg;
	struct uffd_msg msg;
	struct uffdio_zeropage zero = { 0 };

	for (;;) {
		if (read(child->uffd, &msg, sizeof(msg)) != sizeof(msg))
			_exit(97);
		child->stuck->faulting = 1;
		while (!child->stuck->go_on)
			breathe();
		zero.range.start = msg.arg.pagefault.address & -(__u64)getpagesize();
		zero.range.len = getpagesize();
		ioctl(child->uffd, UFFDIO_ZEROPAGE, &zero);
	}
	return NULL;
}

/* Memory whose first touch waits for @stuck->go_on; NULL if the kernel does not let us. */
static inline char *stuck_page(struct stuck *stuck, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	static struct stuck_child child;
	size_t n = (size + getpagesize() - 1) / getpagesize();
	char *page = pages(n, PROT_READ | PROT_WRITE);
	pthread_t thread;

	child.stuck = stuck;
	child.uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = address(page);
	reg.range.len = n * getpagesize();
	if (child.uffd < 0 || ioctl(child.uffd, UFFDIO_API, &api) ||
	    ioctl(child.uffd, UFFDIO_REGISTER, &reg) ||
	    pthread_create(&thread, NULL, stuck_helper, &child))
		return NULL;
	return page;
}

static inline bool userfaultfd_works(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A receiver that is stuck in read(@fd) of @size bytes; NULL if it does not come to that. */
static inline struct stuck *stuck_reader(int fd, size_t size)
{
	struct stuck *stuck = shared_pages(1);
	pid_t pid = spawn();

	if (!pid) {
		char *page = stuck_page(stuck, size);

		if (!page)
			leave(96);
		catch_signal(SIGUSR1, 0);
		stuck->ret = get(fd, page, size);
		if (stuck->ret > 0)
			memcpy(stuck->data, page, stuck->ret < 64 ? stuck->ret : 64);
		leave(stuck->ret);
	}
	stuck->pid = pid;
	return wait_until(stuck->faulting) ? stuck : NULL;
}

/* A sender that is stuck in write(@fd): the first page is not there. */
static inline struct stuck *stuck_writer(int fd, size_t size)
{
	struct stuck *stuck = shared_pages(1);
	pid_t pid = spawn();

	if (!pid) {
		char *page = stuck_page(stuck, size);

		if (!page)
			leave(96);
		catch_signal(SIGUSR1, 0);
		stuck->ret = put(fd, page, size);
		leave(stuck->ret);
	}
	stuck->pid = pid;
	return wait_until(stuck->faulting) ? stuck : NULL;
}

#endif /* MAILBOX_STUCK_H */
