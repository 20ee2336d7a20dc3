// SPDX-License-Identifier: MIT
/* What the shim asks of the kernel, which this test stands in for, and what it makes of answers. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/mailbox.h>

#include "tap.h"

/* The kernel: what it was asked last, and what it answers. */
static struct {
	struct mailbox_create create;
	struct mailbox_open open;
	struct mailbox_delete delete;
	struct mailbox_message message;
	int creates, opens;
	int no_module;
	int fails_create, fails_open, fails_other;	/* errno, or 0 */
	bool appears;			/* once a create has failed with EEXIST */
	unsigned int limit;
	unsigned int flags;		/* of the descriptor */
} kernel;

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_open(const char *path, int flags, ...)
{
	(void)flags;
	errno = kernel.no_module;
	return kernel.no_module || strcmp(path, "/dev/mailbox/control") ? -1 : 100;
}

int __wrap_close(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_fcntl(int fd, int cmd, ...)
{
	va_list args;

	(void)fd;
	if (cmd == F_GETFL)
		return kernel.flags;
	va_start(args, cmd);
	kernel.flags = va_arg(args, int);
	va_end(args);
	return 0;
}

static int answer(int error)
{
	errno = error;
	return error ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct mailbox_info *info = arg;

	(void)fd;
	switch (request) {
	case MAILBOX_IOC_CREATE:
		kernel.creates++;
		kernel.create = *(struct mailbox_create *)arg;
		((struct mailbox_create *)arg)->fd = 7;
		if (kernel.appears)
			kernel.fails_open = 0;
		return answer(kernel.fails_create);
	case MAILBOX_IOC_OPEN:
		kernel.opens++;
		kernel.open = *(struct mailbox_open *)arg;
		((struct mailbox_open *)arg)->fd = 8;
		return answer(kernel.fails_open);
	case MAILBOX_IOC_DELETE:
		kernel.delete = *(struct mailbox_delete *)arg;
		return answer(kernel.fails_other);
	case MAILBOX_IOC_INFO:
		info->limit = kernel.limit;
		info->message_size = 64;
		info->depth = 2;
		return answer(kernel.fails_other);
	case MAILBOX_IOC_NOTIFY:	/* is it one that knows of notices? */
		if (((struct mailbox_notify *)arg)->how == MAILBOX_NOTIFY_WAIT)
			return answer(kernel.limit ? ECANCELED : EOPNOTSUPP);
		return answer(kernel.fails_other ?: ENOTTY);
	case MAILBOX_IOC_SEND:
	case MAILBOX_IOC_RECEIVE:
		kernel.message = *(struct mailbox_message *)arg;
		((struct mailbox_message *)arg)->length = 5;
		((struct mailbox_message *)arg)->tag = 1234;
		return answer(kernel.fails_other);
	}
	return answer(kernel.fails_other ?: ENOTTY);
}

static void reset(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.fails_open = ENOENT;
	kernel.limit = 3;
}

#define fails(error, call) (errno = 0, (call) == -1 && errno == (error))

/* The port of this queue. */
static bool is_port(const char *name, const char *port)
{
	reset();
	return mq_open(name, O_CREAT | O_RDWR, 0600, NULL) == 7 && !strcmp(kernel.create.name, port);
}

static void names(void)
{
	static const struct {
		const char *name, *port;
	} pairs[] = {
		{ "/jobs", "mq.jobs" }, { "/A-b_9", "mq.A-b_9" }, { "/a.b", "mq.a.2eb" },
		{ "/a b", "mq.a.20b" }, { "/a.2eb", "mq.a.2e2eb" }, { "/\xff", "mq..ff" },
		{ "/control", "mq.control" }, { "/.x", "mq..2ex" },
	};
	char longest[80] = "/", dots[80] = "/";
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		ok(is_port(pairs[i].name, pairs[i].port), "%s is %s", pairs[i].name, pairs[i].port);
	memset(longest + 1, 'x', 60);
	ok(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL) == 7 && strlen(kernel.create.name) == 63,
	   "60 plain characters are a name");
	longest[61] = 'x';
	ok(fails(ENAMETOOLONG, mq_open(longest, O_CREAT | O_RDWR, 0600, NULL)), "61 are ENAMETOOLONG");
	memset(dots + 1, '.', 20);
	dots[20] = ' ';
	ok(mq_open(dots, O_CREAT | O_RDWR, 0600, NULL) == 7, "so are 20 of others");
	dots[21] = '.';
	ok(fails(ENAMETOOLONG, mq_unlink(dots)), "21 are ENAMETOOLONG");
}

