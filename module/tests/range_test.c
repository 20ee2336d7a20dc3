// SPDX-License-Identifier: GPL-2.0-only
/* Ranges, quarantine, and repair after a departure. */

#include "test_ring.h"

/* Ranges */

/* A whole number of laps, so that ranges fit behind it. */
#define AT_A_LAP(base)	((base) & ~(u64)(CAPACITY - 1))

static u32 claim_range(struct mailbox_ring_lane *lane, u64 at, u32 n)
{
	return mailbox_range_claim(&lane->view, at, mailbox_word(at, 0, MAILBOX_PHASE_FREE), SENDER,
				   n);
}

static void send_range(struct kunit *test, struct mailbox_ring_lane *lane, u64 at, u32 n)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, claim_range(lane, at, n), n);
	for (i = 0; i < n; i++)
		mailbox_slot_write(&lane->view, at + i, i + 1, 0, SENDER + i);
	mailbox_range_publish(&lane->view, at, SENDER, n);
}

static u64 head_of(struct mailbox_ring_lane *lane, u64 at)
{
	return mailbox_lane_word(&lane->view, at);
}

EVERYWHERE(a_range_is_claimed_by_its_head_alone)
{
	u64 at = AT_A_LAP(base), other = at, position;
	struct mailbox_ring_lane *lane = lane_at(test, at);

	KUNIT_EXPECT_EQ(test, claim_range(lane, at, 3), 3);
	KUNIT_EXPECT_EQ(test, head_of(lane, at),
			mailbox_word_range(at, SENDER, 3, MAILBOX_PHASE_WRITING));
	EXPECT_WORD(test, lane, at + 1, 0, MAILBOX_PHASE_FREE);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &other, &position), 0);
	KUNIT_EXPECT_EQ(test, position, at + 3);
	KUNIT_EXPECT_EQ(test, claim_range(lane, at, 3), 0);
}

EVERYWHERE(a_look_goes_through_parked_messages_and_ranges_in_order)
{
	u64 at = AT_A_LAP(base), own = at, p;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	struct mailbox_cursor c;

	send_range(test, lane, at, 3);
	send_range(test, lane, at + 3, 4);
	for (p = at; p < at + 4; p++)
		take_expected(test, lane, &own, p);
	mailbox_ring_park(lane, at + 2);
	mailbox_ring_park(lane, at);
	mailbox_cursor_first(&c, lane, &own);
	for (p = at; p < at + 7; p++) {
		if (p == at + 1 || p == at + 3)
			continue;
		KUNIT_ASSERT_TRUE(test, mailbox_cursor_valid(&c));
		KUNIT_EXPECT_EQ(test, c.found.position, p);
		KUNIT_EXPECT_EQ(test, c.found.parked, p < at + 3);
		KUNIT_EXPECT_EQ(test, c.head, p < at + 3 ? p : at + 4);
		KUNIT_EXPECT_TRUE(test, mailbox_cursor_holds(&c));
		mailbox_cursor_next(&c);
	}
	KUNIT_EXPECT_FALSE(test, mailbox_cursor_valid(&c));
}

EVERYWHERE(what_was_looked_at_holds_until_it_is_taken)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	struct mailbox_cursor first, second;

	send_range(test, lane, at, 2);
	mailbox_cursor_first(&first, lane, &own);
	second = first;
	mailbox_cursor_next(&second);
	KUNIT_EXPECT_TRUE(test, mailbox_cursor_holds(&first));
	KUNIT_EXPECT_TRUE(test, mailbox_cursor_holds(&second));
	receive(test, lane, &own, at);
	KUNIT_EXPECT_FALSE(test, mailbox_cursor_holds(&first));
	/* Of what is left of a range another word tells. */
	KUNIT_EXPECT_FALSE(test, mailbox_cursor_holds(&second));
}

