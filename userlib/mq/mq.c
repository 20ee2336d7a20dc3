// SPDX-License-Identifier: MIT
/*
 * libmailbox-mq: POSIX message queues on ports.
 *
 * The functions of <mqueue.h>, for programs that were written for the kernel's own queues,
 * unmodified: by LD_PRELOAD=libmailbox-mq.so.0, or linked with -lmailbox-mq before the C
 * library. What each does, and with which errno, is as mq_open(3) to mq_notify(3) tell it of
 * Linux; what follows is what else there is to know.
 *
 * A queue is a port. "/name" is the port "mq.name", beside all others in `mailbox list`; a
 * character of the name that no port may have, and the dot, is written as a dot and two
 * hex digits ("/a.b c" is "mq.a.2eb.20c"). What is longer than 63 characters then is
 * ENAMETOOLONG. Ports that begin with "mq." and were made in another way are not queues:
 * EINVAL. Without the module mq_open() is ENOSYS.
 *
 * A queue descriptor is the port's file descriptor, and all that is known of it is asked of
 * the kernel: so poll(), epoll, fork(), dup() and SCM_RIGHTS do with it what they do.
 * It is closed by exec, as the kernel's is. A queue made with mode 0 has mode 0600.
 * Some programs read() a queue's descriptor, which tells its state and takes no message; so a
 * descriptor that mq_open() gave to this process or one that it comes from does here too, though
 * as a port it would receive. Who has registered by mq_notify() is not told.
 *
 * Priorities 0 to 31 are lanes. All above share the highest lane: they are received
 * before any below 31, among each other in the order in which they were sent, and with the
 * priority that they were sent with.
 *
 * A queue's memory is taken when it is made: 32 lanes of mq_maxmsg, rounded up to a power
 * of two, times mq_msgsize. What is more than the module allows for one port or for one
 * user is EMFILE, as with RLIMIT_MSGQUEUE, which is not looked at; nor is
 * /proc/sys/fs/mqueue: up to 65536 messages, up to 16 MiB each, defaults 10 and 8192.
 *
 * mq_notify() takes a thread of this process, which waits for the message, and then sends the
 * signal to the process or becomes the notification thread. The signal has come before this
 * process has the message, so a later mq_receive() is not interrupted by it.
 *
 * What the kernel's queues lose stays: a message that mq_receive() cannot store (EFAULT) is
 * still there. A queue that was deleted as a port (`mailbox delete`) is EIDRM.
 */
#include <sys/cdefs.h>
/* NULL has a meaning to the kernel's calls where <mqueue.h> says that there is none. */
#undef __nonnull
#define __nonnull(params)
#include <mqueue.h>
#undef __nonnull
#define __nonnull(params) __attribute_nonnull__(params)

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/mailbox.h>

#define CONTROL		"/dev/mailbox/control"
#define PREFIX		"mq."
#define PRIORITIES	32768U		/* sysconf(_SC_MQ_PRIO_MAX) */
#define LANES		MAILBOX_LANES_MAX

/* What stands for itself in the name of a port. */
#define PLAIN		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static int fail(int error)
{
	errno = error;
	return -1;
}

/* Names */

/* "/a.b" to "mq.a.2eb". Returns 0 or a positive errno, as the kernel judges names. */
static int port_name(char *port, const char *name)
{
	size_t length = sizeof(PREFIX) - 1;

	if (*name++ != '/')
		return EINVAL;
	if (!*name)
		return ENOENT;
	if (strnlen(name, NAME_MAX + 1) > NAME_MAX)
		return ENAMETOOLONG;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return EACCES;
	memset(port, 0, MAILBOX_NAME_SIZE);
	memcpy(port, PREFIX, length);
	for (; *name; name++) {
		bool plain = strchr(PLAIN, *name);

		if (length + (plain ? 1 : 3) > MAILBOX_NAME_MAX)
			return ENAMETOOLONG;
		length += sprintf(port + length, plain ? "%c" : ".%02x", (unsigned char)*name);
	}
	return 0;
}

