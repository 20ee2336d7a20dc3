// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped senders and receivers die under load, and the books are kept to the message.
 *
 * They use single messages and ranges, split ranges, and keep slots in hand for a
 * while; others beside them do the same by system calls. Each victim is stopped at
 * whatever instruction it has come to, sometimes led on one by one to a place where
 * few have died; then what it holds is read from the slots, and it is killed. So it
 * is known of every message what has to become of it: sent if its word was
 * published, received if its slot was released, and what was in hand comes again,
 * with the number of those who died with it. Every fourth port sees deaths without
 * a warning, also in the middle of a system call: then what was in hand may be gone.
 *
 *	MAPDEATH_KILLS=n	deaths (100, or as much() allows; 10000 with MAILBOX_EFFORT=25),
 *			and some more if some phase has not been met by then
 *	MAPDEATH_SEED=n		instead of a random one; timing still differs
 */
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>

#include "ring.h"
#include "storm.h"

#define PLACES		10
#define DEATHS		50U		/* on each port */
#define LANES		2U
#define BYTES		64U
#define RANGE		8U		/* messages, at most */
#define MESSAGES	(1U << 18)
#define GROUP		77
#define STEPS		60		/* instructions that a victim is led on */
#define GATES		6		/* ... from so many gates */
#define GATE_NS		10000000ULL	/* it may take to come to one */

/* Where a worker may be stopped, to be led on from there. */
enum gate {
	CLAIM = 1, CLAIM_RANGE, FILL_RANGE, PUBLISH, PUBLISH_RANGE, DISCARD, DISCARD_RANGE,
	TAKE, TAKE_FIRST, TAKE_RANGE, RELEASE, RELEASE_RANGE
};

/* What a worker is doing when nothing that it owns tells. */
enum doing { NOTHING, CLAIMING, PUBLISHING, DISCARDING, RELEASING, ENTERING };

enum calling { NO_CALL, SENDING, WRITING, RECEIVING, READING, IN_PLACE };

/* Ids begin at 1, so that room for one is seen to be filled. */
struct note {
	__u32 id;
	__u32 check;
};

/* Messages in a row. */
struct row {
	__u32 lane;
	__u32 n;
	__u64 position;
	__u32 id[RANGE];
};

/* What is known of a worker; written by it alone, with tell(). */
struct place {
	__u32 owner;		/* of its mapping, or 0 */
	__u32 doing;
	__u32 calling;
	__u32 in;		/* it sleeps for a message */
	__u32 out;		/* ... for a slot on these lanes */
	__u32 filled;		/* slots of what is claimed */
	__u32 chained;		/* what is taken */
	__u32 gate;		/* to stop at */
	bool whole;		/* it would take all of a range */
	struct row row;
	struct mailbox_message message;
	struct note body;
	__u64 seed;
	pid_t pid;
	__u16 life;
	bool receives;
	bool mapped;
};

/* In this order, for whoever looks at a worker that stands still. */
#define tell(what, now)	__atomic_store_n(&(what), now, __ATOMIC_SEQ_CST)

/* A message is INTENDED until its word is published: it must not come. */
enum sent { UNUSED, INTENDED, PERHAPS, ACCEPTED };

struct books {
	struct place place[PLACES];
	bool seen;		/* each death on this port is looked at */
	__u32 lives;
	__u32 ids;
	__u32 hold;		/* odd: rest */
	__u32 again;		/* messages that were said to come again */
	__u32 departed;		/* ... and should have been */
	__u32 unsure;		/* given up, and perhaps counted twice */
	struct complaints complaints;
	__u8 sent[MESSAGES];
	__u8 fell[MESSAGES];	/* out of so many hands */
	__u8 perhaps[MESSAGES];	/* received by one who died unseen */
	__u16 taken[MESSAGES];	/* the life that received it */
};

static struct books *books;
static struct ring watch;	/* a view that cannot be written */
static struct ring feeder;	/* and one that can */

/* The books of messages */

static bool known(__u32 id)
{
	if (id && id < MESSAGES && books->sent[id] != UNUSED)
		return true;
	complain("message %u was never sent", id);
	return false;
}

