// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel adds to the slots: first looks, hints, headers, parked messages, statistics. */

#include <linux/mailbox_atomic.h>

/* Somebody else is faster than the next compare-and-swaps of the room. */
static u32 races;
static u64 change;	/* of the word: to another one that will do as well */

static bool race(u64 *word, u64 old, u64 new)
{
	if (races) {
		races--;
		*word ^= change;
	}
	return cmpxchg(word, old, new) == old;
}

#undef MAILBOX_CMPXCHG
#define MAILBOX_CMPXCHG(p, old, new)	race(p, old, new)

#include "../ring.c"
#include "test_ring.h"

/* What the kernel adds: first looks, hints */

EVERYWHERE(the_first_look_claims_the_slot_at_the_own_position)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, position = 0;

	KUNIT_EXPECT_TRUE(test, mailbox_ring_try_claim(&lane->view, &own, SENDER, &position));
	KUNIT_EXPECT_EQ(test, position, base);
	KUNIT_EXPECT_EQ(test, own, base + 1);
	EXPECT_WORD(test, lane, base, SENDER, MAILBOX_PHASE_WRITING);
}

EVERYWHERE(the_first_look_leaves_everything_else_to_the_walk)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, position, phase;
	struct mailbox_taken t;

	for (phase = MAILBOX_PHASE_FREE; phase <= MAILBOX_PHASE_VOID; phase++) {
		put(lane, base, mailbox_word(base, 0, phase));
		if (phase != MAILBOX_PHASE_FREE)
			KUNIT_EXPECT_FALSE(test, mailbox_ring_try_claim(&lane->view, &own, SENDER,
									&position));
		if (phase != MAILBOX_PHASE_READY)
			KUNIT_EXPECT_FALSE(test, mailbox_ring_try_take(test->priv, lane, &own,
								       RECEIVER, SIZE_MAX, &t));
		EXPECT_WORD(test, lane, base, 0, phase);
	}
	KUNIT_EXPECT_EQ(test, own, base);
}

EVERYWHERE(the_first_look_takes_the_message_at_the_own_position)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t = {};

	send(test, lane, base, 9);
	KUNIT_EXPECT_TRUE(test, mailbox_ring_try_take(test->priv, lane, &own, RECEIVER, 9, &t));
	KUNIT_EXPECT_EQ(test, t.position, base);
	KUNIT_EXPECT_EQ(test, t.length, 9);
	KUNIT_EXPECT_EQ(test, own, base + 1);
	EXPECT_WORD(test, lane, base, RECEIVER, MAILBOX_PHASE_READING);
}

EVERYWHERE(the_first_look_leaves_what_is_too_long)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t;

	send(test, lane, base, 9);
	KUNIT_EXPECT_FALSE(test, mailbox_ring_try_take(test->priv, lane, &own, RECEIVER, 8, &t));
	EXPECT_WORD(test, lane, base, SENDER, MAILBOX_PHASE_READY);
}

EVERYWHERE(the_first_look_gives_way_to_parked_messages)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t;

	send(test, lane, base, 1);
	send(test, lane, base + 1, 1);
	take_expected(test, lane, &own, base);
	mailbox_ring_park(lane, base);
	KUNIT_EXPECT_FALSE(test, mailbox_ring_try_take(test->priv, lane, &own, RECEIVER,
						       MESSAGE_SIZE, &t));
	own = base + 2;
	KUNIT_EXPECT_FALSE(test, mailbox_ring_empty(lane, &own));
}

static void a_walk_starts_at_the_own_position_or_the_hint(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	u64 own = 100;

	ring->lane[0].hint = 99;
	KUNIT_EXPECT_EQ(test, mailbox_ring_start(&ring->lane[0], &own), 100);
	ring->lane[0].hint = 101;
	KUNIT_EXPECT_EQ(test, mailbox_ring_start(&ring->lane[0], &own), 101);
}

