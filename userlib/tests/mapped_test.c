// SPDX-License-Identifier: MIT
/*
 * A mapped endpoint without the module: a memfd laid out as the module does it is the
 * port, and the system calls that the library makes on it are wrapped (see the Makefile).
 * The real thing is in map.c; here the sanitizers look on.
 */
#include <errno.h>
#include <linux/mailbox_ring.h>
#include <mailbox.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define PAGE	4096
#define SIZE	100		/* of a message */
#define SLOTS	4
#define LANES	3

static struct {
	int fd;
	struct mailbox_info info;
	struct mailbox_shared *shared;
	int kicks, calls, ends, end_error;
	unsigned long request;	/* the last one, of what is no kick and so on */
	struct mailbox_kick kick;
} port = { .fd = -1 };

static struct mailbox_lane lane_view(unsigned int n)
{
	uint32_t stride = mailbox_slot_stride(SIZE);

	return (struct mailbox_lane){
		.slots = (char *)port.shared + PAGE + (size_t)n * SLOTS * stride,
		.capacity = SLOTS,
		.stride = stride,
	};
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != port.fd) {
		errno = EBADF;
		return -1;
	}
	if (request == MAILBOX_IOC_INFO) {
		memcpy(arg, &port.info, sizeof(port.info));
		return 0;
	}
	if (request == MAILBOX_IOC_KICK) {
		port.kicks++;
		port.kick = *(struct mailbox_kick *)arg;
		return 0;
	}
	if (request == MAILBOX_IOC_END) {
		port.ends++;
		errno = port.end_error;
		return port.end_error ? -1 : 0;
	}
	port.calls++;
	port.request = request;
	errno = EIDRM;
	return -1;
}

ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	(void)fd;
	(void)buf;
	(void)size;
	port.calls++;
	errno = EINTR;
	return -1;
}

ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	return __wrap_read(fd, (void *)(uintptr_t)buf, size);
}

/* As many processors as we say, and a clock that runs by itself: 100 ns from one look to the next. */
static struct {
	long processors;
	long ns;
	int looks;
	int then;		/* at this look @event comes to pass */
	void (*event)(void);
} machine = { .processors = 2 };

long __real_sysconf(int name);
long __wrap_sysconf(int name);
long __wrap_sysconf(int name)
{
	return name == _SC_NPROCESSORS_ONLN ? machine.processors : __real_sysconf(name);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	machine.ns += 100;
	t->tv_sec = 7;
	t->tv_nsec = machine.ns;
	if (++machine.looks == machine.then)
		machine.event();
	return 0;
}

/* A port that is new, and an endpoint on it. */
static struct mailbox *begin_port(int flags, uint32_t port_flags)
{
	struct mailbox_lane view;
	struct mailbox *mb;
	unsigned int n, p;

	memset(&port, 0, sizeof(port));
	port.fd = memfd_create("mapped_test", MFD_CLOEXEC);
	port.info.size = sizeof(port.info);
	port.info.lanes = LANES;
	port.info.capacity = SLOTS;
	port.info.message_size = SIZE;
	port.info.receive_mask = ~0U;
	port.info.owner = 7;
	port.info.endpoint = 9;
	port.info.map_bytes = 2 * PAGE;
	port.info.flags = port_flags;
	if (ftruncate(port.fd, port.info.map_bytes))
		exit(1);
	port.shared = mmap(NULL, port.info.map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, port.fd, 0);
	port.shared->version = MAILBOX_SHARED_VERSION;
	port.shared->lanes = LANES;
	port.shared->capacity = SLOTS;
	port.shared->stride = mailbox_slot_stride(SIZE);
	port.shared->message_size = SIZE;
	port.shared->slots = PAGE;
	port.shared->bytes = port.info.map_bytes;
	for (n = 0; n < LANES; n++) {
		view = lane_view(n);
		for (p = 0; p < SLOTS; p++)
			mailbox_lane_slot(&view, p)->word = mailbox_word(p, 0, MAILBOX_PHASE_FREE);
	}
	fcntl(port.fd, F_SETFL, flags);
	mb = mailbox_from_fd(port.fd);
	if (!mb || mailbox_map(mb)) {
		puts("Bail out! no mapping");
		exit(1);
	}
	return mb;
}

