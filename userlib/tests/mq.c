// SPDX-License-Identifier: MIT
/*
 * POSIX message queues as mq_overview(7) and mq_open(3) to mq_notify(3) tell of them: the
 * same program, with the same expectations, runs on the kernel's queues and, by LD_PRELOAD, on
 * ports. MQ_ON=kernel or MQ_ON=ports says which, for the few things that are known to differ.
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
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define NAME	"/conformance"
#define SIZE	64
#define NOBODY	65534

static struct mq_attr small = { .mq_maxmsg = 3, .mq_msgsize = SIZE };

/* The call fails with this errno. */
#define fails(error, call) (errno = 0, (call) == -1 && errno == (error))

static mqd_t fresh(int oflag)
{
	mq_unlink(NAME);
	return mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | oflag, 0600, &small);
}

static void gone(mqd_t q)
{
	mq_close(q);
	mq_unlink(NAME);
}

static bool put(mqd_t q, const char *text, unsigned int priority)
{
	return !mq_send(q, text, strlen(text), priority);
}

/* The next message is this one. */
static bool next_is(mqd_t q, const char *text, unsigned int priority)
{
	char data[SIZE + 1] = { 0 };
	unsigned int got = ~0U;
	ssize_t n = mq_receive(q, data, SIZE, &got);

	return n == (ssize_t)strlen(text) && !memcmp(data, text, n) && got == priority;
}

static long depth(mqd_t q)
{
	struct mq_attr attr;

	return mq_getattr(q, &attr) ? -1 : attr.mq_curmsgs;
}

static struct timespec in_ms(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Runs a child and gives its exit status; what it says is a number. */
#define child(...) ({							\
	int status__ = -1;						\
	pid_t pid__ = fork();						\
									\
	if (!pid__) {							\
		__VA_ARGS__;						\
		_exit(111);						\
	}								\
	waitpid(pid__, &status__, 0);					\
	WIFEXITED(status__) ? WEXITSTATUS(status__) : -1;		\
})

/* Sleeps in the kernel, with nothing to do: seen twice, so that it is not on its way there. */
static bool asleep(pid_t pid)
{
	char path[64], text[512];
	int tries, seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (tries = 0; tries < 50000 && seen < 5; tries++) {
		struct timespec moment = { .tv_nsec = 1000000 };
		FILE *file = fopen(path, "r");
		char *end;

		if (!file)
			return false;
		text[fread(text, 1, sizeof(text) - 1, file)] = 0;
		fclose(file);
		end = strrchr(text, ')');
		seen = end && end[2] == 'S' ? seen + 1 : 0;
		nanosleep(&moment, NULL);
	}
	return seen;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Interrupted again and again, until @call returns. */
#define interrupted(flags, call) ({					\
	struct sigaction act__ = { .sa_handler = on_alarm, .sa_flags = flags }; \
	struct itimerval often__ = { { 0, 20000 }, { 0, 20000 } }, never__ = { 0 }; \
	int err__;							\
									\
	sigaction(SIGALRM, &act__, NULL);				\
	setitimer(ITIMER_REAL, &often__, NULL);				\
	errno = 0;							\
	err__ = (call) < 0 ? errno : 0;					\
	setitimer(ITIMER_REAL, &never__, NULL);				\
	err__;								\
})

static void opening(void)
{
	struct mq_attr attr;
	mqd_t q, other;

	mq_unlink(NAME);
	ok(fails(ENOENT, mq_open(NAME, O_RDWR)), "a queue that is not there is ENOENT");
	q = mq_open(NAME, O_CREAT | O_RDWR, 0600, NULL);
	ok(q >= 0, "O_CREAT makes one");
	ok(!mq_getattr(q, &attr) && attr.mq_maxmsg == 10 && attr.mq_msgsize == 8192 &&
	   !attr.mq_flags && !attr.mq_curmsgs, "without attributes it has 10 messages of 8192 bytes");
	ok(fcntl(q, F_GETFD) & FD_CLOEXEC, "the descriptor is closed by exec, asked for or not");
	ok(fails(EEXIST, mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL)),
	   "O_EXCL on one that is there is EEXIST");
	other = mq_open(NAME, O_CREAT | O_RDWR, 0600, &small);
	ok(other >= 0 && !mq_getattr(other, &attr) && attr.mq_maxmsg == 10,
	   "O_CREAT on one that is there opens it as it is");
	mq_close(other);
	attr = (struct mq_attr){ .mq_maxmsg = -5, .mq_msgsize = 0 };
	other = mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr);
	ok(other >= 0, "whatever the attributes");
	mq_close(other);
	other = mq_open(NAME, O_RDONLY | O_NONBLOCK);
	ok(!mq_getattr(other, &attr) && attr.mq_flags == O_NONBLOCK, "O_NONBLOCK is told");
	ok(!mq_getattr(q, &attr) && !attr.mq_flags, "of that descriptor alone");
	mq_close(other);
	gone(q);

	q = fresh(0);
	ok(!mq_getattr(q, &attr) && attr.mq_maxmsg == 3 && attr.mq_msgsize == SIZE,
	   "with attributes it has those, powers of two or not");
	gone(q);
	ok(fails(ENOENT, mq_unlink(NAME)), "to unlink what is not there is ENOENT");
	ok(!mq_close(dup(0)) && fails(EBADF, mq_close(-1)), "to close no descriptor is EBADF");
}

