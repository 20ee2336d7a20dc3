// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a port: what becomes of messages, sleepers and the name.
 */
#include "stuck.h"

#include <sys/epoll.h>

/* What children did, seen by the parent. */
struct tally {
	int taken[4096];
	volatile int wrong;
};

/* A named port that is deleted in the test; two slots on each of two lanes. */
FIXTURE(doomed)
{
	char name[MAILBOX_NAME_SIZE];
	int tx;
	int rx;
	int both;
};

FIXTURE_SETUP(doomed)
{
	umask(0);
	strcpy(self->name, port_name("doomed"));
	self->both = create(self->name, .flags = MAILBOX_EXCLUSIVE, .message_size = 64,
			    .capacity = 4, .lanes = 2, .mode = 0666);
	ASSERT_LE(0, self->both);
	self->tx = open_port(self->name, O_WRONLY);
	ASSERT_LE(0, self->tx);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(doomed)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
	close(self->both);
	close(self->tx);
	close(self->rx);
}

static int events_of(int fd)
{
	struct pollfd p = {
		.fd = fd, .events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI,
	};

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

static bool node_exists(const char *name)
{
	return !access(node_of(name), F_OK);
}

/* Drain: senders. */

TEST_F(doomed, write_after_delete_is_eidrm)
{
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(-EIDRM, put_text(self->both, "x"));
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_sent);
}

TEST_F(doomed, writev_after_delete_is_eidrm)
{
	struct iovec iov[] = { { "he", 2 }, { "llo", 3 } };

	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, result(writev(self->tx, iov, 2)));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(doomed, send_after_delete_is_eidrm)
{
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", MAILBOX_NO_WAIT));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", MAILBOX_FOREVER));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", in_ms(10000)));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", 1));
	EXPECT_EQ(-EIDRM, send_on(self->tx, 1, "x"));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(doomed, send_to_a_full_deleted_port_is_eidrm)
{
	EXPECT_EQ(4, fill_lane(self->tx, 0));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", MAILBOX_NO_WAIT));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", MAILBOX_FOREVER));
	set_nonblock(self->tx, true);
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(4, info_of(self->rx).depth);
}

TEST_F(doomed, nonblocking_send_after_delete_is_eidrm)
{
	set_nonblock(self->tx, true);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(-EIDRM, send_until(self->tx, "x", MAILBOX_FOREVER));
}

TEST_F(doomed, slot_released_after_delete_is_not_for_senders)
{
	EXPECT_EQ(4, fill_lane(self->tx, 0));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(3, info_of(self->rx).depth);
}

TEST_F(doomed, refused_sends_do_not_keep_receivers_from_the_end)
{
	int i;

	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_NO_WAIT));
}

TEST_F(doomed, blocked_senders_wake_with_eidrm_all_of_them)
{
	pid_t child[12];
	int i;

	EXPECT_EQ(4, fill_lane(self->tx, 0));
	EXPECT_EQ(4, fill_lane(self->tx, 1));
	for (i = 0; i < 12; i++) {
		child[i] = spawn();
		if (!child[i]) {
			struct mailbox_message m = message(.data = address("x"), .length = 1,
							   .lane = i % 2,
							   .deadline = MAILBOX_FOREVER);
			struct iovec iov = { "x", 1 };

			if (i % 3 == 0)
				leave(put_text(self->tx, "x"));
			if (i % 3 == 1)
				leave(result(writev(self->tx, &iov, 1)));
			leave(send_message(self->tx, &m));
		}
	}
	EXPECT_TRUE(wait_senders(self->rx, 12));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 12; i++)
		EXPECT_EQ(-EIDRM, reap(child[i]));
	EXPECT_EQ(0, info_of(self->rx).waiting_senders);
	EXPECT_EQ(8, info_of(self->rx).depth);
	EXPECT_EQ(8, info_of(self->rx).messages_sent);
}

/* Drain: receivers. */