static struct mailbox *begin(int flags)
{
	return begin_port(flags, 0);
}

static void end(struct mailbox *mb)
{
	munmap(port.shared, port.info.map_bytes);
	mailbox_close(mb);
}

static char *bytes(size_t n, unsigned int seed)
{
	char *p = malloc(n ? n : 1);
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = seed + 3 * i;
	return p;
}

/* Buffers of the very length, for the sanitizer to watch their ends. */
static bool length_right(struct mailbox *mb, size_t n, bool tag)
{
	char *out = bytes(n, n), *in = bytes(n, 0), *slot;
	struct mailbox_msg tx = { .data = out, .length = n, .tag = tag ? ~0ULL : 0 };
	struct mailbox_msg rx = { .data = in, .size = n, .lane = 99, .tag = 99 };
	struct mailbox_lane view = lane_view(0);
	bool right;
	size_t i;

	tx.lane = MAILBOX_LANE_DEFAULT;
	if (tag) {
		right = !mailbox_send_msg(mb, &tx, MAILBOX_NO_WAIT);
	} else {
		right = !mailbox_send(mb, out, n);
		tx.ticket = n;
	}
	slot = (char *)(mailbox_lane_slot(&view, tx.ticket) + 1) + (tag ? 8 : 0);
	right = right && (!n || !memcmp(slot, out, n));
	for (i = n; i < SIZE; i++)	/* nothing else was touched */
		right = right && slot[i] == (char)0xee;
	if (tag)
		right = right && mailbox_receive_msg(mb, &rx, MAILBOX_NO_WAIT) == (int)n &&
			rx.length == n && rx.tag == ~0ULL && rx.ticket == tx.ticket && !rx.lane &&
			rx.sender == 9 && !rx.pid && rx.uid == ~0U && rx.gid == ~0U && !rx.status;
	else
		right = right && mailbox_receive(mb, in, n) == (int)n;
	right = right && (!n || !memcmp(in, out, n));
	memset(mailbox_lane_slot(&view, tx.ticket) + 1, 0xee, SIZE + 8);
	free(out);
	free(in);
	return right;
}

static void test_lengths(void)
{
	struct mailbox *mb = begin(0);
	struct mailbox_lane view = lane_view(0);
	unsigned int n;

	for (n = 0; n < SLOTS; n++)
		memset(mailbox_lane_slot(&view, n) + 1, 0xee, SIZE + 8);
	for (n = 0; n <= SIZE && length_right(mb, n, false); n++)
		;
	ok(n == SIZE + 1, "each length, its bytes and no others");
	for (n = 0; n <= SIZE && length_right(mb, n, true); n++)
		;
	ok(n == SIZE + 1, "each length behind a tag");
	ok(!port.calls && !port.kicks, "without a system call");
	end(mb);
}

