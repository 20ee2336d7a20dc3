// SPDX-License-Identifier: GPL-2.0
/*
 * Ports as objects: names, nodes, owners, permission, lifetime.
 */
#include "mailbox_test.h"

#include <dirent.h>
#include <sys/fsuid.h>
#include <sys/socket.h>

/* The node's status; st_mode is 0 if there is none. */
static struct stat status_of(const char *name)
{
	struct stat st = { 0 };

	if (stat(node_of(name), &st))
		st.st_mode = 0;
	return st;
}

static bool node_exists(const char *name)
{
	return status_of(name).st_mode != 0;
}

static int entries_of(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Opens what an open descriptor stands for, anew. */
static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(open(path, flags | O_CLOEXEC));
}

/* An ordinary user who makes a world of his own, and is root there. */
static void become_root_of_a_user_namespace(uid_t uid)
{
	char map[32];

	become(uid, uid);
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (unshare(CLONE_NEWUSER) || spill("/proc/self/setgroups", "deny") ||
	    spill("/proc/self/uid_map", map) || spill("/proc/self/gid_map", map))
		leave(97);
}

static bool user_namespaces_work(void)
{
	return !ended(
		become_root_of_a_user_namespace(SOMEBODY);
		leave(0);
	);
}

/* A named port that stays, for tests of just that; teardown deletes it. */
FIXTURE(named)
{
	char name[MAILBOX_NAME_SIZE];
};

FIXTURE_SETUP(named)
{
	strcpy(self->name, port_name("named"));
}

FIXTURE_TEARDOWN(named)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

/* The control node. */

TEST(control_node_is_for_everybody)
{
	struct stat st = status_of("control");

	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0666, st.st_mode & 07777);
}

TEST(an_ordinary_user_creates_and_uses_a_port)
{
	const char *name = port_name("user");

	EXPECT_EQ(0, ended(
		int fd;

		become(NOBODY, NOBODY);
		fd = create(name, .flags = MAILBOX_AUTODELETE);
		if (fd < 0)
			leave(fd);
		leave(put_text(fd, "x") == 1 && open_node(name, O_RDWR) >= 0 ? 0 : 1);
	));
}

TEST(query_tells_features_and_limits)
{
	struct mailbox_query q = query();

	EXPECT_TRUE(q.features & MAILBOX_FEATURE_BASE);
	EXPECT_EQ(MAILBOX_MESSAGE_MAX, q.message_max);
	EXPECT_EQ(MAILBOX_CAPACITY_MAX, q.capacity_max);
	EXPECT_EQ(MAILBOX_LANES_MAX, q.lanes_max);
	EXPECT_LT(0, q.max_ports);
	EXPECT_LT(0, q.max_port_bytes);
	EXPECT_LT(0, q.max_user_bytes);
}

TEST(query_counts_ports)
{
	__u32 before = query().ports;
	int one = create(port_name("one"), .flags = MAILBOX_AUTODELETE);
	int two = create(NULL);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(before + 2, query().ports);
	close(one);
	close(two);
	EXPECT_EQ(before, query().ports);
}

TEST_F(port, query_works_on_a_port_too)
{
	struct mailbox_query q;

	memset(&q, POISON, sizeof(q));
	q.size = sizeof(q);
	EXPECT_EQ(0, result(ioctl(self->rx, MAILBOX_IOC_QUERY, &q)));
	EXPECT_EQ(MAILBOX_LANES_MAX, q.lanes_max);
}

TEST(control_node_has_no_messages)
{
	int fd = control_open();
	char byte;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, get(fd, &byte, 1));
	EXPECT_EQ(-EINVAL, put(fd, "x", 1));
}

/* Names. */

TEST_F(named, node_appears_at_once)
{
	int fd = create(self->name);

	EXPECT_TRUE(node_exists(self->name));
	EXPECT_LE(0, fd);
	EXPECT_TRUE(S_ISCHR(status_of(self->name).st_mode));
}

TEST_F(named, class_device_appears_with_the_port)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s", self->name);
	EXPECT_NE(0, access(path, F_OK));
	ASSERT_LE(0, create(self->name));
	EXPECT_EQ(0, access(path, F_OK));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_NE(0, access(path, F_OK));
}

TEST(every_allowed_character_makes_a_name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	char name[MAILBOX_NAME_SIZE] = "t-";
	const char *c;
	int fd;

	for (c = allowed; *c; c++) {
		name[2] = *c;
		fd = create(name, .flags = MAILBOX_AUTODELETE | MAILBOX_EXCLUSIVE);
		EXPECT_LE(0, fd) {
			TH_LOG("character '%c'", *c);
		}
		EXPECT_TRUE(node_exists(name));
		close(fd);
	}
}

