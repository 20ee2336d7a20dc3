/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of the library share.
 *
 *	control.c   ports by name: create, open, delete, query
 *	endpoint.c  the handle: from_fd, close, fd, info, set_lanes
 *	message.c   send and receive
 *	list.c      all ports, from sysfs
 *	strerror.c  errors in words
 */
#ifndef MAILBOX_INTERNAL_H
#define MAILBOX_INTERNAL_H

#include <stdbool.h>

#include "mailbox.h"

#define MAILBOX_DEV_DIR	"/dev/mailbox"
#define MAILBOX_SYS_DIR	"/sys/class/mailbox"

struct mailbox {
	int fd;
};

/* A handle that owns @fd. Takes the descriptor in any case: closed on failure. */
struct mailbox *mailbox_wrap(int fd);

#endif /* MAILBOX_INTERNAL_H */
