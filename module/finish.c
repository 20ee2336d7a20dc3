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
		mailbox_lease_drop(room, lease);
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

/* MAILBOX_REPLY. If nobody is there to be told, the lease goes on. */
static int mailbox_lease_reply(struct mailbox_endpoint *ep, const struct mailbox_finish *f)
{
	struct mailbox_port *port = ep->port;
	struct mailbox_party receiver;
	struct mailbox_lease *lease;
	void *reply;
	int err;

	if (f->length > port->ring.message_size)
		return -EMSGSIZE;
	reply = kvmalloc(f->length ?: 1, MAILBOX_GFP);
	if (!reply)
		return -ENOMEM;
	err = -EFAULT;
	if (copy_from_user(reply, u64_to_user_ptr(f->data), f->length))
		goto err_free;
	err = -ESTALE;
	lease = mailbox_lease_claim(&port->leases, &ep->leases, f->lane, f->ticket);
	if (!lease)
		goto err_free;
	err = lease->t.receipt ? mailbox_ticket_wanted(&port->ledger, f->lane, f->ticket) : -ENOENT;
	if (err)
		goto err_hold;
	mailbox_port_party(port, ep->id, &receiver);
	/* Gone by now, it counts as told. */
	mailbox_ticket_reply(&port->ledger, f->lane, f->ticket, &receiver, reply, f->length);
	mailbox_lease_drop(&port->leases, lease);
	return 0;

err_hold:
	mailbox_lease_hold(&port->leases, &ep->leases, lease, lease->deadline);
	if (err == -ENOENT)
		err = -EOPNOTSUPP;
err_free:
	kvfree(reply);
	return err;
}

long mailbox_finish_ioctl(struct mailbox_endpoint *ep, struct mailbox_finish __user *user)
{
	struct mailbox_finish f;
	u32 size;
	int err;

	err = mailbox_abi_get(&f, sizeof(f), user, &size);
	if (err)
		return err;
	if (f.how < MAILBOX_ACK || f.how > MAILBOX_EXTEND ||
	    (f.how != MAILBOX_REPLY && (f.data || f.length)) ||
	    (f.how != MAILBOX_EXTEND && f.deadline))
		return -EINVAL;
	return f.how == MAILBOX_REPLY ? mailbox_lease_reply(ep, &f) : mailbox_lease_finish(ep, &f);
}