static void opening(void)
{
	struct mq_attr attr = { .mq_maxmsg = 5, .mq_msgsize = 100 };
	const unsigned int flags = MAILBOX_SEALED | MAILBOX_EXCLUSIVE;

	reset();
	ok(mq_open("/q", O_CREAT | O_RDWR | O_NONBLOCK | O_TRUNC, 0640, &attr) == 7 &&
	   kernel.create.flags == flags && kernel.create.mode == 0640 && kernel.create.lanes == 32 &&
	   kernel.create.limit == 5 && kernel.create.capacity == 8 && kernel.create.message_size == 100,
	   "a queue is a sealed port with its limit, capacity being a power of two");
	ok(kernel.create.open_flags == (O_RDWR | O_NONBLOCK | O_CLOEXEC),
	   "flags that mean nothing are ignored, FD_CLOEXEC is always set");
	attr.mq_maxmsg = 1;
	ok(mq_open("/q", O_CREAT | O_RDWR, 0600, &attr) == 7 && kernel.create.capacity == 2 &&
	   kernel.create.limit == 1, "the smallest lane has two slots");
	reset();
	kernel.fails_open = 0;
	ok(mq_open("/q", O_CREAT | O_RDWR, 0600, NULL) == 8 && !kernel.creates,
	   "one that is there is opened");
	kernel.limit = 0;
	ok(fails(EINVAL, mq_open("/q", O_RDWR)), "a port without a limit is no queue");
	reset();
	kernel.fails_create = EEXIST;
	ok(fails(EEXIST, mq_open("/q", O_CREAT | O_EXCL | O_RDWR, 0600, NULL)) && !kernel.opens,
	   "O_EXCL does not open");
	kernel.appears = true;
	ok(mq_open("/q", O_CREAT | O_RDWR, 0600, NULL) == 8 && kernel.opens == 2,
	   "one that somebody else makes in between is opened");
	reset();
	kernel.fails_create = EDQUOT;
	ok(fails(EMFILE, mq_open("/q", O_CREAT | O_RDWR, 0600, NULL)), "too much memory is EMFILE");
	kernel.fails_create = EINVAL;
	ok(fails(EMFILE, mq_open("/q", O_CREAT | O_RDWR, 0600, NULL)), "of one queue too");
	kernel.fails_create = ENOSPC;
	ok(fails(ENOSPC, mq_open("/q", O_CREAT | O_RDWR, 0600, NULL)), "too many queues are ENOSPC");
	kernel.no_module = ENOENT;
	ok(fails(ENOSYS, mq_open("/q", O_RDWR)) && fails(ENOSYS, mq_unlink("/q")),
	   "without the module it is ENOSYS");
	kernel.no_module = EMFILE;
	ok(fails(EMFILE, mq_open("/q", O_RDWR)), "but EMFILE is EMFILE");
	reset();
	ok(!mq_unlink("/q") && !strcmp(kernel.delete.name, "mq.q") &&
	   kernel.delete.flags == MAILBOX_DELETE_UNLINK, "mq_unlink() ends the name alone");
	kernel.fails_other = EPERM;
	ok(fails(EACCES, mq_unlink("/q")), "which others may not: EACCES");
}

static void messages(void)
{
	struct timespec t = { .tv_sec = 3, .tv_nsec = 5 };
	unsigned int priority = 0;
	char data[64];

	reset();
	ok(!mq_send(7, "hello", 5, 3) && kernel.message.lane == 3 && kernel.message.tag == 3 &&
	   kernel.message.length == 5 && kernel.message.deadline == MAILBOX_FOREVER,
	   "a priority is a lane");
	ok(!mq_send(7, "hello", 5, 32767) && kernel.message.lane == 31 && kernel.message.tag == 32767,
	   "a high one is the highest lane, and the tag tells it");
	ok(!mq_timedsend(7, "hello", 5, 0, &t) && kernel.message.deadline == 3000000005ULL &&
	   kernel.message.flags == MAILBOX_SEND_REALTIME, "a time is CLOCK_REALTIME");
	t = (struct timespec){ 0 };
	ok(!mq_timedsend(7, "hello", 5, 0, &t) && kernel.message.deadline == 1,
	   "the beginning of time is in the past, and no MAILBOX_NO_WAIT");
	t.tv_sec = INT64_MAX;
	ok(!mq_timedsend(7, "hello", 5, 0, &t) && kernel.message.deadline == MAILBOX_FOREVER,
	   "its end is for ever");
	ok(mq_receive(7, data, 64, &priority) == 5 && priority == 1234 &&
	   kernel.message.flags == (MAILBOX_RECV_REALTIME | MAILBOX_RECV_LARGEST),
	   "the priority received is the tag");
	mq_receive(7, data, SIZE_MAX, NULL);
	ok(kernel.message.length == UINT32_MAX, "more than 4 GiB is as much as there is");
	kernel.fails_other = ENOTTY;
	ok(fails(EBADF, mq_send(7, "hello", 5, 0)) && fails(EBADF, mq_receive(7, data, 64, NULL)) &&
	   fails(EBADF, mq_notify(7, NULL)), "what is no port is EBADF");
	kernel.fails_other = EIDRM;
	ok(fails(EIDRM, mq_send(7, "hello", 5, 0)), "a port that was deleted is EIDRM");
}

int main(void)
{
	names();
	opening();
	messages();
	return done();
}
