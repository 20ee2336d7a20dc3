// SPDX-License-Identifier: GPL-2.0
/*
 * Sudden death: senders, receivers and pollers are killed at random moments
 * while a port is busy, and every message is accounted for.
 *
 *	DEATH_KILLS=n	how many kills in all (400, times MAILBOX_EFFORT)
 *	DEATH_SEED=n	instead of a random one; timing still differs
 *
 * The books are in memory that outlives the workers. A sender notes what it is
 * about to send, then that it was accepted or refused; killed in between, it
 * leaves a doubt that is settled by whether the message arrives. A receiver
 * lets the kernel store into that memory: what is found there after its death
 * tells whether the kernel had given it the message, since the kernel stores
 * the last byte, then lets go. Where that byte is in private memory there is a
 * doubt too, settled when nobody else turns out to have the message. The
 * port's own counts must agree with the books to the last message.
 *
 * Now and then all are told to finish the call they are in and rest. Whoever
 * is then still asleep, though what it waits for is there, was not woken.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "storm.h"

#define PLACES		12		/* workers at a time */
#define IDS		(1U << 18)	/* messages of one port */
#define KILLS_PER_PORT	25
#define KILLS_PER_REST	5
#define KILLS_DEFAULT	400

#define NOBODY_YET	0U		/* struct entry.taker; others are struct place.life */
#define THE_DRAIN	1U
#define NO_ID		(~0ULL)
#define GROUP		77		/* of all endpoints: what the kernel stores last */
#define ARENA		(64 * 4096)
#define PRIVATE_PART	100		/* bytes of a readv() that go to private memory */

enum role { SENDER, RECEIVER, POLLER };
enum call { AT_REST, SENDING, RECEIVING, POLLING };
enum sent { UNUSED, INTENDED, ACCEPTED, REFUSED };

/* How a dead receiver's message proves that it was really taken. */
enum proof {
	BY_TAIL,	/* its last bytes are there */
	BY_MESSAGE,	/* struct mailbox_message is filled in */
	UNPROVABLE,	/* perhaps */
	NEVER,		/* the call could only fail */
};

struct entry {		/* of a message */
	__u32 taker;
	__u8 sent;
	__u8 perhaps;	/* somebody dead may have taken it */
};

/* What is sent: this, filler, and the id once more at the very end. */
struct head {
	__u64 id;
	__u32 length;
	__u32 check;
};

#define LENGTH_MIN	(sizeof(struct head) + sizeof(__u64))

struct place {
	/* Written by whoever is in the place, read after its death. */
	__u32 call;
	__u32 in_lanes;		/* it waits for a message on one of these */
	__u32 out_lanes;	/* ... or for a slot on one of these */
	__u32 proof;
	__u32 gap;		/* bytes behind the head that go to private memory */
	char *buffer;		/* where the message goes */
	__u64 calls;

	/* Fixed for a life. */
	__u32 life;
	__u64 seed;
	pid_t pid;

	/* Fixed for ever. */
	enum role role;
	char *room;		/* for a message, and as much again */
	char *edge;		/* end of the room: from here on nobody may touch */
	struct mailbox_message *message;
};

struct books {
	struct entry entry[IDS];
	struct place place[PLACES];
	__u64 ids;
	__u32 hold;		/* odd: rest */
	struct complaints complaints;
};

static struct books *books;
static char arena[ARENA];	/* copied on write in each worker */

/* The books */

static __u32 check_of(__u64 id)
{
	return id * 2654435761U ^ 0x6d626f78;
}

