// SPDX-License-Identifier: GPL-2.0-only
/* Messages from user memory into slots. */

#include <linux/bits.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "message.h"
#include "send.h"
#include "trace.h"

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

/* The chain: a sender that got its slot wakes the next if there is another. */
static noinline void mailbox_chain_senders(const struct mailbox_endpoint *ep, u32 n)
{
	if (mailbox_can_claim(ep, n))
		mailbox_port_wake_senders(ep->port, BIT(n));
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
	mailbox_port_wake_both(port, n);
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

/* To make room. Returns 0, or -EAGAIN if all of it is in others' hands. */
static int mailbox_drop_oldest(struct mailbox_port *port, u32 n)
{
	struct mailbox_taken t;
	int err = mailbox_ring_drop(&port->ring, &port->ring.lane[n], &t);

	if (err == -EPROTO)
		mailbox_port_wake_both(port, n);
	if (err)
		return -EAGAIN;
	if (t.receipt)
		mailbox_ticket_finish(&port->ledger, n, t.position, MAILBOX_DISCARDED,
				      MAILBOX_REASON_DROPPED, NULL);
	mailbox_slot_release(&port->ring.lane[n].view, t.position);	/* (D) (E) */
	if (mailbox_queue_waiting(&port->senders))
		mailbox_port_wake_senders(port, BIT(n));
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
		mailbox_port_wake_both(ep->port, n);
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

int mailbox_sendable(const struct mailbox_endpoint *ep)
{
	int err;

	if (ep->port->limit && !READ_ONCE(ep->port->deleted))
		return atomic_read(&ep->port->room) > 0 ? 0 : -EAGAIN;
	err = mailbox_lane_sendable(ep, READ_ONCE(ep->default_lane));

	return err == -EAGAIN && ep->port->flags & MAILBOX_DROP ? 0 : err;
}

/* write */

/* Apart, so that the buffers of read and write below need no memory of their own. */
static noinline int mailbox_write_slow(struct file *file, void __user *data, size_t size, u32 n)
{
	const struct mailbox_buffer from = { .data = data, .size = size };

	return mailbox_send_slow(file->private_data, &from, n,
				 file->f_flags & O_NONBLOCK ? NULL : &mailbox_forever);
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
	const struct mailbox_endpoint *ep = file->private_data;

	if (ep->port->limit && m->flags & (MAILBOX_SEND_IN_PLACE | MAILBOX_SEND_RECEIPT |
					   MAILBOX_SEND_SYNC))
		return -EOPNOTSUPP;
	if (m->flags & MAILBOX_SEND_IN_PLACE)
		return mailbox_send_in_place(file, m, user);
	if (m->flags & (MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		return mailbox_send_receipt(file, m, user);
	return -EINVAL;
}

long mailbox_send_ioctl(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_deadline deadline mailbox_uninitialized;
	struct mailbox_message m mailbox_uninitialized;
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer from = { .message = user };
	int err;

	err = mailbox_message_get(&m, user);
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
