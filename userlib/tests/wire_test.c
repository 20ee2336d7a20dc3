// SPDX-License-Identifier: MIT
/*
 * What the library tells the kernel, and what it makes of the answers. The
 * system calls it uses are wrapped (see the Makefile): here is the kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <mailbox.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "tap.h"

#define CONTROL	"/dev/mailbox/control"
#define FD_CONTROL	900
#define FD_PORT		901

static struct {
	/* what the library did since begin() */
	char opened[256];
	int oflags;
	int opens, closes, calls;
	unsigned long request;
	union {
		struct mailbox_create create;
		struct mailbox_open open;
		struct mailbox_delete delete;
		struct mailbox_query query;
		struct mailbox_message message;
		struct mailbox_info info;
		struct mailbox_set_lanes set_lanes;
		struct mailbox_exchange exchange;
	} in;
	struct mailbox_message sent, received;	/* by an exchange */
	const void *buf;
	size_t size;
	/* what it is to be told */
	int control_error, node_error, error;
	mode_t node;		/* 0: there is none */
	struct mailbox_message answer;
	bool sends;		/* an exchange does */
	const char *class;	/* a folder in place of /sys/class/mailbox */
} kernel;

static void begin(void)
{
	memset(&kernel, 0, sizeof(kernel));
	errno = 0;
}

static int answer(int error, int value)
{
	if (!error)
		return value;
	errno = error;
	return -1;
}

static bool ours(int fd)
{
	return fd == FD_CONTROL || fd == FD_PORT;
}

int __real_open(const char *path, int oflags, ...);
int __wrap_open(const char *path, int oflags, ...);
int __wrap_open(const char *path, int oflags, ...)
{
	if (strncmp(path, "/dev/mailbox/", 13))
		return __real_open(path, oflags);
	kernel.opens++;
	kernel.oflags = oflags;
	snprintf(kernel.opened, sizeof(kernel.opened), "%s", path);
	if (!strcmp(path, CONTROL))
		return answer(kernel.control_error, FD_CONTROL);
	return answer(kernel.node_error, FD_PORT);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	if (!ours(fd))
		return __real_close(fd);
	kernel.closes++;
	errno = EIO;		/* which nobody is to see */
	return -1;
}

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	if (!ours(fd))
		return __real_read(fd, buf, size);
	kernel.calls++;
	kernel.buf = buf;
	kernel.size = size;
	return answer(kernel.error, 3);
}

ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	if (!ours(fd))
		return __real_write(fd, buf, size);
	kernel.calls++;
	kernel.buf = buf;
	kernel.size = size;
	return answer(kernel.error, size);
}

static void answer_exchange(struct mailbox_exchange *x)
{
	struct mailbox_message *send = (void *)(uintptr_t)x->send;
	struct mailbox_message *receive = (void *)(uintptr_t)x->receive;

	kernel.sent = *send;
	kernel.received = *receive;
	x->sent = kernel.sends;
	if (!kernel.sends)
		return;
	send->ticket = 42;
	receive->length = 3;
	receive->ticket = 43;
	receive->lane = 1;
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct mailbox_message *m;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);

	kernel.calls++;
	kernel.request = request;
	memcpy(&kernel.in, arg, _IOC_SIZE(request));
	if (request == MAILBOX_IOC_CREATE)
		((struct mailbox_create *)arg)->fd = FD_PORT;
	if (request == MAILBOX_IOC_OPEN)
		((struct mailbox_open *)arg)->fd = FD_PORT;
	if (request == MAILBOX_IOC_QUERY)
		((struct mailbox_query *)arg)->ports = 7;
	if (request == MAILBOX_IOC_INFO)
		((struct mailbox_info *)arg)->depth = 5;
	if (request == MAILBOX_IOC_EXCHANGE)
		answer_exchange(arg);
	if (request == MAILBOX_IOC_SEND || request == MAILBOX_IOC_RECEIVE ||
	    request == MAILBOX_IOC_PEEK) {
		m = arg;
		kernel.answer.size = m->size;
		kernel.answer.data = m->data;
		*m = kernel.answer;
	}
	return answer(kernel.error, fd == FD_CONTROL || fd == FD_PORT || fd < 20 ? 0 : -1);
}

