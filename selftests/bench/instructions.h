/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting instructions, in a guest with one CPU whose clock counts them:
 *
 *	qemu-system-x86_64 -accel tcg,thread=single -smp 1 -icount shift=0,sleep=off
 *
 * There 1 ns is 1 instruction, and every run gives the same figures. They see
 * no caches and no contention. On a real clock they are times, and noisy.
 *
 * A figure is the median of many calls, from just before the C library's stub
 * to just after it: the stub, the indirect call to it and one reading of the
 * clock are in it. Nothing is subtracted.
 */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

static inline uint64_t clock_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static bool tsc_is_clock;

static inline uint64_t now(void)
{
#ifdef __x86_64__
	if (tsc_is_clock)
		return __builtin_ia32_rdtsc();
#endif
	return clock_monotonic();
}

/* Take the cheaper counter if it counts the same. */
static inline void choose_clock(void)
{
#ifdef __x86_64__
	uint64_t from = clock_monotonic(), tsc = __builtin_ia32_rdtsc(), to;

	do
		to = clock_monotonic();
	while (to - from < 20000000);
	tsc = __builtin_ia32_rdtsc() - tsc;
	to -= from;
	tsc_is_clock = tsc < to + to / 1000 && to < tsc + tsc / 1000;
#endif
}

static inline int by_count(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static inline uint64_t median_of(uint64_t *values, int n)
{
	qsort(values, n, sizeof(*values), by_count);
	return values[n / 2];
}

static inline void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

#endif /* INSTRUCTIONS_H */
