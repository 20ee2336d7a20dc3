/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of chance share: dice, and a line for the log. */
#ifndef MAILBOX_STORM_H
#define MAILBOX_STORM_H

#include "mailbox_test.h"

static __thread __u64 dice = 1;

static inline __u64 roll(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice * 0x2545f4914f6cdd1dULL >> 16;
}

static inline __u32 below(__u32 n)
{
	return roll() % n;
}

static inline bool one_in(__u32 n)
{
	return !below(n);
}

/* Whoever wants a run again gives the number it printed in the variable. */
static inline void seed_from(const char *variable)
{
	__u64 seed = number_from(variable, clock_ns(CLOCK_REALTIME) % 1000000007);

	dice = seed * 0x9e3779b97f4a7c15ULL + 1;
	fprintf(stderr, "# seed %llu\n", seed);
}

__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("# ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/*
 * What workers complain of, in memory that all of them share; the first
 * complaint tells most.
 */
struct complaints {
	__u32 number;
	char first[256];
};

static struct complaints *complaints;

__attribute__((format(printf, 1, 2))) static inline void complain(const char *format, ...)
{
	va_list args;

	if (__atomic_fetch_add(&complaints->number, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(args, format);
	vsnprintf(complaints->first, sizeof(complaints->first), format, args);
	va_end(args);
}

/* Memory that all children share. */
static inline void *shared_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		_exit(1);
	}
	return p;
}

#define ASSERT_NO_COMPLAINT()						\
	ASSERT_EQ(0, complaints->number) {				\
		say("%s", complaints->first);				\
	}

#endif /* MAILBOX_STORM_H */
