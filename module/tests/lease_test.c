// SPDX-License-Identifier: GPL-2.0-only
/* Leases, and the order of what comes back of them, beside a small ring. */

#include "../lease.c"
#include "test_ring.h"

/*
 * The ring comes first: what works on a ring finds it in test->priv. What the room told
 * its owner is counted.
 */
struct shop {
	struct mailbox_ring ring;
	struct mailbox_lease_room room;
	struct mailbox_leases mine;
	struct mailbox_leases yours;
	u64 sent[LANES];
	u64 own[LANES];
	atomic_t gave_back;
	atomic_t discarded;
	atomic_t returned;
	atomic_t emptied;
	atomic_t asked;
	bool buries;
	u32 had_it_last;
};

static struct shop *shop_of(struct mailbox_lease_room *room)
{
	return container_of(room, struct shop, room);
}

static void count_gave_back(struct mailbox_lease_room *room, u32 lane, u64 position)
{
	atomic_inc(&shop_of(room)->gave_back);
}

static void count_discarded(struct mailbox_lease_room *room, u32 lane, u64 position)
{
	atomic_inc(&shop_of(room)->discarded);
}

static void count_returned(struct mailbox_lease_room *room, u32 lane)
{
	atomic_inc(&shop_of(room)->returned);
}

static void count_emptied(struct mailbox_lease_room *room, u32 lane)
{
	atomic_inc(&shop_of(room)->emptied);
}

static const struct mailbox_lease_owner shop_owner = {
	.gives_back = count_gave_back,
	.discards = count_discarded,
	.returned = count_returned,
	.emptied = count_emptied,
};

static int shop_init(struct kunit *test)
{
	struct shop *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return -ENOMEM;
	err = mailbox_ring_init(&s->ring, MESSAGE_SIZE, CAPACITY, LANES);
	if (err)
		return err;
	mailbox_lease_room_init(&s->room, &s->ring, &shop_owner);
	mailbox_leases_init(&s->mine, 1);
	mailbox_leases_init(&s->yours, 2);
	test->priv = s;
	return 0;
}

static void shop_exit(struct kunit *test)
{
	struct shop *s = test->priv;

	if (!s)
		return;
	mailbox_leases_close(&s->room, &s->mine);
	mailbox_leases_close(&s->room, &s->yours);
	mailbox_lease_room_destroy(&s->room);
	mailbox_ring_destroy(&s->ring);
}

static void send_on(struct kunit *test, u32 n)
{
	struct shop *s = test->priv;

	send(test, &s->ring.lane[n], s->sent[n]++, 4);
}

/* Send one, and take it out of its slot. */
static struct mailbox_lease *lend_on(struct kunit *test, u32 n)
{
	struct shop *s = test->priv;
	struct mailbox_ring_lane *lane = &s->ring.lane[n];
	struct mailbox_lease *lease = mailbox_lease_alloc(&s->room, &s->mine, MESSAGE_SIZE);
	struct mailbox_taken t = {};

	KUNIT_ASSERT_NOT_NULL(test, lease);
	send_on(test, n);
	KUNIT_EXPECT_EQ(test, take(test, lane, &s->own[n], &t), 0);
	mailbox_lease_fill(&s->room, lease, n, &t);
	mailbox_slot_release(&lane->view, t.position);
	return lease;
}

static struct mailbox_lease *lend(struct kunit *test)
{
	return lend_on(test, 0);
}

static void give_back(struct shop *s, struct mailbox_lease *lease)
{
	mailbox_lease_return(&s->room, lease, true, false);
}

static void give_behind(struct shop *s, struct mailbox_lease *lease)
{
	mailbox_lease_return(&s->room, lease, true, true);
}

/* The position of the message that so many others come before, or an error. */
static s64 seen_on(struct kunit *test, u32 n, u32 index)
{
	struct shop *s = test->priv;
	struct mailbox_taken t = {};
	struct mailbox_lease *lease;
	struct mailbox_cursor c;

	mailbox_cursor_first(&c, &s->ring.lane[n], &s->own[n]);
	lease = mailbox_lease_nth(&s->room, n, &c, &index, &t);
	if (lease) {
		mailbox_lease_put(lease);
		return t.position;
	}
	for (; mailbox_cursor_valid(&c); mailbox_cursor_next(&c))
		if (!index--)
			return c.found.position;
	return -EAGAIN;
}

