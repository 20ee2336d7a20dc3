// SPDX-License-Identifier: MIT
/*
 * Send and receive: through the ring if there is one; else bytes by write and
 * read, and all the rest by ioctl.
 */
#include <errno.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

static struct mailbox_message question(const struct mailbox_msg *msg, uint32_t flags,
				       uint64_t deadline)
{
	return (struct mailbox_message) {
		.size = sizeof(struct mailbox_message),
		.flags = flags,
		.data = (uintptr_t)msg->data,
		.length = msg->length,
		.lane = msg->lane,
		.tag = msg->tag,
		.deadline = deadline,
	};
}

int mailbox_kernel_send(struct mailbox *mb, struct mailbox_msg *msg, uint32_t flags,
			struct mailbox_receipt *receipt, uint64_t deadline)
{
	struct mailbox_message arg = question(msg, flags, deadline);
	uint32_t room = receipt ? receipt->length : 0;
	int err;

	if (msg->length > MAILBOX_MESSAGE_MAX)
		return -EMSGSIZE;
	arg.receipt = (uintptr_t)receipt;
	err = ioctl(mb->fd, MAILBOX_IOC_SEND, &arg) < 0 ? -errno : 0;
	/* Not done, but sent: not finished yet, or with a reply that is too long. */
	if (err && err != -EINPROGRESS && !(receipt && receipt->length > room))
		return err;
	if (flags & (MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC))
		msg->lane = arg.lane;
	msg->ticket = arg.ticket;
	return err;
}

static int send_by_kernel(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	return mailbox_kernel_send(mb, msg, msg->flags, NULL, deadline);
}

int mailbox_plain_send(struct mailbox *mb, const void *data, size_t length)
{
	struct mailbox_msg msg = {
		.data = (void *)(uintptr_t)data,
		.lane = MAILBOX_LANE_DEFAULT,
	};

	if (!length)	/* which write(2) cannot say */
		return send_by_kernel(mb, &msg, MAILBOX_FOREVER);
	return write(mb->fd, data, length) < 0 ? -errno : 0;
}

int mailbox_plain_receive(struct mailbox *mb, void *buf, size_t size)
{
	ssize_t length = read(mb->fd, buf, size);

	return length < 0 ? -errno : (int)length;
}

/* The usual kind first, with nothing in front of it that it could do without. */

int mailbox_send(struct mailbox *mb, const void *buf, size_t len)
{
	const struct ring *ring = mb->ring;

	if (ring && ring->kind == RING_ORDINARY)
		return mailbox_ring_send(mb, buf, len);
	if (ring && ring->kind == RING_DIRECT)
		return mailbox_direct_send(mb, buf, len);
	return mailbox_plain_send(mb, buf, len);
}

int mailbox_receive(struct mailbox *mb, void *buf, size_t size)
{
	const struct ring *ring = mb->ring;

	if (ring && ring->kind == RING_ORDINARY)
		return mailbox_ring_receive(mb, buf, size);
	if (ring && ring->kind == RING_DIRECT)
		return mailbox_direct_receive(mb, buf, size);
	return mailbox_plain_receive(mb, buf, size);
}

static bool waits(const struct ring *ring, uint64_t deadline)
{
	return !ring->nonblock && deadline != MAILBOX_NO_WAIT;
}

/* Whether the ring has settled it; if not, the kernel is to be asked, and may sleep. */
static bool settled(int err, const struct ring *ring, uint64_t deadline)
{
	return err != BY_SYSTEM_CALL && (err != -EAGAIN || !waits(ring, deadline));
}

/* What the ring cannot do: receipts and leases are the kernel's. */
#define BY_KERNEL_SEND	(MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC)
#define BY_KERNEL_RECV	MAILBOX_RECV_LEASE

static struct ring *ring_for(const struct mailbox *mb, const struct mailbox_msg *msg,
			     uint32_t by_kernel)
{
	return msg->flags & by_kernel ? NULL : mailbox_ring(mb);
}

