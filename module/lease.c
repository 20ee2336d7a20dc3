// SPDX-License-Identifier: GPL-2.0-only
/* Leases, and what comes back of them. */

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "lease.h"

static void mailbox_lease_expire(struct work_struct *work);

void mailbox_lease_room_init(struct mailbox_lease_room *room, struct mailbox_ring *ring,
			     const struct mailbox_lease_owner *owner)
{
	room->ring = ring;
	room->owner = owner;
	spin_lock_init(&room->lock);
	INIT_LIST_HEAD(&room->filled);
	INIT_LIST_HEAD(&room->waiting);
	INIT_LIST_HEAD(&room->timed);
	INIT_DELAYED_WORK(&room->expiry, mailbox_lease_expire);
}

void mailbox_lease_room_destroy(struct mailbox_lease_room *room)
{
	struct mailbox_lease *lease, *next;

	cancel_delayed_work_sync(&room->expiry);
	list_for_each_entry_safe(lease, next, &room->waiting, node)
		mailbox_lease_put(lease);
}

/* All that one is before it is filled. */
static void mailbox_lease_init(struct mailbox_lease *lease, u32 size)
{
	INIT_LIST_HEAD(&lease->node);
	INIT_LIST_HEAD(&lease->timed);
	refcount_set(&lease->refs, 1);
	lease->size = size;
	lease->holder = 0;
}

struct mailbox_lease *mailbox_lease_alloc(struct mailbox_lease_room *room,
					  struct mailbox_leases *leases, u32 size)
{
	struct mailbox_lease *lease = NULL;

	if (size <= MAILBOX_LEASE_SHORT) {
		spin_lock(&room->lock);
		swap(lease, leases->spare);
		spin_unlock(&room->lock);
		size = MAILBOX_LEASE_SHORT;
	}
	if (!lease)
		lease = kvmalloc(struct_size(lease, data, size), MAILBOX_GFP);
	if (lease)
		mailbox_lease_init(lease, size);
	return lease;
}

/* Returns what is left to put: nothing, if it has become the spare one. */
static struct mailbox_lease *mailbox_lease_spare(struct mailbox_lease_room *room,
						 struct mailbox_leases *leases,
						 struct mailbox_lease *lease)
{
	lockdep_assert_held(&room->lock);
	/*
	 * Who looks at one has found it among those that wait, and under the lock: there
	 * will be no other. What he reads he reads before he puts it.
	 */
	if (lease->size == MAILBOX_LEASE_SHORT && refcount_read(&lease->refs) == 1)
		swap(lease, leases->spare);
	return lease;
}

void mailbox_lease_free(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease)
{
	spin_lock(&room->lock);
	lease = mailbox_lease_spare(room, leases, lease);
	spin_unlock(&room->lock);
	if (lease)
		mailbox_lease_put(lease);
}

void mailbox_lease_put(struct mailbox_lease *lease)
{
	if (refcount_dec_and_test(&lease->refs))
		kvfree(lease);
}

void mailbox_lease_fill(struct mailbox_lease_room *room, struct mailbox_lease *lease, u32 lane,
			const struct mailbox_taken *t)
{
	lease->lane = lane;
	lease->t = *t;
	lease->t.payload = lease->data;
	memcpy(lease->data, t->payload, t->length);
	spin_lock(&room->lock);
	room->pending[lane]++;
	list_add_tail(&lease->filled, &room->filled);
	spin_unlock(&room->lock);
}

/* The first that waits on this lane, if it is its turn. */
static struct mailbox_lease *mailbox_lease_first(struct mailbox_lease_room *room, u32 lane,
						 const u64 *own)
{
	const struct mailbox_ring_lane *at = &room->ring->lane[lane];
	struct mailbox_found found;
	struct mailbox_lease *lease;

	lockdep_assert_held(&room->lock);
	list_for_each_entry(lease, &room->waiting, node) {
		if (lease->lane != lane)
			continue;
		if (!lease->behind)
			return lease;
		found = mailbox_ring_walk_ready(at, mailbox_ring_start(at, own));
		return found.what == MAILBOX_FIND_SLOT && found.position < lease->behind ? NULL :
											   lease;
	}
	return NULL;
}

struct mailbox_lease *mailbox_lease_take(struct mailbox_lease_room *room, u32 lane,
					 const u64 *own, size_t limit, struct mailbox_taken *t)
{
	struct mailbox_lease *lease;

	spin_lock(&room->lock);
	lease = mailbox_lease_first(room, lane, own);
	if (!lease) {
		lease = ERR_PTR(-EAGAIN);
	} else {
		*t = lease->t;
		if (t->length > limit) {
			lease = ERR_PTR(-EMSGSIZE);
		} else {
			list_del_init(&lease->node);
			mailbox_ring_revoke(&room->ring->lane[lane]);
		}
	}
	spin_unlock(&room->lock);
	return lease;
}

