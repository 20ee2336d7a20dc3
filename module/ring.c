// SPDX-License-Identifier: GPL-2.0-only
/* A port's slots: their memory, and looking at all of them. */

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

int mailbox_ring_init(struct mailbox_ring *ring, u32 message_size, u32 capacity, u32 lanes)
{
	u64 stride = mailbox_slot_stride(message_size);
	struct mailbox_shared *shared;
	u64 position;
	u32 n;

	BUILD_BUG_ON(sizeof(*shared) > PAGE_SIZE);

	ring->bytes = mailbox_ring_bytes(message_size, capacity, lanes);
	ring->lanes = lanes;
	ring->message_size = message_size;
	ring->lane = kcalloc(lanes, sizeof(*ring->lane), MAILBOX_GFP);
	if (!ring->lane)
		return -ENOMEM;
	shared = __vmalloc(ring->bytes, MAILBOX_GFP | __GFP_ZERO);
	if (!shared) {
		kfree(ring->lane);
		return -ENOMEM;
	}
	ring->shared = shared;
	shared->version = MAILBOX_SHARED_VERSION;
	shared->lanes = lanes;
	shared->capacity = capacity;
	shared->stride = stride;
	shared->message_size = message_size;
	shared->slots = PAGE_SIZE;
	shared->bytes = ring->bytes;
	for (n = 0; n < lanes; n++) {
		struct mailbox_lane *view = &ring->lane[n].view;

		ring->lane[n].shared = &shared->lane[n];
		view->slots = (void *)shared + PAGE_SIZE + n * capacity * stride;
		view->capacity = capacity;
		view->stride = stride;
		for (position = 0; position < capacity; position++)
			mailbox_lane_slot(view, position)->word =
				mailbox_word(position, 0, MAILBOX_PHASE_FREE);
		cond_resched();
	}
	return 0;
}

void mailbox_ring_destroy(struct mailbox_ring *ring)
{
	vfree(ring->shared);
	kfree(ring->lane);
}

struct mailbox_found mailbox_ring_walk_free(const struct mailbox_ring_lane *lane, u64 from)
{
	struct mailbox_found found = { .position = from };

	found.what = mailbox_find_free(&lane->view, &found.position, &found.word);
	return found;
}

struct mailbox_found mailbox_ring_walk_ready(const struct mailbox_ring_lane *lane, u64 from)
{
	struct mailbox_found found = { .position = from, .parked = true };

	if (atomic_read(&lane->parked)) {
		found.what = mailbox_find_parked(&lane->view, &found.position, &found.word);
		if (found.what == MAILBOX_FIND_SLOT)
			return found;
	}
	found.parked = false;
	found.what = mailbox_find_ready(&lane->view, &found.position, &found.word);
	return found;
}

static bool mailbox_cursor_parked(struct mailbox_cursor *c, u64 from)
{
	const struct mailbox_lane *view = &c->lane->view;
	u64 word;

	for (; from - c->base < view->capacity; from++) {
		word = mailbox_word(from, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING);
		if (mailbox_lane_word(view, from) != word)
			continue;
		c->head = from;
		c->found.position = from;
		c->found.word = word;
		return true;
	}
	return false;
}

static void mailbox_cursor_ready(struct mailbox_cursor *c, u64 from)
{
	c->found.position = from;
	c->found.what = mailbox_find_ready(&c->lane->view, &c->found.position, &c->found.word);
	c->head = c->found.position;
}

void mailbox_cursor_first(struct mailbox_cursor *c, const struct mailbox_ring_lane *lane,
			  const u64 *own)
{
	c->lane = lane;
	c->start = mailbox_ring_start(lane, own);
	c->found = mailbox_ring_walk_ready(lane, c->start);
	c->head = c->found.position;
	c->base = c->head;
}