/* How many of these, the first ones, the ring may be asked for. */
static unsigned int run_for_ring(const struct mailbox *mb, const struct mailbox_msg *msgs,
				 unsigned int count, uint32_t by_kernel)
{
	unsigned int n = 0;

	while (n < count && ring_for(mb, &msgs[n], by_kernel))
		n++;
	return n;
}

int mailbox_send_msg(struct mailbox *mb, struct mailbox_msg *msg,
		     uint64_t deadline)
{
	struct ring *ring = ring_for(mb, msg, BY_KERNEL_SEND);
	int err;

	if (ring) {
		err = mailbox_ring_send_msg(mb, msg, waits(ring, deadline));
		if (settled(err, ring, deadline))
			return err;
	}
	return send_by_kernel(mb, msg, deadline);
}

void mailbox_answer(struct mailbox_msg *msg, const struct mailbox_message *arg)
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
	msg->lost = arg->lost;
}

/* Where an answer goes: no message is longer. */
static uint32_t room_of(const struct mailbox_msg *msg)
{
	return msg->size < MAILBOX_MESSAGE_MAX ? msg->size : MAILBOX_MESSAGE_MAX;
}

static void make_room(struct mailbox_message *arg, const struct mailbox_msg *msg, uint32_t flags)
{
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->data = (uintptr_t)msg->data;
	arg->length = room_of(msg);
}

/* What came of a receive. */
static int answered(struct mailbox_msg *msg, const struct mailbox_message *arg, int err)
{
	uint32_t size = room_of(msg);

	if (err) {
		if (err == -EMSGSIZE)
			msg->length = arg->length;
		return err;
	}
	mailbox_answer(msg, arg);
	return arg->length < size ? (int)arg->length : (int)size;
}

/* A receive, or a look. */
static int ask_kernel(struct mailbox *mb, struct mailbox_msg *msg, uint32_t flags,
		      unsigned long request, struct mailbox_message *arg)
{
	make_room(arg, msg, flags);
	return answered(msg, arg, ioctl(mb->fd, request, arg) < 0 ? -errno : 0);
}

static int receive_by_kernel(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	struct mailbox_message arg = { .deadline = deadline, .lease = msg->lease };

	return ask_kernel(mb, msg, msg->flags, MAILBOX_IOC_RECEIVE, &arg);
}

int mailbox_reply_receive(struct mailbox *mb, struct mailbox_msg *msg, const void *buf, size_t len,
			  int *pending, uint64_t deadline)
{
	struct mailbox_finish f = {
		.size = sizeof(f),
		.how = *pending ? MAILBOX_REPLY : MAILBOX_FINISHED,
		.data = (uintptr_t)buf,
		.length = len,
		.lane = msg->lane,
		.ticket = msg->ticket,
	};
	struct mailbox_message arg = {
		.deadline = deadline,
		.lease = msg->lease,
		.receipt = (uintptr_t)&f,
	};
	int ret;

	if (*pending && len > MAILBOX_MESSAGE_MAX)
		return -EMSGSIZE;
	if (!(msg->flags & MAILBOX_RECV_LEASE))
		return -EINVAL;
	ret = ask_kernel(mb, msg, msg->flags | MAILBOX_RECV_FINISH, MAILBOX_IOC_RECEIVE, &arg);
	*pending = ret >= 0 || f.how != MAILBOX_FINISHED;
	return ret;
}

int mailbox_look(struct mailbox *mb, unsigned int index, struct mailbox_msg *msg)
{
	struct mailbox_message arg = { .index = index, .lost = msg->lost };

	return ask_kernel(mb, msg, msg->flags, MAILBOX_IOC_PEEK, &arg);
}

int mailbox_receive_msg(struct mailbox *mb, struct mailbox_msg *msg,
			uint64_t deadline)
{
	struct ring *ring = ring_for(mb, msg, BY_KERNEL_RECV);
	int err;

	if (ring && !mailbox_ring_lost(ring)) {
		err = mailbox_ring_receive_msg(mb, msg, waits(ring, deadline));
		if (!err)
			return msg->length < msg->size ? (int)msg->length : (int)msg->size;
		if (settled(err, ring, deadline))
			return err;
	}
	return receive_by_kernel(mb, msg, deadline);
}

