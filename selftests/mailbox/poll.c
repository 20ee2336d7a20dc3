// SPDX-License-Identifier: GPL-2.0
/*
 * poll, select, epoll and SIGIO: who is told what, and when.
 */
#include "mailbox_test.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#define READABLE	(POLLIN | POLLRDNORM)
#define WRITABLE	(POLLOUT | POLLWRNORM)
#define ENDED		(POLLERR | POLLHUP)
#define EVERYTHING	(POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | \
			 POLLWRBAND | POLLMSG | POLLRDHUP)
#define SOON_MS		10000		/* for what must come: bounded, and never waited out */

/* What poll says at this moment. */
static int events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = EVERYTHING };
	int n = poll(&p, 1, 0);

	return n < 0 ? -errno : p.revents;
}

/* A child that polls for @events until they come, and ends with what it saw. */
static pid_t poller(int fd, short events)
{
	pid_t pid = spawn();

	if (!pid) {
		struct pollfd p = { .fd = fd, .events = events };

		if (poll(&p, 1, SOON_MS) != 1)
			leave(127);
		leave(p.revents & (POLLIN | POLLPRI | POLLOUT | ENDED));
	}
	return pid;
}

static bool asleep_in_poll(pid_t pid)
{
	return wait_until(asleep_in(pid, SYS_poll));
}

static int epoll_on(int fd, __u32 events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) {
		close(ep);
		return -errno;
	}
	return ep;
}

/* The events of the one descriptor in it, or 0. */
static __u32 epoll_now(int ep, int ms)
{
	struct epoll_event e[2];
	int n = epoll_wait(ep, e, 2, ms);

	return n == 1 ? e[0].events : n < 0 ? 0xf0000000 : n ? 0xe0000000 : 0;
}

static int drain(int fd)
{
	char in[FIXTURE_MESSAGE];
	int n = 0;

	while (receive_until(fd, in, sizeof(in), MAILBOX_NO_WAIT) >= 0)
		n++;
	return n;
}

/* The table of states, row by row. */

TEST_F(port, empty_port_says_nothing_to_a_reader)
{
	EXPECT_EQ(0, events_of(self->rx));
}

TEST_F(port, empty_port_says_pollout_to_a_writer)
{
	EXPECT_EQ(WRITABLE, events_of(self->tx));
}

TEST_F(port, empty_port_says_pollout_to_both)
{
	EXPECT_EQ(WRITABLE, events_of(self->both));
}

TEST_F(port, a_message_says_pollin_to_a_reader)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(READABLE, events_of(self->rx));
}

TEST_F(port, a_message_says_nothing_of_itself_to_a_writer)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(WRITABLE, events_of(self->tx));
}

TEST_F(port, a_message_says_pollin_and_pollout_to_both)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(READABLE | WRITABLE, events_of(self->both));
}

TEST_F(port, full_lane_says_pollin_to_a_reader)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(READABLE, events_of(self->rx));
}

TEST_F(port, full_lane_says_nothing_to_a_writer)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(0, events_of(self->tx));
}

TEST_F(port, full_lane_says_pollin_only_to_both)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(READABLE, events_of(self->both));
}

TEST_F(port, full_lane_of_others_messages_says_nothing_to_both)
{
	EXPECT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	fill_lane(self->tx, 0);
	EXPECT_EQ(0, events_of(self->both));
}

TEST_F(port, a_free_slot_says_pollout_again)
{
	fill_lane(self->tx, 0);
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(WRITABLE, events_of(self->tx));
}

TEST_F(port, the_last_message_taken_says_nothing_again)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, events_of(self->rx));
}

TEST_F(port, an_empty_message_says_pollin)
{
	EXPECT_EQ(0, send_on(self->tx, 0, ""));
	EXPECT_EQ(READABLE, events_of(self->rx));
}

TEST_F(port, deleted_with_messages_says_pollin_and_pollhup_to_a_reader)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(READABLE | POLLHUP, events_of(self->rx));
	EXPECT_MESSAGE("x", self->rx);
}

TEST_F(port, deleted_with_messages_says_pollerr_and_pollhup_to_a_writer)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, events_of(self->tx));
}

TEST_F(port, deleted_with_messages_says_all_of_that_to_both)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(READABLE | ENDED, events_of(self->both));
}

TEST_F(port, deleted_and_empty_says_pollerr_and_pollhup_to_all)
{
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, events_of(self->rx));
	EXPECT_EQ(ENDED, events_of(self->tx));
	EXPECT_EQ(ENDED, events_of(self->both));
}

