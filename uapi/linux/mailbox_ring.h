/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The slot protocol: one atomic word per message decides everything.
 *
 * A lane is an array of slots. The number of a message in its lane, counted
 * from 0 for ever, is its position p; its slot is p mod capacity. In front of
 * each slot stands one 64-bit word {sequence, owner, count, phase}. There is
 * no shared head or tail and no lock: every participant keeps a private
 * position, a hint, and walks forward from it; the words alone decide.
 *
 *	FREE(p)		the next message here will be number p
 *	WRITING(p)	its owner, a sender's endpoint, is filling it
 *	READY(p)	may be taken; its owner is the sender, or 0 after a SPLIT
 *	READING(p)	its owner, a receiver's endpoint, is reading it; with owner
 *			MAILBOX_OWNER_PARKED the kernel holds it for the next
 *			receiver, after one that could not store it
 *	VOID(p)		nothing here, step over
 *	SPLIT(p)	as READING; and what follows up to p + count, which was one
 *			range with it, is READY again
 *
 *	FREE(p) ---claim---> WRITING(p) ---publish---> READY(p)
 *	  ^   ^                 |                        |
 *	  |   |               discard                   take
 *	  |   |                 v                        v
 *	  |   +---p+capacity- VOID(p)   PARKED(p) <-> READING(p)
 *	  |                                              |
 *	  +------------------- p + capacity ----release--+
 *
 * claim and take are compare-and-swap, for others try the same; every other
 * step belongs to the owner alone and is a store. The arrow from VOID is the
 * claim of p + capacity: a sender claims straight over it. The claimant's
 * walk passes every earlier position first, so all before it are gone then,
 * and nobody else needs to free a VOID.
 *
 * Ranges. One word may stand for n messages, p to p + n - 1, that lie in a row
 * before the end of the array: WRITING, READY and READING with count n in slot p,
 * the head. A sender claims n slots that it has seen FREE by one compare-and-swap
 * of the head, and publishes them by one store; a receiver that wants n or more
 * takes them by one. The words behind the head stay FREE all the while, and mean
 * nothing: nobody looks at them who has not passed the head. So the head is the
 * first word to change on claim and on take, and the last on everything else:
 * release, discard and repair go from the tail down.
 *
 * A receiver that wants fewer takes the first alone: READY(p) of n becomes
 * SPLIT(p) of n - 1, then FREE(p + 1) becomes READY of n - 1, by the taker or by
 * whoever meets the SPLIT meanwhile and helps.
 *
 * Walking, at position p with sequence s in the slot's word:
 *
 *	sender	  s == p, FREE: claim.  s == p otherwise: step over it, n positions
 *		  or, for SPLIT, 1 + n.
 *		  s < p: full, unless it is VOID(p - capacity): claim over it.
 *	receiver  s == p, READY: take.  VOID, SPLIT (help): go to p + 1.
 *		  READING: step over its n.
 *		  FREE, WRITING: empty, for nobody overtakes a message being
 *		  written.  s < p: empty.
 *	both	  s > p: all up to s - capacity are gone: go to s - capacity + 1.
 *
 * A private position may lag behind any distance under half the range of the
 * sequence (2^35 messages), but must never run ahead. Who may have slept for longer
 * starts at the lane's hint: mailbox_lane_start().
 *
 * Ordering. Each access carries the letter of its row:
 *
 *	sender				receiver
 *	(A) CAS  claim	 <----------+	(C) load word: READY
 *	(P) store payload	    |	(T) CAS  take
 *	(B) xchg READY	 ----->(C)  |	(P) load payload
 *	(E) look for sleepers	    +--	(D) xchg FREE
 *					(E) look for sleepers
 *
 *	A pairs with D: the slot is read before it is filled again.
 *	B pairs with C: the payload is there before it is read. P is what they order:
 *	header, tag and bytes. A receiver may read them before T; T proves that they
 *	were its message's. Who helps to split a range, or voids, or parks, hands on
 *	by B, or gives back by D, what it has seen by C.
 *	E pairs with F: a sleeper makes itself seen, (F) full barrier, and walks
 *	once more before it sleeps. Whoever publishes or releases does so by an
 *	exchange, a full barrier, and then looks for sleepers. One of the two
 *	sees the other.
 *
 * Direct links. At a port with MAILBOX_DIRECT there is one sender and one receiver.
 * The kernel takes the steps above there as anywhere; but a mapped end competes with
 * nobody for its word, and takes the same steps by plain stores, one word at a time and
 * in order, and without a barrier:
 *
 *	sender				receiver
 *	(A) load word: FREE  <---------+ (C) load word: READY
 *	    store WRITING	       | (T) store READING
 *	(G) is it the end?	       | (P) load payload
 *	(P) store payload	       +-(D) store FREE, release
 *	(B) store READY, release --->(C) (G) look for sleepers
 *	(G) look for sleepers
 *
 *	G pairs with H: nothing but the compiler is kept from moving G in front of the
 *	store before it, and the processor will. So whoever goes to sleep, when it
 *	has made itself seen (F), makes a full barrier happen on every processor
 *	that runs an end's address space (H), and walks then. If G came before that
 *	barrier, so did the store, and the walk sees it; if after, G sees the sleeper.
 *	Every sleeper does, each time, in the kernel. Likewise who deletes the port:
 *	closed, H, and after that a claim is seen, or its owner sees that it is closed.
 *
 * Of several messages in a row each is claimed and published, or taken and released,
 * for itself, and sleepers are looked for once, behind the last one.
 *
 * Nothing here trusts the memory: indexes are masked, walks are bounded, words
 * are loaded once, and a word that no rule could have made is told apart.
 *
 * The mapping. A process that maps a port (mmap of all of it, MAP_SHARED) finds
 * struct mailbox_shared in front and the lanes behind it, and takes part by the
 * same steps as the kernel:
 *
 *	send	  claim, as @owner of its mapping; if the senders' waiter word is
 *		  closed, discard; if others sleep there and a walk finds another
 *		  free slot, kick them; fill; publish; if the receivers' word is
 *		  not zero, kick
 *		  At a direct port: first MAILBOX_IOC_END. If the senders' word is
 *		  closed or gone, take the claim back, if closed kick receivers; the
 *		  rest is for a system call to say
 *	receive	  if the lane holds parked messages, by a system call: the kernel
 *		  hands them out first; likewise if messages were lost, for who wants to
 *		  know how many; likewise if the next message's sender wants a
 *		  receipt, for the kernel writes that. Else take; if others sleep and a
 *		  walk finds another message, kick them; read; release; if the senders'
 *		  word is not zero, kick
 *
 * To kick is MAILBOX_IOC_KICK; to wait for a message or a slot is to receive or
 * send by a system call, with MAILBOX_*_IN_PLACE to get the slot. What a mapping
 * that goes away has claimed is void then, and what it has taken is parked.
 */
