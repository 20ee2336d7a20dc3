// SPDX-License-Identifier: MIT
/*
 * Messages through the mapping, by the steps of <linux/mailbox_ring.h>. The
 * letters in brackets are those of its diagram.
 *
 * Nothing here sleeps: who finds nothing to do goes to the kernel for it.
 *
 * An end of a direct port takes the same steps by plain stores. What differs is told
 * by the last argument of each step, which is a constant wherever it matters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "internal.h"

/* Measured, see selftests/bench/README.md: */
#define SPIN_NS		16000	/* to look again before going to sleep */
#define SPIN_TRIES	4	/* in vain, one after another; then only */
#define SPIN_PERIOD	256	/* every so many waits */
#define SPIN_LOOKS	16	/* from one reading of the clock to the next */
#define HINT_PERIOD	256	/* messages, from one hint to the next */
#define HINT_NEAR	32	/* messages; a way so short one walks */
#define SEND_AHEAD	4	/* slots */
#define FILL_AHEAD_MIN	512	/* bytes: shorter and longer ones are no faster for it */
#define FILL_AHEAD_MAX	4096

#if defined(__x86_64__) || defined(__i386__)
#define relax()	__builtin_ia32_pause()
#elif defined(__aarch64__)
#define relax()	__asm__ volatile("yield")
#else
#define relax()	((void)0)
#endif

#if defined(__x86_64__)
#define will_write(p)	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)(p)))
#else
#define will_write(p)	__builtin_prefetch(p, 1)
#endif

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/*
 * What every message takes is compiled into each call, so that nothing has to go
 * through memory on its way to the slot and back; what only some take is not.
 */
#define hot	static inline __attribute__((always_inline))
#define cold	static __attribute__((noinline))

cold void kick(struct mailbox *mb, uint32_t receivers, uint32_t senders)
{
	struct mailbox_kick arg = {
		.size = sizeof(arg),
		.receivers = receivers,
		.senders = senders,
	};

	/* Fails for no reason that the caller could do something about. */
	ioctl(mb->fd, MAILBOX_IOC_KICK, &arg);
}

/*
 * As memcpy. Up to 64 bytes word by word, and where they are no whole words the last
 * one overlaps the one before it: not a byte beyond either end is touched.
 */
hot void copy(void *to, const void *from, size_t n)
{
	char *d = to;
	const char *s = from;
	size_t i;

	if (n - 8 > 56) {
		if (n >= 8) {
			memcpy(d, s, n);
		} else if (n >= 4) {
			__u32 first, last;

			__builtin_memcpy(&first, s, 4);
			__builtin_memcpy(&last, s + n - 4, 4);
			__builtin_memcpy(d, &first, 4);
			__builtin_memcpy(d + n - 4, &last, 4);
		} else {
			while (n--)
				d[n] = s[n];
		}
		return;
	}
	for (i = 0; i < n - 8; i += 8)
		__builtin_memcpy(d + i, s + i, 8);
	__builtin_memcpy(d + n - 8, s + n - 8, 8);
}

/*
 * Where a walk ended, and the word there, or one of these: no walk ends with such a
 * word. It is returned in registers.
 */
struct found {
	__u64 position;
	__u64 word;
};

#define NOTHING		MAILBOX_PHASE_MASK		/* full, or empty */
#define BROKEN		(MAILBOX_PHASE_MASK - 1)
#define TOO_LONG	(MAILBOX_PHASE_MASK << 8)	/* with the length as position */

hot bool found_slot(struct found at)
{
	return at.word != NOTHING && at.word != BROKEN && at.word != TOO_LONG;
}

hot struct found found(enum mailbox_find what, __u64 position, __u64 word)
{
	if (what != MAILBOX_FIND_SLOT)
		word = what == MAILBOX_FIND_BROKEN ? BROKEN : NOTHING;
	return (struct found){ position, word };
}

hot bool is_direct(const struct ring *ring)
{
	return ring->kind == RING_DIRECT;
}

/*
 * These are written next: let their lines come meanwhile, all at once, and to be written.
 * Else each comes twice, for its word to be read and when it is claimed or filled.
 */
hot void will_write_slots(const struct mailbox_lane *view, __u64 position, __u32 n)
{
	while (n--)
		will_write(mailbox_lane_slot(view, position + n));
}

/*
 * What a sender copies into a slot. A processor asks for the lines of a long message one
 * after another as it stores to them, unless it is told beforehand.
 */
hot void copy_in(void *to, const void *from, size_t n)
{
	size_t i;

	if (n >= FILL_AHEAD_MIN && n <= FILL_AHEAD_MAX)
		for (i = 0; i < n; i += MAILBOX_SLOT_ALIGN)
			will_write((char *)to + i);
	copy(to, from, n);
}

/* Sender */

static struct found walk_free(const struct mailbox_lane *view, __u64 p)
{
	__u64 word = 0;
	enum mailbox_find what = mailbox_find_free(view, &p, &word);

	return found(what, p, word);
}

/* The port is deleted, or the other end of a direct one has gone: for the kernel to say. */
#define WAITERS_ENDED	(MAILBOX_WAITERS_CLOSED | MAILBOX_WAITERS_GONE)

hot bool ended(const struct mailbox_waiters *waiters)
{
	return mailbox_waiting(waiters) & WAITERS_ENDED;
}

