// SPDX-License-Identifier: MIT
/*
 * The slot protocol of <linux/mailbox_ring.h>, over memory that two mappings,
 * several threads or several processes share.
 *
 *	ring_test [SEED]
 *
 * Each case runs in a process of its own, so that one that dies or hangs is one
 * failure. What goes on at random prints its seed when it fails.
 */
#include <linux/mailbox_atomic.h>
#ifdef RELAXED_PUBLISH		/* on purpose, to see that a data race would be seen */
#undef MAILBOX_XCHG
#define MAILBOX_XCHG(p, v) __atomic_exchange_n(p, v, __ATOMIC_RELAXED)
#endif
#include "common.h"

/* Steps of one message, checked all the way */

static void claim_at(const struct mailbox_lane *lane, __u64 position)
{
	__u64 p = position, word;

	CHECK(mailbox_find_free(lane, &p, &word) == MAILBOX_FIND_SLOT && p == position);
	CHECK(mailbox_slot_claim(lane, p, word, SENDER));
}

static void send_at(const struct mailbox_lane *lane, __u64 position)
{
	claim_at(lane, position);
	mailbox_slot_publish(lane, position, SENDER);
}

static void take_at(const struct mailbox_lane *lane, __u64 position)
{
	__u64 p = position, word;

	CHECK(mailbox_find_ready(lane, &p, &word) == MAILBOX_FIND_SLOT && p == position);
	CHECK(mailbox_slot_take(lane, p, word, RECEIVER));
}

static enum mailbox_find free_from(const struct mailbox_lane *lane, __u64 position)
{
	__u64 word;

	return mailbox_find_free(lane, &position, &word);
}

static enum mailbox_find ready_from(const struct mailbox_lane *lane, __u64 position)
{
	__u64 word;

	return mailbox_find_ready(lane, &position, &word);
}

/* The word, and where it stands */

static void word_keeps_its_fields_apart(void)
{
	static const __u64 positions[] = { 0, 1, 12345, LAP / 2, LAP - 1 };
	static const __u32 owners[] = { 0, 1, 0x8000, PARKED };
	int i, j;
	__u64 phase;

	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		for (j = 0; j < ARRAY_SIZE(owners); j++) {
			for (phase = FREE; phase <= VOID; phase++) {
				__u64 word = mailbox_word(positions[i], owners[j], phase);

				CHECK(word >> MAILBOX_SEQUENCE_SHIFT == positions[i]);
				CHECK(mailbox_word_owner(word) == owners[j]);
				CHECK(mailbox_word_phase(word) == phase);
				CHECK(!(word & 0xff8));		/* one message, no flag */
				CHECK(mailbox_word_is(word, positions[i], phase));
				CHECK(!mailbox_word_is(word, positions[i] + 1, phase));
				CHECK(!mailbox_word_is(word, positions[i], phase ^ 1));
			}
		}
	}
}

static void sequence_wraps_with_the_position(void)
{
	CHECK(mailbox_word(LAP, 3, READY) == mailbox_word(0, 3, READY));
	CHECK(mailbox_word(5 * LAP + 17, 3, READY) == mailbox_word(17, 3, READY));
	CHECK(mailbox_word(~0ULL, 3, READY) == mailbox_word(LAP - 1, 3, READY));
}

static void distance_is_signed_and_right_within_half_the_range(void)
{
	static const __s64 distances[] = {
		0, 1, -1, 64, -64, (__s64)(LAP / 2) - 1, -(__s64)(LAP / 2) + 1,
	};
	static const __u64 positions[] = { 0, 5, LAP - 1, LAP, LAP / 2, 7 * LAP - 3, ~0ULL };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		for (j = 0; j < ARRAY_SIZE(distances); j++) {
			__u64 at = positions[i] + (__u64)distances[j];

			CHECK(mailbox_word_distance(mailbox_word(at, 0, FREE), positions[i]) ==
			      distances[j]);
			/* Owner and phase do not disturb it. */
			CHECK(mailbox_word_distance(mailbox_word(at, PARKED, VOID), positions[i]) ==
			      distances[j]);
		}
	}
}

static void slot_has_room_for_the_message_and_a_tag(void)
{
	static const __u32 sizes[] = { 0, 1, 8, 39, 40, 41, 48, 104, 105, 4096, 8192, 16U << 20 };
	int i;

	CHECK(sizeof(struct mailbox_slot) == 16);
	CHECK(offsetof(struct mailbox_slot, word) == 0);
	CHECK(offsetof(struct mailbox_slot, header) == 8);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 stride = mailbox_slot_stride(sizes[i]), need = 16 + 8 + (__u64)sizes[i];

		CHECK(stride >= need && stride < need + MAILBOX_SLOT_ALIGN);
		CHECK(stride % MAILBOX_SLOT_ALIGN == 0);
	}
	CHECK(mailbox_slot_stride(40) == 64);		/* one cache line */
	CHECK(mailbox_slot_stride(41) == 128);
}

static void slots_follow_each_other_lap_after_lap(void)
{
	static const __u32 capacities[] = { 2, 4, 64, 65536 };
	int i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		struct ring r = ring_make(capacities[i], 8, 0);
		__u64 p;

		for (p = 0; p < 2ULL * capacities[i]; p++) {
			char *slot = (char *)mailbox_lane_slot(&r.lane, p);

			CHECK(slot == (char *)r.lane.slots + p % capacities[i] * r.lane.stride);
			CHECK((unsigned long)slot % MAILBOX_SLOT_ALIGN == 0);
			CHECK((char *)mailbox_lane_slot(&r.lane, p + 3 * LAP) == slot);
			CHECK((char *)mailbox_lane_slot(&r.lane, p - 2ULL * capacities[i]) == slot);
		}
		ring_drop(&r);
	}
}

/* Transitions */

