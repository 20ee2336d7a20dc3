// SPDX-License-Identifier: MIT
/* mailbox watch */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "look.h"
#include "show.h"
#include "tool.h"

static const char help[] =
"Usage: mailbox watch [OPTION]... [PORT]...\n"
"Write a line whenever a port comes, changes or goes: what was sent and received\n"
"since its last line, and how it is now. Of all ports, or of those named; then it\n"
"ends when all of these have been deleted. Ports are looked at now and then, and\n"
"not opened or disturbed: what comes and goes between two looks is not seen.\n\n"
"  -i, --interval=SECS    look every SECS (1)\n"
"  -n, --count=N          N lines\n"
"  -t, --timeout=SECS     wait at most SECS for a line\n"
"  -j, --json             a line of JSON per event: time, event, what changed, and\n"
"                         all that mailbox info tells\n"
HELP_HELP HELP_EXIT ", 3 timed out.\n";

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct job {
	const struct command *cmd;
	char **names;
	int n_names;
	struct look look;
	uint64_t count;		/* lines to write */
	uint64_t timeout;	/* ns; 0: none */
	uint64_t last;		/* when there was a line, or we began */
	int interval;		/* ms */
	bool json;
};

static void parse(struct job *job, int argc, char **argv)
{
	int c;

	while ((c = next_option(job->cmd, argc, argv, ":i:n:t:jh", options)) != -1) {
		if (c == 'i')
			job->interval = to_interval(job->cmd, optarg);
		else if (c == 'n')
			job->count = to_number(job->cmd, "the count", optarg, 1, UINT64_MAX);
		else if (c == 't')
			job->timeout = to_ms(job->cmd, optarg) * 1000000ULL + 1;
		else if (c == 'j')
			job->json = true;
	}
	job->names = argv + optind;
	job->n_names = argc - optind;
}

static bool changed(const struct look_port *port)
{
	const struct mailbox_info *a = &port->before, *b = &port->now;

	return port->event != LOOK_STAYS || a->messages_sent != b->messages_sent ||
	       a->messages_received != b->messages_received ||
	       a->messages_dropped != b->messages_dropped || a->redelivered != b->redelivered ||
	       a->depth != b->depth || a->leased != b->leased || a->endpoints != b->endpoints ||
	       a->mappings != b->mappings || a->waiting_senders != b->waiting_senders ||
	       a->waiting_receivers != b->waiting_receivers;
}

static const char *event(const struct job *job, const struct look_port *port)
{
	if (port->event == LOOK_COMES)
		return job->look.elapsed ? "created" : "there";
	return port->event == LOOK_GOES ? "deleted" : "changed";
}

/* Local time of day in ms. */
static void print_time(void)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	printf("%02d:%02d:%02d.%03ld  ", tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000);
}

static void print_growth(const char *what, uint64_t now, uint64_t before)
{
	if (now > before)
		printf("  +%" PRIu64 " %s", now - before, what);
}

static void print_count(const char *what, uint64_t value)
{
	if (value)
		printf("  %" PRIu64 " %s", value, what);
}

static void print_line(const struct job *job, const struct look_port *port)
{
	const struct mailbox_info *a = &port->before, *b = &port->now;

	print_time();
	printf("%s  %s", b->name, event(job, port));
	if (port->event == LOOK_GOES) {
		putchar('\n');
		return;
	}
	if (port->event == LOOK_STAYS) {
		print_growth("sent", b->messages_sent, a->messages_sent);
		print_growth("received", b->messages_received, a->messages_received);
		print_growth("dropped", b->messages_dropped, a->messages_dropped);
		print_growth("redelivered", b->redelivered, a->redelivered);
	}
	printf("  %u queued", b->depth);
	print_count("leased", b->leased);
	print_count("senders asleep", b->waiting_senders);
	print_count("receivers asleep", b->waiting_receivers);
	printf("  %u endpoints", b->endpoints);
	print_count("mapped", b->mappings);
	putchar('\n');
}

static void print_json(const struct job *job, const struct look_port *port)
{
	const struct mailbox_info *a = &port->before, *b = &port->now;
	json_t *object = json_object();
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	json_object_set_new(object, "time", json_real(ts.tv_sec + ts.tv_nsec / 1e9));
	json_object_set_new(object, "event", json_string(event(job, port)));
	json_add(object, "sent", look_growth(b->messages_sent, a->messages_sent));
	json_add(object, "received", look_growth(b->messages_received, a->messages_received));
	json_add(object, "dropped", look_growth(b->messages_dropped, a->messages_dropped));
	json_add(object, "oldest_ns", port->oldest_ns);
	json_object_set_new(object, "port", json_port(b));
	json_print(object, JSON_COMPACT | JSON_REAL_PRECISION(16));
}

/* Lines for what the look shows. */
static int report(struct job *job)
{
	int i;

	for (i = 0; i < job->look.count && job->count; i++) {
		if (!changed(&job->look.ports[i]))
			continue;
		if (job->json)
			print_json(job, &job->look.ports[i]);
		else
			print_line(job, &job->look.ports[i]);
		job->count--;
		job->last = job->look.time;
	}
	if (fflush(stdout) || ferror(stdout))
		return failed_because(job->cmd, NULL, "standard output: %s", strerror(errno));
	return DONE;
}

/* The first look: are those asked for there? */
static int missing(const struct job *job)
{
	int i, j;

	for (i = 0; i < job->n_names; i++) {
		for (j = 0; j < job->look.count; j++)
			if (!strcmp(job->names[i], job->look.ports[j].now.name))
				break;
		if (j == job->look.count)
			return failed(job->cmd, job->names[i], -ENOENT);
	}
	return DONE;
}

static bool all_gone(const struct job *job)
{
	int i;

	for (i = 0; i < job->look.count; i++)
		if (job->look.ports[i].event != LOOK_GOES)
			return false;
	return job->n_names;
}

/* Sleep until the next look is due; returns false if time is over. */
static bool pause_until_next(const struct job *job)
{
	uint64_t next = job->look.time + job->interval * 1000000ULL;
	uint64_t end = job->timeout ? job->last + job->timeout : UINT64_MAX;
	struct timespec ts;

	if (job->look.time >= end)
		return false;
	if (next > end)
		next = end;
	ts = (struct timespec){ .tv_sec = next / 1000000000, .tv_nsec = next % 1000000000 };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	return true;
}

static int watch(struct job *job)
{
	int err, status;

	for (;;) {
		err = look_again(&job->look, job->names, job->n_names);
		if (err)
			return failed(job->cmd, NULL, err);
		if (!job->last) {
			job->last = job->look.time;
			status = missing(job);
			if (status)
				return status;
		}
		status = report(job);
		if (status || !job->count || all_gone(job))
			return status;
		if (!pause_until_next(job))
			return failed(job->cmd, NULL, -ETIMEDOUT);
	}
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct job job = { .cmd = cmd, .interval = 1000, .count = UINT64_MAX };
	int status;

	parse(&job, argc, argv);
	status = watch(&job);
	look_end(&job.look);
	return status;
}

const struct command command_watch = {
	.name = "watch",
	.summary = "write a line for each change, for pipes and logs",
	.help = help,
	.run = run,
};
