// SPDX-License-Identifier: GPL-2.0
/*
 * Sudden death of mapped participants, one by one; under load: see mapdeath.c.
 *
 * A child is traced, and killed before each single instruction of what
 * it does with its mapping, while others sleep on the port. Then the books are
 * looked at: each message was received once, or by the child, or was never
 * published; nobody sleeps beside what it waits for; every slot can be used.
 *
 *	MAPKILL_STRIDE=n	only before each nth instruction (by default 3, with checkers
 *				24, over MAILBOX_EFFORT; 1 is all of them)
 *	MAPKILL_SEED=n		instead of a random one; timing still differs
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "ring.h"
#include "storm.h"

#define SLOTS	4U
#define LANES	3U
#define BYTES	64U

/* Lanes: of the driver, of the sleeping reader, and of nobody. */
#define OURS	0U
#define THEIRS	1U
#define NOBODYS	2U

#define IDS		16U
#define TRAIL_MAX	4096

struct note {
	__u32 run;
	__u32 id;
};

/* What is known of a message in one life. */
struct fate {
	__u32 seen;		/* by those who live */
	__u32 again;		/* ... and said to come again */
	bool given;		/* it was there before the child came */
	bool intended;		/* the child may have sent it */
	bool sent;		/* ... and did */
	__u8 lane;
};

/* Outlives the child. */
struct life {
	__u32 run;
	volatile bool started;
	volatile bool finished;
	__u32 bodies;
	struct note body[4];	/* what the child received */
	struct fate fate[IDS];
	struct complaints complaints;
};

static struct life *life;

/* The driver's ends, and those who sleep. */
static int port_fd, ours_fd, theirs_fd, reader_fd, writer_fd;
static volatile __u32 writer_id;	/* to be sent on OURS, or 0 */

