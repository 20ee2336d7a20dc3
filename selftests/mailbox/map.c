// SPDX-License-Identifier: GPL-2.0
/*
 * A mapped port: who may map it and how, messages between mapped participants
 * and system calls, waking, delete, and departure.
 *
 *	MAP_MESSAGES=n	messages of each mixed run (MAILBOX_EFFORT times 3000)
 *	MAP_SEED=n	instead of a random one
 */
#include <pthread.h>
#include <sys/epoll.h>

#include <linux/io_uring.h>

#include "ring.h"
#include "storm.h"

#define BOTH	(PROT_READ | PROT_WRITE)
#define SLOTS	4U
#define LANES	4U
#define BYTES	200U

/* What a program of ours does that was executed anew: it stays. */
static __attribute__((constructor)) void after_exec(void)
{
	if (getenv("MAP_AFTER_EXEC")) {
		alarm(PATIENCE_NS / 1000000000);
		pause();
		_exit(0);
	}
}

static bool sleeps_in(pid_t pid, long nr)
{
	return wait_until(state_of(pid) == 'S' && asleep_in(pid, nr));
}

/* A child in read(), which leaves with the first byte, 0 for nothing, or -errno. */
static pid_t reader(int fd)
{
	pid_t pid = spawn();
	char text[4096] = "";
	long ret;

	if (!pid) {
		ret = get(fd, text, sizeof(text));
		leave(ret < 0 ? ret : *text);
	}
	return pid;
}

/* The same in MAILBOX_IOC_RECEIVE. */
static pid_t receiver(int fd)
{
	pid_t pid = spawn();
	char text[4096] = "";
	long ret;

	if (!pid) {
		ret = receive_until(fd, text, sizeof(text), MAILBOX_FOREVER);
		leave(ret < 0 ? ret : *text);
	}
	return pid;
}

/* A child in write(), which leaves with 0 or -errno. */
static pid_t writer(int fd, const char *text)
{
	pid_t pid = spawn();
	long ret;

	if (!pid) {
		ret = put_text(fd, text);
		leave(ret < 0 ? ret : 0);
	}
	return pid;
}

static pid_t sender(int fd, const char *text)
{
	pid_t pid = spawn();

	if (!pid)
		leave(send_until(fd, text, MAILBOX_FOREVER));
	return pid;
}

/* @fd and @peer are endpoints for both directions; @r is the mapping of @fd. */
FIXTURE(ring)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
	int peer;
	size_t bytes;
	struct ring r;
};

FIXTURE_SETUP(ring)
{
	strcpy(self->name, port_name("ring"));
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = BYTES, .capacity = SLOTS, .lanes = LANES);
	ASSERT_LE(0, self->fd);
	self->peer = open_port(self->name, O_RDWR);
	ASSERT_LE(0, self->peer);
	self->bytes = info_of(self->fd).map_bytes;
	ASSERT_EQ(0, ring_map(&self->r, self->fd));
}

FIXTURE_TEARDOWN(ring)
{
	close(self->fd);
	close(self->peer);
}

/* The mapping sends and receives, and so does the rest. */
#define EXPECT_WORKING() do {						\
	EXPECT_EQ(0, ring_send_text(&self->r, 0, "there"));		\
	EXPECT_MESSAGE("there", self->peer);				\
	EXPECT_EQ(4, put_text(self->peer, "back"));			\
	EXPECT_RING_MESSAGE("back");					\
} while (0)

#define EXPECT_RING_MESSAGE(text) do {					\
	char __text[BYTES + 1] = "";					\
									\
	EXPECT_EQ((long)strlen(text), ring_receive(&self->r, __text, BYTES)); \
	EXPECT_STREQ(text, __text);					\
} while (0)

/* Every slot of every lane takes a message, and gives it again. */
#define EXPECT_ALL_SLOTS_USABLE(fd) do {				\
	__u32 __lane;							\
	int __n;							\
									\
	for (__lane = 0; __lane < LANES; __lane++) {			\
		EXPECT_EQ(SLOTS, fill_lane(fd, __lane));		\
		for (__n = 0; __n < SLOTS; __n++)			\
			EXPECT_MESSAGE("fill", fd);			\
	}								\
	EXPECT_NO_MESSAGE(fd);						\
	EXPECT_EQ(0, info_of(fd).depth);				\
} while (0)

/* Who may map, and how. */

TEST_F(port, opened_for_both_is_mapped_shared_readable_and_writable)
{
	long p = map_port(self->both, BOTH);

	ASSERT_FALSE(p < 0 && p > -4096);
	EXPECT_EQ(1, info_of(self->both).mappings);
	EXPECT_NE(0, info_of(self->both).owner);
	EXPECT_EQ(0, info_of(self->tx).owner);
	EXPECT_EQ(0, munmap((void *)p, info_of(self->both).map_bytes));
	EXPECT_EQ(0, info_of(self->both).mappings);
	EXPECT_EQ(0, info_of(self->both).owner);
}

TEST_F(port, another_length_is_einval)
{
	size_t page = getpagesize(), n = info_of(self->both).map_bytes;

	EXPECT_LT(page, n);
	EXPECT_EQ(-EINVAL, map_bytes(self->both, page, BOTH));
	EXPECT_EQ(-EINVAL, map_bytes(self->both, n - page, BOTH));
	EXPECT_EQ(-EINVAL, map_bytes(self->both, n + page, BOTH));
	EXPECT_EQ(-EINVAL, map_bytes(self->both, n - page, PROT_READ));
	EXPECT_EQ(0, info_of(self->both).mappings);
}

TEST_F(port, an_offset_is_einval)
{
	size_t page = getpagesize(), n = info_of(self->both).map_bytes;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, n, BOTH, MAP_SHARED, self->both, page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, n - page, BOTH, MAP_SHARED, self->both, page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, n, BOTH, MAP_SHARED, self->both, 1LL << 40));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(port, a_private_mapping_is_einval)
{
	size_t n = info_of(self->both).map_bytes;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, n, BOTH, MAP_PRIVATE, self->both, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, n, PROT_READ, MAP_PRIVATE, self->both, 0));
	EXPECT_EQ(EINVAL, errno);
}

/* EINVAL, or EPERM where the nodes are on a file system that is mounted noexec. */
static bool refused(long ret)
{
	return ret == -EINVAL || ret == -EPERM;
}

TEST_F(port, an_executable_mapping_is_refused)
{
	size_t n = info_of(self->both).map_bytes;

	EXPECT_TRUE(refused(map_bytes(self->both, n, BOTH | PROT_EXEC)));
	EXPECT_TRUE(refused(map_bytes(self->both, n, PROT_READ | PROT_EXEC)));
	EXPECT_TRUE(refused(map_bytes(self->rx, n, PROT_EXEC)));
}

TEST_F(port, opened_for_one_direction_is_not_mapped_writable)
{
	size_t n = info_of(self->both).map_bytes;

	EXPECT_EQ(-EACCES, map_bytes(self->rx, n, BOTH));
	EXPECT_EQ(-EACCES, map_bytes(self->rx, n, PROT_WRITE));
	EXPECT_EQ(-EACCES, map_bytes(self->tx, n, BOTH));
	EXPECT_EQ(-EACCES, map_bytes(self->tx, n, PROT_WRITE));
	EXPECT_EQ(-EACCES, map_bytes(self->tx, n, PROT_READ));
	EXPECT_EQ(0, info_of(self->both).mappings);
}

TEST(sealed_port_is_not_mapped)
{
	int fd = create(NULL, .flags = MAILBOX_SEALED);
	size_t n = info_of(fd).bytes;

	EXPECT_EQ(0, info_of(fd).map_bytes);
	EXPECT_EQ(-EPERM, map_bytes(fd, n, BOTH));
	EXPECT_EQ(-EPERM, map_bytes(fd, n, PROT_READ));
}

TEST(control_node_is_not_mapped)
{
	int fd = control_open();

	EXPECT_EQ(-ENODEV, map_bytes(fd, getpagesize(), BOTH));
	EXPECT_EQ(-ENODEV, map_bytes(fd, getpagesize(), PROT_READ));
}

TEST(nameless_port_is_mapped)
{
	int fd = create(NULL);
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, fd));
	EXPECT_EQ(0, ring_send_text(&r, 0, "hello"));
	EXPECT_MESSAGE("hello", fd);
}

TEST_F(ring, geometry_is_told_on_the_first_page)
{
	struct mailbox_info info = info_of(self->fd);
	struct mailbox_shared *s = self->r.shared;
	__u64 lane = (__u64)s->stride * SLOTS;
	__u32 n, i;

	EXPECT_EQ(MAILBOX_SHARED_VERSION, s->version);
	EXPECT_EQ(LANES, s->lanes);
	EXPECT_EQ(SLOTS, s->capacity);
	EXPECT_EQ(BYTES, s->message_size);
	EXPECT_EQ(mailbox_slot_stride(BYTES), s->stride);
	EXPECT_EQ(info.map_bytes, s->bytes);
	EXPECT_EQ(info.bytes, s->bytes);
	EXPECT_EQ(getpagesize(), s->slots);
	EXPECT_LE(s->slots + LANES * lane, s->bytes);
	EXPECT_EQ(0, s->receivers.word);
	EXPECT_EQ(0, s->senders.word);
	for (n = 0; n < LANES; n++) {
		EXPECT_EQ(0, s->lane[n].hint);
		EXPECT_EQ(0, s->lane[n].parked);
		EXPECT_EQ(0, s->lane[n].discarded);
		for (i = 0; i < SLOTS; i++)
			EXPECT_EQ(mailbox_word(i, 0, MAILBOX_PHASE_FREE),
				  mailbox_lane_word(&self->r.lane[n], i));
	}
}

/* What lies between and behind the slots was never anybody else's. */
TEST_F(ring, memory_that_holds_nothing_is_zero)
{
	char *p = (char *)self->r.shared, *end = p + self->bytes;
	__u32 n, i;

	for (n = 0; n < LANES; n++)
		for (i = 0; i < SLOTS; i++)
			mailbox_lane_slot(&self->r.lane[n], i)->word = 0;
	for (p += self->r.shared->slots; p < end; p += 8)
		ASSERT_EQ(0, *(__u64 *)p);
	for (p = (char *)(self->r.shared + 1); p < (char *)self->r.shared + getpagesize(); p += 8)
		ASSERT_EQ(0, *(__u64 *)p);
}

