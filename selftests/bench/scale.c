// SPDX-License-Identifier: GPL-2.0
/*
 * Does a message cost more where there is more of everything, and what does that weigh?
 *
 *	scale [--csv] [--messages N] [QUESTION...]
 *
 * Meant for a guest whose clock counts instructions, see instructions.h. What is measured
 * are messages of 8 bytes, and opening and closing, beside 1, 10, 100, 1000 of something;
 * and how much memory a thousand of it take. --messages: after how many on one port at
 * most (1000000000).
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mailbox.h>
#include <linux/mailbox_ring.h>

#include "instructions.h"

#define MANY		1000
#define CALLS		101
#define CALLS_WARM	5
#define BATCH		MAILBOX_RANGE_MAX

static const int steps[] = { 1, 10, 100, MANY };

static bool csv;
static int control;
static const char *question;
static uint64_t messages = 1000000000;
static uint64_t sample[CALLS];
static uint64_t bytes_out = 1, bytes_in;

static void die(const char *what)
{
	fprintf(stderr, "scale: %s: %s: %s\n", question, what, strerror(errno));
	exit(1);
}

static void row_of(const char *what, uint64_t n, uint64_t value, const char *unit)
{
	printf("%-12llu %-44s %10llu %s\n", (unsigned long long)n, what,
	       (unsigned long long)value, unit);
	if (csv)
		printf("csv,%s,%llu,%s,%s,%llu\n", question, (unsigned long long)n, what, unit,
		       (unsigned long long)value);
}

static void row(const char *what, uint64_t n, uint64_t value)
{
	row_of(what, n, value, "instructions");
}

/* Medians of what STATEMENT takes; AFTER is not counted. */
#define count(statement, after) ({						\
	uint64_t from__;							\
										\
	for (int i__ = -CALLS_WARM; i__ < CALLS; i__++) {			\
		from__ = now();							\
		statement;							\
		if (i__ >= 0)							\
			sample[i__] = now() - from__;				\
		after;								\
	}									\
	median_of(sample, CALLS);						\
})

/* Ports */

#define create(...)								\
	create_port(&(struct mailbox_create){ .size = sizeof(struct mailbox_create),	\
		    .message_size = 64, .open_flags = O_RDWR | O_CLOEXEC, __VA_ARGS__ })

static int create_port(struct mailbox_create *c)
{
	if (ioctl(control, MAILBOX_IOC_CREATE, c))
		die("MAILBOX_IOC_CREATE");
	return c->fd;
}

static int create_named(int n)
{
	struct mailbox_create c = {
		.size = sizeof(c), .message_size = 64, .open_flags = O_RDWR | O_CLOEXEC,
	};

	snprintf(c.name, sizeof(c.name), "port-%d", n);
	return create_port(&c);
}

static int open_by_name(int n)
{
	struct mailbox_open o = { .size = sizeof(o), .open_flags = O_RDWR | O_CLOEXEC };

	snprintf(o.name, sizeof(o.name), "port-%d", n);
	if (ioctl(control, MAILBOX_IOC_OPEN, &o))
		die("MAILBOX_IOC_OPEN");
	return o.fd;
}

static int open_by_node(int n)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/mailbox/port-%d", n);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void delete_named(int n)
{
	struct mailbox_delete d = { .size = sizeof(d) };

	snprintf(d.name, sizeof(d.name), "port-%d", n);
	if (ioctl(control, MAILBOX_IOC_DELETE, &d))
		die("MAILBOX_IOC_DELETE");
}

/* One more endpoint. */
static int join(int fd)
{
	struct mailbox_open o = { .size = sizeof(o), .open_flags = O_RDWR | O_CLOEXEC };

	if (ioctl(fd, MAILBOX_IOC_OPEN, &o))
		die("MAILBOX_IOC_OPEN");
	return o.fd;
}

static struct mailbox_info info_of(int fd)
{
	struct mailbox_info info = { .size = sizeof(info) };