int __wrap_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = kernel.node;
	st->st_uid = 1000;
	st->st_gid = 100;
	return answer(!kernel.node || strstr(path, "unseen") ? ENOENT : 0, 0);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	if (!strcmp(path, "/sys/class/mailbox") && kernel.class)
		return __real_opendir(kernel.class);
	errno = ENOENT;
	return NULL;
}

static struct mailbox *port(void)
{
	struct mailbox *mb;

	begin();
	kernel.node = S_IFCHR | 0600;
	mb = mailbox_open("jobs", O_RDWR);
	begin();
	return mb;
}

static bool name_is(const char *name, const char *wanted)
{
	char padded[MAILBOX_NAME_SIZE] = "";

	memcpy(padded, wanted, strlen(wanted));
	return !memcmp(name, padded, sizeof(padded));
}

static void test_create(void)
{
	struct mailbox_attr attr = {
		.message_size = 1, .capacity = 2, .lanes = 3, .mode = 0640,
		.flags = MAILBOX_SEALED | MAILBOX_EXCLUSIVE, .max_deliveries = 5, .limit = 7,
		.dead_letter = "letters",
	};
	struct mailbox_create *in = &kernel.in.create;
	struct mailbox *mb;

	begin();
	mb = mailbox_create("jobs", &attr, O_WRONLY | O_NONBLOCK);
	ok(mb && mailbox_fd(mb) == FD_PORT, "create gives a handle on the new descriptor");
	ok(!strcmp(kernel.opened, CONTROL) && kernel.oflags & O_CLOEXEC,
	   "create opens control, close-on-exec");
	ok(kernel.closes == 1, "create closes control");
	ok(kernel.request == MAILBOX_IOC_CREATE && in->size == sizeof(*in) &&
	   in->message_size == 1 && in->capacity == 2 && in->lanes == 3 &&
	   in->mode == 0640 && in->flags == attr.flags && name_is(in->name, "jobs") &&
	   in->max_deliveries == 5 && in->limit == 7 && name_is(in->dead_letter, "letters"),
	   "create tells every attribute");
	ok(in->open_flags == (O_WRONLY | O_NONBLOCK | O_CLOEXEC),
	   "create tells the open flags, with O_CLOEXEC");
	mailbox_close(mb);
	ok(kernel.closes == 2, "close closes the descriptor");

	begin();
	mb = mailbox_create(NULL, NULL, O_RDWR);
	ok(mb && name_is(in->name, "") && !in->message_size && !in->capacity &&
	   !in->lanes && !in->mode && !in->flags && !in->max_deliveries && !in->limit &&
	   name_is(in->dead_letter, ""),
	   "no name and no attributes are zeros");
	mailbox_close(mb);

	begin();
	kernel.error = EEXIST;
	ok(!mailbox_create("jobs", &attr, O_RDWR) && errno == EEXIST &&
	   kernel.closes == 1, "create passes the error on, unspoilt by close");
}

static void test_open(void)
{
	struct mailbox *mb;

	begin();
	kernel.node = S_IFCHR | 0600;
	mb = mailbox_open("jobs", O_RDONLY);
	ok(mb && kernel.opens == 1 && !strcmp(kernel.opened, "/dev/mailbox/jobs") &&
	   kernel.oflags == (O_RDONLY | O_CLOEXEC), "open opens the node, close-on-exec");
	mailbox_close(mb);

	begin();
	mb = mailbox_open("jobs", O_WRONLY);
	ok(mb && mailbox_fd(mb) == FD_PORT && !strcmp(kernel.opened, CONTROL) &&
	   kernel.request == MAILBOX_IOC_OPEN &&
	   kernel.in.open.size == sizeof(kernel.in.open) &&
	   kernel.in.open.open_flags == (O_WRONLY | O_CLOEXEC) &&
	   !kernel.in.open.pad && name_is(kernel.in.open.name, "jobs"),
	   "without a node open goes by control");
	mailbox_close(mb);

	begin();
	kernel.node = S_IFREG | 0644;
	mb = mailbox_open("jobs", O_WRONLY);
	ok(mb && kernel.request == MAILBOX_IOC_OPEN, "a file of that name is no port");
	mailbox_close(mb);
}