static void message_passes_every_phase(void)
{
	struct ring r = ring_make(4, 8, 100);
	__u64 p = 100, word;

	CHECK(mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 100);
	CHECK(mailbox_slot_claim(&r.lane, p, word, SENDER));
	CHECK(mailbox_lane_word(&r.other, 100) == mailbox_word(100, SENDER, WRITING));
	CHECK(ready_from(&r.other, 100) == MAILBOX_FIND_PENDING);
	mailbox_slot_publish(&r.lane, p, SENDER);
	CHECK(mailbox_lane_word(&r.other, 100) == mailbox_word(100, SENDER, READY));
	CHECK(mailbox_find_ready(&r.other, &p, &word) == MAILBOX_FIND_SLOT && p == 100);
	CHECK(mailbox_word_owner(word) == SENDER);
	CHECK(mailbox_slot_take(&r.other, p, word, RECEIVER));
	CHECK(mailbox_lane_word(&r.lane, 100) == mailbox_word(100, RECEIVER, READING));
	CHECK(ready_from(&r.lane, 100) == MAILBOX_FIND_NONE);
	mailbox_slot_release(&r.other, p);
	CHECK(mailbox_lane_word(&r.lane, 100) == mailbox_word(104, 0, FREE));
	ring_drop(&r);
}

static void payload_is_there_when_the_word_says_so(void)
{
	struct ring r = ring_make(2, 40, 0);
	struct mailbox_slot *slot = mailbox_lane_slot(&r.lane, 0);

	claim_at(&r.lane, 0);
	slot->header = 5 | MAILBOX_SLOT_TAG | 77ULL << MAILBOX_SLOT_SENDER_SHIFT;
	memcpy(slot + 1, "hello", 5);
	mailbox_slot_publish(&r.lane, 0, SENDER);
	take_at(&r.other, 0);
	slot = mailbox_lane_slot(&r.other, 0);
	CHECK((__u32)slot->header == 5);
	CHECK(slot->header & MAILBOX_SLOT_TAG);
	CHECK(slot->header >> MAILBOX_SLOT_SENDER_SHIFT == 77);
	CHECK(!memcmp(slot + 1, "hello", 5));
	ring_drop(&r);
}

static void claim_fails_when_somebody_was_faster(void)
{
	struct ring r = ring_make(2, 8, 0);
	__u64 p = 0, word;

	CHECK(mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT);
	CHECK(mailbox_slot_claim(&r.other, p, word, 1));
	CHECK(!mailbox_slot_claim(&r.lane, p, word, 2));
	CHECK(mailbox_lane_word(&r.lane, 0) == mailbox_word(0, 1, WRITING));
	CHECK(mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 1);
	ring_drop(&r);
}

static void take_fails_when_somebody_was_faster(void)
{
	struct ring r = ring_make(2, 8, 0);
	__u64 p = 0, word;

	send_at(&r.lane, 0);
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT);
	CHECK(mailbox_slot_take(&r.other, p, word, 1));
	CHECK(!mailbox_slot_take(&r.lane, p, word, 2));
	CHECK(mailbox_lane_word(&r.lane, 0) == mailbox_word(0, 1, READING));
	mailbox_slot_release(&r.other, 0);
	CHECK(!mailbox_slot_take(&r.lane, p, word, 2));	/* nor a lap later */
	send_at(&r.other, 1);
	send_at(&r.other, 2);
	CHECK(!mailbox_slot_take(&r.lane, p, word, 2));
	ring_drop(&r);
}

/* Every phase, before, at and behind the walker */

struct meeting {
	const char *what;
	int laps;			/* of the word, from the walker */
	__u32 owner;
	__u64 phase;
	enum mailbox_find find;
	int steps;			/* how far the walk went; the next slot is FREE */
};

static void meet(const struct meeting *m, int count,
		 enum mailbox_find (*find)(const struct mailbox_lane *, __u64 *, __u64 *))
{
	static const __u32 capacities[] = { 2, 4, 1024 };
	static const __u64 starts[] = { 4096, LAP, LAP / 2, 9 * LAP };
	int i, j, k;

	for (i = 0; i < count; i++) {
		for (j = 0; j < ARRAY_SIZE(capacities); j++) {
			struct ring r = ring_make(capacities[j], 8, 0);

			for (k = 0; k < ARRAY_SIZE(starts); k++) {
				__u64 p = starts[k], word = 0, at = p;

				lane_reset(&r.lane, p);
				at += (__u64)(m[i].laps * (int)capacities[j]);
				set_word(&r.lane, p, mailbox_word(at, m[i].owner, m[i].phase));
				if (find(&r.other, &p, &word) != m[i].find ||
				    p != starts[k] + (__u64)m[i].steps ||
				    word != mailbox_lane_word(&r.lane, p)) {
					printf("# %s: capacity %u, start %#llx: at %#llx\n",
					       m[i].what, capacities[j],
					       (unsigned long long)starts[k], (unsigned long long)p);
					fflush(stdout);
					_exit(1);
				}
			}
			ring_drop(&r);
		}
	}
}

static void sender_meets_every_phase(void)
{
	static const struct meeting meetings[] = {
		{ "free", 0, 0, FREE, MAILBOX_FIND_SLOT, 0 },
		{ "being written", 0, SENDER, WRITING, MAILBOX_FIND_SLOT, 1 },
		{ "ready", 0, SENDER, READY, MAILBOX_FIND_SLOT, 1 },
		{ "being read", 0, RECEIVER, READING, MAILBOX_FIND_SLOT, 1 },
		{ "parked", 0, PARKED, READING, MAILBOX_FIND_SLOT, 1 },
		{ "void", 0, 0, VOID, MAILBOX_FIND_SLOT, 1 },
		{ "a lap ahead, free", 1, 0, FREE, MAILBOX_FIND_SLOT, 1 },
		{ "a lap ahead, being written", 1, SENDER, WRITING, MAILBOX_FIND_SLOT, 1 },
		{ "a lap ahead, ready", 1, SENDER, READY, MAILBOX_FIND_SLOT, 1 },
		{ "a lap ahead, being read", 1, RECEIVER, READING, MAILBOX_FIND_SLOT, 1 },
		{ "a lap ahead, void", 1, 0, VOID, MAILBOX_FIND_SLOT, 1 },
		{ "a lap behind, being written", -1, SENDER, WRITING, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, ready", -1, SENDER, READY, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, being read", -1, RECEIVER, READING, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, parked", -1, PARKED, READING, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, void", -1, 0, VOID, MAILBOX_FIND_SLOT, 0 },
	};

	meet(meetings, ARRAY_SIZE(meetings), mailbox_find_free);
}

