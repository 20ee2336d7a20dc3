// SPDX-License-Identifier: GPL-2.0
/*
 * A look at messages that stay where they are: MAILBOX_IOC_PEEK.
 *
 *	PEEK_SEED=n	instead of a random one
 */
#include "receipts.h"
#include "ring.h"
#include "storm.h"
#include "stuck.h"

static long peek_message(int fd, struct mailbox_message *m)
{
	return result(ioctl(fd, MAILBOX_IOC_PEEK, m));
}

/* The bytes that are seen at an index, NUL-terminated; their number, or -errno. */
static long peek_text(int fd, __u32 index, char *text, size_t size)
{
	struct mailbox_message m = message(.data = address(text), .length = size - 1,
					   .index = index);
	long ret;

	memset(text, 0, size);
	ret = peek_message(fd, &m);
	return ret ? ret : m.length;
}

#define EXPECT_SEEN(text, fd, index) do {				\
	char __shown[1024];						\
									\
	EXPECT_EQ((long)strlen(text), peek_text((fd), (index), __shown, sizeof(__shown))); \
	EXPECT_STREQ(text, __shown);					\
} while (0)

static long peek_error(int fd, __u32 index)
{
	char text[1024];

	return peek_text(fd, index, text, sizeof(text));
}

/* What it shows. */

TEST_F(port, peek_tells_what_a_receive_would)
{
	char seen[FIXTURE_MESSAGE] = { 0 }, got[FIXTURE_MESSAGE] = { 0 };
	struct mailbox_message out = message(.data = address("hello"), .length = 5, .lane = 2,
					     .tag = 77, .flags = MAILBOX_SEND_RECEIPT);
	struct mailbox_message a = message(.data = address(seen), .length = sizeof(seen));
	struct mailbox_message b = message(.data = address(got), .length = sizeof(got));

	EXPECT_EQ(0, send_message(self->tx, &out));
	EXPECT_EQ(0, peek_message(self->rx, &a));
	EXPECT_EQ(0, receive_message(self->rx, &b));
	EXPECT_STREQ("hello", seen);
	EXPECT_STREQ("hello", got);
	EXPECT_EQ(MAILBOX_MSG_RECEIPT | MAILBOX_MSG_TRUSTED, a.flags);
	EXPECT_EQ(5, a.length);
	EXPECT_EQ(2, a.lane);
	EXPECT_EQ(77, a.tag);
	EXPECT_EQ(out.ticket, a.ticket);
	EXPECT_EQ(info_of(self->tx).endpoint, a.sender);
	EXPECT_EQ(getpid(), a.pid);
	EXPECT_EQ(b.flags, a.flags);
	EXPECT_EQ(b.ticket, a.ticket);
	EXPECT_EQ(b.sender, a.sender);
	EXPECT_EQ(b.pid, a.pid);
	EXPECT_EQ(b.uid, a.uid);
	EXPECT_EQ(b.gid, a.gid);
}

TEST_F(port, peek_takes_nothing)
{
	int i;

	EXPECT_EQ(3, put_text(self->tx, "one"));
	EXPECT_EQ(3, put_text(self->tx, "two"));
	for (i = 0; i < 3; i++) {
		EXPECT_SEEN("one", self->rx, 0);
		EXPECT_SEEN("two", self->rx, 1);
	}
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_received);
	EXPECT_EQ(0, info_of(self->rx).redelivered);
	EXPECT_MESSAGE("one", self->both);
	EXPECT_SEEN("two", self->rx, 0);
	EXPECT_MESSAGE("two", self->rx);
}

TEST_F(port, peek_finishes_no_message_whose_sender_wants_a_receipt)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_SEEN("x", self->rx, 0);
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
}

TEST_F(port, peek_goes_through_the_lanes_from_the_highest_down)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 3, "high"));
	EXPECT_EQ(0, send_on(self->tx, 1, "middle"));
	EXPECT_EQ(0, send_on(self->tx, 3, "high again"));
	EXPECT_SEEN("high", self->rx, 0);
	EXPECT_SEEN("high again", self->rx, 1);
	EXPECT_SEEN("middle", self->rx, 2);
	EXPECT_SEEN("low", self->rx, 3);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 4));
}