/* Enters that a message was taken, and nobody had it before. */
static void take(__u64 id, __u32 life)
{
	__u32 before = NOBODY_YET;

	if (id >= IDS || books->entry[id].sent == UNUSED)
		complain("message %llu was never sent", id);
	else if (!__atomic_compare_exchange_n(&books->entry[id].taker, &before, life, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
		 before != life)
		complain("message %llu taken twice, by lives %u and %u", id, before, life);
}

static void compose(char *to, __u64 id, __u32 length)
{
	struct head head = { .id = id, .length = length, .check = check_of(id) };

	memcpy(to, &head, sizeof(head));
	memset(to + sizeof(head), id & 0xff, length - sizeof(head) - sizeof(id));
	memcpy(to + length - sizeof(id), &id, sizeof(id));
}

static __u64 tail_of(const char *message, __u32 length)
{
	__u64 tail;

	memcpy(&tail, message + length - sizeof(tail), sizeof(tail));
	return tail;
}

/* A message that was received whole. */
static void inspect(const char *message, __u32 length)
{
	struct head head;
	__u32 filler = length - LENGTH_MIN, i;
	const char *p = message + sizeof(head);

	memcpy(&head, message, sizeof(head));
	if (length < LENGTH_MIN || head.length != length || head.check != check_of(head.id) ||
	    tail_of(message, length) != head.id) {
		complain("message %llu of %u bytes came as %u", head.id, head.length, length);
		return;
	}
	if (filler && (*p != (char)head.id || memcmp(p, p + 1, filler - 1)))
		complain("message %llu came with wrong bytes", head.id);
	for (i = 0; i < filler; i += 4096)
		if (p[i] != (char)head.id)
			complain("message %llu came with a wrong byte at %u", head.id, i);
}

/* Workers */

struct work {
	struct place *place;
	int fd;
	bool own;		/* the endpoint is not shared with the others */
	__u32 message_size;
	__u32 lanes;
	__u32 all;		/* lanes as a mask */
	__u32 lane;		/* of write() */
	__u32 mask;		/* to receive from */
	__u64 id;		/* to send, or NO_ID */
};

static void futex_wait(__u32 *word, __u32 value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void rest(void)
{
	__u32 hold;

	while ((hold = __atomic_load_n(&books->hold, __ATOMIC_SEQ_CST)) & 1)
		futex_wait(&books->hold, hold);
}

static void enter(struct place *p, enum call call)
{
	__atomic_store_n(&p->call, call, __ATOMIC_SEQ_CST);
}

static void come_out(struct place *p)
{
	p->in_lanes = 0;
	p->out_lanes = 0;
	enter(p, AT_REST);
	p->calls++;
}

/* The port is gone, which is how workers end. */
static void end_if_gone(long ret)
{
	if (ret == -EIDRM)
		_exit(0);
}

/* A structure in memory that will not take an answer. */
static struct mailbox_message *read_only(const struct mailbox_message *m)
{
	static char *page;

	if (!page)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	memcpy(page, m, sizeof(*m));
	mprotect(page, 4096, PROT_READ);
	return (struct mailbox_message *)page;
}

static __u64 random_deadline(void)
{
	switch (below(8)) {
	case 0:
		return MAILBOX_NO_WAIT;
	case 1:
		return in_ms(below(5));
	}
	return MAILBOX_FOREVER;
}

static void forget_pages(struct work *w)
{
	madvise(w->place->room, w->place->edge - w->place->room, MADV_DONTNEED);
}

/* Keeps the pages of a worker's buffers away from the page tables. */
static void *shake(void *arg)
{
	struct work *w = arg;

	for (;;) {
		forget_pages(w);
		madvise((void *)((uintptr_t)w->place->message & -4096UL), 4096, MADV_DONTNEED);
		breathe();
	}
	return NULL;
}

static long send_ioctl(struct work *w, char *data, __u32 length, __u64 deadline, bool spoilt)
{
	struct mailbox_message m = message(.data = address(data), .length = length,
					   .tag = one_in(2) ? w->id : 0, .deadline = deadline);

	m.lane = below(w->lanes);
	w->place->out_lanes = 1U << m.lane;
	enter(w->place, SENDING);
	return send_message(w->fd, spoilt ? read_only(&m) : &m);
}

static long send_write(struct work *w, const void *data, size_t length)
{
	long ret;

	w->place->out_lanes = 1U << w->lane;
	enter(w->place, SENDING);
	ret = put(w->fd, data, length);
	if (ret >= 0 && ret != length)
		complain("write of %zu bytes returned %ld", length, ret);
	return ret < 0 ? ret : 0;
}

static long send_writev(struct work *w, char *data, __u32 length)
{
	__u32 a = below(length), b = below(length - a);
	struct iovec v[] = {
		{ data, a }, { data + a, b }, { NULL, 0 }, { data + a + b, length - a - b },
	};
	long ret;

	w->place->out_lanes = 1U << w->lane;
	enter(w->place, SENDING);
	ret = result(writev(w->fd, v, 4));
	return ret < 0 ? ret : 0;
}

static void wait_by_poll(struct work *w, short events)
{
	struct pollfd p = { w->fd, events };

	w->place->in_lanes = events & POLLIN ? w->mask : 0;
	w->place->out_lanes = events & POLLOUT ? 1U << w->lane : 0;
	enter(w->place, POLLING);
	poll(&p, 1, -1);
	come_out(w->place);
}

static __u32 random_length(struct work *w)
{
	__u32 most = w->message_size;

	if (one_in(8))
		return most;
	if (one_in(2) && most > 64)	/* short ones take another way */
		most = 64;
	return LENGTH_MIN + below(most - LENGTH_MIN + 1);
}

static long send_one(struct work *w, __u32 length)
{
	char *data = w->place->room;

	switch (below(10)) {
	case 0:
	case 1:
		return send_ioctl(w, data, length, random_deadline(), false);
	case 2:
		return send_writev(w, data, length);
	case 3:
		forget_pages(w);
		return send_write(w, data, length);
	case 4:
		wait_by_poll(w, POLLOUT);
		return send_ioctl(w, data, length, MAILBOX_NO_WAIT, false);
	}
	return send_write(w, data, length);
}

/* Sends that must fail. */
static void send_badly(struct work *w, __u32 length)
{
	char *edge = w->place->edge;
	long ret;

	switch (below(4)) {
	case 0:
		ret = send_write(w, one_in(2) ? edge : NULL, length);
		break;
	case 1:
		ret = send_write(w, edge - below(length), length);
		break;
	case 2:
		ret = send_ioctl(w, w->place->room, length, random_deadline(), true);
		break;
	default:
		ret = send_ioctl(w, edge - below(length), length, random_deadline(), false);
		break;
	}
	come_out(w->place);
	end_if_gone(ret);
	if (ret != -EFAULT && ret != -EAGAIN && ret != -ETIMEDOUT)
		complain("a send with a bad pointer returned %ld", ret);
}

static void sender(struct work *w)
{
	struct place *p = w->place;
	__u32 length;
	long ret;

	for (;;) {
		rest();
		length = random_length(w);
		if (one_in(10)) {
			send_badly(w, length);
			continue;
		}
		if (w->id == NO_ID)
			w->id = __atomic_fetch_add(&books->ids, 1, __ATOMIC_SEQ_CST);
		if (w->id >= IDS) {	/* enough */
			breathe();
			continue;
		}
		compose(p->room, w->id, length);
		__atomic_store_n(&books->entry[w->id].sent, INTENDED, __ATOMIC_SEQ_CST);
		ret = send_one(w, length);
		__atomic_store_n(&books->entry[w->id].sent, ret ? REFUSED : ACCEPTED,
				 __ATOMIC_SEQ_CST);
		come_out(p);
		if (!ret)
			w->id = NO_ID;
		end_if_gone(ret);
		if (ret && ret != -EAGAIN && ret != -ETIMEDOUT)
			complain("a send of %u bytes returned %ld", length, ret);
	}
}

/*
 * Before a receive: neither head nor tail of what is in the buffer may be
 * taken for what comes.
 */
static void scrub(struct place *p)
{
	const __u64 none = NO_ID;
	struct head head;

	if (!p->buffer || p->edge - p->buffer < (long)sizeof(head))
		return;
	memcpy(&head, p->buffer, sizeof(head));
	if (head.length >= LENGTH_MIN && head.length <= p->edge - p->buffer)
		memcpy(p->buffer + head.length - sizeof(none), &none, sizeof(none));
	memcpy(p->buffer, &none, sizeof(none));
}

static void begin_receive(struct work *w, char *buffer, enum proof proof, __u32 gap)
{
	struct place *p = w->place;

	scrub(p);		/* by the pointer of the last call */
	p->buffer = buffer;
	scrub(p);
	p->proof = proof;
	p->gap = gap;
	p->in_lanes = w->mask;
	enter(p, RECEIVING);
}

/* Every kind of receive returns the length of a message that is whole in @buffer, or -errno. */

static long receive_read(struct work *w, char *buffer, size_t size)
{
	begin_receive(w, buffer, BY_TAIL, 0);
	return get(w->fd, buffer, size);
}

static long receive_ioctl(struct work *w, struct mailbox_message *m, enum proof proof,
			  __u64 deadline)
{
	char *room = w->place->room;
	__u32 size = w->message_size;
	long ret;

	*m = message(.data = address(room), .length = size, .deadline = deadline);
	begin_receive(w, room, proof, 0);
	ret = receive_message(w->fd, proof == NEVER ? read_only(m) : m);
	return ret ? ret : m->length;
}

static long receive_readv(struct work *w, char *private)
{
	char *room = w->place->room;
	struct iovec v[] = {
		{ room, sizeof(struct head) },
		{ private, PRIVATE_PART },
		{ room + sizeof(struct head) + PRIVATE_PART, w->message_size },
	};
	long ret;

	begin_receive(w, room, BY_TAIL, PRIVATE_PART);
	ret = result(readv(w->fd, v, 3));
	if (ret >= 0)
		memcpy(room + sizeof(struct head), private, PRIVATE_PART);
	return ret;
}

static long receive_now(struct work *w)
{
	struct iovec v = { w->place->room, w->message_size };

	wait_by_poll(w, POLLIN);
	if (one_in(2))
		return receive_ioctl(w, w->place->message, BY_MESSAGE, MAILBOX_NO_WAIT);
	begin_receive(w, v.iov_base, BY_TAIL, 0);
	return result(preadv2(w->fd, &v, 1, -1, RWF_NOWAIT));
}

static long receive_whole(struct work *w)
{
	struct place *p = w->place;
	__u32 offset = below(ARENA - 4096);

	switch (below(10)) {
	case 0:
		forget_pages(w);
		return receive_read(w, p->room, w->message_size);
	case 1:		/* only a message that is short enough can be stored */
		offset = LENGTH_MIN + below(w->message_size);
		return receive_read(w, p->edge - offset, 2 * w->message_size);
	case 2:
	case 3:
		return receive_ioctl(w, p->message, BY_MESSAGE, random_deadline());
	case 4:
		offset &= -8U;
		return receive_ioctl(w, (struct mailbox_message *)(arena + offset), UNPROVABLE,
				     random_deadline());
	case 5:
	case 6:
		return receive_readv(w, arena + offset);
	case 7:
		return receive_now(w);
	}
	return receive_read(w, p->room, 2 * w->message_size);
}

/* The first bytes of a message; the rest is dropped. */
static void receive_truncated(struct work *w)
{
	struct mailbox_message *m = w->place->message;
	struct head *head = (struct head *)w->place->room;
	long ret;

	*m = message(.data = address(head), .length = sizeof(*head),
		     .flags = MAILBOX_RECV_TRUNCATE, .deadline = random_deadline());
	begin_receive(w, w->place->room, BY_MESSAGE, 0);
	ret = receive_message(w->fd, m);
	if (!ret) {
		if (head->check != check_of(head->id) || head->length != m->length ||
		    !(m->flags & MAILBOX_MSG_TRUNCATED))
			complain("message %llu came truncated wrongly", head->id);
		take(head->id, w->place->life);
	}
	come_out(w->place);
	end_if_gone(ret);
	if (ret && ret != -EAGAIN && ret != -ETIMEDOUT)
		complain("a truncating receive returned %ld", ret);
}

/* Receives that must fail, and keep the message. */
static void receive_badly(struct work *w)
{
	struct place *p = w->place;
	struct mailbox_message m;
	long ret, want = -EFAULT;

	switch (below(4)) {
	case 0:
		begin_receive(w, p->room, NEVER, 0);
		ret = get(w->fd, one_in(4) ? (void *)-4096UL : p->edge, 2 * w->message_size);
		break;
	case 1:
		want = -EMSGSIZE;
		begin_receive(w, p->room, NEVER, 0);
		ret = get(w->fd, p->room, below(LENGTH_MIN));
		break;
	case 2:
		ret = receive_ioctl(w, &m, NEVER, random_deadline());
		break;
	default:
		want = -EMSGSIZE;
		m = message(.data = address(p->room), .length = below(LENGTH_MIN),
			    .deadline = random_deadline());
		begin_receive(w, p->room, NEVER, 0);
		ret = receive_message(w->fd, &m);
		if (ret == want && (m.length < LENGTH_MIN || m.length > w->message_size))
			complain("a message is said to have %u bytes", m.length);
		break;
	}
	come_out(p);
	end_if_gone(ret);
	if (ret != want && ret != -EAGAIN && ret != -ETIMEDOUT)
		complain("a receive that must fail returned %ld, not %ld", ret, want);
}

static void receiver(struct work *w)
{
	struct place *p = w->place;
	struct head head;
	long ret;

	for (;;) {
		rest();
		if (one_in(10)) {
			receive_badly(w);
			continue;
		}
		if (one_in(20)) {
			receive_truncated(w);
			continue;
		}
		ret = receive_whole(w);
		if (ret >= 0) {
			memcpy(&head, p->buffer, sizeof(head));
			inspect(p->buffer, ret);
			take(head.id, p->life);
		}
		come_out(p);
		end_if_gone(ret);
		if (ret < 0 && ret != -EAGAIN && ret != -ETIMEDOUT &&
		    (ret != -EFAULT || p->buffer == p->room))
			complain("a receive returned %ld", ret);
	}
}

static void poll_by_epoll(struct work *w)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | (one_in(2) ? EPOLLET : 0) };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, w->fd, &event);
	w->place->in_lanes = w->mask;
	w->place->out_lanes = 1U << w->lane;
	enter(w->place, POLLING);
	epoll_wait(ep, &event, 1, -1);
	come_out(w->place);
	close(ep);
}

