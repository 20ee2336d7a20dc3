// SPDX-License-Identifier: GPL-2.0-only
/* Messages from user memory into slots. */

#include <linux/bits.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "message.h"
#include "send.h"
#include "trace.h"

/* What of a message is looked at before its slot is claimed: its ends, which may overlap. */
struct mailbox_edges {
	u64 first;
	u64 last;
};

/* Is it all in them? */
static __always_inline bool mailbox_edges_are_all(size_t size)
{
	return size >= 8 && size <= 2 * 8 && MAILBOX_SHORT;
}

static __always_inline bool mailbox_get_edges(struct mailbox_edges *edges, const u8 __user *data,
					      size_t size)
{
	if (!user_read_access_begin(data, size))
		return false;
	if (mailbox_edges_are_all(size)) {
		unsafe_get_user(edges->first, (u64 __user *)data, efault);
		unsafe_get_user(edges->last, (u64 __user *)(data + size - 8), efault);
	} else {
		unsafe_get_user(edges->first, data, efault);
		unsafe_get_user(edges->last, data + size - 1, efault);
	}
	user_read_access_end();
	return true;
efault:
	user_read_access_end();
	return false;
}

/*
 * Before the claim: page faults and all. A slot that is claimed in vain is void until
 * the messages in front of it are gone, so bad memory is found out here; only memory
 * that changes meanwhile costs a slot.
 */
static __always_inline int mailbox_prepare(const struct mailbox_buffer *from,
					   struct mailbox_edges *edges)
{
	bool there;

	if (from->iter)
		there = !fault_in_iov_iter_readable(from->iter, from->size);
	else if (from->size > PAGE_SIZE)
		there = !fault_in_readable(from->data, from->size);
	else	/* two pages at most */
		there = !from->size || mailbox_get_edges(edges, from->data, from->size);
	return there ? 0 : -EFAULT;
}

/* From user memory into a slot, and the ticket into the caller's structure if there is one. */
static __always_inline bool mailbox_get_short(void *to, const void __user *from, size_t size,
					      struct mailbox_message __user *message, u64 ticket)
{
	size_t i;

