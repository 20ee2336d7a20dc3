// SPDX-License-Identifier: MIT
/*
 * Ranges: several messages by one word, and what becomes of them when somebody
 * dies half way.
 *
 *	range_test [SEED]
 *
 * Between any two stores of the header others may look, help, or be all that is
 * left. So every step of it can be told here before it happens: to walk meanwhile
 * from wherever a participant may be, or to die.
 */
#include <setjmp.h>

#include <linux/mailbox_atomic.h>

static void (*before_step)(void);
#define STEP() (before_step ? before_step() : (void)0)

#undef MAILBOX_STORE_RELEASE
#undef MAILBOX_XCHG
#undef MAILBOX_CMPXCHG
#define MAILBOX_STORE_RELEASE(p, v) (STEP(), __atomic_store_n(p, v, __ATOMIC_RELEASE))
#define MAILBOX_XCHG(p, v) (STEP(), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define MAILBOX_CMPXCHG(p, old, new)						\
	__extension__({								\
		__u64 __old = (old);						\
		STEP();								\
		__atomic_compare_exchange_n(p, &__old, new, 0, __ATOMIC_SEQ_CST, \
					    __ATOMIC_RELAXED);			\
	})

#include "common.h"

#define SPLIT	MAILBOX_PHASE_SPLIT
#define DEAD	3U		/* the owner who dies */

/* Steps of a range, checked all the way */

static __u32 claim_range(const struct mailbox_lane *lane, __u64 position, __u32 owner, __u32 n)
{
	__u64 p = position, word;

	CHECK(mailbox_find_free(lane, &p, &word) == MAILBOX_FIND_SLOT && p == position);
	return mailbox_range_claim(lane, p, word, owner, n);
}

static void send_range(const struct mailbox_lane *lane, __u64 position, __u32 n)
{
	CHECK(claim_range(lane, position, SENDER, n) == n);
	mailbox_range_publish(lane, position, SENDER, n);
}

static __u64 ready_word(const struct mailbox_lane *lane, __u64 position)
{
	__u64 p = position, word;

	CHECK(mailbox_find_ready(lane, &p, &word) == MAILBOX_FIND_SLOT && p == position);
	return word;
}

static void take_range(const struct mailbox_lane *lane, __u64 position, __u32 owner, __u32 n)
{
	__u64 word = ready_word(lane, position);

	CHECK(mailbox_word_count(word) == n);
	CHECK(mailbox_range_take(lane, position, word, owner));
}

/* The head says so of n, and the words behind it are free. */
static void check_range(const struct mailbox_lane *lane, __u64 p, __u32 owner, __u32 n, __u64 phase)
{
	__u32 i;

	CHECK(mailbox_lane_word(lane, p) == mailbox_word_range(p, owner, n, phase));
	for (i = 1; i < n; i++)
		CHECK(mailbox_lane_word(lane, p + i) == mailbox_word(p + i, 0, FREE));
}

static void check_ends(const struct mailbox_lane *lane, __u64 from, __u64 end_free, int room,
		       __u64 end_ready, enum mailbox_find ready)
{
	__u64 p = from, word;

	CHECK(mailbox_find_free(lane, &p, &word) == (room ? MAILBOX_FIND_SLOT : MAILBOX_FIND_NONE));
	CHECK(p == end_free);
	p = from;
	CHECK(mailbox_find_ready(lane, &p, &word) == ready);
	CHECK(p == end_ready);
}

/*
 * Every range at every place of arrays of several sizes, in laps early, late, and
 * where the sequence repeats. The position is that of the range, all before it are
 * gone.
 */
static void everywhere(void (*visit)(const struct ring *r, __u64 p, __u32 n))
{
	static const __u32 capacities[] = { 2, 4, 8 };
	static const __u64 laps[] = { 64, LAP - 8, LAP, LAP / 2, 9 * LAP };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		struct ring r = ring_make(capacities[i], 8, 0);

		for (j = 0; j < ARRAY_SIZE(laps); j++) {
			__u32 at, n;

			for (at = 0; at < capacities[i]; at++) {
				for (n = 1; n <= capacities[i] - at; n++) {
					lane_reset(&r.lane, laps[j] + at);
					visit(&r, laps[j] + at, n);
				}
			}
		}
		ring_drop(&r);
	}
}

static void pass_every_phase(const struct ring *r, __u64 p, __u32 n)
{
	__u32 capacity = r->lane.capacity, i;
	int room = n < capacity;

	CHECK(claim_range(&r->lane, p, SENDER, n) == n);
	check_range(&r->other, p, SENDER, n, WRITING);
	check_ends(&r->other, p, p + n, room, p, MAILBOX_FIND_PENDING);
	mailbox_range_publish(&r->lane, p, SENDER, n);
	check_range(&r->other, p, SENDER, n, READY);
	check_ends(&r->other, p - capacity + 1, p + n, room, p, MAILBOX_FIND_SLOT);
	take_range(&r->other, p, RECEIVER, n);
	check_range(&r->lane, p, RECEIVER, n, READING);
	check_ends(&r->other, p, p + n, room, p + n, MAILBOX_FIND_NONE);
	CHECK(!mailbox_lane_drained(&r->lane));
	mailbox_range_release(&r->other, p, n);
	for (i = 0; i < n; i++)
		CHECK(mailbox_lane_word(&r->lane, p + i) == mailbox_word(p + i + capacity, 0, FREE));
	check_ends(&r->lane, p, p + n, 1, p + n, MAILBOX_FIND_NONE);
	CHECK(mailbox_lane_drained(&r->lane));
}

static void range_passes_every_phase(void)
{
	everywhere(pass_every_phase);
}

