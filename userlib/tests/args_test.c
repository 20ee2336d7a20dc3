// SPDX-License-Identifier: MIT
/* What the library decides by itself, and what it says without the module. */
#include <errno.h>
#include <mailbox.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define LONG63	"abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int open_errno(const char *name, int oflags)
{
	struct mailbox *mb = mailbox_open(name, oflags);
	int err = mb ? 0 : errno;

	mailbox_close(mb);
	return err;
}

static int create_errno(const char *name, int oflags)
{
	struct mailbox_attr attr = { .flags = MAILBOX_EXCLUSIVE };
	struct mailbox *mb = mailbox_create(name, &attr, oflags);
	int err = mb ? 0 : errno;

	mailbox_close(mb);
	if (!err && name)
		mailbox_delete(name, MAILBOX_DELETE_PURGE);
	return err;
}

static void test_bad_names(void)
{
	static const char *const names[] = {
		"", ".", "..", "../x", ".hidden", "a/b", "/", "/etc/passwd",
		"control", "a b", "a\n", "\xc3\xa4", "a:b", "*", LONG63 "x",
	};
	struct mailbox_holder *holders;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ok(open_errno(names[i], O_RDONLY) == EINVAL &&
		   create_errno(names[i], O_RDONLY) == EINVAL &&
		   mailbox_delete(names[i], 0) == -EINVAL &&
		   mailbox_evict(names[i], 1) == -EINVAL &&
		   mailbox_holders(names[i], &holders) == -EINVAL,
		   "a bad name is EINVAL, number %zu", i);
	}
	ok(open_errno(NULL, O_RDONLY) == EINVAL &&
	   mailbox_delete(NULL, 0) == -EINVAL && mailbox_evict(NULL, 1) == -EINVAL &&
	   mailbox_holders(NULL, &holders) == -EINVAL,
	   "no name is EINVAL for open, delete, evict and holders");
}

static void test_good_names(void)
{
	static const char *const names[] = {
		"a", "0", "-", "_", "a.b", "x..", "controls", "Control", LONG63,
	};
	size_t i;

	ok(strlen(LONG63) == MAILBOX_NAME_MAX, "the longest name has 63 characters");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(open_errno(names[i], O_RDONLY) != EINVAL &&
		   create_errno(names[i], O_RDONLY) != EINVAL &&
		   mailbox_delete(names[i], 0) != -EINVAL,
		   "%s is a good name", names[i]);
}

static void test_oflags(void)
{
	static const int bad[] = {
		O_CREAT, O_TRUNC, O_APPEND, O_DIRECTORY, O_PATH, O_ACCMODE,
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(open_errno("x", bad[i]) == EINVAL &&
		   create_errno("x", bad[i]) == EINVAL,
		   "open flag %#o is EINVAL", bad[i]);
	ok(open_errno("x", O_RDWR | O_NONBLOCK | O_CLOEXEC) != EINVAL,
	   "O_NONBLOCK and O_CLOEXEC are allowed");
}

static void test_deadlines(void)
{
	struct timespec now;
	uint64_t ns;

	ok(mailbox_deadline_ms(-1) == MAILBOX_FOREVER, "less than 0 is for ever");
	ok(mailbox_deadline_ms(0) == MAILBOX_NO_WAIT, "0 is not to wait");
	ns = mailbox_deadline_ms(3600000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns -= now.tv_sec * 1000000000ULL + now.tv_nsec;
	ok(ns > 3500000000000ULL && ns <= 3600000000000ULL,
	   "an hour is 3.6e12 ns of CLOCK_MONOTONIC from now");
	ok(mailbox_deadline_ms(0x7fffffff) > mailbox_deadline_ms(0x7ffffff0) - 1,
	   "the longest time does not overflow");
}

static void test_strerror(void)
{
	static const int errors[] = {
		EAGAIN, EINTR, ETIMEDOUT, EIDRM, EMSGSIZE, EFAULT, EDQUOT,
		ENOSPC, ENOMEM, EEXIST, ENOENT, ENXIO, EACCES, EPERM, EBADF,
		EPROTO, E2BIG, EINVAL, ENOTTY, ENODEV, EBUSY, ENOTCONN, ESHUTDOWN,
		ESRCH, EINPROGRESS, ESTALE, EPIPE, EOPNOTSUPP, EREMOTE,
	};
	size_t i, j;

	ok(!strcmp(mailbox_strerror(EIDRM), "port deleted"), "EIDRM is \"port deleted\"");
	ok(!strcmp(mailbox_strerror(-EIDRM), "port deleted"), "the sign does not matter");
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (j = 0; j < i; j++)
			if (!strcmp(mailbox_strerror(errors[i]),
				    mailbox_strerror(errors[j])))
				break;
		ok(i == j, "error %d has words of its own", errors[i]);
	}
	ok(mailbox_strerror(ESPIPE) && *mailbox_strerror(ESPIPE), "others have words, too");
	ok(mailbox_strerror(99999) && mailbox_strerror(-2147483647 - 1),
	   "unknown errors are no accident");
}

static void test_from_fd(void)
{
	int fds[2];

	if (pipe(fds))
		abort();
	errno = 0;
	ok(!mailbox_from_fd(fds[0]) && errno == ENOTTY, "a pipe is not a port: ENOTTY");
	ok(fcntl(fds[0], F_GETFD) == 0, "it is left open and as it was");
	errno = 0;
	ok(!mailbox_from_fd(-1) && errno == EBADF, "-1 is EBADF");
	close(fds[0]);
	errno = 0;
	ok(!mailbox_from_fd(fds[0]) && errno == EBADF, "a closed one is EBADF");
	close(fds[1]);
	errno = E2BIG;
	mailbox_close(NULL);
	ok(errno == E2BIG, "closing NULL does nothing");
}

static void test_no_module(void)
{
	struct mailbox_info *ports = (void *)1;
	struct mailbox_holder *holders = (void *)1;
	struct mailbox_query query;
	struct stat st;

	if (!stat("/dev/mailbox", &st) || !stat("/sys/class/mailbox", &st)) {
		skip("what is said without the module", "the module is loaded");
		return;
	}
	ok(open_errno("x", O_RDONLY) == ENODEV, "without the module open is ENODEV");
	ok(create_errno("x", O_RDWR) == ENODEV, "without the module create is ENODEV");
	ok(create_errno(NULL, O_RDWR) == ENODEV,
	   "without the module create without a name is ENODEV");
	ok(mailbox_delete("x", 0) == -ENODEV, "without the module delete is ENODEV");
	ok(mailbox_query(&query) == -ENODEV, "without the module query is ENODEV");
	ok(mailbox_evict("x", 1) == -ENODEV, "without the module evict is ENODEV");
	ok(mailbox_holders("x", &holders) == -ENODEV && !holders,
	   "without the module holders is ENODEV");
	ok(mailbox_list(&ports) == -ENODEV && !ports, "without the module list is ENODEV");
}

int main(void)
{
	test_bad_names();
	test_good_names();
	test_oflags();
	test_deadlines();
	test_strerror();
	test_from_fd();
	test_no_module();
	return done();
}
