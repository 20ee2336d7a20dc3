// SPDX-License-Identifier: GPL-2.0-only
/* Several messages by one call. */

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "batch.h"
#include "message.h"
#include "receive.h"
#include "send.h"
#include "trace.h"

/**
 * struct mailbox_batch_run - a batch on its way
 * @ep: whose
 * @vectors: the messages
 * @details: or NULL
 * @count: messages
 * @done: the first ones
 * @truncate: a longer message may lose its end
 * @deadline: to wait until; NULL not to wait
 * @until: what it points to
 */
struct mailbox_batch_run {
	struct mailbox_endpoint *ep;
	struct mailbox_vector __user *vectors;
	struct mailbox_detail __user *details;
	u32 count;
	u32 done;
	bool truncate;
	const struct mailbox_deadline *deadline;
	struct mailbox_deadline until;
};

static int mailbox_batch_get(struct mailbox_batch_run *run, struct file *file,
			     struct mailbox_batch __user *user, u32 flags)
{
	struct mailbox_message wait mailbox_uninitialized;
	struct mailbox_batch b mailbox_uninitialized;
	u32 size;
	int err;

	err = mailbox_abi_get(&b, sizeof(b), user, &size);
	if (err)
		return err;
	if (b.flags & ~flags || b.pad || b.count > INT_MAX)
		return -EINVAL;
	run->ep = file->private_data;
	if (run->ep->port->limit)
		return -EOPNOTSUPP;
	run->vectors = u64_to_user_ptr(b.vectors);
	run->details = u64_to_user_ptr(b.details);
	run->count = b.count;
	run->done = 0;
	run->truncate = b.flags & MAILBOX_RECV_TRUNCATE;
	wait.flags = b.flags;
	wait.deadline = b.deadline;
	run->deadline = mailbox_message_deadline(file, &wait, &run->until);
	return 0;
}

/* The next one. */
static inline struct mailbox_element mailbox_batch_element(const struct mailbox_batch_run *run)
{
	struct mailbox_element e = {
		.vector = run->vectors + run->done,
		.detail = run->details ? run->details + run->done : NULL,
		.partial = run->done,
	};

	return e;
}

static __always_inline bool mailbox_vector_get(struct mailbox_vector *v,
					       const struct mailbox_vector __user *user)
{
	if (!user_read_access_begin(user, sizeof(*user)))
		return false;
	unsafe_get_user(v->data, &user->data, efault);
	unsafe_get_user(v->length, &user->length, efault);
	unsafe_get_user(v->lane, &user->lane, efault);
	user_read_access_end();
	return true;
efault:
	user_read_access_end();
	return false;
}

/* Send */

/* What the next one is. Returns 0, -EFAULT, -EINVAL or -EMSGSIZE. */
static __always_inline int mailbox_batch_next(const struct mailbox_batch_run *run,
					      struct mailbox_vector *v, u64 *tag)
{
	const struct mailbox_endpoint *ep = run->ep;
	const struct mailbox_ring *ring = &ep->port->ring;

	if (!mailbox_vector_get(v, run->vectors + run->done))
		return -EFAULT;
	if (v->lane == MAILBOX_LANE_DEFAULT)
		v->lane = READ_ONCE(ep->default_lane);
	if (v->lane >= ring->lanes)
		return -EINVAL;
	if (v->length > ring->message_size)
		return -EMSGSIZE;
	*tag = 0;
	if (run->details && (get_user(*tag, &run->details[run->done].tag) ||
			     put_user(0, &run->details[run->done].ticket)))
		return -EFAULT;
	return 0;
}

/*
 * Send the next one at the first look, and wake nobody. Returns false if that takes more.
 * Its first and last byte are touched before the claim, for a slot that is claimed in vain
 * is void for long.
 */
static __always_inline bool mailbox_batch_put(struct mailbox_endpoint *ep, u32 id,
					      const struct mailbox_vector __user *vector,
					      struct mailbox_detail __user *detail, u32 *lanes)
{
	struct mailbox_port *port = ep->port;
	u64 data, position, tag = 0, i;
	struct mailbox_lane view;
	const u8 __user *from;
	u8 byte __maybe_unused;		/* of no interest but that it is there */
	u32 size, n;
	u8 *payload;

