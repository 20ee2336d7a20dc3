// SPDX-License-Identifier: MIT
/*
 * The library is loaded, maps a port and is closed with things in hand: as root in a
 * guest. A mapping is the process's, not the library's: it stays until the end.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <mailbox.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mailbox.h>

#include "tap.h"

#define NODE	"/dev/mailbox/unloaded"

static void *library;

#define call(function) ((__typeof__(&function))symbol(#function))

static void *symbol(const char *name)
{
	void *p = dlsym(library, name);

	if (!p) {
		printf("Bail out! %s\n", dlerror());
		exit(1);
	}
	return p;
}

static void load(void)
{
	library = dlopen("libmailbox.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		printf("Bail out! %s\n", dlerror());
		exit(1);
	}
}

static struct mailbox_info info_of(int fd)
{
	struct mailbox_info info = { .size = sizeof(info) };

	if (ioctl(fd, MAILBOX_IOC_INFO, &info))
		memset(&info, 0xff, sizeof(info));
	return info;
}

/* A message in hand and a slot claimed, and then no library. Returns whether it came to that. */
static int map_and_unload(void)
{
	struct mailbox_msg in = { 0 }, out = { 0 };
	struct mailbox *mb;
	int err;

	load();
	mb = call(mailbox_open)("unloaded", O_RDWR);
	err = !mb || call(mailbox_map)(mb) || call(mailbox_peek)(mb, &in, MAILBOX_NO_WAIT) ||
	      call(mailbox_reserve)(mb, &out, MAILBOX_NO_WAIT);
	return !err && !dlclose(library) && !dlopen("libmailbox.so.0", RTLD_NOW | RTLD_NOLOAD);
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Forks with the mapping there and the library gone; and ends. */
static void unload_in_child(int fd)
{
	pid_t pid;

	if (!map_and_unload())
		_exit(1);
	if (info_of(fd).mappings != 1)
		_exit(2);
	pid = fork();
	if (!pid)
		_exit(info_of(fd).mappings == 1 ? 0 : 1);
	if (status_of(pid) || info_of(fd).mappings != 1)
		_exit(3);
	load();		/* it can be had again, and knows nothing of before */
	call(mailbox_unmap)(call(mailbox_open)("unloaded", O_RDWR));
	exit(info_of(fd).mappings == 1 ? 0 : 4);
}

int main(void)
{
	struct mailbox_attr attr = { .capacity = 4 };
	struct mailbox_message m = { .size = sizeof(m) };
	char text[8192];
	pid_t pid;
	int fd;

	load();
	call(mailbox_close)(call(mailbox_create)("unloaded", &attr, O_RDWR));
	fd = open(NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ok(fd >= 0 && write(fd, "kept", 4) == 4 && !dlclose(library), "a port");
	fflush(stdout);
	pid = fork();
	if (!pid)
		unload_in_child(fd);
	ok(status_of(pid) == 0, "a mapping stays when the library goes, through a fork as well");
	ok(info_of(fd).mappings == 0, "and goes with its process");
	m.data = (uintptr_t)text;
	m.length = sizeof(text);
	ok(!ioctl(fd, MAILBOX_IOC_RECEIVE, &m) && m.length == 4 && !memcmp(text, "kept", 4) &&
	   m.flags & MAILBOX_MSG_REDELIVERED, "what it had in its hands comes again");
	ok(write(fd, "next", 4) == 4 && read(fd, text, sizeof(text)) == 4,
	   "what it had claimed is in nobody's way");
	ok(info_of(fd).depth == 0 && info_of(fd).endpoints == 1, "and nothing is left");
	load();
	call(mailbox_delete)("unloaded", 0);
	return done();
}