#ifndef _UAPI_LINUX_MAILBOX_RING_H
#define _UAPI_LINUX_MAILBOX_RING_H

#include <linux/mailbox_atomic.h>

/* Bits of the word: phase 0..2, zero 3, messages less one 4..11, owner 12..27, sequence 28..63. */
#define MAILBOX_PHASE_FREE	0ULL
#define MAILBOX_PHASE_WRITING	1ULL
#define MAILBOX_PHASE_READY	2ULL
#define MAILBOX_PHASE_READING	3ULL
#define MAILBOX_PHASE_VOID	4ULL
#define MAILBOX_PHASE_SPLIT	5ULL
#define MAILBOX_PHASE_MASK	7ULL
#define MAILBOX_COUNT_SHIFT	4
#define MAILBOX_COUNT_MASK	0xffULL
#define MAILBOX_RANGE_MAX	256U		/* messages that one word can stand for */
#define MAILBOX_OWNER_SHIFT	12
#define MAILBOX_OWNER_MASK	0xffffULL
#define MAILBOX_OWNER_PARKED	0xffffU		/* never an endpoint's id */
#define MAILBOX_SEQUENCE_SHIFT	28

/**
 * struct mailbox_slot - what stands in front of a message
 * @word: sequence, owner, count and phase
 * @header: length in bytes 0..31, MAILBOX_SLOT_* 32..39, receivers that departed
 *	with the message in their hands 40..47 (255: or more), sender 48..63
 *
 * A tag, if the header says so, and the payload follow.
 */
struct mailbox_slot {
	__u64 word;
	__u64 header;
};

#define MAILBOX_SLOT_TAG	(1ULL << 32)	/* a __u64 tag stands in front of the payload */
#define MAILBOX_SLOT_RECEIPT	(1ULL << 33)	/* its sender wants a receipt */
#define MAILBOX_SLOT_DEPARTED	(1ULL << 40)	/* one of them */
#define MAILBOX_SLOT_DEPARTED_MASK (0xffULL << 40)
#define MAILBOX_SLOT_SENDER_SHIFT 48
#define MAILBOX_SLOT_ALIGN	64		/* a cache line */

/* The word of struct mailbox_waiters: not zero: kick after an event. */
#define MAILBOX_WAITERS_SLEEPERS 0x3fffffffULL	/* so many sleep */
#define MAILBOX_WAITERS_GONE	(1ULL << 30)	/* the other end of a direct port is closed */
#define MAILBOX_WAITERS_CLOSED	(1ULL << 31)	/* the port is deleted: send nothing */

/**
 * struct mailbox_waiters - whether anybody waits; written by the kernel alone
 * @word: MAILBOX_WAITERS_*, and bits for others who want to be told
 * @pad: to the end of the cache line
 */
struct mailbox_waiters {
	__u64 word;
	__u64 pad[7];
};