TEST_F(ring, info_tells_owner_and_mappings)
{
	struct mailbox_info info = info_of(self->fd);
	struct ring second;

	EXPECT_EQ(1, info.mappings);
	EXPECT_NE(0, info.owner);
	EXPECT_GE(MAILBOX_ENDPOINTS_MAX, info.owner);
	EXPECT_EQ(0, info_of(self->peer).owner);
	ASSERT_EQ(0, ring_map(&second, self->peer));
	EXPECT_EQ(2, info_of(self->fd).mappings);
	EXPECT_NE(info.owner, second.owner);
	EXPECT_EQ(second.owner, info_of(self->peer).owner);
	EXPECT_EQ(2, info_of(self->fd).endpoints);
}

/* Else the repair of a mapping would reach into the endpoint's own calls. */
TEST_F(ring, owner_is_nobody_s_endpoint_id)
{
	EXPECT_NE(info_of(self->fd).endpoint, self->r.owner);
	EXPECT_NE(info_of(self->peer).endpoint, self->r.owner);
}

TEST_F(ring, second_mapping_of_an_endpoint_is_ebusy)
{
	int copy = dup(self->fd);

	EXPECT_EQ(-EBUSY, map_bytes(self->fd, self->bytes, BOTH));
	EXPECT_EQ(-EBUSY, map_bytes(self->fd, self->bytes, PROT_WRITE));
	EXPECT_EQ(-EBUSY, map_bytes(copy, self->bytes, BOTH));
	EXPECT_EQ(-EBUSY, ended(leave(map_bytes(self->fd, self->bytes, BOTH));));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_WORKING();
}

TEST_F(ring, endpoint_is_mapped_again_after_munmap)
{
	__u64 owner;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, ring_unmap(&self->r));
		EXPECT_EQ(0, info_of(self->fd).owner);
		ASSERT_EQ(0, ring_map(&self->r, self->fd));
		owner = self->r.owner;
		EXPECT_NE(0, owner);
		EXPECT_WORKING();
	}
	ASSERT_EQ(0, ring_unmap(&self->r));
	EXPECT_EQ(0, ended(
		struct ring r;
		long ret = ring_map(&r, self->fd);

		leave(ret ? ret : ring_send_text(&r, 1, "by the child"));
	));
	EXPECT_EQ(0, info_of(self->fd).mappings);
	EXPECT_MESSAGE("by the child", self->fd);
}

TEST_F(ring, parts_are_not_unmapped)
{
	char *p = (char *)self->r.shared;
	size_t page = getpagesize();

	EXPECT_EQ(-EINVAL, result(munmap(p, page)));
	EXPECT_EQ(-EINVAL, result(munmap(p + page, page)));
	EXPECT_EQ(-EINVAL, result(munmap(p + page, self->bytes - page)));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_WORKING();
}

TEST_F(ring, parts_are_not_protected)
{
	char *p = (char *)self->r.shared;
	size_t page = getpagesize();

	EXPECT_EQ(-EINVAL, result(mprotect(p, page, PROT_READ)));
	EXPECT_EQ(-EINVAL, result(mprotect(p + page, self->bytes - page, PROT_NONE)));
	EXPECT_WORKING();
}

TEST_F(ring, whole_is_protected_and_back)
{
	EXPECT_EQ(0, mprotect(self->r.shared, self->bytes, PROT_READ));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_EQ(0, mprotect(self->r.shared, self->bytes, PROT_NONE));
	EXPECT_EQ(-EBUSY, map_bytes(self->fd, self->bytes, BOTH));
	EXPECT_EQ(0, mprotect(self->r.shared, self->bytes, BOTH));
	EXPECT_EQ(self->r.owner, info_of(self->fd).owner);
	EXPECT_WORKING();
	EXPECT_EQ(-EACCES, result(mprotect(self->r.shared, self->bytes, BOTH | PROT_EXEC)));
	EXPECT_WORKING();
}

TEST_F(ring, mapping_is_not_moved_grown_shrunk_or_copied)
{
	size_t page = getpagesize(), n = self->bytes;
	void *p = self->r.shared, *to;
	int round;

	for (round = 0; round < 2; round++) {	/* with pages there, and with none */
		to = mmap(NULL, 4 * n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		EXPECT_EQ(MAP_FAILED, mremap(p, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, to));
		EXPECT_EQ(1, info_of(self->fd).mappings);
		EXPECT_EQ(self->r.owner, info_of(self->fd).owner);
		EXPECT_EQ(MAP_FAILED, mremap(p, n, n + page, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, n, n + page, 0));
		EXPECT_EQ(MAP_FAILED, mremap(p, n, n - page, 0));
		EXPECT_EQ(MAP_FAILED, mremap(p, n, page, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, 0, n, MREMAP_MAYMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to));
#ifdef MREMAP_DONTUNMAP
		EXPECT_EQ(MAP_FAILED, mremap(p, n, n, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
#endif
		EXPECT_EQ(1, info_of(self->fd).mappings);
		EXPECT_WORKING();
	}
}

/* Some advice is taken, some is not; none makes a difference. */
TEST_F(ring, advice_is_harmless)
{
	int advice;

	EXPECT_WORKING();
	EXPECT_EQ(-EINVAL, result(madvise(self->r.shared, self->bytes, MADV_DOFORK)));
	EXPECT_NE(0, madvise(self->r.shared, self->bytes, MADV_DONTNEED));
	for (advice = 0; advice < 100; advice++) {	/* from 100 on it breaks memory */
		madvise(self->r.shared, self->bytes, advice);
		madvise(self->r.shared, getpagesize(), advice);
		EXPECT_WORKING();
	}
	EXPECT_EQ(KILLED_BY(SIGSEGV), ended(leave(*(volatile __u32 *)self->r.shared);));
	mlock(self->r.shared, self->bytes);
	msync(self->r.shared, self->bytes, MS_SYNC);
	EXPECT_WORKING();
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_EQ(self->r.owner, info_of(self->fd).owner);
}

TEST_F(ring, forked_child_has_no_mapping)
{
	EXPECT_WORKING();
	EXPECT_EQ(KILLED_BY(SIGSEGV), ended(leave(*(volatile __u32 *)self->r.shared);));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_WORKING();
}

TEST_F(ring, forked_child_sends_and_receives_by_system_call)
{
	char text[BYTES];

	ASSERT_EQ(0, ring_send_text(&self->r, 0, "a"));
	EXPECT_EQ('a', ended(
		if (get(self->fd, text, sizeof(text)) != 1 || put_text(self->fd, "b") != 1)
			leave(1);
		leave(*text);
	));
	EXPECT_RING_MESSAGE("b");
	EXPECT_EQ(self->r.owner, info_of(self->fd).owner);
}

TEST_F(ring, mapping_outlives_its_descriptor)
{
	EXPECT_EQ(2, info_of(self->peer).endpoints);
	close(self->fd);
	EXPECT_EQ(2, info_of(self->peer).endpoints);
	EXPECT_EQ(1, info_of(self->peer).mappings);
	EXPECT_EQ(0, ring_send_text(&self->r, 0, "there"));
	EXPECT_MESSAGE("there", self->peer);
	EXPECT_EQ(4, put_text(self->peer, "back"));
	EXPECT_RING_MESSAGE("back");
	EXPECT_EQ(0, ring_unmap(&self->r));
	EXPECT_EQ(1, info_of(self->peer).endpoints);
	EXPECT_EQ(0, info_of(self->peer).mappings);
	self->fd = -1;
}

/* Watching. */

TEST_F(port, several_watch_and_are_nobody)
{
	size_t n = info_of(self->both).map_bytes;
	struct mailbox_message m;
	struct ring r[3];
	int i;

	for (i = 0; i < 3; i++) {
		int fd = i ? self->rx : self->both;
		long p = map_bytes(fd, n, PROT_READ);

		ASSERT_FALSE(p < 0 && p > -4096);
		ring_view(&r[i], fd, (void *)p);
		EXPECT_EQ(0, r[i].owner);
	}
	EXPECT_EQ(0, info_of(self->both).mappings);
	ASSERT_EQ(5, put_text(self->tx, "watch"));
	for (i = 0; i < 3; i++) {
		struct mailbox_slot *slot = mailbox_lane_slot(&r[i].lane[0], 0);

		EXPECT_TRUE(mailbox_word_is(mailbox_lane_word(&r[i].lane[0], 0), 0,
					    MAILBOX_PHASE_READY));
		EXPECT_EQ(0, memcmp(slot + 1, "watch", 5));
	}
	m = message(.data = address(&m), .length = 8);
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.flags);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, ring_unmap(&r[i]));
}

TEST_F(port, watcher_does_not_write)
{
	size_t n = info_of(self->both).map_bytes;
	long p = map_bytes(self->both, n, PROT_READ);

	ASSERT_FALSE(p < 0 && p > -4096);
	EXPECT_EQ(-EACCES, result(mprotect((void *)p, n, BOTH)));
	EXPECT_EQ(-EACCES, result(mprotect((void *)p, n, PROT_WRITE)));
	EXPECT_EQ(-EACCES, result(mprotect((void *)p, n, PROT_READ | PROT_EXEC)));
	EXPECT_EQ(KILLED_BY(SIGSEGV), ended(
		long q = map_bytes(self->both, n, PROT_READ);

		*(volatile __u32 *)q = 0;
	));
	EXPECT_EQ(0, info_of(self->both).mappings);
}

/* A mapping that nobody may touch yet could be made writable later. */
TEST_F(port, mapping_of_no_access_does_not_become_writable)
{
	size_t n = info_of(self->both).map_bytes;
	long p = map_bytes(self->both, n, PROT_NONE);

	ASSERT_FALSE(p < 0 && p > -4096);
	EXPECT_EQ(-EACCES, result(mprotect((void *)p, n, BOTH)));
	EXPECT_EQ(0, mprotect((void *)p, n, PROT_READ));
	EXPECT_EQ(MAILBOX_SHARED_VERSION, *(__u32 *)p);
}

TEST_F(port, watcher_and_participant_are_mapped_from_one_endpoint)
{
	size_t n = info_of(self->both).map_bytes;
	long p = map_bytes(self->both, n, PROT_READ);
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->both));
	EXPECT_EQ(0, ring_send_text(&r, 0, "hello"));
	EXPECT_EQ(0, memcmp((void *)p, r.shared, getpagesize()));
	EXPECT_EQ(0, munmap((void *)p, n));
	EXPECT_EQ(1, info_of(self->both).mappings);
	EXPECT_MESSAGE("hello", self->rx);
}