static void enter_taken(__u16 life, __u32 id)
{
	__u16 nobody = 0;

	if (known(id) && !__atomic_compare_exchange_n(&books->taken[id], &nobody, life, 0,
						      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		complain("message %u was received twice, after %u departures", id,
			 books->fell[id]);
}

/* In whose hands it has been is known, and so it must say. */
static void check_departed(__u32 id, __u32 departed)
{
	if (departed)
		__atomic_fetch_add(&books->again, 1, __ATOMIC_SEQ_CST);
	if (books->seen && known(id) && departed != books->fell[id])
		complain("message %u fell out of %u hands, and tells of %u", id, books->fell[id],
			 departed);
}

static void check_flags(__u32 id, __u32 flags)
{
	__u32 departed = flags >> MAILBOX_MSG_DEPARTED_SHIFT;

	if (!departed != !(flags & MAILBOX_MSG_REDELIVERED))
		complain("message %u has flags %#x", id, flags);
	check_departed(id, departed);
}

static struct note note_of(__u32 id)
{
	return (struct note) { id, ~id };
}

static void check_note(const struct note *n)
{
	if (n->check != ~n->id)
		complain("message %u came with wrong bytes", n->id);
}

/* Workers */

static struct place *ours;

/* But for who is led somewhere. */
static void rest(void)
{
	__u32 hold;

	while (!__atomic_load_n(&ours->gate, __ATOMIC_SEQ_CST)) {
		hold = __atomic_load_n(&books->hold, __ATOMIC_SEQ_CST);
		if (!(hold & 1))
			break;
		syscall(SYS_futex, &books->hold, FUTEX_WAIT, hold, NULL, NULL, 0);
	}
}

/* Who is stopped in a call that sleeps comes back from it. */
static bool none(long ret)
{
	if (ret == -EIDRM)
		_exit(0);
	if (ret < 0 && ret != -EAGAIN && ret != -EINTR)
		complain("a call returned %ld", ret);
	return ret < 0;
}

static __u32 new_ids(__u32 n)
{
	__u32 first = __atomic_fetch_add(&books->ids, n, __ATOMIC_SEQ_CST), i;

	while (first + n > MESSAGES)
		pause();
	for (i = 0; i < n; i++)
		books->sent[first + i] = INTENDED;
	return first;
}

static void come_to(enum gate gate)
{
	if (__atomic_load_n(&ours->gate, __ATOMIC_SEQ_CST) == gate)
		asm volatile("int3");
}

/* Between the walk and the compare-and-swap. */
static void come_to_the_word(__u32 n)
{
	if (ours->receives)
		come_to(n == 1 ? TAKE : ours->whole ? TAKE_RANGE : TAKE_FIRST);
	else
		come_to(n == 1 ? CLAIM : CLAIM_RANGE);
}

/* Senders */

/* From memory that is there, so that no copy fails when it has begun. */
static void send_by_call(struct place *p, int fd)
{
	__u32 lane = below(LANES), id = new_ids(1);
	bool plain = !lane && one_in(2);
	long ret;

	p->body = note_of(id);
	do {
		p->message = message(.data = address(&p->body), .length = sizeof(p->body),
				     .lane = lane, .deadline = MAILBOX_FOREVER);
		books->sent[id] = PERHAPS;
		tell(p->out, 1U << lane);
		tell(p->calling, plain ? WRITING : SENDING);
		ret = plain ? put(fd, &p->body, sizeof(p->body)) : send_message(fd, &p->message);
		books->sent[id] = ret < 0 ? INTENDED : ACCEPTED;
		tell(p->calling, NO_CALL);
		tell(p->out, 0);
	} while (none(ret));
}

/* A slot by the kernel, which waits for one. */
static long claim_by_call(struct place *p, int fd, __u32 lane, __u64 *position)
{
	long ret;

	p->message = message(.lane = lane, .flags = MAILBOX_SEND_IN_PLACE,
			     .deadline = MAILBOX_FOREVER);
	tell(p->out, 1U << lane);
	tell(p->calling, IN_PLACE);
	ret = send_message(fd, &p->message);
	tell(p->calling, NO_CALL);
	tell(p->out, 0);
	*position = p->message.ticket;
	return ret ?: 1;
}

static void fill(struct place *p, struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	__u32 i;

	for (i = 0; i < n; i++) {
		struct note note = note_of(p->row.id[i]);

		ring_fill(r, lane, position + i, &note, sizeof(note), one_in(4) ? roll() | 1 : 0);
		tell(p->filled, i + 1);
	}
}

static void publish(struct place *p, struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	__u32 i;

	tell(p->doing, PUBLISHING);
	if (n == 1)
		ring_publish(r, lane, position);
	else
		ring_publish_range(r, lane, position, n);
	tell(p->doing, ENTERING);
	for (i = 0; i < n; i++)
		books->sent[p->row.id[i]] = ACCEPTED;
}

static void send_mapped(struct place *p, struct ring *r)
{
	__u32 lane = below(LANES), n = one_in(2) ? 1 : 1 + below(RANGE), first = new_ids(n), i;
	__u64 position;
	long got;

	for (i = 0; i < n; i++)
		p->row.id[i] = first + i;
	tell(p->filled, 0);
	tell(p->doing, CLAIMING);
	got = n == 1 ? ring_claim(r, lane, &position) ?: 1 :
		       ring_claim_range(r, lane, n, &position);
	if (got == -EAGAIN)
		got = claim_by_call(p, r->fd, lane, &position);
	if (none(got)) {
		tell(p->doing, NOTHING);
		return;
	}
	p->row.lane = lane;
	p->row.position = position;
	tell(p->row.n, got);
	if (one_in(3))
		breathe();	/* reserved */
	if (got > 1)
		come_to(FILL_RANGE);
	fill(p, r, lane, position, got);
	if (one_in(8)) {
		come_to(got > 1 ? DISCARD_RANGE : DISCARD);
		tell(p->doing, DISCARDING);
		ring_discard_range(r, lane, position, got);
	} else {
		come_to(got > 1 ? PUBLISH_RANGE : PUBLISH);
		publish(p, r, lane, position, got);
	}
	tell(p->row.n, 0);
	tell(p->doing, NOTHING);
}

/* Receivers */

static void receive_by_call(struct place *p, int fd)
{
	bool plain = one_in(3);
	long ret;

	memset(&p->body, 0, sizeof(p->body));	/* it is there: nothing is put back */
	p->message = message(.data = address(&p->body), .length = sizeof(p->body),
			     .deadline = MAILBOX_FOREVER);
	tell(p->in, ~0U);
	tell(p->calling, plain ? READING : RECEIVING);
	ret = plain ? get(fd, &p->body, sizeof(p->body)) : receive_message(fd, &p->message);
	if (ret >= 0) {
		check_note(&p->body);
		enter_taken(p->life, p->body.id);
		if (!plain)
			check_flags(p->body.id, p->message.flags);
	}
	tell(p->calling, NO_CALL);
	tell(p->in, 0);
	none(ret);
}

static struct note *note_at(const struct ring *r, __u32 lane, __u64 position, __u32 *departed)
{
	void *payload;
	__u64 tag, header = mailbox_slot_read(&r->lane[lane], position, &tag, &payload);

	*departed = (header & MAILBOX_SLOT_DEPARTED_MASK) / MAILBOX_SLOT_DEPARTED;
	return payload;
}

/* Reads what is taken, and gives it back. */
static void use(struct place *p, struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	__u32 departed, i;

	for (i = 0; i < n; i++) {
		struct note note = *note_at(r, lane, position + i, &departed);

		check_note(&note);
		check_departed(note.id, departed);
		p->row.id[i] = note.id;
	}
	if (one_in(3))
		breathe();	/* looked at where it is */
	p->row.lane = lane;
	p->row.position = position;
	tell(p->row.n, n);
	come_to(n > 1 ? RELEASE_RANGE : RELEASE);
	tell(p->doing, RELEASING);
	if (n == 1)
		ring_release(r, &(struct ring_taken){ .lane = lane, .position = position });
	else
		ring_release_range(r, lane, position, n);
	tell(p->doing, ENTERING);
	for (i = 0; i < n; i++)
		enter_taken(p->life, p->row.id[i]);
	tell(p->row.n, 0);
	tell(p->doing, NOTHING);
}

/* By the mapping: the whole of a range, or its first. */
static bool take_mapped(struct place *p, struct ring *r)
{
	struct ring_taken t;
	__u64 position;
	__u32 lane;
	long n;

	for (lane = LANES; lane--;) {
		tell(p->chained, false);
		p->whole = p->gate == TAKE_RANGE || (p->gate != TAKE_FIRST && one_in(2));
		if (p->whole) {
			n = ring_take_slots(r, lane, &position);
		} else {
			n = ring_take_slot(r, lane, BYTES, &t) ?: 1;
			position = t.position;
		}
		if (n < 0)
			continue;
		ring_taken(r);
		tell(p->chained, true);
		use(p, r, lane, position, n);
		return true;
	}
	return false;
}

static void take_by_call(struct place *p, struct ring *r)
{
	long ret;

	p->message = message(.flags = MAILBOX_RECV_IN_PLACE, .deadline = MAILBOX_FOREVER);
	tell(p->chained, true);
	tell(p->in, ~0U);
	tell(p->calling, IN_PLACE);
	ret = receive_message(r->fd, &p->message);
	tell(p->calling, NO_CALL);
	tell(p->in, 0);
	if (!none(ret))
		use(p, r, p->message.lane, p->message.ticket, 1);
}

static __attribute__((noreturn)) void work(struct place *p, const char *name)
{
	int fd = open_port(name, O_RDWR);
	struct ring r = { .fd = fd };

	if (fd == -ENOENT)
		_exit(0);
	ours = p;
	dice = p->seed;
	if (p->mapped) {
		if (ring_map(&r, fd)) {
			complain("a worker cannot map");
			_exit(1);
		}
		r.before = come_to_the_word;
		tell(p->owner, r.owner);
	}
	for (;;) {
		rest();
		if (p->mapped && p->receives) {
			if (take_mapped(p, &r))
				continue;
			if (one_in(2))
				take_by_call(p, &r);
			else
				receive_by_call(p, fd);
		} else if (p->receives) {
			receive_by_call(p, fd);
		} else if (p->mapped) {
			send_mapped(p, &r);
		} else {
			send_by_call(p, fd);
		}
	}
}

static void occupy(struct place *p, const char *name)
{
	__u32 number = p - books->place;
	pid_t pid;

	memset(p, 0, sizeof(*p));
	p->seed = roll() | 1;
	p->life = ++books->lives;
	p->receives = number % 2;
	p->mapped = number % 5;
	pid = spawn();
	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		work(p, name);
	}
	p->pid = pid;
	if (books->seen && ptrace(PTRACE_SEIZE, pid, NULL, 0))
		complain("cannot trace: %d", errno);
}

/* Where they die */

enum phase {
	SLOT_CLAIMED, SLOT_FILLED, RANGE_CLAIMED, RANGE_HALF_FILLED, RANGE_FILLED, RANGE_HALF_VOID,
	PUBLISHED, DISCARDED,
	SLOT_TAKEN, SLOT_READ, SPLIT_BEGUN, SPLIT_DONE, RANGE_TAKEN, RANGE_READ,
	RANGE_HALF_RELEASED, RELEASED,
	IN_A_CALL, ELSEWHERE, PHASES
};

#define FIRST_OF_RECEIVERS	SLOT_TAKEN
#define MAPPED_PHASES		IN_A_CALL	/* those before it */

static const char *const phase_names[PHASES] = {
	[SLOT_CLAIMED] = "WRITING, between claim and fill",
	[SLOT_FILLED] = "WRITING, filled",
	[RANGE_CLAIMED] = "WRITING a range, none filled",
	[RANGE_HALF_FILLED] = "WRITING a range, some filled",
	[RANGE_FILLED] = "WRITING a range, all filled",
	[RANGE_HALF_VOID] = "WRITING a range, some given up",
	[PUBLISHED] = "between publish and kick",
	[DISCARDED] = "between discard and kick",
	[SLOT_TAKEN] = "READING, between take and chain",
	[SLOT_READ] = "READING, after the chain",
	[SPLIT_BEGUN] = "SPLIT, between its two steps",
	[SPLIT_DONE] = "SPLIT, after both",
	[RANGE_TAKEN] = "READING a range, between take and chain",
	[RANGE_READ] = "READING a range, after the chain",
	[RANGE_HALF_RELEASED] = "READING a range, some released",
	[RELEASED] = "between release and kick",
	[IN_A_CALL] = "in a system call, nothing in hand",
	[ELSEWHERE] = "elsewhere, nothing in hand",
};

/* The last gate before it. */
static const enum gate gates[MAPPED_PHASES] = {
	[SLOT_CLAIMED] = CLAIM, [SLOT_FILLED] = PUBLISH,
	[RANGE_CLAIMED] = CLAIM_RANGE,
	[RANGE_HALF_FILLED] = FILL_RANGE, [RANGE_FILLED] = PUBLISH_RANGE,
	[RANGE_HALF_VOID] = DISCARD_RANGE, [PUBLISHED] = PUBLISH, [DISCARDED] = DISCARD,
	[SLOT_TAKEN] = TAKE, [SLOT_READ] = TAKE,
	[SPLIT_BEGUN] = TAKE_FIRST, [SPLIT_DONE] = TAKE_FIRST,
	[RANGE_TAKEN] = TAKE_RANGE, [RANGE_READ] = TAKE_RANGE,
	[RANGE_HALF_RELEASED] = RELEASE_RANGE, [RELEASED] = RELEASE,
};

/* The one word that says what a worker holds. */
struct grip {
	__u32 lane;
	__u64 position;
	__u64 word;
};

static bool grip_of(__u32 owner, struct grip *g)
{
	__u64 phase;
	__u32 i;

	for (g->lane = 0; owner && g->lane < LANES; g->lane++) {
		for (i = 0; i < watch.lane[g->lane].capacity; i++) {
			g->word = mailbox_lane_word(&watch.lane[g->lane], i);
			g->position = g->word >> MAILBOX_SEQUENCE_SHIFT;
			phase = mailbox_word_phase(g->word);
			if (mailbox_word_owner(g->word) == owner &&
			    (phase == MAILBOX_PHASE_WRITING || phase == MAILBOX_PHASE_READING ||
			     phase == MAILBOX_PHASE_SPLIT))
				return true;
		}
	}
	return false;
}

/* Is the slot behind the head as the claim or take has left it? */
static bool untouched(const struct grip *g, __u32 i)
{
	return !i || mailbox_lane_word(&watch.lane[g->lane], g->position + i) ==
		     mailbox_word(g->position + i, 0, MAILBOX_PHASE_FREE);
}

static enum phase phase_of_grip(const struct place *p, const struct grip *g)
{
	__u32 n = mailbox_word_count(g->word);

	switch (mailbox_word_phase(g->word)) {
	case MAILBOX_PHASE_WRITING:
		if (n == 1)
			return p->filled ? SLOT_FILLED : SLOT_CLAIMED;
		if (!untouched(g, n - 1))
			return RANGE_HALF_VOID;
		return !p->filled ? RANGE_CLAIMED :
		       p->filled < n ? RANGE_HALF_FILLED : RANGE_FILLED;
	case MAILBOX_PHASE_SPLIT:
		return untouched(g, 1) ? SPLIT_BEGUN : SPLIT_DONE;
	}
	if (n == 1)
		return p->chained ? SLOT_READ : SLOT_TAKEN;
	if (!untouched(g, n - 1))
		return RANGE_HALF_RELEASED;
	return p->chained ? RANGE_READ : RANGE_TAKEN;
}

static enum phase phase_of(const struct place *p)
{
	struct grip g;

	if (grip_of(p->owner, &g))
		return phase_of_grip(p, &g);
	switch (p->doing) {
	case PUBLISHING:
		return PUBLISHED;
	case DISCARDING:
		return DISCARDED;
	case RELEASING:
		return RELEASED;
	}
	return p->calling ? IN_A_CALL : ELSEWHERE;
}

/* Deaths in each: where they came to be stopped, where they were led, and wherever. */
struct tally {
	__u32 met[PHASES];
	__u32 led[PHASES];
	__u32 unseen;
};

static struct tally *tally;

static bool never(enum phase i)
{
	return !tally->met[i] && !tally->led[i];
}

/* Where to lead it: rather where none of its kind has died. */
static enum phase where_to(const struct place *p)
{
	enum phase first = p->receives ? FIRST_OF_RECEIVERS : 0;
	enum phase n = (p->receives ? MAPPED_PHASES : FIRST_OF_RECEIVERS) - first, at, i;

	at = below(n);
	for (i = 0; i < n; i++)
		if (never(first + (at + i) % n))
			return first + (at + i) % n;
	return first + at;
}

static __u32 never_met(void)
{
	__u32 n = 0, i;

	for (i = 0; i < MAPPED_PHASES; i++)
		n += never(i);
	return n;
}

static void print_tally(void)
{
	__u32 i;

	say("%-42s %10s %6s", "died", "by chance", "led");
	for (i = 0; i < PHASES; i++)
		say("%-42s %10u %6u", phase_names[i], tally->met[i], tally->led[i]);
	say("%-42s %10u %6u", "without being looked at", tally->unseen, 0);
}

/* Deaths */

static bool stopped(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		return true;
	say("the victim did not stop: status %#x, errno %d", status, errno);
	return false;
}

/* Stops of itself, or is stopped in the end. Returns whether it lives. */
static bool stops_soon(pid_t pid, bool *of_itself)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + GATE_NS;
	int status;

	*of_itself = true;
	do {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFSTOPPED(status);
		sched_yield();
	} while (clock_ns(CLOCK_MONOTONIC) < end);
	*of_itself = false;
	return !ptrace(PTRACE_INTERRUPT, pid, NULL, 0) && stopped(pid);
}

