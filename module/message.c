// SPDX-License-Identifier: GPL-2.0-only
/* Messages between user memory and slots. */

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "message.h"
#include "trace.h"

/* Up to here word by word: cheaper than a checked copy, and fetched before the claim. */
#define MAILBOX_SHORT_WORDS	8
#define MAILBOX_SHORT		(MAILBOX_SHORT_WORDS * sizeof(u64))

static const struct mailbox_deadline mailbox_forever = { KTIME_MAX, CLOCK_MONOTONIC };

/**
 * struct mailbox_place - a slot for the caller's mapping
 * @lane: where
 * @owner: the mapping
 * @taken: with the position; all of it for a receive
 */
struct mailbox_place {
	u32 lane;
	u32 owner;
	struct mailbox_taken taken;
};

/**
 * struct mailbox_leased - a message for the caller to finish later
 * @lane: out: where it came from
 * @lease: out: the message
 */
struct mailbox_leased {
	u32 lane;
	struct mailbox_lease *lease;
};

/**
 * struct mailbox_buffer - the caller's memory
 * @iter: an iterator, or NULL:
 * @data: an address
 * @size: bytes: of the message to send (checked), or room for one
 * @message: the ioctl's structure, or NULL
 * @tag: to send
 * @ticket: of the message, or NULL
 * @truncate: a longer message may lose its end
 * @leased: the message becomes the caller's in this way
 * @place: instead of all that: the caller wants the slot itself
 *
 * A fast path keeps its own in registers: it hands what is not inlined a copy,
 * made on the way there.
 */
struct mailbox_buffer {
	struct iov_iter *iter;
	void __user *data;
	size_t size;
	struct mailbox_message __user *message;
	u64 tag;
	struct mailbox_ticket *ticket;
	bool truncate;
	struct mailbox_leased *leased;
	struct mailbox_place *place;
};

/* Short messages, word by word. The bytes behind the end of the last word are zero. */

static __always_inline int mailbox_get_short(u64 *words, const void __user *from, u32 size)
{
	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS)) {
		memset(words, 0, MAILBOX_SHORT);
		return copy_from_user(words, from, size) ? -EFAULT : 0;
	}
	if (!user_read_access_begin(from, size))
		return -EFAULT;
	for (; size >= sizeof(u64); size -= sizeof(u64), from += sizeof(u64))
		unsafe_get_user(*words++, (u64 __user *)from, efault);
	if (size) {
		void *to = words;

		*words = 0;
		if (size & 4) {
			unsafe_get_user(*(u32 *)to, (u32 __user *)from, efault);
			to += 4;
			from += 4;
		}
		if (size & 2) {
			unsafe_get_user(*(u16 *)to, (u16 __user *)from, efault);
			to += 2;
			from += 2;
		}
		if (size & 1)
			unsafe_get_user(*(u8 *)to, (u8 __user *)from, efault);
	}
	user_read_access_end();
	return 0;
efault:
	user_read_access_end();
	return -EFAULT;
}