TEST_F(port, trust_ends_with_the_first_writable_mapping)
{
	struct mailbox_message m;
	struct ring r;
	char text[8];

	ASSERT_EQ(1, put_text(self->tx, "a"));
	m = message(.data = address(text), .length = 8);
	ASSERT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(MAILBOX_MSG_TRUSTED, m.flags);
	ASSERT_EQ(0, ring_map(&r, self->both));
	ASSERT_EQ(0, ring_unmap(&r));
	ASSERT_EQ(1, put_text(self->tx, "b"));
	m = message(.data = address(text), .length = 8);
	ASSERT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.flags);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
	EXPECT_EQ(getpid(), m.pid);
}

/* Others who reach for the memory. */

TEST_F(ring, pages_are_not_lent)
{
	struct iovec there = { self->r.shared, self->bytes }, v;
	char page[4096];
	int ends[2], mem;

	EXPECT_WORKING();	/* they are in the page tables */
	v = (struct iovec) { page, sizeof(page) };
	there.iov_len = sizeof(page);
	if (result(process_vm_readv(getpid(), &v, 1, &v, 1, 0)) != -ENOSYS) {
		EXPECT_EQ(-EFAULT, result(process_vm_readv(getpid(), &v, 1, &there, 1, 0)));
		EXPECT_EQ(-EFAULT, result(process_vm_writev(getpid(), &v, 1, &there, 1, 0)));
	}
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-EFAULT, result(vmsplice(ends[1], &there, 1, SPLICE_F_NONBLOCK)));
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, mem);
	EXPECT_GT(0, pread(mem, page, sizeof(page), (off_t)self->r.shared));
	EXPECT_GT(0, pwrite(mem, page, sizeof(page), (off_t)self->r.shared));
	EXPECT_WORKING();
}

TEST_F(ring, pages_are_not_registered_with_io_uring)
{
	struct iovec there = { self->r.shared, self->bytes };
	struct io_uring_params p = { 0 };
	int fd = result(syscall(__NR_io_uring_setup, 4, &p));

	if (fd < 0)
		SKIP(return, "no io_uring here");
	EXPECT_WORKING();
	EXPECT_EQ(-EFAULT, result(syscall(__NR_io_uring_register, fd, IORING_REGISTER_BUFFERS,
					  &there, 1)));
	EXPECT_WORKING();
}

TEST_F(ring, buffers_of_other_files_may_lie_in_the_mapping)
{
	char *p = (char *)self->r.shared + self->r.shared->slots;
	int fd = open("/dev/zero", O_RDWR), i;

	for (i = 0; i < 16; i++)
		EXPECT_EQ(8, read(fd, p + self->r.shared->stride - 64, 8));
	EXPECT_EQ(8, write(fd, p + 16, 8));
}

FIXTURE(two)
{
	int fd;
	struct ring r;
	int other;
};

/* In each the mapping has pages that nobody touched yet. */
FIXTURE_SETUP(two)
{
	self->fd = create(NULL, .message_size = 20000, .capacity = 8);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ring_map(&self->r, self->fd));
	self->other = create(NULL, .message_size = 20000, .capacity = 8);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(two)
{
}

TEST_F(two, write_from_another_port_s_mapping)
{
	char out[9000], in[9000], *payload;
	__u64 position;
	int i;

	for (i = 0; i < 8; i++) {
		memset(out, 'a' + i, sizeof(out));
		ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
		ring_fill(&self->r, 0, position, out, sizeof(out), 0);
		payload = (char *)(mailbox_lane_slot(&self->r.lane[0], position) + 1);
		ASSERT_EQ(sizeof(out), put(self->other, payload, sizeof(out)));
		ring_publish(&self->r, 0, position);
		ASSERT_EQ(sizeof(in), get(self->other, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, out, sizeof(in)));
		ASSERT_EQ(sizeof(in), get(self->fd, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, out, sizeof(in)));
	}
}

TEST_F(two, read_into_another_port_s_mapping)
{
	char out[9000], *payload;
	int i;

	for (i = 0; i < 8; i++) {
		memset(out, 'a' + i, sizeof(out));
		ASSERT_EQ(sizeof(out), put(self->other, out, sizeof(out)));
		payload = (char *)(mailbox_lane_slot(&self->r.lane[0], i) + 1);
		if (i & 1) {
			struct iovec v[] = { { payload, 5000 }, { payload + 5000, 9000 } };

			ASSERT_EQ(sizeof(out), readv(self->other, v, 2));
		} else {
			ASSERT_EQ(sizeof(out), get(self->other, payload, 20000));
		}
		ASSERT_EQ(0, memcmp(payload, out, sizeof(out)));
	}
	EXPECT_EQ(0, info_of(self->other).redelivered);
}

TEST_F(two, structure_of_a_receive_in_another_port_s_mapping)
{
	struct mailbox_slot *slot = mailbox_lane_slot(&self->r.lane[0], 5);
	struct mailbox_message *m = (struct mailbox_message *)(slot + 1);
	char text[8] = "";

	*m = message(.data = address("hello"), .length = 5);
	ASSERT_EQ(0, send_message(self->other, m));
	*m = message(.data = address(text), .length = 8);
	ASSERT_EQ(0, receive_message(self->other, m));
	EXPECT_EQ(5, m->length);
	EXPECT_STREQ("hello", text);
}

TEST_F(two, buffers_in_the_port_s_own_mapping)
{
	char *room = (char *)(mailbox_lane_slot(&self->r.lane[0], 7) + 1);
	int i;

	for (i = 0; i < 7; i++) {
		memset(room, 'A' + i, 9000);
		ASSERT_EQ(9000, put(self->fd, room, 9000));
		memset(room, 0, 9000);
		ASSERT_EQ(9000, get(self->fd, room, 9000));
		EXPECT_EQ('A' + i, room[0]);
		EXPECT_EQ('A' + i, room[8999]);
	}
}

/* Messages from door to door. */

enum door { BY_PLAIN, BY_IOCTL, BY_RING };

struct side {
	int fd;
	enum door door;
	struct ring r;
};

/* Sends @m without waiting. */
static long pass_in(struct side *s, struct mailbox_message *m)
{
	switch (s->door) {
	case BY_PLAIN:
		set_lanes(s->fd, ~0U, m->lane);
		return put(s->fd, (void *)(uintptr_t)m->data, m->length) < 0 ? -errno : 0;
	case BY_IOCTL:
		return send_message(s->fd, m);
	case BY_RING:
		break;
	}
	return ring_send_message(&s->r, m);
}

/* Receives without waiting; what read() does not tell stays as it is. */
static long pass_out(struct side *s, struct mailbox_message *m)
{
	long ret;

	switch (s->door) {
	case BY_PLAIN:
		ret = get(s->fd, (void *)(uintptr_t)m->data, m->length);
		if (ret < 0)
			return ret;
		m->length = ret;
		return 0;
	case BY_IOCTL:
		return receive_message(s->fd, m);
	case BY_RING:
		break;
	}
	return ring_receive_message(&s->r, m);
}

FIXTURE(doors)
{
	struct side in;
	struct side out;
};

FIXTURE_VARIANT(doors)
{
	enum door in;
	enum door out;
};

#define DOORS(in_, out_)						\
	FIXTURE_VARIANT_ADD(doors, in_##_to_##out_) { .in = BY_##in_, .out = BY_##out_ }
DOORS(PLAIN, PLAIN);
DOORS(PLAIN, IOCTL);
DOORS(PLAIN, RING);
DOORS(IOCTL, PLAIN);
DOORS(IOCTL, IOCTL);
DOORS(IOCTL, RING);
DOORS(RING, PLAIN);
DOORS(RING, IOCTL);
DOORS(RING, RING);

#define DOORS_BYTES	5000U
#define DOORS_SLOTS	8U
#define DOORS_LANES	3U

FIXTURE_SETUP(doors)
{
	const char *name = port_name("doors");

	self->in.fd = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			     .open_flags = O_RDWR | O_NONBLOCK, .message_size = DOORS_BYTES,
			     .capacity = DOORS_SLOTS, .lanes = DOORS_LANES);
	ASSERT_LE(0, self->in.fd);
	self->out.fd = open_port(name, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->out.fd);
	self->in.door = variant->in;
	self->out.door = variant->out;
	ASSERT_EQ(0, ring_map(&self->in.r, self->in.fd));
	ASSERT_EQ(0, ring_map(&self->out.r, self->out.fd));
}

FIXTURE_TEARDOWN(doors)
{
	close(self->in.fd);
	close(self->out.fd);
}

TEST_F(doors, message_comes_as_it_was_sent)
{
	static const __u32 sizes[] = { 0, 1, 7, 8, 40, 48, 63, 64, 65, 4095, 4096, DOORS_BYTES };
	static const __u64 tags[] = { 0, 1, ~0ULL };
	__u64 tickets[DOORS_LANES] = { 0 };
	char out[DOORS_BYTES], in[DOORS_BYTES + 1];
	struct mailbox_message m;
	__u32 size, tag, lane, i;

	for (size = 0; size < 12; size++)
		for (tag = 0; tag < 3; tag++)
			for (lane = 0; lane < DOORS_LANES; lane++) {
				__u32 n = sizes[size];

				if (self->in.door == BY_PLAIN && (!n || tags[tag]))
					continue;
				for (i = 0; i < n; i++)
					out[i] = roll();
				m = message(.data = address(out), .length = n, .lane = lane,
					    .tag = tags[tag]);
				ASSERT_EQ(0, pass_in(&self->in, &m));
				if (self->in.door != BY_PLAIN)
					ASSERT_EQ(tickets[lane], m.ticket);
				memset(in, POISON, sizeof(in));
				m = message(.data = address(in), .length = sizeof(in));
				ASSERT_EQ(0, pass_out(&self->out, &m));
				ASSERT_EQ(n, m.length);
				ASSERT_EQ(0, memcmp(in, out, n));
				ASSERT_EQ((char)POISON, in[n]);
				if (self->out.door != BY_PLAIN) {
					ASSERT_EQ(0, m.flags);
					ASSERT_EQ(lane, m.lane);
					ASSERT_EQ(tags[tag], m.tag);
					ASSERT_EQ(tickets[lane], m.ticket);
					ASSERT_EQ(info_of(self->in.fd).endpoint, m.sender);
				}
				if (self->out.door == BY_IOCTL)
					ASSERT_EQ(getpid(), m.pid);
				tickets[lane]++;
			}
	EXPECT_EQ(0, info_of(self->in.fd).depth);
	EXPECT_EQ(info_of(self->in.fd).messages_sent, info_of(self->in.fd).messages_received);
	EXPECT_EQ(0, self->in.r.kicks + self->out.r.kicks);
}

