/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: the port: attributes, names, lifetime, permission, who sent what.
 *
 * States: a named port is live from mailbox_port_create() until somebody
 * deletes it; then its name and node are gone and receivers take what is left;
 * the last reference frees it. A nameless port is live until its last close.
 *
 * References: the device's. One for the name, one for each endpoint.
 *
 * A direct port has two ends, see ends.h. When the holder of one has gone, the queue
 * of the other says so, until there is a new one.
 *
 * A port with a limit counts its messages, see limit.h.
 *
 * Messages that were delivered in vain too often move to the port's dead-letter port, if it
 * has one. That is looked up, and its permission asked, when the port is made, and is cut
 * off when that one loses its name; it has none itself, so there is no circle. To move one takes
 * none of its locks but those inside receipt and wait: it is a send like any other, under
 * an id by which the creator of the one port has joined the other.
 *
 * Lock order: mailbox_ports_lock, port->lock, mailbox_dead_lock, then the locks inside quota,
 * lease, receipt, notify and wait; that inside notify is held while a message is looked for,
 * and so before that inside lease. The data path takes none of the first three.
 */
#ifndef MAILBOX_PORT_H
#define MAILBOX_PORT_H

#include <linux/bits.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/mailbox.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "ends.h"
#include "lease.h"
#include "notify.h"
#include "receipt.h"
#include "ring.h"
#include "wait.h"

/* The identities of so many closed endpoints may stay without need. */
#define MAILBOX_DEPARTED_MAX	64

/* Of so many endpoints, if they joined in a row, who they are is found at one look. */
#define MAILBOX_NEAR		64

/* In port->room: the bits of lanes are above this one. */
#define MAILBOX_ROOM_LANES	32

/* Full lanes make no sender wait. */
#define MAILBOX_DROP	(MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST)

struct mailbox_mapping;

/**
 * struct mailbox_blocked - what a walk ended at before its owner went to sleep
 * @word: of the slot that was in the way; 0: none yet
 * @since: the first time
 */
struct mailbox_blocked {
	u64 word;
	u64 since;
};

/**
 * struct mailbox_port - a port
 * @room: with a limit: how many more messages there may be, and above MAILBOX_ROOM_LANES a bit for
 *	each lane that may hold one; without: all lanes may. Every message passes here
 * @ring: the slots
 * @receivers: who waits for a message
 * @senders: who waits for a slot
 * @runners: who maps a direct port
 * @ledger: which senders wait for word of a message
 * @leases: which receivers have yet to finish one
 * @deleted: nothing may be sent any more
 * @forgeable: was mapped for writing once: what slots say is nobody's word
 * @dead: where dead letters go, or NULL; under mailbox_dead_lock, as is what follows
 * @dead_id: who this port is there
 * @dead_node: among the feeders of that port
 * @feeders: ports whose dead letters come here
 * @flags: MAILBOX_SEALED, MAILBOX_AUTODELETE, MAILBOX_DIRECT
 * @capacity: slots per lane
 * @limit: messages at most; 0: as many as the lanes hold, and the next two unused
 * @writers: who waits for that
 * @writers_shown: what that shows to nobody
 * @notices: who is told of a message to the empty port
 * @mode: permission bits at creation
 * @uid: owner
 * @gid: group
 * @name: as created, or empty; zero to the end
 * @dead_name: of the dead-letter port, likewise
 * @dev: sysfs, node and reference count
 * @named: in the name table; under mailbox_ports_lock
 * @by_name: there; likewise
 * @lock: protects what follows
 * @identities: endpoint id -> struct mailbox_identity; readers under RCU
 * @near: some of them, by id modulo MAILBOX_NEAR, those that came first; likewise
 * @next_id: where the search for a free id goes on
 * @endpoints: open ones
 * @departed: identities of closed ones
 * @sweep_at: how many of those make it worth to look who is still named
 * @mappings: of endpoints, for sending and receiving
 * @mapped: those endpoints
 * @ends: of a direct port
 * @blocked: for each lane, what receivers and what senders met
 */
struct mailbox_port {
	atomic64_t room;
	struct mailbox_ring ring;
	struct mailbox_queue receivers;
	struct mailbox_queue senders;
	struct mailbox_runners runners;
	struct mailbox_ledger ledger;
	struct mailbox_lease_room leases;
	bool deleted;
	bool forgeable;

	struct mailbox_port *dead;	/* under mailbox_dead_lock, and the next three */
	u32 dead_id;
	struct list_head dead_node;
	struct list_head feeders;