/* One instruction. */
static bool step(pid_t pid)
{
	bool of_itself;

	return !ptrace(PTRACE_SINGLESTEP, pid, NULL, 0) && stops_soon(pid, &of_itself);
}

/* Something for receivers, so that one that is led finds a range. It wakes nobody. */
static void feed(void)
{
	__u32 lane = below(LANES), first = new_ids(RANGE), i;
	__u64 position;
	long got = ring_claim_range(&feeder, lane, RANGE, &position);

	for (i = 0; got > 0 && i < got; i++) {
		struct note n = note_of(first + i);

		ring_fill(&feeder, lane, position + i, &n, sizeof(n), 0);
		books->sent[n.id] = ACCEPTED;
	}
	if (got > 0)
		mailbox_range_publish(&feeder.lane[lane], position, feeder.owner, got);
}

/* Even: all work, but those who wait. */
static void turn_hold(void)
{
	__atomic_fetch_add(&books->hold, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &books->hold, FUTEX_WAKE, PLACES, NULL, NULL, 0);
}

/* Lets it come to the gate before that phase, and on from there, instruction by instruction. */
static bool lead(struct place *p, enum phase there)
{
	__u32 turns, steps, more = never(there) ? 0 : below(4);
	bool at_gate;

	tell(p->gate, gates[there]);
	for (turns = 0; turns < GATES && phase_of(p) != there; turns++) {
		if (p->receives)
			feed();
		if (ptrace(PTRACE_CONT, p->pid, NULL, 0) || !stops_soon(p->pid, &at_gate))
			return false;
		for (steps = 0; at_gate && steps < STEPS && phase_of(p) != there; steps++)
			if (!step(p->pid))
				return false;
	}
	while (more-- && phase_of(p) == there)
		if (!step(p->pid))
			return false;
	ring_kick(&feeder, ~0U, ~0U);	/* for what was fed */
	return true;
}

