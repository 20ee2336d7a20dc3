// SPDX-License-Identifier: GPL-2.0
/*
 * What a message costs in the kernel, beside pipe, POSIX mq, SysV and SEQPACKET.
 *
 *	kernel-path [--csv] [--calls N]
 *
 * Meant for a guest whose clock counts instructions, see instructions.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailbox.h>

#include "instructions.h"

#define MESSAGE_MAX	4096
#define CALLS_MAX	10001
#define CALLS_WARM	50

static const int sizes[] = { 8, 64, 256, 1024, MESSAGE_MAX };

#define SIZES		ARRAY_SIZE(sizes)

static int calls = 401;
static bool csv;
static int control = -1;		/* /dev/mailbox/control, or -1 */

static void die(const char *what)
{
	fprintf(stderr, "kernel-path: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The calls */

static uint64_t sample[4][CALLS_MAX];

static uint64_t median(uint64_t *values)
{
	return median_of(values, calls);
}

/* Mechanisms: a message through the kernel and back, in one process */

struct message {
	long type;			/* SysV wants one in front */
	char data[MESSAGE_MAX];
};

static struct message out = { .type = 1 }, in;
static int fd[2];			/* where to receive, where to send */

static void open_pipe(void)
{
	if (pipe(fd))
		die("pipe");
}

static ssize_t send_write(size_t size)
{
	return write(fd[1], out.data, size);
}

static ssize_t receive_read(size_t size)
{
	return read(fd[0], in.data, size);
}

static void close_fds(void)
{
	close(fd[0]);
	if (fd[1] != fd[0])
		close(fd[1]);
}

static void open_mq(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = MESSAGE_MAX };

	fd[0] = mq_open("/kernel-path", O_RDWR | O_CREAT, 0600, &attr);
	if (fd[0] < 0)
		die("mq_open");
	fd[1] = fd[0];
	mq_unlink("/kernel-path");
}

static ssize_t send_mq(size_t size)
{
	return mq_send(fd[1], out.data, size, 0) ? -1 : (ssize_t)size;
}

static ssize_t receive_mq(size_t size)
{
	(void)size;
	return mq_receive(fd[0], in.data, MESSAGE_MAX, NULL);
}

static void open_sysv(void)
{
	fd[0] = msgget(IPC_PRIVATE, 0600);
	if (fd[0] < 0)
		die("msgget");
}

static ssize_t send_sysv(size_t size)
{
	return msgsnd(fd[0], &out, size, 0) ? -1 : (ssize_t)size;
}

static ssize_t receive_sysv(size_t size)
{
	return msgrcv(fd[0], &in, size, 0, 0);
}

static void close_sysv(void)
{
	msgctl(fd[0], IPC_RMID, NULL);
}

static void open_seqpacket(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd))
		die("socketpair");
}

/* A nameless port. */
static int port_create_with(uint32_t flags, uint32_t lanes)
{
	struct mailbox_create c = {
		.size = sizeof(c),
		.flags = flags,
		.lanes = lanes,
		.message_size = MESSAGE_MAX,
		.open_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(control, MAILBOX_IOC_CREATE, &c))
		die("MAILBOX_IOC_CREATE");
	return c.fd;
}

static int port_create_as(uint32_t flags)
{
	return port_create_with(flags, 1);
}

static int port_create(void)
{
	return port_create_as(0);
}

/* Another endpoint of the same port. */
static int port_open_again(int port)
{
	struct mailbox_open again = { .size = sizeof(again), .open_flags = O_RDWR | O_CLOEXEC };

	if (ioctl(port, MAILBOX_IOC_OPEN, &again))
		die("MAILBOX_IOC_OPEN");
	return again.fd;
}

static void open_port(void)
{
	fd[0] = port_create();
	fd[1] = fd[0];
}

static ssize_t send_writev(size_t size)
{
	struct iovec v = { out.data, size };

	return writev(fd[1], &v, 1);
}