static void discard_leaves_voids(const struct ring *r, __u64 p, __u32 n)
{
	__u32 i, capacity = r->lane.capacity;

	CHECK(claim_range(&r->lane, p, SENDER, n) == n);
	mailbox_range_discard(&r->lane, p, n);
	for (i = 0; i < n; i++)
		CHECK(mailbox_lane_word(&r->other, p + i) == mailbox_word(p + i, 0, VOID));
	check_ends(&r->other, p, p + n, 1, p + n, MAILBOX_FIND_NONE);
	CHECK(mailbox_lane_drained(&r->lane));
	/* A lap later: claimed over one by one, for only the first may be void. */
	for (i = n; i < capacity; i++) {
		send_range(&r->lane, p + i, 1);
		take_range(&r->lane, p + i, RECEIVER, 1);
		mailbox_range_release(&r->lane, p + i, 1);
	}
	for (i = 0; i < n; i++) {
		CHECK(claim_range(&r->lane, p + capacity + i, SENDER, capacity) ==
		      (i + 1 < n ? 1 : mailbox_lane_room(&r->lane, p + i)));
		mailbox_range_discard(&r->lane, p + capacity + i,
				      i + 1 < n ? 1 : mailbox_lane_room(&r->lane, p + i));
	}
}

static void discarded_range_is_void_one_by_one(void)
{
	everywhere(discard_leaves_voids);
}

static void claim_within_bounds(const struct ring *r, __u64 p, __u32 n)
{
	__u32 capacity = r->lane.capacity, room = mailbox_lane_room(&r->lane, p), got;

	/* Never past the end of the array, whatever is asked for. */
	got = claim_range(&r->lane, p, SENDER, capacity + n);
	CHECK(got == room);
	check_range(&r->other, p, SENDER, got, WRITING);
	mailbox_range_discard(&r->lane, p, got);

	/* Never over a slot that is not free, whatever is there. */
	lane_reset(&r->lane, p);
	if (n == 1)
		return;
	set_word(&r->lane, p + n - 1, mailbox_word(p + n - 1 - capacity, RECEIVER, READING));
	CHECK(claim_range(&r->lane, p, SENDER, capacity) == n - 1);
	lane_reset(&r->lane, p);
	set_word(&r->lane, p + n - 1, mailbox_word(p + n - 1 - capacity, 0, VOID));
	CHECK(claim_range(&r->lane, p, SENDER, capacity) == n - 1);
	/* Over a void head, as a single claim. */
	lane_reset(&r->lane, p);
	set_word(&r->lane, p, mailbox_word(p - capacity, 0, VOID));
	CHECK(claim_range(&r->lane, p, SENDER, n) == n);
	check_range(&r->other, p, SENDER, n, WRITING);
}

static void claim_stays_inside_the_array_and_what_is_free(void)
{
	everywhere(claim_within_bounds);
}

static void range_is_no_longer_than_a_word_can_say(void)
{
	struct ring r = ring_make(1024, 8, LAP - 300);
	__u64 p = LAP - 300;
	__u32 n;

	CHECK(claim_range(&r.lane, p, SENDER, 1000) == MAILBOX_RANGE_MAX);
	check_range(&r.other, p, SENDER, MAILBOX_RANGE_MAX, WRITING);
	mailbox_range_publish(&r.lane, p, SENDER, MAILBOX_RANGE_MAX);
	check_ends(&r.other, p, p + 256, 1, p, MAILBOX_FIND_SLOT);
	/* The head of the longest taken alone, then the rest as a range. */
	CHECK(mailbox_slot_take(&r.other, p, ready_word(&r.other, p), RECEIVER));
	CHECK(mailbox_lane_word(&r.lane, p) == mailbox_word_range(p, RECEIVER, 255, SPLIT));
	check_range(&r.lane, p + 1, 0, 255, READY);
	check_ends(&r.other, p, p + 256, 1, p + 1, MAILBOX_FIND_SLOT);
	take_range(&r.other, p + 1, RECEIVER, 255);
	mailbox_slot_release(&r.lane, p);
	mailbox_range_release(&r.lane, p + 1, 255);
	for (n = 0; n < 256; n++)
		CHECK(mailbox_lane_word(&r.lane, p + n) == mailbox_word(p + n + 1024, 0, FREE));
	CHECK(claim_range(&r.lane, p + 256, SENDER, 1000) == 44);	/* the array ends */
	ring_drop(&r);
}

static void claim_of_a_range_fails_when_somebody_was_faster(void)
{
	struct ring r = ring_make(8, 8, 0);
	__u64 p = 0, q = 0, word = 0, other = 0;

	CHECK(mailbox_find_free(&r.lane, &p, &word) == MAILBOX_FIND_SLOT);
	CHECK(mailbox_find_free(&r.other, &q, &other) == MAILBOX_FIND_SLOT);
	CHECK(mailbox_range_claim(&r.other, q, other, 1, 3) == 3);
	CHECK(!mailbox_range_claim(&r.lane, p, word, 2, 2));
	CHECK(!mailbox_slot_claim(&r.lane, p, word, 2));
	check_range(&r.lane, 0, 1, 3, WRITING);
	mailbox_range_publish(&r.other, 0, 1, 3);
	CHECK(mailbox_find_ready(&r.lane, &p, &word) == MAILBOX_FIND_SLOT && p == 0);
	CHECK(mailbox_slot_take(&r.other, 0, word, 5));
	CHECK(!mailbox_range_take(&r.lane, p, word, 6));
	CHECK(!mailbox_slot_take(&r.lane, p, word, 6));
	word = ready_word(&r.lane, 1);
	CHECK(mailbox_range_take(&r.lane, 1, word, 6));
	CHECK(!mailbox_slot_take(&r.other, 1, word, 5));
	ring_drop(&r);
}

/* Words that no rule could have made */