static void test_open_errors(void)
{
	static const int errors[] = { ENXIO, EACCES, ENOSPC };
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		begin();
		kernel.node = S_IFCHR | 0600;
		kernel.node_error = errors[i];
		ok(!mailbox_open("jobs", O_RDONLY) && errno == errors[i] &&
		   kernel.opens == 1, "error %d of the node is final", errors[i]);
	}
	begin();
	kernel.error = ENOENT;
	ok(!mailbox_open("jobs", O_RDONLY) && errno == ENOENT &&
	   kernel.closes == 1, "no port of that name is ENOENT");
	begin();
	kernel.control_error = ENOENT;
	ok(!mailbox_open("jobs", O_RDONLY) && errno == ENODEV, "no control node is ENODEV");
	begin();
	kernel.control_error = ENXIO;
	ok(!mailbox_open("jobs", O_RDONLY) && errno == ENODEV,
	   "a control node without a module is ENODEV");
	begin();
	kernel.control_error = EACCES;
	ok(!mailbox_open("jobs", O_RDONLY) && errno == EACCES, "a closed control node is EACCES");
}

static void test_control(void)
{
	struct mailbox_query query;

	begin();
	ok(!mailbox_delete("jobs", MAILBOX_DELETE_PURGE) &&
	   kernel.request == MAILBOX_IOC_DELETE &&
	   kernel.in.delete.size == sizeof(kernel.in.delete) &&
	   kernel.in.delete.flags == MAILBOX_DELETE_PURGE &&
	   name_is(kernel.in.delete.name, "jobs") && kernel.closes == 1,
	   "delete tells name and flags");
	kernel.error = EPERM;
	ok(mailbox_delete("jobs", 0) == -EPERM, "delete returns the error");

	begin();
	memset(&query, 0xff, sizeof(query));
	ok(!mailbox_query(&query) && kernel.request == MAILBOX_IOC_QUERY &&
	   kernel.in.query.size == sizeof(query) && !kernel.in.query.features &&
	   query.ports == 7, "query fills the struct in");
}

static void test_send(void)
{
	struct mailbox_message *in = &kernel.in.message;
	struct mailbox *mb = port();

	ok(!mailbox_send(mb, "hello", 5) && kernel.calls == 1 && !kernel.request &&
	   kernel.size == 5, "send is one write");
	kernel.error = EIDRM;
	ok(mailbox_send(mb, "hello", 5) == -EIDRM, "send returns the error");

	begin();
	ok(!mailbox_send(mb, NULL, 0) && kernel.request == MAILBOX_IOC_SEND &&
	   in->size == sizeof(*in) && !in->length && !in->flags &&
	   in->lane == MAILBOX_LANE_DEFAULT && in->deadline == MAILBOX_FOREVER,
	   "an empty message goes by ioctl");
	mailbox_close(mb);
}

