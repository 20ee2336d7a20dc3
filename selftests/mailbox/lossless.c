// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing is lost on failure, and nothing is used up by it.
 */
#include <stdatomic.h>

#include "stuck.h"

/* The same tests for messages of several sizes: short ones go another way. */
FIXTURE(sized)
{
	char name[MAILBOX_NAME_SIZE];
	int tx;
	int rx;
	int both;
	size_t n;
	unsigned char *out;
	unsigned char *in;
};

FIXTURE_VARIANT(sized)
{
	size_t n;
};

FIXTURE_VARIANT_ADD(sized, bytes_1) { .n = 1 };
FIXTURE_VARIANT_ADD(sized, bytes_64) { .n = 64 };
FIXTURE_VARIANT_ADD(sized, bytes_65) { .n = 65 };
FIXTURE_VARIANT_ADD(sized, bytes_4096) { .n = 4096 };
FIXTURE_VARIANT_ADD(sized, bytes_8192) { .n = 8192 };
FIXTURE_VARIANT_ADD(sized, bytes_300001) { .n = 300001 };

#define SLOTS 4

FIXTURE_SETUP(sized)
{
	strcpy(self->name, port_name("sized"));
	self->n = variant->n;
	self->both = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			    .message_size = self->n + 100, .capacity = SLOTS);
	ASSERT_LE(0, self->both);
	self->tx = open_port(self->name, O_WRONLY);
	ASSERT_LE(0, self->tx);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
	self->out = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE);
	self->in = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(sized)
{
	close(self->both);
	close(self->tx);
	close(self->rx);
}

/* Sends the pattern of @seed. */
#define SEND_PATTERN(seed) do {						\
	write_pattern(self->out, self->n, seed);			\
	ASSERT_EQ(self->n, put(self->tx, self->out, self->n));		\
} while (0)

/* Receives it by another endpoint than the one that failed, without waiting. */
#define EXPECT_PATTERN(seed) do {					\
	memset(self->in, POISON, self->n);				\
	EXPECT_EQ(self->n, receive_until(self->both, self->in, self->n, MAILBOX_NO_WAIT)); \
	EXPECT_TRUE(has_pattern(self->in, self->n, seed));		\
} while (0)

/* Two messages are there; one receive has failed; both come in order. */
#define EXPECT_ALL_KEPT() do {						\
	EXPECT_EQ(2, info_of(self->both).depth);			\
	EXPECT_EQ(0, info_of(self->both).messages_received);		\
	SEND_PATTERN(3);						\
	EXPECT_PATTERN(1);						\
	EXPECT_PATTERN(2);						\
	EXPECT_PATTERN(3);						\
	EXPECT_NO_MESSAGE(self->both);					\
	EXPECT_EQ(3, info_of(self->both).messages_received);		\
} while (0)

/* @n bytes that start in a page that is there and end beyond it (or at its end). */
static unsigned char *half_there(size_t n)
{
	size_t size = (n / 4096 + 3) * 4096;
	unsigned char *p = pages(size / 4096, PROT_READ | PROT_WRITE);

	memset(p, POISON, size);
	munmap(p + 4096, size - 4096);
	return p + 4096 - n / 2 % 4096;
}

/* Receive. */

TEST_F(sized, read_into_a_bad_pointer_is_efault_and_keeps_the_message)
{
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), self->n));
	EXPECT_EQ(-EFAULT, get(self->rx, NULL, self->n));
	EXPECT_EQ(2, info_of(self->both).redelivered);
	EXPECT_ALL_KEPT();
}

TEST_F(sized, read_into_kernel_memory_is_efault_and_keeps_the_message)
{
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, get(self->rx, (void *)0xffff888000000000UL, self->n));
	EXPECT_EQ(-EFAULT, get(self->rx, (void *)0x00007ffffffff000UL, self->n));
	EXPECT_EQ(-EFAULT, get(self->rx, (void *)-8UL, self->n));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, readv_into_a_bad_pointer_is_efault_and_keeps_the_message)
{
	struct iovec iov[] = { { self->in, self->n / 2 }, { nowhere(), self->n } };
	struct iovec first[] = { { nowhere(), self->n }, { self->in, self->n } };

	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, result(readv(self->rx, iov, 2)));
	EXPECT_EQ(-EFAULT, result(readv(self->rx, first, 2)));
	EXPECT_EQ(-EFAULT, result(readv(self->rx, first, 1)));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, receive_into_a_bad_pointer_is_efault_and_keeps_the_message)
{
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, receive_until(self->rx, nowhere(), self->n, MAILBOX_NO_WAIT));
	EXPECT_EQ(-EFAULT, receive_until(self->rx, nowhere(), self->n, MAILBOX_FOREVER));
	EXPECT_ALL_KEPT();
}