TEST_F(port, peek_sees_only_the_lanes_of_its_endpoint)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 1, "middle"));
	EXPECT_EQ(0, send_on(self->tx, 3, "high"));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 3 | 1 << 0, 0));
	EXPECT_SEEN("high", self->rx, 0);
	EXPECT_SEEN("low", self->rx, 1);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 2));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 0));
}

TEST_F(port, peek_counts_from_where_other_receivers_have_come_to)
{
	int round, i;
	char text[8];

	for (round = 0; round < 10; round++) {
		for (i = 0; i < FIXTURE_SLOTS; i++) {
			snprintf(text, sizeof(text), "%d.%d", round, i);
			EXPECT_EQ(0, send_on(self->tx, 0, text));
		}
		for (i = 0; i < FIXTURE_SLOTS; i++) {
			snprintf(text, sizeof(text), "%d.%d", round, i);
			EXPECT_SEEN(text, self->rx, 0);
			if (i < FIXTURE_SLOTS - 1) {
				snprintf(text, sizeof(text), "%d.%d", round, FIXTURE_SLOTS - 1);
				EXPECT_SEEN(text, self->rx, FIXTURE_SLOTS - 1 - i);
			}
			EXPECT_EQ(-EAGAIN, peek_error(self->rx, FIXTURE_SLOTS - i));
			snprintf(text, sizeof(text), "%d.%d", round, i);
			EXPECT_MESSAGE(text, self->both);
		}
	}
}

TEST_F(port, peek_of_nothing_or_beyond_the_end_is_eagain_and_does_not_wait)
{
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 0));
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, ~0U));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 1));
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, FIXTURE_SLOTS));
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, ~0U));
}

TEST_F(port, peek_of_an_empty_message)
{
	struct mailbox_message m = message();

	EXPECT_EQ(0, send_message(self->tx, &m));
	m = message();
	EXPECT_EQ(0, peek_message(self->rx, &m));
	EXPECT_EQ(0, m.length);
}

TEST_F(port, peek_into_a_short_buffer_is_emsgsize_with_the_length)
{
	char in[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(in), .length = 4);

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EMSGSIZE, peek_message(self->rx, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(POISON, (unsigned char)in[4]);
	m = message();
	EXPECT_EQ(-EMSGSIZE, peek_message(self->rx, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_SEEN("hello", self->rx, 0);
}

TEST_F(port, peek_may_truncate)
{
	char in[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(in), .length = 4,
					   .flags = MAILBOX_RECV_TRUNCATE);

	memset(in, POISON, sizeof(in));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(0, peek_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_MSG_TRUNCATED | MAILBOX_MSG_TRUSTED, m.flags);
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(0, memcmp("hell", in, 4));
	EXPECT_EQ(POISON, (unsigned char)in[4]);
	EXPECT_MESSAGE("hello", self->rx);
}

TEST(peek_of_long_messages)
{
	static unsigned char out[300001], in[300001];
	int fd = create(NULL, .message_size = sizeof(out), .capacity = 4), i;

	ASSERT_LE(0, fd);
	for (i = 0; i < 3; i++) {
		write_pattern(out, sizeof(out) - i, i);
		ASSERT_EQ(sizeof(out) - i, put(fd, out, sizeof(out) - i));
	}
	for (i = 2; i >= 0; i--) {
		struct mailbox_message m = message(.data = address(in), .length = sizeof(in),
						   .index = i);

		EXPECT_EQ(0, peek_message(fd, &m));
		EXPECT_EQ(sizeof(out) - i, m.length);
		EXPECT_TRUE(has_pattern(in, m.length, i));
	}
}

/* What it does not touch, and what does not touch it. */

TEST_F(port, peek_leaves_to_a_receive_how_many_were_lost)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_NEWEST, .capacity = 2, .message_size = 8), i;
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in), .lost = 99);

	ASSERT_LE(0, fd);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, send_on(fd, 0, "x"));
	EXPECT_EQ(0, peek_message(fd, &m));
	EXPECT_EQ(99, m.lost);
	m = message(.data = address(in), .length = sizeof(in));
	EXPECT_EQ(0, receive_message(fd, &m));
	EXPECT_EQ(3, m.lost);
}

