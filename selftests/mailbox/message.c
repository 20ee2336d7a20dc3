// SPDX-License-Identifier: GPL-2.0
/*
 * One write, one message; one read, one message.
 */
#include "mailbox_test.h"

static unsigned char pattern(unsigned int seed, unsigned int i)
{
	return seed * 31 + i * 7 + (i >> 5) + 1;
}

static void fill(void *to, size_t n, unsigned int seed)
{
	unsigned char *p = to;
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = pattern(seed, i);
}

static bool matches(const void *from, size_t n, unsigned int seed)
{
	const unsigned char *p = from;
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != pattern(seed, i))
			return false;
	return true;
}

static bool poisoned(const void *from, size_t n)
{
	const unsigned char *p = from;
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != POISON)
			return false;
	return true;
}

/* Boundaries. */

TEST_F(port, one_write_is_one_message_and_one_read_takes_one)
{
	char buf[FIXTURE_MESSAGE] = { 0 };

	EXPECT_EQ(3, put_text(self->tx, "one"));
	EXPECT_EQ(5, put_text(self->tx, "three"));
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_EQ(3, get(self->rx, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("one", buf, 3));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_EQ(5, get(self->rx, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("three", buf, 5));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, message_of_message_size_is_sent)
{
	char out[FIXTURE_MESSAGE], in[FIXTURE_MESSAGE];

	fill(out, sizeof(out), 1);
	EXPECT_EQ(FIXTURE_MESSAGE, put(self->tx, out, sizeof(out)));
	EXPECT_EQ(FIXTURE_MESSAGE, get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(matches(in, sizeof(in), 1));
}

TEST_F(port, write_longer_than_message_size_is_emsgsize_and_sends_nothing)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	EXPECT_EQ(-EMSGSIZE, put(self->tx, out, sizeof(out)));
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_sent);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, send_longer_than_message_size_is_emsgsize_and_sends_nothing)
{
	static char out[1 << 20];
	struct mailbox_message m = message(.data = address(out), .length = FIXTURE_MESSAGE + 1);

	EXPECT_EQ(-EMSGSIZE, send_message(self->tx, &m));
	m.length = sizeof(out);
	EXPECT_EQ(-EMSGSIZE, send_message(self->tx, &m));
	m.length = ~0U;
	EXPECT_EQ(-EMSGSIZE, send_message(self->tx, &m));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, too_long_is_emsgsize_also_when_full)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	set_nonblock(self->tx, true);
	fill_lane(self->tx, 0);
	EXPECT_EQ(-EMSGSIZE, put(self->tx, out, sizeof(out)));
}

TEST_F(port, read_needs_room_for_this_message_only)
{
	char in[3];

	EXPECT_EQ(3, put_text(self->tx, "abc"));
	EXPECT_EQ(3, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, memcmp("abc", in, 3));
}

TEST_F(port, read_into_a_short_buffer_is_emsgsize_and_keeps_the_message)
{
	char in[FIXTURE_MESSAGE];

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(6, put_text(self->tx, "second"));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, in, 4));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, in, 0));
	EXPECT_TRUE(poisoned(in + 4, sizeof(in) - 4));
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_received);
	EXPECT_MESSAGE("hello", self->rx);
	EXPECT_MESSAGE("second", self->rx);
}

TEST_F(port, receive_into_a_short_buffer_tells_the_length_and_keeps_the_message)
{
	char in[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(in), .length = 4);

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_TRUE(poisoned(in + 4, sizeof(in) - 4));
	EXPECT_EQ(1, info_of(self->rx).depth);
	/* With the length told, just call again. */
	m = message(.data = address(in), .length = m.length);
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(0, memcmp("hello", in, 5));
}

