// SPDX-License-Identifier: GPL-2.0
/*
 * Direct ports: one sender, one receiver. Who holds which end, what either is told
 * when the other has gone, and messages between ends that are mapped and ends that
 * are not.
 *
 *	DIRECT_ROUNDS=n	messages of each race for a wake-up, however long they take
 *	DIRECT_SEED=n	instead of a random one
 */
#include <sys/epoll.h>

#include "ring.h"
#include "storm.h"

#define BYTES		100U
#define SLOTS		4U
#define EVERYTHING	(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP)
#define READABLE	(POLLIN | POLLRDNORM)
#define WRITABLE	(POLLOUT | POLLWRNORM)

static int events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = EVERYTHING };
	int n = poll(&p, 1, 0);

	return n < 0 ? -errno : p.revents;
}

static long take_end(int fd, __u32 end)
{
	struct mailbox_end arg = { .size = sizeof(arg), .end = end };

	return result(ioctl(fd, MAILBOX_IOC_END, &arg));
}

/* The two directions of an ioctl that does not wait. */
static long try_send(int fd)
{
	return send_on(fd, 0, "x");
}

static long try_receive(int fd)
{
	char byte;

	return receive_until(fd, &byte, 1, MAILBOX_NO_WAIT);
}

/* A named direct port that nobody has open. */
FIXTURE(direct)
{
	char name[MAILBOX_NAME_SIZE];
};

static int make_direct(const char *name, int flags)
{
	return create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_DIRECT, .message_size = BYTES,
		      .capacity = SLOTS, .open_flags = flags, .mode = 0666);
}

/* ... and nobody has had. */
static long make_unused(const char *name)
{
	int fd = make_direct(name, O_RDWR);

	return fd < 0 ? fd : result(close(fd));
}

FIXTURE_SETUP(direct)
{
	umask(0);
	strcpy(self->name, port_name("direct"));
	ASSERT_EQ(0, make_unused(self->name));
}

FIXTURE_TEARDOWN(direct)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

#define OPEN(flags)	open_port(self->name, flags)

/* Both ends, not waiting. */
#define OPEN_BOTH(tx, rx) do {						\
	tx = OPEN(O_WRONLY | O_NONBLOCK);				\
	rx = OPEN(O_RDONLY | O_NONBLOCK);				\
	ASSERT_LE(0, tx);						\
	ASSERT_LE(0, rx);						\
} while (0)

/* Ends. */

TEST_F(direct, its_flag_and_feature_are_shown)
{
	int fd = OPEN(O_RDWR);

	EXPECT_EQ(MAILBOX_DIRECT, info_of(fd).flags);
	EXPECT_EQ(MAILBOX_FEATURE_DIRECT, query().features & MAILBOX_FEATURE_DIRECT);
}

TEST_F(direct, an_end_is_for_one)
{
	int tx = OPEN(O_WRONLY), rx;

	ASSERT_LE(0, tx);
	EXPECT_EQ(-EBUSY, OPEN(O_WRONLY));
	EXPECT_EQ(-EBUSY, open_node(self->name, O_WRONLY));
	rx = open_node(self->name, O_RDONLY);
	ASSERT_LE(0, rx);
	close(tx);
	EXPECT_EQ(-EBUSY, OPEN(O_RDONLY));
	EXPECT_LE(0, OPEN(O_WRONLY));
}

TEST_F(direct, a_third_endpoint_is_ebusy)
{
	int one = OPEN(O_RDWR), two = open_node(self->name, O_RDWR);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(-EBUSY, OPEN(O_RDWR));
	EXPECT_EQ(-EBUSY, OPEN(O_RDONLY));
	EXPECT_EQ(-EBUSY, open_node(self->name, O_WRONLY));
	EXPECT_EQ(2, info_of(one).endpoints);
	close(one);
	EXPECT_LE(0, OPEN(O_RDWR));
}

TEST_F(direct, the_first_send_decides_for_both)
{
	int one = OPEN(O_RDWR), two = OPEN(O_RDWR);

	EXPECT_EQ(0, info_of(one).sender);
	EXPECT_EQ(1, put(one, "x", 1));
	EXPECT_EQ(info_of(one).endpoint, info_of(two).sender);
	EXPECT_EQ(info_of(two).endpoint, info_of(one).receiver);
	EXPECT_EQ(-EBUSY, put(two, "x", 1));
	EXPECT_EQ(-EBUSY, try_send(two));
	EXPECT_EQ(-EBUSY, try_receive(one));
	EXPECT_MESSAGE("x", two);
}

TEST_F(direct, so_does_the_first_receive)
{
	int one = OPEN(O_RDWR), two = OPEN(O_RDWR);

	EXPECT_EQ(-EAGAIN, try_receive(one));
	EXPECT_EQ(-EBUSY, put(one, "x", 1));
	EXPECT_EQ(0, try_send(two));
	EXPECT_MESSAGE("x", one);
}

TEST_F(direct, who_opens_it_for_both_later_has_the_end_that_is_left)
{
	int rx = OPEN(O_RDONLY), both = OPEN(O_RDWR);
	char byte;

	EXPECT_EQ(info_of(both).endpoint, info_of(rx).sender);
	EXPECT_EQ(-EBUSY, get(both, &byte, 1));
	EXPECT_EQ(1, put(both, "x", 1));
}

TEST_F(direct, it_is_ebusy_the_other_way_though_nobody_else_is_there)
{
	int both = OPEN(O_RDWR);
	char byte;

	EXPECT_EQ(1, put(both, "x", 1));
	EXPECT_EQ(-EBUSY, get(both, &byte, 1));
	EXPECT_EQ(0, info_of(both).receiver);
}

TEST_F(direct, an_end_can_be_taken_by_ioctl)
{
	int one = OPEN(O_RDWR), two = OPEN(O_RDWR);

	EXPECT_EQ(-EINVAL, take_end(one, 0));
	EXPECT_EQ(-EINVAL, take_end(one, 3));
	EXPECT_EQ(0, take_end(one, MAILBOX_END_RECEIVE));
	EXPECT_EQ(0, take_end(one, MAILBOX_END_RECEIVE));
	EXPECT_EQ(-EBUSY, take_end(one, MAILBOX_END_SEND));
	EXPECT_EQ(-EBUSY, take_end(two, MAILBOX_END_RECEIVE));
	EXPECT_EQ(0, take_end(two, MAILBOX_END_SEND));
}

TEST_F(direct, an_end_that_the_descriptor_is_not_open_for_is_ebadf)
{
	int tx = OPEN(O_WRONLY);

	EXPECT_EQ(-EBADF, take_end(tx, MAILBOX_END_RECEIVE));
	EXPECT_EQ(-EBADF, try_receive(tx));
	EXPECT_EQ(0, take_end(tx, MAILBOX_END_SEND));
}

TEST_F(port, an_ordinary_port_has_no_ends)
{
	EXPECT_EQ(-EOPNOTSUPP, take_end(self->both, MAILBOX_END_SEND));
	EXPECT_EQ(0, info_of(self->both).sender);
}