TEST_F(port, peek_of_a_deleted_port_shows_what_is_left_and_then_eidrm)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_SEEN("x", self->rx, 0);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 1));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(-EIDRM, peek_error(self->rx, 0));
}

TEST_F(port, peek_needs_an_endpoint_that_receives)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EBADF, peek_error(self->tx, 0));
	EXPECT_SEEN("x", self->both, 0);
}

TEST_F(port, peek_with_what_it_does_not_know_is_einval)
{
	char in[8];
	struct mailbox_message m;
	int bit;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	for (bit = 0; bit < 32; bit++) {
		m = message(.data = address(in), .length = sizeof(in), .flags = 1U << bit);
		EXPECT_EQ(1U << bit == MAILBOX_RECV_TRUNCATE ? 0 : -EINVAL,
			  peek_message(self->rx, &m));
	}
	m = message(.data = address(in), .length = sizeof(in), .lane = 1);
	EXPECT_EQ(-EINVAL, peek_message(self->rx, &m));
	m = message(.data = address(in), .length = sizeof(in), .tag = 1);
	EXPECT_EQ(-EINVAL, peek_message(self->rx, &m));
	m = message(.data = address(in), .length = sizeof(in), .deadline = MAILBOX_FOREVER);
	EXPECT_EQ(-EINVAL, peek_message(self->rx, &m));
	m = message(.size = sizeof(m) - 8, .data = address(in), .length = sizeof(in));
	EXPECT_EQ(-EINVAL, peek_message(self->rx, &m));
	m = message(.size = 5000, .data = address(in), .length = sizeof(in));
	EXPECT_EQ(-E2BIG, peek_message(self->rx, &m));
}

TEST_F(port, peek_with_a_newer_structure)
{
	struct {
		struct mailbox_message m;
		__u64 tail;
	} newer = { .m = message(.size = sizeof(newer)) };
	char in[8];

	EXPECT_EQ(1, put_text(self->tx, "x"));
	newer.m.data = address(in);
	newer.m.length = sizeof(in);
	EXPECT_EQ(0, peek_message(self->rx, &newer.m));
	EXPECT_EQ(1, newer.m.length);
	newer.m = message(.size = sizeof(newer), .data = address(in), .length = sizeof(in));
	newer.tail = 1;
	EXPECT_EQ(-E2BIG, peek_message(self->rx, &newer.m));
}

TEST_F(port, peek_into_bad_memory_is_efault_and_disturbs_nothing)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE), bad;
	char in[8];

	EXPECT_EQ(1, put_text(self->tx, "x"));
	bad = message(.data = address(nowhere()), .length = 8);
	EXPECT_EQ(-EFAULT, peek_message(self->rx, &bad));
	bad = message(.data = 0xffff888000000000UL, .length = 8);
	EXPECT_EQ(-EFAULT, peek_message(self->rx, &bad));
	EXPECT_EQ(-EFAULT, peek_message(self->rx, nowhere()));
	*m = message(.data = address(in), .length = sizeof(in));
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, peek_message(self->rx, m));
	mprotect(m, getpagesize(), PROT_READ | PROT_WRITE);
	m->length = 0;
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, peek_message(self->rx, m));
	EXPECT_EQ(0, info_of(self->rx).redelivered);
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_MESSAGE("x", self->rx);
}