TEST_F(port, receive_without_a_buffer_asks_for_the_length)
{
	struct mailbox_message m = message();

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(port, message_too_long_for_one_receiver_goes_to_the_next)
{
	char in[4];

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, in, sizeof(in)));
	EXPECT_MESSAGE("hello", self->both);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, truncate_gives_the_first_part_and_drops_the_rest)
{
	char in[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(in), .length = 4,
					   .flags = MAILBOX_RECV_TRUNCATE);

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_TRUE(m.flags & MAILBOX_MSG_TRUNCATED);
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(0, memcmp("hell", in, 4));
	EXPECT_TRUE(poisoned(in + 4, sizeof(in) - 4));
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(1, info_of(self->rx).messages_received);
}

TEST_F(port, truncate_to_nothing)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_TRUNCATE);

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_TRUE(m.flags & MAILBOX_MSG_TRUNCATED);
	EXPECT_EQ(5, m.length);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, truncate_does_nothing_to_a_message_that_fits)
{
	char in[5];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in),
					   .flags = MAILBOX_RECV_TRUNCATE);

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_FALSE(m.flags & MAILBOX_MSG_TRUNCATED);
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(0, memcmp("hello", in, 5));
}

TEST_F(port, received_flags_are_answers_only)
{
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in),
					   .flags = MAILBOX_RECV_TRUNCATE | MAILBOX_RECV_REALTIME);

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.flags & ~(MAILBOX_MSG_TRUSTED | MAILBOX_MSG_TRUNCATED));
}

/* Empty messages. */

TEST_F(port, write_of_nothing_is_einval)
{
	EXPECT_EQ(-EINVAL, put(self->tx, "", 0));
	EXPECT_EQ(-EINVAL, put(self->tx, NULL, 0));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, send_of_nothing_is_an_empty_message)
{
	struct mailbox_message m = message();
	char in[4];

	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(1, info_of(self->rx).depth);
	m = message(.data = address(in), .length = sizeof(in));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.length);
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, read_of_an_empty_message_returns_0)
{
	struct mailbox_message m = message();
	char in[4];

	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, empty_message_needs_no_buffer)
{
	struct mailbox_message m = message();

	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, get(self->rx, NULL, 0));
	m = message();
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.length);
	EXPECT_FALSE(m.flags & MAILBOX_MSG_TRUNCATED);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, empty_messages_keep_their_place)
{
	struct mailbox_message m = message();
	char in[8];

	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(1, put_text(self->tx, "b"));
	EXPECT_EQ(1, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(1, get(self->rx, in, sizeof(in)));
	EXPECT_EQ('b', in[0]);
}

/* Content. */

/* Every length up to some hundred, at odd addresses, through both doors. */
TEST(every_length_arrives_whole_and_touches_nothing_else)
{
	static unsigned char out[600], in[600];
	int fd = create(NULL, .message_size = 300, .capacity = 2), n, shift;

	ASSERT_LE(0, fd);
	for (n = 1; n <= 300; n++) {
		shift = n % 8;
		fill(out + shift, n, n);
		memset(in, POISON, sizeof(in));
		ASSERT_EQ(n, put(fd, out + shift, n));
		ASSERT_EQ(n, get(fd, in + 16 + shift / 2, 400));
		ASSERT_TRUE(matches(in + 16 + shift / 2, n, n)) {
			TH_LOG("length %d", n);
		}
		ASSERT_TRUE(poisoned(in, 16 + shift / 2));
		ASSERT_TRUE(poisoned(in + 16 + shift / 2 + n, 100));
	}
	for (n = 0; n <= 300; n++) {
		struct mailbox_message m = message(.data = address(out + n % 5), .length = n);

		fill(out + n % 5, n, n + 1);
		ASSERT_EQ(0, send_message(fd, &m));
		memset(in, POISON, sizeof(in));
		m = message(.data = address(in + 16 + n % 3), .length = 400);
		ASSERT_EQ(0, receive_message(fd, &m));
		ASSERT_EQ(n, m.length);
		ASSERT_TRUE(matches(in + 16 + n % 3, n, n + 1)) {
			TH_LOG("length %d", n);
		}
		ASSERT_TRUE(poisoned(in, 16 + n % 3));
		ASSERT_TRUE(poisoned(in + 16 + n % 3 + n, 100));
	}
}

TEST_F(port, exact_buffer_at_the_edge_of_the_world)
{
	char *edge = before_the_edge(FIXTURE_MESSAGE);
	unsigned int n;

	ASSERT_NE(NULL, edge);
	for (n = 1; n <= FIXTURE_MESSAGE; n++) {
		char *p = edge + FIXTURE_MESSAGE - n;

		fill(p, n, n);
		ASSERT_EQ(n, put(self->tx, p, n));
		memset(p, 0, n);
		ASSERT_EQ(n, get(self->rx, p, n));
		ASSERT_TRUE(matches(p, n, n));
	}
}

TEST_F(port, a_message_does_not_show_the_one_before_it_in_the_slot)
{
	char in[FIXTURE_MESSAGE], secret[FIXTURE_MESSAGE];
	unsigned int i;

	memset(secret, 'S', sizeof(secret));
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		put(self->tx, secret, sizeof(secret));
		get(self->rx, in, sizeof(in));
	}
	memset(in, POISON, sizeof(in));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(poisoned(in + 1, sizeof(in) - 1));
}

