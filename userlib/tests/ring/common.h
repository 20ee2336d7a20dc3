/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the slot protocol share: a lane in a memfd, chance with a seed,
 * and the runner. Include <linux/mailbox_atomic.h> first, to replace what is in it.
 */
#ifndef RING_COMMON_H
#define RING_COMMON_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/mailbox_ring.h>

#ifndef MESSAGES		/* of each sender, in the cases with many */
#define MESSAGES 60000
#endif

#ifndef CASE_SECONDS
#define CASE_SECONDS	60
#endif
#define LAP		(1ULL << 36)	/* positions after which the sequence repeats */
#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

#define SENDER		7U
#define RECEIVER	9U

#define FREE		MAILBOX_PHASE_FREE
#define WRITING		MAILBOX_PHASE_WRITING
#define READY		MAILBOX_PHASE_READY
#define READING		MAILBOX_PHASE_READING
#define VOID		MAILBOX_PHASE_VOID
#define PARKED		MAILBOX_OWNER_PARKED

static unsigned long long seed;

#define CHECK(condition) do {							\
	if (!(condition)) {							\
		printf("# line %d: %s (seed %llu)\n", __LINE__, #condition, seed); \
		fflush(stdout);							\
		_exit(1);							\
	}									\
} while (0)

/* splitmix64 */
static inline __u64 next_random(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline __u64 below(__u64 *state, __u64 limit)
{
	return next_random(state) % limit;
}

/*
 * A lane in a memfd, mapped twice: what is done through one is looked at
 * through the other.
 */
struct ring {
	int fd;
	size_t bytes;
	struct mailbox_lane lane;
	struct mailbox_lane other;
};

static inline void *map(const struct ring *r)
{
	void *memory = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* A lane that has seen @start messages. */
static inline void lane_reset(const struct mailbox_lane *lane, __u64 start)
{
	__u64 i;

	for (i = 0; i < lane->capacity; i++)
		mailbox_lane_slot(lane, start + i)->word = mailbox_word(start + i, 0, FREE);
}

static inline struct ring ring_make(__u32 capacity, __u32 message_size, __u64 start)
{
	struct ring r;

	r.lane.capacity = capacity;
	r.lane.stride = (__u32)mailbox_slot_stride(message_size);
	r.bytes = (size_t)capacity * r.lane.stride;
	r.fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK(r.fd >= 0 && !ftruncate(r.fd, (off_t)r.bytes));
	r.other = r.lane;
	r.lane.slots = map(&r);
	r.other.slots = map(&r);
	lane_reset(&r.lane, start);
	return r;
}

static inline void ring_drop(struct ring *r)
{
	munmap(r->lane.slots, r->bytes);
	munmap(r->other.slots, r->bytes);
	close(r->fd);
}

static inline void set_word(const struct mailbox_lane *lane, __u64 position, __u64 word)
{
	mailbox_lane_slot(lane, position)->word = word;
}

/* The runner */

#define CASE(function) { #function, function }

struct ring_case {
	const char *name;
	void (*run)(void);
};

static inline int run_cases(const struct ring_case *cases, int count, int argc, char **argv)
{
	struct timespec ts;
	int failed = 0, i;

	clock_gettime(CLOCK_REALTIME, &ts);
	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (unsigned long long)ts.tv_nsec + 1;
	printf("# seed %llu\n", seed);
	for (i = 0; i < count; i++) {
		int status = -1;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			alarm(CASE_SECONDS);
			cases[i].run();
			exit(0);	/* by way of the sanitizers' last words */
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			printf("# %s\n", strerror(errno));
		else if (WIFSIGNALED(status))
			printf("# killed by signal %d (seed %llu)\n", WTERMSIG(status), seed);
		printf("%sok %d - %s\n", status ? "not " : "", i + 1, cases[i].name);
		failed |= status;
	}
	printf("1..%d\n", count);
	return !!failed;
}

#endif /* RING_COMMON_H */