	u32 flags;
	u32 capacity;
	u32 limit;
	struct mailbox_queue writers;
	atomic64_t writers_shown;
	struct mailbox_notices notices;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
	char name[MAILBOX_NAME_SIZE];
	char dead_name[MAILBOX_NAME_SIZE];

	struct device dev;
	bool named;
	struct hlist_node by_name;

	struct mutex lock;		/* protects what follows */
	struct xarray identities;
	struct mailbox_identity __rcu *near[MAILBOX_NEAR];
	u32 next_id;
	u32 endpoints;
	u32 departed;
	u32 sweep_at;
	u32 mappings;
	struct list_head mapped;
	struct mailbox_ends ends;
	struct {
		struct mailbox_blocked receivers;
		struct mailbox_blocked senders;
	} blocked[];
};

/**
 * struct mailbox_endpoint - one open file on a port
 * @port: holds a reference
 * @id: unique on the port, 1..MAILBOX_ENDPOINTS_MAX
 * @default_lane: where write(2) sends
 * @default_lane_mask: the same as a mask
 * @receive_mask: lanes it receives from
 * @owner: the id under which its mapping owns slots, or 0; under port->lock
 * @evicted: it never gets a mapping again; under port->lock
 * @unread: what the receiver of a direct port had left when this one was told
 * @mapping: of @owner; under port->lock
 * @mapped: in port->mapped while it has an @owner
 * @fasync: who gets SIGIO
 * @sigio_in: for messages; registered while @fasync is not empty
 * @sigio_out: for free slots, likewise
 * @sigio_receipt: for receipts, likewise
 * @receipts: of what it sent
 * @leases: of what it received
 * @position: for each lane
 *
 * Threads and processes may share it; nothing here is locked.
 */
struct mailbox_endpoint {
	struct mailbox_port *port;
	u32 id;
	u32 default_lane;
	u32 default_lane_mask;
	u32 receive_mask;
	u32 owner;
	bool evicted;
	u32 unread;
	struct mailbox_mapping *mapping;
	struct list_head mapped;
	struct fasync_struct *fasync;
	struct mailbox_sigio sigio_in;
	struct mailbox_sigio sigio_out;
	struct mailbox_sigio sigio_receipt;
	struct mailbox_receipts receipts;
	struct mailbox_leases leases;
	struct mailbox_position position[];
};

/**
 * struct mailbox_identity - who opened an endpoint
 * @id: of the endpoint
 * @pid: the process
 * @uid: its effective uid
 * @gid: its effective gid
 * @departed: the endpoint is closed; under port->lock
 * @named: a message in the slots still names it; under port->lock
 * @rcu: for receivers that look at it meanwhile
 *
 * Stays when the endpoint goes, until no message names its id.
 */
struct mailbox_identity {
	u32 id;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	bool departed;
	bool named;
	struct rcu_head rcu;
};

/* Protects the name table, and names against create, open and delete. */
extern struct mutex mailbox_ports_lock;

extern unsigned int mailbox_max_ports;		/* module parameters */
extern unsigned long mailbox_max_port_bytes;

/**
 * mailbox_port_check() - judge attributes, and put in the defaults
 * @attr: from the user
 *
 * Return: 0 or -EINVAL.
 */
int mailbox_port_check(struct mailbox_create *attr);

/**
 * mailbox_name_check() - judge a name
 * @name: MAILBOX_NAME_SIZE bytes
 *
 * Return: 0 or -EINVAL.
 */
int mailbox_name_check(const char *name);

/**
 * mailbox_port_alloc() - make a port that nobody can find yet
 * @attr: checked
 * @uid: owner, who is charged
 * @gid: group
 *
 * Context: not under mailbox_ports_lock.
 *
 * Return: the port with one reference, or ERR_PTR(-EDQUOT, -ENOMEM, -ENOSPC, -ESRCH); of the
 * dead-letter port -ENOENT, -EACCES, -EMSGSIZE, -EOPNOTSUPP, -ENOSPC.
 */
struct mailbox_port *mailbox_port_alloc(const struct mailbox_create *attr, kuid_t uid,
					kgid_t gid);

/**
 * mailbox_port_publish() - give a port its name and node
 * @port: fresh; the table takes a reference of its own
 *
 * Context: under mailbox_ports_lock.
 *
 * Return: 0, -EEXIST, -ENOSPC, or -ENOMEM.
 */
int mailbox_port_publish(struct mailbox_port *port);

/**
 * mailbox_port_find() - the port of a name, or of a device number
 * @name: checked
 *
 * Context: under mailbox_ports_lock, which keeps the port; get it to keep it longer.
 *
 * Return: the port or NULL.
 */