TEST_F(direct, a_duplicate_is_the_same_endpoint)
{
	int one = OPEN(O_RDWR), again = dup(one), two = OPEN(O_RDWR);

	EXPECT_EQ(1, put(one, "x", 1));
	EXPECT_EQ(1, put(again, "y", 1));
	EXPECT_EQ(0, ended({
		leave(put(one, "z", 1) == 1 ? 0 : 1);
	}));
	close(one);
	EXPECT_MESSAGE("x", two);
	EXPECT_MESSAGE("y", two);
	EXPECT_MESSAGE("z", two);
	EXPECT_NO_MESSAGE(two);		/* it is open still */
	close(again);
	EXPECT_EQ(-EPIPE, try_receive(two));
}

TEST_F(direct, sysfs_and_fdinfo_tell_who_holds_what)
{
	int tx = OPEN(O_WRONLY), rx;
	char path[160], expected[32];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/sender", self->name);
	snprintf(expected, sizeof(expected), "%u\n", info_of(tx).endpoint);
	EXPECT_STREQ(expected, slurp(path));
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/receiver", self->name);
	EXPECT_STREQ("0\n", slurp(path));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", tx);
	EXPECT_TRUE(!!strstr(slurp(path), "\nmailbox-end:\tsend\n"));
	rx = OPEN(O_RDONLY);
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/receiver", self->name);
	snprintf(expected, sizeof(expected), "%u\n", info_of(rx).endpoint);
	EXPECT_STREQ(expected, slurp(path));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", rx);
	EXPECT_TRUE(!!strstr(slurp(path), "\nmailbox-end:\treceive\n"));
}

/* For one process alone. */

TEST(peer_pid_is_for_direct_ports_and_names_a_process)
{
	EXPECT_EQ(-EINVAL, create(NULL, .peer_pid = getpid()));
	EXPECT_EQ(-ESRCH, create(NULL, .flags = MAILBOX_DIRECT, .peer_pid = 0x7ffffff0));
	EXPECT_EQ(-ESRCH, create(NULL, .flags = MAILBOX_DIRECT, .peer_pid = ~0U));
}

TEST(only_the_peer_opens_the_other_end)
{
	const char *name = port_name("peer");
	int go[2], mine;
	pid_t peer;
	char byte;

	ASSERT_EQ(0, pipe(go));
	peer = spawn();
	if (!peer) {
		close(go[1]);
		byte = read(go[0], &byte, 1);
		mine = open_port(name, O_WRONLY);
		leave(mine < 0 ? mine : put(mine, "x", 1) == 1 ? 0 : 1);
	}
	mine = create(name, .flags = MAILBOX_DIRECT | MAILBOX_AUTODELETE, .peer_pid = peer,
		      .open_flags = O_RDONLY);
	ASSERT_LE(0, mine);
	EXPECT_EQ(-EPERM, ended({ leave(open_port(name, O_WRONLY)); }));
	EXPECT_EQ(-EPERM, ended({ leave(open_node(name, O_WRONLY)); }));
	EXPECT_EQ(-EPERM, ended({ leave(open_port(name, O_RDWR)); }));
	close(go[1]);
	EXPECT_EQ(0, reap(peer));
	EXPECT_MESSAGE("x", mine);
	/* And its creator may. */
	EXPECT_LE(0, open_port(name, O_WRONLY));
}

/* When the sender has gone. */

TEST_F(direct, before_there_was_a_sender_a_receiver_waits)
{
	int rx = OPEN(O_RDONLY | O_NONBLOCK);
	char byte;

	EXPECT_EQ(-EAGAIN, get(rx, &byte, 1));
	EXPECT_EQ(-EAGAIN, try_receive(rx));
	EXPECT_EQ(0, events_of(rx));
}

TEST_F(direct, after_the_last_message_of_a_sender_read_gives_0_and_receive_epipe)
{
	char byte;
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(0, events_of(rx));
	EXPECT_EQ(1, put(tx, "1", 1));
	EXPECT_EQ(1, put(tx, "2", 1));
	close(tx);
	EXPECT_EQ(READABLE | POLLRDHUP, events_of(rx));
	EXPECT_MESSAGE("1", rx);
	EXPECT_EQ(1, get(rx, &byte, 1));
	EXPECT_EQ('2', byte);
	EXPECT_EQ(POLLRDHUP | POLLHUP, events_of(rx));
	EXPECT_EQ(0, get(rx, &byte, 1));
	EXPECT_EQ(0, get(rx, &byte, 1));
	EXPECT_EQ(-EPIPE, try_receive(rx));
	EXPECT_EQ(-EPIPE, receive_until(rx, &byte, 1, MAILBOX_FOREVER));
}

TEST_F(direct, readv_gives_0_as_well)
{
	struct iovec v = { .iov_base = (char[4]){}, .iov_len = 4 };
	int tx, rx;

	OPEN_BOTH(tx, rx);
	close(tx);
	EXPECT_EQ(0, result(readv(rx, &v, 1)));
}

TEST_F(direct, until_there_is_a_new_sender)
{
	char byte;
	int tx, rx;

	OPEN_BOTH(tx, rx);
	close(tx);
	EXPECT_EQ(-EPIPE, try_receive(rx));
	tx = OPEN(O_WRONLY);
	EXPECT_EQ(-EAGAIN, get(rx, &byte, 1));
	EXPECT_EQ(0, events_of(rx));
	EXPECT_EQ(1, put(tx, "x", 1));
	EXPECT_MESSAGE("x", rx);
}

TEST_F(direct, a_receiver_that_comes_later_finds_the_end_too)
{
	int tx = OPEN(O_WRONLY), rx;

	EXPECT_EQ(1, put(tx, "x", 1));
	close(tx);
	rx = OPEN(O_RDONLY | O_NONBLOCK);
	EXPECT_MESSAGE("x", rx);
	EXPECT_EQ(-EPIPE, try_receive(rx));
}

TEST_F(direct, a_sleeping_reader_wakes_up_to_the_end)
{
	int tx = OPEN(O_WRONLY), rx = OPEN(O_RDONLY);
	pid_t reader = spawn(), receiver;
	char byte;

	if (!reader) {
		close(tx);
		leave(get(rx, &byte, 1));
	}
	ASSERT_TRUE(wait_receivers(rx, 1));
	receiver = spawn();
	if (!receiver) {
		close(tx);
		leave(receive_until(rx, &byte, 1, MAILBOX_FOREVER));
	}
	ASSERT_TRUE(wait_receivers(rx, 2));
	close(tx);
	EXPECT_EQ(0, reap(reader));
	EXPECT_EQ(-EPIPE, reap(receiver));
}

TEST_F(direct, poll_and_epoll_wake_up_to_the_end)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	int tx = OPEN(O_WRONLY), rx = OPEN(O_RDONLY), ep = epoll_create1(EPOLL_CLOEXEC);
	pid_t poller = spawn();

	if (!poller) {
		struct pollfd p = { .fd = rx, .events = POLLIN | POLLRDHUP };

		close(tx);
		leave(poll(&p, 1, -1) == 1 && p.revents == (POLLRDHUP | POLLHUP) ? 0 : 1);
	}
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, rx, &e));
	ASSERT_EQ(0, epoll_wait(ep, &e, 1, 0));
	ASSERT_TRUE(wait_until(asleep_in(poller, SYS_poll)));
	close(tx);
	EXPECT_EQ(0, reap(poller));
	ASSERT_EQ(1, epoll_wait(ep, &e, 1, 10000));
	EXPECT_EQ(EPOLLRDHUP | EPOLLHUP, e.events);
	EXPECT_EQ(0, epoll_wait(ep, &e, 1, 0));
}

