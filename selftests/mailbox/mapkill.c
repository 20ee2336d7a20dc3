// SPDX-License-Identifier: GPL-2.0
/*
 * Sudden death of mapped participants.
 *
 * One by one: a child is traced, and killed before each single instruction of what
 * it does with its mapping, while others sleep on the port. Then the books are
 * looked at: each message was received once, or by the child, or was never
 * published; nobody sleeps beside what it waits for; every slot can be used.
 *
 * And by chance: mapped and other senders and receivers are killed under load.
 *
 *	MAPKILL_STRIDE=n	only before each nth instruction (by default 3, with checkers
 *				24, over MAILBOX_EFFORT; 1 is all of them)
 *	MAPKILL_KILLS=n		deaths by chance (300, or as much() allows)
 *	MAPKILL_SEED=n		instead of a random one; timing still differs
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
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

/* Each instruction */

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
	struct note body[2];	/* what the child received */
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
		long ret = receive_message(ours_fd, &m);

		if (ret == -EAGAIN && !writer_id)
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
	return (life->body[0].run == life->run && life->body[0].id == id) ||
	       (life->body[1].run == life->run && life->body[1].id == id);
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

/* By chance */

#define PLACES		10
#define MESSAGES	(1U << 20)
#define GROUP		77
#define CHANCE_LANES	2U

enum sent { UNUSED, INTENDED, ACCEPTED };

struct place {
	volatile __u32 in;	/* it sleeps for a message */
	volatile __u32 out;	/* ... for a slot on these lanes */
	volatile __u32 holding;	/* a message that is with it, perhaps; ids begin at 1 */
	volatile bool calling;	/* by system call, with @message */
	struct mailbox_message message;
	struct note body;
	__u64 seed;
	pid_t pid;
};

struct books {
	struct place place[PLACES];
	__u32 ids;
	__u32 hold;		/* odd: rest */
	__u32 again;		/* messages that were said to come again */
	struct complaints complaints;
	__u8 sent[MESSAGES];
	__u8 taken[MESSAGES];
	__u8 perhaps[MESSAGES];
};

static struct books *books;

static void enter_taken(__u32 id, __u32 flags)
{
	if (!id || id >= MESSAGES || books->sent[id] == UNUSED) {
		complain("message %u was never sent", id);
		return;
	}
	if (__atomic_fetch_add(&books->taken[id], 1, __ATOMIC_SEQ_CST))
		complain("message %u was taken twice, flags %#x", id, flags);
	if (flags & MAILBOX_MSG_REDELIVERED)
		__atomic_fetch_add(&books->again, 1, __ATOMIC_SEQ_CST);
}

static void rest(void)
{
	__u32 hold;

	while ((hold = __atomic_load_n(&books->hold, __ATOMIC_SEQ_CST)) & 1)
		syscall(SYS_futex, &books->hold, FUTEX_WAIT, hold, NULL, NULL, 0);
}

static void end_if_gone(long ret)
{
	if (ret == -EIDRM)
		_exit(0);
	if (ret && ret != -EAGAIN)
		complain("a call returned %ld", ret);
}

/* By the mapping, with some time in between to die. */
static long chance_put(struct ring *r, struct mailbox_message *m)
{
	__u64 position;
	long ret = ring_claim(r, m->lane, &position);

	if (ret)
		return ret;
	if (one_in(3))
		breathe();
	if (one_in(16)) {
		ring_discard(r, m->lane, position);
		return -EAGAIN;
	}
	ring_fill(r, m->lane, position, (void *)(uintptr_t)m->data, m->length, 0);
	ring_publish(r, m->lane, position);
	return 0;
}

static void chance_sender(struct place *p, struct ring *r, bool mapped)
{
	for (;;) {
		struct note n = { 0, __atomic_fetch_add(&books->ids, 1, __ATOMIC_SEQ_CST) };
		struct mailbox_message m = message(.data = address(&n), .length = sizeof(n),
						   .lane = below(CHANCE_LANES));
		long ret = -EAGAIN;

		while (n.id >= MESSAGES)
			pause();
		n.run = ~n.id;
		books->sent[n.id] = INTENDED;
		if (mapped)
			ret = chance_put(r, &m);
		while (ret == -EAGAIN) {
			m.deadline = MAILBOX_FOREVER;
			p->out = 1U << m.lane;
			ret = send_message(r->fd, &m);
			p->out = 0;
		}
		end_if_gone(ret);
		books->sent[n.id] = ACCEPTED;
		rest();
	}
}