TEST_F(port, deleted_and_emptied_says_pollerr_and_pollhup)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(ENDED, events_of(self->rx));
	EXPECT_EQ(ENDED, events_of(self->both));
}

TEST_F(port, purged_says_pollerr_and_pollhup)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(ENDED, events_of(self->rx));
	EXPECT_EQ(ENDED, events_of(self->both));
}

TEST_F(port, deleted_with_messages_on_other_lanes_only_is_empty)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, events_of(self->rx));
	EXPECT_EQ(READABLE | ENDED, events_of(self->both));
}

TEST_F(port, pollhup_and_pollerr_come_unasked)
{
	struct pollfd p = { .fd = self->rx };

	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(ENDED, p.revents);
}

TEST_F(port, only_what_was_asked_for_is_told)
{
	struct pollfd p = { .fd = self->both, .events = POLLIN };

	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
	p.events = POLLWRNORM;
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLWRNORM, p.revents);
}

TEST_F(port, poll_takes_nothing)
{
	int i;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(READABLE, events_of(self->rx));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_EQ(0, info_of(self->rx).waiting_receivers);
	EXPECT_MESSAGE("x", self->rx);
}

/* Directions. */

/* A message that a receiver could not store may be taken again. */
TEST_F(port, a_message_put_back_says_pollin)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 8));
	EXPECT_EQ(READABLE, events_of(self->rx));
	EXPECT_EQ(READABLE | WRITABLE, events_of(self->both));
}

/* Who only polls has walked nowhere, and must see all the same. */
TEST_F(port, an_endpoint_that_never_received_sees_what_is_there)
{
	unsigned int i;

	for (i = 0; i < 5 * FIXTURE_SLOTS + 1; i++) {
		EXPECT_EQ(0, events_of(self->rx));
		EXPECT_EQ(1, put_text(self->both, "x"));
		EXPECT_EQ(READABLE, events_of(self->rx));
		EXPECT_MESSAGE("x", self->both);
		EXPECT_EQ(WRITABLE, events_of(self->tx));
	}
	EXPECT_EQ(1, put_text(self->both, "x"));
	EXPECT_EQ(READABLE, events_of(open_port(self->name, O_RDONLY)));
	EXPECT_EQ(WRITABLE, events_of(open_port(self->name, O_WRONLY)));
	fill_lane(self->both, 0);
	EXPECT_EQ(0, events_of(open_port(self->name, O_WRONLY)));
	EXPECT_EQ(0, events_of(self->tx));
}

TEST_F(port, reader_never_says_pollout)
{
	int i;

	EXPECT_EQ(0, events_of(self->rx) & (WRITABLE | POLLWRBAND));
	for (i = 0; i <= FIXTURE_SLOTS; i++) {
		send_on(self->tx, 0, "x");
		EXPECT_EQ(READABLE, events_of(self->rx));
	}
	drain(self->rx);
	EXPECT_EQ(0, events_of(self->rx));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(0, events_of(self->rx) & WRITABLE);
}

TEST_F(port, writer_never_says_pollin)
{
	int i;

	for (i = 0; i <= FIXTURE_SLOTS; i++) {
		send_on(self->tx, 0, "x");
		EXPECT_EQ(0, events_of(self->tx) & READABLE);
	}
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(0, events_of(self->tx) & READABLE);
}

/* Lanes. */

TEST_F(port, a_message_on_another_lane_is_no_pollin)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, send_on(self->tx, 3, "x"));
	EXPECT_EQ(0, events_of(self->rx));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(READABLE, events_of(self->rx));
}

TEST_F(port, a_new_mask_shows_at_once)
{
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, events_of(self->rx));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	EXPECT_EQ(READABLE, events_of(self->rx));
}

TEST_F(port, a_new_mask_wakes_a_poller)
{
	pid_t child;

	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	child = poller(self->rx, POLLIN);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	EXPECT_EQ(POLLIN, reap(child));
}

TEST_F(port, a_full_default_lane_is_no_pollout_while_others_are_free)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(0, events_of(self->tx));
}

TEST_F(port, other_full_lanes_leave_pollout)
{
	fill_lane(self->tx, 1);
	fill_lane(self->tx, 2);
	fill_lane(self->tx, 3);
	EXPECT_EQ(WRITABLE, events_of(self->tx));
}

TEST_F(port, pollout_follows_the_default_lane)
{
	fill_lane(self->tx, 2);
	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 2));
	EXPECT_EQ(0, events_of(self->tx));
	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 1));
	EXPECT_EQ(WRITABLE, events_of(self->tx));
}

TEST_F(port, a_new_default_lane_wakes_a_poller)
{
	pid_t child;

	fill_lane(self->tx, 0);
	child = poller(self->tx, POLLOUT);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 3));
	EXPECT_EQ(POLLOUT, reap(child));
}