TEST_F(direct, death_of_the_sender_is_its_close)
{
	int rx = OPEN(O_RDONLY);
	pid_t sender = spawn();
	char byte;

	if (!sender) {
		int tx = OPEN(O_WRONLY);

		put(tx, "x", 1);
		pause();
		leave(1);
	}
	EXPECT_EQ(1, get(rx, &byte, 1));
	kill(sender, SIGKILL);
	EXPECT_EQ(0, get(rx, &byte, 1));
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(sender));
}

/* When the receiver has gone. */

TEST_F(direct, before_there_was_a_receiver_messages_queue_up)
{
	int tx = OPEN(O_WRONLY | O_NONBLOCK), i, rx;

	for (i = 0; i < SLOTS; i++)
		EXPECT_EQ(1, put(tx, "x", 1));
	EXPECT_EQ(-EAGAIN, put(tx, "x", 1));
	EXPECT_EQ(0, events_of(tx));
	rx = OPEN(O_RDONLY);
	for (i = 0; i < SLOTS; i++)
		EXPECT_MESSAGE("x", rx);
	EXPECT_EQ(WRITABLE, events_of(tx));
}

TEST_F(direct, sends_to_a_receiver_that_has_gone_give_epipe_and_no_signal)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	catch_signal(SIGPIPE, 0);
	EXPECT_EQ(1, put(tx, "x", 1));
	EXPECT_MESSAGE("x", rx);
	close(rx);
	EXPECT_EQ(POLLERR | POLLHUP, events_of(tx));
	EXPECT_EQ(-EPIPE, put(tx, "x", 1));
	EXPECT_EQ(-EPIPE, try_send(tx));
	EXPECT_EQ(-EPIPE, send_until(tx, "x", MAILBOX_FOREVER));
	EXPECT_EQ(-EPIPE, result(writev(tx, &(struct iovec){ "x", 1 }, 1)));
	EXPECT_EQ(0, signals_seen);
	EXPECT_EQ(0, info_of(tx).depth);
}

TEST_F(direct, if_messages_were_left_unread_the_first_send_gives_econnreset_and_how_many)
{
	struct mailbox_message m = message(.data = address("x"), .length = 1);
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(3, fill_lane(tx, 0) - 1);
	EXPECT_MESSAGE("fill", rx);
	close(rx);
	EXPECT_EQ(-ECONNRESET, send_message(tx, &m));
	EXPECT_EQ(3, m.length);
	m.length = 1;
	EXPECT_EQ(-EPIPE, send_message(tx, &m));
	EXPECT_EQ(1, m.length);
	EXPECT_EQ(3, info_of(tx).depth);
}

TEST_F(direct, write_is_told_so_as_well)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(1, put(tx, "x", 1));
	close(rx);
	EXPECT_EQ(-ECONNRESET, put(tx, "x", 1));
	EXPECT_EQ(-EPIPE, put(tx, "x", 1));
}

TEST_F(direct, it_beats_eagain)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(SLOTS, fill_lane(tx, 0));
	EXPECT_EQ(-EAGAIN, try_send(tx));
	close(rx);
	EXPECT_EQ(-ECONNRESET, try_send(tx));
	EXPECT_EQ(-EPIPE, put(tx, "x", 1));
}

TEST_F(direct, a_new_receiver_gets_what_was_left_and_sends_go_on)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(1, put(tx, "1", 1));
	close(rx);
	rx = OPEN(O_RDONLY);
	EXPECT_EQ(WRITABLE, events_of(tx));
	EXPECT_EQ(1, put(tx, "2", 1));
	EXPECT_MESSAGE("1", rx);
	EXPECT_MESSAGE("2", rx);
	EXPECT_NO_MESSAGE(rx);
}

TEST_F(direct, a_new_sender_did_not_send_what_was_left)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(1, put(tx, "1", 1));
	close(rx);
	close(tx);
	tx = OPEN(O_WRONLY);
	EXPECT_EQ(-EPIPE, put(tx, "2", 1));
}

TEST_F(direct, a_sleeping_sender_wakes_up_to_the_end)
{
	int tx = OPEN(O_WRONLY), rx = OPEN(O_RDONLY);
	pid_t writer, sender;

	EXPECT_EQ(SLOTS, fill_lane(tx, 0));
	writer = spawn();
	if (!writer) {
		close(rx);
		leave(put(tx, "x", 1));
	}
	ASSERT_TRUE(wait_senders(tx, 1));
	close(rx);
	EXPECT_EQ(-ECONNRESET, reap(writer));
	rx = OPEN(O_RDONLY);
	sender = spawn();
	if (!sender) {
		close(rx);
		leave(send_until(tx, "x", MAILBOX_FOREVER));
	}
	ASSERT_TRUE(wait_senders(tx, 1));
	close(rx);
	EXPECT_EQ(-ECONNRESET, reap(sender));
}

TEST_F(direct, poll_of_a_full_sender_wakes_up_to_the_end)
{
	int tx = OPEN(O_WRONLY), rx = OPEN(O_RDONLY);
	pid_t poller;

	EXPECT_EQ(SLOTS, fill_lane(tx, 0));
	poller = spawn();
	if (!poller) {
		struct pollfd p = { .fd = tx, .events = POLLOUT };

		close(rx);
		leave(poll(&p, 1, -1) == 1 && p.revents == (POLLERR | POLLHUP) ? 0 : 1);
	}
	ASSERT_TRUE(wait_until(asleep_in(poller, SYS_poll)));
	close(rx);
	EXPECT_EQ(0, reap(poller));
}

/* Deleted. */

TEST_F(direct, deletion_beats_the_end)
{
	char byte;
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(1, put(tx, "x", 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, put(tx, "x", 1));
	EXPECT_MESSAGE("x", rx);
	EXPECT_EQ(-EIDRM, get(rx, &byte, 1));
	close(tx);
	EXPECT_EQ(-EIDRM, get(rx, &byte, 1));
	EXPECT_EQ(-EIDRM, try_receive(rx));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(rx));
}

TEST_F(direct, deletion_beats_a_receiver_that_has_gone)
{
	int tx, rx;

	OPEN_BOTH(tx, rx);
	EXPECT_EQ(1, put(tx, "x", 1));
	close(rx);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, put(tx, "x", 1));
	EXPECT_EQ(-EIDRM, try_send(tx));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(tx));
}

/* An end, mapped or not. The mapped one does as <linux/mailbox_ring.h> says. */
struct end {
	int fd;
	bool mapped;
	struct ring r;
};

/* What the ring leaves to a system call. */
#define BY_CALL	(-EREMOTE)
#define OVER	(MAILBOX_WAITERS_CLOSED | MAILBOX_WAITERS_GONE)

static long end_open(struct end *e, const char *name, __u32 which, bool mapped, int flags)
{
	long ret;

	memset(e, 0, sizeof(*e));
	e->mapped = mapped;
	e->fd = open_port(name, O_RDWR | flags);
	if (e->fd < 0)
		return e->fd;
	ret = take_end(e->fd, which);
	if (!ret && mapped)
		ret = ring_map(&e->r, e->fd);
	return ret;
}

static void end_close(struct end *e)
{
	if (e->mapped)
		ring_unmap(&e->r);
	close(e->fd);
}