static void see(const struct mailbox_message *m, const struct note *n)
{
	struct fate *f = &life->fate[n->id % IDS];

	if (n->run != life->run || n->id >= IDS || m->length != sizeof(*n)) {
		complain("run %u: message %u of run %u came, %u bytes", life->run, n->id, n->run,
			 m->length);
		return;
	}
	if (m->flags & MAILBOX_MSG_REDELIVERED) {
		if (m->flags >> MAILBOX_MSG_DEPARTED_SHIFT != 1)
			complain("run %u: message %u has flags %#x", life->run, n->id, m->flags);
		__atomic_fetch_add(&f->again, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_add(&f->seen, 1, __ATOMIC_SEQ_CST);
}

static void *sleeping_reader(void *arg)
{
	for (;;) {
		struct note n = { 0 };
		struct mailbox_message m = message(.data = address(&n), .length = sizeof(n),
						   .deadline = MAILBOX_FOREVER);

		if (receive_message(reader_fd, &m))
			break;
		see(&m, &n);
	}
	return arg;
}

static void *sleeping_writer(void *arg)
{
	for (;;) {
		struct note n;

		while (!writer_id)
			breathe();
		n = (struct note) { life->run, writer_id };
		if (put(writer_fd, &n, sizeof(n)) != sizeof(n))
			complain("the writer got %d", errno);
		writer_id = 0;
	}
	return arg;
}

/* Before a child: a message that is there. */
static void give(__u32 lane, __u32 id)
{
	struct note n = { life->run, id };
	struct mailbox_message m = message(.data = address(&n), .length = sizeof(n), .lane = lane);

	life->fate[id].given = true;
	life->fate[id].lane = lane;
	if (send_message(ours_fd, &m))
		complain("run %u: message %u was not accepted", life->run, id);
}

/* In the child. */
static void send_note(struct ring *r, __u32 lane, __u32 id)
{
	struct note n = { life->run, id };

	life->fate[id].lane = lane;
	life->fate[id].intended = true;
	if (ring_send(r, lane, &n, sizeof(n)))
		_exit(3);
	life->fate[id].sent = true;
}

static void take_note(struct ring *r, __u32 lane, struct ring_taken *t)
{
	if (ring_take(r, lane, BYTES, t))
		_exit(4);
	memcpy(&life->body[life->bodies], t->payload, sizeof(life->body[0]));
}

static void receive_note(struct ring *r, __u32 lane)
{
	struct ring_taken t;

	take_note(r, lane, &t);
	ring_release(r, &t);
}

static void give_nothing(void)
{
}

static void give_two(void)
{
	give(OURS, 1);
	give(OURS, 2);
}

static void give_two_lanes(void)
{
	give(OURS, 1);
	give(THEIRS, 2);	/* the reader takes it, and sleeps again */
}

static void fill_ours(void)
{
	__u32 id;

	for (id = 1; id <= SLOTS; id++)
		give(OURS, id);
	life->fate[9].given = true;
	writer_id = 9;
	if (!wait_senders(port_fd, 1))
		complain("the writer does not sleep");
}

/* Two are with a mapping that departs, and so are parked. */
static void give_parked(void)
{
	struct ring_taken t;
	struct ring r;

	give(OURS, 1);
	give(OURS, 2);
	if (ring_map(&r, port_fd) || ring_take(&r, OURS, BYTES, &t) || ring_unmap(&r))
		complain("could not park");
}

static void do_send(struct ring *r)
{
	send_note(r, OURS, 5);
}

static void do_send_to_a_sleeper(struct ring *r)
{
	send_note(r, THEIRS, 5);
}

static void do_receive(struct ring *r)
{
	receive_note(r, OURS);
}

/* Two in hand, let go the wrong way round. */
static void do_hold_several(struct ring *r)
{
	struct note n[2] = { { life->run, 5 }, { life->run, 6 } };
	__u64 first, second, third;
	struct ring_taken t;

	life->fate[5].intended = true;
	life->fate[6].intended = true;
	if (ring_claim(r, OURS, &first) || ring_claim(r, OURS, &second) ||
	    ring_claim(r, THEIRS, &third))
		_exit(5);
	take_note(r, OURS, &t);
	ring_fill(r, OURS, second, &n[1], sizeof(n[1]), 0);
	ring_publish(r, OURS, second);
	life->fate[6].sent = true;
	ring_discard(r, THEIRS, third);
	ring_fill(r, OURS, first, &n[0], sizeof(n[0]), 7);
	ring_publish(r, OURS, first);
	life->fate[5].sent = true;
	ring_release(r, &t);
}

/* A message for the sleeper and one for us, and but one kick. */
static void do_chain(struct ring *r)
{
	struct note n[2] = { { life->run, 5 }, { life->run, 6 } };
	struct ring_taken t;
	__u64 position;
	int i;

	for (i = 0; i < 2; i++) {
		life->fate[5 + i].intended = true;
		if (ring_claim(r, THEIRS, &position))
			_exit(6);
		ring_fill(r, THEIRS, position, &n[i], sizeof(n[i]), 0);
		mailbox_slot_publish(&r->lane[THEIRS], position, r->owner);
		life->fate[5 + i].sent = true;
	}
	take_note(r, THEIRS, &t);
	ring_release(r, &t);
}

/* A message that the kernel holds, then one that it does not. */
static void do_receive_parked(struct ring *r)
{
	struct ring_taken t;
	struct mailbox_message m = message(.data = address(&life->body[0]),
					   .length = sizeof(life->body[0]));

	if (ring_take(r, OURS, BYTES, &t) != RING_PARKED || receive_message(r->fd, &m))
		_exit(7);
	life->bodies = 1;
	receive_note(r, OURS);
}

/* So that a range fits: what comes next lies at the beginning of the array. */
static void align(void)
{
	struct note n = { 0 };
	struct mailbox_message m = message(.data = address(&n), .length = sizeof(n), .lane = OURS);

	do {
		if (send_message(ours_fd, &m) ||
		    receive_until(ours_fd, &n, sizeof(n), MAILBOX_NO_WAIT) != sizeof(n))
			complain("no message went through");
	} while (m.ticket % SLOTS != SLOTS - 1 && !complaints->number);
}

/* Another mapping sends it, and is gone. */
static void give_range(void)
{
	__u64 position;
	struct ring r;
	__u32 i;

	align();
	if (ring_map(&r, port_fd) || ring_claim_range(&r, OURS, 3, &position) != 3) {
		complain("no range for the child");
		return;
	}
	for (i = 0; i < 3; i++) {
		struct note n = { life->run, 1 + i };

		life->fate[1 + i].given = true;
		life->fate[1 + i].lane = OURS;
		ring_fill(&r, OURS, position + i, &n, sizeof(n), 0);
	}
	ring_publish_range(&r, OURS, position, 3);
	ring_unmap(&r);
}

/* One is published, another is given up. */
static void do_send_range(struct ring *r)
{
	__u64 position;
	__u32 i;

	for (i = 5; i < 7; i++) {
		life->fate[i].intended = true;
		life->fate[i].lane = OURS;
	}
	if (ring_claim_range(r, OURS, 2, &position) != 2)
		_exit(9);
	for (i = 5; i < 7; i++) {
		struct note n = { life->run, i };

		ring_fill(r, OURS, position + i - 5, &n, sizeof(n), 0);
	}
	ring_publish_range(r, OURS, position, 2);
	life->fate[5].sent = true;
	life->fate[6].sent = true;
	if (ring_claim_range(r, OURS, 2, &position) != 2)
		_exit(10);
	ring_discard_range(r, OURS, position, 2);
}

static void do_receive_range(struct ring *r)
{
	__u64 position;
	struct ring_taken t;
	__u32 i;

	if (ring_take_slots(r, OURS, &position) != 3)
		_exit(11);
	ring_taken(r);
	for (i = 0; i < 3; i++) {
		mailbox_slot_read(&r->lane[OURS], position + i, &t.tag, &t.payload);
		memcpy(&life->body[life->bodies + i], t.payload, sizeof(life->body[0]));
	}
	ring_release_range(r, OURS, position, 3);
}

/* The first alone, then the rest. */
static void do_split(struct ring *r)
{
	receive_note(r, OURS);
	life->bodies++;
	receive_note(r, OURS);
}

static void do_map_again(struct ring *r)
{
	struct ring_taken t;

	take_note(r, OURS, &t);
	if (ring_unmap(r) || ring_map(r, r->fd))
		_exit(8);
}

static const struct script {
	const char *name;
	void (*before)(void);
	void (*act)(struct ring *r);
} scripts[] = {
	{ "send", give_two, do_send },
	{ "send to a sleeper", give_nothing, do_send_to_a_sleeper },
	{ "receive", give_two, do_receive },
	{ "receive beside a sleeping sender", fill_ours, do_receive },
	{ "hold several", give_two, do_hold_several },
	{ "chain", give_two_lanes, do_chain },
	{ "receive parked", give_parked, do_receive_parked },
	{ "map again", give_two, do_map_again },
	{ "send a range", align, do_send_range },
	{ "receive a range", give_range, do_receive_range },
	{ "split a range", give_range, do_split },
};

static __attribute__((noreturn)) void live(const char *name, const struct script *s)
{
	int fd = open_port(name, O_RDWR);
	struct ring r;

	set_lanes(fd, 1U << OURS, OURS);
	if (ptrace(PTRACE_TRACEME) || ring_map(&r, fd))
		_exit(2);
	raise(SIGSTOP);
	life->started = true;
	s->act(&r);
	life->finished = true;
	for (;;)
		raise(SIGSTOP);
}

/* Where the instructions of a script are, in their order. */
static unsigned long trail[TRAIL_MAX];
static unsigned int trail_length;

static unsigned long place_of(pid_t pid)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), NULL);
}