	if (ioctl(fd, MAILBOX_IOC_INFO, &info))
		die("MAILBOX_IOC_INFO");
	return info;
}

static struct mailbox_shared *map(int fd)
{
	void *p = mmap(NULL, info_of(fd).map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* Messages */

static void put(int fd)
{
	if (write(fd, &bytes_out, sizeof(bytes_out)) != sizeof(bytes_out))
		die("write");
}

static void get(int fd)
{
	if (read(fd, &bytes_in, sizeof(bytes_in)) != sizeof(bytes_in))
		die("read");
}

static void put_get(int to, int from)
{
	put(to);
	get(from);
}

static void send_message(int fd, int lane, uint32_t flags)
{
	struct mailbox_message m = {
		.size = sizeof(m), .flags = flags, .data = (uintptr_t)&bytes_out,
		.length = sizeof(bytes_out), .lane = lane, .deadline = MAILBOX_FOREVER,
	};

	if (ioctl(fd, MAILBOX_IOC_SEND, &m))
		die("MAILBOX_IOC_SEND");
}

static struct mailbox_message receive_message(int fd, uint32_t flags, uint64_t lease)
{
	struct mailbox_message m = {
		.size = sizeof(m), .flags = flags, .data = (uintptr_t)&bytes_in,
		.length = sizeof(bytes_in), .deadline = MAILBOX_FOREVER, .lease = lease,
	};

	if (ioctl(fd, MAILBOX_IOC_RECEIVE, &m))
		die("MAILBOX_IOC_RECEIVE");
	return m;
}

static void send_receive(int to, int from)
{
	send_message(to, 0, 0);
	receive_message(from, 0, 0);
}

static void set_lanes(int fd, uint32_t mask, uint32_t lane)
{
	struct mailbox_set_lanes s = {
		.size = sizeof(s), .receive_mask = mask, .default_lane = lane,
	};

	if (ioctl(fd, MAILBOX_IOC_SET_LANES, &s))
		die("MAILBOX_IOC_SET_LANES");
}

static void path(uint64_t n, int to, int from)
{
	row("write + read", n, count(put_get(to, from), ));
	row("SEND + RECEIVE", n, count(send_receive(to, from), ));
}

/* Another process; never returns in it. */
static pid_t child_of(void (*run)(int who), int who)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(who);
		_exit(0);
	}
	return pid;
}

static void kill_all(const pid_t *pid, int n)
{
	for (int i = 0; i < n; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(pid[i], NULL, 0);
}

static int fds[MANY];

static void close_all(int n)
{
	while (n--)
		close(fds[n]);
}

/* Questions */

static void ask_ports(void)
{
	int made = 0;

	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s], fd, turn = 0;

		for (; made < n; made++)
			fds[made] = create_named(made);
		path(n, fds[0], fds[0]);
		for (int i = 0; i < n; i++)
			put_get(fds[i], fds[i]);
		row("write + read of each port in turn", n,
		    count(put_get(fds[turn], fds[turn]), turn = (turn + 1) % n));
		row("create", n, count(fd = create_named(MANY), (delete_named(MANY), close(fd))));
		row("create without a name", n, count(fd = create(), close(fd)));
		row("open by name", n, count(fd = open_by_name(n - 1), close(fd)));
		row("open the node", n, count(fd = open_by_node(n - 1), close(fd)));
		row("close", n, count(close(fd), fd = open_by_name(n - 1)));
		close(fd);
		fd = create_named(MANY);
		close(fd);
		row("delete", n, count(delete_named(MANY), close(create_named(MANY))));
		delete_named(MANY);
	}
	close_all(made);
	while (made--)
		delete_named(made);
}

