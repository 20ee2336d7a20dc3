// SPDX-License-Identifier: MIT
/* Ports by name: create, open, delete, query; who maps one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789._-"

/* The rule for names, applied here too so that no name leaves /dev/mailbox. */
static bool name_valid(const char *name)
{
	size_t len = strspn(name, NAME_CHARACTERS);

	return len && len <= MAILBOX_NAME_MAX && !name[len] &&
	       name[0] != '.' && strcmp(name, "control");
}

bool mailbox_oflags_valid(int oflags)
{
	return !(oflags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC)) &&
	       (oflags & O_ACCMODE) != O_ACCMODE;
}

/* One ioctl on the control node. Returns 0 or a negative errno value. */
static int control(unsigned long request, void *arg)
{
	int fd, err;

	/* Opening the node needs no permission that matters: it is 0666. */
	fd = open(MAILBOX_DEV_DIR "/control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	err = ioctl(fd, request, arg) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Returns -1 with errno for a negative @err, for functions that say it so. */
static int fail(int err)
{
	errno = -err;
	return -1;
}

static int create_fd(const char *name, const struct mailbox_attr *attr,
		     int oflags)
{
	struct mailbox_create arg = {
		.size = sizeof(arg),
		.flags = attr->flags,
		.message_size = attr->message_size,
		.capacity = attr->capacity,
		.lanes = attr->lanes,
		.mode = attr->mode,
		.open_flags = oflags | O_CLOEXEC,
		.fd = -1,
		.peer_pid = attr->peer_pid,
		.max_deliveries = attr->max_deliveries,
		.limit = attr->limit,
	};
	int err;

	if (name)
		memcpy(arg.name, name, strlen(name));
	if (attr->dead_letter)
		memcpy(arg.dead_letter, attr->dead_letter, strlen(attr->dead_letter));
	err = control(MAILBOX_IOC_CREATE, &arg);
	return err ? fail(err) : arg.fd;
}

static int open_by_control(const char *name, int oflags)
{
	struct mailbox_open arg = {
		.size = sizeof(arg),
		.open_flags = oflags | O_CLOEXEC,
		.fd = -1,
	};
	int err;

	memcpy(arg.name, name, strlen(name));
	err = control(MAILBOX_IOC_OPEN, &arg);
	return err ? fail(err) : arg.fd;
}

/*
 * The node if there is one, otherwise by name through the control node, which
 * knows best whether it is the port or only its node that is missing. What is
 * no device is not a port, however it came there ("echo >/dev/mailbox/typo" of
 * a careless root makes a file).
 */
static int open_fd(const char *name, int oflags)
{
	char path[sizeof(MAILBOX_DEV_DIR) + MAILBOX_NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), MAILBOX_DEV_DIR "/%s", name);
	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return open_by_control(name, oflags);
	return open(path, oflags | O_CLOEXEC);
}

struct mailbox *mailbox_create(const char *name,
			       const struct mailbox_attr *attr, int oflags)
{
	static const struct mailbox_attr defaults;

	if (!attr)
		attr = &defaults;
	if ((name && !name_valid(name)) || !mailbox_oflags_valid(oflags) ||
	    (attr->dead_letter && !name_valid(attr->dead_letter))) {
		errno = EINVAL;
		return NULL;
	}
	return mailbox_wrap(create_fd(name, attr, oflags));
}

struct mailbox *mailbox_open(const char *name, int oflags)
{
	if (!name || !name_valid(name) || !mailbox_oflags_valid(oflags)) {
		errno = EINVAL;
		return NULL;
	}
	return mailbox_wrap(open_fd(name, oflags));
}

int mailbox_delete(const char *name, uint32_t flags)
{
	struct mailbox_delete arg = { .size = sizeof(arg), .flags = flags };

	if (!name || !name_valid(name))
		return -EINVAL;
	memcpy(arg.name, name, strlen(name));
	return control(MAILBOX_IOC_DELETE, &arg);
}

int mailbox_evict(const char *name, uint32_t endpoint)
{
	struct mailbox_evict arg = { .size = sizeof(arg), .endpoint = endpoint };

	if (!name || !name_valid(name))
		return -EINVAL;
	memcpy(arg.name, name, strlen(name));
	return control(MAILBOX_IOC_EVICT, &arg);
}

/* The next one from @endpoint on, behind @count others. */
static int add_holder(struct mailbox_holder **holders, int count, const char *name,
		      uint32_t endpoint)
{
	struct mailbox_holder *more, holder = { .size = sizeof(holder), .endpoint = endpoint };
	int err;

	memcpy(holder.name, name, strlen(name));
	err = control(MAILBOX_IOC_HOLDER, &holder);
	if (err)
		return err;
	more = reallocarray(*holders, count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[count] = holder;
	*holders = more;
	return 0;
}

int mailbox_holders(const char *name, struct mailbox_holder **holders)
{
	int count = 0, err;

	*holders = NULL;
	if (!name || !name_valid(name))
		return -EINVAL;
	do {
		err = add_holder(holders, count, name,
				 count ? (*holders)[count - 1].endpoint + 1 : 0);
	} while (!err && ++count);
	if (err == -ESRCH)
		return count;
	free(*holders);
	*holders = NULL;
	return err;
}

int mailbox_query(struct mailbox_query *query)
{
	*query = (struct mailbox_query){ .size = sizeof(*query) };
	return control(MAILBOX_IOC_QUERY, query);
}