TEST_F(port, peek_into_fresh_and_into_forked_memory)
{
	char *fresh = pages(1, PROT_READ | PROT_WRITE);
	struct mailbox_message m;

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	m = message(.data = address(fresh), .length = 8);
	EXPECT_EQ(0, peek_message(self->rx, &m));
	EXPECT_STREQ("hello", fresh);
	memset(fresh, POISON, 8);
	/* The first store to a private page after a fork is a fault. */
	EXPECT_EQ(0, ended({ }));
	m = message(.data = address(fresh), .length = 8);
	EXPECT_EQ(0, peek_message(self->rx, &m));
	EXPECT_EQ(0, memcmp("hello", fresh, 5));
}

/* Messages that others have had in their hands. */

TEST_F(port, peek_passes_over_what_another_receiver_has)
{
	struct ring ring;
	struct ring_taken t;

	EXPECT_EQ(0, send_on(self->tx, 0, "one"));
	EXPECT_EQ(0, send_on(self->tx, 0, "two"));
	ASSERT_EQ(0, ring_map(&ring, self->both));
	ASSERT_EQ(0, ring_take(&ring, 0, 8, &t));
	EXPECT_SEEN("two", self->rx, 0);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 1));
	/* It departs: its message comes back, in front. */
	ring_unmap(&ring);
	EXPECT_SEEN("one", self->rx, 0);
	EXPECT_SEEN("two", self->rx, 1);
}

TEST_F(port, peek_tells_that_a_message_comes_again)
{
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in));

	EXPECT_EQ(0, send_on(self->tx, 0, "one"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EAGAIN, peek_error(self->both, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, peek_message(self->both, &m));
	EXPECT_EQ(MAILBOX_MSG_REDELIVERED, m.flags & MAILBOX_MSG_REDELIVERED);
	EXPECT_EQ(1, m.flags >> MAILBOX_MSG_DEPARTED_SHIFT);
	EXPECT_EQ(0, m.ticket);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
	EXPECT_EQ(-EMSGSIZE, ({
		m = message(.data = address(in), .length = 2);
		peek_message(self->both, &m);
	}));
	EXPECT_EQ(3, m.length);
	EXPECT_EQ(-EFAULT, ({
		m = message(.data = address(nowhere()), .length = 8);
		peek_message(self->both, &m);
	}));
	EXPECT_MESSAGE("one", self->both);
}

TEST_F(port, peek_sees_what_was_given_back_before_the_rest_and_behind_it)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(0, send_on(self->tx, 0, "c"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(1, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK_BACK, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "d"));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 1));
	EXPECT_SEEN("b", self->rx, 0);
	EXPECT_SEEN("c", self->rx, 1);
	EXPECT_SEEN("a", self->rx, 2);
	EXPECT_SEEN("d", self->rx, 3);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 4));
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_SEEN("a", self->rx, 1);
	EXPECT_MESSAGE("c", self->rx);
	EXPECT_SEEN("a", self->rx, 0);
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_MESSAGE("d", self->rx);
}

TEST_F(port, peek_sees_a_message_that_a_receiver_could_not_store)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "one"));
	EXPECT_EQ(0, send_on(self->tx, 0, "two"));
	EXPECT_EQ(-EFAULT, get(self->both, nowhere(), 8));
	EXPECT_SEEN("one", self->rx, 0);
	EXPECT_SEEN("two", self->rx, 1);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 2));
}

/* Three lanes in every state that messages can be in: seen as they are received then. */
static void mix(int fd)
{
	struct mailbox_message m;
	char text[16], in[16];
	__u32 lane = below(3);

	switch (below(5)) {
	case 0:
	case 1:
		snprintf(text, sizeof(text), "%u", below(1000000));
		send_on(fd, lane, text);
		return;
	case 2:
		get(fd, nowhere(), 16);
		return;
	}
	set_lanes(fd, 1U << lane, 0);
	m = message(.flags = MAILBOX_RECV_LEASE, .data = address(in), .length = sizeof(in));
	if (!receive_message(fd, &m))
		finish(fd, one_in(2) ? MAILBOX_NACK : MAILBOX_NACK_BACK, m.ticket, .lane = lane);
	set_lanes(fd, ~0U, 0);
}

