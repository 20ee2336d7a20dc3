// SPDX-License-Identifier: MIT
/* mailbox recv */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tool.h"

static const char help[] =
"Usage: mailbox recv [OPTION]... PORT\n"
"Receive messages, one if not told otherwise, and write them to standard output.\n"
"Waits for a message to come. The bytes are written as they are; only a terminal\n"
"gets a newline behind a message that lacks it.\n\n"
"  -n, --count=N          N messages\n"
"  -f, --follow           all, until the port is deleted, which is no error\n"
"  -l, --lane=N[,N]...    only from these lanes\n"
"  -t, --timeout=SECS     wait at most SECS, for each message\n"
"      --nonblock         do not wait\n"
"  -L, --lines            a newline behind every message that lacks it\n"
"  -j, --json             a line of JSON per message: text, or base64 if it is\n"
"                         not UTF-8, lane, tag, ticket, and who sent it\n"
"      --lease            finish a message only when it has been written\n"
HELP_HELP
"\nA worker in the shell:\n\n"
"  mailbox recv --follow --lines jobs | while read -r job; do ...; done\n"
"\nA message is received before it is written: if the output cannot be written,\n"
"as when its reader has gone, that message is lost, and recv says so. With --lease\n"
"it goes to another receiver, also if recv is killed meanwhile.\n"
HELP_EXIT HELP_EXIT_WAIT ".\n";

enum { NONBLOCK = 256, LEASE };

static const struct option options[] = {
	{ "count", required_argument, NULL, 'n' },
	{ "follow", no_argument, NULL, 'f' },
	{ "lane", required_argument, NULL, 'l' },
	{ "timeout", required_argument, NULL, 't' },
	{ "nonblock", no_argument, NULL, NONBLOCK },
	{ "lines", no_argument, NULL, 'L' },
	{ "json", no_argument, NULL, 'j' },
	{ "lease", no_argument, NULL, LEASE },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct job {
	const struct command *cmd;
	const char *port;
	struct mailbox *mb;
	struct mailbox_msg msg;
	uint64_t count;		/* 0: not given */
	uint32_t lanes;		/* 0: not given */
	int ms;
	enum how how;
	bool follow;
};

static void parse(struct job *job, int argc, char **argv)
{
	bool json = false;
	int c;

	while ((c = next_option(job->cmd, argc, argv, ":n:fl:t:Ljh",
				options)) != -1) {
		if (c == 'n')
			job->count = to_number(job->cmd, "the count", optarg,
					       1, UINT64_MAX);
		else if (c == 'f')
			job->follow = true;
		else if (c == 'l')
			job->lanes |= to_lanes(job->cmd, optarg);
		else if (c == 't')
			job->ms = to_ms(job->cmd, optarg);
		else if (c == NONBLOCK)
			job->ms = 0;
		else if (c == 'L')
			job->how = AS_LINES;
		else if (c == 'j')
			json = true;
		else if (c == LEASE)
			job->msg.flags |= MAILBOX_RECV_LEASE;
	}
	job->port = only_argument(job->cmd, argc, argv);
	if (job->follow && job->count)
		misused(job->cmd, "either --count or --follow");
	if (!job->count)
		job->count = job->follow ? UINT64_MAX : 1;
	if (json)
		job->how = AS_JSON;
}

static int receive_one(struct job *job)
{
	int err = mailbox_receive_msg(job->mb, &job->msg,
				      mailbox_deadline_ms(job->ms));

	if (err < 0)
		return err;
	write_message(&job->msg, job->how);
	return 0;
}

static int receive_all(struct job *job)
{
	int err, status;

	for (; job->count; job->count--) {
		err = receive_one(job);
		if (err == -EIDRM && job->follow)
			break;
		if (err)
			return failed(job->cmd, job->port, err);
		status = finish_message(job->cmd, job->port, job->mb, &job->msg);
		if (status)
			return status;
	}
	return DONE;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = { .cmd = cmd, .ms = -1 };
	int status;

	parse(&job, argc, argv);
	signal(SIGPIPE, SIG_IGN);	/* a message would be lost without a word */
	if (isatty(STDOUT_FILENO) && job.how == AS_BYTES)
		job.how = AS_LINES;
	status = open_receiver(cmd, job.port, job.lanes, &job.mb, &job.msg);
	if (!status)
		status = receive_all(&job);
	close_receiver(job.mb, &job.msg);
	return status;
}

const struct command command_recv = {
	.name = "recv",
	.summary = "receive one message, or several, or all that come",
	.help = help,
	.run = run,
};
