// SPDX-License-Identifier: MIT
/*
 * The four ways to send and to learn what came of it, a row each. A child sends;
 * this program takes the message, answers it, and writes down what the sender knows
 * at each of these moments.
 *
 *	four PORT
 */
#include <errno.h>
#include <mailbox.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE	300000		/* us, for those who watch */

static int asking[2], telling[2];

static void die(const char *what, int err)
{
	fprintf(stderr, "four: %s: %s\n", what, mailbox_strerror(err));
	exit(1);
}

/* The sender */

static char reply[16];
static struct mailbox_result result = { .data = reply, .size = sizeof(reply) };
static struct mailbox_msg question = { .data = "7 * 7", .length = 5 };

static void asked(void)
{
	char c;

	if (read(asking[0], &c, 1) != 1)
		exit(0);
}

__attribute__((format(printf, 1, 2)))
static void tell(const char *format, ...)
{
	char cell[64];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(cell, sizeof(cell), format, args);
	va_end(args);
	if (write(telling[1], cell, n) != n)
		exit(1);
}

static void tell_result(const char *how)
{
	tell("%s %.*s", how, (int)result.length, reply);
}

static int sync_blocking(struct mailbox *mb)
{
	int err = mailbox_call(mb, &question, &result, MAILBOX_FOREVER);

	tell_result("returns:");
	return err;
}

static int sync_nonblocking(struct mailbox *mb)
{
	static const char *const stands[] = { "queued", "taken" };
	int err = mailbox_call(mb, &question, NULL, MAILBOX_NO_WAIT);

	if (err != -EINPROGRESS)
		return err;
	for (;;) {
		asked();
		err = mailbox_ticket_status(mb, &question, &result);
		if (err || result.outcome > MAILBOX_TAKEN)
			break;
		tell("asks: %s", stands[result.outcome]);
	}
	err = mailbox_wait_ticket(mb, &question, &result, MAILBOX_NO_WAIT);
	tell_result("asks:");
	return err;
}

static int async_blocking(struct mailbox *mb)
{
	int err;

	question.flags = MAILBOX_SEND_RECEIPT;
	err = mailbox_send_msg(mb, &question, MAILBOX_FOREVER);
	if (err)
		return err;
	tell("ticket %llu, ", (unsigned long long)question.ticket);
	err = mailbox_wait_receipt(mb, &result, MAILBOX_FOREVER);
	tell_result("is told:");
	return err;
}

static int async_nonblocking(struct mailbox *mb)
{
	struct pollfd p = { .fd = mailbox_fd(mb), .events = POLLPRI };
	int err;

	question.flags = MAILBOX_SEND_RECEIPT;
	err = mailbox_send_msg(mb, &question, MAILBOX_NO_WAIT);
	if (err)
		return err;
	for (;;) {
		asked();
		if (poll(&p, 1, 0))
			break;
		tell("works on");
	}
	err = mailbox_wait_receipt(mb, &result, MAILBOX_NO_WAIT);
	tell_result("POLLPRI:");
	return err;
}

/* The table */

enum moment { SENT, TAKEN, FINISHED };

static const struct row {
	const char *name[2];
	int (*send)(struct mailbox *mb);
	bool asks;		/* it is awake, and can be asked at any moment */
	bool speaks[3];		/* ... or it says something of its own at this one */
} rows[] = {
	{ { "synchronous", "blocking" }, sync_blocking, false, { false, false, true } },
	{ { "synchronous", "non-blocking" }, sync_nonblocking, true, { true, true, true } },
	{ { "asynchronous", "blocking" }, async_blocking, false, { true, false, true } },
	{ { "asynchronous", "non-blocking" }, async_nonblocking, true, { true, true, true } },
};

static pid_t start(const struct row *row, const char *port)
{
	struct mailbox *mb;
	pid_t pid = fork();

	if (pid)
		return pid;
	mb = mailbox_open(port, O_WRONLY);
	if (!mb)
		die(port, errno);
	exit(row->send(mb) ? 1 : 0);
}

static void until_asleep(pid_t pid)
{
	char path[64];
	long nr = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	do {
		usleep(1000);
		file = fopen(path, "r");
		if (!file || fscanf(file, "%ld", &nr) != 1)
			nr = -1;
		if (file)
			fclose(file);
	} while (nr != SYS_ioctl);
}

static void show(const struct row *row, enum moment moment, pid_t pid)
{
	char cell[64] = "";
	int n = 0;

	if (row->asks && write(asking[1], "?", 1) != 1)
		exit(1);
	if (row->speaks[moment])
		n = read(telling[0], cell, sizeof(cell) - 8);
	if (n < 0)
		exit(1);
	if (!row->asks && moment != FINISHED) {
		until_asleep(pid);
		strcpy(cell + n, "sleeps");
	}
	printf(moment == FINISHED ? "%s\n" : "%-20s", cell);
	fflush(stdout);
	usleep(PAUSE);
}

static void until_sent(struct mailbox *mb)
{
	struct mailbox_info info;

	do
		usleep(1000);
	while (!mailbox_info(mb, &info) && !info.depth);
}

/* Returns whether the sender was content. */
static bool play(const struct row *row, struct mailbox *mb, const char *port)
{
	char text[16];
	struct mailbox_msg msg = {
		.data = text, .size = sizeof(text), .flags = MAILBOX_RECV_LEASE,
	};
	int status, err;
	pid_t pid;

	printf("  %-13s %-13s ", row->name[0], row->name[1]);
	fflush(stdout);
	pid = start(row, port);
	until_sent(mb);
	show(row, SENT, pid);
	err = mailbox_receive_msg(mb, &msg, MAILBOX_FOREVER);
	if (err < 0)
		die(port, err);
	show(row, TAKEN, pid);
	err = mailbox_reply(mb, &msg, "49", 2);
	if (err)
		die(port, err);
	show(row, FINISHED, pid);
	return waitpid(pid, &status, 0) == pid && !status;
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	bool right = true;
	size_t i;

	if (argc != 2)
		return 2;
	mb = mailbox_open(argv[1], O_RDONLY);
	if (!mb || pipe(asking) || pipe(telling))
		die(argv[1], errno);
	printf("  %-28s%-20s%-20s%s\n", "the sender is", "nobody has it", "somebody has it",
	       "it is answered");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		right &= play(&rows[i], mb, argv[1]);
	mailbox_close(mb);
	return right ? 0 : 1;
}
