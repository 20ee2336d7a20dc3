// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: a message that was received, and is not finished before its receiver says
 * so. Replies, which are one way to finish it.
 */
#include "receipts.h"

#include <pthread.h>

#include "ring.h"

/* What a receive tells of the next message; its bytes must be @text. */
static __u32 flags_of_next(struct __test_metadata *_metadata, int fd, const char *text)
{
	char buf[FIXTURE_MESSAGE] = { 0 };
	struct mailbox_message m = message(.data = address(buf), .length = sizeof(buf) - 1);

	EXPECT_EQ(0, receive_message(fd, &m));
	EXPECT_STREQ(text, buf);
	return m.flags;
}

#define EXPECT_REDELIVERED(n, text, fd) do {				\
	__u32 __flags = flags_of_next(_metadata, fd, text);		\
									\
	EXPECT_EQ((n) ? MAILBOX_MSG_REDELIVERED : 0, __flags & MAILBOX_MSG_REDELIVERED); \
	EXPECT_EQ(n, __flags >> MAILBOX_MSG_DEPARTED_SHIFT);		\
} while (0)

/* The life of a lease. */

TEST_F(port, leased_message_is_nobody_elses)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_NO_MESSAGE(self->both);
	EXPECT_EQ(-EAGAIN, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_NO_MESSAGE(self->both);
}

TEST_F(port, lease_tells_all_that_a_receive_tells)
{
	char buf[FIXTURE_MESSAGE] = { 0 };
	struct mailbox_message out = message(.data = address("x"), .length = 1, .lane = 2,
					     .tag = 5);
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .data = address(buf),
					   .length = sizeof(buf));

	EXPECT_EQ(0, send_message(self->tx, &out));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_STREQ("x", buf);
	EXPECT_EQ(1, m.length);
	EXPECT_EQ(2, m.lane);
	EXPECT_EQ(5, m.tag);
	EXPECT_EQ(0, m.ticket);
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.flags);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
	EXPECT_EQ(getpid(), m.pid);
}

/* As many come and go as make the port forget who has gone and is named nowhere. */
TEST_F(port, who_sent_a_leased_message_is_known_though_many_have_gone_since)
{
	int fd = open_port(self->name, O_WRONLY), i;
	__u32 sender = info_of(fd).endpoint;
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE);
	char buf[FIXTURE_MESSAGE];

	EXPECT_EQ(1, put_text(fd, "x"));
	close(fd);
	EXPECT_EQ(0, lease(self->rx));
	for (i = 0; i < 1000; i++)
		close(open_port(self->name, O_WRONLY));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	m.data = address(buf);
	m.length = sizeof(buf);
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(sender, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(getegid(), m.gid);
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.flags & MAILBOX_MSG_TRUSTED);
}

TEST_F(port, receipt_of_a_leased_message_comes_when_it_is_acknowledged)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(MAILBOX_TAKEN, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_ACKED, r.outcome);
	EXPECT_EQ(info_of(self->rx).endpoint, r.receiver);
	EXPECT_EQ(getpid(), r.pid);
}

TEST_F(port, leases_hold_up_no_lane)
{
	int i, round;

	for (round = 0; round < 3; round++) {
		EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
		for (i = 0; i < FIXTURE_SLOTS; i++)
			EXPECT_EQ(round * FIXTURE_SLOTS + i, lease(self->rx));
	}
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_received);
	for (i = 0; i < 3 * FIXTURE_SLOTS; i++)
		EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, i));
	EXPECT_EQ(3 * FIXTURE_SLOTS, info_of(self->rx).messages_received);
}