static void receiver_meets_every_phase(void)
{
	static const struct meeting meetings[] = {
		{ "free", 0, 0, FREE, MAILBOX_FIND_NONE, 0 },
		{ "being written", 0, SENDER, WRITING, MAILBOX_FIND_PENDING, 0 },
		{ "ready", 0, SENDER, READY, MAILBOX_FIND_SLOT, 0 },
		{ "being read", 0, RECEIVER, READING, MAILBOX_FIND_NONE, 1 },
		{ "parked", 0, PARKED, READING, MAILBOX_FIND_NONE, 1 },
		{ "void", 0, 0, VOID, MAILBOX_FIND_NONE, 1 },
		{ "a lap ahead, free", 1, 0, FREE, MAILBOX_FIND_NONE, 1 },
		{ "a lap ahead, being written", 1, SENDER, WRITING, MAILBOX_FIND_NONE, 1 },
		{ "a lap ahead, ready", 1, SENDER, READY, MAILBOX_FIND_NONE, 1 },
		{ "a lap ahead, being read", 1, RECEIVER, READING, MAILBOX_FIND_NONE, 1 },
		{ "a lap ahead, void", 1, 0, VOID, MAILBOX_FIND_NONE, 1 },
		{ "a lap behind, being read", -1, RECEIVER, READING, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, parked", -1, PARKED, READING, MAILBOX_FIND_NONE, 0 },
		{ "a lap behind, void", -1, 0, VOID, MAILBOX_FIND_NONE, 0 },
	};

	meet(meetings, ARRAY_SIZE(meetings), mailbox_find_ready);
}

static void broken_words_are_told_apart(void)
{
	static const struct meeting both[] = {
		{ "phase 6", 0, 1, 6, MAILBOX_FIND_BROKEN, 0 },
		{ "phase 7", 0, PARKED, 7, MAILBOX_FIND_BROKEN, 0 },
	};
	static const __u32 capacities[] = { 2, 4, 1024 };
	int i;

	meet(both, ARRAY_SIZE(both), mailbox_find_free);
	meet(both, ARRAY_SIZE(both), mailbox_find_ready);

	/* Not whole laps away: it belongs into another slot. */
	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		struct ring r = ring_make(capacities[i], 8, 4096);
		__u64 d, phase;

		for (d = 1; d < capacities[i]; d++) {
			for (phase = FREE; phase <= VOID; phase++) {
				set_word(&r.lane, 4096, mailbox_word(4096 + d, 0, phase));
				CHECK(free_from(&r.lane, 4096) == MAILBOX_FIND_BROKEN);
				CHECK(ready_from(&r.lane, 4096) == MAILBOX_FIND_BROKEN);
				set_word(&r.lane, 4096, mailbox_word(4096 - d, 0, phase));
				CHECK(free_from(&r.lane, 4096) == MAILBOX_FIND_BROKEN);
				CHECK(ready_from(&r.lane, 4096) == MAILBOX_FIND_BROKEN);
			}
		}
		ring_drop(&r);
	}
}

/* Full and empty */

static void lane_holds_its_capacity_and_no_more(void)
{
	static const __u32 capacities[] = { 2, 4, 64, 65536 };
	int i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		__u32 capacity = capacities[i];
		struct ring r = ring_make(capacity, 8, 0);
		__u64 p, lap;

		for (lap = 0; lap < 3; lap++) {
			__u64 from = lap * capacity;

			CHECK(ready_from(&r.lane, from) == MAILBOX_FIND_NONE);
			for (p = from; p < from + capacity; p++)
				send_at(&r.lane, p);
			CHECK(free_from(&r.lane, from + capacity) == MAILBOX_FIND_NONE);
			CHECK(free_from(&r.lane, from) == MAILBOX_FIND_NONE);
			for (p = from; p < from + capacity; p++) {
				take_at(&r.lane, p);
				if (p == from)
					CHECK(free_from(&r.lane, from) == MAILBOX_FIND_NONE);
				mailbox_slot_release(&r.lane, p);
				if (p == from)
					CHECK(free_from(&r.lane, from) == MAILBOX_FIND_SLOT);
			}
		}
		ring_drop(&r);
	}
}

static void nobody_overtakes_a_message_being_written(void)
{
	struct ring r = ring_make(4, 8, 0);
	__u64 p = 0, word;

	claim_at(&r.lane, 0);
	send_at(&r.lane, 1);
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_PENDING && p == 0);
	mailbox_slot_publish(&r.lane, 0, SENDER);
	take_at(&r.lane, 0);
	p = 0;
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 1);
	ring_drop(&r);
}

static void slots_released_out_of_order_wait_for_their_turn(void)
{
	struct ring r = ring_make(4, 8, 0);
	__u64 p;

	for (p = 0; p < 4; p++)
		send_at(&r.lane, p);
	for (p = 0; p < 4; p++)
		take_at(&r.lane, p);
	mailbox_slot_release(&r.lane, 3);
	mailbox_slot_release(&r.lane, 1);
	CHECK(free_from(&r.lane, 0) == MAILBOX_FIND_NONE);
	mailbox_slot_release(&r.lane, 0);
	send_at(&r.lane, 4);
	send_at(&r.lane, 5);
	CHECK(free_from(&r.lane, 6) == MAILBOX_FIND_NONE);
	mailbox_slot_release(&r.lane, 2);
	send_at(&r.lane, 6);
	send_at(&r.lane, 7);
	CHECK(free_from(&r.lane, 4) == MAILBOX_FIND_NONE);
	ring_drop(&r);
}

/* VOID */

static void void_is_stepped_over_and_claimed_over(void)
{
	struct ring r = ring_make(2, 8, 0);
	__u64 p = 0, word;

	claim_at(&r.lane, 0);
	mailbox_slot_discard(&r.lane, 0);
	CHECK(mailbox_lane_word(&r.other, 0) == mailbox_word(0, 0, VOID));
	send_at(&r.lane, 1);
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 1);
	p = 0;
	CHECK(mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 2);
	CHECK(word == mailbox_word(0, 0, VOID));
	CHECK(mailbox_slot_claim(&r.lane, p, word, SENDER));
	CHECK(mailbox_lane_word(&r.other, 2) == mailbox_word(2, SENDER, WRITING));
	CHECK(!mailbox_slot_claim(&r.lane, p, word, SENDER));
	ring_drop(&r);
}

