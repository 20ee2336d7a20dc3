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
 * - Repair after a mapped participant has departed, and quarantine of slots whose
 *   word no rule could have made.
 * - The end of messages that were delivered in vain too often: their owner decides.
 *
 * The memory may be mapped, and then anybody who may write it can put anything
 * anywhere at any time. So what is read is read once and judged, walks and
 * retries are bounded, and what the kernel itself relies on is kept elsewhere;
 * a wrong word can cost messages and wake-ups on its own port, nothing more.
 *
 * No locks, no sleeping (but cond_resched()), no allocation outside init and
 * destroy; who must be woken after a step is the caller's business.
 */
#ifndef MAILBOX_RING_H
#define MAILBOX_RING_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mailbox_ring.h>

/* For all that is charged to the caller: at its limit fail, and let no OOM killer loose. */
#define MAILBOX_GFP	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/*
 * How often receivers move the kernel's own hint of a lane, in messages: where many endpoints
 * take turns each walks over what the others did. The hint shares a cache line with what
 * all of them read.
 */
#define MAILBOX_HINT_NEAR	16

/* Lost races in a row after which a claim or take calls it a day. */
#define MAILBOX_RACES_MAX	4096

/**
 * struct mailbox_ring_lane - a lane as the kernel sees it
 * @view: geometry, fixed
 * @shared: what the mapping tells of the lane
 * @hint: a position that every participant may start from
 * @parked: messages parked here; rises before one is parked, falls after it is taken
 * @lost: messages dropped, of which no receiver has been told
 */
struct mailbox_ring_lane {
	struct mailbox_lane view;
	struct mailbox_shared_lane *shared;
	u64 hint;
	atomic_t parked;
	atomic64_t lost;
};

struct mailbox_taken;

/**
 * struct mailbox_ring - the slots of a port
 * @lane: the lanes
 * @lanes: how many
 * @message_size: longest payload in bytes
 * @shared: the memory: its first page
 * @bytes: its size, whole pages
 * @discarded: slots that were claimed and given up
 * @purged: messages taken away unread
 * @refused: messages that were dropped instead of sent
 * @redelivered: messages whose receiver could not store them and gave up, or departed
 * @quarantined: slots found with a word that no rule could have made
 * @moved: messages given up, and moved to another port
 * @max_deliveries: after so many in vain @bury is asked; 0: never. Set by the owner
 * @bury: give up a message in the caller's hands, of this lane, which @receiver had last
 *	(0: who knows). True: its sender has been told, the rest is the caller's; false: it
 *	shall come again. May not sleep for long: its slot is held
 */
struct mailbox_ring {
	struct mailbox_ring_lane *lane;
	u32 lanes;
	u32 message_size;
	struct mailbox_shared *shared;
	u64 bytes;
	atomic64_t discarded;
	atomic64_t purged;
	atomic64_t refused;
	atomic64_t redelivered;
	atomic64_t quarantined;
	atomic64_t moved;
	u32 max_deliveries;
	bool (*bury)(struct mailbox_ring *ring, u32 lane, const struct mailbox_taken *t,
		     u32 receiver);
};

struct mailbox_lease;

/**
 * struct mailbox_taken - a message in a receiver's hands
 * @lane: whence
 * @view: its geometry, so that the fast path loads it once
 * @position: its number there
 * @payload: its bytes
 * @length: how many, never more than message_size
 * @departed: receivers that departed with it in their hands, up to 255
 * @receipt: its sender wants one
 * @lease: it is no longer in its slot, but here; or NULL. Not set by the ring
 * @tag: given by the sender, or 0
 * @sender: endpoint id
 */
struct mailbox_taken {
	struct mailbox_ring_lane *lane;
	struct mailbox_lane view;
	u64 position;
	void *payload;
	u32 length;
	u16 sender;
	u8 departed;
	bool receipt;
	u64 tag;
	struct mailbox_lease *lease;
};

/**
 * struct mailbox_found - where a walk ended
 * @what: with what
 * @parked: it is a parked message
 * @position: there
 * @word: of the slot
 */
struct mailbox_found {
	enum mailbox_find what;
	bool parked;
	u64 position;
	u64 word;
};

struct mailbox_ring_stats {
	u64 sent;
	u64 received;
	u64 dropped;
	u64 moved;
	u64 redelivered;
	u64 quarantined;
	u32 depth;
};

/**
 * struct mailbox_ring_held - what a mapping has in its hands
 * @writing: slots claimed
 * @reading: messages taken
 * @lane: the highest where there is any
 * @position: of the oldest there
 */
struct mailbox_ring_held {
	u32 writing;
	u32 reading;
	u32 lane;
	u64 position;
};

