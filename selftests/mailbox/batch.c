// SPDX-License-Identifier: GPL-2.0
/*
 * Several messages by one call: MAILBOX_IOC_SEND_BATCH and MAILBOX_IOC_RECEIVE_BATCH.
 */
#include <sys/epoll.h>

#include "receipts.h"
#include "ring.h"
#include "stuck.h"

#define MANY	8U

/* Poisoned answers, no waiting. */
struct messages {
	struct mailbox_batch batch;
	struct mailbox_vector vectors[MANY];
	struct mailbox_detail details[MANY];
	char data[MANY][FIXTURE_MESSAGE];
};

static long send_batch(int fd, struct mailbox_batch *b)
{
	return result(ioctl(fd, MAILBOX_IOC_SEND_BATCH, b));
}

static long receive_batch(int fd, struct mailbox_batch *b)
{
	return result(ioctl(fd, MAILBOX_IOC_RECEIVE_BATCH, b));
}

/* Room for @count messages. */
static struct mailbox_batch *room(struct messages *m, __u32 count)
{
	__u32 i;

	memset(m, POISON, sizeof(*m));
	m->batch = (struct mailbox_batch) {
		.size = sizeof(m->batch),
		.vectors = address(m->vectors),
		.details = address(m->details),
		.count = count,
	};
	for (i = 0; i < MANY; i++) {
		memset(m->data[i], 0, FIXTURE_MESSAGE);
		m->vectors[i].data = address(m->data[i]);
		m->vectors[i].length = FIXTURE_MESSAGE;
	}
	return &m->batch;
}

/* One message for each letter, on this lane, with its letter as the tag. */
static struct mailbox_batch *letters(struct messages *m, const char *text, __u32 lane)
{
	__u32 n = strlen(text), i;

	room(m, n);
	for (i = 0; i < n; i++) {
		m->data[i][0] = text[i];
		m->vectors[i].length = 1;
		m->vectors[i].lane = lane;
		m->details[i].tag = text[i];
	}
	return &m->batch;
}

static long send_letters(int fd, const char *text)
{
	struct messages m;

	return send_batch(fd, letters(&m, text, 0));
}

/* Up to @n messages at once, which are these letters, in this order. */
#define EXPECT_LETTERS(text, fd, n) do {				\
	struct messages __m;						\
	long __got = receive_batch((fd), room(&__m, (n)));		\
	char __letters[MANY + 1] = "";					\
	int __i;							\
									\
	EXPECT_EQ((long)strlen(text), __got);				\
	for (__i = 0; __i < __got; __i++) {				\
		EXPECT_EQ(1, __m.vectors[__i].length);			\
		__letters[__i] = __m.data[__i][0];			\
	}								\
	EXPECT_STREQ(text, __letters);					\
} while (0)

/* What it does. */

TEST_F(port, a_batch_is_so_many_messages)
{
	struct messages out, in;
	int i;

	EXPECT_EQ(4, send_batch(self->tx, letters(&out, "abcd", 1)));
	EXPECT_EQ(4, info_of(self->rx).depth);
	EXPECT_EQ(4, info_of(self->rx).messages_sent);
	EXPECT_EQ(4, receive_batch(self->rx, room(&in, MANY)));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(1, in.vectors[i].length);
		EXPECT_EQ(1, in.vectors[i].lane);
		EXPECT_EQ("abcd"[i], in.data[i][0]);
		EXPECT_EQ("abcd"[i], in.details[i].tag);
		EXPECT_EQ(i, in.details[i].ticket);
		EXPECT_EQ(i, out.details[i].ticket);
		EXPECT_EQ(MAILBOX_MSG_TRUSTED, in.details[i].flags);
		EXPECT_EQ(info_of(self->tx).endpoint, in.details[i].sender);
		EXPECT_EQ(getpid(), in.details[i].pid);
		EXPECT_EQ(getuid(), in.details[i].uid);
		EXPECT_EQ(getgid(), in.details[i].gid);
		EXPECT_EQ(0, in.details[i].lost);
	}
	EXPECT_EQ(FIXTURE_MESSAGE, in.vectors[4].length);
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(4, info_of(self->rx).messages_received);
}

TEST_F(port, nobody_need_ask_for_details)
{
	struct messages m;
	int i;

	letters(&m, "abc", 2)->details = 0;
	EXPECT_EQ(3, send_batch(self->tx, &m.batch));
	room(&m, MANY)->details = 0;
	EXPECT_EQ(3, receive_batch(self->rx, &m.batch));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ("abc"[i], m.data[i][0]);
		EXPECT_EQ(2, m.vectors[i].lane);
		EXPECT_EQ(0xa5a5a5a5a5a5a5a5ULL, m.details[i].tag);
	}
}

TEST_F(port, each_message_of_a_batch_has_its_lane)
{
	struct messages m;

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 2));
	letters(&m, "abcd", 0);
	m.vectors[1].lane = 3;
	m.vectors[2].lane = MAILBOX_LANE_DEFAULT;
	m.vectors[3].lane = 3;
	EXPECT_EQ(4, send_batch(self->tx, &m.batch));
	EXPECT_EQ(0, m.details[1].ticket);
	EXPECT_EQ(1, m.details[3].ticket);
	/* The highest first. */
	EXPECT_EQ(4, receive_batch(self->rx, room(&m, 4)));
	EXPECT_EQ('b', m.data[0][0]);
	EXPECT_EQ('d', m.data[1][0]);
	EXPECT_EQ('c', m.data[2][0]);
	EXPECT_EQ('a', m.data[3][0]);
	EXPECT_EQ(3, m.vectors[0].lane);
	EXPECT_EQ(2, m.vectors[2].lane);
	EXPECT_EQ(0, m.vectors[3].lane);
}

