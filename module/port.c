// SPDX-License-Identifier: GPL-2.0-only
/* Ports: attributes, names, lifetime, permission, identities. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/fcntl.h>
#include <linux/hashtable.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "abi.h"
#include "port.h"
#include "quota.h"
#include "sysfs.h"
#include "trace.h"

unsigned int mailbox_max_ports = 1024;
unsigned long mailbox_max_port_bytes = 64UL << 20;

DEFINE_MUTEX(mailbox_ports_lock);		/* protects the name table, see port.h */
static DEFINE_XARRAY_ALLOC1(mailbox_ports);	/* minor -> named port; under mailbox_ports_lock */
static DEFINE_HASHTABLE(mailbox_names, 8);	/* the same ones by name; likewise */
static DEFINE_SPINLOCK(mailbox_dead_lock);	/* protects who is whose dead-letter port */
static atomic_t mailbox_ports_count = ATOMIC_INIT(0);

/* Attributes and names */

static bool mailbox_dead_letter_valid(const struct mailbox_create *attr)
{
	if (!memchr_inv(attr->dead_letter, 0, sizeof(attr->dead_letter)))
		return true;
	return attr->max_deliveries && !mailbox_name_check(attr->dead_letter);
}

int mailbox_port_check(struct mailbox_create *attr)
{
	if (!attr->message_size)
		attr->message_size = MAILBOX_MESSAGE_SIZE_DEFAULT;
	if (!attr->capacity)
		attr->capacity = MAILBOX_CAPACITY_DEFAULT;
	if (!attr->lanes)
		attr->lanes = MAILBOX_LANES_DEFAULT;
	if (!attr->mode)
		attr->mode = MAILBOX_MODE_DEFAULT;

	if (attr->flags & ~(MAILBOX_SEALED | MAILBOX_AUTODELETE | MAILBOX_DIRECT | MAILBOX_DROP |
			    MAILBOX_EXCLUSIVE))
		return -EINVAL;
	/* A mapped receiver at a direct port takes without asking. */
	if (attr->flags & MAILBOX_DROP_OLDEST &&
	    attr->flags & (MAILBOX_DROP_NEWEST | MAILBOX_DIRECT))
		return -EINVAL;
	if (attr->pad2 || (attr->peer_pid && !(attr->flags & MAILBOX_DIRECT)))
		return -EINVAL;
	if (attr->max_deliveries > MAILBOX_DELIVERIES_MAX || !mailbox_dead_letter_valid(attr))
		return -EINVAL;
	if (attr->limit && (!(attr->flags & MAILBOX_SEALED) || attr->limit > attr->capacity ||
			    attr->max_deliveries || attr->flags & (MAILBOX_DIRECT | MAILBOX_DROP)))
		return -EINVAL;
	if (attr->message_size > MAILBOX_MESSAGE_MAX)
		return -EINVAL;
	if (attr->capacity < MAILBOX_CAPACITY_MIN || attr->capacity > MAILBOX_CAPACITY_MAX ||
	    !is_power_of_2(attr->capacity))
		return -EINVAL;
	if (attr->lanes > MAILBOX_LANES_MAX)
		return -EINVAL;
	if (attr->mode & ~0777)
		return -EINVAL;
	if (mailbox_ring_bytes(attr->message_size, attr->capacity, attr->lanes) >
	    READ_ONCE(mailbox_max_port_bytes))
		return -EINVAL;
	return 0;
}

int mailbox_name_check(const char *name)
{
	size_t length = strnlen(name, MAILBOX_NAME_SIZE), i;

	if (!length || length == MAILBOX_NAME_SIZE || name[0] == '.' || !strcmp(name, "control"))
		return -EINVAL;
	if (memchr_inv(name + length, 0, MAILBOX_NAME_SIZE - length))
		return -EINVAL;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("._-", name[i])))
			return -EINVAL;
	return 0;
}

