// SPDX-License-Identifier: GPL-2.0
/*
 * libmailbox, as a program uses it: mailbox_map(), mailbox_send() and the rest. There is
 * no module here, so a memfd that is laid out as the module does it stands for the port,
 * and the system calls that the library makes on a port end up below (the linker sees to
 * that). Where nobody sleeps, nobody is to be kicked either: the words that would say so
 * are 0. Where a receiver sleeps, which is in round trips alone, a futex is what he sleeps
 * on, and he makes himself known as the module does it.
 */
#include <errno.h>
#include <mailbox.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/mailbox_ring.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring-bench.h"

#define PORTS	4
#define PAGE	4096
#define HUGE_PAGE	(2ULL << 20)

struct port {
	int fd;
	struct mailbox_info info;
	struct mailbox_shared *shared;	/* the stand-in's own mapping */
	uint32_t *kicks;		/* so many have been, in memory of all processes */
	__u64 seen;			/* no message before this position is left */
	bool sleeps;
	struct mailbox *mb;
	struct mailbox_msg out[BATCH], in[BATCH];
};

static struct port *ports[PORTS];

static struct port *port_of(int fd)
{
	int i;

	for (i = 0; i < PORTS; i++)
		if (ports[i] && ports[i]->fd == fd)
			return ports[i];
	return NULL;
}

/* The kernel */

static bool empty(struct port *port)
{
	struct mailbox_lane lane = {
		.slots = (char *)port->shared + PAGE,
		.capacity = port->info.capacity,
		.stride = mailbox_slot_stride(port->info.message_size),
	};
	__u64 word;

	return mailbox_find_ready(&lane, &port->seen, &word) != MAILBOX_FIND_SLOT;
}

/* To be seen, then to look, then to sleep: as a receive in the module. One may at a time. */
static void sleep_until_kicked(struct port *port)
{
	__u64 *sleepers = &port->shared->receivers.word;
	uint32_t kicks = __atomic_load_n(port->kicks, __ATOMIC_ACQUIRE);

	__atomic_fetch_add(sleepers, 1, __ATOMIC_SEQ_CST);
	/* Who sends by plain stores has no barrier of his own. */
	if (port->info.flags & MAILBOX_DIRECT &&
	    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0))
		die("membarrier");
	if (empty(port))
		syscall(SYS_futex, port->kicks, FUTEX_WAIT, kicks, NULL, NULL, 0);
	__atomic_store_n(sleepers, 0, __ATOMIC_SEQ_CST);
}

