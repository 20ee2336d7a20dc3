// SPDX-License-Identifier: GPL-2.0-only
/* The slot protocol of mailbox_ring.h: words, steps and walks. */

#include <linux/prandom.h>
#include <linux/random.h>

#include "test_ring.h"

/* The word */

static void the_fields_of_a_word_do_not_overlap(struct kunit *test)
{
	u64 word = mailbox_word(SEQUENCES - 1, MAILBOX_OWNER_MASK, MAILBOX_PHASE_MASK);

	KUNIT_EXPECT_EQ(test, word, 0xfffffffff0000000ULL | 0xffff000ULL | 7);
	KUNIT_EXPECT_EQ(test, mailbox_word_phase(mailbox_word(~0ULL, 0xffff, 2)), 2);
	KUNIT_EXPECT_EQ(test, mailbox_word_owner(mailbox_word(~0ULL, 0x1234, 7)), 0x1234);
	KUNIT_EXPECT_EQ(test, mailbox_word(0, 0, MAILBOX_PHASE_FREE), 0);
}

static void a_word_is_told_by_position_and_phase_whoever_its_owner(struct kunit *test)
{
	u64 word = mailbox_word(5, SENDER, MAILBOX_PHASE_READY);

	KUNIT_EXPECT_TRUE(test, mailbox_word_is(word, 5, MAILBOX_PHASE_READY));
	KUNIT_EXPECT_FALSE(test, mailbox_word_is(word, 6, MAILBOX_PHASE_READY));
	KUNIT_EXPECT_FALSE(test, mailbox_word_is(word, 5, MAILBOX_PHASE_WRITING));
	KUNIT_EXPECT_TRUE(test, mailbox_word_is(word, 5 + SEQUENCES, MAILBOX_PHASE_READY));
}

EVERYWHERE(distance_is_signed_and_right_below_half_the_range)
{
	static const s64 distances[] = {
		0, 1, -1, CAPACITY, -CAPACITY, SEQUENCES / 2 - 1, -(s64)(SEQUENCES / 2 - 1),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(distances); i++)
		KUNIT_EXPECT_EQ(test, distances[i],
				mailbox_word_distance(mailbox_word(base + distances[i], 3,
								   MAILBOX_PHASE_VOID), base));
}

static void a_stride_has_room_for_header_tag_and_message_in_whole_lines(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(1), 64);
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(40), 64);
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(41), 128);
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(104), 128);
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(105), 192);
	KUNIT_EXPECT_EQ(test, mailbox_slot_stride(16U << 20), (16U << 20) + 64);
}

static void the_largest_geometry_does_not_overflow(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_ring_bytes(16U << 20, 65536, 32),
			(((16ULL << 20) + 64) << 21) + PAGE_SIZE);
}

/* Steps from slot to slot */

static void a_new_ring_is_free_in_every_slot(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;
	u64 p;
	u32 n;

	KUNIT_EXPECT_EQ(test, ring->bytes, PAGE_SIZE +
			PAGE_ALIGN(mailbox_slot_stride(MESSAGE_SIZE) * CAPACITY * LANES));
	for (n = 0; n < LANES; n++) {
		for (p = 0; p < CAPACITY; p++)
			EXPECT_WORD(test, &ring->lane[n], p, 0, MAILBOX_PHASE_FREE);
		KUNIT_EXPECT_PTR_EQ(test, ring->lane[n].view.slots,
				    (void *)ring->shared + PAGE_SIZE +
				    n * CAPACITY * mailbox_slot_stride(MESSAGE_SIZE));
	}
}

EVERYWHERE(claim_makes_a_free_slot_the_senders)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);

	claim(test, lane, base);
	EXPECT_WORD(test, lane, base, SENDER, MAILBOX_PHASE_WRITING);
}

EVERYWHERE(publish_makes_a_claimed_slot_ready)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);

	claim(test, lane, base);
	mailbox_slot_publish(&lane->view, base, SENDER);
	EXPECT_WORD(test, lane, base, SENDER, MAILBOX_PHASE_READY);
}

EVERYWHERE(discard_makes_a_claimed_slot_void)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);

	claim(test, lane, base);
	mailbox_ring_discard(test->priv, lane, base);
	EXPECT_WORD(test, lane, base, 0, MAILBOX_PHASE_VOID);
}