TEST_F(port, send_from_read_only_memory)
{
	char *p = pages(1, PROT_READ | PROT_WRITE);

	strcpy(p, "constant");
	mprotect(p, getpagesize(), PROT_READ);
	EXPECT_EQ(8, put(self->tx, p, 8));
	EXPECT_MESSAGE("constant", self->rx);
}

TEST_F(port, the_buffer_is_the_senders_again_at_once)
{
	char out[] = "first";

	EXPECT_EQ(5, put(self->tx, out, 5));
	memcpy(out, "later", 5);
	EXPECT_MESSAGE("first", self->rx);
}

TEST(one_byte_messages)
{
	int fd = create(NULL, .message_size = 1, .capacity = 2);

	EXPECT_EQ(-EMSGSIZE, put_text(fd, "ab"));
	EXPECT_EQ(1, put_text(fd, "a"));
	EXPECT_EQ(1, put_text(fd, "b"));
	EXPECT_MESSAGE("a", fd);
	EXPECT_MESSAGE("b", fd);
}

TEST(slots_are_used_again_and_again)
{
	int fd = create(NULL, .message_size = 8, .capacity = 4);
	unsigned int in = 0, out = 0;
	__u64 i, value;

	/* The number queued walks up and down while positions go round. */
	for (i = 0; i < 20000; i++) {
		if ((i * 2654435761U >> 7 & 1 && in - out < 4) || in == out) {
			value = in++;
			ASSERT_EQ(8, put(fd, &value, 8));
		} else {
			ASSERT_EQ(8, get(fd, &value, 8));
			ASSERT_EQ(out++, value);
		}
	}
	EXPECT_EQ(in, info_of(fd).messages_sent);
	EXPECT_EQ(out, info_of(fd).messages_received);
}

/* Order, number, tag. */

TEST_F(port, messages_of_a_lane_come_in_the_order_sent)
{
	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(1, put_text(self->both, "2"));
	EXPECT_EQ(0, send_on(self->tx, 0, "3"));
	EXPECT_EQ(1, put_text(self->both, "4"));
	EXPECT_MESSAGE("1", self->rx);
	EXPECT_MESSAGE("2", self->both);
	EXPECT_MESSAGE("3", self->rx);
	EXPECT_MESSAGE("4", self->both);
}

TEST_F(port, write_and_send_and_read_and_receive_mix)
{
	char in[8];

	EXPECT_EQ(0, send_on(self->tx, 0, "sent"));
	EXPECT_EQ(7, put_text(self->tx, "written"));
	EXPECT_EQ(4, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, memcmp("sent", in, 4));
	EXPECT_MESSAGE("written", self->rx);
}

