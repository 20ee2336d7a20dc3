// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that use ports by liburing, as they would be written: an event loop on a multishot
 * poll, forwarding by linked requests, registered files. No worker thread is ever
 * started. What each request does: uring.c.
 */
#include "workers.h"

#include <liburing.h>

#include "receipts.h"

#define ENTRIES		16
#define MESSAGES	1000U
#define SOON		(&(struct __kernel_timespec) { .tv_sec = 60 })

FIXTURE(liburing)
{
	struct io_uring ring;
	char name[MAILBOX_NAME_SIZE];
	int from;
	int to;
};

FIXTURE_SETUP(liburing)
{
	long ret = io_uring_queue_init(ENTRIES, &self->ring, 0);

	/* A return here would not keep the 6.1 harness from running the test. */
	if (ret < 0)
		SKIP(_exit(255), "no io_uring: %s", strerror(-ret));
	strcpy(self->name, port_name("liburing"));
	self->from = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			    .message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS);
	ASSERT_LE(0, self->from);
	self->to = create(NULL, .message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS);
	ASSERT_LE(0, self->to);
}

FIXTURE_TEARDOWN(liburing)
{
	EXPECT_EQ(0, workers());
	close(self->from);
	close(self->to);
	io_uring_queue_exit(&self->ring);
}

static struct io_uring_sqe *request(struct io_uring *ring, __u64 tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_sqe_set_data64(sqe, tag);
	return sqe;
}

/* Reads a message from one port and then, from the same bytes, writes to the other. */
static int forward(struct io_uring *ring, int from, int to, char *buf, __u32 length)
{
	struct io_uring_sqe *sqe = request(ring, 1);

	io_uring_prep_read(sqe, from, buf, length, -1);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = request(ring, 2);
	io_uring_prep_write(sqe, to, buf, length, -1);
	return io_uring_submit(ring);
}

/* The result of request @tag, the next to be answered. */
static long answer_of(struct io_uring *ring, __u64 tag)
{
	struct io_uring_cqe *cqe;
	long ret = io_uring_wait_cqe_timeout(ring, &cqe, SOON);

	if (ret)
		return ret;
	ret = io_uring_cqe_get_data64(cqe) == tag ? cqe->res : -EBADMSG;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static bool no_answer(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

TEST_F(liburing, a_message_is_forwarded_by_a_link)
{
	char buf[FIXTURE_MESSAGE];

	EXPECT_EQ(5, put_text(self->from, "hello"));
	EXPECT_EQ(2, forward(&self->ring, self->from, self->to, buf, 5));
	EXPECT_EQ(5, answer_of(&self->ring, 1));
	EXPECT_EQ(5, answer_of(&self->ring, 2));
	EXPECT_MESSAGE("hello", self->to);
}

TEST_F(liburing, a_link_waits_for_its_message)
{
	char buf[FIXTURE_MESSAGE];

	EXPECT_EQ(2, forward(&self->ring, self->from, self->to, buf, 5));
	EXPECT_TRUE(no_answer(&self->ring));
	EXPECT_NO_MESSAGE(self->to);
	EXPECT_EQ(5, put_text(self->from, "hello"));
	EXPECT_EQ(5, answer_of(&self->ring, 1));
	EXPECT_EQ(5, answer_of(&self->ring, 2));
	EXPECT_MESSAGE("hello", self->to);
}

/* The message is read by then, and in the caller's memory. */
TEST_F(liburing, a_link_waits_for_a_slot)
{
	char buf[FIXTURE_MESSAGE];
	int i;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->to, 0));
	EXPECT_EQ(5, put_text(self->from, "hello"));
	EXPECT_EQ(2, forward(&self->ring, self->from, self->to, buf, 5));
	EXPECT_EQ(5, answer_of(&self->ring, 1));
	EXPECT_TRUE(no_answer(&self->ring));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_MESSAGE("fill", self->to);
	EXPECT_EQ(5, answer_of(&self->ring, 2));
	EXPECT_MESSAGE("hello", self->to);
}

