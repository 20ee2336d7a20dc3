// SPDX-License-Identifier: MIT
/*
 * A producer: makes a port, or joins it if it is there, and sends numbered
 * messages. It does not know who receives them, or how many do.
 *
 *	producer PORT COUNT [NAME]
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <stdlib.h>

static int produce(struct mailbox *mb, long count, const char *name)
{
	char text[64];
	int err, len;
	long i;

	for (i = 1; i <= count; i++) {
		len = snprintf(text, sizeof(text), "%s %ld", name, i);
		err = mailbox_send(mb, text, len);	/* waits while full */
		if (err)
			return err;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	int err;

	if (argc < 3) {
		fprintf(stderr, "Usage: producer PORT COUNT [NAME]\n");
		return 2;
	}
	mb = mailbox_create(argv[1], NULL, O_WRONLY);
	err = mb ? produce(mb, atol(argv[2]), argc > 3 ? argv[3] : "C") :
		   -errno;
	if (err)
		fprintf(stderr, "producer: %s: %s\n", argv[1],
			mailbox_strerror(err));
	mailbox_close(mb);
	return err ? 1 : 0;
}
