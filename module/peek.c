// SPDX-License-Identifier: GPL-2.0-only
/* A look at what could be received. */

#include <linux/bitops.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "message.h"
#include "peek.h"
#include "receive.h"

/**
 * struct mailbox_seen - a message that nobody has taken yet
 * @lane: where
 * @at: in this slot,
 * @lease: or outside of the slots, with a reference; else NULL
 * @t: what it is like
 */
struct mailbox_seen {
	u32 lane;
	struct mailbox_cursor at;
	struct mailbox_lease *lease;
	struct mailbox_taken t;
};

/* Returns whether it is in this lane; if not, @index is less by what is. */
static bool mailbox_see_lane(const struct mailbox_endpoint *ep, u32 n, u32 *index,
			     struct mailbox_seen *seen)
{
	struct mailbox_ring_lane *lane = &ep->port->ring.lane[n];
	const u64 *own = &ep->position[n].receive;

	seen->lane = n;
	seen->lease = NULL;
	if (mailbox_ring_empty(lane, own))
		return false;
	mailbox_cursor_first(&seen->at, lane, own);
	if (atomic_read(&lane->parked))
		seen->lease = mailbox_lease_nth(&ep->port->leases, n, &seen->at, index, &seen->t);
	if (seen->lease)
		return true;
	for (; mailbox_cursor_valid(&seen->at); mailbox_cursor_next(&seen->at)) {
		if (!(*index)--) {
			mailbox_ring_read_header(&ep->port->ring, lane, &lane->view,
						 seen->at.found.position, &seen->t);
			return true;
		}
	}
	return false;
}

/* The message that @index others come before, the highest lane first. */
static bool mailbox_see(const struct mailbox_endpoint *ep, u32 index, struct mailbox_seen *seen)
{
	u32 mask = READ_ONCE(ep->receive_mask) & mailbox_port_lanes(ep->port), n;

	while (mask) {
		n = __fls(mask);
		mask ^= BIT(n);
		if (mailbox_see_lane(ep, n, &index, seen))
			return true;
		cond_resched();
	}
	return false;
}

/* Without page faults, for the kernel's sake: see message.h. */
static bool mailbox_seen_store(const struct mailbox_seen *seen, void __user *data, u32 size)
{
	bool stored;

	pagefault_disable();
	stored = access_ok(data, size) && !__copy_to_user_inatomic(data, seen->t.payload, size);
	pagefault_enable();
	return stored;
}

static void mailbox_seen_tell(const struct mailbox_endpoint *ep, const struct mailbox_seen *seen,
			      u32 size, struct mailbox_message *m)
{
	m->flags = mailbox_message_flags(&seen->t, size);
	m->lane = seen->lane;
	m->tag = seen->t.tag;
	m->ticket = seen->t.position;
	mailbox_port_sender(ep->port, seen->t.sender, m);
}

/*
 * Look once. Returns 0, -EMSGSIZE with the length told, -EAGAIN or why there is nothing,
 * -EFAULT, or 1 to look again: others took it meanwhile, or now its pages are there.
 */
static int mailbox_peek_once(const struct mailbox_endpoint *ep, u32 room, struct mailbox_message *m)
{
	void __user *data = u64_to_user_ptr(m->data);
	bool truncate = m->flags & MAILBOX_RECV_TRUNCATE, stored = true;
	struct mailbox_message told = *m;
	struct mailbox_seen seen;
	u32 size;
	int ret;

	if (!mailbox_see(ep, m->index, &seen))
		return mailbox_receivable(ep) ?: -EAGAIN;
	ret = seen.t.length > room && !truncate ? -EMSGSIZE : 0;
	size = ret ? 0 : min(seen.t.length, room);
	told.length = seen.t.length;
	if (!ret) {
		stored = mailbox_seen_store(&seen, data, size);
		mailbox_seen_tell(ep, &seen, size, &told);
	}
	if (seen.lease)
		mailbox_lease_put(seen.lease);
	else if (!mailbox_cursor_holds(&seen.at))
		return 1;
	if (!stored)
		return fault_in_writeable(data, size) ? -EFAULT : 1;
	*m = told;
	return ret;
}

long mailbox_peek_ioctl(const struct mailbox_endpoint *ep, struct mailbox_message __user *user)
{
	struct mailbox_message m;
	u32 size, room, races;
	int err;

	err = mailbox_abi_get(&m, sizeof(m), user, &size);
	if (err)
		return err;
	if (m.flags & ~MAILBOX_RECV_TRUNCATE || m.lane || m.tag || m.deadline)
		return -EINVAL;
	room = m.length;
	for (races = 0; races < MAILBOX_RACES_MAX; races++) {
		err = mailbox_peek_once(ep, room, &m);
		if (err == -EMSGSIZE)
			return put_user(m.length, &user->length) ? -EFAULT : err;
		if (!err)
			return mailbox_abi_put(user, size, &m, sizeof(m));
		if (err > 0)
			err = mailbox_message_again();
		if (err)
			return err;
	}
	return -EAGAIN;
}
