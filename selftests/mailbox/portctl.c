// SPDX-License-Identifier: GPL-2.0
/*
 * portctl: what the shell tests need beside a shell.
 *
 *	portctl create NAME [MODE]	make a port and go
 *	portctl delete NAME [purge]	end it
 *	portctl hold FILE		open it, print "held", and keep it until stdin ends
 *	portctl query			print the number of ports
 *	portctl as UID COMMAND...	run it as that user and group, without privilege
 *
 * Exits with 0, 2 for wrong usage, or prints the name of the errno and exits with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include <linux/mailbox.h>

static int failed(void)
{
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static int open_control(void)
{
	return open("/dev/mailbox/control", O_RDWR | O_CLOEXEC);
}

static int create(const char *name, const char *mode)
{
	struct mailbox_create arg = {
		.size = sizeof(arg), .flags = MAILBOX_EXCLUSIVE, .open_flags = O_RDWR,
		.mode = mode ? strtoul(mode, NULL, 8) : 0,
	};

	strncpy(arg.name, name, MAILBOX_NAME_MAX);
	return ioctl(open_control(), MAILBOX_IOC_CREATE, &arg) ? failed() : 0;
}

static int delete(const char *name, const char *purge)
{
	struct mailbox_delete arg = {
		.size = sizeof(arg), .flags = purge ? MAILBOX_DELETE_PURGE : 0,
	};

	strncpy(arg.name, name, MAILBOX_NAME_MAX);
	return ioctl(open_control(), MAILBOX_IOC_DELETE, &arg) ? failed() : 0;
}

static int hold(const char *path)
{
	char line[64];

	if (open(path, O_RDWR) < 0)
		return failed();
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, line, sizeof(line)) > 0)
		;
	return 0;
}

static int query(void)
{
	struct mailbox_query arg = { .size = sizeof(arg) };

	if (ioctl(open_control(), MAILBOX_IOC_QUERY, &arg))
		return failed();
	printf("%u\n", arg.ports);
	return 0;
}

static int as(const char *id, char **command)
{
	uid_t uid = strtoul(id, NULL, 10);

	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return failed();
	execvp(*command, command);
	return failed();
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "create"))
		return create(argv[2], argv[3]);
	if (argc >= 3 && !strcmp(argv[1], "delete"))
		return delete(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "query"))
		return query();
	if (argc >= 4 && !strcmp(argv[1], "as"))
		return as(argv[2], argv + 3);
	return 2;
}