static void test_send_msg(void)
{
	struct mailbox_msg msg = {
		.data = (void *)"hello", .length = 5, .lane = 2, .tag = 1ULL << 60,
		.flags = MAILBOX_SEND_REALTIME, .size = 99, .status = ~0U,
		.sender = 9, .pid = 9, .uid = 9, .gid = 9, .ticket = 9,
	};
	struct mailbox_message *in = &kernel.in.message;
	struct mailbox *mb = port();

	kernel.answer.ticket = 41;
	ok(!mailbox_send_msg(mb, &msg, 1234567890123ULL) &&
	   kernel.request == MAILBOX_IOC_SEND && in->size == sizeof(*in) &&
	   in->data == (uintptr_t)msg.data && in->length == 5 && in->lane == 2 &&
	   in->tag == 1ULL << 60 && in->flags == MAILBOX_SEND_REALTIME &&
	   in->deadline == 1234567890123ULL, "send_msg tells what it was told");
	ok(msg.ticket == 41 && msg.size == 99 && msg.length == 5 && msg.lane == 2,
	   "send_msg answers the ticket and nothing else");

	kernel.error = ETIMEDOUT;
	kernel.answer.ticket = 42;
	ok(mailbox_send_msg(mb, &msg, 1) == -ETIMEDOUT && msg.ticket == 41,
	   "send_msg returns the error and answers nothing");

	begin();
	msg.length = MAILBOX_MESSAGE_MAX + 1UL;
	ok(mailbox_send_msg(mb, &msg, 0) == -EMSGSIZE, "too long is EMSGSIZE");
	msg.length = (1ULL << 32) + 5;
	ok(mailbox_send_msg(mb, &msg, 0) == -EMSGSIZE && !kernel.calls,
	   "no length is cut to 32 bits");
	mailbox_close(mb);
}

static void test_receive(void)
{
	struct mailbox *mb = port();
	char buffer[8];

	ok(mailbox_receive(mb, buffer, sizeof(buffer)) == 3 && kernel.calls == 1 &&
	   !kernel.request && kernel.buf == buffer && kernel.size == 8,
	   "receive is one read, and returns its length");
	kernel.error = EAGAIN;
	ok(mailbox_receive(mb, buffer, sizeof(buffer)) == -EAGAIN, "receive returns the error");
	mailbox_close(mb);
}

static void test_receive_msg(void)
{
	struct mailbox_message *in = &kernel.in.message;
	struct mailbox *mb = port();
	char buffer[8];
	struct mailbox_msg msg = {
		.data = buffer, .size = sizeof(buffer), .lane = 7, .tag = 7,
		.status = 7, .flags = MAILBOX_RECV_TRUNCATE,
	};

	kernel.answer = (struct mailbox_message){
		.flags = MAILBOX_MSG_TRUSTED, .length = 6, .lane = 2, .tag = 3,
		.ticket = 4, .sender = 5, .pid = 6, .uid = 7, .gid = 8,
	};
	ok(mailbox_receive_msg(mb, &msg, 99) == 6, "receive_msg returns the length");
	ok(kernel.request == MAILBOX_IOC_RECEIVE && in->size == sizeof(*in) &&
	   in->data == (uintptr_t)buffer && in->length == 8 && in->deadline == 99 &&
	   in->flags == MAILBOX_RECV_TRUNCATE, "receive_msg tells buffer, flags, deadline");
	ok(!in->lane && !in->tag, "receive_msg reads no answer of an earlier one back");
	ok(msg.length == 6 && msg.lane == 2 && msg.tag == 3 && msg.ticket == 4 &&
	   msg.sender == 5 && msg.pid == 6 && msg.uid == 7 && msg.gid == 8 &&
	   msg.status == MAILBOX_MSG_TRUSTED, "receive_msg answers everything");
	ok(msg.size == 8 && msg.data == buffer && msg.flags == MAILBOX_RECV_TRUNCATE,
	   "receive_msg leaves what it was told");

	kernel.answer.length = 20;
	kernel.answer.flags = MAILBOX_MSG_TRUNCATED;
	ok(mailbox_receive_msg(mb, &msg, 0) == 8 && msg.length == 20 &&
	   msg.status == MAILBOX_MSG_TRUNCATED,
	   "truncated: returns what was stored, says what there was");
	mailbox_close(mb);
}