	if (!user_access_begin(from, size))
		return false;
	for (i = 0; i + 16 <= size; i += 16) {
		unsafe_get_user(*(u64 *)(to + i), (u64 __user *)(from + i), efault);
		unsafe_get_user(*(u64 *)(to + i + 8), (u64 __user *)(from + i + 8), efault);
	}
	if (size & 8) {
		unsafe_get_user(*(u64 *)(to + i), (u64 __user *)(from + i), efault);
		i += 8;
	}
	if (size & 7) {
		if (size & 4) {
			unsafe_get_user(*(u32 *)(to + i), (u32 __user *)(from + i), efault);
			i += 4;
		}
		if (size & 2) {
			unsafe_get_user(*(u16 *)(to + i), (u16 __user *)(from + i), efault);
			i += 2;
		}
		if (size & 1)
			unsafe_get_user(*(u8 *)(to + i), (u8 __user *)(from + i), efault);
	}
	if (message)	/* checked in mailbox_message_get() */
		unsafe_put_user(ticket, &message->ticket, efault);
	user_access_end();
	return true;
efault:
	user_access_end();
	return false;
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

static noinline bool mailbox_fill_long(void *payload, const void __user *from, u32 size)
{
	bool filled;

	pagefault_disable();
	filled = access_ok(from, size) && !__copy_from_user_inatomic(payload, from, size);
	pagefault_enable();
	return filled;
}

/* After the claim: no page faults. */
static __always_inline bool mailbox_fill(void *payload, const struct mailbox_buffer *from,
					 const struct mailbox_edges *edges, u64 ticket)
{
	const void __user *data = from->data;
	size_t size = from->size;
	bool filled;

	if (from->iter)
		return mailbox_fill_iter(payload, from->iter, size);
	if (mailbox_edges_are_all(size)) {
		*(u64 *)payload = edges->first;
		*(u64 *)(payload + size - 8) = edges->last;
		data = NULL;
		size = 0;
	} else if (size > MAILBOX_SHORT) {
		if (!mailbox_fill_long(payload, data, size))
			return false;
		data = NULL;
		size = 0;
	}
	if (!size && !from->message)
		return true;
	pagefault_disable();
	filled = mailbox_get_short(payload, data, size, from->message, ticket);
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

noinline void mailbox_chain_senders(const struct mailbox_endpoint *ep, u32 n)
{
	if (mailbox_can_claim(ep, n))
		mailbox_port_wake_senders(ep->port, BIT(n));
}

noinline void mailbox_undo_claim(const struct mailbox_endpoint *ep, u32 n, u64 position,
				 struct mailbox_ticket *ticket)
{
	struct mailbox_port *port = ep->port;

	trace_mailbox_repair(port, ep->id, n, position, 0);
	if (ticket)
		mailbox_ticket_shut(&port->ledger, ticket);
	mailbox_ring_discard(&port->ring, &port->ring.lane[n], position);
	mailbox_port_wake_both(port, n);
}

/*
 * Fill a slot claimed under the id @id and publish it. Returns 0, -EIDRM, or -EAGAIN if
 * the bytes could not be fetched without a page fault; then the slot is given up.
 */
static __always_inline int mailbox_send_claimed(struct mailbox_endpoint *ep, u32 id,
						const struct mailbox_buffer *from,
						const struct mailbox_edges *edges, u32 n,
						const struct mailbox_lane *view, u64 position)
{
	struct mailbox_port *port = ep->port;
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
	if (unlikely(!mailbox_fill(payload, from, edges, position) ||
		     (from->element && !mailbox_element_sent(from->element, position)))) {
		mailbox_undo_claim(ep, n, position, from->ticket);
		return -EAGAIN;
	}

	/* From here on nothing can fail. */
	trace_mailbox_send(port, id, n, position, from->size);
	mailbox_port_use_lane(port, n);
	mailbox_slot_publish(view, position, id);		/* (B) (E) */
	if (mailbox_queue_waiting(&port->receivers))
		mailbox_port_wake_receivers(port, BIT(n));
	return 0;
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
		mailbox_port_wake_both(port, n);
	if (err || !mailbox_queue_pressed(&port->senders))
		return err;
	if (mailbox_queue_closed(&port->senders)) {
		mailbox_place_undo(ep, place);
		return -EIDRM;
	}
	mailbox_chain_senders(ep, n);
	return 0;
}

/* Returns 0, -EAGAIN when full, 1 if the bytes could not be fetched, or what is wrong. */
static int mailbox_send_try(struct mailbox_endpoint *ep, const struct mailbox_buffer *from, u32 n)
{
	struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_ring_lane *lane = &ring->lane[n];
	struct mailbox_edges edges;
	u64 position;
	int err;

	if (from->message && put_user(0, &from->message->ticket))
		return -EFAULT;
	err = mailbox_prepare(from, &edges);
	if (err)
		return err;
	err = mailbox_ring_claim(ring, lane, &ep->position[n].send, ep->id, &position);
	if (err == -EPROTO)
		mailbox_port_wake_both(ep->port, n);
	if (err)
		return err;
	err = mailbox_send_claimed(ep, ep->id, from, &edges, n, &lane->view, position);
	return err == -EAGAIN ? 1 : err;
}

/* Send without sleeping for a slot. Returns 0, -EAGAIN when full, or what is wrong. */
static int mailbox_send_once(struct mailbox_endpoint *ep, const struct mailbox_buffer *from,
			     u32 n)
{
	int err = 0;

	if (mailbox_queue_gone(&ep->port->senders))
		err = from->element && from->element->partial ? -EPIPE : mailbox_port_broken(ep);
	while (!err) {
		err = from->place ? mailbox_reserve_once(ep, from->place, n) :
				    mailbox_send_try(ep, from, n);
		/* Who wants a receipt, or a slot to fill, gets one or waits. */
		if (err == -EAGAIN)
			err = mailbox_port_overflow(ep->port, n, from->ticket || from->place);
		if (err <= 0)
			break;
		err = mailbox_message_again();
	}
	return err;
}

struct mailbox_send_lane {
	const struct mailbox_endpoint *ep;
	u32 n;
};

static int mailbox_lane_sendable(const struct mailbox_endpoint *ep, u32 n)
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

	return mailbox_lane_sendable(at->ep, at->n) != -EAGAIN;
}

static bool mailbox_drop_ready(void *arg)
{
	const struct mailbox_send_lane *at = arg;
	struct mailbox_port *port = at->ep->port;
	const struct mailbox_ring_lane *lane = &port->ring.lane[at->n];
	u64 nowhere = 0;

	mailbox_queue_arm(&port->receivers);
	return mailbox_send_ready(arg) ||
	       mailbox_ring_walk_ready(lane, mailbox_ring_start(lane, &nowhere)).what ==
	       MAILBOX_FIND_SLOT;
}

/*
 * Whose message is not to be dropped itself can make do with one to drop. Of that
 * receivers are told: so this sender is asleep among senders, and polls among receivers,
 * armed anew before each look.
 */
static noinline int mailbox_wait_to_drop(struct mailbox_send_lane *at, struct mailbox_waiter *w,
					 const struct mailbox_deadline *deadline)
{
	struct mailbox_port *port = at->ep->port;
	DECLARE_WAITQUEUE(poller, current);
	int err;

	add_wait_queue(port->receivers.pollers, &poller);
	err = mailbox_wait(&port->senders, w, BIT(at->n), mailbox_drop_ready, at, deadline);
	remove_wait_queue(port->receivers.pollers, &poller);
	return err;
}

noinline int mailbox_send_slow(struct mailbox_endpoint *ep, const struct mailbox_buffer *from,
			       u32 n, const struct mailbox_deadline *deadline)
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
		if (ep->port->flags & MAILBOX_DROP_OLDEST)
			err = mailbox_wait_to_drop(&at, &w, deadline);
		else
			err = mailbox_wait(&ep->port->senders, &w, BIT(n), mailbox_send_ready,
					   &at, deadline);
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
	struct mailbox_edges edges mailbox_uninitialized;
	u32 id = ep->id;
	u64 position;