TEST_F(port, a_full_default_lane_ends_a_batch_and_no_other_lane_takes_the_message)
{
	struct messages m;
	int i;

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 2));
	for (i = 0; i < (int)FIXTURE_SLOTS; i++)
		EXPECT_EQ(1, send_batch(self->tx, letters(&m, "a", MAILBOX_LANE_DEFAULT)));
	EXPECT_EQ(-EAGAIN, send_batch(self->tx, letters(&m, "bc", MAILBOX_LANE_DEFAULT)));
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
}

TEST_F(port, a_batch_is_received_from_the_lanes_of_its_endpoint)
{
	struct messages m;

	letters(&m, "abc", 0);
	m.vectors[0].lane = 3;
	m.vectors[1].lane = 1;
	EXPECT_EQ(3, send_batch(self->tx, &m.batch));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1 | 1 << 2, 0));
	EXPECT_LETTERS("b", self->rx, MANY);
	EXPECT_LETTERS("ac", self->both, MANY);
}

TEST_F(port, batches_mix_with_single_messages)
{
	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(2, send_letters(self->tx, "bc"));
	EXPECT_EQ(1, put_text(self->tx, "d"));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_LETTERS("bc", self->rx, 2);
	EXPECT_MESSAGE("d", self->rx);
	EXPECT_EQ(3, send_letters(self->tx, "efg"));
	EXPECT_MESSAGE("e", self->both);
	EXPECT_LETTERS("fg", self->rx, MANY);
}

TEST_F(port, a_batch_of_nothing_is_done_at_once)
{
	struct mailbox_batch b = { .size = sizeof(b), .vectors = address(nowhere()),
				   .details = address(nowhere()), .deadline = MAILBOX_FOREVER };

	EXPECT_EQ(0, send_batch(self->tx, &b));
	EXPECT_EQ(0, receive_batch(self->rx, &b));
}

TEST_F(port, a_receive_takes_no_more_than_there_is_room_for)
{
	EXPECT_EQ(4, send_letters(self->tx, "abcd"));
	EXPECT_LETTERS("a", self->rx, 1);
	EXPECT_LETTERS("bc", self->rx, 2);
	EXPECT_LETTERS("d", self->rx, 2);
}

TEST_F(port, empty_messages_in_a_batch)
{
	struct messages m;

	letters(&m, "abc", 0);
	m.vectors[1].data = 0;
	m.vectors[1].length = 0;
	EXPECT_EQ(3, send_batch(self->tx, &m.batch));
	room(&m, 3);
	m.vectors[1].data = 0;
	m.vectors[1].length = 0;
	EXPECT_EQ(3, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(1, m.vectors[0].length);
	EXPECT_EQ(0, m.vectors[1].length);
	EXPECT_EQ('c', m.data[2][0]);
}

/* Every length, odd addresses, short copies and long ones. */
TEST(every_length_goes_whole_through_a_batch_and_touches_nothing_else)
{
	static unsigned char out[4][700], in[4][700];
	struct mailbox_vector v[4];
	struct mailbox_batch b = { .size = sizeof(b), .vectors = address(v), .count = 4 };
	int fd = create(NULL, .message_size = 600, .capacity = 4), n, i, j;

	ASSERT_LE(0, fd);
	for (n = 3; n < 600; n += n < 80 ? 1 : 37) {
		memset(in, POISON, sizeof(in));
		for (i = 0; i < 4; i++) {
			write_pattern(out[i] + i, n - i, n + i);
			v[i].data = address(out[i] + i);
			v[i].length = n - i;
			v[i].lane = 0;
		}
		ASSERT_EQ(4, send_batch(fd, &b));
		for (i = 0; i < 4; i++) {
			v[i].data = address(in[i] + 9 + 3 * i);
			v[i].length = 600;
		}
		ASSERT_EQ(4, receive_batch(fd, &b));
		for (i = 0; i < 4; i++) {
			ASSERT_EQ(n - i, v[i].length);
			ASSERT_TRUE(has_pattern(in[i] + 9 + 3 * i, n - i, n + i));
			for (j = 0; j < 9 + 3 * i; j++)
				ASSERT_EQ(POISON, in[i][j]);
			for (j = 9 + 3 * i + n - i; j < 700; j++)
				ASSERT_EQ(POISON, in[i][j]);
		}
	}
}

TEST(details_of_messages_of_every_length)
{
	static char out[2][600], in[2][600];
	struct mailbox_detail sent[2], received[2];
	struct mailbox_vector v[2];
	struct mailbox_batch b = { .size = sizeof(b), .vectors = address(v), .count = 2 };
	int fd = create(NULL, .message_size = 600, .capacity = 4), n, i;
	__u64 ticket = 0;

	ASSERT_LE(0, fd);
	for (n = 0; n < 600; n += n < 80 ? 1 : 37) {
		memset(sent, POISON, sizeof(sent));
		memset(received, POISON, sizeof(received));
		for (i = 0; i < 2; i++) {
			v[i] = (struct mailbox_vector) { address(out[i]), n, 0 };
			sent[i].tag = n + i;
		}
		b.details = address(sent);
		ASSERT_EQ(2, send_batch(fd, &b));
		for (i = 0; i < 2; i++)
			v[i] = (struct mailbox_vector) { address(in[i]), 600, 0 };
		b.details = address(received);
		ASSERT_EQ(2, receive_batch(fd, &b));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(ticket, sent[i].ticket);
			ASSERT_EQ(ticket++, received[i].ticket);
			ASSERT_EQ(n + i, received[i].tag);
			ASSERT_EQ(0, received[i].lost);
			ASSERT_EQ(getpid(), received[i].pid);
		}
	}
}