static bool stopped_by(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == sig;
}

/* Follows a script step by step. */
static bool follow(pid_t pid)
{
	unsigned long at, last = 0;

	trail_length = 0;
	while (!life->finished && trail_length < TRAIL_MAX) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) || !stopped_by(pid, SIGTRAP))
			return false;
		at = place_of(pid);
		if (life->started && at != last)	/* one that repeats itself is one */
			trail[trail_length++] = at;
		last = at;
	}
	return life->finished;
}

/* Lets it run until it is about to do the instruction @n of the trail, or to its end. */
static bool run_up_to(pid_t pid, unsigned int n)
{
	unsigned long at = trail[n], word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
	unsigned int times = 0, i;

	for (i = 0; i <= n; i++)
		times += trail[i] == at;
	for (;;) {
		if (ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffUL) | 0xcc) ||
		    ptrace(PTRACE_CONT, pid, NULL, 0))
			return false;
		if (!stopped_by(pid, SIGTRAP))
			return life->finished;
		if (life->started && !--times)
			return true;
		if (ptrace(PTRACE_POKETEXT, pid, at, word) ||
		    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), at) ||
		    ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) || !stopped_by(pid, SIGTRAP))
			return false;
	}
}

/* @n of the trail is not done any more; or all is done, and the trail noted. */
static bool live_and_die(const char *name, const struct script *s, int n)
{
	pid_t pid = spawn();
	int status;
	bool good;

	if (!pid)
		live(name, s);
	good = stopped_by(pid, SIGSTOP) && (n < 0 ? follow(pid) : run_up_to(pid, n));
	kill(pid, SIGKILL);
	return wait_until(waitpid(pid, &status, __WALL | WNOHANG) == pid) && good;
}