/* Where nobody has died yet it may go alone: others would be faster all the time. */
static bool lead_alone(struct place *p, enum phase there)
{
	bool good;

	turn_hold();
	good = lead(p, there);
	turn_hold();
	return good;
}

/* It stands still: what is in its hands will come again, and nothing else of it. */
static void enter_grip(const struct place *p)
{
	struct grip g;
	__u32 n, i, departed;

	if (!grip_of(p->owner, &g))
		return;
	n = mailbox_word_count(g.word);
	switch (mailbox_word_phase(g.word)) {
	case MAILBOX_PHASE_WRITING:
		if (p->doing == DISCARDING)
			books->unsure += n;
		return;
	case MAILBOX_PHASE_SPLIT:
		n = 1;
	}
	for (i = 0; i < n; i++) {
		struct note note = *note_at(&watch, g.lane, g.position + i, &departed);

		if (!untouched(&g, i))
			continue;
		check_note(&note);
		if (known(note.id)) {
			books->fell[note.id]++;
			books->departed++;
		}
	}
}

/* What it has published, and what it has released, before it could say so. */
static void enter_row(const struct place *p)
{
	struct grip g;
	bool holds = grip_of(p->owner, &g);
	__u32 i;

	for (i = 0; i < p->row.n; i++) {
		__u32 id = p->row.id[i];

		if (p->receives) {
			if ((!holds || !untouched(&g, i)) && books->taken[id] != p->life)
				enter_taken(p->life, id);
		} else if (!holds && (p->doing == PUBLISHING || p->doing == ENTERING)) {
			books->sent[id] = ACCEPTED;
		}
	}
}

