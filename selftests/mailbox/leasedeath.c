// SPDX-License-Identifier: GPL-2.0
/*
 * Leaseholders, callers and repliers are killed at random moments, and each message is
 * accounted for: finished once, its sender told once and truly if it lives, and what comes
 * again is marked with how often it was given back.
 *
 * Callers send synchronously, with deadlines and signals; askers send for receipts
 * and read them later; others send without, by write() and in a mapping. Workers
 * lease, some with deadlines that they miss, and acknowledge, reply, give back or extend,
 * now and then by the call that leases the next; others receive plainly, or in a
 * mapping. Half of the victims are killed when they come to a chosen place, after an
 * instant of its own.
 *
 *	LEASEDEATH_KILLS=n	deaths (400, or as much() allows)
 *	LEASEDEATH_SEED=n	instead of a random one; timing still differs
 *
 * Some ports give up what was delivered in vain too often, and of these some have a dead-letter
 * port, which the driver reads, and deletes now and then.
 *
 * Books as in death.c: in memory that outlives the workers. Whoever dies in the call that
 * finishes a message has perhaps finished it: then it does not come again, and
 * the receipt says so. MAILBOX_RECV_FINISH leaves no doubt: it says in the books that it is
 * done before it is, and takes that back if it cannot be. The port's own counts must agree
 * with the books to the last message.
 *
 * Bugs made on purpose, and what it said of each after how many kills:
 *	what a dead holder had is dropped		a message is lost	202
 *							the port's counts	198
 *	no receipt of an ack after two in vain		somebody sleeps		19
 *	of 512 acknowledged messages one comes again	and is a dead letter	198
 *	who wants a receipt: an overrun is not counted	the message's count	195
 *	of 64 messages one is never given up		delivered too often	818
 *	they are given up after one delivery more	delivered too often	801
 *	given up, though its dead-letter port is full	its sender's receipt	597
 *	said to be finished by a call that failed	ESTALE of a receive	6 at most
 *	a lease is found, and 20 us later taken		BUG in list_del		not known; 30 s
 * Without these 20 us it did not notice the last one in 1660.
 */
#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>

#include "receipts.h"
#include "ring.h"
#include "storm.h"

#define LANES		2U
#define BYTES		64U
#define DEATHS		200U		/* on each port */
#define PER_REST	25U
#define AT_ONCE		6U
#define STRIDE		5U		/* and no divisor in common with the number of places */
#define HANDS		3U		/* leases at a time */
#define OPEN		4U		/* receipts at a time */
#define MESSAGES	(1U << 17)
#define LOG		(1U << 15)	/* deliveries of one life */
#define DOUBTS		(2 * DEATHS)
#define HOLDERS		4U		/* of one message are remembered */
#define LETTERS		4U		/* slots of a dead-letter port: it is full now and then */

enum role { CALLER, ASKER, SENDER, MAPPED_SENDER, WORKER, RECEIVER, MAPPED_RECEIVER };

/* What somebody is doing; where leases and calls are, the books tell more: enum phase. */
enum doing {
	NOTHING, SENDING, CALLING, ASKING, AWAITING, CLAIMED,
	LEASING, HOLDING, ACKING, NACKING, REPLYING, EXTENDING, TURNING,
	RECEIVING, TAKING, IN_HAND, RELEASING, DOINGS
};

enum sent { UNUSED, INTENDED, ACCEPTED, REFUSED, TAKEN_BACK };

struct note {
	__u32 id;
	__u32 check;
};

/* How a message was finished: one word, so that who is killed has written all of it or nothing. */
union end {
	struct {
		__u64 life:24;		/* of whom; 0: it was not */
		__u64 pid:22;
		__u64 how:4;		/* MAILBOX_RECEIVED and so on */
		__u64 departed:8;	/* what that one was told */
		__u64 own:1;		/* it was among the deliveries that may come to nothing */
	};
	__u64 word;
};

/* Of a message. */
struct entry {
	union end end;
	__u8 sent;
	__u8 perhaps;		/* dead ones may have finished it: how many, see doubts */
	__u8 told;		/* what its sender heard, and of whom */
	__u8 reason;
	__u32 told_of;
	__u32 in_place;		/* pid of who had it in a mapping first: so it was received */
	__u16 had;		/* how often it was in hands that may give it back */
	__u8 moved;		/* it came to the dead-letter port ... */
	__u8 letter;		/* ... and was said to have been delivered so often */
	__u32 holder[HOLDERS];	/* the pids of the first who had it */
};

/* Killed in the call that finishes a message. */
struct doubt {
	__u32 id;
	__u32 pid;
	__u32 how;
};

struct place {
	__u32 doing;
	__u32 id;		/* of the message at hand */
	__u32 in;		/* it sleeps for a message */
	__u64 until;		/* the lease of it ends */
	__u32 open;		/* receipts to come */
	__u32 logged;
	__u32 logged_before;	/* ... this call */
	__u32 leaving;		/* killed, or at its end */
	struct mailbox_message message;
	struct mailbox_receipt receipt;
	struct mailbox_finish end;	/* of the message at hand */
	__u32 how;		/* it is to end */
	__u32 departed;		/* how often it was given back before */
	struct note body;
	struct note reply;
	struct note answer;
	__u64 seed;
	__u32 life;
	pid_t pid;
	enum role role;
	__u32 log[LOG];		/* of what may be given back */
};

static const enum role roles[] = {
	CALLER, WORKER, CALLER, WORKER, ASKER, WORKER, SENDER, RECEIVER, CALLER, WORKER,
	MAPPED_SENDER, MAPPED_RECEIVER, ASKER, WORKER,
};

#define PLACES	(sizeof(roles) / sizeof(roles[0]))

struct books {
	struct place place[PLACES];
	__u32 ids;
	__u32 hold;		/* odd: rest */
	__u32 again;		/* deliveries that were said to be */
	struct complaints complaints;
	struct entry entry[MESSAGES];
};