static void lane_of_voids_is_empty_and_can_be_filled(void)
{
	static const __u32 capacities[] = { 2, 4, 64 };
	int i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		__u32 capacity = capacities[i];
		struct ring r = ring_make(capacity, 8, 0);
		__u64 p;

		for (p = 0; p < 5ULL * capacity; p++) {
			claim_at(&r.lane, p);
			mailbox_slot_discard(&r.lane, p);
			CHECK(ready_from(&r.lane, 0) == MAILBOX_FIND_NONE);
			CHECK(ready_from(&r.lane, p) == MAILBOX_FIND_NONE);
			CHECK(mailbox_lane_drained(&r.lane));
		}
		for (p = 5ULL * capacity; p < 6ULL * capacity; p++)
			send_at(&r.lane, p);
		CHECK(free_from(&r.lane, 0) == MAILBOX_FIND_NONE);
		ring_drop(&r);
	}
}

static void lane_is_drained_when_every_slot_is_free_or_void(void)
{
	struct ring r = ring_make(4, 8, 0);

	CHECK(mailbox_lane_drained(&r.lane));
	claim_at(&r.lane, 0);
	CHECK(!mailbox_lane_drained(&r.lane));		/* may be published */
	mailbox_slot_discard(&r.lane, 0);
	CHECK(mailbox_lane_drained(&r.lane));
	send_at(&r.lane, 1);
	CHECK(!mailbox_lane_drained(&r.lane));
	take_at(&r.lane, 1);
	CHECK(!mailbox_lane_drained(&r.lane));		/* may be parked */
	mailbox_slot_park(&r.lane, 1);
	CHECK(!mailbox_lane_drained(&r.lane));
	mailbox_slot_release(&r.lane, 1);
	CHECK(mailbox_lane_drained(&r.lane));
	ring_drop(&r);
}

/* Parked messages */

static void parked_is_found_and_taken_once(void)
{
	struct ring r = ring_make(4, 8, 8);
	__u64 p = 8, q = 8, word = 0, other = 0;

	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_NONE);
	send_at(&r.lane, 8);
	take_at(&r.lane, 8);
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_NONE);
	mailbox_slot_park(&r.lane, 8);
	CHECK(mailbox_lane_word(&r.other, 8) == mailbox_word(8, PARKED, READING));
	CHECK(ready_from(&r.lane, 8) == MAILBOX_FIND_NONE);
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 8);
	CHECK(mailbox_find_parked(&r.other, &q, &other) == MAILBOX_FIND_SLOT && q == 8);
	CHECK(mailbox_slot_take(&r.lane, p, word, 1));
	CHECK(!mailbox_slot_take(&r.other, q, other, 2));
	CHECK(mailbox_lane_word(&r.lane, 8) == mailbox_word(8, 1, READING));
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_NONE);
	mailbox_slot_park(&r.lane, 8);			/* again */
	p = 11;
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 8);
	CHECK(mailbox_slot_take(&r.lane, p, word, 1));
	mailbox_slot_release(&r.lane, 8);
	CHECK(mailbox_lane_word(&r.lane, 8) == mailbox_word(12, 0, FREE));
	ring_drop(&r);
}

static void parked_ones_come_oldest_first(void)
{
	static const __u64 starts[] = { 0, 6, LAP - 3, LAP / 2 - 3, 3 * LAP + 5 };
	static const int order[] = { 5, 2, 7, 0, 3 }, sorted[] = { 0, 2, 3, 5, 7 };
	static const __s64 bases[] = { 0, 3, 8, -8, (__s64)(LAP / 2) - 9, 16 - (__s64)(LAP / 2) };
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct ring r = ring_make(8, 8, starts[i]);
		__u64 p, word;

		for (p = starts[i]; p < starts[i] + 8; p++)
			send_at(&r.lane, p);
		for (p = starts[i]; p < starts[i] + 8; p++)
			take_at(&r.lane, p);
		for (j = 0; j < ARRAY_SIZE(order); j++)
			mailbox_slot_park(&r.lane, starts[i] + (__u64)order[j]);
		for (j = 0; j < ARRAY_SIZE(sorted); j++) {
			for (k = 0; k < ARRAY_SIZE(bases); k++) {
				p = starts[i] + (__u64)bases[k];
				CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_SLOT);
				CHECK(p == starts[i] + (__u64)sorted[j]);
				CHECK(word == mailbox_word(p, PARKED, READING));
			}
			CHECK(mailbox_slot_take(&r.lane, p, word, RECEIVER));
		}
		CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_NONE);
		ring_drop(&r);
	}
}

static void parked_in_the_wrong_slot_is_passed_over(void)
{
	struct ring r = ring_make(4, 8, 0);
	__u64 p = 0, word;

	set_word(&r.lane, 1, mailbox_word(2, PARKED, READING));
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_NONE);
	set_word(&r.lane, 3, mailbox_word(7, PARKED, READING));
	CHECK(mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 7);
	ring_drop(&r);
}

/* Wrapping */

static void messages_flow_across_the_wrap_of_the_sequence(void)
{
	static const __u64 starts[] = { LAP - 7, LAP / 2 - 7, 4 * LAP - 1, 0ULL - 2 * LAP - 5 };
	static const __u32 capacities[] = { 2, 8 };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		for (j = 0; j < ARRAY_SIZE(capacities); j++) {
			struct ring r = ring_make(capacities[j], 8, starts[i]);
			__u64 p, word, q;

			for (p = starts[i]; p < starts[i] + 20; p++) {
				send_at(&r.lane, p);
				q = starts[i];		/* lags more and more */
				CHECK(mailbox_find_ready(&r.lane, &q, &word) == MAILBOX_FIND_SLOT &&
				      q == p);
				take_at(&r.other, p);
				if (p % 3 == 0)
					mailbox_slot_park(&r.lane, p);
				mailbox_slot_release(&r.other, p);
				q = starts[i];
				CHECK(mailbox_find_free(&r.lane, &q, &word) == MAILBOX_FIND_SLOT &&
				      q == p + 1);
			}
			ring_drop(&r);
		}
	}
}