/* So much of the structure a receive fills in. */
#define TOLD	offsetof(struct mailbox_message, index)

TEST_F(sized, receive_with_a_bad_structure_is_efault_and_keeps_the_message)
{
	char *edge = before_the_edge(TOLD - 1);
	struct mailbox_message m = message(.data = address(self->in), .length = self->n);

	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, nowhere()));
	EXPECT_EQ(-EFAULT, receive_message(self->rx, NULL));
	memcpy(edge, &m, TOLD - 1);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, (void *)edge));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, receive_with_a_read_only_structure_is_efault_and_keeps_the_message)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);

	SEND_PATTERN(1);
	SEND_PATTERN(2);
	*m = message(.data = address(self->in), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, m));
	EXPECT_ALL_KEPT();
}

/* A structure over two pages, of which the second may not be written: answers are there. */
TEST_F(sized, receive_with_a_half_read_only_structure_is_efault_and_keeps_the_message)
{
	char *p = pages(2, PROT_READ | PROT_WRITE);
	struct mailbox_message *m = (void *)(p + getpagesize() - 40);

	SEND_PATTERN(1);
	SEND_PATTERN(2);
	*m = message(.data = address(self->in), .length = self->n);
	mprotect(p + getpagesize(), getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, m));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, short_buffer_is_emsgsize_and_keeps_the_message)
{
	struct mailbox_message m;

	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EMSGSIZE, get(self->rx, self->in, self->n - 1));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, self->in, 0));
	m = message(.data = address(self->in), .length = self->n - 1);
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(self->n, m.length);
	EXPECT_ALL_KEPT();
}

/* Nothing was looked at but the length: the pointer does not matter yet. */
TEST_F(sized, short_and_bad_buffer_is_emsgsize)
{
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EMSGSIZE, get(self->rx, nowhere(), self->n - 1));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, buffer_whose_second_page_is_not_mapped_is_efault_and_keeps_the_message)
{
	unsigned char *half = half_there(self->n);

	if (self->n < 2)
		half = nowhere();
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, get(self->rx, half, self->n));
	EXPECT_EQ(-EFAULT, receive_until(self->rx, half, self->n, MAILBOX_NO_WAIT));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, read_only_buffer_is_efault_and_keeps_the_message)
{
	unsigned char *p = pages(self->n / 4096 + 1, PROT_READ | PROT_WRITE);
	struct iovec iov[] = { { p, self->n / 2 }, { p + self->n / 2, self->n } };

	memset(p, POISON, self->n);
	mprotect(p, self->n, PROT_READ);
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, get(self->rx, p, self->n));
	EXPECT_EQ(-EFAULT, result(readv(self->rx, iov, 2)));
	EXPECT_EQ(-EFAULT, receive_until(self->rx, p, self->n, MAILBOX_NO_WAIT));
	EXPECT_EQ(POISON, p[0]);
	EXPECT_EQ(POISON, p[self->n - 1]);
	EXPECT_ALL_KEPT();
}

TEST_F(sized, receiver_that_failed_may_try_again)
{
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), self->n));
	EXPECT_EQ(self->n, get(self->rx, self->in, self->n));
	EXPECT_TRUE(has_pattern(self->in, self->n, 1));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), self->n));
	EXPECT_EQ(self->n, get(self->rx, self->in, self->n));
	EXPECT_TRUE(has_pattern(self->in, self->n, 2));
	EXPECT_NO_MESSAGE(self->both);
}