TEST_F(doomed, receivers_take_what_is_left_in_order_and_then_get_eidrm)
{
	char in[8];

	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(0, send_on(self->tx, 1, "two"));
	EXPECT_EQ(0, send_on(self->tx, 0, "last"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_MESSAGE("one", self->rx);
	EXPECT_MESSAGE("two", self->both);
	EXPECT_EQ(3, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, memcmp("low", in, 3));
	EXPECT_EQ(4, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, memcmp("last", in, 4));
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(-EIDRM, get(self->both, in, sizeof(in)));
	EXPECT_EQ(0, info_of(self->rx).messages_dropped);
	EXPECT_EQ(4, info_of(self->rx).messages_received);
}

TEST_F(doomed, receive_from_a_deleted_empty_port_is_eidrm_however_it_is_called)
{
	char in[8];
	struct iovec iov = { in, sizeof(in) };

	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(-EIDRM, result(readv(self->rx, &iov, 1)));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, in, sizeof(in), MAILBOX_NO_WAIT));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, in, sizeof(in), 1));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, in, sizeof(in), MAILBOX_FOREVER));
	set_nonblock(self->rx, true);
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
}

TEST_F(doomed, blocked_receivers_wake_with_eidrm_all_of_them)
{
	pid_t child[12];
	char in[8];
	int i;

	for (i = 0; i < 12; i++) {
		child[i] = spawn();
		if (!child[i]) {
			struct iovec iov = { in, sizeof(in) };

			if (i % 3 == 0)
				leave(get(self->rx, in, sizeof(in)));
			if (i % 3 == 1)
				leave(result(readv(self->rx, &iov, 1)));
			leave(receive_until(self->both, in, sizeof(in), MAILBOX_FOREVER));
		}
	}
	EXPECT_TRUE(wait_receivers(self->tx, 12));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 12; i++)
		EXPECT_EQ(-EIDRM, reap(child[i]));
	EXPECT_EQ(0, info_of(self->tx).waiting_receivers);
}

TEST_F(doomed, receiver_asleep_for_an_empty_lane_wakes_with_eidrm_although_another_has_messages)
{
	pid_t child;
	char in[8];

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "zero"));
	child = spawn();
	if (!child)
		leave(get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(child));
	EXPECT_MESSAGE("zero", self->both);
}

TEST_F(doomed, receiver_with_empty_lanes_finds_the_rest_after_set_lanes)
{
	char in[8];

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "zero"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, set_lanes(self->rx, ~0U, 0));
	EXPECT_MESSAGE("zero", self->rx);
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
}

TEST_F(doomed, short_buffer_after_delete_is_emsgsize_and_keeps_the_message)
{
	char in[8];

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, in, 2));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 64));
	EXPECT_MESSAGE("hello", self->both);
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
}

TEST_F(doomed, sender_is_told_after_delete_and_its_close)
{
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in));
	__u32 id = info_of(self->tx).endpoint;

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	close(self->tx);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(id, m.sender);
	EXPECT_EQ(getpid(), m.pid);
}

#define DRAIN_MESSAGES 2048

static void drain(int fd, struct tally *t, int how)
{
	for (;;) {
		__u32 value;
		long ret;

		if (how == 1)	/* every third try is a bad one */
			get(fd, nowhere(), 64);
		if (how == 2)
			ret = receive_until(fd, &value, 4, MAILBOX_FOREVER);
		else
			ret = get(fd, &value, 4);
		if (ret == -EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			poll(&p, 1, 10000);
			continue;
		}
		if (ret == -EIDRM)
			leave(0);
		if (ret != 4 || value >= DRAIN_MESSAGES)
			leave(ret < 0 ? ret : 1);
		__atomic_fetch_add(&t->taken[value], 1, __ATOMIC_RELAXED);
	}
}

