// SPDX-License-Identifier: GPL-2.0-only
/* What sending and receiving have in common. */

#include <linux/sched/signal.h>

#include "message.h"

int mailbox_message_again(void)
{
	cond_resched();
	return signal_pending(current) ? -ERESTARTSYS : 0;
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