TEST_F(port, ticket_is_the_number_in_the_lane_from_0)
{
	struct mailbox_message m;
	__u64 i;

	for (i = 0; i < FIXTURE_SLOTS; i++) {
		m = message();
		EXPECT_EQ(0, send_message(self->tx, &m));
		EXPECT_EQ(i, m.ticket);
	}
	m = message(.lane = 2);
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, m.ticket);
	set_lanes(self->rx, 1, 0);
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		m = message();
		EXPECT_EQ(0, receive_message(self->rx, &m));
		EXPECT_EQ(i, m.ticket);
	}
	m = message();
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(FIXTURE_SLOTS, m.ticket);
}

TEST_F(port, send_tells_the_ticket_and_leaves_the_rest)
{
	char out[] = "x";
	struct mailbox_message m = message(.data = address(out), .length = 1, .lane = 1,
					   .tag = 99, .deadline = MAILBOX_FOREVER), given = m;

	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, m.ticket);
	EXPECT_EQ(given.size, m.size);
	EXPECT_EQ(given.data, m.data);
	EXPECT_EQ(given.length, m.length);
	EXPECT_EQ(given.lane, m.lane);
	EXPECT_EQ(given.tag, m.tag);
	EXPECT_EQ(given.deadline, m.deadline);
}

TEST_F(port, tag_travels_with_the_message)
{
	static const __u64 tags[] = { 1, 0x8000000000000000ULL, ~0ULL, 0 };
	char in[FIXTURE_MESSAGE], out[FIXTURE_MESSAGE];
	struct mailbox_message m;
	int i;

	fill(out, sizeof(out), 5);
	for (i = 0; i < 4; i++) {
		/* Once empty, once with no byte to spare. */
		m = message(.tag = tags[i]);
		EXPECT_EQ(0, send_message(self->tx, &m));
		m = message(.tag = tags[i], .data = address(out), .length = sizeof(out));
		EXPECT_EQ(0, send_message(self->tx, &m));

		m = message(.data = address(in), .length = sizeof(in));
		EXPECT_EQ(0, receive_message(self->rx, &m));
		EXPECT_EQ(tags[i], m.tag);
		EXPECT_EQ(0, m.length);
		m = message(.data = address(in), .length = sizeof(in));
		EXPECT_EQ(0, receive_message(self->rx, &m));
		EXPECT_EQ(tags[i], m.tag);
		EXPECT_EQ(FIXTURE_MESSAGE, m.length);
		EXPECT_TRUE(matches(in, sizeof(in), 5));
	}
}

TEST_F(port, tag_is_0_when_none_was_given)
{
	struct mailbox_message m = message(.tag = 7);
	unsigned int i;

	/* Every slot has held a tag. */
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		m = message(.tag = 7);
		EXPECT_EQ(0, send_message(self->tx, &m));
	}
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		m = message();
		EXPECT_EQ(0, receive_message(self->rx, &m));
	}
	EXPECT_EQ(1, put_text(self->tx, "x"));
	m = message(.data = address(&(char) { 0 }), .length = 1);
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.tag);
}

TEST_F(port, read_of_a_tagged_message_gives_the_payload_only)
{
	struct mailbox_message m = message(.tag = ~0ULL, .data = address("hello"), .length = 5);
	char in[FIXTURE_MESSAGE];

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(5, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(0, memcmp("hello", in, 5));
	EXPECT_TRUE(poisoned(in + 5, sizeof(in) - 5));
}

TEST_F(port, tag_given_to_a_receive_is_einval)
{
	struct mailbox_message m = message(.tag = 1);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EINVAL, receive_message(self->rx, &m));
	EXPECT_EQ(1, info_of(self->rx).depth);
}