/* Ask for an end of a direct port, once. */
cold int ask_for(struct mailbox *mb, uint32_t end)
{
	int err = mailbox_take_end(mb, end);

	if (!err)
		mb->ring->ends |= end;
	return err;
}

/* To be asked before each step of a direct port: 0 if this end is ours. */
hot int our_end(struct mailbox *mb, const struct ring *ring, uint32_t end)
{
	return likely(ring->ends & end) ? 0 : ask_for(mb, end);
}

/*
 * Where a walk starts: at our own position, unless others have been further, or we have
 * been away for very long. What a receiver has passed everybody may; if the hint is a lie,
 * our walk ends too early, and the kernel is asked.
 */
static __u64 start_at(const struct ring *ring, const struct ring_lane *lane, __u64 p)
{
	__u64 hint = mailbox_shared_hint(&ring->shared->lane[lane - ring->lane]);

	if (hint - p > HINT_NEAR && hint - p < MAILBOX_HINT_FAR &&
	    mailbox_word_distance(mailbox_lane_word(&lane->view, hint), hint) >= 0)
		return hint;
	return mailbox_lane_start(&lane->view, p, hint);
}

/* Claim up to @n slots. @got: how many. */
hot struct found claim_from(const struct ring *ring, struct ring_lane *lane, __u64 p, __u32 n,
			    __u32 *got)
{
	struct found at;

	if (mailbox_lane_word(&lane->view, p) != mailbox_word(p, 0, MAILBOX_PHASE_FREE))
		p = start_at(ring, lane, p);
	do {
		at = walk_free(&lane->view, p);
		p = at.position;
		*got = 0;
		if (!found_slot(at))
			break;
		if (is_direct(ring))
			mailbox_direct_claim(&lane->view, p, ring->owner), *got = 1;
		else if (n == 1)
			*got = mailbox_slot_claim(&lane->view, p, at.word, ring->owner);
		else
			*got = mailbox_range_claim(&lane->view, p, at.word, ring->owner, n);
	} while (!*got);							/* (A) */
	MAILBOX_STORE(&lane->send, p + *got);
	return at;
}

/* Full. Is this the end, or is something dropped? The kernel knows. */
static bool full_is_final(const struct ring *ring)
{
	return ring->drops || ended(&ring->shared->senders);
}

cold struct found claim_one_from(const struct ring *ring, struct ring_lane *lane, __u64 p)
{
	__u32 got;
	struct found at = claim_from(ring, lane, p, 1, &got);

	if (at.word == NOTHING && full_is_final(ring))
		at.word = BROKEN;
	return at;
}

/* Claim the next slot. Returns 0, -EAGAIN (full), or BY_SYSTEM_CALL. */
hot int claim_one(const struct ring *ring, struct ring_lane *lane,
		  const struct mailbox_lane *view, __u64 *position, bool direct)
{
	__u64 p = MAILBOX_LOAD(&lane->send), word = mailbox_word(p, 0, MAILBOX_PHASE_FREE);

	/* The usual case at the first look. */
	if (likely(mailbox_lane_word(view, p) == word &&
		   (direct || mailbox_slot_claim(view, p, word, ring->owner)))) {	/* (A) */
		if (direct)
			mailbox_direct_claim(view, p, ring->owner);		/* (A) */
		MAILBOX_STORE(&lane->send, p + 1);
	} else {
		struct found at = claim_one_from(ring, lane, p);

		if (!found_slot(at))
			return at.word == NOTHING ? -EAGAIN : BY_SYSTEM_CALL;
		p = at.position;
	}
	*position = p;
	return 0;
}

/* Slots that will not be filled after all. */
static void give_up(struct mailbox *mb, uint32_t n, __u64 position, __u32 count)
{
	struct ring *ring = mb->ring;

	mailbox_range_discard(&ring->lane[n].view, position, count);
	/* After that: who dies in between is counted too few, not twice. */
	mailbox_shared_add_discarded(&ring->shared->lane[n], count);
	if (mailbox_waiting(&ring->shared->receivers) ||
	    mailbox_waiting(&ring->shared->senders))
		kick(mb, 1U << n, 1U << n);
}

/* After a claim where senders wait, or the port is deleted. */
cold int claimed_from(struct mailbox *mb, uint32_t n, __u64 position, __u32 count,
		      uint32_t waiters)
{
	if (waiters & MAILBOX_WAITERS_CLOSED) {
		give_up(mb, n, position, count);
		return BY_SYSTEM_CALL;		/* which knows what to say */
	}
	if (found_slot(walk_free(&mb->ring->lane[n].view, position + count)))
		kick(mb, 0, 1U << n);
	return 0;
}

/*
 * The same of a direct port, where there is no other sender. A void would stay as long
 * as what the receiver left, so there is none.
 */
cold int claimed_direct_from(struct mailbox *mb, uint32_t n, __u64 position, uint32_t waiters)
{
	struct ring_lane *lane = &mb->ring->lane[n];

	if (!(waiters & WAITERS_ENDED))
		return 0;
	mailbox_direct_unclaim(&lane->view, position);
	MAILBOX_STORE(&lane->send, position);
	if (waiters & MAILBOX_WAITERS_CLOSED)
		kick(mb, 1U << n, 0);		/* who waits for what we claimed */
	return BY_SYSTEM_CALL;
}

/*
 * After a claim: is the port deleted, and should another sender wake up? Returns 0
 * if the slots are still ours.
 */
