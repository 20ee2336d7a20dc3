// SPDX-License-Identifier: MIT
/* mailbox create, mailbox delete */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tool.h"

static const char create_help[] =
"Usage: mailbox create [OPTION]... PORT\n"
"Make a port. Its name is 1 to 63 of A-Z a-z 0-9 . _ - and appears in\n"
"/dev/mailbox at once. The port lives until it is deleted.\n\n"
"  -s, --message-size=N   largest message in bytes (8K); K and M are understood\n"
"  -c, --capacity=N       messages per lane, a power of two (16)\n"
"  -l, --lanes=N          lanes; a higher one is received first (1)\n"
"  -m, --mode=MODE        permissions, octal, whatever the umask (0600, less it)\n"
"      --sealed           can never be mapped: the sender can always be trusted\n"
"      --direct           for one sender and one receiver, who are told when the\n"
"                         other has gone\n"
"      --peer=PID         with --direct: only this process may open it\n"
"      --drop=WHICH       newest or oldest: who sends to a full lane does not wait, but\n"
"                         that message is dropped, and counted\n"
"      --limit=N          messages at most, in all lanes together, not more than the\n"
"                         capacity; sealed (as many as the lanes hold)\n"
"      --max-deliveries=N a message is given up whose receivers died with it, or gave\n"
"                         it back, so often (no limit)\n"
"      --dead-letter=PORT with --max-deliveries: it goes there then, and is not lost\n"
"      --exist-ok         no error if a port of that name exists, as it is\n"
HELP_HELP HELP_EXIT ".\n";

enum { SEALED = 256, DIRECT, PEER, DROP, LIMIT, MAX_DELIVERIES, DEAD_LETTER, EXIST_OK };

