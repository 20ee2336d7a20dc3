// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring: reads and writes of a port complete inline or by its poll, never in
 * a worker thread. By raw system calls; skipped where there is no io_uring.
 */
#include "workers.h"

#include <sys/eventfd.h>

#include <linux/io_uring.h>

#define ENTRIES		8
#define READABLE	(POLLIN | POLLRDNORM)
#define SOON_MS		10000

struct uring {
	int fd;
	__u32 *sq_head, *sq_tail, *sq_mask, *sq_array;
	__u32 *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static long open_uring(struct uring *u)
{
	struct io_uring_params p = { 0 };
	size_t size;
	char *ring;

	u->fd = result(syscall(__NR_io_uring_setup, ENTRIES, &p));
	if (u->fd < 0)
		return u->fd;
	if (!(p.features & IORING_FEAT_SINGLE_MMAP))
		return -EOPNOTSUPP;
	size = p.sq_off.array + p.sq_entries * sizeof(__u32);
	if (size < p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe))
		size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd,
		    IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, p.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (ring == MAP_FAILED || u->sqes == MAP_FAILED)
		return -errno;
	u->sq_head = (void *)(ring + p.sq_off.head);
	u->sq_tail = (void *)(ring + p.sq_off.tail);
	u->sq_mask = (void *)(ring + p.sq_off.ring_mask);
	u->sq_array = (void *)(ring + p.sq_off.array);
	u->cq_head = (void *)(ring + p.cq_off.head);
	u->cq_tail = (void *)(ring + p.cq_off.tail);
	u->cq_mask = (void *)(ring + p.cq_off.ring_mask);
	u->cqes = (void *)(ring + p.cq_off.cqes);
	return 0;
}

/* Hands one request in; 1 when it was taken. */
static long submit(struct uring *u, const struct io_uring_sqe *sqe)
{
	__u32 tail = *u->sq_tail, i = tail & *u->sq_mask;

	u->sqes[i] = *sqe;
	u->sq_array[i] = i;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return result(syscall(__NR_io_uring_enter, u->fd, 1, 0, 0, NULL, 0));
}

/* Members follow as .member = value. */
#define submit_op(u, op, fd_, ...)					\
	submit((u), &(struct io_uring_sqe) {				\
		.opcode = (op), .fd = (fd_), .user_data = 1, __VA_ARGS__ \
	})

static long submit_read(struct uring *u, int fd, void *data, __u32 size)
{
	return submit_op(u, IORING_OP_READ, fd, .addr = address(data), .len = size,
			 .off = -1ULL);
}

static long submit_write(struct uring *u, int fd, const void *data, __u32 size)
{
	return submit_op(u, IORING_OP_WRITE, fd, .addr = address(data), .len = size,
			 .off = -1ULL);
}

/* Takes an answer that is there; lets the kernel run what it has for this task. */
static bool answered(struct uring *u, struct io_uring_cqe *cqe)
{
	__u32 head = *u->cq_head;

	if (head == __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE))
		syscall(__NR_io_uring_enter, u->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	if (head == __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*cqe = u->cqes[head & *u->cq_mask];
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

#define NO_ANSWER	(-100000)

/* The result of an answer that must be there by now. */
static long answer_now(struct uring *u)
{
	struct io_uring_cqe cqe;

	return answered(u, &cqe) ? cqe.res : NO_ANSWER;
}

/* The result of an answer that must come. */
static long answer(struct uring *u)
{
	struct io_uring_cqe cqe;

	return wait_until(answered(u, &cqe)) ? cqe.res : NO_ANSWER;
}

FIXTURE(uring)
{
	struct uring u;
	char name[MAILBOX_NAME_SIZE];
	int both;
	int tx;
	int rx;
};

FIXTURE_SETUP(uring)
{
	long ret = open_uring(&self->u);

	/* A return here would not keep the 6.1 harness from running the test. */
	if (ret < 0)
		SKIP(_exit(255), "no io_uring: %s", strerror(-ret));
	ASSERT_EQ(0, ret);
	strcpy(self->name, port_name("uring"));
	self->both = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			    .message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS,
			    .lanes = FIXTURE_LANES, .mode = 0666);
	ASSERT_LE(0, self->both);
	self->tx = open_port(self->name, O_WRONLY);
	ASSERT_LE(0, self->tx);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(uring)
{
	close(self->both);
	close(self->tx);
	close(self->rx);
	close(self->u.fd);
}

/* The measure itself: a file that cannot be polled does start a worker. */
TEST_F(uring, workers_would_be_seen)
{
	char byte;

	EXPECT_EQ(0, workers());
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_NOP, -1, .flags = IOSQE_ASYNC));
	EXPECT_EQ(0, answer(&self->u));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ, self->rx, .addr = address(&byte),
			       .len = 1, .off = -1ULL, .flags = IOSQE_ASYNC));
	EXPECT_EQ(1, answer(&self->u));
	EXPECT_LT(0, workers());
}

