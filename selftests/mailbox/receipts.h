/* SPDX-License-Identifier: GPL-2.0 */
/* Receipts and leases: short names for the raw calls, beside mailbox_test.h. */
#ifndef MAILBOX_RECEIPTS_H
#define MAILBOX_RECEIPTS_H

#include "mailbox_test.h"

/* Outputs poisoned, no waiting; members follow as .member = value. */
#define wish(...)							\
	((struct mailbox_receipt) {					\
		.size = sizeof(struct mailbox_receipt),			\
		.tag = 0xa5a5a5a5a5a5a5a5ULL, .time = 0xa5a5a5a5a5a5a5a5ULL, \
		.outcome = 0xa5a5a5a5, .reason = 0xa5a5a5a5,		\
		.receiver = 0xa5a5a5a5, .pid = 0xa5a5a5a5,		\
		.uid = 0xa5a5a5a5, .gid = 0xa5a5a5a5,			\
		__VA_ARGS__						\
	})

static inline long read_receipt(int fd, struct mailbox_receipt *r)
{
	return result(ioctl(fd, MAILBOX_IOC_RECEIPT, r));
}

/* The outcome of the oldest receipt. */
static inline long outcome_of(int fd)
{
	struct mailbox_receipt r = wish();
	long ret = read_receipt(fd, &r);

	return ret ? ret : r.outcome;
}

static inline long status_of(int fd, __u32 lane, __u64 ticket)
{
	struct mailbox_receipt r = wish(.flags = MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS,
					.lane = lane, .ticket = ticket);
	long ret = read_receipt(fd, &r);

	return ret ? ret : r.outcome;
}

/* Sends, and wants a receipt; gives the ticket. */
static inline long send_receipt(int fd, __u32 lane, const char *text)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_RECEIPT, .data = address(text),
					   .length = strlen(text), .lane = lane);
	long ret = send_message(fd, &m);

	return ret ? ret : (long)m.ticket;
}

static inline long send_sync(int fd, const char *text, __u64 deadline, struct mailbox_receipt *r)
{
	struct mailbox_message m = message(.flags = MAILBOX_SEND_SYNC, .data = address(text),
					   .length = strlen(text), .deadline = deadline,
					   .receipt = address(r));

	return send_message(fd, &m);
}

static inline bool sleeps_in_ioctl(pid_t pid)
{
	return wait_until(asleep_in(pid, SYS_ioctl));
}

/* A child that sends synchronously and leaves with what came of it. */
static inline pid_t sync_sender(int fd, const char *text, __u64 deadline)
{
	pid_t pid = spawn();

	if (!pid)
		leave(send_sync(fd, text, deadline, NULL));
	sleeps_in_ioctl(pid);
	return pid;
}

/* Leases the next message, without waiting; the lease ends at @until. Gives its ticket. */
static inline long lease_until(int fd, __u64 until)
{
	char buf[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE, .data = address(buf),
					   .length = sizeof(buf), .lease = until);
	long ret = receive_message(fd, &m);

	return ret ? ret : (long)m.ticket;
}

static inline long lease(int fd)
{
	return lease_until(fd, 0);
}

/* Of lane 0; members follow as .member = value. */
#define finish(fd, how_, ticket_, ...)					\
	result(ioctl(fd, MAILBOX_IOC_FINISH, &(struct mailbox_finish) {	\
		.size = sizeof(struct mailbox_finish), .how = (how_), .ticket = (ticket_), \
		__VA_ARGS__						\
	}))

static inline long reply(int fd, __u64 ticket, const char *text)
{
	return finish(fd, MAILBOX_REPLY, ticket, .data = address(text), .length = strlen(text));
}

/* Finishes that, leases the next one of lane 0, and gives its ticket. */
static inline long finish_and_lease(int fd, struct mailbox_finish *f, __u64 deadline)
{
	char buf[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH,
					   .data = address(buf), .length = sizeof(buf),
					   .deadline = deadline, .receipt = address(f));
	long ret = receive_message(fd, &m);

	return ret ? ret : (long)m.ticket;
}

#define finishing(how_, ticket_, ...)					\
	((struct mailbox_finish) {					\
		.size = sizeof(struct mailbox_finish), .how = (how_), .ticket = (ticket_), \
		__VA_ARGS__						\
	})

#endif /* MAILBOX_RECEIPTS_H */