static struct books *books;
static struct place *ours;
static struct doubt doubts[DOUBTS];	/* of this port */
static __u32 doubtful;

/* In this order, for whoever looks from outside. */
#define tell(what, now)	__atomic_store_n(&(what), now, __ATOMIC_SEQ_CST)
#define look(what)	__atomic_load_n(&(what), __ATOMIC_SEQ_CST)

static void enter(enum doing doing)
{
	tell(ours->doing, doing);
}

/* The books of messages */

static struct entry *entry_of(__u32 id)
{
	if (id && id < MESSAGES && books->entry[id].sent != UNUSED)
		return &books->entry[id];
	complain("message %u was never sent", id);
	return NULL;
}

/* @own: it was among the deliveries that may come to nothing. */
static void enter_finished(const struct place *p, __u32 id, __u32 how, __u32 departed, bool own)
{
	union end end = { { p->life, p->pid, how, departed, own } }, nobody = { .word = 0 };
	struct entry *e = entry_of(id);

	if (!e || __atomic_compare_exchange_n(&e->end.word, &nobody.word, end.word, 0,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	if (nobody.life != p->life)
		complain("message %u was finished by life %u (%u) and by life %u (%u)", id,
			 nobody.life, nobody.how, p->life, how);
}

static void enter_told(const struct mailbox_receipt *r, const struct note *reply)
{
	struct entry *e = entry_of(r->tag);

	if (!e)
		return;
	if (e->told)
		complain("the sender of message %llu is told %u after %u", r->tag, r->outcome,
			 e->told);
	if (r->outcome < MAILBOX_RECEIVED || r->outcome > MAILBOX_RECEIVER_DIED)
		complain("the receipt of message %llu says %u", r->tag, r->outcome);
	if (r->outcome == MAILBOX_REPLIED &&
	    (r->length != sizeof(*reply) || reply->id != r->tag || reply->check != r->tag + 1))
		complain("message %llu is replied to for message %u", r->tag, reply->id);
	e->told_of = r->pid;
	e->reason = r->reason;
	e->told = r->outcome;
}

static struct note note_of(__u32 id)
{
	return (struct note) { id, ~id };
}

static __u32 departed_of(const struct mailbox_message *m)
{
	__u32 departed = m->flags >> MAILBOX_MSG_DEPARTED_SHIFT;

	if (!departed != !(m->flags & MAILBOX_MSG_REDELIVERED))
		complain("message %llu has flags %#x", m->tag, m->flags);
	if (departed)
		__atomic_fetch_add(&books->again, 1, __ATOMIC_SEQ_CST);
	return departed;
}

static void check_note(const struct mailbox_message *m, const struct note *n)
{
	if (n->id != m->tag || n->check != ~n->id)
		complain("message %llu came with the bytes of %u", m->tag, n->id);
}

/* One more delivery that may come to nothing. */
static void log_delivery(struct place *p, __u32 id)
{
	p->log[p->logged] = id;
	tell(p->logged, p->logged + 1);
}

/* Workers */

static void rest(void)
{
	__u32 hold;

	enter(NOTHING);
	while ((hold = look(books->hold)) & 1)
		syscall(SYS_futex, &books->hold, FUTEX_WAIT, hold, NULL, NULL, 0);
}

static __attribute__((noreturn)) void go(void)
{
	if (ours->open)
		complain("the port has gone, and %u receipts are still to come", ours->open);
	tell(ours->leaving, 1);
	_exit(0);
}

static void dally(void)
{
	struct timespec t = { .tv_nsec = below(3000000) };

	nanosleep(&t, NULL);
}

static __u64 random_deadline(void)
{
	switch (below(8)) {
	case 0:
		return MAILBOX_NO_WAIT;
	case 1:
	case 2:
		return in_ms(below(4));
	}
	return MAILBOX_FOREVER;
}

static __u32 new_id(void)
{
	__u32 id = __atomic_fetch_add(&books->ids, 1, __ATOMIC_SEQ_CST);

	while (id >= MESSAGES)
		pause();
	books->entry[id].sent = INTENDED;
	ours->id = id;
	ours->body = note_of(id);
	return id;
}

/* What a send that failed means: nothing has happened. */
static void refused(__u32 id, long ret, enum sent what)
{
	books->entry[id].sent = what;
	if (ret == -EIDRM)
		go();
	if (ret != -EAGAIN && ret != -ETIMEDOUT && ret != -EINTR)
		complain("sending message %u returned %ld", id, ret);
}

static void compose(__u32 id, __u32 flags, __u64 deadline)
{
	ours->message = message(.flags = flags, .data = address(&ours->body),
				.length = sizeof(ours->body), .lane = below(LANES), .tag = id,
				.deadline = deadline);
}

static void send_plainly(int fd)
{
	__u32 id = new_id();
	long ret;

	compose(id, 0, random_deadline());
	enter(SENDING);
	ret = send_message(fd, &ours->message);
	if (ret)
		refused(id, ret, REFUSED);
	else
		books->entry[id].sent = ACCEPTED;
}

static void send_mapped(struct ring *r)
{
	__u32 id = new_id(), lane = below(LANES);
	__u64 position;
	long ret;

	compose(id, MAILBOX_SEND_IN_PLACE, MAILBOX_FOREVER);
	ours->message.data = 0;
	ours->message.length = 0;
	ours->message.tag = 0;
	ours->message.lane = lane;
	enter(SENDING);
	ret = ring_claim(r, lane, &position);
	if (ret == -EAGAIN) {
		ret = send_message(r->fd, &ours->message);
		position = ours->message.ticket;
	}
	if (ret) {
		refused(id, ret, REFUSED);
		return;
	}
	enter(CLAIMED);
	if (one_in(8))
		dally();
	ring_fill(r, lane, position, &ours->body, sizeof(ours->body), id);
	ring_publish(r, lane, position);
	books->entry[id].sent = ACCEPTED;
}

static void wish_for(__u32 flags, __u64 deadline)
{
	memset(&ours->reply, 0, sizeof(ours->reply));
	ours->receipt = wish(.flags = flags, .data = address(&ours->reply),
			     .length = sizeof(ours->reply), .deadline = deadline);
}

static void heard(void)
{
	enter_told(&ours->receipt, &ours->reply);
	enter(NOTHING);
	ours->open--;
}

/* The receipt of the call that could not wait any longer. */
static void await_ticket(int fd)
{
	__u32 lane = ours->message.lane;
	__u64 ticket = ours->message.ticket;
	long ret;

	do {
		wish_for(MAILBOX_RECEIPT_TICKET, one_in(4) ? in_ms(1) : MAILBOX_FOREVER);
		ours->receipt.lane = lane;
		ours->receipt.ticket = ticket;
		enter(AWAITING);
		ret = read_receipt(fd, &ours->receipt);
	} while (ret == -EINTR || ret == -ETIMEDOUT);
	if (ret)
		complain("the receipt of message %u: %ld", ours->id, ret);
	else
		heard();
}

static void call(int fd)
{
	__u32 id = new_id();
	long ret;

	compose(id, MAILBOX_SEND_SYNC, one_in(2) ? MAILBOX_FOREVER : random_deadline());
	wish_for(0, 0);
	ours->message.receipt = address(&ours->receipt);
	enter(CALLING);
	ret = send_message(fd, &ours->message);
	if (ret && ret != -EINPROGRESS) {
		refused(id, ret, TAKEN_BACK);
		return;
	}
	books->entry[id].sent = ACCEPTED;
	ours->open = 1;
	if (ret)
		await_ticket(fd);
	else
		heard();
}

/* The next receipt, if it is there. */
static void ask_for_receipt(int fd)
{
	struct pollfd p = { fd, POLLPRI };
	bool polls = one_in(3);
	long ret;

	wish_for(0, polls ? MAILBOX_NO_WAIT : random_deadline());
	enter(AWAITING);
	if (polls)
		poll(&p, 1, -1);
	ret = read_receipt(fd, &ours->receipt);
	if (!ret)
		heard();
	else if (ret != -EAGAIN && ret != -ETIMEDOUT)
		complain("reading receipts returned %ld", ret);
}

static void ask(int fd)
{
	long ret;
	__u32 id;

	while (ours->open && (ours->open == OPEN || one_in(2)))
		ask_for_receipt(fd);
	id = new_id();
	compose(id, MAILBOX_SEND_RECEIPT, random_deadline());
	enter(ASKING);
	ret = send_message(fd, &ours->message);
	if (!ret) {
		books->entry[id].sent = ACCEPTED;
		ours->open++;
		return;
	}
	while (ret == -EIDRM && ours->open)
		ask_for_receipt(fd);
	refused(id, ret, REFUSED);
}

/* Receivers */

static bool received_none(long ret)
{
	if (ret == -EIDRM)
		go();
	if (ret && ret != -EAGAIN && ret != -ETIMEDOUT)
		complain("a receive returned %ld", ret);
	return ret;
}

/* Into memory that is there: nothing is put back for that. The tag, 0 now, tells what came. */
static void expect(__u32 flags, __u64 deadline)
{
	memset(&ours->body, 0, sizeof(ours->body));
	ours->message = message(.flags = flags, .deadline = deadline);
	if (!(flags & MAILBOX_RECV_IN_PLACE)) {
		ours->message.data = address(&ours->body);
		ours->message.length = sizeof(ours->body);
	}
	ours->logged_before = ours->logged;
}

/* Only the first one finishes it; and there is but one mapped receiver at a time. */
static void enter_in_place(const struct place *p, __u32 id)
{
	struct entry *e = entry_of(id);

	if (e && !e->in_place)
		e->in_place = p->pid;
}

static void receive(int fd)
{
	long ret;

	expect(0, random_deadline());
	tell(ours->in, 1);
	enter(RECEIVING);
	ret = receive_message(fd, &ours->message);
	tell(ours->in, 0);
	if (received_none(ret))
		return;
	check_note(&ours->message, &ours->body);
	enter_finished(ours, ours->body.id, MAILBOX_RECEIVED, departed_of(&ours->message),
		       false);
}

static void receive_mapped(struct ring *r)
{
	struct note note;
	void *payload;
	long ret;
	__u64 tag;

	expect(MAILBOX_RECV_IN_PLACE, random_deadline());
	tell(ours->in, 1);
	enter(TAKING);
	ret = receive_message(r->fd, &ours->message);
	tell(ours->in, 0);
	if (ret == -EREMOTE) {		/* a lease that was given back */
		receive(r->fd);
		return;
	}
	if (received_none(ret))
		return;
	enter_in_place(ours, ours->message.tag);
	log_delivery(ours, ours->message.tag);
	tell(ours->id, ours->message.tag);
	enter(IN_HAND);
	mailbox_slot_read(&r->lane[ours->message.lane], ours->message.ticket, &tag, &payload);
	note = *(struct note *)payload;
	check_note(&ours->message, &note);
	if (one_in(8))
		dally();
	enter(RELEASING);
	ring_release(r, &(struct ring_taken) { .lane = ours->message.lane,
					       .position = ours->message.ticket });
	enter_finished(ours, note.id, MAILBOX_RECEIVED, departed_of(&ours->message), true);
}

struct held {
	__u32 id;
	__u32 lane;
	__u64 ticket;
	__u64 until;
	__u32 departed;
};

static struct held hand[HANDS];
static __u32 hands;

/* With @others in hand it does not wait. */
static long next_lease(int fd, __u32 flags, __u32 others, enum doing doing)
{
	long ret;

	expect(MAILBOX_RECV_LEASE | flags, others ? MAILBOX_NO_WAIT : random_deadline());
	ours->message.lease = one_in(3) ? in_ms(below(3)) : one_in(2) ? MAILBOX_FOREVER : 0;
	ours->message.receipt = address(&ours->end);
	tell(ours->in, !others);
	enter(doing);
	ret = receive_message(fd, &ours->message);
	tell(ours->in, 0);
	return ret;
}

static void take_in_hand(void)
{
	__u32 n;

	log_delivery(ours, ours->message.tag);
	check_note(&ours->message, &ours->body);
	/* Its own lease of it was over, and it has it once more: there is one. */
	for (n = 0; n < hands && hand[n].id != ours->message.tag; n++)
		;
	hands += n == hands;
	hand[n] = (struct held) {
		.id = ours->message.tag, .lane = ours->message.lane,
		.ticket = ours->message.ticket, .until = ours->message.lease,
		.departed = departed_of(&ours->message),
	};
}

static void lease_one(int fd)
{
	if (!received_none(next_lease(fd, 0, hands, LEASING)))
		take_in_hand();
}

/* It is not alive, or has just died: then nobody is to be told. */
static void check_nobody(__u32 id)
{
	__u32 i;

	for (i = 0; i < PLACES; i++) {
		const struct place *p = &books->place[i];

		if ((p->role == CALLER || p->role == ASKER) && look(p->doing) == CALLING &&
		    look(p->id) == id && !look(p->leaving))
			complain("message %u is said to have no sender, who waits", id);
	}
}

static void compose_end(const struct held *h, enum doing doing)
{
	static const __u32 how[DOINGS] = {
		[ACKING] = MAILBOX_ACK, [NACKING] = MAILBOX_NACK, [REPLYING] = MAILBOX_REPLY,
		[EXTENDING] = MAILBOX_EXTEND,
	};
	struct mailbox_finish *f = &ours->end;

	*f = (struct mailbox_finish) {
		.size = sizeof(*f), .how = how[doing], .lane = h->lane, .ticket = h->ticket,
	};
	if (doing == REPLYING) {
		ours->answer = (struct note) { h->id, h->id + 1 };
		f->data = address(&ours->answer);
		f->length = sizeof(ours->answer);
	} else if (doing == EXTENDING) {
		f->deadline = in_ms(below(5));
	} else if (doing == NACKING && one_in(2)) {
		f->how = MAILBOX_NACK_BACK;
	}
	ours->how = f->how;
	ours->departed = h->departed;
}

static long finish_one(int fd, const struct held *h, enum doing doing)
{
	compose_end(h, doing);
	enter(doing);
	return result(ioctl(fd, MAILBOX_IOC_FINISH, &ours->end));
}

/* And lease the next; what came of that is in @received if the first was finished. */
static long turn(int fd, const struct held *h, long *received, enum doing doing)
{
	compose_end(h, doing);
	*received = next_lease(fd, MAILBOX_RECV_FINISH, hands - 1, TURNING);
	if (ours->end.how == MAILBOX_FINISHED)
		return 0;
	if (ours->end.how != ours->how || !*received)
		complain("the end of message %u, %u, is %u after %ld", h->id, ours->how,
			 ours->end.how, *received);
	return *received;
}

static void end_one(int fd, __u32 n)
{
	static const enum doing ways[] = {
		ACKING, ACKING, ACKING, REPLYING, REPLYING, NACKING, EXTENDING,
	};
	enum doing doing = ways[below(sizeof(ways) / sizeof(ways[0]))];
	bool turns = doing != EXTENDING && one_in(3);
	struct held h = hand[n];
	long ret, received = 0;

	tell(ours->id, h.id);
	tell(ours->until, h.until);
	enter(HOLDING);
	if (one_in(6))
		dally();
	ret = turns ? turn(fd, &h, &received, doing) : finish_one(fd, &h, doing);
	if (doing == REPLYING && (ret == -EPIPE || ret == -EOPNOTSUPP)) {
		if (ret == -EPIPE)
			check_nobody(h.id);
		doing = ACKING;
		turns = false;
		ret = finish_one(fd, &h, doing);
	}
	if (!ret && (doing == ACKING || doing == REPLYING))
		enter_finished(ours, h.id, doing == ACKING ? MAILBOX_ACKED : MAILBOX_REPLIED,
			       h.departed, true);
	if (ret && (ret != -ESTALE || h.until == MAILBOX_FOREVER || !h.until))
		complain("%u of message %u returned %ld", doing, h.id, ret);
	if (!ret && doing == EXTENDING)
		hand[n].until = 1;
	else
		hand[n] = hand[--hands];
	if (!ret && turns && !received_none(received))
		take_in_hand();
	enter(NOTHING);
}

static void work_on_leases(int fd)
{
	if (!hands || (hands < HANDS && one_in(4)))
		lease_one(fd);
	else
		end_one(fd, below(hands));
}

static __attribute__((noreturn)) void work(struct place *p, const char *name)
{
	int fd = open_port(name, O_RDWR);
	struct ring r;

	if (fd == -ENOENT)
		_exit(0);
	ours = p;
	p->pid = getpid();
	dice = p->seed;
	if ((p->role == MAPPED_SENDER || p->role == MAPPED_RECEIVER) && ring_map(&r, fd))
		complain("a worker cannot map");
	while (p->logged < LOG - HANDS) {
		rest();
		switch (p->role) {
		case CALLER:
			call(fd);
			break;
		case ASKER:
			ask(fd);
			break;
		case SENDER:
			send_plainly(fd);
			break;
		case MAPPED_SENDER:
			send_mapped(&r);
			break;
		case WORKER:
			work_on_leases(fd);
			break;
		case RECEIVER:
			receive(fd);
			break;
		case MAPPED_RECEIVER:
			receive_mapped(&r);
			break;
		}
	}
	complain("life %u is too long", p->life);
	_exit(1);
}

/* Where they die */

enum phase {
	CALL_QUEUED, CALL_TAKEN, CALL_FINISHED, RECEIPT_QUEUED, RECEIPT_TAKEN, RECEIPT_FINISHED,
	ASKED, SENT, MAPPED_CLAIMED,
	LEASE, HELD, OVERDUE, ACK, NACK, REPLY, PROLONGED, TURN, TURNED,
	RECEIVE, TAKE, MAPPED_HELD, RELEASE, NOWHERE, PHASES
};

static const char *const phase_names[PHASES] = {
	[CALL_QUEUED] = "caller in its call, message queued or not sent",
	[CALL_TAKEN] = "caller in its call, message taken",
	[CALL_FINISHED] = "caller in its call, message finished",
	[RECEIPT_QUEUED] = "waiting for a receipt, message queued",
	[RECEIPT_TAKEN] = "waiting for a receipt, message taken",
	[RECEIPT_FINISHED] = "waiting for a receipt, message finished",
	[ASKED] = "sending for a receipt",
	[SENT] = "sending without",
	[MAPPED_CLAIMED] = "mapped, between claim and publish",
	[LEASE] = "leasing",
	[HELD] = "holding leases",
	[OVERDUE] = "holding a lease that is over",
	[ACK] = "acknowledging",
	[NACK] = "giving back",
	[REPLY] = "in a reply",
	[PROLONGED] = "extending",
	[TURN] = "finishing, to lease by the same call",
	[TURNED] = "leasing, by the call that finished",
	[RECEIVE] = "receiving plainly",
	[TAKE] = "taking in place",
	[MAPPED_HELD] = "mapped, with a message in hand",
	[RELEASE] = "mapped, releasing",
	[NOWHERE] = "elsewhere",
};

static __u32 *tally;

/* By the books: how far has the message come? */
static enum phase progress(const struct place *p, enum phase queued)
{
	const struct entry *e = &books->entry[p->id < MESSAGES ? p->id : 0];
	__u32 i, k;

	if (look(e->end.word))
		return queued + 2;
	for (i = 0; i < PLACES; i++) {
		const struct place *q = &books->place[i];

		for (k = look(q->logged); k && k + HANDS > look(q->logged); k--)
			if (q->log[k - 1] == p->id)
				return queued + 1;
	}
	return e->had ? queued + 1 : queued;
}

static enum phase phase_of(const struct place *p)
{
	switch ((enum doing)p->doing) {
	case CALLING:
		return progress(p, CALL_QUEUED);
	case AWAITING:
		return progress(p, RECEIPT_QUEUED);
	case ASKING:
		return ASKED;
	case SENDING:
		return SENT;
	case CLAIMED:
		return MAPPED_CLAIMED;
	case LEASING:
		return LEASE;
	case HOLDING:
		return p->until > 1 && clock_ns(CLOCK_MONOTONIC) > p->until ? OVERDUE : HELD;
	case ACKING:
		return ACK;
	case NACKING:
		return NACK;
	case REPLYING:
		return REPLY;
	case EXTENDING:
		return PROLONGED;
	case TURNING:
		return p->end.how == MAILBOX_FINISHED ? TURNED : TURN;
	case RECEIVING:
		return RECEIVE;
	case TAKING:
		return TAKE;
	case IN_HAND:
		return MAPPED_HELD;
	case RELEASING:
		return RELEASE;
	case NOTHING:
	case DOINGS:
		break;
	}
	return NOWHERE;
}

/* Deaths */

static const enum doing places_to_die[][7] = {
	[CALLER] = { CALLING, CALLING, CALLING, AWAITING },
	[ASKER] = { ASKING, AWAITING },
	[SENDER] = { SENDING },
	[MAPPED_SENDER] = { SENDING, CLAIMED },
	[WORKER] = { LEASING, HOLDING, ACKING, NACKING, REPLYING, EXTENDING, TURNING },
	[RECEIVER] = { RECEIVING },
	[MAPPED_RECEIVER] = { TAKING, IN_HAND, RELEASING },
};

/* Waits a little until it comes to a place of our choice, and a moment more. */
static void stalk(struct place *p)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + 1500000;
	enum doing there = places_to_die[p->role][below(7)];
	__u32 n;

	if (there == NOTHING)
		return;
	while (look(p->doing) != there && clock_ns(CLOCK_MONOTONIC) < end)
		;
	for (n = below(one_in(2) ? 100 : 3000); n; n--)
		asm volatile("" ::: "memory");
}

/* It was about to finish this. */
static void enter_doubt(const struct place *p, __u32 how)
{
	struct entry *e = entry_of(p->id);

	if (!e || e->end.life == p->life)
		return;
	if (doubtful == DOUBTS) {
		complain("more than %u doubts", DOUBTS);
		return;
	}
	doubts[doubtful++] = (struct doubt) { p->id, p->pid, how };
	e->perhaps++;
}

/* What the kernel has given it, and it could not write down. */
static void examine(struct place *p)
{
	const struct mailbox_message *m = &p->message;

	switch ((enum doing)p->doing) {
	case TURNING:
		if (p->end.how == MAILBOX_FINISHED && p->how == MAILBOX_ACK)
			enter_finished(p, p->id, MAILBOX_ACKED, p->departed, true);
		else if (p->end.how == MAILBOX_FINISHED && p->how == MAILBOX_REPLY)
			enter_finished(p, p->id, MAILBOX_REPLIED, p->departed, true);
		/* fall through */
	case LEASING:
		if (m->tag && p->logged == p->logged_before)
			log_delivery(p, m->tag);
		break;
	case TAKING:
		if (!m->tag || p->logged != p->logged_before)
			break;
		log_delivery(p, m->tag);
		enter_in_place(p, m->tag);
		break;
	case RECEIVING:
		if (m->tag)
			enter_finished(p, m->tag, MAILBOX_RECEIVED,
				       m->flags >> MAILBOX_MSG_DEPARTED_SHIFT, false);
		break;
	case ACKING:
		enter_doubt(p, MAILBOX_ACKED);
		break;
	case REPLYING:
		enter_doubt(p, MAILBOX_REPLIED);
		break;
	case RELEASING:
		enter_doubt(p, MAILBOX_RECEIVED);
		break;
	default:
		break;
	}
}

/* The end of a life: its deliveries go into the books. */
static void fold(struct place *p)
{
	struct entry *e;
	__u32 i;

	for (i = 0; i < p->logged; i++) {
		e = &books->entry[p->log[i]];
		e->holder[e->had++ % HOLDERS] = p->pid;
	}
	p->pid = 0;
}

static bool ends(struct place *p, int *status)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	pid_t pid = p->pid;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (clock_ns(CLOCK_MONOTONIC) > end) {
			say("life %u does not end: doing %u with message %u", p->life, p->doing,
			    p->id);
			return false;
		}
		sched_yield();
	}
	return true;
}