void mailbox_cursor_next(struct mailbox_cursor *c)
{
	if (c->found.parked) {
		if (mailbox_cursor_parked(c, c->head + 1))
			return;
		c->found.parked = false;
		mailbox_cursor_ready(c, c->start);
		c->base = c->head;
		return;
	}
	c->found.position++;
	if (c->found.position - c->head < mailbox_word_count(c->found.word))
		return;
	/* Whatever moves meanwhile: not more than one lap. */
	if (c->found.position - c->base < c->lane->view.capacity)
		mailbox_cursor_ready(c, c->found.position);
	else
		c->found.what = MAILBOX_FIND_NONE;
}

/*
 * The last message that a slot may have held, by what the others say: who meets it may
 * be laps behind, and those in front wait for a number of their own lap.
 */
static u64 mailbox_lane_latest(const struct mailbox_lane *view, u64 position)
{
	s64 next = 0;	/* behind the highest that is claimed, from the position */
	u32 i;

	for (i = 1; i < view->capacity; i++) {
		u64 word = mailbox_lane_word(view, position + i);
		u64 phase = mailbox_word_phase(word);
		s64 d = mailbox_word_distance(word, position);

		if (mailbox_distance_broken(view, d - i))
			continue;
		if (phase == MAILBOX_PHASE_FREE)
			d -= view->capacity;
		else
			d += mailbox_word_count(word) - (phase != MAILBOX_PHASE_SPLIT);
		next = max(next, d + 1);
	}
	return position + (next & ~((s64)view->capacity - 1));
}

/*
 * A word that no rule could have made, met at this position: void it, so that
 * receivers step over and a sender who comes round claims over it.
 */
static int mailbox_ring_quarantine(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
				   u64 position, u64 word)
{
	u64 latest = mailbox_lane_latest(&lane->view, position);

	if (mailbox_slot_replace(&lane->view, position, word,
				 mailbox_word(latest, 0, MAILBOX_PHASE_VOID)))
		atomic64_inc(&ring->quarantined);
	return -EPROTO;
}

int mailbox_ring_claim(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 *own, u32 id,
		       u64 *position)
{
	u64 from = mailbox_ring_start(lane, own);
	u32 races;

	for (races = 0; races < MAILBOX_RACES_MAX; races++) {
		struct mailbox_found found;

		cond_resched();
		found = mailbox_ring_walk_free(lane, from);
		from = found.position;
		if (found.what == MAILBOX_FIND_BROKEN)
			return mailbox_ring_quarantine(ring, lane, from, found.word);
		if (found.what != MAILBOX_FIND_SLOT)
			break;
		if (mailbox_slot_claim(&lane->view, from, found.word, id)) {	/* (A) */
			WRITE_ONCE(*own, from + 1);
			*position = from;
			return 0;
		}
	}
	WRITE_ONCE(*own, from);
	return -EAGAIN;
}

/* One look and one try. Returns 0, -EMSGSIZE, or -EAGAIN if somebody else was faster. */
static int mailbox_ring_take_found(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
				   const struct mailbox_found *found, u32 id, size_t limit,
				   struct mailbox_taken *t)
{
	mailbox_ring_read_header(ring, lane, &lane->view, found->position, t);
	if (t->length > limit) {
		smp_rmb();	/* the header was its own if the word is the same */
		if (mailbox_lane_word(&lane->view, found->position) == found->word)
			return -EMSGSIZE;
		return -EAGAIN;
	}
	return mailbox_slot_take(&lane->view, found->position, found->word, id) ? 0 : -EAGAIN;
}

int mailbox_ring_take(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 *own,
		      u32 id, size_t limit, struct mailbox_taken *t)
{
	struct mailbox_found found;
	u32 races;
	int err;

	for (races = 0; races < MAILBOX_RACES_MAX; races++) {
		cond_resched();
		found = mailbox_ring_walk_ready(lane, mailbox_ring_start(lane, own));
		if (!found.parked && found.what != MAILBOX_FIND_BROKEN)
			WRITE_ONCE(*own, found.position);
		switch (found.what) {
		case MAILBOX_FIND_SLOT:
			break;
		case MAILBOX_FIND_NONE:
			return -EAGAIN;
		case MAILBOX_FIND_PENDING:
			return -EINPROGRESS;
		case MAILBOX_FIND_BROKEN:
			return mailbox_ring_quarantine(ring, lane, found.position, found.word);
		}
		err = mailbox_ring_take_found(ring, lane, &found, id, limit, t);
		if (err == -EAGAIN)
			continue;
		if (err)
			return err;
		if (found.parked)
			mailbox_ring_revoke(lane);
		else
			mailbox_ring_advance(lane, own, found.position);
		return 0;
	}
	return -EAGAIN;
}