EVERYWHERE(a_look_at_a_full_lane_ends_after_one_lap)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_cursor c;
	u64 own = base, p;

	for (p = base; p < base + CAPACITY; p++)
		send(test, lane, p, 1);
	mailbox_cursor_first(&c, lane, &own);
	for (p = base; mailbox_cursor_valid(&c); p++) {
		KUNIT_EXPECT_EQ(test, c.found.position, p);
		/* Forged as we go: each is read, and sent again, just behind us. */
		put(lane, p, mailbox_word(p + CAPACITY, SENDER, MAILBOX_PHASE_READY));
		mailbox_cursor_next(&c);
	}
	KUNIT_EXPECT_EQ(test, p, base + CAPACITY);
}

EVERYWHERE(a_range_ends_at_the_end_of_the_array)
{
	u64 at = AT_A_LAP(base);
	struct mailbox_ring_lane *lane = lane_at(test, at);

	claim(test, lane, at);
	claim(test, lane, at + 1);
	KUNIT_EXPECT_EQ(test, claim_range(lane, at + 2, 2 * CAPACITY), CAPACITY - 2);
}

EVERYWHERE(a_range_ends_before_a_slot_that_is_not_free)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	u32 i;

	for (i = 0; i < CAPACITY; i++)
		send(test, lane, at + i, 1);
	receive(test, lane, &own, at);
	receive(test, lane, &own, at + 1);
	KUNIT_EXPECT_EQ(test, claim_range(lane, at + CAPACITY, 4), 2);
}

EVERYWHERE(a_range_claims_over_a_void_head)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	u32 i;

	claim(test, lane, at);
	mailbox_slot_discard(&lane->view, at);
	for (i = 1; i < CAPACITY; i++)
		send(test, lane, at + i, 1);
	receive(test, lane, &own, at + 1);
	KUNIT_EXPECT_EQ(test, mailbox_range_claim(&lane->view, at + CAPACITY, head_of(lane, at),
						  SENDER, 4), 2);
}

EVERYWHERE(a_range_is_taken_one_by_one)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	struct mailbox_taken t;
	u32 i;

	send_range(test, lane, at, 4);
	send(test, lane, at + 4, 9);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
		KUNIT_EXPECT_EQ(test, t.position, at + i);
		KUNIT_EXPECT_EQ(test, t.length, i + 1);
		KUNIT_EXPECT_EQ(test, t.sender, SENDER + i);
		mailbox_slot_release(&lane->view, at + i);
	}
	receive(test, lane, &own, at + 4);
	for (i = 0; i < 5; i++)
		EXPECT_WORD(test, lane, at + CAPACITY + i, 0, MAILBOX_PHASE_FREE);
}

/* The taker is slow, and has not released what it took. */
EVERYWHERE(a_split_lets_the_next_receiver_go_on)
{
	u64 at = AT_A_LAP(base), own = at, other = at, third = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);

	send_range(test, lane, at, 3);
	take_expected(test, lane, &own, at);
	KUNIT_EXPECT_EQ(test, head_of(lane, at),
			mailbox_word_range(at, RECEIVER, 2, MAILBOX_PHASE_SPLIT));
	take_expected(test, lane, &other, at + 1);
	take_expected(test, lane, &third, at + 2);
	KUNIT_EXPECT_EQ(test, claim_range(lane, at + 3, 1), 1);
}

/* It stopped between the two steps. */
EVERYWHERE(whoever_meets_half_a_split_finishes_it)
{
	u64 at = AT_A_LAP(base), own = at, sender = at, position;
	struct mailbox_ring_lane *lane = lane_at(test, at);

	send_range(test, lane, at, 3);
	put(lane, at, mailbox_word_range(at, RECEIVER, 2, MAILBOX_PHASE_SPLIT));
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
	KUNIT_EXPECT_EQ(test, position, at + 3);
	take_expected(test, lane, &own, at + 1);
	take_expected(test, lane, &own, at + 2);
}

EVERYWHERE(a_range_is_taken_as_a_whole)
{
	u64 at = AT_A_LAP(base), other = at, sender = at, position;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	u32 i;

	send_range(test, lane, at, 3);
	KUNIT_EXPECT_TRUE(test, mailbox_range_take(&lane->view, at, head_of(lane, at), RECEIVER));
	send(test, lane, at + 3, 1);
	take_expected(test, lane, &other, at + 3);
	for (i = 4; i < CAPACITY; i++)
		send(test, lane, at + i, 1);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
	mailbox_range_release(&lane->view, at, 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
		KUNIT_EXPECT_EQ(test, position, at + CAPACITY + i);
	}
}