static void broken_ranges_are_told_apart(void)
{
	static const struct {
		__u32 index, n;
		__u64 phase;
		int broken;
	} words[] = {
		{ 0, 2, FREE, 1 }, { 0, 2, VOID, 1 }, { 0, 256, VOID, 1 },
		{ 0, 8, WRITING, 0 }, { 0, 9, WRITING, 1 }, { 7, 1, WRITING, 0 }, { 7, 2, WRITING, 1 },
		{ 0, 8, READY, 0 }, { 0, 9, READY, 1 }, { 7, 1, READY, 0 }, { 7, 2, READY, 1 },
		{ 0, 8, READING, 0 }, { 0, 9, READING, 1 }, { 7, 1, READING, 0 }, { 7, 2, READING, 1 },
		{ 0, 7, SPLIT, 0 }, { 0, 8, SPLIT, 1 }, { 6, 1, SPLIT, 0 }, { 7, 1, SPLIT, 1 },
		{ 0, 256, READY, 1 }, { 3, 256, SPLIT, 1 },
		{ 0, 1, 6, 1 }, { 0, 1, 7, 1 },
	};
	static const __u64 laps[] = { 64, LAP - 8, LAP };
	struct ring r = ring_make(8, 8, 0);
	int i, j;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		for (j = 0; j < ARRAY_SIZE(laps); j++) {
			__u64 p = laps[j] + words[i].index, q = p, word;

			lane_reset(&r.lane, p);
			set_word(&r.lane, p, mailbox_word_range(p, 1, words[i].n, words[i].phase));
			CHECK((mailbox_find_free(&r.other, &q, &word) == MAILBOX_FIND_BROKEN) ==
			      words[i].broken);
			q = p;
			CHECK((mailbox_find_ready(&r.other, &q, &word) == MAILBOX_FIND_BROKEN) ==
			      words[i].broken);
		}
	}
	/* What is parked is parked one by one: a count there is forged. */
	lane_reset(&r.lane, 64);
	set_word(&r.lane, 65, mailbox_word_range(65, PARKED, 2, READING));
	{
		__u64 q = 64, word;

		CHECK(mailbox_find_parked(&r.other, &q, &word) == MAILBOX_FIND_NONE);
	}
	ring_drop(&r);
}

/*
 * Between two stores: wherever a participant may be, a walk must not end among
 * the words behind the head.
 */
static struct {
	const struct mailbox_lane *lane;
	__u64 p;		/* the range, and a message behind it if there is room */
	__u32 n;
	int stores;		/* so far */
	enum mailbox_find ready;	/* what receivers find */
	__u64 ready_at;
} between;

static void look_between(void)
{
	__u32 capacity = between.lane->capacity;
	__u64 end = between.p + between.n, x;
	int behind = between.n < capacity;	/* somebody else's message stands there */
	int room;

	/* A slot behind that message, or the head's own when it is done. */
	room = between.n + 1 < capacity;
	end += behind;
	for (x = between.p - 2 * capacity; x != between.p + 1; x++)
		check_ends(between.lane, x, end, room, between.ready_at, between.ready);
	between.stores++;
}

static void watch(const struct ring *r, __u64 p, __u32 n, enum mailbox_find ready, __u64 at)
{
	between.lane = &r->other;
	between.p = p;
	between.n = n;
	between.stores = 0;
	between.ready = ready;
	between.ready_at = at;
	before_step = look_between;
}

static int unwatch(void)
{
	before_step = NULL;
	return between.stores;
}

static void release_watched(const struct ring *r, __u64 p, __u32 n)
{
	int behind = n < r->lane.capacity;

	send_range(&r->lane, p, n);
	if (behind)
		send_range(&r->lane, p + n, 1);
	take_range(&r->lane, p, RECEIVER, n);
	watch(r, p, n, behind ? MAILBOX_FIND_SLOT : MAILBOX_FIND_NONE, p + n);
	mailbox_range_release(&r->lane, p, n);
	CHECK(unwatch() == (int)n);
}

static void discard_watched(const struct ring *r, __u64 p, __u32 n)
{
	CHECK(claim_range(&r->lane, p, SENDER, n) == n);
	if (n < r->lane.capacity)
		send_range(&r->lane, p + n, 1);
	watch(r, p, n, MAILBOX_FIND_PENDING, p);
	mailbox_range_discard(&r->lane, p, n);
	CHECK(unwatch() == (int)n);
}

static void nobody_gets_behind_a_head(void)
{
	everywhere(release_watched);
	everywhere(discard_watched);
}

/* Before the second step of a split somebody else comes by. */
static int split_steps;

static void look_into_split(void)
{
	const struct mailbox_lane *lane = between.lane;
	__u64 p = between.p, x, word;

	if (split_steps++ != 1)
		return;
	before_step = NULL;
	CHECK(mailbox_lane_word(lane, p) == mailbox_word_range(p, RECEIVER, between.n - 1, SPLIT));
	CHECK(mailbox_lane_word(lane, p + 1) == mailbox_word(p + 1, 0, FREE));
	x = p;
	CHECK(mailbox_find_free(lane, &x, &word) ==
	      (between.n < lane->capacity ? MAILBOX_FIND_SLOT : MAILBOX_FIND_NONE));
	CHECK(x == p + between.n);
	CHECK(mailbox_lane_word(lane, p + 1) == mailbox_word(p + 1, 0, FREE));
	x = p - lane->capacity + 1;
	CHECK(mailbox_find_ready(lane, &x, &word) == MAILBOX_FIND_SLOT && x == p + 1);
	CHECK(word == mailbox_word_range(p + 1, 0, between.n - 1, READY));
	if (between.stores) {		/* and is done with the rest before the taker goes on */
		CHECK(mailbox_range_take(lane, x, word, 11));
		mailbox_range_release(lane, x, between.n - 1);
	}
}

static void split_at(const struct ring *r, __u64 p, __u32 n)
{
	__u32 capacity = r->lane.capacity, taken, i;
	int helped;
	__u64 word;

	if (n == 1)
		return;
	for (helped = 0; helped < 2; helped++) {
		lane_reset(&r->lane, p);
		send_range(&r->lane, p, n);
		word = ready_word(&r->lane, p);
		between.lane = &r->other;
		between.p = p;
		between.n = n;
		between.stores = helped;
		split_steps = 0;
		before_step = look_into_split;
		CHECK(mailbox_slot_take(&r->lane, p, word, RECEIVER));
		before_step = NULL;
		CHECK(split_steps == 2);
		CHECK(mailbox_lane_word(&r->lane, p) == mailbox_word_range(p, RECEIVER, n - 1, SPLIT));
		if (!helped)
			check_range(&r->other, p + 1, 0, n - 1, READY);
		/* Late help changes nothing. */
		mailbox_slot_help(&r->other, p, mailbox_word_range(p, RECEIVER, n - 1, SPLIT));
		for (i = 0; !helped && i < n - 1; i++) {	/* one by one, to the end */
			word = ready_word(&r->lane, p + 1 + i);
			CHECK(mailbox_word_count(word) == n - 1 - i);
			CHECK(mailbox_slot_take(&r->lane, p + 1 + i, word, RECEIVER));
		}
		for (taken = helped ? 1 : n; taken; taken--)
			mailbox_slot_release(&r->lane, p + taken - 1);
		for (i = 0; i < n; i++)
			CHECK(mailbox_lane_word(&r->lane, p + i) ==
			      mailbox_word(p + i + capacity, 0, FREE));
		CHECK(mailbox_lane_drained(&r->lane));
	}
}