static long direct_claim(struct ring *r, __u64 *position)
{
	__u64 word;

	if (mailbox_find_free(&r->lane[0], &r->send[0], &word) != MAILBOX_FIND_SLOT)
		return MAILBOX_LOAD(&r->shared->senders.word) & OVER ? BY_CALL : -EAGAIN;
	*position = r->send[0]++;
	mailbox_direct_claim(&r->lane[0], *position, r->owner);
	if (!(mailbox_direct_waiting(&r->shared->senders) & OVER))
		return 0;
	mailbox_direct_unclaim(&r->lane[0], *position);
	r->send[0]--;
	if (mailbox_direct_waiting(&r->shared->receivers) & MAILBOX_WAITERS_CLOSED)
		ring_kick(r, 1, 0);
	return BY_CALL;
}

static void direct_publish(struct ring *r, __u64 position)
{
	mailbox_direct_publish(&r->lane[0], position, r->sender);
	if (mailbox_direct_waiting(&r->shared->receivers))
		ring_kick(r, 1, 0);
}

static long direct_send(struct ring *r, const void *data, __u32 length)
{
	__u64 position;
	long ret = direct_claim(r, &position);

	if (ret)
		return ret;
	ring_fill(r, 0, position, data, length, 0);
	direct_publish(r, position);
	return 0;
}

/* The message in hand; it may be called again before it is released. */
static long direct_take(struct ring *r, struct ring_taken *t)
{
	__u64 word;

	if (MAILBOX_LOAD(&r->shared->lane[0].parked))
		return BY_CALL;
	if (mailbox_find_ready(&r->lane[0], &r->receive[0], &word) != MAILBOX_FIND_SLOT)
		return MAILBOX_LOAD(&r->shared->receivers.word) & OVER ? BY_CALL : -EAGAIN;
	t->lane = 0;
	t->position = r->receive[0]++;
	mailbox_direct_take(&r->lane[0], t->position, r->owner);
	t->header = mailbox_slot_read(&r->lane[0], t->position, &t->tag, &t->payload);
	t->length = (__u32)t->header;
	return 0;
}

static void direct_release(struct ring *r, const struct ring_taken *t)
{
	mailbox_direct_release(&r->lane[0], t->position);
	if (mailbox_direct_waiting(&r->shared->senders))
		ring_kick(r, 0, 1);
}

static long direct_receive(struct ring *r, void *data)
{
	struct ring_taken t;
	long ret = direct_take(r, &t);

	if (ret)
		return ret;
	memcpy(data, t.payload, t.length);
	direct_release(r, &t);
	return t.length;
}

/* 0 or -errno. Sleeps in the kernel, unless the descriptor does not wait. */
static long end_send(struct end *e, const void *data, __u32 length)
{
	long ret = e->mapped ? direct_send(&e->r, data, length) : BY_CALL;

	if (ret == BY_CALL || ret == -EAGAIN)
		ret = put(e->fd, data, length);
	return ret < 0 ? ret : 0;
}

/* The length, -EPIPE for the end of the stream, or -errno. */
static long end_receive(struct end *e, void *data)
{
	long ret = e->mapped ? direct_receive(&e->r, data) : BY_CALL;

	if (ret == BY_CALL || ret == -EAGAIN)
		ret = get(e->fd, data, BYTES) ?: -EPIPE;
	return ret;
}

/* Every mixture of ends that are mapped and ends that are not. */
FIXTURE(ends)
{
	char name[MAILBOX_NAME_SIZE];
	char back[MAILBOX_NAME_SIZE];
	struct end tx, rx;
};

FIXTURE_VARIANT(ends)
{
	bool tx, rx;
};

FIXTURE_VARIANT_ADD(ends, calls) { .tx = false, .rx = false };
FIXTURE_VARIANT_ADD(ends, mapped_sender) { .tx = true, .rx = false };
FIXTURE_VARIANT_ADD(ends, mapped_receiver) { .tx = false, .rx = true };
FIXTURE_VARIANT_ADD(ends, mapped) { .tx = true, .rx = true };

FIXTURE_SETUP(ends)
{
	strcpy(self->name, port_name("ends"));
	strcpy(self->back, port_name("back"));
	ASSERT_EQ(0, make_unused(self->name));
	ASSERT_EQ(0, make_unused(self->back));
}

FIXTURE_TEARDOWN(ends)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
	delete_port(self->back, MAILBOX_DELETE_PURGE);
}

#define SENDER(e, flags)	end_open(e, self->name, MAILBOX_END_SEND, variant->tx, flags)
#define RECEIVER(e, flags)	end_open(e, self->name, MAILBOX_END_RECEIVE, variant->rx, flags)

#define BOTH(flags) do {						\
	ASSERT_EQ(0, SENDER(&self->tx, flags));				\
	ASSERT_EQ(0, RECEIVER(&self->rx, flags));			\
} while (0)

#define EXPECT_END_MESSAGE(text, e) do {				\
	char __text[BYTES + 1] = "";					\
									\
	EXPECT_EQ((long)strlen(text), end_receive(e, __text));		\
	EXPECT_STREQ(text, __text);					\
} while (0)

TEST_F(ends, messages_go_through_in_order_lap_after_lap)
{
	char text[BYTES];
	int i;

	BOTH(O_NONBLOCK);
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "message %d", i);
		EXPECT_EQ(0, end_send(&self->tx, text, strlen(text)));
		if (i < 3)
			continue;
		snprintf(text, sizeof(text), "message %d", i - 3);
		EXPECT_END_MESSAGE(text, &self->rx);
	}
	EXPECT_EQ(0, end_send(&self->tx, "x", 1));
	EXPECT_EQ(-EAGAIN, end_send(&self->tx, "x", 1));
	EXPECT_EQ(SLOTS, info_of(self->rx.fd).depth);
	for (i = 0; i < SLOTS; i++)
		EXPECT_LT(0, end_receive(&self->rx, text));
	EXPECT_EQ(-EAGAIN, end_receive(&self->rx, text));
	EXPECT_EQ(21, info_of(self->rx.fd).messages_sent);
	EXPECT_EQ(21, info_of(self->rx.fd).messages_received);
	EXPECT_EQ(0, info_of(self->rx.fd).quarantined);
}

TEST_F(ends, the_receiver_is_told_that_the_sender_has_gone)
{
	char text[BYTES];

	BOTH(O_NONBLOCK);
	EXPECT_EQ(0, end_send(&self->tx, "last", 4));
	end_close(&self->tx);
	EXPECT_EQ(READABLE | POLLRDHUP, events_of(self->rx.fd));
	EXPECT_END_MESSAGE("last", &self->rx);
	EXPECT_EQ(-EPIPE, end_receive(&self->rx, text));
	EXPECT_EQ(POLLRDHUP | POLLHUP, events_of(self->rx.fd));
	ASSERT_EQ(0, SENDER(&self->tx, 0));
	EXPECT_EQ(-EAGAIN, end_receive(&self->rx, text));
	EXPECT_EQ(0, end_send(&self->tx, "first", 5));
	EXPECT_END_MESSAGE("first", &self->rx);
}