hot int claimed(struct mailbox *mb, const struct mailbox_shared *shared, uint32_t n,
		__u64 position, __u32 count, bool direct)
{
	uint32_t waiters = direct ? mailbox_direct_waiting(&shared->senders) :		/* (G) */
				    mailbox_waiting(&shared->senders);

	if (likely(!waiters))
		return 0;
	return direct ? claimed_direct_from(mb, n, position, waiters) :
			claimed_from(mb, n, position, count, waiters);
}

hot void publish(struct mailbox *mb, const struct mailbox_shared *shared, uint32_t n,
		 const struct mailbox_lane *view, __u64 position, __u32 endpoint, __u32 count)
{
	mailbox_range_publish(view, position, endpoint, count);		/* (B) (E) */
	if (unlikely(mailbox_waiting(&shared->receivers)))
		kick(mb, 1U << n, 0);
}

hot void publish_one(struct mailbox *mb, const struct mailbox_shared *shared, uint32_t n,
		     const struct mailbox_lane *view, __u64 position, __u32 endpoint, bool direct)
{
	if (!direct) {
		publish(mb, shared, n, view, position, endpoint, 1);
		return;
	}
	mailbox_direct_publish(view, position, endpoint);			/* (B) */
	if (unlikely(mailbox_direct_waiting(&shared->receivers)))		/* (G) */
		kick(mb, 1U << n, 0);
}

/* The lane that is meant, or one that there is not. */
hot uint32_t lane_number(const struct ring *ring, uint32_t lane)
{
	return lane == MAILBOX_LANE_DEFAULT ? ring->default_lane : lane;
}

/* Claim a slot of a lane. Returns 0, -EAGAIN, -EINVAL, or BY_SYSTEM_CALL. */
hot int reserve(struct mailbox *mb, struct ring *ring, const struct mailbox_shared *shared,
		uint32_t n, uint32_t flags, const struct mailbox_lane *view, __u64 *position,
		bool direct)
{
	int err;

	if (unlikely(flags & ~MAILBOX_SEND_REALTIME))
		return -EINVAL;
	err = direct ? our_end(mb, ring, MAILBOX_END_SEND) : 0;
	if (!err)
		err = claim_one(ring, &ring->lane[n], view, position, direct);
	return unlikely(err) ? err : claimed(mb, shared, n, *position, 1, direct);
}

/*
 * One message. Returns 0, BY_SYSTEM_CALL, or -EAGAIN, -EINVAL, -EMSGSIZE. What is
 * asked of the ring before the first atomic stays in registers.
 */
hot int send_one(struct mailbox *mb, uint32_t lane, uint32_t flags, const void *data,
		 size_t length, __u64 tag, __u64 *ticket, bool direct)
{
	struct ring *ring = mb->ring;
	const struct mailbox_shared *shared = ring->shared;
	uint32_t n = lane_number(ring, lane), endpoint = ring->endpoint;
	struct mailbox_lane view;
	__u64 position;
	int err;

	if (unlikely(length > ring->message_size))
		return -EMSGSIZE;
	if (unlikely(n >= ring->lanes))
		return -EINVAL;
	view = ring->lane[n].view;
	err = reserve(mb, ring, shared, n, flags, &view, &position, direct);
	if (unlikely(err))
		return err;
	copy_in(mailbox_slot_write(&view, position, length, tag, endpoint), data, length);
	publish_one(mb, shared, n, &view, position, endpoint, direct);
	if (!direct)
		will_write(mailbox_lane_slot(&view, position + SEND_AHEAD));
	*ticket = position;
	return 0;
}

/* How many of these can be one range. */
hot __u32 run_of(const struct ring *ring, const struct mailbox_msg *msgs, __u32 count)
{
	__u32 n;

	for (n = 0; n < count && n < MAILBOX_RANGE_MAX; n++)
		if (msgs[n].lane != msgs->lane || msgs[n].flags != msgs->flags ||
		    msgs[n].length > ring->message_size)
			break;
	return n;
}

/* One by one, but a sleeper is looked for once. */
static int send_batch_direct(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count,
			     uint32_t n)
{
	struct ring *ring = mb->ring;
	const struct mailbox_shared *shared = ring->shared;
	const struct mailbox_lane view = ring->lane[n].view;
	__u32 endpoint = ring->endpoint, done;
	__u64 position;
	int err = 0;

	for (done = 0; done < count; done++) {
		struct mailbox_msg *msg = &msgs[done];

		err = reserve(mb, ring, shared, n, 0, &view, &position, true);
		if (err)
			break;
		copy_in(mailbox_slot_write(&view, position, msg->length, msg->tag, endpoint),
		     msg->data, msg->length);
		msg->ticket = position;
		mailbox_direct_publish(&view, position, endpoint);		/* (B) */
	}
	if (!done)
		return err == -EAGAIN ? -EAGAIN : 0;
	if (unlikely(mailbox_direct_waiting(&shared->receivers)))		/* (G) */
		kick(mb, 1U << n, 0);
	return done;
}

