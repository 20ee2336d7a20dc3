// SPDX-License-Identifier: MIT
/*
 * Messages that are never copied: numbers are written where the receiver reads
 * them, in memory that both map. Nobody else on the port needs to know.
 *
 *	inplace send PORT COUNT		one message for each of 1 .. COUNT
 *	inplace sum PORT		add up what comes until the port is deleted
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int send_numbers(struct mailbox *mb, long count)
{
	long i;

	for (i = 1; i <= count; i++) {
		struct mailbox_msg msg = { .lane = MAILBOX_LANE_DEFAULT };
		int err = mailbox_reserve(mb, &msg, MAILBOX_FOREVER);

		if (err)
			return err;
		memcpy(msg.data, &i, sizeof(i));	/* straight into the slot */
		msg.length = sizeof(i);
		mailbox_submit(mb, &msg);
	}
	return 0;
}

static int add_up(struct mailbox *mb)
{
	struct mailbox_msg msg = { 0 };
	long number, sum = 0;
	int err;

	while (!(err = mailbox_peek(mb, &msg, MAILBOX_FOREVER))) {
		memcpy(&number, msg.data, sizeof(number));	/* whoever maps could change it */
		if (msg.length == sizeof(number))
			sum += number;
		mailbox_release(mb, &msg);
	}
	printf("%ld\n", sum);
	return err == -EIDRM ? 0 : err;		/* deleted, and all was received */
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	int err;

	if (!(argc == 4 && !strcmp(argv[1], "send")) &&
	    !(argc == 3 && !strcmp(argv[1], "sum"))) {
		fprintf(stderr, "Usage: inplace send PORT COUNT | inplace sum PORT\n");
		return 2;
	}
	mb = mailbox_open(argv[2], O_RDWR);
	err = mb ? mailbox_map(mb) : -errno;
	if (!err)
		err = argc == 4 ? send_numbers(mb, atol(argv[3])) : add_up(mb);
	mailbox_close(mb);
	if (!err)
		return 0;
	fprintf(stderr, "inplace: %s: %s\n", argv[2], mailbox_strerror(err));
	return 1;
}