TEST_F(port, a_message_on_another_lane_does_not_end_a_poll)
{
	pid_t child;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	child = poller(self->rx, POLLIN);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_EQ(0, send_on(self->tx, 0, "zero"));
	EXPECT_TRUE(asleep_in_poll(child));
	/* And it is still told of its own. */
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(POLLIN, reap(child));
}

TEST_F(port, a_slot_on_another_lane_does_not_end_a_poll)
{
	pid_t child;

	fill_lane(self->tx, 0);
	fill_lane(self->tx, 1);
	child = poller(self->tx, POLLOUT);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 0, 0));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(POLLOUT, reap(child));
}

/* Waking. */

TEST_F(port, a_message_wakes_a_poller)
{
	pid_t child = poller(self->rx, POLLIN);

	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(POLLIN, reap(child));
}

TEST_F(port, a_poller_is_no_waiting_receiver)
{
	pid_t child = poller(self->rx, POLLIN);

	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(POLLIN, reap(child));
}

TEST_F(port, a_free_slot_wakes_a_poller)
{
	pid_t child;

	fill_lane(self->tx, 0);
	child = poller(self->tx, POLLOUT);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(POLLOUT, reap(child));
}

TEST_F(port, delete_wakes_a_poll_for_messages)
{
	pid_t child = poller(self->rx, POLLIN);

	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, reap(child));
}

TEST_F(port, delete_wakes_a_poll_for_slots)
{
	pid_t child;

	fill_lane(self->tx, 0);
	child = poller(self->tx, POLLOUT);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, reap(child));
}

TEST_F(port, delete_wakes_a_poll_for_nothing)
{
	pid_t reader = poller(self->rx, 0), writer = poller(self->tx, 0);

	EXPECT_TRUE(asleep_in_poll(reader));
	EXPECT_TRUE(asleep_in_poll(writer));
	/* Events that interest neither come first. */
	EXPECT_EQ(1, put_text(self->both, "x"));
	EXPECT_MESSAGE("x", self->both);
	EXPECT_TRUE(asleep_in_poll(reader));
	EXPECT_TRUE(asleep_in_poll(writer));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(ENDED, reap(reader));
	EXPECT_EQ(ENDED, reap(writer));
}

TEST_F(port, purge_wakes_a_poller)
{
	pid_t child;

	fill_lane(self->tx, 0);
	child = poller(self->tx, POLLOUT);
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(ENDED, reap(child));
}

TEST_F(port, closing_a_copy_of_the_descriptor_does_not_end_a_poll)
{
	pid_t child = poller(self->rx, POLLIN);

	EXPECT_TRUE(asleep_in_poll(child));
	close(self->rx);
	self->rx = -1;
	EXPECT_TRUE(asleep_in_poll(child));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(POLLIN, reap(child));
}

#define MANY	16

