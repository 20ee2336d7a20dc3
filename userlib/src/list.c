// SPDX-License-Identifier: MIT
/* All ports, read from sysfs: no port is opened. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* One attribute of a port, without the newline. Returns 0, or -ENOENT when the port has gone. */
static int read_text(int dir, const char *attribute, char *text, size_t size)
{
	ssize_t len;
	int fd;

	fd = openat(dir, attribute, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	len = read(fd, text, size - 1);
	close(fd);
	if (len <= 0)
		return -ENOENT;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static int read_value(int dir, const char *attribute, unsigned long long *value)
{
	char text[32];
	int err = read_text(dir, attribute, text, sizeof(text));

	if (!err)
		*value = strtoull(text, NULL, 0);
	return err;
}

/* The attributes whose member has the same name. */
#define MEMBER(name) { #name, offsetof(struct mailbox_info, name), \
		       sizeof(((struct mailbox_info *)0)->name) }

static const struct {
	const char *name;
	size_t offset;
	size_t size;
} members[] = {
	MEMBER(flags), MEMBER(message_size), MEMBER(capacity), MEMBER(lanes),
	MEMBER(limit),
	MEMBER(endpoints), MEMBER(waiting_senders), MEMBER(waiting_receivers),
	/* in this order: what is finished meanwhile is not taken for queued */
	MEMBER(leased), MEMBER(depth), MEMBER(bytes), MEMBER(messages_sent),
	MEMBER(messages_received), MEMBER(messages_dropped),
	MEMBER(redelivered), MEMBER(quarantined), MEMBER(mappings),
	MEMBER(sender), MEMBER(receiver), MEMBER(max_deliveries), MEMBER(dead_endpoint),
	MEMBER(messages_moved),
};

static int read_members(int dir, struct mailbox_info *info)
{
	unsigned long long value;
	size_t i;
	int err;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char *member = (char *)info + members[i].offset;
		__u32 value32;

		err = read_value(dir, members[i].name, &value);
		if (err)
			return err;
		value32 = value;
		if (members[i].size == sizeof(value32))
			memcpy(member, &value32, sizeof(value32));
		else
			memcpy(member, &value, sizeof(value));
	}
	return 0;
}

/* Owner and mode are those of the node. */
static void read_node(struct mailbox_info *info)
{
	char path[sizeof(MAILBOX_DEV_DIR) + MAILBOX_NAME_SIZE];
	struct stat st;

	info->uid = ~0U;
	info->gid = ~0U;
	snprintf(path, sizeof(path), MAILBOX_DEV_DIR "/%s", info->name);
	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return;
	info->uid = st.st_uid;
	info->gid = st.st_gid;
	info->mode = st.st_mode & 07777;
}

static int read_port(DIR *class, const char *name, struct mailbox_info *info)
{
	int dir, err;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	memcpy(info->name, name, strlen(name));

	dir = openat(dirfd(class), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -ENOENT;
	err = read_members(dir, info);
	if (!err)
		err = read_text(dir, "dead_letter", info->dead_letter, sizeof(info->dead_letter));
	close(dir);
	if (!(info->flags & MAILBOX_SEALED))
		info->map_bytes = info->bytes;
	if (!err)
		read_node(info);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct mailbox_info *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* Room for one more behind @count, doubling. */
static int grow(struct mailbox_info **ports, size_t count)
{
	struct mailbox_info *more;

	if (count & (count - 1))
		return 0;
	more = reallocarray(*ports, count ? 2 * count : 1, sizeof(**ports));
	if (!more)
		return -ENOMEM;
	*ports = more;
	return 0;
}

/* Every entry that is a port; those that go meanwhile are left out. */
static int read_ports(DIR *class, struct mailbox_info **ports)
{
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(class))) {
		if (entry->d_name[0] == '.' ||
		    strlen(entry->d_name) > MAILBOX_NAME_MAX ||
		    !strcmp(entry->d_name, "control"))
			continue;
		if (grow(ports, count))
			return -ENOMEM;
		if (!read_port(class, entry->d_name, *ports + count))
			count++;
	}
	if (count)
		qsort(*ports, count, sizeof(**ports), compare);
	return count;
}

int mailbox_list(struct mailbox_info **ports)
{
	DIR *class;
	int count;

	*ports = NULL;
	class = opendir(MAILBOX_SYS_DIR);
	if (!class)
		return errno == ENOENT ? -ENODEV : -errno;
	count = read_ports(class, ports);
	closedir(class);
	if (count <= 0) {
		free(*ports);
		*ports = NULL;
	}
	return count;
}
