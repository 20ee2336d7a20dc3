/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: one message across the user boundary: what sending (send.c) and receiving
 * (receive.c) have in common. Only these two see user bytes.
 *
 * Copies are made with page faults off, so nothing is held while a page fault sleeps;
 * one that fails is undone, the pages are faulted in, and all starts again. Page faults
 * off also spares hardened usercopy its walk over the kernel's mappings, under a
 * global lock, for each copy.
 *
 * Lengths are bounded by the port's message_size before a copy; words of the
 * slots are read once. Nothing here holds a lock. Context: process context,
 * may sleep.
 */
#ifndef MAILBOX_MESSAGE_H
#define MAILBOX_MESSAGE_H

#include <linux/fs.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "port.h"

/* Up to here word by word: cheaper than the call of a copy, and its checks. */
#define MAILBOX_SHORT	(IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) ? 256 : 0)

static const struct mailbox_deadline mailbox_forever = { KTIME_MAX, CLOCK_MONOTONIC };

/**
 * struct mailbox_place - a slot for the caller's mapping
 * @lane: where
 * @owner: the mapping
 * @taken: with the position; all of it for a receive
 */
struct mailbox_place {
	u32 lane;
	u32 owner;
	struct mailbox_taken taken;
};

/**
 * struct mailbox_leased - a message for the caller to finish later
 * @lane: out: where it came from
 * @lease: out: the message
 */
struct mailbox_leased {
	u32 lane;
	struct mailbox_lease *lease;
};

/**
 * struct mailbox_element - one message of a batch, as its caller describes it
 * @vector: there
 * @detail: or NULL
 * @partial: others of the batch are done: what is told only once can wait
 */
struct mailbox_element {
	struct mailbox_vector __user *vector;
	struct mailbox_detail __user *detail;
	bool partial;
};

/**
 * struct mailbox_buffer - the caller's memory
 * @iter: an iterator, or NULL:
 * @data: an address
 * @size: bytes: of the message to send (checked), or room for one
 * @message: the ioctl's structure, or NULL
 * @element: instead of that, one of a batch; or NULL
 * @tag: to send
 * @ticket: of the message, or NULL
 * @truncate: a longer message may lose its end
 * @leased: the message becomes the caller's in this way
 * @place: instead of all that: the caller wants the slot itself
 *
 * A fast path keeps its own in registers: it hands what is not inlined a copy,
 * made on the way there.
 */
struct mailbox_buffer {
	struct iov_iter *iter;
	void __user *data;
	size_t size;
	struct mailbox_message __user *message;
	const struct mailbox_element *element;
	u64 tag;
	struct mailbox_ticket *ticket;
	bool truncate;
	struct mailbox_leased *leased;
	struct mailbox_place *place;
};

/**
 * mailbox_message_get() - what a first look needs of the members that go in
 * @m: out: they
 * @user: the caller's structure
 * @send: the ticket becomes 0, if the structure has our size
 *
 * Who needs more, or finds another m->size, starts anew by mailbox_abi_get(), and
 * judges what it gets then.
 *
 * Return: 0 or -EFAULT, as of no structure at all: so callers need not ask again.
 */
static __always_inline int mailbox_message_get(struct mailbox_message *m,
					       struct mailbox_message __user *user,
					       bool send)
{
	if (!user || !user_access_begin(user, sizeof(*user)))
		return -EFAULT;
	unsafe_get_user(m->size, &user->size, efault);
	unsafe_get_user(m->flags, &user->flags, efault);
	unsafe_get_user(m->data, &user->data, efault);
	unsafe_get_user(m->length, &user->length, efault);
	unsafe_get_user(m->lane, &user->lane, efault);
	unsafe_get_user(m->tag, &user->tag, efault);
	if (send && likely(m->size == sizeof(*m)))
		unsafe_put_user(0, &user->ticket, efault);
	user_access_end();
	return 0;
efault:
	user_access_end();
	return -EFAULT;
}

/* The iterator's memory, as a plain address where it is one. */
static inline struct mailbox_buffer mailbox_iter_buffer(struct iov_iter *iter)
{
	struct mailbox_buffer buffer = { .size = iov_iter_count(iter) };

	buffer.data = mailbox_iter_address(iter);
	if (!buffer.data)
		buffer.iter = iter;
	return buffer;
}

/* Returns NULL not to wait. */
const struct mailbox_deadline *mailbox_message_deadline(const struct file *file,
							const struct mailbox_message *m,
							struct mailbox_deadline *deadline);

/* Likewise, of a read or write. */
static inline const struct mailbox_deadline *mailbox_file_deadline(const struct file *file)
{
	return file->f_flags & O_NONBLOCK ? NULL : &mailbox_forever;
}

static inline const struct mailbox_deadline *mailbox_iocb_deadline(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ? NULL : mailbox_file_deadline(iocb->ki_filp);
}

/* What a receiver is told of a message whose first @size bytes he gets: MAILBOX_MSG_*. */
static __always_inline u32 mailbox_message_flags(const struct mailbox_taken *t, u32 size)
{
	u32 flags = size < t->length ? MAILBOX_MSG_TRUNCATED : 0;

	if (unlikely(t->departed))
		flags |= MAILBOX_MSG_REDELIVERED | (u32)t->departed << MAILBOX_MSG_DEPARTED_SHIFT;
	if (unlikely(t->receipt))
		flags |= MAILBOX_MSG_RECEIPT;
	return flags;
}

/* A message is about to be published: its ticket. Without page faults. */
static inline bool mailbox_element_sent(const struct mailbox_element *e, u64 ticket)
{
	bool told = true;

	if (e->detail) {
		pagefault_disable();
		told = !put_user(ticket, &e->detail->ticket);
		pagefault_enable();
	}
	return told;
}

/**
 * mailbox_element_received() - a message was stored: all that is told beside its bytes
 * @ep: the receiver
 * @e: where
 * @t: the message, in his hands
 * @lane: whence
 * @size: bytes that he got
 *
 * Without page faults. Return: whether it was told.
 */
bool mailbox_element_received(const struct mailbox_endpoint *ep, const struct mailbox_element *e,
			      const struct mailbox_taken *t, u32 lane, u32 size);

/* Make its answers writable. Return: 0 or -EFAULT. */
int mailbox_element_fault_in(const struct mailbox_element *e);

/* Whether another turn of a faulting copy may be tried: any signal ends it. */
int mailbox_message_again(void);

/* Is there a mapping to claim and take for? Not one that is being evicted. */
int mailbox_place_check(const struct mailbox_endpoint *ep);

/* Give back a slot of the mapping, unless its departure has done that already. */
void mailbox_place_undo(const struct mailbox_endpoint *ep, const struct mailbox_place *place);

#endif /* MAILBOX_MESSAGE_H */
