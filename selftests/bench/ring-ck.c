// SPDX-License-Identifier: GPL-2.0
/* ConcurrencyKit's rings, of messages that are copied in and out. */
#include <ck_ring.h>
#include <sys/mman.h>

#include "ring-bench.h"

struct queue {
	ck_ring_t ring;
	size_t bytes;
	char slots[] __attribute__((aligned(64)));
};

static void *open_ring(const struct shape *shape)
{
	size_t bytes = sizeof(struct queue) + shape->size * shape->capacity;
	struct queue *queue = shared_memory(bytes);

	queue->bytes = bytes;
	ck_ring_init(&queue->ring, shape->capacity);
	return queue;
}

static void join_none(void *q, int who)
{
	(void)q;
	(void)who;
}

static void close_ring(void *q)
{
	munmap(q, ((struct queue *)q)->bytes);
}

/* One message of N bytes, by the functions of KIND. */
#define STEPS(KIND, N)								\
forced void KIND##_##N##_put(void *q, void *buf, size_t size)			\
{										\
	struct queue *queue = q;						\
	unsigned int tries = 0;							\
										\
	(void)size;								\
	while (!ck_ring_enqueue_##KIND##_message##N(&queue->ring,		\
						    (void *)queue->slots, buf))	\
		again(&tries);							\
}										\
forced void KIND##_##N##_get(void *q, void *buf, size_t size)			\
{										\
	struct queue *queue = q;						\
	unsigned int tries = 0;							\
										\
	(void)size;								\
	while (!ck_ring_dequeue_##KIND##_message##N(&queue->ring,		\
						    (void *)queue->slots, buf))	\
		again(&tries);							\
}										\
LOOPS(KIND##_##N)

#define SIZE(N)									\
struct message##N {								\
	char bytes[N];								\
};										\
CK_RING_PROTOTYPE(message##N, message##N)					\
STEPS(spsc, N)									\
STEPS(mpmc, N)

EACH_SIZE(SIZE)

#define CASE(KIND, N, CALL)	case N: CALL(KIND##_##N); break;

/* The loops of KIND, for whatever size. */
#define CHOOSE(KIND, CASES)							\
static uint64_t KIND##_send(void *q, size_t size, uint64_t n)			\
{										\
	switch (size) { CASES(SEND) }						\
	return 0;								\
}										\
static uint64_t KIND##_receive(void *q, size_t size, uint64_t n)		\
{										\
	switch (size) { CASES(RECEIVE) }					\
	return 0;								\
}										\
static uint64_t KIND##_pairs(void *q, size_t size, uint64_t n)			\
{										\
	switch (size) { CASES(PAIRS) }						\
	return 0;								\
}										\
static void KIND##_ping(void *there, void *back, size_t size, uint64_t n,	\
			uint32_t *ticks)					\
{										\
	switch (size) { CASES(PING) }						\
}										\
static void KIND##_pong(void *there, void *back, size_t size, uint64_t n)	\
{										\
	switch (size) { CASES(PONG) }						\
}
#define SEND(P)		return P##_send(q, size, n)
#define RECEIVE(P)	return P##_receive(q, size, n)
#define PAIRS(P)	return P##_pairs(q, size, n)
#define PING(P)		P##_ping(there, back, size, n, ticks)
#define PONG(P)		P##_pong(there, back, size, n)

#define CASES_OF(KIND, CALL)							\
	CASE(KIND, 8, CALL) CASE(KIND, 16, CALL) CASE(KIND, 32, CALL)		\
	CASE(KIND, 40, CALL) CASE(KIND, 48, CALL) CASE(KIND, 64, CALL)		\
	CASE(KIND, 256, CALL) CASE(KIND, 1024, CALL) CASE(KIND, 4096, CALL)	\
	CASE(KIND, 65536, CALL)
#define SPSC(CALL)	CASES_OF(spsc, CALL)
#define MPMC(CALL)	CASES_OF(mpmc, CALL)
CHOOSE(spsc, SPSC)
CHOOSE(mpmc, MPMC)

const struct peer peer_ck_spsc = {
	.name = "CK SPSC",
	.can = PEER_POLLS,
	.open = open_ring,
	.join = join_none,
	.close = close_ring,
	HAS_LOOPS(spsc),
};

const struct peer peer_ck_mpmc = {
	.name = "CK MPMC",
	.can = PEER_POLLS | PEER_MANY,
	.open = open_ring,
	.join = join_none,
	.close = close_ring,
	HAS_LOOPS(mpmc),
};
