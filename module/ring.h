/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: the kernel's end of the slots: a port's memory, and the steps of
 * mailbox_ring.h with what only the kernel adds to them.
 *
 * - A hint for each lane, a position that all live traffic has passed, so that
 *   an endpoint that slept for long starts within the range of the sequence.
 * - Parked messages: taken by a receiver that could not store them, and kept in
 *   their slots for the next one, who gets them before anything else.
 * - Statistics, derived from the words when somebody asks.
 *
 * No locks, no sleeping, no allocation outside init and destroy; who must be
 * woken after a step is the caller's business.
 */
#ifndef MAILBOX_RING_H
#define MAILBOX_RING_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mailbox_ring.h>

/* How often a lane's hint moves, in messages; far below the sequence's 2^35. */
#define MAILBOX_HINT_PERIOD	(1ULL << 16)

/**
 * struct mailbox_ring_lane - a lane as the kernel sees it
 * @view: geometry, fixed
 * @hint: a position that every participant may start from
 * @parked: messages parked here; rises before one is parked, falls after it is taken
 */
struct mailbox_ring_lane {
	struct mailbox_lane view;
	u64 hint;
	atomic_t parked;
};

/**
 * struct mailbox_ring - the slots of a port
 * @lane: the lanes
 * @lanes: how many
 * @message_size: longest payload in bytes
 * @memory: the slots
 * @bytes: its size
 * @discarded: slots that were claimed and given up
 * @purged: messages taken away by mailbox_ring_purge()
 * @parks: messages ever parked
 */
struct mailbox_ring {
	struct mailbox_ring_lane *lane;
	u32 lanes;
	u32 message_size;
	void *memory;
	u64 bytes;
	atomic64_t discarded;
	atomic64_t purged;
	atomic64_t parks;
};

/**
 * struct mailbox_taken - a message in a receiver's hands
 * @lane: whence
 * @position: its number there
 * @payload: its bytes
 * @length: how many, never more than message_size
 * @tag: given by the sender, or 0
 * @sender: endpoint id
 */
struct mailbox_taken {
	struct mailbox_ring_lane *lane;
	u64 position;
	void *payload;
	u32 length;
	u32 sender;
	u64 tag;
};

struct mailbox_ring_stats {
	u64 sent;
	u64 received;
	u64 dropped;
	u64 redelivered;
	u32 depth;
};

/**
 * mailbox_ring_bytes() - memory that a geometry takes
 * @message_size: bytes
 * @capacity: slots per lane
 * @lanes: lanes
 *
 * Return: bytes; no overflow within the limits of mailbox.h.
 */
static inline u64 mailbox_ring_bytes(u32 message_size, u32 capacity, u32 lanes)
{
	return mailbox_slot_stride(message_size) * capacity * lanes;
}

/**
 * mailbox_ring_init() - allocate the slots, all free
 * @ring: embedded in the port
 * @message_size: bytes, checked by the caller
 * @capacity: slots per lane, a power of two
 * @lanes: lanes
 *
 * Charged to the caller's memory cgroup. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int mailbox_ring_init(struct mailbox_ring *ring, u32 message_size, u32 capacity, u32 lanes);

void mailbox_ring_destroy(struct mailbox_ring *ring);

/**
 * mailbox_ring_stats() - count what the words say
 * @ring: the ring
 * @stats: out; exact when nobody sends or receives meanwhile
 */
void mailbox_ring_stats(const struct mailbox_ring *ring, struct mailbox_ring_stats *stats);

/**
 * mailbox_ring_purge() - take away what is queued
 * @ring: the ring; senders must be unable to add for ever
 */
void mailbox_ring_purge(struct mailbox_ring *ring);

/**
 * mailbox_ring_each_sender() - name the sender of each message in the slots
 * @ring: the ring
 * @visit: called with each id, some more than once
 * @arg: for @visit
 */
void mailbox_ring_each_sender(const struct mailbox_ring *ring,
			      void (*visit)(void *arg, u32 id), void *arg);

/* Where a walk starts: the endpoint's own position, unless it slept for long. */
static inline u64 mailbox_ring_start(const struct mailbox_ring_lane *lane, const u64 *own)
{
	return max(READ_ONCE(*own), READ_ONCE(lane->hint));
}

/**
 * mailbox_ring_can_claim() - look for a free slot
 * @lane: where
 * @own: the endpoint's position as a sender
 *
 * Return: true if a claim would succeed now. Reads only.
 */
static inline bool mailbox_ring_can_claim(const struct mailbox_ring_lane *lane, const u64 *own)
{
	u64 p = mailbox_ring_start(lane, own), w;

	/* A broken word is for the call itself to report. */
	return mailbox_find_free(&lane->view, &p, &w) != MAILBOX_FIND_NONE;
}

/**
 * mailbox_ring_claim() - claim the next slot
 * @lane: where
 * @own: the endpoint's position as a sender, moved on
 * @id: the endpoint
 * @position: out
 *
 * Return: 0, -EAGAIN (full) or -EPROTO. Then fill, and publish or discard.
 */
static __always_inline int mailbox_ring_claim(struct mailbox_ring_lane *lane, u64 *own, u32 id,
					      u64 *position)
{
	u64 p = mailbox_ring_start(lane, own), w;

	for (;;) {
		enum mailbox_find found = mailbox_find_free(&lane->view, &p, &w);

		if (found != MAILBOX_FIND_SLOT) {
			WRITE_ONCE(*own, p);
			return found == MAILBOX_FIND_BROKEN ? -EPROTO : -EAGAIN;
		}
		if (mailbox_claim(&lane->view, p, w, id))	/* (A) */
			break;
	}
	WRITE_ONCE(*own, p + 1);
	*position = p;
	return 0;
}

