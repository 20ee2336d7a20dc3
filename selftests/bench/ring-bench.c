// SPDX-License-Identifier: GPL-2.0
/*
 * What a message costs without system calls, beside what else there is.
 *
 *	ring-bench [--rounds N] [--ms N | --messages N] [--patience N] [--rows TEXT]
 *		[--peers TEXT] [--csv FILE] [--capacity N] [--idle N] [--huge 1]
 *	ring-bench --alone N [--bytes N] [--batch 1] [--direct 1]
 *	ring-bench --scale FILE [--rounds N] [--ms N] [--messages N]
 *
 * All processes of a row run at the same time on two processors; every mechanism takes
 * its turn in every round, so that what disturbs the machine disturbs all of them. Ratios
 * are taken within a round; what is printed are medians over the rounds, and ours against
 * each in brackets. --rows, --peers: only those that have TEXT in their name, or one of
 * several with | between. `make ring BEFORE=tree` adds the library of another tree as a
 * peer of its own: so a change is measured beside what was before it.
 *
 * --alone: one process sends and receives N messages by libmailbox, and nothing is
 * measured: to count its instructions with valgrind. --scale: what many participants and many
 * messages make of it, appended to FILE: endpoints in one process that take turns, which is what
 * it costs to pass what others did; others that are mapped and idle; processes that contend; a
 * port after 10^9 messages, or so many as --messages says, by turns with one that is new.
 *
 * Before and after each round a bare cache line goes to and fro. Where that is too fast the
 * two processors are two threads of one core at that moment, and the round is dropped, but
 * not where it is wake-ups that count. A turn of two processes in which one of them lost its
 * processor is repeated, as often as --patience says: so short turns (--ms 3) tell something
 * on a busy machine too.
 * --messages: so many in a turn of each, rather than as many as make a turn of --ms: what
 * happens in the first laps is not the same as what comes then. --capacity: slots, of which
 * there are 8192 otherwise, and 4 MiB at most. --idle: so many other processes have joined.
 * --huge: the same port in huge pages is a peer of its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring-bench.h"

#define ROUNDS_MAX	101
#define PEERS_MAX	20
#define PROCESSES_MAX	16
#define SAMPLES_MAX	100000
#define LINE_MIN_NS	160
#define TRIES_MAX	20
#define SECONDS_MAX	10	/* of a turn, and one more for each million messages */

#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

