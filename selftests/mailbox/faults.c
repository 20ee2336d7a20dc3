// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every copy from or to user space of every call fails
 * once. Needs a kernel with fault injection: /proc/self/fail-nth makes the nth
 * fault point that the task comes to fail; n goes from 1 until the call
 * finishes without having met it.
 *
 * Whatever failed: the errno is right, no message is lost or doubled, nothing
 * stays charged, no descriptor, name or node is left over, and the next call
 * works.
 *
 *	FAULTS_MODULE=file	not the tests: insmod of that file by the same rule
 *	FAULTS_STRIDE=n		... at every nth point of what the kernel does before
 *				the module's own part, there at each
 */
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

#include "receipts.h"
#include "storm.h"

#define POINTS_MAX	5000	/* more than any call has */
#define LONG_MESSAGE	9000U	/* of more than one page */
#define PART_MESSAGE	2000U	/* of less, so that no other allocator helps out */
#define SHORT_MESSAGE	40U

/* The fault, in this thread */

static int fail_nth = -1;

static bool kernel_injects(void)
{
	return !access("/proc/self/fail-nth", F_OK);
}

static bool can_inject(void)
{
	/* GFP_KERNEL is spared unless told otherwise; and the log need not say each time. */
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	char path[128];
	int i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		if (spill(path, settings[i][1]) && i == 0)
			return false;
	}
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fail_nth >= 0;
}

static void arm(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(fail_nth, text, length, 0) != length)
		perror("fail-nth");
}

/* Whether the fault was met. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);

	/* This read may itself be what fails: then the call did not. */
	if (pwrite(fail_nth, "0", 1, 0) != 1 && pwrite(fail_nth, "0", 1, 0) != 1)
		perror("fail-nth");
	return n > 0 && !atoi(text);
}

/* What must be the same before and after. */

struct balance {
	__u32 ports;
	__u64 user_bytes;
	int descriptor;		/* the lowest free one */
};

static struct balance balance_now(void)
{
	struct mailbox_query q = query();
	int fd = dup(0);
	struct balance b = { .ports = q.ports, .user_bytes = q.user_bytes, .descriptor = fd };

	close(fd);
	return b;
}

/* The calls. Each works on a port with one message, and on names that are free. */

struct scene {
	int control;
	int fd;			/* on the port */
	const char *name;	/* of the port */
	const char *new_name;	/* of none */
	__u32 length;		/* of the message in the port, and of one sent */
	int made;		/* a descriptor that the call made, or negative */
	int epoll;
	__u64 soon;		/* taken before the fault: reading the clock could meet it */
	__u64 late;
	__u64 ticket;		/* of what is leased */
	__u32 moved;		/* messages that the call sent or received */
	struct mailbox_finish end;	/* of what is leased, with the next receive */
	struct mailbox_receipt receipt;
	char in[LONG_MESSAGE];
	char out[LONG_MESSAGE];
};

static long make(struct scene *s, const char *name, __u32 flags)
{
	struct mailbox_create c = {
		.size = sizeof(c), .open_flags = O_RDWR, .flags = flags, .fd = -77, .lanes = 3,
	};
	long ret;

	if (name)
		copy_name(c.name, name);
	ret = result(ioctl(s->control, MAILBOX_IOC_CREATE, &c));
	s->made = ret ? -1 : c.fd;
	return ret;
}

static long call_create(struct scene *s)
{
	return make(s, s->new_name, MAILBOX_EXCLUSIVE);
}

static long call_create_autodelete(struct scene *s)
{
	return make(s, s->new_name, MAILBOX_AUTODELETE);
}

static long call_create_nameless(struct scene *s)
{
	return make(s, NULL, 0);
}

static long call_create_existing(struct scene *s)
{
	return make(s, s->name, 0);
}

static long call_open_by_name(struct scene *s)
{
	struct mailbox_open o = { .size = sizeof(o), .open_flags = O_RDWR, .fd = -77 };
	long ret;

	copy_name(o.name, s->name);
	ret = result(ioctl(s->control, MAILBOX_IOC_OPEN, &o));
	s->made = ret ? -1 : o.fd;
	return ret;
}

static long call_open(struct scene *s)
{
	s->made = open_node(s->name, O_RDWR);
	return s->made < 0 ? s->made : 0;
}

static long call_open_control(struct scene *s)
{
	s->made = control_open();
	return s->made < 0 ? s->made : 0;
}