/* Returns how many, 0: one by one, please, or -EAGAIN (full). */
static int send_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count)
{
	struct ring *ring = mb->ring;
	const struct mailbox_shared *shared = ring->shared;
	uint32_t n = lane_number(ring, msgs->lane), endpoint = ring->endpoint;
	struct mailbox_lane view;
	struct found at;
	__u32 got, i;

	count = run_of(ring, msgs, count);
	if (!count || n >= ring->lanes || msgs->flags & ~MAILBOX_SEND_REALTIME)
		return 0;
	if (is_direct(ring))
		return send_batch_direct(mb, msgs, count, n);
	view = ring->lane[n].view;
	at = claim_from(ring, &ring->lane[n], MAILBOX_LOAD(&ring->lane[n].send), count, &got);
	if (!got)
		return at.word == NOTHING && !full_is_final(ring) ? -EAGAIN : 0;
	if (claimed(mb, shared, n, at.position, got, false))
		return 0;
	for (i = 0; i < got; i++) {
		struct mailbox_msg *msg = &msgs[i];
		__u64 position = at.position + i;

		copy_in(mailbox_slot_write(&view, position, msg->length, msg->tag, endpoint),
		     msg->data, msg->length);
		msg->ticket = position;
	}
	publish(mb, shared, n, &view, at.position, endpoint, got);
	will_write_slots(&view, at.position + got, got);
	return got;
}

/* Receiver */

/* A message in our hands. */
struct taken {
	void *payload;
	__u64 position;
	__u64 header;
	__u64 tag;
	uint32_t lane;
	uint32_t length;
};

static struct found walk_ready(const struct mailbox_lane *view, __u64 p)
{
	__u64 word = 0;
	enum mailbox_find what = mailbox_find_ready(view, &p, &word);

	return found(what, p, word);
}

/* What a slot holds that was found READY, or is ours. */
hot void look(const struct mailbox_lane *view, uint32_t message_size, struct taken *t)
{
	t->header = mailbox_slot_read(view, t->position, &t->tag, &t->payload);
	t->length = (uint32_t)t->header;
	if (unlikely(t->length > message_size))
		t->length = message_size;	/* as the kernel does */
}

/* Its sender is to be told, which is the kernel's to do. */
static inline bool wants_receipt(const struct taken *t)
{
	return t->header & MAILBOX_SLOT_RECEIPT;
}

/* Returns whether it is ours. */
hot int take_word(const struct ring *ring, const struct mailbox_lane *view, __u64 p, __u64 word,
		  bool direct)
{
	if (!direct)
		return mailbox_range_take(view, p, word, ring->owner);
	mailbox_direct_take(view, p, ring->owner);
	return 1;
}