struct mailbox_port *mailbox_port_find(const char *name);
struct mailbox_port *mailbox_port_find_minor(unsigned int minor);

/**
 * mailbox_port_permission() - may the caller open it so?
 * @port: by its mode bits at creation
 * @open_flags: O_ACCMODE of an open
 *
 * Return: 0 or -EACCES.
 */
int mailbox_port_permission(const struct mailbox_port *port, unsigned int open_flags);

/**
 * mailbox_port_unlink() - take the name away from a port, no more
 * @port: named; the table's reference is put
 *
 * Who has it open goes on with a nameless one. Context: under mailbox_ports_lock.
 */
void mailbox_port_unlink(struct mailbox_port *port);

/**
 * mailbox_port_delete() - end a named port
 * @port: named; the table's reference is put
 * @purge: discard what is queued
 *
 * Everybody asleep is woken. Context: under mailbox_ports_lock.
 */
void mailbox_port_delete(struct mailbox_port *port, bool purge);

static inline void mailbox_port_get(struct mailbox_port *port)
{
	get_device(&port->dev);
}

static inline void mailbox_port_put(struct mailbox_port *port)
{
	put_device(&port->dev);
}

/**
 * mailbox_port_join() - a new endpoint
 * @port: the port; the endpoint takes a reference
 * @open_flags: O_ACCMODE of an open
 *
 * Return: the endpoint, or ERR_PTR(): -ENXIO (deleted meanwhile), -ENOSPC (no
 * id left), -ENOMEM; of a direct port also -EPERM or -EBUSY.
 */
struct mailbox_endpoint *mailbox_port_join(struct mailbox_port *port, unsigned int open_flags);

/**
 * mailbox_port_leave() - an endpoint is closed
 * @ep: freed; its id is not used again while a message names it
 */
void mailbox_port_leave(struct mailbox_endpoint *ep);

/**
 * mailbox_port_take() - an endpoint of a direct port is used for one direction
 * @ep: the endpoint
 * @end: MAILBOX_END_SEND or MAILBOX_END_RECEIVE
 *
 * Return: 0, or -EBUSY: that end is not its own.
 */
int mailbox_port_take(struct mailbox_endpoint *ep, u32 end);

/**
 * mailbox_port_broken() - the queue says that the receiver has gone: may it be sent?
 * @ep: the sender
 *
 * Return: 0 (there is a new one), -ECONNRESET (once, if something was left unread:
 * @ep->unread), -EPIPE, or -EIDRM.
 */
int mailbox_port_broken(struct mailbox_endpoint *ep);

/**
 * mailbox_port_adopt() - an endpoint is mapped, and gets an id for what it owns so
 * @ep: the endpoint
 * @mapping: for ep->mapping
 *
 * An id of its own, so that the mapping's departure is no business of a system
 * call that goes on meanwhile on the same endpoint.
 *
 * Return: 0, -ESHUTDOWN (it was evicted), -EBUSY (it is mapped already), -ENOSPC
 * (no id left), or -ENOMEM.
 */
int mailbox_port_adopt(struct mailbox_endpoint *ep, struct mailbox_mapping *mapping);

/**
 * mailbox_port_disown() - the mapping is gone: undo what it left half done
 * @ep: the endpoint; nobody can write to the slots under its id any more
 *
 * Once: an evicted mapping is closed later, or by two evictions at a time.
 */
void mailbox_port_disown(struct mailbox_endpoint *ep);

/**
 * mailbox_port_mapped() - find a mapped endpoint
 * @port: the port
 * @id: the lowest to look at
 *
 * Context: under port->lock, which keeps it mapped.
 *
 * Return: the one with the lowest id, or NULL.
 */
struct mailbox_endpoint *mailbox_port_mapped(struct mailbox_port *port, u32 id);

/**
 * mailbox_port_note() - a task is about to sleep: who is in its way, and since when?
 * @port: the port
 * @receiver: the task is one
 * @n: a lane it waits for
 * @own: the endpoint's position there, for that direction
 *
 * Only participants by mapping are of interest, and only a slot in their hands: see
 * first whether there are any.
 */
void mailbox_port_note(struct mailbox_port *port, bool receiver, u32 n, const u64 *own);

/**
 * mailbox_port_holder() - what a mapped endpoint holds
 * @port: the port
 * @holder: in: the lowest endpoint to look at; out: all but the size and the name
 *
 * Return: 0 or -ESRCH.
 */
int mailbox_port_holder(struct mailbox_port *port, struct mailbox_holder *holder);