static long call_delete(struct scene *s)
{
	struct mailbox_delete d = { .size = sizeof(d), .flags = MAILBOX_DELETE_PURGE };

	copy_name(d.name, s->name);
	return result(ioctl(s->control, MAILBOX_IOC_DELETE, &d));
}

static long call_close(struct scene *s)
{
	int fd = s->made;

	s->made = -1;
	return result(close(fd));
}

static long call_query(struct scene *s)
{
	struct mailbox_query q = { .size = sizeof(q) };

	return result(ioctl(s->control, MAILBOX_IOC_QUERY, &q));
}

static long call_info(struct scene *s)
{
	struct mailbox_info i = { .size = sizeof(i) };

	return result(ioctl(s->fd, MAILBOX_IOC_INFO, &i));
}

static long call_set_lanes(struct scene *s)
{
	return set_lanes(s->fd, ~0U, 0);
}

static long call_write(struct scene *s)
{
	long ret = put(s->fd, s->out, s->length);

	return ret == s->length ? 0 : ret;
}

static long call_writev(struct scene *s)
{
	struct iovec v[] = { { s->out, 10 }, { s->out + 10, s->length - 10 } };
	long ret = result(writev(s->fd, v, 2));

	return ret == s->length ? 0 : ret;
}

static long call_send(struct scene *s)
{
	struct mailbox_message m = message(.data = address(s->out), .length = s->length, .tag = 7,
					   .deadline = s->late);

	return send_message(s->fd, &m);
}

static long call_read(struct scene *s)
{
	long ret = get(s->fd, s->in, sizeof(s->in));

	return ret == s->length ? 0 : ret;
}

static long call_readv(struct scene *s)
{
	struct iovec v[] = { { s->in, 10 }, { s->in + 10, sizeof(s->in) - 10 } };
	long ret = result(readv(s->fd, v, 2));

	return ret == s->length ? 0 : ret;
}

static long call_receive(struct scene *s)
{
	long ret = receive_until(s->fd, s->in, sizeof(s->in), s->late);

	return ret == s->length ? 0 : ret;
}

/* Nothing more to receive: sleeps, and wakes by its deadline. */
static long call_receive_late(struct scene *s)
{
	long ret = receive_until(s->made, s->in, sizeof(s->in), s->soon);

	return ret == -ETIMEDOUT ? 0 : ret;
}

static long call_poll(struct scene *s)
{
	struct pollfd p = { s->fd, POLLIN | POLLOUT };
	long ret = result(poll(&p, 1, 0));

	return ret == 1 ? 0 : ret;
}

static long call_select(struct scene *s)
{
	fd_set in;
	long ret;

	FD_ZERO(&in);
	FD_SET(s->fd, &in);
	ret = result(select(s->fd + 1, &in, NULL, NULL, &(struct timeval) {}));
	return ret == 1 ? 0 : ret;
}

static long call_epoll_add(struct scene *s)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT };

	return result(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &e));
}

static long call_epoll_wait(struct scene *s)
{
	struct epoll_event e;
	long ret = result(epoll_wait(s->epoll, &e, 1, 0));

	return ret == 1 ? 0 : ret;
}

static long call_async_on(struct scene *s)
{
	return result(fcntl(s->fd, F_SETFL, O_ASYNC));
}

static long call_async_off(struct scene *s)
{
	return result(fcntl(s->fd, F_SETFL, 0));
}

static long read_all(const char *path)
{
	char text[4096];
	int fd = result(open(path, O_RDONLY | O_CLOEXEC));
	long ret;

	if (fd < 0)
		return fd;
	while ((ret = get(fd, text, sizeof(text))) > 0)
		continue;
	close(fd);
	return ret;
}

static long call_fdinfo(struct scene *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->fd);
	return read_all(path);
}

static long call_sysfs(struct scene *s)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/depth", s->name);
	return read_all(path);
}

/* Receipts, leases, batches */

static long call_send_receipt(struct scene *s)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT, .data = address(s->out),
					   .length = s->length, .deadline = s->late);

	return send_message(s->fd, &m);
}

/* Does not wait to be told. */
static long call_send_sync(struct scene *s)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_SYNC, .data = address(s->out),
					   .length = s->length);
	long ret = send_message(s->fd, &m);

	return ret == -EINPROGRESS ? 0 : ret;
}