static ssize_t receive_readv(size_t size)
{
	struct iovec v = { in.data, size };

	return readv(fd[0], &v, 1);
}

static inline ssize_t send_with(uint32_t flags, size_t size)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = flags,
		.data = (uintptr_t)out.data,
		.length = size,
		.lane = MAILBOX_LANE_DEFAULT,
		.deadline = MAILBOX_FOREVER,
	};

	return ioctl(fd[1], MAILBOX_IOC_SEND, &m) ? -1 : (ssize_t)size;
}

static ssize_t send_ioctl(size_t size)
{
	return send_with(0, size);
}

static ssize_t receive_ioctl(size_t size)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.data = (uintptr_t)in.data,
		.length = size,
		.deadline = MAILBOX_FOREVER,
	};

	return ioctl(fd[0], MAILBOX_IOC_RECEIVE, &m) ? -1 : (ssize_t)m.length;
}

/* The floor: system calls that do nothing. */
static void open_null(void)
{
	fd[0] = open("/dev/zero", O_RDONLY);
	fd[1] = open("/dev/null", O_WRONLY);
	if (fd[0] < 0 || fd[1] < 0)
		die("/dev/null");
}

struct mechanism {
	const char *name;
	void (*open)(void);
	ssize_t (*send)(size_t size);
	ssize_t (*receive)(size_t size);
	void (*close)(void);
	bool port;
};

static const struct mechanism mechanisms[] = {
	{ "pipe", open_pipe, send_write, receive_read, close_fds, false },
	{ "POSIX mq", open_mq, send_mq, receive_mq, close_fds, false },
	{ "SysV msg", open_sysv, send_sysv, receive_sysv, close_sysv, false },
	{ "SEQPACKET", open_seqpacket, send_write, receive_read, close_fds, false },
	{ "null + zero", open_null, send_write, receive_read, close_fds, false },
	{ "port write + read", open_port, send_write, receive_read, close_fds, true },
	{ "port SEND + RECEIVE", open_port, send_ioctl, receive_ioctl, close_fds, true },
	{ "port writev + readv", open_port, send_writev, receive_readv, close_fds, true },
};

struct cost {
	uint64_t send, receive, both;
};

static struct cost costs[ARRAY_SIZE(mechanisms)][SIZES];

static void measure(const struct mechanism *m, size_t size, struct cost *cost)
{
	for (int i = -CALLS_WARM; i < calls; i++) {
		uint64_t t0, t1, t2, t3;
		ssize_t sent, received;

		t0 = now();
		sent = m->send(size);
		t1 = now();
		t2 = now();
		received = m->receive(size);
		t3 = now();
		if (sent != (ssize_t)size || received != (ssize_t)size)
			die(m->name);
		if (i < 0)
			continue;
		sample[0][i] = t1 - t0;
		sample[1][i] = t3 - t2;
		sample[2][i] = t1 - t0 + t3 - t2;
	}
	cost->send = median(sample[0]);
	cost->receive = median(sample[1]);
	cost->both = median(sample[2]);
}

static void csv_line(const char *what, int size, uint64_t send, uint64_t receive, uint64_t both)
{
	if (csv)
		printf("csv,%s,%d,%llu,%llu,%llu\n", what, size, (unsigned long long)send,
		       (unsigned long long)receive, (unsigned long long)both);
}

static void print_ratio(uint64_t value, uint64_t of)
{
	if (of)
		printf(" %7.2fx", (double)value / of);
	else
		printf(" %8s", "-");
}

