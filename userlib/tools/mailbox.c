// SPDX-License-Identifier: MIT
/* The mailbox command: message ports in the shell. */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct command *const commands[] = {
	&command_create, &command_delete, &command_send, &command_recv, &command_peek,
	&command_drain, &command_list, &command_info, &command_top, &command_watch,
	&command_evict, &command_bench, &command_query, &command_version,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	size_t i;

	fputs("Usage: mailbox COMMAND [OPTION]... [PORT]...\n"
	      "Message ports between processes that need not know each other.\n\n",
	      out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\nmailbox COMMAND --help tells more. A minute's tour:\n\n"
	      "  mailbox create jobs\n"
	      "  mailbox send jobs \"hello\"         or: echo hello >/dev/mailbox/jobs\n"
	      "  mailbox recv jobs                 or: dd bs=8K count=1 </dev/mailbox/jobs\n"
	      "  mailbox list\n"
	      "  mailbox delete jobs\n"
	      HELP_EXIT HELP_EXIT_WAIT ".\n", out);
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	if (!strcmp(name, "--version"))
		return &command_version;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		help(stderr);
		return MISUSED;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		help(stdout);
		return DONE;
	}
	cmd = find(argv[1]);
	if (!cmd) {
		fprintf(stderr, "mailbox: no command %s (see mailbox --help)\n",
			argv[1]);
		return MISUSED;
	}
	return cmd->run(cmd, argc - 1, argv + 1);
}