/* What one lane holds, between the oldest position that may and the next to claim. */
static u64 mailbox_lane_stats(const struct mailbox_ring_lane *lane, u64 end,
			      struct mailbox_ring_stats *stats)
{
	u32 unreceived = 0, depth = 0, i, n;
	u64 word, position;

	for (i = 1; i <= lane->view.capacity && i <= end; i++) {
		position = end - i;
		word = mailbox_lane_word(&lane->view, position);
		if (mailbox_word_distance(word, position))
			continue;
		n = mailbox_word_count(word);
		switch (mailbox_word_phase(word)) {
		case MAILBOX_PHASE_WRITING:
			stats->sent -= n;
			break;
		case MAILBOX_PHASE_READING:
			if (mailbox_word_owner(word) == MAILBOX_OWNER_PARKED)
				depth += n;
			unreceived += n;
			break;
		case MAILBOX_PHASE_READY:
			depth += n;
			unreceived += n;
			break;
		case MAILBOX_PHASE_SPLIT:
			unreceived++;
			break;
		}
	}
	/* Whatever counts have been forged. */
	stats->depth += min(depth, lane->view.capacity);
	return min(unreceived, lane->view.capacity);
}

/* The next position to claim. */
static u64 mailbox_lane_end(const struct mailbox_ring_lane *lane,
			    const struct mailbox_position *from)
{
	u64 start = READ_ONCE(lane->hint);

	if (from)
		start = max3(start, READ_ONCE(from->send), READ_ONCE(from->receive));
	if (mailbox_lane_word(&lane->view, start) == mailbox_word(start, 0, MAILBOX_PHASE_FREE))
		return start;
	return mailbox_ring_walk_free(lane, start).position;
}

void mailbox_ring_stats(const struct mailbox_ring *ring, u32 lanes,
			const struct mailbox_position *from, struct mailbox_ring_stats *stats)
{
	u64 unreceived = 0, refused, end;
	u32 n;

	memset(stats, 0, sizeof(*stats));
	for (n = 0; n < ring->lanes; n++) {
		const struct mailbox_ring_lane *lane = &ring->lane[n];

		end = mailbox_lane_end(lane, from ? &from[n] : NULL);
		stats->sent += end - mailbox_shared_discarded(lane->shared);
		if (lanes & BIT(n))
			unreceived += mailbox_lane_stats(lane, end, stats);
		cond_resched();
	}
	stats->sent -= atomic64_read(&ring->discarded);
	stats->dropped = atomic64_read(&ring->purged);
	refused = atomic64_read(&ring->refused);
	stats->sent += refused;
	stats->dropped += refused;
	stats->moved = atomic64_read(&ring->moved);
	stats->redelivered = atomic64_read(&ring->redelivered);
	stats->quarantined = atomic64_read(&ring->quarantined);
	/* What a mapped receiver takes while it is purged counts twice for a moment. */
	stats->received = max_t(s64, stats->sent - unreceived - stats->dropped - stats->moved, 0);
}

void mailbox_ring_purge(struct mailbox_ring *ring,
			void (*visit)(void *arg, u32 lane, const struct mailbox_taken *t),
			void *arg)
{
	struct mailbox_taken t;
	u32 n, left;

	for (n = 0; n < ring->lanes; n++) {
		struct mailbox_ring_lane *lane = &ring->lane[n];
		u64 own = 0;

		for (left = lane->view.capacity; left; left--) {
			if (mailbox_ring_take(ring, lane, &own, 0, SIZE_MAX, &t))
				break;
			atomic64_inc(&ring->purged);
			if (visit)
				visit(arg, n, &t);
			mailbox_slot_release(&lane->view, t.position);
		}
		cond_resched();
	}
}