static void check_note(const struct note *n)
{
	if (n->run != ~n->id)
		complain("message %u came with wrong bytes", n->id);
}

/* By the mapping: 0, or -EAGAIN if there is nothing for it. */
static long chance_take(struct place *p, struct ring *r)
{
	struct ring_taken t;
	__u32 n;

	for (n = r->lanes; n--;) {
		if (ring_take(r, n, BYTES, &t))
			continue;
		memcpy(&p->body, t.payload, sizeof(p->body));
		check_note(&p->body);
		if (one_in(3))
			breathe();	/* here it may well die */
		p->holding = p->body.id;
		ring_release(r, &t);
		enter_taken(p->body.id, 0);
		p->holding = 0;
		return 0;
	}
	return -EAGAIN;
}

static void chance_receiver(struct place *p, struct ring *r, bool mapped)
{
	long ret;

	for (;;) {
		rest();
		if (mapped && !chance_take(p, r))
			continue;
		p->message = message(.data = address(&p->body), .length = sizeof(p->body),
				     .deadline = MAILBOX_FOREVER);
		memset(&p->body, 0, sizeof(p->body));	/* it is there: nothing is put back */
		p->in = ~0U;
		p->calling = true;
		ret = receive_message(r->fd, &p->message);
		if (!ret) {
			check_note(&p->body);
			enter_taken(p->body.id, p->message.flags);
		}
		p->calling = false;
		p->in = 0;
		end_if_gone(ret);
	}
}

static __attribute__((noreturn)) void chance_worker(struct place *p, const char *name)
{
	__u32 number = p - books->place;
	int fd = open_port(name, O_RDWR);
	bool mapped = number % 5 != 0;
	struct ring r;

	if (fd == -ENOENT)
		_exit(0);
	dice = p->seed;
	ring_view(&r, fd, books);	/* for its numbers */
	if (mapped && ring_map(&r, fd)) {
		complain("a worker cannot map");
		_exit(1);
	}
	if (number & 1)
		chance_sender(p, &r, mapped);
	else
		chance_receiver(p, &r, mapped);
	_exit(0);
}

static void occupy(struct place *p, const char *name)
{
	pid_t pid;

	memset(p, 0, sizeof(*p));
	p->seed = roll() | 1;
	pid = spawn();
	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		chance_worker(p, name);
	}
	p->pid = pid;
}

/* What the dead may have had. */
static void examine(struct place *p)
{
	if (p->calling && p->message.gid == GROUP && !books->taken[p->body.id])
		enter_taken(p->body.id, p->message.flags);
	if (p->holding && !books->taken[p->holding])
		books->perhaps[p->holding] = 1;
}

static bool kill_one(struct place *p)
{
	kill(p->pid, SIGKILL);
	setpriority(PRIO_PROCESS, p->pid, -20);
	if (!wait_until(waitpid(p->pid, NULL, WNOHANG) == p->pid))
		return false;
	examine(p);
	p->pid = 0;
	return true;
}

static bool settled(const int *probe)
{
	__u32 in = 0, out = 0, i;

	for (i = 0; i < CHANCE_LANES; i++) {
		in |= polled(probe[i], POLLIN) << i;
		out |= polled(probe[i], POLLOUT) << i;
	}
	for (i = 0; i < PLACES; i++)
		if (books->place[i].pid && (books->place[i].in & in || books->place[i].out & out))
			return false;
	return true;
}

static void turn_hold(void)
{
	__atomic_fetch_add(&books->hold, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &books->hold, FUTEX_WAKE, PLACES, NULL, NULL, 0);
}

FIXTURE(chance)
{
	__u64 kills;
	__u64 messages;
	__u64 again;
	__u64 by_the_dead;
};

FIXTURE_SETUP(chance)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, setegid(GROUP));
	books = shared_memory(sizeof(*books));
	complaints = &books->complaints;
}

FIXTURE_TEARDOWN(chance)
{
}