TEST_F(doors, full_and_empty_are_eagain_and_order_is_kept)
{
	struct mailbox_message m;
	__u32 round, i;
	char byte;

	for (round = 0; round < 3 * DOORS_SLOTS; round++) {
		for (i = 0; i < DOORS_SLOTS; i++) {
			byte = i;
			m = message(.data = address(&byte), .length = 1);
			ASSERT_EQ(0, pass_in(&self->in, &m));
		}
		m = message(.data = address(&byte), .length = 1);
		ASSERT_EQ(-EAGAIN, pass_in(&self->in, &m));
		ASSERT_EQ(DOORS_SLOTS, info_of(self->in.fd).depth);
		for (i = 0; i < DOORS_SLOTS; i++) {
			m = message(.data = address(&byte), .length = 1);
			ASSERT_EQ(0, pass_out(&self->out, &m));
			ASSERT_EQ(i, byte);
		}
		m = message(.data = address(&byte), .length = 1);
		ASSERT_EQ(-EAGAIN, pass_out(&self->out, &m));
		ASSERT_EQ(0, info_of(self->in.fd).depth);
		/* One out of step. */
		m = message(.data = address(&byte), .length = 1);
		ASSERT_EQ(0, pass_in(&self->in, &m));
		m = message(.data = address(&byte), .length = 1);
		ASSERT_EQ(0, pass_out(&self->out, &m));
	}
}

TEST_F(doors, too_long_is_emsgsize_and_a_short_buffer_keeps_the_message)
{
	char bytes[DOORS_BYTES + 1] = "12345";
	struct mailbox_message m;

	m = message(.data = address(bytes), .length = DOORS_BYTES + 1);
	EXPECT_EQ(-EMSGSIZE, pass_in(&self->in, &m));
	m = message(.data = address(bytes), .length = 5);
	EXPECT_EQ(0, pass_in(&self->in, &m));
	m = message(.data = address(bytes), .length = 4);
	EXPECT_EQ(-EMSGSIZE, pass_out(&self->out, &m));
	if (self->out.door != BY_PLAIN)
		EXPECT_EQ(5, m.length);
	m = message(.data = address(bytes), .length = 5);
	EXPECT_EQ(0, pass_out(&self->out, &m));
	EXPECT_EQ(0, info_of(self->in.fd).depth);
}

TEST_F(doors, highest_lane_first)
{
	struct mailbox_message m;
	__u32 lane;
	char byte;

	for (lane = 0; lane < DOORS_LANES; lane++) {
		byte = lane;
		m = message(.data = address(&byte), .length = 1, .lane = lane);
		ASSERT_EQ(0, pass_in(&self->in, &m));
	}
	for (lane = DOORS_LANES; lane--;) {
		m = message(.data = address(&byte), .length = 1);
		ASSERT_EQ(0, pass_out(&self->out, &m));
		EXPECT_EQ(lane, byte);
	}
}

TEST(one_lane_is_first_in_first_out_whatever_the_doors)
{
	struct side sides[3];
	__u32 sent = 0, received = 0;
	struct mailbox_message m;
	const char *name = port_name("mixed");
	__u32 i, value;
	long ret;

	seed_from("MAP_SEED");
	for (i = 0; i < 3; i++) {
		sides[i].door = i;
		sides[i].fd = i ? open_port(name, O_RDWR | O_NONBLOCK) :
			      create(name, .flags = MAILBOX_AUTODELETE, .capacity = 8,
				     .message_size = 64, .open_flags = O_RDWR | O_NONBLOCK);
		ASSERT_LE(0, sides[i].fd);
		ASSERT_EQ(0, ring_map(&sides[i].r, sides[i].fd));
	}
	while (received < 20000) {
		if (one_in(2)) {
			m = message(.data = address(&sent), .length = 4);
			ret = pass_in(&sides[below(3)], &m);
			ASSERT_EQ(sent - received == 8 ? -EAGAIN : 0, ret);
			sent += !ret;
		} else {
			m = message(.data = address(&value), .length = 4);
			ret = pass_out(&sides[below(3)], &m);
			ASSERT_EQ(sent == received ? -EAGAIN : 0, ret);
			if (!ret)
				ASSERT_EQ(received++, value);
		}
	}
	EXPECT_EQ(sent, info_of(sides[0].fd).messages_sent);
	EXPECT_EQ(received, info_of(sides[0].fd).messages_received);
}

/* The lane's own hint moves on, so that who comes late starts near. */
TEST(hint_follows_messages_that_the_kernel_never_sees)
{
	int fd = create(NULL, .capacity = 4096, .message_size = 8);
	struct mailbox_info info = info_of(fd);
	struct ring r;
	__u64 n, value;

	ASSERT_EQ(0, ring_map(&r, fd));
	for (n = 0; n < 200000; n++) {
		ASSERT_EQ(0, ring_send(&r, 0, &n, sizeof(n)));
		ASSERT_EQ(8, ring_receive(&r, &value, sizeof(value)));
		ASSERT_EQ(n, value);
	}
	EXPECT_LE(196608, r.shared->lane[0].hint);
	EXPECT_EQ(0, r.kicks);
	ASSERT_EQ(8, put(fd, &n, sizeof(n)));
	ASSERT_EQ(8, get(fd, &value, sizeof(value)));
	EXPECT_EQ(n, value);
	EXPECT_EQ(n + 1, info_of(fd).messages_sent);
	EXPECT_EQ(n + 1, info_of(fd).messages_received);
	EXPECT_EQ(info.bytes, info_of(fd).bytes);
}

/* Waking. */

TEST_F(ring, nobody_is_kicked_when_nobody_waits)
{
	int i;

	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, self->r.shared->receivers.word);
		EXPECT_EQ(0, self->r.shared->senders.word);
		EXPECT_WORKING();
	}
	EXPECT_EQ(0, self->r.kicks);
}

TEST_F(ring, reader_asleep_is_woken_by_a_mapped_send)
{
	pid_t pid = reader(self->peer);

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(1, self->r.shared->receivers.word & MAILBOX_WAITERS_SLEEPERS);
	EXPECT_EQ(0, ring_send_text(&self->r, 2, "x"));
	EXPECT_EQ('x', reap(pid));
	EXPECT_EQ(1, self->r.kicks);
	EXPECT_EQ(0, self->r.shared->receivers.word);
}

TEST_F(ring, receive_asleep_is_woken_by_a_mapped_send)
{
	pid_t pid = receiver(self->peer);

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, ring_send_text(&self->r, 2, "x"));
	EXPECT_EQ('x', reap(pid));
	EXPECT_EQ(1, self->r.kicks);
}

TEST_F(ring, reader_of_the_same_endpoint_is_woken_by_its_mapping)
{
	pid_t pid = reader(self->fd);

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, ring_send_text(&self->r, 2, "x"));
	EXPECT_EQ('x', reap(pid));
}

TEST_F(ring, writer_asleep_is_woken_by_a_mapped_receive)
{
	pid_t pid;

	ASSERT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = writer(self->peer, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	EXPECT_EQ(1, self->r.shared->senders.word & MAILBOX_WAITERS_SLEEPERS);
	EXPECT_RING_MESSAGE("fill");
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, self->r.kicks);
	EXPECT_EQ(0, self->r.shared->senders.word);
	EXPECT_RING_MESSAGE("fill");
	EXPECT_RING_MESSAGE("fill");
	EXPECT_RING_MESSAGE("fill");
	EXPECT_RING_MESSAGE("last");
}

TEST_F(ring, send_asleep_is_woken_by_a_mapped_receive)
{
	pid_t pid;

	ASSERT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = sender(self->peer, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	EXPECT_RING_MESSAGE("fill");
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, self->r.kicks);
}

TEST_F(ring, sender_asleep_is_woken_by_a_mapped_discard)
{
	__u64 position;
	pid_t pid;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	ASSERT_EQ(SLOTS - 1, fill_lane(self->peer, 0));
	pid = writer(self->peer, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ring_discard(&self->r, 0, position);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(SLOTS, info_of(self->fd).messages_sent);
	EXPECT_EQ(SLOTS, info_of(self->fd).depth);
}

TEST_F(ring, receiver_asleep_behind_a_mapped_claim_is_woken_by_its_discard)
{
	__u64 position;
	pid_t pid;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	ASSERT_EQ(1, put_text(self->peer, "y"));
	pid = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ring_discard(&self->r, 0, position);
	EXPECT_EQ('y', reap(pid));
}

/* One kick for two messages: who is woken wakes the next. */
TEST_F(ring, one_kick_wakes_as_many_as_there_are_messages)
{
	__u64 first, second;
	pid_t a = reader(self->peer), b;

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	b = receiver(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	EXPECT_EQ(2, self->r.shared->receivers.word & MAILBOX_WAITERS_SLEEPERS);
	ASSERT_EQ(0, ring_claim(&self->r, 0, &first));
	ASSERT_EQ(0, ring_claim(&self->r, 0, &second));
	ring_fill(&self->r, 0, first, "x", 1, 0);
	ring_fill(&self->r, 0, second, "x", 1, 0);
	mailbox_slot_publish(&self->r.lane[0], first, self->r.owner);
	mailbox_slot_publish(&self->r.lane[0], second, self->r.owner);
	EXPECT_EQ(0, ring_kick(&self->r, 1, 0));
	EXPECT_EQ('x', reap(a));
	EXPECT_EQ('x', reap(b));
}

TEST_F(ring, mapped_receiver_wakes_the_next)
{
	struct ring_taken t;
	__u64 first, second;
	pid_t pid;

	pid = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	ASSERT_EQ(0, ring_claim(&self->r, 0, &first));
	ASSERT_EQ(0, ring_claim(&self->r, 0, &second));
	ring_fill(&self->r, 0, first, "x", 1, 0);
	ring_fill(&self->r, 0, second, "y", 1, 0);
	mailbox_slot_publish(&self->r.lane[0], first, self->r.owner);
	mailbox_slot_publish(&self->r.lane[0], second, self->r.owner);
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t));
	EXPECT_EQ('y', reap(pid));
	ring_release(&self->r, &t);
}