/* Take the next message by a walk. Of a direct port too: there may be ranges of a batch. */
cold struct found take_from(const struct ring *ring, struct ring_lane *lane, __u64 p, size_t limit)
{
	struct taken t;
	struct found at;
	bool done;

	p = start_at(ring, lane, p);
	do {
		at = walk_ready(&lane->view, p);
		p = at.position;
		done = true;
		if (!found_slot(at))
			break;
		t.position = p;
		look(&lane->view, ring->message_size, &t);
		if (wants_receipt(&t)) {
			at.word = BROKEN;
			break;
		}
		if (t.length <= limit) {
			done = mailbox_slot_take(&lane->view, p, at.word, ring->owner);
			continue;
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		done = mailbox_lane_word(&lane->view, p) == at.word;
		at = (struct found){ t.length, TOO_LONG };
	} while (!done);
	MAILBOX_STORE(&lane->receive, found_slot(at) ? p + 1 : p);
	return at;
}

/*
 * The next message of a lane that is no longer than @limit. Returns 0, -EAGAIN,
 * -EMSGSIZE with the length, or BY_SYSTEM_CALL.
 */
hot int take(const struct ring *ring, struct ring_lane *lane, const struct mailbox_lane *view,
	     size_t limit, struct taken *t, bool direct)
{
	__u32 message_size = ring->message_size;
	__u64 p = MAILBOX_LOAD(&lane->receive), word = mailbox_lane_word(view, p);

	if (word == mailbox_word(p, 0, MAILBOX_PHASE_FREE))
		return -EAGAIN;
	t->position = p;
	look(view, message_size, t);
	/* The usual case at the first look: one message, not a range. */
	if (likely(mailbox_word_is(word, p, MAILBOX_PHASE_READY) && t->length <= limit &&
		   !wants_receipt(t) && take_word(ring, view, p, word, direct))) {
		MAILBOX_STORE(&lane->receive, p + 1);
	} else {
		struct found at = take_from(ring, lane, p, limit);

		t->length = at.position;
		if (at.word == TOO_LONG)
			return -EMSGSIZE;
		if (!found_slot(at))
			return at.word == NOTHING ? -EAGAIN : BY_SYSTEM_CALL;
		t->position = at.position;
		look(view, message_size, t);
		if (t->length > limit)
			t->length = limit;	/* it has changed under our eyes */
	}
	return 0;
}

/* The chain: others sleep, and there is more. */
cold void chain(struct mailbox *mb)
{
	struct ring *ring = mb->ring;
	uint32_t lanes = 0, n;

	for (n = 0; n < ring->lanes; n++)
		if (found_slot(walk_ready(&ring->lane[n].view,
					  MAILBOX_LOAD(&ring->lane[n].receive))))
			lanes |= 1U << n;
	if (lanes)
		kick(mb, lanes, 0);
}

/*
 * Take from the highest lane that has something. @view: of that lane, for what comes
 * after.
 */
hot int take_highest(struct mailbox *mb, struct ring *ring, struct mailbox_shared *shared,
		     size_t limit, struct mailbox_lane *view, struct taken *t, bool direct)
{
	uint32_t n;
	int err = direct ? our_end(mb, ring, MAILBOX_END_RECEIVE) : 0;

	if (unlikely(err))
		return err;

	for (n = ring->lanes; n-- > 0;) {
		if (unlikely(!(ring->receive_mask >> n & 1)))
			continue;
		if (unlikely(mailbox_shared_parked(&shared->lane[n])))
			return BY_SYSTEM_CALL;	/* the kernel hands those out first */
		*view = ring->lane[n].view;
		err = take(ring, &ring->lane[n], view, limit, t, direct);
		if (err == -EAGAIN)
			continue;
		if (unlikely(err))
			return err;
		t->lane = n;
		if (unlikely(!(t->position % HINT_PERIOD)))
			mailbox_shared_set_hint(&shared->lane[n], t->position);
		/* Of a direct port there is no other receiver. */
		if (!direct && unlikely((uint32_t)mailbox_waiting(&shared->receivers)))
			chain(mb);
		return 0;
	}
	/* Nothing. Is this the end? The kernel knows. */
	return ended(&shared->receivers) ? BY_SYSTEM_CALL : -EAGAIN;
}

hot void release(struct mailbox *mb, const struct mailbox_shared *shared, uint32_t n,
		 const struct mailbox_lane *view, __u64 position, __u32 count)
{
	mailbox_range_release(view, position, count);			/* (D) (E) */
	if (unlikely(mailbox_waiting(&shared->senders)))
		kick(mb, 0, 1U << n);
}

hot void release_one(struct mailbox *mb, const struct mailbox_shared *shared, uint32_t n,
		     const struct mailbox_lane *view, __u64 position, bool direct)
{
	if (!direct) {
		release(mb, shared, n, view, position, 1);
		return;
	}
	mailbox_direct_release(view, position);					/* (D) */
	if (unlikely(mailbox_direct_waiting(&shared->senders)))			/* (G) */
		kick(mb, 0, 1U << n);
}

/* One message. Returns 0, -EAGAIN, -EMSGSIZE with the length, or BY_SYSTEM_CALL. */
hot int receive_one(struct mailbox *mb, void *data, size_t size, bool truncate, struct taken *t,
		    bool direct)
{
	struct ring *ring = mb->ring;
	struct mailbox_shared *shared = ring->shared;
	struct mailbox_lane view;
	int err = take_highest(mb, ring, shared, truncate ? SIZE_MAX : size, &view, t, direct);

	if (unlikely(err))
		return err;
	copy(data, t->payload, truncate && t->length > size ? size : t->length);
	release_one(mb, shared, t->lane, &view, t->position, direct);
	return 0;
}

bool mailbox_ring_asleep(const struct ring *ring)
{
	return mailbox_waiting(&ring->shared->receivers);
}

bool mailbox_ring_lost(const struct ring *ring)
{
	uint32_t n;

	if (likely(!ring->drops))
		return false;
	for (n = 0; n < ring->lanes; n++)
		if (ring->receive_mask >> n & 1 && mailbox_shared_lost(&ring->shared->lane[n]))
			return true;
	return false;
}

/* All there is to say. What the slot does not tell the kernel would. */
hot void tell(struct mailbox_msg *msg, const struct taken *t)
{
	msg->length = t->length;
	msg->lane = t->lane;
	msg->tag = t->tag;
	msg->ticket = t->position;
	msg->status = 0;
	msg->sender = t->header >> MAILBOX_SLOT_SENDER_SHIFT;
	msg->pid = 0;
	msg->uid = ~0U;
	msg->gid = ~0U;
	msg->lost = 0;
}

/*
 * Make the next range ours if all of it fits. Returns how many messages, 0: one by one,
 * please, or -EAGAIN (empty).
 */
static int claim_range(const struct ring *ring, const struct ring_lane *lane,
		       const struct mailbox_msg *msgs, __u32 count, struct found *at)
{
	const struct mailbox_lane *view = &lane->view;
	__u64 p = MAILBOX_LOAD(&lane->receive), word = mailbox_lane_word(view, p);
	struct taken t;
	__u32 got, i;

	if (mailbox_word_distance(word, p) || mailbox_word_phase(word) != MAILBOX_PHASE_READY)
		p = start_at(ring, lane, p);
	do {
		*at = walk_ready(view, p);
		if (!found_slot(*at))
			return at->word == NOTHING ? -EAGAIN : 0;
		p = at->position;
		got = mailbox_word_count(at->word);
		if (got == 1 || got > count)
			return 0;
		for (i = 0; i < got; i++) {
			t.position = p + i;
			look(view, ring->message_size, &t);
			if (t.length > msgs[i].size)
				return 0;
		}
	} while (!mailbox_range_take(view, p, at->word, ring->owner));
	return got;
}

/* All of a range; of whatever lane take_highest() would take from. */
static int take_range(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count, uint32_t n)
{
	struct ring *ring = mb->ring;
	struct mailbox_shared *shared = ring->shared;
	struct ring_lane *lane = &ring->lane[n];
	struct mailbox_lane view = lane->view;
	__u32 message_size = ring->message_size;
	struct taken t = { .lane = n };
	struct found at;
	int got = claim_range(ring, lane, msgs, count, &at), i;

	if (got <= 0)
		return got;
	MAILBOX_STORE(&lane->receive, at.position + got);
	if (at.position / HINT_PERIOD != (at.position + got) / HINT_PERIOD)
		mailbox_shared_set_hint(&shared->lane[n], at.position);
	if (unlikely((uint32_t)mailbox_waiting(&shared->receivers)))
		chain(mb);
	for (i = 0; i < got; i++) {
		t.position = at.position + i;
		look(&view, message_size, &t);
		if (unlikely(t.length > msgs[i].size))
			t.length = msgs[i].size;	/* it has changed under our eyes */
		copy(msgs[i].data, t.payload, t.length);
		tell(&msgs[i], &t);
	}
	release(mb, shared, n, &view, at.position, got);
	return got;
}

/* What lies there one behind the other, each released at once; a sleeper is looked for once. */
static int take_batch_direct(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count, uint32_t n)
{
	struct ring *ring = mb->ring;
	struct mailbox_shared *shared = ring->shared;
	struct ring_lane *lane = &ring->lane[n];
	const struct mailbox_lane view = lane->view;
	struct taken t = { .lane = n, .position = MAILBOX_LOAD(&lane->receive) };
	__u32 message_size = ring->message_size, done;

	for (done = 0; done < count; done++, t.position++) {
		struct mailbox_msg *msg = &msgs[done];

		if (!mailbox_word_is(mailbox_lane_word(&view, t.position), t.position,	/* (C) */
				     MAILBOX_PHASE_READY))
			break;
		look(&view, message_size, &t);
		if (t.length > msg->size || wants_receipt(&t))
			break;
		mailbox_direct_take(&view, t.position, ring->owner);
		copy(msg->data, t.payload, t.length);
		mailbox_direct_release(&view, t.position);			/* (D) */
		tell(msg, &t);
		if (unlikely(!(t.position % HINT_PERIOD)))
			mailbox_shared_set_hint(&shared->lane[n], t.position);
	}
	MAILBOX_STORE(&lane->receive, t.position);
	if (done && unlikely(mailbox_direct_waiting(&shared->senders)))		/* (G) */
		kick(mb, 0, 1U << n);
	return done;
}

/* Returns how many, 0: one by one, please, or -EAGAIN (empty). */
static int receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count)
{
	struct ring *ring = mb->ring;
	uint32_t n;

	if (mailbox_ring_lost(ring) ||
	    (is_direct(ring) && our_end(mb, ring, MAILBOX_END_RECEIVE)))
		return 0;
	for (n = ring->lanes; n-- > 0;) {
		__u64 p = MAILBOX_LOAD(&ring->lane[n].receive);

		if (!(ring->receive_mask >> n & 1))
			continue;
		if (mailbox_shared_parked(&ring->shared->lane[n]))
			return 0;
		if (mailbox_lane_word(&ring->lane[n].view, p) !=
		    mailbox_word(p, 0, MAILBOX_PHASE_FREE))
			return is_direct(ring) ? take_batch_direct(mb, msgs, count, n)
					    : take_range(mb, msgs, count, n);
	}
	return ended(&ring->shared->receivers) ? 0 : -EAGAIN;
}