/* Four receivers, of which one misbehaves, one polls; asleep, or awake, before the delete. */
TEST(several_receivers_drain_every_message_once_and_all_end_with_eidrm)
{
	const char *name = port_name("drain");
	struct tally *t = shared_pages(8);
	int fd, gate[2], i, round;
	__u32 value;

	for (round = 0; round < 4; round++) {
		pid_t child[4];

		memset(t, 0, sizeof(*t));
		ASSERT_EQ(0, pipe(gate));
		fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = 8,
			    .capacity = DRAIN_MESSAGES);
		ASSERT_LE(0, fd);
		for (i = 0; i < 4; i++) {
			child[i] = spawn();
			if (!child[i]) {
				int own = open_port(name, O_RDONLY | (i == 3 ? O_NONBLOCK : 0));
				char byte;

				/* Ready, and off when the gate closes. */
				__atomic_fetch_add(&t->wrong, 1, __ATOMIC_SEQ_CST);
				close(gate[1]);
				if (round % 2)
					read(gate[0], &byte, 1);
				drain(own, t, i);
			}
		}
		EXPECT_TRUE(wait_until(t->wrong == 4));
		if (!(round % 2))
			EXPECT_TRUE(wait_receivers(fd, 3));
		for (value = 0; value < DRAIN_MESSAGES; value++)
			ASSERT_EQ(4, put(fd, &value, 4));
		close(gate[1]);
		EXPECT_EQ(0, delete_port(name, 0));
		for (i = 0; i < 4; i++)
			EXPECT_EQ(0, reap(child[i]));
		for (value = 0; value < DRAIN_MESSAGES; value++)
			ASSERT_EQ(1, t->taken[value]) {
				TH_LOG("message %u", value);
			}
		EXPECT_EQ(0, info_of(fd).depth);
		EXPECT_EQ(DRAIN_MESSAGES, info_of(fd).messages_received);
		close(fd);
		close(gate[0]);
	}
}

/* What was accepted is delivered, what was refused is not, whenever the delete comes. */
TEST(delete_among_senders_and_receivers_keeps_the_account)
{
	const char *name = port_name("account");
	int round, i;

	for (round = 0; round < 20; round++) {
		struct tally *t = shared_pages(8);
		int fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = 8,
				.capacity = 4), sum = 0;
		pid_t sender[3], receiver[3];
		struct mailbox_info info;

		ASSERT_LE(0, fd);
		for (i = 0; i < 3; i++) {
			sender[i] = spawn();
			if (!sender[i]) {
				int own = open_port(name, O_WRONLY);
				long ret;

				while ((ret = put_text(own, "x")) == 1)
					__atomic_fetch_add(&t->taken[i], 1, __ATOMIC_RELAXED);
				leave(ret);
			}
			receiver[i] = spawn();
			if (!receiver[i]) {
				int own = open_port(name, O_RDONLY);
				char in[8];
				long ret;

				while ((ret = get(own, in, sizeof(in))) == 1)
					__atomic_fetch_add(&t->taken[8 + i], 1,
							   __ATOMIC_RELAXED);
				leave(ret);
			}
		}
		EXPECT_TRUE(wait_until(t->taken[8] && t->taken[9] && t->taken[10] &&
				       t->taken[0] && t->taken[1] && t->taken[2]));
		EXPECT_EQ(0, delete_port(name, round % 2 ? MAILBOX_DELETE_PURGE : 0));
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(-EIDRM, reap(sender[i]));
			EXPECT_EQ(-EIDRM, reap(receiver[i]));
			sum += t->taken[i] - t->taken[8 + i];
		}
		info = info_of(fd);
		EXPECT_EQ(info.messages_dropped, sum);
		EXPECT_EQ(0, info.depth);
		EXPECT_EQ(info.messages_sent, info.messages_received + info.messages_dropped);
		if (!(round % 2))
			EXPECT_EQ(0, info.messages_dropped);
		close(fd);
		munmap((void *)t, 8 * getpagesize());
	}
}

/* Purge. */

TEST_F(doomed, purge_is_eidrm_at_once_and_counts_what_it_dropped)
{
	char in[8];

	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 1, "b"));
	EXPECT_EQ(0, send_on(self->tx, 1, "c"));
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EIDRM, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, in, sizeof(in), MAILBOX_NO_WAIT));
	EXPECT_EQ(-EIDRM, put_text(self->tx, "x"));
	EXPECT_EQ(2, info_of(self->rx).messages_dropped);
	EXPECT_EQ(1, info_of(self->rx).messages_received);
	EXPECT_EQ(3, info_of(self->rx).messages_sent);
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(doomed, purge_of_an_empty_port_drops_nothing)
{
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(0, info_of(self->rx).messages_dropped);
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_NO_WAIT));
}