static void test_send_receive(void)
{
	const struct mailbox_exchange *x = &kernel.in.exchange;
	struct mailbox *mb = port(), *other = port();
	char buffer[8];
	struct mailbox_msg out = { .data = "hello", .length = 5, .lane = 3, .tag = 77, .flags = 8 };
	struct mailbox_msg in = { .data = buffer, .size = sizeof(buffer), .flags = 2, .lease = 6 };
	int pending = 1;

	begin();
	kernel.sends = true;
	ok(mailbox_send_receive(mb, &out, other, &in, &pending, 99) == 3 && !pending,
	   "one call sends, and returns the length of what it received");
	ok(kernel.calls == 1 && kernel.request == MAILBOX_IOC_EXCHANGE && x->size == sizeof(*x) &&
	   !x->sent && !x->pad, "by one system call");
	ok(x->fd == -1, "of the same descriptor as -1");
	ok(kernel.sent.size == sizeof(kernel.sent) && kernel.sent.length == 5 &&
	   kernel.sent.lane == 3 && kernel.sent.tag == 77 && kernel.sent.deadline == 99 &&
	   kernel.sent.flags == 8, "it tells what to send");
	ok(kernel.received.size == sizeof(kernel.received) && kernel.received.length == 8 &&
	   kernel.received.data == (uintptr_t)buffer && kernel.received.deadline == 99 &&
	   kernel.received.flags == 2 && kernel.received.lease == 6 && !kernel.received.lane &&
	   !kernel.received.tag, "and where to receive");
	ok(out.ticket == 42 && in.ticket == 43 && in.length == 3 && in.lane == 1,
	   "it answers both");

	pending = 1;
	kernel.error = ETIMEDOUT;
	ok(mailbox_send_receive(mb, &out, other, &in, &pending, 99) == -ETIMEDOUT && !pending,
	   "what was sent is, whatever the receive says");
	kernel.answer.length = 4;
	kernel.error = 0;
	ok(mailbox_send_receive(mb, &out, other, &in, &pending, 99) == 4 && !pending &&
	   kernel.request == MAILBOX_IOC_RECEIVE, "and is not sent again");
	pending = 1;
	kernel.sends = false;
	kernel.error = EAGAIN;
	out.ticket = 0;
	ok(mailbox_send_receive(mb, &out, other, &in, &pending, 99) == -EAGAIN && pending == 1 &&
	   !out.ticket, "what was not sent is still to be");
	begin();
	out.length = (1ULL << 32) + 5;
	ok(mailbox_send_receive(mb, &out, other, &in, &pending, 99) == -EMSGSIZE && pending == 1 &&
	   !kernel.calls, "no length is cut to 32 bits");
	mailbox_close(other);
	mailbox_close(mb);
}

static void test_look(void)
{
	char buffer[8];
	struct mailbox_msg msg = {
		.data = buffer, .size = 8, .flags = MAILBOX_RECV_TRUNCATE, .lane = 9, .tag = 9,
		.lost = 9, .lease = 9,
	};
	const struct mailbox_message *in = &kernel.in.message;
	struct mailbox *mb = port();

	kernel.answer = (struct mailbox_message){
		.flags = MAILBOX_MSG_TRUNCATED, .length = 20, .lane = 2, .tag = 3, .ticket = 4,
		.sender = 5, .pid = 6, .uid = 7, .gid = 8, .lost = 9,
	};
	ok(mailbox_look(mb, 77, &msg) == 8, "look returns what was stored");
	ok(kernel.request == MAILBOX_IOC_PEEK && in->size == sizeof(*in) && in->index == 77 &&
	   in->data == (uintptr_t)buffer && in->length == 8 && in->flags == MAILBOX_RECV_TRUNCATE &&
	   !in->lane && !in->tag && !in->deadline, "look tells index, buffer and flags");
	ok(msg.length == 20 && msg.lane == 2 && msg.tag == 3 && msg.ticket == 4 &&
	   msg.sender == 5 && msg.pid == 6 && msg.uid == 7 && msg.gid == 8 &&
	   msg.status == MAILBOX_MSG_TRUNCATED && msg.lost == 9 && msg.lease == 9,
	   "look answers all but what is a receive's");
	kernel.error = EMSGSIZE;
	kernel.answer.length = 4000;
	ok(mailbox_look(mb, 0, &msg) == -EMSGSIZE && msg.length == 4000, "or says the length");
	kernel.error = EAGAIN;
	ok(mailbox_look(mb, 0, &msg) == -EAGAIN, "or what is wrong");
	mailbox_close(mb);
}