/* Looking again for a moment before the kernel is asked to sleep */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/*
 * Whether it may pay: as long as it does, and else now and then. Not less and less: two that
 * wake each other would each be too late for the other's short look, and sleep for ever after.
 */
static bool may_pay(const struct ring *ring)
{
	uint32_t in_vain = MAILBOX_LOAD(&ring->in_vain);

	return ring->spins && (in_vain < SPIN_TRIES || in_vain % SPIN_PERIOD == 0);
}

/* A wait that was over before it slept, or not. */
static void learn(struct ring *ring, bool in_vain)
{
	MAILBOX_STORE(&ring->in_vain, in_vain ? MAILBOX_LOAD(&ring->in_vain) + 1 : 0);
}

bool mailbox_ring_looks(struct ring *ring)
{
	if (may_pay(ring))
		return true;
	learn(ring, true);
	return false;
}

/* Whether to look once more. The first looks go without the clock. */
hot bool once_more(unsigned int *looks, uint64_t *end)
{
	uint64_t now;

	relax();
	if (++*looks % SPIN_LOOKS)
		return true;
	now = now_ns();
	if (!*end)
		*end = now + SPIN_NS;
	return now < *end;
}

/* @call, which is an expression, until it is no longer -EAGAIN, or for so long, or not at all. */
#define soon(ring, call) __extension__({					\
	unsigned int __looks = 0;						\
	uint64_t __end = 0;							\
	int __err = -EAGAIN;							\
										\
	if (may_pay(ring))							\
		while (__err == -EAGAIN && once_more(&__looks, &__end))		\
			__err = (call);						\
	learn(ring, __err == -EAGAIN);						\
	__err;									\
})

int mailbox_ring_send_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count, bool wait)
{
	int n = send_batch(mb, msgs, count);

	if (n == -EAGAIN && wait)
		n = soon(mb->ring, send_batch(mb, msgs, count));
	return n < 0 ? 0 : n;
}

int mailbox_ring_receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count,
			       bool wait)
{
	int n = receive_batch(mb, msgs, count);

	if (n == -EAGAIN && wait)
		n = soon(mb->ring, receive_batch(mb, msgs, count));
	return n < 0 ? 0 : n;
}

/*
 * The calls, for both kinds of ports. A constant argument of what is hot makes two
 * functions of each; the choice is the first thing that a call does.
 */