/* One ioctl on the control node. Returns 0 or a positive errno. */
static int control(unsigned long request, void *arg)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO || errno == ENODEV ? ENOSYS : errno;
	err = ioctl(fd, request, arg) < 0 ? errno : 0;
	close(fd);
	return err;
}

/* Open, close, unlink */

/* Of those that mean something to a queue; the others are ignored, as by the kernel. */
static unsigned int open_flags(int oflag)
{
	return (oflag & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC;
}

static int info(mqd_t mqd, struct mailbox_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(mqd, MAILBOX_IOC_INFO, info);
}

/* Only a port with a limit knows of notices; to ask for one that never was is cheapest. */
static bool is_queue(int fd)
{
	struct mailbox_notify n = { .size = sizeof(n), .how = MAILBOX_NOTIFY_WAIT };

	return ioctl(fd, MAILBOX_IOC_NOTIFY, &n) < 0 && errno == ECANCELED;
}

/* Returns the descriptor or a negative errno. */
static int open_queue(const char *port, int oflag)
{
	struct mailbox_open arg = {
		.size = sizeof(arg),
		.open_flags = open_flags(oflag),
		.fd = -1,
	};
	int err;

	memcpy(arg.name, port, sizeof(arg.name));
	err = control(MAILBOX_IOC_OPEN, &arg);
	if (err)
		return -err;
	if (!is_queue(arg.fd)) {
		close(arg.fd);
		return -EINVAL;
	}
	return arg.fd;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t power = MAILBOX_CAPACITY_MIN;

	while (power < n)
		power *= 2;
	return power;
}

/* Likewise; @attr may be NULL. */
static int create_queue(const char *port, int oflag, mode_t mode, const struct mq_attr *attr)
{
	static const struct mq_attr defaults = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	struct mailbox_create arg = {
		.size = sizeof(arg),
		.flags = MAILBOX_SEALED | MAILBOX_EXCLUSIVE,
		.lanes = LANES,
		.mode = mode & 0777,
		.open_flags = open_flags(oflag),
		.fd = -1,
	};
	int err;

	if (!attr)
		attr = &defaults;
	if (attr->mq_maxmsg <= 0 || attr->mq_maxmsg > (long)MAILBOX_CAPACITY_MAX ||
	    attr->mq_msgsize <= 0 || attr->mq_msgsize > (long)MAILBOX_MESSAGE_MAX)
		return -EINVAL;
	arg.limit = attr->mq_maxmsg;
	arg.capacity = power_of_two(arg.limit);
	arg.message_size = attr->mq_msgsize;
	memcpy(arg.name, port, sizeof(arg.name));
	err = control(MAILBOX_IOC_CREATE, &arg);
	/* All else is as it should be: it is too large a port. */
	if (err == EINVAL || err == EDQUOT)
		err = EMFILE;
	return err ? -err : arg.fd;
}

/* Descriptors that mq_open() gave, of those there usually are. Behind their state is an end. */
#define MARKED	1024

static atomic_uchar marked[MARKED];
enum { IS_QUEUE = 1, WAS_READ };

static void mark(int fd, unsigned char as)
{
	if (fd >= 0 && fd < MARKED)
		atomic_store_explicit(&marked[fd], as, memory_order_relaxed);
}

static mqd_t mq_open_with(const char *name, int oflag, mode_t mode, const struct mq_attr *attr)
{
	char port[MAILBOX_NAME_SIZE];
	int err = port_name(port, name), fd;

	if (!err && (oflag & O_ACCMODE) == O_ACCMODE)
		err = EINVAL;
	if (err)
		return fail(err);
	do {
		fd = -ENOENT;
		if (!(oflag & O_CREAT) || !(oflag & O_EXCL))
			fd = open_queue(port, oflag);
		if (fd == -ENOENT && oflag & O_CREAT)
			fd = create_queue(port, oflag, mode, attr);
		/* Somebody was faster: that one, then. */
	} while (fd == -EEXIST && !(oflag & O_EXCL));
	if (fd < 0)
		return fail(-fd);
	mark(fd, IS_QUEUE);
	return fd;
}

mqd_t mq_open(const char *name, int oflag, ...)
{
	const struct mq_attr *attr = NULL;
	mode_t mode = 0;
	va_list args;

	if (oflag & O_CREAT) {
		va_start(args, oflag);
		mode = va_arg(args, mode_t);
		attr = va_arg(args, const struct mq_attr *);
		va_end(args);
	}
	return mq_open_with(name, oflag, mode, attr);
}

/* What _FORTIFY_SOURCE makes of an mq_open() with two arguments. */
mqd_t __mq_open_2(const char *name, int oflag);
mqd_t __mq_open_2(const char *name, int oflag)
{
	if (oflag & O_CREAT)
		abort();
	return mq_open_with(name, oflag, 0, NULL);
}

int mq_close(mqd_t mqd)
{
	mark(mqd, 0);
	return close(mqd);
}

int mq_unlink(const char *name)
{
	struct mailbox_delete arg = { .size = sizeof(arg), .flags = MAILBOX_DELETE_UNLINK };
	int err = port_name(arg.name, name);

	if (!err)
		err = control(MAILBOX_IOC_DELETE, &arg);
	if (err == EPERM)
		err = EACCES;
	return err ? fail(err) : 0;
}

/* Attributes */

/* What is no port does not know our calls. */
static int failed(void)
{
	if (errno == ENOTTY)
		errno = EBADF;
	return -1;
}

int mq_getattr(mqd_t mqd, struct mq_attr *attr)
{
	struct mailbox_info is;
	int flags;

	if (info(mqd, &is))
		return failed();
	flags = fcntl(mqd, F_GETFL);
	if (flags < 0)
		return -1;
	*attr = (struct mq_attr){
		.mq_flags = flags & O_NONBLOCK,
		.mq_maxmsg = is.limit,
		.mq_msgsize = is.message_size,
		.mq_curmsgs = is.depth,
	};
	return 0;
}

int mq_setattr(mqd_t mqd, const struct mq_attr *restrict attr, struct mq_attr *restrict old)
{
	struct mq_attr was;
	int flags;

	if (attr && attr->mq_flags & ~(long)O_NONBLOCK)
		return fail(EINVAL);
	if (mq_getattr(mqd, &was))
		return -1;
	if (attr) {
		flags = fcntl(mqd, F_GETFL);
		if (flags < 0 || fcntl(mqd, F_SETFL, (flags & ~O_NONBLOCK) | attr->mq_flags) < 0)
			return -1;
	}
	if (old)
		*old = was;
	return 0;
}

/* Reading */

/* Bytes of all messages, each looked at and left alone. Returns 0 or a positive errno. */
static int queued_bytes(int fd, unsigned long long *bytes)
{
	uint32_t i;

	*bytes = 0;
	for (i = 0; ; i++) {
		struct mailbox_message m = { .size = sizeof(m), .index = i };

		/* Nothing is stored where there is no room: what is told is the length. */
		if (ioctl(fd, MAILBOX_IOC_PEEK, &m) && errno != EMSGSIZE)
			return errno == EAGAIN || errno == EIDRM ? 0 : errno;
		*bytes += m.length;
	}
}

/* As the kernel tells it. */
static ssize_t read_state(int fd, void *buf, size_t size)
{
	unsigned long long bytes;
	char text[80];
	int length, err;

	err = queued_bytes(fd, &bytes);
	if (err)
		return fail(err);
	length = sprintf(text, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes, 0, 0, 0);
	if ((size_t)length < size)
		size = length;
	memcpy(buf, text, size);
	return size;
}

ssize_t __read(int fd, void *buf, size_t size);	/* the C library's other name for it */

ssize_t read(int fd, void *buf, size_t size)
{
	unsigned char as = 0;

	if (fd >= 0 && fd < MARKED)
		as = atomic_load_explicit(&marked[fd], memory_order_relaxed);
	if (!as)
		return __read(fd, buf, size);
	/* It may have been closed by another name than mq_close(). */
	if (!is_queue(fd)) {
		mark(fd, 0);
		return __read(fd, buf, size);
	}
	mark(fd, as == IS_QUEUE ? WAS_READ : IS_QUEUE);
	return as == IS_QUEUE ? read_state(fd, buf, size) : 0;
}

/* Send and receive */

/* Returns false if it is no time. */
static bool deadline_of(int64_t sec, int64_t nsec, uint64_t *deadline)
{
	if (sec < 0 || nsec < 0 || nsec >= 1000000000)
		return false;
	/* 0 would mean not to wait: what is as long ago is over just as well. */
	*deadline = (sec || nsec) ? sec * 1000000000ULL + nsec : 1;
	if (sec >= INT64_MAX / 1000000000)
		*deadline = MAILBOX_FOREVER;
	return true;
}

/* These calls are cancellation points, which ioctl() is not. */
static int message_call(mqd_t mqd, unsigned long request, struct mailbox_message *m)
{
	int type, ret;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = ioctl(mqd, request, m);
	pthread_setcanceltype(type, NULL);
	return ret;
}

static int send_until(mqd_t mqd, const char *data, size_t length, unsigned int priority,
		      uint64_t deadline)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_SEND_REALTIME,
		.data = (uintptr_t)data,
		.length = length < UINT32_MAX ? length : UINT32_MAX,
		.lane = priority < LANES ? priority : LANES - 1,
		.tag = priority,
		.deadline = deadline,
	};

	if (priority >= PRIORITIES)
		return fail(EINVAL);
	return message_call(mqd, MAILBOX_IOC_SEND, &m) ? failed() : 0;
}

