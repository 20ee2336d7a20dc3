/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: a small ring to test with, and one step of a message each.
 *
 * Most cases run at many places of the sequence: at its start, where a lap ends,
 * and where 36 bits wrap.
 */
#ifndef MAILBOX_TEST_RING_H
#define MAILBOX_TEST_RING_H

#include "../ring.h"
#include "test.h"

#define CAPACITY	8
#define MESSAGE_SIZE	64
#define LANES		2
#define SENDER		7
#define RECEIVER	8
#define SEQUENCES	(1ULL << (64 - MAILBOX_SEQUENCE_SHIFT))

#define NONE	MAILBOX_FIND_NONE
#define SLOT	MAILBOX_FIND_SLOT
#define PENDING	MAILBOX_FIND_PENDING
#define BROKEN	MAILBOX_FIND_BROKEN

static const u64 bases[] = {
	0, 1, CAPACITY - 1, CAPACITY,
	MAILBOX_HINT_PERIOD - 2,
	(1ULL << 32) - 2,
	SEQUENCES / 2 - 2, SEQUENCES / 2,
	SEQUENCES - CAPACITY, SEQUENCES - 2, SEQUENCES - 1, SEQUENCES, SEQUENCES + 1,
	3 * SEQUENCES - 1,
	1ULL << 50,
};

/* A case that runs at all of them, and ends where it fails. */
#define EVERYWHERE(behaviour)							\
static void behaviour##_from(struct kunit *test, u64 base);			\
static void behaviour(struct kunit *test)					\
{										\
	everywhere(test, behaviour##_from);					\
}										\
static void behaviour##_from(struct kunit *test, u64 base)

static inline void everywhere(struct kunit *test, void (*behave)(struct kunit *test, u64 base))
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		behave(test, bases[i]);
		if (READ_ONCE(test->status) == KUNIT_FAILURE) {
			kunit_info(test, "from position %#llx\n", bases[i]);
			return;
		}
	}
}

/* A ring whose lanes have all seen so many messages, and hold none. */
static inline struct mailbox_ring *ring_at(struct kunit *test, u64 base)
{
	struct mailbox_ring *ring = test->priv;
	u64 p;
	u32 n;

	atomic64_set(&ring->discarded, 0);
	atomic64_set(&ring->purged, 0);
	atomic64_set(&ring->redelivered, 0);
	atomic64_set(&ring->quarantined, 0);
	for (n = 0; n < LANES; n++) {
		struct mailbox_ring_lane *lane = &ring->lane[n];

		lane->hint = base;
		atomic_set(&lane->parked, 0);
		lane->shared->parked = 0;
		for (p = base; p < base + CAPACITY; p++)
			mailbox_lane_slot(&lane->view, p)->word =
				mailbox_word(p, 0, MAILBOX_PHASE_FREE);
	}
	return ring;
}

/* The first lane of one. */
static inline struct mailbox_ring_lane *lane_at(struct kunit *test, u64 base)
{
	return &ring_at(test, base)->lane[0];
}

static inline void put(struct mailbox_ring_lane *lane, u64 at, u64 word)
{
	mailbox_lane_slot(&lane->view, at)->word = word;
}

#define EXPECT_WORD(test, lane, position, owner, phase)				\
	KUNIT_EXPECT_EQ(test, mailbox_lane_word(&(lane)->view, position),	\
			mailbox_word(position, owner, phase))

#define EXPECT_FOUND(test, found, expected, expected_position)			\
do {										\
	KUNIT_EXPECT_EQ(test, (found).what, expected);				\
	KUNIT_EXPECT_EQ(test, (found).position, expected_position);		\
} while (0)

static inline int claim_next(struct kunit *test, struct mailbox_ring_lane *lane, u64 *own,
			     u64 *position)
{
	return mailbox_ring_claim(test->priv, lane, own, SENDER, position);
}

static inline void claim(struct kunit *test, struct mailbox_ring_lane *lane, u64 expected)
{
	u64 own = expected, position = 0;

	KUNIT_EXPECT_EQ(test, claim_next(test, lane, &own, &position), 0);
	KUNIT_EXPECT_EQ(test, position, expected);
	KUNIT_EXPECT_EQ(test, own, expected + 1);
}

static inline void send(struct kunit *test, struct mailbox_ring_lane *lane, u64 expected,
			u32 length)
{
	claim(test, lane, expected);
	mailbox_slot_write(&lane->view, expected, length, 0, SENDER);
	mailbox_slot_publish(&lane->view, expected, SENDER);
}

static inline int take(struct kunit *test, struct mailbox_ring_lane *lane, u64 *own,
		       struct mailbox_taken *t)
{
	return mailbox_ring_take(test->priv, lane, own, RECEIVER, MESSAGE_SIZE, t);
}

static inline void take_expected(struct kunit *test, struct mailbox_ring_lane *lane, u64 *own,
				 u64 expected)
{
	struct mailbox_taken t = {};

	KUNIT_EXPECT_EQ(test, take(test, lane, own, &t), 0);
	KUNIT_EXPECT_EQ(test, t.position, expected);
}

static inline void receive(struct kunit *test, struct mailbox_ring_lane *lane, u64 *own,
			   u64 expected)
{
	take_expected(test, lane, own, expected);
	mailbox_slot_release(&lane->view, expected);
}

static inline int ring_init(struct kunit *test)
{
	struct mailbox_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	int err;

	if (!ring)
		return -ENOMEM;
	err = mailbox_ring_init(ring, MESSAGE_SIZE, CAPACITY, LANES);
	if (!err)
		test->priv = ring;
	return err;
}

static inline void ring_exit(struct kunit *test)
{
	if (test->priv)
		mailbox_ring_destroy(test->priv);
}

#endif /* MAILBOX_TEST_RING_H */