static void test_refusals(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	char *big = bytes(SIZE + 1, 1), small[3];
	struct mailbox_msg tx = { .data = big, .length = 1, .lane = LANES };
	struct mailbox_msg rx = { .data = small, .size = 3 };
	int i;

	ok(mailbox_send(mb, big, SIZE + 1) == -EMSGSIZE, "too long");
	ok(mailbox_send_msg(mb, &tx, MAILBOX_FOREVER) == -EINVAL, "no such lane");
	ok(mailbox_reserve(mb, &tx, MAILBOX_FOREVER) == -EINVAL, "no such lane to reserve in");
	tx.lane = 0;
	tx.flags = 1U << 31;
	ok(mailbox_send_msg(mb, &tx, MAILBOX_FOREVER) == -EINVAL &&
	   mailbox_reserve(mb, &tx, MAILBOX_FOREVER) == -EINVAL, "no such flag");
	rx.flags = 1U << 31;
	ok(mailbox_receive_msg(mb, &rx, MAILBOX_FOREVER) == -EINVAL &&
	   mailbox_peek(mb, &rx, MAILBOX_FOREVER) == -EINVAL, "no such flag to receive with");
	rx.flags = 0;
	ok(mailbox_receive(mb, small, 3) == -EAGAIN, "empty");
	for (i = 0; i < SLOTS; i++)
		mailbox_send(mb, big, 5);
	ok(mailbox_send(mb, big, 5) == -EAGAIN, "full");
	ok(mailbox_receive(mb, small, 3) == -EMSGSIZE &&
	   mailbox_receive_msg(mb, &rx, MAILBOX_FOREVER) == -EMSGSIZE && rx.length == 5,
	   "one that does not fit stays");
	rx.flags = MAILBOX_RECV_TRUNCATE;
	ok(mailbox_receive_msg(mb, &rx, MAILBOX_FOREVER) == 3 && rx.length == 5 &&
	   rx.status == MAILBOX_MSG_TRUNCATED && !memcmp(small, big, 3), "or comes in part");
	ok(!port.calls && !port.kicks, "all without a system call");
	free(big);
	end(mb);
}

static void test_waits(void)
{
	struct mailbox *mb = begin(0);
	int i;

	ok(mailbox_receive(mb, NULL, 0) == -EINTR && port.calls == 1,
	   "an empty port is for the kernel to wait on");
	for (i = 0; i < SLOTS; i++)
		mailbox_send(mb, "x", 1);
	ok(mailbox_send(mb, "x", 1) == -EINTR && port.calls == 2, "and a full one");
	end(mb);
}

/* Another participant's message, without a kick: nobody sleeps. */
static void somebody_sends(void)
{
	struct mailbox_lane view = lane_view(0);
	__u64 position = 0, word;

	if (mailbox_find_free(&view, &position, &word) == MAILBOX_FIND_SLOT &&
	    mailbox_slot_claim(&view, position, word, 3)) {
		*(char *)mailbox_slot_write(&view, position, 1, 0, 3) = 'x';
		mailbox_slot_publish(&view, position, 3);
	}
}

/* Looks at the clock until the kernel is asked to wait. */
static int looks_in_vain(struct mailbox *mb)
{
	char c;

	machine.looks = machine.then = 0;
	return mailbox_receive(mb, &c, 1) == -EINTR ? machine.looks : -1;
}

/* Whether it is there at the so-manieth look. */
static bool comes_at(struct mailbox *mb, int look)
{
	int calls = port.calls;
	char c = 0;

	machine.looks = 0;
	machine.then = look;
	machine.event = somebody_sends;
	return mailbox_receive(mb, &c, 1) == 1 && c == 'x' && machine.looks <= look + 1 &&
	       port.calls == calls;
}