	*err = mailbox_prepare(from, &edges);
	if (unlikely(*err))
		return true;
	if (unlikely(!mailbox_ring_try_claim(&view, &ep->position[n].send, id, &position)))
		return false;
	*err = mailbox_send_claimed(ep, id, from, &edges, n, &view, position);
	return likely(*err != -EAGAIN);
}

int mailbox_sendable(const struct mailbox_endpoint *ep)
{
	int err;

	if (ep->port->limit && !READ_ONCE(ep->port->deleted))
		return mailbox_port_room(ep->port) ? 0 : -EAGAIN;
	err = mailbox_lane_sendable(ep, READ_ONCE(ep->default_lane));

	return err == -EAGAIN && ep->port->flags & MAILBOX_DROP ? 0 : err;
}

/* write */

/* Apart, so that the buffer of a write needs no memory of its own. */
static noinline int mailbox_write_slow(struct file *file, void __user *data, size_t size, u32 n)
{
	const struct mailbox_buffer from = { .data = data, .size = size };

	return mailbox_send_slow(file->private_data, &from, n, mailbox_file_deadline(file));
}

ssize_t mailbox_send_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
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

ssize_t mailbox_send_write_iter(struct kiocb *iocb, struct iov_iter *from)
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

/* ioctl */

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
		mailbox_place_undo(ep, &place);
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
		mailbox_port_wake_both(port, n);
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
	int err;

	if (m->flags & ~(MAILBOX_SEND_REALTIME | MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		return -EINVAL;
	if (put_user(m->lane, &user->lane))
		return -EFAULT;
	if (m->receipt && !sync)
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
	return mailbox_send_wait(ep, from.ticket, m->lane, deadline, u64_to_user_ptr(m->receipt));
}

/* Whatever takes more than a first look. */
static noinline int mailbox_send_message(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer from = { .message = user };
	struct mailbox_deadline deadline;
	struct mailbox_message m mailbox_uninitialized;
	u32 size;
	int err;

	err = mailbox_abi_get(&m, sizeof(m), user, &size);
	if (err)
		return err;
	if (m.lane == MAILBOX_LANE_DEFAULT)
		m.lane = READ_ONCE(ep->default_lane);
	if (m.lane >= ep->port->ring.lanes)
		return -EINVAL;
	if (ep->port->limit && m.flags & (MAILBOX_SEND_IN_PLACE | MAILBOX_SEND_RECEIPT |
					  MAILBOX_SEND_SYNC))
		return -EOPNOTSUPP;
	if (m.flags & MAILBOX_SEND_IN_PLACE)
		return mailbox_send_in_place(file, &m, user);
	if (m.flags & (MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		return mailbox_send_receipt(file, &m, user);
	if (m.flags & ~MAILBOX_SEND_REALTIME)
		return -EINVAL;
	if (m.length > ep->port->ring.message_size)
		return -EMSGSIZE;
	from.data = u64_to_user_ptr(m.data);
	from.size = m.length;
	from.tag = m.tag;
	return mailbox_send_slow(ep, &from, m.lane, mailbox_message_deadline(file, &m, &deadline));
}

long mailbox_send_ioctl(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_message m mailbox_uninitialized;
	u32 n;
	int err;

	if (unlikely(mailbox_message_get(&m, user, true)))
		return -EFAULT;
	n = m.lane == MAILBOX_LANE_DEFAULT ? READ_ONCE(ep->default_lane) : m.lane;
	if (likely(m.size == sizeof(m) && n < ring->lanes && !(m.flags & ~MAILBOX_SEND_REALTIME) &&
		   m.length <= ring->message_size)) {
		const struct mailbox_buffer from = {
			.data = u64_to_user_ptr(m.data),
			.size = m.length,
			.message = user,
			.tag = m.tag,
		};

		if (likely(mailbox_send_fast(ep, &from, n, &err)))
			return err;
	}
	return mailbox_send_message(file, user);
}