static bool polled(int fd, short event)
{
	struct pollfd p = { fd, event };

	return poll(&p, 1, 0) == 1 && p.revents & event;
}

/* Nobody sleeps beside what it waits for. */
static bool all_awake(void)
{
	struct mailbox_info info = info_of(port_fd);

	return !(info.waiting_receivers && polled(theirs_fd, POLLIN)) &&
	       !(info.waiting_senders && polled(ours_fd, POLLOUT));
}

/* Takes what is left on our lane, in order. */
static void drain_ours(void)
{
	__u64 last = 0;
	bool first = true;

	for (;;) {
		struct note n = { 0 };
		struct mailbox_message m = message(.data = address(&n), .length = sizeof(n));
		bool sent = !writer_id;		/* before the look: what it sent is there then */
		long ret = receive_message(ours_fd, &m);

		if (ret == -EAGAIN && sent)
			return;
		if (ret == -EAGAIN && wait_until(!writer_id || polled(ours_fd, POLLIN)))
			continue;	/* there was room for it */
		if (ret) {
			complain("run %u: a receive returned %ld", life->run, ret);
			return;
		}
		if (!first && m.ticket <= last)
			complain("run %u: ticket %llu after %llu", life->run, m.ticket, last);
		last = m.ticket;
		first = false;
		see(&m, &n);
	}
}

static bool body_of(__u32 id)
{
	__u32 i;

	for (i = 0; i < sizeof(life->body) / sizeof(life->body[0]); i++)
		if (life->body[i].run == life->run && life->body[i].id == id)
			return true;
	return false;
}

static void look_at_the_books(void)
{
	__u32 id;

	for (id = 0; id < IDS; id++) {
		struct fate *f = &life->fate[id];

		if (f->seen > 1)
			complain("run %u: message %u came %u times", life->run, id, f->seen);
		if (f->seen && !f->given && !f->intended)
			complain("run %u: message %u came from nowhere", life->run, id);
		if (!f->seen && (f->given || f->sent) && !body_of(id))
			complain("run %u: message %u is lost", life->run, id);
		if (f->seen && body_of(id) && !f->again)
			complain("run %u: message %u was received, and comes again unmarked",
				 life->run, id);
	}
}

/* Every slot of every lane, while the reader looks elsewhere. */
static void use_all_slots(void)
{
	__u32 lane;
	char text[BYTES];
	int n;

	set_lanes(reader_fd, 1U << NOBODYS, 0);
	for (lane = OURS; lane <= THEIRS; lane++) {
		int fd = lane == OURS ? ours_fd : theirs_fd;

		n = fill_lane(fd, lane);
		if (n != SLOTS)
			complain("run %u: lane %u has room for %d", life->run, lane, n);
		while (receive_until(fd, text, sizeof(text), MAILBOX_NO_WAIT) >= 0)
			n--;
		if (n)
			complain("run %u: lane %u is short of %d", life->run, lane, n);
	}
	set_lanes(reader_fd, 1U << THEIRS, 0);
}

