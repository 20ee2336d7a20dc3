// SPDX-License-Identifier: GPL-2.0
/* The floor: what the memory itself takes, with no protocol worth the name. */
#include <string.h>
#include <sys/mman.h>

#include "ring-bench.h"

/* One word that goes to and fro in one cache line: two transfers for a round trip. */

static void *line_open(const struct shape *shape)
{
	(void)shape;
	return shared_memory(64);
}

static void join_none(void *q, int who)
{
	(void)q;
	(void)who;
}

static void line_close(void *q)
{
	munmap(q, 64);
}

static void line_ping(void *there, void *back, size_t size, uint64_t n, uint32_t *ticks)
{
	uint64_t *word = there, i, then = ticks_now(), now;

	(void)back;
	(void)size;
	for (i = 1; i <= n; i++) {
		__atomic_store_n(word, 2 * i - 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != 2 * i)
			;
		now = ticks_now();
		ticks[i - 1] = (uint32_t)(now - then);
		then = now;
	}
}

static void line_pong(void *there, void *back, size_t size, uint64_t n)
{
	uint64_t *word = there, i;

	(void)back;
	(void)size;
	for (i = 1; i <= n; i++) {
		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != 2 * i - 1)
			;
		__atomic_store_n(word, 2 * i, __ATOMIC_RELEASE);
	}
}

const struct peer peer_bare_line = {
	.name = "bare line",
	.can = PEER_POLLS,
	.open = line_open,
	.join = join_none,
	.close = line_close,
	.ping = line_ping,
	.pong = line_pong,
};

/* A copy in and a copy out, and for each place a word that says who may. */

struct copy {
	char *places;
	size_t bytes;
	size_t stride;
	unsigned int capacity;
	uint64_t put, got;		/* each process its own */
};

static void *copy_open(const struct shape *shape)
{
	struct copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		die("calloc");
	copy->stride = shape->size + 64;
	copy->bytes = copy->stride * shape->capacity;
	copy->capacity = shape->capacity;
	copy->places = shared_memory(copy->bytes);
	return copy;
}

static void copy_close(void *q)
{
	struct copy *copy = q;

	munmap(copy->places, copy->bytes);
	free(copy);
}

static char *place(struct copy *copy, uint64_t i, uint64_t **full)
{
	char *at = copy->places + (i & (copy->capacity - 1)) * copy->stride;

	*full = (uint64_t *)at;
	return at + 64;
}

forced void copy_put(void *q, void *buf, size_t size)
{
	struct copy *copy = q;
	unsigned int tries = 0;
	uint64_t *full;
	char *at = place(copy, copy->put++, &full);

	while (__atomic_load_n(full, __ATOMIC_ACQUIRE))
		again(&tries);
	memcpy(at, buf, size);
	__atomic_store_n(full, 1, __ATOMIC_RELEASE);
}

forced void copy_get(void *q, void *buf, size_t size)
{
	struct copy *copy = q;
	unsigned int tries = 0;
	uint64_t *full;
	char *at = place(copy, copy->got++, &full);

	while (!__atomic_load_n(full, __ATOMIC_ACQUIRE))
		again(&tries);
	memcpy(buf, at, size);
	__atomic_store_n(full, 0, __ATOMIC_RELEASE);
}

static uint64_t copy_send(void *q, size_t size, uint64_t n)
{
	return loop_send(q, size, n, copy_put);
}

static uint64_t copy_receive(void *q, size_t size, uint64_t n)
{
	return loop_receive(q, size, n, copy_get);
}

const struct peer peer_bare_copy = {
	.name = "bare copy",
	.can = PEER_POLLS,
	.open = copy_open,
	.join = join_none,
	.close = copy_close,
	.send = copy_send,
	.receive = copy_receive,
};
