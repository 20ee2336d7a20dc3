// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen from outside: sysfs, fdinfo, tracepoints.
 */
#include "mailbox_test.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

/* One file of the port's directory, without its newline. */
static const char *attribute(const char *name, const char *file)
{
	static char copies[4][128];
	static unsigned int turn;
	char *copy = copies[turn++ % 4], path[256];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/%s", name, file);
	snprintf(copy, sizeof(copies[0]), "%s", slurp(path));
	copy[strcspn(copy, "\n")] = 0;
	return copy;
}

static long long number(const char *name, const char *file)
{
	const char *text = attribute(name, file);
	char *end;
	long long value = strtoll(text, &end, 0);

	return end == text || *end ? -1 : value;
}

static const char *const files[] = {
	"message_size", "capacity", "lanes", "limit", "flags", "depth", "messages_sent",
	"messages_received", "messages_dropped", "redelivered", "waiting_senders",
	"waiting_receivers", "endpoints", "bytes", "quarantined", "mappings",
	"sender", "receiver", "leased", "max_deliveries", "messages_moved", "dead_endpoint",
	"dead_letter",
};

#define N_FILES	((int)ARRAY_SIZE(files))
#define N_NUMBERS (N_FILES - 1)		/* the last one is a name, or nothing */

/* A port with every attribute of its own. */
FIXTURE(seen)
{
	char name[MAILBOX_NAME_SIZE];
	int both;
	int tx;
	int rx;
};

FIXTURE_SETUP(seen)
{
	strcpy(self->name, port_name("seen"));
	self->both = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			    .message_size = FIXTURE_MESSAGE, .capacity = 8, .lanes = 3,
			    .mode = 0640);
	ASSERT_LE(0, self->both);
	self->tx = open_port(self->name, O_WRONLY);
	ASSERT_LE(0, self->tx);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(seen)
{
	close(self->both);
	close(self->tx);
	close(self->rx);
}

/* sysfs */

TEST_F(seen, every_attribute_is_one_line)
{
	char path[256];
	int i;

	for (i = 0; i < N_FILES; i++) {
		const char *text;

		snprintf(path, sizeof(path), "/sys/class/mailbox/%s/%s", self->name, files[i]);
		text = slurp(path);
		EXPECT_LT(i < N_NUMBERS, strlen(text)) {
			TH_LOG("%s", files[i]);
		}
		EXPECT_EQ(text + strlen(text) - 1, strchr(text, '\n')) {
			TH_LOG("%s", files[i]);
		}
		EXPECT_TRUE(i >= N_NUMBERS || number(self->name, files[i]) >= 0) {
			TH_LOG("%s", files[i]);
		}
	}
}

TEST_F(seen, attributes_are_for_everybody_to_read_and_nobody_to_write)
{
	struct stat st;
	char path[256];
	int i;

	for (i = 0; i < N_FILES; i++) {
		snprintf(path, sizeof(path), "/sys/class/mailbox/%s/%s", self->name, files[i]);
		EXPECT_EQ(0, stat(path, &st));
		EXPECT_EQ(0444, st.st_mode & 07777) {
			TH_LOG("%s", files[i]);
		}
		EXPECT_GT(0, spill(path, "1"));
	}
}

TEST_F(seen, there_are_no_other_attributes)
{
	char path[256];
	struct dirent *entry;
	DIR *dir;
	int i;

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/", self->name);
	dir = opendir(path);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (entry->d_type != DT_REG || !strcmp(name, "dev") || !strcmp(name, "uevent"))
			continue;
		for (i = 0; i < N_FILES && strcmp(name, files[i]); i++)
			;
		EXPECT_GT(N_FILES, i) {
			TH_LOG("%s", name);
		}
	}
	closedir(dir);
}

TEST_F(seen, attributes_are_as_created)
{
	EXPECT_EQ(FIXTURE_MESSAGE, number(self->name, "message_size"));
	EXPECT_EQ(8, number(self->name, "capacity"));
	EXPECT_EQ(3, number(self->name, "lanes"));
	EXPECT_EQ(MAILBOX_AUTODELETE, number(self->name, "flags"));
	EXPECT_LE(FIXTURE_MESSAGE * 8 * 3, number(self->name, "bytes"));
}

