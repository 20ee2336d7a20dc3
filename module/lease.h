/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: leases: messages that a receiver has, and has yet to finish.
 *
 * A message received with MAILBOX_RECV_LEASE is copied out of its slot into kernel
 * memory, allocated before it is taken, and the slot is released at once: so a
 * long job holds up no lane. Then it is
 *
 *	held	    by one endpoint, until that acknowledges it, replies to it, gives it
 *		    back, closes, or its deadline passes
 *	waiting	    given back: for the next receiver, before what is in the slots, or
 *		    behind what was there when it was given back; unless it was so too
 *		    often, and is given up
 *
 * and it is counted as pending all the while, also in the moments when it is in a
 * system call's hands. What waits is announced as parked messages are: so mapped
 * receivers come and ask.
 *
 * Locks: room->lock, innermost but for that of wait. Context: process context. Only
 * mailbox_lease_alloc() sleeps.
 */
#ifndef MAILBOX_LEASE_H
#define MAILBOX_LEASE_H

#include <linux/list.h>
#include <linux/mailbox.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ring.h"

struct mailbox_lease_owner;

/* An endpoint keeps the memory of one lease that has room for no more than this. */
#define MAILBOX_LEASE_SHORT	256

/**
 * struct mailbox_lease_room - the leases of a port
 * @ring: the port's
 * @lock: protects what follows, every list of leases, and what is in them
 * @filled: all that are pending
 * @waiting: given back, in the order in which they are to be received
 * @timed: held with a deadline
 * @expiry: for the first of those
 * @pending: on each lane: held, waiting, or in somebody's hands
 * @purged: nobody is to receive what is given back
 * @owner: told what happens, of messages whose sender wants a receipt: @gives_back
 *	before another receiver can have it, @discards when a purge meets it; and of
 *	lanes: @returned when something waits there, @emptied when nothing is pending
 */
struct mailbox_lease_room {
	struct mailbox_ring *ring;
	spinlock_t lock;		/* protects what follows */
	struct list_head filled;
	struct list_head waiting;
	struct list_head timed;
	struct delayed_work expiry;
	u32 pending[MAILBOX_LANES_MAX];
	bool purged;

	const struct mailbox_lease_owner *owner;
};

struct mailbox_lease_owner {
	void (*gives_back)(struct mailbox_lease_room *room, u32 lane, u64 position);
	void (*discards)(struct mailbox_lease_room *room, u32 lane, u64 position);
	void (*returned)(struct mailbox_lease_room *room, u32 lane);
	void (*emptied)(struct mailbox_lease_room *room, u32 lane);
};

/**
 * struct mailbox_leases - those of one endpoint
 * @id: the endpoint
 * @held: by it; under room->lock
 * @spare: memory for the next one, or NULL; under room->lock
 */
struct mailbox_leases {
	u32 id;
	struct list_head held;
	struct mailbox_lease *spare;
};

/**
 * struct mailbox_lease - one of them
 * @filled: in room->filled
 * @node: among those of its holder, or among those that wait
 * @timed: in room->timed, or in no list
 * @refs: one for who has it, one for each who looks at it
 * @deadline: when it is given back, ns of CLOCK_MONOTONIC; 0: never
 * @lane: whence it came
 * @behind: as long as it waits: messages before this position come first
 * @size: room in @data
 * @holder: the endpoint that held it last
 * @t: the message; its payload is @data
 * @data: its bytes, once and for all
 */
struct mailbox_lease {
	struct list_head filled;
	struct list_head node;
	struct list_head timed;
	refcount_t refs;
	u64 deadline;
	u32 lane;
	u64 behind;
	u32 size;
	u32 holder;
	struct mailbox_taken t;
	u8 data[] __aligned(8);
};

void mailbox_lease_room_init(struct mailbox_lease_room *room, struct mailbox_ring *ring,
			     const struct mailbox_lease_owner *owner);

/* Nobody holds a lease any more. May sleep. */
void mailbox_lease_room_destroy(struct mailbox_lease_room *room);

/* Of the endpoint with this id. */
static inline void mailbox_leases_init(struct mailbox_leases *leases, u32 id)
{
	leases->id = id;
	INIT_LIST_HEAD(&leases->held);
	leases->spare = NULL;
}

/* The endpoint is closed: what it holds is given back. */
void mailbox_leases_close(struct mailbox_lease_room *room, struct mailbox_leases *leases);

/**
 * mailbox_lease_alloc() - memory for a message
 * @room: of the port
 * @leases: of the endpoint
 * @size: of the longest one
 *
 * Its spare one, or charged to the caller's memory cgroup. Return: the lease, or NULL.
 */