static void split_is_helped_by_whoever_comes_by(void)
{
	everywhere(split_at);
}

/* The rest of a range that was split, taken as a range, released before or after the first. */
static void split_rest(const struct ring *r, __u64 p, __u32 n)
{
	__u64 x;

	if (n < 3)
		return;
	send_range(&r->lane, p, n);
	CHECK(mailbox_slot_take(&r->lane, p, ready_word(&r->lane, p), RECEIVER));
	take_range(&r->other, p + 1, 11, n - 1);
	for (x = p - 8; x != p + 1; x++)
		check_ends(&r->other, x, p + n, n < r->lane.capacity, p + n, MAILBOX_FIND_NONE);
	mailbox_range_release(&r->other, p + 1, n - 1);
	for (x = p - 8; x != p + 1; x++)
		check_ends(&r->other, x, p + n, n < r->lane.capacity, p + n, MAILBOX_FIND_NONE);
	mailbox_slot_release(&r->lane, p);
	check_ends(&r->other, p, p + n, 1, p + n, MAILBOX_FIND_NONE);
}

static void rest_of_a_split_is_a_range(void)
{
	everywhere(split_rest);
}

/*
 * Repair, the same steps as mailbox_ring_undo() of the module: what a dead owner
 * had claimed is void, what it had taken is parked and counted, from the tail down.
 */
struct repaired {
	void (*parked)(const struct mailbox_lane *lane, __u64 position);
	void (*voided)(__u64 position);
	__u32 *attention;
};

static void undo_void(const struct mailbox_lane *lane, const struct repaired *told, __u64 position,
		      __u64 word)
{
	CHECK(mailbox_slot_replace(lane, position, word, mailbox_word(position, 0, VOID)));
	if (told->voided)
		told->voided(position);
}

static void undo_park(const struct mailbox_lane *lane, const struct repaired *told, __u64 position,
		      __u64 word)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = MAILBOX_LOAD(&slot->header);

	if ((header & MAILBOX_SLOT_DEPARTED_MASK) != MAILBOX_SLOT_DEPARTED_MASK)
		MAILBOX_STORE(&slot->header, header + MAILBOX_SLOT_DEPARTED);
	__atomic_add_fetch(told->attention, 1, __ATOMIC_SEQ_CST);
	if (told->parked)
		told->parked(lane, position);
	CHECK(mailbox_slot_replace(lane, position, word, mailbox_word(position, PARKED, READING)));
}

static int undo(const struct mailbox_lane *lane, __u64 index, __u32 owner,
		const struct repaired *told)
{
	__u64 word = mailbox_lane_word(lane, index), position = word >> MAILBOX_SEQUENCE_SHIFT;
	__u64 phase = mailbox_word_phase(word), tail;
	__u32 n;

	if (mailbox_word_owner(word) != owner ||
	    mailbox_distance_broken(lane, (__s64)(position - index)))
		return 0;
	n = mailbox_word_span(lane, position, word);
	if (!n)
		n = 1;
	switch (phase) {
	case MAILBOX_PHASE_SPLIT:
		mailbox_slot_help(lane, position, word);
		n = 1;
		break;
	case MAILBOX_PHASE_WRITING:
	case MAILBOX_PHASE_READING:
		break;
	default:
		return 0;
	}
	while (--n) {
		tail = mailbox_word(position + n, 0, FREE);
		if (mailbox_lane_word(lane, position + n) != tail)
			continue;
		if (phase == WRITING)
			undo_void(lane, told, position + n, tail);
		else
			undo_park(lane, told, position + n, tail);
	}
	if (phase == WRITING)
		undo_void(lane, told, position, word);
	else
		undo_park(lane, told, position, word);
	return 1;
}

static int repair(const struct mailbox_lane *lane, __u32 owner, const struct repaired *told)
{
	int changed = 0;
	__u64 i;

	for (i = 0; i < lane->capacity; i++)
		changed += undo(lane, i, owner, told);
	return changed;
}

/* Death at every step of everything that can be done with a range */

enum deed { SENDS, DISCARDS, TAKES, TAKES_ONE, TAKES_REST };

static jmp_buf death;
static int steps_left;

static void die_at_step(void)
{
	if (!steps_left--) {
		before_step = NULL;
		longjmp(death, 1);
	}
}

/* Returns whether it died. */
static int die_during(const struct mailbox_lane *lane, enum deed deed, __u64 p, __u32 n, int step)
{
	__u64 word = 0, at = p;
	__u32 i;

	if (setjmp(death))
		return 1;
	steps_left = step;
	if (deed == SENDS || deed == DISCARDS) {
		CHECK(mailbox_find_free(lane, &at, &word) == MAILBOX_FIND_SLOT);
		before_step = die_at_step;
		CHECK(mailbox_range_claim(lane, at, word, DEAD, n) == n);
		if (deed == SENDS)
			mailbox_range_publish(lane, p, SENDER, n);
		else
			mailbox_range_discard(lane, p, n);
	} else {
		word = ready_word(lane, p);
		before_step = die_at_step;
		if (deed == TAKES) {
			CHECK(mailbox_range_take(lane, p, word, DEAD));
			mailbox_range_release(lane, p, n);
		} else {
			CHECK(mailbox_slot_take(lane, p, word, DEAD));
			if (deed == TAKES_REST && n > 1) {
				i = mailbox_word_count(ready_word(lane, p + 1));
				CHECK(mailbox_range_take(lane, p + 1, ready_word(lane, p + 1), DEAD));
				mailbox_range_release(lane, p + 1, i);
			}
			mailbox_slot_release(lane, p);
		}
	}
	before_step = NULL;
	return 0;
}

/* How often each position was received, from p. */
static unsigned char times[16];
static __u32 attention;
static __u64 times_from;