static const struct option create_options[] = {
	{ "message-size", required_argument, NULL, 's' },
	{ "capacity", required_argument, NULL, 'c' },
	{ "lanes", required_argument, NULL, 'l' },
	{ "mode", required_argument, NULL, 'm' },
	{ "sealed", no_argument, NULL, SEALED },
	{ "direct", no_argument, NULL, DIRECT },
	{ "peer", required_argument, NULL, PEER },
	{ "drop", required_argument, NULL, DROP },
	{ "limit", required_argument, NULL, LIMIT },
	{ "max-deliveries", required_argument, NULL, MAX_DELIVERIES },
	{ "dead-letter", required_argument, NULL, DEAD_LETTER },
	{ "exist-ok", no_argument, NULL, EXIST_OK },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static uint32_t to_capacity(const struct command *cmd, const char *text)
{
	uint32_t n = to_number(cmd, "the capacity", text, MAILBOX_CAPACITY_MIN,
			       MAILBOX_CAPACITY_MAX);

	if (n & (n - 1))
		misused(cmd, "the capacity must be a power of two, not %s",
			text);
	return n;
}

static uint32_t to_policy(const struct command *cmd, const char *text)
{
	if (!strcmp(text, "newest"))
		return MAILBOX_DROP_NEWEST;
	if (strcmp(text, "oldest"))
		misused(cmd, "what to drop must be newest or oldest, not %s", text);
	return MAILBOX_DROP_OLDEST;
}

static void create_option(const struct command *cmd, int c,
			  struct mailbox_attr *attr)
{
	switch (c) {
	case 's':
		attr->message_size = to_size(cmd, "the message size", optarg,
					     MAILBOX_MESSAGE_MAX);
		break;
	case 'c':
		attr->capacity = to_capacity(cmd, optarg);
		break;
	case 'l':
		attr->lanes = to_number(cmd, "lanes", optarg, 1,
					MAILBOX_LANES_MAX);
		break;
	case 'm':
		attr->mode = to_mode(cmd, optarg);
		umask(0);
		break;
	case SEALED:
		attr->flags |= MAILBOX_SEALED;
		break;
	case DIRECT:
		attr->flags |= MAILBOX_DIRECT;
		break;
	case PEER:
		attr->peer_pid = to_number(cmd, "the peer", optarg, 1, INT32_MAX);
		break;
	case DROP:
		attr->flags &= ~(MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST);
		attr->flags |= to_policy(cmd, optarg);
		break;
	case LIMIT:
		attr->limit = to_number(cmd, "the limit", optarg, 1, MAILBOX_CAPACITY_MAX);
		attr->flags |= MAILBOX_SEALED;
		break;
	case MAX_DELIVERIES:
		attr->max_deliveries = to_number(cmd, "the deliveries", optarg, 1,
						 MAILBOX_DELIVERIES_MAX);
		break;
	case DEAD_LETTER:
		attr->dead_letter = optarg;
		break;
	case EXIST_OK:
		attr->flags &= ~MAILBOX_EXCLUSIVE;
		break;
	}
}

#define NOT_LIMITED	(MAILBOX_DIRECT | MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST)

/*
 * Opening an existing port takes permission to; either direction will do. A direct one is
 * opened for both: that takes no end, and leaves none.
 */
static struct mailbox *create(const char *port, const struct mailbox_attr *attr)
{
	struct mailbox *mb = mailbox_create(port, attr, attr->flags & MAILBOX_DIRECT ? O_RDWR :
									       O_RDONLY);

	if (!mb && errno == EACCES)
		mb = mailbox_create(port, attr, O_WRONLY);
	return mb;
}

/*
 * An ordinary file where the node is to be: what "echo >/dev/mailbox/PORT" of
 * root leaves behind when there is no such port. The node could not appear.
 */
static bool in_the_way(const char *port)
{
	char path[sizeof("/dev/mailbox/") + MAILBOX_NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/mailbox/%s", port);
	return strlen(port) <= MAILBOX_NAME_MAX && !strchr(port, '/') &&
	       !stat(path, &st) && S_ISREG(st.st_mode);
}

/* As the module judges names, to say what is wrong with one. */
static bool name_is_good(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return length && length <= MAILBOX_NAME_MAX && !name[length] && name[0] != '.' &&
	       strcmp(name, "control");
}

/* What is the matter with the port, or with the one for its dead letters. */
static int not_created(const struct command *cmd, const char *port,
		       const struct mailbox_attr *attr, int error)
{
	if (error == EINVAL && !(name_is_good(port) &&
				 (!attr->dead_letter || name_is_good(attr->dead_letter))))
		return failed_because(cmd, port,
				      "a name is 1 to 63 of A-Z a-z 0-9 . _ - without a dot in front, and not control");
	if (error == EINVAL)	/* the rest was judged before */
		return failed_because(cmd, port, "larger than a port may be (see mailbox query)");
	if (attr->dead_letter && error == ENOENT)
		return failed_because(cmd, port, "no port %s for its dead letters",
				      attr->dead_letter);
	if (attr->dead_letter && error == EMSGSIZE)
		return failed_because(cmd, port, "%s takes no messages as long as that",
				      attr->dead_letter);
	if (attr->dead_letter && error == EOPNOTSUPP)
		return failed_because(cmd, port,
				      "%s is direct, has a limit or gives up messages itself, and cannot take others'",
				      attr->dead_letter);
	return failed(cmd, port, -error);
}

static int create_run(const struct command *cmd, int argc, char **argv)
{
	struct mailbox_attr attr = { .flags = MAILBOX_EXCLUSIVE };
	struct mailbox *mb;
	const char *port;
	int c;

	while ((c = next_option(cmd, argc, argv, ":s:c:l:m:h",
				create_options)) != -1)
		create_option(cmd, c, &attr);
	port = only_argument(cmd, argc, argv);
	if (attr.peer_pid && !(attr.flags & MAILBOX_DIRECT))
		misused(cmd, "--peer is for --direct");
	if (attr.flags & MAILBOX_DIRECT && attr.flags & MAILBOX_DROP_OLDEST)
		misused(cmd, "--direct keeps what it has: --drop=newest");
	if (attr.dead_letter && !attr.max_deliveries)
		misused(cmd, "--dead-letter takes --max-deliveries");
	if (attr.limit && (attr.max_deliveries || attr.flags & NOT_LIMITED))
		misused(cmd, "--limit is not for --direct, --drop or --max-deliveries");
	if (attr.limit > (attr.capacity ? attr.capacity : MAILBOX_CAPACITY_DEFAULT))
		misused(cmd, "--limit takes a capacity that is not less");

	if (in_the_way(port))
		return failed_because(cmd, port,
				      "/dev/mailbox/%s is an ordinary file, remove it first",
				      port);
	mb = create(port, &attr);
	if (!mb)
		return not_created(cmd, port, &attr, errno);
	mailbox_close(mb);
	return DONE;
}

const struct command command_create = {
	.name = "create",
	.summary = "make a port",
	.help = create_help,
	.run = create_run,
};

static const char delete_help[] =
"Usage: mailbox delete [OPTION]... PORT...\n"
"End ports. The name is free at once; senders fail with \"port deleted\", and\n"
"so do receivers when they have taken what is left.\n\n"
"  -p, --purge            discard what is left\n"
HELP_HELP HELP_EXIT ".\n";

static const struct option delete_options[] = {
	{ "purge", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static int delete_run(const struct command *cmd, int argc, char **argv)
{
	int c, err, status = DONE;
	uint32_t flags = 0;

	while ((c = next_option(cmd, argc, argv, ":ph", delete_options)) != -1)
		flags |= MAILBOX_DELETE_PURGE;
	if (optind == argc)
		misused(cmd, "which port?");

	for (; optind < argc; optind++) {
		err = mailbox_delete(argv[optind], flags);
		if (err == -EPERM)
			status = failed_because(cmd, argv[optind], "not the owner of the port");
		else if (err)
			status = failed(cmd, argv[optind], err);
	}
	return status;
}

const struct command command_delete = {
	.name = "delete",
	.summary = "end a port, waking everyone who waits on it",
	.help = delete_help,
	.run = delete_run,
};
