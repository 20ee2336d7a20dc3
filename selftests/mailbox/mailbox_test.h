/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the mailbox selftests share: short names for the raw calls.
 *
 * Each helper returns what its call returned, or -errno, so that a test says
 * in one line what it expects. Nothing here sleeps to synchronise: wait_until()
 * looks at a state until it is there, for a bounded time.
 *
 * Ports named by port_name() carry the process id of the test; those of a test
 * that fails in the middle are made to go with their last close.
 */
#ifndef MAILBOX_TEST_H
#define MAILBOX_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <linux/mailbox.h>

#include "kselftest_harness.h"

/* Of one test, in seconds: what a kernel with checkers on a busy machine may take. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define CONTROL_NODE	"/dev/mailbox/control"
#define NOBODY		65534U		/* the user of tests without privilege */
#define SOMEBODY	1000U		/* another one */
#define POISON		0xa5		/* what outputs hold before a call */
#define PATIENCE_NS	60000000000ULL	/* of wait_until() */

static inline __u64 number_from(const char *variable, __u64 otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/*
 * How much to do, for tests that could go on for ever: 1 where every minute
 * counts, see kselftest.sh.
 */
static inline __u64 effort(void)
{
	return number_from("MAILBOX_EFFORT", 1) ?: 1;
}

/* A kernel on which everything takes ten times as long. */
static inline bool with_checkers(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

/* So much, of what a kernel with checkers does a quarter; MAILBOX_EFFORT times. */
static inline __u64 much(__u64 n)
{
	return (with_checkers() ? (n + 3) / 4 : n) * effort();
}

#define NEEDS_PATIENCE()	(with_checkers() && effort() == 1)
#define PATIENCE_REASON	"takes minutes with checkers: MAILBOX_EFFORT=2 and stock kernels do it"

/* What a test found worth telling though it passed: shown beside its program's result. */
__attribute__((format(printf, 1, 2))) static inline void report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("## ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* The port of the fixture. */
#define FIXTURE_MESSAGE	64U
#define FIXTURE_SLOTS	4U
#define FIXTURE_LANES	4U

static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Time. */

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* A deadline so many milliseconds from now. */
static inline __u64 in_ms(int ms)
{
	return clock_ns(CLOCK_MONOTONIC) + ms * 1000000LL;
}

/* Between two looks at a state; no test relies on its length. */
static inline void breathe(void)
{
	struct timespec t = { .tv_nsec = 200000 };

	nanosleep(&t, NULL);
}

#define wait_until(state) ({						\
	__u64 __end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;		\
	bool __there;							\
									\
	while (!(__there = (state)) && clock_ns(CLOCK_MONOTONIC) < __end) \
		breathe();						\
	__there;							\
})

/* Ports. */

/* Every process its own: whoever opens the node is whom the module sees. */
static inline int control_open(void)
{
	return result(open(CONTROL_NODE, O_RDWR | O_CLOEXEC));
}

static inline long control_call(unsigned int nr, void *arg)
{
	int fd = control_open();
	long ret;

	if (fd < 0)
		return fd;
	ret = result(ioctl(fd, nr, arg));
	close(fd);
	return ret;
}

static inline void copy_name(char *to, const char *name)
{
	memcpy(to, name, strnlen(name, MAILBOX_NAME_MAX));
}

static inline int create_port(const char *name, struct mailbox_create *arg)
{
	long ret;

	if (name)
		copy_name(arg->name, name);
	arg->fd = -77;
	ret = control_call(MAILBOX_IOC_CREATE, arg);
	return ret ? ret : arg->fd;
}

/* create(NULL) makes a nameless one; attributes follow as .member = value. */
#define create(name_, ...)						\
	create_port((name_), &(struct mailbox_create) {			\
		.size = sizeof(struct mailbox_create),			\
		.open_flags = O_RDWR,					\
		__VA_ARGS__						\
	})

/* By name through the control node. */
static inline int open_port(const char *name, int flags)
{
	struct mailbox_open arg = {
		.size = sizeof(arg), .open_flags = flags, .fd = -77,
	};
	long ret;

	copy_name(arg.name, name);
	ret = control_call(MAILBOX_IOC_OPEN, &arg);
	return ret ? ret : arg.fd;
}

static inline const char *node_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/dev/mailbox/%s", name);
	return path;
}

/* By its node. */
static inline int open_node(const char *name, int flags)
{
	return result(open(node_of(name), flags | O_CLOEXEC));
}