/* Nobody has seen it: what was in its hands may be received or not. */
static void enter_unseen(const struct place *p)
{
	__u32 i;

	for (i = 0; i < p->row.n; i++) {
		__u32 id = p->row.id[i];

		if (p->receives && !books->taken[id])
			books->perhaps[id] = 1;
		else if (p->doing == PUBLISHING)
			books->sent[id] = PERHAPS;
		else if (!p->receives && p->doing == ENTERING)
			books->sent[id] = ACCEPTED;
	}
	if (p->doing == DISCARDING)
		books->unsure += p->row.n;
}

/* Its last system call has come to its end, or to nothing. */
static void enter_call(const struct place *p)
{
	switch (p->calling) {
	case SENDING:
		/* Zero is what the kernel writes first, to see that it can. */
		if (p->message.ticket == message().ticket)
			books->sent[p->body.id] = INTENDED;
		else if (p->message.ticket)
			books->sent[p->body.id] = ACCEPTED;
		break;
	case RECEIVING:
		if (p->message.gid != GROUP)
			break;
		if (books->taken[p->body.id] != p->life)
			enter_taken(p->life, p->body.id);
		break;
	case READING:
		if (p->body.id && books->taken[p->body.id] != p->life)
			enter_taken(p->life, p->body.id);
		break;
	}
}

