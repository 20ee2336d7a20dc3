// SPDX-License-Identifier: MIT
/*
 * Lanes: a nameless port with three of them. What is urgent comes first, and
 * an endpoint may choose to hear of nothing else.
 *
 *	priority
 */
#include <errno.h>
#include <mailbox.h>
#include <stdio.h>
#include <string.h>

static int send_on(struct mailbox *mb, uint32_t lane, const char *text)
{
	struct mailbox_msg msg = {
		.data = (void *)text,
		.length = strlen(text),
		.lane = lane,
	};

	return mailbox_send_msg(mb, &msg, MAILBOX_FOREVER);
}

/* All there is at this moment. */
static int receive_what_is_there(struct mailbox *mb)
{
	char buffer[64];
	struct mailbox_msg msg = { .data = buffer, .size = sizeof(buffer) };
	int len;

	for (;;) {
		len = mailbox_receive_msg(mb, &msg, MAILBOX_NO_WAIT);
		if (len == -EAGAIN)
			return 0;
		if (len < 0)
			return len;
		printf("lane %u: %.*s\n", msg.lane, len, buffer);
	}
}

static int run(struct mailbox *mb)
{
	int err;

	err = send_on(mb, 0, "sweep the floor");
	if (!err)
		err = send_on(mb, 1, "answer the door");
	if (!err)
		err = send_on(mb, 2, "put out the fire");
	if (!err)
		err = mailbox_set_lanes(mb, 1U << 2, 0);
	if (!err)
		err = receive_what_is_there(mb);	/* the fire alone */
	if (!err)
		err = mailbox_set_lanes(mb, ~0U, 0);
	if (!err)
		err = receive_what_is_there(mb);	/* then the door */
	return err;
}

int main(void)
{
	struct mailbox_attr attr = { .lanes = 3, .message_size = 64 };
	struct mailbox *mb;
	int err;

	mb = mailbox_create(NULL, &attr, O_RDWR);
	err = mb ? run(mb) : -errno;
	if (err)
		fprintf(stderr, "priority: %s\n", mailbox_strerror(err));
	mailbox_close(mb);
	return err ? 1 : 0;
}