static void poll_by_select(struct work *w)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(w->fd, &in);
	w->place->in_lanes = w->mask;
	enter(w->place, POLLING);
	select(w->fd + 1, &in, NULL, NULL, NULL);
	come_out(w->place);
}

static void poller(struct work *w)
{
	struct mailbox_info info;

	for (;;) {
		rest();
		switch (below(4)) {
		case 0:
			poll_by_epoll(w);
			break;
		case 1:
			poll_by_select(w);
			break;
		default:
			wait_by_poll(w, one_in(2) ? POLLIN : POLLIN | POLLOUT);
		}
		info = info_of(w->fd);
		if (info.state == MAILBOX_STATE_DELETED)
			_exit(0);
		if (w->own && one_in(4))
			fcntl(w->fd, F_SETFL, one_in(2) ? O_ASYNC : 0);
		breathe();
	}
}

static __attribute__((noreturn)) void work(struct place *p, int shared_fd, const char *name)
{
	struct work w = { .place = p, .fd = shared_fd, .id = NO_ID };
	struct mailbox_info info;
	pthread_t shaker;

	dice = p->seed;
	signal(SIGIO, SIG_IGN);
	info = info_of(shared_fd);
	w.message_size = info.message_size;
	w.lanes = info.lanes;
	w.all = ~0U >> (32 - info.lanes);
	w.mask = w.all;
	if (one_in(2)) {
		w.own = true;
		w.fd = one_in(2) ? open_node(name, O_RDWR) : open_port(name, O_RDWR);
		if (w.fd == -ENOENT || w.fd == -ENXIO)
			_exit(0);
		if (w.fd < 0)
			complain("an open returned %d", w.fd);
		w.lane = below(w.lanes);
		if (one_in(3))
			w.mask = 1U + below(w.all);
		set_lanes(w.fd, w.mask, w.lane);
		if (one_in(4)) {
			fcntl(w.fd, F_SETOWN, getpid());
			fcntl(w.fd, F_SETFL, O_ASYNC);
		}
	}
	if (one_in(4))
		pthread_create(&shaker, NULL, shake, &w);
	switch (p->role) {
	case SENDER:
		sender(&w);
		break;
	case RECEIVER:
		receiver(&w);
		break;
	case POLLER:
		poller(&w);
	}
	_exit(0);
}