	if (!user_access_begin(vector, sizeof(*vector)))
		return false;
	unsafe_get_user(data, &vector->data, err_access);
	unsafe_get_user(size, &vector->length, err_access);
	unsafe_get_user(n, &vector->lane, err_access);
	if (detail) {
		if (!access_ok(detail, sizeof(*detail)))
			goto err_access;
		unsafe_get_user(tag, &detail->tag, err_access);
		unsafe_put_user(0, &detail->ticket, err_access);
	}
	if (n == MAILBOX_LANE_DEFAULT)
		n = READ_ONCE(ep->default_lane);
	from = u64_to_user_ptr(data);
	if (n >= port->ring.lanes || size > port->ring.message_size || !access_ok(from, size))
		goto err_access;
	if (size) {
		unsafe_get_user(byte, from, err_access);
		unsafe_get_user(byte, from + size - 1, err_access);
	}
	view = port->ring.lane[n].view;
	if (!mailbox_ring_try_claim(&view, &ep->position[n].send, id, &position))
		goto err_access;
	payload = mailbox_slot_write(&view, position, size, tag, id);
	if (size > MAILBOX_SHORT) {
		user_access_end();
		if (__copy_from_user_inatomic(payload, from, size) ||
		    (detail && put_user(position, &detail->ticket)))
			goto err_claim;
	} else {
		for (i = 8; i <= size; i += 8)
			unsafe_get_user(*(u64 *)(payload + i - 8), (u64 __user *)(from + i - 8),
					err_copy);
		for (i = size & ~7U; i < size; i++)
			unsafe_get_user(payload[i], from + i, err_copy);
		if (detail)
			unsafe_put_user(position, &detail->ticket, err_copy);
		user_access_end();
	}
	/* After the claim: see mailbox_port_delete(). */
	if (mailbox_queue_closed(&port->senders))
		goto err_claim;

	/* From here on nothing can fail. */
	trace_mailbox_send(port, id, n, position, size);
	mailbox_slot_publish(&view, position, id);			/* (B) (E) */
	*lanes |= BIT(n);
	return true;

err_copy:
	user_access_end();
err_claim:
	mailbox_undo_claim(ep, n, position, NULL);
	return false;

err_access:
	user_access_end();
	return false;
}

/* Whom what was sent concerns: the next sender in line, and a receiver. */
static void mailbox_batch_sent(struct mailbox_endpoint *ep, unsigned long lanes)
{
	unsigned int n;

	if (!lanes)
		return;
	if (mailbox_queue_pressed(&ep->port->senders))
		for_each_set_bit(n, &lanes, MAILBOX_LANES_MAX)
			mailbox_chain_senders(ep, n);
	if (mailbox_queue_waiting(&ep->port->receivers))
		mailbox_port_wake_receivers(ep->port, lanes);
}

static void mailbox_batch_send_quick(struct mailbox_batch_run *run)
{
	const struct mailbox_element first = mailbox_batch_element(run);
	const struct mailbox_vector __user *vector = first.vector;
	struct mailbox_detail __user *detail = first.detail;
	u32 left = run->count - run->done, lanes = 0, id = run->ep->id;
	struct mailbox_endpoint *ep = run->ep;

	pagefault_disable();
	for (; left && !need_resched(); left--) {
		if (!mailbox_batch_put(ep, id, vector, detail, &lanes))
			break;
		vector++;
		if (detail)
			detail++;
	}
	pagefault_enable();
	run->done = run->count - left;
	mailbox_batch_sent(ep, lanes);
}

static int mailbox_batch_send_slow(struct mailbox_batch_run *run)
{
	const struct mailbox_element e = mailbox_batch_element(run);
	struct mailbox_buffer from = { .element = &e };
	struct mailbox_vector v;
	int err;

	err = mailbox_batch_next(run, &v, &from.tag);
	if (err)
		return err;
	from.data = u64_to_user_ptr(v.data);
	from.size = v.length;
	return mailbox_send_slow(run->ep, &from, v.lane, run->deadline);
}

long mailbox_batch_send(struct file *file, struct mailbox_batch __user *user)
{
	struct mailbox_batch_run run;
	int err;

	err = mailbox_batch_get(&run, file, user, MAILBOX_SEND_REALTIME);
	if (err)
		return err;
	for (;;) {
		mailbox_batch_send_quick(&run);
		if (run.done == run.count)
			break;
		err = run.done && signal_pending(current) ? -ERESTARTSYS :
							    mailbox_batch_send_slow(&run);
		if (err)
			break;
		run.done++;
	}
	return run.done ?: err;
}

/* Receive */

/* Others may have a message that could not be stored: it stays in its place. */
static noinline void mailbox_batch_park(const struct mailbox_endpoint *ep, u32 n, u64 position,
					u32 length)
{
	trace_mailbox_repair(ep->port, ep->id, n, position, length);
	mailbox_ring_park(&ep->port->ring.lane[n], position);
	mailbox_port_wake_receivers(ep->port, BIT(n));
}

/* Store a message that takes more than a few words. */
static noinline bool mailbox_batch_store(const struct mailbox_endpoint *ep,
					 const struct mailbox_element *e,
					 const struct mailbox_taken *t, u32 n,
					 void __user *to, u32 size)
{
	return !__copy_to_user_inatomic(to, t->payload, size) &&
	       mailbox_element_received(ep, e, t, n, size);
}

/*
 * Take the next one of a lane at the first look, and wake nobody. Returns false if that
 * takes more.
 */
