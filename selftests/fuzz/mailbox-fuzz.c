// SPDX-License-Identifier: GPL-2.0
/*
 * mailbox-fuzz [-s SEED] [-t SECONDS] [-n OPERATIONS] [-j THREADS] [-v] [-x]
 *
 * Random calls on the devices of mailbox, most of them nearly right, from the
 * threads of one process and of another that is killed every now and then. -v
 * prints how often each kind of call returned what, -x each operation before it
 * is made. FUZZ_SEED, FUZZ_SECONDS, FUZZ_OPERATIONS, FUZZ_THREADS and
 * FUZZ_VERBOSE in the environment are the defaults, for runners without arguments.
 *
 * What counts as broken, beside a crash and what the kernel's checkers say:
 *
 * - an errno that mailbox.h does not give for the call, an argument that it
 *   forbids and the call takes, an output out of range, memory touched that is
 *   not the call's;
 * - a message that is not what was sent, or a queue that behaves unlike the small
 *   model of one in do_model(), or tickets and leases unlike that in do_promise();
 * - a message received whose send failed or was taken back; a receipt that can be
 *   read twice, a lease that can be finished twice;
 * - a thread that does not come back from a call, though signals poke it;
 * - at the end of each round of 20 s, when everybody is gone: endpoints, sleepers,
 *   ports or charged memory that are left;
 * - in the end, a fresh port that does not work.
 *
 * A wake-up that is lost is not seen: signals would wake the sleeper.
 *
 * The random numbers of operation K of thread T depend on the seed, T and K alone:
 * each starts anew, whatever the calls before it returned, and each round starts
 * with new processes and ports. With -j 1 there is one thread, no second process
 * and no timer, so a run is repeated exactly by its seed, but for the moments when
 * a sleep ends. With more threads the operations are the same and their
 * interleaving is not.
 *
 * Descriptors live in slots, ranges of numbers by what they are. Threads open,
 * close and replace them under each other's feet, but a port's slot never holds
 * anything but a port: so what a call may return is known even then.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <linux/mailbox.h>

#define NODES		"/dev/mailbox"
#define CLASS		"/sys/class/mailbox"
#define PARAMETERS	"/sys/module/mailbox_dev/parameters"

#define NODE_PORTS	6U		/* names in use */
#define SOMEBODY	1000U		/* the user without privilege */
#define OVERFLOW_ID	65534U		/* an id that has no number in a user namespace */

/* So that a guest of 1 GiB is enough whatever is tried, and the limits are met. */
#define PORT_BYTES	(4UL << 20)
#define USER_BYTES	(3UL << 20)

/* Slots. */
#define CONTROL_SLOT	512
#define CONTROL_SLOTS	4
#define PORT_SLOT	520
#define PORT_SLOTS	24
#define EPOLL_SLOT	600
#define EPOLL_SLOTS	3
#define PIPE_SLOT	610		/* reading end, writing end */
#define SOCKET_SLOT	620		/* both ends of what passes descriptors */
#define FILES_MAX	1024
#define COMMON_PORTS	4		/* the first port slots: ports that both processes have */

#define THREADS_MAX	16
#define KILLED_THREADS	2		/* of the process that is killed */
#define RECORDS		(THREADS_MAX + KILLED_THREADS)

#define PAGE		4096UL
#define DESK_PAGES	6UL		/* of a thread, for structures */
#define BOX		(1UL << 20)	/* of a thread, to receive; of all, junk to send */
#define OUT		(64UL << 10)	/* of a thread, messages that are checked */
#define IMAGE		(PAGE + 256)	/* the largest structure tried */
#define CANARY		64U

#define STUCK_NS	60000000000ULL	/* nobody is slower to come back from a call */
#define GONE_NS		10000000000ULL	/* nor descriptors and memory of the dead to go */
#define ROUND_NS	20000000000ULL
#define NS_PER_MS	1000000ULL

#define ERRNOS		134
#define BROKEN_MAX	8

/* Kinds of operations, and how often of a thousand or so. */
#define KINDS(X)	\
	X(create, 45)	\
	X(open, 35)	\
	X(delete, 20)	\
	X(query, 10)	\
	X(evict, 8)	\
	X(holder, 15)	\
	X(send, 170)	\
	X(receive, 170)	\
	X(send_batch, 60) \
	X(receive_batch, 60) \
	X(peek, 50)	\
	X(receipt, 70)	\
	X(finish, 90)	\
	X(eventfd, 20)	\
	X(notify, 25)	\
	X(info, 25)	\
	X(set_lanes, 25) \
	X(kick, 12)	\
	X(exchange, 40)	\
	X(other_ioctl, 25) \
	X(open_control, 6) \
	X(open_node, 35) \
	X(reopen, 10)	\
	X(read, 70)	\
	X(write, 70)	\
	X(readv, 30)	\
	X(writev, 30)	\
	X(poll, 40)	\
	X(epoll_ctl, 30) \
	X(epoll_wait, 15) \
	X(fcntl, 30)	\
	X(lseek, 4)	\
	X(pread, 6)	\
	X(mmap, 12)	\
	X(dup, 12)	\
	X(close, 12)	\
	X(fdinfo, 6)	\
	X(sysfs_read, 10) \
	X(sysfs_write, 3) \
	X(node, 8)	\
	X(splice, 8)	\
	X(sendfile, 4)	\
	X(fork, 3)	\
	X(pass, 8)	\
	X(adopt, 10)	\
	X(become, 8)	\
	X(scribble, 10)	\
	X(model, 20)	\
	X(promise, 15)

#define KIND_ENUM(name, weight)	KIND_##name,
enum kind { KINDS(KIND_ENUM) KIND_MAX };

/* Random numbers: splitmix64. */

static __u64 scramble(__u64 z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __u64 random_next(__u64 *state)
{
	return scramble(*state += 0x9e3779b97f4a7c15ULL);
}

/* What is shared by all processes. */

/* What a thread is about; written by it alone. */
struct record {
	atomic_int pid;
	atomic_int tid;		/* 0: not running */
	atomic_ullong turn;		/* counts up with each operation; 0: between two */
	atomic_ullong operation;
	atomic_int kind;
	__u64 operations;
	__u32 count[KIND_MAX][ERRNOS];
};

/* What became of sends, by tag: two that share a place forget each other. */
#define BOOK		(1U << 16)

struct shared {
	atomic_bool stop;
	atomic_uint broken;
	char said[BROKEN_MAX][1024];
	atomic_ullong model_sends;
	atomic_ullong model_voids;
	atomic_ullong verified;
	atomic_ullong wrapped;
	atomic_ullong taken_back;
	atomic_ullong received[BOOK];	/* tags of messages that somebody received */
	atomic_ullong failed[BOOK];	/* tags of sends that failed */
	struct record record[RECORDS];
};

static struct shared *shared;
static unsigned char *junk;		/* what unchecked messages are made of */

static __u64 seed;
static unsigned int threads = 4;
static __u64 operations_max = ULLONG_MAX;
static bool verbose, trace;
static int control;			/* the control node, of all processes */
static __u64 port_bytes_max;		/* as set */
static __u64 magic;			/* begins the messages that can be checked */

/* A message that was sent for a receipt, or is leased. */
struct promise {
	int slot;
	__u32 lane;
	__u64 ticket;
};

#define PROMISES	8U
#define VECTORS		6U		/* of a batch */

/* A thread. */
static __thread struct {
	struct record *record;
	unsigned int number;
	__u64 random;
	__u64 window;			/* where the next goes; what follows is not mapped */
	unsigned char *desk;		/* structures */
	unsigned char *desk_ro;		/* the same memory */
	unsigned char *inbox;
	unsigned char *outbox;
	struct mailbox_receipt *slip;	/* the end of a page, as are the next four */
	struct mailbox_finish *end;
	struct mailbox_message *pair;	/* two */
	struct mailbox_vector *vectors;
	struct mailbox_detail *details;
	timer_t timer;
	struct promise sent[PROMISES];
	struct promise leased[PROMISES];
	__u64 notice;			/* the last that was registered */
	sigjmp_buf elsewhere;		/* where to go on if a touch of a mapping fails */
	volatile bool touching;
} me;

static const char *const kind_names[] = {
#define KIND_NAME(name, weight)	#name,
	KINDS(KIND_NAME)
};

static __u64 now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static __u64 draw(void)
{
	return random_next(&me.random);
}

static __u32 below(__u32 n)
{
	return n ? (draw() >> 32) * n >> 32 : 0;
}

static bool chance(__u32 percent)
{
	return below(100) < percent;
}

#define PICK(first, ...) ({						\
	static const __typeof__(first) __of[] = { (first), __VA_ARGS__ };	\
									\
	__of[below(sizeof(__of) / sizeof(*__of))];			\
})

/* Something is wrong: keep what, and end the run. */
static void __attribute__((format(printf, 1, 2))) broken(const char *format, ...)
{
	unsigned int n = atomic_fetch_add(&shared->broken, 1);
	char *said = shared->said[n];
	va_list args;
	int length = 0;

	atomic_store(&shared->stop, true);
	if (n >= BROKEN_MAX)
		return;
	if (me.record)
		length = snprintf(said, sizeof(shared->said[n]), "thread %u operation %llu %s: ",
				  me.number, (unsigned long long)me.record->operation,
				  kind_names[me.record->kind]);
	va_start(args, format);
	vsnprintf(said + length, sizeof(shared->said[n]) - length, format, args);
	va_end(args);
}

/* Counts what a call returned. */
static long count(enum kind kind, long ret)
{
	me.record->count[kind][ret >= 0 ? 0 : -ret < ERRNOS ? -ret : ERRNOS - 1]++;
	return ret;
}

/* The errors of each call, as in mailbox.h; EMFILE and EBADF are those of any descriptor. */
#define ERRORS_STRUCT	EFAULT, EINVAL, E2BIG, EBADF
#define ERRORS_SLEEP	EAGAIN, EINTR, ETIMEDOUT
#define ERRORS_JOIN	EACCES, ENOSPC, ENOMEM, EMFILE, EBUSY, EPERM
/* Of direct ports, as are the last two above. */
#define ERRORS_PEER	EBUSY, EPIPE, ECONNRESET
#define ERRORS_IO	ERRORS_PEER, EAGAIN, EINTR, EIDRM, EMSGSIZE, EFAULT, EBADF

static const short errors[KIND_MAX][20] = {
	[KIND_create] = { ERRORS_STRUCT, ERRORS_JOIN, EDQUOT, EEXIST, ESRCH, ENOENT, EMSGSIZE,
			  EOPNOTSUPP },
	[KIND_open] = { ERRORS_STRUCT, ERRORS_JOIN, ENOENT },
	[KIND_delete] = { ERRORS_STRUCT, ENOENT, EPERM },
	[KIND_query] = { ERRORS_STRUCT },
	[KIND_evict] = { ERRORS_STRUCT, ENOENT, EPERM, ESRCH, EINTR },
	[KIND_holder] = { ERRORS_STRUCT, ENOENT, EACCES, ESRCH },
	[KIND_send] = { ERRORS_STRUCT, ERRORS_SLEEP, ERRORS_PEER, EIDRM, EMSGSIZE, ENOTCONN,
			ESHUTDOWN, EINPROGRESS, ENOMEM, EOPNOTSUPP },
	[KIND_receive] = { ERRORS_STRUCT, ERRORS_SLEEP, ERRORS_PEER, EIDRM, EMSGSIZE, ENOTCONN,
			   ESHUTDOWN, EREMOTE, ENOMEM, ESTALE, EOPNOTSUPP },
	[KIND_send_batch] = { ERRORS_STRUCT, ERRORS_SLEEP, ERRORS_PEER, EIDRM, EMSGSIZE,
			      EOPNOTSUPP },
	[KIND_receive_batch] = { ERRORS_STRUCT, ERRORS_SLEEP, ERRORS_PEER, EIDRM, EMSGSIZE,
				 EOPNOTSUPP },
	[KIND_notify] = { ERRORS_STRUCT, EOPNOTSUPP, EBUSY, ENOMEM, ECANCELED, EINTR },
	[KIND_peek] = { ERRORS_STRUCT, ERRORS_PEER, EAGAIN, EINTR, EIDRM, EMSGSIZE },
	[KIND_receipt] = { ERRORS_STRUCT, ERRORS_SLEEP, EIDRM, EMSGSIZE, ESTALE, EPIPE },
	[KIND_finish] = { ERRORS_STRUCT, EMSGSIZE, ESTALE, EOPNOTSUPP, EPIPE, ENOMEM },
	[KIND_eventfd] = { ERRORS_STRUCT },
	[KIND_info] = { ERRORS_STRUCT },
	[KIND_set_lanes] = { ERRORS_STRUCT },
	[KIND_kick] = { ERRORS_STRUCT },
	[KIND_exchange] = { ERRORS_STRUCT, ERRORS_SLEEP, ERRORS_PEER, EIDRM, EMSGSIZE },
	/* ELOOP, ENOTDIR and EINVAL are what the flags of open() may ask for. */
	[KIND_open_node] = { ERRORS_JOIN, ENOENT, ENXIO, ELOOP, ENOTDIR, EINVAL },
	[KIND_reopen] = { ERRORS_JOIN, ENOENT, ENXIO, ELOOP, ENOTDIR, EINVAL },
	[KIND_read] = { ERRORS_IO },
	[KIND_write] = { ERRORS_IO, EINVAL },
	/* EINVAL is for the vector, EOPNOTSUPP for the flags. */
	[KIND_readv] = { ERRORS_IO, EINVAL, EOPNOTSUPP },
	[KIND_writev] = { ERRORS_IO, EINVAL, EOPNOTSUPP },
	[KIND_lseek] = { ESPIPE, EBADF, EINVAL },
	[KIND_pread] = { ESPIPE, EBADF, EINVAL, EFAULT },
};

/* The same, and judges it. */
static long check(enum kind kind, long ret)
{
	unsigned int i;

	count(kind, ret);
	if (ret >= 0)
		return ret;
	for (i = 0; i < sizeof(errors[kind]) / sizeof(errors[kind][0]) && errors[kind][i]; i++)
		if (-ret == errors[kind][i])
			return ret;
	broken("errno %s is none of this call's", strerrorname_np(-ret));
	return ret;
}

/* Memory. */

static void *map(size_t bytes, int prot, int flags, int fd)
{
	void *p = mmap(NULL, bytes, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "# mmap: %s\n", strerror(errno));
		_exit(1);
	}
	return p;
}

/*
 * Whatever the kernel is pointed at lies in a window of 4 GiB, one for each thread and one for
 * all. A pointer whose lower half was changed points into the same window, and so to memory that
 * is there for this or to none; one whose upper half was changed, to none. So the fuzzer's own
 * books and stacks, which are elsewhere, are out of reach of a kernel that does as it is told.
 */
#define WINDOW(n)	((0x5a00ULL + (n)) << 32 | 0x80000000)
#define COMMON_WINDOW	RECORDS

static void *map_window(__u64 *window, size_t bytes, int prot, int flags, int fd)
{
	void *at = (void *)(uintptr_t)*window;
	void *p = mmap(at, bytes, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (p != at) {
		fprintf(stderr, "# mmap: %s\n", strerror(errno));
		_exit(1);
	}
	*window += ((bytes + PAGE - 1) & ~(PAGE - 1)) + PAGE;
	return p;
}

static void *map_private(size_t bytes)
{
	return map_window(&me.window, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1);
}

/* Up to the end of a page. */
static void *map_end(size_t bytes)
{
	return (char *)map_private(PAGE) + PAGE - bytes;
}

/* Addresses that are nobody's, or the kernel's. */
static void *odd_address(void)
{
	__u64 base = PICK(0ULL, 0ULL, 1ULL, 8ULL, 0xfff8ULL, 0x7fffffffeff8ULL, 0x7ffffffffff8ULL,
			     0x800000000000ULL, 0x8000000000000000ULL, 0xffff888000000000ULL,
			     0xffffc90000000000ULL, 0xffffffff81000000ULL, 0xfffffffffffffff8ULL,
			     0xffffffffffffffffULL);

	return (void *)(uintptr_t)base;
}

/* A structure on its way to the kernel: the longest, and what is behind it zero or not. */
struct image {
	unsigned char bytes[IMAGE] __attribute__((aligned(8)));
	size_t known;			/* sizeof the structure */
	bool mutated;
};

/* Where it stands. */
struct place {
	unsigned char *user;
	unsigned char *memory;		/* what can be written of it, by us */
	size_t room;			/* how much */
	bool sound;			/* all of it is there, and nobody else's */
};

static __u32 odd_u32(void)
{
	switch (below(8)) {
	case 0:
		return draw();
	case 1:
		return 1U << below(32);
	case 2:
		return (1U << below(32)) - 1;
	case 3:
		return below(256);
	default:
		return PICK(0U, 1U, 2U, 3U, 7U, 8U, 31U, 32U, 33U, 63U, 64U, 65U, 72U, 80U, 127U,
			    4095U, 4096U, 4097U, 65535U, 65536U, 0x7fffffffU, 0x80000000U,
			    0xfffffffeU, 0xffffffffU, 0x01000000U, 0x01000001U);
	}
}

static struct image *image_of(struct image *im, size_t known)
{
	memset(im->bytes, 0, known);
	*(__u32 *)im->bytes = known;
	im->known = known;
	im->mutated = false;
	return im;
}

/* Most stay as they are; of the others a few members change, or the size and the tail. */
static void mutate(struct image *im, __u32 percent)
{
	unsigned int n = 0;
	__u32 *size = (__u32 *)im->bytes;

	if (chance(percent)) {
		for (n = 1 + below(3); n; n--) {
			size_t at = 4 * below(im->known / 4);

			if (chance(25))
				at &= ~7UL;
			*(__u32 *)(im->bytes + at) = odd_u32();
		}
		im->mutated = true;
	}
	if (chance(5)) {
		*size = PICK(0U, 1U, 4U, 8U, 4095U, 4096U, 4097U, 0x7fffffffU, 0xffffffffU);
		im->mutated = true;
	} else if (chance(5)) {
		*size = im->known + 4 * below(20);
		im->mutated = true;
	}
	if (*size != im->known) {
		memset(im->bytes + im->known, 0, IMAGE - im->known);
		if (chance(40))
			im->bytes[im->known + below(IMAGE - im->known)] = odd_u32();
	}
}

/* How many bytes of it the kernel may look at. */
static size_t image_size(const struct image *im)
{
	return *(__u32 *)im->bytes == im->known ? im->known : IMAGE;
}

static struct place place_at(size_t offset, size_t size)
{
	struct place p = {
		.user = me.desk + offset, .memory = me.desk + offset, .room = size, .sound = true,
	};

	return p;
}

#define DESK	(DESK_PAGES * PAGE)

/* @alone: not in the memory that all threads share. */
static struct place choose_place(size_t size, bool alone)
{
	struct place p;

	switch (below(50)) {
	case 0:				/* the end is not there */
		p = place_at(DESK - below(size), 0);
		p.room = me.desk + DESK - p.user;
		p.sound = false;
		return p;
	case 1:				/* cannot be written */
		p = place_at(8 * below((DESK - size) / 8), size);
		p.user = me.desk_ro + (p.memory - me.desk);
		p.sound = false;
		return p;
	case 2:
		p = (struct place) { .user = odd_address() };
		return p;
	case 3:
		if (alone)
			break;
		p = place_at(0, size);
		p.user = junk + 8 * below((BOX - size) / 8);
		p.memory = p.user;
		p.sound = false;
		return p;
	case 4 ... 6:			/* the very end */
		return place_at(DESK - size, size);
	case 7 ... 8:			/* on two pages */
		return place_at(PAGE - 8 * (1 + below(size > 64 ? 8 : 1)), size);
	case 9 ... 10:
		return place_at(below(DESK - size), size);
	}
	return place_at(8 * below((DESK - size) / 8), size);
}

static void put_image(const struct image *im, const struct place *p)
{
	memcpy(p->memory, im->bytes, p->room < image_size(im) ? p->room : image_size(im));
	/* Its pages have to be found anew: the kernel's copies without page faults fail. */
	if (chance(8))
		madvise(me.desk, DESK, MADV_DONTNEED);
}

/* A size member that may be accepted, with a tail that may. */
static bool size_good(const struct image *im)
{
	__u32 size = *(const __u32 *)im->bytes;
	size_t i;

	if (size < im->known || size > PAGE)
		return false;
	for (i = im->known; i < size; i++)
		if (im->bytes[i])
			return false;
	return true;
}

/* A success that the header forbids. */
static void judge(long ret, const struct place *p, bool good, const char *what)
{
	if (ret >= 0 && p->sound && !good)
		broken("succeeded with %s", what);
}

/* Names. */

static void node_name(char *name, __u32 n)
{
	snprintf(name, MAILBOX_NAME_SIZE, "fz-%u", n);
}

static void pick_name(char *name, bool may_be_empty)
{
	static const char *const odd[] = {
		"control", ".", "..", ".fz", "fz/0", "fz 0", "fz\n", "fz\200", "", "fz%s", "fz-0 ",
		"fz!0", "-", "_", "0",
	};

	memset(name, 0, MAILBOX_NAME_SIZE);
	switch (below(may_be_empty ? 24 : 16)) {
	case 0:
		strcpy(name, odd[below(sizeof(odd) / sizeof(*odd))]);
		break;
	case 1:
		memset(name, 'z', MAILBOX_NAME_SIZE - below(3));
		break;
	case 2:
		node_name(name, below(NODE_PORTS));
		name[MAILBOX_NAME_SIZE - 1 - below(8)] = draw();
		break;
	default:
		node_name(name, below(NODE_PORTS));
		break;
	case 16 ... 23:
		break;
	}
}

static bool name_good(const char *name)
{
	size_t length = strnlen(name, MAILBOX_NAME_SIZE), i;

	if (!length || length > MAILBOX_NAME_MAX || name[0] == '.' || !strcmp(name, "control"))
		return false;
	for (i = 0; i < length; i++)
		if ((name[i] & 0x80) || (!isalnum(name[i]) && !strchr("._-", name[i])))
			return false;
	for (; i < MAILBOX_NAME_SIZE; i++)
		if (name[i])
			return false;
	return true;
}

static bool open_flags_good(__u32 flags)
{
	return !(flags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC)) && (flags & O_ACCMODE) != O_ACCMODE;
}

