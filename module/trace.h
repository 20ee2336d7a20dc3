/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints mailbox:*. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mailbox

#if !defined(MAILBOX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MAILBOX_TRACE_H

#include <linux/tracepoint.h>

#include "port.h"

DECLARE_EVENT_CLASS(mailbox_message,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lane, u64 ticket, u32 length),
	TP_ARGS(port, endpoint, lane, ticket, length),
	TP_STRUCT__entry(
		__array(char, name, MAILBOX_NAME_SIZE)
		__field(u32, endpoint)
		__field(u32, lane)
		__field(u64, ticket)
		__field(u32, length)
	),
	TP_fast_assign(
		memcpy(__entry->name, port->name, MAILBOX_NAME_SIZE);
		__entry->endpoint = endpoint;
		__entry->lane = lane;
		__entry->ticket = ticket;
		__entry->length = length;
	),
	TP_printk("port=%s endpoint=%u lane=%u ticket=%llu length=%u",
		  __entry->name, __entry->endpoint, __entry->lane, __entry->ticket, __entry->length)
);

DEFINE_EVENT(mailbox_message, mailbox_send,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lane, u64 ticket, u32 length),
	TP_ARGS(port, endpoint, lane, ticket, length)
);

DEFINE_EVENT(mailbox_message, mailbox_receive,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lane, u64 ticket, u32 length),
	TP_ARGS(port, endpoint, lane, ticket, length)
);

/* A message that could not be stored, or a slot that could not be filled. */
DEFINE_EVENT(mailbox_message, mailbox_repair,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lane, u64 ticket, u32 length),
	TP_ARGS(port, endpoint, lane, ticket, length)
);

/* A message was delivered in vain too often; the endpoint had it last. */
DEFINE_EVENT(mailbox_message, mailbox_give_up,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lane, u64 ticket, u32 length),
	TP_ARGS(port, endpoint, lane, ticket, length)
);

/* A mapping went; it had slots of these lanes in its hands. */
TRACE_EVENT(mailbox_departure,
	TP_PROTO(const struct mailbox_port *port, u32 endpoint, u32 lanes),
	TP_ARGS(port, endpoint, lanes),
	TP_STRUCT__entry(
		__array(char, name, MAILBOX_NAME_SIZE)
		__field(u32, endpoint)
		__field(u32, lanes)
	),
	TP_fast_assign(
		memcpy(__entry->name, port->name, MAILBOX_NAME_SIZE);
		__entry->endpoint = endpoint;
		__entry->lanes = lanes;
	),
	TP_printk("port=%s endpoint=%u lanes=%#x", __entry->name, __entry->endpoint,
		  __entry->lanes)
);

DECLARE_EVENT_CLASS(mailbox_sleeper,
	TP_PROTO(const struct mailbox_port *port, bool receiver, u32 lanes),
	TP_ARGS(port, receiver, lanes),
	TP_STRUCT__entry(
		__array(char, name, MAILBOX_NAME_SIZE)
		__field(bool, receiver)
		__field(u32, lanes)
	),
	TP_fast_assign(
		memcpy(__entry->name, port->name, MAILBOX_NAME_SIZE);
		__entry->receiver = receiver;
		__entry->lanes = lanes;
	),
	TP_printk("port=%s %s lanes=%#x", __entry->name,
		  __entry->receiver ? "receiver" : "sender", __entry->lanes)
);

DEFINE_EVENT(mailbox_sleeper, mailbox_wait,
	TP_PROTO(const struct mailbox_port *port, bool receiver, u32 lanes),
	TP_ARGS(port, receiver, lanes)
);

DEFINE_EVENT(mailbox_sleeper, mailbox_wakeup,
	TP_PROTO(const struct mailbox_port *port, bool receiver, u32 lanes),
	TP_ARGS(port, receiver, lanes)
);

DECLARE_EVENT_CLASS(mailbox_life,
	TP_PROTO(const struct mailbox_port *port),
	TP_ARGS(port),
	TP_STRUCT__entry(
		__array(char, name, MAILBOX_NAME_SIZE)
		__field(u64, bytes)
	),
	TP_fast_assign(
		memcpy(__entry->name, port->name, MAILBOX_NAME_SIZE);
		__entry->bytes = port->ring.bytes;
	),
	TP_printk("port=%s bytes=%llu", __entry->name, __entry->bytes)
);

DEFINE_EVENT(mailbox_life, mailbox_create,
	TP_PROTO(const struct mailbox_port *port), TP_ARGS(port));

DEFINE_EVENT(mailbox_life, mailbox_delete,
	TP_PROTO(const struct mailbox_port *port), TP_ARGS(port));

#endif /* MAILBOX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