static bool makes(long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	int err = errno;

	if (q >= 0)
		gone(q);
	errno = err;
	return q >= 0;
}

static void attributes(void)
{
	static const long bad[] = { 0, -1, LONG_MIN, 65537, LONG_MAX };
	static const long good[] = { 1, 2, 3, 5, 8 };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!makes(bad[i], SIZE) && errno == EINVAL, "mq_maxmsg %ld is EINVAL", bad[i]);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		long size = bad[i] == 65537 ? 16777217 : bad[i];

		ok(!makes(3, size) && errno == EINVAL, "mq_msgsize %ld is EINVAL", size);
	}
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(makes(good[i], good[i]), "%ld messages of so many bytes", good[i]);
	ok(!makes(65536, 1 << 20) && errno == EMFILE, "more memory than there may be is EMFILE");
}

static void names(void)
{
	static const char *const good[] = {
		"/a", "/A.b-c_d", "/.hidden", "/control", "/with space", "/\xc3\xa4", "/...", "/a.2eb",
		"/0123456789012345678901234567890123456789012345678901234567",
	};
	static const struct {
		const char *name;
		int error;
	} bad[] = {
		{ "noslash", EINVAL }, { "", EINVAL }, { "/", ENOENT }, { "/a/b", EACCES },
		{ "//a", EACCES }, { "/.", EACCES }, { "/..", EACCES },
	};
	char name[NAME_MAX + 3];
	mqd_t q[sizeof(good) / sizeof(*good)];
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		mq_unlink(good[i]);
		q[i] = mq_open(good[i], O_CREAT | O_EXCL | O_RDWR, 0600, &small);
		ok(q[i] >= 0 && put(q[i], good[i], i), "%s is a name", good[i]);
	}
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		mqd_t other = mq_open(good[i], O_RDONLY);

		ok(next_is(other, good[i], i) && !mq_unlink(good[i]), "%s is found", good[i]);
		mq_close(other);
		mq_close(q[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ok(fails(bad[i].error, mq_open(bad[i].name, O_CREAT | O_RDWR, 0600, NULL)),
		   "\"%s\" is %s", bad[i].name, strerrorname_np(bad[i].error));
		ok(fails(bad[i].error, mq_unlink(bad[i].name)), "to unlink it too");
	}
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[NAME_MAX + 2] = 0;
	ok(fails(ENAMETOOLONG, mq_open(name, O_CREAT | O_RDWR, 0600, NULL)),
	   "more than NAME_MAX characters are ENAMETOOLONG");
	ok(fails(ENAMETOOLONG, mq_unlink(name)), "to unlink it too");
}

static void permissions(void)
{
	mqd_t q, other;

	mq_unlink(NAME);
	umask(027);
	q = mq_open(NAME, O_CREAT | O_RDWR, 0666, &small);
	umask(0);
	ok(child({
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(fails(EACCES, mq_open(NAME, O_RDONLY)) ? 0 : errno);
	}) == 0, "mode and umask say who may open it: EACCES");
	gone(q);
	q = mq_open(NAME, O_CREAT | O_RDWR, 0604, &small);
	ok(child({
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		if (mq_open(NAME, O_RDONLY) < 0)
			_exit(1);
		if (!fails(EACCES, mq_open(NAME, O_RDWR)))
			_exit(2);
		if (!fails(EACCES, mq_open(NAME, O_WRONLY)))
			_exit(3);
		if (!fails(EACCES, mq_open(NAME, O_CREAT | O_RDWR, 0600, NULL)))
			_exit(4);
		_exit(fails(EACCES, mq_unlink(NAME)) ? 0 : 5);
	}) == 0, "for reading alone, and not to unlink it");
	gone(q);
	q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0400, &small);
	ok(q >= 0 && put(q, "x", 0), "who makes it may do what he asks for, whatever its mode");
	mq_close(q);
	other = mq_open(NAME, O_WRONLY);
	ok(other >= 0, "and root may always");
	mq_close(other);
	mq_unlink(NAME);
}