TEST_F(ring, mapped_sender_wakes_the_next)
{
	struct ring_taken t[2];
	__u64 position;
	pid_t pid;

	ASSERT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = writer(self->peer, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_write));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t[0]));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t[1]));
	mailbox_slot_release(&self->r.lane[0], t[0].position);
	mailbox_slot_release(&self->r.lane[0], t[1].position);
	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	EXPECT_EQ(0, reap(pid));
	ring_discard(&self->r, 0, position);
}

/* A sleeper waits for lanes, and a kick is for lanes. */
TEST_F(ring, kick_is_for_those_who_wait_for_its_lanes)
{
	pid_t low, high;

	ASSERT_EQ(0, set_lanes(self->peer, 1, 0));
	low = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, set_lanes(self->fd, 2, 0));
	high = receiver(self->fd);
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	EXPECT_EQ(0, ring_send_text(&self->r, 1, "h"));
	EXPECT_EQ('h', reap(high));
	EXPECT_EQ(1, info_of(self->fd).waiting_receivers);
	EXPECT_EQ(0, ring_send_text(&self->r, 0, "l"));
	EXPECT_EQ('l', reap(low));
}

TEST_F(port, kick_wants_both_directions)
{
	EXPECT_EQ(-EBADF, kick(self->rx, 1, 1));
	EXPECT_EQ(-EBADF, kick(self->tx, 1, 1));
	EXPECT_EQ(0, kick(self->both, 1, 1));	/* mapped or not */
	EXPECT_EQ(0, kick(self->both, 0, 0));
	EXPECT_EQ(0, kick(self->both, ~0U, ~0U));
}

TEST_F(port, kick_with_wrong_size_or_padding_is_einval)
{
	struct mailbox_kick arg = { .size = sizeof(arg), .receivers = 1, .pad = 1 };

	EXPECT_EQ(-EINVAL, result(ioctl(self->both, MAILBOX_IOC_KICK, &arg)));
	arg.pad = 0;
	arg.size = sizeof(arg) - 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->both, MAILBOX_IOC_KICK, &arg)));
	arg.size = 0;
	EXPECT_EQ(-EINVAL, result(ioctl(self->both, MAILBOX_IOC_KICK, &arg)));
}

TEST_F(ring, kicks_for_nothing_are_harmless)
{
	pid_t in = reader(self->peer), out;
	int i, filled;

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	filled = fill_lane(self->fd, 3);	/* the reader takes one of these, or of the next */
	EXPECT_EQ('f', reap(in));
	ASSERT_EQ(SLOTS + 1, filled + fill_lane(self->fd, 3));
	out = writer(self->peer, "zero");
	EXPECT_EQ(0, reap(out));
	ASSERT_EQ(0, set_lanes(self->peer, 2, 3));
	in = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	out = sender(self->peer, "last");
	EXPECT_EQ(0, reap(out));
	ASSERT_EQ(SLOTS - 2, fill_lane(self->fd, 0));
	out = writer(self->peer, "late");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(0, kick(self->fd, ~0U, ~0U));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_TRUE(wait_senders(self->fd, 1));
	EXPECT_EQ(0, ring_send_text(&self->r, 1, "x"));
	EXPECT_EQ('x', reap(in));
	EXPECT_RING_MESSAGE("fill");
	EXPECT_EQ(0, reap(out));
}

/* Pollers. */

FIXTURE(watch)
{
	int fd;
	struct ring r;
};

#define WATCH_SLOTS	128

FIXTURE_SETUP(watch)
{
	self->fd = create(NULL, .message_size = 48, .capacity = WATCH_SLOTS);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ring_map(&self->r, self->fd));
}

FIXTURE_TEARDOWN(watch)
{
	close(self->fd);
}

static int epoll_on(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	return ep;
}

static int epoll_soon(int ep)
{
	struct epoll_event event;

	return epoll_wait(ep, &event, 1, PATIENCE_NS / 1000000);
}

static int epoll_now(int ep)
{
	struct epoll_event event;

	return epoll_wait(ep, &event, 1, 0);
}

TEST_F(watch, poll_asleep_is_woken_by_a_mapped_send)
{
	struct pollfd p = { self->fd, POLLIN };
	pid_t pid = spawn();

	if (!pid)
		leave(poll(&p, 1, -1) == 1 && p.revents == POLLIN ? 0 : 1);
	ASSERT_TRUE(sleeps_in(pid, SYS_poll));
	EXPECT_NE(0, self->r.shared->receivers.word);
	EXPECT_EQ(0, self->r.shared->receivers.word & MAILBOX_WAITERS_SLEEPERS);
	EXPECT_EQ(0, ring_send_text(&self->r, 0, "x"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, self->r.kicks);
}

TEST_F(watch, poll_asleep_is_woken_by_a_mapped_receive)
{
	struct pollfd p = { self->fd, POLLOUT };
	char text[48];
	pid_t pid;

	ASSERT_EQ(WATCH_SLOTS, fill_lane(self->fd, 0));
	pid = spawn();
	if (!pid)
		leave(poll(&p, 1, -1) == 1 && p.revents == POLLOUT ? 0 : 1);
	ASSERT_TRUE(sleeps_in(pid, SYS_poll));
	EXPECT_NE(0, self->r.shared->senders.word);
	EXPECT_EQ(4, ring_receive(&self->r, text, sizeof(text)));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, self->r.kicks);
}

#define EXPECT_DRAINED() do {						\
	char __text[48];						\
									\
	while (ring_receive(&self->r, __text, sizeof(__text)) >= 0)	\
		;							\
} while (0)

TEST_F(watch, epoll_of_every_kind_sees_mapped_sends)
{
	static const __u32 kinds[] = { 0, EPOLLET, EPOLLEXCLUSIVE, EPOLLEXCLUSIVE | EPOLLET };
	int i, round, ep;

	for (i = 0; i < 4; i++) {
		ep = epoll_on(self->fd, EPOLLIN | kinds[i]);
		for (round = 0; round < 10; round++) {
			self->r.kicks = 0;
			EXPECT_EQ(0, epoll_now(ep));
			EXPECT_NE(0, self->r.shared->receivers.word);
			EXPECT_EQ(0, ring_send_text(&self->r, 0, "x"));
			EXPECT_EQ(1, self->r.kicks);
			EXPECT_EQ(1, epoll_soon(ep));
			EXPECT_DRAINED();
			EXPECT_EQ(0, epoll_now(ep));
		}
		close(ep);
		EXPECT_EQ(0, kick(self->fd, 1, 1));	/* what the last one armed */
	}
}

TEST_F(watch, epoll_of_every_kind_sees_mapped_receives)
{
	static const __u32 kinds[] = { 0, EPOLLET, EPOLLEXCLUSIVE, EPOLLEXCLUSIVE | EPOLLET };
	char text[48];
	int i, round, ep;

	ASSERT_EQ(WATCH_SLOTS, fill_lane(self->fd, 0));
	for (i = 0; i < 4; i++) {
		ep = epoll_on(self->fd, EPOLLOUT | kinds[i]);
		for (round = 0; round < 10; round++) {
			self->r.kicks = 0;
			EXPECT_EQ(0, epoll_now(ep));
			EXPECT_NE(0, self->r.shared->senders.word);
			EXPECT_EQ(4, ring_receive(&self->r, text, sizeof(text)));
			EXPECT_EQ(1, self->r.kicks);
			EXPECT_EQ(1, epoll_soon(ep));
			EXPECT_EQ(0, ring_send_text(&self->r, 0, "fill"));
			EXPECT_EQ(0, epoll_now(ep));
		}
		close(ep);
	}
}

TEST_F(watch, one_kick_for_a_hundred_messages_between_two_looks)
{
	static const __u32 kinds[] = { 0, EPOLLET };
	int i, n, ep;

	for (i = 0; i < 2; i++) {
		ep = epoll_on(self->fd, EPOLLIN | kinds[i]);
		EXPECT_EQ(0, epoll_now(ep));
		self->r.kicks = 0;
		for (n = 0; n < 100; n++)
			EXPECT_EQ(0, ring_send_text(&self->r, 0, "x"));
		EXPECT_EQ(1, self->r.kicks);
		EXPECT_EQ(1, epoll_soon(ep));
		EXPECT_DRAINED();
		EXPECT_GE(2, self->r.kicks);
		self->r.kicks = 0;
		for (n = 0; n < 100; n++) {
			EXPECT_EQ(0, ring_send_text(&self->r, 0, "x"));
			EXPECT_DRAINED();
		}
		EXPECT_GE(1, self->r.kicks);	/* at most what the look armed */
		EXPECT_EQ(0, self->r.shared->receivers.word);
		close(ep);
	}
}

TEST_F(watch, message_that_was_there_before_the_registration_is_seen)
{
	static const __u32 kinds[] = { 0, EPOLLET, EPOLLEXCLUSIVE };
	struct pollfd p = { self->fd, POLLIN };
	int i, ep;

	EXPECT_EQ(0, ring_send_text(&self->r, 0, "x"));
	EXPECT_EQ(0, self->r.kicks);
	for (i = 0; i < 3; i++) {
		ep = epoll_on(self->fd, EPOLLIN | kinds[i]);
		EXPECT_EQ(1, epoll_now(ep));
		close(ep);
	}
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
}