bool mailbox_lease_waits(struct mailbox_lease_room *room, u32 lane, const u64 *own)
{
	bool found;

	spin_lock(&room->lock);
	found = mailbox_lease_first(room, lane, own);
	spin_unlock(&room->lock);
	return found;
}

/* Whether the message in a slot is to be received before this lease. */
static bool mailbox_lease_after(const struct mailbox_lease *lease,
				const struct mailbox_cursor *slots)
{
	return mailbox_cursor_valid(slots) && slots->found.position < lease->behind;
}

struct mailbox_lease *mailbox_lease_nth(struct mailbox_lease_room *room, u32 lane,
					struct mailbox_cursor *slots, u32 *index,
					struct mailbox_taken *t)
{
	struct mailbox_lease *lease, *found = NULL;

	spin_lock(&room->lock);
	list_for_each_entry(lease, &room->waiting, node) {
		if (lease->lane != lane)
			continue;
		for (; *index && mailbox_lease_after(lease, slots); (*index)--)
			mailbox_cursor_next(slots);
		if (!*index) {
			if (!mailbox_lease_after(lease, slots))
				found = lease;
			break;
		}
		(*index)--;
	}
	if (found) {
		refcount_inc(&found->refs);
		*t = found->t;
	}
	spin_unlock(&room->lock);
	return found;
}

/* Run the expiry when the first deadline has passed. */
static void mailbox_lease_schedule(struct mailbox_lease_room *room)
{
	u64 first = U64_MAX, now = ktime_get_ns();
	struct mailbox_lease *lease;

	lockdep_assert_held(&room->lock);
	list_for_each_entry(lease, &room->timed, timed)
		first = min(first, lease->deadline);
	cancel_delayed_work(&room->expiry);
	if (first != U64_MAX)
		schedule_delayed_work(&room->expiry,
				      first > now ? min_t(u64, MAX_JIFFY_OFFSET,
							  nsecs_to_jiffies64(first - now) + 1) : 0);
}

void mailbox_lease_hold(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease, u64 deadline)
{
	spin_lock(&room->lock);
	list_add_tail(&lease->node, &leases->held);
	lease->holder = leases->id;
	lease->deadline = deadline;
	if (deadline && deadline != MAILBOX_FOREVER) {
		list_add_tail(&lease->timed, &room->timed);
		mailbox_lease_schedule(room);
	}
	spin_unlock(&room->lock);
}

struct mailbox_lease *mailbox_lease_claim(struct mailbox_lease_room *room,
					  struct mailbox_leases *leases, u32 lane, u64 position)
{
	struct mailbox_lease *lease, *found = NULL;

	spin_lock(&room->lock);
	list_for_each_entry(lease, &leases->held, node) {
		if (lease->t.position == position && lease->lane == lane) {
			found = lease;
			list_del_init(&lease->node);
			list_del_init(&lease->timed);
			break;
		}
	}
	spin_unlock(&room->lock);
	return found;
}

/* Put it in its place among those that wait: by position, those behind others last. */
static void mailbox_lease_queue(struct mailbox_lease_room *room, struct mailbox_lease *lease)
{
	struct list_head *before = &room->waiting;
	struct mailbox_lease *other;

	lockdep_assert_held(&room->lock);
	list_for_each_entry(other, &room->waiting, node) {
		if (!lease->behind && other->lane == lease->lane &&
		    (other->behind || other->t.position > lease->t.position)) {
			before = &other->node;
			break;
		}
	}
	list_add_tail(&lease->node, before);
	mailbox_ring_announce(&room->ring->lane[lease->lane]);
}

/* Returns false if nobody is to have it any more. */
static bool mailbox_lease_requeue(struct mailbox_lease_room *room, struct mailbox_lease *lease,
				  bool back)
{
	const struct mailbox_ring_lane *lane = &room->ring->lane[lease->lane];

	lockdep_assert_held(&room->lock);
	list_del_init(&lease->node);
	list_del_init(&lease->timed);
	lease->behind = back ? mailbox_ring_walk_free(lane, READ_ONCE(lane->hint)).position : 0;
	if (room->purged)
		return false;
	mailbox_lease_queue(room, lease);
	return true;
}

/* A purge met it. */
static void mailbox_lease_discard(struct mailbox_lease_room *room, struct mailbox_lease *lease)
{
	if (lease->t.receipt)
		room->owner->discards(room, lease->lane, lease->t.position);
	atomic64_inc(&room->ring->purged);
	mailbox_lease_drop(room, NULL, lease);
}

/* One more delivery in vain. Returns whether that was the last. */
static bool mailbox_lease_give_up(struct mailbox_lease_room *room, struct mailbox_lease *lease)
{
	struct mailbox_ring *ring = room->ring;

	lease->t.departed += lease->t.departed < U8_MAX;
	if (mailbox_ring_spent(ring, lease->t.departed) && !READ_ONCE(room->purged) &&
	    ring->bury(ring, lease->lane, &lease->t, lease->holder)) {
		mailbox_lease_drop(room, NULL, lease);
		return true;
	}
	atomic64_inc(&ring->redelivered);
	return false;
}

