// SPDX-License-Identifier: MIT
/*
 * Messages through the mapping, by the steps of <linux/mailbox_ring.h>. The
 * letters in brackets are those of its diagram.
 *
 * Nothing here sleeps: who finds nothing to do goes to the kernel for it.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "internal.h"

#define SPIN_MIN_NS	250
#define SPIN_MAX_NS	8000
#define HINT_PERIOD	65536	/* messages from one hint for latecomers to the next */

#if defined(__x86_64__) || defined(__i386__)
#define relax()	__builtin_ia32_pause()
#elif defined(__aarch64__)
#define relax()	__asm__ volatile("yield")
#else
#define relax()	((void)0)
#endif

static bool position_free(const struct ring_lane *lane, __u64 p)
{
	return mailbox_lane_word(&lane->view, p) ==
	       mailbox_word(p, 0, MAILBOX_PHASE_FREE);
}

static void kick(struct mailbox *mb, uint32_t receivers, uint32_t senders)
{
	struct mailbox_kick arg = {
		.size = sizeof(arg),
		.receivers = receivers,
		.senders = senders,
	};

	/* Fails for no reason that the caller could do something about. */
	ioctl(mb->fd, MAILBOX_IOC_KICK, &arg);
}

/* Sender */

/*
 * Claim the next slots, @n in a row or as many as there are. Returns how many,
 * -EAGAIN (full), or 0: by system call.
 */
static int claim(struct ring *ring, struct ring_lane *lane, __u32 n, __u64 *position)
{
	__u64 p = MAILBOX_LOAD(&lane->send), word;
	enum mailbox_find found;
	int got;

	/* The usual case at the first look. */
	word = mailbox_word(p, 0, MAILBOX_PHASE_FREE);
	found = mailbox_lane_word(&lane->view, p) == word ? MAILBOX_FIND_SLOT :
		mailbox_find_free(&lane->view, &p, &word);
	while (found == MAILBOX_FIND_SLOT) {
		if (n == 1)
			got = mailbox_slot_claim(&lane->view, p, word, ring->owner);
		else
			got = mailbox_range_claim(&lane->view, p, word, ring->owner, n);
		if (got) {					/* (A) */
			MAILBOX_STORE(&lane->send, p + got);
			*position = p;
			return got;
		}
		found = mailbox_find_free(&lane->view, &p, &word);
	}
	MAILBOX_STORE(&lane->send, p);
	return found == MAILBOX_FIND_NONE ? -EAGAIN : 0;
}

/* Slots that will not be filled after all. */
static void give_up(struct mailbox *mb, uint32_t n, __u64 position, __u32 count)
{
	struct ring *ring = mb->ring;

	MAILBOX_ADD(&ring->shared->lane[n].discarded, count);
	mailbox_range_discard(&ring->lane[n].view, position, count);
	if (mailbox_waiting(&ring->shared->receivers) ||
	    mailbox_waiting(&ring->shared->senders))
		kick(mb, 1U << n, 1U << n);
}

/*
 * After a claim: is the port deleted, and should another sender wake up? Returns 0
 * if the slots are still ours.
 */
static int claimed(struct mailbox *mb, uint32_t n, __u64 position, __u32 count)
{
	struct ring *ring = mb->ring;
	uint32_t waiters = mailbox_waiting(&ring->shared->senders);
	__u64 next = position + count, word;

	if (__builtin_expect(!waiters, 1))
		return 0;
	if (waiters & MAILBOX_WAITERS_CLOSED) {
		give_up(mb, n, position, count);
		return BY_SYSTEM_CALL;		/* which knows what to say */
	}
	if (mailbox_find_free(&ring->lane[n].view, &next, &word) == MAILBOX_FIND_SLOT)
		kick(mb, 0, 1U << n);
	return 0;
}

static void publish(struct mailbox *mb, uint32_t n, __u64 position, __u32 count)
{
	struct ring *ring = mb->ring;

	mailbox_range_publish(&ring->lane[n].view, position, ring->endpoint, count); /* (B) (E) */
	if (__builtin_expect(!!mailbox_waiting(&ring->shared->receivers), 0))
		kick(mb, 1U << n, 0);
}

/*
 * Claim slots of the message's lane: answers lane and ticket. Returns how many, 0
 * (by system call), -EAGAIN, or -EINVAL.
 */