/**
 * mailbox_port_sender() - who sent a message
 * @port: the port
 * @id: from the slot
 * @m: out: pid, uid and gid in the caller's namespaces; sender; trusted flag if
 *	the port was never mapped for writing
 *
 * Context: while the message is in the caller's hands.
 */
static __always_inline void mailbox_port_sender(struct mailbox_port *port, u32 id,
						struct mailbox_message *m)
{
	struct user_namespace *ns = current_user_ns();
	const struct mailbox_identity *identity;

	m->sender = id;
	if (likely(!READ_ONCE(port->forgeable)))
		m->flags |= MAILBOX_MSG_TRUSTED;
	rcu_read_lock_sched();
	identity = rcu_dereference_sched(port->near[id % MAILBOX_NEAR]);
	if (unlikely(!identity || identity->id != id))
		identity = xa_load(&port->identities, id);
	if (unlikely(!identity)) {
		m->pid = 0;	/* forged */
		m->uid = 0;
		m->gid = 0;
	} else {
		/* In the initial namespaces, most often, these are plain numbers. */
		m->pid = task_pid(current)->level ? pid_vnr(identity->pid) :
						    pid_nr(identity->pid);
		m->uid = ns == &init_user_ns ? __kuid_val(identity->uid) :
					       from_kuid_munged(ns, identity->uid);
		m->gid = ns == &init_user_ns ? __kgid_val(identity->gid) :
					       from_kgid_munged(ns, identity->gid);
	}
	rcu_read_unlock_sched();
}

/**
 * mailbox_port_party() - who an endpoint is, for a receipt
 * @port: the port
 * @id: of the endpoint, which may have gone; or 0
 * @party: out; with a reference to the pid, if it is still known
 */
void mailbox_port_party(struct mailbox_port *port, u32 id, struct mailbox_party *party);

/**
 * mailbox_port_overflow() - a lane is full: what does the port do about it?
 * @port: the port
 * @n: the lane
 * @keep: not drop the message that is to be sent
 *
 * Return: -EAGAIN (wait), -EIDRM, 0 (that message is dropped, and counted), or 1 (another one
 * was, and there may be a slot now).
 */
int mailbox_port_overflow(struct mailbox_port *port, u32 n, bool keep);

/**
 * mailbox_port_info() - attributes and statistics
 * @port: the port
 * @ep: an endpoint of it, or NULL
 * @info: out, but for what belongs to an endpoint
 */
void mailbox_port_info(struct mailbox_port *port, const struct mailbox_endpoint *ep,
		       struct mailbox_info *info);

/**
 * mailbox_port_wake_receivers() - after something became receivable
 * @port: the port
 * @lanes: where
 *
 * Wakes one of them; on a deleted port everybody, whatever the event.
 */
void mailbox_port_wake_receivers(struct mailbox_port *port, u32 lanes);

/* How many more messages a port with a limit may have. */
static inline u32 mailbox_port_room(const struct mailbox_port *port)
{
	return atomic64_read(&port->room);
}

/* The lanes that may hold a message: see limit.h. Others hold none, and it was so at this look. */
static __always_inline u32 mailbox_port_lanes(const struct mailbox_port *port)
{
	return atomic64_read(&port->room) >> MAILBOX_ROOM_LANES;
}

/* A message is about to be published on this lane. */
static __always_inline void mailbox_port_use_lane(struct mailbox_port *port, u32 n)
{
	if (unlikely(!(mailbox_port_lanes(port) & BIT(n))))
		atomic64_or(BIT_ULL(MAILBOX_ROOM_LANES + n), &port->room);
}

/* Where those stand who poll for room. */
static inline struct mailbox_queue *mailbox_port_pollout(struct mailbox_port *port)
{
	return port->limit ? &port->writers : &port->senders;
}

/**
 * mailbox_port_wake_senders() - after a slot became free
 * @port: the port
 * @lanes: where
 */
void mailbox_port_wake_senders(struct mailbox_port *port, u32 lanes);

/* A slot of this lane went void: for whoever walks. */
static inline void mailbox_port_wake_both(struct mailbox_port *port, u32 n)
{
	mailbox_port_wake_receivers(port, BIT(n));
	mailbox_port_wake_senders(port, BIT(n));
}

/**
 * mailbox_port_query() - MAILBOX_IOC_QUERY: features, limits, what is used of them
 * @user: struct mailbox_query
 *
 * Return: 0 or an error of mailbox_abi_get().
 */
long mailbox_port_query(void __user *user);

/* Delete all named ports, at module exit. */
void mailbox_ports_exit(void);

#endif /* MAILBOX_PORT_H */