static void messages(void)
{
	const struct cost *pipe_cost = costs[0], *mq_cost = costs[1];

	for (int i = 0; i < ARRAY_SIZE(mechanisms); i++) {
		const struct mechanism *m = &mechanisms[i];

		if (m->port && control < 0)
			continue;
		m->open();
		for (int s = 0; s < SIZES; s++)
			measure(m, sizes[s], &costs[i][s]);
		m->close();
	}
	for (int s = 0; s < SIZES; s++) {
		printf("\n%-5d bytes             send  receive     both   / pipe     / mq\n",
		       sizes[s]);
		for (int i = 0; i < ARRAY_SIZE(mechanisms); i++) {
			const struct cost *c = &costs[i][s];

			if (!c->both)
				continue;
			printf("%-20s %8llu %8llu %8llu", mechanisms[i].name,
			       (unsigned long long)c->send, (unsigned long long)c->receive,
			       (unsigned long long)c->both);
			print_ratio(c->both, pipe_cost[s].both);
			print_ratio(c->both, mq_cost[s].both);
			putchar('\n');
		}
	}
	for (int i = 0; i < ARRAY_SIZE(mechanisms); i++)
		for (int s = 0; s < SIZES; s++)
			if (costs[i][s].both)
				csv_line(mechanisms[i].name, sizes[s], costs[i][s].send,
					 costs[i][s].receive, costs[i][s].both);
}

/* Several messages by one call */

#define BATCH	16

static char in_batch[BATCH][MESSAGE_MAX], out_batch[BATCH][MESSAGE_MAX];

static ssize_t ask_for_batch(unsigned long request, char (*data)[MESSAGE_MAX], size_t size,
			     struct mailbox_detail *details)
{
	struct mailbox_vector vectors[BATCH];
	struct mailbox_batch b = {
		.size = sizeof(b),
		.vectors = (uintptr_t)vectors,
		.details = (uintptr_t)details,
		.deadline = MAILBOX_FOREVER,
		.count = BATCH,
	};

	for (int i = 0; i < BATCH; i++)
		vectors[i] = (struct mailbox_vector) {
			.data = (uintptr_t)data[i], .length = size, .lane = MAILBOX_LANE_DEFAULT,
		};
	return ioctl(fd[0], request, &b);
}

static void measure_batch(size_t size, struct mailbox_detail *details, struct cost *cost)
{
	for (int i = -CALLS_WARM; i < calls; i++) {
		uint64_t t0, t1, t2, t3;
		ssize_t sent, received;

		t0 = now();
		sent = ask_for_batch(MAILBOX_IOC_SEND_BATCH, out_batch, size, details);
		t1 = now();
		t2 = now();
		received = ask_for_batch(MAILBOX_IOC_RECEIVE_BATCH, in_batch, size, details);
		t3 = now();
		if (sent != BATCH || received != BATCH)
			die("batch");
		if (i < 0)
			continue;
		sample[0][i] = (t1 - t0 + BATCH / 2) / BATCH;
		sample[1][i] = (t3 - t2 + BATCH / 2) / BATCH;
		sample[2][i] = (t1 - t0 + t3 - t2 + BATCH / 2) / BATCH;
	}
	cost->send = median(sample[0]);
	cost->receive = median(sample[1]);
	cost->both = median(sample[2]);
}

static void batches(void)
{
	static struct mailbox_detail details[BATCH];
	struct cost c;

	printf("\nBatches of %d, a message   send  receive     both   / pipe     / mq\n", BATCH);
	open_port();
	memset(in_batch, 1, sizeof(in_batch));
	memset(out_batch, 1, sizeof(out_batch));
	for (int s = 0; s < SIZES; s++) {
		for (int with = 0; with < 2; with++) {
			char name[64];

			measure_batch(sizes[s], with ? details : NULL, &c);
			snprintf(name, sizeof(name), "%d bytes%s", sizes[s],
				 with ? ", details" : "");
			printf("%-20s %8llu %8llu %8llu", name, (unsigned long long)c.send,
			       (unsigned long long)c.receive, (unsigned long long)c.both);
			print_ratio(c.both, costs[0][s].both);
			print_ratio(c.both, costs[1][s].both);
			putchar('\n');
			csv_line(with ? "port batch of 16 with details" : "port batch of 16", sizes[s],
				 c.send, c.receive, c.both);
		}
	}
	close_fds();
}

/* What a first look does not find, though it is there: by calls that would sleep if it were not */

/* A message on the lowest lane. */
static void open_two_lanes(void)
{
	fd[0] = port_create_with(0, 2);
	fd[1] = fd[0];
}