TEST_F(sized, failed_receives_do_not_eat_capacity)
{
	unsigned int seed = 1, i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < SLOTS; i++)
			SEND_PATTERN(seed + i);
		for (i = 0; i < 20; i++)
			EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), self->n));
		EXPECT_EQ(-EAGAIN, send_until(self->tx, "", MAILBOX_NO_WAIT));
		EXPECT_EQ(SLOTS, info_of(self->both).depth);
		for (i = 0; i < SLOTS; i++)
			EXPECT_PATTERN(seed + i);
		EXPECT_EQ(0, info_of(self->both).depth);
		seed += SLOTS;
	}
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/* A message that nobody could store is still in front of those sent later. */
TEST_F(sized, message_in_every_slot_fails_once_and_all_come_in_order)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		SEND_PATTERN(i);
	for (i = 0; i < 3 * SLOTS; i++) {
		EXPECT_EQ(-EFAULT, get(i % 2 ? self->rx : self->both, nowhere(), self->n));
		EXPECT_PATTERN(i);
		SEND_PATTERN(i + SLOTS);
	}
	for (; i < 4 * SLOTS; i++)
		EXPECT_PATTERN(i);
}

/* Memory that is fine, but takes a page fault. */

TEST_F(sized, read_into_fresh_pages)
{
	unsigned char *p = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE);

	SEND_PATTERN(1);
	EXPECT_EQ(self->n, get(self->rx, p, self->n));
	EXPECT_TRUE(has_pattern(p, self->n, 1));
	EXPECT_EQ(0, info_of(self->both).depth);
	EXPECT_EQ(0, info_of(self->both).redelivered);
}

TEST_F(sized, receive_into_fresh_pages_across_a_boundary)
{
	unsigned char *p = pages(self->n / 4096 + 3, PROT_READ | PROT_WRITE) + 4096 - 3;

	SEND_PATTERN(1);
	EXPECT_EQ(self->n, receive_until(self->rx, p, self->n, MAILBOX_NO_WAIT));
	EXPECT_TRUE(has_pattern(p, self->n, 1));
	EXPECT_EQ(0, info_of(self->both).redelivered);
}

TEST_F(sized, readv_into_fresh_pages)
{
	unsigned char *a = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE) + 4096 - 1;
	unsigned char *b = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE) + 7;
	size_t half = self->n / 2;
	struct iovec iov[] = { { a, half }, { b, self->n - half } };

	SEND_PATTERN(1);
	EXPECT_EQ(self->n, result(readv(self->rx, iov, 2)));
	memcpy(self->in, a, half);
	memcpy(self->in + half, b, self->n - half);
	EXPECT_TRUE(has_pattern(self->in, self->n, 1));
	EXPECT_EQ(0, info_of(self->both).depth);
}

TEST_F(sized, write_from_pages_never_touched_sends_zeros)
{
	unsigned char *p = pages(self->n / 4096 + 2, PROT_READ | PROT_WRITE);
	size_t i;

	EXPECT_EQ(self->n, put(self->tx, p, self->n));
	EXPECT_EQ(self->n, get(self->rx, self->in, self->n));
	for (i = 0; i < self->n && !self->in[i]; i++)
		;
	EXPECT_EQ(self->n, i);
}