static ssize_t receive_until(mqd_t mqd, char *data, size_t size, unsigned int *priority,
			     uint64_t deadline)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_RECV_REALTIME | MAILBOX_RECV_LARGEST,
		.data = (uintptr_t)data,
		.length = size < UINT32_MAX ? size : UINT32_MAX,
		.deadline = deadline,
	};

	if (message_call(mqd, MAILBOX_IOC_RECEIVE, &m))
		return failed();
	if (priority)
		*priority = m.tag;
	return m.length;
}

int mq_send(mqd_t mqd, const char *data, size_t length, unsigned int priority)
{
	return send_until(mqd, data, length, priority, MAILBOX_FOREVER);
}

ssize_t mq_receive(mqd_t mqd, char *data, size_t size, unsigned int *priority)
{
	return receive_until(mqd, data, size, priority, MAILBOX_FOREVER);
}

int mq_timedsend(mqd_t mqd, const char *data, size_t length, unsigned int priority,
		 const struct timespec *timeout)
{
	uint64_t deadline = MAILBOX_FOREVER;

	if (timeout && !deadline_of(timeout->tv_sec, timeout->tv_nsec, &deadline))
		return fail(EINVAL);
	return send_until(mqd, data, length, priority, deadline);
}

ssize_t mq_timedreceive(mqd_t mqd, char *restrict data, size_t size,
			unsigned int *restrict priority, const struct timespec *restrict timeout)
{
	uint64_t deadline = MAILBOX_FOREVER;

	if (timeout && !deadline_of(timeout->tv_sec, timeout->tv_nsec, &deadline))
		return fail(EINVAL);
	return receive_until(mqd, data, size, priority, deadline);
}

