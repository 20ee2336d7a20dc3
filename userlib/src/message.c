// SPDX-License-Identifier: MIT
/* Send and receive: bytes by write and read, all the rest by ioctl. */
#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

int mailbox_send(struct mailbox *mb, const void *buf, size_t len)
{
	struct mailbox_msg empty = { .lane = MAILBOX_LANE_DEFAULT };

	if (!len)	/* which write(2) cannot say */
		return mailbox_send_msg(mb, &empty, MAILBOX_FOREVER);
	return write(mb->fd, buf, len) < 0 ? -errno : 0;
}

int mailbox_receive(struct mailbox *mb, void *buf, size_t size)
{
	ssize_t len = read(mb->fd, buf, size);

	return len < 0 ? -errno : (int)len;
}

int mailbox_send_msg(struct mailbox *mb, struct mailbox_msg *msg,
		     uint64_t deadline)
{
	struct mailbox_message arg = {
		.size = sizeof(arg),
		.flags = msg->flags,
		.data = (uintptr_t)msg->data,
		.length = msg->length,
		.lane = msg->lane,
		.tag = msg->tag,
		.deadline = deadline,
	};

	if (msg->length > MAILBOX_MESSAGE_MAX)
		return -EMSGSIZE;
	if (ioctl(mb->fd, MAILBOX_IOC_SEND, &arg) < 0)
		return -errno;
	msg->ticket = arg.ticket;
	return 0;
}

/* What a receive tells beside the bytes. */
static void answer(struct mailbox_msg *msg, const struct mailbox_message *arg)
{
	msg->length = arg->length;
	msg->lane = arg->lane;
	msg->tag = arg->tag;
	msg->ticket = arg->ticket;
	msg->status = arg->flags;
	msg->sender = arg->sender;
	msg->pid = arg->pid;
	msg->uid = arg->uid;
	msg->gid = arg->gid;
}

int mailbox_receive_msg(struct mailbox *mb, struct mailbox_msg *msg,
			uint64_t deadline)
{
	struct mailbox_message arg = {
		.size = sizeof(arg),
		.flags = msg->flags,
		.data = (uintptr_t)msg->data,
		.deadline = deadline,
	};
	uint32_t size = MAILBOX_MESSAGE_MAX;	/* no message is longer */
	int err;

	if (msg->size < size)
		size = msg->size;
	arg.length = size;
	if (ioctl(mb->fd, MAILBOX_IOC_RECEIVE, &arg) < 0) {
		err = -errno;
		if (err == -EMSGSIZE)
			msg->length = arg.length;
		return err;
	}
	answer(msg, &arg);
	return arg.length < size ? (int)arg.length : (int)size;
}

uint64_t mailbox_deadline_ms(int ms)
{
	struct timespec now;

	if (ms < 0)
		return MAILBOX_FOREVER;
	if (!ms)
		return MAILBOX_NO_WAIT;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec + ms * 1000000ULL;
}