static void after_more_than_half_the_range_the_hint_leads_back(struct kunit *test)
{
	u64 base = SEQUENCES / 2 + 3, sender = 0, receiver = 0, position;
	struct mailbox_ring_lane *lane = lane_at(test, base);

	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), 0);
	KUNIT_EXPECT_EQ(test, position, base);
	mailbox_slot_write(&lane->view, base, 1, 0, SENDER);
	mailbox_slot_publish(&lane->view, base, SENDER);
	take_expected(test, lane, &receiver, base);
}

static void the_hints_move_once_in_a_period(struct kunit *test)
{
	u64 base = 3 * MAILBOX_HINT_PERIOD - 1;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, p;

	lane->hint = 0;
	for (p = base; p < base + 2 * MAILBOX_HINT_NEAR; p++) {
		send(test, lane, p, 1);
		receive(test, lane, &own, p);
		KUNIT_EXPECT_EQ(test, lane->hint,
				p == base ? 0 : p & ~(MAILBOX_HINT_NEAR - 1ULL));
		KUNIT_EXPECT_EQ(test, lane->shared->hint, p == base ? 0 : 3 * MAILBOX_HINT_PERIOD);
	}
}

/* Headers and lengths */

EVERYWHERE(a_header_carries_length_sender_and_tag)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t = {};
	char *payload;

	claim(test, lane, base);
	payload = mailbox_slot_write(&lane->view, base, 5, 0x123456789abcdef0ULL, 65534);
	memcpy(payload, "five", 5);
	mailbox_slot_publish(&lane->view, base, 65534);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, t.length, 5);
	KUNIT_EXPECT_EQ(test, t.sender, 65534);
	KUNIT_EXPECT_EQ(test, t.tag, 0x123456789abcdef0ULL);
	KUNIT_EXPECT_PTR_EQ(test, t.payload, (void *)payload);
	KUNIT_EXPECT_STREQ(test, (char *)t.payload, "five");
}

static void without_a_tag_the_payload_follows_the_header(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	struct mailbox_slot *slot = mailbox_lane_slot(&lane->view, 0);
	struct mailbox_taken t;

	KUNIT_EXPECT_PTR_EQ(test, mailbox_slot_write(&lane->view, 0, 5, 0, SENDER),
			    (void *)(slot + 1));
	t.tag = 99;
	mailbox_ring_read_header(ring, lane, &lane->view, 0, &t);
	KUNIT_EXPECT_EQ(test, t.tag, 0);
	KUNIT_EXPECT_PTR_EQ(test, t.payload, (void *)(slot + 1));
	KUNIT_EXPECT_PTR_EQ(test, mailbox_slot_write(&lane->view, 0, 5, 1, SENDER),
			    (void *)(slot + 1) + sizeof(u64));
}

EVERYWHERE(an_empty_message_is_a_message)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t = { .length = 1 };

	send(test, lane, base, 0);
	KUNIT_EXPECT_EQ(test, mailbox_ring_take(test->priv, lane, &own, RECEIVER, 0, &t), 0);
	KUNIT_EXPECT_EQ(test, t.length, 0);
}

EVERYWHERE(a_length_that_nobody_could_have_sent_is_cut)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_slot *slot = mailbox_lane_slot(&lane->view, base);
	u64 own = base;
	struct mailbox_taken t = {};

	send(test, lane, base, 1);
	slot->header = ~0ULL;
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), 0);
	KUNIT_EXPECT_EQ(test, t.length, MESSAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, t.payload + t.length <= (void *)slot + lane->view.stride);
}

EVERYWHERE(a_message_that_is_too_long_stays_and_tells_its_length)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t = {};

	send(test, lane, base, 9);
	send(test, lane, base + 1, 1);
	KUNIT_EXPECT_EQ(test, mailbox_ring_take(test->priv, lane, &own, RECEIVER, 8, &t),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t.length, 9);
	EXPECT_WORD(test, lane, base, SENDER, MAILBOX_PHASE_READY);
	KUNIT_EXPECT_EQ(test, mailbox_ring_take(test->priv, lane, &own, RECEIVER, 9, &t), 0);
	KUNIT_EXPECT_EQ(test, t.position, base);
}

