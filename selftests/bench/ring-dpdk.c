// SPDX-License-Identifier: GPL-2.0
/* DPDK's rte_ring, of messages that are copied in and out. */
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <sys/mman.h>

#include "ring-bench.h"

struct queue {
	struct rte_ring *ring;
	size_t bytes;
};

static void *open_ring(const struct shape *shape, unsigned int flags)
{
	
	struct queue *queue = malloc(sizeof(*queue));

	if (!queue)
		die("malloc");
	queue->bytes = rte_ring_get_memsize_elem(shape->size, shape->capacity);
	queue->ring = shared_memory(queue->bytes);
	if (rte_ring_init(queue->ring, "ring-bench", shape->capacity, flags))
		die("rte_ring_init");
	return queue;
}

static void *open_spsc(const struct shape *shape)
{
	return open_ring(shape, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void *open_mpmc(const struct shape *shape)
{
	return open_ring(shape, 0);
}

static void join_none(void *q, int who)
{
	(void)q;
	(void)who;
}

static void close_ring(void *q)
{
	struct queue *queue = q;

	munmap(queue->ring, queue->bytes);
	free(queue);
}

/* KIND is spsc or mpmc, P and C are what rte_ring calls them. */
#define STEPS(KIND, P, C)							\
forced void KIND##_put(void *q, void *buf, size_t size)				\
{										\
	unsigned int tries = 0;							\
										\
	while (rte_ring_##P##_enqueue_elem(((struct queue *)q)->ring, buf, size)) \
		again(&tries);							\
}										\
forced void KIND##_get(void *q, void *buf, size_t size)				\
{										\
	unsigned int tries = 0;							\
										\
	while (rte_ring_##C##_dequeue_elem(((struct queue *)q)->ring, buf, size)) \
		again(&tries);							\
}										\
forced unsigned int KIND##_put_batch(void *q, void *buf, size_t size, unsigned int n)	\
{										\
	unsigned int tries = 0;							\
										\
	while (!rte_ring_##P##_enqueue_bulk_elem(((struct queue *)q)->ring, buf, size, n, NULL)) \
		again(&tries);							\
	return n;								\
}										\
forced unsigned int KIND##_get_batch(void *q, void *buf, size_t size, unsigned int n)	\
{										\
	unsigned int tries = 0;							\
										\
	while (!rte_ring_##C##_dequeue_bulk_elem(((struct queue *)q)->ring, buf, size, n, NULL)) \
		again(&tries);							\
	return n;								\
}

STEPS(spsc, sp, sc)
STEPS(mpmc, mp, mc)

/* Each loop once for every size, so that the copying is compiled for it. */
#define CASES(CALL)	switch (size) { CALL(8) CALL(16) CALL(32) CALL(40) CALL(48) CALL(64)	\
			CALL(256) CALL(1024) CALL(4096) CALL(65536) }
#define ONE(KIND, LOOP, STEP)							\
static uint64_t KIND##_##LOOP(void *q, size_t size, uint64_t n)			\
{										\
	CASES(STEP)								\
	return 0;								\
}

#define SPSC_SEND(N)		case N: return loop_send(q, N, n, spsc_put);
#define SPSC_RECEIVE(N)		case N: return loop_receive(q, N, n, spsc_get);
#define SPSC_SEND_BATCH(N)	case N: return loop_send_batch(q, N, n, spsc_put_batch);
#define SPSC_RECEIVE_BATCH(N)	case N: return loop_receive_batch(q, N, n, spsc_get_batch);
#define SPSC_PING(N)		case N: loop_ping(there, back, N, n, ticks, spsc_put, spsc_get); break;
#define SPSC_PONG(N)		case N: loop_pong(there, back, N, n, spsc_put, spsc_get); break;
#define MPMC_SEND(N)		case N: return loop_send(q, N, n, mpmc_put);
#define MPMC_RECEIVE(N)		case N: return loop_receive(q, N, n, mpmc_get);
#define MPMC_PAIRS(N)		case N: return loop_pairs(q, N, n, mpmc_put, mpmc_get);
#define MPMC_SEND_BATCH(N)	case N: return loop_send_batch(q, N, n, mpmc_put_batch);
#define MPMC_RECEIVE_BATCH(N)	case N: return loop_receive_batch(q, N, n, mpmc_get_batch);
#define MPMC_PAIRS_BATCH(N)	case N: return loop_pairs_batch(q, N, n, mpmc_put_batch, mpmc_get_batch);
#define MPMC_PING(N)		case N: loop_ping(there, back, N, n, ticks, mpmc_put, mpmc_get); break;
#define MPMC_PONG(N)		case N: loop_pong(there, back, N, n, mpmc_put, mpmc_get); break;

ONE(spsc, send, SPSC_SEND)
ONE(spsc, receive, SPSC_RECEIVE)
ONE(spsc, send_batch, SPSC_SEND_BATCH)
ONE(spsc, receive_batch, SPSC_RECEIVE_BATCH)
ONE(mpmc, send, MPMC_SEND)
ONE(mpmc, receive, MPMC_RECEIVE)
ONE(mpmc, pairs, MPMC_PAIRS)
ONE(mpmc, send_batch, MPMC_SEND_BATCH)
ONE(mpmc, receive_batch, MPMC_RECEIVE_BATCH)
ONE(mpmc, pairs_batch, MPMC_PAIRS_BATCH)

static void spsc_ping(void *there, void *back, size_t size, uint64_t n, uint32_t *ticks)
{
	CASES(SPSC_PING)
}

static void spsc_pong(void *there, void *back, size_t size, uint64_t n)
{
	CASES(SPSC_PONG)
}

static void mpmc_ping(void *there, void *back, size_t size, uint64_t n, uint32_t *ticks)
{
	CASES(MPMC_PING)
}

static void mpmc_pong(void *there, void *back, size_t size, uint64_t n)
{
	CASES(MPMC_PONG)
}

const struct peer peer_dpdk_spsc = {
	.name = "DPDK SPSC",
	.can = PEER_POLLS,
	.open = open_spsc,
	.join = join_none,
	.close = close_ring,
	.send = spsc_send,
	.receive = spsc_receive,
	.send_batch = spsc_send_batch,
	.receive_batch = spsc_receive_batch,
	.ping = spsc_ping,
	.pong = spsc_pong,
};

const struct peer peer_dpdk_mpmc = {
	.name = "DPDK MPMC",
	.can = PEER_POLLS | PEER_MANY,
	.open = open_mpmc,
	.join = join_none,
	.close = close_ring,
	.send = mpmc_send,
	.receive = mpmc_receive,
	.pairs = mpmc_pairs,
	.send_batch = mpmc_send_batch,
	.receive_batch = mpmc_receive_batch,
	.pairs_batch = mpmc_pairs_batch,
	.ping = mpmc_ping,
	.pong = mpmc_pong,
};