/* @what: map them too, have them take part. */
static void with_endpoints(bool mapped, bool in_turn)
{
	int port = create(.capacity = 1024), made = 1;

	fds[0] = port;
	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s], to = 0, from = n > 1, fd;

		for (; made < n; made++) {
			fds[made] = join(port);
			if (mapped)	/* and what it looks at before it does anything */
				bytes_in += map(fds[made])->receivers.word;
		}
		if (in_turn) {
			for (int i = 0; i < 2048; i++)
				put_get(fds[i % n], fds[(i + 1) % n]);
			row("write + read of each endpoint in turn", n,
			    count(put_get(fds[to], fds[from]),
				  (to = from, from = (from + 1) % n)));
			continue;
		}
		path(n, fds[0], fds[n > 1]);
		if (mapped)
			continue;
		row("open", n, count(fd = join(port), close(fd)));
		row("close", n, count(close(fd), fd = join(port)));
		close(fd);
	}
	close_all(made);	/* mappings go with the process */
}

static void ask_endpoints(void)
{
	with_endpoints(false, false);
	with_endpoints(false, true);
}

static void ask_mapped(void)
{
	with_endpoints(true, false);
}

/* Who sleeps, who was woken, and how often each of them went to sleep. */
static struct {
	uint64_t count;
	int last;
	bool tell;
	long switches[MANY];
} *shared;

static int where;
static uint32_t lanes_of[2];

static void sleeper(int who)
{
	struct rusage usage;

	/* A page of its own, or the first message goes to the next one in line. */
	*(volatile uint64_t *)&bytes_in = 0;
	for (;;) {
		get(where);
		if (shared->tell) {
			getrusage(RUSAGE_SELF, &usage);
			shared->switches[who] = usage.ru_nvcsw;
		}
		shared->last = who;
		shared->count++;
	}
}

/* Asleep on the first lane, but the last on the second. */
static void sleeper_elsewhere(int who)
{
	where = join(where);
	set_lanes(where, lanes_of[who == MANY - 1], 0);
	sleeper(who);
}

static void wait_asleep(uint32_t n)
{
	while (info_of(where).waiting_receivers != n)
		sched_yield();
}

/* Send one, until whoever gets it has it, and sleeps again. */
static void wake_one(void)
{
	uint64_t before = shared->count;

	put(where);
	while (*(volatile uint64_t *)&shared->count == before)
		sched_yield();
}

static long switches(int n)
{
	long sum = 0;

	while (n--)
		sum += shared->switches[n];
	return sum;
}

/* Returns how often somebody was woken who should not have been. */
static int wake_each(int n, int *first)
{
	int wrong = 0;

	for (int i = 0; i < n; i++) {
		wake_one();
		wrong += shared->last != *first;
		*first = (*first + 1) % n;
		wait_asleep(n);
	}
	return wrong;
}

static void ask_sleepers(void)
{
	static pid_t pid[MANY];
	int made = 0;

	where = create(.capacity = 1024);
	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s], next = 0, wrong;
		long before;

		/* All of them anew, so that it is known in which order they sleep. */
		kill_all(pid, made);
		for (made = 0; made < n; made++) {
			pid[made] = child_of(sleeper, made);
			wait_asleep(made + 1);
		}
		shared->tell = true;
		wrong = wake_each(n, &next);
		before = switches(n);
		wrong += wake_each(n, &next);
		if (wrong || switches(n) - before != n) {
			fprintf(stderr, "%d of %d messages woke another one, they slept %ld times\n",
				wrong, 2 * n, switches(n) - before);
			die("not exactly one was woken, or not the first");
		}
		shared->tell = false;
		row("message and wake-up", n, count(wake_one(), wait_asleep(n)));
		row_of("woken by each message", n, (switches(n) - before) / n, "sleepers");
	}
	kill_all(pid, made);
	close(where);
}

static void ask_lane_sleepers(void)
{
	static pid_t pid[MANY];

	where = create(.lanes = 2);
	set_lanes(where, 3, 1);
	lanes_of[0] = 1;
	lanes_of[1] = 2;
	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s];

		for (int i = 0; i < n; i++) {
			pid[i] = child_of(sleeper_elsewhere, i == n - 1 ? MANY - 1 : i);
			wait_asleep(i + 1);
		}
		row("message and wake-up", n, count(wake_one(), wait_asleep(n)));
		kill_all(pid, n);
	}
	close(where);
}