static __always_inline bool mailbox_batch_take(struct mailbox_endpoint *ep, u32 id, u32 n,
					       struct mailbox_vector __user *vector,
					       struct mailbox_detail __user *detail, bool truncate)
{
	struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_taken t mailbox_uninitialized;
	u8 __user *to;
	u32 size, i;
	u64 data;

	if (!user_access_begin(vector, sizeof(*vector)))
		return false;
	unsafe_get_user(data, &vector->data, err_access);
	unsafe_get_user(size, &vector->length, err_access);
	if (!mailbox_ring_try_take(ring, &ring->lane[n], &ep->position[n].receive, id,
				   truncate ? SIZE_MAX : size, &t))
		goto err_access;
	size = min(t.length, size);
	to = u64_to_user_ptr(data);
	if (!access_ok(to, size))
		goto err_store;
	if (size > MAILBOX_SHORT || detail) {
		const struct mailbox_element e = { .vector = vector, .detail = detail };
		const struct mailbox_taken copy = t;

		user_access_end();
		if (!mailbox_batch_store(ep, &e, &copy, n, to, size))
			goto err_take;
	} else {
		for (i = 8; i <= size; i += 8)
			unsafe_put_user(*(u64 *)(t.payload + i - 8), (u64 __user *)(to + i - 8),
					err_store);
		for (i = size & ~7U; i < size; i++)
			unsafe_put_user(*(u8 *)(t.payload + i), to + i, err_store);
		/* The length last: until then it says how much room there is. */
		unsafe_put_user(n, &vector->lane, err_store);
		unsafe_put_user(t.length, &vector->length, err_store);
		user_access_end();
	}

	/* From here on nothing can fail. */
	trace_mailbox_receive(ep->port, id, n, t.position, t.length);
	mailbox_slot_release(&t.view, t.position);			/* (D) (E) */
	return true;

err_store:
	user_access_end();
err_take:
	mailbox_batch_park(ep, n, t.position, t.length);
	return false;

err_access:
	user_access_end();
	return false;
}

/* Whom what was taken concerns: the next receiver in line, and a sender. */
static void mailbox_batch_received(struct mailbox_endpoint *ep, u32 lanes)
{
	if (!lanes)
		return;
	if (mailbox_queue_pressed(&ep->port->receivers))
		mailbox_chain_receivers(ep);
	if (mailbox_queue_waiting(&ep->port->senders))
		mailbox_port_wake_senders(ep->port, lanes);
}

/* From the highest lane down: one that was found empty stays so for this run. */
static void mailbox_batch_receive_quick(struct mailbox_batch_run *run)
{
	const struct mailbox_element first = mailbox_batch_element(run);
	struct mailbox_vector __user *vector = first.vector;
	struct mailbox_detail __user *detail = first.detail;
	u32 left = run->count - run->done, lanes = 0, id = run->ep->id;
	struct mailbox_endpoint *ep = run->ep;
	u32 mask = READ_ONCE(ep->receive_mask), n = __fls(mask);
	bool truncate = run->truncate;

	pagefault_disable();
	while (left && !need_resched()) {
		if (mailbox_batch_take(ep, id, n, vector, detail, truncate)) {
			lanes |= BIT(n);
			vector++;
			if (detail)
				detail++;
			left--;
			continue;
		}
		mask &= ~BIT(n);
		if (!mask || !mailbox_ring_empty(&ep->port->ring.lane[n], &ep->position[n].receive))
			break;
		n = __fls(mask);
	}
	pagefault_enable();
	run->done = run->count - left;
	mailbox_batch_received(ep, lanes);
}

static int mailbox_batch_receive_slow(struct mailbox_batch_run *run)
{
	const struct mailbox_element e = mailbox_batch_element(run);
	struct mailbox_buffer to = { .element = &e, .truncate = run->truncate };
	struct mailbox_vector v;
	u32 too_long;
	int ret;

	if (!mailbox_vector_get(&v, e.vector))
		return -EFAULT;
	to.data = u64_to_user_ptr(v.data);
	to.size = v.length;
	ret = mailbox_receive_slow(run->ep, &to, &too_long, run->done ? NULL : run->deadline);
	if (ret == -EMSGSIZE && !run->done && put_user(too_long, &e.vector->length))
		return -EFAULT;
	return min(ret, 0);
}

long mailbox_batch_receive(struct file *file, struct mailbox_batch __user *user)
{
	struct mailbox_batch_run run;
	int err;

	err = mailbox_batch_get(&run, file, user, MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE);
	if (err)
		return err;
	for (;;) {
		mailbox_batch_receive_quick(&run);
		if (run.done == run.count)
			break;
		err = run.done && signal_pending(current) ? -ERESTARTSYS :
							    mailbox_batch_receive_slow(&run);
		if (err)
			break;
		run.done++;
	}
	return run.done ?: err;
}
