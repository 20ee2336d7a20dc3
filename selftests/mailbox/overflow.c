// SPDX-License-Identifier: GPL-2.0
/* Ports whose senders do not wait for a slot: messages are dropped, and counted. */
#include "receipts.h"

#include <pthread.h>

#include "ring.h"

static const __u32 policies[] = { MAILBOX_DROP_NEWEST, MAILBOX_DROP_OLDEST };

FIXTURE(drop)
{
	int fd;
};

FIXTURE_VARIANT(drop)
{
	__u32 flags;
};

FIXTURE_VARIANT_ADD(drop, newest)
{
	.flags = MAILBOX_DROP_NEWEST,
};

FIXTURE_VARIANT_ADD(drop, oldest)
{
	.flags = MAILBOX_DROP_OLDEST,
};

FIXTURE_SETUP(drop)
{
	self->fd = create(NULL, .flags = variant->flags, .message_size = FIXTURE_MESSAGE,
			  .capacity = FIXTURE_SLOTS, .lanes = 2);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(drop)
{
	close(self->fd);
}

static long send_number(int fd, unsigned int number)
{
	return put(fd, &number, sizeof(number)) == sizeof(number) ? 0 : -errno;
}

/* The next message, and how many were lost. */
static unsigned int number_of_next(struct __test_metadata *_metadata, int fd, __u32 lost)
{
	unsigned int number = ~0U;
	struct mailbox_message m = message(.data = address(&number), .length = sizeof(number));

	EXPECT_EQ(0, receive_message(fd, &m));
	EXPECT_EQ(lost, m.lost);
	return number;
}

TEST_F(drop, send_to_a_full_lane_succeeds_and_is_counted)
{
	bool oldest = variant->flags == MAILBOX_DROP_OLDEST;
	unsigned int i;

	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->fd).depth);
	EXPECT_EQ(10, info_of(self->fd).messages_sent);
	EXPECT_EQ(10 - FIXTURE_SLOTS, info_of(self->fd).messages_dropped);
	EXPECT_EQ(0, info_of(self->fd).messages_received);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(oldest ? 10 - FIXTURE_SLOTS + i : i,
			  number_of_next(_metadata, self->fd, i ? 0 : 10 - FIXTURE_SLOTS));
	EXPECT_NO_MESSAGE(self->fd);
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->fd).messages_received);
}

TEST_F(drop, nothing_is_lost_as_long_as_there_is_room)
{
	unsigned int i;

	for (i = 0; i < 50; i++) {
		EXPECT_EQ(0, send_number(self->fd, i));
		EXPECT_EQ(i, number_of_next(_metadata, self->fd, 0));
	}
	EXPECT_EQ(0, info_of(self->fd).messages_dropped);
}

TEST_F(drop, each_lane_counts_for_itself)
{
	unsigned int i;

	for (i = 0; i < FIXTURE_SLOTS + 3; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(0, send_on(self->fd, 1, "high"));
	number_of_next(_metadata, self->fd, 0);
	number_of_next(_metadata, self->fd, 3);
}

TEST_F(drop, count_that_could_not_be_told_is_told_the_next_time)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	unsigned int i;

	for (i = 0; i < FIXTURE_SLOTS + 3; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	*m = message(.data = address(&i), .length = sizeof(i));
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, receive_message(self->fd, m));
	number_of_next(_metadata, self->fd, 3);
	number_of_next(_metadata, self->fd, 0);
}

TEST_F(drop, mapping_shows_that_there_is_something_to_be_told)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	unsigned int i;
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->fd));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(0, r.shared->lane[0].lost);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(1, r.shared->lane[0].lost);
	EXPECT_EQ(0, r.shared->lane[1].lost);
	*m = message(.data = address(&i), .length = sizeof(i));
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, receive_message(self->fd, m));
	EXPECT_EQ(1, r.shared->lane[0].lost);
	number_of_next(_metadata, self->fd, 3);
	EXPECT_EQ(0, r.shared->lane[0].lost);
	ring_unmap(&r);
}

TEST_F(drop, port_is_always_ready_to_be_sent_to)
{
	struct pollfd p = { .fd = self->fd, .events = POLLOUT };
	unsigned int i;

	for (i = 0; i < FIXTURE_SLOTS + 1; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLOUT, p.revents);
}

TEST_F(drop, port_that_has_been_deleted_drops_nothing)
{
	const char *name = port_name("drop");
	int fd = create(name, .flags = variant->flags | MAILBOX_EXCLUSIVE,
			.message_size = FIXTURE_MESSAGE, .capacity = 2);

	EXPECT_EQ(0, send_number(fd, 1));
	EXPECT_EQ(0, send_number(fd, 2));
	EXPECT_EQ(0, delete_port(name, 0));
	EXPECT_EQ(-EIDRM, put_text(fd, "x"));
	EXPECT_EQ(0, info_of(fd).messages_dropped);
	close(fd);
}