static void strike(struct place *p)
{
	if (one_in(2))
		stalk(p);
	tell(p->leaving, 1);
	kill(p->pid, SIGKILL);
	setpriority(PRIO_PROCESS, p->pid, -20);
}

/* It has been struck. */
static bool bury(struct place *p)
{
	int status;

	if (!ends(p, &status))
		return false;
	if (status != SIGKILL) {
		say("life %u died with status %#x", p->life, status);
		return false;
	}
	tally[phase_of(p)]++;
	examine(p);
	fold(p);
	return true;
}

static void occupy(struct place *p, const char *name, __u32 life)
{
	__u64 seed = roll() | 1;
	pid_t pid;

	memset(p, 0, offsetof(struct place, log));
	p->seed = seed;
	p->life = life;
	p->role = roles[p - books->place];
	pid = spawn();
	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		work(p, name);
	}
	p->pid = pid;
}

/* A port */

FIXTURE(leasedeath)
{
	char name[MAILBOX_NAME_SIZE];
	char to[MAILBOX_NAME_SIZE];
	int fd;
	int probe;
	int letters;		/* the dead-letter port, or -1 */
	bool cut;		/* ... which has been deleted */
	__u32 max;		/* deliveries */
	__u32 dead_endpoint;
	__u32 lives;
	__u64 kills;
	__u64 messages;
	__u64 told;
	__u64 back;
	__u64 again;
	__u64 dead;
	__u64 moved;
	__u64 gone;
	__u64 unsure;
};