TEST_F(seen, flags_show_a_sealed_port)
{
	const char *name = port_name("sealed");
	int fd = create(name, .flags = MAILBOX_SEALED | MAILBOX_AUTODELETE);

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAILBOX_SEALED | MAILBOX_AUTODELETE, number(name, "flags"));
	close(fd);
}

TEST_F(seen, a_fresh_port_counts_nothing)
{
	EXPECT_EQ(0, number(self->name, "depth"));
	EXPECT_EQ(0, number(self->name, "messages_sent"));
	EXPECT_EQ(0, number(self->name, "messages_received"));
	EXPECT_EQ(0, number(self->name, "messages_dropped"));
	EXPECT_EQ(0, number(self->name, "redelivered"));
	EXPECT_EQ(0, number(self->name, "waiting_senders"));
	EXPECT_EQ(0, number(self->name, "waiting_receivers"));
}

TEST_F(seen, sends_show)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ(0, send_on(self->tx, 2, ""));
	EXPECT_EQ(3, number(self->name, "depth"));
	EXPECT_EQ(3, number(self->name, "messages_sent"));
	EXPECT_EQ(0, number(self->name, "messages_received"));
}

TEST_F(seen, receives_show)
{
	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(1, put_text(self->tx, "2"));
	EXPECT_EQ(1, put_text(self->tx, "3"));
	EXPECT_MESSAGE("1", self->rx);
	EXPECT_EQ(2, number(self->name, "depth"));
	EXPECT_EQ(3, number(self->name, "messages_sent"));
	EXPECT_EQ(1, number(self->name, "messages_received"));
	EXPECT_MESSAGE("2", self->rx);
	EXPECT_MESSAGE("3", self->rx);
	EXPECT_EQ(0, number(self->name, "depth"));
	EXPECT_EQ(3, number(self->name, "messages_received"));
}

