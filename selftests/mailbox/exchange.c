// SPDX-License-Identifier: GPL-2.0
/* Send, then receive, by one call: MAILBOX_IOC_EXCHANGE. */
#include <pthread.h>

#include "mailbox_test.h"

static char received[FIXTURE_MESSAGE];

/* A question, room for the answer, and the call of both. */
struct turn {
	struct mailbox_message out, in;
	struct mailbox_exchange x;
};

/* Without waiting. */
static struct turn *turn(struct turn *t, int by, const char *text)
{
	memset(received, 0, sizeof(received));
	t->out = message(.data = address(text), .length = strlen(text),
			 .lane = MAILBOX_LANE_DEFAULT);
	t->in = message(.data = address(received), .length = sizeof(received));
	t->x = (struct mailbox_exchange) {
		.size = sizeof(t->x),
		.fd = by,
		.send = address(&t->out),
		.receive = address(&t->in),
	};
	return t;
}

static long exchange(int fd, struct turn *t)
{
	return result(ioctl(fd, MAILBOX_IOC_EXCHANGE, &t->x));
}

/* Two ports, of which a question goes to one, and its answer comes by the other. */
FIXTURE(ways)
{
	int there;
	int back;
	int asked;
	int answer;
	struct turn t;
};

FIXTURE_VARIANT(ways)
{
	__u32 flags;
	__u32 limit;
};

FIXTURE_VARIANT_ADD(ways, ordinary) {};
FIXTURE_VARIANT_ADD(ways, direct) { .flags = MAILBOX_DIRECT };
FIXTURE_VARIANT_ADD(ways, limited) { .flags = MAILBOX_SEALED, .limit = 2 };

static int open_again(int fd)
{
	struct mailbox_open arg = { .size = sizeof(arg), .open_flags = O_RDWR, .fd = -77 };
	long ret = result(ioctl(fd, MAILBOX_IOC_OPEN, &arg));

	return ret ? ret : arg.fd;
}

FIXTURE_SETUP(ways)
{
	self->there = create(NULL, .flags = variant->flags, .limit = variant->limit,
			     .message_size = FIXTURE_MESSAGE, .capacity = 2);
	self->back = create(NULL, .flags = variant->flags, .limit = variant->limit,
			    .message_size = FIXTURE_MESSAGE, .capacity = 2);
	ASSERT_LE(0, self->there);
	ASSERT_LE(0, self->back);
	self->asked = open_again(self->there);
	self->answer = open_again(self->back);
	ASSERT_LE(0, self->asked);
	ASSERT_LE(0, self->answer);
}

FIXTURE_TEARDOWN(ways)
{
	close(self->there);
	close(self->back);
	close(self->asked);
	close(self->answer);
}

/* In a child: answers each question by its own text, until there is a long one. */
static pid_t echo(int from, int to)
{
	pid_t pid = spawn();
	char text[8];
	long n;

	if (!pid) {
		while ((n = get(from, text, sizeof(text))) > 0)
			if (put(to, text, n) != n)
				leave(1);
		leave(n);
	}
	return pid;
}

TEST_F(ways, exchange_sends_and_waits_for_the_answer)
{
	pid_t pid = echo(self->asked, self->answer);
	char text[8];
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		turn(&self->t, self->there, text)->in.deadline = MAILBOX_FOREVER;
		ASSERT_EQ(0, exchange(self->back, &self->t));
		ASSERT_EQ(1, self->t.x.sent);
		ASSERT_EQ(strlen(text), self->t.in.length);
		ASSERT_STREQ(text, received);
		ASSERT_EQ(i, self->t.out.ticket);
		ASSERT_EQ(i, self->t.in.ticket);
	}
	ASSERT_EQ(9, put_text(self->there, "too long."));
	EXPECT_EQ(-EMSGSIZE, reap(pid));
}

TEST_F(ways, what_cannot_be_sent_is_not_and_nothing_is_received)
{
	put_text(self->answer, "answer");
	turn(&self->t, self->there, "question")->out.length = FIXTURE_MESSAGE + 1;
	EXPECT_EQ(-EMSGSIZE, exchange(self->back, &self->t));
	EXPECT_EQ(0, self->t.x.sent);
	turn(&self->t, self->there, "question")->out.lane = 1;
	EXPECT_EQ(-EINVAL, exchange(self->back, &self->t));
	EXPECT_EQ(0, self->t.x.sent);
	ASSERT_EQ(2, fill_lane(self->there, 0));
	EXPECT_EQ(-EAGAIN, exchange(self->back, turn(&self->t, self->there, "question")));
	EXPECT_EQ(0, self->t.x.sent);
	turn(&self->t, self->there, "question")->out.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, exchange(self->back, &self->t));
	EXPECT_EQ(0, self->t.x.sent);
	EXPECT_EQ(2, info_of(self->there).depth);
	EXPECT_MESSAGE("answer", self->back);
}