#define PORT FIXTURE_DATA(leasedeath)

static void interrupted(int signal)
{
}

FIXTURE_SETUP(leasedeath)
{
	struct sigaction action = { .sa_handler = interrupted };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));	/* and so in the workers */
	memset(self, 0, sizeof(*self));
	books = shared_memory(sizeof(*books));
	tally = shared_memory(sizeof(*tally) * PHASES);
	complaints = &books->complaints;
	setpriority(PRIO_PROCESS, 0, -20);
}

FIXTURE_TEARDOWN(leasedeath)
{
}

static void turn_hold(void)
{
	__atomic_fetch_add(&books->hold, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &books->hold, FUTEX_WAKE, PLACES, NULL, NULL, 0);
}

/* Nobody sleeps beside what it waits for: a message, or the word that one is finished. */
static bool settled(const PORT *self)
{
	struct pollfd in = { self->probe, POLLIN };
	bool readable = poll(&in, 1, 0) == 1;
	__u32 i;

	for (i = 0; i < PLACES; i++) {
		const struct place *p = &books->place[i];

		if (!p->pid)
			continue;
		if (look(p->in) && readable)
			return false;
		if (look(p->doing) == CALLING && (look(books->entry[look(p->id)].end.word) ||
						  books->entry[look(p->id)].moved))
			return false;
	}
	return true;
}