EVERYWHERE(take_makes_a_ready_slot_the_receivers)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;

	send(test, lane, base, 1);
	take_expected(test, lane, &own, base);
	KUNIT_EXPECT_EQ(test, own, base + 1);
	EXPECT_WORD(test, lane, base, RECEIVER, MAILBOX_PHASE_READING);
}

EVERYWHERE(release_frees_a_slot_for_the_next_lap)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;

	send(test, lane, base, 1);
	receive(test, lane, &own, base);
	EXPECT_WORD(test, lane, base + CAPACITY, 0, MAILBOX_PHASE_FREE);
}

EVERYWHERE(park_leaves_a_message_in_its_place_with_the_kernel)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;

	send(test, lane, base, 1);
	take_expected(test, lane, &own, base);
	mailbox_ring_park(lane, base);
	EXPECT_WORD(test, lane, base, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING);
}

EVERYWHERE(claim_fails_if_the_word_has_changed)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 p = base, seen = mailbox_word(p, 0, MAILBOX_PHASE_FREE), phase;

	for (phase = MAILBOX_PHASE_WRITING; phase <= MAILBOX_PHASE_VOID; phase++) {
		put(lane, p, mailbox_word(p, 3, phase));
		KUNIT_EXPECT_FALSE(test, mailbox_slot_claim(&lane->view, p, seen, SENDER));
		EXPECT_WORD(test, lane, p, 3, phase);
	}
	put(lane, p, mailbox_word(p + CAPACITY, 0, MAILBOX_PHASE_FREE));
	KUNIT_EXPECT_FALSE(test, mailbox_slot_claim(&lane->view, p, seen, SENDER));
}

EVERYWHERE(take_fails_if_the_word_has_changed)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 p = base, seen = mailbox_word(p, 3, MAILBOX_PHASE_READY);

	put(lane, p, mailbox_word(p, 4, MAILBOX_PHASE_READING));
	KUNIT_EXPECT_FALSE(test, mailbox_slot_take(&lane->view, p, seen, RECEIVER));
	EXPECT_WORD(test, lane, p, 4, MAILBOX_PHASE_READING);
	put(lane, p, mailbox_word(p, 0, MAILBOX_PHASE_VOID));
	KUNIT_EXPECT_FALSE(test, mailbox_slot_take(&lane->view, p, seen, RECEIVER));
	put(lane, p, mailbox_word(p + CAPACITY, 3, MAILBOX_PHASE_READY));
	KUNIT_EXPECT_FALSE(test, mailbox_slot_take(&lane->view, p, seen, RECEIVER));
}

static struct kunit_case slot_cases[] = {
	KUNIT_CASE(the_fields_of_a_word_do_not_overlap),
	KUNIT_CASE(a_word_is_told_by_position_and_phase_whoever_its_owner),
	KUNIT_CASE(distance_is_signed_and_right_below_half_the_range),
	KUNIT_CASE(a_stride_has_room_for_header_tag_and_message_in_whole_lines),
	KUNIT_CASE(the_largest_geometry_does_not_overflow),
	KUNIT_CASE(a_new_ring_is_free_in_every_slot),
	KUNIT_CASE(claim_makes_a_free_slot_the_senders),
	KUNIT_CASE(publish_makes_a_claimed_slot_ready),
	KUNIT_CASE(discard_makes_a_claimed_slot_void),
	KUNIT_CASE(take_makes_a_ready_slot_the_receivers),
	KUNIT_CASE(release_frees_a_slot_for_the_next_lap),
	KUNIT_CASE(park_leaves_a_message_in_its_place_with_the_kernel),
	KUNIT_CASE(claim_fails_if_the_word_has_changed),
	KUNIT_CASE(take_fails_if_the_word_has_changed),
	{}
};

/* Walks */

/**
 * struct sight - what a walk finds in the slot where it begins
 * @name: said of the word there
 * @distance: of the word's sequence from the position
 * @phase: of the word
 * @owner: likewise
 * @sender: what a sender's walk ends with
 * @sender_steps: and how far on
 * @receiver: what a receiver's walk ends with
 * @receiver_steps: and how far on
 *
 * The next slot has what either looks for.
 */
struct sight {
	const char *name;
	s64 distance;
	u64 phase;
	u32 owner;
	enum mailbox_find sender;
	u32 sender_steps;
	enum mailbox_find receiver;
	u32 receiver_steps;
};