static long call_lease(struct scene *s)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .data = address(s->in),
					   .length = sizeof(s->in), .deadline = s->late);
	long ret = receive_message(s->fd, &m);

	s->ticket = m.ticket;
	return ret;
}

static long call_ack(struct scene *s)
{
	return finish(s->fd, MAILBOX_ACK, s->ticket);
}

static long call_nack(struct scene *s)
{
	return finish(s->fd, MAILBOX_NACK, s->ticket);
}

static long call_extend(struct scene *s)
{
	return finish(s->fd, MAILBOX_EXTEND, s->ticket, .deadline = s->late);
}

static long call_reply(struct scene *s)
{
	return finish(s->fd, MAILBOX_REPLY, s->ticket, .data = address(s->out),
		      .length = s->length);
}

/* Reply, and lease the next, by one call. */
static long call_reply_and_lease(struct scene *s)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH,
					   .data = address(s->in), .length = sizeof(s->in),
					   .deadline = s->late, .receipt = address(&s->end));
	long ret = receive_message(s->fd, &m);

	s->ticket = m.ticket;
	return ret;
}

static long call_read_receipt(struct scene *s)
{
	s->receipt = wish(.data = address(s->in), .length = sizeof(s->in));
	return read_receipt(s->fd, &s->receipt);
}

static long call_eventfd(struct scene *s)
{
	struct mailbox_eventfd e = { .size = sizeof(e), .fd = s->made };

	return result(ioctl(s->fd, MAILBOX_IOC_EVENTFD, &e));
}

static long call_peek(struct scene *s)
{
	struct mailbox_message m = message(.data = address(s->in), .length = sizeof(s->in));

	return result(ioctl(s->fd, MAILBOX_IOC_PEEK, &m));
}

/* Of two messages; it may end behind the first. */
static long batch(struct scene *s, unsigned long command, char *data, __u32 length)
{
	struct mailbox_vector v[2] = { { address(data), length }, { address(data), length } };
	struct mailbox_detail d[2] = { 0 };
	struct mailbox_batch b = {
		.size = sizeof(b), .vectors = address(v), .details = address(d), .count = 2,
		.deadline = s->late,
	};
	long ret = result(ioctl(s->fd, command, &b));

	s->moved = ret < 0 ? 0 : ret;
	return ret < 0 ? ret : ret ? 0 : -ENODATA;
}

static long call_send_batch(struct scene *s)
{
	return batch(s, MAILBOX_IOC_SEND_BATCH, s->out, s->length);
}

static long call_receive_batch(struct scene *s)
{
	return batch(s, MAILBOX_IOC_RECEIVE_BATCH, s->in, sizeof(s->in));
}

enum effect { NONE, MAKES, DELETES, SENDS, RECEIVES, LEASES, FINISHES, TURNS };