TEST(every_other_character_is_einval)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	char name[MAILBOX_NAME_SIZE] = "t-";
	int c, fd;

	for (c = 1; c < 256; c++) {
		if (strchr(allowed, c))
			continue;
		name[2] = c;
		fd = create(name, .flags = MAILBOX_AUTODELETE);
		EXPECT_EQ(-EINVAL, fd) {
			TH_LOG("character 0x%02x", c);
		}
		close(fd);
	}
}

TEST(name_of_one_character)
{
	int fd = create("-", .flags = MAILBOX_AUTODELETE);

	EXPECT_LE(0, fd);
	EXPECT_STREQ("-", info_of(fd).name);
}

TEST(name_of_63_characters)
{
	char name[MAILBOX_NAME_SIZE] = { 0 };
	int fd;

	memset(name, 'n', MAILBOX_NAME_MAX);
	fd = create(name, .flags = MAILBOX_AUTODELETE);
	EXPECT_LE(0, fd);
	EXPECT_TRUE(node_exists(name));
	EXPECT_STREQ(name, info_of(fd).name);
}

TEST(name_without_nul_is_einval)
{
	struct mailbox_create arg = { .size = sizeof(arg), .flags = MAILBOX_AUTODELETE };
	struct mailbox_open open_arg = { .size = sizeof(open_arg) };
	struct mailbox_delete delete_arg = { .size = sizeof(delete_arg) };

	memset(arg.name, 'n', MAILBOX_NAME_SIZE);
	memset(open_arg.name, 'n', MAILBOX_NAME_SIZE);
	memset(delete_arg.name, 'n', MAILBOX_NAME_SIZE);
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_CREATE, &arg));
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_OPEN, &open_arg));
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_DELETE, &delete_arg));
}

TEST(name_followed_by_rubbish_is_einval)
{
	struct mailbox_create arg = {
		.size = sizeof(arg), .flags = MAILBOX_AUTODELETE, .name = "t-rubbish",
	};
	struct mailbox_open open_arg = { .size = sizeof(open_arg), .name = "default" };
	struct mailbox_delete delete_arg = { .size = sizeof(delete_arg), .name = "default" };

	arg.name[MAILBOX_NAME_SIZE - 1] = 'x';
	open_arg.name[MAILBOX_NAME_SIZE - 1] = 'x';
	delete_arg.name[MAILBOX_NAME_SIZE - 1] = 'x';
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_CREATE, &arg));
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_OPEN, &open_arg));
	EXPECT_EQ(-EINVAL, control_call(MAILBOX_IOC_DELETE, &delete_arg));
	EXPECT_FALSE(node_exists("t-rubbish"));
}

TEST(name_starting_with_a_dot_is_einval)
{
	EXPECT_EQ(-EINVAL, create(".hidden"));
	EXPECT_EQ(-EINVAL, create("."));
	EXPECT_EQ(-EINVAL, create(".."));
}

TEST(name_control_is_einval)
{
	EXPECT_EQ(-EINVAL, create("control"));
	EXPECT_EQ(-EINVAL, open_port("control", O_RDWR));
	EXPECT_EQ(-EINVAL, delete_port("control", 0));
	EXPECT_TRUE(node_exists("control"));
}

TEST(names_like_control_are_fine)
{
	int one = create("control2", .flags = MAILBOX_AUTODELETE);
	int two = create("contro", .flags = MAILBOX_AUTODELETE);

	EXPECT_LE(0, one);
	EXPECT_LE(0, two);
}

TEST(empty_name_names_nothing)
{
	EXPECT_EQ(-EINVAL, open_port("", O_RDWR));
	EXPECT_EQ(-EINVAL, delete_port("", 0));
}

TEST(unknown_name_is_enoent)
{
	const char *name = port_name("nothing");

	EXPECT_EQ(-ENOENT, open_port(name, O_RDWR));
	EXPECT_EQ(-ENOENT, open_node(name, O_RDWR));
	EXPECT_EQ(-ENOENT, delete_port(name, 0));
}

/* An existing name. */

TEST_F(port, existing_name_is_eexist_when_exclusive)
{
	EXPECT_EQ(-EEXIST, create(self->name, .flags = MAILBOX_EXCLUSIVE));
}