static void test_receive_msg_errors(void)
{
	struct mailbox_msg msg = { .length = 1, .lane = 2, .tag = 3, .status = 4 };
	struct mailbox *mb = port();

	kernel.answer.length = 4000;
	kernel.error = EMSGSIZE;
	ok(mailbox_receive_msg(mb, &msg, 0) == -EMSGSIZE && msg.length == 4000 &&
	   msg.lane == 2 && msg.tag == 3 && msg.status == 4,
	   "a short buffer is told how large it should be");
	kernel.error = EIDRM;
	kernel.answer.length = 5;
	ok(mailbox_receive_msg(mb, &msg, 0) == -EIDRM && msg.length == 4000,
	   "other errors answer nothing");
	kernel.error = 0;
	msg.size = (1ULL << 32) + 5;
	ok(mailbox_receive_msg(mb, &msg, 0) == 5 &&
	   kernel.in.message.length == MAILBOX_MESSAGE_MAX,
	   "a buffer beyond 4 GiB is not cut to 32 bits");
	mailbox_close(mb);
}

static void test_endpoint(void)
{
	struct mailbox *mb = port();
	struct mailbox_info info;
	int fds[2];

	memset(&info, 0xff, sizeof(info));
	ok(!mailbox_info(mb, &info) && kernel.request == MAILBOX_IOC_INFO &&
	   kernel.in.info.size == sizeof(info) && !kernel.in.info.flags &&
	   info.depth == 5, "info fills the struct in");
	ok(!mailbox_set_lanes(mb, 6, 1) && kernel.request == MAILBOX_IOC_SET_LANES &&
	   kernel.in.set_lanes.size == sizeof(struct mailbox_set_lanes) &&
	   kernel.in.set_lanes.receive_mask == 6 &&
	   kernel.in.set_lanes.default_lane == 1 && !kernel.in.set_lanes.pad,
	   "set_lanes tells mask and lane");
	kernel.error = EINVAL;
	ok(mailbox_set_lanes(mb, 6, 1) == -EINVAL, "set_lanes returns the error");
	errno = E2BIG;
	mailbox_close(mb);
	ok(errno == E2BIG, "close leaves errno");

	begin();
	if (pipe(fds))
		abort();
	mb = mailbox_from_fd(fds[0]);
	ok(mb && mailbox_fd(mb) == fds[0] && fcntl(fds[0], F_GETFD) == FD_CLOEXEC,
	   "from_fd takes the descriptor, and makes it close-on-exec");
	mailbox_close(mb);
	ok(fcntl(fds[0], F_GETFD) < 0, "close closes it");
	close(fds[1]);
}

/* Ports in sysfs, made of ordinary files */

static char sysfs[] = "/tmp/mailbox-test-XXXXXX";

static void put(const char *name, const char *attribute, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", sysfs, name, attribute);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file))
		abort();
}

