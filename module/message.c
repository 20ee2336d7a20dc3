// SPDX-License-Identifier: GPL-2.0-only
/* What sending and receiving have in common. */

#include <linux/sched/signal.h>

#include "message.h"

int mailbox_message_again(void)
{
	cond_resched();
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

static bool mailbox_detail_store(struct mailbox_detail __user *user,
				 const struct mailbox_message *m)
{
	if (!user_write_access_begin(user, sizeof(*user)))
		return false;
	unsafe_put_user(m->tag, &user->tag, efault);
	unsafe_put_user(m->ticket, &user->ticket, efault);
	unsafe_put_user(m->flags, &user->flags, efault);
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

/* Of a message in the caller's hands. What was lost is told once, and to somebody. */
static bool mailbox_detail_tell(const struct mailbox_endpoint *ep,
				struct mailbox_detail __user *user,
				const struct mailbox_taken *t, u32 size)
{
	struct mailbox_message m = {
		.flags = mailbox_message_flags(t, size),
		.tag = t->tag,
		.ticket = t->position,
	};
	s64 n = atomic64_read(&t->lane->lost) ? mailbox_ring_take_lost(t->lane) : 0;
	bool told;

	m.lost = min_t(s64, n, U32_MAX);
	mailbox_port_sender(ep->port, t->sender, &m);
	told = mailbox_detail_store(user, &m);
	mailbox_ring_lose(t->lane, told ? n - m.lost : n);
	return told;
}

bool mailbox_element_received(const struct mailbox_endpoint *ep, const struct mailbox_element *e,
			      const struct mailbox_taken *t, u32 lane, u32 size)
{
	bool told;

	pagefault_disable();
	/* The length last: until then it says how much room there is, to another try. */
	told = !put_user(lane, &e->vector->lane) &&
	       (!e->detail || mailbox_detail_tell(ep, e->detail, t, size)) &&
	       !put_user(t->length, &e->vector->length);
	pagefault_enable();
	return told;
}

int mailbox_element_fault_in(const struct mailbox_element *e)
{
	u32 length;

	/* The length goes in as well. */
	if (get_user(length, &e->vector->length) || put_user(length, &e->vector->length) ||
	    put_user(0, &e->vector->lane))
		return -EFAULT;
	if (e->detail && (put_user(0, &e->detail->tag) || put_user(0, &e->detail->lost)))
		return -EFAULT;
	return 0;
}

void mailbox_place_undo(const struct mailbox_endpoint *ep, const struct mailbox_place *place)
{
	struct mailbox_ring *ring = &ep->port->ring;

	/* Who loses a race with a repair would count a departure of the message after it. */
	mutex_lock(&ep->port->lock);
	mailbox_ring_undo(ring, &ring->lane[place->lane], place->taken.position, place->owner);
	mutex_unlock(&ep->port->lock);
	mailbox_port_wake_both(ep->port, place->lane);
}

int mailbox_place_check(const struct mailbox_endpoint *ep)
{
	lockdep_assert_held(&ep->port->lock);
	if (ep->evicted)
		return -ESHUTDOWN;
	return ep->owner ? 0 : -ENOTCONN;
}

const struct mailbox_deadline *mailbox_message_deadline(const struct file *file,
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