TEST_F(drop, policy_is_shown)
{
	EXPECT_EQ(variant->flags, info_of(self->fd).flags);
}

TEST(policies_exclude_each_other)
{
	EXPECT_EQ(-EINVAL, create(NULL, .flags = MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST));
	EXPECT_EQ(-EINVAL, create(NULL, .flags = MAILBOX_DROP_OLDEST | MAILBOX_DIRECT));
}

/* With receipts. */

TEST_F(drop, message_that_wants_a_receipt_is_not_refused)
{
	bool oldest = variant->flags == MAILBOX_DROP_OLDEST;
	unsigned int i;

	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(0, send_number(self->fd, i));
	EXPECT_EQ(oldest ? (long)FIXTURE_SLOTS : -EAGAIN, send_receipt(self->fd, 0, "x"));
	if (!oldest) {
		struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT,
						   .deadline = in_ms(20));

		EXPECT_EQ(-ETIMEDOUT, send_message(self->fd, &m));
	}
}

TEST(oldest_message_that_is_dropped_tells_its_sender)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_OLDEST, .message_size = 8, .capacity = 2);
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(fd, 0, "a"));
	EXPECT_EQ(1, send_receipt(fd, 0, "b"));
	EXPECT_EQ(2, send_receipt(fd, 0, "c"));
	EXPECT_EQ(0, read_receipt(fd, &r));
	EXPECT_EQ(0, r.ticket);
	EXPECT_EQ(MAILBOX_DISCARDED, r.outcome);
	EXPECT_EQ(MAILBOX_REASON_DROPPED, r.reason);
	EXPECT_MESSAGE("b", fd);
	close(fd);
}

/* What somebody has in hand is not dropped. */
TEST(messages_in_hand_are_not_dropped)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_OLDEST, .message_size = 8, .capacity = 2);
	struct ring_taken t[2];
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, fd));
	EXPECT_EQ(1, put_text(fd, "a"));
	EXPECT_EQ(1, put_text(fd, "b"));
	ASSERT_EQ(0, ring_take(&r, 0, 8, &t[0]));
	ASSERT_EQ(0, ring_take(&r, 0, 8, &t[1]));
	EXPECT_EQ(1, put_text(fd, "c"));
	EXPECT_EQ(1, info_of(fd).messages_dropped);
	ring_release(&r, &t[0]);
	ring_release(&r, &t[1]);
	EXPECT_NO_MESSAGE(fd);
	ring_unmap(&r);
	close(fd);
}

TEST(place_in_the_mapping_is_made_by_dropping_the_oldest)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct mailbox_message m = message(.flags = MAILBOX_SEND_IN_PLACE);
		int fd = create(NULL, .flags = policies[i], .message_size = 8, .capacity = 2);
		struct ring r;

		ASSERT_EQ(0, ring_map(&r, fd));
		EXPECT_EQ(1, put_text(fd, "a"));
		EXPECT_EQ(1, put_text(fd, "b"));
		EXPECT_EQ(i ? 0 : -EAGAIN, send_message(fd, &m));
		if (i) {
			ring_fill(&r, 0, m.ticket, "c", 1, 0);
			ring_publish(&r, 0, m.ticket);
			EXPECT_MESSAGE("b", fd);
			EXPECT_MESSAGE("c", fd);
		}
		ring_unmap(&r);
		close(fd);
	}
}

/*
 * Who may not be dropped itself waits for a slot, or for a message to drop: whichever
 * comes first. Two slots are claimed in a mapping, and the first of them is published.
 */
TEST(send_for_a_receipt_wakes_when_there_is_something_to_drop)
{
	int fd = create(NULL, .flags = MAILBOX_DROP_OLDEST, .message_size = 8, .capacity = 2);
	__u64 first, second;
	struct ring r;
	pid_t pid;

	ASSERT_EQ(0, ring_map(&r, fd));
	ASSERT_EQ(0, ring_claim(&r, 0, &first));
	ASSERT_EQ(0, ring_claim(&r, 0, &second));
	pid = spawn();
	if (!pid) {
		struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT,
						   .data = address("c"), .length = 1,
						   .deadline = MAILBOX_FOREVER);

		leave(send_message(fd, &m));
	}
	EXPECT_TRUE(wait_until(info_of(fd).waiting_senders == 1));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	/* Woken for nothing, it goes on waiting. */
	EXPECT_EQ(0, ring_kick(&r, 1, 1));
	EXPECT_TRUE(wait_until(info_of(fd).waiting_senders == 1));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	ring_fill(&r, 0, first, "a", 1, 0);
	ring_publish(&r, 0, first);
	EXPECT_EQ(0, reap(pid));
	ring_fill(&r, 0, second, "b", 1, 0);
	ring_publish(&r, 0, second);
	EXPECT_EQ(1, info_of(fd).messages_dropped);
	EXPECT_MESSAGE("b", fd);
	EXPECT_MESSAGE("c", fd);
	ring_unmap(&r);
	close(fd);
}