/* Receive the next one of a lane for good, as a receive does. Its position, or an error. */
static s64 next_on(struct kunit *test, u32 n)
{
	struct shop *s = test->priv;
	struct mailbox_ring_lane *lane = &s->ring.lane[n];
	s64 seen = seen_on(test, n, 0);
	struct mailbox_taken t = {};
	struct mailbox_lease *lease;
	int err;

	lease = mailbox_lease_take(&s->room, n, &s->own[n], MESSAGE_SIZE, &t);
	if (!IS_ERR(lease)) {
		mailbox_lease_drop(&s->room, NULL, lease);
		KUNIT_EXPECT_EQ(test, seen, t.position);
		return t.position;
	}
	err = take(test, lane, &s->own[n], &t);
	KUNIT_EXPECT_EQ(test, seen, err ?: t.position);
	if (err)
		return err;
	mailbox_slot_release(&lane->view, t.position);
	return t.position;
}

static s64 next(struct kunit *test)
{
	return next_on(test, 0);
}

static u32 waiting(struct shop *s)
{
	u32 n;

	mailbox_lease_stats(&s->room, &n);
	return n;
}

static u32 pending(struct shop *s)
{
	u32 n;

	return mailbox_lease_stats(&s->room, &n);
}

/* Order */

static void what_is_given_back_comes_in_the_order_of_sending(struct kunit *test)
{
	static const int order[] = { 2, 0, 3, 1 };
	struct shop *s = test->priv;
	struct mailbox_lease *of[4];
	int i;

	for (i = 0; i < 4; i++)
		of[i] = lend(test);
	send_on(test, 0);
	for (i = 0; i < 4; i++)
		give_back(s, of[order[i]]);
	KUNIT_EXPECT_EQ(test, waiting(s), 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ring.lane[0].parked), 4);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, next(test), i);
	KUNIT_EXPECT_EQ(test, next(test), -EAGAIN);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ring.lane[0].parked), 0);
	KUNIT_EXPECT_EQ(test, pending(s), 0);
}

static void behind_means_what_is_there_by_then(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *lease = lend(test);

	send_on(test, 0);
	send_on(test, 0);
	give_behind(s, lease);
	send_on(test, 0);
	KUNIT_EXPECT_FALSE(test, mailbox_lease_waits(&s->room, 0, &s->own[0]));
	KUNIT_EXPECT_EQ(test, next(test), 1);
	KUNIT_EXPECT_EQ(test, next(test), 2);
	KUNIT_EXPECT_TRUE(test, mailbox_lease_waits(&s->room, 0, &s->own[0]));
	KUNIT_EXPECT_EQ(test, next(test), 0);
	KUNIT_EXPECT_EQ(test, next(test), 3);
}

static void behind_nothing_is_at_once(struct kunit *test)
{
	give_behind(test->priv, lend(test));
	KUNIT_EXPECT_EQ(test, next(test), 0);
}

static void behind_a_full_lane_is_behind_all_of_it(struct kunit *test)
{
	struct mailbox_lease *lease = lend(test);
	int i;

	for (i = 0; i < CAPACITY; i++)
		send_on(test, 0);
	give_behind(test->priv, lease);
	for (i = 1; i <= CAPACITY; i++)
		KUNIT_EXPECT_EQ(test, next(test), i);
	KUNIT_EXPECT_EQ(test, next(test), 0);
}

