// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes and their bounds, the limits of ports, endpoints and memory.
 */
#include "mailbox_test.h"

#include <sys/mount.h>
#include <sys/resource.h>

#define PARAMETERS	"/sys/module/mailbox_dev/parameters/"

static unsigned long long parameter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return strtoull(slurp(path), NULL, 0);
}

static long set_parameter(const char *name, unsigned long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%llu", value);
	return spill(path, text);
}

static void allow_files(rlim_t n)
{
	struct rlimit limit = { n, n };

	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Attributes. */

TEST(defaults)
{
	struct mailbox_info info = info_of(create(NULL));

	EXPECT_EQ(MAILBOX_MESSAGE_SIZE_DEFAULT, info.message_size);
	EXPECT_EQ(MAILBOX_CAPACITY_DEFAULT, info.capacity);
	EXPECT_EQ(MAILBOX_LANES_DEFAULT, info.lanes);
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(MAILBOX_STATE_LIVE, info.state);
}

TEST(attributes_are_as_given)
{
	struct mailbox_info info = info_of(create(NULL, .message_size = 100, .capacity = 64,
						  .lanes = 3, .flags = MAILBOX_SEALED));

	EXPECT_EQ(100, info.message_size);
	EXPECT_EQ(64, info.capacity);
	EXPECT_EQ(3, info.lanes);
	EXPECT_EQ(MAILBOX_SEALED, info.flags);
}

TEST(message_size_has_bounds)
{
	EXPECT_LE(0, create(NULL, .message_size = 1));
	EXPECT_LE(0, create(NULL, .message_size = MAILBOX_MESSAGE_MAX, .capacity = 2));
	EXPECT_EQ(-EINVAL, create(NULL, .message_size = MAILBOX_MESSAGE_MAX + 1, .capacity = 2));
	EXPECT_EQ(-EINVAL, create(NULL, .message_size = ~0U, .capacity = 2));
}

TEST(capacity_has_bounds)
{
	EXPECT_LE(0, create(NULL, .capacity = MAILBOX_CAPACITY_MIN));
	EXPECT_EQ(-EINVAL, create(NULL, .capacity = 1));
	EXPECT_LE(0, create(NULL, .capacity = MAILBOX_CAPACITY_MAX, .message_size = 1));
	EXPECT_EQ(-EINVAL, create(NULL, .capacity = 2 * MAILBOX_CAPACITY_MAX, .message_size = 1));
	EXPECT_EQ(-EINVAL, create(NULL, .capacity = 1U << 31, .message_size = 1));
}

TEST(capacity_is_a_power_of_two)
{
	static const __u32 bad[] = { 3, 5, 6, 7, 12, 17, 1000, 65535 };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, create(NULL, .capacity = bad[i], .message_size = 1)) {
			TH_LOG("capacity %u", bad[i]);
		}
}

TEST(lanes_have_bounds)
{
	EXPECT_LE(0, create(NULL, .lanes = 1));
	EXPECT_LE(0, create(NULL, .lanes = MAILBOX_LANES_MAX));
	EXPECT_EQ(-EINVAL, create(NULL, .lanes = MAILBOX_LANES_MAX + 1));
	EXPECT_EQ(-EINVAL, create(NULL, .lanes = ~0U));
}

TEST(capacity_is_of_each_lane)
{
	int fd = create(NULL, .capacity = 8, .lanes = 2);

	EXPECT_EQ(8, fill_lane(fd, 0));
	EXPECT_EQ(8, fill_lane(fd, 1));
	EXPECT_EQ(16, info_of(fd).depth);
}

TEST(the_greatest_capacity_holds_as_many)
{
	int fd = create(NULL, .capacity = MAILBOX_CAPACITY_MAX, .message_size = 4);

	EXPECT_EQ(MAILBOX_CAPACITY_MAX, fill_lane(fd, 0));
	EXPECT_EQ(MAILBOX_CAPACITY_MAX, info_of(fd).depth);
}