TEST_F(port, receive_fills_every_answer)
{
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in));

	EXPECT_EQ(0, send_on(self->tx, 3, "x"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(sizeof(m), m.size);
	EXPECT_EQ(1, m.length);
	EXPECT_EQ(3, m.lane);
	EXPECT_EQ(0, m.tag);
	EXPECT_EQ(0, m.ticket);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(geteuid(), m.uid);
	EXPECT_EQ(getegid(), m.gid);
	EXPECT_EQ(address(in), m.data);
}

/* Vectors. */

TEST_F(port, writev_is_one_message)
{
	struct iovec iov[] = { { "he", 2 }, { "", 0 }, { "llo ", 4 }, { "world", 5 } };

	EXPECT_EQ(11, result(writev(self->tx, iov, 4)));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_MESSAGE("hello world", self->rx);
}

TEST_F(port, readv_takes_one_message)
{
	char a[2] = { 0 }, b[4] = { 0 }, c[40];
	struct iovec iov[] = { { a, 2 }, { NULL, 0 }, { b, 4 }, { c, 40 } };

	memset(c, POISON, sizeof(c));
	EXPECT_EQ(11, put_text(self->tx, "hello world"));
	EXPECT_EQ(5, put_text(self->tx, "other"));
	EXPECT_EQ(11, result(readv(self->rx, iov, 4)));
	EXPECT_EQ(0, memcmp("he", a, 2));
	EXPECT_EQ(0, memcmp("llo ", b, 4));
	EXPECT_EQ(0, memcmp("world", c, 5));
	EXPECT_TRUE(poisoned(c + 5, sizeof(c) - 5));
	EXPECT_EQ(1, info_of(self->rx).depth);
}

TEST_F(port, writev_longer_than_message_size_is_emsgsize)
{
	char half[FIXTURE_MESSAGE / 2 + 1] = { 0 };
	struct iovec iov[] = { { half, sizeof(half) }, { half, sizeof(half) } };

	EXPECT_EQ(-EMSGSIZE, result(writev(self->tx, iov, 2)));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

/* The kernel answers that 0 by itself. */
TEST_F(port, writev_of_nothing_sends_nothing)
{
	struct iovec iov[] = { { "", 0 }, { "", 0 } };

	EXPECT_EQ(0, result(writev(self->tx, iov, 2)));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, readv_into_short_buffers_is_emsgsize_and_keeps_the_message)
{
	char a[2], b[2];
	struct iovec iov[] = { { a, 2 }, { b, 2 } };

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EMSGSIZE, result(readv(self->rx, iov, 2)));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(port, vectors_of_single_bytes)
{
	char out[FIXTURE_MESSAGE], in[FIXTURE_MESSAGE];
	struct iovec from[FIXTURE_MESSAGE], to[FIXTURE_MESSAGE];
	unsigned int i;

	fill(out, sizeof(out), 3);
	for (i = 0; i < FIXTURE_MESSAGE; i++) {
		from[i] = (struct iovec) { out + i, 1 };
		to[i] = (struct iovec) { in + i, 1 };
	}
	EXPECT_EQ(FIXTURE_MESSAGE, result(writev(self->tx, from, FIXTURE_MESSAGE)));
	EXPECT_EQ(FIXTURE_MESSAGE, result(readv(self->rx, to, FIXTURE_MESSAGE)));
	EXPECT_TRUE(matches(in, sizeof(in), 3));
}

TEST_F(port, nowait_flag_of_preadv2_is_eagain)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	EXPECT_EQ(-EAGAIN, result(preadv2(self->rx, &iov, 1, -1, RWF_NOWAIT)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, result(preadv2(self->rx, &iov, 1, -1, RWF_NOWAIT)));
	EXPECT_EQ('x', byte);
}

TEST_F(port, nowait_flag_of_pwritev2_is_eagain)
{
	struct iovec iov = { "x", 1 };

	EXPECT_EQ(1, result(pwritev2(self->tx, &iov, 1, -1, RWF_NOWAIT)));
	EXPECT_EQ(FIXTURE_SLOTS - 1, fill_lane(self->tx, 0));
	EXPECT_EQ(-EAGAIN, result(pwritev2(self->tx, &iov, 1, -1, RWF_NOWAIT)));
}

/* What a stream of messages has not. */

TEST_F(port, positions_are_espipe)
{
	char in[8];
	struct iovec iov = { in, sizeof(in) };

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-ESPIPE, result(lseek(self->both, 0, SEEK_SET)));
	EXPECT_EQ(-ESPIPE, result(lseek(self->both, 0, SEEK_CUR)));
	EXPECT_EQ(-ESPIPE, result(lseek(self->both, 0, SEEK_END)));
	EXPECT_EQ(-ESPIPE, result(pread(self->both, in, sizeof(in), 0)));
	EXPECT_EQ(-ESPIPE, result(pwrite(self->both, "x", 1, 0)));
	EXPECT_EQ(-ESPIPE, result(preadv(self->both, &iov, 1, 0)));
	EXPECT_EQ(-ESPIPE, result(pwritev(self->both, &iov, 1, 0)));
	EXPECT_EQ(1, info_of(self->rx).depth);
}

/* Counts. */

TEST_F(port, info_counts_messages)
{
	struct mailbox_info info;

	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(0, send_on(self->tx, 2, "b"));
	EXPECT_EQ(1, put_text(self->tx, "c"));
	EXPECT_MESSAGE("b", self->rx);
	info = info_of(self->tx);
	EXPECT_EQ(3, info.messages_sent);
	EXPECT_EQ(1, info.messages_received);
	EXPECT_EQ(2, info.depth);
	EXPECT_EQ(0, info.messages_dropped);
	EXPECT_EQ(0, info.redelivered);
	EXPECT_EQ(0, info.waiting_senders);
	EXPECT_EQ(0, info.waiting_receivers);
}

TEST_F(port, info_tells_the_port_and_this_endpoint)
{
	struct mailbox_info info = info_of(self->rx);

	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_STREQ(self->name, info.name);
	EXPECT_EQ(FIXTURE_MESSAGE, info.message_size);
	EXPECT_EQ(FIXTURE_SLOTS, info.capacity);
	EXPECT_EQ(FIXTURE_LANES, info.lanes);
	EXPECT_EQ(MAILBOX_AUTODELETE, info.flags);
	EXPECT_EQ(geteuid(), info.uid);
	EXPECT_EQ(getegid(), info.gid);
	EXPECT_EQ(MAILBOX_STATE_LIVE, info.state);
	EXPECT_EQ(3, info.endpoints);
	EXPECT_EQ(0, info.default_lane);
	EXPECT_EQ((1 << FIXTURE_LANES) - 1, info.receive_mask & ((1 << FIXTURE_LANES) - 1));
	EXPECT_LE(1, info.endpoint);
	EXPECT_GE(MAILBOX_ENDPOINTS_MAX, info.endpoint);
	EXPECT_LT(0, info.bytes);
}

TEST_F(port, info_counts_endpoints)
{
	int fd = open_port(self->name, O_RDONLY), copy;

	EXPECT_EQ(4, info_of(self->rx).endpoints);
	copy = dup(fd);
	EXPECT_EQ(4, info_of(self->rx).endpoints);
	close(fd);
	EXPECT_EQ(4, info_of(self->rx).endpoints);
	close(copy);
	EXPECT_EQ(3, info_of(self->rx).endpoints);
}

TEST_F(port, a_refused_send_counts_nothing)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	put(self->tx, out, sizeof(out));
	put(self->tx, nowhere(), 8);
	put(self->tx, out, 0);
	send_on(self->tx, FIXTURE_LANES, "x");
	EXPECT_EQ(0, info_of(self->tx).messages_sent);
	EXPECT_EQ(0, info_of(self->tx).depth);
}

TEST_HARNESS_MAIN