TEST_F(ends, the_sender_is_told_that_the_receiver_has_gone)
{
	char text[BYTES];
	int i;

	BOTH(O_NONBLOCK);
	EXPECT_EQ(0, end_send(&self->tx, "1", 1));
	end_close(&self->rx);
	EXPECT_EQ(-ECONNRESET, end_send(&self->tx, "x", 1));
	for (i = 0; i < 3 * SLOTS; i++)		/* whatever is left in the slots */
		EXPECT_EQ(-EPIPE, end_send(&self->tx, "x", 1));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->tx.fd));
	ASSERT_EQ(0, RECEIVER(&self->rx, O_NONBLOCK));
	EXPECT_EQ(0, end_send(&self->tx, "2", 1));
	EXPECT_END_MESSAGE("1", &self->rx);
	EXPECT_END_MESSAGE("2", &self->rx);
	EXPECT_EQ(-EAGAIN, end_receive(&self->rx, text));
}

TEST_F(ends, one_process_may_have_both)
{
	BOTH(0);
	EXPECT_EQ(variant->tx + variant->rx, info_of(self->tx.fd).mappings);
	EXPECT_EQ(0, end_send(&self->tx, "self", 4));
	EXPECT_END_MESSAGE("self", &self->rx);
}

TEST_F(ends, an_end_may_be_mapped_again)
{
	BOTH(0);
	EXPECT_EQ(0, end_send(&self->tx, "1", 1));
	if (variant->tx) {
		EXPECT_EQ(0, ring_unmap(&self->tx.r));
		EXPECT_EQ(1, put(self->tx.fd, "2", 1));
		EXPECT_EQ(0, ring_map(&self->tx.r, self->tx.fd));
	}
	if (variant->rx) {
		EXPECT_EQ(0, ring_unmap(&self->rx.r));
		EXPECT_EQ(0, ring_map(&self->rx.r, self->rx.fd));
	}
	EXPECT_EQ(0, end_send(&self->tx, "3", 1));
	EXPECT_END_MESSAGE("1", &self->rx);
	if (variant->tx)
		EXPECT_END_MESSAGE("2", &self->rx);
	EXPECT_END_MESSAGE("3", &self->rx);
}

TEST_F(ends, sleepers_are_woken_by_messages_and_slots)
{
	char text[BYTES];
	pid_t other;

	other = spawn();
	if (!other) {
		ASSERT_EQ(0, RECEIVER(&self->rx, 0));
		leave(end_receive(&self->rx, text));
	}
	ASSERT_EQ(0, SENDER(&self->tx, 0));
	ASSERT_TRUE(wait_receivers(self->tx.fd, 1));
	EXPECT_EQ(0, end_send(&self->tx, "four", 4));
	EXPECT_EQ(4, reap(other));
	end_close(&self->tx);
	ASSERT_EQ(0, RECEIVER(&self->rx, 0));
	other = spawn();
	if (!other) {
		int i;

		ASSERT_EQ(0, SENDER(&self->tx, 0));
		for (i = 0; i < SLOTS; i++)
			end_send(&self->tx, "x", 1);
		leave(end_send(&self->tx, "y", 1));
	}
	ASSERT_TRUE(wait_senders(self->rx.fd, 1));
	EXPECT_EQ(1, end_receive(&self->rx, text));
	EXPECT_EQ(0, reap(other));
	EXPECT_EQ(SLOTS, info_of(self->rx.fd).depth);
}

TEST_F(ends, sleepers_are_woken_by_the_end)
{
	char text[BYTES];
	pid_t other;
	int i;

	ASSERT_EQ(0, SENDER(&self->tx, 0));
	other = spawn();
	if (!other) {
		close(self->tx.fd);
		ASSERT_EQ(0, RECEIVER(&self->rx, 0));
		leave(end_receive(&self->rx, text));
	}
	ASSERT_TRUE(wait_receivers(self->tx.fd, 1));
	end_close(&self->tx);
	EXPECT_EQ(-EPIPE, reap(other));
	ASSERT_EQ(0, RECEIVER(&self->rx, 0));
	other = spawn();
	if (!other) {
		close(self->rx.fd);
		ASSERT_EQ(0, SENDER(&self->tx, 0));
		for (i = 0; i < SLOTS; i++)
			end_send(&self->tx, "x", 1);
		leave(end_send(&self->tx, "y", 1));
	}
	ASSERT_TRUE(wait_senders(self->rx.fd, 1));
	end_close(&self->rx);
	EXPECT_EQ(-ECONNRESET, reap(other));
}

TEST_F(ends, sleepers_are_woken_by_deletion)
{
	char text[BYTES];
	pid_t receiver = spawn();

	if (!receiver) {
		ASSERT_EQ(0, RECEIVER(&self->rx, 0));
		leave(end_receive(&self->rx, text));
	}
	ASSERT_EQ(0, SENDER(&self->tx, 0));
	ASSERT_TRUE(wait_receivers(self->tx.fd, 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(receiver));
	EXPECT_EQ(-EIDRM, end_send(&self->tx, "x", 1));
}

TEST_F(ends, a_full_port_that_is_deleted_is_eidrm)
{
	int i;

	BOTH(O_NONBLOCK);
	for (i = 0; i < SLOTS; i++)
		EXPECT_EQ(0, end_send(&self->tx, "x", 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, end_send(&self->tx, "x", 1));
}

TEST_F(ends, poll_and_edge_triggered_epoll_see_what_is_sent_and_what_is_free)
{
	struct epoll_event out = { .events = EPOLLOUT | EPOLLET };
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int in_ep = epoll_create1(EPOLL_CLOEXEC), out_ep = epoll_create1(EPOLL_CLOEXEC), i;
	char text[BYTES];

	BOTH(O_NONBLOCK);
	ASSERT_EQ(0, epoll_ctl(in_ep, EPOLL_CTL_ADD, self->rx.fd, &e));
	ASSERT_EQ(0, epoll_ctl(out_ep, EPOLL_CTL_ADD, self->tx.fd, &out));
	EXPECT_EQ(0, epoll_wait(in_ep, &e, 1, 0));
	EXPECT_EQ(1, epoll_wait(out_ep, &out, 1, 0));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, end_send(&self->tx, "x", 1));
		EXPECT_EQ(1, epoll_wait(in_ep, &e, 1, 0));
		EXPECT_EQ(EPOLLIN, e.events);
		EXPECT_EQ(0, epoll_wait(in_ep, &e, 1, 0));
		EXPECT_EQ(READABLE, events_of(self->rx.fd));
		EXPECT_EQ(1, end_receive(&self->rx, text));
		EXPECT_EQ(0, events_of(self->rx.fd));
		epoll_wait(in_ep, &e, 1, 0);
	}
	while (!end_send(&self->tx, "x", 1))
		;
	EXPECT_EQ(0, events_of(self->tx.fd));
	epoll_wait(out_ep, &out, 1, 0);
	EXPECT_EQ(1, end_receive(&self->rx, text));
	EXPECT_EQ(1, epoll_wait(out_ep, &out, 1, 0));
	EXPECT_EQ(WRITABLE, events_of(self->tx.fd));
}

TEST_F(ends, sigio_comes_with_a_message)
{
	BOTH(O_NONBLOCK);
	catch_signal(SIGIO, SA_RESTART);
	fcntl(self->rx.fd, F_SETOWN, getpid());
	fcntl(self->rx.fd, F_SETFL, fcntl(self->rx.fd, F_GETFL) | O_ASYNC);
	signals_seen = 0;
	EXPECT_EQ(0, end_send(&self->tx, "x", 1));
	EXPECT_TRUE(wait_until(signals_seen == 1));
}