static void directions(void)
{
	mqd_t q = fresh(0), reader = mq_open(NAME, O_RDONLY), writer = mq_open(NAME, O_WRONLY);
	char data[SIZE];
	struct mq_attr attr;
	int pipes[2];

	ok(fails(EBADF, mq_send(reader, "x", 1, 0)), "to send by O_RDONLY is EBADF");
	ok(fails(EBADF, mq_receive(writer, data, SIZE, NULL)), "to receive by O_WRONLY is EBADF");
	ok(put(writer, "x", 0) && next_is(reader, "x", 0), "and the other way round it works");
	ok(!mq_getattr(writer, &attr) && !mq_getattr(reader, &attr), "attributes are for both");
	if (pipe(pipes))
		abort();
	ok(fails(EBADF, mq_send(pipes[1], "x", 1, 0)), "to send to a pipe is EBADF");
	ok(fails(EBADF, mq_receive(pipes[0], data, SIZE, NULL)), "to receive from one too");
	ok(fails(EBADF, mq_getattr(pipes[0], &attr)), "mq_getattr() likewise");
	ok(fails(EBADF, mq_setattr(pipes[0], &(struct mq_attr){ .mq_flags = 0 }, NULL)),
	   "mq_setattr() likewise");
	ok(fails(EBADF, mq_notify(pipes[0], NULL)), "mq_notify() likewise");
	ok(fails(EBADF, mq_send(-1, "x", 1, 0)) && fails(EBADF, mq_receive(-1, data, SIZE, NULL)) &&
	   fails(EBADF, mq_getattr(-1, &attr)) && fails(EBADF, mq_notify(-1, NULL)),
	   "no descriptor is EBADF");
	mq_close(reader);
	mq_close(writer);
	gone(q);
}

static void messages(void)
{
	mqd_t q = fresh(O_NONBLOCK);
	char data[SIZE + 1] = { 0 };
	unsigned int priority;

	ok(fails(EMSGSIZE, mq_send(q, data, SIZE + 1, 0)), "too long a message is EMSGSIZE");
	ok(put(q, "short", 0), "a message is sent");
	ok(fails(EMSGSIZE, mq_receive(q, data, SIZE - 1, NULL)),
	   "a buffer below mq_msgsize is EMSGSIZE, though the message would fit");
	ok(depth(q) == 1 && next_is(q, "short", 0), "and the message is still there");
	ok(fails(EMSGSIZE, mq_receive(q, data, SIZE - 1, NULL)), "of an empty queue too");
	ok(fails(EAGAIN, mq_receive(q, data, SIZE, NULL)), "O_NONBLOCK: nothing there is EAGAIN");
	ok(!mq_send(q, NULL, 0, 7) && mq_receive(q, data, SIZE, &priority) == 0 && priority == 7,
	   "a message may be empty");
	ok(!mq_send(q, "x", 1, 3) && mq_receive(q, data, SIZE + 1, NULL) == 1,
	   "a buffer may be longer, and nobody need want the priority");
	ok(fails(EFAULT, mq_send(q, (char *)16, 4, 0)) && !depth(q),
	   "to send what is not there is EFAULT, and nothing is sent");
	ok(put(q, "a", 0) && put(q, "b", 0) && put(q, "c", 0), "mq_maxmsg messages are sent");
	ok(fails(EAGAIN, mq_send(q, "d", 1, 0)), "one more is EAGAIN");
	ok(fails(EAGAIN, mq_send(q, "d", 1, 31)), "whatever its priority");
	ok(depth(q) == 3, "mq_curmsgs tells how many there are");
	ok(next_is(q, "a", 0) && put(q, "d", 9) && fails(EAGAIN, mq_send(q, "e", 1, 5)),
	   "one that is received makes room for one");
	ok(next_is(q, "d", 9) && next_is(q, "b", 0) && next_is(q, "c", 0), "and so on");
	gone(q);
}

static void priorities(void)
{
	struct mq_attr many = { .mq_maxmsg = 10, .mq_msgsize = SIZE };
	unsigned int i, good = 0;
	mqd_t q;

	mq_unlink(NAME);
	q = mq_open(NAME, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &many);
	ok(sysconf(_SC_MQ_PRIO_MAX) == 32768, "there are 32768 priorities");
	for (i = 0; i < 10; i++)
		good += put(q, i % 2 ? "odd" : "even", i * 7 % 10);
	for (i = 10; i--;)
		good += next_is(q, i % 2 ? "odd" : "even", i);
	ok(good == 20, "the highest is received first");
	for (i = 0; i < 32; i++)
		good += put(q, "x", i) && next_is(q, "x", i);
	ok(good == 52, "0 to 31 come as they were sent");
	for (i = 32; i < 32768; i = i * 3 / 2 + 1)
		ok(put(q, "x", i) && next_is(q, "x", i), "priority %u too", i);
	ok(put(q, "last", 32767) && next_is(q, "last", 32767), "32767 is the highest");
	ok(fails(EINVAL, mq_send(q, "x", 1, 32768)), "32768 is EINVAL");
	ok(fails(EINVAL, mq_send(-1, "x", 1, ~0U)), "before anything else is looked at");
	put(q, "1", 4);
	put(q, "2", 40);
	put(q, "3", 4);
	put(q, "4", 40);
	ok(next_is(q, "2", 40) && next_is(q, "4", 40) && next_is(q, "1", 4) && next_is(q, "3", 4),
	   "within one priority the oldest is first");
	gone(q);
}

