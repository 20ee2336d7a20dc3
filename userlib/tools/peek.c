// SPDX-License-Identifier: MIT
/* mailbox peek */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const char help[] =
"Usage: mailbox peek [OPTION]... PORT\n"
"Show the message that the next receive would get, or several, in the order in\n"
"which they would be received. They stay where they are. Does not wait.\n\n"
"  -n, --count=N          N messages, if there are so many (1)\n"
"  -a, --all              all that are queued\n"
"  -i, --index=N          from the one that N others come before (0)\n"
"  -l, --lane=N[,N]...    only of these lanes\n"
"  -L, --lines            a newline behind every message that lacks it\n"
"  -j, --json             a line of JSON per message: text, or base64 if it is\n"
"                         not UTF-8, lane, tag, ticket, and who sent it\n"
HELP_HELP
"\nWhile others receive, a message may be passed over, or be gone by now.\n"
HELP_EXIT HELP_EXIT_WAIT " (there is\nno message to show).\n";

static const struct option options[] = {
	{ "count", required_argument, NULL, 'n' },
	{ "all", no_argument, NULL, 'a' },
	{ "index", required_argument, NULL, 'i' },
	{ "lane", required_argument, NULL, 'l' },
	{ "lines", no_argument, NULL, 'L' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct job {
	const struct command *cmd;
	const char *port;
	struct mailbox *mb;
	struct mailbox_msg msg;
	uint64_t count;		/* 0: not given */
	uint32_t index;
	uint32_t lanes;		/* 0: not given */
	enum how how;
	bool all;
};

static void parse(struct job *job, int argc, char **argv)
{
	bool json = false;
	int c;

	while ((c = next_option(job->cmd, argc, argv, ":n:ai:l:Ljh", options)) != -1) {
		if (c == 'n')
			job->count = to_number(job->cmd, "the count", optarg, 1, UINT64_MAX);
		else if (c == 'a')
			job->all = true;
		else if (c == 'i')
			job->index = to_number(job->cmd, "the index", optarg, 0, UINT32_MAX);
		else if (c == 'l')
			job->lanes |= to_lanes(job->cmd, optarg);
		else if (c == 'L')
			job->how = AS_LINES;
		else if (c == 'j')
			json = true;
	}
	job->port = only_argument(job->cmd, argc, argv);
	if (job->all && job->count)
		misused(job->cmd, "either --count or --all");
	if (!job->count)
		job->count = job->all ? UINT64_MAX : 1;
	if (json)
		job->how = AS_JSON;
}

/* Those that there are: none is a result only of --all. */
static int show_all(struct job *job)
{
	bool shown = job->all;
	int err;

	for (; job->count; job->count--, job->index++) {
		err = mailbox_look(job->mb, job->index, &job->msg);
		if (shown && (err == -EAGAIN || err == -EIDRM || err == -EPIPE))
			break;
		if (err < 0)
			return failed(job->cmd, job->port, err);
		shown = true;
		write_message(&job->msg, job->how);
		if (fflush(stdout) || ferror(stdout))
			return failed_because(job->cmd, job->port, "standard output: %s",
					      strerror(errno));
	}
	return DONE;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = { .cmd = cmd };
	int status;

	parse(&job, argc, argv);
	if (isatty(STDOUT_FILENO) && job.how == AS_BYTES)
		job.how = AS_LINES;
	status = open_receiver(cmd, job.port, job.lanes, &job.mb, &job.msg);
	if (!status)
		status = show_all(&job);
	close_receiver(job.mb, &job.msg);
	return status;
}

const struct command command_peek = {
	.name = "peek",
	.summary = "show messages without receiving them",
	.help = help,
	.run = run,
};
