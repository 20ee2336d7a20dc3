// SPDX-License-Identifier: GPL-2.0-only
/* Messages out of slots into user memory. */

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "finish.h"
#include "message.h"
#include "receive.h"
#include "trace.h"

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

/* Those of its lanes that may hold something. */
static __always_inline u32 mailbox_receive_from(const struct mailbox_endpoint *ep)
{
	return READ_ONCE(ep->receive_mask) & mailbox_port_lanes(ep->port);
}

static bool mailbox_look(const struct mailbox_endpoint *ep)
{
	unsigned long mask = mailbox_receive_from(ep);
	unsigned int n;

	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		if (mailbox_can_take(ep, n))
			return true;
	return false;
}

/* These lanes but for the highest ones, as long as they are empty at the first look. */
static __always_inline u32 mailbox_not_empty(const struct mailbox_endpoint *ep, u32 lanes)
{
	u32 n;

	for (; lanes; lanes ^= BIT(n)) {
		n = __fls(lanes);
		if (!mailbox_ring_empty(&ep->port->ring.lane[n], &ep->position[n].receive))
			break;
	}
	return lanes;
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

int mailbox_receivable(const struct mailbox_endpoint *ep)
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

u32 mailbox_receivable_lanes(const struct mailbox_endpoint *ep)
{
	unsigned long mask = mailbox_port_lanes(ep->port);
	u32 lanes = 0, n;

	for_each_set_bit(n, &mask, ep->port->ring.lanes)
		if (mailbox_can_take(ep, n))
			lanes |= BIT(n);
	return lanes;
}

noinline void mailbox_chain_receivers(const struct mailbox_endpoint *ep)
{
	u32 lanes = mailbox_receivable_lanes(ep);

	if (lanes)
		mailbox_port_wake_receivers(ep->port, lanes);
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
	u32 mask = mailbox_receive_from(ep), n;
	int err = -EAGAIN;

	while (mask && (err == -EAGAIN || err == -EINPROGRESS)) {
		n = __fls(mask);
		mask ^= BIT(n);
		err = mailbox_take_lane(ep, id, n, limit, t);
		*lane = n;
	}
	if (err == -EPROTO)
		mailbox_port_wake_both(ep->port, *lane);
	return err == -EINPROGRESS ? -EAGAIN : err;
}

/* From a slot into user memory, and the caller's structure if there is one. */
static __always_inline bool mailbox_put_short(void __user *to, const void *from, size_t size,
					      struct mailbox_message __user *user,
					      const struct mailbox_message *m)
{
	size_t i;

	if (!user_write_access_begin(to, size))
		return false;
	for (i = 0; i + 16 <= size; i += 16) {
		unsafe_put_user(*(u64 *)(from + i), (u64 __user *)(to + i), efault);
		unsafe_put_user(*(u64 *)(from + i + 8), (u64 __user *)(to + i + 8), efault);
	}
	if (size & 8) {
		unsafe_put_user(*(u64 *)(from + i), (u64 __user *)(to + i), efault);
		i += 8;
	}
	if (size & 7) {
		if (size & 4) {
			unsafe_put_user(*(u32 *)(from + i), (u32 __user *)(to + i), efault);
			i += 4;
		}
		if (size & 2) {
			unsafe_put_user(*(u16 *)(from + i), (u16 __user *)(to + i), efault);
			i += 2;
		}
		if (size & 1)
			unsafe_put_user(*(u8 *)(from + i), (u8 __user *)(to + i), efault);
	}
	if (user) {	/* checked in mailbox_message_get() */
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
	}
	user_write_access_end();
	return true;
efault:
	user_write_access_end();
	return false;
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

/* All that the caller is told of a message beside its bytes. */
static __always_inline void mailbox_describe(const struct mailbox_endpoint *ep,
					     const struct mailbox_taken *t, u32 lane, u32 size,
					     struct mailbox_message *m)
{
	m->flags = mailbox_message_flags(t, size);
	m->length = t->length;
	m->lane = lane;
	m->tag = t->tag;
	m->ticket = t->position;
	m->lost = 0;
	mailbox_port_sender(ep->port, t->sender, m);
}

/* Tell that, and how many were dropped: once, and somebody. */
static noinline bool mailbox_tell(const struct mailbox_endpoint *ep,
				  struct mailbox_message __user *user,
				  const struct mailbox_taken *t, u32 lane, u32 size)
{
	s64 n = mailbox_ring_take_lost(t->lane);
	struct mailbox_message m;
	bool told;

	mailbox_describe(ep, t, lane, size, &m);
	m.lost = min_t(s64, n, U32_MAX);
	told = mailbox_put_short(NULL, NULL, 0, user, &m);
	mailbox_ring_lose(t->lane, told ? n - m.lost : n);
	return told;
}

static noinline bool mailbox_store_long(void __user *to, const void *payload, u32 size)
{
	bool stored;

	pagefault_disable();
	stored = access_ok(to, size) && !__copy_to_user_inatomic(to, payload, size);
	pagefault_enable();
	return stored;
}

/* With a message in hand: no page faults. @lost: some may have been, to tell of. */
static __always_inline bool mailbox_store(const struct mailbox_endpoint *ep,
					  const struct mailbox_buffer *to,
					  const struct mailbox_taken *t, u32 lane, u32 size,
					  bool lost)
{
	struct mailbox_message __user *user = to->message;
	struct mailbox_message m mailbox_uninitialized;
	void __user *data = to->data;
	u32 left = size;
	bool stored;

	if (to->iter)
		return mailbox_store_iter(to->iter, t->payload, size);
	if (user && !lost) {
		mailbox_describe(ep, t, lane, size, &m);
		/* The addresses of its members are not worth being kept since it was read. */
		OPTIMIZER_HIDE_VAR(user);
	}
	if (size > MAILBOX_SHORT) {
		stored = mailbox_store_long(data, t->payload, size);
		if (!user || !stored)
			return stored;
		data = NULL;
		left = 0;
	}
	pagefault_disable();
	stored = mailbox_put_short(data, t->payload, left, lost ? NULL : user, &m);
	if (user && lost && stored)
		stored = mailbox_tell(ep, user, t, lane, size);
	pagefault_enable();
	return stored;
}

/* Make the caller's memory writable. Its structure is kept; its buffer may get zeros. */
static int mailbox_fault_in(struct iov_iter *iter, void __user *data, size_t size,
			    struct mailbox_message __user *user,
			    const struct mailbox_element *element)
{
	u32 first;

	if (iter)
		return fault_in_iov_iter_writeable(iter, size) ? -EFAULT : 0;
	if (fault_in_writeable(data, size))
		return -EFAULT;
	if (user && (get_user(first, &user->size) || put_user(first, &user->size) ||
		     put_user(0, &user->lost)))
		return -EFAULT;
	return element ? mailbox_element_fault_in(element) : 0;
}

/*
 * Could not store a taken message: let others have it, and prepare for another
 * try. Returns -EAGAIN to try again, or what is wrong.
 */
static noinline int mailbox_undo_take(const struct mailbox_endpoint *ep, u32 n, u64 position,
				      struct mailbox_lease *lease, struct iov_iter *iter,
				      void __user *data, size_t size,
				      struct mailbox_message __user *user,
				      const struct mailbox_element *element)
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
	err = mailbox_fault_in(iter, data, size, user, element);
	if (!err)
		err = mailbox_message_again();
	if (!err)
		return -EAGAIN;
	atomic64_inc(&ring->redelivered);
	return err;
}

/*
 * Store a taken message and release its slot. @ret is its length; or, if it could
 * not be stored, when others may have it, what is wrong. Returns false to try again.
 */
static __always_inline bool mailbox_receive_taken(struct mailbox_endpoint *ep,
						  const struct mailbox_buffer *to,
						  const struct mailbox_taken *t, u32 n,
						  bool lost, int *ret)
{
	u32 size = to->truncate ? min_t(size_t, t->length, to->size) : t->length;
	struct mailbox_port *port = ep->port;

	if (mailbox_queue_pressed(&port->receivers))
		mailbox_chain_receivers(ep);
	if (unlikely(!mailbox_store(ep, to, t, n, size, lost) ||
		     (to->element && !mailbox_element_received(ep, to->element, t, n, size)))) {
		*ret = mailbox_undo_take(ep, n, t->position, t->lease, to->iter, to->data, size,
					 to->message, to->element);
		return *ret != -EAGAIN;
	}

	/* From here on nothing can fail. */
	trace_mailbox_receive(port, ep->id, n, t->position, t->length);
	if (unlikely(t->receipt))
		mailbox_finish(ep, n, t->position, MAILBOX_RECEIVED);
	*ret = to->message ? 0 : t->length;
	if (t->lease) {
		mailbox_lease_drop(&port->leases, NULL, t->lease);
		return true;
	}
	mailbox_slot_release(&t->view, t->position);			/* (D) (E) */
	if (mailbox_queue_waiting(&port->senders))
		mailbox_port_wake_senders(port, BIT(n));
	return true;
}

/* Receive at the first look, from the highest lane. Returns false if that takes more. */
static __always_inline bool mailbox_receive_fast(struct mailbox_endpoint *ep,
						 const struct mailbox_buffer *to, int *ret)
{
	size_t limit = to->truncate ? SIZE_MAX : to->size;
	u32 lanes = mailbox_receive_from(ep);
	struct mailbox_taken t mailbox_uninitialized;
	struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_ring_lane *lane;
	unsigned long n;
	u64 *own;

	for (;;) {
		if (unlikely(!lanes))
			return false;
		n = __fls(lanes);
		lane = &ring->lane[n];
		own = &ep->position[n].receive;
		if (to->message && unlikely(atomic64_read(&lane->lost)))
			return false;
		if (likely(mailbox_ring_try_take(ring, lane, own, ep->id, limit, &t)))
			break;
		if (!mailbox_ring_empty(lane, own))
			return false;
		lanes = mailbox_not_empty(ep, lanes ^ BIT(n));
	}
	t.lease = NULL;
	return mailbox_receive_taken(ep, to, &t, n, false, ret);
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

/*
 * Take a message for a lease. Its memory is there before it is taken, so that nothing
 * is lost when there is none.
 */
static int mailbox_lease_once(struct mailbox_endpoint *ep, const struct mailbox_buffer *to,
			      size_t limit, struct mailbox_taken *t, u32 *n)
{
	u32 room = min_t(size_t, MAILBOX_LEASE_SHORT, ep->port->ring.message_size);
	struct mailbox_port *port = ep->port;
	struct mailbox_lease *lease;
	int err;

	/* A message may be longer than the first try has room for. */
	for (;;) {
		lease = mailbox_lease_alloc(&port->leases, &ep->leases, room);
		if (!lease)
			return -ENOMEM;
		err = mailbox_take_highest(ep, ep->id, min_t(size_t, limit, room), t, n);
		if (!err)
			break;
		mailbox_lease_free(&port->leases, &ep->leases, lease);
		if (err != -EMSGSIZE || t->length > limit || t->length <= room)
			return err;
		room = t->length;
	}
	if (mailbox_queue_pressed(&port->receivers))
		mailbox_chain_receivers(ep);
	if (t->lease) {		/* it has memory already */
		mailbox_lease_free(&port->leases, &ep->leases, lease);
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
	struct mailbox_taken t mailbox_uninitialized;
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
			ret = mailbox_receivable(ep) ?: mailbox_message_again();
			if (!ret)
				continue;
		}
		if (ret == -EMSGSIZE)
			*too_long = t.length;
		if (ret || to->place || to->leased)
			return ret;
		if (mailbox_receive_taken(ep, to, &t, n, true, &ret))
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
	       mailbox_receivable(at->ep) != -EAGAIN;
}

static void mailbox_note_receiver(const struct mailbox_endpoint *ep, unsigned long mask)
{
	unsigned int n;

	if (likely(!READ_ONCE(ep->port->mappings)))
		return;
	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX)
		mailbox_port_note(ep->port, true, n, &ep->position[n].receive);
}

noinline int mailbox_receive_slow(struct mailbox_endpoint *ep, const struct mailbox_buffer *to,
				  u32 *too_long, const struct mailbox_deadline *deadline)
{
	struct mailbox_receive_lanes at = { ep };
	struct mailbox_waiter w mailbox_uninitialized;
	int ret;

	/* Who finds nothing and may sleep looks when he can be seen, and not before. */
	if (to->place || to->leased || !deadline ||
	    mailbox_not_empty(ep, mailbox_receive_from(ep))) {
		ret = mailbox_receive_once(ep, to, too_long);
		if (ret != -EAGAIN || !deadline)
			return ret;
	}
	mailbox_waiter_init(&w);
	do {
		at.mask = READ_ONCE(ep->receive_mask);
		mailbox_note_receiver(ep, at.mask);
		trace_mailbox_wait(ep->port, true, at.mask);
		ret = mailbox_wait(&ep->port->receivers, &w, at.mask, mailbox_receive_ready, &at,
				   deadline);
		if (!ret && (to->place || to->leased || !mailbox_receive_fast(ep, to, &ret)))
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

/* read */

/* Apart, so that the buffer of a read needs no memory of its own. */
static noinline int mailbox_read_slow(struct file *file, void __user *data, size_t size)
{
	const struct mailbox_buffer to = { .data = data, .size = size };
	u32 too_long;

	return mailbox_receive_slow(file->private_data, &to, &too_long,
				    mailbox_file_deadline(file));
}

ssize_t mailbox_receive_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_buffer to = { .data = buf, .size = size };
	int ret;

	if (unlikely(!mailbox_receive_fast(ep, &to, &ret)))
		ret = mailbox_read_slow(file, buf, size);
	return ret;
}

ssize_t mailbox_receive_read_iter(struct kiocb *iocb, struct iov_iter *to)
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
		mailbox_place_undo(ep, &place);
		err = -EFAULT;
	}
	return err;
}