static void flags(void)
{
	mqd_t q = fresh(0), twin = dup(q), other = mq_open(NAME, O_RDWR);
	struct mq_attr attr = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99, .mq_msgsize = 99 }, old;

	put(q, "x", 0);
	memset(&old, 0xa5, sizeof(old));
	ok(!mq_setattr(q, &attr, &old) && !old.mq_flags && old.mq_maxmsg == 3 &&
	   old.mq_msgsize == SIZE && old.mq_curmsgs == 1, "mq_setattr() tells what was");
	ok(!mq_getattr(q, &old) && old.mq_flags == O_NONBLOCK && old.mq_maxmsg == 3,
	   "and sets O_NONBLOCK, no more");
	ok(!mq_getattr(twin, &old) && old.mq_flags == O_NONBLOCK, "for a dup() too");
	ok(!mq_getattr(other, &old) && !old.mq_flags, "not for who opened it himself");
	ok(child(_exit(mq_getattr(q, &old) || old.mq_flags != O_NONBLOCK)) == 0,
	   "and for a child");
	attr.mq_flags = O_NONBLOCK | 1;
	ok(fails(EINVAL, mq_setattr(q, &attr, NULL)), "another flag is EINVAL");
	attr.mq_flags = 0;
	ok(!mq_setattr(q, &attr, NULL) && !mq_getattr(q, &old) && !old.mq_flags, "it is cleared so");
	mq_close(twin);
	mq_close(other);
	gone(q);
}

static void times(void)
{
	struct timespec never = { .tv_nsec = 1000000000 }, negative = { .tv_sec = -1 };
	struct timespec past = { 0 }, soon = in_ms(20), later = in_ms(60000);
	mqd_t q = fresh(0);
	char data[SIZE];

	ok(fails(ETIMEDOUT, mq_timedreceive(q, data, SIZE, NULL, &past)),
	   "nothing there, and a time in the past: ETIMEDOUT");
	ok(fails(ETIMEDOUT, mq_timedreceive(q, data, SIZE, NULL, &soon)), "after a while: ETIMEDOUT");
	clock_gettime(CLOCK_REALTIME, &past);
	ok(past.tv_sec > soon.tv_sec || (past.tv_sec == soon.tv_sec && past.tv_nsec >= soon.tv_nsec),
	   "not before that time");
	ok(fails(EINVAL, mq_timedreceive(q, data, SIZE, NULL, &never)), "10^9 ns are EINVAL");
	ok(fails(EINVAL, mq_timedreceive(q, data, SIZE, NULL, &negative)), "a negative time too");
	past = (struct timespec){ 0 };
	ok(!mq_timedsend(q, "x", 1, 1, &past) && mq_timedreceive(q, data, SIZE, NULL, &past) == 1,
	   "a time in the past does not matter if there is no need to wait");
	ok(!mq_timedsend(q, "x", 1, 1, NULL) && mq_timedreceive(q, data, SIZE, NULL, NULL) == 1,
	   "no time is for ever");
	put(q, "a", 0);
	put(q, "b", 0);
	put(q, "c", 0);
	soon = in_ms(20);
	ok(fails(ETIMEDOUT, mq_timedsend(q, "x", 1, 0, &soon)), "a full queue: ETIMEDOUT");
	ok(fails(ETIMEDOUT, mq_timedsend(q, "x", 1, 31, &past)), "at once, if the time is past");
	ok(fails(EINVAL, mq_timedsend(q, "x", 1, 0, &never)), "a full queue: 10^9 ns are EINVAL");
	ok(depth(q) == 3, "and nothing was sent");
	ok(interrupted(0, mq_timedsend(q, "x", 1, 0, &later)) == EINTR, "a signal: EINTR");
	ok(interrupted(0, mq_send(q, "x", 1, 0)) == EINTR, "mq_send() likewise");
	soon = in_ms(100);
	ok(interrupted(SA_RESTART, mq_timedsend(q, "x", 1, 0, &soon)) == ETIMEDOUT,
	   "SA_RESTART: it goes on until its time");
	next_is(q, "a", 0);
	next_is(q, "b", 0);
	next_is(q, "c", 0);
	ok(interrupted(0, mq_timedreceive(q, data, SIZE, NULL, &later)) == EINTR,
	   "mq_timedreceive(): EINTR");
	ok(interrupted(0, mq_receive(q, data, SIZE, NULL)) == EINTR, "mq_receive() likewise");
	soon = in_ms(100);
	ok(interrupted(SA_RESTART, mq_timedreceive(q, data, SIZE, NULL, &soon)) == ETIMEDOUT,
	   "SA_RESTART: likewise");
	gone(q);
}