static int reserve(struct mailbox *mb, struct mailbox_msg *msg, __u32 count)
{
	struct ring *ring = mb->ring;
	uint32_t n = msg->lane == MAILBOX_LANE_DEFAULT ? ring->default_lane : msg->lane;
	__u64 position;
	int got;

	if (n >= ring->lanes || msg->flags & ~MAILBOX_SEND_REALTIME)
		return -EINVAL;
	got = claim(ring, &ring->lane[n], count, &position);
	if (got <= 0)
		return got;
	if (claimed(mb, n, position, got))
		return 0;
	msg->lane = n;
	msg->ticket = position;
	return got;
}

static void fill(struct ring *ring, uint32_t n, __u64 position, const struct mailbox_msg *msg)
{
	void *payload = mailbox_slot_write(&ring->lane[n].view, position, msg->length,
					   msg->tag, ring->endpoint);

	if (msg->length)
		memcpy(payload, msg->data, msg->length);
}

int mailbox_ring_send(struct mailbox *mb, struct mailbox_msg *msg)
{
	struct mailbox_msg slot = { .lane = msg->lane, .flags = msg->flags };
	struct ring *ring = mb->ring;
	int got;

	if (msg->length > ring->message_size)
		return -EMSGSIZE;
	got = reserve(mb, &slot, 1);
	if (got <= 0)
		return got ? got : BY_SYSTEM_CALL;
	fill(ring, slot.lane, slot.ticket, msg);
	publish(mb, slot.lane, slot.ticket, 1);
	msg->ticket = slot.ticket;
	return 0;
}

/* How many of these can be one range. */
static __u32 run_of(const struct ring *ring, const struct mailbox_msg *msgs, __u32 count)
{
	__u32 n;

	for (n = 0; n < count && n < MAILBOX_RANGE_MAX; n++)
		if (msgs[n].lane != msgs->lane || msgs[n].flags != msgs->flags ||
		    msgs[n].length > ring->message_size)
			break;
	return n;
}

int mailbox_ring_send_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count)
{
	struct mailbox_msg slots = { .lane = msgs->lane, .flags = msgs->flags };
	struct ring *ring = mb->ring;
	int got, i;

	count = run_of(ring, msgs, count);
	if (!count)
		return 0;
	got = reserve(mb, &slots, count);
	if (got <= 0)
		return 0;
	for (i = 0; i < got; i++) {
		fill(ring, slots.lane, slots.ticket + i, &msgs[i]);
		msgs[i].ticket = slots.ticket + i;
	}
	publish(mb, slots.lane, slots.ticket, got);
	return got;
}

/* Receiver */

/*
 * The next message of a lane that is no longer than @limit. Returns 0, -EAGAIN,
 * -EMSGSIZE with the length, or BY_SYSTEM_CALL.
 */
static int take(struct ring *ring, uint32_t n, size_t limit, struct mailbox_msg *msg,
		void **payload)
{
	struct ring_lane *lane = &ring->lane[n];
	__u64 p = MAILBOX_LOAD(&lane->receive), word, header, tag;

	for (;;) {
		enum mailbox_find found = mailbox_find_ready(&lane->view, &p, &word);

		MAILBOX_STORE(&lane->receive, p);
		if (found == MAILBOX_FIND_BROKEN)
			return BY_SYSTEM_CALL;
		if (found != MAILBOX_FIND_SLOT)
			return -EAGAIN;
		header = mailbox_slot_read(&lane->view, p, &tag, payload);
		msg->length = (uint32_t)header;
		if (msg->length > ring->message_size)
			msg->length = ring->message_size;	/* as the kernel does */
		if (msg->length > limit) {
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (mailbox_lane_word(&lane->view, p) == word)
				return -EMSGSIZE;
			continue;
		}
		if (mailbox_slot_take(&lane->view, p, word, ring->owner))
			break;
	}
	MAILBOX_STORE(&lane->receive, p + 1);
	if (!(p % HINT_PERIOD))
		MAILBOX_STORE(&ring->shared->lane[n].hint, p);
	msg->tag = tag;
	msg->ticket = p;
	msg->lane = n;
	msg->sender = header >> MAILBOX_SLOT_SENDER_SHIFT;
	return 0;
}

