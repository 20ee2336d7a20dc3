// SPDX-License-Identifier: GPL-2.0
/*
 * Receipts: what became of a message; and synchronous sends, which wait for that
 * or take the message back.
 */
#include "receipts.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "ring.h"

/* Receipts. */

TEST_F(port, receipt_says_who_received_it_and_when)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT, .data = address("one"),
					   .length = 3, .lane = 2, .tag = 77);
	struct mailbox_receipt r = wish(.lane = 9, .ticket = 9);
	__u64 before = clock_ns(CLOCK_MONOTONIC);

	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_MESSAGE("one", self->rx);
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_RECEIVED, r.outcome);
	EXPECT_EQ(0, r.reason);
	EXPECT_EQ(2, r.lane);
	EXPECT_EQ(0, r.ticket);
	EXPECT_EQ(77, r.tag);
	EXPECT_EQ(0, r.length);
	EXPECT_EQ(info_of(self->rx).endpoint, r.receiver);
	EXPECT_EQ(getpid(), r.pid);
	EXPECT_EQ(getuid(), r.uid);
	EXPECT_EQ(getgid(), r.gid);
	EXPECT_LE(before, r.time);
	EXPECT_GE(clock_ns(CLOCK_MONOTONIC), r.time);
}

TEST_F(port, send_with_a_receipt_answers_lane_and_ticket)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT,
					   .lane = MAILBOX_LANE_DEFAULT);

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 3));
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(3, m.lane);
	EXPECT_EQ(0, m.ticket);
}

TEST_F(port, there_is_no_receipt_before_somebody_received)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
}

TEST_F(port, no_receipt_for_who_wants_none)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, send_on(self->tx, 0, "y"));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_MESSAGE("y", self->rx);
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
}

TEST_F(port, status_tells_and_keeps)
{
	EXPECT_EQ(0, send_receipt(self->tx, 1, "x"));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 1, 0));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 1, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, status_of(self->tx, 1, 0));
	EXPECT_EQ(MAILBOX_RECEIVED, status_of(self->tx, 1, 0));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 1, 0));
}

TEST_F(port, receipts_come_in_the_order_of_receiving)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->tx, 0, "low"));
	EXPECT_EQ(0, send_receipt(self->tx, 3, "high"));
	EXPECT_MESSAGE("high", self->rx);
	EXPECT_MESSAGE("low", self->rx);
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(3, r.lane);
	r = wish();
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(0, r.lane);
}

TEST_F(port, receipt_of_one_ticket_is_read_before_others)
{
	struct mailbox_receipt r = wish(.flags = MAILBOX_RECEIPT_TICKET, .ticket = 1);

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(-EAGAIN, read_receipt(self->tx, &r));
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(1, r.ticket);
	EXPECT_EQ(-ESTALE, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_RECEIVED, status_of(self->tx, 0, 0));
}

TEST_F(port, ticket_of_nobody_or_of_another_sender_is_estale)
{
	struct mailbox_receipt r = wish(.flags = MAILBOX_RECEIPT_TICKET);

	EXPECT_EQ(-ESTALE, read_receipt(self->tx, &r));
	EXPECT_EQ(5, put_text(self->tx, "plain"));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 0, 0));
	EXPECT_EQ(1, send_receipt(self->both, 0, "x"));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 0, 1));
	EXPECT_EQ(-ESTALE, status_of(self->both, 1, 1));
	EXPECT_EQ(-ESTALE, status_of(self->both, 77, 1));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->both, 0, 1));
}

TEST_F(port, receipts_are_for_who_can_send)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(-EBADF, read_receipt(self->rx, &r));
}

TEST_F(port, message_tells_its_receiver_that_a_receipt_is_wanted)
{
	char buf[8];
	struct mailbox_message m = message(.data = address(buf), .length = sizeof(buf));

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, send_on(self->tx, 0, "y"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_MSG_RECEIPT, m.flags & MAILBOX_MSG_RECEIPT);
	m = message(.data = address(buf), .length = sizeof(buf));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.flags & MAILBOX_MSG_RECEIPT);
}

TEST_F(port, receive_that_fails_finishes_nothing)
{
	char buf[2];

	EXPECT_EQ(0, send_receipt(self->tx, 0, "long"));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, buf, sizeof(buf)));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 64));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_MESSAGE("long", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
}