/**
 * mailbox_ring_write_header() - say what a claimed slot holds
 * @lane: the lane
 * @position: of the slot
 * @length: bytes
 * @tag: or 0
 * @id: the sender
 *
 * Return: where the payload goes.
 */
static __always_inline void *mailbox_ring_write_header(const struct mailbox_ring_lane *lane,
						       u64 position, u32 length, u64 tag, u32 id)
{
	struct mailbox_slot *slot = mailbox_lane_slot(&lane->view, position);
	u64 header = (u64)id << MAILBOX_SLOT_SENDER_SHIFT | length;
	u64 *payload = (u64 *)(slot + 1);

	if (tag) {
		header |= MAILBOX_SLOT_TAG;
		*payload++ = tag;
	}
	WRITE_ONCE(slot->header, header);
	return payload;
}

static inline void mailbox_ring_discard(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
					u64 position)
{
	atomic64_inc(&ring->discarded);
	mailbox_discard(&lane->view, position);
}

/* Length of the message in a slot, clamped: the port has room for no more. */
static __always_inline u32 mailbox_ring_length(const struct mailbox_ring *ring, u64 header)
{
	return min_t(u32, header, ring->message_size);
}

/**
 * mailbox_ring_can_take() - look for a message
 * @lane: where
 * @own: the endpoint's position as a receiver
 *
 * Return: MAILBOX_FIND_SLOT if a take would succeed now; MAILBOX_FIND_PENDING
 * if a message is being written; else what mailbox_find_ready() says.
 */
static inline enum mailbox_find mailbox_ring_can_take(const struct mailbox_ring_lane *lane,
						      const u64 *own)
{
	u64 p = mailbox_ring_start(lane, own), w;

	if (unlikely(atomic_read(&lane->parked)) &&
	    mailbox_find_parked(&lane->view, &p, &w) == MAILBOX_FIND_SLOT)
		return MAILBOX_FIND_SLOT;
	return mailbox_find_ready(&lane->view, &p, &w);
}

/* The message at a found slot is longer than the receiver's buffer, for certain. */
static inline bool mailbox_ring_too_long(const struct mailbox_ring *ring,
					 const struct mailbox_ring_lane *lane, u64 position,
					 u64 word, u32 limit, u32 *length)
{
	const struct mailbox_slot *slot = mailbox_lane_slot(&lane->view, position);

	*length = mailbox_ring_length(ring, READ_ONCE(slot->header));
	smp_rmb();	/* the header was this message's if the word has not changed since */
	return *length > limit && mailbox_lane_word(&lane->view, position) == word;
}

/**
 * mailbox_ring_take() - take the next message of a lane
 * @ring: the ring
 * @lane: where
 * @own: the endpoint's position as a receiver, moved on
 * @id: the endpoint
 * @limit: longest message to take
 * @t: out: the message; with -EMSGSIZE only its length
 *
 * Return: 0, -EMSGSIZE (left where it is), -EPROTO, -EAGAIN (empty), or
 * -EINPROGRESS (empty, but a message is being written).
 * Then read, and release or park.
 */
static __always_inline int mailbox_ring_take(const struct mailbox_ring *ring,
					     struct mailbox_ring_lane *lane, u64 *own, u32 id,
					     u32 limit, struct mailbox_taken *t)
{
	u64 p = mailbox_ring_start(lane, own), w, header;
	struct mailbox_slot *slot;
	bool parked;

	for (;;) {
		enum mailbox_find found;

		parked = unlikely(atomic_read(&lane->parked)) &&
			 mailbox_find_parked(&lane->view, &p, &w) == MAILBOX_FIND_SLOT;
		if (!parked) {
			found = mailbox_find_ready(&lane->view, &p, &w);	/* (C) */
			if (found != MAILBOX_FIND_SLOT) {
				WRITE_ONCE(*own, p);
				return found == MAILBOX_FIND_BROKEN ? -EPROTO :
				       found == MAILBOX_FIND_PENDING ? -EINPROGRESS : -EAGAIN;
			}
		}
		if (unlikely(limit < ring->message_size) &&
		    mailbox_ring_too_long(ring, lane, p, w, limit, &t->length))
			return -EMSGSIZE;
		if (likely(mailbox_take(&lane->view, p, w, id)))
			break;
		if (parked)
			p = mailbox_ring_start(lane, own);
	}
	if (unlikely(parked)) {
		atomic_dec(&lane->parked);
	} else {
		WRITE_ONCE(*own, p + 1);
		if (unlikely(!(p & (MAILBOX_HINT_PERIOD - 1))))
			WRITE_ONCE(lane->hint, p);
	}

	slot = mailbox_lane_slot(&lane->view, p);
	header = READ_ONCE(slot->header);
	t->lane = lane;
	t->position = p;
	t->payload = slot + 1;
	t->length = mailbox_ring_length(ring, header);
	t->sender = header >> MAILBOX_SLOT_SENDER_SHIFT;
	t->tag = 0;
	if (header & MAILBOX_SLOT_TAG) {
		t->tag = READ_ONCE(*(u64 *)t->payload);
		t->payload += sizeof(u64);
	}
	return 0;
}

static inline void mailbox_ring_park(struct mailbox_ring *ring, const struct mailbox_taken *t)
{
	atomic64_inc(&ring->parks);
	/* First the count: who sees the word shall look for it. */
	atomic_inc(&t->lane->parked);
	mailbox_park(&t->lane->view, t->position);
}

#endif /* MAILBOX_RING_H */