TEST_F(port, a_message_wakes_all_pollers)
{
	pid_t child[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		child[i] = poller(i % 2 ? self->rx : self->both, POLLIN);
	for (i = 0; i < MANY; i++)
		EXPECT_TRUE(asleep_in_poll(child[i]));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(POLLIN, reap(child[i]));
	EXPECT_EQ(1, info_of(self->tx).depth);
}

TEST_F(port, a_free_slot_wakes_all_pollers)
{
	pid_t child[MANY];
	int i;

	fill_lane(self->tx, 0);
	for (i = 0; i < MANY; i++)
		child[i] = poller(i % 2 ? self->tx : self->both, POLLOUT);
	for (i = 0; i < MANY; i++)
		EXPECT_TRUE(asleep_in_poll(child[i]));
	EXPECT_MESSAGE("fill", self->rx);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(POLLOUT, reap(child[i]));
}

TEST_F(port, delete_wakes_all_pollers)
{
	pid_t child[MANY];
	int i;

	fill_lane(self->tx, 0);
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	for (i = 0; i < MANY; i++)
		child[i] = i % 2 ? poller(self->rx, POLLIN) : poller(self->tx, POLLOUT);
	for (i = 0; i < MANY; i++)
		EXPECT_TRUE(asleep_in_poll(child[i]));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(ENDED, reap(child[i]));
}

TEST_F(port, pollers_and_a_receiver_are_told_of_the_same_message)
{
	pid_t child[3], receiver = spawn();
	char in[8];
	int i;

	if (!receiver)
		leave(get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	for (i = 0; i < 3; i++)
		child[i] = poller(self->both, POLLIN);
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(asleep_in_poll(child[i]));
	/* Two: however the receiver is placed, one is left to be seen. */
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, reap(receiver));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(POLLIN, reap(child[i]));
}

TEST_F(port, processes_with_their_own_endpoints_poll_one_port)
{
	pid_t child[8];
	int i;

	for (i = 0; i < 8; i++) {
		child[i] = spawn();
		if (!child[i]) {
			struct pollfd p = {
				.fd = open_port(self->name, O_RDONLY | O_NONBLOCK),
				.events = POLLIN,
			};
			char in[8];

			/* Each takes one; who comes too late polls again. */
			for (;;) {
				if (poll(&p, 1, SOON_MS) != 1)
					leave(120);
				if (get(p.fd, in, sizeof(in)) > 0)
					leave(0);
			}
		}
	}
	for (i = 0; i < 8; i++)
		EXPECT_TRUE(asleep_in_poll(child[i]));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(0, reap(child[i]));
	EXPECT_EQ(0, info_of(self->tx).depth);
}

TEST_F(port, one_poll_watches_many_ports)
{
	int other = create(NULL);
	struct pollfd p[3] = {
		{ .fd = self->rx, .events = POLLIN },
		{ .fd = other, .events = POLLIN },
		{ .fd = self->tx, .events = 0 },
	};

	ASSERT_LE(0, other);
	EXPECT_EQ(0, poll(p, 3, 0));
	EXPECT_EQ(1, put_text(other, "x"));
	EXPECT_EQ(1, poll(p, 3, 0));
	EXPECT_EQ(0, p[0].revents);
	EXPECT_EQ(POLLIN, p[1].revents);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(2, poll(p, 3, 0));
}

TEST_F(port, a_poll_that_times_out_leaves_no_trace)
{
	struct pollfd p = { .fd = self->rx, .events = POLLIN };

	EXPECT_EQ(0, poll(&p, 1, 1));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_MESSAGE("x", self->rx);
}

TEST_F(port, a_signal_ends_a_poll_with_eintr)
{
	pid_t child = spawn();

	if (!child) {
		struct pollfd p = { .fd = self->rx, .events = POLLIN };

		catch_signal(SIGUSR1, SA_RESTART);
		leave(result(poll(&p, 1, SOON_MS)));
	}
	EXPECT_TRUE(asleep_in_poll(child));
	kill(child, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(child));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(READABLE, events_of(self->rx));
}

/* select */

TEST_F(port, select_tells_readable_and_writable)
{
	struct timeval none = { 0 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(self->both, &in);
	FD_SET(self->both, &out);
	EXPECT_EQ(1, select(self->both + 1, &in, &out, NULL, &none));
	EXPECT_FALSE(FD_ISSET(self->both, &in));
	EXPECT_TRUE(FD_ISSET(self->both, &out));

	fill_lane(self->tx, 0);
	FD_SET(self->both, &in);
	FD_SET(self->both, &out);
	EXPECT_EQ(1, select(self->both + 1, &in, &out, NULL, &none));
	EXPECT_TRUE(FD_ISSET(self->both, &in));
	EXPECT_FALSE(FD_ISSET(self->both, &out));
}

TEST_F(port, select_says_nothing_exceptional)
{
	struct timeval none = { 0 };
	fd_set except;

	fill_lane(self->tx, 0);
	FD_ZERO(&except);
	FD_SET(self->both, &except);
	EXPECT_EQ(0, select(self->both + 1, NULL, NULL, &except, &none));
}

TEST_F(port, select_tells_readable_when_the_port_is_deleted)
{
	struct timeval none = { 0 };
	fd_set in;

	EXPECT_EQ(0, delete_port(self->name, 0));
	FD_ZERO(&in);
	FD_SET(self->rx, &in);
	EXPECT_EQ(1, select(self->rx + 1, &in, NULL, NULL, &none));
	EXPECT_TRUE(FD_ISSET(self->rx, &in));
}

TEST_F(port, a_message_wakes_a_select)
{
	pid_t child = spawn();

	if (!child) {
		struct timespec soon = { .tv_sec = SOON_MS / 1000 };
		fd_set in;

		FD_ZERO(&in);
		FD_SET(self->rx, &in);
		leave(pselect(self->rx + 1, &in, NULL, NULL, &soon, NULL));
	}
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_pselect6)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, reap(child));
}

/* epoll, level triggered */

TEST_F(port, epoll_tells_the_state_as_long_as_it_lasts)
{
	int ep = epoll_on(self->rx, EPOLLIN), i;

	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, epoll_tells_what_was_there_before)
{
	int ep;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	ep = epoll_on(self->rx, EPOLLIN);
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, epoll_tells_room)
{
	int ep = epoll_on(self->tx, EPOLLOUT);

	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
	fill_lane(self->tx, 0);
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
}