/* Waiting, or not. */

TEST_F(port, as_much_of_a_batch_is_sent_as_there_is_room_for)
{
	EXPECT_EQ(FIXTURE_SLOTS, send_letters(self->tx, "abcdefg"));
	EXPECT_EQ(-EAGAIN, send_letters(self->tx, "h"));
	EXPECT_LETTERS("abcd", self->rx, MANY);
	EXPECT_EQ(4, send_letters(self->tx, "efgh"));
	EXPECT_LETTERS("efgh", self->rx, MANY);
	EXPECT_LETTERS("", self->rx, 0);
}

TEST_F(port, a_batch_of_an_empty_port_is_eagain_if_it_is_not_to_wait)
{
	struct messages m;

	EXPECT_EQ(-EAGAIN, receive_batch(self->rx, room(&m, 2)));
	set_nonblock(self->rx, true);
	room(&m, 2)->deadline = MAILBOX_FOREVER;
	EXPECT_EQ(-EAGAIN, receive_batch(self->rx, &m.batch));
}

TEST_F(port, nonblock_ends_a_batch_where_it_would_wait)
{
	struct messages m;

	set_nonblock(self->tx, true);
	letters(&m, "abcdef", 0)->deadline = MAILBOX_FOREVER;
	EXPECT_EQ(FIXTURE_SLOTS, send_batch(self->tx, &m.batch));
	EXPECT_EQ(-EAGAIN, send_batch(self->tx, &m.batch));
}