/* Inline. */

TEST_F(uring, write_completes_inline)
{
	EXPECT_EQ(1, submit_write(&self->u, self->tx, "hello", 5));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_EQ(0, workers());
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, read_completes_inline)
{
	char in[FIXTURE_MESSAGE] = { 0 };

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_STREQ("hello", in);
	EXPECT_EQ(0, workers());
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(uring, read_and_write_of_a_nameless_port)
{
	int fd = create(NULL);
	char in[16] = { 0 };

	EXPECT_EQ(1, submit_write(&self->u, fd, "hello", 5));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_EQ(1, submit_read(&self->u, fd, in, sizeof(in)));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_STREQ("hello", in);
	EXPECT_EQ(0, workers());
	close(fd);
}

TEST_F(uring, one_write_is_one_message)
{
	char in[FIXTURE_MESSAGE] = { 0 };

	EXPECT_EQ(1, submit_write(&self->u, self->tx, "one", 3));
	EXPECT_EQ(1, submit_write(&self->u, self->tx, "three", 5));
	EXPECT_EQ(3, answer(&self->u));
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(3, answer(&self->u));
	EXPECT_STREQ("one", in);
}

TEST_F(uring, vectors_are_one_message)
{
	char a[2] = { 0 }, b[16] = { 0 };
	struct iovec out[] = { { "he", 2 }, { "llo", 3 } }, in[] = { { a, 2 }, { b, 16 } };

	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_WRITEV, self->tx, .addr = address(out),
			       .len = 2, .off = -1ULL));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READV, self->rx, .addr = address(in),
			       .len = 2, .off = -1ULL));
	EXPECT_EQ(5, answer_now(&self->u));
	EXPECT_EQ(0, memcmp("he", a, 2));
	EXPECT_STREQ("llo", b);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, write_longer_than_message_size_is_emsgsize)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	EXPECT_EQ(1, submit_write(&self->u, self->tx, out, sizeof(out)));
	EXPECT_EQ(-EMSGSIZE, answer(&self->u));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(uring, write_of_nothing_is_einval)
{
	EXPECT_EQ(1, submit_write(&self->u, self->tx, "", 0));
	EXPECT_EQ(-EINVAL, answer(&self->u));
}

TEST_F(uring, read_into_a_short_buffer_is_emsgsize_and_keeps_the_message)
{
	char in[4];

	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(-EMSGSIZE, answer(&self->u));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, read_into_bad_memory_is_efault_and_keeps_the_message)
{
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(1, submit_read(&self->u, self->rx, nowhere(), 16));
	EXPECT_EQ(-EFAULT, answer(&self->u));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, read_only_may_not_write)
{
	EXPECT_EQ(1, submit_write(&self->u, self->rx, "x", 1));
	EXPECT_EQ(-EBADF, answer(&self->u));
}

TEST_F(uring, write_only_may_not_read)
{
	char in[4];

	EXPECT_EQ(1, submit_read(&self->u, self->tx, in, sizeof(in)));
	EXPECT_EQ(-EBADF, answer(&self->u));
}

/* Waiting. */

TEST_F(uring, read_of_an_empty_port_completes_with_the_message)
{
	char in[FIXTURE_MESSAGE] = { 0 };

	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, workers());
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_STREQ("hello", in);
	EXPECT_EQ(0, workers());
	EXPECT_EQ(0, info_of(self->rx).depth);
}

/* An endpoint for both waits in two queues. */
TEST_F(uring, read_of_an_empty_port_by_an_endpoint_for_both)
{
	char in[FIXTURE_MESSAGE] = { 0 };

	EXPECT_EQ(1, submit_read(&self->u, self->both, in, sizeof(in)));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(5, put_text(self->both, "hello"));
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_STREQ("hello", in);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, a_waiting_read_is_no_waiting_receiver)
{
	char in[FIXTURE_MESSAGE];

	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, answer(&self->u));
}

TEST_F(uring, many_waiting_reads_take_one_message_each)
{
	char in[ENTRIES][8];
	int i, port = create(NULL, .capacity = 16);

	for (i = 0; i < ENTRIES; i++)
		EXPECT_EQ(1, submit_read(&self->u, port, in[i], sizeof(in[i])));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	for (i = 0; i < ENTRIES; i++) {
		EXPECT_EQ(1, put_text(port, "x"));
		EXPECT_EQ(1, answer(&self->u));
		EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	}
	EXPECT_EQ(0, workers());
	EXPECT_EQ(0, info_of(port).depth);
	close(port);
}