static void test_spin(void)
{
	struct mailbox *mb = begin(0);
	int first, i, wrong = 0, again = 0;

	first = looks_in_vain(mb);
	ok(first > 1 && first <= 162, "with other processors a receiver looks again before it sleeps, for 16 us");
	for (i = 0; i < 3; i++)
		wrong |= looks_in_vain(mb) != first;
	wrong |= looks_in_vain(mb) != 0;
	ok(!wrong, "in vain four times, it goes to sleep at once");
	for (i = 0; i < 512; i++) {
		int looks = looks_in_vain(mb);

		again += looks == first;
		wrong |= looks && looks != first;
	}
	ok(!wrong && again == 2, "but tries again now and then: %d times of 512", again);
	for (i = 0; i < 255 && !comes_at(mb, first - 1); i++)
		;
	ok(i < 255 && comes_at(mb, 2), "what comes meanwhile takes no system call");
	ok(looks_in_vain(mb) == first, "and because it paid, it looks again the next time");
	for (i = 0; i < SLOTS; i++)
		somebody_sends();
	machine.looks = 0;
	ok(mailbox_send(mb, "x", 1) == -EINTR && machine.looks > 1, "a sender does the same");
	machine.looks = 0;
	ok(mailbox_reserve(mb, &(struct mailbox_msg) { 0 }, MAILBOX_FOREVER) == -EIDRM &&
	   machine.looks > 1, "and who sends in place");
	end(mb);
	mb = begin(0);
	machine.looks = 0;
	ok(mailbox_peek(mb, &(struct mailbox_msg) { 0 }, MAILBOX_FOREVER) == -EIDRM &&
	   machine.looks > 1, "and who receives in place");
	end(mb);

	machine.processors = 1;
	mb = begin(0);
	ok(!looks_in_vain(mb) && port.calls == 1, "with one processor it goes to sleep at once");
	end(mb);
	machine.processors = 2;
	mb = begin(O_NONBLOCK);
	machine.looks = 0;
	ok(mailbox_receive(mb, &(char) { 0 }, 1) == -EAGAIN && !machine.looks,
	   "who does not wait does not look again");
	end(mb);
}

static void test_send_receive(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	char buf[8];
	struct mailbox_msg out = { .data = "abc", .length = 3 }, in = { .data = buf, .size = 8 };
	int pending = 1;

	ok(mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) == 3 && !pending &&
	   !memcmp(buf, "abc", 3) && !port.calls && !port.kicks,
	   "while nobody sleeps a turn takes no system call");
	ok(mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) == -EAGAIN && !pending,
	   "what was sent is not sent again");
	port.shared->receivers.word = 1;
	pending = 1;
	ok(mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) == -EIDRM &&
	   pending == 1 && port.calls == 1 && !port.kicks && port.request == MAILBOX_IOC_EXCHANGE,
	   "and if somebody does, one");
	port.shared->receivers.word = 0;
	out.length = SIZE + 1;
	ok(mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) == -EMSGSIZE &&
	   pending == 1 && port.calls == 1, "what cannot be sent is still to be");
	end(mb);
}

static void test_send_receive_waits(void)
{
	char buf[8];
	struct mailbox_msg out = { .data = "abc", .length = 3, .lane = 1 };
	struct mailbox_msg in = { .data = buf, .size = 8 };
	struct mailbox *mb = begin(0);
	int pending, i, wrong = 0;

	/* From the first lane alone. */
	mailbox_unmap(mb);
	port.info.receive_mask = 1;
	wrong |= mailbox_map(mb);
	port.shared->receivers.word = 1;
	for (i = 0; i < 4; i++) {
		pending = 1;
		wrong |= mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) != -EIDRM ||
			 pending || port.kicks != i + 1 || port.request != MAILBOX_IOC_RECEIVE;
	}
	ok(!wrong, "who may be answered before he sleeps wakes up the other one, and looks");
	pending = 1;
	ok(mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) == -EIDRM &&
	   pending && port.kicks == 4 && port.request == MAILBOX_IOC_EXCHANGE,
	   "but not if that was in vain the last times");
	end(mb);
}

static void test_lanes(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	struct mailbox_msg msg = { .data = "abc" };
	char c;
	int i, wrong = 0;

	for (i = 0; i < LANES; i++) {
		msg.lane = i;
		msg.length = 1;
		msg.data = "abc" + i;
		wrong |= mailbox_send_msg(mb, &msg, MAILBOX_NO_WAIT);
	}
	for (i = LANES; i-- > 0;)
		wrong |= mailbox_receive(mb, &c, 1) != 1 || c != "abc"[i];
	ok(!wrong, "the highest lane first");
	port.shared->lane[1].parked = 1;
	ok(mailbox_receive(mb, &c, 1) == -EINTR && port.calls == 1, "what is parked the kernel gives");
	msg.lane = 2;
	ok(!mailbox_send_msg(mb, &msg, 0) && mailbox_receive(mb, &c, 1) == 1,
	   "but what is above that we take");
	end(mb);
}

