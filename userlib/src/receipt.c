// SPDX-License-Identifier: MIT
/*
 * What becomes of a message: the sender's side, receipts and calls, and that of
 * the receiver who holds a lease. All of it by system call.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "internal.h"

/* The sender */

static struct mailbox_receipt question(const struct mailbox_result *result)
{
	struct mailbox_receipt r = {
		.size = sizeof(r),
		.data = (uintptr_t)result->data,
		.length = MAILBOX_MESSAGE_MAX,		/* no reply is longer */
	};

	if (result->size < r.length)
		r.length = result->size;
	return r;
}

static void answer(struct mailbox_result *result, const struct mailbox_receipt *r)
{
	result->length = r->length;
	result->lane = r->lane;
	result->ticket = r->ticket;
	result->tag = r->tag;
	result->time = r->time;
	result->outcome = r->outcome;
	result->reason = r->reason;
	result->receiver = r->receiver;
	result->pid = r->pid;
	result->uid = r->uid;
	result->gid = r->gid;
}

int mailbox_call(struct mailbox *mb, struct mailbox_msg *msg, struct mailbox_result *result,
		 uint64_t deadline)
{
	uint32_t flags = msg->flags | MAILBOX_SEND_SYNC, room;
	struct mailbox_receipt r;
	int err;

	if (!result)
		return mailbox_kernel_send(mb, msg, flags, NULL, deadline);
	r = question(result);
	room = r.length;
	err = mailbox_kernel_send(mb, msg, flags, &r, deadline);
	if (!err)
		answer(result, &r);
	else if (err == -EMSGSIZE)	/* of the reply, or of the message */
		result->length = r.length > room ? r.length : 0;
	return err;
}

static int read_receipt(struct mailbox *mb, struct mailbox_receipt *r,
			struct mailbox_result *result)
{
	int err = ioctl(mb->fd, MAILBOX_IOC_RECEIPT, r) < 0 ? -errno : 0;

	if (!err)
		answer(result, r);
	else if (err == -EMSGSIZE)
		result->length = r->length;
	return err;
}

int mailbox_wait_receipt(struct mailbox *mb, struct mailbox_result *result, uint64_t deadline)
{
	struct mailbox_receipt r = question(result);

	r.deadline = deadline;
	return read_receipt(mb, &r, result);
}

int mailbox_wait_ticket(struct mailbox *mb, const struct mailbox_msg *msg,
			struct mailbox_result *result, uint64_t deadline)
{
	struct mailbox_receipt r = question(result);

	r.flags = MAILBOX_RECEIPT_TICKET;
	if (msg->flags & MAILBOX_SEND_REALTIME)
		r.flags |= MAILBOX_RECEIPT_REALTIME;
	r.lane = msg->lane;
	r.ticket = msg->ticket;
	r.deadline = deadline;
	return read_receipt(mb, &r, result);
}

int mailbox_ticket_status(struct mailbox *mb, const struct mailbox_msg *msg,
			  struct mailbox_result *result)
{
	struct mailbox_receipt r = {
		.size = sizeof(r),
		.flags = MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS,
		.lane = msg->lane,
		.ticket = msg->ticket,
	};

	return read_receipt(mb, &r, result);
}

int mailbox_receipt_eventfd(struct mailbox *mb, int fd)
{
	struct mailbox_eventfd arg = { .size = sizeof(arg), .fd = fd };

	return ioctl(mb->fd, MAILBOX_IOC_EVENTFD, &arg) < 0 ? -errno : 0;
}

/* The receiver */

static int finish(struct mailbox *mb, const struct mailbox_msg *msg, struct mailbox_finish f)
{
	f.size = sizeof(f);
	f.lane = msg->lane;
	f.ticket = msg->ticket;
	return ioctl(mb->fd, MAILBOX_IOC_FINISH, &f) < 0 ? -errno : 0;
}

int mailbox_ack(struct mailbox *mb, const struct mailbox_msg *msg)
{
	return finish(mb, msg, (struct mailbox_finish){ .how = MAILBOX_ACK });
}

int mailbox_nack(struct mailbox *mb, const struct mailbox_msg *msg, uint32_t how)
{
	if (how != MAILBOX_NACK && how != MAILBOX_NACK_BACK)
		return -EINVAL;
	return finish(mb, msg, (struct mailbox_finish){ .how = how });
}

int mailbox_reply(struct mailbox *mb, const struct mailbox_msg *msg, const void *buf, size_t len)
{
	if (len > MAILBOX_MESSAGE_MAX)
		return -EMSGSIZE;
	return finish(mb, msg, (struct mailbox_finish){
		.how = MAILBOX_REPLY,
		.data = (uintptr_t)buf,
		.length = len,
	});
}

int mailbox_extend(struct mailbox *mb, const struct mailbox_msg *msg, uint64_t lease)
{
	return finish(mb, msg, (struct mailbox_finish){
		.how = MAILBOX_EXTEND,
		.deadline = lease,
	});
}