/* Many at once: what was sent was received or dropped, and receivers were told of each drop. */

#define SENDERS		3

struct flood {
	pthread_t thread;
	int fd;
	unsigned int count;
	unsigned int done;
	unsigned long long lost;
};

static void *flood_main(void *arg)
{
	struct flood *f = arg;

	for (f->done = 0; f->done < f->count; f->done++)
		if (send_number(f->fd, f->done))
			break;
	return NULL;
}

static void *sink_main(void *arg)
{
	struct flood *f = arg;
	unsigned int number;
	struct mailbox_message m;

	for (;;) {
		m = message(.data = address(&number), .length = sizeof(number),
			    .deadline = MAILBOX_FOREVER);
		if (receive_message(f->fd, &m))
			return NULL;
		f->done++;
		f->lost += m.lost;
	}
}

/* Nobody has a message in hand either, and so a slot. */
static bool is_settled(int fd)
{
	struct mailbox_info info = info_of(fd);

	return info.messages_sent == info.messages_received + info.messages_dropped;
}

TEST_F(drop, what_was_sent_was_received_or_counted)
{
	const char *name = port_name("flood");
	struct flood sender[SENDERS] = { 0 }, sink[2] = { 0 };
	unsigned int sent = 0, received = 0, i;
	unsigned long long told = 0;
	struct mailbox_info info;
	int fd = create(name, .flags = variant->flags | MAILBOX_EXCLUSIVE,
			.message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS);

	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		sink[i].fd = open_port(name, O_RDONLY);
		ASSERT_EQ(0, pthread_create(&sink[i].thread, NULL, sink_main, &sink[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		sender[i].fd = open_port(name, O_WRONLY);
		sender[i].count = much(20000);
		ASSERT_EQ(0, pthread_create(&sender[i].thread, NULL, flood_main, &sender[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		pthread_join(sender[i].thread, NULL);
		EXPECT_EQ(sender[i].count, sender[i].done);
		sent += sender[i].done;
		close(sender[i].fd);
	}
	/* One last one, to tell what is left. */
	EXPECT_TRUE(wait_until(is_settled(fd)));
	EXPECT_EQ(0, send_number(fd, 0));
	sent++;
	EXPECT_TRUE(wait_until(is_settled(fd)));
	EXPECT_EQ(0, delete_port(name, 0));
	for (i = 0; i < 2; i++) {
		pthread_join(sink[i].thread, NULL);
		received += sink[i].done;
		told += sink[i].lost;
		close(sink[i].fd);
	}
	info = info_of(fd);
	EXPECT_EQ(sent, info.messages_sent);
	EXPECT_EQ(received, info.messages_received);
	EXPECT_EQ(sent - received, info.messages_dropped);
	EXPECT_EQ(info.messages_dropped, told);
	report("%u sent, %u received, %llu told to be dropped", sent, received, told);
	close(fd);
}

/* Asked at any moment: its ticket is finished before its slot is free. */
TEST(who_is_dropped_hears_at_no_moment_that_it_was_received)
{
	const char *name = port_name("dropped");
	struct flood others = { .count = 1U << 30 };
	int fd = create(name, .flags = MAILBOX_DROP_OLDEST | MAILBOX_EXCLUSIVE,
			.message_size = FIXTURE_MESSAGE, .capacity = 2);
	__u32 i, left = much(4000), outcome, told = 0;
	struct mailbox_receipt r;
	long ticket;

	ASSERT_LE(0, fd);
	others.fd = open_port(name, O_WRONLY);
	ASSERT_EQ(0, pthread_create(&others.thread, NULL, flood_main, &others));
	for (i = 0; i < left && !told; i++) {
		do {	/* all slots may be in others' hands */
			ticket = send_receipt(fd, 0, "to be dropped");
		} while (ticket == -EAGAIN);
		ASSERT_LE(0, ticket);
		do {
			outcome = status_of(fd, 0, ticket);
		} while (outcome == MAILBOX_QUEUED || outcome == MAILBOX_TAKEN);
		r = wish();
		ASSERT_EQ(0, read_receipt(fd, &r));
		told = outcome != MAILBOX_DISCARDED || r.outcome != MAILBOX_DISCARDED ||
		       r.reason != MAILBOX_REASON_DROPPED;
	}
	EXPECT_EQ(0, told) {
		fprintf(stderr, "# message %u: status %u, outcome %u, reason %u\n", i, outcome,
			r.outcome, r.reason);
	}
	EXPECT_EQ(0, delete_port(name, MAILBOX_DELETE_PURGE));
	pthread_join(others.thread, NULL);
	close(others.fd);
	close(fd);
}

TEST_HARNESS_MAIN