static void blocking(void)
{
	mqd_t q = fresh(0);
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(next_is(q, "news", 5) ? 0 : 1);
	ok(asleep(pid) && put(q, "news", 5) && waitpid(pid, &status, 0) == pid && !status,
	   "a receiver sleeps until there is a message");
	put(q, "a", 0);
	put(q, "b", 0);
	put(q, "c", 0);
	pid = fork();
	if (!pid)
		_exit(put(q, "late", 31) ? 0 : 1);
	ok(asleep(pid) && depth(q) == 3, "a sender sleeps while the queue is full");
	ok(next_is(q, "a", 0) && waitpid(pid, &status, 0) == pid && !status && depth(q) == 3,
	   "until one is received");
	ok(next_is(q, "late", 31) && next_is(q, "b", 0) && next_is(q, "c", 0), "and nothing is lost");
	gone(q);
}

static void *receive_one(void *arg)
{
	next_is(*(mqd_t *)arg, "", 0);
	return NULL;
}

static void *send_one(void *arg)
{
	put(*(mqd_t *)arg, "x", 0);
	return NULL;
}

/* A thread that sleeps so, or is about to, is cancelled. */
static bool cancelled(void *(*sleep_in)(void *), mqd_t q)
{
	pthread_t thread;
	void *ret;

	return !pthread_create(&thread, NULL, sleep_in, &q) && !pthread_cancel(thread) &&
	       !pthread_join(thread, &ret) && ret == PTHREAD_CANCELED;
}

static void cancellation(void)
{
	mqd_t q = fresh(0);

	ok(cancelled(receive_one, q), "mq_receive() is a cancellation point");
	put(q, "a", 0);
	put(q, "b", 0);
	put(q, "c", 0);
	ok(cancelled(send_one, q), "and so is mq_send()");
	ok(depth(q) == 3 && next_is(q, "a", 0), "and nothing is lost");
	gone(q);
}

static void unlinking(void)
{
	mqd_t q = fresh(O_NONBLOCK), again;
	char data[SIZE];
	int status;
	pid_t pid;

	put(q, "kept", 3);
	ok(!mq_unlink(NAME) && fails(ENOENT, mq_open(NAME, O_RDWR)), "an unlinked name is gone");
	ok(next_is(q, "kept", 3) && put(q, "more", 4) && next_is(q, "more", 4),
	   "the queue is not, for who has it open");
	again = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &small);
	ok(again >= 0 && put(q, "old", 0) && fails(EAGAIN, mq_receive(again, data, SIZE, NULL)),
	   "and a new one of that name is another");
	mq_unlink(NAME);
	mq_close(again);
	ok(next_is(q, "old", 0), "unlinked once more");
	pid = fork();
	if (!pid) {
		mq_setattr(q, &(struct mq_attr){ .mq_flags = 0 }, NULL);
		_exit(next_is(q, "late", 0) ? 0 : 1);
	}
	ok(asleep(pid) && put(q, "late", 0) && waitpid(pid, &status, 0) == pid && !status,
	   "who sleeps there sleeps on");
	mq_close(q);
}

