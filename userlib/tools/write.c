// SPDX-License-Identifier: MIT
/* Messages to standard output; what recv, drain and peek have in common. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tool.h"

static void write_json(const struct mailbox_msg *msg)
{
	json_t *object = json_object();

	json_add_bytes(object, msg->data, msg->length);
	json_add(object, "length", msg->length);
	json_add(object, "lane", msg->lane);
	json_add(object, "tag", msg->tag);
	json_add(object, "ticket", msg->ticket);
	json_add(object, "sender", msg->sender);
	json_add(object, "pid", msg->pid);
	json_add(object, "uid", msg->uid);
	json_add(object, "gid", msg->gid);
	json_object_set_new(object, "trusted",
			    json_boolean(msg->status & MAILBOX_MSG_TRUSTED));
	json_add(object, "deliveries", msg->status >> MAILBOX_MSG_DEPARTED_SHIFT);
	json_print(object, JSON_COMPACT);
}

void write_message(const struct mailbox_msg *msg, enum how how)
{
	const char *data = msg->data;

	if (how == AS_JSON) {
		write_json(msg);
		return;
	}
	fwrite(data, 1, msg->length, stdout);
	if (how == AS_LINES && (!msg->length || data[msg->length - 1] != '\n'))
		putchar('\n');
}

int finish_message(const struct command *cmd, const char *port, struct mailbox *mb,
		   const struct mailbox_msg *msg)
{
	bool lease = msg->flags & MAILBOX_RECV_LEASE;
	int err = 0;

	if (fflush(stdout) || ferror(stdout)) {
		err = errno;
		if (lease)
			mailbox_nack(mb, msg, MAILBOX_NACK);
		return failed_because(cmd, port, "could not write a message %s: %s",
				      lease ? "and gave it back" : "it had received",
				      strerror(err));
	}
	if (lease)
		err = mailbox_ack(mb, msg);
	return err ? failed(cmd, port, err) : DONE;
}

/* The lanes asked for, if the port has them. */
static int choose_lanes(const struct command *cmd, const char *port, struct mailbox *mb,
			uint32_t mask, uint32_t lanes)
{
	uint32_t all = ~0U >> (MAILBOX_LANES_MAX - lanes);
	int err;

	if (!mask)
		return DONE;
	if (mask & ~all)
		return failed_because(cmd, port, "no lane %d, the port has %u",
				      __builtin_ctz(mask & ~all), lanes);
	err = mailbox_set_lanes(mb, mask, 0);
	return err ? failed(cmd, port, err) : DONE;
}

int open_receiver(const struct command *cmd, const char *port, uint32_t mask,
		  struct mailbox **mb, struct mailbox_msg *msg)
{
	struct mailbox_info info;
	int status;

	*mb = mailbox_open(port, O_RDONLY);
	if (!*mb)
		return failed(cmd, port, -errno);
	status = mailbox_info(*mb, &info);
	if (status)
		return failed(cmd, port, status);
	status = choose_lanes(cmd, port, *mb, mask, info.lanes);
	if (status)
		return status;
	msg->size = info.message_size;
	msg->data = malloc(msg->size);
	return msg->data ? DONE : failed(cmd, port, -ENOMEM);
}

void close_receiver(struct mailbox *mb, struct mailbox_msg *msg)
{
	free(msg->data);
	mailbox_close(mb);
}