static __u32 pick_open_flags(void)
{
	return PICK(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY) |
	       (chance(60) ? O_NONBLOCK : 0) | (chance(50) ? O_CLOEXEC : 0);
}

static const char *node_path(char *path, size_t size)
{
	snprintf(path, size, NODES "/fz-%u", below(NODE_PORTS));
	return path;
}

/* Descriptors. */

static int control_slot(void)
{
	return CONTROL_SLOT + below(CONTROL_SLOTS);
}

static int port_slot(void)
{
	return PORT_SLOT + below(PORT_SLOTS);
}

static int epoll_slot(void)
{
	return EPOLL_SLOT + below(EPOLL_SLOTS);
}

/* Puts a fresh descriptor into a slot, over what is there. */
static void settle(int fd, int slot)
{
	if (fd < 0)
		return;
	/* The ports that both processes have are to stay. */
	if (slot >= PORT_SLOT + COMMON_PORTS || slot < PORT_SLOT || chance(5))
		dup3(fd, slot, below(2) ? O_CLOEXEC : 0);
	close(fd);
}

/*
 * A port to call: the descriptor in a slot, which may change at any moment, or
 * one that is our own, and then what is fixed of its port is known.
 */
struct target {
	int fd;
	int slot;
	bool own;
	bool known;			/* the next three */
	bool reads;
	bool writes;
	struct mailbox_info info;
};

static void drop_target(const struct target *t)
{
	if (t->own)
		close(t->fd);
}

static struct target look_at(int slot)
{
	struct target t = { .fd = result(fcntl(slot, F_DUPFD_CLOEXEC, 0)), .slot = slot };
	int flags, access;

	if (t.fd < 0)
		return t;
	t.own = true;
	t.info.size = sizeof(t.info);
	flags = fcntl(t.fd, F_GETFL);
	access = flags & O_ACCMODE;	/* O_ACCMODE itself stands for neither */
	t.reads = !(flags & O_PATH) && (access == O_RDONLY || access == O_RDWR);
	t.writes = !(flags & O_PATH) && (access == O_WRONLY || access == O_RDWR);
	t.known = !ioctl(t.fd, MAILBOX_IOC_INFO, &t.info);
	if (!t.known && !(flags & O_PATH))
		broken("MAILBOX_IOC_INFO of an open port: %s", strerrorname_np(errno));
	return t;
}

/* A port to begin or to end with. */
static int make(const char *name, __u32 flags, __u32 lanes, __u32 limit)
{
	struct mailbox_create c = {
		.size = sizeof(c), .flags = flags, .message_size = 256, .capacity = 4,
		.lanes = lanes, .limit = limit, .mode = 0666, .open_flags = O_RDWR | O_NONBLOCK,
	};

	strcpy(c.name, name);
	return ioctl(control, MAILBOX_IOC_CREATE, &c) ? -errno : c.fd;
}

#define DROP	(MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST)

static __u32 pick_policy(void)
{
	return chance(20) ? PICK(MAILBOX_DROP_NEWEST, MAILBOX_DROP_OLDEST) : 0;
}

/* Another port instead of one that is gone. */
static void refill(int slot)
{
	char name[MAILBOX_NAME_SIZE];
	__u32 flags = chance(20) ? MAILBOX_AUTODELETE : 0;
	__u32 limit = chance(20) ? 1 + below(4) : 0;

	node_name(name, below(NODE_PORTS));
	flags |= limit ? MAILBOX_SEALED : pick_policy();
	settle(make(name, flags, 1 + below(4), limit), slot);
}

enum direction { ANY, READS, WRITES };

/* Most often one that a call of that direction may succeed on. */
static struct target pick_target(enum direction direction)
{
	struct target t = { .fd = port_slot() };
	bool own = chance(70), may_fail = chance(20);
	int tries = 3, slot = t.fd;

	t.slot = slot;
	if (!own)
		return t;
	for (;; slot = port_slot(), drop_target(&t)) {
		t = look_at(slot);
		if (may_fail || !--tries)
			return t;
		if (!t.known || t.info.state == MAILBOX_STATE_DELETED) {
			if (chance(60))
				refill(slot);
		} else if (direction == ANY || (direction == READS ? t.reads : t.writes)) {
			return t;
		}
	}
}

/* A direction that the descriptor is open for never gives EBADF, the other one always. */
static void judge_direction(const struct target *t, long ret, bool open)
{
	if (!t->known)
		return;
	if (open && ret == -EBADF)
		broken("EBADF, though the descriptor is open for that");
	if (!open && ret >= 0)
		broken("succeeded on a descriptor that is not open for that");
}

/* Messages that can be checked: who reads one knows what must be in it. */

struct sealed {
	__u64 magic;
	__u32 length;
	__u32 salt;
	unsigned char bytes[];
};

static void fill_bytes(unsigned char *bytes, size_t n, __u32 salt)
{
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = (salt + 7 * i) ^ i >> 8;
}

/* Its header, if there is room for one. */
static void seal(void *data, size_t length)
{
	struct sealed *s = data;

	if (length < sizeof(*s)) {
		memset(data, 0x5a, length);
		return;
	}
	s->magic = magic;
	s->length = length;
	s->salt = draw();
	fill_bytes(s->bytes, length - sizeof(*s), s->salt);
}

/* @have: how many of its bytes. */
static void check_sealed(const void *data, size_t have, size_t length)
{
	const struct sealed *s = data;
	size_t i;

	if (have < sizeof(*s) || s->magic != magic)
		return;
	atomic_fetch_add_explicit(&shared->verified, 1, memory_order_relaxed);
	if (s->length != length) {
		broken("a message of %u bytes arrived with %zu", s->length, length);
		return;
	}
	for (i = 0; i < have - sizeof(*s); i++) {
		if (s->bytes[i] != (unsigned char)((s->salt + 7 * i) ^ i >> 8)) {
			broken("byte %zu of %zu is not what was sent", i + sizeof(*s), length);
			return;
		}
	}
}

static size_t pick_length(const struct target *t)
{
	size_t most = t->known ? t->info.message_size : PICK(16U, 64U, 64U, 256U, 256U, 4096U);

	switch (below(16)) {
	case 0:
		return most;
	case 1:
		return most + 1;
	case 2:
		return below(2);
	case 3:
		return 60 + below(10);	/* where the kernel goes from words to copies */
	}
	return most ? below(most < 2048 ? most + 1 : chance(5) ? most : 2048) : 0;
}

/* Memory to send from, of which no message can be checked: never one that was sealed. */
static void *pick_source(size_t length)
{
	switch (below(10)) {
	case 0:
		return odd_address();
	case 1:				/* the end is not there */
		return junk + BOX - below(length + 1);
	}
	return junk + (length < BOX ? below(BOX - length) : 0);
}

static void *sealed_source(size_t length)
{
	unsigned char *data = me.outbox;

	if (length > OUT)
		return pick_source(length);
	if (chance(30))
		data += OUT - length;
	seal(data, length);
	if (chance(5))			/* then it is zeros, which cannot be checked */
		madvise(me.outbox, OUT, MADV_DONTNEED);
	return data;
}

/* Room for a message. */
struct room {
	unsigned char *data;
	size_t size;
	bool sound;
	bool canary;			/* behind it */
};

static struct room pick_room(const struct target *t)
{
	struct room r = { .sound = true };

	r.size = t->known && chance(80) ? t->info.message_size :
		 PICK(0U, 1U, 8U, 16U, 64U, 64U, 256U, 256U, 4096U, 65536U);
	if (r.size > BOX - CANARY)
		r.size = BOX - CANARY;
	switch (below(12)) {
	case 0:
		r.data = odd_address();
		r.sound = false;
		return r;
	case 1:				/* the end is not there */
		r.data = me.inbox + BOX - below(r.size + 1);
		r.sound = false;
		return r;
	case 2:
		r.data = me.desk_ro;
		r.sound = false;
		return r;
	case 3 ... 5:
		r.data = me.inbox + BOX - r.size;
		break;
	default:
		r.data = me.inbox + below(256);
		r.canary = r.size <= 65536;
		break;
	}
	if (chance(8))
		madvise(me.inbox, BOX, MADV_DONTNEED);
	if (r.canary)
		memset(r.data + r.size, 0xa5, CANARY);
	if (r.size >= 8)
		memset(r.data, 0, 8);	/* no old header */
	return r;
}

static void check_canary(const struct room *r)
{
	unsigned int i;

	if (!r->canary)
		return;
	for (i = 0; i < CANARY; i++) {
		if (r->data[r->size + i] != 0xa5) {
			broken("byte %u behind a buffer of %zu was written", i, r->size);
			return;
		}
	}
}

static __u64 pick_deadline(__u32 *flags)
{
	switch (below(20)) {
	case 0:
		return MAILBOX_FOREVER;
	case 1:
		return 1 + below(1000);	/* long ago */
	case 2:
		*flags |= MAILBOX_SEND_REALTIME;
		return now_ns(CLOCK_REALTIME) + below(2000000);
	case 3 ... 6:
		return now_ns(CLOCK_MONOTONIC) + below(3000000);
	case 7:
		return MAILBOX_FOREVER - 1 - below(2);
	}
	return MAILBOX_NO_WAIT;
}

/* ioctls */

/* A descriptor that the kernel just made is what was asked for. */
static void check_new(int fd, __u32 open_flags)
{
	int flags = result(fcntl(fd, F_GETFL));

	if (flags < 0)
		broken("the new descriptor %d: %s", fd, strerrorname_np(-flags));
	else if ((flags ^ open_flags) & (O_ACCMODE | O_NONBLOCK))
		broken("opened with %#x, but F_GETFL says %#x", open_flags, flags);
	else if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC) != !(open_flags & O_CLOEXEC))
		broken("opened with %#x, but close-on-exec is wrong", open_flags);
}

static void check_info(const struct mailbox_info *i)
{
	__u64 slots = (__u64)i->lanes * i->capacity;

	if (!i->lanes || i->lanes > MAILBOX_LANES_MAX || i->capacity < MAILBOX_CAPACITY_MIN ||
	    i->capacity > MAILBOX_CAPACITY_MAX || i->capacity & (i->capacity - 1) ||
	    !i->message_size || i->message_size > MAILBOX_MESSAGE_MAX)
		broken("a port of %u lanes, %u slots, %u bytes", i->lanes, i->capacity,
		       i->message_size);
	/* What was given back waits beside the slots: so far that no count went below zero. */
	if (i->depth > slots + (1U << 24))
		broken("%u messages in %llu slots", i->depth, (unsigned long long)slots);
	if (i->limit > i->capacity || (i->limit && !(i->flags & MAILBOX_SEALED)))
		broken("a limit of %u with %u slots, flags %#x", i->limit, i->capacity, i->flags);
	if (i->bytes < slots * i->message_size)
		broken("%llu bytes are not enough for the port", (unsigned long long)i->bytes);
	if (i->state > MAILBOX_STATE_DELETED || i->mode & ~0777U ||
	    i->flags & ~(MAILBOX_SEALED | MAILBOX_AUTODELETE | MAILBOX_DIRECT | DROP))
		broken("state %u, mode %o, flags %#x", i->state, i->mode, i->flags);
	if (!i->endpoint || i->endpoint > MAILBOX_ENDPOINTS_MAX || !i->endpoints)
		broken("endpoint %u of %u", i->endpoint, i->endpoints);
	if (!i->receive_mask || i->default_lane >= i->lanes ||
	    (i->lanes < 32 && i->receive_mask >> i->lanes))
		broken("lanes %#x and %u of %u", i->receive_mask, i->default_lane, i->lanes);
	if (i->waiting_senders > 1000 || i->waiting_receivers > 1000)
		broken("%u senders, %u receivers wait", i->waiting_senders, i->waiting_receivers);
	/* Not exact while others are at it, mailbox.h says; but a look at how far off is of use. */
	if (i->messages_sent >> 62)
		atomic_fetch_add(&shared->wrapped, 1);
	if (i->messages_received >> 62 || i->messages_dropped >> 62 || i->redelivered >> 62)
		broken("%lld received, %lld dropped, %lld redelivered",
		       (long long)i->messages_received, (long long)i->messages_dropped,
		       (long long)i->redelivered);
}

static bool limit_good(const struct mailbox_create *c, __u32 capacity)
{
	return !c->limit || (c->flags & MAILBOX_SEALED && c->limit <= capacity &&
			     !c->max_deliveries && !(c->flags & (MAILBOX_DIRECT | DROP)));
}

static bool create_good(const struct mailbox_create *c)
{
	__u64 size = c->message_size ? c->message_size : MAILBOX_MESSAGE_SIZE_DEFAULT;
	__u32 capacity = c->capacity ? c->capacity : MAILBOX_CAPACITY_DEFAULT;
	__u32 lanes = c->lanes ? c->lanes : MAILBOX_LANES_DEFAULT;
	char none[MAILBOX_NAME_SIZE] = "";

	return !(c->flags & ~(MAILBOX_SEALED | MAILBOX_AUTODELETE | MAILBOX_DIRECT | DROP |
			      MAILBOX_EXCLUSIVE)) &&
	       (c->flags & DROP) != DROP &&
	       (c->flags & (MAILBOX_DIRECT | MAILBOX_DROP_OLDEST)) !=
	       (MAILBOX_DIRECT | MAILBOX_DROP_OLDEST) &&
	       !c->pad2 && limit_good(c, capacity) &&
	       (!c->peer_pid || c->flags & MAILBOX_DIRECT) &&
	       c->max_deliveries <= MAILBOX_DELIVERIES_MAX &&
	       (!memcmp(c->dead_letter, none, sizeof(none)) ||
		(c->max_deliveries && name_good(c->dead_letter))) &&
	       open_flags_good(c->open_flags) && !(c->mode & ~0777U) &&
	       size <= MAILBOX_MESSAGE_MAX && lanes <= MAILBOX_LANES_MAX &&
	       capacity >= MAILBOX_CAPACITY_MIN && capacity <= MAILBOX_CAPACITY_MAX &&
	       !(capacity & (capacity - 1)) && size * capacity * lanes <= port_bytes_max &&
	       (!memcmp(c->name, none, sizeof(none)) || name_good(c->name));
}

static void check_created(int fd, const struct mailbox_create *c)
{
	struct mailbox_info i = { .size = sizeof(i) };

	if (ioctl(fd, MAILBOX_IOC_INFO, &i)) {
		broken("MAILBOX_IOC_INFO of a new port: %s", strerrorname_np(errno));
		return;
	}
	check_info(&i);
	if (memcmp(i.name, c->name, sizeof(i.name)))
		broken("the new port has another name");
	if (c->name[0] && !(c->flags & MAILBOX_EXCLUSIVE))
		return;			/* it may be an old one */
	if (i.message_size != (c->message_size ? c->message_size : MAILBOX_MESSAGE_SIZE_DEFAULT) ||
	    i.capacity != (c->capacity ? c->capacity : MAILBOX_CAPACITY_DEFAULT) ||
	    i.lanes != (c->lanes ? c->lanes : MAILBOX_LANES_DEFAULT) ||
	    i.mode != (c->mode ? c->mode : MAILBOX_MODE_DEFAULT) ||
	    i.flags != (c->flags & ~MAILBOX_EXCLUSIVE) || i.limit != c->limit ||
	    i.max_deliveries != c->max_deliveries ||
	    memcmp(i.dead_letter, c->dead_letter, sizeof(i.dead_letter)))
		broken("the new port is %u/%u/%u/%o/%#x", i.message_size, i.capacity, i.lanes,
		       i.mode, i.flags);
}