static const struct trial {
	const char *name;
	long (*call)(struct scene *s);
	enum effect effect;
	__u32 length;
} trials[] = {
	{ "create", call_create, MAKES },
	{ "create, to go with its last close", call_create_autodelete, MAKES },
	{ "create without a name", call_create_nameless, MAKES },
	{ "create what exists", call_create_existing, MAKES },
	{ "open by name", call_open_by_name, MAKES },
	{ "open", call_open, MAKES },
	{ "open control", call_open_control, MAKES },
	{ "delete", call_delete, DELETES },
	{ "close", call_close },
	{ "query", call_query },
	{ "info", call_info },
	{ "set_lanes", call_set_lanes },
	{ "write, short", call_write, SENDS, SHORT_MESSAGE },
	{ "write, long", call_write, SENDS, LONG_MESSAGE },
	{ "writev, short", call_writev, SENDS, SHORT_MESSAGE },
	{ "writev, long", call_writev, SENDS, LONG_MESSAGE },
	{ "send, short", call_send, SENDS, SHORT_MESSAGE },
	{ "send, long", call_send, SENDS, LONG_MESSAGE },
	{ "read, short", call_read, RECEIVES, SHORT_MESSAGE },
	{ "read, long", call_read, RECEIVES, LONG_MESSAGE },
	{ "readv, short", call_readv, RECEIVES, SHORT_MESSAGE },
	{ "readv, long", call_readv, RECEIVES, LONG_MESSAGE },
	{ "receive, short", call_receive, RECEIVES, SHORT_MESSAGE },
	{ "receive, long", call_receive, RECEIVES, LONG_MESSAGE },
	{ "receive, nothing comes", call_receive_late },
	{ "poll", call_poll },
	{ "select", call_select },
	{ "epoll_ctl", call_epoll_add },
	{ "epoll_wait", call_epoll_wait },
	{ "O_ASYNC on", call_async_on },
	{ "O_ASYNC off", call_async_off },
	{ "fdinfo", call_fdinfo },
	{ "sysfs", call_sysfs },
	{ "send for a receipt, short", call_send_receipt, SENDS, SHORT_MESSAGE },
	{ "send for a receipt, long", call_send_receipt, SENDS, LONG_MESSAGE },
	{ "synchronous send", call_send_sync, SENDS },
	{ "lease, short", call_lease, LEASES, SHORT_MESSAGE },
	{ "lease, part of a page", call_lease, LEASES, PART_MESSAGE },
	{ "lease, long", call_lease, LEASES, LONG_MESSAGE },
	{ "acknowledge", call_ack, FINISHES },
	{ "give back", call_nack, FINISHES },
	{ "extend", call_extend, FINISHES },
	{ "reply, short", call_reply, FINISHES, SHORT_MESSAGE },
	{ "reply, part of a page", call_reply, FINISHES, PART_MESSAGE },
	{ "reply, long", call_reply, FINISHES, LONG_MESSAGE },
	{ "reply and lease, short", call_reply_and_lease, TURNS, SHORT_MESSAGE },
	{ "reply and lease, part of a page", call_reply_and_lease, TURNS, PART_MESSAGE },
	{ "reply and lease, long", call_reply_and_lease, TURNS, LONG_MESSAGE },
	{ "read a receipt, short", call_read_receipt, NONE, SHORT_MESSAGE },
	{ "read a receipt, long", call_read_receipt, NONE, LONG_MESSAGE },
	{ "eventfd", call_eventfd },
	{ "peek, short", call_peek, NONE, SHORT_MESSAGE },
	{ "peek, long", call_peek, NONE, LONG_MESSAGE },
	{ "send a batch, short", call_send_batch, SENDS, SHORT_MESSAGE },
	{ "send a batch, long", call_send_batch, SENDS, LONG_MESSAGE },
	{ "receive a batch, short", call_receive_batch, RECEIVES, SHORT_MESSAGE },
	{ "receive a batch, long", call_receive_batch, RECEIVES, LONG_MESSAGE },
};

/* A fresh port and an epoll. */
static void set_scene(struct __test_metadata *_metadata, struct scene *s, const struct trial *t)
{
	s->length = t->length ? t->length : SHORT_MESSAGE;
	memset(s->out, 'o', sizeof(s->out));
	s->name = port_name("fault");
	s->new_name = port_name("new");
	s->control = control_open();
	ASSERT_LE(0, s->control);
	/* A copy that fails after its slot was claimed leaves the slot void: room for that too. */
	s->fd = create(s->name, .message_size = LONG_MESSAGE, .capacity = 4);
	ASSERT_LE(0, s->fd);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, s->epoll);
}

/*
 * One message in the port, and what else the call starts from. The endpoint is a new one: it
 * has put nothing by that saves the call an allocation.
 */
static void prepare(struct __test_metadata *_metadata, struct scene *s, const struct trial *t)
{
	struct epoll_event e = { .events = EPOLLIN };

	close(s->fd);
	s->fd = open_node(s->name, O_RDWR);
	ASSERT_LE(0, s->fd);
	s->late = in_ms(60000);
	if (t->effect == FINISHES || t->effect == TURNS || t->call == call_read_receipt) {
		ASSERT_EQ(0, call_send_receipt(s));
		ASSERT_EQ(0, call_lease(s));
		s->end = finishing(MAILBOX_REPLY, s->ticket, .data = address(s->out),
				   .length = s->length);
	}
	if (t->call == call_read_receipt) {
		ASSERT_EQ(0, call_reply(s));
	}
	if (t->effect != FINISHES) {
		ASSERT_EQ(s->length, put(s->fd, s->out, s->length));
	}
	if (t->call == call_receive_batch) {
		ASSERT_EQ(s->length, put(s->fd, s->out, s->length));
	}
	memset(s->in, 0, sizeof(s->in));
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	if (t->call == call_epoll_wait) {
		ASSERT_EQ(0, epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &e));
	}
	ASSERT_EQ(0, t->call == call_async_off ? call_async_on(s) : call_async_off(s));
	s->soon = in_ms(5);
	s->moved = 1;
	s->made = -1;
	if (t->call == call_eventfd) {
		s->made = eventfd(0, EFD_CLOEXEC);
		ASSERT_LE(0, s->made);
	}
	if (t->call == call_close || t->call == call_receive_late) {
		s->made = create(NULL);
		ASSERT_LE(0, s->made);
	}
}