static void those_behind_keep_their_order_and_let_others_go_first(struct kunit *test)
{
	struct mailbox_lease *of[4];
	int i;

	for (i = 0; i < 4; i++)
		of[i] = lend(test);
	give_behind(test->priv, of[2]);
	give_behind(test->priv, of[0]);
	give_back(test->priv, of[3]);
	give_back(test->priv, of[1]);
	KUNIT_EXPECT_EQ(test, seen_on(test, 0, 0), 1);
	KUNIT_EXPECT_EQ(test, seen_on(test, 0, 1), 3);
	KUNIT_EXPECT_EQ(test, seen_on(test, 0, 2), 2);
	KUNIT_EXPECT_EQ(test, seen_on(test, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, seen_on(test, 0, 4), -EAGAIN);
	KUNIT_EXPECT_EQ(test, next(test), 1);
	KUNIT_EXPECT_EQ(test, next(test), 3);
	KUNIT_EXPECT_EQ(test, next(test), 2);
	KUNIT_EXPECT_EQ(test, next(test), 0);
}

static void each_lane_has_its_own(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *low = lend_on(test, 0), *high = lend_on(test, 1);

	give_back(s, high);
	KUNIT_EXPECT_FALSE(test, mailbox_lease_waits(&s->room, 0, &s->own[0]));
	KUNIT_EXPECT_EQ(test, next_on(test, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, next_on(test, 1), 0);
	KUNIT_EXPECT_FALSE(test, mailbox_lease_pending(&s->room, BIT(1)));
	KUNIT_EXPECT_TRUE(test, mailbox_lease_pending(&s->room, BIT(0) | BIT(1)));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->emptied), 1);
	mailbox_lease_drop(&s->room, NULL, low);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->emptied), 2);
}

static void what_is_too_long_stays(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_taken t = {};

	give_back(s, lend(test));
	KUNIT_EXPECT_PTR_EQ(test, mailbox_lease_take(&s->room, 0, &s->own[0], 3, &t),
			    (struct mailbox_lease *)ERR_PTR(-EMSGSIZE));
	KUNIT_EXPECT_EQ(test, t.length, 4);
	KUNIT_EXPECT_EQ(test, waiting(s), 1);
	KUNIT_EXPECT_EQ(test, next(test), 0);
}

/* Holding */

static void only_its_holder_claims_a_lease_and_once(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *lease = lend(test);

	mailbox_lease_hold(&s->room, &s->mine, lease, 0);
	KUNIT_EXPECT_EQ(test, mailbox_leases_count(&s->room, &s->mine), 1);
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->yours, 0, 0));
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->mine, 1, 0));
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->mine, 0, 1));
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->mine, ~0U, ~0ULL));
	KUNIT_EXPECT_PTR_EQ(test, mailbox_lease_claim(&s->room, &s->mine, 0, 0), lease);
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->mine, 0, 0));
	KUNIT_EXPECT_EQ(test, pending(s), 1);
	mailbox_lease_drop(&s->room, NULL, lease);
	KUNIT_EXPECT_EQ(test, pending(s), 0);
}

static void the_next_lease_has_the_memory_of_the_last(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *lease = lend(test), *other = lend(test);
	struct mailbox_lease *large = mailbox_lease_alloc(&s->room, &s->mine,
							  MAILBOX_LEASE_SHORT + 1);

	KUNIT_ASSERT_NOT_NULL(test, large);
	mailbox_lease_free(&s->room, &s->mine, large);
	KUNIT_EXPECT_NULL(test, s->mine.spare);
	mailbox_lease_drop(&s->room, &s->mine, lease);
	KUNIT_EXPECT_PTR_EQ(test, s->mine.spare, lease);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_lease_alloc(&s->room, &s->mine, 1), lease);
	mailbox_lease_free(&s->room, &s->mine, lease);
	mailbox_lease_drop(&s->room, &s->mine, other);	/* one is kept, no more */
	KUNIT_EXPECT_PTR_EQ(test, s->mine.spare, other);
	KUNIT_EXPECT_EQ(test, pending(s), 0);
}

static void a_lease_that_is_being_looked_at_is_not_used_again(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *lease = lend(test), *seen;
	struct mailbox_taken t = {};
	struct mailbox_cursor c;
	u32 index = 0;

	give_back(s, lease);
	mailbox_cursor_first(&c, &s->ring.lane[0], &s->own[0]);
	seen = mailbox_lease_nth(&s->room, 0, &c, &index, &t);
	KUNIT_EXPECT_PTR_EQ(test, seen, lease);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t),
			    lease);
	mailbox_lease_drop(&s->room, &s->mine, lease);
	KUNIT_EXPECT_NULL(test, s->mine.spare);
	mailbox_lease_put(seen);
}