/**
 * struct mailbox_shared_lane - what participants tell each other about a lane
 * @hint: a position that every participant may start from; receivers move it
 * @parked: messages that the kernel holds for the next receiver
 * @discarded: slots that mapped senders claimed and gave up
 * @lost: not 0: messages were dropped, and the next receive by system call tells how many
 * @pad: to the end of the cache line
 */
struct mailbox_shared_lane {
	__u64 hint;
	__u64 parked;
	__u64 discarded;
	__u64 lost;
	__u64 pad[4];
};

#define MAILBOX_SHARED_VERSION	1
#define MAILBOX_SHARED_LANES	32

/**
 * struct mailbox_shared - the first page of a mapping
 * @version: MAILBOX_SHARED_VERSION; another number, another layout
 * @lanes: number of lanes
 * @capacity: slots of each
 * @stride: bytes from one slot to the next
 * @message_size: longest message
 * @slots: where the first lane begins; the others follow without a gap
 * @bytes: length of the whole mapping
 * @pad: to the end of the cache lines
 * @receivers: who waits for messages
 * @senders: who waits for slots
 * @lane: one for each lane
 *
 * Geometry never changes. The kernel reads nothing here but @hint and @discarded,
 * and those only for positions and statistics of a port that was mapped.
 */
struct mailbox_shared {
	__u32 version;
	__u32 lanes;
	__u32 capacity;
	__u32 stride;
	__u32 message_size;
	__u32 slots;
	__u64 bytes;
	__u64 pad[12];
	struct mailbox_waiters receivers;
	struct mailbox_waiters senders;
	struct mailbox_shared_lane lane[MAILBOX_SHARED_LANES];
};

/**
 * struct mailbox_lane - one participant's private view of a lane
 * @slots: the first slot
 * @capacity: number of slots, a power of two
 * @stride: bytes from one slot to the next
 */
struct mailbox_lane {
	void *slots;
	__u32 capacity;
	__u32 stride;
};

/**
 * enum mailbox_find - what a walk ended with
 * @MAILBOX_FIND_NONE: nothing: full for a sender, empty for a receiver
 * @MAILBOX_FIND_SLOT: a slot to claim or to take
 * @MAILBOX_FIND_PENDING: nothing for a receiver now, but a message is being
 *	written, or was while it walked
 * @MAILBOX_FIND_BROKEN: a word that no rule could have made
 */
enum mailbox_find {
	MAILBOX_FIND_NONE,
	MAILBOX_FIND_SLOT,
	MAILBOX_FIND_PENDING,
	MAILBOX_FIND_BROKEN,
};

static inline __u64 mailbox_word(__u64 position, __u64 owner, __u64 phase)
{
	return position << MAILBOX_SEQUENCE_SHIFT | owner << MAILBOX_OWNER_SHIFT | phase;
}

/* One that stands for @n messages, 1..MAILBOX_RANGE_MAX. */
static inline __u64 mailbox_word_range(__u64 position, __u64 owner, __u32 n, __u64 phase)
{
	return mailbox_word(position, owner, phase) | (__u64)(n - 1) << MAILBOX_COUNT_SHIFT;
}

static inline __u32 mailbox_word_count(__u64 word)
{
	return (__u32)(word >> MAILBOX_COUNT_SHIFT & MAILBOX_COUNT_MASK) + 1;
}

static inline __u64 mailbox_word_phase(__u64 word)
{
	return word & MAILBOX_PHASE_MASK;
}

static inline __u32 mailbox_word_owner(__u64 word)
{
	return (__u32)(word >> MAILBOX_OWNER_SHIFT & MAILBOX_OWNER_MASK);
}

/* Whether the word says so of this position alone, whoever the owner. */
static inline int mailbox_word_is(__u64 word, __u64 position, __u64 phase)
{
	__u64 mask = ~(MAILBOX_OWNER_MASK << MAILBOX_OWNER_SHIFT);

	return (word & mask) == mailbox_word(position, 0, phase);
}

/* Signed distance of the word's sequence from @position, right within 2^35. */
static inline __s64 mailbox_word_distance(__u64 word, __u64 position)
{
	word &= ~0ULL << MAILBOX_SEQUENCE_SHIFT;
	return (__s64)(word - (position << MAILBOX_SEQUENCE_SHIFT)) >> MAILBOX_SEQUENCE_SHIFT;
}

/* The bytes that a slot takes: room for a tag is always there. */
static inline __u64 mailbox_slot_stride(__u32 message_size)
{
	__u64 bytes = sizeof(struct mailbox_slot) + sizeof(__u64) + message_size;

	return (bytes + MAILBOX_SLOT_ALIGN - 1) & ~(MAILBOX_SLOT_ALIGN - 1ULL);
}

static inline struct mailbox_slot *mailbox_lane_slot(const struct mailbox_lane *lane,
						     __u64 position)
{
	__u64 index = position & (lane->capacity - 1);

	return (struct mailbox_slot *)((char *)lane->slots + index * lane->stride);
}