static void life_of_a_port(struct __test_metadata *_metadata, FIXTURE_DATA(chance) *self,
			   __u32 deaths)
{
	const char *name = port_name("chance");
	int fd, probe[CHANCE_LANES];
	__u32 i, n, taken = 0, dead = 0, lost = 0;
	struct mailbox_info info;
	struct place *p;
	bool deleted;

	memset(books, 0, sizeof(*books));
	books->ids = 1;
	fd = create(name, .message_size = BYTES, .capacity = 2U << below(4),
		    .lanes = CHANCE_LANES);
	ASSERT_LE(0, fd);
	for (i = 0; i < CHANCE_LANES; i++) {
		probe[i] = open_port(name, O_RDWR);
		ASSERT_EQ(0, set_lanes(probe[i], 1U << i, i));
	}
	for (i = 0; i < PLACES; i++)
		occupy(&books->place[i], name);
	for (n = 1; n <= deaths; n++) {
		struct timespec t = { .tv_nsec = below(2000000) };

		nanosleep(&t, NULL);
		p = &books->place[below(PLACES)];
		ASSERT_TRUE(kill_one(p));
		occupy(p, name);
		ASSERT_NO_COMPLAINT();
		if (n % 16)
			continue;
		turn_hold();
		p = &books->place[below(PLACES)];
		ASSERT_TRUE(kill_one(p));
		ASSERT_TRUE(wait_until(settled(probe))) {
			info = info_of(fd);
			say("somebody sleeps: depth %u, %u senders, %u receivers asleep",
			    info.depth, info.waiting_senders, info.waiting_receivers);
		}
		turn_hold();
		occupy(p, name);
	}
	deleted = one_in(2);
	if (deleted)
		ASSERT_EQ(0, delete_port(name, 0));
	for (i = 0; i < PLACES; i++) {
		p = &books->place[i];
		ASSERT_TRUE(deleted ? wait_until(waitpid(p->pid, NULL, WNOHANG) == p->pid) :
				      kill_one(p));
	}
	for (;;) {
		struct note note = { 0 };
		struct mailbox_message m = message(.data = address(&note), .length = sizeof(note));
		long ret = receive_message(fd, &m);

		if (ret) {
			ASSERT_EQ(deleted ? -EIDRM : -EAGAIN, ret);
			break;
		}
		check_note(&note);
		enter_taken(note.id, m.flags);
	}
	if (!deleted) {
		for (i = 0; i < CHANCE_LANES; i++)
			ASSERT_EQ(info_of(fd).capacity, fill_lane(fd, i));
		ASSERT_EQ(0, delete_port(name, MAILBOX_DELETE_PURGE));
	}
	for (i = 1; i < books->ids && i < MESSAGES; i++) {
		if (books->taken[i])
			taken++;
		else if (books->perhaps[i])
			dead++;
		else if (books->sent[i] == ACCEPTED)
			lost++;
	}
	info = info_of(fd);
	ASSERT_NO_COMPLAINT();
	ASSERT_EQ(0, lost);
	ASSERT_EQ(taken + dead, info.messages_received);
	ASSERT_EQ(info.redelivered, books->again);
	ASSERT_EQ(0, info.quarantined);
	ASSERT_EQ(0, info.mappings);
	ASSERT_EQ(0, info.depth);
	ASSERT_EQ(0, info.waiting_receivers + info.waiting_senders);
	ASSERT_EQ(1 + CHANCE_LANES, info.endpoints);
	self->kills += deaths;
	self->messages += taken;
	self->again += books->again;
	self->by_the_dead += dead;
	for (i = 0; i < CHANCE_LANES; i++)
		close(probe[i]);
	close(fd);
}

TEST_F_TIMEOUT(chance, kills_lose_nothing, 1 << 20)
{
	__u64 kills = number_from("MAPKILL_KILLS", much(300)), start;
	struct mailbox_query before = query(), after;

	seed_from("MAPKILL_SEED");
	setpriority(PRIO_PROCESS, 0, -20);
	start = clock_ns(CLOCK_MONOTONIC);
	while (self->kills < kills)
		life_of_a_port(_metadata, self, 40);
	after = query();
	EXPECT_EQ(before.ports, after.ports);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	report("%llu kills survived in %llu s, %llu messages, %llu came again, %llu with the dead",
	       self->kills, (clock_ns(CLOCK_MONOTONIC) - start) / 1000000000ULL, self->messages,
	       self->again, self->by_the_dead);
}

TEST_HARNESS_MAIN