/* No descriptor is free for a while, for any thread of the process. */
static void limit_files(bool on)
{
	struct rlimit limit = { .rlim_cur = on ? 3 : FILES_MAX, .rlim_max = FILES_MAX };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static void do_create(void)
{
	struct image im;
	struct mailbox_create *c = (void *)image_of(&im, sizeof(*c))->bytes, after;
	bool no_files = chance(1);
	struct place p;
	long ret;

	pick_name(c->name, true);
	c->message_size = PICK(0U, 1U, 8U, 16U, 16U, 64U, 64U, 64U, 65U, 100U, 256U, 256U, 1024U,
			       4096U, 65536U);
	c->capacity = PICK(0U, 2U, 2U, 2U, 4U, 4U, 8U, 16U, 64U);
	c->lanes = PICK(0U, 1U, 1U, 1U, 2U, 2U, 3U, 4U, 8U, 32U);
	if (c->message_size > 4096 && chance(80))
		c->lanes = 2;
	if (chance(4)) {
		c->message_size = PICK(65536U, 1U << 20, 1U << 20, MAILBOX_MESSAGE_MAX,
				       MAILBOX_MESSAGE_MAX + 1);
		c->capacity = PICK(2U, 2U, 2U, 4U, MAILBOX_CAPACITY_MAX, MAILBOX_CAPACITY_MAX + 1);
		c->lanes = PICK(0U, 1U, 1U, 32U, MAILBOX_LANES_MAX + 1);
	}
	c->mode = PICK(0U, 0600U, 0666U, 0666U, 0666U, 0444U, 0222U, 0060U, 01666U);
	c->flags = (chance(30) ? MAILBOX_EXCLUSIVE : 0) | (chance(25) ? MAILBOX_AUTODELETE : 0) |
		   (chance(20) ? MAILBOX_SEALED : 0) | (chance(10) ? MAILBOX_DIRECT : 0) |
		   pick_policy() | (chance(2) ? DROP : 0);
	c->open_flags = pick_open_flags();
	c->fd = -77;
	c->max_deliveries = PICK(0U, 0U, 0U, 1U, 1U, 2U, 3U, MAILBOX_DELIVERIES_MAX,
				 MAILBOX_DELIVERIES_MAX + 1);
	if (chance(c->max_deliveries ? 60 : 2))
		pick_name(c->dead_letter, true);
	if (chance(20)) {
		c->limit = 1 + below(c->capacity ? c->capacity : MAILBOX_CAPACITY_DEFAULT);
		if (chance(90)) {
			c->flags |= MAILBOX_SEALED;
			c->flags &= ~(MAILBOX_DIRECT | DROP);
			c->max_deliveries = 0;
			memset(c->dead_letter, 0, sizeof(c->dead_letter));
		}
	}
	mutate(&im, 15);
	p = choose_place(image_size(&im), true);
	put_image(&im, &p);
	if (no_files)
		limit_files(true);
	ret = check(KIND_create, result(ioctl(control_slot(), MAILBOX_IOC_CREATE, p.user)));
	if (no_files)
		limit_files(false);
	judge(ret, &p, size_good(&im) && create_good(c), "bad attributes");
	if (!p.sound)
		return;
	memcpy(&after, p.memory, sizeof(after));
	if (ret) {
		if (after.fd != c->fd && ret != -EFAULT)
			broken("failed, but wrote descriptor %d", after.fd);
		return;
	}
	check_new(after.fd, c->open_flags);
	check_created(after.fd, c);
	settle(after.fd, port_slot());
}

static void do_open(void)
{
	struct image im;
	struct mailbox_open *o = (void *)image_of(&im, sizeof(*o))->bytes, after;
	struct place p;
	long ret;

	pick_name(o->name, false);
	o->open_flags = pick_open_flags();
	o->fd = -77;
	mutate(&im, 15);
	p = choose_place(image_size(&im), true);
	put_image(&im, &p);
	ret = check(KIND_open, result(ioctl(control_slot(), MAILBOX_IOC_OPEN, p.user)));
	judge(ret, &p, size_good(&im) && !o->pad && open_flags_good(o->open_flags) &&
	      name_good(o->name), "bad arguments");
	if (ret || !p.sound)
		return;
	memcpy(&after, p.memory, sizeof(after));
	check_new(after.fd, o->open_flags);
	settle(after.fd, port_slot());
}

static void do_delete(void)
{
	struct image im;
	struct mailbox_delete *d = (void *)image_of(&im, sizeof(*d))->bytes;
	struct place p;
	long ret;

	pick_name(d->name, false);
	d->flags = PICK(0U, 0U, MAILBOX_DELETE_PURGE, MAILBOX_DELETE_UNLINK);
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_delete, result(ioctl(control_slot(), MAILBOX_IOC_DELETE, p.user)));
	judge(ret, &p, size_good(&im) && d->flags <= MAILBOX_DELETE_UNLINK && name_good(d->name),
	      "bad arguments");
}

static void do_query(void)
{
	struct image im;
	struct mailbox_query *q = (void *)image_of(&im, sizeof(*q))->bytes;
	int fd = chance(70) ? control_slot() : port_slot();
	struct place p;
	long ret;

	memset((char *)q + 4, draw(), sizeof(*q) - 4);	/* outputs are ignored on the way in */
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_query, result(ioctl(fd, MAILBOX_IOC_QUERY, p.user)));
	judge(ret, &p, size_good(&im), "a bad size");
	if (ret || !p.sound)
		return;
	memcpy(q, p.memory, sizeof(*q));
	if (q->message_max != MAILBOX_MESSAGE_MAX || q->capacity_max != MAILBOX_CAPACITY_MAX ||
	    q->lanes_max != MAILBOX_LANES_MAX || !(q->features & MAILBOX_FEATURE_BASE))
		broken("limits %u, %u, %u", q->message_max, q->capacity_max, q->lanes_max);
	/* Who tries to make one too many is counted while he tries. */
	if (q->ports > q->max_ports + RECORDS)
		broken("%u ports", q->ports);
	if (q->user_bytes > q->max_user_bytes)
		broken("%llu bytes charged", (unsigned long long)q->user_bytes);
}

/* Somebody who has the port mapped, as the kernel tells; or nobody. */
static __u32 pick_holder(const char *name)
{
	struct mailbox_holder h = { .size = sizeof(h), .endpoint = below(8) };

	memcpy(h.name, name, sizeof(h.name));
	if (ioctl(control_slot(), MAILBOX_IOC_HOLDER, &h))
		return below(64);
	return h.endpoint;
}

static void do_evict(void)
{
	struct image im;
	struct mailbox_evict *e = (void *)image_of(&im, sizeof(*e))->bytes;
	struct place p;
	long ret;

	pick_name(e->name, false);
	e->endpoint = chance(80) ? pick_holder(e->name) : odd_u32();
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_evict, result(ioctl(control_slot(), MAILBOX_IOC_EVICT, p.user)));
	judge(ret, &p, size_good(&im) && name_good(e->name) && e->endpoint, "bad arguments");
}

static void check_holder(const struct mailbox_holder *asked, const struct mailbox_holder *h)
{
	if (h->endpoint < asked->endpoint || !h->endpoint || h->endpoint > MAILBOX_ENDPOINTS_MAX)
		broken("endpoint %u from %u on", h->endpoint, asked->endpoint);
	if (h->uid && h->uid != SOMEBODY && h->uid != OVERFLOW_ID)
		broken("mapped by uid %u", h->uid);
	if (h->lane >= MAILBOX_LANES_MAX || h->ticket >> 40)
		broken("lane %u, ticket %llu", h->lane, (unsigned long long)h->ticket);
	if (h->size != asked->size || h->pad || memcmp(h->name, asked->name, sizeof(h->name)))
		broken("inputs were written");
}

static void do_holder(void)
{
	struct image im;
	struct mailbox_holder *h = (void *)image_of(&im, sizeof(*h))->bytes, after;
	struct place p;
	long ret;

	pick_name(h->name, false);
	h->endpoint = chance(70) ? below(4) : odd_u32();
	h->pid = draw();		/* outputs are ignored on the way in */
	h->blocks_ns = draw();
	mutate(&im, 15);
	p = choose_place(image_size(&im), true);
	put_image(&im, &p);
	ret = check(KIND_holder, result(ioctl(control_slot(), MAILBOX_IOC_HOLDER, p.user)));
	judge(ret, &p, size_good(&im) && name_good(h->name) && !h->pad, "bad arguments");
	if (ret || !p.sound)
		return;
	memcpy(&after, p.memory, sizeof(after));
	check_holder(h, &after);
}

/* Promises: receipts to come, leases that are held */

static void remember(struct promise *of, const struct target *t, __u32 lane, __u64 ticket)
{
	of[below(PROMISES)] = (struct promise) { t->slot, lane, ticket };
}

/* One of them and its port, most often; or any port and a name that is forged. */
static struct target pick_promise(struct promise *p, struct promise *of,
				  enum direction direction)
{
	__u32 i = below(PROMISES), n;

	for (n = 1; n < PROMISES && !of[i].slot; n++)
		i = (i + 1) % PROMISES;
	*p = of[i];
	if (p->slot && chance(85)) {
		if (chance(70))
			of[i].slot = 0;		/* it will not be there the next time */
		return look_at(p->slot);
	}
	*p = (struct promise) { .lane = below(3), .ticket = chance(80) ? below(64) : draw() };
	return pick_target(direction);
}

/* A send that failed was never received; both sides look when they have told. */
static void book_failed(__u64 tag)
{
	atomic_store(&shared->failed[tag % BOOK], tag);
	if (tag && atomic_load(&shared->received[tag % BOOK]) == tag)
		broken("the send failed, but its message was received: tag %#llx",
		       (unsigned long long)tag);
	atomic_fetch_add_explicit(&shared->taken_back, 1, memory_order_relaxed);
}

static void book_received(__u64 tag)
{
	atomic_store(&shared->received[tag % BOOK], tag);
	if (tag && atomic_load(&shared->failed[tag % BOOK]) == tag)
		broken("received a message whose send failed: tag %#llx", (unsigned long long)tag);
}

static bool odd_id(__u32 id)
{
	return id && id != SOMEBODY && id != OVERFLOW_ID;
}

/* Who finished it: somebody, or nobody that can be told of. */
static void check_receiver(const struct mailbox_receipt *r)
{
	bool needed = r->outcome == MAILBOX_ACKED || r->outcome == MAILBOX_REPLIED;

	if (r->receiver > MAILBOX_ENDPOINTS_MAX || (needed && !r->receiver))
		broken("outcome %u by endpoint %u", r->outcome, r->receiver);
	if (!r->receiver ? r->pid || ~r->uid || ~r->gid : odd_id(r->uid) || odd_id(r->gid))
		broken("outcome %u by endpoint %u, pid %u, uid %u, gid %u", r->outcome,
		       r->receiver, r->pid, r->uid, r->gid);
	if (r->receiver && (r->outcome <= MAILBOX_TAKEN || r->outcome == MAILBOX_DISCARDED))
		broken("outcome %u by endpoint %u", r->outcome, r->receiver);
}

/* @least: outcome that the call may answer. */
static void check_receipt(const struct target *t, const struct mailbox_receipt *r, __u32 least)
{
	bool discarded = r->outcome == MAILBOX_DISCARDED, done = r->outcome > MAILBOX_TAKEN;
	bool died = r->outcome == MAILBOX_RECEIVER_DIED;

	if (r->outcome < least || r->outcome > MAILBOX_RECEIVER_DIED)
		broken("outcome %u", r->outcome);
	if (died && t->known && (!t->info.max_deliveries ||
				 !t->info.dead_letter[0] != !r->reason))
		broken("given up after %u, reason %u", t->info.max_deliveries, r->reason);
	if (died) {
		if (r->reason && r->reason != MAILBOX_REASON_MOVED)
			broken("given up, reason %u", r->reason);
	} else if (discarded ? !r->reason || r->reason > MAILBOX_REASON_DROPPED : r->reason)
		broken("outcome %u, reason %u", r->outcome, r->reason);
	if (r->reason == MAILBOX_REASON_DROPPED && t->known &&
	    !(t->info.flags & MAILBOX_DROP_OLDEST))
		broken("dropped on a port that does not drop");
	if (r->length && (r->outcome != MAILBOX_REPLIED ||
			  r->length > (t->known ? t->info.message_size : MAILBOX_MESSAGE_MAX)))
		broken("outcome %u with a reply of %u bytes", r->outcome, r->length);
	if (r->lane >= (t->known ? t->info.lanes : MAILBOX_LANES_MAX) || r->ticket >> 40)
		broken("lane %u, ticket %llu", r->lane, (unsigned long long)r->ticket);
	if (done ? !r->time || r->time > now_ns(CLOCK_MONOTONIC) : r->time)
		broken("outcome %u at %llu", r->outcome, (unsigned long long)r->time);
	check_receiver(r);
}

static void check_reply(const struct room *r, __u32 length)
{
	if (r->sound && length <= r->size)
		check_sealed(r->data, length, length);
	check_canary(r);
}

/* A slot for the endpoint's mapping, which is only there while do_mmap() is about. */
/* Certainly a port with a limit: nothing of it is held elsewhere. */
static bool limited(const struct target *t)
{
	return t->known && t->info.limit;
}

/* EOPNOTSUPP is for those, and for nobody else. */
static void judge_limit(const struct target *t, long ret)
{
	if (ret == -EOPNOTSUPP && t->known && !t->info.limit)
		broken("EOPNOTSUPP, and there is no limit");
}

static bool in_place(const struct mailbox_message *m)
{
	return m->flags & MAILBOX_SEND_IN_PLACE && !m->data && !m->length && !m->tag;
}

#define PROMISED	(MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC)

static bool send_good(const struct target *t, const struct mailbox_message *m)
{
	__u32 flags = m->flags & ~MAILBOX_SEND_REALTIME;

	if (in_place(m) ? flags & ~MAILBOX_SEND_IN_PLACE : flags & ~PROMISED)
		return false;
	if (flags & PROMISED && m->receipt && !(flags & MAILBOX_SEND_SYNC))
		return false;
	if (limited(t) && flags)
		return false;
	return (m->lane == MAILBOX_LANE_DEFAULT ||
		m->lane < (t->known ? t->info.lanes : MAILBOX_LANES_MAX)) &&
	       m->length <= (t->known ? t->info.message_size : MAILBOX_MESSAGE_MAX);
}

/* What is told of a send: @m was given, @after is there now. */
static void check_sent(const struct target *t, struct mailbox_message *m,
		       const struct mailbox_message *after, long ret)
{
	bool accepted = !ret || ret == -EINPROGRESS;

	if (accepted && after->ticket >> 40)
		broken("ticket %llu", (unsigned long long)after->ticket);
	m->ticket = after->ticket;
	if (m->flags & PROMISED && after->lane != m->lane) {
		if (m->lane != MAILBOX_LANE_DEFAULT ||
		    after->lane >= (t->known ? t->info.lanes : MAILBOX_LANES_MAX))
			broken("lane %u", after->lane);
		m->lane = after->lane;
	}
	if (ret == -ECONNRESET)
		m->length = after->length;
	if (memcmp(after, m, sizeof(*after)))
		broken("members were written that are not answered");
	if (accepted && m->flags & PROMISED)
		remember(me.sent, t, m->lane, m->ticket);
}

/* The receipt of a synchronous send. */
static void check_answer(const struct target *t, const struct mailbox_receipt *asked,
			 const struct mailbox_receipt *r, const struct room *room, long ret)
{
	if (!ret)
		check_receipt(t, r, MAILBOX_RECEIVED);
	else if (ret == -EMSGSIZE ? r->length < asked->length :
		 ret != -EFAULT && memcmp(asked, r, sizeof(*r)))
		broken("failed, but wrote a receipt");
	if (!ret)
		check_reply(room, r->length);
	else
		check_canary(room);
}

static struct mailbox_receipt pick_slip(const struct room *room)
{
	return (struct mailbox_receipt) {
		.size = sizeof(struct mailbox_receipt), .data = (uintptr_t)room->data,
		.length = room->size,
	};
}

static void pick_promised(struct mailbox_message *m, const struct mailbox_receipt *slip)
{
	if (!chance(30))
		return;
	m->flags |= PICK(MAILBOX_SEND_RECEIPT, MAILBOX_SEND_SYNC, PROMISED);
	if (chance(95) ? m->flags & MAILBOX_SEND_SYNC : !(m->flags & MAILBOX_SEND_SYNC))
		m->receipt = (uintptr_t)(chance(95) ? slip : odd_address());
	if (m->flags & MAILBOX_SEND_SYNC && chance(50))
		m->deadline = now_ns(CLOCK_MONOTONIC) + below(3000000);
}

static void do_send(void)
{
	struct target t = pick_target(WRITES);
	struct room room = pick_room(&t);
	struct mailbox_receipt asked = pick_slip(&room);
	struct image im;
	struct mailbox_message *m = (void *)image_of(&im, sizeof(*m))->bytes, after;
	bool overlap = chance(3);
	struct place p;
	long ret;

	m->length = pick_length(&t);
	m->deadline = pick_deadline(&m->flags);
	m->lane = chance(40) ? MAILBOX_LANE_DEFAULT : below(t.known ? t.info.lanes : 3);
	m->tag = draw();
	m->data = (uintptr_t)pick_source(m->length);
	*me.slip = asked;
	pick_promised(m, me.slip);
	mutate(&im, 15);
	/* A length of other bytes than those that are sealed would be a false alarm. */
	if (!im.mutated && chance(85))
		m->data = (uintptr_t)sealed_source(m->length);
	p = choose_place(image_size(&im), false);
	if (overlap && p.sound)
		m->data = (uintptr_t)p.user + below(sizeof(*m));
	put_image(&im, &p);
	ret = check(KIND_send, result(ioctl(t.fd, MAILBOX_IOC_SEND, p.user)));
	judge(ret == -EINPROGRESS ? 0 : ret, &p, size_good(&im) && send_good(&t, m) &&
	      (ret != -EINPROGRESS || m->flags & MAILBOX_SEND_SYNC), "bad arguments");
	judge_direction(&t, ret, t.writes);
	judge_limit(&t, ret);
	if (ret > 0)
		broken("returned %ld", ret);
	if (ret < 0 && ret != -EINPROGRESS && ret != -EFAULT && ret != -EMSGSIZE && p.sound &&
	    !im.mutated)
		book_failed(m->tag);
	if (!im.mutated && p.sound && m->receipt == (uintptr_t)me.slip)
		check_answer(&t, &asked, me.slip, &room, ret);
	if (p.sound && !in_place(m)) {
		memcpy(&after, p.memory, sizeof(after));
		check_sent(&t, m, &after, ret);
	}
	drop_target(&t);
}