static inline __u64 mailbox_lane_word(const struct mailbox_lane *lane, __u64 position)
{
	return MAILBOX_LOAD_ACQUIRE(&mailbox_lane_slot(lane, position)->word);	/* (C) */
}

/*
 * The first slot, a lap less one behind it after the jump, and a lap of messages:
 * no walk over a lane at rest is longer.
 */
static inline __u32 mailbox_walk_limit(const struct mailbox_lane *lane)
{
	return 2 * lane->capacity + 1;
}

/* A word in this slot can only be whole laps away from the position. */
static inline int mailbox_distance_broken(const struct mailbox_lane *lane, __s64 distance)
{
	return (distance & (lane->capacity - 1)) != 0;
}

/* Slots from this one to the end of the array, at most as many as one word can stand for. */
static inline __u32 mailbox_lane_room(const struct mailbox_lane *lane, __u64 position)
{
	__u32 room = lane->capacity - (__u32)(position & (lane->capacity - 1));

	return room < MAILBOX_RANGE_MAX ? room : MAILBOX_RANGE_MAX;
}

/*
 * How many positions a word stands for that is at its own: 0 if no rule could have
 * made it.
 */
static inline __u32 mailbox_word_span(const struct mailbox_lane *lane, __u64 position, __u64 word)
{
	__u32 n = mailbox_word_count(word);

	switch (mailbox_word_phase(word)) {
	case MAILBOX_PHASE_SPLIT:
		n++;
		break;
	case MAILBOX_PHASE_WRITING:
	case MAILBOX_PHASE_READY:
	case MAILBOX_PHASE_READING:
		break;
	case MAILBOX_PHASE_VOID:
		return n == 1;
	default:
		return 0;
	}
	return n <= mailbox_lane_room(lane, position) ? n : 0;
}

/* The second step of a split: what was taken apart becomes a range of its own. */
static inline void mailbox_slot_help(const struct mailbox_lane *lane, __u64 position, __u64 word)
{
	__u64 next = position + 1, is_free = mailbox_word(next, 0, MAILBOX_PHASE_FREE);

	if (mailbox_lane_word(lane, next) == is_free)
		MAILBOX_CMPXCHG_QUIET(&mailbox_lane_slot(lane, next)->word, is_free,	/* (B) */
				      mailbox_word_range(next, 0, mailbox_word_count(word),
							 MAILBOX_PHASE_READY));
}

/* How often receivers move a lane's hint, in messages; far below the sequence's 2^35. */
#define MAILBOX_HINT_PERIOD	(1ULL << 16)

/* So far ahead, in messages, a hint is looked at: half the distance that can be told. */
#define MAILBOX_HINT_FAR	(1ULL << 34)

/**
 * mailbox_lane_start() - where a walk starts
 * @lane: the lane
 * @own: the participant's position
 * @hint: of struct mailbox_shared_lane. Others wrote it: it counts if its slot agrees
 *
 * Return: one of the two.
 */
static inline __u64 mailbox_lane_start(const struct mailbox_lane *lane, __u64 own, __u64 hint)
{
	__s64 d;

	if (hint <= own + MAILBOX_HINT_FAR)
		return own;
	d = mailbox_word_distance(mailbox_lane_word(lane, hint), hint);
	return d >= 0 && d < (__s64)(4 * MAILBOX_HINT_PERIOD) ? hint : own;
}

/**
 * mailbox_find_free() - walk to the slot that a sender may claim
 * @lane: the lane
 * @position: in: where to start, never ahead of the truth; out: where it ended
 * @word: out: what to hand to mailbox_slot_claim()
 *
 * Return: MAILBOX_FIND_SLOT, MAILBOX_FIND_NONE (full) or MAILBOX_FIND_BROKEN.
 */
static inline enum mailbox_find mailbox_find_free(const struct mailbox_lane *lane,
						  __u64 *position, __u64 *word)
{
	__u64 p = *position;
	__u32 steps;

	for (steps = 0; steps < mailbox_walk_limit(lane); steps++) {
		__u64 w = mailbox_lane_word(lane, p);
		__s64 d;

		*position = p;
		*word = w;
		if (w == mailbox_word(p, 0, MAILBOX_PHASE_FREE))
			return MAILBOX_FIND_SLOT;
		d = mailbox_word_distance(w, p);
		if (mailbox_distance_broken(lane, d) || mailbox_word_phase(w) > MAILBOX_PHASE_SPLIT)
			return MAILBOX_FIND_BROKEN;
		if (d < 0) {
			if (w == mailbox_word(p - lane->capacity, 0, MAILBOX_PHASE_VOID))
				return MAILBOX_FIND_SLOT;
			return MAILBOX_FIND_NONE;
		}
		if (d) {
			p += (__u64)d - lane->capacity + 1;
		} else {
			__u32 span = mailbox_word_span(lane, p, w);

			if (!span)
				return MAILBOX_FIND_BROKEN;
			p += span;
		}
	}
	return MAILBOX_FIND_NONE;
}