TEST_F(port, epoll_of_one_direction_outlives_events_of_the_other)
{
	int in = epoll_on(self->both, EPOLLIN), out = epoll_on(self->both, EPOLLOUT), i;

	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, epoll_now(in, 0));
		EXPECT_EQ(EPOLLOUT, epoll_now(out, 0));
		fill_lane(self->both, 0);
		EXPECT_EQ(EPOLLIN, epoll_now(in, 0));
		EXPECT_EQ(0, epoll_now(out, 0));
		EXPECT_EQ(FIXTURE_SLOTS, drain(self->both));
	}
}

TEST_F(port, epoll_tells_the_end)
{
	int ep = epoll_on(self->rx, EPOLLIN), out = epoll_on(self->tx, EPOLLOUT);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, epoll_now(ep, 0));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, epoll_now(out, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(EPOLLERR | EPOLLHUP, epoll_now(ep, 0));
}

TEST_F(port, epoll_of_other_lanes_is_silent)
{
	int ep;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	ep = epoll_on(self->rx, EPOLLIN);
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, a_message_wakes_an_epoll_wait)
{
	int ep = epoll_on(self->rx, EPOLLIN);
	pid_t child = spawn();

	if (!child)
		leave(epoll_now(ep, SOON_MS));
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_epoll_wait)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, reap(child));
}

TEST_F(port, an_epoll_in_an_epoll_is_told)
{
	int inner = epoll_on(self->rx, EPOLLIN), outer = epoll_on(inner, EPOLLIN);
	pid_t child;

	EXPECT_EQ(0, epoll_now(outer, 0));
	child = spawn();
	if (!child)
		leave(epoll_now(outer, SOON_MS));
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_epoll_wait)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, reap(child));
	EXPECT_EQ(EPOLLIN, epoll_now(outer, 0));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, epoll_now(outer, 0));
}

TEST(epoll_of_a_nameless_port)
{
	int fd = create(NULL, .capacity = 2), ep = epoll_on(fd, EPOLLIN | EPOLLOUT);

	ASSERT_LE(0, ep);
	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(2, drain(fd));
	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
}

TEST_F(port, a_closed_descriptor_leaves_its_epoll)
{
	int fd = open_port(self->name, O_RDONLY), ep = epoll_on(fd, EPOLLIN);

	close(fd);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(3, info_of(self->tx).endpoints);
}

TEST_F(port, epoll_changes_what_it_looks_for)
{
	struct epoll_event e = { .events = EPOLLOUT };
	int ep = epoll_on(self->both, EPOLLIN);

	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->both, &e));
	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	e.events = EPOLLIN;
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->both, &e));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

/* epoll, edge triggered */

TEST_F(port, edge_tells_what_was_there_before)
{
	int ep;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	ep = epoll_on(self->rx, EPOLLIN | EPOLLET);
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_now(ep, 0));
}

TEST_F(port, edge_tells_each_new_message_once)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET), i;

	EXPECT_EQ(0, epoll_now(ep, 0));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(1, put_text(self->tx, "x"));
		EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
		EXPECT_EQ(0, epoll_now(ep, 0));
		EXPECT_EQ(1, drain(self->rx));
		EXPECT_EQ(0, epoll_now(ep, 0));
	}
}

TEST_F(port, edge_tells_a_new_message_while_old_ones_are_left)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET), i;

	for (i = 0; i < FIXTURE_SLOTS; i++) {
		EXPECT_EQ(1, put_text(self->tx, "x"));
		EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
		EXPECT_EQ(0, epoll_now(ep, 0));
	}
}

TEST_F(port, edge_tells_many_messages_as_one)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(3, drain(self->rx));
}

TEST_F(port, edge_loses_no_message_between_wait_and_drain)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET);

	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "2"));
	EXPECT_EQ(2, drain(self->rx));
	/* An event for what is gone already would be harmless, and is not given. */
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "3"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, edge_loses_no_message_between_drain_and_wait)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET);

	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(1, drain(self->rx));
	EXPECT_EQ(1, put_text(self->tx, "2"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, edge_of_room)
{
	int ep = epoll_on(self->tx, EPOLLOUT | EPOLLET), i;

	EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_now(ep, 0));
	for (i = 0; i < 10; i++) {
		fill_lane(self->tx, 0);
		EXPECT_EQ(0, epoll_now(ep, 0));
		EXPECT_MESSAGE("fill", self->rx);
		EXPECT_EQ(EPOLLOUT, epoll_now(ep, 0));
		EXPECT_EQ(0, epoll_now(ep, 0));
	}
}

