// SPDX-License-Identifier: MIT
/* mailbox send */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const char help[] =
"Usage: mailbox send [OPTION]... PORT [MESSAGE]\n"
"Send MESSAGE, or standard input as one message, or one message per line of it.\n"
"The bytes are sent as they are; nothing is added. Waits while the port is full.\n\n"
"  -L, --lines            each line of standard input is a message, without its\n"
"                         newline\n"
"  -l, --lane=N           on lane N (0); the highest lane is received first\n"
"  -t, --timeout=SECS     wait at most SECS for a place, for each message\n"
"      --nonblock         do not wait\n"
"      --tag=N            a number that travels with the message (0)\n"
HELP_HELP
"\nA message that begins with a dash goes behind --: mailbox send jobs -- -5\n"
HELP_EXIT HELP_EXIT_WAIT ".\n";

enum { NONBLOCK = 256, TAG };

static const struct option options[] = {
	{ "lines", no_argument, NULL, 'L' },
	{ "lane", required_argument, NULL, 'l' },
	{ "timeout", required_argument, NULL, 't' },
	{ "nonblock", no_argument, NULL, NONBLOCK },
	{ "tag", required_argument, NULL, TAG },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct job {
	const struct command *cmd;
	const char *port;
	const char *text;	/* NULL: standard input */
	struct mailbox *mb;
	struct mailbox_info info;
	struct mailbox_msg msg;
	int ms;
	bool lines;
};

static void parse(struct job *job, int argc, char **argv)
{
	int c;

	while ((c = next_option(job->cmd, argc, argv, ":Ll:t:h",
				options)) != -1) {
		if (c == 'L')
			job->lines = true;
		else if (c == 'l')
			job->msg.lane = to_number(job->cmd, "the lane", optarg,
						  0, MAILBOX_LANES_MAX - 1);
		else if (c == 't')
			job->ms = to_ms(job->cmd, optarg);
		else if (c == NONBLOCK)
			job->ms = 0;
		else if (c == TAG)
			job->msg.tag = to_number(job->cmd, "the tag", optarg,
						 0, UINT64_MAX);
	}
	if (argc - optind > 2)
		misused(job->cmd, "the message is one argument, %s is too many",
			argv[optind + 2]);
	if (argc - optind == 2)
		job->text = argv[--argc];
	job->port = only_argument(job->cmd, argc, argv);
	if (job->text && job->lines)
		misused(job->cmd, "either a message or --lines");
}

/* Returns an exit status; @line is 0 for a message that is no line. */
static int send_one(struct job *job, void *data, size_t length, size_t line)
{
	char where[sizeof("line ") + 20 + sizeof(": ")] = "";
	int err;

	job->msg.data = data;
	job->msg.length = length;
	err = mailbox_send_msg(job->mb, &job->msg,
			       mailbox_deadline_ms(job->ms));
	if (!err)
		return DONE;

	if (line)
		snprintf(where, sizeof(where), "line %zu: ", line);
	if (err == -EMSGSIZE)
		return failed_because(job->cmd, job->port,
				      "%smessage too long, the port takes %u bytes",
				      where, job->info.message_size);
	failed_because(job->cmd, job->port, "%s%s", where,
		       mailbox_strerror(err));
	return err == -EAGAIN || err == -ETIMEDOUT ? WOULD_BLOCK : FAILED;
}

static int send_lines(struct job *job)
{
	size_t size = 0, number = 0;
	int status = DONE;
	char *line = NULL;
	ssize_t len;

	while (!status && (len = getline(&line, &size, stdin)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		status = send_one(job, line, len, ++number);
	}
	free(line);
	if (!status && ferror(stdin))
		status = failed_because(job->cmd, job->port,
					"standard input: %s", strerror(errno));
	return status;
}

static int send_input(struct job *job)
{
	size_t len, size = (size_t)job->info.message_size + 1;
	char *data = malloc(size);	/* one more, to see that it is too long */
	int status;

	if (!data)
		return failed(job->cmd, job->port, -ENOMEM);
	len = fread(data, 1, size, stdin);
	if (ferror(stdin))
		status = failed_because(job->cmd, job->port,
					"standard input: %s", strerror(errno));
	else
		status = send_one(job, data, len, 0);
	free(data);
	return status;
}

static int send_all(struct job *job)
{
	int err = mailbox_info(job->mb, &job->info);

	if (err)
		return failed(job->cmd, job->port, err);
	if (job->msg.lane != MAILBOX_LANE_DEFAULT &&
	    job->msg.lane >= job->info.lanes)
		return failed_because(job->cmd, job->port,
				      "no lane %u, the port has %u",
				      job->msg.lane, job->info.lanes);
	if (job->lines)
		return send_lines(job);
	if (!job->text)
		return send_input(job);
	return send_one(job, (char *)job->text, strlen(job->text), 0);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = {
		.cmd = cmd,
		.msg.lane = MAILBOX_LANE_DEFAULT,
		.ms = -1,
	};
	int status;

	parse(&job, argc, argv);
	job.mb = mailbox_open(job.port, O_WRONLY);
	if (!job.mb)
		return failed(cmd, job.port, -errno);
	status = send_all(&job);
	mailbox_close(job.mb);
	return status;
}

const struct command command_send = {
	.name = "send",
	.summary = "send a message, or a message per line",
	.help = help,
	.run = run,
};