TEST_F(port, existing_name_is_opened_otherwise)
{
	int fd = create(self->name);

	ASSERT_LE(0, fd);
	EXPECT_EQ(5, put_text(fd, "hello"));
	EXPECT_MESSAGE("hello", self->rx);
	EXPECT_EQ(4, info_of(self->rx).endpoints);
}

TEST_F(port, opening_by_create_leaves_the_attributes)
{
	struct mailbox_info info;
	int fd;

	fd = create(self->name, .message_size = 4000, .capacity = 32, .lanes = 2, .mode = 0600,
		    .flags = MAILBOX_SEALED);
	ASSERT_LE(0, fd);
	info = info_of(fd);
	EXPECT_EQ(FIXTURE_MESSAGE, info.message_size);
	EXPECT_EQ(FIXTURE_SLOTS, info.capacity);
	EXPECT_EQ(FIXTURE_LANES, info.lanes);
	EXPECT_EQ(MAILBOX_AUTODELETE, info.flags);
}

TEST_F(port, opening_by_create_wants_valid_attributes)
{
	EXPECT_EQ(-EINVAL, create(self->name, .capacity = 3));
	EXPECT_EQ(-EINVAL, create(self->name, .lanes = MAILBOX_LANES_MAX + 1));
	EXPECT_EQ(-EINVAL, create(self->name, .message_size = MAILBOX_MESSAGE_MAX + 1));
	EXPECT_EQ(-EINVAL, create(self->name, .mode = 01000));
	EXPECT_EQ(3, info_of(self->rx).endpoints);
}

TEST_F(named, opening_by_create_asks_the_mode_bits)
{
	int fd = create(self->name, .mode = 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, ended(
		become(NOBODY, NOBODY);
		leave(create(self->name));
	));
}

/* Owner and mode. */

TEST_F(named, mode_is_0600_when_none_is_given)
{
	umask(022);
	ASSERT_LE(0, create(self->name));
	EXPECT_EQ(0600, status_of(self->name).st_mode & 07777);
}

TEST_F(named, mode_is_as_requested)
{
	int fd;

	umask(0);
	fd = create(self->name, .mode = 0624);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0624, status_of(self->name).st_mode & 07777);
	EXPECT_EQ(0624, info_of(fd).mode);
}

TEST_F(named, umask_is_taken_off_the_mode)
{
	int fd;

	umask(026);
	fd = create(self->name, .mode = 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0640, status_of(self->name).st_mode & 07777);
	EXPECT_EQ(0640, info_of(fd).mode);
}

TEST_F(named, umask_is_taken_off_the_default_mode)
{
	umask(0400);
	ASSERT_LE(0, create(self->name));
	EXPECT_EQ(0200, status_of(self->name).st_mode & 07777);
}

TEST_F(named, mode_bits_outside_0777_are_einval)
{
	int bit;

	for (bit = 9; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, create(self->name, .mode = 0600 | 1U << bit)) {
			TH_LOG("bit %d", bit);
		}
	EXPECT_FALSE(node_exists(self->name));
}

TEST_F(named, node_belongs_to_the_creator)
{
	struct stat st;

	ASSERT_EQ(0, ended(
		become(SOMEBODY, NOBODY);
		leave(create(self->name) < 0);
	));
	st = status_of(self->name);
	EXPECT_EQ(SOMEBODY, st.st_uid);
	EXPECT_EQ(NOBODY, st.st_gid);
}

TEST_F(named, node_belongs_to_the_fsuid_and_fsgid)
{
	struct mailbox_info info;
	struct stat st;
	int fd;

	ASSERT_EQ(0, ended(
		setfsgid(NOBODY);
		setfsuid(SOMEBODY);
		leave(create(self->name) < 0);
	));
	st = status_of(self->name);
	EXPECT_EQ(SOMEBODY, st.st_uid);
	EXPECT_EQ(NOBODY, st.st_gid);
	fd = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, fd);
	info = info_of(fd);
	EXPECT_EQ(SOMEBODY, info.uid);
	EXPECT_EQ(NOBODY, info.gid);
}

/* One row of the permission table: who asks, what the mode says, what it gives. */
FIXTURE(permission)
{
	char name[MAILBOX_NAME_SIZE];
};

FIXTURE_VARIANT(permission)
{
	__u32 mode;
	uid_t uid;
	gid_t gid;
	int flags;
	long expected;
};