TEST(messages_are_seen_in_the_order_in_which_they_are_received)
{
	char seen[64][16], in[16];
	int fd, i, n, rounds;

	seed_from("PEEK_SEED");
	for (rounds = much(400); rounds; rounds--) {
		fd = create(NULL, .lanes = 3, .capacity = 8, .message_size = 16,
			    .open_flags = O_RDWR | O_NONBLOCK);
		ASSERT_LE(0, fd);
		for (i = below(60); i; i--)
			mix(fd);
		for (n = 0; peek_text(fd, n, seen[n], sizeof(seen[n])) >= 0; n++)
			ASSERT_GT(64, n);
		ASSERT_EQ(-EAGAIN, peek_error(fd, n));
		for (i = 0; i < n; i++) {
			memset(in, 0, sizeof(in));
			ASSERT_LE(0, get(fd, in, sizeof(in))) {
				TH_LOG("message %d of %d", i, n);
			}
			ASSERT_STREQ(seen[i], in) {
				TH_LOG("message %d of %d", i, n);
			}
		}
		ASSERT_EQ(-EAGAIN, get(fd, in, sizeof(in)));
		close(fd);
	}
}

/* Mapped participants. */

TEST_F(port, peek_sees_into_a_range_and_into_what_is_left_of_it)
{
	static const char * const texts[] = { "a", "b", "c", "d" };
	struct ring ring;
	int i, taken;
	__u64 first;

	ASSERT_EQ(0, ring_map(&ring, self->both));
	ASSERT_EQ(FIXTURE_SLOTS, ring_claim_range(&ring, 0, FIXTURE_SLOTS, &first));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		ring_fill(&ring, 0, first + i, texts[i], 1, 0);
	ring_publish_range(&ring, 0, first, FIXTURE_SLOTS);
	for (taken = 0; taken < FIXTURE_SLOTS; taken++) {
		for (i = 0; i < FIXTURE_SLOTS - taken; i++)
			EXPECT_SEEN(texts[taken + i], self->rx, i);
		EXPECT_EQ(-EAGAIN, peek_error(self->rx, FIXTURE_SLOTS - taken));
		EXPECT_MESSAGE(texts[taken], self->rx);
	}
}

TEST_F(port, peek_sees_nothing_behind_a_message_that_is_being_written)
{
	struct ring ring;
	__u64 position;

	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	ASSERT_EQ(0, ring_map(&ring, self->both));
	ASSERT_EQ(0, ring_claim(&ring, 1, &position));
	EXPECT_EQ(0, send_on(self->tx, 1, "three"));
	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_SEEN("one", self->rx, 0);
	EXPECT_SEEN("low", self->rx, 1);
	EXPECT_EQ(-EAGAIN, peek_error(self->rx, 2));
	/* It departs: what it claimed is void. */
	ring_unmap(&ring);
	EXPECT_SEEN("three", self->rx, 1);
}

TEST_F(port, peek_of_a_mapped_port_trusts_nobody)
{
	char in[8];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in));
	struct ring ring;

	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	ASSERT_EQ(0, ring_map(&ring, self->both));
	EXPECT_EQ(0, peek_message(self->rx, &m));
	EXPECT_EQ(0, m.flags & MAILBOX_MSG_TRUSTED);
}

TEST_F(port, peek_of_forged_words_and_lengths_ends)
{
	struct ring ring;
	int i, n;

	seed_from("PEEK_SEED");
	ASSERT_EQ(0, ring_map(&ring, self->both));
	for (i = much(2000); i; i--) {
		for (n = 0; n < FIXTURE_SLOTS; n++) {
			struct mailbox_slot *slot = mailbox_lane_slot(&ring.lane[0], n);
			__u32 owner = one_in(2) ? MAILBOX_OWNER_PARKED : 1;
			__u64 position = below(3) * FIXTURE_SLOTS + n;

			slot->header = roll() << 20 ^ roll();
			slot->word = mailbox_word_range(position, owner, 1 + below(8), below(8));
		}
		for (n = 0; n < 2 * FIXTURE_SLOTS; n++) {
			long ret = peek_error(self->rx, n);

			ASSERT_TRUE(ret == -EAGAIN || (ret >= 0 && ret <= FIXTURE_MESSAGE));
		}
	}
}