static void check_received(const struct target *t, const struct mailbox_message *m,
			   const struct mailbox_message *after)
{
	bool cut = after->length > m->length;

	__u32 departed = after->flags >> MAILBOX_MSG_DEPARTED_SHIFT;
	__u32 flags = after->flags & ((1U << MAILBOX_MSG_DEPARTED_SHIFT) - 1);

	/* Trusted or not, and once more or not: the port may have been mapped. */
	if (!departed != !(flags & MAILBOX_MSG_REDELIVERED))
		broken("flags %#x: so often, or not?", after->flags);
	flags &= ~(MAILBOX_MSG_TRUSTED | MAILBOX_MSG_REDELIVERED | MAILBOX_MSG_RECEIPT);
	if (flags != (cut ? MAILBOX_MSG_TRUNCATED : 0))
		broken("flags %#x, length %u of %u", after->flags, m->length, after->length);
	if (cut && !(m->flags & MAILBOX_RECV_TRUNCATE))
		broken("took %u bytes into %u", after->length, m->length);
	if (after->length > (t->known ? t->info.message_size : MAILBOX_MESSAGE_MAX))
		broken("%u bytes from a port of messages of %u", after->length,
		       t->info.message_size);
	if (after->lane >= (t->known ? t->info.lanes : MAILBOX_LANES_MAX))
		broken("lane %u", after->lane);
	if (after->lost && t->known && !(t->info.flags & DROP))
		broken("%u messages lost on a port that does not drop", after->lost);
	if (!after->sender || after->sender > MAILBOX_ENDPOINTS_MAX || after->ticket >> 40)
		broken("sender %u, ticket %llu", after->sender, (unsigned long long)after->ticket);
	if (odd_id(after->uid) || odd_id(after->gid))
		broken("sent by uid %u, gid %u", after->uid, after->gid);
	book_received(after->tag);
	if (m->flags & MAILBOX_RECV_LEASE)
		remember(me.leased, t, after->lane, after->ticket);
}

static __u64 pick_lease(void)
{
	return chance(30) ? now_ns(CLOCK_MONOTONIC) + below(5000000) :
	       PICK(0ULL, 0ULL, 0ULL, MAILBOX_FOREVER, 1ULL);
}

static bool receive_good(const struct target *t, const struct mailbox_message *m)
{
	__u32 flags = m->flags & ~MAILBOX_RECV_REALTIME;

	if (limited(t) && flags & (MAILBOX_RECV_LEASE | MAILBOX_RECV_IN_PLACE))
		return false;
	if (flags & MAILBOX_RECV_LARGEST)
		return flags == MAILBOX_RECV_LARGEST;
	if (in_place(m))
		return !(flags & ~MAILBOX_RECV_IN_PLACE);
	if (flags & MAILBOX_RECV_FINISH && !(flags & MAILBOX_RECV_LEASE))
		return false;
	return !(flags & ~(MAILBOX_RECV_TRUNCATE | MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH));
}

/* How one that was leased shall end, with the next receive: mostly not this endpoint's. */
static struct mailbox_finish pick_end(void)
{
	struct promise of = me.leased[below(PROMISES)];

	return (struct mailbox_finish) {
		.size = sizeof(struct mailbox_finish),
		.how = PICK(MAILBOX_FINISHED, MAILBOX_ACK, MAILBOX_REPLY, MAILBOX_NACK),
		.lane = of.lane,
		.ticket = of.ticket,
	};
}

static void do_receive(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);
	struct image im;
	struct mailbox_message *m = (void *)image_of(&im, sizeof(*m))->bytes, after;
	struct mailbox_finish asked = pick_end();
	bool overlap = chance(3), exact;
	struct place p;
	long ret;

	m->length = r.size;
	m->deadline = pick_deadline(&m->flags);
	m->flags |= chance(20) ? MAILBOX_RECV_TRUNCATE : 0;
	m->data = (uintptr_t)r.data;
	m->ticket = draw();
	m->sender = draw();
	m->flags |= chance(30) ? MAILBOX_RECV_LEASE : 0;
	if (chance(10))
		m->flags = MAILBOX_RECV_LARGEST | (m->flags & MAILBOX_RECV_REALTIME);
	m->lease = pick_lease();
	*me.end = asked;
	if (chance(m->flags & MAILBOX_RECV_LEASE ? 40 : 2)) {
		m->flags |= MAILBOX_RECV_FINISH;
		m->receipt = (uintptr_t)(chance(95) ? me.end : odd_address());
	}
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	overlap = overlap && p.sound;
	if (overlap)
		m->data = (uintptr_t)p.user + below(sizeof(*m));
	exact = r.sound && m->data == (uintptr_t)r.data && m->length == r.size;
	put_image(&im, &p);
	ret = check(KIND_receive, result(ioctl(t.fd, MAILBOX_IOC_RECEIVE, p.user)));
	judge(ret, &p, size_good(&im) && !m->lane && !m->tag && receive_good(&t, m), "bad arguments");
	judge_direction(&t, ret, t.reads);
	if (!(m->flags & MAILBOX_RECV_FINISH))	/* which has another reason for it */
		judge_limit(&t, ret);
	if (ret == -EMSGSIZE && t.known && m->flags & MAILBOX_RECV_LARGEST && p.sound &&
	    !im.mutated &&
	    r.size >= t.info.message_size)
		broken("EMSGSIZE, though any message fits into %zu", r.size);
	if (ret > 0)
		broken("returned %ld", ret);
	if (me.end->how != asked.how && me.end->how != MAILBOX_FINISHED)
		broken("ends by %u, not by %u", me.end->how, asked.how);
	if (!ret && m->flags & MAILBOX_RECV_FINISH && m->receipt == (uintptr_t)me.end &&
	    !im.mutated && p.sound && me.end->how != MAILBOX_FINISHED)
		broken("received, and did not finish first");
	/* What a mutated address may point to includes the structure. */
	if (p.sound && (exact || !r.sound) && !overlap && !im.mutated) {
		memcpy(&after, p.memory, sizeof(after));
		if (after.size != m->size || after.data != m->data || after.deadline != m->deadline)
			broken("inputs were written");
		if (!ret)
			check_received(&t, m, &after);
		else if (ret == -EMSGSIZE && after.length <= m->length)
			broken("EMSGSIZE, %u bytes into %u", after.length, m->length);
		else if (ret != -EMSGSIZE && (after.length != m->length || after.lane ||
					      after.tag || after.flags != m->flags))
			broken("failed, but wrote outputs");
		if (!ret && exact)
			check_sealed(r.data, after.length < r.size ? after.length : r.size,
				     after.length);
	}
	if (exact)
		check_canary(&r);
	drop_target(&t);
}

/* What a look shows, without what becomes of it. */
static void do_peek(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);
	struct image im;
	struct mailbox_message *m = (void *)image_of(&im, sizeof(*m))->bytes, after;
	struct place p;
	long ret;

	m->length = r.size;
	m->flags = chance(20) ? MAILBOX_RECV_TRUNCATE : 0;
	m->data = (uintptr_t)r.data;
	m->index = chance(90) ? below(6) : draw();
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_peek, result(ioctl(t.fd, MAILBOX_IOC_PEEK, p.user)));
	judge(ret, &p, size_good(&im) && !(m->flags & ~MAILBOX_RECV_TRUNCATE) && !m->lane &&
	      !m->tag && !m->deadline, "bad arguments");
	judge_direction(&t, ret, t.reads);
	if (ret > 0)
		broken("returned %ld", ret);
	if (p.sound && !im.mutated) {
		memcpy(&after, p.memory, sizeof(after));
		if (after.size != m->size || after.data != m->data || after.index != m->index ||
		    after.deadline || after.lost || after.lease || after.receipt)
			broken("what a look does not answer was written");
		if (!ret && r.sound)
			check_sealed(r.data, after.length < r.size ? after.length : r.size,
				     after.length);
		if (!ret && after.length > r.size && !(m->flags & MAILBOX_RECV_TRUNCATE))
			broken("saw %u bytes in %zu", after.length, r.size);
		if (ret == -EMSGSIZE && after.length <= r.size)
			broken("EMSGSIZE, %u bytes into %zu", after.length, r.size);
	}
	if (r.sound && !im.mutated)
		check_canary(&r);
	drop_target(&t);
}

/* Batches */

struct batch {
	struct image im;
	struct mailbox_batch *b;	/* in there */
	struct place place;
};

static void pick_batch(struct batch *a)
{
	a->b = (void *)image_of(&a->im, sizeof(*a->b))->bytes;
	a->b->deadline = pick_deadline(&a->b->flags);
	a->b->count = below(VECTORS + 1);
	a->b->vectors = (uintptr_t)(chance(97) ? me.vectors : odd_address());
	a->b->details = (uintptr_t)(chance(97) ? me.details : odd_address());
	if (chance(30))
		a->b->details = 0;
	memset(me.details, 0, VECTORS * sizeof(*me.details));
}

/* Makes the call; returns how many messages went, or an error. */
static long call_batch(struct batch *a, const struct target *t, enum kind which, __u32 command,
		       __u32 flags, bool open)
{
	long ret;

	mutate(&a->im, 10);
	a->place = choose_place(image_size(&a->im), false);
	put_image(&a->im, &a->place);
	ret = check(which, result(ioctl(t->fd, command, a->place.user)));
	judge(ret, &a->place, size_good(&a->im) && !(a->b->flags & ~flags) && !a->b->pad &&
	      a->b->count <= 0x7fffffff && !limited(t), "bad arguments");
	judge_direction(t, ret, open);
	judge_limit(t, ret);
	if (ret > (long)a->b->count && a->place.sound)
		broken("%ld messages of %u", ret, a->b->count);
	if (ret == 0 && a->place.sound && a->b->count)
		broken("no message of %u, and no error", a->b->count);
	return ret;
}

static void do_send_batch(void)
{
	struct target t = pick_target(WRITES);
	struct batch a;
	size_t length = pick_length(&t);
	void *sealed = sealed_source(length);
	__u32 i, lanes = t.known ? t.info.lanes : 3;
	long ret;

	pick_batch(&a);
	for (i = 0; i < VECTORS; i++) {
		me.vectors[i] = (struct mailbox_vector) {
			.data = (uintptr_t)sealed, .length = length, .lane = below(lanes),
		};
		if (chance(10))
			me.vectors[i].lane = chance(60) ? MAILBOX_LANE_DEFAULT : odd_u32();
		if (chance(5))
			me.vectors[i].data = (uintptr_t)odd_address();
		me.details[i].tag = draw();
	}
	ret = call_batch(&a, &t, KIND_send_batch, MAILBOX_IOC_SEND_BATCH, MAILBOX_SEND_REALTIME,
			 t.writes);
	for (i = 0; (long)i < ret && i < VECTORS && !a.im.mutated && a.place.sound; i++) {
		if (me.vectors[i].lane != MAILBOX_LANE_DEFAULT && t.known &&
		    me.vectors[i].lane >= t.info.lanes)
			broken("sent on lane %u", me.vectors[i].lane);
		if (me.details[i].ticket >> 40 || me.details[i].flags || me.details[i].lost)
			broken("ticket %llu", (unsigned long long)me.details[i].ticket);
	}
	drop_target(&t);
}

static void do_receive_batch(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);
	__u32 each = r.size / VECTORS & ~7U, i;
	struct batch a;
	long ret;

	pick_batch(&a);
	a.b->flags |= chance(50) ? MAILBOX_RECV_TRUNCATE : 0;
	for (i = 0; i < VECTORS; i++)
		me.vectors[i] = (struct mailbox_vector) {
			.data = (uintptr_t)r.data + i * each, .length = each, .lane = draw(),
		};
	ret = call_batch(&a, &t, KIND_receive_batch, MAILBOX_IOC_RECEIVE_BATCH,
			 MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE, t.reads);
	for (i = 0; (long)i < ret && i < VECTORS && !a.im.mutated && a.place.sound; i++) {
		const struct mailbox_vector *v = &me.vectors[i];

		if (v->length > each && !(a.b->flags & MAILBOX_RECV_TRUNCATE))
			broken("took %u bytes into %u", v->length, each);
		if (v->length > (t.known ? t.info.message_size : MAILBOX_MESSAGE_MAX) ||
		    v->lane >= (t.known ? t.info.lanes : MAILBOX_LANES_MAX))
			broken("%u bytes on lane %u", v->length, v->lane);
		if (a.b->details == (uintptr_t)me.details && !me.details[i].sender)
			broken("nobody sent it");
		if (r.sound && v->length <= each)
			check_sealed(r.data + i * each, v->length, v->length);
	}
	if (ret == -EMSGSIZE && !a.im.mutated && a.place.sound && me.vectors[0].length <= each)
		broken("EMSGSIZE, %u bytes into %u", me.vectors[0].length, each);
	/* Of a structure in the memory that all share, it was perhaps another thread's batch. */
	if (r.sound && !a.im.mutated && a.place.sound)
		check_canary(&r);
	drop_target(&t);
}

/* What was told is told once. */
static void check_stale(const struct target *t, __u32 lane, __u64 ticket)
{
	struct mailbox_receipt r = {
		.size = sizeof(r), .flags = MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS,
		.lane = lane, .ticket = ticket,
	};

	if (t->own && (!ioctl(t->fd, MAILBOX_IOC_RECEIPT, &r) || errno != ESTALE))
		broken("lane %u, ticket %llu: the receipt was read, and is there", lane,
		       (unsigned long long)ticket);
}

static bool receipt_good(const struct mailbox_receipt *r)
{
	if (r->flags & MAILBOX_RECEIPT_STATUS &&
	    (!(r->flags & MAILBOX_RECEIPT_TICKET) || r->deadline))
		return false;
	return !(r->flags & ~(MAILBOX_RECEIPT_REALTIME | MAILBOX_RECEIPT_TICKET |
			      MAILBOX_RECEIPT_STATUS));
}

static void check_told(const struct target *t, const struct mailbox_receipt *r,
		       const struct mailbox_receipt *after, const struct room *room, long ret)
{
	bool status = r->flags & MAILBOX_RECEIPT_STATUS;

	if (ret == -EMSGSIZE && after->length <= r->length)
		broken("EMSGSIZE, %u bytes into %u", after->length, r->length);
	if (ret && ret != -EMSGSIZE && ret != -EFAULT && memcmp(after, r, sizeof(*r)))
		broken("failed, but wrote outputs");
	if (ret)
		return;
	check_receipt(t, after, status ? MAILBOX_QUEUED : MAILBOX_RECEIVED);
	if (after->size != r->size || after->flags != r->flags || after->data != r->data ||
	    after->deadline != r->deadline)
		broken("inputs were written");
	if (r->flags & MAILBOX_RECEIPT_TICKET &&
	    (after->lane != r->lane || after->ticket != r->ticket))
		broken("another ticket than was asked for");
	if (status)
		return;
	check_reply(room, after->length);
	check_stale(t, after->lane, after->ticket);
}

static void do_receipt(void)
{
	struct promise promise;
	struct target t = pick_promise(&promise, me.sent, WRITES);
	struct room room = pick_room(&t);
	struct image im;
	struct mailbox_receipt *r = (void *)image_of(&im, sizeof(*r))->bytes, after;
	struct place p;
	long ret;

	*r = pick_slip(&room);
	r->deadline = pick_deadline(&r->flags);
	r->flags |= PICK(0U, 0U, MAILBOX_RECEIPT_TICKET, MAILBOX_RECEIPT_STATUS) |
		    (chance(40) ? MAILBOX_RECEIPT_TICKET : 0);
	if (r->flags & MAILBOX_RECEIPT_STATUS && chance(95)) {
		r->flags |= MAILBOX_RECEIPT_TICKET;
		r->deadline = 0;
	}
	r->lane = promise.lane;
	r->ticket = promise.ticket;
	r->outcome = draw();		/* outputs are ignored on the way in */
	mutate(&im, 15);
	p = choose_place(image_size(&im), true);
	put_image(&im, &p);
	ret = check(KIND_receipt, result(ioctl(t.fd, MAILBOX_IOC_RECEIPT, p.user)));
	judge(ret, &p, size_good(&im) && receipt_good(r), "bad arguments");
	judge_direction(&t, ret, t.writes);
	if (ret > 0)
		broken("returned %ld", ret);
	if (p.sound && !im.mutated) {
		memcpy(&after, p.memory, sizeof(after));
		check_told(&t, r, &after, &room, ret);
	}
	if (!im.mutated)
		check_canary(&room);
	drop_target(&t);
}

static bool finish_good(const struct target *t, const struct mailbox_finish *f)
{
	if (f->how < MAILBOX_ACK || f->how > MAILBOX_EXTEND)
		return false;
	if (f->how != MAILBOX_EXTEND && f->deadline)
		return false;
	if (f->how != MAILBOX_REPLY)
		return !f->data && !f->length;
	return f->length <= (t->known ? t->info.message_size : MAILBOX_MESSAGE_MAX);
}

/* Done is done. */
static void check_over(const struct target *t, const struct mailbox_finish *done)
{
	struct mailbox_finish f = {
		.size = sizeof(f), .how = MAILBOX_ACK, .lane = done->lane, .ticket = done->ticket,
	};

	if (t->own && (!ioctl(t->fd, MAILBOX_IOC_FINISH, &f) || errno != ESTALE))
		broken("lane %u, ticket %llu: the lease was finished, and is there", f.lane,
		       (unsigned long long)f.ticket);
}

static void do_finish(void)
{
	struct promise promise;
	struct target t = pick_promise(&promise, me.leased, READS);
	struct image im;
	struct mailbox_finish *f = (void *)image_of(&im, sizeof(*f))->bytes;
	struct place p;
	long ret;

	f->how = PICK(MAILBOX_ACK, MAILBOX_ACK, MAILBOX_REPLY, MAILBOX_REPLY, MAILBOX_NACK,
		      MAILBOX_NACK_BACK, MAILBOX_EXTEND);
	f->lane = promise.lane;
	f->ticket = promise.ticket;
	if (f->how == MAILBOX_EXTEND)
		f->deadline = pick_lease();
	if (f->how == MAILBOX_REPLY) {
		f->length = pick_length(&t);
		f->data = (uintptr_t)pick_source(f->length);
	}
	mutate(&im, 15);
	if (f->how == MAILBOX_REPLY && !im.mutated && chance(85))
		f->data = (uintptr_t)sealed_source(f->length);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_finish, result(ioctl(t.fd, MAILBOX_IOC_FINISH, p.user)));
	judge(ret, &p, size_good(&im) && finish_good(&t, f), "bad arguments");
	judge_direction(&t, ret, t.reads);
	if (ret > 0)
		broken("returned %ld", ret);
	if (!ret && p.sound && (f->how == MAILBOX_ACK || f->how == MAILBOX_REPLY))
		check_over(&t, f);
	drop_target(&t);
}