/* Races for a wake-up: were one lost, both would sleep for ever. */

/*
 * Each is over after so many messages or, for what another processor takes to be
 * interrupted differs by a factor of a thousand from one machine to the next, seconds.
 */
struct race {
	__u64 most, begin, end, n;
};

static struct race race_begin(void)
{
	__u64 now = clock_ns(CLOCK_MONOTONIC), most = number_from("DIRECT_ROUNDS", 0);
	struct race race = { most ?: 100000 * effort(), now, now + 2000000000ULL * effort() };

	if (most)
		race.end = ~0ULL;
	return race;
}

static bool race_on(struct race *race)
{
	if (race->n == race->most || clock_ns(CLOCK_MONOTONIC) > race->end)
		return false;
	race->n++;
	return true;
}

#define REPORT_RACE(race) \
	report("%s %s: %llu messages, %llu ns each", _metadata->name, variant->tx ? \
	       variant->rx ? "(both mapped)" : "(sender mapped)" : \
	       variant->rx ? "(receiver mapped)" : "(by calls)", (race).n, \
	       (clock_ns(CLOCK_MONOTONIC) - (race).begin) / (race).n)

/* Something else to do, for some nanoseconds. */
static void dawdle(__u32 most)
{
	volatile __u32 n = below(most + 1);

	while (n)
		n--;
}

/* Gives back what comes, until nothing does any more. */
static long echo(struct end *there, struct end *back)
{
	__u64 got;
	long ret;

	while ((ret = end_receive(there, &got)) == sizeof(got)) {
		dawdle(40);
		ret = end_send(back, &got, sizeof(got));
		if (ret)
			return ret;
	}
	return ret;
}

TEST_F(ends, ping_pong_never_stops)
{
	struct end there, back;
	struct race race;
	pid_t other;
	__u64 got;

	seed_from("DIRECT_SEED");
	other = spawn();
	if (!other) {
		dice += getpid();
		if (end_open(&back, self->back, MAILBOX_END_SEND, variant->rx, 0) ||
		    end_open(&there, self->name, MAILBOX_END_RECEIVE, variant->rx, 0))
			leave(1);
		leave(echo(&there, &back));
	}
	ASSERT_EQ(0, end_open(&there, self->name, MAILBOX_END_SEND, variant->tx, 0));
	ASSERT_EQ(0, end_open(&back, self->back, MAILBOX_END_RECEIVE, variant->tx, 0));
	race = race_begin();
	while (race_on(&race)) {
		ASSERT_EQ(0, end_send(&there, &race.n, sizeof(race.n)));
		ASSERT_EQ(sizeof(got), end_receive(&back, &got));
		ASSERT_EQ(race.n, got);
	}
	REPORT_RACE(race);
	end_close(&there);
	EXPECT_EQ(-EPIPE, reap(other));
}

/* Sends numbers from 1 on. The last one is on the first page of @last. */
static pid_t stream(const char *name, bool mapped, __u32 dawdling, __u64 *last)
{
	pid_t pid = spawn();
	struct race race;
	struct end tx;

	if (pid)
		return pid;
	dice += getpid();
	if (end_open(&tx, name, MAILBOX_END_SEND, mapped, 0))
		leave(1);
	race = race_begin();
	while (race_on(&race)) {
		if (end_send(&tx, &race.n, sizeof(race.n)))
			leave(2);
		*last = race.n;
		if (one_in(4))
			dawdle(dawdling);
	}
	leave(0);
}

TEST_F(ends, neither_a_full_nor_an_empty_port_stops_a_stream)
{
	__u64 *last = shared_pages(1), next = 1, got;
	struct race race;
	pid_t other;

	seed_from("DIRECT_SEED");
	other = stream(self->name, variant->tx, 400, last);
	race = race_begin();
	ASSERT_EQ(0, RECEIVER(&self->rx, 0));
	while (end_receive(&self->rx, &got) == sizeof(got)) {
		ASSERT_EQ(next++, got);
		if (one_in(4))
			dawdle(400);
	}
	EXPECT_EQ(0, reap(other));
	EXPECT_EQ(*last, race.n = next - 1);
	REPORT_RACE(race);
}

/* The receiver watches by epoll, edge-triggered, and reads until there is nothing. */
TEST_F(ends, nor_does_a_watcher_sleep_beside_a_message)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	__u64 *last = shared_pages(1), next = 1, got;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct race race;
	pid_t other;
	long ret = 0;

	seed_from("DIRECT_SEED");
	other = stream(self->name, variant->tx, 100, last);
	race = race_begin();
	ASSERT_EQ(0, RECEIVER(&self->rx, O_NONBLOCK));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->rx.fd, &e));
	while (ret != -EPIPE) {
		ASSERT_EQ(1, epoll_wait(ep, &e, 1, 60000));
		while ((ret = end_receive(&self->rx, &got)) == sizeof(got))
			ASSERT_EQ(next++, got);
		ASSERT_TRUE(ret == -EPIPE || ret == -EAGAIN);
	}
	EXPECT_EQ(0, reap(other));
	EXPECT_EQ(*last, race.n = next - 1);
	REPORT_RACE(race);
}

/*
 * The race itself, without the sleep: poll() makes itself seen, has the barrier made and
 * looks; the other makes an event and looks for who waits. One of the two has to see
 * the other. To keep the event on its way for as long as can be, there are stores in
 * front of it to lines that the other processor has.
 */
#define LINES	32

struct duel {
	__u32 go, done;
	__u64 seen;
	char lines[LINES][64] __attribute__((aligned(64)));
};

static void duel_wait(__u32 *word, __u32 value)
{
	__u32 n = 0;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		if (++n % 4096 == 0)
			sched_yield();
}

static void duel_lines(struct duel *duel, __u32 round)
{
	int i;

	for (i = 0; i < LINES; i++)
		__atomic_store_n(&duel->lines[i][0], round, __ATOMIC_RELAXED);
}

/* The child: an event each round, which is a message, or a free slot. */
static void duel_events(struct ring *r, struct duel *duel, bool message)
{
	struct ring_taken t = { 0 };
	__u64 position = 0;
	__u32 round;

	for (round = 1;; round++) {
		if (message ? direct_claim(r, &position) : direct_take(r, &t))
			leave(2);
		__atomic_store_n(&duel->done, round - 1, __ATOMIC_RELEASE);
		duel_wait(&duel->go, round);
		dawdle(1500);
		duel_lines(duel, round);
		if (message) {
			mailbox_direct_publish(&r->lane[0], position, r->sender);
			duel->seen = mailbox_direct_waiting(&r->shared->receivers);
		} else {
			mailbox_direct_release(&r->lane[0], t.position);
			duel->seen = mailbox_direct_waiting(&r->shared->senders);
		}
		__atomic_store_n(&duel->done, ~round, __ATOMIC_RELEASE);
		duel_wait(&duel->go, ~round);
	}
}