static void tell_who_sleeps(const PORT *self)
{
	struct mailbox_info info = info_of(self->fd);
	__u32 i;

	say("somebody sleeps: depth %u, %u senders, %u receivers asleep", info.depth,
	    info.waiting_senders, info.waiting_receivers);
	for (i = 0; i < PLACES; i++) {
		const struct place *p = &books->place[i];
		const struct entry *e = &books->entry[p->id < MESSAGES ? p->id : 0];

		say("life %u: doing %u, message %u: finished %u by %u, moved %u times", p->life,
		    p->doing, p->id, e->end.how, e->end.pid, e->moved);
	}
}

static void rest_all(struct __test_metadata *_metadata, PORT *self)
{
	turn_hold();
	ASSERT_TRUE(wait_until(settled(self))) {
		tell_who_sleeps(self);
	}
	turn_hold();
}

/* Without a limit; or messages are given up; or they move. */
static int create_the_port(PORT *self)
{
	struct mailbox_create arg = {
		.size = sizeof(arg), .flags = MAILBOX_EXCLUSIVE, .message_size = BYTES,
		.capacity = 4U << below(3), .lanes = LANES, .open_flags = O_RDWR,
	};

	strcpy(self->name, port_name("leasedeath"));
	self->max = one_in(3) ? 0 : 1 + below(3);
	self->letters = -1;
	self->cut = false;
	if (self->max && one_in(2)) {
		strcpy(self->to, port_name("letters"));
		self->letters = create(self->to, .flags = MAILBOX_EXCLUSIVE,
				       .message_size = BYTES, .capacity = LETTERS);
		copy_name(arg.dead_letter, self->to);
	}
	arg.max_deliveries = self->max;
	return create_port(self->name, &arg);
}