TEST_F(port, receive_that_truncates_finishes)
{
	char buf[2];
	struct mailbox_message m = message(.flags = MAILBOX_RECV_TRUNCATE, .data = address(buf),
					   .length = sizeof(buf));

	EXPECT_EQ(0, send_receipt(self->tx, 0, "long"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
}

TEST_F(port, receipt_that_cannot_be_stored_is_kept)
{
	struct mailbox_receipt *readonly = pages(1, PROT_READ | PROT_WRITE);

	*readonly = wish();
	mprotect(readonly, getpagesize(), PROT_READ);
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(-EFAULT, read_receipt(self->tx, readonly));
	EXPECT_EQ(-EFAULT, read_receipt(self->tx, nowhere()));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
}

TEST_F(port, sender_that_closes_leaves_its_message)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, send_receipt(self->tx, 1, "y"));
	EXPECT_MESSAGE("y", self->rx);
	close(self->tx);
	EXPECT_MESSAGE("x", self->rx);
	self->tx = open_port(self->name, O_WRONLY);
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 0, 0));
}

TEST_F(port, who_reads_no_receipts_sends_no_more)
{
	unsigned int i;

	for (i = 0; i < MAILBOX_RECEIPTS_MAX; i++) {
		ASSERT_EQ(i, send_receipt(self->tx, 0, "x"));
		EXPECT_MESSAGE("x", self->rx);
	}
	EXPECT_EQ(-EAGAIN, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(-EAGAIN, send_sync(self->tx, "x", MAILBOX_FOREVER, NULL));
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(0, send_on(self->tx, 0, "without"));
	EXPECT_MESSAGE("without", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(MAILBOX_RECEIPTS_MAX + 1, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(-EAGAIN, send_receipt(self->tx, 0, "x"));
}

TEST_F(port, send_that_fails_reserves_nothing)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT,
					   .data = address(nowhere()), .length = 4);
	unsigned int i;

	for (i = 0; i < MAILBOX_RECEIPTS_MAX + 1; i++)
		ASSERT_EQ(-EFAULT, send_message(self->tx, &m));
	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	for (i = 0; i < MAILBOX_RECEIPTS_MAX + 1; i++)
		ASSERT_EQ(-EAGAIN, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, send_receipt(self->tx, 1, "x"));
}

/* Waiting for a receipt. */

TEST_F(port, who_waits_for_a_receipt_is_woken)
{
	pid_t pid;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	pid = spawn();
	if (!pid) {
		struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);

		leave(read_receipt(self->tx, &r) ?: r.outcome);
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, reap(pid));
}

TEST_F(port, waiting_for_a_receipt_ends_with_the_deadline)
{
	struct mailbox_receipt r = wish(.deadline = in_ms(20));

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(-ETIMEDOUT, read_receipt(self->tx, &r));
	r = wish(.deadline = clock_ns(CLOCK_REALTIME) + 20000000,
		 .flags = MAILBOX_RECEIPT_REALTIME);
	EXPECT_EQ(-ETIMEDOUT, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 0, 0));
}

TEST_F(port, waiting_for_a_receipt_ends_with_a_signal)
{
	pid_t pid = spawn();

	if (!pid) {
		struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);

		catch_signal(SIGUSR1, 0);
		leave(read_receipt(self->tx, &r));
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
}

TEST_F(port, nonblocking_endpoint_does_not_wait_for_a_receipt)
{
	struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);

	set_nonblock(self->tx, true);
	EXPECT_EQ(-EAGAIN, read_receipt(self->tx, &r));
}

static short polled(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

TEST_F(port, pollpri_tells_of_a_receipt)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, polled(self->tx, POLLPRI));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(POLLPRI, polled(self->tx, POLLPRI));
	EXPECT_EQ(POLLPRI | POLLOUT, polled(self->tx, POLLPRI | POLLOUT));
	EXPECT_EQ(POLLOUT, polled(self->tx, POLLOUT));
	EXPECT_EQ(0, polled(self->rx, POLLPRI));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(0, polled(self->tx, POLLPRI));
}

TEST_F(port, poller_of_receipts_is_woken)
{
	pid_t pid;

	EXPECT_EQ(0, send_receipt(self->both, 0, "x"));
	pid = spawn();
	if (!pid) {
		struct pollfd p = { .fd = self->both, .events = POLLPRI };

		leave(poll(&p, 1, -1) == 1 ? p.revents : -1);
	}
	EXPECT_TRUE(wait_until(asleep_in(pid, SYS_poll)));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(POLLPRI, reap(pid));
}