#if __TIMESIZE == 32
/* What programs with _TIME_BITS=64 call where time_t has 32 bits. */
struct timespec64 {
	int64_t tv_sec;
	int32_t tv_nsec;
	int32_t pad;
};

int __mq_timedsend_time64(mqd_t mqd, const char *data, size_t length, unsigned int priority,
			  const struct timespec64 *timeout);
int __mq_timedsend_time64(mqd_t mqd, const char *data, size_t length, unsigned int priority,
			  const struct timespec64 *timeout)
{
	uint64_t deadline = MAILBOX_FOREVER;

	if (timeout && !deadline_of(timeout->tv_sec, timeout->tv_nsec, &deadline))
		return fail(EINVAL);
	return send_until(mqd, data, length, priority, deadline);
}

ssize_t __mq_timedreceive_time64(mqd_t mqd, char *data, size_t size, unsigned int *priority,
				 const struct timespec64 *timeout);
ssize_t __mq_timedreceive_time64(mqd_t mqd, char *data, size_t size, unsigned int *priority,
				 const struct timespec64 *timeout)
{
	uint64_t deadline = MAILBOX_FOREVER;

	if (timeout && !deadline_of(timeout->tv_sec, timeout->tv_nsec, &deadline))
		return fail(EINVAL);
	return receive_until(mqd, data, size, priority, deadline);
}
#endif