int mailbox_port_permission(const struct mailbox_port *port, unsigned int open_flags)
{
	unsigned int access = open_flags & O_ACCMODE;
	umode_t want = 0, mode = port->mode;

	if (access != O_WRONLY)
		want |= 4;
	if (access != O_RDONLY)
		want |= 2;
	if (uid_eq(current_fsuid(), port->uid))
		mode >>= 6;
	else if (in_group_p(port->gid))
		mode >>= 3;
	if ((mode & want) == want || capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

/* Identities */

static void mailbox_identity_free(struct rcu_head *rcu)
{
	struct mailbox_identity *identity = container_of(rcu, struct mailbox_identity, rcu);

	put_pid(identity->pid);
	kfree(identity);
}

static void mailbox_identity_name(void *arg, u32 id)
{
	struct mailbox_port *port = arg;
	struct mailbox_identity *identity = xa_load(&port->identities, id);

	if (identity)
		identity->named = true;
}

/* It may still be in others' hands. */
static void mailbox_identity_remove(struct mailbox_port *port, u32 id)
{
	struct mailbox_identity *identity = xa_erase(&port->identities, id);
	struct mailbox_identity __rcu **near = &port->near[id % MAILBOX_NEAR];

	lockdep_assert_held(&port->lock);
	if (rcu_access_pointer(*near) == identity)
		RCU_INIT_POINTER(*near, NULL);
	call_rcu(&identity->rcu, mailbox_identity_free);
}

/* Forget the departed whom no message names. */
static void mailbox_port_sweep(struct mailbox_port *port)
{
	struct mailbox_identity *identity;
	unsigned long id;

	lockdep_assert_held(&port->lock);
	xa_for_each(&port->identities, id, identity)
		identity->named = false;
	mailbox_ring_each_sender(&port->ring, mailbox_identity_name, port);
	mailbox_lease_each_sender(&port->leases, mailbox_identity_name, port);
	xa_for_each(&port->identities, id, identity) {
		if (!identity->departed || identity->named)
			continue;
		mailbox_identity_remove(port, id);
		port->departed--;
	}
	/* So that a sweep costs each departure since the last one a constant. */
	port->sweep_at = port->endpoints + 2 * port->departed + MAILBOX_DEPARTED_MAX;
}

static int mailbox_identity_add(struct mailbox_port *port, struct mailbox_identity *identity,
				u32 *id)
{
	int err;

	lockdep_assert_held(&port->lock);
	err = xa_alloc_cyclic(&port->identities, id, identity, XA_LIMIT(1, MAILBOX_ENDPOINTS_MAX),
			      &port->next_id, MAILBOX_GFP);
	if (err >= 0)		/* 1: the ids have wrapped */
		identity->id = *id;
	return min(err, 0);
}

/* To be found at one look, unless that place is taken: who stays keeps his. */
static void mailbox_identity_settle(struct mailbox_port *port, struct mailbox_identity *identity)
{
	struct mailbox_identity __rcu **near = &port->near[identity->id % MAILBOX_NEAR];
	const struct mailbox_identity *holder;

	holder = rcu_dereference_protected(*near, lockdep_is_held(&port->lock));
	if (!holder || holder->departed)
		rcu_assign_pointer(*near, identity);
}

static int mailbox_port_enrol(struct mailbox_port *port, struct mailbox_identity *identity,
			      u32 *id)
{
	int err;

	lockdep_assert_held(&port->lock);
	err = mailbox_identity_add(port, identity, id);
	if (err == -EBUSY) {
		mailbox_port_sweep(port);
		err = mailbox_identity_add(port, identity, id);
	}
	return err == -EBUSY ? -ENOSPC : err;
}

/* The caller's. */
static struct mailbox_identity *mailbox_identity_alloc(void)
{
	struct mailbox_identity *identity = kzalloc(sizeof(*identity), MAILBOX_GFP);

	if (identity) {
		identity->pid = get_task_pid(current, PIDTYPE_TGID);
		identity->uid = current_euid();
		identity->gid = current_egid();
	}
	return identity;
}

/* Waking */

static void mailbox_port_wake_all(struct mailbox_port *port)
{
	mailbox_queue_wake(&port->receivers, MAILBOX_ALL_LANES, true);
	mailbox_queue_wake(&port->senders, MAILBOX_ALL_LANES, true);
	mailbox_queue_wake(&port->writers, MAILBOX_ALL_LANES, true);
}

static void mailbox_port_wake(struct mailbox_port *port, struct mailbox_queue *q, u32 lanes)
{
	trace_mailbox_wakeup(port, q == &port->receivers, lanes);
	if (likely(!READ_ONCE(port->deleted))) {
		mailbox_queue_wake(q, lanes, false);
		return;
	}
	/* Nothing new comes after this: everybody must look, maybe for the last time. */
	mailbox_port_wake_all(port);
}

void mailbox_port_wake_receivers(struct mailbox_port *port, u32 lanes)
{
	mailbox_port_wake(port, &port->receivers, lanes);
}

void mailbox_port_wake_senders(struct mailbox_port *port, u32 lanes)
{
	mailbox_port_wake(port, &port->senders, lanes);
}

/* Endpoints */

/* The ends have changed hands: tell whom it concerns. */
static void mailbox_port_hand_over(struct mailbox_port *port)
{
	lockdep_assert_held(&port->lock);
	mailbox_queue_forsake(&port->receivers, port->ends.sender_gone);
	mailbox_queue_forsake(&port->senders, port->ends.receiver_gone);
	smp_mb__after_atomic();		/* against (F) */
	mailbox_port_wake_all(port);
	mailbox_ledger_forsake(&port->ledger, port->ends.receiver_gone);
}

int mailbox_port_take(struct mailbox_endpoint *ep, u32 end)
{
	struct mailbox_port *port = ep->port;
	int err;

	mutex_lock(&port->lock);
	err = mailbox_ends_take(&port->ends, ep->id, end);
	if (!err)
		mailbox_port_hand_over(port);
	mutex_unlock(&port->lock);
	return err;
}

int mailbox_port_broken(struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;
	struct mailbox_ring_stats stats;
	int err = 0;

	if (READ_ONCE(port->deleted))
		return -EIDRM;
	mutex_lock(&port->lock);
	if (port->ends.receiver_gone)
		err = -EPIPE;
	if (port->ends.unread) {
		port->ends.unread = false;
		mailbox_ring_stats(&port->ring, mailbox_port_lanes(port), NULL, &stats);
		if (stats.depth)
			err = -ECONNRESET;
		ep->unread = stats.depth;
	}
	mutex_unlock(&port->lock);
	return err;
}

struct mailbox_endpoint *mailbox_port_join(struct mailbox_port *port, unsigned int open_flags)
{
	bool direct = port->flags & MAILBOX_DIRECT;
	struct mailbox_identity *identity;
	struct mailbox_endpoint *ep;
	int err = -ENOMEM;

	ep = kzalloc(struct_size(ep, position, port->ring.lanes), MAILBOX_GFP);
	if (!ep)
		return ERR_PTR(err);
	identity = mailbox_identity_alloc();
	if (!identity)
		goto err_free;

	mutex_lock(&port->lock);
	err = port->deleted ? -ENXIO : 0;
	if (!err && direct)
		err = mailbox_ends_admit(&port->ends, open_flags);
	if (!err)
		err = mailbox_port_enrol(port, identity, &ep->id);
	if (!err) {
		mailbox_identity_settle(port, identity);
		WRITE_ONCE(port->endpoints, port->endpoints + 1);
		if (direct) {
			mailbox_ends_join(&port->ends, ep->id, open_flags);
			mailbox_port_hand_over(port);
		}
	}
	mutex_unlock(&port->lock);
	if (err)
		goto err_identity;

	mailbox_port_get(port);
	ep->port = port;
	mailbox_receipts_init(&port->ledger, &ep->receipts, &port->senders);
	mailbox_leases_init(&ep->leases, ep->id);
	ep->default_lane_mask = BIT(0);
	ep->receive_mask = MAILBOX_ALL_LANES >> (MAILBOX_LANES_MAX - port->ring.lanes);
	return ep;

err_identity:
	mailbox_identity_free(&identity->rcu);
err_free:
	kfree(ep);
	return ERR_PTR(err);
}

/* It sends no more; its messages may still name it. */
static void mailbox_identity_depart(struct mailbox_port *port, u32 id)
{
	struct mailbox_identity *identity;

	lockdep_assert_held(&port->lock);
	identity = xa_load(&port->identities, id);
	identity->departed = true;
	port->departed++;
	if (port->departed >= port->sweep_at)
		mailbox_port_sweep(port);
}

/* True if that was the last one. */
static bool mailbox_port_strike(struct mailbox_port *port, u32 id)
{
	bool last;

	mutex_lock(&port->lock);
	WRITE_ONCE(port->endpoints, port->endpoints - 1);
	if (port->flags & MAILBOX_DIRECT) {
		mailbox_ends_leave(&port->ends, id);
		mailbox_port_hand_over(port);
	}
	last = !port->endpoints;
	mailbox_identity_depart(port, id);
	mutex_unlock(&port->lock);
	return last;
}

/* On a deleted port with one endpoint: nobody is left who could finish a message. */
static void mailbox_port_end_receipts(struct mailbox_port *port)
{
	if (READ_ONCE(port->deleted) && READ_ONCE(port->endpoints) <= 1)
		mailbox_ledger_close(&port->ledger, true);
}

void mailbox_port_leave(struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;

	mailbox_receipts_close(&port->ledger, &ep->receipts);
	mailbox_leases_close(&port->leases, &ep->leases);
	if (port->flags & MAILBOX_AUTODELETE) {
		mutex_lock(&mailbox_ports_lock);	/* nobody finds it in between */
		if (mailbox_port_strike(port, ep->id) && port->named)
			mailbox_port_delete(port, false);
		mutex_unlock(&mailbox_ports_lock);
	} else {
		mailbox_port_strike(port, ep->id);
	}
	mailbox_port_end_receipts(port);
	mailbox_port_put(port);
	kfree(ep);
}

/* Mappings */

int mailbox_port_adopt(struct mailbox_endpoint *ep, struct mailbox_mapping *mapping)
{
	struct mailbox_identity *identity = mailbox_identity_alloc();
	struct mailbox_port *port = ep->port;
	u32 id;
	int err;

	if (!identity)
		return -ENOMEM;
	mutex_lock(&port->lock);
	if (ep->evicted)
		err = -ESHUTDOWN;
	else
		err = ep->owner ? -EBUSY : mailbox_port_enrol(port, identity, &id);
	if (!err) {
		ep->owner = id;
		ep->mapping = mapping;
		list_add_tail(&ep->mapped, &port->mapped);
		WRITE_ONCE(port->mappings, port->mappings + 1);
		WRITE_ONCE(port->forgeable, true);
	}
	mutex_unlock(&port->lock);
	if (err)
		mailbox_identity_free(&identity->rcu);
	return err;
}

void mailbox_port_disown(struct mailbox_endpoint *ep)
{
	struct mailbox_port *port = ep->port;
	u32 lanes;

	mutex_lock(&port->lock);
	if (!ep->owner) {
		mutex_unlock(&port->lock);
		return;
	}
	lanes = mailbox_ring_repair(&port->ring, ep->owner);
	mailbox_identity_remove(port, ep->owner);
	ep->owner = 0;
	ep->mapping = NULL;
	list_del(&ep->mapped);
	WRITE_ONCE(port->mappings, port->mappings - 1);
	mutex_unlock(&port->lock);
	trace_mailbox_departure(port, ep->id, lanes);
	/* Always: it may have gone between an event and its kick. */
	mailbox_port_wake_all(port);
}

struct mailbox_endpoint *mailbox_port_mapped(struct mailbox_port *port, u32 id)
{
	struct mailbox_endpoint *ep, *lowest = NULL;

	lockdep_assert_held(&port->lock);
	list_for_each_entry(ep, &port->mapped, mapped)
		if (ep->id >= id && (!lowest || ep->id < lowest->id))
			lowest = ep;
	return lowest;
}

static struct mailbox_blocked *mailbox_port_blocked(struct mailbox_port *port, bool receiver,
						    u32 n)
{
	return receiver ? &port->blocked[n].receivers : &port->blocked[n].senders;
}

void mailbox_port_note(struct mailbox_port *port, bool receiver, u32 n, const u64 *own)
{
	struct mailbox_blocked *blocked = mailbox_port_blocked(port, receiver, n);
	const struct mailbox_ring_lane *lane = &port->ring.lane[n];
	struct mailbox_found found;
	u64 from;

	from = mailbox_ring_start(lane, own);
	found = receiver ? mailbox_ring_walk_ready(lane, from) : mailbox_ring_walk_free(lane, from);
	if (found.what != MAILBOX_FIND_NONE && found.what != MAILBOX_FIND_PENDING)
		return;
	switch (mailbox_word_phase(found.word)) {
	case MAILBOX_PHASE_WRITING:
		break;
	case MAILBOX_PHASE_READING:
	case MAILBOX_PHASE_SPLIT:
		if (!receiver)
			break;
		fallthrough;
	default:
		return;
	}
	mutex_lock(&port->lock);
	if (blocked->word != found.word) {
		blocked->word = found.word;
		blocked->since = ktime_get_ns();
	}
	mutex_unlock(&port->lock);
}

/* Does somebody sleep because of the slot that was noted, and is it still this owner's? */
static void mailbox_holder_blocks(struct mailbox_port *port, bool receiver, u32 n, u32 owner,
				  struct mailbox_holder *holder)
{
	struct mailbox_queue *q = receiver ? &port->receivers : &port->senders;
	const struct mailbox_ring_lane *lane = &port->ring.lane[n];
	struct mailbox_blocked blocked;
	u64 nowhere = 0, base, ns;

	if (!mailbox_queue_sleeps(q, BIT(n)))
		return;
	/* They may have gone to sleep before it took the slot. */
	mailbox_port_note(port, receiver, n, &nowhere);
	mutex_lock(&port->lock);
	blocked = *mailbox_port_blocked(port, receiver, n);
	mutex_unlock(&port->lock);
	if (mailbox_word_owner(blocked.word) != owner ||
	    mailbox_lane_word(&lane->view, blocked.word >> MAILBOX_SEQUENCE_SHIFT) != blocked.word)
		return;
	base = mailbox_ring_start(lane, &nowhere);
	ns = max(ktime_get_ns() - blocked.since, 1ULL);
	if (ns > holder->blocks_ns) {
		holder->blocks_ns = ns;
		holder->lane = n;
		holder->ticket = base + mailbox_word_distance(blocked.word, base);
	}
}

int mailbox_port_holder(struct mailbox_port *port, struct mailbox_holder *holder)
{
	struct user_namespace *ns = current_user_ns();
	struct mailbox_ring_held held;
	struct mailbox_identity *identity;
	struct mailbox_endpoint *ep;
	u32 owner = 0, n;

	mutex_lock(&port->lock);
	ep = mailbox_port_mapped(port, holder->endpoint);
	if (ep) {
		owner = ep->owner;
		identity = xa_load(&port->identities, owner);
		holder->endpoint = ep->id;
		holder->pid = pid_vnr(identity->pid);
		holder->uid = from_kuid_munged(ns, identity->uid);
	}
	mutex_unlock(&port->lock);
	if (!owner)
		return -ESRCH;
	mailbox_ring_held(&port->ring, owner, &held);
	holder->writing = held.writing;
	holder->reading = held.reading;
	holder->lane = held.lane;
	holder->ticket = held.position;
	holder->blocks_ns = 0;
	for (n = 0; n < port->ring.lanes; n++) {
		mailbox_holder_blocks(port, true, n, owner, holder);
		mailbox_holder_blocks(port, false, n, owner, holder);
	}
	return 0;
}

void mailbox_port_party(struct mailbox_port *port, u32 id, struct mailbox_party *party)
{
	struct mailbox_identity *identity;

	*party = (struct mailbox_party){ .id = id };
	rcu_read_lock();
	identity = xa_load(&port->identities, id);	/* there while it is open */
	if (identity) {
		party->pid = get_pid(identity->pid);
		party->uid = identity->uid;
		party->gid = identity->gid;
	}
	rcu_read_unlock();
}

/* Full lanes */

/* To make room. Returns 0, or -EAGAIN if all of it is in others' hands. */
static int mailbox_port_drop_oldest(struct mailbox_port *port, u32 n)
{
	struct mailbox_taken t;
	int err = mailbox_ring_drop(&port->ring, &port->ring.lane[n], &t);

	if (err == -EPROTO)
		mailbox_port_wake_both(port, n);
	if (err)
		return -EAGAIN;
	if (t.receipt)
		mailbox_ticket_finish(&port->ledger, n, t.position, MAILBOX_DISCARDED,
				      MAILBOX_REASON_DROPPED, NULL);
	mailbox_slot_release(&port->ring.lane[n].view, t.position);	/* (D) (E) */
	if (mailbox_queue_waiting(&port->senders))
		mailbox_port_wake_senders(port, BIT(n));
	return 0;
}

int mailbox_port_overflow(struct mailbox_port *port, u32 n, bool keep)
{
	if (READ_ONCE(port->deleted))
		return -EIDRM;
	if (!(port->flags & MAILBOX_DROP))
		return -EAGAIN;
	if (port->flags & MAILBOX_DROP_OLDEST && !mailbox_port_drop_oldest(port, n))
		return 1;
	if (keep)
		return -EAGAIN;
	mailbox_ring_refuse(&port->ring, &port->ring.lane[n]);
	return 0;
}

/* Dead letters */

/* Others take what was dropped for a letter: so often and no more. */
#define MAILBOX_DEAD_TRIES	16

/* A slot for a letter. Returns 0, -EAGAIN or -EIDRM. */
static int mailbox_dead_claim(struct mailbox_port *port, u32 n, u32 id, u64 *position)
{
	struct mailbox_ring_lane *lane = &port->ring.lane[n];
	u64 own = 0;
	int err, i;

	for (i = 0; i < MAILBOX_DEAD_TRIES; i++) {
		err = mailbox_ring_claim(&port->ring, lane, &own, id, position);
		if (err == -EPROTO)
			mailbox_port_wake_both(port, n);
		if (err == -EAGAIN) {
			err = mailbox_port_overflow(port, n, true);
			if (err < 0)
				return err;
		}
		if (!err)
			break;
	}
	if (err)
		return -EAGAIN;
	/* Looked at only now, after the claim: see mailbox_port_delete(). */
	if (mailbox_queue_closed(&port->senders)) {
		mailbox_ring_discard(&port->ring, lane, *position);
		mailbox_port_wake_both(port, n);
		return -EIDRM;
	}
	return 0;
}

/* Returns false if there is no room for it. */
static bool mailbox_dead_send(struct mailbox_port *port, u32 n, u32 id,
			      const struct mailbox_taken *t)
{
	struct mailbox_ring_lane *lane = &port->ring.lane[n];
	u64 position;

	if (mailbox_dead_claim(port, n, id, &position))
		return false;
	memcpy(mailbox_slot_write(&lane->view, position, t->length, t->tag, id), t->payload,
	       t->length);
	mailbox_slot_set_departed(&lane->view, position, t->departed);
	trace_mailbox_send(port, id, n, position, t->length);
	mailbox_slot_publish(&lane->view, position, id);		/* (B) (E) */
	if (mailbox_queue_waiting(&port->receivers))
		mailbox_port_wake_receivers(port, BIT(n));
	/* The chain, without a look whether there is another slot: whoever is woken looks. */
	if (mailbox_queue_pressed(&port->senders))
		mailbox_port_wake_senders(port, BIT(n));
	return true;
}

/* The port's dead-letter port, with a reference; or NULL. */
static struct mailbox_port *mailbox_dead_get(struct mailbox_port *port, u32 *id)
{
	struct mailbox_port *dead;

	spin_lock(&mailbox_dead_lock);
	dead = port->dead;
	*id = port->dead_id;
	if (dead)
		mailbox_port_get(dead);
	spin_unlock(&mailbox_dead_lock);
	return dead;
}

/* Move a message there. Returns false if it cannot be. */
static bool mailbox_dead_move(struct mailbox_port *port, u32 n, const struct mailbox_taken *t)
{
	struct mailbox_port *dead;
	bool moved;
	u32 id;

	dead = mailbox_dead_get(port, &id);
	if (!dead)
		return false;
	moved = mailbox_dead_send(dead, min(n, dead->ring.lanes - 1), id, t);
	mailbox_port_put(dead);
	return moved;
}

/* For the ring and the leases: see struct mailbox_ring. */
static bool mailbox_port_bury(struct mailbox_ring *ring, u32 n, const struct mailbox_taken *t,
			      u32 receiver)
{
	struct mailbox_port *port = container_of(ring, struct mailbox_port, ring);
	bool moves = port->dead_name[0];
	struct mailbox_party party;

	if (moves && !mailbox_dead_move(port, n, t))
		return false;
	atomic64_inc(moves ? &ring->moved : &ring->purged);
	trace_mailbox_give_up(port, receiver, n, t->position, t->length);
	if (t->receipt) {
		mailbox_port_party(port, receiver, &party);
		mailbox_ticket_finish(&port->ledger, n, t->position, MAILBOX_RECEIVER_DIED,
				      moves ? MAILBOX_REASON_MOVED : 0, &party);
	}
	return true;
}

static int mailbox_dead_check(const struct mailbox_port *port, const struct mailbox_port *dead)
{
	int err = mailbox_port_permission(dead, O_WRONLY);

	if (err)
		return err;
	if (dead->flags & MAILBOX_DIRECT || dead->limit || dead->ring.max_deliveries)
		return -EOPNOTSUPP;
	return dead->ring.message_size < port->ring.message_size ? -EMSGSIZE : 0;
}

/* The creator joins the dead-letter port, for this one. */
static int mailbox_dead_join(struct mailbox_port *port)
{
	struct mailbox_identity *identity = mailbox_identity_alloc();
	struct mailbox_port *dead;
	int err = -ENOENT;

	if (!identity)
		return -ENOMEM;
	mutex_lock(&mailbox_ports_lock);	/* nobody deletes it meanwhile */
	dead = mailbox_port_find(port->dead_name);
	if (dead)
		err = mailbox_dead_check(port, dead);
	if (!err) {
		mutex_lock(&dead->lock);
		err = mailbox_port_enrol(dead, identity, &port->dead_id);
		mutex_unlock(&dead->lock);
	}
	if (!err) {
		spin_lock(&mailbox_dead_lock);
		port->dead = dead;
		list_add(&port->dead_node, &dead->feeders);
		spin_unlock(&mailbox_dead_lock);
	}
	mutex_unlock(&mailbox_ports_lock);
	if (err)
		mailbox_identity_free(&identity->rcu);
	return err;
}

static void mailbox_dead_leave(struct mailbox_port *port)
{
	struct mailbox_port *dead;
	u32 id;

	dead = mailbox_dead_get(port, &id);
	if (!dead)
		return;
	mutex_lock(&dead->lock);
	mailbox_identity_depart(dead, id);
	mutex_unlock(&dead->lock);
	spin_lock(&mailbox_dead_lock);
	list_del_init(&port->dead_node);
	port->dead = NULL;
	spin_unlock(&mailbox_dead_lock);
	mailbox_port_put(dead);
}

/* The port has no name any more, and gets no more dead letters. */
static void mailbox_dead_cut(struct mailbox_port *dead)
{
	struct mailbox_port *port, *next;

	spin_lock(&mailbox_dead_lock);
	list_for_each_entry_safe(port, next, &dead->feeders, dead_node) {
		list_del_init(&port->dead_node);
		port->dead = NULL;
		WRITE_ONCE(port->dead_id, 0);
	}
	spin_unlock(&mailbox_dead_lock);
}

/* Lifetime */

static void mailbox_port_free(struct device *dev)
{
	struct mailbox_port *port = container_of(dev, struct mailbox_port, dev);
	struct mailbox_identity *identity;
	unsigned long id;

	xa_for_each(&port->identities, id, identity)
		mailbox_identity_free(&identity->rcu);
	xa_destroy(&port->identities);
	mailbox_notices_destroy(&port->notices);
	mailbox_lease_room_destroy(&port->leases);
	mailbox_dead_leave(port);
	mailbox_ledger_destroy(&port->ledger);
	mailbox_ends_destroy(&port->ends);
	mailbox_quota_uncharge(port->uid, port->ring.bytes);
	mailbox_ring_destroy(&port->ring);
	kfree(port);
	atomic_dec(&mailbox_ports_count);
}

static char *mailbox_port_devnode(MAILBOX_CONST_DEVICE *dev, umode_t *mode, kuid_t *uid,
				  kgid_t *gid)
{
	const struct mailbox_port *port = container_of(dev, struct mailbox_port, dev);

	if (mode)
		*mode = port->mode;
	if (uid)
		*uid = port->uid;
	if (gid)
		*gid = port->gid;
	/* Must not fail: the class would be asked instead, for another mode. */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "mailbox/%s", dev_name(dev));
}

static const struct device_type mailbox_port_type = {
	.name = "port",
	.groups = mailbox_port_groups,
	.devnode = mailbox_port_devnode,
	.release = mailbox_port_free,
};

/* What the leases have to tell. */

static struct mailbox_port *mailbox_port_of(struct mailbox_lease_room *room)
{
	return container_of(room, struct mailbox_port, leases);
}

static void mailbox_port_gives_back(struct mailbox_lease_room *room, u32 lane, u64 position)
{
	mailbox_ticket_keep(&mailbox_port_of(room)->ledger, lane, position, false);
}

static void mailbox_port_discards(struct mailbox_lease_room *room, u32 lane, u64 position)
{
	mailbox_ticket_finish(&mailbox_port_of(room)->ledger, lane, position, MAILBOX_DISCARDED,
			      MAILBOX_REASON_PURGED, NULL);
}

static void mailbox_port_returned(struct mailbox_lease_room *room, u32 lane)
{
	mailbox_port_wake_receivers(mailbox_port_of(room), BIT(lane));
}

/* On a deleted port that may be what receivers wait for: the end. */
static void mailbox_port_emptied(struct mailbox_lease_room *room, u32 lane)
{
	if (READ_ONCE(mailbox_port_of(room)->deleted))
		mailbox_port_wake_receivers(mailbox_port_of(room), BIT(lane));
}

static const struct mailbox_lease_owner mailbox_port_leases = {
	.gives_back = mailbox_port_gives_back,
	.discards = mailbox_port_discards,
	.returned = mailbox_port_returned,
	.emptied = mailbox_port_emptied,
};

struct mailbox_port *mailbox_port_alloc(const struct mailbox_create *attr, kuid_t uid,
					kgid_t gid)
{
	u64 bytes = mailbox_ring_bytes(attr->message_size, attr->capacity, attr->lanes);
	struct mailbox_runners *runners;
	struct mailbox_port *port;
	int err = -ENOSPC;

	if (atomic_inc_return(&mailbox_ports_count) > mailbox_max_ports)
		goto err_count;
	err = mailbox_quota_charge(uid, bytes);
	if (err)
		goto err_count;
	err = -ENOMEM;
	port = kzalloc(struct_size(port, blocked, attr->lanes), MAILBOX_GFP);
	if (!port)
		goto err_uncharge;
	err = mailbox_ends_init(&port->ends, attr->peer_pid);
	if (err)
		goto err_free;
	err = mailbox_ring_init(&port->ring, attr->message_size, attr->capacity, attr->lanes);
	if (err)
		goto err_ends;

	BUILD_BUG_ON(MAILBOX_SHARED_LANES != MAILBOX_LANES_MAX);
	BUILD_BUG_ON(MAILBOX_WAITERS_SLEEPERS != MAILBOX_WAIT_SLEEPERS);
	BUILD_BUG_ON(MAILBOX_WAITERS_CLOSED != MAILBOX_WAIT_CLOSED);
	BUILD_BUG_ON(MAILBOX_WAITERS_GONE != MAILBOX_WAIT_GONE);
	mailbox_runners_init(&port->runners);
	runners = attr->flags & MAILBOX_DIRECT ? &port->runners : NULL;
	mailbox_queue_init(&port->receivers, (atomic64_t *)&port->ring.shared->receivers.word,
			   runners);
	mailbox_queue_init(&port->senders, (atomic64_t *)&port->ring.shared->senders.word,
			   runners);
	port->limit = attr->limit;
	atomic64_set(&port->room, attr->limit ?: GENMASK_ULL(63, MAILBOX_ROOM_LANES));
	mailbox_queue_init(&port->writers, &port->writers_shown, NULL);
	mailbox_queue_poll_with(&port->writers, &port->senders);
	mailbox_notices_init(&port->notices);
	mailbox_ledger_init(&port->ledger, &port->ring);
	mailbox_lease_room_init(&port->leases, &port->ring, &mailbox_port_leases);
	port->flags = attr->flags & ~MAILBOX_EXCLUSIVE;
	port->capacity = attr->capacity;
	port->mode = attr->mode;
	port->uid = uid;
	port->gid = gid;
	memcpy(port->name, attr->name, MAILBOX_NAME_SIZE);
	memcpy(port->dead_name, attr->dead_letter, MAILBOX_NAME_SIZE);
	port->ring.max_deliveries = attr->max_deliveries;
	port->ring.bury = mailbox_port_bury;
	INIT_LIST_HEAD(&port->dead_node);
	INIT_LIST_HEAD(&port->feeders);
	mutex_init(&port->lock);
	INIT_LIST_HEAD(&port->mapped);
	xa_init_flags(&port->identities, XA_FLAGS_ALLOC1);
	port->next_id = 1;
	port->sweep_at = MAILBOX_DEPARTED_MAX;
	device_initialize(&port->dev);
	port->dev.type = &mailbox_port_type;
	err = port->dead_name[0] ? mailbox_dead_join(port) : 0;
	if (!err)
		return port;
	mailbox_port_put(port);
	return ERR_PTR(err);

err_ends:
	mailbox_ends_destroy(&port->ends);
err_free:
	kfree(port);
err_uncharge:
	mailbox_quota_uncharge(uid, bytes);
err_count:
	atomic_dec(&mailbox_ports_count);
	return ERR_PTR(err);
}

static u32 mailbox_name_key(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

int mailbox_port_publish(struct mailbox_port *port)
{
	static u32 next = 1;	/* under mailbox_ports_lock */
	u32 minor;
	int err;

	lockdep_assert_held(&mailbox_ports_lock);
	if (mailbox_port_find(port->name))
		return -EEXIST;
	err = xa_alloc_cyclic(&mailbox_ports, &minor, port, XA_LIMIT(1, MAILBOX_MINORS - 1), &next,
			      GFP_KERNEL);
	if (err < 0)
		return err == -EBUSY ? -ENOSPC : err;
	port->dev.class = mailbox_class;
	port->dev.devt = MKDEV(MAJOR(mailbox_devt), minor);
	err = dev_set_name(&port->dev, "%s", port->name);
	if (!err)
		err = device_add(&port->dev);
	if (err) {
		xa_erase(&mailbox_ports, minor);
		return err;
	}
	mailbox_port_get(port);
	hash_add(mailbox_names, &port->by_name, mailbox_name_key(port->name));
	port->named = true;
	trace_mailbox_create(port);
	return 0;
}

struct mailbox_port *mailbox_port_find(const char *name)
{
	struct mailbox_port *port;

	lockdep_assert_held(&mailbox_ports_lock);
	hash_for_each_possible(mailbox_names, port, by_name, mailbox_name_key(name))
		if (!strcmp(port->name, name))
			return port;
	return NULL;
}

struct mailbox_port *mailbox_port_find_minor(unsigned int minor)
{
	lockdep_assert_held(&mailbox_ports_lock);
	return xa_load(&mailbox_ports, minor);
}

static void mailbox_port_purged(void *arg, u32 lane, const struct mailbox_taken *t)
{
	struct mailbox_port *port = arg;

	if (t->receipt)
		mailbox_port_discards(&port->leases, lane, t->position);
}

/* Its name and its node; not the table's reference. */
static void mailbox_port_unname(struct mailbox_port *port)
{
	lockdep_assert_held(&mailbox_ports_lock);
	trace_mailbox_delete(port);
	xa_erase(&mailbox_ports, MINOR(port->dev.devt));
	hash_del(&port->by_name);
	port->named = false;
	device_del(&port->dev);
	mailbox_dead_cut(port);
}

void mailbox_port_unlink(struct mailbox_port *port)
{
	mailbox_port_unname(port);
	mailbox_port_put(port);
}

void mailbox_port_delete(struct mailbox_port *port, bool purge)
{
	mailbox_port_unname(port);

	/*
	 * Close, then set the flag: a sender looks after its claim whether its
	 * queue is closed, a receiver that sees the flag looks at every slot. So
	 * the sender sees the one or the receiver the other's slot. And who sees
	 * the flag will be told of every event from then on.
	 */
	mailbox_queue_close(&port->receivers);
	mailbox_queue_close(&port->senders);
	mailbox_queue_close(&port->writers);
	smp_mb__after_atomic();		/* closed before deleted */
	mailbox_queue_fence(&port->senders);	/* and so for a mapped sender's claim */
	mutex_lock(&port->lock);	/* against join */
	WRITE_ONCE(port->deleted, true);
	mutex_unlock(&port->lock);
	smp_mb();	/* the flag before our own look, and before we look for sleepers */
	if (purge) {
		mailbox_lease_purge(&port->leases);
		mailbox_ring_purge(&port->ring, mailbox_port_purged, port);
	}
	mailbox_port_wake(port, &port->receivers, MAILBOX_ALL_LANES);
	mailbox_ledger_close(&port->ledger, false);
	mailbox_port_end_receipts(port);
	mailbox_port_put(port);
}

void mailbox_port_info(struct mailbox_port *port, const struct mailbox_endpoint *ep,
		       struct mailbox_info *info)
{
	/* Where nobody forges words, a position is nothing but what was passed. */
	bool honest = ep && port->flags & MAILBOX_SEALED;
	struct user_namespace *ns = current_user_ns();
	struct mailbox_ring_stats stats;
	u32 waiting, pending;

	mailbox_ring_stats(&port->ring, mailbox_port_lanes(port), honest ? ep->position : NULL,
			   &stats);
	/* They have left their slots, and nobody is done with them. */
	pending = mailbox_lease_stats(&port->leases, &waiting);
	/* Leased since the slots were counted: not received then, and not now. */
	stats.received = max_t(s64, stats.received - pending, 0);
	stats.depth += waiting;
	info->flags = port->flags;
	info->message_size = port->ring.message_size;
	info->capacity = port->capacity;
	info->lanes = port->ring.lanes;
	info->limit = port->limit;
	info->mode = port->mode;
	info->uid = from_kuid_munged(ns, port->uid);
	info->gid = from_kgid_munged(ns, port->gid);
	info->state = READ_ONCE(port->deleted) ? MAILBOX_STATE_DELETED : MAILBOX_STATE_LIVE;
	info->endpoints = READ_ONCE(port->endpoints);
	info->waiting_senders = mailbox_queue_sleeping(&port->senders) +
				mailbox_queue_sleeping(&port->writers);
	info->waiting_receivers = mailbox_queue_sleeping(&port->receivers);
	info->depth = stats.depth;
	info->bytes = port->ring.bytes;
	info->messages_sent = stats.sent;
	info->messages_received = stats.received;
	info->messages_dropped = stats.dropped;
	info->redelivered = stats.redelivered;
	info->quarantined = stats.quarantined;
	info->map_bytes = port->flags & MAILBOX_SEALED ? 0 : port->ring.bytes;
	info->mappings = READ_ONCE(port->mappings);
	info->sender = READ_ONCE(port->ends.sender);
	info->receiver = READ_ONCE(port->ends.receiver);
	info->leased = pending - waiting;
	info->max_deliveries = port->ring.max_deliveries;
	info->dead_endpoint = READ_ONCE(port->dead_id);
	info->messages_moved = stats.moved;
	memcpy(info->dead_letter, port->dead_name, MAILBOX_NAME_SIZE);
	memcpy(info->name, port->name, MAILBOX_NAME_SIZE);
}

long mailbox_port_query(void __user *user)
{
	struct mailbox_query query;
	u32 size;
	int err;

	err = mailbox_abi_get(&query, sizeof(query), user, &size);
	if (err)
		return err;
	memset(&query, 0, sizeof(query));
	query.size = size;
	query.max_ports = mailbox_max_ports;
	query.features = MAILBOX_FEATURE_BASE | MAILBOX_FEATURE_DIRECT | MAILBOX_FEATURE_LIMIT;
	query.max_port_bytes = READ_ONCE(mailbox_max_port_bytes);
	query.max_user_bytes = READ_ONCE(mailbox_max_user_bytes);
	query.user_bytes = mailbox_quota_used(current_fsuid());
	query.ports = atomic_read(&mailbox_ports_count);
	query.message_max = MAILBOX_MESSAGE_MAX;
	query.capacity_max = MAILBOX_CAPACITY_MAX;
	query.lanes_max = MAILBOX_LANES_MAX;
	return mailbox_abi_put(user, size, &query, sizeof(query));
}

/* At exit: the module is not in use, so nobody holds an endpoint. */
void mailbox_ports_exit(void)
{
	struct mailbox_port *port;
	unsigned long minor;

	mutex_lock(&mailbox_ports_lock);
	xa_for_each(&mailbox_ports, minor, port)
		mailbox_port_delete(port, false);
	mutex_unlock(&mailbox_ports_lock);
	xa_destroy(&mailbox_ports);
	rcu_barrier();		/* mailbox_identity_free() is ours */
}