struct mailbox_lease *mailbox_lease_alloc(struct mailbox_lease_room *room,
					  struct mailbox_leases *leases, u32 size);

/* It was not filled: the endpoint's spare one, or freed. */
void mailbox_lease_free(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease);

/* Be done with looking at one. */
void mailbox_lease_put(struct mailbox_lease *lease);

/**
 * mailbox_lease_fill() - copy a message that was taken out of its slot
 * @room: of the port
 * @lease: with room for it
 * @lane: whence
 * @t: the message. Release its slot after this
 */
void mailbox_lease_fill(struct mailbox_lease_room *room, struct mailbox_lease *lease, u32 lane,
			const struct mailbox_taken *t);

/**
 * mailbox_lease_take() - take a message that waits
 * @room: of the port
 * @lane: on this lane
 * @own: the endpoint's position there as a receiver
 * @limit: longest message to take
 * @t: out: the message; with -EMSGSIZE only its length
 *
 * Return: the lease, which is the caller's to hold, return or drop; or ERR_PTR(-EAGAIN
 * (there is none), -EMSGSIZE (left where it is)).
 */
struct mailbox_lease *mailbox_lease_take(struct mailbox_lease_room *room, u32 lane,
					 const u64 *own, size_t limit, struct mailbox_taken *t);

/* Would that find one? */
bool mailbox_lease_waits(struct mailbox_lease_room *room, u32 lane, const u64 *own);

/**
 * mailbox_lease_nth() - look at a message that waits, and take nothing
 * @room: of the port
 * @lane: on this lane
 * @slots: on its first message in a slot; out: moved over those that come before
 * @index: how many messages to pass first; out: less those that were passed
 * @t: out: the message
 *
 * Return: the lease, with a reference, if the message is one that waits; NULL: it is the
 * one that lies so many behind @slots, if there are so many.
 */
struct mailbox_lease *mailbox_lease_nth(struct mailbox_lease_room *room, u32 lane,
					struct mailbox_cursor *slots, u32 *index,
					struct mailbox_taken *t);

/**
 * mailbox_lease_hold() - it is this endpoint's from now on
 * @room: of the port
 * @leases: of the endpoint
 * @lease: the caller's
 * @deadline: ns of CLOCK_MONOTONIC; 0: none
 */
void mailbox_lease_hold(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease, u64 deadline);

/**
 * mailbox_lease_claim() - take back what this endpoint holds
 * @room: of the port
 * @leases: of the endpoint
 * @lane: of the message
 * @position: there
 *
 * Return: the lease, the caller's now; or NULL.
 */
struct mailbox_lease *mailbox_lease_claim(struct mailbox_lease_room *room,
					  struct mailbox_leases *leases, u32 lane, u64 position);

/**
 * mailbox_lease_return() - give it back for the next receiver
 * @room: of the port
 * @lease: the caller's
 * @failed: count a delivery that came to nothing. If that was one too many it does not
 *	come again, see struct mailbox_ring.bury
 * @back: not before what is in the slots now
 */
void mailbox_lease_return(struct mailbox_lease_room *room, struct mailbox_lease *lease,
			  bool failed, bool back);

/* How many an endpoint holds. */
u32 mailbox_leases_count(struct mailbox_lease_room *room, const struct mailbox_leases *leases);

/* It is finished. @leases: of an endpoint for which to keep its memory; or NULL. */
void mailbox_lease_drop(struct mailbox_lease_room *room, struct mailbox_leases *leases,
			struct mailbox_lease *lease);

/* Whether any message of these lanes is held, waits, or is in somebody's hands. */
bool mailbox_lease_pending(struct mailbox_lease_room *room, u32 lanes);

/**
 * mailbox_lease_each_sender() - name the sender of each message that is pending
 * @room: of the port
 * @visit: called with each id, under the lock
 * @arg: for @visit
 *
 * A message is here before it leaves its slot: look there first.
 */
void mailbox_lease_each_sender(struct mailbox_lease_room *room,
			       void (*visit)(void *arg, u32 id), void *arg);

/* Discard what waits, and from now on what is given back. */
void mailbox_lease_purge(struct mailbox_lease_room *room);

/**
 * mailbox_lease_stats() - count them
 * @room: of the port
 * @waiting: out: for the next receiver
 *
 * Return: all that are pending.
 */
u32 mailbox_lease_stats(struct mailbox_lease_room *room, u32 *waiting);

#endif /* MAILBOX_LEASE_H */