/* It is in the kernel's memory: page faults and all. */
static bool mailbox_lease_store(const struct mailbox_endpoint *ep, void __user *to,
				const struct mailbox_lease *lease, u32 size,
				struct mailbox_message __user *user)
{
	struct mailbox_message m mailbox_uninitialized;

	if (size <= MAILBOX_SHORT && !atomic64_read(&lease->t.lane->lost)) {
		mailbox_describe(ep, &lease->t, lease->lane, size, &m);
		return mailbox_put_short(size ? to : NULL, lease->data, size, user, &m);
	}
	return !copy_to_user(to, lease->data, size) &&
	       mailbox_tell(ep, user, &lease->t, lease->lane, size);
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
	int err;

	if (m->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE | MAILBOX_RECV_LEASE |
			 MAILBOX_RECV_FINISH) || m->lane || m->tag)
		return -EINVAL;
	if (m->flags & MAILBOX_RECV_FINISH) {
		err = mailbox_finish_first(ep, u64_to_user_ptr(m->receipt));
		if (err)
			return err;
		/* Who was told is about to ask again: there will be no need to sleep. */
		cond_resched();
	}
	err = mailbox_receive_slow(ep, &to, &too_long,
				   mailbox_message_deadline(file, m, &deadline));
	if (err == -EMSGSIZE && put_user(too_long, &user->length))
		err = -EFAULT;
	if (err)
		return err;
	lease = leased.lease;
	size = min(lease->t.length, m->length);
	if (!mailbox_lease_store(ep, u64_to_user_ptr(m->data), lease, size, user)) {
		mailbox_lease_return(room, lease, false, false);
		return -EFAULT;
	}
	trace_mailbox_receive(ep->port, ep->id, leased.lane, lease->t.position, lease->t.length);
	mailbox_lease_hold(room, &ep->leases, lease, m->lease);
	return 0;
}

