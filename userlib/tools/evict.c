// SPDX-License-Identifier: MIT
/* mailbox evict */
#include <errno.h>
#include <getopt.h>

#include "tool.h"

static int evict_run(const struct command *cmd, int argc, char **argv)
{
	const char *port, *text;
	uint32_t endpoint;
	int err;

	no_options(cmd, argc, argv);
	if (optind == argc)
		misused(cmd, "which port?");
	port = argv[optind++];
	if (optind == argc)
		misused(cmd, "which endpoint? mailbox info %s shows them", port);
	text = only_argument(cmd, argc, argv);
	endpoint = to_number(cmd, "the endpoint", text, 1, MAILBOX_ENDPOINTS_MAX);

	err = mailbox_evict(port, endpoint);
	if (err == -ESRCH)
		return failed_because(cmd, port, "endpoint %u has no mapping of it", endpoint);
	if (err == -EPERM)
		return failed_because(cmd, port, "not the owner of the port");
	return err ? failed(cmd, port, err) : DONE;
}

const struct command command_evict = {
	.name = "evict",
	.summary = "take a port's memory away from a process that is stuck",
	.help =
"Usage: mailbox evict PORT ENDPOINT\n"
"End the mapping of an endpoint, as if its process had been killed: a message it\n"
"was sending is not sent, one it was receiving comes to another receiver. If the\n"
"process goes on it gets a SIGBUS. mailbox info PORT shows who has it mapped, and\n"
"who is in others' way. For the owner of the port.\n\n"
HELP_HELP HELP_EXIT ".\n",
	.run = evict_run,
};