TEST_F(port, edge_triggered_epoll_tells_of_each_receipt)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->tx, &event));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, send_receipt(self->tx, 0, "x"));
		EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
		EXPECT_MESSAGE("x", self->rx);
		EXPECT_EQ(1, epoll_wait(ep, &event, 1, 0));
		EXPECT_EQ(EPOLLPRI, event.events);
		EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	}
	close(ep);
}

TEST_F(port, sigio_tells_of_a_receipt)
{
	siginfo_t info = { 0 };
	struct timespec patience = { .tv_sec = 60 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, fcntl(self->tx, F_SETOWN, getpid()));
	EXPECT_EQ(0, fcntl(self->tx, F_SETSIG, SIGRTMIN));
	EXPECT_EQ(0, fcntl(self->tx, F_SETFL, O_ASYNC));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	/* The slot that became free is told too, in whatever order. */
	if (info.si_band & POLLOUT)
		EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	EXPECT_TRUE(info.si_band & POLLPRI);
	EXPECT_EQ(self->tx, info.si_fd);
	EXPECT_EQ(0, fcntl(self->tx, F_SETFL, 0));
}

/* An eventfd. */

static long tell_by(int fd, int eventfd)
{
	struct mailbox_eventfd arg = { .size = sizeof(arg), .fd = eventfd };

	return result(ioctl(fd, MAILBOX_IOC_EVENTFD, &arg));
}

/* How often it was signalled since this was asked last. */
static long signals_of(int eventfd)
{
	__u64 n;

	return read(eventfd, &n, sizeof(n)) == sizeof(n) ? (long)n : -errno;
}

TEST_F(port, eventfd_is_signalled_for_each_receipt)
{
	int fd = eventfd(0, EFD_NONBLOCK), poller = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 7 };

	EXPECT_EQ(0, epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, tell_by(self->tx, fd));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	EXPECT_EQ(0, send_on(self->tx, 0, "c"));
	EXPECT_EQ(0, epoll_wait(poller, &event, 1, 0));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(1, epoll_wait(poller, &event, 1, 0));
	EXPECT_EQ(7, event.data.u64);
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_MESSAGE("c", self->rx);
	EXPECT_EQ(1, epoll_wait(poller, &event, 1, 0));
	EXPECT_EQ(2, signals_of(fd));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-EAGAIN, signals_of(fd));
	close(poller);
	close(fd);
}

TEST_F(port, eventfd_wakes_a_sender_who_sleeps_on_it)
{
	int fd = eventfd(0, 0);
	pid_t pid;

	EXPECT_EQ(0, tell_by(self->tx, fd));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	pid = spawn();
	if (!pid)
		leave(signals_of(fd) == 1 ? outcome_of(self->tx) : 99);
	EXPECT_TRUE(wait_until(asleep_in(pid, SYS_read)));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(MAILBOX_ACKED, reap(pid));
	close(fd);
}

TEST_F(port, eventfd_is_signalled_at_once_if_a_receipt_is_there)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(0, tell_by(self->tx, fd));
	EXPECT_EQ(1, signals_of(fd));
	close(fd);
}

TEST_F(port, eventfd_is_not_signalled_for_what_a_synchronous_send_tells)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	pid_t pid;

	EXPECT_EQ(0, tell_by(self->tx, fd));
	pid = sync_sender(self->tx, "a", MAILBOX_FOREVER);
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EAGAIN, signals_of(fd));
	/* But for one that it could not tell. */
	pid = spawn();
	if (!pid)
		leave(send_sync(self->tx, "x", MAILBOX_FOREVER, nowhere()));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(-EFAULT, reap(pid));
	EXPECT_EQ(1, signals_of(fd));
	close(fd);
}

TEST_F(port, eventfd_can_be_exchanged_and_taken_away)
{
	int first = eventfd(0, EFD_NONBLOCK), second = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(0, tell_by(self->tx, first));
	EXPECT_EQ(0, tell_by(self->tx, second));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(-EAGAIN, signals_of(first));
	EXPECT_EQ(1, signals_of(second));
	EXPECT_EQ(0, tell_by(self->tx, -1));
	EXPECT_EQ(0, tell_by(self->tx, -1));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_EQ(-EAGAIN, signals_of(second));
	close(first);
	close(second);
}