static const struct sight sights[] = {
	{ "free", 0, MAILBOX_PHASE_FREE, 0, SLOT, 0, NONE, 0 },
	{ "writing", 0, MAILBOX_PHASE_WRITING, 3, SLOT, 1, PENDING, 0 },
	{ "ready", 0, MAILBOX_PHASE_READY, 3, SLOT, 1, SLOT, 0 },
	{ "reading", 0, MAILBOX_PHASE_READING, 3, SLOT, 1, SLOT, 1 },
	{ "parked", 0, MAILBOX_PHASE_READING, MAILBOX_OWNER_PARKED, SLOT, 1, SLOT, 1 },
	{ "void", 0, MAILBOX_PHASE_VOID, 0, SLOT, 1, SLOT, 1 },
	{ "phase 6", 0, 6, 3, BROKEN, 0, BROKEN, 0 },
	{ "phase 7", 0, 7, 0, BROKEN, 0, BROKEN, 0 },

	{ "free a lap behind", -CAPACITY, MAILBOX_PHASE_FREE, 0, NONE, 0, NONE, 0 },
	{ "writing a lap behind", -CAPACITY, MAILBOX_PHASE_WRITING, 3, NONE, 0, NONE, 0 },
	{ "ready a lap behind", -CAPACITY, MAILBOX_PHASE_READY, 3, NONE, 0, NONE, 0 },
	{ "reading a lap behind", -CAPACITY, MAILBOX_PHASE_READING, 3, NONE, 0, NONE, 0 },
	{ "void a lap behind", -CAPACITY, MAILBOX_PHASE_VOID, 0, SLOT, 0, NONE, 0 },
	{ "void two laps behind", -2 * CAPACITY, MAILBOX_PHASE_VOID, 0, NONE, 0, NONE, 0 },

	{ "free a lap ahead", CAPACITY, MAILBOX_PHASE_FREE, 0, SLOT, 1, SLOT, 1 },
	{ "writing a lap ahead", CAPACITY, MAILBOX_PHASE_WRITING, 3, SLOT, 1, SLOT, 1 },
	{ "ready a lap ahead", CAPACITY, MAILBOX_PHASE_READY, 3, SLOT, 1, SLOT, 1 },
	{ "reading a lap ahead", CAPACITY, MAILBOX_PHASE_READING, 3, SLOT, 1, SLOT, 1 },
	{ "void a lap ahead", CAPACITY, MAILBOX_PHASE_VOID, 0, SLOT, 1, SLOT, 1 },

	{ "one ahead", 1, MAILBOX_PHASE_READY, 3, BROKEN, 0, BROKEN, 0 },
	{ "one behind", -1, MAILBOX_PHASE_FREE, 0, BROKEN, 0, BROKEN, 0 },
	{ "a lap and one ahead", CAPACITY + 1, MAILBOX_PHASE_READY, 3, BROKEN, 0, BROKEN, 0 },
	{ "a lap less one behind", 1 - CAPACITY, MAILBOX_PHASE_VOID, 0, BROKEN, 0, BROKEN, 0 },
};

#define EXPECT_SIGHT(test, sight, found, expected, expected_position)		\
do {										\
	KUNIT_EXPECT_EQ_MSG(test, (found).what, expected, "%s", (sight)->name);	\
	KUNIT_EXPECT_EQ_MSG(test, (found).position, expected_position, "%s",	\
			    (sight)->name);					\
} while (0)

EVERYWHERE(a_sender_goes_by_what_it_sees)
{
	const struct sight *sight;
	struct mailbox_found found;

	for (sight = sights; sight < sights + ARRAY_SIZE(sights); sight++) {
		struct mailbox_ring_lane *lane = lane_at(test, base);

		put(lane, base, mailbox_word(base + sight->distance, sight->owner, sight->phase));
		found = mailbox_ring_walk_free(lane, base);
		EXPECT_SIGHT(test, sight, found, sight->sender, base + sight->sender_steps);
		KUNIT_EXPECT_EQ(test, found.word, mailbox_lane_word(&lane->view, found.position));
	}
}

EVERYWHERE(a_receiver_goes_by_what_it_sees)
{
	const struct sight *sight;
	struct mailbox_found found;

	for (sight = sights; sight < sights + ARRAY_SIZE(sights); sight++) {
		struct mailbox_ring_lane *lane = lane_at(test, base);

		put(lane, base + 1, mailbox_word(base + 1, 9, MAILBOX_PHASE_READY));
		put(lane, base, mailbox_word(base + sight->distance, sight->owner, sight->phase));
		found = mailbox_ring_walk_ready(lane, base);
		EXPECT_SIGHT(test, sight, found, sight->receiver, base + sight->receiver_steps);
		KUNIT_EXPECT_EQ(test, found.word, mailbox_lane_word(&lane->view, found.position));
		KUNIT_EXPECT_FALSE(test, found.parked);
	}
}