TEST_F(port, leased_messages_are_counted_until_they_are_finished_or_given_back)
{
	EXPECT_EQ(1, put_text(self->tx, "a"));
	EXPECT_EQ(1, put_text(self->tx, "b"));
	EXPECT_EQ(0, info_of(self->tx).leased);
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(1, lease(self->both));
	EXPECT_EQ(2, info_of(self->tx).leased);
	EXPECT_EQ(0, info_of(self->tx).depth);
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(1, info_of(self->tx).leased);
	EXPECT_EQ(1, info_of(self->tx).depth);
	EXPECT_EQ(0, finish(self->both, MAILBOX_ACK, 1));
	EXPECT_EQ(0, info_of(self->tx).leased);
	EXPECT_EQ(1, info_of(self->tx).messages_received);
}

TEST_F(port, leasing_wakes_a_sender_who_waits_for_a_slot)
{
	pid_t pid;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	pid = spawn();
	if (!pid)
		leave(send_until(self->tx, "more", MAILBOX_FOREVER));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(port, who_waits_to_lease_is_woken)
{
	pid_t pid = spawn();

	if (!pid) {
		char buf[8];
		struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE,
						   .data = address(buf), .length = sizeof(buf),
						   .deadline = MAILBOX_FOREVER);

		leave(receive_message(self->rx, &m) ?:
		      finish(self->rx, MAILBOX_ACK, m.ticket));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
}

TEST_F(port, message_given_back_comes_first_and_is_marked)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(2, info_of(self->rx).redelivered);
	EXPECT_REDELIVERED(2, "a", self->both);
	EXPECT_REDELIVERED(0, "b", self->both);
}

TEST_F(port, messages_given_back_keep_their_order)
{
	int i;

	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(0, send_on(self->tx, 0, (char []) { 'a' + i, 0 }));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(i, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 2));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 3));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 1));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_REDELIVERED(1, ((char []) { 'a' + i, 0 }), self->both);
}

TEST_F(port, message_given_back_behind_the_others_comes_after_them)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(0, send_on(self->tx, 0, "c"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK_BACK, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "later"));
	EXPECT_EQ(4, info_of(self->rx).depth);
	EXPECT_MESSAGE("b", self->both);
	EXPECT_MESSAGE("c", self->both);
	EXPECT_REDELIVERED(1, "a", self->both);
	EXPECT_MESSAGE("later", self->both);
}

TEST_F(port, message_given_back_behind_nothing_is_there_at_once)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK_BACK, 0));
	EXPECT_REDELIVERED(1, "a", self->both);
}

TEST_F(port, message_given_back_wakes_a_receiver)
{
	pid_t pid;

	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	pid = spawn();
	if (!pid) {
		char buf[8];

		leave(get(self->both, buf, sizeof(buf)));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(1, reap(pid));
}

TEST_F(port, message_given_back_can_be_polled_for)
{
	struct pollfd p = { .fd = self->both, .events = POLLIN };

	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(1, poll(&p, 1, 0));
}

TEST_F(port, message_given_back_stays_in_its_lane)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .length = 0);

	EXPECT_EQ(0, send_on(self->tx, 2, ""));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_NACK, 0, .lane = 1));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0, .lane = 2));
	EXPECT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	EXPECT_NO_MESSAGE(self->both);
	EXPECT_EQ(0, set_lanes(self->both, 1 << 2, 0));
	EXPECT_MESSAGE("", self->both);
}

