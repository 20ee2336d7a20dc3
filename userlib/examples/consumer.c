// SPDX-License-Identifier: MIT
/*
 * A consumer: receives from a port until somebody deletes it, and prints each
 * message on a line. Start as many as you like: each message goes to one.
 *
 *	consumer PORT
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <stdlib.h>

static int consume(struct mailbox *mb, char *buffer, size_t size)
{
	int len;

	for (;;) {
		len = mailbox_receive(mb, buffer, size);	/* waits for one */
		if (len < 0)
			return len;
		printf("%.*s\n", len, buffer);
		fflush(stdout);
	}
}

/* With a buffer that any message of the port fits in. */
static int run(struct mailbox *mb)
{
	struct mailbox_info info;
	char *buffer;
	int err;

	err = mailbox_info(mb, &info);
	if (err)
		return err;
	buffer = malloc(info.message_size);
	if (!buffer)
		return -ENOMEM;
	err = consume(mb, buffer, info.message_size);
	free(buffer);
	return err;
}

int main(int argc, char **argv)
{
	struct mailbox *mb;
	int err;

	if (argc != 2) {
		fprintf(stderr, "Usage: consumer PORT\n");
		return 2;
	}
	mb = mailbox_open(argv[1], O_RDONLY);
	err = mb ? run(mb) : -errno;
	mailbox_close(mb);
	if (err == -EIDRM)	/* the end, and all messages were received */
		return 0;
	fprintf(stderr, "consumer: %s: %s\n", argv[1], mailbox_strerror(err));
	return 1;
}