static void receive_one_parked(const struct mailbox_lane *lane)
{
	__u64 q = times_from, word;

	CHECK(mailbox_find_parked(lane, &q, &word) == MAILBOX_FIND_SLOT);
	CHECK(mailbox_slot_take(lane, q, word, RECEIVER));
	attention--;
	CHECK((mailbox_lane_slot(lane, q)->header & MAILBOX_SLOT_DEPARTED_MASK) ==
	      MAILBOX_SLOT_DEPARTED);
	CHECK(q - times_from < sizeof(times));
	times[q - times_from]++;
	mailbox_slot_release(lane, q);
}

/* Between the steps of a repair: walks, and receivers who do not wait for its end. */
static int greedy;		/* 0: nobody looks, 1: they look, 2: and take what is parked */

static void look_at_repair(void)
{
	__u64 x, end, first, word, q = times_from;
	int room;

	before_step = NULL;
	if (greedy > 1 && mailbox_find_parked(between.lane, &q, &word) == MAILBOX_FIND_SLOT)
		receive_one_parked(between.lane);
	end = between.p + between.n + (between.n < between.lane->capacity);
	first = between.p;
	CHECK(mailbox_find_ready(between.lane, &first, &word) == between.ready);
	word = mailbox_lane_word(between.lane, between.p);
	room = between.n + 1 < between.lane->capacity ||
	       mailbox_word_distance(word, between.p) > 0;	/* the head is done */
	for (x = between.p - 2 * between.lane->capacity; x != between.p + 1; x++)
		check_ends(between.lane, x, end, room, first, between.ready);
	before_step = look_at_repair;
}

/* What must have been received of n positions, if death came before that step. */
static void expect_times(enum deed deed, __u32 n, int step, int died)
{
	__u32 i, gone = 0;

	switch (deed) {
	case SENDS:
		gone = died ? n : 0;
		for (i = 0; i < n; i++)
			CHECK(times[i] == !gone);
		return;
	case DISCARDS:
		for (i = 0; i < n; i++)
			CHECK(!times[i]);
		return;
	case TAKES:		/* take, then one step for each from the tail down */
		gone = !died ? n : step > 0 ? (__u32)step - 1 : 0;
		for (i = 0; i < n; i++)
			CHECK(times[i] == (i < n - gone));
		return;
	case TAKES_ONE:
		for (i = 0; i < n; i++)
			CHECK(times[i] == (i || died));
		return;
	case TAKES_REST:	/* take, help, take, then from the tail down, then the head */
		if (n > 1)
			gone = !died ? n : step > 2 ? (__u32)step - 3 : 0;
		else
			gone = !died;
		for (i = 0; i < n; i++)
			CHECK(times[i] == (i < n - gone));
		return;
	}
}

static void die_everywhere(const struct ring *r, __u64 p, __u32 n)
{
	const struct mailbox_lane *lane = &r->lane;
	const struct repaired told = { NULL, NULL, &attention };
	__u32 capacity = lane->capacity, i;
	int step, died, deed, behind = n < capacity;
	__u64 q, word;

	for (deed = SENDS; deed <= TAKES_REST; deed++) {
		for (greedy = 0; greedy < 3; greedy++) {
			for (step = 0, died = 1; died; step++) {
				lane_reset(lane, p);
				for (i = 0; i < capacity; i++)
					mailbox_lane_slot(lane, i)->header = 0;
				memset(times, 0, sizeof(times));
				attention = 0;
				times_from = p;
				if (deed >= TAKES)
					send_range(lane, p, n);
				died = die_during(lane, (enum deed)deed, p, n, step);
				if (deed < TAKES && died && step == 0) {
					/* Never there: nothing to repair. */
					CHECK(!repair(&r->other, DEAD, &told));
					continue;
				}
				if (behind)
					send_range(lane, p + n, 1);
				word = mailbox_lane_word(lane, p);
				if (died && mailbox_word_owner(word) == DEAD) {
					watch(r, p, n, deed < TAKES ? MAILBOX_FIND_PENDING :
						       behind || (deed == TAKES_ONE && n > 1) ||
						       (mailbox_word_phase(word) == SPLIT && step < 3) ?
						       MAILBOX_FIND_SLOT : MAILBOX_FIND_NONE, p);
					before_step = greedy ? look_at_repair : NULL;
					CHECK(repair(&r->other, DEAD, &told));
					before_step = NULL;
				}
				CHECK(!repair(&r->other, DEAD, &told));

				/* All that is left, parked ones first. */
				while (attention)
					receive_one_parked(lane);
				q = p;
				while (mailbox_find_ready(lane, &q, &word) == MAILBOX_FIND_SLOT) {
					CHECK(mailbox_slot_take(lane, q, word, RECEIVER));
					CHECK(q - p < sizeof(times));
					times[q - p]++;
					mailbox_slot_release(lane, q);
				}
				CHECK(q == p + n + (__u64)behind);
				CHECK(mailbox_lane_drained(lane));
				expect_times((enum deed)deed, n, step, died);
				if (behind)
					CHECK(times[n] == 1);
				/* No slot is lost. */
				q = p;
				for (i = 0; i < capacity; i++) {
					CHECK(mailbox_find_free(lane, &q, &word) == MAILBOX_FIND_SLOT);
					CHECK(mailbox_slot_claim(lane, q, word, SENDER));
					mailbox_slot_publish(lane, q, SENDER);
				}
				CHECK(mailbox_find_free(lane, &q, &word) == MAILBOX_FIND_NONE);
			}
		}
	}
}

static void death_at_any_step_loses_nothing(void)
{
	everywhere(die_everywhere);
}

/* Many at once */

#define POSITIONS	(1U << 18)
#define BATCH_MAX	12U
#define OWNERS		4096U
#define MEMBERS		6U

struct payload {
	__u32 sender, serial;
	__u32 first, count;		/* its batch: serials, all or none of it */
	__u64 filler[3];
};

/* What all share, beside the lane. Places are counted from where the lane began. */
struct crowd {
	__u32 attention;
	__u32 stop;			/* senders: send no more */
	__u32 senders_gone;
	__u32 dice;			/* of so many steps one is somebody's last; 0: nobody dies */
	__u32 limit;			/* places */
	struct payload sent[POSITIONS];
	unsigned char read[POSITIONS];
	unsigned char redelivered[POSITIONS];
	unsigned char voided[POSITIONS];
	unsigned char discarded[POSITIONS];
};

