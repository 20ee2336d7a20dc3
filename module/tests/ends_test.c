// SPDX-License-Identifier: GPL-2.0-only
/* Who holds which end of a direct port. */

#include "../ends.c"
#include "test.h"

#define SEND	MAILBOX_END_SEND
#define RECEIVE	MAILBOX_END_RECEIVE
#define ONE	7
#define TWO	9

static void join(struct kunit *test, struct mailbox_ends *ends, u32 id, unsigned int flags)
{
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(ends, flags), 0);
	mailbox_ends_join(ends, id, flags);
}

static void expect(struct kunit *test, const struct mailbox_ends *ends, u32 sender, u32 receiver)
{
	KUNIT_EXPECT_EQ(test, ends->sender, sender);
	KUNIT_EXPECT_EQ(test, ends->receiver, receiver);
}

static void at_first_nobody_is_there_and_nobody_has_gone(struct kunit *test)
{
	struct mailbox_ends ends = {};

	KUNIT_EXPECT_EQ(test, mailbox_ends_init(&ends, 0), 0);
	expect(test, &ends, 0, 0);
	KUNIT_EXPECT_FALSE(test, ends.sender_gone || ends.receiver_gone || ends.unread);
	mailbox_ends_destroy(&ends);
}

static void who_opens_for_one_direction_holds_that_end(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_WRONLY);
	expect(test, &ends, ONE, 0);
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_WRONLY), -EBUSY);
	join(test, &ends, TWO, O_RDONLY);
	expect(test, &ends, ONE, TWO);
}

static void there_is_room_for_two(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_RDWR);
	join(test, &ends, TWO, O_RDWR);
	expect(test, &ends, 0, 0);
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDWR), -EBUSY);
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDONLY), -EBUSY);
	mailbox_ends_leave(&ends, ONE);
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDWR), 0);
	KUNIT_EXPECT_FALSE(test, ends.sender_gone || ends.receiver_gone);
}

static void the_first_use_decides_for_both(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_RDWR);
	join(test, &ends, TWO, O_RDWR);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, TWO, SEND), 0);
	expect(test, &ends, TWO, ONE);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, TWO, SEND), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, TWO, RECEIVE), -EBUSY);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, ONE, SEND), -EBUSY);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, ONE, RECEIVE), 0);
}

static void who_comes_later_has_what_is_left(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_RDWR);
	join(test, &ends, TWO, O_RDONLY);
	expect(test, &ends, ONE, TWO);
	mailbox_ends_leave(&ends, ONE);
	expect(test, &ends, 0, TWO);
	join(test, &ends, ONE, O_RDWR);
	expect(test, &ends, ONE, TWO);
}

static void alone_it_keeps_to_its_end(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_RDWR);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, ONE, RECEIVE), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ends_take(&ends, ONE, SEND), -EBUSY);
	expect(test, &ends, 0, ONE);
}

static void an_end_is_gone_until_another_holds_it(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, ONE, O_WRONLY);
	join(test, &ends, TWO, O_RDONLY);
	mailbox_ends_leave(&ends, ONE);
	KUNIT_EXPECT_TRUE(test, ends.sender_gone);
	KUNIT_EXPECT_FALSE(test, ends.receiver_gone);
	join(test, &ends, ONE, O_WRONLY);
	KUNIT_EXPECT_FALSE(test, ends.sender_gone);
	mailbox_ends_leave(&ends, TWO);
	KUNIT_EXPECT_TRUE(test, ends.receiver_gone);
	join(test, &ends, TWO, O_RDWR);
	KUNIT_EXPECT_FALSE(test, ends.receiver_gone);
}

static void only_a_sender_that_is_there_is_told_of_unread_messages(struct kunit *test)
{
	struct mailbox_ends ends = {};

	join(test, &ends, TWO, O_RDONLY);
	mailbox_ends_leave(&ends, TWO);
	KUNIT_EXPECT_FALSE(test, ends.unread);
	join(test, &ends, ONE, O_WRONLY);
	join(test, &ends, TWO, O_RDONLY);
	mailbox_ends_leave(&ends, TWO);
	KUNIT_EXPECT_TRUE(test, ends.unread);
	join(test, &ends, TWO, O_RDONLY);
	KUNIT_EXPECT_FALSE(test, ends.unread);
	mailbox_ends_leave(&ends, TWO);
	mailbox_ends_leave(&ends, ONE);
	KUNIT_EXPECT_FALSE(test, ends.unread);
}

/* A case runs in a kernel thread, and init is another process. */
static void a_port_may_be_for_two_processes_alone(struct kunit *test)
{
	struct mailbox_ends ends = {};
	struct pid *creator;

	KUNIT_ASSERT_EQ(test, mailbox_ends_init(&ends, 1), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDWR), 0);
	creator = ends.creator;
	ends.creator = NULL;
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDWR), -EPERM);
	ends.creator = ends.peer;
	ends.peer = creator;
	KUNIT_EXPECT_EQ(test, mailbox_ends_admit(&ends, O_RDWR), 0);
	mailbox_ends_destroy(&ends);
}

static void a_peer_must_be_there(struct kunit *test)
{
	struct mailbox_ends ends = {};

	KUNIT_EXPECT_EQ(test, mailbox_ends_init(&ends, PID_MAX_LIMIT + 1), -ESRCH);
	KUNIT_EXPECT_EQ(test, mailbox_ends_init(&ends, U32_MAX), -ESRCH);
}

static struct kunit_case ends_cases[] = {
	KUNIT_CASE(at_first_nobody_is_there_and_nobody_has_gone),
	KUNIT_CASE(who_opens_for_one_direction_holds_that_end),
	KUNIT_CASE(there_is_room_for_two),
	KUNIT_CASE(the_first_use_decides_for_both),
	KUNIT_CASE(who_comes_later_has_what_is_left),
	KUNIT_CASE(alone_it_keeps_to_its_end),
	KUNIT_CASE(an_end_is_gone_until_another_holds_it),
	KUNIT_CASE(only_a_sender_that_is_there_is_told_of_unread_messages),
	KUNIT_CASE(a_port_may_be_for_two_processes_alone),
	KUNIT_CASE(a_peer_must_be_there),
	{}
};

static struct kunit_suite ends_suite = {
	.name = "mailbox_ends",
	.test_cases = ends_cases,
};

kunit_test_suite(ends_suite);
