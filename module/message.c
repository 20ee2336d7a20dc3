// SPDX-License-Identifier: GPL-2.0-only
/* Messages between user memory and slots. */

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "message.h"
#include "trace.h"

/* Up to here word by word: cheaper than a checked copy, and fetched before the claim. */
#define MAILBOX_SHORT_WORDS	8
#define MAILBOX_SHORT		(MAILBOX_SHORT_WORDS * sizeof(u64))

static const struct mailbox_deadline mailbox_forever = { KTIME_MAX, CLOCK_MONOTONIC };

/**
 * struct mailbox_buffer - the caller's memory
 * @iter: an iterator, or NULL:
 * @data: an address
 * @size: bytes: of the message to send, or room for one
 * @message: the ioctl's structure, or NULL
 * @tag: to send
 * @truncate: a longer message may lose its end
 *
 * Passed by value to what is not inlined, so that the fast paths keep it in
 * registers.
 */
struct mailbox_buffer {
	struct iov_iter *iter;
	void __user *data;
	u32 size;
	struct mailbox_message __user *message;
	u64 tag;
	bool truncate;
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

/* Before the claim: get hold of the bytes, page faults and all. */
static __always_inline int mailbox_fetch(const struct mailbox_buffer *from, u64 *words)
{
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

/* The chain: a sender that got its slot wakes the next if there is another. */
static noinline void mailbox_chain_senders(const struct mailbox_endpoint *ep, u32 n)
{
	if (mailbox_ring_can_claim(&ep->port->ring.lane[n], &ep->position[n].send))
		mailbox_port_wake_senders(ep->port, BIT(n));
}

/* Give up a claimed slot: a receiver may see what is behind it, a sender may claim over it. */
static noinline void mailbox_undo_claim(const struct mailbox_endpoint *ep, u32 n, u64 position)
{
	struct mailbox_port *port = ep->port;

	trace_mailbox_repair(port, ep->id, n, position, 0);
	mailbox_ring_discard(&port->ring, &port->ring.lane[n], position);
	mailbox_port_wake_receivers(port, BIT(n));
	mailbox_port_wake_senders(port, BIT(n));
}

/* Send without sleeping for a slot. Returns 0, -EAGAIN when full, or what is wrong. */
static __always_inline int mailbox_send_once(struct mailbox_endpoint *ep,
					     const struct mailbox_buffer *from, u32 n)
{
	struct mailbox_port *port = ep->port;
	struct mailbox_ring_lane *lane = &port->ring.lane[n];
	u64 words[MAILBOX_SHORT_WORDS] mailbox_uninitialized, position;
	void *payload;
	int err;

	for (;;) {
		err = mailbox_fetch(from, words);
		if (unlikely(err))
			return err;
		err = mailbox_ring_claim(lane, &ep->position[n].send, ep->id, &position);
		if (unlikely(err))
			return err == -EAGAIN && READ_ONCE(port->deleted) ? -EIDRM : err;
		/* Only now: who deletes sees our slot, or we see that it is deleted. */
		if (unlikely(READ_ONCE(port->deleted))) {
			mailbox_undo_claim(ep, n, position);
			return -EIDRM;
		}
		if (unlikely(mailbox_queue_sleeping(&port->senders)))
			mailbox_chain_senders(ep, n);
		payload = mailbox_ring_write_header(lane, position, from->size, from->tag, ep->id);
		if (likely(mailbox_fill(payload, from, words, position)))
			break;
		mailbox_undo_claim(ep, n, position);
		if (from->message && put_user(position, &from->message->ticket))
			return -EFAULT;
		err = mailbox_try_again();
		if (err)
			return err;
	}

	/* From here on nothing can fail. */
	trace_mailbox_send(port, ep->id, n, position, from->size);
	mailbox_publish(&lane->view, position, ep->id);		/* (B) (E) */
	if (mailbox_queue_waiting(&port->receivers))
		mailbox_port_wake_receivers(port, BIT(n));
	return 0;
}

struct mailbox_send_lane {
	const struct mailbox_endpoint *ep;
	u32 n;
};

static int mailbox_sendable(const struct mailbox_endpoint *ep, u32 n)
{
	if (READ_ONCE(ep->port->deleted))
		return -EIDRM;
	return mailbox_ring_can_claim(&ep->port->ring.lane[n], &ep->position[n].send) ? 0 : -EAGAIN;
}

static bool mailbox_send_ready(void *arg)
{
	const struct mailbox_send_lane *at = arg;

	return mailbox_sendable(at->ep, at->n) != -EAGAIN;
}

static noinline int mailbox_send_wait(struct mailbox_endpoint *ep,
				      const struct mailbox_buffer from, u32 n,
				      const struct mailbox_deadline *deadline)
{
	struct mailbox_send_lane at = { ep, n };
	struct mailbox_waiter w;
	int err;

	mailbox_waiter_init(&w);
	do {
		trace_mailbox_wait(ep->port, false, BIT(n));
		err = mailbox_wait(&ep->port->senders, &w, BIT(n), mailbox_send_ready, &at, deadline);
		if (!err)
			err = mailbox_send_once(ep, &from, n);
	} while (err == -EAGAIN);
	/* Woken, and no use made of it: the next in line may. */
	if (err)
		mailbox_chain_senders(ep, n);
	return err;
}

/* Receive */

static enum mailbox_find mailbox_look(const struct mailbox_endpoint *ep)
{
	unsigned long mask = READ_ONCE(ep->receive_mask);
	enum mailbox_find best = MAILBOX_FIND_NONE;
	unsigned int n;

	for_each_set_bit(n, &mask, MAILBOX_LANES_MAX) {
		switch (mailbox_ring_can_take(&ep->port->ring.lane[n], &ep->position[n].receive)) {
		case MAILBOX_FIND_NONE:
			break;
		case MAILBOX_FIND_PENDING:
			best = MAILBOX_FIND_PENDING;
			break;
		case MAILBOX_FIND_SLOT:
		case MAILBOX_FIND_BROKEN:	/* for the call itself to report */
			return MAILBOX_FIND_SLOT;
		}
	}
	return best;
}

int mailbox_message_receivable(const struct mailbox_endpoint *ep)
{
	enum mailbox_find found = mailbox_look(ep);

	if (found == MAILBOX_FIND_SLOT)
		return 0;
	if (!READ_ONCE(ep->port->deleted))
		return -EAGAIN;
	/*
	 * Against a sender's claim (A), which looks at the flag after it: if it
	 * went on, this look sees its slot.
	 */
	smp_mb();
	found = mailbox_look(ep);
	if (found == MAILBOX_FIND_SLOT)
		return 0;
	return found == MAILBOX_FIND_PENDING ? -EAGAIN : -EIDRM;
}

int mailbox_message_sendable(const struct mailbox_endpoint *ep)
{
	return mailbox_sendable(ep, READ_ONCE(ep->default_lane));
}

/* The chain: whoever took a message wakes the next if there is another, on any lane. */
static noinline void mailbox_chain_receivers(const struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;
	u32 lanes = 0, n;

	for (n = 0; n < port->ring.lanes; n++)
		if (mailbox_ring_can_take(&port->ring.lane[n], &ep->position[n].receive) ==
		    MAILBOX_FIND_SLOT)
			lanes |= BIT(n);
	if (lanes)
		mailbox_port_wake_receivers(port, lanes);
}

/* Take from the highest lane that has something. */
static __always_inline int mailbox_take_highest(struct mailbox_endpoint *ep, u32 limit,
						struct mailbox_taken *t, u32 *lane)
{
	struct mailbox_ring *ring = &ep->port->ring;
	u32 mask = READ_ONCE(ep->receive_mask), n;
	int err;

	do {
		n = __fls(mask);
		mask ^= BIT(n);
		err = mailbox_ring_take(ring, &ring->lane[n], &ep->position[n].receive, ep->id,
					limit, t);
		*lane = n;
	} while ((err == -EAGAIN || err == -EINPROGRESS) && mask);
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
	user_write_access_end();
	return true;
efault:
	user_write_access_end();
	return false;
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
	if (to->message && stored) {
		struct mailbox_message m = {
			.flags = size < t->length ? MAILBOX_MSG_TRUNCATED : 0,
			.length = t->length,
			.lane = lane,
			.tag = t->tag,
			.ticket = t->position,
		};

		mailbox_port_sender(ep->port, t->sender, &m);
		stored = mailbox_store_message(to->message, &m);
	}
	pagefault_enable();
	return stored;
}

/* Make the caller's memory writable. Its structure is kept; its buffer may get zeros. */
static int mailbox_fault_in(const struct mailbox_buffer *to, u32 size)
{
	struct mailbox_message __user *user = to->message;
	u32 first;

	if (to->iter)
		return fault_in_iov_iter_writeable(to->iter, size) ? -EFAULT : 0;
	if (fault_in_writeable(to->data, size))
		return -EFAULT;
	if (user && (get_user(first, &user->size) || put_user(first, &user->size) ||
		     put_user(0, &user->gid)))
		return -EFAULT;
	return 0;
}

/* Could not store @size bytes. Let others have the message, and prepare for another try. */
static noinline int mailbox_undo_take(struct mailbox_endpoint *ep, struct mailbox_buffer to,
				      struct mailbox_taken t, u32 lane, u32 size)
{
	int err;

	trace_mailbox_repair(ep->port, ep->id, lane, t.position, t.length);
	mailbox_ring_park(&ep->port->ring, &t);
	mailbox_port_wake_receivers(ep->port, BIT(lane));
	err = mailbox_fault_in(&to, size);
	return err ? err : mailbox_try_again();
}

/*
 * Receive without sleeping for a message. Returns 0 with @length set, -EMSGSIZE
 * likewise, -EAGAIN when empty, or what is wrong.
 */
static __always_inline int mailbox_receive_once(struct mailbox_endpoint *ep,
						const struct mailbox_buffer *to, u32 *length)
{
	u32 limit = to->truncate ? U32_MAX : to->size, lane, size;
	struct mailbox_port *port = ep->port;
	struct mailbox_taken t mailbox_uninitialized;
	int err;

	for (;;) {
		err = mailbox_take_highest(ep, limit, &t, &lane);
		if (unlikely(err == -EAGAIN) && READ_ONCE(port->deleted)) {
			err = mailbox_message_receivable(ep);
			if (!err)
				continue;
		}
		if (unlikely(err)) {
			if (err == -EMSGSIZE)
				*length = t.length;
			return err;
		}
		if (unlikely(mailbox_queue_sleeping(&port->receivers)))
			mailbox_chain_receivers(ep);
		size = to->truncate ? min(t.length, to->size) : t.length;
		if (likely(mailbox_store(ep, to, &t, lane, size)))
			break;
		err = mailbox_undo_take(ep, *to, t, lane, size);
		if (err)
			return err;
	}

	/* From here on nothing can fail. */
	*length = t.length;
	trace_mailbox_receive(port, ep->id, lane, t.position, t.length);
	mailbox_release(&t.lane->view, t.position);		/* (D) (E) */
	if (mailbox_queue_waiting(&port->senders))
		mailbox_port_wake_senders(port, BIT(lane));
	return 0;
}

static bool mailbox_receive_ready(void *arg)
{
	return mailbox_message_receivable(arg) != -EAGAIN;
}

static noinline int mailbox_receive_wait(struct mailbox_endpoint *ep,
					 const struct mailbox_buffer to, u32 *length,
					 const struct mailbox_deadline *deadline)
{
	struct mailbox_waiter w;
	int err;

	mailbox_waiter_init(&w);
	do {
		u32 lanes = READ_ONCE(ep->receive_mask);

		trace_mailbox_wait(ep->port, true, lanes);
		err = mailbox_wait(&ep->port->receivers, &w, lanes, mailbox_receive_ready, ep,
				   deadline);
		if (!err)
			err = mailbox_receive_once(ep, &to, length);
	} while (err == -EAGAIN);
	/* Woken, and no use made of it: the next in line may. */
	if (err)
		mailbox_chain_receivers(ep);
	return err;
}

/* read and write */

ssize_t mailbox_message_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_buffer from = { .data = (void __user *)buf, .size = size };
	u32 n = READ_ONCE(ep->default_lane);
	int err;

	if (unlikely(size - 1 >= ep->port->ring.message_size))
		return size ? -EMSGSIZE : -EINVAL;
	err = mailbox_send_once(ep, &from, n);
	if (unlikely(err == -EAGAIN) && !(file->f_flags & O_NONBLOCK))
		err = mailbox_send_wait(ep, from, n, &mailbox_forever);
	return err ? err : (ssize_t)size;
}

ssize_t mailbox_message_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct mailbox_endpoint *ep = file->private_data;
	const struct mailbox_buffer to = { .data = buf, .size = min_t(size_t, size, U32_MAX) };
	u32 length;
	int err;