/* One write, of which so many epoll instances are told. */
static void watched(const char *what, int to, int from, uint32_t events)
{
	struct epoll_event event = { .events = events };

	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s];

		for (int i = 0; i < n; i++) {
			fds[i] = epoll_create1(EPOLL_CLOEXEC);
			if (fds[i] < 0 || epoll_ctl(fds[i], EPOLL_CTL_ADD, from, &event))
				die("epoll");
		}
		row(what, n, count(put(to), ({
			get(from);
			for (int i = 0; i < n; i++)
				if (epoll_wait(fds[i], &event, 1, 0) && events == EPOLLIN)
					die("epoll_wait");
			event.events = events;
		})));
		close_all(n);
	}
	close(to);
	if (from != to)
		close(from);
}

static void ask_watchers(void)
{
	int fd, ends[2];

	fd = create();
	watched("write", fd, fd, EPOLLIN);
	if (pipe(ends))
		die("pipe");
	watched("write to a pipe", ends[1], ends[0], EPOLLIN);
}

/* As a mapped endpoint does it, 256 by one claim and one take, each of no bytes. */
static void exchange(struct mailbox_shared *at, uint32_t owner, uint64_t n)
{
	static __u64 position;
	struct mailbox_lane lane = {
		.slots = (char *)at + at->slots, .capacity = at->capacity, .stride = at->stride,
	};

	while (n) {
		uint32_t got = n < BATCH ? n : BATCH;
		__u64 word;

		if (mailbox_find_free(&lane, &position, &word) != MAILBOX_FIND_SLOT)
			die("no free slot");
		got = mailbox_range_claim(&lane, position, word, owner, got);
		for (uint32_t i = 0; i < got; i++)
			mailbox_slot_write(&lane, position + i, 0, 0, owner);
		mailbox_range_publish(&lane, position, owner, got);
		word = mailbox_lane_word(&lane, position);
		if (!got || !mailbox_range_take(&lane, position, word, owner))
			die("somebody else is here");
		mailbox_range_release(&lane, position, got);
		MAILBOX_STORE(&at->lane[0].hint, position);
		position += got;
		n -= got;
	}
}

static void ask_messages(void)
{
	int port = create(.capacity = 1024), fd = join(port);
	struct mailbox_shared *at = map(fd);
	uint32_t owner = info_of(fd).owner;
	uint64_t sent, goals[] = { 0, 1000, 1000000, messages };

	for (int i = 0; i < ARRAY_SIZE(goals); i++) {
		sent = info_of(port).messages_sent;
		if (sent < goals[i])
			exchange(at, owner, goals[i] - sent);
		row_of("sent, says the port", goals[i], info_of(port).messages_sent, "messages");
		path(goals[i], port, port);
	}
	munmap(at, info_of(port).map_bytes);
	close(fd);
	close(port);
}

/* Opens, maps, claims a slot, and is killed. */
static void peer(int who)
{
	int fd = join(where);
	struct mailbox_shared *at = map(fd);
	struct mailbox_lane lane = {
		.slots = (char *)at + at->slots, .capacity = at->capacity, .stride = at->stride,
	};
	__u64 position = who, word;

	if (mailbox_find_free(&lane, &position, &word) != MAILBOX_FIND_SLOT ||
	    !mailbox_slot_claim(&lane, position, word, info_of(fd).owner))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void come_and_go(int who)
{
	int status;

	if (waitpid(child_of(peer, who), &status, 0) < 0 || !WIFSIGNALED(status))
		die("a peer");
}

static void ask_dead(void)
{
	int gone = 0;

	where = create(.capacity = 1024);
	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s], fd;

		for (; gone < n; gone++)
			come_and_go(gone);
		/* What they had claimed is claimed over, once. */
		for (int i = 0; i < 1024; i++)
			put_get(where, where);
		path(n, where, where);
		row("open", n, count(fd = join(where), close(fd)));
		if (info_of(where).mappings || info_of(where).endpoints != 1)
			die("still there");
	}
	close(where);
}