TEST_F(watch, sigio_is_shown_and_sent)
{
	struct ring *r = &self->r;

	catch_signal(SIGIO, SA_RESTART);
	ASSERT_EQ(0, fcntl(self->fd, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_ASYNC));
	EXPECT_NE(0, r->shared->receivers.word);
	EXPECT_NE(0, r->shared->senders.word);
	EXPECT_EQ(0, ring_send_text(r, 0, "x"));
	EXPECT_TRUE(wait_until(signals_seen >= 1));
	EXPECT_EQ(1, r->kicks);
	EXPECT_EQ(0, ring_send_text(r, 0, "x"));
	EXPECT_TRUE(wait_until(signals_seen >= 2));
	EXPECT_DRAINED();
	EXPECT_TRUE(wait_until(signals_seen >= 4));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, 0));
	EXPECT_EQ(0, r->shared->receivers.word);
	EXPECT_EQ(0, r->shared->senders.word);
}

/* Nobody who maps a port writes these words; if one does, it is not believed. */
TEST_F(ring, waiter_words_are_told_not_asked)
{
	pid_t pid = reader(self->peer);

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	self->r.shared->receivers.word = 0;
	self->r.shared->senders.word = ~0ULL;
	EXPECT_EQ(1, info_of(self->fd).waiting_receivers);
	EXPECT_EQ(0, info_of(self->fd).waiting_senders);
	EXPECT_EQ(0, info_of(self->fd).state);
	EXPECT_EQ(1, put_text(self->fd, "x"));
	EXPECT_EQ('x', reap(pid));
	EXPECT_EQ(SLOTS, fill_lane(self->fd, 0));
}

/* Delete. */

TEST_F(ring, delete_is_seen_in_both_waiter_words)
{
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(MAILBOX_WAITERS_CLOSED, self->r.shared->receivers.word);
	EXPECT_EQ(MAILBOX_WAITERS_CLOSED, self->r.shared->senders.word);
}

TEST_F(ring, deleted_port_can_be_mapped_by_who_has_it_open)
{
	struct ring late;

	ASSERT_EQ(1, put_text(self->peer, "x"));
	ASSERT_EQ(0, delete_port(self->name, 0));
	ASSERT_EQ(0, ring_map(&late, self->peer));
	EXPECT_EQ(MAILBOX_WAITERS_CLOSED, late.shared->senders.word);
	EXPECT_EQ(-EIDRM, ring_send_text(&late, 0, "late"));
	EXPECT_RING_MESSAGE("x");
}

TEST_F(ring, mapped_sender_gives_up_after_a_delete)
{
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, ring_send_text(&self->r, 0, "late"));
	EXPECT_EQ(-EIDRM, put_text(self->fd, "late"));
	EXPECT_EQ(0, info_of(self->fd).messages_sent);
	EXPECT_EQ(0, info_of(self->fd).depth);
	EXPECT_EQ(-EIDRM, receive_until(self->fd, NULL, 0, MAILBOX_FOREVER));
}

TEST_F(ring, mapped_receiver_drains_a_deleted_port)
{
	char text[BYTES];

	ASSERT_EQ(3, put_text(self->peer, "one"));
	ASSERT_EQ(0, ring_send_text(&self->r, 0, "two"));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_RING_MESSAGE("one");
	EXPECT_RING_MESSAGE("two");
	EXPECT_EQ(-EAGAIN, ring_receive(&self->r, text, BYTES));
	EXPECT_EQ(-EIDRM, receive_until(self->fd, text, BYTES, MAILBOX_FOREVER));
}

TEST_F(ring, receiver_of_a_deleted_port_waits_for_what_a_mapping_holds)
{
	struct ring_taken t;
	pid_t pid;

	ASSERT_EQ(1, put_text(self->peer, "x"));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t));
	pid = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EAGAIN, receive_until(self->fd, NULL, 0, MAILBOX_NO_WAIT));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	ring_release(&self->r, &t);
	EXPECT_EQ(-EIDRM, reap(pid));
}

TEST_F(ring, receiver_of_a_deleted_port_gets_what_a_mapping_departed_with)
{
	struct ring_taken t;
	pid_t a, b;

	ASSERT_EQ(1, put_text(self->peer, "x"));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t));
	a = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	b = receiver(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 2));
	ASSERT_EQ(0, delete_port(self->name, 0));
	ASSERT_EQ(0, ring_unmap(&self->r));
	EXPECT_EQ('x' - EIDRM, reap(a) + reap(b));
}

TEST_F(ring, receiver_of_a_deleted_port_waits_for_what_a_mapping_writes)
{
	__u64 position;
	pid_t pid;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	pid = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, 0));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	ring_fill(&self->r, 0, position, "x", 1, 0);
	ring_publish(&self->r, 0, position);
	EXPECT_EQ('x', reap(pid));
	EXPECT_EQ(-EIDRM, receive_until(self->peer, NULL, 0, MAILBOX_FOREVER));
}

TEST_F(ring, receiver_of_a_deleted_port_is_told_when_a_mapping_gives_up)
{
	__u64 position;
	pid_t pid;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	pid = reader(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, 0));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	ring_discard(&self->r, 0, position);
	EXPECT_EQ(-EIDRM, reap(pid));
}

TEST_F(ring, receiver_of_a_deleted_port_is_told_when_a_writing_mapping_departs)
{
	__u64 position;
	pid_t pid;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	pid = receiver(self->peer);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, ring_unmap(&self->r));
	EXPECT_EQ(-EIDRM, reap(pid));
}

TEST_F(ring, senders_asleep_are_told_of_the_end)
{
	pid_t pid;

	ASSERT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = writer(self->peer, "late");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
}

TEST_F(ring, purge_leaves_what_a_mapping_holds)
{
	struct ring_taken t;

	ASSERT_EQ(3, put_text(self->peer, "one"));
	ASSERT_EQ(3, put_text(self->peer, "two"));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t));
	ASSERT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(1, info_of(self->fd).messages_dropped);
	EXPECT_EQ(0, memcmp(t.payload, "one", 3));
	EXPECT_EQ(-EAGAIN, receive_until(self->peer, NULL, 0, MAILBOX_NO_WAIT));
	ring_release(&self->r, &t);
	EXPECT_EQ(-EIDRM, receive_until(self->peer, NULL, 0, MAILBOX_FOREVER));
	EXPECT_EQ(1, info_of(self->fd).messages_received);
}

TEST_F(ring, poll_of_a_deleted_port_is_told_when_a_mapping_lets_go)
{
	struct ring_taken t;
	int ep;

	ASSERT_EQ(1, put_text(self->peer, "x"));
	ASSERT_EQ(0, ring_take(&self->r, 0, BYTES, &t));
	ASSERT_EQ(0, delete_port(self->name, 0));
	ep = epoll_on(self->peer, EPOLLIN | EPOLLET);
	EXPECT_EQ(0, epoll_now(ep));
	ring_release(&self->r, &t);
	EXPECT_EQ(1, epoll_soon(ep));
}

/* Departure. */

enum way { UNMAP, EXEC, EXIT, KILL, CLOSE, FORKED, THREAD };

/**
 * struct partner - a mapped participant in a process of its own
 * @pid: of it
 * @heir: of a child of its that has the descriptor, or 0
 * @ready: it has done what it was to do
 * @go: it shall depart
 * @gone: munmap() has returned
 */
struct partner {
	pid_t pid;
	volatile pid_t heir;
	volatile int ready;
	volatile int go;
	volatile int gone;
	long ret;
};

static void __attribute__((noreturn)) depart(struct partner *p, struct ring *r, enum way way)
{
	static char *const arguments[] = { "map", NULL };
	static char *const after[] = { "MAP_AFTER_EXEC=1", NULL };

	pid_t heir;

	switch (way) {
	case FORKED:
		heir = fork();
		if (!heir) {
			alarm(PATIENCE_NS / 1000000000);
			pause();
		}
		p->heir = heir;
		_exit(0);
	case EXIT:
		_exit(0);
	case KILL:
	case THREAD:
		kill(getpid(), SIGKILL);
		break;
	case EXEC:
		fcntl(r->fd, F_SETFD, 0);
		execve("/proc/self/exe", arguments, after);
		_exit(1);
	case CLOSE:
		close(r->fd);
		break;
	case UNMAP:
		break;
	}
	if (ring_unmap(r))
		_exit(2);
	p->gone = 1;
	for (;;)
		pause();
}

static void *depart_in_a_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* A partner that has done @act; NULL if that failed. */
static struct partner *partner(const char *name, enum way way, long (*act)(struct ring *r))
{
	struct partner *p = shared_pages(1);
	pthread_t thread;
	struct ring r;
	pid_t pid;
	int fd;

	pid = spawn();
	if (!pid) {
		fd = open_port(name, O_RDWR);
		p->ret = fd < 0 ? fd : ring_map(&r, fd);
		if (way == THREAD)
			pthread_create(&thread, NULL, depart_in_a_thread, NULL);
		if (!p->ret)
			p->ret = act(&r);
		p->ready = 1;
		while (!p->go)
			breathe();
		depart(p, &r, way);
	}
	p->pid = pid;
	return wait_until(p->ready) && !p->ret ? p : NULL;
}

static void clear_away(struct partner *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	if (p->heir > 0)
		kill(p->heir, SIGKILL);
}

static long claim_one(struct ring *r)
{
	__u64 position;

	return ring_claim(r, 0, &position);
}

static long take_one(struct ring *r)
{
	struct ring_taken t;

	return ring_take(r, 0, BYTES, &t);
}

/* The middle one of three. */
static long take_another(struct ring *r)
{
	r->receive[0]++;
	return take_one(r);
}

static long claim_and_take(struct ring *r)
{
	return take_one(r) ?: claim_one(r);
}

static long hold_all_lanes(struct ring *r)
{
	struct ring_taken t;
	__u64 position;
	__u32 n;
	long ret = 0;

	for (n = 0; n < r->lanes && !ret; n++) {
		ret = ring_take(r, n, BYTES, &t);
		if (!ret)
			ret = ring_claim(r, n, &position);
	}
	return ret;
}

static long publish_one_without_a_kick(struct ring *r)
{
	__u64 position;
	long ret = ring_claim(r, 0, &position);

	if (!ret) {
		ring_fill(r, 0, position, "x", 1, 0);
		mailbox_slot_publish(&r->lane[0], position, r->owner);
	}
	return ret;
}

static long release_one_without_a_kick(struct ring *r)
{
	struct ring_taken t;
	long ret = ring_take(r, 0, BYTES, &t);

	if (!ret)
		mailbox_slot_release(&r->lane[0], t.position);
	return ret;
}