TEST_F(port, edge_tells_a_message_that_was_put_back)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(-EFAULT, get(self->both, nowhere(), 8));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, every_epoll_set_is_told_of_every_message)
{
	int other = open_port(self->name, O_RDONLY), copy = dup(self->rx);
	int sets[] = {
		epoll_on(self->rx, EPOLLIN), epoll_on(self->rx, EPOLLIN | EPOLLET),
		epoll_on(copy, EPOLLIN), epoll_on(other, EPOLLIN | EPOLLET),
		epoll_on(self->both, EPOLLIN | EPOLLET),
	};
	int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 5; i++)
			EXPECT_EQ(0, epoll_now(sets[i], 0));
		EXPECT_EQ(1, put_text(self->tx, "x"));
		for (i = 0; i < 5; i++)
			EXPECT_EQ(EPOLLIN, epoll_now(sets[i], 0));
		EXPECT_MESSAGE("x", self->rx);
	}
}

TEST_F(port, edge_of_other_lanes_is_silent)
{
	int ep, i;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	ep = epoll_on(self->rx, EPOLLIN | EPOLLET);
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		EXPECT_EQ(0, send_on(self->tx, 2, "x"));
		EXPECT_EQ(0, epoll_now(ep, 0));
		EXPECT_EQ(0, send_on(self->tx, 1, "x"));
		EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
		EXPECT_EQ(1, drain(self->rx));
		EXPECT_EQ(0, epoll_now(ep, 0));
	}
}

TEST_F(port, edge_tells_the_end)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET);

	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, epoll_now(ep, 0));
}

/* The loop that every manual recommends, against a sender at full speed. */
TEST_F(port, edge_loop_receives_all)
{
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLET), got = 0, n = 3000, i;
	pid_t child = spawn();

	if (!child) {
		for (i = 0; i < n; i++)
			if (put_text(self->tx, "x") != 1)
				leave(1);
		leave(0);
	}
	while (got < n) {
		__u32 events = epoll_now(ep, SOON_MS);

		ASSERT_EQ(EPOLLIN, events) {
			TH_LOG("%d of %d, %d queued", got, n, info_of(self->tx).depth);
		}
		got += drain(self->rx);
	}
	EXPECT_EQ(n, got);
	EXPECT_EQ(0, reap(child));
}

TEST_F(port, edge_loop_sends_all)
{
	int ep = epoll_on(self->tx, EPOLLOUT | EPOLLET), sent = 0, n = 3000, i;
	pid_t child = spawn();
	char in[8];

	if (!child) {
		for (i = 0; i < n; i++)
			if (get(self->rx, in, sizeof(in)) != 4)
				leave(1);
		leave(0);
	}
	while (sent < n) {
		ASSERT_EQ(EPOLLOUT, epoll_now(ep, SOON_MS)) {
			TH_LOG("%d of %d", sent, n);
		}
		while (sent < n && !send_on(self->tx, 0, "fill"))
			sent++;
	}
	EXPECT_EQ(0, reap(child));
}

/* EPOLLONESHOT */

/* poll, and epoll by level: sleeping anew for each message misses none. */
TEST_F(port, level_loops_receive_all)
{
	pid_t child;
	int i, set;

	for (set = 0; set < 2; set++) {
		child = spawn();
		if (!child) {
			struct pollfd p = { .fd = self->rx, .events = POLLIN };
			int ep = epoll_on(self->rx, EPOLLIN);

			for (i = 0; i < 300; i += drain(self->rx))
				if (set ? epoll_now(ep, SOON_MS) != EPOLLIN :
					  poll(&p, 1, SOON_MS) != 1)
					leave(1);
			leave(0);
		}
		for (i = 0; i < 300; i++)
			ASSERT_EQ(1, put_text(self->tx, "x"));
		EXPECT_EQ(0, reap(child));
	}
}

TEST_F(port, oneshot_tells_once_until_it_is_set_again)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };
	int ep = epoll_on(self->rx, EPOLLIN | EPOLLONESHOT);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->rx, &e));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
	EXPECT_EQ(2, drain(self->rx));
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->rx, &e));
	EXPECT_EQ(0, epoll_now(ep, 0));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(ep, 0));
}

TEST_F(port, oneshot_that_is_spent_does_not_silence_others)
{
	int spent = epoll_on(self->rx, EPOLLIN | EPOLLONESHOT), other = epoll_on(self->rx, EPOLLIN);
	pid_t child;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, epoll_now(spent, 0));
	EXPECT_EQ(1, drain(self->rx));
	EXPECT_EQ(0, epoll_now(other, 0));
	child = spawn();
	if (!child)
		leave(epoll_now(other, SOON_MS));
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_epoll_wait)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(EPOLLIN, reap(child));
	EXPECT_EQ(0, epoll_now(spent, 0));
}