void die(const char *what)
{
	fprintf(stderr, "ring-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void *shared_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* What is measured */

enum kind {
	DIRECT,			/* one sends, one receives */
	CONTENDED,		/* two that both send and receive, on one ring */
	TWO_TO_TWO,		/* two send, two receive */
	PING,			/* and back, over two rings */
};

/* So many times the best of these, names with | between; or at most so many. */
struct goal {
	const char *peers;
	double times;
};

struct row {
	const char *name;
	enum kind kind;
	size_t size;
	bool batch, sleeps, in_place, direct, one_cpu;
	struct goal goals[2];
	int processes;			/* that contend; 0: 2 */
	int thinks;			/* so many ns before the answer */
	int slow;			/* of so many answers, the first ones; 0: all */
};

#define PIPE_AND_MQ	{ { "pipe", 5 }, { "POSIX mq|SEQPACKET", 10 } }
#define TIGHT		{ { "CK SPSC|DPDK SPSC", 1.5 } }
#define MANY		{ { "DPDK MPMC|CK MPMC", 1.7 }, { "pipe", 5 } }
#define BULK		{ { "DPDK SPSC|DPDK MPMC", 1.3 } }

static const struct row rows[] = {
	{ "one to one 8 B", DIRECT, 8, .goals = PIPE_AND_MQ },
	{ "one to one 16 B", DIRECT, 16, .goals = PIPE_AND_MQ },
	{ "one to one 32 B", DIRECT, 32, .goals = PIPE_AND_MQ },
	{ "one to one 40 B", DIRECT, 40, .goals = PIPE_AND_MQ },
	{ "one to one 48 B", DIRECT, 48, .goals = PIPE_AND_MQ },
	{ "one to one 64 B", DIRECT, 64, .goals = PIPE_AND_MQ },
	{ "one to one 256 B", DIRECT, 256, .goals = PIPE_AND_MQ },
	{ "one to one 1024 B", DIRECT, 1024, .goals = PIPE_AND_MQ },
	{ "one to one 4096 B", DIRECT, 4096, .goals = PIPE_AND_MQ },
	{ "direct 8 B", DIRECT, 8, .direct = true, .goals = TIGHT },
	{ "direct 16 B", DIRECT, 16, .direct = true, .goals = TIGHT },
	{ "direct 32 B", DIRECT, 32, .direct = true, .goals = TIGHT },
	{ "direct 48 B", DIRECT, 48, .direct = true, .goals = TIGHT },
	{ "direct 64 B", DIRECT, 64, .direct = true },
	{ "direct 256 B", DIRECT, 256, .direct = true },
	{ "direct 16 x 8 B", DIRECT, 8, true, .direct = true, .goals = BULK },
	{ "direct 16 x 40 B", DIRECT, 40, true, .direct = true, .goals = BULK },
	{ "contended 8 B", CONTENDED, 8, .goals = MANY },
	{ "contended 40 B", CONTENDED, 40, .goals = MANY },
	{ "two to two 8 B", TWO_TO_TWO, 8, .goals = MANY },
	{ "two to two 40 B", TWO_TO_TWO, 40, .goals = MANY },
	{ "one to one 16 x 8 B", DIRECT, 8, true, .goals = BULK },
	{ "one to one 16 x 40 B", DIRECT, 40, true, .goals = BULK },
	{ "contended 16 x 8 B", CONTENDED, 8, true, .goals = BULK },
	{ "contended 16 x 40 B", CONTENDED, 40, true, .goals = BULK },
	{ "two to two 16 x 8 B", TWO_TO_TWO, 8, true, .goals = BULK },
	{ "two to two 16 x 40 B", TWO_TO_TWO, 40, true, .goals = BULK },
	{ "round trip 8 B", PING, 8, .goals = { { "bare line", 1.15 } } },
	{ "round trip 40 B", PING, 40, .goals = { { "bare line", 1.15 } } },
	{ "direct round trip 8 B", PING, 8, .direct = true, .goals = { { "bare line", 1.15 } } },
	{ "direct round trip 40 B", PING, 40, .direct = true, .goals = { { "bare line", 1.15 } } },
	{ "round trip asleep 8 B", PING, 8, .sleeps = true },
	{ "round trip asleep 8 B (answer after 1 us)", PING, 8, .sleeps = true, .thinks = 1000 },
	{ "round trip asleep 8 B (answer after 3 us)", PING, 8, .sleeps = true, .thinks = 3000 },
	{ "round trip asleep 8 B (answer after 10 us)", PING, 8, .sleeps = true, .thinks = 10000 },
	{ "round trip asleep 8 B (answer after 30 us)", PING, 8, .sleeps = true, .thinks = 30000 },
	{ "round trip asleep 8 B (answer after 100 us)", PING, 8, .sleeps = true, .thinks = 100000 },
	{ "round trip asleep 8 B (after 100 slow ones)", PING, 8, .sleeps = true, .thinks = 100000,
	  .slow = 100 },
	{ "round trip asleep 8 B (one processor)", PING, 8, .sleeps = true, .one_cpu = true },
	{ "direct round trip asleep 8 B", PING, 8, .sleeps = true, .direct = true },
	{ "direct round trip asleep 8 B (answer after 10 us)", PING, 8, .sleeps = true, .direct = true,
	  .thinks = 10000 },
	{ "direct round trip asleep 8 B (one processor)", PING, 8, .sleeps = true, .direct = true,
	  .one_cpu = true },
	{ "one to one 64 KiB", DIRECT, 65536, .goals = { { "bare copy", 0.9 } } },
	{ "in place 64 KiB", DIRECT, 65536, .in_place = true, .goals = { { "POSIX mq", 100 } } },
};

static const struct peer *const peers[] = {
	&peer_mailbox,
	&peer_mailbox_direct,
	&peer_mailbox_in_place,
	&peer_mailbox_huge,
#ifdef HAVE_BEFORE
	&peer_before_mailbox,
	&peer_before_mailbox_direct,
	&peer_before_mailbox_in_place,
#endif
	&peer_pipe,
	&peer_mq,
	&peer_seqpacket,
#ifdef HAVE_BOOST
	&peer_boost,
#endif
#ifdef HAVE_CK
	&peer_ck_spsc,
	&peer_ck_mpmc,
#endif
#ifdef HAVE_DPDK
	&peer_dpdk_spsc,
	&peer_dpdk_mpmc,
#endif
	&peer_bare_line,
	&peer_bare_copy,
};

static void say_left_out(void)
{
#ifndef HAVE_BOOST
	puts("Boost mq is left out: libboost-dev is not here");
#endif
#ifndef HAVE_CK
	puts("CK is left out: libck-dev is not here");
#endif
#ifndef HAVE_DPDK
	puts("DPDK is left out: libdpdk-dev is not here");
#endif
}

static int processes_of(const struct row *row)
{
	return row->processes ? row->processes : row->kind == TWO_TO_TWO ? 4 : 2;
}

static int senders_of(const struct row *row)
{
	return row->kind == CONTENDED ? processes_of(row) : row->kind == TWO_TO_TWO ? 2 : 1;
}

static bool huge;

/* A mechanism in a row, in one of its two ways to wait. */
struct candidate {
	const struct peer *peer;
	bool sleeps;
	uint64_t n;			/* messages in a turn, 0: not known yet */
	double value[ROUNDS_MAX];	/* messages a second, or ns: p50 */
	double p99[ROUNDS_MAX];
	double cpu[ROUNDS_MAX];		/* ns of both processors for a round trip */
};

struct table {
	const struct row *row;
	int rounds, dropped, disturbed;
	double line[ROUNDS_MAX];
	int candidates;
	struct candidate candidate[PEERS_MAX];
};

static struct table tables[ARRAY_SIZE(rows)];

/* Whether one of @texts, with | between, is in @name. */
static bool named(const char *name, const char *texts)
{
	char *copy = strdup(texts), *rest = copy, *text;
	bool found = !*texts;

	if (!copy)
		die("strdup");
	while (!found && (text = strsep(&rest, "|")))
		found = strstr(name, text);
	free(copy);
	return found;
}

static bool fits(const struct row *row, const struct peer *peer, bool sleeps)
{
	bool many = row->kind == CONTENDED || row->kind == TWO_TO_TWO;

	if (sleeps ? !(peer->can & PEER_SLEEPS) && !(peer->can & PEER_NAPS && row->kind == PING) :
		     !(peer->can & PEER_POLLS))
		return false;
	if (peer->can & PEER_HUGE && !huge)
		return false;
	if (peer->can & PEER_IN_PLACE)
		return row->in_place;
	if (peer->can & PEER_DIRECT && !row->direct)
		return false;
	if (row->direct && peer->can & PEER_SLEEPS)
		return false;
	if (row->in_place)
		return peer == &peer_pipe || peer == &peer_mq || peer == &peer_seqpacket;
	if (peer == &peer_bare_copy)
		return row->kind == DIRECT && row->size == BYTES_MAX;
	if (many && !(peer->can & PEER_MANY))
		return false;
	if (row->kind == PING)
		return peer->ping && row->sleeps == sleeps;
	return row->batch ? peer->send_batch != NULL : peer->send != NULL;
}

static void choose(struct table *t, const struct row *row, const char *text)
{
	int i, sleeps;

	t->row = row;
	for (i = 0; i < ARRAY_SIZE(peers); i++)
		for (sleeps = 0; sleeps < 2; sleeps++)
			if (named(peers[i]->name, text) && fits(row, peers[i], sleeps))
				t->candidate[t->candidates++] = (struct candidate){
					.peer = peers[i], .sleeps = sleeps };
}

/* One turn: processes */

static struct shared {
	unsigned int ready, go, idle;
	struct {
		uint64_t begin, end;	/* ns */
		uint64_t sum;
		long preempted;
		double cpu;		/* ns */
	} process[PROCESSES_MAX];
	uint32_t ticks[SAMPLES_MAX];
} *shared;

static int cpus[2];
static double ticks_per_ns = 1;
uint64_t answer_after, slow_answers;
static int patience, messages, capacity, idle;
static FILE *scale_csv;

static uint64_t ns_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void find_cpus(void)
{
	cpu_set_t set;
	int cpu, n = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	for (cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	if (n < 2) {
		fputs("ring-bench: takes two processors\n", stderr);
		exit(1);
	}
}

static void measure_ticks(void)
{
	uint64_t ns = ns_now(), ticks = ticks_now(), now;

	do
		now = ns_now();
	while (now - ns < 50000000);
	ticks_per_ns = (double)(ticks_now() - ticks) / (now - ns);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* What process @who does; of two, 0 is on one processor and 1 on the other. */
static uint64_t part(const struct table *t, const struct candidate *c, void *q[2], uint64_t n,
		     int who)
{
	const struct peer *peer = c->peer;
	size_t size = t->row->size;
	bool batch = t->row->batch;

	switch (t->row->kind) {
	case DIRECT:
	case TWO_TO_TWO:
		if (who == 0 || who == 3)
			return (batch ? peer->send_batch : peer->send)(q[0], size, n);
		return (batch ? peer->receive_batch : peer->receive)(q[0], size, n);
	case CONTENDED:
		return (batch ? peer->pairs_batch : peer->pairs)(q[0], size, n);
	case PING:
		if (who == 0)
			peer->ping(q[0], q[1], size, n, shared->ticks);
		else
			peer->pong(q[0], q[1], size, n);
		return 0;
	}
	return 0;
}

/*
 * How often somebody else was given our processor though we wanted it, and how long we
 * had it, in ns.
 */
static long preempted(double *cpu)
{
	struct timespec t;
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t))
		die("getrusage");
	*cpu = t.tv_sec * 1e9 + t.tv_nsec;
	return usage.ru_nivcsw;
}

static void child(const struct table *t, const struct candidate *c, void *q[2], uint64_t n,
		  int who, unsigned int processes)
{
	double cpu_before, cpu;
	uint64_t begin, sum;
	long before;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(SECONDS_MAX + n / 1000000);
	pin(cpus[t->row->one_cpu ? 0 : who % 2]);
	c->peer->join(q[0], who);
	if (q[1])
		c->peer->join(q[1], who);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) != processes)
		sched_yield();
	/* Now both are there, and begin at once: whoever had to wait for it counts. */
	before = preempted(&cpu_before);
	__atomic_add_fetch(&shared->go, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) != processes)
		if (processes > 2 || t->row->one_cpu)
			sched_yield();
	begin = ns_now();
	sum = part(t, c, q, n, who);
	shared->process[who].end = ns_now();
	shared->process[who].begin = begin;
	shared->process[who].sum = sum;
	shared->process[who].preempted = preempted(&cpu) - before;
	shared->process[who].cpu = cpu - cpu_before;
	_exit(0);
}

