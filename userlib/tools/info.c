// SPDX-License-Identifier: MIT
/* mailbox info */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "tool.h"

static void print_port(const struct mailbox_info *port)
{
	char owner[CELL], mode[CELL], flags[CELL], end[CELL];

	show_owner(owner, port);
	show_mode(mode, port);
	show_flags(flags, port);
	printf("port               %s\n"
	       "message size       %u\n"
	       "capacity           %u per lane\n"
	       "lanes              %u\n"
	       "flags              %s\n"
	       "mode               %s\n"
	       "owner              %s\n"
	       "memory             %llu\n",
	       port->name, port->message_size, port->capacity, port->lanes,
	       flags, mode, owner, port->bytes);
	if (port->limit)
		printf("limit              %u in all\n", port->limit);
	printf("queued             %u\n"
	       "leased             %u\n"
	       "sent               %llu\n"
	       "received           %llu\n"
	       "dropped            %llu\n"
	       "redelivered        %llu\n"
	       "quarantined        %llu\n"
	       "waiting senders    %u\n"
	       "waiting receivers  %u\n"
	       "endpoints          %u\n"
	       "mappings           %u\n",
	       port->depth, port->leased, port->messages_sent, port->messages_received,
	       port->messages_dropped, port->redelivered, port->quarantined,
	       port->waiting_senders, port->waiting_receivers,
	       port->endpoints, port->mappings);
	if (port->max_deliveries) {
		show_dead_letter(end, port);
		printf("max deliveries     %u\n"
		       "dead letters       %s\n", port->max_deliveries, end);
	}
	if (port->dead_letter[0])
		printf("moved              %llu\n", port->messages_moved);
	if (port->flags & MAILBOX_DIRECT) {
		show_end(end, port->sender);
		printf("sending end        %s\n", end);
		show_end(end, port->receiver);
		printf("receiving end      %s\n", end);
	}
}

static void print_holders(const struct mailbox_holder *holders, int count)
{
	char user[CELL], blocks[CELL];
	int i;

	printf("\n%-8s  %7s  %-8s  %7s  %7s  %s\n", "ENDPOINT", "PID", "USER", "WRITING",
	       "READING", "IN THE WAY");
	for (i = 0; i < count; i++) {
		show_user(user, holders[i].uid);
		show_blocks(blocks, &holders[i]);
		printf("%-8u  %7u  %-8s  %7u  %7u  %s\n", holders[i].endpoint, holders[i].pid,
		       user, holders[i].writing, holders[i].reading, blocks);
	}
}

/* Who has it mapped is told to those who may receive; others see the rest. */
static void show(const struct mailbox_info *port, bool json)
{
	struct mailbox_holder *holders;
	int count = mailbox_holders(port->name, &holders);
	json_t *object;

	if (json) {
		object = json_port(port);
		if (count >= 0)
			json_object_set_new(object, "mapped", json_holders(holders, count));
		json_print(object, JSON_INDENT(2));
	} else {
		print_port(port);
		if (count > 0)
			print_holders(holders, count);
	}
	free(holders);
}

static int info_run(const struct command *cmd, int argc, char **argv)
{
	bool json = json_asked(cmd, argc, argv);
	const char *name = only_argument(cmd, argc, argv);
	struct mailbox_info *ports;
	int count, i;

	count = mailbox_list(&ports);
	if (count < 0)
		return failed(cmd, name, count);
	for (i = 0; i < count; i++)
		if (!strcmp(ports[i].name, name))
			break;
	if (i < count)
		show(&ports[i], json);
	free(ports);
	return i < count ? DONE : failed(cmd, name, -ENOENT);
}

const struct command command_info = {
	.name = "info",
	.summary = "show everything about one port",
	.help =
"Usage: mailbox info [OPTION]... PORT\n"
"Show the attributes and the statistics of a port. Sizes are in bytes. The port\n"
"is not opened or disturbed. Of processes that have it mapped it tells how many\n"
"places they are writing to and how many messages they are reading, and how long\n"
"others have been waiting for one of these.\n\n"
"  -j, --json             an object\n"
HELP_HELP HELP_EXIT ".\n",
	.run = info_run,
};