TEST_F(port, message_given_back_can_be_received_plainly)
{
	char buf[8];

	EXPECT_EQ(0, send_receipt(self->tx, 0, "text"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(MAILBOX_TAKEN, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EMSGSIZE, get(self->both, buf, 2));
	EXPECT_EQ(-EFAULT, get(self->both, nowhere(), 64));
	EXPECT_EQ(4, get(self->both, buf, sizeof(buf)));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(1, info_of(self->rx).messages_received);
}

/* The ways of losing it. */

TEST_F(port, close_gives_back)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(1, lease(self->rx));
	close(self->rx);
	EXPECT_REDELIVERED(1, "a", self->both);
	EXPECT_REDELIVERED(1, "b", self->both);
	self->rx = open_port(self->name, O_RDONLY);
}

TEST_F(port, death_gives_back_and_wakes_the_next)
{
	pid_t worker, next;

	EXPECT_EQ(0, send_on(self->tx, 0, "job"));
	worker = spawn();
	if (!worker) {
		int fd = open_port(self->name, O_RDONLY);

		if (lease(fd))
			leave(99);
		pause();
	}
	EXPECT_TRUE(wait_until(!info_of(self->tx).depth));
	next = spawn();
	if (!next) {
		char buf[8];

		leave(get(self->rx, buf, sizeof(buf)));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	kill(worker, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(worker));
	EXPECT_EQ(3, reap(next));
}

TEST_F(port, lease_ends_with_its_deadline)
{
	pid_t next;

	EXPECT_EQ(0, send_on(self->tx, 0, "job"));
	EXPECT_EQ(0, lease_until(self->rx, in_ms(50)));
	next = spawn();
	if (!next) {
		char buf[8];

		leave(get(self->both, buf, sizeof(buf)));
	}
	EXPECT_EQ(3, reap(next));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_EXTEND, 0));
}

TEST_F(port, lease_does_not_end_before_its_deadline)
{
	__u64 until = in_ms(100);

	EXPECT_EQ(0, send_on(self->tx, 0, "job"));
	EXPECT_EQ(0, lease_until(self->rx, until));
	EXPECT_EQ(3, receive_until(self->both, (char [8]) { 0 }, 8, MAILBOX_FOREVER));
	EXPECT_LE(until, clock_ns(CLOCK_MONOTONIC));
}

TEST_F(port, each_lease_ends_with_its_own_deadline)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(0, send_on(self->tx, 0, "c"));
	EXPECT_EQ(0, lease_until(self->rx, in_ms(100000)));
	EXPECT_EQ(1, lease_until(self->rx, in_ms(50000)));
	EXPECT_EQ(2, lease_until(self->rx, in_ms(200000)));
	/* Not at once: a slow machine would have the second one back before the third goes. */
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 2, .deadline = in_ms(60)));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 1, .deadline = in_ms(20)));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 2));
	EXPECT_REDELIVERED(1, "b", self->both);
	EXPECT_REDELIVERED(1, "c", self->both);
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
}

TEST_F(port, lease_is_extended)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease_until(self->rx, in_ms(2000)));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 0, .deadline = 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 0, .deadline = MAILBOX_FOREVER));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 0, .deadline = in_ms(20)));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_EXTEND, 0));
}

TEST_F(port, deadline_in_the_past_gives_back_at_once)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease_until(self->rx, 1));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
}

/* Replies. */

TEST_F(port, reply_comes_with_the_receipt)
{
	char answer[16] = { 0 };
	struct mailbox_receipt r = wish(.data = address(answer), .length = sizeof(answer));

	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_REPLIED, r.outcome);
	EXPECT_EQ(6, r.length);
	EXPECT_STREQ("answer", answer);
	EXPECT_EQ(-ESTALE, reply(self->rx, 0, "again"));
}

TEST_F(port, call_returns_with_the_reply)
{
	char *answer = shared_pages(1);
	struct mailbox_receipt *r = shared_pages(1);
	pid_t caller;

	*r = wish(.data = address(answer), .length = 16);
	caller = spawn();
	if (!caller)
		leave(send_sync(self->tx, "question", MAILBOX_FOREVER, r));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, reap(caller));
	EXPECT_EQ(MAILBOX_REPLIED, r->outcome);
	EXPECT_EQ(6, r->length);
	EXPECT_STREQ("answer", answer);
}

TEST_F(port, empty_reply_is_one)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_REPLY, 0));
	EXPECT_EQ(MAILBOX_REPLIED, outcome_of(self->tx));
}

TEST_F(port, reply_too_long_for_its_buffer_is_kept)
{
	char answer[8] = { 0 };
	struct mailbox_receipt r = wish(.data = address(answer), .length = 3);

	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, reply(self->rx, 0, "answer"));
	EXPECT_EQ(-EMSGSIZE, read_receipt(self->tx, &r));
	EXPECT_EQ(6, r.length);
	EXPECT_EQ(0, answer[0]);
	r = wish(.data = address(nowhere()), .length = 8);
	EXPECT_EQ(-EFAULT, read_receipt(self->tx, &r));
	r = wish(.data = address(answer), .length = 8);
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_STREQ("answer", answer);
}