/* EPOLLEXCLUSIVE */

TEST_F(port, exclusive_waiters_leave_no_message_untold)
{
	pid_t child[4];
	int i;

	for (i = 0; i < 4; i++) {
		child[i] = spawn();
		if (!child[i]) {
			int ep = epoll_on(self->rx, EPOLLIN | EPOLLEXCLUSIVE);
			char in[8];

			/* Each takes one and goes. */
			for (;;) {
				if (!epoll_now(ep, SOON_MS))
					leave(120);
				if (receive_until(self->rx, in, sizeof(in), 0) >= 0)
					leave(0);
			}
		}
	}
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(wait_until(asleep_in(child[i], SYS_epoll_wait)));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, reap(child[i]));
	EXPECT_EQ(0, info_of(self->tx).depth);
}

TEST_F(port, exclusive_workers_receive_all)
{
	int n = 1000, i;
	pid_t child[4];

	for (i = 0; i < 4; i++) {
		child[i] = spawn();
		if (!child[i]) {
			int fd = open_port(self->name, O_RDONLY);
			int ep = epoll_on(fd, EPOLLIN | EPOLLEXCLUSIVE);

			for (;;) {
				__u32 events = epoll_now(ep, SOON_MS);

				if (!events)
					leave(120);
				drain(fd);
				if (events & EPOLLHUP && events_of(fd) == ENDED)
					leave(0);
			}
		}
	}
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(wait_until(asleep_in(child[i], SYS_epoll_wait)));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, send_until(self->tx, "x", in_ms(SOON_MS))) {
			TH_LOG("message %d, %d queued", i, info_of(self->tx).depth);
		}
	EXPECT_TRUE(wait_until(!info_of(self->tx).depth));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, reap(child[i]));
	EXPECT_EQ(n, info_of(self->tx).messages_received);
}

TEST_F(port, an_exclusive_waiter_with_other_lanes_does_not_swallow_the_event)
{
	pid_t wrong, right;
	int i, fd;

	for (i = 0; i < 2; i++) {
		pid_t pid;

		fd = open_port(self->name, O_RDONLY);
		EXPECT_EQ(0, set_lanes(fd, 1 << (1 + i), 0));
		pid = spawn();
		if (!pid) {
			int ep = epoll_on(fd, EPOLLIN | EPOLLEXCLUSIVE);

			leave(epoll_now(ep, SOON_MS));
		}
		*(i ? &right : &wrong) = pid;
		EXPECT_TRUE(wait_until(asleep_in(pid, SYS_epoll_wait)));
	}
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_EQ(EPOLLIN, reap(right));
	EXPECT_TRUE(wait_until(asleep_in(wrong, SYS_epoll_wait)));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(EPOLLIN, reap(wrong));
}

TEST_F(port, delete_tells_all_exclusive_waiters)
{
	pid_t child[4];
	int i;

	for (i = 0; i < 4; i++) {
		child[i] = spawn();
		if (!child[i])
			leave(epoll_now(epoll_on(self->rx, EPOLLIN | EPOLLEXCLUSIVE), SOON_MS));
	}
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(wait_until(asleep_in(child[i], SYS_epoll_wait)));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(EPOLLERR | EPOLLHUP, reap(child[i]));
}

/* SIGIO */

static void async(int fd, int sig)
{
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETSIG, sig);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static void no_async(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_ASYNC);
}

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Takes the signal if it is pending: its number, or -EAGAIN. A send has raised it on return. */
static long pending(int sig, siginfo_t *info)
{
	struct timespec none = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return result(sigtimedwait(&set, info, &none));
}