#define PERMISSION(name, mode_, uid_, gid_, flags_, expected_)		\
FIXTURE_VARIANT_ADD(permission, name)					\
{									\
	.mode = mode_, .uid = uid_, .gid = gid_, .flags = flags_, .expected = expected_, \
}

/* The owner is SOMEBODY, the group 100. */
PERMISSION(owner_reads, 0400, SOMEBODY, 100, O_RDONLY, 0);
PERMISSION(owner_may_not_write, 0400, SOMEBODY, 100, O_WRONLY, -EACCES);
PERMISSION(owner_writes, 0200, SOMEBODY, 100, O_WRONLY, 0);
PERMISSION(owner_may_not_read, 0200, SOMEBODY, 100, O_RDONLY, -EACCES);
PERMISSION(owner_needs_both_for_both, 0400, SOMEBODY, 100, O_RDWR, -EACCES);
PERMISSION(owner_does_both, 0600, SOMEBODY, 100, O_RDWR, 0);
PERMISSION(owner_is_judged_as_owner_only, 0066, SOMEBODY, 100, O_RDWR, -EACCES);
PERMISSION(group_reads, 0040, NOBODY, 100, O_RDONLY, 0);
PERMISSION(group_may_not_write, 0040, NOBODY, 100, O_WRONLY, -EACCES);
PERMISSION(group_writes, 0020, NOBODY, 100, O_WRONLY, 0);
PERMISSION(group_is_judged_as_group_only, 0606, NOBODY, 100, O_RDWR, -EACCES);
PERMISSION(others_read, 0004, NOBODY, NOBODY, O_RDONLY, 0);
PERMISSION(others_write, 0002, NOBODY, NOBODY, O_WRONLY, 0);
PERMISSION(others_may_not_write, 0664, NOBODY, NOBODY, O_WRONLY, -EACCES);
PERMISSION(others_may_not_read, 0662, NOBODY, NOBODY, O_RDONLY, -EACCES);
PERMISSION(root_always_may, 0000, 0, 0, O_RDWR, 0);

FIXTURE_SETUP(permission)
{
	strcpy(self->name, port_name("permission"));
	umask(0);
	ASSERT_EQ(0, ended(
		setfsgid(100);
		setfsuid(SOMEBODY);
		/* 0 would stand for the default. */
		leave(create(self->name, .mode = variant->mode ? variant->mode : 0001) < 0);
	));
}

FIXTURE_TEARDOWN(permission)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

static void ask_as(uid_t uid, gid_t gid)
{
	if (uid)
		become(uid, gid);
}

TEST_F(permission, of_the_node)
{
	EXPECT_EQ(variant->expected, ended(
		int fd;

		ask_as(variant->uid, variant->gid);
		fd = open_node(self->name, variant->flags);
		leave(fd < 0 ? fd : 0);
	));
}

TEST_F(permission, of_the_open_by_name)
{
	EXPECT_EQ(variant->expected, ended(
		int fd;

		ask_as(variant->uid, variant->gid);
		fd = open_port(self->name, variant->flags);
		leave(fd < 0 ? fd : 0);
	));
}

TEST_F(permission, of_the_create_of_an_existing_name)
{
	EXPECT_EQ(variant->expected, ended(
		int fd;

		ask_as(variant->uid, variant->gid);
		fd = create(self->name, .open_flags = variant->flags);
		leave(fd < 0 ? fd : 0);
	));
}

TEST_F(named, supplementary_groups_count)
{
	gid_t group = 100;

	umask(0);
	ASSERT_EQ(0, ended(
		setfsgid(100);
		leave(create(self->name, .mode = 0060) < 0);
	));
	EXPECT_EQ(0, ended(
		int fd;

		if (setgroups(1, &group) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY))
			leave(99);
		fd = open_port(self->name, O_RDWR);
		leave(fd < 0 ? fd : 0);
	));
}

TEST_F(named, open_by_name_asks_the_creation_mode_not_the_node)
{
	umask(0);
	ASSERT_LE(0, create(self->name, .mode = 0600));
	/* udev gives a new node the mode that its creator asked for, once, when it gets to it. */
	if (!access("/run/udev/control", F_OK))
		ASSERT_EQ(0, system("udevadm settle"));
	ASSERT_EQ(0, chmod(node_of(self->name), 0666));
	EXPECT_EQ(-EACCES, ended(
		become(NOBODY, NOBODY);
		leave(open_port(self->name, O_RDWR));
	));
	EXPECT_EQ(0, ended(
		int fd;

		become(NOBODY, NOBODY);
		fd = open_node(self->name, O_RDWR);
		leave(fd < 0 ? fd : 0);
	));
}