TEST_F(port, reply_longer_than_a_message_is_emsgsize_and_the_lease_goes_on)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EMSGSIZE, finish(self->rx, MAILBOX_REPLY, 0, .data = address(out),
				    .length = sizeof(out)));
	EXPECT_EQ(-EFAULT, finish(self->rx, MAILBOX_REPLY, 0, .data = address(nowhere()),
				  .length = 4));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_REPLY, 0, .data = address(out),
			    .length = FIXTURE_MESSAGE));
}

TEST_F(port, reply_that_nobody_asked_for_is_eopnotsupp_and_the_lease_goes_on)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "statement"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EOPNOTSUPP, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
}

TEST_F(port, reply_to_one_who_is_gone_is_epipe_and_the_lease_goes_on)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	close(self->tx);
	EXPECT_EQ(-EPIPE, reply(self->rx, 0, "answer"));
	EXPECT_EQ(-EPIPE, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(-ESTALE, reply(self->rx, 0, "answer"));
	self->tx = open_port(self->name, O_WRONLY);
}

/* A caller of its own, that nobody else keeps open: it has called, and its message is leased. */
static pid_t caller_in_a_call(struct __test_metadata *_metadata, const char *name, int rx,
			      __u64 deadline)
{
	pid_t caller = spawn();

	if (!caller) {
		send_sync(open_port(name, O_WRONLY), "question", deadline, NULL);
		pause();
	}
	EXPECT_TRUE(wait_until(info_of(rx).depth));
	EXPECT_EQ(0, lease(rx));
	return caller;
}

TEST_F(port, caller_that_is_killed_in_its_call_is_gone_for_who_has_the_lease)
{
	pid_t caller = caller_in_a_call(_metadata, self->name, self->rx, MAILBOX_FOREVER);

	EXPECT_TRUE(sleeps_in_ioctl(caller));
	kill(caller, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(caller));
	/* Its descriptor is closed behind its end. */
	EXPECT_TRUE(wait_until(info_of(self->rx).endpoints == 3));
	EXPECT_EQ(-EPIPE, reply(self->rx, 0, "answer"));
	EXPECT_EQ(1, info_of(self->rx).leased);
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(1, info_of(self->rx).messages_received);
}

TEST_F(port, caller_that_has_given_up_and_died_is_gone_for_who_has_the_lease)
{
	pid_t caller = caller_in_a_call(_metadata, self->name, self->rx, in_ms(500));

	EXPECT_TRUE(wait_until(asleep_in(caller, SYS_pause)));
	kill(caller, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(caller));
	EXPECT_TRUE(wait_until(info_of(self->rx).endpoints == 3));
	EXPECT_EQ(-EPIPE, reply(self->rx, 0, "answer"));
	/* Whoever has it next is told the same. */
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, lease(self->both));
	EXPECT_EQ(-EPIPE, reply(self->both, 0, "answer"));
	EXPECT_EQ(0, finish(self->both, MAILBOX_ACK, 0));
}

TEST_F(port, caller_whose_time_is_over_gets_its_reply_later)
{
	char answer[8] = { 0 };
	struct mailbox_receipt r = wish(.data = address(answer), .length = 8);
	pid_t caller = spawn();

	if (!caller)
		leave(send_sync(self->tx, "question", in_ms(200), NULL));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EINPROGRESS, reap(caller));
	EXPECT_EQ(0, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_STREQ("answer", answer);
}

TEST_F(port, caller_whose_message_was_given_back_waits_for_the_next_worker)
{
	pid_t caller = sync_sender(self->tx, "question", MAILBOX_FOREVER);

	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, lease(self->both));
	EXPECT_EQ(0, reply(self->both, 0, "answer"));
	EXPECT_EQ(0, reap(caller));
}

