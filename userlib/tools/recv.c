// SPDX-License-Identifier: MIT
/* mailbox recv */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
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
	bool follow, lines, json;
};

static void parse(struct job *job, int argc, char **argv)
{
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
			job->lines = true;
		else if (c == 'j')
			job->json = true;
		else if (c == LEASE)
			job->msg.flags |= MAILBOX_RECV_LEASE;
	}
	job->port = only_argument(job->cmd, argc, argv);
	if (job->follow && job->count)
		misused(job->cmd, "either --count or --follow");
	if (!job->count)
		job->count = job->follow ? UINT64_MAX : 1;
}

static void write_json(const struct mailbox_msg *msg)
{
	json_t *object = json_object();

	json_add_bytes(object, msg->data, msg->length);
	json_add(object, "length", msg->length);
	json_add(object, "lane", msg->lane);
	json_add(object, "tag", msg->tag);
	json_add(object, "ticket", msg->ticket);
	json_add(object, "sender", msg->sender);
	json_add(object, "pid", msg->pid);
	json_add(object, "uid", msg->uid);
	json_add(object, "gid", msg->gid);
	json_object_set_new(object, "trusted",
			    json_boolean(msg->status & MAILBOX_MSG_TRUSTED));
	json_print(object, JSON_COMPACT);
}

static void write_bytes(const struct job *job, const struct mailbox_msg *msg)
{
	const char *data = msg->data;

	fwrite(data, 1, msg->length, stdout);
	if (job->lines && (!msg->length || data[msg->length - 1] != '\n'))
		putchar('\n');
}

static int receive_one(struct job *job)
{
	int err = mailbox_receive_msg(job->mb, &job->msg,
				      mailbox_deadline_ms(job->ms));

	if (err < 0)
		return err;
	if (job->json)
		write_json(&job->msg);
	else
		write_bytes(job, &job->msg);
	return 0;
}

/* The message is written, or could not be. */
static int finish_one(struct job *job)
{
	bool lease = job->msg.flags & MAILBOX_RECV_LEASE;
	int err = 0;

	if (fflush(stdout) || ferror(stdout)) {
		err = errno;
		if (lease)
			mailbox_nack(job->mb, &job->msg, MAILBOX_NACK);
		return failed_because(job->cmd, job->port, "could not write a message %s: %s",
				      lease ? "and gave it back" : "it had received",
				      strerror(err));
	}
	if (lease)
		err = mailbox_ack(job->mb, &job->msg);
	return err ? failed(job->cmd, job->port, err) : DONE;
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
		status = finish_one(job);
		if (status)
			return status;
	}
	return DONE;
}

/* The lanes asked for, if the port has them. */
static int choose_lanes(struct job *job, uint32_t lanes)
{
	uint32_t all = ~0U >> (MAILBOX_LANES_MAX - lanes);
	int err;

	if (!job->lanes)
		return DONE;
	if (job->lanes & ~all)
		return failed_because(job->cmd, job->port,
				      "no lane %d, the port has %u",
				      __builtin_ctz(job->lanes & ~all), lanes);
	err = mailbox_set_lanes(job->mb, job->lanes, 0);
	return err ? failed(job->cmd, job->port, err) : DONE;
}

static int receive(struct job *job)
{
	struct mailbox_info info;
	int status;

	status = mailbox_info(job->mb, &info);
	if (status)
		return failed(job->cmd, job->port, status);
	status = choose_lanes(job, info.lanes);
	if (status)
		return status;

	job->msg.size = info.message_size;
	job->msg.data = malloc(job->msg.size);
	if (!job->msg.data)
		return failed(job->cmd, job->port, -ENOMEM);
	status = receive_all(job);
	free(job->msg.data);
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = { .cmd = cmd, .ms = -1 };
	int status;

	parse(&job, argc, argv);
	signal(SIGPIPE, SIG_IGN);	/* a message would be lost without a word */
	if (isatty(STDOUT_FILENO))
		job.lines = true;
	job.mb = mailbox_open(job.port, O_RDONLY);
	if (!job.mb)
		return failed(cmd, job.port, -errno);
	status = receive(&job);
	mailbox_close(job.mb);
	return status;
}

const struct command command_recv = {
	.name = "recv",
	.summary = "receive one message, or several, or all that come",
	.help = help,
	.run = run,
};