static void kicked(struct port *port)
{
	if (!__atomic_exchange_n(&port->shared->receivers.word, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_fetch_add(port->kicks, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, port->kicks, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* What a receive that has slept says here, and all others: a signal has come, so to speak. */
static int interrupted(void)
{
	errno = EINTR;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct port *port = port_of(fd);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!port)
		die("ioctl: not on a port");
	if (request == MAILBOX_IOC_INFO) {
		memcpy(arg, &port->info, sizeof(port->info));
		return 0;
	}
	if (request == MAILBOX_IOC_END)
		return 0;
	if (request == MAILBOX_IOC_KICK) {
		if (!port->sleeps)
			die("MAILBOX_IOC_KICK, and nobody sleeps");
		kicked(port);
		return 0;
	}
	return interrupted();
}

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	struct port *port = port_of(fd);

	if (!port)
		return __real_read(fd, buf, size);
	if (port->sleeps)
		sleep_until_kicked(port);
	return interrupted();
}

ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	return port_of(fd) ? interrupted() : __real_write(fd, buf, size);
}

/* What mailbox_ring_init() of the module makes. */
static void lay_out(struct port *port, uint64_t page)
{
	struct mailbox_info *info = &port->info;
	struct mailbox_lane lane = {
		.capacity = info->capacity,
		.stride = mailbox_slot_stride(info->message_size),
	};
	struct mailbox_shared *shared;
	uint32_t p;

	info->map_bytes = PAGE + (uint64_t)lane.capacity * lane.stride;
	info->map_bytes = (info->map_bytes + page - 1) & ~(page - 1);
	if (ftruncate(port->fd, info->map_bytes))
		die("ftruncate");
	shared = mmap(NULL, info->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, port->fd, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	shared->version = MAILBOX_SHARED_VERSION;
	shared->lanes = 1;
	shared->capacity = lane.capacity;
	shared->stride = lane.stride;
	shared->message_size = info->message_size;
	shared->slots = PAGE;
	shared->bytes = info->map_bytes;
	lane.slots = (char *)shared + PAGE;
	for (p = 0; p < lane.capacity; p++)
		mailbox_lane_slot(&lane, p)->word = mailbox_word(p, 0, MAILBOX_PHASE_FREE);
	port->shared = shared;
}

static void *port_new(const struct shape *shape, uint32_t flags, bool huge)
{
	struct port *port = calloc(1, sizeof(*port));
	int n;

	if (!port)
		die("calloc");
	for (n = 0; ports[n]; n++)
		if (n == PORTS - 1)
			die("as many ports as that");
	port->fd = memfd_create("ring-bench", MFD_CLOEXEC | (huge ? MFD_HUGETLB : 0));
	if (port->fd < 0)
		die("memfd_create");
	port->info.size = sizeof(port->info);
	port->info.lanes = 1;
	port->info.capacity = shape->capacity;
	port->info.message_size = shape->size;
	port->info.receive_mask = ~0U;
	port->info.flags = flags;
	lay_out(port, huge ? HUGE_PAGE : PAGE);
	port->kicks = shared_memory(sizeof(*port->kicks));
	port->sleeps = shape->sleeps;
	ports[n] = port;
	return port;
}

static void *port_open(const struct shape *shape)
{
	return port_new(shape, 0, false);
}

/* Who holds which end is found out when it is used. */
static void *direct_open(const struct shape *shape)
{
	return port_new(shape, MAILBOX_DIRECT, false);
}

/* As if the module took huge pages: /proc/sys/vm/nr_hugepages says whether there are any. */
static void *huge_open(const struct shape *shape)
{
	return port_new(shape, 0, true);
}

static void port_join(void *q, int who)
{
	struct port *port = q;
	int err;

	if (port->sleeps && port->info.flags & MAILBOX_DIRECT &&
	    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0))
		die("membarrier");
	port->info.owner = who + 1;
	port->info.endpoint = who + 1;
	port->mb = mailbox_from_fd(port->fd);
	if (!port->mb)
		die("mailbox_from_fd");
	err = mailbox_map(port->mb);
	if (err) {
		errno = -err;
		die("mailbox_map");
	}
}

static void port_close(void *q)
{
	struct port *port = q;
	int n;

	for (n = 0; n < PORTS; n++)
		if (ports[n] == port)
			ports[n] = NULL;
	munmap(port->shared, port->info.map_bytes);
	munmap(port->kicks, sizeof(*port->kicks));
	close(port->fd);
	free(port);
}

/* The kernel would have slept, and given the processor to somebody else; or it has. */
static void unless_interrupted(const struct port *port, int err)
{
	if (err >= 0)
		return;
	if (err != -EINTR) {
		errno = -err;
		die("libmailbox");
	}
	if (!port->sleeps)
		sched_yield();
}

forced void port_put(void *q, void *buf, size_t size)
{
	struct port *port = q;
	int err;

	do {
		err = mailbox_send(port->mb, buf, size);
		unless_interrupted(port, err);
	} while (err);
}

forced void port_get(void *q, void *buf, size_t size)
{
	struct port *port = q;
	int got;

	do {
		got = mailbox_receive(port->mb, buf, size);
		unless_interrupted(port, got);
	} while (got < 0);
	if ((size_t)got != size)
		die("libmailbox: a message of another size");
}

forced unsigned int port_put_batch(void *q, void *buf, size_t size, unsigned int n)
{
	struct port *port = q;
	unsigned int done = 0, i;
	int got;

	for (i = 0; i < n; i++) {
		port->out[i].data = (char *)buf + i * size;
		port->out[i].length = size;
		port->out[i].lane = MAILBOX_LANE_DEFAULT;
	}
	do {
		got = mailbox_send_batch(port->mb, port->out + done, n - done, MAILBOX_FOREVER);
		unless_interrupted(port, got);
		if (got > 0)
			done += got;
	} while (done < n);
	return n;
}

forced unsigned int port_get_batch(void *q, void *buf, size_t size, unsigned int n)
{
	struct port *port = q;
	unsigned int i;
	int got;

	for (i = 0; i < n; i++) {
		port->in[i].data = (char *)buf + i * size;
		port->in[i].size = size;
	}
	do {
		got = mailbox_receive_batch(port->mb, port->in, n, MAILBOX_FOREVER);
		unless_interrupted(port, got);
	} while (got < 0);
	return got;
}

/* In place: nothing but the number is written, nothing but that is read. */
forced void in_place_put(void *q, void *buf, size_t size)
{
	struct mailbox_msg msg = { .lane = MAILBOX_LANE_DEFAULT };
	struct port *port = q;
	int err;

	do {
		err = mailbox_reserve(port->mb, &msg, MAILBOX_FOREVER);
		unless_interrupted(port, err);
	} while (err);
	*(uint64_t *)msg.data = number(buf);
	msg.length = size;
	unless_interrupted(port, mailbox_submit(port->mb, &msg));
}

forced void in_place_get(void *q, void *buf, size_t size)
{
	struct mailbox_msg msg = { 0 };
	struct port *port = q;
	int err;

	do {
		err = mailbox_peek(port->mb, &msg, MAILBOX_FOREVER);
		unless_interrupted(port, err);
	} while (err);
	if (msg.length != size)
		die("libmailbox: a message of another size");
	*(uint64_t *)buf = number(msg.data);
	unless_interrupted(port, mailbox_release(port->mb, &msg));
}

LOOPS(port)
LOOPS_BATCH(port)
LOOPS(in_place)

#ifndef BEFORE
uint64_t mailbox_in_turn(const struct shape *shape, unsigned int participants, uint64_t n,
			 uint64_t (*now)(void))
{
	struct port *first = port_open(shape), *all = calloc(participants, sizeof(*all));
	char *buf = buffer();
	uint64_t i, begin = 0;

	if (!all)
		die("calloc");
	for (i = 0; i < participants; i++) {
		all[i] = *first;
		port_join(&all[i], i);
	}
	/* In the first lap all of them find all pages. */
	for (i = 0; i < 2 * shape->capacity + n; i++) {
		struct port *port = &all[i % participants];

		if (i == 2 * shape->capacity)
			begin = now();
		*(uint64_t *)buf = i;
		port_put(port, buf, shape->size);
		port_get(port, buf, shape->size);
		if (number(buf) != i)
			die("not what was sent");
	}
	return now() - begin;
}
#endif

/* The same of another tree, to compare with. */
#ifdef BEFORE
#define OURS(name)	peer_before_##name
#define NAME		"before: "
#else
#define OURS(name)	peer_##name
#define NAME
#endif

const struct peer OURS(mailbox) = {
	.name = NAME "libmailbox",
	.can = PEER_MANY | PEER_POLLS | PEER_NAPS,
	.open = port_open,
	.join = port_join,
	.close = port_close,
	HAS_LOOPS(port),
	HAS_LOOPS_BATCH(port),
};

const struct peer OURS(mailbox_direct) = {
	.name = NAME "libmailbox direct",
	.can = PEER_POLLS | PEER_NAPS | PEER_DIRECT,
	.open = direct_open,
	.join = port_join,
	.close = port_close,
	HAS_LOOPS(port),
	HAS_LOOPS_BATCH(port),
};

const struct peer OURS(mailbox_huge) = {
	.name = NAME "libmailbox huge pages",
	.can = PEER_MANY | PEER_POLLS | PEER_HUGE,
	.open = huge_open,
	.join = port_join,
	.close = port_close,
	HAS_LOOPS(port),
	HAS_LOOPS_BATCH(port),
};

const struct peer OURS(mailbox_in_place) = {
	.name = NAME "libmailbox in place",
	.can = PEER_MANY | PEER_POLLS | PEER_IN_PLACE,
	.open = port_open,
	.join = port_join,
	.close = port_close,
	HAS_LOOPS(in_place),
};