TEST_F(seen, looking_changes_nothing)
{
	struct mailbox_info before, after;
	int i;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	before = info_of(self->rx);
	for (i = 0; i < N_NUMBERS; i++)
		EXPECT_LE(0, number(self->name, files[i]));
	after = info_of(self->rx);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(seen, endpoints_show)
{
	int fd;

	EXPECT_EQ(3, number(self->name, "endpoints"));
	fd = open_node(self->name, O_RDONLY);
	EXPECT_EQ(4, number(self->name, "endpoints"));
	close(fd);
	EXPECT_EQ(3, number(self->name, "endpoints"));
}

TEST_F(seen, waiting_receivers_show)
{
	pid_t child[3];
	char in[8];
	int i;

	for (i = 0; i < 3; i++) {
		child[i] = spawn();
		if (!child[i])
			leave(get(self->rx, in, sizeof(in)));
	}
	EXPECT_TRUE(wait_until(number(self->name, "waiting_receivers") == 3));
	EXPECT_EQ(0, number(self->name, "waiting_senders"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, put_text(self->tx, "x"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, reap(child[i]));
	EXPECT_EQ(0, number(self->name, "waiting_receivers"));
}

TEST_F(seen, waiting_senders_show)
{
	pid_t child;

	fill_lane(self->tx, 0);
	child = spawn();
	if (!child)
		leave(put_text(self->tx, "x"));
	EXPECT_TRUE(wait_until(number(self->name, "waiting_senders") == 1));
	EXPECT_EQ(0, number(self->name, "waiting_receivers"));
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(1, reap(child));
	EXPECT_EQ(0, number(self->name, "waiting_senders"));
}

TEST_F(seen, a_killed_waiter_does_not_show)
{
	pid_t child = spawn();
	char in[8];

	if (!child)
		leave(get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(wait_until(number(self->name, "waiting_receivers") == 1));
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
	EXPECT_EQ(0, number(self->name, "waiting_receivers"));
}

TEST_F(seen, redelivered_shows_a_receiver_that_could_not_store)
{
	EXPECT_EQ(5, put_text(self->tx, "hello"));
	EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 16));
	EXPECT_EQ(1, number(self->name, "redelivered"));
	EXPECT_EQ(1, number(self->name, "depth"));
	EXPECT_EQ(0, number(self->name, "messages_received"));
	EXPECT_MESSAGE("hello", self->rx);
	EXPECT_EQ(1, number(self->name, "messages_received"));
}

/* A port that is deleted has no sysfs any more; its endpoints still tell. */
TEST_F(seen, purge_is_counted_as_dropped)
{
	struct mailbox_info info;

	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(1, put_text(self->tx, "2"));
	EXPECT_EQ(1, put_text(self->tx, "3"));
	EXPECT_MESSAGE("1", self->rx);
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	info = info_of(self->rx);
	EXPECT_EQ(MAILBOX_STATE_DELETED, info.state);
	EXPECT_EQ(0, info.depth);
	EXPECT_EQ(3, info.messages_sent);
	EXPECT_EQ(1, info.messages_received);
	EXPECT_EQ(2, info.messages_dropped);
	EXPECT_STREQ("", attribute(self->name, "depth"));
}

TEST_F(seen, drained_messages_are_not_counted_as_dropped)
{
	struct mailbox_info info;

	EXPECT_EQ(1, put_text(self->tx, "1"));
	EXPECT_EQ(1, put_text(self->tx, "2"));
	EXPECT_EQ(0, delete_port(self->name, 0));
	info = info_of(self->rx);
	EXPECT_EQ(2, info.depth);
	EXPECT_EQ(0, info.messages_dropped);
	EXPECT_MESSAGE("1", self->rx);
	EXPECT_MESSAGE("2", self->rx);
	EXPECT_EQ(2, info_of(self->rx).messages_received);
}

TEST_F(seen, info_equals_sysfs)
{
	struct mailbox_info info;

	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_MESSAGE("x", self->rx);
	get(self->rx, nowhere(), 16);
	info = info_of(self->rx);
	EXPECT_EQ(info.message_size, number(self->name, "message_size"));
	EXPECT_EQ(info.capacity, number(self->name, "capacity"));
	EXPECT_EQ(info.lanes, number(self->name, "lanes"));
	EXPECT_EQ(info.flags, number(self->name, "flags"));
	EXPECT_EQ(info.depth, number(self->name, "depth"));
	EXPECT_EQ(info.messages_sent, number(self->name, "messages_sent"));
	EXPECT_EQ(info.messages_received, number(self->name, "messages_received"));
	EXPECT_EQ(info.messages_dropped, number(self->name, "messages_dropped"));
	EXPECT_EQ(info.redelivered, number(self->name, "redelivered"));
	EXPECT_EQ(info.waiting_senders, number(self->name, "waiting_senders"));
	EXPECT_EQ(info.waiting_receivers, number(self->name, "waiting_receivers"));
	EXPECT_EQ(info.endpoints, number(self->name, "endpoints"));
	EXPECT_EQ(info.bytes, number(self->name, "bytes"));
	EXPECT_EQ(2, info.depth);
	EXPECT_EQ(1, info.redelivered);
}

TEST_F(seen, info_is_the_same_for_all_endpoints_of_a_port)
{
	struct mailbox_info a, b;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	a = info_of(self->tx);
	b = info_of(self->rx);
	EXPECT_NE(a.endpoint, b.endpoint);
	b.endpoint = a.endpoint;
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

TEST_F(seen, dev_is_the_nodes_number)
{
	char expected[32];
	struct stat st;

	ASSERT_EQ(0, stat(node_of(self->name), &st));
	snprintf(expected, sizeof(expected), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	EXPECT_STREQ(expected, attribute(self->name, "dev"));
}

TEST_F(seen, uevent_tells_the_nodes_name_and_mode)
{
	char path[256], line[128];
	const char *text;

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/uevent", self->name);
	text = slurp(path);
	snprintf(line, sizeof(line), "DEVNAME=mailbox/%s\n", self->name);
	EXPECT_NE(NULL, strstr(text, line));
	EXPECT_NE(NULL, strstr(text, "DEVMODE=0640\n"));
}

/* A file of a port that goes meanwhile: an error, and nothing worse. */
TEST_F(seen, an_open_attribute_survives_its_port)
{
	char path[256], in[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/depth", self->name);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, delete_port(self->name, 0));
	close(self->both);
	close(self->tx);
	close(self->rx);
	self->both = -1;
	self->tx = -1;
	self->rx = -1;
	EXPECT_EQ(-ENODEV, get(fd, in, sizeof(in)));
	close(fd);
}

/* fdinfo */

static const char *fdinfo_of(int fd, const char *key)
{
	static char copies[4][128];
	static unsigned int turn;
	char *copy = copies[turn++ % 4], path[64];
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	line = slurp(path);
	while (line && *line) {
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			line += strlen(key) + 1;
			line += strspn(line, "\t ");
			snprintf(copy, sizeof(copies[0]), "%.*s", (int)strcspn(line, "\n"), line);
			return copy;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return "(none)";
}

TEST_F(seen, fdinfo_names_the_port)
{
	EXPECT_STREQ(self->name, fdinfo_of(self->rx, "mailbox-port"));
}

TEST_F(seen, fdinfo_of_a_nameless_port_names_nothing)
{
	int fd = create(NULL);

	EXPECT_STREQ("", fdinfo_of(fd, "mailbox-port"));
	EXPECT_EQ(info_of(fd).endpoint, atoi(fdinfo_of(fd, "mailbox-endpoint")));
}

TEST_F(seen, fdinfo_tells_the_endpoint)
{
	EXPECT_EQ(info_of(self->rx).endpoint, atoi(fdinfo_of(self->rx, "mailbox-endpoint")));
	EXPECT_EQ(info_of(self->tx).endpoint, atoi(fdinfo_of(self->tx, "mailbox-endpoint")));
	EXPECT_NE(atoi(fdinfo_of(self->tx, "mailbox-endpoint")),
		  atoi(fdinfo_of(self->rx, "mailbox-endpoint")));
}

TEST_F(seen, fdinfo_tells_the_lanes)
{
	EXPECT_STREQ("0x7 0", fdinfo_of(self->rx, "mailbox-lanes"));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 1));
	EXPECT_STREQ("0x4 1", fdinfo_of(self->rx, "mailbox-lanes"));
	EXPECT_STREQ("0x7 0", fdinfo_of(self->tx, "mailbox-lanes"));
}

TEST_F(seen, fdinfo_of_a_deleted_port_still_tells)
{
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_STREQ(self->name, fdinfo_of(self->rx, "mailbox-port"));
}

TEST_F(seen, fdinfo_of_the_control_node_has_none_of_it)
{
	int fd = control_open();

	EXPECT_STREQ("(none)", fdinfo_of(fd, "mailbox-port"));
	EXPECT_STREQ("(none)", fdinfo_of(fd, "mailbox-endpoint"));
	close(fd);
}

/* Tracepoints */

#define TRACEFS	"/tmp/mailbox-tracefs"

/* Our own mount, so that it does not matter where others have theirs. */
static const char *tracing(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), TRACEFS "/%s", file);
	return path;
}

/* How many lines of the trace have both. */
static int traced(const char *event, const char *what)
{
	static char text[1 << 18];
	int fd = open(tracing("trace"), O_RDONLY | O_CLOEXEC), n = 0;
	size_t length = 0;
	char *line, *rest;
	ssize_t got;

	while (fd >= 0 && (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	text[length] = 0;
	if (fd >= 0)
		close(fd);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		n += strstr(line, event) && strstr(line, what);
	return n;
}

FIXTURE(traced)
{
	char name[MAILBOX_NAME_SIZE];
	char what[128];
	int fd;
};

FIXTURE_SETUP(traced)
{
	self->fd = -1;
	mkdir(TRACEFS, 0700);
	if (mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		SKIP(_exit(255), "no tracefs in this kernel");
	if (access(tracing("events/mailbox"), F_OK))
		SKIP(_exit(255), "this kernel traces no modules' events");
	ASSERT_EQ(0, spill(tracing("events/mailbox/enable"), "1"));
	spill(tracing("tracing_on"), "1");
	strcpy(self->name, port_name("traced"));
	snprintf(self->what, sizeof(self->what), "port=%s ", self->name);
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS,
			  .lanes = FIXTURE_LANES);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(traced)
{
	if (self->fd >= 0) {
		spill(tracing("events/mailbox/enable"), "0");
		close(self->fd);
	}
	umount2(TRACEFS, MNT_DETACH);
	rmdir(TRACEFS);
}

TEST_F(traced, every_event_is_there)
{
	static const char *const events[] = {
		"send", "receive", "wait", "wakeup", "repair", "create", "delete",
	};
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), "events/mailbox/mailbox_%s/format", events[i]);
		EXPECT_LT(0, strlen(slurp(tracing(path)))) {
			TH_LOG("%s", path);
		}
	}
}

TEST_F(traced, create_fires)
{
	EXPECT_EQ(1, traced("mailbox_create:", self->what));
}

TEST_F(traced, create_tells_the_bytes)
{
	char what[160];

	snprintf(what, sizeof(what), "%sbytes=%llu", self->what,
		 (unsigned long long)info_of(self->fd).bytes);
	EXPECT_EQ(1, traced("mailbox_create:", what));
}

TEST_F(traced, delete_fires)
{
	EXPECT_EQ(0, traced("mailbox_delete:", self->what));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(1, traced("mailbox_delete:", self->what));
}

TEST_F(traced, delete_fires_for_autodelete)
{
	close(self->fd);
	EXPECT_EQ(1, traced("mailbox_delete:", self->what));
	self->fd = open("/dev/null", O_RDONLY);
}

TEST_F(traced, send_fires_with_all_it_knows)
{
	char what[256];

	EXPECT_EQ(0, send_on(self->fd, 2, "first"));
	EXPECT_EQ(0, send_on(self->fd, 2, "second"));
	EXPECT_EQ(2, traced("mailbox_send:", self->what));
	snprintf(what, sizeof(what), "%sendpoint=%u lane=2 ticket=1 length=6", self->what,
		 info_of(self->fd).endpoint);
	EXPECT_EQ(1, traced("mailbox_send:", what));
}

TEST_F(traced, receive_fires_with_all_it_knows)
{
	int rx = open_port(self->name, O_RDONLY);
	char what[256];

	EXPECT_EQ(0, send_on(self->fd, 1, "hello"));
	EXPECT_EQ(0, traced("mailbox_receive:", self->what));
	EXPECT_MESSAGE("hello", rx);
	snprintf(what, sizeof(what), "%sendpoint=%u lane=1 ticket=0 length=5", self->what,
		 info_of(rx).endpoint);
	EXPECT_EQ(1, traced("mailbox_receive:", what));
	close(rx);
}

TEST_F(traced, a_refused_send_does_not_fire)
{
	char out[FIXTURE_MESSAGE + 1] = { 0 };

	fill_lane(self->fd, 0);
	EXPECT_EQ(FIXTURE_SLOTS, traced("mailbox_send:", self->what));
	put(self->fd, out, sizeof(out));
	send_on(self->fd, 0, "x");
	EXPECT_EQ(FIXTURE_SLOTS, traced("mailbox_send:", self->what));
}

TEST_F(traced, wait_and_wakeup_fire_for_a_receiver)
{
	pid_t child = spawn();
	char what[256], in[8];

	if (!child)
		leave(get(self->fd, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	snprintf(what, sizeof(what), "%sreceiver lanes=0xf", self->what);
	EXPECT_EQ(1, traced("mailbox_wait:", what));
	EXPECT_EQ(0, traced("mailbox_wakeup:", self->what));
	EXPECT_EQ(0, send_on(self->fd, 2, "x"));
	EXPECT_EQ(1, reap(child));
	snprintf(what, sizeof(what), "%sreceiver lanes=0x4", self->what);
	EXPECT_LE(1, traced("mailbox_wakeup:", what));
}

TEST_F(traced, wait_and_wakeup_fire_for_a_sender)
{
	pid_t child;
	char what[256];

	fill_lane(self->fd, 0);
	child = spawn();
	if (!child)
		leave(put_text(self->fd, "x"));
	EXPECT_TRUE(wait_senders(self->fd, 1));
	snprintf(what, sizeof(what), "%ssender lanes=0x1", self->what);
	EXPECT_EQ(1, traced("mailbox_wait:", what));
	EXPECT_MESSAGE("fill", self->fd);
	EXPECT_EQ(1, reap(child));
	EXPECT_LE(1, traced("mailbox_wakeup:", what));
}

TEST_F(traced, repair_fires_for_a_message_that_could_not_be_stored)
{
	EXPECT_EQ(5, put_text(self->fd, "hello"));
	EXPECT_EQ(0, traced("mailbox_repair:", self->what));
	EXPECT_EQ(-EFAULT, get(self->fd, nowhere(), 16));
	EXPECT_LE(1, traced("mailbox_repair:", self->what));
	EXPECT_EQ(0, traced("mailbox_receive:", self->what));
	EXPECT_MESSAGE("hello", self->fd);
	EXPECT_EQ(1, traced("mailbox_receive:", self->what));
}

TEST_F(traced, nothing_fires_when_switched_off)
{
	EXPECT_EQ(0, spill(tracing("events/mailbox/enable"), "0"));
	EXPECT_EQ(1, put_text(self->fd, "x"));
	EXPECT_EQ(0, traced("mailbox_send:", self->what));
}

TEST_HARNESS_MAIN