/* Parked messages */

static void park(struct kunit *test, struct mailbox_ring_lane *lane, u64 position)
{
	put(lane, position, mailbox_word(position, RECEIVER, MAILBOX_PHASE_READING));
	mailbox_ring_park(lane, position);
}

EVERYWHERE(a_parked_message_comes_before_all_others)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;

	send(test, lane, base, 1);
	send(test, lane, base + 1, 1);
	take_expected(test, lane, &own, base);
	mailbox_ring_park(lane, base);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 1);
	receive(test, lane, &own, base);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 0);
	receive(test, lane, &own, base + 1);
}

EVERYWHERE(the_oldest_parked_message_comes_first)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base + CAPACITY, p;

	for (p = base + CAPACITY - 1; p != base - 1; p--)
		park(test, lane, p);
	for (p = base; p < base + CAPACITY; p++)
		receive(test, lane, &own, p);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 0);
}

EVERYWHERE(a_parked_message_is_found_from_any_position)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 from;

	park(test, lane, base + 1);
	park(test, lane, base + 2);
	for (from = base; from < base + 3 * CAPACITY; from++) {
		struct mailbox_found found = mailbox_ring_walk_ready(lane, from);

		EXPECT_FOUND(test, found, SLOT, base + 1);
		KUNIT_EXPECT_TRUE(test, found.parked);
	}
}

EVERYWHERE(taking_a_parked_message_moves_nobody)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base + 3;

	park(test, lane, base + 1);
	receive(test, lane, &own, base + 1);
	KUNIT_EXPECT_EQ(test, own, base + 3);
}

EVERYWHERE(a_parked_message_is_looked_for_only_if_counted)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);

	put(lane, base, mailbox_word(base, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), NONE, base + 1);
	atomic_inc(&lane->parked);
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), SLOT, base);
}

EVERYWHERE(a_count_without_a_parked_message_does_no_harm)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t;

	atomic_inc(&lane->parked);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EAGAIN);
	send(test, lane, base, 1);
	receive(test, lane, &own, base);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 1);
}

EVERYWHERE(messages_in_the_hands_of_others_are_not_parked)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 p;

	for (p = base; p < base + CAPACITY; p++)
		put(lane, p, mailbox_word(p, MAILBOX_OWNER_PARKED - 1, MAILBOX_PHASE_READING));
	atomic_inc(&lane->parked);
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), NONE, base + CAPACITY);
}

EVERYWHERE(a_parked_word_in_the_wrong_slot_is_not_taken)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_found found;

	put(lane, base, mailbox_word(base + 1, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING));
	atomic_inc(&lane->parked);
	found = mailbox_ring_walk_ready(lane, base);
	KUNIT_EXPECT_FALSE(test, found.parked);
	KUNIT_EXPECT_EQ(test, found.what, BROKEN);
}

EVERYWHERE(a_parked_message_that_is_too_long_stays_parked)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t = {};

	send(test, lane, base, 9);
	take_expected(test, lane, &own, base);
	mailbox_ring_park(lane, base);
	KUNIT_EXPECT_EQ(test, mailbox_ring_take(test->priv, lane, &own, RECEIVER, 8, &t),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, t.length, 9);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 1);
	receive(test, lane, &own, base);
}

EVERYWHERE(a_parked_message_keeps_its_slot)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, sender = base, position, p;

	for (p = base; p < base + CAPACITY; p++)
		send(test, lane, p, 1);
	take_expected(test, lane, &own, base);
	mailbox_ring_park(lane, base);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
}

/* Races */

/* The slot is free, or void from the lap before: both can be claimed. */
static void lose_claims(u64 at, u32 n)
{
	races = n;
	change = mailbox_word(at, 0, MAILBOX_PHASE_FREE) ^
		 mailbox_word(at - CAPACITY, 0, MAILBOX_PHASE_VOID);
}

