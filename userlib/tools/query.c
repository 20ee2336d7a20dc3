// SPDX-License-Identifier: MIT
/* mailbox query, mailbox version */
#include <stdio.h>

#include "json.h"
#include "tool.h"

static void print_query(const struct mailbox_query *query)
{
	printf("features           %#llx\n"
	       "ports              %u of %u\n"
	       "memory of a port   at most %llu\n"
	       "memory of a user   at most %llu, yours %llu\n"
	       "message size       at most %u\n"
	       "capacity           at most %u per lane\n"
	       "lanes              at most %u\n",
	       query->features, query->ports, query->max_ports,
	       query->max_port_bytes, query->max_user_bytes,
	       query->user_bytes, query->message_max, query->capacity_max,
	       query->lanes_max);
}

static json_t *json_query(const struct mailbox_query *query)
{
	json_t *object = json_object();

	json_add(object, "features", query->features);
	json_add(object, "ports", query->ports);
	json_add(object, "max_ports", query->max_ports);
	json_add(object, "max_port_bytes", query->max_port_bytes);
	json_add(object, "max_user_bytes", query->max_user_bytes);
	json_add(object, "user_bytes", query->user_bytes);
	json_add(object, "message_max", query->message_max);
	json_add(object, "capacity_max", query->capacity_max);
	json_add(object, "lanes_max", query->lanes_max);
	return object;
}

static int query_run(const struct command *cmd, int argc, char **argv)
{
	bool json = json_asked(cmd, argc, argv);
	struct mailbox_query query;
	int err;

	no_arguments(cmd, argc, argv);
	err = mailbox_query(&query);
	if (err)
		return failed(cmd, NULL, err);
	if (json)
		json_print(json_query(&query), JSON_INDENT(2));
	else
		print_query(&query);
	return DONE;
}

const struct command command_query = {
	.name = "query",
	.summary = "show what the loaded module can do, and its limits",
	.help =
"Usage: mailbox query [OPTION]...\n"
"Show the features of the loaded module and its limits. Sizes are in bytes.\n\n"
"  -j, --json             an object\n"
HELP_HELP HELP_EXIT ".\n",
	.run = query_run,
};

static int version_run(const struct command *cmd, int argc, char **argv)
{
	no_options(cmd, argc, argv);
	no_arguments(cmd, argc, argv);
	puts("mailbox " MAILBOX_VERSION);
	return DONE;
}

const struct command command_version = {
	.name = "version",
	.summary = "show the version of this command",
	.help =
"Usage: mailbox version\n"
"Show the version of this command.\n\n"
HELP_HELP HELP_EXIT ".\n",
	.run = version_run,
};