/* One call for the end of one message and the beginning of the next. */

TEST_F(port, reply_and_the_next_question_are_one_call)
{
	struct mailbox_finish f = finishing(MAILBOX_FINISHED, 0);
	char answer[8] = { 0 };
	struct mailbox_receipt r = wish(.data = address(answer), .length = 8);
	int i;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i + 1, send_receipt(self->tx, 0, "b"));
		f = finishing(MAILBOX_REPLY, i, .data = address("yes"), .length = 3);
		EXPECT_EQ(i + 1, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
		EXPECT_EQ(MAILBOX_FINISHED, f.how);
		EXPECT_EQ(0, read_receipt(self->tx, &r));
		EXPECT_EQ(MAILBOX_REPLIED, r.outcome);
		EXPECT_EQ(i, r.ticket);
		EXPECT_STREQ("yes", answer);
	}
	EXPECT_EQ(1, info_of(self->rx).leased);
}

TEST_F(port, call_is_answered_by_a_server_of_one_call_a_turn)
{
	pid_t server = spawn();
	char answer[8];
	int i;

	if (!server) {
		char buf[FIXTURE_MESSAGE];
		struct mailbox_finish f = finishing(MAILBOX_FINISHED, 0);

		for (;;) {
			struct mailbox_message m = message(.data = address(buf),
							   .length = sizeof(buf));
			long ret;

			m.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH;
			m.deadline = MAILBOX_FOREVER;
			m.receipt = address(&f);
			ret = receive_message(self->rx, &m);
			if (ret)
				leave(ret);
			f = finishing(MAILBOX_REPLY, m.ticket, .data = address(buf),
				      .length = m.length);
		}
	}
	for (i = 0; i < 100; i++) {
		struct mailbox_receipt r = wish(.data = address(answer), .length = 8);

		memset(answer, 0, sizeof(answer));
		ASSERT_EQ(0, send_sync(self->tx, i & 1 ? "odd" : "even", MAILBOX_FOREVER, &r));
		EXPECT_EQ(MAILBOX_REPLIED, r.outcome);
		EXPECT_STREQ(i & 1 ? "odd" : "even", answer);
	}
	kill(server, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(server));
	EXPECT_EQ(0, info_of(self->rx).leased);
	EXPECT_EQ(100, info_of(self->rx).messages_received);
}