/* The message is of one sender, or of another. */
static void lose_takes(u32 n)
{
	races = n;
	change = mailbox_word(0, 1, 0);
}

EVERYWHERE(a_claim_that_loses_every_race_comes_back)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, position = 0;

	lose_claims(base, MAILBOX_RACES_MAX);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &own, &position), -EAGAIN);
	KUNIT_EXPECT_EQ(test, races, 0);
	KUNIT_EXPECT_EQ(test, own, base);
	lose_claims(base, MAILBOX_RACES_MAX - 1);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &own, &position), 0);
	KUNIT_EXPECT_EQ(test, position, base);
}

EVERYWHERE(a_take_that_loses_every_race_comes_back)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_taken t;
	u64 own = base;

	send(test, lane, base, 1);
	lose_takes(MAILBOX_RACES_MAX);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EAGAIN);
	KUNIT_EXPECT_EQ(test, races, 0);
	lose_takes(MAILBOX_RACES_MAX - 1);
	take_expected(test, lane, &own, base);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(the_first_look_claims_the_slot_at_the_own_position),
	KUNIT_CASE(the_first_look_takes_the_message_at_the_own_position),
	KUNIT_CASE(the_first_look_leaves_everything_else_to_the_walk),
	KUNIT_CASE(the_first_look_leaves_what_is_too_long),
	KUNIT_CASE(the_first_look_gives_way_to_parked_messages),
	KUNIT_CASE(a_walk_starts_at_the_own_position_or_the_hint),
	KUNIT_CASE(after_more_than_half_the_range_the_hint_leads_back),
	KUNIT_CASE(the_hints_move_once_in_a_period),
	KUNIT_CASE(a_header_carries_length_sender_and_tag),
	KUNIT_CASE(without_a_tag_the_payload_follows_the_header),
	KUNIT_CASE(an_empty_message_is_a_message),
	KUNIT_CASE(a_length_that_nobody_could_have_sent_is_cut),
	KUNIT_CASE(a_message_that_is_too_long_stays_and_tells_its_length),
	KUNIT_CASE(a_parked_message_comes_before_all_others),
	KUNIT_CASE(the_oldest_parked_message_comes_first),
	KUNIT_CASE(a_parked_message_is_found_from_any_position),
	KUNIT_CASE(taking_a_parked_message_moves_nobody),
	KUNIT_CASE(a_parked_message_is_looked_for_only_if_counted),
	KUNIT_CASE(a_count_without_a_parked_message_does_no_harm),
	KUNIT_CASE(messages_in_the_hands_of_others_are_not_parked),
	KUNIT_CASE(a_parked_word_in_the_wrong_slot_is_not_taken),
	KUNIT_CASE(a_parked_message_that_is_too_long_stays_parked),
	KUNIT_CASE(a_parked_message_keeps_its_slot),
	{}
};

/* Looking at all slots: statistics, purge, drained, senders */

static void expect_stats(struct kunit *test, u64 sent, u64 received, u32 depth, u64 dropped)
{
	struct mailbox_ring_stats stats;

	mailbox_ring_stats(test->priv, ~0U, NULL, &stats);
	KUNIT_EXPECT_EQ(test, stats.sent, sent);
	KUNIT_EXPECT_EQ(test, stats.received, received);
	KUNIT_EXPECT_EQ(test, stats.depth, depth);
	KUNIT_EXPECT_EQ(test, stats.dropped, dropped);
}

static void a_message_counts_from_its_publication(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];

	expect_stats(test, 0, 0, 0, 0);
	claim(test, lane, 0);
	expect_stats(test, 0, 0, 0, 0);
	mailbox_slot_publish(&lane->view, 0, SENDER);
	expect_stats(test, 1, 0, 1, 0);
}