TEST_F(uring, a_waiting_read_takes_its_own_lanes_only)
{
	char in[8] = { 0 };
	int i;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	/* Each of these may wake it; none is for it, and it goes on waiting. */
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, send_on(self->tx, 2, "two"));
		EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
		EXPECT_MESSAGE("two", self->both);
	}
	EXPECT_EQ(0, workers());
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(3, answer(&self->u));
	EXPECT_STREQ("one", in);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, a_waiting_read_ends_with_the_port)
{
	char in[8];

	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, answer(&self->u));
	EXPECT_EQ(0, workers());
}

TEST_F(uring, a_waiting_read_is_cancelled_without_loss)
{
	char in[8];
	struct io_uring_cqe cqe;
	int i, seen = 0;

	EXPECT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_ASYNC_CANCEL, -1, .addr = 1,
			       .user_data = 2));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(wait_until(answered(&self->u, &cqe)));
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : 0, cqe.res);
		seen |= cqe.user_data;
	}
	EXPECT_EQ(3, seen);
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, a_waiting_read_dies_with_its_process_without_loss)
{
	EXPECT_EQ(0, ended(
		static char in[8];
		struct uring own;

		if (open_uring(&own) || submit_read(&own, self->rx, in, sizeof(in)) != 1)
			leave(1);
		leave(answer_now(&own) == NO_ANSWER ? 0 : 2);
	));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, read_with_the_nowait_flag_is_eagain)
{
	char in[8];

	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ, self->rx, .addr = address(in),
			       .len = sizeof(in), .off = -1ULL, .rw_flags = RWF_NOWAIT));
	EXPECT_EQ(-EAGAIN, answer_now(&self->u));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ, self->rx, .addr = address(in),
			       .len = sizeof(in), .off = -1ULL, .rw_flags = RWF_NOWAIT));
	EXPECT_EQ(1, answer_now(&self->u));
	EXPECT_EQ(0, workers());
}

TEST_F(uring, write_with_the_nowait_flag_is_eagain)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_WRITE, self->tx, .addr = address("x"),
			       .len = 1, .off = -1ULL, .rw_flags = RWF_NOWAIT));
	EXPECT_EQ(-EAGAIN, answer_now(&self->u));
	EXPECT_EQ(0, workers());
}

TEST_F(uring, write_to_a_full_port_completes_with_the_slot)
{
	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	EXPECT_EQ(1, submit_write(&self->u, self->tx, "hello", 5));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, workers());
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_EQ(0, workers());
	while (info_of(self->rx).depth > 1)
		EXPECT_MESSAGE("fill", self->rx);
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, write_to_a_full_port_by_an_endpoint_for_both)
{
	fill_lane(self->both, 0);
	EXPECT_EQ(1, submit_write(&self->u, self->both, "hello", 5));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_MESSAGE("fill", self->both);
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_EQ(0, workers());
}

TEST_F(uring, a_waiting_write_ends_with_the_port)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(1, submit_write(&self->u, self->tx, "hello", 5));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, answer(&self->u));
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
}

/* Fixed buffers: memory that the kernel has pinned. */

static char fixed[2][4096] __attribute__((aligned(4096)));

static long register_fixed(struct uring *u)
{
	struct iovec iov = { fixed, sizeof(fixed) };

	return result(syscall(__NR_io_uring_register, u->fd, IORING_REGISTER_BUFFERS, &iov, 1));
}