/* The driver */

FIXTURE(death)
{
	const char *name;
	int fd;
	int probe[MAILBOX_LANES_MAX];	/* an endpoint for each lane */
	__u32 lanes;
	__u32 lives;
	/* sums over all ports */
	__u64 kills;
	__u64 messages;
	__u64 sent_doubts;
	__u64 by_the_dead;
};

FIXTURE_VARIANT(death)
{
	__u32 message_size;
	__u32 capacity;
	__u32 lanes;
};

FIXTURE_VARIANT_ADD(death, tiny) { .message_size = 48, .capacity = 2, .lanes = 1 };
FIXTURE_VARIANT_ADD(death, lanes) { .message_size = 300, .capacity = 4, .lanes = 5 };
FIXTURE_VARIANT_ADD(death, pages) { .message_size = 9000, .capacity = 4, .lanes = 1 };
FIXTURE_VARIANT_ADD(death, large) { .message_size = 131072, .capacity = 4, .lanes = 2 };

/* Room for two messages, no page, one structure, no page. */
static bool furnish(struct place *p, __u32 message_size)
{
	size_t room = (2 * message_size + 4095) & -4096UL;

	p->room = shared_memory(room + 3 * 4096);
	p->edge = p->room + room;
	p->message = (struct mailbox_message *)(p->edge + 2 * 4096) - 1;
	return !mprotect(p->edge, 4096, PROT_NONE) &&
	       !mprotect(p->edge + 2 * 4096, 4096, PROT_NONE);
}