TEST_F(port, eventfd_tells_the_end)
{
	int fd = eventfd(0, EFD_NONBLOCK), late = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(0, tell_by(self->tx, fd));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_LE(1, signals_of(fd));
	EXPECT_EQ(-EIDRM, outcome_of(self->tx));
	EXPECT_EQ(0, tell_by(self->tx, late));
	EXPECT_EQ(1, signals_of(late));
	close(fd);
	close(late);
}

TEST_F(port, eventfd_outlives_its_descriptor_and_not_the_endpoint)
{
	int fd = eventfd(0, EFD_NONBLOCK), copy = dup(fd);

	EXPECT_EQ(0, tell_by(self->tx, fd));
	close(fd);
	EXPECT_EQ(0, send_receipt(self->tx, 0, "a"));
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_EQ(1, signals_of(copy));
	EXPECT_EQ(1, send_receipt(self->tx, 0, "b"));
	close(self->tx);
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_EQ(-EAGAIN, signals_of(copy));
	close(copy);
	self->tx = open_port(self->name, O_WRONLY);
}

TEST_F(port, what_is_no_eventfd_is_refused)
{
	EXPECT_EQ(-EINVAL, tell_by(self->tx, self->tx));
	EXPECT_EQ(-EBADF, tell_by(self->tx, -2));
	EXPECT_EQ(-EBADF, tell_by(self->tx, 1 << 20));
	EXPECT_EQ(-EBADF, tell_by(self->rx, -1));
}

/* Delete. */

TEST_F(port, purge_discards_and_says_why)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(0, read_receipt(self->tx, &r));
	EXPECT_EQ(MAILBOX_DISCARDED, r.outcome);
	EXPECT_EQ(MAILBOX_REASON_PURGED, r.reason);
	EXPECT_EQ(0, r.receiver);
	EXPECT_EQ(0, r.pid);
	EXPECT_EQ(-EIDRM, outcome_of(self->tx));
}

TEST_F(port, drained_message_is_still_received_and_told)
{
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	EXPECT_EQ(-EIDRM, outcome_of(self->tx));
}

TEST_F(port, on_a_deleted_port_nobody_waits_for_a_receipt_that_cannot_come)
{
	pid_t pid;

	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	pid = spawn();
	if (!pid) {
		struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);

		close(self->rx);
		close(self->both);
		leave(read_receipt(self->tx, &r));
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	close(self->both);
	close(self->rx);
	EXPECT_EQ(-EIDRM, reap(pid));
}

TEST_F(port, delete_wakes_who_waits_for_a_receipt_without_having_sent)
{
	pid_t pid = spawn();

	if (!pid) {
		struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);

		leave(read_receipt(self->tx, &r));
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
}

/* Synchronous sends. */

TEST_F(port, synchronous_send_returns_when_it_is_received)
{
	struct mailbox_receipt *r = shared_pages(1);
	pid_t pid;

	*r = wish();
	pid = spawn();
	if (!pid)
		leave(send_sync(self->tx, "call", MAILBOX_FOREVER, r));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_MESSAGE("call", self->rx);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(MAILBOX_RECEIVED, r->outcome);
	EXPECT_EQ(info_of(self->rx).endpoint, r->receiver);
	EXPECT_EQ(getpid(), r->pid);
	/* It is told, and that is all. */
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 0, 0));
}

TEST_F(port, synchronous_send_after_the_deadline_never_was)
{
	EXPECT_EQ(-ETIMEDOUT, send_sync(self->tx, "x", in_ms(20), NULL));
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(0, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).messages_sent);
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	EXPECT_EQ(-ESTALE, status_of(self->tx, 0, 0));
	EXPECT_EQ(2, put_text(self->tx, "ok"));
	EXPECT_MESSAGE("ok", self->rx);
}