TEST_F(doomed, purge_of_a_full_port_drops_all)
{
	EXPECT_EQ(4, fill_lane(self->tx, 0));
	EXPECT_EQ(4, fill_lane(self->tx, 1));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(8, info_of(self->rx).messages_dropped);
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_NO_WAIT));
}

TEST_F(doomed, purge_wakes_blocked_senders_with_eidrm)
{
	pid_t child[4];
	int i;

	EXPECT_EQ(4, fill_lane(self->tx, 0));
	for (i = 0; i < 4; i++) {
		child[i] = spawn();
		if (!child[i])
			leave(put_text(self->tx, "x"));
	}
	EXPECT_TRUE(wait_senders(self->rx, 4));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EIDRM, reap(child[i]));
	EXPECT_EQ(4, info_of(self->rx).messages_dropped);
	EXPECT_EQ(4, info_of(self->rx).messages_sent);
}

TEST_F(doomed, purge_wakes_blocked_receivers_with_eidrm)
{
	pid_t child[4];
	char in[8];
	int i;

	for (i = 0; i < 4; i++) {
		child[i] = spawn();
		if (!child[i])
			leave(get(self->rx, in, sizeof(in)));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 4));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EIDRM, reap(child[i]));
}

TEST_F(doomed, purge_drops_a_message_that_a_receiver_failed_to_store)
{
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(5, put_text(self->tx, "other"));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 64));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(2, info_of(self->rx).messages_dropped);
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_NO_WAIT));
}

/* The name. */

TEST_F(doomed, name_and_node_are_gone_when_the_call_returns)
{
	EXPECT_TRUE(node_exists(self->name));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_FALSE(node_exists(self->name));
	EXPECT_EQ(-ENOENT, open_port(self->name, O_RDONLY));
	EXPECT_EQ(-ENOENT, open_node(self->name, O_RDONLY));
	EXPECT_EQ(-ENOENT, delete_port(self->name, 0));
}

TEST_F(doomed, name_may_be_created_anew_while_the_old_port_drains)
{
	int anew;

	EXPECT_EQ(3, put_text(self->tx, "old"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	anew = create(self->name, .flags = MAILBOX_EXCLUSIVE, .message_size = 8, .capacity = 2);
	ASSERT_LE(0, anew);
	EXPECT_TRUE(node_exists(self->name));
	EXPECT_EQ(3, put_text(anew, "new"));
	EXPECT_EQ(-EIDRM, put_text(self->tx, "old"));
	EXPECT_MESSAGE("old", self->rx);
	EXPECT_MESSAGE("new", anew);
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_NO_WAIT));
	EXPECT_NO_MESSAGE(anew);
	EXPECT_EQ(MAILBOX_STATE_DELETED, info_of(self->rx).state);
	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(anew).state);
	/* The end of the old one is not the end of the new one. */
	close(self->both);
	close(self->tx);
	close(self->rx);
	EXPECT_TRUE(node_exists(self->name));
	EXPECT_EQ(3, put_text(anew, "new"));
}

TEST_F(doomed, last_close_of_an_old_autodelete_port_leaves_the_new_one)
{
	const char *name = port_name("auto");
	int old = create(name, .flags = MAILBOX_AUTODELETE), anew;

	ASSERT_LE(0, old);
	EXPECT_EQ(0, delete_port(name, 0));
	anew = create(name, .flags = MAILBOX_AUTODELETE | MAILBOX_EXCLUSIVE);
	ASSERT_LE(0, anew);
	close(old);
	EXPECT_TRUE(node_exists(name));
	EXPECT_EQ(1, put_text(anew, "x"));
}

TEST_F(doomed, a_descriptor_outlives_the_port_and_info_tells)
{
	struct mailbox_info info;

	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(self->rx).state);
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	info = info_of(self->rx);
	EXPECT_EQ(MAILBOX_STATE_DELETED, info.state);
	EXPECT_EQ(1, info.depth);
	EXPECT_EQ(3, info.endpoints);
	EXPECT_STREQ(self->name, info.name);
	EXPECT_EQ(64, info.message_size);
}

