// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a leased message. */

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "finish.h"
#include "port.h"

void mailbox_finish(const struct mailbox_endpoint *ep, u32 n, u64 position, u32 outcome)
{
	struct mailbox_party receiver;

	mailbox_port_party(ep->port, ep->id, &receiver);
	mailbox_ticket_finish(&ep->port->ledger, n, position, outcome, 0, &receiver);
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
		mailbox_lease_drop(room, &ep->leases, lease);
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

static bool mailbox_reply_get(u8 *to, const u8 __user *from, u32 size)
{
	u32 i;

	if (!size)
		return true;
	if (!user_read_access_begin(from, size))
		return false;
	for (i = 8; i <= size; i += 8)
		unsafe_get_user(*(u64 *)(to + i - 8), (u64 __user *)(from + i - 8), efault);
	for (i = size & ~7U; i < size; i++)
		unsafe_get_user(to[i], from + i, efault);
	user_read_access_end();
	return true;
efault:
	user_read_access_end();
	return false;
}

/* MAILBOX_REPLY. If nobody is there to be told, the lease goes on, and @reply is the caller's. */
static int mailbox_lease_reply(struct mailbox_endpoint *ep, const struct mailbox_finish *f,
			       void *reply)
{
	struct mailbox_port *port = ep->port;
	struct mailbox_party receiver;
	struct mailbox_lease *lease;
	int err = -ENOENT;

	lease = mailbox_lease_claim(&port->leases, &ep->leases, f->lane, f->ticket);
	if (!lease)
		return -ESTALE;
	if (lease->t.receipt) {
		mailbox_port_party(port, ep->id, &receiver);
		err = mailbox_ticket_reply(&port->ledger, f->lane, f->ticket, &receiver, reply,
					   f->length);
		if (err)
			put_pid(receiver.pid);
	}
	if (err) {
		mailbox_lease_hold(&port->leases, &ep->leases, lease, lease->deadline);
		return err == -ENOENT ? -EOPNOTSUPP : err;
	}
	mailbox_lease_drop(&port->leases, &ep->leases, lease);
	return 0;
}

/* The same, of bytes that are still the caller's. */
static int mailbox_lease_answer(struct mailbox_endpoint *ep, const struct mailbox_finish *f)
{
	const void __user *data = u64_to_user_ptr(f->data);
	u8 brief[MAILBOX_REPLY_SHORT] __aligned(8);
	void *reply;
	int err;

	if (f->length > ep->port->ring.message_size)
		return -EMSGSIZE;
	if (f->length <= sizeof(brief)) {
		if (!mailbox_reply_get(brief, data, f->length))
			return -EFAULT;
		return mailbox_lease_reply(ep, f, brief);
	}
	reply = kvmalloc(f->length, MAILBOX_GFP);
	if (!reply)
		return -ENOMEM;
	err = copy_from_user(reply, data, f->length) ? -EFAULT : mailbox_lease_reply(ep, f, reply);
	if (err)
		kvfree(reply);
	return err;
}

static int mailbox_finish_check(const struct mailbox_finish *f)
{
	if (f->how < MAILBOX_ACK || f->how > MAILBOX_EXTEND ||
	    (f->how != MAILBOX_REPLY && (f->data || f->length)) ||
	    (f->how != MAILBOX_EXTEND && f->deadline))
		return -EINVAL;
	return 0;
}

static int mailbox_finish_do(struct mailbox_endpoint *ep, const struct mailbox_finish *f)
{
	return f->how == MAILBOX_REPLY ? mailbox_lease_answer(ep, f) : mailbox_lease_finish(ep, f);
}

/* First say that it is done: so it is never done without that being said. */
int mailbox_finish_first(struct mailbox_endpoint *ep, struct mailbox_finish __user *user)
{
	struct mailbox_finish f mailbox_uninitialized;
	u32 size;
	int err;

	err = mailbox_abi_get(&f, sizeof(f), user, &size);
	if (err || !f.how)
		return err;
	err = mailbox_finish_check(&f);
	if (err)
		return err;
	if (put_user(MAILBOX_FINISHED, &user->how))
		return -EFAULT;
	err = mailbox_finish_do(ep, &f);
	if (err && put_user(f.how, &user->how))
		return -EFAULT;
	return err;
}

long mailbox_finish_ioctl(struct mailbox_endpoint *ep, struct mailbox_finish __user *user)
{
	struct mailbox_finish f mailbox_uninitialized;
	u32 size;
	int err;

	err = mailbox_abi_get(&f, sizeof(f), user, &size);
	if (!err)
		err = mailbox_finish_check(&f);
	return err ?: mailbox_finish_do(ep, &f);
}