static int exchange(struct mailbox *to, struct mailbox_msg *out, struct mailbox *from,
		    struct mailbox_msg *in, int *pending, uint64_t deadline)
{
	struct mailbox_message send = question(out, out->flags, deadline);
	struct mailbox_message receive = { .deadline = deadline, .lease = in->lease };
	struct mailbox_exchange arg = {
		.size = sizeof(arg),
		.fd = to->fd == from->fd ? -1 : to->fd,
		.send = (uintptr_t)&send,
		.receive = (uintptr_t)&receive,
	};
	int err;

	if (out->length > MAILBOX_MESSAGE_MAX)
		return -EMSGSIZE;
	make_room(&receive, in, in->flags);
	err = ioctl(from->fd, MAILBOX_IOC_EXCHANGE, &arg) < 0 ? -errno : 0;
	*pending = !arg.sent;
	if (*pending)
		return err;
	if (out->flags & MAILBOX_SEND_RECEIPT)
		out->lane = send.lane;
	out->ticket = send.ticket;
	return answered(in, &receive, err);
}

/*
 * Whether the answer may come before we sleep. Then the kernel is only asked to wake up who
 * is to answer: two that went to sleep with each question would do so with each answer.
 */
static bool looks(struct mailbox *from, const struct mailbox_msg *in, uint64_t deadline)
{
	struct ring *ring = ring_for(from, in, BY_KERNEL_RECV);

	return ring && waits(ring, deadline) && mailbox_ring_looks(ring);
}

int mailbox_send_receive(struct mailbox *to, struct mailbox_msg *out, struct mailbox *from,
			 struct mailbox_msg *in, int *pending, uint64_t deadline)
{
	const struct ring *ring = ring_for(to, out, BY_KERNEL_SEND);
	int err;

	if (*pending && (!ring || (mailbox_ring_asleep(ring) && !looks(from, in, deadline))))
		return exchange(to, out, from, in, pending, deadline);
	if (*pending) {
		err = mailbox_send_msg(to, out, deadline);
		if (err)
			return err;
		*pending = 0;
	}
	return mailbox_receive_msg(from, in, deadline);
}

/*
 * Batches. The ring takes what it can; of the others those that are alike, in a row, go by
 * one system call, and those with receipts or leases each by its own.
 */

#define CHUNK	32

/* A part of a batch as the kernel wants it. */
struct chunk {
	struct mailbox_vector vectors[CHUNK];
	struct mailbox_detail details[CHUNK];
};

/* How many of these, the first ones, one call may be asked for; at least 1. */
static unsigned int alike(const struct mailbox_msg *msgs, unsigned int count, uint32_t by_itself)
{
	unsigned int n = 1;

	while (n < count && n < CHUNK && msgs[n].flags == msgs[0].flags &&
	       !(msgs[n].flags & by_itself))
		n++;
	return n;
}

static int ask_for_chunk(struct mailbox *mb, unsigned long request, struct chunk *chunk,
			 unsigned int count, uint32_t flags, uint64_t deadline)
{
	struct mailbox_batch arg = {
		.size = sizeof(arg),
		.flags = flags,
		.vectors = (uintptr_t)chunk->vectors,
		.details = (uintptr_t)chunk->details,
		.deadline = deadline,
		.count = count,
	};
	int done = ioctl(mb->fd, request, &arg);

	return done < 0 ? -errno : done;
}