/* The chain: others sleep, and there is more. */
static void chain(struct mailbox *mb)
{
	struct ring *ring = mb->ring;
	uint32_t lanes = 0, n;

	for (n = 0; n < ring->lanes; n++) {
		__u64 p = MAILBOX_LOAD(&ring->lane[n].receive), word;

		if (mailbox_find_ready(&ring->lane[n].view, &p, &word) ==
		    MAILBOX_FIND_SLOT)
			lanes |= 1U << n;
	}
	if (lanes)
		kick(mb, lanes, 0);
}

/* Take from the highest lane that has something. */
static int take_highest(struct mailbox *mb, size_t limit, struct mailbox_msg *msg,
			void **payload)
{
	struct ring *ring = mb->ring;
	uint32_t n;
	int err;

	for (n = ring->lanes; n-- > 0;) {
		struct ring_lane *lane = &ring->lane[n];

		if (!(ring->receive_mask >> n & 1))
			continue;
		if (MAILBOX_LOAD(&ring->shared->lane[n].parked))
			return BY_SYSTEM_CALL;	/* the kernel hands those out first */
		if (position_free(lane, MAILBOX_LOAD(&lane->receive)))
			continue;
		err = take(ring, n, limit, msg, payload);
		if (err == -EAGAIN)
			continue;
		if (!err && (uint32_t)mailbox_waiting(&ring->shared->receivers))
			chain(mb);
		return err;
	}
	/* Nothing. Is this the end? The kernel knows. */
	if (mailbox_waiting(&ring->shared->receivers) & MAILBOX_WAITERS_CLOSED)
		return BY_SYSTEM_CALL;
	return -EAGAIN;
}

static void release(struct mailbox *mb, uint32_t n, __u64 position, __u32 count)
{
	struct ring *ring = mb->ring;

	mailbox_range_release(&ring->lane[n].view, position, count);		/* (D) (E) */
	if (__builtin_expect(!!mailbox_waiting(&ring->shared->senders), 0))
		kick(mb, 0, 1U << n);
}

/* What the slot does not tell; the kernel would. */
static void unknown(struct mailbox_msg *msg)
{
	msg->status = 0;
	msg->pid = 0;
	msg->uid = ~0U;
	msg->gid = ~0U;
}

int mailbox_ring_receive(struct mailbox *mb, struct mailbox_msg *msg)
{
	bool truncate = msg->flags & MAILBOX_RECV_TRUNCATE;
	struct mailbox_msg got;
	void *payload;
	size_t n;
	int err;

	if (msg->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE))
		return -EINVAL;
	err = take_highest(mb, truncate ? SIZE_MAX : msg->size, &got, &payload);
	if (err == -EMSGSIZE)
		msg->length = got.length;
	if (err)
		return err;
	n = got.length < msg->size ? got.length : msg->size;
	if (n)
		memcpy(msg->data, payload, n);
	release(mb, got.lane, got.ticket, 1);
	unknown(msg);
	msg->length = got.length;
	msg->lane = got.lane;
	msg->tag = got.tag;
	msg->ticket = got.ticket;
	msg->sender = got.sender;
	if (n < got.length)
		msg->status = MAILBOX_MSG_TRUNCATED;
	return 0;
}

/* All of a range if all of it fits; of whatever lane take_highest() would take from. */
static int take_range(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count, uint32_t n)
{
	struct ring *ring = mb->ring;
	struct ring_lane *lane = &ring->lane[n];
	__u64 p = MAILBOX_LOAD(&lane->receive), word, header, tag;
	__u32 got, i;
	void *payload;

	if (mailbox_find_ready(&lane->view, &p, &word) != MAILBOX_FIND_SLOT)
		return 0;
	got = mailbox_word_count(word);
	if (got == 1 || got > count)
		return 0;
	for (i = 0; i < got; i++) {
		header = mailbox_slot_read(&lane->view, p + i, &tag, &payload);
		if ((uint32_t)header > ring->message_size || (uint32_t)header > msgs[i].size)
			return 0;
	}
	if (!mailbox_range_take(&lane->view, p, word, ring->owner))
		return 0;
	MAILBOX_STORE(&lane->receive, p + got);
	if (p / HINT_PERIOD != (p + got) / HINT_PERIOD)
		MAILBOX_STORE(&ring->shared->lane[n].hint, p);
	if ((uint32_t)mailbox_waiting(&ring->shared->receivers))
		chain(mb);
	for (i = 0; i < got; i++) {
		struct mailbox_msg *msg = &msgs[i];

		header = mailbox_slot_read(&lane->view, p + i, &tag, &payload);
		unknown(msg);
		msg->tag = tag;
		msg->ticket = p + i;
		msg->lane = n;
		msg->sender = header >> MAILBOX_SLOT_SENDER_SHIFT;
		msg->length = (uint32_t)header;
		if (msg->length > msg->size)
			msg->length = msg->size;	/* it has changed under our eyes */
		if (msg->length)
			memcpy(msg->data, payload, msg->length);
	}
	release(mb, n, p, got);
	return got;
}