#define DUEL(message) do {						\
	struct duel *duel = shared_pages(2);				\
	int fd = (message) ? self->rx.fd : self->tx.fd;			\
	struct pollfd p = { .fd = fd, .events = (message) ? POLLIN : POLLOUT }; \
	__u64 neither = 0, missed = 0;					\
	struct race race;						\
	pid_t other;							\
									\
	seed_from("DIRECT_SEED");					\
	duel->done = 1;		/* it has yet to come, which wakes us */ \
	other = spawn();						\
	if (!other) {							\
		struct end e;						\
									\
		dice += getpid();					\
		if (end_open(&e, self->name, (message) ? MAILBOX_END_SEND : \
			     MAILBOX_END_RECEIVE, true, 0))		\
			leave(1);					\
		duel_events(&e.r, duel, message);			\
	}								\
	for (race = race_begin(); race_on(&race);) {			\
		__u32 round = race.n;					\
		int n;							\
									\
		duel_wait(&duel->done, round - 1);			\
		duel_lines(duel, 0);					\
		__atomic_store_n(&duel->go, round, __ATOMIC_RELEASE);	\
		dawdle(100);						\
		n = poll(&p, 1, 0);					\
		duel_wait(&duel->done, ~round);				\
		missed += !n;						\
		neither += !n && !duel->seen;				\
		kick(fd, 1, 1);		/* disarms */			\
		if (message) {						\
			char byte;					\
									\
			get(fd, &byte, 1);				\
		} else {						\
			put(fd, "x", 1);				\
		}							\
		__atomic_store_n(&duel->go, ~round, __ATOMIC_RELEASE);	\
	}								\
	report("%s: %llu rounds, %llu looks came too early", _metadata->name, race.n, missed); \
	EXPECT_EQ(0, neither);						\
	kill(other, SIGKILL);						\
	reap(other);							\
} while (0)

FIXTURE(duel)
{
	char name[MAILBOX_NAME_SIZE];
	struct end tx, rx;
};

FIXTURE_SETUP(duel)
{
	strcpy(self->name, port_name("duel"));
	ASSERT_EQ(0, make_unused(self->name));
}

FIXTURE_TEARDOWN(duel)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

TEST_F(duel, a_message_or_its_receiver_is_seen)
{
	ASSERT_EQ(0, end_open(&self->rx, self->name, MAILBOX_END_RECEIVE, false, O_NONBLOCK));
	DUEL(true);
}

TEST_F(duel, a_free_slot_or_its_sender_is_seen)
{
	ASSERT_EQ(0, end_open(&self->tx, self->name, MAILBOX_END_SEND, false, O_NONBLOCK));
	fill_lane(self->tx.fd, 0);
	DUEL(false);
}

/* Deleted, while messages flow: what was sent is received, no more and no less. */

TEST_F(ends, deleted_under_way_what_was_sent_is_received)
{
	int n = much(100), i;

	seed_from("DIRECT_SEED");
	for (i = 0; i < n; i++) {
		volatile __u64 *sent = shared_pages(1);
		__u64 got, next = 0;
		pid_t other;
		long ret;

		ASSERT_EQ(0, RECEIVER(&self->rx, 0));
		other = spawn();
		if (!other) {
			close(self->rx.fd);
			if (SENDER(&self->tx, 0))
				leave(1);
			do {
				got = *sent;
				ret = end_send(&self->tx, &got, sizeof(got));
				if (!ret)
					*sent = got + 1;
			} while (!ret);
			leave(ret);
		}
		ASSERT_TRUE(wait_until(info_of(self->rx.fd).sender));
		dawdle(20000);
		if (one_in(2))
			ASSERT_EQ(0, delete_port(self->name, 0));
		while ((ret = end_receive(&self->rx, &got)) == sizeof(got)) {
			ASSERT_EQ(next++, got);
			if (one_in(64))
				delete_port(self->name, 0);
		}
		EXPECT_EQ(-EIDRM, ret);
		EXPECT_EQ(-EIDRM, reap(other));
		EXPECT_EQ(next, *sent);
		end_close(&self->rx);
		munmap((void *)sent, getpagesize());
		ASSERT_EQ(0, make_unused(self->name));
	}
}

/* Departure. */

TEST_F(ends, a_killed_sender_leaves_whole_messages_in_order)
{
	int n = much(100), i;

	seed_from("DIRECT_SEED");
	ASSERT_EQ(0, RECEIVER(&self->rx, 0));
	for (i = 0; i < n; i++) {
		__u64 got, next = 0;
		pid_t other = spawn();
		long ret;

		if (!other) {
			if (SENDER(&self->tx, 0))
				leave(1);
			for (got = 0; !end_send(&self->tx, &got, sizeof(got)); got++)
				;
			leave(2);
		}
		ASSERT_TRUE(wait_until(info_of(self->rx.fd).sender));
		dawdle(20000);
		kill(other, SIGKILL);
		while ((ret = end_receive(&self->rx, &got)) == sizeof(got))
			ASSERT_EQ(next++, got);
		ASSERT_EQ(-EPIPE, ret);
		ASSERT_EQ(KILLED_BY(SIGKILL), reap(other));
	}
}

/* What it had in its hands comes again, marked; all else as if nothing had happened. */
TEST_F(ends, after_a_killed_receiver_the_next_one_goes_on)
{
	volatile __u64 *done = shared_pages(1);
	__u64 n = much(100), i, got;
	pid_t sender = spawn();

	seed_from("DIRECT_SEED");
	if (!sender) {
		if (SENDER(&self->tx, 0))
			leave(1);
		for (i = 0;; i++) {
			long ret;

			/* Nobody is there: a while later somebody is. */
			while ((ret = end_send(&self->tx, &i, sizeof(i))) == -EPIPE ||
			       ret == -ECONNRESET)
				sched_yield();
			if (ret)
				leave(ret);
		}
	}
	*done = ~0ULL;
	for (i = 0; i < n; i++) {
		pid_t other = spawn();
		__u64 before = *done;

		if (!other) {
			if (RECEIVER(&self->rx, 0))
				leave(1);
			for (;;) {
				long ret = end_receive(&self->rx, &got);

				/* Killed in between: that one comes, or has gone, whole. */
				if (ret != sizeof(got))
					leave(2);
				if (got != *done + 1 && !(before == *done && got == before + 2))
					leave(3);
				*done = got;
				before = 0;
			}
		}
		ASSERT_TRUE(wait_until(*done != before));
		dawdle(20000);
		kill(other, SIGKILL);
		ASSERT_EQ(KILLED_BY(SIGKILL), reap(other));
	}
	kill(sender, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(sender));
}

/* Mapped ends alone */

static long evict(const char *name, __u32 endpoint)
{
	struct mailbox_evict arg = { .size = sizeof(arg), .endpoint = endpoint };

	copy_name(arg.name, name);
	return control_call(MAILBOX_IOC_EVICT, &arg);
}

static struct mailbox_holder holder_of(const char *name)
{
	struct mailbox_holder arg = { .size = sizeof(arg) };

	copy_name(arg.name, name);
	control_call(MAILBOX_IOC_HOLDER, &arg);
	return arg;
}

FIXTURE(mapped)
{
	char name[MAILBOX_NAME_SIZE];
	struct end tx, rx;
};

FIXTURE_SETUP(mapped)
{
	strcpy(self->name, port_name("mapped"));
	ASSERT_EQ(0, make_unused(self->name));
	ASSERT_EQ(0, end_open(&self->tx, self->name, MAILBOX_END_SEND, true, O_NONBLOCK));
	ASSERT_EQ(0, end_open(&self->rx, self->name, MAILBOX_END_RECEIVE, true, O_NONBLOCK));
}

FIXTURE_TEARDOWN(mapped)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