/* Direct ports. */

TEST(peek_of_a_direct_port_is_for_its_receiver)
{
	const char *name = port_name("direct");
	int tx = create(name, .flags = MAILBOX_DIRECT | MAILBOX_AUTODELETE, .capacity = 4,
			.message_size = 16), rx;

	ASSERT_LE(0, tx);
	EXPECT_EQ(0, send_on(tx, 0, "one"));
	EXPECT_EQ(-EBUSY, peek_error(tx, 0));
	rx = open_port(name, O_RDWR);
	ASSERT_LE(0, rx);
	EXPECT_SEEN("one", rx, 0);
	EXPECT_EQ(-EAGAIN, peek_error(rx, 1));
	close(tx);
	EXPECT_SEEN("one", rx, 0);
	EXPECT_MESSAGE("one", rx);
	EXPECT_EQ(-EPIPE, peek_error(rx, 0));
}

/* While others are at it. */

TEST_F(port, peek_that_waits_for_a_page_holds_nothing)
{
	struct stuck *stuck = shared_pages(1);
	pid_t pid;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(3, put_text(self->tx, "one"));
	EXPECT_EQ(3, put_text(self->tx, "two"));
	pid = spawn();
	if (!pid) {
		char *page = stuck_page(stuck, 8);
		struct mailbox_message m = message(.data = address(page), .length = 8);
		long ret;

		if (!page)
			leave(96);
		ret = peek_message(self->both, &m);
		if (!ret)
			memcpy(stuck->data, page, 8);
		leave(ret);
	}
	ASSERT_TRUE(wait_until(stuck->faulting));
	EXPECT_MESSAGE("one", self->rx);
	stuck->go_on = 1;
	EXPECT_EQ(0, reap(pid));
	/* It looked again, at what is first then. */
	EXPECT_STREQ("two", stuck->data);
	EXPECT_MESSAGE("two", self->rx);
}

/* Each message is its own number, many times over: half of two would show. */
static bool whole(const __u64 *words, __u32 length, __u64 ticket)
{
	__u32 i;

	for (i = 0; i < length / 8; i++)
		if (words[i] != ticket)
			return false;
	return length == 512;
}

TEST(what_is_seen_is_one_message_whole_however_fast_others_are)
{
	int fd = create(NULL, .capacity = 4, .message_size = 512), n = much(20000), seen = 0;
	__u64 words[64], i, j;
	pid_t sender, receiver;

	ASSERT_LE(0, fd);
	sender = spawn();
	if (!sender) {
		for (i = 0; i < n; i++) {
			for (j = 0; j < 64; j++)
				words[j] = i;
			if (put(fd, words, sizeof(words)) != sizeof(words))
				leave(1);
		}
		leave(0);
	}
	receiver = spawn();
	if (!receiver) {
		for (i = 0; i < n; i++)
			if (get(fd, words, sizeof(words)) != sizeof(words) || words[63] != i)
				leave(1);
		leave(0);
	}
	while (info_of(fd).messages_received < n) {
		struct mailbox_message m = message(.data = address(words), .length = sizeof(words),
						   .index = seen % 4);
		long ret = peek_message(fd, &m);

		if (ret == -EAGAIN)
			continue;
		ASSERT_EQ(0, ret);
		ASSERT_TRUE(whole(words, m.length, m.ticket)) {
			TH_LOG("ticket %llu, but %llu .. %llu", m.ticket, words[0], words[63]);
		}
		seen++;
	}
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(0, reap(receiver));
	EXPECT_LT(0, seen);
	report("%d messages seen whole while %d went by", seen, n);
}

TEST_HARNESS_MAIN