static void test_kicks(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	char c;

	port.shared->receivers.word = 1;
	mailbox_send(mb, "x", 1);
	ok(port.kicks == 1 && port.kick.receivers == 1 && !port.kick.senders,
	   "a sleeping receiver is kicked");
	mailbox_send(mb, "y", 1);
	port.kicks = 0;
	mailbox_receive(mb, &c, 1);
	ok(port.kicks == 1 && port.kick.receivers == 1, "the next one too, while there is more");
	mailbox_receive(mb, &c, 1);
	ok(port.kicks == 1, "and no longer");
	port.shared->receivers.word = 0;
	port.shared->senders.word = 1;
	port.kicks = 0;
	mailbox_send(mb, "x", 1);
	ok(port.kicks == 1 && port.kick.senders == 1, "the next sender, while there is room");
	mailbox_receive(mb, &c, 1);
	ok(port.kicks == 2 && port.kick.senders == 1, "and when there is room again");
	port.shared->senders.word = MAILBOX_WAITERS_CLOSED;
	ok(mailbox_send(mb, "x", 1) == -EINTR && port.calls == 1 &&
	   port.shared->lane[0].discarded == 1, "a deleted port: the kernel knows what to say");
	port.shared->receivers.word = MAILBOX_WAITERS_CLOSED;
	ok(mailbox_receive(mb, &c, 1) == -EINTR && port.calls == 2, "to a receiver too");
	end(mb);
}

/* Others who write in the memory. */
static void test_lies(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	struct mailbox_lane view = lane_view(LANES - 1);	/* behind it the mapping ends */
	struct mailbox_msg msg = { .lane = LANES - 1, .data = "x", .length = 1 }, in[SLOTS];
	static char buf[SLOTS][2 * PAGE];
	int i;

	for (i = 0; i < SLOTS; i++) {
		mailbox_send_msg(mb, &msg, 0);
		mailbox_lane_slot(&view, i)->header = ~MAILBOX_SLOT_RECEIPT;
		in[i] = (struct mailbox_msg){ .data = buf[i], .size = sizeof(buf[i]) };
	}
	ok(mailbox_receive(mb, buf, sizeof(buf)) == SIZE, "a length is never more than there is");
	ok(mailbox_receive(mb, buf, 8) == -EMSGSIZE, "nor does it overrun a buffer");
	ok(mailbox_receive_batch(mb, in, SLOTS, 0) == SLOTS - 1 && in[0].length == SIZE,
	   "in a batch");
	for (i = 0; i < SLOTS; i++)
		in[i] = (struct mailbox_msg){ .data = "x", .length = 1, .lane = LANES - 1 };
	ok(mailbox_send_batch(mb, in, SLOTS, 0) == SLOTS, "a batch");
	for (i = 0; i < SLOTS; i++) {
		mailbox_lane_slot(&view, i)->header = ~MAILBOX_SLOT_RECEIPT;
		in[i] = (struct mailbox_msg){ .data = buf[i], .size = sizeof(buf[i]) };
	}
	ok(mailbox_receive_batch(mb, in, SLOTS, 0) == SLOTS && in[SLOTS - 1].length == SIZE,
	   "in a range");
	mailbox_lane_slot(&view, 2 * SLOTS)->word = ~0ULL;
	ok(mailbox_receive(mb, buf, SIZE) == -EINTR && mailbox_send_msg(mb, &msg, 0) == -EIDRM,
	   "a word that no rule could have made is for the kernel");
	end(mb);
}