/* MAILBOX_RECV_LARGEST */
static int mailbox_receive_largest(struct file *file, const struct mailbox_message *m,
				   struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	u32 largest = ep->port->ring.message_size;
	struct mailbox_deadline deadline;
	const struct mailbox_buffer to = {
		.data = u64_to_user_ptr(m->data),
		.size = m->length,
		.message = user,
	};
	u32 too_long;
	int ret;

	if (m->flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_LARGEST) || m->lane || m->tag)
		return -EINVAL;
	if (m->length < largest)
		return put_user(largest, &user->length) ? -EFAULT : -EMSGSIZE;
	if (mailbox_receive_fast(ep, &to, &ret))
		return ret;
	return mailbox_receive_slow(ep, &to, &too_long,
				    mailbox_message_deadline(file, m, &deadline));
}

/*
 * A plain receive, whatever it takes. What the first look has read is handed on, for that may have
 * stored a part of its answer over it; only the deadline is no part of an answer.
 */
static noinline int mailbox_receive_plain(struct file *file, struct mailbox_message __user *user,
					  u32 flags, void __user *data, u32 length)
{
	struct mailbox_message m = { .flags = flags };
	struct mailbox_deadline deadline;
	const struct mailbox_buffer to = {
		.data = data,
		.size = length,
		.message = user,
		.truncate = flags & MAILBOX_RECV_TRUNCATE,
	};
	u32 too_long;
	int ret;

	if (get_user(m.deadline, &user->deadline))
		return -EFAULT;
	ret = mailbox_receive_slow(file->private_data, &to, &too_long,
				   mailbox_message_deadline(file, &m, &deadline));
	if (ret == -EMSGSIZE && put_user(too_long, &user->length))
		return -EFAULT;
	return min(ret, 0);
}

