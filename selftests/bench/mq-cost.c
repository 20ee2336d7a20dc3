// SPDX-License-Identifier: GPL-2.0
/*
 * What calls of <mqueue.h> cost, one process alone: on the kernel's queues, or on those of
 * whoever is preloaded.
 *
 *	mq-cost
 *
 * Where 1 ns is 1 instruction (see kernel-path.c) these are instructions, of the C library's
 * functions or of those that stand in for them; elsewhere times. A figure is the median of many
 * calls or pairs of calls, with one reading of the clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS	401
#define LONG	1024

static mqd_t queue;
static char data[LONG];
static unsigned int priority;
static size_t length = 8;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void there_and_back(void)
{
	unsigned int with;

	if (mq_send(queue, data, length, priority) ||
	    mq_receive(queue, data, sizeof(data), &with) != (ssize_t)length || with != priority) {
		perror("mq-cost");
		exit(1);
	}
}

static void each_priority(void)
{
	priority = (priority + 1) % 32;
	there_and_back();
}

static void ask(void)
{
	struct mq_attr attr;

	mq_getattr(queue, &attr);
}

static void look(void)
{
	struct pollfd p = { .fd = queue, .events = POLLIN };

	poll(&p, 1, 0);
}

static void find_nothing(void)
{
	mq_receive(queue, data, sizeof(data), NULL);
}

/* What stress-ng does before each message, to see it fail. */
static void find_no_room(void)
{
	mq_receive(queue, data, 0, NULL);
}

static void no_descriptor(void)
{
	mq_receive(-1, data, sizeof(data), NULL);
}

static void no_queue(void)
{
	mq_receive(0, data, sizeof(data), NULL);
}

static void open_and_close(void)
{
	mq_close(mq_open("/mq-cost", O_RDWR));
}

/* One process sends as long as there is room, the other receives as long as there is something. */
static void stream(void)
{
	struct mq_attr waits = { .mq_flags = 0 };
	uint64_t from = 0;
	pid_t sender;
	int i;

	mq_setattr(queue, &waits, NULL);
	sender = fork();
	if (!sender)
		for (;;)
			if (mq_send(queue, data, 8, 0))
				_exit(1);
	for (i = -CALLS; i < CALLS; i++) {
		if (i == 0)
			from = now();
		mq_receive(queue, data, sizeof(data), NULL);
	}
	printf("%-46s %7llu\n", "a message from one process to another",
	       (unsigned long long)(now() - from) / CALLS);
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
}

static void count(const char *what, void (*call)(void))
{
	static uint64_t sample[CALLS];
	uint64_t from = 0;
	int i;

	for (i = 0; i < CALLS; i++) {
		from = now();
		call();
		sample[i] = now() - from;
	}
	qsort(sample, CALLS, sizeof(*sample), compare);
	printf("%-46s %7llu\n", what, (unsigned long long)sample[CALLS / 2]);
}

int main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = LONG };

	mq_unlink("/mq-cost");
	queue = mq_open("/mq-cost", O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
	if (queue < 0) {
		perror("mq-cost");
		return 1;
	}
	count("send + receive, 8 bytes, priority 0", there_and_back);
	priority = 31;
	count("the same, priority 31", there_and_back);
	priority = 16;
	length = LONG;
	count("the same, 1024 bytes, priority 16", there_and_back);
	length = 8;
	count("the same, 8 bytes, each priority in turn", each_priority);
	mq_send(queue, data, length, 3);
	count("mq_getattr", ask);
	mq_receive(queue, data, sizeof(data), NULL);
	count("mq_receive of an empty queue, EAGAIN", find_nothing);
	count("mq_receive into no room, EMSGSIZE", find_no_room);
	count("mq_receive of descriptor -1, EBADF", no_descriptor);
	count("mq_receive of descriptor 0, EBADF", no_queue);
	count("poll of an empty queue", look);
	count("mq_open + mq_close", open_and_close);
	stream();
	mq_unlink("/mq-cost");
	return 0;
}