TEST_F(named, creator_gets_its_descriptor_whatever_the_mode)
{
	EXPECT_EQ(0, ended(
		int fd;

		become(NOBODY, NOBODY);
		fd = create(self->name, .mode = 0040);
		if (fd < 0)
			leave(fd);
		leave(put_text(fd, "x") == 1 ? 0 : 1);
	));
}

/* Opening. */

TEST_F(named, create_opens_as_asked)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = create(self->name, .open_flags = modes[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i], fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_FALSE(fcntl(fd, F_GETFL) & O_NONBLOCK);
		EXPECT_FALSE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);

		fd = create(self->name, .open_flags = modes[i] | O_NONBLOCK | O_CLOEXEC);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i], fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
		EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
}

TEST_F(port, open_by_name_opens_as_asked)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int i, fd;

	for (i = 0; i < 3; i++) {
		fd = open_port(self->name, modes[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i], fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_FALSE(fcntl(fd, F_GETFL) & O_NONBLOCK);
		EXPECT_FALSE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);

		fd = open_port(self->name, modes[i] | O_NONBLOCK | O_CLOEXEC);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
		EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
}

TEST_F(port, access_mode_3_is_einval)
{
	EXPECT_EQ(-EINVAL, open_port(self->name, O_ACCMODE));
	EXPECT_EQ(-EINVAL, create(self->name, .open_flags = O_ACCMODE));
	EXPECT_EQ(-EINVAL, create(NULL, .open_flags = O_ACCMODE));
}

TEST_F(port, other_open_flags_are_einval)
{
	unsigned int known = O_ACCMODE | O_NONBLOCK | O_CLOEXEC, bit;

	for (bit = 0; bit < 32; bit++) {
		if (1U << bit & known)
			continue;
		EXPECT_EQ(-EINVAL, open_port(self->name, O_RDWR | 1U << bit)) {
			TH_LOG("bit %u", bit);
		}
		EXPECT_EQ(-EINVAL, create(NULL, .open_flags = O_RDWR | 1U << bit)) {
			TH_LOG("bit %u", bit);
		}
	}
}

TEST_F(port, write_only_may_not_receive)
{
	struct mailbox_message m = message();
	char byte;

	EXPECT_EQ(-EBADF, get(self->tx, &byte, 1));
	EXPECT_EQ(-EBADF, receive_message(self->tx, &m));
}

TEST_F(port, read_only_may_not_send)
{
	struct mailbox_message m = message();

	EXPECT_EQ(-EBADF, put(self->rx, "x", 1));
	EXPECT_EQ(-EBADF, send_message(self->rx, &m));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, read_write_does_both)
{
	EXPECT_EQ(4, put_text(self->both, "both"));
	EXPECT_MESSAGE("both", self->both);
}

TEST_F(port, info_and_set_lanes_need_no_direction)
{
	struct mailbox_info info = { .size = sizeof(info) };

	EXPECT_EQ(0, result(ioctl(self->tx, MAILBOX_IOC_INFO, &info)));
	EXPECT_EQ(0, result(ioctl(self->rx, MAILBOX_IOC_INFO, &info)));
	EXPECT_EQ(0, set_lanes(self->tx, 1, 0));
	EXPECT_EQ(0, set_lanes(self->rx, 1, 0));
}

TEST_F(named, one_port_is_shared_by_processes_that_know_only_the_name)
{
	char text[16] = { 0 };
	int fd;

	umask(0);
	fd = create(self->name, .mode = 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, ended(
		become(NOBODY, NOBODY);
		leave(put_text(open_node(self->name, O_WRONLY), "hello"));
	));
	EXPECT_EQ(5, get(fd, text, sizeof(text)));
	EXPECT_STREQ("hello", text);
}

/* A node by another name, as in a container, is the same port. */
TEST_F(port, copied_node_is_the_same_port)
{
	struct stat st = status_of(self->name);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/tmp/%s", self->name);
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0600, st.st_rdev));
	fd = result(open(path, O_WRONLY));
	unlink(path);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, put_text(fd, "outer"));
	EXPECT_MESSAGE("outer", self->rx);
}

TEST_F(named, stale_node_is_enxio)
{
	struct stat st;
	char path[128];

	ASSERT_LE(0, create(self->name));
	st = status_of(self->name);
	snprintf(path, sizeof(path), "/tmp/%s", self->name);
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0600, st.st_rdev));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-ENXIO, result(open(path, O_RDWR)));
	unlink(path);
}