cold int sent_from(struct mailbox *mb, const void *data, size_t length, int err, bool direct)
{
	bool waits = !mb->ring->nonblock;
	__u64 ticket;

	if (err == -EAGAIN && waits)
		err = soon(mb->ring, send_one(mb, MAILBOX_LANE_DEFAULT, 0, data, length, 0,
					      &ticket, direct));
	if (err == BY_SYSTEM_CALL || (err == -EAGAIN && waits))
		return mailbox_plain_send(mb, data, length);
	return err;
}

int mailbox_ring_send(struct mailbox *mb, const void *data, size_t length)
{
	__u64 ticket;
	int err = send_one(mb, MAILBOX_LANE_DEFAULT, 0, data, length, 0, &ticket, false);

	return likely(!err) ? 0 : sent_from(mb, data, length, err, false);
}

int mailbox_direct_send(struct mailbox *mb, const void *data, size_t length)
{
	__u64 ticket;
	int err = send_one(mb, MAILBOX_LANE_DEFAULT, 0, data, length, 0, &ticket, true);

	return likely(!err) ? 0 : sent_from(mb, data, length, err, true);
}

static int send_msg(struct mailbox *mb, struct mailbox_msg *msg)
{
	__u64 ticket;
	int err = is_direct(mb->ring) ?
		  send_one(mb, msg->lane, msg->flags, msg->data, msg->length, msg->tag, &ticket, true) :
		  send_one(mb, msg->lane, msg->flags, msg->data, msg->length, msg->tag, &ticket, false);

	if (likely(!err))
		msg->ticket = ticket;
	return err;
}

int mailbox_ring_send_msg(struct mailbox *mb, struct mailbox_msg *msg, bool wait)
{
	int err = send_msg(mb, msg);

	if (unlikely(err == -EAGAIN) && wait)
		return soon(mb->ring, send_msg(mb, msg));
	return err;
}

cold int received_from(struct mailbox *mb, void *buf, size_t size, int err, bool direct)
{
	bool waits = !mb->ring->nonblock;
	struct taken t = { 0 };

	if (err == -EAGAIN && waits)
		err = soon(mb->ring, receive_one(mb, buf, size, false, &t, direct));
	if (!err)
		return t.length;
	if (err == BY_SYSTEM_CALL || (err == -EAGAIN && waits))
		return mailbox_plain_receive(mb, buf, size);
	return err;
}

int mailbox_ring_receive(struct mailbox *mb, void *buf, size_t size)
{
	struct taken t;
	int err = receive_one(mb, buf, size, false, &t, false);

	return likely(!err) ? (int)t.length : received_from(mb, buf, size, err, false);
}

int mailbox_direct_receive(struct mailbox *mb, void *buf, size_t size)
{
	struct taken t;
	int err = receive_one(mb, buf, size, false, &t, true);

	return likely(!err) ? (int)t.length : received_from(mb, buf, size, err, true);
}

static int receive_msg(struct mailbox *mb, struct mailbox_msg *msg)
{
	bool truncate = msg->flags & MAILBOX_RECV_TRUNCATE;
	struct taken t;
	int err;

	if (unlikely(msg->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE)))
		return -EINVAL;
	t.length = 0;
	err = is_direct(mb->ring) ? receive_one(mb, msg->data, msg->size, truncate, &t, true) :
				 receive_one(mb, msg->data, msg->size, truncate, &t, false);
	if (unlikely(err)) {
		if (err == -EMSGSIZE)
			msg->length = t.length;
		return err;
	}
	tell(msg, &t);
	if (t.length > msg->size)
		msg->status = MAILBOX_MSG_TRUNCATED;
	return 0;
}

int mailbox_ring_receive_msg(struct mailbox *mb, struct mailbox_msg *msg, bool wait)
{
	int err = receive_msg(mb, msg);

	if (unlikely(err == -EAGAIN) && wait)
		return soon(mb->ring, receive_msg(mb, msg));
	return err;
}

/* In place */

/* What the ring cannot do at once the kernel does for it, and sleeps if need be. */
static int by_kernel(struct mailbox *mb, struct mailbox_message *arg,
		     unsigned long request, uint64_t deadline)
{
	arg->size = sizeof(*arg);
	arg->deadline = deadline;
	return ioctl(mb->fd, request, arg) < 0 ? -errno : 0;
}

/* Whether the kernel has to be asked. */
static bool unsettled(int err, uint64_t deadline)
{
	return err == BY_SYSTEM_CALL || (err == -EAGAIN && deadline != MAILBOX_NO_WAIT);
}

int mailbox_reserve(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	struct ring *ring = mailbox_ring(mb);
	struct mailbox_message arg = { .lane = msg->lane };
	__u64 position = 0;
	uint32_t n;
	int err;

	if (!ring)
		return -ENOTCONN;
	if (ring->nonblock)
		deadline = MAILBOX_NO_WAIT;
	msg->length = 0;
	n = lane_number(ring, msg->lane);
	if (n >= ring->lanes)
		return -EINVAL;
	err = reserve(mb, ring, ring->shared, n, msg->flags, &ring->lane[n].view, &position,
		      is_direct(ring));
	if (err == -EAGAIN && deadline != MAILBOX_NO_WAIT)
		err = soon(ring, reserve(mb, ring, ring->shared, n, msg->flags,
					 &ring->lane[n].view, &position, is_direct(ring)));
	if (likely(!err)) {
		msg->lane = n;
		msg->ticket = position;
	}
	if (unsettled(err, deadline)) {
		arg.flags = msg->flags | MAILBOX_SEND_IN_PLACE;
		err = by_kernel(mb, &arg, MAILBOX_IOC_SEND, deadline);
		msg->lane = arg.lane;
		msg->ticket = arg.ticket;
	}
	if (err)
		return err;
	msg->data = mailbox_slot_write(&ring->lane[msg->lane].view, msg->ticket, 0,
				       msg->tag, ring->endpoint);
	msg->size = ring->message_size;
	return 0;
}

