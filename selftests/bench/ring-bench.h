/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every mechanism that ring-bench compares is to it, and the loops that all of
 * them are measured with: compiled into each mechanism's own file, so that none pays
 * for an indirect call.
 */
#ifndef RING_BENCH_H
#define RING_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define BATCH		16
#define BYTES_MAX	65536
#define BUFFER		65536		/* one of the largest, or a batch of up to 4096 */

/* Sizes that a mechanism can be compiled for, each for itself. */
#define EACH_SIZE(X)	X(8) X(16) X(32) X(40) X(48) X(64) X(256) X(1024) X(4096) X(65536)

#ifdef __cplusplus
extern "C" {
#endif

struct shape {
	size_t size;			/* of each message */
	unsigned int capacity;		/* messages, a power of two */
	bool sleeps;			/* waits in the kernel, rather than looking again */
};

#define PEER_MANY	1		/* several may send, several may receive */
#define PEER_POLLS	2		/* can look again instead of sleeping */
#define PEER_SLEEPS	4
#define PEER_DIRECT	8		/* a direct port: for rows of such alone */
#define PEER_IN_PLACE	16		/* likewise */
#define PEER_HUGE	32		/* for a question of its own */
#define PEER_NAPS	64		/* can sleep if it is alone on its side: in round trips */

/* A mechanism. NULL for what it cannot do. */
struct peer {
	const char *name;
	unsigned int can;
	/* In the parent: a queue that its children will have; NULL: cannot be had. */
	void *(*open)(const struct shape *shape);
	/* In the child that is process @who: what is to be done before the clock starts. */
	void (*join)(void *q, int who);
	void (*close)(void *q);
	/* @n messages with numbers from 1 on; return the sum of the numbers that were received. */
	uint64_t (*send)(void *q, size_t size, uint64_t n);
	uint64_t (*receive)(void *q, size_t size, uint64_t n);
	uint64_t (*pairs)(void *q, size_t size, uint64_t n);	/* send one, receive one */
	/* The same in batches of BATCH. */
	uint64_t (*send_batch)(void *q, size_t size, uint64_t n);
	uint64_t (*receive_batch)(void *q, size_t size, uint64_t n);
	uint64_t (*pairs_batch)(void *q, size_t size, uint64_t n);
	/* @n round trips, and how many ticks each took. */
	void (*ping)(void *there, void *back, size_t size, uint64_t n, uint32_t *ticks);
	void (*pong)(void *there, void *back, size_t size, uint64_t n);
};

extern const struct peer peer_mailbox, peer_mailbox_direct, peer_mailbox_in_place;
extern const struct peer peer_mailbox_huge;
extern const struct peer peer_before_mailbox, peer_before_mailbox_direct;
extern const struct peer peer_before_mailbox_in_place;
extern const struct peer peer_pipe, peer_mq, peer_seqpacket;
extern const struct peer peer_boost;
extern const struct peer peer_ck_spsc, peer_ck_mpmc;
extern const struct peer peer_dpdk_spsc, peer_dpdk_mpmc;
extern const struct peer peer_bare_line, peer_bare_copy;

/*
 * One process, and so many endpoints that have mapped a port: each sends a message and
 * receives it, in turn. Nobody competes; but each has to pass what the others have done.
 * Returns how long @n take by @now, in ns.
 */
uint64_t mailbox_in_turn(const struct shape *shape, unsigned int participants, uint64_t n,
			 uint64_t (*now)(void));

/* How long whoever answers has to think before, in ticks, and of how many answers. */
extern uint64_t answer_after, slow_answers;

/* Memory for all processes to be forked; ends the program if there is none. */
void *shared_memory(size_t bytes);
void die(const char *what) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

static inline void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
#endif
}

static inline void think(void)
{
	uint64_t then = ticks_now();

	while (ticks_now() - then < answer_after)
		;
}

/* Nothing to do yet. Whom we wait for may want this very processor. */
static inline void again(unsigned int *tries)
{
	cpu_pause();
	if (++*tries % 128 == 0)
		sched_yield();
}

/* The bytes are now in memory, and may have changed: copies cannot be left out. */
#define settle(buf)	__asm__ volatile("" : : "r"(buf) : "memory")

#define forced		static inline __attribute__((always_inline, unused))

/* One message, however long it takes. */
typedef void step_fn(void *q, void *buf, size_t size);
/* BATCH messages, one behind the other, and up to @n <= BATCH; returns how many. */
typedef unsigned int steps_fn(void *q, void *buf, size_t size, unsigned int n);

forced uint64_t number(const char *buf)
{
	return *(const uint64_t *)buf;
}

forced char *buffer(void)
{
	char *buf = (char *)aligned_alloc(64, BUFFER);

	if (!buf)
		die("aligned_alloc");
	__builtin_memset(buf, 1, BUFFER);
	return buf;
}

forced uint64_t loop_send(void *q, size_t size, uint64_t n, step_fn *put)
{
	char *buf = buffer();
	uint64_t i;

	for (i = 1; i <= n; i++) {
		*(uint64_t *)buf = i;
		settle(buf);
		put(q, buf, size);
	}
	free(buf);
	return 0;
}

forced uint64_t loop_receive(void *q, size_t size, uint64_t n, step_fn *get)
{
	char *buf = buffer();
	uint64_t i, sum = 0;

	for (i = 1; i <= n; i++) {
		get(q, buf, size);
		settle(buf);
		sum += number(buf);
	}
	free(buf);
	return sum;
}