static void finish(int fd, const struct mailbox_message *m)
{
	struct mailbox_finish f = {
		.size = sizeof(f), .lane = m->lane, .ticket = m->ticket, .how = MAILBOX_ACK,
	};

	if (ioctl(fd, MAILBOX_IOC_FINISH, &f))
		die("MAILBOX_IOC_FINISH");
}

static void receive_finish(int fd, uint64_t lease)
{
	struct mailbox_message m = receive_message(fd, MAILBOX_RECV_LEASE, lease);

	finish(fd, &m);
}

static void leases_of(const char *what, bool timed)
{
	int port = create(), held = 0;

	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		int n = steps[s];
		uint64_t until = timed ? clock_monotonic() + 3600000000000ULL : 0;

		for (; held < n; held++) {
			put(port);
			receive_message(port, MAILBOX_RECV_LEASE, until);
		}
		put(port);
		row(what, n, count(receive_finish(port, until), put(port)));
		get(port);
	}
	close(port);
}

static void ask_leases(void)
{
	leases_of("RECEIVE with lease + FINISH", false);
	leases_of("the same with a deadline", true);
}

static void read_receipt(int fd)
{
	struct mailbox_receipt r = { .size = sizeof(r), .deadline = MAILBOX_FOREVER };

	if (ioctl(fd, MAILBOX_IOC_RECEIPT, &r))
		die("MAILBOX_IOC_RECEIPT");
}

static void ask_receipts(void)
{
	int port = create(.capacity = 1024, .lanes = 2), open = 0;

	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		for (; open < steps[s]; open++)
			send_message(port, 0, MAILBOX_SEND_RECEIPT);
		row("SEND with receipt + RECEIVE + RECEIPT", open, count(({
			send_message(port, 1, MAILBOX_SEND_RECEIPT);
			receive_message(port, 0, 0);
			read_receipt(port);
		}), ));
	}
	close(port);
}

static void ask_queued(void)
{
	int port = create(.capacity = 1024), queued = 0;

	for (int s = 0; s < ARRAY_SIZE(steps); s++) {
		for (; queued < steps[s]; queued++)
			put(port);
		path(queued, port, port);
	}
	close(port);
}

/* Memory */

struct memory {
	long slab, kmalloc, vmalloc, tables;
};

static long field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) * 1024 : 0;
}