static void descriptors(void)
{
	mqd_t q = fresh(O_NONBLOCK), twin = dup(q);
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
	struct epoll_event e = { .events = EPOLLIN };
	int epoll = epoll_create1(0), pair[2], status;
	struct timeval now = { 0 };
	fd_set in, out;
	pid_t pid;

	ok(poll(&p, 1, 0) == 1 && p.revents == POLLOUT, "poll(): an empty queue is to be written to");
	epoll_ctl(epoll, EPOLL_CTL_ADD, q, &e);
	ok(epoll_wait(epoll, &e, 1, 0) == 0, "epoll: and not to be read");
	put(q, "x", 12);
	ok(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT), "poll(): one message is both");
	ok(epoll_wait(epoll, &e, 1, 0) == 1 && e.events == EPOLLIN, "epoll: likewise");
	put(q, "y", 0);
	put(q, "z", 31);
	ok(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "poll(): a full queue is not to be written to");
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(q, &in);
	FD_SET(q, &out);
	ok(select(q + 1, &in, &out, NULL, &now) == 1 && FD_ISSET(q, &in) && !FD_ISSET(q, &out),
	   "select(): likewise");
	ok(next_is(twin, "z", 31), "a dup() is the same queue");
	ok(child(_exit(!next_is(q, "x", 12))) == 0, "and so is a child's");
	next_is(q, "y", 0);
	pid = fork();
	if (!pid) {
		p.events = POLLIN;
		poll(&p, 1, -1);
		_exit(p.revents == POLLIN ? 0 : 1);
	}
	ok(asleep(pid) && put(q, "x", 2) && waitpid(pid, &status, 0) == pid && !status,
	   "poll() sleeps until there is a message");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	{
		union {
			struct cmsghdr align;
			char data[CMSG_SPACE(sizeof(int))];
		} control = { .data = { 0 } };
		char byte = 'x';
		struct iovec v = { .iov_base = &byte, .iov_len = 1 };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		mqd_t passed = -1;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &q, sizeof(q));
		if (sendmsg(pair[0], &m, 0) == 1 && recvmsg(pair[1], &m, 0) == 1 && CMSG_FIRSTHDR(&m))
			memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(passed));
		ok(passed >= 0 && next_is(passed, "x", 2), "and one that came through a socket");
		mq_close(passed);
	}
	close(epoll);
	mq_close(twin);
	gone(q);
}

/* What read() of a descriptor says: so many bytes are queued. */
static bool state_is(mqd_t q, unsigned long bytes)
{
	char text[200] = "", wanted[32];
	ssize_t n;

	lseek(q, 0, SEEK_SET);		/* as the kernel's want it; others may fail */
	n = read(q, text, sizeof(text) - 1);
	snprintf(wanted, sizeof(wanted), "QSIZE:%-10lu NOTIFY:", bytes);
	return n > 0 && text[n - 1] == '\n' && !strncmp(text, wanted, strlen(wanted)) &&
	       read(q, text, sizeof(text)) == 0;
}

static void state(void)
{
	mqd_t q = fresh(O_NONBLOCK);
	char data[SIZE];
	int pipes[2];

	ok(state_is(q, 0), "read() of a descriptor tells that the queue is empty, then its end");
	put(q, "three", 3);
	put(q, "seven..", 7);
	ok(state_is(q, 12), "or how many bytes there are");
	ok(child(_exit(!state_is(q, 12))) == 0, "in a child too");
	ok(next_is(q, "seven..", 7) && next_is(q, "three", 3), "and takes no message");
	close(q);
	mq_unlink(NAME);
	if (pipe(pipes) || write(pipes[1], "pipe", 4) != 4 || dup2(pipes[0], q) != q)
		abort();
	ok(read(q, data, sizeof(data)) == 4 && !memcmp(data, "pipe", 4),
	   "what has its number later is read as ever");
	close(q);
	close(pipes[0]);
	close(pipes[1]);
}

static void descriptor_limit(void)
{
	ok(child({
		struct rlimit few = { 3, 3 };

		setrlimit(RLIMIT_NOFILE, &few);
		_exit(fails(EMFILE, mq_open(NAME, O_CREAT | O_RDWR, 0600, &small)) ? 0 : 1);
	}) == 0, "too many open files are EMFILE");
	mq_unlink(NAME);
}

/* Opens and closes small queues of that many names; gives the errno of the first that fails. */
static int create_many(int most)
{
	static const struct mq_attr least = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	char name[32];
	mqd_t q;
	int i;

	for (i = 0; i < most; i++) {
		snprintf(name, sizeof(name), NAME "%d", i);
		q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &least);
		if (q < 0)
			return errno;
		mq_close(q);
	}
	return 0;
}

static void queue_limit(void)
{
	const int most = 2000;
	char name[32];
	int i;

	ok(child({
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(create_many(most));
	}) == ENOSPC, "more queues than there may be are ENOSPC");
	for (i = 0; i < most; i++) {
		snprintf(name, sizeof(name), NAME "%d", i);
		if (mq_unlink(name))
			break;
	}
	ok(i > 100 && i < most, "a good many were made");
	ok(child({
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(create_many(1));
	}) == 0, "and there may be new ones when they are gone");
	mq_unlink(NAME "0");
}

/* What the system allows of open files; gives what it did before. */
static unsigned long file_max(unsigned long now)
{
	FILE *file = fopen("/proc/sys/fs/file-max", "r+");
	unsigned long was = 0;

	if (!file || fscanf(file, "%lu", &was) != 1)
		was = 0;
	if (file) {
		rewind(file);
		fprintf(file, "%lu", now);
		fclose(file);
	}
	return was;
}

static void system_limit(void)
{
	unsigned long was = file_max(0);	/* it is only roughly known how many there are */
	int said = child({
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		_exit(fails(ENFILE, mq_open(NAME, O_CREAT | O_RDWR, 0600, &small)) ? 0 : errno);
	});

	file_max(was);
	ok(was && !said, "too many open files of the system are ENFILE");
	mq_unlink(NAME);
}