static __always_inline int mailbox_put_short(void __user *to, const void *from, u32 size)
{
	if (!IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return copy_to_user(to, from, size) ? -EFAULT : 0;
	if (!user_write_access_begin(to, size))
		return -EFAULT;
	for (; size >= sizeof(u64); size -= sizeof(u64), from += sizeof(u64), to += sizeof(u64))
		unsafe_put_user(*(u64 *)from, (u64 __user *)to, efault);
	if (size) {
		if (size & 4) {
			unsafe_put_user(*(u32 *)from, (u32 __user *)to, efault);
			from += 4;
			to += 4;
		}
		if (size & 2) {
			unsafe_put_user(*(u16 *)from, (u16 __user *)to, efault);
			from += 2;
			to += 2;
		}
		if (size & 1)
			unsafe_put_user(*(u8 *)from, (u8 __user *)to, efault);
	}
	user_write_access_end();
	return 0;
efault:
	user_write_access_end();
	return -EFAULT;
}

/* Whether another turn of a faulting copy may be tried: any signal ends it. */
static int mailbox_try_again(void)
{
	cond_resched();
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/* Send */

/*
 * Before the claim: get hold of the bytes, page faults and all. A slot that is
 * claimed in vain is void until the messages in front of it are gone, so bad
 * memory is found out here; only memory that changes meanwhile costs a slot.
 */
static __always_inline int mailbox_fetch(const struct mailbox_buffer *from, u64 *words)
{
	if (from->message && put_user(0, &from->message->ticket))
		return -EFAULT;
	if (from->iter)
		return fault_in_iov_iter_readable(from->iter, from->size) ? -EFAULT : 0;
	if (from->size <= MAILBOX_SHORT)
		return mailbox_get_short(words, from->data, from->size);
	return fault_in_readable(from->data, from->size) ? -EFAULT : 0;
}

static noinline bool mailbox_fill_iter(void *payload, struct iov_iter *iter, u32 size)
{
	size_t copied;

	pagefault_disable();
	copied = copy_from_iter(payload, size, iter);
	pagefault_enable();
	if (copied != size)
		iov_iter_revert(iter, copied);
	return copied == size;
}

/* After the claim: no page faults. */
static __always_inline bool mailbox_fill(void *payload, const struct mailbox_buffer *from,
					 const u64 *words, u64 ticket)
{
	bool filled = true;
	u32 i;

	if (from->iter)
		return mailbox_fill_iter(payload, from->iter, from->size);
	if (from->size <= MAILBOX_SHORT) {
		for (i = 0; i < from->size; i += sizeof(u64))
			*(u64 *)(payload + i) = *words++;
		if (!from->message)
			return true;
	}
	pagefault_disable();
	if (from->size > MAILBOX_SHORT)
		filled = access_ok(from->data, from->size) &&
			 !__copy_from_user_inatomic(payload, from->data, from->size);
	if (from->message && filled)
		filled = !put_user(ticket, &from->message->ticket);
	pagefault_enable();
	return filled;
}

static bool mailbox_can_claim(const struct mailbox_endpoint *ep, u32 n)
{
	const struct mailbox_ring_lane *lane = &ep->port->ring.lane[n];
	u64 from = mailbox_ring_start(lane, &ep->position[n].send);

	/* A broken word is for the call itself to report. */
	return mailbox_ring_walk_free(lane, from).what != MAILBOX_FIND_NONE;
}

static bool mailbox_can_take(const struct mailbox_endpoint *ep, u32 n)
{
	const struct mailbox_ring_lane *lane = &ep->port->ring.lane[n];
	const u64 *own = &ep->position[n].receive;
	enum mailbox_find what;

	if (mailbox_ring_empty(lane, own))
		return false;
	if (atomic_read(&lane->parked) && mailbox_lease_waits(&ep->port->leases, n, own))
		return true;
	what = mailbox_ring_walk_ready(lane, mailbox_ring_start(lane, own)).what;
	return what == MAILBOX_FIND_SLOT || what == MAILBOX_FIND_BROKEN;
}

/* The chain: a sender that got its slot wakes the next if there is another. */
static noinline void mailbox_chain_senders(const struct mailbox_endpoint *ep, u32 n)
{
	if (mailbox_can_claim(ep, n))
		mailbox_port_wake_senders(ep->port, BIT(n));
}

/* A slot went void: for whoever walks. */
static void mailbox_wake_both(struct mailbox_port *port, u32 n)
{
	mailbox_port_wake_receivers(port, BIT(n));
	mailbox_port_wake_senders(port, BIT(n));
}

/* Give up a claimed slot: a receiver may see what is behind it, a sender may claim over it. */
static noinline void mailbox_undo_claim(const struct mailbox_endpoint *ep, u32 n, u64 position,
					struct mailbox_ticket *ticket)
{
	struct mailbox_port *port = ep->port;

	trace_mailbox_repair(port, ep->id, n, position, 0);
	if (ticket)
		mailbox_ticket_shut(&port->ledger, ticket);
	mailbox_ring_discard(&port->ring, &port->ring.lane[n], position);
	mailbox_wake_both(port, n);
}

/* Give back a slot of the mapping, unless its departure has done that already. */
static void mailbox_undo_place(const struct mailbox_endpoint *ep, const struct mailbox_place *place)
{
	struct mailbox_ring *ring = &ep->port->ring;

	mailbox_ring_undo(ring, &ring->lane[place->lane], place->taken.position, place->owner);
	mailbox_wake_both(ep->port, place->lane);
}

/*
 * Fill a claimed slot and publish it. Returns 0, -EIDRM, or -EAGAIN if the bytes
 * could not be fetched without a page fault; then the slot is given up.
 */
static __always_inline int mailbox_send_claimed(struct mailbox_endpoint *ep,
						const struct mailbox_buffer *from,
						const u64 *words, u32 n,
						const struct mailbox_lane *view, u64 position)
{
	struct mailbox_port *port = ep->port;
	u32 id = ep->id;
	void *payload;

	if (mailbox_queue_pressed(&port->senders)) {
		/* Looked at only now, after the claim: see mailbox_port_delete(). */
		if (mailbox_queue_closed(&port->senders)) {
			mailbox_undo_claim(ep, n, position, NULL);
			return -EIDRM;
		}
		mailbox_chain_senders(ep, n);
	}
	payload = mailbox_slot_write(view, position, from->size, from->tag, id);
	if (from->ticket)
		mailbox_ticket_open(&port->ledger, from->ticket, n, position, from->tag);
	if (unlikely(!mailbox_fill(payload, from, words, position))) {
		mailbox_undo_claim(ep, n, position, from->ticket);
		return -EAGAIN;
	}

	/* From here on nothing can fail. */
	trace_mailbox_send(port, id, n, position, from->size);
	mailbox_slot_publish(view, position, id);		/* (B) (E) */
	if (mailbox_queue_waiting(&port->receivers))
		mailbox_port_wake_receivers(port, BIT(n));
	return 0;
}

/* Is there a mapping to claim and take for? Not one that is being evicted. */
static int mailbox_place_check(const struct mailbox_endpoint *ep)
{
	lockdep_assert_held(&ep->port->lock);
	if (ep->evicted)
		return -ESHUTDOWN;
	return ep->owner ? 0 : -ENOTCONN;
}

/*
 * Claim for the caller's mapping. The lock keeps the mapping from departing
 * before the claim is there to be repaired.
 */
static int mailbox_reserve_once(struct mailbox_endpoint *ep, struct mailbox_place *place, u32 n)
{
	struct mailbox_port *port = ep->port;
	int err;

	mutex_lock(&port->lock);
	place->lane = n;
	place->owner = ep->owner;
	err = mailbox_place_check(ep);
	if (!err)
		err = mailbox_ring_claim(&port->ring, &port->ring.lane[n], &ep->position[n].send,
					 place->owner, &place->taken.position);
	mutex_unlock(&port->lock);
	if (err == -EAGAIN && READ_ONCE(port->deleted))
		err = -EIDRM;
	if (err == -EPROTO)
		mailbox_wake_both(port, n);
	if (err || !mailbox_queue_pressed(&port->senders))
		return err;
	if (mailbox_queue_closed(&port->senders)) {
		mailbox_undo_place(ep, place);
		return -EIDRM;
	}
	mailbox_chain_senders(ep, n);
	return 0;
}

/* To make room. Returns 0, or -EAGAIN if all of it is in others' hands. */
static int mailbox_drop_oldest(struct mailbox_port *port, u32 n)
{
	struct mailbox_taken t;
	int err = mailbox_ring_drop(&port->ring, &port->ring.lane[n], &t);

	if (err == -EPROTO)
		mailbox_wake_both(port, n);
	if (err)
		return -EAGAIN;
	if (t.receipt)
		mailbox_ticket_finish(&port->ledger, n, t.position, MAILBOX_DISCARDED,
				      MAILBOX_REASON_DROPPED, NULL);
	return 0;
}

/*
 * The lane is full. Returns -EAGAIN to wait, 0 if the message is dropped instead, or 1
 * if another one was and there may be a slot now.
 */
static noinline int mailbox_overflow(struct mailbox_port *port, const struct mailbox_buffer *from,
				     u32 n)
{
	if (READ_ONCE(port->deleted))
		return -EIDRM;
	if (!(port->flags & MAILBOX_DROP))
		return -EAGAIN;
	if (port->flags & MAILBOX_DROP_OLDEST && !mailbox_drop_oldest(port, n))
		return 1;
	/* Who wants a receipt, or a slot to fill, gets one or waits. */
	if (from->ticket || from->place)
		return -EAGAIN;
	mailbox_ring_refuse(&port->ring, &port->ring.lane[n]);
	return 0;
}

/* Returns 0, -EAGAIN when full, 1 if the bytes could not be fetched, or what is wrong. */
static int mailbox_send_try(struct mailbox_endpoint *ep, const struct mailbox_buffer *from, u32 n)
{
	struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_ring_lane *lane = &ring->lane[n];
	u64 words[MAILBOX_SHORT_WORDS], position;
	int err;

	err = mailbox_fetch(from, words);
	if (err)
		return err;
	err = mailbox_ring_claim(ring, lane, &ep->position[n].send, ep->id, &position);
	if (err == -EPROTO)
		mailbox_wake_both(ep->port, n);
	if (err)
		return err;
	err = mailbox_send_claimed(ep, from, words, n, &lane->view, position);
	return err == -EAGAIN ? 1 : err;
}

/* Send without sleeping for a slot. Returns 0, -EAGAIN when full, or what is wrong. */
static int mailbox_send_once(struct mailbox_endpoint *ep, const struct mailbox_buffer *from,
			     u32 n)
{
	int err = 0;

	if (mailbox_queue_gone(&ep->port->senders))
		err = mailbox_port_broken(ep);
	while (!err) {
		err = from->place ? mailbox_reserve_once(ep, from->place, n) :
				    mailbox_send_try(ep, from, n);
		if (err == -EAGAIN)
			err = mailbox_overflow(ep->port, from, n);
		if (err <= 0)
			break;
		err = mailbox_try_again();
	}
	return err;
}

struct mailbox_send_lane {
	const struct mailbox_endpoint *ep;
	u32 n;
};

static int mailbox_sendable(const struct mailbox_endpoint *ep, u32 n)
{
	if (READ_ONCE(ep->port->deleted))
		return -EIDRM;
	if (mailbox_queue_gone(&ep->port->senders))
		return -EPIPE;
	return mailbox_can_claim(ep, n) ? 0 : -EAGAIN;
}

static bool mailbox_send_ready(void *arg)
{
	const struct mailbox_send_lane *at = arg;

	return mailbox_sendable(at->ep, at->n) != -EAGAIN;
}

/* Send, whatever it takes; @deadline is NULL not to sleep. */
static noinline int mailbox_send_slow(struct mailbox_endpoint *ep,
				      const struct mailbox_buffer *from, u32 n,
				      const struct mailbox_deadline *deadline)
{
	struct mailbox_send_lane at = { ep, n };
	struct mailbox_waiter w;
	int err;

	err = mailbox_send_once(ep, from, n);
	if (err != -EAGAIN || !deadline)
		return err;
	mailbox_waiter_init(&w);
	do {
		if (unlikely(READ_ONCE(ep->port->mappings)))
			mailbox_port_note(ep->port, false, n, &ep->position[n].send);
		trace_mailbox_wait(ep->port, false, BIT(n));
		err = mailbox_wait(&ep->port->senders, &w, BIT(n), mailbox_send_ready, &at,
				   deadline);
		if (!err)
			err = mailbox_send_once(ep, from, n);
	} while (err == -EAGAIN);
	/* Woken, and no use made of it: the next in line may. */
	if (err)
		mailbox_chain_senders(ep, n);
	return err;
}

/* Send at the first look. Returns false if that takes more. */
static __always_inline bool mailbox_send_fast(struct mailbox_endpoint *ep,
					      const struct mailbox_buffer *from, u32 n, int *err)
{
	const struct mailbox_ring_lane *lane = &ep->port->ring.lane[n];
	const struct mailbox_lane view = lane->view;
	u64 words[MAILBOX_SHORT_WORDS] mailbox_uninitialized, position;

	*err = mailbox_fetch(from, words);
	if (unlikely(*err))
		return true;
	if (unlikely(!mailbox_ring_try_claim(&view, &ep->position[n].send, ep->id, &position)))
		return false;
	*err = mailbox_send_claimed(ep, from, words, n, &view, position);
	return likely(*err != -EAGAIN);
}

/* Receive */

static bool mailbox_look(const struct mailbox_endpoint *ep)
{
	unsigned long mask = READ_ONCE(ep->receive_mask);
	unsigned int n;

	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		if (mailbox_can_take(ep, n))
			return true;
	return false;
}

/* Nothing in this endpoint's lanes, and nothing on its way or in others' hands. */
static bool mailbox_drained(const struct mailbox_endpoint *ep)
{
	unsigned long mask = READ_ONCE(ep->receive_mask);
	unsigned int n;

	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		if (!mailbox_lane_drained(&ep->port->ring.lane[n].view))
			return false;
	smp_rmb();	/* a lease is pending before its slot is released */
	return !mailbox_lease_pending(&ep->port->leases, mask);
}

int mailbox_message_receivable(const struct mailbox_endpoint *ep)
{
	bool gone = mailbox_queue_gone(&ep->port->receivers);

	smp_rmb();	/* gone before the slots: it has left nothing behind them */
	if (mailbox_look(ep))
		return 0;
	if (!READ_ONCE(ep->port->deleted))
		return gone ? -EPIPE : -EAGAIN;
	smp_mb();	/* the flag before the slots: see mailbox_port_delete() */
	if (mailbox_drained(ep))
		return -EIDRM;
	return mailbox_look(ep) ? 0 : -EAGAIN;
}

int mailbox_message_sendable(const struct mailbox_endpoint *ep)
{
	int err = mailbox_sendable(ep, READ_ONCE(ep->default_lane));

	return err == -EAGAIN && ep->port->flags & MAILBOX_DROP ? 0 : err;
}

/* The chain: whoever took a message wakes the next if there is another, on any lane. */
static noinline void mailbox_chain_receivers(const struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;
	u32 lanes = 0, n;

	for (n = 0; n < port->ring.lanes; n++)
		if (mailbox_can_take(ep, n))
			lanes |= BIT(n);
	if (lanes)
		mailbox_port_wake_receivers(port, lanes);
}

/* Take from one lane: what was given back first. */
static int mailbox_take_lane(struct mailbox_endpoint *ep, u32 id, u32 n, size_t limit,
			     struct mailbox_taken *t)
{
	struct mailbox_ring_lane *lane = &ep->port->ring.lane[n];
	u64 *own = &ep->position[n].receive;
	struct mailbox_lease *lease;

	t->lease = NULL;
	if (mailbox_ring_empty(lane, own))
		return -EAGAIN;
	if (atomic_read(&lane->parked)) {
		lease = mailbox_lease_take(&ep->port->leases, n, own, limit, t);
		if (lease != ERR_PTR(-EAGAIN)) {
			if (IS_ERR(lease))
				return PTR_ERR(lease);
			t->lease = lease;
			return 0;
		}
	}
	return mailbox_ring_take(&ep->port->ring, lane, own, id, limit, t);
}

/* Take from the highest lane that has something. */
static int mailbox_take_highest(struct mailbox_endpoint *ep, u32 id, size_t limit,
				struct mailbox_taken *t, u32 *lane)
{
	u32 mask = READ_ONCE(ep->receive_mask), n;
	int err;

	do {
		n = __fls(mask);
		mask ^= BIT(n);
		err = mailbox_take_lane(ep, id, n, limit, t);
		*lane = n;
	} while ((err == -EAGAIN || err == -EINPROGRESS) && mask);
	if (err == -EPROTO)
		mailbox_wake_both(ep->port, n);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

static noinline bool mailbox_store_iter(struct iov_iter *iter, const void *payload, u32 size)
{
	size_t copied;

	pagefault_disable();
	copied = copy_to_iter(payload, size, iter);
	pagefault_enable();
	if (copied != size)
		iov_iter_revert(iter, copied);
	return copied == size;
}

static __always_inline bool mailbox_store_message(struct mailbox_message __user *user,
						  const struct mailbox_message *m)
{
	if (!user_write_access_begin(user, sizeof(*user)))
		return false;
	unsafe_put_user(m->flags, &user->flags, efault);
	unsafe_put_user(m->length, &user->length, efault);
	unsafe_put_user(m->lane, &user->lane, efault);
	unsafe_put_user(m->tag, &user->tag, efault);
	unsafe_put_user(m->ticket, &user->ticket, efault);
	unsafe_put_user(m->sender, &user->sender, efault);
	unsafe_put_user(m->pid, &user->pid, efault);
	unsafe_put_user(m->uid, &user->uid, efault);
	unsafe_put_user(m->gid, &user->gid, efault);
	unsafe_put_user(m->lost, &user->lost, efault);
	user_write_access_end();
	return true;
efault:
	user_write_access_end();
	return false;
}

/* The same, and how many were dropped: told once, and to somebody. */
static noinline bool mailbox_tell_lost(struct mailbox_message __user *user,
				       struct mailbox_message *m, atomic64_t *lost)
{
	s64 n = atomic64_xchg(lost, 0);
	bool told;

	m->lost = min_t(s64, n, U32_MAX);
	told = mailbox_store_message(user, m);
	atomic64_add(told ? n - m->lost : n, lost);
	return told;
}

/* All that the caller is told of a message beside its bytes. */
static __always_inline bool mailbox_tell(struct mailbox_endpoint *ep,
					 struct mailbox_message __user *user,
					 const struct mailbox_taken *t, u32 lane, u32 size)
{
	struct mailbox_message m = {
		.flags = size < t->length ? MAILBOX_MSG_TRUNCATED : 0,
		.length = t->length,
		.lane = lane,
		.tag = t->tag,
		.ticket = t->position,
	};

	if (unlikely(t->departed))
		m.flags |= MAILBOX_MSG_REDELIVERED |
			   (u32)t->departed << MAILBOX_MSG_DEPARTED_SHIFT;
	if (unlikely(t->receipt))
		m.flags |= MAILBOX_MSG_RECEIPT;
	mailbox_port_sender(ep->port, t->sender, &m);
	if (unlikely(atomic64_read(&t->lane->lost)))
		return mailbox_tell_lost(user, &m, &t->lane->lost);
	return mailbox_store_message(user, &m);
}

/* With a message in hand: no page faults. */
static __always_inline bool mailbox_store(struct mailbox_endpoint *ep,
					  const struct mailbox_buffer *to,
					  const struct mailbox_taken *t, u32 lane, u32 size)
{
	bool stored;

	if (to->iter)
		return mailbox_store_iter(to->iter, t->payload, size);
	pagefault_disable();
	if (likely(size <= MAILBOX_SHORT))
		stored = !mailbox_put_short(to->data, t->payload, size);
	else
		stored = access_ok(to->data, size) &&
			 !__copy_to_user_inatomic(to->data, t->payload, size);
	if (to->message && stored)
		stored = mailbox_tell(ep, to->message, t, lane, size);
	pagefault_enable();
	return stored;
}

/* Make the caller's memory writable. Its structure is kept; its buffer may get zeros. */
static int mailbox_fault_in(struct iov_iter *iter, void __user *data, size_t size,
			    struct mailbox_message __user *user)
{
	u32 first;

	if (iter)
		return fault_in_iov_iter_writeable(iter, size) ? -EFAULT : 0;
	if (fault_in_writeable(data, size))
		return -EFAULT;
	if (user && (get_user(first, &user->size) || put_user(first, &user->size) ||
		     put_user(0, &user->lost)))
		return -EFAULT;
	return 0;
}

/*
 * Could not store a taken message: let others have it, and prepare for another
 * try. Returns -EAGAIN to try again, or what is wrong.
 */
static noinline int mailbox_undo_take(const struct mailbox_endpoint *ep, u32 n, u64 position,
				      struct mailbox_lease *lease, struct iov_iter *iter,
				      void __user *data, size_t size,
				      struct mailbox_message __user *user)
{
	struct mailbox_ring *ring = &ep->port->ring;
	int err;

	trace_mailbox_repair(ep->port, ep->id, n, position, size);
	if (lease) {
		mailbox_lease_return(&ep->port->leases, lease, false, false);
	} else {
		mailbox_ring_park(&ring->lane[n], position);
		mailbox_port_wake_receivers(ep->port, BIT(n));
	}
	err = mailbox_fault_in(iter, data, size, user);
	if (!err)
		err = mailbox_try_again();
	if (!err)
		return -EAGAIN;
	atomic64_inc(&ring->redelivered);
	return err;
}

/* Tell the sender. */
static noinline void mailbox_finish(const struct mailbox_endpoint *ep, u32 n, u64 position,
				    u32 outcome)
{
	struct mailbox_party receiver;

	mailbox_port_party(ep, &receiver);
	mailbox_ticket_finish(&ep->port->ledger, n, position, outcome, 0, &receiver);
}

/*
 * Store a taken message and release its slot. Returns its length; or, if it could
 * not be stored, when others may have it, -EAGAIN to try again or what is wrong.
 */
static __always_inline int mailbox_receive_taken(struct mailbox_endpoint *ep,
						 const struct mailbox_buffer *to,
						 const struct mailbox_taken *t, u32 n)
{
	u32 size = to->truncate ? min_t(size_t, t->length, to->size) : t->length;
	struct mailbox_port *port = ep->port;

	if (mailbox_queue_pressed(&port->receivers))
		mailbox_chain_receivers(ep);
	if (unlikely(!mailbox_store(ep, to, t, n, size)))
		return mailbox_undo_take(ep, n, t->position, t->lease, to->iter, to->data, size,
					 to->message);

	/* From here on nothing can fail. */
	trace_mailbox_receive(port, ep->id, n, t->position, t->length);
	if (unlikely(t->receipt))
		mailbox_finish(ep, n, t->position, MAILBOX_RECEIVED);
	if (t->lease) {
		mailbox_lease_drop(&port->leases, t->lease);
		return t->length;
	}
	mailbox_slot_release(&t->view, t->position);			/* (D) (E) */
	if (mailbox_queue_waiting(&port->senders))
		mailbox_port_wake_senders(port, BIT(n));
	return t->length;
}

/* Take for the caller's mapping, under the lock as in mailbox_reserve_once(). */
static int mailbox_peek_once(struct mailbox_endpoint *ep, struct mailbox_place *place)
{
	struct mailbox_port *port = ep->port;
	int err;

	mutex_lock(&port->lock);
	place->owner = ep->owner;
	err = mailbox_place_check(ep);
	if (!err)
		err = mailbox_take_highest(ep, place->owner, SIZE_MAX, &place->taken,
					   &place->lane);
	mutex_unlock(&port->lock);
	if (!err && place->taken.lease) {
		mailbox_lease_return(&port->leases, place->taken.lease, false, false);
		err = -EREMOTE;
	}
	if (err)
		return err;
	if (mailbox_queue_pressed(&port->receivers))
		mailbox_chain_receivers(ep);
	/* What the mapping does with it the kernel does not see. */
	if (place->taken.receipt)
		mailbox_finish(ep, place->lane, place->taken.position, MAILBOX_RECEIVED);
	return 0;
}

/* A message is longer than the first try has room for. */
#define MAILBOX_LEASE_FIRST	256

/*
 * Take a message for a lease. Its memory is there before it is taken, so that nothing
 * is lost when there is none.
 */
static int mailbox_lease_once(struct mailbox_endpoint *ep, const struct mailbox_buffer *to,
			      size_t limit, struct mailbox_taken *t, u32 *n)
{
	u32 room = min_t(size_t, MAILBOX_LEASE_FIRST, ep->port->ring.message_size);
	struct mailbox_port *port = ep->port;
	struct mailbox_lease *lease;
	int err;

	for (;;) {
		lease = mailbox_lease_alloc(room);
		if (!lease)
			return -ENOMEM;
		err = mailbox_take_highest(ep, ep->id, min_t(size_t, limit, room), t, n);
		if (!err)
			break;
		kvfree(lease);
		if (err != -EMSGSIZE || t->length > limit || t->length <= room)
			return err;
		room = t->length;
	}
	if (mailbox_queue_pressed(&port->receivers))
		mailbox_chain_receivers(ep);
	if (t->lease) {		/* it has memory already */
		kvfree(lease);
		lease = t->lease;
	} else {
		mailbox_lease_fill(&port->leases, lease, *n, t);
	}
	if (t->receipt)
		mailbox_ticket_keep(&port->ledger, *n, t->position, true);
	if (!t->lease) {
		mailbox_slot_release(&t->view, t->position);		/* (D) (E) */
		if (mailbox_queue_waiting(&port->senders))
			mailbox_port_wake_senders(port, BIT(*n));
	}
	to->leased->lane = *n;
	to->leased->lease = lease;
	return 0;
}

/*
 * Receive without sleeping for a message. Returns its length, -EMSGSIZE with
 * @too_long set, -EAGAIN when empty, or what is wrong.
 */
static int mailbox_receive_once(struct mailbox_endpoint *ep, const struct mailbox_buffer *to,
				u32 *too_long)
{
	size_t limit = to->truncate ? SIZE_MAX : to->size;
	struct mailbox_taken t;
	int ret;
	u32 n;

	for (;;) {
		if (to->place)
			ret = mailbox_peek_once(ep, to->place);
		else if (to->leased)
			ret = mailbox_lease_once(ep, to, limit, &t, &n);
		else
			ret = mailbox_take_highest(ep, ep->id, limit, &t, &n);
		if (ret == -EAGAIN && mailbox_queue_ended(&ep->port->receivers)) {
			ret = mailbox_message_receivable(ep) ?: mailbox_try_again();
			if (!ret)
				continue;
		}
		if (ret == -EMSGSIZE)
			*too_long = t.length;
		if (ret || to->place || to->leased)
			return ret;
		ret = mailbox_receive_taken(ep, to, &t, n);
		if (ret != -EAGAIN)
			return ret;
	}
}

struct mailbox_receive_lanes {
	const struct mailbox_endpoint *ep;
	u32 mask;
};

static bool mailbox_receive_ready(void *arg)
{
	const struct mailbox_receive_lanes *at = arg;

	/* Another thread may have chosen other lanes than those we are about to sleep for. */
	return READ_ONCE(at->ep->receive_mask) != at->mask ||
	       mailbox_message_receivable(at->ep) != -EAGAIN;
}

static void mailbox_note_receiver(const struct mailbox_endpoint *ep, unsigned long mask)
{
	unsigned int n;

	if (likely(!READ_ONCE(ep->port->mappings)))
		return;
	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		mailbox_port_note(ep->port, true, n, &ep->position[n].receive);
}

/* Receive, whatever it takes; @deadline is NULL not to sleep. */
static noinline int mailbox_receive_slow(struct mailbox_endpoint *ep,
					 const struct mailbox_buffer *to, u32 *too_long,
					 const struct mailbox_deadline *deadline)
{
	struct mailbox_receive_lanes at = { ep };
	struct mailbox_waiter w;
	int ret;

	ret = mailbox_receive_once(ep, to, too_long);
	if (ret != -EAGAIN || !deadline)
		return ret;
	mailbox_waiter_init(&w);
	do {
		at.mask = READ_ONCE(ep->receive_mask);
		mailbox_note_receiver(ep, at.mask);
		trace_mailbox_wait(ep->port, true, at.mask);
		ret = mailbox_wait(&ep->port->receivers, &w, at.mask, mailbox_receive_ready, &at,
				   deadline);
		if (!ret)
			ret = mailbox_receive_once(ep, to, too_long);
		/* Woken for a lane that is no longer ours: others may wait for it. */
		if (ret == -EAGAIN && READ_ONCE(ep->receive_mask) != at.mask)
			mailbox_chain_receivers(ep);
	} while (ret == -EAGAIN);
	/* Woken, and no use made of it: the next in line may. */
	if (ret < 0)
		mailbox_chain_receivers(ep);
	return ret;
}

/* Receive at the first look, from the highest lane. Returns false if that takes more. */
static __always_inline bool mailbox_receive_fast(struct mailbox_endpoint *ep,
						 const struct mailbox_buffer *to, int *ret)
{
	size_t limit = to->truncate ? SIZE_MAX : to->size;
	struct mailbox_taken t mailbox_uninitialized;
	struct mailbox_ring *ring = &ep->port->ring;
	u32 n = __fls(READ_ONCE(ep->receive_mask));

	if (unlikely(!mailbox_ring_try_take(ring, &ring->lane[n], &ep->position[n].receive, ep->id,
					    limit, &t)))
		return false;
	t.lease = NULL;
	*ret = mailbox_receive_taken(ep, to, &t, n);
	return likely(*ret != -EAGAIN);
}

/* read and write */

/* Apart, so that the buffers of read and write below need no memory of their own. */
static noinline int mailbox_write_slow(struct file *file, void __user *data, size_t size, u32 n)
{
	const struct mailbox_buffer from = { .data = data, .size = size };

	return mailbox_send_slow(file->private_data, &from, n,
				 file->f_flags & O_NONBLOCK ? NULL : &mailbox_forever);
}

static noinline int mailbox_read_slow(struct file *file, void __user *data, size_t size)
{
	const struct mailbox_buffer to = { .data = data, .size = size };
	u32 too_long;

	return mailbox_receive_slow(file->private_data, &to, &too_long,
				    file->f_flags & O_NONBLOCK ? NULL : &mailbox_forever);
}

ssize_t mailbox_message_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_buffer from = { .data = (void __user *)buf, .size = size };
	u32 n = READ_ONCE(ep->default_lane);
	int err;

	if (unlikely(size - 1 >= ep->port->ring.message_size))
		return size ? -EMSGSIZE : -EINVAL;
	if (unlikely(!mailbox_send_fast(ep, &from, n, &err)))
		err = mailbox_write_slow(file, from.data, size, n);
	return err ? err : (ssize_t)size;
}

ssize_t mailbox_message_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_buffer to = { .data = buf, .size = size };
	int ret;

	if (unlikely(!mailbox_receive_fast(ep, &to, &ret)))
		ret = mailbox_read_slow(file, buf, size);
	return ret;
}

static const struct mailbox_deadline *mailbox_iocb_deadline(const struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK)
		return NULL;
	return &mailbox_forever;
}