EVERYWHERE(a_discarded_range_is_stepped_over_and_claimed_over)
{
	u64 at = AT_A_LAP(base), own = at, sender = at, position;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	u32 i;

	KUNIT_EXPECT_EQ(test, claim_range(lane, at, 3), 3);
	send(test, lane, at + 3, 1);
	mailbox_range_discard(&lane->view, at, 3);
	receive(test, lane, &own, at + 3);
	for (i = 4; i < CAPACITY; i++)
		send(test, lane, at + i, 1);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
		KUNIT_EXPECT_EQ(test, position, at + CAPACITY + i);
	}
}

EVERYWHERE(a_range_longer_than_the_array_is_broken)
{
	u64 at = AT_A_LAP(base) + CAPACITY - 2;
	struct mailbox_ring_lane *lane = lane_at(test, at);

	put(lane, at, mailbox_word_range(at, SENDER, 3, MAILBOX_PHASE_READY));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, at), MAILBOX_FIND_BROKEN, at);
	EXPECT_FOUND(test, mailbox_ring_walk_free(lane, at), MAILBOX_FIND_BROKEN, at);
	put(lane, at, mailbox_word_range(at, SENDER, 2, MAILBOX_PHASE_SPLIT));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, at), MAILBOX_FIND_BROKEN, at);
	put(lane, at, mailbox_word_range(at, SENDER, 2, MAILBOX_PHASE_READY));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, at), MAILBOX_FIND_SLOT, at);
}

static void statistics_count_every_message_of_a_range(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_at(test, 0);
	struct mailbox_ring_stats stats;
	u64 own = 0;

	send_range(test, lane, 0, 3);
	KUNIT_EXPECT_EQ(test, claim_range(lane, 3, 2), 2);
	mailbox_ring_stats(test->priv, ~0U, NULL, &stats);
	KUNIT_EXPECT_EQ(test, stats.depth, 3);
	KUNIT_EXPECT_EQ(test, stats.sent, 3);
	KUNIT_EXPECT_EQ(test, stats.received, 0);
	receive(test, lane, &own, 0);
	take_expected(test, lane, &own, 1);
	mailbox_ring_stats(test->priv, ~0U, NULL, &stats);
	KUNIT_EXPECT_EQ(test, stats.depth, 1);
	KUNIT_EXPECT_EQ(test, stats.sent, 3);
	KUNIT_EXPECT_EQ(test, stats.received, 1);
}

static void note_sender(void *arg, u32 id)
{
	u32 *senders = arg;

	*senders |= BIT(id - SENDER);
}

static void every_sender_of_a_range_is_named(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_at(test, 0);
	u32 senders = 0;

	send_range(test, lane, 0, 4);
	mailbox_ring_each_sender(test->priv, note_sender, &senders);
	KUNIT_EXPECT_EQ(test, senders, 0xf);
}

/* Quarantine */

/* Whoever meets it is told, and the slot is void for all others. */
EVERYWHERE(a_broken_slot_is_an_error_for_one_sender)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 sender = base, own = base, position;
	struct mailbox_ring *ring = test->priv;

	put(lane, base, mailbox_word(base + 1, 0, MAILBOX_PHASE_FREE));
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EPROTO);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->quarantined), 1);
	EXPECT_WORD(test, lane, base, 0, MAILBOX_PHASE_VOID);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
	KUNIT_EXPECT_EQ(test, position, base + 1);
	mailbox_slot_write(&lane->view, position, 1, 0, SENDER);
	mailbox_slot_publish(&lane->view, position, SENDER);
	receive(test, lane, &own, base + 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->quarantined), 1);
}