static inline long delete_port(const char *name, __u32 flags)
{
	struct mailbox_delete arg = { .size = sizeof(arg), .flags = flags };

	copy_name(arg.name, name);
	return control_call(MAILBOX_IOC_DELETE, &arg);
}

/* A name that no other test has. */
static inline const char *port_name(const char *what)
{
	static char names[4][MAILBOX_NAME_SIZE];
	static unsigned int turn;
	char *name = names[turn++ % 4];

	snprintf(name, MAILBOX_NAME_SIZE, "t%d-%s", getpid(), what);
	return name;
}

/* Messages. */

static inline long put(int fd, const void *data, size_t length)
{
	return result(write(fd, data, length));
}

static inline long put_text(int fd, const char *text)
{
	return put(fd, text, strlen(text));
}

static inline long get(int fd, void *data, size_t size)
{
	return result(read(fd, data, size));
}

/* Outputs poisoned, no waiting; members follow as .member = value. */
#define message(...)							\
	((struct mailbox_message) {					\
		.size = sizeof(struct mailbox_message),			\
		.ticket = 0xa5a5a5a5a5a5a5a5ULL,			\
		.sender = 0xa5a5a5a5, .pid = 0xa5a5a5a5,		\
		.uid = 0xa5a5a5a5, .gid = 0xa5a5a5a5,			\
		__VA_ARGS__						\
	})

static inline __u64 address(const void *p)
{
	return (uintptr_t)p;
}

static inline long send_message(int fd, struct mailbox_message *m)
{
	return result(ioctl(fd, MAILBOX_IOC_SEND, m));
}

static inline long receive_message(int fd, struct mailbox_message *m)
{
	return result(ioctl(fd, MAILBOX_IOC_RECEIVE, m));
}

/* Sends without waiting. */
static inline long send_on(int fd, __u32 lane, const char *text)
{
	struct mailbox_message m = message(.data = address(text), .length = strlen(text),
					   .lane = lane);

	return send_message(fd, &m);
}

static inline long send_until(int fd, const char *text, __u64 deadline)
{
	struct mailbox_message m = message(.data = address(text), .length = strlen(text),
					   .deadline = deadline);

	return send_message(fd, &m);
}

/* The length of what was received. */
static inline long receive_until(int fd, void *data, __u32 size, __u64 deadline)
{
	struct mailbox_message m = message(.data = address(data), .length = size,
					   .deadline = deadline);
	long ret = receive_message(fd, &m);

	return ret ? ret : m.length;
}

static inline long set_lanes(int fd, __u32 mask, __u32 default_lane)
{
	struct mailbox_set_lanes arg = {
		.size = sizeof(arg), .receive_mask = mask, .default_lane = default_lane,
	};

	return result(ioctl(fd, MAILBOX_IOC_SET_LANES, &arg));
}

static inline struct mailbox_info info_of(int fd)
{
	struct mailbox_info info;

	memset(&info, POISON, sizeof(info));
	info.size = sizeof(info);
	if (ioctl(fd, MAILBOX_IOC_INFO, &info) < 0)
		fprintf(stderr, "# MAILBOX_IOC_INFO: errno %d\n", errno);
	return info;
}

static inline struct mailbox_query query(void)
{
	struct mailbox_query q;

	memset(&q, POISON, sizeof(q));
	q.size = sizeof(q);
	if (control_call(MAILBOX_IOC_QUERY, &q))
		fprintf(stderr, "# MAILBOX_IOC_QUERY failed\n");
	return q;
}

static inline bool wait_receivers(int fd, __u32 n)
{
	return wait_until(info_of(fd).waiting_receivers == n);
}

static inline bool wait_senders(int fd, __u32 n)
{
	return wait_until(info_of(fd).waiting_senders == n);
}

static inline void set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* Sends until the lane is full; how many it took. */
static inline int fill_lane(int fd, __u32 lane)
{
	int n = 0;

	while (!send_on(fd, lane, "fill"))
		n++;
	return n;
}

/* The message at hand is just this text. Does not wait. */
#define EXPECT_MESSAGE(text, fd) do {					\
	char __data[1024];						\
	long __got;							\
									\
	memset(__data, 0, sizeof(__data));				\
	__got = receive_until((fd), __data, sizeof(__data) - 1, MAILBOX_NO_WAIT); \
	EXPECT_EQ((long)strlen(text), __got);				\
	if (__got >= 0)							\
		EXPECT_STREQ(text, __data);				\
} while (0)