/* Who slept for longer than a sequence can tell starts where others say, if that is so. */
static void long_sleeper_starts_at_the_hint(void)
{
	__u64 base = LAP + LAP / 2 + 3, p, word;
	struct ring r = ring_make(8, 8, base);

	send_at(&r.lane, base);
	CHECK(mailbox_lane_start(&r.lane, 0, base) == base);
	CHECK(mailbox_lane_start(&r.lane, base - 5, base) == base - 5);
	CHECK(mailbox_lane_start(&r.lane, base, 0) == base);
	CHECK(mailbox_lane_start(&r.lane, 0, base + 1 + MAILBOX_HINT_FAR) == 0);
	CHECK(mailbox_lane_start(&r.lane, 0, base - 8 * MAILBOX_HINT_PERIOD) == 0);
	CHECK(mailbox_lane_start(&r.lane, 0, base - 2 * MAILBOX_HINT_PERIOD) ==
	      base - 2 * MAILBOX_HINT_PERIOD);
	p = mailbox_lane_start(&r.lane, 0, base - 8);
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == base);
	ring_drop(&r);
}

/*
 * The longest walk: a lap or more behind, the slot it starts at VOID and to be
 * claimed over, no other released.
 */
static void longest_walk_reaches_its_end(void)
{
	static const __u32 capacities[] = { 2, 4, 8, 1024 };
	int i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		__u32 capacity = capacities[i];
		__u64 end = 8ULL * capacity, p, q, word;
		struct ring r = ring_make(capacity, 8, end);

		set_word(&r.lane, end, mailbox_word(end - capacity, 0, VOID));
		for (p = end - capacity + 1; p < end; p++)
			set_word(&r.lane, p, mailbox_word(p, SENDER, READY));
		for (p = 0; p <= end; p++) {
			q = p;
			CHECK(mailbox_find_free(&r.lane, &q, &word) == MAILBOX_FIND_SLOT);
			CHECK(q == end);
		}
		/* All but that one in the hands of receivers: the same for a receiver. */
		for (p = end - capacity + 1; p < end; p++)
			set_word(&r.lane, p, mailbox_word(p, RECEIVER, READING));
		for (p = 0; p <= end; p++)
			CHECK(ready_from(&r.lane, p) == MAILBOX_FIND_NONE);
		ring_drop(&r);
	}
}

/*
 * Random steps, and beside them a plain list of what became of each position:
 * every word and every walk, from however far behind, must agree with it.
 */
struct list {
	__u64 start, end;		/* positions handed out */
	unsigned char phase[1 << 14];
	unsigned char parked[1 << 14];
	unsigned char gone[1 << 14];
};

static struct list list;

#define ENTRY(array, position) (list.array[(position) - list.start])

static __u64 some_start(__u64 *random, __u64 truth)
{
	__u64 reach = LAP / 2 - 4096;
	__u64 lag;

	switch (below(random, 4)) {
	case 0:
		return truth;
	case 1:
		lag = below(random, 20);
		break;
	case 2:
		lag = below(random, 1000);
		break;
	default:
		lag = below(random, reach);
	}
	return lag <= truth ? truth - lag : below(random, truth + 1);
}

/* Where a slot stands that still belongs to position @p, or which was freed by it. */
static __u64 expected_word(const struct mailbox_lane *lane, __u64 p)
{
	__u32 owner = ENTRY(phase, p) == READING ? RECEIVER : SENDER;

	if (ENTRY(gone, p))
		return mailbox_word(p + lane->capacity, 0, FREE);
	if (ENTRY(parked, p))
		owner = PARKED;
	else if (ENTRY(phase, p) == VOID)
		owner = 0;
	return mailbox_word(p, owner, ENTRY(phase, p));
}

static void check_against_list(const struct ring *r, __u64 *random)
{
	const struct mailbox_lane *lane = &r->other;
	__u64 capacity = lane->capacity, low, p, q, word, oldest;
	enum mailbox_find find, expected;

	low = list.end - list.start < capacity ? list.start : list.end - capacity;
	for (p = low; p < list.end; p++)
		CHECK(mailbox_lane_word(lane, p) == expected_word(lane, p));

	/* A sender: whether the next position can be claimed. */
	expected = MAILBOX_FIND_SLOT;
	if (list.end - list.start >= capacity && !ENTRY(gone, list.end - capacity) &&
	    ENTRY(phase, list.end - capacity) != VOID)
		expected = MAILBOX_FIND_NONE;
	q = some_start(random, list.end);
	find = mailbox_find_free(lane, &q, &word);
	CHECK(find == expected && q == list.end);

	/* A receiver: the first that nobody has taken. */
	for (p = low; p < list.end; p++)
		if (!ENTRY(gone, p) && (ENTRY(phase, p) == READY || ENTRY(phase, p) == WRITING))
			break;
	expected = p == list.end ? MAILBOX_FIND_NONE :
		   ENTRY(phase, p) == READY ? MAILBOX_FIND_SLOT : MAILBOX_FIND_PENDING;
	q = some_start(random, p);
	find = mailbox_find_ready(lane, &q, &word);
	CHECK(find == expected && q == p);

	/* The oldest parked one. */
	for (oldest = low; oldest < list.end && !ENTRY(parked, oldest); oldest++)
		;
	q = some_start(random, list.end);
	find = mailbox_find_parked(lane, &q, &word);
	CHECK(find == (oldest < list.end ? MAILBOX_FIND_SLOT : MAILBOX_FIND_NONE));
	CHECK(find == MAILBOX_FIND_NONE || q == oldest);

	for (p = low; p < list.end; p++)
		if (!ENTRY(gone, p) && ENTRY(phase, p) != VOID)
			break;
	CHECK(mailbox_lane_drained(lane) == (p == list.end));
}

