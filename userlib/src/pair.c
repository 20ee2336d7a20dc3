// SPDX-License-Identifier: MIT
/* A link in both directions: two nameless direct ports. */
#include <errno.h>

#include "internal.h"

/* One direction. Returns 0 or a negative errno value. */
static int one_way(struct mailbox **send, struct mailbox **receive,
		   const struct mailbox_attr *attr, int oflags)
{
	int err;

	*send = mailbox_create(NULL, attr, O_RDWR | oflags);
	if (!*send)
		return -errno;
	err = mailbox_take_end(*send, MAILBOX_END_SEND);
	if (!err) {
		*receive = mailbox_reopen(*send, O_RDWR | oflags);	/* the end that is left */
		if (*receive)
			return 0;
		err = -errno;
	}
	mailbox_close(*send);
	return err;
}

int mailbox_pair(struct mailbox_link link[2], const struct mailbox_attr *attr, int oflags)
{
	struct mailbox_attr direct = { 0 };
	int err;

	if (attr)
		direct = *attr;
	direct.flags |= MAILBOX_DIRECT;
	if (oflags & ~O_NONBLOCK)
		return -EINVAL;
	err = one_way(&link[0].send, &link[1].receive, &direct, oflags);
	if (err)
		return err;
	err = one_way(&link[1].send, &link[0].receive, &direct, oflags);
	if (err) {
		mailbox_close(link[0].send);
		mailbox_close(link[1].receive);
	}
	return err;
}