static const char *const attributes[][2] = {
	{ "message_size", "8192" }, { "capacity", "16" }, { "lanes", "3" },
	{ "flags", "0x1" }, { "depth", "4" }, { "messages_sent", "6000000000" },
	{ "messages_received", "5999999996" }, { "messages_dropped", "1" },
	{ "redelivered", "2" }, { "waiting_senders", "5" },
	{ "waiting_receivers", "7" }, { "endpoints", "12" }, { "bytes", "139264" },
	{ "quarantined", "0" }, { "mappings", "2" }, { "sender", "3" }, { "receiver", "0" },
	{ "leased", "9" }, { "limit", "11" },
	{ "max_deliveries", "5" }, { "dead_endpoint", "65534" }, { "messages_moved", "8" },
	{ "dead_letter", "a-name-of-sixty-three-characters-which-is-as-long-as-it-may-bee" },
};

#define ATTRIBUTES	(sizeof(attributes) / sizeof(attributes[0]))

static void make_port(const char *name)
{
	char path[512];
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	if (mkdir(path, 0755))
		abort();
	for (i = 0; i < ATTRIBUTES; i++)
		put(name, attributes[i][0], attributes[i][1]);
}

static void remove_ports(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s/*", sysfs);
	if (system(command))
		abort();
}

static void test_list(void)
{
	struct mailbox_info *ports = (void *)1, *p;
	char path[64];

	begin();
	kernel.class = sysfs;
	kernel.node = S_IFCHR | 0640;
	ok(mailbox_list(&ports) == 0 && !ports, "no ports are no ports");

	make_port("b");
	make_port("a.unseen");
	snprintf(path, sizeof(path), "%s/control", sysfs);
	if (mkdir(path, 0755))
		abort();
	ok(mailbox_list(&ports) == 2, "every port is listed, control is not");
	ok(!strcmp(ports[0].name, "a.unseen") && !strcmp(ports[1].name, "b"),
	   "in the order of their names");
	p = &ports[1];
	ok(p->message_size == 8192 && p->capacity == 16 && p->lanes == 3 &&
	   p->flags == MAILBOX_SEALED && p->depth == 4 && p->endpoints == 12 &&
	   p->waiting_senders == 5 && p->waiting_receivers == 7 &&
	   p->messages_sent == 6000000000ULL && p->messages_received == 5999999996ULL &&
	   p->sender == 3 && !p->receiver && p->leased == 9 && p->limit == 11 &&
	   p->messages_dropped == 1 && p->redelivered == 2 && p->bytes == 139264 &&
	   p->max_deliveries == 5 && p->dead_endpoint == 65534 && p->messages_moved == 8 &&
	   !strcmp(p->dead_letter, attributes[ATTRIBUTES - 1][1]),
	   "every attribute has its place");
	ok(p->size == sizeof(*p) && !p->endpoint && !p->receive_mask && !p->default_lane,
	   "what belongs to an endpoint is 0");
	ok(p->uid == 1000 && p->gid == 100 && p->mode == 0640, "owner and mode are the node's");
	ok(ports[0].uid == ~0U && ports[0].gid == ~0U && !ports[0].mode,
	   "without a node they are unknown");
	ok(!kernel.opens, "no port is opened");
	free(ports);
}

static void test_list_many(void)
{
	struct mailbox_info *ports;
	char name[32], path[512];
	int i, count;

	remove_ports();
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "port%02d", i);
		make_port(name);
	}
	snprintf(path, sizeof(path), "%s/port20/depth", sysfs);
	unlink(path);
	count = mailbox_list(&ports);
	ok(count == 39, "a port that goes meanwhile is left out");
	for (i = 0; i < count - 1; i++)
		if (strcmp(ports[i].name, ports[i + 1].name) >= 0)
			break;
	ok(i == count - 1, "many ports are in order");
	free(ports);
	remove_ports();
}

int main(void)
{
	if (!mkdtemp(sysfs))
		abort();
	test_create();
	test_open();
	test_open_errors();
	test_control();
	test_send();
	test_send_msg();
	test_receive();
	test_receive_msg();
	test_receive_msg_errors();
	test_send_receive();
	test_look();
	test_endpoint();
	test_list();
	test_list_many();
	rmdir(sysfs);
	return done();
}
