// SPDX-License-Identifier: MIT
/* mailbox drain */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const char help[] =
"Usage: mailbox drain [OPTION]... PORT\n"
"Receive all that is queued and write it to standard output, as recv does, or to\n"
"files. Does not wait: it ends when the port is empty, which is no error. A message\n"
"is finished when it has been written; one that cannot be is given back.\n\n"
"  -l, --lane=N[,N]...    only from these lanes\n"
"  -L, --lines            a newline behind every message that lacks it\n"
"  -j, --json             a line of JSON per message, as recv --json\n"
"  -d, --directory=DIR    each to a new file in DIR, called LANE-TICKET\n"
"      --discard          write none of them, but how many there were\n"
HELP_HELP HELP_EXIT ".\n";

enum { DISCARD = 256 };

static const struct option options[] = {
	{ "lane", required_argument, NULL, 'l' },
	{ "lines", no_argument, NULL, 'L' },
	{ "json", no_argument, NULL, 'j' },
	{ "directory", required_argument, NULL, 'd' },
	{ "discard", no_argument, NULL, DISCARD },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct job {
	const struct command *cmd;
	const char *port;
	const char *directory;	/* NULL: standard output */
	struct mailbox *mb;
	struct mailbox_msg msg;
	uint64_t count;		/* received so far */
	uint32_t lanes;		/* 0: not given */
	enum how how;
	bool discard;
};

static void parse(struct job *job, int argc, char **argv)
{
	bool json = false, lines = false;
	int c;

	while ((c = next_option(job->cmd, argc, argv, ":l:Ljd:h", options)) != -1) {
		if (c == 'l')
			job->lanes |= to_lanes(job->cmd, optarg);
		else if (c == 'L')
			lines = true;
		else if (c == 'j')
			json = true;
		else if (c == 'd')
			job->directory = optarg;
		else if (c == DISCARD)
			job->discard = true;
	}
	job->port = only_argument(job->cmd, argc, argv);
	if (job->discard + !!job->directory + (json || lines) > 1)
		misused(job->cmd, "one of --discard, --directory, and --lines or --json");
	if (json || lines)
		job->how = json ? AS_JSON : AS_LINES;
}

/* Returns 0, or a negative errno value when there is no such file, or only a part of it. */
static int write_file(const struct job *job)
{
	const struct mailbox_msg *msg = &job->msg;
	FILE *file;
	char *path;
	int err;

	if (asprintf(&path, "%s/%" PRIu32 "-%" PRIu64, job->directory, msg->lane, msg->ticket) < 0)
		return -ENOMEM;
	file = fopen(path, "wxe");
	err = file ? 0 : -errno;
	if (file && fwrite(msg->data, 1, msg->length, file) != msg->length)
		err = -errno;
	if (file && fclose(file) && !err)
		err = -errno;
	if (file && err)
		unlink(path);
	free(path);
	return err;
}

/* Write the message that was received, and finish it. */
static int put(struct job *job)
{
	int err;

	if (job->directory) {
		err = write_file(job);
		if (err) {
			mailbox_nack(job->mb, &job->msg, MAILBOX_NACK);
			return failed_because(job->cmd, job->port,
					      "could not write a message to %s and gave it back: %s",
					      job->directory, strerror(-err));
		}
	} else if (!job->discard) {
		write_message(&job->msg, job->how);
	}
	job->count++;
	return finish_message(job->cmd, job->port, job->mb, &job->msg);
}

static int drain_all(struct job *job)
{
	int err, status = DONE;

	while (!status) {
		err = mailbox_receive_msg(job->mb, &job->msg, MAILBOX_NO_WAIT);
		if (err == -EAGAIN || err == -EIDRM || err == -EPIPE)
			break;
		status = err < 0 ? failed(job->cmd, job->port, err) : put(job);
	}
	if (!job->discard)
		return status;
	printf("%" PRIu64 "\n", job->count);
	if (fflush(stdout) || ferror(stdout))
		return failed_because(job->cmd, job->port, "standard output: %s", strerror(errno));
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = { .cmd = cmd, .msg.flags = MAILBOX_RECV_LEASE };
	int status;

	parse(&job, argc, argv);
	if (job.directory && access(job.directory, W_OK | X_OK))
		return failed_because(cmd, job.port, "%s: %s", job.directory, strerror(errno));
	signal(SIGPIPE, SIG_IGN);	/* what cannot be written is given back */
	if (isatty(STDOUT_FILENO) && job.how == AS_BYTES)
		job.how = AS_LINES;
	status = open_receiver(cmd, job.port, job.lanes, &job.mb, &job.msg);
	if (!status)
		status = drain_all(&job);
	close_receiver(job.mb, &job.msg);
	return status;
}

const struct command command_drain = {
	.name = "drain",
	.summary = "receive all that is queued, to standard output or to files",
	.help = help,
	.run = run,
};