/**
 * mailbox_find_ready() - walk to the message that a receiver may take
 * @lane: the lane
 * @position: in: where to start, never ahead of the truth; out: where it ended
 * @word: out: what to hand to mailbox_slot_take()
 *
 * Helps others to split a range: so not for a mapping that may only be read.
 *
 * Return: MAILBOX_FIND_SLOT, MAILBOX_FIND_NONE or MAILBOX_FIND_PENDING (empty),
 * or MAILBOX_FIND_BROKEN.
 */
static inline enum mailbox_find mailbox_find_ready(const struct mailbox_lane *lane,
						   __u64 *position, __u64 *word)
{
	__u64 p = *position;
	__u32 steps;

	for (steps = 0; steps < mailbox_walk_limit(lane); steps++) {
		__u64 w = mailbox_lane_word(lane, p);
		__s64 d = mailbox_word_distance(w, p);

		*position = p;
		*word = w;
		if (!d) {
			__u32 span;

			if (w == mailbox_word(p, 0, MAILBOX_PHASE_FREE))
				return MAILBOX_FIND_NONE;
			span = mailbox_word_span(lane, p, w);
			if (!span)
				return MAILBOX_FIND_BROKEN;
			switch (mailbox_word_phase(w)) {
			case MAILBOX_PHASE_READY:
				return MAILBOX_FIND_SLOT;
			case MAILBOX_PHASE_WRITING:
				return MAILBOX_FIND_PENDING;
			case MAILBOX_PHASE_SPLIT:
				mailbox_slot_help(lane, p, w);
				span = 1;
				break;
			}
			p += span;
			continue;
		}
		if (mailbox_distance_broken(lane, d))
			return MAILBOX_FIND_BROKEN;
		if (d < 0)
			return MAILBOX_FIND_NONE;
		p += (__u64)d - lane->capacity + 1;
	}
	return MAILBOX_FIND_PENDING;	/* others moved all the while */
}

/**
 * mailbox_find_parked() - find the oldest message that the kernel holds
 * @lane: the lane
 * @position: in: any position within 2^35 of the truth; out: the message's
 * @word: out: what to hand to mailbox_slot_take()
 *
 * Looks at every slot: for the rare case only.
 *
 * Return: MAILBOX_FIND_SLOT or MAILBOX_FIND_NONE.
 */
static inline enum mailbox_find mailbox_find_parked(const struct mailbox_lane *lane,
						    __u64 *position, __u64 *word)
{
	enum mailbox_find found = MAILBOX_FIND_NONE;
	__s64 lowest = 0;
	__u64 base = *position;
	__u32 i;

	for (i = 0; i < lane->capacity; i++) {
		__u64 w = mailbox_lane_word(lane, i);
		__s64 d = mailbox_word_distance(w, base);

		/* One by one: a count would be forged. */
		if (w != mailbox_word(w >> MAILBOX_SEQUENCE_SHIFT, MAILBOX_OWNER_PARKED,
				      MAILBOX_PHASE_READING))
			continue;
		if (mailbox_distance_broken(lane, d + (__s64)(base - i)))
			continue;
		if (found == MAILBOX_FIND_NONE || d < lowest) {
			found = MAILBOX_FIND_SLOT;
			lowest = d;
			*position = base + (__u64)d;
			*word = w;
		}
	}
	return found;
}

/**
 * mailbox_lane_drained() - nothing here, and nothing on its way
 * @lane: the lane
 *
 * Looks at every slot. A walk would not do: it passes a message in the hands of
 * a receiver that may yet park it. From the first slot up: a departed receiver's
 * range is parked from its tail down, so that what was behind a head that has gone
 * is seen where it went.
 *
 * Return: 1 if every slot is free or void, else 0.
 */
static inline int mailbox_lane_drained(const struct mailbox_lane *lane)
{
	__u32 i;

	for (i = 0; i < lane->capacity; i++) {
		__u64 phase = mailbox_word_phase(mailbox_lane_word(lane, i));

		if (phase != MAILBOX_PHASE_FREE && phase != MAILBOX_PHASE_VOID)
			return 0;
	}
	return 1;
}

/**
 * mailbox_slot_claim() - make a slot the sender's own
 * @lane: the lane
 * @position: from mailbox_find_free()
 * @word: likewise
 * @owner: the sender's endpoint id
 *
 * Return: 1, or 0 if somebody else was faster: walk again from @position.
 */
static inline int mailbox_slot_claim(const struct mailbox_lane *lane, __u64 position, __u64 word,
				     __u32 owner)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);

	return MAILBOX_CMPXCHG(&slot->word, word,				/* (A) */
			       mailbox_word(position, owner, MAILBOX_PHASE_WRITING));
}