TEST_F(port, synchronous_send_after_a_signal_never_was)
{
	pid_t pid = spawn();

	if (!pid) {
		catch_signal(SIGUSR1, 0);
		leave(send_sync(self->tx, "x", MAILBOX_FOREVER, NULL));
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
	EXPECT_NO_MESSAGE(self->rx);
}

/* In a child: how often it was interrupted, for the test to see. */
static int *interruptions;

static void on_interruption(int sig)
{
	__atomic_fetch_add(interruptions, 1, __ATOMIC_SEQ_CST);
}

TEST_F(port, synchronous_send_that_is_restarted_sends_once)
{
	struct sigaction action = { .sa_handler = on_interruption, .sa_flags = SA_RESTART };
	pid_t pid;
	int i;

	interruptions = shared_pages(1);
	pid = spawn();
	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		leave(send_sync(self->tx, "x", MAILBOX_FOREVER, NULL));
	}
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	for (i = 1; i <= 5; i++) {
		EXPECT_TRUE(sleeps_in_ioctl(pid));
		kill(pid, SIGUSR1);
		/* The handler runs when the message was taken back, before it is sent again. */
		EXPECT_TRUE(wait_until(__atomic_load_n(interruptions, __ATOMIC_SEQ_CST) == i));
		EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	}
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, reap(pid));
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, synchronous_sender_that_is_killed_never_sent)
{
	pid_t pid = sync_sender(self->tx, "x", MAILBOX_FOREVER);

	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, delete_takes_a_synchronous_send_back)
{
	pid_t pid = sync_sender(self->tx, "x", MAILBOX_FOREVER);

	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
	EXPECT_EQ(-EIDRM, get(self->rx, &(char) { 0 }, 1));
}

TEST_F(port, purge_tells_a_synchronous_sender)
{
	pid_t pid = sync_sender(self->tx, "x", MAILBOX_FOREVER);

	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	/* Discarded, or taken back before that. */
	EXPECT_TRUE(reap(pid) <= 0);
	EXPECT_EQ(-EIDRM, get(self->rx, &(char) { 0 }, 1));
}

TEST_F(port, synchronous_without_waiting_is_einprogress_with_the_ticket)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_SYNC, .lane = 1);

	EXPECT_EQ(-EINPROGRESS, send_message(self->tx, &m));
	EXPECT_EQ(0, m.ticket);
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 1, 0));
	set_nonblock(self->tx, true);
	m = message(.flags = MAILBOX_SEND_SYNC, .lane = 1, .deadline = MAILBOX_FOREVER);
	EXPECT_EQ(-EINPROGRESS, send_message(self->tx, &m));
	EXPECT_EQ(1, m.ticket);
	EXPECT_MESSAGE("", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, status_of(self->tx, 1, 0));
	EXPECT_EQ(MAILBOX_QUEUED, status_of(self->tx, 1, 1));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
}

TEST_F(port, synchronous_send_to_a_full_lane_waits_for_a_slot_first)
{
	char buf[8];
	pid_t pid;
	int i;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	EXPECT_EQ(-EAGAIN, send_sync(self->tx, "x", MAILBOX_NO_WAIT, NULL));
	EXPECT_EQ(-ETIMEDOUT, send_sync(self->tx, "x", in_ms(20), NULL));
	pid = sync_sender(self->tx, "last", MAILBOX_FOREVER);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(4, get(self->rx, buf, sizeof(buf)));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	EXPECT_MESSAGE("last", self->rx);
	EXPECT_EQ(0, reap(pid));
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, message_behind_one_taken_back_is_received)
{
	pid_t pid = sync_sender(self->tx, "first", MAILBOX_FOREVER);

	EXPECT_EQ(6, put_text(self->tx, "second"));
	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
	EXPECT_MESSAGE("second", self->rx);
}

TEST_F(port, taking_back_makes_room_for_a_sleeping_sender)
{
	pid_t sync = sync_sender(self->tx, "first", MAILBOX_FOREVER), pid;

	EXPECT_EQ(FIXTURE_SLOTS - 1, fill_lane(self->tx, 0));
	pid = spawn();
	if (!pid)
		leave(send_until(self->both, "late", MAILBOX_FOREVER));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	kill(sync, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(sync));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(port, message_that_a_receiver_could_not_store_can_be_taken_back)
{
	pid_t pid = sync_sender(self->tx, "x", MAILBOX_FOREVER);

	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 64));
	EXPECT_EQ(1, info_of(self->rx).depth);
	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(4, put_text(self->tx, "next"));
	EXPECT_MESSAGE("next", self->rx);
}

TEST_F(port, receipt_of_a_synchronous_send_that_cannot_be_stored_is_kept)
{
	pid_t pid = spawn();

	if (!pid)
		leave(send_sync(self->tx, "x", MAILBOX_FOREVER, nowhere()));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(-EFAULT, reap(pid));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
}