struct member {
	struct crowd *crowd;
	struct mailbox_lane lane;
	__u64 start;
	__u32 owner;
	__u32 receiver;
	__u64 random;
	__s64 last[OWNERS];
};

static void crowd_yield(__u32 *idle)
{
	if (++*idle % 16 == 0)
		sched_yield();
}

static __u32 crowd_load(const __u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void crowd_fill(const struct member *m, __u64 p, struct payload payload)
{
	void *to;

	payload.filler[0] = payload.filler[1] = payload.filler[2] =
		(__u64)payload.sender << 32 | payload.serial;
	m->crowd->sent[p - m->start] = payload;
	to = mailbox_slot_write(&m->lane, p, sizeof(payload), payload.serial & 1, m->owner);
	memcpy(to, &payload, sizeof(payload));
}

static void crowd_send(struct member *m)
{
	const struct mailbox_lane *lane = &m->lane;
	struct crowd *crowd = m->crowd;
	__u32 serial = 0, idle = 0;
	__u64 p = m->start, word;

	while (!crowd_load(&crowd->stop) && p - m->start < crowd->limit) {
		struct payload payload = { m->owner, serial, serial, 1, { 0 } };
		__u32 want = 1 + (__u32)below(&m->random, BATCH_MAX), n, i;
		enum mailbox_find find = mailbox_find_free(lane, &p, &word);

		CHECK(find != MAILBOX_FIND_BROKEN);
		if (find != MAILBOX_FIND_SLOT) {
			crowd_yield(&idle);
			continue;
		}
		n = below(&m->random, 3) ? mailbox_range_claim(lane, p, word, m->owner, want) :
		    (__u32)mailbox_slot_claim(lane, p, word, m->owner);
		if (!n)
			continue;
		CHECK(n <= want);
		payload.count = n;
		for (i = 0; i < n; i++, payload.serial++)
			crowd_fill(m, p + i, payload);
		if (!below(&m->random, 8)) {
			memset(&crowd->discarded[p - m->start], 1, n);
			mailbox_range_discard(lane, p, n);
		} else {
			if (n == 1 && below(&m->random, 2))
				mailbox_slot_publish(lane, p, m->owner);
			else
				mailbox_range_publish(lane, p, m->owner, n);
			serial += n;
		}
		p += n;
	}
	__atomic_add_fetch(&crowd->senders_gone, 1, __ATOMIC_SEQ_CST);
}

static void crowd_read(struct member *m, __u64 p, int parked)
{
	struct crowd *crowd = m->crowd;
	__u64 place = p - m->start, header, tag, filler;
	struct payload payload;
	void *from;

	header = mailbox_slot_read(&m->lane, p, &tag, &from);
	memcpy(&payload, from, sizeof(payload));
	filler = (__u64)payload.sender << 32 | payload.serial;
	CHECK((__u32)header == sizeof(payload) && tag == (payload.serial & 1));
	CHECK(header >> MAILBOX_SLOT_SENDER_SHIFT == payload.sender && payload.sender < OWNERS);
	CHECK(payload.filler[0] == filler && payload.filler[1] == filler &&
	      payload.filler[2] == filler);
	CHECK(place < POSITIONS);
	if (!parked) {
		CHECK(payload.serial > m->last[payload.sender]);
		m->last[payload.sender] = payload.serial;
	}
	__atomic_add_fetch(&crowd->read[place], 1, __ATOMIC_RELAXED);
}

static void crowd_receive(struct member *m)
{
	const struct mailbox_lane *lane = &m->lane;
	struct crowd *crowd = m->crowd;
	__u64 own = m->start, word;
	__u32 idle = 0, senders = m->receiver, n, i;

	for (;;) {
		enum mailbox_find find = MAILBOX_FIND_NONE;
		int parked = 0, last = crowd_load(&crowd->senders_gone) >= senders;
		__u64 p = own;

		if (__atomic_load_n(&crowd->attention, __ATOMIC_SEQ_CST)) {
			find = mailbox_find_parked(lane, &p, &word);
			parked = find == MAILBOX_FIND_SLOT;
		}
		if (!parked) {
			p = own;
			find = mailbox_find_ready(lane, &p, &word);
			own = p;
		}
		CHECK(find != MAILBOX_FIND_BROKEN);
		if (find != MAILBOX_FIND_SLOT) {
			if (last && find == MAILBOX_FIND_NONE)
				return;
			crowd_yield(&idle);
			continue;
		}
		n = mailbox_word_count(word);
		CHECK(!parked || n == 1);
		if (below(&m->random, 2)) {
			if (!mailbox_range_take(lane, p, word, m->owner))
				continue;
		} else {
			if (!mailbox_slot_take(lane, p, word, m->owner))
				continue;
			n = 1;
		}
		if (parked)
			__atomic_sub_fetch(&crowd->attention, 1, __ATOMIC_SEQ_CST);
		else
			own = p + n;
		if (n == 1 && !below(&m->random, 8)) {
			__atomic_add_fetch(&crowd->attention, 1, __ATOMIC_SEQ_CST);
			mailbox_slot_park(lane, p);
			continue;
		}
		for (i = 0; i < n; i++)
			crowd_read(m, p + i, parked);
		if (n == 1)
			mailbox_slot_release(lane, p);
		else
			mailbox_range_release(lane, p, n);
	}
}

static __u64 dice_random;
static __u32 dice;

static void die_at_random(void)
{
	if (!below(&dice_random, dice))
		kill(getpid(), SIGKILL);
}

static struct member *member_make(struct crowd *crowd, const struct mailbox_lane *lane, __u64 start,
				  __u32 owner, __u32 receiver)
{
	struct member *m = (struct member *)malloc(sizeof(*m));
	__u32 i;

	CHECK(m && owner < OWNERS);
	m->crowd = crowd;
	m->lane = *lane;
	m->start = start;
	m->owner = owner;
	m->receiver = receiver;
	m->random = seed + owner;
	for (i = 0; i < OWNERS; i++)
		m->last[i] = -1;
	return m;
}

static void *member_run(void *arg)
{
	struct member *m = (struct member *)arg;

	if (m->receiver)
		crowd_receive(m);
	else
		crowd_send(m);
	free(m);
	return NULL;
}

static struct crowd *crowd_make(__u32 limit)
{
	struct crowd *crowd;

	crowd = (struct crowd *)mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(crowd != MAP_FAILED);
	crowd->limit = limit;
	return crowd;
}

/* What became of every place, when all are gone. */
static void crowd_done(const struct ring *r, struct crowd *crowd, __u64 start)
{
	struct member *m = member_make(crowd, &r->lane, start, OWNERS - 1, 1);
	__u64 end = start, word, place, i, q = start;
	static __u32 next[OWNERS];
	__u32 read = 0;

	/* The last of them may have gone with something in its hands. */
	while (mailbox_find_parked(&r->lane, &q, &word) == MAILBOX_FIND_SLOT) {
		CHECK(mailbox_slot_take(&r->lane, q, word, m->owner));
		crowd_read(m, q, 1);
		mailbox_slot_release(&r->lane, q);
		q = start;
	}
	memset(m->last, 0xff, sizeof(m->last));
	crowd->senders_gone = 1;
	crowd->attention = 0;
	crowd_receive(m);
	free(m);
	CHECK(mailbox_lane_drained(&r->lane));
	CHECK(mailbox_find_free(&r->lane, &end, &word) == MAILBOX_FIND_SLOT);
	memset(next, 0, sizeof(next));
	for (place = 0; place < end - start; place++) {
		const struct payload *sent = &crowd->sent[place];

		CHECK(crowd->read[place] <= 1 + crowd->redelivered[place]);
		CHECK(crowd->voided[place] <= 1);
		/* Received, or never sent. */
		CHECK(!!crowd->read[place] != (crowd->voided[place] || crowd->discarded[place]));
		if (!crowd->read[place])
			continue;
		/* In order, without a gap, and no part of a batch alone. */
		CHECK(sent->serial == next[sent->sender]);
		next[sent->sender]++;
		for (i = 0; i < sent->count; i++)
			CHECK(crowd->read[place - (sent->serial - sent->first) + i]);
		read++;
	}
	CHECK(read > (end - start) / 3);
	munmap(crowd, sizeof(*crowd));
}

static void threads_with_ranges(__u32 senders, __u32 receivers, __u32 capacity, __u64 start)
{
	struct ring r = ring_make(capacity, sizeof(struct payload), start);
	struct crowd *crowd = crowd_make(MESSAGES);
	pthread_t threads[2 * MEMBERS];
	__u32 i;

	/* All through one mapping: the thread sanitizer goes by addresses. */
	for (i = 0; i < senders + receivers; i++)
		CHECK(!pthread_create(&threads[i], NULL, member_run,
				      member_make(crowd, &r.lane, start, i + 1,
						  i < senders ? 0 : senders)));
	for (i = 0; i < senders + receivers; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(!crowd->attention);
	crowd_done(&r, crowd, start);
	ring_drop(&r);
}

static void threads_send_and_take_ranges(void)
{
	threads_with_ranges(3, 3, 4, LAP - 1000);
	threads_with_ranges(3, 3, 16, 7);
	threads_with_ranges(2, 4, 64, LAP / 2 - 1000);
	threads_with_ranges(4, 2, 64, 9 * LAP - 500);
	threads_with_ranges(1, 3, 16, 0);
	threads_with_ranges(3, 1, 16, 0);
}

/* By processes, each with a mapping of its own; some of them die. */

static pid_t member_fork(const struct ring *r, struct crowd *crowd, __u64 start, __u32 owner,
			 __u32 receiver)
{
	pid_t pid = fork();
	struct member *m;

	CHECK(pid >= 0);
	if (pid)
		return pid;
	alarm(CASE_SECONDS);
	m = member_make(crowd, &r->lane, start, owner, receiver);
	m->lane.slots = map(r);
	munmap(r->lane.slots, r->bytes);
	munmap(r->other.slots, r->bytes);
	dice = crowd->dice;
	dice_random = ~m->random;
	if (dice)
		before_step = die_at_random;
	member_run(m);
	_exit(0);
}

static struct crowd *repairing;
static __u64 repairing_from;

static void count_parked(const struct mailbox_lane *lane, __u64 position)
{
	(void)lane;
	repairing->redelivered[(position - repairing_from) & (LAP - 1)]++;
}

static void count_voided(__u64 position)
{
	repairing->voided[(position - repairing_from) & (LAP - 1)]++;
}

static void processes_with_ranges(__u32 senders, __u32 receivers, __u32 capacity, __u64 start,
				  __u32 deaths)
{
	struct ring r = ring_make(capacity, sizeof(struct payload), start);
	struct crowd *crowd = crowd_make(deaths ? POSITIONS - 1024 : MESSAGES);
	const struct repaired told = { count_parked, count_voided, &crowd->attention };
	__u32 all = senders + receivers, left = all, owner = 0, died = 0, i;
	__u64 random = ~seed;
	struct {
		pid_t pid;
		__u32 owner;
	} members[2 * MEMBERS];

	repairing = crowd;
	repairing_from = start;
	crowd->dice = deaths ? 700 : 0;
	for (i = 0; i < all; i++) {
		members[i].owner = ++owner;
		members[i].pid = member_fork(&r, crowd, start, owner, i < senders ? 0 : senders);
	}
	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, deaths && !crowd->stop ? WNOHANG : 0);

		CHECK(pid >= 0);
		if (!pid) {
			struct timespec moment = { 0, (long)below(&random, 300000) };

			nanosleep(&moment, NULL);
			if (!below(&random, 3))
				kill(members[below(&random, all)].pid, SIGKILL);
			continue;
		}
		for (i = 0; members[i].pid != pid; i++)
			CHECK(i + 1 < all);
		if (WIFEXITED(status)) {
			CHECK(!WEXITSTATUS(status));
			members[i].pid = -1;
			left--;
			continue;
		}
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && deaths);
		repair(i & 1 ? &r.lane : &r.other, members[i].owner, &told);
		if (++died >= deaths || crowd->senders_gone) {
			__atomic_store_n(&crowd->dice, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&crowd->stop, 1, __ATOMIC_RELAXED);
		}
		members[i].owner = ++owner;
		members[i].pid = member_fork(&r, crowd, start, owner, i < senders ? 0 : senders);
	}
	CHECK(died >= deaths || crowd->senders_gone);
	crowd_done(&r, crowd, start);
	ring_drop(&r);
}