static void open_all_lanes(void)
{
	fd[0] = port_create_with(0, MAILBOX_LANES_MAX);
	fd[1] = fd[0];
}

/* Endpoints take turns, and each passes what the others have received. */
#define TURNS	10

static int takers[TURNS], taker;

static void open_turns(void)
{
	takers[0] = port_create();
	for (int i = 1; i < TURNS; i++)
		takers[i] = port_open_again(takers[0]);
	fd[0] = takers[0];
	fd[1] = takers[0];
}

static ssize_t receive_in_turn(size_t size)
{
	taker = (taker + 1) % TURNS;
	return read(takers[taker], in.data, size);
}

static void close_turns(void)
{
	for (int i = 0; i < TURNS; i++)
		close(takers[i]);
}

static ssize_t send_receipt(size_t size)
{
	return send_with(MAILBOX_SEND_RECEIPT, size);
}

/* The message, and what became of it. */
static ssize_t receive_both(size_t size)
{
	struct mailbox_receipt r = { .size = sizeof(r), .deadline = MAILBOX_FOREVER };
	ssize_t received = receive_ioctl(size);

	return ioctl(fd[1], MAILBOX_IOC_RECEIPT, &r) ? -1 : received;
}

static ssize_t receive_lease(size_t size)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_RECV_LEASE,
		.data = (uintptr_t)in.data,
		.length = size,
		.deadline = MAILBOX_FOREVER,
	};
	struct mailbox_finish f = { .size = sizeof(f), .how = MAILBOX_ACK };

	if (ioctl(fd[0], MAILBOX_IOC_RECEIVE, &m))
		return -1;
	f.lane = m.lane;
	f.ticket = m.ticket;
	return ioctl(fd[0], MAILBOX_IOC_FINISH, &f) ? -1 : (ssize_t)m.length;
}

static const struct mechanism seconds[] = {
	{ "port: lower of two lanes", open_two_lanes, send_write, receive_read, close_fds, true },
	{ "port: lowest of 32 lanes", open_all_lanes, send_write, receive_read, close_fds, true },
	{ "port: ten receivers in turn", open_turns, send_write, receive_in_turn, close_turns, true },
	{ "port: SEND with receipt", open_port, send_receipt, receive_both, close_fds, true },
	{ "port: lease and ack", open_port, send_ioctl, receive_lease, close_fds, true },
};

static void second_looks(void)
{
	printf("\nMore than a first look         send  receive     both   / pipe     / mq\n");
	for (int i = 0; i < ARRAY_SIZE(seconds); i++) {
		struct cost c;

		seconds[i].open();
		measure(&seconds[i], 8, &c);
		seconds[i].close();
		printf("%-27s %8llu %8llu %8llu", seconds[i].name, (unsigned long long)c.send,
		       (unsigned long long)c.receive, (unsigned long long)c.both);
		print_ratio(c.both, costs[0][0].both);
		print_ratio(c.both, costs[1][0].both);
		putchar('\n');
		csv_line(seconds[i].name, 8, c.send, c.receive, c.both);
	}
}

/* Polling, of an empty queue and with an epoll instance watching */

static uint64_t pipe_poll[3];

