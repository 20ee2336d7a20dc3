// SPDX-License-Identifier: MIT
/*
 * A worker: takes jobs from a port, one at a time, until somebody deletes it. Start
 * as many as you like, and kill any: the job that it had goes to another one, at once.
 *
 *	worker PORT [MS]	each job is a number to be squared, and takes MS
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIES	3

/* The work. Returns the length of the result, or less than 0: it cannot be done. */
static int work(const char *job, int ms, char *result, size_t size)
{
	char *end;
	long n = strtol(job, &end, 10);

	usleep(ms * 1000);
	if (end == job || *end)
		return -1;
	return snprintf(result, size, "%ld squared is %ld", n, n * n);
}

/* To whoever sent the job, if he is there and wants to know; else it is just done. */
static int done(struct mailbox *mb, const struct mailbox_msg *job, const char *result, int length)
{
	int err = mailbox_reply(mb, job, result, length);

	return err == -EOPNOTSUPP || err == -EPIPE ? mailbox_ack(mb, job) : err;
}

/* Let another one try, after the jobs that wait. What nobody can do must end. */
static int fail(struct mailbox *mb, const struct mailbox_msg *job)
{
	unsigned int failed = job->status >> MAILBOX_MSG_DEPARTED_SHIFT;

	if (failed + 1 < TRIES)
		return mailbox_nack(mb, job, MAILBOX_NACK_BACK);
	return done(mb, job, "cannot be done", 14);
}

static int work_on(struct mailbox *mb, int ms)
{
	char text[32], result[64];
	struct mailbox_msg job = {
		.data = text,
		.size = sizeof(text) - 1,
		.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_TRUNCATE,
	};
	int length, err;

	for (;;) {
		length = mailbox_receive_msg(mb, &job, MAILBOX_FOREVER);
		if (length < 0)
			return length;
		text[length] = '\0';
		length = job.length < sizeof(text) ? work(text, ms, result, sizeof(result)) : -1;
		err = length < 0 ? fail(mb, &job) : done(mb, &job, result, length);
		if (err)
			return err;
		printf("%s: %s\n", text, length < 0 ? "failed" : result);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	int err;

	if (argc < 2) {
		fprintf(stderr, "Usage: worker PORT [MS]\n");
		return 2;
	}
	mb = mailbox_open(argv[1], O_RDONLY);
	err = mb ? work_on(mb, argc > 2 ? atoi(argv[2]) : 0) : -errno;
	mailbox_close(mb);
	if (err == -EIDRM)	/* the end, and no job is left, with nobody */
		return 0;
	fprintf(stderr, "worker: %s: %s\n", argv[1], mailbox_strerror(err));
	return 1;
}
