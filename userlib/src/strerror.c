// SPDX-License-Identifier: MIT
/* Errors in the words of the product. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const struct {
	int error;
	const char *text;
} texts[] = {
	{ 0, "success" },
	{ EAGAIN, "would block" },
	{ EINTR, "interrupted by a signal" },
	{ ETIMEDOUT, "timed out" },
	{ EINPROGRESS, "sent, and not finished yet" },
	{ ESTALE, "no such ticket or lease, or no longer" },
	{ EREMOTE, "the next message is not in the mapping" },
	{ EIDRM, "port deleted" },
	{ EMSGSIZE, "message too long" },
	{ EDQUOT, "the user's memory for ports is used up" },
	{ ENOSPC, "too many ports, or too many endpoints on the port" },
	{ EEXIST, "a port of that name exists" },
	{ ENOENT, "no port of that name" },
	{ ENODEV, "the mailbox module is not loaded" },
	{ ENXIO, "the node's port is gone" },
	{ EACCES, "permission denied" },
	{ EPERM, "not the owner of the port, or the port is sealed or for others" },
	{ EBUSY, "the place is taken: mapped already, or somebody else's end" },
	{ EPIPE, "the other end was closed" },
	{ ECONNRESET, "the other end was closed and left messages unread" },
	{ EOPNOTSUPP, "not on this kind of port, or no reply was asked for" },
	{ ENOTCONN, "the endpoint is not mapped" },
	{ ESHUTDOWN, "the endpoint was evicted" },
	{ ESRCH, "no such process, or no such mapped endpoint" },
	{ EBADF, "not open for this direction" },
	{ EPROTO, "the port was found inconsistent" },
	{ EINVAL, "invalid name, size, lane or flag" },
	{ ENOMEM, "out of memory" },
	{ EFAULT, "bad address" },
	{ E2BIG, "the loaded module is older than the library" },
	{ ENOTTY, "not a port" },
};

const char *mailbox_strerror(int error)
{
	const char *text;
	size_t i;

	if (error < 0 && error > -4096)
		error = -error;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			return texts[i].text;
	text = strerrordesc_np(error);
	return text ? text : "unknown error";
}