/* Others who have joined, and do nothing: their process group, or 0. */
static pid_t idle_ones(const struct candidate *c, void *q)
{
	pid_t group = 0, pid;
	int i;

	for (i = 0; i < idle; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			c->peer->join(q, PROCESSES_MAX + i);
			__atomic_add_fetch(&shared->idle, 1, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		setpgid(pid, group);
		group = group ? group : pid;
	}
	while (__atomic_load_n(&shared->idle, __ATOMIC_ACQUIRE) != (unsigned int)idle)
		sched_yield();
	shared->idle = 0;
	return group;
}

static bool ours(const struct candidate *c)
{
	return !strncmp(c->peer->name, "libmailbox", 10);
}

/* Process @who was not done in time, or failed: so this turn is over, or all of it. */
static void too_slow(const struct table *t, const struct candidate *c, pid_t *pid, int who,
		     int status)
{
	int i;

	fprintf(stderr, "ring-bench: %s, %s: process %d ended with %#x\n", t->row->name,
		c->peer->name, who, status);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM || ours(c))
		exit(1);
	for (i = who + 1; i < processes_of(t->row); i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
}

/*
 * Runs @n messages for each sender, by these queues. Returns ns; or 0 if another mechanism than
 * ours is not done in time: some spin for who has lost his processor.
 */
static uint64_t turn_on(const struct table *t, const struct candidate *c, void *q[2], uint64_t n)
{
	int processes = processes_of(t->row), who, status;
	uint64_t begin = UINT64_MAX, end = 0, sum = 0;
	pid_t pid[PROCESSES_MAX], idlers;

	shared->ready = 0;
	shared->go = 0;
	answer_after = t->row->thinks * ticks_per_ns;
	slow_answers = t->row->slow ? (uint64_t)t->row->slow : t->row->thinks ? UINT64_MAX : 0;
	idlers = idle_ones(c, q[0]);
	for (who = 0; who < processes; who++) {
		pid[who] = fork();
		if (pid[who] < 0)
			die("fork");
		if (!pid[who])
			child(t, c, q, n, who, processes);
	}
	for (who = 0; who < processes; who++)
		if (waitpid(pid[who], &status, 0) != pid[who] || status) {
			too_slow(t, c, pid, who, status);
			return 0;
		}
	for (who = 0; who < processes; who++) {
		if (shared->process[who].begin < begin)
			begin = shared->process[who].begin;
		if (shared->process[who].end > end)
			end = shared->process[who].end;
		sum += shared->process[who].sum;
	}
	if (t->row->kind != PING && sum != senders_of(t->row) * (n * (n + 1) / 2)) {
		fprintf(stderr, "ring-bench: %s, %s: not what was sent\n", t->row->name,
			c->peer->name);
		exit(1);
	}
	if (idlers) {
		kill(-idlers, SIGKILL);
		while (waitpid(-idlers, NULL, 0) > 0)
			;
	}
	return end - begin;
}

static void *open_queue(const struct table *t, const struct candidate *c)
{
	struct shape shape = { .size = t->row->size, .sleeps = c->sleeps };

	for (shape.capacity = 8192; shape.capacity * shape.size > 4 << 20; shape.capacity /= 2)
		;
	if (capacity)
		shape.capacity = capacity;
	return c->peer->open(&shape);
}

/* The same by new ones; 0 if they cannot be had. */
static uint64_t turn(const struct table *t, const struct candidate *c, uint64_t n)
{
	void *q[2] = { NULL, NULL };
	uint64_t ns;

	q[0] = open_queue(t, c);
	if (q[0] && t->row->kind == PING)
		q[1] = open_queue(t, c);
	if (!q[0] || (t->row->kind == PING && !q[1]))
		return 0;
	ns = turn_on(t, c, q, n);
	c->peer->close(q[0]);
	if (q[1])
		c->peer->close(q[1]);
	return ns;
}

/* The same; once more if somebody else has had one of the processors. */
static uint64_t undisturbed_turn(struct table *t, const struct candidate *c, uint64_t n)
{
	int tries = c->sleeps || processes_of(t->row) > 2 ? 0 : patience;
	uint64_t ns;

	do
		ns = turn(t, c, n);
	while (ns && (shared->process[0].preempted || shared->process[1].preempted) && tries-- > 0);
	t->disturbed += ns && tries < 0;
	return ns;
}

static int by_ticks(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double percentile(uint64_t n, int percent)
{
	return shared->ticks[(n - 1) * percent / 100] / ticks_per_ns;
}

static uint64_t whole(uint64_t n, const struct row *row)
{
	n -= n % BATCH;
	if (n < BATCH)
		n = BATCH;
	return row->kind == PING && n > SAMPLES_MAX ? SAMPLES_MAX - SAMPLES_MAX % BATCH : n;
}

/* How many messages make a turn of @ms. */
static void calibrate(struct table *t, struct candidate *c, int ms)
{
	uint64_t n = whole(t->row->size == BYTES_MAX ? 256 : 4096, t->row), ns;

	if (messages && !scale_csv) {
		c->n = whole(messages, t->row);
		return;
	}
	for (;;) {
		ns = undisturbed_turn(t, c, n);
		if (!ns)
			return;
		if (ns > 5000000 || (t->row->kind == PING && n >= SAMPLES_MAX - BATCH))
			break;
		n = whole(8 * n, t->row);
	}
	c->n = whole((double)n * ms * 1e6 / ns, t->row);
}

static bool measure(struct table *t, struct candidate *c, int round, int ms)
{
	uint64_t ns;

	if (!c->n)
		calibrate(t, c, ms);
	ns = c->n ? undisturbed_turn(t, c, c->n) : 0;
	if (!ns)
		return false;
	if (t->row->kind == PING) {
		qsort(shared->ticks, c->n, sizeof(*shared->ticks), by_ticks);
		c->value[round] = percentile(c->n, 50);
		c->p99[round] = percentile(c->n, 99);
		c->cpu[round] = (shared->process[0].cpu + shared->process[1].cpu) / c->n;
	} else {
		c->value[round] = senders_of(t->row) * c->n * 1e9 / ns;
	}
	return true;
}

/* There and back, in ns; on one core it is much too fast. */
static double bare_line(void)
{
	static const struct row row = { .name = "bare line", .kind = PING, .size = 8 };
	static const struct table table = { .row = &row };
	static const struct candidate candidate = { .peer = &peer_bare_line };

	turn(&table, &candidate, 10000);
	qsort(shared->ticks, 10000, sizeof(*shared->ticks), by_ticks);
	return percentile(10000, 50);
}

/* One turn of each candidate. */
static void play(struct table *t, int ms)
{
	int i, tries;

	for (tries = 0;; tries++) {
		t->line[t->rounds] = bare_line();
		if (t->line[t->rounds] >= LINE_MIN_NS || t->row->sleeps)
			break;
		if (tries == TRIES_MAX) {
			t->dropped++;
			return;
		}
		usleep(100000);
	}
	for (i = 0; i < t->candidates; i++)
		if (!measure(t, &t->candidate[i], t->rounds, ms)) {
			printf("%s: %s is left out: not to be had, or not done in %d s\n", t->row->name,
			       t->candidate[i].peer->name, SECONDS_MAX);
			t->candidate[i--] = t->candidate[--t->candidates];
		}
	if (!t->row->sleeps && bare_line() < LINE_MIN_NS)
		t->dropped++;
	else
		t->rounds++;
}

/* What came out */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double low, median, high;
};

static struct spread spread(const double *values, int n)
{
	double v[ROUNDS_MAX];

	memcpy(v, values, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_value);
	return (struct spread){ v[0], n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2, v[n - 1] };
}

static const char *label(const struct candidate *c)
{
	static char text[4][40];
	static int turns;
	char *s = text[turns++ % 4];

	snprintf(s, sizeof(text[0]), "%s%s", c->peer->name, c->sleeps ? " asleep" : "");
	return s;
}

/* Ours against it, in each round. */
static double ratio(const struct table *t, const struct candidate *ours, const struct candidate *c)
{
	double r[ROUNDS_MAX];
	int i;

	for (i = 0; i < t->rounds; i++)
		r[i] = ours->value[i] / c->value[i];
	return spread(r, t->rounds).median;
}

static bool before(const struct candidate *c)
{
	return !strncmp(c->peer->name, "before: ", 8);
}

/* The one that the row is about. */
static bool in_question(const struct table *t, const struct candidate *c)
{
	return ours(c) && !(c->peer->can & PEER_HUGE) &&
	       !!(c->peer->can & PEER_DIRECT) == t->row->direct;
}

static bool bare(const struct candidate *c)
{
	return c->peer == &peer_bare_line || c->peer == &peer_bare_copy;
}

static bool among(const struct candidate *c, const char *names)
{
	size_t n = strlen(c->peer->name);

	for (; names; names = strchr(names, '|')) {
		names += *names == '|';
		if (!strncmp(names, c->peer->name, n) && (names[n] == '|' || !names[n]))
			return true;
	}
	return false;
}

/* The best of @names, or of all that are not bare. */
static const struct candidate *best(const struct table *t, const char *names)
{
	const struct candidate *found = NULL;
	double of_found = 0, m;
	int i;

	for (i = 0; i < t->candidates; i++) {
		const struct candidate *c = &t->candidate[i];

		if (ours(c) || before(c) || (names ? !among(c, names) : bare(c)))
			continue;
		m = spread(c->value, t->rounds).median;
		if (found && (t->row->kind == PING ? m >= of_found : m <= of_found))
			continue;
		found = c;
		of_found = m;
	}
	return found;
}

static const char *amount(const struct row *row, double value)
{
	static char text[8][40];
	static int turns;
	char *s = text[turns++ % 8];

	if (row->kind == PING)
		snprintf(s, sizeof(text[0]), "%.0f ns", value);
	else if (value >= 1e6)
		snprintf(s, sizeof(text[0]), "%.2f M/s", value / 1e6);
	else
		snprintf(s, sizeof(text[0]), "%.1f k/s", value / 1e3);
	return s;
}

/* Of one that sleeps: the slowest, and what it takes of the processors. */
static void print_sleep(const struct table *t, const struct candidate *c)
{
	if (t->row->sleeps)
		printf(" p99 %s, processors %s", amount(t->row, spread(c->p99, t->rounds).median),
		       amount(t->row, spread(c->cpu, t->rounds).median));
}

static void print_goal(const struct table *t, const struct candidate *us, const struct goal *goal)
{
	const struct candidate *c = goal->peers ? best(t, goal->peers) : NULL;
	bool most = t->row->kind == PING;
	double r;

	if (!c)
		return;
	r = ratio(t, us, c);
	printf("; %.2fx %s (goal %s %.4g: %s)", r, label(c), most ? "<=" : ">=", goal->times,
	       (most ? r <= goal->times : r >= goal->times) ? "met" : "missed");
}

static void print(const struct table *t)
{
	const struct candidate *us = NULL, *them = best(t, NULL), *c;
	const char *comma = "";
	struct spread s;
	int i;

	if (!t->rounds) {
		printf("%-24s dropped: both processors were on one core\n", t->row->name);
		return;
	}
	for (i = 0; i < t->candidates; i++)
		if (in_question(t, &t->candidate[i]))
			us = &t->candidate[i];
	printf("%-24s", t->row->name);
	if (us) {
		s = spread(us->value, t->rounds);
		printf(" %s (%s..%s)", amount(t->row, s.median), amount(t->row, s.low),
		       amount(t->row, s.high));
		if (t->row->sleeps)
			print_sleep(t, us);
		else if (t->row->kind == PING)
			printf(" p99 %s", amount(t->row, spread(us->p99, t->rounds).median));
		if (them)
			printf("; %.2fx %s, the best", ratio(t, us, them), label(them));
		for (i = 0; i < ARRAY_SIZE(t->row->goals); i++)
			print_goal(t, us, &t->row->goals[i]);
	}
	if (patience && t->disturbed)
		printf("; %d turns disturbed", t->disturbed);
	if (t->dropped)
		printf("; %d of %d rounds dropped, both processors on one core", t->dropped,
		       t->dropped + t->rounds);
	printf("\n%-24s", "");
	for (i = 0; i < t->candidates; i++) {
		c = &t->candidate[i];
		if (c == us)
			continue;
		printf("%s %s %s", comma, label(c), amount(t->row, spread(c->value, t->rounds).median));
		print_sleep(t, c);
		if (us)
			printf(" (%.2fx)", ratio(t, us, c));
		comma = ",";
	}
	putchar('\n');
}

/* If this is the one that a goal of the row is about: how many times it; or 0. */
static double goal_against(const struct table *t, const struct candidate *c)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(t->row->goals); i++)
		if (t->row->goals[i].peers && best(t, t->row->goals[i].peers) == c)
			return t->row->goals[i].times;
	return 0;
}