/*
 * Whoever still has a hold of an old node must not get another's port by it, be
 * its number used again or not: the mode bits asked are the old node's.
 */
TEST_F(named, an_old_node_never_opens_another_port)
{
	const char *name = port_name("another");
	int fd, path, other;

	ASSERT_LE(0, create(self->name));
	fd = open_node(self->name, O_RDWR);
	path = open_node(self->name, O_PATH);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, path);
	EXPECT_LE(0, reopen(fd, O_RDWR));
	EXPECT_LE(0, reopen(path, O_RDWR));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-ENXIO, reopen(fd, O_RDWR));
	EXPECT_EQ(-ENXIO, reopen(path, O_RDWR));

	other = create(name, .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENXIO, reopen(fd, O_RDWR));
	EXPECT_EQ(-ENXIO, reopen(path, O_RDWR));
	EXPECT_EQ(1, info_of(other).endpoints);
}

TEST_F(port, an_old_descriptor_opens_a_new_endpoint)
{
	int fd = reopen(open_node(self->name, O_RDONLY), O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(5, info_of(self->rx).endpoints);
}

/* Only the control node is there: a folder with nothing else. */
TEST_F(port, a_container_needs_only_the_control_node)
{
	struct stat st = status_of("control");
	char root[128];

	snprintf(root, sizeof(root), "/tmp/root-%s", self->name);
	ASSERT_EQ(0, mkdir(root, 0755));
	EXPECT_EQ(0, ended(
		int fd;
		struct mailbox_open arg = { .size = sizeof(arg), .open_flags = O_WRONLY };

		strcpy(arg.name, self->name);
		umask(0);
		if (chroot(root) || chdir("/"))
			leave(90);
		if (mkdir("/dev", 0755) || mkdir("/dev/mailbox", 0755) ||
		    mknod(CONTROL_NODE, S_IFCHR | 0666, st.st_rdev))
			leave(91);
		become(NOBODY, NOBODY);
		if (open_node(self->name, O_WRONLY) != -ENOENT)
			leave(92);
		fd = open_port(self->name, O_WRONLY);
		if (fd < 0)
			leave(fd);
		leave(put_text(fd, "inner") == 5 ? 0 : 93);
	));
	EXPECT_MESSAGE("inner", self->rx);
	snprintf(root, sizeof(root), "/tmp/root-%s" CONTROL_NODE, self->name);
	unlink(root);
	snprintf(root, sizeof(root), "/tmp/root-%s/dev/mailbox", self->name);
	rmdir(root);
	snprintf(root, sizeof(root), "/tmp/root-%s/dev", self->name);
	rmdir(root);
	snprintf(root, sizeof(root), "/tmp/root-%s", self->name);
	rmdir(root);
}

/* Lifetime. */

TEST_F(named, port_and_messages_stay_without_descriptors)
{
	int fd = create(self->name);

	ASSERT_EQ(4, put_text(fd, "stay"));
	close(fd);
	EXPECT_TRUE(node_exists(self->name));
	fd = open_port(self->name, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_MESSAGE("stay", fd);
}

TEST(autodelete_goes_with_the_last_close)
{
	const char *name = port_name("auto");
	int one, two;

	one = create(name, .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, one);
	EXPECT_EQ(MAILBOX_AUTODELETE, info_of(one).flags);
	two = open_node(name, O_RDONLY);
	ASSERT_LE(0, two);
	EXPECT_EQ(1, put_text(one, "x"));
	close(one);
	EXPECT_TRUE(node_exists(name));
	EXPECT_MESSAGE("x", two);
	close(two);
	EXPECT_FALSE(node_exists(name));
	EXPECT_EQ(-ENOENT, open_port(name, O_RDONLY));
}

TEST(autodelete_counts_inherited_descriptors)
{
	const char *name = port_name("auto");
	int fd = create(name, .flags = MAILBOX_AUTODELETE);
	pid_t child;

	ASSERT_LE(0, fd);
	child = spawn();
	if (!child) {
		pause();
		leave(0);
	}
	close(fd);
	EXPECT_TRUE(node_exists(name));
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
	EXPECT_TRUE(wait_until(!node_exists(name)));
}

TEST(autodelete_goes_with_its_messages)
{
	const char *name = port_name("auto");
	__u32 before = query().ports;
	int fd = create(name, .flags = MAILBOX_AUTODELETE);

	ASSERT_EQ(1, put_text(fd, "x"));
	close(fd);
	EXPECT_EQ(before, query().ports);
	fd = create(name, .flags = MAILBOX_AUTODELETE | MAILBOX_EXCLUSIVE);
	EXPECT_NO_MESSAGE(fd);
}

TEST(nameless_port_has_no_node)
{
	int before = entries_of("/dev/mailbox"), fd = create(NULL);

	ASSERT_LE(0, fd);
	EXPECT_STREQ("", info_of(fd).name);
	EXPECT_EQ(before, entries_of("/dev/mailbox"));
}

TEST(nameless_port_carries_messages)
{
	int fd = create(NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(5, put_text(fd, "hello"));
	EXPECT_MESSAGE("hello", fd);
}

TEST(nameless_port_is_handed_on_by_fork)
{
	int fd = create(NULL);

	EXPECT_EQ(5, ended(
		leave(put_text(fd, "child"));
	));
	EXPECT_MESSAGE("child", fd);
}

TEST(nameless_port_is_handed_on_through_a_socket)
{
	char byte = 'x', space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int ends[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	/* The child makes it, sends a message and the descriptor, and is gone. */
	EXPECT_EQ(0, ended(
		fd = create(NULL);
		put_text(fd, "left behind");
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
		leave(sendmsg(ends[0], &msg, 0) != 1);
	));
	ASSERT_EQ(1, recvmsg(ends[1], &msg, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	EXPECT_MESSAGE("left behind", fd);
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_MESSAGE("x", fd);
}

TEST(nameless_port_cannot_be_opened_again)
{
	EXPECT_EQ(-ENXIO, reopen(create(NULL), O_RDWR));
}

TEST(nameless_ports_are_apart)
{
	int one = create(NULL), two = create(NULL, .flags = MAILBOX_EXCLUSIVE);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(1, put_text(one, "x"));
	EXPECT_NO_MESSAGE(two);
}

TEST(nameless_port_ends_with_its_last_close)
{
	__u32 before = query().ports;
	int fd = create(NULL), copy = dup(fd);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, copy);
	EXPECT_EQ(1, put_text(fd, "x"));
	close(fd);
	EXPECT_EQ(before + 1, query().ports);
	EXPECT_MESSAGE("x", copy);
	close(copy);
	EXPECT_EQ(before, query().ports);
}

/* Delete: who may. What it does is in delete.c. */

TEST_F(named, owner_deletes)
{
	EXPECT_EQ(0, ended(
		become(NOBODY, NOBODY);
		if (create(self->name) < 0)
			leave(1);
		leave(delete_port(self->name, 0));
	));
	EXPECT_FALSE(node_exists(self->name));
}

TEST_F(named, deleting_anothers_port_is_eperm)
{
	umask(0);
	ASSERT_LE(0, create(self->name, .mode = 0666));
	EXPECT_EQ(-EPERM, ended(
		become(NOBODY, NOBODY);
		leave(delete_port(self->name, 0));
	));
	EXPECT_TRUE(node_exists(self->name));
}

TEST_F(named, deleting_by_the_group_is_eperm)
{
	umask(0);
	ASSERT_EQ(0, ended(
		become(SOMEBODY, NOBODY);
		leave(create(self->name, .mode = 0660) < 0);
	));
	EXPECT_EQ(-EPERM, ended(
		become(NOBODY, NOBODY);
		leave(delete_port(self->name, 0));
	));
}

TEST_F(named, fsuid_decides_who_may_delete)
{
	ASSERT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		leave(create(self->name) < 0);
	));
	/* All capabilities but the one, and another's euid. */
	EXPECT_EQ(-EPERM, ended(
		drop_capability(CAP_IPC_OWNER);
		leave(delete_port(self->name, 0));
	));
	EXPECT_EQ(0, ended(
		drop_capability(CAP_IPC_OWNER);
		setfsuid(SOMEBODY);
		leave(delete_port(self->name, 0));
	));
}

TEST_F(named, cap_ipc_owner_deletes_anothers_port)
{
	ASSERT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		leave(create(self->name) < 0);
	));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_FALSE(node_exists(self->name));
}

/* Being root of one's own user namespace is not being root. */

TEST_F(named, root_of_a_user_namespace_may_not_delete_anothers_port)
{
	if (!user_namespaces_work())
		SKIP(return, "no user namespaces");
	ASSERT_LE(0, create(self->name));
	EXPECT_EQ(-EPERM, ended(
		become_root_of_a_user_namespace(SOMEBODY);
		leave(delete_port(self->name, 0));
	));
}

TEST_F(named, root_of_a_user_namespace_is_judged_by_the_mode_bits)
{
	if (!user_namespaces_work())
		SKIP(return, "no user namespaces");
	ASSERT_LE(0, create(self->name));
	EXPECT_EQ(-EACCES, ended(
		become_root_of_a_user_namespace(SOMEBODY);
		leave(open_port(self->name, O_RDWR));
	));
	EXPECT_EQ(-EACCES, ended(
		become_root_of_a_user_namespace(SOMEBODY);
		leave(create(self->name));
	));
}

TEST_F(named, in_a_user_namespace_a_port_belongs_to_who_one_is_outside)
{
	struct stat st;

	if (!user_namespaces_work())
		SKIP(return, "no user namespaces");
	EXPECT_EQ(0, ended(
		struct mailbox_info info;

		become_root_of_a_user_namespace(SOMEBODY);
		info = info_of(create(self->name));
		/* Told as inside. */
		leave(info.uid || info.gid);
	));
	st = status_of(self->name);
	EXPECT_EQ(SOMEBODY, st.st_uid);
	EXPECT_EQ(SOMEBODY, st.st_gid);
	EXPECT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		leave(delete_port(self->name, 0));
	));
}