/* After a fork the first store to a private page makes a copy. */
TEST_F(sized, read_after_fork_into_a_copy_on_write_page)
{
	pid_t child;

	memset(self->in, POISON, self->n);
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	child = spawn();
	if (!child) {
		if (get(self->rx, self->in, self->n) != self->n)
			leave(1);
		leave(has_pattern(self->in, self->n, 1) ? 0 : 2);
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(POISON, self->in[0]);
	EXPECT_EQ(POISON, self->in[self->n - 1]);
	EXPECT_EQ(0, info_of(self->both).redelivered);
	EXPECT_PATTERN(2);
}

TEST_F(sized, receive_after_fork_with_a_copy_on_write_structure)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	pid_t child;

	*m = message(.data = address(self->in), .length = self->n);
	memset(self->in, POISON, self->n);
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	child = spawn();
	if (!child) {
		if (receive_message(self->rx, m))
			leave(1);
		if (m->length != self->n || m->sender != info_of(self->tx).endpoint ||
		    m->ticket)
			leave(2);
		leave(has_pattern(self->in, self->n, 1) ? 0 : 3);
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(0xa5a5a5a5, m->sender);
	EXPECT_EQ(0, info_of(self->both).redelivered);
	EXPECT_PATTERN(2);
}

/* The answer is stored up to there, and then once more: what was asked must not be lost by that. */
TEST_F(sized, receive_after_fork_with_half_a_structure_copy_on_write)
{
	unsigned char *p = pages(2, PROT_READ | PROT_WRITE) + 4096;
	struct mailbox_message *m = (void *)(p - offsetof(struct mailbox_message, sender));
	pid_t child;

	*m = message(.data = address(self->in), .length = self->n + 50);
	SEND_PATTERN(1);
	child = spawn();
	if (!child) {
		memset(self->in, POISON, self->n);
		p[-1]++;	/* a copy of the first page, not of the second */
		if (receive_message(self->rx, m))
			leave(1);
		if (m->length != self->n || m->sender != info_of(self->tx).endpoint ||
		    m->flags != MAILBOX_MSG_TRUSTED)
			leave(2);
		leave(has_pattern(self->in, self->n, 1) ? 0 : 3);
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(0, info_of(self->both).redelivered);
	EXPECT_NO_MESSAGE(self->both);
}

TEST_F(sized, send_after_fork_with_a_copy_on_write_structure)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	pid_t child;

	write_pattern(self->out, self->n, 1);
	*m = message(.data = address(self->out), .length = self->n);
	child = spawn();
	if (!child) {
		long ret = send_message(self->tx, m);

		leave(ret ? ret : m->ticket > 3);
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(1, info_of(self->both).depth);
	EXPECT_EQ(1, info_of(self->both).messages_sent);
	EXPECT_PATTERN(1);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/*
 * Somebody does something to the pages of the buffer while a call is at work:
 * a few times for each, since a call tries until it finds all of them there.
 */
#define MISCHIEFS	3

struct thief {
	pthread_t thread;
	unsigned char *p;
	size_t size;
	void (*mischief)(unsigned char *p, size_t size);
	atomic_int left;	/* how often it may; negative: the end */
};

static void *thief_main(void *arg)
{
	struct thief *t = arg;
	int left;

	while ((left = atomic_load(&t->left)) >= 0) {
		if (!left) {
			sched_yield();
			continue;
		}
		t->mischief(t->p, t->size);
		atomic_compare_exchange_strong(&t->left, &left, left - 1);
	}
	return NULL;
}

static bool thief_starts(struct thief *t, size_t n)
{
	t->size = (n / 4096 + 1) * 4096;
	t->p = pages(t->size / 4096, PROT_READ | PROT_WRITE);
	return !pthread_create(&t->thread, NULL, thief_main, t);
}

static void thief_ends(struct thief *t)
{
	atomic_store(&t->left, -1);
	pthread_join(t->thread, NULL);
}

static void take_away(unsigned char *p, size_t size)
{
	madvise(p, size, MADV_DONTNEED);
}

static void protect_for_a_moment(unsigned char *p, size_t size)
{
	mprotect(p, size, PROT_NONE);
	mprotect(p, size, PROT_READ | PROT_WRITE);
}

TEST_F(sized, buffer_whose_pages_are_taken_away_meanwhile)
{
	struct thief t = { .mischief = take_away };
	int i, rounds = self->n > 10000 ? 30 : 300;

	write_pattern(self->out, self->n, 1);
	ASSERT_TRUE(thief_starts(&t, self->n));
	for (i = 0; i < rounds; i++) {
		/* One way the bytes may become zeros under our hands; none may be lost. */
		ASSERT_EQ(self->n, put(self->tx, self->out, self->n));
		atomic_store(&t.left, MISCHIEFS);
		ASSERT_EQ(self->n, get(self->rx, t.p, self->n));
		atomic_store(&t.left, MISCHIEFS);
		ASSERT_EQ(self->n, put(self->tx, t.p, self->n));
		ASSERT_EQ(self->n, get(self->rx, self->in, self->n));
	}
	thief_ends(&t);
	EXPECT_EQ(2 * rounds, info_of(self->both).messages_received);
	EXPECT_EQ(0, info_of(self->both).depth);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/* Each receive gets it whole or leaves it. */
TEST_F(sized, buffer_that_is_protected_now_and_then_loses_nothing)
{
	struct thief t = { .mischief = protect_for_a_moment };
	int i, failed = 0, rounds = self->n > 10000 ? 30 : 300;
	long ret;

	ASSERT_TRUE(thief_starts(&t, self->n));
	for (i = 0; i < rounds; i++) {
		SEND_PATTERN(i);
		atomic_store(&t.left, MISCHIEFS);
		ret = get(self->rx, t.p, self->n);
		if (ret == -EFAULT) {
			failed++;
			EXPECT_PATTERN(i);
		} else {
			ASSERT_EQ(self->n, ret);
		}
		ASSERT_EQ(0, info_of(self->both).depth);
	}
	thief_ends(&t);
	EXPECT_EQ(failed, info_of(self->both).redelivered);
	EXPECT_EQ(rounds, info_of(self->both).messages_received);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/* Send. */

TEST_F(sized, send_from_a_bad_pointer_is_efault_and_sends_nothing)
{
	struct iovec iov[] = { { self->out, self->n / 2 }, { nowhere(), self->n - self->n / 2 } };
	unsigned char *half = half_there(self->n);

	EXPECT_EQ(-EFAULT, put(self->tx, nowhere(), self->n));
	EXPECT_EQ(-EFAULT, put(self->tx, NULL, self->n));
	EXPECT_EQ(-EFAULT, put(self->tx, (void *)0xffff888000000000UL, self->n));
	EXPECT_EQ(-EFAULT, result(writev(self->tx, iov, 2)));
	EXPECT_EQ(-EFAULT, result(writev(self->tx, iov + 1, 1)));
	if (self->n > 1)
		EXPECT_EQ(-EFAULT, put(self->tx, half, self->n));
	EXPECT_EQ(0, info_of(self->both).depth);
	EXPECT_EQ(0, info_of(self->both).messages_sent);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(sized, send_with_a_bad_data_pointer_is_efault_and_sends_nothing)
{
	struct mailbox_message m = message(.data = address(nowhere()), .length = self->n);

	EXPECT_EQ(-EFAULT, send_message(self->tx, &m));
	EXPECT_EQ(0, info_of(self->both).messages_sent);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(sized, send_with_a_bad_structure_is_efault_and_sends_nothing)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);

	EXPECT_EQ(-EFAULT, send_message(self->tx, nowhere()));
	EXPECT_EQ(-EFAULT, send_message(self->tx, NULL));
	/* The ticket could not be told. */
	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, send_message(self->tx, m));
	EXPECT_EQ(0, info_of(self->both).messages_sent);
	EXPECT_EQ(0, info_of(self->both).depth);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(sized, failed_sends_do_not_eat_capacity)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	unsigned char *half = half_there(self->n);
	unsigned int i;

	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	for (i = 0; i < 100; i++) {
		struct iovec iov[] = { { self->out, self->n / 2 }, { nowhere(), self->n } };

		iov[1].iov_len = self->n - self->n / 2;
		EXPECT_EQ(-EFAULT, put(self->tx, nowhere(), self->n));
		EXPECT_EQ(-EFAULT, send_message(self->tx, m));
		EXPECT_EQ(-EFAULT, result(writev(self->tx, iov, 2)));
		if (self->n > 1)
			EXPECT_EQ(-EFAULT, put(self->tx, half, self->n));
	}
	for (i = 0; i < SLOTS; i++)
		SEND_PATTERN(i);
	EXPECT_EQ(-EAGAIN, send_until(self->tx, "", MAILBOX_NO_WAIT));
	EXPECT_EQ(SLOTS, info_of(self->both).messages_sent);
	for (i = 0; i < SLOTS; i++)
		EXPECT_PATTERN(i);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/* A failed send between good ones is not seen. */
TEST_F(sized, failed_sends_leave_no_gap_in_the_order)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	unsigned int i;

	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	for (i = 0; i < 10; i++) {
		SEND_PATTERN(2 * i);
		EXPECT_EQ(-EFAULT, send_message(self->tx, m));
		SEND_PATTERN(2 * i + 1);
		EXPECT_PATTERN(2 * i);
		EXPECT_PATTERN(2 * i + 1);
		EXPECT_EQ(-EFAULT, send_message(self->tx, m));
		EXPECT_NO_MESSAGE(self->rx);
	}
}

TEST_F(sized, failed_sends_behind_a_message_do_not_eat_capacity)
{
	unsigned char *half = half_there(self->n);
	unsigned int i;

	SEND_PATTERN(0);
	for (i = 0; i < 20; i++) {
		struct mailbox_message m = message(.data = address(nowhere()),
						   .length = self->n);

		EXPECT_EQ(-EFAULT, put(self->tx, nowhere(), self->n));
		EXPECT_EQ(-EFAULT, send_message(self->tx, &m));
		if (self->n > 1)
			EXPECT_EQ(-EFAULT, put(self->tx, half, self->n));
	}
	for (i = 1; i < SLOTS; i++)
		SEND_PATTERN(i);
	for (i = 0; i < SLOTS; i++)
		EXPECT_PATTERN(i);
}

/*
 * A structure that cannot be written shows only after a slot was claimed. What
 * that costs comes back when the message in front goes.
 */
TEST_F(sized, failed_sends_with_a_bad_structure_cost_no_message_and_no_slot_for_long)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	unsigned int i;
	long ret;

	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	SEND_PATTERN(0);
	for (i = 0; i < 20; i++) {
		ret = send_message(self->tx, m);
		EXPECT_TRUE(ret == -EFAULT || ret == -EAGAIN);
	}
	EXPECT_EQ(1, info_of(self->both).depth);
	EXPECT_EQ(1, info_of(self->both).messages_sent);
	EXPECT_PATTERN(0);
	for (i = 0; i < SLOTS; i++)
		SEND_PATTERN(i);
	for (i = 0; i < SLOTS; i++)
		EXPECT_PATTERN(i);
}

/* A sender may sleep for a slot that failed sends hold: it must be woken. */
TEST_F(sized, sender_behind_failed_sends_is_woken_when_the_message_in_front_goes)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	pid_t child;
	int i;

	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	SEND_PATTERN(0);
	for (i = 0; i < 20; i++)
		send_message(self->tx, m);
	child = spawn();
	if (!child) {
		for (i = 0; i < SLOTS; i++)
			if (put(self->tx, self->out, self->n) != self->n)
				leave(1);
		leave(0);
	}
	EXPECT_TRUE(wait_senders(self->both, 1));
	EXPECT_PATTERN(0);
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(SLOTS, info_of(self->both).depth);
}

/* Full, and the pointer is bad: whatever it says, a free slot changes nothing. */
TEST_F(sized, bad_send_to_a_full_port_is_efault_or_eagain)
{
	long ret;

	set_nonblock(self->tx, true);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
	ret = put(self->tx, nowhere(), self->n);
	EXPECT_TRUE(ret == -EFAULT || ret == -EAGAIN);
	EXPECT_EQ(SLOTS, info_of(self->both).depth);
}

/* Receivers asleep are not disturbed by sends that fail, and not forgotten after. */
TEST_F(sized, failed_sends_do_not_confuse_a_sleeping_receiver)
{
	struct mailbox_message *m = pages(1, PROT_READ | PROT_WRITE);
	pid_t child;
	int i;

	*m = message(.data = address(self->out), .length = self->n);
	mprotect(m, getpagesize(), PROT_READ);
	child = spawn();
	if (!child) {
		if (get(self->rx, self->in, self->n) != self->n)
			leave(1);
		leave(has_pattern(self->in, self->n, 9) ? 0 : 2);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(-EFAULT, send_message(self->tx, m));
		EXPECT_EQ(-EFAULT, put(self->tx, nowhere(), self->n));
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	SEND_PATTERN(9);
	EXPECT_EQ(0, reap(child));
}

/* Stuck in page faults. */

TEST_F(sized, stuck_receiver_holds_nothing)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	stuck = stuck_reader(self->rx, self->n);
	ASSERT_NE(NULL, stuck);
	EXPECT_EQ(2, info_of(self->both).depth);
	EXPECT_EQ(0, info_of(self->both).messages_received);
	EXPECT_PATTERN(1);
	EXPECT_PATTERN(2);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
	EXPECT_EQ(SLOTS, info_of(self->both).depth);
	stuck->go_on = 1;
	/* Then it takes what is there now: "fill", or is too short for it. */
	EXPECT_EQ(self->n < 4 ? -EMSGSIZE : 4, reap(stuck->pid));
	EXPECT_EQ(self->n < 4 ? 4 : 3, info_of(self->both).depth);
}

TEST_F(sized, stuck_receiver_gets_its_message_in_the_end)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	stuck = stuck_reader(self->rx, self->n);
	ASSERT_NE(NULL, stuck);
	stuck->go_on = 1;
	reap(stuck->pid);
	EXPECT_EQ(self->n, stuck->ret);
	EXPECT_TRUE(has_pattern(stuck->data, self->n < 64 ? self->n : 64, 1));
	EXPECT_EQ(0, info_of(self->both).redelivered);
	EXPECT_PATTERN(2);
	EXPECT_NO_MESSAGE(self->both);
}

TEST_F(sized, stuck_receiver_that_is_killed_leaves_its_message)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	stuck = stuck_reader(self->rx, self->n);
	ASSERT_NE(NULL, stuck);
	kill(stuck->pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(stuck->pid));
	EXPECT_ALL_KEPT();
	EXPECT_EQ(1, info_of(self->both).redelivered);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

TEST_F(sized, stuck_receiver_that_is_interrupted_leaves_its_message)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	SEND_PATTERN(1);
	SEND_PATTERN(2);
	stuck = stuck_reader(self->rx, self->n);
	ASSERT_NE(NULL, stuck);
	syscall(SYS_tgkill, stuck->pid, stuck->pid, SIGUSR1);
	stuck->go_on = 1;
	EXPECT_EQ(-EINTR, reap(stuck->pid));
	EXPECT_ALL_KEPT();
}