TEST_F(port, a_receive_waits_for_the_first_message_and_takes_what_there_is_then)
{
	pid_t pid = spawn();

	if (!pid) {
		struct messages m;
		long n;

		room(&m, MANY)->deadline = MAILBOX_FOREVER;
		n = receive_batch(self->rx, &m.batch);
		leave(n == 1 && m.data[0][0] == 'a' ? 0 : n);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(1, send_letters(self->tx, "a"));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(port, a_send_waits_until_all_of_the_batch_is_sent)
{
	pid_t pid = spawn();
	int i;

	if (!pid) {
		struct messages m;

		letters(&m, "abcdefgh", 0)->deadline = MAILBOX_FOREVER;
		leave(send_batch(self->tx, &m.batch));
	}
	EXPECT_TRUE(wait_senders(self->rx, 1));
	for (i = 0; i < 4; i++) {
		EXPECT_MESSAGE(((char []) { 'a' + i, 0 }), self->rx);
		if (i < 3)
			EXPECT_TRUE(wait_senders(self->rx, 1));
	}
	EXPECT_EQ(8, reap(pid));
	EXPECT_LETTERS("efgh", self->rx, MANY);
}

TEST_F(port, a_deadline_ends_a_batch_where_it_stands)
{
	struct messages m;
	__u64 deadline = in_ms(50);

	room(&m, 2)->deadline = deadline;
	EXPECT_EQ(-ETIMEDOUT, receive_batch(self->rx, &m.batch));
	EXPECT_LE(deadline, clock_ns(CLOCK_MONOTONIC));
	letters(&m, "abcdef", 0)->deadline = in_ms(50);
	EXPECT_EQ(FIXTURE_SLOTS, send_batch(self->tx, &m.batch));
	letters(&m, "abcdef", 0)->deadline = in_ms(50);
	EXPECT_EQ(-ETIMEDOUT, send_batch(self->tx, &m.batch));
	letters(&m, "ab", 0)->deadline = clock_ns(CLOCK_REALTIME) + 50000000;
	m.batch.flags = MAILBOX_SEND_REALTIME;
	EXPECT_EQ(-ETIMEDOUT, send_batch(self->tx, &m.batch));
	/* What is there is taken, though the time is over. */
	room(&m, 2)->deadline = 1;
	EXPECT_EQ(2, receive_batch(self->rx, &m.batch));
}

static pid_t batch_sender(int fd, const char *text, int flags)
{
	pid_t pid = spawn();

	if (!pid) {
		struct messages m;

		catch_signal(SIGUSR1, flags);
		letters(&m, text, 0)->deadline = MAILBOX_FOREVER;
		leave(send_batch(fd, &m.batch));
	}
	return pid;
}

TEST_F(port, a_signal_ends_a_batch_where_it_stands)
{
	pid_t pid = batch_sender(self->tx, "abcdef", SA_RESTART);

	EXPECT_TRUE(wait_senders(self->rx, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(FIXTURE_SLOTS, reap(pid));
	pid = batch_sender(self->tx, "ef", 0);
	EXPECT_TRUE(wait_senders(self->rx, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
	EXPECT_LETTERS("abcd", self->rx, MANY);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, who_is_killed_in_a_batch_has_sent_the_first_ones)
{
	pid_t pid = batch_sender(self->tx, "abcdef", 0);

	EXPECT_TRUE(wait_senders(self->rx, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
	EXPECT_LETTERS("abcd", self->rx, MANY);
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(4, send_letters(self->tx, "efgh"));
}

/* Whom it wakes. */

TEST_F(port, a_batch_wakes_as_many_receivers_as_there_are_messages)
{
	pid_t pids[4];
	char in[8];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = spawn();
		if (!pids[i])
			leave(get(self->rx, in, sizeof(in)));
		EXPECT_TRUE(wait_receivers(self->tx, i + 1));
	}
	EXPECT_EQ(3, send_letters(self->tx, "abc"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, reap(pids[i]));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(1, put_text(self->tx, "d"));
	EXPECT_EQ(1, reap(pids[3]));
}

TEST_F(port, a_batch_wakes_the_receivers_of_each_lane)
{
	struct messages m;
	pid_t pids[3];
	char in[8];
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = open_port(self->name, O_RDONLY);
		ASSERT_LE(0, fd);
		/* Not the lowest: whoever is woken for that one wakes the others. */
		EXPECT_EQ(0, set_lanes(fd, 2U << i, 0));
		pids[i] = spawn();
		if (!pids[i])
			leave(get(fd, in, sizeof(in)) == 1 ? in[0] : 1);
		close(fd);
		EXPECT_TRUE(wait_receivers(self->tx, i + 1));
	}
	letters(&m, "abc", 1);
	m.vectors[0].lane = 3;
	m.vectors[1].lane = 2;
	EXPECT_EQ(3, send_batch(self->tx, &m.batch));
	EXPECT_EQ('c', reap(pids[0]));
	EXPECT_EQ('b', reap(pids[1]));
	EXPECT_EQ('a', reap(pids[2]));
}

TEST_F(port, a_batch_received_wakes_as_many_senders_as_there_is_room_for)
{
	pid_t pids[FIXTURE_SLOTS];
	int i;

	EXPECT_EQ(FIXTURE_SLOTS, send_letters(self->tx, "abcd"));
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		pids[i] = spawn();
		if (!pids[i])
			leave(put_text(self->tx, "x"));
		EXPECT_TRUE(wait_senders(self->rx, i + 1));
	}
	EXPECT_LETTERS("abcd", self->rx, 4);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(1, reap(pids[i]));
	EXPECT_LETTERS("xxxx", self->rx, MANY);
}

TEST_F(port, a_batch_received_wakes_the_next_receiver_for_what_it_leaves)
{
	pid_t first = spawn(), second;
	char in[8];
	int got;

	if (!first) {
		struct messages m;

		room(&m, 2)->deadline = MAILBOX_FOREVER;
		leave(receive_batch(self->rx, &m.batch));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	second = spawn();
	if (!second)
		leave(get(self->rx, in, sizeof(in)) == 1 ? in[0] : 1);
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_EQ(3, send_letters(self->tx, "abc"));
	/* Whoever has lost his processor in between may have found less, or another one. */
	got = reap(first);
	EXPECT_TRUE(got == 1 || got == 2);
	EXPECT_LE('a', reap(second));
	EXPECT_EQ(2 - got, info_of(self->rx).depth);
}

TEST_F(port, a_watcher_is_told_of_a_batch)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_EQ(0, result(epoll_ctl(epoll, EPOLL_CTL_ADD, self->rx, &event)));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(3, send_letters(self->tx, "abc"));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_LETTERS("abc", self->rx, MANY);
	EXPECT_EQ(1, send_letters(self->tx, "d"));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
}

TEST_F(port, a_writer_who_polls_is_told_of_room)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_EQ(4, send_letters(self->tx, "abcd"));
	EXPECT_EQ(0, result(epoll_ctl(epoll, EPOLL_CTL_ADD, self->tx, &event)));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_LETTERS("ab", self->rx, 2);
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
}

/* What cannot be sent, or stored. */

TEST_F(port, a_message_that_is_too_long_ends_a_batch)
{
	struct messages m;

	letters(&m, "abc", 0);
	m.vectors[1].length = FIXTURE_MESSAGE + 1;
	EXPECT_EQ(1, send_batch(self->tx, &m.batch));
	m.vectors[0].length = ~0U;
	EXPECT_EQ(-EMSGSIZE, send_batch(self->tx, &m.batch));
	EXPECT_LETTERS("a", self->rx, MANY);
	EXPECT_EQ(1, info_of(self->rx).messages_sent);
}

TEST_F(port, a_buffer_that_is_too_short_ends_a_batch_and_the_message_stays)
{
	struct messages m;

	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(4, put_text(self->tx, "long"));
	EXPECT_EQ(1, put_text(self->tx, "c"));
	room(&m, 3);
	m.vectors[1].length = 3;
	EXPECT_EQ(1, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(2, info_of(self->rx).depth);
	room(&m, 2);
	m.vectors[0].length = 3;
	EXPECT_EQ(-EMSGSIZE, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(4, m.vectors[0].length);
	EXPECT_EQ(2, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(0, memcmp("long", m.data[0], 4));
}

TEST_F(port, a_batch_does_not_pass_by_a_message_that_is_too_long)
{
	struct messages m;

	/* In the highest lane, which comes first; below it is one that would fit. */
	EXPECT_EQ(1, send_letters(self->tx, "a"));
	letters(&m, "b", 2);
	m.vectors[0].length = 4;
	EXPECT_EQ(1, send_batch(self->tx, &m.batch));
	room(&m, 2);
	m.vectors[0].length = 3;
	EXPECT_EQ(-EMSGSIZE, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(4, m.vectors[0].length);
	EXPECT_EQ(2, info_of(self->rx).depth);
}

TEST_F(port, a_batch_may_truncate)
{
	struct messages m;

	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(4, put_text(self->tx, "long"));
	EXPECT_EQ(1, put_text(self->tx, "c"));
	room(&m, 3)->flags = MAILBOX_RECV_TRUNCATE;
	m.vectors[1].length = 3;
	EXPECT_EQ(3, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(4, m.vectors[1].length);
	EXPECT_STREQ("lon", m.data[1]);
	EXPECT_EQ(MAILBOX_MSG_TRUNCATED | MAILBOX_MSG_TRUSTED, m.details[1].flags);
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.details[2].flags);
	EXPECT_STREQ("c", m.data[2]);
	/* Nor without details is it the length of what was stored. */
	EXPECT_EQ(4, put_text(self->tx, "long"));
	room(&m, 1)->flags = MAILBOX_RECV_TRUNCATE;
	m.batch.details = 0;
	m.vectors[0].length = 3;
	EXPECT_EQ(1, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(4, m.vectors[0].length);
	EXPECT_STREQ("lon", m.data[0]);
}

/* The length that was told is not taken for the room that there is. */
TEST_F(port, a_batch_that_truncates_stores_no_more_when_details_cannot_be_stored_at_first)
{
	struct messages m;
	void *absent = pages(1, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, absent);
	EXPECT_EQ(4, put_text(self->tx, "long"));
	room(&m, 1)->flags = MAILBOX_RECV_TRUNCATE;
	m.vectors[0].length = 1;
	m.batch.details = address(nowhere());
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(1, m.vectors[0].length);
	EXPECT_EQ(0, m.data[0][1]);
	m.batch.details = address(absent);
	EXPECT_EQ(1, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(4, m.vectors[0].length);
	EXPECT_STREQ("l", m.data[0]);
	munmap(absent, getpagesize());
}

TEST_F(port, a_lane_that_is_not_there_ends_a_batch)
{
	struct messages m;

	letters(&m, "abc", 0);
	m.vectors[2].lane = FIXTURE_LANES;
	EXPECT_EQ(2, send_batch(self->tx, &m.batch));
	m.vectors[0].lane = FIXTURE_LANES;
	EXPECT_EQ(-EINVAL, send_batch(self->tx, &m.batch));
	EXPECT_LETTERS("ab", self->rx, MANY);
}

TEST_F(port, what_a_batch_does_not_know_is_einval)
{
	struct messages m;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		letters(&m, "a", 0)->flags = 1U << bit;
		EXPECT_EQ(1U << bit == MAILBOX_SEND_REALTIME ? 1 : -EINVAL,
			  send_batch(self->tx, &m.batch));
	}
	for (bit = 0; bit < 32; bit++) {
		room(&m, 1)->flags = 1U << bit;
		EXPECT_EQ(1U << bit == MAILBOX_RECV_REALTIME ? 1 :
			  1U << bit == MAILBOX_RECV_TRUNCATE ? -EAGAIN : -EINVAL,
			  receive_batch(self->rx, &m.batch));
	}
	letters(&m, "a", 0)->pad = 1;
	EXPECT_EQ(-EINVAL, send_batch(self->tx, &m.batch));
	EXPECT_EQ(-EINVAL, receive_batch(self->rx, &m.batch));
	letters(&m, "a", 0)->count = 1U << 31;
	EXPECT_EQ(-EINVAL, send_batch(self->tx, &m.batch));
	EXPECT_EQ(-EINVAL, receive_batch(self->rx, &m.batch));
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, a_batch_goes_the_way_its_endpoint_was_opened_for)
{
	struct messages m;

	EXPECT_EQ(-EBADF, send_batch(self->rx, letters(&m, "a", 0)));
	EXPECT_EQ(-EBADF, receive_batch(self->tx, room(&m, 1)));
	EXPECT_EQ(1, send_batch(self->both, letters(&m, "a", 0)));
	EXPECT_EQ(1, receive_batch(self->both, room(&m, 1)));
}

TEST_F(port, bad_memory_ends_a_batch_that_is_sent_and_costs_nothing)
{
	struct messages m;
	int i;

	/* As often as it takes to see whether slots are used up. */
	for (i = 0; i < 3 * FIXTURE_SLOTS; i++) {
		letters(&m, "abc", 0);
		m.vectors[1].data = address(nowhere());
		EXPECT_EQ(1, send_batch(self->tx, &m.batch));
		EXPECT_LETTERS("a", self->rx, MANY);
		m.vectors[0].data = 0xffff888000000000UL;
		EXPECT_EQ(-EFAULT, send_batch(self->tx, &m.batch));
	}
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(3 * FIXTURE_SLOTS, info_of(self->rx).messages_sent);
	EXPECT_EQ(4, send_letters(self->tx, "abcd"));
}

TEST_F(port, a_batch_whose_vectors_or_details_end_in_nowhere)
{
	struct mailbox_vector *v = (void *)before_the_edge(2 * sizeof(*v));
	struct mailbox_detail *d = (void *)before_the_edge(2 * sizeof(*d));
	struct messages m;
	char *byte = before_the_edge(1);

	letters(&m, "abc", 0);
	memcpy(v, m.vectors, 2 * sizeof(*v));
	m.batch.vectors = address(v);
	EXPECT_EQ(2, send_batch(self->tx, &m.batch));
	m.batch.vectors = address(v + 2);
	EXPECT_EQ(-EFAULT, send_batch(self->tx, &m.batch));
	EXPECT_LETTERS("ab", self->rx, MANY);

	letters(&m, "abc", 0)->details = address(d);
	memcpy(d, m.details, 2 * sizeof(*d));
	EXPECT_EQ(2, send_batch(self->tx, &m.batch));
	m.batch.details = address(d + 2);
	EXPECT_EQ(-EFAULT, send_batch(self->tx, &m.batch));
	m.batch.details = address(nowhere());
	EXPECT_EQ(-EFAULT, send_batch(self->tx, &m.batch));

	room(&m, 2)->details = address(d + 1);
	EXPECT_EQ(1, receive_batch(self->rx, &m.batch));
	m.batch.details = address(d + 2);
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(1, info_of(self->rx).depth);
	room(&m, 1)->vectors = address(byte);
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	EXPECT_LETTERS("b", self->rx, MANY);
}

TEST_F(port, bad_memory_ends_a_batch_that_is_received_and_the_message_stays)
{
	struct messages m;

	EXPECT_EQ(3, send_letters(self->tx, "abc"));
	room(&m, 3);
	m.vectors[1].data = address(nowhere());
	EXPECT_EQ(1, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(2, info_of(self->rx).depth);
	m.vectors[0].data = address(nowhere());
	m.vectors[0].length = FIXTURE_MESSAGE;
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	EXPECT_EQ(1, send_letters(self->tx, "d"));
	EXPECT_LETTERS("bcd", self->both, MANY);
	EXPECT_EQ(2, info_of(self->rx).redelivered);
}

TEST_F(port, vectors_that_cannot_be_written_keep_the_message)
{
	struct mailbox_vector *v = pages(1, PROT_READ | PROT_WRITE);
	struct messages m;

	EXPECT_EQ(2, send_letters(self->tx, "ab"));
	room(&m, 2)->vectors = address(v);
	memcpy(v, m.vectors, sizeof(m.vectors));
	mprotect(v, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	m.batch.details = 0;
	EXPECT_EQ(-EFAULT, receive_batch(self->rx, &m.batch));
	/* To send they are only read. */
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_LETTERS("ab", self->rx, MANY);
	mprotect(v, getpagesize(), PROT_READ | PROT_WRITE);
	v[0].length = 1;
	v[0].lane = 0;
	mprotect(v, getpagesize(), PROT_READ);
	m.batch.count = 1;
	EXPECT_EQ(1, send_batch(self->tx, &m.batch));
}

/* Its first and its last byte are there, and not all between. */
TEST(a_message_with_a_hole_costs_no_slot_and_no_message)
{
	const size_t page = getpagesize(), size = 3 * page;
	int fd = create(NULL, .message_size = size, .capacity = 4), i;
	char *whole = pages(3, PROT_READ | PROT_WRITE), *hole = pages(3, PROT_READ | PROT_WRITE);
	struct messages m;

	ASSERT_LE(0, fd);
	memset(whole, 'w', size);
	memset(hole, 'h', size);
	mprotect(hole + page, page, PROT_NONE);
	/* As often as it takes to see whether slots are used up. */
	for (i = 0; i < 6; i++) {
		room(&m, 3);
		m.vectors[0] = (struct mailbox_vector) { address(whole), size, 0 };
		m.vectors[1] = (struct mailbox_vector) { address(hole), size, 0 };
		m.vectors[2] = m.vectors[0];
		EXPECT_EQ(1, send_batch(fd, &m.batch));
		m.batch.vectors = address(&m.vectors[1]);
		EXPECT_EQ(-EFAULT, send_batch(fd, &m.batch));
		EXPECT_EQ(1, info_of(fd).depth);
		/* To where the hole is it cannot be stored, and stays. */
		EXPECT_EQ(-EFAULT, receive_batch(fd, &m.batch));
		EXPECT_EQ(1, info_of(fd).depth);
		m.batch.vectors = address(&m.vectors[0]);
		m.batch.count = 1;
		memset(whole, 0, size);
		EXPECT_EQ(1, receive_batch(fd, &m.batch));
		EXPECT_EQ('w', whole[0]);
		EXPECT_EQ('w', whole[size / 2]);
		EXPECT_EQ('w', whole[size - 1]);
		EXPECT_EQ(size, m.vectors[0].length);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, send_batch(fd, &m.batch));
	EXPECT_EQ(6, info_of(fd).redelivered);
	/* A page that is only not there yet is no hole. */
	whole = pages(3, PROT_READ | PROT_WRITE);
	m.vectors[0].data = address(whole);
	EXPECT_EQ(1, receive_batch(fd, &m.batch));
	EXPECT_EQ('w', whole[size - 1]);
}

TEST_F(port, a_batch_into_fresh_and_into_forked_memory)
{
	char *fresh = pages(2 * MANY, PROT_READ | PROT_WRITE);
	struct messages m;
	int i;

	EXPECT_EQ(4, send_letters(self->tx, "abcd"));
	room(&m, 4);
	for (i = 0; i < 4; i++)
		m.vectors[i].data = address(fresh + i * getpagesize());
	EXPECT_EQ(4, receive_batch(self->rx, &m.batch));
	for (i = 0; i < 4; i++)
		EXPECT_EQ("abcd"[i], fresh[i * getpagesize()]);
	EXPECT_EQ(4, send_letters(self->tx, "efgh"));
	for (i = 0; i < 4; i++)
		m.vectors[i].length = 8;
	/* The first store to a private page after a fork is a fault. */
	EXPECT_EQ(0, ended({ }));
	EXPECT_EQ(4, receive_batch(self->rx, &m.batch));
	for (i = 0; i < 4; i++)
		EXPECT_EQ("efgh"[i], fresh[i * getpagesize()]);
	EXPECT_EQ(0, info_of(self->rx).redelivered);
	/* And from there. */
	for (i = 0; i < 4; i++) {
		m.vectors[i].data = address(fresh + (4 + i) * getpagesize());
		m.vectors[i].length = 1;
		m.vectors[i].lane = 0;
	}
	EXPECT_EQ(4, send_batch(self->tx, &m.batch));
	EXPECT_EQ(4, receive_batch(self->rx, room(&m, MANY)));
}

/* While one message waits for its page, those before it are there, and told. */
TEST_F(port, a_batch_that_waits_for_a_page_has_woken_the_receivers_before)
{
	struct stuck *stuck = shared_pages(1);
	pid_t receiver, sender;
	char in[8];

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	receiver = spawn();
	if (!receiver)
		leave(get(self->rx, in, sizeof(in)) == 1 ? in[0] : 1);
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	sender = spawn();
	if (!sender) {
		char *page = stuck_page(stuck, 8);
		struct messages m;

		if (!page)
			leave(96);
		letters(&m, "abc", 0);
		m.vectors[1].data = address(page);
		leave(send_batch(self->tx, &m.batch));
	}
	EXPECT_TRUE(wait_until(stuck->faulting));
	EXPECT_EQ('a', reap(receiver));
	/* It holds nothing: others send. */
	EXPECT_EQ(1, send_letters(self->both, "x"));
	stuck->go_on = 1;
	EXPECT_EQ(3, reap(sender));
	EXPECT_EQ('x', ({ get(self->rx, in, 8); in[0]; }));
	EXPECT_EQ(0, ({ get(self->rx, in, 8); in[0]; }));
	EXPECT_EQ('c', ({ get(self->rx, in, 8); in[0]; }));
}

/* Special ports, and special messages. */

TEST_F(port, a_batch_to_a_deleted_port_is_eidrm_and_one_from_it_is_what_is_left)
{
	struct messages m;

	EXPECT_EQ(3, send_letters(self->tx, "abc"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, send_letters(self->tx, "d"));
	EXPECT_LETTERS("ab", self->rx, 2);
	EXPECT_LETTERS("c", self->rx, MANY);
	EXPECT_EQ(-EIDRM, receive_batch(self->rx, room(&m, 1)));
}

TEST_F(port, delete_ends_a_batch_that_waits)
{
	pid_t pid = batch_sender(self->tx, "abcdef", 0), receiver = spawn();

	if (!receiver) {
		struct messages m;

		set_lanes(self->rx, 1 << 3, 0);
		room(&m, 2)->deadline = MAILBOX_FOREVER;
		leave(receive_batch(self->rx, &m.batch));
	}
	EXPECT_TRUE(wait_senders(self->rx, 1));
	EXPECT_TRUE(wait_receivers(self->rx, 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(FIXTURE_SLOTS, reap(pid));
	EXPECT_EQ(-EIDRM, reap(receiver));
}

TEST(a_batch_to_a_port_that_drops_the_newest_is_all_sent)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_NEWEST, .capacity = 2, .message_size = 8);
	struct messages m;

	ASSERT_LE(0, fd);
	EXPECT_EQ(5, send_batch(fd, letters(&m, "abcde", 0)));
	EXPECT_EQ(1, m.details[1].ticket);
	EXPECT_EQ(0, m.details[4].ticket);
	EXPECT_EQ(2, receive_batch(fd, room(&m, MANY)));
	EXPECT_EQ('b', m.data[1][0]);
	EXPECT_EQ(3, m.details[0].lost);
	EXPECT_EQ(0, m.details[1].lost);
}

TEST(a_batch_to_a_port_that_drops_the_oldest_is_its_last_ones)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_OLDEST, .capacity = 2, .message_size = 8);
	struct messages m;

	ASSERT_LE(0, fd);
	EXPECT_EQ(5, send_batch(fd, letters(&m, "abcde", 0)));
	/* Nobody who does not ask is told. */
	room(&m, 1)->details = 0;
	EXPECT_EQ(1, receive_batch(fd, &m.batch));
	EXPECT_EQ('d', m.data[0][0]);
	EXPECT_EQ(1, receive_batch(fd, room(&m, MANY)));
	EXPECT_EQ('e', m.data[0][0]);
	EXPECT_EQ(3, m.details[0].lost);
}

TEST_F(port, a_batch_begins_with_what_was_given_back)
{
	struct messages m;

	EXPECT_EQ(4, send_letters(self->tx, "abcd"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EFAULT, get(self->both, nowhere(), 8));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(4, receive_batch(self->rx, room(&m, MANY)));
	EXPECT_EQ('a', m.data[0][0]);
	EXPECT_EQ('b', m.data[1][0]);
	EXPECT_EQ('d', m.data[3][0]);
	EXPECT_EQ(MAILBOX_MSG_REDELIVERED, m.details[0].flags & MAILBOX_MSG_REDELIVERED);
	EXPECT_EQ(0, m.details[1].flags & MAILBOX_MSG_REDELIVERED);
	EXPECT_EQ(4, info_of(self->rx).messages_received);
}

TEST_F(port, messages_received_in_a_batch_are_finished)
{
	struct messages m;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(1, put_text(self->tx, "b"));
	EXPECT_EQ(2, send_receipt(self->tx, 0, "c"));
	EXPECT_EQ(3, receive_batch(self->rx, room(&m, MANY)));
	EXPECT_EQ(MAILBOX_MSG_RECEIPT | MAILBOX_MSG_TRUSTED, m.details[0].flags);
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.details[1].flags);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
}

TEST_F(port, batches_from_and_to_a_mapping)
{
	static const char * const texts[] = { "a", "b", "c" };
	struct messages m;
	struct ring ring;
	char in[8];
	__u64 at;
	int i;

	ASSERT_EQ(0, ring_map(&ring, self->both));
	ASSERT_EQ(3, ring_claim_range(&ring, 0, 3, &at));
	for (i = 0; i < 3; i++)
		ring_fill(&ring, 0, at + i, texts[i], 1, 0);
	ring_publish_range(&ring, 0, at, 3);
	EXPECT_EQ(3, receive_batch(self->rx, room(&m, MANY)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(texts[i][0], m.data[i][0]);
		EXPECT_EQ(0, m.details[i].flags);
		EXPECT_EQ(info_of(self->both).endpoint, m.details[i].sender);
	}
	EXPECT_EQ(3, send_letters(self->tx, "xyz"));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, ring_receive(&ring, in, 8));
		EXPECT_EQ("xyz"[i], in[0]);
	}
	EXPECT_EQ(0, info_of(self->rx).depth);
}

/* Direct ports. */

#define DIRECT(name)	create((name), .flags = MAILBOX_DIRECT | MAILBOX_AUTODELETE,	\
			       .capacity = 4, .message_size = FIXTURE_MESSAGE)

TEST(batches_over_a_direct_port)
{
	const char *name = port_name("direct");
	int tx = DIRECT(name), rx = open_port(name, O_RDWR);
	struct messages m;

	ASSERT_LE(0, tx);
	ASSERT_LE(0, rx);
	EXPECT_EQ(4, send_letters(tx, "abcdef"));
	EXPECT_EQ(-EBUSY, receive_batch(tx, room(&m, 1)));
	EXPECT_LETTERS("abcd", rx, MANY);
	EXPECT_EQ(-EBUSY, send_letters(rx, "x"));
	EXPECT_EQ(2, send_letters(tx, "ef"));
	close(tx);
	EXPECT_LETTERS("ef", rx, MANY);
	EXPECT_EQ(-EPIPE, receive_batch(rx, room(&m, 1)));
}

TEST(a_batch_without_a_receiver_is_econnreset_once_and_then_epipe)
{
	const char *name = port_name("direct");
	int tx = DIRECT(name), rx = open_port(name, O_RDONLY);
	struct messages m;

	ASSERT_LE(0, tx);
	ASSERT_LE(0, rx);
	EXPECT_EQ(3, send_letters(tx, "abc"));
	close(rx);
	EXPECT_EQ(-ECONNRESET, send_batch(tx, letters(&m, "defg", 0)));
	EXPECT_EQ(3, m.batch.count);
	EXPECT_EQ(-EPIPE, send_batch(tx, letters(&m, "d", 0)));
	EXPECT_EQ(1, m.batch.count);
}

TEST(a_batch_that_was_begun_leaves_econnreset_to_the_next_call)
{
	const char *name = port_name("direct");
	int tx = DIRECT(name), rx;
	struct messages m;
	pid_t pid;

	ASSERT_LE(0, tx);
	pid = batch_sender(tx, "abcdef", 0);
	EXPECT_TRUE(wait_senders(tx, 1));
	rx = open_port(name, O_RDONLY);
	ASSERT_LE(0, rx);
	close(rx);
	EXPECT_EQ(4, reap(pid));
	EXPECT_EQ(-ECONNRESET, send_batch(tx, letters(&m, "ef", 0)));
	EXPECT_EQ(4, m.batch.count);
	EXPECT_EQ(-EPIPE, send_letters(tx, "ef"));
}

/* At large. */

TEST(batches_of_any_size_through_a_small_lane_keep_their_order)
{
	static __u64 numbers[512];
	static struct mailbox_vector v[512];
	static struct mailbox_detail d[512];
	struct mailbox_batch b = { .size = sizeof(b), .vectors = address(v), .details = address(d),
				   .deadline = MAILBOX_FOREVER };
	int fd = create(NULL, .capacity = 8, .message_size = 8), i;
	__u64 all = much(20000), next = 0, calls = 0;
	unsigned int seed = 7;
	pid_t pid;
	long n;

	ASSERT_LE(0, fd);
	pid = spawn();
	for (i = 0; i < 512; i++)
		v[i].data = address(&numbers[i]);
	while (next < all) {
		__u64 left = all - next;

		b.count = 1 + rand_r(&seed) % (rand_r(&seed) % 4 ? 16 : 512);
		b.count = b.count < left ? b.count : left;
		for (i = 0; i < b.count; i++) {
			v[i].length = 8;
			v[i].lane = 0;
			numbers[i] = next + i;
		}
		n = pid ? receive_batch(fd, &b) : send_batch(fd, &b);
		if (!pid && n != b.count)
			leave(1);
		ASSERT_LT(0, n);
		for (i = 0; i < n && pid; i++) {
			ASSERT_EQ(next + i, numbers[i]);
			ASSERT_EQ(next + i, d[i].ticket);
		}
		next += n;
		calls++;
	}
	if (!pid)
		leave(0);
	EXPECT_EQ(0, reap(pid));
	report("%llu messages by %llu calls", all, calls);
}

TEST_HARNESS_MAIN