TEST_F(liburing, a_link_is_cut_by_an_error_and_the_message_stays)
{
	char buf[FIXTURE_MESSAGE];

	EXPECT_EQ(10, put_text(self->from, "too long a"));
	EXPECT_EQ(2, forward(&self->ring, self->from, self->to, buf, 5));
	EXPECT_EQ(-EMSGSIZE, answer_of(&self->ring, 1));
	EXPECT_EQ(-ECANCELED, answer_of(&self->ring, 2));
	EXPECT_NO_MESSAGE(self->to);
	EXPECT_MESSAGE("too long a", self->from);
}

TEST_F(liburing, a_link_ends_with_the_port)
{
	char buf[FIXTURE_MESSAGE];

	EXPECT_EQ(2, forward(&self->ring, self->from, self->to, buf, 5));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, answer_of(&self->ring, 1));
	EXPECT_EQ(-ECANCELED, answer_of(&self->ring, 2));
}

TEST_F(liburing, registered_files_are_ports_as_well)
{
	int files[2] = { self->from, self->to };
	struct io_uring_sqe *sqe;
	char buf[FIXTURE_MESSAGE];

	ASSERT_EQ(0, io_uring_register_files(&self->ring, files, 2));
	sqe = request(&self->ring, 1);
	io_uring_prep_write(sqe, 0, "hello", 5, -1);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
	sqe = request(&self->ring, 2);
	io_uring_prep_read(sqe, 0, buf, sizeof(buf), -1);
	sqe->flags |= IOSQE_FIXED_FILE;
	EXPECT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_EQ(5, answer_of(&self->ring, 1));
	EXPECT_EQ(5, answer_of(&self->ring, 2));
	EXPECT_EQ(0, io_uring_unregister_files(&self->ring));
}

/* Every one that is there: they may have come faster than the poll told. */
static __u32 read_all(struct io_uring *ring, int fd, __u64 tag, __u32 next, bool *wrong)
{
	struct io_uring_sqe *sqe;
	__u32 number;
	long ret;

	for (;;) {
		sqe = request(ring, tag);
		io_uring_prep_read(sqe, fd, &number, sizeof(number), -1);
		sqe->rw_flags = RWF_NOWAIT;
		io_uring_submit(ring);
		do {	/* the poll may speak in between */
			ret = answer_of(ring, tag);
		} while (ret == -EBADMSG);
		if (ret == -EAGAIN)
			return next;
		*wrong |= ret != sizeof(number) || number != next++;
	}
}

TEST_F(liburing, an_event_loop_on_a_multishot_poll_receives_all)
{
	struct io_uring_cqe *cqe;
	__u32 next = 0, shots = 0;
	bool wrong = false, more = true;
	pid_t pid = spawn();

	if (!pid) {
		while (next < MESSAGES && put(self->from, &next, sizeof(next)) == sizeof(next))
			next++;
		leave(next != MESSAGES);
	}
	io_uring_prep_poll_multishot(request(&self->ring, 1), self->from, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	while (next < MESSAGES && more) {
		ASSERT_EQ(0, io_uring_wait_cqe_timeout(&self->ring, &cqe, SOON));
		EXPECT_LT(0, cqe->res);
		more = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&self->ring, cqe);
		shots++;
		next = read_all(&self->ring, self->from, 2, next, &wrong);
	}
	EXPECT_TRUE(more);
	EXPECT_FALSE(wrong);
	EXPECT_EQ(MESSAGES, next);
	EXPECT_EQ(0, reap(pid));
	report("%u messages, told of %u times", next, shots);
}

TEST_F(liburing, a_multishot_poll_tells_each_receipt)
{
	struct io_uring_cqe *cqe;
	int i;

	io_uring_prep_poll_multishot(request(&self->ring, 1), self->from, POLLPRI);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, send_receipt(self->from, 0, "a"));
		EXPECT_TRUE(no_answer(&self->ring));
		EXPECT_MESSAGE("a", self->from);
		ASSERT_EQ(0, io_uring_wait_cqe_timeout(&self->ring, &cqe, SOON));
		EXPECT_LT(0, cqe->res & POLLPRI);
		EXPECT_LT(0, cqe->flags & IORING_CQE_F_MORE);
		io_uring_cqe_seen(&self->ring, cqe);
		EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->from));
	}
}

TEST_HARNESS_MAIN