/* Exactly as many messages as there should be, and they are whole. */
static void expect_messages(struct __test_metadata *_metadata, struct scene *s, __u32 n)
{
	ASSERT_EQ(n, info_of(s->fd).depth);
	while (n--) {
		memset(s->in, 0, sizeof(s->in));
		ASSERT_EQ(s->length, receive_until(s->fd, s->in, sizeof(s->in), MAILBOX_NO_WAIT));
		ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
	}
	EXPECT_NO_MESSAGE(s->fd);
}

/* What a create that succeeded, in spite of a fault, must have made. */
static void inspect_node(struct __test_metadata *_metadata, const char *name, __u32 mode)
{
	struct stat st;

	ASSERT_EQ(0, stat(node_of(name), &st)) {
		say("port \"%s\" has no node", name);
	}
	EXPECT_EQ(S_IFCHR | mode, st.st_mode);
	EXPECT_EQ(getuid(), st.st_uid);
}

/* The only receipt there is. */
static void expect_receipt(struct __test_metadata *_metadata, struct scene *s, __u32 outcome)
{
	memset(s->in, 0, sizeof(s->in));
	ASSERT_EQ(0, call_read_receipt(s));
	ASSERT_EQ(outcome, s->receipt.outcome);
	if (outcome == MAILBOX_REPLIED) {
		ASSERT_EQ(s->length, s->receipt.length);
		ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
	}
}

/* A call that failed has left the lease as it was: it can be made again. */
static void inspect_finish(struct __test_metadata *_metadata, struct scene *s,
			   const struct trial *t, bool done)
{
	bool extended = t->call == call_extend, back = t->call == call_nack;

	ASSERT_EQ(!done || extended, info_of(s->fd).leased);
	if (!done) {
		ASSERT_EQ(0, t->call(s));
	}
	ASSERT_EQ(extended, info_of(s->fd).leased);
	if (extended) {
		ASSERT_EQ(0, call_ack(s));
	}
	expect_messages(_metadata, s, back);
	expect_receipt(_metadata, s, back ? MAILBOX_RECEIVED :
		       t->call == call_reply ? MAILBOX_REPLIED : MAILBOX_ACKED);
}

/* One that failed has finished the first message and says so, or has done nothing: again. */
static void inspect_turn(struct __test_metadata *_metadata, struct scene *s,
			 const struct trial *t, bool done)
{
	if (!done) {
		ASSERT_EQ(s->end.how != MAILBOX_FINISHED, info_of(s->fd).leased);
		ASSERT_EQ(0, t->call(s));
	}
	ASSERT_EQ(MAILBOX_FINISHED, s->end.how);
	ASSERT_EQ(1, info_of(s->fd).leased);
	ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
	ASSERT_EQ(0, call_nack(s));
	expect_messages(_metadata, s, 1);
	expect_receipt(_metadata, s, MAILBOX_REPLIED);
}

static void inspect_effect(struct __test_metadata *_metadata, struct scene *s,
			   const struct trial *t, long ret)
{
	bool done = !ret;

	switch (t->effect) {
	case MAKES:
		ASSERT_EQ(done, s->made >= 0);
		if (t->call == call_create || t->call == call_create_autodelete) {
			if (done) {
				inspect_node(_metadata, s->new_name, 0600);
				ASSERT_EQ(0, info_of(s->made).depth);
				ASSERT_EQ(1, put(s->made, "x", 1));
				ASSERT_EQ(0, delete_port(s->new_name, 0));
			}
			ASSERT_EQ(-ENOENT, open_port(s->new_name, O_RDWR));
			ASSERT_EQ(-ENOENT, open_node(s->new_name, O_RDWR));
		}
		expect_messages(_metadata, s, 1);
		break;
	case DELETES:
		if (done) {
			ASSERT_EQ(MAILBOX_STATE_DELETED, info_of(s->fd).state);
			ASSERT_EQ(-ENOENT, open_node(s->name, O_RDWR));
			ASSERT_EQ(-EIDRM, put(s->fd, "x", 1));
		} else {
			expect_messages(_metadata, s, 1);
		}
		break;
	case SENDS:
		expect_messages(_metadata, s, 1 + done * s->moved);
		if (done && (t->call == call_send_receipt || t->call == call_send_sync))
			expect_receipt(_metadata, s, MAILBOX_RECEIVED);
		break;
	case RECEIVES:
		if (done) {
			ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
		}
		expect_messages(_metadata, s,
				1 + (t->call == call_receive_batch) - done * s->moved);
		break;
	case LEASES:
		ASSERT_EQ(done, info_of(s->fd).leased);
		if (done) {
			ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
			ASSERT_EQ(0, call_nack(s));
		}
		expect_messages(_metadata, s, 1);
		break;
	case FINISHES:
		inspect_finish(_metadata, s, t, done);
		break;
	case TURNS:
		inspect_turn(_metadata, s, t, done);
		break;
	case NONE:
		if (done && (t->call == call_peek || t->call == call_read_receipt)) {
			ASSERT_EQ(0, memcmp(s->in, s->out, s->length));
		}
		expect_messages(_metadata, s, 1);
		if (!done && t->call == call_read_receipt)
			expect_receipt(_metadata, s, MAILBOX_REPLIED);
	}
	if (t->effect != DELETES) {
		ASSERT_EQ(-EAGAIN, call_read_receipt(s));
	}
}