FIXTURE_SETUP(death)
{
	static const enum role roles[] = {
		SENDER, RECEIVER, SENDER, RECEIVER, SENDER, RECEIVER, SENDER, RECEIVER, SENDER,
		RECEIVER, POLLER, POLLER,
	};
	int i;

	memset(self, 0, sizeof(*self));
	self->lives = THE_DRAIN;
	ASSERT_EQ(0, setegid(GROUP));
	books = shared_memory(sizeof(*books));
	complaints = &books->complaints;
	memset(arena, POISON, sizeof(arena));	/* there, to be copied */
	for (i = 0; i < PLACES; i++) {
		books->place[i].role = roles[i];
		ASSERT_TRUE(furnish(&books->place[i], variant->message_size));
	}
}

FIXTURE_TEARDOWN(death)
{
}

#define DEATH FIXTURE_DATA(death)

static void occupy(DEATH *self, struct place *p)
{
	pid_t pid;

	p->life = ++self->lives;
	p->seed = roll() | 1;
	p->call = AT_REST;
	p->in_lanes = 0;
	p->out_lanes = 0;
	p->buffer = NULL;
	pid = spawn();
	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		work(p, self->fd, self->name);
	}
	p->pid = pid;
}

static const char *call_name(__u32 call)
{
	static const char *const names[] = { "between calls", "sending", "receiving", "polling" };

	return names[call];
}