static void poll_one(const struct mechanism *m)
{
	struct epoll_event event = { .events = EPOLLIN };
	static const char * const what[] = {
		"poll of an empty one", "write with epoll watching",
		"epoll_wait with one ready",
	};
	struct pollfd p;
	int epoll;

	m->open();
	epoll = epoll_create1(0);
	if (epoll < 0)
		die("epoll_create1");
	for (int i = -CALLS_WARM; i < calls; i++) {
		uint64_t t0, t1;

		p = (struct pollfd) { .fd = fd[0], .events = POLLIN };
		t0 = now();
		if (poll(&p, 1, 0))
			die("poll");
		t1 = now();
		if (i >= 0)
			sample[0][i] = t1 - t0;
	}
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd[0], &event))
		die("epoll_ctl");
	for (int i = -CALLS_WARM; i < calls; i++) {
		uint64_t t0, t1, t2, t3;
		ssize_t sent;
		int ready;

		if (epoll_wait(epoll, &event, 1, 0))
			die("epoll_wait when empty");
		t0 = now();
		sent = m->send(8);
		t1 = now();
		t2 = now();
		ready = epoll_wait(epoll, &event, 1, 0);
		t3 = now();
		if (sent != 8 || ready != 1 || m->receive(8) != 8)
			die("epoll");
		if (i < 0)
			continue;
		sample[1][i] = t1 - t0;
		sample[2][i] = t3 - t2;
	}
	close(epoll);
	m->close();
	for (int i = 0; i < ARRAY_SIZE(what); i++) {
		char name[64];
		uint64_t value = median(sample[i]);

		if (!m->port)
			pipe_poll[i] = value;
		snprintf(name, sizeof(name), "%s: %s", m->port ? "port" : m->name, what[i]);
		printf("%-38s %8llu", name, (unsigned long long)value);
		print_ratio(value, pipe_poll[i]);
		putchar('\n');
		csv_line(name, 8, 0, 0, value);
	}
}

static void polling(void)
{
	printf("\nWaiting for readiness                                   / pipe\n");
	poll_one(&mechanisms[0]);
	if (control >= 0)
		poll_one(&mechanisms[ARRAY_SIZE(mechanisms) - 3]);
}

/* Blocking ping-pong between two processes */

static void make_pipes(int there[2], int back[2])
{
	if (pipe(there) || pipe(back))
		die("pipe");
}

static void make_eventfds(int there[2], int back[2])
{
	there[0] = there[1] = eventfd(0, 0);
	back[0] = back[1] = eventfd(0, 0);
	if (there[0] < 0 || back[0] < 0)
		die("eventfd");
}

static void make_mqs(int there[2], int back[2])
{
	open_mq();
	memcpy(there, fd, sizeof(fd));
	open_mq();
	memcpy(back, fd, sizeof(fd));
}

static void make_ports(int there[2], int back[2])
{
	there[0] = there[1] = port_create();
	back[0] = back[1] = port_create();
}

/* One port for both, and one call for a question and its answer. */
static void make_one_port(int there[2], int back[2])
{
	there[1] = port_create();
	there[0] = port_open_again(there[1]);
	back[0] = there[1];
	back[1] = there[0];
}

/* Two, and an endpoint for each end: one process maps one. */
static void make_ends_as(uint32_t flags, int there[2], int back[2])
{
	there[1] = port_create_as(flags);
	there[0] = port_open_again(there[1]);
	back[1] = port_create_as(flags);
	back[0] = port_open_again(back[1]);
}

static void make_ends(int there[2], int back[2])
{
	make_ends_as(0, there, back);
}

static void make_direct_ends(int there[2], int back[2])
{
	make_ends_as(MAILBOX_DIRECT, there, back);
}

static ssize_t ask(size_t size)
{
	struct mailbox_receipt r = {
		.size = sizeof(r),
		.data = (uintptr_t)in.data,
		.length = size,
	};
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_SEND_SYNC,
		.data = (uintptr_t)out.data,
		.length = size,
		.lane = MAILBOX_LANE_DEFAULT,
		.deadline = MAILBOX_FOREVER,
		.receipt = (uintptr_t)&r,
	};

	return ioctl(fd[1], MAILBOX_IOC_SEND, &m) ? -1 : (ssize_t)r.length;
}

/* Send and receive by one call; who is the second player begins with a receive. */
static ssize_t exchange(size_t size)
{
	struct mailbox_message to = {
		.size = sizeof(to),
		.data = (uintptr_t)out.data,
		.length = size,
		.lane = MAILBOX_LANE_DEFAULT,
		.deadline = MAILBOX_FOREVER,
	};
	struct mailbox_message from = {
		.size = sizeof(from),
		.data = (uintptr_t)in.data,
		.length = size,
		.deadline = MAILBOX_FOREVER,
	};
	struct mailbox_exchange x = {
		.size = sizeof(x),
		.fd = fd[1],
		.send = (uintptr_t)&to,
		.receive = (uintptr_t)&from,
	};

	return ioctl(fd[0], MAILBOX_IOC_EXCHANGE, &x) ? -1 : (ssize_t)from.length;
}