TEST_F(sized, sleeping_receiver_gets_what_a_stuck_one_could_not_take)
{
	struct stuck *stuck;
	pid_t child;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	/* The first in line gets the message and is stuck with it. */
	stuck = shared_pages(1);
	child = spawn();
	if (!child) {
		char *page = stuck_page(stuck, self->n);

		leave(get(self->rx, page, self->n) < 0);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	stuck->pid = child;
	child = spawn();
	if (!child) {
		if (get(self->both, self->in, self->n) != self->n)
			leave(1);
		leave(has_pattern(self->in, self->n, 7) ? 0 : 2);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	SEND_PATTERN(7);
	EXPECT_EQ(0, reap(child));
	kill(stuck->pid, SIGKILL);
	reap(stuck->pid);
	EXPECT_EQ(0, info_of(self->both).depth);
}

TEST_F(sized, stuck_sender_holds_nothing)
{
	struct stuck *stuck;
	unsigned int i;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	stuck = stuck_writer(self->tx, self->n);
	ASSERT_NE(NULL, stuck);
	for (i = 0; i < SLOTS; i++)
		SEND_PATTERN(i);
	EXPECT_EQ(-EAGAIN, send_until(self->both, "", MAILBOX_NO_WAIT));
	for (i = 0; i < SLOTS; i++)
		EXPECT_PATTERN(i);
	EXPECT_NO_MESSAGE(self->rx);
	stuck->go_on = 1;
	reap(stuck->pid);
	EXPECT_EQ(self->n, stuck->ret);
	EXPECT_EQ(1, info_of(self->both).depth);
}

TEST_F(sized, stuck_sender_that_is_killed_sends_nothing)
{
	struct stuck *stuck;

	if (!userfaultfd_works())
		SKIP(return, "no userfaultfd");
	stuck = stuck_writer(self->tx, self->n);
	ASSERT_NE(NULL, stuck);
	kill(stuck->pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(stuck->pid));
	EXPECT_EQ(0, info_of(self->both).messages_sent);
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

/* Signals without end. */

struct storm {
	volatile int ready;
	int sent;
	int received;
};

/* Counts its own messages until the end of the port; signals do not matter. */
static void storm_sender(int fd, const void *out, size_t n, int door, struct storm *storm)
{
	struct iovec iov = { (void *)out, n };
	long ret;

	for (;;) {
		struct mailbox_message m = message(.data = address(out), .length = n,
						   .deadline = MAILBOX_FOREVER);

		if (door == 0)
			ret = put(fd, out, n);
		else if (door == 1)
			ret = result(writev(fd, &iov, 1));
		else
			ret = send_message(fd, &m) ?: n;
		if (ret == -EIDRM)
			leave(0);
		if (ret == n)
			__atomic_fetch_add(&storm->sent, 1, __ATOMIC_SEQ_CST);
		else if (ret != -EINTR)
			leave(ret < 0 ? ret : 1);
	}
}

static void storm_receiver(int fd, void *in, size_t n, int door, struct storm *storm)
{
	struct iovec iov[] = { { in, n / 2 }, { in + n / 2, n - n / 2 } };
	long ret;

	for (;;) {
		memset(in, POISON, n);
		if (door == 0)
			ret = get(fd, in, n);
		else if (door == 1)
			ret = result(readv(fd, iov, 2));
		else
			ret = receive_until(fd, in, n, MAILBOX_FOREVER);
		if (ret == -EIDRM)
			leave(0);
		if (ret == n && has_pattern(in, n, 1))
			__atomic_fetch_add(&storm->received, 1, __ATOMIC_SEQ_CST);
		else if (ret != -EINTR)
			leave(ret < 0 ? ret : 1);
	}
}

TEST_F(sized, signal_storm_at_senders_and_receivers_loses_and_doubles_nothing)
{
	struct storm *storm = shared_pages(1);
	struct mailbox_info info;
	pid_t child[6];
	__u64 end;
	int i;

	write_pattern(self->out, self->n, 1);
	for (i = 0; i < 6; i++) {
		child[i] = spawn();
		if (child[i])
			continue;
		catch_signal(SIGUSR1, i % 2 ? SA_RESTART : 0);
		__atomic_fetch_add(&storm->ready, 1, __ATOMIC_SEQ_CST);
		if (i < 3)
			storm_sender(self->tx, self->out, self->n, i, storm);
		else
			storm_receiver(self->rx, self->in, self->n, i - 3, storm);
	}
	EXPECT_TRUE(wait_until(storm->ready == 6));
	end = in_ms(250);
	while (clock_ns(CLOCK_MONOTONIC) < end)
		for (i = 0; i < 6; i++)
			kill(child[i], SIGUSR1);
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, reap(child[i]));
	info = info_of(self->both);
	EXPECT_LT(0, storm->sent);
	EXPECT_EQ(storm->sent, storm->received);
	EXPECT_EQ(storm->sent, info.messages_sent);
	EXPECT_EQ(storm->received, info.messages_received);
	EXPECT_EQ(0, info.depth);
	EXPECT_EQ(0, info.messages_dropped);
}

/* Killed anywhere: the account is the port's, and whoever stays goes on. */
TEST_F(sized, killed_senders_and_receivers_leave_a_port_that_works)
{
	struct storm *storm = shared_pages(1);
	struct mailbox_info info;
	pid_t child[4];
	unsigned int round;
	int i;

	write_pattern(self->out, self->n, 1);
	for (round = 0; round < 10; round++) {
		int before = storm->sent + storm->received;

		for (i = 0; i < 4; i++) {
			child[i] = spawn();
			if (child[i])
				continue;
			if (i < 2)
				storm_sender(self->tx, self->out, self->n, i, storm);
			else
				storm_receiver(self->rx, self->in, self->n, i, storm);
		}
		EXPECT_TRUE(wait_until(storm->sent + storm->received >= before + 10));
		for (i = 0; i < 4; i++)
			kill(child[i], SIGKILL);
		for (i = 0; i < 4; i++)
			EXPECT_EQ(KILLED_BY(SIGKILL), reap(child[i]));
		info = info_of(self->both);
		EXPECT_EQ(info.messages_sent, info.messages_received + info.depth);
		/* Each of the dead may have been between its call and its count. */
		EXPECT_LE(storm->sent, info.messages_sent);
		EXPECT_GE(storm->sent + 2 * (round + 1), info.messages_sent);
		EXPECT_LE(storm->received, info.messages_received);
		EXPECT_GE(storm->received + 2 * (round + 1), info.messages_received);
		EXPECT_EQ(0, info.waiting_senders + info.waiting_receivers);
	}
	for (i = info.depth; i > 0; i--)
		EXPECT_PATTERN(1);
	EXPECT_NO_MESSAGE(self->both);
	EXPECT_EQ(SLOTS, fill_lane(self->tx, 0));
}

TEST_HARNESS_MAIN
