// SPDX-License-Identifier: MIT
/* mailbox bench */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "tool.h"

static const char help[] =
"Usage: mailbox bench [OPTION]...\n"
"Measure this machine, for a few seconds: ns for a message sent and received by\n"
"one process, and for a round trip between two, on a port and on a pipe. Each way\n"
"takes its turn in each round; shown are the medians, and how they compare to the\n"
"pipe's. The port is nameless and nobody sees it. Other work on the machine shows.\n\n"
"  -s, --size=N           bytes in a message (64); K is understood\n"
"  -r, --rounds=N         rounds (9)\n"
"  -j, --json             an array of objects\n"
HELP_HELP HELP_EXIT ".\n";

#define SIZE_MAX_	65536U
#define ROUNDS_MAX	1000U
#define SLICE_NS	20000000U	/* a measurement takes about that long */

static const struct option options[] = {
	{ "size", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* What is measured on: one way there and, for two processes, one back. */
struct bench {
	int pipe[2][2];
	struct mailbox *port[2];
	char *data;
	size_t size;
};

/* One message there, and one received. Returns 0 or a negative errno value. */
struct way {
	const char *name;
	int (*send)(struct bench *b, int back);
	int (*receive)(struct bench *b, int back);
	bool mapped;
	bool both;		/* a round trip of two processes */
};

static int told(ssize_t length)
{
	return length < 0 ? -errno : length ? 0 : -EPIPE;
}

static int pipe_send(struct bench *b, int back)
{
	return told(write(b->pipe[back][1], b->data, b->size));
}

/* A pipe keeps no boundaries: a message may come in pieces. */
static int pipe_receive(struct bench *b, int back)
{
	size_t got = 0;
	ssize_t len;

	do {
		len = read(b->pipe[back][0], b->data + got, b->size - got);
		if (len <= 0)
			return told(len);
		got += len;
	} while (got < b->size);
	return 0;
}

static int plain_send(struct bench *b, int back)
{
	return told(write(mailbox_fd(b->port[back]), b->data, b->size));
}

static int plain_receive(struct bench *b, int back)
{
	return told(read(mailbox_fd(b->port[back]), b->data, b->size));
}

static int msg_send(struct bench *b, int back)
{
	struct mailbox_msg msg = {
		.data = b->data, .length = b->size, .lane = MAILBOX_LANE_DEFAULT,
	};

	return mailbox_send_msg(b->port[back], &msg, MAILBOX_FOREVER);
}

static int msg_receive(struct bench *b, int back)
{
	struct mailbox_msg msg = { .data = b->data, .size = b->size };
	int err = mailbox_receive_msg(b->port[back], &msg, MAILBOX_FOREVER);

	return err < 0 ? err : 0;
}

static int mapped_send(struct bench *b, int back)
{
	return mailbox_send(b->port[back], b->data, b->size);
}

static int mapped_receive(struct bench *b, int back)
{
	int err = mailbox_receive(b->port[back], b->data, b->size);

	return err < 0 ? err : 0;
}

/* Each group begins with that to which the rest of it is compared. */
static const struct way ways[] = {
	{ "pipe", pipe_send, pipe_receive, false, false },
	{ "port, write and read", plain_send, plain_receive, false, false },
	{ "port, ioctl", msg_send, msg_receive, false, false },
	{ "port, mapped", mapped_send, mapped_receive, true, false },
	{ "round trip, pipe", pipe_send, pipe_receive, false, true },
	{ "round trip, port, write and read", plain_send, plain_receive, false, true },
	{ "round trip, port, ioctl", msg_send, msg_receive, false, true },
	{ "round trip, port, mapped", mapped_send, mapped_receive, true, true },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void close_all(struct bench *b)
{
	int i;

	for (i = 0; i < 2; i++) {
		mailbox_close(b->port[i]);
		if (b->pipe[i][0] >= 0)
			close(b->pipe[i][0]);
		if (b->pipe[i][1] >= 0)
			close(b->pipe[i][1]);
	}
	free(b->data);
}

static int open_all(struct bench *b)
{
	struct mailbox_attr attr = { .message_size = b->size };
	int i;

	b->data = calloc(1, b->size);
	if (!b->data)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		b->port[i] = mailbox_create(NULL, &attr, O_RDWR);
		if (!b->port[i])
			return -errno;
		if (pipe(b->pipe[i])) {
			b->pipe[i][0] = b->pipe[i][1] = -1;
			return -errno;
		}
	}
	return 0;
}

/* Mapped or not, as the way wants it; of two processes each maps for itself. */
static int map_both(struct bench *b, bool mapped)
{
	int err = mapped ? mailbox_map(b->port[0]) : 0;

	return err ? err : mapped ? mailbox_map(b->port[1]) : 0;
}

static void unmap_both(struct bench *b)
{
	mailbox_unmap(b->port[0]);
	mailbox_unmap(b->port[1]);
}

/* Messages or round trips, so many. */
static int repeat(struct bench *b, const struct way *way, uint64_t count)
{
	int err = 0;

	while (!err && count--) {
		err = way->send(b, 0);
		if (!err)
			err = way->receive(b, way->both);
	}
	return err;
}

/* The other process: sends back whatever comes, until it is killed. */
static void echo(struct bench *b, const struct way *way, int ready)
{
	int i, err = 0;

	for (i = 0; i < 2 && way->mapped && !err; i++) {
		b->port[i] = mailbox_reopen(b->port[i], O_RDWR);
		err = b->port[i] ? mailbox_map(b->port[i]) : -errno;
	}
	if (write(ready, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	while (!way->receive(b, 0) && !way->send(b, 1))
		;
	_exit(1);
}

/* Returns its pid when it is ready, or a negative errno value. */
static pid_t start_echo(struct bench *b, const struct way *way)
{
	int ready[2], err = -ECHILD;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid)
		echo(b, way, ready[1]);
	close(ready[1]);
	if (pid > 0 && read(ready[0], &err, sizeof(err)) < 0)
		err = -errno;
	close(ready[0]);
	if (pid < 0 || !err)
		return pid < 0 ? -EAGAIN : pid;
	waitpid(pid, NULL, 0);
	return err;
}

/* Twice as many as before, until it takes long enough. */
static int measure(struct bench *b, const struct way *way, double *ns)
{
	uint64_t count, took, began;
	int err;

	for (count = way->both ? 16 : 64;; count *= 2) {
		began = now_ns();
		err = repeat(b, way, count);
		if (err)
			return err;
		took = now_ns() - began;
		if (took >= SLICE_NS)
			break;
	}
	*ns = (double)took / count;
	return 0;
}

static int run_way(struct bench *b, const struct way *way, double *ns)
{
	pid_t pid = 0;
	int err;

	err = map_both(b, way->mapped);
	if (!err && way->both) {
		pid = start_echo(b, way);
		err = pid < 0 ? pid : 0;
	}
	if (!err)
		err = measure(b, way, ns);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	unmap_both(b);
	return err;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print(const double *ns, size_t size, unsigned int rounds, bool json)
{
	json_t *array = json_array(), *object;
	double pipe = 0;
	size_t i;

	if (!json)
		printf("%-33s %9s  %s\n", "", "ns", "against the pipe");
	for (i = 0; i < WAYS; i++) {
		if (!i || ways[i].both != ways[i - 1].both)
			pipe = ns[i];
		object = json_object();
		json_object_set_new(object, "way", json_string(ways[i].name));
		json_add(object, "size", size);
		json_add(object, "rounds", rounds);
		json_object_set_new(object, "ns", json_real(ns[i]));
		json_object_set_new(object, "against_pipe", json_real(ns[i] / pipe));
		json_array_append_new(array, object);
		if (!json)
			printf("%-33s %9.0f  %.2fx\n", ways[i].name, ns[i], ns[i] / pipe);
	}
	if (json)
		json_print(array, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	else
		json_decref(array);
}

/* Returns 0 with the medians, or a negative errno value. */
static int bench_all(struct bench *b, unsigned int rounds, double *medians)
{
	double *ns = calloc(WAYS * rounds, sizeof(*ns));
	unsigned int round;
	int err = 0;
	size_t i;

	if (!ns)
		return -ENOMEM;
	for (round = 0; round < rounds && !err; round++)
		for (i = 0; i < WAYS && !err; i++)
			err = run_way(b, &ways[i], &ns[i * rounds + round]);
	for (i = 0; i < WAYS; i++)
		medians[i] = median(&ns[i * rounds], rounds);
	free(ns);
	return err;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct bench b = { .pipe = { { -1, -1 }, { -1, -1 } }, .size = 64 };
	double medians[WAYS];
	uint32_t rounds = 9;
	bool json = false;
	int c, err;

	while ((c = next_option(cmd, argc, argv, ":s:r:jh", options)) != -1) {
		if (c == 's')
			b.size = to_size(cmd, "the size", optarg, SIZE_MAX_);
		else if (c == 'r')
			rounds = to_number(cmd, "rounds", optarg, 1, ROUNDS_MAX);
		else if (c == 'j')
			json = true;
	}
	no_arguments(cmd, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	err = open_all(&b);
	if (!err)
		err = bench_all(&b, rounds, medians);
	close_all(&b);
	if (err)
		return failed(cmd, NULL, err);
	print(medians, b.size, rounds, json);
	return DONE;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "measure this machine: ports beside pipes",
	.help = help,
	.run = run,
};