TEST_F(ways, what_was_sent_stays_so_whatever_the_receive_says)
{
	turn(&self->t, self->there, "question");
	EXPECT_EQ(-EAGAIN, exchange(self->back, &self->t));
	EXPECT_EQ(1, self->t.x.sent);
	self->t.in.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, exchange(self->back, &self->t));
	EXPECT_EQ(1, self->t.x.sent);
	EXPECT_EQ(1, info_of(self->there).depth);
	put_text(self->answer, "a long answer");
	self->t.in.length = 4;
	EXPECT_EQ(-EMSGSIZE, exchange(self->back, &self->t));
	EXPECT_EQ(13, self->t.in.length);
	EXPECT_EQ(0, exchange(self->back, &self->t));
	EXPECT_STREQ("a long answer", received);
	EXPECT_MESSAGE("question", self->asked);
	EXPECT_NO_MESSAGE(self->asked);
}

TEST_F(ways, by_a_descriptor_that_cannot_send_is_ebadf)
{
	int closed = dup(self->there), control = control_open(), pipes[2];

	close(closed);
	ASSERT_EQ(0, pipe(pipes));
	put_text(self->answer, "answer");
	EXPECT_EQ(-EBADF, exchange(self->back, turn(&self->t, closed, "question")));
	EXPECT_EQ(-EBADF, exchange(self->back, turn(&self->t, control, "question")));
	EXPECT_EQ(-EBADF, exchange(self->back, turn(&self->t, pipes[1], "question")));
	EXPECT_EQ(-EBADF, exchange(self->back, turn(&self->t, -2, "question")));
	EXPECT_EQ(0, self->t.x.sent);
	EXPECT_MESSAGE("answer", self->back);
	close(control);
}

TEST_F(ways, a_bad_address_is_efault_and_nothing_is_lost)
{
	struct mailbox_exchange *fixed = pages(1, PROT_READ | PROT_WRITE);

	put_text(self->answer, "answer");
	turn(&self->t, self->there, "question")->x.send = address(nowhere());
	EXPECT_EQ(-EFAULT, exchange(self->back, &self->t));
	EXPECT_EQ(0, self->t.x.sent);
	turn(&self->t, self->there, "question")->out.data = address(nowhere());
	EXPECT_EQ(-EFAULT, exchange(self->back, &self->t));
	EXPECT_EQ(0, self->t.x.sent);
	/* What could not be told that it was sent is not sent. */
	*fixed = turn(&self->t, self->there, "question")->x;
	mprotect(fixed, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, result(ioctl(self->back, MAILBOX_IOC_EXCHANGE, fixed)));
	EXPECT_EQ(0, info_of(self->there).depth);
	turn(&self->t, self->there, "question")->x.receive = address(nowhere());
	EXPECT_EQ(-EFAULT, exchange(self->back, &self->t));
	EXPECT_EQ(1, self->t.x.sent);
	turn(&self->t, self->there, "question")->in.data = address(nowhere());
	EXPECT_EQ(-EFAULT, exchange(self->back, &self->t));
	EXPECT_EQ(1, self->t.x.sent);
	EXPECT_EQ(2, info_of(self->there).depth);
	EXPECT_MESSAGE("answer", self->back);
}

/* In a child: asks, and gives what the call says; as it is made, it may be interrupted. */
static pid_t asker(const int there, const int back, struct turn *shared, int flags)
{
	pid_t pid = spawn();

	if (!pid) {
		catch_signal(SIGUSR1, flags);
		turn(shared, there, "question")->in.deadline = MAILBOX_FOREVER;
		leave(exchange(back, shared));
	}
	return pid;
}

TEST_F(ways, a_signal_ends_the_wait_and_what_was_sent_is_told)
{
	struct turn *shared = shared_pages(1);
	pid_t pid = asker(self->there, self->back, shared, 0);

	ASSERT_TRUE(wait_receivers(self->back, 1));
	EXPECT_EQ(1, shared->x.sent);
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
	EXPECT_EQ(1, shared->x.sent);
	EXPECT_EQ(1, info_of(self->there).depth);
}