static void a_message_is_received_when_it_is_released(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 own = 0;

	send(test, lane, 0, 1);
	take_expected(test, lane, &own, 0);
	expect_stats(test, 1, 0, 0, 0);
	mailbox_slot_release(&lane->view, 0);
	expect_stats(test, 1, 1, 0, 0);
}

static void a_discarded_claim_counts_for_nothing(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 p;

	for (p = 0; p < 2 * CAPACITY; p++) {
		claim(test, lane, p);
		mailbox_ring_discard(ring, lane, p);
		expect_stats(test, 0, 0, 0, 0);
	}
	send(test, lane, p, 1);
	expect_stats(test, 1, 0, 1, 0);
}

static void a_parked_message_counts_as_queued(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 own = 0;

	send(test, lane, 0, 1);
	take_expected(test, lane, &own, 0);
	mailbox_ring_park(lane, 0);
	expect_stats(test, 1, 0, 1, 0);
	receive(test, lane, &own, 0);
	expect_stats(test, 1, 1, 0, 0);
}

static void statistics_are_right_at_every_step_of_many_laps(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 own = 0, p;

	send(test, lane, 0, 1);
	for (p = 1; p < 5 * CAPACITY; p++) {
		send(test, lane, p, 1);
		expect_stats(test, p + 1, p - 1, 2, 0);
		receive(test, lane, &own, p - 1);
		expect_stats(test, p + 1, p, 1, 0);
	}
}

static void statistics_of_a_full_ring_are_right(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	u64 p;
	u32 n;

	for (n = 0; n < LANES; n++)
		for (p = 0; p < CAPACITY; p++)
			send(test, &ring->lane[n], p, 1);
	expect_stats(test, LANES * CAPACITY, 0, LANES * CAPACITY, 0);
}

EVERYWHERE(statistics_are_right_across_the_end_of_the_sequence)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;

	/* To the statistics, the messages before it were all received. */
	send(test, lane, base, 1);
	send(test, lane, base + 1, 1);
	expect_stats(test, LANES * base + 2, LANES * base, 2, 0);
	receive(test, lane, &own, base);
	expect_stats(test, LANES * base + 2, LANES * base + 1, 1, 0);
}

static void redelivered_is_what_was_counted(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_stats stats;

	atomic64_set(&ring->redelivered, 3);
	mailbox_ring_stats(ring, ~0U, NULL, &stats);
	KUNIT_EXPECT_EQ(test, stats.redelivered, 3);
}

static void purge_takes_what_is_queued_on_every_lane(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	u64 p;
	u32 n;

	for (n = 0; n < LANES; n++)
		for (p = 0; p < CAPACITY; p++)
			send(test, &ring->lane[n], p, 1);
	mailbox_ring_purge(ring, NULL, NULL);
	expect_stats(test, LANES * CAPACITY, 0, 0, LANES * CAPACITY);
	for (n = 0; n < LANES; n++)
		claim(test, &ring->lane[n], CAPACITY);
}

static void purge_takes_parked_messages_too(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 own = 0;

	send(test, lane, 0, 1);
	send(test, lane, 1, 1);
	take_expected(test, lane, &own, 0);
	mailbox_ring_park(lane, 0);
	mailbox_ring_purge(ring, NULL, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&lane->parked), 0);
	expect_stats(test, 2, 0, 0, 2);
}

static void purge_leaves_what_somebody_holds(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	u64 own = 0;

	send(test, lane, 0, 1);
	send(test, lane, 1, 1);
	claim(test, lane, 2);
	take_expected(test, lane, &own, 0);
	mailbox_ring_purge(ring, NULL, NULL);
	EXPECT_WORD(test, lane, 0, RECEIVER, MAILBOX_PHASE_READING);
	EXPECT_WORD(test, lane, 2, SENDER, MAILBOX_PHASE_WRITING);
	expect_stats(test, 2, 0, 0, 1);
	mailbox_slot_release(&lane->view, 0);
	expect_stats(test, 2, 1, 0, 1);
}