static void test_batches(void)
{
	struct mailbox *mb = begin(O_NONBLOCK);
	struct mailbox_msg out[SLOTS], in[SLOTS];
	char text[SLOTS][SIZE];
	int i, n, wrong = 0;

	for (i = 0; i < SLOTS; i++) {
		out[i] = (struct mailbox_msg){ .data = "abcdefgh" + i, .length = 8 - i, .tag = i };
		in[i] = (struct mailbox_msg){ .data = text[i], .size = SIZE };
	}
	for (n = 1; n <= 3 * SLOTS; n++) {
		int sent = 1 + n % SLOTS, got;

		wrong |= mailbox_send_batch(mb, out, sent, 0) != sent;
		got = mailbox_receive(mb, text[0], SIZE) == 8 ? 1 : 0;	/* one alone, then the rest */
		if (sent > 1)
			got += mailbox_receive_batch(mb, in, SLOTS, 0);
		wrong |= got != sent;
		for (i = 0; i < sent - 1; i++)
			wrong |= in[i].tag != (uint64_t)i + 1 || in[i].length != 7U - i ||
				 memcmp(text[i], "bcdefgh" + i, 7 - i);
	}
	ok(!wrong && !port.calls, "batches, split, at every place of the array");
	end(mb);
}

/* Another endpoint has gone on for longer than one walks. */
static void test_far_behind(void)
{
	struct mailbox *mb = begin(O_NONBLOCK), *late = mailbox_from_fd(port.fd);
	char text[SIZE];
	struct mailbox_msg out[2] = { { .data = text, .length = 1 }, { .data = text, .length = 1 } };
	struct mailbox_msg in[2] = { { .data = text, .size = SIZE }, { .data = text, .size = SIZE } };
	bool right = late && !mailbox_map(late);
	int i;

	for (i = 0; i < 1000; i++)
		right = right && !mailbox_send(mb, "a", 1) && mailbox_receive(mb, text, SIZE) == 1;
	right = right && port.shared->lane[0].hint && mailbox_send_batch(mb, out, 2, 0) == 2;
	ok(right && mailbox_receive_batch(late, in, 2, 0) == 2 && in[0].ticket == 1000 &&
	   in[1].ticket == 1001, "who is far behind receives what comes next");
	ok(!mailbox_send_msg(late, out, MAILBOX_NO_WAIT) && out->ticket == 1002 &&
	   mailbox_receive_msg(mb, in, MAILBOX_NO_WAIT) == 1 && in->ticket == 1002 && !port.calls,
	   "and sends where the others are");
	mailbox_close(late);
	end(mb);
}

/* One process holds both ends here: this kernel does not mind. */
static void test_direct(void)
{
	struct mailbox *mb = begin_port(O_NONBLOCK, MAILBOX_DIRECT);
	struct mailbox_lane view = lane_view(0);
	struct mailbox_msg tx = { .data = "tagged", .length = 6, .lane = 2, .tag = 5 };
	char text[SIZE];
	struct mailbox_msg rx = { .data = text, .size = SIZE };
	unsigned int n;

	ok(!mailbox_send(mb, "1", 1) && !mailbox_send(mb, "2", 1) && port.ends == 1,
	   "direct: asks for its end once");
	ok(mailbox_lane_word(&view, 0) == mailbox_word(0, 9, MAILBOX_PHASE_READY) &&
	   mailbox_lane_word(&view, 1) == mailbox_word(1, 9, MAILBOX_PHASE_READY),
	   "direct: sends");
	ok(mailbox_receive(mb, text, SIZE) == 1 && *text == '1' &&
	   mailbox_receive(mb, text, SIZE) == 1 && *text == '2' && port.ends == 2 &&
	   mailbox_receive(mb, text, SIZE) == -EAGAIN, "direct: receives");
	ok(!mailbox_send_msg(mb, &tx, MAILBOX_FOREVER) && !mailbox_send(mb, "low", 3) &&
	   mailbox_receive_msg(mb, &rx, MAILBOX_FOREVER) == 6 && rx.tag == 5 && rx.lane == 2 &&
	   rx.sender == 9 && mailbox_receive(mb, text, 2) == -EMSGSIZE &&
	   mailbox_receive(mb, text, 3) == 3, "direct: lanes, tags, lengths");
	for (n = 0; n < 2 * SLOTS; n++)
		if (mailbox_send(mb, text, 3))
			break;
	ok(n == SLOTS && mailbox_send(mb, text, 3) == -EAGAIN, "direct: full");
	while (mailbox_receive(mb, text, SIZE) == 3)
		;
	for (n = 0; n < SLOTS; n++)
		memset(mailbox_lane_slot(&view, n) + 1, 0xee, SIZE + 8);
	for (n = 0; n <= SIZE && length_right(mb, n, true); n++)
		;
	ok(n == SIZE + 1 && !port.calls && !port.kicks, "direct: each length");
	end(mb);
}