static bool look(struct place *p, bool led)
{
	setpriority(PRIO_PROCESS, p->pid, -20);
	if (ptrace(PTRACE_INTERRUPT, p->pid, NULL, 0) || !stopped(p->pid))
		return false;
	led = led && p->owner && one_in(2);
	if (led) {
		enum phase there = where_to(p);

		if (!(never(there) ? lead_alone(p, there) : lead(p, there)))
			return false;
	}
	(led ? tally->led : tally->met)[phase_of(p)]++;
	enter_grip(p);
	enter_row(p);
	return true;
}

static bool kill_one(struct place *p, bool may_lead)
{
	int status;

	if (books->seen && !look(p, may_lead))
		return false;
	kill(p->pid, SIGKILL);
	setpriority(PRIO_PROCESS, p->pid, -20);
	if (!wait_until(waitpid(p->pid, &status, WNOHANG) == p->pid))
		return false;
	if (status != SIGKILL) {
		say("place %d died with status %#x", (int)(p - books->place), status);
		return false;
	}
	if (!books->seen) {
		enter_unseen(p);
		tally->unseen++;
	}
	enter_call(p);
	p->pid = 0;
	return true;
}

/* A port */

FIXTURE(death)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
	int probe[LANES];
	__u64 kills;
	__u64 messages;
	__u64 again;
};