static void open_the_port(struct __test_metadata *_metadata, PORT *self)
{
	__u32 i, ids = books->ids;

	memset(books->entry, 0, sizeof(books->entry[0]) * (ids < MESSAGES ? ids : MESSAGES));
	books->ids = 1;
	doubtful = 0;
	self->fd = create_the_port(self);
	ASSERT_LE(0, self->fd);
	self->dead_endpoint = info_of(self->fd).dead_endpoint;
	self->probe = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->probe);
	for (i = 0; i < PLACES; i++)
		occupy(&books->place[i], self->name, ++self->lives);
}

static void enter_letter(const PORT *self, const struct mailbox_message *m)
{
	__u32 departed = m->flags >> MAILBOX_MSG_DEPARTED_SHIFT;
	struct entry *e = entry_of(m->tag);

	if (!e)
		return;
	if (e->moved++)
		complain("message %llu came to the dead-letter port twice", m->tag);
	if (m->sender != self->dead_endpoint || m->pid != (__u32)getpid())
		complain("dead letter %llu was sent by endpoint %u, process %u", m->tag, m->sender,
			 m->pid);
	if (departed < self->max || !(m->flags & MAILBOX_MSG_REDELIVERED))
		complain("dead letter %llu has flags %#x", m->tag, m->flags);
	e->letter = departed;
}