/* What is going on, when something is wrong. */
static void show(DEATH *self)
{
	struct mailbox_info info = info_of(self->fd);
	char path[64], state;
	int i;

	say("port: depth %u of %u lanes of %u, %u senders and %u receivers asleep, %u endpoints, sent %llu, received %llu, dropped %llu, put back %llu",
	       info.depth, info.lanes, info.capacity, info.waiting_senders, info.waiting_receivers,
	       info.endpoints, info.messages_sent, info.messages_received, info.messages_dropped,
	       info.redelivered);
	for (i = 0; i < PLACES; i++) {
		struct place *p = &books->place[i];

		if (!p->pid)
			continue;
		state = state_of(p->pid);
		snprintf(path, sizeof(path), "/proc/%d/stack", p->pid);
		say("place %d, life %u: %s for messages %#x slots %#x after %llu calls, state %c\n%s",
		       i, p->life, call_name(p->call), p->in_lanes, p->out_lanes, p->calls, state,
		       slurp(path));
	}
}

/* Whoever was killed: what does its last call mean for the books? */
static void examine(struct place *p)
{
	struct head head;
	__u32 tail;

	if (p->call != RECEIVING || p->proof == NEVER)
		return;
	memcpy(&head, p->buffer, sizeof(head));
	if (head.check != check_of(head.id) || head.length < LENGTH_MIN)
		return;
	switch ((enum proof)p->proof) {
	case BY_TAIL:
		tail = head.length - sizeof(head.id);
		if (head.length > p->edge - p->buffer)
			return;
		if (tail + sizeof(head.id) > sizeof(head) && tail < sizeof(head) + p->gap)
			break;
		if (tail_of(p->buffer, head.length) == head.id)
			take(head.id, p->life);
		return;
	case BY_MESSAGE:
		if (p->message->gid == GROUP)
			take(head.id, p->life);
		return;
	case UNPROVABLE:
	case NEVER:
		break;
	}
	if (head.id < IDS)
		books->entry[head.id].perhaps = true;
}

/* Waits for the end of a process; its status, or -1. */
static int end_of(struct place *p)
{
	int status;

	if (!wait_until(waitpid(p->pid, &status, WNOHANG) == p->pid))
		return -1;
	p->pid = 0;
	return status;
}

static bool kill_one(DEATH *self, struct place *p)
{
	int status;

	kill(p->pid, SIGKILL);
	setpriority(PRIO_PROCESS, p->pid, -20);	/* it shall have the time to die */
	status = end_of(p);
	if (status == -1) {
		say("place %ld cannot be killed", p - books->place);
		return false;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		say("place %ld died of signal %d", p - books->place, WTERMSIG(status));
		return false;
	}
	self->kills++;
	examine(p);
	return true;
}

