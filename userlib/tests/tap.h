/* SPDX-License-Identifier: MIT */
/* The little that a test needs to say "ok 1 - this holds". */
#ifndef MAILBOX_TESTS_TAP_H
#define MAILBOX_TESTS_TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_count, tap_failed;

/* One result, with the line of a failure. */
#define ok(condition, ...) tap_ok(!!(condition), #condition, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5)))
static inline void tap_ok(int good, const char *what, int line,
			  const char *format, ...)
{
	va_list args;

	if (!good) {
		printf("# line %d: %s\n", line, what);
		tap_failed++;
	}
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static inline void skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

/* The plan. Returns the exit status. */
static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif /* MAILBOX_TESTS_TAP_H */