EVERYWHERE(purge_of_an_empty_ring_drops_nothing)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);

	mailbox_ring_purge(test->priv, NULL, NULL);
	expect_stats(test, LANES * base, LANES * base, 0, 0);
	claim(test, lane, base);
}

EVERYWHERE(a_lane_is_drained_when_all_slots_are_free_or_void)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 p;

	KUNIT_EXPECT_TRUE(test, mailbox_lane_drained(&lane->view));
	for (p = base; p < base + CAPACITY; p++)
		put(lane, p, mailbox_word(p, 0, MAILBOX_PHASE_VOID));
	KUNIT_EXPECT_TRUE(test, mailbox_lane_drained(&lane->view));
}

EVERYWHERE(a_lane_is_not_drained_while_one_slot_is_in_use)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 p, phase;

	for (p = base; p < base + CAPACITY; p++) {
		for (phase = MAILBOX_PHASE_WRITING; phase <= MAILBOX_PHASE_READING; phase++) {
			put(lane, p, mailbox_word(p, SENDER, phase));
			KUNIT_EXPECT_FALSE(test, mailbox_lane_drained(&lane->view));
		}
		put(lane, p, mailbox_word(p, 0, MAILBOX_PHASE_FREE));
	}
}

struct visits {
	int count;
	u32 id[2 * LANES * CAPACITY];
};

static void note_visit(void *arg, u32 id)
{
	struct visits *visits = arg;

	if (visits->count < ARRAY_SIZE(visits->id))
		visits->id[visits->count] = id;
	visits->count++;
}

static void the_sender_of_each_message_in_the_slots_is_named(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct mailbox_ring_lane *lane = &ring->lane[1];
	struct visits visits = {};
	u64 own = 0, p;

	for (p = 0; p < 4; p++) {
		send(test, lane, p, 1);
		mailbox_slot_write(&lane->view, p, 1, 0, 100 + p);
	}
	/* Released, parked, in somebody's hands, ready. */
	receive(test, lane, &own, 0);
	take_expected(test, lane, &own, 1);
	take_expected(test, lane, &own, 2);
	mailbox_ring_park(lane, 1);
	mailbox_ring_each_sender(ring, note_visit, &visits);
	KUNIT_EXPECT_EQ(test, visits.count, 3);
	KUNIT_EXPECT_EQ(test, visits.id[0], 101);
	KUNIT_EXPECT_EQ(test, visits.id[1], 102);
	KUNIT_EXPECT_EQ(test, visits.id[2], 103);
}

static void a_slot_without_a_message_names_nobody(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	struct visits visits = {};

	claim(test, &ring->lane[0], 0);
	claim(test, &ring->lane[0], 1);
	mailbox_ring_discard(ring, &ring->lane[0], 1);
	mailbox_ring_each_sender(ring, note_visit, &visits);
	KUNIT_EXPECT_EQ(test, visits.count, 0);
}

static struct kunit_case look_cases[] = {
	KUNIT_CASE(a_message_counts_from_its_publication),
	KUNIT_CASE(a_message_is_received_when_it_is_released),
	KUNIT_CASE(a_discarded_claim_counts_for_nothing),
	KUNIT_CASE(a_parked_message_counts_as_queued),
	KUNIT_CASE(statistics_are_right_at_every_step_of_many_laps),
	KUNIT_CASE(statistics_of_a_full_ring_are_right),
	KUNIT_CASE(statistics_are_right_across_the_end_of_the_sequence),
	KUNIT_CASE(redelivered_is_what_was_counted),
	KUNIT_CASE(purge_takes_what_is_queued_on_every_lane),
	KUNIT_CASE(purge_takes_parked_messages_too),
	KUNIT_CASE(purge_leaves_what_somebody_holds),
	KUNIT_CASE(purge_of_an_empty_ring_drops_nothing),
	KUNIT_CASE(a_lane_is_drained_when_all_slots_are_free_or_void),
	KUNIT_CASE(a_lane_is_not_drained_while_one_slot_is_in_use),
	KUNIT_CASE(the_sender_of_each_message_in_the_slots_is_named),
	KUNIT_CASE(a_slot_without_a_message_names_nobody),
	{}
};