TEST_F(port, what_cannot_be_finished_is_the_error_and_nothing_is_received)
{
	struct mailbox_finish f = finishing(MAILBOX_REPLY, 0, .data = address("x"), .length = 1);
	struct mailbox_finish larger[2] = { finishing(MAILBOX_ACK, 0) };

	EXPECT_EQ(0, send_on(self->tx, 0, "statement"));
	EXPECT_EQ(0, send_on(self->tx, 0, "next"));
	EXPECT_EQ(-ESTALE, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EOPNOTSUPP, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_REPLY, f.how);
	f.data = address(nowhere());
	EXPECT_EQ(-EFAULT, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_REPLY, f.how);
	f.data = address("x");
	f.length = FIXTURE_MESSAGE + 1;
	EXPECT_EQ(-EMSGSIZE, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_REPLY, f.how);
	f = finishing(MAILBOX_EXTEND + 1, 0);
	EXPECT_EQ(-EINVAL, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	f = finishing(MAILBOX_ACK, 0, .size = sizeof(f) - 1);
	EXPECT_EQ(-EINVAL, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(-EFAULT, finish_and_lease(self->rx, nowhere(), MAILBOX_NO_WAIT));
	larger[0].size = sizeof(larger);
	larger[1].size = 1;
	EXPECT_EQ(-E2BIG, finish_and_lease(self->rx, larger, MAILBOX_NO_WAIT));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_EQ(1, info_of(self->rx).leased);
	larger[1].size = 0;
	EXPECT_EQ(1, finish_and_lease(self->rx, larger, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_FINISHED, larger[0].how);
}

TEST_F(port, who_is_gone_is_epipe_and_nothing_is_received)
{
	struct mailbox_finish f = finishing(MAILBOX_REPLY, 0);

	EXPECT_EQ(0, send_receipt(self->tx, 0, "question"));
	EXPECT_EQ(0, lease(self->rx));
	close(self->tx);
	EXPECT_EQ(0, send_on(self->both, 0, "next"));
	EXPECT_EQ(-EPIPE, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_REPLY, f.how);
	f.how = MAILBOX_ACK;
	EXPECT_EQ(1, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	self->tx = open_port(self->name, O_WRONLY);
}

TEST_F(port, what_is_finished_stays_so_whatever_the_receive_says)
{
	struct mailbox_finish f = finishing(MAILBOX_ACK, 0);
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH,
					   .data = address(nowhere()), .length = 8,
					   .receipt = address(&f));

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EAGAIN, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(MAILBOX_FINISHED, f.how);
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
	/* Again, with the same one: it is not finished twice. */
	EXPECT_EQ(-ETIMEDOUT, finish_and_lease(self->rx, &f, 1));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	EXPECT_EQ(1, finish_and_lease(self->rx, &f, MAILBOX_NO_WAIT));
	EXPECT_EQ(2, send_receipt(self->tx, 0, "long"));
	f = finishing(MAILBOX_ACK, 1);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_FINISHED, f.how);
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
	m.data = 0;
	m.length = 0;
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(4, m.length);
	EXPECT_EQ(1, info_of(self->rx).depth);
}

/* A handler that restarts makes the same call again, by the same structure. */
TEST_F(port, signal_between_the_end_and_the_beginning_is_no_end_twice)
{
	struct mailbox_finish *f = shared_pages(1);
	pid_t server;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	*f = finishing(MAILBOX_ACK, 0);
	server = spawn();
	if (!server) {
		catch_signal(SIGUSR1, SA_RESTART);
		leave(finish_and_lease(self->rx, f, MAILBOX_FOREVER));
	}
	EXPECT_TRUE(sleeps_in_ioctl(server));
	EXPECT_EQ(MAILBOX_FINISHED, f->how);
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
	kill(server, SIGUSR1);
	EXPECT_TRUE(sleeps_in_ioctl(server));
	EXPECT_EQ(0, send_on(self->tx, 0, "b"));
	EXPECT_EQ(1, reap(server));
}

TEST_F(port, end_and_beginning_ask_for_a_lease)
{
	struct mailbox_finish f = finishing(MAILBOX_ACK, 0);
	struct mailbox_message m = message(.flags = MAILBOX_RECV_FINISH, .receipt = address(&f));

	EXPECT_EQ(0, send_on(self->tx, 0, ""));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EINVAL, receive_message(self->rx, &m));
	m.flags |= MAILBOX_RECV_IN_PLACE | MAILBOX_RECV_LEASE;
	EXPECT_EQ(-EINVAL, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_ACK, f.how);
	EXPECT_EQ(1, info_of(self->rx).leased);
}

/* What fails, and loses nothing. */

TEST_F(port, lease_that_cannot_be_told_is_given_back)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE,
					   .data = address(nowhere()), .length = 64);

	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(-EFAULT, receive_message(self->rx, &m));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_REDELIVERED(0, "a", self->both);
}

TEST_F(port, lease_of_a_message_too_long_is_emsgsize)
{
	char buf[4];
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .data = address(buf),
					   .length = 2);

	EXPECT_EQ(0, send_on(self->tx, 0, "long"));
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(4, m.length);
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(1, info_of(self->rx).depth);
}