TEST_F(port, info_tells_an_owner_from_outside_the_user_namespace_as_the_overflow_id)
{
	if (!user_namespaces_work())
		SKIP(return, "no user namespaces");
	EXPECT_EQ(0, ended(
		struct mailbox_info info;

		become_root_of_a_user_namespace(SOMEBODY);
		info = info_of(open_port(self->name, O_RDWR));
		leave(info.uid == 65534 && info.gid == 65534 ? 0 : 1);
	));
}

/* What happens when create fails half-way: nothing. */

TEST_F(named, create_without_a_free_descriptor_leaves_nothing)
{
	__u32 before = query().ports;

	EXPECT_EQ(-EMFILE, ended(
		struct mailbox_create arg = { .size = sizeof(arg), .open_flags = O_RDWR };
		int control = control_open();

		strcpy(arg.name, self->name);
		while (dup(control) >= 0)
			;
		leave(result(ioctl(control, MAILBOX_IOC_CREATE, &arg)));
	));
	EXPECT_FALSE(node_exists(self->name));
	EXPECT_EQ(before, query().ports);
}

TEST_F(named, create_into_bad_memory_leaves_nothing)
{
	__u32 before = query().ports;

	EXPECT_EQ(-EFAULT, control_call(MAILBOX_IOC_CREATE, nowhere()));
	EXPECT_EQ(-EFAULT, control_call(MAILBOX_IOC_OPEN, nowhere()));
	EXPECT_EQ(-EFAULT, control_call(MAILBOX_IOC_DELETE, nowhere()));
	EXPECT_EQ(-EFAULT, control_call(MAILBOX_IOC_QUERY, nowhere()));
	EXPECT_EQ(before, query().ports);
}