/* Quarantine: what may have been in a slot, by what the others say */

/* A lap is sent and received, and the first slot of the next is forged. */
static struct mailbox_ring_lane *lane_with_broken_word(struct kunit *test, u32 sent)
{
	struct mailbox_ring_lane *lane = lane_at(test, 0);
	u64 own = 0, p;

	for (p = 0; p < CAPACITY; p++)
		send(test, lane, p, 1);
	for (p = 0; p < CAPACITY; p++)
		receive(test, lane, &own, p);
	for (p = CAPACITY; p < CAPACITY + sent; p++)
		send(test, lane, p, 1);
	put(lane, CAPACITY, mailbox_word(CAPACITY + 1, 0, MAILBOX_PHASE_READY));
	return lane;
}

static void a_lane_goes_on_though_a_laggard_met_the_broken_word(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_with_broken_word(test, 2);
	u64 laggard = 0, own = CAPACITY;
	struct mailbox_taken t;

	KUNIT_EXPECT_EQ(test, take(test, lane, &laggard, &t), -EPROTO);
	EXPECT_WORD(test, lane, CAPACITY, 0, MAILBOX_PHASE_VOID);
	receive(test, lane, &own, CAPACITY + 1);
	send(test, lane, CAPACITY + 2, 1);
	receive(test, lane, &own, CAPACITY + 2);
}

static void a_free_slot_that_was_broken_is_lost_for_one_lap(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_with_broken_word(test, 0);
	u64 laggard = 0, own = CAPACITY, p;

	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &laggard, &p), -EPROTO);
	EXPECT_WORD(test, lane, CAPACITY, 0, MAILBOX_PHASE_VOID);
	for (p = CAPACITY + 1; p < 2 * CAPACITY; p++)
		send(test, lane, p, 1);
	for (p = CAPACITY + 1; p < 2 * CAPACITY; p++)
		receive(test, lane, &own, p);
	send(test, lane, 2 * CAPACITY, 1);
	receive(test, lane, &own, 2 * CAPACITY);
}

static void a_claim_behind_its_own_lap_is_seen_by_its_length(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_with_broken_word(test, 0);
	u64 laggard = 0;
	struct mailbox_taken t;

	/* One word for the rest of the lap: the next number is the broken slot's. */
	put(lane, CAPACITY + 1, mailbox_word_range(CAPACITY + 1, SENDER, CAPACITY - 1,
						   MAILBOX_PHASE_READY));
	KUNIT_EXPECT_EQ(test, take(test, lane, &laggard, &t), -EPROTO);
	EXPECT_WORD(test, lane, 2 * CAPACITY, 0, MAILBOX_PHASE_VOID);
}

static struct kunit_case quarantine_cases[] = {
	KUNIT_CASE(a_lane_goes_on_though_a_laggard_met_the_broken_word),
	KUNIT_CASE(a_free_slot_that_was_broken_is_lost_for_one_lap),
	KUNIT_CASE(a_claim_behind_its_own_lap_is_seen_by_its_length),
	{}
};

static struct kunit_case race_cases[] = {
	KUNIT_CASE(a_claim_that_loses_every_race_comes_back),
	KUNIT_CASE(a_take_that_loses_every_race_comes_back),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "mailbox_ring",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = ring_cases,
};

static struct kunit_suite look_suite = {
	.name = "mailbox_look",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = look_cases,
};

static struct kunit_suite race_suite = {
	.name = "mailbox_race",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = race_cases,
};

static struct kunit_suite quarantine_suite = {
	.name = "mailbox_quarantine",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = quarantine_cases,
};

kunit_test_suites(&ring_suite, &look_suite, &race_suite, &quarantine_suite);