TEST(the_greatest_message_goes_through)
{
	int fd = create(NULL, .message_size = MAILBOX_MESSAGE_MAX, .capacity = 2);
	size_t n = MAILBOX_MESSAGE_MAX, i;
	unsigned char *out = malloc(n), *in = malloc(n);

	ASSERT_LE(0, fd);
	ASSERT_TRUE(out && in);
	for (i = 0; i < n; i++)
		out[i] = i * 7 + (i >> 8);
	memset(in, POISON, n);
	EXPECT_EQ(n, put(fd, out, n));
	EXPECT_EQ(n, get(fd, in, n));
	EXPECT_EQ(0, memcmp(out, in, n));
}

/* Memory. The teardown puts the parameters back. */

FIXTURE(memory)
{
	unsigned long long port_bytes, user_bytes;
};

FIXTURE_SETUP(memory)
{
	self->port_bytes = parameter("max_port_bytes");
	self->user_bytes = parameter("max_user_bytes");
	ASSERT_LT(0, self->port_bytes);
	ASSERT_LT(0, self->user_bytes);
}

FIXTURE_TEARDOWN(memory)
{
	set_parameter("max_port_bytes", self->port_bytes);
	set_parameter("max_user_bytes", self->user_bytes);
}

/* The bytes of a port with all defaults. */
static __u64 default_bytes(void)
{
	int fd = create(NULL);
	__u64 bytes = info_of(fd).bytes;

	close(fd);
	return bytes;
}

TEST_F(memory, query_tells_the_parameters)
{
	struct mailbox_query q = query();

	EXPECT_EQ(self->port_bytes, q.max_port_bytes);
	EXPECT_EQ(self->user_bytes, q.max_user_bytes);
	EXPECT_EQ(parameter("max_ports"), q.max_ports);
}

TEST_F(memory, a_port_takes_at_least_its_messages)
{
	EXPECT_LE(MAILBOX_CAPACITY_DEFAULT * MAILBOX_MESSAGE_SIZE_DEFAULT, default_bytes());
	EXPECT_LE(4ULL * 64 * 1000,
		  info_of(create(NULL, .lanes = 4, .capacity = 64, .message_size = 1000)).bytes);
}

TEST_F(memory, greater_than_max_port_bytes_is_einval)
{
	EXPECT_EQ(-EINVAL, create(NULL, .message_size = MAILBOX_MESSAGE_MAX, .capacity = 8));
	EXPECT_EQ(-EINVAL, create(NULL, .message_size = MAILBOX_MESSAGE_MAX,
				  .capacity = MAILBOX_CAPACITY_MAX, .lanes = MAILBOX_LANES_MAX));
	EXPECT_EQ(-EINVAL, create(NULL, .message_size = 1 << 16, .capacity = 1 << 16));
}

TEST_F(memory, max_port_bytes_is_exact)
{
	__u64 bytes = default_bytes();

	ASSERT_EQ(0, set_parameter("max_port_bytes", bytes));
	EXPECT_LE(0, create(NULL));
	ASSERT_EQ(0, set_parameter("max_port_bytes", bytes - 1));
	EXPECT_EQ(-EINVAL, create(NULL));
}

TEST_F(memory, the_creator_is_charged)
{
	EXPECT_EQ(0, ended(
		__u64 one, two;
		int a, b;

		become(NOBODY, NOBODY);
		if (query().user_bytes)
			leave(1);
		a = create(NULL);
		one = info_of(a).bytes;
		if (!one || query().user_bytes != one)
			leave(2);
		b = create(NULL, .lanes = 2);
		two = info_of(b).bytes;
		if (two <= one || query().user_bytes != one + two)
			leave(3);
		close(a);
		if (query().user_bytes != two)
			leave(4);
		close(b);
		leave(query().user_bytes ? 5 : 0);
	));
}

TEST_F(memory, opening_is_not_charged)
{
	EXPECT_EQ(0, ended(
		const char *name = port_name("charge");
		__u64 bytes;

		become(NOBODY, NOBODY);
		create(name, .flags = MAILBOX_AUTODELETE);
		bytes = query().user_bytes;
		create(name);
		open_port(name, O_RDWR);
		leave(query().user_bytes == bytes ? 0 : 1);
	));
}