/* Notification */

static volatile sig_atomic_t signals;
static siginfo_t last;

static void on_news(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)context;
	last = *si;
	signals++;
}

static bool eventually(volatile sig_atomic_t *number, int wanted)
{
	struct timespec moment = { .tv_nsec = 1000000 };
	int tries = 20000;

	while (*number < wanted && tries--)
		nanosleep(&moment, NULL);
	return *number == wanted;
}

static void by_signal(void)
{
	struct sigaction act = { .sa_sigaction = on_news, .sa_flags = SA_SIGINFO };
	struct sigevent news = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
				 .sigev_value.sival_int = 4711 };
	mqd_t q = fresh(O_NONBLOCK);
	pid_t pid;

	sigaction(SIGUSR1, &act, NULL);
	ok(!mq_notify(q, &news), "SIGEV_SIGNAL");
	ok(fails(EBUSY, mq_notify(q, &news)), "once more is EBUSY");
	ok(child(_exit(fails(EBUSY, mq_notify(q, &news)) ? 0 : 1)) == 0, "of another process too");
	ok(child(_exit(!mq_notify(q, NULL) && fails(EBUSY, mq_notify(q, &news)) ? 0 : 1)) == 0,
	   "which cannot take it away");
	pid = fork();
	if (!pid)
		_exit(!put(q, "first", 0));
	waitpid(pid, NULL, 0);
	ok(eventually(&signals, 1), "a message to the empty queue sends it");
	ok(last.si_code == SI_MESGQ && last.si_signo == SIGUSR1 && last.si_value.sival_int == 4711,
	   "with SI_MESGQ and its value");
	ok(last.si_pid == pid && last.si_uid == getuid(), "and who sent the message");
	put(q, "second", 0);
	ok(!mq_notify(q, &news), "after that one may register again");
	put(q, "third", 0);
	next_is(q, "first", 0);
	next_is(q, "second", 0);
	next_is(q, "third", 0);
	ok(signals == 1, "messages to a queue that is not empty send nothing");
	put(q, "fourth", 0);
	ok(eventually(&signals, 2), "the next to an empty one does");
	next_is(q, "fourth", 0);
	ok(!mq_notify(q, &news) && !mq_notify(q, NULL) && put(q, "x", 0) && next_is(q, "x", 0),
	   "NULL takes it back");
	ok(!mq_notify(q, NULL), "and is no error if there is none");
	ok(!mq_notify(q, &news), "and one may register again at once");
	pid = fork();
	if (!pid) {
		mq_setattr(q, &(struct mq_attr){ .mq_flags = 0 }, NULL);
		_exit(!next_is(q, "x", 0));
	}
	ok(asleep(pid) && put(q, "x", 0) && waitpid(pid, NULL, 0) == pid &&
	   fails(EBUSY, mq_notify(q, &news)), "one that somebody sleeps for sends nothing");
	ok(signals == 2, "nothing was sent in the meantime");
	mq_notify(q, NULL);
	gone(q);
}

/* Whoever has a message has had the signal: nothing that comes later is interrupted by it. */
static void signal_first(void)
{
	struct sigaction act = { .sa_sigaction = on_news, .sa_flags = SA_SIGINFO };
	struct sigevent news = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int rounds, racing, before = 0, after = 0, late = 0, go[2], sent[2];
	mqd_t q = fresh(0);
	pid_t pid;

	sigaction(SIGUSR1, &act, NULL);
	if (pipe(go) || pipe(sent))
		return;
	pid = fork();
	if (!pid) {
		char byte;

		close(go[1]);
		while (read(go[0], &byte, 1) == 1 && put(q, "news", 0) && write(sent[1], "", 1) == 1)
			;
		_exit(0);
	}
	for (rounds = 0; rounds < 200; rounds++) {
		struct timespec soon;
		char data[SIZE], byte;

		signals = 0;
		if (mq_notify(q, &news) || write(go[1], "", 1) != 1)
			break;
		while (read(sent[0], &byte, 1) != 1)
			;
		before += !next_is(q, "news", 0);
		after += signals != 1;
		soon = in_ms(2);
		late += !fails(ETIMEDOUT, mq_timedreceive(q, data, SIZE, NULL, &soon));
	}
	/* The message may be received while the sender has not yet returned. */
	for (racing = 0; racing < 200; racing++) {
		struct timespec past = { 0 }, soon;
		char data[SIZE], byte;

		if ((mq_notify(q, &news) && errno != EBUSY) || write(go[1], "", 1) != 1)
			break;
		while (mq_timedreceive(q, data, SIZE, NULL, &past) < 0)
			;
		soon = in_ms(2);
		late += !fails(ETIMEDOUT, mq_timedreceive(q, data, SIZE, NULL, &soon));
		while (read(sent[0], &byte, 1) != 1)
			;
	}
	close(go[1]);
	waitpid(pid, NULL, 0);
	close(go[0]);
	close(sent[0]);
	close(sent[1]);
	mq_notify(q, NULL);
	ok(rounds == 200 && !before, "the signal does not interrupt who receives that message");
	ok(!after, "who has the message has had the signal");
	ok(racing == 200 && !late, "which does not interrupt who waits for the next one");
	signals = 0;
	ok(!mq_notify(q, &news) && put(q, "news", 0) && signals == 1,
	   "who sends to himself has it when the send returns");
	gone(q);
}