static void write_csv(const char *path)
{
	FILE *f = fopen(path, "w");
	int r, i;

	if (!f)
		die(path);
	fputs("row,bytes,batch,mechanism,unit,median,low,high,p99,ours against it,rounds,line ns,goal,processors ns\n",
	      f);
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		const struct table *t = &tables[r];
		const struct candidate *us = NULL;

		for (i = 0; i < t->candidates; i++)
			if (in_question(t, &t->candidate[i]))
				us = &t->candidate[i];
		for (i = 0; t->rounds && i < t->candidates; i++) {
			const struct candidate *c = &t->candidate[i];
			struct spread s = spread(c->value, t->rounds);
			bool ping = t->row->kind == PING;

			fprintf(f, "%s,%zu,%d,%s,%s,%.0f,%.0f,%.0f,", t->row->name, t->row->size,
				t->row->batch ? BATCH : 1, label(c), ping ? "ns" : "messages/s",
				s.median, s.low, s.high);
			if (ping)
				fprintf(f, "%.0f", spread(c->p99, t->rounds).median);
			fputc(',', f);
			if (us)
				fprintf(f, "%.3f", ratio(t, us, c));
			fprintf(f, ",%d,%.0f,", t->rounds, spread(t->line, t->rounds).median);
			if (goal_against(t, c))
				fprintf(f, "%.4g", goal_against(t, c));
			fputc(',', f);
			if (ping)
				fprintf(f, "%.0f", spread(c->cpu, t->rounds).median);
			fputc('\n', f);
		}
	}
	if (fclose(f))
		die(path);
}