/* Some position in that phase, or none. */
static int pick(const struct mailbox_lane *lane, __u64 *random, __u64 phase, __u64 *position)
{
	__u64 low = list.end - list.start < lane->capacity ? list.start : list.end - lane->capacity;
	__u64 count = list.end - low, i;

	if (!count)
		return 0;
	*position = low + below(random, count);
	for (i = 0; i < count; i++) {
		if (!ENTRY(gone, *position) && !ENTRY(parked, *position) &&
		    ENTRY(phase, *position) == phase)
			return 1;
		if (++*position == list.end)
			*position = low;
	}
	return 0;
}

static void step_at_random(const struct mailbox_lane *lane, __u64 *random)
{
	__u64 p, word;

	switch (below(random, 8)) {
	case 0:
	case 1:
	case 2:
		p = some_start(random, list.end);
		if (mailbox_find_free(lane, &p, &word) == MAILBOX_FIND_SLOT) {
			CHECK(p == list.end && mailbox_slot_claim(lane, p, word, SENDER));
			list.end++;
			ENTRY(phase, p) = WRITING;
		}
		break;
	case 3:
		if (pick(lane, random, WRITING, &p)) {
			mailbox_slot_publish(lane, p, SENDER);
			ENTRY(phase, p) = READY;
		}
		break;
	case 4:
		if (pick(lane, random, WRITING, &p)) {
			if (below(random, 3)) {
				mailbox_slot_publish(lane, p, SENDER);
				ENTRY(phase, p) = READY;
			} else {
				mailbox_slot_discard(lane, p);
				ENTRY(phase, p) = VOID;
			}
		}
		break;
	case 5:
		p = list.start;
		if (list.end - p > LAP / 4)
			break;
		if (mailbox_find_ready(lane, &p, &word) == MAILBOX_FIND_SLOT) {
			CHECK(ENTRY(phase, p) == READY && mailbox_slot_take(lane, p, word, RECEIVER));
			ENTRY(phase, p) = READING;
		}
		break;
	case 6:
		if (pick(lane, random, READING, &p)) {
			if (below(random, 3)) {
				mailbox_slot_release(lane, p);
				ENTRY(gone, p) = 1;
			} else {
				mailbox_slot_park(lane, p);
				ENTRY(parked, p) = 1;
			}
		}
		break;
	case 7:
		p = list.end;
		if (mailbox_find_parked(lane, &p, &word) == MAILBOX_FIND_SLOT) {
			CHECK(ENTRY(parked, p) && mailbox_slot_take(lane, p, word, RECEIVER));
			ENTRY(parked, p) = 0;
		}
		break;
	}
}

static void random_steps_agree_with_a_plain_list(void)
{
	static const __u32 capacities[] = { 2, 4, 8, 32 };
	static const __u64 starts[] = { 0, 100, LAP - 500, LAP / 2 - 500, LAP, 6 * LAP - 100 };
	__u64 random = seed;
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		for (j = 0; j < ARRAY_SIZE(starts); j++) {
			struct ring r = ring_make(capacities[i], 8, starts[j]);

			memset(&list, 0, sizeof(list));
			list.start = list.end = starts[j];
			for (k = 0; k < 6000; k++) {
				step_at_random(&r.lane, &random);
				check_against_list(&r, &random);
			}
			ring_drop(&r);
		}
	}
}

/* Memory that cannot be trusted */

static __u64 random_word(__u64 *random, __u64 near)
{
	__u64 word = next_random(random);

	switch (below(random, 4)) {
	case 0:
		return word;
	case 1:
		return mailbox_word(near + below(random, 64) - 32, below(random, 3), word & 7);
	case 2:
		return mailbox_word(near, 0xffff * (word >> 60 & 1), word & 7);
	default:
		return mailbox_word(near + (word >> 40), word >> 20 & 0xffff, word & 7);
	}
}

static void walks_over_random_words_end_and_stay_inside(void)
{
	static const __u32 capacities[] = { 2, 4, 16, 256 };
	__u64 random = seed;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		__u32 capacity = capacities[i];
		struct mailbox_lane lane = { NULL, capacity, (__u32)mailbox_slot_stride(8) };
		/* On the heap to the byte, for the address sanitizer. */
		char *memory = (char *)malloc((size_t)capacity * lane.stride +
					      MAILBOX_SLOT_ALIGN);

		CHECK(memory);
		lane.slots = memory + (size_t)(-(unsigned long)memory % MAILBOX_SLOT_ALIGN);
		for (j = 0; j < 20000; j++) {
			__u64 near = next_random(&random) >> below(&random, 64), p, word;
			__u64 first = near - near % capacity, s;

			for (s = 0; s < capacity; s++)
				set_word(&lane, s, random_word(&random, first + s));
			p = near;
			word = 0;
			if (mailbox_find_free(&lane, &p, &word) == MAILBOX_FIND_SLOT)
				CHECK(mailbox_slot_claim(&lane, p, word, 1) &&
				      mailbox_lane_word(&lane, p) == mailbox_word(p, 1, WRITING));
			p = near;
			if (mailbox_find_ready(&lane, &p, &word) == MAILBOX_FIND_SLOT)
				CHECK(mailbox_word_phase(word) == READY &&
				      mailbox_slot_take(&lane, p, word, 1) &&
				      (mailbox_word_count(word) > 1 ||
				       mailbox_lane_word(&lane, p) == mailbox_word(p, 1, READING)));
			p = near;
			if (mailbox_find_parked(&lane, &p, &word) == MAILBOX_FIND_SLOT)
				CHECK(mailbox_word_is(word, p, READING) &&
				      mailbox_slot_take(&lane, p, word, 1) &&
				      mailbox_lane_word(&lane, p) == mailbox_word(p, 1, READING));
		}
		free(memory);
	}
}

static int scribbling;