FIXTURE(departure)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
	struct partner *p;
};

FIXTURE_VARIANT(departure)
{
	enum way way;
};

FIXTURE_VARIANT_ADD(departure, by_munmap) { .way = UNMAP };
FIXTURE_VARIANT_ADD(departure, by_exec) { .way = EXEC };
FIXTURE_VARIANT_ADD(departure, by_exit) { .way = EXIT };
FIXTURE_VARIANT_ADD(departure, by_sigkill) { .way = KILL };
FIXTURE_VARIANT_ADD(departure, by_sigkill_with_threads) { .way = THREAD };
FIXTURE_VARIANT_ADD(departure, by_munmap_after_close) { .way = CLOSE };
FIXTURE_VARIANT_ADD(departure, by_exit_while_a_child_has_the_descriptor) { .way = FORKED };

FIXTURE_SETUP(departure)
{
	self->p = NULL;
	strcpy(self->name, port_name("gone"));
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = BYTES, .capacity = SLOTS, .lanes = LANES);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(departure)
{
	if (self->p)
		clear_away(self->p);
	close(self->fd);
}

#define PARTNER(act) do {						\
	self->p = partner(self->name, variant->way, act);		\
	ASSERT_NE(NULL, self->p);					\
	ASSERT_EQ(1, info_of(self->fd).mappings);			\
} while (0)

#define EXPECT_DEPARTURE() do {						\
	self->p->go = 1;						\
	ASSERT_TRUE(wait_until(info_of(self->fd).mappings == 0));	\
} while (0)

/* The message at hand, how often somebody departed with it, and its number. */
#define EXPECT_AGAIN(text, times, number) do {				\
	char __text[BYTES + 1] = "";					\
	struct mailbox_message __m = message(.data = address(__text), .length = BYTES); \
									\
	ASSERT_EQ(0, receive_message(self->fd, &__m));			\
	EXPECT_STREQ(text, __text);					\
	EXPECT_EQ((times) ? MAILBOX_MSG_REDELIVERED |			\
			    (__u32)(times) << MAILBOX_MSG_DEPARTED_SHIFT : 0, __m.flags); \
	EXPECT_EQ(number, __m.ticket);					\
	EXPECT_EQ(info_of(self->fd).endpoint, __m.sender);		\
} while (0)

TEST_F(departure, gives_the_mapping_back)
{
	bool stays;

	PARTNER(claim_one);
	EXPECT_EQ(2, info_of(self->fd).endpoints);
	EXPECT_DEPARTURE();
	stays = variant->way == UNMAP || variant->way == EXEC || variant->way == FORKED;
	EXPECT_TRUE(wait_until(info_of(self->fd).endpoints == 1 + stays));
	EXPECT_EQ(0, info_of(self->fd).messages_sent);
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

TEST_F(departure, what_was_claimed_is_void)
{
	PARTNER(claim_one);
	ASSERT_EQ(4, put_text(self->fd, "next"));
	EXPECT_NO_MESSAGE(self->fd);
	EXPECT_DEPARTURE();
	EXPECT_AGAIN("next", 0, 1);
	EXPECT_EQ(1, info_of(self->fd).messages_sent);
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

TEST_F(departure, what_was_taken_comes_again_before_anything_else)
{
	ASSERT_EQ(3, put_text(self->fd, "one"));
	ASSERT_EQ(3, put_text(self->fd, "two"));
	PARTNER(take_one);
	ASSERT_EQ(5, put_text(self->fd, "three"));
	EXPECT_DEPARTURE();
	EXPECT_EQ(3, info_of(self->fd).depth);
	EXPECT_AGAIN("one", 1, 0);
	EXPECT_AGAIN("two", 0, 1);
	EXPECT_AGAIN("three", 0, 2);
	EXPECT_EQ(1, info_of(self->fd).redelivered);
	EXPECT_EQ(3, info_of(self->fd).messages_received);
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

TEST_F(departure, what_was_taken_out_of_the_middle_comes_again)
{
	ASSERT_EQ(3, put_text(self->fd, "one"));
	ASSERT_EQ(3, put_text(self->fd, "two"));
	ASSERT_EQ(5, put_text(self->fd, "three"));
	PARTNER(take_another);
	EXPECT_AGAIN("one", 0, 0);
	EXPECT_DEPARTURE();
	EXPECT_AGAIN("two", 1, 1);
	EXPECT_AGAIN("three", 0, 2);
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

TEST_F(departure, repairs_every_lane)
{
	__u32 n;

	for (n = 0; n < LANES; n++)
		ASSERT_EQ(0, send_on(self->fd, n, "one"));
	PARTNER(hold_all_lanes);
	for (n = 0; n < LANES; n++)
		ASSERT_EQ(0, send_on(self->fd, n, "two"));
	EXPECT_DEPARTURE();
	EXPECT_EQ(LANES, info_of(self->fd).redelivered);
	for (n = LANES; n--;) {
		EXPECT_AGAIN("one", 1, 0);
		EXPECT_AGAIN("two", 0, 2);
	}
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

TEST_F(departure, wakes_a_receiver_asleep_behind_a_claim)
{
	pid_t pid;

	PARTNER(claim_one);
	ASSERT_EQ(1, put_text(self->fd, "x"));
	pid = reader(self->fd);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_DEPARTURE();
	EXPECT_EQ('x', reap(pid));
}

TEST_F(departure, wakes_a_receiver_asleep_beside_a_taken_message)
{
	pid_t pid;

	ASSERT_EQ(1, put_text(self->fd, "x"));
	PARTNER(take_one);
	pid = receiver(self->fd);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_ioctl));
	EXPECT_DEPARTURE();
	EXPECT_EQ('x', reap(pid));
}

TEST_F(departure, wakes_a_sender_that_may_claim_over_the_void)
{
	pid_t pid;

	PARTNER(claim_one);
	ASSERT_EQ(SLOTS - 1, fill_lane(self->fd, 0));
	pid = writer(self->fd, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_write));
	EXPECT_DEPARTURE();
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(SLOTS, info_of(self->fd).depth);
}

TEST_F(departure, wakes_a_receiver_of_what_was_published_but_not_kicked)
{
	pid_t pid = reader(self->fd);

	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_read));
	PARTNER(publish_one_without_a_kick);
	EXPECT_EQ(1, info_of(self->fd).waiting_receivers);
	EXPECT_DEPARTURE();
	EXPECT_EQ('x', reap(pid));
}

TEST_F(departure, wakes_a_sender_for_what_was_released_but_not_kicked)
{
	pid_t pid;

	ASSERT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = sender(self->fd, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ASSERT_TRUE(sleeps_in(pid, SYS_ioctl));
	PARTNER(release_one_without_a_kick);
	EXPECT_EQ(1, info_of(self->fd).waiting_senders);
	EXPECT_DEPARTURE();
	EXPECT_EQ(0, reap(pid));
}

TEST_F(departure, wakes_pollers)
{
	int in, out;

	PARTNER(claim_one);
	ASSERT_EQ(SLOTS - 1, fill_lane(self->fd, 0));
	in = epoll_on(self->fd, EPOLLIN | EPOLLET);
	out = epoll_on(self->fd, EPOLLOUT | EPOLLET);
	EXPECT_EQ(0, epoll_now(in));
	EXPECT_EQ(0, epoll_now(out));
	EXPECT_DEPARTURE();
	EXPECT_EQ(1, epoll_soon(in));
	EXPECT_EQ(1, epoll_soon(out));
}

TEST_F(departure, leaves_the_claims_and_messages_of_others)
{
	struct ring_taken t;
	struct ring r;
	__u64 position;

	ASSERT_EQ(0, ring_map(&r, self->fd));
	ASSERT_EQ(3, put_text(self->fd, "one"));
	ASSERT_EQ(3, put_text(self->fd, "two"));
	ASSERT_EQ(0, ring_take(&r, 0, BYTES, &t));
	ASSERT_EQ(0, ring_claim(&r, 0, &position));
	self->p = partner(self->name, variant->way, claim_and_take);
	ASSERT_NE(NULL, self->p);
	self->p->go = 1;
	ASSERT_TRUE(wait_until(info_of(self->fd).mappings == 1));
	EXPECT_EQ(1, info_of(self->fd).redelivered);
	EXPECT_EQ(0, memcmp(t.payload, "one", 3));
	EXPECT_AGAIN("two", 1, 1);
	EXPECT_NO_MESSAGE(self->fd);
	ring_fill(&r, 0, position, "mine", 4, 0);
	ring_publish(&r, 0, position);
	ring_release(&r, &t);
	EXPECT_AGAIN("mine", 0, position);
	ASSERT_EQ(0, ring_unmap(&r));
	EXPECT_EQ(1, info_of(self->fd).redelivered);
	EXPECT_ALL_SLOTS_USABLE(self->fd);
}

/* What is parked comes first, so mapped receivers ask the kernel. */
TEST_F(ring, parked_message_is_received_by_system_call)
{
	struct mailbox_message m;
	struct ring_taken t;
	struct ring other;
	char text[BYTES] = "";

	ASSERT_EQ(0, ring_map(&other, self->peer));
	ASSERT_EQ(0, ring_send_text(&self->r, 0, "one"));
	ASSERT_EQ(0, ring_send_text(&self->r, 0, "two"));
	ASSERT_EQ(0, ring_take(&other, 0, BYTES, &t));
	ASSERT_EQ(0, ring_unmap(&other));
	EXPECT_EQ(1, self->r.shared->lane[0].parked);
	EXPECT_EQ(RING_PARKED, ring_take(&self->r, 0, BYTES, &t));
	m = message(.data = address(text), .length = BYTES);
	ASSERT_EQ(0, ring_receive_message(&self->r, &m));
	EXPECT_STREQ("one", text);
	EXPECT_EQ(MAILBOX_MSG_REDELIVERED | 1U << MAILBOX_MSG_DEPARTED_SHIFT, m.flags);
	EXPECT_EQ(0, self->r.shared->lane[0].parked);
	EXPECT_RING_MESSAGE("two");
}

/* The count ends where its bits do; a participant's own word for it is as good. */
TEST_F(ring, departures_are_counted_up_to_255)
{
	struct mailbox_message m;
	struct mailbox_slot *slot;
	struct ring_taken t;
	struct ring other;
	char text[BYTES];
	__u64 position;
	int given;

	for (given = 0; given < 256; given += 85) {
		ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
		ring_fill(&self->r, 0, position, "x", 1, 0);
		slot = mailbox_lane_slot(&self->r.lane[0], position);
		slot->header += given * MAILBOX_SLOT_DEPARTED;
		ring_publish(&self->r, 0, position);
		ASSERT_EQ(0, ring_map(&other, self->peer));
		ASSERT_EQ(0, ring_take(&other, 0, BYTES, &t));
		ASSERT_EQ(0, ring_unmap(&other));
		m = message(.data = address(text), .length = BYTES);
		ASSERT_EQ(0, receive_message(self->peer, &m));
		EXPECT_EQ(1, m.length);
		EXPECT_EQ(info_of(self->fd).endpoint, m.sender);
		EXPECT_EQ(MAILBOX_MSG_REDELIVERED, m.flags & 0xffffff);
		EXPECT_EQ(given < 255 ? given + 1 : 255, m.flags >> MAILBOX_MSG_DEPARTED_SHIFT);
	}
}

TEST_F(ring, who_sent_it_is_known_after_its_departure)
{
	struct mailbox_message m;
	char text[BYTES];
	pid_t pid = spawn();

	if (!pid) {
		int fd = open_port(self->name, O_RDWR);
		struct ring r;

		if (ring_map(&r, fd) || ring_send_text(&r, 0, "x"))
			leave(1);
		leave(0);
	}
	ASSERT_EQ(0, reap(pid));
	m = message(.data = address(text), .length = BYTES);
	ASSERT_EQ(0, receive_message(self->peer, &m));
	EXPECT_EQ(0, m.flags);
	EXPECT_EQ(pid, m.pid);
}

TEST_F(ring, departure_leaves_a_call_on_the_same_endpoint_asleep)
{
	pid_t in, out;

	in = reader(self->fd);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, set_lanes(self->fd, 1, 3));
	ASSERT_EQ(SLOTS, fill_lane(self->fd, 3));
	out = writer(self->fd, "last");
	ASSERT_TRUE(wait_senders(self->fd, 1));
	ASSERT_EQ(0, ring_unmap(&self->r));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_TRUE(wait_senders(self->fd, 1));
	EXPECT_EQ(0, send_on(self->peer, 0, "x"));
	EXPECT_EQ('x', reap(in));
	EXPECT_MESSAGE("fill", self->peer);
	EXPECT_EQ(0, reap(out));
}

