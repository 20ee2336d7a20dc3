// SPDX-License-Identifier: GPL-2.0-only
/* Memory per uid. */

#include "../quota.c"
#include "test.h"

#define LIMIT	1000UL

static const kuid_t alice = KUIDT_INIT(60001), bob = KUIDT_INIT(60002);

/* As a user who must keep to the limit; a case itself is root. */
static int charge(kuid_t uid, u64 bytes)
{
	const struct cred *before = mailbox_test_become(__kuid_val(uid));
	int err = mailbox_quota_charge(uid, bytes);

	mailbox_test_return(before);
	return err;
}

/* What a failing case believes to be charged may not be. */
static void give_back(kuid_t uid, u64 bytes)
{
	bytes = min(bytes, mailbox_quota_used(uid));
	if (bytes)
		mailbox_quota_uncharge(uid, bytes);
}

static void a_user_starts_with_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
}

static void charges_add_up_and_are_given_back(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, 100), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, 30), 0);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 130);
	give_back(alice, 100);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 30);
	give_back(alice, 30);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
}

static void the_limit_itself_is_allowed(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), LIMIT);
	give_back(alice, LIMIT);
}

static void the_limit_may_be_reached_in_steps(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT - 1), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), 0);
	give_back(alice, LIMIT);
}

static void one_byte_more_than_the_limit_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT + 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), -EDQUOT);
	give_back(alice, LIMIT);
}

static void a_refused_charge_changes_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT + 1), -EDQUOT);
	KUNIT_EXPECT_TRUE(test, list_empty(&mailbox_users));
	KUNIT_EXPECT_EQ(test, charge(alice, 400), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, 601), -EDQUOT);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 400);
	give_back(alice, 400);
}

static void what_is_given_back_can_be_used_again(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT), 0);
	give_back(alice, 10);
	KUNIT_EXPECT_EQ(test, charge(alice, 11), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charge(alice, 10), 0);
	give_back(alice, LIMIT);
}

static void the_largest_number_is_refused_without_overflow(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, U64_MAX), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, U64_MAX), -EDQUOT);
	give_back(alice, 1);
}

static void each_user_has_the_whole_limit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, charge(bob, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, charge(bob, 1), -EDQUOT);
	give_back(alice, LIMIT);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(bob), LIMIT);
	give_back(bob, LIMIT);
}

static void a_user_without_a_charge_takes_no_memory(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, 5), 0);
	KUNIT_EXPECT_EQ(test, charge(bob, 5), 0);
	give_back(alice, 5);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&mailbox_users));
	give_back(bob, 5);
	KUNIT_EXPECT_TRUE(test, list_empty(&mailbox_users));
}

static void cap_sys_resource_goes_beyond_the_limit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_quota_charge(alice, LIMIT + 500), 0);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), LIMIT + 500);
	KUNIT_EXPECT_EQ(test, mailbox_quota_charge(alice, 1), 0);
	give_back(alice, LIMIT + 501);
}

static void beyond_the_limit_every_other_charge_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_quota_charge(alice, LIMIT + 500), 0);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), -EDQUOT);
	give_back(alice, 500);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), -EDQUOT);
	give_back(alice, 1);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), 0);
	give_back(alice, LIMIT);
}

static void a_lower_limit_takes_nothing_away(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, charge(alice, 800), 0);
	WRITE_ONCE(mailbox_max_user_bytes, 300);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 800);
	KUNIT_EXPECT_EQ(test, charge(alice, 1), -EDQUOT);
	give_back(alice, 600);
	KUNIT_EXPECT_EQ(test, charge(alice, 100), 0);
	give_back(alice, 300);
}

static unsigned long limit_before;

static int quota_init(struct kunit *test)
{
	limit_before = mailbox_max_user_bytes;
	mailbox_max_user_bytes = LIMIT;
	return 0;
}

static void quota_exit(struct kunit *test)
{
	give_back(alice, U64_MAX);
	give_back(bob, U64_MAX);
	mailbox_max_user_bytes = limit_before;
}

static struct kunit_case quota_cases[] = {
	KUNIT_CASE(a_user_starts_with_nothing),
	KUNIT_CASE(charges_add_up_and_are_given_back),
	KUNIT_CASE(the_limit_itself_is_allowed),
	KUNIT_CASE(the_limit_may_be_reached_in_steps),
	KUNIT_CASE(one_byte_more_than_the_limit_is_refused),
	KUNIT_CASE(a_refused_charge_changes_nothing),
	KUNIT_CASE(what_is_given_back_can_be_used_again),
	KUNIT_CASE(the_largest_number_is_refused_without_overflow),
	KUNIT_CASE(each_user_has_the_whole_limit),
	KUNIT_CASE(a_user_without_a_charge_takes_no_memory),
	KUNIT_CASE(cap_sys_resource_goes_beyond_the_limit),
	KUNIT_CASE(beyond_the_limit_every_other_charge_is_refused),
	KUNIT_CASE(a_lower_limit_takes_nothing_away),
	{}
};

static struct kunit_suite quota_suite = {
	.name = "mailbox_quota",
	.init = quota_init,
	.exit = quota_exit,
	.test_cases = quota_cases,
};

kunit_test_suite(quota_suite);
