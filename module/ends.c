// SPDX-License-Identifier: GPL-2.0-only
/* The ends of a direct port. */

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "ends.h"

int mailbox_ends_init(struct mailbox_ends *ends, u32 peer_pid)
{
	struct pid *peer;
	bool process;

	if (!peer_pid)
		return 0;
	peer = find_get_pid(peer_pid);
	rcu_read_lock();
	process = pid_task(peer, PIDTYPE_TGID);		/* and not just a thread */
	rcu_read_unlock();
	if (!process) {
		put_pid(peer);
		return -ESRCH;
	}
	ends->peer = peer;
	ends->creator = get_pid(task_tgid(current));
	return 0;
}

void mailbox_ends_destroy(struct mailbox_ends *ends)
{
	put_pid(ends->peer);
	put_pid(ends->creator);
}

int mailbox_ends_admit(const struct mailbox_ends *ends, unsigned int open_flags)
{
	struct pid *self = task_tgid(current);
	bool taken = ends->open[0] && ends->open[1];

	if (ends->peer && self != ends->peer && self != ends->creator)
		return -EPERM;
	switch (open_flags & O_ACCMODE) {
	case O_WRONLY:
		taken |= ends->sender;
		break;
	case O_RDONLY:
		taken |= ends->receiver;
		break;
	}
	return taken ? -EBUSY : 0;
}

static void mailbox_ends_hold(struct mailbox_ends *ends, u32 id, u32 end)
{
	if (end == MAILBOX_END_SEND) {
		WRITE_ONCE(ends->sender, id);
		ends->sender_gone = false;
	} else {
		WRITE_ONCE(ends->receiver, id);
		ends->receiver_gone = false;
		ends->unread = false;
	}
}

/* Who is undecided while the other one is not has what is left. */
static void mailbox_ends_settle(struct mailbox_ends *ends)
{
	u32 i, id;

	for (i = 0; i < 2; i++) {
		id = ends->open[i];
		if (!id || id == ends->sender || id == ends->receiver)
			continue;
		if (ends->sender)
			mailbox_ends_hold(ends, id, MAILBOX_END_RECEIVE);
		else if (ends->receiver)
			mailbox_ends_hold(ends, id, MAILBOX_END_SEND);
	}
}

void mailbox_ends_join(struct mailbox_ends *ends, u32 id, unsigned int open_flags)
{
	ends->open[ends->open[0] ? 1 : 0] = id;
	switch (open_flags & O_ACCMODE) {
	case O_WRONLY:
		mailbox_ends_hold(ends, id, MAILBOX_END_SEND);
		break;
	case O_RDONLY:
		mailbox_ends_hold(ends, id, MAILBOX_END_RECEIVE);
		break;
	}
	mailbox_ends_settle(ends);
}

int mailbox_ends_take(struct mailbox_ends *ends, u32 id, u32 end)
{
	u32 holder = end == MAILBOX_END_SEND ? ends->sender : ends->receiver;
	u32 other = end == MAILBOX_END_SEND ? ends->receiver : ends->sender;

	if (holder == id)
		return 0;
	if (holder || other == id)
		return -EBUSY;
	mailbox_ends_hold(ends, id, end);
	mailbox_ends_settle(ends);
	return 0;
}

void mailbox_ends_leave(struct mailbox_ends *ends, u32 id)
{
	ends->open[ends->open[0] == id ? 0 : 1] = 0;
	if (ends->sender == id) {
		WRITE_ONCE(ends->sender, 0);
		ends->sender_gone = true;
		ends->unread = false;
	} else if (ends->receiver == id) {
		WRITE_ONCE(ends->receiver, 0);
		ends->receiver_gone = true;
		ends->unread = ends->sender;
	}
}
