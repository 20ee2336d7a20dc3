// SPDX-License-Identifier: GPL-2.0-only
/* A port's slots: their memory, and looking at all of them. */

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

int mailbox_ring_init(struct mailbox_ring *ring, u32 message_size, u32 capacity, u32 lanes)
{
	u64 stride = mailbox_slot_stride(message_size);
	u64 position;
	u32 n;

	ring->bytes = mailbox_ring_bytes(message_size, capacity, lanes);
	ring->lanes = lanes;
	ring->message_size = message_size;
	ring->lane = kcalloc(lanes, sizeof(*ring->lane), GFP_KERNEL_ACCOUNT);
	if (!ring->lane)
		return -ENOMEM;
	/* Over a memory cgroup's limit: fail, and do not let the OOM killer loose. */
	ring->memory = __vmalloc(ring->bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				 __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!ring->memory) {
		kfree(ring->lane);
		return -ENOMEM;
	}
	for (n = 0; n < lanes; n++) {
		struct mailbox_lane *view = &ring->lane[n].view;

		view->slots = ring->memory + n * capacity * stride;
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
	vfree(ring->memory);
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

int mailbox_ring_claim(const struct mailbox_ring_lane *lane, u64 *own, u32 id, u64 *position)
{
	u64 from = mailbox_ring_start(lane, own);

	for (;;) {
		struct mailbox_found found = mailbox_ring_walk_free(lane, from);

		from = found.position;
		if (found.what != MAILBOX_FIND_SLOT) {
			WRITE_ONCE(*own, from);
			return found.what == MAILBOX_FIND_BROKEN ? -EPROTO : -EAGAIN;
		}
		if (mailbox_claim(&lane->view, from, found.word, id))	/* (A) */
			break;
	}
	WRITE_ONCE(*own, from + 1);
	*position = from;
	return 0;
}

int mailbox_ring_take(const struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 *own,
		      u32 id, size_t limit, struct mailbox_taken *t)
{
	struct mailbox_found found;

	for (;;) {
		found = mailbox_ring_walk_ready(lane, mailbox_ring_start(lane, own));
		if (!found.parked)
			WRITE_ONCE(*own, found.position);
		switch (found.what) {
		case MAILBOX_FIND_SLOT:
			break;
		case MAILBOX_FIND_NONE:
			return -EAGAIN;
		case MAILBOX_FIND_PENDING:
			return -EINPROGRESS;
		case MAILBOX_FIND_BROKEN:
			return -EPROTO;
		}
		mailbox_ring_read_header(ring, lane, &lane->view, found.position, t);
		if (t->length <= limit) {
			if (mailbox_take(&lane->view, found.position, found.word, id))
				break;
		} else {
			smp_rmb();	/* the header was its own if the word is the same */
			if (mailbox_lane_word(&lane->view, found.position) == found.word)
				return -EMSGSIZE;
		}
	}
	if (found.parked)
		atomic_dec(&lane->parked);
	else
		mailbox_ring_advance(lane, own, found.position);
	return 0;
}

/* What one lane holds, between the oldest position that may and the next to claim. */
static u64 mailbox_lane_stats(const struct mailbox_ring_lane *lane,
			      struct mailbox_ring_stats *stats)
{
	u64 end = mailbox_ring_walk_free(lane, READ_ONCE(lane->hint)).position;
	u32 unreceived = 0, i;
	u64 word, position;

	for (i = 1; i <= lane->view.capacity && i <= end; i++) {
		position = end - i;
		word = mailbox_lane_word(&lane->view, position);
		if (mailbox_word_distance(word, position))
			continue;
		switch (mailbox_word_phase(word)) {
		case MAILBOX_PHASE_WRITING:
			stats->sent--;
			break;
		case MAILBOX_PHASE_READING:
			if (mailbox_word_owner(word) == MAILBOX_OWNER_PARKED)
				stats->depth++;
			unreceived++;
			break;
		case MAILBOX_PHASE_READY:
			stats->depth++;
			unreceived++;
			break;
		}
	}
	stats->sent += end;
	return unreceived;
}

void mailbox_ring_stats(const struct mailbox_ring *ring, struct mailbox_ring_stats *stats)
{
	u64 unreceived = 0;
	u32 n;

	memset(stats, 0, sizeof(*stats));
	for (n = 0; n < ring->lanes; n++) {
		unreceived += mailbox_lane_stats(&ring->lane[n], stats);
		cond_resched();
	}
	stats->sent -= atomic64_read(&ring->discarded);
	stats->dropped = atomic64_read(&ring->purged);
	stats->redelivered = atomic64_read(&ring->redelivered);
	stats->received = stats->sent - unreceived - stats->dropped;
}

void mailbox_ring_purge(struct mailbox_ring *ring)
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
			mailbox_release(&lane->view, t.position);
		}
		cond_resched();
	}
}

static void mailbox_lane_each_sender(const struct mailbox_lane *lane,
				     void (*visit)(void *arg, u32 id), void *arg)
{
	u64 i;

	for (i = 0; i < lane->capacity; i++) {
		u64 word = mailbox_lane_word(lane, i);
		u64 phase = mailbox_word_phase(word);

		if (phase == MAILBOX_PHASE_READY || phase == MAILBOX_PHASE_READING)
			visit(arg, READ_ONCE(mailbox_lane_slot(lane, i)->header) >>
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