/* With more flags than a first look knows, or a structure of another size. */
static noinline int mailbox_receive_special(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_message m mailbox_uninitialized;
	u32 size;
	int ret;

	ret = mailbox_abi_get(&m, sizeof(m), user, &size);
	if (ret)
		return ret;
	if (m.flags & MAILBOX_RECV_LARGEST)
		return min(mailbox_receive_largest(file, &m, user), 0);
	if (ep->port->limit && m.flags & (MAILBOX_RECV_IN_PLACE | MAILBOX_RECV_LEASE))
		return -EOPNOTSUPP;
	if (m.flags & MAILBOX_RECV_IN_PLACE)
		return mailbox_receive_in_place(file, &m, user);
	if (m.flags & MAILBOX_RECV_LEASE)
		return mailbox_receive_lease(file, &m, user);
	if (m.flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE) || m.lane || m.tag)
		return -EINVAL;
	return mailbox_receive_plain(file, user, m.flags, u64_to_user_ptr(m.data), m.length);
}

long mailbox_receive_ioctl(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_message m mailbox_uninitialized;
	int ret;

	if (unlikely(mailbox_message_get(&m, user, false)))
		return -EFAULT;
	if (likely(m.size == sizeof(m) && !m.lane && !m.tag &&
		   !(m.flags & ~MAILBOX_RECV_REALTIME))) {
		const struct mailbox_buffer to = {
			.data = u64_to_user_ptr(m.data),
			.size = m.length,
			.message = user,
		};

		if (likely(mailbox_receive_fast(ep, &to, &ret)))
			return min(ret, 0);
		return mailbox_receive_plain(file, user, m.flags, to.data, m.length);
	}
	return mailbox_receive_special(file, user);
}
