/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: the two ends of a direct port: who may open it, and who holds which end.
 *
 * There is room for two endpoints. One that is opened for one direction holds that
 * end from then on; one that is opened for both is undecided until it is used, or
 * until the other one is not: then it has the end that is left. An end that its
 * holder has left is gone until another one holds it; one that never had a holder
 * is not.
 *
 * Knows ids, no endpoints and no port. The caller serialises; the two holders may be
 * read without.
 */
#ifndef MAILBOX_ENDS_H
#define MAILBOX_ENDS_H

#include <linux/types.h>
#include <linux/mailbox.h>

struct pid;

/**
 * struct mailbox_ends - who is at a direct port
 * @sender: holds the sending end; 0: nobody
 * @receiver: holds the receiving end; 0: nobody
 * @open: all endpoints; 0: room for one
 * @sender_gone: the last holder has left
 * @receiver_gone: likewise
 * @unread: the sender is to be told, once, how much the receiver left unread
 * @creator: may open it beside @peer; NULL: anybody may
 * @peer: the other process
 */
struct mailbox_ends {
	u32 sender;
	u32 receiver;
	u32 open[2];
	bool sender_gone;
	bool receiver_gone;
	bool unread;
	struct pid *creator;
	struct pid *peer;
};

/**
 * mailbox_ends_init() - nobody is there yet
 * @ends: all zero
 * @peer_pid: who may open it beside the caller; 0: anybody
 *
 * Return: 0 or -ESRCH (no such process).
 */
int mailbox_ends_init(struct mailbox_ends *ends, u32 peer_pid);
void mailbox_ends_destroy(struct mailbox_ends *ends);

/**
 * mailbox_ends_admit() - may the caller open it so?
 * @ends: the ends
 * @open_flags: O_ACCMODE of an open
 *
 * Return: 0, -EPERM (the port is for others), or -EBUSY (that end is taken, or there
 * are two already).
 */
int mailbox_ends_admit(const struct mailbox_ends *ends, unsigned int open_flags);

/**
 * mailbox_ends_join() - a new endpoint
 * @ends: which admit it
 * @id: its id
 * @open_flags: as judged
 */
void mailbox_ends_join(struct mailbox_ends *ends, u32 id, unsigned int open_flags);

/**
 * mailbox_ends_take() - an endpoint wants to send, or to receive
 * @ends: the ends
 * @id: the endpoint, which has joined
 * @end: MAILBOX_END_SEND or MAILBOX_END_RECEIVE
 *
 * Return: 0, or -EBUSY: it holds the other one, or somebody else this one.
 */
int mailbox_ends_take(struct mailbox_ends *ends, u32 id, u32 end);

/**
 * mailbox_ends_leave() - an endpoint is closed
 * @ends: the ends
 * @id: which
 */
void mailbox_ends_leave(struct mailbox_ends *ends, u32 id);

#endif /* MAILBOX_ENDS_H */