static void *scribble(void *arg)
{
	const struct mailbox_lane *lane = (const struct mailbox_lane *)arg;
	__u64 random = seed ^ 1;

	while (__atomic_load_n(&scribbling, __ATOMIC_RELAXED)) {
		__u64 p = next_random(&random);

		__atomic_store_n(&mailbox_lane_slot(lane, p)->word, random_word(&random, p % 1024),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void walks_beside_a_scribbler_end(void)
{
	struct ring r = ring_make(8, 8, 0);
	__u64 random = seed, p, word;
	pthread_t thread;
	int i;

	scribbling = 1;
	CHECK(!pthread_create(&thread, NULL, scribble, &r.lane));
	for (i = 0; i < MESSAGES; i++) {
		p = below(&random, 1024);
		if (mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT &&
		    mailbox_slot_claim(&r.lane, p, word, 1))
			mailbox_slot_publish(&r.lane, p, 1);
		p = below(&random, 1024);
		if (mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT &&
		    mailbox_slot_take(&r.lane, p, word, 1))
			mailbox_slot_release(&r.lane, p);
		if (mailbox_find_parked(&r.lane, &p, &word) == MAILBOX_FIND_SLOT &&
		    mailbox_slot_take(&r.lane, p, word, 1))
			mailbox_slot_park(&r.lane, p);
	}
	__atomic_store_n(&scribbling, 0, __ATOMIC_RELAXED);
	CHECK(!pthread_join(thread, NULL));
	ring_drop(&r);
}

/* Many at once */

#define CROWD_MAX	4

struct payload {
	__u32 sender;
	__u32 serial;
	__u64 filler[3];
};

/* What all of a crowd share, beside the lane. */
struct crowd {
	__u32 senders, receivers, messages;
	__u32 parked;			/* the attention count */
	__u32 received;
	__u32 voids, parks;
	unsigned char seen[CROWD_MAX][MESSAGES];
};

struct member {
	const struct ring *ring;
	struct crowd *crowd;
	struct mailbox_lane lane;
	__u64 start;
	__u32 id;
};

static void yield(__u32 *idle)
{
	if (++*idle % 16 == 0)
		sched_yield();
}

static void crowd_send(const struct member *m)
{
	const struct mailbox_lane *lane = &m->lane;
	__u64 p = m->start, word, random = seed + m->id;
	struct crowd *crowd = m->crowd;
	__u32 serial = 0, idle = 0;

	while (serial < crowd->messages) {
		struct payload *payload;
		struct mailbox_slot *slot;
		enum mailbox_find find = mailbox_find_free(lane, &p, &word);

		CHECK(find != MAILBOX_FIND_BROKEN);
		if (find != MAILBOX_FIND_SLOT) {
			yield(&idle);
			continue;
		}
		if (!mailbox_slot_claim(lane, p, word, m->id + 1))
			continue;
		slot = mailbox_lane_slot(lane, p);
		payload = (struct payload *)(slot + 1);
		slot->header = sizeof(*payload);
		payload->sender = m->id;
		if (!below(&random, 8)) {
			__atomic_add_fetch(&crowd->voids, 1, __ATOMIC_RELAXED);
			mailbox_slot_discard(lane, p++);
			continue;
		}
		payload->serial = serial;
		payload->filler[0] = payload->filler[1] = payload->filler[2] =
			(__u64)m->id << 32 | serial;
		mailbox_slot_publish(lane, p++, m->id + 1);
		serial++;
	}
}

static void crowd_read(const struct member *m, __u64 p, int parked, __s64 *last)
{
	struct mailbox_slot *slot = mailbox_lane_slot(&m->lane, p);
	struct payload payload = *(struct payload *)(slot + 1);
	__u64 filler = (__u64)payload.sender << 32 | payload.serial;
	struct crowd *crowd = m->crowd;

	CHECK(slot->header == sizeof(payload));
	CHECK(payload.sender < crowd->senders && payload.serial < crowd->messages);
	CHECK(payload.filler[0] == filler && payload.filler[1] == filler &&
	      payload.filler[2] == filler);
	if (!parked) {
		CHECK(payload.serial > last[payload.sender]);
		last[payload.sender] = payload.serial;
	}
	mailbox_slot_release(&m->lane, p);
	CHECK(!__atomic_exchange_n(&crowd->seen[payload.sender][payload.serial], 1,
				   __ATOMIC_RELAXED));
	__atomic_add_fetch(&crowd->received, 1, __ATOMIC_RELAXED);
}

static void crowd_receive(const struct member *m)
{
	const struct mailbox_lane *lane = &m->lane;
	__u64 own = m->start, word, random = seed + 1000 + m->id;
	struct crowd *crowd = m->crowd;
	__s64 last[CROWD_MAX] = { -1, -1, -1, -1 };
	__u32 total = crowd->senders * crowd->messages, idle = 0;

	while (__atomic_load_n(&crowd->received, __ATOMIC_RELAXED) < total) {
		enum mailbox_find find = MAILBOX_FIND_NONE;
		__u64 p = own;
		int parked = 0;

		if (__atomic_load_n(&crowd->parked, __ATOMIC_RELAXED)) {
			find = mailbox_find_parked(lane, &p, &word);
			parked = find == MAILBOX_FIND_SLOT;
		}
		if (!parked) {
			find = mailbox_find_ready(lane, &p, &word);
			own = p;
		}
		CHECK(find != MAILBOX_FIND_BROKEN);
		if (find != MAILBOX_FIND_SLOT) {
			yield(&idle);
			continue;
		}
		if (!mailbox_slot_take(lane, p, word, CROWD_MAX + m->id + 1))
			continue;
		if (parked)
			__atomic_sub_fetch(&crowd->parked, 1, __ATOMIC_RELAXED);
		else
			own = p + 1;
		if (!below(&random, 8)) {
			__atomic_add_fetch(&crowd->parks, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&crowd->parked, 1, __ATOMIC_SEQ_CST);
			mailbox_slot_park(lane, p);
			continue;
		}
		crowd_read(m, p, parked, last);
	}
}

static void *crowd_thread(void *arg)
{
	struct member *m = (struct member *)arg;

	if (m->id < m->crowd->senders) {
		crowd_send(m);
	} else {
		m->id -= m->crowd->senders;
		crowd_receive(m);
	}
	return NULL;
}

static void crowd_done(const struct ring *r, const struct crowd *crowd)
{
	__u32 i, j;

	for (i = 0; i < crowd->senders; i++)
		for (j = 0; j < crowd->messages; j++)
			CHECK(crowd->seen[i][j]);
	CHECK(crowd->received == crowd->senders * crowd->messages);
	CHECK(crowd->parked == 0 && crowd->parks > 0 && crowd->voids > 0);
	CHECK(mailbox_lane_drained(&r->lane));
}

static void crowd_of_threads(__u32 senders, __u32 receivers, __u32 capacity, __u64 start)
{
	struct ring r = ring_make(capacity, sizeof(struct payload), start);
	struct crowd *crowd = (struct crowd *)calloc(1, sizeof(*crowd));
	struct member members[2 * CROWD_MAX];
	pthread_t threads[2 * CROWD_MAX];
	__u32 i;

	CHECK(crowd);
	crowd->senders = senders;
	crowd->receivers = receivers;
	crowd->messages = MESSAGES / senders;
	for (i = 0; i < senders + receivers; i++) {
		struct member member = { &r, crowd, r.lane, start, i };

		members[i] = member;
		CHECK(!pthread_create(&threads[i], NULL, crowd_thread, &members[i]));
	}
	for (i = 0; i < senders + receivers; i++)
		CHECK(!pthread_join(threads[i], NULL));
	crowd_done(&r, crowd);
	free(crowd);
	ring_drop(&r);
}

static void threads_one_to_one(void)
{
	crowd_of_threads(1, 1, 2, 0);
	crowd_of_threads(1, 1, 64, LAP - 1000);
}

static void threads_many_to_many_through_two_slots(void)
{
	crowd_of_threads(4, 4, 2, LAP - 1000);
}

static void threads_many_to_many_through_many_slots(void)
{
	crowd_of_threads(4, 4, 64, LAP / 2 - 1000);
	crowd_of_threads(2, 3, 8, 0);
}

static void threads_many_to_one_and_one_to_many(void)
{
	crowd_of_threads(4, 1, 4, 5);
	crowd_of_threads(1, 4, 4, 5);
}

/* The same by processes, each with a mapping of its own. */
static void crowd_of_processes(__u32 senders, __u32 receivers, __u32 capacity)
{
	struct ring r = ring_make(capacity, sizeof(struct payload), LAP - 1000);
	struct crowd *crowd;
	__u32 i;

	crowd = (struct crowd *)mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(crowd != MAP_FAILED);
	crowd->senders = senders;
	crowd->receivers = receivers;
	crowd->messages = MESSAGES / senders;
	for (i = 0; i < senders + receivers; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			struct member m = { &r, crowd, r.lane, LAP - 1000, i };

			alarm(CASE_SECONDS);
			munmap(r.other.slots, r.bytes);
			m.lane.slots = map(&r);
			CHECK(m.lane.slots != r.lane.slots);
			munmap(r.lane.slots, r.bytes);
			crowd_thread(&m);
			_exit(0);
		}
	}
	for (i = 0; i < senders + receivers; i++) {
		int status;

		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	crowd_done(&r, crowd);
	munmap(crowd, sizeof(*crowd));
	ring_drop(&r);
}

static void processes_one_to_one(void)
{
	crowd_of_processes(1, 1, 16);
}

static void processes_many_to_many(void)
{
	crowd_of_processes(4, 4, 2);
	crowd_of_processes(3, 2, 64);
}

static struct mailbox_lane contended;
static __u32 claims;

static void *claim_all(void *arg)
{
	__u64 p = 0, word;

	while (mailbox_find_free(&contended, &p, &word) == MAILBOX_FIND_SLOT) {
		if (!mailbox_slot_claim(&contended, p, word, (__u32)(unsigned long)arg))
			continue;
		__atomic_add_fetch(&claims, 1, __ATOMIC_RELAXED);
		mailbox_slot_publish(&contended, p, (__u32)(unsigned long)arg);
	}
	return NULL;
}

static void threads_claim_each_slot_once(void)
{
	struct ring r = ring_make(4096, 8, 0);
	pthread_t threads[CROWD_MAX];
	unsigned long i;

	contended = r.lane;
	for (i = 0; i < CROWD_MAX; i++)
		CHECK(!pthread_create(&threads[i], NULL, claim_all, (void *)(i + 1)));
	for (i = 0; i < CROWD_MAX; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(claims == 4096);
	ring_drop(&r);
}

static const struct ring_case cases[] = {
	CASE(word_keeps_its_fields_apart),
	CASE(sequence_wraps_with_the_position),
	CASE(distance_is_signed_and_right_within_half_the_range),
	CASE(slot_has_room_for_the_message_and_a_tag),
	CASE(slots_follow_each_other_lap_after_lap),
	CASE(message_passes_every_phase),
	CASE(payload_is_there_when_the_word_says_so),
	CASE(claim_fails_when_somebody_was_faster),
	CASE(take_fails_when_somebody_was_faster),
	CASE(sender_meets_every_phase),
	CASE(receiver_meets_every_phase),
	CASE(broken_words_are_told_apart),
	CASE(lane_holds_its_capacity_and_no_more),
	CASE(nobody_overtakes_a_message_being_written),
	CASE(slots_released_out_of_order_wait_for_their_turn),
	CASE(void_is_stepped_over_and_claimed_over),
	CASE(lane_of_voids_is_empty_and_can_be_filled),
	CASE(lane_is_drained_when_every_slot_is_free_or_void),
	CASE(parked_is_found_and_taken_once),
	CASE(parked_ones_come_oldest_first),
	CASE(parked_in_the_wrong_slot_is_passed_over),
	CASE(messages_flow_across_the_wrap_of_the_sequence),
	CASE(long_sleeper_starts_at_the_hint),
	CASE(longest_walk_reaches_its_end),
	CASE(random_steps_agree_with_a_plain_list),
	CASE(walks_over_random_words_end_and_stay_inside),
	CASE(walks_beside_a_scribbler_end),
	CASE(threads_claim_each_slot_once),
	CASE(threads_one_to_one),
	CASE(threads_many_to_many_through_two_slots),
	CASE(threads_many_to_many_through_many_slots),
	CASE(threads_many_to_one_and_one_to_many),
	CASE(processes_one_to_one),
	CASE(processes_many_to_many),
};

int main(int argc, char **argv)
{
	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