EVERYWHERE(nobody_overtakes_a_message_being_written)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t;

	claim(test, lane, base);
	send(test, lane, base + 1, 1);
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, own, base);
	mailbox_slot_publish(&lane->view, base, SENDER);
	take_expected(test, lane, &own, base);
	take_expected(test, lane, &own, base + 1);
}

EVERYWHERE(an_empty_lane_says_so)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base;
	struct mailbox_taken t;

	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EAGAIN);
	KUNIT_EXPECT_EQ(test, own, base);
	KUNIT_EXPECT_TRUE(test, mailbox_ring_empty(lane, &own));
	send(test, lane, base, 1);
	KUNIT_EXPECT_FALSE(test, mailbox_ring_empty(lane, &own));
}

EVERYWHERE(a_full_lane_says_so_until_a_slot_is_released)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, sender = base, position, p;

	for (p = base; p < base + CAPACITY; p++)
		send(test, lane, p, 1);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
	KUNIT_EXPECT_EQ(test, sender, base + CAPACITY);
	take_expected(test, lane, &own, base);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
	mailbox_slot_release(&lane->view, base);
	claim(test, lane, base + CAPACITY);
}

EVERYWHERE(messages_come_in_the_order_of_their_claims_lap_after_lap)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, p;

	send(test, lane, base, 1);
	for (p = base + 1; p < base + 5 * CAPACITY; p++) {
		send(test, lane, p, 1);
		receive(test, lane, &own, p - 1);
	}
}

EVERYWHERE(slots_released_out_of_order_are_claimed_in_order)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, sender = base, position, p;

	for (p = base; p < base + CAPACITY; p++)
		send(test, lane, p, 1);
	for (p = base; p < base + CAPACITY; p++)
		take_expected(test, lane, &own, p);
	mailbox_slot_release(&lane->view, base + 1);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
	mailbox_slot_release(&lane->view, base);
	claim(test, lane, base + CAPACITY);
	claim(test, lane, base + CAPACITY + 1);
	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &sender, &position), -EAGAIN);
}

EVERYWHERE(a_given_up_slot_is_stepped_over_and_claimed_over)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, p;

	claim(test, lane, base);
	mailbox_ring_discard(test->priv, lane, base);
	for (p = base + 1; p < base + CAPACITY; p++)
		send(test, lane, p, 1);
	/* The lap is full, but for the void. */
	send(test, lane, base + CAPACITY, 1);
	for (p = base + 1; p <= base + CAPACITY; p++)
		receive(test, lane, &own, p);
}

EVERYWHERE(a_lane_of_given_up_slots_is_empty_and_not_full)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 own = base, p;
	struct mailbox_taken t;

	for (p = base; p < base + 3 * CAPACITY; p++) {
		claim(test, lane, p);
		mailbox_ring_discard(test->priv, lane, p);
	}
	KUNIT_EXPECT_EQ(test, take(test, lane, &own, &t), -EAGAIN);
	send(test, lane, p, 1);
	take_expected(test, lane, &own, p);
}

/* So far may a participant have fallen behind; of whole laps and others. */
static const u64 lags[] = {
	1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 7 * CAPACITY, 7 * CAPACITY + 2,
	MAILBOX_HINT_PERIOD, SEQUENCES / 2 - 4 * CAPACITY, SEQUENCES / 2 - 4 * CAPACITY - 1,
};

static void a_receiver_left_behind_finds_the_oldest_message(struct kunit *test)
{
	struct mailbox_ring_lane *lane;
	u64 base, p;
	int i, lag;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		for (lag = 0; lag < ARRAY_SIZE(lags); lag++) {
			base = bases[i] + lags[lag];
			lane = lane_at(test, base);
			for (p = base; p < base + CAPACITY; p++)
				put(lane, p, mailbox_word(p, 9, MAILBOX_PHASE_READY));
			EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, bases[i]), SLOT, base);
		}
	}
}