static int number_of(const char *text, int max)
{
	int n = atoi(text ? text : "");

	if (n < 1 || n > max) {
		fprintf(stderr, "ring-bench: a number from 1 to %d, please\n", max);
		exit(2);
	}
	return n;
}

static int alone(int n, int bytes, bool batch, bool direct)
{
	const struct peer *peer = direct ? &peer_mailbox_direct : &peer_mailbox;
	struct shape shape = { .size = bytes, .capacity = 1024 };
	void *q = peer->open(&shape);

	peer->join(q, 0);
	return !(batch ? peer->pairs_batch : peer->pairs)(q, bytes, n);
}

/* Does it scale? What @there of something make of a message. */

static void scaled(const char *question, uint64_t there, const char *what, const char *unit,
		   double value)
{
	printf("%s, %llu: %s, %.4g %s\n", question, (unsigned long long)there, what, value, unit);
	fprintf(scale_csv, "%s,%llu,%s,%s,%.6g\n", question, (unsigned long long)there, what, unit,
		value);
}

static const int participants[] = { 1, 10, 100, 1000 };

/* The best of several: nothing is paired here. */
static void in_turn(int n)
{
	struct shape shape = { .size = 8, .capacity = 8192 };
	uint64_t ns, least;
	int i, round, status;

	for (i = 0; i < ARRAY_SIZE(participants); i++) {
		least = UINT64_MAX;
		for (round = 0; round < 5; round++) {
			pid_t pid = fork();

			if (pid < 0)
				die("fork");
			if (!pid) {
				shared->process[0].end = mailbox_in_turn(&shape, participants[i], n,
									 ns_now);
				_exit(0);
			}
			if (waitpid(pid, &status, 0) != pid || status)
				exit(1);
			ns = shared->process[0].end;
			least = ns < least ? ns : least;
		}
		scaled("ring: endpoints in turn", participants[i], "8 B", "ns", (double)least / n);
	}
}

