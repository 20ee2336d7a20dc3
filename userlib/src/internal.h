/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of the library share.
 *
 *	control.c   ports by name: create, open, delete, query; who maps one
 *	endpoint.c  the handle: from_fd, reopen, close, fd, info, set_lanes, take_end
 *	pair.c      two ports, two ends
 *	message.c   send and receive
 *	receipt.c   what became of a message, on both sides: receipts, calls, leases
 *	map.c       the mapping: made, unmade, and gone in a forked child
 *	ring.c      send and receive through it, and in place
 *	list.c      all ports, from sysfs
 *	strerror.c  errors in words
 */
#ifndef MAILBOX_INTERNAL_H
#define MAILBOX_INTERNAL_H

#include <stdbool.h>

#include <linux/mailbox_ring.h>

#include "mailbox.h"

#define MAILBOX_DEV_DIR	"/dev/mailbox"
#define MAILBOX_SYS_DIR	"/sys/class/mailbox"

/* One lane of the mapping, and how far this handle has come there: hints. */
struct ring_lane {
	struct mailbox_lane view;
	__u64 send;
	__u64 receive;
};

enum ring_kind {
	RING_NONE,		/* by system call */
	RING_ORDINARY,
	RING_DIRECT,		/* one sender, one receiver */
};

/*
 * A port's slots, as this handle sees them. It lies in a page that is zero in a
 * forked child, which has no mapping.
 */
struct ring {
	struct mailbox_shared *shared;
	uint32_t kind;		/* enum ring_kind */
	uint64_t bytes;
	uint32_t lanes;
	uint32_t message_size;
	uint32_t owner;		/* in the words of the slots */
	uint32_t endpoint;	/* in the headers of messages */
	uint32_t receive_mask;
	uint32_t default_lane;
	uint32_t nonblock;	/* as it was when it was mapped */
	uint32_t spins;		/* looks again before going to sleep: others may run meanwhile */
	uint32_t in_vain;	/* so many waits, one after another, were not over before that */
	uint32_t drops;		/* full lanes make nobody wait: the kernel sees to that */
	uint32_t ends;		/* MAILBOX_END_*: of a direct port, what is ours for certain */
	struct ring_lane lane[MAILBOX_LANES_MAX];
};

struct mailbox {
	int fd;
	struct ring *ring;	/* or NULL */
};

/* The ring to use, or NULL. */
static inline struct ring *mailbox_ring(const struct mailbox *mb)
{
	return mb->ring && mb->ring->kind ? mb->ring : NULL;
}

/* Does a receiver of the port sleep, so that the kernel has to be asked after a send? */
bool mailbox_ring_asleep(const struct ring *ring);

/* Will a receive look again before it sleeps? To be asked before each that may sleep. */
bool mailbox_ring_looks(struct ring *ring);

/* Were messages dropped of which nobody has been told? Then the kernel tells how many. */
bool mailbox_ring_lost(const struct ring *ring);

/* One message through the ring; if it cannot say, or must not, by system call. */
int mailbox_ring_send(struct mailbox *mb, const void *data, size_t length);
int mailbox_ring_receive(struct mailbox *mb, void *buf, size_t size);

/* The same, if the port is a direct one. */
int mailbox_direct_send(struct mailbox *mb, const void *data, size_t length);
int mailbox_direct_receive(struct mailbox *mb, void *buf, size_t size);

/* The same by system call alone. */
int mailbox_plain_send(struct mailbox *mb, const void *data, size_t length);
int mailbox_plain_receive(struct mailbox *mb, void *buf, size_t size);

/*
 * One message by system call, with @flags instead of its own; @receipt is for
 * MAILBOX_SEND_SYNC, or NULL. Answers msg->ticket, with a receipt msg->lane too.
 */
int mailbox_kernel_send(struct mailbox *mb, struct mailbox_msg *msg, uint32_t flags,
			struct mailbox_receipt *receipt, uint64_t deadline);

/*
 * The ring cannot say, or must not: the same by system call, please. Positive, for
 * no errno is.
 */
#define BY_SYSTEM_CALL	1

/*
 * One message through the ring, without sleeping; if @wait it looks again for a moment.
 * Return 0, BY_SYSTEM_CALL, or -EAGAIN, -EINVAL, -EMSGSIZE (with msg->length), -EBUSY.
 */
int mailbox_ring_send_msg(struct mailbox *mb, struct mailbox_msg *msg, bool wait);
int mailbox_ring_receive_msg(struct mailbox *mb, struct mailbox_msg *msg, bool wait);

/*
 * Several messages by one step, if they are such that this is possible; if @wait, for
 * the first of them as above. Return how many; 0: one by one, please.
 */
int mailbox_ring_send_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count, bool wait);
int mailbox_ring_receive_batch(struct mailbox *mb, struct mailbox_msg *msgs, __u32 count,
			       bool wait);

/* What a receive by system call tells beside the bytes. */
void mailbox_answer(struct mailbox_msg *msg, const struct mailbox_message *arg);

bool mailbox_oflags_valid(int oflags);

/* A handle that owns @fd. Takes the descriptor in any case: closed on failure. */
struct mailbox *mailbox_wrap(int fd);

#endif /* MAILBOX_INTERNAL_H */