/* Messages so long that a departure finds a call in the middle of them. */
static void *calls_without_end(void *arg)
{
	int fd = *(int *)arg;
	static char bytes[1 << 20];
	long *calls = malloc(sizeof(*calls));

	*calls = 0;
	for (;;) {
		if (put(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			break;
		if (get(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			break;
		(*calls)++;
	}
	return calls;
}

TEST(departure_leaves_calls_on_the_same_endpoint_alone)
{
	const char *name = port_name("calls");
	int fd = create(name, .message_size = 1 << 20, .capacity = 2), i;
	struct mailbox_info info;
	pthread_t thread;
	struct ring r;
	long *calls;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, calls_without_end, &fd));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, ring_map(&r, fd));
		ASSERT_EQ(0, ring_unmap(&r));
	}
	ASSERT_EQ(0, delete_port(name, 0));
	pthread_join(thread, (void **)&calls);
	info = info_of(fd);
	EXPECT_LT(0, *calls);
	EXPECT_EQ(0, info.redelivered);
	EXPECT_EQ(0, info.quarantined);
	EXPECT_LE(*calls, info.messages_received);
	EXPECT_GE(*calls + 1, info.messages_sent);
	EXPECT_EQ(info.messages_sent, info.messages_received + info.depth);
}

/* Many of every kind. */

#define MIXED_WORKERS	12
#define MIXED_MAX	(1U << 20)

struct mixed {
	__u32 ids;
	__u32 there;		/* workers that have begun */
	struct complaints complaints;
	__u8 seen[MIXED_MAX];
};

static struct mixed *mixed;

struct mixed_message {
	__u32 id;
	__u32 from;
	__u32 turn;
	__u32 check;
};

static long mixed_send(struct ring *r, bool mapped, struct mixed_message *body)
{
	struct mailbox_message m = message(.data = address(body), .length = sizeof(*body),
					   .lane = below(r->lanes));
	__u32 lane = m.lane;
	long ret = -EAGAIN;

	m.tag = one_in(4) ? body->id : 0;
	if (mapped)
		ret = ring_send_message(r, &m);
	if (ret == -EAGAIN) {
		m.deadline = MAILBOX_FOREVER;
		ret = send_message(r->fd, &m);
	}
	return ret ? ret : lane;
}

static void mixed_producer(struct ring *r, bool mapped, __u32 self_number, __u32 messages)
{
	struct mixed_message body = { .from = self_number };

	while ((body.id = __atomic_fetch_add(&mixed->ids, 1, __ATOMIC_SEQ_CST)) < messages) {
		body.check = body.id * 2654435761U;
		body.turn++;
		if (mixed_send(r, mapped, &body) < 0)
			complain("a send failed: %d", errno);
	}
}

static void mixed_consumer(struct ring *r, bool mapped)
{
	__u32 last[MIXED_WORKERS][LANES] = { 0 };

	for (;;) {
		struct mixed_message body = { 0 };
		struct mailbox_message m = message(.data = address(&body), .length = sizeof(body));
		long ret = -EAGAIN;

		if (mapped)
			ret = ring_receive_message(r, &m);
		if (ret == -EAGAIN) {
			m = message(.data = address(&body), .length = sizeof(body),
				    .deadline = MAILBOX_FOREVER);
			ret = receive_message(r->fd, &m);
		}
		if (ret == -EIDRM)
			_exit(0);
		if (ret || m.length != sizeof(body) || body.check != body.id * 2654435761U ||
		    body.from >= MIXED_WORKERS || body.id >= MIXED_MAX) {
			complain("received %ld, %u bytes, message %u", ret, m.length, body.id);
			_exit(1);
		}
		if (m.flags & MAILBOX_MSG_REDELIVERED)
			complain("message %u is said to come again", body.id);
		if (__atomic_fetch_add(&mixed->seen[body.id], 1, __ATOMIC_SEQ_CST))
			complain("message %u came twice", body.id);
		if (body.turn <= last[body.from][m.lane])
			complain("message %u of %u came after %u", body.turn, body.from,
				 last[body.from][m.lane]);
		last[body.from][m.lane] = body.turn;
	}
}

/* Workers 0.. send, the others receive; odd ones by mapping, even ones by call. */
static void mixed_worker(const char *name, __u32 number, __u32 producers, __u32 messages)
{
	int fd = open_port(name, O_RDWR);
	bool mapped = number & 1;
	struct ring r = { .fd = fd, .lanes = info_of(fd).lanes };

	dice = dice * 31 + number + 1;
	if (mapped && ring_map(&r, fd))
		_exit(2);
	__atomic_fetch_add(&mixed->there, 1, __ATOMIC_SEQ_CST);
	if (number < producers)
		mixed_producer(&r, mapped, number, messages);
	else
		mixed_consumer(&r, mapped);
	_exit(0);
}

static void mixed_run(struct __test_metadata *_metadata, __u32 capacity, __u32 lanes,
		      __u32 producers)
{
	__u32 messages = number_from("MAP_MESSAGES", 3000 * effort()), i;
	const char *name = port_name("mixed");
	int fd = create(name, .message_size = 64, .capacity = capacity, .lanes = lanes);
	pid_t pid[MIXED_WORKERS];

	ASSERT_LE(0, fd);
	ASSERT_GE(MIXED_MAX, messages);
	mixed = shared_memory(sizeof(*mixed));
	complaints = &mixed->complaints;
	for (i = 0; i < MIXED_WORKERS; i++) {
		pid[i] = spawn();
		if (!pid[i])
			mixed_worker(name, i, producers, messages);
	}
	/* All take part, also who comes late. */
	ASSERT_TRUE(wait_until(__atomic_load_n(&mixed->there, __ATOMIC_SEQ_CST) == MIXED_WORKERS));
	for (i = 0; i < producers; i++)
		ASSERT_EQ(0, reap(pid[i])) {
			struct mailbox_info info = info_of(fd);

			say("depth %u, %u senders and %u receivers asleep, sent %llu, %u ids",
			    info.depth, info.waiting_senders, info.waiting_receivers,
			    info.messages_sent, mixed->ids);
		}
	/* The rest is received before anybody is told to end. */
	ASSERT_TRUE(wait_until(info_of(fd).messages_received == messages));
	ASSERT_EQ(0, delete_port(name, 0));
	for (; i < MIXED_WORKERS; i++)
		ASSERT_EQ(0, reap(pid[i]));
	ASSERT_NO_COMPLAINT();
	for (i = 0; i < messages; i++)
		ASSERT_EQ(1, mixed->seen[i]);
	EXPECT_EQ(messages, info_of(fd).messages_sent);
	EXPECT_EQ(0, info_of(fd).depth);
	munmap(mixed, sizeof(*mixed));
	close(fd);
}

TEST(mixed_producers_and_consumers_pass_each_message_once)
{
	seed_from("MAP_SEED");
	mixed_run(_metadata, 2, 1, 6);
	mixed_run(_metadata, 4, LANES, 6);
	mixed_run(_metadata, 64, 1, 6);
}

TEST(mixed_with_many_blocked_receivers)
{
	seed_from("MAP_SEED");
	mixed_run(_metadata, 8, 2, 2);
}

TEST(mixed_with_many_blocked_senders)
{
	seed_from("MAP_SEED");
	mixed_run(_metadata, 8, 2, 10);
}

/* The first half of the mapping's life: it is charged and counted like any port. */
TEST(nothing_is_left_behind)
{
	struct mailbox_query before = query(), after;
	int i;

	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, ended(
			int fd = create(NULL);
			struct ring r;
			__u64 position;

			if (ring_map(&r, fd) || ring_claim(&r, 0, &position))
				leave(1);
			leave(ring_send_text(&r, 0, "x"));
		));
	wait_until(query().ports == before.ports);
	after = query();
	EXPECT_EQ(before.ports, after.ports);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST_HARNESS_MAIN