TEST_F(uring, read_with_fixed_buffer)
{
	char *to = fixed[1] - 3;		/* across a page boundary */

	ASSERT_EQ(0, register_fixed(&self->u));
	memset(fixed, POISON, sizeof(fixed));
	EXPECT_EQ(11, put_text(self->tx, "hello world"));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ_FIXED, self->rx, .addr = address(to),
			       .len = FIXTURE_MESSAGE, .off = -1ULL));
	EXPECT_EQ(11, answer_now(&self->u));
	EXPECT_EQ(0, memcmp("hello world", to, 11));
	EXPECT_EQ((char)POISON, to[-1]);
	EXPECT_EQ((char)POISON, to[11]);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, read_with_fixed_buffer_of_an_empty_port)
{
	ASSERT_EQ(0, register_fixed(&self->u));
	memset(fixed, 0, sizeof(fixed));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ_FIXED, self->rx, .addr = address(fixed),
			       .len = FIXTURE_MESSAGE, .off = -1ULL));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(5, answer(&self->u));
	EXPECT_STREQ("hello", fixed[0]);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, read_with_short_fixed_buffer_is_emsgsize_and_keeps_the_message)
{
	ASSERT_EQ(0, register_fixed(&self->u));
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_READ_FIXED, self->rx, .addr = address(fixed),
			       .len = 4, .off = -1ULL));
	EXPECT_EQ(-EMSGSIZE, answer(&self->u));
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(uring, write_with_fixed_buffer)
{
	char *from = fixed[1] - 3;

	ASSERT_EQ(0, register_fixed(&self->u));
	memcpy(from, "hello world", 11);
	EXPECT_EQ(1, submit_op(&self->u, IORING_OP_WRITE_FIXED, self->tx, .addr = address(from),
			       .len = 11, .off = -1ULL));
	EXPECT_EQ(11, answer_now(&self->u));
	EXPECT_EQ(0, workers());
	EXPECT_MESSAGE("hello world", self->rx);
}

/* Poll. */

static long submit_poll(struct uring *u, int fd, __u32 events, __u32 flags)
{
	return submit_op(u, IORING_OP_POLL_ADD, fd, .poll32_events = events, .len = flags);
}

TEST_F(uring, poll_tells_what_is_there)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN | POLLRDNORM, 0));
	EXPECT_EQ(READABLE, answer_now(&self->u));
	EXPECT_EQ(1, submit_poll(&self->u, self->tx, POLLOUT, 0));
	EXPECT_EQ(POLLOUT, answer_now(&self->u));
}

TEST_F(uring, poll_tells_a_message)
{
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, 0));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(POLLIN, answer(&self->u));
	EXPECT_EQ(1, info_of(self->rx).depth);
	EXPECT_EQ(0, workers());
}

TEST_F(uring, poll_tells_a_slot)
{
	fill_lane(self->tx, 0);
	EXPECT_EQ(1, submit_poll(&self->u, self->tx, POLLOUT, 0));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(POLLOUT, answer(&self->u));
}

TEST_F(uring, poll_tells_the_end)
{
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, 0));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLERR | POLLHUP, answer(&self->u) & ~POLLIN);
}

TEST_F(uring, poll_is_silent_about_other_lanes)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, 0));
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(POLLIN, answer(&self->u));
}

TEST_F(uring, multishot_poll_tells_each_message)
{
	struct io_uring_cqe cqe;
	int i;

	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, IORING_POLL_ADD_MULTI));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(1, put_text(self->tx, "x"));
		ASSERT_TRUE(wait_until(answered(&self->u, &cqe))) {
			TH_LOG("message %d", i);
		}
		EXPECT_EQ(POLLIN, cqe.res);
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		EXPECT_MESSAGE("x", self->rx);
		EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	}
	EXPECT_EQ(0, workers());
}

TEST_F(uring, multishot_poll_tells_each_slot)
{
	int i;

	fill_lane(self->tx, 0);
	EXPECT_EQ(1, submit_poll(&self->u, self->tx, POLLOUT, IORING_POLL_ADD_MULTI));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	for (i = 0; i < 10; i++) {
		EXPECT_MESSAGE("fill", self->rx);
		ASSERT_EQ(POLLOUT, answer(&self->u)) {
			TH_LOG("slot %d", i);
		}
		EXPECT_EQ(0, send_on(self->tx, 0, "fill"));
	}
}

TEST_F(uring, multishot_poll_is_silent_about_other_lanes)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, IORING_POLL_ADD_MULTI));
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_EQ(NO_ANSWER, answer_now(&self->u));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(POLLIN, answer(&self->u));
}

TEST_F(uring, multishot_poll_tells_the_end)
{
	EXPECT_EQ(1, submit_poll(&self->u, self->rx, POLLIN, IORING_POLL_ADD_MULTI));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(POLLIN, answer(&self->u));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(POLLERR | POLLHUP, answer(&self->u) & ~POLLIN);
}

TEST_F(uring, reads_in_a_loop_receive_all)
{
	int n = 500, i;
	pid_t child;
	char in[8];

	child = spawn();
	if (!child) {
		for (i = 0; i < n; i++)
			if (put_text(self->tx, "x") != 1)
				leave(1);
		leave(0);
	}
	for (i = 0; i < n; i++) {
		ASSERT_EQ(1, submit_read(&self->u, self->rx, in, sizeof(in)));
		ASSERT_EQ(1, answer(&self->u)) {
			TH_LOG("message %d", i);
		}
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(0, workers());
}

TEST_HARNESS_MAIN