static void clear_scene(struct __test_metadata *_metadata, struct scene *s)
{
	if (info_of(s->fd).state == MAILBOX_STATE_LIVE) {
		ASSERT_EQ(0, delete_port(s->name, 0));
	}
	close(s->epoll);
	close(s->fd);
	close(s->control);
}

FIXTURE(faults)
{
	struct scene scene;
	/* sums of a trial */
	int points;
	int no_memory;
	int bad_address;
	/* of all */
	int faults;
	int failures;
};

FIXTURE_SETUP(faults)
{
	signal(SIGIO, SIG_IGN);
}

FIXTURE_TEARDOWN(faults)
{
}

/* The call with its nth fault. Returns false when it has not so many. */
static bool fail_at(struct __test_metadata *_metadata, FIXTURE_DATA(faults) *self,
		    const struct trial *t, int n)
{
	struct scene *s = &self->scene;
	bool injected;
	long ret;

	prepare(_metadata, s, t);
	arm(n);
	ret = t->call(s);
	injected = disarm();
	if (!injected) {
		ASSERT_EQ(0, ret);
	} else if (ret == -ENOMEM) {
		self->no_memory++;
	} else if (ret == -EFAULT) {
		self->bad_address++;
	} else {
		ASSERT_EQ(0, ret);	/* harmless, or tried once more */
	}
	inspect_effect(_metadata, s, t, ret);
	if (s->made >= 0)
		close(s->made);
	if (t->effect == DELETES && !ret) {
		clear_scene(_metadata, s);
		set_scene(_metadata, s, t);
	}
	return injected;
}

static void try_one(struct __test_metadata *_metadata, FIXTURE_DATA(faults) *self,
		    const struct trial *t)
{
	struct balance was, is;

	set_scene(_metadata, &self->scene, t);
	was = balance_now();
	self->no_memory = 0;
	self->bad_address = 0;
	for (self->points = 1; fail_at(_metadata, self, t, self->points); self->points++) {
		ASSERT_GT(POINTS_MAX, self->points);
		is = balance_now();
		ASSERT_EQ(was.ports, is.ports);
		ASSERT_EQ(was.user_bytes, is.user_bytes);
		ASSERT_EQ(was.descriptor, is.descriptor);
	}
	clear_scene(_metadata, &self->scene);
	say("%s: %d faults; %d gave ENOMEM, %d EFAULT, the rest no error", t->name,
	    self->points - 1, self->no_memory, self->bad_address);
	self->faults += self->points - 1;
	self->failures += self->no_memory + self->bad_address;
	/* These cannot do without memory. */
	if (t->call == call_create || t->call == call_send_receipt || t->call == call_send_sync ||
	    t->length == PART_MESSAGE) {
		ASSERT_LT(0, self->no_memory);
	}
}

#define NO_INJECTION	"no fault injection in this kernel"

TEST_F_TIMEOUT(faults, every_point_of_every_call, 3600)
{
	int i, n = sizeof(trials) / sizeof(trials[0]);

	if (!kernel_injects())
		SKIP(return, NO_INJECTION);
	ASSERT_TRUE(can_inject());
	self->faults = 0;
	self->failures = 0;
	for (i = 0; i < n; i++)
		try_one(_metadata, self, &trials[i]);
	report("%d faults in %d calls, %d of them errors", self->faults, n, self->failures);
}

