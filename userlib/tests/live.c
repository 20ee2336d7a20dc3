// SPDX-License-Identifier: MIT
/*
 * The library on the real module: as root in a guest, where nobody else uses
 * ports. Nothing sleeps in hope; a wait ends when the counts say so.
 */
#include <errno.h>
#include <mailbox.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define PORT	"live"

static struct mailbox *make(const struct mailbox_attr *attr, int oflags)
{
	struct mailbox *mb = mailbox_create(PORT, attr, oflags);

	if (!mb) {
		printf("Bail out! create: %s\n", mailbox_strerror(errno));
		exit(1);
	}
	return mb;
}

static void drop(struct mailbox *mb)
{
	mailbox_close(mb);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Until so many sleep in a receive on @mb's port. */
static void wait_receivers(struct mailbox *mb, uint32_t count)
{
	struct mailbox_info info;

	do
		usleep(1000);
	while (!mailbox_info(mb, &info) && info.waiting_receivers != count);
}

static bool cloexec(struct mailbox *mb)
{
	return fcntl(mailbox_fd(mb), F_GETFD) & FD_CLOEXEC;
}

static void test_create(void)
{
	struct mailbox_attr attr = {
		.message_size = 100, .capacity = 4, .lanes = 2, .mode = 0640,
		.flags = MAILBOX_SEALED | MAILBOX_EXCLUSIVE,
	};
	struct mailbox_info info;
	struct mailbox *mb, *other;

	umask(022);
	mb = make(NULL, O_RDWR);
	ok(!mailbox_info(mb, &info) && info.message_size == 8192 &&
	   info.capacity == 16 && info.lanes == 1 && info.mode == 0600 &&
	   !info.flags && !strcmp(info.name, PORT), "no attributes are the defaults");
	ok(cloexec(mb), "a created endpoint is close-on-exec");
	errno = 0;
	ok(!mailbox_create(PORT, &attr, O_RDWR) && errno == EEXIST,
	   "exclusive create of a name that is taken is EEXIST");
	attr.flags = MAILBOX_SEALED;
	other = make(&attr, O_RDWR);
	ok(!mailbox_info(other, &info) && info.message_size == 8192 && info.endpoints == 2,
	   "otherwise create opens the port as it is");
	mailbox_close(other);
	drop(mb);

	mb = make(&attr, O_RDWR);
	ok(!mailbox_info(mb, &info) && info.message_size == 100 &&
	   info.capacity == 4 && info.lanes == 2 && info.mode == 0640 &&
	   info.flags == MAILBOX_SEALED, "attributes are obeyed");
	drop(mb);
	attr.capacity = 3;
	errno = 0;
	ok(!mailbox_create(PORT, &attr, O_RDWR) && errno == EINVAL,
	   "a capacity that is no power of two is EINVAL");
}

static void test_open(void)
{
	struct mailbox *mb, *other;
	int fd;

	errno = 0;
	ok(!mailbox_open(PORT, O_RDONLY) && errno == ENOENT, "open without a port is ENOENT");
	mb = make(NULL, O_RDWR);
	other = mailbox_open(PORT, O_WRONLY);
	ok(other && cloexec(other), "open gives an endpoint, close-on-exec");
	ok(!mailbox_send(other, "x", 1) && mailbox_receive(mb, &(char){ 0 }, 1) == 1,
	   "both are on one port");
	ok(mailbox_receive(other, &(char){ 0 }, 1) == -EBADF, "a sender may not receive: EBADF");
	mailbox_close(other);
	unlink("/dev/mailbox/" PORT);
	other = mailbox_open(PORT, O_WRONLY);
	ok(other && cloexec(other) && !mailbox_send(other, "y", 1),
	   "open works without the node, by control");
	mailbox_close(other);
	drop(mb);

	fd = open("/dev/mailbox/" PORT, O_CREAT | O_WRONLY, 0600);
	close(fd);
	errno = 0;
	ok(fd >= 0 && !mailbox_open(PORT, O_WRONLY) && errno == ENOENT,
	   "a plain file of that name is not taken for a port");
	unlink("/dev/mailbox/" PORT);
}

static void test_bytes(void)
{
	struct mailbox_attr attr = { .message_size = 8 };
	struct mailbox *mb = make(&attr, O_RDWR | O_NONBLOCK);
	char buffer[16];

	ok(!mailbox_send(mb, "one", 3) && !mailbox_send(mb, "12345678", 8) &&
	   !mailbox_send(mb, NULL, 0), "short, full and empty messages are sent");
	ok(mailbox_receive(mb, buffer, sizeof(buffer)) == 3 && !memcmp(buffer, "one", 3) &&
	   mailbox_receive(mb, buffer, sizeof(buffer)) == 8 && !memcmp(buffer, "12345678", 8) &&
	   mailbox_receive(mb, buffer, sizeof(buffer)) == 0, "and received one by one");
	ok(mailbox_receive(mb, buffer, sizeof(buffer)) == -EAGAIN, "then it would block: EAGAIN");
	ok(mailbox_send(mb, "123456789", 9) == -EMSGSIZE, "a longer one is EMSGSIZE");
	mailbox_send(mb, "kept", 4);
	ok(mailbox_receive(mb, buffer, 3) == -EMSGSIZE, "a short buffer is EMSGSIZE");
	ok(mailbox_receive(mb, buffer, 4) == 4, "and the message is kept");
	mailbox_send(mb, NULL, 0);
	ok(mailbox_receive(mb, NULL, 0) == 0, "an empty message takes no buffer");
	drop(mb);
}

static void test_msg(void)
{
	struct mailbox_attr attr = { .lanes = 3, .flags = MAILBOX_SEALED };
	struct mailbox *mb = make(&attr, O_RDWR), *other = mailbox_open(PORT, O_WRONLY);
	struct mailbox_info info;
	char buffer[8];
	struct mailbox_msg in = { .data = buffer, .size = sizeof(buffer) };
	struct mailbox_msg out = { .data = (void *)"hello", .length = 5, .lane = 2, .tag = ~0ULL };

	out.ticket = 99;
	ok(!mailbox_send_msg(other, &out, MAILBOX_FOREVER) && out.ticket == 0,
	   "the first message of a lane has ticket 0");
	ok(!mailbox_send_msg(other, &out, MAILBOX_FOREVER) && out.ticket == 1,
	   "the second has ticket 1");
	mailbox_info(other, &info);
	ok(mailbox_receive_msg(mb, &in, MAILBOX_FOREVER) == 5 && in.length == 5 &&
	   !memcmp(buffer, "hello", 5) && in.lane == 2 && in.tag == ~0ULL && !in.ticket,
	   "lane, tag and ticket travel with the message");
	ok(in.sender == info.endpoint && in.pid == (uint32_t)getpid() &&
	   in.uid == getuid() && in.gid == getgid() && in.status == MAILBOX_MSG_TRUSTED,
	   "the sender is known, and trusted on a sealed port");
	out.tag = 7;
	ok(!mailbox_send_msg(other, &out, MAILBOX_FOREVER) && mailbox_look(mb, 1, &in) == 5 &&
	   in.ticket == 2 && in.tag == 7 && in.lane == 2 && in.sender == info.endpoint &&
	   !memcmp(buffer, "hello", 5), "a message is looked at where it stands");
	ok(mailbox_look(mb, 2, &in) == -EAGAIN, "and beyond the last one is EAGAIN");
	ok(mailbox_look(other, 0, &in) == -EBADF, "a sender sees nothing: EBADF");
	in.size = 2;
	ok(mailbox_look(mb, 0, &in) == -EMSGSIZE && in.length == 5,
	   "to look, too, takes a buffer, and is told the length");
	ok(mailbox_receive_msg(mb, &in, MAILBOX_NO_WAIT) == -EMSGSIZE && in.length == 5,
	   "a short buffer is told the length");
	in.flags = MAILBOX_RECV_TRUNCATE;
	ok(mailbox_receive_msg(mb, &in, MAILBOX_NO_WAIT) == 2 && in.length == 5 &&
	   in.status & MAILBOX_MSG_TRUNCATED && in.ticket == 1,
	   "or gets the first part, flagged");
	out.lane = 3;
	ok(mailbox_send_msg(other, &out, 0) == -EINVAL, "a lane that is not there is EINVAL");
	in.flags = 1U << 30;
	ok(mailbox_receive_msg(mb, &in, 0) == -EINVAL, "a flag that is not there is EINVAL");
	mailbox_close(other);
	drop(mb);
}

static void test_deadlines(void)
{
	struct mailbox_attr attr = { .capacity = 2 };
	struct mailbox *mb = make(&attr, O_RDWR);
	struct mailbox_msg msg = { .lane = MAILBOX_LANE_DEFAULT };
	uint64_t deadline;

	ok(mailbox_receive_msg(mb, &msg, MAILBOX_NO_WAIT) == -EAGAIN, "not to wait is EAGAIN");
	deadline = mailbox_deadline_ms(50);
	ok(mailbox_receive_msg(mb, &msg, deadline) == -ETIMEDOUT && now() >= deadline,
	   "a receive times out, not before its time");
	ok(mailbox_receive_msg(mb, &msg, 1) == -ETIMEDOUT, "a deadline in the past is ETIMEDOUT");
	mailbox_send(mb, "1", 1);
	mailbox_send(mb, "2", 1);
	deadline = mailbox_deadline_ms(50);
	ok(mailbox_send_msg(mb, &msg, deadline) == -ETIMEDOUT && now() >= deadline,
	   "a send times out, not before its time");
	drop(mb);
}

static void test_lanes(void)
{
	struct mailbox_attr attr = { .lanes = 3 };
	struct mailbox *mb = make(&attr, O_RDWR | O_NONBLOCK);
	struct pollfd poll_fd = { .fd = mailbox_fd(mb), .events = POLLIN };
	char c[3];
	int i;

	for (i = 0; i < 3; i++) {
		ok(!mailbox_set_lanes(mb, ~0U, i), "lane %d may be the default", i);
		mailbox_send(mb, &"abc"[i], 1);
	}
	ok(!mailbox_set_lanes(mb, 1U << 1, 0) && mailbox_receive(mb, c, 1) == 1 && c[0] == 'b',
	   "a mask selects the lane");
	ok(mailbox_receive(mb, c, 1) == -EAGAIN && !poll(&poll_fd, 1, 0),
	   "other lanes are not received, nor polled");
	ok(!mailbox_set_lanes(mb, ~0U, 0) && poll(&poll_fd, 1, 0) == 1,
	   "poll sees them with the full mask");
	ok(mailbox_receive(mb, c, 1) == 1 && mailbox_receive(mb, c + 1, 1) == 1 &&
	   !memcmp(c, "ca", 2), "the highest lane comes first");
	ok(mailbox_set_lanes(mb, 0, 0) == -EINVAL && mailbox_set_lanes(mb, 8, 0) == -EINVAL &&
	   mailbox_set_lanes(mb, 1, 3) == -EINVAL,
	   "no lane, and lanes that are not there, are EINVAL");
	drop(mb);
}

/* A child that receives once, and ends with 0 or the errno. */
static pid_t receiver(void)
{
	struct mailbox *mb;
	pid_t pid = fork();
	char c;
	int n;

	if (pid)
		return pid;
	mb = mailbox_open(PORT, O_RDONLY);
	n = mb ? mailbox_receive(mb, &c, 1) : -errno;
	_exit(n < 0 ? -n : 0);
}

static int result(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_delete(void)
{
	struct mailbox *mb = make(NULL, O_RDWR);
	pid_t one, two;
	char c;

	one = receiver();
	wait_receivers(mb, 1);
	mailbox_send(mb, "x", 1);
	ok(result(one) == 0, "a receiver that sleeps is woken by a message");

	one = receiver();
	two = receiver();
	wait_receivers(mb, 2);
	ok(!mailbox_delete(PORT, 0), "delete");
	ok(result(one) == EIDRM && result(two) == EIDRM, "wakes everyone: EIDRM");
	ok(mailbox_send(mb, "x", 1) == -EIDRM, "senders get EIDRM");
	ok(mailbox_delete(PORT, 0) == -ENOENT, "the name is gone: ENOENT");
	mailbox_close(mb);

	mb = make(NULL, O_RDWR);
	mailbox_send(mb, "x", 1);
	mailbox_send(mb, "y", 1);
	mailbox_delete(PORT, 0);
	ok(mailbox_receive(mb, &c, 1) == 1 && c == 'x' && mailbox_receive(mb, &c, 1) == 1 &&
	   c == 'y', "what was left is received");
	ok(mailbox_receive(mb, &c, 1) == -EIDRM, "then it is EIDRM");
	mailbox_close(mb);

	mb = make(NULL, O_RDWR);
	mailbox_send(mb, "x", 1);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	ok(mailbox_receive(mb, &c, 1) == -EIDRM, "a purge leaves nothing");
	mailbox_close(mb);
}

/* Sends descriptor @fd through @channel, and receives one. */
static void pass(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(channel, &msg, 0) < 0)
		abort();
}

static int passed(int channel)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec byte = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(channel, &msg, 0) < 0)
		abort();
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void test_nameless(void)
{
	struct mailbox_attr attr = { .flags = MAILBOX_AUTODELETE };
	struct mailbox *mb = mailbox_create(NULL, NULL, O_RDWR);
	struct mailbox_info info;
	int channel[2];
	pid_t pid;
	char c;

	ok(mb && !mailbox_info(mb, &info) && !info.name[0], "a port without a name");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel))
		abort();
	pid = fork();
	if (!pid) {
		mailbox_close(mb);
		mb = mailbox_from_fd(passed(channel[1]));
		_exit(mb && cloexec(mb) && !mailbox_send(mb, "z", 1) ? 0 : 1);
	}
	pass(channel[0], mailbox_fd(mb));
	ok(result(pid) == 0, "goes to another process, and from_fd makes a handle of it");
	ok(mailbox_receive(mb, &c, 1) == 1 && c == 'z', "which has sent");
	mailbox_close(mb);
	close(channel[0]);
	close(channel[1]);

	mailbox_close(make(&attr, O_RDWR));
	ok(!mailbox_open(PORT, O_RDONLY) && errno == ENOENT, "autodelete goes with the last close");
}

static void test_list(void)
{
	struct mailbox_attr attr = { .lanes = 3, .mode = 0600, .flags = MAILBOX_SEALED };
	struct mailbox *mb = make(&attr, O_RDWR);
	struct mailbox_info info, *ports, *p;
	struct mailbox_query query;
	int count, i;

	mailbox_send(mb, "x", 1);
	count = mailbox_list(&ports);
	for (i = 0; i < count && strcmp(ports[i].name, PORT); i++)
		;
	ok(count > 0 && i < count, "list has the port");
	p = &ports[i];
	ok(!mailbox_info(mb, &info), "info");
	info.endpoint = 0;
	info.receive_mask = 0;
	info.default_lane = 0;
	ok(i < count && !memcmp(p, &info, sizeof(info)), "both say the same");
	free(ports);
	ok(!mailbox_query(&query) && query.ports == (uint32_t)count &&
	   query.message_max == MAILBOX_MESSAGE_MAX && query.features & MAILBOX_FEATURE_BASE,
	   "query knows the module, and how many ports there are");
	drop(mb);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	test_create();
	test_open();
	test_bytes();
	test_msg();
	test_deadlines();
	test_lanes();
	test_delete();
	test_nameless();
	test_list();
	return done();
}