TEST_F(doomed, the_port_goes_with_its_last_close_after_delete)
{
	__u32 ports = query().ports;

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ports, query().ports);
	close(self->tx);
	close(self->rx);
	EXPECT_EQ(ports, query().ports);
	close(self->both);
	EXPECT_TRUE(wait_until(query().ports == ports - 1));
}

TEST(delete_without_descriptors_ends_the_port_at_once)
{
	const char *name = port_name("idle");
	__u32 ports = query().ports;
	int fd = create(name);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, put_text(fd, "x"));
	close(fd);
	EXPECT_TRUE(node_exists(name));
	EXPECT_EQ(0, delete_port(name, 0));
	EXPECT_TRUE(wait_until(query().ports == ports));
}

/* Who may, and how. */

TEST(delete_of_an_unknown_name_is_enoent)
{
	EXPECT_EQ(-ENOENT, delete_port(port_name("unknown"), 0));
	EXPECT_EQ(-ENOENT, delete_port(port_name("unknown"), MAILBOX_DELETE_PURGE));
}

TEST_F(doomed, delete_with_unknown_flags_is_einval)
{
	int bit;

	for (bit = 2; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, delete_port(self->name, 1U << bit));
	EXPECT_EQ(-EINVAL, delete_port(self->name, ~0U));
	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(self->rx).state);
}

TEST(delete_of_a_bad_name_is_einval)
{
	struct mailbox_delete arg = { .size = sizeof(arg) };

	EXPECT_EQ(-EINVAL, delete_port("", 0));
	EXPECT_EQ(-EINVAL, delete_port("control", 0));
	EXPECT_EQ(-EINVAL, delete_port(".", 0));
	EXPECT_EQ(-EINVAL, delete_port("a/b", 0));
	memset(arg.name, 'n', sizeof(arg.name));
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_DELETE, &arg));
}

TEST_F(doomed, delete_with_bytes_behind_the_name_is_einval)
{
	struct mailbox_delete arg = { .size = sizeof(arg) };

	copy_name(arg.name, self->name);
	arg.name[MAILBOX_NAME_MAX] = 'x';
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_DELETE, &arg));
	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(self->rx).state);
}

TEST(delete_with_a_bad_pointer_is_efault)
{
	EXPECT_EQ(-EFAULT, control_call(MAILBOX_IOC_DELETE, nowhere()));
}

TEST_F(doomed, delete_is_not_a_call_of_a_port)
{
	struct mailbox_delete arg = { .size = sizeof(arg) };

	copy_name(arg.name, self->name);
	EXPECT_EQ(-ENOTTY, result(ioctl(self->both, MAILBOX_IOC_DELETE, &arg)));
}

TEST_F(doomed, delete_by_somebody_else_is_eperm)
{
	EXPECT_EQ(-EPERM, ended(become(NOBODY, NOBODY); leave(delete_port(self->name, 0));));
	EXPECT_EQ(-EPERM, ended(become(NOBODY, NOBODY);
				leave(delete_port(self->name, MAILBOX_DELETE_PURGE));));
	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(self->rx).state);
	EXPECT_TRUE(node_exists(self->name));
}

TEST(owner_without_privilege_may_delete)
{
	const char *name = port_name("owned");

	EXPECT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		if (create(name) < 0)
			leave(1);
		leave(delete_port(name, 0));
	));
}

/* Root is the owner of what root creates: so a user's port, and root without the rest. */
TEST(cap_ipc_owner_decides_for_ports_of_others)
{
	const char *name = port_name("others");

	EXPECT_EQ(0, ended(become(SOMEBODY, SOMEBODY); leave(create(name) < 0);));
	EXPECT_EQ(-EPERM, ended(drop_capability(CAP_IPC_OWNER); leave(delete_port(name, 0));));
	EXPECT_EQ(-EPERM, ended(become(NOBODY, NOBODY); leave(delete_port(name, 0));));
	EXPECT_EQ(0, ended(
		int cap;

		for (cap = 0; cap <= CAP_LAST_CAP; cap++)
			if (cap != CAP_IPC_OWNER)
				drop_capability(cap);
		leave(delete_port(name, 0));
	));
	EXPECT_EQ(-ENOENT, delete_port(name, 0));
}

