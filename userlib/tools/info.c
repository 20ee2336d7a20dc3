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
	char owner[CELL], mode[CELL], flags[CELL];

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
	printf("queued             %u\n"
	       "sent               %llu\n"
	       "received           %llu\n"
	       "dropped            %llu\n"
	       "redelivered        %llu\n"
	       "quarantined        %llu\n"
	       "waiting senders    %u\n"
	       "waiting receivers  %u\n"
	       "endpoints          %u\n"
	       "mappings           %u\n",
	       port->depth, port->messages_sent, port->messages_received,
	       port->messages_dropped, port->redelivered, port->quarantined,
	       port->waiting_senders, port->waiting_receivers,
	       port->endpoints, port->mappings);
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
	if (i < count && json)
		json_print(json_port(&ports[i]), JSON_INDENT(2));
	else if (i < count)
		print_port(&ports[i]);
	free(ports);
	return i < count ? DONE : failed(cmd, name, -ENOENT);
}

const struct command command_info = {
	.name = "info",
	.summary = "show everything about one port",
	.help =
"Usage: mailbox info [OPTION]... PORT\n"
"Show the attributes and the statistics of a port. Sizes are in bytes. The port\n"
"is not opened or disturbed.\n\n"
"  -j, --json             an object\n"
HELP_HELP HELP_EXIT ".\n",
	.run = info_run,
};