TEST_F(port, sends_with_a_receipt_judge_their_arguments)
{
	struct mailbox_receipt r = wish();
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT, .receipt = address(&r));

	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	m = message(.flags = MAILBOX_SEND_RECEIPT | MAILBOX_SEND_IN_PLACE);
	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	m = message(.flags = MAILBOX_SEND_SYNC | 1U << 15);
	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	m = message(.flags = MAILBOX_SEND_RECEIPT, .lane = FIXTURE_LANES);
	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	m = message(.flags = MAILBOX_SEND_RECEIPT, .length = FIXTURE_MESSAGE + 1);
	EXPECT_EQ(-EMSGSIZE, send_message(self->tx, &m));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
}

TEST_F(port, receipt_calls_judge_their_arguments)
{
	struct mailbox_receipt r = wish(.flags = 1U << 7);

	EXPECT_EQ(-EINVAL, read_receipt(self->tx, &r));
	r = wish(.flags = MAILBOX_RECEIPT_STATUS);
	EXPECT_EQ(-EINVAL, read_receipt(self->tx, &r));
	r = wish(.flags = MAILBOX_RECEIPT_STATUS | MAILBOX_RECEIPT_TICKET, .deadline = 1);
	EXPECT_EQ(-EINVAL, read_receipt(self->tx, &r));
}

TEST(receiver_of_a_direct_link_that_goes_ends_a_synchronous_send)
{
	const char *name = port_name("link");
	int fd = create(name, .flags = MAILBOX_DIRECT | MAILBOX_EXCLUSIVE, .open_flags = O_WRONLY);
	int rx = open_port(name, O_RDONLY);
	struct mailbox_receipt r = wish(.deadline = MAILBOX_FOREVER);
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, rx);
	pid = spawn();
	if (!pid) {
		close(rx);
		leave(send_sync(fd, "x", MAILBOX_FOREVER, NULL));
	}
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_EQ(0, send_receipt(fd, 0, "y") < 0);
	close(rx);
	EXPECT_EQ(-EPIPE, reap(pid));
	EXPECT_EQ(-EPIPE, read_receipt(fd, &r));
	/* What was taken back is not left for the next one. */
	rx = open_port(name, O_RDONLY);
	EXPECT_MESSAGE("y", rx);
	EXPECT_NO_MESSAGE(rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(fd));
	EXPECT_EQ(0, delete_port(name, 0));
	close(rx);
	close(fd);
}

/* With mapped receivers. */

TEST_F(port, message_taken_in_place_is_received)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_IN_PLACE);
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	EXPECT_EQ(0, receive_message(self->both, &m));
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	ring_unmap(&r);
}

/* Against the rules: by the ring, though the header says that a receipt is wanted. */
TEST_F(port, message_taken_behind_the_kernels_back_is_taken_and_then_received)
{
	struct mailbox_receipt receipt = wish();
	struct ring_taken t;
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	ASSERT_EQ(0, ring_take(&r, 0, FIXTURE_MESSAGE, &t));
	EXPECT_EQ(MAILBOX_TAKEN, status_of(self->tx, 0, 0));
	EXPECT_EQ(-EAGAIN, outcome_of(self->tx));
	ring_release(&r, &t);
	EXPECT_EQ(0, read_receipt(self->tx, &receipt));
	EXPECT_EQ(MAILBOX_RECEIVED, receipt.outcome);
	EXPECT_EQ(0, receipt.receiver);
	EXPECT_EQ(0, receipt.pid);
	EXPECT_EQ(~0U, receipt.uid);
	ring_unmap(&r);
}

TEST_F(port, synchronous_send_that_somebody_has_taken_is_einprogress)
{
	struct ring_taken t;
	struct ring r;
	pid_t pid;

	ASSERT_EQ(0, ring_map(&r, self->both));
	pid = spawn();
	if (!pid)
		leave(send_sync(self->tx, "x", in_ms(200), NULL));
	EXPECT_TRUE(wait_until(!ring_take(&r, 0, FIXTURE_MESSAGE, &t)));
	EXPECT_EQ(-EINPROGRESS, reap(pid));
	EXPECT_EQ(MAILBOX_TAKEN, status_of(self->tx, 0, 0));
	ring_release(&r, &t);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->tx));
	ring_unmap(&r);
}