static void test_direct_in_place(void)
{
	struct mailbox *mb = begin_port(O_NONBLOCK, MAILBOX_DIRECT);
	struct mailbox_msg msg = { .lane = 0, .tag = 3 }, other = { .lane = 0 };

	ok(!mailbox_reserve(mb, &msg, 0) && !mailbox_reserve(mb, &other, 0) &&
	   msg.ticket == 0 && other.ticket == 1, "direct: reserves");
	memcpy(msg.data, "in place", 8);
	msg.length = 8;
	ok(mailbox_receive(mb, NULL, 0) == -EAGAIN && !mailbox_discard(mb, &other) &&
	   !mailbox_submit(mb, &msg), "direct: submits and discards");
	ok(!mailbox_peek(mb, &msg, 0) && msg.length == 8 && msg.tag == 3 &&
	   !memcmp(msg.data, "in place", 8) && !mailbox_release(mb, &msg) &&
	   mailbox_peek(mb, &msg, 0) == -EAGAIN && !port.calls, "direct: peeks and releases");
	end(mb);
}

static void test_direct_batches(void)
{
	struct mailbox *mb = begin_port(O_NONBLOCK, MAILBOX_DIRECT);
	struct mailbox_msg out[SLOTS + 1], in[SLOTS + 1];
	char text[SLOTS + 1][SIZE];
	int i, n, wrong = 0;

	for (i = 0; i <= SLOTS; i++) {
		out[i] = (struct mailbox_msg){ .data = "abcdefgh" + i, .length = 8 - i, .tag = i };
		in[i] = (struct mailbox_msg){ .data = text[i], .size = SIZE };
	}
	port.shared->receivers.word = 1;
	ok(mailbox_send_batch(mb, out, SLOTS, 0) == SLOTS && port.kicks == 1,
	   "direct: a batch, and one kick");
	port.shared->receivers.word = 0;
	ok(mailbox_send_batch(mb, out, 1, 0) == -EAGAIN, "direct: full");
	port.shared->senders.word = 1;
	ok(mailbox_receive_batch(mb, in, SLOTS + 1, 0) == SLOTS && port.kicks == 2,
	   "direct: what there is, and one kick");
	port.shared->senders.word = 0;
	for (n = 1; n < 40; n++) {
		int sent = 1 + n % SLOTS;

		wrong |= mailbox_send_batch(mb, out, sent, 0) != sent;
		wrong |= mailbox_receive_batch(mb, in, SLOTS, 0) != sent;
		for (i = 0; i < sent; i++)
			wrong |= in[i].tag != (uint64_t)i || in[i].length != 8U - i ||
				 memcmp(text[i], "abcdefgh" + i, 8 - i);
	}
	ok(!wrong && !port.calls, "direct: batches at every place");
	ok(mailbox_send_batch(mb, out, SLOTS + 1, 0) == SLOTS, "direct: as many as there is room for");
	in[1].size = 3;
	ok(mailbox_receive_batch(mb, in, SLOTS, 0) == 1 && mailbox_receive_batch(mb, in + 1, 1, 0) ==
	   -EMSGSIZE, "direct: up to one that does not fit");
	end(mb);
}