/* Its own, which is closed at once: signalled then by whoever finishes a message. */
static void do_eventfd(void)
{
	struct target t = pick_target(WRITES);
	struct image im;
	struct mailbox_eventfd *e = (void *)image_of(&im, sizeof(*e))->bytes;
	int fd = chance(80) ? eventfd(0, EFD_CLOEXEC) : -1;
	struct place p;
	long ret;

	e->fd = chance(10) ? PICK(-2, 1 << 20, 0, 1) : fd;
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_eventfd, result(ioctl(t.fd, MAILBOX_IOC_EVENTFD, p.user)));
	/* EBADF is also the answer to what is no descriptor. */
	if (e->fd == fd && !im.mutated)
		judge_direction(&t, ret, t.writes);
	if (ret > 0)
		broken("returned %ld", ret);
	if (fd >= 0)
		close(fd);
	drop_target(&t);
}

/* Nothing that this process does is to be held for ever. */
static void let_go(int fd, const struct mailbox_notify *n)
{
	struct mailbox_notify done = {
		.size = sizeof(done), .how = MAILBOX_NOTIFY_DONE, .id = n->id,
	};

	if (n->how == MAILBOX_NOTIFY_WAIT)
		ioctl(fd, MAILBOX_IOC_NOTIFY, &done);
	else
		close(dup(fd));
}

static void do_notify(void)
{
	struct target t = pick_target(ANY);
	struct image im;
	struct mailbox_notify *n = (void *)image_of(&im, sizeof(*n))->bytes, after;
	struct place p;
	long ret;

	n->how = PICK(MAILBOX_NOTIFY_REGISTER, MAILBOX_NOTIFY_REGISTER, MAILBOX_NOTIFY_WAIT,
		      MAILBOX_NOTIFY_CANCEL, MAILBOX_NOTIFY_HOLD, MAILBOX_NOTIFY_DONE);
	if (n->how == MAILBOX_NOTIFY_WAIT || n->how == MAILBOX_NOTIFY_DONE)
		n->id = chance(80) ? me.notice : below(100);
	n->pid = draw();		/* outputs are ignored on the way in */
	n->uid = draw();
	mutate(&im, 15);
	p = choose_place(image_size(&im), true);
	put_image(&im, &p);
	ret = check(KIND_notify, result(ioctl(t.fd, MAILBOX_IOC_NOTIFY, p.user)));
	judge(ret, &p, size_good(&im) && n->how >= MAILBOX_NOTIFY_REGISTER &&
	      n->how <= MAILBOX_NOTIFY_DONE &&
	      (n->how == MAILBOX_NOTIFY_WAIT || n->how == MAILBOX_NOTIFY_DONE || !n->id) &&
	      (!t.known || t.info.limit), "bad arguments");
	if (ret == -EOPNOTSUPP && limited(&t))
		broken("EOPNOTSUPP, and there is a limit");
	if (p.sound) {
		memcpy(&after, p.memory, sizeof(after));
		if (ret && ret != -EFAULT && memcmp(&after, n, sizeof(after)))
			broken("failed, but wrote outputs");
		if (!ret && (n->how == MAILBOX_NOTIFY_REGISTER || n->how == MAILBOX_NOTIFY_HOLD) &&
		    !after.id)
			broken("registered as nothing");
		if (!ret && n->how == MAILBOX_NOTIFY_REGISTER)
			me.notice = after.id;
		if (!ret && n->how == MAILBOX_NOTIFY_WAIT && (!after.pid || odd_id(after.uid)))
			broken("told of pid %u, uid %u", after.pid, after.uid);
	}
	if (!ret && (n->how == MAILBOX_NOTIFY_HOLD || n->how == MAILBOX_NOTIFY_WAIT))
		let_go(t.fd, n);
	drop_target(&t);
}

static void do_info(void)
{
	struct image im;
	struct mailbox_info *i = (void *)image_of(&im, sizeof(*i))->bytes;
	struct place p;
	long ret;

	memset((char *)i + 4, draw(), sizeof(*i) - 4);
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_info, result(ioctl(port_slot(), MAILBOX_IOC_INFO, p.user)));
	judge(ret, &p, size_good(&im), "a bad size");
	if (ret || !p.sound)
		return;
	memcpy(i, p.memory, sizeof(*i));
	check_info(i);
}

static void do_set_lanes(void)
{
	struct target t = pick_target(ANY);
	struct image im;
	struct mailbox_set_lanes *s = (void *)image_of(&im, sizeof(*s))->bytes;
	__u32 lanes = t.known ? t.info.lanes : PICK(1U, 2U, 4U, 32U);
	__u32 all = ~0U >> (32 - lanes);
	struct place p;
	bool good;
	long ret;

	s->receive_mask = chance(50) ? ~0U : (__u32)draw() & all;
	s->default_lane = below(lanes);
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_set_lanes, result(ioctl(t.fd, MAILBOX_IOC_SET_LANES, p.user)));
	if (!t.known)
		all = ~0U, lanes = MAILBOX_LANES_MAX;
	good = size_good(&im) && s->receive_mask && s->default_lane < lanes && !s->pad &&
	       (s->receive_mask == ~0U || !(s->receive_mask & ~all));
	judge(ret, &p, good, "bad arguments");
	drop_target(&t);
}

static void do_kick(void)
{
	struct target t = pick_target(ANY);
	struct image im;
	struct mailbox_kick *k = (void *)image_of(&im, sizeof(*k))->bytes;
	struct place p;
	long ret;

	k->receivers = chance(30) ? 0 : draw();
	k->senders = chance(30) ? 0 : draw();
	mutate(&im, 15);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_kick, result(ioctl(t.fd, MAILBOX_IOC_KICK, p.user)));
	judge(ret, &p, size_good(&im) && !k->pad, "bad arguments");
	judge_direction(&t, ret, t.reads && t.writes);
	drop_target(&t);
}

/* Plain messages, by two calls in one. */
static void do_exchange(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);
	struct mailbox_message *out = &me.pair[0], *in = &me.pair[1];
	struct image im;
	struct mailbox_exchange *x = (void *)image_of(&im, sizeof(*x))->bytes, after;
	struct place p;
	long ret;

	memset(me.pair, 0, 2 * sizeof(*me.pair));
	out->size = sizeof(*out);
	out->length = pick_length(&t);
	out->data = (uintptr_t)sealed_source(out->length);
	out->lane = chance(40) ? MAILBOX_LANE_DEFAULT : below(t.known ? t.info.lanes : 3);
	out->tag = draw();
	out->deadline = pick_deadline(&out->flags);
	in->size = sizeof(*in);
	in->length = r.size;
	in->data = (uintptr_t)r.data;
	in->deadline = pick_deadline(&in->flags);
	x->fd = chance(40) ? -1 : chance(95) ? port_slot() : (int)draw();
	x->sent = chance(10);
	x->send = (uintptr_t)(chance(95) ? out : odd_address());
	x->receive = (uintptr_t)(chance(95) ? in : odd_address());
	mutate(&im, 10);
	p = choose_place(image_size(&im), false);
	put_image(&im, &p);
	ret = check(KIND_exchange, result(ioctl(t.fd, MAILBOX_IOC_EXCHANGE, p.user)));
	judge(ret, &p, size_good(&im) && !x->pad && x->sent <= 1, "bad arguments");
	if (t.known && !t.reads && ret != -EFAULT && ret != -EINVAL && ret != -E2BIG &&
	    ret != -EBADF)
		broken("%ld on a descriptor that cannot receive", ret);
	if (ret > 0)
		broken("returned %ld", ret);
	if (p.sound && !im.mutated) {
		memcpy(&after, p.memory, sizeof(after));
		if (!ret && !after.sent)
			broken("received before it was sent");
		if (after.sent > 1 || after.sent < x->sent || after.send != x->send ||
		    after.receive != x->receive || after.fd != x->fd)
			broken("inputs were written");
		if (!ret && r.sound && x->receive == (uintptr_t)in)
			check_sealed(r.data, in->length, in->length);
	}
	if (r.sound && !im.mutated)
		check_canary(&r);
	drop_target(&t);
}

/* Commands with another size, or of the other node, or of nobody. */
static void do_other_ioctl(void)
{
	static const __u32 known[] = {
		MAILBOX_IOC_QUERY, MAILBOX_IOC_OPEN,	/* these on both */
		MAILBOX_IOC_CREATE, MAILBOX_IOC_DELETE, MAILBOX_IOC_EVICT, MAILBOX_IOC_HOLDER,
		MAILBOX_IOC_SEND, MAILBOX_IOC_RECEIVE, MAILBOX_IOC_INFO, MAILBOX_IOC_SET_LANES,
		MAILBOX_IOC_KICK, MAILBOX_IOC_END, MAILBOX_IOC_RECEIPT, MAILBOX_IOC_FINISH,
		MAILBOX_IOC_EVENTFD, MAILBOX_IOC_NOTIFY, MAILBOX_IOC_EXCHANGE,
	};
	bool control = chance(40), none = false;
	int fd = control ? control_slot() : port_slot();
	void *arg = chance(70) ? (void *)(junk + below(BOX - PAGE)) : odd_address();
	__u32 command = known[below(17)];
	long ret;

	switch (below(4)) {
	case 0:				/* the size in the command does not count */
		command = (command & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
			  below(1U << _IOC_SIZEBITS) << _IOC_SIZESHIFT;
		break;
	case 1:
		command = control ? known[6 + below(10)] : known[2 + below(4)];
		none = true;
		break;
	case 2:
		command = _IOC(below(4), MAILBOX_IOC_TYPE, 0x1d + below(0xe3), below(256));
		none = true;
		break;
	case 3:
		command = PICK((__u32)FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX, FIONREAD, FIOQSIZE,
			       TCGETS, TIOCGWINSZ, 0x5450U, 0x1234U, 0xffffffffU);
		if (chance(50))
			command = _IOC(below(4), 0x80 + below(64), below(256), below(1024));
		if (_IOC_TYPE(command) == MAILBOX_IOC_TYPE)
			return;
		break;
	}
	ret = count(KIND_other_ioctl, result(ioctl(fd, command, arg)));
	if (none && ret != -ENOTTY && ret != -EBADF)
		broken("command %#x: %ld", command, ret);
}

/* Opening */

static void do_open_control(void)
{
	int flags = chance(3) ? O_PATH : PICK(O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK);

	settle(count(KIND_open_control, result(open(NODES "/control", flags))), control_slot());
}

static int pick_node_flags(void)
{
	return (chance(97) ? pick_open_flags() : O_ACCMODE) |
	       (chance(5) ? PICK(O_PATH, O_TRUNC, O_APPEND, O_DIRECT, O_NOFOLLOW, O_SYNC, O_ASYNC,
				 O_DIRECTORY) : 0);
}

static void do_open_node(void)
{
	char path[64];

	node_path(path, sizeof(path));
	settle(check(KIND_open_node, result(open(path, pick_node_flags()))), port_slot());
}

static void do_reopen(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", port_slot());
	settle(check(KIND_reopen, result(open(path, pick_node_flags()))), port_slot());
}

/* Reading and writing */

static void check_read(const struct target *t, const struct room *r, long ret)
{
	judge_direction(t, ret, t->reads);
	if (ret > (long)r->size || (t->known && ret > t->info.message_size))
		broken("read %ld bytes into %zu", ret, r->size);
	if (r->sound && ret > 0)
		check_sealed(r->data, ret, ret);
	check_canary(r);
}

static void do_read(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);

	check_read(&t, &r, check(KIND_read, result(read(t.fd, r.data, r.size))));
	drop_target(&t);
}

static void check_written(const struct target *t, size_t length, long ret)
{
	judge_direction(t, ret, t->writes);
	if (ret >= 0 && ret != (long)length)
		broken("wrote %ld bytes of %zu", ret, length);
	if (ret > 0 && t->known && ret > t->info.message_size)
		broken("wrote %ld bytes to a port of messages of %u", ret, t->info.message_size);
}

static void do_write(void)
{
	struct target t = pick_target(WRITES);
	size_t length = pick_length(&t);
	void *data = chance(85) ? sealed_source(length) : pick_source(length);
	long ret = check(KIND_write, result(write(t.fd, data, length)));

	if (!ret)
		broken("wrote nothing");
	check_written(&t, length, ret);
	drop_target(&t);
}

#define SEGMENTS	5U

/* One piece of memory as several; returns how many. */
static unsigned int split(struct iovec *v, unsigned char *data, size_t length)
{
	unsigned int n = 1 + below(SEGMENTS), i;

	for (i = 0; i < n; i++) {
		size_t part = i + 1 < n ? below(length + 1) : length;

		v[i].iov_base = data;
		v[i].iov_len = part;
		data += part;
		length -= part;
	}
	return n;
}

/* Spoils one segment; returns whether it did. */
static bool spoil(struct iovec *v, unsigned int n)
{
	if (!chance(8))
		return false;
	v += below(n);
	switch (below(3)) {
	case 0:
		v->iov_base = odd_address();
		break;
	case 1:
		v->iov_len = draw();
		break;
	case 2:
		v->iov_len = 0;
		v->iov_base = NULL;
		break;
	}
	return true;
}

static long vector(int fd, const struct iovec *v, unsigned int n, bool in)
{
	int flags = 0;

	switch (below(4)) {
	case 0:
		return result(in ? readv(fd, v, n) : writev(fd, v, n));
	case 1:
		flags = PICK(RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND, 0x8000);
		break;
	case 2:
		flags = RWF_NOWAIT;
		break;
	}
	return result(in ? preadv2(fd, v, n, -1, flags) : pwritev2(fd, v, n, -1, flags));
}

static void do_readv(void)
{
	struct target t = pick_target(READS);
	struct room r = pick_room(&t);
	struct iovec v[SEGMENTS];
	unsigned int n = split(v, r.data, r.size);
	bool whole = !spoil(v, n);
	long ret = check(KIND_readv, vector(t.fd, v, n, true));

	if (whole)
		check_read(&t, &r, ret);
	drop_target(&t);
}

static void do_writev(void)
{
	struct target t = pick_target(WRITES);
	size_t length = pick_length(&t);
	unsigned char *data = sealed_source(length);
	struct iovec v[SEGMENTS];
	unsigned int n = split(v, data, length);
	bool whole;
	long ret;

	whole = !spoil(v, n);
	if (!whole && length >= 8 && data >= me.outbox && data < me.outbox + OUT)
		memset(data, 0, 8);	/* it will not be what the header says */
	ret = check(KIND_writev, vector(t.fd, v, n, false));
	if (whole && length)
		check_written(&t, length, ret);
	drop_target(&t);
}

/* A device without a position. */
static void do_lseek(void)
{
	long ret = check(KIND_lseek, result(lseek(port_slot(), (long)draw(), below(6))));

	if (ret >= 0)
		broken("seeked to %ld", ret);
}

static void do_pread(void)
{
	int fd = port_slot();
	__u64 at = draw() >> below(64);
	long ret;

	if (chance(50))
		ret = result(pread(fd, me.inbox, 64, at));
	else
		ret = result(pwrite(fd, me.inbox, 64, at));
	if (check(KIND_pread, ret) >= 0)
		broken("a position was accepted");
}

/* Waiting */

static void do_poll(void)
{
	struct target t = pick_target(ANY);
	struct pollfd fds[4];
	unsigned int n = 1 + below(4), i;
	int timeout = chance(3) ? -1 : PICK(0, 0, 0, 1, 2);
	struct timespec wait = { .tv_nsec = timeout * 1000000L };
	sigset_t none;
	long ret;

	for (i = 0; i < n; i++) {
		fds[i].fd = i ? port_slot() : t.fd;
		fds[i].events = PICK(POLLIN, POLLOUT, POLLIN | POLLOUT, 0,
				     POLLIN | POLLRDNORM | POLLPRI, POLLRDHUP | POLLWRNORM, -1);
	}
	if (chance(50)) {
		ret = result(poll(fds, n, timeout));
	} else {
		sigemptyset(&none);
		ret = result(ppoll(fds, n, timeout < 0 ? NULL : &wait, chance(50) ? &none : NULL));
	}
	count(KIND_poll, ret);
	drop_target(&t);
	for (i = 0; ret > 0 && i < n; i++)
		if (fds[i].revents & ~(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI |
				       POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))
			broken("events %#x", fds[i].revents);
	if (ret <= 0 || !t.known || fds[0].fd < 0)
		return;
	if (fds[0].revents & (t.reads ? 0 : POLLIN | POLLRDNORM))
		broken("POLLIN for a writer");
	if (fds[0].revents & (t.writes ? 0 : POLLOUT | POLLWRNORM))
		broken("POLLOUT for a reader");
	if (fds[0].revents & POLLRDHUP && !(t.info.flags & MAILBOX_DIRECT))
		broken("POLLRDHUP of a port that is not direct");
	if (fds[0].revents & (t.writes ? 0 : POLLPRI))
		broken("POLLPRI for a reader");
	if (t.info.state == MAILBOX_STATE_DELETED && fds[0].revents & POLLOUT)
		broken("POLLOUT of a deleted port");
	if (fds[0].revents & POLLNVAL)
		broken("POLLNVAL");
}

static void do_epoll_ctl(void)
{
	struct epoll_event event = {
		.events = PICK(EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, 0),
		.data.u64 = draw(),
	};
	int slot = epoll_slot(), operation;

	event.events |= PICK(0U, 0U, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE,
			     EPOLLET | EPOLLEXCLUSIVE, EPOLLWAKEUP);
	if (chance(3)) {
		settle(epoll_create1(0), slot);
		return;
	}
	operation = PICK(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL);
	count(KIND_epoll_ctl, result(epoll_ctl(slot, operation, chance(95) ? port_slot() :
					       epoll_slot(), &event)));
}

static void do_epoll_wait(void)
{
	struct epoll_event events[8];

	count(KIND_epoll_wait, result(epoll_wait(epoll_slot(), events, 1 + below(8),
						 chance(3) ? -1 : PICK(0, 0, 1, 2))));
}

/* Whatever else can be done to a descriptor */