TEST_F(port, sigio_for_a_message)
{
	siginfo_t info;

	block(SIGIO);
	async(self->rx, 0);
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, sigio_for_each_message)
{
	siginfo_t info;
	int i;

	block(SIGIO);
	async(self->rx, 0);
	for (i = 0; i < FIXTURE_SLOTS; i++) {
		EXPECT_EQ(1, put_text(self->tx, "x"));
		EXPECT_EQ(SIGIO, pending(SIGIO, &info));
	}
	drain(self->rx);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, sigio_for_a_free_slot)
{
	siginfo_t info;

	block(SIGIO);
	fill_lane(self->tx, 0);
	async(self->tx, 0);
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, sigio_of_a_reader_is_not_for_slots)
{
	siginfo_t info;

	block(SIGIO);
	fill_lane(self->tx, 0);
	async(self->rx, 0);
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, sigio_of_a_writer_is_not_for_messages)
{
	siginfo_t info;

	block(SIGIO);
	async(self->tx, 0);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, chosen_signal_tells_descriptor_and_band_of_a_message)
{
	siginfo_t info;

	block(SIGRTMIN);
	async(self->rx, SIGRTMIN);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	memset(&info, POISON, sizeof(info));
	EXPECT_EQ(SIGRTMIN, pending(SIGRTMIN, &info));
	EXPECT_EQ(self->rx, info.si_fd);
	EXPECT_EQ(POLL_IN, info.si_code);
	EXPECT_EQ(READABLE, info.si_band);
}

TEST_F(port, chosen_signal_tells_descriptor_and_band_of_a_slot)
{
	siginfo_t info;

	block(SIGRTMIN);
	fill_lane(self->both, 0);
	async(self->both, SIGRTMIN);
	EXPECT_MESSAGE("fill", self->rx);
	memset(&info, POISON, sizeof(info));
	EXPECT_EQ(SIGRTMIN, pending(SIGRTMIN, &info));
	EXPECT_EQ(self->both, info.si_fd);
	EXPECT_EQ(POLL_OUT, info.si_code);
	EXPECT_EQ(POLLOUT | POLLWRNORM | POLLWRBAND, info.si_band);
}

TEST_F(port, chosen_signals_queue_one_for_each_message)
{
	siginfo_t info;
	int i;

	block(SIGRTMIN);
	async(self->rx, SIGRTMIN);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(SIGRTMIN, pending(SIGRTMIN, &info));
	EXPECT_EQ(-EAGAIN, pending(SIGRTMIN, &info));
}

TEST_F(port, sigio_only_for_own_lanes)
{
	siginfo_t info;

	block(SIGIO);
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	async(self->rx, 0);
	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, sigio_only_for_slots_of_the_default_lane)
{
	siginfo_t info;

	block(SIGIO);
	fill_lane(self->tx, 0);
	fill_lane(self->tx, 1);
	async(self->tx, 0);
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	while (pending(SIGIO, &info) == SIGIO)
		;
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 0, 0));
	while (pending(SIGIO, &info) == SIGIO)
		;
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, sigio_when_the_port_is_deleted)
{
	siginfo_t info;

	block(SIGIO);
	async(self->rx, 0);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, no_sigio_after_o_async_is_off)
{
	siginfo_t info;

	block(SIGIO);
	async(self->rx, 0);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
	no_async(self->rx);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
	async(self->rx, 0);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
}

TEST_F(port, no_sigio_after_the_descriptor_is_closed)
{
	int fd = open_port(self->name, O_RDWR);
	siginfo_t info;

	block(SIGIO);
	async(fd, 0);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(SIGIO, pending(SIGIO, &info));
	close(fd);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	drain(self->rx);
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, no_sigio_without_an_owner)
{
	siginfo_t info;

	block(SIGIO);
	fcntl(self->rx, F_SETFL, fcntl(self->rx, F_GETFL) | O_ASYNC);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, sigio_comes_to_the_owner_not_to_the_sender)
{
	siginfo_t info;
	pid_t child;

	block(SIGIO);
	child = spawn();
	if (!child) {
		async(self->rx, 0);
		put_text(self->both, "ready");
		/* Its own message raised one as well; each send one more. */
		pending(SIGIO, &info);
		if (sigwaitinfo(&(sigset_t) { { 1UL << (SIGIO - 1) } }, &info) != SIGIO)
			leave(1);
		leave(0);
	}
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_rt_sigtimedwait)));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(-EAGAIN, pending(SIGIO, &info));
}

TEST_F(port, sigio_for_several_endpoints)
{
	siginfo_t info;
	int fd[3], i, seen = 0;

	block(SIGRTMIN);
	for (i = 0; i < 3; i++) {
		fd[i] = open_port(self->name, O_RDONLY);
		async(fd[i], SIGRTMIN);
	}
	EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(SIGRTMIN, pending(SIGRTMIN, &info));
		seen += info.si_fd;
	}
	EXPECT_EQ(fd[0] + fd[1] + fd[2], seen);
	EXPECT_EQ(-EAGAIN, pending(SIGRTMIN, &info));
}

TEST_F(port, sigio_interrupts_a_program_that_works)
{
	catch_signal(SIGIO, SA_RESTART);
	async(self->rx, 0);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, signals_seen);
	EXPECT_MESSAGE("x", self->rx);
}

TEST_HARNESS_MAIN