static void a_sender_left_behind_finds_the_next_slot(struct kunit *test)
{
	struct mailbox_ring_lane *lane;
	int i, lag;
	u64 base;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		for (lag = 0; lag < ARRAY_SIZE(lags); lag++) {
			base = bases[i] + lags[lag];
			lane = lane_at(test, base);
			EXPECT_FOUND(test, mailbox_ring_walk_free(lane, bases[i]), SLOT, base);
			put(lane, base, mailbox_word(base, 9, MAILBOX_PHASE_READING));
			EXPECT_FOUND(test, mailbox_ring_walk_free(lane, bases[i]), SLOT, base + 1);
		}
	}
}

EVERYWHERE(a_jump_misses_nothing_that_is_still_there)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 now = base + 5 * CAPACITY, p;

	/* Seen where the walk begins: now, free. A lap less one behind it: all ready. */
	ring_at(test, now);
	for (p = now + 1 - CAPACITY; p < now; p++)
		put(lane, p, mailbox_word(p, 9, MAILBOX_PHASE_READY));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), SLOT,
		     now + 1 - CAPACITY);
}

/* Jump, a lap less one behind it, a lap of messages: 2 * CAPACITY words, and the one looked for. */
EVERYWHERE(the_longest_walk_of_a_sender_ends_where_it_should)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 now = base + 3 * CAPACITY, p;

	for (p = now; p < now + CAPACITY; p++)
		put(lane, p, mailbox_word(p, 9, MAILBOX_PHASE_READY));
	EXPECT_FOUND(test, mailbox_ring_walk_free(lane, base), NONE, now + CAPACITY);
	put(lane, now, mailbox_word(now, 0, MAILBOX_PHASE_VOID));
	EXPECT_FOUND(test, mailbox_ring_walk_free(lane, base), SLOT, now + CAPACITY);
}

EVERYWHERE(the_longest_walk_of_a_receiver_ends_where_it_should)
{
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u64 now = base + 3 * CAPACITY, p;

	for (p = now; p < now + CAPACITY; p++)
		put(lane, p, mailbox_word(p, 9, MAILBOX_PHASE_READING));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), NONE, now + CAPACITY);
	p = now + CAPACITY - 1;
	put(lane, p, mailbox_word(p, 9, MAILBOX_PHASE_READY));
	EXPECT_FOUND(test, mailbox_ring_walk_ready(lane, base), SLOT, p);
}

static void a_walk_looks_at_no_more_than_two_laps_and_one(struct kunit *test)
{
	struct mailbox_ring *ring = test->priv;

	KUNIT_EXPECT_EQ(test, mailbox_walk_limit(&ring->lane[0].view), 2 * CAPACITY + 1);
}

static bool word_is(u64 word, u64 position, u64 phase)
{
	return word == mailbox_word(position, 0, phase);
}

/* At its own position, and neither free nor what stands for any number of messages. */
static bool is_senseless(const struct mailbox_lane *view, const struct mailbox_found *found)
{
	return !mailbox_word_distance(found->word, found->position) &&
	       !word_is(found->word, found->position, MAILBOX_PHASE_FREE) &&
	       !mailbox_word_span(view, found->position, found->word);
}

/* Whether a sender's walk over words that nobody changes may end so. */
static bool free_ending_is_true(const struct mailbox_lane *view,
				const struct mailbox_found *found)
{
	s64 distance = mailbox_word_distance(found->word, found->position);

	switch (found->what) {
	case MAILBOX_FIND_SLOT:
		return word_is(found->word, found->position, MAILBOX_PHASE_FREE) ||
		       word_is(found->word, found->position - CAPACITY, MAILBOX_PHASE_VOID);
	case MAILBOX_FIND_NONE:
		return distance < 0 &&
		       !word_is(found->word, found->position - CAPACITY, MAILBOX_PHASE_VOID);
	case MAILBOX_FIND_BROKEN:
		return distance % CAPACITY || is_senseless(view, found) ||
		       mailbox_word_phase(found->word) > MAILBOX_PHASE_SPLIT;
	default:
		return false;
	}
}

/* The same of a receiver's. */
static bool ready_ending_is_true(const struct mailbox_lane *view,
				 const struct mailbox_found *found)
{
	s64 distance = mailbox_word_distance(found->word, found->position);
	u64 phase = mailbox_word_phase(found->word);

	switch (found->what) {
	case MAILBOX_FIND_SLOT:
		return !distance && phase == MAILBOX_PHASE_READY;
	case MAILBOX_FIND_NONE:
		return distance < 0 || (!distance && phase == MAILBOX_PHASE_FREE);
	case MAILBOX_FIND_PENDING:
		return !distance && phase == MAILBOX_PHASE_WRITING;
	case MAILBOX_FIND_BROKEN:
		return distance % CAPACITY || is_senseless(view, found);
	}
	return false;
}