static volatile sig_atomic_t threads;
static int cookie;
static pthread_t notified;
static mqd_t threads_queue;

static void thread_news(union sigval value)
{
	notified = pthread_self();
	if (next_is(threads_queue, "news", 0) && value.sival_ptr == &cookie)
		threads++;
}

static void by_thread(void)
{
	struct sigevent news = { .sigev_notify = SIGEV_THREAD,
				 .sigev_notify_function = thread_news,
				 .sigev_value.sival_ptr = &cookie };
	pthread_attr_t detached;
	mqd_t q = fresh(O_NONBLOCK);

	threads_queue = q;
	ok(!mq_notify(q, &news), "SIGEV_THREAD");
	ok(fails(EBUSY, mq_notify(q, &news)), "once more is EBUSY");
	put(q, "news", 0);
	ok(eventually(&threads, 1) && !pthread_equal(notified, pthread_self()),
	   "a message to the empty queue runs it");
	ok(!depth(q), "and it may receive");
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	news.sigev_notify_attributes = &detached;
	ok(!mq_notify(q, &news) && put(q, "news", 0) && eventually(&threads, 2),
	   "and once more, with attributes");
	ok(!mq_notify(q, &news) && !mq_notify(q, NULL) && put(q, "news", 0) && next_is(q, "news", 0) &&
	   threads == 2, "NULL takes it back");
	gone(q);
}

static void by_nothing(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct sigevent bad = { .sigev_notify = 77 };
	struct sigevent number = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	mqd_t q = fresh(O_NONBLOCK), other = mq_open(NAME, O_RDWR), writer;

	ok(!mq_notify(q, &none) && fails(EBUSY, mq_notify(other, &none)), "SIGEV_NONE registers too");
	put(q, "x", 0);
	ok(!mq_notify(other, &none), "until a message has come");
	mq_close(q);
	ok(!mq_notify(other, &none), "to close any descriptor of the queue takes it back");
	ok(child(_exit(fails(EBUSY, mq_notify(other, &none)) ? 0 : 1)) == 0 &&
	   fails(EBUSY, mq_notify(other, &none)), "not one that another process closes");
	mq_notify(other, NULL);
	ok(child(_exit(mq_notify(other, &none) ? 1 : 0)) == 0 && !mq_notify(other, &none),
	   "it ends with its process");
	mq_notify(other, NULL);
	ok(fails(EINVAL, mq_notify(other, &bad)), "another sigev_notify is EINVAL");
	ok(fails(EINVAL, mq_notify(other, &number)), "a signal that there is not is EINVAL");
	number.sigev_signo = -1;
	ok(fails(EINVAL, mq_notify(other, &number)), "a negative one too");
	writer = mq_open(NAME, O_WRONLY);
	ok(!mq_notify(writer, &none) && !mq_notify(writer, NULL), "a writer may register");
	mq_close(writer);
	gone(other);
}

/* Those that the manual pages leave open, or that are better here. */
static void differences(void)
{
	bool ports = !strcmp(getenv("MQ_ON") ?: "", "ports");
	mqd_t q = fresh(O_NONBLOCK);

	put(q, "kept", 0);
	ok(fails(EFAULT, mq_receive(q, (char *)16, SIZE, NULL)), "to receive to nowhere is EFAULT");
	ok(depth(q) == ports, ports ? "and the message is still there" : "and the message is lost");
	gone(q);
}

int main(void)
{
	/* Enough for what is tested, of the kernel's own. */
	struct rlimit much = { 1 << 22, 1 << 22 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_MSGQUEUE, &much);
	umask(0);
	opening();
	attributes();
	names();
	permissions();
	directions();
	messages();
	priorities();
	flags();
	times();
	blocking();
	cancellation();
	unlinking();
	descriptors();
	state();
	descriptor_limit();
	queue_limit();
	system_limit();
	by_signal();
	signal_first();
	by_thread();
	by_nothing();
	differences();
	return done();
}
