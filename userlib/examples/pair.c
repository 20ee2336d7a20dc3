// SPDX-License-Identifier: MIT
/*
 * Two processes, and nobody else: a link in both directions, mapped on both sides.
 * A number goes to and fro, and each adds one.
 *
 *	pair COUNT	so often; prints what it has come to, and how long a turn took
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int map_both(struct mailbox_link *link)
{
	int err = mailbox_map(link->send);

	return err ? err : mailbox_map(link->receive);
}

static void close_both(struct mailbox_link *link)
{
	mailbox_close(link->send);
	mailbox_close(link->receive);
}

/* One more to each number, until the other end is closed. */
static int answer(struct mailbox_link *link)
{
	int err = map_both(link);
	int length = err;
	long number;

	while (!err && (length = mailbox_receive(link->receive, &number, sizeof(number))) > 0) {
		number++;
		err = mailbox_send(link->send, &number, sizeof(number));
	}
	return err ? err : length == -EPIPE ? 0 : length;
}

static int play(struct mailbox_link *link, long count)
{
	struct timespec start, end;
	long number = 0, i;
	int err = map_both(link), length;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < count && !err; i++) {
		number++;
		err = mailbox_send(link->send, &number, sizeof(number));
		if (!err) {
			length = mailbox_receive(link->receive, &number, sizeof(number));
			err = length < 0 ? length : 0;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (err || !count)
		return err;
	printf("%ld\n", number);
	fprintf(stderr, "%.0f ns to and fro\n", ((end.tv_sec - start.tv_sec) * 1e9 +
		(end.tv_nsec - start.tv_nsec)) / count);
	return 0;
}

int main(int argc, char **argv)
{
	struct mailbox_attr attr = { .message_size = sizeof(long) };
	struct mailbox_link link[2];
	int err, status = 0;
	pid_t child;

	if (argc != 2) {
		fprintf(stderr, "Usage: pair COUNT\n");
		return 2;
	}
	err = mailbox_pair(link, &attr, 0);
	if (err)
		goto out;
	child = fork();
	if (!child) {
		close_both(&link[0]);	/* or it would never hear that this end has gone */
		err = answer(&link[1]);
		close_both(&link[1]);
		_exit(err ? 1 : 0);
	}
	close_both(&link[1]);
	err = child < 0 ? -errno : play(&link[0], atol(argv[1]));
	close_both(&link[0]);
	if (child > 0 && waitpid(child, &status, 0) == child && !err && status)
		err = -EPIPE;
out:
	if (!err)
		return 0;
	fprintf(stderr, "pair: %s\n", mailbox_strerror(err));
	return 1;
}