/**
 * mailbox_ring_bytes() - memory that a geometry takes
 * @message_size: bytes
 * @capacity: slots per lane
 * @lanes: lanes
 *
 * Return: bytes, whole pages; no overflow within the limits of mailbox.h.
 */
static inline u64 mailbox_ring_bytes(u32 message_size, u32 capacity, u32 lanes)
{
	return PAGE_SIZE + PAGE_ALIGN(mailbox_slot_stride(message_size) * capacity * lanes);
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
 * struct mailbox_position - where an endpoint's walks along a lane start
 * @send: as a sender
 * @receive: as a receiver
 *
 * Hints, behind the truth by any distance.
 */
struct mailbox_position {
	u64 send;
	u64 receive;
};

/**
 * mailbox_ring_stats() - count what the words say
 * @ring: the ring
 * @lanes: which may hold messages; the others are not searched
 * @from: of an endpoint, for each lane; or NULL, if nobody's can be trusted
 * @stats: out; exact when nobody sends or receives meanwhile
 */
void mailbox_ring_stats(const struct mailbox_ring *ring, u32 lanes,
			const struct mailbox_position *from, struct mailbox_ring_stats *stats);

/**
 * mailbox_ring_purge() - take away what is queued
 * @ring: the ring; senders must be unable to add for ever
 * @visit: called with each message, or NULL
 * @arg: for @visit
 */
void mailbox_ring_purge(struct mailbox_ring *ring,
			void (*visit)(void *arg, u32 lane, const struct mailbox_taken *t),
			void *arg);

/**
 * mailbox_ring_drop() - take away the oldest message of a lane, unread
 * @ring: the ring
 * @lane: where
 * @t: out: which; its slot is the caller's to release, when its ticket is finished
 *
 * Return: 0, or an error as of mailbox_ring_take().
 */
int mailbox_ring_drop(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
		      struct mailbox_taken *t);

/* Messages are lost: the next receiver is told, and who has the port mapped comes and asks. */
static inline void mailbox_ring_lose(struct mailbox_ring_lane *lane, s64 n)
{
	if (n && !atomic64_fetch_add(n, &lane->lost))
		mailbox_shared_add_lost(lane->shared, 1);
}

/* How many, of whom nobody has been told. He is, or they are lost once more. */
static inline s64 mailbox_ring_take_lost(struct mailbox_ring_lane *lane)
{
	s64 n = atomic64_xchg(&lane->lost, 0);

	if (n)
		mailbox_shared_add_lost(lane->shared, -1);
	return n;
}

/* A message is not sent, for there is no slot. */
static inline void mailbox_ring_refuse(struct mailbox_ring *ring, struct mailbox_ring_lane *lane)
{
	atomic64_inc(&ring->refused);
	mailbox_ring_lose(lane, 1);
}

/**
 * mailbox_ring_withdraw() - take a message back that nobody has had
 * @ring: the ring
 * @lane: where
 * @position: of the message, sent by the caller
 *
 * Return: true: its slot is void, wake a receiver and a sender. False: somebody has
 * it, or had it.
 */
bool mailbox_ring_withdraw(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
			   u64 position);

/* Whether a message, in a slot with this word, can be withdrawn. */
bool mailbox_ring_untaken(const struct mailbox_lane *view, u64 position, u64 word);

/**
 * mailbox_ring_each_sender() - name the sender of each message in the slots
 * @ring: the ring
 * @visit: called with each id, some more than once
 * @arg: for @visit
 */
void mailbox_ring_each_sender(const struct mailbox_ring *ring,
			      void (*visit)(void *arg, u32 id), void *arg);

/**
 * mailbox_ring_repair() - undo what a mapping that has gone left half done
 * @ring: the ring
 * @owner: of the mapping; nobody acts under this name any more
 *
 * What it had claimed is void, what it had taken is counted, and parked or given up.
 *
 * Return: the lanes where something changed.
 */
u32 mailbox_ring_repair(struct mailbox_ring *ring, u32 owner);

/**
 * mailbox_ring_undo() - the same for one slot, or the range that it is the head of
 * @ring: the ring
 * @lane: where
 * @index: any position with this slot
 * @owner: of the mapping
 *
 * Return: whether the slot was the owner's.
 */
bool mailbox_ring_undo(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 index,
		       u32 owner);

/**
 * mailbox_ring_held() - count what a mapping has in its hands
 * @ring: the ring
 * @owner: of the mapping
 * @held: out
 */
void mailbox_ring_held(const struct mailbox_ring *ring, u32 owner, struct mailbox_ring_held *held);

/* Where a walk starts: the endpoint's own position, unless it slept for long. */
static inline u64 mailbox_ring_start(const struct mailbox_ring_lane *lane, const u64 *own)
{
	u64 from = max(READ_ONCE(*own), READ_ONCE(lane->hint));

	/* A lane may run for long without the kernel. */
	return mailbox_lane_start(&lane->view, from, mailbox_shared_hint(lane->shared));
}

/**
 * mailbox_ring_walk_free() - walk to the next slot to claim
 * @lane: where
 * @from: start
 *
 * Reads only. Return: where it ended; MAILBOX_FIND_NONE when full.
 */
struct mailbox_found mailbox_ring_walk_free(const struct mailbox_ring_lane *lane, u64 from);

/**
 * mailbox_ring_walk_ready() - find the next message: parked ones first
 * @lane: where
 * @from: start
 *
 * Reads only. Return: where it ended; MAILBOX_FIND_NONE or MAILBOX_FIND_PENDING
 * when empty.
 */
struct mailbox_found mailbox_ring_walk_ready(const struct mailbox_ring_lane *lane, u64 from);

/**
 * struct mailbox_cursor - a walk from message to message that takes none
 * @lane: where
 * @start: of the walk over messages that are not parked
 * @base: messages lie within one lap from here
 * @head: position of the slot that @found.word is of: the message's, or its range's
 * @found: the message; MAILBOX_FIND_SLOT, or there is none
 */
struct mailbox_cursor {
	const struct mailbox_ring_lane *lane;
	u64 start;
	u64 base;
	u64 head;
	struct mailbox_found found;
};

/**
 * mailbox_cursor_first() - find the message that a receiver would take
 * @c: out
 * @lane: where
 * @own: the endpoint's position as a receiver
 */
void mailbox_cursor_first(struct mailbox_cursor *c, const struct mailbox_ring_lane *lane,
			  const u64 *own);

/* The one that would be next if that were taken. Parked ones first, as for a receiver. */
void mailbox_cursor_next(struct mailbox_cursor *c);

static inline bool mailbox_cursor_valid(const struct mailbox_cursor *c)
{
	return c->found.what == MAILBOX_FIND_SLOT;
}

/* After what was found has been read: nobody has taken it meanwhile, and it was whole. */
static inline bool mailbox_cursor_holds(const struct mailbox_cursor *c)
{
	smp_rmb();	/* what is in the slot was its message's if the word is the same */
	return mailbox_lane_word(&c->lane->view, c->head) == c->found.word;
}

/*
 * The first look, at the endpoint's own position, needs no hint: if the word
 * there says what is wanted, it is right, whatever number the endpoint has for
 * it (a wrong one only after sleeping for 2^36 messages, to the very message).
 */

/**
 * mailbox_ring_try_claim() - claim the slot at the endpoint's own position
 * @view: the caller's copy of the lane's geometry
 * @own: the endpoint's position as a sender, moved on
 * @id: the endpoint
 * @position: out
 *
 * The usual case of mailbox_ring_claim(), without a walk.
 *
 * Return: true, or false to walk.
 */
static __always_inline bool mailbox_ring_try_claim(const struct mailbox_lane *view,
						   u64 *own, u32 id, u64 *position)
{
	u64 p = READ_ONCE(*own), word = mailbox_word(p, 0, MAILBOX_PHASE_FREE);

	if (unlikely(mailbox_lane_word(view, p) != word || !mailbox_slot_claim(view, p, word, id)))
		return false;
	WRITE_ONCE(*own, p + 1);
	*position = p;
	return true;
}

/**
 * mailbox_ring_claim() - claim the next slot
 * @ring: the ring
 * @lane: where
 * @own: the endpoint's position as a sender, moved on
 * @id: the endpoint
 * @position: out
 *
 * Return: 0, -EAGAIN (full), or -EPROTO (a slot was quarantined: wake everybody).
 * Then fill, and publish or discard.
 */
int mailbox_ring_claim(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 *own, u32 id,
		       u64 *position);

static inline void mailbox_ring_discard(struct mailbox_ring *ring, struct mailbox_ring_lane *lane,
					u64 position)
{
	atomic64_inc(&ring->discarded);
	mailbox_slot_discard(&lane->view, position);
}

/* Length of the message in a slot, clamped: the port has room for no more. */
static __always_inline u32 mailbox_ring_length(const struct mailbox_ring *ring, u64 header)
{
	return min_t(u32, header, ring->message_size);
}

/* What a slot holds that was found to be READY or parked: see mailbox_slot_read(). */
static __always_inline u64 mailbox_ring_read_header(const struct mailbox_ring *ring,
						    struct mailbox_ring_lane *lane,
						    const struct mailbox_lane *view,
						    u64 position, struct mailbox_taken *t)
{
	u64 header = mailbox_slot_read(view, position, &t->tag, &t->payload);

	t->lane = lane;
	t->view = *view;
	t->position = position;
	t->length = mailbox_ring_length(ring, header);
	t->departed = (header & MAILBOX_SLOT_DEPARTED_MASK) / MAILBOX_SLOT_DEPARTED;
	t->receipt = header & MAILBOX_SLOT_RECEIPT;
	t->sender = header >> MAILBOX_SLOT_SENDER_SHIFT;
	return header;
}

/* After a take: the endpoint's position, and now and then the lane's hints. */
static __always_inline void mailbox_ring_advance(struct mailbox_ring_lane *lane, u64 *own,
						 u64 position)
{
	WRITE_ONCE(*own, position + 1);
	if (unlikely(!(position & (MAILBOX_HINT_NEAR - 1)))) {
		WRITE_ONCE(lane->hint, position);
		if (!(position & (MAILBOX_HINT_PERIOD - 1)))
			mailbox_shared_set_hint(lane->shared, position);
	}
}

/**
 * mailbox_ring_empty() - nothing in a lane, at the first look
 * @lane: where
 * @own: the endpoint's position as a receiver
 *
 * Return: true if it is empty for certain; false: walk.
 */
static inline bool mailbox_ring_empty(const struct mailbox_ring_lane *lane, const u64 *own)
{
	u64 p = READ_ONCE(*own);

	return mailbox_lane_word(&lane->view, p) == mailbox_word(p, 0, MAILBOX_PHASE_FREE) &&
	       !atomic_read(&lane->parked);
}

/**
 * mailbox_ring_try_take() - take the message at the endpoint's own position
 * @ring: the ring
 * @lane: where
 * @own: the endpoint's position as a receiver, moved on
 * @id: the endpoint
 * @limit: longest message to take
 * @t: out: the message
 *
 * The usual case of mailbox_ring_take(), without a walk; not of a message whose sender
 * wants a receipt.
 *
 * Return: true, or false to walk.
 */
static __always_inline bool mailbox_ring_try_take(const struct mailbox_ring *ring,
						  struct mailbox_ring_lane *lane, u64 *own, u32 id,
						  size_t limit, struct mailbox_taken *t)
{
	const struct mailbox_lane view = lane->view;
	u64 p = READ_ONCE(*own), word, header;

	word = mailbox_lane_word(&view, p);			/* (C) */
	if (unlikely(!mailbox_word_is(word, p, MAILBOX_PHASE_READY) || atomic_read(&lane->parked)))
		return false;
	header = mailbox_ring_read_header(ring, lane, &view, p, t);
	if (unlikely(header & (MAILBOX_SLOT_RECEIPT | MAILBOX_SLOT_DEPARTED_MASK) ||
		     t->length > limit || !mailbox_slot_take_single(&view, p, word, id)))
		return false;
	t->receipt = false;
	t->departed = 0;
	mailbox_ring_advance(lane, own, p);
	return true;
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
 * Return: 0, -EMSGSIZE (left where it is), -EPROTO (a slot was quarantined: wake
 * everybody), -EAGAIN (empty), or -EINPROGRESS (empty, but a message is being
 * written). Then read, and release or park.
 */
int mailbox_ring_take(struct mailbox_ring *ring, struct mailbox_ring_lane *lane, u64 *own,
		      u32 id, size_t limit, struct mailbox_taken *t);

/* Is this the end of a message that was delivered in vain so often? */
static inline bool mailbox_ring_spent(const struct mailbox_ring *ring, u32 deliveries)
{
	return ring->max_deliveries && deliveries >= ring->max_deliveries;
}

/* First the count, then the word: who sees the word shall look for it. */
static inline void mailbox_ring_announce(struct mailbox_ring_lane *lane)
{
	atomic_inc(&lane->parked);
	mailbox_shared_add_parked(lane->shared, 1);
}

/* Taken, or not parked after all. */
static inline void mailbox_ring_revoke(struct mailbox_ring_lane *lane)
{
	/* Not below nothing, whatever the mapping holds. */
	if (atomic_add_unless(&lane->parked, -1, 0))
		mailbox_shared_add_parked(lane->shared, -1);
}

static inline void mailbox_ring_park(struct mailbox_ring_lane *lane, u64 position)
{
	mailbox_ring_announce(lane);
	mailbox_slot_park(&lane->view, position);
}

#endif /* MAILBOX_RING_H */