/* The iterator's memory, as a plain address where it is one. */
static struct mailbox_buffer mailbox_iter_buffer(struct iov_iter *iter)
{
	struct mailbox_buffer buffer = { .size = iov_iter_count(iter) };

	buffer.data = mailbox_iter_address(iter);
	if (!buffer.data)
		buffer.iter = iter;
	return buffer;
}

ssize_t mailbox_message_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct mailbox_endpoint *ep = iocb->ki_filp->private_data;
	const struct mailbox_buffer buffer = mailbox_iter_buffer(from);
	u32 n = READ_ONCE(ep->default_lane);
	size_t size = iov_iter_count(from);
	int err;

	if (unlikely(size - 1 >= ep->port->ring.message_size))
		return size ? -EMSGSIZE : -EINVAL;
	if (unlikely(!mailbox_send_fast(ep, &buffer, n, &err)))
		err = mailbox_send_slow(ep, &buffer, n, mailbox_iocb_deadline(iocb));
	if (err)
		return err;
	if (!buffer.iter)
		iov_iter_advance(from, size);
	return size;
}

ssize_t mailbox_message_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct mailbox_endpoint *ep = iocb->ki_filp->private_data;
	const struct mailbox_buffer buffer = mailbox_iter_buffer(to);
	u32 too_long;
	int ret;

	if (unlikely(!mailbox_receive_fast(ep, &buffer, &ret)))
		ret = mailbox_receive_slow(ep, &buffer, &too_long, mailbox_iocb_deadline(iocb));
	if (ret > 0 && !buffer.iter)
		iov_iter_advance(to, ret);
	return ret;
}