forced uint64_t loop_pairs(void *q, size_t size, uint64_t n, step_fn *put, step_fn *get)
{
	char *out = buffer(), *in = buffer();
	uint64_t i, sum = 0;

	for (i = 1; i <= n; i++) {
		*(uint64_t *)out = i;
		settle(out);
		put(q, out, size);
		get(q, in, size);
		settle(in);
		sum += number(in);
	}
	free(out);
	free(in);
	return sum;
}

forced void fill_batch(char *buf, size_t size, uint64_t first)
{
	unsigned int j;

	for (j = 0; j < BATCH; j++)
		*(uint64_t *)(buf + j * size) = first + j;
	settle(buf);
}

forced uint64_t sum_batch(const char *buf, size_t size, unsigned int n)
{
	uint64_t sum = 0;
	unsigned int j;

	settle(buf);
	for (j = 0; j < n; j++)
		sum += number(buf + j * size);
	return sum;
}

forced uint64_t loop_send_batch(void *q, size_t size, uint64_t n, steps_fn *put)
{
	char *buf = buffer();
	uint64_t i;

	for (i = 1; i <= n; i += BATCH) {
		fill_batch(buf, size, i);
		put(q, buf, size, BATCH);
	}
	free(buf);
	return 0;
}

forced uint64_t take_batch(void *q, char *buf, size_t size, uint64_t n, steps_fn *get)
{
	uint64_t left = n, sum = 0;

	while (left) {
		unsigned int got = get(q, buf, size, left < BATCH ? (unsigned int)left : BATCH);

		sum += sum_batch(buf, size, got);
		left -= got;
	}
	return sum;
}

forced uint64_t loop_receive_batch(void *q, size_t size, uint64_t n, steps_fn *get)
{
	char *buf = buffer();
	uint64_t sum = take_batch(q, buf, size, n, get);

	free(buf);
	return sum;
}

forced uint64_t loop_pairs_batch(void *q, size_t size, uint64_t n, steps_fn *put, steps_fn *get)
{
	char *out = buffer(), *in = buffer();
	uint64_t i, sum = 0;

	for (i = 1; i <= n; i += BATCH) {
		fill_batch(out, size, i);
		put(q, out, size, BATCH);
		sum += take_batch(q, in, size, BATCH, get);
	}
	free(out);
	free(in);
	return sum;
}

forced void loop_ping(void *there, void *back, size_t size, uint64_t n, uint32_t *ticks,
		      step_fn *put, step_fn *get)
{
	char *out = buffer(), *in = buffer();
	uint64_t i, then = ticks_now(), now;

	for (i = 1; i <= n; i++) {
		*(uint64_t *)out = i;
		settle(out);
		put(there, out, size);
		get(back, in, size);
		settle(in);
		now = ticks_now();
		if (number(in) != i)
			die("not the answer");
		ticks[i - 1] = (uint32_t)(now - then);
		then = now;
	}
	free(out);
	free(in);
}

forced void loop_pong(void *there, void *back, size_t size, uint64_t n, step_fn *put, step_fn *get)
{
	char *buf = buffer();
	uint64_t i;

	for (i = 1; i <= n; i++) {
		get(there, buf, size);
		settle(buf);
		if (i <= slow_answers)
			think();
		put(back, buf, size);
	}
	free(buf);
}

/* A mechanism's loops from its steps P_put and P_get, the size not known beforehand. */
#define LOOPS(P)								\
static uint64_t P##_send(void *q, size_t size, uint64_t n)			\
{										\
	return loop_send(q, size, n, P##_put);					\
}										\
static uint64_t P##_receive(void *q, size_t size, uint64_t n)			\
{										\
	return loop_receive(q, size, n, P##_get);				\
}										\
static uint64_t P##_pairs(void *q, size_t size, uint64_t n)			\
{										\
	return loop_pairs(q, size, n, P##_put, P##_get);			\
}										\
static void P##_ping(void *there, void *back, size_t size, uint64_t n,		\
		     uint32_t *ticks)						\
{										\
	loop_ping(there, back, size, n, ticks, P##_put, P##_get);		\
}										\
static void P##_pong(void *there, void *back, size_t size, uint64_t n)		\
{										\
	loop_pong(there, back, size, n, P##_put, P##_get);			\
}

/* And from P_put_batch and P_get_batch. */
#define LOOPS_BATCH(P)								\
static uint64_t P##_send_batch(void *q, size_t size, uint64_t n)		\
{										\
	return loop_send_batch(q, size, n, P##_put_batch);			\
}										\
static uint64_t P##_receive_batch(void *q, size_t size, uint64_t n)		\
{										\
	return loop_receive_batch(q, size, n, P##_get_batch);			\
}										\
static uint64_t P##_pairs_batch(void *q, size_t size, uint64_t n)		\
{										\
	return loop_pairs_batch(q, size, n, P##_put_batch, P##_get_batch);	\
}

#define HAS_LOOPS(P)								\
	.send = P##_send, .receive = P##_receive, .pairs = P##_pairs,		\
	.ping = P##_ping, .pong = P##_pong
#define HAS_LOOPS_BATCH(P)							\
	.send_batch = P##_send_batch, .receive_batch = P##_receive_batch,	\
	.pairs_batch = P##_pairs_batch

#endif /* RING_BENCH_H */