EVERYWHERE(a_broken_slot_is_an_error_for_one_receiver)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_ring *ring = test->priv;
	u64 own = base;
	struct mailbox_taken t;

	send(test, lane, base, 1);
	send(test, lane, base + 1, 1);
	put(lane, base, mailbox_word(base, 0, 7));
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EPROTO);
	KUNIT_EXPECT_EQ(test, own, base);
	EXPECT_WORD(test, lane, base, 0, MAILBOX_PHASE_VOID);
	receive(test, lane, &own, base + 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->quarantined), 1);
}

/* What a departed owner leaves behind. */

EVERYWHERE(repair_voids_what_was_claimed_and_parks_what_was_taken)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_ring *ring = test->priv;
	u64 own = base, sender = base, position;
	struct mailbox_taken t;

	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
	send(test, lane, base + 1, 3);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, SENDER), 1);
	EXPECT_WORD(test, lane, base, 0, MAILBOX_PHASE_VOID);
	EXPECT_WORD(test, lane, base + 1, SENDER, MAILBOX_PHASE_READY);

	take_expected(test, lane, &own, base + 1);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, RECEIVER + 1), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, RECEIVER), 1);
	EXPECT_WORD(test, lane, base + 1, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 1);
	KUNIT_EXPECT_EQ(test, lane->shared->parked, 1);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, t.position, base + 1);
	KUNIT_EXPECT_EQ(test, t.departed, 1);
	KUNIT_EXPECT_EQ(test, t.length, 3);
	KUNIT_EXPECT_EQ(test, lane->shared->parked, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->redelivered), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->discarded), 1);
}

static void departures_are_counted_up_to_255(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_at(test, 0);
	u64 own = 0;
	struct mailbox_taken t;
	int i;

	send(test, lane, 0, 1);
	for (i = 0; i < 300; i++) {
		KUNIT_ASSERT_EQ(test, take(test, lane, &own, &t), 0);
		KUNIT_ASSERT_EQ(test, t.departed, min(i, 255));
		KUNIT_ASSERT_EQ(test, t.sender, SENDER);
		mailbox_ring_repair(test->priv, RECEIVER);
	}
}

/* Messages at odd positions go to a better place. */
static bool bury_odd(struct mailbox_ring *ring, u32 lane, const struct mailbox_taken *t,
		     u32 receiver)
{
	atomic64_inc(&ring->moved);
	return t->position % 2 && t->departed == ring->max_deliveries && !lane && !receiver;
}

EVERYWHERE(repair_frees_what_was_given_up_and_parks_the_rest)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_ring *ring = test->priv;
	u64 own = base;
	struct mailbox_taken t;
	int i;

	ring->max_deliveries = 2;
	ring->bury = bury_odd;
	atomic64_set(&ring->moved, 0);
	for (i = 0; i < 2; i++)
		send(test, lane, base + i, 1);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, RECEIVER), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->moved), 0);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, RECEIVER), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->moved), 2);
	for (i = 0; i < 2; i++) {
		if ((base + i) % 2)
			EXPECT_WORD(test, lane, base + i + CAPACITY, 0, MAILBOX_PHASE_FREE);
		else
			EXPECT_WORD(test, lane, base + i, MAILBOX_OWNER_PARKED,
				    MAILBOX_PHASE_READING);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 1);
	KUNIT_EXPECT_EQ(test, lane->shared->parked, 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->redelivered), 3);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, t.position % 2, 0);
	KUNIT_EXPECT_EQ(test, t.departed, 2);
}

static void repair_looks_at_every_lane(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	u64 own[LANES] = {}, position;
	u32 n;

	for (n = 0; n < LANES; n++)
		KUNIT_EXPECT_EQ(test, mailbox_ring_claim(ring, &ring->lane[n], &own[n], SENDER,
							 &position), 0);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, SENDER), (1U << LANES) - 1);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, SENDER), 0);
}

EVERYWHERE(repair_voids_all_of_a_claimed_range)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	struct mailbox_ring *ring = test->priv;
	u32 i;

	KUNIT_EXPECT_EQ(test, claim_range(lane, at, 3), 3);
	send(test, lane, at + 3, 1);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, SENDER), 1);
	for (i = 0; i < 3; i++)
		EXPECT_WORD(test, lane, at + i, 0, MAILBOX_PHASE_VOID);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->discarded), 3);
	receive(test, lane, &own, at + 3);
}