/* ioctl */

/* A structure of another size than ours: slower, by the rules of mailbox.h. */
static noinline int mailbox_copy_message(struct mailbox_message *m, u32 size,
					 const struct mailbox_message __user *user)
{
	if (size < sizeof(*m))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(m, sizeof(*m), user, size);
}

/* The members that go in, each read once. */
static __always_inline int mailbox_get_message(struct mailbox_message *m,
					       const struct mailbox_message __user *user)
{
	if (!user_read_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_get_user(m->size, &user->size, efault);
	unsafe_get_user(m->flags, &user->flags, efault);
	unsafe_get_user(m->data, &user->data, efault);
	unsafe_get_user(m->length, &user->length, efault);
	unsafe_get_user(m->lane, &user->lane, efault);
	unsafe_get_user(m->tag, &user->tag, efault);
	unsafe_get_user(m->deadline, &user->deadline, efault);
	user_read_access_end();
	if (unlikely(m->size != sizeof(*m)))
		return mailbox_copy_message(m, m->size, user);
	return 0;
efault:
	user_read_access_end();
	return -EFAULT;
}

/* Returns NULL not to wait. */
static const struct mailbox_deadline *mailbox_message_deadline(const struct file *file,
							       const struct mailbox_message *m,
							       struct mailbox_deadline *deadline)
{
	BUILD_BUG_ON(MAILBOX_SEND_REALTIME != MAILBOX_RECV_REALTIME);
	if (m->deadline == MAILBOX_NO_WAIT || file->f_flags & O_NONBLOCK)
		return NULL;
	deadline->at = min_t(u64, m->deadline, KTIME_MAX);
	deadline->clock = m->flags & MAILBOX_SEND_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	return deadline;
}

/* MAILBOX_SEND_IN_PLACE */
static int mailbox_send_in_place(struct file *file, const struct mailbox_message *m,
				 struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_deadline deadline;
	struct mailbox_place place;
	const struct mailbox_buffer from = { .place = &place };
	int err;

	if (m->flags & ~(MAILBOX_SEND_REALTIME | MAILBOX_SEND_IN_PLACE) || m->data || m->length ||
	    m->tag)
		return -EINVAL;
	err = mailbox_send_slow(ep, &from, m->lane, mailbox_message_deadline(file, m, &deadline));
	if (!err && (put_user(m->lane, &user->lane) ||
		     put_user(place.taken.position, &user->ticket))) {
		mailbox_undo_place(ep, &place);
		err = -EFAULT;
	}
	return err;
}

/* MAILBOX_RECV_IN_PLACE */
static int mailbox_receive_in_place(struct file *file, const struct mailbox_message *m,
				    struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_deadline deadline;
	struct mailbox_place place;
	const struct mailbox_buffer to = { .place = &place };
	u32 too_long;
	int err;

	if (m->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_IN_PLACE) || m->data || m->length ||
	    m->tag || m->lane)
		return -EINVAL;
	err = mailbox_receive_slow(ep, &to, &too_long,
				   mailbox_message_deadline(file, m, &deadline));
	if (!err && !mailbox_tell(ep, user, &place.taken, place.lane, place.taken.length)) {
		mailbox_undo_place(ep, &place);
		err = -EFAULT;
	}
	return err;
}