/**
 * mailbox_range_claim() - make several slots in a row the sender's own
 * @lane: the lane
 * @position: from mailbox_find_free()
 * @word: likewise
 * @owner: the sender's endpoint id
 * @n: how many at most, not 0
 *
 * Return: how many, or 0 if somebody else was faster: walk again from @position.
 */
static inline __u32 mailbox_range_claim(const struct mailbox_lane *lane, __u64 position, __u64 word,
					__u32 owner, __u32 n)
{
	__u32 room = mailbox_lane_room(lane, position), got = 1;

	/* Nobody claims behind an unclaimed head, so what is free now stays so. */
	while (got < n && got < room &&
	       mailbox_lane_word(lane, position + got) ==			/* (A) */
	       mailbox_word(position + got, 0, MAILBOX_PHASE_FREE))
		got++;
	return MAILBOX_CMPXCHG(&mailbox_lane_slot(lane, position)->word, word,	/* (A) */
			       mailbox_word_range(position, owner, got,
						  MAILBOX_PHASE_WRITING)) ? got : 0;
}

/* Publish a claimed and filled range. Then look for sleeping receivers. */
static inline void mailbox_range_publish(const struct mailbox_lane *lane, __u64 position,
					 __u32 owner, __u32 n)
{
	MAILBOX_XCHG(&mailbox_lane_slot(lane, position)->word,			/* (B) (E) */
		     mailbox_word_range(position, owner, n, MAILBOX_PHASE_READY));
}

/* Give up a claimed range. Then wake receivers and senders. */
static inline void mailbox_range_discard(const struct mailbox_lane *lane, __u64 position, __u32 n)
{
	while (--n)
		MAILBOX_STORE_RELEASE(&mailbox_lane_slot(lane, position + n)->word,	/* (B) */
				      mailbox_word(position + n, 0, MAILBOX_PHASE_VOID));
	MAILBOX_XCHG(&mailbox_lane_slot(lane, position)->word,			/* (B) (E) */
		     mailbox_word(position, 0, MAILBOX_PHASE_VOID));
}

/* Publish a claimed and filled slot. Then look for sleeping receivers. */
static inline void mailbox_slot_publish(const struct mailbox_lane *lane, __u64 position,
					__u32 owner)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);

	MAILBOX_XCHG(&slot->word,			/* (B) (E) */
		     mailbox_word(position, owner, MAILBOX_PHASE_READY));
}

/*
 * Give up a claimed slot. Then wake a receiver, who may now see a message
 * behind it, and a sender, who may now claim over it.
 */
static inline void mailbox_slot_discard(const struct mailbox_lane *lane, __u64 position)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);

	MAILBOX_XCHG(&slot->word,			/* (B) (E) */
		     mailbox_word(position, 0, MAILBOX_PHASE_VOID));
}

/* The same as mailbox_slot_take(), of a word that stands for one message. */
static inline int mailbox_slot_take_single(const struct mailbox_lane *lane, __u64 position,
					   __u64 word, __u32 owner)
{
	return MAILBOX_CMPXCHG(&mailbox_lane_slot(lane, position)->word, word,	/* (T) */
			       mailbox_word(position, owner, MAILBOX_PHASE_READING));
}

/**
 * mailbox_slot_take() - make a message the receiver's own
 * @lane: the lane
 * @position: from mailbox_find_ready() or mailbox_find_parked()
 * @word: likewise
 * @owner: the receiver's endpoint id
 *
 * Of a range only the first.
 *
 * Return: 1, or 0 if somebody else was faster: walk again from @position.
 */
static inline int mailbox_slot_take(const struct mailbox_lane *lane, __u64 position, __u64 word,
				    __u32 owner)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u32 rest = mailbox_word_count(word) - 1;
	__u64 split;

	if (!rest)
		return mailbox_slot_take_single(lane, position, word, owner);
	split = mailbox_word_range(position, owner, rest, MAILBOX_PHASE_SPLIT);
	if (!MAILBOX_CMPXCHG(&slot->word, word, split))			/* (T) */
		return 0;
	mailbox_slot_help(lane, position, split);
	return 1;
}

/**
 * mailbox_range_take() - make all messages of a range the receiver's own
 * @lane: the lane
 * @position: from mailbox_find_ready()
 * @word: likewise; mailbox_word_count() of it tells how many
 * @owner: the receiver's endpoint id
 *
 * Return: 1, or 0 if somebody else was faster: walk again from @position.
 */
static inline int mailbox_range_take(const struct mailbox_lane *lane, __u64 position, __u64 word,
				     __u32 owner)
{
	return MAILBOX_CMPXCHG(&mailbox_lane_slot(lane, position)->word, word,	/* (T) */
			       mailbox_word_range(position, owner, mailbox_word_count(word),
						  MAILBOX_PHASE_READING));
}