TEST_F(named, create_into_read_only_memory_leaves_nothing)
{
	struct mailbox_create *arg = pages(1, PROT_READ | PROT_WRITE);
	int control = control_open(), before, after;

	ASSERT_NE(NULL, arg);
	arg->size = sizeof(*arg);
	arg->open_flags = O_RDWR;
	strcpy(arg->name, self->name);
	mprotect(arg, getpagesize(), PROT_READ);
	before = dup(control);
	close(before);
	EXPECT_EQ(-EFAULT, result(ioctl(control, MAILBOX_IOC_CREATE, arg)));
	after = dup(control);
	EXPECT_EQ(before, after);
	EXPECT_FALSE(node_exists(self->name));
}

TEST_F(port, open_into_read_only_memory_leaves_nothing)
{
	struct mailbox_open *arg = pages(1, PROT_READ | PROT_WRITE);
	int control = control_open(), before, after;

	ASSERT_NE(NULL, arg);
	arg->size = sizeof(*arg);
	arg->open_flags = O_RDWR;
	strcpy(arg->name, self->name);
	mprotect(arg, getpagesize(), PROT_READ);
	before = dup(control);
	close(before);
	EXPECT_EQ(-EFAULT, result(ioctl(control, MAILBOX_IOC_OPEN, arg)));
	after = dup(control);
	EXPECT_EQ(before, after);
	EXPECT_EQ(3, info_of(self->rx).endpoints);
}

TEST_HARNESS_MAIN
