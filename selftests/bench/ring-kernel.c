// SPDX-License-Identifier: GPL-2.0
/* Pipe, POSIX mq and AF_UNIX SEQPACKET. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring-bench.h"

struct queue {
	int fd[2];			/* where to receive, where to send */
};

static struct queue *queue_of(int in, int out)
{
	struct queue *queue = malloc(sizeof(*queue));

	if (!queue)
		die("malloc");
	queue->fd[0] = in;
	queue->fd[1] = out;
	return queue;
}

static void join_none(void *q, int who)
{
	(void)q;
	(void)who;
}

static void close_queue(void *q)
{
	struct queue *queue = q;

	close(queue->fd[0]);
	if (queue->fd[1] != queue->fd[0])
		close(queue->fd[1]);
	free(queue);
}

static void look_again(const char *what, unsigned int *tries)
{
	if (errno != EAGAIN && errno != EINTR)
		die(what);
	again(tries);
}

/* A pipe knows no messages: up to 4096 bytes a write is whole, beyond there is one sender. */
forced void pipe_put(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(((struct queue *)q)->fd[1], (char *)buf + done, size - done);

		if (n < 0)
			look_again("pipe: write", &tries);
		else
			done += n;
	}
}

forced void pipe_get(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(((struct queue *)q)->fd[0], (char *)buf + done, size - done);

		if (n < 0)
			look_again("pipe: read", &tries);
		else
			done += n;
	}
}

static void *pipe_open(const struct shape *shape)
{
	int fd[2];

	if (pipe2(fd, shape->sleeps ? 0 : O_NONBLOCK))
		die("pipe2");
	fcntl(fd[1], F_SETPIPE_SZ, 1 << 20);
	return queue_of(fd[0], fd[1]);
}

forced void posix_put(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;

	while (mq_send(((struct queue *)q)->fd[1], buf, size, 0))
		look_again("mq_send", &tries);
}

forced void posix_get(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;

	while (mq_receive(((struct queue *)q)->fd[0], buf, size, NULL) < 0)
		look_again("mq_receive", &tries);
}

/* In a namespace of our own the limits are ours to raise, if we are root. */
static void raise_limits(void)
{
	static const char *const limits[] = { "msg_max", "msgsize_max" };
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	static bool done;
	char path[64];
	int i, fd;

	if (done)
		return;
	done = true;
	setrlimit(RLIMIT_MSGQUEUE, &all);
	if (unshare(CLONE_NEWIPC))
		return;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", limits[i]);
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, "65536", 5) != 5)
			fprintf(stderr, "ring-bench: %s stays as it is\n", path);
		close(fd);
	}
}

/* With room for as many messages as we are allowed. */
static void *posix_open(const struct shape *shape)
{
	int flags = O_RDWR | O_CREAT | (shape->sleeps ? 0 : O_NONBLOCK), fd = -1;
	struct mq_attr attr = { .mq_maxmsg = shape->capacity, .mq_msgsize = shape->size };

	raise_limits();
	for (; attr.mq_maxmsg && fd < 0; attr.mq_maxmsg /= 2)
		fd = mq_open("/ring-bench", flags, 0600, &attr);
	if (fd < 0)
		return NULL;
	mq_unlink("/ring-bench");
	return queue_of(fd, fd);
}

forced void seqpacket_put(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;

	while (write(((struct queue *)q)->fd[1], buf, size) < 0)
		look_again("SEQPACKET: write", &tries);
}

forced void seqpacket_get(void *q, void *buf, size_t size)
{
	unsigned int tries = 0;

	while (read(((struct queue *)q)->fd[0], buf, size) < 0)
		look_again("SEQPACKET: read", &tries);
}

static void *seqpacket_open(const struct shape *shape)
{
	int fd[2], bytes = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | (shape->sleeps ? 0 : SOCK_NONBLOCK), 0, fd))
		die("socketpair");
	if (setsockopt(fd[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return queue_of(fd[0], fd[1]);
}

LOOPS(pipe)
LOOPS(posix)
LOOPS(seqpacket)

const struct peer peer_pipe = {
	.name = "pipe",
	.can = PEER_MANY | PEER_POLLS | PEER_SLEEPS,
	.open = pipe_open,
	.join = join_none,
	.close = close_queue,
	HAS_LOOPS(pipe),
};

const struct peer peer_mq = {
	.name = "POSIX mq",
	.can = PEER_MANY | PEER_POLLS | PEER_SLEEPS,
	.open = posix_open,
	.join = join_none,
	.close = close_queue,
	HAS_LOOPS(posix),
};

const struct peer peer_seqpacket = {
	.name = "SEQPACKET",
	.can = PEER_MANY | PEER_POLLS | PEER_SLEEPS,
	.open = seqpacket_open,
	.join = join_none,
	.close = close_queue,
	HAS_LOOPS(seqpacket),
};