/* Write permission for the port is not permission to end it. */
TEST_F(doomed, mode_bits_do_not_allow_delete)
{
	EXPECT_EQ(-EPERM, ended(
		become(NOBODY, NOBODY);
		if (open_port(self->name, O_RDWR) < 0)
			leave(1);
		leave(delete_port(self->name, 0));
	));
}

/* poll. */

TEST_F(doomed, poll_of_a_reader_with_messages_left_is_pollin_and_pollhup)
{
	EXPECT_EQ(0, events_of(self->rx));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLIN | POLLRDNORM | POLLHUP, events_of(self->rx));
}

TEST_F(doomed, poll_of_a_reader_with_nothing_left_is_pollerr_and_pollhup)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->rx));
}

TEST_F(doomed, poll_of_a_writer_is_pollerr_and_pollhup)
{
	EXPECT_EQ(POLLOUT | POLLWRNORM, events_of(self->tx));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->tx));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->tx));
}

TEST_F(doomed, poll_of_both_with_messages_left_is_pollin_pollerr_and_pollhup)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLIN | POLLRDNORM | POLLERR | POLLHUP, events_of(self->both));
	EXPECT_MESSAGE("x", self->both);
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->both));
}

TEST_F(doomed, poll_looks_at_the_endpoints_lanes_after_delete)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLERR | POLLHUP, events_of(self->rx));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 0, 0));
	EXPECT_EQ(POLLIN | POLLRDNORM | POLLHUP, events_of(self->rx));
}

TEST_F(doomed, sleeping_polls_wake_at_delete)
{
	pid_t reader = spawn(), writer;
	struct pollfd p;

	/* POLLHUP and POLLERR come unasked. */
	if (!reader) {
		p = (struct pollfd) { .fd = self->rx };
		leave(poll(&p, 1, -1) == 1 ? p.revents : 0);
	}
	EXPECT_EQ(4, fill_lane(self->tx, 0));
	writer = spawn();
	if (!writer) {
		p = (struct pollfd) { .fd = self->tx, .events = POLLOUT };
		leave(poll(&p, 1, -1) == 1 ? p.revents : 0);
	}
	EXPECT_TRUE(wait_until(state_of(reader) == 'S' && asleep_in(reader, SYS_poll)));
	EXPECT_TRUE(wait_until(state_of(writer) == 'S' && asleep_in(writer, SYS_poll)));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(POLLERR | POLLHUP, reap(reader));
	EXPECT_EQ(POLLERR | POLLHUP, reap(writer));
}

/* Others take the last message: who was told of it must learn that none comes. */
TEST_F(doomed, edge_comes_when_the_last_message_goes)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->rx, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, event.events);
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_MESSAGE("x", self->both);
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 10000));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, event.events);
}

/* A receiver that is stuck in a page fault. */

TEST_F(doomed, delete_while_a_receiver_is_stuck_keeps_its_message_for_others)
{
	struct stuck *stuck;
	char in[8];

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(5, put_text(self->tx, "first"));
	EXPECT_EQ(6, put_text(self->tx, "second"));
	stuck = stuck_reader(self->rx, 64);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(2, info_of(self->both).depth);
	EXPECT_MESSAGE("first", self->both);
	EXPECT_MESSAGE("second", self->both);
	EXPECT_EQ(-EIDRM, get(self->both, in, sizeof(in)));
	stuck->go_on = 1;
	EXPECT_EQ(-EIDRM, reap(stuck->pid));
	EXPECT_EQ(2, info_of(self->both).messages_received);
}

TEST_F(doomed, stuck_receiver_gets_its_message_after_delete_if_nobody_else_did)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(5, put_text(self->tx, "first"));
	stuck = stuck_reader(self->rx, 64);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(0, delete_port(self->name, 0));
	stuck->go_on = 1;
	EXPECT_EQ(5, reap(stuck->pid));
	EXPECT_EQ(0, memcmp("first", stuck->data, 5));
	EXPECT_EQ(-EIDRM, receive_until(self->both, NULL, 0, MAILBOX_NO_WAIT));
}