static void test_direct_ends(void)
{
	struct mailbox *mb = begin_port(O_NONBLOCK, MAILBOX_DIRECT);
	char c;
	int i;

	port.end_error = EBUSY;
	ok(mailbox_send(mb, "x", 1) == -EBUSY && mailbox_receive(mb, &c, 1) == -EBUSY,
	   "direct: an end that is not ours");
	port.end_error = 0;
	port.shared->senders.word = 1;
	mailbox_send(mb, "x", 1);
	ok(!port.kicks, "direct: there is no other sender");
	port.shared->receivers.word = 1;
	mailbox_receive(mb, &c, 1);
	ok(port.kicks == 1 && port.kick.senders == 1 && !port.kick.receivers,
	   "direct: nor another receiver");
	port.shared->senders.word = MAILBOX_WAITERS_GONE;
	ok(mailbox_send(mb, "x", 1) == -EINTR && port.calls == 1 && !port.shared->lane[0].discarded,
	   "direct: no receiver: for the kernel to say, and nothing is void");
	port.shared->senders.word = 0;
	port.shared->receivers.word = 0;
	for (i = 0; i < SLOTS; i++)
		mailbox_send(mb, "x", 1);
	port.shared->senders.word = MAILBOX_WAITERS_GONE;
	ok(mailbox_send(mb, "x", 1) == -EINTR, "direct: also of a full port");
	port.shared->receivers.word = MAILBOX_WAITERS_GONE;
	for (i = 0; i < SLOTS; i++)
		mailbox_receive(mb, &c, 1);
	ok(port.calls == 2 && mailbox_receive(mb, &c, 1) == -EINTR && port.calls == 3,
	   "direct: no sender: what is left, and then the kernel");
	end(mb);
}

static void test_receipts_and_leases(void)
{
	struct mailbox_msg tx = { .data = "x", .length = 1, .flags = MAILBOX_SEND_RECEIPT };
	struct mailbox_msg in[SLOTS], out[SLOTS];
	struct mailbox *mb = begin(0);
	char c[SLOTS];
	int i;

	ok(mailbox_send_msg(mb, &tx, 0) == -EIDRM && port.calls == 1 &&
	   mailbox_call(mb, &tx, NULL, 0) == -EIDRM && port.calls == 2 &&
	   mailbox_wait_receipt(mb, &(struct mailbox_result){ 0 }, 0) == -EIDRM && port.calls == 3,
	   "receipts are the kernel's");
	for (i = 0; i < SLOTS; i++) {
		out[i] = (struct mailbox_msg){ .data = "x", .length = 1 };
		in[i] = (struct mailbox_msg){ .data = &c[i], .size = 1 };
	}
	out[2].flags = MAILBOX_SEND_RECEIPT;
	ok(mailbox_send_batch(mb, out, SLOTS, 0) == 2 && port.calls == 4, "in a batch too");
	in[0].flags = MAILBOX_RECV_LEASE;
	ok(mailbox_receive_msg(mb, in, 0) == -EIDRM && port.calls == 5, "so are leases");
	in[0].flags = 0;
	in[1].flags = MAILBOX_RECV_LEASE;
	ok(mailbox_receive_batch(mb, in, SLOTS, 0) == 1 && port.calls == 6 &&
	   mailbox_receive_batch(mb, in + 1, SLOTS - 1, 0) == -EIDRM && port.calls == 7,
	   "in a batch too, whatever was sent as one");
	end(mb);
}

static void test_unmapped(void)
{
	struct mailbox *mb = begin(0);
	char c;

	mailbox_unmap(mb);
	ok(mailbox_receive(mb, &c, 1) == -EINTR && mailbox_send(mb, "x", 1) == -EINTR &&
	   port.calls == 2, "unmapped: by system call");
	end(mb);
}

int main(void)
{
	test_lengths();
	test_refusals();
	test_waits();
	test_spin();
	test_send_receive();
	test_send_receive_waits();
	test_lanes();
	test_kicks();
	test_lies();
	test_batches();
	test_far_behind();
	test_direct();
	test_direct_in_place();
	test_direct_batches();
	test_direct_ends();
	test_receipts_and_leases();
	test_unmapped();
	return done();
}