static void do_fcntl(void)
{
	int fd = port_slot();
	struct f_owner_ex owner = {
		.type = PICK(F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP),
	};
	struct flock lock = { .l_type = PICK(F_RDLCK, F_WRLCK, F_UNLCK), .l_whence = SEEK_SET };
	long ret;

	switch (below(8)) {
	case 0 ... 2:
		ret = fcntl(fd, F_SETFL, (chance(60) ? O_NONBLOCK : 0) |
			    (chance(50) ? O_ASYNC : 0) |
			    (chance(5) ? PICK(O_APPEND, O_DIRECT, O_NOATIME) : 0));
		break;
	case 3 ... 4:			/* never anybody but us: others would die of it */
		owner.pid = owner.type == F_OWNER_TID ? gettid() :
			    owner.type == F_OWNER_PID ? getpid() : getpgrp();
		ret = fcntl(fd, F_SETOWN_EX, &owner);
		break;
	case 5:
		ret = fcntl(fd, F_SETOWN, PICK(0, 0x3fffffff, INT32_MIN));
		break;
	case 6:
		ret = fcntl(fd, F_SETSIG, PICK(0, SIGUSR1, SIGIO, 65, -1));
		break;
	default:
		switch (below(5)) {
		case 0:
			ret = fcntl(fd, F_SETLK, &lock);
			break;
		case 1:
			ret = fcntl(fd, F_SETLEASE, F_RDLCK);
			break;
		case 2:
			ret = fcntl(fd, F_GETOWN_EX, &owner);
			break;
		case 3:
			ret = fcntl(fd, F_SETPIPE_SZ, 4096);
			break;
		default:
			ret = fcntl(fd, F_GETSIG);
			break;
		}
	}
	count(KIND_fcntl, result(ret));
}

/* As a slot for the mapping that nobody fills, or a message that nobody releases. */
static void do_in_place(int fd)
{
	struct mailbox_message m = {
		.size = sizeof(m), .flags = MAILBOX_SEND_IN_PLACE, .deadline = MAILBOX_NO_WAIT,
	};

	ioctl(fd, chance(50) ? MAILBOX_IOC_SEND : MAILBOX_IOC_RECEIVE, &m);
}

/* Returns whether it is still there: a mapping that was evicted is not. */
static bool touch(volatile char *p)
{
	if (sigsetjmp(me.elsewhere, 1)) {
		me.touching = false;
		return false;
	}
	me.touching = true;
	(void)*p;
	me.touching = false;
	return true;
}

/*
 * The mapping of a port whose name is known, by the port's owner or somebody else. The name, and
 * the endpoint's number, may be another port's by now: it was ours if none is given again.
 */
static bool evicted(const struct target *t)
{
	struct mailbox_evict e = { .size = sizeof(e), .endpoint = t->info.endpoint };
	void *again;

	memcpy(e.name, t->info.name, sizeof(e.name));
	if (check(KIND_evict, result(ioctl(control_slot(), MAILBOX_IOC_EVICT, &e))))
		return false;
	again = mmap(NULL, t->info.map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (again != MAP_FAILED)
		munmap(again, t->info.map_bytes);
	return again == MAP_FAILED && errno == ESHUTDOWN;
}

/* Somebody else may be evicting it, while it was another port's endpoint that we threw out. */
static bool stays(char *p)
{
	__u64 end = now_ns(CLOCK_MONOTONIC) + GONE_NS;

	while (touch(p)) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return true;
		usleep(1000);
	}
	return false;
}

static void use_mapping(const struct target *t, char *p)
{
	if (chance(50))
		do_in_place(t->fd);
	if (chance(20))
		usleep(below(3000));	/* for others to find it */
	touch(p);
	if (t->info.name[0] && chance(20) && evicted(t) && stays(p))
		broken("an evicted mapping can be read");
}

static void do_mmap(void)
{
	struct target t = pick_target(ANY);
	bool right = t.known && chance(70);
	size_t bytes = right && t.info.map_bytes ? t.info.map_bytes : PAGE * (1 + below(16));
	int prot = right ? PROT_READ | PROT_WRITE :
		   PICK(PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE,
			PROT_READ | PROT_EXEC);
	void *p = mmap(NULL, bytes, prot,
		       right ? MAP_SHARED : PICK(MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE),
		       t.fd, right ? 0 : PAGE * below(4));

	count(KIND_mmap, p == MAP_FAILED ? -errno : 0);
	if (p != MAP_FAILED) {
		if (right)
			use_mapping(&t, p);
		else if (prot & PROT_READ)
			touch(p);
		if (chance(50))
			sched_yield();
		if (prot & PROT_READ)
			touch(p);
		munmap(p, bytes);
	}
	drop_target(&t);
}

static void do_dup(void)
{
	int fd = result(dup(port_slot()));

	count(KIND_dup, fd);
	settle(fd, port_slot());
}

static void do_close(void)
{
	int slot = PORT_SLOT + COMMON_PORTS + below(PORT_SLOTS - COMMON_PORTS);

	if (chance(2))
		slot = epoll_slot();
	count(KIND_close, result(close(slot)));
}

static long slurp(const char *path, char *text, size_t size)
{
	int fd = result(open(path, O_RDONLY | O_CLOEXEC));
	long n;

	if (fd < 0)
		return fd;
	n = result(read(fd, text, size - 1));
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	return n;
}

static long spill(const char *path, const char *text)
{
	int fd = result(open(path, O_WRONLY | O_CLOEXEC));
	long ret;

	if (fd < 0)
		return fd;
	ret = result(write(fd, text, strlen(text)));
	close(fd);
	return ret;
}

static void do_fdinfo(void)
{
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", port_slot());
	count(KIND_fdinfo, slurp(path, text, sizeof(text)));
}

static const char *const attributes[] = {
	"message_size", "capacity", "lanes", "flags", "depth", "messages_sent", "messages_received",
	"messages_dropped", "redelivered", "waiting_senders", "waiting_receivers", "endpoints", "bytes",
	"leased", "uevent", "dev", "power/control", "no_such_thing",
};

static const char *attribute_path(char *path, size_t size)
{
	snprintf(path, size, CLASS "/fz-%u/%s", below(NODE_PORTS),
		 attributes[below(sizeof(attributes) / sizeof(*attributes))]);
	return path;
}

static void do_sysfs_read(void)
{
	char path[128], text[1024];
	long n;

	attribute_path(path, sizeof(path));
	n = count(KIND_sysfs_read, slurp(path, text, sizeof(text)));
	if (!n || (n > 0 && text[n - 1] != '\n'))
		broken("%s is %ld bytes", path, n);
}

static void do_sysfs_write(void)
{
	const char *value = PICK((const char *)"1\n", "add", "auto", "change", "");
	char path[128];

	attribute_path(path, sizeof(path));
	count(KIND_sysfs_write, spill(path, value));
}

/* The node as a file. */
static void do_node(void)
{
	char path[64];
	long ret;

	node_path(path, sizeof(path));
	switch (below(6)) {
	case 0 ... 1:
		ret = chmod(path, PICK(0666U, 0600U, 0660U, 0000U, 0444U));
		break;
	case 2 ... 3:
		ret = chown(path, PICK(0U, SOMEBODY, ~0U), PICK(0U, SOMEBODY, ~0U));
		break;
	case 4:
		ret = truncate(path, 0);
		break;
	default:
		ret = chance(20) ? unlink(path) : access(path, R_OK | W_OK);
		break;
	}
	count(KIND_node, result(ret));
}

static void do_splice(void)
{
	bool in = chance(50);

	count(KIND_splice, result(splice(in ? port_slot() : PIPE_SLOT, NULL,
					 in ? PIPE_SLOT + 1 : port_slot(), NULL, 1 + below(4096),
					 SPLICE_F_NONBLOCK | SPLICE_F_MOVE)));
}

static void do_sendfile(void)
{
	count(KIND_sendfile, result(sendfile(port_slot(), port_slot(), NULL, 1 + below(4096))));
}

/* Processes */

/* A child that has all descriptors, uses some, and ends in one way or the other. */
static void do_fork(void)
{
	struct itimerval limit = { .it_value = { .tv_usec = 1000 + below(20000) } };
	unsigned int calls = below(4), how = below(3);
	int status;
	pid_t pid = fork();

	count(KIND_fork, pid < 0 ? -errno : 0);
	if (!pid) {
		setitimer(ITIMER_REAL, &limit, NULL);	/* SIGALRM ends it, asleep or not */
		while (calls--) {
			int fd = port_slot();
			char data[64];

			if (chance(50))
				read(fd, data, sizeof(data));
			else
				write(fd, junk + 64, 16);
		}
		if (how == 0)
			kill(getpid(), SIGKILL);
		if (how == 1)
			close_range(CONTROL_SLOT, ~0U, 0);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

union control_message {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void do_pass(void)
{
	char byte = 0;
	struct iovec v = { &byte, 1 };
	union control_message control = { .bytes = "" };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)CMSG_DATA(c) = port_slot();
	count(KIND_pass, result(sendmsg(SOCKET_SLOT, &m, MSG_DONTWAIT)));
}

static void do_adopt(void)
{
	char byte;
	struct iovec v = { &byte, 1 };
	union control_message control;
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	long ret = count(KIND_adopt, result(recvmsg(SOCKET_SLOT + 1, &m, MSG_DONTWAIT)));
	struct cmsghdr *c = ret < 0 ? NULL : CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_type == SCM_RIGHTS)
		settle(*(int *)CMSG_DATA(c), port_slot());
}

/* As another user, for files and permissions: of this thread alone. */
static void do_become(void)
{
	setfsuid(chance(60) ? 0 : SOMEBODY);
	count(KIND_become, 0);
}

static void do_scribble(void)
{
	unsigned char *p = junk + below(BOX - 4096);
	__u32 n = below(512);

	while (n--)
		p[below(4096)] = draw();
	count(KIND_scribble, 0);
}

/*
 * A nameless port that nobody else has, beside a model of it: here every answer is
 * known. Structures and data are in shared memory that is present, so that no copy
 * of the kernel's fails; where one does all the same, for memory that moves, the
 * slot is lost for a while, which is counted: it must be rare.
 */
#define MODEL_LANES	4U
#define MODEL_SLOTS	8U

struct model {
	int fd;
	__u32 lanes, capacity, message_size;
	__u32 limit;			/* 0: none */
	__u32 mask, lane;		/* of SET_LANES */
	__u64 sent, received;
	__u64 registered, told;		/* notices, or 0 */
	struct model_lane {
		__u32 first, depth;
		__u64 next;		/* least ticket */
		struct {
			__u64 tag, ticket;
			__u32 length;
		} slot[MODEL_SLOTS];
	} of[MODEL_LANES];
};

/* The lane that a receive takes from, or NULL. */
static struct model_lane *model_highest(struct model *o, __u32 *lane)
{
	__u32 n;

	*lane = 0;
	for (n = o->lanes; n--;) {
		*lane = n;
		if (o->mask >> n & 1 && o->of[n].depth)
			return &o->of[n];
	}
	return NULL;
}

static __u32 model_depth(const struct model *o)
{
	__u32 n, depth = 0;

	for (n = 0; n < o->lanes; n++)
		depth += o->of[n].depth;
	return depth;
}

static bool model_full(const struct model *o, __u32 n)
{
	return o->limit ? model_depth(o) == o->limit : o->of[n].depth == o->capacity;
}

static struct mailbox_message *model_message(__u32 length)
{
	struct mailbox_message *m = (void *)me.desk;

	memset(m, 0, sizeof(*m));
	m->size = sizeof(*m);
	m->data = (uintptr_t)me.desk + PAGE;
	m->length = length;
	memset(me.desk + PAGE, 0, 512);
	return m;
}

static void model_send(struct model *o)
{
	bool plain = chance(40);
	__u32 n = plain ? o->lane : below(o->lanes + (chance(10) ? 1 : 0));
	__u32 length = below(o->message_size + 1 + chance(10));
	struct mailbox_message *m = model_message(length);
	struct model_lane *l = &o->of[n];
	long ret, expected = 0;

	seal(me.desk + PAGE, length);
	if (plain && !length)
		expected = -EINVAL;
	else if (n >= o->lanes && !o->limit)
		expected = -EINVAL;
	else if (length > o->message_size)
		expected = -EMSGSIZE;
	else if (o->limit ? model_full(o, 0) : model_full(o, n))
		expected = -EAGAIN;
	else if (n >= o->lanes)		/* room comes first where that is all that is waited for */
		expected = -EINVAL;
	m->lane = !plain && n == o->lane && below(2) ? MAILBOX_LANE_DEFAULT : n;
	m->tag = plain ? 0 : draw();
	do {
		ret = result(plain ? write(o->fd, me.desk + PAGE, length) :
			     ioctl(o->fd, MAILBOX_IOC_SEND, m));
	} while (ret == -EINTR);
	if (plain && ret > 0)
		ret -= length;
	atomic_fetch_add(&shared->model_sends, 1);
	if (ret == -EAGAIN && !expected) {
		atomic_fetch_add(&shared->model_voids, 1);
		return;
	}
	if (ret != expected)
		broken("model: send of %u to lane %u: %ld instead of %ld (%u in %u, %u in the lane)",
		       length, n, ret, expected, o->message_size, o->capacity,
		       n < o->lanes ? l->depth : 0);
	if (ret)
		return;
	if (o->registered && !model_depth(o)) {
		o->told = o->registered;
		o->registered = 0;
	}
	if (!plain && m->ticket < l->next)
		broken("model: ticket %llu after %llu", (unsigned long long)m->ticket,
		       (unsigned long long)l->next);
	n = (l->first + l->depth++) % MODEL_SLOTS;
	l->slot[n].tag = m->tag;
	l->slot[n].ticket = plain ? l->next : m->ticket;
	l->slot[n].length = length;
	l->next = l->slot[n].ticket + 1;
	o->sent++;
}

static void model_receive(struct model *o)
{
	bool plain = chance(40), truncate = !plain && chance(30);
	__u32 size = chance(70) ? o->message_size : below(o->message_size + 1), n;
	struct mailbox_message *m = model_message(size);
	struct model_lane *l = model_highest(o, &n);
	__u32 length = l ? l->slot[l->first].length : 0;
	long ret, expected = 0;

	if (!l)
		expected = -EAGAIN;
	else if (length > size && !truncate)
		expected = -EMSGSIZE;
	m->flags = truncate ? MAILBOX_RECV_TRUNCATE : 0;
	do {
		ret = result(plain ? read(o->fd, me.desk + PAGE, size) :
			     ioctl(o->fd, MAILBOX_IOC_RECEIVE, m));
	} while (ret == -EINTR);
	if (plain && ret > 0)
		ret -= length;
	if (ret != expected)
		broken("model: receive into %u: %ld instead of %ld", size, ret, expected);
	if (!plain && expected == -EMSGSIZE && m->length != length)
		broken("model: EMSGSIZE says %u instead of %u", m->length, length);
	if (ret || expected)
		return;
	if (!plain && (m->length != length || m->lane != n || m->tag != l->slot[l->first].tag ||
		       m->ticket < l->slot[l->first].ticket || m->pid != (__u32)getpid()))
		broken("model: received %u bytes, lane %u, ticket %llu, pid %u instead of %u, %u, %llu, %u",
		       m->length, m->lane, (unsigned long long)m->ticket, m->pid, length, n,
		       (unsigned long long)l->slot[l->first].ticket, getpid());
	check_sealed(me.desk + PAGE, length < size ? length : size, length);
	l->first = (l->first + 1) % MODEL_SLOTS;
	l->depth--;
	o->received++;
}

static void model_look(struct model *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLIN | POLLOUT };
	struct mailbox_info i = { .size = sizeof(i) };
	bool full = model_full(o, o->lane);
	__u32 n, depth = model_depth(o);

	ioctl(o->fd, MAILBOX_IOC_INFO, &i);
	if (i.depth != depth || i.messages_sent != o->sent || i.messages_received != o->received ||
	    i.limit != o->limit || i.endpoints != 1 || i.waiting_senders ||
	    i.waiting_receivers || i.messages_dropped)
		broken("model: info says %u, %llu, %llu instead of %u, %llu, %llu", i.depth,
		       (unsigned long long)i.messages_sent, (unsigned long long)i.messages_received,
		       depth, (unsigned long long)o->sent, (unsigned long long)o->received);
	while (poll(&p, 1, 0) < 0 && errno == EINTR)
		;
	/* A slot that is lost for a while may make a lane full, but takes no room. */
	if (!(p.revents & POLLIN) != !model_highest(o, &n) || (full && p.revents & POLLOUT) ||
	    (o->limit && !full && !(p.revents & POLLOUT)))
		broken("model: poll says %#x with %u queued, lanes %#x, lane %u full %d", p.revents,
		       depth, o->mask, o->lane, full);
}

static void model_set_lanes(struct model *o)
{
	struct mailbox_set_lanes s = {
		.size = sizeof(s),
		.receive_mask = 1 + below((1U << o->lanes) - 1),
		.default_lane = below(o->lanes),
	};

	if (ioctl(o->fd, MAILBOX_IOC_SET_LANES, &s))
		broken("model: SET_LANES: %s", strerrorname_np(errno));
	o->mask = s.receive_mask;
	o->lane = s.default_lane;
}

static long model_notice(struct model *o, __u32 how, __u64 *id)
{
	struct mailbox_notify n = {
		.size = sizeof(n), .how = how, .id = how == MAILBOX_NOTIFY_WAIT ? *id : 0,
	};
	long ret;

	do {
		ret = result(ioctl(o->fd, MAILBOX_IOC_NOTIFY, &n));
	} while (ret == -EINTR);
	if (!ret && how == MAILBOX_NOTIFY_WAIT && n.pid != (__u32)getpid())
		broken("model: told of pid %u instead of %u", n.pid, getpid());
	*id = n.id;
	return ret;
}

/* To be told of a message to the empty port; and what was told, or never will be. */
static void model_notify(struct model *o)
{
	long ret, expected;
	__u64 id = 0;

	switch (below(3)) {
	case 0:
		expected = !o->limit ? -EOPNOTSUPP : o->registered ? -EBUSY : 0;
		ret = model_notice(o, MAILBOX_NOTIFY_REGISTER, &id);
		if (!ret)
			o->registered = id;
		break;
	case 1:
		expected = o->limit ? 0 : -EOPNOTSUPP;
		ret = model_notice(o, MAILBOX_NOTIFY_CANCEL, &id);
		o->registered = 0;
		break;
	default:
		id = o->told;
		expected = !o->limit ? -EOPNOTSUPP : id ? 0 : -ECANCELED;
		ret = model_notice(o, MAILBOX_NOTIFY_WAIT, &id);
		o->told = 0;
		break;
	}
	if (ret != expected)
		broken("model: notify: %ld instead of %ld", ret, expected);
}