/* Give back the slots of a range that was taken. Then look for sleeping senders. */
static inline void mailbox_range_release(const struct mailbox_lane *lane, __u64 position, __u32 n)
{
	while (--n)
		MAILBOX_STORE_RELEASE(&mailbox_lane_slot(lane, position + n)->word,	/* (D) */
				      mailbox_word(position + n + lane->capacity, 0,
						   MAILBOX_PHASE_FREE));
	MAILBOX_XCHG(&mailbox_lane_slot(lane, position)->word,			/* (D) (E) */
		     mailbox_word(position + lane->capacity, 0, MAILBOX_PHASE_FREE));
}

/* Give the slot of a taken and read message back. Then look for sleeping senders. */
static inline void mailbox_slot_release(const struct mailbox_lane *lane, __u64 position)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);

	MAILBOX_XCHG(&slot->word,			/* (D) (E) */
		     mailbox_word(position + lane->capacity, 0, MAILBOX_PHASE_FREE));
}

/*
 * Keep a taken message in its place for the next receiver (kernel only). A
 * walk steps over it as over any READING; mailbox_find_parked() finds it. The
 * slot's header still names the sender, whom the word has forgotten.
 */
static inline void mailbox_slot_park(const struct mailbox_lane *lane, __u64 position)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);

	MAILBOX_XCHG(&slot->word,			/* (D) (E) */
		     mailbox_word(position, MAILBOX_OWNER_PARKED, MAILBOX_PHASE_READING));
}

/**
 * mailbox_waiting() - who waits, after a step of one's own
 * @waiters: receivers after a publish, senders after a release; either after a
 *	claim or take, for the chain
 *
 * Return: MAILBOX_WAITERS_*, or other bits; 0: nobody.
 */
static inline __u64 mailbox_waiting(const struct mailbox_waiters *waiters)
{
	return MAILBOX_LOAD_AFTER(&waiters->word);		/* (E) */
}

/*
 * What else is told of a lane. (N): nothing hangs on when it is seen. A hint counts if its
 * slot agrees; what is parked or lost the kernel knows of itself; the rest is statistics.
 */

static inline __u64 mailbox_shared_hint(const struct mailbox_shared_lane *lane)
{
	return MAILBOX_LOAD(&lane->hint);			/* (N) */
}

static inline void mailbox_shared_set_hint(struct mailbox_shared_lane *lane, __u64 position)
{
	MAILBOX_STORE(&lane->hint, position);			/* (N) */
}

static inline __u64 mailbox_shared_parked(const struct mailbox_shared_lane *lane)
{
	return MAILBOX_LOAD(&lane->parked);			/* (N) */
}

static inline __u64 mailbox_shared_lost(const struct mailbox_shared_lane *lane)
{
	return MAILBOX_LOAD(&lane->lost);			/* (N) */
}

static inline __u64 mailbox_shared_discarded(const struct mailbox_shared_lane *lane)
{
	return MAILBOX_LOAD(&lane->discarded);			/* (N) */
}

static inline void mailbox_shared_add_discarded(struct mailbox_shared_lane *lane, __u32 n)
{
	MAILBOX_ADD(&lane->discarded, n);			/* (N) */
}

/* One more or less (kernel only). */
static inline void mailbox_shared_add_parked(struct mailbox_shared_lane *lane, int n)
{
	MAILBOX_ADD(&lane->parked, (__u64)n);			/* (N) */
}

static inline void mailbox_shared_add_lost(struct mailbox_shared_lane *lane, int n)
{
	MAILBOX_ADD(&lane->lost, (__u64)n);			/* (N) */
}

/*
 * Direct links. @position and what is there come from a look or a walk as for others.
 */

/* Make a slot that was found free or void the sender's own. Then mailbox_direct_waiting(). */
static inline void mailbox_direct_claim(const struct mailbox_lane *lane, __u64 position,
					__u32 owner)
{
	MAILBOX_STORE(&mailbox_lane_slot(lane, position)->word,			/* (A) */
		      mailbox_word(position, owner, MAILBOX_PHASE_WRITING));
}

/* Take back the last claim, as if nothing had been. */
static inline void mailbox_direct_unclaim(const struct mailbox_lane *lane, __u64 position)
{
	MAILBOX_STORE_RELEASE(&mailbox_lane_slot(lane, position)->word,		/* (B) */
			      mailbox_word(position, 0, MAILBOX_PHASE_FREE));
}

/* Publish it. Then, now or after others, mailbox_direct_waiting() of the receivers. */
static inline void mailbox_direct_publish(const struct mailbox_lane *lane, __u64 position,
					  __u32 owner)
{
	MAILBOX_STORE_RELEASE(&mailbox_lane_slot(lane, position)->word,		/* (B) */
			      mailbox_word(position, owner, MAILBOX_PHASE_READY));
}