void mailbox_lease_return(struct mailbox_lease_room *room, struct mailbox_lease *lease,
			  bool failed, bool back)
{
	u32 lane = lease->lane;
	bool waits;

	if (failed && mailbox_lease_give_up(room, lease))
		return;
	if (lease->t.receipt)
		room->owner->gives_back(room, lane, lease->t.position);
	spin_lock(&room->lock);
	waits = mailbox_lease_requeue(room, lease, back);
	spin_unlock(&room->lock);
	if (waits)
		room->owner->returned(room, lane);
	else
		mailbox_lease_discard(room, lease);
}

void mailbox_leases_close(struct mailbox_lease_room *room, struct mailbox_leases *leases)
{
	struct mailbox_lease *lease;

	for (;;) {
		spin_lock(&room->lock);
		lease = list_first_entry_or_null(&leases->held, struct mailbox_lease, node);
		if (lease) {
			list_del_init(&lease->node);
			list_del_init(&lease->timed);
		}
		spin_unlock(&room->lock);
		if (!lease)
			break;
		mailbox_lease_return(room, lease, true, false);
	}
	if (leases->spare)
		mailbox_lease_put(leases->spare);
	leases->spare = NULL;
}

static struct mailbox_lease *mailbox_lease_overdue(struct mailbox_lease_room *room)
{
	struct mailbox_lease *lease, *found = NULL;
	u64 now = ktime_get_ns();

	spin_lock(&room->lock);
	list_for_each_entry(lease, &room->timed, timed) {
		if (lease->deadline <= now) {
			found = lease;
			list_del_init(&lease->node);
			list_del_init(&lease->timed);
			break;
		}
	}
	if (!found)
		mailbox_lease_schedule(room);
	spin_unlock(&room->lock);
	return found;
}

static void mailbox_lease_expire(struct work_struct *work)
{
	struct mailbox_lease_room *room = container_of(to_delayed_work(work),
						       struct mailbox_lease_room, expiry);
	struct mailbox_lease *lease;

	while ((lease = mailbox_lease_overdue(room)))
		mailbox_lease_return(room, lease, true, false);
}

void mailbox_lease_drop(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease)
{
	u32 lane = lease->lane;
	bool last;

	spin_lock(&room->lock);
	last = !--room->pending[lane];
	list_del(&lease->filled);
	if (leases)
		lease = mailbox_lease_spare(room, leases, lease);
	spin_unlock(&room->lock);
	if (lease)
		mailbox_lease_put(lease);
	if (last)
		room->owner->emptied(room, lane);
}

bool mailbox_lease_pending(struct mailbox_lease_room *room, u32 lanes)
{
	unsigned long mask = lanes;
	bool pending = false;
	unsigned int n;

	spin_lock(&room->lock);
	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		pending |= room->pending[n];
	spin_unlock(&room->lock);
	return pending;
}

void mailbox_lease_each_sender(struct mailbox_lease_room *room,
			       void (*visit)(void *arg, u32 id), void *arg)
{
	const struct mailbox_lease *lease;

	spin_lock(&room->lock);
	list_for_each_entry(lease, &room->filled, filled)
		visit(arg, lease->t.sender);
	spin_unlock(&room->lock);
}

void mailbox_lease_purge(struct mailbox_lease_room *room)
{
	struct mailbox_lease *lease;

	for (;;) {
		spin_lock(&room->lock);
		WRITE_ONCE(room->purged, true);
		lease = list_first_entry_or_null(&room->waiting, struct mailbox_lease, node);
		if (lease) {
			list_del_init(&lease->node);
			mailbox_ring_revoke(&room->ring->lane[lease->lane]);
		}
		spin_unlock(&room->lock);
		if (!lease)
			break;
		mailbox_lease_discard(room, lease);
	}
}

u32 mailbox_leases_count(struct mailbox_lease_room *room, const struct mailbox_leases *leases)
{
	const struct mailbox_lease *lease;
	u32 n = 0;

	spin_lock(&room->lock);
	list_for_each_entry(lease, &leases->held, node)
		n++;
	spin_unlock(&room->lock);
	return n;
}

u32 mailbox_lease_stats(struct mailbox_lease_room *room, u32 *waiting)
{
	struct mailbox_lease *lease;
	u32 pending = 0, n;

	*waiting = 0;
	spin_lock(&room->lock);
	list_for_each_entry(lease, &room->waiting, node)
		(*waiting)++;
	for (n = 0; n < MAILBOX_LANES_MAX; n++)
		pending += room->pending[n];
	spin_unlock(&room->lock);
	return pending;
}