	err = mailbox_receive_once(ep, &to, &length);
	if (unlikely(err == -EAGAIN) && !(file->f_flags & O_NONBLOCK))
		err = mailbox_receive_wait(ep, to, &length, &mailbox_forever);
	return err ? err : (ssize_t)length;
}

static bool mailbox_iocb_waits(const struct kiocb *iocb)
{
	return !(iocb->ki_flags & IOCB_NOWAIT) && !(iocb->ki_filp->f_flags & O_NONBLOCK);
}

/* The iterator's memory, as a plain address where it is one. */
static struct mailbox_buffer mailbox_iter_buffer(struct iov_iter *iter)
{
	struct mailbox_buffer buffer = { .size = min_t(size_t, iov_iter_count(iter), U32_MAX) };

	if (iter_is_ubuf(iter))
		buffer.data = mailbox_iter_address(iter);
	else
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
	err = mailbox_send_once(ep, &buffer, n);
	if (unlikely(err == -EAGAIN) && mailbox_iocb_waits(iocb))
		err = mailbox_send_wait(ep, buffer, n, &mailbox_forever);
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
	u32 length;
	int err;

	err = mailbox_receive_once(ep, &buffer, &length);
	if (unlikely(err == -EAGAIN) && mailbox_iocb_waits(iocb))
		err = mailbox_receive_wait(ep, buffer, &length, &mailbox_forever);
	if (err)
		return err;
	if (!buffer.iter)
		iov_iter_advance(to, length);
	return length;
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

static bool mailbox_message_waits(const struct file *file, const struct mailbox_message *m,
				  struct mailbox_deadline *deadline)
{
	BUILD_BUG_ON(MAILBOX_SEND_REALTIME != MAILBOX_RECV_REALTIME);
	if (m->deadline == MAILBOX_NO_WAIT || file->f_flags & O_NONBLOCK)
		return false;
	deadline->at = min_t(u64, m->deadline, KTIME_MAX);
	deadline->clock = m->flags & MAILBOX_SEND_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	return true;
}

long mailbox_message_send(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer from = { .message = user };
	struct mailbox_deadline deadline mailbox_uninitialized;
	struct mailbox_message m mailbox_uninitialized;
	int err;

	err = mailbox_get_message(&m, user);
	if (unlikely(err))
		return err;
	if (unlikely(m.flags & ~MAILBOX_SEND_REALTIME))
		return -EINVAL;
	if (m.lane == MAILBOX_LANE_DEFAULT)
		m.lane = READ_ONCE(ep->default_lane);
	if (unlikely(m.lane >= ep->port->ring.lanes))
		return -EINVAL;
	if (unlikely(m.length > ep->port->ring.message_size))
		return -EMSGSIZE;
	from.data = u64_to_user_ptr(m.data);
	from.size = m.length;
	from.tag = m.tag;
	err = mailbox_send_once(ep, &from, m.lane);
	if (unlikely(err == -EAGAIN) && mailbox_message_waits(file, &m, &deadline))
		err = mailbox_send_wait(ep, from, m.lane, &deadline);
	return err;
}

long mailbox_message_receive(struct file *file, struct mailbox_message __user *user)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_buffer to = { .message = user };
	struct mailbox_deadline deadline mailbox_uninitialized;
	struct mailbox_message m mailbox_uninitialized;
	u32 length;
	int err;

	err = mailbox_get_message(&m, user);
	if (unlikely(err))
		return err;
	if (unlikely(m.flags & ~(MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE) || m.lane || m.tag))
		return -EINVAL;
	to.data = u64_to_user_ptr(m.data);
	to.size = m.length;
	to.truncate = m.flags & MAILBOX_RECV_TRUNCATE;
	err = mailbox_receive_once(ep, &to, &length);
	if (unlikely(err == -EAGAIN) && mailbox_message_waits(file, &m, &deadline))
		err = mailbox_receive_wait(ep, to, &length, &deadline);
	if (unlikely(err == -EMSGSIZE) && put_user(length, &user->length))
		return -EFAULT;
	return err;
}