/* The lane of a message in place, or NULL. */
static struct ring_lane *lane_of(struct mailbox *mb, const struct mailbox_msg *msg)
{
	struct ring *ring = mailbox_ring(mb);

	return ring && msg->lane < ring->lanes ? &ring->lane[msg->lane] : NULL;
}

int mailbox_submit(struct mailbox *mb, const struct mailbox_msg *msg)
{
	struct ring_lane *lane = lane_of(mb, msg);

	if (!lane)
		return -ENOTCONN;
	if (msg->length > mb->ring->message_size)
		return -EMSGSIZE;
	mailbox_slot_write(&lane->view, msg->ticket, msg->length, msg->tag,
			   mb->ring->endpoint);
	publish_one(mb, mb->ring->shared, msg->lane, &lane->view, msg->ticket,
		    mb->ring->endpoint, is_direct(mb->ring));
	return 0;
}

int mailbox_discard(struct mailbox *mb, const struct mailbox_msg *msg)
{
	if (!lane_of(mb, msg))
		return -ENOTCONN;
	give_up(mb, msg->lane, msg->ticket, 1);
	return 0;
}

/* Whether a message lies in the mapping. */
static bool inside(const struct ring *ring, const void *data)
{
	return (uintptr_t)data - (uintptr_t)ring->shared < ring->bytes;
}

/*
 * A message that was given back lies in the kernel's memory. A copy, leased: so that it
 * goes to another receiver should we depart, as one in place does.
 */
cold int peek_copy(struct mailbox *mb, const struct ring *ring, struct mailbox_msg *msg)
{
	struct mailbox_message arg = {
		.flags = MAILBOX_RECV_LEASE,
		.length = ring->message_size,
	};
	void *data = malloc(ring->message_size);
	int err;

	if (!data)
		return -ENOMEM;
	arg.data = (uintptr_t)data;
	err = by_kernel(mb, &arg, MAILBOX_IOC_RECEIVE, MAILBOX_NO_WAIT);
	if (err) {
		free(data);
		return err;
	}
	mailbox_answer(msg, &arg);
	msg->data = data;
	msg->size = msg->length;
	return 0;
}

static int release_copy(struct mailbox *mb, const struct mailbox_msg *msg)
{
	struct mailbox_finish arg = {
		.size = sizeof(arg),
		.how = MAILBOX_ACK,
		.lane = msg->lane,
		.ticket = msg->ticket,
	};
	int err = ioctl(mb->fd, MAILBOX_IOC_FINISH, &arg) < 0 ? -errno : 0;

	free(msg->data);
	return err;
}

int mailbox_peek(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	struct ring *ring = mailbox_ring(mb);
	struct mailbox_message arg = { 0 };
	struct mailbox_lane view;
	struct taken t;
	int err;

	if (!ring)
		return -ENOTCONN;
	if (ring->nonblock)
		deadline = MAILBOX_NO_WAIT;
	if (msg->flags & ~MAILBOX_RECV_REALTIME)
		return -EINVAL;
	err = mailbox_ring_lost(ring) ? BY_SYSTEM_CALL :
	      take_highest(mb, ring, ring->shared, SIZE_MAX, &view, &t, is_direct(ring));
	if (err == -EAGAIN && deadline != MAILBOX_NO_WAIT)
		err = soon(ring, take_highest(mb, ring, ring->shared, SIZE_MAX, &view, &t,
					      is_direct(ring)));
	if (likely(!err)) {
		tell(msg, &t);
	} else if (unsettled(err, deadline)) {
		arg.flags = msg->flags | MAILBOX_RECV_IN_PLACE;
		err = by_kernel(mb, &arg, MAILBOX_IOC_RECEIVE, deadline);
		if (err == -EREMOTE) {
			err = peek_copy(mb, ring, msg);
			/* Another one was faster: there may be a next one. */
			return unsettled(err, deadline) ? mailbox_peek(mb, msg, deadline) : err;
		}
		if (!err) {
			mailbox_answer(msg, &arg);	/* the header can be read again */
			mailbox_slot_read(&lane_of(mb, msg)->view, msg->ticket,
					  &t.tag, &t.payload);
		}
	}
	if (err)
		return err;
	msg->data = t.payload;
	msg->size = msg->length;
	return 0;
}

int mailbox_release(struct mailbox *mb, const struct mailbox_msg *msg)
{
	struct ring_lane *lane = lane_of(mb, msg);

	if (!lane)
		return -ENOTCONN;
	if (!inside(mb->ring, msg->data))
		return release_copy(mb, msg);
	release_one(mb, mb->ring->shared, msg->lane, &lane->view, msg->ticket, is_direct(mb->ring));
	return 0;
}