static void close_gives_back_and_counts(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_taken t = {};
	struct mailbox_lease *lease;
	int i;

	for (i = 0; i < 3; i++)
		mailbox_lease_hold(&s->room, i == 1 ? &s->yours : &s->mine, lend(test), 0);
	mailbox_leases_close(&s->room, &s->mine);
	KUNIT_EXPECT_EQ(test, waiting(s), 2);
	KUNIT_EXPECT_EQ(test, pending(s), 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->returned), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ring.redelivered), 2);
	lease = mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t);
	KUNIT_ASSERT_FALSE(test, IS_ERR(lease));
	KUNIT_EXPECT_EQ(test, t.departed, 1);
	for (i = 0; i < 300; i++) {
		give_back(s, lease);
		lease = mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t);
	}
	KUNIT_EXPECT_EQ(test, t.departed, 255);
	mailbox_lease_drop(&s->room, NULL, lease);
}

static void a_lease_ends_with_its_deadline_and_no_other(struct kunit *test)
{
	struct shop *s = test->priv;

	mailbox_lease_hold(&s->room, &s->mine, lend(test), MAILBOX_FOREVER);
	mailbox_lease_hold(&s->room, &s->mine, lend(test), MAILBOX_FOREVER - 1);
	mailbox_lease_hold(&s->room, &s->mine, lend(test), 0);
	mailbox_lease_hold(&s->room, &s->mine, lend(test), ktime_get_ns() + 5 * NSEC_PER_MSEC);
	mailbox_lease_hold(&s->room, &s->mine, lend(test), 1);
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(waiting(s) == 2));
	KUNIT_EXPECT_EQ(test, mailbox_leases_count(&s->room, &s->mine), 3);
	KUNIT_EXPECT_NULL(test, mailbox_lease_claim(&s->room, &s->mine, 0, 3));
	KUNIT_EXPECT_EQ(test, next(test), 3);
	KUNIT_EXPECT_EQ(test, next(test), 4);
	KUNIT_EXPECT_EQ(test, next(test), -EAGAIN);
}

/* Ends */

static void a_purge_discards_what_waits_and_what_will(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *waits = lend(test), *later = lend(test), *done = lend(test);

	waits->t.receipt = true;
	later->t.receipt = true;
	give_back(s, waits);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->gave_back), 1);
	mailbox_lease_purge(&s->room);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->discarded), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ring.lane[0].parked), 0);
	give_back(s, later);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->discarded), 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ring.purged), 2);
	KUNIT_EXPECT_EQ(test, waiting(s), 0);
	KUNIT_EXPECT_EQ(test, pending(s), 1);
	mailbox_lease_drop(&s->room, NULL, done);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->emptied), 1);
	KUNIT_EXPECT_EQ(test, next(test), -EAGAIN);
}

/* Giving up */

static bool bury(struct mailbox_ring *ring, u32 lane, const struct mailbox_taken *t, u32 receiver)
{
	struct shop *s = container_of(ring, struct shop, ring);

	atomic_inc(&s->asked);
	s->had_it_last = receiver;
	return s->buries;
}

