/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: stands in for trace.h, in front of the room that includes it, so that
 * the events exist once, in mailbox_dev.ko.
 */
#ifndef MAILBOX_NOTRACE_H
#define MAILBOX_NOTRACE_H

#define MAILBOX_TRACE_H

#include <linux/types.h>

struct mailbox_port;

static inline void trace_mailbox_create(const struct mailbox_port *port)
{
}

static inline void trace_mailbox_delete(const struct mailbox_port *port)
{
}

static inline void trace_mailbox_departure(const struct mailbox_port *port, u32 endpoint, u32 lanes)
{
}

static inline void trace_mailbox_wait(const struct mailbox_port *port, bool receiver, u32 lanes)
{
}

static inline void trace_mailbox_wakeup(const struct mailbox_port *port, bool receiver, u32 lanes)
{
}

static inline void trace_mailbox_send(const struct mailbox_port *port, u32 endpoint, u32 lane,
				      u64 ticket, u32 length)
{
}

static inline void trace_mailbox_receive(const struct mailbox_port *port, u32 endpoint, u32 lane,
					 u64 ticket, u32 length)
{
}

static inline void trace_mailbox_repair(const struct mailbox_port *port, u32 endpoint, u32 lane,
					u64 ticket, u32 length)
{
}

static inline void trace_mailbox_give_up(const struct mailbox_port *port, u32 endpoint, u32 lane,
					 u64 ticket, u32 length)
{
}

#endif /* MAILBOX_NOTRACE_H */