static u64 random_word(struct rnd_state *random, u64 base, u32 slot)
{
	u32 how = prandom_u32_state(random), bits = prandom_u32_state(random);
	s64 laps = (s64)(bits & 7) - 3;
	u64 word;

	/* Anything, but not so far that distances go round. */
	if (how % 16 == 0)
		return mailbox_word(base + (s32)bits, 0, 0) | how >> 4;
	word = mailbox_word(base + slot + laps * CAPACITY, how % 4 ? 0 : bits >> 16,
			    (bits >> 8) % (how % 8 ? 6 : 8));
	if (how & 0x300)
		word |= (how >> 16 & (how & 0x400 ? 0xff : 3)) << MAILBOX_COUNT_SHIFT;
	return how % 32 == 1 ? word + (1ULL << MAILBOX_SEQUENCE_SHIFT) : word;
}

EVERYWHERE(over_any_words_a_walk_ends_and_tells_the_truth)
{
	u32 seed = get_random_u32(), turn, slot;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_found found;
	struct rnd_state random;

	prandom_seed_state(&random, seed);
	for (turn = 0; turn < 500; turn++) {
		for (slot = 0; slot < CAPACITY; slot++)
			put(lane, base + slot, random_word(&random, base, slot));
		found = mailbox_ring_walk_free(lane, base);
		KUNIT_ASSERT_TRUE_MSG(test, free_ending_is_true(&lane->view, &found),
				      "sender, seed %u turn %u: %d at %llu, %#llx", seed, turn,
				      found.what, found.position, found.word);
		found = mailbox_ring_walk_ready(lane, base);
		KUNIT_ASSERT_TRUE_MSG(test, ready_ending_is_true(&lane->view, &found),
				      "receiver, seed %u turn %u: %d at %llu, %#llx", seed, turn,
				      found.what, found.position, found.word);
	}
}

static void words_that_send_a_walk_round_the_sequence_cannot_keep_it(struct kunit *test)
{
	struct mailbox_ring_lane *lane = lane_at(test, 0);
	u64 ahead = SEQUENCES / CAPACITY, p = 0;
	u32 slot;

	/* In each slot, as seen from where the one before it sends the walk. */
	for (slot = 0; slot < CAPACITY; slot++) {
		put(lane, slot, mailbox_word(p + ahead, 0, MAILBOX_PHASE_FREE));
		p += ahead - CAPACITY + 1;
	}
	KUNIT_EXPECT_EQ(test, mailbox_ring_walk_free(lane, 0).what, NONE);
	KUNIT_EXPECT_EQ(test, mailbox_ring_walk_ready(lane, 0).what, PENDING);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(a_sender_goes_by_what_it_sees),
	KUNIT_CASE(a_receiver_goes_by_what_it_sees),
	KUNIT_CASE(nobody_overtakes_a_message_being_written),
	KUNIT_CASE(an_empty_lane_says_so),
	KUNIT_CASE(a_full_lane_says_so_until_a_slot_is_released),
	KUNIT_CASE(messages_come_in_the_order_of_their_claims_lap_after_lap),
	KUNIT_CASE(slots_released_out_of_order_are_claimed_in_order),
	KUNIT_CASE(a_given_up_slot_is_stepped_over_and_claimed_over),
	KUNIT_CASE(a_lane_of_given_up_slots_is_empty_and_not_full),
	KUNIT_CASE(a_receiver_left_behind_finds_the_oldest_message),
	KUNIT_CASE(a_sender_left_behind_finds_the_next_slot),
	KUNIT_CASE(a_jump_misses_nothing_that_is_still_there),
	KUNIT_CASE(the_longest_walk_of_a_sender_ends_where_it_should),
	KUNIT_CASE(the_longest_walk_of_a_receiver_ends_where_it_should),
	KUNIT_CASE(a_walk_looks_at_no_more_than_two_laps_and_one),
	KUNIT_CASE(over_any_words_a_walk_ends_and_tells_the_truth),
	KUNIT_CASE(words_that_send_a_walk_round_the_sequence_cannot_keep_it),
	{}
};

static struct kunit_suite slot_suite = {
	.name = "mailbox_slot",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = slot_cases,
};

static struct kunit_suite walk_suite = {
	.name = "mailbox_walk",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = walk_cases,
};

kunit_test_suites(&slot_suite, &walk_suite);
