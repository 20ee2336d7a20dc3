// SPDX-License-Identifier: MIT
/* The handle: one open file on a port. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

struct mailbox *mailbox_wrap(int fd)
{
	struct mailbox *mb;

	if (fd < 0)
		return NULL;
	mb = calloc(1, sizeof(*mb));
	if (!mb) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	mb->fd = fd;
	return mb;
}

struct mailbox *mailbox_from_fd(int fd)
{
	struct mailbox_info info;
	struct mailbox *mb;
	int err;

	mb = calloc(1, sizeof(*mb));
	if (!mb)
		return NULL;
	mb->fd = fd;
	err = mailbox_info(mb, &info);
	if (!err && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		free(mb);
		errno = -err;
		return NULL;
	}
	return mb;
}

struct mailbox *mailbox_reopen(struct mailbox *mb, int oflags)
{
	struct mailbox_open arg = {
		.size = sizeof(arg),
		.open_flags = oflags | O_CLOEXEC,
		.fd = -1,
	};

	if (!mailbox_oflags_valid(oflags)) {
		errno = EINVAL;
		return NULL;
	}
	if (ioctl(mb->fd, MAILBOX_IOC_OPEN, &arg) < 0)
		return NULL;
	return mailbox_wrap(arg.fd);
}

void mailbox_close(struct mailbox *mb)
{
	int saved = errno;

	if (!mb)
		return;
	mailbox_unmap(mb);
	close(mb->fd);
	free(mb);
	errno = saved;
}

int mailbox_fd(const struct mailbox *mb)
{
	return mb->fd;
}

int mailbox_info(struct mailbox *mb, struct mailbox_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(mb->fd, MAILBOX_IOC_INFO, info) < 0 ? -errno : 0;
}

int mailbox_take_end(struct mailbox *mb, uint32_t end)
{
	struct mailbox_end arg = { .size = sizeof(arg), .end = end };

	return ioctl(mb->fd, MAILBOX_IOC_END, &arg) < 0 ? -errno : 0;
}

int mailbox_set_lanes(struct mailbox *mb, uint32_t receive_mask,
		      uint32_t default_lane)
{
	struct mailbox_set_lanes arg = {
		.size = sizeof(arg),
		.receive_mask = receive_mask,
		.default_lane = default_lane,
	};

	if (ioctl(mb->fd, MAILBOX_IOC_SET_LANES, &arg) < 0)
		return -errno;
	if (mb->ring) {
		mb->ring->receive_mask = receive_mask;
		mb->ring->default_lane = default_lane;
	}
	return 0;
}