#define NEED_SECONDS	3

/*
 * With memory short for long, not just once: half of all allocations and
 * copies of a process fail, while it does everything at once.
 */
static void work_in_need(void)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + NEED_SECONDS * effort() * 1000000000ULL;
	struct scene s = { .length = SHORT_MESSAGE };
	struct mailbox_info info;

	s.name = port_name("need");
	s.new_name = port_name("need-more");
	s.control = control_open();
	s.fd = create(s.name, .capacity = 2);
	s.epoll = epoll_create1(0);
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		s.made = -1;
		s.late = in_ms(1);
		arm(1 + below(40));
		call_open_by_name(&s);
		if (s.made >= 0)
			call_close(&s);
		call_send(&s);
		call_receive(&s);
		call_epoll_add(&s);
		call_create_autodelete(&s);
		disarm();
		if (s.made >= 0)
			close(s.made);
		epoll_ctl(s.epoll, EPOLL_CTL_DEL, s.fd, NULL);
		info = info_of(s.fd);
		if (info.depth == info.capacity)
			get(s.fd, s.in, sizeof(s.in));
	}
	leave(delete_port(s.name, 0));
}

TEST_F_TIMEOUT(faults, by_several_at_once, 3600)
{
	struct balance was = balance_now(), is;
	pid_t pids[3];
	int i;

	if (!kernel_injects())
		SKIP(return, NO_INJECTION);
	ASSERT_TRUE(can_inject());
	seed_from("FAULTS_SEED");
	for (i = 0; i < 3; i++) {
		roll();
		pids[i] = spawn();
		if (!pids[i]) {
			close(fail_nth);
			can_inject();	/* its own */
			work_in_need();
		}
	}
	for (i = 0; i < 3; i++) {
		waitid(P_PID, pids[i], &(siginfo_t) {}, WEXITED | WNOWAIT);
		EXPECT_EQ(0, reap(pids[i]));
	}
	is = balance_now();
	EXPECT_EQ(was.ports, is.ports);
	EXPECT_EQ(was.user_bytes, is.user_bytes);
}

/* A memory cgroup at its limit */

#define CGROUP		"/sys/fs/cgroup"
#define OURS		CGROUP "/mailbox-faults"
#define CGROUP_LIMIT	"12M"

static bool enter_cgroup(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	return !spill(OURS "/memory.max", CGROUP_LIMIT) && !spill(OURS "/cgroup.procs", pid);
}

static long oom_kills(void)
{
	const char *text = strstr(slurp(OURS "/memory.events"), "oom_kill ");

	return text ? atol(text + strlen("oom_kill ")) : -1;
}

/* In the cgroup: ports of a size until there is no more memory. Returns how many. */
static long ports_until_full(__u32 message_size, __u32 capacity)
{
	long n = 0;
	int fd;

	for (;;) {
		fd = create(NULL, .message_size = message_size, .capacity = capacity);
		if (fd < 0)
			break;
		if (put(fd, "x", 1) != 1)
			return -EIO;
		n++;
		if (n == 900)
			break;
	}
	return fd == -ENOMEM ? n : fd < 0 ? fd : -ERANGE;
}

static long fill_cgroup(__u32 message_size, __u32 capacity)
{
	return ended({
		if (!enter_cgroup())
			leave(-EPERM);
		long __n = ports_until_full(message_size, capacity);

		leave(__n > 100 ? 100 : __n);
	});
}

TEST_F_TIMEOUT(faults, memory_cgroup_limit, 600)
{
	struct balance was = balance_now(), is;

	spill(CGROUP "/cgroup.subtree_control", "+memory");
	if (mkdir(OURS, 0755) && errno != EEXIST)
		SKIP(return, "no cgroup v2");
	if (oom_kills() < 0) {
		rmdir(OURS);
		SKIP(return, "no memory controller in cgroup v2");
	}
	/* One that never fits, and some of which a few do. */
	EXPECT_EQ(0, fill_cgroup(1U << 20, 16));
	EXPECT_LT(0, fill_cgroup(1U << 18, 4));
	EXPECT_LT(0, fill_cgroup(1U << 14, 4));
	EXPECT_EQ(0, oom_kills());
	is = balance_now();
	EXPECT_EQ(was.ports, is.ports);
	EXPECT_EQ(was.user_bytes, is.user_bytes);
	EXPECT_TRUE(wait_until(!rmdir(OURS)));
}