static void one_life(const char *name, const struct script *s, int n)
{
	__u32 run = life->run + 1;

	memset(life, 0, offsetof(struct life, complaints));
	life->run = run;
	s->before();
	if (!wait_until(info_of(port_fd).waiting_receivers == 1 && !polled(theirs_fd, POLLIN)))
		complain("the reader does not sleep");
	kick(port_fd, ~0U, ~0U);	/* nobody polls any more */
	if (!wait_until(info_of(port_fd).waiting_receivers == 1))
		complain("the reader does not sleep");
	if (!live_and_die(name, s, n))
		complain("run %u: no life", run);
	if (info_of(port_fd).mappings)
		complain("run %u: the dead has a mapping", run);
	if (!wait_until(all_awake()))
		complain("run %u: somebody sleeps", run);
	drain_ours();
	if (!wait_until(!info_of(port_fd).depth && info_of(port_fd).waiting_receivers == 1))
		complain("run %u: %u messages stay", run, info_of(port_fd).depth);
	look_at_the_books();
	use_all_slots();
}

FIXTURE(instruction)
{
	char name[MAILBOX_NAME_SIZE];
};

FIXTURE_VARIANT(instruction)
{
	__u32 script;
};

FIXTURE_VARIANT_ADD(instruction, of_a_send) { .script = 0 };
FIXTURE_VARIANT_ADD(instruction, of_a_send_to_a_sleeper) { .script = 1 };
FIXTURE_VARIANT_ADD(instruction, of_a_receive) { .script = 2 };
FIXTURE_VARIANT_ADD(instruction, of_a_receive_beside_a_sleeper) { .script = 3 };
FIXTURE_VARIANT_ADD(instruction, of_holding_several) { .script = 4 };
FIXTURE_VARIANT_ADD(instruction, of_a_chain) { .script = 5 };
FIXTURE_VARIANT_ADD(instruction, of_receiving_what_is_parked) { .script = 6 };
FIXTURE_VARIANT_ADD(instruction, of_mapping_again) { .script = 7 };
FIXTURE_VARIANT_ADD(instruction, of_sending_a_range) { .script = 8 };
FIXTURE_VARIANT_ADD(instruction, of_receiving_a_range) { .script = 9 };
FIXTURE_VARIANT_ADD(instruction, of_splitting_a_range) { .script = 10 };

FIXTURE_SETUP(instruction)
{
	pthread_t thread;
	cpu_set_t cpu;

	/* One hand-over after another: on one CPU that is quick. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	life = shared_memory(sizeof(*life));
	complaints = &life->complaints;
	strcpy(self->name, port_name("kill"));
	port_fd = create(self->name, .message_size = BYTES, .capacity = SLOTS, .lanes = LANES,
			 .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, port_fd);
	ours_fd = open_port(self->name, O_RDWR);
	theirs_fd = open_port(self->name, O_RDWR);
	reader_fd = open_port(self->name, O_RDONLY);
	writer_fd = open_port(self->name, O_WRONLY);
	ASSERT_EQ(0, set_lanes(ours_fd, 1U << OURS, OURS));
	ASSERT_EQ(0, set_lanes(theirs_fd, 1U << THEIRS, THEIRS));
	ASSERT_EQ(0, set_lanes(reader_fd, 1U << THEIRS, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleeping_reader, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleeping_writer, NULL));
}

FIXTURE_TEARDOWN(instruction)
{
}

TEST_F_TIMEOUT(instruction, can_be_the_last, 1 << 20)
{
	const struct script *s = &scripts[variant->script];
	int n, stride = number_from("MAPKILL_STRIDE", (with_checkers() ? 24 : 3) / effort() ?: 1);
	__u64 start = clock_ns(CLOCK_MONOTONIC);

	seed_from("MAPKILL_SEED");
	one_life(self->name, s, -1);
	ASSERT_NO_COMPLAINT();
	ASSERT_LT(0, trail_length);
	for (n = below(stride); n < (int)trail_length && !complaints->number; n += stride)
		one_life(self->name, s, n);
	if (complaints->number)
		say("%s, killed before instruction %d of %u", s->name, n - stride, trail_length);
	ASSERT_NO_COMPLAINT();
	say("%s: killed at one in %d of %u instructions in %llu ms", s->name, stride, trail_length,
	    (clock_ns(CLOCK_MONOTONIC) - start) / 1000000);
}

TEST_HARNESS_MAIN