static bool polled(int fd, short event)
{
	struct pollfd p = { fd, event };

	return poll(&p, 1, 0) == 1 && p.revents & event;
}

/* Nobody sleeps beside what it waits for. */
static bool settled(const int *probe)
{
	__u32 in = 0, out = 0, i;

	for (i = 0; i < LANES; i++) {
		in |= polled(probe[i], POLLIN) << i;
		out |= polled(probe[i], POLLOUT) << i;
	}
	for (i = 0; i < PLACES; i++)
		if (books->place[i].pid && (books->place[i].in & in || books->place[i].out & out))
			return false;
	return true;
}

FIXTURE_SETUP(death)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, setegid(GROUP));
	books = shared_memory(sizeof(*books));
	tally = shared_memory(sizeof(*tally));
	complaints = &books->complaints;
	setpriority(PRIO_PROCESS, 0, -20);
}

FIXTURE_TEARDOWN(death)
{
}

static void open_the_port(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self)
{
	__u32 i;

	memset(books, 0, sizeof(*books));
	books->ids = 1;
	books->seen = !one_in(4);
	strcpy(self->name, port_name("death"));
	self->fd = create(self->name, .message_size = BYTES, .capacity = 4U << below(4),
			  .lanes = LANES);
	ASSERT_LE(0, self->fd);
	ring_view(&watch, self->fd, (void *)map_port(self->fd, PROT_READ));
	for (i = 0; i < LANES; i++) {
		self->probe[i] = open_port(self->name, O_RDWR);
		ASSERT_EQ(0, set_lanes(self->probe[i], 1U << i, i));
	}
	ASSERT_EQ(0, ring_map(&feeder, self->probe[0]));
	for (i = 0; i < PLACES; i++)
		occupy(&books->place[i], self->name);
}