static void read_letters(PORT *self)
{
	struct mailbox_message m;
	struct note note;
	long ret = -EAGAIN;

	while (self->letters >= 0) {
		m = message(.data = address(&note), .length = sizeof(note));
		ret = receive_message(self->letters, &m);
		if (ret)
			break;
		check_note(&m, &note);
		enter_letter(self, &m);
	}
	if (ret != -EAGAIN && (ret != -EIDRM || !self->cut))
		complain("reading dead letters returned %ld", ret);
}

/* From then on there is no limit. */
static void delete_letters(struct __test_metadata *_metadata, PORT *self)
{
	if (self->letters < 0 || self->cut)
		return;
	self->cut = true;
	ASSERT_EQ(0, delete_port(self->to, 0));
}

/* A few at a time, one after another. */
static void let_some_die(struct __test_metadata *_metadata, PORT *self)
{
	struct place *victims[AT_ONCE];
	__u32 n = 1 + below(AT_ONCE), first = below(PLACES), i;

	for (i = 0; i < n; i++) {
		victims[i] = &books->place[(first + i * STRIDE) % PLACES];
		if (victims[i]->role == CALLER && one_in(3))
			kill(victims[i]->pid, SIGUSR1);
		strike(victims[i]);
	}
	for (i = 0; i < n; i++)
		ASSERT_TRUE(bury(victims[i])) {
			say("%s", complaints->first);
		}
	for (i = 0; i < n; i++)
		occupy(victims[i], self->name, ++self->lives);
	self->kills += n;
}

static void let_them_die(struct __test_metadata *_metadata, PORT *self)
{
	__u64 end = self->kills + DEATHS, rest = self->kills + PER_REST;

	while (self->kills < end) {
		if (one_in(4)) {
			struct timespec t = { .tv_nsec = below(1000000) };

			nanosleep(&t, NULL);
		}
		let_some_die(_metadata, self);
		if (one_in(3))
			read_letters(self);
		if (one_in(DEATHS))
			delete_letters(_metadata, self);
		ASSERT_NO_COMPLAINT();
		if (self->kills >= rest) {
			rest_all(_metadata, self);
			rest += PER_REST;
		}
	}
}

/* What is left is ours; the last word of receive. */
static long drain(PORT *self)
{
	struct place driver = { .life = ++self->lives, .pid = getpid(), .role = RECEIVER };
	struct note note;
	struct mailbox_message m;
	long ret;

	for (;;) {
		m = message(.data = address(&note), .length = sizeof(note),
			    .deadline = in_ms(60000));
		ret = receive_message(self->fd, &m);
		if (ret)
			return ret;
		check_note(&m, &note);
		enter_finished(&driver, note.id, MAILBOX_RECEIVED, departed_of(&m), false);
	}
}

/* Returns whether it was purged. */
static bool end_the_port(struct __test_metadata *_metadata, PORT *self)
{
	bool purged = one_in(4);
	__u32 i, n = below(4);
	int status;

	if (one_in(4))		/* without survivors: what they held is there at once */
		n = PLACES;
	for (i = 0; n == PLACES && i < n; i++)
		strike(&books->place[i]);
	for (i = 0; n == PLACES && i < n; i++) {
		ASSERT_TRUE(bury(&books->place[i]));
		self->kills++;
	}
	ASSERT_EQ(0, delete_port(self->name, purged ? MAILBOX_DELETE_PURGE : 0));
	for (i = 0; n < PLACES && i < n; i++) {
		struct place *p = &books->place[below(PLACES)];

		if (p->pid && !look(p->leaving)) {
			tell(p->leaving, 1);
			kill(p->pid, SIGKILL);
			ASSERT_TRUE(ends(p, &status));
			if (status == SIGKILL)
				examine(p);
			fold(p);
		}
	}
	ASSERT_EQ(-EIDRM, drain(self));
	read_letters(self);
	for (i = 0; i < PLACES; i++) {
		struct place *p = &books->place[i];

		if (!p->pid)
			continue;
		ASSERT_TRUE(ends(p, &status));
		EXPECT_EQ(0, status);
		fold(p);
	}
	return purged;
}

/* Was somebody killed who may have done what its sender heard? */
static bool is_doubt(__u32 id, const struct entry *e)
{
	__u32 i;

	for (i = 0; i < doubtful; i++)
		if (doubts[i].id == id && doubts[i].how == e->told && doubts[i].pid == e->told_of)
			return true;
	return false;
}

/* Whom the receipt of a message names that was given up: one who had it, and may be forgotten. */
static bool is_holder(const struct entry *e)
{
	__u32 i;

	for (i = 0; i < HOLDERS; i++)
		if (e->holder[i] == e->told_of)
			return true;
	return !e->told_of || e->had > HOLDERS;
}

