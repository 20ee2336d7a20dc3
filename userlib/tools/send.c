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
"      --sync             wait until a message is finished before the next is sent;\n"
"                         a reply is written to standard output\n"
"      --receipt          send all, and write a line for each that is finished\n"
HELP_HELP
"\nA message is finished when it has been received, or if its receiver leased it,\n"
"when he says so. With --sync the time is for that too: a message that timed out is\n"
"taken back, and nobody had it; \"sent, and not finished yet\" is one that somebody has.\n"
"\nA message that begins with a dash goes behind --: mailbox send jobs -- -5\n"
HELP_EXIT HELP_EXIT_WAIT ".\n";

enum { NONBLOCK = 256, TAG, SYNC, RECEIPT };

static const struct option options[] = {
	{ "lines", no_argument, NULL, 'L' },
	{ "lane", required_argument, NULL, 'l' },
	{ "timeout", required_argument, NULL, 't' },
	{ "nonblock", no_argument, NULL, NONBLOCK },
	{ "tag", required_argument, NULL, TAG },
	{ "sync", no_argument, NULL, SYNC },
	{ "receipt", no_argument, NULL, RECEIPT },
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
	struct mailbox_result result;
	unsigned int out;	/* messages whose receipts are to come */
	int ms;
	bool lines, sync, receipt;
};

static void judge(const struct job *job)
{
	if (job->text && job->lines)
		misused(job->cmd, "either a message or --lines");
	if (job->sync && job->receipt)
		misused(job->cmd, "either --sync or --receipt");
	if (!job->ms && (job->sync || job->receipt))
		misused(job->cmd, "--sync and --receipt wait, --nonblock does not");
}

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
		else if (c == SYNC)
			job->sync = true;
		else if (c == RECEIPT)
			job->receipt = true;
	}
	if (argc - optind > 2)
		misused(job->cmd, "the message is one argument, %s is too many",
			argv[optind + 2]);
	if (argc - optind == 2)
		job->text = argv[--argc];
	job->port = only_argument(job->cmd, argc, argv);
	judge(job);
}

/* Those that are there, and more until no more than @most are to come. */
static int read_receipts(struct job *job, unsigned int most)
{
	int err, status, worst = DONE;

	while (job->out) {
		err = mailbox_wait_receipt(job->mb, &job->result, job->out > most ?
					   mailbox_deadline_ms(job->ms) : MAILBOX_NO_WAIT);
		if (err == -EAGAIN && job->out <= most)
			break;
		if (err)
			return failed(job->cmd, job->port, err);
		job->out--;
		status = print_receipt(job->cmd, job->port, &job->result);
		if (status)
			worst = status;
	}
	return worst;
}

/* A message is sent, or with --sync finished. */
static int sent(struct job *job)
{
	if (job->sync)
		return print_reply(job->cmd, job->port, &job->result,
				   job->lines || isatty(STDOUT_FILENO));
	if (!job->receipt)
		return DONE;
	job->out++;
	return read_receipts(job, MAILBOX_RECEIPTS_MAX - 1);
}

/* Returns an exit status; @line is 0 for a message that is no line. */
static int send_one(struct job *job, void *data, size_t length, size_t line)
{
	char where[sizeof("line ") + 20 + sizeof(": ")] = "";
	int err;

	job->msg.data = data;
	job->msg.length = length;
	if (job->sync)
		err = mailbox_call(job->mb, &job->msg, &job->result,
				   mailbox_deadline_ms(job->ms));
	else
		err = mailbox_send_msg(job->mb, &job->msg,
				       mailbox_deadline_ms(job->ms));
	if (!err)
		return sent(job);

	if (line)
		snprintf(where, sizeof(where), "line %zu: ", line);
	if (err == -EMSGSIZE)
		return failed_because(job->cmd, job->port,
				      "%smessage too long, the port takes %u bytes",
				      where, job->info.message_size);
	failed_because(job->cmd, job->port, "%s%s", where,
		       mailbox_strerror(err));
	return exit_status(err);
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

/* With room for any reply. */
static int send_and_hear(struct job *job)
{
	int status, heard;

	job->result.size = job->info.message_size;
	job->result.data = malloc(job->result.size);
	if (!job->result.data)
		return failed(job->cmd, job->port, -ENOMEM);
	if (job->receipt)
		job->msg.flags = MAILBOX_SEND_RECEIPT;
	status = send_all(job);
	heard = read_receipts(job, 0);
	free(job->result.data);
	return status ? status : heard;
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
	status = mailbox_info(job.mb, &job.info);
	if (status)
		status = failed(cmd, job.port, status);
	else
		status = job.sync || job.receipt ? send_and_hear(&job) : send_all(&job);
	mailbox_close(job.mb);
	return status;
}

const struct command command_send = {
	.name = "send",
	.summary = "send a message, or a message per line",
	.help = help,
	.run = run,
};