TEST_F(doomed, purge_while_a_receiver_is_stuck_drops_its_message)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(5, put_text(self->tx, "first"));
	stuck = stuck_reader(self->rx, 64);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EIDRM, receive_until(self->both, NULL, 0, MAILBOX_NO_WAIT));
	stuck->go_on = 1;
	EXPECT_EQ(-EIDRM, reap(stuck->pid));
	EXPECT_EQ(1, info_of(self->both).messages_dropped);
	EXPECT_EQ(0, info_of(self->both).messages_received);
}

TEST_F(doomed, killing_a_stuck_receiver_after_delete_leaves_its_message)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(5, put_text(self->tx, "first"));
	stuck = stuck_reader(self->rx, 64);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(0, delete_port(self->name, 0));
	kill(stuck->pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(stuck->pid));
	EXPECT_MESSAGE("first", self->both);
	EXPECT_EQ(-EIDRM, receive_until(self->both, NULL, 0, MAILBOX_NO_WAIT));
}

TEST_F(doomed, delete_while_a_sender_is_stuck_is_eidrm_for_it)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	stuck = stuck_writer(self->tx, 64);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, receive_until(self->rx, NULL, 0, MAILBOX_FOREVER));
	stuck->go_on = 1;
	EXPECT_EQ(-EIDRM, reap(stuck->pid));
	EXPECT_EQ(0, info_of(self->rx).messages_sent);
}

/* The end without a delete. */

TEST(autodelete_port_goes_with_its_last_close)
{
	const char *name = port_name("auto");
	__u32 ports = query().ports;
	int fd = create(name, .flags = MAILBOX_AUTODELETE), other;

	ASSERT_LE(0, fd);
	other = open_port(name, O_RDONLY);
	ASSERT_LE(0, other);
	close(fd);
	EXPECT_TRUE(node_exists(name));
	close(other);
	EXPECT_FALSE(node_exists(name));
	EXPECT_EQ(-ENOENT, open_port(name, O_RDONLY));
	EXPECT_TRUE(wait_until(query().ports == ports));
}

TEST(autodelete_port_goes_with_its_messages)
{
	const char *name = port_name("auto");
	__u32 ports = query().ports;
	int fd = create(name, .flags = MAILBOX_AUTODELETE), n;

	n = fill_lane(fd, 0);
	EXPECT_EQ(MAILBOX_CAPACITY_DEFAULT, n);
	close(fd);
	EXPECT_TRUE(wait_until(query().ports == ports));
	fd = create(name, .flags = MAILBOX_AUTODELETE | MAILBOX_EXCLUSIVE);
	ASSERT_LE(0, fd);
	EXPECT_NO_MESSAGE(fd);
	EXPECT_EQ(0, info_of(fd).messages_sent);
}

TEST(autodelete_port_goes_when_its_last_user_is_killed)
{
	const char *name = port_name("auto");
	__u32 ports = query().ports;
	pid_t child = spawn();

	if (!child) {
		int fd = create(name, .flags = MAILBOX_AUTODELETE);
		char in[8];

		put_text(fd, "x");
		set_lanes(fd, 1, 0);
		get(fd, in, sizeof(in));
		leave(get(fd, in, sizeof(in)));
	}
	EXPECT_TRUE(wait_until(node_exists(name) && asleep_in(child, SYS_read)));
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
	EXPECT_TRUE(wait_until(!node_exists(name)));
	EXPECT_TRUE(wait_until(query().ports == ports));
}

TEST(autodelete_port_goes_when_sleepers_of_many_threads_are_killed)
{
	const char *name = port_name("auto");
	__u32 ports = query().ports;
	int fd = create(name, .flags = MAILBOX_AUTODELETE, .capacity = 2, .lanes = 2), i;
	pid_t child[6];
	char in[8];

	ASSERT_LE(0, fd);
	EXPECT_EQ(2, fill_lane(fd, 0));
	EXPECT_EQ(0, set_lanes(fd, 1 << 1, 0));
	for (i = 0; i < 6; i++) {
		child[i] = spawn();
		if (!child[i])
			leave(i % 2 ? get(fd, in, sizeof(in)) : put_text(fd, "x"));
	}
	EXPECT_TRUE(wait_receivers(fd, 3));
	EXPECT_TRUE(wait_senders(fd, 3));
	close(fd);
	EXPECT_TRUE(node_exists(name));
	for (i = 0; i < 6; i++)
		kill(child[i], SIGKILL);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(KILLED_BY(SIGKILL), reap(child[i]));
	EXPECT_TRUE(wait_until(!node_exists(name)));
	EXPECT_TRUE(wait_until(query().ports == ports));
}