/* insmod, for faults.sh */

static bool module_loaded(void)
{
	return strstr(slurp("/proc/modules"), "mailbox_dev ");
}

/* What a module that is not loaded has left over, or NULL. */
static const char *left_over(void)
{
	static char what[64];
	struct dirent *entry;
	DIR *dir;

	if (module_loaded())
		return "the module";
	if (strstr(slurp("/proc/devices"), "mailbox"))
		return "its device numbers";
	if (!access("/sys/class/mailbox", F_OK))
		return "its class";
	dir = opendir("/dev/mailbox");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(what, sizeof(what), "node %.40s", entry->d_name);
		closedir(dir);
		return what;
	}
	if (dir)
		closedir(dir);
	return NULL;
}

static long insmod_once(const char *image, size_t size, int n, bool *injected)
{
	long ret;

	arm(n);
	ret = result(syscall(SYS_init_module, image, size, "ports=fault-a,fault-b"));
	*injected = disarm();
	return ret;
}

/* How many points there are before the module has a say: it refuses this mode at once. */
static int points_before_init(const char *image, size_t size)
{
	char text[16] = "";
	long ret;

	arm(POINTS_MAX);
	ret = result(syscall(SYS_init_module, image, size, "port_mode=01000"));
	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0 || ret != -EINVAL)
		say("a bad port_mode: %ld, fail-nth \"%s\"", ret, text);
	disarm();
	/* A few come after the refusal; so begin a little earlier. */
	return POINTS_MAX - atoi(text) - 20;
}

/* Loaded in spite of the fault: then all of it is there, and works. */
static const char *works_at_all(void)
{
	struct stat st;
	char c;
	int fd;

	if (stat(CONTROL_NODE, &st) || (st.st_mode & 0777) != 0666)
		return "the control node";
	fd = open_node("fault-b", O_RDWR);
	if (fd < 0)
		return "the node of a port";
	if (put(fd, "x", 1) != 1 || get(fd, &c, 1) != 1)
		return "a message";
	close(fd);
	return NULL;
}

static int insmod_all(const char *image, size_t size)
{
	int n, stride = number_from("FAULTS_STRIDE", 1), loads = 0, errors[134] = {}, i;
	int before = points_before_init(image, size);
	bool injected = true;
	const char *wrong;
	long ret;

	for (n = 1; injected; n += !injected ? 0 : n < before ? stride : 1) {
		ret = insmod_once(image, size, n, &injected);
		errors[ret < -133 ? 133 : -ret]++;
		loads++;
		wrong = ret ? left_over() : works_at_all();
		if (!ret && result(syscall(SYS_delete_module, "mailbox_dev", 0)))
			wrong = "it cannot be unloaded";
		else if (!ret && !wrong)
			wrong = left_over();
		if (wrong || (ret && !injected)) {
			say("fault %d: insmod returned %ld; wrong: %s", n, ret, wrong);
			return 1;
		}
	}
	report("%d of %d faults; the first %d come before the module's own", loads - 1, n - 1,
	       before);
	for (i = 0; i < 134; i++)
		if (errors[i])
			say("%s %d times", i ? strerror(i) : "loaded", errors[i]);
	return 0;
}

static __attribute__((constructor)) void insmod_with_faults(void)
{
	const char *path = getenv("FAULTS_MODULE");
	struct stat st;
	char *image = NULL;
	int fd;

	if (!path)
		return;
	puts("TAP version 13\n1..1");
	if (!kernel_injects()) {
		puts("ok 1 insmod # SKIP " NO_INJECTION);
		exit(0);
	}
	if (!can_inject())
		exit(1);
	/* The kernel's tracing warns when it has no memory for a module's events. */
	puts("# provokes: WARNING: .* at event_define_fields\\+");
	fd = open(path, O_RDONLY);
	if (fd >= 0 && !fstat(fd, &st))
		image = malloc(st.st_size);
	if (!image || read(fd, image, st.st_size) != st.st_size) {
		perror(path);
		exit(1);
	}
	if (insmod_all(image, st.st_size)) {
		puts("not ok 1 insmod loads or leaves nothing behind");
		exit(1);
	}
	puts("ok 1 insmod loads or leaves nothing behind");
	exit(0);
}

TEST_HARNESS_MAIN