/* What became of it: is that what its sender heard? */
static bool told_the_truth(const PORT *self, __u32 id, const struct entry *e, bool purged)
{
	/* Handed to a mapping it was received, whoever else had it later. */
	if (e->in_place)
		return e->told == MAILBOX_RECEIVED && e->told_of == e->in_place;
	if (e->end.life)
		return e->told == e->end.how && e->told_of == e->end.pid;
	switch (e->told) {
	case MAILBOX_DISCARDED:
		return purged && !e->moved && e->reason == MAILBOX_REASON_PURGED;
	case MAILBOX_RECEIVER_DIED:
		return self->max && is_holder(e) && (self->letters >= 0) == e->moved &&
		       e->reason == (e->moved ? MAILBOX_REASON_MOVED : 0);
	}
	return !e->moved && is_doubt(id, e);
}

/* Nobody will have it: it was delivered in vain so often, and could not move. */
static bool is_given_up(const PORT *self, const struct entry *e)
{
	return self->max && self->letters < 0 && e->had == self->max && !e->end.life;
}

static void check_entry(const PORT *self, __u32 id, const struct entry *e, bool purged)
{
	__u32 back = e->had - e->end.own;
	bool finished = e->end.life;

	if (e->sent == REFUSED || e->sent == TAKEN_BACK) {
		if (finished || e->had || e->perhaps || e->moved || e->told)
			complain("message %u was taken back, and somebody had it", id);
		return;
	}
	if (e->told && !told_the_truth(self, id, e, purged))
		complain("message %u was finished: %u, by %u, perhaps by %u dead, moved %u times, had %u times; its sender heard %u (%u), of %u",
			 id, e->end.how, e->end.pid, e->perhaps, e->moved, e->had, e->told,
			 e->reason, e->told_of);
	if (finished && e->moved)
		complain("message %u was finished, and is a dead letter", id);
	if (finished && e->end.departed != (back < 255 ? back : 255))
		complain("message %u was given back %u times, and tells of %u", id, back,
			 e->end.departed);
	if (e->moved && e->letter != (e->had < 255 ? e->had : 255))
		complain("message %u was delivered in vain %u times, and its letter tells of %u",
			 id, e->had, e->letter);
	if (self->max && self->letters < 0 && e->had > self->max)
		complain("message %u was delivered %u times, of %u", id, e->had, self->max);
	if (e->sent == ACCEPTED && !finished && !e->perhaps && !e->moved && !purged &&
	    !is_given_up(self, e))
		complain("message %u is lost, after %u deliveries", id, e->had);
}

/* Each message, and what the port says of all of them. */
static void close_the_books(struct __test_metadata *_metadata, PORT *self, bool purged)
{
	__u32 i, finished = 0, dead = 0, moved = 0, gone = 0, unsure = 0, left = 0;
	struct mailbox_info info = info_of(self->fd);

	for (i = 1; i < books->ids && i < MESSAGES; i++) {
		const struct entry *e = &books->entry[i];

		check_entry(self, i, e, purged);
		if (e->end.life)
			finished++;
		else if (e->moved)
			moved++;
		else if (e->perhaps)
			dead++;
		else if (is_given_up(self, e))
			gone++;
		else if (e->sent == ACCEPTED)
			left++;
		unsure += e->perhaps && is_given_up(self, e);
		self->told += !!e->told;
		self->back += e->sent == TAKEN_BACK;
		self->unsure += e->sent == INTENDED && e->end.life;
	}
	ASSERT_NO_COMPLAINT();
	ASSERT_EQ(info.messages_sent,
		  info.messages_received + info.messages_dropped + info.messages_moved);
	ASSERT_EQ(moved, info.messages_moved);
	ASSERT_LE(gone + left, info.messages_dropped);
	ASSERT_LE(finished, info.messages_received);
	ASSERT_GE(finished + dead, info.messages_received);
	if (!purged) {
		ASSERT_GE(gone + unsure, info.messages_dropped);
		ASSERT_EQ(finished + dead + gone, info.messages_received + info.messages_dropped);
	}
	ASSERT_EQ(0, info.quarantined);
	ASSERT_EQ(0, info.mappings);
	ASSERT_EQ(0, info.depth);
	ASSERT_EQ(0, info.leased);
	ASSERT_EQ(0, info.waiting_receivers + info.waiting_senders);
	ASSERT_EQ(2, info.endpoints);
	self->messages += finished + dead;
	self->dead += dead;
	self->moved += moved;
	self->gone += gone;
	self->again += books->again;
	books->again = 0;
	close(self->probe);
	close(self->fd);
	if (self->letters >= 0) {
		ASSERT_EQ(0, info_of(self->letters).depth);
		delete_letters(_metadata, self);
		close(self->letters);
	}
}

TEST_F_TIMEOUT(leasedeath, each_message_is_finished_once_and_its_sender_told_once, 1 << 20)
{
	__u64 kills = number_from("LEASEDEATH_KILLS", much(400));
	__u64 start = clock_ns(CLOCK_MONOTONIC);
	struct mailbox_query before = query(), after;
	__u32 i;

	seed_from("LEASEDEATH_SEED");
	while (self->kills < kills) {
		open_the_port(_metadata, self);
		let_them_die(_metadata, self);
		close_the_books(_metadata, self, end_the_port(_metadata, self));
	}
	after = query();
	EXPECT_EQ(before.ports, after.ports);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	for (i = 0; i < PHASES; i++)
		say("%8u died %s", tally[i], phase_names[i]);
	for (i = 0; kills >= 10000 && i < NOWHERE; i++)
		EXPECT_LT(0, tally[i]);
	report("%llu kills in %llu s; %llu messages finished, %llu of them perhaps by the dead, %llu receipts told, %llu messages taken back, %llu deliveries of what had been given back, %llu dead letters, %llu messages given up, %llu killed senders whose message came",
	       self->kills, (clock_ns(CLOCK_MONOTONIC) - start) / 1000000000ULL, self->messages,
	       self->dead, self->told, self->back, self->again, self->moved, self->gone,
	       self->unsure);
}

TEST_HARNESS_MAIN