TEST_F(memory, users_are_charged_apart)
{
	int fd = create(NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		leave(query().user_bytes ? 1 : 0);
	));
}

TEST_F(memory, delete_and_close_give_back)
{
	EXPECT_EQ(0, ended(
		const char *name = port_name("back");
		int fd;

		become(NOBODY, NOBODY);
		fd = create(name);
		put_text(fd, "x");
		delete_port(name, 0);
		close(fd);
		leave(query().user_bytes ? 1 : 0);
	));
}

TEST_F(memory, delete_without_descriptors_gives_back)
{
	EXPECT_EQ(0, ended(
		const char *name = port_name("back");
		int fd;

		become(NOBODY, NOBODY);
		fd = create(name);
		put_text(fd, "x");
		close(fd);
		if (!query().user_bytes)
			leave(1);
		delete_port(name, 0);
		leave(query().user_bytes ? 2 : 0);
	));
}

TEST_F(memory, greater_than_max_user_bytes_is_edquot)
{
	__u64 bytes = default_bytes();

	ASSERT_EQ(0, set_parameter("max_user_bytes", 2 * bytes));
	EXPECT_EQ(0, ended(
		int one, two;

		become(NOBODY, NOBODY);
		one = create(NULL);
		two = create(NULL);
		if (one < 0 || two < 0)
			leave(1);
		if (create(NULL) != -EDQUOT)
			leave(2);
		close(one);
		if (create(NULL) < 0)
			leave(3);
		leave(create(NULL) == -EDQUOT ? 0 : 4);
	));
}

TEST_F(memory, edquot_leaves_nothing)
{
	ASSERT_EQ(0, set_parameter("max_user_bytes", 1));
	EXPECT_EQ(0, ended(
		const char *name = port_name("quota");
		__u32 before = query().ports;

		become(NOBODY, NOBODY);
		if (create(name) != -EDQUOT)
			leave(1);
		if (query().user_bytes || query().ports != before)
			leave(2);
		leave(access(node_of(name), F_OK) ? 0 : 3);
	));
}

TEST_F(memory, one_users_quota_is_not_anothers)
{
	__u64 bytes = default_bytes();
	pid_t child;

	ASSERT_EQ(0, set_parameter("max_user_bytes", bytes));
	child = spawn();
	if (!child) {
		become(NOBODY, NOBODY);
		if (create(NULL) < 0)
			leave(1);
		pause();
	}
	ASSERT_TRUE(wait_until(asleep_in(child, SYS_pause)));
	EXPECT_EQ(0, ended(
		become(SOMEBODY, SOMEBODY);
		leave(create(NULL) < 0);
	));
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
}

TEST_F(memory, cap_sys_resource_is_exempt_from_max_user_bytes)
{
	ASSERT_EQ(0, set_parameter("max_user_bytes", 1));
	EXPECT_LE(0, create(NULL));
	EXPECT_EQ(-EDQUOT, ended(
		drop_capability(CAP_SYS_RESOURCE);
		leave(create(NULL));
	));
}

TEST_F(memory, root_of_a_user_namespace_is_not_exempt)
{
	ASSERT_EQ(0, set_parameter("max_user_bytes", 1));
	EXPECT_EQ(-EDQUOT, ended(
		become(SOMEBODY, SOMEBODY);
		if (unshare(CLONE_NEWUSER))
			leave(-EDQUOT);
		leave(create(NULL));
	));
}

TEST_F(memory, cap_sys_resource_is_not_exempt_from_max_port_bytes)
{
	ASSERT_EQ(0, set_parameter("max_port_bytes", 1));
	EXPECT_EQ(-EINVAL, create(NULL));
}

TEST_F(memory, the_exempt_are_charged_all_the_same)
{
	__u64 before = query().user_bytes;
	int fd;

	ASSERT_EQ(0, set_parameter("max_user_bytes", 1));
	fd = create(NULL);
	EXPECT_EQ(before + info_of(fd).bytes, query().user_bytes);
}

/* The memory cgroup. */

static char cgroup[64];

static long cgroup_spill(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	return spill(path, text);
}

static unsigned long long cgroup_current(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", cgroup);
	return strtoull(slurp(path), NULL, 10);
}