/* Lanes on which there is something to receive, or room to send. */
static void probe(DEATH *self, __u32 *in, __u32 *out)
{
	struct pollfd fds[MAILBOX_LANES_MAX];
	__u32 n;

	for (n = 0; n < self->lanes; n++)
		fds[n] = (struct pollfd) { self->probe[n], POLLIN | POLLOUT };
	poll(fds, self->lanes, 0);
	*in = *out = 0;
	for (n = 0; n < self->lanes; n++) {
		*in |= !!(fds[n].revents & POLLIN) << n;
		*out |= !!(fds[n].revents & POLLOUT) << n;
	}
}

/* Nobody waits for what is there. */
static bool settled(DEATH *self)
{
	__u32 in, out, i;

	probe(self, &in, &out);
	for (i = 0; i < PLACES; i++) {
		struct place *p = &books->place[i];

		if (!p->pid || p->call == AT_REST)
			continue;
		if (__atomic_load_n(&p->in_lanes, __ATOMIC_SEQ_CST) & in ||
		    __atomic_load_n(&p->out_lanes, __ATOMIC_SEQ_CST) & out)
			return false;
	}
	return true;
}

static void turn_hold(void)
{
	__atomic_fetch_add(&books->hold, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &books->hold, FUTEX_WAKE, PLACES, NULL, NULL, 0);
}

/* All finish their call and rest, and some die of it. Is anybody forgotten? */
static bool pause_all(DEATH *self)
{
	int i, deaths = below(3);
	bool good = true;

	turn_hold();
	while (deaths--) {
		i = below(PLACES);
		if (books->place[i].pid)
			good &= kill_one(self, &books->place[i]);
	}
	if (!wait_until(settled(self))) {
		say("somebody sleeps though what it waits for is there");
		good = false;
	}
	if (!good)
		show(self);
	turn_hold();
	for (i = 0; i < PLACES; i++)
		if (!books->place[i].pid)
			occupy(self, &books->place[i]);
	return good;
}

/* Nobody is left: takes what is still there. The last thing that receive said. */
static long drain(DEATH *self, __u32 message_size)
{
	char *room = books->place[0].room;
	struct head head;
	long ret;

	for (;;) {
		ret = receive_until(self->fd, room, message_size, MAILBOX_NO_WAIT);
		if (ret < 0)
			return ret;
		memcpy(&head, room, sizeof(head));
		inspect(room, ret);
		take(head.id, THE_DRAIN);
	}
}

/* All books are closed: every message is accounted for. */
static void audit(DEATH *self, struct __test_metadata *_metadata, bool purged)
{
	__u64 ids = books->ids < IDS ? books->ids : IDS, id;
	__u64 taken = 0, perhaps = 0, lost = 0, doubts = 0, open = 0;
	struct mailbox_info info = info_of(self->fd);

	for (id = 0; id < ids; id++) {
		struct entry *e = &books->entry[id];

		if (e->taker) {
			taken++;
			if (e->sent == REFUSED)
				complain("message %llu was refused, and came", id);
			if (e->sent == INTENDED)
				doubts++;
		} else if (e->perhaps && e->sent != REFUSED) {
			perhaps++;
		} else if (e->sent == ACCEPTED) {
			if (!purged)
				complain("message %llu of %llu is lost", id, ids);
			lost++;
		} else if (e->sent == INTENDED) {
			open++;
		}
	}
	if (!purged && info.messages_received != taken + perhaps)
		say("taken %llu, perhaps %llu, lost %llu, in doubt %llu; the port: sent %llu, received %llu, dropped %llu",
		       taken, perhaps, lost, open, info.messages_sent, info.messages_received,
		       info.messages_dropped);
	ASSERT_NO_COMPLAINT();
	ASSERT_EQ(0, info.depth);
	ASSERT_EQ(0, info.waiting_senders);
	ASSERT_EQ(0, info.waiting_receivers);
	ASSERT_EQ(1 + self->lanes, info.endpoints);
	ASSERT_EQ(info.messages_sent, info.messages_received + info.messages_dropped);
	if (purged) {
		ASSERT_LE(taken, info.messages_received);
		ASSERT_GE(taken + perhaps, info.messages_received);
		ASSERT_LE(lost, info.messages_dropped);
		ASSERT_GE(lost + perhaps + open, info.messages_dropped);
	} else {
		ASSERT_EQ(taken + perhaps, info.messages_received);
		ASSERT_EQ(0, info.messages_dropped);
	}
	ASSERT_GE(self->kills, perhaps + doubts);
	self->messages += taken;
	self->sent_doubts += doubts;
	self->by_the_dead += perhaps;
}

