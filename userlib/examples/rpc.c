// SPDX-License-Identifier: MIT
/*
 * A remote procedure call: a question, and the caller sleeps until the answer is
 * there. Any number of servers answer on one port; a server that dies with a question
 * in its hands leaves it to another.
 *
 *	rpc serve PORT		turns what it is sent round, until the port is deleted
 *	rpc ask PORT TEXT	prints the answer
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <string.h>

#define SIZE	256

static int serve(struct mailbox *mb)
{
	char question[SIZE], answer[SIZE];
	struct mailbox_msg msg = {
		.data = question,
		.size = SIZE,
		.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_TRUNCATE,
	};
	int length = 0, pending = 0, err, i;

	/* Each turn by one call: the last answer, and the next question. */
	for (;;) {
		length = mailbox_reply_receive(mb, &msg, answer, length, &pending,
					       MAILBOX_FOREVER);
		for (i = 0; i < length; i++)
			answer[i] = question[length - 1 - i];
		if (length >= 0)
			continue;
		if (!pending)				/* it is the receive that failed */
			return length == -EIDRM ? 0 : length;
		if (length != -EPIPE && length != -EOPNOTSUPP)
			return length;
		err = mailbox_ack(mb, &msg);		/* nobody waits for the answer */
		if (err)
			return err;
		pending = 0;
	}
}

static int ask(struct mailbox *mb, char *question)
{
	char answer[SIZE];
	struct mailbox_msg msg = {
		.data = question,
		.length = strlen(question),
		.lane = MAILBOX_LANE_DEFAULT,
	};
	struct mailbox_result result = { .data = answer, .size = SIZE };
	int err;

	err = mailbox_call(mb, &msg, &result, mailbox_deadline_ms(5000));
	if (err == -EINPROGRESS) {	/* somebody has it: give him time */
		fprintf(stderr, "rpc: this takes long\n");
		err = mailbox_wait_ticket(mb, &msg, &result, MAILBOX_FOREVER);
	}
	/* After -ETIMEDOUT nobody has the question, and nobody will. */
	if (err)
		return err;
	if (result.outcome == MAILBOX_REPLIED)
		printf("%.*s\n", (int)result.length, answer);
	else
		fprintf(stderr, "rpc: process %u had nothing to say\n", result.pid);
	return 0;
}

int main(int argc, char **argv)
{
	struct mailbox_attr attr = { .message_size = SIZE };
	struct mailbox *mb;
	int err;

	if (argc == 3 && !strcmp(argv[1], "serve")) {
		mb = mailbox_create(argv[2], &attr, O_RDONLY);
		err = mb ? serve(mb) : -errno;
	} else if (argc == 4 && !strcmp(argv[1], "ask")) {
		mb = mailbox_open(argv[2], O_WRONLY);
		err = mb ? ask(mb, argv[3]) : -errno;
	} else {
		fprintf(stderr, "Usage: rpc serve PORT | rpc ask PORT TEXT\n");
		return 2;
	}
	mailbox_close(mb);
	if (!err)
		return 0;
	fprintf(stderr, "rpc: %s: %s\n", argv[2], mailbox_strerror(err));
	return 1;
}