static void processes_send_and_take_ranges(void)
{
	processes_with_ranges(3, 3, 16, LAP - 1000, 0);
	processes_with_ranges(2, 2, 4, 0, 0);
}

#ifndef DEATHS
#define DEATHS	400
#endif

static void processes_killed_with_ranges_lose_nothing(void)
{
	processes_with_ranges(3, 3, 16, LAP - 1000, DEATHS);
	processes_with_ranges(3, 3, 64, 5, DEATHS);
	processes_with_ranges(2, 2, 4, 5 * LAP - 200, DEATHS / 2);
}

/* Memory that cannot be trusted */

static __u64 random_word(__u64 *random, __u64 near)
{
	__u64 word = next_random(random), n = word >> 50 & 3 ? below(random, 6) : word >> 40 & 0xff;

	switch (below(random, 4)) {
	case 0:
		return word;
	case 1:
		near += below(random, 64) - 32;
		break;
	case 2:
		break;
	default:
		near += word >> 40;
	}
	return mailbox_word(near, word & 8 ? PARKED : word >> 5 & 3, word & 7) |
	       n << MAILBOX_COUNT_SHIFT;
}

/* Everything that can be done, whatever the words say. */
static void touch(const struct mailbox_lane *lane, __u64 *random, __u64 near, int alone)
{
	__u32 n = 1 + (__u32)below(random, 300), got;
	__u64 p = near, word, first, tag, i;
	void *payload;

	if (mailbox_find_free(lane, &p, &word) == MAILBOX_FIND_SLOT) {
		got = mailbox_range_claim(lane, p, word, 1, n);
		CHECK(got <= n && got <= mailbox_lane_room(lane, p));
		CHECK(!alone || (got && mailbox_lane_word(lane, p) ==
				 mailbox_word_range(p, 1, got, WRITING)));
		if (got && below(random, 2)) {
			for (i = 0; i < got; i++)
				memset(mailbox_slot_write(lane, p + i, 8, n & 1, 1), 1, 8);
			mailbox_range_publish(lane, p, 1, got);
		} else if (got) {
			mailbox_range_discard(lane, p, got);
		}
	}
	p = near;
	if (mailbox_find_ready(lane, &p, &word) == MAILBOX_FIND_SLOT) {
		got = mailbox_word_count(word);
		CHECK(mailbox_word_phase(word) == READY && got <= mailbox_lane_room(lane, p));
		for (i = 0; i < got; i++) {
			first = mailbox_slot_read(lane, p + i, &tag, &payload);
			CHECK((char *)payload + 8 <= (char *)lane->slots +
			      (size_t)lane->capacity * lane->stride);
			(void)first;
		}
		if (below(random, 2)) {
			if (mailbox_range_take(lane, p, word, 2))
				mailbox_range_release(lane, p, got);
		} else if (mailbox_slot_take(lane, p, word, 2)) {
			CHECK(!alone || mailbox_lane_word(lane, p) == (got == 1 ?
			      mailbox_word(p, 2, READING) :
			      mailbox_word_range(p, 2, got - 1, SPLIT)));
			if (below(random, 2))
				mailbox_slot_release(lane, p);
		}
	}
	p = near;
	if (mailbox_find_parked(lane, &p, &word) == MAILBOX_FIND_SLOT) {
		CHECK(word == mailbox_word(p, PARKED, READING));
		if (mailbox_slot_take(lane, p, word, 1))
			mailbox_slot_release(lane, p);
	}
	mailbox_lane_drained(lane);
}