TEST_F(port, truncated_lease_is_of_the_whole_message)
{
	char buf[4] = { 0 };
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_TRUNCATE,
					   .data = address(buf), .length = 2);

	EXPECT_EQ(0, send_on(self->tx, 0, "long"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_STREQ("lo", buf);
	EXPECT_EQ(4, m.length);
	EXPECT_EQ(MAILBOX_MSG_TRUNCATED, m.flags & MAILBOX_MSG_TRUNCATED);
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_MESSAGE("long", self->both);
}

TEST(long_messages_are_leased_whole)
{
	static char out[8192], in[8192];
	int fd = create(NULL, .message_size = 8192, .capacity = 2);
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .data = address(in),
					   .length = sizeof(in));

	memset(out, 7, sizeof(out));
	ASSERT_LE(0, fd);
	EXPECT_EQ(8192, put(fd, out, sizeof(out)));
	EXPECT_EQ(0, receive_message(fd, &m));
	EXPECT_EQ(8192, m.length);
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	memset(in, 0, sizeof(in));
	EXPECT_EQ(0, finish(fd, MAILBOX_NACK, 0));
	EXPECT_EQ(8192, get(fd, in, sizeof(in)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	close(fd);
}

TEST_F(port, finishing_what_is_not_leased_is_estale)
{
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-ESTALE, finish(self->both, MAILBOX_ACK, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 1));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0, .lane = 99));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, 0));
}

TEST_F(port, finish_judges_its_arguments)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(-EINVAL, finish(self->rx, 0, 0));
	EXPECT_EQ(-EINVAL, finish(self->rx, MAILBOX_EXTEND + 1, 0));
	EXPECT_EQ(-EINVAL, finish(self->rx, MAILBOX_ACK, 0, .length = 1));
	EXPECT_EQ(-EINVAL, finish(self->rx, MAILBOX_NACK, 0, .data = 1));
	EXPECT_EQ(-EINVAL, finish(self->rx, MAILBOX_ACK, 0, .deadline = 1));
	EXPECT_EQ(-EINVAL, finish(self->rx, MAILBOX_REPLY, 0, .deadline = 1));
	EXPECT_EQ(-EBADF, finish(self->tx, MAILBOX_ACK, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
}

/* Delete. */

TEST_F(port, deleted_port_is_not_empty_while_something_is_leased)
{
	pid_t pid;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_NO_MESSAGE(self->both);
	pid = spawn();
	if (!pid) {
		char buf[8];

		leave(get(self->both, buf, sizeof(buf)));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
}

TEST_F(port, message_given_back_to_a_deleted_port_is_received)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_MESSAGE("a", self->both);
	EXPECT_EQ(-EIDRM, get(self->both, &(char) { 0 }, 1));
}

TEST_F(port, message_of_a_deleted_port_comes_again_when_its_holder_dies_or_is_late)
{
	pid_t holder;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	holder = spawn();
	if (!holder) {
		if (!lease(open_port(self->name, O_RDONLY)))
			pause();
		leave(99);
	}
	EXPECT_TRUE(wait_until(info_of(self->rx).leased == 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_NO_MESSAGE(self->rx);
	kill(holder, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(holder));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	EXPECT_EQ(0, lease_until(self->rx, 1));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	EXPECT_REDELIVERED(2, "a", self->both);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-EIDRM, get(self->both, &(char) { 0 }, 1));
}

TEST_F(port, lease_of_a_deleted_port_is_extended_and_finished)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease_until(self->rx, in_ms(100000)));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 0, .deadline = in_ms(200000)));
	EXPECT_EQ(MAILBOX_TAKEN, status_of(self->tx, 0, 0));
	EXPECT_EQ(0, reply(self->rx, 0, "done"));
	EXPECT_EQ(MAILBOX_REPLIED, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EIDRM, get(self->both, &(char) { 0 }, 1));
}

TEST_F(port, lease_can_be_finished_after_a_purge)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(MAILBOX_ACKED, outcome_of(self->tx));
}

TEST_F(port, purge_discards_what_was_given_back_and_what_will_be)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(1, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_DISCARDED, r.outcome);
	EXPECT_EQ(MAILBOX_REASON_PURGED, r.reason);
	EXPECT_EQ(0, r.ticket);
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 1));
	EXPECT_EQ(MAILBOX_DISCARDED, outcome_of(self->tx));
	EXPECT_EQ(2, info_of(self->rx).messages_dropped);
	EXPECT_EQ(-EIDRM, get(self->both, &(char) { 0 }, 1));
}