static ssize_t exchange_after_receive(size_t size)
{
	static bool begun;

	if (begun)
		return exchange(size);
	begun = true;
	return receive_ioctl(size);
}

static struct mailbox_finish answered = { .size = sizeof(answered) };

static ssize_t take_question(size_t size)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_RECV_LEASE,
		.data = (uintptr_t)in.data,
		.length = size,
		.deadline = MAILBOX_FOREVER,
	};

	if (ioctl(fd[0], MAILBOX_IOC_RECEIVE, &m))
		return -1;
	answered.lane = m.lane;
	answered.ticket = m.ticket;
	return m.length;
}

static ssize_t answer(size_t size)
{
	answered.size = sizeof(answered);
	answered.how = MAILBOX_REPLY;
	answered.data = (uintptr_t)out.data;
	answered.length = size;
	return ioctl(fd[0], MAILBOX_IOC_FINISH, &answered) ? -1 : (ssize_t)size;
}

/* The last answer, and the next question, by one call. */
static ssize_t answer_and_take(size_t size)
{
	struct mailbox_message m = {
		.size = sizeof(m),
		.flags = MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH,
		.data = (uintptr_t)in.data,
		.length = size,
		.deadline = MAILBOX_FOREVER,
		.receipt = (uintptr_t)&answered,
	};

	if (ioctl(fd[0], MAILBOX_IOC_RECEIVE, &m))
		return -1;
	answered = (struct mailbox_finish) {
		.size = sizeof(answered),
		.how = MAILBOX_REPLY,
		.data = (uintptr_t)out.data,
		.length = size,
		.lane = m.lane,
		.ticket = m.ticket,
	};
	return m.length;
}

static ssize_t nothing(size_t size)
{
	return size;
}

/*
 * Through the mapping, which a process makes when it first uses its end: who finds nothing
 * sleeps in the kernel, and who sends to a sleeper wakes him by a kick.
 */
static struct mailbox *mapped[2];

static struct mailbox *map_end(int end)
{
	if (!mapped[end]) {
		mapped[end] = mailbox_from_fd(dup(fd[end]));
		if (!mapped[end] || mailbox_map(mapped[end]))
			die("mailbox_map");
	}
	return mapped[end];
}

static void unmap_ends(void)
{
	for (int end = 0; end < 2; end++) {
		if (mapped[end])
			mailbox_close(mapped[end]);
		mapped[end] = NULL;
	}
}

static ssize_t send_mapped(size_t size)
{
	return mailbox_send(map_end(1), out.data, size) ? -1 : (ssize_t)size;
}

static ssize_t receive_mapped(size_t size)
{
	return mailbox_receive(map_end(0), in.data, size);
}

/* Who begins sends and receives; the other one receives, then sends. */
struct game {
	const char *name;
	void (*make)(int there[2], int back[2]);
	ssize_t (*send)(size_t size);
	ssize_t (*receive)(size_t size);
	bool port;
	ssize_t (*other_receive)(size_t size);
	ssize_t (*other_send)(size_t size);
};

static const struct game games[] = {
	{ "pipe", make_pipes, send_write, receive_read, false, NULL, NULL },
	{ "eventfd", make_eventfds, send_write, receive_read, false, NULL, NULL },
	{ "POSIX mq", make_mqs, send_mq, receive_mq, false, NULL, NULL },
	{ "port write + read", make_ports, send_write, receive_read, true, NULL, NULL },
	{ "port SEND + RECEIVE", make_ports, send_ioctl, receive_ioctl, true, NULL, NULL },
	{ "port EXCHANGE", make_ports, exchange, nothing, true, exchange_after_receive, nothing },
	{ "port mapped", make_ends, send_mapped, receive_mapped, true, NULL, NULL },
	{ "port mapped direct", make_direct_ends, send_mapped, receive_mapped, true, NULL, NULL },
	{ "port call", make_one_port, ask, nothing, true, take_question, answer },
	{ "port call + RECV_FINISH", make_one_port, ask, nothing, true, answer_and_take,
	  nothing },
};