int mailbox_ring_drop(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
		      struct mailbox_taken *t)
{
	u64 own = 0;
	int err = mailbox_ring_take(ring, lane, &own, 0, SIZE_MAX, t);

	if (!err) {
		atomic64_inc(&ring->purged);
		mailbox_ring_lose(lane, 1);
	}
	return err;
}

bool mailbox_ring_untaken(const struct mailbox_lane *view, u64 position, u64 word)
{
	if (word == mailbox_word(position, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING))
		return !(READ_ONCE(mailbox_lane_slot(view, position)->header) &
			 MAILBOX_SLOT_DEPARTED_MASK);
	return mailbox_word_is(word, position, MAILBOX_PHASE_READY);
}

bool mailbox_ring_withdraw(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
			   u64 position)
{
	u64 word = mailbox_lane_word(&lane->view, position);

	if (!mailbox_ring_untaken(&lane->view, position, word) ||
	    !mailbox_slot_replace(&lane->view, position, word,
				  mailbox_word(position, 0, MAILBOX_PHASE_VOID)))
		return false;
	if (mailbox_word_phase(word) == MAILBOX_PHASE_READING)
		mailbox_ring_revoke(lane);
	atomic64_inc(&ring->discarded);
	return true;
}

static void mailbox_ring_void(struct mailbox_ring *ring, const struct mailbox_lane *view,
			      u64 position, u64 word)
{
	if (mailbox_slot_replace(view, position, word,
				 mailbox_word(position, 0, MAILBOX_PHASE_VOID)))
		atomic64_inc(&ring->discarded);
}

/*
 * Try to give up a message of an owner that is gone: into our hands first, as a purge
 * does. Returns false if it shall come again; its word is @word then, another one maybe.
 */
static bool mailbox_ring_give_up(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
				 u64 position, u64 *word)
{
	u64 ours = mailbox_word(position, 0, MAILBOX_PHASE_READING);
	u64 nowhere = 0, base = mailbox_ring_start(lane, &nowhere);
	struct mailbox_taken t;

	if (!mailbox_slot_replace(&lane->view, position, *word, ours))
		return true;		/* forged */
	*word = ours;
	mailbox_ring_read_header(ring, lane, &lane->view, position, &t);
	t.position = base + mailbox_word_distance(ours, base);	/* all of it */
	if (!ring->bury(ring, lane - ring->lane, &t, 0))
		return false;
	mailbox_slot_release(&lane->view, position);			/* (D) (E) */
	return true;
}

static void mailbox_ring_redeliver(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
				   u64 position, u64 word)
{
	u32 departed = mailbox_slot_departed(&lane->view, position);

	if (mailbox_ring_spent(ring, departed) &&
	    mailbox_ring_give_up(ring, lane, position, &word))
		return;
	mailbox_ring_announce(lane);
	if (mailbox_slot_replace(&lane->view, position, word,
				 mailbox_word(position, MAILBOX_OWNER_PARKED,
					      MAILBOX_PHASE_READING)))
		atomic64_inc(&ring->redelivered);
	else
		mailbox_ring_revoke(lane);	/* forged, for its owner is gone */
}