TEST_F(port, synchronous_sender_waits_for_the_holder_though_the_port_is_deleted)
{
	pid_t caller = sync_sender(self->tx, "question", MAILBOX_FOREVER);

	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_TRUE(sleeps_in_ioctl(caller));
	EXPECT_EQ(0, reply(self->rx, 0, "answer"));
	EXPECT_EQ(0, reap(caller));
}

/* With a mapping. */

TEST_F(port, message_given_back_is_not_in_the_mapping)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_IN_PLACE);
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, send_on(self->tx, 0, "a"));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(1, r.shared->lane[0].parked);
	EXPECT_EQ(-EREMOTE, receive_message(self->both, &m));
	EXPECT_MESSAGE("a", self->both);
	EXPECT_EQ(0, r.shared->lane[0].parked);
	ring_unmap(&r);
}

/* A pool of workers who lease, are killed, run late and give up: each job is done once. */

#define WORKERS		4

struct pool {
	unsigned int done[65536];
	unsigned int stale;
};

static void work(int fd, struct pool *pool, unsigned int seed)
{
	unsigned int job;
	struct mailbox_message m;

	for (;;) {
		m = message(.flags = MAILBOX_RECV_LEASE, .data = address(&job),
			    .length = sizeof(job), .deadline = MAILBOX_FOREVER,
			    .lease = rand_r(&seed) % 4 ? in_ms(50) : 0);
		if (receive_message(fd, &m))
			leave(0);
		switch (rand_r(&seed) % 64) {
		case 0:
			raise(SIGKILL);
			break;
		case 1:
			finish(fd, MAILBOX_NACK, m.ticket);
			continue;
		case 2:
			finish(fd, MAILBOX_NACK_BACK, m.ticket);
			continue;
		case 3:
			close(fd);
			leave(1);
		}
		if (finish(fd, MAILBOX_ACK, m.ticket))
			__atomic_fetch_add(&pool->stale, 1, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&pool->done[job], 1, __ATOMIC_RELAXED);
	}
}

static pid_t hire(struct __test_metadata *_metadata, const char *name, struct pool *pool,
		  unsigned int seed)
{
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_port(name, O_RDONLY);

		work(fd, pool, seed);
	}
	return pid;
}

TEST_F(port, each_job_is_done_though_workers_die)
{
	unsigned int jobs = much(4000), job = 0, died = 0, twice = 0, missing = 0, i;
	size_t bytes = sizeof(struct pool);
	struct pool *pool = shared_pages(bytes / getpagesize() + 1);
	pid_t worker[WORKERS];

	/* Whoever waits for room does not see that there is nobody left to make any. */
	set_nonblock(self->tx, true);
	for (i = 0; i < WORKERS; i++)
		worker[i] = hire(_metadata, self->name, pool, i);
	while (job < jobs || info_of(self->tx).messages_received < jobs) {
		if (job < jobs && put(self->tx, &job, sizeof(job)) == sizeof(job))
			job++;
		for (i = 0; i < WORKERS; i++) {
			if (waitpid(worker[i], NULL, WNOHANG) != worker[i])
				continue;
			died++;
			worker[i] = hire(_metadata, self->name, pool, 1000 + died);
		}
	}
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < WORKERS; i++)
		/* Killed: of one whose time was over before it killed itself. */
		EXPECT_NE(NOT_ENDED, reap(worker[i]));
	for (i = 0; i < jobs; i++) {
		missing += !pool->done[i];
		twice += pool->done[i] > 1;
	}
	EXPECT_EQ(0, twice);
	EXPECT_EQ(0, missing);
	report("%u jobs, %u workers died or left, %u leases were over before the job was done",
	       jobs, died, pool->stale);
}

TEST_HARNESS_MAIN
