// SPDX-License-Identifier: MIT
/* Arguments to numbers, errors to words. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

void misused(const struct command *cmd, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "mailbox: %s: ", cmd->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see mailbox %s --help)\n", cmd->name);
	exit(MISUSED);
}

int failed_because(const struct command *cmd, const char *port,
		   const char *format, ...)
{
	va_list args;

	fprintf(stderr, "mailbox: %s%s%s: ", cmd->name, port ? " " : "",
		port ? port : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return FAILED;
}

int exit_status(int error)
{
	switch (error) {
	case 0:
		return DONE;
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EINPROGRESS:
		return WOULD_BLOCK;
	}
	return FAILED;
}

int failed(const struct command *cmd, const char *port, int error)
{
	failed_because(cmd, port, "%s", mailbox_strerror(error));
	return exit_status(error);
}

int next_option(const struct command *cmd, int argc, char **argv,
		const char *shorts, const struct option *longs)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == 'h') {
		fputs(cmd->help, stdout);
		exit(DONE);
	}
	if (c == ':')
		misused(cmd, "%s needs a value", argv[optind - 1]);
	if (c == '?' && optopt && strncmp(argv[optind - 1], "--", 2))
		misused(cmd, "no option -%c", optopt);
	if (c == '?')
		misused(cmd, "no option %s", argv[optind - 1]);
	return c;
}

bool json_asked(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool json = false;

	while (next_option(cmd, argc, argv, ":jh", options) != -1)
		json = true;
	return json;
}

void no_options(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};

	next_option(cmd, argc, argv, ":h", options);
}

void no_arguments(const struct command *cmd, int argc, char **argv)
{
	if (optind < argc)
		misused(cmd, "one argument too many: %s", argv[optind]);
}

const char *only_argument(const struct command *cmd, int argc, char **argv)
{
	if (optind == argc)
		misused(cmd, "which port?");
	if (optind + 1 < argc)
		misused(cmd, "one argument too many: %s", argv[optind + 1]);
	return argv[optind];
}

uint64_t to_number(const struct command *cmd, const char *what,
		   const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)text[0]) || *end || errno ||
	    value < min || value > max) {
		char most[32] = "on";

		if (max != UINT64_MAX)
			snprintf(most, sizeof(most), "to %llu", (unsigned long long)max);
		misused(cmd, "%s must be a number from %llu %s, not %s", what,
			(unsigned long long)min, most, *text ? text : "nothing");
	}
	return value;
}

uint32_t to_size(const struct command *cmd, const char *what, const char *text,
		 uint32_t max)
{
	unsigned long long value;
	int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	if (shift)
		end++;
	if (!isdigit((unsigned char)text[0]) || *end || errno || !value ||
	    value > max >> shift)
		misused(cmd, "%s must be from 1 to %u, with K or M if you like, not %s",
			what, max, *text ? text : "nothing");
	return value << shift;
}

uint32_t to_mode(const struct command *cmd, const char *text)
{
	unsigned long mode;
	char *end;

	mode = strtoul(text, &end, 8);
	if (!isdigit((unsigned char)text[0]) || *end || !mode || mode > 0777)
		misused(cmd, "mode must be octal, as 0660, not %s", text);
	return mode;
}

uint32_t to_lanes(const struct command *cmd, const char *text)
{
	uint32_t mask = 0;
	char lane[8];
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		snprintf(lane, sizeof(lane), "%.*s", (int)len, text);
		mask |= 1U << to_number(cmd, "a lane", lane, 0,
					MAILBOX_LANES_MAX - 1);
		if (!text[len])
			return mask;
	}
}

int to_ms(const struct command *cmd, const char *text)
{
	double seconds;
	char *end;

	seconds = strtod(text, &end);
	if (end == text || *end || !(seconds >= 0) ||
	    seconds > INT_MAX / 1000)
		misused(cmd, "a time must be in seconds, as 0.5, not %s", text);
	return ceil(seconds * 1000);
}

int to_interval(const struct command *cmd, const char *text)
{
	int ms = to_ms(cmd, text);

	if (ms < 10)
		misused(cmd, "an interval must be 0.01 seconds at least, not %s", text);
	return ms;
}