/* Notification */

/* A thread's: who is to be told, of what, and how. */
struct notice {
	struct sigevent event;
	mqd_t mqd;
	uint64_t id;
	sigset_t mask;		/* of who asked for it */
};

static int notify_call(mqd_t mqd, uint32_t how, struct mailbox_notify *n)
{
	n->size = sizeof(*n);
	n->how = how;
	return ioctl(mqd, MAILBOX_IOC_NOTIFY, n);
}

/* To the process, as the kernel's queues do: any thread may get it. */
static void send_signal(const struct sigevent *event, const struct mailbox_notify *from)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	si.si_signo = event->sigev_signo;
	si.si_code = SI_MESGQ;
	si.si_pid = from->pid;
	si.si_uid = from->uid;
	si.si_value = event->sigev_value;
	syscall(SYS_rt_sigqueueinfo, getpid(), event->sigev_signo, &si);
}

static void *notice_wait(void *arg)
{
	struct notice notice = *(struct notice *)arg;
	struct mailbox_notify n = { .id = notice.id };

	free(arg);
	pthread_detach(pthread_self());		/* as it may be already, by its attributes */
	/* No signal comes here; EINTR is a debugger. */
	while (notify_call(notice.mqd, MAILBOX_NOTIFY_WAIT, &n)) {
		if (errno != EINTR)
			return NULL;
	}
	if (notice.event.sigev_notify == SIGEV_SIGNAL) {
		send_signal(&notice.event, &n);
		notify_call(notice.mqd, MAILBOX_NOTIFY_DONE, &n);
	} else {
		pthread_sigmask(SIG_SETMASK, &notice.mask, NULL);
		notice.event.sigev_notify_function(notice.event.sigev_value);
	}
	return NULL;
}

/* The thread runs with all signals blocked. Returns a positive errno. */
static int start_thread(const struct sigevent *event, mqd_t mqd, uint64_t id)
{
	const pthread_attr_t *attr = NULL;
	struct notice *notice = malloc(sizeof(*notice));
	pthread_t thread;
	sigset_t all;
	int err;

	if (!notice)
		return ENOMEM;
	*notice = (struct notice){ .event = *event, .mqd = mqd, .id = id };
	if (event->sigev_notify == SIGEV_THREAD)
		attr = event->sigev_notify_attributes;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &notice->mask);
	all = notice->mask;
	err = pthread_create(&thread, attr, notice_wait, notice);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	if (err) {
		free(notice);
		return ENOMEM;
	}
	return 0;
}

int mq_notify(mqd_t mqd, const struct sigevent *event)
{
	struct mailbox_notify n = { };
	uint32_t how = MAILBOX_NOTIFY_REGISTER;
	int err = 0;

	if (!event)
		return notify_call(mqd, MAILBOX_NOTIFY_CANCEL, &n) ? failed() : 0;
	if (event->sigev_notify != SIGEV_NONE && event->sigev_notify != SIGEV_SIGNAL &&
	    event->sigev_notify != SIGEV_THREAD)
		return fail(EINVAL);
	if (event->sigev_notify == SIGEV_SIGNAL &&
	    (event->sigev_signo < 0 || event->sigev_signo > SIGRTMAX))
		return fail(EINVAL);
	if (event->sigev_notify == SIGEV_SIGNAL)
		how = MAILBOX_NOTIFY_HOLD;
	if (notify_call(mqd, how, &n))
		return failed();
	if (event->sigev_notify != SIGEV_NONE)
		err = start_thread(event, mqd, n.id);
	if (err) {
		uint64_t id = n.id;

		n = (struct mailbox_notify){ };
		notify_call(mqd, MAILBOX_NOTIFY_CANCEL, &n);
		/* It may have been told by then; this does not sleep. */
		n.id = id;
		if (!notify_call(mqd, MAILBOX_NOTIFY_WAIT, &n))
			notify_call(mqd, MAILBOX_NOTIFY_DONE, &n);
		return fail(err);
	}
	return 0;
}