#define EXPECT_REDELIVERED(text, fd_) do {				\
	char __data[BYTES] = "";					\
	struct mailbox_message __m = message(.data = address(__data), .length = BYTES); \
									\
	EXPECT_EQ(0, receive_message(fd_, &__m));			\
	EXPECT_EQ(MAILBOX_MSG_REDELIVERED, __m.flags & MAILBOX_MSG_REDELIVERED); \
	EXPECT_EQ(1, __m.flags >> MAILBOX_MSG_DEPARTED_SHIFT);		\
	EXPECT_STREQ(text, __data);					\
} while (0)

TEST_F(mapped, the_words_say_who_has_gone)
{
	EXPECT_EQ(0, self->rx.r.shared->receivers.word);
	end_close(&self->tx);
	EXPECT_EQ(MAILBOX_WAITERS_GONE, self->rx.r.shared->receivers.word);
	EXPECT_EQ(0, self->rx.r.shared->senders.word);
	ASSERT_EQ(0, end_open(&self->tx, self->name, MAILBOX_END_SEND, true, O_NONBLOCK));
	EXPECT_EQ(0, self->rx.r.shared->receivers.word);
	end_close(&self->rx);
	EXPECT_EQ(MAILBOX_WAITERS_GONE, self->tx.r.shared->senders.word);
	EXPECT_EQ(0, self->tx.r.shared->receivers.word);
}

TEST_F(mapped, what_an_end_has_in_its_hands_is_told)
{
	struct ring_taken t;
	__u64 position;

	EXPECT_EQ(0, direct_send(&self->tx.r, "1", 1));
	EXPECT_EQ(0, direct_claim(&self->tx.r, &position));
	EXPECT_EQ(1, holder_of(self->name).writing);
	end_close(&self->tx);
	EXPECT_EQ(0, direct_take(&self->rx.r, &t));
	EXPECT_EQ(1, holder_of(self->name).reading);
	direct_release(&self->rx.r, &t);
	EXPECT_EQ(0, holder_of(self->name).reading);
}

TEST_F(mapped, what_a_departed_sender_was_writing_is_void)
{
	__u64 position;

	EXPECT_EQ(0, direct_send(&self->tx.r, "1", 1));
	EXPECT_EQ(0, direct_claim(&self->tx.r, &position));
	end_close(&self->tx);
	EXPECT_END_MESSAGE("1", &self->rx);
	EXPECT_EQ(1, info_of(self->rx.fd).messages_sent);
	ASSERT_EQ(0, end_open(&self->tx, self->name, MAILBOX_END_SEND, true, 0));
	EXPECT_EQ(0, direct_send(&self->tx.r, "2", 1));
	EXPECT_END_MESSAGE("2", &self->rx);
}

TEST_F(mapped, what_a_departed_receiver_was_reading_comes_again_marked)
{
	struct ring_taken t;

	EXPECT_EQ(0, direct_send(&self->tx.r, "1", 1));
	EXPECT_EQ(0, direct_send(&self->tx.r, "2", 1));
	EXPECT_EQ(0, direct_take(&self->rx.r, &t));
	EXPECT_EQ(0, direct_take(&self->rx.r, &t));
	end_close(&self->rx);
	ASSERT_EQ(0, end_open(&self->rx, self->name, MAILBOX_END_RECEIVE, true, O_NONBLOCK));
	EXPECT_EQ(BY_CALL, direct_take(&self->rx.r, &t));
	EXPECT_REDELIVERED("1", self->rx.fd);
	EXPECT_REDELIVERED("2", self->rx.fd);
	EXPECT_EQ(2, info_of(self->rx.fd).redelivered);
	EXPECT_EQ(0, direct_send(&self->tx.r, "3", 1));
	EXPECT_END_MESSAGE("3", &self->rx);
}

TEST_F(mapped, an_evicted_receiver_goes_on_by_system_calls)
{
	__u32 id = info_of(self->rx.fd).endpoint;
	struct ring_taken t;

	EXPECT_EQ(0, direct_send(&self->tx.r, "1", 1));
	EXPECT_EQ(0, direct_send(&self->tx.r, "2", 1));
	EXPECT_EQ(0, direct_take(&self->rx.r, &t));
	EXPECT_EQ(0, evict(self->name, id));
	EXPECT_REDELIVERED("1", self->rx.fd);
	EXPECT_MESSAGE("2", self->rx.fd);
	EXPECT_EQ(id, info_of(self->tx.fd).receiver);
	EXPECT_EQ(0, direct_send(&self->tx.r, "3", 1));
	EXPECT_MESSAGE("3", self->rx.fd);
}

TEST_F(mapped, so_does_an_evicted_sender)
{
	__u64 position;

	EXPECT_EQ(0, direct_claim(&self->tx.r, &position));
	EXPECT_EQ(0, evict(self->name, info_of(self->tx.fd).endpoint));
	EXPECT_EQ(1, put(self->tx.fd, "2", 1));
	EXPECT_END_MESSAGE("2", &self->rx);
}

TEST_F(mapped, a_sleeper_is_woken_beside_what_an_evicted_sender_claimed)
{
	__u32 id = info_of(self->tx.fd).endpoint;
	__u64 position;
	pid_t reader;
	char byte;

	EXPECT_EQ(0, direct_claim(&self->tx.r, &position));
	EXPECT_EQ(0, direct_send(&self->tx.r, "x", 1));
	reader = spawn();
	if (!reader) {
		set_nonblock(self->rx.fd, false);
		leave(get(self->rx.fd, &byte, 1));
	}
	ASSERT_TRUE(wait_receivers(self->tx.fd, 1));
	EXPECT_EQ(0, evict(self->name, id));
	EXPECT_EQ(1, reap(reader));
}

TEST_F(mapped, in_place_the_kernel_hands_out_slots_and_messages)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_IN_PLACE);
	struct ring_taken t;

	EXPECT_EQ(0, send_message(self->tx.fd, &m));
	ring_fill(&self->tx.r, 0, m.ticket, "in place", 8, 0);
	direct_publish(&self->tx.r, m.ticket);
	m = message(.flags = MAILBOX_RECV_IN_PLACE);
	EXPECT_EQ(0, receive_message(self->rx.fd, &m));
	EXPECT_EQ(8, m.length);
	t.position = m.ticket;
	direct_release(&self->rx.r, &t);
	EXPECT_EQ(1, info_of(self->rx.fd).messages_received);
	m = message(.flags = MAILBOX_SEND_IN_PLACE);
	EXPECT_EQ(-EBUSY, send_message(self->rx.fd, &m));
}

TEST_F(mapped, a_forked_child_has_no_mapping_and_is_the_same_endpoint)
{
	EXPECT_EQ(KILLED_BY(SIGSEGV), ended({
		MAILBOX_LOAD(&self->tx.r.shared->senders.word);
	}));
	EXPECT_EQ(1, ended({ leave(put(self->tx.fd, "x", 1)); }));
	EXPECT_END_MESSAGE("x", &self->rx);
}

TEST_F(mapped, a_purge_leaves_nothing)
{
	char text[BYTES];

	EXPECT_EQ(0, direct_send(&self->tx.r, "x", 1));
	EXPECT_EQ(0, direct_send(&self->tx.r, "x", 1));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EIDRM, end_receive(&self->rx, text));
	EXPECT_EQ(2, info_of(self->rx.fd).messages_dropped);
}

TEST_HARNESS_MAIN