/* Make a message that was found READY, and is no range, the receiver's own. */
static inline void mailbox_direct_take(const struct mailbox_lane *lane, __u64 position,
				       __u32 owner)
{
	MAILBOX_STORE(&mailbox_lane_slot(lane, position)->word,			/* (T) */
		      mailbox_word(position, owner, MAILBOX_PHASE_READING));
}

/* Give its slot back. Then, now or after others, mailbox_direct_waiting() of the senders. */
static inline void mailbox_direct_release(const struct mailbox_lane *lane, __u64 position)
{
	MAILBOX_STORE_RELEASE(&mailbox_lane_slot(lane, position)->word,		/* (D) */
			      mailbox_word(position + lane->capacity, 0, MAILBOX_PHASE_FREE));
}

/**
 * mailbox_direct_waiting() - who waits, after a step of one's own by a plain store
 * @waiters: receivers after a publish, senders after a release; senders also after a
 *	claim, for the end
 *
 * Return: MAILBOX_WAITERS_*, or other bits; 0: nobody.
 */
static inline __u64 mailbox_direct_waiting(const struct mailbox_waiters *waiters)
{
	MAILBOX_KEEP_ORDER();
	return MAILBOX_LOAD(&waiters->word);			/* (G) */
}

/**
 * mailbox_slot_replace() - put another word in the place of one that is nobody's (kernel only)
 * @lane: the lane
 * @position: any with this slot
 * @word: as loaded: of an owner that has departed, or such as no rule could make
 * @by: the new one
 *
 * Return: 1, or 0 if the word is another by now.
 */
static inline int mailbox_slot_replace(const struct mailbox_lane *lane, __u64 position, __u64 word,
				       __u64 by)
{
	return MAILBOX_CMPXCHG(&mailbox_lane_slot(lane, position)->word, word,	/* (B) (D) */
			       by);
}

/**
 * mailbox_slot_write() - say what a claimed slot holds
 * @lane: the lane
 * @position: of the slot
 * @length: bytes
 * @tag: or 0
 * @sender: endpoint id
 *
 * Return: where the payload goes.
 */
static inline void *mailbox_slot_write(const struct mailbox_lane *lane, __u64 position,
				       __u32 length, __u64 tag, __u32 sender)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = (__u64)sender << MAILBOX_SLOT_SENDER_SHIFT | length;
	__u64 *payload = (__u64 *)(slot + 1);

	if (tag) {
		header |= MAILBOX_SLOT_TAG;
		MAILBOX_STORE(payload, tag);			/* (P) */
		payload++;
	}
	MAILBOX_STORE(&slot->header, header);			/* (P) */
	return payload;
}

/* Say, after mailbox_slot_write(), that the sender wants a receipt (kernel only). */
static inline void mailbox_slot_want_receipt(const struct mailbox_lane *lane, __u64 position)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = MAILBOX_LOAD(&slot->header);		/* (P) */

	MAILBOX_STORE(&slot->header, header | MAILBOX_SLOT_RECEIPT);	/* (P) */
}

/* Say, after mailbox_slot_write(), how many have departed with the message (kernel only). */
static inline void mailbox_slot_set_departed(const struct mailbox_lane *lane, __u64 position,
					     __u8 departed)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = MAILBOX_LOAD(&slot->header);		/* (P) */

	MAILBOX_STORE(&slot->header, header | departed * MAILBOX_SLOT_DEPARTED);	/* (P) */
}

/* One more has, who had taken it (kernel only). Returns how many. */
static inline __u32 mailbox_slot_departed(const struct mailbox_lane *lane, __u64 position)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = MAILBOX_LOAD(&slot->header);		/* (P) */

	if ((header & MAILBOX_SLOT_DEPARTED_MASK) != MAILBOX_SLOT_DEPARTED_MASK) {
		header += MAILBOX_SLOT_DEPARTED;
		MAILBOX_STORE(&slot->header, header);		/* (P) */
	}
	return (__u32)((header & MAILBOX_SLOT_DEPARTED_MASK) / MAILBOX_SLOT_DEPARTED);
}

/**
 * mailbox_slot_read() - see what a slot holds that was found READY or parked
 * @lane: the lane
 * @position: of the slot
 * @tag: out: the sender's, or 0
 * @payload: out: where the payload is
 *
 * It is true if the word is still the same afterwards, as a take proves.
 *
 * Return: the header. Its length may be a lie where senders are not trusted.
 */
static inline __u64 mailbox_slot_read(const struct mailbox_lane *lane, __u64 position,
				      __u64 *tag, void **payload)
{
	struct mailbox_slot *slot = mailbox_lane_slot(lane, position);
	__u64 header = MAILBOX_LOAD(&slot->header);		/* (P) */
	__u64 *first = (__u64 *)(slot + 1);

	*tag = 0;
	*payload = first;
	if (header & MAILBOX_SLOT_TAG) {
		*tag = MAILBOX_LOAD(first);			/* (P) */
		*payload = first + 1;
	}
	return header;
}

#endif /* _UAPI_LINUX_MAILBOX_RING_H */
