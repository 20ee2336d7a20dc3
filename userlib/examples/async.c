// SPDX-License-Identifier: MIT
/*
 * A sender that never waits: it sends jobs as there is room, hears what became of them
 * as the word comes, and does something of its own meanwhile. See worker.c for those
 * who do the jobs.
 *
 *	async PORT COUNT	sends 1 .. COUNT; prints a line for each that is finished
 */
#include <errno.h>
#include <mailbox.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static long sent, finished, primes;

static int send_jobs(struct mailbox *mb, long count)
{
	char text[32];
	struct mailbox_msg msg = {
		.data = text,
		.lane = MAILBOX_LANE_DEFAULT,
		.flags = MAILBOX_SEND_RECEIPT,
	};
	int err = 0;

	while (sent < count && !err) {
		msg.length = snprintf(text, sizeof(text), "%ld", sent + 1);
		msg.tag = sent + 1;	/* comes back with the receipt */
		err = mailbox_send_msg(mb, &msg, MAILBOX_NO_WAIT);
		if (!err)
			sent++;
	}
	return err == -EAGAIN ? 0 : err;
}

static int read_receipts(struct mailbox *mb)
{
	char text[64];
	struct mailbox_result result = { .data = text, .size = sizeof(text) };
	int err;

	while (!(err = mailbox_wait_receipt(mb, &result, MAILBOX_NO_WAIT))) {
		finished++;
		if (result.outcome == MAILBOX_REPLIED)
			printf("job %lu: %.*s\n", (unsigned long)result.tag, (int)result.length, text);
		else
			printf("job %lu: no result\n", (unsigned long)result.tag);
	}
	return err == -EAGAIN ? 0 : err;
}

/* Something of our own: the next number that nothing divides. */
static void work_on(void)
{
	static long number = 2;
	long d;

	for (d = 2; d * d <= number && number % d; d++)
		;
	primes += d * d > number++;
}

static int run(struct mailbox *mb, int ep, long count)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLPRI };
	bool all = false;
	int err = 0;

	if (epoll_ctl(ep, EPOLL_CTL_ADD, mailbox_fd(mb), &event))
		return -errno;
	while (!err && finished < count) {
		if (!epoll_wait(ep, &event, 1, 0)) {
			work_on();
			continue;
		}
		if (event.events & EPOLLPRI)
			err = read_receipts(mb);
		if (!err && event.events & EPOLLOUT)
			err = send_jobs(mb, count);
		if (!err && event.events & EPOLLERR)	/* deleted: is there more to hear? */
			err = read_receipts(mb);
		if (sent == count && !all) {	/* of room we need not be told any longer */
			all = true;
			event.events = EPOLLPRI;
			epoll_ctl(ep, EPOLL_CTL_MOD, mailbox_fd(mb), &event);
		}
	}
	return err;
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	int err, ep = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 3) {
		fprintf(stderr, "Usage: async PORT COUNT\n");
		return 2;
	}
	mb = mailbox_open(argv[1], O_WRONLY | O_NONBLOCK);
	err = mb ? run(mb, ep, atol(argv[2])) : -errno;
	mailbox_close(mb);
	close(ep);
	printf("%ld sent, %ld finished, %ld primes found meanwhile\n", sent, finished, primes);
	if (!err)
		return 0;
	fprintf(stderr, "async: %s: %s\n", argv[1], mailbox_strerror(err));
	return 1;
}