/* A group of its own below a private mount; 0 or what to call a skip. */
static const char *cgroup_make(const char *limit)
{
	static char root[32];
	char path[128];

	snprintf(root, sizeof(root), "/tmp/cg%d", getpid());
	mkdir(root, 0755);
	if (mount("none", root, "cgroup2", 0, NULL))
		return "no cgroup2";
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", root);
	if (spill(path, "+memory"))
		return "no memory controller in cgroup2";
	snprintf(cgroup, sizeof(cgroup), "%s/test%d", root, getpid());
	if (mkdir(cgroup, 0755) && errno != EEXIST)
		return "no new cgroup";
	return cgroup_spill("memory.max", limit) ? "no limit" : NULL;
}

static void cgroup_end(void)
{
	*strrchr(cgroup, '/') = 0;
	umount2(cgroup, MNT_DETACH);
	rmdir(cgroup);
}

TEST(memory_is_charged_to_the_creators_cgroup)
{
	const char *why = cgroup_make("max");

	if (why)
		SKIP(return, "%s", why);
	EXPECT_EQ(0, ended(
		unsigned long long before;
		int fd;

		if (cgroup_spill("cgroup.procs", "0"))
			leave(1);
		before = cgroup_current();
		fd = create(NULL, .message_size = 1 << 20, .capacity = 16);
		if (fd < 0)
			leave(fd);
		leave(cgroup_current() >= before + (15ULL << 20) ? 0 : 3);
	));
	rmdir(cgroup);
	cgroup_end();
}

TEST(beyond_the_cgroups_limit_is_enomem)
{
	__u32 before = query().ports;
	const char *why = cgroup_make("8388608");

	if (why)
		SKIP(return, "%s", why);
	EXPECT_EQ(-ENOMEM, ended(
		if (cgroup_spill("cgroup.procs", "0"))
			leave(1);
		leave(create(NULL, .message_size = 1 << 20, .capacity = 32));
	));
	EXPECT_EQ(before, query().ports);
	rmdir(cgroup);
	cgroup_end();
}

/* Numbers of things. */

TEST(one_port_too_many_is_enospc)
{
	struct mailbox_query q = query();
	__u32 n;
	int fd = -1, last = -1;

	allow_files(q.max_ports + 100);
	for (n = q.ports; n < q.max_ports; n++) {
		fd = create(NULL, .capacity = 2, .message_size = 1);
		if (fd < 0)
			break;
		last = fd;
	}
	EXPECT_EQ(q.max_ports, n);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, create(NULL, .capacity = 2, .message_size = 1));
	EXPECT_EQ(-ENOSPC, create(port_name("one-more"), .flags = MAILBOX_AUTODELETE));
	EXPECT_EQ(q.max_ports, query().ports);
	close(last);
	EXPECT_LE(0, create(NULL, .capacity = 2, .message_size = 1));
}

/* With 65534 descriptors: more than a test's usual time on a slow machine. */
TEST_F_TIMEOUT(port, one_endpoint_too_many_is_enospc, 1200)
{
	struct mailbox_open arg = { .size = sizeof(arg), .open_flags = O_RDWR };
	int n = 3, last = -1, control = control_open();

	if (NEEDS_PATIENCE())
		SKIP(return, PATIENCE_REASON);
	copy_name(arg.name, self->name);
	allow_files(MAILBOX_ENDPOINTS_MAX + 100);
	for (; n < (int)MAILBOX_ENDPOINTS_MAX; n++) {
		if (ioctl(control, MAILBOX_IOC_OPEN, &arg))
			break;
		last = arg.fd;
	}
	EXPECT_EQ(MAILBOX_ENDPOINTS_MAX, n);
	EXPECT_EQ(-ENOSPC, open_node(self->name, O_RDWR));
	EXPECT_EQ(-ENOSPC, open_port(self->name, O_RDWR));
	EXPECT_EQ(MAILBOX_ENDPOINTS_MAX, info_of(self->rx).endpoints);
	close(last);
	EXPECT_LE(0, open_node(self->name, O_RDWR));
}

TEST_HARNESS_MAIN