/* All work, and one after another dies. Now and then they hold their breath. */
static void let_them_die(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self)
{
	struct mailbox_info info;
	struct place *p;
	__u32 n;

	for (n = 1; n <= DEATHS; n++) {
		struct timespec t = { .tv_nsec = below(2000000) };

		nanosleep(&t, NULL);
		p = &books->place[below(PLACES)];
		ASSERT_TRUE(kill_one(p, true)) {
			say("%s", complaints->first);
		}
		occupy(p, self->name);
		ASSERT_NO_COMPLAINT();
		if (n % 16)
			continue;
		turn_hold();
		p = &books->place[below(PLACES)];
		ASSERT_TRUE(kill_one(p, false));
		ASSERT_TRUE(wait_until(settled(self->probe))) {
			info = info_of(self->fd);
			say("somebody sleeps: depth %u, %u senders, %u receivers asleep",
			    info.depth, info.waiting_senders, info.waiting_receivers);
		}
		turn_hold();
		occupy(p, self->name);
	}
}

/* The rest end with the port, or die as well; what is left is ours. */
static void end_all(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self)
{
	bool deleted = one_in(2);
	__u32 i;

	ASSERT_EQ(0, ring_unmap(&feeder));
	if (deleted)
		ASSERT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < PLACES; i++) {
		struct place *p = &books->place[i];

		ASSERT_TRUE(deleted ? wait_until(waitpid(p->pid, NULL, WNOHANG) == p->pid) :
				      kill_one(p, false));
	}
	for (;;) {
		struct note note = { 0 };
		struct mailbox_message m = message(.data = address(&note), .length = sizeof(note));
		long ret = receive_message(self->fd, &m);

		if (ret) {
			ASSERT_EQ(deleted ? -EIDRM : -EAGAIN, ret);
			break;
		}
		check_note(&note);
		enter_taken(++books->lives, note.id);
		check_flags(note.id, m.flags);
	}
	if (!deleted) {
		for (i = 0; i < LANES; i++)
			ASSERT_EQ(info_of(self->fd).capacity, fill_lane(self->fd, i));
		ASSERT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	}
}

/* Each message, and what the port says of all of them. */
static void close_the_books(struct __test_metadata *_metadata, FIXTURE_DATA(death) *self)
{
	struct mailbox_info info = info_of(self->fd);
	__u32 i, taken = 0, dead = 0;

	for (i = 1; i < books->ids && i < MESSAGES; i++) {
		if (books->taken[i] && books->sent[i] == INTENDED)
			complain("message %u was not sent, and has come", i);
		else if (books->taken[i])
			taken++;
		else if (books->perhaps[i])
			dead++;
		else if (books->sent[i] == ACCEPTED)
			complain("message %u is lost, after %u departures", i, books->fell[i]);
	}
	ASSERT_NO_COMPLAINT();
	/* Who dies while it gives slots up may have counted them, and the repair does. */
	ASSERT_GE(taken + dead, info.messages_received);
	ASSERT_LE(taken + dead, info.messages_received + books->unsure);
	if (books->seen)
		ASSERT_EQ(books->departed, info.redelivered);
	ASSERT_EQ(0, info.quarantined);
	ASSERT_EQ(0, info.mappings);
	ASSERT_EQ(0, info.depth);
	ASSERT_EQ(0, info.waiting_receivers + info.waiting_senders);
	ASSERT_EQ(1 + LANES, info.endpoints);
	self->messages += taken;
	self->again += books->again;
	for (i = 0; i < LANES; i++)
		close(self->probe[i]);
	munmap(watch.shared, watch.bytes);
	close(self->fd);
}

TEST_F_TIMEOUT(death, in_every_phase_loses_and_doubles_nothing, 1 << 20)
{
	__u64 kills = number_from("MAPDEATH_KILLS", much(effort() == 1 ? 100 : 400));
	__u64 most = kills + 1000, start = clock_ns(CLOCK_MONOTONIC);
	struct mailbox_query before = query(), after;

	seed_from("MAPDEATH_SEED");
	while (self->kills < kills || (never_met() && self->kills < most)) {
		open_the_port(_metadata, self);
		let_them_die(_metadata, self);
		end_all(_metadata, self);
		close_the_books(_metadata, self);
		self->kills += DEATHS;
	}
	after = query();
	print_tally();
	EXPECT_EQ(0, never_met());
	EXPECT_EQ(before.ports, after.ports);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	report("%llu kills in %llu s, in all phases; of %llu messages %llu came again",
	       self->kills, (clock_ns(CLOCK_MONOTONIC) - start) / 1000000000ULL,
	       self->messages, self->again);
}

TEST_HARNESS_MAIN