#define EXPECT_NO_MESSAGE(fd) do {					\
	char __data[1024];						\
									\
	EXPECT_EQ(-EAGAIN, receive_until((fd), __data, sizeof(__data), MAILBOX_NO_WAIT)); \
} while (0)

/* Processes. */

/* A child that does not outlive the test; in the child 0. */
static inline pid_t spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* Ends a child: reap() gives @ret, if it is -errno or 0..127. */
static inline void __attribute__((noreturn)) leave(long ret)
{
	_exit(ret < 0 ? 128 + (-ret & 127) : ret & 127);
}

#define KILLED_BY(signal)	(-1000 - (signal))
#define NOT_ENDED		(-2000)

static inline long reap(pid_t pid)
{
	int status;

	if (!wait_until(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return NOT_ENDED;
	}
	if (WIFSIGNALED(status))
		return KILLED_BY(WTERMSIG(status));
	return WEXITSTATUS(status) < 128 ? WEXITSTATUS(status) : 128 - WEXITSTATUS(status);
}

/* Runs a child to its end: ended({ ...; leave(x); }) */
#define ended(...) ({							\
	pid_t __pid = spawn();						\
									\
	if (!__pid) {							\
		__VA_ARGS__						\
		leave(0);						\
	}								\
	reap(__pid);							\
})

/* Reads a small file whole; "" if it is not there. */
static inline const char *slurp(const char *path)
{
	static char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

static inline long spill(const char *path, const char *text)
{
	int fd = result(open(path, O_WRONLY | O_CLOEXEC));
	long ret;

	if (fd < 0)
		return fd;
	ret = put_text(fd, text);
	close(fd);
	return ret < 0 ? ret : 0;
}

/* Is the process asleep in this system call? */
static inline bool asleep_in(pid_t pid, long nr)
{
	char path[64];
	const char *text;
	char *end;
	long seen;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	text = slurp(path);
	seen = strtol(text, &end, 10);
	return end != text && seen == nr;
}

/* The letter of /proc/PID/stat. */
static inline char state_of(pid_t pid)
{
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	p = strrchr(slurp(path), ')');
	return p ? p[2] : '?';
}

/* How often the process gave the CPU away. */
static inline long switches_of(pid_t pid)
{
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	p = strstr(slurp(path), "\nvoluntary_ctxt_switches:");
	return p ? atol(strchr(p, ':') + 1) : -1;
}

/* Becomes an ordinary user without any privilege. */
static inline void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		_exit(99);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* root without one of its powers. */
static inline void drop_capability(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		_exit(98);
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	data[cap / 32].inheritable &= ~(1U << cap % 32);
	if (syscall(SYS_capset, &header, data))
		_exit(98);
}

/* A handler that only interrupts. */
static volatile sig_atomic_t signals_seen;

static inline void on_signal(int sig)
{
	(void)sig;
	signals_seen++;
}

static inline void catch_signal(int sig, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

/* Memory. */

static inline void *pages(size_t n, int prot)
{
	void *p = mmap(NULL, n * getpagesize(), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void *shared_pages(size_t n)
{
	void *p = mmap(NULL, n * getpagesize(), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The last @n bytes of a page; what follows is not mapped. */
static inline char *before_the_edge(size_t n)
{
	char *p = pages(2, PROT_READ | PROT_WRITE);

	if (!p)
		return NULL;
	munmap(p + getpagesize(), getpagesize());
	return p + getpagesize() - n;
}

/* An address that no program can use. */
static inline void *nowhere(void)
{
	void *p = pages(1, PROT_NONE);

	if (p)
		munmap(p, getpagesize());
	return p;
}

/* A small named port with three endpoints: one to send, one to receive, one for both. */
FIXTURE(port)
{
	char name[MAILBOX_NAME_SIZE];
	int both;
	int tx;
	int rx;
};

FIXTURE_SETUP(port)
{
	umask(0);
	strcpy(self->name, port_name("port"));
	self->both = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			    .message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS,
			    .lanes = FIXTURE_LANES, .mode = 0666);
	ASSERT_LE(0, self->both);
	self->tx = open_port(self->name, O_WRONLY);
	ASSERT_LE(0, self->tx);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(port)
{
	close(self->both);
	close(self->tx);
	close(self->rx);
}

#endif /* MAILBOX_TEST_H */