/* It is in the port: wait for the receipt. */
static int mailbox_send_wait(struct mailbox_endpoint *ep, struct mailbox_ticket *ticket, u32 n,
			     const struct mailbox_deadline *deadline,
			     struct mailbox_receipt __user *receipt)
{
	struct mailbox_port *port = ep->port;
	int err;

	err = mailbox_ticket_wait(&port->ledger, &ep->receipts, ticket, deadline);
	if (!err)
		return mailbox_ticket_tell(&port->ledger, ticket, receipt);
	if (err != -EINPROGRESS) {
		mailbox_wake_both(port, n);
		mailbox_ticket_free(&port->ledger, ticket);
	}
	return err;
}

/* MAILBOX_SEND_RECEIPT and MAILBOX_SEND_SYNC */
static int mailbox_send_receipt(struct file *file, const struct mailbox_message *m,
				struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_deadline until;
	const struct mailbox_deadline *deadline = mailbox_message_deadline(file, m, &until);
	bool sync = m->flags & MAILBOX_SEND_SYNC;
	struct mailbox_buffer from = {
		.data = u64_to_user_ptr(m->data),
		.size = m->length,
		.message = user,
		.tag = m->tag,
	};
	u64 receipt = 0;
	int err;

	if (m->flags & ~(MAILBOX_SEND_REALTIME | MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		return -EINVAL;
	if (get_user(receipt, &user->receipt) || put_user(m->lane, &user->lane))
		return -EFAULT;
	if (receipt && !sync)
		return -EINVAL;
	if (m->length > ep->port->ring.message_size)
		return -EMSGSIZE;
	from.ticket = mailbox_ticket_alloc(&ep->port->ledger, &ep->receipts, sync && deadline);
	if (IS_ERR(from.ticket))
		return PTR_ERR(from.ticket);
	err = mailbox_send_slow(ep, &from, m->lane, deadline);
	if (err)
		mailbox_ticket_free(&ep->port->ledger, from.ticket);
	if (err || !sync)
		return err;
	if (!deadline)
		return -EINPROGRESS;
	return mailbox_send_wait(ep, from.ticket, m->lane, deadline, u64_to_user_ptr(receipt));
}

/* What takes more than sending the bytes. */
static noinline int mailbox_send_special(struct file *file, const struct mailbox_message *m,
					 struct mailbox_message __user *user)
{
	if (m->flags & MAILBOX_SEND_IN_PLACE)
		return mailbox_send_in_place(file, m, user);
	if (m->flags & (MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		return mailbox_send_receipt(file, m, user);
	return -EINVAL;
}

long mailbox_message_send(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_deadline deadline mailbox_uninitialized;
	struct mailbox_message m mailbox_uninitialized;
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer from = { .message = user };
	int err;

	err = mailbox_get_message(&m, user);
	if (unlikely(err))
		return err;
	if (m.lane == MAILBOX_LANE_DEFAULT)
		m.lane = READ_ONCE(ep->default_lane);
	if (unlikely(m.lane >= ep->port->ring.lanes))
		return -EINVAL;
	if (unlikely(m.flags & ~MAILBOX_SEND_REALTIME))
		return mailbox_send_special(file, &m, user);
	if (unlikely(m.length > ep->port->ring.message_size))
		return -EMSGSIZE;
	from.data = u64_to_user_ptr(m.data);
	from.size = m.length;
	from.tag = m.tag;
	if (unlikely(!mailbox_send_fast(ep, &from, m.lane, &err)))
		err = mailbox_send_slow(ep, &from, m.lane,
					mailbox_message_deadline(file, &m, &deadline));
	return err;
}

/* MAILBOX_RECV_LEASE */
static int mailbox_receive_lease(struct file *file, const struct mailbox_message *m,
				 struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_lease_room *room = &ep->port->leases;
	struct mailbox_leased leased;
	const struct mailbox_buffer to = {
		.size = m->length,
		.truncate = m->flags & MAILBOX_RECV_TRUNCATE,
		.leased = &leased,
	};
	struct mailbox_deadline deadline;
	struct mailbox_lease *lease;
	u32 too_long, size;
	u64 until;
	int err;

	if (m->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE | MAILBOX_RECV_LEASE) ||
	    m->lane || m->tag)
		return -EINVAL;
	if (get_user(until, &user->lease))
		return -EFAULT;
	err = mailbox_receive_slow(ep, &to, &too_long,
				   mailbox_message_deadline(file, m, &deadline));
	if (err == -EMSGSIZE && put_user(too_long, &user->length))
		err = -EFAULT;
	if (err)
		return err;
	lease = leased.lease;
	size = min(lease->t.length, m->length);
	if (copy_to_user(u64_to_user_ptr(m->data), lease->data, size) ||
	    !mailbox_tell(ep, user, &lease->t, leased.lane, size)) {
		mailbox_lease_return(room, lease, false, false);
		return -EFAULT;
	}
	trace_mailbox_receive(ep->port, ep->id, leased.lane, lease->t.position, lease->t.length);
	mailbox_lease_hold(room, &ep->leases, lease, until);
	return 0;
}

/* What takes more than receiving the bytes. */
static noinline int mailbox_receive_special(struct file *file, const struct mailbox_message *m,
					    struct mailbox_message __user *user)
{
	if (m->flags & MAILBOX_RECV_IN_PLACE)
		return mailbox_receive_in_place(file, m, user);
	if (m->flags & MAILBOX_RECV_LEASE)
		return mailbox_receive_lease(file, m, user);
	return -EINVAL;
}

/* The lease is over; the message is not in anybody's hands. */
static void mailbox_lease_end(struct mailbox_endpoint *ep, struct mailbox_lease *lease,
			      const struct mailbox_finish *f)
{
	struct mailbox_lease_room *room = &ep->port->leases;
	bool back = f->how == MAILBOX_NACK_BACK;

	switch (f->how) {
	case MAILBOX_ACK:
		if (lease->t.receipt)
			mailbox_finish(ep, f->lane, f->ticket, MAILBOX_ACKED);
		mailbox_lease_drop(room, lease);
		break;
	case MAILBOX_NACK:
	case MAILBOX_NACK_BACK:
		mailbox_lease_return(room, lease, true, back);
		break;
	case MAILBOX_EXTEND:
		mailbox_lease_hold(room, &ep->leases, lease, f->deadline);
		break;
	}
}

static int mailbox_lease_finish(struct mailbox_endpoint *ep, const struct mailbox_finish *f)
{
	struct mailbox_lease *lease = mailbox_lease_claim(&ep->port->leases, &ep->leases, f->lane,
							  f->ticket);

	if (!lease)
		return -ESTALE;
	mailbox_lease_end(ep, lease, f);
	return 0;
}

/* MAILBOX_REPLY. If nobody is there to be told, the lease goes on. */
static int mailbox_lease_reply(struct mailbox_endpoint *ep, const struct mailbox_finish *f)
{
	struct mailbox_port *port = ep->port;
	struct mailbox_party receiver;
	struct mailbox_lease *lease;
	void *reply;
	int err;

	if (f->length > port->ring.message_size)
		return -EMSGSIZE;
	reply = kvmalloc(f->length ?: 1, MAILBOX_GFP);
	if (!reply)
		return -ENOMEM;
	err = -EFAULT;
	if (copy_from_user(reply, u64_to_user_ptr(f->data), f->length))
		goto err_free;
	err = -ESTALE;
	lease = mailbox_lease_claim(&port->leases, &ep->leases, f->lane, f->ticket);
	if (!lease)
		goto err_free;
	err = lease->t.receipt ? mailbox_ticket_wanted(&port->ledger, f->lane, f->ticket) : -ENOENT;
	if (err)
		goto err_hold;
	mailbox_port_party(ep, &receiver);
	/* Gone by now, it counts as told. */
	mailbox_ticket_reply(&port->ledger, f->lane, f->ticket, &receiver, reply, f->length);
	mailbox_lease_drop(&port->leases, lease);
	return 0;

err_hold:
	mailbox_lease_hold(&port->leases, &ep->leases, lease, lease->deadline);
	if (err == -ENOENT)
		err = -EOPNOTSUPP;
err_free:
	kvfree(reply);
	return err;
}

long mailbox_message_finish(struct mailbox_endpoint *ep, struct mailbox_finish __user *user)
{
	struct mailbox_finish f;
	u32 size;
	int err;

	err = mailbox_abi_get(&f, sizeof(f), user, &size);
	if (err)
		return err;
	if (f.how < MAILBOX_ACK || f.how > MAILBOX_EXTEND ||
	    (f.how != MAILBOX_REPLY && (f.data || f.length)) ||
	    (f.how != MAILBOX_EXTEND && f.deadline))
		return -EINVAL;
	return f.how == MAILBOX_REPLY ? mailbox_lease_reply(ep, &f) : mailbox_lease_finish(ep, &f);
}

long mailbox_message_receive(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_deadline deadline mailbox_uninitialized;
	struct mailbox_message m mailbox_uninitialized;
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer to = { .message = user };
	u32 too_long;
	int ret;

	ret = mailbox_get_message(&m, user);
	if (unlikely(ret))
		return ret;
	if (unlikely(m.flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE) || m.lane || m.tag))
		return mailbox_receive_special(file, &m, user);
	to.data = u64_to_user_ptr(m.data);
	to.size = m.length;
	to.truncate = m.flags & MAILBOX_RECV_TRUNCATE;
	if (unlikely(!mailbox_receive_fast(ep, &to, &ret)))
		ret = mailbox_receive_slow(ep, &to, &too_long,
					   mailbox_message_deadline(file, &m, &deadline));
	if (unlikely(ret == -EMSGSIZE) && put_user(too_long, &user->length))
		return -EFAULT;
	return min(ret, 0);
}