/* From the tail down, the head last: it is the lock of its range. */
bool mailbox_ring_undo(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 index,
		       u32 owner)
{
	const struct mailbox_lane *view = &lane->view;
	u64 word = mailbox_lane_word(view, index), position = word >> MAILBOX_SEQUENCE_SHIFT;
	u64 phase = mailbox_word_phase(word), tail;
	u32 n;

	if (mailbox_word_owner(word) != owner || mailbox_distance_broken(view, position - index))
		return false;
	n = mailbox_word_span(view, position, word) ?: 1;
	switch (phase) {
	case MAILBOX_PHASE_SPLIT:
		mailbox_slot_help(view, position, word);
		n = 1;
		break;
	case MAILBOX_PHASE_WRITING:
	case MAILBOX_PHASE_READING:
		break;
	default:
		return false;
	}
	while (--n) {
		/* Another word: it was released already. */
		tail = mailbox_word(position + n, 0, MAILBOX_PHASE_FREE);
		if (mailbox_lane_word(view, position + n) != tail)
			continue;
		if (phase == MAILBOX_PHASE_WRITING)
			mailbox_ring_void(ring, view, position + n, tail);
		else
			mailbox_ring_redeliver(ring, lane, position + n, tail);
	}
	if (phase == MAILBOX_PHASE_WRITING)
		mailbox_ring_void(ring, view, position, word);
	else
		mailbox_ring_redeliver(ring, lane, position, word);
	return true;
}

u32 mailbox_ring_repair(struct mailbox_ring *ring, u32 owner)
{
	u32 lanes = 0, n;
	u64 i;

	for (n = 0; n < ring->lanes; n++) {
		for (i = 0; i < ring->lane[n].view.capacity; i++) {
			if (mailbox_ring_undo(ring, &ring->lane[n], i, owner))
				lanes |= 1U << n;
			if (!(i % 1024))
				cond_resched();
		}
	}
	return lanes;
}

/* Returns whether there is anything in this lane. */
static bool mailbox_lane_held(const struct mailbox_ring_lane *lane, u32 owner,
			      struct mailbox_ring_held *held)
{
	u64 nowhere = 0, base = mailbox_ring_start(lane, &nowhere), i;
	s64 oldest = S64_MAX;

	for (i = 0; i < lane->view.capacity; i++) {
		u64 word = mailbox_lane_word(&lane->view, i);

		if (!(i % 1024))
			cond_resched();
		if (mailbox_word_owner(word) != owner)
			continue;
		switch (mailbox_word_phase(word)) {
		case MAILBOX_PHASE_WRITING:
			held->writing += mailbox_word_count(word);
			break;
		case MAILBOX_PHASE_READING:
			held->reading += mailbox_word_count(word);
			break;
		case MAILBOX_PHASE_SPLIT:
			held->reading++;
			break;
		default:
			continue;
		}
		oldest = min(oldest, mailbox_word_distance(word, base));
	}
	if (oldest == S64_MAX)
		return false;
	held->position = base + oldest;
	return true;
}

void mailbox_ring_held(const struct mailbox_ring *ring, u32 owner, struct mailbox_ring_held *held)
{
	u32 n;

	memset(held, 0, sizeof(*held));
	for (n = 0; n < ring->lanes; n++)
		if (mailbox_lane_held(&ring->lane[n], owner, held))
			held->lane = n;
}

static void mailbox_lane_each_sender(const struct mailbox_lane *lane,
				     void (*visit)(void *arg, u32 id), void *arg)
{
	u64 i;

	for (i = 0; i < lane->capacity; i++) {
		u64 word = mailbox_lane_word(lane, i);
		u64 phase = mailbox_word_phase(word);
		u32 n = 0;

		if (phase == MAILBOX_PHASE_READY || phase == MAILBOX_PHASE_READING ||
		    phase == MAILBOX_PHASE_SPLIT)
			n = mailbox_word_span(lane, i, word);
		while (n--)
			visit(arg, READ_ONCE(mailbox_lane_slot(lane, i + n)->header) >>
			      MAILBOX_SLOT_SENDER_SHIFT);
		if (!(i % 1024))
			cond_resched();
	}
}

void mailbox_ring_each_sender(const struct mailbox_ring *ring,
			      void (*visit)(void *arg, u32 id), void *arg)
{
	u32 n;

	for (n = 0; n < ring->lanes; n++)
		mailbox_lane_each_sender(&ring->lane[n].view, visit, arg);
}