static void the_last_of_so_many_deliveries_is_the_end(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_taken t = {};
	struct mailbox_lease *lease;

	s->ring.max_deliveries = 2;
	s->ring.bury = bury;
	lease = lend(test);
	mailbox_lease_hold(&s->room, &s->mine, lease, 0);
	mailbox_leases_close(&s->room, &s->mine);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->asked), 0);
	lease = mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t);
	KUNIT_ASSERT_FALSE(test, IS_ERR(lease));
	mailbox_lease_return(&s->room, lease, false, false);	/* does not count */
	KUNIT_EXPECT_EQ(test, atomic_read(&s->asked), 0);

	lease = mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t);
	lease->t.receipt = true;
	mailbox_lease_hold(&s->room, &s->yours, lease, 0);
	mailbox_leases_close(&s->room, &s->yours);		/* it may not go */
	KUNIT_EXPECT_EQ(test, atomic_read(&s->asked), 1);
	KUNIT_EXPECT_EQ(test, s->had_it_last, s->yours.id);
	KUNIT_EXPECT_EQ(test, waiting(s), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->gave_back), 1);

	s->buries = true;
	lease = mailbox_lease_take(&s->room, 0, &s->own[0], MESSAGE_SIZE, &t);
	KUNIT_EXPECT_EQ(test, t.departed, 2);
	mailbox_lease_hold(&s->room, &s->mine, lease, 1);	/* its time is over */
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(!pending(s)));
	KUNIT_EXPECT_EQ(test, s->had_it_last, s->mine.id);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->gave_back), 1);
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(atomic_read(&s->emptied) == 1));
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ring.redelivered), 2);
	KUNIT_EXPECT_EQ(test, next(test), -EAGAIN);
}

static void what_a_purge_discards_is_not_given_up(struct kunit *test)
{
	struct shop *s = test->priv;
	struct mailbox_lease *lease = lend(test);

	s->ring.max_deliveries = 1;
	s->ring.bury = bury;
	mailbox_lease_purge(&s->room);
	give_back(s, lease);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->asked), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&s->ring.purged), 1);
}

/* The last endpoint closes and the room goes while deadlines pass. */
static void leases_end_while_the_room_is_destroyed(struct kunit *test)
{
	struct shop *s = test->priv;
	int round, i;

	for (round = 0; round < 100; round++) {
		u64 now = ktime_get_ns();

		for (i = 0; i < 4; i++)
			mailbox_lease_hold(&s->room, &s->mine, lend(test),
					   now + i * NSEC_PER_MSEC);
		usleep_range(round * 40, round * 40 + 20);
		mailbox_leases_close(&s->room, &s->mine);
		mailbox_lease_room_destroy(&s->room);
		KUNIT_EXPECT_TRUE(test, list_empty(&s->room.timed));
		KUNIT_EXPECT_EQ(test, mailbox_leases_count(&s->room, &s->mine), 0);
		memset(&s->room, 0, sizeof(s->room));
		mailbox_lease_room_init(&s->room, &s->ring, &shop_owner);
		atomic_set(&s->ring.lane[0].parked, 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&s->returned), 4 * round);
}

static struct kunit_case lease_order_cases[] = {
	KUNIT_CASE(what_is_given_back_comes_in_the_order_of_sending),
	KUNIT_CASE(behind_means_what_is_there_by_then),
	KUNIT_CASE(behind_nothing_is_at_once),
	KUNIT_CASE(behind_a_full_lane_is_behind_all_of_it),
	KUNIT_CASE(those_behind_keep_their_order_and_let_others_go_first),
	KUNIT_CASE(each_lane_has_its_own),
	KUNIT_CASE(what_is_too_long_stays),
	{}
};

static struct kunit_case lease_cases[] = {
	KUNIT_CASE(only_its_holder_claims_a_lease_and_once),
	KUNIT_CASE(the_next_lease_has_the_memory_of_the_last),
	KUNIT_CASE(a_lease_that_is_being_looked_at_is_not_used_again),
	KUNIT_CASE(close_gives_back_and_counts),
	KUNIT_CASE(a_lease_ends_with_its_deadline_and_no_other),
	KUNIT_CASE(a_purge_discards_what_waits_and_what_will),
	KUNIT_CASE(the_last_of_so_many_deliveries_is_the_end),
	KUNIT_CASE(what_a_purge_discards_is_not_given_up),
	KUNIT_CASE(leases_end_while_the_room_is_destroyed),
	{}
};

static struct kunit_suite lease_order_suite = {
	.name = "mailbox_lease_order",
	.init = shop_init,
	.exit = shop_exit,
	.test_cases = lease_order_cases,
};

static struct kunit_suite lease_suite = {
	.name = "mailbox_lease",
	.init = shop_init,
	.exit = shop_exit,
	.test_cases = lease_cases,
};

kunit_test_suites(&lease_order_suite, &lease_suite);