static void do_model(void)
{
	struct mailbox_create c = {
		.size = sizeof(c),
		.message_size = PICK(8U, 16U, 40U, 64U, 65U, 200U),
		.capacity = PICK(2U, 4U, 8U),
		.lanes = 1 + below(MODEL_LANES),
		.open_flags = O_RDWR | O_NONBLOCK | O_CLOEXEC,
	};
	__u32 limit = chance(40) ? 1 + below(c.capacity) : 0;
	struct model o = {
		.limit = limit, .lanes = c.lanes, .capacity = c.capacity,
		.message_size = c.message_size,
		.mask = (1U << c.lanes) - 1,
	};
	unsigned int steps = 8 + below(40);
	long ret;

	c.limit = limit;
	c.flags = limit ? MAILBOX_SEALED : 0;
	ret = result(ioctl(control_slot(), MAILBOX_IOC_CREATE, &c));
	count(KIND_model, ret);
	if (ret)
		return;
	o.fd = c.fd;
	while (steps-- && !atomic_load(&shared->stop)) {
		switch (below(13)) {
		case 12:
			model_notify(&o);
			break;
		case 0:
			model_set_lanes(&o);
			break;
		case 1:
			model_look(&o);
			break;
		case 2 ... 6:
			model_receive(&o);
			break;
		default:
			model_send(&o);
			break;
		}
	}
	close(o.fd);
}

/*
 * Likewise a port with one lane, and what becomes of each message: who asks for
 * receipts and who leases are the same, so every answer is known.
 */
#define PLEDGES		64U
#define PLEDGE_SLOTS	4U
#define PLEDGE_BYTES	64U

enum pledge_state { P_QUEUED, P_HELD, P_WAITING, P_DONE };

struct pledges {
	int fd;
	__u32 n;			/* messages sent */
	__u32 limit, dead;		/* of deliveries; messages given up */
	__u32 waiting, done;
	__u32 wait[PLEDGES];		/* given back, in order */
	__u32 finished[PLEDGES];	/* receipts, in order */
	struct pledge {
		__u64 tag, ticket;
		enum pledge_state state;
		bool receipt;		/* wanted, and not read */
		__u32 outcome, reply, departed;
		__u32 behind;		/* messages before this one come first */
	} of[PLEDGES];
};

static void pledge_remove(__u32 *list, __u32 *n, __u32 what)
{
	__u32 i;

	for (i = 0; i < *n && list[i] != what; i++)
		;
	if (i < *n)
		memmove(list + i, list + i + 1, (--*n - i) * sizeof(*list));
}

static void pledge_insert(__u32 *list, __u32 *n, __u32 at, __u32 what)
{
	memmove(list + at + 1, list + at, ((*n)++ - at) * sizeof(*list));
	list[at] = what;
}

static __u32 pledge_count(const struct pledges *o, enum pledge_state state)
{
	__u32 n = 0, i;

	for (i = 0; i < o->n; i++)
		n += o->of[i].state == state;
	return n;
}

/* The message to be received next, or PLEDGES. */
static __u32 pledge_next(const struct pledges *o)
{
	__u32 i, first = o->waiting ? o->wait[0] : PLEDGES;

	if (o->waiting && !o->of[first].behind)
		return first;
	for (i = 0; i < o->n; i++)
		if (o->of[i].state == P_QUEUED)
			return o->waiting && i >= o->of[first].behind ? first : i;
	return first;
}

static void pledge_done(struct pledges *o, __u32 i, __u32 outcome, __u32 reply)
{
	o->of[i].state = P_DONE;
	o->of[i].outcome = outcome;
	o->of[i].reply = reply;
	if (o->of[i].receipt)
		o->finished[o->done++] = i;
}

static void pledge_back(struct pledges *o, __u32 i, bool behind)
{
	__u32 at = o->waiting;

	if (++o->of[i].departed == o->limit) {
		o->dead++;
		pledge_done(o, i, MAILBOX_RECEIVER_DIED, 0);
		return;
	}
	o->of[i].state = P_WAITING;
	o->of[i].behind = behind ? o->n : 0;
	for (at = 0; at < o->waiting; at++)
		if (!behind && (o->of[o->wait[at]].behind || o->wait[at] > i))
			break;
	pledge_insert(o->wait, &o->waiting, at, i);
}

/* The same call again, as long as a signal ends it. */
static long pledge_call(struct pledges *o, unsigned long command, void *arg)
{
	long ret;

	do {
		ret = result(ioctl(o->fd, command, arg));
	} while (ret == -EINTR);
	return ret;
}

static void pledge_send(struct pledges *o)
{
	struct mailbox_message *m = model_message(below(PLEDGE_BYTES + 1));
	bool full = pledge_count(o, P_QUEUED) == PLEDGE_SLOTS;
	struct pledge *p = &o->of[o->n];
	long ret;

	seal(me.desk + PAGE, m->length);
	m->tag = draw();
	m->flags = PICK(0U, MAILBOX_SEND_RECEIPT, MAILBOX_SEND_RECEIPT, MAILBOX_SEND_SYNC);
	ret = pledge_call(o, MAILBOX_IOC_SEND, m);
	/* A message that was taken back leaves a void slot for a while. */
	if (ret == -EAGAIN)
		return;
	if (ret != (m->flags & MAILBOX_SEND_SYNC ? -EINPROGRESS : 0) || full) {
		broken("promise: send with flags %#x to a port of %u: %ld", m->flags,
		       pledge_count(o, P_QUEUED), ret);
		return;
	}
	*p = (struct pledge) { .tag = m->tag, .ticket = m->ticket, .receipt = m->flags };
	o->n++;
}

static void pledge_withdraw(struct pledges *o)
{
	struct mailbox_message *m = model_message(8);
	long ret;

	m->tag = draw();
	m->flags = MAILBOX_SEND_SYNC;
	m->deadline = now_ns(CLOCK_MONOTONIC) + below(200000);
	fcntl(o->fd, F_SETFL, 0);
	ret = result(ioctl(o->fd, MAILBOX_IOC_SEND, m));
	fcntl(o->fd, F_SETFL, O_NONBLOCK);
	if (ret != -ETIMEDOUT && ret != -EINTR)
		broken("promise: what nobody receives: %ld", ret);
}

static void pledge_receive(struct pledges *o)
{
	struct mailbox_message *m = model_message(PLEDGE_BYTES);
	bool lease = chance(70);
	__u32 i = pledge_next(o);
	struct pledge *p = &o->of[i];
	long ret;

	m->flags = lease ? MAILBOX_RECV_LEASE : 0;
	m->lease = chance(50) ? 0 : MAILBOX_FOREVER;
	ret = pledge_call(o, MAILBOX_IOC_RECEIVE, m);
	if (ret != (i < PLEDGES ? 0 : -EAGAIN))
		broken("promise: receive: %ld, but message %u is the next", ret, i);
	if (ret || i == PLEDGES)
		return;
	if (m->tag != p->tag || m->ticket != p->ticket)
		broken("promise: received ticket %llu instead of %llu",
		       (unsigned long long)m->ticket, (unsigned long long)p->ticket);
	if (m->flags >> MAILBOX_MSG_DEPARTED_SHIFT != p->departed ||
	    !(m->flags & MAILBOX_MSG_RECEIPT) != !p->receipt)
		broken("promise: received with flags %#x instead of %u times, receipt %d",
		       m->flags, p->departed, p->receipt);
	check_sealed(me.desk + PAGE, m->length, m->length);
	pledge_remove(o->wait, &o->waiting, i);
	p->state = P_HELD;
	if (!lease)
		pledge_done(o, i, MAILBOX_RECEIVED, 0);
}

static void pledge_finish(struct pledges *o)
{
	struct mailbox_finish *f = (void *)me.desk;
	__u32 i = below(o->n);
	struct pledge *p = &o->of[i];
	long ret, expected = 0;

	*f = (struct mailbox_finish) {
		.size = sizeof(*f), .how = 1 + below(5), .ticket = p->ticket,
	};
	if (f->how == MAILBOX_REPLY) {
		f->data = (uintptr_t)me.desk + PAGE;
		f->length = below(PLEDGE_BYTES + 2);
		seal(me.desk + PAGE, f->length);
	}
	if (f->length > PLEDGE_BYTES)
		expected = -EMSGSIZE;
	else if (p->state != P_HELD)
		expected = -ESTALE;
	else if (f->how == MAILBOX_REPLY && !p->receipt)
		expected = -EOPNOTSUPP;
	ret = pledge_call(o, MAILBOX_IOC_FINISH, f);
	if (ret != expected)
		broken("promise: finish %u of state %u: %ld instead of %ld", f->how, p->state, ret,
		       expected);
	if (ret || expected)
		return;
	if (f->how == MAILBOX_ACK || f->how == MAILBOX_REPLY)
		pledge_done(o, i, f->how == MAILBOX_ACK ? MAILBOX_ACKED : MAILBOX_REPLIED,
			    f->length);
	else if (f->how != MAILBOX_EXTEND)
		pledge_back(o, i, f->how == MAILBOX_NACK_BACK);
}

/* What is to be answered of this message, or PLEDGES for any. */
static long pledge_expect(const struct pledges *o, __u32 i, __u32 flags, __u32 size)
{
	const struct pledge *p = &o->of[i];

	if (i == PLEDGES)
		return -EAGAIN;
	if (!p->receipt)
		return -ESTALE;
	if (flags & MAILBOX_RECEIPT_STATUS)
		return 0;
	if (p->state != P_DONE)
		return -EAGAIN;
	return p->reply > size ? -EMSGSIZE : 0;
}

static void pledge_receipt(struct pledges *o)
{
	static const __u32 shown[] = { MAILBOX_QUEUED, MAILBOX_TAKEN, MAILBOX_TAKEN };
	__u32 flags = PICK(0U, MAILBOX_RECEIPT_TICKET,
			   MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS);
	__u32 i = flags ? below(o->n) : o->done ? o->finished[0] : PLEDGES;
	struct mailbox_receipt *r = (void *)me.desk;
	struct pledge *p = &o->of[i];
	long ret, expected;
	__u32 outcome;

	*r = (struct mailbox_receipt) {
		.size = sizeof(*r), .flags = flags, .data = (uintptr_t)me.desk + PAGE,
		.length = chance(80) ? PLEDGE_BYTES : below(PLEDGE_BYTES),
		.ticket = flags ? p->ticket : 0,
	};
	expected = pledge_expect(o, i, flags, r->length);
	ret = pledge_call(o, MAILBOX_IOC_RECEIPT, r);
	if (ret != expected)
		broken("promise: receipt with flags %#x: %ld instead of %ld", flags, ret, expected);
	if (ret || expected)
		return;
	outcome = p->state == P_DONE ? p->outcome : shown[p->state];
	if (r->outcome != outcome || r->tag != p->tag || r->ticket != p->ticket ||
	    r->length != p->reply)
		broken("promise: outcome %u, ticket %llu, a reply of %u instead of %u, %llu, %u",
		       r->outcome, (unsigned long long)r->ticket, r->length, outcome,
		       (unsigned long long)p->ticket, p->reply);
	if (flags & MAILBOX_RECEIPT_STATUS)
		return;
	check_sealed(me.desk + PAGE, r->length, r->length);
	p->receipt = false;
	pledge_remove(o->finished, &o->done, i);
}

static void pledge_look(struct pledges *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLIN | POLLPRI };
	struct mailbox_info i = { .size = sizeof(i) };
	__u32 queued = pledge_count(o, P_QUEUED), received = pledge_count(o, P_DONE) - o->dead;

	ioctl(o->fd, MAILBOX_IOC_INFO, &i);
	if (i.depth != queued + o->waiting || i.messages_sent != o->n ||
	    i.messages_received != received || i.messages_dropped != o->dead)
		broken("promise: info says %u, %llu, %llu instead of %u + %u, %u, %u", i.depth,
		       (unsigned long long)i.messages_sent, (unsigned long long)i.messages_received,
		       queued, o->waiting, o->n, received);
	while (poll(&p, 1, 0) < 0 && errno == EINTR)
		;
	if (!(p.revents & POLLIN) != (pledge_next(o) == PLEDGES) ||
	    !(p.revents & POLLPRI) != !o->done)
		broken("promise: poll says %#x with %u queued, %u waiting, %u receipts",
		       p.revents, queued, o->waiting, o->done);
}

static void pledge_step(struct pledges *o)
{
	switch (below(o->n ? 24 : 9)) {
	case 0 ... 7:
		pledge_send(o);
		break;
	case 8:
		pledge_withdraw(o);
		break;
	case 9 ... 14:
		pledge_receive(o);
		break;
	case 15 ... 18:
		pledge_finish(o);
		break;
	case 19:
		pledge_look(o);
		break;
	default:
		pledge_receipt(o);
		break;
	}
}

static void do_promise(void)
{
	struct mailbox_create c = {
		.size = sizeof(c), .message_size = PLEDGE_BYTES, .capacity = PLEDGE_SLOTS,
		.open_flags = O_RDWR | O_NONBLOCK | O_CLOEXEC,
		.max_deliveries = PICK(0U, 0U, 1U, 2U, 3U),
	};
	struct pledges o = { .limit = c.max_deliveries };
	unsigned int steps = 8 + below(PLEDGES - 8);
	long ret = result(ioctl(control_slot(), MAILBOX_IOC_CREATE, &c));

	count(KIND_promise, ret);
	if (ret)
		return;
	o.fd = c.fd;
	while (steps-- && !atomic_load(&shared->stop))
		pledge_step(&o);
	close(o.fd);
}

/* Threads */

static void on_signal(int sig)
{
	(void)sig;
}

/* A mapping was evicted while we looked at it. */
static void on_bus_error(int sig)
{
	if (me.touching)
		siglongjmp(me.elsewhere, 1);
	signal(sig, SIG_DFL);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	struct sigaction bus_error = { .sa_handler = on_bus_error };

	sigaction(SIGBUS, &bus_error, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGIO, &action, NULL);
}

static void (*const functions[])(void) = {
#define KIND_FUNCTION(name, weight)	do_##name,
	KINDS(KIND_FUNCTION)
};

static const unsigned short weights[] = {
#define KIND_WEIGHT(name, weight)	weight,
	KINDS(KIND_WEIGHT)
};

static enum kind pick_kind(void)
{
	static unsigned int total;
	unsigned int kind, sum = 0, at;

	if (!total) {
		for (kind = 0; kind < KIND_MAX; kind++)
			sum += weights[kind];
		total = sum;
	}
	at = below(total);
	for (kind = 0; at >= weights[kind]; kind++)
		at -= weights[kind];
	return kind;
}

static void thread_memory(void)
{
	int fd = memfd_create("desk", MFD_CLOEXEC);
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1, ._sigev_un._tid = gettid(),
	};

	if (fd < 0 || ftruncate(fd, DESK) < 0)
		_exit(1);
	me.window = WINDOW(me.number);
	me.desk = map_window(&me.window, DESK, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	me.desk_ro = map_window(&me.window, DESK, PROT_READ, MAP_SHARED, fd);
	me.inbox = map_private(BOX);
	me.outbox = map_private(OUT);
	me.slip = map_end(sizeof(*me.slip));
	me.end = map_end(sizeof(*me.end));
	me.pair = map_end(2 * sizeof(*me.pair));
	me.vectors = map_end(VECTORS * sizeof(*me.vectors));
	me.details = map_end(VECTORS * sizeof(*me.details));
	close(fd);
	if (threads > 1 && timer_create(CLOCK_MONOTONIC, &event, &me.timer))
		_exit(1);
}

/* A signal in the middle of what comes. */
static void arm_timer(void)
{
	struct itimerspec at = { .it_value = { .tv_nsec = 1000 + below(500000) } };

	if (chance(4) && threads > 1)
		timer_settime(me.timer, 0, &at, NULL);
}

struct start {
	unsigned int number;
	__u64 first;
};

static void *thread_main(void *arg)
{
	const struct start *start = arg;
	struct record *r = &shared->record[start->number];
	__u64 k;

	me.number = start->number;
	me.record = r;
	thread_memory();
	atomic_store(&r->pid, getpid());
	atomic_store(&r->tid, gettid());
	for (k = start->first; k - start->first < operations_max; k++) {
		if (atomic_load(&shared->stop))
			break;
		me.random = scramble(seed ^ scramble(((__u64)me.number << 56) ^ k));
		atomic_store(&r->kind, pick_kind());
		atomic_store(&r->operation, k);
		if (trace)
			dprintf(1, "# %u %llu %s\n", me.number, (unsigned long long)k,
				kind_names[r->kind]);
		atomic_fetch_add(&r->turn, 1);
		arm_timer();
		functions[r->kind]();
		r->operations++;
	}
	atomic_store(&r->tid, 0);
	return NULL;
}

/* A process with its threads; @first counts their operations. */
static void __attribute__((noreturn)) process_main(unsigned int base, unsigned int n,
						   __u64 first)
{
	struct start start[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	unsigned int i;
	int pipes[2];

	for (i = 0; i < CONTROL_SLOTS; i++) {
		int fd = open(NODES "/control", O_RDWR | O_CLOEXEC);

		dup3(fd, CONTROL_SLOT + i, O_CLOEXEC);
		close(fd);
	}
	/* Something to begin with. */
	me.random = scramble(seed ^ scramble(~first));
	for (i = COMMON_PORTS; i < PORT_SLOTS; i++)
		refill(PORT_SLOT + i);
	for (i = 0; i < EPOLL_SLOTS; i++) {
		int fd = epoll_create1(0);

		dup3(fd, EPOLL_SLOT + i, O_CLOEXEC);
		close(fd);
	}
	if (pipe2(pipes, O_NONBLOCK) < 0)
		_exit(1);
	dup2(pipes[0], PIPE_SLOT);
	dup2(pipes[1], PIPE_SLOT + 1);
	close(pipes[0]);
	close(pipes[1]);
	for (i = 0; i < n; i++) {
		start[i] = (struct start) { base + i, first };
		if (pthread_create(&ids[i], NULL, thread_main, &start[i]))
			_exit(1);
	}
	for (i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	_exit(0);
}

/* Without this one the limit of memory counts for root too. */
static void drop_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return;
	data[capability / 32].effective &= ~(1U << capability % 32);
	data[capability / 32].permitted &= ~(1U << capability % 32);
	syscall(SYS_capset, &header, data);
}

static pid_t start_process(unsigned int base, unsigned int n, __u64 first, unsigned int user)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (user && (setgroups(0, NULL) || setresgid(SOMEBODY, SOMEBODY, SOMEBODY) ||
		     setresuid(SOMEBODY, SOMEBODY, SOMEBODY)))
		_exit(1);
	if (user > 1)
		unshare(CLONE_NEWUSER);		/* may be forbidden */
	else if (!user)
		drop_capability(CAP_SYS_RESOURCE);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	process_main(base, n, first);
}