/* It had released the tail when it went. */
EVERYWHERE(repair_parks_what_is_left_of_a_taken_range)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);
	struct mailbox_ring *ring = test->priv;
	struct mailbox_taken t;
	u32 i;

	send_range(test, lane, at, 4);
	KUNIT_EXPECT_TRUE(test, mailbox_range_take(&lane->view, at, head_of(lane, at), RECEIVER));
	mailbox_slot_release(&lane->view, at + 3);
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(ring, RECEIVER), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
		KUNIT_EXPECT_EQ(test, t.position, at + i);
		KUNIT_EXPECT_EQ(test, t.length, i + 1);
		KUNIT_EXPECT_EQ(test, t.departed, 1);
		mailbox_slot_release(&lane->view, at + i);
	}
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EAGAIN);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ring->redelivered), 3);
	for (i = 0; i < 4; i++)
		EXPECT_WORD(test, lane, at + CAPACITY + i, 0, MAILBOX_PHASE_FREE);
}

EVERYWHERE(repair_finishes_a_split_and_parks_its_first)
{
	u64 at = AT_A_LAP(base), own = at;
	struct mailbox_ring_lane *lane = lane_at(test, at);

	send_range(test, lane, at, 3);
	put(lane, at, mailbox_word_range(at, RECEIVER, 2, MAILBOX_PHASE_SPLIT));
	KUNIT_EXPECT_EQ(test, mailbox_ring_repair(test->priv, RECEIVER), 1);
	EXPECT_WORD(test, lane, at, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING);
	receive(test, lane, &own, at);
	receive(test, lane, &own, at + 1);
	receive(test, lane, &own, at + 2);
}

static struct kunit_case range_cases[] = {
	KUNIT_CASE(a_range_is_claimed_by_its_head_alone),
	KUNIT_CASE(a_look_goes_through_parked_messages_and_ranges_in_order),
	KUNIT_CASE(what_was_looked_at_holds_until_it_is_taken),
	KUNIT_CASE(a_look_at_a_full_lane_ends_after_one_lap),
	KUNIT_CASE(a_range_ends_at_the_end_of_the_array),
	KUNIT_CASE(a_range_ends_before_a_slot_that_is_not_free),
	KUNIT_CASE(a_range_claims_over_a_void_head),
	KUNIT_CASE(a_range_is_taken_one_by_one),
	KUNIT_CASE(a_split_lets_the_next_receiver_go_on),
	KUNIT_CASE(whoever_meets_half_a_split_finishes_it),
	KUNIT_CASE(a_range_is_taken_as_a_whole),
	KUNIT_CASE(a_discarded_range_is_stepped_over_and_claimed_over),
	KUNIT_CASE(a_range_longer_than_the_array_is_broken),
	KUNIT_CASE(statistics_count_every_message_of_a_range),
	KUNIT_CASE(every_sender_of_a_range_is_named),
	{}
};

static struct kunit_case repair_cases[] = {
	KUNIT_CASE(a_broken_slot_is_an_error_for_one_sender),
	KUNIT_CASE(a_broken_slot_is_an_error_for_one_receiver),
	KUNIT_CASE(repair_voids_what_was_claimed_and_parks_what_was_taken),
	KUNIT_CASE(departures_are_counted_up_to_255),
	KUNIT_CASE(repair_frees_what_was_given_up_and_parks_the_rest),
	KUNIT_CASE(repair_looks_at_every_lane),
	KUNIT_CASE(repair_voids_all_of_a_claimed_range),
	KUNIT_CASE(repair_parks_what_is_left_of_a_taken_range),
	KUNIT_CASE(repair_finishes_a_split_and_parks_its_first),
	{}
};

static struct kunit_suite range_suite = {
	.name = "mailbox_range",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = range_cases,
};

static struct kunit_suite repair_suite = {
	.name = "mailbox_repair",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = repair_cases,
};

kunit_test_suites(&range_suite, &repair_suite);