static void two_at_a_time(const struct peer *const *all, const int *there, int steps,
			  const char *question, bool contending, int rounds, int ms)
{
	static struct row row[ARRAY_SIZE(participants)];
	static struct table t[ARRAY_SIZE(participants)];
	int i, r, c, was = idle;

	memset(t, 0, sizeof(t));
	for (i = 0; i < steps; i++) {
		row[i] = (struct row){ .name = question, .kind = CONTENDED, .size = 8 };
		if (contending)
			row[i].processes = there[i];
		t[i].row = &row[i];
		/* The others spin for who has lost his processor, some for seconds. */
		for (c = 0; all[c] && (c == 0 || there[i] <= 4); c++)
			t[i].candidate[t[i].candidates++].peer = all[c];
	}
	for (r = 0; r < rounds; r++)
		for (i = 0; i < steps; i++) {
			idle = contending ? was : there[i];
			play(&t[i], ms);
		}
	idle = was;
	for (i = 0; i < steps; i++)
		for (c = 0; t[i].rounds && c < t[i].candidates; c++)
			scaled(question, there[i], t[i].candidate[c].peer->name, "messages/s",
			       spread(t[i].candidate[c].value, t[i].rounds).median);
}

/* Of one that is new each time, and of those that have had so many, by turns. */
static void after_many(int rounds, uint64_t many)
{
	static const struct row one = { .name = "one to one 8 B", .kind = DIRECT, .size = 8 };
	static const struct row bulk = {
		.name = "one to one 16 x 8 B", .kind = DIRECT, .size = 8, .batch = true,
	};
	static const struct candidate c = { .peer = &peer_mailbox };
	static const struct table t = { .row = &one }, of_bulk = { .row = &bulk };
	const uint64_t before[] = { 0, 1000000, many }, n = 1 << 21;
	double value[ARRAY_SIZE(before)][ROUNDS_MAX];
	void *q[ARRAY_SIZE(before)][2] = { 0 };
	int i, r, tries;
	uint64_t ns;

	for (i = 1; i < ARRAY_SIZE(before); i++) {
		q[i][0] = open_queue(&t, &c);
		turn_on(&of_bulk, &c, q[i], whole(before[i], &bulk));
	}
	for (r = 0; r < rounds; r++)
		for (i = 0; i < ARRAY_SIZE(before); i++) {
			for (tries = 0; bare_line() < LINE_MIN_NS && tries < TRIES_MAX; tries++)
				usleep(100000);
			ns = before[i] ? turn_on(&t, &c, q[i], n) : turn(&t, &c, n);
			value[i][r] = n * 1e9 / ns;
		}
	for (i = 0; i < ARRAY_SIZE(before); i++)
		scaled("ring: messages sent before", before[i], "libmailbox", "messages/s",
		       spread(value[i], rounds).median);
}