/* The descriptor is closed while a thread is inside: the port ends when that returns. */
struct sleeping_thread {
	pthread_t thread;
	int fd;
	volatile long ret;
	volatile int ended;
};

static void *sleeping_thread_main(void *arg)
{
	struct sleeping_thread *t = arg;
	char in[8];

	t->ret = get(t->fd, in, sizeof(in));
	__atomic_store_n(&t->ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

TEST(autodelete_port_stays_while_a_thread_sleeps_in_it)
{
	const char *name = port_name("auto");
	struct sleeping_thread t = { .fd = create(name, .flags = MAILBOX_AUTODELETE) };
	int other;

	ASSERT_LE(0, t.fd);
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, sleeping_thread_main, &t));
	EXPECT_TRUE(wait_receivers(t.fd, 1));
	close(t.fd);
	EXPECT_TRUE(node_exists(name));
	other = open_port(name, O_WRONLY);
	ASSERT_LE(0, other);
	EXPECT_EQ(1, put_text(other, "x"));
	EXPECT_TRUE(wait_until(t.ended));
	EXPECT_EQ(1, t.ret);
	close(other);
	EXPECT_TRUE(wait_until(!node_exists(name)));
}

TEST(autodelete_port_may_be_deleted_before)
{
	const char *name = port_name("auto");
	__u32 ports = query().ports;
	int fd = create(name, .flags = MAILBOX_AUTODELETE);

	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_EQ(0, delete_port(name, 0));
	EXPECT_FALSE(node_exists(name));
	EXPECT_MESSAGE("x", fd);
	EXPECT_EQ(-EIDRM, receive_until(fd, NULL, 0, MAILBOX_NO_WAIT));
	close(fd);
	EXPECT_TRUE(wait_until(query().ports == ports));
}

TEST(port_without_autodelete_stays_with_its_messages)
{
	const char *name = port_name("stays");
	int fd = create(name);

	EXPECT_EQ(5, put_text(fd, "hello"));
	close(fd);
	fd = open_port(name, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_MESSAGE("hello", fd);
	EXPECT_EQ(0, delete_port(name, 0));
}

TEST(nameless_port_ends_with_its_last_close)
{
	__u32 ports = query().ports;
	int fd = create(NULL), copy;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_EQ(ports + 1, query().ports);
	copy = dup(fd);
	close(fd);
	EXPECT_EQ(ports + 1, query().ports);
	EXPECT_MESSAGE("x", copy);
	close(copy);
	EXPECT_TRUE(wait_until(query().ports == ports));
}

TEST(nameless_port_ends_when_its_last_holder_is_killed)
{
	__u32 ports = query().ports;
	int fd = create(NULL);
	pid_t child;
	char in[8];

	ASSERT_LE(0, fd);
	child = spawn();
	if (!child)
		leave(get(fd, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(fd, 1));
	close(fd);
	EXPECT_EQ(ports + 1, query().ports);
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
	EXPECT_TRUE(wait_until(query().ports == ports));
}

/* The same name over and over, with somebody always inside. */
TEST(create_and_delete_a_thousand_times)
{
	const char *name = port_name("again");
	__u32 ports = query().ports;
	char in[8];
	int i, fd;

	for (i = 0; i < 1000; i++) {
		fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = 8, .capacity = 2);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, put_text(fd, "x"));
		ASSERT_EQ(0, delete_port(name, i % 2 ? MAILBOX_DELETE_PURGE : 0));
		ASSERT_EQ(i % 2 ? -EIDRM : 1, receive_until(fd, in, sizeof(in), 0));
		close(fd);
	}
	EXPECT_TRUE(wait_until(query().ports == ports));
}

TEST_HARNESS_MAIN