static uint64_t play(const struct game *g)
{
	ssize_t (*other_receive)(size_t size) = g->other_receive ?: g->receive;
	ssize_t (*other_send)(size_t size) = g->other_send ?: g->send;
	int there[2], back[2];
	pid_t child;

	g->make(there, back);
	memcpy(out.data, &(uint64_t) { 1 }, 8);		/* eventfd adds it up */
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd[0] = there[0];
		fd[1] = back[1];
		for (;;)
			if (other_receive(8) != 8 || other_send(8) != 8)
				_exit(1);
	}
	fd[0] = back[0];
	fd[1] = there[1];
	for (int i = -CALLS_WARM; i < calls; i++) {
		uint64_t t0 = now();

		if (g->send(8) != 8 || g->receive(8) != 8)
			die(g->name);
		if (i >= 0)
			sample[0][i] = now() - t0;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unmap_ends();
	close(there[0]);
	close(back[0]);
	if (there[1] != there[0]) {
		close(there[1]);
		close(back[1]);
	}
	return median(sample[0]);
}

static void ping_pong(void)
{
	uint64_t turns[ARRAY_SIZE(games)] = { 0 };

	printf("\nPing-pong of two processes, both sleeping, one CPU        / pipe     / mq\n");
	for (int i = 0; i < ARRAY_SIZE(games); i++)
		if (!games[i].port || control >= 0)
			turns[i] = play(&games[i]);
	for (int i = 0; i < ARRAY_SIZE(games); i++) {
		if (!turns[i])
			continue;
		printf("%-38s %8llu", games[i].name, (unsigned long long)turns[i]);
		print_ratio(turns[i], turns[0]);
		print_ratio(turns[i], turns[2]);
		putchar('\n');
	}
	for (int i = 0; i < ARRAY_SIZE(games); i++) {
		char name[64];

		snprintf(name, sizeof(name), "ping-pong: %s", games[i].name);
		if (turns[i])
			csv_line(name, 8, 0, 0, turns[i]);
	}
}

static uint64_t reading(void)
{
	for (int i = 0; i < calls; i++) {
		uint64_t t0 = now();

		sample[0][i] = now() - t0;
	}
	return median(sample[0]);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--csv")) {
			csv = true;
		} else if (!strcmp(argv[i], "--calls") && i + 1 < argc) {
			calls = atoi(argv[++i]);
		} else {
			fprintf(stderr, "usage: kernel-path [--csv] [--calls N]\n");
			return 2;
		}
	}
	if (calls < 1 || calls > CALLS_MAX) {
		fprintf(stderr, "kernel-path: 1 to %d calls\n", CALLS_MAX);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pin();
	choose_clock();
	memset(&in, 1, sizeof(in));		/* present and writable */
	memset(sample, 1, sizeof(sample));
	memset(out.data, 1, sizeof(out.data));
	control = open("/dev/mailbox/control", O_RDWR | O_CLOEXEC);

	printf("Cost of messages in ns, which are instructions under -icount shift=0.\n");
	printf("Medians of %d calls; one reading of the clock (%llu, %s) is in each.\n", calls,
	       (unsigned long long)reading(), tsc_is_clock ? "TSC" : "CLOCK_MONOTONIC");
	if (csv)
		printf("csv,what,bytes,send,receive,both\n");
	if (control < 0)
		printf("No /dev/mailbox/control (%s): without ports.\n", strerror(errno));
	messages();
	if (control >= 0) {
		batches();
		second_looks();
	}
	polling();
	ping_pong();
	return 0;
}
