// SPDX-License-Identifier: GPL-2.0
/*
 * Direct ports: one sender, one receiver. Who holds which end, what either is told
 * when the other has gone, and messages between ends that are mapped and ends that
 * are not.
 *
 *	DIRECT_ROUNDS=n	round trips of each race for a wake-up
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ring.h"

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

FIXTURE_SETUP(direct)
{
	int fd;

	umask(0);
	strcpy(self->name, port_name("direct"));
	fd = make_direct(self->name, O_RDWR);
	ASSERT_LE(0, fd);
	close(fd);
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
	int tx = OPEN(O_WRONLY);
	char path[160], expected[32];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/sender", self->name);
	snprintf(expected, sizeof(expected), "%u\n", info_of(tx).endpoint);
	EXPECT_STREQ(expected, slurp(path));
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/receiver", self->name);
	EXPECT_STREQ("0\n", slurp(path));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", tx);
	EXPECT_TRUE(!!strstr(slurp(path), "\nmailbox-end:\tsend\n"));
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

TEST_HARNESS_MAIN