static int scale(const char *csv, int rounds, int ms)
{
	static const int processes[] = { 2, 4, 8, 16 };
	static const struct peer *const ours_alone[] = { &peer_mailbox, NULL };
	static const struct peer *const many[] = {
		&peer_mailbox,
#ifdef HAVE_DPDK
		&peer_dpdk_mpmc,
#endif
#ifdef HAVE_CK
		&peer_ck_mpmc,
#endif
		NULL
	};

	scale_csv = fopen(csv, "a");
	if (!scale_csv)
		die(csv);
	in_turn(200000);
	two_at_a_time(ours_alone, participants, ARRAY_SIZE(participants),
		      "ring: mapped and idle beside two", false, rounds, ms);
	two_at_a_time(many, processes, ARRAY_SIZE(processes),
		      "ring: processes that send and receive", true, rounds, ms);
	after_many(rounds, messages ? messages : 1000000000);
	if (fclose(scale_csv))
		die(csv);
	return 0;
}

int main(int argc, char **argv)
{
	const char *csv = NULL, *scales = NULL, *only = "", *who = "";
	int rounds = 5, ms = 60, bytes = 8, solo = 0, i, r;
	bool batch = false, direct = false;

	for (i = 1; i < argc; i += 2) {
		if (!strcmp(argv[i], "--rounds")) {
			rounds = number_of(argv[i + 1], ROUNDS_MAX);
		} else if (!strcmp(argv[i], "--ms")) {
			ms = number_of(argv[i + 1], 10000);
		} else if (!strcmp(argv[i], "--messages")) {
			messages = number_of(argv[i + 1], 1 << 30);
		} else if (!strcmp(argv[i], "--capacity")) {
			capacity = number_of(argv[i + 1], 1 << 16);
		} else if (!strcmp(argv[i], "--huge")) {
			huge = number_of(argv[i + 1], 1);
		} else if (!strcmp(argv[i], "--idle")) {
			idle = number_of(argv[i + 1], 10000);
		} else if (!strcmp(argv[i], "--scale") && argv[i + 1]) {
			scales = argv[i + 1];
		} else if (!strcmp(argv[i], "--patience")) {
			patience = number_of(argv[i + 1], 1000);
		} else if (!strcmp(argv[i], "--alone")) {
			solo = number_of(argv[i + 1], 1 << 24);
		} else if (!strcmp(argv[i], "--bytes")) {
			bytes = number_of(argv[i + 1], 4096);
		} else if (!strcmp(argv[i], "--batch")) {
			batch = number_of(argv[i + 1], 1);
		} else if (!strcmp(argv[i], "--direct")) {
			direct = number_of(argv[i + 1], 1);
		} else if (!strcmp(argv[i], "--rows") && argv[i + 1]) {
			only = argv[i + 1];
		} else if (!strcmp(argv[i], "--peers") && argv[i + 1]) {
			who = argv[i + 1];
		} else if (!strcmp(argv[i], "--csv") && argv[i + 1]) {
			csv = argv[i + 1];
		} else {
			fputs("usage: ring-bench [--rounds N] [--ms N | --messages N] [--patience N] [--rows TEXT] "
			      "[--peers TEXT] [--csv FILE] [--capacity N] [--idle N] [--huge 1]\n"
			      "       ring-bench --alone N [--bytes N] [--batch 1] [--direct 1]\n"
			      "       ring-bench --scale FILE [--rounds N] [--ms N] [--messages N]\n",
			      stderr);
			return 2;
		}
	}
	if (solo)
		return alone(solo, bytes, batch, direct);
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = shared_memory(sizeof(*shared));
	find_cpus();
	measure_ticks();
	say_left_out();
	if (scales)
		return scale(scales, rounds, ms);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		choose(&tables[i], &rows[i], who);
	for (r = 0; r < rounds; r++)
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			if (named(rows[i].name, only))
				play(&tables[i], ms);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (named(rows[i].name, only))
			print(&tables[i]);
	if (csv)
		write_csv(csv);
	return 0;
}