/* The first process: it makes no calls, but sees that the others come back. */

/* Says where a thread is stuck. */
static void report_stuck(const struct record *r, unsigned int number)
{
	char path[64], call[128] = "", stack[700] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", r->pid, r->tid);
	slurp(path, call, sizeof(call));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", r->pid, r->tid);
	slurp(path, stack, sizeof(stack));
	broken("thread %u operation %llu %s: does not come back; in call %s%s", number,
	       (unsigned long long)r->operation, kind_names[r->kind], call, stack);
}

/* Threads that sit in a call for a while get a signal, and another, and another. */
static void poke(__u64 turns[RECORDS], __u64 since[RECORDS])
{
	__u64 now = now_ns(CLOCK_MONOTONIC);
	unsigned int i;

	for (i = 0; i < RECORDS; i++) {
		const struct record *r = &shared->record[i];
		__u64 turn = r->turn;
		pid_t tid = r->tid;

		if (!tid || turn != turns[i]) {
			turns[i] = turn;
			since[i] = now;
			continue;
		}
		if (now - since[i] < 8 * NS_PER_MS)
			continue;
		syscall(SYS_tgkill, r->pid, tid, SIGUSR1);
		if (now - since[i] > STUCK_NS) {
			report_stuck(r, i);
			since[i] = now;
		}
	}
}

/* The threads of the process that is gone. */
static void forget_threads(unsigned int base, unsigned int n)
{
	while (n--)
		atomic_store(&shared->record[base + n].tid, 0);
}

/*
 * A round: until then, or everybody is done, or something is broken. Returns
 * whether operations are left.
 */
static bool run(__u64 end, __u64 round)
{
	__u64 kill_at = 0, patience, random = scramble(seed ^ scramble(~round));
	__u64 turns[RECORDS] = {}, since[RECORDS] = {}, generation = round << 40;
	pid_t worker = start_process(0, threads, generation, 0), killed = 0;
	bool done = false;
	int status;

	while (worker > 0 && !atomic_load(&shared->stop)) {
		struct timespec nap = { .tv_nsec = 2 * NS_PER_MS };
		__u64 now = now_ns(CLOCK_MONOTONIC);

		nanosleep(&nap, NULL);
		poke(turns, since);
		if (waitpid(worker, &status, WNOHANG) == worker) {
			worker = 0;
			done = true;
			if (status)
				broken("the fuzzer itself ended with status %#x", status);
		}
		if (now > end)
			break;
		if (threads == 1 || now < kill_at)
			continue;
		if (killed > 0) {
			kill(killed, SIGKILL);
			waitpid(killed, &status, 0);
			if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
				broken("the fuzzer itself ended with status %#x", status);
		}
		forget_threads(threads, KILLED_THREADS);
		generation += 1ULL << 24;
		killed = start_process(threads, KILLED_THREADS, generation,
				       random_next(&random) % 4 % 3);
		kill_at = now + (30 + random_next(&random) % 800) * NS_PER_MS;
	}
	atomic_store(&shared->stop, true);
	if (killed > 0) {
		kill(killed, SIGKILL);
		waitpid(killed, &status, 0);
	}
	patience = now_ns(CLOCK_MONOTONIC) + 2 * STUCK_NS;
	while (worker > 0 && waitpid(worker, &status, WNOHANG) != worker) {
		struct timespec nap = { .tv_nsec = 2 * NS_PER_MS };

		nanosleep(&nap, NULL);
		poke(turns, since);
		if (now_ns(CLOCK_MONOTONIC) > patience) {
			kill(worker, SIGKILL);
			waitpid(worker, &status, 0);
			broken("threads did not end");
			worker = 0;
		}
	}
	if (worker > 0 && status)
		broken("the fuzzer itself ended with status %#x", status);
	forget_threads(0, threads + KILLED_THREADS);
	/* Orphans of do_fork() come to us; their timer ends them. */
	while (waitpid(-1, &status, 0) > 0)
		;
	return !done;
}

/* How it was before, and is to be in the end. */
struct state {
	unsigned int ports;
	__u64 root_bytes, user_bytes;
	unsigned int names;
	char name[64][MAILBOX_NAME_SIZE];
};

static struct mailbox_query query_as(uid_t uid)
{
	struct mailbox_query q = { .size = sizeof(q) };

	setfsuid(uid);
	if (ioctl(control, MAILBOX_IOC_QUERY, &q))
		broken("MAILBOX_IOC_QUERY: %s", strerrorname_np(errno));
	setfsuid(0);
	return q;
}

static void look(struct state *s)
{
	struct mailbox_query q = query_as(SOMEBODY);
	DIR *dir = opendir(CLASS);
	struct dirent *d;

	s->user_bytes = q.user_bytes;
	q = query_as(0);
	s->root_bytes = q.user_bytes;
	s->ports = q.ports;
	s->names = 0;
	while (dir && (d = readdir(dir)) && s->names < 64)
		if (d->d_name[0] != '.')
			snprintf(s->name[s->names++], MAILBOX_NAME_SIZE, "%.63s", d->d_name);
	if (dir)
		closedir(dir);
}

static bool has_name(const struct state *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->names; i++)
		if (!strcmp(s->name[i], name))
			return true;
	return false;
}

static bool wait_until(bool (*is)(void *), void *arg)
{
	__u64 end = now_ns(CLOCK_MONOTONIC) + GONE_NS;
	struct timespec nap = { .tv_nsec = NS_PER_MS };

	while (!is(arg)) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

static bool alone(void *fd)
{
	struct mailbox_info i = { .size = sizeof(i) };

	return !ioctl(*(int *)fd, MAILBOX_IOC_INFO, &i) && i.endpoints == 1 && !i.waiting_senders &&
	       !i.waiting_receivers;
}

/* Leases that an endpoint holds, which is not told otherwise. */
static __u32 leases_held(int fd)
{
	char path[64], text[1024], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (slurp(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "mailbox-leases:");
	return line ? strtoul(line + strlen("mailbox-leases:"), NULL, 10) : 0;
}

/* The books, while leases may end by themselves. */
struct books {
	int fd;
	__u32 held;
	struct mailbox_info info;
};

static bool balanced(void *arg)
{
	struct books *b = arg;
	__u32 held = leases_held(b->fd);

	b->info.size = sizeof(b->info);
	if (ioctl(b->fd, MAILBOX_IOC_INFO, &b->info))
		return false;
	b->held = leases_held(b->fd);
	return held == b->held && b->info.messages_sent == b->info.messages_received +
	       b->info.messages_dropped + b->info.depth + held;
}

/* All that is queued; returns how many. */
static __u32 drain(int fd, __u32 size)
{
	struct mailbox_set_lanes s = { .size = sizeof(s), .receive_mask = ~0U };
	char *data = malloc(size);
	struct mailbox_message m;
	__u32 n = 0;

	if (!data || ioctl(fd, MAILBOX_IOC_SET_LANES, &s))
		broken("SET_LANES: %s", strerrorname_np(errno));
	for (;;) {
		m = (struct mailbox_message) {
			.size = sizeof(m), .data = (uintptr_t)data, .length = size,
		};
		if (!data || ioctl(fd, MAILBOX_IOC_RECEIVE, &m))
			break;
		check_sealed(data, m.length, m.length);
		book_received(m.tag);
		n++;
	}
	free(data);
	return n;
}

/* All others are gone: what is left in a port can be counted. */
static void check_left(int fd, const char *name)
{
	struct books b = { .fd = fd };
	const struct mailbox_info *i = &b.info;
	__u32 n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!wait_until(alone, &fd))
		broken("%s: sleepers or endpoints of nobody are left", name);
	if (!wait_until(balanced, &b))
		broken("%s: sent %llu, received %llu, dropped %llu, %u queued, %u leased", name,
		       (unsigned long long)i->messages_sent,
		       (unsigned long long)i->messages_received,
		       (unsigned long long)i->messages_dropped, i->depth, b.held);
	check_info(i);
	n = drain(fd, i->message_size);
	if (errno != EAGAIN && errno != EIDRM && !(errno == EPIPE && i->flags & MAILBOX_DIRECT))
		broken("%s: the last receive: %s", name, strerrorname_np(errno));
	if (n < i->depth || n > i->depth + b.held)
		broken("%s: %u messages queued, %u leased, %u received", name, i->depth, b.held, n);
}

static long end_port(const char *name)
{
	struct mailbox_delete d = { .size = sizeof(d) };

	snprintf(d.name, sizeof(d.name), "%s", name);
	return result(ioctl(control, MAILBOX_IOC_DELETE, &d));
}

static void end_left(const char *name)
{
	struct mailbox_open o = { .size = sizeof(o), .open_flags = O_RDWR };

	strncpy(o.name, name, MAILBOX_NAME_MAX);
	if (ioctl(control, MAILBOX_IOC_OPEN, &o))
		broken("%s is left, but: %s", name, strerrorname_np(errno));
	else
		check_left(o.fd, name);
	if (end_port(name))
		broken("%s is left, and not deleted: %s", name, strerrorname_np(errno));
	close(o.fd);
}

static bool as_before(void *arg)
{
	const struct state *before = arg;
	struct state now;

	look(&now);
	return now.ports == before->ports && now.root_bytes == before->root_bytes &&
	       now.user_bytes == before->user_bytes && now.names == before->names;
}

static void check_end(const struct state *before)
{
	struct state now;
	unsigned int i;

	look(&now);
	for (i = 0; i < now.names; i++)
		if (!has_name(before, now.name[i]))
			end_left(now.name[i]);
	if (wait_until(as_before, (void *)before))
		return;
	look(&now);
	broken("ports %u, root's bytes %llu, the user's %llu, names %u; before %u, %llu, %llu, %u",
	       now.ports, (unsigned long long)now.root_bytes, (unsigned long long)now.user_bytes,
	       now.names, before->ports, (unsigned long long)before->root_bytes,
	       (unsigned long long)before->user_bytes, before->names);
}

/* After a round: nobody is there but us. */
static void check_round(const struct state *before)
{
	unsigned int was = atomic_load(&shared->broken), i;

	/* With them go the descriptors that are on their way. */
	close(SOCKET_SLOT);
	close(SOCKET_SLOT + 1);
	for (i = 0; i < COMMON_PORTS; i++) {
		if (was == atomic_load(&shared->broken))
			check_left(PORT_SLOT + i, "a port of all");
		close(PORT_SLOT + i);
	}
	check_end(before);
	if (shared->model_voids * 50 > shared->model_sends + 5000)
		broken("the model's port was full before its time too often");
}

static void check_fresh(void)
{
	char text[256] = "";
	int fd = make("fz-fresh", MAILBOX_EXCLUSIVE, 2, 0), i;
	int node = open(NODES "/fz-fresh", O_RDWR | O_NONBLOCK);

	if (fd < 0 || node < 0)
		broken("fresh port: create %d, open %d", fd, node);
	for (i = 0; i < 100; i++)
		if (write(fd, "fresh", 5) != 5 || read(node, text, sizeof(text)) != 5 ||
		    memcmp(text, "fresh", 5))
			broken("fresh port: turn %d: %s", i, text);
	if (write(node, "last", 4) != 4 || end_port("fz-fresh"))
		broken("fresh port: the last message");
	if (read(fd, text, sizeof(text)) != 4 || read(fd, text, sizeof(text)) >= 0 ||
	    errno != EIDRM)
		broken("fresh port: after delete: %s", strerrorname_np(errno));
	close(fd);
	close(node);
}

/* So that memory stays small; returns what it was. */
static const char *set_parameter(const char *name, const char *value)
{
	static char old[4][64];
	static unsigned int turn;
	char path[128], *was = old[turn++ % 4];

	snprintf(path, sizeof(path), PARAMETERS "/%s", name);
	slurp(path, was, sizeof(old[0]));
	spill(path, value);
	return was;
}

static void print_counts(void)
{
	__u64 total = 0, sum[KIND_MAX][ERRNOS] = {};
	unsigned int i, k, e;

	for (i = 0; i < RECORDS; i++) {
		total += shared->record[i].operations;
		for (k = 0; k < KIND_MAX; k++)
			for (e = 0; e < ERRNOS; e++)
				sum[k][e] += shared->record[i].count[k][e];
	}
	for (k = 0; k < KIND_MAX && verbose; k++) {
		__u64 all = 0;

		for (e = 0; e < ERRNOS; e++)
			all += sum[k][e];
		printf("# %-13s %8llu  ok %3llu%%", kind_names[k], (unsigned long long)all,
		       (unsigned long long)(all ? 100 * sum[k][0] / all : 0));
		for (e = 1; e < ERRNOS; e++)
			if (sum[k][e])
				printf("  %s %llu", strerrorname_np(e) ?: "?",
				       (unsigned long long)sum[k][e]);
		printf("\n");
	}
	printf("# messages compared with what was sent: %llu; model: %llu sends, %llu slots void; counts below zero: %llu; failed sends booked: %llu\n",
	       (unsigned long long)shared->verified, (unsigned long long)shared->model_sends,
	       (unsigned long long)shared->model_voids, (unsigned long long)shared->wrapped,
	       (unsigned long long)shared->taken_back);
	printf("# operations: %llu:", (unsigned long long)total);
	for (k = 0; k < KIND_MAX; k++) {
		__u64 all = 0;

		for (e = 0; e < ERRNOS; e++)
			all += sum[k][e];
		printf(" %s %llu", kind_names[k], (unsigned long long)all);
	}
	printf("\n");
}

/* A TAP line, after what was found: of all that is broken, @from to @to. */
static void __attribute__((format(printf, 4, 5))) verdict(unsigned int n, unsigned int from,
							  unsigned int to, const char *format, ...)
{
	unsigned int i;
	va_list args;

	for (i = from; i < to && i < BROKEN_MAX; i++) {
		char *line, *rest = shared->said[i];

		while ((line = strsep(&rest, "\n")))
			printf("# %s\n", line);
	}
	printf("%sok %u ", to > from ? "not " : "", n);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static __u64 number_of(const char *text, const char *variable, __u64 otherwise)
{
	if (!text)
		text = getenv(variable);
	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* What all processes have: the socket, and a few ports. */
static void make_common(void)
{
	struct rlimit limit = { .rlim_cur = FILES_MAX, .rlim_max = FILES_MAX };
	int pair[2], i;

	setrlimit(RLIMIT_NOFILE, &limit);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) ||
	    dup2(pair[0], SOCKET_SLOT) < 0 || dup2(pair[1], SOCKET_SLOT + 1) < 0)
		exit(1);
	close(pair[0]);
	close(pair[1]);
	for (i = 0; i < COMMON_PORTS; i++) {
		int fd = make("", 0, 1 + i, 0);

		if (fd < 0 || dup2(fd, PORT_SLOT + i) < 0) {
			printf("Bail out! cannot make a port: %s\n", strerror(errno));
			exit(1);
		}
		close(fd);
		if (i & 1)
			fcntl(PORT_SLOT + i, F_SETFL, 0);	/* calls on it sleep */
	}
}

int main(int argc, char **argv)
{
	const char *s = NULL, *t = NULL, *n = NULL, *j = NULL, *port_bytes, *user_bytes;
	char port_limit[32], user_limit[32];
	struct state before;
	__u64 random, end, total = 0, round = 0;
	unsigned int in_run, found, seconds, i;
	bool more;
	int option;

	while ((option = getopt(argc, argv, "s:t:n:j:vx")) != -1) {
		switch (option) {
		case 's':
			s = optarg;
			break;
		case 't':
			t = optarg;
			break;
		case 'n':
			n = optarg;
			break;
		case 'j':
			j = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'x':
			trace = true;
			break;
		default:
			fprintf(stderr, "usage: %s [-s SEED] [-t SECONDS] [-n OPERATIONS] [-j THREADS] [-v] [-x]\n",
				argv[0]);
			return 2;
		}
	}
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = now_ns(CLOCK_REALTIME);
	seed = number_of(s, "FUZZ_SEED", random & 0xffffffff);
	seconds = number_of(t, "FUZZ_SECONDS", 30);
	operations_max = number_of(n, "FUZZ_OPERATIONS", ULLONG_MAX);
	threads = number_of(j, "FUZZ_THREADS", threads);
	verbose |= number_of(NULL, "FUZZ_VERBOSE", 0);
	magic = scramble(seed ^ 0x6d61696c626f78ULL) | 1;
	if (!threads || threads > THREADS_MAX) {
		fprintf(stderr, "1 to %u threads\n", THREADS_MAX);
		return 2;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..3\n# seed: %llu\n", (unsigned long long)seed);
	printf("# threads: %u%s\n", threads, threads > 1 ?
	       " (-j 1 repeats a run exactly by its seed)" : ", so the seed repeats the run exactly");
	control = open(NODES "/control", O_RDWR | O_CLOEXEC);
	if (control < 0) {
		printf("Bail out! " NODES "/control: %s\n", strerror(errno));
		return 1;
	}
	shared = map(sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	random = WINDOW(COMMON_WINDOW);
	junk = map_window(&random, BOX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	for (i = 0, random = seed; i < BOX; i += 8)
		*(__u64 *)(junk + i) = random_next(&random) & ~0xffULL;
	umask(0);
	setpgid(0, 0);			/* signals to the group are for us alone */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	catch_signals();
	snprintf(port_limit, sizeof(port_limit), "%lu", PORT_BYTES);
	snprintf(user_limit, sizeof(user_limit), "%lu", USER_BYTES);
	port_bytes = set_parameter("max_port_bytes", port_limit);
	user_bytes = set_parameter("max_user_bytes", user_limit);

	port_bytes_max = query_as(0).max_port_bytes;
	look(&before);
	end = now_ns(CLOCK_MONOTONIC) + seconds * 1000000000ULL;
	do {
		__u64 now = now_ns(CLOCK_MONOTONIC);

		atomic_store(&shared->stop, false);
		make_common();
		more = run(end - now > 2 * ROUND_NS ? now + ROUND_NS : end, round++);
		in_run = atomic_load(&shared->broken);
		check_round(&before);
	} while (more && !atomic_load(&shared->broken) && now_ns(CLOCK_MONOTONIC) < end);
	print_counts();
	for (i = 0; i < RECORDS; i++)
		total += shared->record[i].operations;
	verdict(1, 0, in_run, "fuzz seed %llu: %llu operations, %llu rounds", seed, total, round);
	found = atomic_load(&shared->broken);
	verdict(2, in_run, found, "fuzz seed %llu: nothing is left after a round", seed);
	check_fresh();
	verdict(3, found, atomic_load(&shared->broken), "fuzz seed %llu: a fresh port works", seed);
	set_parameter("max_port_bytes", port_bytes);
	set_parameter("max_user_bytes", user_bytes);
	return atomic_load(&shared->broken) ? 1 : 0;
}