/* Sends up to CHUNK messages that are alike. How many, or an error. */
static int send_chunk(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
		      uint64_t deadline)
{
	struct chunk chunk;
	unsigned int n;
	int done, i;

	for (n = 0; n < count && msgs[n].length <= MAILBOX_MESSAGE_MAX; n++) {
		chunk.vectors[n] = (struct mailbox_vector){
			.data = (uintptr_t)msgs[n].data,
			.length = msgs[n].length,
			.lane = msgs[n].lane,
		};
		chunk.details[n].tag = msgs[n].tag;
	}
	if (!n)
		return -EMSGSIZE;
	done = ask_for_chunk(mb, MAILBOX_IOC_SEND_BATCH, &chunk, n, msgs->flags, deadline);
	for (i = 0; i < done; i++)
		msgs[i].ticket = chunk.details[i].ticket;
	return done;
}

int mailbox_send_batch(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
		       uint64_t deadline)
{
	unsigned int done = 0, plain = 0, want;
	int n;

	if (count > INT_MAX)
		return -EINVAL;
	for (; done < count; done += n) {
		if (done >= plain)
			plain = done + run_for_ring(mb, msgs + done, count - done, BY_KERNEL_SEND);
		n = 0;
		if (plain > done)
			n = mailbox_ring_send_batch(mb, msgs + done, plain - done,
						    waits(mb->ring, deadline));
		if (n)
			continue;
		want = plain > done ? 1 : alike(msgs + done, count - done, BY_KERNEL_SEND);
		if (want > 1)
			n = send_chunk(mb, msgs + done, want, deadline);
		if (want == 1 || n == -EOPNOTSUPP)	/* a port with a limit */
			n = mailbox_send_msg(mb, msgs + done, deadline) ?: 1;
		if (n < 0)
			return done ? (int)done : n;
	}
	return done;
}

/* Receives up to CHUNK messages. How many, or an error. */
static int receive_chunk(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
			 uint64_t deadline)
{
	struct chunk chunk;
	unsigned int n;
	int done, i;

	for (n = 0; n < count; n++) {
		chunk.vectors[n].data = (uintptr_t)msgs[n].data;
		chunk.vectors[n].length = msgs[n].size < MAILBOX_MESSAGE_MAX ? msgs[n].size :
									       MAILBOX_MESSAGE_MAX;
	}
	done = ask_for_chunk(mb, MAILBOX_IOC_RECEIVE_BATCH, &chunk, n, msgs->flags, deadline);
	if (done == -EMSGSIZE)
		msgs->length = chunk.vectors[0].length;
	for (i = 0; i < done; i++) {
		const struct mailbox_detail *d = &chunk.details[i];

		msgs[i].length = chunk.vectors[i].length;
		msgs[i].lane = chunk.vectors[i].lane;
		msgs[i].tag = d->tag;
		msgs[i].ticket = d->ticket;
		msgs[i].status = d->flags;
		msgs[i].sender = d->sender;
		msgs[i].pid = d->pid;
		msgs[i].uid = d->uid;
		msgs[i].gid = d->gid;
		msgs[i].lost = d->lost;
	}
	return done;
}

int mailbox_receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, unsigned int count,
			  uint64_t deadline)
{
	unsigned int done = 0, plain = 0, want;
	int n;

	if (count > INT_MAX)
		return -EINVAL;
	while (done < count) {
		if (done >= plain)
			plain = done + run_for_ring(mb, msgs + done, count - done, BY_KERNEL_RECV);
		want = 1;
		n = 0;
		if (plain > done)
			n = mailbox_ring_receive_batch(mb, msgs + done, plain - done,
						       waits(mb->ring, deadline));
		if (!n && plain == done)
			want = alike(msgs + done, count - done, BY_KERNEL_RECV);
		if (want > 1)
			n = receive_chunk(mb, msgs + done, want, deadline);
		if (n == -EOPNOTSUPP)		/* a port with a limit */
			want = 1;
		if (want == 1 && n <= 0) {
			n = mailbox_receive_msg(mb, msgs + done, deadline);
			n = n < 0 ? n : 1;
		}
		if (n < 0)
			return done ? (int)done : n;
		done += n;
		if (n < (int)want)
			break;
		deadline = MAILBOX_NO_WAIT;
	}
	return done;
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