int mailbox_ring_receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count)
{
	struct ring *ring = mb->ring;
	uint32_t n;

	for (n = ring->lanes; n-- > 0;) {
		if (!(ring->receive_mask >> n & 1))
			continue;
		if (MAILBOX_LOAD(&ring->shared->lane[n].parked))
			return 0;
		if (!position_free(&ring->lane[n], MAILBOX_LOAD(&ring->lane[n].receive)))
			return take_range(mb, msgs, count, n);
	}
	return 0;
}

/* Looking again for a moment before the kernel is asked to sleep */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* What paid is done for longer the next time, what did not for less. */
static void adapt(struct ring *ring, bool paid)
{
	uint32_t ns = ring->spin_ns;

	ns = paid ? 2 * ns : ns / 2;
	ring->spin_ns = ns < SPIN_MIN_NS ? SPIN_MIN_NS : ns > SPIN_MAX_NS ? SPIN_MAX_NS : ns;
}

static int soon(struct mailbox *mb, struct mailbox_msg *msg,
		int (*call)(struct mailbox *mb, struct mailbox_msg *msg))
{
	struct ring *ring = mb->ring;
	int err = call(mb, msg), i;
	uint64_t end;

	if (err != -EAGAIN || !ring->spin_ns)
		return err;
	end = now_ns() + ring->spin_ns;
	do {
		for (i = 0; i < 16 && err == -EAGAIN; i++) {
			relax();
			err = call(mb, msg);
		}
	} while (err == -EAGAIN && now_ns() < end);
	adapt(ring, err != -EAGAIN);
	return err;
}

int mailbox_ring_send_soon(struct mailbox *mb, struct mailbox_msg *msg)
{
	return soon(mb, msg, mailbox_ring_send);
}

int mailbox_ring_receive_soon(struct mailbox *mb, struct mailbox_msg *msg)
{
	return soon(mb, msg, mailbox_ring_receive);
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
	int err;

	if (!ring)
		return -ENOTCONN;
	if (ring->nonblock)
		deadline = MAILBOX_NO_WAIT;
	msg->length = 0;
	err = reserve(mb, msg, 1);
	err = err > 0 ? 0 : err ? err : BY_SYSTEM_CALL;
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
	publish(mb, msg->lane, msg->ticket, 1);
	return 0;
}

int mailbox_discard(struct mailbox *mb, const struct mailbox_msg *msg)
{
	if (!lane_of(mb, msg))
		return -ENOTCONN;
	give_up(mb, msg->lane, msg->ticket, 1);
	return 0;
}

int mailbox_peek(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	struct mailbox_message arg = { 0 };
	void *payload;
	__u64 tag;
	int err;

	if (!mailbox_ring(mb))
		return -ENOTCONN;
	if (mb->ring->nonblock)
		deadline = MAILBOX_NO_WAIT;
	if (msg->flags & ~MAILBOX_RECV_REALTIME)
		return -EINVAL;
	err = take_highest(mb, SIZE_MAX, msg, &payload);
	if (!err) {
		unknown(msg);
	} else if (unsettled(err, deadline)) {
		arg.flags = msg->flags | MAILBOX_RECV_IN_PLACE;
		err = by_kernel(mb, &arg, MAILBOX_IOC_RECEIVE, deadline);
		if (!err) {
			mailbox_answer(msg, &arg);	/* the header can be read again */
			mailbox_slot_read(&lane_of(mb, msg)->view, msg->ticket,
					  &tag, &payload);
		}
	}
	if (err)
		return err;
	msg->data = payload;
	msg->size = msg->length;
	return 0;
}

int mailbox_release(struct mailbox *mb, const struct mailbox_msg *msg)
{
	if (!lane_of(mb, msg))
		return -ENOTCONN;
	release(mb, msg->lane, msg->ticket, 1);
	return 0;
}