TEST_F(ways, a_signal_with_sa_restart_sends_nothing_twice)
{
	struct turn *shared = shared_pages(1);
	pid_t pid = asker(self->there, self->back, shared, SA_RESTART);
	long before;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(wait_receivers(self->back, 1));
		before = switches_of(pid);
		kill(pid, SIGUSR1);
		ASSERT_TRUE(wait_until(switches_of(pid) > before));
	}
	ASSERT_TRUE(wait_receivers(self->back, 1));
	put_text(self->answer, "answer");
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, info_of(self->there).depth);
}

TEST_F(ways, a_signal_before_it_could_be_sent_sends_nothing)
{
	struct turn *shared = shared_pages(1);
	pid_t pid;

	ASSERT_EQ(2, fill_lane(self->there, 0));
	pid = spawn();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		turn(shared, self->there, "question")->out.deadline = MAILBOX_FOREVER;
		leave(exchange(self->back, shared));
	}
	ASSERT_TRUE(wait_senders(self->there, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
	EXPECT_EQ(0, shared->x.sent);
	EXPECT_EQ(2, info_of(self->there).depth);
}

/* One port whose lanes are the two ways. */

TEST_F(port, minus_one_sends_by_the_endpoint_itself)
{
	struct turn t;

	ASSERT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	ASSERT_EQ(0, send_on(self->tx, 1, "answer"));
	EXPECT_EQ(0, exchange(self->both, turn(&t, -1, "question")));
	EXPECT_EQ(1, t.x.sent);
	EXPECT_STREQ("answer", received);
	EXPECT_EQ(1, t.in.lane);
	EXPECT_MESSAGE("question", self->rx);
}

TEST_F(port, exchange_takes_what_each_call_does)
{
	struct turn t;

	ASSERT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	ASSERT_EQ(0, send_on(self->tx, 1, "answer"));
	turn(&t, -1, "question")->out.flags = MAILBOX_SEND_RECEIPT;
	t.in.flags = MAILBOX_RECV_LEASE;
	EXPECT_EQ(0, exchange(self->both, &t));
	EXPECT_STREQ("answer", received);
	EXPECT_EQ(1, info_of(self->both).leased);
	EXPECT_EQ(0, t.out.lane);
}

TEST_F(port, exchange_needs_both_directions)
{
	struct turn t;

	EXPECT_EQ(-EBADF, exchange(self->tx, turn(&t, -1, "question")));
	EXPECT_EQ(0, t.x.sent);
	EXPECT_EQ(-EBADF, exchange(self->rx, turn(&t, -1, "question")));
	EXPECT_EQ(-EBADF, exchange(self->both, turn(&t, self->rx, "question")));
	EXPECT_EQ(0, t.x.sent);
	EXPECT_EQ(0, info_of(self->both).depth);
}

TEST_F(port, exchange_that_was_half_sent_is_einval)
{
	struct turn t;

	turn(&t, -1, "question")->x.sent = 2;
	EXPECT_EQ(-EINVAL, exchange(self->both, &t));
	EXPECT_EQ(0, info_of(self->both).depth);
}

TEST_F(port, delete_ends_either_half)
{
	struct turn t, *shared = shared_pages(1);
	pid_t pid;

	ASSERT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	pid = asker(-1, self->both, shared, 0);
	ASSERT_TRUE(wait_receivers(self->both, 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
	EXPECT_EQ(1, shared->x.sent);
	EXPECT_MESSAGE("question", self->rx);
	EXPECT_EQ(-EIDRM, exchange(self->both, turn(&t, -1, "question")));
	EXPECT_EQ(0, t.x.sent);
}

struct closing {
	int fd;
	struct turn t;
	int back;
	long ret;
};

static void *exchange_slowly(void *arg)
{
	struct closing *c = arg;

	c->ret = exchange(c->back, &c->t);
	return NULL;
}

/* The sending descriptor may be closed meanwhile. */
TEST_F(port, a_close_of_the_sender_while_it_sleeps_disturbs_nothing)
{
	struct closing c = { .fd = open_port(self->name, O_WRONLY), .back = self->both };
	pthread_t thread;

	ASSERT_EQ(0, set_lanes(self->both, 1 << 1, 0));
	ASSERT_EQ(0, set_lanes(self->rx, 1 << 0, 0));
	ASSERT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	ASSERT_EQ(0, send_on(self->tx, 1, "answer"));
	turn(&c.t, c.fd, "question")->out.deadline = MAILBOX_FOREVER;
	ASSERT_EQ(0, pthread_create(&thread, NULL, exchange_slowly, &c));
	ASSERT_TRUE(wait_senders(self->tx, 1));
	close(c.fd);
	EXPECT_MESSAGE("fill", self->rx);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->tx).depth);
	EXPECT_EQ(3, info_of(self->tx).endpoints);
}

TEST_HARNESS_MAIN