TEST_F(port, synchronous_send_whose_receiver_departed_is_not_taken_back)
{
	struct ring_taken t;
	struct ring r;
	pid_t pid;

	ASSERT_EQ(0, ring_map(&r, self->both));
	pid = spawn();
	if (!pid)
		leave(send_sync(self->tx, "x", MAILBOX_FOREVER, NULL));
	EXPECT_TRUE(wait_until(!ring_take(&r, 0, FIXTURE_MESSAGE, &t)));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	ring_unmap(&r);
	/* He may have read it. */
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_TRUE(sleeps_in_ioctl(pid));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, reap(pid));
}

TEST_F(port, slot_that_went_void_is_a_lost_message)
{
	struct mailbox_receipt receipt = wish();
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	ring_discard(&r, 0, 0);
	EXPECT_EQ(0, read_receipt(self->tx, &receipt));
	EXPECT_EQ(MAILBOX_DISCARDED, receipt.outcome);
	EXPECT_EQ(MAILBOX_REASON_LOST, receipt.reason);
	ring_unmap(&r);
}

TEST_F(port, slot_that_went_back_is_a_lost_message)
{
	struct mailbox_receipt receipt = wish();
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, send_receipt(self->tx, 0, "x"));
	/* A number that belongs to another slot. */
	mailbox_lane_slot(&r.lane[0], 0)->word = mailbox_word(1, 0, MAILBOX_PHASE_READY);
	EXPECT_EQ(0, read_receipt(self->tx, &receipt));
	EXPECT_EQ(MAILBOX_DISCARDED, receipt.outcome);
	EXPECT_EQ(MAILBOX_REASON_LOST, receipt.reason);
	ring_unmap(&r);
}

/* Senders that give up against receivers: whoever succeeded was received, and nobody else. */

#define RACERS		3

struct racer {
	pthread_t thread;
	int fd;
	unsigned int number;
	unsigned int rounds;
	unsigned int sent;
	unsigned int doubtful;
	unsigned int failed;
};

static void *racer_main(void *arg)
{
	struct racer *racer = arg;
	struct mailbox_receipt r;
	unsigned int i;
	long ret;

	for (i = 0; i < racer->rounds; i++) {
		__u64 until = clock_ns(CLOCK_MONOTONIC) + (i % 64) * 1000 * (1 + racer->number);

		ret = send_sync(racer->fd, "race", until, NULL);
		if (ret == -EINPROGRESS) {
			r = wish(.deadline = MAILBOX_FOREVER);
			racer->doubtful++;
			ret = read_receipt(racer->fd, &r) ?: r.outcome != MAILBOX_RECEIVED;
		}
		if (!ret)
			racer->sent++;
		else if (ret != -ETIMEDOUT)
			racer->failed++;
	}
	return NULL;
}

static void *taker_main(void *arg)
{
	struct racer *taker = arg;
	char buf[8];
	long ret;

	while ((ret = get(taker->fd, buf, sizeof(buf))) == 4)
		taker->sent++;
	taker->failed = -ret;
	return NULL;
}

TEST_F(port, what_was_taken_back_was_received_by_nobody)
{
	struct racer racer[RACERS] = { 0 }, taker[2] = { 0 };
	unsigned int sent = 0, received = 0, doubtful = 0, i;

	for (i = 0; i < 2; i++) {
		taker[i].fd = open_port(self->name, O_RDONLY);
		ASSERT_EQ(0, pthread_create(&taker[i].thread, NULL, taker_main, &taker[i]));
	}
	for (i = 0; i < RACERS; i++) {
		racer[i].fd = open_port(self->name, O_WRONLY);
		racer[i].number = i;
		racer[i].rounds = much(2000);
		ASSERT_EQ(0, pthread_create(&racer[i].thread, NULL, racer_main, &racer[i]));
	}
	for (i = 0; i < RACERS; i++) {
		pthread_join(racer[i].thread, NULL);
		EXPECT_EQ(0, racer[i].failed);
		sent += racer[i].sent;
		doubtful += racer[i].doubtful;
	}
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 2; i++) {
		pthread_join(taker[i].thread, NULL);
		EXPECT_EQ(EIDRM, taker[i].failed);
		received += taker[i].sent;
		close(taker[i].fd);
	}
	EXPECT_EQ(sent, received);
	EXPECT_EQ(sent, info_of(self->rx).messages_sent);
	report("%u of %llu synchronous sends received, the others taken back; %u told later",
	       sent, RACERS * much(2000), doubtful);
	for (i = 0; i < RACERS; i++)
		close(racer[i].fd);
}

TEST_HARNESS_MAIN