/* A port, from its creation to its end, and so many deaths. */
static void life_of_a_port(DEATH *self, struct __test_metadata *_metadata,
			   const FIXTURE_VARIANT(death) *variant)
{
	const char *name = port_name("death");
	__u32 n, killed = 0, next_pause = KILLS_PER_REST;
	bool purged = false;
	struct place *p;
	long ret;

	memset(books->entry, 0, sizeof(books->entry));
	books->ids = 1;	/* 0 is the tail of a buffer that nobody has written to */
	self->lanes = variant->lanes;
	self->name = name;
	self->fd = create(name, .message_size = variant->message_size,
			  .capacity = variant->capacity, .lanes = variant->lanes);
	ASSERT_LE(0, self->fd);
	for (n = 0; n < self->lanes; n++) {
		self->probe[n] = open_port(name, O_RDWR);
		ASSERT_LE(0, self->probe[n]);
		ASSERT_EQ(0, set_lanes(self->probe[n], 1U << n, n));
	}
	for (n = 0; n < PLACES; n++)
		occupy(self, &books->place[n]);

	while (killed < KILLS_PER_PORT) {
		struct timespec t = { .tv_nsec = below(3000000) };

		if (!one_in(4))
			nanosleep(&t, NULL);
		for (n = 1 + below(3); n; n--) {
			p = &books->place[below(PLACES)];
			ASSERT_TRUE(kill_one(self, p)) {
				show(self);
			}
			occupy(self, p);
			killed++;
		}
		ASSERT_NO_COMPLAINT();
		if (killed >= next_pause) {
			ASSERT_TRUE(pause_all(self));
			next_pause += KILLS_PER_REST;
		}
	}

	switch (below(4)) {
	case 0:		/* no survivors; what is queued stays */
		for (n = 0; n < PLACES; n++) {
			ASSERT_TRUE(kill_one(self, &books->place[n]));
		}
		ASSERT_EQ(-EAGAIN, drain(self, variant->message_size));
		ASSERT_EQ(0, delete_port(name, 0));
		break;
	case 1:
		purged = true;
	/* fallthrough */
	default:
		ASSERT_EQ(0, delete_port(name, purged ? MAILBOX_DELETE_PURGE : 0));
		for (n = below(4); n; n--) {
			p = &books->place[below(PLACES)];
			if (p->pid) {
				ASSERT_TRUE(kill_one(self, p));
			}
		}
	}
	/* Whoever still lives leaves by itself. */
	for (n = 0; n < PLACES; n++) {
		if (!books->place[n].pid)
			continue;
		ret = end_of(&books->place[n]);
		ASSERT_EQ(0, ret) {
			say("place %u does not end when the port does", n);
			show(self);
		}
	}
	ASSERT_EQ(-EIDRM, drain(self, variant->message_size));
	audit(self, _metadata, purged);
	for (n = 0; n < self->lanes; n++)
		close(self->probe[n]);
	close(self->fd);
}

TEST_F_TIMEOUT(death, accounts, 1 << 20)
{
	__u64 kills = (number_from("DEATH_KILLS", KILLS_DEFAULT * effort()) + 3) / 4, start;
	struct mailbox_query before = query(), after;

	seed_from("DEATH_SEED");
	setpriority(PRIO_PROCESS, 0, -20);	/* the workers keep the machine busy */
	start = clock_ns(CLOCK_MONOTONIC);
	while (self->kills < kills)
		life_of_a_port(self, _metadata, variant);
	after = query();
	EXPECT_EQ(before.ports, after.ports);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	report("%llu kills survived in %llu s, with %llu messages; killed in doubt: %llu senders whose message came, %llu receivers that took theirs",
	       self->kills, (clock_ns(CLOCK_MONOTONIC) - start) / 1000000000ULL, self->messages,
	       self->sent_doubts, self->by_the_dead);
}

TEST_HARNESS_MAIN