static void ranges_over_random_words_stay_inside(void)
{
	static const __u32 capacities[] = { 2, 4, 16, 512 };
	const struct repaired told = { NULL, NULL, &attention };
	__u64 random = seed;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		__u32 capacity = capacities[i], rounds = 40000 / (capacity < 32 ? 1 : 16);
		struct mailbox_lane lane = { NULL, capacity, (__u32)mailbox_slot_stride(8) };
		/* On the heap to the byte, for the address sanitizer. */
		char *memory = (char *)malloc((size_t)capacity * lane.stride + MAILBOX_SLOT_ALIGN);

		CHECK(memory);
		lane.slots = memory + (size_t)(-(unsigned long)memory % MAILBOX_SLOT_ALIGN);
		for (j = 0; j < (int)rounds; j++) {
			__u64 near = next_random(&random) >> below(&random, 64), s;

			for (s = 0; s < capacity; s++) {
				set_word(&lane, s, random_word(&random, near - near % capacity + s));
				mailbox_lane_slot(&lane, s)->header = next_random(&random);
			}
			touch(&lane, &random, near, 1);
			repair(&lane, (__u32)below(&random, 3), &told);
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
		__u64 p = next_random(&random) % 1024;

		__atomic_store_n(&mailbox_lane_slot(lane, p)->word, random_word(&random, p),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void ranges_beside_a_scribbler_end(void)
{
	struct ring r = ring_make(16, 8, 0);
	__u64 random = seed;
	pthread_t thread;
	int i;

	scribbling = 1;
	CHECK(!pthread_create(&thread, NULL, scribble, &r.lane));
	for (i = 0; i < MESSAGES; i++)
		touch(&r.lane, &random, below(&random, 1024), 0);
	__atomic_store_n(&scribbling, 0, __ATOMIC_RELAXED);
	CHECK(!pthread_join(thread, NULL));
	ring_drop(&r);
}

static const struct ring_case cases[] = {
	CASE(range_passes_every_phase),
	CASE(discarded_range_is_void_one_by_one),
	CASE(claim_stays_inside_the_array_and_what_is_free),
	CASE(range_is_no_longer_than_a_word_can_say),
	CASE(claim_of_a_range_fails_when_somebody_was_faster),
	CASE(broken_ranges_are_told_apart),
	CASE(nobody_gets_behind_a_head),
	CASE(split_is_helped_by_whoever_comes_by),
	CASE(rest_of_a_split_is_a_range),
	CASE(death_at_any_step_loses_nothing),
	CASE(threads_send_and_take_ranges),
	CASE(processes_send_and_take_ranges),
	CASE(processes_killed_with_ranges_lose_nothing),
	CASE(ranges_over_random_words_stay_inside),
	CASE(ranges_beside_a_scribbler_end),
};

int main(int argc, char **argv)
{
	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