/* What processors keep for themselves is counted as in use. */
static void shrink_slabs(void)
{
	glob_t found;
	int fd;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &found))
		die("/sys/kernel/slab");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_WRONLY);
		if (fd < 0 || write(fd, "1", 1) != 1)
			die(found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

static struct memory memory_now(void)
{
	static char text[16384];
	struct memory m = { 0 };
	char name[64];
	long active, size;
	FILE *f;

	/* What was freed is freed. */
	usleep(200000);
	shrink_slabs();
	f = fopen("/proc/meminfo", "r");
	if (!f)
		die("/proc/meminfo");
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	m.slab = field(text, "\nSlab:");
	m.vmalloc = field(text, "\nVmallocUsed:");
	m.tables = field(text, "\nPageTables:");
	f = fopen("/proc/slabinfo", "r");
	if (!f)
		die("/proc/slabinfo");
	while (fgets(text, sizeof(text), f))
		if (sscanf(text, "%63s %ld %*d %ld", name, &active, &size) == 3 &&
		    !strncmp(name, "kmalloc-", 8))
			m.kmalloc += active * size;
	fclose(f);
	return m;
}

static struct memory difference(struct memory m, struct memory before)
{
	m.slab -= before.slab;
	m.kmalloc -= before.kmalloc;
	m.vmalloc -= before.vmalloc;
	m.tables -= before.tables;
	return m;
}

static void weigh(const char *what, void (*make)(int n))
{
	struct memory before, m, looking;

	/* To look takes some too. */
	before = memory_now();
	looking = difference(memory_now(), before);
	before = memory_now();
	for (int i = 0; i < MANY; i++)
		make(i);
	m = difference(difference(memory_now(), before), looking);
	printf("%s, each of %d: kmalloc %ld, slab %ld, vmalloc %ld, page tables %ld bytes\n",
	       what, MANY, m.kmalloc / MANY, m.slab / MANY, m.vmalloc / MANY, m.tables / MANY);
	if (!csv)
		return;
#define weight(kind, member)							\
	printf("csv,%s,%d,%s: %s,bytes,%ld\n", question, MANY, what, kind, m.member / MANY)
	weight("kmalloc", kmalloc);
	weight("slab", slab);
	weight("vmalloc", vmalloc);
}

static void make_port(int n)
{
	close(create_named(n));
}

static void make_nameless(int n)
{
	fds[n] = create();
}

static void make_endpoint(int n)
{
	fds[n] = join(where);
}

static void make_mapped(int n)
{
	bytes_in += map(fds[n])->version;
}

static void make_message(int n)
{
	(void)n;
	put(where);
}

static void make_lease(int n)
{
	(void)n;
	receive_message(where, MAILBOX_RECV_LEASE, 0);
}

static void make_receipt(int n)
{
	(void)n;
	send_message(where, 0, MAILBOX_SEND_RECEIPT);
}

static void ask_memory(void)
{
	where = create(.capacity = 1024);
	row_of("a port of 16 messages of 64 bytes: slots", 1, info_of(create()).bytes, "bytes");
	weigh("a named port that is closed", make_port);
	for (int i = 0; i < MANY; i++)
		delete_named(i);
	weigh("an open port without a name", make_nameless);
	close_all(MANY);
	weigh("an open endpoint", make_endpoint);
	weigh("its mapping", make_mapped);
	weigh("a queued message", make_message);
	weigh("a leased message of 8 bytes", make_lease);
	weigh("a receipt to come", make_receipt);
}

struct asked {
	const char *name;
	void (*ask)(void);
};

static const struct asked questions[] = {
	{ "ports", ask_ports },
	{ "endpoints of a port", ask_endpoints },
	{ "mapped endpoints", ask_mapped },
	{ "asleep on a port", ask_sleepers },
	{ "asleep on a port but for another lane", ask_lane_sleepers },
	{ "epoll instances that watch", ask_watchers },
	{ "messages sent before", ask_messages },
	{ "mapped peers that were killed", ask_dead },
	{ "messages queued", ask_queued },
	{ "leases held", ask_leases },
	{ "receipts to come", ask_receipts },
	{ "memory", ask_memory },
};

static void nofile(void)
{
	struct rlimit limit = { 4 * MANY, 4 * MANY };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("RLIMIT_NOFILE");
}

/* In a process of its own, with which all goes that it has made. */
static bool answer(const struct asked *q)
{
	int status;
	pid_t pid;

	printf("\n%s\n", q->name);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		question = q->name;
		q->ask();
		fflush(stdout);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

int main(int argc, char **argv)
{
	bool good = true, all = true;

	question = "start";
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--csv"))
			csv = true;
		else if (!strcmp(argv[i], "--messages") && i + 1 < argc)
			messages = strtoull(argv[++i], NULL, 0);
		else
			all = false;
	}
	pin();
	nofile();
	choose_clock();
	memset(sample, 1, sizeof(sample));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	control = open("/dev/mailbox/control", O_RDWR | O_CLOEXEC);
	if (shared == MAP_FAILED || control < 0)
		die("/dev/mailbox/control");
	for (int q = 0; q < ARRAY_SIZE(questions); q++) {
		bool asked = all;

		for (int i = 1; i < argc; i++)
			asked |= !strcmp(argv[i], questions[q].name);
		if (asked)
			good &= answer(&questions[q]);
	}
	return !good;
}
